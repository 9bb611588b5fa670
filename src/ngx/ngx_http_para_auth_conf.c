/*
 * The configuration of servers and locations: what is written where, what it
 * inherits, and what cannot work.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_private_key.h"


static void ngx_http_para_auth_merge_values(
    const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf);
static char *ngx_http_para_auth_protect(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);
static void ngx_http_para_auth_free_digest(void *data);
static char *ngx_http_para_auth_resolve(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);
static char *ngx_http_para_auth_layer(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_str_t *value);
static char *ngx_http_para_auth_time(ngx_conf_t *cf, uint64_t *msec,
    ngx_str_t *value, size_t prefix);


void *
ngx_http_para_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_main_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (mcf == NULL || cln == NULL) {
        return NULL;
    }

    mcf->digest = para_digest_create();
    if (mcf->digest == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_para_auth_free_digest;
    cln->data = mcf->digest;

    if (ngx_para_providers_init(cf, &mcf->providers) != NGX_OK
        || ngx_array_init(&mcf->renewals, cf->pool, 2,
                          sizeof(ngx_para_renew_t *))
           != NGX_OK
        || ngx_array_init(&mcf->shown, cf->pool, 8, sizeof(ngx_uint_t))
           != NGX_OK
        || ngx_array_init(&mcf->paths, cf->pool, 4, sizeof(para_span_t))
           != NGX_OK
        || ngx_array_init(&mcf->places, cf->pool, 2,
                          sizeof(ngx_http_para_auth_place_t *))
           != NGX_OK
        || ngx_array_init(&mcf->signing_keys, cf->pool, 1,
                          sizeof(para_private_key_t *))
           != NGX_OK
        || ngx_array_init(&mcf->revokes, cf->pool, 1,
                          sizeof(ngx_http_para_auth_revoke_t *))
           != NGX_OK
        || ngx_para_inject_init_names(cf, &mcf->names) != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


void *
ngx_http_para_auth_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_para_auth_srv_conf_t  *scf;

    scf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_srv_conf_t));
    if (scf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&scf->targets, cf->pool, 1,
                       sizeof(ngx_para_call_target_t *))
        != NGX_OK
        || ngx_array_init(&scf->marked, cf->pool, 1,
                          sizeof(ngx_http_para_auth_loc_conf_t *))
           != NGX_OK
        || ngx_array_init(&scf->protected, cf->pool, 4,
                          sizeof(ngx_http_para_auth_loc_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    scf->file = cf->conf_file->file.name.data;
    scf->line = cf->conf_file->line;

    return scf;
}


void *
ngx_http_para_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    /* what is called for http{} itself, is not in it yet */

    if (cf->module_type == NGX_HTTP_MODULE) {
        lcf->outer = ngx_http_conf_get_module_loc_conf(cf,
                                                 ngx_http_para_auth_module);
    }

    lcf->provider = NGX_CONF_UNSET_PTR;
    lcf->renewal.valid = NGX_CONF_UNSET_MSEC;
    lcf->renewal.negative = NGX_CONF_UNSET_MSEC;
    lcf->renewal.stale = NGX_CONF_UNSET_MSEC;
    lcf->renewal.refresh = NGX_CONF_UNSET;
    lcf->keep_alive = NGX_CONF_UNSET_MSEC;
    lcf->match = NGX_CONF_UNSET_UINT;
    lcf->session_type = NGX_CONF_UNSET_UINT;
    lcf->signer = NGX_CONF_UNSET_UINT;
    lcf->credential.forward = NGX_CONF_UNSET;
    lcf->preflight = NGX_CONF_UNSET_UINT;
    lcf->error_format = NGX_CONF_UNSET_UINT;
    lcf->explain = NGX_CONF_UNSET;
    lcf->assertion = NGX_CONF_UNSET_PTR;

    return lcf;
}


char *
ngx_http_para_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_para_auth_loc_conf_t *prev = parent;
    ngx_http_para_auth_loc_conf_t *conf = child;

    char                            *rv;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    conf->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    if (conf->provider == NGX_CONF_UNSET_PTR && conf->name.data == NULL) {
        conf->provider = prev->provider;
        conf->layers = prev->layers;
        conf->name = prev->name;
        conf->file = prev->file;
        conf->line = prev->line;
    }

    ngx_http_para_auth_merge_values(prev, conf);
    ngx_http_para_auth_merge_policy(prev, conf);

    rv = ngx_para_credential_merge(cf, &prev->credential, &conf->credential);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_para_inject_merge(cf, &mcf->names, &prev->inject, &conf->inject);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->upstream) {
        rv = ngx_http_para_auth_mark(cf, mcf, conf);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_http_para_auth_merge_content(cf, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_para_auth_merge_revoke(cf, mcf, prev, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_para_auth_merge_jwks(cf, mcf, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_para_auth_resolve(cf, mcf, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->provider == NULL) {
        return NGX_CONF_OK;
    }

    return ngx_http_para_auth_protect(cf, conf);
}


/* What stands for itself. */

static void
ngx_http_para_auth_merge_values(const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf)
{
    ngx_conf_merge_msec_value(conf->renewal.valid, prev->renewal.valid, 30000);
    ngx_conf_merge_msec_value(conf->renewal.negative, prev->renewal.negative,
                              5000);
    ngx_conf_merge_msec_value(conf->renewal.stale, prev->renewal.stale, 0);
    ngx_conf_merge_value(conf->renewal.refresh, prev->renewal.refresh, 1);

    ngx_conf_merge_msec_value(conf->keep_alive, prev->keep_alive, 0);

    ngx_conf_merge_uint_value(conf->match, prev->match, PARA_MATCH_STRICT);
    ngx_conf_merge_uint_value(conf->session_type, prev->session_type, 0);
    ngx_conf_merge_uint_value(conf->signer, prev->signer, PARA_SIGNER_DENY);
    ngx_conf_merge_value(conf->explain, prev->explain, 0);
    ngx_conf_merge_uint_value(conf->preflight, prev->preflight, 0);

    ngx_conf_merge_str_value(conf->realm, prev->realm, "para");
    ngx_conf_merge_uint_value(conf->error_format, prev->error_format,
                              NGX_HTTP_PARA_AUTH_TEXT);
    ngx_conf_merge_ptr_value(conf->assertion, prev->assertion, NULL);
}


/* The provider may stand behind the location that names it. */

static char *
ngx_http_para_auth_resolve(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf)
{
    if (lcf->provider != NGX_CONF_UNSET_PTR) {
        return NGX_CONF_OK;
    }

    if (lcf->name.len == 0) {
        lcf->provider = NULL;
        return NGX_CONF_OK;
    }

    lcf->provider = ngx_para_provider_find(&mcf->providers, &lcf->name);

    if (lcf->provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui names the unknown provider \"%V\": "
                      "add \"para_auth_provider %V { ... }\" to http{}",
                      lcf->file, lcf->line, &lcf->name, &lcf->name);
        return NGX_CONF_ERROR;
    }

    if (mcf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui has no zone to keep what it found "
                      "out: add \"para_auth_zone para:16m;\" to http{}",
                      lcf->file, lcf->line);
        return NGX_CONF_ERROR;
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION
        && lcf->session_type != PARA_FORM_EXPORTED
        && lcf->provider->secret_key.len == 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui checks sessions, and provider "
                      "\"%V\" has no \"secret_key_file\" to ask Para with",
                      lcf->file, lcf->line, &lcf->name);
        return NGX_CONF_ERROR;
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION
        && lcf->session_type & PARA_FORM_EXPORTED
        && lcf->provider->public_key.len == 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui takes exported sessions, and "
                      "provider \"%V\" has no \"public_key\" to ask Para with",
                      lcf->file, lcf->line, &lcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* Notes a location that is to be looked at when all is known. */

static char *
ngx_http_para_auth_protect(ngx_conf_t *cf, ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_srv_conf_t   *scf;
    ngx_http_para_auth_loc_conf_t  **protected;

    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_para_auth_module);

    protected = ngx_array_push(&scf->protected);
    if (protected == NULL) {
        return NGX_CONF_ERROR;
    }

    *protected = lcf;

    lcf->server = scf;

    return NGX_CONF_OK;
}


char *
ngx_http_para_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (lcf->provider != NGX_CONF_UNSET_PTR || lcf->name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->file = cf->conf_file->file.name.data;
    lcf->line = cf->conf_file->line;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            return "takes nothing beside \"off\"";
        }

        lcf->provider = NULL;
        return NGX_CONF_OK;
    }

    /* a template that lost its value must not turn the protection off */

    if (value[1].len == 0) {
        return "takes the name of a provider, or \"off\"";
    }

    lcf->name = value[1];

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_para_auth_layer(cf, lcf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (lcf->layers == 0) {
        lcf->layers = NGX_HTTP_PARA_AUTH_JWT|NGX_HTTP_PARA_AUTH_SESSION;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_layer(ngx_conf_t *cf, ngx_http_para_auth_loc_conf_t *lcf,
    ngx_str_t *value)
{
    ngx_uint_t  layer;

    if (ngx_strcmp(value->data, "jwt") == 0) {
        layer = NGX_HTTP_PARA_AUTH_JWT;

    } else if (ngx_strcmp(value->data, "session") == 0) {
        layer = NGX_HTTP_PARA_AUTH_SESSION;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown layer \"%V\", it is \"jwt\" or "
                           "\"session\"; none stands for both", value);
        return NGX_CONF_ERROR;
    }

    if (lcf->layers & layer) {
        return "names a layer twice";
    }

    lcf->layers |= layer;

    return NGX_CONF_OK;
}


char *
ngx_http_para_auth_session_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char                   *rv;
    ngx_str_t              *value;
    ngx_uint_t              i;
    para_renewal_policy_t  *policy;

    value = cf->args->elts;
    policy = &lcf->renewal;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "valid=", 6) == 0) {
            rv = ngx_http_para_auth_time(cf, &policy->valid, &value[i], 6);

        } else if (ngx_strncmp(value[i].data, "negative=", 9) == 0) {
            rv = ngx_http_para_auth_time(cf, &policy->negative, &value[i], 9);

        } else if (ngx_strncmp(value[i].data, "stale=", 6) == 0) {
            rv = ngx_http_para_auth_time(cf, &policy->stale, &value[i], 6);

        } else if (ngx_strcmp(value[i].data, "refresh=on") == 0
                   || ngx_strcmp(value[i].data, "refresh=off") == 0)
        {
            if (policy->refresh != NGX_CONF_UNSET) {
                return "is duplicate";
            }

            policy->refresh = (value[i].len == sizeof("refresh=on") - 1);
            rv = NGX_CONF_OK;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it is "
                               "\"valid=time\", \"negative=time\", "
                               "\"stale=time\" or \"refresh=on|off\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* Of "name=time": what is behind a prefix of so many bytes. */

static char *
ngx_http_para_auth_time(ngx_conf_t *cf, uint64_t *msec, ngx_str_t *value,
    size_t prefix)
{
    ngx_int_t  time;
    ngx_str_t  s;

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    s.data = value->data + prefix;
    s.len = value->len - prefix;

    time = ngx_parse_time(&s, 0);

    if (time == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time in \"%V\", write one as \"30s\"",
                           value);
        return NGX_CONF_ERROR;
    }

    *msec = (uint64_t) time;

    return NGX_CONF_OK;
}


static void
ngx_http_para_auth_free_digest(void *data)
{
    para_digest_free(data);
}
