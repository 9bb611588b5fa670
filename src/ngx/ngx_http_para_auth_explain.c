/*
 * para_auth_explain: what a decision did, and how long each step of it took.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_trace.h"


#define NGX_HTTP_PARA_AUTH_TIME  sizeof("2026-11-22T08:30:00.123Z")


/* Of one decision.  Times are those of one clock that only goes on, in ns. */

struct ngx_http_para_auth_explain_s {
    para_trace_t  trace;
    uint64_t      begun;
    uint64_t      entered;                    /* the last step, last time */
    uint64_t      left;
    ngx_uint_t    waiting;                    /* it is to be entered again */
};


static uint64_t ngx_http_para_auth_explain_now(void);
static para_span_t ngx_http_para_auth_explain_time(u_char *buf);
static para_span_t ngx_http_para_auth_explain_request_id(
    ngx_http_request_t *r);
static void ngx_http_para_auth_explain_decision(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx, para_trace_t *trace);
static void ngx_http_para_auth_explain_add(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, const para_trace_t *trace);


char *
ngx_http_para_auth_explain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                            *rv;
    ngx_str_t                        name;
    ngx_http_para_auth_main_conf_t  *mcf;

    rv = ngx_conf_set_flag_slot(cf, cmd, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    /* by its index it is the same in all logs of a request */

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    ngx_str_set(&name, "request_id");

    mcf->request_id = ngx_http_get_variable_index(cf, &name);

    return mcf->request_id == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


ngx_http_para_auth_explain_t *
ngx_http_para_auth_explain_begin(ngx_http_request_t *r)
{
    ngx_http_para_auth_explain_t  *explain;

    explain = ngx_pcalloc(r->pool, sizeof(ngx_http_para_auth_explain_t));

    if (explain) {
        explain->begun = ngx_http_para_auth_explain_now();
    }

    return explain;
}


void
ngx_http_para_auth_explain_enter(ngx_http_para_auth_explain_t *explain,
    const char *name)
{
    para_trace_t  *trace;

    trace = &explain->trace;

    explain->entered = ngx_http_para_auth_explain_now();

    if (explain->waiting) {
        trace->step[trace->steps - 1].wait += explain->entered - explain->left;
        return;
    }

    trace->step[trace->steps++].name = para_span(name, ngx_strlen(name));
}


void
ngx_http_para_auth_explain_leave(ngx_http_para_auth_explain_t *explain,
    ngx_int_t rc)
{
    para_trace_step_t  *step;

    step = &explain->trace.step[explain->trace.steps - 1];

    explain->left = ngx_http_para_auth_explain_now();
    explain->waiting = (rc == NGX_AGAIN);

    step->work += explain->left - explain->entered;

    switch (rc) {

    case NGX_OK:
        step->result = PARA_SPAN("ok");
        break;

    case NGX_DONE:
        step->result = PARA_SPAN("known");
        break;

    case NGX_DECLINED:
        step->result = PARA_SPAN("refused");
        break;

    default:
        step->result = PARA_SPAN("failed");
    }
}


void
ngx_http_para_auth_explain_end(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, ngx_int_t rc)
{
    u_char                          date[NGX_HTTP_PARA_AUTH_TIME];
    para_trace_t                   *trace;
    ngx_http_para_auth_told_t       told;
    ngx_http_para_auth_explain_t   *explain;

    explain = ctx->explain;
    ctx->explain = NULL;

    trace = &explain->trace;

    trace->status = rc > 0 ? (unsigned) rc : 0;
    trace->connection = r->connection->number;
    trace->total = explain->left - explain->begun;

    trace->text[PARA_TRACE_TIME] = ngx_http_para_auth_explain_time(date);
    trace->text[PARA_TRACE_REQUEST_ID] =
        ngx_http_para_auth_explain_request_id(r);

    ngx_http_para_auth_explain_decision(r, ctx, trace);

    ngx_http_para_auth_tell(r, ctx, &told);

    trace->text[PARA_TRACE_ISSUER] = told.issuer;
    trace->text[PARA_TRACE_KID] = told.kid;
    trace->text[PARA_TRACE_ALG] = told.alg;
    trace->text[PARA_TRACE_CREDENTIAL] = told.credential;
    trace->text[PARA_TRACE_DISPUTED] = told.disputed;

    ngx_http_para_auth_explain_add(r, ctx, trace);
}


static void
ngx_http_para_auth_explain_decision(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx, para_trace_t *trace)
{
    const char                           *code, *reason;
    const ngx_str_t                      *cache;
    const ngx_http_para_auth_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_para_auth_module);

    trace->text[PARA_TRACE_PROVIDER] = para_span(lcf->name.data,
                                                 lcf->name.len);

    trace->text[PARA_TRACE_MODE] = ngx_http_para_auth_is_dry(lcf)
                                   ? PARA_SPAN("dry_run")
                                   : PARA_SPAN("enforced");

    if (lcf->layers & NGX_HTTP_PARA_AUTH_JWT) {
        trace->layer[0] = PARA_SPAN("jwt");
    }

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        trace->layer[1] = PARA_SPAN("session");
    }

    code = para_code_name(para_reason_code(ctx->reason));
    reason = para_reason_name(ctx->reason);

    trace->text[PARA_TRACE_CODE] = para_span(code, ngx_strlen(code));
    trace->text[PARA_TRACE_REASON] = para_span(reason, ngx_strlen(reason));

    cache = ngx_http_para_auth_cache_name(ctx);

    if (cache->len) {
        trace->text[PARA_TRACE_CACHE] = para_span(cache->data, cache->len);
    }

    if (ctx->session.data) {
        trace->text[PARA_TRACE_SESSION] = ctx->form == PARA_FORM_EXPORTED
                                          ? PARA_SPAN("exported")
                                          : PARA_SPAN("token");
    }

    if (ctx->reason != PARA_OK) {
        trace->text[PARA_TRACE_DECISION] = PARA_SPAN("refused");
        return;
    }

    trace->text[PARA_TRACE_DECISION] = PARA_SPAN("granted");
    trace->text[PARA_TRACE_USER_ID] = ctx->field[PARA_ID_USER_ID];
    trace->text[PARA_TRACE_INTERNAL_USER_ID] =
        ctx->field[PARA_ID_INTERNAL_USER_ID];
}


/* A redirect can bring one more decision: each has a line. */

static void
ngx_http_para_auth_explain_add(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx, const para_trace_t *trace)
{
    u_char  *p, *line;

    p = ngx_pnalloc(r->pool, ctx->trace.len + 1
                             + para_trace_write(NULL, trace));
    if (p == NULL) {
        return;
    }

    line = p;

    if (ctx->trace.len) {
        line = ngx_cpymem(p, ctx->trace.data, ctx->trace.len);
        *line++ = LF;
    }

    ctx->trace.len = line + para_trace_write(line, trace) - p;
    ctx->trace.data = p;
}


/* nginx's own time stands still while a step works. */

static uint64_t
ngx_http_para_auth_explain_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static para_span_t
ngx_http_para_auth_explain_time(u_char *buf)
{
    u_char      *p;
    ngx_tm_t     tm;
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    ngx_gmtime(tp->sec, &tm);

    p = ngx_snprintf(buf, NGX_HTTP_PARA_AUTH_TIME,
                     "%4d-%02d-%02dT%02d:%02d:%02d.%03MZ", tm.ngx_tm_year,
                     tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                     tm.ngx_tm_min, tm.ngx_tm_sec, tp->msec);

    return para_span(buf, p - buf);
}


static para_span_t
ngx_http_para_auth_explain_request_id(ngx_http_request_t *r)
{
    ngx_http_variable_value_t       *vv;
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    vv = ngx_http_get_indexed_variable(r, mcf->request_id);

    return vv && !vv->not_found ? para_span(vv->data, vv->len)
                                : PARA_SPAN_NONE;
}
