#include "para_expired.h"


int
para_expired_recent(const para_token_t *token, int64_t window, int64_t now)
{
    return token->verdict == PARA_TOKEN_EXPIRED && window > 0
           && now - token->end <= window;
}


para_reason_e
para_expired_refuse(para_reason_e rest)
{
    switch (rest) {

    case PARA_OK:
        return PARA_TOKEN_RENEWABLE;

    /* what no new token would mend, and nobody needs to be asked again for */

    case PARA_TOKEN_REVOKED:
    case PARA_SESSION_ENDED:
    case PARA_SESSION_REVOKED:
        return rest;

    /* another's session, or nobody knows: that is not told */

    default:
        return PARA_TOKEN_EXPIRED;
    }
}
