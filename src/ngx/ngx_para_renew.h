/*
 * Sessions whose time is nearly over are asked for again in the background: no
 * request waits for it, and none is needed for it to go on.  What Para receives
 * is the question and the key, nothing of any client's.
 */

#ifndef NGX_PARA_RENEW_H
#define NGX_PARA_RENEW_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_para_fetch.h"
#include "ngx_para_question.h"


typedef struct {
    ngx_str_t  provider;              /* its name */
    ngx_str_t  api;                   /* base URL, no slash at its end */
    ngx_str_t  secret_key;
    ngx_str_t  public_key;            /* empty: no exported sessions */
    ngx_str_t  trusted_certificate;   /* file; empty: the system's */
} ngx_para_renew_conf_t;


/* What was last logged of a provider in this process. */

typedef enum {
    NGX_PARA_RENEW_WELL = 0,
    NGX_PARA_RENEW_UNREACHED,           /* no answer came, or not all of it */
    NGX_PARA_RENEW_UNANSWERED,          /* Para fails, or what came is odd */
    NGX_PARA_RENEW_REFUSED              /* it is our key that Para refuses */
} ngx_para_renew_fault_e;


typedef struct {
    ngx_para_renew_conf_t      conf;
    ngx_para_fetch_target_t    target[NGX_PARA_ENDPOINTS];
    ngx_para_renew_fault_e     fault;
    ngx_msec_t                 pause;        /* no call before; if unreached */
    ngx_uint_t                 unextended;   /* unsigned  unextended:1; */
} ngx_para_renew_t;


/*
 * Prepares it, with the texts of conf.  Says itself what is wrong and returns
 * NULL.
 */
ngx_para_renew_t *ngx_para_renew_create(ngx_conf_t *cf,
    const ngx_para_renew_conf_t *conf);

/* Once in a process, before all else. */
void ngx_para_renew_init_process(void);

/* Gives up what is in flight, so that others may ask it. */
void ngx_para_renew_stop(void);

/*
 * Asks the question, and publishes what Para says of the session with this key
 * in the zone; provider is the key of its breaker.  A session that is active is
 * extended, at most once in keep_alive (ms, 0: never); of /touch only.  All is
 * copied.  Where that may not be now, nothing is done: the session goes on
 * until its time is over, and is then asked for by a request.
 */
void ngx_para_renew_start(ngx_para_renew_t *renew, ngx_shm_zone_t *zone,
    const ngx_para_question_t *question, const u_char *key,
    const u_char *provider, ngx_msec_t keep_alive);


#endif /* NGX_PARA_RENEW_H */
