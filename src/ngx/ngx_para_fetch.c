#include "ngx_para_fetch.h"

#include <ngx_event.h>

#include <signal.h>

#include <curl/curl.h>

#include "ngx_para_fetch_transfer.h"
#include "ngx_para_watch.h"


/* CURLMOPT_QUICK_EXIT, which headers older than 8.20 do not have */
#define NGX_PARA_FETCH_MULTI_QUICK_EXIT  ((CURLMoption) 21)

#define NGX_PARA_FETCH_KEPT  16L        /* idle connections, at most */


struct ngx_para_fetch_s {
    ngx_queue_t                  link;
    ngx_pool_t                  *pool;          /* that it lives in */
    ngx_para_fetch_transfer_t    transfer;
    ngx_para_fetch_done_pt       done;
    void                        *data;
    unsigned                     idle:1;        /* its last socket is gone */
    unsigned                     ended:1;
};


static ngx_int_t ngx_para_fetch_init_multi(void);
static ngx_para_fetch_t *ngx_para_fetch_begin(
    const ngx_para_fetch_target_t *target, const ngx_str_t *etag,
    const ngx_para_fetch_content_t *content, ngx_para_fetch_done_pt done,
    void *data, ngx_log_t *log);
static void ngx_para_fetch_act(curl_socket_t fd, int events);
static void ngx_para_fetch_act_all(void);
static void ngx_para_fetch_enter(sigset_t *before);
static void ngx_para_fetch_leave(const sigset_t *before, CURLMcode rc);
static void ngx_para_fetch_ready(ngx_socket_t fd, ngx_uint_t events);
static void ngx_para_fetch_timer_handler(ngx_event_t *ev);
static void ngx_para_fetch_unwatched(void *easy);
static void ngx_para_fetch_fail(ngx_para_fetch_t *fetch);
static void ngx_para_fetch_attend(void);
static void ngx_para_fetch_attend_handler(ngx_event_t *ev);
static void ngx_para_fetch_collect(void);
static ngx_para_fetch_t *ngx_para_fetch_find(CURL *easy);
static curl_socket_t ngx_para_fetch_open_callback(void *data,
    curlsocktype purpose, struct curl_sockaddr *address);
static int ngx_para_fetch_socket_callback(CURL *easy, curl_socket_t fd,
    int what, void *data, void *socket_data);
static int ngx_para_fetch_timer_callback(CURLM *multi, long ms, void *data);
static CURLcode ngx_para_fetch_again(ngx_para_fetch_t *fetch);
static void ngx_para_fetch_end(ngx_para_fetch_t *fetch, CURLcode code);
static void ngx_para_fetch_free(ngx_para_fetch_t *fetch);


static CURLM                            *ngx_para_fetch_multi;
static ngx_queue_t                       ngx_para_fetches;   /* a few */
static ngx_event_t                       ngx_para_fetch_timer;
static ngx_event_t                       ngx_para_fetch_attend_event;
static ngx_connection_t                  ngx_para_fetch_nobody;

static const ngx_para_watch_handlers_t   ngx_para_fetch_watch = {
    ngx_para_fetch_ready,
    ngx_para_fetch_unwatched
};


ngx_int_t
ngx_para_fetch_init_process(ngx_cycle_t *cycle)
{
    if (ngx_para_fetch_multi
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    ngx_queue_init(&ngx_para_fetches);
    ngx_para_watch_init(&ngx_para_fetch_watch);

    /* nginx logs the descriptor of an event's connection when it debugs */

    ngx_para_fetch_nobody.fd = (ngx_socket_t) -1;

    ngx_para_fetch_timer.handler = ngx_para_fetch_timer_handler;
    ngx_para_fetch_timer.data = &ngx_para_fetch_nobody;
    ngx_para_fetch_timer.log = cycle->log;
    ngx_para_fetch_timer.cancelable = 1;

    ngx_para_fetch_attend_event.handler = ngx_para_fetch_attend_handler;
    ngx_para_fetch_attend_event.data = &ngx_para_fetch_nobody;
    ngx_para_fetch_attend_event.log = cycle->log;

    if (ngx_para_fetch_init_multi() != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "libcurl could not be initialized");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_para_fetch_init_multi(void)
{
    CURLM  *multi;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NGX_ERROR;
    }

    multi = curl_multi_init();
    if (multi == NULL) {
        return NGX_ERROR;
    }

    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
                          ngx_para_fetch_socket_callback) != CURLM_OK
        || curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
                             ngx_para_fetch_timer_callback) != CURLM_OK
        || curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, NGX_PARA_FETCH_KEPT)
           != CURLM_OK)
    {
        (void) curl_multi_cleanup(multi);
        return NGX_ERROR;
    }

    /* a libcurl older than 8.20 refuses this, and has no need of it */
    (void) curl_multi_setopt(multi, NGX_PARA_FETCH_MULTI_QUICK_EXIT, 1L);

    ngx_para_fetch_multi = multi;

    return NGX_OK;
}


void
ngx_para_fetch_exit_process(ngx_cycle_t *cycle)
{
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    if (ngx_para_fetch_multi == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_para_fetches)) {
        q = ngx_queue_head(&ngx_para_fetches);
        fetch = ngx_queue_data(q, ngx_para_fetch_t, link);

        ngx_para_fetch_cancel(fetch);
    }

    /*
     * No curl_global_cleanup(): a name lookup that nobody waits for any more
     * may still be under way in its thread.
     */

    (void) curl_multi_cleanup(ngx_para_fetch_multi);
    ngx_para_fetch_multi = NULL;

    ngx_para_watch_remove_all();

    if (ngx_para_fetch_timer.timer_set) {
        ngx_del_timer(&ngx_para_fetch_timer);
    }

    if (ngx_para_fetch_attend_event.posted) {
        ngx_delete_posted_event(&ngx_para_fetch_attend_event);
    }
}


ngx_para_fetch_t *
ngx_para_fetch_start(const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag, ngx_para_fetch_done_pt done, void *data,
    ngx_log_t *log)
{
    return ngx_para_fetch_begin(target, etag, NULL, done, data, log);
}


ngx_para_fetch_t *
ngx_para_fetch_post(const ngx_para_fetch_target_t *target,
    const ngx_para_fetch_content_t *content, ngx_para_fetch_done_pt done,
    void *data, ngx_log_t *log)
{
    static const ngx_str_t  none = ngx_null_string;

    return ngx_para_fetch_begin(target, &none, content, done, data, log);
}


static ngx_para_fetch_t *
ngx_para_fetch_begin(const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag, const ngx_para_fetch_content_t *content,
    ngx_para_fetch_done_pt done, void *data, ngx_log_t *log)
{
    ngx_pool_t        *pool;
    ngx_para_fetch_t  *fetch;

    if (ngx_para_fetch_multi == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);
    if (pool == NULL) {
        return NULL;
    }

    fetch = ngx_pcalloc(pool, sizeof(ngx_para_fetch_t));
    if (fetch == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    fetch->pool = pool;
    fetch->transfer.post = content;
    fetch->done = done;
    fetch->data = data;

    if (ngx_para_fetch_transfer_init(&fetch->transfer, pool, target, etag)
        != NGX_OK
        || curl_easy_setopt(fetch->transfer.easy, CURLOPT_OPENSOCKETFUNCTION,
                            ngx_para_fetch_open_callback) != CURLE_OK
        || curl_multi_add_handle(ngx_para_fetch_multi, fetch->transfer.easy)
           != CURLM_OK)
    {
        ngx_para_fetch_free(fetch);
        return NULL;
    }

    ngx_queue_insert_tail(&ngx_para_fetches, &fetch->link);

    return fetch;
}


void
ngx_para_fetch_cancel(ngx_para_fetch_t *fetch)
{
    if (fetch->ended) {
        return;
    }

    ngx_queue_remove(&fetch->link);

    (void) curl_multi_remove_handle(ngx_para_fetch_multi,
                                    fetch->transfer.easy);

    ngx_para_fetch_free(fetch);
}


/*
 * libcurl 7.88 closes a socket that could not be connected, opens one to the
 * next address, which often has the same number, and does not tell us: for it,
 * nothing has changed.
 */

static curl_socket_t
ngx_para_fetch_open_callback(void *data, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    ngx_socket_t  fd;

    fd = ngx_socket(address->family, address->socktype, address->protocol);

    if (fd != (ngx_socket_t) -1) {
        ngx_para_watch_opened(fd);
    }

    return fd;
}


/* libcurl's word on what it waits for; it must not be called from here. */

static int
ngx_para_fetch_socket_callback(CURL *easy, curl_socket_t fd, int what,
    void *data, void *socket_data)
{
    ngx_uint_t         events;
    ngx_para_fetch_t  *fetch;

    fetch = ngx_para_fetch_find(easy);

    if (what == CURL_POLL_REMOVE) {
        ngx_para_watch_remove(fd);

        if (fetch) {
            fetch->idle = 1;
            ngx_para_fetch_attend();
        }

        return 0;
    }

    if (fetch) {
        fetch->idle = 0;
    }

    events = 0;

    if (what & CURL_POLL_IN) {
        events |= NGX_PARA_WATCH_READ;
    }

    if (what & CURL_POLL_OUT) {
        events |= NGX_PARA_WATCH_WRITE;
    }

    if (ngx_para_watch_set(fd, events, easy) != NGX_OK) {
        ngx_para_fetch_unwatched(easy);
    }

    return 0;
}


static int
ngx_para_fetch_timer_callback(CURLM *multi, long ms, void *data)
{
    /* always anew: nginx leaves a timer alone that is only 300 ms too late */

    if (ngx_para_fetch_timer.timer_set) {
        ngx_del_timer(&ngx_para_fetch_timer);
    }

    if (ms >= 0) {
        ngx_para_fetch_timer.log = ngx_cycle->log;

        /* not 0: nginx would run it in this round, and again in this round */

        ngx_add_timer(&ngx_para_fetch_timer, ngx_max((ngx_msec_t) ms, 1));
    }

    return 0;
}


/* Lets libcurl do what can be done now; then nobody is inside of it. */

static void
ngx_para_fetch_act(curl_socket_t fd, int events)
{
    int        running;
    sigset_t   before;
    CURLMcode  rc;

    ngx_para_fetch_enter(&before);

    rc = curl_multi_socket_action(ngx_para_fetch_multi, fd, events, &running);

    ngx_para_fetch_leave(&before, rc);
}


/*
 * libcurl 7.88 leaves an address for the next without connecting to it, and
 * waits for nothing but the end of its time.  No other call gets it going.
 */

static void
ngx_para_fetch_act_all(void)
{
    int        running;
    sigset_t   before;
    CURLMcode  rc;

    ngx_para_fetch_enter(&before);

    CURL_IGNORE_DEPRECATION(
        rc = curl_multi_socket_all(ngx_para_fetch_multi, &running);
    )

    ngx_para_fetch_leave(&before, rc);
}


/* A thread made for a name lookup must not get nginx's signals. */

static void
ngx_para_fetch_enter(sigset_t *before)
{
    sigset_t  all;

    sigfillset(&all);
    (void) sigprocmask(SIG_BLOCK, &all, before);
}


static void
ngx_para_fetch_leave(const sigset_t *before, CURLMcode rc)
{
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    (void) sigprocmask(SIG_SETMASK, before, NULL);

    para_trust_clear_errors();

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "libcurl failed: %s", curl_multi_strerror(rc));

        for (q = ngx_queue_head(&ngx_para_fetches);
             q != ngx_queue_sentinel(&ngx_para_fetches);
             q = ngx_queue_next(q))
        {
            fetch = ngx_queue_data(q, ngx_para_fetch_t, link);
            ngx_para_fetch_fail(fetch);
        }
    }

    ngx_para_fetch_collect();
}


static void
ngx_para_fetch_ready(ngx_socket_t fd, ngx_uint_t events)
{
    ngx_para_fetch_act(fd, events == NGX_PARA_WATCH_READ ? CURL_CSELECT_IN
                                                         : CURL_CSELECT_OUT);
}


static void
ngx_para_fetch_timer_handler(ngx_event_t *ev)
{
    ngx_para_fetch_act(CURL_SOCKET_TIMEOUT, 0);
}


/* libcurl also has handles of its own, to end connections: no fetch of ours */

static void
ngx_para_fetch_unwatched(void *easy)
{
    ngx_para_fetch_t  *fetch;

    fetch = ngx_para_fetch_find(easy);

    if (fetch) {
        ngx_para_fetch_fail(fetch);
    }
}


static void
ngx_para_fetch_fail(ngx_para_fetch_t *fetch)
{
    fetch->transfer.failed = 1;
    ngx_para_fetch_attend();
}


/* Something is to be done as soon as nobody is inside of libcurl. */

static void
ngx_para_fetch_attend(void)
{
    ngx_post_event(&ngx_para_fetch_attend_event, &ngx_posted_next_events);
}


static void
ngx_para_fetch_attend_handler(ngx_event_t *ev)
{
    ngx_uint_t         idle;
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    idle = 0;
    q = ngx_queue_head(&ngx_para_fetches);

    while (q != ngx_queue_sentinel(&ngx_para_fetches)) {
        fetch = ngx_queue_data(q, ngx_para_fetch_t, link);
        q = ngx_queue_next(q);

        if (fetch->transfer.failed) {
            ngx_para_fetch_end(fetch, CURLE_OUT_OF_MEMORY);

            /* it may have started and cancelled others: from the beginning */

            q = ngx_queue_head(&ngx_para_fetches);
            continue;
        }

        if (fetch->idle) {
            fetch->idle = 0;
            idle = 1;
        }
    }

    if (idle) {
        ngx_para_fetch_act_all();
    }
}


static void
ngx_para_fetch_collect(void)
{
    int                left;
    CURLMsg           *msg;
    CURLcode           rc;
    ngx_para_fetch_t  *fetch;

    while ((msg = curl_multi_info_read(ngx_para_fetch_multi, &left)) != NULL) {

        fetch = ngx_para_fetch_find(msg->easy_handle);

        if (fetch == NULL || msg->msg != CURLMSG_DONE) {
            continue;
        }

        rc = msg->data.result;

        if (fetch->transfer.foreign) {
            rc = ngx_para_fetch_again(fetch);
        }

        if (rc != CURLE_AGAIN) {
            ngx_para_fetch_end(fetch, rc);
        }
    }
}


static ngx_para_fetch_t *
ngx_para_fetch_find(CURL *easy)
{
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    for (q = ngx_queue_head(&ngx_para_fetches);
         q != ngx_queue_sentinel(&ngx_para_fetches);
         q = ngx_queue_next(q))
    {
        fetch = ngx_queue_data(q, ngx_para_fetch_t, link);

        if (fetch->transfer.easy == easy) {
            return fetch;
        }
    }

    return NULL;
}


/* CURLE_AGAIN: it has begun anew; else what it ends with. */

static CURLcode
ngx_para_fetch_again(ngx_para_fetch_t *fetch)
{
    (void) curl_multi_remove_handle(ngx_para_fetch_multi,
                                    fetch->transfer.easy);

    /* libcurl was told not to take another's */

    if (fetch->transfer.fresh) {
        return CURLE_SSL_CONNECT_ERROR;
    }

    if (ngx_para_fetch_transfer_renew(&fetch->transfer) != NGX_OK
        || curl_multi_add_handle(ngx_para_fetch_multi, fetch->transfer.easy)
           != CURLM_OK)
    {
        return CURLE_OUT_OF_MEMORY;
    }

    return CURLE_AGAIN;
}


static void
ngx_para_fetch_end(ngx_para_fetch_t *fetch, CURLcode code)
{
    ngx_para_fetch_answer_t  answer;

    ngx_queue_remove(&fetch->link);
    fetch->ended = 1;

    (void) curl_multi_remove_handle(ngx_para_fetch_multi,
                                    fetch->transfer.easy);

    ngx_para_fetch_transfer_answer(&fetch->transfer, code, &answer);

    ngx_log_debug4(NGX_LOG_DEBUG_CORE, fetch->pool->log, 0,
                   "para_auth fetch \"%V\": outcome %d, status %ui, %s",
                   &fetch->transfer.target->url, answer.outcome,
                   answer.status, answer.error);

    fetch->done(fetch->data, &answer);

    ngx_para_fetch_free(fetch);
}


static void
ngx_para_fetch_free(ngx_para_fetch_t *fetch)
{
    ngx_para_fetch_transfer_free(&fetch->transfer);
    ngx_destroy_pool(fetch->pool);

    para_trust_clear_errors();
}
