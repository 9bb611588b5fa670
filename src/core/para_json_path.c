#include "para_json.h"


typedef enum {
    PARA_JSON_STEP_NAME,
    PARA_JSON_STEP_INDEX,
    PARA_JSON_STEP_EACH
} para_json_step_e;


typedef struct {
    para_json_step_e   kind;
    size_t             index;
    size_t             len;           /* of the name, without its quotes */
    unsigned char      name[PARA_JSON_NAME_MAX];
} para_json_step_t;


/* A path with [*] leads to a list, any other to one value. */

typedef struct {
    int                 is_list;
    para_json_t        *list;
    const para_json_t  *one;
} para_json_found_t;


/* Each of the three takes what it reads off the path, or returns 0. */

static int
para_json_path_quoted(para_span_t *path, para_json_step_t *step)
{
    const unsigned char  *p, *end;

    p = path->data + 1;
    end = path->data + path->len;

    for (step->len = 0; p < end && *p != '"'; p++) {

        if (*p == '\\' && ++p == end) {
            return 0;
        }

        if (step->len == PARA_JSON_NAME_MAX) {
            return 0;
        }

        step->name[step->len++] = *p;
    }

    if (p == end) {
        return 0;
    }

    *path = para_span(p + 1, (size_t) (end - (p + 1)));

    return 1;
}


static int
para_json_path_name(para_span_t *path, para_json_step_t *step)
{
    size_t  n;

    step->kind = PARA_JSON_STEP_NAME;

    if (path->len != 0 && *path->data == '"') {
        return para_json_path_quoted(path, step);
    }

    for (n = 0; n < path->len; n++) {
        if (memchr(".[]\"", path->data[n], 4) != NULL) {
            break;
        }
    }

    if (n == 0 || n > PARA_JSON_NAME_MAX) {
        return 0;
    }

    memcpy(step->name, path->data, n);
    step->len = n;

    *path = para_span(path->data + n, path->len - n);

    return 1;
}


static int
para_json_path_bracket(para_span_t *path, para_json_step_t *step)
{
    size_t                n;
    const unsigned char  *p;

    p = path->data;
    step->index = 0;

    if (path->len >= 3 && memcmp(p, "[*]", 3) == 0) {
        step->kind = PARA_JSON_STEP_EACH;
        n = 2;

    } else {
        step->kind = PARA_JSON_STEP_INDEX;

        for (n = 1; n < path->len && p[n] >= '0' && p[n] <= '9'; n++) {
            step->index = step->index * 10 + (size_t) (p[n] - '0');

            if (step->index > PARA_JSON_INDEX_MAX) {
                return 0;
            }
        }

        if (n == 1 || n == path->len || p[n] != ']'
            || (n > 2 && p[1] == '0'))
        {
            return 0;
        }
    }

    *path = para_span(p + n + 1, path->len - (n + 1));

    return 1;
}


/* The next step of a path that is not at its end. */

static int
para_json_path_next(para_span_t *path, para_json_step_t *step)
{
    if (*path->data == '[') {
        return para_json_path_bracket(path, step);
    }

    if (*path->data != '.') {
        return 0;
    }

    *path = para_span(path->data + 1, path->len - 1);

    return para_json_path_name(path, step);
}


static int
para_json_path_keep(para_json_found_t *found, const para_json_t *value)
{
    if (!found->is_list) {
        found->one = value;
        return 1;
    }

    return para_json_append(&found->list, value);
}


/*
 * Goes on from a value to the end of the path.  The depth of the recursion is
 * bounded by PARA_JSON_MAX_DEPTH, as each level is one of the document.
 */

static int
para_json_path_walk(const para_json_t *value, para_span_t path,
    para_json_found_t *found)
{
    size_t            i;
    para_json_step_t  step;

    while (value != NULL && path.len != 0) {

        if (!para_json_path_next(&path, &step)) {
            return 0;
        }

        if (step.kind == PARA_JSON_STEP_NAME) {
            value = para_json_member(value, para_span(step.name, step.len));
            continue;
        }

        if (step.kind == PARA_JSON_STEP_INDEX) {
            value = para_json_item(value, step.index);
            continue;
        }

        found->is_list = 1;

        for (i = 0; i < para_json_length(value); i++) {
            if (!para_json_path_walk(para_json_item(value, i), path, found)) {
                return 0;
            }
        }

        return 1;
    }

    return value == NULL || para_json_path_keep(found, value);
}


int
para_json_path(const para_json_t *root, para_span_t path,
    para_json_t **found)
{
    para_json_step_t   first;
    para_json_found_t  result;

    *found = NULL;

    if (!para_json_path_check(path) || !para_json_path_name(&path, &first)) {
        return 0;
    }

    memset(&result, 0, sizeof(para_json_found_t));

    if (!para_json_path_walk(para_json_member(root, para_span(first.name,
                                                              first.len)),
                             path, &result))
    {
        para_json_free(result.list);
        return 0;
    }

    *found = result.is_list ? result.list : para_json_hold(result.one);

    return 1;
}


int
para_json_path_check(para_span_t path)
{
    para_json_step_t  step;

    if (!para_json_path_name(&path, &step)) {
        return 0;
    }

    while (path.len != 0) {
        if (!para_json_path_next(&path, &step)) {
            return 0;
        }
    }

    return 1;
}
