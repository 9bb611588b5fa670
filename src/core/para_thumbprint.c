#include "para_thumbprint.h"

#include <stdio.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "para_alg.h"
#include "para_b64url.h"


#define PARA_THUMBPRINT_BYTES  512    /* of a number: RSA of 4096 bits */
#define PARA_THUMBPRINT_TEXT   (PARA_THUMBPRINT_BYTES / 3 * 4 + 8)


static size_t
para_thumbprint_encode(char *text, const unsigned char *data, size_t len)
{
    unsigned char  *end;

    end = para_b64url_encode((unsigned char *) text, para_span(data, len));
    *end = '\0';

    return (size_t) (end - (unsigned char *) text);
}


/*
 * A number as RFC 7518 2 writes it: of size bytes, or as few as it takes if
 * size is 0.
 */

static int
para_thumbprint_number(const EVP_PKEY *pkey, const char *name, int size,
    char text[PARA_THUMBPRINT_TEXT])
{
    int             len;
    BIGNUM         *bn;
    unsigned char   bytes[PARA_THUMBPRINT_BYTES];

    bn = NULL;

    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) {
        return 0;
    }

    len = size == 0 ? BN_num_bytes(bn) : size;

    if (len > (int) sizeof(bytes) || BN_bn2binpad(bn, bytes, len) != len) {
        len = 0;
    }

    BN_free(bn);

    return len != 0 && para_thumbprint_encode(text, bytes, (size_t) len) != 0;
}


/* RFC 7638 3.2: the required members alone, in this order, without spaces. */

static int
para_thumbprint_rsa(const EVP_PKEY *pkey, char *json, size_t size)
{
    char  n[PARA_THUMBPRINT_TEXT], e[PARA_THUMBPRINT_TEXT];

    if (!para_thumbprint_number(pkey, OSSL_PKEY_PARAM_RSA_N, 0, n)
        || !para_thumbprint_number(pkey, OSSL_PKEY_PARAM_RSA_E, 0, e))
    {
        return 0;
    }

    return snprintf(json, size, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
                    e, n);
}


static int
para_thumbprint_ec(const EVP_PKEY *pkey, const para_alg_t *alg, char *json,
    size_t size)
{
    int   half;
    char  x[PARA_THUMBPRINT_TEXT], y[PARA_THUMBPRINT_TEXT];

    half = (int) alg->half;

    if (!para_thumbprint_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, half, x)
        || !para_thumbprint_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, half, y))
    {
        return 0;
    }

    return snprintf(json, size, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\","
                    "\"y\":\"%s\"}", (const char *) alg->curve.data, x, y);
}


/* RFC 8037 2. */

static int
para_thumbprint_okp(const EVP_PKEY *pkey, const para_alg_t *alg, char *json,
    size_t size)
{
    char            x[PARA_THUMBPRINT_TEXT];
    size_t          len;
    unsigned char   bytes[PARA_THUMBPRINT_BYTES];

    len = sizeof(bytes);

    if (EVP_PKEY_get_raw_public_key(pkey, bytes, &len) != 1) {
        return 0;
    }

    (void) para_thumbprint_encode(x, bytes, len);

    return snprintf(json, size, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"}",
                    (const char *) alg->curve.data, x);
}


static int
para_thumbprint_json(const EVP_PKEY *pkey, char *json, size_t size)
{
    char               group[64];
    size_t             i, len;
    const para_alg_t  *alg;

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        return para_thumbprint_rsa(pkey, json, size);
    }

    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1) {
        group[0] = '\0';
    }

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {

        if (alg->group == NULL) {
            continue;
        }

        if (alg->kty == PARA_KTY_OKP && EVP_PKEY_is_a(pkey, alg->group)) {
            return para_thumbprint_okp(pkey, alg, json, size);
        }

        if (alg->kty == PARA_KTY_EC && strcmp(alg->group, group) == 0) {
            return para_thumbprint_ec(pkey, alg, json, size);
        }
    }

    return 0;
}


size_t
para_thumbprint_jwk(const EVP_PKEY *pkey, char *json, size_t size)
{
    int  len;

    len = para_thumbprint_json(pkey, json, size);

    return len > 0 && (size_t) len < size ? (size_t) len : 0;
}


int
para_thumbprint(const EVP_PKEY *pkey, unsigned char name[PARA_THUMBPRINT_SIZE])
{
    char            json[2 * PARA_THUMBPRINT_TEXT + 64];
    char            text[PARA_THUMBPRINT_TEXT];
    size_t          len;
    unsigned char   hash[32];

    len = para_thumbprint_jwk(pkey, json, sizeof(json));

    if (len == 0
        || EVP_Q_digest(NULL, "SHA256", NULL, json, len, hash, NULL) != 1
        || para_thumbprint_encode(text, hash, sizeof(hash))
           != PARA_THUMBPRINT_SIZE)
    {
        return 0;
    }

    memcpy(name, text, PARA_THUMBPRINT_SIZE);

    return 1;
}
