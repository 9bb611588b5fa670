#include "para_list.h"

#include "para_wallet.h"


para_reason_e
para_list_read_text(const para_json_t *value, para_span_t *text)
{
    para_span_t  string;

    if (!para_json_string(value, &string)) {
        return PARA_CLAIM_TYPE;
    }

    if (!para_header_safe(string)) {
        return PARA_CLAIM_UNSAFE;
    }

    *text = string;

    return PARA_OK;
}


para_reason_e
para_list_check_roles(const para_json_t *roles, size_t *size)
{
    size_t         i;
    para_span_t    text;
    para_reason_e  rc;

    if (roles == NULL) {
        return PARA_OK;
    }

    if (para_json_type(roles) != PARA_JSON_ARRAY) {
        rc = para_list_read_text(roles, &text);

        if (rc == PARA_OK) {
            *size += para_header_encoded_max(text.len);
        }

        return rc;
    }

    for (i = 0; i < para_json_length(roles); i++) {
        rc = para_list_read_text(para_json_item(roles, i), &text);

        if (rc != PARA_OK) {
            return rc;
        }

        *size += para_header_encoded_max(text.len) + 1;
    }

    return PARA_OK;
}


unsigned char *
para_list_write_item(unsigned char *dst, const unsigned char *start,
    para_span_t text)
{
    if (text.len == 0) {
        return dst;
    }

    if (dst != start) {
        *dst++ = ',';
    }

    return para_header_encode(dst, text, ",");
}


unsigned char *
para_list_write_roles(unsigned char *dst, const para_json_t *roles)
{
    size_t          i;
    para_span_t     text;
    unsigned char  *start;

    start = dst;

    if (para_json_string(roles, &text)) {
        return para_list_write_item(dst, start, text);
    }

    for (i = 0; i < para_json_length(roles); i++) {
        (void) para_json_string(para_json_item(roles, i), &text);
        dst = para_list_write_item(dst, start, text);
    }

    return dst;
}


/* A wallet that has no address yet is passed over: *address stays absent. */

static para_reason_e
para_list_read_wallet(const para_json_t *wallet, para_span_t *type,
    para_span_t *address)
{
    para_reason_e       rc;
    const para_json_t  *value;

    *type = PARA_SPAN_NONE;
    *address = PARA_SPAN_NONE;

    if (para_json_type(wallet) != PARA_JSON_OBJECT) {
        return PARA_CLAIM_TYPE;
    }

    value = para_json_get(wallet, "address");

    if (value == NULL || para_json_type(value) == PARA_JSON_NULL) {
        return PARA_OK;
    }

    rc = para_list_read_text(value, address);

    if (rc != PARA_OK || address->len == 0) {
        return rc;
    }

    rc = para_list_read_text(para_json_get(wallet, "type"), type);

    if (rc == PARA_OK && type->len == 0) {
        rc = PARA_CLAIM_TYPE;
    }

    return rc;
}


para_reason_e
para_list_check_wallets(const para_json_t *wallets, size_t *size)
{
    size_t         i;
    para_span_t    type, address;
    para_reason_e  rc;

    if (wallets == NULL) {
        return PARA_OK;
    }

    if (para_json_type(wallets) != PARA_JSON_ARRAY) {
        return PARA_CLAIM_TYPE;
    }

    for (i = 0; i < para_json_length(wallets); i++) {
        rc = para_list_read_wallet(para_json_item(wallets, i), &type,
                                   &address);
        if (rc != PARA_OK) {
            return rc;
        }

        *size += para_list_pair_max(type.len, address.len);
    }

    return PARA_OK;
}


unsigned char *
para_list_write_pair(unsigned char *dst, const unsigned char *start,
    para_span_t type, para_span_t value)
{
    if (dst != start) {
        *dst++ = ',';
    }

    dst = para_header_encode(dst, type, ",:");
    *dst++ = ':';

    return para_header_encode(dst, value, ",");
}


unsigned char *
para_list_write_wallets(unsigned char *dst, const para_json_t *wallets)
{
    size_t          i;
    para_span_t     type, address;
    unsigned char  *start;

    start = dst;

    for (i = 0; i < para_json_length(wallets); i++) {
        (void) para_list_read_wallet(para_json_item(wallets, i), &type,
                                     &address);
        if (address.len != 0) {
            dst = para_list_write_pair(dst, start, type, address);
        }
    }

    return dst;
}


/* An id stands without type where that is none. */

static int
para_list_read_wallet_id(const para_json_t *wallet, para_span_t *type,
    para_span_t *id)
{
    *type = PARA_SPAN_NONE;

    if (!para_json_string(para_json_get(wallet, "id"), id)
        || !para_wallet_id_valid(*id))
    {
        return 0;
    }

    (void) para_list_read_text(para_json_get(wallet, "type"), type);

    return 1;
}


size_t
para_list_wallet_ids_max(const para_json_t *wallets)
{
    size_t       i, size;
    para_span_t  type, id;

    size = 0;

    for (i = 0; i < para_json_length(wallets); i++) {
        if (para_list_read_wallet_id(para_json_item(wallets, i), &type, &id)) {
            size += para_list_pair_max(type.len, id.len);
        }
    }

    return size;
}


unsigned char *
para_list_write_wallet_ids(unsigned char *dst, const para_json_t *wallets)
{
    size_t          i;
    para_span_t     type, id;
    unsigned char  *start;

    start = dst;

    for (i = 0; i < para_json_length(wallets); i++) {
        if (para_list_read_wallet_id(para_json_item(wallets, i), &type, &id)) {
            dst = para_list_write_pair(dst, start, type, id);
        }
    }

    return dst;
}
