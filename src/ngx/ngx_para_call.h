/*
 * Asking Para: a subrequest to the marked internal location of an endpoint,
 * built whole by us, and the filter that captures the answer.  Requests of one
 * worker that ask the same share one call.
 */

#ifndef NGX_PARA_CALL_H
#define NGX_PARA_CALL_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"
#include "../core/para_reason.h"

#include "ngx_para_answer.h"
#include "ngx_para_flight.h"


#define NGX_PARA_CALL_TIMEOUT  6000     /* ms that a call may take in all */


typedef struct ngx_para_call_s  ngx_para_call_t;


/* Whom to ask, and how: one for each provider, server and endpoint. */

typedef struct {
    ngx_str_t                  uri;         /* of the marked location */
    const void                *provider;    /* that it is marked for */
    ngx_para_endpoint_e        endpoint;
    para_reason_e              fault;       /* the last that this worker logged,
                                               PARA_OK: none, or it is over */
    time_t                     odd;         /* when it last logged an odd
                                               answer */
} ngx_para_call_target_t;


/*
 * Called once for each call that ended, before any request learns of it.  NULL:
 * there is no result, for the caller's client went away.
 */

typedef void (*ngx_para_call_done_pt)(const ngx_para_result_t *result,
    void *data);


/*
 * A request's share in a call.  Zeroed before ngx_para_call_start(), lives as
 * long as the request; one may serve several calls, one after the other.
 */

typedef struct {
    ngx_para_flight_waiter_t   waiter;      /* for another's call */
    ngx_para_call_t           *call;        /* its own, NULL for none yet */
    u_char                     key[PARA_DIGEST_SIZE];   /* if pending */
    ngx_para_result_t          result;      /* if done */
    unsigned                   attended:1;  /* has its cleanup */
    unsigned                   pending:1;   /* for the caller to clear */
    unsigned                   leader:1;    /* of the call that it waits for */
    unsigned                   done:1;
    unsigned                   retry:1;     /* no answer: start again */
} ngx_para_call_share_t;


/*
 * Starts the call, or joins the one in flight for this key.  The question is
 * copied, its texts are not: they live as long as the request.  NGX_AGAIN: the
 * request is woken when share->done or share->retry is set.  NGX_ERROR.
 */
ngx_int_t ngx_para_call_start(ngx_http_request_t *r,
    ngx_para_call_share_t *share, ngx_para_call_target_t *target,
    const u_char key[PARA_DIGEST_SIZE], const ngx_para_question_t *question,
    ngx_para_call_done_pt done, void *data);

/* 1 if it was started for this key, and its end has not been taken. */
ngx_uint_t ngx_para_call_pending(const ngx_para_call_share_t *share,
    const u_char key[PARA_DIGEST_SIZE]);

/*
 * The call that a request is the subrequest of, NULL if it is none of ours.  It
 * stays so after the call has ended.
 */
ngx_para_call_t *ngx_para_call_of(const ngx_http_request_t *sr);

/*
 * What a subrequest of ours may do in the location of this target (NULL for an
 * unmarked one).  NGX_OK, or the status to end it with.
 */
ngx_int_t ngx_para_call_admit(ngx_para_call_t *call,
    const ngx_para_call_target_t *target);

/* It has entered its location, and may not enter one again. */
void ngx_para_call_enter(ngx_para_call_t *call);

/*
 * The request to Para is being written, and may have what only Para may see.
 * Returns the question, NULL if the call is over.
 */
const ngx_para_question_t *ngx_para_call_question(
    const ngx_para_call_t *call);

/* It has what tells Para what is asked; its body comes with that. */
void ngx_para_call_arm(ngx_para_call_t *call);

/* It would go to somebody else: it stays as empty as it is. */
void ngx_para_call_withhold(ngx_para_call_t *call);

/* The body filter of such a subrequest: takes all, passes nothing on. */
void ngx_para_call_capture(ngx_para_call_t *call, ngx_chain_t *in);


#endif /* NGX_PARA_CALL_H */
