#include "unit.h"

#include "para_breaker.h"


static const para_breaker_policy_t  policy = {
    .failures = 3,
    .first = 1000,
    .longest = 30000,
    .probe = 5000
};


/* Opens a new one at now, without jitter. */

static para_breaker_t
opened(uint64_t now)
{
    int             i;
    para_breaker_t  breaker;

    memset(&breaker, 0, sizeof(breaker));

    for (i = 0; i < 3; i++) {
        assert_int_equal(para_breaker_admit(&breaker, &policy, now),
                         PARA_BREAKER_CALL);
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, now, 0);
    }

    return breaker;
}


static void
test_opens(void **state)
{
    int             i;
    para_breaker_t  breaker;

    (void) state;

    memset(&breaker, 0, sizeof(breaker));

    /* only one after another count */

    for (i = 0; i < 20; i++) {
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 10, 0);
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 10, 0);
        assert_int_equal(para_breaker_admit(&breaker, &policy, 10),
                         PARA_BREAKER_CALL);
        assert_int_equal(para_breaker_wait(&breaker, &policy, 10), 0);
        para_breaker_succeed(&breaker);
    }

    breaker = opened(10);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 10),
                     PARA_BREAKER_FAIL);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 10), 1000);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 1009),
                     PARA_BREAKER_FAIL);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 1009), 1);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 1010), 0);
}


static void
test_one_probe(void **state)
{
    int             i;
    para_breaker_t  breaker;

    (void) state;

    breaker = opened(0);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 1000),
                     PARA_BREAKER_PROBE);

    for (i = 0; i < 1000; i++) {
        assert_int_equal(para_breaker_admit(&breaker, &policy,
                                            1000 + (uint64_t) i * 4),
                         PARA_BREAKER_FAIL);
    }

    para_breaker_succeed(&breaker);

    for (i = 0; i < 1000; i++) {
        assert_int_equal(para_breaker_admit(&breaker, &policy, 5000),
                         PARA_BREAKER_CALL);
    }

    /* and it is a new one: three failures open it, for the first time */

    para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 5000, 0);
    para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 5000, 0);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5000),
                     PARA_BREAKER_CALL);
    para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 5000, 0);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 5000), 1000);
}


/* A probe whose worker has died is not waited for. */

static void
test_lost_probe(void **state)
{
    para_breaker_t  breaker;

    (void) state;

    breaker = opened(0);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 1000),
                     PARA_BREAKER_PROBE);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5999),
                     PARA_BREAKER_FAIL);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 6000),
                     PARA_BREAKER_PROBE);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 6000),
                     PARA_BREAKER_FAIL);
}


static void
test_waits_grow(void **state)
{
    size_t          i;
    uint64_t        now;
    para_breaker_t  breaker;

    static const uint64_t  wait[] = {
        1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000
    };

    (void) state;

    now = 0;
    breaker = opened(now);

    for (i = 0; i < unit_count(wait); i++) {
        assert_int_equal(para_breaker_wait(&breaker, &policy, now), wait[i]);

        now += wait[i];
        assert_int_equal(para_breaker_admit(&breaker, &policy, now - 1),
                         PARA_BREAKER_FAIL);
        assert_int_equal(para_breaker_admit(&breaker, &policy, now),
                         PARA_BREAKER_PROBE);
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_PROBE, now, 0);
    }

    breaker.trips = UINT32_MAX;
    assert_int_equal(para_breaker_admit(&breaker, &policy, now + 30000),
                     PARA_BREAKER_PROBE);
    para_breaker_fail(&breaker, &policy, PARA_BREAKER_PROBE, now, 0);
    assert_int_equal(para_breaker_wait(&breaker, &policy, now), 30000);
}


static void
test_jitter(void **state)
{
    unsigned        jitter;
    uint64_t        wait, last;
    para_breaker_t  breaker;

    (void) state;

    last = 1000;

    for (jitter = 0; jitter <= PARA_BREAKER_JITTER; jitter++) {
        memset(&breaker, 0, sizeof(breaker));
        breaker.failures = 2;
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 7, jitter);

        wait = para_breaker_wait(&breaker, &policy, 7);
        assert_true(wait <= last && wait >= 750);
        last = wait;
    }

    assert_int_equal(last, 750);
}


/* A thousand calls that time out together are one outage. */

static void
test_late_failures(void **state)
{
    int             i;
    para_breaker_t  breaker;

    (void) state;

    breaker = opened(0);

    for (i = 0; i < 1000; i++) {
        para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 500, 0);
    }

    assert_int_equal(para_breaker_wait(&breaker, &policy, 500), 500);
    assert_int_equal(breaker.trips, 1);

    /* nor do they take the probe's place */

    assert_int_equal(para_breaker_admit(&breaker, &policy, 1000),
                     PARA_BREAKER_PROBE);
    para_breaker_fail(&breaker, &policy, PARA_BREAKER_CALL, 1001, 0);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 1001), 4999);

    /* the probe of an outage that another call's success has ended */

    para_breaker_succeed(&breaker);
    para_breaker_fail(&breaker, &policy, PARA_BREAKER_PROBE, 1002, 0);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 1002),
                     PARA_BREAKER_CALL);
}


static void
test_hold(void **state)
{
    para_breaker_t  breaker;

    (void) state;

    memset(&breaker, 0, sizeof(breaker));

    /* at once, without further failures */

    para_breaker_hold(&breaker, 100, 7000);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 7099),
                     PARA_BREAKER_FAIL);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 7099), 1);

    /* longer, but never shorter */

    para_breaker_hold(&breaker, 100, 8000);
    para_breaker_hold(&breaker, 100, 1000);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 100), 8000);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 8100),
                     PARA_BREAKER_PROBE);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 8100),
                     PARA_BREAKER_FAIL);

    memset(&breaker, 0, sizeof(breaker));
    para_breaker_hold(&breaker, 100, 86400000);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 100),
                     PARA_BREAKER_HOLD_MAX);
}


/*
 * A probe that tells nothing is had again at once; another call changes
 * nothing.
 */

static void
test_abandon(void **state)
{
    para_breaker_t  breaker;

    (void) state;

    breaker = opened(4000);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5000),
                     PARA_BREAKER_PROBE);

    para_breaker_abandon(&breaker, PARA_BREAKER_CALL, 5001);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5001),
                     PARA_BREAKER_FAIL);

    para_breaker_abandon(&breaker, PARA_BREAKER_PROBE, 5002);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5002),
                     PARA_BREAKER_PROBE);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5002),
                     PARA_BREAKER_FAIL);

    memset(&breaker, 0, sizeof(breaker));
    para_breaker_abandon(&breaker, PARA_BREAKER_PROBE, 5002);
    assert_int_equal(breaker.until, 0);
}


/* Another clock, or rubbish, does not shut it for good. */

static void
test_odd_clock(void **state)
{
    para_breaker_t         breaker;
    para_breaker_policy_t  patient;

    (void) state;

    breaker = opened(UINT64_C(1) << 40);
    assert_int_equal(para_breaker_wait(&breaker, &policy, 5), 0);
    assert_int_equal(para_breaker_admit(&breaker, &policy, 5),
                     PARA_BREAKER_PROBE);

    patient = policy;
    patient.first = 100000;
    patient.longest = 100000;
    memset(&breaker, 0, sizeof(breaker));
    breaker.failures = 2;
    para_breaker_fail(&breaker, &patient, PARA_BREAKER_CALL, 5, 0);
    assert_int_equal(para_breaker_wait(&breaker, &patient, 5), 100000);

    patient.probe = 200000;
    assert_int_equal(para_breaker_admit(&breaker, &patient, 100005),
                     PARA_BREAKER_PROBE);
    assert_int_equal(para_breaker_wait(&breaker, &patient, 100005), 200000);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_opens),
        cmocka_unit_test(test_one_probe),
        cmocka_unit_test(test_lost_probe),
        cmocka_unit_test(test_waits_grow),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_late_failures),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_odd_clock)
    };

    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
