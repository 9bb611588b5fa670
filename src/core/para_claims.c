#include "para_claims.h"


static int
para_claims_accepts(const para_claims_policy_t *policy, para_span_t audience)
{
    size_t  i;

    for (i = 0; i < policy->audiences; i++) {
        if (para_span_eq(policy->audience[i], audience)) {
            return 1;
        }
    }

    return 0;
}


/* RFC 7519 4.1.3: one string, or an array of which one item must be ours. */

static para_reason_e
para_claims_check_aud(const para_json_t *aud,
    const para_claims_policy_t *policy)
{
    int          accepted;
    size_t       i;
    para_span_t  text;

    if (aud == NULL) {
        return PARA_AUD_MISSING;
    }

    if (para_json_string(aud, &text)) {
        return para_claims_accepts(policy, text) ? PARA_OK : PARA_AUD_MISMATCH;
    }

    if (para_json_type(aud) != PARA_JSON_ARRAY) {
        return PARA_CLAIM_TYPE;
    }

    accepted = 0;

    for (i = 0; i < para_json_length(aud); i++) {
        if (!para_json_string(para_json_item(aud, i), &text)) {
            return PARA_CLAIM_TYPE;
        }

        if (para_claims_accepts(policy, text)) {
            accepted = 1;
        }
    }

    return accepted ? PARA_OK : PARA_AUD_MISMATCH;
}


/* A NumericDate, RFC 7519 2: seconds, maybe with a fraction. */

static para_reason_e
para_claims_time(const para_json_t *value, double *time)
{
    if (!para_json_number(value, time)) {
        return PARA_TIME_TYPE;
    }

    return *time < PARA_TIME_MAX ? PARA_OK : PARA_TIME_MILLISECONDS;
}


/* nbf and iat, RFC 7519 4.1.5 and 4.1.6: optional, and not in the future. */

static para_reason_e
para_claims_check_past(const para_json_t *value, double latest,
    para_reason_e future)
{
    double         time;
    para_reason_e  rc;

    if (value == NULL) {
        return PARA_OK;
    }

    rc = para_claims_time(value, &time);
    if (rc != PARA_OK) {
        return rc;
    }

    return time > latest ? future : PARA_OK;
}


/* RFC 7519 4.1.4: "on or after" the time of expiry it is refused. */

static para_reason_e
para_claims_check_exp(const para_json_t *exp, double leeway, int64_t now,
    int64_t *end)
{
    double         time;
    int64_t        second;
    para_reason_e  rc;

    if (exp == NULL) {
        return PARA_EXP_MISSING;
    }

    rc = para_claims_time(exp, &time);
    if (rc != PARA_OK) {
        return rc;
    }

    time += leeway;

    if ((double) now >= time) {
        return PARA_TOKEN_EXPIRED;
    }

    /* it lies between now and PARA_TIME_MAX and leeway: no overflow */

    second = (int64_t) time;

    *end = (double) second < time ? second + 1 : second;

    return PARA_OK;
}


para_reason_e
para_claims_check(const para_json_t *claims,
    const para_claims_policy_t *policy, int64_t now, int64_t *end)
{
    double         leeway, latest;
    para_reason_e  rc;

    leeway = (double) policy->leeway;
    latest = (double) now + leeway;

    rc = PARA_OK;

    if (policy->audiences != 0) {
        rc = para_claims_check_aud(para_json_get(claims, "aud"), policy);
    }

    if (rc == PARA_OK) {
        rc = para_claims_check_past(para_json_get(claims, "nbf"), latest,
                                    PARA_NBF_FUTURE);
    }

    if (rc == PARA_OK) {
        rc = para_claims_check_past(para_json_get(claims, "iat"), latest,
                                    PARA_IAT_FUTURE);
    }

    /* the last, so that PARA_TOKEN_EXPIRED says that all else was good */

    if (rc == PARA_OK) {
        rc = para_claims_check_exp(para_json_get(claims, "exp"), leeway, now,
                                   end);
    }

    return rc;
}
