#include "ngx_para_cache.h"


#define NGX_PARA_CACHE_MAGIC      0x41524150    /* "PARA" */
#define NGX_PARA_CACHE_LAYOUT     1
#define NGX_PARA_CACHE_EVICT_MAX  64            /* entries for one new */


typedef enum {
    NGX_PARA_CACHE_ENDED = 0,         /* a session that Para refused */
    NGX_PARA_CACHE_ACTIVE,            /* a session that Para confirmed */
    NGX_PARA_CACHE_IDENTITY,          /* of a JWT alone */
    NGX_PARA_CACHE_BOUND              /* of a JWT and a session */
} ngx_para_cache_kind_e;


typedef struct ngx_para_cache_node_s  ngx_para_cache_node_t;

struct ngx_para_cache_node_s {
    ngx_para_cache_node_t   *next;    /* in the bucket */
    ngx_queue_t              queue;   /* least recently used last */
    u_char                   key[NGX_PARA_CACHE_KEY_SIZE];
    ngx_msec_t               checked; /* session: when Para was asked */
    time_t                   end;     /* identity: first second it is over */
    uint32_t                 crc;     /* of the session's record */
    uint16_t                 len;     /* of the record */
    uint16_t                 kind;

    /* NGX_PARA_CACHE_BOUND: the session's key; then the record */
};


struct ngx_para_cache_sh_s {
    uint32_t                 magic;
    uint32_t                 layout;
    ngx_uint_t               mask;            /* buckets - 1 */
    ngx_uint_t               ended;           /* how many are kept */
    ngx_uint_t               ended_max;
    ngx_queue_t              good;
    ngx_queue_t              bad;             /* NGX_PARA_CACHE_ENDED */
    ngx_para_cache_node_t   *bucket[];
};


static ngx_int_t ngx_para_cache_init_zone(ngx_shm_zone_t *zone, void *data);
static ngx_para_cache_sh_t *ngx_para_cache_create(ngx_slab_pool_t *shpool,
    size_t size);
static ngx_para_cache_node_t *ngx_para_cache_find(ngx_para_cache_sh_t *sh,
    const u_char *key);
static ngx_int_t ngx_para_cache_copy(ngx_para_cache_node_t *node,
    ngx_pool_t *pool, ngx_str_t *record);
static ngx_para_cache_node_t *ngx_para_cache_replace(ngx_para_cache_t *cache,
    const u_char *key, ngx_para_cache_kind_e kind, size_t len);
static ngx_para_cache_node_t *ngx_para_cache_alloc(ngx_para_cache_t *cache,
    ngx_para_cache_kind_e kind, size_t size);
static void ngx_para_cache_delete(ngx_para_cache_t *cache,
    ngx_para_cache_node_t *node);
static void ngx_para_cache_touch(ngx_para_cache_sh_t *sh,
    ngx_para_cache_node_t *node);


static ngx_inline u_char *
ngx_para_cache_session_key(ngx_para_cache_node_t *node)
{
    return (u_char *) node + sizeof(ngx_para_cache_node_t);
}


static ngx_inline u_char *
ngx_para_cache_record(ngx_para_cache_node_t *node)
{
    u_char  *p;

    p = (u_char *) node + sizeof(ngx_para_cache_node_t);

    return node->kind == NGX_PARA_CACHE_BOUND ? p + NGX_PARA_CACHE_KEY_SIZE
                                              : p;
}


/*
 * Signed, because each worker reads the clock once per turn of its event loop:
 * what another worker stored can lie a little in the future.
 */

static ngx_inline ngx_uint_t
ngx_para_cache_fresh(ngx_para_cache_node_t *node, ngx_msec_t valid)
{
    return (ngx_msec_int_t) (ngx_current_msec - node->checked)
           < (ngx_msec_int_t) valid;
}


static ngx_inline ngx_para_cache_node_t **
ngx_para_cache_bucket(ngx_para_cache_sh_t *sh, const u_char *key)
{
    uint32_t  hash;

    ngx_memcpy(&hash, key, sizeof(uint32_t));

    return &sh->bucket[hash & sh->mask];
}


char *
ngx_para_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char           *p;
    ssize_t           size;
    ngx_str_t        *value, name, s;
    ngx_shm_zone_t  **zone;
    ngx_para_cache_t *cache;

    zone = (ngx_shm_zone_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (*zone) {
        return "is duplicate, one zone serves all providers";
    }

    p = (u_char *) ngx_strchr(value[1].data, ':');

    if (p == NULL || p == value[1].data) {
        return "takes a name and a size, as in \"para:16m\"";
    }

    name.data = value[1].data;
    name.len = p - value[1].data;

    s.data = p + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < (ssize_t) (32 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no size for a zone, give at least %uzk",
                           &s, 32 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    cache = ngx_pcalloc(cf->pool, sizeof(ngx_para_cache_t));
    if (cache == NULL) {
        return NGX_CONF_ERROR;
    }

    *zone = ngx_shared_memory_add(cf, &name, size, cmd->post);
    if (*zone == NULL) {
        return NGX_CONF_ERROR;
    }

    (*zone)->init = ngx_para_cache_init_zone;
    (*zone)->data = cache;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_cache_session_lookup(ngx_para_cache_t *cache, const u_char *key,
    ngx_msec_t valid, ngx_msec_t negative, ngx_pool_t *pool,
    ngx_para_cache_session_t *session)
{
    ngx_int_t               rc;
    ngx_para_cache_node_t  *node;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(&cache->shpool->mutex);

    node = ngx_para_cache_find(cache->sh, key);

    if (node == NULL) {
        goto done;
    }

    if (node->kind == NGX_PARA_CACHE_ACTIVE
        && ngx_para_cache_fresh(node, valid))
    {
        session->active = 1;
        rc = ngx_para_cache_copy(node, pool, &session->record);
        ngx_para_cache_touch(cache->sh, node);

    } else if (node->kind == NGX_PARA_CACHE_ENDED
               && ngx_para_cache_fresh(node, negative))
    {
        session->active = 0;
        ngx_str_null(&session->record);
        rc = NGX_OK;
    }

done:

    ngx_shmtx_unlock(&cache->shpool->mutex);

    return rc;
}


void
ngx_para_cache_session_store(ngx_para_cache_t *cache, const u_char *key,
    const ngx_para_cache_session_t *session)
{
    ngx_para_cache_kind_e   kind;
    ngx_para_cache_node_t  *node;

    kind = session->active ? NGX_PARA_CACHE_ACTIVE : NGX_PARA_CACHE_ENDED;

    ngx_shmtx_lock(&cache->shpool->mutex);

    node = ngx_para_cache_replace(cache, key, kind, session->record.len);

    if (node) {
        node->checked = ngx_current_msec;
    }

    if (node && session->active) {
        node->crc = ngx_crc32_long(session->record.data, session->record.len);
        ngx_memcpy(ngx_para_cache_record(node), session->record.data,
                   session->record.len);
    }

    ngx_shmtx_unlock(&cache->shpool->mutex);
}


ngx_int_t
ngx_para_cache_identity_lookup(ngx_para_cache_t *cache, const u_char *key,
    time_t now, ngx_msec_t valid, ngx_pool_t *pool, ngx_str_t *record)
{
    ngx_int_t               rc;
    ngx_para_cache_node_t  *node, *session;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(&cache->shpool->mutex);

    node = ngx_para_cache_find(cache->sh, key);

    if (node == NULL || node->kind < NGX_PARA_CACHE_IDENTITY
        || node->end <= now)
    {
        goto done;
    }

    if (node->kind == NGX_PARA_CACHE_BOUND) {

        session = ngx_para_cache_find(cache->sh,
                                      ngx_para_cache_session_key(node));

        /* the crc: Para now says something else of the same session */

        if (session == NULL || session->kind != NGX_PARA_CACHE_ACTIVE
            || session->crc != node->crc
            || !ngx_para_cache_fresh(session, valid))
        {
            goto done;
        }

        ngx_para_cache_touch(cache->sh, session);
    }

    rc = ngx_para_cache_copy(node, pool, record);
    ngx_para_cache_touch(cache->sh, node);

done:

    ngx_shmtx_unlock(&cache->shpool->mutex);

    return rc;
}


void
ngx_para_cache_identity_store(ngx_para_cache_t *cache, const u_char *key,
    time_t end, const ngx_str_t *record, const u_char *session,
    const ngx_str_t *session_record)
{
    ngx_para_cache_kind_e   kind;
    ngx_para_cache_node_t  *node;

    kind = session ? NGX_PARA_CACHE_BOUND : NGX_PARA_CACHE_IDENTITY;

    ngx_shmtx_lock(&cache->shpool->mutex);

    node = ngx_para_cache_replace(cache, key, kind, record->len);

    if (node) {
        node->end = end;

        if (session) {
            node->crc = ngx_crc32_long(session_record->data,
                                       session_record->len);
            ngx_memcpy(ngx_para_cache_session_key(node), session,
                       NGX_PARA_CACHE_KEY_SIZE);
        }

        ngx_memcpy(ngx_para_cache_record(node), record->data, record->len);
    }

    ngx_shmtx_unlock(&cache->shpool->mutex);
}


static ngx_int_t
ngx_para_cache_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_para_cache_t *old = data;

    ngx_para_cache_t     *cache;
    ngx_para_cache_sh_t  *sh;

    cache = zone->data;

    /* the same zone after a reload: entries and all */

    if (old) {
        *cache = *old;
        return NGX_OK;
    }

    cache->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        sh = cache->shpool->data;

        if (sh->magic != NGX_PARA_CACHE_MAGIC
            || sh->layout != NGX_PARA_CACHE_LAYOUT)
        {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "para_auth_zone \"%V\" has the layout of another "
                          "version of this module, restart nginx",
                          &zone->shm.name);
            return NGX_ERROR;
        }

        cache->sh = sh;
        return NGX_OK;
    }

    sh = ngx_para_cache_create(cache->shpool, zone->shm.size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    /* a full zone is the normal state of a cache, not worth a log line */

    cache->shpool->log_nomem = 0;
    cache->shpool->data = sh;
    cache->sh = sh;

    return NGX_OK;
}


static ngx_para_cache_sh_t *
ngx_para_cache_create(ngx_slab_pool_t *shpool, size_t size)
{
    ngx_uint_t            n;
    ngx_para_cache_sh_t  *sh;

    /* about one bucket for each entry that fits */

    for (n = 64; n < size / 1024; n <<= 1) { /* void */ }

    sh = ngx_slab_calloc(shpool, sizeof(ngx_para_cache_sh_t)
                                 + n * sizeof(ngx_para_cache_node_t *));
    if (sh == NULL) {
        return NULL;
    }

    sh->magic = NGX_PARA_CACHE_MAGIC;
    sh->layout = NGX_PARA_CACHE_LAYOUT;
    sh->mask = n - 1;
    sh->ended_max = n / 8;
    ngx_queue_init(&sh->good);
    ngx_queue_init(&sh->bad);

    return sh;
}


static ngx_para_cache_node_t *
ngx_para_cache_find(ngx_para_cache_sh_t *sh, const u_char *key)
{
    ngx_para_cache_node_t  *node;

    for (node = *ngx_para_cache_bucket(sh, key); node; node = node->next) {
        if (ngx_memcmp(node->key, key, NGX_PARA_CACHE_KEY_SIZE) == 0) {
            return node;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_para_cache_copy(ngx_para_cache_node_t *node, ngx_pool_t *pool,
    ngx_str_t *record)
{
    record->data = ngx_pnalloc(pool, node->len);
    if (record->data == NULL) {
        return NGX_ERROR;
    }

    record->len = node->len;
    ngx_memcpy(record->data, ngx_para_cache_record(node), node->len);

    return NGX_OK;
}


/*
 * Takes the entry of this key out and links a new one with room for a record.
 * What the old one said is gone in any case: without memory there is none.
 */

static ngx_para_cache_node_t *
ngx_para_cache_replace(ngx_para_cache_t *cache, const u_char *key,
    ngx_para_cache_kind_e kind, size_t len)
{
    size_t                   size;
    ngx_para_cache_node_t   *node, **bucket;

    node = ngx_para_cache_find(cache->sh, key);

    if (node) {
        ngx_para_cache_delete(cache, node);
    }

    if (len > 65535) {
        return NULL;
    }

    size = sizeof(ngx_para_cache_node_t) + len;

    if (kind == NGX_PARA_CACHE_BOUND) {
        size += NGX_PARA_CACHE_KEY_SIZE;
    }

    node = ngx_para_cache_alloc(cache, kind, size);
    if (node == NULL) {
        return NULL;
    }

    ngx_memcpy(node->key, key, NGX_PARA_CACHE_KEY_SIZE);
    node->kind = (uint16_t) kind;
    node->len = (uint16_t) len;

    bucket = ngx_para_cache_bucket(cache->sh, key);
    node->next = *bucket;
    *bucket = node;

    if (kind == NGX_PARA_CACHE_ENDED) {
        cache->sh->ended++;
        ngx_queue_insert_head(&cache->sh->bad, &node->queue);

    } else {
        ngx_queue_insert_head(&cache->sh->good, &node->queue);
    }

    return node;
}


static ngx_para_cache_node_t *
ngx_para_cache_alloc(ngx_para_cache_t *cache, ngx_para_cache_kind_e kind,
    size_t size)
{
    ngx_uint_t              tries;
    ngx_queue_t            *queue, *q;
    ngx_para_cache_sh_t    *sh;
    ngx_para_cache_node_t  *node;

    sh = cache->sh;

    if (kind == NGX_PARA_CACHE_ENDED && sh->ended >= sh->ended_max) {
        q = ngx_queue_last(&sh->bad);
        ngx_para_cache_delete(cache,
                           ngx_queue_data(q, ngx_para_cache_node_t, queue));
    }

    for (tries = 0; /* void */; tries++) {

        node = ngx_slab_alloc_locked(cache->shpool, size);

        if (node || tries == NGX_PARA_CACHE_EVICT_MAX) {
            return node;
        }

        /* a refusal never pushes out a good entry */

        queue = ngx_queue_empty(&sh->bad) ? &sh->good : &sh->bad;

        if (ngx_queue_empty(queue)
            || (kind == NGX_PARA_CACHE_ENDED && queue == &sh->good))
        {
            return NULL;
        }

        q = ngx_queue_last(queue);
        ngx_para_cache_delete(cache,
                           ngx_queue_data(q, ngx_para_cache_node_t, queue));
    }
}


static void
ngx_para_cache_delete(ngx_para_cache_t *cache, ngx_para_cache_node_t *node)
{
    ngx_para_cache_node_t  **np;

    np = ngx_para_cache_bucket(cache->sh, node->key);

    while (*np != node) {
        np = &(*np)->next;
    }

    *np = node->next;

    ngx_queue_remove(&node->queue);

    if (node->kind == NGX_PARA_CACHE_ENDED) {
        cache->sh->ended--;
    }

    ngx_slab_free_locked(cache->shpool, node);
}


static void
ngx_para_cache_touch(ngx_para_cache_sh_t *sh, ngx_para_cache_node_t *node)
{
    ngx_queue_remove(&node->queue);
    ngx_queue_insert_head(&sh->good, &node->queue);
}
