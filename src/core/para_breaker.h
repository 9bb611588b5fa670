/*
 * A circuit breaker: while Para is down, requests fail at once instead of each
 * waiting for a timeout, and one probe at a time finds out that it is back.
 * Plain data without pointers, for shared memory, all zero at first; its user
 * has the lock.  All times are in ms of one monotonic clock.
 */

#ifndef PARA_BREAKER_H
#define PARA_BREAKER_H

#include <stdint.h>


/* Jitter is handed in as 0 to this, spread evenly. */
#define PARA_BREAKER_JITTER    1000

#define PARA_BREAKER_HOLD_MAX  60000  /* ms that Para may ask us to wait */


typedef struct {
    uint32_t  failures;               /* that open it, one after another */
    uint64_t  first;                  /* ms until the first probe, 1 at least */
    uint64_t  longest;                /* it doubles each time, up to this; not
                                         less than first */
    uint64_t  probe;                  /* ms after which a probe is given up and
                                         another one is let through: longer
                                         than a call may take */
} para_breaker_policy_t;


typedef struct {
    uint64_t  until;                  /* open: no call before */
    uint32_t  failures;               /* one after another, while closed */
    uint32_t  trips;                  /* how often it opened since it was last
                                         closed; 0: it is closed */
} para_breaker_t;


typedef enum {
    PARA_BREAKER_FAIL = 0,            /* no call: Para is taken for down */
    PARA_BREAKER_CALL,
    PARA_BREAKER_PROBE                /* a call, the only one for now */
} para_breaker_e;


/*
 * Whether Para may be called.  Each PARA_BREAKER_CALL and _PROBE is to be
 * followed by one of the functions below, with what was returned; one that is
 * not, for its worker died, costs policy->probe.
 */
para_breaker_e para_breaker_admit(para_breaker_t *breaker,
    const para_breaker_policy_t *policy, uint64_t now);

/* ms until the next probe, for Retry-After; 0 if calls are let through. */
uint64_t para_breaker_wait(const para_breaker_t *breaker,
    const para_breaker_policy_t *policy, uint64_t now);

/* Para has answered, be it with a refusal: calls are let through again. */
void para_breaker_succeed(para_breaker_t *breaker);

/*
 * A call has failed.  Of those that were under way when it opened only the
 * probe's failure counts: a thousand timeouts are one outage.
 */
void para_breaker_fail(para_breaker_t *breaker,
    const para_breaker_policy_t *policy, para_breaker_e admitted,
    uint64_t now, unsigned jitter);

/* A call ended without telling anything of Para: a probe may be had again. */
void para_breaker_abandon(para_breaker_t *breaker, para_breaker_e admitted,
    uint64_t now);

/* Para asks to be left alone for so long (429, 503 with Retry-After). */
void para_breaker_hold(para_breaker_t *breaker, uint64_t now, uint64_t wait);


#endif /* PARA_BREAKER_H */
