#include "ngx_para_credential.h"
#include "ngx_para_cookies.h"
#include "ngx_para_headers.h"


static ngx_uint_t ngx_para_cookie_is_source(
    const ngx_para_credential_conf_t *conf, const ngx_str_t *name);
static ngx_uint_t ngx_para_cookie_has_source(
    const ngx_para_credential_conf_t *conf, const ngx_str_t *header);
static ngx_int_t ngx_para_cookie_remove(ngx_http_request_t *r,
    ngx_table_elt_t *h, const ngx_para_credential_conf_t *conf);


ngx_int_t
ngx_para_credential_remove(ngx_http_request_t *r, ngx_table_elt_t *h,
    const void *data)
{
    const ngx_para_credential_conf_t *conf = data;

    ngx_uint_t        i;
    const ngx_str_t  *name;

    if (conf->forward) {
        return NGX_OK;
    }

    if (ngx_para_headers_is(h, &ngx_para_authorization)) {
        return conf->bearer && ngx_para_bearer(h) ? NGX_DECLINED : NGX_OK;
    }

    if (ngx_para_headers_is(h, &ngx_para_cookie)) {
        return conf->cookies && ngx_para_cookie_has_source(conf, &h->value)
               ? ngx_para_cookie_remove(r, h, conf) : NGX_OK;
    }

    for (i = 0; (name = ngx_para_credential_header(conf, i)) != NULL; i++) {
        if (ngx_para_headers_is(h, name)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_para_cookie_is_source(const ngx_para_credential_conf_t *conf,
    const ngx_str_t *name)
{
    ngx_uint_t                i;
    const ngx_para_source_t  *source;

    for (i = 0; /* void */; i++) {

        source = ngx_para_credential_source(conf, NGX_PARA_SOURCE_COOKIE, i);

        if (source == NULL) {
            return 0;
        }

        if (source->name.len == name->len
            && ngx_strncasecmp(source->name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }
}


static ngx_uint_t
ngx_para_cookie_has_source(const ngx_para_credential_conf_t *conf,
    const ngx_str_t *header)
{
    ngx_para_cookies_t  cookies;

    ngx_para_cookies_init(&cookies, header);

    while (ngx_para_cookies_next(&cookies)) {
        if (ngx_para_cookie_is_source(conf, &cookies.name)) {
            return 1;
        }
    }

    return 0;
}


/* The header without the cookies that are credentials, of which it has some. */

static ngx_int_t
ngx_para_cookie_remove(ngx_http_request_t *r, ngx_table_elt_t *h,
    const ngx_para_credential_conf_t *conf)
{
    u_char              *p, *start;
    ngx_para_cookies_t   cookies;

    /* "a;b" comes out as "a; b": that makes it less than half as long again */

    start = ngx_pnalloc(r->pool, h->value.len * 2 + 1);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;
    ngx_para_cookies_init(&cookies, &h->value);

    while (ngx_para_cookies_next(&cookies)) {

        if (ngx_para_cookie_is_source(conf, &cookies.name)) {
            continue;
        }

        if (p != start) {
            *p++ = ';';
            *p++ = ' ';
        }

        p = ngx_cpymem(p, cookies.name.data,
                       cookies.value.data + cookies.value.len
                       - cookies.name.data);
    }

    if (p == start) {
        return NGX_DECLINED;
    }

    *p = '\0';                        /* as every header value of nginx's */

    h->value.data = start;
    h->value.len = p - start;

    return NGX_OK;
}
