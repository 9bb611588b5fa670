#include "para_identity.h"

#include <stdlib.h>

#include "para_header.h"
#include "para_list.h"
#include "para_wallet.h"


/* One text each of the token and of the session, and where it goes. */

typedef struct {
    para_identity_field_e  field;
    para_claim_e           claim;
    int                    session;          /* -1: it has none */
    size_t                 max;
} para_identity_text_t;


static const para_identity_text_t  para_identity_texts[] = {
    { PARA_ID_USER_ID, PARA_CLAIM_USER_ID,
      PARA_SESSION_USER_ID, PARA_USER_ID_MAX },

    { PARA_ID_INTERNAL_USER_ID, PARA_CLAIM_INTERNAL_USER_ID,
      -1, PARA_USER_ID_MAX },

    { PARA_ID_IDENTIFIER, PARA_CLAIM_IDENTIFIER,
      PARA_SESSION_IDENTIFIER, PARA_TEXT_MAX },

    { PARA_ID_AUTH_TYPE, PARA_CLAIM_AUTH_TYPE,
      PARA_SESSION_AUTH_TYPE, PARA_TEXT_MAX }
};

#define PARA_IDENTITY_TEXTS                                                   \
    (sizeof(para_identity_texts) / sizeof(para_identity_texts[0]))


/* The fields as they were found: views of token and session, not encoded. */

typedef struct {
    para_span_t         text[PARA_ID_FIELDS];
    para_json_t        *roles;        /* these two are held */
    para_json_t        *wallets;
    para_span_t         wallet_ids;   /* the session's, a list already */
    size_t              lists;        /* bytes that all take at most */
} para_identity_raw_t;


/* What the first path leads to that leads to something; the caller's. */

static para_reason_e
para_identity_claim(const para_token_t *token, para_claim_e claim,
    para_json_t **value)
{
    size_t                     i;
    const para_claim_paths_t  *map;

    map = &token->issuer->map[claim];
    *value = NULL;

    for (i = 0; i < map->paths; i++) {

        if (!para_json_path(token->claims, map->path[i], value)) {
            return PARA_NO_MEMORY;
        }

        if (*value != NULL && para_json_type(*value) != PARA_JSON_NULL) {
            return PARA_OK;
        }

        para_json_free(*value);
        *value = NULL;
    }

    return PARA_OK;
}


/* Keeps a text in its field; an empty one is absent. */

static para_reason_e
para_identity_keep(para_identity_raw_t *raw, const para_identity_text_t *row,
    para_span_t text)
{
    if (text.len > row->max) {
        return PARA_CLAIM_SIZE;
    }

    if (text.len != 0) {
        raw->text[row->field] = text;
    }

    return PARA_OK;
}


/* The text stays where it is, in the token's claims. */

static para_reason_e
para_identity_read_text(para_identity_raw_t *raw,
    const para_identity_text_t *row, const para_token_t *token)
{
    para_span_t     text;
    para_json_t    *value;
    para_reason_e   rc;

    rc = para_identity_claim(token, row->claim, &value);

    if (rc != PARA_OK || value == NULL) {
        return rc;
    }

    rc = para_list_read_text(value, &text);
    para_json_free(value);

    return rc == PARA_OK ? para_identity_keep(raw, row, text) : rc;
}


static para_reason_e
para_identity_read_lists(para_identity_raw_t *raw, const para_token_t *token)
{
    para_reason_e  rc;

    rc = para_identity_claim(token, PARA_CLAIM_ROLES, &raw->roles);

    if (rc == PARA_OK) {
        rc = para_identity_claim(token, PARA_CLAIM_WALLETS, &raw->wallets);
    }

    if (rc == PARA_OK) {
        rc = para_list_check_roles(raw->roles, &raw->lists);
    }

    if (rc == PARA_OK) {
        rc = para_list_check_wallets(raw->wallets, &raw->lists);
    }

    if (rc == PARA_OK) {
        raw->lists += para_list_wallet_ids_max(raw->wallets);
    }

    return rc;
}


static para_reason_e
para_identity_read(para_identity_raw_t *raw, const para_token_t *token)
{
    size_t         i;
    para_reason_e  rc;

    raw->text[PARA_ID_ISSUER] = token->issuer->name;

    for (i = 0; i < PARA_IDENTITY_TEXTS; i++) {
        rc = para_identity_read_text(raw, &para_identity_texts[i], token);

        if (rc != PARA_OK) {
            return rc;
        }
    }

    return para_identity_read_lists(raw, token);
}


/* What the token does not say, the session may. */

static para_reason_e
para_identity_complete(para_identity_raw_t *raw, const para_session_t *session)
{
    size_t                       i;
    para_reason_e                rc;
    const para_identity_text_t  *row;

    for (i = 0; i < PARA_IDENTITY_TEXTS; i++) {
        row = &para_identity_texts[i];

        if (row->session == -1 || raw->text[row->field].data != NULL) {
            continue;
        }

        rc = para_identity_keep(raw, row, session->field[row->session]);
        if (rc != PARA_OK) {
            return rc;
        }
    }

    raw->wallet_ids = session->field[PARA_SESSION_WALLET_IDS];
    raw->lists += raw->wallet_ids.len + 1;

    return PARA_OK;
}


typedef enum {
    PARA_COMPARE_NOTHING = 0,         /* one side has none */
    PARA_COMPARE_EQUAL,
    PARA_COMPARE_DIFFERENT
} para_compare_e;


static para_compare_e
para_identity_compare(para_span_t a, para_span_t b, int nocase)
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
para_identity_compare_identifier(const para_identity_raw_t *raw,
    const para_session_t *session)
{
    int          nocase;
    para_span_t  a, b, type;

    a = raw->text[PARA_ID_IDENTIFIER];
    b = session->field[PARA_SESSION_IDENTIFIER];
    type = session->field[PARA_SESSION_AUTH_TYPE];

    if (b.data == NULL
        && para_span_eq_nocase(raw->text[PARA_ID_AUTH_TYPE],
                               PARA_SPAN("email")))
    {
        b = session->field[PARA_SESSION_EMAIL];
        type = PARA_SPAN("email");
    }

    nocase = para_span_eq_nocase(type, PARA_SPAN("email"))
             || (para_wallet_is_evm(a) && para_wallet_is_evm(b));

    return para_identity_compare(a, b, nocase);
}


/* Para's own SDK says TWITTER for what its documents call x. */

static para_span_t
para_identity_method(para_span_t method)
{
    if (para_span_eq_nocase(method, PARA_SPAN("twitter"))) {
        return PARA_SPAN("x");
    }

    return method;
}


/* A backend may have written down either how, or through whom. */

static para_compare_e
para_identity_compare_type(const para_identity_raw_t *raw,
    const para_session_t *session)
{
    para_span_t     type;
    para_compare_e  how, whom;

    type = para_identity_method(raw->text[PARA_ID_AUTH_TYPE]);

    how = para_identity_compare(type,
              para_identity_method(session->field[PARA_SESSION_AUTH_TYPE]), 1);

    whom = para_identity_compare(type,
            para_identity_method(session->field[PARA_SESSION_OAUTH_METHOD]), 1);

    return whom == PARA_COMPARE_EQUAL || how == PARA_COMPARE_NOTHING ? whom
                                                                     : how;
}


/*
 * Whether both layers may stand together, and whether they are one user's for
 * certain (*bound): only then may the session say what the token does not, or
 * two people would be mixed into one.
 */

static para_reason_e
para_identity_match(const para_identity_raw_t *raw,
    const para_session_t *session, para_match_e match, int *bound)
{
    int             differs;
    para_compare_e  user_id, identifier, type;

    user_id = para_identity_compare(raw->text[PARA_ID_USER_ID],
                                    session->field[PARA_SESSION_USER_ID], 0);
    identifier = para_identity_compare_identifier(raw, session);
    type = para_identity_compare_type(raw, session);

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


/* Both know wallets of the user; one that both know may stand there twice. */

static unsigned char *
para_identity_write_wallet_ids(unsigned char *dst,
    const para_identity_raw_t *raw)
{
    unsigned char  *end;

    end = para_list_write_wallet_ids(dst, raw->wallets);

    if (raw->wallet_ids.len == 0) {
        return end;
    }

    if (end != dst) {
        *end++ = ',';
    }

    memcpy(end, raw->wallet_ids.data, raw->wallet_ids.len);

    return end + raw->wallet_ids.len;
}


static unsigned char *
para_identity_write_field(unsigned char *dst, const para_identity_raw_t *raw,
    para_identity_field_e field)
{
    switch (field) {

    case PARA_ID_ROLES:
        return para_list_write_roles(dst, raw->roles);

    case PARA_ID_WALLETS:
        return para_list_write_wallets(dst, raw->wallets);

    case PARA_ID_WALLET_IDS:
        return para_identity_write_wallet_ids(dst, raw);

    default:
        return para_header_encode(dst, raw->text[field], "");
    }
}


static para_reason_e
para_identity_write(para_identity_t *identity, const para_identity_raw_t *raw)
{
    size_t          i, size;
    unsigned char  *p, *end;

    size = raw->lists + 1;            /* malloc(0) may be NULL */

    for (i = 0; i < PARA_ID_FIELDS; i++) {
        size += para_header_encoded_max(raw->text[i].len);
    }

    p = malloc(size);
    if (p == NULL) {
        return PARA_NO_MEMORY;
    }

    identity->memory = p;

    for (i = 0; i < PARA_ID_FIELDS; i++) {
        end = para_identity_write_field(p, raw, (para_identity_field_e) i);

        if (end != p) {
            identity->field[i] = para_span(p, (size_t) (end - p));
        }

        p = end;
    }

    return PARA_OK;
}


/* Both layers, or the one that there is, as they were found. */

static para_reason_e
para_identity_gather(para_identity_raw_t *raw, const para_token_t *token,
    const para_session_t *session, para_match_e match)
{
    int            bound;
    para_reason_e  rc;

    bound = 1;

    if (token != NULL) {
        rc = token->verdict;          /* no word of it counts before */

        if (rc == PARA_OK) {
            rc = para_identity_read(raw, token);
        }

        if (rc == PARA_OK && session != NULL) {
            rc = para_identity_match(raw, session, match, &bound);
        }

        if (rc != PARA_OK) {
            return rc;
        }
    }

    return session != NULL && bound ? para_identity_complete(raw, session)
                                    : PARA_OK;
}


para_reason_e
para_identity_build(para_identity_t *identity, const para_token_t *token,
    const para_session_t *session, para_match_e match)
{
    para_reason_e        rc;
    para_identity_raw_t  raw;

    memset(identity, 0, sizeof(para_identity_t));
    memset(&raw, 0, sizeof(para_identity_raw_t));

    if (token == NULL && session == NULL) {
        return PARA_IDENTITY_INCOMPARABLE;
    }

    rc = para_identity_gather(&raw, token, session, match);

    if (rc == PARA_OK) {
        rc = para_identity_write(identity, &raw);
    }

    para_json_free(raw.roles);
    para_json_free(raw.wallets);

    return rc;
}


void
para_identity_free(para_identity_t *identity)
{
    free(identity->memory);

    memset(identity, 0, sizeof(para_identity_t));
}
