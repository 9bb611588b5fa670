#include "para_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>


#define PARA_KEY_POINT_MAX  (1 + 2 * 66)       /* 0x04 X Y, of P-521 */


static const char  para_key_no_point[] =
    "its coordinates are no point of its curve";


/* Whatever a key was made of, it is held against the limits here. */

static const char *
para_key_adopt(para_key_t **key, EVP_PKEY *pkey)
{
    const char  *why;

    why = para_key_check(pkey);

    return why != NULL ? why : para_key_prepared(key, pkey);
}


static const char *
para_key_from_params(para_key_t **key, const char *type, OSSL_PARAM_BLD *bld,
    const char *refusal)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    const char    *why;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL) {
        why = para_key_no_memory;

    } else if (EVP_PKEY_fromdata_init(ctx) != 1
               || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params)
                  != 1)
    {
        why = para_key_failed(refusal);

    } else {
        why = para_key_adopt(key, pkey);
    }

    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return why;
}


/* RFC 7518 6.3.1. */

const char *
para_key_rsa(para_key_t **key, para_span_t n, para_span_t e)
{
    BIGNUM          *modulus, *exponent;
    const char      *why;
    OSSL_PARAM_BLD  *bld;

    bld = OSSL_PARAM_BLD_new();
    modulus = BN_bin2bn(n.data, (int) n.len, NULL);
    exponent = BN_bin2bn(e.data, (int) e.len, NULL);

    if (bld == NULL || modulus == NULL || exponent == NULL
        || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, modulus)
        || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, exponent))
    {
        why = para_key_no_memory;

    } else {
        why = para_key_from_params(key, "RSA", bld,
                                   "its modulus and exponent make no key");
    }

    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(bld);

    return why;
}


/* RFC 7518 6.2.1: the coordinates have the full size, with leading zeros. */

const char *
para_key_ec(para_key_t **key, para_span_t curve, para_span_t x, para_span_t y)
{
    size_t             half;
    const char        *why;
    unsigned char      point[PARA_KEY_POINT_MAX];
    OSSL_PARAM_BLD    *bld;
    const para_alg_t  *alg;

    alg = para_alg_curve(PARA_KTY_EC, curve);
    if (alg == NULL) {
        return "its curve is not supported";
    }

    half = alg->half;

    if (x.len != half || y.len != half) {
        return "its coordinates have not the size of its curve";
    }

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.data, half);
    memcpy(point + 1 + half, y.data, half);

    bld = OSSL_PARAM_BLD_new();

    if (bld == NULL
        || !OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                            alg->group, 0)
        || !OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                             point, 1 + 2 * half))
    {
        why = para_key_no_memory;

    } else {
        why = para_key_from_params(key, "EC", bld, para_key_no_point);
    }

    OSSL_PARAM_BLD_free(bld);

    return why;
}


/* RFC 8037 2: x is the public key as RFC 8032 encodes it. */

const char *
para_key_okp(para_key_t **key, para_span_t curve, para_span_t x)
{
    EVP_PKEY          *pkey;
    const char        *why;
    const para_alg_t  *alg;

    alg = para_alg_curve(PARA_KTY_OKP, curve);
    if (alg == NULL) {
        return "its curve is not supported";
    }

    if (x.len != alg->half) {
        return "its x has not the size of its curve";
    }

    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, alg->group, NULL, x.data,
                                          x.len);
    if (pkey == NULL) {
        return para_key_failed("its x makes no key");
    }

    why = para_key_adopt(key, pkey);

    EVP_PKEY_free(pkey);

    return why;
}


const char *
para_key_public(para_key_t **key, para_span_t der)
{
    EVP_PKEY             *pkey;
    const char           *why;
    const unsigned char  *p;

    p = der.data;
    pkey = d2i_PUBKEY(NULL, &p, (long) der.len);

    if (pkey == NULL || p != der.data + der.len) {
        why = para_key_failed("it is no public key in DER");

    } else {
        why = para_key_adopt(key, pkey);
    }

    EVP_PKEY_free(pkey);

    return why;
}


/*
 * Only the key is taken.  The operator's own file says that it is trusted: its
 * issuer and its dates say nothing more, and there is no clock here.
 */

const char *
para_key_certificate(para_key_t **key, para_span_t der)
{
    X509                 *x509;
    EVP_PKEY             *pkey;
    const char           *why;
    const unsigned char  *p;

    p = der.data;
    x509 = d2i_X509(NULL, &p, (long) der.len);
    pkey = x509 == NULL ? NULL : X509_get0_pubkey(x509);

    if (pkey == NULL || p != der.data + der.len) {
        why = para_key_failed("it is no certificate in DER");

    } else {
        why = para_key_adopt(key, pkey);
    }

    X509_free(x509);

    return why;
}
