/*
 * The Para session: its credential's form, what is asked of Para, and what
 * Para's answer says.  Nothing that a client sends is evidence.
 */

#ifndef PARA_SESSION_H
#define PARA_SESSION_H

#include "para_json.h"
#include "para_reason.h"
#include "para_span.h"


#define PARA_SESSION_TOKEN_MAX   1024     /* bytes of a verification token */
#define PARA_SESSION_BODY_MAX    (PARA_SESSION_TOKEN_MAX + 64)
#define PARA_SESSION_ANSWER_MAX  16384    /* bytes of an answer */
#define PARA_SESSION_TEXT_MAX    512      /* bytes of a field in it */
#define PARA_SESSION_TYPE_MAX    32       /* bytes of a wallet's type */
#define PARA_SESSION_WALLETS     256      /* wallets in it */


typedef enum {
    PARA_SESSION_USER_ID = 0,             /* absent in /sessions/verify */
    PARA_SESSION_IDENTIFIER,
    PARA_SESSION_AUTH_TYPE,
    PARA_SESSION_OAUTH_METHOD,
    PARA_SESSION_EMAIL,                   /* the last three: /touch only */
    PARA_SESSION_LOOKUP_ID,               /* SHA-256 of its verification token,
                                             which itself is a secret */
    PARA_SESSION_WALLET_IDS,              /* a list, see para_wallet.h */

    PARA_SESSION_FIELDS
} para_session_field_e;


typedef struct {
    para_span_t     field[PARA_SESSION_FIELDS]; /* raw, as Para wrote them */
    para_json_t    *json;                       /* private: owns the fields */
    unsigned char  *memory;                     /* private: owns the list */
    unsigned char   lookup[32];                 /* private: of its field */
} para_session_t;


/* PARA_OK or PARA_SESSION_MALFORMED: [!-~] without " , \ and at most 1 KiB. */
para_reason_e para_session_check_token(para_span_t token);

/*
 * The body of POST /sessions/verify into dst of PARA_SESSION_BODY_MAX bytes.
 * Returns its length, 0 if memory is out.
 */
size_t para_session_verify_body(unsigned char *dst, para_span_t token);

/*
 * What a 200 of /sessions/verify says.  PARA_OK or a PARA_ANSWER_* (for want of
 * memory PARA_ANSWER_JSON); identifier and authType are required there, every
 * field is a string without control characters.  End it with
 * para_session_free(), also after a refusal.
 */
para_reason_e para_session_parse_verify(para_session_t *session,
    para_span_t answer);

/*
 * What a 200 of /touch says of an exported session's cookie.  PARA_OK if
 * isAuthenticated is true; then userId is required, email, sessionLookupId and
 * currentWalletIds are read where they are there.  PARA_SESSION_ENDED if it is
 * false or absent, unless the answer says nothing at all; else as above, or
 * PARA_NO_MEMORY.
 */
para_reason_e para_session_parse_touch(para_session_t *session,
    para_span_t answer);

void para_session_free(para_session_t *session);


#endif /* PARA_SESSION_H */
