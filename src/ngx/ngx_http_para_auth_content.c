/*
 * What the locations that answer themselves have in common.
 */

#include "ngx_http_para_auth.h"


char *
ngx_http_para_auth_content(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_para_auth_loc_conf_t  *lcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    lcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_para_auth_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "answers itself: give it a location of its own";
    }

    clcf->handler = handler;
    lcf->content = handler;

    return NGX_CONF_OK;
}


char *
ngx_http_para_auth_merge_content(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->content && conf->content != clcf->handler) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has a directive of para_auth that "
                      "answers itself, and another one behind it that takes "
                      "its place: give each a location of its own",
                      &clcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_para_auth_content_header(ngx_http_request_t *r, char *name,
    char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_int_t
ngx_http_para_auth_content_get(ngx_http_request_t *r)
{
    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return ngx_http_discard_request_body(r);
    }

    /* RFC 9110 15.5.6 */

    if (ngx_http_para_auth_content_header(r, "Allow", "GET, HEAD") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_HTTP_NOT_ALLOWED;
}


ngx_int_t
ngx_http_para_auth_content_send(ngx_http_request_t *r, ngx_chain_t *chain,
    ngx_chain_t *last, off_t size)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t  *type;

    type = &r->headers_out.content_type;

    /* without its parameters: the length by which gzip_types finds it */

    p = ngx_strlchr(type->data, type->data + type->len, ';');

    r->headers_out.content_type_len = p ? (size_t) (p - type->data)
                                        : type->len;
    r->headers_out.content_length_n = size;

    last->buf->last_buf = (r == r->main);
    last->buf->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, chain);
}


ngx_int_t
ngx_http_para_auth_content_text(ngx_http_request_t *r, const ngx_str_t *text)
{
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    buf->memory = 1;
    buf->pos = text->data;
    buf->last = text->data + text->len;

    out.buf = buf;
    out.next = NULL;

    return ngx_http_para_auth_content_send(r, &out, &out, text->len);
}
