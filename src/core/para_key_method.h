/*
 * What making a key (para_key.c) and verifying with it (para_key_verify.c) have
 * in common.  Nobody else includes it.
 */

#ifndef PARA_KEY_METHOD_H
#define PARA_KEY_METHOD_H

#include "para_key.h"
#include "para_thumbprint.h"


struct evp_mac_ctx_st;                /* OpenSSL's EVP_MAC_CTX */
struct evp_md_ctx_st;                 /* EVP_MD_CTX */
struct evp_md_st;                     /* EVP_MD */
struct evp_pkey_ctx_st;               /* EVP_PKEY_CTX */


/* What one algorithm needs, so that a verification fetches nothing. */

typedef struct {
    const para_alg_t        *alg;
    size_t                   size;    /* bytes of a signature */
    struct evp_md_st        *md;
    struct evp_pkey_ctx_st  *verify;  /* RSA, EC */
    struct evp_pkey_st      *pkey;    /* OKP */
    struct evp_mac_ctx_st   *mac;     /* oct: has the secret, is copied */
} para_key_method_t;


struct para_key_s {
    struct evp_md_ctx_st    *hash;
    size_t                   methods;
    para_key_method_t        method[PARA_ALG_COUNT];
    para_span_t              thumbprint;      /* in name */
    unsigned char            name[PARA_THUMBPRINT_SIZE];
};


#endif /* PARA_KEY_METHOD_H */
