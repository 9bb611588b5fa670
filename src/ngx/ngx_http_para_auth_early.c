/*
 * Variables before the access phase: who a JWT is of, for those who have to
 * know it before it is decided whether he may come in (limit_req, "set").  The
 * request waits for nothing here, and nothing is verified twice for it.
 */

#include "ngx_http_para_auth.h"


#define NGX_HTTP_PARA_AUTH_EARLY  1000          /* ms, that it counts: a request
                                                   may be held up on its way */


static ngx_uint_t ngx_http_para_auth_is_early(ngx_http_request_t *r);
static ngx_uint_t ngx_http_para_auth_is_ahead(ngx_http_request_t *r);
static ngx_uint_t ngx_http_para_auth_counts(
    const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_loc_conf_t *lcf);
static ngx_int_t ngx_http_para_auth_walk_early(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_read_token(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_uint_t ngx_http_para_auth_same_credentials(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


const para_span_t *
ngx_http_para_auth_early(ngx_http_request_t *r)
{
    ngx_http_para_auth_ctx_t             *ctx;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->provider == NULL || lcf->marked
        || !(lcf->layers & NGX_HTTP_PARA_AUTH_JWT)
        || ngx_http_para_auth_is_dry(lcf)
        || !ngx_http_para_auth_is_early(r)
        || (lcf->preflight && ngx_http_para_auth_is_preflight(r)))
    {
        return NULL;
    }

    ctx = ngx_http_para_auth_get_ctx(r);

    /* refused: this is its error page, with a policy of its own */

    if (ctx == NULL || ctx->refused || ctx->early.walking) {
        return NULL;
    }

    if (!ngx_http_para_auth_counts(ctx, lcf)) {
        ctx->early.rc = ngx_http_para_auth_walk_early(r, lcf, ctx);
    }

    return ctx->early.rc == NGX_OK ? ctx->field : NULL;
}


ngx_int_t
ngx_http_para_auth_resume(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_uint_t  counts;

    if (ctx->early.location == NULL) {
        return NGX_OK;
    }

    counts = ngx_http_para_auth_counts(ctx, lcf)
             && ngx_http_para_auth_same_credentials(r, lcf, ctx);

    ctx->early.location = NULL;

    if (counts && ctx->early.rc != NGX_AGAIN) {
        return ctx->early.rc == NGX_DONE ? NGX_OK : ctx->early.rc;
    }

    ctx->step = 0;

    return NGX_OK;
}


/*
 * The phases of a main request are running, ours is still to come, and nobody
 * has begun to answer: not while a header is read, nor for an answer to it, a
 * log line, or what follows an answer.  An error page that is a location's has
 * phases of its own, and limits there.
 */

static ngx_uint_t
ngx_http_para_auth_is_early(ngx_http_request_t *r)
{
    return r == r->main
           && r->write_event_handler == ngx_http_core_run_phases
           && ngx_http_para_auth_is_ahead(r)
           && r->headers_out.status == 0
           && (r->err_status == 0 || r->internal)
           && !r->post_action;
}


/*
 * 1 if our handler of the access phase comes after the one that runs.  Others
 * put theirs behind it once requests come (ngx_lua), and it moves: nobody knows
 * where it is but by looking.
 */

static ngx_uint_t
ngx_http_para_auth_is_ahead(ngx_http_request_t *r)
{
    ngx_int_t                   i;
    ngx_http_phase_handler_t   *ph;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    ph = cmcf->phase_engine.handlers;

    /* the last has no handler */

    for (i = r->phase_handler; ph[i].checker; i++) {
        if (ph[i].handler == ngx_http_para_auth_access_handler) {
            return i > r->phase_handler;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_para_auth_counts(const ngx_http_para_auth_ctx_t *ctx,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    return ctx->early.location == lcf
           && ngx_current_msec - ctx->early.time <= NGX_HTTP_PARA_AUTH_EARLY;
}


static ngx_int_t
ngx_http_para_auth_walk_early(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->step = 0;

    /* a credential may be in a variable, which may ask for this one */

    ctx->early.walking = 1;
    rc = ngx_http_para_auth_walk(r, lcf, ctx, 1);
    ctx->early.walking = 0;

    ctx->early.location = lcf;
    ctx->early.time = ngx_current_msec;

    if (rc == NGX_OK && ctx->cache == NGX_HTTP_PARA_AUTH_CACHE_MISS) {
        rc = ngx_http_para_auth_read_token(r, lcf, ctx);
    }

    return rc;
}


/*
 * The fields of a token that is verified.  What is wrong with them, or with
 * their user, is for the access phase to say.
 */

static ngx_int_t
ngx_http_para_auth_read_token(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_str_t                        record;
    para_reason_e                    reason;
    para_identity_t                  identity;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    reason = para_identity_build(&identity, &ctx->verified, NULL, lcf->match,
                                 &mcf->claims);

    if (reason == PARA_OK) {
        reason = ngx_http_para_auth_check_revoked(mcf, lcf, ctx, NULL,
                                                  &identity);
    }

    rc = NGX_DONE;

    if (reason == PARA_OK
        && ngx_http_para_auth_take_fields(r, ctx, &identity, &record)
           == NGX_OK)
    {
        rc = NGX_OK;
    }

    para_identity_free(&identity);

    return rc;
}


/*
 * Whether a request still has the credentials that were looked at: access
 * modules before ours may have changed them.
 */

static ngx_uint_t
ngx_http_para_auth_same_credentials(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    unsigned     form;
    para_span_t  token, session;

    token = ctx->token;
    session = ctx->session;
    form = ctx->form;

    (void) ngx_http_para_auth_find_credentials(r, lcf, ctx);

    return form == ctx->form && para_span_eq(token, ctx->token)
           && para_span_eq(session, ctx->session);
}
