#include "ngx_para_verify.h"
#include "ngx_para_subrequest.h"
#include "../core/para_record.h"
#include "../core/para_session.h"


#define NGX_PARA_VERIFY_ODD_EVERY  60           /* s, between log lines */


/* One call to Para; lives in the pool of the request that makes it. */

struct ngx_para_verify_call_s {
    ngx_para_flight_t                flight;
    ngx_para_verify_t               *leader;
    ngx_http_request_t              *sr;
    ngx_para_verify_target_t        *target;
    ngx_para_verify_done_pt          done;
    void                            *data;

    ngx_msec_t                       asked;
    ngx_str_t                        question;  /* the body, until armed */
    u_char                          *answer;
    size_t                           len;

    unsigned                         ended:1;
    unsigned                         entered:1;     /* its location */
    unsigned                         armed:1;       /* has the secret key */
    unsigned                         misrouted:1;   /* left its location */
    unsigned                         foreign:1;     /* was to leave for a host
                                                       that is not Para's */
    unsigned                         overflow:1;
    unsigned                         last:1;        /* the answer is whole */
};


static ngx_int_t ngx_para_verify_attend(ngx_http_request_t *r,
    ngx_para_verify_t *verify);
static ngx_int_t ngx_para_verify_call(ngx_para_verify_call_t *call,
    ngx_http_request_t *r, para_span_t token);
static ngx_int_t ngx_para_verify_finished(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static para_reason_e ngx_para_verify_verdict(ngx_para_verify_call_t *call,
    ngx_int_t rc, ngx_para_verify_result_t *result);
static para_reason_e ngx_para_verify_parse(ngx_para_verify_call_t *call,
    ngx_para_verify_result_t *result);
static time_t ngx_para_verify_retry_after(ngx_http_upstream_t *u);
static void ngx_para_verify_report_odd(ngx_para_verify_call_t *call);
static void ngx_para_verify_report_fault(ngx_para_verify_call_t *call,
    para_reason_e fault, ngx_int_t rc);
static void ngx_para_verify_report(ngx_para_verify_call_t *call,
    para_reason_e reason, ngx_int_t rc);
static void ngx_para_verify_end(ngx_para_verify_call_t *call,
    const ngx_para_verify_result_t *result);
static void ngx_para_verify_land(ngx_para_flight_waiter_t *waiter,
    const void *data);
static void ngx_para_verify_cleanup(void *data);


ngx_int_t
ngx_para_verify_start(ngx_http_request_t *r, ngx_para_verify_t *verify,
    ngx_para_verify_target_t *target,
    const u_char key[PARA_DIGEST_SIZE], para_span_t token,
    ngx_para_verify_done_pt done, void *data)
{
    ngx_para_flight_t       *flight;
    ngx_para_verify_call_t  *call;

    if (ngx_para_verify_attend(r, verify) != NGX_OK) {
        return NGX_ERROR;
    }

    /* what it waited for before, it no longer wants */

    ngx_para_flight_leave(&verify->waiter);

    flight = ngx_para_flight_find(key);

    if (flight) {

        if (ngx_para_flight_join(flight, &verify->waiter, r) != NGX_OK) {
            return NGX_ERROR;
        }

        verify->leader = 0;

    } else {

        call = ngx_pcalloc(r->pool, sizeof(ngx_para_verify_call_t));
        if (call == NULL) {
            return NGX_ERROR;
        }

        call->leader = verify;
        call->asked = ngx_current_msec;
        call->target = target;
        call->done = done;
        call->data = data;

        if (ngx_para_verify_call(call, r, token) != NGX_OK) {

            /* the subrequest may be there already, and would report to it */

            call->ended = 1;

            return NGX_ERROR;
        }

        ngx_para_flight_begin(&call->flight, key);

        verify->call = call;
        verify->leader = 1;
    }

    ngx_memcpy(verify->key, key, PARA_DIGEST_SIZE);
    verify->pending = 1;
    verify->done = 0;
    verify->retry = 0;

    return NGX_AGAIN;
}


ngx_uint_t
ngx_para_verify_pending(const ngx_para_verify_t *verify,
    const u_char key[PARA_DIGEST_SIZE])
{
    return verify->pending
           && ngx_memcmp(verify->key, key, PARA_DIGEST_SIZE) == 0;
}


ngx_uint_t
ngx_para_verify_is(const ngx_para_verify_t *verify,
    const ngx_http_request_t *sr)
{
    return verify->leader && verify->call->sr == sr;
}


ngx_int_t
ngx_para_verify_admit(ngx_para_verify_t *verify, const void *provider)
{
    ngx_para_verify_call_t  *call;

    call = verify->call;

    /* it goes once through its own location, and nowhere else */

    if (provider == call->target->provider && !call->entered
        && !call->misrouted)
    {
        return NGX_OK;
    }

    call->misrouted = 1;

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


void
ngx_para_verify_enter(ngx_para_verify_t *verify)
{
    verify->call->entered = 1;
}


ngx_int_t
ngx_para_verify_arm(ngx_para_verify_t *verify)
{
    ngx_para_verify_call_t  *call;

    call = verify->call;

    if (call->ended || call->misrouted) {
        return NGX_DECLINED;
    }

    ngx_memcpy(call->sr->request_body->buf->pos, call->question.data,
               call->question.len);
    call->armed = 1;

    return NGX_OK;
}


void
ngx_para_verify_withhold(ngx_para_verify_t *verify)
{
    verify->call->foreign = 1;
}


/*
 * Below the copy filter every buffer is in memory.  Nothing is passed on, and
 * nothing fails: an overflow is told by the verdict, not by an error that would
 * cost the client's connection.
 */

void
ngx_para_verify_capture(ngx_para_verify_t *verify, ngx_chain_t *in)
{
    size_t                   size;
    ngx_buf_t               *b;
    ngx_para_verify_call_t  *call;

    call = verify->call;

    for (/* void */; in; in = in->next) {

        b = in->buf;

        if (b->last_buf || b->last_in_chain) {
            call->last = 1;
        }

        if (!ngx_buf_in_memory(b)) {
            call->overflow |= b->in_file;
            continue;
        }

        size = b->last - b->pos;

        if (size <= PARA_SESSION_ANSWER_MAX - call->len) {
            ngx_memcpy(call->answer + call->len, b->pos, size);
            call->len += size;

        } else {
            call->overflow = 1;
        }

        b->pos = b->last;
        b->file_pos = b->file_last;
    }
}


/* Once for a request, because it can end at any time, with its client. */

static ngx_int_t
ngx_para_verify_attend(ngx_http_request_t *r, ngx_para_verify_t *verify)
{
    ngx_http_cleanup_t  *cln;

    if (verify->attended) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_para_verify_cleanup;
    cln->data = verify;

    verify->attended = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_para_verify_call(ngx_para_verify_call_t *call, ngx_http_request_t *r,
    para_span_t token)
{
    ngx_buf_t  *body;

    call->answer = ngx_pnalloc(r->pool, PARA_SESSION_ANSWER_MAX);
    call->question.data = ngx_pnalloc(r->pool, PARA_SESSION_BODY_MAX);
    body = ngx_create_temp_buf(r->pool, PARA_SESSION_BODY_MAX);

    if (call->answer == NULL || call->question.data == NULL || body == NULL) {
        return NGX_ERROR;
    }

    call->question.len = para_session_verify_body(call->question.data, token);

    if (call->question.len == 0) {
        return NGX_ERROR;
    }

    /* blank until it is certain that it goes to Para */

    ngx_memset(body->pos, ' ', call->question.len);
    body->last = body->pos + call->question.len;

    return ngx_para_subrequest_post(r, &call->target->uri, body,
                                    ngx_para_verify_finished, call, &call->sr);
}


/*
 * Runs more than once for some statuses, the later times with nginx's own error
 * page: the first verdict stands.
 */

static ngx_int_t
ngx_para_verify_finished(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_para_verify_call_t *call = data;

    ngx_para_verify_result_t  result;

    if (call->ended) {
        return rc;
    }

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST) {

        /* the caller's client went away: that says nothing of the session */

        ngx_para_verify_end(call, NULL);

        return rc;
    }

    ngx_memzero(&result, sizeof(ngx_para_verify_result_t));

    result.asked = call->asked;
    result.retry_after = NGX_PARA_VERIFY_RETRY_AFTER;
    result.reason = ngx_para_verify_verdict(call, rc, &result);

    ngx_para_verify_report(call, result.reason, rc);

    call->done(&result, call->flight.key, call->data);

    ngx_para_verify_end(call, &result);

    return rc;
}


/* From the worst upwards: what is not certainly Para's word is none. */

static para_reason_e
ngx_para_verify_verdict(ngx_para_verify_call_t *call, ngx_int_t rc,
    ngx_para_verify_result_t *result)
{
    ngx_http_upstream_t  *u;

    u = call->sr->upstream;

    if (!call->armed || call->misrouted || call->foreign || u == NULL) {
        return PARA_UNAVAILABLE;
    }

#if (NGX_HTTP_CACHE)
    if (call->sr->cached || call->sr->cache) {
        ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                      "para_auth: the answer came through proxy_cache and is "
                      "refused, write \"proxy_cache off;\" in \"%V\"",
                      &call->target->uri);
        return PARA_UNAVAILABLE;
    }
#endif

    switch (u->headers_in.status_n) {

    case NGX_HTTP_OK:

        if (rc != NGX_OK || !call->last) {
            return PARA_UNAVAILABLE;
        }

        return ngx_para_verify_parse(call, result);

    case NGX_HTTP_FORBIDDEN:

        if (rc != NGX_OK && rc != NGX_HTTP_FORBIDDEN) {
            return PARA_UNAVAILABLE;
        }

        return PARA_SESSION_ENDED;

    case NGX_HTTP_UNAUTHORIZED:
        return PARA_KEY_REFUSED;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        result->retry_after = ngx_para_verify_retry_after(u);
        return PARA_UNAVAILABLE;

    default:
        return PARA_UNAVAILABLE;
    }
}


static para_reason_e
ngx_para_verify_parse(ngx_para_verify_call_t *call,
    ngx_para_verify_result_t *result)
{
    size_t          size;
    u_char         *record;
    para_reason_e   reason;
    para_session_t  session;

    if (call->overflow) {
        return PARA_ANSWER_SIZE;
    }

    reason = para_session_parse_verify(&session,
                                       para_span(call->answer, call->len));

    if (reason == PARA_OK) {

        reason = PARA_NO_MEMORY;

        size = para_record_size(session.field, PARA_SESSION_FIELDS);
        record = ngx_pnalloc(call->sr->pool, size);

        if (size && record) {
            para_record_write(record, session.field, PARA_SESSION_FIELDS);
            result->record.data = record;
            result->record.len = size;
            reason = PARA_OK;
        }
    }

    para_session_free(&session);

    return reason;
}


/* RFC 9110 10.2.3, the form in seconds */

static time_t
ngx_para_verify_retry_after(ngx_http_upstream_t *u)
{
    time_t            seconds;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &u->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != sizeof("Retry-After") - 1
                || ngx_strncasecmp(h[i].key.data, (u_char *) "Retry-After",
                                   h[i].key.len)
                   != 0)
            {
                continue;
            }

            seconds = ngx_atotm(h[i].value.data, h[i].value.len);

            if (seconds != NGX_ERROR) {
                return ngx_min(ngx_max(seconds, 1),
                               NGX_PARA_VERIFY_RETRY_AFTER_MAX);
            }
        }
    }

    return NGX_PARA_VERIFY_RETRY_AFTER;
}


/*
 * An answer that is whole, and whose members are not what they should be, can
 * be one user's: it says nothing of Para, and he could fill the log with it.
 */

static void
ngx_para_verify_report_odd(ngx_para_verify_call_t *call)
{
    time_t  now;

    now = ngx_time();

    if (now - call->target->odd < NGX_PARA_VERIFY_ODD_EVERY) {
        return;
    }

    call->target->odd = now;

    ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                  "para_auth: an answer of Para's is refused: %s; its members "
                  "are missing, too long, of a wrong type or have control "
                  "characters", para_reason_name(PARA_ANSWER_MEMBER));
}


/* What is wrong, as precisely as is known, and what to do about it. */

static void
ngx_para_verify_report_fault(ngx_para_verify_call_t *call,
    para_reason_e fault, ngx_int_t rc)
{
    ngx_log_t            *log;
    ngx_http_upstream_t  *u;

    log = call->sr->connection->log;

    if (fault == PARA_KEY_REFUSED) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: Para refuses the secret API key (401), check "
                      "secret_key_file and the environment; sessions cannot be "
                      "checked until then");
        return;
    }

    if (call->misrouted) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: the call to Para was led to \"%V\", which is "
                      "not marked by para_auth_upstream: look for a rewrite, "
                      "an error_page or an X-Accel-Redirect on its way",
                      &call->sr->uri);
        return;
    }

    if (call->foreign) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: proxy_pass in location \"%V\" leads to "
                      "another host than the provider's, key and token were "
                      "kept back: write \"proxy_pass $para_auth_api/sessions/"
                      "verify;\"", &call->target->uri);
        return;
    }

    u = call->sr->upstream;

    if (!call->armed && u && u->headers_in.status_n) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: location \"%V\" asked Para without the "
                      "secret key: write \"proxy_set_header X-External-API-Key "
                      "$para_auth_secret_key;\" there", &call->target->uri);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "para_auth: Para is unavailable: %s (status %ui, rc %i, %uz "
                  "bytes%s); sessions cannot be checked until it answers",
                  para_reason_name(fault),
                  u ? u->headers_in.status_n : 0, rc, call->len,
                  call->last ? "" : ", answer incomplete");
}


/* One line when Para stops answering, one when it does again. */

static void
ngx_para_verify_report(ngx_para_verify_call_t *call, para_reason_e reason,
    ngx_int_t rc)
{
    para_reason_e  fault;

    if (reason == PARA_ANSWER_MEMBER) {
        ngx_para_verify_report_odd(call);
        return;
    }

    fault = (reason == PARA_SESSION_ENDED) ? PARA_OK : reason;

    /* our own want of memory says nothing of Para */

    if (fault == call->target->fault || fault == PARA_NO_MEMORY) {
        return;
    }

    call->target->fault = fault;

    if (fault == PARA_OK) {
        ngx_log_error(NGX_LOG_NOTICE, call->sr->connection->log, 0,
                      "para_auth: Para answers again");
        return;
    }

    ngx_para_verify_report_fault(call, fault, rc);
}


/* Tells all who want to know; NULL: nothing is known, start again. */

static void
ngx_para_verify_end(ngx_para_verify_call_t *call,
    const ngx_para_verify_result_t *result)
{
    call->ended = 1;

    ngx_para_flight_end(&call->flight, ngx_para_verify_land, result);

    if (!call->leader->leader || call->leader->call != call) {
        return;
    }

    /* nginx wakes the leader itself, as the parent of the subrequest */

    if (result) {
        call->leader->result = *result;
        call->leader->done = 1;

    } else {
        call->leader->retry = 1;
    }
}


static void
ngx_para_verify_land(ngx_para_flight_waiter_t *waiter, const void *data)
{
    const ngx_para_verify_result_t *result = data;

    ngx_para_verify_t  *verify;

    verify = (ngx_para_verify_t *)
                 ((u_char *) waiter - offsetof(ngx_para_verify_t, waiter));

    if (result == NULL) {
        verify->retry = 1;
        return;
    }

    verify->result = *result;
    verify->done = 1;

    if (result->record.len == 0) {
        return;
    }

    /* it lives in the leader's pool: a waiter needs its own */

    verify->result.record.data = ngx_pstrdup(waiter->request->pool,
                                             (ngx_str_t *) &result->record);

    if (verify->result.record.data == NULL) {
        verify->result.reason = PARA_NO_MEMORY;
    }
}


static void
ngx_para_verify_cleanup(void *data)
{
    ngx_para_verify_t *verify = data;

    ngx_para_flight_leave(&verify->waiter);

    if (verify->call && !verify->call->ended) {
        ngx_para_verify_end(verify->call, NULL);
    }
}
