#include "ngx_para_answer.h"
#include "../core/para_record.h"
#include "../core/para_wallet.h"


#define NGX_PARA_OK                 200
#define NGX_PARA_BAD_REQUEST        400
#define NGX_PARA_UNAUTHORIZED       401
#define NGX_PARA_FORBIDDEN          403
#define NGX_PARA_NOT_FOUND          404
#define NGX_PARA_UNPROCESSABLE      422
#define NGX_PARA_TOO_MANY_REQUESTS  429
#define NGX_PARA_UNAVAILABLE        503


static para_reason_e ngx_para_answer_reason(ngx_pool_t *pool,
    const ngx_para_answer_t *answer, ngx_str_t *record);
static para_reason_e ngx_para_answer_parse(ngx_pool_t *pool,
    const ngx_para_answer_t *answer, ngx_str_t *record);
static para_reason_e ngx_para_answer_session(ngx_pool_t *pool,
    const ngx_para_answer_t *answer, ngx_str_t *record);
static para_reason_e ngx_para_answer_record(ngx_pool_t *pool,
    const para_session_t *session, ngx_str_t *record);
static para_reason_e ngx_para_answer_wallet(ngx_pool_t *pool,
    const ngx_para_answer_t *answer, ngx_str_t *record);


void
ngx_para_answer_judge(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_para_result_t *result)
{
    ngx_str_null(&result->record);
    result->retry_after = NGX_PARA_RETRY_AFTER;
    result->hold = 0;

    result->reason = ngx_para_answer_reason(pool, answer, &result->record);

    if (answer->retry_after >= 0
        && (answer->status == NGX_PARA_TOO_MANY_REQUESTS
            || answer->status == NGX_PARA_UNAVAILABLE))
    {
        result->retry_after = ngx_min(ngx_max(answer->retry_after, 1),
                                      NGX_PARA_RETRY_AFTER_MAX);
        result->hold = 1;
    }
}


time_t
ngx_para_answer_retry_after(const ngx_str_t *value)
{
    return ngx_atotm(value->data, value->len);
}


/* A status that is no 200 says what it says, whatever is in its body. */

static para_reason_e
ngx_para_answer_reason(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_str_t *record)
{
    switch (answer->status) {

    case NGX_PARA_OK:
        return ngx_para_answer_parse(pool, answer, record);

    case NGX_PARA_UNAUTHORIZED:
        return PARA_KEY_REFUSED;

    case NGX_PARA_FORBIDDEN:

        /* elsewhere it is the key or the origin that may not ask */

        return answer->endpoint == NGX_PARA_VERIFY ? PARA_SESSION_ENDED
                                                   : PARA_KEY_REFUSED;

    case NGX_PARA_NOT_FOUND:

        /* nobody's wallet, which is an answer */

        return answer->endpoint == NGX_PARA_WALLETS ? PARA_OK
                                                    : PARA_UNAVAILABLE;

    case NGX_PARA_BAD_REQUEST:
    case NGX_PARA_UNPROCESSABLE:

        /* a client chose what was asked: Para is well, and does not like it */

        return PARA_ANSWER_MEMBER;

    default:
        return PARA_UNAVAILABLE;
    }
}


static para_reason_e
ngx_para_answer_parse(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_str_t *record)
{
    if (!answer->whole) {
        return PARA_UNAVAILABLE;
    }

    if (answer->overflow) {
        return PARA_ANSWER_SIZE;
    }

    return answer->endpoint == NGX_PARA_WALLETS
           ? ngx_para_answer_wallet(pool, answer, record)
           : ngx_para_answer_session(pool, answer, record);
}


static para_reason_e
ngx_para_answer_session(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_str_t *record)
{
    para_span_t     text;
    para_reason_e   reason;
    para_session_t  session;

    text = para_span(answer->body.data, answer->body.len);

    reason = answer->endpoint == NGX_PARA_TOUCH
             ? para_session_parse_touch(&session, text)
             : para_session_parse_verify(&session, text);

    if (reason == PARA_OK) {
        reason = ngx_para_answer_record(pool, &session, record);
    }

    para_session_free(&session);

    return reason;
}


static para_reason_e
ngx_para_answer_record(ngx_pool_t *pool, const para_session_t *session,
    ngx_str_t *record)
{
    size_t  size;

    size = para_record_size(session->field, PARA_SESSION_FIELDS);
    if (size == 0) {
        return PARA_ANSWER_MEMBER;
    }

    record->data = ngx_pnalloc(pool, size);
    if (record->data == NULL) {
        return PARA_NO_MEMORY;
    }

    para_record_write(record->data, session->field, PARA_SESSION_FIELDS);
    record->len = size;

    return PARA_OK;
}


static para_reason_e
ngx_para_answer_wallet(ngx_pool_t *pool, const ngx_para_answer_t *answer,
    ngx_str_t *record)
{
    size_t         n;
    para_reason_e  reason;

    record->data = ngx_pnalloc(pool, PARA_WALLET_ID_MAX);
    if (record->data == NULL) {
        return PARA_NO_MEMORY;
    }

    reason = para_wallet_parse(record->data, &n,
                               para_span(answer->body.data,
                                         answer->body.len));
    if (reason == PARA_OK) {
        record->len = n;
    }

    return reason;
}
