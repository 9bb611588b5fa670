/*
 * Who and what has been ended, as all workers know it: a table of fixed entries
 * in a shared memory zone of its own, which no cache can crowd out and which
 * survives a reload.  Nothing in it goes before its end.
 */

#ifndef NGX_PARA_REVOKE_ZONE_H
#define NGX_PARA_REVOKE_ZONE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_revocation.h"


/*
 * In the zone's init handler: takes over what is there, or begins anew with as
 * many entries as fit.
 */
ngx_int_t ngx_para_revoke_zone_open(ngx_shm_zone_t *zone);

/*
 * Another number than ever before once something has been put in, also over
 * zones that begin anew.  Without the lock.
 */
ngx_atomic_uint_t ngx_para_revoke_zone_generation(ngx_shm_zone_t *zone);

/*
 * Puts one in, or makes the one under its key last longer: then revocation is
 * what both make.  now is in seconds since the epoch.  NGX_OK; NGX_DECLINED if
 * the zone is full of what has not ended.
 */
ngx_int_t ngx_para_revoke_zone_put(ngx_shm_zone_t *zone,
    para_revocation_t *revocation, time_t now);

/* Whether any of the keys has been ended: a reason of para_revocation_check. */
para_reason_e ngx_para_revoke_zone_check(ngx_shm_zone_t *zone,
    const para_revocation_keys_t *keys, time_t now);

/*
 * Copies up to n entries that have not ended, from the entry *from on, which it
 * moves.  Returns how many; 0: there are no more.
 */
ngx_uint_t ngx_para_revoke_zone_copy(ngx_shm_zone_t *zone, ngx_uint_t *from,
    para_revocation_t *copy, ngx_uint_t n, time_t now);

/* How many have not ended. */
ngx_uint_t ngx_para_revoke_zone_count(ngx_shm_zone_t *zone, time_t now);

/* Whether something is in it that could not be written to disk. */
void ngx_para_revoke_zone_set_unsaved(ngx_shm_zone_t *zone,
    ngx_uint_t unsaved);
ngx_uint_t ngx_para_revoke_zone_unsaved(ngx_shm_zone_t *zone);


#endif /* NGX_PARA_REVOKE_ZONE_H */
