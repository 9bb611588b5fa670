/*
 * When a key set is fetched, and how long it counts: decisions from times,
 * failures and what the answer says of itself (RFC 9111).  No clock.
 */

#ifndef PARA_REFRESH_H
#define PARA_REFRESH_H

#include <stdint.h>

#include "para_span.h"


typedef struct {
    uint64_t  refresh;                /* ms between fetches, all being well */
    uint64_t  cooldown;               /* ms between two that tokens cause, */
                                      /*   at least: 0 < cooldown <= refresh */
    int64_t   max_stale;              /* s that a set counts once fetched, */
                                      /*   >= 0 */
} para_refresh_policy_t;


/*
 * For how many ms the answer is fresh, by the values of its Cache-Control and
 * Age (RFC 9111 4.2, 5.1, 5.2), which may be absent: 0 if it is not to be kept
 * (no-cache, no-store, a max-age that is none), -1 if it does not say.  At most
 * 2^31 s.  What is for shared caches alone (s-maxage) is passed over.
 */
int64_t para_refresh_lifetime(para_span_t cache_control, para_span_t age);

/*
 * ms from the last attempt to the next in the background.  failures: attempts
 * in a row that failed up to now.  has_keys: there is a set that counts.
 * lifetime: of the last answer, as above; it is asked for after a success only.
 *
 * After a success the lifetime, from cooldown to refresh, or refresh if there
 * is none.  After failures what doubles with each: from cooldown to refresh, or
 * while there are no keys from 1 s to cooldown.
 */
uint64_t para_refresh_delay(const para_refresh_policy_t *policy, int has_keys,
    unsigned failures, int64_t lifetime);

/*
 * Whether a set that was fetched then no longer counts now, both in s since the
 * epoch: 1 or 0.  A clock that was set back makes no set stale.
 */
int para_refresh_is_stale(const para_refresh_policy_t *policy, int64_t fetched,
    int64_t now);


#endif /* PARA_REFRESH_H */
