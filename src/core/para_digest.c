#include "para_digest.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>


#define PARA_DIGEST_PREFIX  9         /* is it there, and 64 bits of length */


struct para_digest_s {
    EVP_MD      *md;
    EVP_MD_CTX  *ctx;
};


para_digest_t *
para_digest_create(void)
{
    para_digest_t  *digest;

    digest = malloc(sizeof(para_digest_t));
    if (digest == NULL) {
        return NULL;
    }

    digest->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    digest->ctx = EVP_MD_CTX_new();

    if (digest->md == NULL || digest->ctx == NULL) {
        para_digest_free(digest);
        return NULL;
    }

    return digest;
}


void
para_digest_free(para_digest_t *digest)
{
    if (digest == NULL) {
        return;
    }

    EVP_MD_CTX_free(digest->ctx);
    EVP_MD_free(digest->md);
    free(digest);
}


static int
para_digest_update(para_digest_t *digest, para_span_t part)
{
    size_t         i;
    uint64_t       len;
    unsigned char  prefix[PARA_DIGEST_PREFIX];

    prefix[0] = part.data != NULL;

    len = part.len;

    for (i = PARA_DIGEST_PREFIX - 1; i > 0; i--) {
        prefix[i] = (unsigned char) (len & 0xff);
        len >>= 8;
    }

    return EVP_DigestUpdate(digest->ctx, prefix, sizeof(prefix)) == 1
           && EVP_DigestUpdate(digest->ctx, part.data, part.len) == 1;
}


/* What failed must not leave its errors to whoever asks next. */

static int
para_digest_end(para_digest_t *digest, unsigned char out[PARA_DIGEST_SIZE],
    int good)
{
    good = good && EVP_DigestFinal_ex(digest->ctx, out, NULL) == 1;

    if (!good) {
        ERR_clear_error();
    }

    return good;
}


int
para_digest_key(para_digest_t *digest, unsigned char out[PARA_DIGEST_SIZE],
    const para_span_t *part, size_t n)
{
    int     good;
    size_t  i;

    good = EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) == 1;

    for (i = 0; good && i < n; i++) {
        good = para_digest_update(digest, part[i]);
    }

    return para_digest_end(digest, out, good);
}


int
para_digest_plain(para_digest_t *digest, unsigned char out[PARA_DIGEST_SIZE],
    para_span_t text)
{
    int  good;

    good = EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) == 1
           && EVP_DigestUpdate(digest->ctx, text.data, text.len) == 1;

    return para_digest_end(digest, out, good);
}
