/*
 * Who and what has been ended before its time: entries that are asked for by
 * an operator, kept under digests (no credential is written down), and held
 * against each token and session.
 */

#ifndef PARA_REVOCATION_H
#define PARA_REVOCATION_H

#include <stdint.h>

#include "para_digest.h"
#include "para_identity.h"
#include "para_reason.h"
#include "para_session.h"
#include "para_span.h"
#include "para_token.h"


#define PARA_REVOCATION_SIZE_MAX  32768    /* bytes of a request */
#define PARA_REVOCATION_TTL       2592000  /* seconds: 30 days, unless given */
#define PARA_REVOCATION_TTL_MAX   315360000     /* ten years */
#define PARA_REVOCATION_LINE_MAX  128      /* bytes of a line, with its LF */


typedef enum {
    PARA_REVOCATION_USER = 0,         /* by Para's id or the operator's own */
    PARA_REVOCATION_SESSION,
    PARA_REVOCATION_TOKEN,
    PARA_REVOCATION_JTI,              /* RFC 7519 4.1.7 */
    PARA_REVOCATION_BEFORE,           /* all tokens before a time */

    PARA_REVOCATIONS
} para_revocation_kind_e;


/* "user" and so on: a static string, never NULL. */
const char *para_revocation_name(para_revocation_kind_e kind);


/* Plain data without pointers, for shared memory; times since the epoch. */

typedef struct {
    uint32_t        kind;             /* para_revocation_kind_e */
    unsigned char   key[PARA_DIGEST_SIZE];
    int64_t         before;           /* tokens with an iat before are ended:
                                         of USER and BEFORE, else 0 */
    int64_t         end;              /* first second it is forgotten */
} para_revocation_t;


/*
 * The key of what is ended: of a user's id as identities have it, the SHA-256
 * of a token's text or signing input or of a session's credential, any other
 * value as it is.  Returns 0 if OpenSSL failed.
 */
int para_revocation_key(unsigned char key[PARA_DIGEST_SIZE],
    para_digest_t *digest, para_revocation_kind_e kind, para_span_t value);

/* The same of what is to be hashed first. */
int para_revocation_secret_key(unsigned char key[PARA_DIGEST_SIZE],
    para_digest_t *digest, para_revocation_kind_e kind, para_span_t secret);

/*
 * What is signed of a JWT (RFC 7515 2, JWS Signing Input): all before the last
 * dot.  A signature may have other texts that are as good: whoever has one of
 * ECDSA, (r, s), has (r, n - s) too.
 */
para_span_t para_revocation_signed(para_span_t token);

/*
 * Reads a request: a JSON object with exactly one of
 *
 *     user     an id
 *     session  a verification token, or an exported session
 *     token    a JWT, which is ended whatever its signature, or the SHA-256 of
 *              one in hexadecimal: of this text alone
 *     jti      the id of a JWT
 *     before   a NumericDate that is not after now
 *
 * and maybe ttl, whole seconds.  A user is ended for all tokens that were
 * issued up to and in this second, which is all that iat can tell.  Returns
 * NULL, or a static sentence of what is wrong with it.
 */
const char *para_revocation_parse(para_revocation_t *revocation,
    para_digest_t *digest, para_span_t request, int64_t now);

/*
 * The same kind and key once more: what both end, as long as the longer lasts.
 */
void para_revocation_merge(para_revocation_t *revocation,
    const para_revocation_t *other);


/* What a request came with; each may be NULL or absent where there is none. */

typedef struct {
    const para_token_t     *token;    /* verified */
    para_span_t             text;     /* of the token */
    para_span_t             credential;    /* the session's: verification token
                                              or para_exported_t's pair */
    const para_session_t   *session;
    const para_identity_t  *identity;
} para_revocation_subject_t;


/* What may have been ended, and when the token was issued. */

#define PARA_REVOCATION_KEYS  8

typedef struct {
    para_revocation_kind_e  kind[PARA_REVOCATION_KEYS];
    unsigned char           key[PARA_REVOCATION_KEYS][PARA_DIGEST_SIZE];
    size_t                  n;
    int                     has_token;
    int                     has_iat;
    double                  iat;
} para_revocation_keys_t;


/* The keys to look for; 0 if OpenSSL failed: then nothing may pass. */
int para_revocation_keys(para_revocation_keys_t *keys, para_digest_t *digest,
    const para_revocation_subject_t *subject);

/*
 * Whether an entry that was found under the i-th key ends the request:
 * PARA_OK, PARA_TOKEN_REVOKED or PARA_SESSION_REVOKED.  What does not say when
 * it was issued, a token without iat or a user's session alone, is ended
 * whenever that was.
 */
para_reason_e para_revocation_check(const para_revocation_keys_t *keys,
    size_t i, const para_revocation_t *revocation, int64_t now);


/*
 * One entry as a line of text with its LF, into dst of PARA_REVOCATION_LINE_MAX
 * bytes.  Returns its length.
 *
 *     line  = "1 " kind " " 64HEXDIG " " before " " end LF
 *     kind  = "user" / "session" / "token" / "jti" / "before"
 */
size_t para_revocation_write(unsigned char *dst,
    const para_revocation_t *revocation);

/*
 * Takes the next line off a text: 1 and the entry; 0 if there are no more; -1
 * if it is none of ours.  Empty lines are passed over, and what has no LF was
 * torn off while it was written: who appends to it begins with a LF.
 */
int para_revocation_read(para_revocation_t *revocation, para_span_t *text);


#endif /* PARA_REVOCATION_H */
