#include "para_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "para_jwk.h"


#define PARA_KEY_EXPONENT_BITS  64
#define PARA_KEY_EDWARDS_MAX    57             /* bytes of an Ed448 key */


/*
 * A curve of RFC 8032 5.1 and 5.2: a x^2 + y^2 = 1 + d x^2 y^2 modulo p, and
 * the y of its points whose order divides the cofactor.
 */

typedef struct {
    const char  *type;
    const char  *p;
    const char  *a;
    const char  *d;
    const char  *small[5];
} para_key_edwards_t;


static const para_key_edwards_t  para_key_edwards[] = {

    { "ED25519",
      "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
      "-1",
      "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3",
      { "0", "1",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
        "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
        "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7" } },

    { "ED448",
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "1",
      "-98a9",
      { "0", "1",
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe" } }
};

#define PARA_KEY_EDWARDS                                                      \
    (sizeof(para_key_edwards) / sizeof(para_key_edwards[0]))


/*
 * The Infineon keys of CVE-2017-15361 (ROCA): their primes are powers of 65537
 * modulo many small primes, and so is the modulus.  One in 2^27 others is.
 */

static const unsigned char  para_key_roca_primes[] = {
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
    73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151,
    157, 163, 167
};


/* 1 if it is one of them, 0 if not, -1 if OpenSSL failed. */

static int
para_key_is_roca(const BIGNUM *n)
{
    size_t         i;
    unsigned       prime, power;
    BN_ULONG       rest;

    for (i = 0; i < sizeof(para_key_roca_primes); i++) {
        prime = para_key_roca_primes[i];
        rest = BN_mod_word(n, prime);

        if (rest == (BN_ULONG) -1) {
            return -1;
        }

        power = 1;

        do {
            power = power * (65537 % prime) % prime;
        } while (power != 1 && power != rest);

        if (power != rest) {
            return 0;
        }
    }

    return 1;
}


static const char *
para_key_check_rsa_numbers(const BIGNUM *n, const BIGNUM *e)
{
    int  roca;

    if (!BN_is_odd(n)) {
        return "its RSA modulus is even";
    }

    if (!BN_is_odd(e) || BN_is_one(e)) {
        return "its RSA exponent is 1 or even";
    }

    if (BN_num_bits(e) > PARA_KEY_EXPONENT_BITS) {
        return "its RSA exponent has more than 64 bits";
    }

    roca = para_key_is_roca(n);

    if (roca == -1) {
        return para_key_no_memory;
    }

    return roca ? "its RSA modulus can be factored (ROCA, CVE-2017-15361):"
                  " make a new key" : NULL;
}


static const char *
para_key_check_rsa(const EVP_PKEY *pkey)
{
    int          bits;
    BIGNUM      *n, *e;
    const char  *why;

    bits = EVP_PKEY_get_bits(pkey);

    if (bits < PARA_RSA_MIN_BITS) {
        return "its RSA modulus has fewer than 2048 bits";
    }

    if (bits > PARA_RSA_MAX_BITS) {
        return "its RSA modulus has more than 4096 bits";
    }

    n = NULL;
    e = NULL;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1
        || EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
    {
        why = para_key_failed("its RSA modulus or exponent cannot be read");

    } else {
        why = para_key_check_rsa_numbers(n, e);
    }

    BN_free(n);
    BN_free(e);

    return why;
}


/* SEC 1 3.2.2.1: on the curve, not the point at infinity, of its order. */

static const char *
para_key_check_ec(EVP_PKEY *pkey)
{
    int            good, is_explicit;
    EVP_PKEY_CTX  *ctx;

    /* RFC 5480 2.1.1: whoever spells out a curve can have it resemble one */

    if (EVP_PKEY_get_int_param(pkey,
                               OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit)
        != 1
        || is_explicit)
    {
        return para_key_failed("its curve is spelled out, not named");
    }

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (ctx == NULL) {
        return para_key_no_memory;
    }

    /*
     * The quick one, without the product of point and order, which takes 20
     * times as long: on curves of cofactor 1, as all of ours, every point has
     * that order.  SEC 1 3.2.2.1.
     */

    good = EVP_PKEY_public_check_quick(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);

    return good ? NULL : para_key_failed("its coordinates are no point of its"
                                         " curve");
}


/*
 * RFC 8032 5.1.3: x^2 = (1 - y^2) / (a - d y^2) has a root.  The quotient has
 * one if the product has.  Returns -1 if OpenSSL failed.
 */

static int
para_key_has_x(const para_key_edwards_t *curve, const BIGNUM *y,
    const BIGNUM *p, BN_CTX *ctx)
{
    int      kronecker;
    BIGNUM  *a, *d, *square;

    a = NULL;
    d = NULL;
    square = BN_new();

    if (square == NULL
        || BN_hex2bn(&a, curve->a) == 0 || BN_hex2bn(&d, curve->d) == 0
        || BN_mod_sqr(square, y, p, ctx) != 1
        || BN_mod_mul(d, d, square, p, ctx) != 1
        || BN_mod_sub(a, a, d, p, ctx) != 1
        || BN_mod_sub(square, BN_value_one(), square, p, ctx) != 1
        || BN_mod_mul(square, square, a, p, ctx) != 1)
    {
        kronecker = -2;

    } else {
        kronecker = BN_kronecker(square, p, ctx);
    }

    BN_free(a);
    BN_free(d);
    BN_free(square);

    return kronecker == -2 ? -1 : kronecker != -1;
}


/* 1 if y is one of them, -1 if OpenSSL failed. */

static int
para_key_is_small(const para_key_edwards_t *curve, const BIGNUM *y)
{
    int      found;
    size_t   i;
    BIGNUM  *small;

    found = 0;
    small = NULL;

    for (i = 0; i < 5 && curve->small[i] != NULL && found == 0; i++) {
        found = BN_hex2bn(&small, curve->small[i]) == 0 ? -1
                : BN_cmp(small, y) == 0;
    }

    BN_free(small);

    return found;
}


static const char *
para_key_check_y(const para_key_edwards_t *curve, const BIGNUM *y,
    const BIGNUM *p, BN_CTX *ctx)
{
    int  is_small, has_x;

    if (BN_cmp(y, p) >= 0) {
        return "its point is not in its canonical form";
    }

    is_small = para_key_is_small(curve, y);
    has_x = para_key_has_x(curve, y, p, ctx);

    if (is_small == -1 || has_x == -1) {
        return para_key_no_memory;
    }

    if (is_small) {
        return "its point is of small order: anybody can sign for it";
    }

    return has_x ? NULL : "its x is no point of its curve";
}


/* What OpenSSL takes as it comes: 32 or 57 bytes, any at all. */

static const char *
para_key_check_edwards(const para_key_edwards_t *curve, const EVP_PKEY *pkey)
{
    size_t          len;
    BIGNUM         *y, *p;
    BN_CTX         *ctx;
    const char     *why;
    unsigned char   bytes[PARA_KEY_EDWARDS_MAX];

    len = sizeof(bytes);

    if (EVP_PKEY_get_raw_public_key(pkey, bytes, &len) != 1) {
        return para_key_failed("its public key cannot be read");
    }

    /* RFC 8032 5.1.2: the last bit is the sign of x, the rest is y */

    bytes[len - 1] &= 0x7f;

    p = NULL;
    y = BN_lebin2bn(bytes, (int) len, NULL);
    ctx = BN_CTX_new();

    if (y == NULL || ctx == NULL || BN_hex2bn(&p, curve->p) == 0) {
        why = para_key_no_memory;

    } else {
        why = para_key_check_y(curve, y, p, ctx);
    }

    BN_free(y);
    BN_free(p);
    BN_CTX_free(ctx);

    return why;
}


const char *
para_key_check(EVP_PKEY *pkey)
{
    size_t  i;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        return para_key_check_rsa(pkey);
    }

    if (EVP_PKEY_is_a(pkey, "EC")) {
        return para_key_check_ec(pkey);
    }

    for (i = 0; i < PARA_KEY_EDWARDS; i++) {
        if (EVP_PKEY_is_a(pkey, para_key_edwards[i].type)) {
            return para_key_check_edwards(&para_key_edwards[i], pkey);
        }
    }

    return NULL;
}
