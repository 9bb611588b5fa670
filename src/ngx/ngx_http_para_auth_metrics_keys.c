/*
 * What is counted of key sets.
 */

#include "ngx_http_para_auth_metrics.h"


#define NGX_HTTP_PARA_AUTH_METRICS_ID  8        /* bytes of a source's name */


/* One key set, whose labels have room for another one. */

typedef struct {
    ngx_para_keys_t           *source;
    ngx_para_metrics_label_t   label[3];
    ngx_uint_t                 labels;
} ngx_http_para_auth_metrics_keys_t;


typedef struct {
    ngx_para_metrics_family_t  family;
    void                     (*write)(ngx_para_metrics_t *metrics,
                                      ngx_http_para_auth_metrics_keys_t *keys);
} ngx_http_para_auth_metrics_keys_row_t;


static void ngx_http_para_auth_metrics_keys_label(
    ngx_http_para_auth_metrics_keys_t *keys, ngx_para_keys_t *source,
    u_char *id);
static void ngx_http_para_auth_metrics_keys_fetches(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_metrics_keys_t *keys);
static void ngx_http_para_auth_metrics_keys_failures(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_metrics_keys_t *keys);
static void ngx_http_para_auth_metrics_keys_usable(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_metrics_keys_t *keys);
static void ngx_http_para_auth_metrics_keys_age(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_metrics_keys_t *keys);
static void ngx_http_para_auth_metrics_keys_loaded(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_metrics_keys_t *keys);


static const ngx_http_para_auth_metrics_keys_row_t
    ngx_http_para_auth_metrics_keys_rows[] =
{
    { { "para_auth_keys_fetches_total", NGX_PARA_METRICS_COUNTER,
        "Attempts to fetch a key set, by how they ended." },
      ngx_http_para_auth_metrics_keys_fetches },

    { { "para_auth_keys_consecutive_failures", NGX_PARA_METRICS_GAUGE,
        "Attempts in a row that failed, 0 if the last one did not." },
      ngx_http_para_auth_metrics_keys_failures },

    { { "para_auth_keys_usable", NGX_PARA_METRICS_GAUGE,
        "Whether tokens can be verified: a set is there and not too old." },
      ngx_http_para_auth_metrics_keys_usable },

    { { "para_auth_keys_age_seconds", NGX_PARA_METRICS_GAUGE,
        "Since the set was fetched, absent if none ever was." },
      ngx_http_para_auth_metrics_keys_age },

    { { "para_auth_keys_loaded", NGX_PARA_METRICS_GAUGE,
        "Keys that tokens are verified with." },
      ngx_http_para_auth_metrics_keys_loaded },

    { { NULL, 0, NULL }, NULL }
};


void
ngx_http_para_auth_metrics_keys(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf)
{
    u_char                                        id[2 * PARA_DIGEST_SIZE];
    ngx_uint_t                                    i;
    ngx_para_keys_t                             **source;
    ngx_http_para_auth_metrics_keys_t             keys;
    const ngx_http_para_auth_metrics_keys_row_t  *row;

    source = mcf->providers.sources.elts;

    for (i = 0; i < mcf->providers.sources.nelts; i++) {
        (void) ngx_para_keys_sync(source[i]);
    }

    for (row = ngx_http_para_auth_metrics_keys_rows; row->write; row++) {

        ngx_para_metrics_family(metrics, &row->family);

        for (i = 0; i < mcf->providers.sources.nelts; i++) {
            ngx_http_para_auth_metrics_keys_label(&keys, source[i], id);
            row->write(metrics, &keys);
        }
    }
}


/*
 * The URL alone does not tell two sets apart: they may differ in whom they
 * trust, or in the query, which is left out, because it may have a secret.
 */

static void
ngx_http_para_auth_metrics_keys_label(ngx_http_para_auth_metrics_keys_t *keys,
    ngx_para_keys_t *source, u_char *id)
{
    u_char     *query;
    ngx_str_t  *url;

    keys->source = source;
    keys->labels = 2;

    url = &keys->label[0].value;

    keys->label[0].name = "url";
    *url = source->conf.url;

    query = ngx_strlchr(url->data, url->data + url->len, '?');
    if (query) {
        url->len = query - url->data;
    }

    keys->label[1].name = "id";
    keys->label[1].value.data = id;
    keys->label[1].value.len = ngx_hex_dump(id, source->name,
                                            NGX_HTTP_PARA_AUTH_METRICS_ID)
                               - id;
}


static void
ngx_http_para_auth_metrics_keys_fetches(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_metrics_keys_t *keys)
{
    ngx_uint_t                 outcome;
    ngx_para_metrics_label_t  *label;

    label = &keys->label[keys->labels];
    label->name = "outcome";

    for (outcome = 0; outcome < NGX_PARA_KEYS_OUTCOMES; outcome++) {

        label->value.data = (u_char *) ngx_para_keys_outcome_name(outcome);
        label->value.len = ngx_strlen(label->value.data);

        ngx_para_metrics_sample(metrics, keys->label, keys->labels + 1,
                                ngx_para_keys_zone_count(keys->source->zone,
                                                         outcome));
    }
}


static void
ngx_http_para_auth_metrics_keys_failures(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_metrics_keys_t *keys)
{
    ngx_para_metrics_sample(metrics, keys->label, keys->labels,
                            ngx_para_keys_zone_failures(keys->source->zone));
}


static void
ngx_http_para_auth_metrics_keys_usable(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_metrics_keys_t *keys)
{
    ngx_para_metrics_sample(metrics, keys->label, keys->labels,
                            keys->source->set != NULL);
}


static void
ngx_http_para_auth_metrics_keys_age(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_metrics_keys_t *keys)
{
    time_t  fetched;

    fetched = ngx_para_keys_zone_fetched(keys->source->zone);

    if (fetched == 0) {
        return;
    }

    /* the clock may have been set back */

    ngx_para_metrics_sample(metrics, keys->label, keys->labels,
                            ngx_max(ngx_time() - fetched, 0));
}


static void
ngx_http_para_auth_metrics_keys_loaded(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_metrics_keys_t *keys)
{
    ngx_para_metrics_sample(metrics, keys->label, keys->labels,
                            para_jwks_count(keys->source->set));
}
