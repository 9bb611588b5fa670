#include "para_reason.h"

#include <stddef.h>


typedef struct {
    const char   *name;
    para_code_e   code;
} para_reason_row_t;


static const para_reason_row_t  para_reasons[] = {

    [PARA_OK] = { "ok", PARA_CODE_OK },

    [PARA_TOKEN_MISSING] = { "token_missing", PARA_CODE_TOKEN_MISSING },
    [PARA_SESSION_MISSING] = { "session_missing", PARA_CODE_SESSION_MISSING },
    [PARA_TOKEN_AMBIGUOUS] = { "token_ambiguous", PARA_CODE_TOKEN_AMBIGUOUS },
    [PARA_TOKEN_MALFORMED] = { "token_malformed", PARA_CODE_TOKEN_MALFORMED },
    [PARA_SESSION_AMBIGUOUS] =
        { "session_ambiguous", PARA_CODE_SESSION_MALFORMED },
    [PARA_SESSION_MALFORMED] =
        { "session_malformed", PARA_CODE_SESSION_MALFORMED },
    [PARA_SESSION_COOKIE] = { "session_cookie", PARA_CODE_SESSION_MALFORMED },
    [PARA_SESSION_SIGNER] =
        { "session_signer", PARA_CODE_SESSION_HAS_SIGNER },

    [PARA_JWS_SIZE] = { "jws_size", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_SEGMENTS] = { "jws_segments", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_BASE64] = { "jws_base64", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_HEADER] = { "jws_header", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_ALG_MISSING] = { "jws_alg_missing", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_ALG_UNKNOWN] = { "jws_alg_unknown", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_ALG_NOT_ALLOWED] =
        { "jws_alg_not_allowed", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_CRIT] = { "jws_crit", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_TYP] = { "jws_typ", PARA_CODE_TOKEN_INVALID },
    [PARA_JWS_ENCODING] = { "jws_encoding", PARA_CODE_TOKEN_INVALID },
    [PARA_KEY_UNKNOWN] = { "key_unknown", PARA_CODE_TOKEN_INVALID },
    [PARA_KEY_AMBIGUOUS] = { "key_ambiguous", PARA_CODE_TOKEN_INVALID },
    [PARA_SIGNATURE] = { "signature", PARA_CODE_TOKEN_INVALID },

    [PARA_CLAIMS_JSON] = { "claims_json", PARA_CODE_TOKEN_INVALID },
    [PARA_CLAIM_TYPE] = { "claim_type", PARA_CODE_TOKEN_INVALID },
    [PARA_CLAIM_UNSAFE] = { "claim_unsafe", PARA_CODE_TOKEN_INVALID },
    [PARA_CLAIM_SIZE] = { "claim_size", PARA_CODE_TOKEN_INVALID },
    [PARA_CLAIM_MISSING] = { "claim_missing", PARA_CODE_TOKEN_INVALID },
    [PARA_CLAIM_SUBJECT] = { "claim_subject", PARA_CODE_TOKEN_INVALID },
    [PARA_ISS_UNKNOWN] = { "iss_unknown", PARA_CODE_TOKEN_INVALID },
    [PARA_AUD_MISSING] = { "aud_missing", PARA_CODE_TOKEN_INVALID },
    [PARA_AUD_MISMATCH] = { "aud_mismatch", PARA_CODE_TOKEN_INVALID },
    [PARA_EXP_MISSING] = { "exp_missing", PARA_CODE_TOKEN_INVALID },
    [PARA_TIME_TYPE] = { "time_type", PARA_CODE_TOKEN_INVALID },
    [PARA_TIME_MILLISECONDS] =
        { "time_milliseconds?", PARA_CODE_TOKEN_INVALID },
    [PARA_NBF_FUTURE] = { "nbf_future", PARA_CODE_TOKEN_INVALID },
    [PARA_IAT_FUTURE] = { "iat_future", PARA_CODE_TOKEN_INVALID },
    [PARA_IAT_MISSING] = { "iat_missing", PARA_CODE_TOKEN_INVALID },
    [PARA_IAT_OLD] = { "iat_old", PARA_CODE_TOKEN_INVALID },
    [PARA_TOKEN_REVOKED] = { "token_revoked", PARA_CODE_TOKEN_INVALID },
    [PARA_TOKEN_EXPIRED] = { "token_expired", PARA_CODE_TOKEN_EXPIRED },
    [PARA_TOKEN_RENEWABLE] = { "token_renewable", PARA_CODE_TOKEN_EXPIRED },

    [PARA_SESSION_ENDED] = { "session_ended", PARA_CODE_SESSION_EXPIRED },
    [PARA_SESSION_REVOKED] = { "session_revoked", PARA_CODE_SESSION_EXPIRED },
    [PARA_SESSION_USER] = { "session_user", PARA_CODE_IDENTITY_MISMATCH },
    [PARA_IDENTITY_MISMATCH] =
        { "identity_mismatch", PARA_CODE_IDENTITY_MISMATCH },
    [PARA_IDENTITY_INCOMPARABLE] =
        { "identity_incomparable", PARA_CODE_IDENTITY_MISMATCH },

    [PARA_ROLE_MISSING] = { "role_missing", PARA_CODE_ROLE_MISSING },
    [PARA_WALLET_MISSING] = { "wallet_missing", PARA_CODE_WALLET_MISSING },
    [PARA_REQUIREMENT_UNMET] =
        { "requirement_unmet", PARA_CODE_REQUIREMENT_UNMET },
    [PARA_REQUIREMENT_LOGIN] =
        { "requirement_login", PARA_CODE_REQUIREMENT_LOGIN },

    [PARA_ANSWER_SIZE] = { "answer_size", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_ANSWER_JSON] = { "answer_json", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_ANSWER_MEMBER] = { "answer_member", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_UNAVAILABLE] = { "unavailable", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_CALLS_LIMITED] = { "calls_limited", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_KEYS_UNAVAILABLE] =
        { "keys_unavailable", PARA_CODE_KEYS_UNAVAILABLE },
    [PARA_KEY_REFUSED] = { "key_refused", PARA_CODE_PARA_UNAVAILABLE },
    [PARA_NO_MEMORY] = { "no_memory", PARA_CODE_INTERNAL_ERROR },
    [PARA_CRYPTO] = { "crypto", PARA_CODE_INTERNAL_ERROR }
};

_Static_assert(sizeof(para_reasons) / sizeof(para_reasons[0]) == PARA_REASONS,
               "every reason has a row");


/* A row that was forgotten must not read as PARA_CODE_OK, which is 0. */

static const para_reason_row_t  para_reason_unknown =
    { "unknown", PARA_CODE_INTERNAL_ERROR };


static const char *const  para_codes[] = {
    [PARA_CODE_OK] = "ok",
    [PARA_CODE_TOKEN_MISSING] = "token_missing",
    [PARA_CODE_SESSION_MISSING] = "session_missing",
    [PARA_CODE_TOKEN_AMBIGUOUS] = "token_ambiguous",
    [PARA_CODE_TOKEN_MALFORMED] = "token_malformed",
    [PARA_CODE_SESSION_MALFORMED] = "session_malformed",
    [PARA_CODE_SESSION_HAS_SIGNER] = "session_has_signer",
    [PARA_CODE_TOKEN_INVALID] = "token_invalid",
    [PARA_CODE_TOKEN_EXPIRED] = "token_expired",
    [PARA_CODE_SESSION_EXPIRED] = "session_expired",
    [PARA_CODE_IDENTITY_MISMATCH] = "identity_mismatch",
    [PARA_CODE_ROLE_MISSING] = "role_missing",
    [PARA_CODE_WALLET_MISSING] = "wallet_missing",
    [PARA_CODE_REQUIREMENT_UNMET] = "requirement_unmet",
    [PARA_CODE_REQUIREMENT_LOGIN] = "requirement_login",
    [PARA_CODE_PARA_UNAVAILABLE] = "para_unavailable",
    [PARA_CODE_KEYS_UNAVAILABLE] = "keys_unavailable",
    [PARA_CODE_INTERNAL_ERROR] = "internal_error"
};

_Static_assert(sizeof(para_codes) / sizeof(para_codes[0]) == PARA_CODES,
               "every code has a name");


static const para_reason_row_t *
para_reason_row(para_reason_e reason)
{
    if ((unsigned) reason >= PARA_REASONS
        || para_reasons[reason].name == NULL)
    {
        return &para_reason_unknown;
    }

    return &para_reasons[reason];
}


const char *
para_reason_name(para_reason_e reason)
{
    return para_reason_row(reason)->name;
}


para_code_e
para_reason_code(para_reason_e reason)
{
    return para_reason_row(reason)->code;
}


const char *
para_reason_renew(para_reason_e reason)
{
    if (reason == PARA_TOKEN_RENEWABLE) {
        return "token";
    }

    return para_reason_code(reason) == PARA_CODE_SESSION_EXPIRED ? "login"
                                                                 : NULL;
}


const char *
para_code_name(para_code_e code)
{
    if ((unsigned) code >= PARA_CODES || para_codes[code] == NULL) {
        return para_codes[PARA_CODE_INTERNAL_ERROR];
    }

    return para_codes[code];
}
