/*
 * How one decision was come to, as one line of JSON for an operator's log.
 * What is given as text may have any bytes; no credential may be.
 */

#ifndef PARA_TRACE_H
#define PARA_TRACE_H

#include <stdint.h>

#include "para_span.h"


#define PARA_TRACE_STEPS   16
#define PARA_TRACE_LAYERS  2


/* The members that are strings, in the order of the line. */

typedef enum {
    PARA_TRACE_TIME = 0,
    PARA_TRACE_REQUEST_ID,
    PARA_TRACE_PROVIDER,
    PARA_TRACE_MODE,
    PARA_TRACE_DECISION,
    PARA_TRACE_CODE,
    PARA_TRACE_REASON,
    PARA_TRACE_DISPUTED,              /* names */
    PARA_TRACE_CACHE,
    PARA_TRACE_SESSION,
    PARA_TRACE_ISSUER,
    PARA_TRACE_KID,
    PARA_TRACE_ALG,
    PARA_TRACE_CREDENTIAL,            /* a hash */
    PARA_TRACE_USER_ID,
    PARA_TRACE_INTERNAL_USER_ID,

    PARA_TRACE_TEXTS
} para_trace_text_e;


typedef struct {
    para_span_t          name;
    para_span_t          result;
    uint64_t             work;        /* ns */
    uint64_t             wait;        /* ns; 0: it did not */
} para_trace_step_t;


typedef struct {
    para_span_t          text[PARA_TRACE_TEXTS];   /* absent: no member */
    para_span_t          layer[PARA_TRACE_LAYERS];   /* absent: no item */
    uint64_t             connection;
    unsigned             status;      /* 0: no member */
    para_trace_step_t    step[PARA_TRACE_STEPS];
    size_t               steps;
    uint64_t             total;       /* ns */
} para_trace_t;


/*
 * Writes an object, without a line end in it or after it, to dst, and returns
 * its bytes.  dst may be NULL: the most bytes that it needs.  Times are told in
 * whole microseconds.
 */
size_t para_trace_write(unsigned char *dst, const para_trace_t *trace);


#endif /* PARA_TRACE_H */
