#include "para_jws.h"

#include <stdlib.h>

#include "para_b64url.h"


typedef struct {
    para_span_t  input;               /* header.payload, as received */
    para_span_t  header;
    para_span_t  payload;
    para_span_t  signature;
} para_jws_parts_t;


/*
 * RFC 7515 3.1: exactly two dots.  The payload may be empty, as that of any
 * JWS; it is then no JWT, and has a signature all the same.
 */

static int
para_jws_split(para_jws_parts_t *parts, para_span_t token)
{
    const unsigned char  *first, *second, *end;

    if (token.len == 0) {
        return 0;
    }

    end = token.data + token.len;

    first = memchr(token.data, '.', token.len);
    if (first == NULL) {
        return 0;
    }

    second = memchr(first + 1, '.', (size_t) (end - (first + 1)));
    if (second == NULL
        || memchr(second + 1, '.', (size_t) (end - (second + 1))) != NULL)
    {
        return 0;
    }

    parts->input = para_span(token.data, (size_t) (second - token.data));
    parts->header = para_span(token.data, (size_t) (first - token.data));
    parts->payload = para_span(first + 1, (size_t) (second - (first + 1)));
    parts->signature = para_span(second + 1, (size_t) (end - (second + 1)));

    return parts->header.len != 0 && parts->signature.len != 0;
}


/* Replaces each part by what it decodes to, in one block of memory. */

static para_reason_e
para_jws_decode(para_jws_parts_t *parts, unsigned char **memory)
{
    size_t          i, n;
    para_span_t    *part[3];
    unsigned char  *p;

    part[0] = &parts->header;
    part[1] = &parts->payload;
    part[2] = &parts->signature;

    p = malloc(para_b64url_decoded_max(parts->header.len)
               + para_b64url_decoded_max(parts->payload.len)
               + para_b64url_decoded_max(parts->signature.len));
    if (p == NULL) {
        return PARA_NO_MEMORY;
    }

    *memory = p;

    for (i = 0; i < 3; i++) {
        if (!para_b64url_decode(p, &n, *part[i])) {
            return PARA_JWS_BASE64;
        }

        *part[i] = para_span(p, n);
        p += n;
    }

    return PARA_OK;
}


/* A media type may leave out "application/", RFC 7515 4.1.9 and 4.1.10. */

static para_span_t
para_jws_subtype(para_span_t type)
{
    para_span_t  prefix;

    prefix = PARA_SPAN("application/");

    if (type.len > prefix.len
        && para_span_eq_nocase(para_span(type.data, prefix.len), prefix))
    {
        type.data += prefix.len;
        type.len -= prefix.len;
    }

    return type;
}


static int
para_jws_is_jwt(para_span_t type)
{
    return para_span_eq_nocase(para_jws_subtype(type), PARA_SPAN("JWT"));
}


/* RFC 7515 4.1.1: compared with case. */

static para_reason_e
para_jws_read_alg(const para_json_t *header, const para_alg_t **alg)
{
    para_span_t         name;
    const para_json_t  *value;

    value = para_json_get(header, "alg");

    if (value == NULL) {
        return PARA_JWS_ALG_MISSING;
    }

    if (!para_json_string(value, &name)) {
        return PARA_JWS_HEADER;
    }

    *alg = para_alg_find(name);

    return *alg == NULL ? PARA_JWS_ALG_UNKNOWN : PARA_OK;
}


static para_reason_e
para_jws_read_kid(const para_json_t *header, para_span_t *kid)
{
    para_span_t         text;
    const para_json_t  *value;

    value = para_json_get(header, "kid");

    if (value == NULL) {
        *kid = PARA_SPAN_NONE;
        return PARA_OK;
    }

    if (!para_json_string(value, &text)
        || text.len == 0 || text.len > PARA_KID_MAX_SIZE)
    {
        return PARA_JWS_HEADER;
    }

    *kid = text;

    return PARA_OK;
}


/* RFC 7519 5.1: held against what the issuer gives once that is known. */

static para_reason_e
para_jws_read_typ(const para_json_t *header, para_span_t *typ)
{
    const para_json_t  *value;

    value = para_json_get(header, "typ");

    if (value == NULL) {
        *typ = PARA_SPAN_NONE;
        return PARA_OK;
    }

    return para_json_string(value, typ) ? PARA_OK : PARA_JWS_HEADER;
}


/* RFC 7519 5.2: a token within a token is none of ours. */

static para_reason_e
para_jws_check_cty(const para_json_t *header)
{
    para_span_t         text;
    const para_json_t  *cty;

    cty = para_json_get(header, "cty");

    if (cty == NULL) {
        return PARA_OK;
    }

    if (!para_json_string(cty, &text)) {
        return PARA_JWS_HEADER;
    }

    return para_jws_is_jwt(text) ? PARA_JWS_ENCODING : PARA_OK;
}


/*
 * What would change the meaning of the rest is refused.  jwk, jku, x5u, x5c
 * and the like are not looked at: a token does not bring its own key.
 */

static para_reason_e
para_jws_check_header(const para_json_t *header)
{
    /* RFC 7515 4.1.11: we understand no extension */

    if (para_json_get(header, "crit") != NULL) {
        return PARA_JWS_CRIT;
    }

    /* RFC 7797 3, RFC 7516 4.1.2 and 4.1.3 */

    if (para_json_get(header, "b64") != NULL
        || para_json_get(header, "zip") != NULL
        || para_json_get(header, "enc") != NULL)
    {
        return PARA_JWS_ENCODING;
    }

    return para_jws_check_cty(header);
}


para_reason_e
para_jws_parse(para_jws_t *jws, para_span_t token)
{
    para_span_t         kid, typ;
    para_reason_e       rc;
    const para_alg_t   *alg;
    para_jws_parts_t    parts;

    memset(jws, 0, sizeof(para_jws_t));

    if (token.len > PARA_JWS_MAX_SIZE) {
        return PARA_JWS_SIZE;
    }

    if (!para_jws_split(&parts, token)) {
        return PARA_JWS_SEGMENTS;
    }

    /* RFC 7515 5.2 steps 2, 6 and 7 */

    rc = para_jws_decode(&parts, &jws->memory);
    if (rc != PARA_OK) {
        return rc;
    }

    /* RFC 7515 5.2 step 3 */

    jws->header = para_json_parse(parts.header, PARA_JWS_MAX_SIZE);
    if (jws->header == NULL) {
        return para_json_starved() ? PARA_NO_MEMORY : PARA_JWS_HEADER;
    }

    /* RFC 7515 5.2 steps 4 and 5 */

    rc = para_jws_read_alg(jws->header, &alg);

    if (rc == PARA_OK) {
        rc = para_jws_check_header(jws->header);
    }

    if (rc == PARA_OK) {
        rc = para_jws_read_kid(jws->header, &kid);
    }

    if (rc == PARA_OK) {
        rc = para_jws_read_typ(jws->header, &typ);
    }

    if (rc != PARA_OK) {
        return rc;
    }

    jws->input = parts.input;
    jws->payload = parts.payload;
    jws->signature = parts.signature;
    jws->alg = alg;
    jws->kid = kid;
    jws->typ = typ;

    return PARA_OK;
}


void
para_jws_free(para_jws_t *jws)
{
    para_json_free(jws->header);
    free(jws->memory);

    memset(jws, 0, sizeof(para_jws_t));
}


para_reason_e
para_jws_check_typ(const para_jws_t *jws, const para_span_t *typ, size_t n)
{
    size_t       i;
    para_span_t  own;

    if (jws->typ.data == NULL) {
        return PARA_OK;
    }

    own = para_jws_subtype(jws->typ);

    for (i = 0; i < n; i++) {
        if (para_span_eq_nocase(own, para_jws_subtype(typ[i]))) {
            return PARA_OK;
        }
    }

    return n == 0 && para_jws_is_jwt(jws->typ) ? PARA_OK : PARA_JWS_TYP;
}


/* RFC 7515 5.2 step 8. */

para_reason_e
para_jws_verify(const para_jws_t *jws, const para_jwk_t *key)
{
    switch (para_jwk_verify(key, jws->alg, jws->input, jws->signature)) {

    case 1:
        return PARA_OK;

    case 0:
        return PARA_SIGNATURE;

    default:
        return PARA_NO_MEMORY;
    }
}
