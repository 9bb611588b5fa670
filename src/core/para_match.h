/*
 * The cross-check of the two layers: whether a token and a session are the same
 * user's.
 */

#ifndef PARA_MATCH_H
#define PARA_MATCH_H

#include "para_reason.h"
#include "para_session.h"
#include "para_span.h"


typedef enum {
    PARA_MATCH_STRICT = 0,            /* bound by id, or identifier and type */
    PARA_MATCH_PRESENT,               /* what both have must be equal */
    PARA_MATCH_OFF
} para_match_e;


/* What a token says of who its user is: absent where it does not. */

typedef struct {
    para_span_t  user_id;
    para_span_t  identifier;
    para_span_t  type;                /* how the user logs in */
} para_match_token_t;


/*
 * Whether both layers may stand together: PARA_OK, PARA_IDENTITY_MISMATCH or
 * PARA_IDENTITY_INCOMPARABLE.  *bound is 1 if they are one user's for certain,
 * as PARA_MATCH_STRICT has it, whatever match is: only then may the session say
 * what the token does not, or two people would be mixed into one.
 */
para_reason_e para_match(const para_match_token_t *token,
    const para_session_t *session, para_match_e match, int *bound);


#endif /* PARA_MATCH_H */
