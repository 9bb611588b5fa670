/*
 * Users, sessions and tokens that were ended before their time.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_revoke_zone.h"


/* Nothing of this may pass when OpenSSL fails. */

para_reason_e
ngx_http_para_auth_check_revoked(ngx_http_para_auth_main_conf_t *mcf,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx, const para_session_t *session,
    const para_identity_t *identity)
{
    para_revocation_keys_t     keys;
    para_revocation_subject_t  subject;

    if (lcf->provider->revoke == NULL) {
        return PARA_OK;
    }

    ngx_memzero(&subject, sizeof(para_revocation_subject_t));

    subject.identity = identity;

    if (lcf->layers & NGX_HTTP_PARA_AUTH_JWT) {
        subject.token = &ctx->verified;
        subject.text = ctx->token;
    }

    if (session && lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        subject.session = session;
        subject.credential = ctx->form == PARA_FORM_EXPORTED
                             ? ctx->exported.pair : ctx->session;
    }

    if (!para_revocation_keys(&keys, mcf->digest, &subject)) {
        return PARA_CRYPTO;
    }

    return ngx_para_revoke_zone_check(lcf->provider->revoke->zone, &keys,
                                      ngx_time());
}
