#include "unit.h"

#include "para_token.h"
#include "sign.h"


#define NOW  1700000000

/* A payload that every issuer here takes, without iss. */
#define GOOD  "{\"exp\":1700000100,\"aud\":\"app\",\"sub\":\"u1\"," \
              "\"data\":{\"userId\":\"u1\"}}"


static const para_span_t  audience[] = {
    { (const unsigned char *) "app", 3 }
};

static sign_key_t  *rsa;
static sign_key_t  *rsa2;
static sign_key_t  *rsa3;
static sign_key_t  *ec;
static sign_key_t  *oct;


static int
setup(void **state)
{
    (void) state;

    rsa = sign_rsa(2048, 65537);
    rsa2 = sign_rsa(2048, 65537);
    rsa3 = sign_rsa(2048, 65537);
    ec = sign_ec("P-256");
    oct = sign_secret("0123456789abcdef0123456789abcdef", 32);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    sign_key_free(rsa);
    sign_key_free(rsa2);
    sign_key_free(rsa3);
    sign_key_free(ec);
    sign_key_free(oct);

    return 0;
}


/* An issuer of up to two keys; iss and kids may be NULL. */

static para_issuer_t *
issuer(const char *iss, unsigned algorithms, const sign_key_t *key,
    const char *kid, const sign_key_t *key2, const char *kid2)
{
    char           *a, *b, *more, *text;
    const char     *why;
    para_jwks_t    *keys;
    para_issuer_t  *made;

    more = kid == NULL ? unit_format("%s", "")
                       : unit_format(",\"kid\":\"%s\"", kid);
    a = sign_jwk(key, more);
    free(more);

    if (key2 == NULL) {
        text = unit_format("{\"keys\":[%s]}", a);

    } else {
        more = kid2 == NULL ? unit_format("%s", "")
                            : unit_format(",\"kid\":\"%s\"", kid2);
        b = sign_jwk(key2, more);
        text = unit_format("{\"keys\":[%s,%s]}", a, b);
        free(more);
        free(b);
    }

    keys = para_jwks_parse(unit_span(text), PARA_JWKS_LOCAL, &why);
    assert_non_null(keys);
    free(text);
    free(a);

    made = calloc(1, sizeof(para_issuer_t));
    assert_non_null(made);

    made->name = unit_span("issuer");
    made->kind = PARA_ISSUER_OWN;
    made->iss = unit_span(iss);
    made->algorithms = algorithms;
    made->keys = keys;
    made->claims.audience = audience;
    made->claims.audiences = 1;
    made->claims.leeway = 10;

    return made;
}


static void
end(para_issuer_t *made)
{
    para_jwks_free((para_jwks_t *) made->keys);
    free(made);
}


static para_reason_e
verify_text(const para_issuer_t *const *issuers, size_t n, const char *text,
    const para_issuer_t **chosen)
{
    para_token_t   token;
    para_reason_e  rc;

    memset(&token, 0xff, sizeof(token));

    rc = para_token_verify(&token, issuers, n, unit_span(text), NOW);

    assert_reason(token.verdict, rc);

    if (rc == PARA_OK) {
        assert_non_null(token.claims);
        assert_non_null(token.issuer);
        assert_int_equal(token.end, 1700000110);

    } else if (rc == PARA_TOKEN_EXPIRED) {
        assert_non_null(token.claims);
        assert_int_equal(token.end, 0);

    } else {
        assert_null(token.claims);
        assert_int_equal(token.end, 0);
    }

    if (chosen != NULL) {
        *chosen = token.issuer;
    }

    para_token_free(&token);

    assert_int_not_equal(token.verdict, PARA_OK);

    return rc;
}


static para_reason_e
verify(const para_issuer_t *const *issuers, size_t n, const sign_key_t *key,
    const char *header, const char *payload, const para_issuer_t **chosen)
{
    char           *text;
    para_reason_e   rc;

    text = sign_token(key, header, payload);
    rc = verify_text(issuers, n, text, chosen);
    free(text);

    return rc;
}


static para_reason_e
verify_by(const para_issuer_t *one, const sign_key_t *key, const char *header,
    const char *payload)
{
    return verify(&one, 1, key, header, payload, NULL);
}


static void
test_good_tokens(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_RS256, rsa, "r", NULL, NULL);
    assert_reason(verify_by(one, rsa, "{\"alg\":\"RS256\",\"kid\":\"r\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(one, rsa, "{\"alg\":\"RS256\"}", GOOD), PARA_OK);
    end(one);

    one = issuer(NULL, PARA_ALG_ES256, ec, "e", NULL, NULL);
    assert_reason(verify_by(one, ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
                            GOOD), PARA_OK);
    end(one);

    one = issuer(NULL, PARA_ALG_HS256, oct, NULL, NULL, NULL);
    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}", GOOD), PARA_OK);
    end(one);
}


/* The key decides the algorithm, never the token. */

static void
test_algorithm_confusion(void **state)
{
    char           *text;
    size_t          i;
    sign_key_t     *fake;
    para_issuer_t  *one, *both;
    const char     *header;

    (void) state;

    one = issuer(NULL, PARA_ALG_RS256, rsa, "r", NULL, NULL);
    both = issuer(NULL, PARA_ALG_RS256 | PARA_ALG_HS256, rsa, "r", oct, "o");

    /* HS256 keyed with what of the public key is public */

    for (i = 0; i < 5; i++) {
        text = i == 0 ? sign_pem_public(rsa)
             : i == 1 ? sign_jwk(rsa, ",\"kid\":\"r\"")
             : i == 2 ? sign_jwk(rsa, "")
             : i == 3 ? sign_pem_certificate(rsa)
             : unit_format("%s", "");

        fake = sign_secret(text, strlen(text));

        for (header = "{\"alg\":\"HS256\",\"kid\":\"r\"}"; header != NULL;
             header = strstr(header, "kid") ? "{\"alg\":\"HS256\"}" : NULL)
        {
            assert_reason(verify_by(one, fake, header, GOOD),
                          PARA_JWS_ALG_NOT_ALLOWED);
        }

        assert_reason(verify_by(both, fake,
                                "{\"alg\":\"HS256\",\"kid\":\"r\"}", GOOD),
                      PARA_JWS_ALG_NOT_ALLOWED);
        assert_reason(verify_by(both, fake,
                                "{\"alg\":\"HS256\",\"kid\":\"o\"}", GOOD),
                      PARA_SIGNATURE);
        assert_reason(verify_by(both, fake, "{\"alg\":\"HS256\"}", GOOD),
                      PARA_SIGNATURE);
        sign_key_free(fake);
        free(text);
    }

    assert_reason(verify_by(both, oct, "{\"alg\":\"HS256\",\"kid\":\"o\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(both, oct, "{\"alg\":\"RS256\",\"kid\":\"o\"}",
                            GOOD), PARA_JWS_ALG_NOT_ALLOWED);
    assert_reason(verify_by(both, ec, "{\"alg\":\"ES256\",\"kid\":\"r\"}",
                            GOOD), PARA_JWS_ALG_NOT_ALLOWED);
    end(one);
    end(both);
}


/* A key could serve it, but the issuer does not allow it. */

static void
test_algorithm_not_allowed(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_RS256, rsa, "r", ec, "e");

    assert_reason(verify_by(one, ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
                            GOOD), PARA_JWS_ALG_NOT_ALLOWED);
    assert_reason(verify_by(one, ec, "{\"alg\":\"ES256\"}", GOOD),
                  PARA_JWS_ALG_NOT_ALLOWED);
    assert_reason(verify_by(one, ec, "{\"alg\":\"ES256\",\"kid\":\"x\"}",
                            GOOD), PARA_JWS_ALG_NOT_ALLOWED);
    end(one);
}


static void
test_unsigned_tokens(void **state)
{
    char           *text;
    size_t          len;
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_RS256, rsa, "r", NULL, NULL);

    text = sign_token(rsa, "{\"alg\":\"none\"}", GOOD);
    assert_reason(verify_text((const para_issuer_t *const *) &one, 1, text,
                              NULL), PARA_JWS_ALG_UNKNOWN);
    free(text);

    text = sign_token(rsa, "{\"alg\":\"RS256\"}", GOOD);
    len = strlen(text);
    text[len - 10] = text[len - 10] == 'A' ? 'B' : 'A';
    assert_reason(verify_text((const para_issuer_t *const *) &one, 1, text,
                              NULL), PARA_SIGNATURE);
    strrchr(text, '.')[1] = '\0';
    assert_reason(verify_text((const para_issuer_t *const *) &one, 1, text,
                              NULL), PARA_JWS_SEGMENTS);
    free(text);

    text = sign_assemble("{\"alg\":\"RS256\"}", GOOD, "\0\0\0", 3);
    assert_reason(verify_text((const para_issuer_t *const *) &one, 1, text,
                              NULL), PARA_SIGNATURE);
    free(text);

    end(one);
}


static void
test_kid(void **state)
{
    para_issuer_t  *two;

    (void) state;

    two = issuer(NULL, PARA_ALG_RS256, rsa, "a", rsa2, "b");

    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(two, rsa2, "{\"alg\":\"RS256\",\"kid\":\"b\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\",\"kid\":\"b\"}",
                            GOOD), PARA_SIGNATURE);
    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\",\"kid\":\"c\"}",
                            GOOD), PARA_KEY_UNKNOWN);
    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\",\"kid\":\"A\"}",
                            GOOD), PARA_KEY_UNKNOWN);
    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\"}", GOOD),
                  PARA_KEY_AMBIGUOUS);
    end(two);

    /* of different kinds the algorithm tells */

    two = issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, rsa, "a", ec, "a");

    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(two, ec, "{\"alg\":\"ES256\",\"kid\":\"a\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(two, rsa, "{\"alg\":\"RS256\"}", GOOD), PARA_OK);
    end(two);
}


/* A kid that no key has goes to the one key that has none, and no other. */

static void
test_keys_without_kid(void **state)
{
    para_issuer_t  *made;

    (void) state;

    made = issuer(NULL, PARA_ALG_RS256, rsa, NULL, NULL, NULL);
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\",\"kid\":\"x\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(made, rsa2, "{\"alg\":\"RS256\",\"kid\":\"x\"}",
                            GOOD), PARA_SIGNATURE);
    end(made);

    made = issuer(NULL, PARA_ALG_RS256, rsa, NULL, rsa2, "b");
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\",\"kid\":\"x\"}",
                            GOOD), PARA_OK);
    assert_reason(verify_by(made, rsa2, "{\"alg\":\"RS256\",\"kid\":\"x\"}",
                            GOOD), PARA_SIGNATURE);
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\",\"kid\":\"b\"}",
                            GOOD), PARA_SIGNATURE);
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\"}", GOOD),
                  PARA_KEY_AMBIGUOUS);
    end(made);

    made = issuer(NULL, PARA_ALG_RS256, rsa, NULL, rsa2, NULL);
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\",\"kid\":\"x\"}",
                            GOOD), PARA_KEY_AMBIGUOUS);
    end(made);

    /* the key of that kid is there, and does not serve the algorithm */

    made = issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, rsa, NULL, ec, "e");
    assert_reason(verify_by(made, rsa, "{\"alg\":\"RS256\",\"kid\":\"e\"}",
                            GOOD), PARA_JWS_ALG_NOT_ALLOWED);
    end(made);
}


static void
test_iss(void **state)
{
    char                 *payload;
    size_t                i;
    sign_key_t           *key[3];
    para_issuer_t        *a, *b, *none;
    para_reason_e         rc;
    const para_issuer_t  *all[3], *chosen;

    static const struct {
        const char     *iss;          /* JSON, NULL for absent */
        int             key;          /* 0 of a, 1 of b, 2 of none */
        para_reason_e   reason;
    } row[] = {
        { "\"https://a.example\"", 0, PARA_OK },
        { "\"https://b.example\"", 1, PARA_OK },
        { NULL, 2, PARA_OK },

        { "\"https://b.example\"", 0, PARA_SIGNATURE },
        { "\"https://a.example\"", 1, PARA_SIGNATURE },
        { "\"https://a.example\"", 2, PARA_SIGNATURE },
        { NULL, 0, PARA_SIGNATURE },

        { "\"https://a.example/\"", 0, PARA_ISS_UNKNOWN },
        { "\"https://A.example\"", 0, PARA_ISS_UNKNOWN },
        { "\"https://a.exampl\"", 0, PARA_ISS_UNKNOWN },
        { "\"\"", 2, PARA_ISS_UNKNOWN },
        { "null", 2, PARA_CLAIM_TYPE },
        { "7", 2, PARA_CLAIM_TYPE },
        { "[\"https://a.example\"]", 0, PARA_CLAIM_TYPE },
        { "{}", 0, PARA_CLAIM_TYPE }
    };

    (void) state;

    /* one kid, so that only iss can tell */

    a = issuer("https://a.example", PARA_ALG_RS256, rsa, "k", NULL, NULL);
    b = issuer("https://b.example", PARA_ALG_RS256, rsa2, "k", NULL, NULL);
    none = issuer(NULL, PARA_ALG_RS256, rsa3, "k", NULL, NULL);

    key[0] = rsa;
    key[1] = rsa2;
    key[2] = rsa3;

    all[0] = a;
    all[1] = b;
    all[2] = none;

    for (i = 0; i < unit_count(row); i++) {
        payload = unit_format("{%s%s%s\"exp\":1700000100,\"aud\":\"app\"}",
                              row[i].iss ? "\"iss\":" : "",
                              row[i].iss ? row[i].iss : "",
                              row[i].iss ? "," : "");
        rc = verify(all, 3, key[row[i].key],
                    "{\"alg\":\"RS256\",\"kid\":\"k\"}", payload, &chosen);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", payload, para_reason_name(rc));
        }

        if (rc == PARA_OK) {
            assert_ptr_equal(chosen, all[row[i].key]);
        }

        free(payload);
    }

    /* no issuer takes tokens without iss */

    assert_reason(verify(all, 2, rsa, "{\"alg\":\"RS256\",\"kid\":\"k\"}",
                         GOOD, &chosen), PARA_ISS_UNKNOWN);
    assert_null(chosen);

    assert_reason(verify(all, 0, rsa, "{\"alg\":\"RS256\"}", GOOD, &chosen),
                  PARA_ISS_UNKNOWN);
    end(a);
    end(b);
    end(none);
}


/* Two issuers without iss are one pool, in which kid or algorithm decide. */

static void
test_issuers_without_iss(void **state)
{
    para_issuer_t        *a, *b;
    const para_issuer_t  *all[2], *chosen;

    (void) state;

    a = issuer(NULL, PARA_ALG_RS256, rsa, "a", NULL, NULL);
    b = issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, rsa2, "b", ec, "e");
    all[0] = a;
    all[1] = b;

    assert_reason(verify(all, 2, rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}",
                         GOOD, &chosen), PARA_OK);
    assert_ptr_equal(chosen, a);
    assert_reason(verify(all, 2, rsa2, "{\"alg\":\"RS256\",\"kid\":\"b\"}",
                         GOOD, &chosen), PARA_OK);
    assert_ptr_equal(chosen, b);
    assert_reason(verify(all, 2, ec, "{\"alg\":\"ES256\"}", GOOD, &chosen),
                  PARA_OK);
    assert_ptr_equal(chosen, b);
    assert_reason(verify(all, 2, rsa, "{\"alg\":\"RS256\"}", GOOD, &chosen),
                  PARA_KEY_AMBIGUOUS);
    assert_reason(verify(all, 2, rsa, "{\"alg\":\"RS256\",\"kid\":\"b\"}",
                         GOOD, &chosen), PARA_SIGNATURE);

    /* a's key may be asked for ES256 by name, but does not serve it */

    assert_reason(verify(all, 2, ec, "{\"alg\":\"ES256\",\"kid\":\"a\"}",
                         GOOD, &chosen), PARA_JWS_ALG_NOT_ALLOWED);
    end(a);
    end(b);

    /* what para_issuers_check() refuses is refused here, too */

    a = issuer(NULL, PARA_ALG_RS256, rsa, "k", NULL, NULL);
    b = issuer(NULL, PARA_ALG_RS256, rsa2, "k", NULL, NULL);
    all[0] = a;
    all[1] = b;

    assert_reason(verify(all, 2, rsa, "{\"alg\":\"RS256\",\"kid\":\"k\"}",
                         GOOD, &chosen), PARA_KEY_AMBIGUOUS);
    assert_null(chosen);
    end(a);
    end(b);
}


static void
test_payloads_that_are_no_claims(void **state)
{
    size_t          i;
    para_issuer_t  *one;

    static const char *const  payload[] = {
        "x", "[]", "[{\"exp\":1700000100}]", "\"{}\"", "7", "null",
        "{\"exp\":1700000100,\"exp\":1700000100,\"aud\":\"app\"}",
        "{\"exp\":1700000100,\"\\u0065xp\":1,\"aud\":\"app\"}",
        "{\"exp\":1700000100,\"aud\":\"app\",\"data\":{\"a\":1,\"a\":1}}",
        "{\"exp\":1700000100,\"aud\":\"app\"} x",
        "{\"exp\":1700000100,\"aud\":\"app\"}{}",
        "{\"exp\":9223372036854775808,\"aud\":\"app\"}",
        "{\"exp\":1e400,\"aud\":\"app\"}",
        "{\"exp\":NaN,\"aud\":\"app\"}",
        "{\"exp\":1700000100,\"aud\":\"app\\u0000\"}",
        "\xef\xbb\xbf{\"exp\":1700000100,\"aud\":\"app\"}",
        "{\"exp\":1700000100,\"aud\":\"app\",\"x\":\"\xc0\xaf\"}"
    };

    (void) state;

    one = issuer(NULL, PARA_ALG_HS256, oct, NULL, NULL, NULL);

    for (i = 0; i < unit_count(payload); i++) {
        assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}", payload[i]),
                      PARA_CLAIMS_JSON);
    }

    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}", ""),
                  PARA_CLAIMS_JSON);
    end(one);
}


/* Of a forged token not even the age is told. */

static void
test_signature_comes_before_claims(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_RS256, rsa, "r", NULL, NULL);
    one->kind = PARA_ISSUER_PARA;

    assert_reason(verify_by(one, rsa2, "{\"alg\":\"RS256\"}",
                            "{\"exp\":1,\"aud\":\"app\"}"), PARA_SIGNATURE);
    assert_reason(verify_by(one, rsa2, "{\"alg\":\"RS256\"}",
                            "{\"sub\":7}"), PARA_SIGNATURE);
    assert_reason(verify_by(one, rsa, "{\"alg\":\"RS256\"}",
                            "{\"exp\":1,\"aud\":\"app\"}"),
                  PARA_TOKEN_EXPIRED);
    end(one);
}


static void
test_subject_of_para(void **state)
{
    char           *payload;
    size_t          i;
    para_issuer_t  *one;
    para_reason_e   rc;

    static const struct {
        const char     *claims;
        para_reason_e   reason;
    } row[] = {
        { "\"sub\":\"u\",\"data\":{\"userId\":\"u\"}", PARA_OK },
        { "\"sub\":\"u\"", PARA_OK },
        { "\"data\":{\"userId\":\"u\"}", PARA_OK },
        { "\"data\":{}", PARA_OK },
        { "\"sub\":\"u\",\"data\":7", PARA_OK },
        { "\"sub\":\"u\",\"data\":{\"userId\":\"v\"}", PARA_CLAIM_SUBJECT },
        { "\"sub\":\"u\",\"data\":{\"userId\":\"U\"}", PARA_CLAIM_SUBJECT },
        { "\"sub\":\"u\",\"data\":{\"userId\":\"uu\"}", PARA_CLAIM_SUBJECT },
        { "\"sub\":\"\",\"data\":{\"userId\":\"u\"}", PARA_CLAIM_SUBJECT },
        { "\"sub\":7,\"data\":{\"userId\":\"u\"}", PARA_CLAIM_TYPE },
        { "\"sub\":null", PARA_CLAIM_TYPE },
        { "\"sub\":\"7\",\"data\":{\"userId\":7}", PARA_CLAIM_TYPE },
        { "\"sub\":\"u\",\"data\":{\"userId\":null}", PARA_CLAIM_TYPE }
    };

    (void) state;

    one = issuer(NULL, PARA_ALG_HS256, oct, NULL, NULL, NULL);

    for (i = 0; i < unit_count(row); i++) {
        payload = unit_format("{\"exp\":1700000100,\"aud\":\"app\",%s}",
                              row[i].claims);

        one->kind = PARA_ISSUER_PARA;
        rc = verify_by(one, oct, "{\"alg\":\"HS256\"}", payload);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", payload, para_reason_name(rc));
        }

        /* an operator's sub is somebody else's */

        one->kind = PARA_ISSUER_OWN;
        assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}", payload),
                      PARA_OK);
        free(payload);
    }

    /* expired and of two subjects: not merely expired */

    one->kind = PARA_ISSUER_PARA;
    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}",
                            "{\"exp\":1,\"aud\":\"app\",\"sub\":\"u\","
                            "\"data\":{\"userId\":\"v\"}}"),
                  PARA_CLAIM_SUBJECT);
    end(one);
}


static void
test_claims_of_the_issuer(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_HS256, oct, NULL, NULL, NULL);

    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}",
                            "{\"exp\":1700000100}"), PARA_AUD_MISSING);
    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}",
                            "{\"aud\":\"app\"}"), PARA_EXP_MISSING);
    assert_reason(verify_by(one, oct, "{\"alg\":\"HS256\"}",
                            "{\"aud\":\"app\",\"exp\":1699999990}"),
                  PARA_TOKEN_EXPIRED);
    end(one);
}


static void
test_largest_token(void **state)
{
    char           *fill, *payload, *text;
    size_t          left;
    para_issuer_t  *one;

    (void) state;

    one = issuer(NULL, PARA_ALG_HS256, oct, NULL, NULL, NULL);

    /* 20 and 43 characters of header and signature, two dots, base64 */

    left = (PARA_JWS_MAX_SIZE - 20 - 43 - 2) / 4 * 3
           - strlen("{\"exp\":1700000100,\"aud\":\"app\",\"x\":\"\"}");

    fill = unit_repeat('x', left);
    payload = unit_format("{\"exp\":1700000100,\"aud\":\"app\",\"x\":\"%s\"}",
                          fill);
    text = sign_token(oct, "{\"alg\":\"HS256\"}", payload);

    assert_in_range(strlen(text), PARA_JWS_MAX_SIZE - 3, PARA_JWS_MAX_SIZE);
    assert_reason(verify_text((const para_issuer_t *const *) &one, 1, text,
                              NULL), PARA_OK);
    free(fill);
    free(payload);
    free(text);
    end(one);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good_tokens),
        cmocka_unit_test(test_algorithm_confusion),
        cmocka_unit_test(test_algorithm_not_allowed),
        cmocka_unit_test(test_unsigned_tokens),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_keys_without_kid),
        cmocka_unit_test(test_iss),
        cmocka_unit_test(test_issuers_without_iss),
        cmocka_unit_test(test_payloads_that_are_no_claims),
        cmocka_unit_test(test_signature_comes_before_claims),
        cmocka_unit_test(test_subject_of_para),
        cmocka_unit_test(test_claims_of_the_issuer),
        cmocka_unit_test(test_largest_token)
    };

    return cmocka_run_group_tests_name("token", tests, setup, teardown);
}
