#include "unit.h"

#include "para_session.h"


static para_reason_e
parse(const char *answer)
{
    size_t          i;
    para_span_t     exact;
    para_session_t  session;
    para_reason_e   rc;

    exact = unit_exact(answer, strlen(answer));
    rc = para_session_parse_touch(&session, exact);
    free((void *) exact.data);

    for (i = 0; rc != PARA_OK && i < PARA_SESSION_FIELDS; i++) {
        assert_absent(session.field[i]);
    }

    para_session_free(&session);

    return rc;
}


static void
test_good_answers(void **state)
{
    para_session_t  session;

    (void) state;

    assert_reason(para_session_parse_touch(&session, unit_span(
        "{\"userId\":\"u1\",\"isAuthenticated\":true,\"sessionId\":\"s\","
        "\"sessionLookupId\":\"l\",\"partnerId\":\"p\",\"email\":\"a@b.c\","
        "\"verifiedExternalWalletAddresses\":[\"0x1\"],\"currentWalletIds\":"
        "{\"EVM\":[\"w1\",\"w2\"],\"SOLANA\":[\"w3\"],\"COSMOS\":[],"
        "\"STELLAR\":null},\"identifier\":\"evil\",\"authType\":7,"
        "\"more\":{}}")), PARA_OK);
    assert_span(session.field[PARA_SESSION_USER_ID], "u1");
    assert_span(session.field[PARA_SESSION_EMAIL], "a@b.c");

    /* echo -n l | sha256sum */

    assert_memory_equal(session.field[PARA_SESSION_LOOKUP_ID].data,
                        "\xac\xac\x86\xc0", 4);
    assert_int_equal(session.field[PARA_SESSION_LOOKUP_ID].len, 32);
    assert_span(session.field[PARA_SESSION_WALLET_IDS],
                "EVM:w1,EVM:w2,SOLANA:w3");
    assert_absent(session.field[PARA_SESSION_IDENTIFIER]);
    assert_absent(session.field[PARA_SESSION_AUTH_TYPE]);
    assert_absent(session.field[PARA_SESSION_OAUTH_METHOD]);
    para_session_free(&session);
    assert_absent(session.field[PARA_SESSION_WALLET_IDS]);

    assert_reason(para_session_parse_touch(&session, unit_span(
        "{\"userId\":\"u1\",\"isAuthenticated\":true,\"email\":null,"
        "\"sessionLookupId\":\"\",\"currentWalletIds\":null}")), PARA_OK);
    assert_absent(session.field[PARA_SESSION_EMAIL]);
    assert_absent(session.field[PARA_SESSION_LOOKUP_ID]);
    assert_absent(session.field[PARA_SESSION_WALLET_IDS]);
    para_session_free(&session);

    assert_reason(para_session_parse_touch(&session, unit_span(
        "{\"userId\":\"u1\",\"isAuthenticated\":true,\"currentWalletIds\":"
        "{\"A:,%\":[\"w:1\"]}}")), PARA_OK);
    assert_span(session.field[PARA_SESSION_WALLET_IDS],
                "A%3A%2C%25:w:1");
    para_session_free(&session);
}


static void
test_answers(void **state)
{
    size_t         i;
    para_reason_e  rc;

    static const struct {
        const char     *answer;
        para_reason_e   reason;
    } row[] = {
        { "{\"userId\":\"u\",\"isAuthenticated\":true}", PARA_OK },
        { "{\"userId\":\"u\",\"isAuthenticated\":true,"
          "\"currentWalletIds\":{}}", PARA_OK },

        /* the session is none, or no longer */

        { "{\"isAuthenticated\":false}", PARA_SESSION_ENDED },
        { "{\"userId\":\"u\",\"isAuthenticated\":false}",
          PARA_SESSION_ENDED },
        { "{\"userId\":7,\"isAuthenticated\":false}", PARA_SESSION_ENDED },
        { "{\"userId\":\"u\",\"isAuthenticated\":null}",
          PARA_SESSION_ENDED },
        { "{\"userId\":\"u\"}", PARA_SESSION_ENDED },
        { "{\"partnerId\":\"p\"}", PARA_SESSION_ENDED },
        { "{\"userId\":\"u\",\"isauthenticated\":true}",
          PARA_SESSION_ENDED },

        /* neither that nor the other */

        { "{}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":\"true\"}",
          PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":\"false\"}",
          PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":\"\"}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":1}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":0}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":[]}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":{}}", PARA_ANSWER_MEMBER },

        /* active, and nobody */

        { "{\"isAuthenticated\":true}", PARA_ANSWER_MEMBER },
        { "{\"userId\":null,\"isAuthenticated\":true}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"\",\"isAuthenticated\":true}", PARA_ANSWER_MEMBER },
        { "{\"userId\":7,\"isAuthenticated\":true}", PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\\n\",\"isAuthenticated\":true}",
          PARA_ANSWER_MEMBER },

        { "{\"userId\":\"u\",\"isAuthenticated\":true,\"email\":7}",
          PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":true,\"email\":\"\\r\\n\"}",
          PARA_ANSWER_MEMBER },
        { "{\"userId\":\"u\",\"isAuthenticated\":true,"
          "\"sessionLookupId\":{}}", PARA_ANSWER_MEMBER },

        { "", PARA_ANSWER_JSON },
        { "<html>", PARA_ANSWER_JSON },
        { "[]", PARA_ANSWER_JSON },
        { "true", PARA_ANSWER_JSON },
        { "{\"userId\":\"u\",\"isAuthenticated\":true", PARA_ANSWER_JSON },
        { "{\"userId\":\"u\",\"isAuthenticated\":true,"
          "\"isAuthenticated\":true}", PARA_ANSWER_JSON }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        rc = parse(row[i].answer);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", row[i].answer, para_reason_name(rc));
        }
    }
}


static void
test_wallet_ids(void **state)
{
    char           *answer;
    size_t          i;
    para_reason_e   rc;

    static const char *const  bad[] = {
        "[]", "\"w\"", "7", "true", "[\"w\"]",
        "{\"EVM\":\"w\"}", "{\"EVM\":{}}", "{\"EVM\":7}",
        "{\"EVM\":[7]}", "{\"EVM\":[null]}", "{\"EVM\":[[\"w\"]]}",
        "{\"EVM\":[\"\"]}", "{\"EVM\":[\"a,b\"]}", "{\"EVM\":[\"a b\"]}",
        "{\"EVM\":[\"a%\"]}", "{\"EVM\":[\"a\\n\"]}",
        "{\"EVM\":[\"\\u00e9\"]}", "{\"EVM\":[\"w\"],\"SOLANA\":[7]}",
        "{\"\":[\"w\"]}", "{\"E\\n\":[\"w\"]}",
        "{\"0123456789abcdef0123456789abcdef0\":[\"w\"]}"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        answer = unit_format("{\"userId\":\"u\",\"isAuthenticated\":true,"
                             "\"currentWalletIds\":%s}", bad[i]);
        rc = parse(answer);

        if (rc != PARA_ANSWER_MEMBER) {
            fail_msg("%s: %s", answer, para_reason_name(rc));
        }

        free(answer);
    }
}


/* As many as are taken, of types as long and as costly as they may be. */

static void
test_number_of_wallets(void **state)
{
    char           *answer, *p;
    size_t          n, i;
    para_session_t  session;

    (void) state;

    for (n = PARA_SESSION_WALLETS; n <= PARA_SESSION_WALLETS + 1; n++) {
        answer = malloc(PARA_SESSION_ANSWER_MAX);
        p = answer + sprintf(answer, "{\"userId\":\"u\","
                             "\"isAuthenticated\":true,\"currentWalletIds\":"
                             "{\"%.32s\":[",
                             "%,:%,:%,:%,:%,:%,:%,:%,:%,:%,:%,:%,:");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s\"wallet-%zu\"", i == 0 ? "" : ",", i);
        }

        sprintf(p, "]}}");

        if (n > PARA_SESSION_WALLETS) {
            assert_reason(parse(answer), PARA_ANSWER_MEMBER);

        } else {
            assert_reason(para_session_parse_touch(&session,
                                                   unit_span(answer)),
                          PARA_OK);
            assert_true(session.field[PARA_SESSION_WALLET_IDS].len > 25000);
            para_session_free(&session);
        }

        free(answer);
    }
}


static void
test_size_of_an_answer(void **state)
{
    char    *space, *answer;
    size_t   left;

    static const char  good[] = "{\"userId\":\"u\",\"isAuthenticated\":true}";

    (void) state;

    left = PARA_SESSION_ANSWER_MAX - (sizeof(good) - 1);

    space = unit_repeat(' ', left);
    answer = unit_format("%s%s", good, space);
    assert_reason(parse(answer), PARA_OK);
    free(answer);

    answer = unit_format("%s%s ", good, space);
    assert_reason(parse(answer), PARA_ANSWER_SIZE);
    free(answer);

    free(space);
}


/* Cut anywhere, it is no answer. */

static void
test_truncated(void **state)
{
    size_t          i;
    para_span_t     exact;
    para_session_t  session;

    static const char  good[] =
        "{\"isAuthenticated\":true,\"userId\":\"u1\",\"email\":\"a@b.c\","
        "\"currentWalletIds\":{\"EVM\":[\"w1\"]}}";

    (void) state;

    for (i = 0; i < sizeof(good) - 1; i++) {
        exact = unit_exact(good, i);
        assert_reason(para_session_parse_touch(&session, exact),
                      PARA_ANSWER_JSON);
        para_session_free(&session);
        free((void *) exact.data);
    }

    assert_reason(parse(good), PARA_OK);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good_answers),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_wallet_ids),
        cmocka_unit_test(test_number_of_wallets),
        cmocka_unit_test(test_size_of_an_answer),
        cmocka_unit_test(test_truncated)
    };

    return cmocka_run_group_tests_name("touch", tests, NULL, NULL);
}
