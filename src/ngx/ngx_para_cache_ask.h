/*
 * Who asks Para now, in all workers: one for each question, not too often for
 * one payer, not too many at once, and nobody while Para is down.
 */

#ifndef NGX_PARA_CACHE_ASK_H
#define NGX_PARA_CACHE_ASK_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_breaker.h"

#include "ngx_para_answer.h"
#include "ngx_para_cache.h"
#include "ngx_para_store.h"


#define NGX_PARA_CACHE_WAKEUPS  7       /* 1, 2, 5, 10, 20, 50 ms, more */


/* The first four are given: with all of a provider's key, one breaker. */

typedef struct {
    u_char          key[NGX_PARA_CACHE_KEY_SIZE];       /* of the question */
    u_char          provider[NGX_PARA_CACHE_KEY_SIZE];
    u_char          payer[NGX_PARA_CACHE_KEY_SIZE];     /* a JWT or a client */
    unsigned        free:1;           /* it counts for no payer */

    unsigned        down:1;           /* declined, for Para is down */
    para_breaker_e  admitted;
    uint64_t        flight;           /* the number of the one in the air, one's
                                         own or another's; 0: it has no mark */
    ngx_msec_t      asked;            /* ngx_current_msec */
    time_t          retry_after;      /* s; if declined */
} ngx_para_cache_ask_t;


typedef struct {
    ngx_uint_t      count[NGX_PARA_CACHE_WAKEUPS];
    uint64_t        sum;              /* ms */
} ngx_para_cache_wakeups_t;


/* ms that each count but the last one goes up to. */

extern const ngx_uint_t  ngx_para_cache_buckets[NGX_PARA_CACHE_WAKEUPS - 1];


/*
 * NGX_OK: Para is to be asked, and ngx_para_cache_answer() or _abandon() must
 * follow, with the same *ask.  NGX_BUSY: it is being asked just this.
 * NGX_DECLINED: it is not to be asked now.
 */
ngx_int_t ngx_para_cache_ask(ngx_shm_zone_t *zone, ngx_para_cache_ask_t *ask);

/* Publishes the result; a verdict is kept under ask->key. */
void ngx_para_cache_answer(ngx_shm_zone_t *zone,
    const ngx_para_cache_ask_t *ask, const ngx_para_result_t *result);

/* There will be no result, for a reason of ours: another one may ask. */
void ngx_para_cache_abandon(ngx_shm_zone_t *zone,
    const ngx_para_cache_ask_t *ask);

/*
 * Whether the flight of a question is over, in whatever way.  If it is, so many
 * waiters are counted as woken now.
 */
ngx_uint_t ngx_para_cache_is_over(ngx_shm_zone_t *zone, const u_char *key,
    uint64_t flight, ngx_uint_t waiters);

/*
 * What a flight brought.  NGX_OK, with all of *result but ->asked; NGX_AGAIN:
 * nothing yet; NGX_DECLINED: it is not known, or not any more, ask again;
 * NGX_ERROR: memory is out.
 */
ngx_int_t ngx_para_cache_look(ngx_shm_zone_t *zone, const u_char *key,
    uint64_t flight, ngx_pool_t *pool, ngx_para_result_t *result);

/*
 * Another number than before whenever a flight has ended.  Without the lock:
 * for polling.
 */
ngx_uint_t ngx_para_cache_ended(ngx_shm_zone_t *zone);

/*
 * How long it took from the publication of an answer until those who waited for
 * it in other processes were woken.
 */
void ngx_para_cache_wakeups(ngx_shm_zone_t *zone,
    ngx_para_cache_wakeups_t *wakeups);

/*
 * 1 while Para is taken for down, from the failure that opened the breaker
 * until a call succeeds.
 */
ngx_uint_t ngx_para_cache_is_down(ngx_shm_zone_t *zone,
    const u_char provider[NGX_PARA_CACHE_KEY_SIZE]);

/* How many entries of each pool there are, marks of calls among them. */
void ngx_para_cache_count(ngx_shm_zone_t *zone,
    ngx_uint_t count[NGX_PARA_STORE_POOLS]);


#endif /* NGX_PARA_CACHE_ASK_H */
