#include "ngx_para_cache_limit.h"
#include "ngx_para_cache_mark.h"
#include "../core/para_limit.h"
#include "../core/para_renewal.h"


#define NGX_PARA_CACHE_LIMIT_PAYER  20          /* calls a minute */


typedef struct {
    ngx_para_store_node_t    node;
    para_limit_t             limit;
} ngx_para_cache_payer_t;


typedef struct {
    ngx_para_store_node_t    node;
    para_breaker_t           breaker;
} ngx_para_cache_breaker_t;


static ngx_uint_t ngx_para_cache_limit_may_pay(ngx_para_store_sh_t *sh,
    ngx_para_cache_ask_t *ask);
static void ngx_para_cache_limit_pay(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, const ngx_para_cache_ask_t *ask);
static void *ngx_para_cache_limit_mark(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, const u_char *key, ngx_para_cache_mark_e kind,
    size_t size, ngx_para_store_pool_e pool);


static const para_breaker_policy_t  ngx_para_cache_limit_policy = {
    5,                                          /* failures in a row */
    1000,                                       /* ms to the first probe */
    30000,                                      /* the longest */
    NGX_PARA_CACHE_LEASE
};


/* Whole seconds, for Retry-After. */

static ngx_inline time_t
ngx_para_cache_limit_seconds(uint64_t ms)
{
    return (time_t) ngx_max((ms + 999) / 1000, 1);
}


/* From what costs nothing to what counts it. */

ngx_int_t
ngx_para_cache_limit_admit(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_cache_ask_t *ask)
{
    uint64_t                   wait;
    ngx_para_cache_breaker_t  *breaker;

    if (!ask->free && !ngx_para_cache_limit_may_pay(sh, ask)) {
        return NGX_DECLINED;
    }

    if (ngx_para_store_is_full(sh, NGX_PARA_STORE_FLIGHT)) {
        ask->retry_after = 1;
        return NGX_DECLINED;
    }

    breaker = ngx_para_cache_find_mark(sh, ask->provider,
                                       NGX_PARA_CACHE_BREAKER);

    if (breaker) {

        ngx_para_store_touch(sh, &breaker->node);

        ask->admitted = para_breaker_admit(&breaker->breaker,
                                           &ngx_para_cache_limit_policy,
                                           ngx_current_msec);

        if (ask->admitted == PARA_BREAKER_FAIL) {
            wait = para_breaker_wait(&breaker->breaker,
                                     &ngx_para_cache_limit_policy,
                                     ngx_current_msec);
            ask->down = 1;
            ask->retry_after = ngx_para_cache_limit_seconds(wait);
            return NGX_DECLINED;
        }
    }

    if (!ask->free) {
        ngx_para_cache_limit_pay(zone, sh, ask);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_para_cache_limit_may_pay(ngx_para_store_sh_t *sh,
    ngx_para_cache_ask_t *ask)
{
    uint64_t                 wait;
    ngx_para_cache_payer_t  *payer;

    payer = ngx_para_cache_find_mark(sh, ask->payer, NGX_PARA_CACHE_PAYER);

    if (payer == NULL) {
        return 1;
    }

    /* who is over his limit is not to be forgotten for that */

    ngx_para_store_touch(sh, &payer->node);

    wait = para_limit_wait(&payer->limit, NGX_PARA_CACHE_LIMIT_PAYER,
                           ngx_current_msec);
    if (wait == 0) {
        return 1;
    }

    ask->retry_after = ngx_para_cache_limit_seconds(wait);

    return 0;
}


static void
ngx_para_cache_limit_pay(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    const ngx_para_cache_ask_t *ask)
{
    ngx_para_cache_payer_t  *payer;

    payer = ngx_para_cache_limit_mark(zone, sh, ask->payer,
                                      NGX_PARA_CACHE_PAYER,
                                      sizeof(ngx_para_cache_payer_t),
                                      NGX_PARA_STORE_PAYER);

    if (payer) {
        (void) para_limit_admit(&payer->limit, NGX_PARA_CACHE_LIMIT_PAYER,
                                ngx_current_msec);
    }
}


/* The mark, made if need be: NULL if there is no room. */

static void *
ngx_para_cache_limit_mark(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    const u_char *key, ngx_para_cache_mark_e kind, size_t size,
    ngx_para_store_pool_e pool)
{
    ngx_para_store_node_t  *node;

    node = ngx_para_cache_find_mark(sh, key, kind);

    if (node == NULL) {

        node = ngx_para_store_alloc(zone, sh, size, pool);

        if (node) {
            ngx_para_cache_link_mark(sh, node, key, kind);
        }
    }

    return node;
}


/* A refusal is an answer; what one user's answer lacks says nothing of Para. */

ngx_para_cache_limit_e
ngx_para_cache_limit_feed(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    const ngx_para_cache_ask_t *ask, const ngx_para_result_t *result)
{
    uint32_t                   trips;
    ngx_uint_t                 failed, unknown;
    ngx_para_cache_breaker_t  *breaker;

    /* a whole answer that is no good may be one user's: it tells nothing */

    unknown = result->reason == PARA_NO_MEMORY
              || result->reason == PARA_ANSWER_SIZE
              || result->reason == PARA_ANSWER_JSON;

    failed = !unknown && para_renewal_bridges(result->reason);

    breaker = failed
              ? ngx_para_cache_limit_mark(zone, sh, ask->provider,
                                          NGX_PARA_CACHE_BREAKER,
                                          sizeof(ngx_para_cache_breaker_t),
                                          NGX_PARA_STORE_BREAKER)
              : ngx_para_cache_find_mark(sh, ask->provider,
                                         NGX_PARA_CACHE_BREAKER);
    if (breaker == NULL) {
        return NGX_PARA_CACHE_LIMIT_SAME;
    }

    trips = breaker->breaker.trips;

    if (unknown) {
        para_breaker_abandon(&breaker->breaker, ask->admitted,
                             ngx_current_msec);

    } else if (failed) {
        para_breaker_fail(&breaker->breaker, &ngx_para_cache_limit_policy,
                          ask->admitted, ngx_current_msec,
                          ngx_random() % (PARA_BREAKER_JITTER + 1));

        if (result->hold) {
            para_breaker_hold(&breaker->breaker, ngx_current_msec,
                              (uint64_t) result->retry_after * 1000);
        }

    } else {
        para_breaker_succeed(&breaker->breaker);
    }

    if ((trips == 0) == (breaker->breaker.trips == 0)) {
        return NGX_PARA_CACHE_LIMIT_SAME;
    }

    if (trips) {
        return NGX_PARA_CACHE_LIMIT_CLOSED;
    }

    return result->hold ? NGX_PARA_CACHE_LIMIT_HELD
                        : NGX_PARA_CACHE_LIMIT_OPENED;
}


void
ngx_para_cache_limit_abandon(ngx_para_store_sh_t *sh,
    const ngx_para_cache_ask_t *ask)
{
    ngx_para_cache_breaker_t  *breaker;

    breaker = ngx_para_cache_find_mark(sh, ask->provider,
                                       NGX_PARA_CACHE_BREAKER);

    if (breaker) {
        para_breaker_abandon(&breaker->breaker, ask->admitted,
                             ngx_current_msec);
    }
}


/* Whoever changes it tells: once, and not in each worker. */

void
ngx_para_cache_limit_report(ngx_para_cache_limit_e change,
    const ngx_para_result_t *result)
{
    switch (change) {

    case NGX_PARA_CACHE_LIMIT_OPENED:
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "para_auth: Para is taken for down: what is not in the "
                      "cache gets 503 at once, and one call at a time finds "
                      "out whether it is back");
        break;

    case NGX_PARA_CACHE_LIMIT_HELD:
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "para_auth: Para asks not to be called for %T s: "
                      "what is not in the cache gets 503 until then",
                      result->retry_after);
        break;

    case NGX_PARA_CACHE_LIMIT_CLOSED:
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "para_auth: Para is back");
        break;

    default:
        break;
    }
}


ngx_uint_t
ngx_para_cache_is_down(ngx_shm_zone_t *zone,
    const u_char provider[NGX_PARA_CACHE_KEY_SIZE])
{
    ngx_uint_t                 down;
    ngx_para_store_sh_t       *sh;
    ngx_para_cache_breaker_t  *breaker;

    sh = ngx_para_store_lock(zone);

    breaker = sh ? ngx_para_cache_find_mark(sh, provider,
                                            NGX_PARA_CACHE_BREAKER)
                 : NULL;

    down = breaker && breaker->breaker.trips;

    ngx_para_store_unlock(zone, sh);

    return down;
}
