/*
 * Claims as header values: a text, roles, wallets.  Each list is checked first,
 * which tells the room that it takes, and then written.
 */

#ifndef PARA_LIST_H
#define PARA_LIST_H

#include "para_json.h"
#include "para_reason.h"
#include "para_span.h"


/* PARA_OK, PARA_CLAIM_TYPE or PARA_CLAIM_UNSAFE. */
para_reason_e para_list_read_text(const para_json_t *value, para_span_t *text);

/*
 * A string, which is one role, or an array of strings.  NULL is an empty list.
 * The check adds to *size what writing takes at most; it returns as above.
 */
para_reason_e para_list_check_roles(const para_json_t *roles, size_t *size);
unsigned char *para_list_write_roles(unsigned char *dst,
    const para_json_t *roles);

/* An array of objects with type and address, as TYPE:address. */
para_reason_e para_list_check_wallets(const para_json_t *wallets,
    size_t *size);
unsigned char *para_list_write_wallets(unsigned char *dst,
    const para_json_t *wallets);


#endif /* PARA_LIST_H */
