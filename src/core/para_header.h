/*
 * A text from a claim as a header value (RFC 9110 5.5): C0, DEL, C1, U+2028
 * and U+2029 refuse it; '%', separators, spaces at the edges and non-ASCII
 * bytes become %XX; everything else stays.  Percent-decoding gives the text.
 */

#ifndef PARA_HEADER_H
#define PARA_HEADER_H

#include "para_span.h"


/* 1 if the text has none of the refused characters.  Bytes are UTF-8. */
int para_header_safe(para_span_t text);

/* The most bytes that a text of len bytes becomes. */
#define para_header_encoded_max(len)  ((len) * 3)

/*
 * Writes the encoded text to dst and returns the end.  The text must be safe.
 * separators: a NUL-terminated list of further ASCII characters to encode.
 */
unsigned char *para_header_encode(unsigned char *dst, para_span_t text,
    const char *separators);

/*
 * The reverse, into size bytes at dst, and sets *n to the bytes written.
 * Returns 0 if they are more, or a '%' is not followed by two digits as they
 * are written here.
 */
int para_header_decode(unsigned char *dst, size_t size, size_t *n,
    para_span_t value);


#endif /* PARA_HEADER_H */
