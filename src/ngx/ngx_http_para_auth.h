/*
 * What the files of the glue share: the configuration, and the context of one
 * request.  Adapters do not know it.
 *
 * Then what each of these files has for the others, a paragraph for each: first
 * those of the configuration, then those that a request meets, in that order,
 * then what is shown of an identity, at last the locations that answer
 * themselves.
 */

#ifndef NGX_HTTP_PARA_AUTH_H
#define NGX_HTTP_PARA_AUTH_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_assertion.h"
#include "../core/para_claim_set.h"
#include "../core/para_digest.h"
#include "../core/para_exported.h"
#include "../core/para_identity.h"
#include "../core/para_reason.h"
#include "../core/para_renewal.h"
#include "../core/para_token.h"

#include "ngx_para_await.h"
#include "ngx_para_call.h"
#include "ngx_para_challenge.h"
#include "ngx_para_credential.h"
#include "ngx_para_headers.h"
#include "ngx_para_inject.h"
#include "ngx_para_keys.h"
#include "ngx_para_observe.h"
#include "ngx_para_problem.h"
#include "ngx_para_provider.h"
#include "ngx_para_renew.h"
#include "ngx_para_upstream.h"


#define NGX_HTTP_PARA_AUTH_JWT      0x01
#define NGX_HTTP_PARA_AUTH_SESSION  0x02


/* The body of a refusal. */

#define NGX_HTTP_PARA_AUTH_TEXT     0         /* nginx's own page */
#define NGX_HTTP_PARA_AUTH_JSON     1


typedef enum {
    NGX_HTTP_PARA_AUTH_CACHE_NONE = 0,
    NGX_HTTP_PARA_AUTH_CACHE_HIT,
    NGX_HTTP_PARA_AUTH_CACHE_MISS,
    NGX_HTTP_PARA_AUTH_CACHE_WAIT,
    NGX_HTTP_PARA_AUTH_CACHE_STALE,
    NGX_HTTP_PARA_AUTH_CACHE_REFRESH
} ngx_http_para_auth_cache_e;


typedef struct {
    ngx_shm_zone_t             *zone;
    ngx_para_providers_t        providers;
    ngx_array_t                 renewals;     /* ngx_para_renew_t *: each
                                                 provider's that has one */
    ngx_para_inject_names_t     names;        /* that no client may send */
    ngx_array_t                 shown;        /* variables of headers */
    ngx_array_t                 paths;        /* para_span_t: of the claims that
                                                 variables show */
    para_claim_set_t            claims;       /* these, when all are known */
    ngx_array_t                 revokes;      /* ngx_http_para_auth_revoke_t *:
                                                 where they are taken */
    ngx_array_t                 places;       /* ngx_http_para_auth_place_t * */
    ngx_para_observe_t          observe;      /* while http{} is read */
    ngx_array_t                 signing_keys; /* para_private_key_t *: of
                                                 assertions */
    ngx_str_t                   jwks;         /* their public keys, if shown */
    para_digest_t              *digest;
    ngx_int_t                   request_id;   /* index of the variable, if
                                                 anything is explained */
} ngx_http_para_auth_main_conf_t;


typedef struct {
    ngx_array_t                 targets;      /* ngx_para_call_target_t * */
    ngx_array_t                 marked;       /* ngx_http_para_auth_loc_conf_t *
                                                 that lead to Para */
    ngx_array_t                 protected;    /* ngx_http_para_auth_loc_conf_t *
                                                 that are not off */
    u_char                     *file;         /* where it begins */
    ngx_uint_t                  line;
} ngx_http_para_auth_srv_conf_t;


/* A location where revocations are taken. */

typedef struct {
    ngx_str_t                   name;         /* of provider, as written here */
    u_char                     *file;
    ngx_uint_t                  line;
    size_t                      size;         /* of the zone */
    ngx_para_revoke_t          *list;
    void                      **loc_conf;     /* of all modules */
} ngx_http_para_auth_revoke_t;


/* Of a directive that is a mistake where nothing comes of it. */

typedef struct {
    ngx_str_t                  *directive;
    u_char                     *file;
    ngx_uint_t                  line;
    char                       *idle;         /* what to say then */
    ngx_uint_t                  used;
} ngx_http_para_auth_place_t;


/* A wallet that the user must have. */

typedef struct {
    ngx_str_t                   type;         /* empty: any */
    ngx_int_t                   address;      /* index of the variable with it,
                                                 NGX_ERROR: any */
} ngx_http_para_auth_wallet_t;


/* Roles of which the user must have one. */

typedef struct {
    para_span_t                *name;         /* encoded as in PARA_ID_ROLES */
    ngx_uint_t                  names;
} ngx_http_para_auth_role_t;


/* Variables that all must be neither empty nor "0" nor "false". */

typedef struct {
    ngx_array_t                 variables;    /* ngx_int_t: their indices */
    para_reason_e               reason;       /* if one of them is */
} ngx_http_para_auth_requirement_t;


/* What the user must have: all of a list. */

typedef struct {
    ngx_array_t                 list;         /* of one of the three above */
    ngx_http_para_auth_place_t  place;        /* of the first */
} ngx_http_para_auth_needs_t;


/* An "on" that is a mistake where nothing comes of it. */

typedef struct {
    ngx_uint_t                  on;
    ngx_http_para_auth_place_t  place;        /* if on */
} ngx_http_para_auth_switch_t;


/* A JWT that we sign, for the application to know an identity as ours. */

typedef struct {
    para_assertion_policy_t      policy;      /* the first of its keys signs */
    ngx_para_inject_name_t       header;
    ngx_http_para_auth_place_t   place;
    u_char                       digest[PARA_DIGEST_SIZE];   /* of the policy */
} ngx_http_para_auth_assertion_t;


typedef struct ngx_http_para_auth_loc_conf_s  ngx_http_para_auth_loc_conf_t;

struct ngx_http_para_auth_loc_conf_s {

    /* para_auth, and where it is written */

    ngx_para_provider_t        *provider;     /* NULL: off */
    ngx_uint_t                  layers;       /* NGX_HTTP_PARA_AUTH_* */
    ngx_str_t                   name;         /* of provider, as written here */
    u_char                     *file;
    ngx_uint_t                  line;

    /* where the location stands */

    void                      **loc_conf;     /* of all modules */
    const ngx_http_para_auth_loc_conf_t  *outer;  /* that it stands in, NULL:
                                                     http{} */
    const ngx_http_para_auth_srv_conf_t  *server;   /* if not off */

    /* what is looked for in a request, and how it must match */

    ngx_para_credential_conf_t  credential;
    ngx_uint_t                  session_type; /* PARA_FORM_*, 0: by what the
                                                 server and provider have */
    ngx_uint_t                  signer;       /* para_signer_e */
    ngx_uint_t                  match;        /* para_match_e */

    /* how long Para's word counts */

    para_renewal_policy_t       renewal;
    ngx_para_renew_t           *renew;        /* NULL: refresh=off */
    ngx_msec_t                  keep_alive;   /* 0: off */

    /* what the user must have; NULL: nothing, or it is not said */

    ngx_http_para_auth_needs_t   *roles;
    ngx_http_para_auth_needs_t   *requirements;
    ngx_http_para_auth_needs_t   *wallets;
    ngx_http_para_auth_switch_t  *verify_wallet;
    ngx_uint_t                    ask_owner;  /* Para, about an address */

    /* how a decision is made and shown */

    ngx_uint_t                    preflight;  /* 1: goes on, whosesoever */
    ngx_http_para_auth_switch_t  *dry_run;    /* NULL: it is not said */
    ngx_flag_t                    explain;
    ngx_str_t                     realm;
    ngx_uint_t                    error_format;   /* NGX_HTTP_PARA_AUTH_TEXT
                                                     or _JSON */

    /* what the application is told */

    ngx_para_inject_conf_t           inject;
    ngx_http_para_auth_assertion_t  *assertion;     /* NULL: off */

    /* a location that answers itself; NULL: not with this */

    ngx_http_handler_pt           content;
    ngx_http_para_auth_place_t   *jwks;
    ngx_http_para_auth_revoke_t  *revoke;

    /* a location that is a way to Para; NULL: it is none */

    ngx_para_upstream_t        *upstream;
    ngx_para_provider_t        *marked;       /* whose */
    ngx_para_call_target_t     *way;          /* where it leads */

    /* of one that is protected, when all is read: the ways to Para from here,
       by endpoint, NULL: none; and what an identity depends on */

    ngx_para_call_target_t     *target[NGX_PARA_ENDPOINTS];
    u_char                      policy[PARA_DIGEST_SIZE];
};


typedef struct ngx_http_para_auth_explain_s  ngx_http_para_auth_explain_t;


/*
 * What was found out before the access phase.  rc is NGX_OK: there are fields
 * to show; NGX_DONE: the JWT is verified, but there are none; NGX_AGAIN: what
 * verifies it is not there yet; anything else: refused for ctx->reason.
 */

typedef struct {
    /* whose steps were walked; NULL: none were */
    const ngx_http_para_auth_loc_conf_t  *location;
    ngx_int_t                             rc;
    ngx_msec_t                            time;        /* of the walk */
    unsigned                              walking:1;
} ngx_http_para_auth_early_t;


/*
 * One client request.  Lives in a pool cleanup, because nginx zeroes the module
 * contexts on internal redirects.
 */

typedef struct {
    ngx_uint_t                            step;
    para_reason_e                         reason;
    unsigned                              disputed;    /* if it is that the
                                                          layers do not match:
                                                          PARA_MATCH_* */
    unsigned                              decided:1;
    unsigned                              refused:1;   /* and not in a dry
                                                          run */
    unsigned                              applied:1;   /* to the headers */
    unsigned                              known:1;     /* who it is, while it
                                                          is looked at what
                                                          more is needed */
    unsigned                              renew:1;     /* the session falls to
                                                          this one to renew */

    /* the location whose policy let the request in, NULL: none did */
    const ngx_http_para_auth_loc_conf_t  *granted;
    ngx_http_para_auth_early_t            early;

    /* the one that would have, were it not a dry run */
    const ngx_http_para_auth_loc_conf_t  *tried;

    para_span_t                           token;
    para_span_t                           session;
    unsigned                              form;        /* PARA_FORM_* of it */
    para_exported_t                       exported;    /* what it holds, read
                                                          when it is needed */
    u_char                                identity_key[PARA_DIGEST_SIZE];
    u_char                                session_key[PARA_DIGEST_SIZE];

    para_token_t                          verified;
    ngx_para_keys_wait_t                  keys;        /* newer ones */
    uint32_t                              keys_asked;  /* whose, by issuer */
    ngx_para_call_share_t                 call;
    ngx_para_await_t                      await;
    ngx_str_t                             session_record;

    para_span_t                           field[PARA_ID_FIELDS];
    ngx_str_t                            *addresses;   /* one for each wallet
                                                          that is needed; NULL:
                                                          not asked for yet */
    ngx_uint_t                            wallet;      /* the next to check */
    ngx_http_para_auth_cache_e            cache;
    time_t                                retry_after; /* s, of a 503 */

    ngx_http_para_auth_explain_t         *explain;     /* of a decision that is
                                                          being made; NULL: not
                                                          explained */
    ngx_str_t                             trace;       /* a line for each that
                                                          was made */

    ngx_para_headers_t                    client;      /* if applied */
    ngx_para_challenge_t                  challenge;
    ngx_para_problem_t                    problem;
} ngx_http_para_auth_ctx_t;


#define NGX_HTTP_PARA_AUTH_KID_TOLD  64     /* bytes */


/* What a log may tell of credentials.  Absent: not known. */

typedef struct {
    para_span_t                 issuer;       /* its name, as configured */
    para_span_t                 kid;          /* as the token says, any bytes */
    para_span_t                 alg;          /* the same, a known one */
    para_span_t                 credential;   /* a short hash of it */
    para_span_t                 disputed;     /* names of what the layers are
                                                 not one user's by */
    u_char                      hash[16];
    u_char                      names[PARA_MATCH_NAMES_MAX];
} ngx_http_para_auth_told_t;


extern ngx_module_t  ngx_http_para_auth_module;


static ngx_inline ngx_uint_t
ngx_http_para_auth_is_dry(const ngx_http_para_auth_loc_conf_t *lcf)
{
    return lcf->dry_run && lcf->dry_run->on;
}


/* Configuration: ngx_http_para_auth_conf.c */

void *ngx_http_para_auth_create_main_conf(ngx_conf_t *cf);
void *ngx_http_para_auth_create_srv_conf(ngx_conf_t *cf);
void *ngx_http_para_auth_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_para_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_para_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_para_auth_session_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* A location becomes a way to Para: ngx_http_para_auth_way.c */

char *ngx_http_para_auth_mark(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);


/* All of it, when it is read: ngx_http_para_auth_check.c */

ngx_int_t ngx_http_para_auth_init_servers(ngx_conf_t *cf);


/*
 * Directives that are a mistake where nothing comes of them:
 * ngx_http_para_auth_place.c
 */

/* Where it is written, and what to say unless place->used is set. */
ngx_int_t ngx_http_para_auth_note(ngx_conf_t *cf,
    ngx_http_para_auth_place_t *place, ngx_command_t *cmd, char *idle);

/* Setter of a switch; cmd->post is what to say if nothing comes of it. */
char *ngx_http_para_auth_switch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* When all locations have been looked at: refuses what none of them uses. */
ngx_int_t ngx_http_para_auth_check_places(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf);


/*
 * What is allowed, but hardly meant: ngx_http_para_auth_lint.c.  Between the
 * first, in preconfiguration, and the end of the second, in postconfiguration,
 * directives of other modules are observed.  NGX_OK, NGX_ERROR: no memory.
 */

ngx_int_t ngx_http_para_auth_lint_start(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf);
ngx_int_t ngx_http_para_auth_lint(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf);


/* The phases around access, the context: ngx_http_para_auth_request.c */

ngx_int_t ngx_http_para_auth_strip_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_rewrite_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_apply_handler(ngx_http_request_t *r);

/* The context of a main request, NULL if it has none yet. */
ngx_http_para_auth_ctx_t *ngx_http_para_auth_find_ctx(ngx_http_request_t *r);

/* The same, made if need be: NULL if memory is out. */
ngx_http_para_auth_ctx_t *ngx_http_para_auth_get_ctx(ngx_http_request_t *r);

/* Forgets what was read out of the credentials: all is decided. */
void ngx_http_para_auth_release(ngx_http_para_auth_ctx_t *ctx);

/*
 * 1 if the location of this request has the identity: it let the request in
 * itself, or, for a subrequest, by the same policy its main request.
 */
ngx_uint_t ngx_http_para_auth_granted(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx);

/*
 * The fields (PARA_ID_FIELDS of them) that variables and headers of this
 * request may show, NULL if there are none to show.  ctx is the main request's,
 * or NULL.
 */
const para_span_t *ngx_http_para_auth_shown(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx);

/* In postconfiguration: of Para's answers, and of what refusals send. */
void ngx_http_para_auth_init_filters(void);


/* Of the access phase: ngx_http_para_auth_module.c */
ngx_int_t ngx_http_para_auth_access_handler(ngx_http_request_t *r);

/*
 * Walks the steps from ctx->step on: ngx_http_para_auth_module.c.  early: those
 * that are walked before the access phase; what they would wait for is asked
 * for, and they say NGX_AGAIN.  Returns as the steps do.
 */
ngx_int_t ngx_http_para_auth_walk(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_uint_t early);


/* Before the access phase: ngx_http_para_auth_early.c */

/*
 * The fields of a main request whose access phase is still to come, as far as
 * they can be told at once: those of its JWT, or of an identity that is kept.
 * NULL if there are none, or the request is further than that.
 */
const para_span_t *ngx_http_para_auth_early(ngx_http_request_t *r);

/*
 * To be called before the walk of the access phase.  NGX_OK: walk, from where
 * the early one got to if that counts still; else it has refused already.
 */
ngx_int_t ngx_http_para_auth_resume(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


/*
 * The steps, in their order: ngx_http_para_auth_steps.c, the session's in
 * ngx_http_para_auth_session.c.  NGX_OK: the next one; NGX_AGAIN: enter this
 * one again when the request is woken; NGX_DONE: who it is is known, the next
 * one is that of the policy; anything else: refused for ctx->reason.
 */

ngx_int_t ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_exported(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_token(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_session(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_identity(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


/* Of the steps, for each other and for who looks early. */

/* Sets ctx->token, ctx->session and ctx->form. */
para_reason_e ngx_http_para_auth_find_credentials(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);

/*
 * Of a session that is exported, PARA_OK of any other.  The first reads what it
 * holds, into ctx->exported; the second says whether its sender claims to be
 * another user than Para says, in session, that it is of.
 */
para_reason_e ngx_http_para_auth_read_exported(
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
para_reason_e ngx_http_para_auth_check_exported(
    const ngx_http_para_auth_ctx_t *ctx, const para_session_t *session);

/* The cache knows; renew: it is this request that has to renew the session. */
void ngx_http_para_auth_hit(ngx_http_para_auth_ctx_t *ctx, ngx_uint_t renew);

/*
 * Makes an identity that of the request: ctx->field is in its pool, and so is
 * the record.  NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_para_auth_take_fields(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, const para_identity_t *identity,
    ngx_str_t *record);

/*
 * What is to be asked of Para about this request's session, in its pool.
 * NGX_OK, NGX_ERROR: ngx_http_para_auth_session.c
 */
ngx_int_t ngx_http_para_auth_session_question(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    ngx_para_question_t *question);


/*
 * Asking Para, for the steps: ngx_http_para_auth_ask.c
 *
 * The first asks, unless another one does already.  known: what is asked about
 * was good when it was last asked, which counts for no limit.  The second is to
 * be called before, and when the request is woken.  NGX_AGAIN: the request is
 * woken; NGX_OK: *result, all but its ->asked; NGX_ERROR; from the second also
 * NGX_DECLINED: nothing was asked, or nothing is known: ask.
 */

ngx_int_t ngx_http_para_auth_ask(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const u_char *key, const ngx_para_question_t *question, ngx_uint_t known,
    ngx_para_result_t *result);
ngx_int_t ngx_http_para_auth_asked(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, const u_char *key,
    ngx_para_result_t *result);

/* The key of a provider's breaker for an endpoint.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_para_auth_breaker(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_para_provider_t *provider, ngx_para_endpoint_e endpoint,
    u_char key[PARA_DIGEST_SIZE]);


/*
 * A JWT that has expired: ngx_http_para_auth_expired.c.  _check_ is for the
 * step of the token, NGX_OK: the next one; _identify_ for that of the identity,
 * with a session that is active; _refuse_ for any, with what the request would
 * be refused for otherwise.  None of them lets a request in, and all set
 * ctx->reason.
 */

char *ngx_http_para_auth_renew_window(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

static ngx_inline ngx_uint_t
ngx_http_para_auth_expired(const ngx_http_para_auth_ctx_t *ctx)
{
    return ctx->verified.verdict == PARA_TOKEN_EXPIRED;
}

ngx_int_t ngx_http_para_auth_check_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_identify_expired(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const para_session_t *session);
ngx_int_t ngx_http_para_auth_refuse_expired(ngx_http_para_auth_ctx_t *ctx,
    para_reason_e rest);


/*
 * Whether what is verified has been ended before its time:
 * ngx_http_para_auth_revoked.c.  session may be NULL: then it is not looked at.
 */

para_reason_e ngx_http_para_auth_check_revoked(
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx, const para_session_t *session,
    const para_identity_t *identity);


/*
 * What is needed beside an identity: ngx_http_para_auth_policy_conf.c, then
 * ngx_http_para_auth_policy.c
 */

char *ngx_http_para_auth_require_role(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_para_auth_require(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

void ngx_http_para_auth_merge_policy(const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf);

/* Of a location that is protected, and has its ways to Para. */
ngx_int_t ngx_http_para_auth_check_policy(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);

ngx_int_t ngx_http_para_auth_step_policy(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);

/*
 * Whether a subrequest of a main request that was let in may go where more is
 * needed.
 */
para_reason_e ngx_http_para_auth_check_subrequest(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);

/* 1 if some JWT that the provider takes may have this. */
ngx_uint_t ngx_http_para_auth_has_claim(const ngx_para_provider_t *provider,
    para_claim_e claim);


/*
 * For the setters of what is needed.  The first adds one of that size to the
 * list that cmd->offset leads to: NULL if memory is out.  The second finds a
 * variable that is written as "$name"; if it is something else, usage says in
 * the log what it may be.  NGX_OK, NGX_ERROR.
 */
void *ngx_http_para_auth_need(ngx_conf_t *cf, ngx_command_t *cmd, void *conf,
    size_t size);
ngx_int_t ngx_http_para_auth_variable(ngx_conf_t *cf, ngx_str_t *value,
    ngx_int_t *index, const char *usage);


/*
 * Of that, wallets: ngx_http_para_auth_wallet_conf.c, then
 * ngx_http_para_auth_wallet.c
 */

char *ngx_http_para_auth_require_wallet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_para_auth_check_needed_wallets(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);

ngx_int_t ngx_http_para_auth_step_wallets(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);

/* For a subrequest: what only Para can say counts if it has said so already. */
para_reason_e ngx_http_para_auth_check_wallets(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);


/*
 * 1 if the request only asks what a browser may send from elsewhere, as Fetch
 * has it: ngx_http_para_auth_preflight.c
 */
ngx_uint_t ngx_http_para_auth_is_preflight(ngx_http_request_t *r);


/*
 * Refuses for ctx->reason, and returns the status to end the request with, in a
 * dry run NGX_DECLINED: ngx_http_para_auth_deny.c
 */

ngx_int_t ngx_http_para_auth_deny(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);

/*
 * Reads out of ctx what a log may tell of its credentials.  The result points
 * into itself and into ctx, until ngx_http_para_auth_release().
 */
void ngx_http_para_auth_tell(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx, ngx_http_para_auth_told_t *told);


/*
 * Counting decisions: ngx_http_para_auth_metrics_decisions.c.  The first makes
 * room for it, when all providers are known.  One atomic addition each.
 */

ngx_int_t ngx_http_para_auth_init_decisions(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf);
void ngx_http_para_auth_count_decision(
    const ngx_http_para_auth_loc_conf_t *lcf, para_reason_e reason);
void ngx_http_para_auth_count_preflight(
    const ngx_http_para_auth_loc_conf_t *lcf);


/*
 * What a decision does: ngx_http_para_auth_explain.c.  What is noted is in the
 * request's pool; NULL: memory is out, and nothing is.  The last makes a line
 * of it in ctx->trace, before ngx_http_para_auth_release(); rc: the status of a
 * refusal, NGX_OK, or NGX_DECLINED in a dry run.
 */

char *ngx_http_para_auth_explain(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_http_para_auth_explain_t *ngx_http_para_auth_explain_begin(
    ngx_http_request_t *r);
void ngx_http_para_auth_explain_enter(ngx_http_para_auth_explain_t *explain,
    const char *step);
void ngx_http_para_auth_explain_leave(ngx_http_para_auth_explain_t *explain,
    ngx_int_t rc);
void ngx_http_para_auth_explain_end(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, ngx_int_t rc);


/* Background renewal: ngx_http_para_auth_renew.c */

char *ngx_http_para_auth_keep_alive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* For one location, which has its ways to Para. */
ngx_int_t ngx_http_para_auth_prepare_renewal(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);

/* The session of ctx->session_key; the request goes on. */
void ngx_http_para_auth_renew(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


/* Variables: ngx_http_para_auth_variables.c */

ngx_int_t ngx_http_para_auth_add_variables(ngx_conf_t *cf);

/* Of $para_auth_cache; empty: it has not been asked. */
const ngx_str_t *ngx_http_para_auth_cache_name(
    const ngx_http_para_auth_ctx_t *ctx);

/* Of the claim that is the data-th of those that variables show. */
ngx_int_t ngx_http_para_auth_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* Which claims those are: ngx_http_para_auth_claims.c */

char *ngx_http_para_auth_claim_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* When everything that uses variables is read. */
ngx_int_t ngx_http_para_auth_init_claims(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf);


/*
 * Signed identities: ngx_http_para_auth_assertion_conf.c, then
 * ngx_http_para_auth_assertion.c
 */

char *ngx_http_para_auth_assertion(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Of a location that is protected. */
ngx_int_t ngx_http_para_auth_check_assertion(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf);

/*
 * Adds the assertion to a list that ngx_para_headers_edit() made with room for
 * it: of a request that was let in, where lcf->assertion is not NULL.
 * NGX_ERROR: the request must not go on.
 */
ngx_int_t ngx_http_para_auth_inject_assertion(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);


/*
 * Locations that answer themselves: ngx_http_para_auth_content.c
 *
 * The first makes one of a location, for a setter, the second refuses one that
 * another module's directive made its own afterwards.  The others: one more
 * header of the answer; whether it is GET or HEAD, NGX_OK, else what to end the
 * request with; and sending, with r->headers_out.status and content_type set, a
 * chain or a text that outlives the request.
 */

char *ngx_http_para_auth_content(ngx_conf_t *cf, ngx_http_handler_pt handler);
char *ngx_http_para_auth_merge_content(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *conf);
ngx_int_t ngx_http_para_auth_content_header(ngx_http_request_t *r, char *name,
    char *value);
ngx_int_t ngx_http_para_auth_content_get(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_content_send(ngx_http_request_t *r,
    ngx_chain_t *chain, ngx_chain_t *last, off_t size);
ngx_int_t ngx_http_para_auth_content_text(ngx_http_request_t *r,
    const ngx_str_t *text);


/* The public keys of signed identities: ngx_http_para_auth_jwks.c */

char *ngx_http_para_auth_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_para_auth_merge_jwks(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf);


/*
 * Where users, sessions and tokens are ended:
 * ngx_http_para_auth_revoke_conf.c, then ngx_http_para_auth_revoke.c
 */

char *ngx_http_para_auth_revoke(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_para_auth_merge_revoke(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf);

ngx_int_t ngx_http_para_auth_revoke_handler(ngx_http_request_t *r);


/* Setter of para_auth_metrics: ngx_http_para_auth_metrics.c */

char *ngx_http_para_auth_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_PARA_AUTH_H */
