/*
 * What a refusal looks like: status, WWW-Authenticate (RFC 6750 3),
 * Retry-After (RFC 9110 10.2.3).
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
} ngx_para_challenge_t;


/*
 * Sets the headers of a refusal and returns its status; never one that lets
 * the request go on.  retry_after in seconds.
 */
ngx_int_t ngx_para_challenge_send(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, para_code_e code, time_t retry_after);

/* Takes them back: after another decision, or from an answer that is none. */
void ngx_para_challenge_withdraw(ngx_para_challenge_t *challenge);


#endif /* NGX_PARA_CHALLENGE_H */
