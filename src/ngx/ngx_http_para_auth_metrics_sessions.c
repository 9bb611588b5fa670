/*
 * What is counted of sessions and what is kept of them.
 */

#include "ngx_http_para_auth_metrics.h"
#include "ngx_para_cache_ask.h"


static void ngx_http_para_auth_metrics_breaker(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf, const ngx_para_provider_t *provider,
    ngx_para_endpoint_e endpoint);


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
    [NGX_PARA_STORE_BREAKER] = ngx_string("breaker"),
    [NGX_PARA_STORE_TEXT] = ngx_string("assertion")
};


void
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


void
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


void
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
