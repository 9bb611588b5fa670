/*
 * A request of our own through an internal location: nothing of the client's
 * request goes with it.
 */

#ifndef NGX_PARA_SUBREQUEST_H
#define NGX_PARA_SUBREQUEST_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Posts a JSON body, NULL for none, to a location.  It runs after the caller
 * has returned, and its parent is woken when it is done; finished() is called
 * before that, more than once for some statuses.  NGX_ERROR: there is none,
 * unless nginx itself failed after it had made one.  The body lives in the pool
 * of r.
 */
ngx_int_t ngx_para_subrequest_post(ngx_http_request_t *r,
    const ngx_str_t *location, ngx_buf_t *body,
    ngx_http_post_subrequest_pt finished, void *data,
    ngx_http_request_t **sr);


#endif /* NGX_PARA_SUBREQUEST_H */
