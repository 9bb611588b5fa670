/*
 * Key sets, JSON and PEM: no secret in a public one, none beside public keys,
 * no key that serves nothing, and the same text gives the same set.
 */

#include "fuzz.h"
#include "para_jwk.h"


#define FUZZ_SECRET  (PARA_ALG_HS256 | PARA_ALG_HS384 | PARA_ALG_HS512)


static void
fuzz_set(para_jwks_t *set, para_jwks_kind_e kind)
{
    size_t             i;
    unsigned           all, algorithms;
    para_span_t        kid;
    const para_jwk_t  *key;

    all = 0;

    for (i = 0; (key = para_jwks_key(set, i)) != NULL; i++) {
        algorithms = para_jwk_algorithms(key);
        kid = para_jwk_kid(key);
        all |= algorithms;

        fuzz_assert(algorithms != 0);
        fuzz_assert(kid.len <= PARA_KID_MAX_SIZE);
        fuzz_assert(para_jwk_verify(key, para_alg_find(PARA_SPAN("RS256")),
                                    PARA_SPAN("a"), PARA_SPAN("b")) == 0);
    }

    fuzz_assert(i != 0 && i == para_jwks_count(set));
    fuzz_assert(all == para_jwks_algorithms(set));
    fuzz_assert(!(all & FUZZ_SECRET)
                || (kind == PARA_JWKS_LOCAL && !(all & ~FUZZ_SECRET)));

    for (i = 0; para_jwks_refused(set, i, &kid) != NULL; i++) {
        fuzz_assert(kid.len <= PARA_KID_MAX_SIZE);
    }

    fuzz_assert(para_jwks_count(set) + i <= PARA_JWKS_MAX_KEYS);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               i;
    const char       *why, *again;
    para_jwks_t      *set, *copy;
    para_jwks_kind_e  kind;

    for (i = 0; i < 2; i++) {
        kind = i == 0 ? PARA_JWKS_PUBLIC : PARA_JWKS_LOCAL;

        why = NULL;
        again = NULL;
        set = para_jwks_parse(para_span(data, size), kind, &why);
        copy = para_jwks_parse(para_span(data, size), kind, &again);

        fuzz_assert((set == NULL) == (copy == NULL) && why == again);
        fuzz_assert((set == NULL) == (why != NULL));

        if (set != NULL) {
            fuzz_set(set, kind);
            fuzz_assert(para_jwks_count(set) == para_jwks_count(copy));
        }

        para_jwks_free(set);
        para_jwks_free(copy);
    }

    return 0;
}
