#include "ngx_para_store.h"


#define NGX_PARA_STORE_EVICT_MAX  64            /* entries for one new */


struct ngx_para_store_sh_s {
    ngx_uint_t               busy;            /* see ngx_para_store_lock() */
    ngx_uint_t               mask;            /* buckets - 1 */
    ngx_uint_t               npoor;           /* how many are kept */
    ngx_uint_t               npoor_max;
    uint64_t                 serial;          /* the last given */
    ngx_queue_t              good;
    ngx_queue_t              poor;
    ngx_para_store_node_t   *bucket[];
};


static ngx_para_store_sh_t *ngx_para_store_create(ngx_slab_pool_t *shpool);
static ngx_uint_t ngx_para_store_evict(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_uint_t poor);


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
    size_t size, ngx_uint_t poor)
{
    ngx_uint_t              tries;
    ngx_slab_pool_t        *shpool;
    ngx_para_store_node_t  *node;

    shpool = ngx_para_store_pool(zone);

    if (poor && sh->npoor >= sh->npoor_max) {
        (void) ngx_para_store_evict(zone, sh, poor);
    }

    node = ngx_slab_calloc_locked(shpool, size);

    for (tries = 0; node == NULL && tries < NGX_PARA_STORE_EVICT_MAX; tries++)
    {
        if (!ngx_para_store_evict(zone, sh, poor)) {
            return NULL;
        }

        node = ngx_slab_calloc_locked(shpool, size);
    }

    if (node) {
        node->poor = poor;
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

    if (node->poor) {
        sh->npoor++;
        ngx_queue_insert_head(&sh->poor, &node->queue);

    } else {
        ngx_queue_insert_head(&sh->good, &node->queue);
    }
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

    ngx_queue_remove(&node->queue);

    if (node->poor) {
        sh->npoor--;
    }

    ngx_slab_free_locked(ngx_para_store_pool(zone), node);
}


void
ngx_para_store_touch(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node)
{
    ngx_queue_remove(&node->queue);
    ngx_queue_insert_head(node->poor ? &sh->poor : &sh->good, &node->queue);
}


uint64_t
ngx_para_store_serial(ngx_para_store_sh_t *sh)
{
    return ++sh->serial;
}


static ngx_para_store_sh_t *
ngx_para_store_create(ngx_slab_pool_t *shpool)
{
    size_t                size;
    ngx_uint_t            n;
    ngx_para_store_sh_t  *sh;

    /* about one bucket for each entry that fits */

    size = shpool->end - (u_char *) shpool;

    for (n = 64; n < size / 1024; n <<= 1) { /* void */ }

    sh = ngx_slab_calloc_locked(shpool, sizeof(ngx_para_store_sh_t)
                                        + n * sizeof(ngx_para_store_node_t *));
    if (sh == NULL) {
        return NULL;
    }

    sh->mask = n - 1;
    sh->npoor_max = n / 8;
    ngx_queue_init(&sh->good);
    ngx_queue_init(&sh->poor);

    /* a full zone is the normal state of a cache, not worth a log line */

    shpool->log_nomem = 0;

    return sh;
}


/* Makes room for an entry; 0 if there is nothing to take. */

static ngx_uint_t
ngx_para_store_evict(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_uint_t poor)
{
    ngx_queue_t  *queue, *q;

    queue = ngx_queue_empty(&sh->poor) ? &sh->good : &sh->poor;

    if (ngx_queue_empty(queue) || (poor && queue == &sh->good)) {
        return 0;
    }

    q = ngx_queue_last(queue);

    ngx_para_store_delete(zone, sh,
                          ngx_queue_data(q, ngx_para_store_node_t, queue));

    return 1;
}
