#include "unit.h"

#include "para_session.h"


static void
test_tokens(void **state)
{
    int            c;
    char          *text;
    unsigned char  byte[3];

    (void) state;

    for (c = 0; c < 256; c++) {
        byte[0] = 'a';
        byte[1] = (unsigned char) c;
        byte[2] = 'b';

        assert_reason(para_session_check_token(para_span(byte, 3)),
                      c > 0x20 && c < 0x7f && c != '"' && c != ','
                      && c != '\\' ? PARA_OK : PARA_SESSION_MALFORMED);
    }

    assert_reason(para_session_check_token(unit_span("")),
                  PARA_SESSION_MALFORMED);
    assert_reason(para_session_check_token(PARA_SPAN_NONE),
                  PARA_SESSION_MALFORMED);

    text = unit_repeat('a', PARA_SESSION_TOKEN_MAX + 1);
    text[PARA_SESSION_TOKEN_MAX] = ',';
    assert_reason(para_session_check_token(
                      para_span(text, PARA_SESSION_TOKEN_MAX)), PARA_OK);
    text[PARA_SESSION_TOKEN_MAX] = 'a';
    assert_reason(para_session_check_token(unit_span(text)),
                  PARA_SESSION_MALFORMED);
    free(text);
}


static void
test_body(void **state)
{
    char           *text, *expected;
    size_t          n;
    unsigned char  *dst;

    (void) state;

    dst = malloc(PARA_SESSION_BODY_MAX);

    n = para_session_verify_body(dst, unit_span("a/b+c=~"));
    assert_span(para_span(dst, n), "{\"verificationToken\":\"a/b+c=~\"}");

    text = unit_repeat('a', PARA_SESSION_TOKEN_MAX);
    expected = unit_format("{\"verificationToken\":\"%s\"}", text);
    n = para_session_verify_body(dst, unit_span(text));
    assert_span(para_span(dst, n), expected);
    free(expected);
    free(text);

    /* more than a token may be does not fit, and is not cut */

    text = unit_repeat('a', PARA_SESSION_BODY_MAX);
    assert_int_equal(para_session_verify_body(dst, unit_span(text)), 0);
    free(text);

    free(dst);
}


static para_reason_e
parse(const char *answer)
{
    size_t           i;
    para_span_t      exact;
    para_session_t   session;
    para_reason_e    rc;

    exact = unit_exact(answer, strlen(answer));
    rc = para_session_parse_verify(&session, exact);
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

    assert_reason(para_session_parse_verify(&session,
                      unit_span("{\"authType\":\"email\",\"identifier\":"
                                "\"a@b.c\",\"oAuthMethod\":\"GOOGLE\","
                                "\"more\":{}}")), PARA_OK);
    assert_span(session.field[PARA_SESSION_AUTH_TYPE], "email");
    assert_span(session.field[PARA_SESSION_IDENTIFIER], "a@b.c");
    assert_span(session.field[PARA_SESSION_OAUTH_METHOD], "GOOGLE");
    assert_absent(session.field[PARA_SESSION_USER_ID]);
    para_session_free(&session);

    assert_reason(para_session_parse_verify(&session,
                      unit_span("{\"authType\":\"phone\",\"identifier\":"
                                "\"+1\",\"oAuthMethod\":null,"
                                "\"userId\":\"u1\"}")), PARA_OK);
    assert_span(session.field[PARA_SESSION_IDENTIFIER], "+1");
    assert_absent(session.field[PARA_SESSION_OAUTH_METHOD]);
    assert_span(session.field[PARA_SESSION_USER_ID], "u1");
    para_session_free(&session);

    assert_reason(parse("{\"authType\":\"a\",\"identifier\":\"b\","
                        "\"oAuthMethod\":\"\",\"userId\":null}"), PARA_OK);
}


static void
test_bad_answers(void **state)
{
    size_t         i;
    para_reason_e  rc;

    static const struct {
        const char     *answer;
        para_reason_e   reason;
    } row[] = {
        { "", PARA_ANSWER_JSON },
        { "<html>", PARA_ANSWER_JSON },
        { "[]", PARA_ANSWER_JSON },
        { "null", PARA_ANSWER_JSON },
        { "{\"authType\":\"a\",\"identifier\":\"b\"", PARA_ANSWER_JSON },
        { "{\"authType\":\"a\",\"identifier\":\"b\",\"identifier\":\"c\"}",
          PARA_ANSWER_JSON },
        { "{}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\"}", PARA_ANSWER_MEMBER },
        { "{\"identifier\":\"b\"}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"\",\"identifier\":\"b\"}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"\"}", PARA_ANSWER_MEMBER },
        { "{\"authType\":null,\"identifier\":\"b\"}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":null}", PARA_ANSWER_MEMBER },
        { "{\"authType\":1,\"identifier\":\"b\"}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":[\"b\"]}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":{}}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":true}", PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\",\"oAuthMethod\":1}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\",\"userId\":1}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\\r\\nX: y\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\\t\",\"identifier\":\"b\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\\u2028\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\\u0085\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\",\"oAuthMethod\":\"\\n\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authType\":\"a\",\"identifier\":\"b\",\"userId\":\"\\u007f\"}",
          PARA_ANSWER_MEMBER },
        { "{\"authtype\":\"a\",\"Identifier\":\"b\"}", PARA_ANSWER_MEMBER }
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
test_length_of_fields(void **state)
{
    char    *good, *bad, *answer;
    size_t   i;

    static const char *const  format[] = {
        "{\"authType\":\"a\",\"identifier\":\"@\"}",
        "{\"authType\":\"@\",\"identifier\":\"b\"}",
        "{\"authType\":\"a\",\"identifier\":\"b\",\"oAuthMethod\":\"@\"}",
        "{\"authType\":\"a\",\"identifier\":\"b\",\"userId\":\"@\"}"
    };

    (void) state;

    good = unit_repeat('x', PARA_SESSION_TEXT_MAX);
    bad = unit_repeat('x', PARA_SESSION_TEXT_MAX + 1);

    for (i = 0; i < unit_count(format); i++) {
        const char  *at = strchr(format[i], '@');

        answer = unit_format("%.*s%s%s", (int) (at - format[i]), format[i],
                             good, at + 1);
        assert_reason(parse(answer), PARA_OK);
        free(answer);

        answer = unit_format("%.*s%s%s", (int) (at - format[i]), format[i],
                             bad, at + 1);
        assert_reason(parse(answer), PARA_ANSWER_MEMBER);
        free(answer);
    }

    free(good);
    free(bad);
}


static void
test_size_of_an_answer(void **state)
{
    char    *space, *answer;
    size_t   left;

    static const char  good[] = "{\"authType\":\"a\",\"identifier\":\"b\"}";

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


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_good_answers),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_length_of_fields),
        cmocka_unit_test(test_size_of_an_answer)
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
