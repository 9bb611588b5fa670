/*
 * One signed token in compact serialization, RFC 7515 3.1 and 5.2.
 */

#ifndef PARA_JWS_H
#define PARA_JWS_H

#include "para_alg.h"
#include "para_json.h"
#include "para_jwk.h"
#include "para_reason.h"
#include "para_span.h"


#define PARA_JWS_MAX_SIZE  16384      /* bytes of a token */


typedef struct {
    para_span_t        input;         /* what is signed; in the token */
    para_span_t        payload;       /* decoded; NOT verified by parsing */
    para_span_t        signature;     /* decoded */
    const para_alg_t  *alg;
    para_span_t        kid;           /* absent if the header has none */
    para_span_t        typ;           /* the same */

    para_json_t       *header;        /* private: owns kid, typ */
    unsigned char     *memory;        /* private: owns payload, signature */
} para_jws_t;


/*
 * Splits a token, decodes it and reads its header.  Nothing of it is to be
 * believed before para_jws_verify().  The token must outlive the result, which
 * the caller ends with para_jws_free(), also after a refusal.
 */
para_reason_e para_jws_parse(para_jws_t *jws, para_span_t token);
void para_jws_free(para_jws_t *jws);

/*
 * PARA_OK or PARA_JWS_TYP: it must be one of these types, or JWT if there are
 * none; case does not count, nor does a leading "application/".  A token
 * without type is of every one.
 */
para_reason_e para_jws_check_typ(const para_jws_t *jws,
    const para_span_t *typ, size_t n);

/* PARA_OK, PARA_SIGNATURE or PARA_NO_MEMORY. */
para_reason_e para_jws_verify(const para_jws_t *jws, const para_jwk_t *key);


#endif /* PARA_JWS_H */
