/*
 * What para_auth_metrics is made of: a choice of the format, and groups, each a
 * function that writes families.
 */

#ifndef NGX_HTTP_PARA_AUTH_METRICS_H
#define NGX_HTTP_PARA_AUTH_METRICS_H

#include "ngx_http_para_auth.h"
#include "ngx_para_metrics.h"


/*
 * The format that a request's Accept wants most, JSON if it names none that
 * there is: ngx_http_para_auth_metrics_accept.c
 */

ngx_para_metrics_format_e ngx_http_para_auth_metrics_accept(
    ngx_http_request_t *r);


/* Of decisions: ngx_http_para_auth_metrics_decisions.c */

void ngx_http_para_auth_metrics_decisions(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);


/* Of key sets: ngx_http_para_auth_metrics_keys.c */

void ngx_http_para_auth_metrics_keys(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);


/* Of sessions: ngx_http_para_auth_metrics_sessions.c */

void ngx_http_para_auth_metrics_breakers(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);
void ngx_http_para_auth_metrics_entries(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);
void ngx_http_para_auth_metrics_wakeups(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);


#endif /* NGX_HTTP_PARA_AUTH_METRICS_H */
