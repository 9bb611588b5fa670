#include "para_assertion.h"

#include <stdio.h>
#include <stdlib.h>

#include "para_b64url.h"
#include "para_header.h"
#include "para_json.h"
#include "para_role.h"
#include "para_thumbprint.h"
#include "para_wallet.h"


#define PARA_ASSERTION_HEADER_MAX  (PARA_THUMBPRINT_SIZE + 64)


/* As in para_issuer.c, but for "sub": Para's id here, the operator's there. */

static const struct {
    para_identity_field_e  field;
    const char            *claim;
} para_assertion_texts[] = {
    { PARA_ID_USER_ID, "sub" },
    { PARA_ID_USER_ID, "para_user_id" },
    { PARA_ID_INTERNAL_USER_ID, "internal_user_id" },
    { PARA_ID_IDENTIFIER, "auth_identifier" },
    { PARA_ID_AUTH_TYPE, "auth_method" },
    { PARA_ID_ISSUER, "auth_issuer" }
};

#define PARA_ASSERTION_TEXTS                                                  \
    (sizeof(para_assertion_texts) / sizeof(para_assertion_texts[0]))


/* A header value as the text that it was made of; NULL as para_json_add(). */

static para_json_t *
para_assertion_text(para_span_t value)
{
    size_t          n;
    para_json_t    *text;
    unsigned char  *bytes;

    bytes = malloc(value.len + 1);
    if (bytes == NULL) {
        return NULL;
    }

    text = para_header_decode(bytes, value.len, &n, value)
           ? para_json_new_string(para_span(bytes, n)) : NULL;

    free(bytes);

    return text;
}


/* One item, which is the list's from then on; NULL fails. */

static int
para_assertion_append(para_json_t **list, para_json_t *item)
{
    int  good;

    good = item != NULL && para_json_append(list, item);

    para_json_free(item);

    return good;
}


static int
para_assertion_add_roles(para_json_t *claims, para_span_t roles)
{
    para_span_t   role;
    para_json_t  *list;

    list = NULL;

    while (para_role_next(&roles, &role)) {
        if (!para_assertion_append(&list, para_assertion_text(role))) {
            para_json_free(list);
            return 0;
        }
    }

    return list == NULL || para_json_add(claims, "roles", list);
}


static para_json_t *
para_assertion_wallet(const para_wallet_t *wallet)
{
    para_json_t  *object;

    object = para_json_new_object();

    if (!para_json_add(object, "type", para_assertion_text(wallet->type))
        || !para_json_add(object, "address",
                          para_assertion_text(wallet->value)))
    {
        para_json_free(object);
        return NULL;
    }

    return object;
}


static int
para_assertion_add_wallets(para_json_t *claims, para_span_t wallets)
{
    para_json_t    *list;
    para_wallet_t   wallet;

    list = NULL;

    while (para_wallet_next(&wallets, &wallet)) {
        if (!para_assertion_append(&list, para_assertion_wallet(&wallet))) {
            para_json_free(list);
            return 0;
        }
    }

    return list == NULL || para_json_add(claims, "wallets", list);
}


static int
para_assertion_add_identity(para_json_t *claims,
    const para_span_t field[PARA_ID_FIELDS])
{
    size_t       i;
    para_span_t  value;

    for (i = 0; i < PARA_ASSERTION_TEXTS; i++) {
        value = field[para_assertion_texts[i].field];

        if (value.data != NULL
            && !para_json_add(claims, para_assertion_texts[i].claim,
                              para_assertion_text(value)))
        {
            return 0;
        }
    }

    return para_assertion_add_roles(claims, field[PARA_ID_ROLES])
           && para_assertion_add_wallets(claims, field[PARA_ID_WALLETS]);
}


/* The end of the identity's JWT, if it has one before *end.  0: it is none. */

static int
para_assertion_limit(int64_t *end, para_span_t expires)
{
    size_t   i;
    int64_t  number;

    if (expires.data == NULL) {
        return 1;
    }

    number = 0;

    for (i = 0; i < expires.len; i++) {
        if (expires.data[i] < '0' || expires.data[i] > '9'
            || number > INT64_MAX / 10 - 1)
        {
            return 0;
        }

        number = number * 10 + (expires.data[i] - '0');
    }

    if (number < *end) {
        *end = number;
    }

    return 1;
}


/* RFC 7519 4.1. */

static para_json_t *
para_assertion_claims(const para_assertion_policy_t *policy,
    const para_span_t field[PARA_ID_FIELDS], int64_t now, int64_t end)
{
    para_json_t  *claims;

    claims = para_json_new_object();

    if (!para_json_add(claims, "iss", para_json_new_string(policy->issuer))
        || !para_json_add(claims, "aud",
                          para_json_new_string(policy->audience))
        || !para_json_add(claims, "iat", para_json_new_number(now))
        || !para_json_add(claims, "exp", para_json_new_number(end))
        || !para_assertion_add_identity(claims, field))
    {
        para_json_free(claims);
        return NULL;
    }

    return claims;
}


/* RFC 7515 5.1: what is signed, and then the signature, at p. */

static unsigned char *
para_assertion_write(unsigned char *p, const para_private_key_t *key,
    para_span_t payload)
{
    int             len;
    char            header[PARA_ASSERTION_HEADER_MAX];
    para_span_t     algorithm, kid;
    unsigned char  *start, signature[PARA_SIGNATURE_SIZE];

    algorithm = para_private_key_algorithm(key);
    kid = para_private_key_kid(key);

    len = snprintf(header, sizeof(header),
                   "{\"alg\":\"%.*s\",\"kid\":\"%.*s\",\"typ\":\"JWT\"}",
                   (int) algorithm.len, (const char *) algorithm.data,
                   (int) kid.len, (const char *) kid.data);

    if (len < 0 || len >= (int) sizeof(header)) {
        return NULL;
    }

    start = p;

    p = para_b64url_encode(p, para_span(header, (size_t) len));
    *p++ = '.';
    p = para_b64url_encode(p, payload);

    if (!para_private_key_sign(key, signature,
                               para_span(start, (size_t) (p - start))))
    {
        return NULL;
    }

    *p++ = '.';

    return para_b64url_encode(p, para_span(signature, sizeof(signature)));
}


/* The text of the claims is in the same memory, behind the room for the JWS. */

static int
para_assertion_sign(para_assertion_t *assertion, const para_private_key_t *key,
    const para_json_t *claims)
{
    size_t          len, room;
    unsigned char  *end;

    len = para_json_write(NULL, 0, claims);
    if (len == 0) {
        return 0;
    }

    room = para_b64url_encoded_size(PARA_ASSERTION_HEADER_MAX) + 1
           + para_b64url_encoded_size(len) + 1
           + para_b64url_encoded_size(PARA_SIGNATURE_SIZE);

    assertion->text = malloc(room + len);

    if (assertion->text == NULL
        || para_json_write(assertion->text + room, len, claims) != len)
    {
        return 0;
    }

    end = para_assertion_write(assertion->text, key,
                               para_span(assertion->text + room, len));
    if (end == NULL) {
        return 0;
    }

    assertion->len = (size_t) (end - assertion->text);

    return 1;
}


int
para_assertion_name_valid(para_span_t name)
{
    para_json_t  *text;

    /* of anything but UTF-8 there is none */

    text = para_json_new_string(name);

    para_json_free(text);

    return text != NULL && name.len != 0 && para_header_safe(name);
}


int
para_assertion_make(para_assertion_t *assertion,
    const para_assertion_policy_t *policy,
    const para_span_t field[PARA_ID_FIELDS], int64_t now)
{
    int           good;
    int64_t       end;
    para_json_t  *claims;

    memset(assertion, 0, sizeof(para_assertion_t));

    end = now + policy->ttl;

    if (!para_assertion_limit(&end, field[PARA_ID_EXPIRES])) {
        return 0;
    }

    claims = para_assertion_claims(policy, field, now, end);

    good = claims != NULL
           && para_assertion_sign(assertion, policy->key, claims);

    para_json_free(claims);

    if (!good) {
        para_assertion_free(assertion);
        return 0;
    }

    assertion->until = end < now + policy->ttl ? end : now + policy->ttl / 2;

    return 1;
}


void
para_assertion_free(para_assertion_t *assertion)
{
    free(assertion->text);

    memset(assertion, 0, sizeof(para_assertion_t));
}
