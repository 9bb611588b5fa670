/*
 * The name that a public key has of itself: its JWK thumbprint, RFC 7638, in
 * base64url.  A secret has none: a hash of it must not get about (section 7).
 */

#ifndef PARA_THUMBPRINT_H
#define PARA_THUMBPRINT_H


#define PARA_THUMBPRINT_SIZE  43      /* characters */


struct evp_pkey_st;                   /* OpenSSL's EVP_PKEY */


/* Of an RSA, EC, Ed25519 or Ed448 key.  Returns 0 if OpenSSL failed. */
int para_thumbprint(const struct evp_pkey_st *pkey,
    unsigned char name[PARA_THUMBPRINT_SIZE]);


#endif /* PARA_THUMBPRINT_H */
