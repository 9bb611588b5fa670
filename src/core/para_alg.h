/*
 * The signature algorithms, RFC 7518 3.1, RFC 8037 3.1, RFC 8812 3.2 and
 * RFC 9864 2: one const row for each.
 */

#ifndef PARA_ALG_H
#define PARA_ALG_H

#include "para_span.h"


/* One bit for each algorithm, so that "which are allowed" is a mask. */

#define PARA_ALG_RS256    0x0001
#define PARA_ALG_RS384    0x0002
#define PARA_ALG_RS512    0x0004
#define PARA_ALG_PS256    0x0008
#define PARA_ALG_PS384    0x0010
#define PARA_ALG_PS512    0x0020
#define PARA_ALG_ES256    0x0040
#define PARA_ALG_ES384    0x0080
#define PARA_ALG_ES512    0x0100
#define PARA_ALG_ES256K   0x0200
#define PARA_ALG_EDDSA    0x0400
#define PARA_ALG_ED25519  0x0800
#define PARA_ALG_ED448    0x1000
#define PARA_ALG_HS256    0x2000
#define PARA_ALG_HS384    0x4000
#define PARA_ALG_HS512    0x8000

#define PARA_ALG_COUNT    16


typedef enum {
    PARA_KTY_RSA,
    PARA_KTY_EC,
    PARA_KTY_OKP,
    PARA_KTY_OCT
} para_kty_e;


typedef struct {
    unsigned        bit;              /* PARA_ALG_* */
    para_span_t     name;             /* "RS256", compared with case */
    para_kty_e      kty;
    const char     *digest;           /* OpenSSL's name; NULL for OKP */
    para_span_t     curve;            /* JWK's name of the curve (EC, OKP);
                                         absent: any (EdDSA) */
    const char     *group;            /* OpenSSL's name of it */
    size_t          half;             /* bytes of R and of S (EC), of a
                                         public key (OKP) */
    size_t          min_secret;       /* least bytes of the key (oct) */
    int             pss;              /* RSASSA-PSS, else PKCS #1 v1.5 (RSA) */
    int             usual;            /* allowed unless told otherwise */
} para_alg_t;


/* The row of a name, NULL if there is none. */
const para_alg_t *para_alg_find(para_span_t name);

/* The row of a JWK curve, NULL if kty has none of that name. */
const para_alg_t *para_alg_curve(para_kty_e kty, para_span_t curve);

/* The i-th row, NULL past the end: to list the names in a message. */
const para_alg_t *para_alg_row(size_t i);

/* Those allowed unless told otherwise: a mask, one way to sign per key. */
unsigned para_alg_usual(void);


#endif /* PARA_ALG_H */
