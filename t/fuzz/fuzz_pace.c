/*
 * Breaker and limit under any course of events, a byte each: the breaker never
 * lets two probes through within a probe's time, nor anything while it waits,
 * and is never shut for longer than it may be; no minute has more than its
 * limit.
 */

#include "fuzz.h"
#include "para_breaker.h"
#include "para_limit.h"


#define MAX     5
#define MINUTE  60000


static const para_breaker_policy_t  policy = {
    .failures = 3,
    .first = 1000,
    .longest = 20000,
    .probe = 5000
};


static void
fuzz_breaker(const uint8_t *data, size_t size)
{
    size_t           i;
    uint64_t         now, wait, probed;
    para_breaker_e   admitted;
    para_breaker_t   breaker;

    memset(&breaker, 0, sizeof(breaker));
    now = 1000000;
    probed = 0;

    for (i = 0; i < size; i++) {
        now += (uint64_t) (data[i] >> 3) * (data[i] >> 3) * 4;

        wait = para_breaker_wait(&breaker, &policy, now);
        fuzz_assert(wait <= PARA_BREAKER_HOLD_MAX);

        admitted = PARA_BREAKER_CALL;

        switch (data[i] & 7) {

        case 0:
        case 1:
        case 2:
            admitted = para_breaker_admit(&breaker, &policy, now);
            fuzz_assert((admitted == PARA_BREAKER_FAIL) == (wait != 0));

            if (admitted == PARA_BREAKER_PROBE) {
                fuzz_assert(now - probed >= policy.probe);
                probed = now;
            }

            break;

        case 3:
            para_breaker_succeed(&breaker);
            fuzz_assert(para_breaker_admit(&breaker, &policy, now)
                        == PARA_BREAKER_CALL);
            probed = 0;
            break;

        case 4:
            para_breaker_hold(&breaker, now, (uint64_t) data[i] * 1000);
            break;

        case 5:
            para_breaker_fail(&breaker, &policy, PARA_BREAKER_PROBE, now,
                              data[i] * 3u);
            probed = 0;
            break;

        default:
            para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, now,
                              data[i] * 3u);
            break;
        }
    }
}


static void
fuzz_limit(const uint8_t *data, size_t size)
{
    size_t         i, n, first;
    uint64_t       now, wait, *admitted;
    para_limit_t   limit;

    memset(&limit, 0, sizeof(limit));
    admitted = malloc((size + 1) * sizeof(uint64_t));

    n = 0;
    first = 0;
    now = 0;

    for (i = 0; i < size; i++) {
        now += (uint64_t) data[i] * data[i] / 2;
        wait = para_limit_wait(&limit, MAX, now);

        if (!para_limit_admit(&limit, MAX, now)) {
            fuzz_assert(wait != 0 && wait <= MINUTE + PARA_LIMIT_SLOT);
            continue;
        }

        fuzz_assert(wait == 0);
        admitted[n++] = now;

        while (now - admitted[first] >= MINUTE) {
            first++;
        }

        fuzz_assert(n - first <= MAX);
    }

    free(admitted);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_breaker(data, size);
    fuzz_limit(data, size);

    return 0;
}
