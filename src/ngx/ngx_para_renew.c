#include "ngx_para_answer.h"
#include "ngx_para_cache_ask.h"
#include "ngx_para_fetch.h"
#include "ngx_para_renew.h"
#include "../core/para_record.h"
#include "../core/para_session.h"


#define NGX_PARA_RENEW_MAX    64        /* in flight, in a worker */
#define NGX_PARA_RENEW_PAUSE  2000      /* ms, if Para was not reached */
#define NGX_PARA_RENEW_POOL   1024
#define NGX_PARA_RENEW_USER   128       /* bytes of a user id in a path */


/* One session's: first it is asked for, then it may be extended. */

typedef struct {
    ngx_queue_t                link;
    ngx_pool_t                *pool;
    ngx_para_renew_t          *renew;
    ngx_shm_zone_t            *zone;
    ngx_para_endpoint_e        endpoint;
    ngx_para_cache_ask_t       ask;
    ngx_msec_t                 keep_alive;
    ngx_str_t                  cookie;
    ngx_para_fetch_t          *fetch;
    ngx_para_fetch_target_t    extension;    /* its user's */
    ngx_uint_t                 answered;     /* unsigned  answered:1; */
} ngx_para_renewal_t;


static ngx_para_renewal_t *ngx_para_renew_prepare(ngx_para_renew_t *renew,
    const ngx_para_question_t *question);
static ngx_para_fetch_t *ngx_para_renew_post(ngx_para_renewal_t *renewal,
    const ngx_para_fetch_target_t *target, const ngx_str_t *body,
    ngx_para_fetch_done_pt done);
static ngx_int_t ngx_para_renew_header(ngx_pool_t *pool, ngx_str_t *header,
    const char *name, const ngx_str_t *value);
static void ngx_para_renew_answered(void *data,
    const ngx_para_fetch_answer_t *fetched);
static ngx_uint_t ngx_para_renew_judge(ngx_para_renewal_t *renewal,
    const ngx_para_fetch_answer_t *fetched, ngx_para_result_t *result);
static ngx_int_t ngx_para_renew_extend(ngx_para_renewal_t *renewal,
    const ngx_str_t *record);
static ngx_int_t ngx_para_renew_extension(ngx_para_renewal_t *renewal,
    para_span_t user);
static void ngx_para_renew_extended(void *data,
    const ngx_para_fetch_answer_t *fetched);
static void ngx_para_renew_report(ngx_para_renew_t *renew,
    ngx_para_renew_fault_e fault, const ngx_para_fetch_answer_t *fetched);
static void ngx_para_renew_end(ngx_para_renewal_t *renewal);


static ngx_queue_t  ngx_para_renewals;
static ngx_uint_t   ngx_para_renewing;       /* how many */


void
ngx_para_renew_init_process(void)
{
    ngx_queue_init(&ngx_para_renewals);
    ngx_para_renewing = 0;
}


void
ngx_para_renew_stop(void)
{
    ngx_queue_t         *q;
    ngx_para_renewal_t  *renewal;

    while (ngx_para_renewing) {
        q = ngx_queue_head(&ngx_para_renewals);
        renewal = ngx_queue_data(q, ngx_para_renewal_t, link);

        ngx_para_fetch_cancel(renewal->fetch);

        if (!renewal->answered) {
            ngx_para_cache_abandon(renewal->zone, &renewal->ask);
        }

        ngx_para_renew_end(renewal);
    }
}


void
ngx_para_renew_start(ngx_para_renew_t *renew, ngx_shm_zone_t *zone,
    const ngx_para_question_t *question, const u_char *key,
    const u_char *provider, ngx_msec_t keep_alive)
{
    ngx_para_renewal_t  *renewal;

    /* a worker that is to go leaves it to the next ones */

    if (ngx_exiting || ngx_para_renewing == NGX_PARA_RENEW_MAX) {
        return;
    }

    /* what keeps us from Para now is likely to be there for the next one */

    if (renew->fault == NGX_PARA_RENEW_UNREACHED
        && (ngx_msec_int_t) (renew->pause - ngx_current_msec) > 0)
    {
        return;
    }

    renewal = ngx_para_renew_prepare(renew, question);
    if (renewal == NULL) {
        return;
    }

    renewal->zone = zone;
    renewal->keep_alive = keep_alive;

    ngx_memcpy(renewal->ask.key, key, NGX_PARA_CACHE_KEY_SIZE);
    ngx_memcpy(renewal->ask.provider, provider, NGX_PARA_CACHE_KEY_SIZE);
    renewal->ask.free = 1;

    if (ngx_para_cache_ask(zone, &renewal->ask) != NGX_OK) {
        ngx_para_renew_end(renewal);
        return;
    }

    renewal->fetch = ngx_para_renew_post(renewal,
                                         &renew->target[question->endpoint],
                                         &question->body,
                                         ngx_para_renew_answered);
    if (renewal->fetch == NULL) {
        ngx_para_cache_abandon(zone, &renewal->ask);
        ngx_para_renew_end(renewal);
    }
}


static ngx_para_renewal_t *
ngx_para_renew_prepare(ngx_para_renew_t *renew,
    const ngx_para_question_t *question)
{
    ngx_pool_t          *pool;
    ngx_para_renewal_t  *renewal;

    pool = ngx_create_pool(NGX_PARA_RENEW_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    renewal = ngx_pcalloc(pool, sizeof(ngx_para_renewal_t));
    if (renewal == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    renewal->pool = pool;
    renewal->renew = renew;
    renewal->endpoint = question->endpoint;

    renewal->cookie.data = ngx_pnalloc(pool, question->cookie.len + 1);
    if (renewal->cookie.data == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    renewal->cookie.len = ngx_sprintf(renewal->cookie.data, "%V",
                                      &question->cookie)
                          - renewal->cookie.data;

    ngx_queue_insert_tail(&ngx_para_renewals, &renewal->link);
    ngx_para_renewing++;

    return renewal;
}


/* NULL: no memory. */

static ngx_para_fetch_t *
ngx_para_renew_post(ngx_para_renewal_t *renewal,
    const ngx_para_fetch_target_t *target, const ngx_str_t *body,
    ngx_para_fetch_done_pt done)
{
    ngx_str_t                     header[2];
    ngx_uint_t                    i;
    ngx_para_fetch_t             *fetch;
    ngx_para_fetch_content_t      content;
    const ngx_para_renew_conf_t  *conf;

    conf = &renewal->renew->conf;
    fetch = NULL;

    ngx_memzero(header, sizeof(header));

    content.body = *body;
    content.headers = header;
    content.nheaders = renewal->cookie.len ? 2 : 1;

    if (ngx_para_renew_header(renewal->pool, &header[0], "x-external-api-key",
                              ngx_para_endpoint_secret(renewal->endpoint)
                              ? &conf->secret_key : &conf->public_key)
        == NGX_OK
        && ngx_para_renew_header(renewal->pool, &header[1], "x-capsule-sid",
                                 &renewal->cookie)
           == NGX_OK)
    {
        fetch = ngx_para_fetch_post(target, &content, done, renewal,
                                    ngx_cycle->log);
    }

    for (i = 0; i < 2; i++) {
        if (header[i].data) {
            ngx_explicit_memzero(header[i].data, header[i].len);
        }
    }

    return fetch;
}


static ngx_int_t
ngx_para_renew_header(ngx_pool_t *pool, ngx_str_t *header, const char *name,
    const ngx_str_t *value)
{
    header->data = ngx_pnalloc(pool, ngx_strlen(name) + 2 + value->len);
    if (header->data == NULL) {
        return NGX_ERROR;
    }

    header->len = ngx_sprintf(header->data, "%s: %V", name, value)
                  - header->data;

    return NGX_OK;
}


static void
ngx_para_renew_answered(void *data, const ngx_para_fetch_answer_t *fetched)
{
    ngx_para_renewal_t *renewal = data;

    ngx_int_t          rc;
    ngx_para_result_t  result;

    renewal->fetch = NULL;
    renewal->answered = 1;

    if (!ngx_para_renew_judge(renewal, fetched, &result)) {
        ngx_para_cache_abandon(renewal->zone, &renewal->ask);
        renewal->renew->pause = ngx_current_msec + NGX_PARA_RENEW_PAUSE;
        ngx_para_renew_report(renewal->renew, NGX_PARA_RENEW_UNREACHED,
                              fetched);
        ngx_para_renew_end(renewal);
        return;
    }

    ngx_para_cache_answer(renewal->zone, &renewal->ask, &result);

    rc = NGX_DECLINED;

    if (result.reason == PARA_OK) {
        rc = ngx_para_renew_extend(renewal, &result.record);
    }

    if (result.record.data) {
        ngx_explicit_memzero(result.record.data, result.record.len);
    }

    ngx_para_renew_report(renewal->renew,
                          result.reason == PARA_OK
                          || result.reason == PARA_SESSION_ENDED
                          ? NGX_PARA_RENEW_WELL
                          : result.reason == PARA_KEY_REFUSED
                            ? NGX_PARA_RENEW_REFUSED
                            : NGX_PARA_RENEW_UNANSWERED,
                          fetched);

    if (rc != NGX_OK) {
        ngx_para_renew_end(renewal);
    }
}


/*
 * 0 if nothing came of it, or half an answer: that may be our way's fault, its
 * certificates', names' or firewall's.  Requests take another way to Para,
 * which stays open, and those that wait for this one are to take it.
 */

static ngx_uint_t
ngx_para_renew_judge(ngx_para_renewal_t *renewal,
    const ngx_para_fetch_answer_t *fetched, ngx_para_result_t *result)
{
    ngx_para_answer_t  answer;

    ngx_memzero(&answer, sizeof(ngx_para_answer_t));

    answer.endpoint = renewal->endpoint;
    answer.retry_after = -1;

    switch (fetched->outcome) {

    case NGX_PARA_FETCH_OK:
    case NGX_PARA_FETCH_STATUS:
    case NGX_PARA_FETCH_REDIRECT:
    case NGX_PARA_FETCH_SIZE:
        break;

    default:
        return 0;
    }

    answer.status = fetched->status;
    answer.whole = 1;
    answer.overflow = (fetched->outcome == NGX_PARA_FETCH_SIZE);
    answer.body = fetched->body;

    if (fetched->retry_after.len) {
        answer.retry_after = ngx_para_answer_retry_after(
                                                      &fetched->retry_after);
    }

    ngx_memzero(result, sizeof(ngx_para_result_t));

    ngx_para_answer_judge(renewal->pool, &answer, result);
    result->asked = renewal->ask.asked;

    return result->reason != PARA_NO_MEMORY;
}


/*
 * As the SDK's keepSessionAlive() does, but for the user that Para has named.
 * NGX_OK: it has begun.
 */

static ngx_int_t
ngx_para_renew_extend(ngx_para_renewal_t *renewal, const ngx_str_t *record)
{
    para_span_t  field[PARA_SESSION_FIELDS];

    static const ngx_str_t  nothing = ngx_null_string;

    if (renewal->keep_alive == 0 || renewal->endpoint != NGX_PARA_TOUCH) {
        return NGX_DECLINED;
    }

    if (!para_record_read(field, PARA_SESSION_FIELDS,
                          para_span(record->data, record->len))
        || !ngx_para_cache_extend(renewal->zone, renewal->ask.key,
                                  renewal->keep_alive)
        || ngx_para_renew_extension(renewal, field[PARA_SESSION_USER_ID])
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    renewal->fetch = ngx_para_renew_post(renewal, &renewal->extension,
                                         &nothing, ngx_para_renew_extended);

    return renewal->fetch ? NGX_OK : NGX_DECLINED;
}


/* What the user's id is, is Para's affair; that it stays in its place, ours. */

static ngx_int_t
ngx_para_renew_extension(ngx_para_renewal_t *renewal, para_span_t user)
{
    u_char                   *p, ch;
    size_t                    i;
    ngx_str_t                 api, id;
    ngx_para_fetch_target_t  *target;

    for (i = 0; i < user.len; i++) {
        ch = user.data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
              || (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '_'))
        {
            break;
        }
    }

    if (i == 0 || i != user.len || i > NGX_PARA_RENEW_USER) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "para_auth: a session of provider \"%V\" is not kept "
                      "alive: its user id would be no part of a URL",
                      &renewal->renew->conf.provider);
        return NGX_DECLINED;
    }

    api = renewal->renew->conf.api;
    id.data = (u_char *) user.data;
    id.len = user.len;

    p = ngx_pnalloc(renewal->pool, api.len + id.len
                                   + sizeof("/users//session/keep-alive"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    target = &renewal->extension;
    *target = renewal->renew->target[NGX_PARA_TOUCH];

    target->url.data = p;
    target->url.len = ngx_sprintf(p, "%V/users/%V/session/keep-alive%Z", &api,
                                  &id)
                      - p - 1;

    return NGX_OK;
}


/* Any 200 will do.  Its failure costs nothing now: the session is active. */

static void
ngx_para_renew_extended(void *data, const ngx_para_fetch_answer_t *fetched)
{
    ngx_para_renewal_t *renewal = data;

    ngx_uint_t         failed;
    ngx_para_renew_t  *renew;

    renew = renewal->renew;
    failed = fetched->outcome != NGX_PARA_FETCH_OK
             && fetched->outcome != NGX_PARA_FETCH_SIZE;

    if (failed && !renew->unextended) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "para_auth: sessions of provider \"%V\" cannot be kept "
                      "alive (status %ui): %s; they end when Para says so",
                      &renew->conf.provider, fetched->status, fetched->error);

    } else if (!failed && renew->unextended) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "para_auth: sessions of provider \"%V\" are kept alive "
                      "again", &renew->conf.provider);
    }

    renew->unextended = failed;

    ngx_para_renew_end(renewal);
}


/* One line when something goes wrong or is well again, not one each time. */

static void
ngx_para_renew_report(ngx_para_renew_t *renew, ngx_para_renew_fault_e fault,
    const ngx_para_fetch_answer_t *fetched)
{
    static const char  *words[] = {
        "",
        "Para is not reached",
        "Para does not say",
        "Para refuses the API key"
    };

    if (renew->fault == fault) {
        return;
    }

    renew->fault = fault;

    if (fault == NGX_PARA_RENEW_WELL) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "para_auth: sessions of provider \"%V\" are renewed "
                      "again", &renew->conf.provider);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "para_auth: sessions of provider \"%V\" cannot be renewed, "
                  "%s (status %ui): %s; each goes on until its time is over, "
                  "and is then asked for anew", &renew->conf.provider,
                  words[fault], fetched->status, fetched->error);
}


static void
ngx_para_renew_end(ngx_para_renewal_t *renewal)
{
    ngx_queue_remove(&renewal->link);
    ngx_para_renewing--;

    ngx_explicit_memzero(renewal->cookie.data, renewal->cookie.len);

    ngx_destroy_pool(renewal->pool);
}
