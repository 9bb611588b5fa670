#include "para_alg.h"


#define para_text(literal)                                                    \
    { (const unsigned char *) (literal), sizeof(literal) - 1 }


/*
 * RFC 7518 3.2: a secret is no shorter than the hash.  The usual one of a kind
 * is what nearly all of its keys are for; whoever signs with another says so.
 */

static const para_alg_t  para_algs[] = {
    { .bit = PARA_ALG_RS256, .name = para_text("RS256"), .kty = PARA_KTY_RSA,
      .digest = "SHA256", .usual = 1 },

    { .bit = PARA_ALG_RS384, .name = para_text("RS384"), .kty = PARA_KTY_RSA,
      .digest = "SHA384" },

    { .bit = PARA_ALG_RS512, .name = para_text("RS512"), .kty = PARA_KTY_RSA,
      .digest = "SHA512" },

    { .bit = PARA_ALG_PS256, .name = para_text("PS256"), .kty = PARA_KTY_RSA,
      .digest = "SHA256", .pss = 1 },

    { .bit = PARA_ALG_PS384, .name = para_text("PS384"), .kty = PARA_KTY_RSA,
      .digest = "SHA384", .pss = 1 },

    { .bit = PARA_ALG_PS512, .name = para_text("PS512"), .kty = PARA_KTY_RSA,
      .digest = "SHA512", .pss = 1 },

    { .bit = PARA_ALG_ES256, .name = para_text("ES256"), .kty = PARA_KTY_EC,
      .digest = "SHA256", .curve = para_text("P-256"), .group = "prime256v1",
      .half = 32, .usual = 1 },

    { .bit = PARA_ALG_ES384, .name = para_text("ES384"), .kty = PARA_KTY_EC,
      .digest = "SHA384", .curve = para_text("P-384"), .group = "secp384r1",
      .half = 48, .usual = 1 },

    { .bit = PARA_ALG_ES512, .name = para_text("ES512"), .kty = PARA_KTY_EC,
      .digest = "SHA512", .curve = para_text("P-521"), .group = "secp521r1",
      .half = 66, .usual = 1 },

    { .bit = PARA_ALG_ES256K, .name = para_text("ES256K"), .kty = PARA_KTY_EC,
      .digest = "SHA256", .curve = para_text("secp256k1"),
      .group = "secp256k1", .half = 32, .usual = 1 },

    { .bit = PARA_ALG_EDDSA, .name = para_text("EdDSA"), .kty = PARA_KTY_OKP,
      .usual = 1 },

    { .bit = PARA_ALG_ED25519, .name = para_text("Ed25519"),
      .kty = PARA_KTY_OKP, .curve = para_text("Ed25519"), .group = "ED25519",
      .half = 32, .usual = 1 },

    { .bit = PARA_ALG_ED448, .name = para_text("Ed448"), .kty = PARA_KTY_OKP,
      .curve = para_text("Ed448"), .group = "ED448", .half = 57, .usual = 1 },

    { .bit = PARA_ALG_HS256, .name = para_text("HS256"), .kty = PARA_KTY_OCT,
      .digest = "SHA256", .min_secret = 32, .usual = 1 },

    { .bit = PARA_ALG_HS384, .name = para_text("HS384"), .kty = PARA_KTY_OCT,
      .digest = "SHA384", .min_secret = 48 },

    { .bit = PARA_ALG_HS512, .name = para_text("HS512"), .kty = PARA_KTY_OCT,
      .digest = "SHA512", .min_secret = 64 }
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
para_alg_curve(para_kty_e kty, para_span_t curve)
{
    size_t  i;

    for (i = 0; i < PARA_ALG_COUNT; i++) {
        if (para_algs[i].kty == kty && para_algs[i].curve.data != NULL
            && para_span_eq(para_algs[i].curve, curve))
        {
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


unsigned
para_alg_usual(void)
{
    size_t    i;
    unsigned  mask;

    mask = 0;

    for (i = 0; i < PARA_ALG_COUNT; i++) {
        if (para_algs[i].usual) {
            mask |= para_algs[i].bit;
        }
    }

    return mask;
}
