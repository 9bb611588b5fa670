/*
 * One key set as all workers know it: its bytes, when they were fetched, who
 * fetches now, and what became of it.  It has a shared memory zone of its own,
 * which no cache can crowd out and no death in the cache can empty, and which
 * survives a reload.
 */

#ifndef NGX_PARA_KEYS_ZONE_H
#define NGX_PARA_KEYS_ZONE_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_PARA_KEYS_ETAG_MAX  128             /* bytes; a longer one is not
                                                   kept */


/* How an attempt to fetch ended; what follows NGX_PARA_KEYS_SAME failed. */

typedef enum {
    NGX_PARA_KEYS_NEW = 0,
    NGX_PARA_KEYS_SAME,           /* the same bytes, or 304 */

    NGX_PARA_KEYS_STATUS,
    NGX_PARA_KEYS_REDIRECT,
    NGX_PARA_KEYS_SIZE,
    NGX_PARA_KEYS_DNS,
    NGX_PARA_KEYS_CONNECT,
    NGX_PARA_KEYS_TLS,
    NGX_PARA_KEYS_TIMEOUT,
    NGX_PARA_KEYS_BROKEN,
    NGX_PARA_KEYS_MEMORY,         /* our own want of it */
    NGX_PARA_KEYS_GARBAGE,
    NGX_PARA_KEYS_EMPTY,
    NGX_PARA_KEYS_SECRET,
    NGX_PARA_KEYS_DUPLICATE,
    NGX_PARA_KEYS_USELESS,        /* no key for the algorithms allowed */

    NGX_PARA_KEYS_OUTCOMES
} ngx_para_keys_outcome_e;


/* Why it is to be fetched. */

typedef enum {
    NGX_PARA_KEYS_DUE = 0,        /* it is time */
    NGX_PARA_KEYS_ASKED           /* a token names a key that is not there */
} ngx_para_keys_cause_e;


typedef enum {
    NGX_PARA_KEYS_FAULT = 0,      /* the outcome that the last attempt had */
    NGX_PARA_KEYS_LOSS,           /* whether the set is too old to count */
    NGX_PARA_KEYS_FILE,           /* whether it cannot be kept in a file */

    NGX_PARA_KEYS_NEWS
} ngx_para_keys_news_e;


typedef struct {
    ngx_para_keys_outcome_e  outcome;
    time_t                   fetched;     /* when the attempt began */
    ngx_msec_t               delay;       /* from now to the next one */
    ngx_str_t                text;        /* the set; of NGX_PARA_KEYS_NEW */
    ngx_str_t                etag;        /* empty: it has none */
} ngx_para_keys_result_t;


/* The bytes that such a zone must have. */
size_t ngx_para_keys_zone_size(void);

/*
 * In the zone's init handler: takes over what is there, or begins anew, with
 * the first fetch due at once.  The next one is due no later than in refresh,
 * and can be asked for no later than in cooldown (ms).
 */
ngx_int_t ngx_para_keys_zone_open(ngx_shm_zone_t *zone, ngx_msec_t refresh,
    ngx_msec_t cooldown);

/*
 * Of the set that counts: 0 if there is none, else another number than before
 * whenever its bytes change; and when it was fetched (s since the epoch).
 * Without the lock.
 */
ngx_uint_t ngx_para_keys_zone_generation(ngx_shm_zone_t *zone);
time_t ngx_para_keys_zone_fetched(ngx_shm_zone_t *zone);

/* How many attempts have ended; how many in a row failed.  Without the lock. */
ngx_uint_t ngx_para_keys_zone_ended(ngx_shm_zone_t *zone);
ngx_uint_t ngx_para_keys_zone_failures(ngx_shm_zone_t *zone);

/* ms until the next one is due; 0: it is.  Without the lock. */
ngx_msec_t ngx_para_keys_zone_due(ngx_shm_zone_t *zone);

/*
 * Copies the set's bytes into text (of PARA_JWKS_MAX_SIZE) or its ETag into
 * etag (of NGX_PARA_KEYS_ETAG_MAX), and returns the generation of what it has
 * copied.
 */
ngx_uint_t ngx_para_keys_zone_read(ngx_shm_zone_t *zone, ngx_str_t *text);
ngx_uint_t ngx_para_keys_zone_read_etag(ngx_shm_zone_t *zone,
    ngx_str_t *etag);

/*
 * Takes the lease: NGX_OK, and then ngx_para_keys_zone_end() is due within
 * lease (ms), or it is lost; NGX_BUSY if another process has it; NGX_DECLINED
 * if it is too early.  What is asked for is granted once in a cooldown (ms).
 */
ngx_int_t ngx_para_keys_zone_begin(ngx_shm_zone_t *zone,
    ngx_para_keys_cause_e cause, ngx_msec_t cooldown, ngx_msec_t lease);

/*
 * Publishes and gives the lease back: NGX_DECLINED if it was lost meanwhile.
 * *generation is then that of the set that counts after it.
 */
ngx_int_t ngx_para_keys_zone_end(ngx_shm_zone_t *zone,
    const ngx_para_keys_result_t *result, ngx_uint_t *generation);

/* Gives the lease back without a result, for another process to go on. */
void ngx_para_keys_zone_abandon(ngx_shm_zone_t *zone);

/* The master's, when it has found the set of an earlier life: due at once. */
void ngx_para_keys_zone_preset(ngx_shm_zone_t *zone, const ngx_str_t *text,
    time_t fetched);

/*
 * Of what is told once, when it changes: 1 for the one process that is to tell
 * of this state, because it is not the one before.  0 is what it begins with.
 */
ngx_uint_t ngx_para_keys_zone_tell(ngx_shm_zone_t *zone,
    ngx_para_keys_news_e news, ngx_uint_t state);

/* How often an attempt has ended so. */
ngx_uint_t ngx_para_keys_zone_count(ngx_shm_zone_t *zone,
    ngx_para_keys_outcome_e outcome);

/* "changed", "timeout" ...: a static string for logs and counters. */
const char *ngx_para_keys_outcome_name(ngx_para_keys_outcome_e outcome);


#endif /* NGX_PARA_KEYS_ZONE_H */
