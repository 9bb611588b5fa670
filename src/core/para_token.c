#include "para_token.h"


/* Where a token may go: the issuers with its iss, all of them without one. */

typedef struct {
    const para_issuer_t *const  *issuers;
    size_t                       n;
    para_span_t                  iss;        /* absent: issuers without iss */
    para_span_t                  kid;
    unsigned                     alg;
} para_token_route_t;


typedef struct {
    const para_issuer_t         *issuer;
    const para_jwk_t            *key;
    size_t                       keys;       /* that would do */
    int                          guessed;    /* no key has the token's kid */
} para_token_choice_t;


typedef int (*para_token_match_pt)(const para_jwk_t *key, para_span_t kid);


static int
para_token_is_candidate(const para_issuer_t *issuer, para_span_t iss)
{
    if (iss.data == NULL || issuer->iss.data == NULL) {
        return iss.data == issuer->iss.data;
    }

    return para_span_eq(iss, issuer->iss);
}


/* Who signs with a key without kid may call it by its thumbprint. */

static int
para_token_has_kid(const para_jwk_t *key, para_span_t kid)
{
    para_span_t  own;

    own = para_jwk_name(key);

    return own.data != NULL && para_span_eq(own, kid);
}


static int
para_token_has_no_kid(const para_jwk_t *key, para_span_t kid)
{
    (void) kid;

    return para_jwk_kid(key).data == NULL;
}


static int
para_token_any_kid(const para_jwk_t *key, para_span_t kid)
{
    (void) key;
    (void) kid;

    return 1;
}


/*
 * The keys of the candidates that match and serve the algorithm, the issuer
 * permitting.  Returns how many keys match whatever they serve.
 */

static size_t
para_token_choose(const para_token_route_t *route, para_token_match_pt match,
    para_token_choice_t *choice)
{
    size_t                i, j, matched;
    const para_jwk_t     *key;
    const para_issuer_t  *issuer;

    matched = 0;
    memset(choice, 0, sizeof(para_token_choice_t));

    for (i = 0; i < route->n; i++) {
        issuer = route->issuers[i];

        if (!para_token_is_candidate(issuer, route->iss)) {
            continue;
        }

        for (j = 0; (key = para_jwks_key(issuer->keys, j)) != NULL; j++) {
            if (!match(key, route->kid)) {
                continue;
            }

            matched++;

            if (issuer->algorithms & para_jwk_algorithms(key) & route->alg) {
                choice->issuer = issuer;
                choice->key = key;
                choice->keys++;
            }
        }
    }

    return matched;
}


static para_reason_e
para_token_check_candidates(const para_token_route_t *route)
{
    int     found;
    size_t  i;

    found = 0;

    for (i = 0; i < route->n; i++) {
        if (para_token_is_candidate(route->issuers[i], route->iss)) {

            if (route->issuers[i]->algorithms & route->alg) {
                return PARA_OK;
            }

            found = 1;
        }
    }

    return found ? PARA_JWS_ALG_NOT_ALLOWED : PARA_ISS_UNKNOWN;
}


/*
 * No key of now: rc, unless there are issuers that may have got one since,
 * which token->wanted then tells by their index.
 */

static para_reason_e
para_token_keyless(para_token_t *token, const para_token_route_t *route,
    para_reason_e rc)
{
    int                   missing;
    size_t                i;
    const para_issuer_t  *issuer;

    missing = 0;

    for (i = 0; i < route->n; i++) {
        issuer = route->issuers[i];

        if (issuer->is_remote && issuer->algorithms & route->alg
            && para_token_is_candidate(issuer, route->iss))
        {
            token->wanted |= UINT32_C(1) << i;
            missing |= issuer->keys == NULL;
        }
    }

    if (missing) {
        return PARA_KEYS_UNAVAILABLE;
    }

    return token->wanted != 0 ? PARA_KEY_UNKNOWN : rc;
}


/*
 * Exactly one key must be left, whose issuer allows the algorithm: keys are
 * not tried one after the other.  A kid that no key has may belong to the one
 * key that has none, since PEM cannot name its keys and who signs does not know
 * that; but a kid never leads to a key that has another.
 */

static para_reason_e
para_token_route(const para_token_route_t *route, para_token_choice_t *choice)
{
    para_reason_e  rc;

    rc = para_token_check_candidates(route);
    if (rc != PARA_OK) {
        return rc;
    }

    if (route->kid.data == NULL) {
        (void) para_token_choose(route, para_token_any_kid, choice);

    } else if (para_token_choose(route, para_token_has_kid, choice) == 0) {
        (void) para_token_choose(route, para_token_has_no_kid, choice);
        choice->guessed = 1;

    } else if (choice->keys == 0) {
        return PARA_JWS_ALG_NOT_ALLOWED;
    }

    if (choice->keys == 0) {
        return PARA_KEY_UNKNOWN;
    }

    return choice->keys == 1 ? PARA_OK : PARA_KEY_AMBIGUOUS;
}


/* RFC 7519 4.1.1: which issuer it says it is from, not yet proven. */

static para_reason_e
para_token_read_iss(const para_json_t *claims, para_span_t *iss)
{
    const para_json_t  *value;

    value = para_json_get(claims, "iss");

    if (value == NULL) {
        *iss = PARA_SPAN_NONE;
        return PARA_OK;
    }

    return para_json_string(value, iss) ? PARA_OK : PARA_CLAIM_TYPE;
}


/* Para writes the user into its tokens twice. */

static para_reason_e
para_token_check_subject(const para_json_t *claims)
{
    para_span_t         sub, user_id;
    const para_json_t  *a, *b;

    a = para_json_get(claims, "sub");
    b = para_json_get(para_json_get(claims, "data"), "userId");

    if ((a != NULL && !para_json_string(a, &sub))
        || (b != NULL && !para_json_string(b, &user_id)))
    {
        return PARA_CLAIM_TYPE;
    }

    if (a != NULL && b != NULL && !para_span_eq(sub, user_id)) {
        return PARA_CLAIM_SUBJECT;
    }

    return PARA_OK;
}


/* RFC 7519 7.2 step 10. */

static para_reason_e
para_token_read_claims(const para_jws_t *jws, para_json_t **claims)
{
    *claims = para_json_parse(jws->payload, PARA_JWS_MAX_SIZE);

    if (*claims != NULL) {
        return PARA_OK;
    }

    return para_json_starved() ? PARA_NO_MEMORY : PARA_CLAIMS_JSON;
}


/* Everything about a parsed token; token gets the issuer as soon as known. */

static para_reason_e
para_token_check(para_token_t *token, const para_json_t *claims,
    const para_issuer_t *const *issuers, size_t n, int64_t now, int64_t *end)
{
    para_reason_e        rc;
    para_token_route_t   route;
    para_token_choice_t  choice;

    route.issuers = issuers;
    route.n = n;
    route.kid = token->jws.kid;
    route.alg = token->jws.alg->bit;

    rc = para_token_read_iss(claims, &route.iss);
    if (rc != PARA_OK) {
        return rc;
    }

    rc = para_token_route(&route, &choice);

    if (rc != PARA_OK) {
        return rc == PARA_KEY_UNKNOWN
               ? para_token_keyless(token, &route, rc) : rc;
    }

    token->issuer = choice.issuer;

    rc = para_jws_check_typ(&token->jws, choice.issuer->typ,
                            choice.issuer->typs);

    if (rc == PARA_OK) {
        rc = para_jws_verify(&token->jws, choice.key);
    }

    /* a key that the token does not name: another may be on its way */

    if (rc == PARA_SIGNATURE && choice.guessed) {
        return para_token_keyless(token, &route, rc);
    }

    if (rc != PARA_OK) {
        return rc;
    }

    if (choice.issuer->kind == PARA_ISSUER_PARA) {
        rc = para_token_check_subject(claims);
        if (rc != PARA_OK) {
            return rc;
        }
    }

    /* the last, see PARA_TOKEN_EXPIRED */

    return para_claims_check(claims, &choice.issuer->claims,
                             choice.issuer->kind, now, end);
}


para_reason_e
para_token_verify(para_token_t *token, const para_issuer_t *const *issuers,
    size_t n, para_span_t text, int64_t now)
{
    int64_t        end;
    para_json_t   *claims;
    para_reason_e  rc;

    memset(token, 0, sizeof(para_token_t));

    token->verdict = PARA_SIGNATURE;         /* until the last check */

    end = 0;
    claims = NULL;

    rc = para_jws_parse(&token->jws, text);

    if (rc == PARA_OK) {
        rc = para_token_read_claims(&token->jws, &claims);
    }

    if (rc == PARA_OK) {
        rc = para_token_check(token, claims, issuers, n, now, &end);
    }

    if (rc == PARA_OK || rc == PARA_TOKEN_EXPIRED) {
        token->claims = claims;
        token->expires = end;
        token->end = rc == PARA_OK && end == 0 ? now + PARA_ENDLESS : end;

    } else {
        para_json_free(claims);
    }

    token->verdict = rc;

    return rc;
}


void
para_token_free(para_token_t *token)
{
    para_json_free(token->claims);
    para_jws_free(&token->jws);

    memset(token, 0, sizeof(para_token_t));

    token->verdict = PARA_SIGNATURE;
}
