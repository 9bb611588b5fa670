/*
 * One request as libcurl is told of it: what is asked, how much is taken, and
 * what came of it.  Nothing in here runs or waits.
 */

#ifndef NGX_PARA_FETCH_TRANSFER_H
#define NGX_PARA_FETCH_TRANSFER_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_para_fetch.h"


#define NGX_PARA_FETCH_ERROR_SIZE  256


struct curl_slist;


typedef struct {
    void                           *easy;       /* libcurl's handle, a CURL * */
    struct curl_slist              *headers;
    ngx_pool_t                     *pool;       /* of the body */
    const ngx_para_fetch_target_t  *target;
    const ngx_para_fetch_content_t *post;       /* of the caller, who sets it;
                                                   NULL: a GET */
    ngx_str_t                       sent;       /* our copy of its body */
    ngx_str_t                       body;
    size_t                          dropped;    /* bytes of a body not taken */
    size_t                          head;       /* bytes of headers so far */
    unsigned                        conditional:1;    /* has an etag */
    unsigned                        foreign:1;  /* came upon a connection that
                                                   others' CAs verified */
    unsigned                        fresh:1;    /* has one of its own */
    unsigned                        oversized:1;
    unsigned                        unread:1;   /* ended before its body */
    unsigned                        failed:1;   /* for want of memory */
    char                            error[NGX_PARA_FETCH_ERROR_SIZE];
} ngx_para_fetch_transfer_t;


/*
 * Makes the handle; the transfer is zeroed but for ->post, and stays where it
 * is.  NGX_ERROR: no memory; it is to be freed all the same.
 */
ngx_int_t ngx_para_fetch_transfer_init(ngx_para_fetch_transfer_t *transfer,
    ngx_pool_t *pool, const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag);

/* For another try, over a connection of its own.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_para_fetch_transfer_renew(ngx_para_fetch_transfer_t *transfer);

/* What libcurl ended with, a CURLcode, as an answer; valid until it is freed */
void ngx_para_fetch_transfer_answer(const ngx_para_fetch_transfer_t *transfer,
    int code, ngx_para_fetch_answer_t *answer);

/* The handle is in no multi handle any more. */
void ngx_para_fetch_transfer_free(ngx_para_fetch_transfer_t *transfer);


#endif /* NGX_PARA_FETCH_TRANSFER_H */
