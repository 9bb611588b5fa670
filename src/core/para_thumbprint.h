/*
 * The name that a public key has of itself: its JWK thumbprint, RFC 7638, in
 * base64url.  A secret has none: a hash of it must not get about (section 7).
 */

#ifndef PARA_THUMBPRINT_H
#define PARA_THUMBPRINT_H

#include <stddef.h>


#define PARA_THUMBPRINT_SIZE  43      /* characters */


struct evp_pkey_st;                   /* OpenSSL's EVP_PKEY */


/* Of an RSA, EC, Ed25519 or Ed448 key.  Returns 0 if OpenSSL failed. */
int para_thumbprint(const struct evp_pkey_st *pkey,
    unsigned char name[PARA_THUMBPRINT_SIZE]);

/*
 * What it is the hash of: the public key as a JWK of the members that it needs
 * and no other, without spaces.  Writes it to json with a NUL, and returns its
 * length; 0 if it does not fit into size bytes, or OpenSSL failed.
 */
size_t para_thumbprint_jwk(const struct evp_pkey_st *pkey, char *json,
    size_t size);


#endif /* PARA_THUMBPRINT_H */
