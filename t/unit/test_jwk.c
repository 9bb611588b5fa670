#include "unit.h"

#include "issuers.h"
#include "sets.h"


/* 32 of them, in base64url. */
#define ZEROES  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


static void
test_each_kind(void **state)
{
    (void) state;

    assert_set(sign_jwk(unit_key("rsa"), ""), PARA_JWKS_PUBLIC, 1);
    assert_set(sign_jwk(unit_key("ec"), ""), PARA_JWKS_PUBLIC, 1);
    assert_set(sign_jwk(unit_key("rsa"), ""), PARA_JWKS_LOCAL, 1);
    assert_set(sign_jwk(unit_key("oct"), ""), PARA_JWKS_LOCAL, 1);
    assert_set(sign_jwk(unit_key("rsa"), ",\"use\":\"sig\",\"alg\":\"RS256\","
                              "\"key_ops\":[\"sign\",\"verify\"],"
                              "\"kid\":\"a\",\"x5c\":[],\"future\":{}"),
                PARA_JWKS_PUBLIC, 1);
}


/* Each is left out of a set, in which another key goes on serving. */

static void
assert_left_out(char *jwk, const char *words)
{
    char         *good;
    const char   *why, *left_out;
    para_span_t   kid;
    para_jwks_t  *set;

    good = sign_jwk(unit_key("ec"), ",\"kid\":\"good\"");

    set = unit_set(unit_format("{\"keys\":[%s,%s]}", jwk, good),
                   PARA_JWKS_LOCAL, &why);

    if (set == NULL) {
        fail_msg("%s: %s", why, jwk);
        return;
    }

    assert_int_equal(para_jwks_count(set), 1);
    assert_span(para_jwk_kid(para_jwks_key(set, 0)), "good");

    left_out = para_jwks_refused(set, 0, &kid);
    assert_non_null(left_out);
    assert_null(para_jwks_refused(set, 1, &kid));

    if (strstr(left_out, words) == NULL) {
        fail_msg("left out for \"%s\", not \"%s\": %s", left_out, words, jwk);
    }

    para_jwks_free(set);
    free(good);

    /* by itself its reason is that of the set */

    assert_no_set(jwk, PARA_JWKS_LOCAL, words);
}


static void
test_left_out(void **state)
{
    size_t  i;

    static const struct {
        const char  *more;
        const char  *words;
    } row[] = {
        { ",\"use\":\"enc\"", "use" },
        { ",\"use\":\"\"", "use" },
        { ",\"use\":\"SIG\"", "use" },
        { ",\"use\":null", "use" },
        { ",\"use\":[\"sig\"]", "use" },
        { ",\"key_ops\":[\"sign\"]", "key_ops" },
        { ",\"key_ops\":[]", "key_ops" },
        { ",\"key_ops\":\"verify\"", "key_ops" },
        { ",\"key_ops\":null", "key_ops" },
        { ",\"key_ops\":[\"Verify\",7]", "key_ops" },
        { ",\"alg\":\"RS384\"", "alg is not supported" },
        { ",\"alg\":\"rs256\"", "alg is not supported" },
        { ",\"alg\":\"none\"", "alg is not supported" },
        { ",\"alg\":\"\"", "alg is not supported" },
        { ",\"alg\":null", "alg is not supported" },
        { ",\"alg\":256", "alg is not supported" },
        { ",\"alg\":\"ES256\"", "alg does not fit" },
        { ",\"alg\":\"HS256\"", "alg does not fit" },
        { ",\"kid\":\"\"", "kid" },
        { ",\"kid\":1", "kid" },
        { ",\"kid\":null", "kid" },
        { ",\"kid\":[\"a\"]", "kid" },
        { ",\"d\":\"AQAB\"", "public" },
        { ",\"p\":\"AQAB\"", "public" },
        { ",\"q\":\"AQAB\"", "public" },
        { ",\"dp\":\"AQAB\"", "public" },
        { ",\"dq\":\"AQAB\"", "public" },
        { ",\"qi\":\"AQAB\"", "public" },
        { ",\"oth\":[]", "public" },
        { ",\"d\":null", "public" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_left_out(sign_jwk(unit_key("rsa"), row[i].more), row[i].words);
    }
}


static const struct {
    const char  *jwk;
    const char  *words;
} malformed[] = {
    { "{}", "kty" },
    { "{\"kty\":\"\"}", "kty" },
    { "{\"kty\":1}", "kty" },
    { "{\"kty\":\"rsa\"}", "kty" },
    { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "kty" },
    { "{\"kty\":\"future\",\"p\":\"x\",\"d\":1}", "kty" },

    { "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "missing" },
    { "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "missing" },
    { "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}", "missing" },
    { "{\"kty\":\"RSA\",\"n\":1,\"e\":\"AQAB\"}", "missing" },
    { "{\"kty\":\"RSA\",\"n\":\"AQ==\",\"e\":\"AQAB\"}", "base64url" },
    { "{\"kty\":\"RSA\",\"n\":\"A+/B\",\"e\":\"AQAB\"}", "base64url" },
    { "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQABA\"}", "base64url" },

    { "{\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"AA\"}", "missing" },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}", "missing" },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"AA\"}", "missing" },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
      "size of its curve" },
    { "{\"kty\":\"EC\",\"crv\":\"p-256\",\"x\":\"AA\",\"y\":\"AA\"}",
      "curve is not supported" },
    { "{\"kty\":\"EC\",\"crv\":\"prime256v1\",\"x\":\"AA\",\"y\":\"AA\"}",
      "curve is not supported" },

    { "{\"kty\":\"oct\"}", "missing" },
    { "{\"kty\":\"oct\",\"k\":\"\"}", "missing" },
    { "{\"kty\":\"oct\",\"k\":[]}", "missing" }
};


static void
test_malformed(void **state)
{
    size_t  i;

    static const char  x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    static const char  y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    (void) state;

    for (i = 0; i < unit_count(malformed); i++) {
        assert_left_out(unit_format("%s", malformed[i].jwk),
                        malformed[i].words);
    }

    assert_no_set(unit_format("{\"keys\":[7]}"), PARA_JWKS_PUBLIC, "kty");
    assert_no_set(unit_format("{\"keys\":[null]}"), PARA_JWKS_PUBLIC, "kty");

    /* RFC 7515 A.3.1, then off the curve, and of the wrong size */

    assert_set(unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                            "\"y\":\"%s\"}", x, y), PARA_JWKS_PUBLIC, 1);
    assert_left_out(unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\","
                                "\"x\":\"%s\",\"y\":\"%s\"}", y, x),
                    "no point");
    assert_left_out(unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\","
                                "\"x\":\"AAAA%s\",\"y\":\"%s\"}", x, y),
                    "size of its curve");
    assert_left_out(unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\","
                                "\"x\":\"%s\",\"y\":\"AAAA%s\"}", x, y),
                    "size of its curve");
}


static void
test_foreign_curves(void **state)
{
    sign_key_t  *key;

    (void) state;

    key = sign_ec("P-384");
    assert_left_out(sign_jwk(key, ""), "curve is not supported");
    assert_left_out(sign_jwk(key, ",\"alg\":\"ES256\""),
                    "curve is not supported");
    sign_key_free(key);

    key = sign_ec("secp256k1");
    assert_left_out(sign_jwk(key, ""), "curve is not supported");
    sign_key_free(key);
}


/* An RSA JWK whose modulus has so many bits, all of them set but one. */

static char *
rsa_of(size_t bits, const char *e)
{
    char           *n, *jwk;
    size_t          len;
    unsigned char   bytes[1100];

    len = (bits + 7) / 8;
    memset(bytes, 0xff, len);
    bytes[0] = (unsigned char) (0xff >> (8 * len - bits));
    bytes[1] = 0x7f;

    n = sign_base64url(bytes, len);
    jwk = unit_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, e);
    free(n);

    return jwk;
}


static void
test_rsa_limits(void **state)
{
    (void) state;

    assert_left_out(rsa_of(512, "AQAB"), "fewer than 2048");
    assert_left_out(rsa_of(1024, "AQAB"), "fewer than 2048");
    assert_left_out(rsa_of(2047, "AQAB"), "fewer than 2048");
    assert_set(rsa_of(2048, "AQAB"), PARA_JWKS_PUBLIC, 1);
    assert_set(rsa_of(4096, "AQAB"), PARA_JWKS_PUBLIC, 1);
    assert_left_out(rsa_of(4097, "AQAB"), "more than 4096");
    assert_left_out(rsa_of(8160, "AQAB"), "more than 4096");
    assert_left_out(rsa_of(8784, "AQAB"), "longer than any");
}


static void
test_rsa_exponents(void **state)
{
    char           *even;
    char           *n;
    unsigned char   bytes[256];

    (void) state;

    assert_left_out(rsa_of(2048, "AA"), "exponent");
    assert_left_out(rsa_of(2048, "AQ"), "1 or even");
    assert_left_out(rsa_of(2048, "Ag"), "1 or even");
    assert_left_out(rsa_of(2048, "AQAA"), "1 or even");
    assert_set(rsa_of(2048, "Aw"), PARA_JWKS_PUBLIC, 1);
    assert_set(rsa_of(2048, "__________8"), PARA_JWKS_PUBLIC, 1);
    assert_left_out(rsa_of(2048, "AQAAAAAAAAAB"), "more than 64 bits");

    memset(bytes, 0xfe, sizeof(bytes));
    n = sign_base64url(bytes, sizeof(bytes));
    even = unit_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", n);
    free(n);

    assert_left_out(even, "even");
}


static void
test_secret_length(void **state)
{
    sign_key_t  *key;

    static const char  secret[1022] = "x";

    (void) state;

    key = sign_secret(secret, 31);
    assert_left_out(sign_jwk(key, ""), "shorter than 32");
    sign_key_free(key);

    key = sign_secret(secret, 1);
    assert_left_out(sign_jwk(key, ""), "shorter than 32");
    sign_key_free(key);

    key = sign_secret(secret, 32);
    assert_set(sign_jwk(key, ""), PARA_JWKS_LOCAL, 1);
    sign_key_free(key);

    key = sign_secret(secret, sizeof(secret));
    assert_set(sign_jwk(key, ""), PARA_JWKS_LOCAL, 1);
    sign_key_free(key);
}


static void
test_kid_length(void **state)
{
    char  *good, *bad;

    (void) state;

    good = unit_repeat('k', PARA_KID_MAX_SIZE);
    bad = unit_repeat('k', PARA_KID_MAX_SIZE + 1);

    assert_set(unit_format("{\"kty\":\"oct\",\"k\":\"%s\",\"kid\":\"%s\"}",
                            ZEROES,
                            good), PARA_JWKS_LOCAL, 1);
    assert_left_out(unit_format("{\"kty\":\"oct\",\"k\":\"%s\",\"kid\":\"%s\"}",
                                ZEROES,
                                bad), "256 bytes");
    free(good);
    free(bad);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_foreign_curves),
        cmocka_unit_test(test_rsa_limits),
        cmocka_unit_test(test_rsa_exponents),
        cmocka_unit_test(test_secret_length),
        cmocka_unit_test(test_kid_length)
    };

    return cmocka_run_group_tests_name("jwk", tests, NULL, unit_keys_free);
}
