/*
 * Wallets that may be needed, as they are written in the configuration, and
 * what of that cannot work.
 */

#include "ngx_http_para_auth.h"


static char *ngx_http_para_auth_wallet_type(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static char *ngx_http_para_auth_wallet_address(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static ngx_int_t ngx_http_para_auth_check_verify_wallet(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);
static ngx_uint_t ngx_http_para_auth_may_have(
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_wallet_t *wallet);
static ngx_uint_t ngx_http_para_auth_names_wallet(
    const ngx_http_para_auth_needs_t *wallets);


char *
ngx_http_para_auth_require_wallet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                         *rv;
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_para_auth_wallet_t  *wallet;

    wallet = ngx_http_para_auth_need(cf, cmd, conf,
                                     sizeof(ngx_http_para_auth_wallet_t));
    if (wallet == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&wallet->type);
    wallet->address = NGX_ERROR;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        rv = ngx_strncmp(value[i].data, "type=", 5) == 0
             ? ngx_http_para_auth_wallet_type(cf, wallet, &value[i])
             : ngx_http_para_auth_wallet_address(cf, wallet, &value[i]);

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

    if (!para_span_is_word(para_span(wallet->type.data, wallet->type.len))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid wallet type in \"%V\", write one as "
                           "\"type=EVM\"", value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_wallet_address(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value)
{
    if (wallet->address != NGX_ERROR) {
        return "names two variables: write one para_auth_require_wallet for "
               "each, the user must have them all";
    }

    return ngx_http_para_auth_variable(cf, value, &wallet->address,
                                       "\"type=EVM\" or the variable with the "
                                       "address, as \"$arg_address\"")
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_para_auth_check_needed_wallets(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t                          i;
    const ngx_http_para_auth_place_t   *place;
    const ngx_http_para_auth_wallet_t  *wallet;

    if (ngx_http_para_auth_check_verify_wallet(cf, lcf) != NGX_OK) {
        return NGX_ERROR;
    }

    wallet = lcf->wallets->list.elts;

    for (i = 0; i < lcf->wallets->list.nelts; i++) {

        if (ngx_http_para_auth_may_have(lcf, &wallet[i])) {
            continue;
        }

        place = &lcf->wallets->place;

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_require_wallet in %s:%ui lets nobody in where "
                      "para_auth in %s:%ui applies, since nothing says there "
                      "which wallets a user has: write \"claim wallets path;\" "
                      "into an issuer of provider \"%V\"%s", place->file,
                      place->line, lcf->file, lcf->line, &lcf->name,
                      wallet[i].address == NGX_ERROR
                      ? ", or take exported sessions"
                      : ", or take exported sessions and write "
                        "\"para_auth_verify_wallet on;\"");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* JWTs have addresses; of an exported session Para knows types and ids. */

static ngx_uint_t
ngx_http_para_auth_may_have(const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_wallet_t *wallet)
{
    if ((lcf->layers & NGX_HTTP_PARA_AUTH_JWT)
        && ngx_http_para_auth_has_claim(lcf->provider, PARA_CLAIM_WALLETS))
    {
        return 1;
    }

    return (lcf->credential.forms & PARA_FORM_EXPORTED)
           && (wallet->address == NGX_ERROR || lcf->ask_owner);
}


static ngx_int_t
ngx_http_para_auth_check_verify_wallet(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_place_t  *place;

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
                      "wallet is, and the server in %s:%ui has no way to Para "
                      "for that: include para-auth-wallets.conf there, a "
                      "location with \"para_auth_upstream %V wallets;\"",
                      place->file, place->line, lcf->server->file,
                      lcf->server->line, &lcf->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_para_auth_names_wallet(const ngx_http_para_auth_needs_t *wallets)
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
