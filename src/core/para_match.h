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


/* What is compared: a mask. */

#define PARA_MATCH_USER_ID     0x1
#define PARA_MATCH_IDENTIFIER  0x2
#define PARA_MATCH_TYPE        0x4

#define PARA_MATCH_NAMES_MAX   32     /* bytes that the names of all take */


typedef struct {
    int       bound;                  /* they are one user's for certain, as
                                         PARA_MATCH_STRICT has it, whatever
                                         match is: only then may the session
                                         say what the token does not, or two
                                         people would be mixed into one */
    unsigned  disputed;               /* of a refusal: PARA_MATCH_* that differ;
                                         if none do, that the session has and
                                         the token lacks */
} para_match_result_t;


/*
 * Whether both layers may stand together: PARA_OK, PARA_IDENTITY_MISMATCH or
 * PARA_IDENTITY_INCOMPARABLE.
 */
para_reason_e para_match(const para_match_token_t *token,
    const para_session_t *session, para_match_e match,
    para_match_result_t *result);

/*
 * The names of a mask for the log, as in the directive claim, into dst of
 * PARA_MATCH_NAMES_MAX bytes: "user_id, type".  Returns its length.
 */
size_t para_match_names(unsigned char *dst, unsigned mask);


#endif /* PARA_MATCH_H */
