#include "para_escape.h"


static size_t para_escape_character(const unsigned char *p, size_t left);
static unsigned char *para_escape_json(unsigned char *dst, unsigned char c);
static unsigned char *para_escape_label(unsigned char *dst, unsigned char c);


unsigned char *
para_escape(unsigned char *dst, para_span_t text, para_escape_e format)
{
    size_t  i, n;

    static const unsigned char  unknown[] = { 0xef, 0xbf, 0xbd };

    for (i = 0; i < text.len; i += n) {

        n = para_escape_character(text.data + i, text.len - i);

        if (n == 0) {
            memcpy(dst, unknown, sizeof(unknown));
            dst += sizeof(unknown);
            n = 1;

        } else if (n > 1) {
            memcpy(dst, text.data + i, n);
            dst += n;

        } else if (format == PARA_ESCAPE_JSON) {
            dst = para_escape_json(dst, text.data[i]);

        } else {
            dst = para_escape_label(dst, text.data[i]);
        }
    }

    return dst;
}


/* Bytes of the character that begins here, RFC 3629 4; 0: none does. */

static size_t
para_escape_character(const unsigned char *p, size_t left)
{
    size_t         i, n;
    unsigned char  low, high;

    low = 0x80;
    high = 0xbf;

    if (p[0] < 0x80) {
        return p[0] != 0;

    } else if (p[0] < 0xc2) {
        return 0;

    } else if (p[0] < 0xe0) {
        n = 2;

    } else if (p[0] < 0xf0) {
        n = 3;

        if (p[0] == 0xe0) {
            low = 0xa0;

        } else if (p[0] == 0xed) {
            high = 0x9f;
        }

    } else if (p[0] < 0xf5) {
        n = 4;

        if (p[0] == 0xf0) {
            low = 0x90;

        } else if (p[0] == 0xf4) {
            high = 0x8f;
        }

    } else {
        return 0;
    }

    if (left < n || p[1] < low || p[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }

    return n;
}


static unsigned char *
para_escape_json(unsigned char *dst, unsigned char c)
{
    static const char  hex[] = "0123456789abcdef";

    if (c < 0x20 || c == 0x7f) {
        memcpy(dst, "\\u00", 4);
        dst[4] = (unsigned char) hex[c >> 4];
        dst[5] = (unsigned char) hex[c & 0x0f];

        return dst + 6;
    }

    if (c == '"' || c == '\\') {
        *dst++ = '\\';
    }

    *dst++ = c;

    return dst;
}


static unsigned char *
para_escape_label(unsigned char *dst, unsigned char c)
{
    if (c == '"' || c == '\\' || c == '\n') {
        *dst++ = '\\';
    }

    *dst++ = c == '\n' ? 'n' : c;

    return dst;
}
