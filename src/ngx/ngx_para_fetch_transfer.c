#include "ngx_para_fetch_transfer.h"

#include <curl/curl.h>


#define NGX_PARA_FETCH_MAX_HEAD  16384         /* bytes of all header lines */

/* of a connection that is kept, of a name's addresses; s */
#define NGX_PARA_FETCH_LIFETIME  300L
#define NGX_PARA_FETCH_NAME      60L


#if (NGX_PARA_FETCH_ERROR_SIZE < CURL_ERROR_SIZE)
#error libcurl writes longer errors
#endif


/* Sets an option unless one has failed. */

#define ngx_para_fetch_set(rc, easy, option, value)                           \
    if (rc == CURLE_OK) {                                                     \
        rc = curl_easy_setopt(easy, option, value);                           \
    }


static ngx_int_t ngx_para_fetch_add_header(
    ngx_para_fetch_transfer_t *transfer, const char *line);
static ngx_int_t ngx_para_fetch_set_headers(
    ngx_para_fetch_transfer_t *transfer, const ngx_str_t *etag);
static ngx_int_t ngx_para_fetch_set_content(
    ngx_para_fetch_transfer_t *transfer,
    const ngx_para_fetch_content_t *content);
static CURLcode ngx_para_fetch_set_request(
    ngx_para_fetch_transfer_t *transfer);
static CURLcode ngx_para_fetch_set_reuse(ngx_para_fetch_transfer_t *transfer);
static CURLcode ngx_para_fetch_set_bounds(ngx_para_fetch_transfer_t *transfer);
static CURLcode ngx_para_fetch_set_tls(ngx_para_fetch_transfer_t *transfer);
static CURLcode ngx_para_fetch_tls_callback(CURL *easy, void *ssl_ctx,
    void *data);
static int ngx_para_fetch_connected_callback(void *data, char *address,
    char *local_address, int port, int local_port);
static size_t ngx_para_fetch_head_callback(char *line, size_t size, size_t n,
    void *data);
static size_t ngx_para_fetch_body_callback(char *bytes, size_t size, size_t n,
    void *data);
static ngx_para_fetch_outcome_e ngx_para_fetch_outcome(
    const ngx_para_fetch_transfer_t *transfer, CURLcode code, long status);
static ngx_para_fetch_outcome_e ngx_para_fetch_outcome_of_status(
    const ngx_para_fetch_transfer_t *transfer, long status);
static ngx_str_t ngx_para_fetch_header(
    const ngx_para_fetch_transfer_t *transfer, const char *name);


ngx_int_t
ngx_para_fetch_transfer_init(ngx_para_fetch_transfer_t *transfer,
    ngx_pool_t *pool, const ngx_para_fetch_target_t *target,
    const ngx_str_t *etag)
{
    ngx_int_t  rc;

    transfer->pool = pool;
    transfer->target = target;
    transfer->conditional = (etag->len != 0);

    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        return NGX_ERROR;
    }

    rc = transfer->post ? ngx_para_fetch_set_content(transfer, transfer->post)
                        : ngx_para_fetch_set_headers(transfer, etag);

    if (rc != NGX_OK
        || ngx_para_fetch_set_request(transfer) != CURLE_OK
        || ngx_para_fetch_set_reuse(transfer) != CURLE_OK
        || ngx_para_fetch_set_bounds(transfer) != CURLE_OK
        || ngx_para_fetch_set_tls(transfer) != CURLE_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_para_fetch_transfer_free(ngx_para_fetch_transfer_t *transfer)
{
    struct curl_slist  *header;

    curl_easy_cleanup(transfer->easy);

    /* keys and sessions, and what was said of them */

    for (header = transfer->headers; header; header = header->next) {
        ngx_explicit_memzero(header->data, ngx_strlen(header->data));
    }

    curl_slist_free_all(transfer->headers);

    if (transfer->sent.data) {
        ngx_explicit_memzero(transfer->sent.data, transfer->sent.len);
    }

    if (transfer->body.data) {
        ngx_explicit_memzero(transfer->body.data, transfer->body.len);
    }
}


ngx_int_t
ngx_para_fetch_transfer_renew(ngx_para_fetch_transfer_t *transfer)
{
    transfer->foreign = 0;
    transfer->fresh = 1;

    return curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L)
           == CURLE_OK ? NGX_OK : NGX_ERROR;
}


/* Each line is copied. */

static ngx_int_t
ngx_para_fetch_add_header(ngx_para_fetch_transfer_t *transfer,
    const char *line)
{
    struct curl_slist  *headers;

    headers = curl_slist_append(transfer->headers, line);
    if (headers == NULL) {
        return NGX_ERROR;
    }

    transfer->headers = headers;

    return NGX_OK;
}


static ngx_int_t
ngx_para_fetch_set_headers(ngx_para_fetch_transfer_t *transfer,
    const ngx_str_t *etag)
{
    u_char  *line;

    if (ngx_para_fetch_add_header(transfer,
                                  "Accept: application/jwk-set+json, "
                                  "application/json;q=0.9, */*;q=0.1")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (etag->len == 0) {
        return NGX_OK;
    }

    line = ngx_pnalloc(transfer->pool, sizeof("If-None-Match: ") + etag->len);
    if (line == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(line, "If-None-Match: %V%Z", etag);

    return ngx_para_fetch_add_header(transfer, (char *) line);
}


static ngx_int_t
ngx_para_fetch_set_content(ngx_para_fetch_transfer_t *transfer,
    const ngx_para_fetch_content_t *content)
{
    u_char     *line;
    CURLcode    rc;
    ngx_int_t   added;
    ngx_uint_t  i;

    /* libcurl would call it a form */

    if (ngx_para_fetch_add_header(transfer, "Accept: application/json")
        != NGX_OK
        || ngx_para_fetch_add_header(transfer, content->body.len
                                     ? "Content-Type: application/json"
                                     : "Content-Type:")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < content->nheaders; i++) {

        line = ngx_pnalloc(transfer->pool, content->headers[i].len + 1);
        if (line == NULL) {
            return NGX_ERROR;
        }

        ngx_sprintf(line, "%V%Z", &content->headers[i]);

        added = ngx_para_fetch_add_header(transfer, (char *) line);

        ngx_explicit_memzero(line, content->headers[i].len);

        if (added != NGX_OK) {
            return NGX_ERROR;
        }
    }

    transfer->sent.data = ngx_pnalloc(transfer->pool, content->body.len + 1);
    if (transfer->sent.data == NULL) {
        return NGX_ERROR;
    }

    transfer->sent.len = ngx_sprintf(transfer->sent.data, "%V", &content->body)
                         - transfer->sent.data;

    rc = CURLE_OK;

    ngx_para_fetch_set(rc, transfer->easy, CURLOPT_POST, 1L);
    ngx_para_fetch_set(rc, transfer->easy, CURLOPT_POSTFIELDS,
                       transfer->sent.data);
    ngx_para_fetch_set(rc, transfer->easy, CURLOPT_POSTFIELDSIZE,
                       (long) transfer->sent.len);

    return rc == CURLE_OK ? NGX_OK : NGX_ERROR;
}


static CURLcode
ngx_para_fetch_set_request(ngx_para_fetch_transfer_t *transfer)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = transfer->easy;

    ngx_para_fetch_set(rc, easy, CURLOPT_URL, transfer->target->url.data);
    ngx_para_fetch_set(rc, easy, CURLOPT_PROTOCOLS_STR,
                       transfer->target->trust ? "https" : "http");
    ngx_para_fetch_set(rc, easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    ngx_para_fetch_set(rc, easy, CURLOPT_FOLLOWLOCATION, 0L);

    /*
     * Not HTTP/2: a bad server could hold libcurl with it, and so the worker;
     * and a connection on which nothing comes any more would be kept after a
     * timeout, and all that follow would be sent over it.
     */
    ngx_para_fetch_set(rc, easy, CURLOPT_HTTP_VERSION,
                       (long) CURL_HTTP_VERSION_1_1);
    ngx_para_fetch_set(rc, easy, CURLOPT_HTTP09_ALLOWED, 0L);

    ngx_para_fetch_set(rc, easy, CURLOPT_USERAGENT, "nginx-para-auth");
    ngx_para_fetch_set(rc, easy, CURLOPT_HTTPHEADER, transfer->headers);

    /* whatever the environment says */
    ngx_para_fetch_set(rc, easy, CURLOPT_PROXY, "");

    return rc;
}


static CURLcode
ngx_para_fetch_set_reuse(ngx_para_fetch_transfer_t *transfer)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = transfer->easy;

    if (!transfer->target->reuse) {

        /* fetches are minutes apart: nothing is kept for the next */
        ngx_para_fetch_set(rc, easy, CURLOPT_FRESH_CONNECT, 1L);
        ngx_para_fetch_set(rc, easy, CURLOPT_FORBID_REUSE, 1L);
        ngx_para_fetch_set(rc, easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);

        return rc;
    }

    /* the name's addresses may change */
    ngx_para_fetch_set(rc, easy, CURLOPT_MAXLIFETIME_CONN,
                       NGX_PARA_FETCH_LIFETIME);
    ngx_para_fetch_set(rc, easy, CURLOPT_DNS_CACHE_TIMEOUT,
                       NGX_PARA_FETCH_NAME);

    if (transfer->target->trust) {
        ngx_para_fetch_set(rc, easy, CURLOPT_PREREQFUNCTION,
                           ngx_para_fetch_connected_callback);
        ngx_para_fetch_set(rc, easy, CURLOPT_PREREQDATA, transfer);
    }

    return rc;
}


static CURLcode
ngx_para_fetch_set_bounds(ngx_para_fetch_transfer_t *transfer)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = transfer->easy;

    ngx_para_fetch_set(rc, easy, CURLOPT_TIMEOUT_MS,
                       (long) transfer->target->timeout);

    /* signals are nginx's; a name lookup that hangs is left to its thread */
    ngx_para_fetch_set(rc, easy, CURLOPT_NOSIGNAL, 1L);
    ngx_para_fetch_set(rc, easy, CURLOPT_QUICK_EXIT, 1L);

    ngx_para_fetch_set(rc, easy, CURLOPT_HEADERFUNCTION,
                       ngx_para_fetch_head_callback);
    ngx_para_fetch_set(rc, easy, CURLOPT_HEADERDATA, transfer);
    ngx_para_fetch_set(rc, easy, CURLOPT_WRITEFUNCTION,
                       ngx_para_fetch_body_callback);
    ngx_para_fetch_set(rc, easy, CURLOPT_WRITEDATA, transfer);
    ngx_para_fetch_set(rc, easy, CURLOPT_ERRORBUFFER, transfer->error);

    return rc;
}


static CURLcode
ngx_para_fetch_set_tls(ngx_para_fetch_transfer_t *transfer)
{
    CURL      *easy;
    CURLcode   rc;

    rc = CURLE_OK;
    easy = transfer->easy;

    ngx_para_fetch_set(rc, easy, CURLOPT_SSLVERSION,
                       (long) CURL_SSLVERSION_TLSv1_2);
    ngx_para_fetch_set(rc, easy, CURLOPT_SSL_VERIFYPEER, 1L);
    ngx_para_fetch_set(rc, easy, CURLOPT_SSL_VERIFYHOST, 2L);

    /*
     * The target's CAs and no other.  Some versions set the context's store up
     * after our callback, when it is the target's, which others use too: so
     * nothing is left to set up.
     */

    ngx_para_fetch_set(rc, easy, CURLOPT_CAINFO, NULL);
    ngx_para_fetch_set(rc, easy, CURLOPT_CAPATH, NULL);
    ngx_para_fetch_set(rc, easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    ngx_para_fetch_set(rc, easy, CURLOPT_SSL_OPTIONS,
                       (long) CURLSSLOPT_NO_PARTIALCHAIN);

    /* a session would be resumed whatever CAs it was verified with */
    ngx_para_fetch_set(rc, easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);

    if (transfer->target->trust) {
        ngx_para_fetch_set(rc, easy, CURLOPT_SSL_CTX_FUNCTION,
                           ngx_para_fetch_tls_callback);
        ngx_para_fetch_set(rc, easy, CURLOPT_SSL_CTX_DATA, transfer);
    }

    return rc;
}


static CURLcode
ngx_para_fetch_tls_callback(CURL *easy, void *ssl_ctx, void *data)
{
    ngx_para_fetch_transfer_t *transfer = data;

    return para_trust_use(transfer->target->trust, ssl_ctx)
           ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}


/*
 * libcurl does not know whom a connection that it kept was verified by: before
 * anything is sent over one, we look.
 */

static int
ngx_para_fetch_connected_callback(void *data, char *address,
    char *local_address, int port, int local_port)
{
    ngx_para_fetch_transfer_t *transfer = data;

    struct curl_tlssessioninfo  *tls;

    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &tls)
        == CURLE_OK
        && tls->internals
        && para_trust_has(transfer->target->trust, tls->internals))
    {
        return CURL_PREREQFUNC_OK;
    }

    transfer->foreign = 1;

    return CURL_PREREQFUNC_ABORT;
}


static size_t
ngx_para_fetch_head_callback(char *line, size_t size, size_t n, void *data)
{
    ngx_para_fetch_transfer_t *transfer = data;

    if (n > NGX_PARA_FETCH_MAX_HEAD - transfer->head) {
        transfer->oversized = 1;
        return CURL_WRITEFUNC_ERROR;
    }

    transfer->head += n;

    return n;
}


static size_t
ngx_para_fetch_body_callback(char *bytes, size_t size, size_t n, void *data)
{
    long                        status;
    ngx_str_t                  *body;
    ngx_para_fetch_transfer_t  *transfer;

    transfer = data;
    body = &transfer->body;

    status = 0;
    (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);

    if (status != 200) {

        /* read to its end, the connection can be kept */

        if (transfer->target->reuse
            && n <= transfer->target->max - transfer->dropped)
        {
            transfer->dropped += n;
            return n;
        }

        transfer->unread = 1;
        return CURL_WRITEFUNC_ERROR;
    }

    if (n > transfer->target->max - body->len) {
        transfer->oversized = 1;
        return CURL_WRITEFUNC_ERROR;
    }

    if (body->data == NULL) {
        body->data = ngx_pnalloc(transfer->pool, transfer->target->max);

        if (body->data == NULL) {
            transfer->failed = 1;
            return CURL_WRITEFUNC_ERROR;
        }
    }

    ngx_memcpy(body->data + body->len, bytes, n);
    body->len += n;

    return n;
}


void
ngx_para_fetch_transfer_answer(const ngx_para_fetch_transfer_t *transfer,
    int code, ngx_para_fetch_answer_t *answer)
{
    long  status;

    ngx_memzero(answer, sizeof(ngx_para_fetch_answer_t));

    status = 0;
    (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);

    answer->outcome = ngx_para_fetch_outcome(transfer, code, status);
    answer->status = (ngx_uint_t) status;
    answer->etag = ngx_para_fetch_header(transfer, "ETag");
    answer->cache_control = ngx_para_fetch_header(transfer, "Cache-Control");
    answer->age = ngx_para_fetch_header(transfer, "Age");
    answer->retry_after = ngx_para_fetch_header(transfer, "Retry-After");

    if (answer->outcome == NGX_PARA_FETCH_OK) {
        answer->body = transfer->body;
    }

    if (code == CURLE_OK || transfer->oversized || transfer->unread) {
        answer->error = "";

    } else if (transfer->error[0]) {
        answer->error = transfer->error;

    } else {
        answer->error = curl_easy_strerror(code);
    }
}


static ngx_para_fetch_outcome_e
ngx_para_fetch_outcome(const ngx_para_fetch_transfer_t *transfer,
    CURLcode code, long status)
{
    if (transfer->failed) {
        return NGX_PARA_FETCH_MEMORY;
    }

    if (transfer->oversized) {
        return NGX_PARA_FETCH_SIZE;
    }

    if (transfer->unread) {
        return ngx_para_fetch_outcome_of_status(transfer, status);
    }

    switch (code) {

    case CURLE_OK:
        return ngx_para_fetch_outcome_of_status(transfer, status);

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

    case CURLE_OUT_OF_MEMORY:

        /* so libcurl calls a line of a header that is too long for it */

        return transfer->head ? NGX_PARA_FETCH_SIZE : NGX_PARA_FETCH_MEMORY;

    case CURLE_FAILED_INIT:
        return NGX_PARA_FETCH_MEMORY;

    default:
        return NGX_PARA_FETCH_BROKEN;
    }
}


static ngx_para_fetch_outcome_e
ngx_para_fetch_outcome_of_status(const ngx_para_fetch_transfer_t *transfer,
    long status)
{
    if (status == 200) {
        return NGX_PARA_FETCH_OK;
    }

    if (status == 304) {
        return transfer->conditional ? NGX_PARA_FETCH_NOT_MODIFIED
                                     : NGX_PARA_FETCH_STATUS;
    }

    if (status >= 300 && status < 400) {
        return NGX_PARA_FETCH_REDIRECT;
    }

    return NGX_PARA_FETCH_STATUS;
}


static ngx_str_t
ngx_para_fetch_header(const ngx_para_fetch_transfer_t *transfer,
    const char *name)
{
    CURL                *easy;
    ngx_str_t            value;
    struct curl_header  *header;

    easy = transfer->easy;

    ngx_str_null(&value);

    /* the last of them: the first says how many there are */

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
        && curl_easy_header(easy, name, header->amount - 1, CURLH_HEADER, -1,
                            &header)
           == CURLHE_OK)
    {
        value.data = (u_char *) header->value;
        value.len = ngx_strlen(header->value);
    }

    return value;
}
