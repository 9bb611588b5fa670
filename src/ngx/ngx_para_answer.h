/*
 * What Para's answers say.  No request is in it: who carried the question does
 * not count.
 */

#ifndef NGX_PARA_ANSWER_H
#define NGX_PARA_ANSWER_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_reason.h"
#include "../core/para_session.h"

#include "ngx_para_question.h"


#define NGX_PARA_ANSWER_MAX       PARA_SESSION_ANSWER_MAX   /* bytes of body */

#define NGX_PARA_RETRY_AFTER      5   /* s, unless Para says else */
#define NGX_PARA_RETRY_AFTER_MAX  60


typedef struct {
    ngx_para_endpoint_e  endpoint;
    ngx_uint_t           status;        /* 0: none, or not of Para's */
    unsigned             whole:1;       /* the body is all that was sent */
    unsigned             overflow:1;    /* ... but for what had no room */
    ngx_str_t            body;
    time_t               retry_after;   /* s, -1: it does not say */
} ngx_para_answer_t;


/*
 * The verdict.  PARA_OK: the session is active, or the wallet's owner known;
 * PARA_SESSION_ENDED: it is not.  Else Para did not say.
 */

typedef struct {
    para_reason_e        reason;
    ngx_str_t            record;        /* if PARA_OK: para_session_t's fields
                                           by para_record.h; of wallets the id,
                                           empty if it is nobody's */
    time_t               retry_after;   /* s, if Para did not say */
    unsigned             hold:1;        /* Para asks for these itself */
    ngx_msec_t           asked;         /* ngx_current_msec of the question */
} ngx_para_result_t;


/*
 * Fills in all of *result but its ->asked.  What is not certainly Para's word
 * is none.  The record is in the pool.
 */
void ngx_para_answer_judge(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_para_result_t *result);

/* RFC 9110 10.2.3, the form in seconds; -1 for any other. */
time_t ngx_para_answer_retry_after(const ngx_str_t *value);


#endif /* NGX_PARA_ANSWER_H */
