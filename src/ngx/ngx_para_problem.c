#include "ngx_para_problem.h"


static const char *ngx_para_problem_title(ngx_uint_t status);
static ngx_buf_t *ngx_para_problem_buf(ngx_http_request_t *r,
    const ngx_para_problem_t *problem);


void
ngx_para_problem_expect(ngx_para_problem_t *problem, ngx_uint_t status,
    para_code_e code, const char *renew)
{
    ngx_para_problem_withdraw(problem);

    problem->status = status;
    problem->code = code;
    problem->renew = renew;
}


void
ngx_para_problem_withdraw(ngx_para_problem_t *problem)
{
    problem->status = 0;
    problem->taken = 0;
    problem->sent = 0;
}


void
ngx_para_problem_header(ngx_http_request_t *r, ngx_para_problem_t *problem)
{
    ngx_buf_t  *buf;

    static const ngx_str_t  type = ngx_string("application/problem+json");

    problem->taken = 0;

    if (problem->status == 0 || r->headers_out.status != problem->status) {
        return;
    }

    buf = ngx_para_problem_buf(r, problem);
    if (buf == NULL) {
        return;
    }

    problem->taken = 1;
    problem->out.buf = buf;
    problem->out.next = NULL;

    r->headers_out.content_type = type;
    r->headers_out.content_type_len = type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    r->headers_out.content_length_n = buf->last - buf->pos;
}


/* The page is all there when it comes, in memory. */

ngx_chain_t *
ngx_para_problem_body(ngx_para_problem_t *problem, ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    if (in == NULL || problem->sent) {
        return NULL;
    }

    problem->sent = 1;

    return &problem->out;
}


/* RFC 9457 4.2.1: with about:blank the title is that of the status. */

static const char *
ngx_para_problem_title(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_BAD_REQUEST:
        return "Bad Request";

    case NGX_HTTP_UNAUTHORIZED:
        return "Unauthorized";

    case NGX_HTTP_FORBIDDEN:
        return "Forbidden";

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return "Service Unavailable";

    default:
        return "Internal Server Error";
    }
}


/* Nothing in it has to be escaped: all of it comes from tables. */

static ngx_buf_t *
ngx_para_problem_buf(ngx_http_request_t *r, const ngx_para_problem_t *problem)
{
    size_t       size;
    ngx_buf_t   *buf;
    const char  *title, *code, *renew;

    static const char  format[] = "{\"type\":\"about:blank\",\"title\":\"%s\","
                                  "\"status\":%ui,\"code\":\"%s\"%s%s%s}\n";

    title = ngx_para_problem_title(problem->status);
    code = para_code_name(problem->code);
    renew = problem->renew ? problem->renew : "";

    size = sizeof(format) + sizeof(",\"renew\":\"\"") + ngx_strlen(title)
           + ngx_strlen(code) + ngx_strlen(renew);

    buf = ngx_create_temp_buf(r->pool, size);
    if (buf == NULL) {
        return NULL;
    }

    buf->last = ngx_slprintf(buf->pos, buf->end, format, title,
                             problem->status, code,
                             problem->renew ? ",\"renew\":\"" : "", renew,
                             problem->renew ? "\"" : "");
    buf->last_buf = 1;
    buf->last_in_chain = 1;

    return buf;
}
