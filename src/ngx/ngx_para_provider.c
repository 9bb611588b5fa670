#include "ngx_para_provider.h"
#include "ngx_para_keys_file.h"


#define NGX_PARA_RENEW_WINDOW  86400            /* s */


static ngx_para_provider_t *ngx_para_provider_create(ngx_conf_t *cf,
    const ngx_str_t *name);
static char *ngx_para_provider_parse(ngx_conf_t *cf, ngx_uint_t type,
    ngx_para_provider_t *provider, ngx_para_issuer_t *issuer);
static char *ngx_para_provider_done(ngx_conf_t *cf,
    ngx_para_provider_t *provider, ngx_para_issuer_owner_t *owner);
static char *ngx_para_provider_done_para(ngx_conf_t *cf,
    ngx_para_provider_t *provider, const ngx_para_issuer_owner_t *owner);
static char *ngx_para_provider_jwks_uri(ngx_conf_t *cf,
    ngx_para_provider_t *provider);
static void ngx_para_provider_take(ngx_para_provider_t *provider,
    ngx_para_issuer_t *pi);
static ngx_int_t ngx_para_provider_check_sources(ngx_conf_t *cf,
    ngx_para_provider_t *provider);
static char *ngx_para_provider_collect(ngx_conf_t *cf,
    ngx_para_provider_t *provider);
static char *ngx_para_provider_policies(ngx_conf_t *cf,
    ngx_para_provider_t *provider);


ngx_int_t
ngx_para_providers_init(ngx_conf_t *cf, ngx_para_providers_t *providers)
{
    if (ngx_array_init(&providers->list, cf->pool, 2,
                       sizeof(ngx_para_provider_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_array_init(&providers->sources, cf->pool, 2,
                          sizeof(ngx_para_keys_t *));
}


char *
ngx_para_provider_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                     *rv;
    ngx_str_t                *value;
    ngx_para_provider_t      *provider, **pp;
    ngx_para_providers_t     *providers;
    ngx_para_issuer_owner_t   owner;

    providers = (ngx_para_providers_t *) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (value[1].len == 0 || ngx_strcmp(value[1].data, "off") == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"para_auth %V;\" names no provider, give this "
                           "one another name", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_para_provider_find(providers, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" is there twice, give each a name "
                           "of its own", &value[1]);
        return NGX_CONF_ERROR;
    }

    provider = ngx_para_provider_create(cf, &value[1]);
    if (provider == NULL) {
        return NGX_CONF_ERROR;
    }

    pp = ngx_array_push(&providers->list);
    if (pp == NULL) {
        return NGX_CONF_ERROR;
    }

    *pp = provider;

    rv = ngx_para_provider_parse(cf, NGX_PARA_PROVIDER_CONF, provider,
                                 &provider->para);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    owner.provider = provider->name;
    owner.state_path = provider->state_path;
    owner.defaults = &provider->para;
    owner.sources = &providers->sources;
    owner.tag = cmd->post;

    return ngx_para_provider_done(cf, provider, &owner);
}


char *
ngx_para_provider_issuer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_provider_t *provider = conf;

    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_para_issuer_t   *pi, **own;

    value = cf->args->elts;
    own = provider->own.elts;

    for (i = 0; i < provider->own.nelts; i++) {
        if (own[i]->issuer.name.len == value[1].len
            && ngx_memcmp(own[i]->issuer.name.data, value[1].data,
                          value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "issuer \"%V\" is there twice, give each a "
                               "name of its own", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    pi = ngx_pcalloc(cf->pool, sizeof(ngx_para_issuer_t));
    if (pi == NULL) {
        return NGX_CONF_ERROR;
    }

    own = ngx_array_push(&provider->own);
    if (own == NULL) {
        return NGX_CONF_ERROR;
    }

    *own = pi;

    ngx_para_issuer_init(pi, &value[1], PARA_ISSUER_OWN);

    return ngx_para_provider_parse(cf, NGX_PARA_ISSUER_CONF, provider, pi);
}


char *
ngx_para_provider_state_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_provider_t *provider = conf;

    ngx_str_t  *value;

    if (provider->state_path.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    provider->state_path = value[1];

    return ngx_para_keys_file_directory(cf, &provider->state_path);
}


ngx_para_provider_t *
ngx_para_provider_find(const ngx_para_providers_t *providers,
    const ngx_str_t *name)
{
    ngx_uint_t             i;
    ngx_para_provider_t  **pp;

    pp = providers->list.elts;

    for (i = 0; i < providers->list.nelts; i++) {
        if (pp[i]->name.len == name->len
            && ngx_memcmp(pp[i]->name.data, name->data, name->len) == 0)
        {
            return pp[i];
        }
    }

    return NULL;
}


static ngx_para_provider_t *
ngx_para_provider_create(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_para_provider_t  *provider;

    static const ngx_str_t  para = ngx_string("para");

    provider = ngx_pcalloc(cf->pool, sizeof(ngx_para_provider_t));
    if (provider == NULL) {
        return NULL;
    }

    provider->name = *name;
    provider->para_issuer = NGX_CONF_UNSET;
    provider->renew_window = NGX_CONF_UNSET;

    if (ngx_array_init(&provider->own, cf->pool, 2,
                       sizeof(ngx_para_issuer_t *))
        != NGX_OK)
    {
        return NULL;
    }

    ngx_para_issuer_init(&provider->para, &para, PARA_ISSUER_PARA);

    return provider;
}


/* Parses a block whose directives find the provider and the issuer. */

static char *
ngx_para_provider_parse(ngx_conf_t *cf, ngx_uint_t type,
    ngx_para_provider_t *provider, ngx_para_issuer_t *issuer)
{
    char                  *rv;
    void                 **srv, **loc;
    ngx_uint_t             i;
    ngx_conf_t             save;
    ngx_http_conf_ctx_t   *outer, ctx;

    srv = ngx_palloc(cf->temp_pool, ngx_http_max_module * sizeof(void *));
    loc = ngx_palloc(cf->temp_pool, ngx_http_max_module * sizeof(void *));

    if (srv == NULL || loc == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < ngx_http_max_module; i++) {
        srv[i] = provider;
        loc[i] = issuer;
    }

    outer = cf->ctx;

    ctx.main_conf = outer->main_conf;
    ctx.srv_conf = srv;
    ctx.loc_conf = loc;

    save = *cf;

    cf->ctx = &ctx;
    cf->cmd_type = type;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_para_provider_done(ngx_conf_t *cf, ngx_para_provider_t *provider,
    ngx_para_issuer_owner_t *owner)
{
    char                *rv;
    ngx_uint_t           i;
    ngx_para_issuer_t  **own;

    ngx_conf_init_value(provider->renew_window, NGX_PARA_RENEW_WINDOW);

    if (provider->api.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" does not say where Para is: write "
                           "\"environment beta;\" or another environment",
                           &provider->name);
        return NGX_CONF_ERROR;
    }

    rv = ngx_para_provider_api_keys(cf, provider);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_para_provider_done_para(cf, provider, owner);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    own = provider->own.elts;

    for (i = 0; i < provider->own.nelts; i++) {
        rv = ngx_para_issuer_done(cf, own[i], owner);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_para_provider_collect(cf, provider);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_para_provider_policies(cf, provider);
}


/* Para's own tokens: taken where there is no other issuer, or on demand. */

static char *
ngx_para_provider_done_para(ngx_conf_t *cf, ngx_para_provider_t *provider,
    const ngx_para_issuer_owner_t *owner)
{
    char               *rv;
    ngx_para_issuer_t  *para;

    para = &provider->para;

    if (provider->para_issuer == NGX_CONF_UNSET) {
        provider->para_issuer = (provider->own.nelts == 0);
    }

    if (!provider->para_issuer) {

        if (para->key_file.len || para->audience || para->any_audience) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "provider \"%V\" has \"key_file\" or "
                               "\"audience\" for Para's own tokens, but takes "
                               "only those of its issuers: remove them, or "
                               "write \"para_issuer on;\"", &provider->name);
        }

        return NGX_CONF_OK;
    }

    if (para->audience == NULL && !para->any_audience) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" has no \"audience\": Para's keys "
                           "sign the tokens of every Para app, so write the id "
                           "of your API key (\"audience any;\" would take "
                           "every app's users)", &provider->name);
        return NGX_CONF_ERROR;
    }

    if (para->key_file.len == 0) {
        rv = ngx_para_provider_jwks_uri(cf, provider);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return ngx_para_issuer_done(cf, para, owner);
}


/* Where Para publishes its keys, RFC 8615's well-known place. */

static char *
ngx_para_provider_jwks_uri(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    ngx_str_t  *uri;

    static const char  path[] = "/.well-known/jwks.json";

    uri = &provider->para.jwks_uri;

    uri->data = ngx_pnalloc(cf->pool, provider->api.len + sizeof(path));
    if (uri->data == NULL) {
        return NGX_CONF_ERROR;
    }

    uri->len = ngx_sprintf(uri->data, "%V%s%Z", &provider->api, path)
               - uri->data - 1;

    return NGX_CONF_OK;
}


static void
ngx_para_provider_take(ngx_para_provider_t *provider, ngx_para_issuer_t *pi)
{
    provider->issuers[provider->nissuers] = &pi->issuer;
    provider->sources[provider->nissuers] = pi->source;
    provider->nissuers++;
}


/* Tokens without iss must not find the same key with two issuers. */

static ngx_int_t
ngx_para_provider_check_sources(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    ngx_uint_t            i, j;
    const para_issuer_t  *a, *b;

    for (i = 0; i < provider->nissuers; i++) {
        a = provider->issuers[i];

        for (j = 0; j < i; j++) {
            b = provider->issuers[j];

            if (provider->sources[i]
                && provider->sources[i] == provider->sources[j]
                && a->iss.data == NULL && b->iss.data == NULL
                && (a->algorithms & b->algorithms))
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "provider \"%V\": issuers \"%*s\" and "
                                   "\"%*s\" have one key set and no \"iss\" "
                                   "to tell their tokens apart: give one an "
                                   "\"iss\"", &provider->name, a->name.len,
                                   a->name.data, b->name.len, b->name.data);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static char *
ngx_para_provider_collect(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    ngx_uint_t           i;
    const char          *why;
    ngx_para_issuer_t  **own;

    provider->issuers = ngx_palloc(cf->pool, (provider->own.nelts + 1)
                                             * sizeof(para_issuer_t *));
    provider->sources = ngx_palloc(cf->pool, (provider->own.nelts + 1)
                                             * sizeof(ngx_para_keys_t *));

    if (provider->issuers == NULL || provider->sources == NULL) {
        return NGX_CONF_ERROR;
    }

    if (provider->para_issuer) {
        ngx_para_provider_take(provider, &provider->para);
    }

    own = provider->own.elts;

    for (i = 0; i < provider->own.nelts; i++) {
        ngx_para_provider_take(provider, own[i]);
    }

    if (provider->nissuers == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" takes nobody's tokens: remove "
                           "\"para_issuer off;\" or add an \"issuer\" block",
                           &provider->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_para_provider_check_sources(cf, provider) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    why = para_issuers_check(provider->issuers, provider->nissuers);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "provider \"%V\": %s",
                           &provider->name, why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * A cached identity is good only under the policy that it was verified under,
 * and a cached session only for the API key that asked for it: both are part
 * of the keys in the cache, which outlives a reload.
 */

static char *
ngx_para_provider_policies(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    int             ok;
    u_char         *digests;
    size_t          size;
    ngx_uint_t      i;
    para_span_t     part[4];
    para_digest_t  *digest;

    size = provider->nissuers * PARA_DIGEST_SIZE;

    digests = ngx_pnalloc(cf->temp_pool, size);
    digest = para_digest_create();

    if (digests == NULL || digest == NULL) {
        para_digest_free(digest);
        return NGX_CONF_ERROR;
    }

    part[0] = para_span(provider->name.data, provider->name.len);
    part[1] = para_span(provider->api.data, provider->api.len);
    part[2] = para_span(provider->secret_key.data, provider->secret_key.len);
    part[3] = para_span(provider->public_key.data, provider->public_key.len);

    ok = para_digest_key(digest, provider->session_policy, part, 4);

    for (i = 0; i < provider->nissuers; i++) {
        ok = ok && ngx_para_issuer_digest(digest, provider->issuers[i],
                                          digests + i * PARA_DIGEST_SIZE);
    }

    part[0] = para_span(provider->session_policy, PARA_DIGEST_SIZE);
    part[1] = para_span(digests, size);

    ok = ok && para_digest_key(digest, provider->token_policy, part, 2);

    para_digest_free(digest);

    if (!ok) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "SHA-256 failed");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
