/*
 * What is asked of Para: its endpoints, and the question to each.  Whoever
 * carries a question, a subrequest or libcurl, finds all of it here.
 */

#ifndef NGX_PARA_QUESTION_H
#define NGX_PARA_QUESTION_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_span.h"


typedef enum {
    NGX_PARA_VERIFY = 0,            /* a verification token */
    NGX_PARA_TOUCH,                 /* the cookie of an exported session */
    NGX_PARA_WALLETS,               /* an address of a wallet */

    NGX_PARA_ENDPOINTS
} ngx_para_endpoint_e;


typedef struct {
    ngx_para_endpoint_e  endpoint;
    ngx_str_t            body;      /* JSON; empty for touch */
    ngx_str_t            cookie;    /* x-capsule-sid; of touch only */
} ngx_para_question_t;


/* Its name in the configuration: "verify", "touch", "wallets". */
const ngx_str_t *ngx_para_endpoint_name(ngx_para_endpoint_e endpoint);

/* What is POSTed to, below the base of Para's URLs. */
const ngx_str_t *ngx_para_endpoint_path(ngx_para_endpoint_e endpoint);

/* 1 if Para is to be given the secret key there, 0 if the public one. */
ngx_uint_t ngx_para_endpoint_secret(ngx_para_endpoint_e endpoint);

/* The endpoint of that name, NGX_PARA_ENDPOINTS if there is none. */
ngx_para_endpoint_e ngx_para_endpoint_find(const ngx_str_t *name);

/*
 * Each makes a question that lives in the pool, with all of its text.  NGX_OK,
 * or NGX_ERROR if memory is out.  They take what para_session_check_token(),
 * para_exported_parse() and para_wallet_may_ask() let pass.
 */
ngx_int_t ngx_para_question_verify(ngx_pool_t *pool,
    ngx_para_question_t *question, para_span_t token);
ngx_int_t ngx_para_question_touch(ngx_pool_t *pool,
    ngx_para_question_t *question, para_span_t cookie);
ngx_int_t ngx_para_question_wallet(ngx_pool_t *pool,
    ngx_para_question_t *question, para_span_t address);


#endif /* NGX_PARA_QUESTION_H */
