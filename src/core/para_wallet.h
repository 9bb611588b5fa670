/*
 * Whose wallet it is.  An identity has two lists of wallets, both as
 * TYPE:value,TYPE:value in the encoding of para_header.h: PARA_ID_WALLETS with
 * addresses, PARA_ID_WALLET_IDS with Para's ids.  They are looked at where they
 * are: no memory is needed.
 */

#ifndef PARA_WALLET_H
#define PARA_WALLET_H

#include "para_reason.h"
#include "para_span.h"


#define PARA_WALLET_ADDRESS_MAX  256  /* bytes */
#define PARA_WALLET_ID_MAX       256
#define PARA_WALLET_BODY_MAX     (PARA_WALLET_ADDRESS_MAX * 2 + 64)


/* One wallet of a list, both parts encoded. */

typedef struct {
    para_span_t  type;                /* empty: it has none */
    para_span_t  value;               /* address or id */
} para_wallet_t;


/* Takes the next wallet off a list; 0 if there is none. */
int para_wallet_next(para_span_t *list, para_wallet_t *wallet);

/* 1 for 0x and 40 hexadecimal digits, whose case is a checksum (EIP-55). */
int para_wallet_is_evm(para_span_t address);

/* 1 for visible ASCII without "%" and ",", which a list has as it is. */
int para_wallet_id_valid(para_span_t id);

/*
 * The first value of that type in the list, as it stands there; absent if there
 * is none.  The case of a type does not count.
 */
para_span_t para_wallet_first(para_span_t list, para_span_t type);

/*
 * PARA_OK or PARA_WALLET_MISSING: whether the list has a wallet of that type,
 * or of any if it is absent.  The case of a type does not count.
 */
para_reason_e para_wallet_check_type(para_span_t list, para_span_t type);

/*
 * The same with that address, which must not be empty.  EVM addresses are
 * compared without case, others exactly.
 */
para_reason_e para_wallet_check_address(para_span_t list, para_span_t type,
    para_span_t address);

/* The same with that id, exactly. */
para_reason_e para_wallet_check_id(para_span_t list, para_span_t type,
    para_span_t id);

/*
 * 1 if it is worth asking Para (/wallets/verify) for an address that the user's
 * list does not have: it could be one, and he has ids of that type to compare
 * the answer with.
 */
int para_wallet_may_ask(para_span_t ids, para_span_t type,
    para_span_t address);

/*
 * The body of POST /wallets/verify into dst of PARA_WALLET_BODY_MAX bytes.
 * address is one that para_wallet_may_ask().  Returns its length, 0 if memory
 * is out.
 */
size_t para_wallet_body(unsigned char *dst, para_span_t address);

/*
 * What a 200 of /wallets/verify says: the id of the wallet with that address,
 * whosesoever it is.  It is to be held against the user's own with
 * para_wallet_check_id().  Writes it to id of PARA_WALLET_ID_MAX bytes, its
 * length to *n.  PARA_OK or a PARA_ANSWER_* (for want of memory
 * PARA_ANSWER_JSON).
 */
para_reason_e para_wallet_parse(unsigned char *id, size_t *n,
    para_span_t answer);


#endif /* PARA_WALLET_H */
