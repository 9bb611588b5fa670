#include "unit.h"


static void
test_every_reason_has_a_name(void **state)
{
    int          i, j;
    const char  *name;

    (void) state;

    for (i = 0; i < PARA_REASONS; i++) {
        name = para_reason_name((para_reason_e) i);

        assert_string_not_equal(name, "unknown");
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_?"),
                         strlen(name));

        for (j = 0; j < i; j++) {
            assert_string_not_equal(name,
                                    para_reason_name((para_reason_e) j));
        }
    }

    assert_non_null(strstr(para_reason_name(PARA_TIME_MILLISECONDS),
                           "milliseconds?"));
}


static void
test_only_ok_is_ok(void **state)
{
    int  i;

    (void) state;

    assert_int_equal(para_reason_code(PARA_OK), PARA_CODE_OK);

    for (i = PARA_OK + 1; i < PARA_REASONS; i++) {
        assert_int_not_equal(para_reason_code((para_reason_e) i),
                             PARA_CODE_OK);
    }
}


/* One answer for every bad token, whatever is wrong with it. */

static void
test_bad_tokens_look_alike(void **state)
{
    int  i;

    (void) state;

    for (i = PARA_JWS_SIZE; i < PARA_TOKEN_EXPIRED; i++) {
        assert_string_equal(
            para_code_name(para_reason_code((para_reason_e) i)),
            "token_invalid");
    }
}


static void
test_codes(void **state)
{
    size_t  i;

    static const struct {
        para_reason_e  reason;
        const char    *code;
    } row[] = {
        { PARA_OK, "ok" },
        { PARA_TOKEN_MISSING, "token_missing" },
        { PARA_SESSION_MISSING, "session_missing" },
        { PARA_TOKEN_AMBIGUOUS, "token_ambiguous" },
        { PARA_TOKEN_MALFORMED, "token_malformed" },
        { PARA_SESSION_AMBIGUOUS, "session_malformed" },
        { PARA_SESSION_MALFORMED, "session_malformed" },
        { PARA_SESSION_COOKIE, "session_malformed" },
        { PARA_SESSION_SIGNER, "session_has_signer" },
        { PARA_TOKEN_EXPIRED, "token_expired" },
        { PARA_TOKEN_RENEWABLE, "token_expired" },
        { PARA_SESSION_ENDED, "session_expired" },
        { PARA_TOKEN_REVOKED, "token_invalid" },
        { PARA_SESSION_REVOKED, "session_expired" },
        { PARA_SESSION_USER, "identity_mismatch" },
        { PARA_IDENTITY_MISMATCH, "identity_mismatch" },
        { PARA_IDENTITY_INCOMPARABLE, "identity_mismatch" },
        { PARA_ROLE_MISSING, "role_missing" },
        { PARA_WALLET_MISSING, "wallet_missing" },
        { PARA_REQUIREMENT_UNMET, "requirement_unmet" },
        { PARA_REQUIREMENT_LOGIN, "requirement_login" },
        { PARA_ANSWER_SIZE, "para_unavailable" },
        { PARA_ANSWER_JSON, "para_unavailable" },
        { PARA_ANSWER_MEMBER, "para_unavailable" },
        { PARA_UNAVAILABLE, "para_unavailable" },
        { PARA_CALLS_LIMITED, "para_unavailable" },
        { PARA_KEY_REFUSED, "para_unavailable" },
        { PARA_KEYS_UNAVAILABLE, "keys_unavailable" },
        { PARA_NO_MEMORY, "internal_error" },
        { PARA_CRYPTO, "internal_error" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_string_equal(para_code_name(para_reason_code(row[i].reason)),
                            row[i].code);
    }
}


static void
test_renew(void **state)
{
    int          i;
    const char  *renew;

    (void) state;

    for (i = PARA_OK; i <= PARA_REASONS; i++) {
        renew = para_reason_renew((para_reason_e) i);

        if (i == PARA_TOKEN_RENEWABLE) {
            assert_string_equal(renew, "token");

        } else if (i == PARA_SESSION_ENDED || i == PARA_SESSION_REVOKED) {
            assert_string_equal(renew, "login");

        } else {
            assert_null(renew);
        }
    }
}


static void
test_out_of_range_is_an_internal_error(void **state)
{
    (void) state;

    assert_string_equal(para_reason_name(PARA_REASONS), "unknown");
    assert_string_equal(para_reason_name((para_reason_e) -1), "unknown");
    assert_int_equal(para_reason_code(PARA_REASONS),
                     PARA_CODE_INTERNAL_ERROR);
    assert_int_equal(para_reason_code((para_reason_e) -1),
                     PARA_CODE_INTERNAL_ERROR);
    assert_string_equal(para_code_name(PARA_CODES), "internal_error");
    assert_string_equal(para_code_name((para_code_e) -1), "internal_error");
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_every_reason_has_a_name),
        cmocka_unit_test(test_only_ok_is_ok),
        cmocka_unit_test(test_bad_tokens_look_alike),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_renew),
        cmocka_unit_test(test_out_of_range_is_an_internal_error)
    };

    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
