/*
 * Small files that the master reads while it configures: keys and secrets.
 */

#ifndef NGX_PARA_FILE_H
#define NGX_PARA_FILE_H

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Reads a file of at most max bytes, path relative to nginx.conf, into memory
 * that is left out of core dumps, and cleansed when the cycle ends.  *mode is
 * the file's; if mode is NULL, it holds a secret, and nothing is read of one
 * that everybody may read.  Says itself what is wrong and returns NGX_ERROR.
 */
ngx_int_t ngx_para_file_read(ngx_conf_t *cf, ngx_str_t *path, size_t max,
    ngx_str_t *text, ngx_uint_t *mode);

/* Refuses, with what to do, a file that everybody may read. */
ngx_int_t ngx_para_file_check_secret(ngx_conf_t *cf, const ngx_str_t *path,
    ngx_uint_t mode);


#endif /* NGX_PARA_FILE_H */
