/*
 * The steps of the decision, in the order of ngx_http_para_auth_module.c.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache.h"
#include "../core/para_record.h"
#include "../core/para_session.h"


static ngx_int_t ngx_http_para_auth_identity_key(
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_newer_keys(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_start_session(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_session_key(
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_use_session(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e reason, const ngx_str_t *record);
static void ngx_http_para_auth_store_session(const ngx_para_verify_result_t
    *result, const u_char *key, void *data);


ngx_int_t
ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_reason_e  token, session;

    ctx->decided = 0;
    ctx->granted = NULL;
    ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_NONE;
    ctx->token = PARA_SPAN_NONE;
    ctx->session = PARA_SPAN_NONE;
    ctx->keys_asked = 0;
    ctx->keys.failed = 0;
    ctx->retry_after = 0;
    ngx_memzero(ctx->field, sizeof(ctx->field));

    token = PARA_OK;
    session = PARA_OK;

    if (lcf->layers & NGX_HTTP_PARA_AUTH_JWT) {
        token = ngx_para_credential_token(&lcf->credential,
                                          &r->headers_in.headers, &ctx->token);
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        session = ngx_para_credential_session(&lcf->credential,
                                              &r->headers_in.headers,
                                              &ctx->session);
    }

    /* what is wrong before what is missing, the token before the session */

    if (token != PARA_OK && token != PARA_TOKEN_MISSING) {
        ctx->reason = token;

    } else if (session != PARA_OK && session != PARA_SESSION_MISSING) {
        ctx->reason = session;

    } else {
        ctx->reason = token != PARA_OK ? token : session;
    }

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_str_t                        record;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_identity_key(mcf, lcf, ctx) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    rc = ngx_para_cache_identity_lookup(mcf->zone, ctx->identity_key,
                                        ngx_time(), lcf->valid, r->pool,
                                        &record);

    if (rc == NGX_ERROR) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    if (rc == NGX_OK
        && para_record_read(ctx->field, PARA_ID_FIELDS,
                            para_span(record.data, record.len)))
    {
        ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_HIT;
        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_para_auth_step_token(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_JWT)) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_MISS;

    if (ctx->keys.waiter.flight) {
        return NGX_AGAIN;
    }

    do {

        /* what it is verified with now is what its identity is kept under */

        if (ctx->keys_asked
            && ngx_http_para_auth_identity_key(mcf, lcf, ctx) != NGX_OK)
        {
            ctx->reason = PARA_CRYPTO;
            return NGX_ERROR;
        }

        para_token_free(&ctx->verified);

        ctx->reason = para_token_verify(&ctx->verified,
                                        lcf->provider->issuers,
                                        lcf->provider->nissuers, ctx->token,
                                        ngx_time());

        if (ctx->reason == PARA_OK) {
            return NGX_OK;
        }

        rc = ngx_http_para_auth_newer_keys(r, lcf, ctx);

    } while (rc == NGX_OK);

    return rc;
}


/*
 * A token may name a key that came after this worker's last look.  NGX_OK: there
 * are newer keys; NGX_AGAIN: there may be soon; NGX_DECLINED: this is what is
 * known, and ctx->reason says it.
 */

static ngx_int_t
ngx_http_para_auth_newer_keys(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    uint32_t          bit;
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_para_keys_t  *keys;

    /* all at once, so that the waits do not add up */

    for (i = 0; i < lcf->provider->nissuers && ctx->keys_asked == 0; i++) {
        if (ctx->verified.wanted >> i & 1) {
            (void) ngx_para_keys_want(lcf->provider->sources[i]);
        }
    }

    for (i = 0; i < lcf->provider->nissuers; i++) {

        bit = (uint32_t) 1 << i;

        if (!(ctx->verified.wanted & bit)) {
            continue;
        }

        keys = lcf->provider->sources[i];
        ctx->retry_after = ngx_para_keys_retry_after(keys);

        if (ctx->keys_asked & bit) {
            continue;
        }

        ctx->keys_asked |= bit;

        rc = ngx_para_keys_wait(r, &ctx->keys, keys);

        if (rc == NGX_ERROR) {
            ctx->reason = PARA_NO_MEMORY;
            return NGX_ERROR;
        }

        if (rc == NGX_OK || rc == NGX_AGAIN) {
            return rc;
        }
    }

    if (ctx->keys.failed) {
        ctx->reason = PARA_KEYS_UNAVAILABLE;
    }

    return NGX_DECLINED;
}


/*
 * What an identity is kept under: the policy, the credentials, and the keys of
 * this moment that come and go.
 */

static ngx_int_t
ngx_http_para_auth_identity_key(ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    size_t            n;
    ngx_uint_t        i;
    para_span_t       part[3 + PARA_ISSUERS_MAX];
    ngx_para_keys_t  *keys;

    n = 0;

    part[n++] = para_span(lcf->policy, PARA_DIGEST_SIZE);
    part[n++] = ctx->token;
    part[n++] = ctx->session;

    for (i = 0; i < lcf->provider->nissuers; i++) {
        keys = lcf->provider->sources[i];

        if (keys) {
            part[n++] = para_span(ngx_para_keys_sync(keys),
                                  PARA_FINGERPRINT_SIZE);
        }
    }

    return para_digest_key(mcf->digest, ctx->identity_key, part, n)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_para_auth_step_session(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_para_verify_t               *verify;
    ngx_para_cache_session_t         cached;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_SESSION)) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_session_key(mcf, lcf, ctx) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    verify = &ctx->verify;

    if (ngx_para_verify_pending(verify, ctx->session_key)) {

        if (verify->done) {
            verify->pending = 0;
            return ngx_http_para_auth_use_session(ctx, verify->result.reason,
                                                  &verify->result.record);
        }

        if (!verify->retry) {
            return NGX_AGAIN;
        }
    }

    rc = ngx_para_cache_session_lookup(mcf->zone, ctx->session_key,
                                       lcf->valid, lcf->negative, r->pool,
                                       &cached);

    if (rc == NGX_OK) {
        ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_HIT;
        return ngx_http_para_auth_use_session(ctx, cached.active
                                              ? PARA_OK : PARA_SESSION_ENDED,
                                              &cached.record);
    }

    if (rc == NGX_ERROR) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    return ngx_http_para_auth_start_session(r, lcf, ctx);
}


ngx_int_t
ngx_http_para_auth_step_identity(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    size_t                           size;
    time_t                           end;
    u_char                          *p;
    ngx_str_t                        record;
    ngx_uint_t                       jwt, bound;
    para_session_t                   session;
    para_identity_t                  identity;
    ngx_http_para_auth_main_conf_t  *mcf;

    jwt = lcf->layers & NGX_HTTP_PARA_AUTH_JWT;
    bound = lcf->layers & NGX_HTTP_PARA_AUTH_SESSION;

    ngx_memzero(&session, sizeof(para_session_t));

    if (bound && !para_record_read(session.field, PARA_SESSION_FIELDS,
                                   para_span(ctx->session_record.data,
                                             ctx->session_record.len)))
    {
        ctx->reason = PARA_ANSWER_MEMBER;
        return NGX_DECLINED;
    }

    ctx->reason = para_identity_build(&identity, jwt ? &ctx->verified : NULL,
                                      bound ? &session : NULL, lcf->match);

    if (ctx->reason != PARA_OK) {
        para_identity_free(&identity);
        return NGX_DECLINED;
    }

    ctx->reason = PARA_NO_MEMORY;

    size = para_record_size(identity.field, PARA_ID_FIELDS);
    p = ngx_pnalloc(r->pool, size);

    if (size == 0 || p == NULL) {
        para_identity_free(&identity);
        return NGX_ERROR;
    }

    para_record_write(p, identity.field, PARA_ID_FIELDS);
    para_identity_free(&identity);

    record.data = p;
    record.len = size;

    (void) para_record_read(ctx->field, PARA_ID_FIELDS, para_span(p, size));

    /* without a JWT the session's own time is the only end */

    end = jwt ? (time_t) ctx->verified.end : NGX_MAX_TIME_T_VALUE;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ngx_para_cache_identity_store(mcf->zone, ctx->identity_key, end,
                                  &record, bound ? ctx->session_key : NULL,
                                  &ctx->session_record);

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_start_session(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    rc = ngx_para_verify_start(r, &ctx->verify, lcf->target, ctx->session_key,
                               ctx->session, ngx_http_para_auth_store_session,
                               mcf->zone);

    if (rc != NGX_AGAIN) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    ctx->cache = ctx->verify.leader ? NGX_HTTP_PARA_AUTH_CACHE_MISS
                                    : NGX_HTTP_PARA_AUTH_CACHE_WAIT;

    return NGX_AGAIN;
}


/* What a verdict of Para's is kept under: whatever asks for this session. */

static ngx_int_t
ngx_http_para_auth_session_key(ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_span_t  part[3];

    part[0] = para_span(lcf->provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = PARA_SPAN("verification token");
    part[2] = ctx->session;

    return para_digest_key(mcf->digest, ctx->session_key, part, 3)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_para_auth_use_session(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e reason, const ngx_str_t *record)
{
    ctx->reason = reason;
    ctx->session_record = *record;

    return reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_para_auth_store_session(const ngx_para_verify_result_t *result,
    const u_char *key, void *data)
{
    ngx_shm_zone_t *zone = data;

    ngx_para_cache_session_t  session;

    if (result->reason != PARA_OK && result->reason != PARA_SESSION_ENDED) {
        return;
    }

    session.active = (result->reason == PARA_OK);
    session.record = result->record;

    ngx_para_cache_session_store(zone, key, &session, result->asked);
}
