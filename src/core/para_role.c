#include "para_role.h"

#include "para_list.h"


unsigned char *
para_role_encode(unsigned char *dst, para_span_t name)
{
    if (name.len == 0 || !para_header_safe(name)) {
        return NULL;
    }

    return para_list_write_item(dst, dst, name);
}


int
para_role_next(para_span_t *list, para_span_t *role)
{
    const unsigned char  *end;

    if (list->len == 0) {
        return 0;
    }

    end = memchr(list->data, ',', list->len);

    if (end == NULL) {
        *role = *list;
        *list = PARA_SPAN_NONE;

    } else {
        *role = para_span(list->data, (size_t) (end - list->data));
        *list = para_span(end + 1, list->len - role->len - 1);
    }

    return 1;
}


para_reason_e
para_role_check(para_span_t list, const para_span_t *name, size_t n)
{
    size_t       i;
    para_span_t  role;

    while (para_role_next(&list, &role)) {

        for (i = 0; i < n; i++) {
            if (para_span_eq(role, name[i])) {
                return PARA_OK;
            }
        }
    }

    return PARA_ROLE_MISSING;
}
