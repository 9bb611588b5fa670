#include "ngx_para_counters.h"


#define NGX_PARA_COUNTERS_SLAB  (8 * ngx_pagesize)  /* what a pool wants for
                                                        itself at most */


static ngx_int_t ngx_para_counters_init(ngx_shm_zone_t *zone, void *data);


ngx_shm_zone_t *
ngx_para_counters_create(ngx_conf_t *cf, const ngx_str_t *name, ngx_uint_t n,
    void *tag)
{
    size_t           size;
    ngx_str_t        s;
    ngx_shm_zone_t  *zone;

    /* more numbers are another zone: old workers go on with theirs */

    s.data = ngx_pnalloc(cf->pool, name->len + 1 + NGX_INT_T_LEN);
    if (s.data == NULL) {
        return NULL;
    }

    s.len = ngx_sprintf(s.data, "%V.%ui", name, n) - s.data;

    size = ngx_align(n * sizeof(ngx_atomic_t), ngx_pagesize);

    zone = ngx_shared_memory_add(cf, &s, size + NGX_PARA_COUNTERS_SLAB, tag);
    if (zone == NULL) {
        return NULL;
    }

    zone->init = ngx_para_counters_init;

    return zone;
}


static ngx_int_t
ngx_para_counters_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (shpool->data == NULL) {
        shpool->data = ngx_slab_calloc(shpool, zone->shm.size
                                               - NGX_PARA_COUNTERS_SLAB);
    }

    zone->data = shpool->data;

    return zone->data ? NGX_OK : NGX_ERROR;
}


void
ngx_para_counters_add(ngx_shm_zone_t *zone, ngx_uint_t i)
{
    ngx_atomic_t  *count;

    count = zone->data;

    (void) ngx_atomic_fetch_add(&count[i], 1);
}


ngx_uint_t
ngx_para_counters_read(ngx_shm_zone_t *zone, ngx_uint_t i)
{
    ngx_atomic_t  *count;

    count = zone->data;

    return count[i];
}
