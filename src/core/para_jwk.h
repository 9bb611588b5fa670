/*
 * Key sets: JWK Set and JWK (RFC 7517), PEM public keys and certificates,
 * made once into an immutable set of prepared keys.
 */

#ifndef PARA_JWK_H
#define PARA_JWK_H

#include "para_alg.h"
#include "para_span.h"


#define PARA_JWKS_MAX_SIZE     65536    /* bytes of a set */
#define PARA_JWKS_MAX_KEYS     32
#define PARA_KID_MAX_SIZE      256      /* bytes */
#define PARA_RSA_MIN_BITS      2048
#define PARA_RSA_MAX_BITS      4096
#define PARA_FINGERPRINT_SIZE  32


typedef struct para_jwk_s   para_jwk_t;
typedef struct para_jwks_s  para_jwks_t;


/* Which secrets a set may hold. */
typedef enum {
    PARA_JWKS_PUBLIC = 0,     /* none: a private or oct key refuses the set */
    PARA_JWKS_REMOTE,         /* the same of one that was fetched, which must be
                                 a JWK Set: no PEM, no key by itself */
    PARA_JWKS_LOCAL           /* oct keys by themselves; no private keys */
} para_jwks_kind_e;


/* What is wrong with a set that is refused, in few words: see below. */
typedef enum {
    PARA_JWKS_GARBAGE = 0,    /* no key set, or none of its keys is usable */
    PARA_JWKS_EMPTY,
    PARA_JWKS_TOO_LARGE,      /* in bytes or keys */
    PARA_JWKS_SECRET,         /* it has a private or secret key */
    PARA_JWKS_DUPLICATE,      /* one kid for two keys */
    PARA_JWKS_NO_MEMORY
} para_jwks_fault_e;


/*
 * Makes a set of text: JSON if it begins with '{' (white space aside), else
 * PEM.  One bad key does not void the others: it is left out, and
 * para_jwks_refused() tells why.  Returns NULL if no key is usable, the set as
 * a whole is refused or memory is out; then *why is a static sentence that
 * tells what to do, of the first key left out if no other reason is to be had.
 *
 * Refused is a set with one kid for two keys of one kty (a key whose use or
 * key_ops say that it verifies nothing does not count, one that is malformed or
 * too weak does), with a secret where none may be, with secrets beside public
 * keys, or one that is too large.
 *
 * The caller owns the set and ends it with para_jwks_free().
 */
para_jwks_t *para_jwks_parse(para_span_t text, para_jwks_kind_e kind,
    const char **why);

/* The same of one secret, whose bytes are used as they are. */
para_jwks_t *para_jwks_secret(para_span_t secret, const char **why);

/* The kind of a reason that para_jwks_parse() gave, told by its address. */
para_jwks_fault_e para_jwks_fault(const char *why);

void para_jwks_free(para_jwks_t *set);

/* Of the next two NULL is a set without keys. */

size_t para_jwks_count(const para_jwks_t *set);
const para_jwk_t *para_jwks_key(const para_jwks_t *set, size_t i);

/*
 * The i-th key that was left out: a static sentence that says why, and its
 * kid (absent if it has none); NULL past the end.
 */
const char *para_jwks_refused(const para_jwks_t *set, size_t i,
    para_span_t *kid);

/* The algorithms that any of its keys can serve: a mask; 0 of NULL. */
unsigned para_jwks_algorithms(const para_jwks_t *set);

/* SHA-256 of the text that the set was made of. */
const unsigned char *para_jwks_fingerprint(const para_jwks_t *set);

/* Absent if the key has no kid. */
para_span_t para_jwk_kid(const para_jwk_t *key);

/*
 * The kid, or the thumbprint (RFC 7638) of a public key that has none; absent
 * if it is a secret without kid.
 */
para_span_t para_jwk_name(const para_jwk_t *key);

/* The algorithms that the key can serve (kty, curve, its "alg"): a mask. */
unsigned para_jwk_algorithms(const para_jwk_t *key);

/*
 * 1 if signature is good for message under key and alg, 0 if it is not, -1 if
 * OpenSSL failed for want of memory.  An algorithm that the key does not serve
 * is 0.  ECDSA signatures are R||S, RFC 7518 3.4.  Not for two threads at once
 * on one key.
 */
int para_jwk_verify(const para_jwk_t *key, const para_alg_t *alg,
    para_span_t message, para_span_t signature);


#endif /* PARA_JWK_H */
