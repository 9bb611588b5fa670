#include "ngx_para_store.h"


/*
 * Entries for one new: memory comes in pages of entries of one size, so many of
 * other sizes may have to go before a page is free; it then serves the next.
 */
#define NGX_PARA_STORE_EVICT_MAX  1024

#define NGX_PARA_STORE_ENTRY      1024    /* bytes, reckoned for an entry */


typedef struct {
    ngx_queue_t              queue;
    ngx_uint_t               count;
    ngx_uint_t               max;
    size_t                   room;            /* bytes */
} ngx_para_store_pool_t;


struct ngx_para_store_sh_s {
    ngx_uint_t               busy;            /* see ngx_para_store_lock() */
    ngx_uint_t               mask;            /* buckets - 1 */
    uint64_t                 serial;          /* the last given */
    ngx_para_store_pool_t    pool[NGX_PARA_STORE_POOLS];
    uint64_t                 area[NGX_PARA_STORE_AREA_SIZE / 8];
    ngx_para_store_node_t   *bucket[];
};


/* So many entries for each of so many buckets, within limits. */

static const struct {
    ngx_uint_t               share;           /* 0: as many as fit */
    ngx_uint_t               least;
    ngx_uint_t               most;
} ngx_para_store_shares[] = {
    [NGX_PARA_STORE_GOOD] = { 0, 0, 0 },
    [NGX_PARA_STORE_POOR] = { 8, 8, NGX_MAX_UINT32_VALUE },
    [NGX_PARA_STORE_SPELT] = { 4, 16, NGX_MAX_UINT32_VALUE },
    [NGX_PARA_STORE_FLIGHT] = { 4, 64, 1024 },
    [NGX_PARA_STORE_LANDED] = { 8, 32, 1024 },
    [NGX_PARA_STORE_PAYER] = { 8, 32, NGX_MAX_UINT32_VALUE },
    [NGX_PARA_STORE_BREAKER] = { 64, 8, 16 },
    [NGX_PARA_STORE_TEXT] = { 4, 16, NGX_MAX_UINT32_VALUE }
};


static ngx_para_store_sh_t *ngx_para_store_create(ngx_slab_pool_t *shpool);
static unsigned ngx_para_store_order(size_t size);
static void ngx_para_store_join(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node, ngx_para_store_pool_e pool);
static void ngx_para_store_leave(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node);
static ngx_uint_t ngx_para_store_evict(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_store_pool_e pool);
static ngx_uint_t ngx_para_store_evict_last(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_store_pool_e pool);


static ngx_inline ngx_slab_pool_t *
ngx_para_store_pool(ngx_shm_zone_t *zone)
{
    return (ngx_slab_pool_t *) zone->shm.addr;
}


static ngx_inline ngx_para_store_node_t **
ngx_para_store_bucket(ngx_para_store_sh_t *sh, const u_char *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    return &sh->bucket[hash & sh->mask];
}


/*
 * A zone comes with its entries after a reload; another module file, after an
 * upgrade, has another tag and gets a zone of its own.
 */

ngx_int_t
ngx_para_store_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *shpool;

    shpool = ngx_para_store_pool(zone);

    /* the next cycle gets it as data, and knows that there was one before */

    zone->data = shpool;

    if (data || zone->shm.exists) {
        return NGX_OK;
    }

    shpool->data = ngx_para_store_create(shpool);

    return shpool->data ? NGX_OK : NGX_ERROR;
}


/*
 * Who finds the table busy behind the lock has inherited it from a worker that
 * died inside: nothing in it can be believed, and it begins anew.
 */

ngx_para_store_sh_t *
ngx_para_store_lock(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t      *shpool;
    ngx_para_store_sh_t  *sh;

    shpool = ngx_para_store_pool(zone);

    ngx_shmtx_lock(&shpool->mutex);

    sh = shpool->data;

    if (sh == NULL || sh->busy) {

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "para_auth: a worker died in the shared cache, "
                      "which begins anew");

        shpool->data = NULL;
        ngx_memory_barrier();

        ngx_slab_init(shpool);
        sh = ngx_para_store_create(shpool);

        if (sh == NULL) {
            return NULL;
        }
    }

    sh->busy = 1;
    ngx_memory_barrier();

    shpool->data = sh;

    return sh;
}


void
ngx_para_store_unlock(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh)
{
    if (sh) {
        ngx_memory_barrier();
        sh->busy = 0;
    }

    ngx_shmtx_unlock(&ngx_para_store_pool(zone)->mutex);
}


ngx_para_store_node_t *
ngx_para_store_find(ngx_para_store_sh_t *sh, const u_char *key)
{
    ngx_para_store_node_t  *node;

    for (node = *ngx_para_store_bucket(sh, key); node; node = node->next) {
        if (ngx_memcmp(node->key, key, NGX_PARA_STORE_KEY_SIZE) == 0) {
            return node;
        }
    }

    return NULL;
}


ngx_para_store_node_t *
ngx_para_store_alloc(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    size_t size, ngx_para_store_pool_e pool)
{
    ngx_uint_t              tries;
    ngx_slab_pool_t        *shpool;
    ngx_para_store_node_t  *node;

    shpool = ngx_para_store_pool(zone);

    if (ngx_para_store_is_full(sh, pool)) {

        if (pool == NGX_PARA_STORE_FLIGHT) {
            return NULL;
        }

        (void) ngx_para_store_evict_last(zone, sh, pool);
    }

    node = ngx_slab_calloc_locked(shpool, size);

    for (tries = 0; node == NULL && tries < NGX_PARA_STORE_EVICT_MAX; tries++)
    {
        if (!ngx_para_store_evict(zone, sh, pool)) {
            return NULL;
        }

        node = ngx_slab_calloc_locked(shpool, size);
    }

    if (node) {
        node->pool = pool;
        node->order = ngx_para_store_order(size);
    }

    return node;
}


void
ngx_para_store_link(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node,
    const u_char *key)
{
    ngx_para_store_node_t  **bucket;

    ngx_memcpy(node->key, key, NGX_PARA_STORE_KEY_SIZE);

    bucket = ngx_para_store_bucket(sh, key);
    node->next = *bucket;
    *bucket = node;

    ngx_para_store_join(sh, node, node->pool);
}


void
ngx_para_store_delete(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node)
{
    ngx_para_store_node_t  **np;

    np = ngx_para_store_bucket(sh, node->key);

    while (*np != node) {
        np = &(*np)->next;
    }

    *np = node->next;

    ngx_para_store_leave(sh, node);

    ngx_slab_free_locked(ngx_para_store_pool(zone), node);
}


void
ngx_para_store_touch(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node)
{
    ngx_queue_remove(&node->queue);
    ngx_queue_insert_head(&sh->pool[node->pool].queue, &node->queue);
}


void
ngx_para_store_move(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node, ngx_para_store_pool_e pool)
{
    if (ngx_para_store_is_full(sh, pool)) {
        (void) ngx_para_store_evict_last(zone, sh, pool);
    }

    ngx_para_store_leave(sh, node);
    ngx_para_store_join(sh, node, pool);
}


ngx_para_store_node_t *
ngx_para_store_last(ngx_para_store_sh_t *sh, ngx_para_store_pool_e pool)
{
    ngx_queue_t  *queue;

    queue = &sh->pool[pool].queue;

    return ngx_queue_empty(queue)
           ? NULL
           : ngx_queue_data(ngx_queue_last(queue), ngx_para_store_node_t,
                            queue);
}


ngx_uint_t
ngx_para_store_count(ngx_para_store_sh_t *sh, ngx_para_store_pool_e pool)
{
    return sh->pool[pool].count;
}


ngx_uint_t
ngx_para_store_is_full(ngx_para_store_sh_t *sh, ngx_para_store_pool_e pool)
{
    return sh->pool[pool].max && sh->pool[pool].count >= sh->pool[pool].max;
}


uint64_t
ngx_para_store_serial(ngx_para_store_sh_t *sh)
{
    return ++sh->serial;
}


void *
ngx_para_store_area(ngx_para_store_sh_t *sh)
{
    return sh->area;
}


void *
ngx_para_store_peek(ngx_shm_zone_t *zone)
{
    ngx_para_store_sh_t  *sh;

    sh = ngx_para_store_pool(zone)->data;

    return sh ? sh->area : NULL;
}


static ngx_para_store_sh_t *
ngx_para_store_create(ngx_slab_pool_t *shpool)
{
    size_t                size;
    ngx_uint_t            i, n, max;
    ngx_para_store_sh_t  *sh;

    /* about one bucket for each entry that fits */

    size = shpool->end - (u_char *) shpool;

    for (n = 64; n < size / NGX_PARA_STORE_ENTRY; n <<= 1) { /* void */ }

    sh = ngx_slab_calloc_locked(shpool, sizeof(ngx_para_store_sh_t)
                                        + n * sizeof(ngx_para_store_node_t *));
    if (sh == NULL) {
        return NULL;
    }

    sh->mask = n - 1;

    for (i = 0; i < NGX_PARA_STORE_POOLS; i++) {

        ngx_queue_init(&sh->pool[i].queue);

        if (ngx_para_store_shares[i].share) {
            max = ngx_max(n / ngx_para_store_shares[i].share,
                          ngx_para_store_shares[i].least);
            sh->pool[i].max = ngx_min(max, ngx_para_store_shares[i].most);
        }
    }

    /* a full zone is the normal state of a cache, not worth a log line */

    shpool->log_nomem = 0;

    return sh;
}


/* The slab's: powers of 2, and of pages rather more than it takes. */

static unsigned
ngx_para_store_order(size_t size)
{
    unsigned  order;

    for (order = 0; (size_t) 8 << order < size; order++) { /* void */ }

    return order;
}


static void
ngx_para_store_join(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node,
    ngx_para_store_pool_e pool)
{
    node->pool = pool;

    ngx_queue_insert_head(&sh->pool[pool].queue, &node->queue);
    sh->pool[pool].count++;
    sh->pool[pool].room += (size_t) 8 << node->order;
}


static void
ngx_para_store_leave(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node)
{
    ngx_queue_remove(&node->queue);
    sh->pool[node->pool].count--;
    sh->pool[node->pool].room -= (size_t) 8 << node->order;
}


/*
 * Makes room for an entry; 0 if there is nothing to take.  In a full zone the
 * bounded ones would never grow without others' room, and most of them would be
 * gone before they are of use.
 */

static ngx_uint_t
ngx_para_store_evict(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_pool_e pool)
{
    ngx_uint_t              is_bounded;
    ngx_para_store_pool_t  *own;

    own = &sh->pool[pool];
    is_bounded = (pool == NGX_PARA_STORE_SPELT || pool == NGX_PARA_STORE_TEXT);

    if (is_bounded && own->room >= own->max / 2 * NGX_PARA_STORE_ENTRY) {
        return ngx_para_store_evict_last(zone, sh, pool);
    }

    if (ngx_para_store_evict_last(zone, sh, NGX_PARA_STORE_POOR)) {
        return 1;
    }

    if (pool == NGX_PARA_STORE_POOR) {
        return 0;
    }

    return ngx_para_store_evict_last(zone, sh, NGX_PARA_STORE_GOOD)
           || (is_bounded && ngx_para_store_evict_last(zone, sh, pool));
}


static ngx_uint_t
ngx_para_store_evict_last(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_pool_e pool)
{
    ngx_para_store_node_t  *node;

    node = ngx_para_store_last(sh, pool);

    if (node == NULL) {
        return 0;
    }

    ngx_para_store_delete(zone, sh, node);

    return 1;
}
