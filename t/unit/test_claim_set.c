#include "unit.h"

#include "para_claim_set.h"


/* The values of some paths, to be ended also after a refusal. */

static para_reason_e
read_values(para_claim_values_t *values, const char *claims,
    const char *const *path, size_t n)
{
    size_t             i;
    para_json_t       *root;
    para_span_t        paths[PARA_CLAIM_SET_MAX];
    para_reason_e      rc;
    para_claim_set_t   set;

    for (i = 0; i < n; i++) {
        paths[i] = unit_span(path[i]);
    }

    set.path = paths;
    set.n = n;

    root = para_json_parse(unit_span(claims), 100000);
    assert_non_null(root);

    rc = para_claim_set_read(values, &set, root);

    para_json_free(root);             /* the values outlive it */

    return rc;
}


/* The value of the claim "c" that has this JSON text; NULL: it has none. */

static void
assert_value(const char *json, const char *expected)
{
    char                 *claims;
    const char           *path;
    para_claim_values_t   values;

    path = "c";
    claims = unit_format("{\"c\":%s}", json);

    assert_reason(read_values(&values, claims, &path, 1), PARA_OK);

    if (expected == NULL) {
        assert_absent(values.value[0]);

    } else {
        assert_span(values.value[0], expected);
    }

    para_claim_values_free(&values);
    free(claims);
}


static void
test_scalars(void **state)
{
    size_t  i;

    static const struct {
        const char  *json;
        const char  *value;
    } row[] = {
        { "\"pro\"", "pro" },
        { "\"a,b c\"", "a,b c" },
        { "\" 100%\\u00e9\"", "%20100%25%C3%A9" },
        { "\"true\"", "true" },
        { "\"\"", NULL },
        { "null", NULL },
        { "true", "true" },
        { "false", "false" },

        { "0", "0" },
        { "-1", "-1" },
        { "1745879509", "1745879509" },
        { "9007199254740993", "9007199254740993" },
        { "9223372036854775807", "9223372036854775807" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "0.1", "0.1" },
        { "1.5", "1.5" },
        { "-0.25", "-0.25" },
        { "19.99", "19.99" },
        { "0.30000000000000004", "0.30000000000000004" },
        { "2.0", "2.0" },
        { "1e3", "1000.0" },
        { "1.5e300", "1.5e300" },
        { "1.5e-300", "1.5e-300" },
        { "1.7976931348623157e308", "1.7976931348623157e308" },
        { "-2.2250738585072014e-308", "-2.2250738585072014e-308" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_value(row[i].json, row[i].value);
    }
}


static void
test_lists(void **state)
{
    size_t  i;

    static const struct {
        const char  *json;
        const char  *value;
    } row[] = {
        { "[\"a\",\"b\"]", "a,b" },
        { "[\"a,b\",\" \",\"%\"]", "a%2Cb,%20,%25" },
        { "[1,true,0.5,\"x\"]", "1,true,0.5,x" },
        { "[\"\",null,\"a\",null,\"\",\"b\",\"\"]", "a,b" },
        { "[]", NULL },
        { "[null]", NULL },
        { "[\"\"]", NULL },

        /* not one of its items without the others */

        { "[\"a\",{\"b\":1}]", NULL },
        { "[\"a\",[\"b\"]]", NULL },
        { "{\"a\":1}", NULL },
        { "{}", NULL }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_value(row[i].json, row[i].value);
    }
}


static void
test_paths(void **state)
{
    size_t               i;
    para_claim_values_t  values;

    static const char  claims[] =
        "{\"plan\":\"pro\",\"org\":{\"id\":7,\"a.b\":\"dot\"},"
        "\"w\":[{\"a\":\"0x1\"},{\"b\":1},{\"a\":null},{\"a\":\"0x2\"}]}";

    static const char *const  path[] = {
        "plan", "org.id", "org.\"a.b\"", "w[*].a", "w[3].a", "w[1].a", "none",
        "plan.x", "none[*].x", "org", "w"
    };

    static const char *const  value[] = {
        "pro", "7", "dot", "0x1,0x2", "0x2", NULL, NULL, NULL, NULL, NULL, NULL
    };

    (void) state;

    assert_reason(read_values(&values, claims, path, unit_count(path)),
                  PARA_OK);
    assert_int_equal(values.n, unit_count(path));

    for (i = 0; i < unit_count(path); i++) {
        if (value[i] == NULL) {
            assert_absent(values.value[i]);

        } else {
            assert_span(values.value[i], value[i]);
        }
    }

    para_claim_values_free(&values);
}


static void
test_refused(void **state)
{
    size_t               i;
    char                *claims;
    const char          *path;
    para_reason_e        rc;
    para_claim_values_t  values;

    static const char *const  json[] = {
        "\"a\\r\\nX: y\"", "\"\\u0001\"", "\"\\u007f\"", "\"\\u0085\"",
        "\"\\u2028\"", "[\"a\",\"b\\n\"]", "[1,\"\\t\"]"
    };

    (void) state;

    path = "c";

    for (i = 0; i < unit_count(json); i++) {
        claims = unit_format("{\"c\":%s}", json[i]);
        rc = read_values(&values, claims, &path, 1);

        if (rc != PARA_CLAIM_UNSAFE) {
            fail_msg("%s: %s", json[i], para_reason_name(rc));
        }

        para_claim_values_free(&values);
        free(claims);
    }
}


/* One text, and one list, of a length. */

static void
assert_length(size_t len, para_reason_e expected)
{
    char                 *text, *claims;
    const char           *path;
    para_claim_values_t   values;

    path = "c";
    text = unit_repeat('%', len - 2);

    claims = unit_format("{\"c\":\"%sxy\"}", text);
    assert_reason(read_values(&values, claims, &path, 1), expected);
    para_claim_values_free(&values);
    free(claims);

    claims = unit_format("{\"c\":[\"%s\",\"\",\"x\",\"y\"]}", text);
    assert_reason(read_values(&values, claims, &path, 1), expected);

    if (expected == PARA_OK) {
        assert_int_equal(values.value[0].len, 3 * (len - 2) + 4);
    }

    para_claim_values_free(&values);
    free(claims);
    free(text);
}


static void
test_sizes(void **state)
{
    char                 *text, *claims;
    size_t                n;
    para_reason_e         rc;
    para_claim_values_t   values;

    static const char *const  path[] = { "c", "c", "c", "c", "c", "c", "c",
                                         "c" };

    (void) state;

    assert_length(PARA_CLAIM_VALUE_MAX, PARA_OK);
    assert_length(PARA_CLAIM_VALUE_MAX + 1, PARA_CLAIM_SIZE);

    /* all together */

    text = unit_repeat('x', PARA_CLAIM_SET_SIZE / 8 - 2);
    claims = unit_format("{\"c\":\"%s\"}", text);
    assert_reason(read_values(&values, claims, path, 8), PARA_OK);
    assert_int_equal(para_claim_values_size(&values), PARA_CLAIM_SET_SIZE);
    para_claim_values_free(&values);
    free(claims);

    claims = unit_format("{\"c\":\"%sx\"}", text);

    for (n = 1; n <= 8; n++) {
        rc = read_values(&values, claims, path, n);
        assert_reason(rc, n == 8 ? PARA_CLAIM_SIZE : PARA_OK);
        para_claim_values_free(&values);
    }

    free(claims);
    free(text);
}


static void
test_record(void **state)
{
    size_t                i, size;
    para_span_t           record;
    unsigned char        *end, block[64];
    para_claim_values_t   values;

    static const char *const  path[] = { "a", "b", "c" };

    (void) state;

    assert_reason(read_values(&values, "{\"a\":\"1\",\"c\":\"345\"}", path, 3),
                  PARA_OK);

    size = para_claim_values_size(&values);
    assert_int_equal(size, 3 * 2 + 4);

    end = para_claim_values_write(block, &values);
    assert_ptr_equal(end, block + size);
    para_claim_values_free(&values);

    record = unit_exact(block, size);

    assert_span(para_claim_value(record, 3, 0), "1");
    assert_absent(para_claim_value(record, 3, 1));
    assert_span(para_claim_value(record, 3, 2), "345");

    /* of another set than it was written for, or of none */

    for (i = 0; i < PARA_CLAIM_SET_MAX + 2; i++) {
        assert_absent(para_claim_value(record, 2, i));
        assert_absent(para_claim_value(record, 4, i));
        assert_absent(para_claim_value(record, PARA_CLAIM_SET_MAX + 1, i));
        assert_absent(para_claim_value(PARA_SPAN_NONE, 3, i));
        assert_absent(para_claim_value(PARA_SPAN_NONE, 0, i));
    }

    assert_absent(para_claim_value(record, 3, 3));

    free((void *) record.data);
}


static void
test_most(void **state)
{
    size_t               i;
    const char          *path[PARA_CLAIM_SET_MAX];
    para_claim_values_t  values;

    (void) state;

    for (i = 0; i < PARA_CLAIM_SET_MAX; i++) {
        path[i] = i % 2 == 0 ? "a" : "b";
    }

    assert_reason(read_values(&values, "{\"a\":1,\"b\":[2,3]}", path,
                              PARA_CLAIM_SET_MAX), PARA_OK);

    for (i = 0; i < PARA_CLAIM_SET_MAX; i++) {
        assert_span(values.value[i], i % 2 == 0 ? "1" : "2,3");
    }

    para_claim_values_free(&values);

    assert_reason(read_values(&values, "{\"a\":1}", path, 0), PARA_OK);
    assert_int_equal(values.n, 0);
    assert_int_equal(para_claim_values_size(&values), 0);
    para_claim_values_free(&values);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_most)
    };

    return cmocka_run_group_tests_name("claim_set", tests, NULL, NULL);
}
