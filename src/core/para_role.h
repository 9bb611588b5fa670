/*
 * Whether a user has a role.  His roles are a list as PARA_ID_ROLES has them,
 * name,name in the encoding of para_list.h, and are looked at where they are.
 */

#ifndef PARA_ROLE_H
#define PARA_ROLE_H

#include "para_reason.h"
#include "para_span.h"


/*
 * Writes a name as a list has it to dst, of para_header_encoded_max() bytes,
 * and returns the end; NULL of a name that no user can have: an empty one, or
 * one with characters that refuse a token.
 */
unsigned char *para_role_encode(unsigned char *dst, para_span_t name);

/* Takes the next role off a list; 0 if there is none. */
int para_role_next(para_span_t *list, para_span_t *role);

/*
 * PARA_OK or PARA_ROLE_MISSING: whether the list has one of n names at least,
 * which are encoded as above.  They are compared to the byte.
 */
para_reason_e para_role_check(para_span_t list, const para_span_t *name,
    size_t n);


#endif /* PARA_ROLE_H */
