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


/* Each must be there; what it must be, others say. */

static para_reason_e
para_claims_check_required(const para_json_t *claims,
    const para_claims_policy_t *policy)
{
    int           there;
    size_t        i;
    para_json_t  *value;

    for (i = 0; i < policy->requires; i++) {

        if (!para_json_path(claims, policy->required[i], &value)) {
            return PARA_NO_MEMORY;
        }

        there = value != NULL && para_json_type(value) != PARA_JSON_NULL;
        para_json_free(value);

        if (!there) {
            return PARA_CLAIM_MISSING;
        }
    }

    return PARA_OK;
}


/* The times at which a token may end, and whether one will do for exp. */

typedef struct {
    const char           *name;
    para_issuer_kind_e    kind;       /* PARA_ISSUER_PARA: of both kinds */
    int                   is_exp;
} para_claims_end_t;


static const para_claims_end_t  para_claims_ends[] = {
    { "exp", PARA_ISSUER_PARA, 1 },
    { "expiry", PARA_ISSUER_OWN, 1 },
    { "capsule_session_exp", PARA_ISSUER_OWN, 0 }
};

#define PARA_CLAIMS_ENDS                                                      \
    (sizeof(para_claims_ends) / sizeof(para_claims_ends[0]))


/* The first of its ends, leeway not included, into *first. */

static para_reason_e
para_claims_read_ends(const para_json_t *claims,
    const para_claims_policy_t *policy, para_issuer_kind_e kind, double *first)
{
    int                       has_exp;
    size_t                    i;
    double                    time;
    para_reason_e             rc;
    const para_json_t        *value;
    const para_claims_end_t  *row;

    has_exp = policy->endless;

    for (i = 0; i < PARA_CLAIMS_ENDS; i++) {
        row = &para_claims_ends[i];
        value = para_json_get(claims, row->name);

        if (value == NULL
            || (row->kind == PARA_ISSUER_OWN && kind != PARA_ISSUER_OWN))
        {
            continue;
        }

        rc = para_claims_time(value, &time);
        if (rc != PARA_OK) {
            return rc;
        }

        has_exp |= row->is_exp;

        if (time < *first) {
            *first = time;
        }
    }

    return has_exp ? PARA_OK : PARA_EXP_MISSING;
}


/* The age is an end like the others, though one that nobody wrote down. */

static para_reason_e
para_claims_check_age(const para_json_t *claims,
    const para_claims_policy_t *policy, int64_t now, double *first)
{
    double         iat, last;
    para_reason_e  rc;

    if (policy->max_age == 0) {
        return PARA_OK;
    }

    if (para_json_get(claims, "iat") == NULL) {
        return PARA_IAT_MISSING;
    }

    rc = para_claims_time(para_json_get(claims, "iat"), &iat);
    if (rc != PARA_OK) {
        return rc;
    }

    last = iat + (double) policy->max_age;

    if (last < *first) {
        *first = last;
    }

    return (double) now >= last + (double) policy->leeway ? PARA_IAT_OLD
                                                          : PARA_OK;
}


/* RFC 7519 4.1.4: "on or after" the time of expiry it is refused. */

static para_reason_e
para_claims_check_end(double first, int64_t now, int64_t *end)
{
    int64_t  second;

    /* it lies before PARA_TIME_MAX and leeway: no overflow */

    second = first > 0 ? (int64_t) first : 0;

    *end = (double) second < first ? second + 1 : second;

    return (double) now >= first ? PARA_TOKEN_EXPIRED : PARA_OK;
}


static para_reason_e
para_claims_check_times(const para_json_t *claims,
    const para_claims_policy_t *policy, para_issuer_kind_e kind, int64_t now,
    int64_t *end)
{
    double         leeway, latest, first;
    para_reason_e  rc;

    leeway = (double) policy->leeway;
    latest = (double) now + leeway;
    first = PARA_TIME_MAX;

    rc = para_claims_check_past(para_json_get(claims, "nbf"), latest,
                                PARA_NBF_FUTURE);

    if (rc == PARA_OK) {
        rc = para_claims_check_past(para_json_get(claims, "iat"), latest,
                                    PARA_IAT_FUTURE);
    }

    if (rc == PARA_OK) {
        rc = para_claims_read_ends(claims, policy, kind, &first);
    }

    if (rc == PARA_OK) {
        rc = para_claims_check_age(claims, policy, now, &first);
    }

    if (rc != PARA_OK) {
        return rc;
    }

    if (first == PARA_TIME_MAX) {
        *end = 0;
        return PARA_OK;
    }

    /* the last, so that PARA_TOKEN_EXPIRED says that all else was good */

    return para_claims_check_end(first + leeway, now, end);
}


para_reason_e
para_claims_check(const para_json_t *claims,
    const para_claims_policy_t *policy, para_issuer_kind_e kind, int64_t now,
    int64_t *end)
{
    para_reason_e  rc;

    rc = PARA_OK;

    if (policy->audiences != 0) {
        rc = para_claims_check_aud(para_json_get(claims, "aud"), policy);
    }

    if (rc == PARA_OK) {
        rc = para_claims_check_required(claims, policy);
    }

    if (rc == PARA_OK) {
        rc = para_claims_check_times(claims, policy, kind, now, end);
    }

    return rc;
}
