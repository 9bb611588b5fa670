/*
 * What Para answers: what is taken has its two fields, without a control byte;
 * and no answer makes an identity of another person's token.
 */

#include "fuzz.h"
#include "para_identity.h"
#include "para_session.h"


static const char  fuzz_claims[] =
    "{\"auth_identifier\":\"jane@example.com\",\"auth_method\":\"email\"}";


static void
fuzz_match(const para_session_t *session)
{
    para_token_t      token;
    para_span_t       who;
    para_issuer_t     issuer;
    para_identity_t   identity;

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    issuer.name = PARA_SPAN("issuer");
    issuer.kind = PARA_ISSUER_OWN;
    para_issuer_default_map(PARA_ISSUER_OWN, issuer.map);

    token.verdict = PARA_OK;
    token.issuer = &issuer;
    token.claims = para_json_parse(PARA_SPAN(fuzz_claims), 1000);

    if (para_identity_build(&identity, &token, session, PARA_MATCH_STRICT)
        == PARA_OK)
    {
        who = session->field[PARA_SESSION_IDENTIFIER];
        fuzz_assert(para_span_eq_nocase(who, PARA_SPAN("jane@example.com")));
    }

    para_identity_free(&identity);
    para_json_free(token.claims);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           i, j, len;
    para_span_t      text;
    para_session_t   session;
    unsigned char    body[PARA_SESSION_BODY_MAX];

    text = para_span(data, size);

    if (para_session_parse_verify(&session, text) == PARA_OK) {
        fuzz_assert(session.field[PARA_SESSION_IDENTIFIER].len != 0);
        fuzz_assert(session.field[PARA_SESSION_AUTH_TYPE].len != 0);

        for (i = 0; i < PARA_SESSION_FIELDS; i++) {
            fuzz_assert(session.field[i].len <= PARA_SESSION_TEXT_MAX);

            for (j = 0; j < session.field[i].len; j++) {
                fuzz_assert(session.field[i].data[j] >= 0x20
                            && session.field[i].data[j] != 0x7f);
            }
        }

        fuzz_match(&session);
    }

    para_session_free(&session);

    /* and the other way: a credential that is taken stands in the request */

    if (para_session_check_token(text) == PARA_OK) {
        len = para_session_verify_body(body, text);
        fuzz_assert(len > size && len <= sizeof(body));
        fuzz_assert(memcmp(body + len - 2 - size, data, size) == 0);
    }

    return 0;
}
