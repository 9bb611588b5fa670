/*
 * The last good key set on disk, so that a restart during an outage still
 * verifies.  Who can write there decides whom the gateway believes.
 */

#ifndef NGX_PARA_KEYS_FILE_H
#define NGX_PARA_KEYS_FILE_H

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Lets nginx's master make the directory (path relative to the prefix) with
 * mode 0700 for the user of the workers.  One that is there already must be
 * nobody else's.
 */
char *ngx_para_keys_file_directory(ngx_conf_t *cf, ngx_str_t *path);

/*
 * The set that the file holds of that URL: NGX_OK, text and fetched (s since
 * the epoch) set; text.data has PARA_JWKS_MAX_SIZE bytes.  NGX_DECLINED if
 * there is no file, NGX_ERROR if it cannot be believed, which is logged.
 */
ngx_int_t ngx_para_keys_file_read(const ngx_str_t *path, const ngx_str_t *url,
    ngx_str_t *text, time_t *fetched, ngx_log_t *log);

/*
 * Keeps a set in place of the one before.  NULL, or what failed (a static
 * string) and its errno, 0 if it has none: the caller knows whether that has
 * been told.
 */
const char *ngx_para_keys_file_write(const ngx_str_t *path,
    const ngx_str_t *url, const ngx_str_t *text, time_t fetched,
    ngx_err_t *err, ngx_log_t *log);


#endif /* NGX_PARA_KEYS_FILE_H */
