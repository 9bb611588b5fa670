#include "para_header.h"


static const char  para_header_hex[] = "0123456789ABCDEF";


/*
 * C0, DEL, C1, and the line and paragraph separators U+2028 and U+2029.  In
 * UTF-8 0xc2 and 0xe2 only ever begin a character, so bytes can be looked at
 * without decoding.
 */

int
para_header_safe(para_span_t text)
{
    size_t                i, left;
    const unsigned char  *p;

    for (i = 0; i < text.len; i++) {
        p = text.data + i;
        left = text.len - i;

        if (p[0] < 0x20 || p[0] == 0x7f) {
            return 0;
        }

        if (p[0] == 0xc2 && left >= 2 && p[1] >= 0x80 && p[1] <= 0x9f) {
            return 0;
        }

        if (p[0] == 0xe2 && left >= 3 && p[1] == 0x80
            && (p[2] == 0xa8 || p[2] == 0xa9))
        {
            return 0;
        }
    }

    return 1;
}


unsigned char *
para_header_encode(unsigned char *dst, para_span_t text,
    const char *separators)
{
    size_t         i, first, last;
    unsigned char  c;

    /* the text between the spaces at its edges, which a peer would trim */

    for (first = 0; first < text.len && text.data[first] == ' '; first++) {
        /* void */
    }

    for (last = text.len; last > first && text.data[last - 1] == ' '; last--) {
        /* void */
    }

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        /* a control character is refused before, and harmless here */

        if (c > 0x1f && c < 0x7f && c != '%' && i >= first && i < last
            && strchr(separators, c) == NULL)
        {
            *dst++ = c;
            continue;
        }

        *dst++ = '%';
        *dst++ = (unsigned char) para_header_hex[c >> 4];
        *dst++ = (unsigned char) para_header_hex[c & 0x0f];
    }

    return dst;
}


/* -1 if it is none. */

static int
para_header_digit(unsigned char c)
{
    const char  *digit;

    digit = memchr(para_header_hex, c, sizeof(para_header_hex) - 1);

    return digit == NULL ? -1 : (int) (digit - para_header_hex);
}


int
para_header_decode(unsigned char *dst, size_t size, size_t *n,
    para_span_t value)
{
    int            high, low;
    size_t         i;
    unsigned char  c;

    *n = 0;

    for (i = 0; i < value.len; i++) {
        c = value.data[i];

        if (c == '%') {
            if (value.len - i < 3) {
                return 0;
            }

            high = para_header_digit(value.data[i + 1]);
            low = para_header_digit(value.data[i + 2]);

            if (high == -1 || low == -1) {
                return 0;
            }

            c = (unsigned char) (high << 4 | low);
            i += 2;
        }

        if (*n == size) {
            return 0;
        }

        dst[(*n)++] = c;
    }

    return 1;
}
