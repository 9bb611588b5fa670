/*
 * Keys and tokens for the tests, made at run time by OpenSSL alone: nothing
 * here uses the code under test.  Everything returned is the caller's.
 */

#ifndef SIGN_H
#define SIGN_H

#include <stddef.h>


typedef struct sign_key_s  sign_key_t;


sign_key_t *sign_rsa(unsigned bits, unsigned exponent);
sign_key_t *sign_ec(const char *group);
sign_key_t *sign_okp(const char *type);
sign_key_t *sign_secret(const void *secret, size_t len);
void sign_key_free(sign_key_t *key);

/*
 * The key as JWK: only what is public, and of a secret all.  more: further
 * members, as ",\"kid\":\"a\"".
 */
char *sign_jwk(const sign_key_t *key, const char *more);

/*
 * PEM of the public key, the same with all parameters of its curve, the private
 * key, a certificate.
 */
char *sign_pem_public(const sign_key_t *key);
char *sign_pem_explicit(const sign_key_t *key);
char *sign_pem_private(const sign_key_t *key);
char *sign_pem_certificate(const sign_key_t *key);

/*
 * A token over these bytes, whatever they are, signed as is usual for the key's
 * kind, or as alg ("PS384") wants it.
 */
char *sign_token(const sign_key_t *key, const char *header,
    const char *payload);
char *sign_token_as(const sign_key_t *key, const char *alg, const char *header,
    const char *payload);

/* The same with a signature of one's own making. */
char *sign_assemble(const char *header, const char *payload,
    const void *signature, size_t len);

/*
 * The raw signature (R||S for EC), its length in *len, of the algorithm alg;
 * NULL: of the usual one.
 */
unsigned char *sign_bytes(const sign_key_t *key, const char *input,
    const char *alg, size_t *len);

/* RSASSA-PSS with any hash, hash of MGF1, and bytes of salt ("20"). */
unsigned char *sign_pss(const sign_key_t *key, const char *input,
    const char *digest, const char *mgf1, const char *salt, size_t *len);

/* header.payload, both base64url: what is signed. */
char *sign_input(const char *header, const char *payload);

char *sign_base64url(const void *data, size_t len);


#endif /* SIGN_H */
