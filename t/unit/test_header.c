#include "unit.h"

#include "para_header.h"


static int
safe(const char *text)
{
    int          rc;
    para_span_t  exact;

    exact = unit_exact(text, strlen(text));
    rc = para_header_safe(exact);
    free((void *) exact.data);

    return rc;
}


static void
test_safe(void **state)
{
    int   c;
    char  text[4];

    (void) state;

    /* every ASCII character, and every C1 in its two bytes of UTF-8 */

    for (c = 1; c < 0x80; c++) {
        snprintf(text, sizeof(text), "a%cb", c);
        assert_int_equal(safe(text), c >= 0x20 && c != 0x7f);
    }

    for (c = 0x80; c < 0xc0; c++) {
        snprintf(text, sizeof(text), "\xc2%c", c);
        assert_int_equal(safe(text), c >= 0xa0);

        /* the second byte means nothing behind another first one */

        snprintf(text, sizeof(text), "\xc3%c", c);
        assert_int_equal(safe(text), 1);
    }

    assert_false(para_header_safe(PARA_SPAN("a\0b")));
    assert_true(para_header_safe(PARA_SPAN_NONE));
}


static void
test_line_separators(void **state)
{
    (void) state;

    assert_false(safe("a\xe2\x80\xa8"));
    assert_false(safe("\xe2\x80\xa9""b"));
    assert_true(safe("\xe2\x80\xa7"));
    assert_true(safe("\xe2\x80\xaa"));
    assert_true(safe("\xe2\x81\xa8"));
    assert_true(safe("\xe3\x80\xa8"));

    /* cut off: not UTF-8, and not to be read beyond */

    assert_true(safe("\xe2\x80"));
    assert_true(safe("\xe2"));
    assert_true(safe("\xc2"));
}


static void
assert_encoded(const char *text, const char *separators, const char *expected)
{
    size_t          max;
    unsigned char  *dst, *end;

    max = para_header_encoded_max(strlen(text));
    dst = malloc(max + 1);

    end = para_header_encode(dst, unit_span(text), separators);
    *end = '\0';

    assert_true((size_t) (end - dst) <= max);
    assert_string_equal((char *) dst, expected);

    free(dst);
}


static void
test_encode(void **state)
{
    (void) state;

    assert_encoded("", "", "");
    assert_encoded("email@example.com", "", "email@example.com");
    assert_encoded("a b\"c\\d;e=f", "", "a b\"c\\d;e=f");
    assert_encoded("100%", "", "100%25");
    assert_encoded("%41", "", "%2541");
    assert_encoded("a,b:c", "", "a,b:c");
    assert_encoded("a,b:c", ",", "a%2Cb:c");
    assert_encoded("a,b:c", ",:", "a%2Cb%3Ac");
    assert_encoded("\xc3\xa9\xf0\x9f\x98\x80", "", "%C3%A9%F0%9F%98%80");
}


static void
test_spaces(void **state)
{
    (void) state;

    assert_encoded(" a", "", "%20a");
    assert_encoded("a ", "", "a%20");
    assert_encoded("  a  b  ", "", "%20%20a  b%20%20");
    assert_encoded(" ", "", "%20");
    assert_encoded("   ", "", "%20%20%20");
}


/* Whoever forgets to ask para_header_safe() still gets no second header. */

static void
test_unsafe_text_is_harmless(void **state)
{
    (void) state;

    assert_encoded("a\r\nX: y\x7f\t", "", "a%0D%0AX: y%7F%09");
    assert_encoded("\n", ",", "%0A");
    assert_encoded("\x1f", "", "%1F");
}


/* What is written comes back, of any bytes, also those that are refused. */

static void
test_decode(void **state)
{
    int             c, d;
    size_t          n;
    unsigned char   text[2], value[6], *end, back[2];

    (void) state;

    for (c = 0; c < 256; c++) {
        for (d = 0; d < 256; d++) {
            text[0] = (unsigned char) c;
            text[1] = (unsigned char) d;

            end = para_header_encode(value, para_span(text, 2), ",:");

            assert_true(para_header_decode(back, 2, &n,
                            para_span(value, (size_t) (end - value))));
            assert_int_equal(n, 2);
            assert_memory_equal(back, text, 2);

            /* no byte more than there is room for */

            assert_false(para_header_decode(back, 1, &n,
                             para_span(value, (size_t) (end - value))));
        }
    }

    assert_true(para_header_decode(back, 0, &n, PARA_SPAN_NONE));
    assert_int_equal(n, 0);
}


static void
test_decode_is_strict(void **state)
{
    size_t          i, n;
    para_span_t     exact;
    unsigned char   dst[16];

    static const char *const  bad[] = {
        "%", "%4", "a%", "a%4", "%%41", "%4G", "%G4", "%4a", "%a4", "%4 ",
        "%-1", "% 4", "%41%"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        exact = unit_exact(bad[i], strlen(bad[i]));
        assert_false(para_header_decode(dst, sizeof(dst), &n, exact));
        free((void *) exact.data);
    }

    assert_false(para_header_decode(dst, sizeof(dst), &n,
                                    PARA_SPAN("%4\0")));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_safe),
        cmocka_unit_test(test_line_separators),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_unsafe_text_is_harmless),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_is_strict)
    };

    return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
