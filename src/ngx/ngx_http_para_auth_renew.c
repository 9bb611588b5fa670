/*
 * Background renewal: which locations have it, and what it is told to ask.
 */

#include "ngx_http_para_auth.h"


#define NGX_HTTP_PARA_AUTH_KEEP_ALIVE      300000      /* ms */
#define NGX_HTTP_PARA_AUTH_KEEP_ALIVE_MAX  86400000


static ngx_para_renew_t *ngx_http_para_auth_find_renewal(
    ngx_http_para_auth_main_conf_t *mcf, const ngx_para_provider_t *provider);


char *
ngx_http_para_auth_keep_alive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    ngx_int_t   time;
    ngx_str_t  *value;

    if (lcf->keep_alive != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        lcf->keep_alive = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") == 0) {
        lcf->keep_alive = NGX_HTTP_PARA_AUTH_KEEP_ALIVE;
        return NGX_CONF_OK;
    }

    time = ngx_parse_time(&value[1], 0);

    if (time == NGX_ERROR || time == 0
        || time > NGX_HTTP_PARA_AUTH_KEEP_ALIVE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"para_auth_keep_alive\" takes \"on\", \"off\" or "
                           "a time of at most a day, as \"5m\"");
        return NGX_CONF_ERROR;
    }

    lcf->keep_alive = (ngx_msec_t) time;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_para_auth_prepare_renewal(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_para_renew_t                **slot;
    ngx_para_provider_t              *provider;
    ngx_para_renew_conf_t             conf;
    ngx_http_para_auth_main_conf_t   *mcf;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_SESSION)) {
        return NGX_OK;
    }

    if (!lcf->renewal.refresh) {

        if (lcf->keep_alive) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "para_auth in %s:%ui: \"para_auth_keep_alive\" needs "
                          "\"refresh=on\" in \"para_auth_session_cache\": it "
                          "is when a session is renewed that it is extended",
                          lcf->file, lcf->line);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);
    provider = lcf->provider;

    lcf->renew = ngx_http_para_auth_find_renewal(mcf, provider);

    if (lcf->renew) {
        return NGX_OK;
    }

    conf.provider = provider->name;
    conf.api = provider->api;
    conf.secret_key = provider->secret_key;
    conf.public_key = provider->public_key;
    conf.trusted_certificate = provider->para.trusted_certificate;

    lcf->renew = ngx_para_renew_create(cf, &conf);
    if (lcf->renew == NULL) {
        return NGX_ERROR;
    }

    slot = ngx_array_push(&mcf->renewals);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = lcf->renew;

    return NGX_OK;
}


/* All locations of a provider share one. */

static ngx_para_renew_t *
ngx_http_para_auth_find_renewal(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_para_provider_t *provider)
{
    ngx_uint_t          i;
    ngx_para_renew_t  **renew;

    renew = mcf->renewals.elts;

    for (i = 0; i < mcf->renewals.nelts; i++) {
        if (renew[i]->conf.provider.data == provider->name.data) {
            return renew[i];
        }
    }

    return NULL;
}


void
ngx_http_para_auth_renew(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_para_question_t              question;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_session_question(r, lcf, ctx, &question) != NGX_OK)
    {
        return;
    }

    ngx_para_renew_start(lcf->renew, mcf->zone, &question, ctx->session_key,
                         lcf->provider->session_policy, lcf->keep_alive);
}
