#include "ngx_para_upstream.h"


/* nginx has no header for it; the first member of its location configuration
 * is ngx_http_upstream_conf_t, as in all upstream modules */

extern ngx_module_t  ngx_http_proxy_module;


static ngx_int_t ngx_para_upstream_check_answer(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const ngx_http_upstream_conf_t *ucf);
static ngx_int_t ngx_para_upstream_check_variables(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream);
static ngx_uint_t ngx_para_upstream_used(ngx_conf_t *cf,
    const ngx_str_t *name);
static ngx_int_t ngx_para_upstream_check_host(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, ngx_http_upstream_conf_t *ucf);
static ngx_int_t ngx_para_upstream_check_resolution(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream);
static ngx_uint_t ngx_para_upstream_is_api(const ngx_para_upstream_api_t *api,
    const ngx_str_t *host, in_port_t port);
static void ngx_para_upstream_bad_pass(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const char *text);
static void ngx_para_upstream_error(ngx_uint_t level, ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const char *text);


/* What tells Para who asks, and what about, where the body does not. */

typedef struct {
    ngx_para_endpoint_e  endpoint;
    ngx_str_t            variable;
    char                *text;
} ngx_para_upstream_need_t;


static const ngx_para_upstream_need_t  ngx_para_upstream_needs[] = {

    { NGX_PARA_VERIFY, ngx_string("para_auth_secret_key"),
      "Para would not know who asks: write \"proxy_set_header "
      "X-External-API-Key $para_auth_secret_key;\"" },

    { NGX_PARA_TOUCH, ngx_string("para_auth_public_key"),
      "Para would not know who asks: write \"proxy_set_header "
      "X-External-API-Key $para_auth_public_key;\"" },

    { NGX_PARA_TOUCH, ngx_string("para_auth_session_cookie"),
      "Para would not know of which session: write \"proxy_set_header "
      "X-Capsule-Sid $para_auth_session_cookie;\"" },

    { NGX_PARA_WALLETS, ngx_string("para_auth_secret_key"),
      "Para would not know who asks: write \"proxy_set_header "
      "X-External-API-Key $para_auth_secret_key;\"" },

    { NGX_PARA_ENDPOINTS, ngx_null_string, NULL }
};


char *
ngx_para_upstream_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                  *value;
    ngx_para_endpoint_e         endpoint;
    ngx_para_upstream_t        *upstream, **up;
    ngx_http_core_loc_conf_t   *clcf;

    up = (ngx_para_upstream_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (*up) {
        return "is duplicate, mark another location";
    }

    endpoint = ngx_para_endpoint_find(&value[2]);

    if (endpoint == NGX_PARA_ENDPOINTS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown endpoint \"%V\", it is one of \"verify\", "
                           "\"touch\" and \"wallets\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* any other kind could be entered by a URI that is not its name */

    if (!clcf->exact_match) {
        return "stands in an exact location only, as in \"location = "
               "/_para_auth/verify\"";
    }

    upstream = ngx_palloc(cf->pool, sizeof(ngx_para_upstream_t));
    if (upstream == NULL) {
        return NGX_CONF_ERROR;
    }

    upstream->uri = clcf->name;
    upstream->provider = value[1];
    upstream->endpoint = endpoint;
    upstream->clcf = clcf;
    upstream->file = cf->conf_file->file.name.data;
    upstream->line = cf->conf_file->line;

    *up = upstream;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_upstream_check(ngx_conf_t *cf, const ngx_para_upstream_t *upstream)
{
    ngx_http_upstream_conf_t  *ucf;

    ucf = upstream->clcf->loc_conf[ngx_http_proxy_module.ctx_index];

    if (upstream->clcf->handler == NULL) {
        ngx_para_upstream_bad_pass(cf, upstream,
                                   "it has no proxy_pass to Para");
        return NGX_ERROR;
    }

    if (ngx_para_upstream_check_answer(cf, upstream, ucf) != NGX_OK) {
        return NGX_ERROR;
    }

#if (NGX_HTTP_SSL)
    if (upstream->api.tls && !ucf->ssl_verify) {
        ngx_para_upstream_error(NGX_LOG_WARN, cf, upstream,
                                "keys and sessions go to whoever "
                                "answers: write \"proxy_ssl_verify on;\" and "
                                "\"proxy_ssl_trusted_certificate\"");
    }
#endif

    if (ngx_para_upstream_check_variables(cf, upstream) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_para_upstream_check_host(cf, upstream, ucf);
}


/* Nothing may stand between Para and the module, either way. */

static ngx_int_t
ngx_para_upstream_check_answer(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const ngx_http_upstream_conf_t *ucf)
{
#if (NGX_HTTP_CACHE)
    if (ucf->cache) {
        ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream,
                                "an answer from a cache is no verdict: write "
                                "\"proxy_cache off;\"");
        return NGX_ERROR;
    }
#endif

    if (ucf->store > 0) {
        ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream,
                                "Para's answers must not be kept in files: "
                                "write \"proxy_store off;\"");
        return NGX_ERROR;
    }

    if (ucf->intercept_errors) {
        ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream,
                                "an error page is no verdict: write "
                                "\"proxy_intercept_errors off;\"");
        return NGX_ERROR;
    }

    if (!ucf->pass_request_headers || !ucf->pass_request_body) {
        ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream,
                                "Para must get the request as it is: write "
                                "\"proxy_pass_request_headers on;\" and "
                                "\"proxy_pass_request_body on;\"");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_para_upstream_check_variables(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream)
{
    const ngx_para_upstream_need_t  *need;

    for (need = ngx_para_upstream_needs; need->text; need++) {

        if (need->endpoint == upstream->endpoint
            && !ngx_para_upstream_used(cf, &need->variable))
        {
            ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream, need->text);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_para_upstream_leads_to_api(ngx_http_request_t *r,
    const ngx_para_upstream_t *upstream)
{
    ngx_http_upstream_t            *u;
    const ngx_para_upstream_api_t  *api;

    u = r->upstream;
    api = &upstream->api;

    if (u == NULL || u->request_sent
        || (void *) u->conf
           != ngx_http_get_module_loc_conf(r, ngx_http_proxy_module))
    {
        return 0;
    }

#if (NGX_HTTP_SSL)
    if (api->tls && !u->ssl) {
        return 0;
    }
#endif

    if (u->resolved) {
        return ngx_para_upstream_is_api(api, &u->resolved->host,
                                        u->resolved->port);
    }

    return ngx_para_upstream_is_api(api, &u->conf->upstream->host,
                                    u->conf->upstream->port);
}


/*
 * 1 if a variable is used in the configuration: where cannot be seen, nginx
 * only knows that it is.
 */

static ngx_uint_t
ngx_para_upstream_used(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        if (v[i].name.len == name->len
            && ngx_strncmp(v[i].name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_para_upstream_check_host(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, ngx_http_upstream_conf_t *ucf)
{
    ngx_uint_t                     tls;
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = ucf->upstream;

#if (NGX_HTTP_SSL)

    /* since nginx 1.23.1 a plain one has ->ssl too, but nothing in it */

    tls = (ucf->ssl && ucf->ssl->ctx);

    /* a variable may say https, so proxy_pass has made ready for that */

    if (uscf == NULL && !tls) {
        ngx_para_upstream_bad_pass(cf, upstream,
                                   "it has no proxy_pass to Para");
        return NGX_ERROR;
    }
#else
    tls = 0;
#endif

    if (uscf == NULL) {

        /* proxy_pass with a variable: the host is known by its name only */

        return ngx_para_upstream_check_resolution(cf, upstream);
    }

    if (tls != upstream->api.tls
        || !ngx_para_upstream_is_api(&upstream->api, &uscf->host, uscf->port))
    {
        ngx_para_upstream_bad_pass(cf, upstream,
                                   "its proxy_pass leads to another host than "
                                   "the provider's \"environment\" or \"api\", "
                                   "which would get keys and sessions");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_para_upstream_check_resolution(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream)
{
    ngx_uint_t                       i;
    const ngx_para_upstream_api_t   *api;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    api = &upstream->api;

    /* an address needs neither */

    if (ngx_inet_addr(api->host.data, api->host.len) != INADDR_NONE
        || api->host.data[0] == '[')
    {
        return NGX_OK;
    }

    if (upstream->clcf->resolver->connections.nelts) {
        return NGX_OK;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscfp = umcf->upstreams.elts;

    /* an upstream{} has no port, and is found by a URL that names none */

    for (i = 0; i < umcf->upstreams.nelts; i++) {
        if (((uscfp[i]->port == 0 && api->no_port)
             || uscfp[i]->port == api->port)
            && uscfp[i]->host.len == api->host.len
            && ngx_strncasecmp(uscfp[i]->host.data, api->host.data,
                               api->host.len)
               == 0)
        {
            return NGX_OK;
        }
    }

    ngx_para_upstream_error(NGX_LOG_EMERG, cf, upstream,
                            "nothing says where Para's host is: include "
                            "para-auth-upstream-*.conf of the environment in "
                            "http{}, or write a \"resolver\"");

    return NGX_ERROR;
}


static void
ngx_para_upstream_bad_pass(ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const char *text)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "para_auth_upstream in location \"%V\" in %s:%ui: %s: write "
                  "\"proxy_pass $para_auth_api%V;\"", &upstream->uri,
                  upstream->file, upstream->line, text,
                  ngx_para_endpoint_path(upstream->endpoint));
}


/* An upstream{} has no port, 0 here. */

static ngx_uint_t
ngx_para_upstream_is_api(const ngx_para_upstream_api_t *api,
    const ngx_str_t *host, in_port_t port)
{
    return host->len == api->host.len
           && ngx_strncasecmp(host->data, api->host.data, host->len) == 0
           && (port == 0 || port == api->port);
}


static void
ngx_para_upstream_error(ngx_uint_t level, ngx_conf_t *cf,
    const ngx_para_upstream_t *upstream, const char *text)
{
    ngx_log_error(level, cf->log, 0,
                  "para_auth_upstream in location \"%V\" in %s:%ui: %s",
                  &upstream->uri, upstream->file, upstream->line, text);
}
