/*
 * The location where an operator ends users, sessions and tokens before their
 * time.
 */

#include "ngx_http_para_auth.h"


#define NGX_HTTP_PARA_AUTH_REVOKE_ANSWER  128   /* bytes, of what was ended */


static ngx_uint_t ngx_http_para_auth_sends_json(ngx_http_request_t *r);
static void ngx_http_para_auth_revoke_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_revoke_read(ngx_http_request_t *r,
    ngx_str_t *text);
static ssize_t ngx_http_para_auth_revoke_copy(ngx_buf_t *buf, u_char *dst);
static ngx_int_t ngx_http_para_auth_revoke_text(ngx_http_request_t *r,
    const ngx_str_t *text);
static ngx_int_t ngx_http_para_auth_revoke_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *why);
static ngx_int_t ngx_http_para_auth_revoke_send(ngx_http_request_t *r,
    ngx_uint_t status, const ngx_str_t *json);


ngx_int_t
ngx_http_para_auth_revoke_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    if (r->method != NGX_HTTP_POST || r != r->main) {
        /* RFC 9110 15.5.6 */

        return ngx_http_para_auth_content_header(r, "Allow", "POST") == NGX_OK
               ? ngx_http_para_auth_revoke_refuse(r, NGX_HTTP_NOT_ALLOWED,
                     "a revocation is a POST with a JSON object")
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_http_para_auth_sends_json(r)) {
        return ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                     "a revocation is JSON: send \"Content-Type: "
                     "application/json\"");
    }

    if (r->headers_in.content_length_n > PARA_REVOCATION_SIZE_MAX) {
        return ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                     "a revocation has at most 32768 bytes");
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_para_auth_revoke_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* RFC 9110 8.3.1: a type without regard to case, then maybe parameters */

static ngx_uint_t
ngx_http_para_auth_sends_json(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    static const ngx_str_t  json = ngx_string("application/json");

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    for (len = 0; len < type->len; len++) {
        if (type->data[len] == ';' || type->data[len] == ' '
            || type->data[len] == '\t')
        {
            break;
        }
    }

    return len == json.len
           && ngx_strncasecmp(type->data, json.data, json.len) == 0;
}


static void
ngx_http_para_auth_revoke_body(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_para_auth_revoke_read(r, &text);

    if (rc == NGX_OK) {
        rc = ngx_http_para_auth_revoke_text(r, &text);
        ngx_explicit_memzero(text.data, text.len);

    } else if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                     "a revocation has at most 32768 bytes");

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/* The body as one text, NGX_DECLINED if it is too long. */

static ngx_int_t
ngx_http_para_auth_revoke_read(ngx_http_request_t *r, ngx_str_t *text)
{
    off_t         size;
    ssize_t       n;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    for (size = 0, cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size > PARA_REVOCATION_SIZE_MAX) {
        return NGX_DECLINED;
    }

    text->len = 0;
    text->data = ngx_pnalloc(r->pool, (size_t) size + 1);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    for (cl = bufs; cl; cl = cl->next) {

        n = ngx_http_para_auth_revoke_copy(cl->buf, text->data + text->len);
        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        text->len += n;
    }

    return NGX_OK;
}


/* What did not fit into client_body_buffer_size is in a file. */

static ssize_t
ngx_http_para_auth_revoke_copy(ngx_buf_t *buf, u_char *dst)
{
    size_t   size;
    ssize_t  n;

    size = (size_t) ngx_buf_size(buf);

    if (ngx_buf_in_memory(buf)) {
        ngx_memcpy(dst, buf->pos, size);
        return size;
    }

    if (!buf->in_file) {
        return 0;
    }

    n = ngx_read_file(buf->file, dst, size, buf->file_pos);

    return n == (ssize_t) size ? n : NGX_ERROR;
}


static ngx_int_t
ngx_http_para_auth_revoke_text(ngx_http_request_t *r, const ngx_str_t *text)
{
    ngx_str_t                             json;
    const char                           *why, *name;
    para_revocation_t                     revocation;
    ngx_http_para_auth_main_conf_t       *mcf;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    why = para_revocation_parse(&revocation, mcf->digest,
                                para_span(text->data, text->len), ngx_time());
    if (why) {
        return ngx_http_para_auth_revoke_refuse(r, NGX_HTTP_BAD_REQUEST, why);
    }

    name = para_revocation_name((para_revocation_kind_e) revocation.kind);

    switch (ngx_para_revoke_put(lcf->revoke->list, &revocation,
                                r->connection->log))
    {

    case NGX_PARA_REVOKE_DONE:
        break;

    case NGX_PARA_REVOKE_FULL:
        return ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_INSUFFICIENT_STORAGE,
                     "nothing was ended, as there is no room for more until "
                     "something in the list has had its time: give "
                     "para_auth_revoke a larger \"size=\" and reload");

    case NGX_PARA_REVOKE_NO_SPACE:
        return ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_INSUFFICIENT_STORAGE,
                     "it is ended until the next start only, as the disk that "
                     "state_path is on is full: make room and send it again");

    default: /* NGX_PARA_REVOKE_UNSAVED */
        return ngx_http_para_auth_revoke_refuse(r,
                     NGX_HTTP_INTERNAL_SERVER_ERROR,
                     "it is ended until the next start only, as it could not "
                     "be written under state_path: see the error log, mend "
                     "that and send it again");
    }

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "para_auth: revoked, %s, until %L", name, revocation.end);

    json.data = ngx_pnalloc(r->pool, NGX_HTTP_PARA_AUTH_REVOKE_ANSWER);
    if (json.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.len = ngx_sprintf(json.data, "{\"ended\":\"%s\",\"until\":%L}\n",
                           name, revocation.end)
               - json.data;

    return ngx_http_para_auth_revoke_send(r, NGX_HTTP_OK, &json);
}


static ngx_int_t
ngx_http_para_auth_revoke_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *why)
{
    u_char     *p, *sentence;
    size_t      len, escaped;
    ngx_int_t   rc;
    ngx_str_t   json;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    sentence = (u_char *) why;
    len = ngx_strlen(why);
    escaped = len + ngx_escape_json(NULL, sentence, len);

    p = ngx_pnalloc(r->pool, sizeof("{\"error\":\"\"}\n") + escaped);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json.data = p;

    p = ngx_cpymem(p, "{\"error\":\"", sizeof("{\"error\":\"") - 1);
    p = (u_char *) ngx_escape_json(p, sentence, len);
    p = ngx_cpymem(p, "\"}\n", sizeof("\"}\n") - 1);

    json.len = p - json.data;

    return ngx_http_para_auth_revoke_send(r, status, &json);
}


/* json outlives the request. */

static ngx_int_t
ngx_http_para_auth_revoke_send(ngx_http_request_t *r, ngx_uint_t status,
    const ngx_str_t *json)
{
    r->headers_out.status = status;
    ngx_str_set(&r->headers_out.content_type, "application/json");

    return ngx_http_para_auth_content_text(r, json);
}
