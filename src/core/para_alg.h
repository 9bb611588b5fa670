/*
 * The signature algorithms, RFC 7518 3.1: one const row for each.
 */

#ifndef PARA_ALG_H
#define PARA_ALG_H

#include "para_span.h"


/* One bit for each algorithm, so that "which are allowed" is a mask. */

#define PARA_ALG_RS256  0x0001
#define PARA_ALG_ES256  0x0002
#define PARA_ALG_HS256  0x0004

#define PARA_ALG_COUNT  3


typedef enum {
    PARA_KTY_RSA,
    PARA_KTY_EC,
    PARA_KTY_OCT
} para_kty_e;


typedef struct {
    unsigned        bit;              /* PARA_ALG_* */
    para_span_t     name;             /* "RS256", compared with case */
    para_kty_e      kty;
    const char     *digest;           /* OpenSSL's name */
    para_span_t     curve;            /* JWK's name of the curve (EC) */
    const char     *group;            /* OpenSSL's name of it */
    size_t          half;             /* bytes of R and of S (EC) */
    size_t          min_secret;       /* least bytes of the key (oct) */
} para_alg_t;


/* The row of a name, NULL if there is none. */
const para_alg_t *para_alg_find(para_span_t name);

/* The i-th row, NULL past the end: to list the names in a message. */
const para_alg_t *para_alg_row(size_t i);


#endif /* PARA_ALG_H */
