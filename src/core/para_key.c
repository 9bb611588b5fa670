#include "para_key_method.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>


const char  para_key_no_memory[] = "memory is out";


/* The cause comes first in OpenSSL's queue, and what it led to after it. */

const char *
para_key_failed(const char *why)
{
    unsigned long  error;

    while ((error = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
            why = para_key_no_memory;
        }
    }

    return why;
}


static para_key_t *
para_key_create(void)
{
    para_key_t  *key;

    key = calloc(1, sizeof(para_key_t));
    if (key == NULL) {
        return NULL;
    }

    key->hash = EVP_MD_CTX_new();
    if (key->hash == NULL) {
        free(key);
        return NULL;
    }

    return key;
}


void
para_key_free(para_key_t *key)
{
    size_t  i;

    if (key == NULL) {
        return;
    }

    for (i = 0; i < key->methods; i++) {
        EVP_MD_free(key->method[i].md);
        EVP_PKEY_CTX_free(key->method[i].verify);
        EVP_PKEY_free(key->method[i].pkey);
        EVP_MAC_CTX_free(key->method[i].mac);
    }

    EVP_MD_CTX_free(key->hash);
    free(key);
}


/* The next method, counted at once: what it gets is freed with the key. */

static para_key_method_t *
para_key_method(para_key_t *key, const para_alg_t *alg)
{
    para_key_method_t  *method;

    method = &key->method[key->methods++];
    method->alg = alg;

    if (alg->digest != NULL) {
        method->md = EVP_MD_fetch(NULL, alg->digest, NULL);

        if (method->md == NULL) {
            return NULL;
        }
    }

    return method;
}


/* RFC 7518 3.5: the salt is as long as the hash, which is that of MGF1 too. */

static int
para_key_prepare_rsa(const para_key_method_t *method)
{
    if (!method->alg->pss) {
        return EVP_PKEY_CTX_set_rsa_padding(method->verify, RSA_PKCS1_PADDING)
               == 1;
    }

    return EVP_PKEY_CTX_set_rsa_padding(method->verify, RSA_PKCS1_PSS_PADDING)
           == 1
           && EVP_PKEY_CTX_set_rsa_mgf1_md(method->verify, method->md) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(method->verify,
                                               RSA_PSS_SALTLEN_DIGEST)
              == 1;
}


/* RFC 7518 3.3 to 3.5, RFC 8037 3.1. */

static int
para_key_prepare_public(para_key_t *key, const para_alg_t *alg, EVP_PKEY *pkey)
{
    para_key_method_t  *method;

    method = para_key_method(key, alg);
    if (method == NULL) {
        return 0;
    }

    method->size = alg->kty == PARA_KTY_EC ? 2 * alg->half
                                           : (size_t) EVP_PKEY_get_size(pkey);

    if (alg->kty == PARA_KTY_OKP) {
        method->pkey = pkey;
        return EVP_PKEY_up_ref(pkey);
    }

    method->verify = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    if (method->verify == NULL
        || EVP_PKEY_verify_init(method->verify) != 1
        || EVP_PKEY_CTX_set_signature_md(method->verify, method->md) != 1)
    {
        return 0;
    }

    return alg->kty != PARA_KTY_RSA || para_key_prepare_rsa(method);
}


/* RFC 7518 3.2. */

static int
para_key_prepare_secret(para_key_t *key, const para_alg_t *alg,
    para_span_t secret)
{
    EVP_MAC            *mac;
    OSSL_PARAM          params[2];
    para_key_method_t  *method;

    method = para_key_method(key, alg);
    if (method == NULL) {
        return 0;
    }

    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) {
        return 0;
    }

    method->mac = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);

    if (method->mac == NULL) {
        return 0;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *) alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(method->mac, secret.data, secret.len, params) != 1) {
        return 0;
    }

    method->size = EVP_MAC_CTX_get_mac_size(method->mac);

    return method->size != 0;
}


static int
para_key_fits(const para_alg_t *alg, EVP_PKEY *pkey)
{
    char    group[64];
    size_t  len;

    switch (alg->kty) {

    case PARA_KTY_RSA:
        return EVP_PKEY_is_a(pkey, "RSA");

    case PARA_KTY_EC:
        return EVP_PKEY_is_a(pkey, "EC")
               && EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1
               && strcmp(group, alg->group) == 0;

    case PARA_KTY_OKP:
        if (alg->group == NULL) {
            return EVP_PKEY_is_a(pkey, "ED25519")
                   || EVP_PKEY_is_a(pkey, "ED448");
        }

        return EVP_PKEY_is_a(pkey, alg->group);

    default: /* PARA_KTY_OCT: no public key is a secret */
        return 0;
    }
}


const char *
para_key_prepared(para_key_t **out, EVP_PKEY *pkey)
{
    size_t             i;
    para_key_t        *key;
    const para_alg_t  *alg;

    key = para_key_create();
    if (key == NULL) {
        return para_key_no_memory;
    }

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        if (para_key_fits(alg, pkey)
            && !para_key_prepare_public(key, alg, pkey))
        {
            para_key_free(key);
            return para_key_failed("OpenSSL cannot verify with it");
        }
    }

    if (key->methods == 0) {
        para_key_free(key);
        return "its kind or curve serves no supported algorithm";
    }

    if (!para_thumbprint(pkey, key->name)) {
        para_key_free(key);
        return para_key_failed("it has no thumbprint");
    }

    key->thumbprint = para_span(key->name, PARA_THUMBPRINT_SIZE);

    *out = key;

    return NULL;
}


const char *
para_key_secret(para_key_t **out, para_span_t secret)
{
    size_t             i;
    para_key_t        *key;
    const para_alg_t  *alg;

    key = para_key_create();
    if (key == NULL) {
        return para_key_no_memory;
    }

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        if (alg->kty == PARA_KTY_OCT && secret.len >= alg->min_secret
            && !para_key_prepare_secret(key, alg, secret))
        {
            para_key_free(key);
            return para_key_failed("OpenSSL cannot verify with it");
        }
    }

    if (key->methods == 0) {
        para_key_free(key);
        return "its secret is shorter than 32 bytes";
    }

    *out = key;

    return NULL;
}


para_kty_e
para_key_kty(const para_key_t *key)
{
    return key->method[0].alg->kty;
}


para_span_t
para_key_thumbprint(const para_key_t *key)
{
    return key->thumbprint;
}


unsigned
para_key_algorithms(const para_key_t *key)
{
    size_t    i;
    unsigned  mask;

    mask = 0;

    for (i = 0; i < key->methods; i++) {
        mask |= key->method[i].alg->bit;
    }

    return mask;
}
