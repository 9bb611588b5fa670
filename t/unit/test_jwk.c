#include "unit.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>

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
        { ",\"alg\":\"RSA-OAEP\"", "alg is not supported" },
        { ",\"alg\":\"ES521\"", "alg is not supported" },
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

    { "{\"kty\":\"OKP\",\"x\":\"AA\"}", "missing" },
    { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "missing" },
    { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
      "size of its curve" },
    { "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ZEROES "\"}",
      "size of its curve" },
    { "{\"kty\":\"OKP\",\"crv\":\"ed25519\",\"x\":\"" ZEROES "\"}",
      "curve is not supported" },
    { "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ZEROES "\"}",
      "curve is not supported" },
    { "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" ZEROES "\"}",
      "curve is not supported" },
    { "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"y\":\"AA\"}",
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


/* A curve has one algorithm, and none of a name that is nearly its own. */

static void
test_curves(void **state)
{
    size_t  i;

    static const char *const  good[] = { "p384", "p521", "k256", "ed",
                                         "ed448" };
    (void) state;

    for (i = 0; i < unit_count(good); i++) {
        assert_set(sign_jwk(unit_key(good[i]), ""), PARA_JWKS_PUBLIC, 1);
        assert_left_out(sign_jwk(unit_key(good[i]), ",\"alg\":\"ES256\""),
                        "alg does not fit");
    }

    assert_left_out(sign_jwk(unit_key("ed"), ",\"alg\":\"Ed448\""),
                    "alg does not fit");
    assert_left_out(sign_jwk(unit_key("ed448"), ",\"alg\":\"Ed25519\""),
                    "alg does not fit");
    assert_left_out(sign_jwk(unit_key("oct"), ",\"alg\":\"HS384\""),
                    "alg does not fit");
    assert_left_out(sign_jwk(unit_key("oct48"), ",\"alg\":\"HS512\""),
                    "alg does not fit");
    assert_set(sign_jwk(unit_key("ed"), ",\"alg\":\"EdDSA\""),
               PARA_JWKS_PUBLIC, 1);

    assert_left_out(unit_format("{\"kty\":\"EC\",\"crv\":\"P-224\","
                                "\"x\":\"AA\",\"y\":\"AA\"}"),
                    "curve is not supported");
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


/* A modulus as those of CVE-2017-15361, or next to it. */

static char *
rsa_roca(unsigned power, unsigned times)
{
    size_t          i;
    BN_CTX         *ctx;
    BIGNUM         *m, *n, *e;
    char           *text, *jwk;
    unsigned char   bytes[256];

    ctx = BN_CTX_new();
    m = BN_new();
    n = BN_new();
    e = BN_new();

    /* the product of the odd primes up to 167 */

    BN_one(m);

    for (i = 3; i <= 167; i += 2) {
        BN_set_word(n, i);

        if (BN_check_prime(n, ctx, NULL) == 1) {
            BN_mul_word(m, i);
        }
    }

    BN_set_word(n, 65537);
    BN_set_word(e, power);
    BN_mod_exp(n, n, e, m, ctx);
    BN_mul_word(n, times);

    /* as large as it has to be, and odd */

    BN_lshift(e, m, 2047 - BN_num_bits(m) + 1);
    BN_add(n, n, e);

    if (!BN_is_odd(n)) {
        BN_add(n, n, m);
    }

    assert_int_equal(BN_num_bits(n), 2048);
    BN_bn2bin(n, bytes);
    text = sign_base64url(bytes, sizeof(bytes));
    jwk = unit_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", text);

    free(text);
    BN_free(m);
    BN_free(n);
    BN_free(e);
    BN_CTX_free(ctx);

    return jwk;
}


static void
test_roca(void **state)
{
    (void) state;

    assert_left_out(rsa_roca(1, 1), "ROCA");
    assert_left_out(rsa_roca(2, 1), "ROCA");
    assert_left_out(rsa_roca(123457, 1), "ROCA");

    /* 2 and 3 are no powers of 65537 modulo 11, 13 and so on */

    assert_set(rsa_roca(1, 2), PARA_JWKS_PUBLIC, 1);
    assert_set(rsa_roca(123457, 3), PARA_JWKS_PUBLIC, 1);
}


/* A JWK of these bytes, given in hex: y first, the sign of x in the last. */

static char *
okp_of(const char *curve, const char *hex)
{
    long            len;
    char           *x, *jwk;
    unsigned char  *bytes;

    bytes = OPENSSL_hexstr2buf(hex, &len);
    assert_non_null(bytes);

    x = sign_base64url(bytes, (size_t) len);
    jwk = unit_format("{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"}", curve,
                      x);
    free(x);
    OPENSSL_free(bytes);

    return jwk;
}


#define ZERO8   "00000000"
#define FULL8   "ffffffff"
#define ZERO24  ZERO8 ZERO8 ZERO8
#define FULL24  FULL8 FULL8 FULL8
#define ZERO54  ZERO24 ZERO24 ZERO24 ZERO24 ZERO8 "0000"
#define FULL27  FULL24 FULL24 "ffffff"

static const struct {
    const char  *curve;
    const char  *hex;
    const char  *words;
} edwards[] = {

    /* order 4, 1, 2 and 8, each with either sign of x */

    { "Ed25519", ZERO24 ZERO24 ZERO8 ZERO8, "small order" },
    { "Ed25519", ZERO24 ZERO24 ZERO8 "00000080", "small order" },
    { "Ed25519", "01" "000000" ZERO24 ZERO24 ZERO8, "small order" },
    { "Ed25519", "01" "000000" ZERO24 ZERO24 "00000080", "small order" },
    { "Ed25519", "ec" "ffffff" FULL24 FULL24 "ffffff7f", "small order" },
    { "Ed25519", "ec" "ffffff" FULL24 FULL24 "ffffffff", "small order" },
    { "Ed25519", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53"
      "fc05", "small order" },
    { "Ed25519", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53"
      "fc85", "small order" },
    { "Ed25519", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac"
      "037a", "small order" },
    { "Ed25519", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac"
      "03fa", "small order" },

    /* y is p, p + 1, and the largest that there is */

    { "Ed25519", "ed" "ffffff" FULL24 FULL24 "ffffff7f", "canonical" },
    { "Ed25519", "ee" "ffffff" FULL24 FULL24 "ffffff7f", "canonical" },
    { "Ed25519", "ee" "ffffff" FULL24 FULL24 "ffffffff", "canonical" },
    { "Ed25519", "ff" "ffffff" FULL24 FULL24 "ffffff7f", "canonical" },

    /* 2 is no y of that curve */

    { "Ed25519", "02" "000000" ZERO24 ZERO24 ZERO8, "no point" },
    { "Ed448", "02" ZERO54 "0000", "no point" },

    { "Ed448", "00" ZERO54 "0000", "small order" },
    { "Ed448", "00" ZERO54 "0080", "small order" },
    { "Ed448", "01" ZERO54 "0000", "small order" },
    { "Ed448", "01" ZERO54 "0080", "small order" },
    { "Ed448", "fe" FULL27 "fe" FULL27 "00", "small order" },
    { "Ed448", "fe" FULL27 "fe" FULL27 "80", "small order" },
    { "Ed448", "ff" FULL27 "fe" FULL27 "00", "canonical" },
    { "Ed448", "05" ZERO54 "0001", "canonical" },
    { "Ed448", "05" ZERO54 "0040", "canonical" }
};


static void
test_edwards_points(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < unit_count(edwards); i++) {
        assert_left_out(okp_of(edwards[i].curve, edwards[i].hex),
                        edwards[i].words);
    }

    /* RFC 8032 7.1 and 7.4: the first public key of each */

    assert_set(okp_of("Ed25519", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa6"
                      "2325af021a68f707511a"), PARA_JWKS_PUBLIC, 1);
    assert_set(okp_of("Ed448", "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e"
                      "1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa"
                      "1abeafe8256180"), PARA_JWKS_PUBLIC, 1);
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
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_rsa_limits),
        cmocka_unit_test(test_rsa_exponents),
        cmocka_unit_test(test_roca),
        cmocka_unit_test(test_edwards_points),
        cmocka_unit_test(test_secret_length),
        cmocka_unit_test(test_kid_length)
    };

    return cmocka_run_group_tests_name("jwk", tests, NULL, unit_keys_free);
}
