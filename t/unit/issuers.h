/*
 * Keys by name, and issuers that have them.
 */

#ifndef ISSUERS_H
#define ISSUERS_H

#include "para_token.h"
#include "sign.h"


/*
 * rsa, rsa2, rsa3 (2048 bits), ec (P-256), p384, p521, k256 (secp256k1), ed
 * (Ed25519), ed448, oct (32 bytes), oct48, oct64 (so many): made when first
 * asked for.  unit_keys_free() is a group teardown, for all of them.
 */
const sign_key_t *unit_key(const char *name);
int unit_keys_free(void **state);

/*
 * An issuer of the operator's, for the audience "app", leeway 10, whose keys
 * are listed as "rsa:kid ec:other oct:"; a kid may be empty, which is none.
 * iss may be NULL.
 */
para_issuer_t *unit_issuer(const char *iss, unsigned algorithms,
    const char *keys);
void unit_issuer_free(para_issuer_t *issuer);


#endif /* ISSUERS_H */
