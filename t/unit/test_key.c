#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "issuers.h"


/*
 * Raw verification: the lengths and the values that RFC 7518 3.2 to 3.4 rule
 * out, and that a key serves nothing but its own algorithm.
 */

static int
verify_jwk(char *jwk, const char *alg, const char *message,
    const void *signature, size_t len)
{
    int                rc, again;
    const char        *why;
    para_jwks_t       *set;
    para_span_t        bytes;
    const para_jwk_t  *key;
    const para_alg_t  *row;

    set = para_jwks_parse(unit_span(jwk), PARA_JWKS_LOCAL, &why);
    assert_non_null(set);
    free(jwk);

    key = para_jwks_key(set, 0);
    row = para_alg_find(unit_span(alg));
    bytes = unit_exact(signature, len);

    rc = para_jwk_verify(key, row, unit_span(message), bytes);

    /* no error is left for whoever asks OpenSSL next */

    assert_int_equal(ERR_peek_error(), 0);

    /* what is prepared in a key is not used up */

    again = para_jwk_verify(key, row, unit_span(message), bytes);
    assert_int_equal(rc, again);

    free((void *) bytes.data);
    para_jwks_free(set);

    return rc;
}


static int
verify(const sign_key_t *key, const char *alg, const char *message,
    const void *signature, size_t len)
{
    return verify_jwk(sign_jwk(key, ""), alg, message, signature, len);
}


/* Each algorithm with a key that serves it. */

static const struct {
    const char  *alg;
    const char  *key;
} pair[] = {
    { "RS256", "rsa" }, { "RS384", "rsa" }, { "RS512", "rsa" },
    { "PS256", "rsa" }, { "PS384", "rsa" }, { "PS512", "rsa" },
    { "ES256", "ec" }, { "ES384", "p384" }, { "ES512", "p521" },
    { "ES256K", "k256" },
    { "EdDSA", "ed" }, { "Ed25519", "ed" },
    { "EdDSA", "ed448" }, { "Ed448", "ed448" },
    { "HS256", "oct" }, { "HS256", "oct48" }, { "HS256", "oct64" },
    { "HS384", "oct48" }, { "HS384", "oct64" }, { "HS512", "oct64" }
};


static void
check_lengths(const sign_key_t *key, const char *alg)
{
    size_t          len, n;
    unsigned char  *bytes, *longer;

    bytes = sign_bytes(key, "message", alg, &len);
    longer = calloc(1, len + 20000);
    memcpy(longer, bytes, len);

    assert_int_equal(verify(key, alg, "message", bytes, len), 1);

    for (n = 0; n <= len + 2; n++) {
        assert_int_equal(verify(key, alg, "message", longer, n), n == len);
    }

    assert_int_equal(verify(key, alg, "message", longer, 20000), 0);

    /* one zero more in front */

    memmove(longer + 1, longer, len);
    longer[0] = 0;
    assert_int_equal(verify(key, alg, "message", longer, len + 1), 0);

    free(longer);
    free(bytes);
}


static void
check_tampering(const sign_key_t *key, const char *alg)
{
    size_t          len, i;
    unsigned char  *bytes;

    bytes = sign_bytes(key, "message", alg, &len);

    assert_int_equal(verify(key, alg, "messagf", bytes, len), 0);
    assert_int_equal(verify(key, alg, "messag", bytes, len), 0);
    assert_int_equal(verify(key, alg, "", bytes, len), 0);

    for (i = 0; i < len; i++) {
        bytes[i] ^= 1;
        assert_int_equal(verify(key, alg, "message", bytes, len), 0);
        bytes[i] ^= 1;
    }

    memset(bytes, 0, len);
    assert_int_equal(verify(key, alg, "message", bytes, len), 0);

    free(bytes);
}


static void
test_each_algorithm(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < unit_count(pair); i++) {
        check_lengths(unit_key(pair[i].key), pair[i].alg);
        check_tampering(unit_key(pair[i].key), pair[i].alg);
    }
}


/* The signature of one algorithm under the name of every other. */

static void
test_no_algorithm_is_another(void **state)
{
    int             same;
    size_t          i, j, len;
    unsigned char  *bytes;

    (void) state;

    for (i = 0; i < unit_count(pair); i++) {
        bytes = sign_bytes(unit_key(pair[i].key), "m", pair[i].alg, &len);

        for (j = 0; j < unit_count(pair); j++) {

            /* RFC 9864: what EdDSA is depends on the key alone */

            same = strcmp(pair[i].key, pair[j].key) == 0
                   && (strcmp(pair[i].alg, pair[j].alg) == 0
                       || strncmp(pair[i].key, "ed", 2) == 0);

            if (verify(unit_key(pair[j].key), pair[j].alg, "m", bytes, len)
                != same)
            {
                fail_msg("%s of %s as %s of %s", pair[i].alg, pair[i].key,
                         pair[j].alg, pair[j].key);
            }
        }

        free(bytes);
    }
}


/* RFC 7518 3.5: the salt is as long as the hash, and MGF1 has the same. */

static void
test_pss(void **state)
{
    size_t          i, len;
    unsigned char  *bytes;

    static const struct {
        const char  *digest;
        const char  *mgf1;
        const char  *salt;
        const char  *good;            /* the algorithm that it is */
    } row[] = {
        { "SHA256", "SHA256", "32", "PS256" },
        { "SHA384", "SHA384", "48", "PS384" },
        { "SHA512", "SHA512", "64", "PS512" },
        { "SHA256", "SHA256", "0", "" },
        { "SHA256", "SHA256", "20", "" },
        { "SHA256", "SHA256", "31", "" },
        { "SHA256", "SHA256", "33", "" },
        { "SHA256", "SHA256", "max", "" },
        { "SHA384", "SHA384", "32", "" },
        { "SHA512", "SHA512", "32", "" },
        { "SHA512", "SHA512", "63", "" },
        { "SHA256", "SHA1", "32", "" },
        { "SHA256", "SHA384", "32", "" },
        { "SHA384", "SHA256", "48", "" },
        { "SHA512", "SHA256", "64", "" }
    };

    static const char *const  alg[] = {
        "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"
    };

    (void) state;

    for (i = 0; i < unit_count(row) * unit_count(alg); i++) {
        bytes = sign_pss(unit_key("rsa"), "m", row[i / 6].digest,
                         row[i / 6].mgf1, row[i / 6].salt, &len);
        assert_int_equal(verify(unit_key("rsa"), alg[i % 6], "m", bytes, len),
                         strcmp(row[i / 6].good, alg[i % 6]) == 0);
        free(bytes);
    }
}


static void
test_verify_rsa(void **state)
{
    size_t          len;
    sign_key_t     *small;
    unsigned char  *bytes;

    (void) state;

    bytes = sign_bytes(unit_key("rsa"), "message", "PS256", &len);
    assert_int_equal(verify(unit_key("rsa"), "RS256", "message", bytes, len),
                     0);
    free(bytes);

    small = sign_rsa(2048, 3);
    bytes = sign_bytes(small, "message", NULL, &len);
    assert_int_equal(verify(small, "RS256", "message", bytes, len), 1);
    assert_int_equal(verify(unit_key("rsa"), "RS256", "message", bytes, len),
                     0);
    free(bytes);
    sign_key_free(small);
}


/* FIPS 186-4 D.1.2.3 */

static const unsigned char  p256_order[32] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
    0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};


static void
test_verify_ec(void **state)
{
    size_t         i;
    unsigned char  bytes[64];

    (void) state;

    /* r and s are 0, 1 or n */

    for (i = 0; i < 16; i++) {
        memset(bytes, 0, sizeof(bytes));

        bytes[31] = i & 1;
        bytes[63] = i >> 2 & 1;

        if (i & 2) {
            memcpy(bytes, p256_order, 32);
        }

        if (i & 8) {
            memcpy(bytes + 32, p256_order, 32);
        }

        assert_int_equal(verify(unit_key("ec"), "ES256", "message", bytes,
                                64), 0);
    }

    /* and 2^256 - 1 */

    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(verify(unit_key("ec"), "ES256", "message", bytes, 64),
                     0);
}


/*
 * To a verifier that forgets the range, s + n is as good as s.  Only an s under
 * 2^224 leaves room for it, so the key is made to fit: d = (s k - z) / r.
 */

static char *
key_for_small_s(const char *message, unsigned char *r, unsigned long s)
{
    char           *x, *y, *jwk;
    BN_CTX         *ctx;
    BIGNUM         *a, *b, *d, *z;
    EC_GROUP       *group;
    EC_POINT       *point;
    const BIGNUM   *n;
    unsigned char   bytes[32];

    ctx = BN_CTX_new();
    a = BN_new();
    b = BN_new();
    d = BN_new();
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    point = EC_POINT_new(group);
    n = EC_GROUP_get0_order(group);

    /* k is 12345 */

    BN_set_word(b, 12345);
    assert_int_equal(EC_POINT_mul(group, point, b, NULL, NULL, ctx), 1);
    EC_POINT_get_affine_coordinates(group, point, a, NULL, ctx);
    BN_nnmod(a, a, n, ctx);
    BN_bn2binpad(a, r, 32);

    EVP_Q_digest(NULL, "SHA256", NULL, message, strlen(message), bytes, NULL);
    z = BN_bin2bn(bytes, 32, NULL);

    BN_mul_word(b, s);
    BN_mod_sub(b, b, z, n, ctx);
    assert_non_null(BN_mod_inverse(a, a, n, ctx));
    BN_mod_mul(d, a, b, n, ctx);

    assert_int_equal(EC_POINT_mul(group, point, d, NULL, NULL, ctx), 1);
    EC_POINT_get_affine_coordinates(group, point, a, b, ctx);
    BN_bn2binpad(a, bytes, 32);
    x = sign_base64url(bytes, 32);
    BN_bn2binpad(b, bytes, 32);
    y = sign_base64url(bytes, 32);

    jwk = unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                      "\"y\":\"%s\"}", x, y);
    free(x);
    free(y);
    BN_free(a);
    BN_free(b);
    BN_free(d);
    BN_free(z);
    BN_CTX_free(ctx);
    EC_POINT_free(point);
    EC_GROUP_free(group);

    return jwk;
}


static void
test_verify_ec_range(void **state)
{
    unsigned char  bytes[64];

    (void) state;

    memset(bytes, 0, sizeof(bytes));
    bytes[63] = 5;
    assert_int_equal(verify_jwk(key_for_small_s("m", bytes, 5), "ES256",
                                "m", bytes, 64), 1);

    memcpy(bytes + 32, p256_order, 32);
    bytes[63] = (unsigned char) (bytes[63] + 5);
    assert_int_equal(verify_jwk(key_for_small_s("m", bytes, 5), "ES256",
                                "m", bytes, 64), 0);
}


static void
test_a_key_serves_its_own_algorithm(void **state)
{
    size_t          len;
    unsigned char  *bytes;

    (void) state;

    bytes = sign_bytes(unit_key("rsa"), "m", NULL, &len);
    assert_int_equal(verify(unit_key("rsa"), "ES256", "m", bytes, len), 0);
    assert_int_equal(verify(unit_key("rsa"), "HS256", "m", bytes, len), 0);
    free(bytes);

    bytes = sign_bytes(unit_key("ec"), "m", NULL, &len);
    assert_int_equal(verify(unit_key("ec"), "RS256", "m", bytes, len), 0);
    free(bytes);

    bytes = sign_bytes(unit_key("oct"), "m", NULL, &len);
    assert_int_equal(verify(unit_key("oct"), "RS256", "m", bytes, len), 0);
    assert_int_equal(verify(unit_key("oct"), "ES256", "m", bytes, len), 0);
    free(bytes);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_algorithm),
        cmocka_unit_test(test_no_algorithm_is_another),
        cmocka_unit_test(test_pss),
        cmocka_unit_test(test_verify_rsa),
        cmocka_unit_test(test_verify_ec),
        cmocka_unit_test(test_verify_ec_range),
        cmocka_unit_test(test_a_key_serves_its_own_algorithm)
    };

    return cmocka_run_group_tests_name("key", tests, NULL, unit_keys_free);
}
