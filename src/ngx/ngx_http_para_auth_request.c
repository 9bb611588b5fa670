/*
 * What happens to a request around the decision: look-alikes go, locations that
 * lead to Para are guarded, credentials go and the identity comes.
 */

#include "ngx_http_para_auth.h"


static ngx_int_t ngx_http_para_auth_admit(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static ngx_uint_t ngx_http_para_auth_follows(
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_exchange(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);
static ngx_int_t ngx_http_para_auth_guard(ngx_http_request_t *r);
static void ngx_http_para_auth_cleanup(void *data);
static ngx_int_t ngx_http_para_auth_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/*
 * Wherever a request can begin or begin again: what a redirect finds is the
 * client's request without its look-alikes, and no identity of the location
 * that it came from.
 */

ngx_int_t
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

            /* its page is another one's now */

            ngx_para_problem_withdraw(&ctx->problem);

            /* a refusal stays to be told of, what was granted does not */

            if (ctx->granted) {
                ctx->decided = 0;
            }

            if (ctx->granted || ctx->tried) {
                ngx_memzero(ctx->field, sizeof(ctx->field));
            }

            ctx->granted = NULL;
            ctx->tried = NULL;

            /* what was found out early is for one location only anyway */

            if (ctx->early.location == NULL) {
                ctx->step = 0;
            }
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


ngx_int_t
ngx_http_para_auth_rewrite_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_para_auth_guard(r);

    return rc == NGX_DECLINED ? ngx_http_para_auth_strip_handler(r) : rc;
}


ngx_int_t
ngx_http_para_auth_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_http_para_auth_ctx_t             *ctx;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    ctx = ngx_http_para_auth_find_ctx(r->main);

    rc = ngx_http_para_auth_guard(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (lcf->marked) {

        /* the guard let only our own subrequest come here */

        ngx_para_call_enter(ngx_para_call_of(r));

        return NGX_DECLINED;
    }

    rc = ngx_http_para_auth_strip_handler(r);

    if (rc != NGX_DECLINED || r == r->main || lcf->provider == NULL) {
        return rc;
    }

    return ngx_http_para_auth_admit(r, lcf, ctx);
}


/*
 * nginx has no access phase for subrequests: one comes in here only if the same
 * policy let its main request in, with what is needed beside the identity.
 */

static ngx_int_t
ngx_http_para_auth_admit(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t      refused;
    const char    *verb;
    para_reason_e  reason;

    if (ngx_http_para_auth_is_dry(lcf)) {
        verb = "would be refused";
        refused = NGX_DECLINED;

    } else {
        verb = "refused";
        refused = NGX_HTTP_FORBIDDEN;
    }

    if (!ngx_http_para_auth_follows(lcf, ctx)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "para_auth: subrequest \"%V\" %s, because its main "
                      "request was not let in by the policy of its location",
                      &r->uri, verb);
        return refused;
    }

    ctx->known = 1;
    reason = ngx_http_para_auth_check_subrequest(r, lcf, ctx);
    ctx->known = 0;

    if (reason != PARA_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "para_auth: subrequest \"%V\" %s, reason %s",
                      &r->uri, verb, para_reason_name(reason));
        return refused;
    }

    return NGX_DECLINED;
}


/* 1 if a main request was let in by the policy of this location as well. */

static ngx_uint_t
ngx_http_para_auth_follows(const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    const ngx_http_para_auth_loc_conf_t  *main;

    if (ctx == NULL) {
        return 0;
    }

    main = ctx->granted;

    if (main == NULL && ngx_http_para_auth_is_dry(lcf)) {
        main = ctx->tried;
    }

    return main && ngx_memcmp(main->policy, lcf->policy, PARA_DIGEST_SIZE)
                   == 0;
}


ngx_uint_t
ngx_http_para_auth_granted(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx)
{
    const ngx_http_para_auth_loc_conf_t  *lcf;

    if (ctx == NULL || ctx->granted == NULL) {
        return 0;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    return r == r->main
           || (lcf->provider && !ngx_http_para_auth_is_dry(lcf)
               && ngx_http_para_auth_follows(lcf, ctx));
}


const para_span_t *
ngx_http_para_auth_shown(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx)
{
    /* what else is needed is said in terms of who it is */

    if ((ctx && ctx->known) || ngx_http_para_auth_granted(r, ctx)) {
        return ctx->field;
    }

    return ngx_http_para_auth_early(r);
}


/*
 * The last thing before the content: credentials out, also when "satisfy any"
 * let the request in by another way, and the identity in.
 */

ngx_int_t
ngx_http_para_auth_apply_handler(ngx_http_request_t *r)
{
    ngx_http_para_auth_ctx_t             *ctx;
    ngx_http_para_auth_main_conf_t       *mcf;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    if (r != r->main && !lcf->marked) {

        /* it shares its variables, and some may show another's headers */

        mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

        ngx_para_headers_forget(r, &mcf->shown);
    }

    if (lcf->provider == NULL || lcf->marked
        || ngx_http_para_auth_is_dry(lcf))
    {
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

    return ngx_http_para_auth_exchange(r, lcf, ctx);
}


static ngx_int_t
ngx_http_para_auth_exchange(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                        rc;
    const para_span_t               *field;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    if (ngx_para_headers_edit(r, ngx_para_credential_remove, &lcf->credential,
                              ngx_para_inject_room(&lcf->inject)
                              + (lcf->assertion != NULL))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a header's value must not be what a credential was before */

    ngx_para_headers_forget(r, &mcf->shown);

    field = ngx_http_para_auth_shown(r, ctx);

    if (field) {
        rc = ngx_para_inject_headers(r, &lcf->inject, field);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_HTTP_BAD_REQUEST
                                      : NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (lcf->assertion && ngx_http_para_auth_granted(r, ctx)
        && ngx_http_para_auth_inject_assertion(r, lcf, ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_para_headers_forget(r, &mcf->shown);

    return NGX_DECLINED;
}


/*
 * Marked locations are for our own subrequests, and those for marked locations.
 * NGX_DECLINED: go on.
 */

static ngx_int_t
ngx_http_para_auth_guard(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_para_call_t                      *call;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    call = ngx_para_call_of(r);

    if (call) {
        rc = ngx_para_call_admit(call, lcf->way);
        return rc == NGX_OK ? NGX_DECLINED : rc;
    }

    return lcf->marked ? NGX_HTTP_NOT_FOUND : NGX_DECLINED;
}


ngx_http_para_auth_ctx_t *
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


ngx_http_para_auth_ctx_t *
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

    ngx_http_para_auth_release(ctx);
}


void
ngx_http_para_auth_release(ngx_http_para_auth_ctx_t *ctx)
{
    para_token_free(&ctx->verified);
    para_exported_free(&ctx->exported);
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

    if (ctx) {
        ngx_para_problem_header(r, &ctx->problem);
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_para_auth_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_para_call_t           *call;
    ngx_http_para_auth_ctx_t  *ctx;

    if (r == r->main) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_para_auth_module);

        if (ctx && ctx->problem.taken) {
            in = ngx_para_problem_body(&ctx->problem, in);
        }

        return ngx_http_next_body_filter(r, in);
    }

    call = ngx_para_call_of(r);

    if (call) {
        ngx_para_call_capture(call, in);
        return NGX_OK;
    }

    return ngx_http_next_body_filter(r, in);
}


void
ngx_http_para_auth_init_filters(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_para_auth_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_para_auth_body_filter;
}
