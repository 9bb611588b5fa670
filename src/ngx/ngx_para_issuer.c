#include "ngx_para_issuer.h"
#include "ngx_para_file.h"
#include "../core/para_jwk.h"
#include "../core/para_secret.h"


#define NGX_PARA_ISSUER_LEEWAY     10           /* s */
#define NGX_PARA_ISSUER_REFRESH    600000       /* ms */
#define NGX_PARA_ISSUER_COOLDOWN   30000        /* ms */
#define NGX_PARA_ISSUER_MAX_STALE  86400        /* s */


static void ngx_para_issuer_inherit(ngx_para_issuer_t *pi,
    const ngx_para_issuer_t *defaults);
static char *ngx_para_issuer_set_policy(ngx_conf_t *cf, ngx_para_issuer_t *pi);
static char *ngx_para_issuer_check_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_str_t *provider);
static char *ngx_para_issuer_fetch_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_para_issuer_owner_t *owner);
static char *ngx_para_issuer_read_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi);
static char *ngx_para_issuer_report_keys(ngx_conf_t *cf, ngx_str_t *file,
    ngx_uint_t mode, const para_jwks_t *keys);
static void ngx_para_issuer_free_keys(void *data);


void
ngx_para_issuer_init(ngx_para_issuer_t *pi, const ngx_str_t *name,
    para_issuer_kind_e kind)
{
    pi->issuer.name = para_span(name->data, name->len);
    pi->issuer.kind = kind;
    pi->leeway = NGX_CONF_UNSET;
    pi->max_age = NGX_CONF_UNSET;
    pi->require_exp = NGX_CONF_UNSET;
    pi->refresh = NGX_CONF_UNSET_MSEC;
    pi->cooldown = NGX_CONF_UNSET_MSEC;
    pi->max_stale = NGX_CONF_UNSET;

    para_issuer_default_map(kind, pi->issuer.map);
}


char *
ngx_para_issuer_done(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_para_issuer_owner_t *owner)
{
    char           *rv;
    para_issuer_t  *issuer;

    issuer = &pi->issuer;

    ngx_para_issuer_inherit(pi, owner->defaults);

    rv = ngx_para_issuer_check_keys(cf, pi, &owner->provider);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = pi->jwks_uri.len ? ngx_para_issuer_fetch_keys(cf, pi, owner)
                          : ngx_para_issuer_read_keys(cf, pi);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    issuer->algorithms = (unsigned) pi->algorithms;

    if (issuer->algorithms == 0) {
        issuer->algorithms = para_issuer_default_algorithms(issuer->kind,
                                                            issuer->keys);
    }

    if (pi->iss.len) {
        issuer->iss = para_span(pi->iss.data, pi->iss.len);
    }

    return ngx_para_issuer_set_policy(cf, pi);
}


/* defaults may be the issuer itself, if it is Para's. */

static void
ngx_para_issuer_inherit(ngx_para_issuer_t *pi,
    const ngx_para_issuer_t *defaults)
{
    if (pi->trusted_certificate.data == NULL) {
        pi->trusted_certificate = defaults->trusted_certificate;
    }

    ngx_conf_merge_sec_value(pi->leeway, defaults->leeway,
                             NGX_PARA_ISSUER_LEEWAY);
    ngx_conf_merge_msec_value(pi->refresh, defaults->refresh,
                              NGX_PARA_ISSUER_REFRESH);
    ngx_conf_merge_msec_value(pi->cooldown, defaults->cooldown,
                              NGX_PARA_ISSUER_COOLDOWN);
    ngx_conf_merge_sec_value(pi->max_stale, defaults->max_stale,
                             NGX_PARA_ISSUER_MAX_STALE);
}


static char *
ngx_para_issuer_set_policy(ngx_conf_t *cf, ngx_para_issuer_t *pi)
{
    para_issuer_t  *issuer;

    issuer = &pi->issuer;

    if (pi->audience) {
        issuer->claims.audience = pi->audience->elts;
        issuer->claims.audiences = pi->audience->nelts;
    }

    if (pi->required) {
        issuer->claims.required = pi->required->elts;
        issuer->claims.requires = pi->required->nelts;
    }

    if (pi->typ) {
        issuer->typ = pi->typ->elts;
        issuer->typs = pi->typ->nelts;
    }

    if (pi->max_age == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"max_age\" must be at least a second, leave it "
                           "out to take tokens of any age");
        return NGX_CONF_ERROR;
    }

    issuer->claims.max_age = pi->max_age == NGX_CONF_UNSET ? 0 : pi->max_age;
    issuer->claims.endless = (pi->require_exp == 0);

    issuer->claims.leeway = pi->leeway;

    return NGX_CONF_OK;
}


/* One source of keys, and no more. */

static char *
ngx_para_issuer_check_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_str_t *provider)
{
    ngx_uint_t   n;
    para_span_t  name;

    n = (pi->key_file.len != 0) + (pi->hmac_key_file.len != 0)
        + (pi->jwks_uri.len != 0);

    if (n == 1) {
        return NGX_CONF_OK;
    }

    name = pi->issuer.name;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "issuer \"%*s\" of provider \"%V\" has %s: write "
                       "\"jwks_uri\" with the URL of its JWK Set, or "
                       "\"key_file\" with a JWKS or PEM file of its public "
                       "keys, or \"hmac_key_file\"", name.len, name.data,
                       provider, n ? "more than one source of keys"
                                   : "no keys");

    return NGX_CONF_ERROR;
}


static char *
ngx_para_issuer_fetch_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_para_issuer_owner_t *owner)
{
    para_span_t            name;
    ngx_para_keys_conf_t   conf;

    name = pi->issuer.name;

    if (pi->audience == NULL && !pi->any_audience) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "issuer \"%*s\" of provider \"%V\" has a "
                           "\"jwks_uri\" and no \"audience\": who publishes "
                           "keys signs tokens for others too, so write which "
                           "are for you (\"audience any;\" would take them "
                           "all)", name.len, name.data, &owner->provider);
        return NGX_CONF_ERROR;
    }

    conf.url = pi->jwks_uri;
    conf.trusted_certificate = pi->trusted_certificate;
    conf.state_path = owner->state_path;
    conf.refresh = pi->refresh;
    conf.cooldown = pi->cooldown;
    conf.max_stale = pi->max_stale;

    pi->issuer.is_remote = 1;
    pi->source = ngx_para_keys_add(cf, owner->sources, &conf, &pi->issuer,
                                   owner->tag);

    return pi->source ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_para_issuer_read_keys(ngx_conf_t *cf, ngx_para_issuer_t *pi)
{
    ngx_str_t            text, *file;
    ngx_uint_t           mode;
    const char          *why;
    para_jwks_t         *keys;
    ngx_pool_cleanup_t  *cln;

    mode = 0;
    file = pi->hmac_key_file.len ? &pi->hmac_key_file : &pi->key_file;

    if (ngx_para_file_read(cf, file, PARA_JWKS_MAX_SIZE, &text,
                           pi->hmac_key_file.len ? NULL : &mode)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    if (pi->hmac_key_file.len) {
        keys = para_jwks_secret(para_span(text.data, text.len), &why);
        pi->weak = para_secret_weak(para_span(text.data, text.len));

    } else {
        keys = para_jwks_parse(para_span(text.data, text.len),
                               pi->issuer.kind == PARA_ISSUER_PARA
                               ? PARA_JWKS_PUBLIC : PARA_JWKS_LOCAL, &why);
    }

    if (keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\": %s",
                           pi->hmac_key_file.len ? "hmac_key_file"
                                                 : "key_file", file, why);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_para_issuer_free_keys;
    cln->data = keys;

    pi->issuer.keys = keys;

    return ngx_para_issuer_report_keys(cf, file, mode, keys);
}


static char *
ngx_para_issuer_report_keys(ngx_conf_t *cf, ngx_str_t *file, ngx_uint_t mode,
    const para_jwks_t *keys)
{
    size_t       i;
    const char  *why;
    para_span_t  kid;

    for (i = 0; (why = para_jwks_refused(keys, i, &kid)) != NULL; i++) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "key_file \"%V\": a key (kid \"%*s\") is left out: "
                           "%s", file, kid.len, kid.data, why);
    }

    if (para_jwks_algorithms(keys)
        & (PARA_ALG_HS256|PARA_ALG_HS384|PARA_ALG_HS512)
        && ngx_para_file_check_secret(cf, file, mode) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_para_issuer_free_keys(void *data)
{
    para_jwks_free(data);
}


int
ngx_para_issuer_digest(para_digest_t *digest, const para_issuer_t *issuer,
    u_char out[PARA_DIGEST_SIZE])
{
    size_t       i, j, n;
    int64_t      numbers[5];
    para_span_t  part[6 + PARA_CLAIMS * (PARA_CLAIM_PATHS + 1)];
    u_char       audience[PARA_DIGEST_SIZE], typ[PARA_DIGEST_SIZE];
    u_char       required[PARA_DIGEST_SIZE];

    numbers[0] = issuer->kind;
    numbers[1] = issuer->algorithms;
    numbers[2] = issuer->claims.leeway;
    numbers[3] = issuer->claims.max_age;
    numbers[4] = issuer->claims.endless;

    if (!para_digest_key(digest, audience, issuer->claims.audience,
                         issuer->claims.audiences)
        || !para_digest_key(digest, typ, issuer->typ, issuer->typs)
        || !para_digest_key(digest, required, issuer->claims.required,
                            issuer->claims.requires))
    {
        return 0;
    }

    n = 0;

    part[n++] = issuer->name;
    part[n++] = issuer->iss;
    part[n++] = para_span(numbers, sizeof(numbers));
    part[n++] = para_span(audience, PARA_DIGEST_SIZE);
    part[n++] = para_span(typ, PARA_DIGEST_SIZE);
    part[n++] = para_span(required, PARA_DIGEST_SIZE);

    for (i = 0; i < PARA_CLAIMS; i++) {
        for (j = 0; j < issuer->map[i].paths; j++) {
            part[n++] = issuer->map[i].path[j];
        }

        part[n++] = PARA_SPAN_NONE;
    }

    if (!para_digest_key(digest, out, part, n)) {
        return 0;
    }

    if (issuer->is_remote) {

        /* which these are at the moment is told with each request */

        return 1;
    }

    /* and the keys, whatever they are called */

    part[0] = para_span(out, PARA_DIGEST_SIZE);
    part[1] = para_span(para_jwks_fingerprint(issuer->keys),
                        PARA_FINGERPRINT_SIZE);

    return para_digest_key(digest, out, part, 2);
}
