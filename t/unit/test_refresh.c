#include "unit.h"

#include <limits.h>

#include "para_refresh.h"


#define MINUTE  60000                 /* ms */
#define HOUR    3600000


static const para_refresh_policy_t  policy = { HOUR, MINUTE, 86400 };


static void
test_lifetime(void **state)
{
    size_t       i;
    int64_t      got;
    para_span_t  value, age;

    static const struct {
        const char  *cache_control;
        const char  *age;
        int64_t      lifetime;        /* ms */
    } row[] = {
        { NULL, NULL, -1 },
        { "", NULL, -1 },
        { NULL, "7", -1 },
        { "public", NULL, -1 },
        { "private, must-revalidate", "7", -1 },

        { "max-age=600", NULL, 600000 },
        { "MAX-Age=600", NULL, 600000 },
        { "public, max-age=600, must-revalidate", NULL, 600000 },
        { "public,max-age=600", NULL, 600000 },
        { ",, \t max-age=600 \t ,", NULL, 600000 },
        { "max-age=\"600\"", NULL, 600000 },
        { "max-age=0", NULL, 0 },
        { "max-age=007", NULL, 7000 },

        /* RFC 9111 1.2.2: what is too large is 2^31 s */

        { "max-age=2147483648", NULL, INT64_C(2147483648000) },
        { "max-age=2147483649", NULL, INT64_C(2147483648000) },
        { "max-age=99999999999999999999999999", NULL,
          INT64_C(2147483648000) },
        { "max-age=99999999999999999999999999", "99999999999999999999", 0 },

        /* 4.2.1: the first of several, and what is invalid is stale */

        { "max-age=600, max-age=60", NULL, 600000 },
        { "max-age=x, max-age=60", NULL, 0 },
        { "max-age", NULL, 0 },
        { "max-age=", NULL, 0 },
        { "max-age=\"\"", NULL, 0 },
        { "max-age=\"", NULL, 0 },
        { "max-age=\"60", NULL, 0 },
        { "max-age=60\"", NULL, 0 },
        { "max-age=-1", NULL, 0 },
        { "max-age=+1", NULL, 0 },
        { "max-age=1.5", NULL, 0 },
        { "max-age=60s", NULL, 0 },
        { "max-age=60 s", NULL, 0 },
        { "max-age= 60", NULL, 0 },
        { "max-age=6:", NULL, 0 },
        { "max-age=6/", NULL, 0 },

        /* other names */

        { "s-maxage=600", NULL, -1 },
        { "s-maxage=600, max-age=60", NULL, 60000 },
        { "x-max-age=600", NULL, -1 },
        { "max-age2=600", NULL, -1 },
        { "max-ag=600", NULL, -1 },
        { "=600", NULL, -1 },
        { "max-age =600", NULL, -1 },

        /* 5.2.2.4, 5.2.2.5: wherever they stand */

        { "no-cache", NULL, 0 },
        { "no-store", NULL, 0 },
        { "No-Cache", NULL, 0 },
        { "max-age=600, no-cache", NULL, 0 },
        { "no-store, max-age=600", NULL, 0 },
        { "max-age=600,no-store", NULL, 0 },
        { "max-age=600, no-cache=\"set-cookie\"", NULL, 0 },
        { "max-age=600, no-cached", NULL, 600000 },
        { "max-age=600, no-transform", NULL, 600000 },

        /* what is quoted is no directive */

        { "a=\"no-store, max-age=1\", max-age=600", NULL, 600000 },
        { "a=\"b\\\", no-store\", max-age=600", NULL, 600000 },
        { "a=\"b\\\\\", no-store, max-age=600", NULL, 0 },
        { "a=\"max-age=600", NULL, -1 },
        { "a=\"b, max-age=600", NULL, -1 },
        { "max-age=600, a=\"b\\", NULL, 600000 },
        { "a\\,no-store", NULL, 0 },

        /* 5.1 */

        { "max-age=600", "0", 600000 },
        { "max-age=600", "599", 1000 },
        { "max-age=600", "600", 0 },
        { "max-age=600", "601", 0 },
        { "max-age=600", "99999999999999999999", 0 },
        { "max-age=600", " 100 ", 500000 },
        { "max-age=600", "100, 200", 500000 },
        { "max-age=600", "", 600000 },
        { "max-age=600", "x", 600000 },
        { "max-age=600", "-7", 600000 },
        { "max-age=600", "1e2", 600000 },
        { "max-age=600", ",100", 600000 },
        { "no-cache", "7", 0 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        value = row[i].cache_control == NULL
                ? PARA_SPAN_NONE : unit_exact(row[i].cache_control,
                                              strlen(row[i].cache_control));
        age = row[i].age == NULL
              ? PARA_SPAN_NONE : unit_exact(row[i].age, strlen(row[i].age));

        got = para_refresh_lifetime(value, age);

        if (got != row[i].lifetime) {
            fail_msg("\"%s\", age %s: %lld", row[i].cache_control, row[i].age,
                     (long long) got);
        }

        free((void *) value.data);
        free((void *) age.data);
    }
}


/* NUL and bytes above ASCII are only bytes. */

static void
test_lifetime_of_bytes(void **state)
{
    (void) state;

    assert_int_equal(para_refresh_lifetime(PARA_SPAN("max-age=6\0"),
                                           PARA_SPAN_NONE), 0);
    assert_int_equal(para_refresh_lifetime(PARA_SPAN("\0,\xff,max-age=6"),
                                           PARA_SPAN_NONE), 6000);
    assert_int_equal(para_refresh_lifetime(PARA_SPAN("max-age=\xb2"),
                                           PARA_SPAN_NONE), 0);
}


static void
test_delay(void **state)
{
    size_t    i;
    uint64_t  got;

    static const struct {
        int       has_keys;
        unsigned  failures;
        int64_t   lifetime;
        uint64_t  delay;
    } row[] = {

        /* all is well: from cooldown to refresh */

        { 1, 0, -1, HOUR },
        { 1, 0, INT64_MIN, HOUR },
        { 1, 0, 0, MINUTE },
        { 1, 0, MINUTE - 1, MINUTE },
        { 1, 0, MINUTE + 1, MINUTE + 1 },
        { 1, 0, HOUR - 1, HOUR - 1 },
        { 1, 0, HOUR + 1, HOUR },
        { 1, 0, INT64_MAX, HOUR },

        /* keys that count: from cooldown to refresh, doubled */

        { 1, 1, -1, MINUTE },
        { 1, 2, -1, 2 * MINUTE },
        { 1, 3, -1, 4 * MINUTE },
        { 1, 6, -1, 32 * MINUTE },
        { 1, 7, -1, HOUR },
        { 1, 8, -1, HOUR },
        { 1, UINT_MAX, -1, HOUR },

        /* none: from a second to cooldown */

        { 0, 1, -1, 1000 },
        { 0, 2, -1, 2000 },
        { 0, 3, -1, 4000 },
        { 0, 6, -1, 32000 },
        { 0, 7, -1, MINUTE },
        { 0, UINT_MAX, -1, MINUTE },

        /* what the last answer said is no matter then */

        { 1, 1, INT64_MAX, MINUTE },
        { 1, 2, 0, 2 * MINUTE },
        { 0, 1, INT64_MAX, 1000 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        got = para_refresh_delay(&policy, row[i].has_keys, row[i].failures,
                                 row[i].lifetime);

        if (got != row[i].delay) {
            fail_msg("row %zu: %llu", i, (unsigned long long) got);
        }
    }
}


static void
test_delay_at_the_bounds(void **state)
{
    size_t    i;
    unsigned  n;
    uint64_t  got, last;

    static const para_refresh_policy_t  odd[] = {
        { UINT64_MAX, UINT64_MAX - 1, 0 },
        { UINT64_MAX, 1, 0 },
        { UINT64_MAX, UINT64_MAX, 0 },
        { 5, 5, 0 },
        { 5, 0, 0 },
        { 0, 0, 0 }
    };

    (void) state;

    /* it never shrinks, and never passes its bound */

    for (i = 0; i < unit_count(odd); i++) {
        last = 0;

        for (n = 1; n < 100; n++) {
            got = para_refresh_delay(&odd[i], 1, n, -1);

            assert_true(got >= last && got <= odd[i].refresh);
            assert_true(para_refresh_delay(&odd[i], 0, n, -1)
                        <= odd[i].cooldown);
            last = got;
        }

        assert_true(last == odd[i].refresh);
        assert_true(para_refresh_delay(&odd[i], 1, UINT_MAX, -1) == last);
        assert_true(para_refresh_delay(&odd[i], 0, UINT_MAX, -1)
                    == odd[i].cooldown);
    }

    /* without keys, less than a second of cooldown is all there is */

    assert_int_equal(para_refresh_delay(&odd[3], 0, 1, -1), 5);
}


static void
test_is_stale(void **state)
{
    size_t                 i;
    para_refresh_policy_t  p;

    static const struct {
        int64_t  max_stale;
        int64_t  fetched;
        int64_t  now;
        int      stale;
    } row[] = {
        { 100, 1000, 1000, 0 },
        { 100, 1000, 1100, 0 },
        { 100, 1000, 1101, 1 },
        { 100, 1000, 999, 0 },
        { 100, 1000, 0, 0 },
        { 100, 1000, INT64_MIN, 0 },
        { 0, 1000, 1000, 0 },
        { 0, 1000, 1001, 1 },
        { 0, 1000, 999, 0 },
        { 100, INT64_MIN, INT64_MAX, 1 },
        { 100, INT64_MAX, INT64_MIN, 0 },
        { 100, INT64_MIN, 0, 1 },
        { INT64_MAX, 0, INT64_MAX, 0 },
        { INT64_MAX, -1, INT64_MAX, 1 }
    };

    (void) state;

    p = policy;

    for (i = 0; i < unit_count(row); i++) {
        p.max_stale = row[i].max_stale;

        if (para_refresh_is_stale(&p, row[i].fetched, row[i].now)
            != row[i].stale)
        {
            fail_msg("row %zu", i);
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_lifetime_of_bytes),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_delay_at_the_bounds),
        cmocka_unit_test(test_is_stale)
    };

    return cmocka_run_group_tests_name("refresh", tests, NULL, NULL);
}
