#include "ngx_para_cache.h"
#include "ngx_para_store.h"


typedef enum {
    NGX_PARA_CACHE_ENDED = 0,         /* a session that Para refused */
    NGX_PARA_CACHE_ACTIVE,            /* a session that Para confirmed */
    NGX_PARA_CACHE_IDENTITY,          /* of a JWT alone */
    NGX_PARA_CACHE_BOUND              /* of a JWT and a session */
} ngx_para_cache_kind_e;


typedef struct {
    ngx_para_store_node_t    node;
    ngx_msec_t               asked;   /* session: when Para was asked */
    time_t                   end;     /* identity: first second it is over */
    uint64_t                 serial;  /* of what Para said: the session's own,
                                         or that which an identity is bound to */
    uint16_t                 len;     /* of the record */
    uint16_t                 kind;

    /* NGX_PARA_CACHE_BOUND: the session's key; then the record */
} ngx_para_cache_entry_t;


static ngx_int_t ngx_para_cache_copy(ngx_para_cache_entry_t *entry,
    ngx_pool_t *pool, ngx_str_t *record);
static ngx_uint_t ngx_para_cache_is_late(ngx_para_cache_entry_t *entry,
    ngx_uint_t active, ngx_msec_t asked);
static ngx_uint_t ngx_para_cache_says(ngx_para_cache_entry_t *entry,
    const ngx_str_t *record);
static ngx_para_cache_entry_t *ngx_para_cache_alloc(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_cache_kind_e kind, size_t len);


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

    return entry->kind == NGX_PARA_CACHE_BOUND ? p + NGX_PARA_CACHE_KEY_SIZE
                                               : p;
}


/*
 * Signed, because each worker reads the clock once per turn of its event loop:
 * what another worker stored can lie a little in the future.
 */

static ngx_inline ngx_uint_t
ngx_para_cache_fresh(ngx_para_cache_entry_t *entry, ngx_msec_t valid)
{
    return (ngx_msec_int_t) (ngx_current_msec - entry->asked)
           < (ngx_msec_int_t) valid;
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

    *zone = ngx_shared_memory_add(cf, &name, size, cmd->post);
    if (*zone == NULL) {
        return NGX_CONF_ERROR;
    }

    (*zone)->init = ngx_para_store_init_zone;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_cache_session_lookup(ngx_shm_zone_t *zone, const u_char *key,
    ngx_msec_t valid, ngx_msec_t negative, ngx_pool_t *pool,
    ngx_para_cache_session_t *session)
{
    ngx_int_t                rc;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry;

    rc = NGX_DECLINED;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (entry == NULL) {
        goto done;
    }

    if (entry->kind == NGX_PARA_CACHE_ACTIVE
        && ngx_para_cache_fresh(entry, valid))
    {
        session->active = 1;
        rc = ngx_para_cache_copy(entry, pool, &session->record);
        ngx_para_store_touch(sh, &entry->node);

    } else if (entry->kind == NGX_PARA_CACHE_ENDED
               && ngx_para_cache_fresh(entry, negative))
    {
        session->active = 0;
        ngx_str_null(&session->record);
        rc = NGX_OK;
    }

done:

    ngx_para_store_unlock(zone, sh);

    return rc;
}


void
ngx_para_cache_session_store(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_para_cache_session_t *session, ngx_msec_t asked)
{
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
             && entry->kind == NGX_PARA_CACHE_ACTIVE
             && ngx_para_cache_says(entry, &session->record)
             ? entry->serial : ngx_para_store_serial(sh);

    /* the old word is gone in any case, also if there is no room for this */

    if (entry) {
        ngx_para_store_delete(zone, sh, &entry->node);
    }

    entry = ngx_para_cache_alloc(zone, sh, kind, session->record.len);

    if (entry) {
        entry->asked = asked;
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


ngx_int_t
ngx_para_cache_identity_lookup(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, ngx_msec_t valid, ngx_pool_t *pool, ngx_str_t *record)
{
    ngx_int_t                rc;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry, *session;

    rc = NGX_DECLINED;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_find(sh, key) : NULL;

    if (entry == NULL || entry->kind < NGX_PARA_CACHE_IDENTITY
        || entry->end <= now)
    {
        goto done;
    }

    if (entry->kind == NGX_PARA_CACHE_BOUND) {

        session = ngx_para_cache_find(sh, ngx_para_cache_session_key(entry));

        /* the serial: Para may say something else of the same session now */

        if (session == NULL || session->kind != NGX_PARA_CACHE_ACTIVE
            || session->serial != entry->serial
            || !ngx_para_cache_fresh(session, valid))
        {
            goto done;
        }

        ngx_para_store_touch(sh, &session->node);
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
    const ngx_str_t *session_record)
{
    uint64_t                 serial;
    ngx_para_store_sh_t     *sh;
    ngx_para_cache_entry_t  *entry;

    serial = 0;

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    if (session) {
        entry = ngx_para_cache_find(sh, session);

        if (entry == NULL || entry->kind != NGX_PARA_CACHE_ACTIVE
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
                                record->len);
    if (entry == NULL) {
        goto done;
    }

    entry->end = end;
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
    record->data = ngx_pnalloc(pool, entry->len);
    if (record->data == NULL) {
        return NGX_ERROR;
    }

    record->len = entry->len;
    ngx_memcpy(record->data, ngx_para_cache_record(entry), entry->len);

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

    newer = (ngx_msec_int_t) (entry->asked - asked);

    return newer > 0
           || (newer == 0 && active && entry->kind == NGX_PARA_CACHE_ENDED);
}


static ngx_uint_t
ngx_para_cache_says(ngx_para_cache_entry_t *entry, const ngx_str_t *record)
{
    return entry->len == record->len
           && ngx_memcmp(ngx_para_cache_record(entry), record->data,
                         record->len)
              == 0;
}


/* An entry of this kind with room for a record, not linked yet. */

static ngx_para_cache_entry_t *
ngx_para_cache_alloc(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_cache_kind_e kind, size_t len)
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

    /* junk sessions must not push out good entries */

    entry = (ngx_para_cache_entry_t *)
                ngx_para_store_alloc(zone, sh, size,
                                     kind == NGX_PARA_CACHE_ENDED);
    if (entry == NULL) {
        return NULL;
    }

    entry->kind = (uint16_t) kind;
    entry->len = (uint16_t) len;

    return entry;
}
