/*
 * A fuzz target: the bytes go in, and abort() says that what came of them must
 * not be.  With clang's libFuzzer, or with replay.c for files that are there.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "para_span.h"


#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,        \
                    #condition);                                              \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Cuts off what stands before the first line feed, all if there is none. */

static inline para_span_t
fuzz_line(para_span_t *rest)
{
    para_span_t           line;
    const unsigned char  *end;

    end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    line = *rest;

    if (end == NULL) {
        *rest = para_span(rest->data + rest->len, 0);
        return line;
    }

    line.len = (size_t) (end - rest->data);
    *rest = para_span(end + 1, rest->len - line.len - 1);

    return line;
}


#endif /* FUZZ_H */
