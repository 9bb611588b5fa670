/*
 * The inside of a call, for ngx_para_call.c and ngx_para_call_report.c.
 */

#ifndef NGX_PARA_CALL_STATE_H
#define NGX_PARA_CALL_STATE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_para_call.h"


/* One call to Para; lives in the pool of the request that makes it. */

struct ngx_para_call_s {
    ngx_para_flight_t                flight;
    ngx_para_call_share_t           *leader;
    ngx_http_request_t              *sr;
    ngx_para_call_target_t          *target;
    ngx_para_call_done_pt            done;
    void                            *data;

    ngx_msec_t                       asked;
    ngx_event_t                      timer;     /* when it has lasted enough */
    ngx_para_question_t              question;  /* kept back until armed */
    u_char                          *answer;
    size_t                           len;

    unsigned                         ended:1;
    unsigned                         entered:1;     /* its location */
    unsigned                         armed:1;       /* says what is asked */
    unsigned                         misrouted:1;   /* left its location */
    unsigned                         foreign:1;     /* was to leave for a host
                                                       that is not Para's */
    unsigned                         late:1;        /* lasted too long */
    unsigned                         overflow:1;
    unsigned                         last:1;        /* the answer is whole */
};


/*
 * Logs what a call that has ended says of Para or of the configuration: a line
 * when that changes, and not one for each call.  rc is the subrequest's.
 */
void ngx_para_call_report(ngx_para_call_t *call, para_reason_e reason,
    ngx_int_t rc);


#endif /* NGX_PARA_CALL_STATE_H */
