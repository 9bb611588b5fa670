/*
 * $para_auth_*: only what was verified.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_wallet.h"


static ngx_int_t ngx_http_para_auth_set_variable(ngx_http_variable_value_t *v,
    const u_char *data, size_t len);
static ngx_int_t ngx_http_para_auth_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_wallet_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_trace_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_api_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_secret_key_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_public_key_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_cookie_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static const ngx_para_question_t *ngx_http_para_auth_leaving(
    ngx_http_request_t *r);


/* The types that have a variable of their own. */

enum {
    NGX_HTTP_PARA_AUTH_EVM = 0,
    NGX_HTTP_PARA_AUTH_SOLANA,
    NGX_HTTP_PARA_AUTH_COSMOS,
    NGX_HTTP_PARA_AUTH_STELLAR
};


static ngx_http_variable_t  ngx_http_para_auth_variables[] = {

    { ngx_string("para_auth_status"), NULL,
      ngx_http_para_auth_status_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_user_id"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_USER_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_internal_user_id"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_INTERNAL_USER_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_roles"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_ROLES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_wallets"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_WALLETS,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_wallet_evm"), NULL,
      ngx_http_para_auth_wallet_variable, NGX_HTTP_PARA_AUTH_EVM,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_wallet_solana"), NULL,
      ngx_http_para_auth_wallet_variable, NGX_HTTP_PARA_AUTH_SOLANA,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_wallet_cosmos"), NULL,
      ngx_http_para_auth_wallet_variable, NGX_HTTP_PARA_AUTH_COSMOS,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_wallet_stellar"), NULL,
      ngx_http_para_auth_wallet_variable, NGX_HTTP_PARA_AUTH_STELLAR,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_identifier"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_IDENTIFIER,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_type"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_AUTH_TYPE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_email"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_EMAIL,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_oauth_method"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_OAUTH_METHOD,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_expires"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_EXPIRES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_issuer"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_ISSUER,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_cache"), NULL,
      ngx_http_para_auth_cache_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_trace"), NULL,
      ngx_http_para_auth_trace_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_api"), NULL,
      ngx_http_para_auth_api_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_secret_key"), NULL,
      ngx_http_para_auth_secret_key_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_public_key"), NULL,
      ngx_http_para_auth_public_key_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_session_cookie"), NULL,
      ngx_http_para_auth_cookie_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_para_auth_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_para_auth_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_set_variable(ngx_http_variable_value_t *v,
    const u_char *data, size_t len)
{
    if (len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->data = (u_char *) data;
    v->len = len;

    return NGX_OK;
}


/* Empty until it may be shown, and empty after a refusal. */

static ngx_int_t
ngx_http_para_auth_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const para_span_t  *field;

    field = ngx_http_para_auth_shown(r, ngx_http_para_auth_find_ctx(r->main));

    if (field == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, field[data].data,
                                           field[data].len);
}


/* The first address of a type. */

static ngx_int_t
ngx_http_para_auth_wallet_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    para_span_t         address;
    const para_span_t  *field;

    static const para_span_t  type[] = {
        [NGX_HTTP_PARA_AUTH_EVM] = { (u_char *) "EVM", 3 },
        [NGX_HTTP_PARA_AUTH_SOLANA] = { (u_char *) "SOLANA", 6 },
        [NGX_HTTP_PARA_AUTH_COSMOS] = { (u_char *) "COSMOS", 6 },
        [NGX_HTTP_PARA_AUTH_STELLAR] = { (u_char *) "STELLAR", 7 }
    };

    field = ngx_http_para_auth_shown(r, ngx_http_para_auth_find_ctx(r->main));

    if (field == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    address = para_wallet_first(field[PARA_ID_WALLETS], type[data]);

    return ngx_http_para_auth_set_variable(v, address.data, address.len);
}


ngx_int_t
ngx_http_para_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    para_span_t                      value;
    const para_span_t               *field;
    ngx_http_para_auth_main_conf_t  *mcf;

    field = ngx_http_para_auth_shown(r, ngx_http_para_auth_find_ctx(r->main));

    if (field == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    value = para_claim_value(field[PARA_ID_CLAIMS], mcf->claims.n, data);

    return ngx_http_para_auth_set_variable(v, value.data, value.len);
}


static ngx_int_t
ngx_http_para_auth_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const char                *name;
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    if (ctx == NULL || !ctx->decided) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = para_code_name(para_reason_code(ctx->reason));

    return ngx_http_para_auth_set_variable(v, (u_char *) name,
                                           ngx_strlen(name));
}


static ngx_int_t
ngx_http_para_auth_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t           *name;
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    if (!ngx_http_para_auth_granted(r, ctx)) {
        v->not_found = 1;
        return NGX_OK;
    }

    name = ngx_http_para_auth_cache_name(ctx);

    return ngx_http_para_auth_set_variable(v, name->data, name->len);
}


const ngx_str_t *
ngx_http_para_auth_cache_name(const ngx_http_para_auth_ctx_t *ctx)
{
    static const ngx_str_t  name[] = {
        ngx_null_string, ngx_string("HIT"), ngx_string("MISS"),
        ngx_string("WAIT"), ngx_string("STALE"), ngx_string("REFRESH")
    };

    return &name[ctx->cache];
}


/* Subrequests are not decided about: in their logs it would stand twice. */

static ngx_int_t
ngx_http_para_auth_trace_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = r == r->main ? ngx_http_para_auth_find_ctx(r) : NULL;

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, ctx->trace.data, ctx->trace.len);
}


/* The base of Para's URLs, only where a location is marked for it. */

static ngx_int_t
ngx_http_para_auth_api_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->marked == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, lcf->marked->api.data,
                                           lcf->marked->api.len);
}


/*
 * Para's API keys and what is asked about, at the one moment when they are
 * written into a request of ours that goes to Para, and empty to everybody
 * else.
 */

static ngx_int_t
ngx_http_para_auth_secret_key_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t                      *key;
    const ngx_para_question_t            *question;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    v->not_found = 1;

    question = ngx_http_para_auth_leaving(r);

    if (question == NULL || !ngx_para_endpoint_secret(question->endpoint)) {
        return NGX_OK;
    }

    ngx_para_call_arm(ngx_para_call_of(r));

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);
    key = &lcf->marked->secret_key;

    return ngx_http_para_auth_set_variable(v, key->data, key->len);
}


static ngx_int_t
ngx_http_para_auth_public_key_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_str_t                      *key;
    const ngx_para_question_t            *question;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    v->not_found = 1;

    question = ngx_http_para_auth_leaving(r);

    if (question == NULL || ngx_para_endpoint_secret(question->endpoint)) {
        return NGX_OK;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);
    key = &lcf->marked->public_key;

    return ngx_http_para_auth_set_variable(v, key->data, key->len);
}


static ngx_int_t
ngx_http_para_auth_cookie_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    const ngx_para_question_t  *question;

    v->not_found = 1;

    question = ngx_http_para_auth_leaving(r);

    if (question == NULL || question->endpoint != NGX_PARA_TOUCH) {
        return NGX_OK;
    }

    ngx_para_call_arm(ngx_para_call_of(r));

    return ngx_http_para_auth_set_variable(v, question->cookie.data,
                                           question->cookie.len);
}


/* What r asks Para, if it is a call that is being written to Para itself. */

static const ngx_para_question_t *
ngx_http_para_auth_leaving(ngx_http_request_t *r)
{
    ngx_para_call_t                      *call;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    call = ngx_para_call_of(r);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (call == NULL || lcf->marked == NULL
        || r->upstream == NULL || r->upstream->request_sent)
    {
        return NULL;
    }

    if (!ngx_para_upstream_leads_to_api(r, lcf->upstream)) {
        ngx_para_call_withhold(call);
        return NULL;
    }

    return ngx_para_call_question(call);
}
