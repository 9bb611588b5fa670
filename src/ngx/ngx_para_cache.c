#include "ngx_para_cache.h"
#include "ngx_para_store.h"


/* Of what all ngx_para_cache*.c keep: part of the zone's name. */

#define NGX_PARA_CACHE_LAYOUT  "5"

#define NGX_PARA_CACHE_SKEW    10000  /* ms, between the clocks of workers */


_Static_assert(NGX_PARA_CACHE_KEY_SIZE == NGX_PARA_STORE_KEY_SIZE,
               "a digest is a key of the store");


typedef enum {
    NGX_PARA_CACHE_ENDED = 0,         /* a session that Para refused */
    NGX_PARA_CACHE_ACTIVE,            /* a session that Para confirmed */
    NGX_PARA_CACHE_IDENTITY,          /* of a JWT alone */
    NGX_PARA_CACHE_BOUND              /* of a JWT and a session */
} ngx_para_cache_kind_e;


/*
 * The node's kind says what it is, its len is the record's, its stamp that of
 * the session's last renewal, in ms, cut off, 0 for none.
 */

typedef struct {
    ngx_para_store_node_t    node;
    union {
        ngx_msec_t           asked;   /* session: when Para was asked */
        time_t               end;     /* identity: first second it is over */
    } u;
    uint64_t                 serial;  /* of what Para said: the session's own,
                                         or that which an identity is bound
                                         to */
    uint32_t                 extended;  /* session: when it was last, like the
                                           node's stamp */
    uint32_t                 doubted;   /* session: Para has said neither that
                                           it is active nor that it has ended
                                           since then */

    /* NGX_PARA_CACHE_BOUND: the session's key; then the record */
} ngx_para_cache_entry_t;


static ngx_int_t ngx_para_cache_session(ngx_shm_zone_t *zone,
    const u_char *key, const para_renewal_policy_t *policy,
    para_renewal_e least, ngx_pool_t *pool, ngx_para_cache_session_t *session);
static para_renewal_e ngx_para_cache_decide(ngx_para_cache_entry_t *entry,
    const para_renewal_policy_t *policy);
static ngx_int_t ngx_para_cache_copy(ngx_para_cache_entry_t *entry,
    ngx_pool_t *pool, ngx_str_t *record);
static ngx_uint_t ngx_para_cache_is_late(ngx_para_cache_entry_t *entry,
    ngx_uint_t active, ngx_msec_t asked);
static ngx_uint_t ngx_para_cache_says(ngx_para_cache_entry_t *entry,
    const ngx_str_t *record);
static ngx_para_cache_entry_t *ngx_para_cache_alloc(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_cache_kind_e kind, size_t len,
    ngx_para_store_pool_e pool);


/* The store's node is the entry's head. */

static ngx_inline ngx_para_cache_entry_t *
ngx_para_cache_find(ngx_para_store_sh_t *sh, const u_char *key)
{
    return (ngx_para_cache_entry_t *) ngx_para_store_find(sh, key);
}


static ngx_inline u_char *
ngx_para_cache_session_key(ngx_para_cache_entry_t *entry)
{
    return (u_char *) entry + sizeof(ngx_para_cache_entry_t);
}


static ngx_inline u_char *
ngx_para_cache_record(ngx_para_cache_entry_t *entry)
{
    u_char  *p;

    p = (u_char *) entry + sizeof(ngx_para_cache_entry_t);

    return entry->node.kind == NGX_PARA_CACHE_BOUND
           ? p + NGX_PARA_CACHE_KEY_SIZE : p;
}


char *
ngx_para_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char           *p;
    ssize_t           size;
    ngx_str_t        *value, name, s;
    ngx_shm_zone_t  **zone;

    zone = (ngx_shm_zone_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (*zone) {
        return "is duplicate, one zone serves all providers";
    }

    p = (u_char *) ngx_strchr(value[1].data, ':');

    if (p == NULL || p == value[1].data) {
        return "takes a name and a size, as in \"para:16m\"";
    }

    /*
     * Another layout is another zone: a reload could bring it in while workers
     * of the old one still use theirs.
     */

    name.len = p - value[1].data + sizeof("." NGX_PARA_CACHE_LAYOUT) - 1;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(ngx_cpymem(name.data, value[1].data, p - value[1].data),
               "." NGX_PARA_CACHE_LAYOUT,
               sizeof("." NGX_PARA_CACHE_LAYOUT) - 1);

    s.data = p + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < (ssize_t) (32 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no size for a zone, give at least %uzk",
                           &s, 32 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    *zone = ngx_shared_memory_add(cf, &name, size, cmd->post);
    if (*zone == NULL) {
        return NGX_CONF_ERROR;
    }

    (*zone)->init = ngx_para_store_init_zone;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_cache_session_lookup(ngx_shm_zone_t *zone, const u_char *key,
    const para_renewal_policy_t *policy, ngx_pool_t *pool,
    ngx_para_cache_session_t *session)
{
    return ngx_para_cache_session(zone, key, policy, PARA_RENEWAL_RENEW, pool,
                                  session);
}


ngx_int_t
ngx_para_cache_session_bridge(ngx_shm_zone_t *zone, const u_char *key,
    const para_renewal_policy_t *policy, ngx_pool_t *pool,
    ngx_para_cache_session_t *session)
{
    ngx_int_t              rc;
    para_renewal_policy_t  bridge;

    /* a renewal would fail as well */

    bridge = *policy;
    bridge.refresh = 0;

    rc = ngx_para_cache_session(zone, key, &bridge, PARA_RENEWAL_STALE, pool,
                                session);

    return rc == NGX_OK && !session->active ? NGX_DECLINED : rc;
}


ngx_int_t
ngx_para_cache_session_read(ngx_shm_zone_t *zone, const u_char *key,
    ngx_pool_t *pool, ngx_para_cache_session_t *session)
{
    return ngx_para_cache_session(zone, key, NULL, PARA_RENEWAL_GONE, pool,
                                  session);
}


/* Whatever is at least so good. */

static ngx_int_t
ngx_para_cache_session(ngx_shm_zone_t *zone, const u_char *key,
    const para_renewal_policy_t *policy, para_renewal_e least,
    ngx_pool_t *pool, ngx_para_cache_session_t *session)
{
    ngx_int_t                rc;
    para_renewal_e           state;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry;

    rc = NGX_DECLINED;
    ngx_memzero(session, sizeof(ngx_para_cache_session_t));

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (entry == NULL) {
        goto done;
    }

    state = policy ? ngx_para_cache_decide(entry, policy) : PARA_RENEWAL_FRESH;

    if (state < least
        || (state == PARA_RENEWAL_STALE && entry->doubted))
    {
        session->known = (entry->node.kind == NGX_PARA_CACHE_ACTIVE
                          && !entry->doubted);

    } else if (entry->node.kind == NGX_PARA_CACHE_ACTIVE) {
        session->active = 1;
        session->renew = (state == PARA_RENEWAL_RENEW);
        rc = ngx_para_cache_copy(entry, pool, &session->record);
        ngx_para_store_touch(sh, &entry->node);

    } else {
        rc = NGX_OK;
    }

done:

    ngx_para_store_unlock(zone, sh);

    return rc;
}


/*
 * Signed differences, because each worker reads the clock once per turn of its
 * event loop: what another worker stored can lie a little in the future.
 */

static para_renewal_e
ngx_para_cache_decide(ngx_para_cache_entry_t *entry,
    const para_renewal_policy_t *policy)
{
    int32_t                 since;
    uint16_t                spread;
    para_renewal_e          state;
    ngx_msec_int_t          age;
    para_renewal_verdict_t  verdict;

    age = (ngx_msec_int_t) (ngx_current_msec - entry->u.asked);
    since = (int32_t) ((uint32_t) ngx_current_msec - entry->node.stamp);

    verdict.active = (entry->node.kind == NGX_PARA_CACHE_ACTIVE);
    verdict.age = age > 0 ? age : 0;

    /* a stamp from the future is one of weeks ago, cut off */

    verdict.tried = entry->node.stamp && since > -NGX_PARA_CACHE_SKEW
                    ? (uint64_t) ngx_max(since, 0) : UINT64_MAX;

    /* bytes that choose no bucket */

    ngx_memcpy(&spread, &entry->node.key[8], sizeof(uint16_t));

    state = para_renewal_decide(policy, &verdict,
                                spread % (PARA_RENEWAL_JITTER + 1));

    if (state == PARA_RENEWAL_RENEW) {
        entry->node.stamp = (uint32_t) ngx_current_msec | 1;
    }

    return state;
}


void
ngx_para_cache_session_store(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_para_cache_session_t *session, ngx_msec_t asked)
{
    uint32_t                 stamp, extended;
    uint64_t                 serial;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_kind_e    kind;
    ngx_para_cache_entry_t  *entry;

    kind = session->active ? NGX_PARA_CACHE_ACTIVE : NGX_PARA_CACHE_ENDED;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    entry = ngx_para_cache_find(sh, key);

    if (entry && ngx_para_cache_is_late(entry, session->active, asked)) {
        goto done;
    }

    /* the same word again: identities that are bound to it stay so */

    serial = entry && kind == NGX_PARA_CACHE_ACTIVE
             && entry->node.kind == NGX_PARA_CACHE_ACTIVE
             && ngx_para_cache_says(entry, &session->record)
             ? entry->serial : ngx_para_store_serial(sh);

    stamp = entry ? entry->node.stamp : 0;
    extended = entry ? entry->extended : 0;

    /* the old word is gone in any case, also if there is no room for this */

    if (entry) {
        ngx_para_store_delete(zone, sh, &entry->node);
    }

    /* junk sessions must not push out good entries */

    entry = ngx_para_cache_alloc(zone, sh, kind, session->record.len,
                                 session->active ? NGX_PARA_STORE_GOOD
                                                 : NGX_PARA_STORE_POOR);

    if (entry) {
        entry->node.stamp = stamp;
        entry->extended = extended;
        entry->u.asked = asked;
        entry->serial = serial;

        if (session->record.len) {
            ngx_memcpy(ngx_para_cache_record(entry), session->record.data,
                       session->record.len);
        }

        ngx_para_store_link(sh, &entry->node, key);
    }

done:

    ngx_para_store_unlock(zone, sh);
}


void
ngx_para_cache_session_doubt(ngx_shm_zone_t *zone, const u_char *key,
    ngx_msec_t asked)
{
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    /* unless Para has confirmed it since */

    if (entry && (ngx_msec_int_t) (asked - entry->u.asked) >= 0) {
        entry->doubted = 1;
    }

    ngx_para_store_unlock(zone, sh);
}


ngx_uint_t
ngx_para_cache_extend(ngx_shm_zone_t *zone, const u_char *key,
    ngx_msec_t interval)
{
    uint32_t                 now, since;
    ngx_uint_t               rc;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry;

    rc = 0;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (entry && entry->node.kind == NGX_PARA_CACHE_ACTIVE) {

        /* another worker's clock may be a little ahead */

        now = (uint32_t) ngx_current_msec;
        since = now - entry->extended + NGX_PARA_CACHE_SKEW;

        if (entry->extended == 0 || since >= interval + NGX_PARA_CACHE_SKEW) {
            entry->extended = now | 1;
            rc = 1;
        }
    }

    ngx_para_store_unlock(zone, sh);

    return rc;
}


ngx_int_t
ngx_para_cache_identity_lookup(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, const para_renewal_policy_t *policy, ngx_pool_t *pool,
    ngx_str_t *record, u_char *session, ngx_uint_t *renew)
{
    ngx_int_t                rc;
    para_renewal_e           state;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry, *bound;

    rc = NGX_DECLINED;
    *renew = 0;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (entry == NULL || entry->node.kind < NGX_PARA_CACHE_IDENTITY
        || entry->u.end <= now)
    {
        goto done;
    }

    if (entry->node.kind == NGX_PARA_CACHE_BOUND) {

        bound = ngx_para_cache_find(sh, ngx_para_cache_session_key(entry));

        /* the serial: Para may say something else of the same session now */

        if (bound == NULL || bound->node.kind != NGX_PARA_CACHE_ACTIVE
            || bound->serial != entry->serial)
        {
            goto done;
        }

        state = ngx_para_cache_decide(bound, policy);

        if (state < PARA_RENEWAL_RENEW) {
            goto done;
        }

        if (state == PARA_RENEWAL_RENEW) {
            ngx_memcpy(session, ngx_para_cache_session_key(entry),
                       NGX_PARA_CACHE_KEY_SIZE);
            *renew = 1;
        }

        ngx_para_store_touch(sh, &bound->node);
    }

    rc = ngx_para_cache_copy(entry, pool, record);
    ngx_para_store_touch(sh, &entry->node);

done:

    ngx_para_store_unlock(zone, sh);

    return rc;
}


void
ngx_para_cache_identity_store(ngx_shm_zone_t *zone, const u_char *key,
    time_t end, const ngx_str_t *record, const u_char *session,
    const ngx_str_t *session_record, ngx_uint_t spelt)
{
    uint64_t                 serial;
    ngx_para_store_sh_t     *sh;
    ngx_para_store_pool_e    pool;
    ngx_para_cache_entry_t  *entry;

    serial = 0;
    pool = spelt ? NGX_PARA_STORE_SPELT : NGX_PARA_STORE_GOOD;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    if (session) {
        entry = ngx_para_cache_find(sh, session);

        if (entry == NULL || entry->node.kind != NGX_PARA_CACHE_ACTIVE
            || !ngx_para_cache_says(entry, session_record))
        {
            goto done;
        }

        serial = entry->serial;
    }

    entry = ngx_para_cache_find(sh, key);

    if (entry) {
        ngx_para_store_delete(zone, sh, &entry->node);
    }

    entry = ngx_para_cache_alloc(zone, sh, session ? NGX_PARA_CACHE_BOUND
                                                   : NGX_PARA_CACHE_IDENTITY,
                                record->len, pool);
    if (entry == NULL) {
        goto done;
    }

    entry->u.end = end;
    entry->serial = serial;

    if (session) {
        ngx_memcpy(ngx_para_cache_session_key(entry), session,
                   NGX_PARA_CACHE_KEY_SIZE);
    }

    ngx_memcpy(ngx_para_cache_record(entry), record->data, record->len);

    ngx_para_store_link(sh, &entry->node, key);

done:

    ngx_para_store_unlock(zone, sh);
}


static ngx_int_t
ngx_para_cache_copy(ngx_para_cache_entry_t *entry, ngx_pool_t *pool,
    ngx_str_t *record)
{
    record->data = ngx_pnalloc(pool, entry->node.len);
    if (record->data == NULL) {
        return NGX_ERROR;
    }

    record->len = entry->node.len;
    ngx_memcpy(record->data, ngx_para_cache_record(entry), entry->node.len);

    return NGX_OK;
}


/*
 * Two workers may ask at about the same time, and the slower answer is the
 * older one: it must not bring back a session that has ended since.
 */

static ngx_uint_t
ngx_para_cache_is_late(ngx_para_cache_entry_t *entry, ngx_uint_t active,
    ngx_msec_t asked)
{
    ngx_msec_int_t  newer;

    newer = (ngx_msec_int_t) (entry->u.asked - asked);

    return newer > 0
           || (newer == 0 && active
               && entry->node.kind == NGX_PARA_CACHE_ENDED);
}


static ngx_uint_t
ngx_para_cache_says(ngx_para_cache_entry_t *entry, const ngx_str_t *record)
{
    return entry->node.len == record->len
           && ngx_memcmp(ngx_para_cache_record(entry), record->data,
                         record->len)
              == 0;
}


/* An entry of this kind with room for a record, not linked yet. */

static ngx_para_cache_entry_t *
ngx_para_cache_alloc(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_cache_kind_e kind, size_t len, ngx_para_store_pool_e pool)
{
    size_t                   size;
    ngx_para_cache_entry_t  *entry;

    if (len > 65535) {
        return NULL;
    }

    size = sizeof(ngx_para_cache_entry_t) + len;

    if (kind == NGX_PARA_CACHE_BOUND) {
        size += NGX_PARA_CACHE_KEY_SIZE;
    }

    entry = (ngx_para_cache_entry_t *)
                ngx_para_store_alloc(zone, sh, size, pool);
    if (entry == NULL) {
        return NULL;
    }

    entry->node.kind = (uint8_t) kind;
    entry->node.len = (uint16_t) len;

    return entry;
}
