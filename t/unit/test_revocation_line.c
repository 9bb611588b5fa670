#include "unit.h"

#include "para_revocation.h"


#define HEX                                                                   \
    "000102030405060708090a0b0c0d0e0f" "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"


static para_revocation_t
entry(para_revocation_kind_e kind, int64_t before, int64_t end)
{
    size_t             i;
    para_revocation_t  revocation;

    memset(&revocation, 0, sizeof(revocation));

    revocation.kind = kind;
    revocation.before = before;
    revocation.end = end;

    for (i = 0; i < PARA_DIGEST_SIZE; i++) {
        revocation.key[i] = (unsigned char) (i < 16 ? i : i - 16 + 0xf0);
    }

    return revocation;
}


static void
assert_entry(const para_revocation_t *got, const para_revocation_t *expected)
{
    assert_int_equal(got->kind, expected->kind);
    assert_int_equal(got->before, expected->before);
    assert_int_equal(got->end, expected->end);
    assert_memory_equal(got->key, expected->key, PARA_DIGEST_SIZE);
}


static void
test_round_trip(void **state)
{
    size_t              i, n;
    para_span_t         text;
    unsigned char      *dst;
    para_revocation_t   written, read;

    static const struct {
        para_revocation_kind_e   kind;
        int64_t                  before;
        int64_t                  end;
        const char              *line;
    } row[] = {
        { PARA_REVOCATION_USER, 1700000001, 1702592000,
          "1 user " HEX " 1700000001 1702592000\n" },
        { PARA_REVOCATION_SESSION, 0, 1, "1 session " HEX " 0 1\n" },
        { PARA_REVOCATION_TOKEN, 0, 999999999999999,
          "1 token " HEX " 0 999999999999999\n" },
        { PARA_REVOCATION_JTI, 0, 0, "1 jti " HEX " 0 0\n" },
        { PARA_REVOCATION_BEFORE, 0, 1702592000,
          "1 before " HEX " 0 1702592000\n" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        written = entry(row[i].kind, row[i].before, row[i].end);

        dst = malloc(PARA_REVOCATION_LINE_MAX);
        n = para_revocation_write(dst, &written);
        assert_span(para_span(dst, n), row[i].line);

        text = unit_exact(dst, n);
        free(dst);
        dst = (unsigned char *) text.data;

        assert_int_equal(para_revocation_read(&read, &text), 1);
        assert_entry(&read, &written);
        assert_int_equal(para_revocation_read(&read, &text), 0);
        free(dst);
    }
}


static void
test_bad_lines(void **state)
{
    size_t              i;
    para_span_t         exact, text;
    para_revocation_t   read;

    static const char *const  row[] = {
        "2 user " HEX " 1 2\n",
        "user " HEX " 1 2\n",
        " 1 user " HEX " 1 2\n",
        "1  user " HEX " 1 2\n",
        "1 User " HEX " 1 2\n",
        "1 users " HEX " 1 2\n",
        "1  " HEX " 1 2\n",
        "1 user " HEX "0 1 2\n",
        "1 user 0" HEX " 1 2\n",
        "1 user F00102030405060708090a0b0c0d0e0f"
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff 1 2\n",
        "1 user g00102030405060708090a0b0c0d0e0f"
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff 1 2\n",
        "1 user abc 1 2\n",
        "1 user " HEX "\n",
        "1 user " HEX " \n",
        "1 user " HEX " 1\n",
        "1 user " HEX " 1 \n",
        "1 user " HEX " 1 2 \n",
        "1 user " HEX " 1 2 3\n",
        "1 user " HEX " 1 2\r\n",
        "1 user " HEX "  1 2\n",
        "1 user " HEX " -1 2\n",
        "1 user " HEX " +1 2\n",
        "1 user " HEX " 01 2\n",
        "1 user " HEX " 1 02\n",
        "1 user " HEX " 1 2x\n",
        "1 user " HEX " 1 1000000000000000\n",
        "1 session " HEX " 1 2\n",
        "1 token " HEX " 1 2\n",
        "1 jti " HEX " 1 2\n",
        "1 user " HEX " 1 21 user " HEX " 1 2\n",
        "1\n",
        "x\n",
        " \n"
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        exact = unit_exact(row[i], strlen(row[i]));
        text = exact;

        if (para_revocation_read(&read, &text) != -1) {
            fail_msg("%s", row[i]);
        }

        assert_int_equal(read.kind, 0);
        assert_int_equal(read.end, 0);
        assert_int_equal(para_revocation_read(&read, &text), 0);
        free((void *) exact.data);
    }
}


/* A file whose writer was killed at any byte, and which was then written on. */

static void
test_torn(void **state)
{
    char               *file;
    size_t              i, good;
    para_span_t         text, exact;
    para_revocation_t   read;

    static const char  line[] = "1 user " HEX " 1 2\n";

    (void) state;

    for (i = 0; i < sizeof(line) - 1; i++) {
        file = unit_format("%s%.*s", line, (int) i, line);
        exact = unit_exact(file, strlen(file));
        text = exact;
        assert_int_equal(para_revocation_read(&read, &text), 1);
        assert_int_equal(para_revocation_read(&read, &text), 0);
        assert_int_equal(para_revocation_read(&read, &text), 0);
        free((void *) exact.data);
        free(file);

        file = unit_format("%s%.*s\n%s\n\n", line, (int) i, line, line);
        text = unit_span(file);

        for (good = 0; text.len != 0; ) {
            good += para_revocation_read(&read, &text) == 1;
        }

        /* without its LF alone it was not torn */

        assert_int_equal(good, i == sizeof(line) - 2 ? 3 : 2);
        free(file);
    }

    text = PARA_SPAN_NONE;
    assert_int_equal(para_revocation_read(&read, &text), 0);
    text = unit_span("\n\n\n");
    assert_int_equal(para_revocation_read(&read, &text), 0);
}


static void
test_long_lines(void **state)
{
    char               *file, *text;
    para_span_t         rest;
    para_revocation_t   read;

    (void) state;

    text = unit_repeat('1', 100000);
    file = unit_format("%s\n1 jti " HEX " 0 2\n", text);
    rest = unit_span(file);

    assert_int_equal(para_revocation_read(&read, &rest), -1);
    assert_int_equal(para_revocation_read(&read, &rest), 1);
    assert_int_equal(para_revocation_read(&read, &rest), 0);

    free(file);
    free(text);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_long_lines)
    };

    return cmocka_run_group_tests_name("revocation_line", tests, NULL, NULL);
}
