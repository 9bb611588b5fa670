/*
 * What every test of the core includes: cmocka with its own includes, and
 * short ways to write spans and to compare reasons by name.
 */

#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "para_reason.h"
#include "para_span.h"


#define unit_count(array)  (sizeof(array) / sizeof((array)[0]))

/* A failed comparison shows both names. */
#define assert_reason(got, expected)                                          \
    assert_string_equal(para_reason_name(got), para_reason_name(expected))

#define assert_span(span, text)                                               \
    do {                                                                      \
        para_span_t  unit_span_ = (span);                                     \
                                                                              \
        assert_non_null(unit_span_.data);                                     \
        assert_int_equal(unit_span_.len, strlen(text));                       \
        assert_memory_equal(unit_span_.data, text, unit_span_.len);           \
    } while (0)

#define assert_absent(span)                                                   \
    do {                                                                      \
        assert_null((span).data);                                             \
        assert_int_equal((span).len, 0);                                      \
    } while (0)


/* A NUL-terminated string as a span, NULL as an absent one. */
para_span_t unit_span(const char *text);

/* As printf(), into memory that is the caller's. */
char *unit_format(const char *format, ...)
    __attribute__((format(printf, 1, 2), nonnull(1)));

/* len bytes c, NUL-terminated, the caller's. */
char *unit_repeat(char c, size_t len);

/*
 * A copy of exactly these bytes, so that a sanitizer sees any read beyond them;
 * the caller's.
 */
para_span_t unit_exact(const void *data, size_t len);

/* Base64, standard alphabet and padding, NUL-terminated, the caller's. */
char *unit_base64(const void *data, size_t len);


#endif /* UNIT_H */
