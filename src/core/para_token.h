/*
 * The way of one JWT: parse, choose the issuer and its key, verify the
 * signature, check the claims.  Who may sign what is decided here and nowhere
 * else: the key decides the algorithm, never the token.
 */

#ifndef PARA_TOKEN_H
#define PARA_TOKEN_H

#include <stdint.h>

#include "para_claims.h"
#include "para_json.h"
#include "para_jwk.h"
#include "para_jws.h"
#include "para_reason.h"
#include "para_span.h"


/* What a token can tell of its user: see para_claim_map_t. */

typedef enum {
    PARA_CLAIM_USER_ID = 0,           /* Para's id of the user */
    PARA_CLAIM_INTERNAL_USER_ID,      /* the operator's own */
    PARA_CLAIM_ROLES,
    PARA_CLAIM_WALLETS,
    PARA_CLAIM_IDENTIFIER,
    PARA_CLAIM_AUTH_TYPE,
    PARA_CLAIM_EMAIL,
    PARA_CLAIM_OAUTH_METHOD,

    PARA_CLAIMS
} para_claim_e;


#define PARA_CLAIM_PATHS  4           /* for one field, tried in order */
#define PARA_ISSUERS_MAX  32          /* that para_token_verify() is given */

/* What is known of a token that has no end is looked at anew after this. */
#define PARA_ENDLESS      3600        /* seconds */


typedef struct {
    para_span_t  path[PARA_CLAIM_PATHS];
    size_t       paths;
} para_claim_paths_t;


typedef struct {
    para_span_t            name;      /* as configured; $para_auth_issuer */
    para_issuer_kind_e     kind;
    para_span_t            iss;       /* absent: takes tokens without iss */
    unsigned               algorithms;     /* allowed: a mask, PARA_ALG_* */
    int                    is_remote;      /* its keys come and go */
    const para_jwks_t     *keys;      /* NULL only of a remote issuer: it has
                                         none now */
    const para_span_t     *typ;       /* accepted types, see para_jws.h */
    size_t                 typs;      /* how many; 0: "JWT" alone */
    para_claims_policy_t   claims;
    para_claim_paths_t     map[PARA_CLAIMS];
} para_issuer_t;


typedef struct {
    para_reason_e          verdict;   /* PARA_OK only after the last check */
    const para_issuer_t   *issuer;    /* NULL until one is chosen */
    uint32_t               wanted;    /* of PARA_KEY_UNKNOWN and
                                         PARA_KEYS_UNAVAILABLE: bit i if newer
                                         keys of issuers[i] may serve it */
    para_json_t           *claims;    /* NULL unless verdict is PARA_OK or
                                         PARA_TOKEN_EXPIRED */
    int64_t                expires;   /* first second it is not accepted,
                                         0: it has no end */
    int64_t                end;       /* the same, or when an endless one is
                                         to be verified again */
    para_jws_t             jws;       /* for the log: kid */
} para_token_t;


/* The claim paths that a kind of issuer has unless told otherwise. */
void para_issuer_default_map(para_issuer_kind_e kind,
    para_claim_paths_t map[PARA_CLAIMS]);

/*
 * The algorithms that an issuer with these keys allows unless told otherwise:
 * Para signs with RS256 and nothing else, of another's keys each serves what is
 * usual for its kind.  0 if none does: then they must be configured.  keys may
 * be NULL of a remote issuer: what is usual for public keys.
 */
unsigned para_issuer_default_algorithms(para_issuer_kind_e kind,
    const para_jwks_t *keys);

/* The field of a name as "user_id" (directive claim), -1 if there is none. */
int para_claim_find(para_span_t name);

/*
 * NULL if every token has at most one issuer and one key to go to, else a
 * static sentence that tells what to change: to be called when configured.
 */
const char *para_issuers_check(const para_issuer_t *const *issuers, size_t n);

/*
 * Verifies a token.  Returns token->verdict.  The text must outlive the
 * result, which the caller ends with para_token_free(), also after a refusal.
 */
para_reason_e para_token_verify(para_token_t *token,
    const para_issuer_t *const *issuers, size_t n, para_span_t text,
    int64_t now);
void para_token_free(para_token_t *token);


#endif /* PARA_TOKEN_H */
