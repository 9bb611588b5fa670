/*
 * A refusal: what the log says of it, and what the client gets.
 */

#include "ngx_http_para_auth.h"


static void ngx_http_para_auth_log(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);
static u_char *ngx_http_para_auth_escape(u_char *dst, const u_char *src,
    size_t len);


ngx_int_t
ngx_http_para_auth_deny(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    time_t                          retry_after;
    ngx_int_t                       status;
    para_code_e                     code;
    ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    ctx->decided = 1;
    ctx->granted = NULL;
    ngx_memzero(ctx->field, sizeof(ctx->field));

    ngx_http_para_auth_log(r, ctx);

    ngx_http_para_auth_release(ctx);

    retry_after = ctx->retry_after;

    if (retry_after == 0) {
        retry_after = ctx->call.done ? ctx->call.result.retry_after
                                       : NGX_PARA_RETRY_AFTER;
    }

    code = para_reason_code(ctx->reason);

    status = ngx_para_challenge_send(r, &ctx->challenge, &lcf->realm, code,
                                     retry_after);

    if (lcf->error_format == NGX_HTTP_PARA_AUTH_JSON) {
        ngx_para_problem_expect(&ctx->problem, status, code,
                                para_reason_renew(ctx->reason));
    }

    return status;
}


/* One line for each refusal; the credential only as a short hash. */

static void
ngx_http_para_auth_log(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    u_char                           digest[PARA_DIGEST_SIZE], hex[16], *kid;
    size_t                           len, hexlen;
    para_span_t                      issuer, credential;
    para_code_e                      code;
    ngx_http_para_auth_main_conf_t  *mcf;

    if (r->connection->log->log_level < NGX_LOG_INFO) {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    credential = ctx->token.data ? ctx->token : ctx->session;
    hexlen = 0;

    if (credential.data
        && para_digest_key(mcf->digest, digest, &credential, 1))
    {
        hexlen = ngx_hex_dump(hex, digest, sizeof(hex) / 2) - hex;
    }

    len = ngx_min(ctx->verified.jws.kid.len, 64);
    kid = ngx_pnalloc(r->pool, len * 4 + 1);
    if (kid == NULL) {
        return;
    }

    len = ngx_http_para_auth_escape(kid, ctx->verified.jws.kid.data, len)
          - kid;

    issuer = ctx->verified.issuer ? ctx->verified.issuer->name
                                  : PARA_SPAN_NONE;
    code = para_reason_code(ctx->reason);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "para_auth: refused, code %s, reason %s, issuer \"%*s\", "
                  "kid \"%*s\", credential \"%*s\"", para_code_name(code),
                  para_reason_name(ctx->reason), issuer.len, issuer.data, len,
                  kid, hexlen, hex);
}


/* What a terminal or a reader of logs could take for more than a text. */

static u_char *
ngx_http_para_auth_escape(u_char *dst, const u_char *src, size_t len)
{
    size_t  i;
    u_char  ch;

    for (i = 0; i < len; i++) {
        ch = src[i];

        if (ch >= ' ' && ch < 0x7f && ch != '"' && ch != '\\') {
            *dst++ = ch;
            continue;
        }

        dst = ngx_sprintf(dst, "\\x%02Xd", (int) ch);
    }

    return dst;
}
