#include "unit.h"

#include "issuers.h"


/*
 * Which issuer and which key a token goes to: tokens that are good but for
 * that, and are signed by a key of the test's choosing.
 */

#define NOW  1700000000


/* A key, the header's alg, its kid: "rsa RS256 a"; the kid may be left out. */

static char *
token(const char *words, const char *iss)
{
    int    n;
    char   key[8], alg[8], kid[64];
    char  *header, *payload, *text;

    n = sscanf(words, "%7s %7s %63s", key, alg, kid);
    assert_in_range(n, 2, 3);

    header = n == 2
             ? unit_format("{\"alg\":\"%s\"}", alg)
             : unit_format("{\"alg\":\"%s\",\"kid\":\"%s\"}", alg, kid);

    payload = unit_format("{%s%s%s\"exp\":1700000100,\"aud\":\"app\"}",
                          iss ? "\"iss\":" : "", iss ? iss : "",
                          iss ? "," : "");

    text = sign_token(unit_key(key), header, payload);

    free(header);
    free(payload);

    return text;
}


/* Sends a token to n issuers: the one of expected takes it, or none. */

static void
assert_way(para_issuer_t *const *issuers, size_t n, const char *words,
    const char *iss, para_reason_e reason, const para_issuer_t *expected)
{
    char           *text;
    size_t          i;
    para_token_t    sent;
    para_reason_e   rc;

    const para_issuer_t  *all[3];

    for (i = 0; i < n; i++) {
        all[i] = issuers[i];
    }

    text = token(words, iss);
    rc = para_token_verify(&sent, all, n, unit_span(text), NOW);

    if (rc != reason) {
        fail_msg("%s iss %s: %s, not %s", words, iss ? iss : "-",
                 para_reason_name(rc), para_reason_name(reason));
    }

    if (rc == PARA_OK) {
        assert_ptr_equal(sent.issuer, expected);
    }

    para_token_free(&sent);
    free(text);
}


static void
assert_one(para_issuer_t *issuer, const char *words, para_reason_e reason)
{
    assert_way(&issuer, 1, words, NULL, reason, issuer);
}


static void
test_kid(void **state)
{
    para_issuer_t  *two;

    (void) state;

    two = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a rsa2:b");

    assert_one(two, "rsa RS256 a", PARA_OK);
    assert_one(two, "rsa2 RS256 b", PARA_OK);
    assert_one(two, "rsa RS256 b", PARA_SIGNATURE);
    assert_one(two, "rsa RS256 c", PARA_KEY_UNKNOWN);
    assert_one(two, "rsa RS256 A", PARA_KEY_UNKNOWN);
    assert_one(two, "rsa RS256", PARA_KEY_AMBIGUOUS);

    unit_issuer_free(two);

    /* of different kinds the algorithm tells */

    two = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa:a ec:a");

    assert_one(two, "rsa RS256 a", PARA_OK);
    assert_one(two, "ec ES256 a", PARA_OK);
    assert_one(two, "rsa RS256", PARA_OK);
    assert_one(two, "ec ES256", PARA_OK);

    unit_issuer_free(two);
}


/* A kid that no key has goes to the one key that has none, and no other. */

static void
test_keys_without_kid(void **state)
{
    para_issuer_t  *made;

    (void) state;

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa:");
    assert_one(made, "rsa RS256 x", PARA_OK);
    assert_one(made, "rsa2 RS256 x", PARA_SIGNATURE);
    unit_issuer_free(made);

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa: rsa2:b");
    assert_one(made, "rsa RS256 x", PARA_OK);
    assert_one(made, "rsa2 RS256 x", PARA_SIGNATURE);
    assert_one(made, "rsa RS256 b", PARA_SIGNATURE);
    assert_one(made, "rsa RS256", PARA_KEY_AMBIGUOUS);
    unit_issuer_free(made);

    made = unit_issuer(NULL, PARA_ALG_RS256, "rsa: rsa2:");
    assert_one(made, "rsa RS256 x", PARA_KEY_AMBIGUOUS);
    unit_issuer_free(made);

    /* the key of that kid is there, and does not serve the algorithm */

    made = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa: ec:e");
    assert_one(made, "rsa RS256 e", PARA_JWS_ALG_NOT_ALLOWED);
    unit_issuer_free(made);
}


/* A key could serve it, but the issuer does not allow it. */

static void
test_algorithm_not_allowed(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256, "rsa:r ec:e");

    assert_one(one, "ec ES256 e", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "ec ES256 x", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "ec ES256", PARA_JWS_ALG_NOT_ALLOWED);

    unit_issuer_free(one);
}


/* A kid leads to its key, and that key serves its own algorithm only. */

static void
test_algorithm_of_another_key(void **state)
{
    para_issuer_t  *one;

    (void) state;

    one = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256 | PARA_ALG_EDDSA,
                      "rsa:r ec:e ed:o");

    assert_one(one, "ed EdDSA o", PARA_OK);
    assert_one(one, "ed EdDSA r", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "ed EdDSA e", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "ed Ed25519 o", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "rsa RS256 o", PARA_JWS_ALG_NOT_ALLOWED);
    assert_one(one, "ec ES256 r", PARA_JWS_ALG_NOT_ALLOWED);

    /* signed as something else than the header says */

    assert_one(one, "ed RS256 r", PARA_SIGNATURE);
    assert_one(one, "oct RS256 r", PARA_SIGNATURE);
    assert_one(one, "rsa EdDSA o", PARA_SIGNATURE);
    assert_one(one, "rsa ES256 e", PARA_SIGNATURE);

    unit_issuer_free(one);
}


/* Three issuers whose keys all have one kid, so that only iss can tell. */

static const struct {
    const char     *iss;              /* as JSON, NULL for absent */
    const char     *key;
    para_reason_e   reason;
} iss_row[] = {
    { "\"https://a.example\"", "rsa", PARA_OK },
    { "\"https://b.example\"", "rsa2", PARA_OK },
    { NULL, "rsa3", PARA_OK },

    { "\"https://b.example\"", "rsa", PARA_SIGNATURE },
    { "\"https://a.example\"", "rsa2", PARA_SIGNATURE },
    { "\"https://a.example\"", "rsa3", PARA_SIGNATURE },
    { NULL, "rsa", PARA_SIGNATURE },

    { "\"https://a.example/\"", "rsa", PARA_ISS_UNKNOWN },
    { "\"https://A.example\"", "rsa", PARA_ISS_UNKNOWN },
    { "\"https://a.exampl\"", "rsa", PARA_ISS_UNKNOWN },
    { "\"\"", "rsa3", PARA_ISS_UNKNOWN },
    { "null", "rsa3", PARA_CLAIM_TYPE },
    { "7", "rsa3", PARA_CLAIM_TYPE },
    { "[\"https://a.example\"]", "rsa", PARA_CLAIM_TYPE },
    { "{}", "rsa", PARA_CLAIM_TYPE }
};


static void
test_iss(void **state)
{
    char           *words;
    size_t          i;
    para_issuer_t  *all[3];

    (void) state;

    all[0] = unit_issuer("https://a.example", PARA_ALG_RS256, "rsa:k");
    all[1] = unit_issuer("https://b.example", PARA_ALG_RS256, "rsa2:k");
    all[2] = unit_issuer(NULL, PARA_ALG_RS256, "rsa3:k");

    for (i = 0; i < unit_count(iss_row); i++) {
        words = unit_format("%s RS256 k", iss_row[i].key);

        /* of the rows that are good, each goes to the issuer of its number */

        assert_way(all, 3, words, iss_row[i].iss, iss_row[i].reason,
                   i < 3 ? all[i] : NULL);
        free(words);
    }

    /* no issuer takes tokens without iss */

    assert_way(all, 2, "rsa RS256 k", NULL, PARA_ISS_UNKNOWN, NULL);
    assert_way(all, 0, "rsa RS256 k", NULL, PARA_ISS_UNKNOWN, NULL);

    for (i = 0; i < 3; i++) {
        unit_issuer_free(all[i]);
    }
}


/* Two issuers without iss are one pool, in which kid or algorithm decide. */

static void
test_issuers_without_iss(void **state)
{
    para_issuer_t  *all[2];

    (void) state;

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a");
    all[1] = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa2:b ec:e");

    assert_way(all, 2, "rsa RS256 a", NULL, PARA_OK, all[0]);
    assert_way(all, 2, "rsa2 RS256 b", NULL, PARA_OK, all[1]);
    assert_way(all, 2, "ec ES256", NULL, PARA_OK, all[1]);
    assert_way(all, 2, "rsa RS256", NULL, PARA_KEY_AMBIGUOUS, NULL);
    assert_way(all, 2, "rsa RS256 b", NULL, PARA_SIGNATURE, NULL);

    /* some issuer allows ES256, but the key of that kid does not serve it */

    assert_way(all, 2, "ec ES256 a", NULL, PARA_JWS_ALG_NOT_ALLOWED, NULL);

    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);
}


/* Secrets and public keys of one iss: neither verifies as the other. */

static void
test_two_kinds_of_one_iss(void **state)
{
    para_issuer_t  *all[2];

    (void) state;

    all[0] = unit_issuer("i", PARA_ALG_RS256, "rsa:r");
    all[1] = unit_issuer("i", PARA_ALG_HS256, "oct:o");

    assert_way(all, 2, "rsa RS256 r", "\"i\"", PARA_OK, all[0]);
    assert_way(all, 2, "oct HS256 o", "\"i\"", PARA_OK, all[1]);
    assert_way(all, 2, "rsa RS256", "\"i\"", PARA_OK, all[0]);
    assert_way(all, 2, "oct HS256", "\"i\"", PARA_OK, all[1]);
    assert_way(all, 2, "oct HS256 r", "\"i\"", PARA_JWS_ALG_NOT_ALLOWED, NULL);
    assert_way(all, 2, "rsa RS256 o", "\"i\"", PARA_JWS_ALG_NOT_ALLOWED, NULL);
    assert_way(all, 2, "oct RS256 r", "\"i\"", PARA_SIGNATURE, NULL);
    assert_way(all, 2, "rsa HS256 o", "\"i\"", PARA_SIGNATURE, NULL);
    assert_way(all, 2, "oct HS256 o", NULL, PARA_ISS_UNKNOWN, NULL);

    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);
}


/* A key without kid answers to its thumbprint, one that has a kid does not. */

static void
test_thumbprint(void **state)
{
    char           *words;
    para_span_t     name;
    para_issuer_t  *all[2];

    (void) state;

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:");
    all[1] = unit_issuer(NULL, PARA_ALG_RS256, "rsa2:");

    name = para_jwk_name(para_jwks_key(all[0]->keys, 0));
    words = unit_format("rsa RS256 %.*s", (int) name.len,
                        (const char *) name.data);

    assert_way(all, 2, words, NULL, PARA_OK, all[0]);
    assert_way(&all[1], 1, words, NULL, PARA_SIGNATURE, NULL);
    unit_issuer_free(all[1]);

    all[1] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:named");
    assert_way(&all[1], 1, words, NULL, PARA_KEY_UNKNOWN, NULL);

    free(words);
    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);
}


/* What para_issuers_check() refuses is refused here, too. */

static void
test_ambiguous_issuers(void **state)
{
    para_issuer_t  *all[2];

    (void) state;

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:k");
    all[1] = unit_issuer(NULL, PARA_ALG_RS256, "rsa2:k");
    assert_way(all, 2, "rsa RS256 k", NULL, PARA_KEY_AMBIGUOUS, NULL);
    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);

    all[0] = unit_issuer("i", PARA_ALG_RS256, "rsa:k");
    all[1] = unit_issuer("i", PARA_ALG_RS256, "rsa2:k");
    assert_way(all, 2, "rsa RS256 k", "\"i\"", PARA_KEY_AMBIGUOUS, NULL);
    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:");
    all[1] = unit_issuer(NULL, PARA_ALG_RS256, "rsa2:");
    assert_way(all, 2, "rsa RS256 k", NULL, PARA_KEY_AMBIGUOUS, NULL);
    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);
}


/* Whose newer keys might serve a token that no key of now serves. */

static void
assert_wanted(para_issuer_t *const *issuers, size_t n, const char *words,
    const char *iss, para_reason_e reason, uint32_t wanted)
{
    char           *text;
    size_t          i;
    para_token_t    sent;

    const para_issuer_t  *all[3];

    for (i = 0; i < n; i++) {
        all[i] = issuers[i];
    }

    text = token(words, iss);

    assert_string_equal(para_reason_name(para_token_verify(&sent, all, n,
                                                           unit_span(text),
                                                           NOW)),
                        para_reason_name(reason));
    assert_int_equal(sent.wanted, wanted);

    para_token_free(&sent);
    free(text);
}


static void
test_remote(void **state)
{
    para_issuer_t      *all[3];
    const para_jwks_t  *keys;

    (void) state;

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:a");
    all[1] = unit_issuer(NULL, PARA_ALG_RS256 | PARA_ALG_ES256, "rsa2:b");
    all[2] = unit_issuer("i", PARA_ALG_ES256, "ec:c");

    /* keys that are there for good are all that there is */

    assert_wanted(all, 3, "rsa RS256 x", NULL, PARA_KEY_UNKNOWN, 0);

    all[1]->is_remote = 1;
    all[2]->is_remote = 1;

    assert_wanted(all, 3, "rsa RS256 x", NULL, PARA_KEY_UNKNOWN, 2);
    assert_wanted(all, 3, "ec ES256 x", "\"i\"", PARA_KEY_UNKNOWN, 4);
    assert_wanted(all, 3, "ec ES256 x", "\"j\"", PARA_ISS_UNKNOWN, 0);
    assert_wanted(all, 3, "rsa RS256 a", NULL, PARA_OK, 0);
    assert_wanted(all, 3, "rsa2 RS256 a", NULL, PARA_SIGNATURE, 0);

    all[0]->is_remote = 1;

    assert_wanted(all, 3, "rsa RS256 x", NULL, PARA_KEY_UNKNOWN, 3);
    assert_wanted(all, 3, "ec ES256 x", NULL, PARA_KEY_UNKNOWN, 2);

    /* without keys it takes nothing, and the others' go on */

    keys = all[1]->keys;
    all[1]->keys = NULL;

    assert_wanted(all, 3, "rsa RS256 a", NULL, PARA_OK, 0);
    assert_wanted(all, 3, "rsa2 RS256 b", NULL, PARA_KEYS_UNAVAILABLE, 3);
    assert_wanted(all, 3, "rsa RS384 a", NULL, PARA_JWS_ALG_NOT_ALLOWED, 0);

    all[1]->keys = keys;
    unit_issuer_free(all[0]);

    /* a key without kid is tried, and is not the last word */

    all[0] = unit_issuer(NULL, PARA_ALG_RS256, "rsa:");

    assert_wanted(all, 3, "rsa RS256 x", NULL, PARA_OK, 0);
    assert_wanted(all, 3, "rsa2 RS256 x", NULL, PARA_KEY_UNKNOWN, 2);
    assert_wanted(all, 3, "rsa2 RS256 b", NULL, PARA_OK, 0);
    assert_wanted(all, 1, "rsa2 RS256 x", NULL, PARA_SIGNATURE, 0);

    all[1]->keys = NULL;
    assert_wanted(all, 3, "rsa RS256 x", NULL, PARA_OK, 0);
    assert_wanted(all, 3, "rsa2 RS256 b", NULL, PARA_KEYS_UNAVAILABLE, 2);
    all[1]->keys = keys;

    unit_issuer_free(all[0]);
    unit_issuer_free(all[1]);
    unit_issuer_free(all[2]);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_remote),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_keys_without_kid),
        cmocka_unit_test(test_algorithm_not_allowed),
        cmocka_unit_test(test_algorithm_of_another_key),
        cmocka_unit_test(test_iss),
        cmocka_unit_test(test_issuers_without_iss),
        cmocka_unit_test(test_two_kinds_of_one_iss),
        cmocka_unit_test(test_thumbprint),
        cmocka_unit_test(test_ambiguous_issuers)
    };

    return cmocka_run_group_tests_name("route", tests, NULL, unit_keys_free);
}
