/*
 * The internal locations through which Para is reached: para_auth_upstream
 * marks them, and what cannot work there is refused when it is configured.
 */

#ifndef NGX_PARA_UPSTREAM_H
#define NGX_PARA_UPSTREAM_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_para_question.h"


/* Where Para is: what the location's proxy_pass must lead to. */

typedef struct {
    ngx_str_t                  host;
    in_port_t                  port;
    ngx_uint_t                 no_port;     /* the default one */
    ngx_uint_t                 tls;         /* unsigned  tls:1; */
} ngx_para_upstream_api_t;


typedef struct {
    ngx_str_t                  uri;         /* of the location */
    ngx_str_t                  provider;    /* name */
    ngx_para_endpoint_e        endpoint;
    ngx_para_upstream_api_t    api;         /* the glue fills it in */
    ngx_http_core_loc_conf_t  *clcf;
    u_char                    *file;        /* where it is configured */
    ngx_uint_t                 line;
} ngx_para_upstream_t;


/*
 * Setter of para_auth_upstream; cmd->offset leads to ngx_para_upstream_t*.
 */
char *ngx_para_upstream_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * After all is merged: NGX_OK, or NGX_ERROR with a message if the location
 * cannot do its work or would send the key elsewhere.
 */
ngx_int_t ngx_para_upstream_check(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream);

/*
 * 1 while proxy_pass writes a request that goes to Para and has not been sent:
 * the only moment at which the secret key may be asked for.  A proxy_pass with
 * a variable shows only now where it leads.
 */
ngx_uint_t ngx_para_upstream_leads_to_api(ngx_http_request_t *r,
    const ngx_para_upstream_t *upstream);


#endif /* NGX_PARA_UPSTREAM_H */
