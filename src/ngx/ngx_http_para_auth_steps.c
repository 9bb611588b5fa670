/*
 * The steps of the decision, in the order of ngx_http_para_auth_module.c.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache.h"
#include "ngx_para_revoke_zone.h"
#include "../core/para_record.h"
#include "../core/para_session.h"


static ngx_int_t ngx_http_para_auth_identity_key(
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_newer_keys(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_keep_identity(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_identity_t *identity);


ngx_int_t
ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ctx->decided = 0;
    ctx->refused = 0;
    ctx->granted = NULL;
    ctx->tried = NULL;
    ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_NONE;
    ctx->renew = 0;
    ctx->keys_asked = 0;
    ctx->keys.failed = 0;
    ctx->retry_after = 0;
    ctx->addresses = NULL;
    ngx_memzero(ctx->field, sizeof(ctx->field));
    ngx_http_para_auth_release(ctx);

    ctx->reason = ngx_http_para_auth_find_credentials(r, lcf, ctx);

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


para_reason_e
ngx_http_para_auth_find_credentials(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_reason_e  token, session;

    ctx->token = PARA_SPAN_NONE;
    ctx->session = PARA_SPAN_NONE;
    ctx->form = 0;

    token = PARA_OK;
    session = PARA_OK;

    if (lcf->layers & NGX_HTTP_PARA_AUTH_JWT) {
        token = ngx_para_credential_token(r, &lcf->credential, &ctx->token);
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        session = ngx_para_credential_session(r, &lcf->credential,
                                              &ctx->session, &ctx->form);
    }

    if (token == PARA_TOKEN_MISSING && session == PARA_OK) {
        session = ngx_http_para_auth_read_exported(lcf, ctx);
    }

    /* what is wrong before what is missing, the token before the session */

    if (token != PARA_OK && token != PARA_TOKEN_MISSING) {
        return token;
    }

    if (session != PARA_OK && session != PARA_SESSION_MISSING) {
        return session;
    }

    return token != PARA_OK ? token : session;
}


ngx_int_t
ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_str_t                        record;
    ngx_uint_t                       renew;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_identity_key(mcf, lcf, ctx) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    rc = ngx_para_cache_identity_lookup(mcf->zone, ctx->identity_key,
                                        ngx_time(), &lcf->renewal, r->pool,
                                        &record, ctx->session_key, &renew);

    if (rc == NGX_ERROR) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    if (rc == NGX_OK
        && para_record_read(ctx->field, PARA_ID_FIELDS,
                            para_span(record.data, record.len)))
    {
        ngx_http_para_auth_hit(ctx, renew);
        return NGX_DONE;
    }

    return NGX_OK;
}


/* It counts; now and then somebody has to see that it goes on to. */

void
ngx_http_para_auth_hit(ngx_http_para_auth_ctx_t *ctx, ngx_uint_t renew)
{
    ctx->renew = renew;
    ctx->cache = renew ? NGX_HTTP_PARA_AUTH_CACHE_REFRESH
                       : NGX_HTTP_PARA_AUTH_CACHE_HIT;
}


/* Only now, because it takes time: whose identity is known has been seen. */

ngx_int_t
ngx_http_para_auth_step_exported(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ctx->reason = ngx_http_para_auth_read_exported(lcf, ctx);

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


para_reason_e
ngx_http_para_auth_read_exported(const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_ctx_t *ctx)
{
    if (ctx->form != PARA_FORM_EXPORTED) {
        return PARA_OK;
    }

    para_exported_free(&ctx->exported);

    return para_exported_parse(&ctx->exported, ctx->session, lcf->signer);
}


para_reason_e
ngx_http_para_auth_check_exported(const ngx_http_para_auth_ctx_t *ctx,
    const para_session_t *session)
{
    return ctx->form == PARA_FORM_EXPORTED
           ? para_exported_check_user(&ctx->exported, session)
           : PARA_OK;
}


ngx_int_t
ngx_http_para_auth_step_token(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
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

        if (ngx_http_para_auth_expired(ctx)) {
            return ngx_http_para_auth_check_expired(r, lcf, ctx);
        }

        rc = ngx_http_para_auth_newer_keys(r, lcf, ctx);

    } while (rc == NGX_OK);

    return rc;
}


/*
 * A token may name a key that came after this worker's last look.  NGX_OK:
 * there are newer keys; NGX_AGAIN: there may be soon; NGX_DECLINED: this is
 * what is known, and ctx->reason says it.
 */

static ngx_int_t
ngx_http_para_auth_newer_keys(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
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

    if (ctx->early.walking && ctx->verified.wanted) {
        return NGX_AGAIN;
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
 * What an identity is kept under: the policy, the credentials, the keys of this
 * moment that come and go, and how far the revocations had come: each one more
 * costs every user one look at what he is verified by.
 */

static ngx_int_t
ngx_http_para_auth_identity_key(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    size_t              n;
    ngx_uint_t          i;
    para_span_t         part[4 + PARA_ISSUERS_MAX];
    ngx_para_keys_t    *keys;
    ngx_atomic_uint_t   generation;

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

    /* before anything is looked up in the list, see ngx_para_revoke_zone.c */

    if (lcf->provider->revoke) {
        generation = ngx_para_revoke_zone_generation(
                                                 lcf->provider->revoke->zone);
        part[n++] = para_span(&generation, sizeof(ngx_atomic_uint_t));
    }

    return para_digest_key(mcf->digest, ctx->identity_key, part, n)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_para_auth_step_identity(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
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

    if (jwt && ngx_http_para_auth_expired(ctx)) {
        return ngx_http_para_auth_identify_expired(r, lcf, ctx, &session);
    }

    ctx->reason = ngx_http_para_auth_check_exported(ctx, &session);

    if (ctx->reason != PARA_OK) {
        return NGX_DECLINED;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ctx->reason = para_identity_build(&identity, jwt ? &ctx->verified : NULL,
                                      bound ? &session : NULL, lcf->match,
                                      &mcf->claims);

    ctx->disputed = identity.disputed;

    if (ctx->reason == PARA_OK) {
        ctx->reason = ngx_http_para_auth_check_revoked(mcf, lcf, ctx, &session,
                                                       &identity);
    }

    rc = ctx->reason == PARA_OK
         ? ngx_http_para_auth_keep_identity(r, lcf, ctx, &identity)
         : NGX_DECLINED;

    para_identity_free(&identity);

    return rc;
}


static ngx_int_t
ngx_http_para_auth_keep_identity(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_identity_t *identity)
{
    time_t                           end;
    ngx_str_t                        record;
    ngx_uint_t                       jwt, bound;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_http_para_auth_take_fields(r, ctx, identity, &record) != NGX_OK) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    jwt = lcf->layers & NGX_HTTP_PARA_AUTH_JWT;
    bound = lcf->layers & NGX_HTTP_PARA_AUTH_SESSION;

    /* without a JWT the session's own time is the only end */

    end = jwt ? (time_t) ctx->verified.end : NGX_MAX_TIME_T_VALUE;

    ngx_para_cache_identity_store(mcf->zone, ctx->identity_key, end,
                                  &record, bound ? ctx->session_key : NULL,
                                  &ctx->session_record,
                                  bound && ctx->form == PARA_FORM_EXPORTED);

    return NGX_OK;
}


ngx_int_t
ngx_http_para_auth_take_fields(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, const para_identity_t *identity,
    ngx_str_t *record)
{
    record->len = para_record_size(identity->field, PARA_ID_FIELDS);
    record->data = ngx_pnalloc(r->pool, record->len);

    if (record->len == 0 || record->data == NULL) {
        return NGX_ERROR;
    }

    para_record_write(record->data, identity->field, PARA_ID_FIELDS);

    (void) para_record_read(ctx->field, PARA_ID_FIELDS,
                            para_span(record->data, record->len));

    return NGX_OK;
}
