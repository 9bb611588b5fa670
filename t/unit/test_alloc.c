/*
 * Every allocation fails in turn, that of the core, of jansson and of OpenSSL:
 * once that one alone, once that one and all after it.  Nothing crashes or
 * leaks, what must be refused is refused, and what is let through is complete.
 */

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "issuers.h"
#include "para_assertion.h"
#include "para_digest.h"
#include "para_exported.h"
#include "para_identity.h"
#include "para_jwk.h"
#include "para_keyfile.h"
#include "para_revocation.h"
#include "para_session.h"
#include "para_token.h"
#include "para_trust.h"
#include "para_wallet.h"
#include "sign.h"
#include "unit.h"


#define NOW  1700000000


/* The linker has the core call these: see the Makefile. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);


static struct {
    int     armed;
    int     lasting;                  /* all after it fail too */
    size_t  left;                     /* allocations that succeed before */
    size_t  failed;
} alloc;

static struct {
    char  *set;                       /* RSA, EC, Ed25519 */
    char  *oct;
    char  *pem;                       /* public keys and a certificate */
    char  *private_ec;
    char  *private_ed;
    char  *authorities;               /* two certificates */
    char  *rs256;
    char  *es256;
    char  *eddsa;
    char  *hs256;
    char  *forged_rs256;
    char  *forged_es256;
    char  *forged_eddsa;
    char  *forged_hs256;
    char  *exported;
    char  *signer;                    /* the same with a key share */
    char  *revocation;
} input;

static const char  answer[] =
    "{\"authType\":\"email\",\"identifier\":\"jane@example.com\"}";

static const char  alloc_touch[] =
    "{\"isAuthenticated\":true,\"userId\":\"user-1\",\"currentWalletIds\":"
    "{\"EVM\":[\"w1\",\"w2\"],\"SOLANA\":[\"w3\"]}}";


static int
alloc_refuses(void)
{
    if (!alloc.armed) {
        return 0;
    }

    if (alloc.left > 0) {
        alloc.left--;
        return 0;
    }

    if (alloc.failed > 0 && !alloc.lasting) {
        return 0;
    }

    alloc.failed++;

    return 1;
}


void *
__wrap_malloc(size_t size)
{
    return alloc_refuses() ? NULL : __real_malloc(size);
}


void *
__wrap_calloc(size_t n, size_t size)
{
    return alloc_refuses() ? NULL : __real_calloc(n, size);
}


void *
__wrap_realloc(void *memory, size_t size)
{
    return alloc_refuses() ? NULL : __real_realloc(memory, size);
}


static void *
alloc_openssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return size == 0 ? NULL : __wrap_malloc(size);
}


static void *
alloc_openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return __wrap_realloc(memory, size);
}


static void
alloc_openssl_free(void *memory, const char *file, int line)
{
    (void) file;
    (void) line;

    free(memory);
}


/* Runs it with the n-th allocation refused, for each n that there is. */

static void
alloc_each(int (*run)(void), int must_refuse)
{
    int          good;
    size_t       n, step;
    const char  *value;

    /* some are enough where each takes long: see the Makefile */

    value = getenv("PARA_ALLOC_STEP");
    step = value != NULL ? strtoul(value, NULL, 10) : 1;

    /* what is made once in a process is made now */

    assert_int_equal(run(), !must_refuse);

    for (alloc.lasting = 0; alloc.lasting <= 1; alloc.lasting++) {

        for (n = 0; ; n += step) {
            alloc.left = n;
            alloc.failed = 0;
            alloc.armed = 1;

            good = run();

            alloc.armed = 0;
            ERR_clear_error();

            if (must_refuse) {
                assert_int_equal(good, 0);
            }

            if (alloc.failed == 0) {
                break;
            }
        }

        assert_int_not_equal(n, 0);
        assert_int_equal(good, !must_refuse);
    }
}


/* A set is whole or there is none: no key goes missing. */

static int
alloc_set(const char *text, para_jwks_kind_e kind, size_t keys)
{
    size_t        n;
    const char   *why;
    para_jwks_t  *set;

    why = NULL;
    set = para_jwks_parse(unit_span(text), kind, &why);

    if (set == NULL) {
        assert_non_null(why);
        return 0;
    }

    n = para_jwks_count(set);
    para_jwks_free(set);
    assert_int_equal(n, keys);

    return 1;
}


static int
alloc_run_jwks(void)
{
    return alloc_set(input.set, PARA_JWKS_PUBLIC, 3);
}


static int
alloc_run_oct(void)
{
    return alloc_set(input.oct, PARA_JWKS_LOCAL, 1);
}


static int
alloc_run_pem(void)
{
    return alloc_set(input.pem, PARA_JWKS_PUBLIC, 3);
}


static int
alloc_run_secret(void)
{
    const char   *why;
    para_jwks_t  *set;

    set = para_jwks_secret(unit_span("0123456789abcdef0123456789abcdef"),
                           &why);
    para_jwks_free(set);

    return set != NULL;
}


/* The issuer's keys are made before, as nginx has them. */

static para_issuer_t  alloc_issuer;
static const char    *alloc_token;
static int            alloc_forged;


static int
alloc_run_token(void)
{
    para_span_t           text;
    para_token_t          token;
    para_reason_e         rc;
    const para_issuer_t  *issuer;

    issuer = &alloc_issuer;
    rc = para_token_verify(&token, &issuer, 1, unit_span(alloc_token), NOW);

    assert_int_equal(token.verdict, rc);

    if (rc == PARA_OK) {
        assert_true(para_json_string(para_json_get(token.claims, "sub"),
                                     &text));
        assert_span(text, "user-1");

    } else {
        assert_null(token.claims);

        /* a good one is not said to be bad, where OpenSSL says why it is */

        if (!alloc_forged && rc != PARA_SIGNATURE) {
            assert_int_equal(para_reason_code(rc), PARA_CODE_INTERNAL_ERROR);
        }
    }

    para_token_free(&token);

    return rc == PARA_OK;
}


static void
alloc_tokens(const char *keys, para_jwks_kind_e kind, const char *good,
    const char *forged)
{
    const char   *why;
    para_jwks_t  *set;

    set = para_jwks_parse(unit_span(keys), kind, &why);
    assert_non_null(set);

    memset(&alloc_issuer, 0, sizeof(alloc_issuer));
    alloc_issuer.name = unit_span("issuer");
    alloc_issuer.kind = PARA_ISSUER_OWN;
    alloc_issuer.algorithms = para_jwks_algorithms(set);
    alloc_issuer.keys = set;

    alloc_token = good;
    alloc_each(alloc_run_token, 0);

    alloc_token = forged;
    alloc_forged = 1;
    alloc_each(alloc_run_token, 1);
    alloc_forged = 0;

    /* no failure has left anything behind in the keys */

    alloc_token = good;
    assert_true(alloc_run_token());

    para_jwks_free(set);
}


/* The session alone, with the request for it. */

static int
alloc_run_session(void)
{
    size_t           len;
    para_reason_e    rc;
    para_session_t   session;
    unsigned char    body[PARA_SESSION_BODY_MAX];

    len = para_session_verify_body(body, unit_span("token"));
    rc = para_session_parse_verify(&session, unit_span(answer));

    if (rc == PARA_OK) {
        assert_span(session.field[PARA_SESSION_IDENTIFIER],
                    "jane@example.com");
    }

    para_session_free(&session);

    return len != 0 && rc == PARA_OK;
}


/* An exported session and what Para says of its cookie: whole or not at all. */

static int
alloc_run_exported(void)
{
    int              good;
    para_reason_e    rc;
    para_session_t   session;
    para_exported_t  exported;

    rc = para_exported_parse(&exported, unit_span(input.exported),
                             PARA_SIGNER_DENY);

    if (rc == PARA_OK) {
        assert_span(exported.cookie, "a=b; Path=/");
        assert_span(exported.user_id, "user-1");

    } else {
        assert_reason(rc, PARA_NO_MEMORY);
    }

    good = rc == PARA_OK;

    rc = para_session_parse_touch(&session, unit_span(alloc_touch));

    if (rc == PARA_OK) {
        assert_span(session.field[PARA_SESSION_USER_ID], "user-1");
        assert_span(session.field[PARA_SESSION_WALLET_IDS],
                    "EVM:w1,EVM:w2,SOLANA:w3");

        if (good) {
            assert_reason(para_exported_check_user(&exported, &session),
                          PARA_OK);
        }

    } else {
        assert_int_not_equal(rc, PARA_SESSION_ENDED);
        assert_absent(session.field[PARA_SESSION_USER_ID]);
    }

    para_session_free(&session);
    para_exported_free(&exported);

    assert_int_equal(ERR_peek_error(), 0);

    return good && rc == PARA_OK;
}


/* A key share is never overlooked. */

static int
alloc_run_signer(void)
{
    para_reason_e    rc;
    para_exported_t  exported;

    rc = para_exported_parse(&exported, unit_span(input.signer),
                             PARA_SIGNER_DENY);
    assert_absent(exported.cookie);
    para_exported_free(&exported);

    assert_true(rc == PARA_SESSION_SIGNER || rc == PARA_NO_MEMORY);

    return rc == PARA_OK;
}


static int
alloc_run_wallet(void)
{
    size_t          len, n;
    para_reason_e   rc;
    unsigned char   id[PARA_WALLET_ID_MAX], body[PARA_WALLET_BODY_MAX];

    len = para_wallet_body(body, unit_span("0x1"));
    rc = para_wallet_parse(id, &n, unit_span("{\"walletId\":\"w1\"}"));

    if (rc == PARA_OK) {
        assert_span(para_span(id, n), "w1");
    }

    return len != 0 && rc == PARA_OK;
}


/* It is kept under its own key, or it is not said to be kept. */

static int
alloc_run_revocation(void)
{
    int                good;
    const char        *why;
    para_digest_t     *digest;
    unsigned char      key[PARA_DIGEST_SIZE];
    para_revocation_t  revocation;

    digest = para_digest_create();

    if (digest == NULL) {
        return 0;
    }

    why = para_revocation_parse(&revocation, digest,
                                unit_span(input.revocation), NOW);

    if (why != NULL) {
        assert_int_equal(revocation.end, 0);
    }

    good = para_revocation_secret_key(key, digest, PARA_REVOCATION_SESSION,
                                      unit_span("a=b"))
           && why == NULL;

    if (good) {
        assert_memory_equal(key, revocation.key, PARA_DIGEST_SIZE);
    }

    para_digest_free(digest);

    return good;
}


/* All keys of a request, or word that there are none to be had. */

static int
alloc_run_revoked(void)
{
    int                         good;
    para_token_t                token;
    para_digest_t              *digest;
    para_revocation_keys_t      keys;
    para_revocation_subject_t   subject;

    memset(&token, 0, sizeof(token));
    memset(&subject, 0, sizeof(subject));

    token.claims = para_json_parse(unit_span("{\"iat\":1,\"jti\":\"7\"}"), 99);
    digest = para_digest_create();
    good = 0;

    if (token.claims != NULL && digest != NULL) {
        subject.token = &token;
        subject.text = unit_span("a.b.c");
        subject.credential = unit_span("token");

        good = para_revocation_keys(&keys, digest, &subject);

        if (good) {
            assert_int_equal(keys.n, 5);
            assert_true(keys.has_iat);
        }
    }

    para_digest_free(digest);
    para_json_free(token.claims);

    return good;
}


/*
 * Strings of each length around jansson's buffer: a byte that finds no room
 * must not go missing, and the closing quote is one.
 */

static char  alloc_text[100];


static int
alloc_run_json(void)
{
    size_t        len;
    para_span_t   value;
    para_json_t  *root;

    len = strlen(alloc_text);
    root = para_json_parse(unit_span(alloc_text), len);

    if (root != NULL) {
        assert_true(para_json_string(para_json_get(root, "v"), &value));
        assert_int_equal(value.len, len - strlen("{'v':''}"));
        assert_memory_equal(value.data, alloc_text + 6, value.len);
    }

    para_json_free(root);

    return root != NULL;
}


static int
alloc_run_digest(void)
{
    int             good;
    para_span_t     part[2];
    para_digest_t  *digest;
    unsigned char   key[PARA_DIGEST_SIZE];

    digest = para_digest_create();

    if (digest == NULL) {
        return 0;
    }

    part[0] = unit_span("a");
    part[1] = PARA_SPAN_NONE;
    good = para_digest_key(digest, key, part, 2);

    para_digest_free(digest);

    return good;
}


/* No authority goes missing. */

static SSL_CTX  *alloc_client;


static int
alloc_run_trust(void)
{
    int            n;
    const char    *why;
    para_trust_t  *trust;

    why = NULL;
    trust = para_trust_parse(unit_span(input.authorities), &why);

    if (trust == NULL) {
        assert_non_null(why);
        return 0;
    }

    assert_null(why);
    assert_int_equal(para_trust_use(trust, alloc_client), 1);
    para_trust_free(trust);

    n = sk_X509_OBJECT_num(X509_STORE_get0_objects(
                               SSL_CTX_get_cert_store(alloc_client)));
    assert_int_equal(n, 2);

    return 1;
}


/* A file is written whole, and never called torn for want of memory. */

static int
alloc_run_keyfile(void)
{
    size_t          len;
    const char     *why;
    para_keyfile_t  file, read;
    unsigned char   text[500];

    file.url = unit_span("https://example.com/jwks.json");
    file.fetched = NOW;
    file.jwks = unit_span("{}");

    len = para_keyfile_write(text, sizeof(text), &file);
    if (len == 0) {
        return 0;
    }

    why = para_keyfile_parse(&read, para_span(text, len), file.url, NOW);

    if (why != NULL) {
        assert_string_equal(why, "memory is out");
        return 0;
    }

    assert_span(read.jwks, "{}");

    return 1;
}


static const char  *alloc_private;


static int
alloc_run_private_key(void)
{
    const char          *why;
    para_private_key_t  *key;

    why = NULL;
    key = para_private_key_parse(unit_span(alloc_private), &why);

    assert_int_equal(key == NULL, why != NULL);

    para_private_key_free(key);

    return key != NULL;
}


/* It says all that it has to, or is not made. */

static para_assertion_policy_t  alloc_policy;
static size_t                   alloc_assertion_len;


static int
alloc_run_assertion(void)
{
    int               good;
    para_span_t       field[PARA_ID_FIELDS];
    para_assertion_t  assertion;

    memset(field, 0, sizeof(field));

    field[PARA_ID_USER_ID] = unit_span("u%20");
    field[PARA_ID_ROLES] = unit_span("a,b");
    field[PARA_ID_WALLETS] = unit_span("EVM:0x1,SOLANA:E");

    good = para_assertion_make(&assertion, &alloc_policy, field, NOW);

    if (good && alloc_assertion_len == 0) {
        alloc_assertion_len = assertion.len;
    }

    if (good) {
        assert_int_equal(assertion.len, alloc_assertion_len);

    } else {
        assert_null(assertion.text);
    }

    para_assertion_free(&assertion);

    return good;
}


static void
alloc_assertions(const char *pem)
{
    const char          *why;
    para_private_key_t  *key;

    alloc_private = pem;
    alloc_each(alloc_run_private_key, 0);

    key = para_private_key_parse(unit_span(pem), &why);
    assert_non_null(key);

    alloc_policy.key = key;
    alloc_policy.issuer = unit_span("gateway");
    alloc_policy.audience = unit_span("app");
    alloc_policy.ttl = 30;

    alloc_assertion_len = 0;
    alloc_each(alloc_run_assertion, 0);

    para_private_key_free(key);
}


/* Both layers: an identity is whole, or there is none. */

static const char  *alloc_answer;

static const para_span_t  alloc_paths[] = {
    { (const unsigned char *) "n", 1 },
    { (const unsigned char *) "wallets[*].address", 18 }
};

static const para_claim_set_t  alloc_claims = { alloc_paths, 2 };


static int
alloc_run_identity(void)
{
    para_token_t          token;
    para_reason_e         rc;
    para_session_t        session;
    para_identity_t       identity;
    const para_issuer_t  *issuer;

    issuer = &alloc_issuer;
    memset(&identity, 0, sizeof(identity));

    rc = para_token_verify(&token, &issuer, 1, unit_span(alloc_token), NOW);

    if (rc == PARA_OK) {
        rc = para_session_parse_verify(&session, unit_span(alloc_answer));

        if (rc == PARA_OK) {
            rc = para_identity_build(&identity, &token, &session,
                                     PARA_MATCH_STRICT, &alloc_claims);
        }

        para_session_free(&session);
    }

    para_token_free(&token);

    if (rc == PARA_OK) {
        assert_span(identity.field[PARA_ID_IDENTIFIER], "jane@example.com");
        assert_span(identity.field[PARA_ID_ROLES], "a,b");
        assert_span(identity.field[PARA_ID_WALLETS], "EVM:0x1");
        assert_span(para_claim_value(identity.field[PARA_ID_CLAIMS], 2, 0),
                    "0.1,0.30000000000000004,7");
        assert_span(para_claim_value(identity.field[PARA_ID_CLAIMS], 2, 1),
                    "0x1");

    } else {
        assert_null(identity.memory);
        assert_absent(identity.field[PARA_ID_IDENTIFIER]);
    }

    para_identity_free(&identity);

    return rc == PARA_OK;
}


static void
test_sets(void **state)
{
    (void) state;

    alloc_each(alloc_run_jwks, 0);
    alloc_each(alloc_run_oct, 0);
    alloc_each(alloc_run_pem, 0);
    alloc_each(alloc_run_secret, 0);
}


static void
test_tokens(void **state)
{
    (void) state;

    alloc_tokens(input.set, PARA_JWKS_PUBLIC, input.rs256,
                 input.forged_rs256);
    alloc_tokens(input.set, PARA_JWKS_PUBLIC, input.es256,
                 input.forged_es256);
    alloc_tokens(input.set, PARA_JWKS_PUBLIC, input.eddsa,
                 input.forged_eddsa);
    alloc_tokens(input.oct, PARA_JWKS_LOCAL, input.hs256,
                 input.forged_hs256);
}


static void
test_identities(void **state)
{
    const char   *why;
    para_jwks_t  *set;

    (void) state;

    set = para_jwks_parse(unit_span(input.oct), PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    memset(&alloc_issuer, 0, sizeof(alloc_issuer));
    alloc_issuer.name = unit_span("issuer");
    alloc_issuer.kind = PARA_ISSUER_OWN;
    alloc_issuer.algorithms = PARA_ALG_HS256;
    alloc_issuer.keys = set;
    para_issuer_default_map(PARA_ISSUER_OWN, alloc_issuer.map);
    alloc_issuer.map[PARA_CLAIM_ROLES].path[0] = PARA_SPAN("roles");
    alloc_issuer.map[PARA_CLAIM_ROLES].paths = 1;
    alloc_issuer.map[PARA_CLAIM_WALLETS].path[0] = PARA_SPAN("wallets");
    alloc_issuer.map[PARA_CLAIM_WALLETS].paths = 1;
    alloc_token = input.hs256;

    alloc_answer = answer;
    alloc_each(alloc_run_identity, 0);

    alloc_answer = "{\"authType\":\"email\","
                   "\"identifier\":\"joe@example.com\"}";
    alloc_each(alloc_run_identity, 1);

    para_jwks_free(set);
}


static void
test_assertions(void **state)
{
    (void) state;

    alloc_assertions(input.private_ec);
    alloc_assertions(input.private_ed);
}


static void
test_the_rest(void **state)
{
    int  len;

    (void) state;

    for (len = 12; len < 68; len++) {
        snprintf(alloc_text, sizeof(alloc_text), "{\"v\":\"%0*d\"}", len, 0);
        alloc_each(alloc_run_json, 0);
    }

    alloc_each(alloc_run_session, 0);
    alloc_each(alloc_run_exported, 0);
    alloc_each(alloc_run_signer, 1);
    alloc_each(alloc_run_wallet, 0);
    alloc_each(alloc_run_revocation, 0);
    alloc_each(alloc_run_revoked, 0);
    alloc_each(alloc_run_digest, 0);
    alloc_each(alloc_run_keyfile, 0);

    alloc_client = SSL_CTX_new(TLS_client_method());
    assert_non_null(alloc_client);
    alloc_each(alloc_run_trust, 0);
    SSL_CTX_free(alloc_client);
}


static char *
alloc_sign(const char *name, const char *alg)
{
    char  *header, *payload, *token;

    header = unit_format("{\"alg\":\"%s\",\"kid\":\"%s\"}", alg, name);
    payload = unit_format("{\"sub\":\"user-1\",\"exp\":%d,"
                          "\"auth_identifier\":\"jane@example.com\","
                          "\"auth_method\":\"email\","
                          "\"roles\":[\"a\",\"b\"],"
                          "\"n\":[0.1,0.30000000000000004,7],"
                          "\"wallets\":[{\"type\":\"EVM\","
                          "\"address\":\"0x1\"}]}", NOW + 60);
    token = sign_token(unit_key(name), header, payload);

    free(header);
    free(payload);

    return token;
}


/* The same with another character in the middle of the signature. */

static char *
alloc_forge(const char *token)
{
    char  *forged, *p;

    forged = unit_format("%s", token);
    p = strrchr(forged, '.') + 20;
    *p = *p == 'A' ? 'B' : 'A';

    return forged;
}


static char *
alloc_export(const char *more)
{
    char  *json, *text;

    json = unit_format("{\"sessionCookie\":\"a=b; Path=/\","
                       "\"userId\":\"user-1\"%s}", more);
    text = unit_base64(json, strlen(json));
    free(json);

    return text;
}


static int
setup(void **state)
{
    char  *a, *b, *c;

    (void) state;

    a = sign_jwk(unit_key("rsa"), ",\"kid\":\"rsa\"");
    b = sign_jwk(unit_key("ec"), ",\"kid\":\"ec\"");
    c = sign_jwk(unit_key("ed"), "");
    input.set = unit_format("{\"keys\":[%s,%s,%s]}", a, b, c);
    free(a);
    free(b);
    free(c);

    a = sign_pem_public(unit_key("rsa"));
    b = sign_pem_public(unit_key("ec"));
    c = sign_pem_certificate(unit_key("p384"));
    input.pem = unit_format("%s%s%s", a, b, c);
    free(a);
    free(b);
    free(c);

    a = sign_pem_certificate(unit_key("ec"));
    b = sign_pem_certificate(unit_key("p384"));
    input.authorities = unit_format("%s%s", a, b);
    free(a);
    free(b);

    input.oct = sign_jwk(unit_key("oct"), "");

    input.rs256 = alloc_sign("rsa", "RS256");
    input.es256 = alloc_sign("ec", "ES256");
    input.eddsa = alloc_sign("ed", "EdDSA");
    input.hs256 = alloc_sign("oct", "HS256");

    input.private_ec = sign_pem_private(unit_key("ec"));
    input.private_ed = sign_pem_private(unit_key("ed"));

    input.exported = alloc_export("");
    input.signer = alloc_export(",\"wallets\":{\"w\":{\"signer\":\"share\"}}");
    input.revocation = unit_format("{\"session\":\"%s\"}", input.exported);

    input.forged_rs256 = alloc_forge(input.rs256);
    input.forged_es256 = alloc_forge(input.es256);
    input.forged_eddsa = alloc_forge(input.eddsa);
    input.forged_hs256 = alloc_forge(input.hs256);

    return 0;
}


static int
teardown(void **state)
{
    free(input.set);
    free(input.oct);
    free(input.pem);
    free(input.private_ec);
    free(input.private_ed);
    free(input.authorities);
    free(input.rs256);
    free(input.es256);
    free(input.eddsa);
    free(input.hs256);
    free(input.forged_rs256);
    free(input.forged_es256);
    free(input.forged_eddsa);
    free(input.forged_hs256);
    free(input.exported);
    free(input.signer);
    free(input.revocation);

    return unit_keys_free(state);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_assertions),
        cmocka_unit_test(test_the_rest),
    };

    /* before either has allocated anything */

    if (CRYPTO_set_mem_functions(alloc_openssl_malloc, alloc_openssl_realloc,
                                 alloc_openssl_free)
        != 1)
    {
        return 1;
    }

    json_set_alloc_funcs(__wrap_malloc, free);

    return cmocka_run_group_tests(tests, setup, teardown);
}
