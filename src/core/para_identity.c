#include "para_identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "para_header.h"
#include "para_list.h"


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
      PARA_SESSION_AUTH_TYPE, PARA_TEXT_MAX },

    { PARA_ID_EMAIL, PARA_CLAIM_EMAIL,
      PARA_SESSION_EMAIL, PARA_TEXT_MAX },

    { PARA_ID_OAUTH_METHOD, PARA_CLAIM_OAUTH_METHOD,
      PARA_SESSION_OAUTH_METHOD, PARA_TEXT_MAX }
};

#define PARA_IDENTITY_TEXTS                                                   \
    (sizeof(para_identity_texts) / sizeof(para_identity_texts[0]))


/* The fields as they were found: views of token and session, not encoded. */

typedef struct {
    para_span_t           text[PARA_ID_FIELDS];
    char                  expires[24];    /* one of them */
    para_json_t          *roles;          /* these two are held */
    para_json_t          *wallets;
    para_span_t           wallet_ids;     /* the session's, a list already */
    size_t                lists;          /* bytes that all take at most */
    para_claim_values_t   claims;         /* these are encoded */
    para_match_result_t   match;
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


static void
para_identity_read_expires(para_identity_raw_t *raw, const para_token_t *token)
{
    int  n;

    if (token->expires != 0) {
        n = snprintf(raw->expires, sizeof(raw->expires), "%lld",
                     (long long) token->expires);

        raw->text[PARA_ID_EXPIRES] = para_span(raw->expires, (size_t) n);
    }
}


static para_reason_e
para_identity_read(para_identity_raw_t *raw, const para_token_t *token,
    const para_claim_set_t *set)
{
    size_t         i;
    para_reason_e  rc;

    raw->text[PARA_ID_ISSUER] = token->issuer->name;

    para_identity_read_expires(raw, token);

    for (i = 0; i < PARA_IDENTITY_TEXTS; i++) {
        rc = para_identity_read_text(raw, &para_identity_texts[i], token);

        if (rc != PARA_OK) {
            return rc;
        }
    }

    rc = para_identity_read_lists(raw, token);

    if (rc == PARA_OK && set != NULL) {
        rc = para_claim_set_read(&raw->claims, set, token->claims);
    }

    return rc;
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

    case PARA_ID_CLAIMS:
        return para_claim_values_write(dst, &raw->claims);

    default:
        return para_header_encode(dst, raw->text[field], "");
    }
}


static para_reason_e
para_identity_write(para_identity_t *identity, const para_identity_raw_t *raw)
{
    size_t          i, size;
    unsigned char  *p, *end;

    /* malloc(0) may be NULL */

    size = raw->lists + para_claim_values_size(&raw->claims) + 1;

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


static para_reason_e
para_identity_match(para_identity_raw_t *raw, const para_session_t *session,
    para_match_e match)
{
    para_match_token_t  token;

    token.user_id = raw->text[PARA_ID_USER_ID];
    token.identifier = raw->text[PARA_ID_IDENTIFIER];
    token.type = raw->text[PARA_ID_AUTH_TYPE];

    return para_match(&token, session, match, &raw->match);
}


/* Both layers, or the one that there is, as they were found. */

static para_reason_e
para_identity_gather(para_identity_raw_t *raw, const para_token_t *token,
    const para_session_t *session, para_match_e match,
    const para_claim_set_t *set)
{
    para_reason_e  rc;

    raw->match.bound = 1;

    if (token != NULL) {
        rc = para_identity_read(raw, token, set);

        if (rc == PARA_OK && session != NULL) {
            rc = para_identity_match(raw, session, match);
        }

        if (rc != PARA_OK) {
            return rc;
        }
    }

    return session != NULL && raw->match.bound
           ? para_identity_complete(raw, session) : PARA_OK;
}


static para_reason_e
para_identity_make(para_identity_t *identity, const para_token_t *token,
    const para_session_t *session, para_match_e match,
    const para_claim_set_t *set)
{
    para_reason_e        rc;
    para_identity_raw_t  raw;

    memset(&raw, 0, sizeof(para_identity_raw_t));

    rc = para_identity_gather(&raw, token, session, match, set);

    identity->disputed = raw.match.disputed;

    if (rc == PARA_OK) {
        rc = para_identity_write(identity, &raw);
    }

    para_json_free(raw.roles);
    para_json_free(raw.wallets);
    para_claim_values_free(&raw.claims);

    return rc;
}


para_reason_e
para_identity_build(para_identity_t *identity, const para_token_t *token,
    const para_session_t *session, para_match_e match,
    const para_claim_set_t *set)
{
    memset(identity, 0, sizeof(para_identity_t));

    if (token == NULL && session == NULL) {
        return PARA_IDENTITY_INCOMPARABLE;
    }

    /* no word of it counts before */

    if (token != NULL && token->verdict != PARA_OK) {
        return token->verdict;
    }

    return para_identity_make(identity, token, session, match, set);
}


para_reason_e
para_identity_build_expired(para_identity_t *identity,
    const para_token_t *token, const para_session_t *session)
{
    memset(identity, 0, sizeof(para_identity_t));

    if (token->verdict != PARA_TOKEN_EXPIRED) {
        return PARA_SIGNATURE;
    }

    return para_identity_make(identity, token, session, PARA_MATCH_STRICT,
                              NULL);
}


void
para_identity_free(para_identity_t *identity)
{
    free(identity->memory);

    memset(identity, 0, sizeof(para_identity_t));
}
