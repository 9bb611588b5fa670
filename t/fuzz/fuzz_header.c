/*
 * Header values: what is safe becomes printable ASCII without separators or
 * spaces at the edges, and percent-decoding gives it back.  The bytes are kept
 * in a record on the way.
 */

#include "fuzz.h"
#include "para_header.h"
#include "para_record.h"


static const char  fuzz_separators[] = ",:";


static void
fuzz_encoded(para_span_t value, para_span_t text)
{
    size_t          i, n;
    unsigned char   c, *back;

    for (i = 0; i < value.len; i++) {
        c = value.data[i];

        fuzz_assert(c >= 0x20 && c < 0x7f);
        fuzz_assert(strchr(fuzz_separators, c) == NULL);
        fuzz_assert(c != ' ' || (i != 0 && i != value.len - 1));
    }

    back = malloc(text.len + 1);
    fuzz_assert(para_header_decode(back, text.len, &n, value));
    fuzz_assert(para_span_eq(para_span(back, n), text));
    free(back);
}


/* Any value at all: it gets no longer, and only shorter by what is escaped. */

static void
fuzz_decode(para_span_t value)
{
    size_t          n;
    unsigned char  *text;

    text = malloc(value.len + 1);

    if (para_header_decode(text, value.len, &n, value)) {
        fuzz_assert(n <= value.len);
        fuzz_assert(n == value.len
                    || memchr(value.data, '%', value.len) != NULL);
    }

    free(text);
}


static void
fuzz_record(para_span_t block)
{
    size_t          i, size;
    para_span_t     field[3], again[3];
    unsigned char  *copy;

    /* any block: what is read of it is inside, and is written as it was */

    if (!para_record_read(field, 3, block)) {
        return;
    }

    size = para_record_size(field, 3);
    fuzz_assert(size == block.len);

    copy = malloc(size);
    para_record_write(copy, field, 3);
    fuzz_assert(memcmp(copy, block.data, size) == 0);
    fuzz_assert(para_record_read(again, 3, para_span(copy, size)));

    for (i = 0; i < 3; i++) {
        fuzz_assert(para_span_eq(field[i], again[i]));
    }

    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    para_span_t     text;
    unsigned char  *value, *end;

    text = para_span(data, size);

    if (para_header_safe(text)) {
        for (i = 0; i < size; i++) {
            fuzz_assert(data[i] >= 0x20 && data[i] != 0x7f);
        }

        value = malloc(para_header_encoded_max(size) + 1);
        end = para_header_encode(value, text, fuzz_separators);

        fuzz_assert((size_t) (end - value) <= para_header_encoded_max(size));
        fuzz_encoded(para_span(value, (size_t) (end - value)), text);
        free(value);
    }

    fuzz_decode(text);
    fuzz_record(text);

    return 0;
}
