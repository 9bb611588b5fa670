#include "ngx_para_cache_text.h"
#include "ngx_para_store.h"


#define NGX_PARA_CACHE_TEXT_MAX  65535    /* bytes: the node's len has two */


typedef struct {
    ngx_para_store_node_t    node;        /* len is the text's */
    time_t                   until;       /* first second it is over */
    u_char                   data[];
} ngx_para_cache_text_t;


/* The store's node is the entry's head. */

static ngx_inline ngx_para_cache_text_t *
ngx_para_cache_text_find(ngx_para_store_sh_t *sh, const u_char *key)
{
    return (ngx_para_cache_text_t *) ngx_para_store_find(sh, key);
}


ngx_int_t
ngx_para_cache_text_lookup(ngx_shm_zone_t *zone, const u_char *key,
    time_t now, ngx_pool_t *pool, ngx_str_t *text)
{
    ngx_int_t               rc;
    ngx_para_store_sh_t    *sh;
    ngx_para_cache_text_t  *entry;

    rc = NGX_DECLINED;

    sh = ngx_para_store_lock(zone);
    entry = sh ? ngx_para_cache_text_find(sh, key) : NULL;

    if (entry && entry->until > now) {

        text->len = entry->node.len;
        text->data = ngx_pnalloc(pool, text->len);
        rc = NGX_ERROR;

        if (text->data) {
            ngx_memcpy(text->data, entry->data, text->len);
            ngx_para_store_touch(sh, &entry->node);
            rc = NGX_OK;
        }
    }

    ngx_para_store_unlock(zone, sh);

    return rc;
}


void
ngx_para_cache_text_store(ngx_shm_zone_t *zone, const u_char *key,
    time_t until, const ngx_str_t *text)
{
    ngx_para_store_sh_t    *sh;
    ngx_para_cache_text_t  *entry;

    if (text->len > NGX_PARA_CACHE_TEXT_MAX) {
        return;
    }

    sh = ngx_para_store_lock(zone);
    if (sh == NULL) {
        goto done;
    }

    entry = ngx_para_cache_text_find(sh, key);

    if (entry) {
        ngx_para_store_delete(zone, sh, &entry->node);
    }

    entry = (ngx_para_cache_text_t *)
                ngx_para_store_alloc(zone, sh,
                                     sizeof(ngx_para_cache_text_t) + text->len,
                                     NGX_PARA_STORE_TEXT);
    if (entry == NULL) {
        goto done;
    }

    entry->node.len = (uint16_t) text->len;
    entry->until = until;
    ngx_memcpy(entry->data, text->data, text->len);

    ngx_para_store_link(sh, &entry->node, key);

done:

    ngx_para_store_unlock(zone, sh);
}
