/*
 * Renewal as the master prepares it: where to, and whom to trust.
 */

#include "ngx_para_answer.h"
#include "ngx_para_renew.h"
#include "ngx_para_trust.h"


#define NGX_PARA_RENEW_TIMEOUT  5000    /* ms, of a call */


static ngx_int_t ngx_para_renew_target(ngx_conf_t *cf,
    ngx_para_renew_t *renew, ngx_para_endpoint_e endpoint,
    const para_trust_t *trust);
static ngx_int_t ngx_para_renew_check(ngx_conf_t *cf,
    const ngx_para_renew_conf_t *conf, ngx_uint_t *tls);


ngx_para_renew_t *
ngx_para_renew_create(ngx_conf_t *cf, const ngx_para_renew_conf_t *conf)
{
    ngx_uint_t           tls;
    ngx_para_renew_t    *renew;
    const para_trust_t  *trust;

    renew = ngx_pcalloc(cf->pool, sizeof(ngx_para_renew_t));
    if (renew == NULL) {
        return NULL;
    }

    renew->conf = *conf;
    trust = NULL;

    if (ngx_para_renew_check(cf, conf, &tls) != NGX_OK) {
        return NULL;
    }

    if (tls) {
        trust = ngx_para_trust_get(cf, &conf->trusted_certificate);

        if (trust == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "provider \"%V\" has no certificates to check "
                               "Para's by when sessions are renewed: give it "
                               "\"jwks_trusted_certificate\", or write "
                               "\"para_auth_session_cache refresh=off;\"",
                               &conf->provider);
            return NULL;
        }
    }

    if (ngx_para_renew_target(cf, renew, NGX_PARA_VERIFY, trust) != NGX_OK
        || ngx_para_renew_target(cf, renew, NGX_PARA_TOUCH, trust) != NGX_OK)
    {
        return NULL;
    }

    return renew;
}


static ngx_int_t
ngx_para_renew_check(ngx_conf_t *cf, const ngx_para_renew_conf_t *conf,
    ngx_uint_t *tls)
{
    const char  *why;

    why = ngx_para_fetch_check_url(&conf->api, tls);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the \"api\" of provider \"%V\" %s: \"%V\"",
                           &conf->provider, why, &conf->api);
        return NGX_ERROR;
    }

    why = ngx_para_fetch_check_library();

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s (or write \"para_auth_session_cache "
                           "refresh=off;\")", why);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_para_renew_target(ngx_conf_t *cf, ngx_para_renew_t *renew,
    ngx_para_endpoint_e endpoint, const para_trust_t *trust)
{
    u_char                   *p;
    const ngx_str_t          *path;
    ngx_para_fetch_target_t  *target;

    path = ngx_para_endpoint_path(endpoint);
    target = &renew->target[endpoint];

    p = ngx_pnalloc(cf->pool, renew->conf.api.len + path->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    target->url.data = p;
    target->url.len = ngx_sprintf(p, "%V%V%Z", &renew->conf.api, path) - p - 1;
    target->trust = trust;
    target->max = NGX_PARA_ANSWER_MAX;
    target->timeout = NGX_PARA_RENEW_TIMEOUT;
    target->reuse = 1;

    return NGX_OK;
}
