/*
 * How much is asked of Para: so much by one payer, so much at once, and next to
 * nothing while it is down.  For ngx_para_cache_ask.c, which has the lock.
 */

#ifndef NGX_PARA_CACHE_LIMIT_H
#define NGX_PARA_CACHE_LIMIT_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_para_cache_ask.h"
#include "ngx_para_store.h"


/* What an answer changed. */

typedef enum {
    NGX_PARA_CACHE_LIMIT_SAME = 0,
    NGX_PARA_CACHE_LIMIT_CLOSED,
    NGX_PARA_CACHE_LIMIT_OPENED,
    NGX_PARA_CACHE_LIMIT_HELD
} ngx_para_cache_limit_e;


/* NGX_OK, with ask->admitted; NGX_DECLINED, with ->down and ->retry_after. */
ngx_int_t ngx_para_cache_limit_admit(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, ngx_para_cache_ask_t *ask);

/* What was admitted has ended with a result, or without one. */
ngx_para_cache_limit_e ngx_para_cache_limit_feed(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, const ngx_para_cache_ask_t *ask,
    const ngx_para_result_t *result);
void ngx_para_cache_limit_abandon(ngx_para_store_sh_t *sh,
    const ngx_para_cache_ask_t *ask);

/* Logs it, without the lock. */
void ngx_para_cache_limit_report(ngx_para_cache_limit_e change,
    const ngx_para_result_t *result);


#endif /* NGX_PARA_CACHE_LIMIT_H */
