/*
 * Requests whose tokens want newer keys: they wait for the fetch of whichever
 * worker, for a bounded time, and their clients may leave meanwhile.
 */

#include "ngx_para_keys.h"


#define NGX_PARA_KEYS_WATCH     20              /* ms */
#define NGX_PARA_KEYS_WAIT      2000            /* ms, of a request */
#define NGX_PARA_KEYS_WAITERS   128             /* in a worker */
#define NGX_PARA_KEYS_RETRY     60              /* s, the most that is told */


static void ngx_para_keys_land(ngx_para_flight_waiter_t *waiter,
    const void *data);
static void ngx_para_keys_leave(void *data);


static ngx_inline ngx_uint_t
ngx_para_keys_passed(ngx_msec_t moment)
{
    return (ngx_msec_int_t) (ngx_current_msec - moment) >= 0;
}


/*
 * Without any keys there is nothing that a cooldown could protect, and what is
 * not due yet can still be asked for.
 */

ngx_int_t
ngx_para_keys_want(ngx_para_keys_t *keys)
{
    ngx_int_t  rc;

    if (keys->set == NULL) {
        rc = ngx_para_keys_begin(keys, NGX_PARA_KEYS_DUE);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_para_keys_begin(keys, NGX_PARA_KEYS_ASKED);
}


ngx_int_t
ngx_para_keys_wait(ngx_http_request_t *r, ngx_para_keys_wait_t *wait,
    ngx_para_keys_t *keys)
{
    ngx_int_t            rc;
    ngx_uint_t           ended;
    ngx_http_cleanup_t  *cln;

    ended = ngx_para_keys_zone_ended(keys->zone);

    rc = ngx_para_keys_want(keys);

    if (rc == NGX_DECLINED) {

        if (keys->generation != ngx_para_keys_zone_generation(keys->zone)) {
            (void) ngx_para_keys_sync(keys);
            return NGX_OK;
        }

        if (keys->set == NULL || ngx_para_keys_zone_failures(keys->zone)) {
            wait->failed = 1;
        }

        return NGX_DECLINED;
    }

    if ((keys->awaited && keys->flight.waiting == NGX_PARA_KEYS_WAITERS)
        || (wait->attended && ngx_para_keys_passed(wait->deadline)))
    {
        wait->failed = 1;
        return NGX_DECLINED;
    }

    if (!wait->attended) {

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_para_keys_leave;
        cln->data = wait;
        wait->attended = 1;
        wait->deadline = ngx_current_msec + NGX_PARA_KEYS_WAIT;
    }

    if (!keys->awaited) {
        ngx_para_flight_begin(&keys->flight, keys->name);

        keys->awaited = 1;
        keys->ended = ended;
        keys->deadline = ngx_current_msec + NGX_PARA_KEYS_WAIT;

        ngx_add_timer(&keys->watch, NGX_PARA_KEYS_WATCH);
    }

    if (ngx_para_flight_join(&keys->flight, &wait->waiter, r) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


void
ngx_para_keys_watch(ngx_event_t *ev)
{
    ngx_para_keys_t *keys = ev->data;

    if (keys->ended != ngx_para_keys_zone_ended(keys->zone)) {
        ngx_para_keys_wake(keys, ngx_para_keys_zone_failures(keys->zone) != 0);
        return;
    }

    if (keys->flight.waiting == 0 || ngx_para_keys_passed(keys->deadline)) {
        ngx_para_keys_wake(keys, 1);
        return;
    }

    (void) ngx_para_keys_want(keys);

    ngx_add_timer(&keys->watch, NGX_PARA_KEYS_WATCH);
}


void
ngx_para_keys_wake(ngx_para_keys_t *keys, ngx_uint_t failed)
{
    if (!keys->awaited) {
        return;
    }

    keys->awaited = 0;

    if (keys->watch.timer_set) {
        ngx_del_timer(&keys->watch);
    }

    ngx_para_flight_end(&keys->flight, ngx_para_keys_land, &failed);
}


static void
ngx_para_keys_land(ngx_para_flight_waiter_t *waiter, const void *data)
{
    ngx_para_keys_wait_t *wait = (ngx_para_keys_wait_t *) waiter;

    wait->failed |= *(const ngx_uint_t *) data;
}


/* The client of a request that waits went away. */

static void
ngx_para_keys_leave(void *data)
{
    ngx_para_keys_wait_t *wait = data;

    ngx_para_flight_leave(&wait->waiter);
}


time_t
ngx_para_keys_retry_after(const ngx_para_keys_t *keys)
{
    time_t  s;

    s = (time_t) (ngx_para_keys_zone_due(keys->zone) + 999) / 1000;

    return ngx_min(ngx_max(s, 1), NGX_PARA_KEYS_RETRY);
}
