#include "para_key_method.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>


#define PARA_KEY_DER_MAX  160         /* bytes of a P-521 signature: 141 */


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


/* RFC 8037 3.1: the message is hashed twice, so only OpenSSL can do it. */

static int
para_key_verify_okp(const para_key_t *key, const para_key_method_t *method,
    para_span_t message, para_span_t signature)
{
    if (EVP_DigestVerifyInit_ex(key->hash, NULL, NULL, NULL, NULL,
                                method->pkey, NULL)
        != 1)
    {
        return -1;
    }

    if (EVP_DigestVerify(key->hash, signature.data, signature.len,
                         message.data, message.len)
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

    /* RFC 7518 3.2 to 3.5: each algorithm and key has one length */

    if (method == NULL || signature.len != method->size) {
        return 0;
    }

    if (alg->kty == PARA_KTY_OCT) {
        rc = para_key_verify_secret(method, message, signature);

    } else if (alg->kty == PARA_KTY_OKP) {
        rc = para_key_verify_okp(key, method, message, signature);

    } else {
        rc = para_key_verify_public(key, method, message, signature);
    }

    /* a bad signature must not leave its errors to whoever asks next */

    if (rc != 1) {
        ERR_clear_error();
    }

    return rc;
}
