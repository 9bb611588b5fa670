/*
 * What a user must have beside a good name.  It is looked at on every request,
 * however its identity was found out.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache.h"
#include "../core/para_wallet.h"


/* Addresses and answers that a requirement is held against. */

typedef struct {
    const ngx_http_para_auth_wallet_t  *wallet;
    para_span_t                         address;
    u_char                              key[PARA_DIGEST_SIZE];
} ngx_http_para_auth_claim_t;


static ngx_uint_t ngx_http_para_auth_is_word(const ngx_str_t *s);
static char *ngx_http_para_auth_wallet_type(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static char *ngx_http_para_auth_wallet_variable(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static ngx_int_t ngx_http_para_auth_note(ngx_conf_t *cf,
    ngx_http_para_auth_place_t *place, ngx_command_t *cmd, char *idle);
static ngx_uint_t ngx_http_para_auth_names_wallet(
    const ngx_http_para_auth_wallets_t *wallets);
static ngx_int_t ngx_http_para_auth_address(ngx_http_request_t *r,
    const ngx_http_para_auth_wallet_t *wallet, ngx_str_t *address);
static ngx_str_t *ngx_http_para_auth_addresses(ngx_http_request_t *r,
    const ngx_http_para_auth_wallets_t *wallets);
static ngx_int_t ngx_http_para_auth_check_wallet(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_http_para_auth_claim_t *claim);
static para_reason_e ngx_http_para_auth_check_listed(
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim);
static ngx_uint_t ngx_http_para_auth_may_ask(
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim);
static para_span_t ngx_http_para_auth_canonical(u_char *dst,
    para_span_t address);
static ngx_int_t ngx_http_para_auth_claim_key(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_claim_t *claim);
static ngx_int_t ngx_http_para_auth_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_claim_t *claim, ngx_uint_t *known,
    ngx_para_result_t *result);
static ngx_int_t ngx_http_para_auth_ask_owner(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim, ngx_uint_t known,
    ngx_para_result_t *result);
static para_reason_e ngx_http_para_auth_check_owner(
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim, const ngx_para_result_t *result);


static ngx_inline para_span_t
ngx_http_para_auth_span(const ngx_str_t *s)
{
    return para_span(s->data, s->len);
}


/* Letters, digits and "_": what names of types and variables are made of. */

static ngx_uint_t
ngx_http_para_auth_is_word(const ngx_str_t *s)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < s->len; i++) {
        ch = s->data[i] | 0x20;

        if ((ch < 'a' || ch > 'z')
            && (s->data[i] < '0' || s->data[i] > '9') && s->data[i] != '_')
        {
            return 0;
        }
    }

    return s->len != 0;
}


char *
ngx_http_para_auth_require_wallet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char                         *rv;
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_para_auth_wallet_t  *wallet;

    if (lcf->wallets == NULL) {

        lcf->wallets = ngx_pcalloc(cf->pool,
                                   sizeof(ngx_http_para_auth_wallets_t));

        if (lcf->wallets == NULL
            || ngx_array_init(&lcf->wallets->list, cf->pool, 1,
                              sizeof(ngx_http_para_auth_wallet_t))
               != NGX_OK
            || ngx_http_para_auth_note(cf, &lcf->wallets->place, cmd,
                                       "protects nothing: there is no "
                                       "\"para_auth\" where it applies")
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    wallet = ngx_array_push(&lcf->wallets->list);
    if (wallet == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&wallet->type);
    wallet->address = NGX_ERROR;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        rv = ngx_strncmp(value[i].data, "type=", 5) == 0
             ? ngx_http_para_auth_wallet_type(cf, wallet, &value[i])
             : ngx_http_para_auth_wallet_variable(cf, wallet, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* Which types there are is Para's to say: only what none can be is refused. */

static char *
ngx_http_para_auth_wallet_type(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value)
{
    if (wallet->type.len) {
        return "has two types: write one para_auth_require_wallet for each, "
               "the user must have them all";
    }

    wallet->type.data = value->data + 5;
    wallet->type.len = value->len - 5;

    if (!ngx_http_para_auth_is_word(&wallet->type)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid wallet type in \"%V\", write one as "
                           "\"type=EVM\"", value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_wallet_variable(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value)
{
    ngx_str_t  name;

    if (wallet->address != NGX_ERROR) {
        return "names two variables: write one para_auth_require_wallet for "
               "each, the user must have them all";
    }

    name.data = value->data + 1;
    name.len = value->len - 1;

    if (value->data[0] != '$' || !ngx_http_para_auth_is_word(&name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it is \"type=EVM\" or "
                           "the variable with the address, as "
                           "\"$arg_address\"", value);
        return NGX_CONF_ERROR;
    }

    wallet->address = ngx_http_get_variable_index(cf, &name);

    return wallet->address == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


char *
ngx_http_para_auth_verify_wallet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    ngx_str_t                            *value;
    ngx_http_para_auth_verify_wallet_t   *verify;

    if (lcf->verify_wallet) {
        return "is duplicate";
    }

    verify = ngx_pcalloc(cf->pool,
                         sizeof(ngx_http_para_auth_verify_wallet_t));
    if (verify == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->verify_wallet = verify;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return "takes \"on\" or \"off\"";
    }

    verify->on = 1;

    if (ngx_http_para_auth_note(cf, &verify->place, cmd,
                                "has nothing to verify: add "
                                "\"para_auth_require_wallet $variable;\" where "
                                "it applies")
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* Where it is written, and what to say if that turns out to be in vain. */

static ngx_int_t
ngx_http_para_auth_note(ngx_conf_t *cf, ngx_http_para_auth_place_t *place,
    ngx_command_t *cmd, char *idle)
{
    ngx_http_para_auth_place_t      **noted;
    ngx_http_para_auth_main_conf_t   *mcf;

    place->file = cf->conf_file->file.name.data;
    place->line = cf->conf_file->line;
    place->directive = &cmd->name;
    place->idle = idle;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    noted = ngx_array_push(&mcf->places);
    if (noted == NULL) {
        return NGX_ERROR;
    }

    *noted = place;

    return NGX_OK;
}


void
ngx_http_para_auth_merge_policy(const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf)
{
    if (conf->wallets == NULL) {
        conf->wallets = prev->wallets;
    }

    if (conf->verify_wallet == NULL) {
        conf->verify_wallet = prev->verify_wallet;
    }
}


ngx_int_t
ngx_http_para_auth_check_policy(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_place_t  *place;

    if (lcf->wallets == NULL) {
        return NGX_OK;
    }

    lcf->wallets->place.used = 1;

    if (lcf->verify_wallet == NULL || !lcf->verify_wallet->on
        || !ngx_http_para_auth_names_wallet(lcf->wallets))
    {
        return NGX_OK;
    }

    lcf->ask_owner = 1;

    place = &lcf->verify_wallet->place;
    place->used = 1;

    if (lcf->provider->secret_key.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_verify_wallet in %s:%ui: provider \"%V\" has "
                      "no \"secret_key_file\" to ask Para with", place->file,
                      place->line, &lcf->name);
        return NGX_ERROR;
    }

    if (lcf->target[NGX_PARA_WALLETS] == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_verify_wallet in %s:%ui asks Para whose a "
                      "wallet is, and the server has no way to Para for that: "
                      "include para-auth-wallets.conf, a location with "
                      "\"para_auth_upstream %V wallets;\"", place->file,
                      place->line, &lcf->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_para_auth_check_places(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_uint_t                    i;
    ngx_http_para_auth_place_t  **place;

    place = mcf->places.elts;

    for (i = 0; i < mcf->places.nelts; i++) {
        if (!place[i]->used) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%V in %s:%ui %s",
                          place[i]->directive, place[i]->file,
                          place[i]->line, place[i]->idle);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_para_auth_names_wallet(const ngx_http_para_auth_wallets_t *wallets)
{
    ngx_uint_t                          i;
    const ngx_http_para_auth_wallet_t  *wallet;

    wallet = wallets->list.elts;

    for (i = 0; i < wallets->list.nelts; i++) {
        if (wallet[i].address != NGX_ERROR) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_para_auth_step_policy(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                           rc;
    ngx_http_para_auth_claim_t          claim;
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

        claim.wallet = &wallet[ctx->wallet];
        claim.address = ngx_http_para_auth_span(&ctx->addresses[ctx->wallet]);

        rc = ngx_http_para_auth_check_wallet(r, lcf, ctx, &claim);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->wallet++;
    }

    return NGX_OK;
}


/*
 * Nothing can wait here: what only Para can say counts if it has said so
 * already.
 */

para_reason_e
ngx_http_para_auth_check_subrequest(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, const ngx_http_para_auth_ctx_t *ctx)
{
    ngx_str_t                           address;
    ngx_uint_t                          i, known;
    para_reason_e                       reason;
    ngx_para_result_t                   result;
    ngx_http_para_auth_claim_t          claim;
    const ngx_http_para_auth_wallet_t  *wallet;

    if (lcf->wallets == NULL) {
        return PARA_OK;
    }

    wallet = lcf->wallets->list.elts;

    for (i = 0; i < lcf->wallets->list.nelts; i++) {

        if (ngx_http_para_auth_address(r, &wallet[i], &address) != NGX_OK) {
            return PARA_NO_MEMORY;
        }

        claim.wallet = &wallet[i];
        claim.address = ngx_http_para_auth_span(&address);

        reason = ngx_http_para_auth_check_listed(ctx, &claim);

        if (reason != PARA_OK && ngx_http_para_auth_may_ask(lcf, ctx, &claim)
            && ngx_http_para_auth_claim_key(r, lcf, &claim) == NGX_OK
            && ngx_http_para_auth_owner(r, lcf, &claim, &known, &result)
               == NGX_OK)
        {
            reason = ngx_http_para_auth_check_owner(ctx, &claim, &result);
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
    const ngx_http_para_auth_wallets_t *wallets)
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
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_http_para_auth_claim_t *claim)
{
    ngx_int_t          rc;
    ngx_uint_t         known;
    ngx_para_result_t  result;

    ctx->reason = ngx_http_para_auth_check_listed(ctx, claim);

    if (ctx->reason == PARA_OK) {
        return NGX_OK;
    }

    if (!ngx_http_para_auth_may_ask(lcf, ctx, claim)) {
        return NGX_DECLINED;
    }

    if (ngx_http_para_auth_claim_key(r, lcf, claim) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    rc = ngx_http_para_auth_asked(r, ctx, claim->key, &result);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_owner(r, lcf, claim, &known, &result);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_ask_owner(r, lcf, ctx, claim, known, &result);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    ctx->retry_after = result.retry_after;
    ctx->reason = ngx_http_para_auth_check_owner(ctx, claim, &result);

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


/*
 * What the user's own lists say.  Of an exported session without a JWT there
 * are no addresses, but there are the wallets.
 */

static para_reason_e
ngx_http_para_auth_check_listed(const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim)
{
    para_span_t    type;
    para_reason_e  reason;

    type = ngx_http_para_auth_span(&claim->wallet->type);

    if (claim->wallet->address != NGX_ERROR) {
        return para_wallet_check_address(ctx->field[PARA_ID_WALLETS], type,
                                         claim->address);
    }

    reason = para_wallet_check_type(ctx->field[PARA_ID_WALLETS], type);

    return reason == PARA_OK
           ? PARA_OK
           : para_wallet_check_type(ctx->field[PARA_ID_WALLET_IDS], type);
}


static ngx_uint_t
ngx_http_para_auth_may_ask(const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim)
{
    return lcf->ask_owner
           && para_wallet_may_ask(ctx->field[PARA_ID_WALLET_IDS],
                                ngx_http_para_auth_span(&claim->wallet->type),
                                claim->address);
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
ngx_http_para_auth_claim_key(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_http_para_auth_claim_t *claim)
{
    u_char                           address[PARA_WALLET_ADDRESS_MAX];
    para_span_t                      part[3];
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    part[0] = para_span(lcf->provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = PARA_SPAN("wallet");
    part[2] = ngx_http_para_auth_canonical(address, claim->address);

    return para_digest_key(mcf->digest, claim->key, part, 3)
           ? NGX_OK : NGX_ERROR;
}


/*
 * Para's last word on an address, kept as its word on a session is.  Nobody
 * renews it: it is asked for again when it has ended.
 */

static ngx_int_t
ngx_http_para_auth_owner(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_claim_t *claim, ngx_uint_t *known,
    ngx_para_result_t *result)
{
    ngx_int_t                        rc;
    para_renewal_policy_t            policy;
    ngx_para_cache_session_t         cached;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    policy = lcf->renewal;
    policy.refresh = 0;

    rc = ngx_para_cache_session_lookup(mcf->zone, claim->key, &policy, r->pool,
                                       &cached);

    *known = cached.known;

    ngx_memzero(result, sizeof(ngx_para_result_t));

    result->reason = cached.active ? PARA_OK : PARA_SESSION_ENDED;
    result->record = cached.record;

    return rc;
}


static ngx_int_t
ngx_http_para_auth_ask_owner(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim, ngx_uint_t known,
    ngx_para_result_t *result)
{
    u_char               address[PARA_WALLET_ADDRESS_MAX];
    ngx_para_question_t  question;

    if (ngx_para_question_wallet(r->pool, &question,
                                 ngx_http_para_auth_canonical(address,
                                                              claim->address))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_para_auth_ask(r, lcf, ctx, claim->key, &question, known,
                                  result);
}


/*
 * That Para knows the wallet says only that it is somebody's: it must be one of
 * the user's own.  Nobody's is kept like a session that has ended.
 */

static para_reason_e
ngx_http_para_auth_check_owner(const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_claim_t *claim, const ngx_para_result_t *result)
{
    if (result->reason == PARA_SESSION_ENDED) {
        return PARA_WALLET_MISSING;
    }

    if (result->reason != PARA_OK) {
        return result->reason;
    }

    return para_wallet_check_id(ctx->field[PARA_ID_WALLET_IDS],
                                ngx_http_para_auth_span(&claim->wallet->type),
                                ngx_http_para_auth_span(&result->record));
}
