#include "identities.h"

#include "unit.h"


para_reason_e
unit_identity(para_identity_t *identity, para_issuer_kind_e kind,
    const char *claims, const char *answer, para_match_e match)
{
    size_t           i;
    para_token_t     token;
    para_reason_e    rc;
    para_issuer_t    issuer;
    para_session_t   session;

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    issuer.name = unit_span("backend");
    para_issuer_default_map(kind, issuer.map);

    if (claims != NULL) {
        token.verdict = PARA_OK;
        token.issuer = &issuer;
        token.claims = para_json_parse(unit_span(claims), 100000);
        assert_non_null(token.claims);
    }

    if (answer != NULL) {
        rc = strstr(answer, "isAuthenticated") != NULL
             ? para_session_parse_touch(&session, unit_span(answer))
             : para_session_parse_verify(&session, unit_span(answer));

        assert_reason(rc, PARA_OK);
    }

    rc = para_identity_build(identity, claims != NULL ? &token : NULL,
                             answer != NULL ? &session : NULL, match,
                             NULL);

    for (i = 0; rc != PARA_OK && i < PARA_ID_FIELDS; i++) {
        assert_absent(identity->field[i]);
    }

    /* the identity outlives both */

    if (answer != NULL) {
        para_session_free(&session);
    }

    para_json_free(token.claims);

    return rc;
}


para_reason_e
unit_identity_reason(para_issuer_kind_e kind, const char *claims,
    const char *answer, para_match_e match)
{
    para_reason_e    rc;
    para_identity_t  identity;

    rc = unit_identity(&identity, kind, claims, answer, match);
    para_identity_free(&identity);

    return rc;
}
