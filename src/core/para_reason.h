/*
 * Why a request is refused.  Every function of the core that can refuse
 * returns one of these; 0 is good.  One table (para_reason.c) gives each its
 * precise name, which goes to the log only, and the public code, which the
 * client may see: many reasons, few codes, so that a forger learns nothing.
 */

#ifndef PARA_REASON_H
#define PARA_REASON_H


typedef enum {
    PARA_OK = 0,

    /* the credentials, as found in the request */
    PARA_TOKEN_MISSING,
    PARA_SESSION_MISSING,
    PARA_TOKEN_AMBIGUOUS,           /* two tokens, or sources that disagree */
    PARA_TOKEN_MALFORMED,           /* no b64token, RFC 6750 2.1 */
    PARA_SESSION_AMBIGUOUS,
    PARA_SESSION_MALFORMED,
    PARA_SESSION_COOKIE,            /* exported without its cookie */
    PARA_SESSION_SIGNER,            /* exported with a key share */

    /* the JWS, RFC 7515 */
    PARA_JWS_SIZE,
    PARA_JWS_SEGMENTS,
    PARA_JWS_BASE64,
    PARA_JWS_HEADER,                /* no JSON object, or a member's type */
    PARA_JWS_ALG_MISSING,
    PARA_JWS_ALG_UNKNOWN,
    PARA_JWS_ALG_NOT_ALLOWED,
    PARA_JWS_CRIT,
    PARA_JWS_TYP,
    PARA_JWS_ENCODING,              /* b64, zip, cty: JWT, enc */
    PARA_KEY_UNKNOWN,
    PARA_KEY_AMBIGUOUS,             /* no kid, and several keys fit */
    PARA_SIGNATURE,

    /* the claims, RFC 7519 */
    PARA_CLAIMS_JSON,
    PARA_CLAIM_TYPE,
    PARA_CLAIM_UNSAFE,              /* a control character */
    PARA_CLAIM_SIZE,
    PARA_CLAIM_MISSING,             /* one that the issuer must give */
    PARA_CLAIM_SUBJECT,             /* Para's token: sub is not data.userId */
    PARA_ISS_UNKNOWN,
    PARA_AUD_MISSING,
    PARA_AUD_MISMATCH,
    PARA_EXP_MISSING,
    PARA_TIME_TYPE,
    PARA_TIME_MILLISECONDS,
    PARA_NBF_FUTURE,
    PARA_IAT_FUTURE,
    PARA_IAT_MISSING,               /* needed to know the age */
    PARA_IAT_OLD,
    PARA_TOKEN_REVOKED,
    PARA_TOKEN_EXPIRED,
    PARA_TOKEN_RENEWABLE,           /* expired, but its session has not ended */

    /* the session */
    PARA_SESSION_ENDED,
    PARA_SESSION_REVOKED,
    PARA_SESSION_USER,              /* exported with another's user id */
    PARA_IDENTITY_MISMATCH,
    PARA_IDENTITY_INCOMPARABLE,

    /* the user is who he says, and may not */
    PARA_ROLE_MISSING,
    PARA_WALLET_MISSING,
    PARA_REQUIREMENT_UNMET,         /* one of the operator's own */
    PARA_REQUIREMENT_LOGIN,         /* the same: who logs in anew may meet it */

    /* not the client's fault */
    PARA_ANSWER_SIZE,               /* Para's answer: refused, not repaired */
    PARA_ANSWER_JSON,
    PARA_ANSWER_MEMBER,
    PARA_UNAVAILABLE,
    PARA_CALLS_LIMITED,             /* too many are made, or by this client */
    PARA_KEYS_UNAVAILABLE,          /* the issuer has no key set now */
    PARA_KEY_REFUSED,               /* Para refuses our API key */
    PARA_NO_MEMORY,
    PARA_CRYPTO,                    /* OpenSSL failed on good input */

    PARA_REASONS
} para_reason_e;


/* The public codes, in the words of the JSON body and of $para_auth_status. */

typedef enum {
    PARA_CODE_OK = 0,
    PARA_CODE_TOKEN_MISSING,
    PARA_CODE_SESSION_MISSING,
    PARA_CODE_TOKEN_AMBIGUOUS,
    PARA_CODE_TOKEN_MALFORMED,
    PARA_CODE_SESSION_MALFORMED,
    PARA_CODE_SESSION_HAS_SIGNER,
    PARA_CODE_TOKEN_INVALID,
    PARA_CODE_TOKEN_EXPIRED,
    PARA_CODE_SESSION_EXPIRED,
    PARA_CODE_IDENTITY_MISMATCH,
    PARA_CODE_ROLE_MISSING,
    PARA_CODE_WALLET_MISSING,
    PARA_CODE_REQUIREMENT_UNMET,
    PARA_CODE_REQUIREMENT_LOGIN,
    PARA_CODE_PARA_UNAVAILABLE,
    PARA_CODE_KEYS_UNAVAILABLE,
    PARA_CODE_INTERNAL_ERROR,

    PARA_CODES
} para_code_e;


/* The precise name, for the log: a static string, never NULL. */
const char *para_reason_name(para_reason_e reason);

/* The public code of a reason.  A value out of range is an internal error. */
para_code_e para_reason_code(para_reason_e reason);

/*
 * What the client is to get anew, in the words of the JSON body: "token", with
 * the session that it has, or "login".  A static string, or NULL.
 */
const char *para_reason_renew(para_reason_e reason);

/* The code's public name, as "token_invalid": a static string, never NULL. */
const char *para_code_name(para_code_e code);


#endif /* PARA_REASON_H */
