#include "unit.h"

#include "para_json.h"
#include "para_trace.h"


#define MAX  65536


static para_json_t *
parsed(const para_trace_t *trace)
{
    size_t          size, len;
    para_json_t    *root;
    unsigned char  *dst;

    size = para_trace_write(NULL, trace);

    /* as many bytes as it said, so that a sanitizer sees one more */

    dst = malloc(size);
    assert_non_null(dst);

    len = para_trace_write(dst, trace);
    assert_true(len <= size);
    assert_null(memchr(dst, '\n', len));

    root = para_json_parse(para_span(dst, len), MAX);
    assert_non_null(root);

    free(dst);

    return root;
}


static void
assert_number(const para_json_t *value, const char *name, double expected)
{
    double  number;

    assert_true(para_json_number(para_json_get(value, name), &number));
    assert_true(number == expected);
}


static void
test_a_line_to_the_byte(void **state)
{
    size_t         len;
    para_trace_t   trace;
    unsigned char  dst[1024];

    static const char  expected[] =
        "{\"time\":\"2026-11-22T08:30:00.123Z\",\"provider\":\"app\","
        "\"decision\":\"refused\",\"code\":\"token_invalid\","
        "\"reason\":\"signature\",\"kid\":\"a\\\"b\",\"status\":401,"
        "\"layers\":[\"jwt\",\"session\"],\"connection\":7,"
        "\"steps\":[{\"step\":\"cache\",\"result\":\"ok\",\"us\":1},"
        "{\"step\":\"token\",\"result\":\"refused\",\"us\":20,"
        "\"wait_us\":3000}],\"wait_us\":3000,\"total_us\":3021}";

    (void) state;

    memset(&trace, 0, sizeof(para_trace_t));

    trace.text[PARA_TRACE_TIME] = PARA_SPAN("2026-11-22T08:30:00.123Z");
    trace.text[PARA_TRACE_PROVIDER] = PARA_SPAN("app");
    trace.text[PARA_TRACE_DECISION] = PARA_SPAN("refused");
    trace.text[PARA_TRACE_CODE] = PARA_SPAN("token_invalid");
    trace.text[PARA_TRACE_REASON] = PARA_SPAN("signature");
    trace.text[PARA_TRACE_KID] = PARA_SPAN("a\"b");
    trace.status = 401;
    trace.layer[0] = PARA_SPAN("jwt");
    trace.layer[1] = PARA_SPAN("session");
    trace.connection = 7;

    trace.step[0].name = PARA_SPAN("cache");
    trace.step[0].result = PARA_SPAN("ok");
    trace.step[0].work = 1999;
    trace.step[1].name = PARA_SPAN("token");
    trace.step[1].result = PARA_SPAN("refused");
    trace.step[1].work = 20000;
    trace.step[1].wait = 3000000;
    trace.steps = 2;
    trace.total = 3021999;

    assert_true(para_trace_write(NULL, &trace) < sizeof(dst));

    len = para_trace_write(dst, &trace);
    dst[len] = '\0';

    assert_string_equal((char *) dst, expected);
}


static void
test_what_is_absent_is_no_member(void **state)
{
    para_json_t   *root;
    para_trace_t   trace;

    (void) state;

    memset(&trace, 0, sizeof(para_trace_t));
    trace.layer[1] = PARA_SPAN("session");

    root = parsed(&trace);

    assert_null(para_json_get(root, "time"));
    assert_null(para_json_get(root, "kid"));
    assert_null(para_json_get(root, "status"));
    assert_int_equal(para_json_length(para_json_get(root, "layers")), 1);
    assert_int_equal(para_json_length(para_json_get(root, "steps")), 0);
    assert_number(root, "connection", 0);
    assert_number(root, "wait_us", 0);
    assert_number(root, "total_us", 0);

    para_json_free(root);
}


static void
test_waits_add_up(void **state)
{
    size_t              i;
    para_json_t        *root;
    para_trace_t        trace;
    const para_json_t  *steps;

    (void) state;

    memset(&trace, 0, sizeof(para_trace_t));

    for (i = 0; i < PARA_TRACE_STEPS; i++) {
        trace.step[i].name = PARA_SPAN("step");
        trace.step[i].result = PARA_SPAN("ok");
        trace.step[i].work = 1000;
        trace.step[i].wait = i % 2 * 1500;
    }

    trace.steps = PARA_TRACE_STEPS;
    trace.total = UINT64_MAX;

    root = parsed(&trace);
    steps = para_json_get(root, "steps");

    assert_int_equal(para_json_length(steps), PARA_TRACE_STEPS);
    assert_null(para_json_get(para_json_item(steps, 0), "wait_us"));
    assert_number(para_json_item(steps, 1), "wait_us", 1);
    assert_number(root, "wait_us", PARA_TRACE_STEPS / 2 * 1500 / 1000);
    assert_number(root, "total_us", (double) (UINT64_MAX / 1000));

    para_json_free(root);
}


static void
test_any_bytes_of_any_text(void **state)
{
    size_t          i, j;
    para_json_t    *root;
    para_span_t     text;
    para_trace_t    trace;
    unsigned char   all[256];

    static const char *const  names[PARA_TRACE_TEXTS] = {
        "time", "request_id", "provider", "mode", "decision", "code",
        "reason", "disputed", "cache", "session", "issuer", "kid", "alg",
        "credential", "user_id", "internal_user_id"
    };

    (void) state;

    for (i = 0; i < sizeof(all); i++) {
        all[i] = (unsigned char) i;
    }

    for (i = 0; i < PARA_TRACE_TEXTS; i++) {

        memset(&trace, 0, sizeof(para_trace_t));

        for (j = 0; j < PARA_TRACE_TEXTS; j++) {
            trace.text[j] = PARA_SPAN("");
        }

        trace.text[i] = PARA_SPAN("\",\"a\":\\\b\n\r\t\x1f\x7f\xc3\xa9");

        root = parsed(&trace);

        for (j = 0; j < PARA_TRACE_TEXTS; j++) {
            assert_true(para_json_string(para_json_get(root, names[j]),
                                         &text));
            assert_true(para_span_eq(text, trace.text[j]));
        }

        para_json_free(root);

        trace.text[i] = para_span(all, sizeof(all));

        para_json_free(parsed(&trace));
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_a_line_to_the_byte),
        cmocka_unit_test(test_what_is_absent_is_no_member),
        cmocka_unit_test(test_waits_add_up),
        cmocka_unit_test(test_any_bytes_of_any_text)
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
