/*
 * Ending users, sessions and tokens before their time: the location where an
 * operator does it, and what it means for a request.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_revoke_zone.h"


static char *ngx_http_para_auth_revoke_size(ngx_conf_t *cf,
    ngx_http_para_auth_revoke_t *revoke, ngx_str_t *value);
static char *ngx_http_para_auth_resolve_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_revoke_t *revoke);
static ngx_int_t ngx_http_para_auth_check_revoke(ngx_conf_t *cf,
    const ngx_http_para_auth_revoke_t *revoke,
    const ngx_para_provider_t *provider);
static ngx_int_t ngx_http_para_auth_revoke_handler(ngx_http_request_t *r);
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
    ngx_uint_t status, ngx_str_t *json);


char *
ngx_http_para_auth_revoke(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    ngx_str_t                    *value;
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_para_auth_revoke_t  *revoke;

    if (lcf->revoke) {
        return "is duplicate";
    }

    revoke = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_revoke_t));
    if (revoke == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    revoke->name = value[1];
    revoke->file = cf->conf_file->file.name.data;
    revoke->line = cf->conf_file->line;
    revoke->size = NGX_PARA_REVOKE_SIZE;

    lcf->revoke = revoke;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_para_auth_revoke_handler;

    return cf->args->nelts == 3
           ? ngx_http_para_auth_revoke_size(cf, revoke, &value[2])
           : NGX_CONF_OK;
}


static char *
ngx_http_para_auth_revoke_size(ngx_conf_t *cf,
    ngx_http_para_auth_revoke_t *revoke, ngx_str_t *value)
{
    ssize_t    size;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "size=", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it is \"size=size\"",
                           value);
        return NGX_CONF_ERROR;
    }

    s.data = value->data + 5;
    s.len = value->len - 5;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no size for revocations, give at least "
                           "%uzk", &s, 8 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    revoke->size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_para_auth_merge_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (conf->revoke) {
        return ngx_http_para_auth_resolve_revoke(cf, mcf, conf->revoke);
    }

    /* an "if" has a configuration of its own, and the location's handler */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {
        conf->revoke = prev->revoke;
    }

    return NGX_CONF_OK;
}


/* The provider may stand behind the location that names it. */

static char *
ngx_http_para_auth_resolve_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_revoke_t *revoke)
{
    ngx_para_provider_t           *provider;
    ngx_http_para_auth_revoke_t  **slot;

    provider = ngx_para_provider_find(&mcf->providers, &revoke->name);

    if (provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui names the unknown provider "
                      "\"%V\": add \"para_auth_provider %V { ... }\" to http{}",
                      revoke->file, revoke->line, &revoke->name,
                      &revoke->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_para_auth_check_revoke(cf, revoke, provider) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (provider->revoke == NULL) {
        provider->revoke = ngx_para_revoke_add(cf, &revoke->name,
                                               &provider->state_path,
                                               revoke->size,
                                               &ngx_http_para_auth_module);
        if (provider->revoke == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (provider->revoke->size != revoke->size) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: provider \"%V\" has one "
                      "list of revocations, give it the same \"size=\" in all "
                      "locations", revoke->file, revoke->line, &revoke->name);
        return NGX_CONF_ERROR;
    }

    revoke->list = provider->revoke;
    revoke->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    slot = ngx_array_push(&mcf->revokes);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = revoke;

    return NGX_CONF_OK;
}


/* The list is kept in a file, which bears the provider's name. */

static ngx_int_t
ngx_http_para_auth_check_revoke(ngx_conf_t *cf,
    const ngx_http_para_auth_revoke_t *revoke,
    const ngx_para_provider_t *provider)
{
    if (provider->state_path.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: provider \"%V\" has no "
                      "\"state_path\", and what was ended would be forgotten "
                      "at the next start", revoke->file, revoke->line,
                      &revoke->name);
        return NGX_ERROR;
    }

    if (revoke->name.len > NGX_PARA_REVOKE_NAME_MAX
        || ngx_strlchr(revoke->name.data,
                       revoke->name.data + revoke->name.len, '/'))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: the provider's name is part "
                      "of a file's: choose one without \"/\", of at most %d "
                      "bytes", revoke->file, revoke->line,
                      NGX_PARA_REVOKE_NAME_MAX);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Nothing of this may pass when OpenSSL fails. */

para_reason_e
ngx_http_para_auth_check_revoked(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx, const para_session_t *session,
    const para_identity_t *identity)
{
    para_revocation_keys_t     keys;
    para_revocation_subject_t  subject;

    if (lcf->provider->revoke == NULL) {
        return PARA_OK;
    }

    ngx_memzero(&subject, sizeof(para_revocation_subject_t));

    subject.identity = identity;

    if (lcf->layers & NGX_HTTP_PARA_AUTH_JWT) {
        subject.token = &ctx->verified;
        subject.text = ctx->token;
    }

    if (session && lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        subject.session = session;
        subject.credential = ctx->form == PARA_FORM_EXPORTED
                             ? ctx->exported.pair : ctx->session;
    }

    if (!para_revocation_keys(&keys, mcf->digest, &subject)) {
        return PARA_CRYPTO;
    }

    return ngx_para_revoke_zone_check(lcf->provider->revoke->zone, &keys,
                                      ngx_time());
}


static ngx_int_t
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
    u_char                                buf[128];
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

    json.data = buf;
    json.len = ngx_sprintf(buf, "{\"ended\":\"%s\",\"until\":%L}\n", name,
                           revocation.end)
               - buf;

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


static ngx_int_t
ngx_http_para_auth_revoke_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *json)
{
    ngx_int_t     rc;
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = json->len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    buf = ngx_create_temp_buf(r->pool, json->len);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->last = ngx_cpymem(buf->pos, json->data, json->len);
    buf->last_buf = (r == r->main);
    buf->last_in_chain = 1;

    out.buf = buf;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
