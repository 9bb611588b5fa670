#include "para_trust.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "para_key.h"


struct para_trust_s {
    X509_STORE  *store;
};


/* OpenSSL is not to ask at the terminal for the password of a certificate. */

static int
para_trust_password(char *buf, int size, int rwflag, void *data)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) data;

    return -1;
}


/* All certificates from bio to the store: NULL, or why not. */

static const char *
para_trust_read(X509_STORE *store, BIO *bio)
{
    int     added;
    X509   *certificate;
    size_t  n;

    for (n = 0; ; n++) {
        certificate = PEM_read_bio_X509_AUX(bio, NULL, para_trust_password,
                                            NULL);
        if (certificate == NULL) {
            break;
        }

        added = X509_STORE_add_cert(store, certificate);
        X509_free(certificate);

        if (added != 1) {
            return para_key_failed("OpenSSL cannot keep one of its"
                                   " certificates");
        }
    }

    /* RFC 7468: no further block is how a text ends */

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return para_key_failed("one of its PEM blocks is malformed or cut off:"
                               " openssl storeutl -noout -text -certs shows"
                               " those before it");
    }

    ERR_clear_error();

    return n > 0 ? NULL : "it has no certificate: give the certificates of the"
                          " authorities as PEM (BEGIN CERTIFICATE)";
}


static const char *
para_trust_fill(para_trust_t *trust, para_span_t pem)
{
    BIO         *bio;
    const char  *why;

    trust->store = X509_STORE_new();
    if (trust->store == NULL) {
        return para_key_failed(para_key_no_memory);
    }

    bio = BIO_new_mem_buf(pem.data == NULL ? "" : (const void *) pem.data,
                          (int) pem.len);
    if (bio == NULL) {
        return para_key_failed(para_key_no_memory);
    }

    why = para_trust_read(trust->store, bio);

    BIO_free(bio);

    return why;
}


para_trust_t *
para_trust_parse(para_span_t pem, const char **why)
{
    para_trust_t  *trust;

    if (pem.len > PARA_TRUST_MAX_SIZE) {
        *why = "it is larger than 4 MiB";
        return NULL;
    }

    trust = calloc(1, sizeof(para_trust_t));
    if (trust == NULL) {
        *why = para_key_no_memory;
        return NULL;
    }

    *why = para_trust_fill(trust, pem);

    if (*why != NULL) {
        para_trust_free(trust);
        return NULL;
    }

    return trust;
}


int
para_trust_use(const para_trust_t *trust, SSL_CTX *ctx)
{
    if (X509_STORE_up_ref(trust->store) != 1) {
        return 0;
    }

    SSL_CTX_set_cert_store(ctx, trust->store);

    return 1;
}


/* The context holds a reference: no later store can have the same address. */

int
para_trust_has(const para_trust_t *trust, const SSL *ssl)
{
    return SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)) == trust->store;
}


void
para_trust_clear_errors(void)
{
    ERR_clear_error();
}


void
para_trust_free(para_trust_t *trust)
{
    if (trust == NULL) {
        return;
    }

    X509_STORE_free(trust->store);
    free(trust);
}
