#include "para_json.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>


/*
 * jansson nests to 2,048 levels, and takes a NUL for the end of some tokens:
 * both are settled before it sees the text.  Brackets are counted outside of
 * strings; whether they match is left to jansson.
 */

static int
para_json_bounded(para_span_t text)
{
    int            in_string;
    size_t         i, depth;
    unsigned char  c;

    if (memchr(text.data, '\0', text.len) != NULL) {
        return 0;
    }

    in_string = 0;
    depth = 0;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (in_string) {
            if (c == '\\') {
                i++;

            } else if (c == '"') {
                in_string = 0;
            }

            continue;
        }

        if (c == '"') {
            in_string = 1;

        } else if (c == '{' || c == '[') {
            if (++depth > PARA_JSON_MAX_DEPTH) {
                return 0;
            }

        } else if (c == '}' || c == ']') {
            if (depth-- == 0) {
                return 0;
            }
        }
    }

    return 1;
}


/*
 * jansson's reader does not notice when its buffer cannot grow: it goes on
 * without that one byte, so that another value results, or reads and writes
 * past the end if the byte was the closing quote.  Hence, while it reads, no
 * allocation succeeds after one that failed, which it does notice.
 */

static _Thread_local struct {
    json_malloc_t   malloc;           /* whoever else uses jansson has set it */
    int             failed;
} para_json_memory;


static void *
para_json_malloc(size_t size)
{
    void  *p;

    p = para_json_memory.failed ? NULL : para_json_memory.malloc(size);

    if (p == NULL) {
        para_json_memory.failed = 1;
    }

    return p;
}


static json_t *
para_json_load(para_span_t text)
{
    json_t       *root;
    json_free_t   release;

    json_get_alloc_funcs(&para_json_memory.malloc, &release);
    json_set_alloc_funcs(para_json_malloc, release);

    root = json_loadb((const char *) text.data, text.len,
                      JSON_REJECT_DUPLICATES, NULL);

    json_set_alloc_funcs(para_json_memory.malloc, release);

    if (para_json_memory.failed) {
        json_decref(root);
        return NULL;
    }

    return root;
}


para_json_t *
para_json_parse(para_span_t text, size_t max_size)
{
    json_t  *root;

    para_json_memory.failed = 0;

    if (text.len == 0 || text.len > max_size || !para_json_bounded(text)) {
        return NULL;
    }

    root = para_json_load(text);

    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }

    return root;
}


int
para_json_starved(void)
{
    return para_json_memory.failed;
}


void
para_json_free(para_json_t *root)
{
    json_decref(root);
}


/* The depth of the recursion is bounded by PARA_JSON_MAX_DEPTH. */

static void
para_json_overwrite(json_t *value)
{
    void        *iter;
    size_t       i;
    const char  *text;

    if (json_is_string(value)) {
        text = json_string_value(value);
        OPENSSL_cleanse((void *) text, json_string_length(value));
        return;
    }

    for (i = 0; i < json_array_size(value); i++) {
        para_json_overwrite(json_array_get(value, i));
    }

    for (iter = json_object_iter(value); iter != NULL;
         iter = json_object_iter_next(value, iter))
    {
        para_json_overwrite(json_object_iter_value(iter));
    }
}


void
para_json_wipe(para_json_t *root)
{
    para_json_overwrite(root);
    json_decref(root);
}


para_json_type_e
para_json_type(const para_json_t *value)
{
    if (value == NULL) {
        return PARA_JSON_ABSENT;
    }

    switch (json_typeof(value)) {

    case JSON_OBJECT:
        return PARA_JSON_OBJECT;

    case JSON_ARRAY:
        return PARA_JSON_ARRAY;

    case JSON_STRING:
        return PARA_JSON_STRING;

    case JSON_INTEGER:
    case JSON_REAL:
        return PARA_JSON_NUMBER;

    case JSON_TRUE:
    case JSON_FALSE:
        return PARA_JSON_BOOLEAN;

    default: /* JSON_NULL */
        return PARA_JSON_NULL;
    }
}


const para_json_t *
para_json_get(const para_json_t *value, const char *name)
{
    return json_object_get(value, name);
}


const para_json_t *
para_json_member(const para_json_t *value, para_span_t name)
{
    return json_object_getn(value, (const char *) name.data, name.len);
}


int
para_json_each(const para_json_t *value, para_json_each_pt each, void *data)
{
    void         *iter;
    json_t       *object;
    para_span_t   name;

    object = (json_t *) value;

    for (iter = json_object_iter(object); iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        name = para_span(json_object_iter_key(iter),
                         json_object_iter_key_len(iter));

        if (!each(data, name, json_object_iter_value(iter))) {
            return 0;
        }
    }

    return 1;
}


para_json_t *
para_json_hold(const para_json_t *value)
{
    return json_incref((json_t *) value);
}


int
para_json_append(para_json_t **list, const para_json_t *value)
{
    if (*list == NULL) {
        *list = json_array();
    }

    return json_array_append(*list, (json_t *) value) == 0;
}


int
para_json_string(const para_json_t *value, para_span_t *text)
{
    if (!json_is_string(value)) {
        return 0;
    }

    *text = para_span(json_string_value(value), json_string_length(value));

    return 1;
}


int
para_json_number(const para_json_t *value, double *number)
{
    if (!json_is_number(value)) {
        return 0;
    }

    *number = json_number_value(value);

    return 1;
}


/* 15 digits are enough for what was written with as many, 17 for any double. */

size_t
para_json_number_text(const para_json_t *value, unsigned char *dst)
{
    char    text[PARA_JSON_NUMBER_MAX];
    size_t  n, digits;

    if (!json_is_number(value)) {
        return 0;
    }

    for (digits = 15; digits <= 17; digits++) {

        n = json_dumpb(value, text, sizeof(text) - 1,
                       JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));

        if (n == 0 || n >= sizeof(text)) {
            return 0;
        }

        text[n] = '\0';

        if (json_is_integer(value) || strtod(text, NULL)
                                      == json_real_value(value))
        {
            break;
        }
    }

    memcpy(dst, text, n);

    return n;
}


int
para_json_boolean(const para_json_t *value, int *boolean)
{
    if (!json_is_boolean(value)) {
        return 0;
    }

    *boolean = json_is_true(value);

    return 1;
}


size_t
para_json_length(const para_json_t *value)
{
    return json_array_size(value);
}


const para_json_t *
para_json_item(const para_json_t *value, size_t i)
{
    return json_array_get(value, i);
}


para_json_t *
para_json_new_object(void)
{
    return json_object();
}


para_json_t *
para_json_new_string(para_span_t text)
{
    return json_stringn((const char *) text.data, text.len);
}


para_json_t *
para_json_new_number(int64_t number)
{
    return json_integer(number);
}


int
para_json_add(para_json_t *object, const char *name, para_json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}


size_t
para_json_write(unsigned char *dst, size_t size, const para_json_t *root)
{
    return json_dumpb(root, (char *) dst, size, JSON_COMPACT);
}


int
para_json_encode(unsigned char *dst, size_t size, size_t *n, const char *name,
    para_span_t value)
{
    size_t   len;
    json_t  *root;

    root = para_json_new_object();
    len = 0;

    if (para_json_add(root, name, para_json_new_string(value))) {
        len = para_json_write(dst, size, root);
    }

    json_decref(root);

    if (len == 0 || len > size) {
        return 0;
    }

    *n = len;

    return 1;
}
