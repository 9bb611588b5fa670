/*
 * Asking Para about a session: a subrequest to the marked internal location,
 * built whole by us, and the filter that captures the answer.  Requests of one
 * worker that ask for the same session share one call.
 */

#ifndef NGX_PARA_VERIFY_H
#define NGX_PARA_VERIFY_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"
#include "../core/para_reason.h"
#include "../core/para_span.h"

#include "ngx_para_flight.h"


#define NGX_PARA_VERIFY_RETRY_AFTER      5      /* s, unless Para says else */
#define NGX_PARA_VERIFY_RETRY_AFTER_MAX  60


typedef struct ngx_para_verify_call_s  ngx_para_verify_call_t;


/* Whom to ask, and how: one for each provider and server. */

typedef struct {
    ngx_str_t             uri;          /* of the marked location */
    const void           *provider;     /* that the location is marked for */
    para_reason_e         fault;        /* the last that this worker logged,
                                           PARA_OK: none, or it is over */
    time_t                odd;          /* when it last logged an odd answer */
} ngx_para_verify_target_t;


typedef struct {
    para_reason_e         reason;       /* PARA_OK: the session is active;
                                           PARA_SESSION_ENDED: it is not;
                                           else Para did not say */
    ngx_str_t             record;       /* para_session_t's fields if active */
    time_t                retry_after;  /* s, if Para did not say */
    ngx_msec_t            asked;        /* ngx_current_msec of the question */
} ngx_para_verify_result_t;


/* Called once for each call that ended, before any request learns of it. */

typedef void (*ngx_para_verify_done_pt)(const ngx_para_verify_result_t *result,
    const u_char *key, void *data);


/*
 * A request's share in a call.  Zeroed before ngx_para_verify_start(), lives as
 * long as the request.
 */

typedef struct {
    ngx_para_flight_waiter_t   waiter;      /* for another's call */
    ngx_para_verify_call_t    *call;        /* its own, NULL for none yet */
    u_char                     key[PARA_DIGEST_SIZE];   /* if pending */
    ngx_para_verify_result_t   result;      /* if done */
    unsigned                   attended:1;  /* has its cleanup */
    unsigned                   pending:1;   /* for the caller to clear */
    unsigned                   leader:1;    /* of the call that it waits for */
    unsigned                   done:1;
    unsigned                   retry:1;     /* no answer: start again */
} ngx_para_verify_t;


/*
 * Starts the call, or joins the one in flight for this key.  NGX_AGAIN: the
 * request is woken when verify->done or verify->retry is set.  NGX_ERROR.
 */
ngx_int_t ngx_para_verify_start(ngx_http_request_t *r,
    ngx_para_verify_t *verify, ngx_para_verify_target_t *target,
    const u_char key[PARA_DIGEST_SIZE], para_span_t token,
    ngx_para_verify_done_pt done, void *data);

/* 1 if it was started for this key, and its end has not been taken. */
ngx_uint_t ngx_para_verify_pending(const ngx_para_verify_t *verify,
    const u_char key[PARA_DIGEST_SIZE]);

/* 1 if sr is the subrequest of this call. */
ngx_uint_t ngx_para_verify_is(const ngx_para_verify_t *verify,
    const ngx_http_request_t *sr);

/*
 * What a subrequest of ours may do in a location marked for this provider (NULL
 * for an unmarked one).  NGX_OK, or the status to end it with.
 */
ngx_int_t ngx_para_verify_admit(ngx_para_verify_t *verify,
    const void *provider);

/* It has entered its location, and may not enter one again. */
void ngx_para_verify_enter(ngx_para_verify_t *verify);

/*
 * The request to Para is being written, and may have the secret key: NGX_OK,
 * and now it has the token too.  NGX_DECLINED: the call is over.
 */
ngx_int_t ngx_para_verify_arm(ngx_para_verify_t *verify);

/* It would go to somebody else: it stays as empty as it is. */
void ngx_para_verify_withhold(ngx_para_verify_t *verify);

/* The body filter of such a subrequest: takes all, passes nothing on. */
void ngx_para_verify_capture(ngx_para_verify_t *verify, ngx_chain_t *in);


#endif /* NGX_PARA_VERIFY_H */
