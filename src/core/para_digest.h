/*
 * Cache keys: SHA-256 (FIPS 180-4) over length-prefixed parts, so that no two
 * lists of parts have one key.
 */

#ifndef PARA_DIGEST_H
#define PARA_DIGEST_H

#include "para_span.h"


#define PARA_DIGEST_SIZE  32


typedef struct para_digest_s  para_digest_t;


/*
 * A hasher, made once and used for many keys: NULL if memory is out.  Not for
 * two threads at once.
 */
para_digest_t *para_digest_create(void);
void para_digest_free(para_digest_t *digest);

/*
 * The key of n parts.  An absent part and an empty one differ.  Returns 0 if
 * OpenSSL failed; then out is not to be used.
 */
int para_digest_key(para_digest_t *digest, unsigned char out[PARA_DIGEST_SIZE],
    const para_span_t *part, size_t n);

/* SHA-256 of a text alone, as others compute it.  Returns as above. */
int para_digest_plain(para_digest_t *digest,
    unsigned char out[PARA_DIGEST_SIZE], para_span_t text);


#endif /* PARA_DIGEST_H */
