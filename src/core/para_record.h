/*
 * A fixed number of byte strings in one block, to be kept where no pointer may
 * be (shared memory): for each a 16-bit length, 0 for absent, then the bytes.
 */

#ifndef PARA_RECORD_H
#define PARA_RECORD_H

#include "para_span.h"


/* Bytes that the record takes, 0 if a field is longer than 65,535. */
size_t para_record_size(const para_span_t *field, size_t n);

/* Writes para_record_size() bytes to dst. */
void para_record_write(unsigned char *dst, const para_span_t *field, size_t n);

/*
 * Points n fields into the block, empty ones absent.  Returns 0 if the block
 * is not exactly a record of n fields.
 */
int para_record_read(para_span_t *field, size_t n, para_span_t block);


#endif /* PARA_RECORD_H */
