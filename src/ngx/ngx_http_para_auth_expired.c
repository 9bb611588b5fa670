/*
 * A JWT that has expired.  Whoever sends it is refused, and told what to get
 * anew: for that its session is looked at as if it were good.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_expired.h"


#define NGX_HTTP_PARA_AUTH_RENEW_WINDOW_MAX  2592000   /* s: 30 days */


static para_reason_e ngx_http_para_auth_judge_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_session_t *session);


char *
ngx_http_para_auth_renew_window(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_para_provider_t *provider = conf;

    ngx_int_t   time;
    ngx_str_t  *value;

    if (provider->renew_window != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    time = ngx_parse_time(&value[1], 1);

    if (time == NGX_ERROR || time > NGX_HTTP_PARA_AUTH_RENEW_WINDOW_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"renew_window\" takes a time of at most 30 days, "
                           "as \"24h\", or 0: then no session of a JWT that "
                           "has expired is asked about");
        return NGX_CONF_ERROR;
    }

    provider->renew_window = time;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_para_auth_check_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_reason_e  reason;

    ctx->reason = PARA_TOKEN_EXPIRED;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_SESSION)
        || !para_expired_recent(&ctx->verified, lcf->provider->renew_window,
                                ngx_time()))
    {
        return NGX_DECLINED;
    }

    /* Para is not asked for a token that has been ended before its time */

    reason = ngx_http_para_auth_judge_expired(r, lcf, ctx, NULL);

    if (reason != PARA_OK) {
        return ngx_http_para_auth_refuse_expired(ctx, reason);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_para_auth_identify_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_session_t *session)
{
    para_reason_e  reason;

    reason = ngx_http_para_auth_judge_expired(r, lcf, ctx, session);

    return ngx_http_para_auth_refuse_expired(ctx, reason);
}


ngx_int_t
ngx_http_para_auth_refuse_expired(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e rest)
{
    ctx->reason = para_expired_refuse(rest);

    return NGX_DECLINED;
}


/* Of the token alone, or with an active session. */

static para_reason_e
ngx_http_para_auth_judge_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_session_t *session)
{
    para_reason_e                    reason;
    para_identity_t                  identity;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (session) {
        reason = ngx_http_para_auth_check_exported(ctx, session);

        if (reason != PARA_OK) {
            return reason;
        }
    }

    reason = para_identity_build_expired(&identity, &ctx->verified, session);

    if (reason == PARA_OK) {
        mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

        reason = ngx_http_para_auth_check_revoked(mcf, lcf, ctx, session,
                                                  &identity);
    }

    para_identity_free(&identity);

    return reason;
}
