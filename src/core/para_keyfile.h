/*
 * A key set as it is kept in a file: the bytes that were fetched, bound to
 * their URL and the time of the fetch, with a SHA-256 over all, so that a file
 * that is torn, altered by mistake or another one's is known as such.  It is no
 * signature: who may write the file may forge it.
 *
 *   para-auth-jwks 1
 *   url https://example.com/jwks.json
 *   fetched 1700000000
 *   sha256 <64 digits, lower case>
 *
 *   {"keys":[...
 *
 * Each line ends with a line feed; the set goes to the end of the file.  The
 * sum is para_digest_key() of three parts: URL, the digits of the time, set.
 */

#ifndef PARA_KEYFILE_H
#define PARA_KEYFILE_H

#include <stdint.h>

#include "para_jwk.h"
#include "para_span.h"


#define PARA_KEYFILE_URL_MAX   1024   /* bytes */
#define PARA_KEYFILE_HEAD_MAX  (PARA_KEYFILE_URL_MAX + 128)

/* bytes of a file */
#define PARA_KEYFILE_MAX_SIZE  (PARA_KEYFILE_HEAD_MAX + PARA_JWKS_MAX_SIZE)


typedef struct {
    para_span_t  url;                 /* visible ASCII, not empty */
    int64_t      fetched;             /* s since the epoch, > 0 */
    para_span_t  jwks;                /* not empty */
} para_keyfile_t;


/*
 * Writes the file into size bytes at dst, PARA_KEYFILE_MAX_SIZE are always
 * enough.  Returns the bytes written; 0 if they do not fit, a field is not as
 * said above or longer than it may be, or OpenSSL failed.
 */
size_t para_keyfile_write(unsigned char *dst, size_t size,
    const para_keyfile_t *file);

/*
 * Reads exactly what is written above, for this URL, of a time up to 60 s after
 * now (s since the epoch).  Returns NULL, the spans then lie in text; or a
 * static sentence why it cannot be believed, and file is as before.
 */
const char *para_keyfile_parse(para_keyfile_t *file, para_span_t text,
    para_span_t url, int64_t now);


#endif /* PARA_KEYFILE_H */
