#include "para_exported.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "para_b64url.h"
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


static para_json_t *
para_exported_decode(para_span_t credential)
{
    size_t          n, size;
    para_json_t    *json;
    unsigned char  *text;

    if (credential.len > PARA_EXPORTED_MAX) {
        return NULL;
    }

    size = para_b64url_decoded_max(credential.len);

    text = malloc(size);
    if (text == NULL) {
        return NULL;
    }

    json = NULL;

    if (para_b64_decode(text, &n, credential)) {
        json = para_json_parse(para_span(text, n), PARA_EXPORTED_MAX);
    }

    OPENSSL_cleanse(text, size);
    free(text);

    return json;
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


/* Visible ASCII without those; space is none of it. */

static int
para_exported_has_only_but(para_span_t text, const char *but)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~'
            || strchr(but, text.data[i]) != NULL)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * The text before the next character of that kind, and what is behind it: the
 * latter is absent if there is no such character.
 */

static para_span_t
para_exported_split(para_span_t *text, int c)
{
    para_span_t           first;
    const unsigned char  *at;

    first = *text;
    at = memchr(text->data, c, text->len);

    if (at == NULL) {
        *text = PARA_SPAN_NONE;
        return first;
    }

    first.len = (size_t) (at - text->data);
    *text = para_span(at + 1, text->len - first.len - 1);

    return first;
}


static para_span_t
para_exported_trim(para_span_t text)
{
    while (text.len != 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }

    while (text.len != 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }

    return text;
}


/* RFC 6265 4.1.1: a token, "=", cookie-octets */

static int
para_exported_is_pair(para_span_t pair)
{
    para_span_t  name;

    name = para_exported_split(&pair, '=');

    return pair.data != NULL && name.len != 0
           && para_exported_has_only_but(name, "()<>@,;:\\\"/[]?={}")
           && para_exported_has_only_but(pair, "\",;\\");
}


/*
 * An attribute says where a browser sends the cookie.  What is none could be
 * another cookie for who reads it, and so could what is behind a comma, which
 * only a date has (RFC 6265 4.1.1, 5.2).
 */

static int
para_exported_is_attribute(para_span_t text)
{
    size_t       i;
    para_span_t  name, part;

    static const char *const  known[] = {
        "Path", "Domain", "Max-Age", "HttpOnly", "Secure", "SameSite",
        "Priority", "Partitioned"
    };

    name = para_exported_split(&text, '=');

    if (para_span_eq_nocase(name, PARA_SPAN("Expires"))) {

        while (text.data != NULL) {
            part = para_exported_split(&text, ' ');

            if (!para_exported_has_only_but(part, "=\"\\")) {
                return 0;
            }
        }

        return 1;
    }

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (para_span_eq_nocase(name, para_span(known[i],
                                                strlen(known[i]))))
        {
            return para_exported_has_only_but(text, "\",\\");
        }
    }

    return 0;
}


/* It becomes a header of ours, and must not be another cookie for Para. */

static para_reason_e
para_exported_read_cookie(para_span_t cookie, para_span_t *pair)
{
    para_span_t  rest;

    if (cookie.data[0] == ' ' || cookie.data[cookie.len - 1] == ' ') {
        return PARA_SESSION_MALFORMED;
    }

    rest = cookie;
    *pair = para_exported_trim(para_exported_split(&rest, ';'));

    if (pair->len != 0 && !para_exported_is_pair(*pair)) {
        return PARA_SESSION_MALFORMED;
    }

    while (rest.data != NULL) {
        if (!para_exported_is_attribute(
                para_exported_trim(para_exported_split(&rest, ';'))))
        {
            return PARA_SESSION_MALFORMED;
        }
    }

    return pair->len != 0 ? PARA_OK : PARA_SESSION_COOKIE;
}


static int
para_exported_hex(unsigned char c)
{
    static const char  digits[] = "0123456789abcdef0123456789ABCDEF";

    const char  *digit;

    digit = memchr(digits, c, sizeof(digits) - 1);

    return digit == NULL ? -1 : (int) ((digit - digits) & 0x0f);
}


/*
 * Para takes "s%3A", "s%3a" and "s:" for one (RFC 3986 2.1).  Returns the end
 * of what was written, which is no longer than the pair.
 */

static unsigned char *
para_exported_unescape(unsigned char *dst, para_span_t pair)
{
    int     high, low;
    size_t  i;

    for (i = 0; i < pair.len; i++) {

        if (pair.data[i] == '%' && pair.len - i > 2) {
            high = para_exported_hex(pair.data[i + 1]);
            low = para_exported_hex(pair.data[i + 2]);

            if (high >= 0 && low >= 0) {
                *dst++ = (unsigned char) (high << 4 | low);
                i += 2;
                continue;
            }
        }

        *dst++ = pair.data[i];
    }

    return dst;
}


static int
para_exported_set_pair(para_exported_t *exported, para_span_t pair)
{
    unsigned char  *end;

    exported->decoded = malloc(pair.len);
    if (exported->decoded == NULL) {
        return 0;
    }

    end = para_exported_unescape(exported->decoded, pair);
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

    rc = para_exported_read_cookie(cookie, &pair);
    if (rc != PARA_OK) {
        return rc;
    }

    if (!para_exported_set_pair(exported, pair)) {
        return PARA_SESSION_MALFORMED;
    }

    exported->cookie = cookie;
    exported->user_id = user_id;

    return PARA_OK;
}


para_reason_e
para_exported_parse(para_exported_t *exported, para_span_t credential,
    para_signer_e signer)
{
    memset(exported, 0, sizeof(para_exported_t));

    exported->json = para_exported_decode(credential);
    if (exported->json == NULL) {
        return PARA_SESSION_MALFORMED;
    }

    return para_exported_read_all(exported, signer);
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
