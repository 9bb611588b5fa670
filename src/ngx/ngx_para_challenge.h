/*
 * What a refusal looks like: status, WWW-Authenticate (RFC 6750 3),
 * Retry-After (RFC 9110 10.2.3), Cache-Control (RFC 9111 5.2.2.5).
 */

#ifndef NGX_PARA_CHALLENGE_H
#define NGX_PARA_CHALLENGE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_reason.h"


/* The headers of a refusal, so that they can be taken back. */

typedef struct {
    ngx_table_elt_t  *www_authenticate;
    ngx_table_elt_t  *retry_after;
    ngx_table_elt_t  *cache_control;
} ngx_para_challenge_t;


/*
 * Setter of a realm: what may stand in a quoted-string (RFC 9110 5.6.4) as it
 * is.  cmd->offset leads to ngx_str_t.
 */
char *ngx_para_challenge_realm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Sets the headers of a refusal and returns its status; never one that lets
 * the request go on.  retry_after in seconds.
 */
ngx_int_t ngx_para_challenge_send(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *realm, para_code_e code,
    time_t retry_after);

/* Takes them back: after another decision, or from an answer that is none. */
void ngx_para_challenge_withdraw(ngx_para_challenge_t *challenge);


#endif /* NGX_PARA_CHALLENGE_H */
