#include "ngx_para_call_state.h"


#define NGX_PARA_CALL_ODD_EVERY  60             /* s, between log lines */


static void ngx_para_call_report_odd(ngx_para_call_t *call);
static void ngx_para_call_report_key(ngx_para_call_t *call);
static void ngx_para_call_report_fault(ngx_para_call_t *call,
    para_reason_e fault, ngx_int_t rc);


/* One line when Para stops answering, one when it does again. */

void
ngx_para_call_report(ngx_para_call_t *call, para_reason_e reason,
    ngx_int_t rc)
{
    para_reason_e  fault;

    if (reason == PARA_ANSWER_MEMBER) {
        ngx_para_call_report_odd(call);
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

    ngx_para_call_report_fault(call, fault, rc);
}


/*
 * An answer that is whole, and whose members are not what they should be, can
 * be one user's: it says nothing of Para, and he could fill the log with it.
 */

static void
ngx_para_call_report_odd(ngx_para_call_t *call)
{
    time_t  now;

    now = ngx_time();

    if (now - call->target->odd < NGX_PARA_CALL_ODD_EVERY) {
        return;
    }

    call->target->odd = now;

    ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                  "para_auth: an answer of Para's is refused: %s; its members "
                  "are missing, too long, of a wrong type or have control "
                  "characters", para_reason_name(PARA_ANSWER_MEMBER));
}


static void
ngx_para_call_report_key(ngx_para_call_t *call)
{
    ngx_uint_t  secret;

    static const char  *kinds[] = { "public", "secret" };
    static const char  *directives[] = { "public_key", "secret_key_file" };

    secret = ngx_para_endpoint_secret(call->target->endpoint);

    ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                  "para_auth: Para refuses the %s API key (%ui), check "
                  "%s and the environment; %s until then",
                  kinds[secret], call->sr->upstream->headers_in.status_n,
                  directives[secret],
                  call->target->endpoint == NGX_PARA_WALLETS
                  ? "wallets cannot be checked"
                  : secret ? "sessions cannot be checked"
                           : "exported sessions cannot be checked");
}


/* What is wrong, as precisely as is known, and what to do about it. */

static void
ngx_para_call_report_fault(ngx_para_call_t *call, para_reason_e fault,
    ngx_int_t rc)
{
    ngx_log_t            *log;
    const ngx_str_t      *path;
    ngx_http_upstream_t  *u;

    log = call->sr->connection->log;

    if (fault == PARA_KEY_REFUSED) {
        ngx_para_call_report_key(call);
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
        path = ngx_para_endpoint_path(call->target->endpoint);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: proxy_pass in location \"%V\" leads to "
                      "another host than the provider's, key and token were "
                      "kept back: write \"proxy_pass $para_auth_api%V;\"",
                      &call->target->uri, path);
        return;
    }

    u = call->sr->upstream;

    if (!call->armed && u && u->headers_in.status_n) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: location \"%V\" asked Para without the "
                      "%s;\" there", &call->target->uri,
                      call->target->endpoint == NGX_PARA_TOUCH
                      ? "session's cookie: write \"proxy_set_header "
                        "X-Capsule-Sid $para_auth_session_cookie"
                      : "secret key: write \"proxy_set_header "
                        "X-External-API-Key $para_auth_secret_key");
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "para_auth: Para is unavailable: %s (status %ui, rc %i, %uz "
                  "bytes%s%s); %s cannot be checked until it answers",
                  para_reason_name(fault),
                  u ? u->headers_in.status_n : 0, rc, call->len,
                  call->last ? "" : ", answer incomplete",
                  call->late ? ", it took too long" : "",
                  call->target->endpoint == NGX_PARA_WALLETS ? "wallets"
                                                             : "sessions");
}
