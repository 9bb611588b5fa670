/*
 * Wallets that a user must have.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache.h"
#include "../core/para_wallet.h"


/* What a request names as its user's, for one wallet that he must have. */

typedef struct {
    const ngx_http_para_auth_wallet_t  *wallet;
    para_span_t                         address;
    u_char                              key[PARA_DIGEST_SIZE];
} ngx_http_para_auth_named_t;


static ngx_int_t ngx_http_para_auth_address(ngx_http_request_t *r,
    const ngx_http_para_auth_wallet_t *wallet, ngx_str_t *address);
static ngx_str_t *ngx_http_para_auth_addresses(ngx_http_request_t *r,
    const ngx_http_para_auth_needs_t *wallets);
static ngx_int_t ngx_http_para_auth_check_wallet(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_http_para_auth_named_t *named);
static para_reason_e ngx_http_para_auth_check_listed(
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named);
static ngx_uint_t ngx_http_para_auth_may_ask(
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named);
static para_span_t ngx_http_para_auth_canonical(u_char *dst,
    para_span_t address);
static ngx_int_t ngx_http_para_auth_named_key(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_named_t *named);
static ngx_int_t ngx_http_para_auth_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_named_t *named, ngx_uint_t *known,
    ngx_para_result_t *result);
static ngx_int_t ngx_http_para_auth_ask_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named, ngx_uint_t known,
    ngx_para_result_t *result);
static para_reason_e ngx_http_para_auth_check_owner(
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named, const ngx_para_result_t *result);


static ngx_inline para_span_t
ngx_http_para_auth_span(const ngx_str_t *s)
{
    return para_span(s->data, s->len);
}


ngx_int_t
ngx_http_para_auth_step_wallets(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                           rc;
    ngx_http_para_auth_named_t          named;
    const ngx_http_para_auth_wallet_t  *wallet;

    if (lcf->wallets == NULL) {
        return NGX_OK;
    }

    if (ctx->addresses == NULL) {

        ctx->addresses = ngx_http_para_auth_addresses(r, lcf->wallets);
        if (ctx->addresses == NULL) {
            ctx->reason = PARA_NO_MEMORY;
            return NGX_ERROR;
        }

        ctx->wallet = 0;
    }

    wallet = lcf->wallets->list.elts;

    /* what was found good is not looked at again after waiting for another */

    while (ctx->wallet < lcf->wallets->list.nelts) {

        named.wallet = &wallet[ctx->wallet];
        named.address = ngx_http_para_auth_span(&ctx->addresses[ctx->wallet]);

        rc = ngx_http_para_auth_check_wallet(r, lcf, ctx, &named);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->wallet++;
    }

    return NGX_OK;
}


para_reason_e
ngx_http_para_auth_check_wallets(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    ngx_str_t                           address;
    ngx_uint_t                          i, known;
    para_reason_e                       reason;
    ngx_para_result_t                   result;
    ngx_http_para_auth_named_t          named;
    const ngx_http_para_auth_wallet_t  *wallet;

    if (lcf->wallets == NULL) {
        return PARA_OK;
    }

    wallet = lcf->wallets->list.elts;

    for (i = 0; i < lcf->wallets->list.nelts; i++) {

        if (ngx_http_para_auth_address(r, &wallet[i], &address) != NGX_OK) {
            return PARA_NO_MEMORY;
        }

        named.wallet = &wallet[i];
        named.address = ngx_http_para_auth_span(&address);

        reason = ngx_http_para_auth_check_listed(ctx, &named);

        if (reason != PARA_OK && ngx_http_para_auth_may_ask(lcf, ctx, &named)
            && ngx_http_para_auth_named_key(r, lcf, &named) == NGX_OK
            && ngx_http_para_auth_owner(r, lcf, &named, &known, &result)
               == NGX_OK)
        {
            reason = ngx_http_para_auth_check_owner(ctx, &named, &result);
        }

        if (reason != PARA_OK) {
            return reason;
        }
    }

    return PARA_OK;
}


/* Empty if the variable is, or if there is none. */

static ngx_int_t
ngx_http_para_auth_address(ngx_http_request_t *r,
    const ngx_http_para_auth_wallet_t *wallet, ngx_str_t *address)
{
    ngx_http_variable_value_t  *vv;

    ngx_str_null(address);

    if (wallet->address == NGX_ERROR) {
        return NGX_OK;
    }

    vv = ngx_http_get_flushed_variable(r, wallet->address);

    if (vv == NULL || vv->not_found || vv->len == 0) {
        return NGX_OK;
    }

    address->data = ngx_pnalloc(r->pool, vv->len);
    if (address->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(address->data, vv->data, vv->len);
    address->len = vv->len;

    return NGX_OK;
}


/*
 * All of them, before anything waits: what is asked about is what was named,
 * whatever a variable says a moment later.
 */

static ngx_str_t *
ngx_http_para_auth_addresses(ngx_http_request_t *r,
    const ngx_http_para_auth_needs_t *wallets)
{
    ngx_str_t                          *addresses;
    ngx_uint_t                          i;
    const ngx_http_para_auth_wallet_t  *wallet;

    wallet = wallets->list.elts;

    addresses = ngx_palloc(r->pool, wallets->list.nelts * sizeof(ngx_str_t));
    if (addresses == NULL) {
        return NULL;
    }

    for (i = 0; i < wallets->list.nelts; i++) {
        if (ngx_http_para_auth_address(r, &wallet[i], &addresses[i])
            != NGX_OK)
        {
            return NULL;
        }
    }

    return addresses;
}


static ngx_int_t
ngx_http_para_auth_check_wallet(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_http_para_auth_named_t *named)
{
    ngx_int_t          rc;
    ngx_uint_t         known;
    ngx_para_result_t  result;

    ctx->reason = ngx_http_para_auth_check_listed(ctx, named);

    if (ctx->reason == PARA_OK) {
        return NGX_OK;
    }

    if (!ngx_http_para_auth_may_ask(lcf, ctx, named)) {
        return NGX_DECLINED;
    }

    if (ngx_http_para_auth_named_key(r, lcf, named) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    rc = ngx_http_para_auth_asked(r, ctx, named->key, &result);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_owner(r, lcf, named, &known, &result);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_ask_owner(r, lcf, ctx, named, known, &result);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    ctx->retry_after = result.retry_after;
    ctx->reason = ngx_http_para_auth_check_owner(ctx, named, &result);

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


/*
 * What the user's own lists say.  Of an exported session without a JWT there
 * are no addresses, but there are the wallets.
 */

static para_reason_e
ngx_http_para_auth_check_listed(const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named)
{
    para_span_t    type;
    para_reason_e  reason;

    type = ngx_http_para_auth_span(&named->wallet->type);

    if (named->wallet->address != NGX_ERROR) {
        return para_wallet_check_address(ctx->field[PARA_ID_WALLETS], type,
                                         named->address);
    }

    reason = para_wallet_check_type(ctx->field[PARA_ID_WALLETS], type);

    return reason == PARA_OK
           ? PARA_OK
           : para_wallet_check_type(ctx->field[PARA_ID_WALLET_IDS], type);
}


static ngx_uint_t
ngx_http_para_auth_may_ask(const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named)
{
    return lcf->ask_owner
           && para_wallet_may_ask(ctx->field[PARA_ID_WALLET_IDS],
                                ngx_http_para_auth_span(&named->wallet->type),
                                named->address);
}


/*
 * One address, one question, one answer: else a client could have it kept that
 * nobody owns what he wrote in an odd case.  dst has PARA_WALLET_ADDRESS_MAX
 * bytes, which is as long as an address is that Para may be asked for.
 */

static para_span_t
ngx_http_para_auth_canonical(u_char *dst, para_span_t address)
{
    if (!para_wallet_is_evm(address)) {
        return address;
    }

    ngx_strlow(dst, (u_char *) address.data, address.len);

    return para_span(dst, address.len);
}


static ngx_int_t
ngx_http_para_auth_named_key(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_named_t *named)
{
    u_char                           address[PARA_WALLET_ADDRESS_MAX];
    para_span_t                      part[3];
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    part[0] = para_span(lcf->provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = PARA_SPAN("wallet");
    part[2] = ngx_http_para_auth_canonical(address, named->address);

    return para_digest_key(mcf->digest, named->key, part, 3)
           ? NGX_OK : NGX_ERROR;
}


/*
 * Para's last word on an address, kept as its word on a session is.  Nobody
 * renews it: it is asked for again when it has ended.
 */

static ngx_int_t
ngx_http_para_auth_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_named_t *named, ngx_uint_t *known,
    ngx_para_result_t *result)
{
    ngx_int_t                        rc;
    para_renewal_policy_t            policy;
    ngx_para_cache_session_t         cached;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    policy = lcf->renewal;
    policy.refresh = 0;

    rc = ngx_para_cache_session_lookup(mcf->zone, named->key, &policy, r->pool,
                                       &cached);

    *known = cached.known;

    ngx_memzero(result, sizeof(ngx_para_result_t));

    result->reason = cached.active ? PARA_OK : PARA_SESSION_ENDED;
    result->record = cached.record;

    return rc;
}


static ngx_int_t
ngx_http_para_auth_ask_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named, ngx_uint_t known,
    ngx_para_result_t *result)
{
    u_char               address[PARA_WALLET_ADDRESS_MAX];
    ngx_para_question_t  question;

    if (ngx_para_question_wallet(r->pool, &question,
                                 ngx_http_para_auth_canonical(address,
                                                              named->address))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_para_auth_ask(r, lcf, ctx, named->key, &question, known,
                                  result);
}


/*
 * That Para knows the wallet says only that it is somebody's: it must be one of
 * the user's own.  Nobody's is kept like a session that has ended.
 */

static para_reason_e
ngx_http_para_auth_check_owner(const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_named_t *named, const ngx_para_result_t *result)
{
    if (result->reason == PARA_SESSION_ENDED) {
        return PARA_WALLET_MISSING;
    }

    if (result->reason != PARA_OK) {
        return result->reason;
    }

    return para_wallet_check_id(ctx->field[PARA_ID_WALLET_IDS],
                                ngx_http_para_auth_span(&named->wallet->type),
                                ngx_http_para_auth_span(&result->record));
}
