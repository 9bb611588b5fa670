/*
 * The step of the session: what the cache has of it, else what Para says.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache.h"


static ngx_int_t ngx_http_para_auth_find_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_ask_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_uint_t known, ngx_para_result_t *result);
static ngx_int_t ngx_http_para_auth_session_key(
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_take_result(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_para_result_t *result);
static ngx_int_t ngx_http_para_auth_use_session(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e reason, const ngx_str_t *record);


ngx_int_t
ngx_http_para_auth_step_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_SESSION)) {
        return NGX_OK;
    }

    rc = ngx_http_para_auth_find_session(r, lcf, ctx);

    if (rc != NGX_OK && rc != NGX_AGAIN && ngx_http_para_auth_expired(ctx)) {
        return ngx_http_para_auth_refuse_expired(ctx, ctx->reason);
    }

    return rc;
}


static ngx_int_t
ngx_http_para_auth_find_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_para_result_t                result;
    para_renewal_policy_t            policy;
    ngx_para_cache_session_t         cached;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_session_key(mcf, lcf, ctx) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    rc = ngx_http_para_auth_asked(r, ctx, ctx->session_key, &result);

    if (rc == NGX_DECLINED) {

        policy = lcf->renewal;

        /* who is refused anyway renews nothing, nor keeps others from it */

        if (ngx_http_para_auth_expired(ctx)) {
            policy.refresh = 0;
        }

        rc = ngx_para_cache_session_lookup(mcf->zone, ctx->session_key,
                                           &policy, r->pool, &cached);

        if (rc == NGX_OK) {
            ngx_http_para_auth_hit(ctx, cached.renew);
            return ngx_http_para_auth_use_session(ctx, cached.active
                                                  ? PARA_OK
                                                  : PARA_SESSION_ENDED,
                                                  &cached.record);
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_http_para_auth_ask_session(r, lcf, ctx, cached.known,
                                                &result);
        }
    }

    if (rc == NGX_OK) {
        return ngx_http_para_auth_take_result(r, lcf, ctx, &result);
    }

    if (rc != NGX_AGAIN) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_para_auth_ask_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_uint_t known, ngx_para_result_t *result)
{
    ngx_para_question_t  question;

    if (ngx_http_para_auth_session_question(r, lcf, ctx, &question) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_para_auth_ask(r, lcf, ctx, ctx->session_key, &question,
                                  known, result);
}


/* Where its identity was known, nobody has read what is exported yet. */

ngx_int_t
ngx_http_para_auth_session_question(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_para_question_t *question)
{
    if (ctx->form != PARA_FORM_EXPORTED) {
        return ngx_para_question_verify(r->pool, question, ctx->session);
    }

    if (ctx->exported.cookie.data == NULL
        && ngx_http_para_auth_read_exported(lcf, ctx) != PARA_OK)
    {
        return NGX_ERROR;
    }

    return ngx_para_question_touch(r->pool, question, ctx->exported.cookie);
}


/*
 * What a verdict of Para's is kept under: whatever asks for this session.  Of
 * an exported one that is its cookie, to the byte as Para gets it: which part
 * of it Para looks at is Para's affair.
 */

static ngx_int_t
ngx_http_para_auth_session_key(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_span_t  part[3];

    part[0] = para_span(lcf->provider->session_policy, PARA_DIGEST_SIZE);

    if (ctx->form == PARA_FORM_EXPORTED) {
        part[1] = PARA_SPAN("exported");
        part[2] = ctx->exported.cookie;

    } else {
        part[1] = PARA_SPAN("verification token");
        part[2] = ctx->session;
    }

    return para_digest_key(mcf->digest, ctx->session_key, part, 3)
           ? NGX_OK : NGX_ERROR;
}


/*
 * What Para has said, or that it did not.  Whether its last word may stand in
 * is looked up now: it can have been another one since the question.
 */

static ngx_int_t
ngx_http_para_auth_take_result(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_para_result_t *result)
{
    ngx_int_t                        rc;
    ngx_para_cache_session_t         cached;
    ngx_http_para_auth_main_conf_t  *mcf;

    ctx->retry_after = result->retry_after;

    if (!para_renewal_bridges(result->reason)
        || ngx_http_para_auth_expired(ctx))
    {
        return ngx_http_para_auth_use_session(ctx, result->reason,
                                              &result->record);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    rc = ngx_para_cache_session_bridge(mcf->zone, ctx->session_key,
                                       &lcf->renewal, r->pool, &cached);

    if (rc == NGX_OK) {
        ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_STALE;
        return ngx_http_para_auth_use_session(ctx, PARA_OK, &cached.record);
    }

    if (rc == NGX_ERROR) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    return ngx_http_para_auth_use_session(ctx, result->reason,
                                          &result->record);
}


static ngx_int_t
ngx_http_para_auth_use_session(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e reason, const ngx_str_t *record)
{
    ctx->reason = reason;
    ctx->session_record = *record;

    return reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}
