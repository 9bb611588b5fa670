#include "ngx_para_flight.h"


#define NGX_PARA_FLIGHT_BUCKETS  256            /* for the key's first byte */


/* What this worker has in flight. */

static ngx_queue_t  ngx_para_flights[NGX_PARA_FLIGHT_BUCKETS];


void
ngx_para_flight_init(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PARA_FLIGHT_BUCKETS; i++) {
        ngx_queue_init(&ngx_para_flights[i]);
    }
}


ngx_para_flight_t *
ngx_para_flight_find(const u_char *key)
{
    ngx_queue_t        *q, *bucket;
    ngx_para_flight_t  *flight;

    bucket = &ngx_para_flights[key[0]];

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        flight = ngx_queue_data(q, ngx_para_flight_t, link);

        if (ngx_memcmp(flight->key, key, PARA_DIGEST_SIZE) == 0) {
            return flight;
        }
    }

    return NULL;
}


void
ngx_para_flight_begin(ngx_para_flight_t *flight, const u_char *key)
{
    ngx_memcpy(flight->key, key, PARA_DIGEST_SIZE);
    ngx_queue_init(&flight->waiters);
    flight->waiting = 0;
    ngx_queue_insert_head(&ngx_para_flights[key[0]], &flight->link);
}


ngx_int_t
ngx_para_flight_join(ngx_para_flight_t *flight,
    ngx_para_flight_waiter_t *waiter, ngx_http_request_t *r)
{
    /* as ngx_http_limit_req_module does: a client may leave while it waits */

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;

    waiter->request = r;
    waiter->flight = flight;
    ngx_queue_insert_tail(&flight->waiters, &waiter->queue);
    flight->waiting++;

    return NGX_OK;
}


void
ngx_para_flight_leave(ngx_para_flight_waiter_t *waiter)
{
    if (waiter->flight) {
        ngx_queue_remove(&waiter->queue);
        waiter->flight->waiting--;
        waiter->flight = NULL;
    }
}


void
ngx_para_flight_end(ngx_para_flight_t *flight, ngx_para_flight_land_pt land,
    const void *data)
{
    ngx_queue_t               *q;
    ngx_http_request_t        *r;
    ngx_para_flight_waiter_t  *waiter;

    ngx_queue_remove(&flight->link);

    while (!ngx_queue_empty(&flight->waiters)) {

        q = ngx_queue_head(&flight->waiters);
        waiter = ngx_queue_data(q, ngx_para_flight_waiter_t, queue);

        ngx_para_flight_leave(waiter);

        if (land) {
            land(waiter, data);
        }

        /* its phases go on from the event, not from inside another request */

        r = waiter->request;
        r->read_event_handler = ngx_http_block_reading;

        ngx_post_event(r->connection->write, &ngx_posted_events);
    }
}
