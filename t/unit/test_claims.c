#include "unit.h"

#include "para_claims.h"


#define NOW     1700000000
#define LEEWAY  10


static const para_span_t  audiences[] = {
    { (const unsigned char *) "app-1", 5 },
    { (const unsigned char *) "app-2", 5 },
    { (const unsigned char *) "app-3", 5 }      /* not counted in */
};

static const para_claims_policy_t  policy = {
    .audience = audiences, .audiences = 2, .leeway = LEEWAY
};


static int64_t  end;


static para_reason_e
check_kind(para_issuer_kind_e kind, const para_claims_policy_t *with,
    const char *text)
{
    para_json_t    *claims;
    para_reason_e   rc;

    claims = para_json_parse(unit_span(text), strlen(text));
    assert_non_null(claims);

    end = -1;
    rc = para_claims_check(claims, with, kind, NOW, &end);

    assert_true(rc == PARA_OK ? end > NOW || (with->endless && end == 0)
                : rc == PARA_TOKEN_EXPIRED ? end >= 0 && end <= NOW
                                           : end == -1);

    para_json_free(claims);

    return rc;
}


static para_reason_e
check(const para_claims_policy_t *with, const char *text)
{
    return check_kind(PARA_ISSUER_OWN, with, text);
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

    static const para_claims_policy_t  any = { .leeway = LEEWAY };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(check(&any, row[i].text), PARA_OK);
        assert_int_equal(end, row[i].end);

        claims = para_json_parse(unit_span(row[i].text), 1000);
        first = end;
        last = -1;

        for (now = first - 2; now <= first + 2; now++) {
            assert_reason(para_claims_check(claims, &any, PARA_ISSUER_PARA,
                                            now, &last),
                          now < first ? PARA_OK : PARA_TOKEN_EXPIRED);
        }

        assert_int_equal(last, first);
        para_json_free(claims);
    }
}


/* Of one that has expired it is when. */

static void
test_end_of_expired(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        int64_t      end;
    } row[] = {
        { "{\"exp\":1699999990}", 1700000000 },
        { "{\"exp\":1699999989.5}", 1700000000 },
        { "{\"exp\":1699999988.999}", 1699999999 },
        { "{\"exp\":5}", 15 },
        { "{\"exp\":0}", 10 },
        { "{\"exp\":-10}", 0 },
        { "{\"exp\":-11}", 0 },
        { "{\"exp\":-1e308}", 0 }
    };

    static const para_claims_policy_t  any = { .leeway = LEEWAY };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(check(&any, row[i].text), PARA_TOKEN_EXPIRED);
        assert_int_equal(end, row[i].end);
    }
}


static void
test_no_leeway(void **state)
{
    static const para_claims_policy_t  strict = { .leeway = 0 };

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
    static const para_claims_policy_t  day = {
        .leeway = PARA_LEEWAY_MAX
    };

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

    static const para_claims_policy_t  any = { .leeway = LEEWAY };

    (void) state;

    assert_rows(row, unit_count(row), "{\"exp\":1700000100,\"aud\":@}");

    assert_reason(check(&policy, "{\"exp\":1700000100}"), PARA_AUD_MISSING);
    assert_reason(check(&any, "{\"exp\":1700000100}"), PARA_OK);
    assert_reason(check(&any, "{\"exp\":1700000100,\"aud\":7}"), PARA_OK);
}


/* A policy, claims, and what is said of them; end is looked at if PARA_OK. */

typedef struct {
    const char     *claims;
    para_reason_e   reason;
    int64_t         end;
} end_row_t;


static void
assert_ends(const para_claims_policy_t *with, para_issuer_kind_e kind,
    const end_row_t *row, size_t n)
{
    size_t         i;
    para_reason_e  rc;

    for (i = 0; i < n; i++) {
        rc = check_kind(kind, with, row[i].claims);

        if (rc != row[i].reason || (rc == PARA_OK && end != row[i].end)) {
            fail_msg("%s: %s, end %lld", row[i].claims, para_reason_name(rc),
                     (long long) end);
        }
    }
}


static void
test_max_age(void **state)
{
    static const end_row_t  row[] = {
        { "{\"exp\":1700000500}", PARA_IAT_MISSING, 0 },
        { "{\"exp\":1700000500,\"iat\":\"1\"}", PARA_TIME_TYPE, 0 },
        { "{\"exp\":1700000500,\"iat\":1700000000}", PARA_OK, 1700000070 },
        { "{\"exp\":1700000030,\"iat\":1700000000}", PARA_OK, 1700000040 },
        { "{\"exp\":1700000500,\"iat\":1699999931}", PARA_OK, 1700000001 },
        { "{\"exp\":1700000500,\"iat\":1699999930.5}", PARA_OK, 1700000001 },
        { "{\"exp\":1700000500,\"iat\":1699999930}", PARA_IAT_OLD, 0 },
        { "{\"exp\":1700000500,\"iat\":0}", PARA_IAT_OLD, 0 },
        { "{\"exp\":1700000500,\"iat\":-1e308}", PARA_IAT_OLD, 0 },
        { "{\"exp\":1700000500,\"iat\":1700000011}", PARA_IAT_FUTURE, 0 },
        { "{\"exp\":1,\"iat\":1699999930}", PARA_IAT_OLD, 0 },
        { "{\"exp\":1,\"iat\":1699999931}", PARA_TOKEN_EXPIRED, 0 },
        { "{\"iat\":1700000000}", PARA_EXP_MISSING, 0 }
    };

    static const para_claims_policy_t  minute = {
        .leeway = LEEWAY, .max_age = 60
    };

    (void) state;

    assert_ends(&minute, PARA_ISSUER_OWN, row, unit_count(row));
    assert_ends(&minute, PARA_ISSUER_PARA, row, unit_count(row));
}


static void
test_endless(void **state)
{
    static const end_row_t  row[] = {
        { "{}", PARA_OK, 0 },
        { "{\"iat\":1}", PARA_OK, 0 },
        { "{\"exp\":1700000500}", PARA_OK, 1700000510 },
        { "{\"exp\":1700009999}", PARA_OK, 1700010009 },
        { "{\"exp\":1699999990}", PARA_TOKEN_EXPIRED, 0 },
        { "{\"exp\":null}", PARA_TIME_TYPE, 0 }
    };

    static const end_row_t  aged[] = {
        { "{\"iat\":1700000000}", PARA_OK, 1700000070 },
        { "{\"iat\":1699999930}", PARA_IAT_OLD, 0 },
        { "{}", PARA_IAT_MISSING, 0 }
    };

    static const para_claims_policy_t  endless = {
        .leeway = LEEWAY, .endless = 1
    };

    static const para_claims_policy_t  minute = {
        .leeway = LEEWAY, .endless = 1, .max_age = 60
    };

    (void) state;

    assert_ends(&endless, PARA_ISSUER_OWN, row, unit_count(row));
    assert_ends(&minute, PARA_ISSUER_OWN, aged, unit_count(aged));
}


/* The ends that Para's guide gives the tokens of a backend. */

static void
test_ends_of_the_guide(void **state)
{
    static const end_row_t  own[] = {
        { "{\"expiry\":1700000100}", PARA_OK, 1700000110 },
        { "{\"expiry\":1700000100.5}", PARA_OK, 1700000111 },
        { "{\"expiry\":1699999990}", PARA_TOKEN_EXPIRED, 0 },
        { "{\"expiry\":1700000100000}", PARA_TIME_MILLISECONDS, 0 },
        { "{\"expiry\":\"1700000100\"}", PARA_TIME_TYPE, 0 },
        { "{\"expiry\":\"2023-11-14\",\"exp\":1700000100}", PARA_TIME_TYPE,
          0 },
        { "{\"exp\":1700000100,\"expiry\":1700000050}", PARA_OK, 1700000060 },
        { "{\"exp\":1700000050,\"expiry\":1700000100}", PARA_OK, 1700000060 },
        { "{\"exp\":1700000100,\"expiry\":1}", PARA_TOKEN_EXPIRED, 0 },
        { "{\"exp\":1,\"expiry\":1700000100}", PARA_TOKEN_EXPIRED, 0 },
        { "{\"exp\":1,\"expiry\":null}", PARA_TIME_TYPE, 0 },
        { "{\"capsule_session_exp\":1700000100}", PARA_EXP_MISSING, 0 },
        { "{\"exp\":1700000100,\"capsule_session_exp\":1700000020}", PARA_OK,
          1700000030 },
        { "{\"exp\":1700000100,\"capsule_session_exp\":1}",
          PARA_TOKEN_EXPIRED, 0 },
        { "{\"exp\":1700000100,\"capsule_session_exp\":1700000100000}",
          PARA_TIME_MILLISECONDS, 0 }
    };

    static const end_row_t  para[] = {
        { "{\"expiry\":1700000100}", PARA_EXP_MISSING, 0 },
        { "{\"exp\":1700000100,\"expiry\":1,\"capsule_session_exp\":null}",
          PARA_OK, 1700000110 }
    };

    static const para_claims_policy_t  any = { .leeway = LEEWAY };

    (void) state;

    assert_ends(&any, PARA_ISSUER_OWN, own, unit_count(own));
    assert_ends(&any, PARA_ISSUER_PARA, para, unit_count(para));
}


static void
test_required(void **state)
{
    static const row_t  row[] = {
        { "{\"a\":1,\"b\":{\"c\":0},\"exp\":1700000100}", PARA_OK },
        { "{\"a\":\"\",\"b\":{\"c\":[]},\"exp\":1700000100}", PARA_OK },
        { "{\"a\":false,\"b\":{\"c\":{}},\"exp\":1700000100}", PARA_OK },
        { "{\"b\":{\"c\":1},\"exp\":1700000100}", PARA_CLAIM_MISSING },
        { "{\"a\":null,\"b\":{\"c\":1},\"exp\":1}", PARA_CLAIM_MISSING },
        { "{\"a\":1,\"exp\":1700000100}", PARA_CLAIM_MISSING },
        { "{\"a\":1,\"b\":{},\"exp\":1700000100}", PARA_CLAIM_MISSING },
        { "{\"a\":1,\"b.c\":1,\"exp\":1700000100}", PARA_CLAIM_MISSING }
    };

    size_t  i;

    static const para_span_t  names[] = {
        { (const unsigned char *) "a", 1 },
        { (const unsigned char *) "b.c", 3 }
    };

    static const para_claims_policy_t  both = {
        .leeway = LEEWAY, .required = names, .requires = 2
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(check(&both, row[i].value), row[i].reason);
    }
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
        cmocka_unit_test(test_end_of_expired),
        cmocka_unit_test(test_no_leeway),
        cmocka_unit_test(test_longest_leeway),
        cmocka_unit_test(test_nbf_and_iat),
        cmocka_unit_test(test_aud),
        cmocka_unit_test(test_max_age),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_ends_of_the_guide),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_expired_comes_last)
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
