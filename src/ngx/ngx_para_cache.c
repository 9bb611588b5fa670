#include "ngx_para_cache.h"


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
    ngx_msec_t               asked;   /* session: when Para was asked */
    time_t                   end;     /* identity: first second it is over */
    uint64_t                 serial;  /* of what Para said: the session's own,
                                         or that which an identity is bound to */
    uint16_t                 len;     /* of the record */
    uint16_t                 kind;

    /* NGX_PARA_CACHE_BOUND: the session's key; then the record */
};


typedef struct {
    ngx_uint_t               busy;            /* see ngx_para_cache_lock() */
    ngx_uint_t               mask;            /* buckets - 1 */
    ngx_uint_t               ended;           /* how many are kept */
    ngx_uint_t               ended_max;
    uint64_t                 serial;          /* the last given */
    ngx_queue_t              good;
    ngx_queue_t              bad;             /* NGX_PARA_CACHE_ENDED */
    ngx_para_cache_node_t   *bucket[];
} ngx_para_cache_sh_t;


static ngx_int_t ngx_para_cache_init_zone(ngx_shm_zone_t *zone, void *data);
static ngx_para_cache_sh_t *ngx_para_cache_create(ngx_slab_pool_t *shpool);
static ngx_para_cache_sh_t *ngx_para_cache_lock(ngx_para_cache_t *cache);
static void ngx_para_cache_unlock(ngx_para_cache_t *cache,
    ngx_para_cache_sh_t *sh);
static ngx_para_cache_node_t *ngx_para_cache_find(ngx_para_cache_sh_t *sh,
    const u_char *key);
static ngx_int_t ngx_para_cache_copy(ngx_para_cache_node_t *node,
    ngx_pool_t *pool, ngx_str_t *record);
static ngx_uint_t ngx_para_cache_is_late(ngx_para_cache_node_t *node,
    ngx_uint_t active, ngx_msec_t asked);
static ngx_uint_t ngx_para_cache_says(ngx_para_cache_node_t *node,
    const ngx_str_t *record);
static ngx_para_cache_node_t *ngx_para_cache_alloc(ngx_para_cache_t *cache,
    ngx_para_cache_sh_t *sh, ngx_para_cache_kind_e kind, size_t len);
static ngx_uint_t ngx_para_cache_evict(ngx_para_cache_t *cache,
    ngx_para_cache_sh_t *sh, ngx_para_cache_kind_e kind);
static void ngx_para_cache_link(ngx_para_cache_sh_t *sh,
    ngx_para_cache_node_t *node, const u_char *key);
static void ngx_para_cache_delete(ngx_para_cache_t *cache,
    ngx_para_cache_sh_t *sh, ngx_para_cache_node_t *node);
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
    return (ngx_msec_int_t) (ngx_current_msec - node->asked)
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
    ngx_para_cache_sh_t    *sh;
    ngx_para_cache_node_t  *node;

    rc = NGX_DECLINED;

    sh = ngx_para_cache_lock(cache);
    node = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (node == NULL) {
        goto done;
    }

    if (node->kind == NGX_PARA_CACHE_ACTIVE
        && ngx_para_cache_fresh(node, valid))
    {
        session->active = 1;
        rc = ngx_para_cache_copy(node, pool, &session->record);
        ngx_para_cache_touch(sh, node);

    } else if (node->kind == NGX_PARA_CACHE_ENDED
               && ngx_para_cache_fresh(node, negative))
    {
        session->active = 0;
        ngx_str_null(&session->record);
        rc = NGX_OK;
    }

done:

    ngx_para_cache_unlock(cache, sh);

    return rc;
}


void
ngx_para_cache_session_store(ngx_para_cache_t *cache, const u_char *key,
    const ngx_para_cache_session_t *session, ngx_msec_t asked)
{
    uint64_t                serial;
    ngx_para_cache_sh_t    *sh;
    ngx_para_cache_kind_e   kind;
    ngx_para_cache_node_t  *node;

    kind = session->active ? NGX_PARA_CACHE_ACTIVE : NGX_PARA_CACHE_ENDED;

    sh = ngx_para_cache_lock(cache);
    if (sh == NULL) {
        goto done;
    }

    node = ngx_para_cache_find(sh, key);

    if (node && ngx_para_cache_is_late(node, session->active, asked)) {
        goto done;
    }

    /* the same word again: identities that are bound to it stay so */

    serial = node && kind == NGX_PARA_CACHE_ACTIVE
             && node->kind == NGX_PARA_CACHE_ACTIVE
             && ngx_para_cache_says(node, &session->record)
             ? node->serial : ++sh->serial;

    /* the old word is gone in any case, also if there is no room for this */

    if (node) {
        ngx_para_cache_delete(cache, sh, node);
    }

    node = ngx_para_cache_alloc(cache, sh, kind, session->record.len);

    if (node) {
        node->asked = asked;
        node->serial = serial;

        if (session->record.len) {
            ngx_memcpy(ngx_para_cache_record(node), session->record.data,
                       session->record.len);
        }

        ngx_para_cache_link(sh, node, key);
    }

done:

    ngx_para_cache_unlock(cache, sh);
}


ngx_int_t
ngx_para_cache_identity_lookup(ngx_para_cache_t *cache, const u_char *key,
    time_t now, ngx_msec_t valid, ngx_pool_t *pool, ngx_str_t *record)
{
    ngx_int_t               rc;
    ngx_para_cache_sh_t    *sh;
    ngx_para_cache_node_t  *node, *session;

    rc = NGX_DECLINED;

    sh = ngx_para_cache_lock(cache);
    node = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (node == NULL || node->kind < NGX_PARA_CACHE_IDENTITY
        || node->end <= now)
    {
        goto done;
    }

    if (node->kind == NGX_PARA_CACHE_BOUND) {

        session = ngx_para_cache_find(sh, ngx_para_cache_session_key(node));

        /* the serial: Para may say something else of the same session now */

        if (session == NULL || session->kind != NGX_PARA_CACHE_ACTIVE
            || session->serial != node->serial
            || !ngx_para_cache_fresh(session, valid))
        {
            goto done;
        }

        ngx_para_cache_touch(sh, session);
    }

    rc = ngx_para_cache_copy(node, pool, record);
    ngx_para_cache_touch(sh, node);

done:

    ngx_para_cache_unlock(cache, sh);

    return rc;
}


void
ngx_para_cache_identity_store(ngx_para_cache_t *cache, const u_char *key,
    time_t end, const ngx_str_t *record, const u_char *session,
    const ngx_str_t *session_record)
{
    uint64_t                serial;
    ngx_para_cache_sh_t    *sh;
    ngx_para_cache_node_t  *node;

    serial = 0;

    sh = ngx_para_cache_lock(cache);
    if (sh == NULL) {
        goto done;
    }

    if (session) {
        node = ngx_para_cache_find(sh, session);

        if (node == NULL || node->kind != NGX_PARA_CACHE_ACTIVE
            || !ngx_para_cache_says(node, session_record))
        {
            goto done;
        }

        serial = node->serial;
    }

    node = ngx_para_cache_find(sh, key);

    if (node) {
        ngx_para_cache_delete(cache, sh, node);
    }

    node = ngx_para_cache_alloc(cache, sh, session ? NGX_PARA_CACHE_BOUND
                                                   : NGX_PARA_CACHE_IDENTITY,
                                record->len);
    if (node == NULL) {
        goto done;
    }

    node->end = end;
    node->serial = serial;

    if (session) {
        ngx_memcpy(ngx_para_cache_session_key(node), session,
                   NGX_PARA_CACHE_KEY_SIZE);
    }

    ngx_memcpy(ngx_para_cache_record(node), record->data, record->len);

    ngx_para_cache_link(sh, node, key);

done:

    ngx_para_cache_unlock(cache, sh);
}


/*
 * A zone comes with its entries after a reload; another module file, after an
 * upgrade, has another tag and gets a zone of its own.
 */

static ngx_int_t
ngx_para_cache_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_para_cache_t *old = data;

    ngx_para_cache_t  *cache;

    cache = zone->data;

    if (old) {
        *cache = *old;
        return NGX_OK;
    }

    cache->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        return NGX_OK;
    }

    cache->shpool->data = ngx_para_cache_create(cache->shpool);

    return cache->shpool->data ? NGX_OK : NGX_ERROR;
}


static ngx_para_cache_sh_t *
ngx_para_cache_create(ngx_slab_pool_t *shpool)
{
    size_t                size;
    ngx_uint_t            n;
    ngx_para_cache_sh_t  *sh;

    /* about one bucket for each entry that fits */

    size = shpool->end - (u_char *) shpool;

    for (n = 64; n < size / 1024; n <<= 1) { /* void */ }

    sh = ngx_slab_calloc_locked(shpool, sizeof(ngx_para_cache_sh_t)
                                        + n * sizeof(ngx_para_cache_node_t *));
    if (sh == NULL) {
        return NULL;
    }

    sh->mask = n - 1;
    sh->ended_max = n / 8;
    ngx_queue_init(&sh->good);
    ngx_queue_init(&sh->bad);

    /* a full zone is the normal state of a cache, not worth a log line */

    shpool->log_nomem = 0;

    return sh;
}


/*
 * Who finds the cache busy behind the lock has inherited it from a worker that
 * died inside: nothing in it can be believed, and it begins anew.  NULL, with
 * the lock held all the same, if it could not.
 */

static ngx_para_cache_sh_t *
ngx_para_cache_lock(ngx_para_cache_t *cache)
{
    ngx_slab_pool_t      *shpool;
    ngx_para_cache_sh_t  *sh;

    shpool = cache->shpool;

    ngx_shmtx_lock(&shpool->mutex);

    sh = shpool->data;

    if (sh == NULL || sh->busy) {

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "para_auth: a worker died in the shared cache, "
                      "which begins anew");

        shpool->data = NULL;
        ngx_memory_barrier();

        ngx_slab_init(shpool);
        sh = ngx_para_cache_create(shpool);

        if (sh == NULL) {
            return NULL;
        }
    }

    sh->busy = 1;
    ngx_memory_barrier();

    shpool->data = sh;

    return sh;
}


static void
ngx_para_cache_unlock(ngx_para_cache_t *cache, ngx_para_cache_sh_t *sh)
{
    if (sh) {
        ngx_memory_barrier();
        sh->busy = 0;
    }

    ngx_shmtx_unlock(&cache->shpool->mutex);
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
 * Two workers may ask at about the same time, and the slower answer is the
 * older one: it must not bring back a session that has ended since.
 */

static ngx_uint_t
ngx_para_cache_is_late(ngx_para_cache_node_t *node, ngx_uint_t active,
    ngx_msec_t asked)
{
    ngx_msec_int_t  newer;

    newer = (ngx_msec_int_t) (node->asked - asked);

    return newer > 0
           || (newer == 0 && active && node->kind == NGX_PARA_CACHE_ENDED);
}


static ngx_uint_t
ngx_para_cache_says(ngx_para_cache_node_t *node, const ngx_str_t *record)
{
    return node->len == record->len
           && ngx_memcmp(ngx_para_cache_record(node), record->data,
                         record->len)
              == 0;
}


/* A node of this kind with room for a record, not linked yet. */

static ngx_para_cache_node_t *
ngx_para_cache_alloc(ngx_para_cache_t *cache, ngx_para_cache_sh_t *sh,
    ngx_para_cache_kind_e kind, size_t len)
{
    size_t                  size;
    ngx_uint_t              tries;
    ngx_para_cache_node_t  *node;

    if (len > 65535) {
        return NULL;
    }

    size = sizeof(ngx_para_cache_node_t) + len;

    if (kind == NGX_PARA_CACHE_BOUND) {
        size += NGX_PARA_CACHE_KEY_SIZE;
    }

    if (kind == NGX_PARA_CACHE_ENDED && sh->ended >= sh->ended_max) {
        (void) ngx_para_cache_evict(cache, sh, kind);
    }

    node = ngx_slab_calloc_locked(cache->shpool, size);

    for (tries = 0; node == NULL && tries < NGX_PARA_CACHE_EVICT_MAX; tries++)
    {
        if (!ngx_para_cache_evict(cache, sh, kind)) {
            return NULL;
        }

        node = ngx_slab_calloc_locked(cache->shpool, size);
    }

    if (node) {
        node->kind = (uint16_t) kind;
        node->len = (uint16_t) len;
    }

    return node;
}


/* Makes room for an entry of this kind; 0 if there is nothing to take. */

static ngx_uint_t
ngx_para_cache_evict(ngx_para_cache_t *cache, ngx_para_cache_sh_t *sh,
    ngx_para_cache_kind_e kind)
{
    ngx_queue_t  *queue, *q;

    queue = ngx_queue_empty(&sh->bad) ? &sh->good : &sh->bad;

    /* a refusal never pushes out a good entry */

    if (ngx_queue_empty(queue)
        || (kind == NGX_PARA_CACHE_ENDED && queue == &sh->good))
    {
        return 0;
    }

    q = ngx_queue_last(queue);

    ngx_para_cache_delete(cache, sh,
                          ngx_queue_data(q, ngx_para_cache_node_t, queue));

    return 1;
}


static void
ngx_para_cache_link(ngx_para_cache_sh_t *sh, ngx_para_cache_node_t *node,
    const u_char *key)
{
    ngx_para_cache_node_t  **bucket;

    ngx_memcpy(node->key, key, NGX_PARA_CACHE_KEY_SIZE);

    bucket = ngx_para_cache_bucket(sh, key);
    node->next = *bucket;
    *bucket = node;

    if (node->kind == NGX_PARA_CACHE_ENDED) {
        sh->ended++;
        ngx_queue_insert_head(&sh->bad, &node->queue);

    } else {
        ngx_queue_insert_head(&sh->good, &node->queue);
    }
}


static void
ngx_para_cache_delete(ngx_para_cache_t *cache, ngx_para_cache_sh_t *sh,
    ngx_para_cache_node_t *node)
{
    ngx_para_cache_node_t  **np;

    np = ngx_para_cache_bucket(sh, node->key);

    while (*np != node) {
        np = &(*np)->next;
    }

    *np = node->next;

    ngx_queue_remove(&node->queue);

    if (node->kind == NGX_PARA_CACHE_ENDED) {
        sh->ended--;
    }

    ngx_slab_free_locked(cache->shpool, node);
}


static void
ngx_para_cache_touch(ngx_para_cache_sh_t *sh, ngx_para_cache_node_t *node)
{
    ngx_queue_remove(&node->queue);
    ngx_queue_insert_head(&sh->good, &node->queue);
}
