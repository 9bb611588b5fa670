/*
 * What para_auth_metrics is made of.  A group is a function that writes
 * families.
 */

#ifndef NGX_HTTP_PARA_AUTH_METRICS_H
#define NGX_HTTP_PARA_AUTH_METRICS_H

#include "ngx_http_para_auth.h"
#include "ngx_para_metrics.h"


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
