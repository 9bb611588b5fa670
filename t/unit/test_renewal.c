#include "unit.h"

#include "para_renewal.h"


static const para_renewal_policy_t  policy = {
    .valid = 30000,
    .negative = 5000,
    .stale = 60000,
    .refresh = 1
};


static para_renewal_e
decide(uint64_t age, unsigned jitter)
{
    para_renewal_verdict_t  verdict;

    verdict.active = 1;
    verdict.age = age;
    verdict.tried = UINT64_MAX;

    return para_renewal_decide(&policy, &verdict, jitter);
}


static void
test_ages(void **state)
{
    (void) state;

    assert_int_equal(decide(0, 0), PARA_RENEWAL_FRESH);
    assert_int_equal(decide(20999, 0), PARA_RENEWAL_FRESH);
    assert_int_equal(decide(21000, 0), PARA_RENEWAL_RENEW);
    assert_int_equal(decide(29999, 0), PARA_RENEWAL_RENEW);
    assert_int_equal(decide(30000, 0), PARA_RENEWAL_STALE);
    assert_int_equal(decide(89999, 0), PARA_RENEWAL_STALE);
    assert_int_equal(decide(90000, 0), PARA_RENEWAL_GONE);
    assert_int_equal(decide(UINT64_MAX, 0), PARA_RENEWAL_GONE);

    assert_int_equal(decide(23999, 500), PARA_RENEWAL_FRESH);
    assert_int_equal(decide(24000, 500), PARA_RENEWAL_RENEW);
    assert_int_equal(decide(26999, PARA_RENEWAL_JITTER), PARA_RENEWAL_FRESH);
    assert_int_equal(decide(27000, PARA_RENEWAL_JITTER), PARA_RENEWAL_RENEW);
}


/* No grace, no refusal bridged, whatever else is configured. */

static void
test_refused(void **state)
{
    uint64_t                age;
    para_renewal_verdict_t  verdict;

    (void) state;

    memset(&verdict, 0, sizeof(verdict));
    verdict.tried = UINT64_MAX;

    for (age = 0; age < 200000; age += 100) {
        verdict.age = age;
        assert_int_equal(para_renewal_decide(&policy, &verdict, 0),
                         age < 5000 ? PARA_RENEWAL_FRESH : PARA_RENEWAL_GONE);
    }
}


static void
test_settings(void **state)
{
    para_renewal_policy_t   other;
    para_renewal_verdict_t  verdict;

    (void) state;

    other = policy;
    other.stale = 0;
    other.refresh = 0;

    verdict.active = 1;
    verdict.tried = UINT64_MAX;
    verdict.age = 29999;
    assert_int_equal(para_renewal_decide(&other, &verdict, 0),
                     PARA_RENEWAL_FRESH);

    verdict.age = 30000;
    assert_int_equal(para_renewal_decide(&other, &verdict, 0),
                     PARA_RENEWAL_GONE);

    other.stale = UINT64_MAX;
    verdict.age = UINT64_MAX;
    assert_int_equal(para_renewal_decide(&other, &verdict, 0),
                     PARA_RENEWAL_STALE);

    memset(&other, 0, sizeof(other));
    verdict.age = 0;
    assert_int_equal(para_renewal_decide(&other, &verdict, 0),
                     PARA_RENEWAL_GONE);
    verdict.active = 0;
    assert_int_equal(para_renewal_decide(&other, &verdict, 0),
                     PARA_RENEWAL_GONE);
}


/* One that is under way, or that failed just now, is not started again. */

static void
test_pause(void **state)
{
    para_renewal_verdict_t  verdict;

    (void) state;

    verdict.active = 1;
    verdict.age = 25000;
    verdict.tried = PARA_RENEWAL_PAUSE - 1;
    assert_int_equal(para_renewal_decide(&policy, &verdict, 0),
                     PARA_RENEWAL_FRESH);

    verdict.tried = PARA_RENEWAL_PAUSE;
    assert_int_equal(para_renewal_decide(&policy, &verdict, 0),
                     PARA_RENEWAL_RENEW);

    verdict.tried = 0;
    verdict.age = 30000;
    assert_int_equal(para_renewal_decide(&policy, &verdict, 0),
                     PARA_RENEWAL_STALE);
}


static void
test_what_is_bridged(void **state)
{
    int  i;

    (void) state;

    for (i = 0; i <= PARA_REASONS; i++) {
        assert_int_equal(para_renewal_bridges((para_reason_e) i),
                         i == PARA_UNAVAILABLE || i == PARA_ANSWER_SIZE
                         || i == PARA_ANSWER_JSON);
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_what_is_bridged)
    };

    return cmocka_run_group_tests_name("renewal", tests, NULL, NULL);
}
