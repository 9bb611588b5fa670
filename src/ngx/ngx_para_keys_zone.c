#include "ngx_para_keys_zone.h"
#include "../core/para_jwk.h"


#define NGX_PARA_KEYS_LAYOUT  1                 /* of what follows */


typedef struct {
    size_t                len;
    size_t                etag_len;
    u_char                etag[NGX_PARA_KEYS_ETAG_MAX];
    u_char                text[PARA_JWKS_MAX_SIZE];
} ngx_para_keys_copy_t;


/*
 * Every word is written at once, and a set into the copy that does not count:
 * who dies in between leaves the last good one.  Moments are ngx_current_msec,
 * which has one origin in all processes.
 */

typedef struct {
    ngx_uint_t            layout;
    ngx_atomic_t          generation;     /* its last bit tells the copy */
    ngx_atomic_t          fetched;
    ngx_atomic_t          ended;
    ngx_atomic_t          failures;
    ngx_atomic_t          due;            /* moment of the next by itself */
    ngx_atomic_t          open;           /* moment of the next on demand */
    ngx_atomic_t          holder;         /* of the lease: a pid, 0: nobody */
    ngx_atomic_t          lease;          /* moment of its end */
    ngx_atomic_t          told[NGX_PARA_KEYS_NEWS];
    ngx_atomic_t          count[NGX_PARA_KEYS_OUTCOMES];
    ngx_para_keys_copy_t  copy[2];
} ngx_para_keys_sh_t;


static const char *const  ngx_para_keys_outcomes[] = {
    [NGX_PARA_KEYS_NEW] = "changed",
    [NGX_PARA_KEYS_SAME] = "unchanged",
    [NGX_PARA_KEYS_STATUS] = "status",
    [NGX_PARA_KEYS_REDIRECT] = "redirect",
    [NGX_PARA_KEYS_SIZE] = "size",
    [NGX_PARA_KEYS_DNS] = "dns",
    [NGX_PARA_KEYS_CONNECT] = "connect",
    [NGX_PARA_KEYS_TLS] = "tls",
    [NGX_PARA_KEYS_TIMEOUT] = "timeout",
    [NGX_PARA_KEYS_BROKEN] = "broken",
    [NGX_PARA_KEYS_MEMORY] = "memory",
    [NGX_PARA_KEYS_GARBAGE] = "garbage",
    [NGX_PARA_KEYS_EMPTY] = "empty",
    [NGX_PARA_KEYS_SECRET] = "secret",
    [NGX_PARA_KEYS_DUPLICATE] = "duplicate",
    [NGX_PARA_KEYS_USELESS] = "useless"
};


static ngx_inline ngx_slab_pool_t *
ngx_para_keys_pool(ngx_shm_zone_t *zone)
{
    return (ngx_slab_pool_t *) zone->shm.addr;
}


static ngx_inline ngx_para_keys_sh_t *
ngx_para_keys_sh(ngx_shm_zone_t *zone)
{
    return ngx_para_keys_pool(zone)->data;
}


static ngx_inline ngx_para_keys_copy_t *
ngx_para_keys_copy(ngx_para_keys_sh_t *sh, ngx_uint_t generation)
{
    return &sh->copy[generation & 1];
}


static ngx_inline ngx_uint_t
ngx_para_keys_reached(ngx_atomic_uint_t moment)
{
    return (ngx_msec_int_t) (ngx_current_msec - (ngx_msec_t) moment) >= 0;
}


/* A moment that is no farther away than that. */

static ngx_inline void
ngx_para_keys_hasten(ngx_atomic_t *moment, ngx_msec_t farthest)
{
    ngx_msec_t  latest;

    latest = ngx_current_msec + farthest;

    if ((ngx_msec_int_t) ((ngx_msec_t) *moment - latest) > 0) {
        *moment = latest;
    }
}


size_t
ngx_para_keys_zone_size(void)
{
    /* a slab pool wants eight pages for itself at most */

    return ngx_align(sizeof(ngx_para_keys_sh_t), ngx_pagesize)
           + 8 * ngx_pagesize;
}


ngx_int_t
ngx_para_keys_zone_open(ngx_shm_zone_t *zone, ngx_msec_t refresh,
    ngx_msec_t cooldown)
{
    ngx_slab_pool_t     *shpool;
    ngx_para_keys_sh_t  *sh;

    shpool = ngx_para_keys_pool(zone);
    sh = shpool->data;

    if (sh && sh->layout == NGX_PARA_KEYS_LAYOUT) {

        /* the intervals may be shorter than they were */

        ngx_para_keys_hasten(&sh->due, refresh);
        ngx_para_keys_hasten(&sh->open, cooldown);

        return NGX_OK;
    }

    sh = ngx_slab_calloc(shpool, sizeof(ngx_para_keys_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    sh->layout = NGX_PARA_KEYS_LAYOUT;
    sh->due = ngx_current_msec;
    sh->open = ngx_current_msec;

    shpool->data = sh;

    return NGX_OK;
}


ngx_uint_t
ngx_para_keys_zone_generation(ngx_shm_zone_t *zone)
{
    return ngx_para_keys_sh(zone)->generation;
}


time_t
ngx_para_keys_zone_fetched(ngx_shm_zone_t *zone)
{
    return (time_t) ngx_para_keys_sh(zone)->fetched;
}


ngx_uint_t
ngx_para_keys_zone_ended(ngx_shm_zone_t *zone)
{
    return ngx_para_keys_sh(zone)->ended;
}


ngx_uint_t
ngx_para_keys_zone_failures(ngx_shm_zone_t *zone)
{
    return ngx_para_keys_sh(zone)->failures;
}


ngx_msec_t
ngx_para_keys_zone_due(ngx_shm_zone_t *zone)
{
    ngx_atomic_uint_t  due;

    due = ngx_para_keys_sh(zone)->due;

    return ngx_para_keys_reached(due) ? 0
                                      : (ngx_msec_t) due - ngx_current_msec;
}


/* Of the set in force, what is asked for, and its generation. */

static ngx_uint_t
ngx_para_keys_zone_take(ngx_shm_zone_t *zone, ngx_str_t *text,
    ngx_str_t *etag)
{
    ngx_uint_t             generation;
    ngx_para_keys_sh_t    *sh;
    ngx_para_keys_copy_t  *copy;

    sh = ngx_para_keys_sh(zone);

    ngx_shmtx_lock(&ngx_para_keys_pool(zone)->mutex);

    generation = sh->generation;
    copy = ngx_para_keys_copy(sh, generation);

    if (text) {
        text->len = copy->len;
        ngx_memcpy(text->data, copy->text, copy->len);
    }

    if (etag) {
        etag->len = copy->etag_len;
        ngx_memcpy(etag->data, copy->etag, copy->etag_len);
    }

    ngx_shmtx_unlock(&ngx_para_keys_pool(zone)->mutex);

    return generation;
}


ngx_uint_t
ngx_para_keys_zone_read(ngx_shm_zone_t *zone, ngx_str_t *text)
{
    return ngx_para_keys_zone_take(zone, text, NULL);
}


ngx_uint_t
ngx_para_keys_zone_read_etag(ngx_shm_zone_t *zone, ngx_str_t *etag)
{
    return ngx_para_keys_zone_take(zone, NULL, etag);
}


/* A worker that died has its lease no longer, however long it was to last. */

static ngx_uint_t
ngx_para_keys_is_leased(ngx_para_keys_sh_t *sh)
{
    if (sh->holder == 0 || ngx_para_keys_reached(sh->lease)) {
        return 0;
    }

    return kill((ngx_pid_t) sh->holder, 0) != -1 || ngx_errno != ESRCH;
}


ngx_int_t
ngx_para_keys_zone_begin(ngx_shm_zone_t *zone, ngx_para_keys_cause_e cause,
    ngx_msec_t cooldown, ngx_msec_t lease)
{
    ngx_int_t            rc;
    ngx_para_keys_sh_t  *sh;

    sh = ngx_para_keys_sh(zone);

    ngx_shmtx_lock(&ngx_para_keys_pool(zone)->mutex);

    if (ngx_para_keys_is_leased(sh)) {
        rc = NGX_BUSY;
        goto done;
    }

    if (sh->holder) {

        /* it died over it: what it was asked for is still wanted */

        sh->holder = 0;
        sh->open = ngx_current_msec;
    }

    if (!ngx_para_keys_reached(cause == NGX_PARA_KEYS_ASKED
                                      ? sh->open : sh->due))
    {
        rc = NGX_DECLINED;

    } else {

        /* stamped before it is tried: a failure counts like a success */

        if (cause == NGX_PARA_KEYS_ASKED) {
            sh->open = ngx_current_msec + cooldown;
        }

        sh->lease = ngx_current_msec + lease;
        sh->holder = ngx_pid;
        rc = NGX_OK;
    }

done:

    ngx_shmtx_unlock(&ngx_para_keys_pool(zone)->mutex);

    return rc;
}


static void
ngx_para_keys_set_etag(ngx_para_keys_copy_t *copy, const ngx_str_t *etag)
{
    copy->etag_len = 0;
    ngx_memory_barrier();

    if (etag->len && etag->len <= NGX_PARA_KEYS_ETAG_MAX) {
        ngx_memcpy(copy->etag, etag->data, etag->len);
        ngx_memory_barrier();
        copy->etag_len = etag->len;
    }
}


static void
ngx_para_keys_publish(ngx_para_keys_sh_t *sh, const ngx_str_t *text,
    const ngx_str_t *etag, time_t fetched)
{
    ngx_uint_t             generation;
    ngx_para_keys_copy_t  *copy;

    generation = sh->generation + 1;
    copy = ngx_para_keys_copy(sh, generation);

    ngx_memcpy(copy->text, text->data, text->len);
    copy->len = text->len;
    ngx_para_keys_set_etag(copy, etag);

    /* the older time with the new bytes does no harm, the reverse would */

    ngx_memory_barrier();
    sh->generation = generation;
    ngx_memory_barrier();
    sh->fetched = fetched;
}


ngx_int_t
ngx_para_keys_zone_end(ngx_shm_zone_t *zone,
    const ngx_para_keys_result_t *result, ngx_uint_t *generation)
{
    ngx_int_t            rc;
    ngx_para_keys_sh_t  *sh;

    sh = ngx_para_keys_sh(zone);

    ngx_shmtx_lock(&ngx_para_keys_pool(zone)->mutex);

    if (sh->holder != (ngx_atomic_uint_t) ngx_pid) {
        rc = NGX_DECLINED;
        goto done;
    }

    switch (result->outcome) {

    case NGX_PARA_KEYS_NEW:
        ngx_para_keys_publish(sh, &result->text, &result->etag,
                              result->fetched);
        sh->failures = 0;
        break;

    case NGX_PARA_KEYS_SAME:
        ngx_para_keys_set_etag(ngx_para_keys_copy(sh, sh->generation),
                               &result->etag);
        sh->fetched = result->fetched;
        sh->failures = 0;
        break;

    default:
        sh->failures++;
        break;
    }

    sh->count[result->outcome]++;
    sh->due = ngx_current_msec + result->delay;
    sh->holder = 0;

    *generation = sh->generation;

    ngx_memory_barrier();
    sh->ended++;

    rc = NGX_OK;

done:

    ngx_shmtx_unlock(&ngx_para_keys_pool(zone)->mutex);

    return rc;
}


void
ngx_para_keys_zone_abandon(ngx_shm_zone_t *zone)
{
    ngx_para_keys_sh_t  *sh;

    sh = ngx_para_keys_sh(zone);

    ngx_shmtx_lock(&ngx_para_keys_pool(zone)->mutex);

    if (sh->holder == (ngx_atomic_uint_t) ngx_pid) {
        sh->holder = 0;
        sh->open = ngx_current_msec;
    }

    ngx_shmtx_unlock(&ngx_para_keys_pool(zone)->mutex);
}


void
ngx_para_keys_zone_preset(ngx_shm_zone_t *zone, const ngx_str_t *text,
    time_t fetched)
{
    static const ngx_str_t  none = ngx_null_string;

    ngx_para_keys_publish(ngx_para_keys_sh(zone), text, &none, fetched);
}


ngx_uint_t
ngx_para_keys_zone_tell(ngx_shm_zone_t *zone, ngx_para_keys_news_e news,
    ngx_uint_t state)
{
    ngx_atomic_t       *told;
    ngx_atomic_uint_t   before;

    told = &ngx_para_keys_sh(zone)->told[news];
    before = *told;

    return before != state && ngx_atomic_cmp_set(told, before, state);
}


ngx_uint_t
ngx_para_keys_zone_count(ngx_shm_zone_t *zone,
    ngx_para_keys_outcome_e outcome)
{
    return ngx_para_keys_sh(zone)->count[outcome];
}


const char *
ngx_para_keys_outcome_name(ngx_para_keys_outcome_e outcome)
{
    return ngx_para_keys_outcomes[outcome];
}
