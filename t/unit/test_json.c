#include "unit.h"

#include <jansson.h>

#include "para_json.h"


static int
parses_bytes(const void *data, size_t len, size_t max_size)
{
    para_json_t  *root;
    para_span_t   text;

    text = unit_exact(data, len);
    root = para_json_parse(text, max_size);
    free((void *) text.data);

    para_json_free(root);

    return root != NULL;
}


static int
parses(const char *text)
{
    return parses_bytes(text, strlen(text), strlen(text));
}


/* {"a":[[[...]]]} with so many levels in all. */

static char *
nested(size_t levels)
{
    char  *open, *close, *text;

    open = unit_repeat('[', levels - 1);
    close = unit_repeat(']', levels - 1);
    text = unit_format("{\"a\":%s%s}", open, close);

    free(open);
    free(close);

    return text;
}


static void
test_accepted(void **state)
{
    size_t  i;

    static const char *const  text[] = {
        "{}",
        " \t\r\n{ } \n",
        "{\"a\":1,\"b\":[true,false,null,-1.5e3,\"x\"],\"c\":{\"a\":2}}",
        "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
        "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"}",
        "{\"[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{[{\":[]}",
        "{\"a\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
        "{\"\\u00e9\":\"\\ud83d\\ude00\"}"
    };

    (void) state;

    for (i = 0; i < unit_count(text); i++) {
        if (!parses(text[i])) {
            fail_msg("refused: %s", text[i]);
        }
    }
}


static void
test_refused(void **state)
{
    size_t  i;

    static const char *const  text[] = {
        "", " ", "[]", "[{}]", "1", "\"a\"", "null", "true",
        "{", "}", "{}}", "{}{}", "{} {}", "{},", "{}x", "{\"a\":1}]",
        "{\"a\":1,}", "{\"a\"}", "{a:1}", "{'a':1}", "{\"a\":01}",
        "{\"a\":1}//", "{\"a\":1/*x*/}", "{\"a\":NaN}", "{\"a\":Infinity}",
        "{\"a\":-Infinity}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}",
        "{\"a\":0x10}", "{\"a\":1e309}", "{\"a\":9223372036854775808}",

        /* duplicate members: plain, escaped, nested, in an array */
        "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
        "{\"b\":{\"a\":1,\"a\":2}}", "{\"b\":[{\"a\":1,\"a\":2}]}",

        /* BOM, bad and overlong UTF-8, surrogates */
        "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\xe0\x80\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\xf5\x80\x80\x80\"}", "{\"a\":\"\xc3\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\\ud800\"}",

        /* control characters, raw and as \u0000 */
        "{\"a\":\"\n\"}", "{\"a\":\"\x01\"}", "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\\"}"
    };

    (void) state;

    for (i = 0; i < unit_count(text); i++) {
        if (parses(text[i])) {
            fail_msg("accepted: %s", text[i]);
        }
    }
}


static void
test_nul_bytes(void **state)
{
    (void) state;

    assert_false(parses_bytes("{\"a\":1\0}", 8, 100));
    assert_false(parses_bytes("{}\0", 3, 100));
    assert_false(parses_bytes("\0{}", 3, 100));
    assert_false(parses_bytes("{\"a\":\"\0\"}", 9, 100));
    assert_false(parses_bytes("{\"a\":\"\\\0\"}", 10, 100));
    assert_false(parses_bytes(NULL, 0, 100));
}


static void
test_depth(void **state)
{
    char  *good, *bad, *much;

    (void) state;

    good = nested(PARA_JSON_MAX_DEPTH);
    bad = nested(PARA_JSON_MAX_DEPTH + 1);
    much = nested(10000);

    assert_true(parses(good));
    assert_false(parses(bad));
    assert_false(parses(much));

    free(good);
    free(bad);
    free(much);

    /* of objects alone */

    assert_true(parses("{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":"
                       "{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":"
                       "{}}}}}}}}}}}}}}}}"));
    assert_false(parses("{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":"
                        "{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":"
                        "{}}}}}}}}}}}}}}}}}"));
}


static void
test_size(void **state)
{
    (void) state;

    assert_true(parses_bytes("{\"a\":1}", 7, 7));
    assert_false(parses_bytes("{\"a\":1}", 7, 6));
}


static void
test_types(void **state)
{
    size_t        i;
    para_json_t  *root;

    static const struct {
        const char        *name;
        para_json_type_e   type;
    } row[] = {
        { "o", PARA_JSON_OBJECT }, { "a", PARA_JSON_ARRAY },
        { "s", PARA_JSON_STRING }, { "i", PARA_JSON_NUMBER },
        { "r", PARA_JSON_NUMBER }, { "t", PARA_JSON_BOOLEAN },
        { "f", PARA_JSON_BOOLEAN }, { "n", PARA_JSON_NULL },
        { "x", PARA_JSON_ABSENT }
    };

    (void) state;

    root = para_json_parse(unit_span("{\"o\":{},\"a\":[],\"s\":\"\",\"i\":1,"
                                     "\"r\":0.5,\"t\":true,\"f\":false,"
                                     "\"n\":null}"), 1000);
    assert_non_null(root);

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_json_type(para_json_get(root, row[i].name)),
                         row[i].type);
    }

    para_json_free(root);
}


static void
test_getters(void **state)
{
    double          number;
    para_span_t     text;
    para_json_t    *root;
    unsigned char   digits[PARA_JSON_NUMBER_MAX];

    (void) state;

    root = para_json_parse(unit_span("{\"s\":\"\\u00e9\",\"i\":-7,\"r\":2.5,"
                                     "\"a\":[\"x\",8],\"big\":1e308,"
                                     "\"e\":\"\",\"n\":\"12\"}"), 1000);

    assert_int_equal(para_json_string(para_json_get(root, "s"), &text), 1);
    assert_span(text, "\xc3\xa9");
    assert_int_equal(para_json_string(para_json_get(root, "e"), &text), 1);
    assert_span(text, "");
    assert_int_equal(para_json_string(para_json_get(root, "i"), &text), 0);
    assert_int_equal(para_json_string(NULL, &text), 0);

    assert_int_equal(para_json_number(para_json_get(root, "i"), &number), 1);
    assert_true(number == -7.0);
    assert_int_equal(para_json_number(para_json_get(root, "r"), &number), 1);
    assert_true(number == 2.5);
    assert_int_equal(para_json_number(para_json_get(root, "big"), &number), 1);
    assert_true(number == 1e308);
    assert_int_equal(para_json_number(para_json_get(root, "n"), &number), 0);
    assert_int_equal(para_json_number(NULL, &number), 0);

    /* more of these in test_claim_set.c */

    assert_int_equal(para_json_number_text(para_json_get(root, "r"), digits),
                     3);
    assert_memory_equal(digits, "2.5", 3);
    assert_int_equal(para_json_number_text(para_json_get(root, "n"), digits),
                     0);
    assert_int_equal(para_json_number_text(NULL, digits), 0);

    assert_int_equal(para_json_length(para_json_get(root, "a")), 2);
    assert_int_equal(para_json_length(para_json_get(root, "s")), 0);
    assert_int_equal(para_json_length(root), 0);
    assert_int_equal(para_json_length(NULL), 0);

    assert_int_equal(para_json_string(
                         para_json_item(para_json_get(root, "a"), 0), &text),
                     1);
    assert_span(text, "x");
    assert_null(para_json_item(para_json_get(root, "a"), 2));
    assert_null(para_json_item(para_json_get(root, "s"), 0));

    assert_null(para_json_get(para_json_get(root, "s"), "s"));
    assert_null(para_json_get(NULL, "s"));

    para_json_free(root);
}


static void
test_paths(void **state)
{
    size_t        i;
    double        number;
    para_json_t  *root, *found;

    static const struct {
        const char  *path;
        double       number;          /* 0: leads nowhere */
    } row[] = {
        { "a", 1 },
        { "b.c", 2 },
        { "b.d.e", 3 },
        { "\"x.y\"", 4 },
        { "\"https://example.com/roles\"", 5 },
        { "b.\"p.q\".\"r\\\"s\"", 6 },
        { "\"back\\\\slash\"", 7 },
        { "\"\"", 8 },
        { "\"\\a\"", 1 },
        { "\"b\".\"c\"", 2 },
        { "A", 0 },
        { "x.y", 0 },
        { "b.x", 0 },
        { "a.b", 0 },
        { "l.0", 0 },
        { "b.c.d.e", 0 },
        { "l[0]", 9 },
        { "l[1].x", 10 },
        { "l[2][0]", 11 },
        { "\"l\"[0]", 9 },
        { "l[3]", 0 },
        { "l[9999]", 0 },
        { "b[0]", 0 },
        { "a[0]", 0 },
        { "l[0][0]", 0 },
        { "l[*].zzz", 0 },
        { "a[*]", 0 },
        { "b[*].c", 0 }
    };

    (void) state;

    root = para_json_parse(unit_span("{\"a\":1,\"b\":{\"c\":2,\"d\":{\"e\":3},"
        "\"p.q\":{\"r\\\"s\":6}},\"x.y\":4,\"https://example.com/roles\":5,"
        "\"back\\\\slash\":7,\"\":8,\"l\":[9,{\"x\":10},[11]]}"), 1000);
    assert_non_null(root);

    for (i = 0; i < unit_count(row); i++) {
        number = 0;

        assert_int_equal(para_json_path(root, unit_span(row[i].path), &found),
                         1);
        (void) para_json_number(found, &number);
        para_json_free(found);

        if (number != row[i].number) {
            fail_msg("path %s led to %g", row[i].path, number);
        }

        assert_int_equal(para_json_path_check(unit_span(row[i].path)), 1);
    }

    para_json_free(root);
}


static void
test_malformed_paths(void **state)
{
    size_t        i;
    para_span_t   path;
    para_json_t  *root, *found;

    static const char *const  row[] = {
        "", ".", ".a", "a.", "a..b", "\"", "\"a", "\"a\\", "\"a\\\"", "a\"b\"",
        "\"a\"b", "\"a\".", "a\"", "\"a\"\"b\"", "a.\"b",
        "[0]", "[*]", "a[", "a[]", "a]", "a[0", "a[*", "a[-1]", "a[+1]",
        "a[00]", "a[01]", "a[ 0]", "a[0 ]", "a[x]", "a[0x1]", "a[**]", "a[*]b",
        "a[0]b", "a[0].", "a[*].", "a.[0]", "a[0]..b", "a[\"b\"]", "a[10000]",
        "a[99999999999999999999999]", "a[0]\"b\"", "a[0]]"
    };

    (void) state;

    root = para_json_parse(unit_span("{\"\":{\"\":1},\"a\":{\"\":1}}"), 1000);

    for (i = 0; i < unit_count(row); i++) {
        path = unit_exact(row[i], strlen(row[i]));

        if (para_json_path_check(path) || para_json_path(root, path, &found)) {
            fail_msg("path %s is taken", row[i]);
        }

        free((void *) path.data);
    }

    assert_int_equal(para_json_path_check(PARA_SPAN_NONE), 0);

    para_json_free(root);
}


/* [*] leads to a list, in which nothing stands for what is missing. */

static void
test_path_lists(void **state)
{
    char          seen[64];
    size_t        i, j;
    double        number;
    para_json_t  *root, *found;

    static const struct {
        const char  *path;
        const char  *numbers;
    } row[] = {
        { "l[*]", "1 2 " },
        { "o[*].a", "3 4 5 " },
        { "o[*].b[*]", "6 7 8 " },
        { "o[*].b[1]", "7 " },
        { "m[*][*]", "1 2 3 " },
        { "m[1][*]", "2 3 " },
        { "d.e[*]", "9 " }
    };

    (void) state;

    root = para_json_parse(unit_span("{\"l\":[1,2],\"o\":[{\"a\":3},{\"x\":0},"
        "{\"a\":4,\"b\":[6,7]},7,{\"a\":5,\"b\":[8]}],\"m\":[[1],[2,3],4],"
        "\"d\":{\"e\":[9]},\"none\":[]}"), 1000);
    assert_non_null(root);

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_json_path(root, unit_span(row[i].path), &found),
                         1);
        assert_int_equal(para_json_type(found), PARA_JSON_ARRAY);

        seen[0] = '\0';

        for (j = 0; j < para_json_length(found); j++) {
            number = 0;
            (void) para_json_number(para_json_item(found, j), &number);
            snprintf(strchr(seen, '\0'), 16, "%g ", number);
        }

        assert_string_equal(seen, row[i].numbers);
        para_json_free(found);
    }

    assert_int_equal(para_json_path(root, unit_span("none[*]"), &found), 1);
    assert_null(found);

    /* what is found outlives the document */

    assert_int_equal(para_json_path(root, unit_span("l"), &found), 1);
    para_json_free(root);
    assert_int_equal(para_json_length(found), 2);
    para_json_free(found);
}


static void
test_path_name_length(void **state)
{
    char  *good, *bad, *quoted;

    (void) state;

    good = unit_repeat('a', PARA_JSON_NAME_MAX);
    bad = unit_repeat('a', PARA_JSON_NAME_MAX + 1);
    quoted = unit_format("\"%s\"", bad);

    assert_true(para_json_path_check(unit_span(good)));
    assert_false(para_json_path_check(unit_span(bad)));
    assert_false(para_json_path_check(unit_span(quoted)));

    free(good);
    free(bad);
    free(quoted);
}


static void
test_encode(void **state)
{
    size_t          n;
    unsigned char  *dst;

    static const char  expected[] = "{\"name\":\"a\\\"\\\\\\n\xc3\xa9/\"}";

    (void) state;

    dst = malloc(sizeof(expected) - 1);

    assert_int_equal(para_json_encode(dst, sizeof(expected) - 1, &n, "name",
                                      unit_span("a\"\\\n\xc3\xa9/")), 1);
    assert_int_equal(n, sizeof(expected) - 1);
    assert_memory_equal(dst, expected, n);

    assert_int_equal(para_json_encode(dst, sizeof(expected) - 2, &n, "name",
                                      unit_span("a\"\\\n\xc3\xa9/")), 0);
    assert_int_equal(para_json_encode(dst, sizeof(expected) - 1, &n, "name",
                                      unit_span("\xff")), 0);
    assert_int_equal(para_json_encode(dst, sizeof(expected) - 1, &n, "name",
                                      PARA_SPAN_NONE), 0);
    free(dst);
}


/* Memory that jansson gives back is searched for a secret. */

typedef struct {
    size_t         size;
    unsigned char  data[];
} block_t;

static int  leaks;


static void *
watched_malloc(size_t size)
{
    block_t  *block;

    block = malloc(sizeof(block_t) + size);
    if (block == NULL) {
        return NULL;
    }

    memset(block->data, 0, size);
    block->size = size;

    return block->data;
}


static void
watched_free(void *p)
{
    size_t    i;
    block_t  *block;

    if (p == NULL) {
        return;
    }

    block = (block_t *) (void *) ((unsigned char *) p
                                  - offsetof(block_t, data));

    for (i = 0; i + 6 <= block->size; i++) {
        if (memcmp(block->data + i, "secret", 6) == 0) {
            leaks++;
        }
    }

    free(block);
}


static int
leaks_of(void (*end)(para_json_t *root))
{
    json_malloc_t  old_malloc;
    json_free_t    old_free;
    para_json_t   *root;

    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(watched_malloc, watched_free);

    root = para_json_parse(unit_span("{\"k\":\"secret\",\"a\":[{\"k\":"
                                     "\"secret\"},1,null,\"secret\"],"
                                     "\"n\":{}}"), 1000);
    assert_non_null(root);

    leaks = 0;
    end(root);

    json_set_alloc_funcs(old_malloc, old_free);

    return leaks;
}


static void
test_wipe(void **state)
{
    (void) state;

    assert_int_equal(leaks_of(para_json_free), 3);
    assert_int_equal(leaks_of(para_json_wipe), 0);

    para_json_wipe(NULL);
}


typedef struct {
    size_t  calls;
    size_t  stop;
    char    names[32];
} each_t;


static int
each_name(void *data, para_span_t name, const para_json_t *value)
{
    each_t  *each = data;

    assert_non_null(value);

    strncat(each->names, (const char *) name.data, name.len);
    strcat(each->names, " ");

    return ++each->calls != each->stop;
}


static void
test_each_member(void **state)
{
    each_t        each;
    para_json_t  *root;

    (void) state;

    root = para_json_parse(unit_span("{\"b\":1,\"a\":null,\"\":[]}"), 100);

    memset(&each, 0, sizeof(each));
    assert_int_equal(para_json_each(root, each_name, &each), 1);
    assert_string_equal(each.names, "b a  ");

    memset(&each, 0, sizeof(each));
    each.stop = 2;
    assert_int_equal(para_json_each(root, each_name, &each), 0);
    assert_string_equal(each.names, "b a ");

    memset(&each, 0, sizeof(each));
    assert_int_equal(para_json_each(para_json_get(root, "b"), each_name,
                                    &each), 1);
    assert_int_equal(para_json_each(para_json_get(root, ""), each_name,
                                    &each), 1);
    assert_int_equal(para_json_each(NULL, each_name, &each), 1);
    assert_int_equal(each.calls, 0);

    para_json_free(root);
}


static void
test_booleans(void **state)
{
    int           value;
    para_json_t  *root;

    (void) state;

    root = para_json_parse(unit_span("{\"t\":true,\"f\":false,\"n\":1,"
                                     "\"s\":\"true\",\"z\":null}"), 100);

    assert_int_equal(para_json_boolean(para_json_get(root, "t"), &value), 1);
    assert_int_equal(value, 1);
    assert_int_equal(para_json_boolean(para_json_get(root, "f"), &value), 1);
    assert_int_equal(value, 0);
    assert_int_equal(para_json_boolean(para_json_get(root, "n"), &value), 0);
    assert_int_equal(para_json_boolean(para_json_get(root, "s"), &value), 0);
    assert_int_equal(para_json_boolean(para_json_get(root, "z"), &value), 0);
    assert_int_equal(para_json_boolean(NULL, &value), 0);

    para_json_free(root);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_malformed_paths),
        cmocka_unit_test(test_path_lists),
        cmocka_unit_test(test_path_name_length),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_each_member),
        cmocka_unit_test(test_booleans)
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
