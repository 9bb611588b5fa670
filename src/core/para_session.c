#include "para_session.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "para_header.h"
#include "para_list.h"
#include "para_wallet.h"


para_reason_e
para_session_check_token(para_span_t token)
{
    size_t         i;
    unsigned char  c;

    if (token.len == 0 || token.len > PARA_SESSION_TOKEN_MAX) {
        return PARA_SESSION_MALFORMED;
    }

    for (i = 0; i < token.len; i++) {
        c = token.data[i];

        if (c < '!' || c > '~' || c == '"' || c == ',' || c == '\\') {
            return PARA_SESSION_MALFORMED;
        }
    }

    return PARA_OK;
}


size_t
para_session_verify_body(unsigned char *dst, para_span_t token)
{
    size_t  n;

    if (!para_json_encode(dst, PARA_SESSION_BODY_MAX, &n, "verificationToken",
                          token))
    {
        return 0;
    }

    return n;
}


/* A member that is null or empty is absent. */

static int
para_session_read(const para_json_t *answer, const char *name,
    para_span_t *field)
{
    para_span_t         text;
    para_json_type_e    type;
    const para_json_t  *value;

    value = para_json_get(answer, name);
    type = para_json_type(value);

    *field = PARA_SPAN_NONE;

    if (type == PARA_JSON_ABSENT || type == PARA_JSON_NULL) {
        return 1;
    }

    if (!para_json_string(value, &text)
        || text.len > PARA_SESSION_TEXT_MAX || !para_header_safe(text))
    {
        return 0;
    }

    if (text.len != 0) {
        *field = text;
    }

    return 1;
}


static para_reason_e
para_session_parse(para_session_t *session, para_span_t answer)
{
    memset(session, 0, sizeof(para_session_t));

    if (answer.len > PARA_SESSION_ANSWER_MAX) {
        return PARA_ANSWER_SIZE;
    }

    session->json = para_json_parse(answer, PARA_SESSION_ANSWER_MAX);

    return session->json != NULL ? PARA_OK : PARA_ANSWER_JSON;
}


para_reason_e
para_session_parse_verify(para_session_t *session, para_span_t answer)
{
    para_span_t    field[PARA_SESSION_FIELDS];
    para_reason_e  rc;

    memset(field, 0, sizeof(field));

    rc = para_session_parse(session, answer);
    if (rc != PARA_OK) {
        return rc;
    }

    if (!para_session_read(session->json, "userId",
                           &field[PARA_SESSION_USER_ID])
        || !para_session_read(session->json, "identifier",
                              &field[PARA_SESSION_IDENTIFIER])
        || !para_session_read(session->json, "authType",
                              &field[PARA_SESSION_AUTH_TYPE])
        || !para_session_read(session->json, "oAuthMethod",
                              &field[PARA_SESSION_OAUTH_METHOD])
        || field[PARA_SESSION_IDENTIFIER].data == NULL
        || field[PARA_SESSION_AUTH_TYPE].data == NULL)
    {
        return PARA_ANSWER_MEMBER;
    }

    memcpy(session->field, field, sizeof(field));

    return PARA_OK;
}


/* currentWalletIds: {"EVM": ["<id>", ...], ...} is gone through twice. */

typedef struct {
    size_t           size;            /* bytes that the list takes at most */
    size_t           ids;
    unsigned char   *start;
    unsigned char   *last;
} para_session_wallets_t;


static int
para_session_check_wallets(void *data, para_span_t type,
    const para_json_t *ids)
{
    size_t       i;
    para_span_t  id;

    para_session_wallets_t *wallets = data;

    if (para_json_type(ids) == PARA_JSON_NULL) {
        return 1;
    }

    if (type.len == 0 || type.len > PARA_SESSION_TYPE_MAX
        || !para_header_safe(type) || para_json_type(ids) != PARA_JSON_ARRAY)
    {
        return 0;
    }

    for (i = 0; i < para_json_length(ids); i++) {

        if (!para_json_string(para_json_item(ids, i), &id)
            || !para_wallet_id_valid(id)
            || ++wallets->ids > PARA_SESSION_WALLETS)
        {
            return 0;
        }

        wallets->size += para_list_pair_max(type.len, id.len);
    }

    return 1;
}


static int
para_session_write_wallets(void *data, para_span_t type,
    const para_json_t *ids)
{
    size_t       i;
    para_span_t  id;

    para_session_wallets_t *wallets = data;

    for (i = 0; i < para_json_length(ids); i++) {
        (void) para_json_string(para_json_item(ids, i), &id);

        wallets->last = para_list_write_pair(wallets->last, wallets->start,
                                             type, id);
    }

    return 1;
}


static para_reason_e
para_session_read_wallets(para_session_t *session, para_span_t *list)
{
    const para_json_t       *current;
    para_session_wallets_t   wallets;

    current = para_json_get(session->json, "currentWalletIds");

    if (current == NULL || para_json_type(current) == PARA_JSON_NULL) {
        return PARA_OK;
    }

    memset(&wallets, 0, sizeof(para_session_wallets_t));

    if (para_json_type(current) != PARA_JSON_OBJECT
        || !para_json_each(current, para_session_check_wallets, &wallets))
    {
        return PARA_ANSWER_MEMBER;
    }

    if (wallets.ids == 0) {
        return PARA_OK;
    }

    session->memory = malloc(wallets.size);
    if (session->memory == NULL) {
        return PARA_NO_MEMORY;
    }

    wallets.start = session->memory;
    wallets.last = session->memory;

    (void) para_json_each(current, para_session_write_wallets, &wallets);

    *list = para_span(wallets.start, (size_t) (wallets.last - wallets.start));

    return PARA_OK;
}


static int
para_session_no_member(void *data, para_span_t name, const para_json_t *value)
{
    (void) data;
    (void) name;
    (void) value;

    return 0;
}


/* An expired session is no error to Para: somebody anonymous has a new one. */

static para_reason_e
para_session_check_active(const para_json_t *answer)
{
    int                 active;
    const para_json_t  *value;

    value = para_json_get(answer, "isAuthenticated");

    if (para_json_boolean(value, &active)) {
        return active ? PARA_OK : PARA_SESSION_ENDED;
    }

    if ((value != NULL && para_json_type(value) != PARA_JSON_NULL)
        || para_json_each(answer, para_session_no_member, NULL))
    {
        return PARA_ANSWER_MEMBER;
    }

    return PARA_SESSION_ENDED;
}


/* What is kept of an answer is no place for a credential. */

static para_reason_e
para_session_hide_lookup(para_session_t *session, para_span_t *lookup)
{
    if (lookup->data == NULL) {
        return PARA_OK;
    }

    if (EVP_Q_digest(NULL, "SHA256", NULL, lookup->data, lookup->len,
                     session->lookup, NULL)
        != 1)
    {
        ERR_clear_error();
        return PARA_NO_MEMORY;
    }

    *lookup = para_span(session->lookup, sizeof(session->lookup));

    return PARA_OK;
}


para_reason_e
para_session_parse_touch(para_session_t *session, para_span_t answer)
{
    para_span_t    field[PARA_SESSION_FIELDS];
    para_reason_e  rc;

    memset(field, 0, sizeof(field));

    rc = para_session_parse(session, answer);

    if (rc == PARA_OK) {
        rc = para_session_check_active(session->json);
    }

    if (rc != PARA_OK) {
        return rc;
    }

    if (!para_session_read(session->json, "userId",
                           &field[PARA_SESSION_USER_ID])
        || !para_session_read(session->json, "email",
                              &field[PARA_SESSION_EMAIL])
        || !para_session_read(session->json, "sessionLookupId",
                              &field[PARA_SESSION_LOOKUP_ID])
        || field[PARA_SESSION_USER_ID].data == NULL)
    {
        return PARA_ANSWER_MEMBER;
    }

    rc = para_session_read_wallets(session, &field[PARA_SESSION_WALLET_IDS]);

    if (rc == PARA_OK) {
        rc = para_session_hide_lookup(session, &field[PARA_SESSION_LOOKUP_ID]);
    }

    if (rc == PARA_OK) {
        memcpy(session->field, field, sizeof(field));
    }

    return rc;
}


void
para_session_free(para_session_t *session)
{
    para_json_free(session->json);
    free(session->memory);

    memset(session, 0, sizeof(para_session_t));
}
