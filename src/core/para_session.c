#include "para_session.h"

#include "para_header.h"


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


para_reason_e
para_session_parse_verify(para_session_t *session, para_span_t answer)
{
    para_span_t  field[PARA_SESSION_FIELDS];

    memset(session, 0, sizeof(para_session_t));

    if (answer.len > PARA_SESSION_ANSWER_MAX) {
        return PARA_ANSWER_SIZE;
    }

    session->json = para_json_parse(answer, PARA_SESSION_ANSWER_MAX);
    if (session->json == NULL) {
        return PARA_ANSWER_JSON;
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


void
para_session_free(para_session_t *session)
{
    para_json_free(session->json);

    memset(session, 0, sizeof(para_session_t));
}
