/*
 * The Para auth gateway: the table of contents.  Directives, the steps of a
 * request, the phases.  What each does stands in src/ngx, what can be wrong in
 * a check stands in src/core.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "src/core/para_exported.h"
#include "src/core/para_reason.h"
#include "src/core/para_trace.h"

#include "src/ngx/ngx_http_para_auth.h"
#include "src/ngx/ngx_para_cache.h"
#include "src/ngx/ngx_para_fetch.h"
#include "src/ngx/ngx_para_flight.h"
#include "src/ngx/ngx_para_keys.h"


typedef ngx_int_t (*ngx_http_para_auth_step_pt)(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


typedef struct {
    char                        *name;
    ngx_http_para_auth_step_pt   handler;
    ngx_uint_t                   always;   /* also if it is known who it is */
    ngx_uint_t                   early;    /* also before the access phase */
} ngx_http_para_auth_step_t;


static ngx_int_t ngx_http_para_auth_grant(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_begin(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_init_phases(ngx_conf_t *cf);
static ngx_int_t ngx_http_para_auth_init_module(ngx_cycle_t *cycle);
static void ngx_http_para_auth_go_first(ngx_http_phase_handler_t *ph,
    ngx_uint_t first, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_para_auth_init_process(ngx_cycle_t *cycle);
static void ngx_http_para_auth_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_para_auth_match[] = {
    { ngx_string("strict"), PARA_MATCH_STRICT },
    { ngx_string("present"), PARA_MATCH_PRESENT },
    { ngx_string("off"), PARA_MATCH_OFF },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_para_auth_session_type[] = {
    { ngx_string("any"), PARA_FORM_ANY },
    { ngx_string("token"), PARA_FORM_TOKEN },
    { ngx_string("exported"), PARA_FORM_EXPORTED },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_para_auth_signer[] = {
    { ngx_string("deny"), PARA_SIGNER_DENY },
    { ngx_string("allow"), PARA_SIGNER_ALLOW },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_para_auth_error_format[] = {
    { ngx_string("text"), NGX_HTTP_PARA_AUTH_TEXT },
    { ngx_string("json"), NGX_HTTP_PARA_AUTH_JSON },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_para_auth_preflight[] = {
    { ngx_string("deny"), 0 },
    { ngx_string("pass"), 1 },
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
      &ngx_http_para_auth_module },

    { ngx_string("para_auth_claim_set"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_para_auth_claim_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
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

    { ngx_string("para_auth_forward_credentials"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, credential.forward),
      NULL },

    { ngx_string("para_auth_session_type"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, session_type),
      ngx_http_para_auth_session_type },

    { ngx_string("para_auth_exported_signer"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, signer),
      ngx_http_para_auth_signer },

    { ngx_string("para_auth_session_cache"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1234,
      ngx_http_para_auth_session_cache,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_keep_alive"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_http_para_auth_keep_alive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_match"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, match),
      ngx_http_para_auth_match },

    { ngx_string("para_auth_require_role"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_1MORE,
      ngx_http_para_auth_require_role,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, roles),
      NULL },

    { ngx_string("para_auth_require"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_1MORE,
      ngx_http_para_auth_require,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, requirements),
      NULL },

    { ngx_string("para_auth_require_wallet"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_para_auth_require_wallet,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, wallets),
      NULL },

    { ngx_string("para_auth_verify_wallet"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_http_para_auth_switch,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, verify_wallet),
      "has nothing to verify: add \"para_auth_require_wallet $variable;\" "
      "where it applies" },

    { ngx_string("para_auth_preflight"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, preflight),
      ngx_http_para_auth_preflight },

    { ngx_string("para_auth_dry_run"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_http_para_auth_switch,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, dry_run),
      "has nothing to try: there is no \"para_auth\" where it applies" },

    { ngx_string("para_auth_header"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE12,
      ngx_para_inject_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, inject),
      NULL },

    { ngx_string("para_auth_assertion"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_1MORE,
      ngx_http_para_auth_assertion,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_jwks"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_para_auth_jwks,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_realm"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_para_challenge_realm,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, realm),
      NULL },

    { ngx_string("para_auth_error_format"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, error_format),
      ngx_http_para_auth_error_format },

    { ngx_string("para_auth_upstream"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_para_upstream_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, upstream),
      NULL },

    { ngx_string("para_auth_revoke"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_para_auth_revoke,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("para_auth_explain"),
      NGX_HTTP_PARA_AUTH_CONF|NGX_CONF_FLAG,
      ngx_http_para_auth_explain,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_para_auth_loc_conf_t, explain),
      NULL },

    { ngx_string("para_auth_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_para_auth_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
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

    { ngx_string("public_key"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_SRV_CONF_OFFSET,
      offsetof(ngx_para_provider_t, public_key),
      NULL },

    { ngx_string("renew_window"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_para_auth_renew_window,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
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

    { ngx_string("state_path"),
      NGX_PARA_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_para_provider_state_path,
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

    { ngx_string("jwks_refresh"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, refresh),
      NULL },

    { ngx_string("jwks_cooldown"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, cooldown),
      NULL },

    { ngx_string("jwks_max_stale"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, max_stale),
      NULL },

    { ngx_string("jwks_trusted_certificate"),
      NGX_PARA_PROVIDER_CONF|NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, trusted_certificate),
      NULL },

    { ngx_string("jwks_uri"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, jwks_uri),
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

    { ngx_string("hmac_key_file"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, hmac_key_file),
      NULL },

    { ngx_string("max_age"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, max_age),
      NULL },

    { ngx_string("require_exp"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_para_issuer_t, require_exp),
      NULL },

    { ngx_string("require_claim"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_1MORE,
      ngx_para_issuer_require_claim,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("typ"),
      NGX_PARA_ISSUER_CONF|NGX_CONF_1MORE,
      ngx_para_issuer_typ,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
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
    ngx_http_para_auth_begin,              /* preconfiguration */
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
    ngx_http_para_auth_init_module,        /* init module */
    ngx_http_para_auth_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_para_auth_exit_process,       /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* The way of one request.  A step that waits is entered again. */

static const ngx_http_para_auth_step_t  ngx_http_para_auth_steps[] = {
    { "credential", ngx_http_para_auth_step_credential, 0, 1 },
    { "cache", ngx_http_para_auth_step_cache, 0, 1 },
    { "exported", ngx_http_para_auth_step_exported, 0, 1 },
    { "token", ngx_http_para_auth_step_token, 0, 1 },
    { "session", ngx_http_para_auth_step_session, 0, 0 },
    { "identity", ngx_http_para_auth_step_identity, 0, 0 },
    { "policy", ngx_http_para_auth_step_policy, 1, 0 },
    { "wallets", ngx_http_para_auth_step_wallets, 1, 0 },
    { NULL, NULL, 1, 0 }
};

_Static_assert(sizeof(ngx_http_para_auth_steps)
               / sizeof(ngx_http_para_auth_steps[0]) - 1 <= PARA_TRACE_STEPS,
               "all steps fit into a trace");


ngx_int_t
ngx_http_para_auth_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_http_para_auth_ctx_t             *ctx;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->provider == NULL) {
        return NGX_DECLINED;
    }

    if (lcf->preflight && ngx_http_para_auth_is_preflight(r)) {
        ngx_http_para_auth_count_preflight(lcf);
        return NGX_DECLINED;
    }

    ctx = ngx_http_para_auth_get_ctx(r);
    if (ctx == NULL) {
        return ngx_http_para_auth_is_dry(lcf) ? NGX_DECLINED
                                              : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_para_auth_resume(r, lcf, ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_para_auth_walk(r, lcf, ctx, 0);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    return rc == NGX_OK ? ngx_http_para_auth_grant(r, lcf, ctx)
                        : ngx_http_para_auth_deny(r, ctx);
}


ngx_int_t
ngx_http_para_auth_walk(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_uint_t early)
{
    ngx_int_t                         rc;
    const ngx_http_para_auth_step_t  *step;

    if (ctx->step == 0) {
        ctx->explain = lcf->explain ? ngx_http_para_auth_explain_begin(r)
                                    : NULL;
    }

    for ( ;; ) {

        step = &ngx_http_para_auth_steps[ctx->step];

        if (step->handler == NULL || (early && !step->early)) {
            return NGX_OK;
        }

        if (ctx->explain) {
            ngx_http_para_auth_explain_enter(ctx->explain, step->name);
        }

        ctx->known = step->always;
        rc = step->handler(r, lcf, ctx);
        ctx->known = 0;

        if (ctx->explain) {
            ngx_http_para_auth_explain_leave(ctx->explain, rc);
        }

        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "para_auth step %s: rc %i, %s", step->name, rc,
                       para_reason_name(ctx->reason));

        if (rc != NGX_OK && rc != NGX_DONE) {
            return rc;
        }

        do {
            ctx->step++;
        } while (rc == NGX_DONE
                 && !ngx_http_para_auth_steps[ctx->step].always);
    }
}


/* In a dry run others say whether it is let in, and nobody gets an identity. */

static ngx_int_t
ngx_http_para_auth_grant(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ctx->reason = PARA_OK;
    ctx->decided = 1;

    ngx_http_para_auth_count_decision(lcf, PARA_OK);

    if (ctx->renew) {
        ngx_http_para_auth_renew(r, lcf, ctx);
    }

    if (ctx->explain) {
        ngx_http_para_auth_explain_end(r, ctx, NGX_OK);
    }

    ngx_http_para_auth_release(ctx);

    if (ngx_http_para_auth_is_dry(lcf)) {
        ctx->tried = lcf;
        return NGX_DECLINED;
    }

    ctx->granted = lcf;

    ngx_para_challenge_withdraw(&ctx->challenge);

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_begin(ngx_conf_t *cf)
{
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    if (ngx_http_para_auth_add_variables(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_para_auth_lint_start(cf, mcf);
}


static ngx_int_t
ngx_http_para_auth_init(ngx_conf_t *cf)
{
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    ngx_para_observe_stop(&mcf->observe);

    if (ngx_http_para_auth_init_claims(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (mcf->providers.list.nelts == 0) {
        return ngx_http_para_auth_check_places(cf, mcf);
    }

    if (ngx_http_para_auth_init_decisions(cf, mcf) != NGX_OK
        || ngx_http_para_auth_init_servers(cf) != NGX_OK
        || ngx_http_para_auth_check_places(cf, mcf) != NGX_OK
        || ngx_http_para_auth_lint(cf, mcf) != NGX_OK
        || ngx_para_headers_variables(cf, &mcf->shown) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_para_auth_init_filters();

    return ngx_http_para_auth_init_phases(cf);
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

    return NGX_OK;
}


/* The order of all handlers is known. */

static ngx_int_t
ngx_http_para_auth_init_module(ngx_cycle_t *cycle)
{
    ngx_http_phase_handler_t        *ph;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_para_auth_module);

    if (mcf == NULL || mcf->providers.list.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_core_module);
    ph = cmcf->phase_engine.handlers;

    ngx_http_para_auth_go_first(ph, cmcf->phase_engine.server_rewrite_index,
                                ngx_http_para_auth_strip_handler);
    ngx_http_para_auth_go_first(ph, cmcf->phase_engine.location_rewrite_index,
                                ngx_http_para_auth_rewrite_handler);

    return NGX_OK;
}


/*
 * Where a redirect or a subrequest begins, another module would find the
 * identity that was granted to the location before, and its headers.
 */

static void
ngx_http_para_auth_go_first(ngx_http_phase_handler_t *ph, ngx_uint_t first,
    ngx_http_handler_pt handler)
{
    ngx_uint_t  i;

    for (i = first; ph[i].handler != handler; i++) { /* void */ }

    while (i > first) {
        ph[i].handler = ph[i - 1].handler;
        i--;
    }

    ph[first].handler = handler;
}


static ngx_int_t
ngx_http_para_auth_init_process(ngx_cycle_t *cycle)
{
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_para_auth_module);

    if (mcf == NULL || ngx_process == NGX_PROCESS_HELPER) {
        return NGX_OK;
    }

    ngx_para_flight_init();
    ngx_para_renew_init_process();

    if (mcf->providers.sources.nelts == 0 && mcf->renewals.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_para_fetch_init_process(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_para_keys_start(cycle, &mcf->providers.sources);

    return NGX_OK;
}


static void
ngx_http_para_auth_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_para_auth_module);

    if (mcf) {
        ngx_para_renew_stop();
        ngx_para_keys_stop(&mcf->providers.sources);
        ngx_para_fetch_exit_process(cycle);
    }
}
