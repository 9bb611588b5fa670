/*
 * One GET or POST over libcurl, on nginx's events: it never blocks the process,
 * and has an end.  What is fetched is its user's affair.
 */

#ifndef NGX_PARA_FETCH_H
#define NGX_PARA_FETCH_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_trust.h"


typedef enum {
    NGX_PARA_FETCH_OK = 0,              /* 200, the body is whole */
    NGX_PARA_FETCH_NOT_MODIFIED,        /* 304, only if an etag was given */
    NGX_PARA_FETCH_STATUS,              /* any other status */
    NGX_PARA_FETCH_REDIRECT,            /* 3xx: never followed */
    NGX_PARA_FETCH_SIZE,                /* body or headers are too large */
    NGX_PARA_FETCH_DNS,
    NGX_PARA_FETCH_CONNECT,
    NGX_PARA_FETCH_TLS,
    NGX_PARA_FETCH_TIMEOUT,
    NGX_PARA_FETCH_BROKEN,              /* reset, cut off, not HTTP */
    NGX_PARA_FETCH_MEMORY               /* our want of memory, connections */
} ngx_para_fetch_outcome_e;


/* Valid in the handler only. */

typedef struct {
    ngx_para_fetch_outcome_e    outcome;
    ngx_uint_t                  status;         /* HTTP's, 0: none came */
    ngx_str_t                   body;           /* if OK */
    ngx_str_t                   etag;           /* the last of the name, empty
                                                   if there is none */
    ngx_str_t                   cache_control;
    ngx_str_t                   age;
    ngx_str_t                   retry_after;
    const char                 *error;          /* libcurl's words for the log,
                                                   "": it has none */
} ngx_para_fetch_answer_t;


typedef struct {
    ngx_str_t                   url;            /* null-terminated, checked */
    const para_trust_t         *trust;          /* NULL for http:// */
    size_t                      max;            /* bytes of the body */
    ngx_msec_t                  timeout;        /* of all together, the name
                                                   lookup included */
    ngx_uint_t                  reuse;          /* over a connection that is
                                                   kept for the next with this
                                                   trust */
} ngx_para_fetch_target_t;


/* What is sent in a POST: JSON, or nothing. */

typedef struct {
    ngx_str_t                   body;
    const ngx_str_t            *headers;        /* "Name: value", [ -~] only */
    ngx_uint_t                  nheaders;
} ngx_para_fetch_content_t;


typedef struct ngx_para_fetch_s  ngx_para_fetch_t;

typedef void (*ngx_para_fetch_done_pt)(void *data,
    const ngx_para_fetch_answer_t *answer);


/*
 * For the configuration: NULL if all is good, else a static sentence that says
 * what to do.
 */

/* The libcurl that is loaded: its version, TLS by OpenSSL, its resolver. */
const char *ngx_para_fetch_check_library(void);

/* The url is null-terminated.  *tls: it is https. */
const char *ngx_para_fetch_check_url(const ngx_str_t *url, ngx_uint_t *tls);

/*
 * The file where libcurl was built to look for CA certificates; static.
 * NGX_DECLINED if it was told none.
 */
ngx_int_t ngx_para_fetch_default_trust(ngx_str_t *path);


/*
 * In a worker, or the only process; in nginx's other processes, and if called
 * again, it does nothing.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_para_fetch_init_process(ngx_cycle_t *cycle);

/* Cancels all and waits for nothing. */
void ngx_para_fetch_exit_process(ngx_cycle_t *cycle);


/*
 * Begins a fetch.  done is called once, from the event loop and never from
 * inside this call, unless the fetch is cancelled before.  It may start and
 * cancel others.  target and log must live until then; etag may be empty, and
 * is copied.  NULL: no memory.
 */
ngx_para_fetch_t *ngx_para_fetch_start(const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag, ngx_para_fetch_done_pt done, void *data,
    ngx_log_t *log);

/*
 * The same with a POST.  The content is copied, and the copies are overwritten
 * in the end; not so those that libcurl and OpenSSL make of the request as they
 * write it.
 */
ngx_para_fetch_t *ngx_para_fetch_post(const ngx_para_fetch_target_t *target,
    const ngx_para_fetch_content_t *content, ngx_para_fetch_done_pt done,
    void *data, ngx_log_t *log);

/* Before done has returned; inside of it, it does nothing. */
void ngx_para_fetch_cancel(ngx_para_fetch_t *fetch);


#endif /* NGX_PARA_FETCH_H */
