/*
 * A table in shared memory: entries under 32-byte keys, of bounded memory, the
 * least recently used going first.  What it keeps is its user's affair; what it
 * is afraid of is its own: full zones, and workers that die inside.
 */

#ifndef NGX_PARA_STORE_H
#define NGX_PARA_STORE_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_PARA_STORE_KEY_SIZE  32


typedef struct ngx_para_store_sh_s    ngx_para_store_sh_t;
typedef struct ngx_para_store_node_s  ngx_para_store_node_t;


/* The head of every entry; the user's part follows. */

struct ngx_para_store_node_s {
    ngx_para_store_node_t   *next;    /* in the bucket */
    ngx_queue_t              queue;   /* least recently used last */
    u_char                   key[NGX_PARA_STORE_KEY_SIZE];
    unsigned                 poor:1;
};


/* The init handler of the zone, whose data is the store's. */
ngx_int_t ngx_para_store_init_zone(ngx_shm_zone_t *zone, void *data);

/*
 * Everything else happens between these.  NULL, with the lock held all the
 * same, if there is nothing to work with.
 */
ngx_para_store_sh_t *ngx_para_store_lock(ngx_shm_zone_t *zone);
void ngx_para_store_unlock(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh);

ngx_para_store_node_t *ngx_para_store_find(ngx_para_store_sh_t *sh,
    const u_char *key);

/*
 * Zeroed memory for an entry, evicting others for it; NULL if there is none.
 * Poor entries have a bounded share, and never push out others.  It is to be
 * filled before it is linked, so that nobody ever finds half of one.
 */
ngx_para_store_node_t *ngx_para_store_alloc(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, size_t size, ngx_uint_t poor);
void ngx_para_store_link(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node, const u_char *key);

void ngx_para_store_delete(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node);

/* It was of use: it goes last. */
void ngx_para_store_touch(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node);

/* A number that was never given before. */
uint64_t ngx_para_store_serial(ngx_para_store_sh_t *sh);


#endif /* NGX_PARA_STORE_H */
