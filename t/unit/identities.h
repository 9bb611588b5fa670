/*
 * Identities of what a token of a kind of issuer claims, and of what Para
 * answers about a session: either of them as JSON, or NULL.  An answer with
 * isAuthenticated is one of /touch.
 */

#ifndef IDENTITIES_H
#define IDENTITIES_H

#include "para_identity.h"


/* To be ended with para_identity_free(), also after a refusal. */
para_reason_e unit_identity(para_identity_t *identity, para_issuer_kind_e kind,
    const char *claims, const char *answer, para_match_e match);

/* The same for those who only ask whether. */
para_reason_e unit_identity_reason(para_issuer_kind_e kind,
    const char *claims, const char *answer, para_match_e match);


#endif /* IDENTITIES_H */
