/*
 * What the makers of a key set (para_jwk.c, para_jwk_json.c, para_jwk_pem.c)
 * have in common.  Nobody else includes it.
 */

#ifndef PARA_JWK_SET_H
#define PARA_JWK_SET_H

#include "para_jwk.h"
#include "para_key.h"


struct para_jwk_s {
    para_key_t     *key;              /* NULL if it was left out */
    unsigned        algorithms;       /* a mask, PARA_ALG_* */
    const char     *why;              /* of a key that was left out */
    int             is_taken;         /* its kid, though it was left out, */
    para_kty_e      kty;              /*   by a key of this kind */
    para_span_t     kid;              /* in kid_text */
    unsigned char   kid_text[PARA_KID_MAX_SIZE];
};


struct para_jwks_s {
    unsigned char   fingerprint[PARA_FINGERPRINT_SIZE];
    size_t          keys;
    size_t          refused;
    para_jwk_t      key[PARA_JWKS_MAX_KEYS];
    para_jwk_t      left_out[PARA_JWKS_MAX_KEYS];
};


/* Why a fetched set is refused that is none. */
extern const char  para_jwks_no_set[];

/* Why a set is refused that has a secret where none may be. */
extern const char  para_jwks_secret_inside[];


/*
 * Each puts one key more into the set, which then owns it, and returns NULL, or
 * a static sentence that refuses the set.  The kid may be absent, and is at
 * most PARA_KID_MAX_SIZE bytes.
 */
const char *para_jwks_keep(para_jwks_t *set, para_key_t *key,
    unsigned algorithms, para_span_t kid);
const char *para_jwks_leave_out(para_jwks_t *set, const char *why,
    para_span_t kid);

/* The key just left out was to verify signatures: its kid names no other. */
void para_jwks_take_kid(para_jwks_t *set, para_kty_e kty);

/* Each reads all keys of the text, and returns as above. */
const char *para_jwks_read_json(para_jwks_t *set, para_span_t text,
    para_jwks_kind_e kind);
const char *para_jwks_read_pem(para_jwks_t *set, para_span_t text);


#endif /* PARA_JWK_SET_H */
