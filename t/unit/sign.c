#include "sign.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
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
sign_okp(const char *type)
{
    return sign_key(EVP_PKEY_Q_keygen(NULL, NULL, type));
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


/* OpenSSL's name of a curve, JWK's name, and the hash that goes with it. */

static const struct {
    const char  *group;
    const char  *curve;
    const char  *digest;
} sign_groups[] = {
    { "prime256v1", "P-256", "SHA256" },
    { "secp384r1", "P-384", "SHA384" },
    { "secp521r1", "P-521", "SHA512" },
    { "secp256k1", "secp256k1", "SHA256" }
};


static size_t
sign_group(const sign_key_t *key)
{
    char    group[32];
    size_t  len, i;

    assert_int_equal(EVP_PKEY_get_group_name(key->pkey, group, sizeof(group),
                                             &len), 1);

    for (i = 0; strcmp(sign_groups[i].group, group) != 0; i++) {
        assert_in_range(i, 0, unit_count(sign_groups) - 2);
    }

    return i;
}


static char *
sign_jwk_okp(const sign_key_t *key, const char *more)
{
    char           *x, *jwk;
    size_t          len;
    unsigned char   bytes[57];

    len = sizeof(bytes);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len), 1);

    x = sign_base64url(bytes, len);
    jwk = unit_format("{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"%s}",
                      len == 32 ? "Ed25519" : "Ed448", x, more);
    free(x);

    return jwk;
}


static int
sign_is_okp(const sign_key_t *key)
{
    return key->pkey != NULL && !EVP_PKEY_is_a(key->pkey, "RSA")
           && !EVP_PKEY_is_a(key->pkey, "EC");
}


char *
sign_jwk(const sign_key_t *key, const char *more)
{
    int    half;
    char  *a, *b, *jwk;

    if (sign_is_okp(key)) {
        return sign_jwk_okp(key, more);
    }

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
                          "\"y\":\"%s\"%s}", sign_groups[sign_group(key)].curve,
                          a, b, more);
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
    assert_int_not_equal(X509_sign(x509, key->pkey, sign_is_okp(key)
                                                    ? NULL : EVP_sha256()), 0);

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


/* The hash of "PS384", or of what is usual for the key. */

static const char *
sign_digest(const sign_key_t *key, const char *alg)
{
    if (sign_is_okp(key)) {
        return NULL;
    }

    if (alg != NULL && strstr(alg, "384") != NULL) {
        return "SHA384";
    }

    if (alg != NULL && strstr(alg, "512") != NULL) {
        return "SHA512";
    }

    if (key->pkey != NULL && EVP_PKEY_is_a(key->pkey, "EC")) {
        return sign_groups[sign_group(key)].digest;
    }

    return "SHA256";
}


static void
sign_public(const sign_key_t *key, const char *input, const char *digest,
    const char *mgf1, const char *salt, unsigned char *bytes, size_t *len)
{
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL,
                                           key->pkey, NULL), 1);

    if (salt != NULL) {
        assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "rsa_padding_mode",
                                               "pss"), 1);
        assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "rsa_mgf1_md", mgf1), 1);
        assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "rsa_pss_saltlen", salt),
                         1);
    }

    assert_int_equal(EVP_DigestSign(ctx, bytes, len,
                                    (const unsigned char *) input,
                                    strlen(input)), 1);
    EVP_MD_CTX_free(ctx);
}


unsigned char *
sign_pss(const sign_key_t *key, const char *input, const char *digest,
    const char *mgf1, const char *salt, size_t *len)
{
    unsigned char  *bytes;

    bytes = malloc(1024);
    assert_non_null(bytes);

    *len = 1024;
    sign_public(key, input, digest, mgf1, salt, bytes, len);

    return bytes;
}


unsigned char *
sign_bytes(const sign_key_t *key, const char *input, const char *alg,
    size_t *len)
{
    int             pss;
    const char     *digest;
    unsigned char  *bytes;

    bytes = malloc(1024);
    assert_non_null(bytes);

    *len = 1024;
    digest = sign_digest(key, alg);

    if (key->pkey == NULL) {
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL,
                                  key->secret, key->len,
                                  (const unsigned char *) input, strlen(input),
                                  bytes, 1024, len));
        return bytes;
    }

    pss = alg != NULL && *alg == 'P';
    sign_public(key, input, digest, digest, pss ? "digest" : NULL, bytes, len);

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
sign_token_as(const sign_key_t *key, const char *alg, const char *header,
    const char *payload)
{
    char           *input, *token;
    size_t          len;
    unsigned char  *bytes;

    input = sign_input(header, payload);
    bytes = sign_bytes(key, input, alg, &len);

    token = sign_assemble(header, payload, bytes, len);

    free(bytes);
    free(input);

    return token;
}


char *
sign_token(const sign_key_t *key, const char *header, const char *payload)
{
    return sign_token_as(key, NULL, header, payload);
}
