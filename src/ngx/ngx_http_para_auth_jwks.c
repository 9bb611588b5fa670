/*
 * para_auth_jwks: the public keys that assertions are verified with.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_private_key.h"


#define NGX_HTTP_PARA_AUTH_JWKS_CONTROL  "max-age=300"


static ngx_int_t ngx_http_para_auth_jwks_handler(ngx_http_request_t *r);


char *
ngx_http_para_auth_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char  *rv;

    rv = ngx_http_para_auth_content(cf, ngx_http_para_auth_jwks_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    lcf->jwks = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_place_t));

    if (lcf->jwks == NULL
        || ngx_http_para_auth_note(cf, lcf->jwks, cmd,
                                   "has no keys to show: there is no "
                                   "\"para_auth_assertion\" in http{}")
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* All directives have been read when this is called: all keys are known. */

char *
ngx_http_para_auth_merge_jwks(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_http_para_auth_loc_conf_t *lcf)
{
    size_t  size;

    if (lcf->jwks == NULL || mcf->signing_keys.nelts == 0) {
        return NGX_CONF_OK;
    }

    lcf->jwks->used = 1;

    if (mcf->jwks.data) {
        return NGX_CONF_OK;
    }

    size = PARA_PUBLIC_SET_MAX(mcf->signing_keys.nelts);

    mcf->jwks.data = ngx_pnalloc(cf->pool, size);
    if (mcf->jwks.data == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->jwks.len = para_private_key_publish(mcf->jwks.data, size,
                                             mcf->signing_keys.elts,
                                             mcf->signing_keys.nelts);

    return mcf->jwks.len ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_para_auth_jwks_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_para_auth_main_conf_t  *mcf;

    rc = ngx_http_para_auth_content_get(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_para_auth_content_header(r, "Cache-Control",
                                          NGX_HTTP_PARA_AUTH_JWKS_CONTROL)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "application/jwk-set+json");

    return ngx_http_para_auth_content_text(r, &mcf->jwks);
}
