#include "para_token.h"


typedef struct {
    para_span_t  name;
    para_span_t  para[PARA_CLAIM_PATHS];
    para_span_t  own[PARA_CLAIM_PATHS];
} para_claim_row_t;


#define PARA_ISSUER_SECRET                                                    \
    (PARA_ALG_HS256 | PARA_ALG_HS384 | PARA_ALG_HS512)


#define para_path(literal)                                                    \
    { (const unsigned char *) (literal), sizeof(literal) - 1 }


/*
 * What each kind of issuer calls a field, most usual first.  No path is in
 * both columns: data.* of a foreign token does not come from Para.
 */

static const para_claim_row_t  para_claim_rows[PARA_CLAIMS] = {

    [PARA_CLAIM_USER_ID] = {
        para_path("user_id"),
        { para_path("data.userId") },
        { para_path("para_user_id"), para_path("capsule_user_id") }
    },

    [PARA_CLAIM_INTERNAL_USER_ID] = {
        para_path("internal_user_id"),
        { { NULL, 0 } },
        { para_path("internal_user_id"), para_path("sub") }
    },

    [PARA_CLAIM_ROLES] = {
        para_path("roles"),
        { { NULL, 0 } },
        { para_path("roles") }
    },

    [PARA_CLAIM_WALLETS] = {
        para_path("wallets"),
        { para_path("data.wallets") },
        { { NULL, 0 } }
    },

    [PARA_CLAIM_IDENTIFIER] = {
        para_path("identifier"),
        { para_path("data.identifier") },
        { para_path("auth_identifier") }
    },

    [PARA_CLAIM_AUTH_TYPE] = {
        para_path("type"),
        { para_path("data.authType") },
        { para_path("auth_method") }
    },

    [PARA_CLAIM_EMAIL] = {
        para_path("email"),
        { para_path("data.email") },
        { para_path("email") }
    },

    [PARA_CLAIM_OAUTH_METHOD] = {
        para_path("oauth_method"),
        { para_path("data.oAuthMethod") },
        { { NULL, 0 } }
    }
};


void
para_issuer_default_map(para_issuer_kind_e kind,
    para_claim_paths_t map[PARA_CLAIMS])
{
    size_t              i, n;
    const para_span_t  *path;

    memset(map, 0, PARA_CLAIMS * sizeof(para_claim_paths_t));

    for (i = 0; i < PARA_CLAIMS; i++) {
        path = kind == PARA_ISSUER_PARA ? para_claim_rows[i].para
                                        : para_claim_rows[i].own;

        for (n = 0; n < PARA_CLAIM_PATHS && path[n].data != NULL; n++) {
            map[i].path[n] = path[n];
        }

        map[i].paths = n;
    }
}


unsigned
para_issuer_default_algorithms(para_issuer_kind_e kind,
    const para_jwks_t *keys)
{
    if (kind == PARA_ISSUER_PARA) {
        return PARA_ALG_RS256;
    }

    if (keys == NULL) {
        return para_alg_usual() & ~PARA_ISSUER_SECRET;
    }

    return para_jwks_algorithms(keys) & para_alg_usual();
}


int
para_claim_find(para_span_t name)
{
    int  i;

    for (i = 0; i < PARA_CLAIMS; i++) {
        if (para_span_eq(para_claim_rows[i].name, name)) {
            return i;
        }
    }

    return -1;
}


/*
 * The allowed algorithms that keys without kid serve; those that more than one
 * serves are in *twice.
 */

static unsigned
para_issuer_nameless(const para_issuer_t *issuer, unsigned *twice)
{
    size_t             i;
    unsigned           mask, once;
    const para_jwk_t  *key;

    once = 0;
    *twice = 0;

    for (i = 0; (key = para_jwks_key(issuer->keys, i)) != NULL; i++) {
        if (para_jwk_kid(key).data == NULL) {
            mask = para_jwk_algorithms(key) & issuer->algorithms;

            *twice |= once & mask;
            once |= mask;
        }
    }

    return once;
}


static const char *
para_issuer_check(const para_issuer_t *issuer)
{
    unsigned  twice;

    if (issuer->claims.leeway < 0 || issuer->claims.leeway > PARA_LEEWAY_MAX) {
        return "an issuer's leeway is longer than a day: give at most 1d";
    }

    if (issuer->claims.max_age < 0) {
        return "an issuer's max_age is negative: give a time as 10m";
    }

    if (issuer->algorithms == 0) {
        return "an issuer's keys are for none of the usual algorithms: list"
               " what they are for with \"algorithms\"";
    }

    if (issuer->is_remote && issuer->algorithms & PARA_ISSUER_SECRET) {
        return "an issuer with a jwks_uri allows a secret key's algorithm, and"
               " secrets are not taken from there: use hmac_key_file";
    }

    if (!issuer->is_remote
        && issuer->algorithms & ~para_jwks_algorithms(issuer->keys))
    {
        return "an issuer allows an algorithm that none of its keys can serve:"
               " list only what its keys are for";
    }

    (void) para_issuer_nameless(issuer, &twice);

    if (twice != 0) {
        return "an issuer has two keys without kid for one algorithm: give"
               " them as JWKs, each with a kid";
    }

    return NULL;
}


static int
para_issuers_share_kid(const para_issuer_t *a, const para_issuer_t *b)
{
    size_t             i, j;
    para_span_t        name;
    const para_jwk_t  *x, *y;

    for (i = 0; (x = para_jwks_key(a->keys, i)) != NULL; i++) {
        name = para_jwk_name(x);

        for (j = 0; (y = para_jwks_key(b->keys, j)) != NULL; j++) {
            if (name.data != NULL && para_jwk_name(y).data != NULL
                && (para_jwk_kid(x).data != NULL
                    || para_jwk_kid(y).data != NULL)
                && para_span_eq(name, para_jwk_name(y)))
            {
                return 1;
            }
        }
    }

    return 0;
}


/* A set of keys has secrets or public keys, never both. */

static int
para_issuer_has_secrets(const para_issuer_t *issuer)
{
    return (para_jwks_algorithms(issuer->keys) & PARA_ISSUER_SECRET) != 0;
}


/* Two that may both get a token must differ in every way to choose a key. */

static const char *
para_issuers_check_pair(const para_issuer_t *a, const para_issuer_t *b)
{
    unsigned  twice;

    if (a->iss.data == NULL || b->iss.data == NULL) {

        if (a->iss.data != b->iss.data) {
            return NULL;
        }

    } else if (!para_span_eq(a->iss, b->iss)) {
        return NULL;

    } else if (para_issuer_has_secrets(a) == para_issuer_has_secrets(b)) {
        return "two issuers have the same iss: put their keys into one";
    }

    if (para_issuers_share_kid(a, b)) {
        return "two issuers of one iss, or without iss have keys with the same"
               " kid: set iss, or rename a key";
    }

    if (para_issuer_nameless(a, &twice) & para_issuer_nameless(b, &twice)) {
        return "two issuers without iss have keys without kid for one"
               " algorithm: set iss, or give the keys a kid";
    }

    return NULL;
}


const char *
para_issuers_check(const para_issuer_t *const *issuers, size_t n)
{
    size_t       i, j;
    const char  *why;

    if (n > PARA_ISSUERS_MAX) {
        return "it has more than 32 issuers: put keys of one iss into one";
    }

    for (i = 0; i < n; i++) {
        why = para_issuer_check(issuers[i]);

        for (j = 0; why == NULL && j < i; j++) {
            why = para_issuers_check_pair(issuers[j], issuers[i]);
        }

        if (why != NULL) {
            return why;
        }
    }

    return NULL;
}
