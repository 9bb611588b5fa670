/*
 * Which certificate authorities a TLS client trusts: prepared once, then given
 * to any number of TLS contexts.
 */

#ifndef PARA_TRUST_H
#define PARA_TRUST_H

#include "para_span.h"


#define PARA_TRUST_MAX_SIZE  (4 * 1024 * 1024)      /* bytes of PEM */


typedef struct para_trust_s  para_trust_t;

struct ssl_ctx_st;                    /* OpenSSL's SSL_CTX */
struct ssl_st;                        /* and its SSL */


/*
 * Prepares the CA certificates of a PEM text (RFC 7468), of which there may be
 * any number, also twice; other blocks and text between them are passed over.
 * Returns NULL if there is none, one is malformed, or memory is out; then *why
 * is a static sentence that tells what to do.
 *
 * The caller owns it and ends it with para_trust_free().
 */
para_trust_t *para_trust_parse(para_span_t pem, const char **why);

/*
 * Makes these certificates what the context trusts, and nothing else.  A chain
 * must end in one that is self-signed.  The context holds a reference of its
 * own.  Returns 0 if OpenSSL failed: the context is then as before.
 */
int para_trust_use(const para_trust_t *trust, struct ssl_ctx_st *ctx);

/*
 * OpenSSL keeps the errors of a thread until somebody reads them, who takes
 * them for its own: to be called after a TLS client that leaves its errors
 * behind.
 */
void para_trust_clear_errors(void);

/* NULL is ignored. */
void para_trust_free(para_trust_t *trust);

/*
 * 1 if this connection was verified by these certificates: its context has them
 * from para_trust_use(), and not others of the same contents.
 */
int para_trust_has(const para_trust_t *trust, const struct ssl_st *ssl);


#endif /* PARA_TRUST_H */
