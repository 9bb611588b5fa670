/*
 * Single flight: requests of one worker that want the same answer share the
 * work of the first.  A flight is a key, the request that does the work, and
 * those that wait for it.
 */

#ifndef NGX_PARA_FLIGHT_H
#define NGX_PARA_FLIGHT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"


typedef struct {
    ngx_queue_t             link;       /* in the table */
    u_char                  key[PARA_DIGEST_SIZE];
    ngx_queue_t             waiters;    /* of ngx_para_flight_waiter_t */
    ngx_uint_t              waiting;    /* how many */
} ngx_para_flight_t;


typedef struct {
    ngx_queue_t             queue;      /* valid while waiting */
    ngx_http_request_t     *request;
    ngx_para_flight_t      *flight;     /* NULL: it does not wait */
} ngx_para_flight_waiter_t;


/* Called for each waiter before it is woken; data as given to the end. */

typedef void (*ngx_para_flight_land_pt)(ngx_para_flight_waiter_t *waiter,
    const void *data);


/* Once in a process, before all else. */
void ngx_para_flight_init(void);

/* The flight of a key, NULL if there is none. */
ngx_para_flight_t *ngx_para_flight_find(const u_char *key);

/* Puts a flight into the table; it must stay where it is until its end. */
void ngx_para_flight_begin(ngx_para_flight_t *flight, const u_char *key);

/*
 * Lets a request wait.  Its client may go away meanwhile: the request then has
 * to call ngx_para_flight_leave() from a cleanup.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_para_flight_join(ngx_para_flight_t *flight,
    ngx_para_flight_waiter_t *waiter, ngx_http_request_t *r);
void ngx_para_flight_leave(ngx_para_flight_waiter_t *waiter);

/* Takes the flight out and wakes all who wait; land may be NULL. */
void ngx_para_flight_end(ngx_para_flight_t *flight,
    ngx_para_flight_land_pt land, const void *data);


#endif /* NGX_PARA_FLIGHT_H */
