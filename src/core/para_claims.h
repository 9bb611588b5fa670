/*
 * The registered claims, RFC 7519 4.1, held against a policy.
 */

#ifndef PARA_CLAIMS_H
#define PARA_CLAIMS_H

#include <stdint.h>

#include "para_json.h"
#include "para_reason.h"
#include "para_span.h"


/* A NumericDate from here on is taken for milliseconds and refused. */
#define PARA_TIME_MAX    100000000000.0

#define PARA_LEEWAY_MAX  86400        /* seconds */


typedef struct {
    const para_span_t  *audience;     /* accepted values of aud */
    size_t              audiences;    /* how many; 0: aud is not looked at */
    int64_t             leeway;       /* seconds, for exp, nbf and iat:
                                         0 to PARA_LEEWAY_MAX */
} para_claims_policy_t;


/*
 * Checks aud, exp, nbf and iat at the time now (seconds since the epoch).
 * exp is required.  If PARA_OK, *end is the first second at which the token is
 * no longer accepted, leeway included.  PARA_TOKEN_EXPIRED is returned only if
 * it is the sole check that failed.
 */
para_reason_e para_claims_check(const para_json_t *claims,
    const para_claims_policy_t *policy, int64_t now, int64_t *end);


#endif /* PARA_CLAIMS_H */
