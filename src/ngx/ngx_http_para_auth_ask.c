/*
 * One question to Para, asked once: by this request, or by another one here or
 * in another worker, for whose answer it waits.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache_ask.h"


/* Of the call that this request makes; it outlives the request's interest. */

typedef struct {
    ngx_shm_zone_t        *zone;
    ngx_para_cache_ask_t   ask;
} ngx_http_para_auth_asking_t;


static ngx_int_t ngx_http_para_auth_payer(ngx_http_request_t *r,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_ctx_t *ctx,
    u_char *payer);
static ngx_int_t ngx_http_para_auth_call(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const u_char *key, const ngx_para_question_t *question,
    ngx_http_para_auth_asking_t *asking);
static void ngx_http_para_auth_answered(const ngx_para_result_t *result,
    void *data);


ngx_int_t
ngx_http_para_auth_asked(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx,
    const u_char *key, ngx_para_result_t *result)
{
    ngx_para_call_share_t           *call;
    ngx_http_para_auth_main_conf_t  *mcf;

    call = &ctx->call;

    if (ngx_para_call_pending(call, key)) {

        if (call->done) {
            call->pending = 0;
            *result = call->result;
            return NGX_OK;
        }

        if (!call->retry) {
            return NGX_AGAIN;
        }

        call->pending = 0;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    return ngx_para_await_end(r, &ctx->await, mcf->zone, key, result);
}


ngx_int_t
ngx_http_para_auth_ask(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const u_char *key, const ngx_para_question_t *question, ngx_uint_t known,
    ngx_para_result_t *result)
{
    ngx_int_t                        rc;
    ngx_http_para_auth_asking_t     *asking;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (ngx_para_flight_find(key)) {
        return ngx_http_para_auth_call(r, lcf, ctx, key, question, NULL);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    asking = ngx_pcalloc(r->pool, sizeof(ngx_http_para_auth_asking_t));

    if (asking == NULL
        || ngx_http_para_auth_payer(r, mcf, ctx, asking->ask.payer) != NGX_OK
        || ngx_http_para_auth_breaker(mcf, lcf->provider, question->endpoint,
                                      asking->ask.provider)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    asking->zone = mcf->zone;
    asking->ask.free = known;
    ngx_memcpy(asking->ask.key, key, PARA_DIGEST_SIZE);

    rc = ngx_para_cache_ask(mcf->zone, &asking->ask);

    if (rc == NGX_OK) {
        return ngx_http_para_auth_call(r, lcf, ctx, key, question, asking);
    }

    if (rc == NGX_BUSY) {
        ctx->cache = NGX_HTTP_PARA_AUTH_CACHE_WAIT;

        return ngx_para_await_start(r, &ctx->await, mcf->zone, &asking->ask);
    }

    ngx_memzero(result, sizeof(ngx_para_result_t));

    result->reason = asking->ask.down ? PARA_UNAVAILABLE : PARA_CALLS_LIMITED;
    result->retry_after = asking->ask.retry_after;

    return NGX_OK;
}


/* A call of our own, which is to be answered for, or another's to join. */

static ngx_int_t
ngx_http_para_auth_call(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx,
    const u_char *key, const ngx_para_question_t *question,
    ngx_http_para_auth_asking_t *asking)
{
    ngx_int_t  rc;

    rc = ngx_para_call_start(r, &ctx->call, lcf->target[question->endpoint],
                             key, question, ngx_http_para_auth_answered,
                             asking);

    if (rc != NGX_AGAIN) {

        if (asking) {
            ngx_para_cache_abandon(asking->zone, &asking->ask);
        }

        return NGX_ERROR;
    }

    ctx->cache = asking ? NGX_HTTP_PARA_AUTH_CACHE_MISS
                        : NGX_HTTP_PARA_AUTH_CACHE_WAIT;

    return NGX_AGAIN;
}


/* Whose calls are counted: the JWT's, or the client's where there is none. */

static ngx_int_t
ngx_http_para_auth_payer(ngx_http_request_t *r,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_ctx_t *ctx,
    u_char *payer)
{
    para_span_t  part[2];

    if (ctx->token.data) {
        part[0] = PARA_SPAN("JWT");
        part[1] = ctx->token;

    } else {
        part[0] = PARA_SPAN("client");
        part[1] = para_span(r->connection->addr_text.data,
                            r->connection->addr_text.len);
    }

    return para_digest_key(mcf->digest, payer, part, 2) ? NGX_OK : NGX_ERROR;
}


/*
 * Whose breaker it is: one is for sessions, one for wallets.  Clients choose
 * the addresses that Para is asked about: if it fails at one, sessions do not.
 */

ngx_int_t
ngx_http_para_auth_breaker(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_para_provider_t *provider, ngx_para_endpoint_e endpoint,
    u_char key[PARA_DIGEST_SIZE])
{
    para_span_t  part[2];

    if (endpoint != NGX_PARA_WALLETS) {
        ngx_memcpy(key, provider->session_policy, PARA_DIGEST_SIZE);
        return NGX_OK;
    }

    part[0] = para_span(provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = PARA_SPAN("wallets");

    return para_digest_key(mcf->digest, key, part, 2) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_para_auth_answered(const ngx_para_result_t *result, void *data)
{
    ngx_http_para_auth_asking_t *asking = data;

    if (result) {
        ngx_para_cache_answer(asking->zone, &asking->ask, result);

    } else {
        ngx_para_cache_abandon(asking->zone, &asking->ask);
    }
}
