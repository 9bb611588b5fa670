#include "unit.h"

#include "para_limit.h"


#define MAX     20
#define MINUTE  60000


static void
test_burst(void **state)
{
    int           i;
    para_limit_t  limit;

    (void) state;

    memset(&limit, 0, sizeof(limit));

    for (i = 0; i < MAX; i++) {
        assert_int_equal(para_limit_wait(&limit, MAX, 5000), 0);
        assert_int_equal(para_limit_admit(&limit, MAX, 5000), 1);
    }

    assert_int_equal(para_limit_admit(&limit, MAX, 5000), 0);
    assert_int_equal(para_limit_wait(&limit, MAX, 5000), 65000);
    assert_int_equal(para_limit_admit(&limit, MAX, 69999), 0);
    assert_int_equal(para_limit_wait(&limit, MAX, 69999), 1);
    assert_int_equal(para_limit_wait(&limit, MAX, 70000), 0);
    assert_int_equal(para_limit_admit(&limit, MAX, 70000), 1);
}


/* Whatever the pace: never more than that in any minute, and not far fewer. */

static void
test_any_minute(void **state)
{
    size_t        n, first, events;
    uint64_t      now, step, admitted[4096];
    para_limit_t  limit;

    (void) state;

    for (step = 37; step < 9000; step = step * 3 / 2) {
        memset(&limit, 0, sizeof(limit));
        n = 0;
        first = 0;
        events = 0;

        for (now = 123; now < 20 * MINUTE; now += step) {

            events++;

            if (!para_limit_admit(&limit, MAX, now)) {
                assert_int_equal(para_limit_admit(&limit, MAX, now
                                     + para_limit_wait(&limit, MAX, now) - 1),
                                 0);
                continue;
            }

            admitted[n++] = now;

            while (now - admitted[first] >= MINUTE) {
                first++;
            }

            assert_true(n - first <= MAX);
        }

        /* all where seven slots have room for them */

        if (step * MAX >= MINUTE + PARA_LIMIT_SLOT) {
            assert_int_equal(n, events);

        } else if (step * MAX <= MINUTE) {
            assert_true(n >= 20 * MAX * 6 / 7);
        }
    }
}


/* What is refused is not counted: who keeps knocking is let in all the same. */

static void
test_refusals(void **state)
{
    int           i, n;
    para_limit_t  limit;

    (void) state;

    memset(&limit, 0, sizeof(limit));

    for (i = 0, n = 0; i < 1000; i++) {
        n += para_limit_admit(&limit, MAX, 1);
    }

    assert_int_equal(n, MAX);

    for (i = 0, n = 0; i < 1000; i++) {
        n += para_limit_admit(&limit, MAX, 70001);
    }

    assert_int_equal(n, MAX);
}


static void
test_wait_is_for_the_oldest(void **state)
{
    int           i;
    para_limit_t  limit;

    (void) state;

    memset(&limit, 0, sizeof(limit));

    for (i = 0; i < MAX; i++) {
        assert_int_equal(para_limit_admit(&limit, MAX, (uint64_t) i * 2500),
                         1);
    }

    /* four each in the first five slots */

    assert_int_equal(para_limit_wait(&limit, MAX, 49000), 21000);
    assert_int_equal(para_limit_wait(&limit, MAX - 3, 49000), 21000);
    assert_int_equal(para_limit_wait(&limit, MAX - 4, 49000), 31000);
    assert_int_equal(para_limit_wait(&limit, 1, 49000), 61000);
    assert_int_equal(para_limit_wait(&limit, 0, 49000), 61000);
}


static void
test_bounds(void **state)
{
    int           i;
    para_limit_t  limit;

    (void) state;

    memset(&limit, 0, sizeof(limit));
    assert_int_equal(para_limit_admit(&limit, 0, 1), 0);

    for (i = 0; i < PARA_LIMIT_MAX; i++) {
        assert_int_equal(para_limit_admit(&limit, PARA_LIMIT_MAX, 1), 1);
    }

    assert_int_equal(para_limit_admit(&limit, PARA_LIMIT_MAX, 1), 0);
    assert_int_equal(sizeof(para_limit_t), 16);
}


/* Back a little is the same minute, back by far is another clock. */

static void
test_clock_goes_back(void **state)
{
    int           i;
    para_limit_t  limit;

    (void) state;

    memset(&limit, 0, sizeof(limit));

    for (i = 0; i < MAX; i++) {
        assert_int_equal(para_limit_admit(&limit, MAX, 200000), 1);
    }

    assert_int_equal(para_limit_admit(&limit, MAX, 199999), 0);
    assert_int_equal(para_limit_wait(&limit, MAX, 199999), 70001);
    assert_int_equal(para_limit_admit(&limit, MAX, 140000), 0);
    assert_int_equal(para_limit_admit(&limit, MAX, 139999), 1);
    assert_int_equal(para_limit_admit(&limit, MAX, 5), 1);
    assert_int_equal(para_limit_wait(&limit, 1, 5), 69995);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_any_minute),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_wait_is_for_the_oldest),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_clock_goes_back)
    };

    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
