#include "ngx_para_revoke_zone.h"


#define NGX_PARA_REVOKE_LAYOUT  1               /* of what follows */


typedef struct {
    para_revocation_t         revocation;       /* its end is 0 while it is
                                                   written */
    ngx_uint_t                next;             /* of its bucket: a number + 1,
                                                   0: none */
} ngx_para_revoke_entry_t;


/*
 * An entry is linked and unlinked by one word: who dies in between leaves a
 * whole table, and at worst an entry that is in no bucket, until its end.
 */

typedef struct {
    ngx_uint_t                layout;
    ngx_atomic_t              generation;
    ngx_atomic_t              moving;           /* something is put in */
    ngx_atomic_t              unsaved;
    ngx_uint_t                mask;             /* buckets - 1 */
    ngx_uint_t                n;                /* entries */
    ngx_uint_t                used;             /* of them, ever */
    ngx_uint_t                hand;             /* the next to look at */
    int64_t                   earliest;         /* nothing ends before it */
    ngx_para_revoke_entry_t  *entry;
    ngx_uint_t                bucket[];
} ngx_para_revoke_sh_t;


static void ngx_para_revoke_unlink(ngx_para_revoke_sh_t *sh,
    ngx_para_revoke_entry_t *entry);
static ngx_int_t ngx_para_revoke_set(ngx_para_revoke_sh_t *sh,
    para_revocation_t *revocation, time_t now);


static ngx_inline ngx_slab_pool_t *
ngx_para_revoke_pool(ngx_shm_zone_t *zone)
{
    return (ngx_slab_pool_t *) zone->shm.addr;
}


static ngx_inline ngx_para_revoke_sh_t *
ngx_para_revoke_sh(ngx_shm_zone_t *zone)
{
    return ngx_para_revoke_pool(zone)->data;
}


/* The key is a digest. */

static ngx_inline ngx_uint_t *
ngx_para_revoke_bucket(ngx_para_revoke_sh_t *sh, const u_char *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    return &sh->bucket[hash & sh->mask];
}


ngx_int_t
ngx_para_revoke_zone_open(ngx_shm_zone_t *zone)
{
    size_t                 size;
    ngx_time_t            *tp;
    ngx_uint_t             n, buckets;
    ngx_slab_pool_t       *shpool;
    ngx_para_revoke_sh_t  *sh;

    shpool = ngx_para_revoke_pool(zone);
    sh = shpool->data;

    if (sh && sh->layout == NGX_PARA_REVOKE_LAYOUT) {
        return NGX_OK;
    }

    /* all that the pool has, as one piece */

    size = shpool->pfree * ngx_pagesize;

    n = size / (sizeof(ngx_para_revoke_entry_t) + 2 * sizeof(ngx_uint_t));

    for (buckets = 1; buckets < n; buckets <<= 1) { /* void */ }

    sh = ngx_slab_alloc(shpool, size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(sh, sizeof(ngx_para_revoke_sh_t)
                    + buckets * sizeof(ngx_uint_t));

    sh->layout = NGX_PARA_REVOKE_LAYOUT;
    sh->mask = buckets - 1;
    sh->entry = (ngx_para_revoke_entry_t *)
                    ngx_align_ptr(&sh->bucket[buckets], NGX_ALIGNMENT);
    sh->n = ((u_char *) sh + size - (u_char *) sh->entry)
            / sizeof(ngx_para_revoke_entry_t);

    /*
     * Identities in the cache know the generation that they were checked with,
     * and the cache may outlive this zone: no earlier one had come so far, as
     * it did not grow once in a microsecond.
     */

    tp = ngx_timeofday();

    sh->generation = ((ngx_atomic_uint_t) tp->sec * 1000 + tp->msec) * 1000;

    shpool->data = sh;

    return NGX_OK;
}


ngx_atomic_uint_t
ngx_para_revoke_zone_generation(ngx_shm_zone_t *zone)
{
    return ngx_para_revoke_sh(zone)->generation;
}


/*
 * The number moves behind the entry: who was checked with the new one has seen
 * it.
 */

static void
ngx_para_revoke_move(ngx_para_revoke_sh_t *sh)
{
    ngx_memory_barrier();
    sh->generation++;
    ngx_memory_barrier();
    sh->moving = 0;
}


/* Does what is left of the work of who died with the lock. */

static ngx_para_revoke_sh_t *
ngx_para_revoke_lock(ngx_shm_zone_t *zone)
{
    ngx_para_revoke_sh_t  *sh;

    ngx_shmtx_lock(&ngx_para_revoke_pool(zone)->mutex);

    sh = ngx_para_revoke_sh(zone);

    if (sh->moving) {
        ngx_para_revoke_move(sh);
    }

    return sh;
}


static ngx_inline void
ngx_para_revoke_unlock(ngx_shm_zone_t *zone)
{
    ngx_shmtx_unlock(&ngx_para_revoke_pool(zone)->mutex);
}


static ngx_para_revoke_entry_t *
ngx_para_revoke_find(ngx_para_revoke_sh_t *sh, para_revocation_kind_e kind,
    const u_char *key)
{
    ngx_uint_t                i;
    ngx_para_revoke_entry_t  *entry;

    for (i = *ngx_para_revoke_bucket(sh, key); i; i = entry->next) {
        entry = &sh->entry[i - 1];

        if (entry->revocation.kind == (uint32_t) kind
            && ngx_memcmp(entry->revocation.key, key, PARA_DIGEST_SIZE) == 0)
        {
            return entry;
        }
    }

    return NULL;
}


/*
 * An entry for something new, in no bucket: NULL if all are taken.  What has
 * ended is looked for only when there was nothing else, and when something can
 * have ended since the last time.
 */

static ngx_para_revoke_entry_t *
ngx_para_revoke_take(ngx_para_revoke_sh_t *sh, time_t now)
{
    int64_t                   earliest;
    ngx_uint_t                i;
    ngx_para_revoke_entry_t  *entry;

    if (sh->used < sh->n) {
        entry = &sh->entry[sh->used];
        entry->revocation.end = 0;
        ngx_memory_barrier();
        sh->used++;
        return entry;
    }

    if (now < sh->earliest) {
        return NULL;
    }

    earliest = INT64_MAX;

    for (i = 0; i < sh->n; i++) {
        entry = &sh->entry[sh->hand];
        sh->hand = (sh->hand + 1) % sh->n;

        if (entry->revocation.end <= now) {
            ngx_para_revoke_unlink(sh, entry);
            entry->revocation.end = 0;
            return entry;
        }

        earliest = ngx_min(earliest, entry->revocation.end);
    }

    sh->earliest = earliest;

    return NULL;
}


static void
ngx_para_revoke_unlink(ngx_para_revoke_sh_t *sh,
    ngx_para_revoke_entry_t *entry)
{
    ngx_uint_t  number, *i;

    number = entry - sh->entry + 1;
    i = ngx_para_revoke_bucket(sh, entry->revocation.key);

    while (*i && *i != number) {
        i = &sh->entry[*i - 1].next;
    }

    /* it is in none if somebody died over it */

    if (*i) {
        *i = entry->next;
    }

    ngx_memory_barrier();
}


static void
ngx_para_revoke_link(ngx_para_revoke_sh_t *sh, ngx_para_revoke_entry_t *entry,
    const para_revocation_t *revocation)
{
    ngx_uint_t  *bucket;

    bucket = ngx_para_revoke_bucket(sh, revocation->key);

    entry->next = *bucket;
    entry->revocation.kind = revocation->kind;
    ngx_memcpy(entry->revocation.key, revocation->key, PARA_DIGEST_SIZE);
    entry->revocation.before = revocation->before;

    ngx_memory_barrier();
    entry->revocation.end = revocation->end;
    ngx_memory_barrier();
    *bucket = entry - sh->entry + 1;
}


/* Both words may only grow while it counts. */

static void
ngx_para_revoke_update(ngx_para_revoke_entry_t *entry,
    const para_revocation_t *revocation)
{
    entry->revocation.before = revocation->before;
    ngx_memory_barrier();
    entry->revocation.end = revocation->end;
}


ngx_int_t
ngx_para_revoke_zone_put(ngx_shm_zone_t *zone, para_revocation_t *revocation,
    time_t now)
{
    ngx_int_t              rc;
    ngx_para_revoke_sh_t  *sh;

    sh = ngx_para_revoke_lock(zone);
    rc = ngx_para_revoke_set(sh, revocation, now);
    ngx_para_revoke_unlock(zone);

    return rc;
}


static ngx_int_t
ngx_para_revoke_set(ngx_para_revoke_sh_t *sh, para_revocation_t *revocation,
    time_t now)
{
    ngx_para_revoke_entry_t  *entry, *free;

    free = NULL;

    entry = ngx_para_revoke_find(sh, (para_revocation_kind_e) revocation->kind,
                                 revocation->key);

    if (entry && entry->revocation.end > now) {
        para_revocation_merge(revocation, &entry->revocation);

        if (entry->revocation.before == revocation->before
            && entry->revocation.end == revocation->end)
        {
            return NGX_OK;
        }
    }

    if (entry == NULL) {
        free = ngx_para_revoke_take(sh, now);
        if (free == NULL) {
            return NGX_DECLINED;
        }
    }

    sh->moving = 1;
    ngx_memory_barrier();

    if (entry) {
        ngx_para_revoke_update(entry, revocation);

    } else {
        ngx_para_revoke_link(sh, free, revocation);
    }

    ngx_para_revoke_move(sh);

    return NGX_OK;
}


para_reason_e
ngx_para_revoke_zone_check(ngx_shm_zone_t *zone,
    const para_revocation_keys_t *keys, time_t now)
{
    size_t                    i;
    para_reason_e             reason;
    ngx_para_revoke_sh_t     *sh;
    ngx_para_revoke_entry_t  *entry;

    reason = PARA_OK;

    sh = ngx_para_revoke_lock(zone);

    for (i = 0; i < keys->n && reason == PARA_OK; i++) {
        entry = ngx_para_revoke_find(sh, keys->kind[i], keys->key[i]);

        if (entry) {
            reason = para_revocation_check(keys, i, &entry->revocation, now);
        }
    }

    ngx_para_revoke_unlock(zone);

    return reason;
}


ngx_uint_t
ngx_para_revoke_zone_copy(ngx_shm_zone_t *zone, ngx_uint_t *from,
    para_revocation_t *copy, ngx_uint_t n, time_t now)
{
    ngx_uint_t                i;
    ngx_para_revoke_sh_t     *sh;
    ngx_para_revoke_entry_t  *entry;

    sh = ngx_para_revoke_lock(zone);

    for (i = 0; i < n && *from < sh->used; (*from)++) {
        entry = &sh->entry[*from];

        if (entry->revocation.end > now) {
            copy[i++] = entry->revocation;
        }
    }

    ngx_para_revoke_unlock(zone);

    return i;
}


ngx_uint_t
ngx_para_revoke_zone_count(ngx_shm_zone_t *zone, time_t now)
{
    ngx_uint_t             i, n;
    ngx_para_revoke_sh_t  *sh;

    n = 0;

    sh = ngx_para_revoke_lock(zone);

    for (i = 0; i < sh->used; i++) {
        n += sh->entry[i].revocation.end > now;
    }

    ngx_para_revoke_unlock(zone);

    return n;
}


void
ngx_para_revoke_zone_set_unsaved(ngx_shm_zone_t *zone, ngx_uint_t unsaved)
{
    ngx_para_revoke_sh(zone)->unsaved = unsaved;
}


ngx_uint_t
ngx_para_revoke_zone_unsaved(ngx_shm_zone_t *zone)
{
    return ngx_para_revoke_sh(zone)->unsaved;
}
