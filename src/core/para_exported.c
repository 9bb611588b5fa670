#include "para_exported.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "para_b64url.h"
#include "para_cookie.h"
#include "para_header.h"


/* RFC 8259 2: an object's first two characters, with whitespace around them. */

static int
para_exported_is_object(para_span_t text)
{
    size_t         i, at;
    unsigned char  c[2];

    at = 0;

    for (i = 0; i < text.len && at < 2; i++) {
        if (memchr(" \t\r\n", text.data[i], 4) == NULL) {
            c[at++] = text.data[i];
        }
    }

    return at == 2 && c[0] == '{' && (c[1] == '"' || c[1] == '}');
}


unsigned
para_exported_form(para_span_t credential, unsigned taken)
{
    size_t         n;
    unsigned       form;
    unsigned char  text[para_b64url_decoded_max(PARA_EXPORTED_MAX)];

    form = 0;

    if (credential.len <= PARA_EXPORTED_MAX) {

        if (para_b64_decode(text, &n, credential)
            && para_exported_is_object(para_span(text, n)))
        {
            form = PARA_FORM_EXPORTED;
        }

        /* what was decoded, and no more: this is on every request's way */

        OPENSSL_cleanse(text, para_b64url_decoded_max(credential.len));
    }

    if (form == 0 && para_session_check_token(credential) == PARA_OK) {
        form = PARA_FORM_TOKEN;
    }

    return form & taken;
}


static para_reason_e
para_exported_decode(para_exported_t *exported, para_span_t credential)
{
    size_t          n, size;
    para_reason_e   rc;
    unsigned char  *text;

    if (credential.len > PARA_EXPORTED_MAX) {
        return PARA_SESSION_MALFORMED;
    }

    size = para_b64url_decoded_max(credential.len);

    text = malloc(size);
    if (text == NULL) {
        return PARA_NO_MEMORY;
    }

    rc = PARA_SESSION_MALFORMED;

    if (para_b64_decode(text, &n, credential)) {
        exported->json = para_json_parse(para_span(text, n),
                                         PARA_EXPORTED_MAX);

        if (exported->json != NULL) {
            rc = PARA_OK;

        } else if (para_json_starved()) {
            rc = PARA_NO_MEMORY;
        }
    }

    OPENSSL_cleanse(text, size);
    free(text);

    return rc;
}


/*
 * Looks for a share in what is below a value, and says 0 when there is one.
 * The SDK has them in wallets[*].signer, whatever its documents say; elsewhere
 * they would be as secret.  The depth is bounded by PARA_JSON_MAX_DEPTH.
 */

static int para_exported_no_signer(void *data, para_span_t name,
    const para_json_t *value);


static int
para_exported_no_signer_in(const para_json_t *value)
{
    size_t  i;

    for (i = 0; i < para_json_length(value); i++) {
        if (!para_exported_no_signer_in(para_json_item(value, i))) {
            return 0;
        }
    }

    return para_json_each(value, para_exported_no_signer, NULL);
}


static int
para_exported_no_signer(void *data, para_span_t name,
    const para_json_t *value)
{
    para_span_t  text;

    (void) data;

    if (para_span_eq_nocase(name, PARA_SPAN("signer"))
        && para_json_type(value) != PARA_JSON_NULL
        && !(para_json_string(value, &text) && text.len == 0))
    {
        return 0;
    }

    return para_exported_no_signer_in(value);
}


/* A member that is null or empty is absent. */

static int
para_exported_read(const para_exported_t *exported, const char *name,
    size_t max, para_span_t *text)
{
    para_span_t         string;
    const para_json_t  *value;

    value = para_json_get(exported->json, name);

    if (value == NULL || para_json_type(value) == PARA_JSON_NULL) {
        return 1;
    }

    if (!para_json_string(value, &string) || string.len > max) {
        return 0;
    }

    if (string.len != 0) {
        *text = string;
    }

    return 1;
}


static int
para_exported_set_pair(para_exported_t *exported, para_span_t pair)
{
    unsigned char  *end;

    exported->decoded = malloc(pair.len);
    if (exported->decoded == NULL) {
        return 0;
    }

    end = para_cookie_unescape(exported->decoded, pair);
    exported->pair = para_span(exported->decoded,
                               (size_t) (end - exported->decoded));

    return 1;
}


static para_reason_e
para_exported_read_all(para_exported_t *exported, para_signer_e signer)
{
    para_span_t    cookie, pair, user_id;
    para_reason_e  rc;

    cookie = PARA_SPAN_NONE;
    user_id = PARA_SPAN_NONE;

    if (!para_exported_read(exported, "sessionCookie", PARA_COOKIE_MAX,
                            &cookie)
        || !para_exported_read(exported, "userId", PARA_SESSION_TEXT_MAX,
                               &user_id)
        || !para_header_safe(user_id))
    {
        return PARA_SESSION_MALFORMED;
    }

    if (signer != PARA_SIGNER_ALLOW
        && !para_exported_no_signer_in(exported->json))
    {
        return PARA_SESSION_SIGNER;
    }

    if (cookie.data == NULL) {
        return PARA_SESSION_COOKIE;
    }

    rc = para_cookie_parse(cookie, &pair);
    if (rc != PARA_OK) {
        return rc;
    }

    if (!para_exported_set_pair(exported, pair)) {
        return PARA_NO_MEMORY;
    }

    exported->cookie = cookie;
    exported->user_id = user_id;

    return PARA_OK;
}


para_reason_e
para_exported_parse(para_exported_t *exported, para_span_t credential,
    para_signer_e signer)
{
    para_reason_e  rc;

    memset(exported, 0, sizeof(para_exported_t));

    rc = para_exported_decode(exported, credential);

    return rc == PARA_OK ? para_exported_read_all(exported, signer) : rc;
}


void
para_exported_free(para_exported_t *exported)
{
    if (exported->decoded != NULL) {
        OPENSSL_cleanse(exported->decoded, exported->pair.len);
        free(exported->decoded);
    }

    para_json_wipe(exported->json);

    memset(exported, 0, sizeof(para_exported_t));
}


para_reason_e
para_exported_check_user(const para_exported_t *exported,
    const para_session_t *session)
{
    if (exported->user_id.data == NULL
        || para_span_eq(exported->user_id,
                        session->field[PARA_SESSION_USER_ID]))
    {
        return PARA_OK;
    }

    return PARA_SESSION_USER;
}
