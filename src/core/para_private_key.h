/*
 * A private key that signs, and what the world may know of it: Ed25519
 * (RFC 8037 3.1) or P-256 (RFC 7518 3.4).
 */

#ifndef PARA_PRIVATE_KEY_H
#define PARA_PRIVATE_KEY_H

#include "para_span.h"


#define PARA_PRIVATE_KEY_MAX   16384  /* bytes of a file with a key */
#define PARA_SIGNATURE_SIZE    64     /* bytes, of either kind */
#define PARA_PUBLIC_JWK_MAX    320    /* bytes of a public key as JWK */

/* bytes of n of them */
#define PARA_PUBLIC_SET_MAX(n)  ((n) * (PARA_PUBLIC_JWK_MAX + 1) + 16)


typedef struct para_private_key_s  para_private_key_t;


/*
 * Makes a key of PEM (RFC 7468) that has one private key: PKCS #8, or what
 * OpenSSL calls "EC PRIVATE KEY", without a passphrase.  The text is not needed
 * afterwards.  Returns NULL if it is anything else or memory is out; then *why
 * is a static sentence that tells what to do.  para_private_key_free() cleanses
 * it.
 */
para_private_key_t *para_private_key_parse(para_span_t text, const char **why);
void para_private_key_free(para_private_key_t *key);

/* "EdDSA" or "ES256": RFC 8037 3.1, RFC 7518 3.1. */
para_span_t para_private_key_algorithm(const para_private_key_t *key);

/* The public key's thumbprint, RFC 7638. */
para_span_t para_private_key_kid(const para_private_key_t *key);

/*
 * Signs, for JWS (RFC 7515 5.1): ECDSA gives R||S.  Returns 0 if OpenSSL
 * failed; then signature is not to be used.
 */
int para_private_key_sign(const para_private_key_t *key,
    unsigned char signature[PARA_SIGNATURE_SIZE], para_span_t input);

/*
 * The public halves of n keys, at least one, as a JWK Set (RFC 7517 5) into
 * size bytes at dst; one that two have is there once.  Returns its length, 0 if
 * it does not fit: PARA_PUBLIC_SET_MAX(n) are enough.
 */
size_t para_private_key_publish(unsigned char *dst, size_t size,
    const para_private_key_t *const *key, size_t n);


#endif /* PARA_PRIVATE_KEY_H */
