/*
 * A view of bytes that somebody else owns: pointer and length, no NUL.
 * A span with a NULL pointer means "absent", one of length 0 "empty".
 */

#ifndef PARA_SPAN_H
#define PARA_SPAN_H

#include <stddef.h>
#include <string.h>


typedef struct {
    const unsigned char  *data;
    size_t                len;
} para_span_t;


#define PARA_SPAN_NONE         ((para_span_t) { NULL, 0 })
#define PARA_SPAN(literal)                                                    \
    ((para_span_t) { (const unsigned char *) (literal), sizeof(literal) - 1 })


static inline para_span_t
para_span(const void *data, size_t len)
{
    para_span_t  span;

    span.data = data;
    span.len = len;

    return span;
}


/* Not constant-time: for public values only. */

static inline int
para_span_eq(para_span_t a, para_span_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* The same without regard to the case of ASCII letters, in any locale. */

static inline int
para_span_eq_nocase(para_span_t a, para_span_t b)
{
    size_t         i;
    unsigned char  x, y;

    if (a.len != b.len) {
        return 0;
    }

    for (i = 0; i < a.len; i++) {
        x = a.data[i];
        y = b.data[i];

        if (x >= 'A' && x <= 'Z') {
            x = (unsigned char) (x | 0x20);
        }

        if (y >= 'A' && y <= 'Z') {
            y = (unsigned char) (y | 0x20);
        }

        if (x != y) {
            return 0;
        }
    }

    return 1;
}


/* 1 for letters, digits and "_", one at least: a name without quotes. */

static inline int
para_span_is_word(para_span_t text)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '_')
        {
            return 0;
        }
    }

    return text.len != 0;
}


#endif /* PARA_SPAN_H */
