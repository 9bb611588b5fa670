/*
 * What was found out, in shared memory: verdicts on sessions and finished
 * identities.  Keys are digests of the credentials, never the credentials.
 * Fixed memory: the least recently used goes first, and refusals have a bounded
 * share of their own, so that junk cannot push out good entries.
 */

#ifndef NGX_PARA_CACHE_H
#define NGX_PARA_CACHE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_digest.h"
#include "../core/para_renewal.h"


#define NGX_PARA_CACHE_KEY_SIZE  PARA_DIGEST_SIZE


typedef struct {
    ngx_str_t    record;      /* para_session_t's fields; if active */
    unsigned     active:1;    /* else: Para said that it has ended */
    unsigned     renew:1;     /* it counts, and the caller is to renew it: told
                                 to one, and to the next after a pause */
    unsigned     known:1;     /* it does not count, but was active */
} ngx_para_cache_session_t;


/*
 * Setter of para_auth_zone; cmd->offset leads to ngx_shm_zone_t*, cmd->post is
 * the tag.
 */
char *ngx_para_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Looks for Para's word on a session that counts by the policy.  The record is
 * copied into the pool.  NGX_OK, NGX_DECLINED if there is none, NGX_ERROR if
 * memory is out.
 */
ngx_int_t ngx_para_cache_session_lookup(ngx_shm_zone_t *zone,
    const u_char *key, const para_renewal_policy_t *policy, ngx_pool_t *pool,
    ngx_para_cache_session_t *session);

/*
 * The same after Para could not be asked, if para_renewal_bridges() its
 * failure: also what is stale, but nothing that has ended.
 */
ngx_int_t ngx_para_cache_session_bridge(ngx_shm_zone_t *zone,
    const u_char *key, const para_renewal_policy_t *policy, ngx_pool_t *pool,
    ngx_para_cache_session_t *session);

/* The same, however old it is: for those who waited for just this. */
ngx_int_t ngx_para_cache_session_read(ngx_shm_zone_t *zone,
    const u_char *key, ngx_pool_t *pool, ngx_para_cache_session_t *session);

/*
 * Keeps Para's word as of the moment when it was asked (ngx_current_msec),
 * unless the cache has a later one.  Without memory it is not kept.
 */
void ngx_para_cache_session_store(ngx_shm_zone_t *zone, const u_char *key,
    const ngx_para_cache_session_t *session, ngx_msec_t asked);

/*
 * Para has answered a question of that moment (ngx_current_msec) with neither:
 * the session counts as long as it would, and then bridges nothing, until Para
 * confirms it.
 */
void ngx_para_cache_session_doubt(ngx_shm_zone_t *zone, const u_char *key,
    ngx_msec_t asked);

/*
 * 1 for the one caller that may have Para extend this session now: there is
 * none else until interval (ms, at most a day) has passed.
 */
ngx_uint_t ngx_para_cache_extend(ngx_shm_zone_t *zone, const u_char *key,
    ngx_msec_t interval);

/*
 * Looks for an identity that ends after now (seconds since the epoch).  One
 * that was stored with a session is found only while that session is active in
 * the cache and counts by the policy; if the caller is to renew it (see above),
 * *renew is set, and session (NGX_PARA_CACHE_KEY_SIZE) is its key.  Returns as
 * above.
 */
ngx_int_t ngx_para_cache_identity_lookup(ngx_shm_zone_t *zone,
    const u_char *key, time_t now, const para_renewal_policy_t *policy,
    ngx_pool_t *pool, ngx_str_t *record, u_char *session, ngx_uint_t *renew);

/*
 * Keeps an identity until end.  session is the key of the session that it is
 * bound to, and session_record what it was matched with; NULL for none.  It is
 * not kept if the cache no longer says that of the session.  spelt: one session
 * can have any number of these, which then have a bounded share.
 */
void ngx_para_cache_identity_store(ngx_shm_zone_t *zone, const u_char *key,
    time_t end, const ngx_str_t *record, const u_char *session,
    const ngx_str_t *session_record, ngx_uint_t spelt);


#endif /* NGX_PARA_CACHE_H */
