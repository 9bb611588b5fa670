/*
 * A request whose token has expired and is good but for that.  It is refused,
 * whatever its session is; but the client may be told whether that session
 * still gets it a new token, or whether its user has to log in.
 */

#ifndef PARA_EXPIRED_H
#define PARA_EXPIRED_H

#include <stdint.h>

#include "para_reason.h"
#include "para_token.h"


/*
 * 1 if the session is to be asked about: the token has expired, nothing else
 * is wrong with it, and that was at most window seconds before now.  0: never.
 */
int para_expired_recent(const para_token_t *token, int64_t window,
    int64_t now);

/*
 * What it is refused for.  rest is what it would be refused for if the token
 * had not expired: PARA_OK if session and token are one user's for certain,
 * both known to be good.  Never PARA_OK.
 */
para_reason_e para_expired_refuse(para_reason_e rest);


#endif /* PARA_EXPIRED_H */
