/*
 * A refusal: what the log says of it, and what the client gets.
 */

#include "ngx_http_para_auth.h"


#define NGX_HTTP_PARA_AUTH_DISPUTE  (PARA_MATCH_NAMES_MAX + 16)


static ngx_int_t ngx_http_para_auth_challenge(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
static void ngx_http_para_auth_log(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx);
static size_t ngx_http_para_auth_dispute(u_char *dst, para_reason_e reason,
    para_span_t names);
static u_char *ngx_http_para_auth_escape(u_char *dst, const u_char *src,
    size_t len);


ngx_int_t
ngx_http_para_auth_deny(ngx_http_request_t *r, ngx_http_para_auth_ctx_t *ctx)
{
    ngx_int_t                             rc;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    ctx->decided = 1;
    ctx->refused = !ngx_http_para_auth_is_dry(lcf);
    ctx->granted = NULL;

    ngx_http_para_auth_count_decision(lcf, ctx->reason);

    rc = ngx_http_para_auth_is_dry(lcf)
         ? NGX_DECLINED
         : ngx_http_para_auth_challenge(r, lcf, ctx);

    ngx_http_para_auth_log(r, ctx);

    if (ctx->explain) {
        ngx_http_para_auth_explain_end(r, ctx, rc);
    }

    ngx_memzero(ctx->field, sizeof(ctx->field));
    ngx_http_para_auth_release(ctx);

    return rc;
}


static ngx_int_t
ngx_http_para_auth_challenge(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    time_t       retry_after;
    ngx_int_t    status;
    para_code_e  code;

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


void
ngx_http_para_auth_tell(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx, ngx_http_para_auth_told_t *told)
{
    u_char                           digest[PARA_DIGEST_SIZE];
    para_span_t                      credential;
    const para_token_t              *token;
    ngx_http_para_auth_main_conf_t  *mcf;

    token = &ctx->verified;

    told->issuer = token->issuer ? token->issuer->name
                                 : ctx->field[PARA_ID_ISSUER];
    told->alg = token->jws.alg ? token->jws.alg->name : PARA_SPAN_NONE;
    told->kid = para_span(token->jws.kid.data,
                          ngx_min(token->jws.kid.len,
                                  NGX_HTTP_PARA_AUTH_KID_TOLD));

    told->credential = PARA_SPAN_NONE;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    credential = ctx->token.data ? ctx->token : ctx->session;

    if (credential.data
        && para_digest_key(mcf->digest, digest, &credential, 1))
    {
        ngx_hex_dump(told->hash, digest, sizeof(told->hash) / 2);
        told->credential = para_span(told->hash, sizeof(told->hash));
    }

    told->disputed = PARA_SPAN_NONE;

    if (ctx->reason == PARA_IDENTITY_MISMATCH
        || ctx->reason == PARA_IDENTITY_INCOMPARABLE)
    {
        told->disputed = para_span(told->names,
                                   para_match_names(told->names,
                                                    ctx->disputed));
    }
}


/* One line for each refusal; the credential only as a short hash. */

static void
ngx_http_para_auth_log(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx)
{
    u_char                          kid[NGX_HTTP_PARA_AUTH_KID_TOLD * 4];
    u_char                                dispute[NGX_HTTP_PARA_AUTH_DISPUTE];
    size_t                                len, disputed;
    ngx_http_para_auth_told_t             told;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    if (r->connection->log->log_level < NGX_LOG_INFO) {
        return;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    ngx_http_para_auth_tell(r, ctx, &told);

    len = ngx_http_para_auth_escape(kid, told.kid.data, told.kid.len) - kid;
    disputed = ngx_http_para_auth_dispute(dispute, ctx->reason,
                                          told.disputed);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "para_auth: %s, code %s, reason %s%*s, issuer \"%*s\", "
                  "kid \"%*s\", credential \"%*s\"",
                  ngx_http_para_auth_is_dry(lcf) ? "would be refused"
                                                 : "refused",
                  para_code_name(para_reason_code(ctx->reason)),
                  para_reason_name(ctx->reason), disputed, dispute,
                  told.issuer.len, told.issuer.data, len, kid,
                  told.credential.len, told.credential.data);
}


/* What the layers are not one user's by: names, and no value. */

static size_t
ngx_http_para_auth_dispute(u_char *dst, para_reason_e reason,
    para_span_t names)
{
    if (names.data == NULL) {
        return 0;
    }

    return ngx_sprintf(dst, ", %s \"%*s\"",
                       reason == PARA_IDENTITY_MISMATCH ? "differs"
                                                        : "missing",
                       names.len, names.data) - dst;
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
