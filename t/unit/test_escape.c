#include "unit.h"

#include "para_escape.h"
#include "para_json.h"


#define UNKNOWN  "\xef\xbf\xbd"


static void
assert_escaped(para_escape_e format, const char *text, size_t len,
    const char *expected)
{
    unsigned char   dst[512];
    unsigned char  *end;

    assert_true(para_escape_max(len) < sizeof(dst));

    end = para_escape(dst, para_span(text, len), format);
    assert_true((size_t) (end - dst) <= para_escape_max(len));
    *end = '\0';

    assert_string_equal((char *) dst, expected);
}


#define assert_json(text, expected)                                           \
    assert_escaped(PARA_ESCAPE_JSON, text, sizeof(text) - 1, expected)

#define assert_label(text, expected)                                          \
    assert_escaped(PARA_ESCAPE_LABEL, text, sizeof(text) - 1, expected)


static void
test_each_format_has_its_rules(void **state)
{
    (void) state;

    assert_json("", "");
    assert_json("https://a/b?c", "https://a/b?c");
    assert_json("\"\\/", "\\\"\\\\/");
    assert_json("\b\n\r\t\x1f\x7f",
                "\\u0008\\u000a\\u000d\\u0009\\u001f\\u007f");

    assert_label("", "");
    assert_label("https://a/b?c", "https://a/b?c");
    assert_label("\"\\/", "\\\"\\\\/");
    assert_label("a\nb\\n", "a\\nb\\\\n");
    assert_label("\b\r\t\x7f", "\b\r\t\x7f");
}


static void
test_characters_stay_and_other_bytes_do_not(void **state)
{
    size_t  i;

    static const char *const  good[] = {
        "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xec\xbf\xbf",
        "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80",
        "\xf4\x8f\xbf\xbf"
    };

    /* overlong, surrogates, beyond U+10FFFF, cut off, out of place */

    static const struct {
        const char  *text;
        const char  *expected;
    } bad[] = {
        { "\x80", UNKNOWN },
        { "\xc0\x80", UNKNOWN UNKNOWN },
        { "\xc1\xbf", UNKNOWN UNKNOWN },
        { "\xe0\x9f\xbf", UNKNOWN UNKNOWN UNKNOWN },
        { "\xed\xa0\x80", UNKNOWN UNKNOWN UNKNOWN },
        { "\xf0\x8f\xbf\xbf", UNKNOWN UNKNOWN UNKNOWN UNKNOWN },
        { "\xf4\x90\x80\x80", UNKNOWN UNKNOWN UNKNOWN UNKNOWN },
        { "\xf5\x80", UNKNOWN UNKNOWN },
        { "\xff", UNKNOWN },
        { "\xc3", UNKNOWN },
        { "\xe2\x82", UNKNOWN UNKNOWN },
        { "\xf0\x9f\x98", UNKNOWN UNKNOWN UNKNOWN },
        { "\xc3(", UNKNOWN "(" },
        { "\xe2\x82z", UNKNOWN UNKNOWN "z" },
        { "\xe2\x82\xc3\xa9", UNKNOWN UNKNOWN "\xc3\xa9" },
        { "\xc3\"", UNKNOWN "\\\"" }
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_escaped(PARA_ESCAPE_JSON, good[i], strlen(good[i]), good[i]);
        assert_escaped(PARA_ESCAPE_LABEL, good[i], strlen(good[i]), good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_escaped(PARA_ESCAPE_JSON, bad[i].text, strlen(bad[i].text),
                       bad[i].expected);
        assert_escaped(PARA_ESCAPE_LABEL, bad[i].text, strlen(bad[i].text),
                       bad[i].expected);
    }

    assert_json("a\0b", "a" UNKNOWN "b");
    assert_label("a\0b", "a" UNKNOWN "b");
}


/* Two of any bytes make JSON that a parser takes. */

static void
test_any_bytes_make_json(void **state)
{
    int             i, j;
    para_json_t    *root;
    unsigned char   text[2], json[64], *p;

    (void) state;

    for (i = 0; i < 256; i++) {
        for (j = 0; j < 256; j++) {
            text[0] = (unsigned char) i;
            text[1] = (unsigned char) j;

            memcpy(json, "{\"a\":\"", 6);
            p = para_escape(json + 6, para_span(text, 2), PARA_ESCAPE_JSON);
            memcpy(p, "\"}", 2);

            root = para_json_parse(para_span(json, (size_t) (p + 2 - json)),
                                   sizeof(json));
            assert_non_null(root);
            para_json_free(root);
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_format_has_its_rules),
        cmocka_unit_test(test_characters_stay_and_other_bytes_do_not),
        cmocka_unit_test(test_any_bytes_make_json)
    };

    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
