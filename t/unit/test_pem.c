#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "issuers.h"
#include "sets.h"


static para_jwks_t *
parse(char *text, const char **why)
{
    return unit_set(text, PARA_JWKS_LOCAL, why);
}


static void
assert_refused(char *text, const char *words)
{
    assert_no_set(text, PARA_JWKS_LOCAL, words);
}


/* The set has one key, which verifies what the other half has signed. */

static void
assert_verifies(char *text, const char *name, const char *alg)
{
    size_t              len;
    const char         *why;
    para_jwks_t        *set;
    unsigned char      *bytes;
    const para_alg_t   *row;
    const para_jwk_t   *jwk;

    set = parse(text, &why);

    if (set == NULL) {
        fail_msg("refused: %s", why);
        return;
    }

    row = para_alg_find(unit_span(alg));
    jwk = para_jwks_key(set, 0);
    bytes = sign_bytes(unit_key(name), "message", NULL, &len);

    assert_int_equal(para_jwks_count(set), 1);
    assert_absent(para_jwk_kid(jwk));
    assert_true(para_jwk_algorithms(jwk) & row->bit);
    assert_int_equal(para_jwk_name(jwk).len, 43);

    assert_int_equal(para_jwk_verify(jwk, row, unit_span("message"),
                                     para_span(bytes, len)), 1);
    assert_int_equal(para_jwk_verify(jwk, row, unit_span("massage"),
                                     para_span(bytes, len)), 0);
    free(bytes);
    para_jwks_free(set);
}


static void
test_public_keys(void **state)
{
    char  *pem;

    (void) state;

    assert_verifies(sign_pem_public(unit_key("rsa")), "rsa", "RS256");
    assert_verifies(sign_pem_public(unit_key("ec")), "ec", "ES256");

    /* with a word for the reader, and no end of line at the end */

    pem = sign_pem_public(unit_key("ec"));
    pem[strlen(pem) - 1] = '\0';
    assert_verifies(unit_format("The key of the app:\n%s", pem), "ec", "ES256");
    free(pem);
}


/* One whose time is over, too: the operator's file says that it is trusted. */

static void
test_certificates(void **state)
{
    (void) state;

    assert_verifies(sign_pem_certificate(unit_key("rsa")), "rsa", "RS256");
    assert_verifies(sign_pem_certificate(unit_key("ec")), "ec", "ES256");
    assert_verifies(sign_pem_certificate(unit_key("p384")), "p384", "ES384");
    assert_verifies(sign_pem_certificate(unit_key("ed")), "ed", "EdDSA");
    assert_verifies(sign_pem_public(unit_key("p521")), "p521", "ES512");
    assert_verifies(sign_pem_public(unit_key("k256")), "k256", "ES256K");
    assert_verifies(sign_pem_public(unit_key("ed")), "ed", "Ed25519");
    assert_verifies(sign_pem_public(unit_key("ed448")), "ed448", "Ed448");
}


static void
test_several_blocks(void **state)
{
    char         *a, *b, *c;
    const char   *why;
    para_jwks_t  *set;

    (void) state;

    a = sign_pem_public(unit_key("rsa"));
    b = sign_pem_certificate(unit_key("ec"));
    c = sign_pem_public(unit_key("ec"));

    set = parse(unit_format("%s\n%stext\n%s", a, b, c), &why);
    assert_non_null(set);
    assert_int_equal(para_jwks_count(set), 3);
    assert_true(para_jwk_algorithms(para_jwks_key(set, 0)) & PARA_ALG_RS256);
    assert_int_equal(para_jwk_algorithms(para_jwks_key(set, 1)),
                     PARA_ALG_ES256);
    assert_int_equal(para_jwk_algorithms(para_jwks_key(set, 2)),
                     PARA_ALG_ES256);
    para_jwks_free(set);

    free(a);
    free(b);
    free(c);
}


static void
test_private_keys(void **state)
{
    char  *a, *b;

    (void) state;

    assert_refused(sign_pem_private(unit_key("rsa")), "private key");
    assert_refused(sign_pem_private(unit_key("ec")), "private key");

    a = sign_pem_public(unit_key("rsa"));
    b = sign_pem_private(unit_key("ec"));

    assert_refused(unit_format("%s%s", a, b), "private key");

    free(a);
    free(b);

    assert_refused(unit_format("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                               "-----END ENCRYPTED PRIVATE KEY-----\n"),
                   "private key");
    assert_refused(unit_format("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
                               "-----END RSA PRIVATE KEY-----\n"),
                   "private key");
    assert_refused(unit_format("-----BEGIN EC PRIVATE KEY-----\nAAAA\n"
                               "-----END EC PRIVATE KEY-----\n"),
                   "private key");
}


static void
test_weak_and_foreign_keys(void **state)
{
    char         *a, *b;
    const char   *why;
    sign_key_t   *key;
    para_span_t   kid;
    para_jwks_t  *set;

    (void) state;

    key = sign_ec("P-224");
    assert_refused(sign_pem_public(key), "no supported algorithm");
    sign_key_free(key);

    key = sign_okp("X25519");
    assert_refused(sign_pem_public(key), "no supported algorithm");
    sign_key_free(key);

    assert_refused(sign_pem_explicit(unit_key("ec")), "spelled out");

    key = sign_rsa(1024, 65537);
    assert_refused(sign_pem_public(key), "fewer than 2048");
    assert_refused(sign_pem_certificate(key), "fewer than 2048");

    /* the others go on serving */

    a = sign_pem_public(key);
    b = sign_pem_public(unit_key("rsa"));

    set = parse(unit_format("%s%s", a, b), &why);
    assert_non_null(set);
    assert_int_equal(para_jwks_count(set), 1);
    assert_non_null(strstr(para_jwks_refused(set, 0, &kid), "2048"));
    assert_absent(kid);
    para_jwks_free(set);

    free(a);
    free(b);
    sign_key_free(key);
}


static void
test_malformed_blocks(void **state)
{
    char  *pem;

    (void) state;

    assert_refused(unit_format("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                               "-----END PUBLIC KEY-----\n"),
                   "no public key in DER");
    assert_refused(unit_format("-----BEGIN CERTIFICATE-----\nAAAA\n"
                               "-----END CERTIFICATE-----\n"),
                   "no certificate in DER");
    assert_refused(unit_format("-----BEGIN EC PARAMETERS-----\n"
                               "BggqhkjOPQMBBw==\n"
                               "-----END EC PARAMETERS-----\n"),
                   "neither a PUBLIC KEY nor");
    assert_refused(unit_format("-----BEGIN PUBLIC KEY-----\n\x01\x02*\n"
                               "-----END PUBLIC KEY-----\n"), "cut off");
    assert_refused(unit_format("-----BEGIN PUBLIC KEY-----\nAAAA\n"),
                   "cut off");
    assert_refused(unit_format("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                               "-----END CERTIFICATE-----\n"), "cut off");
    assert_refused(unit_format("hello"), "neither JSON nor PEM");

    pem = sign_pem_public(unit_key("rsa"));
    pem[strlen(pem) / 2] = '\0';
    assert_refused(pem, "cut off");
}


/* A certificate with its label changed, and the reverse. */

static void
test_labels(void **state)
{
    char  *pem, *body, *end;

    (void) state;

    pem = sign_pem_public(unit_key("ec"));
    body = strchr(pem, '\n');
    end = strstr(pem, "-----END");
    *end = '\0';

    assert_refused(unit_format("-----BEGIN CERTIFICATE-----%s"
                               "-----END CERTIFICATE-----\n", body),
                   "no certificate");
    free(pem);

    pem = sign_pem_certificate(unit_key("ec"));
    body = strchr(pem, '\n');
    end = strstr(pem, "-----END");
    *end = '\0';

    assert_refused(unit_format("-----BEGIN PUBLIC KEY-----%s"
                               "-----END PUBLIC KEY-----\n", body),
                   "no public key");
    free(pem);
}


/* One block of this DER. */

static char *
block(const char *label, const unsigned char *der, int len)
{
    unsigned char  text[1024];

    EVP_EncodeBlock(text, der, len);

    return unit_format("-----BEGIN %s-----\n%s\n-----END %s-----\n", label,
                       (char *) text, label);
}


/* What is behind a certificate is no part of it. */

static void
test_trailing_bytes(void **state)
{
    BIO            *bio;
    char           *pem, *label, *header;
    long            len;
    const char     *why;
    para_jwks_t    *set;
    unsigned char  *der, longer[512];

    (void) state;

    pem = sign_pem_certificate(unit_key("ec"));
    bio = BIO_new_mem_buf(pem, -1);
    assert_int_equal(PEM_read_bio(bio, &label, &header, &der, &len), 1);
    assert_in_range(len, 1, sizeof(longer) - 1);

    memcpy(longer, der, (size_t) len);
    longer[len] = 0;

    set = parse(block(label, longer, (int) len), &why);
    assert_non_null(set);
    para_jwks_free(set);

    assert_refused(block(label, longer, (int) len + 1), "no certificate");

    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    free(pem);
}


/* SubjectPublicKeyInfo of a P-256 key: 26 bytes, then the point. */

static void
test_points(void **state)
{
    const char     *why;
    para_jwks_t    *set;
    unsigned char   der[92];

    static const unsigned char  head[26] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
        0x07, 0x03, 0x42, 0x00
    };

    /* the base point, FIPS 186-4 D.1.2.3 */

    static const unsigned char  point[65] = {
        0x04,
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
        0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
        0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
        0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
        0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5
    };

    (void) state;

    memcpy(der, head, 26);
    memcpy(der + 26, point, 65);
    der[91] = 0;

    set = parse(block("PUBLIC KEY", der, 91), &why);
    assert_non_null(set);
    para_jwks_free(set);

    /* a byte too many */

    assert_refused(block("PUBLIC KEY", der, 92), "no public key");

    /* off the curve */

    der[90] ^= 1;
    assert_refused(block("PUBLIC KEY", der, 91), "no p");

    /* at infinity */

    der[1] = 0x19;
    memcpy(der + 23, "\x03\x02\x00\x00", 4);
    assert_refused(block("PUBLIC KEY", der, 27), "no p");
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_several_blocks),
        cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_weak_and_foreign_keys),
        cmocka_unit_test(test_malformed_blocks),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_points)
    };

    return cmocka_run_group_tests_name("pem", tests, NULL, unit_keys_free);
}
