#include "para_match.h"

#include "para_wallet.h"


typedef enum {
    PARA_COMPARE_NOTHING = 0,         /* one side has none */
    PARA_COMPARE_EQUAL,
    PARA_COMPARE_DIFFERENT
} para_compare_e;


static para_compare_e
para_match_compare(para_span_t a, para_span_t b, int nocase)
{
    int  equal;

    if (a.data == NULL || b.data == NULL) {
        return PARA_COMPARE_NOTHING;
    }

    equal = nocase ? para_span_eq_nocase(a, b) : para_span_eq(a, b);

    return equal ? PARA_COMPARE_EQUAL : PARA_COMPARE_DIFFERENT;
}


/*
 * Mail addresses are the same in any case, and so are EVM addresses, whose
 * case is a mere checksum (EIP-55).  Nothing else is.  /touch does not tell how
 * a user logs in, only a mail address that he has: that says something where
 * the token's identifier is one.
 */

static para_compare_e
para_match_compare_identifier(const para_match_token_t *token,
    const para_session_t *session)
{
    int          nocase;
    para_span_t  a, b, type;

    a = token->identifier;
    b = session->field[PARA_SESSION_IDENTIFIER];
    type = session->field[PARA_SESSION_AUTH_TYPE];

    if (b.data == NULL
        && para_span_eq_nocase(token->type, PARA_SPAN("email")))
    {
        b = session->field[PARA_SESSION_EMAIL];
        type = PARA_SPAN("email");
    }

    nocase = para_span_eq_nocase(type, PARA_SPAN("email"))
             || (para_wallet_is_evm(a) && para_wallet_is_evm(b));

    return para_match_compare(a, b, nocase);
}


/* Para's own SDK says TWITTER for what its documents call x. */

static para_span_t
para_match_method(para_span_t method)
{
    if (para_span_eq_nocase(method, PARA_SPAN("twitter"))) {
        return PARA_SPAN("x");
    }

    return method;
}


/* A backend may have written down either how, or through whom. */

static para_compare_e
para_match_compare_type(const para_match_token_t *token,
    const para_session_t *session)
{
    para_span_t     type;
    para_compare_e  how, whom;

    type = para_match_method(token->type);

    how = para_match_compare(type,
              para_match_method(session->field[PARA_SESSION_AUTH_TYPE]), 1);

    whom = para_match_compare(type,
            para_match_method(session->field[PARA_SESSION_OAUTH_METHOD]), 1);

    return whom == PARA_COMPARE_EQUAL || how == PARA_COMPARE_NOTHING ? whom
                                                                     : how;
}


para_reason_e
para_match(const para_match_token_t *token, const para_session_t *session,
    para_match_e match, int *bound)
{
    int             differs;
    para_compare_e  user_id, identifier, type;

    user_id = para_match_compare(token->user_id,
                                 session->field[PARA_SESSION_USER_ID], 0);
    identifier = para_match_compare_identifier(token, session);
    type = para_match_compare_type(token, session);

    differs = user_id == PARA_COMPARE_DIFFERENT
              || identifier == PARA_COMPARE_DIFFERENT
              || type == PARA_COMPARE_DIFFERENT;

    *bound = !differs
             && (user_id == PARA_COMPARE_EQUAL
                 || (identifier == PARA_COMPARE_EQUAL
                     && type == PARA_COMPARE_EQUAL));

    if (*bound || match == PARA_MATCH_OFF) {
        return PARA_OK;
    }

    if (differs) {
        return PARA_IDENTITY_MISMATCH;
    }

    return match == PARA_MATCH_PRESENT ? PARA_OK : PARA_IDENTITY_INCOMPARABLE;
}
