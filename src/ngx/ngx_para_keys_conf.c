/*
 * A source as it is configured, and what the master prepares for its workers:
 * what to trust, the zone, and the set of an earlier life.
 */

#include "ngx_para_keys.h"
#include "ngx_para_keys_file.h"
#include "ngx_para_trust.h"


static ngx_para_keys_t *ngx_para_keys_find(ngx_array_t *sources,
    const ngx_para_keys_conf_t *conf);
static ngx_para_keys_t *ngx_para_keys_create(ngx_conf_t *cf,
    ngx_array_t *sources, const ngx_para_keys_conf_t *conf, void *tag);
static ngx_int_t ngx_para_keys_check(ngx_conf_t *cf, ngx_para_keys_t *keys,
    ngx_uint_t *tls);
static ngx_int_t ngx_para_keys_name(ngx_conf_t *cf, ngx_para_keys_t *keys);
static ngx_int_t ngx_para_keys_add_zone(ngx_conf_t *cf, ngx_para_keys_t *keys,
    void *tag);
static ngx_int_t ngx_para_keys_init_zone(ngx_shm_zone_t *zone, void *data);
static void ngx_para_keys_load(ngx_para_keys_t *keys, ngx_log_t *log);
static void ngx_para_keys_cleanup(void *data);


static ngx_inline ngx_uint_t
ngx_para_keys_equal(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_para_keys_t *
ngx_para_keys_add(ngx_conf_t *cf, ngx_array_t *sources,
    const ngx_para_keys_conf_t *conf, para_issuer_t *issuer, void *tag)
{
    para_issuer_t    **slot;
    ngx_para_keys_t   *keys;

    keys = ngx_para_keys_find(sources, conf);

    if (keys == NULL) {
        keys = ngx_para_keys_create(cf, sources, conf, tag);
        if (keys == NULL) {
            return NULL;
        }
    }

    if (keys->conf.refresh != conf->refresh
        || keys->conf.cooldown != conf->cooldown
        || keys->conf.max_stale != conf->max_stale
        || !ngx_para_keys_equal(&keys->conf.state_path, &conf->state_path))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key set \"%V\" is fetched once for all who use it: "
                           "give them the same \"jwks_refresh\", "
                           "\"jwks_cooldown\", \"jwks_max_stale\" and "
                           "\"state_path\"", &conf->url);
        return NULL;
    }

    slot = ngx_array_push(&keys->issuers);
    if (slot == NULL) {
        return NULL;
    }

    *slot = issuer;

    return keys;
}


static ngx_para_keys_t *
ngx_para_keys_find(ngx_array_t *sources, const ngx_para_keys_conf_t *conf)
{
    ngx_uint_t         i;
    ngx_para_keys_t  **keys;

    keys = sources->elts;

    for (i = 0; i < sources->nelts; i++) {
        if (ngx_para_keys_equal(&keys[i]->conf.url, &conf->url)
            && ngx_para_keys_equal(&keys[i]->conf.trusted_certificate,
                                   &conf->trusted_certificate))
        {
            return keys[i];
        }
    }

    return NULL;
}


static ngx_para_keys_t *
ngx_para_keys_create(ngx_conf_t *cf, ngx_array_t *sources,
    const ngx_para_keys_conf_t *conf, void *tag)
{
    ngx_uint_t            tls;
    ngx_para_keys_t      *keys, **slot;
    ngx_pool_cleanup_t   *cln;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_para_keys_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (keys == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_para_keys_cleanup;
    cln->data = keys;

    keys->ident[3] = (void *) -1;
    keys->conf = *conf;

    keys->policy.refresh = conf->refresh;
    keys->policy.cooldown = conf->cooldown;
    keys->policy.max_stale = conf->max_stale;

    keys->target.url = conf->url;
    keys->target.max = PARA_JWKS_MAX_SIZE;
    keys->target.timeout = NGX_PARA_KEYS_FETCH_TIME;

    if (ngx_array_init(&keys->issuers, cf->pool, 2, sizeof(para_issuer_t *))
        != NGX_OK
        || ngx_para_keys_check(cf, keys, &tls) != NGX_OK)
    {
        return NULL;
    }

    if (tls) {
        keys->target.trust = ngx_para_trust_get(cf,
                                                &conf->trusted_certificate);
        if (keys->target.trust == NULL) {
            return NULL;
        }
    }

    if (ngx_para_keys_name(cf, keys) != NGX_OK
        || ngx_para_keys_add_zone(cf, keys, tag) != NGX_OK)
    {
        return NULL;
    }

    slot = ngx_array_push(sources);
    if (slot == NULL) {
        return NULL;
    }

    *slot = keys;

    return keys;
}


static ngx_int_t
ngx_para_keys_check(ngx_conf_t *cf, ngx_para_keys_t *keys, ngx_uint_t *tls)
{
    const char  *why;

    why = ngx_para_fetch_check_url(&keys->conf.url, tls);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the URL of a key set %s: \"%V\"", why,
                           &keys->conf.url);
        return NGX_ERROR;
    }

    why = ngx_para_fetch_check_library();

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", why);
        return NGX_ERROR;
    }

    if (keys->conf.cooldown == 0 || keys->conf.cooldown > keys->conf.refresh) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jwks_cooldown\" must be more than 0 and at most "
                           "\"jwks_refresh\", as in 30s and 10m");
        return NGX_ERROR;
    }

    if ((ngx_msec_t) keys->conf.max_stale < keys->conf.refresh / 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jwks_max_stale\" is shorter than "
                           "\"jwks_refresh\": keys would be lost before they "
                           "are fetched again");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * What the zone and the file are called: neither outlives a change of whom the
 * set comes from.
 */

static ngx_int_t
ngx_para_keys_name(ngx_conf_t *cf, ngx_para_keys_t *keys)
{
    int             ok;
    u_char         *p;
    ngx_str_t      *path;
    para_span_t     part[2];
    para_digest_t  *digest;

    digest = para_digest_create();

    part[0] = para_span(keys->conf.url.data, keys->conf.url.len);
    part[1] = para_span(keys->conf.trusted_certificate.data,
                        keys->conf.trusted_certificate.len);

    ok = digest && para_digest_key(digest, keys->name, part, 2);

    para_digest_free(digest);

    if (!ok) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "SHA-256 failed");
        return NGX_ERROR;
    }

    path = &keys->conf.state_path;

    if (path->len == 0) {
        return NGX_OK;
    }

    keys->file.len = path->len + sizeof("/") - 1 + 2 * PARA_DIGEST_SIZE
                     + sizeof(".jwks") - 1;

    p = ngx_pnalloc(cf->pool, keys->file.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    keys->file.data = p;

    p = ngx_sprintf(p, "%V/", path);
    p = ngx_hex_dump(p, keys->name, PARA_DIGEST_SIZE);
    ngx_sprintf(p, ".jwks%Z");

    return NGX_OK;
}


static ngx_int_t
ngx_para_keys_add_zone(ngx_conf_t *cf, ngx_para_keys_t *keys, void *tag)
{
    u_char     *p;
    ngx_str_t   name;

    name.len = sizeof("para_auth_keys_") - 1 + 2 * PARA_DIGEST_SIZE;

    p = ngx_pnalloc(cf->pool, name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name.data = p;

    p = ngx_cpymem(p, "para_auth_keys_", sizeof("para_auth_keys_") - 1);
    ngx_hex_dump(p, keys->name, PARA_DIGEST_SIZE);

    keys->zone = ngx_shared_memory_add(cf, &name, ngx_para_keys_zone_size(),
                                       tag);
    if (keys->zone == NULL) {
        return NGX_ERROR;
    }

    keys->zone->init = ngx_para_keys_init_zone;
    keys->zone->data = keys;

    return NGX_OK;
}


static ngx_int_t
ngx_para_keys_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_para_keys_t *keys = zone->data;

    if (ngx_para_keys_zone_open(zone, keys->conf.refresh, keys->conf.cooldown)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (keys->file.len && ngx_para_keys_zone_generation(zone) == 0) {
        ngx_para_keys_load(keys, zone->shm.log);
    }

    return NGX_OK;
}


/* An earlier life's set, which counts as long as it would have in that. */

static void
ngx_para_keys_load(ngx_para_keys_t *keys, ngx_log_t *log)
{
    u_char        buf[PARA_JWKS_MAX_SIZE];
    time_t        fetched;
    ngx_str_t     text;
    const char   *why;
    para_jwks_t  *set;

    text.data = buf;

    if (ngx_para_keys_file_read(&keys->file, &keys->conf.url, &text, &fetched,
                                log)
        != NGX_OK)
    {
        return;
    }

    if (para_refresh_is_stale(&keys->policy, fetched, ngx_time())) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "para_auth: the keys in \"%V\" are older than "
                      "jwks_max_stale and not used", &keys->file);
        return;
    }

    set = para_jwks_parse(para_span(text.data, text.len), PARA_JWKS_REMOTE,
                          &why);

    if (set == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: the keys in \"%V\" are not used: %s",
                      &keys->file, why);
        return;
    }

    para_jwks_free(set);

    ngx_para_keys_zone_preset(keys->zone, &text, fetched);
}


static void
ngx_para_keys_cleanup(void *data)
{
    ngx_para_keys_t *keys = data;

    para_jwks_free(keys->set);
}
