#include "para_record.h"


#define PARA_RECORD_FIELD_MAX  65535
#define PARA_RECORD_PREFIX     2


size_t
para_record_size(const para_span_t *field, size_t n)
{
    size_t  i, size;

    size = n * PARA_RECORD_PREFIX;

    for (i = 0; i < n; i++) {
        if (field[i].len > PARA_RECORD_FIELD_MAX) {
            return 0;
        }

        size += field[i].len;
    }

    return size;
}


void
para_record_write(unsigned char *dst, const para_span_t *field, size_t n)
{
    size_t  i, len;

    for (i = 0; i < n; i++) {
        len = field[i].len;

        *dst++ = (unsigned char) (len >> 8);
        *dst++ = (unsigned char) (len & 0xff);

        if (len != 0) {
            memcpy(dst, field[i].data, len);
            dst += len;
        }
    }
}


int
para_record_read(para_span_t *field, size_t n, para_span_t block)
{
    size_t                i, len, left;
    const unsigned char  *p;

    p = block.data;
    left = block.len;

    for (i = 0; i < n; i++) {
        if (left < PARA_RECORD_PREFIX) {
            return 0;
        }

        len = (size_t) p[0] << 8 | p[1];
        p += PARA_RECORD_PREFIX;
        left -= PARA_RECORD_PREFIX;

        if (left < len) {
            return 0;
        }

        field[i] = len != 0 ? para_span(p, len) : PARA_SPAN_NONE;
        p += len;
        left -= len;
    }

    return left == 0;
}
