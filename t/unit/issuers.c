#include "issuers.h"

#include "unit.h"


static struct {
    const char  *name;
    sign_key_t  *key;
} unit_keys[] = {
    { "rsa", NULL }, { "rsa2", NULL }, { "rsa3", NULL }, { "ec", NULL },
    { "p384", NULL }, { "p521", NULL }, { "k256", NULL }, { "ed", NULL },
    { "ed448", NULL }, { "oct", NULL }, { "oct48", NULL }, { "oct64", NULL }
};

static const char  unit_secret[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static const para_span_t  unit_audience[] = {
    { (const unsigned char *) "app", 3 }
};


static sign_key_t *
unit_make_key(const char *name)
{
    if (*name == 'r') {
        return sign_rsa(2048, 65537);
    }

    if (*name == 'o') {
        return sign_secret(unit_secret, name[3] ? strtoul(name + 3, NULL, 10)
                                                : 32);
    }

    if (strncmp(name, "ed", 2) == 0) {
        return sign_okp(name[2] ? "ED448" : "ED25519");
    }

    return sign_ec(*name == 'e' ? "P-256" : *name == 'k' ? "secp256k1"
                   : name[1] == '3' ? "P-384" : "P-521");
}


const sign_key_t *
unit_key(const char *name)
{
    size_t  i;

    for (i = 0; strcmp(unit_keys[i].name, name) != 0; i++) {
        assert_in_range(i, 0, unit_count(unit_keys) - 2);
    }

    if (unit_keys[i].key == NULL) {
        unit_keys[i].key = unit_make_key(name);
    }

    return unit_keys[i].key;
}


int
unit_keys_free(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < unit_count(unit_keys); i++) {
        if (unit_keys[i].key != NULL) {
            sign_key_free(unit_keys[i].key);
            unit_keys[i].key = NULL;
        }
    }

    return 0;
}


/* The JWK of "rsa:kid". */

static char *
unit_jwk(const char *word, size_t len)
{
    char    *name, *more, *jwk;
    size_t   colon;

    colon = strcspn(word, ":");
    name = unit_format("%.*s", (int) colon, word);

    more = len == colon + 1
           ? unit_format("%s", "")
           : unit_format(",\"kid\":\"%.*s\"", (int) (len - colon - 1),
                         word + colon + 1);

    jwk = sign_jwk(unit_key(name), more);

    free(name);
    free(more);

    return jwk;
}


static para_jwks_t *
unit_key_set(const char *keys)
{
    char         *jwk, *list, *longer;
    size_t        len;
    const char   *why;
    para_jwks_t  *set;

    list = unit_format("%s", "");

    for ( ;; ) {
        len = strcspn(keys, " ");
        jwk = unit_jwk(keys, len);
        longer = unit_format("%s%s%s", list, *list ? "," : "", jwk);

        free(jwk);
        free(list);
        list = longer;

        if (keys[len] == '\0') {
            break;
        }

        keys += len + 1;
    }

    longer = unit_format("{\"keys\":[%s]}", list);
    set = para_jwks_parse(unit_span(longer), PARA_JWKS_LOCAL, &why);
    assert_non_null(set);

    free(longer);
    free(list);

    return set;
}


para_issuer_t *
unit_issuer(const char *iss, unsigned algorithms, const char *keys)
{
    para_issuer_t  *issuer;

    issuer = calloc(1, sizeof(para_issuer_t));
    assert_non_null(issuer);

    issuer->name = unit_span("issuer");
    issuer->kind = PARA_ISSUER_OWN;
    issuer->iss = unit_span(iss);
    issuer->algorithms = algorithms;
    issuer->keys = unit_key_set(keys);
    issuer->claims.audience = unit_audience;
    issuer->claims.audiences = 1;
    issuer->claims.leeway = 10;

    return issuer;
}


void
unit_issuer_free(para_issuer_t *issuer)
{
    para_jwks_free((para_jwks_t *) issuer->keys);
    free(issuer);
}
