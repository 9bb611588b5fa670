/*
 * What is counted of decisions: of each provider, by code, and apart from those
 * of a dry run.
 */

#include "ngx_http_para_auth_metrics.h"
#include "ngx_para_counters.h"


/* What is counted: the codes, then what was let go on without a decision. */

#define NGX_HTTP_PARA_AUTH_PREFLIGHT  PARA_CODES
#define NGX_HTTP_PARA_AUTH_OUTCOMES   (PARA_CODES + 1)


static void ngx_http_para_auth_count(const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_uint_t outcome);
static void ngx_http_para_auth_metrics_mode(ngx_para_metrics_t *metrics,
    const ngx_para_provider_t *provider, ngx_uint_t dry);


static const ngx_para_metrics_family_t  ngx_http_para_auth_metrics_decided = {
    "para_auth_decisions_total", NGX_PARA_METRICS_COUNTER,
    "Decisions on requests, by their code."
};


/* Those of a dry run follow the others. */

static ngx_inline ngx_uint_t
ngx_http_para_auth_counter(ngx_uint_t dry, ngx_uint_t outcome)
{
    return dry * NGX_HTTP_PARA_AUTH_OUTCOMES + outcome;
}


ngx_int_t
ngx_http_para_auth_init_decisions(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_str_t              name;
    ngx_uint_t             i;
    ngx_para_provider_t  **provider;

    static const char  prefix[] = "para_auth_decisions.";

    provider = mcf->providers.list.elts;

    for (i = 0; i < mcf->providers.list.nelts; i++) {

        name.len = sizeof(prefix) - 1 + provider[i]->name.len;
        name.data = ngx_pnalloc(cf->temp_pool, name.len);
        if (name.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(ngx_cpymem(name.data, prefix, sizeof(prefix) - 1),
                   provider[i]->name.data, provider[i]->name.len);

        provider[i]->decisions =
            ngx_para_counters_create(cf, &name,
                                     2 * NGX_HTTP_PARA_AUTH_OUTCOMES,
                                     &ngx_http_para_auth_module);

        if (provider[i]->decisions == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_para_auth_count_decision(const ngx_http_para_auth_loc_conf_t *lcf,
    para_reason_e reason)
{
    ngx_http_para_auth_count(lcf, para_reason_code(reason));
}


void
ngx_http_para_auth_count_preflight(const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_count(lcf, NGX_HTTP_PARA_AUTH_PREFLIGHT);
}


static void
ngx_http_para_auth_count(const ngx_http_para_auth_loc_conf_t *lcf,
    ngx_uint_t outcome)
{
    ngx_uint_t  dry;

    dry = ngx_http_para_auth_is_dry(lcf);

    ngx_para_counters_add(lcf->provider->decisions,
                          ngx_http_para_auth_counter(dry, outcome));
}


void
ngx_http_para_auth_metrics_decisions(ngx_para_metrics_t *metrics,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_uint_t             i;
    ngx_para_provider_t  **provider;

    ngx_para_metrics_family(metrics, &ngx_http_para_auth_metrics_decided);

    provider = mcf->providers.list.elts;

    for (i = 0; i < mcf->providers.list.nelts; i++) {
        ngx_http_para_auth_metrics_mode(metrics, provider[i], 0);
        ngx_http_para_auth_metrics_mode(metrics, provider[i], 1);
    }
}


static void
ngx_http_para_auth_metrics_mode(ngx_para_metrics_t *metrics,
    const ngx_para_provider_t *provider, ngx_uint_t dry)
{
    const char                *code;
    ngx_uint_t                 outcome, count;
    ngx_para_metrics_label_t   label[3];

    label[0].name = "provider";
    label[0].value = provider->name;

    label[1].name = "mode";

    if (dry) {
        ngx_str_set(&label[1].value, "dry_run");

    } else {
        ngx_str_set(&label[1].value, "enforced");
    }

    label[2].name = "code";

    for (outcome = 0; outcome < NGX_HTTP_PARA_AUTH_OUTCOMES; outcome++) {

        code = outcome == NGX_HTTP_PARA_AUTH_PREFLIGHT
               ? "preflight" : para_code_name(outcome);

        label[2].value.data = (u_char *) code;
        label[2].value.len = ngx_strlen(code);

        count = ngx_para_counters_read(provider->decisions,
                                     ngx_http_para_auth_counter(dry, outcome));

        ngx_para_metrics_sample(metrics, label, 3, count);
    }
}
