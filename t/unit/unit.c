#include "unit.h"


para_span_t
unit_span(const char *text)
{
    return para_span(text, text == NULL ? 0 : strlen(text));
}


char *
unit_format(const char *format, ...)
{
    int      len;
    char    *text;
    va_list  args;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);

    text = malloc((size_t) len + 1);
    assert_non_null(text);

    va_start(args, format);
    vsnprintf(text, (size_t) len + 1, format, args);
    va_end(args);

    return text;
}


char *
unit_repeat(char c, size_t len)
{
    char  *text;

    text = malloc(len + 1);
    assert_non_null(text);

    memset(text, c, len);
    text[len] = '\0';

    return text;
}


para_span_t
unit_exact(const void *data, size_t len)
{
    unsigned char  *copy;

    copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);

    if (len != 0) {
        memcpy(copy, data, len);
    }

    return para_span(copy, len);
}


char *
unit_base64(const void *data, size_t len)
{
    char                 *text, *p;
    size_t                i, j;
    unsigned              bits;
    const unsigned char  *byte;

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789+/";

    byte = data;
    text = malloc(len / 3 * 4 + 5);
    assert_non_null(text);

    for (i = 0, p = text; i < len; i += 3) {
        bits = (unsigned) byte[i] << 16;
        bits |= i + 1 < len ? (unsigned) byte[i + 1] << 8 : 0;
        bits |= i + 2 < len ? byte[i + 2] : 0;

        for (j = 0; j < 4; j++) {
            *p++ = i + j <= len ? alphabet[bits >> (18 - j * 6) & 63] : '=';
        }
    }

    *p = '\0';

    return text;
}
