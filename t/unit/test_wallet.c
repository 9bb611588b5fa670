#include "unit.h"

#include "para_wallet.h"


#define EVM   "0x9dd3824f045c77bc369485e8f1dd6b452b6be617"
#define EVM_  "0x9DD3824F045C77bc369485e8f1dd6b452b6be617"
#define SOL   "EEp7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a3W"
#define SOL_  "EEP7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a3W"


typedef struct {
    const char  *list;
    const char  *type;                /* NULL: any */
    const char  *value;
    int          has;
} row_t;

typedef para_reason_e (*check_pt)(para_span_t list, para_span_t type,
    para_span_t value);


static const row_t  addresses[] = {
    { "EVM:" EVM ",SOLANA:" SOL, NULL, EVM, 1 },
    { "EVM:" EVM ",SOLANA:" SOL, NULL, SOL, 1 },
    { "EVM:" EVM ",SOLANA:" SOL, "EVM", EVM, 1 },
    { "EVM:" EVM ",SOLANA:" SOL, "evm", EVM, 1 },
    { "evm:" EVM, "EVM", EVM_, 1 },
    { "EVM:" EVM, NULL, EVM_, 1 },
    { "EVM:" EVM_, "EVM", EVM, 1 },

    /* the address of one type is none of another */

    { "EVM:" EVM ",SOLANA:" SOL, "SOLANA", EVM, 0 },
    { "EVM:" EVM ",SOLANA:" SOL, "EVM", SOL, 0 },
    { "EVM:" EVM, "EV", EVM, 0 },
    { "EVM:" EVM, "EVMX", EVM, 0 },
    { "EVM:" EVM, "EVM:", EVM, 0 },

    /* only EVM addresses have a case that says nothing */

    { "SOLANA:" SOL, NULL, SOL_, 0 },
    { "COSMOS:" EVM, NULL, EVM_, 0 },
    { "COSMOS:" EVM, NULL, EVM, 1 },
    { "EVM:abc", NULL, "ABC", 0 },
    { "EVM:abc", NULL, "abc", 1 },
    { "EVM:" EVM "0", NULL, EVM_ "0", 0 },

    { "EVM:" EVM, NULL, "", 0 },
    { "EVM:", NULL, "", 0 },
    { "EVM:" EVM, NULL, "0x9dd3", 0 },
    { "EVM:" EVM, NULL, EVM "0", 0 },
    { "EVM:" EVM, NULL, "EVM:" EVM, 0 },
    { "EVM:" EVM ",SOLANA:" SOL, NULL, EVM ",SOLANA:" SOL, 0 },
    { "", NULL, EVM, 0 },
    { NULL, NULL, EVM, 0 },

    /* the list is encoded, what is looked for is not */

    { "A%3A:b:c%2C%25", "a:", "b:c,%", 1 },
    { "A%3A:b:c%2C%25", NULL, "b:c%2C%25", 0 },
    { "A%3A:b:c%2C%25", "A%3A", "b:c,%", 0 },
    { "A:%C3%A9", "A", "\xc3\xa9", 1 },
    { ":x", NULL, "x", 1 },
    { ":x", "EVM", "x", 0 },
    { "x", NULL, "x", 1 },
    { "a,EVM:x", "EVM", "x", 1 },

    /* not ours: nothing is read beyond it */

    { "EVM:a%", NULL, "a%", 0 },
    { "EVM:a%4", NULL, "a%4", 0 },
    { "%", "EVM", "%", 0 }
};


static const row_t  ids[] = {
    { "EVM:de40-1,SOLANA:d70f-2", NULL, "de40-1", 1 },
    { "EVM:de40-1,SOLANA:d70f-2", NULL, "d70f-2", 1 },
    { "EVM:de40-1,SOLANA:d70f-2", "SOLANA", "d70f-2", 1 },
    { "EVM:de40-1,SOLANA:d70f-2", "EVM", "d70f-2", 0 },
    { "EVM:de40-1", NULL, "DE40-1", 0 },
    { "EVM:" EVM, NULL, EVM_, 0 },
    { "EVM:de40-1", NULL, "de40-", 0 },
    { "EVM:de40-1", NULL, "de40-12", 0 },
    { "EVM:de40-1", NULL, "", 0 },
    { "EVM:,SOLANA:x", NULL, "", 0 },
    { "EVM:a%2Cb", NULL, "a%2Cb", 0 },
    { "EVM:a,SOLANA:b", NULL, "a,SOLANA:b", 0 },
    { "EVM:a:b", NULL, "a:b", 1 },
    { "", NULL, "a", 0 },
    { NULL, NULL, "a", 0 }
};


static void
assert_rows(const row_t *row, size_t n, check_pt check)
{
    size_t         i;
    para_span_t    list, value;
    para_reason_e  rc;

    for (i = 0; i < n; i++) {
        list = row[i].list == NULL ? PARA_SPAN_NONE
                                   : unit_exact(row[i].list,
                                                strlen(row[i].list));
        value = unit_exact(row[i].value, strlen(row[i].value));

        rc = check(list, unit_span(row[i].type), value);

        if (rc != (row[i].has ? PARA_OK : PARA_WALLET_MISSING)) {
            fail_msg("\"%s\" %s %s: %s", row[i].list, row[i].type,
                     row[i].value, para_reason_name(rc));
        }

        free((void *) list.data);
        free((void *) value.data);
    }
}


static void
test_addresses(void **state)
{
    (void) state;

    assert_rows(addresses, unit_count(addresses), para_wallet_check_address);
}


static void
test_ids(void **state)
{
    (void) state;

    assert_rows(ids, unit_count(ids), para_wallet_check_id);
}


static void
test_types(void **state)
{
    size_t         i;
    para_reason_e  rc;

    static const struct {
        const char  *list;
        const char  *type;
        int          has;
    } row[] = {
        { "EVM:a,SOLANA:b", NULL, 1 },
        { "EVM:a,SOLANA:b", "EVM", 1 },
        { "EVM:a,SOLANA:b", "SOLANA", 1 },
        { "EVM:a,SOLANA:b", "solana", 1 },
        { "EVM:a,SOLANA:b", "COSMOS", 0 },
        { "EVM:a,SOLANA:b", "a", 0 },
        { "EVM:SOLANA:b", "SOLANA", 0 },
        { ":b", "EVM", 0 },
        { ":b", NULL, 1 },
        { "", NULL, 0 },
        { NULL, NULL, 0 },
        { NULL, "EVM", 0 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        rc = para_wallet_check_type(unit_span(row[i].list),
                                    unit_span(row[i].type));
        assert_reason(rc, row[i].has ? PARA_OK : PARA_WALLET_MISSING);
    }
}


/* What is longer than any address is in no list, and is looked for in none. */

/* As it stands in the list. */

static void
test_first(void **state)
{
    size_t       i;
    para_span_t  found;

    static const struct {
        const char  *list;
        const char  *type;
        const char  *first;
    } row[] = {
        { "EVM:" EVM ",SOLANA:" SOL, "EVM", EVM },
        { "EVM:" EVM ",SOLANA:" SOL, "SOLANA", SOL },
        { "SOLANA:" SOL ",EVM:" EVM_ ",EVM:" EVM, "EVM", EVM_ },
        { "Evm:" EVM, "EVM", EVM },
        { "EVM:a%2C%25:b", "EVM", "a%2C%25:b" },
        { "EVM:" EVM, "COSMOS", NULL },
        { "EVMX:" EVM, "EVM", NULL },
        { "EV:" EVM, "EVM", NULL },
        { "", "EVM", NULL },
        { NULL, "EVM", NULL }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        found = para_wallet_first(unit_span(row[i].list),
                                  unit_span(row[i].type));

        if (row[i].first == NULL) {
            assert_absent(found);

        } else {
            assert_span(found, row[i].first);
        }
    }
}


static void
test_lengths(void **state)
{
    char  *text, *list;

    (void) state;

    text = unit_repeat('x', PARA_WALLET_ADDRESS_MAX + 1);
    list = unit_format("EVM:%s,EVM:%s", text, text + 1);

    assert_reason(para_wallet_check_address(unit_span(list), PARA_SPAN_NONE,
                                            unit_span(text + 1)), PARA_OK);
    assert_reason(para_wallet_check_address(unit_span(list), PARA_SPAN_NONE,
                                            unit_span(text)),
                  PARA_WALLET_MISSING);
    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"), PARA_SPAN_NONE,
                                         unit_span(text + 1)), 1);
    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"), PARA_SPAN_NONE,
                                         unit_span(text)), 0);
    free(list);

    list = unit_format("%s:a", text);
    assert_reason(para_wallet_check_type(unit_span(list), unit_span(text)),
                  PARA_WALLET_MISSING);
    free(list);
    free(text);
}


static void
test_may_ask(void **state)
{
    int             c;
    unsigned char   byte[3];

    (void) state;

    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"), unit_span("EVM"),
                                         unit_span("0x1")), 1);
    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"), PARA_SPAN_NONE,
                                         unit_span("0x1")), 1);
    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"),
                                         unit_span("SOLANA"),
                                         unit_span("0x1")), 0);
    assert_int_equal(para_wallet_may_ask(PARA_SPAN_NONE, PARA_SPAN_NONE,
                                         unit_span("0x1")), 0);
    assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"), PARA_SPAN_NONE,
                                         unit_span("")), 0);

    for (c = 0; c < 256; c++) {
        byte[0] = 'a';
        byte[1] = (unsigned char) c;
        byte[2] = 'b';

        assert_int_equal(para_wallet_may_ask(unit_span("EVM:w"),
                                             PARA_SPAN_NONE,
                                             para_span(byte, 3)),
                         c > 0x20 && c < 0x7f);
        assert_int_equal(para_wallet_id_valid(para_span(byte, 3)),
                         c > 0x20 && c < 0x7f && c != '%' && c != ',');
    }
}


static void
test_body(void **state)
{
    char           *text;
    size_t          n;
    unsigned char  *dst;

    (void) state;

    dst = malloc(PARA_WALLET_BODY_MAX);

    n = para_wallet_body(dst, unit_span("0x1"));
    assert_span(para_span(dst, n), "{\"address\":\"0x1\"}");

    n = para_wallet_body(dst, unit_span("\"},{\\"));
    assert_span(para_span(dst, n), "{\"address\":\"\\\"},{\\\\\"}");

    /* the longest that may be asked for */

    text = unit_repeat('"', PARA_WALLET_ADDRESS_MAX);
    n = para_wallet_body(dst, unit_span(text));
    assert_int_equal(n, 2 * PARA_WALLET_ADDRESS_MAX
                        + strlen("{\"address\":\"\"}"));
    free(text);

    text = unit_repeat('"', 2 * PARA_WALLET_ADDRESS_MAX);
    assert_int_equal(para_wallet_body(dst, unit_span(text)), 0);
    free(text);

    free(dst);
}


static void
test_answers(void **state)
{
    char           *text, *answer;
    size_t          i, n;
    para_span_t     exact;
    para_reason_e   rc;
    unsigned char  *id;

    static const struct {
        const char     *answer;
        para_reason_e   reason;
    } row[] = {
        { "{\"walletId\":\"de40-1\"}", PARA_OK },
        { "{\"walletId\":\"de40-1\",\"more\":[]}", PARA_OK },
        { "{}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":null}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":\"\"}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":7}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":[\"a\"]}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":{}}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":\"a\\n\"}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":\"a,b\"}", PARA_ANSWER_MEMBER },
        { "{\"walletid\":\"a\"}", PARA_ANSWER_MEMBER },
        { "{\"walletId\":\"a\",\"walletId\":\"b\"}", PARA_ANSWER_JSON },
        { "{\"walletId\":\"a\"", PARA_ANSWER_JSON },
        { "\"a\"", PARA_ANSWER_JSON },
        { "<html>", PARA_ANSWER_JSON },
        { "", PARA_ANSWER_JSON }
    };

    (void) state;

    id = malloc(PARA_WALLET_ID_MAX);

    for (i = 0; i < unit_count(row); i++) {
        exact = unit_exact(row[i].answer, strlen(row[i].answer));
        rc = para_wallet_parse(id, &n, exact);
        free((void *) exact.data);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", row[i].answer, para_reason_name(rc));
        }

        if (rc == PARA_OK) {
            assert_span(para_span(id, n), "de40-1");
        }
    }

    text = unit_repeat('w', PARA_WALLET_ID_MAX + 1);

    answer = unit_format("{\"walletId\":\"%s\"}", text + 1);
    assert_reason(para_wallet_parse(id, &n, unit_span(answer)), PARA_OK);
    assert_int_equal(n, PARA_WALLET_ID_MAX);
    free(answer);

    answer = unit_format("{\"walletId\":\"%s\"}", text);
    assert_reason(para_wallet_parse(id, &n, unit_span(answer)),
                  PARA_ANSWER_MEMBER);
    free(answer);
    free(text);

    text = unit_repeat(' ', 16384);
    answer = unit_format("{\"walletId\":\"a\"}%s", text);
    assert_reason(para_wallet_parse(id, &n, unit_span(answer)),
                  PARA_ANSWER_SIZE);
    free(answer);
    free(text);
    free(id);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_may_ask),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_answers)
    };

    return cmocka_run_group_tests_name("wallet", tests, NULL, NULL);
}
