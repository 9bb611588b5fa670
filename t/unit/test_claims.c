#include "unit.h"

#include "para_claims.h"


#define NOW     1700000000
#define LEEWAY  10


static const para_span_t  audiences[] = {
    { (const unsigned char *) "app-1", 5 },
    { (const unsigned char *) "app-2", 5 },
    { (const unsigned char *) "app-3", 5 }      /* not counted in */
};

static const para_claims_policy_t  policy = { audiences, 2, LEEWAY };


static int64_t  end;


static para_reason_e
check(const para_claims_policy_t *with, const char *text)
{
    para_json_t    *claims;
    para_reason_e   rc;

    claims = para_json_parse(unit_span(text), strlen(text));
    assert_non_null(claims);

    end = -1;
    rc = para_claims_check(claims, with, NOW, &end);

    assert_true(rc == PARA_OK ? end > NOW : end == -1);

    para_json_free(claims);

    return rc;
}


typedef struct {
    const char     *value;
    para_reason_e   reason;
} row_t;


static void
assert_rows(const row_t *row, size_t n, const char *format)
{
    char           *text;
    size_t          i;
    const char     *at;
    para_reason_e   rc;

    at = strchr(format, '@');

    for (i = 0; i < n; i++) {
        text = unit_format("%.*s%s%s", (int) (at - format), format,
                           row[i].value, at + 1);
        rc = check(&policy, text);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", text, para_reason_name(rc));
        }

        free(text);
    }
}


/* now is 1700000000, the leeway 10 */

static void
test_exp(void **state)
{
    static const row_t  row[] = {
        { "1700000001", PARA_OK },
        { "1700000000", PARA_OK },
        { "1699999991", PARA_OK },
        { "1699999990", PARA_TOKEN_EXPIRED },
        { "1699999989", PARA_TOKEN_EXPIRED },
        { "1699999990.5", PARA_OK },
        { "1699999990.0", PARA_TOKEN_EXPIRED },
        { "1.7e9", PARA_OK },
        { "0", PARA_TOKEN_EXPIRED },
        { "-0", PARA_TOKEN_EXPIRED },
        { "-1", PARA_TOKEN_EXPIRED },
        { "-1e308", PARA_TOKEN_EXPIRED },
        { "-9223372036854775808", PARA_TOKEN_EXPIRED },
        { "99999999999", PARA_OK },
        { "99999999999.9", PARA_OK },
        { "100000000000", PARA_TIME_MILLISECONDS },
        { "1700000001000", PARA_TIME_MILLISECONDS },
        { "9223372036854775807", PARA_TIME_MILLISECONDS },
        { "1e308", PARA_TIME_MILLISECONDS },
        { "\"1700000001\"", PARA_TIME_TYPE },
        { "null", PARA_TIME_TYPE },
        { "true", PARA_TIME_TYPE },
        { "[1700000001]", PARA_TIME_TYPE },
        { "{\"a\":1700000001}", PARA_TIME_TYPE }
    };

    (void) state;

    assert_rows(row, unit_count(row), "{\"aud\":\"app-1\",\"exp\":@}");
    assert_reason(check(&policy, "{\"aud\":\"app-1\"}"), PARA_EXP_MISSING);
    assert_reason(check(&policy, "{\"aud\":\"app-1\",\"Exp\":1700000001}"),
                  PARA_EXP_MISSING);
}


/* The end is the first second at which the same token is refused. */

static void
test_end(void **state)
{
    size_t         i;
    int64_t        first, now, last;
    para_json_t   *claims;

    static const struct {
        const char  *text;
        int64_t      end;
    } row[] = {
        { "{\"exp\":1700000005}", 1700000015 },
        { "{\"exp\":1700000005.0}", 1700000015 },
        { "{\"exp\":1700000005.001}", 1700000016 },
        { "{\"exp\":1700000005.999}", 1700000016 },
        { "{\"exp\":99999999999}", 100000000009 }
    };

    static const para_claims_policy_t  any = { NULL, 0, LEEWAY };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(check(&any, row[i].text), PARA_OK);
        assert_int_equal(end, row[i].end);

        claims = para_json_parse(unit_span(row[i].text), 1000);
        first = end;
        last = -1;

        for (now = first - 2; now <= first + 2; now++) {
            assert_reason(para_claims_check(claims, &any, now, &last),
                          now < first ? PARA_OK : PARA_TOKEN_EXPIRED);
        }

        assert_int_equal(last, first);
        para_json_free(claims);
    }
}


static void
test_no_leeway(void **state)
{
    static const para_claims_policy_t  strict = { NULL, 0, 0 };

    (void) state;

    assert_reason(check(&strict, "{\"exp\":1700000000}"), PARA_TOKEN_EXPIRED);
    assert_reason(check(&strict, "{\"exp\":1700000000.1}"), PARA_OK);
    assert_reason(check(&strict, "{\"exp\":1700000001}"), PARA_OK);
    assert_int_equal(end, 1700000001);
    assert_reason(check(&strict, "{\"exp\":1700000001,\"nbf\":1700000000,"
                                 "\"iat\":1700000000}"), PARA_OK);
    assert_reason(check(&strict, "{\"exp\":1700000002,\"nbf\":1700000001}"),
                  PARA_NBF_FUTURE);
    assert_reason(check(&strict, "{\"exp\":1700000002,\"iat\":1700000001}"),
                  PARA_IAT_FUTURE);
}


static void
test_longest_leeway(void **state)
{
    static const para_claims_policy_t  day = { NULL, 0, PARA_LEEWAY_MAX };

    (void) state;

    assert_reason(check(&day, "{\"exp\":1699913601}"), PARA_OK);
    assert_reason(check(&day, "{\"exp\":1699913600}"), PARA_TOKEN_EXPIRED);
    assert_reason(check(&day, "{\"exp\":99999999999.9}"), PARA_OK);
    assert_int_equal(end, 100000086400);
}


/* What holds for nbf as for iat. */

static void
check_past(const char *name, para_reason_e future)
{
    char           *text;
    size_t          i;
    para_reason_e   rc;

    const row_t  row[] = {
        { "1700000000", PARA_OK },
        { "1700000010", PARA_OK },
        { "1700000010.5", future },
        { "1700000011", future },
        { "0", PARA_OK },
        { "-1e308", PARA_OK },
        { "1700000000000", PARA_TIME_MILLISECONDS },
        { "1e308", PARA_TIME_MILLISECONDS },
        { "\"1\"", PARA_TIME_TYPE },
        { "null", PARA_TIME_TYPE },
        { "false", PARA_TIME_TYPE },
        { "[]", PARA_TIME_TYPE },
        { "{}", PARA_TIME_TYPE }
    };

    for (i = 0; i < unit_count(row); i++) {
        text = unit_format("{\"aud\":\"app-1\",\"exp\":1700000100,"
                           "\"%s\":%s}", name, row[i].value);
        rc = check(&policy, text);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", text, para_reason_name(rc));
        }

        free(text);
    }
}


static void
test_nbf_and_iat(void **state)
{
    (void) state;

    check_past("nbf", PARA_NBF_FUTURE);
    check_past("iat", PARA_IAT_FUTURE);
}


static void
test_aud(void **state)
{
    static const row_t  row[] = {
        { "\"app-1\"", PARA_OK },
        { "\"app-2\"", PARA_OK },
        { "[\"app-1\"]", PARA_OK },
        { "[\"app-9\",\"app-2\"]", PARA_OK },
        { "[\"app-2\",\"app-9\"]", PARA_OK },
        { "\"app-3\"", PARA_AUD_MISMATCH },
        { "\"app-\"", PARA_AUD_MISMATCH },
        { "\"app-11\"", PARA_AUD_MISMATCH },
        { "\"xapp-1\"", PARA_AUD_MISMATCH },
        { "\"APP-1\"", PARA_AUD_MISMATCH },
        { "\" app-1\"", PARA_AUD_MISMATCH },
        { "\"app-1,app-2\"", PARA_AUD_MISMATCH },
        { "\"\"", PARA_AUD_MISMATCH },
        { "[]", PARA_AUD_MISMATCH },
        { "[\"app-9\"]", PARA_AUD_MISMATCH },
        { "[[\"app-1\"]]", PARA_CLAIM_TYPE },
        { "[\"app-1\",7]", PARA_CLAIM_TYPE },
        { "[7,\"app-1\"]", PARA_CLAIM_TYPE },
        { "[\"app-1\",null]", PARA_CLAIM_TYPE },
        { "{\"app-1\":1}", PARA_CLAIM_TYPE },
        { "null", PARA_CLAIM_TYPE },
        { "1", PARA_CLAIM_TYPE },
        { "true", PARA_CLAIM_TYPE }
    };

    static const para_claims_policy_t  any = { NULL, 0, LEEWAY };

    (void) state;

    assert_rows(row, unit_count(row), "{\"exp\":1700000100,\"aud\":@}");

    assert_reason(check(&policy, "{\"exp\":1700000100}"), PARA_AUD_MISSING);
    assert_reason(check(&any, "{\"exp\":1700000100}"), PARA_OK);
    assert_reason(check(&any, "{\"exp\":1700000100,\"aud\":7}"), PARA_OK);
}


/* An expired token is only called so if nothing else is wrong with it. */

static void
test_expired_comes_last(void **state)
{
    (void) state;

    assert_reason(check(&policy, "{\"exp\":1,\"aud\":\"app-1\"}"),
                  PARA_TOKEN_EXPIRED);
    assert_reason(check(&policy, "{\"exp\":1}"), PARA_AUD_MISSING);
    assert_reason(check(&policy, "{\"exp\":1,\"aud\":\"x\"}"),
                  PARA_AUD_MISMATCH);
    assert_reason(check(&policy, "{\"exp\":1,\"aud\":\"app-1\","
                                 "\"nbf\":1800000000}"), PARA_NBF_FUTURE);
    assert_reason(check(&policy, "{\"exp\":1,\"aud\":\"app-1\","
                                 "\"iat\":1800000000}"), PARA_IAT_FUTURE);
    assert_reason(check(&policy, "{\"exp\":1,\"aud\":\"app-1\","
                                 "\"iat\":\"1\"}"), PARA_TIME_TYPE);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_no_leeway),
        cmocka_unit_test(test_longest_leeway),
        cmocka_unit_test(test_nbf_and_iat),
        cmocka_unit_test(test_aud),
        cmocka_unit_test(test_expired_comes_last)
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
