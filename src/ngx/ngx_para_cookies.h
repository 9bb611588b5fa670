/*
 * A walk over the pairs of a Cookie header, RFC 6265 4.2.1.
 */

#ifndef NGX_PARA_COOKIES_H
#define NGX_PARA_COOKIES_H

#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    u_char     *pos;
    u_char     *end;
    ngx_str_t   name;         /* of the pair, without spaces around it */
    ngx_str_t   value;        /* ends where the pair ends; empty without '=' */
} ngx_para_cookies_t;


/* Of one header, which must outlive the walk: names and values lie in it. */
void ngx_para_cookies_init(ngx_para_cookies_t *cookies,
    const ngx_str_t *header);

/* The next pair: 0 if there is none. */
ngx_uint_t ngx_para_cookies_next(ngx_para_cookies_t *cookies);


#endif /* NGX_PARA_COOKIES_H */
