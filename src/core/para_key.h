/*
 * One key prepared for verification, RFC 7518 3 and RFC 8037 3.1: made of its
 * parts or of DER, held against the limits, and made once.  JWK and PEM are
 * read elsewhere.
 */

#ifndef PARA_KEY_H
#define PARA_KEY_H

#include "para_alg.h"
#include "para_span.h"


typedef struct para_key_s  para_key_t;

struct evp_pkey_st;                   /* OpenSSL's EVP_PKEY */


/* What a key is refused with if memory is out: told apart by its address. */
extern const char  para_key_no_memory[];


/*
 * Each makes a key and returns NULL, or a static sentence that says what is
 * wrong; then *key stays as it is.  Numbers are big-endian.  End a key with
 * para_key_free().
 */
const char *para_key_rsa(para_key_t **key, para_span_t n, para_span_t e);
const char *para_key_ec(para_key_t **key, para_span_t curve, para_span_t x,
    para_span_t y);
const char *para_key_okp(para_key_t **key, para_span_t curve, para_span_t x);
const char *para_key_secret(para_key_t **key, para_span_t secret);

/* From SubjectPublicKeyInfo, RFC 5280 4.1.2.7, and from a certificate. */
const char *para_key_public(para_key_t **key, para_span_t der);
const char *para_key_certificate(para_key_t **key, para_span_t der);

/*
 * Why OpenSSL's public key must not be used, NULL if it may: RSA of an odd size
 * or exponent, or ROCA; a point off its curve, of small order, or not in its
 * canonical form.
 */
const char *para_key_check(struct evp_pkey_st *pkey);

/* From OpenSSL's public key, after para_key_check(). */
const char *para_key_prepared(para_key_t **key, struct evp_pkey_st *pkey);

/*
 * why, or para_key_no_memory if OpenSSL has failed for that.  Empties OpenSSL's
 * queue of errors.
 */
const char *para_key_failed(const char *why);

void para_key_free(para_key_t *key);

para_kty_e para_key_kty(const para_key_t *key);

/* See para_thumbprint.h; absent of a secret. */
para_span_t para_key_thumbprint(const para_key_t *key);

/* The algorithms that fit its kind, curve and size: a mask. */
unsigned para_key_algorithms(const para_key_t *key);

/* As para_jwk_verify(). */
int para_key_verify(const para_key_t *key, const para_alg_t *alg,
    para_span_t message, para_span_t signature);


#endif /* PARA_KEY_H */
