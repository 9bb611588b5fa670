#include "unit.h"


static void
test_eq(void **state)
{
    (void) state;

    assert_true(para_span_eq(unit_span("abc"), unit_span("abc")));
    assert_false(para_span_eq(unit_span("abc"), unit_span("abC")));
    assert_false(para_span_eq(unit_span("abc"), unit_span("ab")));
    assert_false(para_span_eq(unit_span("ab"), unit_span("abc")));
    assert_true(para_span_eq(unit_span(""), PARA_SPAN_NONE));
}


static void
test_eq_nocase(void **state)
{
    (void) state;

    assert_true(para_span_eq_nocase(unit_span("aZ-Mz"), unit_span("Az-mZ")));
    assert_false(para_span_eq_nocase(unit_span("abc"), unit_span("abd")));
    assert_false(para_span_eq_nocase(unit_span("abc"), unit_span("abcd")));
    assert_true(para_span_eq_nocase(unit_span(""), PARA_SPAN_NONE));
}


/* Only letters have case: '@' and '`', '[' and '{' differ by the same bit. */

static void
test_only_letters_have_case(void **state)
{
    int   i, j, equal;
    char  a[2], b[2];

    (void) state;

    a[1] = '\0';
    b[1] = '\0';

    for (i = 1; i < 256; i++) {
        for (j = 1; j < 256; j++) {
            a[0] = (char) i;
            b[0] = (char) j;

            equal = i == j
                    || (i >= 'a' && i <= 'z' && j == i - 32)
                    || (j >= 'a' && j <= 'z' && i == j - 32);

            assert_int_equal(para_span_eq_nocase(unit_span(a), unit_span(b)),
                             equal);
        }
    }
}


static void
test_word(void **state)
{
    int   i, word;
    char  text[4] = "a_0";

    (void) state;

    assert_false(para_span_is_word(PARA_SPAN_NONE));
    assert_false(para_span_is_word(unit_span("")));
    assert_true(para_span_is_word(unit_span("_")));

    for (i = 1; i < 256; i++) {
        text[1] = (char) i;

        word = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z')
               || (i >= '0' && i <= '9') || i == '_';

        assert_int_equal(para_span_is_word(unit_span(text)), word);
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_eq),
        cmocka_unit_test(test_eq_nocase),
        cmocka_unit_test(test_only_letters_have_case),
        cmocka_unit_test(test_word)
    };

    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
