/*
 * The Para auth gateway: the table of contents.  Directives, merging, the
 * steps of a request, variables.  What each step does stands in src/ngx, what
 * can be wrong in a check stands in src/core.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "src/core/para_digest.h"
#include "src/core/para_identity.h"
#include "src/core/para_reason.h"
#include "src/core/para_record.h"
#include "src/core/para_session.h"
#include "src/core/para_token.h"

#include "src/ngx/ngx_para_cache.h"
#include "src/ngx/ngx_para_challenge.h"
#include "src/ngx/ngx_para_credential.h"
#include "src/ngx/ngx_para_headers.h"
#include "src/ngx/ngx_para_inject.h"
#include "src/ngx/ngx_para_provider.h"
#include "src/ngx/ngx_para_upstream.h"
#include "src/ngx/ngx_para_verify.h"


#define NGX_HTTP_PARA_AUTH_JWT      0x01
#define NGX_HTTP_PARA_AUTH_SESSION  0x02


typedef enum {
    NGX_HTTP_PARA_AUTH_CACHE_NONE = 0,
    NGX_HTTP_PARA_AUTH_CACHE_HIT,
    NGX_HTTP_PARA_AUTH_CACHE_MISS,
    NGX_HTTP_PARA_AUTH_CACHE_WAIT
} ngx_http_para_auth_cache_e;


typedef struct {
    ngx_shm_zone_t             *zone;
    ngx_array_t                 providers;    /* ngx_para_provider_t * */
    ngx_para_inject_names_t     names;        /* that no client may send */
    ngx_array_t                 shown;        /* variables of headers */
    para_digest_t              *digest;
} ngx_http_para_auth_main_conf_t;


typedef struct {
    ngx_array_t                 targets;      /* ngx_para_verify_target_t * */
    ngx_array_t                 protected;    /* ngx_http_para_auth_loc_conf_t *
                                                 that check sessions */
} ngx_http_para_auth_srv_conf_t;


typedef struct {
    ngx_para_provider_t        *provider;     /* NULL: off */
    ngx_uint_t                  layers;       /* NGX_HTTP_PARA_AUTH_* */
    ngx_str_t                   name;         /* of provider, as written here */
    u_char                     *file;
    ngx_uint_t                  line;

    ngx_msec_t                  valid;
    ngx_msec_t                  negative;
    ngx_uint_t                  match;        /* para_match_e */

    ngx_para_credential_conf_t  credential;
    ngx_para_inject_conf_t      inject;

    ngx_para_upstream_t        *upstream;     /* marked: a way to Para */
    ngx_para_provider_t        *marked;       /* whose */

    ngx_para_verify_target_t   *target;       /* the way to Para from here */
    u_char                      policy[PARA_DIGEST_SIZE];
} ngx_http_para_auth_loc_conf_t;


/*
 * One client request.  Lives in a pool cleanup, because nginx zeroes the module
 * contexts on internal redirects.
 */

typedef struct {
    ngx_uint_t                            step;
    para_reason_e                         reason;
    unsigned                              decided:1;
    unsigned                              applied:1;   /* to the headers */

    /* the location whose policy let the request in, NULL: none did */
    const ngx_http_para_auth_loc_conf_t  *granted;

    para_span_t                           token;
    para_span_t                           session;
    u_char                                identity_key[PARA_DIGEST_SIZE];
    u_char                                session_key[PARA_DIGEST_SIZE];

    para_token_t                          verified;
    ngx_para_verify_t                     verify;
    ngx_str_t                             session_record;

    para_span_t                           field[PARA_ID_FIELDS];
    ngx_http_para_auth_cache_e            cache;

    ngx_para_headers_t                    client;      /* if applied */
    ngx_para_challenge_t                  challenge;
} ngx_http_para_auth_ctx_t;


typedef ngx_int_t (*ngx_http_para_auth_step_pt)(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


typedef struct {
    char                        *name;
    ngx_http_para_auth_step_pt   handler;
} ngx_http_para_auth_step_t;


static ngx_int_t ngx_http_para_auth_strip_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_preaccess_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_access_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_apply_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);

static ngx_int_t ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_step_token(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_step_session(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_step_identity(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);

static ngx_int_t ngx_http_para_auth_deny(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);
static void ngx_http_para_auth_log(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_use_session(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e reason, const ngx_str_t *record);
static void ngx_http_para_auth_store_session(
    const ngx_para_verify_result_t *result, const u_char *key, void *data);
static ngx_int_t ngx_http_para_auth_keys(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_guard(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);

static ngx_http_para_auth_ctx_t *ngx_http_para_auth_find_ctx(
    ngx_http_request_t *r);
static ngx_http_para_auth_ctx_t *ngx_http_para_auth_get_ctx(
    ngx_http_request_t *r);
static void ngx_http_para_auth_cleanup(void *data);

static ngx_int_t ngx_http_para_auth_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_set_variable(
    ngx_http_variable_value_t *v, const u_char *data, size_t len);
static ngx_int_t ngx_http_para_auth_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_para_auth_api_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static void *ngx_http_para_auth_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_para_auth_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_para_auth_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_para_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_para_auth_resolve(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);
static char *ngx_http_para_auth_policy(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);
static char *ngx_http_para_auth_mark(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);
static char *ngx_http_para_auth(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_para_auth_session_cache(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static void ngx_http_para_auth_free_digest(void *data);
static ngx_int_t ngx_http_para_auth_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_init_server(ngx_conf_t *cf,
    ngx_http_para_auth_srv_conf_t *scf);
static ngx_int_t ngx_http_para_auth_init_phases(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_init_process(ngx_cycle_t *cycle);


ngx_module_t  ngx_http_para_auth_module;


static ngx_conf_enum_t  ngx_http_para_auth_match[] = {
    { ngx_string("strict"), PARA_MATCH_STRICT },
    { ngx_string("present"), PARA_MATCH_PRESENT },
    { ngx_string("off"), PARA_MATCH_OFF },
    { ngx_null_string, 0 }
};


#define NGX_HTTP_PARA_AUTH_CONF                                               \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_HTTP_LMT_CONF


static ngx_command_t  ngx_http_para_auth_commands[] = {

    { ngx_string("para_auth_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_para_cache_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_para_auth_main_conf_t, zone),
      &ngx_http_para_auth_module },

    { ngx_string("para_auth_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_para_provider_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_para_auth_main_conf_t, providers),
      NULL },

    { ngx_string("para_auth"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE123,
      ngx_http_para_auth,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_token"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_1MORE,
      ngx_para_credential_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, credential.token),
      "bearer" },

    { ngx_string("para_auth_session_token"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_1MORE,
      ngx_para_credential_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, credential.session),
      NULL },

    { ngx_string("para_auth_session_cache"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE12,
      ngx_http_para_auth_session_cache,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_match"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, match),
      ngx_http_para_auth_match },

    { ngx_string("para_auth_header"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE12,
      ngx_para_inject_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, inject),
      NULL },

    { ngx_string("para_auth_upstream"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_para_upstream_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, upstream),
      NULL },

    /* inside para_auth_provider */

    { ngx_string("environment"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_para_provider_environment,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("api"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_para_provider_api,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("secret_key_file"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_para_provider_t, secret_key_file),
      NULL },

    { ngx_string("para_issuer"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_para_provider_t, para_issuer),
      NULL },

    { ngx_string("issuer"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_para_provider_issuer,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    /* of Para's own keys, or inside issuer */

    { ngx_string("key_file"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, key_file),
      NULL },

    { ngx_string("audience"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_1MORE,
      ngx_para_issuer_audience,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("leeway"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, leeway),
      NULL },

    { ngx_string("algorithms"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_1MORE,
      ngx_para_issuer_algorithms,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("iss"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, iss),
      NULL },

    { ngx_string("claim"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_2MORE,
      ngx_para_issuer_claim,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("include"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_include,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_para_auth_module_ctx = {
    ngx_http_para_auth_add_variables,      /* preconfiguration */
    ngx_http_para_auth_init,               /* postconfiguration */

    ngx_http_para_auth_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_para_auth_create_srv_conf,    /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_para_auth_create_loc_conf,    /* create location configuration */
    ngx_http_para_auth_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_para_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_para_auth_module_ctx,        /* module context */
    ngx_http_para_auth_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_para_auth_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* The way of one request.  A step that waits is entered again. */

static const ngx_http_para_auth_step_t  ngx_http_para_auth_steps[] = {
    { "credential", ngx_http_para_auth_step_credential },
    { "cache", ngx_http_para_auth_step_cache },
    { "token", ngx_http_para_auth_step_token },
    { "session", ngx_http_para_auth_step_session },
    { "identity", ngx_http_para_auth_step_identity },
    { NULL, NULL }
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

    { ngx_string("para_auth_identifier"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_IDENTIFIER,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_type"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_AUTH_TYPE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_issuer"), NULL,
      ngx_http_para_auth_field_variable, PARA_ID_ISSUER,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_cache"), NULL,
      ngx_http_para_auth_cache_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("para_auth_api"), NULL,
      ngx_http_para_auth_api_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/*
 * Wherever a request can begin or begin again: what a redirect finds is the
 * client's request without its look-alikes, and no identity of the location
 * that it came from.
 */

static ngx_int_t
ngx_http_para_auth_strip_handler(ngx_http_request_t *r)
{
    ngx_uint_t                       changed;
    ngx_http_para_auth_ctx_t        *ctx;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    changed = 0;

    if (r == r->main) {
        ctx = ngx_http_para_auth_find_ctx(r);

        if (ctx) {
            ctx->granted = NULL;
            ctx->step = 0;
        }

        if (ctx && ctx->applied) {
            ngx_para_headers_restore(r, &ctx->client);
            ctx->applied = 0;
            changed = 1;
        }
    }

    if (ngx_para_inject_strip(r, &mcf->names, &changed) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (changed) {
        ngx_para_headers_forget(r, &mcf->shown);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_para_auth_rewrite_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    rc = ngx_http_para_auth_guard(r, ctx);

    return rc == NGX_DECLINED ? ngx_http_para_auth_strip_handler(r) : rc;
}


static ngx_int_t
ngx_http_para_auth_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_para_auth_ctx_t       *ctx;
    ngx_http_para_auth_loc_conf_t  *lcf;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    rc = ngx_http_para_auth_guard(r, ctx);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->marked) {

        /* the guard let only our own subrequest come here */

        return ngx_para_verify_arm(&ctx->verify) == NGX_OK
               ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_para_auth_strip_handler(r);

    if (rc != NGX_DECLINED || r == r->main || lcf->provider == NULL) {
        return rc;
    }

    /*
     * nginx has no access phase for subrequests: one comes in here only if
     * the same policy let its main request in.
     */

    if (ctx == NULL || ctx->granted == NULL
        || ngx_memcmp(ctx->granted->policy, lcf->policy, PARA_DIGEST_SIZE)
           != 0)
    {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "para_auth: subrequest \"%V\" refused, because its main "
                      "request was not let in by the policy of its location",
                      &r->uri);
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_para_auth_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                         rc;
    ngx_http_para_auth_ctx_t         *ctx;
    ngx_http_para_auth_loc_conf_t    *lcf;
    const ngx_http_para_auth_step_t  *step;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->provider == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_para_auth_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for ( ;; ) {

        step = &ngx_http_para_auth_steps[ctx->step];

        if (step->handler == NULL) {
            break;
        }

        rc = step->handler(r, lcf, ctx);

        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "para_auth step %s: rc %i, %s", step->name, rc,
                       para_reason_name(ctx->reason));

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_DONE) {
            break;
        }

        if (rc != NGX_OK) {
            return ngx_http_para_auth_deny(r, ctx);
        }

        ctx->step++;
    }

    ctx->reason = PARA_OK;
    ctx->decided = 1;
    ctx->granted = lcf;

    para_token_free(&ctx->verified);
    ngx_para_challenge_withdraw(&ctx->challenge);

    return NGX_OK;
}


/*
 * The last thing before the content: credentials out, also when "satisfy any"
 * let the request in by another way, and the identity in.
 */

static ngx_int_t
ngx_http_para_auth_apply_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_para_auth_ctx_t        *ctx;
    ngx_http_para_auth_loc_conf_t   *lcf;
    ngx_http_para_auth_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->provider == NULL || lcf->marked) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_para_auth_get_ctx(r->main);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r == r->main) {
        ngx_para_headers_save(r, &ctx->client);
        ctx->applied = 1;
    }

    if (ngx_para_headers_edit(r, ngx_para_credential_remove, &lcf->credential,
                              ngx_para_inject_room(&lcf->inject))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->granted) {
        rc = ngx_para_inject_headers(r, &lcf->inject, ctx->field);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_HTTP_BAD_REQUEST
                                      : NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ngx_para_headers_forget(r, &mcf->shown);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_para_auth_header_filter(ngx_http_request_t *r)
{
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = r == r->main ? ngx_http_para_auth_find_ctx(r) : NULL;

    /* error_page can make a success of a refusal: no challenge then */

    if (ctx && r->headers_out.status < NGX_HTTP_BAD_REQUEST) {
        ngx_para_challenge_withdraw(&ctx->challenge);
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_para_auth_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_para_auth_ctx_t  *ctx;

    if (r != r->main) {

        ctx = ngx_http_para_auth_find_ctx(r->main);

        if (ctx && ngx_para_verify_is(&ctx->verify, r)) {
            ngx_para_verify_capture(&ctx->verify, in);
            return NGX_OK;
        }
    }

    return ngx_http_next_body_filter(r, in);
}


static ngx_int_t
ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_reason_e  token, session;

    ctx->decided = 0;
    ctx->granted = NULL;
    ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_NONE;
    ctx->token = PARA_SPAN_NONE;
    ctx->session = PARA_SPAN_NONE;
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

    /* what is wrong comes before what is missing, the token before the session:
     * contract, "precedence" */

    if (token != PARA_OK && token != PARA_TOKEN_MISSING) {
        ctx->reason = token;

    } else if (session != PARA_OK && session != PARA_SESSION_MISSING) {
        ctx->reason = session;

    } else {
        ctx->reason = token != PARA_OK ? token : session;
    }

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_str_t                        record;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (ngx_http_para_auth_keys(r, lcf, ctx) != NGX_OK) {
        ctx->reason = PARA_CRYPTO;
        return NGX_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    rc = ngx_para_cache_identity_lookup(mcf->zone->data, ctx->identity_key,
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


static ngx_int_t
ngx_http_para_auth_step_token(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_JWT)) {
        return NGX_OK;
    }

    ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_MISS;

    para_token_free(&ctx->verified);

    ctx->reason = para_token_verify(&ctx->verified, lcf->provider->issuers,
                                    lcf->provider->nissuers, ctx->token,
                                    ngx_time());

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
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

    verify = &ctx->verify;
    ctx->reason = PARA_UNAVAILABLE;

    if (verify->pending) {

        if (verify->done) {
            verify->pending = 0;
            return ngx_http_para_auth_use_session(ctx, verify->result.reason,
                                                  &verify->result.record);
        }

        if (!verify->retry) {
            return NGX_AGAIN;
        }
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    rc = ngx_para_cache_session_lookup(mcf->zone->data, ctx->session_key,
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

    rc = ngx_para_verify_start(r, verify, lcf->target, ctx->session_key,
                               ctx->session, ngx_http_para_auth_store_session,
                               mcf->zone->data);

    if (rc != NGX_AGAIN) {
        ctx->reason = PARA_NO_MEMORY;
        return NGX_ERROR;
    }

    ctx->cache = verify->leader ? NGX_HTTP_PARA_AUTH_CACHE_MISS
                                : NGX_HTTP_PARA_AUTH_CACHE_WAIT;

    return NGX_AGAIN;
}


static ngx_int_t
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

    ngx_para_cache_identity_store(mcf->zone->data, ctx->identity_key, end,
                                  &record, bound ? ctx->session_key : NULL,
                                  &ctx->session_record);

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_deny(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    time_t  retry_after;

    ctx->decided = 1;
    ctx->granted = NULL;
    ngx_memzero(ctx->field, sizeof(ctx->field));

    ngx_http_para_auth_log(r, ctx);

    para_token_free(&ctx->verified);

    retry_after = ctx->verify.done ? ctx->verify.result.retry_after
                                   : NGX_PARA_VERIFY_RETRY_AFTER;

    return ngx_para_challenge_send(r, &ctx->challenge,
                                   para_reason_code(ctx->reason), retry_after);
}


/* One line for each refusal; the credential only as a short hash. */

static void
ngx_http_para_auth_log(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    u_char                           digest[PARA_DIGEST_SIZE], hex[16], *kid;
    size_t                           len;
    para_span_t                      issuer;
    para_code_e                      code;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (r->connection->log->log_level < NGX_LOG_INFO) {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ngx_memzero(digest, sizeof(digest));

    (void) para_digest_key(mcf->digest, digest,
                           ctx->token.data ? &ctx->token : &ctx->session, 1);

    ngx_hex_dump(hex, digest, sizeof(hex) / 2);

    /* escaped as for JSON: at most six characters for one */

    len = ngx_min(ctx->verified.jws.kid.len, 64);
    kid = ngx_pnalloc(r->pool, len * 6 + 1);
    if (kid == NULL) {
        return;
    }

    len = (u_char *) ngx_escape_json(kid, (u_char *) ctx->verified.jws.kid.data,
                                     len) - kid;

    issuer = ctx->verified.issuer ? ctx->verified.issuer->name
                                  : PARA_SPAN_NONE;
    code = para_reason_code(ctx->reason);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "para_auth: refused, code %s, reason %s, issuer \"%*s\", "
                  "kid \"%*s\", credential %*s", para_code_name(code),
                  para_reason_name(ctx->reason), issuer.len, issuer.data, len,
                  kid, sizeof(hex), hex);
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
    ngx_para_cache_t *cache = data;

    ngx_para_cache_session_t  session;

    if (result->reason != PARA_OK && result->reason != PARA_SESSION_ENDED) {
        return;
    }

    session.active = (result->reason == PARA_OK);
    session.record = result->record;

    ngx_para_cache_session_store(cache, key, &session);
}


static ngx_int_t
ngx_http_para_auth_keys(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    para_span_t                      part[3];
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    part[0] = para_span(lcf->policy, PARA_DIGEST_SIZE);
    part[1] = ctx->token;
    part[2] = ctx->session;

    if (!para_digest_key(mcf->digest, ctx->identity_key, part, 3)) {
        return NGX_ERROR;
    }

    part[0] = para_span(lcf->provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = PARA_SPAN("verification token");

    if (!para_digest_key(mcf->digest, ctx->session_key, part, 3)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Marked locations are for our own subrequests, and those for marked locations.
 * NGX_DECLINED: go on.
 */

static ngx_int_t
ngx_http_para_auth_guard(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (r != r->main && ctx && ngx_para_verify_is(&ctx->verify, r)) {
        rc = ngx_para_verify_admit(&ctx->verify, lcf->marked);
        return rc == NGX_OK ? NGX_DECLINED : rc;
    }

    return lcf->marked ? NGX_HTTP_NOT_FOUND : NGX_DECLINED;
}


static ngx_http_para_auth_ctx_t *
ngx_http_para_auth_find_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_para_auth_module);

    if (ctx || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    /* the module contexts were cleared, as for ngx_http_realip_module */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_para_auth_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_para_auth_module);
            return cln->data;
        }
    }

    return NULL;
}


static ngx_http_para_auth_ctx_t *
ngx_http_para_auth_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_para_auth_find_ctx(r);

    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_para_auth_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_para_auth_ctx_t));

    cln->handler = ngx_http_para_auth_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_para_auth_module);

    return ctx;
}


static void
ngx_http_para_auth_cleanup(void *data)
{
    ngx_http_para_auth_ctx_t *ctx = data;

    para_token_free(&ctx->verified);
}


static ngx_int_t
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


/* Empty until granted, and empty after a refusal. */

static ngx_int_t
ngx_http_para_auth_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_para_auth_ctx_t  *ctx;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    if (ctx == NULL || ctx->granted == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, ctx->field[data].data,
                                           ctx->field[data].len);
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
    ngx_http_para_auth_ctx_t  *ctx;

    static const ngx_str_t  name[] = {
        ngx_null_string, ngx_string("HIT"), ngx_string("MISS"),
        ngx_string("WAIT")
    };

    ctx = ngx_http_para_auth_find_ctx(r->main);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, name[ctx->cache].data,
                                           name[ctx->cache].len);
}


/* The base of Para's URLs, only where a location is marked for it. */

static ngx_int_t
ngx_http_para_auth_api_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->marked == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_para_auth_set_variable(v, lcf->marked->api.data,
                                           lcf->marked->api.len);
}


static void *
ngx_http_para_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_main_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (mcf == NULL || cln == NULL) {
        return NULL;
    }

    mcf->digest = para_digest_create();
    if (mcf->digest == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_para_auth_free_digest;
    cln->data = mcf->digest;

    if (ngx_array_init(&mcf->providers, cf->pool, 2,
                       sizeof(ngx_para_provider_t *))
        != NGX_OK
        || ngx_array_init(&mcf->shown, cf->pool, 8, sizeof(ngx_uint_t))
           != NGX_OK
        || ngx_para_inject_init_names(cf, &mcf->names) != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static void
ngx_http_para_auth_free_digest(void *data)
{
    para_digest_free(data);
}


static void *
ngx_http_para_auth_create_srv_conf(ngx_conf_t *cf)
{
    ngx_http_para_auth_srv_conf_t  *scf;

    scf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_srv_conf_t));
    if (scf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&scf->targets, cf->pool, 1,
                       sizeof(ngx_para_verify_target_t *))
        != NGX_OK
        || ngx_array_init(&scf->protected, cf->pool, 4,
                          sizeof(ngx_http_para_auth_loc_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return scf;
}


static void *
ngx_http_para_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->provider = NGX_CONF_UNSET_PTR;
    lcf->valid = NGX_CONF_UNSET_MSEC;
    lcf->negative = NGX_CONF_UNSET_MSEC;
    lcf->match = NGX_CONF_UNSET_UINT;

    return lcf;
}


static char *
ngx_http_para_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_para_auth_loc_conf_t *prev = parent;
    ngx_http_para_auth_loc_conf_t *conf = child;

    char                             *rv;
    ngx_http_para_auth_loc_conf_t   **lcf;
    ngx_http_para_auth_srv_conf_t    *scf;
    ngx_http_para_auth_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);
    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_para_auth_module);

    if (conf->provider == NGX_CONF_UNSET_PTR && conf->name.data == NULL) {
        conf->provider = prev->provider;
        conf->layers = prev->layers;
        conf->name = prev->name;
        conf->file = prev->file;
        conf->line = prev->line;
    }

    ngx_conf_merge_msec_value(conf->valid, prev->valid, 30000);
    ngx_conf_merge_msec_value(conf->negative, prev->negative, 5000);
    ngx_conf_merge_uint_value(conf->match, prev->match, PARA_MATCH_STRICT);

    rv = ngx_para_credential_merge(cf, &prev->credential, &conf->credential);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_para_inject_merge(cf, &mcf->names, &prev->inject, &conf->inject);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->upstream) {
        rv = ngx_http_para_auth_mark(cf, mcf, conf);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_http_para_auth_resolve(cf, mcf, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->provider == NULL) {
        return NGX_CONF_OK;
    }

    if (conf->layers & NGX_HTTP_PARA_AUTH_SESSION) {

        lcf = ngx_array_push(&scf->protected);
        if (lcf == NULL) {
            return NGX_CONF_ERROR;
        }

        *lcf = conf;
    }

    return ngx_http_para_auth_policy(cf, mcf, conf);
}


/* The provider may stand behind the location that names it. */

static char *
ngx_http_para_auth_resolve(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf)
{
    if (lcf->provider != NGX_CONF_UNSET_PTR) {
        return NGX_CONF_OK;
    }

    if (lcf->name.len == 0) {
        lcf->provider = NULL;
        return NGX_CONF_OK;
    }

    lcf->provider = ngx_para_provider_find(&mcf->providers, &lcf->name);

    if (lcf->provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui names the unknown provider \"%V\": "
                      "add \"para_auth_provider %V { ... }\" to http{}",
                      lcf->file, lcf->line, &lcf->name, &lcf->name);
        return NGX_CONF_ERROR;
    }

    if (mcf->zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui has no zone to keep what it found "
                      "out: add \"para_auth_zone para:16m;\" to http{}",
                      lcf->file, lcf->line);
        return NGX_CONF_ERROR;
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION
        && lcf->provider->secret_key.len == 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth in %s:%ui checks sessions, and provider "
                      "\"%V\" has no \"secret_key_file\" to ask Para with",
                      lcf->file, lcf->line, &lcf->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* What an identity that is cached under this location depends on. */

static char *
ngx_http_para_auth_policy(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t   rules[2];
    para_span_t  part[2];

    rules[0] = lcf->layers;
    rules[1] = lcf->match;

    part[0] = para_span(lcf->provider->token_policy, PARA_DIGEST_SIZE);
    part[1] = para_span(rules, sizeof(rules));

    if (!para_digest_key(mcf->digest, lcf->policy, part, 2)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "SHA-256 failed");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_mark(ngx_conf_t *cf, ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t                       i;
    ngx_para_upstream_t             *upstream;
    ngx_para_verify_target_t        *target, **targets;
    ngx_http_para_auth_srv_conf_t   *scf;

    upstream = lcf->upstream;
    scf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_para_auth_module);

    lcf->marked = ngx_para_provider_find(&mcf->providers, &upstream->provider);

    if (lcf->marked == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_upstream in %s:%ui names the unknown provider "
                      "\"%V\": add \"para_auth_provider %V { ... }\" to http{}",
                      upstream->file, upstream->line, &upstream->provider,
                      &upstream->provider);
        return NGX_CONF_ERROR;
    }

    targets = scf->targets.elts;

    for (i = 0; i < scf->targets.nelts; i++) {
        if (targets[i]->provider == lcf->marked) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "para_auth_upstream in %s:%ui: this server has "
                          "another location for \"%V verify\" already, remove "
                          "one of them", upstream->file, upstream->line,
                          &upstream->provider);
            return NGX_CONF_ERROR;
        }
    }

    target = ngx_pcalloc(cf->pool, sizeof(ngx_para_verify_target_t)
                                   + sizeof(ngx_uint_t));
    targets = ngx_array_push(&scf->targets);

    if (target == NULL || targets == NULL) {
        return NGX_CONF_ERROR;
    }

    target->uri = upstream->uri;
    target->provider = lcf->marked;
    target->secret_key = lcf->marked->secret_key;
    target->faulty = (ngx_uint_t *) (target + 1);

    *targets = target;

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, layer;

    if (lcf->provider != NGX_CONF_UNSET_PTR || lcf->name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->file = cf->conf_file->file.name.data;
    lcf->line = cf->conf_file->line;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            return "takes nothing beside \"off\"";
        }

        lcf->provider = NULL;
        return NGX_CONF_OK;
    }

    lcf->name = value[1];

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "jwt") == 0) {
            layer = NGX_HTTP_PARA_AUTH_JWT;

        } else if (ngx_strcmp(value[i].data, "session") == 0) {
            layer = NGX_HTTP_PARA_AUTH_SESSION;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown layer \"%V\", it is \"jwt\" or "
                               "\"session\"; none stands for both", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (lcf->layers & layer) {
            return "names a layer twice";
        }

        lcf->layers |= layer;
    }

    if (lcf->layers == 0) {
        lcf->layers = NGX_HTTP_PARA_AUTH_JWT|NGX_HTTP_PARA_AUTH_SESSION;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_session_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    ngx_int_t    time;
    ngx_str_t   *value, s;
    ngx_uint_t   i;
    ngx_msec_t  *msec;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "valid=", 6) == 0) {
            msec = &lcf->valid;
            s.data = value[i].data + 6;
            s.len = value[i].len - 6;

        } else if (ngx_strncmp(value[i].data, "negative=", 9) == 0) {
            msec = &lcf->negative;
            s.data = value[i].data + 9;
            s.len = value[i].len - 9;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it is "
                               "\"valid=time\" or \"negative=time\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*msec != NGX_CONF_UNSET_MSEC) {
            return "is duplicate";
        }

        time = ngx_parse_time(&s, 0);

        if (time == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid time in \"%V\", write one as \"30s\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        *msec = (ngx_msec_t) time;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_para_auth_init(ngx_conf_t *cf)
{
    ngx_uint_t                        i;
    ngx_http_core_srv_conf_t        **cscf;
    ngx_http_core_main_conf_t        *cmcf;
    ngx_http_para_auth_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    if (mcf->providers.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        if (ngx_http_para_auth_init_server(cf,
                   cscf[i]->ctx->srv_conf[ngx_http_para_auth_module.ctx_index])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_para_headers_variables(cf, &mcf->shown) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_para_auth_init_phases(cf);
}


/* Every location that checks sessions gets its way to Para. */

static ngx_int_t
ngx_http_para_auth_init_server(ngx_conf_t *cf,
    ngx_http_para_auth_srv_conf_t *scf)
{
    ngx_uint_t                       i, j;
    ngx_para_verify_target_t       **target;
    ngx_http_para_auth_loc_conf_t  **lcf;

    lcf = scf->protected.elts;
    target = scf->targets.elts;

    for (i = 0; i < scf->protected.nelts; i++) {

        for (j = 0; j < scf->targets.nelts; j++) {
            if (target[j]->provider == lcf[i]->provider) {
                lcf[i]->target = target[j];
            }
        }

        if (lcf[i]->target == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "para_auth in %s:%ui checks sessions, and the server "
                          "has no way to Para for \"%V\": include "
                          "para-auth-verify.conf, a location with "
                          "\"para_auth_upstream %V verify;\"",
                          lcf[i]->file, lcf[i]->line, &lcf[i]->name,
                          &lcf[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_init_phases(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_array_t                *handlers;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    static const struct {
        ngx_http_phases         phase;
        ngx_http_handler_pt     handler;
    } phases[] = {
        { NGX_HTTP_POST_READ_PHASE, ngx_http_para_auth_strip_handler },
        { NGX_HTTP_SERVER_REWRITE_PHASE, ngx_http_para_auth_strip_handler },
        { NGX_HTTP_REWRITE_PHASE, ngx_http_para_auth_rewrite_handler },
        { NGX_HTTP_PREACCESS_PHASE, ngx_http_para_auth_preaccess_handler },
        { NGX_HTTP_ACCESS_PHASE, ngx_http_para_auth_access_handler },
        { NGX_HTTP_PRECONTENT_PHASE, ngx_http_para_auth_apply_handler }
    };

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    for (i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {

        handlers = &cmcf->phases[phases[i].phase].handlers;

        h = ngx_array_push(handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        /*
         * nginx runs the last of a phase first.  In the access phase we are
         * the first of the array: its own modules decide before us, and Para
         * is not asked for who is refused anyway.
         */

        if (phases[i].phase == NGX_HTTP_ACCESS_PHASE) {
            h = handlers->elts;
            ngx_memmove(h + 1, h, (handlers->nelts - 1)
                                  * sizeof(ngx_http_handler_pt));
        }

        *h = phases[i].handler;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_para_auth_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_para_auth_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_init_process(ngx_cycle_t *cycle)
{
    ngx_para_verify_init();

    return NGX_OK;
}
