#include "unit.h"

#include "para_exported.h"


#define COOKIE  "capsule.sid=s%3A9f.c2ln+/; Path=/; HttpOnly; SameSite=None"
#define PAIR    "capsule.sid=s%3A9f.c2ln+/"
#define DECODED "capsule.sid=s:9f.c2ln+/"


static para_reason_e
parse(para_exported_t *exported, const char *json, para_signer_e signer)
{
    char           *text;
    para_span_t     exact;
    para_reason_e   rc;

    text = unit_base64(json, strlen(json));
    exact = unit_exact(text, strlen(text));

    rc = para_exported_parse(exported, exact, signer);

    free((void *) exact.data);
    free(text);

    return rc;
}


static void
assert_parse(const char *json, para_reason_e expected)
{
    para_reason_e    rc;
    para_exported_t  exported;

    rc = parse(&exported, json, PARA_SIGNER_DENY);

    if (rc != expected) {
        fail_msg("%s: %s", json, para_reason_name(rc));
    }

    if (rc != PARA_OK) {
        assert_absent(exported.cookie);
        assert_absent(exported.pair);
        assert_absent(exported.user_id);
    }

    para_exported_free(&exported);
}


/* Told apart by form, each where it is taken. */

static void
test_forms(void **state)
{
    char      *text, *json;
    size_t     i;
    unsigned   form;

    static const struct {
        const char  *json;            /* or, with "!", the credential itself */
        unsigned     form;
    } row[] = {
        { "{}", PARA_FORM_EXPORTED },
        { "{\"sessionCookie\":\"a\"}", PARA_FORM_EXPORTED },
        { "\t\r\n {\t\r\n \"a\":1}", PARA_FORM_EXPORTED },
        { "{\"broken", PARA_FORM_EXPORTED },
        { "{}trailing", PARA_FORM_EXPORTED },
        { "[]", PARA_FORM_TOKEN },
        { "{", PARA_FORM_TOKEN },
        { "{a", PARA_FORM_TOKEN },
        { "\"{}\"", PARA_FORM_TOKEN },
        { "x{}", PARA_FORM_TOKEN },
        { "", 0 },
        { "!5cb0c1f2-8f5e-4a55-9d4b-2f3f5a0f7b11", PARA_FORM_TOKEN },
        { "!e30", PARA_FORM_TOKEN },          /* {} without its padding */
        { "!e30=", PARA_FORM_EXPORTED },
        { "!eyJhbGciOiJub25lIn0=.e30=.", PARA_FORM_TOKEN },
        { "!eyI_", PARA_FORM_TOKEN },         /* {"? in base64url */
        { "!eyI/", PARA_FORM_EXPORTED },
        { "!two words", 0 },
        { "!a,b", 0 },
        { "!\"a\"", 0 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        json = unit_format("%s", row[i].json);
        text = *json == '!' ? unit_format("%s", json + 1)
                            : unit_base64(json, strlen(json));
        form = para_exported_form(unit_span(text), PARA_FORM_ANY);

        if (form != row[i].form) {
            fail_msg("%s: form %u", row[i].json, form);
        }

        assert_int_equal(para_exported_form(unit_span(text),
                                            PARA_FORM_TOKEN),
                         row[i].form & PARA_FORM_TOKEN);
        assert_int_equal(para_exported_form(unit_span(text),
                                            PARA_FORM_EXPORTED),
                         row[i].form & PARA_FORM_EXPORTED);
        free(text);
        free(json);
    }

    assert_int_equal(para_exported_form(PARA_SPAN_NONE, PARA_FORM_ANY), 0);
}


static void
test_size(void **state)
{
    char             *json, *text;
    size_t            pad;
    para_exported_t   exported;

    static const char  start[] = "{\"sessionCookie\":\"a=b\",\"x\":\"";

    (void) state;

    /* 12,288 bytes are 16,384 characters, and 12,289 four more */

    pad = 12288 - (sizeof(start) - 1) - 2;

    text = unit_repeat('x', pad);
    json = unit_format("%s%s\"}", start, text);
    free(text);

    text = unit_base64(json, 12288);
    assert_int_equal(strlen(text), PARA_EXPORTED_MAX);
    assert_int_equal(para_exported_form(unit_span(text), PARA_FORM_ANY),
                     PARA_FORM_EXPORTED);
    assert_reason(para_exported_parse(&exported, unit_span(text),
                                      PARA_SIGNER_DENY), PARA_OK);
    para_exported_free(&exported);
    free(text);

    json = realloc(json, 12290);
    memcpy(json + 12288, " ", 2);

    text = unit_base64(json, 12289);
    assert_int_equal(para_exported_form(unit_span(text), PARA_FORM_ANY), 0);
    assert_reason(para_exported_parse(&exported, unit_span(text),
                                      PARA_SIGNER_DENY),
                  PARA_SESSION_MALFORMED);
    para_exported_free(&exported);
    free(text);
    free(json);
}


static void
test_good_sessions(void **state)
{
    para_exported_t  exported;

    (void) state;

    assert_reason(parse(&exported,
        "{\"authInfo\":{\"auth\":{\"email\":\"a@b.c\"},\"authType\":\"email\","
        "\"identifier\":\"a@b.c\"},\"userId\":\"u1\",\"wallets\":{\"w1\":"
        "{\"id\":\"w1\",\"type\":\"EVM\",\"address\":\"0x1\"}},"
        "\"currentWalletIds\":{\"EVM\":[\"w1\"]},\"sessionCookie\":\"" COOKIE
        "\",\"externalWallets\":{}}", PARA_SIGNER_DENY), PARA_OK);
    assert_span(exported.cookie, COOKIE);
    assert_span(exported.pair, DECODED);
    assert_span(exported.user_id, "u1");
    para_exported_free(&exported);
    assert_absent(exported.cookie);

    assert_reason(parse(&exported, "{\"sessionCookie\":\"" PAIR "\","
                        "\"userId\":null}", PARA_SIGNER_DENY), PARA_OK);
    assert_span(exported.cookie, PAIR);
    assert_span(exported.pair, DECODED);
    assert_absent(exported.user_id);
    para_exported_free(&exported);

    assert_reason(parse(&exported, "{\"sessionCookie\":\"a=b  ; Secure\","
                        "\"userId\":\"\"}", PARA_SIGNER_DENY), PARA_OK);
    assert_span(exported.cookie, "a=b  ; Secure");
    assert_span(exported.pair, "a=b");
    assert_absent(exported.user_id);
    para_exported_free(&exported);
}


/* Para's own check takes the first of these for active without asking. */

static void
test_no_cookie(void **state)
{
    (void) state;

    assert_parse("{\"externalWallets\":{\"w\":{\"address\":\"0x1\","
                 "\"type\":\"EVM\"}},\"wallets\":{},\"userId\":\"u1\"}",
                 PARA_SESSION_COOKIE);
    assert_parse("{}", PARA_SESSION_COOKIE);
    assert_parse("{\"sessionCookie\":null}", PARA_SESSION_COOKIE);
    assert_parse("{\"sessionCookie\":\"\"}", PARA_SESSION_COOKIE);
    assert_parse("{\"sessionCookie\":\"; Path=/\"}", PARA_SESSION_COOKIE);
    assert_parse("{\"SessionCookie\":\"a=b\"}", PARA_SESSION_COOKIE);
    assert_parse("{\"authInfo\":{\"sessionCookie\":\"a=b\"}}",
                 PARA_SESSION_COOKIE);
}


static void
test_malformed(void **state)
{
    size_t           i;
    para_exported_t  exported;

    static const char *const  row[] = {
        "",
        "[]",
        "null",
        "{\"sessionCookie\":\"a=b\"",
        "{\"sessionCookie\":\"a=b\"}x",
        "{\"sessionCookie\":\"a=b\",\"sessionCookie\":\"a=c\"}",
        "{\"sessionCookie\":7}",
        "{\"sessionCookie\":true}",
        "{\"sessionCookie\":[\"a=b\"]}",
        "{\"sessionCookie\":{\"a\":\"b\"}}",
        "{\"sessionCookie\":\"a=b\",\"userId\":7}",
        "{\"sessionCookie\":\"a=b\",\"userId\":[\"u\"]}",
        "{\"sessionCookie\":\"a=b\",\"userId\":\"u\\n\"}",
        "{\"sessionCookie\":\"a=b\",\"userId\":\"u\\u0085\"}",
        "{\"sessionCookie\":\" a=b\"}",
        "{\"sessionCookie\":\"a=b \"}",
        "{\"sessionCookie\":\"a=b\\r\\nX: y\"}",
        "{\"sessionCookie\":\"a=b\\u0000\"}",
        "{\"sessionCookie\":\"a=\\u00e9\"}",
        "{\"sessionCookie\":\"a=\\u2028\"}",
        "{\"sessionCookie\":\"a\"}",
        "{\"sessionCookie\":\"=b\"}",
        "{\"sessionCookie\":\"a =b\"}",
        "{\"sessionCookie\":\"a= b\"}",
        "{\"sessionCookie\":\"a=\\\"b\\\"\"}",
        "{\"sessionCookie\":\"a=b,c=d\"}",
        "{\"sessionCookie\":\"a=b c=d\"}",
        "{\"sessionCookie\":\"a=b;\"}",
        "{\"sessionCookie\":\"a=b;;Path=/\"}",
        "{\"sessionCookie\":\"a=b; c\"}",
        "{\"sessionCookie\":\"a=b; c=d\"}",
        "{\"sessionCookie\":\"a=b; Path=/; c=d\"}",
        "{\"sessionCookie\":\"a=b; Path =/\"}",
        "{\"sessionCookie\":\"a=b; Path= /\"}",
        "{\"sessionCookie\":\"a=b; Paths=/\"}",
        "{\"sessionCookie\":\"a=b; Pat\"}",
        "{\"sessionCookie\":\"a=b; Path=/,c=d\"}",
        "{\"sessionCookie\":\"a=b; Path=\\\"/\\\"\"}",
        "{\"sessionCookie\":\"a=b; Expires=Thu, c=d\"}",
        "{\"sessionCookie\":\"; Path=/; c=d\"}"
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_parse(row[i], PARA_SESSION_MALFORMED);
    }

    /* base64 that is not strict */

    assert_reason(para_exported_parse(&exported, unit_span("e30"),
                                      PARA_SIGNER_DENY),
                  PARA_SESSION_MALFORMED);
    para_exported_free(&exported);
    assert_reason(para_exported_parse(&exported, PARA_SPAN_NONE,
                                      PARA_SIGNER_DENY),
                  PARA_SESSION_MALFORMED);
    para_exported_free(&exported);
}


/* RFC 6265 4.1.1: which of them may be in a name and in a value. */

static void
test_bytes_of_a_cookie(void **state)
{
    int    c, token, octet;
    char  *json;

    (void) state;

    for (c = 1; c < 128; c++) {
        octet = c > ' ' && c < 0x7f && strchr("\",;\\", c) == NULL;
        token = octet && strchr("()<>@:/[]?={}", c) == NULL;

        json = unit_format("{\"sessionCookie\":\"x\\u%04xy=z\"}", c);
        assert_parse(json, token || c == '=' ? PARA_OK
                                             : PARA_SESSION_MALFORMED);
        free(json);

        json = unit_format("{\"sessionCookie\":\"x=y\\u%04xz\"}", c);
        assert_parse(json, octet ? PARA_OK : PARA_SESSION_MALFORMED);
        free(json);

        json = unit_format("{\"sessionCookie\":\"x=y; Path=y\\u%04xz\"}", c);
        assert_parse(json, octet ? PARA_OK : PARA_SESSION_MALFORMED);
        free(json);
    }
}


static void
test_attributes(void **state)
{
    size_t           i;
    char            *json;
    para_exported_t  exported;

    static const char *const  row[] = {
        "Path=/", "path=/", "PATH=/a/b", "Path", "Path=", "Domain=.a.b",
        "Expires=Thu, 01 Jan 2099 00:00:00 GMT", "eXpires=Thu,  01",
        "Expires", "Max-Age=60", "MAX-AGE=0", "HttpOnly", "httponly",
        "Secure", "SameSite=None", "Priority=High", "Partitioned",
        "Path=/;Secure", "Path=/  ;  Secure ; HttpOnly", "Path=/; Path=/x"
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        json = unit_format("{\"sessionCookie\":\"a=b; %s\"}", row[i]);
        assert_parse(json, PARA_OK);

        assert_reason(parse(&exported, json, PARA_SIGNER_DENY), PARA_OK);
        assert_span(exported.pair, "a=b");
        para_exported_free(&exported);
        free(json);
    }
}


/* All of one cookie are one pair, and no two cookies are. */

static void
test_spellings(void **state)
{
    size_t           i;
    char            *json;
    para_exported_t  exported;

    static const struct {
        const char  *cookie;
        const char  *pair;
    } row[] = {
        { "sid=s%3A1", "sid=s:1" },
        { "sid=s%3a1", "sid=s:1" },
        { "sid=s:1", "sid=s:1" },
        { "sid=%73%3A%31", "sid=s:1" },
        { "%73id=s%3A1 ; Path=/", "sid=s:1" },
        { "sid=s%253A1", "sid=s%3A1" },
        { "sid=%2", "sid=%2" },
        { "sid=%", "sid=%" },
        { "sid=%3", "sid=%3" },
        { "sid=%3g", "sid=%3g" },
        { "sid=%g3", "sid=%g3" },
        { "sid=%%3A", "sid=%:" },
        { "sid=", "sid=" },
        { "a=b=c", "a=b=c" },
        { "sid=%ff%0A", "sid=\xff\n" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        json = unit_format("{\"sessionCookie\":\"%s\"}", row[i].cookie);

        assert_reason(parse(&exported, json, PARA_SIGNER_DENY), PARA_OK);
        assert_span(exported.cookie, row[i].cookie);
        assert_span(exported.pair, row[i].pair);
        para_exported_free(&exported);
        assert_absent(exported.pair);
        free(json);
    }
}


static void
test_lengths(void **state)
{
    char  *text, *json;

    (void) state;

    text = unit_repeat('x', PARA_COOKIE_MAX + 1);
    text[2] = '=';

    json = unit_format("{\"sessionCookie\":\"%s\"}", text + 1);
    assert_parse(json, PARA_OK);
    free(json);

    json = unit_format("{\"sessionCookie\":\"%s\"}", text);
    assert_parse(json, PARA_SESSION_MALFORMED);
    free(json);

    text[PARA_SESSION_TEXT_MAX + 1] = '\0';

    json = unit_format("{\"sessionCookie\":\"a=\",\"userId\":\"%s\"}",
                       text + 1);
    assert_parse(json, PARA_OK);
    free(json);

    json = unit_format("{\"sessionCookie\":\"a=\",\"userId\":\"%s\"}", text);
    assert_parse(json, PARA_SESSION_MALFORMED);
    free(json);

    free(text);
}


/* A key share, wherever it is: what the documentation removes is elsewhere. */

static void
test_signers(void **state)
{
    size_t           i;
    char            *json;
    para_exported_t  exported;

    static const char *const  refused[] = {
        "\"wallets\":{\"w\":{\"id\":\"w\",\"signer\":\"share\"}}",
        "\"wallets\":{\"v\":{\"id\":\"v\"},\"w\":{\"signer\":\"share\"}}",
        "\"wallets\":[{\"signer\":\"share\"}]",
        "\"wallets\":{\"w\":{\"old\":[[{\"signer\":\"share\"}]]}}",
        "\"wallets\":{\"w\":{\"Signer\":\"share\"}}",
        "\"wallets\":{\"w\":{\"SIGNER\":\"share\"}}",
        "\"wallets\":{\"w\":{\"\\u0073igner\":\"share\"}}",
        "\"wallets\":{\"signer\":{\"id\":\"w\"}}",
        "\"signer\":\"share\"",
        "\"signer\":{}",
        "\"signer\":[]",
        "\"signer\":false",
        "\"signer\":0",
        "\"signer\":\" \"",
        "\"more\":{\"signer\":\"share\"}"
    };

    static const char *const  taken[] = {
        "\"wallets\":{\"w\":{\"id\":\"w\",\"signer\":\"\"}}",
        "\"wallets\":{\"w\":{\"id\":\"w\",\"signer\":null}}",
        "\"wallets\":{\"w\":{\"id\":\"signer\",\"type\":\"signer\"}}",
        "\"wallets\":{\"w\":{\"signers\":\"x\",\"signe\":\"x\"}}",
        "\"signer\":null,\"wallets\":[]"
    };

    (void) state;

    for (i = 0; i < unit_count(refused); i++) {
        json = unit_format("{%s,\"sessionCookie\":\"a=b\"}", refused[i]);
        assert_parse(json, PARA_SESSION_SIGNER);

        assert_reason(parse(&exported, json, PARA_SIGNER_ALLOW), PARA_OK);
        assert_span(exported.cookie, "a=b");
        para_exported_free(&exported);
        free(json);

        /* what is to be told first */

        json = unit_format("{%s}", refused[i]);
        assert_parse(json, PARA_SESSION_SIGNER);
        free(json);
    }

    for (i = 0; i < unit_count(taken); i++) {
        json = unit_format("{%s,\"sessionCookie\":\"a=b\"}", taken[i]);
        assert_parse(json, PARA_OK);
        free(json);
    }
}


/* Para knows whose the cookie is: another's id in the session is a forgery. */

static void
test_claimed_user(void **state)
{
    size_t            i;
    para_session_t    session;
    para_exported_t   exported;

    static const struct {
        const char     *json;
        para_reason_e   reason;
    } row[] = {
        { "{\"sessionCookie\":\"a=b\",\"userId\":\"u1\"}", PARA_OK },
        { "{\"sessionCookie\":\"a=b\",\"userId\":null}", PARA_OK },
        { "{\"sessionCookie\":\"a=b\"}", PARA_OK },
        { "{\"sessionCookie\":\"a=b\",\"userId\":\"u2\"}", PARA_SESSION_USER },
        { "{\"sessionCookie\":\"a=b\",\"userId\":\"U1\"}", PARA_SESSION_USER },
        { "{\"sessionCookie\":\"a=b\",\"userId\":\"u\"}", PARA_SESSION_USER },
        { "{\"sessionCookie\":\"a=b\",\"userId\":\"u1 \"}", PARA_SESSION_USER }
    };

    (void) state;

    assert_reason(para_session_parse_touch(&session,
                      unit_span("{\"isAuthenticated\":true,"
                                "\"userId\":\"u1\"}")), PARA_OK);

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(parse(&exported, row[i].json, PARA_SIGNER_DENY),
                      PARA_OK);
        assert_reason(para_exported_check_user(&exported, &session),
                      row[i].reason);
        para_exported_free(&exported);
    }

    para_session_free(&session);

    /* an answer without anybody confirms nobody */

    assert_reason(parse(&exported, row[0].json, PARA_SIGNER_DENY), PARA_OK);
    assert_reason(para_exported_check_user(&exported, &session),
                  PARA_SESSION_USER);
    para_exported_free(&exported);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_good_sessions),
        cmocka_unit_test(test_no_cookie),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_bytes_of_a_cookie),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_claimed_user)
    };

    return cmocka_run_group_tests_name("exported", tests, NULL, NULL);
}
