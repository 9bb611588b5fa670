#include "ngx_para_fetch.h"
#include "ngx_para_file.h"
#include "ngx_para_trust.h"


typedef struct {
    ngx_str_t      file;              /* as written, empty: the system's */
    para_trust_t  *trust;
} ngx_para_trust_t;


static ngx_para_trust_t *ngx_para_trust_find(ngx_conf_t *cf,
    const ngx_str_t *file);
static para_trust_t *ngx_para_trust_read(ngx_conf_t *cf,
    const ngx_str_t *file);
static void ngx_para_trust_cleanup(void *data);


const para_trust_t *
ngx_para_trust_get(ngx_conf_t *cf, const ngx_str_t *file)
{
    ngx_para_trust_t    *known;
    ngx_pool_cleanup_t  *cln;

    known = ngx_para_trust_find(cf, file);

    if (known) {
        return known->trust;
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_para_trust_t));
    if (cln == NULL) {
        return NULL;
    }

    known = cln->data;
    known->file = *file;
    known->trust = ngx_para_trust_read(cf, file);

    cln->handler = ngx_para_trust_cleanup;

    return known->trust;
}


/* Among the things that end with this configuration. */

static ngx_para_trust_t *
ngx_para_trust_find(ngx_conf_t *cf, const ngx_str_t *file)
{
    ngx_para_trust_t    *known;
    ngx_pool_cleanup_t  *cln;

    for (cln = cf->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_para_trust_cleanup) {
            continue;
        }

        known = cln->data;

        if (known->file.len == file->len
            && (file->len == 0
                || ngx_memcmp(known->file.data, file->data, file->len) == 0))
        {
            return known;
        }
    }

    return NULL;
}


static para_trust_t *
ngx_para_trust_read(ngx_conf_t *cf, const ngx_str_t *file)
{
    ngx_str_t      path, pem;
    ngx_uint_t     mode;
    const char    *why;
    para_trust_t  *trust;

    path = *file;

    if (path.len == 0 && ngx_para_fetch_default_trust(&path) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "libcurl does not know where this system keeps its "
                           "CA certificates: name the file with "
                           "\"jwks_trusted_certificate\"");
        return NULL;
    }

    if (ngx_para_file_read(cf, &path, PARA_TRUST_MAX_SIZE, &pem, &mode)
        != NGX_OK)
    {
        return NULL;
    }

    trust = para_trust_parse(para_span(pem.data, pem.len), &why);

    if (trust == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "jwks_trusted_certificate \"%V\": %s", &path, why);
    }

    return trust;
}


static void
ngx_para_trust_cleanup(void *data)
{
    ngx_para_trust_t *known = data;

    para_trust_free(known->trust);
}
