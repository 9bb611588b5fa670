#include "para_renewal.h"


/* The age from which on it is renewed: 70 to 90 % of its time. */

static uint64_t
para_renewal_due(const para_renewal_policy_t *policy, unsigned jitter)
{
    return policy->valid / 10 * 7
           + policy->valid / 10 * 2 * jitter / PARA_RENEWAL_JITTER;
}


para_renewal_e
para_renewal_decide(const para_renewal_policy_t *policy,
    const para_renewal_verdict_t *verdict, unsigned jitter)
{
    if (!verdict->active) {
        return verdict->age < policy->negative ? PARA_RENEWAL_FRESH
                                               : PARA_RENEWAL_GONE;
    }

    if (verdict->age >= policy->valid) {
        return verdict->age - policy->valid < policy->stale
               ? PARA_RENEWAL_STALE : PARA_RENEWAL_GONE;
    }

    if (policy->refresh
        && verdict->age >= para_renewal_due(policy, jitter)
        && verdict->tried >= PARA_RENEWAL_PAUSE)
    {
        return PARA_RENEWAL_RENEW;
    }

    return PARA_RENEWAL_FRESH;
}


int
para_renewal_bridges(para_reason_e failure)
{
    switch (failure) {

    case PARA_UNAVAILABLE:
    case PARA_ANSWER_SIZE:
    case PARA_ANSWER_JSON:
        return 1;

    /* PARA_ANSWER_MEMBER: it is Para's word, though we do not know of what */

    default:
        return 0;
    }
}
