/*
 * Claims and session become one identity, if they are the same person's.
 * Its fields are header values already: safe to send, to log, to keep.
 */

#ifndef PARA_IDENTITY_H
#define PARA_IDENTITY_H

#include "para_claim_set.h"
#include "para_match.h"
#include "para_reason.h"
#include "para_session.h"
#include "para_span.h"
#include "para_token.h"


#define PARA_USER_ID_MAX   256        /* bytes */
#define PARA_TEXT_MAX      512        /* bytes of any other text */


typedef enum {
    PARA_ID_USER_ID = 0,
    PARA_ID_INTERNAL_USER_ID,
    PARA_ID_ROLES,
    PARA_ID_WALLETS,
    PARA_ID_IDENTIFIER,
    PARA_ID_AUTH_TYPE,
    PARA_ID_EMAIL,
    PARA_ID_OAUTH_METHOD,
    PARA_ID_EXPIRES,                  /* first second at which the token is not
                                         accepted, decimal; absent: no end */
    PARA_ID_ISSUER,
    PARA_ID_WALLET_IDS,               /* for para_wallet.h, no header */
    PARA_ID_CLAIMS,                   /* for para_claim_set.h, no header */

    PARA_ID_FIELDS
} para_identity_field_e;


typedef struct {
    para_span_t     field[PARA_ID_FIELDS];   /* absent: send no header */
    unsigned        disputed;                /* of a refusal, for the log: see
                                                para_match.h */
    unsigned char  *memory;                  /* private: owns the fields */
} para_identity_t;


/*
 * token must be verified, session active; either may be NULL where that layer
 * is off, then there is nothing to match.  What the token does not say comes
 * from the session if the two are bound as PARA_MATCH_STRICT has it, whatever
 * match is.  set: the claims that are kept as PARA_ID_CLAIMS, NULL for none.
 * PARA_OK, a PARA_CLAIM_*, PARA_IDENTITY_MISMATCH, PARA_IDENTITY_INCOMPARABLE
 * or PARA_NO_MEMORY.  The fields outlive token and session; end them with
 * para_identity_free(), also after a refusal.
 */
para_reason_e para_identity_build(para_identity_t *identity,
    const para_token_t *token, const para_session_t *session,
    para_match_e match, const para_claim_set_t *set);

/*
 * The same of a token whose verdict is PARA_TOKEN_EXPIRED, to find out whether
 * it may be renewed: never to be granted, shown or kept.  With a session
 * PARA_OK only if the two are bound as PARA_MATCH_STRICT has it.
 */
para_reason_e para_identity_build_expired(para_identity_t *identity,
    const para_token_t *token, const para_session_t *session);

void para_identity_free(para_identity_t *identity);


#endif /* PARA_IDENTITY_H */
