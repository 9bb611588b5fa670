#include "unit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "issuers.h"
#include "para_jwk.h"
#include "para_private_key.h"
#include "para_thumbprint.h"


/* What OpenSSL writes of a key, in one of its forms. */

typedef enum {
    FORM_PKCS8,
    FORM_ENCRYPTED,
    FORM_TRADITIONAL,
    FORM_TRADITIONAL_ENCRYPTED
} form_e;


static char *
write_pem(EVP_PKEY *pkey, form_e form)
{
    int                rc;
    BIO               *bio;
    char              *text, *data;
    long               len;
    unsigned char      word[] = "secret";
    const EVP_CIPHER  *cipher;

    bio = BIO_new(BIO_s_mem());
    cipher = form == FORM_ENCRYPTED || form == FORM_TRADITIONAL_ENCRYPTED
             ? EVP_aes_128_cbc() : NULL;

    rc = form == FORM_PKCS8 || form == FORM_ENCRYPTED
         ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher,
                                         cipher == NULL ? NULL : (char *) word,
                                         cipher == NULL ? 0 : 6, NULL, NULL)
         : PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher,
                                                cipher == NULL ? NULL : word,
                                                cipher == NULL ? 0 : 6,
                                                NULL, NULL);
    assert_int_equal(rc, 1);

    len = BIO_get_mem_data(bio, &data);
    text = unit_format("%.*s", (int) len, data);
    BIO_free(bio);

    return text;
}


static char *
new_pem(const char *type, const char *group, form_e form)
{
    char      *text;
    EVP_PKEY  *pkey;

    pkey = group == NULL ? EVP_PKEY_Q_keygen(NULL, NULL, type)
                         : EVP_PKEY_Q_keygen(NULL, NULL, type, group);
    assert_non_null(pkey);

    text = write_pem(pkey, form);
    EVP_PKEY_free(pkey);

    return text;
}


/* The text is the caller's no more. */

static para_private_key_t *
parse(char *text, const char **why)
{
    para_span_t          exact;
    para_private_key_t  *key;

    exact = unit_exact(text, strlen(text));
    free(text);

    *why = NULL;
    key = para_private_key_parse(exact, why);

    /* it is not needed afterwards */

    memset((void *) exact.data, 'x', exact.len);
    free((void *) exact.data);

    /* no error is left for whoever asks OpenSSL next */

    assert_int_equal(ERR_peek_error(), 0);

    return key;
}


static void
assert_refused(char *text, const char *words)
{
    const char          *why;
    para_private_key_t  *key;

    key = parse(text, &why);

    assert_null(key);
    assert_non_null(why);

    if (strstr(why, words) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", why, words);
    }
}


/* What a key has signed, its own public set verifies: an independent reader. */

static void
assert_signs(char *text, const char *alg, size_t rounds)
{
    char                 message[32];
    size_t               i, len;
    const char          *why;
    para_jwks_t         *set;
    const para_jwk_t    *jwk;
    const para_alg_t    *row;
    unsigned char        room[PARA_PUBLIC_SET_MAX(1)];
    unsigned char        signature[PARA_SIGNATURE_SIZE];
    para_private_key_t  *key;

    key = parse(text, &why);
    assert_null(why);
    assert_non_null(key);
    assert_span(para_private_key_algorithm(key), alg);

    len = para_private_key_publish(room, sizeof(room),
                                   (const para_private_key_t *const *) &key,
                                   1);
    assert_int_not_equal(len, 0);
    assert_null(strstr((char *) room, "\"d\""));

    set = para_jwks_parse(para_span(room, len), PARA_JWKS_REMOTE, &why);
    assert_non_null(set);
    assert_int_equal(para_jwks_count(set), 1);

    jwk = para_jwks_key(set, 0);
    row = para_alg_find(unit_span(alg));

    assert_int_equal(para_jwk_algorithms(jwk), row->bit);
    assert_true(para_span_eq(para_jwk_kid(jwk), para_private_key_kid(key)));
    assert_int_equal(para_jwk_kid(jwk).len, PARA_THUMBPRINT_SIZE);

    /* many, since R or S has a leading zero once in 128 */

    for (i = 0; i < rounds; i++) {
        snprintf(message, sizeof(message), "message %zu", i);

        assert_true(para_private_key_sign(key, signature,
                                          unit_span(message)));
        assert_int_equal(para_jwk_verify(jwk, row, unit_span(message),
                                         para_span(signature,
                                                   sizeof(signature))), 1);

        assert_int_equal(ERR_peek_error(), 0);

        signature[i % sizeof(signature)] ^= 1;
        assert_int_equal(para_jwk_verify(jwk, row, unit_span(message),
                                         para_span(signature,
                                                   sizeof(signature))), 0);
    }

    para_jwks_free(set);
    para_private_key_free(key);
}


static void
test_keys(void **state)
{
    char  *pem;

    (void) state;

    assert_signs(new_pem("ED25519", NULL, FORM_PKCS8), "EdDSA", 20);
    assert_signs(new_pem("EC", "P-256", FORM_PKCS8), "ES256", 600);
    assert_signs(new_pem("EC", "P-256", FORM_TRADITIONAL), "ES256", 20);

    /* what is public beside it does not count, nor does a word before it */

    pem = new_pem("EC", "P-256", FORM_PKCS8);
    assert_signs(unit_format("my key\n%s", pem), "ES256", 1);
    free(pem);
}


/* RFC 8032 7.1, test 2: the key, the message and the signature. */

static void
test_vector(void **state)
{
    const char          *why;
    unsigned char        signature[PARA_SIGNATURE_SIZE];
    para_private_key_t  *key;

    static const unsigned char  expected[] = {
        0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82,
        0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
        0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08,
        0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
        0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a,
        0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00
    };

    (void) state;

    key = parse(unit_format(
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
        "%s", "-----END PRIVATE KEY-----\n"), &why);

    if (key == NULL) {
        fail_msg("refused: %s", why);
        return;
    }

    assert_true(para_private_key_sign(key, signature, unit_span("\x72")));
    assert_memory_equal(signature, expected, sizeof(expected));

    para_private_key_free(key);
}


static void
test_refused(void **state)
{
    char  *one, *other;

    (void) state;

    assert_refused(sign_pem_private(unit_key("rsa")), "neither Ed25519 nor");
    assert_refused(sign_pem_private(unit_key("p384")), "neither Ed25519 nor");
    assert_refused(sign_pem_private(unit_key("k256")), "neither Ed25519 nor");
    assert_refused(sign_pem_private(unit_key("ed448")), "neither Ed25519 nor");
    assert_refused(new_pem("X25519", NULL, FORM_PKCS8), "neither Ed25519 nor");

    assert_refused(sign_pem_public(unit_key("ec")), "no private key");
    assert_refused(sign_pem_certificate(unit_key("ec")), "no private key");
    assert_refused(sign_jwk(unit_key("ec"), ""), "no private key");
    assert_refused(unit_format("%s", ""), "no private key");
    assert_refused(unit_repeat('a', PARA_PRIVATE_KEY_MAX), "no private key");
    assert_refused(unit_repeat('a', PARA_PRIVATE_KEY_MAX + 1), "too large");

    assert_refused(new_pem("ED25519", NULL, FORM_ENCRYPTED), "passphrase");
    assert_refused(new_pem("EC", "P-256", FORM_ENCRYPTED), "passphrase");
    assert_refused(new_pem("EC", "P-256", FORM_TRADITIONAL_ENCRYPTED),
                   "passphrase");

    one = new_pem("ED25519", NULL, FORM_PKCS8);
    one[strlen(one) / 2] = '\0';
    assert_refused(one, "no private key");

    one = new_pem("ED25519", NULL, FORM_PKCS8);
    other = new_pem("EC", "P-256", FORM_PKCS8);
    assert_refused(unit_format("%s%s", one, other), "more than one");
    free(one);
    free(other);
}


/* A private half with the public one of another key. */

static void
test_halves_of_two_keys(void **state)
{
    BIGNUM          *number;
    EVP_PKEY        *one, *other, *mixed;
    OSSL_PARAM      *params;
    EVP_PKEY_CTX    *ctx;
    unsigned char    point[65];
    size_t           len;
    OSSL_PARAM_BLD  *bld;

    (void) state;

    one = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(one, OSSL_PKEY_PARAM_PRIV_KEY,
                                           &number), 1);
    assert_int_equal(EVP_PKEY_get_octet_string_param(other,
                         OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
                         sizeof(point), &len), 1);
    point[0] = 4;

    bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                    "P-256", 0);
    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len);
    params = OSSL_PARAM_BLD_to_param(bld);

    mixed = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &mixed, EVP_PKEY_KEYPAIR, params),
                     1);

    assert_refused(write_pem(mixed, FORM_PKCS8), "another key's");

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(number);
    EVP_PKEY_free(one);
    EVP_PKEY_free(other);
    EVP_PKEY_free(mixed);
}


static void
test_publish(void **state)
{
    char                *pem;
    size_t               i, len;
    const char          *why;
    para_jwks_t         *set;
    unsigned char        room[PARA_PUBLIC_SET_MAX(3)];
    para_private_key_t  *key[3];

    (void) state;

    pem = new_pem("ED25519", NULL, FORM_PKCS8);

    key[0] = parse(unit_format("%s", pem), &why);
    key[1] = parse(new_pem("EC", "P-256", FORM_PKCS8), &why);
    key[2] = parse(pem, &why);

    len = para_private_key_publish(room, sizeof(room),
                                   (const para_private_key_t *const *) key, 3);

    /* one that is there twice would make the set ambiguous to its readers */

    set = para_jwks_parse(para_span(room, len), PARA_JWKS_REMOTE, &why);
    assert_non_null(set);
    assert_int_equal(para_jwks_count(set), 2);
    assert_true(para_span_eq(para_jwk_kid(para_jwks_key(set, 0)),
                             para_private_key_kid(key[0])));
    assert_true(para_span_eq(para_jwk_kid(para_jwks_key(set, 1)),
                             para_private_key_kid(key[1])));
    para_jwks_free(set);

    /* whole or not at all */

    for (i = 0; i <= len; i++) {
        assert_int_equal(para_private_key_publish(room, i,
                             (const para_private_key_t *const *) key, 3), 0);
    }

    assert_int_equal(para_private_key_publish(room, len + 1,
                         (const para_private_key_t *const *) key, 3), len);

    for (i = 0; i < 3; i++) {
        para_private_key_free(key[i]);
    }

    para_private_key_free(NULL);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_halves_of_two_keys),
        cmocka_unit_test(test_publish)
    };

    return cmocka_run_group_tests_name("private key", tests, NULL,
                                       unit_keys_free);
}
