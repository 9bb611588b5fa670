/*
 * What may be needed beside a good name, as it is written in the configuration,
 * and what of that cannot work.
 */

#include "ngx_http_para_auth.h"


static char *ngx_http_para_auth_wallet_type(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static char *ngx_http_para_auth_wallet_variable(ngx_conf_t *cf,
    ngx_http_para_auth_wallet_t *wallet, ngx_str_t *value);
static ngx_uint_t ngx_http_para_auth_is_word(const ngx_str_t *s);
static ngx_int_t ngx_http_para_auth_note(ngx_conf_t *cf,
    ngx_http_para_auth_place_t *place, ngx_command_t *cmd, char *idle);
static ngx_uint_t ngx_http_para_auth_names_wallet(
    const ngx_http_para_auth_wallets_t *wallets);


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
