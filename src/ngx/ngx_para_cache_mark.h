/*
 * What the store has beside verdicts: marks of what is being asked, by whom,
 * and of what failed.
 */

#ifndef NGX_PARA_CACHE_MARK_H
#define NGX_PARA_CACHE_MARK_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_para_store.h"


/* ms, longer than any call: only a death that kill() does not tell takes it */
#define NGX_PARA_CACHE_LEASE  15000


/*
 * They share the table with verdicts, whose keys are digests: other keys for
 * the same things are made by a change of the last byte.
 */

typedef enum {
    NGX_PARA_CACHE_FLIGHT = 0x10,
    NGX_PARA_CACHE_PAYER = 0x20,
    NGX_PARA_CACHE_BREAKER = 0x40
} ngx_para_cache_mark_e;


static ngx_inline void
ngx_para_cache_mark_key(u_char *mark, const u_char *key,
    ngx_para_cache_mark_e kind)
{
    ngx_memcpy(mark, key, NGX_PARA_STORE_KEY_SIZE);
    mark[NGX_PARA_STORE_KEY_SIZE - 1] ^= kind;
}


static ngx_inline void *
ngx_para_cache_find_mark(ngx_para_store_sh_t *sh, const u_char *key,
    ngx_para_cache_mark_e kind)
{
    u_char  mark[NGX_PARA_STORE_KEY_SIZE];

    ngx_para_cache_mark_key(mark, key, kind);

    return ngx_para_store_find(sh, mark);
}


static ngx_inline void
ngx_para_cache_link_mark(ngx_para_store_sh_t *sh, ngx_para_store_node_t *node,
    const u_char *key, ngx_para_cache_mark_e kind)
{
    u_char  mark[NGX_PARA_STORE_KEY_SIZE];

    ngx_para_cache_mark_key(mark, key, kind);
    ngx_para_store_link(sh, node, mark);
}


#endif /* NGX_PARA_CACHE_MARK_H */
