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


/* Whose claims they are. */

typedef enum {
    PARA_ISSUER_PARA,                 /* Para itself */
    PARA_ISSUER_OWN                   /* the operator's backend */
} para_issuer_kind_e;


typedef struct {
    const para_span_t  *audience;     /* accepted values of aud */
    size_t              audiences;    /* how many; 0: aud is not looked at */
    int64_t             leeway;       /* seconds, for exp, nbf and iat:
                                         0 to PARA_LEEWAY_MAX */
    int64_t             max_age;      /* seconds since iat, which is required
                                         then; 0: any */
    int                 endless;      /* a token without an end is taken */
    const para_span_t  *required;     /* claim paths that must lead to a value
                                         other than null */
    size_t              requires;     /* how many */
} para_claims_policy_t;


/*
 * Checks aud, the required claims, nbf, iat and the ends of a token at the time
 * now (seconds since the epoch).  Its ends are exp, in a token of the
 * operator's backend also expiry and capsule_session_exp as Para's guide has
 * them, and with max_age the age.  Those that are there must not have passed;
 * exp or expiry must be there unless the policy says otherwise.
 *
 * If PARA_OK, *end is the first second at which the token is no longer
 * accepted, leeway included, and 0 of an endless one.
 * PARA_TOKEN_EXPIRED is returned only if that is the sole check that failed;
 * *end is when it did then, 0 for any time before the epoch.
 */
para_reason_e para_claims_check(const para_json_t *claims,
    const para_claims_policy_t *policy, para_issuer_kind_e kind, int64_t now,
    int64_t *end);


#endif /* PARA_CLAIMS_H */
