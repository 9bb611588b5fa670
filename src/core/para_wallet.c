#include "para_wallet.h"

#include "para_header.h"
#include "para_json.h"
#include "para_session.h"


int
para_wallet_is_evm(para_span_t address)
{
    size_t  i;

    if (address.len != 42 || memcmp(address.data, "0x", 2) != 0) {
        return 0;
    }

    for (i = 2; i < address.len; i++) {
        if (memchr("0123456789abcdefABCDEF", address.data[i], 22) == NULL) {
            return 0;
        }
    }

    return 1;
}


int
para_wallet_id_valid(para_span_t id)
{
    size_t         i;
    unsigned char  c;

    if (id.len == 0 || id.len > PARA_WALLET_ID_MAX) {
        return 0;
    }

    for (i = 0; i < id.len; i++) {
        c = id.data[i];

        if (c < '!' || c > '~' || c == '%' || c == ',') {
            return 0;
        }
    }

    return 1;
}


int
para_wallet_next(para_span_t *list, para_wallet_t *wallet)
{
    size_t                len;
    const unsigned char  *end;

    if (list->len == 0) {
        return 0;
    }

    end = memchr(list->data, ',', list->len);
    len = end == NULL ? list->len : (size_t) (end - list->data);

    wallet->value = para_span(list->data, len);
    wallet->type = para_span(list->data, 0);

    *list = end == NULL ? PARA_SPAN_NONE
                        : para_span(end + 1, list->len - len - 1);

    /* the first colon: those of a type are encoded */

    end = memchr(wallet->value.data, ':', len);

    if (end != NULL) {
        wallet->type.len = (size_t) (end - wallet->value.data);
        wallet->value = para_span(end + 1, len - wallet->type.len - 1);
    }

    return 1;
}


typedef enum {
    PARA_WALLET_ANY,
    PARA_WALLET_ADDRESS,
    PARA_WALLET_ID
} para_wallet_match_e;


static int
para_wallet_has_type(const para_wallet_t *wallet, para_span_t type)
{
    size_t         n;
    unsigned char  own[PARA_WALLET_ADDRESS_MAX];

    if (type.len == 0) {
        return 1;
    }

    return para_header_decode(own, sizeof(own), &n, wallet->type)
           && para_span_eq_nocase(para_span(own, n), type);
}


static int
para_wallet_has_address(const para_wallet_t *wallet, para_span_t address)
{
    size_t         n;
    para_span_t    text;
    unsigned char  own[PARA_WALLET_ADDRESS_MAX];

    if (!para_header_decode(own, sizeof(own), &n, wallet->value)) {
        return 0;
    }

    text = para_span(own, n);

    if (para_span_eq_nocase(wallet->type, PARA_SPAN("EVM"))
        && para_wallet_is_evm(text) && para_wallet_is_evm(address))
    {
        return para_span_eq_nocase(text, address);
    }

    return para_span_eq(text, address);
}


static int
para_wallet_is(const para_wallet_t *wallet, para_wallet_match_e match,
    para_span_t value)
{
    switch (match) {

    case PARA_WALLET_ADDRESS:
        return para_wallet_has_address(wallet, value);

    case PARA_WALLET_ID:
        return para_span_eq(wallet->value, value);

    default: /* PARA_WALLET_ANY */
        return 1;
    }
}


static para_reason_e
para_wallet_find(para_span_t list, para_span_t type,
    para_wallet_match_e match, para_span_t value)
{
    para_wallet_t  wallet;

    while (para_wallet_next(&list, &wallet)) {
        if (para_wallet_has_type(&wallet, type)
            && para_wallet_is(&wallet, match, value))
        {
            return PARA_OK;
        }
    }

    return PARA_WALLET_MISSING;
}


para_span_t
para_wallet_first(para_span_t list, para_span_t type)
{
    para_wallet_t  wallet;

    while (para_wallet_next(&list, &wallet)) {
        if (para_wallet_has_type(&wallet, type)) {
            return wallet.value;
        }
    }

    return PARA_SPAN_NONE;
}


para_reason_e
para_wallet_check_type(para_span_t list, para_span_t type)
{
    return para_wallet_find(list, type, PARA_WALLET_ANY, PARA_SPAN_NONE);
}


para_reason_e
para_wallet_check_address(para_span_t list, para_span_t type,
    para_span_t address)
{
    if (address.len == 0) {
        return PARA_WALLET_MISSING;
    }

    return para_wallet_find(list, type, PARA_WALLET_ADDRESS, address);
}


para_reason_e
para_wallet_check_id(para_span_t list, para_span_t type, para_span_t id)
{
    if (!para_wallet_id_valid(id)) {
        return PARA_WALLET_MISSING;
    }

    return para_wallet_find(list, type, PARA_WALLET_ID, id);
}


int
para_wallet_may_ask(para_span_t ids, para_span_t type, para_span_t address)
{
    size_t  i;

    if (address.len == 0 || address.len > PARA_WALLET_ADDRESS_MAX) {
        return 0;
    }

    for (i = 0; i < address.len; i++) {
        if (address.data[i] < '!' || address.data[i] > '~') {
            return 0;
        }
    }

    return para_wallet_check_type(ids, type) == PARA_OK;
}


size_t
para_wallet_body(unsigned char *dst, para_span_t address)
{
    size_t  n;

    if (!para_json_encode(dst, PARA_WALLET_BODY_MAX, &n, "address", address)) {
        return 0;
    }

    return n;
}


para_reason_e
para_wallet_parse(unsigned char *id, size_t *n, para_span_t answer)
{
    para_span_t    text;
    para_json_t   *json;
    para_reason_e  rc;

    if (answer.len > PARA_SESSION_ANSWER_MAX) {
        return PARA_ANSWER_SIZE;
    }

    json = para_json_parse(answer, PARA_SESSION_ANSWER_MAX);
    if (json == NULL) {
        return PARA_ANSWER_JSON;
    }

    rc = PARA_ANSWER_MEMBER;

    if (para_json_string(para_json_get(json, "walletId"), &text)
        && para_wallet_id_valid(text))
    {
        memcpy(id, text.data, text.len);
        *n = text.len;
        rc = PARA_OK;
    }

    para_json_free(json);

    return rc;
}
