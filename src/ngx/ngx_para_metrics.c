#include "ngx_para_metrics.h"

#include "../core/para_escape.h"


/* bytes of a time: its digits and a point */
#define NGX_PARA_METRICS_SECONDS  (NGX_INT64_LEN + 1)


static void ngx_para_metrics_close(ngx_para_metrics_t *metrics);
static void ngx_para_metrics_sample_begin(ngx_para_metrics_t *metrics,
    const char *suffix, const ngx_para_metrics_label_t *labels, ngx_uint_t n);
static void ngx_para_metrics_sample_end(ngx_para_metrics_t *metrics);
static void ngx_para_metrics_labels(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_label_t *labels, ngx_uint_t n);
static void ngx_para_metrics_value(ngx_para_metrics_t *metrics,
    const ngx_str_t *value);
static void ngx_para_metrics_number(ngx_para_metrics_t *metrics,
    uint64_t number);
static void ngx_para_metrics_time(ngx_para_metrics_t *metrics, uint64_t ms);
static void ngx_para_metrics_text(ngx_para_metrics_t *metrics,
    const char *text);
static ngx_buf_t *ngx_para_metrics_room(ngx_para_metrics_t *metrics,
    size_t size);
static void ngx_para_metrics_wrote(ngx_para_metrics_t *metrics, u_char *end);


static const char *const  ngx_para_metrics_types[] = {
    [NGX_PARA_METRICS_COUNTER] = "counter",
    [NGX_PARA_METRICS_GAUGE] = "gauge",
    [NGX_PARA_METRICS_HISTOGRAM] = "histogram"
};


static ngx_inline ngx_uint_t
ngx_para_metrics_is_json(const ngx_para_metrics_t *metrics)
{
    return metrics->format == NGX_PARA_METRICS_JSON;
}


static ngx_inline u_char *
ngx_para_metrics_seconds(u_char *p, uint64_t ms)
{
    return ngx_sprintf(p, "%uL.%03uL", ms / 1000, ms % 1000);
}


void
ngx_para_metrics_begin(ngx_para_metrics_t *metrics, ngx_pool_t *pool,
    ngx_para_metrics_format_e format)
{
    ngx_memzero(metrics, sizeof(ngx_para_metrics_t));

    metrics->pool = pool;
    metrics->format = format;

    if (ngx_para_metrics_is_json(metrics)) {
        ngx_para_metrics_text(metrics, "{");
    }
}


void
ngx_para_metrics_family(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_family_t *family)
{
    const char  **part;

    const char *json[] = {
        metrics->name ? ",\n\"" : "\n\"", family->name,
        "\":{\"type\":\"", ngx_para_metrics_types[family->type],
        "\",\"help\":\"", family->help,
        "\",\"samples\":[", NULL
    };

    const char *prometheus[] = {
        "# HELP ", family->name, " ", family->help,
        "\n# TYPE ", family->name, " ", ngx_para_metrics_types[family->type],
        "\n", NULL
    };

    ngx_para_metrics_close(metrics);

    part = ngx_para_metrics_is_json(metrics) ? json : prometheus;

    for ( /* void */ ; *part; part++) {
        ngx_para_metrics_text(metrics, *part);
    }

    metrics->name = family->name;
    metrics->samples = 0;
}


static void
ngx_para_metrics_close(ngx_para_metrics_t *metrics)
{
    if (metrics->name && ngx_para_metrics_is_json(metrics)) {
        ngx_para_metrics_text(metrics, "]}");
    }
}


void
ngx_para_metrics_sample(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_label_t *labels, ngx_uint_t n, uint64_t value)
{
    ngx_para_metrics_sample_begin(metrics, NULL, labels, n);
    ngx_para_metrics_number(metrics, value);
    ngx_para_metrics_sample_end(metrics);
}


void
ngx_para_metrics_times(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_times_t *times)
{
    u_char                    le[NGX_PARA_METRICS_SECONDS];
    uint64_t                  count;
    ngx_uint_t                i;
    ngx_para_metrics_label_t  label;

    label.name = "le";
    count = 0;

    for (i = 0; i < times->n; i++) {
        count += times->count[i];

        label.value.data = le;
        label.value.len = ngx_para_metrics_seconds(le, times->le[i]) - le;

        ngx_para_metrics_sample_begin(metrics, "_bucket", &label, 1);
        ngx_para_metrics_number(metrics, count);
        ngx_para_metrics_sample_end(metrics);
    }

    count += times->count[i];

    ngx_str_set(&label.value, "+Inf");

    ngx_para_metrics_sample_begin(metrics, "_bucket", &label, 1);
    ngx_para_metrics_number(metrics, count);
    ngx_para_metrics_sample_end(metrics);

    ngx_para_metrics_sample_begin(metrics, "_sum", NULL, 0);
    ngx_para_metrics_time(metrics, times->sum);
    ngx_para_metrics_sample_end(metrics);

    ngx_para_metrics_sample_begin(metrics, "_count", NULL, 0);
    ngx_para_metrics_number(metrics, count);
    ngx_para_metrics_sample_end(metrics);
}


/* What is before the value; in JSON a name where it is not the family's. */

static void
ngx_para_metrics_sample_begin(ngx_para_metrics_t *metrics, const char *suffix,
    const ngx_para_metrics_label_t *labels, ngx_uint_t n)
{
    if (ngx_para_metrics_is_json(metrics)) {
        ngx_para_metrics_text(metrics, metrics->samples ? ",\n{" : "\n{");

        if (suffix) {
            ngx_para_metrics_text(metrics, "\"name\":\"");
            ngx_para_metrics_text(metrics, metrics->name);
            ngx_para_metrics_text(metrics, suffix);
            ngx_para_metrics_text(metrics, "\",");
        }

        ngx_para_metrics_text(metrics, "\"labels\":{");
        ngx_para_metrics_labels(metrics, labels, n);
        ngx_para_metrics_text(metrics, "},\"value\":");

        return;
    }

    ngx_para_metrics_text(metrics, metrics->name);
    ngx_para_metrics_text(metrics, suffix ? suffix : "");

    if (n) {
        ngx_para_metrics_text(metrics, "{");
        ngx_para_metrics_labels(metrics, labels, n);
        ngx_para_metrics_text(metrics, "}");
    }

    ngx_para_metrics_text(metrics, " ");
}


static void
ngx_para_metrics_sample_end(ngx_para_metrics_t *metrics)
{
    ngx_para_metrics_text(metrics,
                          ngx_para_metrics_is_json(metrics) ? "}" : "\n");
    metrics->samples++;
}


ngx_int_t
ngx_para_metrics_end(ngx_para_metrics_t *metrics)
{
    ngx_para_metrics_close(metrics);

    if (ngx_para_metrics_is_json(metrics)) {
        ngx_para_metrics_text(metrics, "\n}\n");
    }

    return metrics->failed ? NGX_ERROR : NGX_OK;
}


/* name="value",name="value" or "name":"value","name":"value" */

static void
ngx_para_metrics_labels(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_label_t *labels, ngx_uint_t n)
{
    ngx_uint_t   i, json;

    json = ngx_para_metrics_is_json(metrics);

    for (i = 0; i < n; i++) {

        if (i) {
            ngx_para_metrics_text(metrics, ",");
        }

        ngx_para_metrics_text(metrics, json ? "\"" : "");
        ngx_para_metrics_text(metrics, labels[i].name);
        ngx_para_metrics_text(metrics, json ? "\":\"" : "=\"");
        ngx_para_metrics_value(metrics, &labels[i].value);
        ngx_para_metrics_text(metrics, "\"");
    }
}


static void
ngx_para_metrics_value(ngx_para_metrics_t *metrics, const ngx_str_t *value)
{
    ngx_buf_t  *b;

    b = ngx_para_metrics_room(metrics, para_escape_max(value->len));
    if (b == NULL) {
        return;
    }

    ngx_para_metrics_wrote(metrics,
                           para_escape(b->last,
                                       para_span(value->data, value->len),
                                       ngx_para_metrics_is_json(metrics)
                                       ? PARA_ESCAPE_JSON
                                       : PARA_ESCAPE_LABEL));
}


static void
ngx_para_metrics_number(ngx_para_metrics_t *metrics, uint64_t number)
{
    ngx_buf_t  *b;

    b = ngx_para_metrics_room(metrics, NGX_INT64_LEN);
    if (b == NULL) {
        return;
    }

    ngx_para_metrics_wrote(metrics, ngx_sprintf(b->last, "%uL", number));
}


static void
ngx_para_metrics_time(ngx_para_metrics_t *metrics, uint64_t ms)
{
    ngx_buf_t  *b;

    b = ngx_para_metrics_room(metrics, NGX_PARA_METRICS_SECONDS);
    if (b == NULL) {
        return;
    }

    ngx_para_metrics_wrote(metrics, ngx_para_metrics_seconds(b->last, ms));
}


static void
ngx_para_metrics_text(ngx_para_metrics_t *metrics, const char *text)
{
    size_t      len;
    ngx_buf_t  *b;

    len = ngx_strlen(text);

    b = ngx_para_metrics_room(metrics, len);
    if (b == NULL) {
        return;
    }

    ngx_para_metrics_wrote(metrics, ngx_cpymem(b->last, text, len));
}


/* A buffer with so many bytes free, after all that is written. */

static ngx_buf_t *
ngx_para_metrics_room(ngx_para_metrics_t *metrics, size_t size)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (metrics->failed) {
        return NULL;
    }

    if (metrics->last) {
        b = metrics->last->buf;

        if ((size_t) (b->end - b->last) >= size) {
            return b;
        }
    }

    b = ngx_create_temp_buf(metrics->pool, ngx_max(size, ngx_pagesize));
    cl = ngx_alloc_chain_link(metrics->pool);

    if (b == NULL || cl == NULL) {
        metrics->failed = 1;
        return NULL;
    }

    cl->buf = b;
    cl->next = NULL;

    if (metrics->last) {
        metrics->last->next = cl;

    } else {
        metrics->chain = cl;
    }

    metrics->last = cl;

    return b;
}


static void
ngx_para_metrics_wrote(ngx_para_metrics_t *metrics, u_char *end)
{
    ngx_buf_t  *b;

    b = metrics->last->buf;

    metrics->size += end - b->last;
    b->last = end;
}
