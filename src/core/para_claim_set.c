#include "para_claim_set.h"

#include <stdlib.h>

#include "para_header.h"
#include "para_list.h"
#include "para_record.h"


/* The text of a scalar, of a number in buf; absent if it is null or nothing. */

static para_reason_e
para_claim_set_text(const para_json_t *value,
    unsigned char buf[PARA_JSON_NUMBER_MAX], para_span_t *text)
{
    int     boolean;
    size_t  n;

    switch (para_json_type(value)) {

    case PARA_JSON_STRING:
        return para_list_read_text(value, text);

    case PARA_JSON_NUMBER:
        n = para_json_number_text(value, buf);
        *text = para_span(buf, n);
        return n != 0 ? PARA_OK : PARA_NO_MEMORY;

    case PARA_JSON_BOOLEAN:
        (void) para_json_boolean(value, &boolean);
        *text = boolean ? PARA_SPAN("true") : PARA_SPAN("false");
        return PARA_OK;

    default:
        *text = PARA_SPAN_NONE;
        return PARA_OK;
    }
}


/* How many scalars a value has: 1 if it is one, 0 if it is to have no text. */

static size_t
para_claim_set_items(const para_json_t *value)
{
    size_t            i;
    para_json_type_e  type;

    if (para_json_type(value) != PARA_JSON_ARRAY) {
        return para_json_type(value) != PARA_JSON_OBJECT;
    }

    for (i = 0; i < para_json_length(value); i++) {
        type = para_json_type(para_json_item(value, i));

        if (type == PARA_JSON_ARRAY || type == PARA_JSON_OBJECT) {
            return 0;
        }
    }

    return para_json_length(value);
}


static const para_json_t *
para_claim_set_item(const para_json_t *value, size_t i)
{
    return para_json_type(value) == PARA_JSON_ARRAY ? para_json_item(value, i)
                                                    : value;
}


/* Adds to *size what writing takes at most. */

static para_reason_e
para_claim_set_check(const para_json_t *value, size_t *size)
{
    size_t         i, n, len;
    para_span_t    text;
    para_reason_e  rc;
    unsigned char  buf[PARA_JSON_NUMBER_MAX];

    len = 0;
    n = para_claim_set_items(value);

    for (i = 0; i < n; i++) {
        rc = para_claim_set_text(para_claim_set_item(value, i), buf, &text);

        if (rc != PARA_OK) {
            return rc;
        }

        len += text.len;
    }

    *size += para_header_encoded_max(len) + n;

    return len > PARA_CLAIM_VALUE_MAX ? PARA_CLAIM_SIZE : PARA_OK;
}


/* Returns NULL if memory is out, which a number's text takes for a moment. */

static unsigned char *
para_claim_set_write(unsigned char *dst, const para_json_t *value)
{
    size_t          i, n;
    para_span_t     text;
    unsigned char  *start, buf[PARA_JSON_NUMBER_MAX];

    start = dst;
    n = para_claim_set_items(value);

    for (i = 0; i < n; i++) {

        if (para_claim_set_text(para_claim_set_item(value, i), buf, &text)
            != PARA_OK)
        {
            return NULL;
        }

        dst = para_json_type(value) == PARA_JSON_ARRAY
              ? para_list_write_item(dst, start, text)
              : para_header_encode(dst, text, "");
    }

    return dst;
}


/* What was found is written down, for which there must be size bytes. */

static para_reason_e
para_claim_set_keep(para_claim_values_t *values, para_json_t *const *found,
    size_t size)
{
    size_t          i;
    unsigned char  *p, *end;

    p = malloc(size + 1);             /* malloc(0) may be NULL */
    if (p == NULL) {
        return PARA_NO_MEMORY;
    }

    values->memory = p;

    for (i = 0; i < values->n; i++) {
        end = para_claim_set_write(p, found[i]);

        if (end == NULL) {
            return PARA_NO_MEMORY;
        }

        if (end != p) {
            values->value[i] = para_span(p, (size_t) (end - p));
        }

        p = end;
    }

    return para_claim_values_size(values) > PARA_CLAIM_SET_SIZE
           ? PARA_CLAIM_SIZE : PARA_OK;
}


para_reason_e
para_claim_set_read(para_claim_values_t *values, const para_claim_set_t *set,
    const para_json_t *claims)
{
    size_t          i, size;
    para_json_t    *found[PARA_CLAIM_SET_MAX];
    para_reason_e   rc;

    memset(values, 0, sizeof(para_claim_values_t));
    memset(found, 0, sizeof(found));

    values->n = set->n;
    size = 0;
    rc = PARA_OK;

    for (i = 0; i < set->n && rc == PARA_OK; i++) {
        rc = para_json_path(claims, set->path[i], &found[i])
             ? para_claim_set_check(found[i], &size) : PARA_NO_MEMORY;
    }

    if (rc == PARA_OK && set->n != 0) {
        rc = para_claim_set_keep(values, found, size);
    }

    for (i = 0; i < set->n; i++) {
        para_json_free(found[i]);
    }

    return rc;
}


void
para_claim_values_free(para_claim_values_t *values)
{
    free(values->memory);

    memset(values, 0, sizeof(para_claim_values_t));
}


size_t
para_claim_values_size(const para_claim_values_t *values)
{
    return para_record_size(values->value, values->n);
}


unsigned char *
para_claim_values_write(unsigned char *dst, const para_claim_values_t *values)
{
    para_record_write(dst, values->value, values->n);

    return dst + para_claim_values_size(values);
}


para_span_t
para_claim_value(para_span_t record, size_t n, size_t i)
{
    para_span_t  value[PARA_CLAIM_SET_MAX];

    if (i >= n || n > PARA_CLAIM_SET_MAX
        || !para_record_read(value, n, record))
    {
        return PARA_SPAN_NONE;
    }

    return value[i];
}
