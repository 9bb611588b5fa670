#include "para_trace.h"

#include <stdio.h>

#include "para_escape.h"


/* What is written, or only counted. */

typedef struct {
    unsigned char  *dst;              /* NULL: counted */
    size_t          len;
    int             more;             /* something stands before, beside it */
} para_trace_line_t;


static void para_trace_layers(para_trace_line_t *line,
    const para_trace_t *trace);
static void para_trace_steps(para_trace_line_t *line,
    const para_trace_t *trace);
static void para_trace_string(para_trace_line_t *line, const char *name,
    para_span_t text);
static void para_trace_number(para_trace_line_t *line, const char *name,
    uint64_t number);
static void para_trace_name(para_trace_line_t *line, const char *name);
static void para_trace_text(para_trace_line_t *line, para_span_t text);
static void para_trace_open(para_trace_line_t *line, const char *bracket);
static void para_trace_close(para_trace_line_t *line, const char *bracket);
static void para_trace_next(para_trace_line_t *line);
static void para_trace_copy(para_trace_line_t *line, const char *text);


static const char *const  para_trace_names[] = {
    [PARA_TRACE_TIME] = "time",
    [PARA_TRACE_REQUEST_ID] = "request_id",
    [PARA_TRACE_PROVIDER] = "provider",
    [PARA_TRACE_MODE] = "mode",
    [PARA_TRACE_DECISION] = "decision",
    [PARA_TRACE_CODE] = "code",
    [PARA_TRACE_REASON] = "reason",
    [PARA_TRACE_DISPUTED] = "disputed",
    [PARA_TRACE_CACHE] = "cache",
    [PARA_TRACE_SESSION] = "session",
    [PARA_TRACE_ISSUER] = "issuer",
    [PARA_TRACE_KID] = "kid",
    [PARA_TRACE_ALG] = "alg",
    [PARA_TRACE_CREDENTIAL] = "credential",
    [PARA_TRACE_USER_ID] = "user_id",
    [PARA_TRACE_INTERNAL_USER_ID] = "internal_user_id"
};

_Static_assert(sizeof(para_trace_names) / sizeof(para_trace_names[0])
               == PARA_TRACE_TEXTS, "every text has a name");


size_t
para_trace_write(unsigned char *dst, const para_trace_t *trace)
{
    size_t             i;
    para_trace_line_t  line;

    memset(&line, 0, sizeof(para_trace_line_t));

    line.dst = dst;

    para_trace_open(&line, "{");

    for (i = 0; i < PARA_TRACE_TEXTS; i++) {
        if (trace->text[i].data) {
            para_trace_string(&line, para_trace_names[i], trace->text[i]);
        }
    }

    if (trace->status) {
        para_trace_number(&line, "status", trace->status);
    }

    para_trace_layers(&line, trace);
    para_trace_number(&line, "connection", trace->connection);
    para_trace_steps(&line, trace);
    para_trace_number(&line, "total_us", trace->total / 1000);

    para_trace_close(&line, "}");

    return line.len;
}


static void
para_trace_layers(para_trace_line_t *line, const para_trace_t *trace)
{
    size_t  i;

    para_trace_name(line, "layers");
    para_trace_open(line, "[");

    for (i = 0; i < PARA_TRACE_LAYERS; i++) {
        if (trace->layer[i].data) {
            para_trace_next(line);
            para_trace_text(line, trace->layer[i]);
        }
    }

    para_trace_close(line, "]");
}


/* Each, and how long all of them waited. */

static void
para_trace_steps(para_trace_line_t *line, const para_trace_t *trace)
{
    size_t                    i;
    uint64_t                  wait;
    const para_trace_step_t  *step;

    wait = 0;

    para_trace_name(line, "steps");
    para_trace_open(line, "[");

    for (i = 0; i < trace->steps; i++) {
        step = &trace->step[i];

        para_trace_next(line);
        para_trace_open(line, "{");

        para_trace_string(line, "step", step->name);
        para_trace_string(line, "result", step->result);
        para_trace_number(line, "us", step->work / 1000);

        if (step->wait) {
            para_trace_number(line, "wait_us", step->wait / 1000);
        }

        para_trace_close(line, "}");

        wait += step->wait;
    }

    para_trace_close(line, "]");

    para_trace_number(line, "wait_us", wait / 1000);
}


static void
para_trace_string(para_trace_line_t *line, const char *name, para_span_t text)
{
    para_trace_name(line, name);
    para_trace_text(line, text);
}


static void
para_trace_number(para_trace_line_t *line, const char *name, uint64_t number)
{
    char  text[sizeof("18446744073709551615")];

    snprintf(text, sizeof(text), "%llu", (unsigned long long) number);

    para_trace_name(line, name);
    para_trace_copy(line, text);
}


static void
para_trace_name(para_trace_line_t *line, const char *name)
{
    para_trace_next(line);
    para_trace_copy(line, "\"");
    para_trace_copy(line, name);
    para_trace_copy(line, "\":");
}


static void
para_trace_text(para_trace_line_t *line, para_span_t text)
{
    unsigned char  *p;

    para_trace_copy(line, "\"");

    if (line->dst) {
        p = line->dst + line->len;
        line->len += (size_t) (para_escape(p, text, PARA_ESCAPE_JSON) - p);

    } else {
        line->len += para_escape_max(text.len);
    }

    para_trace_copy(line, "\"");
}


static void
para_trace_open(para_trace_line_t *line, const char *bracket)
{
    para_trace_copy(line, bracket);
    line->more = 0;
}


static void
para_trace_close(para_trace_line_t *line, const char *bracket)
{
    para_trace_copy(line, bracket);
    line->more = 1;
}


static void
para_trace_next(para_trace_line_t *line)
{
    if (line->more) {
        para_trace_copy(line, ",");
    }

    line->more = 1;
}


static void
para_trace_copy(para_trace_line_t *line, const char *text)
{
    size_t  len;

    len = strlen(text);

    if (line->dst) {
        memcpy(line->dst + line->len, text, len);
    }

    line->len += len;
}
