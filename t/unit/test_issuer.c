#include "unit.h"

#include "issuers.h"


/* What is said of one or two issuers; words NULL: nothing. */

static void
assert_check(para_issuer_t *a, para_issuer_t *b, const char *words)
{
    const char           *why;
    const para_issuer_t  *all[2];

    all[0] = a;
    all[1] = b;

    why = para_issuers_check(all, b == NULL ? 1 : 2);

    if ((why == NULL) != (words == NULL)
        || (why != NULL && strstr(why, words) == NULL))
    {
        fail_msg("said \"%s\", not \"%s\"", why ? why : "nothing",
                 words ? words : "nothing");
    }

    unit_issuer_free(a);

    if (b != NULL) {
        unit_issuer_free(b);
    }
}


static void
assert_one(para_issuer_t *a, const char *words)
{
    assert_check(a, NULL, words);
}


static void
test_algorithms(void **state)
{
    (void) state;

    assert_one(unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"), NULL);
    assert_one(unit_issuer(NULL, PARA_ALG_RS256, "rsa:a ec:b"), NULL);
    assert_one(unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa:a ec:b"),
               NULL);
    assert_one(unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa:a"),
               "none of its keys can serve");
    assert_one(unit_issuer(NULL, PARA_ALG_HS256, "rsa:a"),
               "none of its keys can serve");
    assert_one(unit_issuer(NULL, PARA_ALG_RS512, "rsa:a"), NULL);
    assert_one(unit_issuer(NULL, PARA_ALG_HS384, "oct:a"),
               "none of its keys can serve");
    assert_one(unit_issuer(NULL, 0, "rsa:a"), "with \"algorithms\"");
}


/* What the issuer of these keys allows unless told otherwise. */

static unsigned
default_of(para_issuer_kind_e kind, const char *keys)
{
    unsigned        mask;
    para_issuer_t  *made;

    made = unit_issuer(NULL, 0, keys);
    mask = para_issuer_default_algorithms(kind, made->keys);
    unit_issuer_free(made);

    return mask;
}


static void
test_default_algorithms(void **state)
{
    size_t  i;

    static const struct {
        const char  *keys;
        unsigned     mask;
    } row[] = {
        { "rsa:", PARA_ALG_RS256 },
        { "ec:", PARA_ALG_ES256 },
        { "p384:", PARA_ALG_ES384 },
        { "p521:", PARA_ALG_ES512 },
        { "k256:", PARA_ALG_ES256K },
        { "ed:", PARA_ALG_EDDSA | PARA_ALG_ED25519 },
        { "ed448:", PARA_ALG_EDDSA | PARA_ALG_ED448 },
        { "oct:", PARA_ALG_HS256 },
        { "oct64:", PARA_ALG_HS256 },
        { "rsa:a ec:b", PARA_ALG_RS256 | PARA_ALG_ES256 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(default_of(PARA_ISSUER_OWN, row[i].keys),
                         row[i].mask);
        assert_int_equal(default_of(PARA_ISSUER_PARA, row[i].keys),
                         PARA_ALG_RS256);
    }
}


static void
test_leeway(void **state)
{
    para_issuer_t  *made;

    (void) state;

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a");
    made->claims.leeway = PARA_LEEWAY_MAX;
    assert_one(made, NULL);

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a");
    made->claims.leeway = PARA_LEEWAY_MAX + 1;
    assert_one(made, "leeway");

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a");
    made->claims.leeway = -1;
    assert_one(made, "leeway");
}


static void
test_keys_without_kid(void **state)
{
    (void) state;

    assert_one(unit_issuer(NULL, PARA_ALG_RS256, "rsa: rsa:"), "without kid");
    assert_one(unit_issuer("i", PARA_ALG_RS256, "rsa: rsa:"), "without kid");
    assert_one(unit_issuer(NULL, PARA_ALG_RS256, "rsa: rsa:a"), NULL);
    assert_one(unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa: ec:"),
               NULL);

    /* what the issuer does not allow does no harm */

    assert_one(unit_issuer(NULL, PARA_ALG_RS256, "rsa: ec: ec:"), NULL);
}


static void
test_iss(void **state)
{
    (void) state;

    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:a"),
                 unit_issuer("i", PARA_ALG_ES256, "ec:b"), "same iss");
    assert_check(unit_issuer("i", PARA_ALG_HS256, "oct:a"),
                 unit_issuer("i", PARA_ALG_HS256, "oct:b"), "same iss");

    /* secrets cannot be among public keys, so both kinds may have one iss */

    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:a"),
                 unit_issuer("i", PARA_ALG_HS256, "oct:b"), NULL);
    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:"),
                 unit_issuer("i", PARA_ALG_HS256, "oct:"), NULL);
    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:a"),
                 unit_issuer("i", PARA_ALG_HS256, "oct:a"), "same kid");

    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:a"),
                 unit_issuer("I", PARA_ALG_RS256, "rsa:a"), NULL);
    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:a"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"), NULL);
    assert_check(unit_issuer("i", PARA_ALG_RS256, "rsa:"),
                 unit_issuer("j", PARA_ALG_RS256, "rsa:"), NULL);
}


static void
test_two_without_iss(void **state)
{
    (void) state;

    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:b"), NULL);
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:b rsa:a"), "same kid");
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:b rsa:a"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"), "same kid");
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:a"),
                 unit_issuer(NULL, PARA_ALG_ES256, "ec:a"), "same kid");
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:"), "without kid");
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:"),
                 unit_issuer(NULL, PARA_ALG_RS256, "rsa:b"), NULL);
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:"),
                 unit_issuer(NULL, PARA_ALG_HS256, "oct:"), NULL);
    assert_check(unit_issuer(NULL, PARA_ALG_RS256, "rsa:"),
                 unit_issuer(NULL, PARA_ALG_ES256, "rsa: ec:"), NULL);
}


/* The pair that is wrong may be any. */

static void
test_three(void **state)
{
    size_t                i;
    para_issuer_t        *made[3];
    const para_issuer_t  *all[3];

    (void) state;

    made[0] = unit_issuer("a", PARA_ALG_RS256, "rsa:a");
    made[1] = unit_issuer("b", PARA_ALG_RS256, "rsa:a");
    made[2] = unit_issuer("a", PARA_ALG_RS256, "rsa:a");

    for (i = 0; i < 3; i++) {
        all[0] = made[i];
        all[1] = made[(i + 1) % 3];
        all[2] = made[(i + 2) % 3];

        assert_non_null(para_issuers_check(all, 3));
        assert_null(para_issuers_check(all, 0));
        assert_null(para_issuers_check(all, 1));
    }

    for (i = 0; i < 3; i++) {
        unit_issuer_free(made[i]);
    }
}


static void
assert_paths(const para_claim_paths_t *map, const char *first,
    const char *second)
{
    size_t  i;

    assert_int_equal(map->paths, (first != NULL) + (second != NULL));

    for (i = map->paths; i < PARA_CLAIM_PATHS; i++) {
        assert_absent(map->path[i]);
    }

    if (first != NULL) {
        assert_span(map->path[0], first);
        assert_true(para_json_path_check(map->path[0]));
    }

    if (second != NULL) {
        assert_span(map->path[1], second);
        assert_true(para_json_path_check(map->path[1]));
    }
}


static void
test_default_maps(void **state)
{
    para_claim_paths_t  map[PARA_CLAIMS];

    (void) state;

    memset(map, 0xff, sizeof(map));

    para_issuer_default_map(PARA_ISSUER_PARA, map);
    assert_paths(&map[PARA_CLAIM_USER_ID], "data.userId", NULL);
    assert_paths(&map[PARA_CLAIM_INTERNAL_USER_ID], NULL, NULL);
    assert_paths(&map[PARA_CLAIM_ROLES], NULL, NULL);
    assert_paths(&map[PARA_CLAIM_WALLETS], "data.wallets", NULL);
    assert_paths(&map[PARA_CLAIM_IDENTIFIER], "data.identifier", NULL);
    assert_paths(&map[PARA_CLAIM_AUTH_TYPE], "data.authType", NULL);
    assert_paths(&map[PARA_CLAIM_EMAIL], "data.email", NULL);
    assert_paths(&map[PARA_CLAIM_OAUTH_METHOD], "data.oAuthMethod", NULL);

    para_issuer_default_map(PARA_ISSUER_OWN, map);
    assert_paths(&map[PARA_CLAIM_USER_ID], "para_user_id", "capsule_user_id");
    assert_paths(&map[PARA_CLAIM_INTERNAL_USER_ID], "internal_user_id", "sub");
    assert_paths(&map[PARA_CLAIM_ROLES], "roles", NULL);
    assert_paths(&map[PARA_CLAIM_WALLETS], NULL, NULL);
    assert_paths(&map[PARA_CLAIM_IDENTIFIER], "auth_identifier", NULL);
    assert_paths(&map[PARA_CLAIM_AUTH_TYPE], "auth_method", NULL);
    assert_paths(&map[PARA_CLAIM_EMAIL], "email", NULL);
    assert_paths(&map[PARA_CLAIM_OAUTH_METHOD], NULL, NULL);
}


static void
test_claim_names(void **state)
{
    (void) state;

    assert_int_equal(para_claim_find(unit_span("user_id")),
                     PARA_CLAIM_USER_ID);
    assert_int_equal(para_claim_find(unit_span("internal_user_id")),
                     PARA_CLAIM_INTERNAL_USER_ID);
    assert_int_equal(para_claim_find(unit_span("roles")), PARA_CLAIM_ROLES);
    assert_int_equal(para_claim_find(unit_span("wallets")),
                     PARA_CLAIM_WALLETS);
    assert_int_equal(para_claim_find(unit_span("identifier")),
                     PARA_CLAIM_IDENTIFIER);
    assert_int_equal(para_claim_find(unit_span("type")),
                     PARA_CLAIM_AUTH_TYPE);
    assert_int_equal(para_claim_find(unit_span("email")), PARA_CLAIM_EMAIL);
    assert_int_equal(para_claim_find(unit_span("oauth_method")),
                     PARA_CLAIM_OAUTH_METHOD);
    assert_int_equal(para_claim_find(unit_span("Type")), -1);
    assert_int_equal(para_claim_find(unit_span("user")), -1);
    assert_int_equal(para_claim_find(unit_span("")), -1);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_default_algorithms),
        cmocka_unit_test(test_leeway),
        cmocka_unit_test(test_keys_without_kid),
        cmocka_unit_test(test_iss),
        cmocka_unit_test(test_two_without_iss),
        cmocka_unit_test(test_three),
        cmocka_unit_test(test_default_maps),
        cmocka_unit_test(test_claim_names)
    };

    return cmocka_run_group_tests_name("issuer", tests, NULL,
                                       unit_keys_free);
}
