#include "ngx_para_call_state.h"
#include "ngx_para_subrequest.h"


static ngx_int_t ngx_para_call_attend(ngx_http_request_t *r,
    ngx_para_call_share_t *share);
static ngx_int_t ngx_para_call_post(ngx_para_call_t *call,
    ngx_http_request_t *r);
static void ngx_para_call_begin(ngx_para_call_t *call, const u_char *key);
static void ngx_para_call_late(ngx_event_t *ev);
static void ngx_para_call_break(ngx_http_upstream_t *u);
static void ngx_para_call_break_lookup(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_para_call_finished(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);
static void ngx_para_call_conclude(ngx_para_call_t *call, ngx_int_t rc);
static void ngx_para_call_answer(ngx_para_call_t *call, ngx_int_t rc,
    ngx_para_answer_t *answer);
static ngx_uint_t ngx_para_call_cached(ngx_para_call_t *call);
static time_t ngx_para_call_retry_after(ngx_http_upstream_t *u);
static void ngx_para_call_end(ngx_para_call_t *call,
    const ngx_para_result_t *result);
static void ngx_para_call_land(ngx_para_flight_waiter_t *waiter,
    const void *data);
static void ngx_para_call_cleanup(void *data);


ngx_int_t
ngx_para_call_start(ngx_http_request_t *r, ngx_para_call_share_t *share,
    ngx_para_call_target_t *target, const u_char key[PARA_DIGEST_SIZE],
    const ngx_para_question_t *question, ngx_para_call_done_pt done,
    void *data)
{
    ngx_para_call_t    *call;
    ngx_para_flight_t  *flight;

    if (ngx_para_call_attend(r, share) != NGX_OK) {
        return NGX_ERROR;
    }

    /* what it waited for before, it no longer wants */

    ngx_para_flight_leave(&share->waiter);

    flight = ngx_para_flight_find(key);

    if (flight) {

        if (ngx_para_flight_join(flight, &share->waiter, r) != NGX_OK) {
            return NGX_ERROR;
        }

        share->leader = 0;

    } else {

        call = ngx_pcalloc(r->pool, sizeof(ngx_para_call_t));
        if (call == NULL) {
            return NGX_ERROR;
        }

        call->leader = share;
        call->asked = ngx_current_msec;
        call->target = target;
        call->question = *question;
        call->done = done;
        call->data = data;

        if (ngx_para_call_post(call, r) != NGX_OK) {

            /* the subrequest may be there already, and would report to it */

            call->ended = 1;

            return NGX_ERROR;
        }

        ngx_para_call_begin(call, key);

        share->call = call;
        share->leader = 1;
    }

    ngx_memcpy(share->key, key, PARA_DIGEST_SIZE);
    share->pending = 1;
    share->done = 0;
    share->retry = 0;

    return NGX_AGAIN;
}


ngx_uint_t
ngx_para_call_pending(const ngx_para_call_share_t *share,
    const u_char key[PARA_DIGEST_SIZE])
{
    return share->pending
           && ngx_memcmp(share->key, key, PARA_DIGEST_SIZE) == 0;
}


/*
 * By what it reports to: a request may have made another call since, and what
 * the earlier one still brings must not get into the client's answer.
 */

ngx_para_call_t *
ngx_para_call_of(const ngx_http_request_t *sr)
{
    if (sr == sr->main || sr->post_subrequest == NULL
        || sr->post_subrequest->handler != ngx_para_call_finished)
    {
        return NULL;
    }

    return sr->post_subrequest->data;
}


ngx_int_t
ngx_para_call_admit(ngx_para_call_t *call,
    const ngx_para_call_target_t *target)
{
    /* it goes once through its own location, and nowhere else */

    if (target == call->target && !call->entered && !call->misrouted) {
        return NGX_OK;
    }

    call->misrouted = 1;

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


void
ngx_para_call_enter(ngx_para_call_t *call)
{
    call->entered = 1;
}


const ngx_para_question_t *
ngx_para_call_question(const ngx_para_call_t *call)
{
    return call->ended || call->misrouted ? NULL : &call->question;
}


void
ngx_para_call_arm(ngx_para_call_t *call)
{
    if (call->question.body.len) {
        ngx_memcpy(call->sr->request_body->buf->pos,
                   call->question.body.data, call->question.body.len);
    }

    call->armed = 1;
}


void
ngx_para_call_withhold(ngx_para_call_t *call)
{
    call->foreign = 1;
}


/*
 * Below the copy filter every buffer is in memory.  Nothing is passed on, and
 * nothing fails: an overflow is told by the verdict, not by an error that would
 * cost the client's connection.
 */

void
ngx_para_call_capture(ngx_para_call_t *call, ngx_chain_t *in)
{
    size_t      size;
    ngx_buf_t  *b;

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

        if (size <= NGX_PARA_ANSWER_MAX - call->len) {
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
ngx_para_call_attend(ngx_http_request_t *r, ngx_para_call_share_t *share)
{
    ngx_http_cleanup_t  *cln;

    if (share->attended) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_para_call_cleanup;
    cln->data = share;

    share->attended = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_para_call_post(ngx_para_call_t *call, ngx_http_request_t *r)
{
    size_t      size;
    ngx_buf_t  *body;

    call->answer = ngx_pnalloc(r->pool, NGX_PARA_ANSWER_MAX);
    if (call->answer == NULL) {
        return NGX_ERROR;
    }

    size = call->question.body.len;
    body = NULL;

    if (size) {
        body = ngx_create_temp_buf(r->pool, size);
        if (body == NULL) {
            return NGX_ERROR;
        }

        /* blank until it is certain that it goes to Para */

        ngx_memset(body->pos, ' ', size);
        body->last = body->pos + size;
    }

    return ngx_para_subrequest_post(r, &call->target->uri, body,
                                    ngx_para_call_finished, call, &call->sr);
}


static void
ngx_para_call_begin(ngx_para_call_t *call, const u_char *key)
{
    ngx_para_flight_begin(&call->flight, key);

    call->timer.handler = ngx_para_call_late;
    call->timer.data = call;
    call->timer.log = call->sr->connection->log;

    ngx_add_timer(&call->timer, NGX_PARA_CALL_TIMEOUT);
}


/*
 * proxy_read_timeout is between two reads: a byte a second would keep all who
 * wait for ever.
 */

static void
ngx_para_call_late(ngx_event_t *ev)
{
    ngx_para_call_t      *call;
    ngx_http_upstream_t  *u;

    call = ev->data;
    call->late = 1;

    u = call->sr->upstream;

    if (u && u->peer.connection) {
        ngx_para_call_break(u);
        return;
    }

    if (u && u->resolved && u->resolved->ctx) {
        ngx_para_call_break_lookup(u->resolved->ctx);
        return;
    }

    /*
     * nginx holds the subrequest back, as limit_req does: it ends that itself,
     * but those who wait for its answer need not wait for that
     */

    ngx_para_call_conclude(call, NGX_HTTP_GATEWAY_TIME_OUT);
}


/*
 * As if proxy_read_timeout had passed, without another try.  The call may be no
 * more after it.
 */

static void
ngx_para_call_break(ngx_http_upstream_t *u)
{
    ngx_event_t  *rev;

    u->peer.tries = 0;

    rev = u->peer.connection->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    rev->timedout = 1;
    rev->handler(rev);
}


/* As if resolver_timeout had passed. */

static void
ngx_para_call_break_lookup(ngx_resolver_ctx_t *ctx)
{
    ctx->state = NGX_RESOLVE_TIMEDOUT;
    ctx->handler(ctx);
}


/*
 * Runs more than once for some statuses, the later times with nginx's own error
 * page: the first verdict stands.
 */

static ngx_int_t
ngx_para_call_finished(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_para_call_t *call = data;

    if (call->ended) {
        return rc;
    }

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST) {

        /* the caller's client went away: that says nothing of the session */

        ngx_para_call_end(call, NULL);

        return rc;
    }

    ngx_para_call_conclude(call, rc);

    return rc;
}


static void
ngx_para_call_conclude(ngx_para_call_t *call, ngx_int_t rc)
{
    ngx_para_answer_t  answer;
    ngx_para_result_t  result;

    ngx_para_call_answer(call, rc, &answer);

    ngx_para_answer_judge(call->sr->pool, &answer, &result);

    result.asked = call->asked;

    ngx_para_call_report(call, result.reason, rc);

    ngx_para_call_end(call, &result);
}


/* What came, without a status where it is not certainly Para's. */

static void
ngx_para_call_answer(ngx_para_call_t *call, ngx_int_t rc,
    ngx_para_answer_t *answer)
{
    ngx_uint_t            status;
    ngx_http_upstream_t  *u;

    ngx_memzero(answer, sizeof(ngx_para_answer_t));

    answer->endpoint = call->target->endpoint;
    answer->retry_after = -1;

    u = call->sr->upstream;

    if (!call->armed || call->misrouted || call->foreign || call->late
        || u == NULL || ngx_para_call_cached(call))
    {
        return;
    }

    status = u->headers_in.status_n;

    if (rc != NGX_OK && rc != (ngx_int_t) status) {
        return;
    }

    answer->status = status;
    answer->whole = call->last && rc == NGX_OK;
    answer->overflow = call->overflow;
    answer->body.data = call->answer;
    answer->body.len = call->len;
    answer->retry_after = ngx_para_call_retry_after(u);
}


static ngx_uint_t
ngx_para_call_cached(ngx_para_call_t *call)
{
#if (NGX_HTTP_CACHE)

    if (call->sr->cached || call->sr->cache) {
        ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                      "para_auth: the answer came through proxy_cache and is "
                      "refused, write \"proxy_cache off;\" in \"%V\"",
                      &call->target->uri);
        return 1;
    }

#endif

    return 0;
}


static time_t
ngx_para_call_retry_after(ngx_http_upstream_t *u)
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

            seconds = ngx_para_answer_retry_after(&h[i].value);

            if (seconds >= 0) {
                return seconds;
            }
        }
    }

    return -1;
}


/* Tells all who want to know; NULL: nothing is known, start again. */

static void
ngx_para_call_end(ngx_para_call_t *call, const ngx_para_result_t *result)
{
    call->ended = 1;

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    call->done(result, call->data);

    ngx_para_flight_end(&call->flight, ngx_para_call_land, result);

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
ngx_para_call_land(ngx_para_flight_waiter_t *waiter, const void *data)
{
    const ngx_para_result_t *result = data;

    ngx_para_call_share_t  *share;

    share = (ngx_para_call_share_t *)
                ((u_char *) waiter - offsetof(ngx_para_call_share_t, waiter));

    if (result == NULL) {
        share->retry = 1;
        return;
    }

    share->result = *result;
    share->done = 1;

    if (result->record.len == 0) {
        return;
    }

    /* it lives in the leader's pool: a waiter needs its own */

    share->result.record.data = ngx_pstrdup(waiter->request->pool,
                                            (ngx_str_t *) &result->record);

    if (share->result.record.data == NULL) {
        share->result.reason = PARA_NO_MEMORY;
    }
}


static void
ngx_para_call_cleanup(void *data)
{
    ngx_para_call_share_t *share = data;

    ngx_para_flight_leave(&share->waiter);

    if (share->call && !share->call->ended) {
        ngx_para_call_end(share->call, NULL);
    }
}
