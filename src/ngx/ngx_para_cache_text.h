/*
 * Texts that are dear to make and good for a while, in the same shared memory
 * as all that is known: all workers use what one has made.  They have a bounded
 * share, and where there is no room they are not kept.
 */

#ifndef NGX_PARA_CACHE_TEXT_H
#define NGX_PARA_CACHE_TEXT_H

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Looks for a text (key of NGX_PARA_STORE_KEY_SIZE bytes) that is good until
 * after now (seconds since the epoch), and copies it into the pool.  NGX_OK,
 * NGX_DECLINED if there is none, NGX_ERROR if memory is out.
 */
ngx_int_t ngx_para_cache_text_lookup(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, ngx_pool_t *pool, ngx_str_t *text);

/* Keeps a text until that second. */
void ngx_para_cache_text_store(ngx_shm_zone_t *zone, const u_char *key,
    time_t until, const ngx_str_t *text);


#endif /* NGX_PARA_CACHE_TEXT_H */
