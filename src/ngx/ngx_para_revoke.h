/*
 * Who and what an operator has ended of a provider: in shared memory for all
 * workers, and on disk for the next start.
 */

#ifndef NGX_PARA_REVOKE_H
#define NGX_PARA_REVOKE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_revocation.h"


#define NGX_PARA_REVOKE_SIZE      1048576         /* bytes of the zone, unless
                                                     given: see the README */
#define NGX_PARA_REVOKE_NAME_MAX  200             /* bytes of a provider's name,
                                                     part of a file's */


typedef struct {
    ngx_shm_zone_t  *zone;
    size_t           size;        /* of it, as configured */
    ngx_str_t        file;
    ngx_str_t        temp;        /* the next file, while it is written */
    ngx_cycle_t     *cycle;
} ngx_para_revoke_t;


typedef enum {
    NGX_PARA_REVOKE_DONE = 0,
    NGX_PARA_REVOKE_FULL,         /* nothing has changed */
    NGX_PARA_REVOKE_NO_SPACE,     /* it holds, but is not on disk, ... */
    NGX_PARA_REVOKE_UNSAVED       /* ... for this or another reason */
} ngx_para_revoke_e;


/*
 * The list of a provider under a directory for state, and a zone of that size
 * (bytes) and tag.  Its file is loaded when nginx starts or reloads, and a file
 * that cannot be read is an error.  NULL: no memory.
 */
ngx_para_revoke_t *ngx_para_revoke_add(ngx_conf_t *cf, const ngx_str_t *name,
    const ngx_str_t *state_path, size_t size, void *tag);

/* Ends it in all workers, then on disk.  What both fail of is in the log. */
ngx_para_revoke_e ngx_para_revoke_put(ngx_para_revoke_t *revoke,
    para_revocation_t *revocation, ngx_log_t *log);


#endif /* NGX_PARA_REVOKE_H */
