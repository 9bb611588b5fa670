/*
 * Para's API keys: what the provider identifies itself with.
 */

#include "ngx_para_provider.h"
#include "ngx_para_file.h"


#define NGX_PARA_SECRET_MAX  4096               /* bytes of a file */


static char *ngx_para_provider_read_secret(ngx_conf_t *cf,
    ngx_para_provider_t *provider);
static char *ngx_para_provider_check_public(ngx_conf_t *cf,
    const ngx_para_provider_t *provider);
static ngx_uint_t ngx_para_provider_key_safe(const ngx_str_t *key);


char *
ngx_para_provider_api_keys(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    char  *rv;

    rv = ngx_para_provider_read_secret(cf, provider);

    return rv == NGX_CONF_OK ? ngx_para_provider_check_public(cf, provider)
                             : rv;
}


static char *
ngx_para_provider_read_secret(ngx_conf_t *cf, ngx_para_provider_t *provider)
{
    ngx_str_t  *key;

    if (provider->secret_key_file.len == 0) {
        return NGX_CONF_OK;
    }

    key = &provider->secret_key;

    if (ngx_para_file_read(cf, &provider->secret_key_file,
                           NGX_PARA_SECRET_MAX, key, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    while (key->len && (key->data[key->len - 1] == LF
                        || key->data[key->len - 1] == CR))
    {
        key->len--;
    }

    if (!ngx_para_provider_key_safe(key)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must hold Para's secret API key and nothing "
                           "else, on one line", &provider->secret_key_file);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_para_provider_check_public(ngx_conf_t *cf,
    const ngx_para_provider_t *provider)
{
    const ngx_str_t  *key;

    key = &provider->public_key;

    if (key->data == NULL) {
        return NGX_CONF_OK;
    }

    if (!ngx_para_provider_key_safe(key)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"public_key\" of provider \"%V\" must be Para's "
                           "public API key, without spaces", &provider->name);
        return NGX_CONF_ERROR;
    }

    if (key->len == provider->secret_key.len
        && ngx_memcmp(key->data, provider->secret_key.data, key->len) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"public_key\" of provider \"%V\" is the secret "
                           "API key: write the public one, and give the "
                           "secret one up, because it stood where many can "
                           "read it", &provider->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* RFC 9110 5.5: what a header value may hold, without the spaces in it */

static ngx_uint_t
ngx_para_provider_key_safe(const ngx_str_t *key)
{
    size_t  i;

    for (i = 0; i < key->len; i++) {
        if (key->data[i] <= ' ' || key->data[i] >= 0x7f) {
            return 0;
        }
    }

    return key->len != 0;
}
