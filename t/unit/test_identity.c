#include "unit.h"

#include "para_identity.h"


/* Who is meant by claims and by a session, either of them JSON or NULL. */

static para_reason_e
build(para_identity_t *identity, para_issuer_kind_e kind, const char *claims,
    const char *answer, para_match_e match)
{
    size_t           i;
    para_token_t     token;
    para_reason_e    rc;
    para_issuer_t    issuer;
    para_session_t   session;

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    issuer.name = unit_span("backend");
    para_issuer_default_map(kind, issuer.map);

    if (claims != NULL) {
        token.verdict = PARA_OK;
        token.issuer = &issuer;
        token.claims = para_json_parse(unit_span(claims), 100000);
        assert_non_null(token.claims);
    }

    if (answer != NULL) {
        assert_reason(para_session_parse_verify(&session, unit_span(answer)),
                      PARA_OK);
    }

    rc = para_identity_build(identity, claims != NULL ? &token : NULL,
                             answer != NULL ? &session : NULL, match);

    for (i = 0; rc != PARA_OK && i < PARA_ID_FIELDS; i++) {
        assert_absent(identity->field[i]);
    }

    /* the identity outlives both */

    if (answer != NULL) {
        para_session_free(&session);
    }

    para_json_free(token.claims);

    return rc;
}


static para_reason_e
build_only(para_issuer_kind_e kind, const char *claims, const char *answer,
    para_match_e match)
{
    para_reason_e    rc;
    para_identity_t  identity;

    rc = build(&identity, kind, claims, answer, match);
    para_identity_free(&identity);

    return rc;
}


/* One field of an own token's identity, as a string; NULL if absent. */

static void
assert_field(para_identity_field_e field, const char *claims,
    const char *expected)
{
    para_identity_t  identity;

    assert_reason(build(&identity, PARA_ISSUER_OWN, claims, NULL,
                        PARA_MATCH_STRICT), PARA_OK);

    if (expected == NULL) {
        assert_absent(identity.field[field]);

    } else {
        assert_span(identity.field[field], expected);
    }

    para_identity_free(&identity);
}


static void
test_token_of_para(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(build(&identity, PARA_ISSUER_PARA,
        "{\"sub\":\"u1\",\"roles\":[\"admin\"],\"internal_user_id\":\"9\","
        "\"para_user_id\":\"evil\",\"data\":{\"userId\":\"u1\","
        "\"authType\":\"email\",\"identifier\":\"a@b.c\",\"wallets\":["
        "{\"id\":\"w\",\"type\":\"EVM\",\"address\":\"0x9dd3\"},"
        "{\"id\":\"x\",\"type\":\"SOLANA\",\"address\":\"EEp7\"}]}}",
        NULL, PARA_MATCH_STRICT), PARA_OK);

    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_absent(identity.field[PARA_ID_INTERNAL_USER_ID]);
    assert_absent(identity.field[PARA_ID_ROLES]);
    assert_span(identity.field[PARA_ID_WALLETS], "EVM:0x9dd3,SOLANA:EEp7");
    assert_span(identity.field[PARA_ID_IDENTIFIER], "a@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "email");
    assert_span(identity.field[PARA_ID_ISSUER], "backend");

    para_identity_free(&identity);
}


/* A foreign token's data.* is never taken for Para's. */

static void
test_token_of_the_operator(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(build(&identity, PARA_ISSUER_OWN,
        "{\"sub\":\"7\",\"para_user_id\":\"u1\",\"auth_method\":\"google\","
        "\"auth_identifier\":\"a@b.c\",\"roles\":[\"a\",\"b\"],"
        "\"data\":{\"userId\":\"evil\",\"wallets\":[{\"type\":\"EVM\","
        "\"address\":\"0x1\"}]}}", NULL, PARA_MATCH_STRICT), PARA_OK);

    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_span(identity.field[PARA_ID_INTERNAL_USER_ID], "7");
    assert_span(identity.field[PARA_ID_ROLES], "a,b");
    assert_absent(identity.field[PARA_ID_WALLETS]);
    assert_span(identity.field[PARA_ID_IDENTIFIER], "a@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "google");

    para_identity_free(&identity);
}


static void
test_order_of_paths(void **state)
{
    (void) state;

    assert_field(PARA_ID_USER_ID, "{\"capsule_user_id\":\"c\"}", "c");
    assert_field(PARA_ID_USER_ID,
                 "{\"capsule_user_id\":\"c\",\"para_user_id\":\"p\"}", "p");
    assert_field(PARA_ID_USER_ID,
                 "{\"capsule_user_id\":\"c\",\"para_user_id\":null}", "c");
    assert_field(PARA_ID_USER_ID,
                 "{\"capsule_user_id\":\"c\",\"para_user_id\":\"\"}", NULL);
    assert_field(PARA_ID_INTERNAL_USER_ID,
                 "{\"sub\":\"s\",\"internal_user_id\":\"i\"}", "i");
    assert_field(PARA_ID_USER_ID, "{}", NULL);
}


static void
test_texts_are_encoded(void **state)
{
    (void) state;

    assert_field(PARA_ID_USER_ID, "{\"para_user_id\":\" 100%,\\u00e9 \"}",
                 "%20100%25,%C3%A9%20");
}


static void
test_bad_texts(void **state)
{
    char           *claims;
    size_t          i, j;
    para_reason_e   rc;

    static const struct {
        const char     *value;
        para_reason_e   reason;
    } row[] = {
        { "\"good\"", PARA_OK },
        { "null", PARA_OK },
        { "7", PARA_CLAIM_TYPE },
        { "true", PARA_CLAIM_TYPE },
        { "[]", PARA_CLAIM_TYPE },
        { "[\"a\"]", PARA_CLAIM_TYPE },
        { "{}", PARA_CLAIM_TYPE },
        { "\"a\\r\\nX: y\"", PARA_CLAIM_UNSAFE },
        { "\"a\\n\"", PARA_CLAIM_UNSAFE },
        { "\"a\\t\"", PARA_CLAIM_UNSAFE },
        { "\"\\u0001\"", PARA_CLAIM_UNSAFE },
        { "\"\\u007f\"", PARA_CLAIM_UNSAFE },
        { "\"\\u0080\"", PARA_CLAIM_UNSAFE },
        { "\"\\u009f\"", PARA_CLAIM_UNSAFE },
        { "\"\\u2028\"", PARA_CLAIM_UNSAFE },
        { "\"\\u2029\"", PARA_CLAIM_UNSAFE }
    };

    static const char *const  name[] = {
        "para_user_id", "capsule_user_id", "internal_user_id", "sub",
        "auth_identifier", "auth_method"
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        for (j = 0; j < unit_count(name); j++) {
            claims = unit_format("{\"%s\":%s}", name[j], row[i].value);
            rc = build_only(PARA_ISSUER_OWN, claims, NULL, PARA_MATCH_STRICT);

            if (rc != row[i].reason) {
                fail_msg("%s: %s", claims, para_reason_name(rc));
            }

            free(claims);
        }
    }
}


static void
test_length_of_texts(void **state)
{
    char    *text, *claims;
    size_t   i;

    static const struct {
        const char  *name;
        size_t       max;
    } row[] = {
        { "para_user_id", PARA_USER_ID_MAX },
        { "internal_user_id", PARA_USER_ID_MAX },
        { "auth_identifier", PARA_TEXT_MAX },
        { "auth_method", PARA_TEXT_MAX }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        text = unit_repeat('%', row[i].max);

        claims = unit_format("{\"%s\":\"%s\"}", row[i].name, text);
        assert_reason(build_only(PARA_ISSUER_OWN, claims, NULL,
                                 PARA_MATCH_STRICT), PARA_OK);
        free(claims);

        claims = unit_format("{\"%s\":\"%s.\"}", row[i].name, text);
        assert_reason(build_only(PARA_ISSUER_OWN, claims, NULL,
                                 PARA_MATCH_STRICT), PARA_CLAIM_SIZE);
        free(claims);
        free(text);
    }
}


static void
test_roles(void **state)
{
    size_t         i;
    para_reason_e  rc;

    static const char *const  type[] = {
        "{\"roles\":7}", "{\"roles\":{}}", "{\"roles\":true}",
        "{\"roles\":[7]}", "{\"roles\":[\"a\",null]}", "{\"roles\":[[]]}"
    };

    static const char *const  unsafe[] = {
        "{\"roles\":\"a\\n\"}", "{\"roles\":[\"a\",\"b\\u0085\"]}"
    };

    (void) state;

    assert_field(PARA_ID_ROLES, "{\"roles\":[\"a\"]}", "a");
    assert_field(PARA_ID_ROLES, "{\"roles\":[\"a\",\"b\",\"c\"]}", "a,b,c");
    assert_field(PARA_ID_ROLES, "{\"roles\":\"a b\"}", "a b");
    assert_field(PARA_ID_ROLES, "{\"roles\":\"a,b\"}", "a%2Cb");
    assert_field(PARA_ID_ROLES, "{\"roles\":[\"a,b\",\"c%\",\" d\"]}",
                 "a%2Cb,c%25,%20d");
    assert_field(PARA_ID_ROLES, "{\"roles\":[\"\",\"a\",\"\",\"b\",\"\"]}",
                 "a,b");
    assert_field(PARA_ID_ROLES, "{\"roles\":[\"\"]}", NULL);
    assert_field(PARA_ID_ROLES, "{\"roles\":[]}", NULL);
    assert_field(PARA_ID_ROLES, "{\"roles\":\"\"}", NULL);
    assert_field(PARA_ID_ROLES, "{\"roles\":null}", NULL);
    assert_field(PARA_ID_ROLES, "{}", NULL);

    for (i = 0; i < unit_count(type); i++) {
        rc = build_only(PARA_ISSUER_OWN, type[i], NULL, PARA_MATCH_STRICT);
        assert_reason(rc, PARA_CLAIM_TYPE);
    }

    for (i = 0; i < unit_count(unsafe); i++) {
        rc = build_only(PARA_ISSUER_OWN, unsafe[i], NULL, PARA_MATCH_STRICT);
        assert_reason(rc, PARA_CLAIM_UNSAFE);
    }
}


/* Wallets, as Para writes them into data.wallets. */

static para_reason_e
wallets(const char *value, char *header, size_t size)
{
    char             *claims;
    para_span_t       field;
    para_reason_e     rc;
    para_identity_t   identity;

    claims = unit_format("{\"data\":{\"wallets\":%s}}", value);
    rc = build(&identity, PARA_ISSUER_PARA, claims, NULL, PARA_MATCH_STRICT);

    field = identity.field[PARA_ID_WALLETS];

    if (field.data == NULL) {
        snprintf(header, size, "absent");

    } else {
        snprintf(header, size, "%.*s", (int) field.len,
                 (const char *) field.data);
    }

    para_identity_free(&identity);
    free(claims);

    return rc;
}


static void
test_wallets(void **state)
{
    char    header[200];
    size_t  i;

    static const struct {
        const char     *value;
        para_reason_e   reason;
        const char     *header;
    } row[] = {
        { "[{\"type\":\"EVM\",\"address\":\"0x1\"}]", PARA_OK, "EVM:0x1" },
        { "[{\"type\":\"A\",\"address\":\"1\"},{\"type\":\"B\","
          "\"address\":\"2\"}]", PARA_OK, "A:1,B:2" },
        { "[{\"type\":\"A:,%\",\"address\":\"1:,%\"}]", PARA_OK,
          "A%3A%2C%25:1:%2C%25" },
        { "[{\"type\":\"A\"},{\"type\":\"B\",\"address\":\"2\"},"
          "{\"type\":\"C\",\"address\":\"\"}]", PARA_OK, "B:2" },
        { "[{\"type\":\"A\",\"address\":null}]", PARA_OK, "absent" },
        { "[{}]", PARA_OK, "absent" },
        { "[{\"address\":\"\"}]", PARA_OK, "absent" },
        { "[{\"address\":\"\",\"type\":7}]", PARA_OK, "absent" },
        { "[]", PARA_OK, "absent" },
        { "null", PARA_OK, "absent" },
        { "{}", PARA_CLAIM_TYPE, "absent" },
        { "\"EVM:0x1\"", PARA_CLAIM_TYPE, "absent" },
        { "[\"EVM:0x1\"]", PARA_CLAIM_TYPE, "absent" },
        { "[[]]", PARA_CLAIM_TYPE, "absent" },
        { "[null]", PARA_CLAIM_TYPE, "absent" },
        { "[{\"type\":\"A\",\"address\":7}]", PARA_CLAIM_TYPE, "absent" },
        { "[{\"type\":7,\"address\":\"1\"}]", PARA_CLAIM_TYPE, "absent" },
        { "[{\"type\":\"\",\"address\":\"1\"}]", PARA_CLAIM_TYPE, "absent" },
        { "[{\"address\":\"1\"}]", PARA_CLAIM_TYPE, "absent" },
        { "[{\"type\":\"A\",\"address\":\"1\"},{\"type\":\"B\\n\","
          "\"address\":\"2\"}]", PARA_CLAIM_UNSAFE, "absent" },
        { "[{\"type\":\"A\",\"address\":\"1\\r\\n\"}]", PARA_CLAIM_UNSAFE,
          "absent" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(wallets(row[i].value, header, sizeof(header)),
                      row[i].reason);
        assert_string_equal(header, row[i].header);
    }
}


static void
test_session_alone(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(build(&identity, PARA_ISSUER_OWN, NULL,
        "{\"authType\":\"email\",\"identifier\":\"\\u00e9@b.c\","
        "\"oAuthMethod\":\"GOOGLE\"}", PARA_MATCH_STRICT), PARA_OK);
    assert_absent(identity.field[PARA_ID_USER_ID]);
    assert_span(identity.field[PARA_ID_IDENTIFIER], "%C3%A9@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "email");
    assert_absent(identity.field[PARA_ID_ISSUER]);
    assert_absent(identity.field[PARA_ID_ROLES]);
    assert_absent(identity.field[PARA_ID_WALLETS]);
    para_identity_free(&identity);

    assert_reason(build(&identity, PARA_ISSUER_OWN, NULL,
        "{\"authType\":\"email\",\"identifier\":\"a\",\"userId\":\"u1\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    para_identity_free(&identity);
}


/* Nothing at all is nobody, and what is not verified says nothing. */

static void
test_no_evidence(void **state)
{
    para_token_t     token;
    para_identity_t  identity;

    (void) state;

    assert_reason(build_only(PARA_ISSUER_OWN, NULL, NULL, PARA_MATCH_OFF),
                  PARA_IDENTITY_INCOMPARABLE);

    memset(&token, 0, sizeof(token));
    token.verdict = PARA_TOKEN_EXPIRED;

    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_OFF), PARA_TOKEN_EXPIRED);
    assert_absent(identity.field[PARA_ID_USER_ID]);
    para_identity_free(&identity);
}


static void
test_session_completes_the_token(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(build(&identity, PARA_ISSUER_OWN,
        "{\"para_user_id\":\"u1\",\"sub\":\"7\"}",
        "{\"authType\":\"email\",\"identifier\":\"a@b.c\",\"userId\":\"u1\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_span(identity.field[PARA_ID_INTERNAL_USER_ID], "7");
    assert_span(identity.field[PARA_ID_IDENTIFIER], "a@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "email");
    assert_span(identity.field[PARA_ID_ISSUER], "backend");
    para_identity_free(&identity);

    /* what the token says stays as the token says it */

    assert_reason(build(&identity, PARA_ISSUER_OWN,
        "{\"auth_identifier\":\"A@b.c\",\"auth_method\":\"Google\"}",
        "{\"authType\":\"email\",\"identifier\":\"a@b.c\","
        "\"oAuthMethod\":\"GOOGLE\",\"userId\":\"u1\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_span(identity.field[PARA_ID_IDENTIFIER], "A@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "Google");
    para_identity_free(&identity);
}


/* A user id that only the session has is held to the same limit. */

static void
test_length_of_session_user_id(void **state)
{
    char  *id, *answer;

    (void) state;

    id = unit_repeat('u', PARA_USER_ID_MAX + 1);

    answer = unit_format("{\"authType\":\"a\",\"identifier\":\"b\","
                         "\"userId\":\"%s\"}", id + 1);
    assert_reason(build_only(PARA_ISSUER_OWN, NULL, answer,
                             PARA_MATCH_STRICT), PARA_OK);
    free(answer);

    answer = unit_format("{\"authType\":\"a\",\"identifier\":\"b\","
                         "\"userId\":\"%s\"}", id);
    assert_reason(build_only(PARA_ISSUER_OWN, NULL, answer,
                             PARA_MATCH_STRICT), PARA_CLAIM_SIZE);
    free(answer);
    free(id);
}


#define OK            PARA_OK
#define MISMATCH      PARA_IDENTITY_MISMATCH
#define INCOMPARABLE  PARA_IDENTITY_INCOMPARABLE

/* Three arguments for %s%s%s: a string, or null for "-". */
#define JSON(text)                                                            \
    (strcmp(text, "-") ? "\"" : ""), (strcmp(text, "-") ? text : "null"),      \
    (strcmp(text, "-") ? "\"" : "")

#define EVM    "0x9dd3824f045c77bc369485e8f1dd6b452b6be617"
#define EVM_   "0x9DD3824F045c77bc369485e8f1dd6b452b6be617"

#define EVM_UPPER  "0X9DD3824F045C77BC369485E8F1DD6B452B6BE617"


static void
test_match(void **state)
{
    char           *claims, *answer;
    char            c[3][64], s[4][64];
    size_t          i;
    para_reason_e   rc;

    static const struct {
        const char     *claims;       /* user id, identifier, type: - absent */
        const char     *answer;       /* the same, and the oAuthMethod */
        para_reason_e   strict;
        para_reason_e   present;
    } row[] = {
        /* by user id */
        { "u - -", "u a email -", OK, OK },
        { "u a email", "u a email -", OK, OK },
        { "u - -", "v a email -", MISMATCH, MISMATCH },
        { "u - -", "U a email -", MISMATCH, MISMATCH },
        { "u b -", "u a email -", MISMATCH, MISMATCH },
        { "u a phone", "u a email -", MISMATCH, MISMATCH },
        { "u a email", "v a email -", MISMATCH, MISMATCH },

        /* by identifier and type */
        { "- a email", "- a email -", OK, OK },
        { "u a email", "- a email -", OK, OK },
        { "- a EMAIL", "- a email -", OK, OK },
        { "- b email", "- a email -", MISMATCH, MISMATCH },
        { "- a phone", "- a email -", MISMATCH, MISMATCH },

        /* alone neither suffices */
        { "- a -", "- a email -", INCOMPARABLE, OK },
        { "- - email", "- a email -", INCOMPARABLE, OK },
        { "- - -", "- a email -", INCOMPARABLE, OK },
        { "u - -", "- a email -", INCOMPARABLE, OK },
        { "- b -", "- a email -", MISMATCH, MISMATCH },
        { "- - phone", "- a email -", MISMATCH, MISMATCH },

        /* the type may be how or through whom */
        { "- a google", "- a email GOOGLE", OK, OK },
        { "- a email", "- a email GOOGLE", OK, OK },
        { "- a apple", "- a email GOOGLE", MISMATCH, MISMATCH },
        { "- a x", "- a email TWITTER", OK, OK },
        { "- a Twitter", "- a email x", OK, OK },
        { "- a twitter", "- a X -", OK, OK },
        { "- a xx", "- a email x", MISMATCH, MISMATCH },

        /* the case of an identifier */
        { "- A@B.C email", "- a@b.c email -", OK, OK },
        { "- A@B.C EMAIL", "- a@b.c Email -", OK, OK },
        { "- A@B.C google", "- a@b.c email google", OK, OK },
        { "- Bob telegram", "- bob telegram -", MISMATCH, MISMATCH },
        { "- \xc3\x89 email", "- \xc3\xa9 email -", MISMATCH, MISMATCH },
        { "- " EVM " externalWallet", "- " EVM_ " externalWallet -", OK, OK },
        { "- " EVM "a externalWallet", "- " EVM_ "a externalWallet -",
          MISMATCH, MISMATCH },
        { "- " EVM " externalWallet", "- " EVM_UPPER " externalWallet -",
          MISMATCH, MISMATCH },
        { "- g" EVM " externalWallet", "- g" EVM_ " externalWallet -",
          MISMATCH, MISMATCH },
        { "- EEp7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a externalWallet",
          "- EEP7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a externalWallet -",
          MISMATCH, MISMATCH }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(sscanf(row[i].claims, "%63s %63s %63s", c[0], c[1],
                                c[2]), 3);
        assert_int_equal(sscanf(row[i].answer, "%63s %63s %63s %63s", s[0],
                                s[1], s[2], s[3]), 4);

        /* an absent member is null, which is the same */

        claims = unit_format("{\"para_user_id\":%s%s%s,"
                             "\"auth_identifier\":%s%s%s,"
                             "\"auth_method\":%s%s%s}",
                             JSON(c[0]), JSON(c[1]), JSON(c[2]));
        answer = unit_format("{\"userId\":%s%s%s,\"identifier\":%s%s%s,"
                             "\"authType\":%s%s%s,\"oAuthMethod\":%s%s%s}",
                             JSON(s[0]), JSON(s[1]), JSON(s[2]), JSON(s[3]));

        rc = build_only(PARA_ISSUER_OWN, claims, answer, PARA_MATCH_STRICT);

        if (rc != row[i].strict) {
            fail_msg("strict %s %s: %s", claims, answer,
                     para_reason_name(rc));
        }

        rc = build_only(PARA_ISSUER_OWN, claims, answer, PARA_MATCH_PRESENT);

        if (rc != row[i].present) {
            fail_msg("present %s %s: %s", claims, answer,
                     para_reason_name(rc));
        }

        assert_reason(build_only(PARA_ISSUER_OWN, claims, answer,
                                 PARA_MATCH_OFF), PARA_OK);
        free(claims);
        free(answer);
    }
}


/* A hex digit is one: forty of another kind are no EVM address. */

static void
test_evm_digits(void **state)
{
    int    c;
    char  *claims, *answer;

    (void) state;

    for (c = '0'; c <= 'z'; c++) {

        if (c == '\\') {
            continue;
        }

        claims = unit_format("{\"auth_identifier\":\"0x%038dA%c\","
                             "\"auth_method\":\"w\"}", 0, c);
        answer = unit_format("{\"identifier\":\"0x%038da%c\","
                             "\"authType\":\"w\"}", 0, c);

        assert_reason(build_only(PARA_ISSUER_OWN, claims, answer,
                                 PARA_MATCH_STRICT),
                      strchr("0123456789abcdefABCDEF", c) != NULL
                      ? PARA_OK : PARA_IDENTITY_MISMATCH);
        free(claims);
        free(answer);
    }
}


/* A bad claim is told as such, whoever the session belongs to. */

static void
test_claims_before_match(void **state)
{
    (void) state;

    assert_reason(build_only(PARA_ISSUER_OWN,
                      "{\"para_user_id\":\"u\",\"roles\":7}",
                      "{\"authType\":\"a\",\"identifier\":\"b\","
                      "\"userId\":\"v\"}", PARA_MATCH_STRICT),
                  PARA_CLAIM_TYPE);
}


/* The issuer's name is the operator's text, and a header value all the same. */

static void
test_issuer_name(void **state)
{
    para_token_t     token;
    para_issuer_t    issuer;
    para_identity_t  identity;

    (void) state;

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    issuer.name = unit_span("my \xc3\xa9\n%");
    token.verdict = PARA_OK;
    token.issuer = &issuer;
    token.claims = para_json_parse(unit_span("{}"), 2);

    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_ISSUER], "my %C3%A9%0A%25");

    para_identity_free(&identity);
    para_json_free(token.claims);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_token_of_para),
        cmocka_unit_test(test_token_of_the_operator),
        cmocka_unit_test(test_order_of_paths),
        cmocka_unit_test(test_texts_are_encoded),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_length_of_texts),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_wallets),
        cmocka_unit_test(test_session_alone),
        cmocka_unit_test(test_no_evidence),
        cmocka_unit_test(test_session_completes_the_token),
        cmocka_unit_test(test_length_of_session_user_id),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_evm_digits),
        cmocka_unit_test(test_claims_before_match),
        cmocka_unit_test(test_issuer_name)
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
