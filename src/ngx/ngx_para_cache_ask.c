#include "ngx_para_cache_ask.h"
#include "ngx_para_cache_limit.h"
#include "ngx_para_cache_mark.h"


/* ms for which those who wait find out how it ended */
#define NGX_PARA_CACHE_LINGER     2000


typedef struct {
    ngx_para_store_node_t    node;
    uint64_t                 number;
    ngx_msec_t               moment;      /* of the question; landed: of the
                                             answer's publication */
    uint32_t                 pid;         /* who asks; landed: 0 */
    uint16_t                 reason;      /* para_reason_e; landed */
    uint16_t                 retry_after;
} ngx_para_cache_flight_t;


/* The store's area. */

typedef struct {
    ngx_atomic_t              ended;
    ngx_para_cache_wakeups_t  wakeups;
} ngx_para_cache_area_t;


static void ngx_para_cache_begin(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_cache_ask_t *ask);
static void ngx_para_cache_clean(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh);
static ngx_uint_t ngx_para_cache_is_taken(
    const ngx_para_cache_flight_t *flight);
static ngx_uint_t ngx_para_cache_is_lost(const ngx_para_cache_flight_t *flight);
static ngx_para_cache_flight_t *ngx_para_cache_flight(ngx_para_store_sh_t *sh,
    const u_char *key, uint64_t number);
static ngx_msec_t ngx_para_cache_now(void);


const ngx_uint_t  ngx_para_cache_buckets[NGX_PARA_CACHE_WAKEUPS - 1] = {
    1, 2, 5, 10, 20, 50
};


ngx_int_t
ngx_para_cache_ask(ngx_shm_zone_t *zone, ngx_para_cache_ask_t *ask)
{
    ngx_int_t                 rc;
    ngx_para_store_sh_t      *sh;
    ngx_para_cache_flight_t  *flight;

    ask->down = 0;
    ask->flight = 0;
    ask->retry_after = 0;
    ask->asked = ngx_current_msec;
    ask->admitted = PARA_BREAKER_CALL;

    rc = NGX_OK;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    ngx_para_cache_clean(zone, sh);

    flight = ngx_para_cache_find_mark(sh, ask->key, NGX_PARA_CACHE_FLIGHT);

    if (flight && ngx_para_cache_is_taken(flight)) {
        ask->flight = flight->number;
        rc = NGX_BUSY;
        goto done;
    }

    rc = ngx_para_cache_limit_admit(zone, sh, ask);

    if (rc == NGX_OK) {

        if (flight) {
            ngx_para_store_delete(zone, sh, &flight->node);
        }

        ngx_para_cache_begin(zone, sh, ask);
    }

done:

    ngx_para_store_unlock(zone, sh);

    return rc;
}


/* Without memory for a mark others may ask the same: that costs calls only. */

static void
ngx_para_cache_begin(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_cache_ask_t *ask)
{
    ngx_para_cache_flight_t  *flight;

    flight = (ngx_para_cache_flight_t *)
                 ngx_para_store_alloc(zone, sh,
                                      sizeof(ngx_para_cache_flight_t),
                                      NGX_PARA_STORE_FLIGHT);
    if (flight == NULL) {
        return;
    }

    flight->number = ngx_para_store_serial(sh);
    flight->moment = ask->asked;
    flight->pid = (uint32_t) ngx_pid;

    ask->flight = flight->number;

    ngx_para_cache_link_mark(sh, &flight->node, ask->key,
                             NGX_PARA_CACHE_FLIGHT);
}


/* Two at a time, where one is added: it never grows, and never takes long. */

static void
ngx_para_cache_clean(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh)
{
    ngx_uint_t                i;
    ngx_msec_int_t            age;
    ngx_para_cache_flight_t  *flight;

    for (i = 0; i < 2; i++) {

        flight = (ngx_para_cache_flight_t *)
                     ngx_para_store_last(sh, NGX_PARA_STORE_FLIGHT);

        if (flight && ngx_para_cache_is_lost(flight)) {
            ngx_para_store_delete(zone, sh, &flight->node);
        }

        flight = (ngx_para_cache_flight_t *)
                     ngx_para_store_last(sh, NGX_PARA_STORE_LANDED);

        if (flight == NULL) {
            continue;
        }

        age = (ngx_msec_int_t) (ngx_current_msec - flight->moment);

        if (age > NGX_PARA_CACHE_LINGER) {
            ngx_para_store_delete(zone, sh, &flight->node);
        }
    }
}


/*
 * It is in the air, or it has brought a verdict since this turn of the event
 * loop began, so perhaps since the caller looked for one.
 */

static ngx_uint_t
ngx_para_cache_is_taken(const ngx_para_cache_flight_t *flight)
{
    if (flight->pid) {
        return !ngx_para_cache_is_lost(flight);
    }

    return (flight->reason == PARA_OK || flight->reason == PARA_SESSION_ENDED)
           && (ngx_msec_int_t) (flight->moment - ngx_current_msec) >= 0;
}


/* Its worker will never end it. */

static ngx_uint_t
ngx_para_cache_is_lost(const ngx_para_cache_flight_t *flight)
{
    ngx_msec_int_t  age;

    age = (ngx_msec_int_t) (ngx_current_msec - flight->moment);

    if (age > NGX_PARA_CACHE_LEASE) {
        return 1;
    }

    return flight->pid != (uint32_t) ngx_pid
           && kill((ngx_pid_t) flight->pid, 0) == -1 && ngx_errno == ESRCH;
}


static ngx_para_cache_flight_t *
ngx_para_cache_flight(ngx_para_store_sh_t *sh, const u_char *key,
    uint64_t number)
{
    ngx_para_cache_flight_t  *flight;

    flight = ngx_para_cache_find_mark(sh, key, NGX_PARA_CACHE_FLIGHT);

    return flight && flight->number == number ? flight : NULL;
}


void
ngx_para_cache_answer(ngx_shm_zone_t *zone, const ngx_para_cache_ask_t *ask,
    const ngx_para_result_t *result)
{
    ngx_para_store_sh_t       *sh;
    ngx_para_cache_area_t     *area;
    ngx_para_cache_flight_t   *flight;
    ngx_para_cache_limit_e     change;
    ngx_para_cache_session_t   session;

    /* first the verdict, then the word that it is there */

    if (result->reason == PARA_OK || result->reason == PARA_SESSION_ENDED) {

        ngx_memzero(&session, sizeof(ngx_para_cache_session_t));

        /* nobody's wallet is a refusal: it has the room of those */

        session.active = (result->reason == PARA_OK && result->record.len);
        session.record = result->record;

        ngx_para_cache_session_store(zone, ask->key, &session, ask->asked);

    } else if (result->reason == PARA_KEY_REFUSED
               || result->reason == PARA_ANSWER_MEMBER)
    {
        ngx_para_cache_session_doubt(zone, ask->key, ask->asked);
    }

    change = NGX_PARA_CACHE_LIMIT_SAME;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    change = ngx_para_cache_limit_feed(zone, sh, ask, result);

    flight = ngx_para_cache_flight(sh, ask->key, ask->flight);

    if (flight) {
        flight->pid = 0;
        flight->moment = ngx_para_cache_now();
        flight->reason = (uint16_t) result->reason;
        flight->retry_after = (uint16_t) result->retry_after;

        ngx_para_store_move(zone, sh, &flight->node, NGX_PARA_STORE_LANDED);
    }

    area = ngx_para_store_area(sh);
    area->ended++;

done:

    ngx_para_store_unlock(zone, sh);

    ngx_para_cache_limit_report(change, result);
}


void
ngx_para_cache_abandon(ngx_shm_zone_t *zone, const ngx_para_cache_ask_t *ask)
{
    ngx_para_store_sh_t      *sh;
    ngx_para_cache_area_t    *area;
    ngx_para_cache_flight_t  *flight;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    flight = ngx_para_cache_flight(sh, ask->key, ask->flight);

    if (flight) {
        ngx_para_store_delete(zone, sh, &flight->node);
    }

    ngx_para_cache_limit_abandon(sh, ask);

    area = ngx_para_store_area(sh);
    area->ended++;

done:

    ngx_para_store_unlock(zone, sh);
}


ngx_uint_t
ngx_para_cache_is_over(ngx_shm_zone_t *zone, const u_char *key,
    uint64_t number, ngx_uint_t waiters)
{
    ngx_uint_t                i, over;
    ngx_msec_int_t            ms;
    ngx_para_store_sh_t      *sh;
    ngx_para_cache_area_t    *area;
    ngx_para_cache_flight_t  *flight;

    sh = ngx_para_store_lock(zone);
    flight = sh ? ngx_para_cache_flight(sh, key, number) : NULL;

    if (flight == NULL) {
        over = 1;

    } else if (flight->pid) {
        over = ngx_para_cache_is_lost(flight);

    } else {
        over = 1;

        ms = (ngx_msec_int_t) (ngx_para_cache_now() - flight->moment);
        ms = ngx_max(ms, 0);

        for (i = 0; i < NGX_PARA_CACHE_WAKEUPS - 1; i++) {
            if ((ngx_uint_t) ms <= ngx_para_cache_buckets[i]) {
                break;
            }
        }

        area = ngx_para_store_area(sh);
        area->wakeups.count[i] += waiters;
        area->wakeups.sum += (uint64_t) ms * waiters;
    }

    ngx_para_store_unlock(zone, sh);

    return over;
}


ngx_int_t
ngx_para_cache_look(ngx_shm_zone_t *zone, const u_char *key, uint64_t number,
    ngx_pool_t *pool, ngx_para_result_t *result)
{
    ngx_int_t                  rc;
    ngx_para_store_sh_t       *sh;
    ngx_para_cache_flight_t   *flight;
    ngx_para_cache_session_t   session;

    ngx_memzero(result, sizeof(ngx_para_result_t));

    sh = ngx_para_store_lock(zone);
    flight = sh ? ngx_para_cache_flight(sh, key, number) : NULL;

    if (flight == NULL || (flight->pid && ngx_para_cache_is_lost(flight))) {
        rc = NGX_DECLINED;

    } else if (flight->pid) {
        rc = NGX_AGAIN;

    } else {
        result->reason = (para_reason_e) flight->reason;
        result->retry_after = flight->retry_after;
        rc = NGX_OK;
    }

    ngx_para_store_unlock(zone, sh);

    if (rc != NGX_OK || (result->reason != PARA_OK
                         && result->reason != PARA_SESSION_ENDED))
    {
        return rc;
    }

    /* there may be a newer word by now, of which this one is to count */

    rc = ngx_para_cache_session_read(zone, key, pool, &session);

    result->reason = session.active ? PARA_OK : PARA_SESSION_ENDED;
    result->record = session.record;

    return rc;
}


ngx_uint_t
ngx_para_cache_ended(ngx_shm_zone_t *zone)
{
    ngx_para_cache_area_t  *area;

    area = ngx_para_store_peek(zone);

    return area ? area->ended : 0;
}


void
ngx_para_cache_wakeups(ngx_shm_zone_t *zone,
    ngx_para_cache_wakeups_t *wakeups)
{
    ngx_para_store_sh_t    *sh;
    ngx_para_cache_area_t  *area;

    ngx_memzero(wakeups, sizeof(ngx_para_cache_wakeups_t));

    sh = ngx_para_store_lock(zone);

    if (sh) {
        area = ngx_para_store_area(sh);
        *wakeups = area->wakeups;
    }

    ngx_para_store_unlock(zone, sh);
}


void
ngx_para_cache_count(ngx_shm_zone_t *zone,
    ngx_uint_t count[NGX_PARA_STORE_POOLS])
{
    ngx_uint_t            pool;
    ngx_para_store_sh_t  *sh;

    sh = ngx_para_store_lock(zone);

    for (pool = 0; pool < NGX_PARA_STORE_POOLS; pool++) {
        count[pool] = sh ? ngx_para_store_count(sh, pool) : 0;
    }

    ngx_para_store_unlock(zone, sh);
}


/*
 * The clock itself: the event loop's time can be that of a busy turn's start.
 */

static ngx_msec_t
ngx_para_cache_now(void)
{
    ngx_time_update();

    return ngx_current_msec;
}
