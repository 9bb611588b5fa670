#include "unit.h"

#include "para_alg.h"


static void
test_names(void **state)
{
    (void) state;

    assert_int_equal(para_alg_find(unit_span("RS256"))->bit, PARA_ALG_RS256);
    assert_int_equal(para_alg_find(unit_span("ES256"))->bit, PARA_ALG_ES256);
    assert_int_equal(para_alg_find(unit_span("HS256"))->bit, PARA_ALG_HS256);
}


static void
test_foreign_names(void **state)
{
    size_t  i;

    static const char *const  name[] = {
        "", "none", "None", "NONE", "nOnE", "noNe ", "rs256", "Rs256", "RS256 ",
        " RS256", "RS25", "RS2560", "RS256\xe2\x80\x8b", "HS1", "A128KW", "dir"
    };

    (void) state;

    for (i = 0; i < unit_count(name); i++) {
        assert_null(para_alg_find(unit_span(name[i])));
    }

    assert_null(para_alg_find(PARA_SPAN("RS256\0")));
    assert_null(para_alg_find(PARA_SPAN_NONE));
}


static void
test_rows(void **state)
{
    size_t             i;
    unsigned           seen;
    const para_alg_t  *alg;

    (void) state;

    seen = 0;

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        assert_ptr_equal(para_alg_find(alg->name), alg);
        assert_int_equal(seen & alg->bit, 0);
        seen |= alg->bit;
    }

    assert_int_equal(i, PARA_ALG_COUNT);
    assert_null(para_alg_row((size_t) -1));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_foreign_names),
        cmocka_unit_test(test_rows)
    };

    return cmocka_run_group_tests_name("alg", tests, NULL, NULL);
}
