/*
 * What Para answers to each of our calls: what is taken has its fields, without
 * a control byte; and no answer makes an identity of another person's token.
 */

#include "fuzz.h"
#include "para_identity.h"
#include "para_session.h"
#include "para_wallet.h"


static const char  fuzz_claims[] =
    "{\"auth_identifier\":\"jane@example.com\",\"auth_method\":\"email\","
    "\"para_user_id\":\"jane\"}";


/* Whom it is bound to: by the id, or by identifier and type. */

static void
fuzz_match(const para_session_t *session)
{
    para_token_t      token;
    para_span_t       who, id;
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

    if (para_identity_build(&identity, &token, session, PARA_MATCH_STRICT,
                            NULL)
        == PARA_OK)
    {
        id = session->field[PARA_SESSION_USER_ID];
        who = session->field[PARA_SESSION_IDENTIFIER];

        fuzz_assert(id.data == NULL || para_span_eq(id, PARA_SPAN("jane")));
        fuzz_assert(id.data != NULL || who.data != NULL);
        fuzz_assert(who.data == NULL
                    || para_span_eq_nocase(who,
                                           PARA_SPAN("jane@example.com")));
    }

    para_identity_free(&identity);
    para_json_free(token.claims);
}


static void
fuzz_fields(const para_session_t *session)
{
    int          i;
    size_t       j;
    para_span_t  text;

    for (i = 0; i < PARA_SESSION_FIELDS; i++) {
        text = session->field[i];

        if (i == PARA_SESSION_LOOKUP_ID) {       /* a digest */
            fuzz_assert(text.len == 0 || text.len == 32);
            continue;
        }

        if (i != PARA_SESSION_WALLET_IDS) {
            fuzz_assert(text.len <= PARA_SESSION_TEXT_MAX);
        }

        fuzz_assert(text.len <= 65535);

        for (j = 0; j < text.len; j++) {
            fuzz_assert(text.data[j] >= 0x20 && text.data[j] != 0x7f);
        }
    }
}


static void
fuzz_verify(para_span_t text)
{
    para_session_t  session;

    if (para_session_parse_verify(&session, text) == PARA_OK) {
        fuzz_assert(session.field[PARA_SESSION_IDENTIFIER].len != 0);
        fuzz_assert(session.field[PARA_SESSION_AUTH_TYPE].len != 0);
        fuzz_assert(session.field[PARA_SESSION_WALLET_IDS].len == 0);

        fuzz_fields(&session);
        fuzz_match(&session);
    }

    para_session_free(&session);
}


static void
fuzz_touch(para_span_t text)
{
    para_span_t     wallets;
    para_session_t  session;

    if (para_session_parse_touch(&session, text) == PARA_OK) {
        fuzz_assert(session.field[PARA_SESSION_USER_ID].len != 0);
        fuzz_assert(session.field[PARA_SESSION_IDENTIFIER].len == 0);

        fuzz_fields(&session);
        fuzz_match(&session);

        wallets = session.field[PARA_SESSION_WALLET_IDS];
        fuzz_assert((para_wallet_check_type(wallets, PARA_SPAN_NONE)
                     == PARA_OK)
                    == (wallets.len != 0));

    } else {
        fuzz_assert(session.field[PARA_SESSION_USER_ID].data == NULL);
    }

    para_session_free(&session);
}


static void
fuzz_wallet(para_span_t text)
{
    size_t         n;
    unsigned char  id[PARA_WALLET_ID_MAX], body[PARA_WALLET_BODY_MAX];

    if (para_wallet_parse(id, &n, text) == PARA_OK) {
        fuzz_assert(n != 0 && n <= sizeof(id));
        fuzz_assert(memchr(id, ',', n) == NULL);
        fuzz_assert(para_wallet_check_id(para_span(id, n), PARA_SPAN_NONE,
                                         para_span(id, n)) == PARA_OK
                    || memchr(id, ':', n) != NULL);
    }

    /* any text as a list, and as an address that is asked for */

    (void) para_wallet_check_address(text, PARA_SPAN("EVM"), text);
    (void) para_wallet_check_type(text, text);

    if (para_wallet_may_ask(PARA_SPAN("EVM:w"), PARA_SPAN_NONE, text)) {
        n = para_wallet_body(body, text);
        fuzz_assert(n > text.len && n <= sizeof(body));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    para_span_t     text;
    unsigned char   body[PARA_SESSION_BODY_MAX];

    text = para_span(data, size);

    fuzz_verify(text);
    fuzz_touch(text);
    fuzz_wallet(text);

    /* and the other way: a credential that is taken stands in the request */

    if (para_session_check_token(text) == PARA_OK) {
        len = para_session_verify_body(body, text);
        fuzz_assert(len > size && len <= sizeof(body));
        fuzz_assert(memcmp(body + len - 2 - size, data, size) == 0);
    }

    return 0;
}
