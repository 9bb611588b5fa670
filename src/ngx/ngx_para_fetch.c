#include "ngx_para_fetch.h"

#include <ngx_event.h>

#include <signal.h>

#include <curl/curl.h>

#include "ngx_para_watch.h"


#define NGX_PARA_FETCH_MAX_HEAD  16384         /* bytes of all header lines */


struct ngx_para_fetch_s {
    ngx_queue_t                     link;
    ngx_pool_t                     *pool;       /* that it lives in */
    CURL                           *easy;
    struct curl_slist              *headers;
    const ngx_para_fetch_target_t  *target;
    ngx_para_fetch_done_pt          done;
    void                           *data;
    ngx_str_t                       body;
    size_t                          head;       /* bytes of headers so far */
    unsigned                        conditional:1;    /* has an etag */
    unsigned                        oversized:1;
    unsigned                        failed:1;   /* to end for want of memory */
    unsigned                        ended:1;
    char                            error[CURL_ERROR_SIZE];
};


static ngx_int_t ngx_para_fetch_init_multi(void);
static void ngx_para_fetch_act(curl_socket_t fd, int events);
static void ngx_para_fetch_ready(ngx_socket_t fd, ngx_uint_t events);
static void ngx_para_fetch_timer_handler(ngx_event_t *ev);
static void ngx_para_fetch_unwatched(void *easy);
static void ngx_para_fetch_fail(ngx_para_fetch_t *fetch);
static void ngx_para_fetch_failed_handler(ngx_event_t *ev);
static void ngx_para_fetch_collect(void);
static ngx_para_fetch_t *ngx_para_fetch_find(CURL *easy);
static int ngx_para_fetch_socket_callback(CURL *easy, curl_socket_t fd,
    int what, void *data, void *socket_data);
static int ngx_para_fetch_timer_callback(CURLM *multi, long ms, void *data);
static CURLcode ngx_para_fetch_tls_callback(CURL *easy, void *ssl_ctx,
    void *data);
static size_t ngx_para_fetch_header_callback(char *line, size_t size, size_t n,
    void *data);
static size_t ngx_para_fetch_body_callback(char *bytes, size_t size, size_t n,
    void *data);
static ngx_int_t ngx_para_fetch_set_headers(ngx_para_fetch_t *fetch,
    const ngx_str_t *etag);
static CURLcode ngx_para_fetch_set_request(ngx_para_fetch_t *fetch);
static CURLcode ngx_para_fetch_set_bounds(ngx_para_fetch_t *fetch);
static CURLcode ngx_para_fetch_set_tls(ngx_para_fetch_t *fetch);
static void ngx_para_fetch_end(ngx_para_fetch_t *fetch, CURLcode code);
static ngx_para_fetch_outcome_e ngx_para_fetch_outcome(
    const ngx_para_fetch_t *fetch, CURLcode code, long status);
static ngx_para_fetch_outcome_e ngx_para_fetch_outcome_of_status(
    const ngx_para_fetch_t *fetch, long status);
static ngx_str_t ngx_para_fetch_header(const ngx_para_fetch_t *fetch,
    const char *name);
static void ngx_para_fetch_free(ngx_para_fetch_t *fetch);


static CURLM                            *ngx_para_fetch_multi;
static ngx_queue_t                       ngx_para_fetches;   /* a few */
static ngx_event_t                       ngx_para_fetch_timer;
static ngx_event_t                       ngx_para_fetch_failed_event;
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

    ngx_para_fetch_failed_event.handler = ngx_para_fetch_failed_handler;
    ngx_para_fetch_failed_event.data = &ngx_para_fetch_nobody;
    ngx_para_fetch_failed_event.log = cycle->log;

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
                             ngx_para_fetch_timer_callback) != CURLM_OK)
    {
        (void) curl_multi_cleanup(multi);
        return NGX_ERROR;
    }

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

    if (ngx_para_fetch_failed_event.posted) {
        ngx_delete_posted_event(&ngx_para_fetch_failed_event);
    }
}


ngx_para_fetch_t *
ngx_para_fetch_start(const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag, ngx_para_fetch_done_pt done, void *data,
    ngx_log_t *log)
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
    fetch->target = target;
    fetch->done = done;
    fetch->data = data;
    fetch->conditional = (etag->len != 0);

    fetch->easy = curl_easy_init();

    if (fetch->easy == NULL
        || ngx_para_fetch_set_headers(fetch, etag) != NGX_OK
        || ngx_para_fetch_set_request(fetch) != CURLE_OK
        || ngx_para_fetch_set_bounds(fetch) != CURLE_OK
        || ngx_para_fetch_set_tls(fetch) != CURLE_OK
        || curl_multi_add_handle(ngx_para_fetch_multi, fetch->easy)
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

    (void) curl_multi_remove_handle(ngx_para_fetch_multi, fetch->easy);

    ngx_para_fetch_free(fetch);
}


static ngx_int_t
ngx_para_fetch_set_headers(ngx_para_fetch_t *fetch, const ngx_str_t *etag)
{
    u_char             *line;
    struct curl_slist  *headers;

    fetch->headers = curl_slist_append(NULL, "Accept: application/jwk-set+json,"
                                       " application/json;q=0.9, */*;q=0.1");
    if (fetch->headers == NULL) {
        return NGX_ERROR;
    }

    if (etag->len == 0) {
        return NGX_OK;
    }

    line = ngx_pnalloc(fetch->pool, sizeof("If-None-Match: ") + etag->len);
    if (line == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(line, "If-None-Match: %V%Z", etag);

    headers = curl_slist_append(fetch->headers, (char *) line);
    if (headers == NULL) {
        return NGX_ERROR;
    }

    fetch->headers = headers;

    return NGX_OK;
}


/* The first of these that fails; nothing is set after it. */

#define ngx_para_fetch_setopt(rc, easy, option, value)                        \
    if (rc == CURLE_OK) {                                                     \
        rc = curl_easy_setopt(easy, option, value);                           \
    }


static CURLcode
ngx_para_fetch_set_request(ngx_para_fetch_t *fetch)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = fetch->easy;

    ngx_para_fetch_setopt(rc, easy, CURLOPT_URL, fetch->target->url.data);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_PROTOCOLS_STR,
                          fetch->target->trust ? "https" : "http");
    ngx_para_fetch_setopt(rc, easy, CURLOPT_FOLLOWLOCATION, 0L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_HTTP09_ALLOWED, 0L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_USERAGENT, "nginx-para-auth");
    ngx_para_fetch_setopt(rc, easy, CURLOPT_HTTPHEADER, fetch->headers);

    /* not even what the environment says */
    ngx_para_fetch_setopt(rc, easy, CURLOPT_PROXY, "");

    /* none is kept between fetches that are minutes apart */
    ngx_para_fetch_setopt(rc, easy, CURLOPT_FRESH_CONNECT, 1L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_FORBID_REUSE, 1L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);

    return rc;
}


static CURLcode
ngx_para_fetch_set_bounds(ngx_para_fetch_t *fetch)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = fetch->easy;

    ngx_para_fetch_setopt(rc, easy, CURLOPT_TIMEOUT_MS,
                          (long) fetch->target->timeout);

    /* signals are nginx's; nobody waits for the thread of a name lookup */
    ngx_para_fetch_setopt(rc, easy, CURLOPT_NOSIGNAL, 1L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_QUICK_EXIT, 1L);

    ngx_para_fetch_setopt(rc, easy, CURLOPT_HEADERFUNCTION,
                          ngx_para_fetch_header_callback);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_HEADERDATA, fetch);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_WRITEFUNCTION,
                          ngx_para_fetch_body_callback);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_WRITEDATA, fetch);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_ERRORBUFFER, fetch->error);

    return rc;
}


static CURLcode
ngx_para_fetch_set_tls(ngx_para_fetch_t *fetch)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = fetch->easy;

    /* a libcurl without HTTP/2 refuses this, and does without */
    (void) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                            (long) CURL_HTTP_VERSION_2TLS);

    ngx_para_fetch_setopt(rc, easy, CURLOPT_SSLVERSION,
                          (long) CURL_SSLVERSION_TLSv1_2);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_VERIFYPEER, 1L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_VERIFYHOST, 2L);

    /*
     * The target's CAs and no other.  libcurl may set up the store after our
     * callback, which is the target's then: so there is nothing to set up.
     */

    ngx_para_fetch_setopt(rc, easy, CURLOPT_CAINFO, NULL);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_CAPATH, NULL);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_OPTIONS,
                          (long) CURLSSLOPT_NO_PARTIALCHAIN);

    /* a session would be resumed whatever CAs it was verified with */
    ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);

    if (fetch->target->trust) {
        ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_CTX_FUNCTION,
                              ngx_para_fetch_tls_callback);
        ngx_para_fetch_setopt(rc, easy, CURLOPT_SSL_CTX_DATA, fetch);
    }

    return rc;
}


static CURLcode
ngx_para_fetch_tls_callback(CURL *easy, void *ssl_ctx, void *data)
{
    ngx_para_fetch_t *fetch = data;

    return para_trust_use(fetch->target->trust, ssl_ctx)
           ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}


static size_t
ngx_para_fetch_header_callback(char *line, size_t size, size_t n, void *data)
{
    ngx_para_fetch_t *fetch = data;

    if (n > NGX_PARA_FETCH_MAX_HEAD - fetch->head) {
        fetch->oversized = 1;
        return 0;
    }

    fetch->head += n;

    return n;
}


static size_t
ngx_para_fetch_body_callback(char *bytes, size_t size, size_t n, void *data)
{
    long               status;
    ngx_para_fetch_t  *fetch;

    fetch = data;

    status = 0;
    (void) curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);

    if (status != 200) {
        return CURL_WRITEFUNC_ERROR;             /* nobody reads it: enough */
    }

    if (n > fetch->target->max - fetch->body.len) {
        fetch->oversized = 1;
        return CURL_WRITEFUNC_ERROR;
    }

    if (fetch->body.data == NULL) {
        fetch->body.data = ngx_pnalloc(fetch->pool, fetch->target->max);

        if (fetch->body.data == NULL) {
            fetch->failed = 1;
            return CURL_WRITEFUNC_ERROR;
        }
    }

    ngx_memcpy(fetch->body.data + fetch->body.len, bytes, n);
    fetch->body.len += n;

    return n;
}


/* libcurl's word on what it waits for; it must not be called from here. */

static int
ngx_para_fetch_socket_callback(CURL *easy, curl_socket_t fd, int what,
    void *data, void *socket_data)
{
    ngx_uint_t  events;

    if (what == CURL_POLL_REMOVE) {
        ngx_para_watch_remove(fd);
        return 0;
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
        ngx_add_timer(&ngx_para_fetch_timer, (ngx_msec_t) ms);
    }

    return 0;
}


/* Lets libcurl do what can be done now; then nobody is inside of it. */

static void
ngx_para_fetch_act(curl_socket_t fd, int events)
{
    int                running;
    sigset_t           all, before;
    CURLMcode          rc;
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    /* a thread made for a name lookup must not get nginx's signals */

    sigfillset(&all);
    (void) sigprocmask(SIG_BLOCK, &all, &before);

    rc = curl_multi_socket_action(ngx_para_fetch_multi, fd, events, &running);

    (void) sigprocmask(SIG_SETMASK, &before, NULL);

    if (rc != CURLM_OK) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "curl_multi_socket_action() failed: %s",
                      curl_multi_strerror(rc));

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
    fetch->failed = 1;
    ngx_post_event(&ngx_para_fetch_failed_event, &ngx_posted_next_events);
}


static void
ngx_para_fetch_failed_handler(ngx_event_t *ev)
{
    ngx_queue_t       *q;
    ngx_para_fetch_t  *fetch;

    q = ngx_queue_head(&ngx_para_fetches);

    while (q != ngx_queue_sentinel(&ngx_para_fetches)) {
        fetch = ngx_queue_data(q, ngx_para_fetch_t, link);
        q = ngx_queue_next(q);

        if (fetch->failed) {
            ngx_para_fetch_end(fetch, CURLE_OUT_OF_MEMORY);

            /* it may have started and cancelled others: from the beginning */

            q = ngx_queue_head(&ngx_para_fetches);
        }
    }
}


static void
ngx_para_fetch_collect(void)
{
    int                left;
    CURLMsg           *msg;
    ngx_para_fetch_t  *fetch;

    while ((msg = curl_multi_info_read(ngx_para_fetch_multi, &left)) != NULL) {

        fetch = ngx_para_fetch_find(msg->easy_handle);

        if (fetch && msg->msg == CURLMSG_DONE) {
            ngx_para_fetch_end(fetch, msg->data.result);
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

        if (fetch->easy == easy) {
            return fetch;
        }
    }

    return NULL;
}


static void
ngx_para_fetch_end(ngx_para_fetch_t *fetch, CURLcode code)
{
    long                     status;
    ngx_para_fetch_answer_t  answer;

    ngx_queue_remove(&fetch->link);
    fetch->ended = 1;

    status = 0;
    (void) curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);

    (void) curl_multi_remove_handle(ngx_para_fetch_multi, fetch->easy);

    ngx_memzero(&answer, sizeof(ngx_para_fetch_answer_t));

    answer.outcome = ngx_para_fetch_outcome(fetch, code, status);
    answer.status = (ngx_uint_t) status;
    answer.etag = ngx_para_fetch_header(fetch, "ETag");
    answer.cache_control = ngx_para_fetch_header(fetch, "Cache-Control");
    answer.age = ngx_para_fetch_header(fetch, "Age");

    if (answer.outcome == NGX_PARA_FETCH_OK) {
        answer.body = fetch->body;
    }

    answer.error = fetch->error;

    if (code != CURLE_OK && fetch->error[0] == '\0') {
        answer.error = curl_easy_strerror(code);
    }

    ngx_log_debug4(NGX_LOG_DEBUG_CORE, fetch->pool->log, 0,
                   "para_auth fetch \"%V\": outcome %d, status %l, %s",
                   &fetch->target->url, answer.outcome, status, answer.error);

    fetch->done(fetch->data, &answer);

    ngx_para_fetch_free(fetch);
}


static ngx_para_fetch_outcome_e
ngx_para_fetch_outcome(const ngx_para_fetch_t *fetch, CURLcode code,
    long status)
{
    if (fetch->failed) {
        return NGX_PARA_FETCH_MEMORY;
    }

    if (fetch->oversized) {
        return NGX_PARA_FETCH_SIZE;
    }

    switch (code) {

    case CURLE_OK:
        return ngx_para_fetch_outcome_of_status(fetch, status);

    case CURLE_WRITE_ERROR:

        /* we stopped it, as its body is of no use */

        return ngx_para_fetch_outcome_of_status(fetch, status);

    case CURLE_COULDNT_RESOLVE_HOST:
        return NGX_PARA_FETCH_DNS;

    case CURLE_COULDNT_CONNECT:
        return NGX_PARA_FETCH_CONNECT;

    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CLIENTCERT:
        return NGX_PARA_FETCH_TLS;

    case CURLE_OPERATION_TIMEDOUT:
        return NGX_PARA_FETCH_TIMEOUT;

    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY:
        return NGX_PARA_FETCH_MEMORY;

    default:
        return NGX_PARA_FETCH_BROKEN;
    }
}


static ngx_para_fetch_outcome_e
ngx_para_fetch_outcome_of_status(const ngx_para_fetch_t *fetch, long status)
{
    if (status == 200) {
        return NGX_PARA_FETCH_OK;
    }

    if (status == 304) {
        return fetch->conditional ? NGX_PARA_FETCH_NOT_MODIFIED
                                  : NGX_PARA_FETCH_STATUS;
    }

    if (status >= 300 && status < 400) {
        return NGX_PARA_FETCH_REDIRECT;
    }

    return NGX_PARA_FETCH_STATUS;
}


static ngx_str_t
ngx_para_fetch_header(const ngx_para_fetch_t *fetch, const char *name)
{
    ngx_str_t            value;
    struct curl_header  *header;

    ngx_str_null(&value);

    if (curl_easy_header(fetch->easy, name, 0, CURLH_HEADER, -1, &header)
        != CURLHE_OK)
    {
        return value;
    }

    if (curl_easy_header(fetch->easy, name, header->amount - 1, CURLH_HEADER,
                         -1, &header)
        == CURLHE_OK)
    {
        value.data = (u_char *) header->value;
        value.len = ngx_strlen(header->value);
    }

    return value;
}


static void
ngx_para_fetch_free(ngx_para_fetch_t *fetch)
{
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    ngx_destroy_pool(fetch->pool);
}
