#include "para_revocation.h"


static const char *const  para_revocation_names[] = {
    [PARA_REVOCATION_USER] = "user",
    [PARA_REVOCATION_SESSION] = "session",
    [PARA_REVOCATION_TOKEN] = "token",
    [PARA_REVOCATION_JTI] = "jti",
    [PARA_REVOCATION_BEFORE] = "before"
};

_Static_assert(sizeof(para_revocation_names)
               / sizeof(para_revocation_names[0]) == PARA_REVOCATIONS,
               "every kind has a name");


const char *
para_revocation_name(para_revocation_kind_e kind)
{
    return para_revocation_names[kind];
}


int
para_revocation_key(unsigned char key[PARA_DIGEST_SIZE],
    para_digest_t *digest, para_revocation_kind_e kind, para_span_t value)
{
    const char   *name;
    para_span_t   part[2];

    name = para_revocation_name(kind);

    part[0] = para_span(name, strlen(name));
    part[1] = value;

    return para_digest_key(digest, key, part, 2);
}


int
para_revocation_secret_key(unsigned char key[PARA_DIGEST_SIZE],
    para_digest_t *digest, para_revocation_kind_e kind, para_span_t secret)
{
    unsigned char  hash[PARA_DIGEST_SIZE];

    return para_digest_plain(digest, hash, secret)
           && para_revocation_key(key, digest, kind,
                                  para_span(hash, sizeof(hash)));
}


para_span_t
para_revocation_signed(para_span_t token)
{
    while (token.len != 0 && token.data[--token.len] != '.') { /* void */ }

    return token;
}


void
para_revocation_merge(para_revocation_t *revocation,
    const para_revocation_t *other)
{
    if (revocation->before < other->before) {
        revocation->before = other->before;
    }

    if (revocation->end < other->end) {
        revocation->end = other->end;
    }
}


static int
para_revocation_add(para_revocation_keys_t *keys, para_digest_t *digest,
    para_revocation_kind_e kind, para_span_t value)
{
    if (value.len == 0) {
        return 1;
    }

    keys->kind[keys->n] = kind;

    return para_revocation_key(keys->key[keys->n++], digest, kind, value);
}


static int
para_revocation_add_secret(para_revocation_keys_t *keys,
    para_digest_t *digest, para_revocation_kind_e kind, para_span_t secret)
{
    if (secret.len == 0) {
        return 1;
    }

    keys->kind[keys->n] = kind;

    return para_revocation_secret_key(keys->key[keys->n++], digest, kind,
                                      secret);
}


static int
para_revocation_add_token(para_revocation_keys_t *keys, para_digest_t *digest,
    const para_token_t *token, para_span_t text)
{
    para_span_t  jti;

    keys->has_token = 1;
    keys->has_iat = para_json_number(para_json_get(token->claims, "iat"),
                                     &keys->iat);

    if (!para_json_string(para_json_get(token->claims, "jti"), &jti)) {
        jti = PARA_SPAN_NONE;
    }

    keys->kind[keys->n] = PARA_REVOCATION_BEFORE;

    return para_revocation_key(keys->key[keys->n++], digest,
                               PARA_REVOCATION_BEFORE, PARA_SPAN_NONE)
           && para_revocation_add_secret(keys, digest, PARA_REVOCATION_TOKEN,
                                         text)
           && para_revocation_add_secret(keys, digest, PARA_REVOCATION_TOKEN,
                                         para_revocation_signed(text))
           && para_revocation_add(keys, digest, PARA_REVOCATION_JTI, jti);
}


int
para_revocation_keys(para_revocation_keys_t *keys, para_digest_t *digest,
    const para_revocation_subject_t *subject)
{
    para_span_t  user, internal, lookup;

    memset(keys, 0, sizeof(para_revocation_keys_t));

    user = PARA_SPAN_NONE;
    internal = PARA_SPAN_NONE;
    lookup = PARA_SPAN_NONE;

    if (subject->identity != NULL) {
        user = subject->identity->field[PARA_ID_USER_ID];
        internal = subject->identity->field[PARA_ID_INTERNAL_USER_ID];
    }

    if (subject->session != NULL) {
        lookup = subject->session->field[PARA_SESSION_LOOKUP_ID];
    }

    if (subject->token != NULL
        && !para_revocation_add_token(keys, digest, subject->token,
                                      subject->text))
    {
        return 0;
    }

    return para_revocation_add(keys, digest, PARA_REVOCATION_USER, user)
           && para_revocation_add(keys, digest, PARA_REVOCATION_USER, internal)
           && para_revocation_add_secret(keys, digest,
                                         PARA_REVOCATION_SESSION,
                                         subject->credential)
           && para_revocation_add(keys, digest, PARA_REVOCATION_SESSION,
                                  lookup);
}


para_reason_e
para_revocation_check(const para_revocation_keys_t *keys, size_t i,
    const para_revocation_t *revocation, int64_t now)
{
    if (revocation->end <= now) {
        return PARA_OK;
    }

    switch (keys->kind[i]) {

    case PARA_REVOCATION_USER:
    case PARA_REVOCATION_BEFORE:

        if (keys->has_iat && keys->iat >= (double) revocation->before) {
            return PARA_OK;
        }

        return keys->has_token ? PARA_TOKEN_REVOKED : PARA_SESSION_REVOKED;

    case PARA_REVOCATION_SESSION:
        return PARA_SESSION_REVOKED;

    default: /* PARA_REVOCATION_TOKEN, PARA_REVOCATION_JTI */
        return PARA_TOKEN_REVOKED;
    }
}
