/*
 * Numbers that only grow, of all workers together.  They have a shared memory
 * zone of their own, which survives a reload and the death of a worker, and
 * nobody locks it.
 */

#ifndef NGX_PARA_COUNTERS_H
#define NGX_PARA_COUNTERS_H

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * While the configuration is read: n numbers, 0 at first.  The same name, n and
 * tag are the same numbers after a reload.  NULL if memory is out.
 */
ngx_shm_zone_t *ngx_para_counters_create(ngx_conf_t *cf,
    const ngx_str_t *name, ngx_uint_t n, void *tag);

/* Of the i-th, from 0; not before workers run. */
void ngx_para_counters_add(ngx_shm_zone_t *zone, ngx_uint_t i);
ngx_uint_t ngx_para_counters_read(ngx_shm_zone_t *zone, ngx_uint_t i);


#endif /* NGX_PARA_COUNTERS_H */
