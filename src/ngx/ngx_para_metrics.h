/*
 * Numbers for programs, written once and rendered as JSON or in the text format
 * of Prometheus (0.0.4).  What the numbers are is its user's affair.
 */

#ifndef NGX_PARA_METRICS_H
#define NGX_PARA_METRICS_H

#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_PARA_METRICS_JSON = 0,
    NGX_PARA_METRICS_PROMETHEUS
} ngx_para_metrics_format_e;


typedef enum {
    NGX_PARA_METRICS_COUNTER = 0,     /* only ever grows */
    NGX_PARA_METRICS_GAUGE,
    NGX_PARA_METRICS_HISTOGRAM
} ngx_para_metrics_type_e;


/* Texts are ASCII, without backslash, quotes and line ends. */

typedef struct {
    const char                *name;  /* [a-zA-Z_:][a-zA-Z0-9_:]* */
    ngx_para_metrics_type_e    type;
    const char                *help;
} ngx_para_metrics_family_t;


typedef struct {
    const char                *name;  /* [a-zA-Z_][a-zA-Z0-9_]* */
    ngx_str_t                  value; /* any bytes */
} ngx_para_metrics_label_t;


/* How long something took; written in seconds, and each count with all below */

typedef struct {
    const ngx_uint_t          *le;    /* ms that counts go up to, ascending */
    const ngx_uint_t          *count; /* one more than there are of those: the
                                         last is of what took longer */
    ngx_uint_t                 n;     /* of le */
    uint64_t                   sum;   /* ms */
} ngx_para_metrics_times_t;


typedef struct {
    ngx_pool_t                *pool;
    ngx_para_metrics_format_e  format;
    ngx_chain_t               *chain;
    ngx_chain_t               *last;
    size_t                     size;  /* bytes of the whole */
    const char                *name;  /* of the family, NULL: none yet */
    ngx_uint_t                 samples;       /* that it has */
    ngx_uint_t                 failed;        /* memory is out */
} ngx_para_metrics_t;


/*
 * Begins a text in the pool's memory.  Then families follow, at least one, each
 * of another name, and after each its samples, no two of them with the same
 * labels; after a histogram none, or ngx_para_metrics_times() once.  Memory
 * that is out shows at the end.
 */
void ngx_para_metrics_begin(ngx_para_metrics_t *metrics, ngx_pool_t *pool,
    ngx_para_metrics_format_e format);
void ngx_para_metrics_family(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_family_t *family);
void ngx_para_metrics_sample(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_label_t *labels, ngx_uint_t n, uint64_t value);
void ngx_para_metrics_times(ngx_para_metrics_t *metrics,
    const ngx_para_metrics_times_t *times);

/*
 * NGX_OK: the text is metrics->chain, which ends with metrics->last, and has
 * metrics->size bytes; or NGX_ERROR.
 */
ngx_int_t ngx_para_metrics_end(ngx_para_metrics_t *metrics);


#endif /* NGX_PARA_METRICS_H */
