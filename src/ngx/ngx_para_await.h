/*
 * Requests that wait until another process has Para's answer: there is no way
 * to wake them from there, so each process looks for it every few ms.
 */

#ifndef NGX_PARA_AWAIT_H
#define NGX_PARA_AWAIT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"

#include "ngx_para_cache_ask.h"
#include "ngx_para_flight.h"


/* A request's part in it: zeroed at first, lives as long as the request. */

typedef struct {
    ngx_para_flight_waiter_t   waiter;
    u_char                     key[PARA_DIGEST_SIZE];   /* if pending */
    uint64_t                   flight;
    unsigned                   attended:1;  /* has its cleanup */
    unsigned                   pending:1;
} ngx_para_await_t;


/*
 * Waits for the flight that ngx_para_cache_ask() found busy.  NGX_AGAIN: the
 * request is woken when it is over; NGX_ERROR.
 */
ngx_int_t ngx_para_await_start(ngx_http_request_t *r, ngx_para_await_t *await,
    ngx_shm_zone_t *zone, const ngx_para_cache_ask_t *ask);

/*
 * What it brought.  NGX_AGAIN: it goes on waiting; NGX_OK: *result, with all
 * but its ->asked; NGX_DECLINED: it does not wait for this key, or there is no
 * result: ask again; NGX_ERROR: memory is out.
 */
ngx_int_t ngx_para_await_end(ngx_http_request_t *r, ngx_para_await_t *await,
    ngx_shm_zone_t *zone, const u_char key[PARA_DIGEST_SIZE],
    ngx_para_result_t *result);


#endif /* NGX_PARA_AWAIT_H */
