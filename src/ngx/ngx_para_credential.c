#include "ngx_para_credential.h"
#include "ngx_para_cookies.h"
#include "ngx_para_headers.h"
#include "../core/para_exported.h"


/*
 * One byte more than the longest credential may have, an exported session:
 * whoever measures a copy of so much sees that it is too long.
 */
#define NGX_PARA_COPY_MAX  (PARA_EXPORTED_MAX + 1)


/* What was found so far: one value, and whether there was another. */

typedef struct {
    para_span_t        value;
    ngx_uint_t         malformed;
    ngx_uint_t         ambiguous;
} ngx_para_found_t;


static void ngx_para_sources_find(ngx_http_request_t *r,
    const ngx_array_t *sources, ngx_para_found_t *found);
static void ngx_para_source_find(const ngx_para_source_t *source,
    const ngx_list_t *headers, ngx_para_found_t *found);
static void ngx_para_bearer_find(const ngx_table_elt_t *h,
    ngx_para_found_t *found);
static void ngx_para_cookie_find(const ngx_table_elt_t *h,
    const ngx_str_t *name, ngx_para_found_t *found);
static void ngx_para_variable_find(ngx_http_request_t *r,
    const ngx_para_source_t *source, ngx_para_found_t *found);
static void ngx_para_found(ngx_para_found_t *found, const u_char *data,
    size_t len);
static ngx_uint_t ngx_para_b64token(para_span_t text);


const ngx_str_t  ngx_para_authorization = ngx_string("authorization");
const ngx_str_t  ngx_para_cookie = ngx_string("cookie");


para_reason_e
ngx_para_credential_token(ngx_http_request_t *r,
    const ngx_para_credential_conf_t *conf, para_span_t *value)
{
    ngx_para_found_t  found;

    ngx_para_sources_find(r, conf->token, &found);

    if (found.ambiguous) {
        return PARA_TOKEN_AMBIGUOUS;
    }

    if (found.malformed) {
        return PARA_TOKEN_MALFORMED;
    }

    if (found.value.data == NULL) {
        return PARA_TOKEN_MISSING;
    }

    if (!ngx_para_b64token(found.value)) {
        return PARA_TOKEN_MALFORMED;
    }

    *value = found.value;

    return PARA_OK;
}


para_reason_e
ngx_para_credential_session(ngx_http_request_t *r,
    const ngx_para_credential_conf_t *conf, para_span_t *value,
    unsigned *form)
{
    ngx_para_found_t  found;

    ngx_para_sources_find(r, conf->session, &found);

    if (found.ambiguous) {
        return PARA_SESSION_AMBIGUOUS;
    }

    if (found.malformed) {
        return PARA_SESSION_MALFORMED;
    }

    if (found.value.data == NULL) {
        return PARA_SESSION_MISSING;
    }

    *form = para_exported_form(found.value, conf->forms);

    if (*form == 0) {
        return PARA_SESSION_MALFORMED;
    }

    *value = found.value;

    return PARA_OK;
}


/* Every source is looked at: two that disagree must not become a choice. */

static void
ngx_para_sources_find(ngx_http_request_t *r, const ngx_array_t *sources,
    ngx_para_found_t *found)
{
    ngx_uint_t          i;
    ngx_para_found_t    one;
    ngx_para_source_t  *source;

    ngx_memzero(found, sizeof(ngx_para_found_t));

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        ngx_memzero(&one, sizeof(ngx_para_found_t));

        if (source[i].kind == NGX_PARA_SOURCE_VARIABLE) {
            ngx_para_variable_find(r, &source[i], &one);

        } else {
            ngx_para_source_find(&source[i], &r->headers_in.headers, &one);
        }

        found->ambiguous |= one.ambiguous;
        found->malformed |= one.malformed;

        if (one.value.data == NULL) {
            continue;
        }

        if (found->value.data == NULL) {
            found->value = one.value;

        } else if (!para_span_eq(found->value, one.value)) {
            found->ambiguous = 1;
        }
    }
}


static void
ngx_para_source_find(const ngx_para_source_t *source,
    const ngx_list_t *headers, ngx_para_found_t *found)
{
    ngx_uint_t              i;
    ngx_table_elt_t        *h;
    const ngx_list_part_t  *part;

    for (part = &headers->part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            switch (source->kind) {

            case NGX_PARA_SOURCE_BEARER:
                if (ngx_para_headers_is(&h[i], &ngx_para_authorization)) {
                    ngx_para_bearer_find(&h[i], found);
                }

                break;

            case NGX_PARA_SOURCE_HEADER:
                if (ngx_para_headers_is(&h[i], &source->name)) {
                    ngx_para_found(found, h[i].value.data, h[i].value.len);
                }

                break;

            case NGX_PARA_SOURCE_COOKIE:
                if (ngx_para_headers_is(&h[i], &ngx_para_cookie)) {
                    ngx_para_cookie_find(&h[i], &source->name, found);
                }

                break;

            case NGX_PARA_SOURCE_VARIABLE:
                break;
            }
        }
    }
}


/* RFC 6750 2.1; another scheme is no credential of ours */

static void
ngx_para_bearer_find(const ngx_table_elt_t *h, ngx_para_found_t *found)
{
    u_char  *p, *end;

    if (!ngx_para_bearer(h)) {
        return;
    }

    p = h->value.data + 6;
    end = h->value.data + h->value.len;

    while (p < end && *p == ' ') {
        p++;
    }

    if (p == end) {
        found->malformed = 1;
        return;
    }

    ngx_para_found(found, p, end - p);
}


static void
ngx_para_cookie_find(const ngx_table_elt_t *h, const ngx_str_t *name,
    ngx_para_found_t *found)
{
    ngx_para_cookies_t  cookies;

    ngx_para_cookies_init(&cookies, &h->value);

    while (ngx_para_cookies_next(&cookies)) {

        if (cookies.name.len == name->len
            && ngx_strncasecmp(cookies.name.data, name->data, name->len) == 0)
        {
            ngx_para_found(found, cookies.value.data, cookies.value.len);
        }
    }
}


/* Copied, since what it is made of can change while the request waits. */

static void
ngx_para_variable_find(ngx_http_request_t *r, const ngx_para_source_t *source,
    ngx_para_found_t *found)
{
    size_t                      len;
    u_char                     *copy;
    ngx_http_variable_value_t  *vv;

    vv = ngx_http_get_flushed_variable(r, source->index);

    if (vv == NULL) {
        found->malformed = 1;
        return;
    }

    if (vv->not_found || vv->len == 0) {
        return;
    }

    len = ngx_min(vv->len, NGX_PARA_COPY_MAX);

    copy = ngx_pnalloc(r->pool, len);
    if (copy == NULL) {
        found->malformed = 1;
        return;
    }

    ngx_memcpy(copy, vv->data, len);
    ngx_para_found(found, copy, len);
}


/* An empty value is none; the second of one source is one too many. */

static void
ngx_para_found(ngx_para_found_t *found, const u_char *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if (found->value.data) {
        found->ambiguous = 1;
        return;
    }

    found->value = para_span(data, len);
}


ngx_uint_t
ngx_para_bearer(const ngx_table_elt_t *h)
{
    return h->value.len >= 6
           && ngx_strncasecmp(h->value.data, (u_char *) "bearer", 6) == 0
           && (h->value.len == 6
               || h->value.data[6] == ' '
               || h->value.data[6] == '\t');
}


/*
 * RFC 6750 2.1: 1*( ALPHA / DIGIT / "-._~+/" ) *"=".  A table, because every
 * request has its token looked through.
 */

static ngx_uint_t
ngx_para_b64token(para_span_t text)
{
    size_t  i, n;

    static const u_char  token68[256] = {
        ['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1, ['+'] = 1, ['/'] = 1
    };

    n = text.len;

    while (n > 0 && text.data[n - 1] == '=') {
        n--;
    }

    for (i = 0; i < n; i++) {
        if (!token68[text.data[i]]) {
            return 0;
        }
    }

    return n > 0;
}
