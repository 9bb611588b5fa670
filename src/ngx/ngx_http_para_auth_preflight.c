/*
 * A browser asks whether a page from elsewhere may send a request, before it
 * sends that with the user's credentials.
 */

#include "ngx_http_para_auth.h"


static ngx_uint_t ngx_http_para_auth_has_one(ngx_http_request_t *r,
    const ngx_str_t *name);


/*
 * The Fetch standard's "CORS-preflight request": both headers, each with a
 * value.  One that is there twice no browser sends.
 */

ngx_uint_t
ngx_http_para_auth_is_preflight(ngx_http_request_t *r)
{
    static const ngx_str_t  origin = ngx_string("Origin");
    static const ngx_str_t  method =
                                   ngx_string("Access-Control-Request-Method");

    return r->method == NGX_HTTP_OPTIONS
           && ngx_http_para_auth_has_one(r, &origin)
           && ngx_http_para_auth_has_one(r, &method);
}


static ngx_uint_t
ngx_http_para_auth_has_one(ngx_http_request_t *r, const ngx_str_t *name)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != name->len
                || ngx_strncasecmp(h[i].key.data, name->data, name->len) != 0)
            {
                continue;
            }

            if (h[i].value.len == 0 || n++) {
                return 0;
            }
        }
    }

    return n;
}
