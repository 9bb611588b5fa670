#include "para_key.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define PARA_KEY_DER_MAX  160   /* bytes of a P-521 signature: 141 */


/* What one algorithm needs, so that a verification fetches and makes nothing */

typedef struct {
    const para_alg_t  *alg;
    size_t             size;          /* bytes of a signature */
    EVP_MD            *md;
    EVP_PKEY_CTX      *verify;        /* RSA, EC */
    EVP_MAC_CTX       *mac;           /* oct: has the secret, is copied */
} para_key_method_t;


struct para_key_s {
    EVP_MD_CTX         *hash;
    size_t              methods;
    para_key_method_t   method[PARA_ALG_COUNT];
};


const char  para_key_no_memory[] = "memory is out";


/* The cause comes first in OpenSSL's queue, and what it led to after it. */

const char *
para_key_failed(const char *why)
{
    unsigned long  error;

    while ((error = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
            why = para_key_no_memory;
        }
    }

    return why;
}


static para_key_t *
para_key_create(void)
{
    para_key_t  *key;

    key = calloc(1, sizeof(para_key_t));
    if (key == NULL) {
        return NULL;
    }

    key->hash = EVP_MD_CTX_new();
    if (key->hash == NULL) {
        free(key);
        return NULL;
    }

    return key;
}


void
para_key_free(para_key_t *key)
{
    size_t  i;

    if (key == NULL) {
        return;
    }

    for (i = 0; i < key->methods; i++) {
        EVP_MD_free(key->method[i].md);
        EVP_PKEY_CTX_free(key->method[i].verify);
        EVP_MAC_CTX_free(key->method[i].mac);
    }

    EVP_MD_CTX_free(key->hash);
    free(key);
}


/* The next method, counted at once: what it gets is freed with the key. */

static para_key_method_t *
para_key_method(para_key_t *key, const para_alg_t *alg)
{
    para_key_method_t  *method;

    method = &key->method[key->methods++];
    method->alg = alg;
    method->md = EVP_MD_fetch(NULL, alg->digest, NULL);

    return method->md == NULL ? NULL : method;
}


/* RFC 7518 3.3 and 3.4. */

static int
para_key_prepare_public(para_key_t *key, const para_alg_t *alg, EVP_PKEY *pkey)
{
    para_key_method_t  *method;

    method = para_key_method(key, alg);
    if (method == NULL) {
        return 0;
    }

    method->size = alg->kty == PARA_KTY_EC ? 2 * alg->half
                                           : (size_t) EVP_PKEY_get_size(pkey);

    method->verify = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    if (method->verify == NULL
        || EVP_PKEY_verify_init(method->verify) != 1
        || EVP_PKEY_CTX_set_signature_md(method->verify, method->md) != 1)
    {
        return 0;
    }

    return alg->kty != PARA_KTY_RSA
           || EVP_PKEY_CTX_set_rsa_padding(method->verify, RSA_PKCS1_PADDING)
              == 1;
}


/* RFC 7518 3.2. */

static int
para_key_prepare_secret(para_key_t *key, const para_alg_t *alg,
    para_span_t secret)
{
    EVP_MAC            *mac;
    OSSL_PARAM          params[2];
    para_key_method_t  *method;

    method = para_key_method(key, alg);
    if (method == NULL) {
        return 0;
    }

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) {
        return 0;
    }

    method->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    if (method->mac == NULL) {
        return 0;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *) alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(method->mac, secret.data, secret.len, params) != 1) {
        return 0;
    }

    method->size = EVP_MAC_CTX_get_mac_size(method->mac);

    return method->size != 0;
}


static int
para_key_fits(const para_alg_t *alg, EVP_PKEY *pkey)
{
    char    group[64];
    size_t  len;

    switch (alg->kty) {

    case PARA_KTY_RSA:
        return EVP_PKEY_is_a(pkey, "RSA");

    case PARA_KTY_EC:
        return EVP_PKEY_is_a(pkey, "EC")
               && EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1
               && strcmp(group, alg->group) == 0;

    default: /* PARA_KTY_OCT: no public key is a secret */
        return 0;
    }
}


const char *
para_key_prepared(para_key_t **out, EVP_PKEY *pkey)
{
    size_t             i;
    para_key_t        *key;
    const para_alg_t  *alg;

    key = para_key_create();
    if (key == NULL) {
        return para_key_no_memory;
    }

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        if (para_key_fits(alg, pkey)
            && !para_key_prepare_public(key, alg, pkey))
        {
            para_key_free(key);
            return para_key_failed("OpenSSL cannot verify with it");
        }
    }

    if (key->methods == 0) {
        para_key_free(key);
        return "its kind or curve serves no supported algorithm";
    }

    *out = key;

    return NULL;
}


const char *
para_key_secret(para_key_t **out, para_span_t secret)
{
    size_t             i;
    para_key_t        *key;
    const para_alg_t  *alg;

    key = para_key_create();
    if (key == NULL) {
        return para_key_no_memory;
    }

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        if (alg->kty == PARA_KTY_OCT && secret.len >= alg->min_secret
            && !para_key_prepare_secret(key, alg, secret))
        {
            para_key_free(key);
            return para_key_failed("OpenSSL cannot verify with it");
        }
    }

    if (key->methods == 0) {
        para_key_free(key);
        return "its secret is shorter than 32 bytes";
    }

    *out = key;

    return NULL;
}


para_kty_e
para_key_kty(const para_key_t *key)
{
    return key->method[0].alg->kty;
}


unsigned
para_key_algorithms(const para_key_t *key)
{
    size_t    i;
    unsigned  mask;

    mask = 0;

    for (i = 0; i < key->methods; i++) {
        mask |= key->method[i].alg->bit;
    }

    return mask;
}


/* Returns 0 if OpenSSL failed. */

static int
para_key_hash(const para_key_t *key, const para_key_method_t *method,
    para_span_t message, unsigned char *digest, unsigned *len)
{
    return EVP_DigestInit_ex2(key->hash, method->md, NULL) == 1
           && EVP_DigestUpdate(key->hash, message.data, message.len) == 1
           && EVP_DigestFinal_ex(key->hash, digest, len) == 1;
}


/*
 * RFC 7518 3.4 has R and S side by side, OpenSSL wants them in DER.  Returns
 * the length, 0 if memory is out.  That both are in [1, n-1] is checked by
 * OpenSSL.
 */

static size_t
para_key_ecdsa_der(unsigned char *der, para_span_t signature)
{
    int         len;
    size_t      half;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    half = signature.len / 2;

    sig = ECDSA_SIG_new();
    r = BN_bin2bn(signature.data, (int) half, NULL);
    s = BN_bin2bn(signature.data + half, (int) half, NULL);

    if (sig == NULL || r == NULL || s == NULL) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }

    (void) ECDSA_SIG_set0(sig, r, s);
    len = i2d_ECDSA_SIG(sig, &der);

    ECDSA_SIG_free(sig);

    return len > 0 ? (size_t) len : 0;
}


static int
para_key_verify_public(const para_key_t *key, const para_key_method_t *method,
    para_span_t message, para_span_t signature)
{
    unsigned       len;
    unsigned char  digest[EVP_MAX_MD_SIZE], der[PARA_KEY_DER_MAX];

    if (!para_key_hash(key, method, message, digest, &len)) {
        return -1;
    }

    if (method->alg->kty == PARA_KTY_EC) {
        signature = para_span(der, para_key_ecdsa_der(der, signature));

        if (signature.len == 0) {
            return -1;
        }
    }

    /* OpenSSL has 0 and negative values for a bad signature */

    if (EVP_PKEY_verify(method->verify, signature.data, signature.len,
                        digest, len)
        == 1)
    {
        return 1;
    }

    return para_key_failed(NULL) == NULL ? 0 : -1;
}


static int
para_key_verify_secret(const para_key_method_t *method, para_span_t message,
    para_span_t signature)
{
    int             rc;
    size_t          len;
    EVP_MAC_CTX    *ctx;
    unsigned char   mac[EVP_MAX_MD_SIZE];

    ctx = EVP_MAC_CTX_dup(method->mac);
    if (ctx == NULL) {
        return -1;
    }

    if (EVP_MAC_update(ctx, message.data, message.len) != 1
        || EVP_MAC_final(ctx, mac, &len, sizeof(mac)) != 1
        || len != signature.len)
    {
        rc = -1;

    } else {
        rc = CRYPTO_memcmp(mac, signature.data, len) == 0;
    }

    EVP_MAC_CTX_free(ctx);

    /* it would sign the message */
    OPENSSL_cleanse(mac, sizeof(mac));

    return rc;
}


int
para_key_verify(const para_key_t *key, const para_alg_t *alg,
    para_span_t message, para_span_t signature)
{
    int                       rc;
    size_t                    i;
    const para_key_method_t  *method;

    method = NULL;

    for (i = 0; i < key->methods; i++) {
        if (key->method[i].alg == alg) {
            method = &key->method[i];
        }
    }

    /* RFC 7518 3.2 to 3.4: each algorithm and key has one length */

    if (method == NULL || signature.len != method->size) {
        return 0;
    }

    if (alg->kty == PARA_KTY_OCT) {
        rc = para_key_verify_secret(method, message, signature);

    } else {
        rc = para_key_verify_public(key, method, message, signature);
    }

    /* a bad signature must not leave its errors to whoever asks next */

    if (rc != 1) {
        ERR_clear_error();
    }

    return rc;
}
