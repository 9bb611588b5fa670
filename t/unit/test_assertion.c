#include "unit.h"

#include "identities.h"
#include "issuers.h"
#include "para_assertion.h"
#include "para_token.h"


#define NOW  1700000000
#define TTL  30


/* What signs, and the issuer that the application takes it for. */

typedef struct {
    para_private_key_t       *key;
    para_jwks_t              *set;
    para_assertion_policy_t   policy;
    para_issuer_t             issuer;
    para_span_t               audience;
} party_t;


static void
party_make(party_t *party, const char *name)
{
    char           *pem;
    size_t          len;
    const char     *why;
    unsigned char   room[PARA_PUBLIC_SET_MAX(1)];

    memset(party, 0, sizeof(party_t));

    pem = sign_pem_private(unit_key(name));
    party->key = para_private_key_parse(unit_span(pem), &why);
    assert_non_null(party->key);
    free(pem);

    party->policy.key = party->key;
    party->policy.issuer = unit_span("gateway");
    party->policy.audience = unit_span("app");
    party->policy.ttl = TTL;

    len = para_private_key_publish(room, sizeof(room),
                           (const para_private_key_t *const *) &party->key, 1);
    party->set = para_jwks_parse(para_span(room, len), PARA_JWKS_REMOTE, &why);
    assert_non_null(party->set);

    party->audience = unit_span("app");

    party->issuer.name = unit_span("gateway");
    party->issuer.kind = PARA_ISSUER_OWN;
    party->issuer.iss = unit_span("gateway");
    party->issuer.keys = party->set;
    party->issuer.algorithms =
        para_issuer_default_algorithms(PARA_ISSUER_OWN, party->set);
    party->issuer.claims.audience = &party->audience;
    party->issuer.claims.audiences = 1;

    para_issuer_default_map(PARA_ISSUER_OWN, party->issuer.map);
    party->issuer.map[PARA_CLAIM_WALLETS].path[0] = unit_span("wallets");
    party->issuer.map[PARA_CLAIM_WALLETS].paths = 1;
}


static void
party_free(party_t *party)
{
    para_jwks_free(party->set);
    para_private_key_free(party->key);
}


/* The module's own verifier, which knows nothing of what signs. */

static para_reason_e
verify_at(const party_t *party, const para_assertion_t *assertion,
    int64_t now, para_token_t *token)
{
    const para_issuer_t  *issuer;

    issuer = &party->issuer;

    return para_token_verify(token, &issuer, 1,
                             para_span(assertion->text, assertion->len), now);
}


static para_reason_e
verdict_at(const party_t *party, const para_assertion_t *assertion,
    int64_t now)
{
    para_token_t   token;
    para_reason_e  rc;

    rc = verify_at(party, assertion, now, &token);
    para_token_free(&token);

    return rc;
}


static void
assert_claim(const para_token_t *token, const char *name, const char *expected)
{
    para_span_t  text;

    if (expected == NULL) {
        assert_null(para_json_get(token->claims, name));
        return;
    }

    assert_true(para_json_string(para_json_get(token->claims, name), &text));
    assert_span(text, expected);
}


static void
assert_time(const para_token_t *token, const char *name, int64_t expected)
{
    double  number;

    assert_true(para_json_number(para_json_get(token->claims, name), &number));
    assert_true((int64_t) number == expected);
}


static void
make(party_t *party, const char *claims, para_assertion_t *assertion)
{
    para_identity_t  identity;

    assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, claims, NULL,
                                PARA_MATCH_STRICT), PARA_OK);
    assert_true(para_assertion_make(assertion, &party->policy, identity.field,
                                    NOW));
    para_identity_free(&identity);
}


static const char  full[] =
    "{\"para_user_id\":\"u1\",\"internal_user_id\":\"9\","
    "\"auth_identifier\":\" jos\xc3\xa9+1,2:3%41@example.com\","
    "\"auth_method\":\"email\",\"roles\":[\"admin\",\"a,b\",\"100%\",\" x \"]}";


static void
check_full(const char *name, const char *alg)
{
    party_t             party;
    para_span_t         text;
    para_token_t        token;
    const para_json_t  *roles;
    para_assertion_t    assertion;

    static const char *const  expected[] = { "admin", "a,b", "100%", " x " };

    party_make(&party, name);
    make(&party, full, &assertion);

    assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);
    assert_span(token.jws.alg->name, alg);
    assert_true(para_span_eq(token.jws.kid,
                             para_private_key_kid(party.key)));

    assert_claim(&token, "iss", "gateway");
    assert_claim(&token, "aud", "app");
    assert_claim(&token, "sub", "u1");
    assert_claim(&token, "para_user_id", "u1");
    assert_claim(&token, "internal_user_id", "9");
    assert_claim(&token, "auth_identifier",
                 " jos\xc3\xa9+1,2:3%41@example.com");
    assert_claim(&token, "auth_method", "email");
    assert_claim(&token, "auth_issuer", "backend");
    assert_claim(&token, "wallets", NULL);
    assert_time(&token, "iat", NOW);
    assert_time(&token, "exp", NOW + TTL);

    roles = para_json_get(token.claims, "roles");
    assert_int_equal(para_json_length(roles), unit_count(expected));

    for (size_t i = 0; i < unit_count(expected); i++) {
        assert_true(para_json_string(para_json_item(roles, i), &text));
        assert_span(text, expected[i]);
    }

    para_token_free(&token);

    /* for so long, and no longer; a new one is due half-way */

    assert_true(assertion.until == NOW + TTL / 2);
    assert_reason(verdict_at(&party, &assertion, NOW + TTL - 1), PARA_OK);
    assert_reason(verdict_at(&party, &assertion, NOW + TTL),
                  PARA_TOKEN_EXPIRED);

    /* any other byte in it is noticed */

    for (size_t i = 0; i < assertion.len; i++) {
        assertion.text[i] ^= 1;
        assert_int_not_equal(verdict_at(&party, &assertion, NOW), PARA_OK);
        assertion.text[i] ^= 1;
    }

    /* not by another app, from another gateway, with another key */

    party.audience = unit_span("other");
    assert_int_not_equal(verdict_at(&party, &assertion, NOW), PARA_OK);
    party.audience = unit_span("app");

    party.issuer.iss = unit_span("other");
    assert_int_not_equal(verdict_at(&party, &assertion, NOW), PARA_OK);

    para_assertion_free(&assertion);
    party_free(&party);
}


static void
test_claims(void **state)
{
    (void) state;

    check_full("ed", "EdDSA");
    check_full("ec", "ES256");
}


/* What is not known is not there, not even empty. */

static void
test_absent(void **state)
{
    party_t           party;
    para_token_t      token;
    para_assertion_t  assertion;

    (void) state;

    party_make(&party, "ed");
    make(&party, "{\"auth_identifier\":\"x\"}", &assertion);
    assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);

    assert_claim(&token, "auth_identifier", "x");
    assert_claim(&token, "sub", NULL);
    assert_claim(&token, "para_user_id", NULL);
    assert_claim(&token, "internal_user_id", NULL);
    assert_claim(&token, "auth_method", NULL);
    assert_claim(&token, "roles", NULL);
    assert_claim(&token, "wallets", NULL);

    para_token_free(&token);
    para_assertion_free(&assertion);

    /* the operator's own id is not put where Para's belongs */

    make(&party, "{\"internal_user_id\":\"9\"}", &assertion);
    assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);
    assert_claim(&token, "sub", NULL);
    assert_claim(&token, "internal_user_id", "9");

    para_token_free(&token);
    para_assertion_free(&assertion);
    party_free(&party);
}


static void
test_wallets(void **state)
{
    party_t             party;
    para_span_t         text;
    para_token_t        token;
    para_identity_t     identity;
    const para_json_t  *wallets;
    para_assertion_t    assertion;

    (void) state;

    party_make(&party, "ed");

    assert_reason(unit_identity(&identity, PARA_ISSUER_PARA,
        "{\"sub\":\"u\",\"data\":{\"userId\":\"u\",\"wallets\":["
        "{\"id\":\"w\",\"type\":\"EVM\",\"address\":\"0x9dd3\"},"
        "{\"id\":\"w2\",\"type\":\"a:b,c\",\"address\":\"d:e,f%\"}]}}",
        NULL, PARA_MATCH_STRICT), PARA_OK);
    assert_true(para_assertion_make(&assertion, &party.policy,
                                    identity.field, NOW));
    para_identity_free(&identity);

    assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);
    wallets = para_json_get(token.claims, "wallets");
    assert_int_equal(para_json_length(wallets), 2);

    assert_true(para_json_string(para_json_get(para_json_item(wallets, 0),
                                               "type"), &text));
    assert_span(text, "EVM");
    assert_true(para_json_string(para_json_get(para_json_item(wallets, 0),
                                               "address"), &text));
    assert_span(text, "0x9dd3");
    assert_null(para_json_get(para_json_item(wallets, 0), "id"));

    assert_true(para_json_string(para_json_get(para_json_item(wallets, 1),
                                               "type"), &text));
    assert_span(text, "a:b,c");
    assert_true(para_json_string(para_json_get(para_json_item(wallets, 1),
                                               "address"), &text));
    assert_span(text, "d:e,f%");

    para_token_free(&token);
    para_assertion_free(&assertion);
    party_free(&party);
}


/*
 * Whoever reads the assertion with the names of an operator's backend gets the
 * identity that it was made of, whatever the texts are.
 */

static unsigned  random_state = 1;


static unsigned
random_below(unsigned n)
{
    random_state = random_state * 1103515245 + 12345;

    return (random_state >> 16) % n;
}


static char *
random_text(void)
{
    char    *text;
    size_t   i, n;

    static const char *const  piece[] = {
        "a", "Z", "0", " ", "%", ",", ":", "\\\"", "\\\\", "/", "+", "=", ".",
        "%41", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbb\xbf",
        "\xe2\x80\xae", "\\u00e9", "<", "&", "\xc2\xa0"
    };

    n = 1 + random_below(40);
    text = calloc(n, 8);
    assert_non_null(text);

    for (i = 0; i < n; i++) {
        strcat(text, piece[random_below(unit_count(piece))]);
    }

    return text;
}


static void
test_any_text(void **state)
{
    static const para_identity_field_e  fields[] = {
        PARA_ID_USER_ID, PARA_ID_INTERNAL_USER_ID, PARA_ID_ROLES,
        PARA_ID_IDENTIFIER, PARA_ID_AUTH_TYPE
    };

    char              *claims, *t[7];
    size_t             i, round;
    party_t            party;
    para_token_t       token;
    para_identity_t    identity, again;
    para_assertion_t   assertion;

    (void) state;

    party_make(&party, "ed");

    for (round = 0; round < 2000; round++) {

        for (i = 0; i < unit_count(t); i++) {
            t[i] = random_text();
        }

        claims = unit_format(
            "{\"para_user_id\":\"%s\",\"internal_user_id\":\"%s\","
            "\"auth_identifier\":\"%s\",\"auth_method\":\"%s\","
            "\"roles\":[\"%s\",\"%s\",\"%s\"]}",
            t[0], t[1], t[2], t[3], t[4], t[5], t[6]);

        assert_reason(unit_identity(&identity, PARA_ISSUER_OWN, claims, NULL,
                                    PARA_MATCH_STRICT), PARA_OK);
        assert_true(para_assertion_make(&assertion, &party.policy,
                                        identity.field, NOW));
        assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);
        assert_reason(para_identity_build(&again, &token, NULL,
                                          PARA_MATCH_STRICT, NULL), PARA_OK);

        for (i = 0; i < unit_count(fields); i++) {
            assert_true(para_span_eq(identity.field[fields[i]],
                                     again.field[fields[i]]));
        }

        para_identity_free(&again);
        para_token_free(&token);
        para_assertion_free(&assertion);
        para_identity_free(&identity);
        free(claims);

        for (i = 0; i < unit_count(t); i++) {
            free(t[i]);
        }
    }

    party_free(&party);
}


/* It never outlives its JWT, and is not renewed for nothing. */

static void
test_end(void **state)
{
    char              *text;
    size_t             i;
    party_t            party;
    para_span_t        field[PARA_ID_FIELDS];
    para_token_t       token;
    para_assertion_t   assertion;

    static const struct {
        int64_t        end;
        int64_t        exp;
        int64_t        until;
    } row[] = {
        { NOW + TTL + 1, NOW + TTL, NOW + TTL / 2 },
        { NOW + TTL, NOW + TTL, NOW + TTL / 2 },
        { NOW + TTL - 1, NOW + TTL - 1, NOW + TTL - 1 },
        { NOW + 1, NOW + 1, NOW + 1 },
        { 99999999999, NOW + TTL, NOW + TTL / 2 }
    };
    static const char *const  bad[] = {
        "-1", "1e9", " 1", "1.5", "99999999999999999999", "x"
    };

    (void) state;

    party_make(&party, "ed");
    memset(field, 0, sizeof(field));

    for (i = 0; i < unit_count(row); i++) {
        text = unit_format("%lld", (long long) row[i].end);
        field[PARA_ID_EXPIRES] = unit_span(text);

        assert_true(para_assertion_make(&assertion, &party.policy, field,
                                        NOW));
        assert_reason(verify_at(&party, &assertion, NOW, &token), PARA_OK);
        assert_time(&token, "exp", row[i].exp);
        assert_true(assertion.until == row[i].until);

        para_token_free(&token);
        para_assertion_free(&assertion);
        free(text);
    }

    /* of a JWT that has ended meanwhile: nobody takes it, nobody keeps it */

    field[PARA_ID_EXPIRES] = unit_span("1699999999");
    assert_true(para_assertion_make(&assertion, &party.policy, field, NOW));
    assert_reason(verdict_at(&party, &assertion, NOW), PARA_TOKEN_EXPIRED);
    assert_true(assertion.until < NOW);
    para_assertion_free(&assertion);

    for (i = 0; i < unit_count(bad); i++) {
        field[PARA_ID_EXPIRES] = unit_span(bad[i]);
        assert_false(para_assertion_make(&assertion, &party.policy, field,
                                         NOW));
    }

    party_free(&party);
}


/* What no identity has is not signed: no guess, no half. */

static void
test_bad_fields(void **state)
{
    size_t            i, f;
    party_t           party;
    para_span_t       field[PARA_ID_FIELDS];
    para_assertion_t  assertion;

    static const para_identity_field_e  fields[] = {
        PARA_ID_USER_ID, PARA_ID_INTERNAL_USER_ID, PARA_ID_ROLES,
        PARA_ID_WALLETS, PARA_ID_IDENTIFIER, PARA_ID_AUTH_TYPE, PARA_ID_ISSUER
    };
    static const char *const  bad[] = {
        "%", "a%", "%4", "%4g", "%G4", "%4a", "%FF", "%C3", "%ED%A0%80",
        "\xc3", "\xff"
    };

    (void) state;

    party_make(&party, "ed");

    for (f = 0; f < unit_count(fields); f++) {
        for (i = 0; i < unit_count(bad); i++) {
            memset(field, 0, sizeof(field));
            field[fields[f]] = unit_span(bad[i]);

            if (para_assertion_make(&assertion, &party.policy, field, NOW)) {
                fail_msg("field %d was signed with %s", fields[f], bad[i]);
            }

            assert_null(assertion.text);
            assert_int_equal(assertion.len, 0);
        }
    }

    /* an audience that could not be written */

    memset(field, 0, sizeof(field));
    party.policy.audience = unit_span("\xff");
    assert_false(para_assertion_make(&assertion, &party.policy, field, NOW));

    party_free(&party);
}


static void
test_names(void **state)
{
    size_t  i;

    static const char *const  good[] = {
        "a", "para-auth", "https://gateway.example/", "with space", "\xc3\xa9"
    };
    static const char *const  bad[] = {
        "", "a\nb", "\x7f", "\xff", "\xc3", "\xc3\x28", "\xed\xa0\x80",
        "a\xe2\x80\xa8"
    };

    (void) state;

    for (i = 0; i < unit_count(good); i++) {
        assert_true(para_assertion_name_valid(unit_span(good[i])));
    }

    for (i = 0; i < unit_count(bad); i++) {
        assert_false(para_assertion_name_valid(unit_span(bad[i])));
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_wallets),
        cmocka_unit_test(test_any_text),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_names)
    };

    return cmocka_run_group_tests_name("assertion", tests, NULL,
                                       unit_keys_free);
}
