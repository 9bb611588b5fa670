#include "ngx_para_headers.h"


static ngx_uint_t ngx_para_headers_count(ngx_list_part_t *part);
static ngx_uint_t ngx_para_headers_configured(
    const ngx_http_core_main_conf_t *cmcf, const ngx_str_t *name);
static ngx_int_t ngx_para_headers_relink_cookies(ngx_http_request_t *r,
    ngx_list_t *headers);


static ngx_inline u_char
ngx_para_headers_fold_char(u_char ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch | 0x20;
    }

    if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')) {
        return ch;
    }

    return '-';
}


void
ngx_para_headers_fold(u_char *dst, const u_char *name, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        dst[i] = ngx_para_headers_fold_char(name[i]);
    }
}


ngx_uint_t
ngx_para_headers_like(const ngx_str_t *name, const ngx_str_t *folded)
{
    size_t  i;

    if (name->len != folded->len) {
        return 0;
    }

    /* from the end: look-alikes and honest neighbours share the beginning */

    for (i = folded->len; i-- > 0; /* void */) {
        if (ngx_para_headers_fold_char(name->data[i]) != folded->data[i]) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_para_headers_is(const ngx_table_elt_t *h, const ngx_str_t *folded)
{
    return ngx_para_headers_like(&h->key, folded);
}


ngx_uint_t
ngx_para_headers_known(const ngx_str_t *name)
{
    ngx_http_header_t  *known;

    for (known = ngx_http_headers_in; known->name.len; known++) {

        if (known->name.len == name->len
            && ngx_strncasecmp(known->name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_para_headers_save(ngx_http_request_t *r, ngx_para_headers_t *saved)
{
    saved->headers = r->headers_in.headers;
    saved->authorization = r->headers_in.authorization;

#if (nginx_version >= 1023000)
    saved->cookie = r->headers_in.cookie;
#else
    saved->cookies = r->headers_in.cookies;
#endif
}


void
ngx_para_headers_restore(ngx_http_request_t *r,
    const ngx_para_headers_t *saved)
{
    r->headers_in.headers = saved->headers;

    /* a list of one part ends in the struct itself */

    if (saved->headers.part.next == NULL) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    r->headers_in.authorization = saved->authorization;

#if (nginx_version >= 1023000)
    r->headers_in.cookie = saved->cookie;
#else
    r->headers_in.cookies = saved->cookies;
#endif
}


ngx_int_t
ngx_para_headers_edit(ngx_http_request_t *r, ngx_para_headers_edit_pt edit,
    const void *data, ngx_uint_t room)
{
    ngx_int_t         rc;
    ngx_uint_t        i, n, no_authorization;
    ngx_list_t        headers;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *copy;

    /* one more than is needed, because a list of none cannot grow */

    n = ngx_para_headers_count(&r->headers_in.headers.part);

    if (ngx_list_init(&headers, r->pool, n + room + 1, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    no_authorization = 0;
    copy = headers.part.elts;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            *copy = h[i];

            rc = edit(r, copy, data);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                copy++;
                continue;
            }

            if (r->headers_in.authorization == &h[i]) {
                no_authorization = 1;
            }
        }
    }

    headers.part.nelts = copy - (ngx_table_elt_t *) headers.part.elts;

    if (ngx_para_headers_relink_cookies(r, &headers) != NGX_OK) {
        return NGX_ERROR;
    }

    if (no_authorization) {
        r->headers_in.authorization = NULL;
    }

    r->headers_in.headers = headers;
    r->headers_in.headers.last = &r->headers_in.headers.part;

    return NGX_OK;
}


ngx_int_t
ngx_para_headers_add(ngx_http_request_t *r, const ngx_str_t *key,
    u_char *lowcase_key, ngx_uint_t hash, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = hash;
    h->key = *key;
    h->value = *value;
    h->lowcase_key = lowcase_key;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_int_t
ngx_para_headers_variables(ngx_conf_t *cf, ngx_array_t *indices)
{
    ngx_uint_t                  i, *index;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if ((v[i].name.len < 5
             || ngx_strncmp(v[i].name.data, "http_", 5) != 0)
            && (v[i].name.len < 7
                || ngx_strncmp(v[i].name.data, "cookie_", 7) != 0))
        {
            continue;
        }

        if (ngx_para_headers_configured(cmcf, &v[i].name)) {
            continue;
        }

        index = ngx_array_push(indices);
        if (index == NULL) {
            return NGX_ERROR;
        }

        *index = i;
    }

    return NGX_OK;
}


/* "set $http_x": named like a header, but the value is the operator's. */

static ngx_uint_t
ngx_para_headers_configured(const ngx_http_core_main_conf_t *cmcf,
    const ngx_str_t *name)
{
    ngx_uint_t            i;
    ngx_hash_key_t       *key;
    ngx_http_variable_t  *v;

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        v = key[i].value;

        if ((v->flags & NGX_HTTP_VAR_CHANGEABLE)
            && key[i].key.len == name->len
            && ngx_strncasecmp(key[i].key.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_para_headers_forget(ngx_http_request_t *r, const ngx_array_t *indices)
{
    ngx_uint_t  i, *index;

    index = indices->elts;

    for (i = 0; i < indices->nelts; i++) {
        r->variables[index[i]].valid = 0;
        r->variables[index[i]].not_found = 0;
    }
}


static ngx_uint_t
ngx_para_headers_count(ngx_list_part_t *part)
{
    ngx_uint_t  n;

    for (n = 0; part; part = part->next) {
        n += part->nelts;
    }

    return n;
}


/* $cookie_* reads through pointers to the elements: lead them to the copies */

#if (nginx_version >= 1023000)

static ngx_int_t
ngx_para_headers_relink_cookies(ngx_http_request_t *r, ngx_list_t *headers)
{
    ngx_uint_t         i;
    ngx_table_elt_t   *h, **next;

    if (r->headers_in.cookie == NULL) {
        return NGX_OK;
    }

    next = &r->headers_in.cookie;
    h = headers->part.elts;

    for (i = 0; i < headers->part.nelts; i++) {

        if (h[i].key.len == 6
            && ngx_strncasecmp(h[i].key.data, (u_char *) "cookie", 6) == 0)
        {
            *next = &h[i];
            next = &h[i].next;
        }
    }

    *next = NULL;

    return NGX_OK;
}

#else

static ngx_int_t
ngx_para_headers_relink_cookies(ngx_http_request_t *r, ngx_list_t *headers)
{
    ngx_uint_t         i;
    ngx_array_t        cookies;
    ngx_table_elt_t   *h, **cookie;

    if (r->headers_in.cookies.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_array_init(&cookies, r->pool, r->headers_in.cookies.nelts,
                       sizeof(ngx_table_elt_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    h = headers->part.elts;

    for (i = 0; i < headers->part.nelts; i++) {

        if (h[i].key.len == 6
            && ngx_strncasecmp(h[i].key.data, (u_char *) "cookie", 6) == 0)
        {
            cookie = ngx_array_push(&cookies);
            if (cookie == NULL) {
                return NGX_ERROR;
            }

            *cookie = &h[i];
        }
    }

    r->headers_in.cookies = cookies;

    return NGX_OK;
}

#endif
