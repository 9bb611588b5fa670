#include "unit.h"

#include "issuers.h"


#define NOW  1700000000

/* A payload that every issuer here takes, without iss. */
#define GOOD  "{\"exp\":1700000100,\"aud\":\"app\",\"sub\":\"u1\"," \
              "\"data\":{\"userId\":\"u1\"}}"


static para_reason_e
verify_text(const para_issuer_t *issuer, const char *text)
{
    para_token_t   token;
    para_reason_e  rc;

    memset(&token, 0xff, sizeof(token));

    rc = para_token_verify(&token, &issuer, 1, unit_span(text), NOW);

    assert_reason(token.verdict, rc);

    if (rc == PARA_OK) {
        assert_non_null(token.claims);
        assert_ptr_equal(token.issuer, issuer);
        assert_int_equal(token.end, 1700000110);
        assert_int_equal(token.expires, 1700000110);

    } else {
        assert_int_equal(token.claims != NULL, rc == PARA_TOKEN_EXPIRED);
        assert_true(rc == PARA_TOKEN_EXPIRED ? token.end <= NOW
                                             : token.end == 0);
        assert_int_equal(token.expires, token.end);
    }

    para_token_free(&token);

    assert_int_not_equal(token.verdict, PARA_OK);
    assert_null(token.claims);

    return rc;
}


static para_reason_e
verify(const para_issuer_t *issuer, const sign_key_t *key,
    const char *header, const char *payload)
{
    char           *text;
    para_reason_e   rc;

    text = sign_token(key, header, payload);
    rc = verify_text(issuer, text);
    free(text);

    return rc;
}


/* What an issuer of an HS256 key says of a payload. */

static para_reason_e
verify_payload(const para_issuer_t *issuer, const char *payload)
{
    return verify(issuer, unit_key("oct"), "{\"alg\":\"HS256\"}", payload);
}


static void
test_good_tokens(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256, "rsa:r");
    assert_reason(verify(one, unit_key("rsa"),
                         "{\"alg\":\"RS256\",\"kid\":\"r\"}", GOOD), PARA_OK);
    assert_reason(verify(one, unit_key("rsa"), "{\"alg\":\"RS256\"}", GOOD),
                  PARA_OK);
    unit_issuer_free(one);

    one = unit_issuer(NULL, PARA_ALG_ES256, "ec:e");
    assert_reason(verify(one, unit_key("ec"),
                         "{\"alg\":\"ES256\",\"kid\":\"e\"}", GOOD), PARA_OK);
    unit_issuer_free(one);

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");
    assert_reason(verify_payload(one, GOOD), PARA_OK);
    unit_issuer_free(one);
}


/* Which types an issuer gives, and whose claims they are, is the issuer's. */

static void
test_policy_of_the_issuer(void **state)
{
    para_issuer_t  *one;

    static const para_span_t  typ = { (const unsigned char *) "at+jwt", 6 };

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");

    assert_reason(verify(one, unit_key("oct"),
                         "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", GOOD),
                  PARA_JWS_TYP);

    one->typ = &typ;
    one->typs = 1;

    assert_reason(verify(one, unit_key("oct"),
                         "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", GOOD),
                  PARA_OK);
    assert_reason(verify(one, unit_key("oct"),
                         "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", GOOD),
                  PARA_JWS_TYP);

    assert_reason(verify_payload(one, "{\"aud\":\"app\",\"exp\":1700000100,"
                                      "\"expiry\":1}"), PARA_TOKEN_EXPIRED);
    one->kind = PARA_ISSUER_PARA;
    assert_reason(verify_payload(one, "{\"aud\":\"app\",\"exp\":1700000100,"
                                      "\"expiry\":1}"), PARA_OK);
    unit_issuer_free(one);
}


/* HS256 keyed with what is public of the public key. */

static void
test_public_key_as_secret(void **state)
{
    char           *text[5];
    size_t          i;
    sign_key_t     *fake;
    para_issuer_t  *one, *both;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256, "rsa:r");
    both = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa:r ec:e");

    text[0] = sign_pem_public(unit_key("rsa"));
    text[1] = sign_pem_certificate(unit_key("rsa"));
    text[2] = sign_jwk(unit_key("rsa"), "");
    text[3] = sign_jwk(unit_key("rsa"), ",\"kid\":\"r\"");
    text[4] = unit_format("%s", "");

    for (i = 0; i < unit_count(text); i++) {
        fake = sign_secret(text[i], strlen(text[i]));

        assert_reason(verify(one, fake, "{\"alg\":\"HS256\"}", GOOD),
                      PARA_JWS_ALG_NOT_ALLOWED);
        assert_reason(verify(one, fake, "{\"alg\":\"HS256\",\"kid\":\"r\"}",
                             GOOD), PARA_JWS_ALG_NOT_ALLOWED);
        assert_reason(verify(one, fake, "{\"alg\":\"RS256\",\"kid\":\"r\"}",
                             GOOD), PARA_SIGNATURE);
        assert_reason(verify(both, fake, "{\"alg\":\"HS256\",\"kid\":\"r\"}",
                             GOOD), PARA_JWS_ALG_NOT_ALLOWED);
        assert_reason(verify(both, fake, "{\"alg\":\"HS256\"}", GOOD),
                      PARA_JWS_ALG_NOT_ALLOWED);

        sign_key_free(fake);
        free(text[i]);
    }

    unit_issuer_free(one);
    unit_issuer_free(both);
}


static void
test_unsigned_tokens(void **state)
{
    char           *text;
    size_t          len;
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256, "rsa:r");

    text = sign_token(unit_key("rsa"), "{\"alg\":\"none\"}", GOOD);
    assert_reason(verify_text(one, text), PARA_JWS_ALG_UNKNOWN);
    free(text);

    text = sign_token(unit_key("rsa"), "{\"alg\":\"RS256\"}", GOOD);
    len = strlen(text);
    text[len - 10] = text[len - 10] == 'A' ? 'B' : 'A';
    assert_reason(verify_text(one, text), PARA_SIGNATURE);
    strrchr(text, '.')[1] = '\0';
    assert_reason(verify_text(one, text), PARA_JWS_SEGMENTS);
    free(text);

    text = sign_assemble("{\"alg\":\"RS256\"}", GOOD, "\0\0\0", 3);
    assert_reason(verify_text(one, text), PARA_SIGNATURE);
    free(text);

    unit_issuer_free(one);
}


static void
test_payloads_that_are_no_claims(void **state)
{
    size_t          i;
    para_issuer_t  *one;

    static const char *const  payload[] = {
        "", "x", "[]", "[{\"exp\":1700000100}]", "\"{}\"", "7", "null",
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

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");

    for (i = 0; i < unit_count(payload); i++) {
        assert_reason(verify_payload(one, payload[i]), PARA_CLAIMS_JSON);
    }

    unit_issuer_free(one);
}


/* Of a forged token not even the age is told. */

static void
test_signature_comes_before_claims(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256, "rsa:r");
    one->kind = PARA_ISSUER_PARA;

    assert_reason(verify(one, unit_key("rsa2"), "{\"alg\":\"RS256\"}",
                         "{\"exp\":1,\"aud\":\"app\"}"), PARA_SIGNATURE);
    assert_reason(verify(one, unit_key("rsa2"), "{\"alg\":\"RS256\"}",
                         "{\"sub\":7}"), PARA_SIGNATURE);
    assert_reason(verify(one, unit_key("rsa"), "{\"alg\":\"RS256\"}",
                         "{\"exp\":1,\"aud\":\"app\"}"), PARA_TOKEN_EXPIRED);

    unit_issuer_free(one);
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

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");

    for (i = 0; i < unit_count(row); i++) {
        payload = unit_format("{\"exp\":1700000100,\"aud\":\"app\",%s}",
                              row[i].claims);

        one->kind = PARA_ISSUER_PARA;
        rc = verify_payload(one, payload);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", payload, para_reason_name(rc));
        }

        /* an operator's sub is somebody else's */

        one->kind = PARA_ISSUER_OWN;
        assert_reason(verify_payload(one, payload), PARA_OK);

        free(payload);
    }

    /* expired and of two subjects: not merely expired */

    one->kind = PARA_ISSUER_PARA;
    assert_reason(verify_payload(one, "{\"exp\":1,\"aud\":\"app\",\"sub\":"
                                      "\"u\",\"data\":{\"userId\":\"v\"}}"),
                  PARA_CLAIM_SUBJECT);
    unit_issuer_free(one);
}


static void
test_claims_of_the_issuer(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");

    assert_reason(verify_payload(one, "{\"exp\":1700000100}"),
                  PARA_AUD_MISSING);
    assert_reason(verify_payload(one, "{\"aud\":\"app\"}"), PARA_EXP_MISSING);
    assert_reason(verify_payload(one, "{\"aud\":\"app\",\"exp\":1699999990}"),
                  PARA_TOKEN_EXPIRED);
    unit_issuer_free(one);
}


/* An end that nobody wrote down is none to tell of. */

static void
test_endless_token(void **state)
{
    char                 *text;
    para_token_t          token;
    para_issuer_t        *one;
    const para_issuer_t  *issuer;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");
    one->claims.endless = 1;
    issuer = one;

    text = sign_token(unit_key("oct"), "{\"alg\":\"HS256\"}",
                      "{\"aud\":\"app\"}");

    assert_reason(para_token_verify(&token, &issuer, 1, unit_span(text), NOW),
                  PARA_OK);
    assert_int_equal(token.end, NOW + PARA_ENDLESS);
    assert_int_equal(token.expires, 0);

    para_token_free(&token);
    free(text);
    unit_issuer_free(one);
}


static void
test_largest_token(void **state)
{
    char           *fill, *payload, *text;
    size_t          left;
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_HS256, "oct:");

    /* 20 and 43 characters of header and signature, two dots, base64 */

    left = (PARA_JWS_MAX_SIZE - 20 - 43 - 2) / 4 * 3
           - strlen("{\"exp\":1700000100,\"aud\":\"app\",\"x\":\"\"}");

    fill = unit_repeat('x', left);
    payload = unit_format("{\"exp\":1700000100,\"aud\":\"app\",\"x\":\"%s\"}",
                          fill);
    text = sign_token(unit_key("oct"), "{\"alg\":\"HS256\"}", payload);

    assert_in_range(strlen(text), PARA_JWS_MAX_SIZE - 3, PARA_JWS_MAX_SIZE);
    assert_reason(verify_text(one, text), PARA_OK);

    free(fill);
    free(payload);
    free(text);
    unit_issuer_free(one);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good_tokens),
        cmocka_unit_test(test_policy_of_the_issuer),
        cmocka_unit_test(test_public_key_as_secret),
        cmocka_unit_test(test_unsigned_tokens),
        cmocka_unit_test(test_payloads_that_are_no_claims),
        cmocka_unit_test(test_signature_comes_before_claims),
        cmocka_unit_test(test_subject_of_para),
        cmocka_unit_test(test_claims_of_the_issuer),
        cmocka_unit_test(test_endless_token),
        cmocka_unit_test(test_largest_token)
    };

    return cmocka_run_group_tests_name("token", tests, NULL, unit_keys_free);
}
