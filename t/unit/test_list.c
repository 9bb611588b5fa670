#include "unit.h"

#include "para_list.h"
#include "para_wallet.h"


typedef struct {
    const char     *value;            /* JSON */
    para_reason_e   reason;
    const char     *header;           /* empty if refused */
} row_t;

typedef para_reason_e (*check_pt)(const para_json_t *value, size_t *size);
typedef unsigned char *(*write_pt)(unsigned char *dst,
    const para_json_t *value);


static const row_t  roles[] = {
    { "[\"a\"]", PARA_OK, "a" },
    { "[\"a\",\"b\",\"c\"]", PARA_OK, "a,b,c" },
    { "[\"a,b\",\"c%\",\" d\",\"\\u00e9\"]", PARA_OK,
      "a%2Cb,c%25,%20d,%C3%A9" },
    { "[\"\",\"a\",\"\",\"b\",\"\"]", PARA_OK, "a,b" },
    { "[\"\"]", PARA_OK, "" },
    { "[]", PARA_OK, "" },

    /* one string is one role */

    { "\"a b\"", PARA_OK, "a b" },
    { "\"a,b\"", PARA_OK, "a%2Cb" },
    { "\",,,,\"", PARA_OK, "%2C%2C%2C%2C" },
    { "\"\"", PARA_OK, "" },

    { "7", PARA_CLAIM_TYPE, "" },
    { "{}", PARA_CLAIM_TYPE, "" },
    { "true", PARA_CLAIM_TYPE, "" },
    { "null", PARA_CLAIM_TYPE, "" },
    { "[7]", PARA_CLAIM_TYPE, "" },
    { "[\"a\",null]", PARA_CLAIM_TYPE, "" },
    { "[[]]", PARA_CLAIM_TYPE, "" },
    { "\"a\\n\"", PARA_CLAIM_UNSAFE, "" },
    { "[\"a\",\"b\\u0085\"]", PARA_CLAIM_UNSAFE, "" }
};


static const row_t  wallets[] = {
    { "[{\"type\":\"EVM\",\"address\":\"0x1\"}]", PARA_OK, "EVM:0x1" },
    { "[{\"type\":\"A\",\"address\":\"1\"},{\"type\":\"B\","
      "\"address\":\"2\"}]", PARA_OK, "A:1,B:2" },
    { "[{\"type\":\"A:,%\",\"address\":\"1:,%\"}]", PARA_OK,
      "A%3A%2C%25:1:%2C%25" },
    { "[{\"type\":\"A\"},{\"type\":\"B\",\"address\":\"2\"},"
      "{\"type\":\"C\",\"address\":\"\"}]", PARA_OK, "B:2" },
    { "[{\"type\":\"A\",\"address\":null}]", PARA_OK, "" },
    { "[{}]", PARA_OK, "" },
    { "[{\"address\":\"\"}]", PARA_OK, "" },
    { "[{\"address\":\"\",\"type\":7}]", PARA_OK, "" },
    { "[]", PARA_OK, "" },
    { "null", PARA_CLAIM_TYPE, "" },
    { "{}", PARA_CLAIM_TYPE, "" },
    { "\"EVM:0x1\"", PARA_CLAIM_TYPE, "" },
    { "[\"EVM:0x1\"]", PARA_CLAIM_TYPE, "" },
    { "[[]]", PARA_CLAIM_TYPE, "" },
    { "[null]", PARA_CLAIM_TYPE, "" },
    { "[{\"type\":\"A\",\"address\":7}]", PARA_CLAIM_TYPE, "" },
    { "[{\"type\":7,\"address\":\"1\"}]", PARA_CLAIM_TYPE, "" },
    { "[{\"type\":\"\",\"address\":\"1\"}]", PARA_CLAIM_TYPE, "" },
    { "[{\"address\":\"1\"}]", PARA_CLAIM_TYPE, "" },
    { "[{\"type\":\"A\",\"address\":\"1\"},{\"type\":\"B\\n\","
      "\"address\":\"2\"}]", PARA_CLAIM_UNSAFE, "" },
    { "[{\"type\":\"A\",\"address\":\"1\\r\\n\"}]", PARA_CLAIM_UNSAFE, "" }
};


/* Each is written into no more room than was asked for. */

static void
assert_rows(const row_t *row, size_t n, check_pt check, write_pt write)
{
    char           *text;
    size_t          i, size;
    para_json_t    *root;
    para_reason_e   rc;
    unsigned char  *dst, *end;

    for (i = 0; i < n; i++) {
        text = unit_format("{\"a\":%s}", row[i].value);
        root = para_json_parse(unit_span(text), strlen(text));
        assert_non_null(root);

        size = 0;
        rc = check(para_json_get(root, "a"), &size);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", row[i].value, para_reason_name(rc));
        }

        if (rc == PARA_OK) {
            dst = malloc(size + 1);
            end = write(dst, para_json_get(root, "a"));

            assert_true((size_t) (end - dst) <= size);

            *end = '\0';
            assert_string_equal((char *) dst, row[i].header);

            free(dst);
        }

        para_json_free(root);
        free(text);
    }
}


static void
test_roles(void **state)
{
    (void) state;

    assert_rows(roles, unit_count(roles), para_list_check_roles,
                para_list_write_roles);
}


static void
test_wallets(void **state)
{
    (void) state;

    assert_rows(wallets, unit_count(wallets), para_list_check_wallets,
                para_list_write_wallets);
}


static para_reason_e
check_wallet_ids(const para_json_t *value, size_t *size)
{
    *size = para_list_wallet_ids_max(value);

    return PARA_OK;
}


static void
test_wallet_ids(void **state)
{
    char   *text, *json;
    row_t   row;

    static const row_t  ids[] = {
        { "[{\"id\":\"a\",\"type\":\"EVM\"}]", PARA_OK, "EVM:a" },
        { "[{\"id\":\"a:b\",\"type\":\"A:,%\"},{\"id\":\"c\"}]", PARA_OK,
          "A%3A%2C%25:a:b,:c" },
        { "[{\"type\":\"EVM\"},{\"id\":\"c\",\"type\":null},"
          "{\"id\":\"d\",\"type\":7},{\"id\":\"e\",\"type\":\"\\n\"}]",
          PARA_OK, ":c,:d,:e" },
        { "[{\"id\":7},{\"id\":null},{\"id\":\"\"},{\"id\":\"a b\"},"
          "{\"id\":\"a,b\"},{\"id\":\"a%\"},{\"id\":\"\\u00e9\"},"
          "{\"id\":\"\\n\"},{\"id\":[\"a\"]},{}]", PARA_OK, "" },
        { "[]", PARA_OK, "" },
        { "\"a\"", PARA_OK, "" }
    };

    (void) state;

    assert_rows(ids, unit_count(ids), check_wallet_ids,
                para_list_write_wallet_ids);

    text = unit_repeat('x', PARA_WALLET_ID_MAX + 1);
    json = unit_format("[{\"id\":\"%s\"},{\"id\":\"%s\"}]", text, text + 1);
    row.value = json;
    row.reason = PARA_OK;
    row.header = unit_format(":%s", text + 1);

    assert_rows(&row, 1, check_wallet_ids, para_list_write_wallet_ids);

    free((void *) row.header);
    free(json);
    free(text);
}


static void
test_no_list(void **state)
{
    size_t         size;
    unsigned char  dst[1];

    (void) state;

    size = 0;

    assert_reason(para_list_check_roles(NULL, &size), PARA_OK);
    assert_reason(para_list_check_wallets(NULL, &size), PARA_OK);
    assert_int_equal(size, 0);

    assert_ptr_equal(para_list_write_roles(dst, NULL), dst);
    assert_ptr_equal(para_list_write_wallets(dst, NULL), dst);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_wallets),
        cmocka_unit_test(test_wallet_ids),
        cmocka_unit_test(test_no_list)
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
