/*
 * Where Para is: one of its environments, or another URL.
 */

#include "ngx_para_provider.h"


typedef struct {
    ngx_str_t  name;
    ngx_str_t  api;
} ngx_para_environment_t;


static char *ngx_para_provider_parse_api(ngx_conf_t *cf,
    ngx_para_provider_t *provider);
static ngx_uint_t ngx_para_provider_loopback(const ngx_str_t *host);


static const ngx_para_environment_t  ngx_para_environments[] = {
    { ngx_string("beta"), ngx_string("https://api.beta.getpara.com") },
    { ngx_string("production"), ngx_string("https://api.getpara.com") },
    { ngx_string("sandbox"), ngx_string("https://api.sandbox.getpara.com") },
    { ngx_null_string, ngx_null_string }
};


char *
ngx_para_provider_environment(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_provider_t *provider = conf;

    ngx_str_t                     *value;
    const ngx_para_environment_t  *env;

    if (provider->api.data) {
        return "is duplicate or stands beside \"api\", give one of them";
    }

    value = cf->args->elts;

    for (env = ngx_para_environments; env->name.len; env++) {

        if (env->name.len == value[1].len
            && ngx_strncmp(env->name.data, value[1].data, value[1].len) == 0)
        {
            provider->api = env->api;
            return ngx_para_provider_parse_api(cf, provider);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown environment \"%V\", it is one of \"beta\", "
                       "\"production\" and \"sandbox\"", &value[1]);

    return NGX_CONF_ERROR;
}


char *
ngx_para_provider_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_provider_t *provider = conf;

    ngx_str_t  *value;

    if (provider->api.data) {
        return "is duplicate or stands beside \"environment\", give one of "
               "them";
    }

    value = cf->args->elts;
    provider->api = value[1];

    return ngx_para_provider_parse_api(cf, provider);
}


static char *
ngx_para_provider_parse_api(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    ngx_url_t  url;

    ngx_memzero(&url, sizeof(ngx_url_t));

    url.no_resolve = 1;

    if (ngx_strncmp(provider->api.data, "https://", 8) == 0) {
        provider->tls = 1;
        url.url.data = provider->api.data + 8;
        url.url.len = provider->api.len - 8;
        url.default_port = 443;

    } else if (ngx_strncmp(provider->api.data, "http://", 7) == 0) {
        url.url.data = provider->api.data + 7;
        url.url.len = provider->api.len - 7;
        url.default_port = 80;

    } else {
        return "takes a URL as \"https://api.example.com\"";
    }

    if (provider->api.data[provider->api.len - 1] == '/') {
        return "takes a URL without a slash at its end";
    }

    url.uri_part = 1;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"",
                           url.err ? url.err : "bad host", &provider->api);
        return NGX_CONF_ERROR;
    }

    provider->host = url.host;
    provider->port = url.port;
    provider->no_port = url.no_port;

    if (provider->tls || ngx_para_provider_loopback(&url.host)) {
        return NGX_CONF_OK;
    }

    return "would send the secret key and sessions in the clear: use https, "
           "plain http is for an emulator on the loopback address";
}


static ngx_uint_t
ngx_para_provider_loopback(const ngx_str_t *host)
{
    return (host->len == 9 && ngx_strncmp(host->data, "localhost", 9) == 0)
           || (host->len == 5 && ngx_strncmp(host->data, "[::1]", 5) == 0)
           || ntohl(ngx_inet_addr(host->data, host->len)) >> 24 == 127;
}
