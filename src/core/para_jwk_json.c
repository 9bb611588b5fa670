#include "para_jwk_set.h"

#include <openssl/crypto.h>

#include "para_b64url.h"
#include "para_json.h"


#define PARA_JWK_MEMBER_MAX  1024     /* bytes of a number or a secret */


/* A member, decoded; the caller cleanses one that is a secret. */

typedef struct {
    size_t          len;
    unsigned char   data[PARA_JWK_MEMBER_MAX];
} para_jwk_member_t;


static int
para_jwk_is(const para_json_t *jwk, const char *name, para_span_t expected)
{
    para_span_t  text;

    return para_json_string(para_json_get(jwk, name), &text)
           && para_span_eq(text, expected);
}


static int
para_jwk_has(const para_json_t *jwk, const char *name)
{
    return para_json_get(jwk, name) != NULL;
}


/*
 * RFC 7518 6.2.2 and 6.3.2.  Only of the kinds that are known: in another one
 * a member of such a name may well be public.
 */

static int
para_jwk_has_private(const para_json_t *jwk)
{
    size_t                    i;
    static const char *const  name[] = { "d", "p", "q", "dp", "dq", "qi",
                                         "oth" };

    if (!para_jwk_is(jwk, "kty", PARA_SPAN("RSA"))
        && !para_jwk_is(jwk, "kty", PARA_SPAN("EC"))
        && !para_jwk_is(jwk, "kty", PARA_SPAN("OKP")))
    {
        return 0;
    }

    for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        if (para_jwk_has(jwk, name[i])) {
            return 1;
        }
    }

    return 0;
}


/* RFC 7517 4.5. */

static const char *
para_jwk_read_kid(const para_json_t *jwk, para_span_t *kid)
{
    para_span_t         text;
    const para_json_t  *value;

    value = para_json_get(jwk, "kid");

    if (value == NULL) {
        return NULL;
    }

    if (!para_json_string(value, &text) || text.len == 0) {
        return "its kid is no string, or an empty one";
    }

    if (text.len > PARA_KID_MAX_SIZE) {
        return "its kid has more than 256 bytes";
    }

    *kid = text;

    return NULL;
}


/* RFC 7517 4.2 and 4.3. */

static const char *
para_jwk_check_use(const para_json_t *jwk)
{
    size_t              i;
    para_span_t         text;
    const para_json_t  *ops;

    if (para_jwk_has(jwk, "use") && !para_jwk_is(jwk, "use", PARA_SPAN("sig")))
    {
        return "its use is not \"sig\"";
    }

    ops = para_json_get(jwk, "key_ops");

    if (ops == NULL) {
        return NULL;
    }

    for (i = 0; i < para_json_length(ops); i++) {
        if (para_json_string(para_json_item(ops, i), &text)
            && para_span_eq(text, PARA_SPAN("verify")))
        {
            return NULL;
        }
    }

    return "its key_ops have no \"verify\"";
}


static const char *
para_jwk_read_member(const para_json_t *jwk, const char *name,
    para_jwk_member_t *member)
{
    para_span_t  text;

    if (!para_json_string(para_json_get(jwk, name), &text) || text.len == 0) {
        return "a member that its kty requires is missing or no string";
    }

    if (para_b64url_decoded_max(text.len) > sizeof(member->data)) {
        return "a member is longer than any supported key";
    }

    if (!para_b64url_decode(member->data, &member->len, text)) {
        return "a member is no base64url";
    }

    return NULL;
}


static const char *
para_jwk_make_rsa(const para_json_t *jwk, para_key_t **key)
{
    const char         *why;
    para_jwk_member_t   n, e;

    why = para_jwk_read_member(jwk, "n", &n);

    if (why == NULL) {
        why = para_jwk_read_member(jwk, "e", &e);
    }

    if (why != NULL) {
        return why;
    }

    return para_key_rsa(key, para_span(n.data, n.len),
                        para_span(e.data, e.len));
}


static const char *
para_jwk_make_ec(const para_json_t *jwk, para_key_t **key)
{
    const char         *why;
    para_span_t         curve;
    para_jwk_member_t   x, y;

    if (!para_json_string(para_json_get(jwk, "crv"), &curve)) {
        return "a member that its kty requires is missing or no string";
    }

    why = para_jwk_read_member(jwk, "x", &x);

    if (why == NULL) {
        why = para_jwk_read_member(jwk, "y", &y);
    }

    if (why != NULL) {
        return why;
    }

    return para_key_ec(key, curve, para_span(x.data, x.len),
                       para_span(y.data, y.len));
}


/* RFC 8037 2. */

static const char *
para_jwk_make_okp(const para_json_t *jwk, para_key_t **key)
{
    const char         *why;
    para_span_t         curve;
    para_jwk_member_t   x;

    if (!para_json_string(para_json_get(jwk, "crv"), &curve)) {
        return "a member that its kty requires is missing or no string";
    }

    why = para_jwk_read_member(jwk, "x", &x);

    return why != NULL ? why
                       : para_key_okp(key, curve, para_span(x.data, x.len));
}


static const char *
para_jwk_make_oct(const para_json_t *jwk, para_key_t **key)
{
    const char         *why;
    para_jwk_member_t   k;

    why = para_jwk_read_member(jwk, "k", &k);

    if (why == NULL) {
        why = para_key_secret(key, para_span(k.data, k.len));
    }

    OPENSSL_cleanse(&k, sizeof(k));

    return why;
}


/* RFC 7517 4.1: of RFC 7518 6.1 and RFC 8037 2, others are none of ours. */

typedef struct {
    para_span_t   name;
    para_kty_e    kty;
    const char   *(*make)(const para_json_t *jwk, para_key_t **key);
} para_jwk_kind_t;


static const para_jwk_kind_t  para_jwk_kinds[] = {
    { { (const unsigned char *) "RSA", 3 }, PARA_KTY_RSA, para_jwk_make_rsa },
    { { (const unsigned char *) "EC", 2 }, PARA_KTY_EC, para_jwk_make_ec },
    { { (const unsigned char *) "OKP", 3 }, PARA_KTY_OKP, para_jwk_make_okp },
    { { (const unsigned char *) "oct", 3 }, PARA_KTY_OCT, para_jwk_make_oct }
};


static const para_jwk_kind_t *
para_jwk_find_kind(const para_json_t *jwk)
{
    size_t  i;

    for (i = 0; i < sizeof(para_jwk_kinds) / sizeof(para_jwk_kinds[0]); i++) {
        if (para_jwk_is(jwk, "kty", para_jwk_kinds[i].name)) {
            return &para_jwk_kinds[i];
        }
    }

    return NULL;
}


/* RFC 7517 4.4: an alg narrows what the key may be used for. */

static const char *
para_jwk_read_alg(const para_json_t *jwk, const para_key_t *key,
    unsigned *algorithms)
{
    para_span_t         name;
    const para_alg_t   *alg;
    const para_json_t  *value;

    *algorithms = para_key_algorithms(key);

    value = para_json_get(jwk, "alg");

    if (value == NULL) {
        return NULL;
    }

    alg = para_json_string(value, &name) ? para_alg_find(name) : NULL;

    if (alg == NULL) {
        return "its alg is not supported";
    }

    *algorithms &= alg->bit;

    return *algorithms != 0 ? NULL : "its alg does not fit its kty or curve";
}


static const char *
para_jwks_read_usable(para_jwks_t *set, const para_json_t *jwk,
    para_span_t kid)
{
    unsigned                algorithms;
    para_key_t             *key;
    const char             *why;
    const para_jwk_kind_t  *kind;

    why = para_jwk_check_use(jwk);
    kind = para_jwk_find_kind(jwk);

    if (why == NULL && kind == NULL) {
        why = "its kty is not supported";
    }

    if (why != NULL) {
        return para_jwks_leave_out(set, why, kid);
    }

    why = kind->make(jwk, &key);

    if (why != NULL) {
        why = para_jwks_leave_out(set, why, kid);

        if (why == NULL) {
            para_jwks_take_kid(set, kind->kty);
        }

        return why;
    }

    why = para_jwk_read_alg(jwk, key, &algorithms);

    if (why != NULL) {
        para_key_free(key);
        return para_jwks_leave_out(set, why, kid);
    }

    return para_jwks_keep(set, key, algorithms, kid);
}


static const char *
para_jwks_read_jwk(para_jwks_t *set, const para_json_t *jwk,
    para_jwks_kind_e kind)
{
    int           is_secret, is_private;
    para_span_t   kid;
    const char   *why;

    is_private = para_jwk_has_private(jwk);
    is_secret = para_jwk_is(jwk, "kty", PARA_SPAN("oct"));

    if (kind != PARA_JWKS_LOCAL && (is_private || is_secret)) {
        return para_jwks_secret_inside;
    }

    kid = PARA_SPAN_NONE;
    why = para_jwk_read_kid(jwk, &kid);

    if (why != NULL) {
        return para_jwks_leave_out(set, why, kid);
    }

    if (is_private) {
        return para_jwks_leave_out(set, "it is a private key: give only the"
                                   " public key, without \"d\"", kid);
    }

    return para_jwks_read_usable(set, jwk, kid);
}


/* RFC 7517 5: a set has "keys"; else it is a key by itself. */

static const char *
para_jwks_read_root(para_jwks_t *set, const para_json_t *root,
    para_jwks_kind_e kind)
{
    size_t              i;
    const char         *why;
    const para_json_t  *keys;

    keys = para_json_get(root, "keys");

    if (keys == NULL) {
        return kind == PARA_JWKS_REMOTE
               ? para_jwks_no_set : para_jwks_read_jwk(set, root, kind);
    }

    if (para_json_type(keys) != PARA_JSON_ARRAY) {
        return "its \"keys\" is no array";
    }

    for (i = 0; i < para_json_length(keys); i++) {
        why = para_jwks_read_jwk(set, para_json_item(keys, i), kind);

        if (why != NULL) {
            return why;
        }
    }

    return NULL;
}


const char *
para_jwks_read_json(para_jwks_t *set, para_span_t text, para_jwks_kind_e kind)
{
    const char   *why;
    para_json_t  *root;

    root = para_json_parse(text, PARA_JWKS_MAX_SIZE);

    if (root == NULL) {
        return "it is no JSON object, or has a member twice, or is nested too"
               " deeply";
    }

    why = para_jwks_read_root(set, root, kind);

    para_json_wipe(root);

    return why;
}
