/*
 * Strict base64url without padding, RFC 4648 5 and RFC 7515 2; and strict
 * base64 of the standard alphabet with padding, RFC 4648 4.
 */

#ifndef PARA_B64URL_H
#define PARA_B64URL_H

#include "para_span.h"


/* The most bytes that len characters decode to. */
#define para_b64url_decoded_max(len)  ((len) / 4 * 3 + 2)

/* The characters that len bytes become. */
#define para_b64url_encoded_size(len)  (((len) * 4 + 2) / 3)


/*
 * Decodes text into dst, which holds para_b64url_decoded_max(text.len) bytes,
 * and sets *n to the bytes written.  Returns 1, or 0 for anything but the one
 * canonical spelling: padding, a foreign character, a length of 1 mod 4,
 * non-zero trailing bits (RFC 4648 3.5).  dst may be the text itself.
 */
int para_b64url_decode(unsigned char *dst, size_t *n, para_span_t text);

/* The same with the standard alphabet, where padding must be complete. */
int para_b64_decode(unsigned char *dst, size_t *n, para_span_t text);

/* Writes data as base64url to dst, without padding, and returns the end. */
unsigned char *para_b64url_encode(unsigned char *dst, para_span_t data);


#endif /* PARA_B64URL_H */
