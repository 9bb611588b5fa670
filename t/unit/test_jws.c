#include "unit.h"

#include "para_jws.h"
#include "sign.h"


/* RFC 7515 appendix A.1 to A.3. */

static const char  rfc_payload[] =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

static const struct {
    const char  *header;
    const char  *signature;
    const char  *jwk;
} rfc[] = {

    { "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
      "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}" },

    { "eyJhbGciOiJSUzI1NiJ9",
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
      "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
      "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
      "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
      "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
      "p0igcN_IoypGlUPQGe77Rw",
      "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbj"
      "i9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
      "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
      "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZl"
      "xvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et"
      "hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}" },

    { "eyJhbGciOiJFUzI1NiJ9",
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
      "pmWQxfKTUJqPP3-Kg6NU1Q",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV7"
      "6e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
      "\"}" }
};


static para_reason_e
parse_bytes(const void *data, size_t len)
{
    para_jws_t     jws;
    para_span_t    exact;
    para_reason_e  rc;

    exact = unit_exact(data, len);

    rc = para_jws_parse(&jws, exact);

    if (rc != PARA_OK) {
        assert_null(jws.alg);
        assert_absent(jws.input);
        assert_absent(jws.payload);
        assert_absent(jws.signature);
        assert_absent(jws.kid);
        assert_absent(jws.typ);
    }

    para_jws_free(&jws);
    free((void *) exact.data);

    return rc;
}


static para_reason_e
parse(const char *token)
{
    return parse_bytes(token, strlen(token));
}


/* A header as JSON, of a token that is good otherwise. */

static para_reason_e
parse_header(const char *header)
{
    char           *token;
    para_reason_e   rc;

    token = sign_assemble(header, "{}", "signature", 9);
    rc = parse(token);
    free(token);

    return rc;
}


static void
test_rfc7515_examples(void **state)
{
    char           *token;
    size_t          i, j;
    const char     *why;
    para_jws_t      jws;
    para_jwks_t    *set;
    para_reason_e   expected;

    (void) state;

    for (i = 0; i < unit_count(rfc); i++) {
        token = unit_format("%s.%s.%s", rfc[i].header, rfc_payload,
                            rfc[i].signature);
        assert_reason(para_jws_parse(&jws, unit_span(token)), PARA_OK);
        assert_span(jws.payload, "{\"iss\":\"joe\",\r\n"
                                 " \"exp\":1300819380,\r\n"
                                 " \"http://example.com/is_root\":true}");
        assert_absent(jws.kid);
        assert_int_equal(jws.input.len, strlen(token)
                                        - strlen(rfc[i].signature) - 1);

        for (j = 0; j < unit_count(rfc); j++) {
            set = para_jwks_parse(unit_span(rfc[j].jwk), PARA_JWKS_LOCAL,
                                  &why);
            assert_non_null(set);

            expected = i == j ? PARA_OK : PARA_SIGNATURE;
            assert_reason(para_jws_verify(&jws, para_jwks_key(set, 0)),
                          expected);
            para_jwks_free(set);
        }

        para_jws_free(&jws);
        free(token);
    }
}


/* Every character of the signed part and of the signature counts. */

static void
test_tampering(void **state)
{
    char           *token;
    size_t          i;
    const char     *why;
    para_jws_t      jws;
    para_jwks_t    *set;
    para_reason_e   rc;

    (void) state;

    token = unit_format("%s.%s.%s", rfc[0].header, rfc_payload,
                        rfc[0].signature);
    set = para_jwks_parse(unit_span(rfc[0].jwk), PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    for (i = 0; i < strlen(token); i++) {

        if (token[i] == '.') {
            continue;
        }

        token[i] ^= 1;

        rc = para_jws_parse(&jws, unit_span(token));

        if (rc == PARA_OK) {
            rc = para_jws_verify(&jws, para_jwks_key(set, 0));
        }

        assert_int_not_equal(rc, PARA_OK);

        para_jws_free(&jws);
        token[i] ^= 1;
    }

    para_jwks_free(set);
    free(token);
}


static void
test_segments(void **state)
{
    char    *dots, *token;
    size_t   i;

    static const char  header[] = "eyJhbGciOiJFUzI1NiJ9";

    static const char *const  bad[] = {
        "", ".", "..", "...", "....", "%s", "%s.", ".%s", "%s.AA", "%s.AA.",
        "%s..", ".AA.AA", "..AA", "%s.AA.AA.", "%s.AA.AA.AA", ".%s.AA.AA",
        "%s.AA.AA.AA.AA", "%s.AA..AA", "{\"payload\":\"AA\",\"signatures\":[]}"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        /* each has at most one %s */
        dots = strstr(bad[i], "%s");
        token = dots == NULL
                ? unit_format("%s", bad[i])
                : unit_format("%.*s%s%s", (int) (dots - bad[i]), bad[i],
                              header, dots + 2);

        if (parse(token) != PARA_JWS_SEGMENTS) {
            fail_msg("%s: %s", token, para_reason_name(parse(token)));
        }

        free(token);
    }

    assert_reason(parse_bytes(NULL, 0), PARA_JWS_SEGMENTS);

    dots = unit_repeat('.', 8000);
    assert_reason(parse(dots), PARA_JWS_SEGMENTS);
    free(dots);
}


static void
test_base64(void **state)
{
    char           *token;
    size_t          i, at;
    para_reason_e   rc;

    static const char *const  bad[] = {
        "AA=", "AA==", "A+AA", "A/AA", " AA", "AA ", "AA\n", "A\rAA", "AAA\tA",
        "A", "AAAAA", "AB", "AAB", "A\xc3\xa9\x41", "AA,A", "%41A", "A~AA"
    };

    static const char *const  good[3] = {
        "eyJhbGciOiJFUzI1NiJ9", "e30", "AAAA"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        for (at = 0; at < 3; at++) {
            token = unit_format("%s.%s.%s", at == 0 ? bad[i] : good[0],
                                at == 1 ? bad[i] : good[1],
                                at == 2 ? bad[i] : good[2]);
            rc = parse(token);

            if (rc != PARA_JWS_BASE64) {
                fail_msg("%s: %s", token, para_reason_name(rc));
            }

            free(token);
        }
    }

    assert_reason(parse_bytes("eyJhbGciOiJFUzI1NiJ9.e30\0.AAAA", 30),
                  PARA_JWS_BASE64);
    assert_reason(parse_bytes("eyJhbGciOiJFUzI1NiJ9.e30.AAAA\0", 30),
                  PARA_JWS_BASE64);
    assert_reason(parse("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"), PARA_OK);
}


static void
test_size(void **state)
{
    char    *payload, *token;
    size_t   left;

    static const char  head[] = "eyJhbGciOiJFUzI1NiJ9.";

    (void) state;

    left = PARA_JWS_MAX_SIZE - (sizeof(head) - 1) - 5;

    payload = unit_repeat('A', left);
    token = unit_format("%s%s.AAAA", head, payload);
    assert_int_equal(strlen(token), PARA_JWS_MAX_SIZE);
    assert_int_not_equal(left % 4, 1);
    assert_reason(parse(token), PARA_OK);
    free(token);

    token = unit_format("%s%s.AAAAA", head, payload);
    assert_reason(parse(token), PARA_JWS_SIZE);
    free(token);
    free(payload);

    token = unit_repeat('.', 1000000);
    assert_reason(parse(token), PARA_JWS_SIZE);
    free(token);
}


/* A JWS, though no JWT; its signature counts like any other. */

static void
test_empty_payload(void **state)
{
    (void) state;

    assert_reason(parse("eyJhbGciOiJFUzI1NiJ9..AAAA"), PARA_OK);
}


static const struct {
    const char     *header;
    para_reason_e   reason;
} header_row[] = {
    { "{\"alg\":\"RS256\"}", PARA_OK },
    { "{\"alg\":\"ES256\"}", PARA_OK },
    { "{\"alg\":\"HS256\"}", PARA_OK },
    { "{\"\\u0061lg\":\"RS\\u003256\"}", PARA_OK },

    { "{}", PARA_JWS_ALG_MISSING },
    { "{\"ALG\":\"RS256\"}", PARA_JWS_ALG_MISSING },
    { "{\"alg\":null}", PARA_JWS_HEADER },
    { "{\"alg\":256}", PARA_JWS_HEADER },
    { "{\"alg\":[\"RS256\"]}", PARA_JWS_HEADER },
    { "{\"alg\":{\"a\":1}}", PARA_JWS_HEADER },
    { "{\"alg\":true}", PARA_JWS_HEADER },
    { "{\"alg\":\"\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"none\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"None\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"nOnE\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"noNe \"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"\\u006eone\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"rs256\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"RS256 \"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"RS256\xe2\x80\x8b\"}", PARA_JWS_ALG_UNKNOWN },
    { "{\"alg\":\"RSA-OAEP\"}", PARA_JWS_ALG_UNKNOWN },

    { "", PARA_JWS_SEGMENTS },
    { "x", PARA_JWS_HEADER },
    { "[]", PARA_JWS_HEADER },
    { "\"RS256\"", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", PARA_JWS_HEADER },
    { "{\"alg\":\"none\",\"\\u0061lg\":\"RS256\"}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"x\":{\"a\":1,\"a\":1}}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\"}{}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\"} x", PARA_JWS_HEADER },
    { "\xef\xbb\xbf{\"alg\":\"RS256\"}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"x\":\"\xff\"}", PARA_JWS_HEADER },

    { "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", PARA_JWS_CRIT },
    { "{\"alg\":\"RS256\",\"crit\":[]}", PARA_JWS_CRIT },
    { "{\"alg\":\"RS256\",\"crit\":null}", PARA_JWS_CRIT },
    { "{\"alg\":\"RS256\",\"b64\":false,\"crit\":[\"b64\"]}",
      PARA_JWS_CRIT },
    { "{\"alg\":\"RS256\",\"b64\":false}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"b64\":true}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"zip\":\"DEF\"}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"zip\":null}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"enc\":\"A128GCM\"}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"cty\":\"JWT\"}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"cty\":\"jwt\"}", PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"cty\":\"application/jwt\"}",
      PARA_JWS_ENCODING },
    { "{\"alg\":\"RS256\",\"cty\":\"json\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"cty\":7}", PARA_JWS_HEADER },

    { "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":\"jwt\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":\"application/JWT\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":\"APPLICATION/jwt\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":\"\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"typ\":null}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"typ\":[\"JWT\"]}", PARA_JWS_HEADER },

    { "{\"alg\":\"RS256\",\"kid\":\"a\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"kid\":\"../../etc/passwd\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"kid\":\"' OR 1=1 --\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"kid\":\"a\\r\\nb\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"kid\":\"%n%n%s\"}", PARA_OK },
    { "{\"alg\":\"RS256\",\"kid\":\"a\\u0000b\"}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"kid\":\"\"}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"kid\":1}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"kid\":null}", PARA_JWS_HEADER },
    { "{\"alg\":\"RS256\",\"kid\":[\"a\"]}", PARA_JWS_HEADER },

    /* keys that a token brings along are not looked at */

    { "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},"
      "\"jku\":\"https://evil.example/\",\"x5u\":7,\"x5c\":[],"
      "\"x5t\":\"AA\"}", PARA_OK }
};


static void
test_headers(void **state)
{
    size_t         i;
    para_reason_e  rc;

    (void) state;

    for (i = 0; i < unit_count(header_row); i++) {
        rc = parse_header(header_row[i].header);

        if (rc != header_row[i].reason) {
            fail_msg("%s: %s", header_row[i].header, para_reason_name(rc));
        }
    }
}


/* What is said of a type where JWT is taken, and where two others are. */

static const struct {
    const char     *typ;              /* NULL: none */
    para_reason_e   plain;
    para_reason_e   listed;
} typ_row[] = {
    { NULL, PARA_OK, PARA_OK },
    { "JWT", PARA_OK, PARA_JWS_TYP },
    { "jwt", PARA_OK, PARA_JWS_TYP },
    { "APPLICATION/jwt", PARA_OK, PARA_JWS_TYP },
    { "at+jwt", PARA_JWS_TYP, PARA_OK },
    { "AT+JWT", PARA_JWS_TYP, PARA_OK },
    { "application/at+jwt", PARA_JWS_TYP, PARA_OK },
    { "x", PARA_JWS_TYP, PARA_OK },
    { "application/X", PARA_JWS_TYP, PARA_OK },
    { "dpop+jwt", PARA_JWS_TYP, PARA_JWS_TYP },
    { "JWT ", PARA_JWS_TYP, PARA_JWS_TYP },
    { "at+jw", PARA_JWS_TYP, PARA_JWS_TYP },
    { "at+jwtt", PARA_JWS_TYP, PARA_JWS_TYP },
    { "", PARA_JWS_TYP, PARA_JWS_TYP },
    { "application/", PARA_JWS_TYP, PARA_JWS_TYP },
    { "applicatiox/JWT", PARA_JWS_TYP, PARA_JWS_TYP },
    { "application/application/jwt", PARA_JWS_TYP, PARA_JWS_TYP }
};


static void
test_typ(void **state)
{
    size_t      i;
    para_jws_t  jws;

    static const para_span_t  listed[] = {
        { (const unsigned char *) "at+jwt", 6 },
        { (const unsigned char *) "application/x", 13 }
    };

    (void) state;

    memset(&jws, 0, sizeof(para_jws_t));

    for (i = 0; i < unit_count(typ_row); i++) {
        jws.typ = unit_span(typ_row[i].typ);

        assert_reason(para_jws_check_typ(&jws, NULL, 0), typ_row[i].plain);
        assert_reason(para_jws_check_typ(&jws, listed, 2), typ_row[i].listed);
        assert_reason(para_jws_check_typ(&jws, listed, 1),
                      i == 7 || i == 8 ? PARA_JWS_TYP : typ_row[i].listed);
    }
}


static void
test_kid_length(void **state)
{
    char         *kid, *header, *token;
    size_t        i;
    para_jws_t    jws;

    static const struct {
        size_t          len;
        para_reason_e   reason;
    } row[] = {
        { PARA_KID_MAX_SIZE, PARA_OK },
        { PARA_KID_MAX_SIZE + 1, PARA_JWS_HEADER },
        { 4096, PARA_JWS_HEADER }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        kid = unit_repeat('k', row[i].len);
        header = unit_format("{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
        token = sign_assemble(header, "{}", "x", 1);

        assert_reason(para_jws_parse(&jws, unit_span(token)), row[i].reason);

        if (row[i].reason == PARA_OK) {
            assert_span(jws.kid, kid);
        }

        para_jws_free(&jws);
        free(token);
        free(header);
        free(kid);
    }
}


static void
test_depth_of_header(void **state)
{
    (void) state;

    assert_reason(parse_header("{\"alg\":\"RS256\",\"x\":[[[[[[[[[[[[[[["
                               "]]]]]]]]]]]]]]]}"), PARA_OK);
    assert_reason(parse_header("{\"alg\":\"RS256\",\"x\":[[[[[[[[[[[[[[[["
                               "]]]]]]]]]]]]]]]]}"), PARA_JWS_HEADER);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rfc7515_examples),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_empty_payload),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_typ),
        cmocka_unit_test(test_kid_length),
        cmocka_unit_test(test_depth_of_header)
    };

    return cmocka_run_group_tests_name("jws", tests, NULL, NULL);
}
