/*
 * Key sets by URL: when one is fetched, who fetches it, what this worker
 * verifies with, and the requests that wait for a newer one.  A source is one
 * URL, whoever uses it.
 */

#ifndef NGX_PARA_KEYS_H
#define NGX_PARA_KEYS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"
#include "../core/para_refresh.h"
#include "../core/para_token.h"

#include "ngx_para_fetch.h"
#include "ngx_para_flight.h"
#include "ngx_para_keys_zone.h"


#define NGX_PARA_KEYS_FETCH_TIME  10000         /* ms, of one fetch */


/* How a source is configured. */

typedef struct {
    ngx_str_t     url;
    ngx_str_t     trusted_certificate;    /* file; empty: the system's */
    ngx_str_t     state_path;             /* directory; empty: none */
    ngx_msec_t    refresh;
    ngx_msec_t    cooldown;
    time_t        max_stale;              /* s */
} ngx_para_keys_conf_t;


typedef struct {
    void                      *ident[4];    /* as ngx_connection_t has them,
                                               for the log of timers */

    /* as configured */

    ngx_para_keys_conf_t       conf;
    para_refresh_policy_t      policy;
    ngx_array_t                issuers;     /* of para_issuer_t * */
    ngx_para_fetch_target_t    target;
    ngx_str_t                  file;        /* in state_path; empty: none */
    ngx_shm_zone_t            *zone;
    u_char                     name[PARA_DIGEST_SIZE];

    /* this process's */

    para_jwks_t               *set;         /* NULL: none that counts */
    ngx_uint_t                 generation;  /* that was read last */
    time_t                     began;       /* the fetch under way */
    ngx_para_fetch_t          *fetch;       /* NULL: none in this process */
    ngx_event_t                timer;       /* for the next one that is due */

    ngx_uint_t                 awaited;     /* the flight is in its table */
    ngx_para_flight_t          flight;      /* of those who wait */
    ngx_event_t                watch;       /* for other workers' news */
    ngx_uint_t                 ended;       /* attempts, when it began */
    ngx_msec_t                 deadline;
} ngx_para_keys_t;


/* A request that waits; zeroed at first, lives as long as the request. */

typedef struct {
    ngx_para_flight_waiter_t   waiter;
    ngx_uint_t                 attended;
    ngx_msec_t                 deadline;  /* if attended */
    ngx_uint_t                 failed;    /* of what it waited for, some did
                                             not come */
} ngx_para_keys_wait_t;


/*
 * The source of that URL in the array of all sources (ngx_para_keys_t *),
 * where it is put if it is not there yet.  Its sets are for this issuer too:
 * issuer->keys is this worker's newest whenever ngx_para_keys_sync() has been
 * called.  Says itself what is wrong and returns NULL.  tag is the zone's.
 * (ngx_para_keys_conf.c)
 */
ngx_para_keys_t *ngx_para_keys_add(ngx_conf_t *cf, ngx_array_t *sources,
    const ngx_para_keys_conf_t *conf, para_issuer_t *issuer, void *tag);

/*
 * Of all sources, in each process that serves requests, after
 * ngx_para_fetch_init_process().
 */
void ngx_para_keys_start(ngx_cycle_t *cycle, const ngx_array_t *sources);
void ngx_para_keys_stop(const ngx_array_t *sources);

/*
 * Brings this worker up to date, and returns the fingerprint of the set that
 * it verifies with now, PARA_FINGERPRINT_SIZE bytes, zeroes if there is none.
 */
const u_char *ngx_para_keys_sync(ngx_para_keys_t *keys);

/*
 * Begins a fetch if this process may: as ngx_para_keys_zone_begin(), NGX_BUSY
 * also if it has begun one already.
 */
ngx_int_t ngx_para_keys_begin(ngx_para_keys_t *keys,
    ngx_para_keys_cause_e cause);


/*
 * What the log says of a source: ngx_para_keys_report.c.  The first of how a
 * fetch ended, status being HTTP's, 0 for none, and why a text of libcurl's, or
 * of whoever refused the set.  The second of the set that came of it.
 */

void ngx_para_keys_report(const ngx_para_keys_t *keys,
    ngx_para_keys_outcome_e outcome, ngx_uint_t status, const char *why);
void ngx_para_keys_report_new(const ngx_para_keys_t *keys);


/* Those who wait: ngx_para_keys_wait.c */

/* Begins a fetch for a token: as above. */
ngx_int_t ngx_para_keys_want(ngx_para_keys_t *keys);

/*
 * For a request whose token wants newer keys than ngx_para_keys_sync() gave:
 * NGX_OK, they are here by now; NGX_AGAIN, there may be news soon, and the
 * request is woken in two seconds at most; NGX_DECLINED, there are none.
 * wait->failed is set then, or when it is woken, if nobody knows: the fetch
 * failed, or takes too long, or too many wait for it.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_para_keys_wait(ngx_http_request_t *r,
    ngx_para_keys_wait_t *wait, ngx_para_keys_t *keys);

/* The handler of keys->watch: another worker may have news, or have died. */
void ngx_para_keys_watch(ngx_event_t *ev);

/* Wakes all who wait; failed: what they waited for did not come. */
void ngx_para_keys_wake(ngx_para_keys_t *keys, ngx_uint_t failed);

/* s until it makes sense to ask again. */
time_t ngx_para_keys_retry_after(const ngx_para_keys_t *keys);


#endif /* NGX_PARA_KEYS_H */
