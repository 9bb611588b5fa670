/*
 * JSON: what is read is an object within its bounds, and reading what jansson
 * writes of it gives the same.
 */

#include <jansson.h>

#include "fuzz.h"
#include "para_json.h"


static size_t
fuzz_depth(const json_t *value)
{
    void    *iter;
    size_t   i, deepest, depth;

    deepest = 0;

    for (i = 0; i < json_array_size(value); i++) {
        depth = fuzz_depth(json_array_get(value, i));
        deepest = depth > deepest ? depth : deepest;
    }

    for (iter = json_object_iter((json_t *) value); iter != NULL;
         iter = json_object_iter_next((json_t *) value, iter))
    {
        depth = fuzz_depth(json_object_iter_value(iter));
        deepest = depth > deepest ? depth : deepest;
    }

    return deepest + (json_is_array(value) || json_is_object(value));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *text;
    para_json_t  *root, *again;

    root = para_json_parse(para_span(data, size), 4096);

    if (root == NULL) {
        return 0;
    }

    fuzz_assert(size <= 4096);
    fuzz_assert(memchr(data, 0, size) == NULL);
    fuzz_assert(para_json_type(root) == PARA_JSON_OBJECT);
    fuzz_assert(fuzz_depth(root) <= PARA_JSON_MAX_DEPTH);

    text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fuzz_assert(text != NULL);

    again = para_json_parse(para_span(text, strlen(text)), 100000);
    fuzz_assert(again != NULL && json_equal(root, again));

    free(text);
    para_json_free(again);
    para_json_wipe(root);

    return 0;
}
