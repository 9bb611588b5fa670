#include "unit.h"

#include "identities.h"


/* One field of an own token's identity, as a string; NULL if absent. */

static void
assert_field(para_identity_field_e field, const char *claims,
    const char *expected)
{
    para_identity_t  identity;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, claims, NULL,
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

    assert_reason(unit_identity(&identity, PARA_ISSUER_PARA,
        "{\"sub\":\"u1\",\"roles\":[\"admin\"],\"internal_user_id\":\"9\","
        "\"para_user_id\":\"evil\",\"data\":{\"userId\":\"u1\","
        "\"authType\":\"email\",\"identifier\":\"a@b.c\","
        "\"email\":\"m@b.c\",\"oAuthMethod\":\"google\",\"wallets\":["
        "{\"id\":\"w\",\"type\":\"EVM\",\"address\":\"0x9dd3\"},"
        "{\"id\":\"x\",\"type\":\"SOLANA\",\"address\":\"EEp7\"}]}}",
        NULL, PARA_MATCH_STRICT), PARA_OK);

    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_absent(identity.field[PARA_ID_INTERNAL_USER_ID]);
    assert_absent(identity.field[PARA_ID_ROLES]);
    assert_span(identity.field[PARA_ID_WALLETS], "EVM:0x9dd3,SOLANA:EEp7");
    assert_span(identity.field[PARA_ID_IDENTIFIER], "a@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "email");
    assert_span(identity.field[PARA_ID_EMAIL], "m@b.c");
    assert_span(identity.field[PARA_ID_OAUTH_METHOD], "google");
    assert_span(identity.field[PARA_ID_ISSUER], "backend");
    assert_absent(identity.field[PARA_ID_CLAIMS]);

    para_identity_free(&identity);
}


/* A foreign token's data.* is never taken for Para's. */

static void
test_token_of_the_operator(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN,
        "{\"sub\":\"7\",\"para_user_id\":\"u1\",\"auth_method\":\"google\","
        "\"auth_identifier\":\"a@b.c\",\"roles\":[\"a\",\"b\"],"
        "\"email\":\"m@b.c\",\"oauth_method\":\"evil\","
        "\"data\":{\"userId\":\"evil\",\"email\":\"evil\","
        "\"oAuthMethod\":\"evil\",\"wallets\":[{\"type\":\"EVM\","
        "\"address\":\"0x1\"}]}}", NULL, PARA_MATCH_STRICT), PARA_OK);

    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_span(identity.field[PARA_ID_INTERNAL_USER_ID], "7");
    assert_span(identity.field[PARA_ID_ROLES], "a,b");
    assert_absent(identity.field[PARA_ID_WALLETS]);
    assert_span(identity.field[PARA_ID_IDENTIFIER], "a@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "google");
    assert_span(identity.field[PARA_ID_EMAIL], "m@b.c");
    assert_absent(identity.field[PARA_ID_OAUTH_METHOD]);

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
        "auth_identifier", "auth_method", "email"
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        for (j = 0; j < unit_count(name); j++) {
            claims = unit_format("{\"%s\":%s}", name[j], row[i].value);
            rc = unit_identity_reason(PARA_ISSUER_OWN, claims, NULL,
                                      PARA_MATCH_STRICT);

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
        { "auth_method", PARA_TEXT_MAX },
        { "email", PARA_TEXT_MAX }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        text = unit_repeat('%', row[i].max);

        claims = unit_format("{\"%s\":\"%s\"}", row[i].name, text);
        assert_reason(unit_identity_reason(PARA_ISSUER_OWN, claims, NULL,
                                           PARA_MATCH_STRICT), PARA_OK);
        free(claims);

        claims = unit_format("{\"%s\":\"%s.\"}", row[i].name, text);
        assert_reason(unit_identity_reason(PARA_ISSUER_OWN, claims, NULL,
                                           PARA_MATCH_STRICT), PARA_CLAIM_SIZE);
        free(claims);
        free(text);
    }
}


/* What para_list.c makes of them, see test_list.c. */

static void
test_lists(void **state)
{
    (void) state;

    assert_field(PARA_ID_ROLES, "{\"roles\":[\"a\",\"b\"]}", "a,b");
    assert_field(PARA_ID_ROLES, "{\"roles\":\"\"}", NULL);
    assert_field(PARA_ID_ROLES, "{\"roles\":null}", NULL);

    assert_reason(unit_identity_reason(PARA_ISSUER_OWN, "{\"roles\":7}", NULL,
                                       PARA_MATCH_STRICT), PARA_CLAIM_TYPE);
    assert_reason(unit_identity_reason(PARA_ISSUER_PARA,
                                       "{\"data\":{\"wallets\":7}}", NULL,
                                       PARA_MATCH_STRICT), PARA_CLAIM_TYPE);
}


static void
test_session_alone(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, NULL,
        "{\"authType\":\"email\",\"identifier\":\"\\u00e9@b.c\","
        "\"oAuthMethod\":\"GOOGLE\"}", PARA_MATCH_STRICT), PARA_OK);
    assert_absent(identity.field[PARA_ID_USER_ID]);
    assert_span(identity.field[PARA_ID_IDENTIFIER], "%C3%A9@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "email");
    assert_span(identity.field[PARA_ID_OAUTH_METHOD], "GOOGLE");
    assert_absent(identity.field[PARA_ID_EMAIL]);
    assert_absent(identity.field[PARA_ID_EXPIRES]);
    assert_absent(identity.field[PARA_ID_ISSUER]);
    assert_absent(identity.field[PARA_ID_ROLES]);
    assert_absent(identity.field[PARA_ID_WALLETS]);
    para_identity_free(&identity);

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, NULL,
        "{\"authType\":\"email\",\"identifier\":\"a\",\"userId\":\"u1\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    para_identity_free(&identity);
}


/*
 * Where nothing shows that both layers are one user's, the session adds nothing
 * to the token: two people must not be mixed into one.
 */

static void
test_session_that_is_not_bound(void **state)
{
    size_t           i;
    para_identity_t  identity;

    static const struct {
        para_match_e   match;
        const char    *claims;
        const char    *identifier;    /* what comes of it */
    } row[] = {
        { PARA_MATCH_PRESENT, "{\"internal_user_id\":\"i\"}", NULL },
        { PARA_MATCH_OFF, "{\"internal_user_id\":\"i\"}", NULL },
        { PARA_MATCH_PRESENT, "{\"auth_method\":\"email\"}", NULL },
        { PARA_MATCH_OFF, "{\"auth_method\":\"phone\"}", NULL },
        { PARA_MATCH_OFF, "{\"para_user_id\":\"u2\"}", NULL },
        { PARA_MATCH_OFF, "{\"para_user_id\":\"u1\",\"auth_method\":\"x\"}",
          NULL },
        { PARA_MATCH_OFF, "{\"auth_identifier\":\"b\"}", "b" },
        { PARA_MATCH_STRICT, "{\"para_user_id\":\"u1\"}", "a" },
        { PARA_MATCH_PRESENT, "{\"para_user_id\":\"u1\"}", "a" },
        { PARA_MATCH_OFF, "{\"para_user_id\":\"u1\"}", "a" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, row[i].claims,
            "{\"authType\":\"email\",\"identifier\":\"a\",\"userId\":\"u1\","
            "\"oAuthMethod\":\"m\"}", row[i].match), PARA_OK);

        assert_int_equal(identity.field[PARA_ID_OAUTH_METHOD].len,
                         row[i].identifier != NULL
                         && strcmp(row[i].identifier, "a") == 0);

        if (row[i].identifier == NULL) {
            assert_absent(identity.field[PARA_ID_IDENTIFIER]);

        } else {
            assert_span(identity.field[PARA_ID_IDENTIFIER], row[i].identifier);
        }

        para_identity_free(&identity);
    }
}


/* A path with [*] makes a list, which is good for roles, and for no text. */

static void
test_listed_claims(void **state)
{
    para_token_t     token;
    para_issuer_t    issuer;
    para_identity_t  identity;

    (void) state;

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    token.verdict = PARA_OK;
    token.issuer = &issuer;
    token.claims = para_json_parse(unit_span("{\"groups\":[{\"name\":\"a\"},"
        "{\"x\":1},{\"name\":\"b,c\"}],\"w\":[{\"k\":{\"type\":\"EVM\","
        "\"address\":\"0x1\"}}]}"), 1000);
    assert_non_null(token.claims);

    issuer.name = unit_span("backend");
    issuer.map[PARA_CLAIM_ROLES].path[0] = unit_span("none[*].name");
    issuer.map[PARA_CLAIM_ROLES].path[1] = unit_span("groups[*].name");
    issuer.map[PARA_CLAIM_ROLES].paths = 2;
    issuer.map[PARA_CLAIM_WALLETS].path[0] = unit_span("w[*].k");
    issuer.map[PARA_CLAIM_WALLETS].paths = 1;
    issuer.map[PARA_CLAIM_USER_ID].path[0] = unit_span("groups[2].name");
    issuer.map[PARA_CLAIM_USER_ID].paths = 1;

    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_STRICT, NULL), PARA_OK);
    assert_span(identity.field[PARA_ID_ROLES], "a,b%2Cc");
    assert_span(identity.field[PARA_ID_WALLETS], "EVM:0x1");
    assert_span(identity.field[PARA_ID_USER_ID], "b,c");
    para_identity_free(&identity);

    issuer.map[PARA_CLAIM_USER_ID].path[0] = unit_span("groups[*].name");
    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_STRICT, NULL),
                  PARA_CLAIM_TYPE);
    para_identity_free(&identity);
    para_json_free(token.claims);
}


/* Nothing at all is nobody, and what is not verified says nothing. */

static void
test_no_evidence(void **state)
{
    para_token_t     token;
    para_identity_t  identity;

    (void) state;

    assert_reason(unit_identity_reason(PARA_ISSUER_OWN, NULL, NULL,
                                       PARA_MATCH_OFF),
                  PARA_IDENTITY_INCOMPARABLE);

    memset(&token, 0, sizeof(token));
    token.verdict = PARA_TOKEN_EXPIRED;

    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_OFF, NULL),
                  PARA_TOKEN_EXPIRED);
    assert_absent(identity.field[PARA_ID_USER_ID]);
    para_identity_free(&identity);
}


/* What has expired is somebody's for one question alone. */

static void
test_expired(void **state)
{
    size_t           i, with;
    para_token_t     token;
    para_reason_e    rc;
    para_issuer_t    issuer;
    para_session_t   session;
    para_identity_t  identity;

    static const struct {
        const char     *claims;
        para_reason_e   alone;
        para_reason_e   both;
    } row[] = {
        { "{\"para_user_id\":\"u\",\"internal_user_id\":\"i\"}", PARA_OK,
          PARA_OK },
        { "{\"auth_identifier\":\"a\",\"auth_method\":\"phone\"}", PARA_OK,
          PARA_OK },
        { "{\"para_user_id\":\"v\"}", PARA_OK, PARA_IDENTITY_MISMATCH },
        { "{\"auth_method\":\"phone\"}", PARA_OK,
          PARA_IDENTITY_INCOMPARABLE },
        { "{\"para_user_id\":\"u\\n\"}", PARA_CLAIM_UNSAFE,
          PARA_CLAIM_UNSAFE }
    };

    (void) state;

    assert_reason(para_session_parse_verify(&session, unit_span(
                      "{\"userId\":\"u\",\"identifier\":\"a\","
                      "\"authType\":\"phone\"}")), PARA_OK);

    for (i = 0; i < unit_count(row); i++) {
        memset(&token, 0, sizeof(token));
        memset(&issuer, 0, sizeof(issuer));

        issuer.name = unit_span("backend");
        para_issuer_default_map(PARA_ISSUER_OWN, issuer.map);

        token.issuer = &issuer;
        token.claims = para_json_parse(unit_span(row[i].claims), 1000);

        for (with = 0; with < 2; with++) {
            token.verdict = PARA_TOKEN_EXPIRED;

            rc = para_identity_build_expired(&identity, &token,
                                             with ? &session : NULL);
            assert_reason(rc, with ? row[i].both : row[i].alone);

            if (i == 0) {
                assert_span(identity.field[PARA_ID_USER_ID], "u");
                assert_span(identity.field[PARA_ID_INTERNAL_USER_ID], "i");
            }

            para_identity_free(&identity);

            token.verdict = PARA_OK;
            assert_reason(para_identity_build_expired(&identity, &token,
                                                      with ? &session : NULL),
                          PARA_SIGNATURE);
            assert_absent(identity.field[PARA_ID_USER_ID]);
        }

        para_json_free(token.claims);
    }

    para_session_free(&session);
}


static void
test_session_completes_the_token(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN,
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

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN,
        "{\"auth_identifier\":\"A@b.c\",\"auth_method\":\"Google\"}",
        "{\"authType\":\"email\",\"identifier\":\"a@b.c\","
        "\"oAuthMethod\":\"GOOGLE\",\"userId\":\"u1\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_span(identity.field[PARA_ID_IDENTIFIER], "A@b.c");
    assert_span(identity.field[PARA_ID_AUTH_TYPE], "Google");
    assert_span(identity.field[PARA_ID_OAUTH_METHOD], "GOOGLE");
    para_identity_free(&identity);

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN,
        "{\"para_user_id\":\"u1\"}",
        "{\"isAuthenticated\":true,\"userId\":\"u1\",\"email\":\"s@b.c\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_EMAIL], "s@b.c");
    para_identity_free(&identity);

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN,
        "{\"para_user_id\":\"u1\",\"email\":\"t@b.c\"}",
        "{\"isAuthenticated\":true,\"userId\":\"u1\",\"email\":\"s@b.c\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_EMAIL], "t@b.c");
    para_identity_free(&identity);
}


/* Whose wallets they are: those of the token and of the session bound to it. */

static void
test_wallet_ids(void **state)
{
    size_t           i;
    para_identity_t  identity;

    static const char  touch[] =
        "{\"isAuthenticated\":true,\"userId\":\"u1\",\"currentWalletIds\":"
        "{\"EVM\":[\"w1\",\"w2\"],\"SOLANA\":[\"w3\"]}}";

    static const struct {
        para_issuer_kind_e   kind;
        para_match_e         match;
        const char          *claims;
        const char          *answer;
        const char          *ids;
    } row[] = {
        { PARA_ISSUER_PARA, PARA_MATCH_STRICT,
          "{\"sub\":\"u1\",\"data\":{\"userId\":\"u1\",\"wallets\":["
          "{\"id\":\"w\",\"type\":\"EVM\",\"address\":\"0x1\"},"
          "{\"id\":\"x\",\"type\":\"SOLANA\",\"address\":null}],"
          "\"connectedWallets\":[{\"id\":\"evil\",\"type\":\"EVM\"}]}}",
          NULL, "EVM:w,SOLANA:x" },
        { PARA_ISSUER_PARA, PARA_MATCH_STRICT,
          "{\"sub\":\"u1\",\"data\":{\"userId\":\"u1\",\"wallets\":["
          "{\"id\":\"w1\",\"type\":\"EVM\",\"address\":\"0x1\"}]}}",
          touch, "EVM:w1,EVM:w1,EVM:w2,SOLANA:w3" },
        { PARA_ISSUER_OWN, PARA_MATCH_STRICT, "{\"para_user_id\":\"u1\"}",
          touch, "EVM:w1,EVM:w2,SOLANA:w3" },
        { PARA_ISSUER_OWN, PARA_MATCH_STRICT, NULL, touch,
          "EVM:w1,EVM:w2,SOLANA:w3" },

        /* another's session, or one that may be */

        { PARA_ISSUER_OWN, PARA_MATCH_OFF, "{\"para_user_id\":\"u2\"}",
          touch, NULL },
        { PARA_ISSUER_OWN, PARA_MATCH_PRESENT, "{\"sub\":\"7\"}", touch,
          NULL },
        { PARA_ISSUER_OWN, PARA_MATCH_STRICT, "{\"para_user_id\":\"u1\"}",
          "{\"isAuthenticated\":true,\"userId\":\"u1\"}", NULL }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_reason(unit_identity(&identity, row[i].kind, row[i].claims,
                                    row[i].answer, row[i].match), PARA_OK);

        if (row[i].ids == NULL) {
            assert_absent(identity.field[PARA_ID_WALLET_IDS]);

        } else {
            assert_span(identity.field[PARA_ID_WALLET_IDS], row[i].ids);
        }

        para_identity_free(&identity);
    }
}


/* /touch names the user, and nothing that would have to be his identifier. */

static void
test_session_of_touch(void **state)
{
    para_identity_t  identity;

    (void) state;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, NULL,
        "{\"isAuthenticated\":true,\"userId\":\"u1\","
        "\"email\":\"a@b.c\"}", PARA_MATCH_STRICT), PARA_OK);
    assert_span(identity.field[PARA_ID_USER_ID], "u1");
    assert_absent(identity.field[PARA_ID_IDENTIFIER]);
    assert_absent(identity.field[PARA_ID_AUTH_TYPE]);
    assert_span(identity.field[PARA_ID_EMAIL], "a@b.c");
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
    assert_reason(unit_identity_reason(PARA_ISSUER_OWN, NULL, answer,
                                       PARA_MATCH_STRICT), PARA_OK);
    free(answer);

    answer = unit_format("{\"authType\":\"a\",\"identifier\":\"b\","
                         "\"userId\":\"%s\"}", id);
    assert_reason(unit_identity_reason(PARA_ISSUER_OWN, NULL, answer,
                                       PARA_MATCH_STRICT), PARA_CLAIM_SIZE);
    free(answer);
    free(id);
}


/* A bad claim is told as such, whoever the session belongs to. */

static void
test_claims_before_match(void **state)
{
    (void) state;

    assert_reason(unit_identity_reason(PARA_ISSUER_OWN,
                      "{\"para_user_id\":\"u\",\"roles\":7}",
                      "{\"authType\":\"a\",\"identifier\":\"b\","
                      "\"userId\":\"v\"}", PARA_MATCH_STRICT),
                  PARA_CLAIM_TYPE);
}


/* A token of an issuer whose claims are these, under the caller's eye. */

static void
own_token(para_token_t *token, para_issuer_t *issuer, const char *claims)
{
    memset(token, 0, sizeof(para_token_t));
    memset(issuer, 0, sizeof(para_issuer_t));

    issuer->name = unit_span("backend");
    para_issuer_default_map(PARA_ISSUER_OWN, issuer->map);

    token->verdict = PARA_OK;
    token->issuer = issuer;
    token->claims = para_json_parse(unit_span(claims), strlen(claims));
    assert_non_null(token->claims);
}


static void
test_expires(void **state)
{
    para_token_t     token;
    para_issuer_t    issuer;
    para_identity_t  identity;

    (void) state;

    own_token(&token, &issuer, "{}");

    token.end = 1700003600;           /* when to look again is no end */
    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_STRICT, NULL), PARA_OK);
    assert_absent(identity.field[PARA_ID_EXPIRES]);
    para_identity_free(&identity);

    token.expires = 99999999999;
    assert_reason(para_identity_build(&identity, &token, NULL,
                                      PARA_MATCH_STRICT, NULL), PARA_OK);
    assert_span(identity.field[PARA_ID_EXPIRES], "99999999999");
    para_identity_free(&identity);

    para_json_free(token.claims);
}


static para_reason_e
build_with(const char *claims, const para_claim_set_t *set,
    const char *answer, para_identity_t *identity)
{
    para_token_t    token;
    para_reason_e   rc;
    para_issuer_t   issuer;
    para_session_t  session;

    own_token(&token, &issuer, claims);

    if (answer != NULL) {
        assert_reason(para_session_parse_verify(&session, unit_span(answer)),
                      PARA_OK);
    }

    rc = para_identity_build(identity, &token, answer ? &session : NULL,
                             PARA_MATCH_STRICT, set);

    if (answer != NULL) {
        para_session_free(&session);
    }

    para_json_free(token.claims);

    return rc;
}


/* The claims of a set stand in a field of their own, see test_claim_set.c. */

static void
test_set_of_claims(void **state)
{
    para_span_t       record, path[2];
    para_identity_t   identity;
    para_claim_set_t  set;

    (void) state;

    path[0] = unit_span("plan");
    path[1] = unit_span("org.id");
    set.path = path;
    set.n = 2;

    assert_reason(build_with("{\"sub\":\"7\",\"plan\":\"pro\","
                             "\"org\":{\"id\":7}}", &set, NULL, &identity),
                  PARA_OK);
    record = identity.field[PARA_ID_CLAIMS];
    assert_span(para_claim_value(record, 2, 0), "pro");
    assert_span(para_claim_value(record, 2, 1), "7");
    assert_span(identity.field[PARA_ID_INTERNAL_USER_ID], "7");
    para_identity_free(&identity);

    assert_reason(build_with("{\"plan\":\"a\\nb\"}", &set, NULL, &identity),
                  PARA_CLAIM_UNSAFE);
    assert_absent(identity.field[PARA_ID_CLAIMS]);
    para_identity_free(&identity);

    /* a bad one is told as such, whoever the session belongs to */

    assert_reason(build_with("{\"para_user_id\":\"u\",\"plan\":\"a\\n\"}",
                             &set, "{\"authType\":\"a\","
                             "\"identifier\":\"b\",\"userId\":\"v\"}",
                             &identity),
                  PARA_CLAIM_UNSAFE);
    para_identity_free(&identity);

    /* a session has none */

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, NULL,
        "{\"authType\":\"email\",\"identifier\":\"a\",\"plan\":\"pro\"}",
        PARA_MATCH_STRICT), PARA_OK);
    assert_absent(identity.field[PARA_ID_CLAIMS]);
    para_identity_free(&identity);

    set.n = 0;
    assert_reason(build_with("{\"plan\":\"a\\nb\"}", &set, NULL, &identity),
                  PARA_OK);
    assert_absent(identity.field[PARA_ID_CLAIMS]);
    para_identity_free(&identity);
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
                                      PARA_MATCH_STRICT, NULL), PARA_OK);
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
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_session_alone),
        cmocka_unit_test(test_session_that_is_not_bound),
        cmocka_unit_test(test_listed_claims),
        cmocka_unit_test(test_no_evidence),
        cmocka_unit_test(test_expired),
        cmocka_unit_test(test_session_completes_the_token),
        cmocka_unit_test(test_wallet_ids),
        cmocka_unit_test(test_session_of_touch),
        cmocka_unit_test(test_length_of_session_user_id),
        cmocka_unit_test(test_claims_before_match),
        cmocka_unit_test(test_issuer_name),
        cmocka_unit_test(test_expires),
        cmocka_unit_test(test_set_of_claims)
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
