/*
 * The identity of a request as a JWT that the gateway signs.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache_text.h"


static ngx_int_t ngx_http_para_auth_assertion_key(ngx_http_request_t *r,
    const ngx_http_para_auth_assertion_t *assertion,
    const ngx_http_para_auth_ctx_t *ctx, u_char key[PARA_DIGEST_SIZE]);
static ngx_int_t ngx_http_para_auth_make_assertion(ngx_http_request_t *r,
    const ngx_http_para_auth_assertion_t *assertion,
    const ngx_http_para_auth_ctx_t *ctx, const u_char *key, ngx_str_t *text);


ngx_int_t
ngx_http_para_auth_inject_assertion(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    u_char                           key[PARA_DIGEST_SIZE];
    ngx_int_t                        rc;
    ngx_str_t                        text;
    ngx_http_para_auth_assertion_t  *assertion;
    ngx_http_para_auth_main_conf_t  *mcf;

    assertion = lcf->assertion;

    if (ngx_http_para_auth_assertion_key(r, assertion, ctx, key) != NGX_OK) {
        return NGX_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    rc = ngx_para_cache_text_lookup(mcf->zone, key, ngx_time(), r->pool,
                                    &text);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_para_auth_make_assertion(r, assertion, ctx, key, &text);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_para_headers_add(r, &assertion->header.key,
                                assertion->header.lowcase_key,
                                assertion->header.hash, &text);
}


/*
 * The identity's key has the credentials, and how far the revocations had come;
 * its fields are there too, because Para may say something else of the same
 * session later.
 */

static ngx_int_t
ngx_http_para_auth_assertion_key(ngx_http_request_t *r,
    const ngx_http_para_auth_assertion_t *assertion,
    const ngx_http_para_auth_ctx_t *ctx, u_char key[PARA_DIGEST_SIZE])
{
    para_span_t                      part[2 + PARA_ID_FIELDS];
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    part[0] = para_span(assertion->digest, PARA_DIGEST_SIZE);
    part[1] = para_span(ctx->identity_key, PARA_DIGEST_SIZE);
    ngx_memcpy(&part[2], ctx->field, sizeof(ctx->field));

    return para_digest_key(mcf->digest, key, part, 2 + PARA_ID_FIELDS)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_para_auth_make_assertion(ngx_http_request_t *r,
    const ngx_http_para_auth_assertion_t *assertion,
    const ngx_http_para_auth_ctx_t *ctx, const u_char *key, ngx_str_t *text)
{
    para_assertion_t                 made;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (!para_assertion_make(&made, &assertion->policy, ctx->field,
                             ngx_time()))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "para_auth: no assertion could be made, request refused");
        return NGX_ERROR;
    }

    text->len = made.len;
    text->data = ngx_pnalloc(r->pool, made.len);

    if (text->data) {
        ngx_memcpy(text->data, made.text, made.len);

        mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);
        ngx_para_cache_text_store(mcf->zone, key, made.until, text);
    }

    para_assertion_free(&made);

    return text->data ? NGX_OK : NGX_ERROR;
}
