/*
 * para_auth_revoke: a location where users, sessions and tokens can be ended,
 * as it is written in the configuration, and what of that cannot work.
 */

#include "ngx_http_para_auth.h"


static char *ngx_http_para_auth_revoke_size(ngx_conf_t *cf,
    ngx_http_para_auth_revoke_t *revoke, ngx_str_t *value);
static char *ngx_http_para_auth_resolve_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_revoke_t *revoke);
static ngx_int_t ngx_http_para_auth_check_revoke(ngx_conf_t *cf,
    const ngx_http_para_auth_revoke_t *revoke,
    const ngx_para_provider_t *provider);


char *
ngx_http_para_auth_revoke(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char                         *rv;
    ngx_str_t                    *value;
    ngx_http_para_auth_revoke_t  *revoke;

    rv = ngx_http_para_auth_content(cf, ngx_http_para_auth_revoke_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    revoke = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_revoke_t));
    if (revoke == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    revoke->name = value[1];
    revoke->file = cf->conf_file->file.name.data;
    revoke->line = cf->conf_file->line;
    revoke->size = NGX_PARA_REVOKE_SIZE;

    lcf->revoke = revoke;

    return cf->args->nelts == 3
           ? ngx_http_para_auth_revoke_size(cf, revoke, &value[2])
           : NGX_CONF_OK;
}


static char *
ngx_http_para_auth_revoke_size(ngx_conf_t *cf,
    ngx_http_para_auth_revoke_t *revoke, ngx_str_t *value)
{
    ssize_t    size;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "size=", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it is \"size=size\"",
                           value);
        return NGX_CONF_ERROR;
    }

    s.data = value->data + 5;
    s.len = value->len - 5;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR || size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no size for revocations, give at least "
                           "%uzk", &s, 8 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    revoke->size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_para_auth_merge_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (conf->revoke) {
        return ngx_http_para_auth_resolve_revoke(cf, mcf, conf->revoke);
    }

    /* an "if" has a configuration of its own, and the location's handler */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {
        conf->revoke = prev->revoke;
    }

    return NGX_CONF_OK;
}


/* The provider may stand behind the location that names it. */

static char *
ngx_http_para_auth_resolve_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_revoke_t *revoke)
{
    ngx_para_provider_t           *provider;
    ngx_http_para_auth_revoke_t  **slot;

    provider = ngx_para_provider_find(&mcf->providers, &revoke->name);

    if (provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui names the unknown provider "
                      "\"%V\": add \"para_auth_provider %V { ... }\" to http{}",
                      revoke->file, revoke->line, &revoke->name,
                      &revoke->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_para_auth_check_revoke(cf, revoke, provider) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (provider->revoke == NULL) {
        provider->revoke = ngx_para_revoke_add(cf, &revoke->name,
                                               &provider->state_path,
                                               revoke->size,
                                               &ngx_http_para_auth_module);
        if (provider->revoke == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (provider->revoke->size != revoke->size) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: provider \"%V\" has one "
                      "list of revocations, give it the same \"size=\" in all "
                      "locations", revoke->file, revoke->line, &revoke->name);
        return NGX_CONF_ERROR;
    }

    revoke->list = provider->revoke;
    revoke->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    slot = ngx_array_push(&mcf->revokes);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = revoke;

    return NGX_CONF_OK;
}


/* The list is kept in a file, which bears the provider's name. */

static ngx_int_t
ngx_http_para_auth_check_revoke(ngx_conf_t *cf,
    const ngx_http_para_auth_revoke_t *revoke,
    const ngx_para_provider_t *provider)
{
    if (provider->state_path.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: provider \"%V\" has no "
                      "\"state_path\", and what was ended would be forgotten "
                      "at the next start", revoke->file, revoke->line,
                      &revoke->name);
        return NGX_ERROR;
    }

    if (revoke->name.len > NGX_PARA_REVOKE_NAME_MAX
        || ngx_strlchr(revoke->name.data,
                       revoke->name.data + revoke->name.len, '/'))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_revoke in %s:%ui: the provider's name is part "
                      "of a file's: choose one without \"/\", of at most %d "
                      "bytes", revoke->file, revoke->line,
                      NGX_PARA_REVOKE_NAME_MAX);
        return NGX_ERROR;
    }

    return NGX_OK;
}
