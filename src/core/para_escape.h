/*
 * A text of any bytes inside the quotes of a format for programs.  What comes
 * out is valid UTF-8 without NUL: each byte that belongs to no character
 * (RFC 3629 4), and each NUL, becomes U+FFFD.
 */

#ifndef PARA_ESCAPE_H
#define PARA_ESCAPE_H

#include "para_span.h"


typedef enum {
    PARA_ESCAPE_JSON = 0,         /* a string, RFC 8259 7 */
    PARA_ESCAPE_LABEL             /* a label value of the text format of
                                     Prometheus, 0.0.4 */
} para_escape_e;


/* The most bytes that a text of len bytes becomes. */
#define para_escape_max(len)  ((len) * 6)

/* Writes the text to dst, without quotes around it, and returns the end. */
unsigned char *para_escape(unsigned char *dst, para_span_t text,
    para_escape_e format);


#endif /* PARA_ESCAPE_H */
