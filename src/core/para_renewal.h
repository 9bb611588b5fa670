/*
 * How long Para's word on a session counts, when it is asked for again before
 * that ends, and how long it may bridge a time in which Para does not answer.
 * Pure decisions; all times are in ms.
 */

#ifndef PARA_RENEWAL_H
#define PARA_RENEWAL_H

#include <stdint.h>

#include "para_reason.h"


/* Jitter is handed in as 0 to this, best the same for one session each time. */
#define PARA_RENEWAL_JITTER  1000

/* No renewal is started sooner after another of the same session. */
#define PARA_RENEWAL_PAUSE   1000


typedef struct {
    uint64_t  valid;                  /* how long an active session counts */
    uint64_t  negative;               /* the same, one that has ended */
    uint64_t  stale;                  /* how long an active one may go on past
                                         valid while Para is unavailable */
    int       refresh;                /* renewed in the background */
} para_renewal_policy_t;


typedef struct {
    int       active;                 /* what Para said */
    uint64_t  age;                    /* since it was asked for that */
    uint64_t  tried;                  /* since a renewal was last started;
                                         UINT64_MAX: it was not */
} para_renewal_verdict_t;


typedef enum {
    PARA_RENEWAL_GONE = 0,            /* ask; without an answer there is none */
    PARA_RENEWAL_STALE,               /* ask; may serve if Para is unavailable,
                                         as para_renewal_bridges() says */
    PARA_RENEWAL_RENEW,               /* it counts; ask in the background */
    PARA_RENEWAL_FRESH                /* it counts */
} para_renewal_e;


/*
 * What is to be done with a verdict.  It is renewed when 70 to 90 % of its
 * time have passed, as jitter has it.
 */
para_renewal_e para_renewal_decide(const para_renewal_policy_t *policy,
    const para_renewal_verdict_t *verdict, unsigned jitter);

/*
 * 1 if a call that ended so may be bridged by a stale verdict: Para was not
 * reached, or what came was not Para's.  Never after a refusal of any kind.
 */
int para_renewal_bridges(para_reason_e failure);


#endif /* PARA_RENEWAL_H */
