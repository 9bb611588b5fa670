#include "unit.h"

#include "para_expired.h"


#define NOW  1700000000


static int
recent(para_reason_e verdict, int64_t end, int64_t window)
{
    para_token_t  token;

    memset(&token, 0, sizeof(token));
    token.verdict = verdict;
    token.end = end;

    return para_expired_recent(&token, window, NOW);
}


static void
test_recent(void **state)
{
    int  i;

    (void) state;

    assert_int_equal(recent(PARA_TOKEN_EXPIRED, NOW, 60), 1);
    assert_int_equal(recent(PARA_TOKEN_EXPIRED, NOW - 60, 60), 1);
    assert_int_equal(recent(PARA_TOKEN_EXPIRED, NOW - 61, 60), 0);
    assert_int_equal(recent(PARA_TOKEN_EXPIRED, 0, 60), 0);
    assert_int_equal(recent(PARA_TOKEN_EXPIRED, NOW, 1), 1);
    assert_int_equal(recent(PARA_TOKEN_EXPIRED, NOW, 0), 0);

    for (i = 0; i <= PARA_REASONS; i++) {
        assert_int_equal(recent((para_reason_e) i, NOW, 60),
                         i == PARA_TOKEN_EXPIRED);
    }
}


/* Each reason there is: nothing is let in, and little is told. */

static void
test_refuse(void **state)
{
    int            i;
    para_reason_e  reason;

    (void) state;

    assert_reason(para_expired_refuse(PARA_OK), PARA_TOKEN_RENEWABLE);

    for (i = PARA_OK + 1; i <= PARA_REASONS; i++) {
        reason = para_expired_refuse((para_reason_e) i);

        if (i == PARA_TOKEN_REVOKED || i == PARA_SESSION_ENDED
            || i == PARA_SESSION_REVOKED)
        {
            assert_reason(reason, (para_reason_e) i);

        } else {
            assert_reason(reason, PARA_TOKEN_EXPIRED);
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_recent),
        cmocka_unit_test(test_refuse)
    };

    return cmocka_run_group_tests_name("expired", tests, NULL, NULL);
}
