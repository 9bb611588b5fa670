#include "ngx_para_await.h"


#define NGX_PARA_AWAIT_POLL    4                /* ms, and up to two more */
#define NGX_PARA_AWAIT_DEATHS  25               /* polls; each of them looks
                                                   whether a worker died */


/* A flight of another process that requests of this one wait for. */

typedef struct {
    ngx_para_flight_t        flight;
    ngx_queue_t              queue;             /* of all of them */
    ngx_shm_zone_t          *zone;
    u_char                   key[PARA_DIGEST_SIZE];
    uint64_t                 number;
    ngx_uint_t               seen;              /* ngx_para_cache_ended() */
    ngx_uint_t               polls;
} ngx_para_await_flight_t;


static ngx_para_await_flight_t *ngx_para_await_flight(ngx_shm_zone_t *zone,
    const ngx_para_cache_ask_t *ask);
static void ngx_para_await_schedule(void);
static void ngx_para_await_timer(ngx_event_t *ev);
static void ngx_para_await_poll(ngx_para_await_flight_t *flight);
static void ngx_para_await_cleanup(void *data);


static ngx_event_t       ngx_para_await_event;
static ngx_connection_t  ngx_para_await_dumb;   /* for nginx's debug log */
static ngx_queue_t       ngx_para_await_flights;


ngx_int_t
ngx_para_await_start(ngx_http_request_t *r, ngx_para_await_t *await,
    ngx_shm_zone_t *zone, const ngx_para_cache_ask_t *ask)
{
    ngx_http_cleanup_t       *cln;
    ngx_para_await_flight_t  *flight;

    if (!await->attended) {

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_para_await_cleanup;
        cln->data = await;

        await->attended = 1;
    }

    /* what it waited for before, it no longer wants */

    ngx_para_flight_leave(&await->waiter);

    flight = ngx_para_await_flight(zone, ask);

    if (flight == NULL
        || ngx_para_flight_join(&flight->flight, &await->waiter, r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(await->key, ask->key, PARA_DIGEST_SIZE);
    await->flight = ask->flight;
    await->pending = 1;

    return NGX_AGAIN;
}


ngx_int_t
ngx_para_await_end(ngx_http_request_t *r, ngx_para_await_t *await,
    ngx_shm_zone_t *zone, const u_char key[PARA_DIGEST_SIZE],
    ngx_para_result_t *result)
{
    if (!await->pending || ngx_memcmp(await->key, key, PARA_DIGEST_SIZE) != 0)
    {
        return NGX_DECLINED;
    }

    if (await->waiter.flight) {
        return NGX_AGAIN;
    }

    await->pending = 0;

    return ngx_para_cache_look(zone, key, await->flight, r->pool, result);
}


/* That of others here who wait for the same, or a new one. */

static ngx_para_await_flight_t *
ngx_para_await_flight(ngx_shm_zone_t *zone, const ngx_para_cache_ask_t *ask)
{
    size_t                    i;
    u_char                    key[PARA_DIGEST_SIZE];
    ngx_para_await_flight_t  *flight;

    /* a flight of this key and this number, and no call of our own */

    ngx_memcpy(key, ask->key, PARA_DIGEST_SIZE);

    for (i = 0; i < sizeof(uint64_t); i++) {
        key[PARA_DIGEST_SIZE - 1 - i] ^= (u_char) (ask->flight >> (8 * i));
    }

    flight = (ngx_para_await_flight_t *) ngx_para_flight_find(key);

    if (flight) {
        return flight;
    }

    flight = ngx_calloc(sizeof(ngx_para_await_flight_t), ngx_cycle->log);
    if (flight == NULL) {
        return NULL;
    }

    flight->zone = zone;
    flight->number = ask->flight;
    flight->seen = ngx_para_cache_ended(zone) - 1;
    ngx_memcpy(flight->key, ask->key, PARA_DIGEST_SIZE);

    ngx_para_flight_begin(&flight->flight, key);

    if (ngx_para_await_flights.next == NULL) {
        ngx_queue_init(&ngx_para_await_flights);
    }

    ngx_queue_insert_tail(&ngx_para_await_flights, &flight->queue);

    ngx_para_await_schedule();

    return flight;
}


static void
ngx_para_await_schedule(void)
{
    ngx_event_t  *ev;

    ev = &ngx_para_await_event;

    if (ev->timer_set) {
        return;
    }

    ngx_para_await_dumb.fd = (ngx_socket_t) -1;

    ev->handler = ngx_para_await_timer;
    ev->data = &ngx_para_await_dumb;
    ev->log = ngx_cycle->log;

    /* not cancelable: requests wait, and a worker is to stay for them */

    ngx_add_timer(ev, NGX_PARA_AWAIT_POLL + ngx_random() % 3);
}


static void
ngx_para_await_timer(ngx_event_t *ev)
{
    ngx_queue_t  *q, *next;

    for (q = ngx_queue_head(&ngx_para_await_flights);
         q != ngx_queue_sentinel(&ngx_para_await_flights);
         q = next)
    {
        next = ngx_queue_next(q);

        ngx_para_await_poll(ngx_queue_data(q, ngx_para_await_flight_t, queue));
    }

    if (!ngx_queue_empty(&ngx_para_await_flights)) {
        ngx_para_await_schedule();
    }
}


static void
ngx_para_await_poll(ngx_para_await_flight_t *flight)
{
    ngx_uint_t  ended;

    /* without the lock, as long as there is no news */

    ended = ngx_para_cache_ended(flight->zone);

    if (flight->flight.waiting) {

        if (ended == flight->seen
            && ++flight->polls % NGX_PARA_AWAIT_DEATHS != 0)
        {
            return;
        }

        flight->seen = ended;

        if (!ngx_para_cache_is_over(flight->zone, flight->key, flight->number,
                                    flight->flight.waiting))
        {
            return;
        }
    }

    ngx_queue_remove(&flight->queue);

    /* each looks for itself what it brought */

    ngx_para_flight_end(&flight->flight, NULL, NULL);

    ngx_free(flight);
}


static void
ngx_para_await_cleanup(void *data)
{
    ngx_para_await_t *await = data;

    ngx_para_flight_leave(&await->waiter);
}
