#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "para_jwk.h"
#include "sign.h"


/* 32 of them, in base64url. */
#define ZEROES  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


static sign_key_t  *rsa;
static sign_key_t  *ec;
static sign_key_t  *oct;


static int
setup(void **state)
{
    (void) state;

    rsa = sign_rsa(2048, 65537);
    ec = sign_ec("P-256");
    oct = sign_secret("0123456789abcdef0123456789abcdef", 32);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    sign_key_free(rsa);
    sign_key_free(ec);
    sign_key_free(oct);

    return 0;
}


/* Parses and frees text, which no set may need any more. */

static para_jwks_t *
parse(char *text, para_jwks_kind_e kind, const char **why)
{
    para_span_t   exact;
    para_jwks_t  *set;

    exact = unit_exact(text, strlen(text));
    free(text);

    set = para_jwks_parse(exact, kind, why);

    /* no error is left for whoever asks OpenSSL next */

    assert_int_equal(ERR_peek_error(), 0);

    memset((void *) exact.data, 'x', exact.len);
    free((void *) exact.data);

    return set;
}


/* A set is taken whole, and has so many keys. */

static void
assert_keys(char *text, para_jwks_kind_e kind, size_t n)
{
    const char   *why;
    para_jwks_t  *set;

    set = parse(text, kind, &why);

    if (set == NULL) {
        fail_msg("refused: %s", why);
        return;
    }

    assert_null(why);
    assert_int_equal(para_jwks_count(set), n);
    assert_null(para_jwks_key(set, n));

    para_jwks_free(set);
}


/* A set is refused, in words that have these in them. */

static void
assert_refused(char *text, para_jwks_kind_e kind, const char *words)
{
    const char   *why;
    para_jwks_t  *set;

    set = parse(text, kind, &why);
    para_jwks_free(set);

    assert_null(set);
    assert_non_null(why);

    if (strstr(why, words) == NULL) {
        fail_msg("refused with \"%s\", not \"%s\"", why, words);
    }
}


static void
test_each_kind(void **state)
{
    (void) state;

    assert_keys(sign_jwk(rsa, ""), PARA_JWKS_PUBLIC, 1);
    assert_keys(sign_jwk(ec, ""), PARA_JWKS_PUBLIC, 1);
    assert_keys(sign_jwk(rsa, ""), PARA_JWKS_LOCAL, 1);
    assert_keys(sign_jwk(oct, ""), PARA_JWKS_LOCAL, 1);
    assert_keys(sign_jwk(rsa, ",\"use\":\"sig\",\"alg\":\"RS256\","
                              "\"key_ops\":[\"sign\",\"verify\"],"
                              "\"kid\":\"a\",\"x5c\":[],\"future\":{}"),
                PARA_JWKS_PUBLIC, 1);
}


static void
test_white_space_before_json(void **state)
{
    char  *jwk;

    (void) state;

    jwk = sign_jwk(ec, "");
    assert_keys(unit_format(" \t\r\n%s\n", jwk), PARA_JWKS_PUBLIC, 1);
    free(jwk);
}


static void
test_getters(void **state)
{
    char              *a, *b, *c;
    const char        *why;
    para_jwks_t       *set;
    const para_jwk_t  *key;

    (void) state;

    a = sign_jwk(rsa, ",\"kid\":\"r\"");
    b = sign_jwk(ec, ",\"kid\":\"e\"");
    c = sign_jwk(oct, "");

    set = parse(unit_format("{\"keys\":[%s,%s,%s]}", a, b, c),
                PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    key = para_jwks_key(set, 0);
    assert_span(para_jwk_kid(key), "r");
    assert_int_equal(para_jwk_algorithms(key), PARA_ALG_RS256);

    key = para_jwks_key(set, 1);
    assert_span(para_jwk_kid(key), "e");
    assert_int_equal(para_jwk_algorithms(key), PARA_ALG_ES256);

    key = para_jwks_key(set, 2);
    assert_absent(para_jwk_kid(key));
    assert_int_equal(para_jwk_algorithms(key), PARA_ALG_HS256);

    para_jwks_free(set);
    para_jwks_free(NULL);

    free(a);
    free(b);
    free(c);
}


/* SHA-256 of the text, as sha256sum has it. */

static void
test_fingerprint(void **state)
{
    size_t        i;
    char          hex[2 * PARA_FINGERPRINT_SIZE + 1];
    const char   *why;
    para_jwks_t  *set, *other;

    (void) state;

    set = parse(unit_format("{\"kty\":\"oct\",\"k\":\"%s\"}", ZEROES),
                PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    for (i = 0; i < PARA_FINGERPRINT_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", para_jwks_fingerprint(set)[i]);
    }

    assert_string_equal(hex, "dde75688a7a890945808586f34d262d4"
                             "bfc3ed781b6d87fd9dbce605897e50b8");

    other = parse(sign_jwk(oct, ""), PARA_JWKS_LOCAL, &why);

    assert_memory_not_equal(para_jwks_fingerprint(set),
                            para_jwks_fingerprint(other),
                            PARA_FINGERPRINT_SIZE);
    para_jwks_free(set);
    para_jwks_free(other);
}


/* Each is left out of a set, in which another key goes on serving. */

static void
assert_left_out(char *jwk, const char *words)
{
    char         *good;
    const char   *why, *left_out;
    para_span_t   kid;
    para_jwks_t  *set;

    good = sign_jwk(ec, ",\"kid\":\"good\"");

    set = parse(unit_format("{\"keys\":[%s,%s]}", jwk, good), PARA_JWKS_LOCAL,
                &why);

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

    assert_refused(jwk, PARA_JWKS_LOCAL, words);
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
        assert_left_out(sign_jwk(rsa, row[i].more), row[i].words);
    }
}


static void
test_malformed(void **state)
{
    size_t  i;

    static const char  x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    static const char  y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    static const struct {
        const char  *jwk;
        const char  *words;
    } row[] = {
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

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_left_out(unit_format("%s", row[i].jwk), row[i].words);
    }

    assert_refused(unit_format("{\"keys\":[7]}"), PARA_JWKS_PUBLIC, "kty");
    assert_refused(unit_format("{\"keys\":[null]}"), PARA_JWKS_PUBLIC, "kty");

    /* RFC 7515 A.3.1, then off the curve, and of the wrong size */

    assert_keys(unit_format("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
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
    assert_keys(rsa_of(2048, "AQAB"), PARA_JWKS_PUBLIC, 1);
    assert_keys(rsa_of(4096, "AQAB"), PARA_JWKS_PUBLIC, 1);
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
    assert_keys(rsa_of(2048, "Aw"), PARA_JWKS_PUBLIC, 1);
    assert_keys(rsa_of(2048, "__________8"), PARA_JWKS_PUBLIC, 1);
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
    assert_keys(sign_jwk(key, ""), PARA_JWKS_LOCAL, 1);
    sign_key_free(key);

    key = sign_secret(secret, sizeof(secret));
    assert_keys(sign_jwk(key, ""), PARA_JWKS_LOCAL, 1);
    sign_key_free(key);
}


static void
test_kid_length(void **state)
{
    char  *good, *bad;

    (void) state;

    good = unit_repeat('k', PARA_KID_MAX_SIZE);
    bad = unit_repeat('k', PARA_KID_MAX_SIZE + 1);

    assert_keys(unit_format("{\"kty\":\"oct\",\"k\":\"%s\",\"kid\":\"%s\"}",
                            ZEROES,
                            good), PARA_JWKS_LOCAL, 1);
    assert_left_out(unit_format("{\"kty\":\"oct\",\"k\":\"%s\",\"kid\":\"%s\"}",
                                ZEROES,
                                bad), "256 bytes");
    free(good);
    free(bad);
}


/* One secret in a public set makes all of it suspect. */

static void
test_secrets_in_a_public_set(void **state)
{
    size_t  i;
    char   *good, *bad;

    static const char *const  member[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth"
    };

    (void) state;

    good = sign_jwk(rsa, "");

    for (i = 0; i < unit_count(member); i++) {
        bad = unit_format("{\"kty\":\"RSA\",\"use\":\"enc\",\"%s\":\"x\"}",
                          member[i]);
        assert_refused(unit_format("{\"keys\":[%s,%s]}", good, bad),
                       PARA_JWKS_PUBLIC, "private or secret");
        free(bad);
    }

    assert_refused(unit_format("{\"keys\":[%s,{\"kty\":\"EC\",\"d\":\"x\"}]}",
                               good), PARA_JWKS_PUBLIC, "private or secret");
    assert_refused(unit_format("{\"keys\":[%s,{\"kty\":\"OKP\",\"d\":\"x\"}]}",
                               good), PARA_JWKS_PUBLIC, "private or secret");
    assert_refused(unit_format("{\"keys\":[%s,{\"kty\":\"oct\"}]}", good),
                   PARA_JWKS_PUBLIC, "private or secret");
    assert_refused(sign_jwk(oct, ""), PARA_JWKS_PUBLIC, "private or secret");

    /* of another kind nobody knows what is private */

    assert_keys(unit_format("{\"keys\":[%s,{\"kty\":\"DSA\",\"p\":\"x\"}]}",
                            good), PARA_JWKS_PUBLIC, 1);
    free(good);
}


static void
test_private_key_left_out_reports_its_kid(void **state)
{
    char         *a, *b;
    const char   *why;
    para_span_t   kid;
    para_jwks_t  *set;

    (void) state;

    a = sign_jwk(rsa, ",\"kid\":\"mine\",\"d\":\"AQAB\"");
    b = sign_jwk(rsa, "");

    set = parse(unit_format("{\"keys\":[%s,%s]}", a, b), PARA_JWKS_LOCAL,
                &why);
    assert_non_null(set);
    assert_non_null(strstr(para_jwks_refused(set, 0, &kid), "public key"));
    assert_span(kid, "mine");

    para_jwks_free(set);
    free(a);
    free(b);
}


static void
test_duplicate_kids(void **state)
{
    char  *r, *r2, *enc, *bad, *e, *none;

    (void) state;

    r = sign_jwk(rsa, ",\"kid\":\"a\"");
    r2 = sign_jwk(rsa, ",\"kid\":\"a\",\"alg\":\"RS256\"");
    enc = sign_jwk(rsa, ",\"kid\":\"a\",\"use\":\"enc\"");
    bad = unit_format("{\"kty\":\"RSA\",\"kid\":\"a\"}");
    e = sign_jwk(ec, ",\"kid\":\"a\"");
    none = sign_jwk(rsa, "");

    assert_refused(unit_format("{\"keys\":[%s,%s]}", r, r2), PARA_JWKS_PUBLIC,
                   "same kid");
    assert_refused(unit_format("{\"keys\":[%s,%s,%s]}", r, e, r2),
                   PARA_JWKS_PUBLIC, "same kid");

    assert_refused(unit_format("{\"keys\":[%s,%s,%s]}", none, r, r2),
                   PARA_JWKS_PUBLIC, "same kid");

    /* of one kind, and only of keys that can be used */

    assert_keys(unit_format("{\"keys\":[%s,%s]}", r, e), PARA_JWKS_PUBLIC, 2);
    assert_keys(unit_format("{\"keys\":[%s,%s,%s]}", r, enc, bad),
                PARA_JWKS_PUBLIC, 1);
    assert_keys(unit_format("{\"keys\":[%s,%s]}", none, none),
                PARA_JWKS_PUBLIC, 2);

    free(r);
    free(r2);
    free(enc);
    free(bad);
    free(e);
    free(none);
}


/* A set of n keys, of which one in two is of no use. */

static char *
set_of(int n)
{
    int    i;
    char  *jwk, *keys, *more;

    keys = unit_format("%s", "");

    for (i = 0; i < n; i++) {
        if (i % 2) {
            jwk = unit_format("{\"kty\":\"x\"}");

        } else {
            more = unit_format(",\"kid\":\"%d\"", i);
            jwk = sign_jwk(ec, more);
            free(more);
        }

        more = unit_format("%s%s%s", keys, i ? "," : "", jwk);
        free(keys);
        free(jwk);
        keys = more;
    }

    jwk = unit_format("{\"keys\":[%s]}", keys);
    free(keys);

    return jwk;
}


static void
test_number_of_keys(void **state)
{
    (void) state;

    assert_keys(set_of(PARA_JWKS_MAX_KEYS), PARA_JWKS_PUBLIC,
                PARA_JWKS_MAX_KEYS / 2);
    assert_refused(set_of(PARA_JWKS_MAX_KEYS + 1), PARA_JWKS_PUBLIC,
                   "more than 32");
    assert_refused(set_of(PARA_JWKS_MAX_KEYS + 2), PARA_JWKS_PUBLIC,
                   "more than 32");
}


static void
test_size_of_a_set(void **state)
{
    char    *jwk, *space;
    size_t   left;

    (void) state;

    jwk = sign_jwk(ec, "");
    left = PARA_JWKS_MAX_SIZE - strlen(jwk);

    space = unit_repeat(' ', left);
    assert_keys(unit_format("%s%s", jwk, space), PARA_JWKS_PUBLIC, 1);
    free(space);

    space = unit_repeat(' ', left + 1);
    assert_refused(unit_format("%s%s", jwk, space), PARA_JWKS_PUBLIC, "64 KiB");
    free(space);

    free(jwk);
}


static void
test_sets_that_are_none(void **state)
{
    const char  *why;

    (void) state;

    assert_null(para_jwks_parse(PARA_SPAN_NONE, PARA_JWKS_LOCAL, &why));
    assert_string_equal(why, "it is empty");

    assert_refused(unit_format("%s", ""), PARA_JWKS_LOCAL, "empty");
    assert_refused(unit_format("  \n"), PARA_JWKS_LOCAL, "neither JSON");
    assert_refused(unit_format("[]"), PARA_JWKS_LOCAL, "neither JSON");
    assert_refused(unit_format("{"), PARA_JWKS_LOCAL, "no JSON object");
    assert_refused(unit_format("{\"keys\":[]}"), PARA_JWKS_LOCAL, "no key");
    assert_refused(unit_format("{\"keys\":{}}"), PARA_JWKS_LOCAL, "no array");
    assert_refused(unit_format("{\"keys\":null}"), PARA_JWKS_LOCAL,
                   "no array");
    assert_refused(unit_format("{\"keys\":[],\"keys\":[]}"), PARA_JWKS_LOCAL,
                   "twice");
}


/*
 * Raw verification: the lengths and the values that RFC 7518 3.2 to 3.4 rule
 * out, and that a key serves nothing but its own algorithm.
 */

static int
verify(char *jwk, const char *alg, const char *message, const void *signature,
    size_t len)
{
    int           rc, again;
    const char   *why;
    para_jwks_t  *set;
    para_span_t   bytes;

    set = parse(jwk, PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    bytes = unit_exact(signature, len);

    rc = para_jwk_verify(para_jwks_key(set, 0), para_alg_find(unit_span(alg)),
                         unit_span(message), bytes);

    assert_int_equal(ERR_peek_error(), 0);

    /* what is prepared in a key is not used up */

    again = para_jwk_verify(para_jwks_key(set, 0),
                            para_alg_find(unit_span(alg)), unit_span(message),
                            bytes);
    assert_int_equal(rc, again);

    free((void *) bytes.data);
    para_jwks_free(set);

    return rc;
}


static void
check_lengths(sign_key_t *key, const char *alg)
{
    size_t          len, i, n;
    unsigned char  *bytes, *copy;

    bytes = sign_bytes(key, "message", NULL, &len);
    copy = calloc(1, len + 20000);
    memcpy(copy, bytes, len);

    assert_int_equal(verify(sign_jwk(key, ""), alg, "message", bytes, len), 1);
    assert_int_equal(verify(sign_jwk(key, ""), alg, "messagf", bytes, len), 0);
    assert_int_equal(verify(sign_jwk(key, ""), alg, "", bytes, len), 0);

    for (i = 0; i <= 20000; i = i < len + 2 ? i + 1 : 20000 + (i == 20000)) {
        n = i;

        if (n != len) {
            assert_int_equal(verify(sign_jwk(key, ""), alg, "message", copy,
                                    n), 0);
        }
    }

    for (i = 0; i < len; i += 7) {
        bytes[i] ^= 1;
        assert_int_equal(verify(sign_jwk(key, ""), alg, "message", bytes, len),
                         0);
        bytes[i] ^= 1;
    }

    bytes[len - 1] ^= 0x80;
    assert_int_equal(verify(sign_jwk(key, ""), alg, "message", bytes, len), 0);

    /* one zero more in front */

    memmove(copy + 1, copy, len);
    copy[0] = 0;
    assert_int_equal(verify(sign_jwk(key, ""), alg, "message", copy, len + 1),
                     0);
    free(copy);
    free(bytes);
}


static void
test_verify_rsa(void **state)
{
    size_t          len;
    sign_key_t     *other;
    unsigned char  *bytes;

    (void) state;

    check_lengths(rsa, "RS256");

    bytes = sign_bytes(rsa, "message", "pss", &len);
    assert_int_equal(verify(sign_jwk(rsa, ""), "RS256", "message", bytes, len),
                     0);
    free(bytes);

    other = sign_rsa(2048, 3);
    bytes = sign_bytes(other, "message", NULL, &len);
    assert_int_equal(verify(sign_jwk(other, ""), "RS256", "message", bytes,
                            len), 1);
    assert_int_equal(verify(sign_jwk(rsa, ""), "RS256", "message", bytes, len),
                     0);
    free(bytes);
    sign_key_free(other);
}


static void
test_verify_hmac(void **state)
{
    (void) state;

    check_lengths(oct, "HS256");
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

    check_lengths(ec, "ES256");

    /* r and s are 0, 1, n or 2^256 - 1 */

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

        assert_int_equal(verify(sign_jwk(ec, ""), "ES256", "message", bytes,
                                64), 0);
    }

    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(verify(sign_jwk(ec, ""), "ES256", "message", bytes, 64),
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
    assert_int_equal(verify(key_for_small_s("m", bytes, 5), "ES256", "m",
                            bytes, 64), 1);

    memcpy(bytes + 32, p256_order, 32);
    bytes[63] = (unsigned char) (bytes[63] + 5);
    assert_int_equal(verify(key_for_small_s("m", bytes, 5), "ES256", "m",
                            bytes, 64), 0);
}


static void
test_a_key_serves_its_own_algorithm(void **state)
{
    size_t          len;
    unsigned char  *bytes;

    (void) state;

    bytes = sign_bytes(rsa, "m", NULL, &len);
    assert_int_equal(verify(sign_jwk(rsa, ""), "ES256", "m", bytes, len), 0);
    assert_int_equal(verify(sign_jwk(rsa, ""), "HS256", "m", bytes, len), 0);
    free(bytes);

    bytes = sign_bytes(ec, "m", NULL, &len);
    assert_int_equal(verify(sign_jwk(ec, ""), "RS256", "m", bytes, len), 0);
    free(bytes);

    bytes = sign_bytes(oct, "m", NULL, &len);
    assert_int_equal(verify(sign_jwk(oct, ""), "RS256", "m", bytes, len), 0);
    assert_int_equal(verify(sign_jwk(oct, ""), "ES256", "m", bytes, len), 0);
    free(bytes);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_white_space_before_json),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_foreign_curves),
        cmocka_unit_test(test_rsa_limits),
        cmocka_unit_test(test_rsa_exponents),
        cmocka_unit_test(test_secret_length),
        cmocka_unit_test(test_kid_length),
        cmocka_unit_test(test_secrets_in_a_public_set),
        cmocka_unit_test(test_private_key_left_out_reports_its_kid),
        cmocka_unit_test(test_duplicate_kids),
        cmocka_unit_test(test_number_of_keys),
        cmocka_unit_test(test_size_of_a_set),
        cmocka_unit_test(test_sets_that_are_none),
        cmocka_unit_test(test_verify_rsa),
        cmocka_unit_test(test_verify_hmac),
        cmocka_unit_test(test_verify_ec),
        cmocka_unit_test(test_verify_ec_range),
        cmocka_unit_test(test_a_key_serves_its_own_algorithm)
    };

    return cmocka_run_group_tests_name("jwk", tests, setup, teardown);
}
