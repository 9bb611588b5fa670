#include "unit.h"

#include "para_revocation.h"


#define NOW  1700000000

#define SIGNED  "eyJhbGciOiJub25lIn0.e30"
#define JWT     SIGNED ".c2ln"

/* printf %s JWT | sha256sum */
#define HASH                                                                  \
    "9b0b7d994a5b1d2a99a8f0e855c9c577" \
    "037fbfb2a1c606950095848410f285e8"


static para_digest_t  *digest;


static int
setup(void **state)
{
    (void) state;

    digest = para_digest_create();

    return digest == NULL;
}


static int
teardown(void **state)
{
    (void) state;

    para_digest_free(digest);

    return 0;
}


static const char *
parse(para_revocation_t *revocation, const char *request)
{
    const char   *why;
    para_span_t   exact;

    exact = unit_exact(request, strlen(request));
    why = para_revocation_parse(revocation, digest, exact, NOW);
    free((void *) exact.data);

    return why;
}


static para_revocation_t
good(const char *request)
{
    const char         *why;
    para_revocation_t   revocation;

    why = parse(&revocation, request);

    if (why != NULL) {
        fail_msg("%s: %s", request, why);
    }

    return revocation;
}


static void
test_requests(void **state)
{
    size_t             i;
    para_revocation_t  revocation;

    static const struct {
        const char              *request;
        para_revocation_kind_e   kind;
        int64_t                  before;
        int64_t                  end;
    } row[] = {
        { "{\"user\":\"u1\"}", PARA_REVOCATION_USER, NOW + 1,
          NOW + 2592000 },
        { "{\"ttl\":60,\"user\":\"u1\"}", PARA_REVOCATION_USER, NOW + 1,
          NOW + 60 },
        { "{\"session\":\"token\",\"ttl\":1}", PARA_REVOCATION_SESSION, 0,
          NOW + 1 },
        { "{\"token\":\"" JWT "\",\"ttl\":60.0}", PARA_REVOCATION_TOKEN, 0,
          NOW + 60 },
        { "{\"jti\":\"7\",\"ttl\":315360000}", PARA_REVOCATION_JTI, 0,
          NOW + 315360000 },
        { "{\"before\":1700000000}", PARA_REVOCATION_BEFORE, NOW,
          NOW + 2592000 },
        { "{\"before\":1699999999.5}", PARA_REVOCATION_BEFORE, NOW,
          NOW + 2592000 },
        { "{\"before\":0}", PARA_REVOCATION_BEFORE, 0, NOW + 2592000 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        revocation = good(row[i].request);
        assert_int_equal(revocation.kind, row[i].kind);
        assert_int_equal(revocation.before, row[i].before);
        assert_int_equal(revocation.end, row[i].end);
    }
}


/* Each with a word of the sentence that tells what is wrong. */

static void
test_misuse(void **state)
{
    size_t              i, j;
    const char         *why;
    para_revocation_t   revocation;

    static const struct {
        const char  *request;
        const char  *why;
    } row[] = {
        { "", "JSON object" },
        { "[]", "JSON object" },
        { "\"user\"", "JSON object" },
        { "{\"user\":\"u\"", "JSON object" },
        { "{\"user\":\"u\",\"user\":\"v\"}", "JSON object" },
        { "{}", "one of" },
        { "{\"ttl\":60}", "one of" },
        { "{\"user\":\"u\",\"jti\":\"7\"}", "one of" },
        { "{\"user\":\"u\",\"before\":null}", "one of" },
        { "{\"user\":\"u\",\"tll\":60}", "nothing else" },
        { "{\"User\":\"u\"}", "nothing else" },
        { "{\"\":\"u\"}", "nothing else" },
        { "{\"user\":\"\"}", "string" },
        { "{\"user\":7}", "string" },
        { "{\"user\":null}", "string" },
        { "{\"user\":[\"u\"]}", "string" },
        { "{\"jti\":7}", "string" },
        { "{\"jti\":\"\"}", "string" },
        { "{\"token\":\"\"}", "string" },
        { "{\"session\":{}}", "string" },
        { "{\"user\":\"u\\n\"}", "control" },
        { "{\"user\":\"u\\u0085\"}", "control" },
        { "{\"session\":\"two words\"}", "verification token" },
        { "{\"session\":\"a,b\"}", "verification token" },
        { "{\"session\":\"e30=\"}", "cookie" },
        { "{\"session\":\"eyJicm9rZW4=\"}", "cookie" },
        { "{\"token\":\"abc\"}", "SHA-256" },
        { "{\"token\":\"a.b\"}", "SHA-256" },
        { "{\"token\":\"a.b.c.d\"}", "SHA-256" },
        { "{\"token\":\"a.b. c\"}", "SHA-256" },
        { "{\"token\":\"a.b.\\u00e9\"}", "SHA-256" },
        { "{\"before\":\"1700000000\"}", "seconds since" },
        { "{\"before\":null}", "seconds since" },
        { "{\"before\":-1}", "seconds since" },
        { "{\"before\":1700000001}", "future" },
        { "{\"before\":99999999999}", "future" },
        { "{\"before\":100000000000}", "milliseconds" },
        { "{\"before\":1700000000000}", "milliseconds" },
        { "{\"before\":1e308}", "milliseconds" },
        { "{\"user\":\"u\",\"ttl\":0}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":-1}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":1.5}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":315360001}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":1e308}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":\"60\"}", "ttl" },
        { "{\"user\":\"u\",\"ttl\":null}", "ttl" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        why = parse(&revocation, row[i].request);

        if (why == NULL || strstr(why, row[i].why) == NULL) {
            fail_msg("%s: %s", row[i].request, why == NULL ? "-" : why);
        }

        for (j = 0; j < sizeof(revocation); j++) {
            assert_int_equal(((unsigned char *) &revocation)[j], 0);
        }
    }
}


static void
test_lengths(void **state)
{
    char               *text, *request;
    para_revocation_t   revocation;

    (void) state;

    text = unit_repeat('u', PARA_USER_ID_MAX + 1);

    request = unit_format("{\"user\":\"%s\"}", text + 1);
    assert_null(parse(&revocation, request));
    free(request);

    request = unit_format("{\"user\":\"%s\"}", text);
    assert_non_null(parse(&revocation, request));
    free(request);
    free(text);

    text = unit_repeat('a', PARA_JWS_MAX_SIZE + 1);
    text[2] = text[4] = '.';

    request = unit_format("{\"token\":\"%s\"}", text + 1);
    assert_null(parse(&revocation, request));
    free(request);

    request = unit_format("{\"token\":\"%s\"}", text);
    assert_non_null(parse(&revocation, request));
    free(request);
    free(text);

    text = unit_repeat('j', PARA_REVOCATION_SIZE_MAX);
    request = unit_format("{\"jti\":\"%s\"}", text);
    assert_non_null(parse(&revocation, request));
    free(request);
    free(text);
}


/* What comes with a request, and what must be found of it. */

typedef struct {
    const char  *claims;              /* NULL: no token */
    const char  *text;
    const char  *credential;
    const char  *touch;
    const char  *user;
    const char  *internal;
} subject_t;


static void
make_keys(para_revocation_keys_t *keys, const subject_t *from)
{
    para_token_t               token;
    para_session_t             session;
    para_identity_t            identity;
    para_revocation_subject_t  subject;

    memset(&token, 0, sizeof(token));
    memset(&identity, 0, sizeof(identity));
    memset(&subject, 0, sizeof(subject));

    if (from->claims != NULL) {
        token.claims = para_json_parse(unit_span(from->claims), 1000);
        assert_non_null(token.claims);

        subject.token = &token;
        subject.text = unit_span(from->text);
    }

    if (from->touch != NULL) {
        assert_reason(para_session_parse_touch(&session,
                                               unit_span(from->touch)),
                      PARA_OK);
        subject.session = &session;
    }

    identity.field[PARA_ID_USER_ID] = unit_span(from->user);
    identity.field[PARA_ID_INTERNAL_USER_ID] = unit_span(from->internal);

    subject.identity = &identity;
    subject.credential = unit_span(from->credential);

    assert_int_equal(para_revocation_keys(keys, digest, &subject), 1);
    assert_true(keys->n <= PARA_REVOCATION_KEYS);

    if (from->touch != NULL) {
        para_session_free(&session);
    }

    para_json_free(token.claims);
}


static para_reason_e
check(const subject_t *subject, const para_revocation_t *revocation,
    int64_t now)
{
    size_t                  i;
    para_reason_e           rc;
    para_revocation_keys_t  keys;

    make_keys(&keys, subject);

    for (i = 0, rc = PARA_OK; i < keys.n && rc == PARA_OK; i++) {
        if (memcmp(keys.key[i], revocation->key, PARA_DIGEST_SIZE) == 0) {
            assert_int_equal(keys.kind[i], revocation->kind);
            rc = para_revocation_check(&keys, i, revocation, now);
        }
    }

    return rc;
}


static const subject_t  jane = {
    .claims = "{\"iat\":1699999000,\"jti\":\"7\"}",
    .text = JWT,
    .credential = "capsule.sid=s:9f.c2ln",
    .touch = "{\"isAuthenticated\":true,\"userId\":\"u1\","
             "\"sessionLookupId\":\"lookup\"}",
    .user = "u1",
    .internal = "9%25"
};


static void
test_who_is_hit(void **state)
{
    size_t              i;
    para_reason_e       rc;
    para_revocation_t   revocation;

    static const struct {
        const char     *request;
        para_reason_e   reason;
    } row[] = {
        { "{\"user\":\"u1\"}", PARA_TOKEN_REVOKED },
        { "{\"user\":\"9%\"}", PARA_TOKEN_REVOKED },
        { "{\"user\":\"u\"}", PARA_OK },
        { "{\"user\":\"U1\"}", PARA_OK },
        { "{\"user\":\"9%25\"}", PARA_OK },
        { "{\"user\":\"7\"}", PARA_OK },
        { "{\"user\":\"lookup\"}", PARA_OK },

        { "{\"jti\":\"7\"}", PARA_TOKEN_REVOKED },
        { "{\"jti\":\"u1\"}", PARA_OK },
        { "{\"token\":\"" JWT "\"}", PARA_TOKEN_REVOKED },
        { "{\"token\":\"" SIGNED ".b3RoZXI\"}", PARA_TOKEN_REVOKED },
        { "{\"token\":\"" SIGNED ".\"}", PARA_TOKEN_REVOKED },
        { "{\"token\":\"" SIGNED "A.c2ln\"}", PARA_OK },
        { "{\"token\":\"." SIGNED "\"}", PARA_OK },

        /* the session by what Para calls it, and by its cookie */

        { "{\"session\":\"lookup\"}", PARA_SESSION_REVOKED },
        { "{\"session\":\"Lookup\"}", PARA_OK },
        { "{\"session\":\"u1\"}", PARA_OK },

        { "{\"before\":1699999001}", PARA_TOKEN_REVOKED },
        { "{\"before\":1699999000.5}", PARA_TOKEN_REVOKED },
        { "{\"before\":1699999000}", PARA_OK },
        { "{\"before\":0}", PARA_OK }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        revocation = good(row[i].request);
        rc = check(&jane, &revocation, NOW);

        if (rc != row[i].reason) {
            fail_msg("%s: %s", row[i].request, para_reason_name(rc));
        }

        /* its last second, and the one after */

        assert_reason(check(&jane, &revocation, revocation.end - 1),
                      row[i].reason);
        assert_reason(check(&jane, &revocation, revocation.end), PARA_OK);
    }
}


/* However the cookie and its attributes are written. */

static void
test_exported_session(void **state)
{
    char               *text, *request;
    size_t              i;
    para_revocation_t   revocation;

    static const struct {
        const char     *json;
        para_reason_e   reason;
    } row[] = {
        { "{\"sessionCookie\":\"capsule.sid=s%3A9f.c2ln\"}",
          PARA_SESSION_REVOKED },
        { "{\"sessionCookie\":\"capsule.sid=s%3A9f.c2ln; Path=/\","
          "\"userId\":\"x\",\"wallets\":{\"w\":{\"signer\":\"share\"}}}",
          PARA_SESSION_REVOKED },
        { "{\"sessionCookie\":\"capsule.sid=s%3a9f.c2ln\"}",
          PARA_SESSION_REVOKED },
        { "{\"sessionCookie\":\"capsule.sid=s:9f.c2ln; Secure\"}",
          PARA_SESSION_REVOKED },
        { "{\"sessionCookie\":\"capsule.sid=%73%3A%39f%2Ec2l%6e\"}",
          PARA_SESSION_REVOKED },
        { "{\"sessionCookie\":\"capsule.sid=s%3A9f.c2lm\"}", PARA_OK },
        { "{\"sessionCookie\":\"capsule.sid=s%253A9f.c2ln\"}", PARA_OK },
        { "{\"sessionCookie\":\"Capsule.sid=s%3A9f.c2ln\"}", PARA_OK }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        text = unit_base64(row[i].json, strlen(row[i].json));
        request = unit_format("{\"session\":\"%s\"}", text);

        revocation = good(request);
        assert_reason(check(&jane, &revocation, NOW), row[i].reason);

        free(request);
        free(text);
    }
}


/* A token issued in the second of the revocation cannot show that it is new. */

static void
test_iat(void **state)
{
    char               *claims;
    size_t              i;
    subject_t           subject;
    para_revocation_t   user, before;

    static const struct {
        const char     *iat;
        para_reason_e   user;
        para_reason_e   before;
    } row[] = {
        { "1699999999", PARA_TOKEN_REVOKED, PARA_TOKEN_REVOKED },
        { "1700000000", PARA_TOKEN_REVOKED, PARA_OK },
        { "1700000000.9", PARA_TOKEN_REVOKED, PARA_OK },
        { "1700000001", PARA_OK, PARA_OK },
        { "1700000001.5", PARA_OK, PARA_OK },
        { "0", PARA_TOKEN_REVOKED, PARA_TOKEN_REVOKED },
        { "null", PARA_TOKEN_REVOKED, PARA_TOKEN_REVOKED },
        { "\"1800000000\"", PARA_TOKEN_REVOKED, PARA_TOKEN_REVOKED }
    };

    (void) state;

    user = good("{\"user\":\"u1\"}");
    before = good("{\"before\":1700000000}");
    subject = jane;

    for (i = 0; i < unit_count(row); i++) {
        claims = unit_format("{\"iat\":%s,\"jti\":7}", row[i].iat);
        subject.claims = claims;

        assert_reason(check(&subject, &user, NOW), row[i].user);
        assert_reason(check(&subject, &before, NOW), row[i].before);
        free(claims);
    }

    subject.claims = "{}";
    assert_reason(check(&subject, &user, NOW), PARA_TOKEN_REVOKED);
    assert_reason(check(&subject, &before, NOW), PARA_TOKEN_REVOKED);

    /* the session alone does not say when it began; "before" is of tokens */

    subject.claims = NULL;
    assert_reason(check(&subject, &user, NOW), PARA_SESSION_REVOKED);
    assert_reason(check(&subject, &before, NOW), PARA_OK);
}


static void
test_nobody(void **state)
{
    para_revocation_keys_t     keys;
    para_revocation_subject_t  subject;

    (void) state;

    memset(&subject, 0, sizeof(subject));
    assert_int_equal(para_revocation_keys(&keys, digest, &subject), 1);
    assert_int_equal(keys.n, 0);
}


/* No two of them are one key. */

static void
test_keys_differ(void **state)
{
    size_t             i, j;
    para_revocation_t  revocation[6];

    static const char *const  request[] = {
        "{\"user\":\"a.b.c\"}", "{\"session\":\"a.b.c\"}",
        "{\"jti\":\"a.b.c\"}", "{\"token\":\"a.b.c\"}", "{\"before\":0}",
        "{\"token\":\"00000000000000000000000000000000"
        "00000000000000000000000000000000\"}"
    };

    (void) state;

    for (i = 0; i < unit_count(request); i++) {
        revocation[i] = good(request[i]);

        for (j = 0; j < i; j++) {
            assert_memory_not_equal(revocation[i].key, revocation[j].key,
                                    PARA_DIGEST_SIZE);
        }
    }
}


/* By the hash that anybody can compute, in either case of its digits. */

static void
test_hash_of_a_token(void **state)
{
    char               *request, *p;
    para_revocation_t   revocation;

    (void) state;

    request = unit_format("{\"token\":\"%s\"}", HASH);
    revocation = good(request);
    assert_reason(check(&jane, &revocation, NOW), PARA_TOKEN_REVOKED);

    for (p = request + strlen("{\"token\":\""); *p != '"'; p++) {
        if (*p >= 'a') {
            *p = (char) (*p - 'a' + 'A');
        }
    }

    revocation = good(request);
    assert_reason(check(&jane, &revocation, NOW), PARA_TOKEN_REVOKED);

    p[-1] = 'g';
    assert_non_null(parse(&revocation, request));
    free(request);

    request = unit_format("{\"token\":\"%s\"}", &HASH[1]);
    assert_non_null(parse(&revocation, request));
    free(request);

    request = unit_format("{\"token\":\"%s0\"}", HASH);
    assert_non_null(parse(&revocation, request));
    free(request);
}


/*
 * (r, n - s) is another text of what was ended by its text, not by a hash that
 * is of one text alone.
 */

static void
test_other_signature(void **state)
{
    subject_t           subject;
    para_revocation_t   revocation;

    (void) state;

    subject = jane;
    subject.text = SIGNED ".b3RoZXI";

    revocation = good("{\"token\":\"" JWT "\"}");
    assert_reason(check(&subject, &revocation, NOW), PARA_TOKEN_REVOKED);

    revocation = good("{\"token\":\"" HASH "\"}");
    assert_reason(check(&subject, &revocation, NOW), PARA_OK);

    subject.text = SIGNED "x.c2ln";

    revocation = good("{\"token\":\"" JWT "\"}");
    assert_reason(check(&subject, &revocation, NOW), PARA_OK);
}


static void
test_signed(void **state)
{
    para_span_t  none;

    (void) state;

    assert_span(para_revocation_signed(unit_span(JWT)), SIGNED);
    assert_span(para_revocation_signed(unit_span("a.b.")), "a.b");
    assert_span(para_revocation_signed(unit_span(".")), "");
    assert_span(para_revocation_signed(unit_span("abc")), "");

    none = para_revocation_signed(PARA_SPAN_NONE);
    assert_int_equal(none.len, 0);
}


static void
test_merge(void **state)
{
    para_revocation_t  a, b;

    (void) state;

    a = good("{\"user\":\"u1\"}");
    b = a;

    b.before += 5;
    b.end -= 5;
    para_revocation_merge(&a, &b);
    assert_int_equal(a.before, NOW + 6);
    assert_int_equal(a.end, NOW + 2592000);

    b.before -= 10;
    b.end += 10;
    para_revocation_merge(&a, &b);
    assert_int_equal(a.before, NOW + 6);
    assert_int_equal(a.end, NOW + 2592005);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_who_is_hit),
        cmocka_unit_test(test_exported_session),
        cmocka_unit_test(test_iat),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_hash_of_a_token),
        cmocka_unit_test(test_other_signature),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_merge)
    };

    return cmocka_run_group_tests_name("revocation", tests, setup, teardown);
}
