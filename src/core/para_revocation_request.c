#include "para_revocation.h"

#include "para_exported.h"
#include "para_header.h"


static const char  para_revocation_crypto[] =
    "it cannot be kept, as OpenSSL failed: try again";


/* A user's key is of the id as an identity has it. */

static const char *
para_revocation_read_user(para_revocation_t *revocation,
    para_digest_t *digest, para_span_t id)
{
    unsigned char  *end;
    unsigned char   text[para_header_encoded_max(PARA_USER_ID_MAX)];

    if (id.len > PARA_USER_ID_MAX || !para_header_safe(id)) {
        return "\"user\" must be an id of at most 256 bytes without control "
               "characters";
    }

    end = para_header_encode(text, id, "");

    return para_revocation_key(revocation->key, digest, PARA_REVOCATION_USER,
                               para_span(text, (size_t) (end - text)))
           ? NULL : para_revocation_crypto;
}


static const char *
para_revocation_read_session(para_revocation_t *revocation,
    para_digest_t *digest, para_span_t credential)
{
    int              good;
    unsigned         form;
    para_span_t      value;
    para_exported_t  exported;

    memset(&exported, 0, sizeof(para_exported_t));

    form = para_exported_form(credential, PARA_FORM_ANY);
    value = credential;

    if (form == PARA_FORM_EXPORTED) {

        if (para_exported_parse(&exported, credential, PARA_SIGNER_ALLOW)
            != PARA_OK)
        {
            form = 0;
        }

        value = exported.pair;
    }

    good = form != 0
           && para_revocation_secret_key(revocation->key, digest,
                                         PARA_REVOCATION_SESSION, value);

    para_exported_free(&exported);

    if (form == 0) {
        return "\"session\" must be a verification token, or an exported "
               "session with its cookie";
    }

    return good ? NULL : para_revocation_crypto;
}


static int
para_revocation_hex(unsigned char *dst, para_span_t text)
{
    size_t       i;
    const char  *digit;

    static const char  digits[] = "0123456789abcdef0123456789ABCDEF";

    if (text.len != PARA_DIGEST_SIZE * 2) {
        return 0;
    }

    for (i = 0; i < text.len; i++) {
        digit = memchr(digits, text.data[i], sizeof(digits) - 1);

        if (digit == NULL) {
            return 0;
        }

        dst[i / 2] = (unsigned char) (dst[i / 2] << 4
                                      | ((digit - digits) & 0x0f));
    }

    return 1;
}


/* Three parts and nothing that no token has: the rest of it may be anything. */

static int
para_revocation_is_token(para_span_t text)
{
    size_t  i, dots;

    dots = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '!' || text.data[i] > '~') {
            return 0;
        }

        dots += text.data[i] == '.';
    }

    return dots == 2 && text.len <= PARA_JWS_MAX_SIZE;
}


static const char *
para_revocation_read_token(para_revocation_t *revocation,
    para_digest_t *digest, para_span_t token)
{
    unsigned char  hash[PARA_DIGEST_SIZE];

    memset(hash, 0, sizeof(hash));

    if (!para_revocation_hex(hash, token)) {

        if (!para_revocation_is_token(token)) {
            return "\"token\" must be a JWT, or the SHA-256 of one as 64 "
                   "hexadecimal digits";
        }

        if (!para_digest_plain(digest, hash, para_revocation_signed(token))) {
            return para_revocation_crypto;
        }
    }

    return para_revocation_key(revocation->key, digest, PARA_REVOCATION_TOKEN,
                               para_span(hash, sizeof(hash)))
           ? NULL : para_revocation_crypto;
}


static const char *
para_revocation_read_text(para_revocation_t *revocation,
    para_digest_t *digest, para_span_t text)
{
    switch (revocation->kind) {

    case PARA_REVOCATION_USER:
        return para_revocation_read_user(revocation, digest, text);

    case PARA_REVOCATION_SESSION:
        return para_revocation_read_session(revocation, digest, text);

    case PARA_REVOCATION_TOKEN:
        return para_revocation_read_token(revocation, digest, text);

    default: /* PARA_REVOCATION_JTI */
        return para_revocation_key(revocation->key, digest,
                                   PARA_REVOCATION_JTI, text)
               ? NULL : para_revocation_crypto;
    }
}


static const char *
para_revocation_read_before(para_revocation_t *revocation,
    para_digest_t *digest, const para_json_t *value, int64_t now)
{
    double  time;

    if (!para_json_number(value, &time) || time < 0) {
        return "\"before\" must be a time in seconds since 1970";
    }

    if (time >= PARA_TIME_MAX) {
        return "\"before\" must be in seconds: are these milliseconds?";
    }

    if (time > (double) now) {
        return "\"before\" must not be in the future: until then no new token "
               "would be good either";
    }

    /* an iat before a fraction is before the next second, or in this one */

    revocation->before = (int64_t) time;
    revocation->before += (double) revocation->before < time;

    return para_revocation_key(revocation->key, digest, PARA_REVOCATION_BEFORE,
                               PARA_SPAN_NONE)
           ? NULL : para_revocation_crypto;
}


/* The one member that says what, and none that is not known. */

typedef struct {
    unsigned                 found;
    para_revocation_kind_e   kind;
    const para_json_t       *value;
    const para_json_t       *ttl;
} para_revocation_members_t;


static int
para_revocation_member(void *data, para_span_t name, const para_json_t *value)
{
    int          i;
    const char  *known;

    para_revocation_members_t *members = data;

    if (para_span_eq(name, PARA_SPAN("ttl"))) {
        members->ttl = value;
        return 1;
    }

    for (i = 0; i < PARA_REVOCATIONS; i++) {
        known = para_revocation_name((para_revocation_kind_e) i);

        if (para_span_eq(name, para_span(known, strlen(known)))) {
            members->found++;
            members->kind = (para_revocation_kind_e) i;
            members->value = value;
            return 1;
        }
    }

    return 0;
}


static const char *
para_revocation_read_ttl(para_revocation_t *revocation,
    const para_json_t *value, int64_t now)
{
    double  ttl;

    ttl = PARA_REVOCATION_TTL;

    if (value != NULL
        && (!para_json_number(value, &ttl)
            || !(ttl >= 1 && ttl <= PARA_REVOCATION_TTL_MAX)
            || (double) (int64_t) ttl != ttl))
    {
        return "\"ttl\" must be whole seconds, from 1 to 315360000";
    }

    revocation->end = now + (int64_t) ttl;

    return NULL;
}


static const char *
para_revocation_read_request(para_revocation_t *revocation,
    para_digest_t *digest, const para_json_t *request, int64_t now)
{
    const char                 *why;
    para_span_t                 text;
    para_revocation_members_t   members;

    memset(&members, 0, sizeof(para_revocation_members_t));

    if (!para_json_each(request, para_revocation_member, &members)) {
        return "it may have \"user\", \"session\", \"token\", \"jti\" or "
               "\"before\", and \"ttl\", and nothing else";
    }

    if (members.found != 1) {
        return "it must have one of \"user\", \"session\", \"token\", "
               "\"jti\" and \"before\"";
    }

    why = para_revocation_read_ttl(revocation, members.ttl, now);
    if (why != NULL) {
        return why;
    }

    revocation->kind = members.kind;

    if (members.kind == PARA_REVOCATION_BEFORE) {
        return para_revocation_read_before(revocation, digest, members.value,
                                           now);
    }

    if (!para_json_string(members.value, &text) || text.len == 0) {
        return "what is to be ended must be a string that is not empty";
    }

    if (members.kind == PARA_REVOCATION_USER) {
        revocation->before = now + 1;
    }

    return para_revocation_read_text(revocation, digest, text);
}


const char *
para_revocation_parse(para_revocation_t *revocation, para_digest_t *digest,
    para_span_t request, int64_t now)
{
    const char   *why;
    para_json_t  *json;

    memset(revocation, 0, sizeof(para_revocation_t));

    json = para_json_parse(request, PARA_REVOCATION_SIZE_MAX);
    if (json == NULL) {
        return "it must be a JSON object of at most 32768 bytes";
    }

    why = para_revocation_read_request(revocation, digest, json, now);

    para_json_wipe(json);

    if (why != NULL) {
        memset(revocation, 0, sizeof(para_revocation_t));
    }

    return why;
}
