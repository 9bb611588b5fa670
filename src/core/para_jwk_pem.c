#include "para_jwk_set.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>


/* RFC 7468: one block, of which OpenSSL has undone the armour. */

static const char *
para_jwks_read_block(para_jwks_t *set, const char *label, para_span_t der)
{
    para_key_t  *key;
    const char  *why;

    if (strstr(label, "PRIVATE KEY") != NULL) {
        return "it holds a private key: give only the public key"
               " (openssl pkey -pubout)";
    }

    key = NULL;

    if (strcmp(label, PEM_STRING_PUBLIC) == 0) {
        why = para_key_public(&key, der);

    } else if (strcmp(label, PEM_STRING_X509) == 0) {
        why = para_key_certificate(&key, der);

    } else {
        why = "it is neither a PUBLIC KEY nor a CERTIFICATE";
    }

    if (why != NULL) {
        return para_jwks_leave_out(set, why, PARA_SPAN_NONE);
    }

    return para_jwks_keep(set, key, para_key_algorithms(key), PARA_SPAN_NONE);
}


const char *
para_jwks_read_pem(para_jwks_t *set, para_span_t text)
{
    BIO            *bio;
    char           *label, *header;
    long            len;
    const char     *why;
    unsigned char  *der;

    bio = BIO_new_mem_buf(text.data, (int) text.len);
    if (bio == NULL) {
        return para_key_no_memory;
    }

    why = NULL;

    while (why == NULL) {

        if (PEM_read_bio(bio, &label, &header, &der, &len) != 1) {

            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
                why = para_key_failed("it has a PEM block that is cut off or"
                                      " no base64");
            }

            break;
        }

        why = para_jwks_read_block(set, label, para_span(der, (size_t) len));

        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t) len);
    }

    BIO_free(bio);

    if (why == NULL && set->keys + set->refused == 0) {
        why = "it is neither JSON nor PEM: give a JWK, a JWK Set, a PUBLIC KEY"
              " or a CERTIFICATE";
    }

    return why;
}
