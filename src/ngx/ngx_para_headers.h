/*
 * The client's header list as a value: it is never changed in place, because
 * subrequests share its elements and nginx keeps pointers into it.  A change
 * makes a new list and leaves the old one as it was, so that it can be given
 * back after an internal redirect.
 */

#ifndef NGX_PARA_HEADERS_H
#define NGX_PARA_HEADERS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The client's headers at one moment. */

typedef struct {
    ngx_list_t         headers;
    ngx_table_elt_t   *authorization;
#if (nginx_version >= 1023000)
    ngx_table_elt_t   *cookie;
#else
    ngx_array_t        cookies;
#endif
} ngx_para_headers_t;


/*
 * Called with a copy of every header: NGX_OK keeps it, as changed by the
 * callback; NGX_DECLINED drops it; NGX_ERROR stops.  May drop Authorization,
 * but no other header that nginx keeps a pointer to.
 */
typedef ngx_int_t (*ngx_para_headers_edit_pt)(ngx_http_request_t *r,
    ngx_table_elt_t *h, const void *data);


/*
 * What is saved stays good for as long as the request: nothing of it is copied,
 * and nothing changes it.
 */
void ngx_para_headers_save(ngx_http_request_t *r, ngx_para_headers_t *saved);
void ngx_para_headers_restore(ngx_http_request_t *r,
    const ngx_para_headers_t *saved);

/*
 * Gives the request a new list with room for some more headers.  NGX_OK, or
 * NGX_ERROR if memory is out: then the request has its old list.
 */
ngx_int_t ngx_para_headers_edit(ngx_http_request_t *r,
    ngx_para_headers_edit_pt edit, const void *data, ngx_uint_t room);

/*
 * Adds a header to a list that ngx_para_headers_edit() made.  The strings must
 * outlive the request; hash is that of lowcase_key.
 */
ngx_int_t ngx_para_headers_add(ngx_http_request_t *r, const ngx_str_t *key,
    u_char *lowcase_key, ngx_uint_t hash, const ngx_str_t *value);

/*
 * One name for all that an application could take for the same: lower case,
 * every character that is no letter or digit becomes '-', as CGI does.
 */
void ngx_para_headers_fold(u_char *dst, const u_char *name, size_t len);

/* 1 if a name, or that of a header, folds to this folded one. */
ngx_uint_t ngx_para_headers_like(const ngx_str_t *name,
    const ngx_str_t *folded);
ngx_uint_t ngx_para_headers_is(const ngx_table_elt_t *h,
    const ngx_str_t *folded);

/* 1 if nginx itself reads this header (ngx_http_headers_in[]). */
ngx_uint_t ngx_para_headers_known(const ngx_str_t *name);

/*
 * The indexed variables that show request headers ($http_*, $cookie_*): nginx
 * keeps their values, which a changed list makes stale.  The first adds their
 * indices to an array of ngx_uint_t, when all variables are known: NGX_OK,
 * NGX_ERROR if memory is out.  The second has them evaluated anew.
 */
ngx_int_t ngx_para_headers_variables(ngx_conf_t *cf, ngx_array_t *indices);
void ngx_para_headers_forget(ngx_http_request_t *r,
    const ngx_array_t *indices);


#endif /* NGX_PARA_HEADERS_H */
