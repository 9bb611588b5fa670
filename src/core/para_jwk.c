#include "para_jwk.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "para_jwk_set.h"


const char  para_jwks_secret_inside[] =
    "it holds a private or secret key: whoever publishes it must replace that"
    " key";

const char  para_jwks_no_set[] =
    "it is no JWK Set, a JSON object with an array \"keys\"";

static const char  para_jwks_too_many[] = "it has more than 32 keys";
static const char  para_jwks_too_large[] = "it is larger than 64 KiB";
static const char  para_jwks_empty[] = "it is empty";
static const char  para_jwks_no_key[] = "it has no key";
static const char  para_jwks_twice[] =
    "two of its keys have the same kid: give each a kid of its own";


static const struct {
    const char         *why;
    para_jwks_fault_e   fault;
} para_jwks_faults[] = {
    { para_jwks_empty, PARA_JWKS_EMPTY },
    { para_jwks_no_key, PARA_JWKS_EMPTY },
    { para_jwks_too_many, PARA_JWKS_TOO_LARGE },
    { para_jwks_too_large, PARA_JWKS_TOO_LARGE },
    { para_jwks_secret_inside, PARA_JWKS_SECRET },
    { para_jwks_twice, PARA_JWKS_DUPLICATE },
    { para_key_no_memory, PARA_JWKS_NO_MEMORY }
};


static void
para_jwk_set_kid(para_jwk_t *jwk, para_span_t kid)
{
    if (kid.data == NULL) {
        return;
    }

    memcpy(jwk->kid_text, kid.data, kid.len);
    jwk->kid = para_span(jwk->kid_text, kid.len);
}


const char *
para_jwks_keep(para_jwks_t *set, para_key_t *key, unsigned algorithms,
    para_span_t kid)
{
    para_jwk_t  *jwk;

    if (set->keys + set->refused == PARA_JWKS_MAX_KEYS) {
        para_key_free(key);
        return para_jwks_too_many;
    }

    jwk = &set->key[set->keys++];
    jwk->key = key;
    jwk->algorithms = algorithms;
    para_jwk_set_kid(jwk, kid);

    return NULL;
}


const char *
para_jwks_leave_out(para_jwks_t *set, const char *why, para_span_t kid)
{
    para_jwk_t  *jwk;

    /* a key must not go missing because memory is out for a moment */

    if (why == para_key_no_memory) {
        return why;
    }

    if (set->keys + set->refused == PARA_JWKS_MAX_KEYS) {
        return para_jwks_too_many;
    }

    jwk = &set->left_out[set->refused++];
    jwk->why = why;
    para_jwk_set_kid(jwk, kid);

    return NULL;
}


void
para_jwks_take_kid(para_jwks_t *set, para_kty_e kty)
{
    set->left_out[set->refused - 1].is_taken = 1;
    set->left_out[set->refused - 1].kty = kty;
}


static int
para_jwks_is_json(para_span_t text)
{
    size_t  i;

    /* RFC 8259 2: insignificant white space */

    for (i = 0; i < text.len; i++) {
        if (memchr(" \t\r\n", text.data[i], 4) == NULL) {
            return text.data[i] == '{';
        }
    }

    return 0;
}


static int
para_jwk_same_kid(const para_jwk_t *a, const para_jwk_t *b)
{
    return a->kid.data != NULL && b->kid.data != NULL
           && para_span_eq(a->kid, b->kid);
}


/*
 * A kid names one key.  Two algorithms of one kind could tell two keys apart,
 * but who writes such a set has made a mistake in any case, also if one of the
 * keys cannot be read: it may be the one that was meant.
 */

static int
para_jwks_has_duplicates(const para_jwks_t *set)
{
    size_t             i, j;
    const para_jwk_t  *a, *b;

    for (i = 0; i < set->keys; i++) {
        a = &set->key[i];

        for (j = i + 1; j < set->keys; j++) {
            b = &set->key[j];

            if (para_jwk_same_kid(a, b)
                && para_key_kty(a->key) == para_key_kty(b->key))
            {
                return 1;
            }
        }

        for (j = 0; j < set->refused; j++) {
            b = &set->left_out[j];

            if (b->is_taken && para_jwk_same_kid(a, b)
                && para_key_kty(a->key) == b->kty)
            {
                return 1;
            }
        }
    }

    return 0;
}


/*
 * What is public gets about, and a file of public keys with it; and a token
 * that is not sure which of the two kinds its key is of is an attack.
 */

static int
para_jwks_is_mixed(const para_jwks_t *set)
{
    size_t  i, secrets;

    secrets = 0;

    for (i = 0; i < set->keys; i++) {
        secrets += para_key_kty(set->key[i].key) == PARA_KTY_OCT;
    }

    return secrets != 0 && secrets != set->keys;
}


static const char *
para_jwks_check(const para_jwks_t *set)
{
    if (set->keys == 0) {
        return set->refused != 0 ? set->left_out[0].why : para_jwks_no_key;
    }

    if (para_jwks_has_duplicates(set)) {
        return para_jwks_twice;
    }

    if (para_jwks_is_mixed(set)) {
        return "it has secret keys beside public ones: give each kind an"
               " issuer of its own";
    }

    return NULL;
}


/* Returns 0 if OpenSSL failed. */

static int
para_jwks_set_fingerprint(para_jwks_t *set, para_span_t text)
{
    return EVP_Q_digest(NULL, "SHA256", NULL, text.data, text.len,
                        set->fingerprint, NULL)
           == 1;
}


static const char *
para_jwks_read(para_jwks_t *set, para_span_t text, para_jwks_kind_e kind)
{
    const char  *why;

    if (text.len == 0) {
        return para_jwks_empty;
    }

    if (text.len > PARA_JWKS_MAX_SIZE) {
        return para_jwks_too_large;
    }

    if (!para_jwks_set_fingerprint(set, text)) {
        return para_key_no_memory;
    }

    if (para_jwks_is_json(text)) {
        why = para_jwks_read_json(set, text, kind);

    } else if (kind == PARA_JWKS_REMOTE) {
        why = para_jwks_no_set;

    } else {
        why = para_jwks_read_pem(set, text);
    }

    return why != NULL ? why : para_jwks_check(set);
}


static const char *
para_jwks_read_secret(para_jwks_t *set, para_span_t secret)
{
    para_key_t  *key;
    const char  *why;

    why = para_key_secret(&key, secret);

    if (why != NULL) {
        return why;
    }

    why = para_jwks_keep(set, key, para_key_algorithms(key), PARA_SPAN_NONE);

    if (why == NULL && !para_jwks_set_fingerprint(set, secret)) {
        why = para_key_no_memory;
    }

    return why;
}


/* The set, or NULL if it is refused, without a word left in OpenSSL's queue. */

static para_jwks_t *
para_jwks_made(para_jwks_t *set, const char *why)
{
    /* what OpenSSL says of a key left out is nobody else's error */

    ERR_clear_error();

    if (why != NULL) {
        para_jwks_free(set);
        return NULL;
    }

    return set;
}


static para_jwks_t *
para_jwks_make(para_span_t text, para_jwks_kind_e kind, const char **why)
{
    para_jwks_t  *set;

    set = calloc(1, sizeof(para_jwks_t));
    if (set == NULL) {
        *why = para_key_no_memory;
        return NULL;
    }

    *why = para_jwks_read(set, text, kind);

    return para_jwks_made(set, *why);
}


/*
 * OpenSSL does not always say that it was memory that failed a key.  So what
 * has lost one is made twice: if the two differ, memory was out.
 */

para_jwks_t *
para_jwks_parse(para_span_t text, para_jwks_kind_e kind, const char **why)
{
    int           same;
    const char   *again;
    para_jwks_t  *set, *other;

    set = para_jwks_make(text, kind, why);

    if (set == NULL || set->refused == 0) {
        return set;
    }

    other = para_jwks_make(text, kind, &again);
    same = other != NULL && other->keys == set->keys;

    para_jwks_free(other);

    if (!same) {
        para_jwks_free(set);
        *why = para_key_no_memory;
        return NULL;
    }

    return set;
}


para_jwks_t *
para_jwks_secret(para_span_t secret, const char **why)
{
    para_jwks_t  *set;

    set = calloc(1, sizeof(para_jwks_t));
    if (set == NULL) {
        *why = para_key_no_memory;
        return NULL;
    }

    *why = para_jwks_read_secret(set, secret);

    return para_jwks_made(set, *why);
}


para_jwks_fault_e
para_jwks_fault(const char *why)
{
    size_t  i;

    for (i = 0; i < sizeof(para_jwks_faults) / sizeof(para_jwks_faults[0]);
         i++)
    {
        if (para_jwks_faults[i].why == why) {
            return para_jwks_faults[i].fault;
        }
    }

    return PARA_JWKS_GARBAGE;
}


void
para_jwks_free(para_jwks_t *set)
{
    size_t  i;

    if (set == NULL) {
        return;
    }

    for (i = 0; i < set->keys; i++) {
        para_key_free(set->key[i].key);
    }

    free(set);
}


size_t
para_jwks_count(const para_jwks_t *set)
{
    return set != NULL ? set->keys : 0;
}


const para_jwk_t *
para_jwks_key(const para_jwks_t *set, size_t i)
{
    return i < para_jwks_count(set) ? &set->key[i] : NULL;
}


const char *
para_jwks_refused(const para_jwks_t *set, size_t i, para_span_t *kid)
{
    if (i >= set->refused) {
        return NULL;
    }

    *kid = set->left_out[i].kid;

    return set->left_out[i].why;
}


unsigned
para_jwks_algorithms(const para_jwks_t *set)
{
    size_t    i;
    unsigned  mask;

    mask = 0;

    for (i = 0; i < para_jwks_count(set); i++) {
        mask |= set->key[i].algorithms;
    }

    return mask;
}


const unsigned char *
para_jwks_fingerprint(const para_jwks_t *set)
{
    return set->fingerprint;
}


para_span_t
para_jwk_kid(const para_jwk_t *key)
{
    return key->kid;
}


para_span_t
para_jwk_name(const para_jwk_t *key)
{
    return key->kid.data != NULL ? key->kid : para_key_thumbprint(key->key);
}


unsigned
para_jwk_algorithms(const para_jwk_t *key)
{
    return key->algorithms;
}


int
para_jwk_verify(const para_jwk_t *key, const para_alg_t *alg,
    para_span_t message, para_span_t signature)
{
    if (!(key->algorithms & alg->bit)) {
        return 0;
    }

    return para_key_verify(key->key, alg, message, signature);
}
