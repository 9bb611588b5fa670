#include "ngx_para_credential.h"
#include "ngx_para_cookies.h"
#include "ngx_para_headers.h"
#include "../core/para_exported.h"


typedef enum {
    NGX_PARA_SOURCE_BEARER,
    NGX_PARA_SOURCE_HEADER,
    NGX_PARA_SOURCE_COOKIE
} ngx_para_source_e;


typedef struct {
    ngx_para_source_e  kind;
    ngx_str_t          name;      /* folded header name, or cookie name */
} ngx_para_source_t;


/* What was found so far: one value, and whether there was another. */

typedef struct {
    para_span_t        value;
    ngx_uint_t         malformed;
    ngx_uint_t         ambiguous;
} ngx_para_found_t;


static char *ngx_para_source_parse(ngx_conf_t *cf, ngx_str_t *text,
    ngx_uint_t bearer, ngx_para_source_t *source);
static ngx_array_t *ngx_para_sources(ngx_conf_t *cf,
    const ngx_para_source_t *source, ngx_uint_t n);
static const ngx_str_t *ngx_para_source_name(
    const ngx_para_credential_conf_t *conf, ngx_para_source_e kind,
    ngx_uint_t i);
static ngx_uint_t ngx_para_sources_have(const ngx_array_t *sources,
    ngx_para_source_e kind);
static void ngx_para_sources_find(const ngx_array_t *sources,
    const ngx_list_t *headers, ngx_para_found_t *found);
static void ngx_para_source_find(const ngx_para_source_t *source,
    const ngx_list_t *headers, ngx_para_found_t *found);
static void ngx_para_bearer_find(const ngx_table_elt_t *h,
    ngx_para_found_t *found);
static void ngx_para_cookie_find(const ngx_table_elt_t *h,
    const ngx_str_t *name, ngx_para_found_t *found);
static void ngx_para_found(ngx_para_found_t *found, const u_char *data,
    size_t len);
static ngx_uint_t ngx_para_bearer(const ngx_table_elt_t *h);
static ngx_uint_t ngx_para_b64token(para_span_t text);
static ngx_uint_t ngx_para_cookie_is_source(
    const ngx_para_credential_conf_t *conf, const ngx_str_t *name);
static ngx_int_t ngx_para_cookie_remove(ngx_http_request_t *r,
    ngx_table_elt_t *h, const ngx_para_credential_conf_t *conf);


static const ngx_str_t  ngx_para_authorization = ngx_string("authorization");
static const ngx_str_t  ngx_para_cookie = ngx_string("cookie");


static const ngx_para_source_t  ngx_para_default_token[] = {
    { NGX_PARA_SOURCE_BEARER, ngx_null_string }
};

static const ngx_para_source_t  ngx_para_default_session[] = {
    { NGX_PARA_SOURCE_HEADER, ngx_string("x-para-session") },
    { NGX_PARA_SOURCE_HEADER, ngx_string("x-capsule-session") }
};


char *
ngx_para_credential_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char               *rv;
    ngx_str_t          *value;
    ngx_uint_t          i;
    ngx_array_t       **sources;
    ngx_para_source_t  *source;

    sources = (ngx_array_t **) ((char *) conf + cmd->offset);

    if (*sources) {
        return "is duplicate";
    }

    *sources = ngx_array_create(cf->pool, 2, sizeof(ngx_para_source_t));
    if (*sources == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        source = ngx_array_push(*sources);
        if (source == NULL) {
            return NGX_CONF_ERROR;
        }

        rv = ngx_para_source_parse(cf, &value[i], cmd->post != NULL, source);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_para_credential_merge(ngx_conf_t *cf, ngx_para_credential_conf_t *prev,
    ngx_para_credential_conf_t *conf)
{
    if (conf->token == NULL) {
        conf->token = prev->token;
    }

    if (conf->session == NULL) {
        conf->session = prev->session;
    }

    /* where a level has none yet, nothing above it had: these are defaults */

    if (conf->token == NULL) {
        conf->token = ngx_para_sources(cf, ngx_para_default_token, 1);
    }

    if (conf->session == NULL) {
        conf->session = ngx_para_sources(cf, ngx_para_default_session, 2);
    }

    if (conf->token == NULL || conf->session == NULL) {
        return NGX_CONF_ERROR;
    }

    conf->bearer = ngx_para_sources_have(conf->token, NGX_PARA_SOURCE_BEARER);
    conf->cookies = ngx_para_sources_have(conf->token, NGX_PARA_SOURCE_COOKIE)
                    || ngx_para_sources_have(conf->session,
                                             NGX_PARA_SOURCE_COOKIE);

    return NGX_CONF_OK;
}


para_reason_e
ngx_para_credential_token(const ngx_para_credential_conf_t *conf,
    const ngx_list_t *headers, para_span_t *value)
{
    ngx_para_found_t  found;

    ngx_para_sources_find(conf->token, headers, &found);

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
ngx_para_credential_session(const ngx_para_credential_conf_t *conf,
    const ngx_list_t *headers, para_span_t *value, unsigned *form)
{
    ngx_para_found_t  found;

    ngx_para_sources_find(conf->session, headers, &found);

    if (found.ambiguous) {
        return PARA_SESSION_AMBIGUOUS;
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


const ngx_str_t *
ngx_para_credential_header(const ngx_para_credential_conf_t *conf,
    ngx_uint_t i)
{
    return ngx_para_source_name(conf, NGX_PARA_SOURCE_HEADER, i);
}


ngx_int_t
ngx_para_credential_remove(ngx_http_request_t *r, ngx_table_elt_t *h,
    void *data)
{
    ngx_para_credential_conf_t *conf = data;

    ngx_uint_t        i;
    const ngx_str_t  *name;

    if (ngx_para_headers_is(h, &ngx_para_authorization)) {
        return conf->bearer && ngx_para_bearer(h) ? NGX_DECLINED : NGX_OK;
    }

    if (ngx_para_headers_is(h, &ngx_para_cookie)) {
        return conf->cookies ? ngx_para_cookie_remove(r, h, conf) : NGX_OK;
    }

    for (i = 0; (name = ngx_para_credential_header(conf, i)) != NULL; i++) {
        if (ngx_para_headers_is(h, name)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static char *
ngx_para_source_parse(ngx_conf_t *cf, ngx_str_t *text, ngx_uint_t bearer,
    ngx_para_source_t *source)
{
    ngx_str_t  name;

    if (bearer && text->len == 6
        && ngx_strncmp(text->data, "bearer", 6) == 0)
    {
        source->kind = NGX_PARA_SOURCE_BEARER;
        ngx_str_null(&source->name);

        return NGX_CONF_OK;
    }

    if (text->len > 6 && ngx_strncmp(text->data, "$http_", 6) == 0) {
        source->kind = NGX_PARA_SOURCE_HEADER;
        name.data = text->data + 6;
        name.len = text->len - 6;

    } else if (text->len > 8 && ngx_strncmp(text->data, "$cookie_", 8) == 0) {
        source->kind = NGX_PARA_SOURCE_COOKIE;
        name.data = text->data + 8;
        name.len = text->len - 8;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" cannot be a source of credentials, because "
                           "it cannot be removed from what the upstream gets; "
                           "use%s $http_name or $cookie_name",
                           text, bearer ? " bearer," : "");
        return NGX_CONF_ERROR;
    }

    source->name.len = name.len;
    source->name.data = ngx_pnalloc(cf->pool, name.len);
    if (source->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    if (source->kind == NGX_PARA_SOURCE_COOKIE) {
        ngx_memcpy(source->name.data, name.data, name.len);
        return NGX_CONF_OK;
    }

    ngx_para_headers_fold(source->name.data, name.data, name.len);

    if (ngx_para_headers_known(&source->name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" cannot be a source of credentials, because "
                           "nginx reads this header itself; use%s "
                           "a header of its own", text,
                           bearer ? " bearer or" : "");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_array_t *
ngx_para_sources(ngx_conf_t *cf, const ngx_para_source_t *source,
    ngx_uint_t n)
{
    ngx_array_t        *sources;
    ngx_para_source_t  *copy;

    sources = ngx_array_create(cf->pool, n, sizeof(ngx_para_source_t));
    if (sources == NULL) {
        return NULL;
    }

    copy = ngx_array_push_n(sources, n);
    ngx_memcpy(copy, source, n * sizeof(ngx_para_source_t));

    return sources;
}


/* The name of the i-th source of a kind, of both credentials, or NULL. */

static const ngx_str_t *
ngx_para_source_name(const ngx_para_credential_conf_t *conf,
    ngx_para_source_e kind, ngx_uint_t i)
{
    ngx_uint_t          j, n;
    ngx_array_t        *sources[2];
    ngx_para_source_t  *source;

    sources[0] = conf->token;
    sources[1] = conf->session;

    for (n = 0; n < 2; n++) {
        source = sources[n]->elts;

        for (j = 0; j < sources[n]->nelts; j++) {
            if (source[j].kind == kind && i-- == 0) {
                return &source[j].name;
            }
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_para_sources_have(const ngx_array_t *sources, ngx_para_source_e kind)
{
    ngx_uint_t          i;
    ngx_para_source_t  *source;

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {
        if (source[i].kind == kind) {
            return 1;
        }
    }

    return 0;
}


/* Every source is looked at: two that disagree must not become a choice. */

static void
ngx_para_sources_find(const ngx_array_t *sources, const ngx_list_t *headers,
    ngx_para_found_t *found)
{
    ngx_uint_t          i;
    ngx_para_found_t    one;
    ngx_para_source_t  *source;

    ngx_memzero(found, sizeof(ngx_para_found_t));

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        ngx_memzero(&one, sizeof(ngx_para_found_t));

        ngx_para_source_find(&source[i], headers, &one);

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


static ngx_uint_t
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


static ngx_uint_t
ngx_para_cookie_is_source(const ngx_para_credential_conf_t *conf,
    const ngx_str_t *name)
{
    ngx_uint_t        i;
    const ngx_str_t  *source;

    for (i = 0; /* void */; i++) {

        source = ngx_para_source_name(conf, NGX_PARA_SOURCE_COOKIE, i);

        if (source == NULL) {
            return 0;
        }

        if (source->len == name->len
            && ngx_strncasecmp(source->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }
}


static ngx_int_t
ngx_para_cookie_remove(ngx_http_request_t *r, ngx_table_elt_t *h,
    const ngx_para_credential_conf_t *conf)
{
    u_char              *p, *start;
    ngx_uint_t           removed;
    ngx_para_cookies_t   cookies;

    /* "a;b" comes out as "a; b": that makes it less than half as long again */

    start = ngx_pnalloc(r->pool, h->value.len * 2 + 1);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;
    removed = 0;
    ngx_para_cookies_init(&cookies, &h->value);

    while (ngx_para_cookies_next(&cookies)) {

        if (ngx_para_cookie_is_source(conf, &cookies.name)) {
            removed = 1;
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

    if (!removed) {
        return NGX_OK;
    }

    if (p == start) {
        return NGX_DECLINED;
    }

    *p = '\0';                        /* as every header value of nginx's */

    h->value.data = start;
    h->value.len = p - start;

    return NGX_OK;
}
