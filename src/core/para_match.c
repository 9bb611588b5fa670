#include "para_match.h"

#include "para_wallet.h"


typedef enum {
    PARA_COMPARE_NOTHING = 0,         /* the session has none */
    PARA_COMPARE_MISSING,             /* it has, but the token has none */
    PARA_COMPARE_EQUAL,
    PARA_COMPARE_DIFFERENT
} para_compare_e;


/* By the bits of PARA_MATCH_USER_ID and the others. */

static const para_span_t  para_match_name[] = {
    { (const unsigned char *) "user_id", 7 },
    { (const unsigned char *) "identifier", 10 },
    { (const unsigned char *) "type", 4 }
};

#define PARA_MATCH_COMPARED                                                   \
    (sizeof(para_match_name) / sizeof(para_match_name[0]))


static para_compare_e
para_match_compare(para_span_t a, para_span_t b, int nocase)
{
    int  equal;

    if (b.data == NULL) {
        return PARA_COMPARE_NOTHING;
    }

    if (a.data == NULL) {
        return PARA_COMPARE_MISSING;
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


/* Those of which that is what came of it. */

static unsigned
para_match_mask(const para_compare_e *compared, para_compare_e what)
{
    size_t    i;
    unsigned  mask;

    mask = 0;

    for (i = 0; i < PARA_MATCH_COMPARED; i++) {
        if (compared[i] == what) {
            mask |= 1u << i;
        }
    }

    return mask;
}


para_reason_e
para_match(const para_match_token_t *token, const para_session_t *session,
    para_match_e match, para_match_result_t *result)
{
    unsigned        equal, different;
    para_compare_e  compared[PARA_MATCH_COMPARED];

    compared[0] = para_match_compare(token->user_id,
                                     session->field[PARA_SESSION_USER_ID], 0);
    compared[1] = para_match_compare_identifier(token, session);
    compared[2] = para_match_compare_type(token, session);

    equal = para_match_mask(compared, PARA_COMPARE_EQUAL);
    different = para_match_mask(compared, PARA_COMPARE_DIFFERENT);

    result->bound = !different
                    && ((equal & PARA_MATCH_USER_ID)
                        || (equal & PARA_MATCH_IDENTIFIER
                            && equal & PARA_MATCH_TYPE));

    result->disputed = different
                       ? different
                       : para_match_mask(compared, PARA_COMPARE_MISSING);

    if (result->bound || match == PARA_MATCH_OFF) {
        return PARA_OK;
    }

    if (different) {
        return PARA_IDENTITY_MISMATCH;
    }

    return match == PARA_MATCH_PRESENT ? PARA_OK : PARA_IDENTITY_INCOMPARABLE;
}


size_t
para_match_names(unsigned char *dst, unsigned mask)
{
    size_t          i;
    unsigned char  *p;

    p = dst;

    for (i = 0; i < PARA_MATCH_COMPARED; i++) {

        if (!(mask & 1u << i)) {
            continue;
        }

        if (p != dst) {
            memcpy(p, ", ", 2);
            p += 2;
        }

        memcpy(p, para_match_name[i].data, para_match_name[i].len);
        p += para_match_name[i].len;
    }

    return (size_t) (p - dst);
}
