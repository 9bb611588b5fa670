/*
 * Claims as header values: a text, roles, wallets.  Each list is checked first,
 * which tells the room that it takes, and then written.
 */

#ifndef PARA_LIST_H
#define PARA_LIST_H

#include "para_header.h"
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

/*
 * Appends a text that is safe to a list that begins at start, unless it is
 * empty; returns the end.
 */
unsigned char *para_list_write_item(unsigned char *dst,
    const unsigned char *start, para_span_t text);

/* An array of objects with type and address, as TYPE:address. */
para_reason_e para_list_check_wallets(const para_json_t *wallets,
    size_t *size);
unsigned char *para_list_write_wallets(unsigned char *dst,
    const para_json_t *wallets);

/*
 * The ids of the same wallets, as TYPE:id.  What is no id as Para has them
 * (para_wallet.h) is passed over: nothing can be found equal to it.
 */
size_t para_list_wallet_ids_max(const para_json_t *wallets);
unsigned char *para_list_write_wallet_ids(unsigned char *dst,
    const para_json_t *wallets);

/* The most bytes that a wallet takes in a list, with its comma. */
#define para_list_pair_max(type_len, value_len)                               \
    (para_header_encoded_max(type_len) + 1                                    \
     + para_header_encoded_max(value_len) + 1)

/* Appends type:value to a list that begins at start; returns the end. */
unsigned char *para_list_write_pair(unsigned char *dst,
    const unsigned char *start, para_span_t type, para_span_t value);


#endif /* PARA_LIST_H */
