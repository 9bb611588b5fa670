#include "unit.h"

#include "issuers.h"
#include "sets.h"


/* 32 of them, in base64url. */
#define ZEROES  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


static void
test_white_space_before_json(void **state)
{
    char  *jwk;

    (void) state;

    jwk = sign_jwk(unit_key("ec"), "");
    assert_set(unit_format(" \t\r\n%s\n", jwk), PARA_JWKS_PUBLIC, 1);
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

    a = sign_jwk(unit_key("rsa"), ",\"kid\":\"r\"");
    b = sign_jwk(unit_key("ec"), ",\"kid\":\"e\"");
    c = sign_jwk(unit_key("ed"), "");

    set = unit_set(unit_format("{\"keys\":[%s,%s,%s]}", a, b, c),
                PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    key = para_jwks_key(set, 0);
    assert_span(para_jwk_kid(key), "r");
    assert_int_equal(para_jwk_algorithms(key),
                     PARA_ALG_RS256 | PARA_ALG_RS384 | PARA_ALG_RS512
                     | PARA_ALG_PS256 | PARA_ALG_PS384 | PARA_ALG_PS512);

    key = para_jwks_key(set, 1);
    assert_span(para_jwk_kid(key), "e");
    assert_int_equal(para_jwk_algorithms(key), PARA_ALG_ES256);

    key = para_jwks_key(set, 2);
    assert_absent(para_jwk_kid(key));
    assert_int_equal(para_jwk_algorithms(key),
                     PARA_ALG_EDDSA | PARA_ALG_ED25519);

    assert_int_equal(para_jwks_algorithms(set),
                     PARA_ALG_RS256 | PARA_ALG_RS384 | PARA_ALG_RS512
                     | PARA_ALG_PS256 | PARA_ALG_PS384 | PARA_ALG_PS512
                     | PARA_ALG_ES256 | PARA_ALG_EDDSA | PARA_ALG_ED25519);

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

    set = unit_set(unit_format("{\"kty\":\"oct\",\"k\":\"%s\"}", ZEROES),
                PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    for (i = 0; i < PARA_FINGERPRINT_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", para_jwks_fingerprint(set)[i]);
    }

    assert_string_equal(hex, "dde75688a7a890945808586f34d262d4"
                             "bfc3ed781b6d87fd9dbce605897e50b8");

    other = unit_set(sign_jwk(unit_key("oct"), ""), PARA_JWKS_LOCAL, &why);

    assert_memory_not_equal(para_jwks_fingerprint(set),
                            para_jwks_fingerprint(other),
                            PARA_FINGERPRINT_SIZE);
    para_jwks_free(set);
    para_jwks_free(other);
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

    good = sign_jwk(unit_key("rsa"), "");

    for (i = 0; i < unit_count(member); i++) {
        bad = unit_format("{\"kty\":\"RSA\",\"use\":\"enc\",\"%s\":\"x\"}",
                          member[i]);
        assert_no_set(unit_format("{\"keys\":[%s,%s]}", good, bad),
                       PARA_JWKS_PUBLIC, "private or secret");
        free(bad);
    }

    assert_no_set(unit_format("{\"keys\":[%s,{\"kty\":\"EC\",\"d\":\"x\"}]}",
                               good), PARA_JWKS_PUBLIC, "private or secret");
    assert_no_set(unit_format("{\"keys\":[%s,{\"kty\":\"OKP\",\"d\":\"x\"}]}",
                               good), PARA_JWKS_PUBLIC, "private or secret");
    assert_no_set(unit_format("{\"keys\":[%s,{\"kty\":\"oct\"}]}", good),
                   PARA_JWKS_PUBLIC, "private or secret");
    assert_no_set(sign_jwk(unit_key("oct"), ""), PARA_JWKS_PUBLIC,
                   "private or secret");

    /* of another kind nobody knows what is private */

    assert_set(unit_format("{\"keys\":[%s,{\"kty\":\"DSA\",\"p\":\"x\"}]}",
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

    a = sign_jwk(unit_key("rsa"), ",\"kid\":\"mine\",\"d\":\"AQAB\"");
    b = sign_jwk(unit_key("rsa"), "");

    set = unit_set(unit_format("{\"keys\":[%s,%s]}", a, b), PARA_JWKS_LOCAL,
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
    char  *r, *r2, *enc, *alg, *bad, *e, *none;

    (void) state;

    r = sign_jwk(unit_key("rsa"), ",\"kid\":\"a\"");
    r2 = sign_jwk(unit_key("rsa"), ",\"kid\":\"a\",\"alg\":\"RS256\"");
    enc = sign_jwk(unit_key("rsa"), ",\"kid\":\"a\",\"use\":\"enc\"");
    alg = sign_jwk(unit_key("rsa"), ",\"kid\":\"a\",\"alg\":\"RSA-OAEP\"");
    bad = unit_format("{\"kty\":\"RSA\",\"kid\":\"a\"}");
    e = sign_jwk(unit_key("ec"), ",\"kid\":\"a\"");
    none = sign_jwk(unit_key("rsa"), "");

    assert_no_set(unit_format("{\"keys\":[%s,%s]}", r, r2), PARA_JWKS_PUBLIC,
                   "same kid");
    assert_no_set(unit_format("{\"keys\":[%s,%s,%s]}", r, e, r2),
                   PARA_JWKS_PUBLIC, "same kid");

    assert_no_set(unit_format("{\"keys\":[%s,%s,%s]}", none, r, r2),
                   PARA_JWKS_PUBLIC, "same kid");

    /* also of a key that cannot be read, but is meant to verify */

    assert_no_set(unit_format("{\"keys\":[%s,%s]}", r, bad), PARA_JWKS_PUBLIC,
                   "same kid");
    assert_no_set(unit_format("{\"keys\":[%s,%s,%s]}", bad, e, r),
                   PARA_JWKS_PUBLIC, "same kid");

    /* of one kind, and only of keys for signatures */

    assert_set(unit_format("{\"keys\":[%s,%s]}", r, e), PARA_JWKS_PUBLIC, 2);
    assert_set(unit_format("{\"keys\":[%s,%s]}", bad, e), PARA_JWKS_PUBLIC, 1);
    assert_set(unit_format("{\"keys\":[%s,%s,%s]}", r, enc, alg),
                PARA_JWKS_PUBLIC, 1);
    assert_set(unit_format("{\"keys\":[%s,%s]}", none, none),
                PARA_JWKS_PUBLIC, 2);

    free(r);
    free(r2);
    free(enc);
    free(alg);
    free(bad);
    free(e);
    free(none);
}


/* Secrets and public keys do not stand in one set. */

static void
test_mixed_sets(void **state)
{
    char  *public, *secret, *secret2, *weak;

    (void) state;

    public = sign_jwk(unit_key("ec"), ",\"kid\":\"a\"");
    secret = sign_jwk(unit_key("oct"), ",\"kid\":\"b\"");
    secret2 = sign_jwk(unit_key("oct64"), ",\"kid\":\"c\"");
    weak = unit_format("{\"kty\":\"oct\",\"k\":\"AA\"}");

    assert_no_set(unit_format("{\"keys\":[%s,%s]}", public, secret),
                   PARA_JWKS_LOCAL, "secret keys beside public");
    assert_no_set(unit_format("{\"keys\":[%s,%s,%s]}", secret, secret2,
                               public), PARA_JWKS_LOCAL, "of its own");
    assert_set(unit_format("{\"keys\":[%s,%s]}", secret, secret2),
                PARA_JWKS_LOCAL, 2);
    assert_set(unit_format("{\"keys\":[%s,%s]}", public, weak),
                PARA_JWKS_LOCAL, 1);

    free(public);
    free(secret);
    free(secret2);
    free(weak);
}


/* RFC 7638 3.1, RFC 8037 A.3, and RFC 7517 A.1 as a JWK library names it. */

static void
test_names(void **state)
{
    size_t        i;
    const char   *why;
    para_jwks_t  *set;

    static const struct {
        const char  *jwk;
        const char  *name;
    } row[] = {
        { "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2ai"
          "AFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"
          "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR"
          "0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO"
          "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb"
          "w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
          "\"alg\":\"RS256\"}",
          "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },

        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
          "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
          "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },

        { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs35"
          "26iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmW"
          "WlbbM4IFyM\"}",
          "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s" },

        { "{\"kty\":\"oct\",\"kid\":\"x\",\"k\":\"" ZEROES "\"}", "x" },
        { "{\"kty\":\"oct\",\"k\":\"" ZEROES "\"}", NULL }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        set = unit_set(unit_format("%s", row[i].jwk), PARA_JWKS_LOCAL, &why);
        assert_non_null(set);

        if (row[i].name == NULL) {
            assert_absent(para_jwk_name(para_jwks_key(set, 0)));

        } else {
            assert_span(para_jwk_name(para_jwks_key(set, 0)), row[i].name);
        }

        para_jwks_free(set);
    }
}


/* Bytes as they are: what is text is no less a secret. */

static void
test_raw_secret(void **state)
{
    size_t        i;
    para_span_t   exact;
    const char   *why;
    para_jwks_t  *set;

    static const struct {
        size_t     len;
        unsigned   mask;
    } row[] = {
        { 0, 0 },
        { 31, 0 },
        { 32, PARA_ALG_HS256 },
        { 47, PARA_ALG_HS256 },
        { 48, PARA_ALG_HS256 | PARA_ALG_HS384 },
        { 63, PARA_ALG_HS256 | PARA_ALG_HS384 },
        { 64, PARA_ALG_HS256 | PARA_ALG_HS384 | PARA_ALG_HS512 }
    };

    static const char  secret[64] = "{\n";

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        exact = unit_exact(secret, row[i].len);
        set = para_jwks_secret(exact, &why);
        free((void *) exact.data);

        if (row[i].mask == 0) {
            assert_null(set);
            assert_non_null(strstr(why, "shorter than 32"));
            continue;
        }

        assert_non_null(set);
        assert_int_equal(para_jwks_count(set), 1);
        assert_int_equal(para_jwks_algorithms(set), row[i].mask);
        assert_absent(para_jwk_kid(para_jwks_key(set, 0)));
        para_jwks_free(set);
    }
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
            jwk = sign_jwk(unit_key("ec"), more);
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

    assert_set(set_of(PARA_JWKS_MAX_KEYS), PARA_JWKS_PUBLIC,
                PARA_JWKS_MAX_KEYS / 2);
    assert_no_set(set_of(PARA_JWKS_MAX_KEYS + 1), PARA_JWKS_PUBLIC,
                   "more than 32");
    assert_no_set(set_of(PARA_JWKS_MAX_KEYS + 2), PARA_JWKS_PUBLIC,
                   "more than 32");
}


static void
test_size_of_a_set(void **state)
{
    char    *jwk, *space;
    size_t   left;

    (void) state;

    jwk = sign_jwk(unit_key("ec"), "");
    left = PARA_JWKS_MAX_SIZE - strlen(jwk);

    space = unit_repeat(' ', left);
    assert_set(unit_format("%s%s", jwk, space), PARA_JWKS_PUBLIC, 1);
    free(space);

    space = unit_repeat(' ', left + 1);
    assert_no_set(unit_format("%s%s", jwk, space), PARA_JWKS_PUBLIC, "64 KiB");
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

    assert_no_set(unit_format("%s", ""), PARA_JWKS_LOCAL, "empty");
    assert_no_set(unit_format("  \n"), PARA_JWKS_LOCAL, "neither JSON");
    assert_no_set(unit_format("[]"), PARA_JWKS_LOCAL, "neither JSON");
    assert_no_set(unit_format("{"), PARA_JWKS_LOCAL, "no JSON object");
    assert_no_set(unit_format("{\"keys\":[]}"), PARA_JWKS_LOCAL, "no key");
    assert_no_set(unit_format("{\"keys\":{}}"), PARA_JWKS_LOCAL, "no array");
    assert_no_set(unit_format("{\"keys\":null}"), PARA_JWKS_LOCAL,
                   "no array");
    assert_no_set(unit_format("{\"keys\":[],\"keys\":[]}"), PARA_JWKS_LOCAL,
                   "twice");
}


static void
assert_fault(const char *text, para_jwks_fault_e fault)
{
    const char  *why;

    assert_null(para_jwks_parse(unit_span(text), PARA_JWKS_PUBLIC, &why));
    assert_int_equal(para_jwks_fault(why), fault);
}


static void
test_faults(void **state)
{
    char         *jwk, *two, *many;
    size_t        i, n;
    const char   *why;
    para_jwks_t  *set;

    (void) state;

    assert_fault("", PARA_JWKS_EMPTY);
    assert_fault("{\"keys\":[]}", PARA_JWKS_EMPTY);
    assert_fault("<html>", PARA_JWKS_GARBAGE);
    assert_fault("{\"keys\":{}}", PARA_JWKS_GARBAGE);
    assert_fault("{\"keys\":[{\"kty\":\"EC\"}]}", PARA_JWKS_GARBAGE);
    assert_fault("{\"kty\":\"oct\",\"k\":\"AAAA\"}", PARA_JWKS_SECRET);

    jwk = sign_jwk(unit_key("rsa"), ",\"kid\":\"a\"");

    /* what is fetched is a set, and nothing else */

    assert_null(para_jwks_parse(unit_span(jwk), PARA_JWKS_REMOTE, &why));
    assert_int_equal(para_jwks_fault(why), PARA_JWKS_GARBAGE);
    assert_null(para_jwks_parse(unit_span("-----BEGIN PUBLIC KEY-----"),
                                PARA_JWKS_REMOTE, &why));
    assert_non_null(strstr(why, "no JWK Set"));

    two = unit_format("{\"keys\":[%s]}", jwk);
    set = para_jwks_parse(unit_span(two), PARA_JWKS_REMOTE, &why);
    assert_non_null(set);
    para_jwks_free(set);
    free(two);

    two = unit_format("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}");
    assert_null(para_jwks_parse(unit_span(two), PARA_JWKS_REMOTE, &why));
    assert_int_equal(para_jwks_fault(why), PARA_JWKS_SECRET);
    free(two);

    two = unit_format("{\"keys\":[%s,%s]}", jwk, jwk);
    assert_fault(two, PARA_JWKS_DUPLICATE);
    free(two);
    free(jwk);

    many = unit_format("%s", "{\"keys\":[");

    for (i = 0; i <= PARA_JWKS_MAX_KEYS; i++) {
        two = unit_format("%s%s{\"kty\":\"EC\"}", many, i ? "," : "");
        free(many);
        many = two;
    }

    two = unit_format("%s]}", many);
    assert_fault(two, PARA_JWKS_TOO_LARGE);
    free(two);
    free(many);

    n = PARA_JWKS_MAX_SIZE + 1;
    many = malloc(n + 1);
    assert_non_null(many);
    memset(many, ' ', n);
    many[n] = '\0';
    assert_fault(many, PARA_JWKS_TOO_LARGE);
    free(many);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_white_space_before_json),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_secrets_in_a_public_set),
        cmocka_unit_test(test_private_key_left_out_reports_its_kid),
        cmocka_unit_test(test_duplicate_kids),
        cmocka_unit_test(test_mixed_sets),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_raw_secret),
        cmocka_unit_test(test_number_of_keys),
        cmocka_unit_test(test_size_of_a_set),
        cmocka_unit_test(test_sets_that_are_none)
    };

    return cmocka_run_group_tests_name("jwks", tests, NULL, unit_keys_free);
}
