#include "unit.h"

#include "identities.h"


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


typedef struct {
    const char     *claims;           /* user id, identifier, type: - absent */
    const char     *answer;           /* the same, and the oAuthMethod */
    para_reason_e   strict;
    para_reason_e   present;
} match_row_t;

static const match_row_t  match_row[] = {
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


static void
test_match(void **state)
{
    char               *claims, *answer;
    char                c[3][64], s[4][64];
    para_reason_e       rc;
    const match_row_t  *row;

    (void) state;

    for (row = match_row; row < match_row + unit_count(match_row); row++) {
        assert_int_equal(sscanf(row->claims, "%63s %63s %63s", c[0], c[1],
                                c[2]), 3);
        assert_int_equal(sscanf(row->answer, "%63s %63s %63s %63s", s[0],
                                s[1], s[2], s[3]), 4);

        /* an absent member is null, which is the same */

        claims = unit_format("{\"para_user_id\":%s%s%s,"
                             "\"auth_identifier\":%s%s%s,"
                             "\"auth_method\":%s%s%s}",
                             JSON(c[0]), JSON(c[1]), JSON(c[2]));
        answer = unit_format("{\"userId\":%s%s%s,\"identifier\":%s%s%s,"
                             "\"authType\":%s%s%s,\"oAuthMethod\":%s%s%s}",
                             JSON(s[0]), JSON(s[1]), JSON(s[2]), JSON(s[3]));

        rc = unit_identity_reason(PARA_ISSUER_OWN, claims, answer,
                                  PARA_MATCH_STRICT);

        if (rc != row->strict) {
            fail_msg("strict %s %s: %s", claims, answer,
                     para_reason_name(rc));
        }

        rc = unit_identity_reason(PARA_ISSUER_OWN, claims, answer,
                                  PARA_MATCH_PRESENT);

        if (rc != row->present) {
            fail_msg("present %s %s: %s", claims, answer,
                     para_reason_name(rc));
        }

        assert_reason(unit_identity_reason(PARA_ISSUER_OWN, claims, answer,
                                           PARA_MATCH_OFF), PARA_OK);
        free(claims);
        free(answer);
    }
}


/* Forty digits of another kind than hex are no EVM address. */

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

        assert_reason(unit_identity_reason(PARA_ISSUER_OWN, claims, answer,
                                           PARA_MATCH_STRICT),
                      strchr("0123456789abcdefABCDEF", c) != NULL
                      ? PARA_OK : PARA_IDENTITY_MISMATCH);
        free(claims);
        free(answer);
    }
}


/* /touch: the user id binds, and a mail address may yet tell them apart. */

static void
test_match_of_touch(void **state)
{
    size_t          i;
    para_reason_e   rc;

    static const struct {
        const char     *claims;
        const char     *email;
        para_reason_e   strict;
        para_reason_e   present;
    } row[] = {
        { "{\"para_user_id\":\"u\"}", "", OK, OK },
        { "{\"para_user_id\":\"v\"}", "", MISMATCH, MISMATCH },
        { "{\"para_user_id\":\"v\"}", ",\"email\":\"a@b.c\"",
          MISMATCH, MISMATCH },
        { "{\"para_user_id\":\"u\",\"auth_identifier\":\"A@b.c\","
          "\"auth_method\":\"Email\"}", ",\"email\":\"a@B.c\"", OK, OK },
        { "{\"para_user_id\":\"u\",\"auth_identifier\":\"x@b.c\","
          "\"auth_method\":\"email\"}", ",\"email\":\"a@b.c\"",
          MISMATCH, MISMATCH },

        /* no mail address: nothing to hold against it */

        { "{\"para_user_id\":\"u\",\"auth_identifier\":\"+1\","
          "\"auth_method\":\"phone\"}", ",\"email\":\"a@b.c\"", OK, OK },
        { "{\"para_user_id\":\"u\",\"auth_identifier\":\"x@b.c\"}",
          ",\"email\":\"a@b.c\"", OK, OK },
        { "{\"para_user_id\":\"u\",\"auth_identifier\":\"x@b.c\","
          "\"auth_method\":\"google\"}", ",\"email\":\"a@b.c\"", OK, OK },

        /* it does not bind, for it does not say how he logged in */

        { "{\"auth_identifier\":\"a@b.c\",\"auth_method\":\"email\"}",
          ",\"email\":\"a@b.c\"", INCOMPARABLE, OK },
        { "{\"auth_method\":\"email\"}", "", INCOMPARABLE, OK }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        char  *answer = unit_format("{\"isAuthenticated\":true,"
                                    "\"userId\":\"u\"%s}", row[i].email);

        rc = unit_identity_reason(PARA_ISSUER_OWN, row[i].claims, answer,
                                  PARA_MATCH_STRICT);

        if (rc != row[i].strict) {
            fail_msg("strict %s %s: %s", row[i].claims, answer,
                     para_reason_name(rc));
        }

        rc = unit_identity_reason(PARA_ISSUER_OWN, row[i].claims, answer,
                                  PARA_MATCH_PRESENT);

        if (rc != row[i].present) {
            fail_msg("present %s %s: %s", row[i].claims, answer,
                     para_reason_name(rc));
        }

        free(answer);
    }
}


/* What the log says of a refusal: claims by name, of those that matter. */

static void
test_disputed(void **state)
{
    size_t           i, n;
    unsigned char    names[PARA_MATCH_NAMES_MAX];
    para_reason_e    rc;
    para_identity_t  identity;

    static const char  verify[] =
        "{\"identifier\":\"a\",\"authType\":\"phone\"}";
    static const char  touch[] =
        "{\"isAuthenticated\":true,\"userId\":\"u\",\"email\":\"a@b.c\"}";

    static const struct {
        const char     *claims;
        const char     *answer;
        para_reason_e   reason;
        const char     *names;
    } row[] = {
        { "{}", verify, INCOMPARABLE, "identifier, type" },
        { "{\"para_user_id\":\"u\"}", verify, INCOMPARABLE,
          "identifier, type" },
        { "{\"auth_identifier\":\"a\"}", verify, INCOMPARABLE, "type" },
        { "{\"auth_method\":\"phone\"}", verify, INCOMPARABLE,
          "identifier" },
        { "{}", touch, INCOMPARABLE, "user_id" },
        { "{\"auth_method\":\"email\"}", touch, INCOMPARABLE,
          "user_id, identifier" },
        { "{\"auth_identifier\":\"b\"}", verify, MISMATCH, "identifier" },
        { "{\"auth_identifier\":\"b\",\"auth_method\":\"email\"}", verify,
          MISMATCH, "identifier, type" },
        { "{\"para_user_id\":\"v\",\"auth_identifier\":\"b@b.c\","
          "\"auth_method\":\"email\"}", touch, MISMATCH,
          "user_id, identifier" },
        { "{\"para_user_id\":\"v\"}", touch, MISMATCH, "user_id" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        rc = unit_identity(&identity, PARA_ISSUER_OWN, row[i].claims,
                           row[i].answer, PARA_MATCH_STRICT);
        n = para_match_names(names, identity.disputed);
        para_identity_free(&identity);

        if (rc != row[i].reason || n != strlen(row[i].names)
            || memcmp(names, row[i].names, n) != 0)
        {
            fail_msg("%s: %s, %.*s", row[i].claims, para_reason_name(rc),
                     (int) n, names);
        }
    }

    assert_int_equal(para_match_names(names, 0), 0);
    assert_int_equal(para_match_names(names, PARA_MATCH_USER_ID
                                             | PARA_MATCH_IDENTIFIER
                                             | PARA_MATCH_TYPE), 25);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_match_of_touch),
        cmocka_unit_test(test_evm_digits),
        cmocka_unit_test(test_disputed)
    };

    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
