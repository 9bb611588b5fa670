/*
 * para_auth_upstream: a location becomes a way to Para.
 */

#include "ngx_http_para_auth.h"


static char *ngx_http_para_auth_check_key(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf);
static char *ngx_http_para_auth_check_way(ngx_conf_t *cf,
    const ngx_http_para_auth_srv_conf_t *scf,
    const ngx_http_para_auth_loc_conf_t *lcf);


char *
ngx_http_para_auth_mark(ngx_conf_t *cf, ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_para_upstream_t             *upstream;
    ngx_para_call_target_t          *target, **targets;
    ngx_http_para_auth_srv_conf_t   *scf;
    ngx_http_para_auth_loc_conf_t  **marked;

    upstream = lcf->upstream;
    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_para_auth_module);

    lcf->marked = ngx_para_provider_find(&mcf->providers, &upstream->provider);

    if (lcf->marked == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_upstream in %s:%ui names the unknown provider "
                      "\"%V\": add \"para_auth_provider %V { ... }\" to http{}",
                      upstream->file, upstream->line, &upstream->provider,
                      &upstream->provider);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_para_auth_check_key(cf, lcf) != NGX_CONF_OK
        || ngx_http_para_auth_check_way(cf, scf, lcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    target = ngx_pcalloc(cf->pool, sizeof(ngx_para_call_target_t));
    targets = ngx_array_push(&scf->targets);
    marked = ngx_array_push(&scf->marked);

    if (target == NULL || targets == NULL || marked == NULL) {
        return NGX_CONF_ERROR;
    }

    upstream->api.host = lcf->marked->host;
    upstream->api.port = lcf->marked->port;
    upstream->api.no_port = lcf->marked->no_port;
    upstream->api.tls = lcf->marked->tls;

    target->uri = upstream->uri;
    target->provider = lcf->marked;
    target->endpoint = upstream->endpoint;

    lcf->way = target;

    *targets = target;
    *marked = lcf;

    return NGX_CONF_OK;
}


/* Of verification tokens it is para_auth that needs one. */

static char *
ngx_http_para_auth_check_key(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    const char                 *directive;
    const ngx_para_upstream_t  *upstream;

    upstream = lcf->upstream;

    if (upstream->endpoint == NGX_PARA_TOUCH
        && lcf->marked->public_key.len == 0)
    {
        directive = "public_key";

    } else if (upstream->endpoint == NGX_PARA_WALLETS
               && lcf->marked->secret_key.len == 0)
    {
        directive = "secret_key_file";

    } else {
        return NGX_CONF_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "para_auth_upstream in %s:%ui: provider \"%V\" has no \"%s\" "
                  "to ask Para with", upstream->file, upstream->line,
                  &upstream->provider, directive);

    return NGX_CONF_ERROR;
}


/* A call must not be led to one of two. */

static char *
ngx_http_para_auth_check_way(ngx_conf_t *cf,
    const ngx_http_para_auth_srv_conf_t *scf,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t                  i;
    ngx_para_call_target_t    **targets;
    const ngx_para_upstream_t  *upstream;

    upstream = lcf->upstream;
    targets = scf->targets.elts;

    for (i = 0; i < scf->targets.nelts; i++) {
        if (targets[i]->provider == lcf->marked
            && targets[i]->endpoint == upstream->endpoint)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "para_auth_upstream in %s:%ui: this server has "
                          "another location for \"%V %V\" already, remove "
                          "one of them", upstream->file, upstream->line,
                          &upstream->provider,
                          ngx_para_endpoint_name(upstream->endpoint));
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
