/*
 * The claims that the configuration names beside those of an identity: each by
 * its path, in one order for all tokens, as header values (para_header.h).
 *
 * A string stays a text, a number and a boolean become their JSON text, and an
 * array of these becomes a list as roles are: its items joined by commas, the
 * commas in them encoded, those that are empty or null left out.  Anything with
 * an object in it, an array in an array, null, an empty string and a claim that
 * is not there have no value.
 */

#ifndef PARA_CLAIM_SET_H
#define PARA_CLAIM_SET_H

#include "para_json.h"
#include "para_reason.h"
#include "para_span.h"


#define PARA_CLAIM_SET_MAX    32      /* claims */
#define PARA_CLAIM_VALUE_MAX  4096    /* bytes of one's texts, not encoded */
#define PARA_CLAIM_SET_SIZE   32768   /* bytes of all as a record */


typedef struct {
    const para_span_t  *path;         /* well-formed, see para_json.h */
    size_t              n;            /* PARA_CLAIM_SET_MAX at most */
} para_claim_set_t;


typedef struct {
    para_span_t         value[PARA_CLAIM_SET_MAX];
    size_t              n;            /* as in the set */
    unsigned char      *memory;       /* private: owns the values */
} para_claim_values_t;


/*
 * What a token's claims have for the set, absent where that is nothing.
 * PARA_OK, PARA_CLAIM_UNSAFE, PARA_CLAIM_SIZE or PARA_NO_MEMORY.  The values
 * outlive the claims; end them with para_claim_values_free(), also after a
 * refusal.
 */
para_reason_e para_claim_set_read(para_claim_values_t *values,
    const para_claim_set_t *set, const para_json_t *claims);
void para_claim_values_free(para_claim_values_t *values);

/*
 * The values as a record of para_record.h, kept as one field of an identity:
 * its size, 0 for those of an empty set; it into dst, whose end is returned;
 * and the i-th value of a set of n out of it, absent if the record is none of
 * as many.
 */
size_t para_claim_values_size(const para_claim_values_t *values);
unsigned char *para_claim_values_write(unsigned char *dst,
    const para_claim_values_t *values);
para_span_t para_claim_value(para_span_t record, size_t n, size_t i);


#endif /* PARA_CLAIM_SET_H */
