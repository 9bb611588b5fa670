#include "para_limit.h"

#include <string.h>


/*
 * The window at now, without the slots that have gone out of it.  A clock that
 * went back a little counts into the latest slot; if it is another clock
 * altogether, everything begins anew.
 */

static para_limit_t
para_limit_at(const para_limit_t *limit, uint64_t now)
{
    uint64_t      slot;
    para_limit_t  window;

    slot = now / PARA_LIMIT_SLOT;
    window = *limit;

    if (slot >= window.slot + PARA_LIMIT_SLOTS
        || window.slot >= slot + PARA_LIMIT_SLOTS)
    {
        memset(&window, 0, sizeof(para_limit_t));
        window.slot = slot;
    }

    while (window.slot < slot) {
        window.slot++;
        window.count[window.slot % PARA_LIMIT_SLOTS] = 0;
    }

    return window;
}


static unsigned
para_limit_count(const para_limit_t *window)
{
    unsigned  i, count;

    count = 0;

    for (i = 0; i < PARA_LIMIT_SLOTS; i++) {
        count += window->count[i];
    }

    return count;
}


int
para_limit_admit(para_limit_t *limit, unsigned max, uint64_t now)
{
    *limit = para_limit_at(limit, now);

    if (para_limit_count(limit) >= max) {
        return 0;
    }

    limit->count[limit->slot % PARA_LIMIT_SLOTS]++;

    return 1;
}


uint64_t
para_limit_wait(const para_limit_t *limit, unsigned max, uint64_t now)
{
    unsigned      i, count;
    para_limit_t  window;

    window = para_limit_at(limit, now);
    count = para_limit_count(&window);

    if (count < max) {
        return 0;
    }

    /* the oldest slot goes first, until enough have left the window */

    for (i = 1; i < PARA_LIMIT_SLOTS; i++) {
        count -= window.count[(window.slot + i) % PARA_LIMIT_SLOTS];

        if (count < max) {
            break;
        }
    }

    return (window.slot + i) * PARA_LIMIT_SLOT - now;
}
