/*
 * para_auth_metrics: what is counted, for an operator's programs.  A group is a
 * function that writes families; the families of things that there are several
 * of are a table.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_cache_ask.h"
#include "ngx_para_metrics.h"


#define NGX_HTTP_PARA_AUTH_METRICS_ID  8        /* bytes of a source's name */


typedef void (*ngx_http_para_auth_metrics_group_pt)(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_main_conf_t *mcf);


typedef struct {
    ngx_para_metrics_format_e  format;
    ngx_int_t                  quality;       /* in thousandths */
} ngx_http_para_auth_metrics_accept_t;


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


static ngx_int_t ngx_http_para_auth_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_metrics_header(ngx_http_request_t *r,
    char *name, char *value);
static ngx_int_t ngx_http_para_auth_metrics_format(ngx_http_request_t *r,
    ngx_para_metrics_format_e *format);
static ngx_para_metrics_format_e ngx_http_para_auth_metrics_accept(
    ngx_http_request_t *r);
static void ngx_http_para_auth_metrics_choose(
    ngx_http_para_auth_metrics_accept_t *wanted, const ngx_str_t *value);
static ngx_int_t ngx_http_para_auth_metrics_quality(const ngx_str_t *range,
    ngx_str_t *type);
static u_char *ngx_http_para_auth_metrics_part(u_char *p, u_char *last,
    u_char separator, ngx_str_t *part);
static ngx_int_t ngx_http_para_auth_metrics_refuse(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_metrics_send(ngx_http_request_t *r,
    ngx_chain_t *chain, ngx_chain_t *last, off_t size);
static void ngx_http_para_auth_metrics_keys(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);
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
static void ngx_http_para_auth_metrics_breakers(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);
static void ngx_http_para_auth_metrics_breaker(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf, const ngx_para_provider_t *provider,
    ngx_para_endpoint_e endpoint);
static void ngx_http_para_auth_metrics_entries(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);
static void ngx_http_para_auth_metrics_wakeups(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf);


static const ngx_http_para_auth_metrics_group_pt
    ngx_http_para_auth_metrics_groups[] =
{
    ngx_http_para_auth_metrics_keys,
    ngx_http_para_auth_metrics_breakers,
    ngx_http_para_auth_metrics_entries,
    ngx_http_para_auth_metrics_wakeups,
    NULL
};


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


static const ngx_para_metrics_family_t  ngx_http_para_auth_metrics_open = {
    "para_auth_breaker_open", NGX_PARA_METRICS_GAUGE,
    "Whether Para is taken for down, by what it is called for."
};


static const ngx_para_metrics_family_t  ngx_http_para_auth_metrics_cached = {
    "para_auth_cache_entries", NGX_PARA_METRICS_GAUGE,
    "Entries in the shared cache, calls under way among them."
};


static const ngx_para_metrics_family_t  ngx_http_para_auth_metrics_woken = {
    "para_auth_wakeup_seconds", NGX_PARA_METRICS_HISTOGRAM,
    "From an answer of Para until requests in other workers go on with it."
};


static const ngx_str_t
    ngx_http_para_auth_metrics_kinds[NGX_PARA_STORE_POOLS] =
{
    [NGX_PARA_STORE_GOOD] = ngx_string("good"),
    [NGX_PARA_STORE_POOR] = ngx_string("refused"),
    [NGX_PARA_STORE_SPELT] = ngx_string("exported"),
    [NGX_PARA_STORE_FLIGHT] = ngx_string("calling"),
    [NGX_PARA_STORE_LANDED] = ngx_string("answered"),
    [NGX_PARA_STORE_PAYER] = ngx_string("payer"),
    [NGX_PARA_STORE_BREAKER] = ngx_string("breaker")
};


static ngx_str_t  ngx_http_para_auth_metrics_types[] = {
    [NGX_PARA_METRICS_JSON] = ngx_string("application/json"),
    [NGX_PARA_METRICS_PROMETHEUS] =
        ngx_string("text/plain; version=0.0.4; charset=utf-8")
};


char *
ngx_http_para_auth_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == ngx_http_para_auth_metrics_handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "answers itself: give it a location of its own";
    }

    clcf->handler = ngx_http_para_auth_metrics_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_para_auth_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                                   rc;
    ngx_para_metrics_t                          metrics;
    ngx_para_metrics_format_e                   format;
    ngx_http_para_auth_main_conf_t             *mcf;
    const ngx_http_para_auth_metrics_group_pt  *group;

    if (ngx_http_para_auth_metrics_header(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        /* RFC 9110 15.5.6 */

        if (ngx_http_para_auth_metrics_header(r, "Allow", "GET, HEAD")
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_para_auth_metrics_format(r, &format) != NGX_OK) {
        return ngx_http_para_auth_metrics_refuse(r);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_para_auth_module);

    ngx_para_metrics_begin(&metrics, r->pool, format);

    for (group = ngx_http_para_auth_metrics_groups; *group; group++) {
        (*group)(&metrics, mcf);
    }

    if (ngx_para_metrics_end(&metrics) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = ngx_http_para_auth_metrics_types[format];

    return ngx_http_para_auth_metrics_send(r, metrics.chain, metrics.last,
                                           metrics.size);
}


static ngx_int_t
ngx_http_para_auth_metrics_header(ngx_http_request_t *r, char *name,
    char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


/* By the argument, else by Accept; NGX_DECLINED if there is no such format. */

static ngx_int_t
ngx_http_para_auth_metrics_format(ngx_http_request_t *r,
    ngx_para_metrics_format_e *format)
{
    ngx_uint_t  i;
    ngx_str_t   value;

    static const ngx_str_t  names[] = {
        [NGX_PARA_METRICS_JSON] = ngx_string("json"),
        [NGX_PARA_METRICS_PROMETHEUS] = ngx_string("prometheus")
    };

    if (ngx_http_arg(r, (u_char *) "format", sizeof("format") - 1, &value)
        != NGX_OK)
    {
        *format = ngx_http_para_auth_metrics_accept(r);
        return NGX_OK;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (value.len == names[i].len
            && ngx_memcmp(value.data, names[i].data, value.len) == 0)
        {
            *format = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_para_metrics_format_e
ngx_http_para_auth_metrics_accept(ngx_http_request_t *r)
{
    ngx_uint_t                           i;
    ngx_list_part_t                     *part;
    ngx_table_elt_t                     *h;
    ngx_http_para_auth_metrics_accept_t  wanted;

    static const ngx_str_t  accept = ngx_string("accept");

    wanted.format = NGX_PARA_METRICS_JSON;
    wanted.quality = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_para_headers_is(&h[i], &accept)) {
                ngx_http_para_auth_metrics_choose(&wanted, &h[i].value);
            }
        }
    }

    return wanted.format;
}


/*
 * RFC 9110 12.5.1: of the types that are named, the one that is wanted most, of
 * equals the first.  Prometheus names its own formats, while a client that
 * takes anything gets JSON.
 */

static void
ngx_http_para_auth_metrics_choose(ngx_http_para_auth_metrics_accept_t *wanted,
    const ngx_str_t *value)
{
    u_char      *p, *last;
    ngx_int_t    quality;
    ngx_str_t    range, type;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t                  type;
        ngx_para_metrics_format_e  format;
    } known[] = {
        { ngx_string("application/json"), NGX_PARA_METRICS_JSON },
        { ngx_string("text/plain"), NGX_PARA_METRICS_PROMETHEUS },
        { ngx_string("application/openmetrics-text"),
          NGX_PARA_METRICS_PROMETHEUS }
    };

    p = value->data;
    last = p + value->len;

    while (p <= last) {
        p = ngx_http_para_auth_metrics_part(p, last, ',', &range);
        quality = ngx_http_para_auth_metrics_quality(&range, &type);

        for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (quality > wanted->quality
                && type.len == known[i].type.len
                && ngx_strncasecmp(type.data, known[i].type.data, type.len)
                   == 0)
            {
                wanted->quality = quality;
                wanted->format = known[i].format;
            }
        }
    }
}


/*
 * How much one range of Accept is wanted (RFC 9110 12.4.2), in thousandths, and
 * its type; negative if that is malformed.
 */

static ngx_int_t
ngx_http_para_auth_metrics_quality(const ngx_str_t *range, ngx_str_t *type)
{
    u_char     *p, *last;
    ngx_int_t   quality;
    ngx_str_t   parameter;

    quality = 1000;
    last = range->data + range->len;

    p = ngx_http_para_auth_metrics_part(range->data, last, ';', type);

    while (p <= last) {
        p = ngx_http_para_auth_metrics_part(p, last, ';', &parameter);

        if (parameter.len >= 2
            && ngx_strncasecmp(parameter.data, (u_char *) "q=", 2) == 0)
        {
            quality = ngx_atofp(parameter.data + 2, parameter.len - 2, 3);
        }
    }

    return quality;
}


/* What stands before the separator, trimmed; returns where to go on. */

static u_char *
ngx_http_para_auth_metrics_part(u_char *p, u_char *last, u_char separator,
    ngx_str_t *part)
{
    u_char  *end;

    end = ngx_strlchr(p, last, separator);

    if (end == NULL) {
        end = last;
    }

    part->data = p;
    part->len = end - p;

    while (part->len && (part->data[0] == ' ' || part->data[0] == '\t')) {
        part->data++;
        part->len--;
    }

    while (part->len && (part->data[part->len - 1] == ' '
                         || part->data[part->len - 1] == '\t'))
    {
        part->len--;
    }

    return end + 1;
}


static ngx_int_t
ngx_http_para_auth_metrics_refuse(ngx_http_request_t *r)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    static u_char  text[] = "there is no such format: write ?format=json, "
                            "?format=prometheus, or none of them for the one "
                            "that Accept names\n";

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->memory = 1;
    b->pos = text;
    b->last = text + sizeof(text) - 1;

    out.buf = b;
    out.next = NULL;

    r->headers_out.status = NGX_HTTP_BAD_REQUEST;
    ngx_str_set(&r->headers_out.content_type, "text/plain");

    return ngx_http_para_auth_metrics_send(r, &out, &out, b->last - b->pos);
}


static ngx_int_t
ngx_http_para_auth_metrics_send(ngx_http_request_t *r, ngx_chain_t *chain,
    ngx_chain_t *last, off_t size)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t  *type;

    type = &r->headers_out.content_type;

    /* without its parameters: the length by which gzip_types finds it */

    p = ngx_strlchr(type->data, type->data + type->len, ';');

    r->headers_out.content_type_len = p ? (size_t) (p - type->data)
                                        : type->len;
    r->headers_out.content_length_n = size;

    last->buf->last_buf = (r == r->main);
    last->buf->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, chain);
}


static void
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


static void
ngx_http_para_auth_metrics_breakers(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_uint_t             i;
    ngx_para_provider_t  **provider;

    ngx_para_metrics_family(metrics, &ngx_http_para_auth_metrics_open);

    if (mcf->zone == NULL) {
        return;
    }

    provider = mcf->providers.list.elts;

    for (i = 0; i < mcf->providers.list.nelts; i++) {
        ngx_http_para_auth_metrics_breaker(metrics, mcf, provider[i],
                                           NGX_PARA_VERIFY);
        ngx_http_para_auth_metrics_breaker(metrics, mcf, provider[i],
                                           NGX_PARA_WALLETS);
    }
}


/* All endpoints but that of wallets have one. */

static void
ngx_http_para_auth_metrics_breaker(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf, const ngx_para_provider_t *provider,
    ngx_para_endpoint_e endpoint)
{
    u_char                    key[PARA_DIGEST_SIZE];
    ngx_para_metrics_label_t  label[2];

    if (ngx_http_para_auth_breaker(mcf, provider, endpoint, key) != NGX_OK) {
        metrics->failed = 1;
        return;
    }

    label[0].name = "provider";
    label[0].value = provider->name;

    label[1].name = "calls";

    if (endpoint == NGX_PARA_WALLETS) {
        ngx_str_set(&label[1].value, "wallets");

    } else {
        ngx_str_set(&label[1].value, "sessions");
    }

    ngx_para_metrics_sample(metrics, label, 2,
                            ngx_para_cache_is_down(mcf->zone, key));
}


static void
ngx_http_para_auth_metrics_entries(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_uint_t                pool, count[NGX_PARA_STORE_POOLS];
    ngx_para_metrics_label_t  label;

    ngx_para_metrics_family(metrics, &ngx_http_para_auth_metrics_cached);

    if (mcf->zone == NULL) {
        return;
    }

    ngx_para_cache_count(mcf->zone, count);

    label.name = "kind";

    for (pool = 0; pool < NGX_PARA_STORE_POOLS; pool++) {
        label.value = ngx_http_para_auth_metrics_kinds[pool];
        ngx_para_metrics_sample(metrics, &label, 1, count[pool]);
    }
}


static void
ngx_http_para_auth_metrics_wakeups(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_para_cache_wakeups_t  wakeups;
    ngx_para_metrics_times_t  times;

    ngx_para_metrics_family(metrics, &ngx_http_para_auth_metrics_woken);

    if (mcf->zone == NULL) {
        return;
    }

    ngx_para_cache_wakeups(mcf->zone, &wakeups);

    times.le = ngx_para_cache_buckets;
    times.count = wakeups.count;
    times.n = NGX_PARA_CACHE_WAKEUPS - 1;
    times.sum = wakeups.sum;

    ngx_para_metrics_times(metrics, &times);
}
