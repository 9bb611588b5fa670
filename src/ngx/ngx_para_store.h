/*
 * A table in shared memory: entries under 32-byte keys, of bounded memory, the
 * least recently used going first.  What it keeps is its user's affair; what it
 * is afraid of is its own: full zones, and workers that die inside.  The only
 * code that takes the lock of such a zone.
 */

#ifndef NGX_PARA_STORE_H
#define NGX_PARA_STORE_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_PARA_STORE_KEY_SIZE   32
#define NGX_PARA_STORE_AREA_SIZE  128           /* bytes for the user */


/*
 * Who goes when there is no room: the poor ones; then the good ones, but not
 * for a poor one.  To what one user can have many of, and to what can be made
 * anew, they lose no more than a part at a time, whatever he sends: such a pool
 * takes others' room while it has less than half of its share, at a KB for each
 * entry.  That is an eighth of the zone, and up to a quarter of one whose size
 * is no power of two.  From there on one goes for another, and so it does when
 * there is nothing else to take.
 */

typedef enum {
    NGX_PARA_STORE_GOOD = 0,      /* as many as fit */
    NGX_PARA_STORE_POOR,          /* an eighth; they go first */
    NGX_PARA_STORE_SPELT,         /* what one thing can have many of: a quarter;
                                     see above */
    NGX_PARA_STORE_FLIGHT,        /* a quarter; a full pool takes no more */
    NGX_PARA_STORE_LANDED,        /* an eighth; one for another */
    NGX_PARA_STORE_PAYER,         /* an eighth; one for another */
    NGX_PARA_STORE_BREAKER,       /* a few; one for another */
    NGX_PARA_STORE_TEXT,          /* what can be made anew: a quarter; see
                                     above */

    NGX_PARA_STORE_POOLS
} ngx_para_store_pool_e;


typedef struct ngx_para_store_sh_s    ngx_para_store_sh_t;
typedef struct ngx_para_store_node_s  ngx_para_store_node_t;


/* The head of every entry; the user's part follows. */

struct ngx_para_store_node_s {
    ngx_para_store_node_t   *next;    /* in the bucket */
    ngx_queue_t              queue;   /* least recently used last */
    u_char                   key[NGX_PARA_STORE_KEY_SIZE];
    unsigned                 pool:4;
    unsigned                 order:4; /* of its memory: 8 << order bytes */
    uint8_t                  kind;    /* the user's, like what follows */
    uint16_t                 len;
    uint32_t                 stamp;
};


/* The init handler of the zone, whose data is the store's. */
ngx_int_t ngx_para_store_init_zone(ngx_shm_zone_t *zone, void *data);

/*
 * Everything else happens between these.  NULL, with the lock held all the
 * same, if there is nothing to work with.
 */
ngx_para_store_sh_t *ngx_para_store_lock(ngx_shm_zone_t *zone);
void ngx_para_store_unlock(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh);

/* The entry under a key, NULL if there is none.  It counts as no use of it. */
ngx_para_store_node_t *ngx_para_store_find(ngx_para_store_sh_t *sh,
    const u_char *key);

/*
 * Zeroed memory for an entry, evicting others for it; NULL if there is none.
 * Poor entries have a bounded share, and never push out others.  It is to be
 * filled before it is linked, so that nobody ever finds half of one.
 */
ngx_para_store_node_t *ngx_para_store_alloc(ngx_shm_zone_t *zone,
    ngx_para_store_sh_t *sh, size_t size, ngx_para_store_pool_e pool);
void ngx_para_store_link(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node, const u_char *key);

/* Takes an entry out, and gives its memory back. */
void ngx_para_store_delete(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node);

/* It was of use: it goes last. */
void ngx_para_store_touch(ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node);

/* Puts an entry among others, which make room for it. */
void ngx_para_store_move(ngx_shm_zone_t *zone, ngx_para_store_sh_t *sh,
    ngx_para_store_node_t *node, ngx_para_store_pool_e pool);

/* The least recently used one, NULL if there is none. */
ngx_para_store_node_t *ngx_para_store_last(ngx_para_store_sh_t *sh,
    ngx_para_store_pool_e pool);

/* How many entries a pool has; 1 if those are all that it may have. */
ngx_uint_t ngx_para_store_count(ngx_para_store_sh_t *sh,
    ngx_para_store_pool_e pool);
ngx_uint_t ngx_para_store_is_full(ngx_para_store_sh_t *sh,
    ngx_para_store_pool_e pool);

/* A number that was never given before, and is not 0. */
uint64_t ngx_para_store_serial(ngx_para_store_sh_t *sh);

/*
 * NGX_PARA_STORE_AREA_SIZE bytes of the user's, zeroed when the table begins.
 * The latter without the lock, for a look at single words: NULL if there is no
 * table.
 */
void *ngx_para_store_area(ngx_para_store_sh_t *sh);
void *ngx_para_store_peek(ngx_shm_zone_t *zone);


#endif /* NGX_PARA_STORE_H */
