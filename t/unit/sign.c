#include "sign.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "unit.h"


struct sign_key_s {
    EVP_PKEY       *pkey;             /* NULL for a secret */
    unsigned char  *secret;
    size_t          len;
};


static sign_key_t *
sign_key(EVP_PKEY *pkey)
{
    sign_key_t  *key;

    assert_non_null(pkey);

    key = calloc(1, sizeof(sign_key_t));
    assert_non_null(key);

    key->pkey = pkey;

    return key;
}


sign_key_t *
sign_rsa(unsigned bits, unsigned exponent)
{
    BIGNUM        *e;
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    e = BN_new();
    assert_int_equal(BN_set_word(e, exponent), 1);

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int) bits), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);

    EVP_PKEY_CTX_free(ctx);
    BN_free(e);

    return sign_key(pkey);
}


sign_key_t *
sign_ec(const char *group)
{
    return sign_key(EVP_PKEY_Q_keygen(NULL, NULL, "EC", group));
}


sign_key_t *
sign_secret(const void *secret, size_t len)
{
    sign_key_t  *key;

    key = calloc(1, sizeof(sign_key_t));
    assert_non_null(key);

    key->secret = malloc(len + 1);
    assert_non_null(key->secret);

    memcpy(key->secret, secret, len);
    key->len = len;

    return key;
}


void
sign_key_free(sign_key_t *key)
{
    EVP_PKEY_free(key->pkey);
    free(key->secret);
    free(key);
}


char *
sign_base64url(const void *data, size_t len)
{
    char    *text;
    size_t   i, n;

    text = malloc((len + 2) / 3 * 4 + 1);
    assert_non_null(text);

    n = (size_t) EVP_EncodeBlock((unsigned char *) text, data, (int) len);

    while (n != 0 && text[n - 1] == '=') {
        text[--n] = '\0';
    }

    for (i = 0; i < n; i++) {
        if (text[i] == '+') {
            text[i] = '-';

        } else if (text[i] == '/') {
            text[i] = '_';
        }
    }

    return text;
}


/* A number of the key in base64url, of at least size bytes. */

static char *
sign_number(const sign_key_t *key, const char *name, int size)
{
    int             len;
    char           *text;
    BIGNUM         *bn;
    unsigned char   bytes[1024];

    bn = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key->pkey, name, &bn), 1);

    len = BN_num_bytes(bn) > size ? BN_num_bytes(bn) : size;
    assert_int_equal(BN_bn2binpad(bn, bytes, len), len);
    text = sign_base64url(bytes, (size_t) len);

    BN_free(bn);

    return text;
}


static const char *
sign_curve(const sign_key_t *key)
{
    char    group[32];
    size_t  len;

    assert_int_equal(EVP_PKEY_get_group_name(key->pkey, group, sizeof(group),
                                             &len), 1);

    if (strcmp(group, "prime256v1") == 0) {
        return "P-256";
    }

    return strcmp(group, "secp384r1") == 0 ? "P-384" : "secp256k1";
}


char *
sign_jwk(const sign_key_t *key, const char *more)
{
    int    half;
    char  *a, *b, *jwk;

    if (key->pkey == NULL) {
        a = sign_base64url(key->secret, key->len);
        b = NULL;
        jwk = unit_format("{\"kty\":\"oct\",\"k\":\"%s\"%s}", a, more);

    } else if (EVP_PKEY_is_a(key->pkey, "RSA")) {
        a = sign_number(key, OSSL_PKEY_PARAM_RSA_N, 0);
        b = sign_number(key, OSSL_PKEY_PARAM_RSA_E, 0);
        jwk = unit_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                          a, b, more);

    } else {
        half = (EVP_PKEY_get_bits(key->pkey) + 7) / 8;
        a = sign_number(key, OSSL_PKEY_PARAM_EC_PUB_X, half);
        b = sign_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, half);
        jwk = unit_format("{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\","
                          "\"y\":\"%s\"%s}", sign_curve(key), a, b, more);
    }

    free(a);
    free(b);

    return jwk;
}


static char *
sign_bio_text(BIO *bio)
{
    char  *data, *text;
    long   len;

    len = BIO_get_mem_data(bio, &data);
    text = unit_format("%.*s", (int) len, data);

    BIO_free(bio);

    return text;
}


char *
sign_pem_public(const sign_key_t *key)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key->pkey), 1);

    return sign_bio_text(bio);
}


char *
sign_pem_explicit(const sign_key_t *key)
{
    char        *pem;
    sign_key_t  *copy;

    copy = sign_key(EVP_PKEY_dup(key->pkey));

    assert_int_equal(EVP_PKEY_set_utf8_string_param(copy->pkey,
                         OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);

    pem = sign_pem_public(copy);
    sign_key_free(copy);

    return pem;
}


char *
sign_pem_private(const sign_key_t *key)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0,
                                              NULL, NULL), 1);

    return sign_bio_text(bio);
}


char *
sign_pem_certificate(const sign_key_t *key)
{
    BIO        *bio;
    X509       *x509;
    X509_NAME  *name;

    x509 = X509_new();
    name = X509_get_subject_name(x509);

    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                         (const unsigned char *) "test", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x509, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -7200));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), -3600));
    assert_int_equal(X509_set_pubkey(x509, key->pkey), 1);
    assert_int_not_equal(X509_sign(x509, key->pkey, EVP_sha256()), 0);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);

    X509_free(x509);

    return sign_bio_text(bio);
}


/* DER to R||S, in place. */

static size_t
sign_ecdsa_raw(unsigned char *bytes, size_t len, int half)
{
    ECDSA_SIG            *sig;
    const unsigned char  *p;

    p = bytes;
    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
    assert_non_null(sig);

    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, half), half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + half, half),
                     half);

    ECDSA_SIG_free(sig);

    return 2 * (size_t) half;
}


unsigned char *
sign_bytes(const sign_key_t *key, const char *input, const char *padding,
    size_t *len)
{
    unsigned        n;
    EVP_MD_CTX     *ctx;
    EVP_PKEY_CTX   *pctx;
    unsigned char  *bytes;

    bytes = malloc(1024);
    assert_non_null(bytes);

    if (key->pkey == NULL) {
        assert_non_null(HMAC(EVP_sha256(), key->secret, (int) key->len,
                             (const unsigned char *) input, strlen(input),
                             bytes, &n));
        *len = n;
        return bytes;
    }

    *len = 1024;
    ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL,
                                        key->pkey), 1);

    if (padding != NULL) {
        assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "rsa_padding_mode",
                                               padding), 1);
    }

    assert_int_equal(EVP_DigestSign(ctx, bytes, len,
                                    (const unsigned char *) input,
                                    strlen(input)), 1);
    EVP_MD_CTX_free(ctx);

    if (EVP_PKEY_is_a(key->pkey, "EC")) {
        *len = sign_ecdsa_raw(bytes, *len,
                              (EVP_PKEY_get_bits(key->pkey) + 7) / 8);
    }

    return bytes;
}


char *
sign_input(const char *header, const char *payload)
{
    char  *a, *b, *input;

    a = sign_base64url(header, strlen(header));
    b = sign_base64url(payload, strlen(payload));

    input = unit_format("%s.%s", a, b);

    free(a);
    free(b);

    return input;
}


char *
sign_assemble(const char *header, const char *payload, const void *signature,
    size_t len)
{
    char  *input, *text, *token;

    input = sign_input(header, payload);
    text = sign_base64url(signature, len);

    token = unit_format("%s.%s", input, text);

    free(input);
    free(text);

    return token;
}


char *
sign_token(const sign_key_t *key, const char *header, const char *payload)
{
    char           *input, *token;
    size_t          len;
    unsigned char  *bytes;

    input = sign_input(header, payload);
    bytes = sign_bytes(key, input, NULL, &len);

    token = sign_assemble(header, payload, bytes, len);

    free(bytes);
    free(input);

    return token;
}
