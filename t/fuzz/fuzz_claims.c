/*
 * Claims and claim paths: the first line is a path, the rest the claims.  What
 * is accepted has an end that has not come, and a subject for its audience; a
 * path that is refused when configured leads nowhere.
 */

#include "fuzz.h"
#include "para_claims.h"
#include "para_identity.h"
#include "para_token.h"


#define FUZZ_NOW  1700000000


static void
fuzz_check(const para_json_t *claims, para_issuer_kind_e kind,
    para_span_t path)
{
    double                 exp;
    int64_t                end;
    para_span_t            audience;
    para_reason_e          rc;
    para_json_t           *found;
    para_claims_policy_t   policy;

    memset(&policy, 0, sizeof(policy));
    audience = PARA_SPAN("app");
    policy.audience = &audience;
    policy.audiences = 1;
    policy.leeway = 10;
    policy.required = &path;
    policy.requires = (size_t) para_json_path_check(path);

    rc = para_claims_check(claims, &policy, kind, FUZZ_NOW, &end);

    if (rc == PARA_TOKEN_EXPIRED) {
        fuzz_assert(end >= 0 && end <= FUZZ_NOW);
    }

    if (rc != PARA_OK) {
        return;
    }

    fuzz_assert(end > FUZZ_NOW);
    fuzz_assert(para_json_get(claims, "aud") != NULL);

    if (para_json_number(para_json_get(claims, "exp"), &exp)) {
        fuzz_assert(exp + 10 > FUZZ_NOW && exp < PARA_TIME_MAX);
        fuzz_assert((double) end <= exp + 11);

    } else {
        fuzz_assert(kind == PARA_ISSUER_OWN);
        fuzz_assert(para_json_get(claims, "expiry") != NULL);
    }

    if (policy.requires) {
        fuzz_assert(para_json_path(claims, path, &found));
        fuzz_assert(found != NULL);
        para_json_free(found);
    }
}


/* No control byte, and nothing but ASCII. */

static void
fuzz_value(para_span_t value)
{
    size_t  i;

    for (i = 0; i < value.len; i++) {
        fuzz_assert(value.data[i] >= 0x20 && value.data[i] < 0x7f);
    }
}


static void
fuzz_identity(para_json_t *claims, para_issuer_kind_e kind, para_span_t path)
{
    size_t             i;
    para_token_t       token;
    para_issuer_t      issuer;
    para_identity_t    identity;
    para_claim_set_t   set;

    set.path = &path;
    set.n = (size_t) para_json_path_check(path);

    memset(&token, 0, sizeof(token));
    memset(&issuer, 0, sizeof(issuer));

    issuer.name = PARA_SPAN("issuer");
    issuer.kind = kind;
    para_issuer_default_map(kind, issuer.map);

    token.verdict = PARA_OK;
    token.issuer = &issuer;
    token.claims = claims;

    if (para_identity_build(&identity, &token, NULL, PARA_MATCH_OFF, &set)
        == PARA_OK)
    {
        for (i = 0; i < PARA_ID_CLAIMS; i++) {
            fuzz_value(identity.field[i]);
        }

        fuzz_value(para_claim_value(identity.field[PARA_ID_CLAIMS], set.n, 0));
    }

    para_identity_free(&identity);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           good;
    para_span_t   text, path;
    para_json_t  *claims, *found;

    text = para_span(data, size);
    path = fuzz_line(&text);
    good = para_json_path_check(path);

    claims = para_json_parse(text, 16384);

    if (claims == NULL) {
        return 0;
    }

    found = NULL;

    if (para_json_path(claims, path, &found)) {
        fuzz_assert(good);
        para_json_free(found);

    } else {
        fuzz_assert(!good);
    }

    fuzz_check(claims, PARA_ISSUER_PARA, path);
    fuzz_check(claims, PARA_ISSUER_OWN, path);
    fuzz_identity(claims, PARA_ISSUER_PARA, path);
    fuzz_identity(claims, PARA_ISSUER_OWN, path);

    para_json_free(claims);

    return 0;
}
