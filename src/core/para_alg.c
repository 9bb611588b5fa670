#include "para_alg.h"


/* RFC 7518 3.2: a secret is no shorter than the hash. */

static const para_alg_t  para_algs[] = {
    { PARA_ALG_RS256, { (const unsigned char *) "RS256", 5 }, PARA_KTY_RSA,
      "SHA256", { NULL, 0 }, NULL, 0, 0 },

    { PARA_ALG_ES256, { (const unsigned char *) "ES256", 5 }, PARA_KTY_EC,
      "SHA256", { (const unsigned char *) "P-256", 5 }, "prime256v1", 32, 0 },

    { PARA_ALG_HS256, { (const unsigned char *) "HS256", 5 }, PARA_KTY_OCT,
      "SHA256", { NULL, 0 }, NULL, 0, 32 }
};

_Static_assert(sizeof(para_algs) / sizeof(para_algs[0]) == PARA_ALG_COUNT,
               "PARA_ALG_COUNT counts the rows");


const para_alg_t *
para_alg_find(para_span_t name)
{
    size_t  i;

    for (i = 0; i < PARA_ALG_COUNT; i++) {
        if (para_span_eq(para_algs[i].name, name)) {
            return &para_algs[i];
        }
    }

    return NULL;
}


const para_alg_t *
para_alg_row(size_t i)
{
    return i < PARA_ALG_COUNT ? &para_algs[i] : NULL;
}
