#include "para_private_key.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "para_key.h"
#include "para_thumbprint.h"


#define PARA_SIGNATURE_DER_MAX  80       /* bytes of a signature on P-256: 72 */


/* One kind of keys: what OpenSSL calls it, and what JOSE does. */

typedef struct {
    const char      *type;
    const char      *group;           /* NULL: the type says it */
    const char      *digest;          /* NULL: the signature has its own */
    const char      *algorithm;
} para_private_key_kind_t;


static const para_private_key_kind_t  para_private_key_kinds[] = {
    { "ED25519", NULL, NULL, "EdDSA" },
    { "EC", "prime256v1", "SHA256", "ES256" },
    { NULL, NULL, NULL, NULL }
};


struct para_private_key_s {
    EVP_PKEY                       *pkey;
    const para_private_key_kind_t  *kind;
    char                            jwk[PARA_PUBLIC_JWK_MAX];
    unsigned char                   kid[PARA_THUMBPRINT_SIZE];
};


static const para_private_key_kind_t *
para_private_key_kind(const EVP_PKEY *pkey)
{
    char                            group[64];
    size_t                          len;
    const para_private_key_kind_t  *kind;

    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1) {
        group[0] = '\0';
    }

    for (kind = para_private_key_kinds; kind->type != NULL; kind++) {
        if (EVP_PKEY_is_a(pkey, kind->type)
            && (kind->group == NULL || strcmp(kind->group, group) == 0))
        {
            return kind;
        }
    }

    return NULL;
}


/* The two halves may be of two keys: what is signed could not be verified. */

static int
para_private_key_is_pair(EVP_PKEY *pkey)
{
    int            good;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    good = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);

    return good;
}


static const char *
para_private_key_describe(para_private_key_t *key)
{
    int          len;
    char         members[PARA_PUBLIC_JWK_MAX];
    size_t       n;
    const char  *why;

    key->kind = para_private_key_kind(key->pkey);

    if (key->kind == NULL) {
        return "its key is neither Ed25519 nor P-256: make one with \"openssl"
               " genpkey -algorithm ed25519\"";
    }

    why = para_key_check(key->pkey);

    if (why != NULL) {
        return why;
    }

    if (!para_private_key_is_pair(key->pkey)) {
        return para_key_failed("its public half is another key's: make a new"
                               " key");
    }

    n = para_thumbprint_jwk(key->pkey, members, sizeof(members));

    if (n == 0 || !para_thumbprint(key->pkey, key->kid)) {
        return para_key_failed("it has no thumbprint");
    }

    /* RFC 7517 4: the members that it needs, and what it is for */

    len = snprintf(key->jwk, sizeof(key->jwk),
                   "%.*s,\"alg\":\"%s\",\"kid\":\"%.*s\",\"use\":\"sig\"}",
                   (int) n - 1, members, key->kind->algorithm,
                   PARA_THUMBPRINT_SIZE, (const char *) key->kid);

    return len > 0 && len < (int) sizeof(key->jwk) ? NULL
                                                   : "it is too large";
}


/* Nobody is there to be asked for one. */

static int
para_private_key_passphrase(char *buf, int size, int writing, void *data)
{
    (void) buf;
    (void) size;
    (void) writing;

    *(int *) data = 1;

    return -1;
}


static const char *
para_private_key_read(para_private_key_t *key, para_span_t text)
{
    BIO         *bio;
    int          encrypted;
    EVP_PKEY    *second;
    const char  *why;

    bio = BIO_new_mem_buf(text.data, (int) text.len);
    if (bio == NULL) {
        return para_key_no_memory;
    }

    encrypted = 0;
    second = NULL;
    why = NULL;

    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, para_private_key_passphrase,
                                        &encrypted);

    if (key->pkey != NULL) {
        second = PEM_read_bio_PrivateKey(bio, NULL,
                                         para_private_key_passphrase,
                                         &encrypted);
        if (second != NULL || encrypted) {
            why = "it has more than one private key: give each a file and a"
                  " \"key=\" of its own";
        }

    } else if (encrypted) {
        why = "its key has a passphrase, and nobody is there to be asked for"
              " it: write the key without one (openssl pkey -in ... -out ...)";

    } else {
        why = "it has no private key in PEM: make one with \"openssl genpkey"
              " -algorithm ed25519\"";
    }

    EVP_PKEY_free(second);
    BIO_free(bio);

    /* the end of the file is an error to OpenSSL, too */

    why = para_key_failed(why);

    return why != NULL ? why : para_private_key_describe(key);
}


para_private_key_t *
para_private_key_parse(para_span_t text, const char **why)
{
    para_private_key_t  *key;

    if (text.len > PARA_PRIVATE_KEY_MAX) {
        *why = "it is too large for a key";
        return NULL;
    }

    key = calloc(1, sizeof(para_private_key_t));
    if (key == NULL) {
        *why = para_key_no_memory;
        return NULL;
    }

    *why = para_private_key_read(key, text);

    if (*why != NULL) {
        para_private_key_free(key);
        return NULL;
    }

    return key;
}


void
para_private_key_free(para_private_key_t *key)
{
    if (key == NULL) {
        return;
    }

    /* OpenSSL cleanses a private key that it frees */

    EVP_PKEY_free(key->pkey);
    free(key);
}


para_span_t
para_private_key_algorithm(const para_private_key_t *key)
{
    return para_span(key->kind->algorithm, strlen(key->kind->algorithm));
}


para_span_t
para_private_key_kid(const para_private_key_t *key)
{
    return para_span(key->kid, PARA_THUMBPRINT_SIZE);
}


/* RFC 7518 3.4: R and S in full size, one after the other. */

static int
para_private_key_flatten(unsigned char signature[PARA_SIGNATURE_SIZE],
    const unsigned char *der, size_t len)
{
    int                   half, good;
    ECDSA_SIG            *sig;
    const unsigned char  *p;

    p = der;
    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);

    half = PARA_SIGNATURE_SIZE / 2;

    good = sig != NULL
           && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, half) == half
           && BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + half, half)
              == half;

    ECDSA_SIG_free(sig);

    return good;
}


int
para_private_key_sign(const para_private_key_t *key,
    unsigned char signature[PARA_SIGNATURE_SIZE], para_span_t input)
{
    int             good;
    size_t          len;
    EVP_MD_CTX     *ctx;
    unsigned char   bytes[PARA_SIGNATURE_DER_MAX];

    len = sizeof(bytes);
    ctx = EVP_MD_CTX_new();

    good = ctx != NULL
           && EVP_DigestSignInit_ex(ctx, NULL, key->kind->digest, NULL,
                                    NULL, key->pkey, NULL)
              == 1
           && EVP_DigestSign(ctx, bytes, &len, input.data, input.len) == 1;

    EVP_MD_CTX_free(ctx);

    if (good && key->kind->digest != NULL) {
        good = para_private_key_flatten(signature, bytes, len);

    } else if (good) {
        good = len == PARA_SIGNATURE_SIZE;

        if (good) {
            memcpy(signature, bytes, PARA_SIGNATURE_SIZE);
        }
    }

    if (!good) {
        ERR_clear_error();
    }

    return good;
}


static int
para_private_key_is_twin(const para_private_key_t *const *key, size_t i)
{
    size_t  j;

    for (j = 0; j < i; j++) {
        if (memcmp(key[j]->kid, key[i]->kid, PARA_THUMBPRINT_SIZE) == 0) {
            return 1;
        }
    }

    return 0;
}


size_t
para_private_key_publish(unsigned char *dst, size_t size,
    const para_private_key_t *const *key, size_t n)
{
    int     len;
    size_t  i, used;

    used = 0;

    for (i = 0; i < n; i++) {

        if (para_private_key_is_twin(key, i)) {
            continue;
        }

        len = snprintf((char *) dst + used, size - used, "%s%s",
                       used == 0 ? "{\"keys\":[" : ",", key[i]->jwk);

        if (len < 0 || (size_t) len >= size - used) {
            return 0;
        }

        used += (size_t) len;
    }

    len = snprintf((char *) dst + used, size - used, "]}");

    return len > 0 && (size_t) len < size - used ? used + (size_t) len : 0;
}
