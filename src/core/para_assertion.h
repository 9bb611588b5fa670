/*
 * An identity as a short-lived JWT (RFC 7519) that the gateway signs itself, so
 * that an application need not trust the network that the headers came over.
 */

#ifndef PARA_ASSERTION_H
#define PARA_ASSERTION_H

#include <stdint.h>

#include "para_identity.h"
#include "para_private_key.h"
#include "para_span.h"


typedef struct {
    const para_private_key_t  *key;
    para_span_t                issuer;     /* iss */
    para_span_t                audience;   /* aud: for whom, and nobody else */
    int64_t                    ttl;        /* seconds, at least 2 */
} para_assertion_policy_t;


typedef struct {
    unsigned char        *text;       /* JWS, RFC 7515 3.1 */
    size_t                len;
    int64_t               until;      /* first second for a new one */
} para_assertion_t;


/*
 * Whether a policy can have it as its issuer or audience: a text in UTF-8, not
 * empty and without control characters.  0 also if memory is out.
 */
int para_assertion_name_valid(para_span_t name);

/*
 * Makes the assertion of an identity at the time now (seconds since the epoch).
 * It ends after policy->ttl, or with the JWT that the identity is from.  A new
 * one is due after half of the ttl, so that who gets this one then has the
 * other half to look at it; one that ends with its JWT is as good as any later
 * one.
 *
 * The claims are text, not header values any more.  What is absent there is
 * absent here:
 *
 *     iss, aud, iat, exp
 *     sub, para_user_id    Para's id of the user, twice
 *     internal_user_id     the operator's own
 *     roles                array of strings
 *     wallets              array of {"type", "address"}
 *     auth_identifier      who logged in
 *     auth_method          and how
 *     auth_issuer          the configured name of the JWT's issuer
 *
 * Returns 0 if a field is not as para_identity_build() writes it, memory is out
 * or OpenSSL failed; assertion is then empty.  The caller ends it with
 * para_assertion_free().
 */
int para_assertion_make(para_assertion_t *assertion,
    const para_assertion_policy_t *policy,
    const para_span_t field[PARA_ID_FIELDS], int64_t now);
void para_assertion_free(para_assertion_t *assertion);


#endif /* PARA_ASSERTION_H */
