#include "unit.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "para_trust.h"


typedef struct {
    EVP_PKEY  *key;
    X509      *certificate;
    char      *pem;
} who_t;


/* Two authorities, and a server of each. */

static struct {
    who_t  ca;
    who_t  other;
    who_t  server;                    /* its issuer is ca */
    who_t  stranger;                  /* other */
} made;


static char *
bio_text(BIO *bio)
{
    char  *data, *text;
    long   len;

    len = BIO_get_mem_data(bio, &data);
    text = unit_format("%.*s", (int) len, data);
    BIO_free(bio);

    return text;
}


static void
make(who_t *who, const char *name, const who_t *issuer)
{
    BIO             *bio;
    X509            *x509;
    X509_NAME       *subject;
    const who_t     *by;
    X509_EXTENSION  *constraints;

    by = issuer != NULL ? issuer : who;

    who->key = EVP_EC_gen("P-256");
    x509 = X509_new();
    assert_non_null(who->key);
    assert_non_null(x509);
    who->certificate = x509;

    subject = X509_get_subject_name(x509);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                         (const unsigned char *) name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x509,
                         X509_get_subject_name(by->certificate)), 1);
    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509),
                                      issuer != NULL ? 2 : 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
    assert_int_equal(X509_set_pubkey(x509, who->key), 1);

    constraints = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                      issuer != NULL ? "critical,CA:FALSE"
                                                     : "critical,CA:TRUE");
    assert_non_null(constraints);
    assert_int_equal(X509_add_ext(x509, constraints, -1), 1);
    X509_EXTENSION_free(constraints);

    assert_int_not_equal(X509_sign(x509, by->key, EVP_sha256()), 0);

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    who->pem = bio_text(bio);
}


static void
unmake(who_t *who)
{
    EVP_PKEY_free(who->key);
    X509_free(who->certificate);
    free(who->pem);
}


static para_trust_t *
trust_of(const char *pem)
{
    const char    *why;
    para_span_t    text;
    para_trust_t  *trust;

    text = unit_exact(pem, strlen(pem));
    why = "";
    trust = para_trust_parse(text, &why);
    free((void *) text.data);

    if (trust == NULL) {
        fail_msg("%s", why);
    }

    assert_null(why);

    return trust;
}


static SSL_CTX *
client_of(const para_trust_t *trust)
{
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(para_trust_use(trust, ctx), 1);

    return ctx;
}


/* A handshake in memory: whether the client is content with the server. */

static int
trusts(SSL_CTX *client, const who_t *who)
{
    int       i, good;
    SSL      *from, *to;
    BIO      *near, *far;
    SSL_CTX  *server;

    server = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(server, who->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, who->key), 1);

    from = SSL_new(client);
    to = SSL_new(server);
    assert_int_equal(BIO_new_bio_pair(&near, 0, &far, 0), 1);

    SSL_set_bio(from, near, near);
    SSL_set_bio(to, far, far);
    SSL_set_connect_state(from);
    SSL_set_accept_state(to);

    good = 0;

    for (i = 0; i < 10 && !good; i++) {
        good = SSL_do_handshake(from) == 1;
        (void) SSL_do_handshake(to);
    }

    /* nothing else may be the matter */

    if (good) {
        assert_int_equal(SSL_get_verify_result(from), X509_V_OK);

    } else {
        assert_int_not_equal(SSL_get_verify_result(from), X509_V_OK);
    }

    SSL_free(from);
    SSL_free(to);
    SSL_CTX_free(server);
    ERR_clear_error();

    return good;
}


static void
test_trusts_these_and_no_others(void **state)
{
    SSL_CTX       *ctx;
    para_trust_t  *trust;

    (void) state;

    trust = trust_of(made.ca.pem);
    ctx = client_of(trust);

    assert_true(trusts(ctx, &made.server));
    assert_false(trusts(ctx, &made.stranger));

    SSL_CTX_free(ctx);
    para_trust_free(trust);
}


/* What the context trusted before is forgotten. */

static void
test_replaces(void **state)
{
    SSL_CTX       *ctx;
    para_trust_t  *trust;

    (void) state;

    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx),
                                         made.other.certificate), 1);
    assert_true(trusts(ctx, &made.stranger));

    trust = trust_of(made.ca.pem);
    assert_int_equal(para_trust_use(trust, ctx), 1);

    assert_false(trusts(ctx, &made.stranger));
    assert_true(trusts(ctx, &made.server));

    /* the same again takes no reference too many or too few */

    assert_int_equal(para_trust_use(trust, ctx), 1);
    assert_true(trusts(ctx, &made.server));

    para_trust_free(trust);
    SSL_CTX_free(ctx);
}


/* Contexts and what they trust end in any order. */

static void
test_lifetimes(void **state)
{
    SSL_CTX       *first, *second;
    para_trust_t  *trust;

    (void) state;

    trust = trust_of(made.ca.pem);
    first = client_of(trust);
    second = client_of(trust);

    SSL_CTX_free(first);
    first = client_of(trust);
    para_trust_free(trust);

    assert_true(trusts(first, &made.server));
    assert_true(trusts(second, &made.server));

    SSL_CTX_free(first);
    SSL_CTX_free(second);

    para_trust_free(NULL);
}


/* By whom a connection was verified, also if another has the same contents. */

static void
test_has(void **state)
{
    SSL           *ssl;
    SSL_CTX       *ctx, *bare;
    para_trust_t  *trust, *twin;

    (void) state;

    trust = trust_of(made.ca.pem);
    twin = trust_of(made.ca.pem);

    bare = SSL_CTX_new(TLS_client_method());
    ssl = SSL_new(bare);
    assert_false(para_trust_has(trust, ssl));
    SSL_free(ssl);
    SSL_CTX_free(bare);

    ctx = client_of(trust);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);

    assert_true(para_trust_has(trust, ssl));
    assert_false(para_trust_has(twin, ssl));

    /* none of a later life has its address while the connection is there */

    para_trust_free(trust);
    para_trust_free(twin);
    trust = trust_of(made.ca.pem);
    assert_false(para_trust_has(trust, ssl));

    SSL_free(ssl);
    para_trust_free(trust);
}


static void
test_bundles(void **state)
{
    BIO           *bio;
    char          *key, *public, *bundle;
    SSL_CTX       *ctx;
    para_trust_t  *trust;

    (void) state;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, made.ca.key), 1);
    public = bio_text(bio);

    /* encrypted: nobody asks for its password */

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, made.ca.key,
                         EVP_aes_128_cbc(), (const unsigned char *) "secret",
                         6, NULL, NULL), 1);
    key = bio_text(bio);

    bundle = unit_format("# authorities\n%s\nsome text\n%s%s%s%s-----\r\n%s",
                         made.other.pem, public, key, made.ca.pem,
                         made.other.pem, made.ca.pem);
    trust = trust_of(bundle);
    ctx = client_of(trust);

    assert_true(trusts(ctx, &made.server));
    assert_true(trusts(ctx, &made.stranger));
    assert_int_equal(ERR_peek_error(), 0);

    SSL_CTX_free(ctx);
    para_trust_free(trust);
    free(bundle);
    free(public);
    free(key);
}


static void
assert_refused(const char *pem, size_t len, const char *expected)
{
    const char    *why;
    para_span_t    text;
    para_trust_t  *trust;

    text = unit_exact(pem, len);
    why = NULL;
    trust = para_trust_parse(text, &why);
    free((void *) text.data);

    assert_null(trust);
    assert_non_null(why);
    assert_int_equal(ERR_peek_error(), 0);

    if (strncmp(why, expected, strlen(expected)) != 0) {
        fail_msg("%.60s: %s", pem, why);
    }
}


static void
test_refused(void **state)
{
    char   *text, *p;
    size_t  len;

    static const char  none[] = "it has no certificate: ";
    static const char  bad[] = "one of its PEM blocks is malformed ";

    static const char *const  broken[] = {
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END PUBLIC KEY-----\n",

        /* it is refused, and no terminal asked */

        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
        "MAA=\n-----END CERTIFICATE-----\n"
    };

    (void) state;

    assert_refused("", 0, none);
    assert_refused("\n", 1, none);
    assert_refused("\0\0", 2, none);
    assert_refused("{\"keys\":[]}", 11, none);
    assert_refused("-----BEGIN", 10, none);
    assert_refused("-----BEGIN PUBLIC KEY-----\nMAA=\n"
                   "-----END PUBLIC KEY-----\n", 57, none);

    for (len = 0; len < unit_count(broken); len++) {
        text = unit_format("%s%s", made.ca.pem, broken[len]);

        assert_refused(broken[len], strlen(broken[len]), bad);
        assert_refused(text, strlen(text), bad);

        free(text);
    }

    /* cut off anywhere in the second, so that its first line is whole */

    text = unit_format("%s%s", made.ca.pem, made.other.pem);

    for (len = strlen(made.ca.pem) + 28; len < strlen(text) - 26; len++) {
        assert_refused(text, len, bad);
    }

    free(text);

    text = unit_format("%s", made.ca.pem);
    p = strchr(text, '\n') + 1;
    memcpy(p, "AAAA", 4);
    assert_refused(text, strlen(text), bad);
    free(text);
}


static void
test_no_text(void **state)
{
    const char  *why;

    (void) state;

    why = NULL;
    assert_null(para_trust_parse(PARA_SPAN_NONE, &why));
    assert_non_null(why);
}


/* Looked at up to its limit, and not beyond. */

static void
test_size(void **state)
{
    char          *text;
    size_t         len;
    const char    *why;
    para_trust_t  *trust;

    (void) state;

    text = unit_repeat('\n', PARA_TRUST_MAX_SIZE + 1);
    len = strlen(made.ca.pem);
    memcpy(text + PARA_TRUST_MAX_SIZE - len, made.ca.pem, len);

    why = NULL;
    trust = para_trust_parse(para_span(text, PARA_TRUST_MAX_SIZE), &why);
    assert_non_null(trust);
    para_trust_free(trust);

    assert_null(para_trust_parse(para_span(text, PARA_TRUST_MAX_SIZE + 1),
                                 &why));
    assert_string_equal(why, "it is larger than 4 MiB");

    free(text);
}


static void
test_clears_errors(void **state)
{
    (void) state;

    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    ERR_raise(ERR_LIB_X509, ERR_R_INTERNAL_ERROR);

    para_trust_clear_errors();

    assert_int_equal(ERR_peek_error(), 0);
}


static int
setup(void **state)
{
    (void) state;

    make(&made.ca, "authority", NULL);
    make(&made.other, "other authority", NULL);
    make(&made.server, "server", &made.ca);
    make(&made.stranger, "server", &made.other);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    unmake(&made.ca);
    unmake(&made.other);
    unmake(&made.server);
    unmake(&made.stranger);

    return 0;
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_trusts_these_and_no_others),
        cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_bundles),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_clears_errors)
    };

    return cmocka_run_group_tests_name("trust", tests, setup, teardown);
}
