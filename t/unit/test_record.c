#include "unit.h"

#include "para_record.h"


static void
test_round_trip(void **state)
{
    size_t          size;
    para_span_t     field[6], read[6];
    unsigned char  *block;

    (void) state;

    field[0] = unit_span("first");
    field[1] = PARA_SPAN_NONE;
    field[2] = unit_span("");
    field[3] = PARA_SPAN("\0\0");
    field[4] = unit_span("fifth");
    field[5] = PARA_SPAN_NONE;

    size = para_record_size(field, 6);
    assert_int_equal(size, 6 * 2 + 5 + 2 + 5);

    block = malloc(size);
    para_record_write(block, field, 6);

    assert_int_equal(para_record_read(read, 6, para_span(block, size)), 1);
    assert_span(read[0], "first");
    assert_absent(read[1]);
    assert_absent(read[2]);
    assert_int_equal(read[3].len, 2);
    assert_memory_equal(read[3].data, "\0\0", 2);
    assert_span(read[4], "fifth");
    assert_absent(read[5]);

    assert_int_equal(para_record_size(NULL, 0), 0);
    assert_int_equal(para_record_read(read, 0, PARA_SPAN_NONE), 1);

    free(block);
}


static void
test_longest_field(void **state)
{
    char           *text;
    size_t          size;
    para_span_t     field[2], read[2];
    unsigned char  *block;

    (void) state;

    text = unit_repeat('x', 65536);

    field[0] = para_span(text, 65535);
    field[1] = unit_span("y");

    size = para_record_size(field, 2);
    assert_int_equal(size, 65535 + 1 + 4);

    block = malloc(size);
    para_record_write(block, field, 2);
    assert_int_equal(para_record_read(read, 2, para_span(block, size)), 1);
    assert_int_equal(read[0].len, 65535);
    assert_span(read[1], "y");
    free(block);

    field[0] = para_span(text, 65536);
    assert_int_equal(para_record_size(field, 2), 0);
    free(text);
}


/* Cut anywhere, too long by anything, of another number of fields. */

static void
test_no_record(void **state)
{
    size_t          i, size;
    para_span_t     field[2], read[3], exact;
    unsigned char   block[16];

    (void) state;

    field[0] = unit_span("abc");
    field[1] = unit_span("de");

    size = para_record_size(field, 2);
    memset(block, 0, sizeof(block));
    para_record_write(block, field, 2);

    for (i = 0; i <= size + 4; i++) {
        exact = unit_exact(block, i);
        assert_int_equal(para_record_read(read, 2, exact), i == size);
        free((void *) exact.data);
    }

    assert_int_equal(para_record_read(read, 1, para_span(block, size)), 0);
    assert_int_equal(para_record_read(read, 3, para_span(block, size)), 0);
    assert_int_equal(para_record_read(read, 0, para_span(block, size)), 0);

    block[0] = 0xff;
    assert_int_equal(para_record_read(read, 2, para_span(block, size)), 0);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_longest_field),
        cmocka_unit_test(test_no_record)
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
