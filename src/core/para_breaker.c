#include "para_breaker.h"

#include <string.h>


/*
 * A time beyond what was ever written was not written by this clock, and must
 * not keep it open for good.
 */

static int
para_breaker_is_waiting(const para_breaker_t *breaker,
    const para_breaker_policy_t *policy, uint64_t now)
{
    uint64_t  longest;

    longest = PARA_BREAKER_HOLD_MAX;

    if (longest < policy->longest) {
        longest = policy->longest;
    }

    if (longest < policy->probe) {
        longest = policy->probe;
    }

    return breaker->trips != 0 && now < breaker->until
           && breaker->until - now <= longest;
}


para_breaker_e
para_breaker_admit(para_breaker_t *breaker,
    const para_breaker_policy_t *policy, uint64_t now)
{
    if (breaker->trips == 0) {
        return PARA_BREAKER_CALL;
    }

    if (para_breaker_is_waiting(breaker, policy, now)) {
        return PARA_BREAKER_FAIL;
    }

    /* a lease and no mark: a worker that dies with it does not take it along */

    breaker->until = now + policy->probe;

    return PARA_BREAKER_PROBE;
}


uint64_t
para_breaker_wait(const para_breaker_t *breaker,
    const para_breaker_policy_t *policy, uint64_t now)
{
    return para_breaker_is_waiting(breaker, policy, now) ? breaker->until - now
                                                         : 0;
}


void
para_breaker_succeed(para_breaker_t *breaker)
{
    memset(breaker, 0, sizeof(para_breaker_t));
}


/* Up to a quarter less, so that many nodes do not come back as one. */

static uint64_t
para_breaker_pause(const para_breaker_policy_t *policy, uint32_t trips,
    unsigned jitter)
{
    uint64_t  pause;

    pause = policy->first;

    while (--trips != 0 && pause < policy->longest) {
        pause *= 2;
    }

    if (pause > policy->longest) {
        pause = policy->longest;
    }

    return pause - pause / 4 * jitter / PARA_BREAKER_JITTER;
}


void
para_breaker_fail(para_breaker_t *breaker, const para_breaker_policy_t *policy,
    para_breaker_e admitted, uint64_t now, unsigned jitter)
{
    if (breaker->trips != 0 && admitted != PARA_BREAKER_PROBE) {
        return;
    }

    /* the probe of an outage that is over is one failure like any other */

    if (breaker->trips == 0 && ++breaker->failures < policy->failures) {
        return;
    }

    if (breaker->trips != UINT32_MAX) {
        breaker->trips++;
    }

    breaker->failures = 0;
    breaker->until = now + para_breaker_pause(policy, breaker->trips, jitter);
}


void
para_breaker_abandon(para_breaker_t *breaker, para_breaker_e admitted,
    uint64_t now)
{
    if (breaker->trips != 0 && admitted == PARA_BREAKER_PROBE) {
        breaker->until = now;
    }
}


void
para_breaker_hold(para_breaker_t *breaker, uint64_t now, uint64_t wait)
{
    if (wait > PARA_BREAKER_HOLD_MAX) {
        wait = PARA_BREAKER_HOLD_MAX;
    }

    if (breaker->trips == 0) {
        breaker->trips = 1;
        breaker->failures = 0;
        breaker->until = now + wait;

    } else if (breaker->until < now + wait) {
        breaker->until = now + wait;
    }
}
