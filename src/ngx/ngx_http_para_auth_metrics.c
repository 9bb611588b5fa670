/*
 * para_auth_metrics: what is counted, for an operator's programs, in the format
 * that he asks for.
 */

#include "ngx_http_para_auth_metrics.h"


typedef void (*ngx_http_para_auth_metrics_group_pt)(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_main_conf_t *mcf);


static ngx_int_t ngx_http_para_auth_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_para_auth_metrics_format(ngx_http_request_t *r,
    ngx_para_metrics_format_e *format);
static ngx_int_t ngx_http_para_auth_metrics_refuse(ngx_http_request_t *r);


static const ngx_http_para_auth_metrics_group_pt
    ngx_http_para_auth_metrics_groups[] =
{
    ngx_http_para_auth_metrics_decisions,
    ngx_http_para_auth_metrics_keys,
    ngx_http_para_auth_metrics_breakers,
    ngx_http_para_auth_metrics_entries,
    ngx_http_para_auth_metrics_wakeups,
    NULL
};


static ngx_str_t  ngx_http_para_auth_metrics_types[] = {
    [NGX_PARA_METRICS_JSON] = ngx_string("application/json"),
    [NGX_PARA_METRICS_PROMETHEUS] =
        ngx_string("text/plain; version=0.0.4; charset=utf-8")
};


char *
ngx_http_para_auth_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_para_auth_content(cf, ngx_http_para_auth_metrics_handler);
}


static ngx_int_t
ngx_http_para_auth_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                                   rc;
    ngx_para_metrics_t                          metrics;
    ngx_para_metrics_format_e                   format;
    ngx_http_para_auth_main_conf_t             *mcf;
    const ngx_http_para_auth_metrics_group_pt  *group;

    if (ngx_http_para_auth_content_header(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_para_auth_content_get(r);
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

    return ngx_http_para_auth_content_send(r, metrics.chain, metrics.last,
                                           metrics.size);
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


static ngx_int_t
ngx_http_para_auth_metrics_refuse(ngx_http_request_t *r)
{
    static const ngx_str_t  text = ngx_string(
                            "there is no such format: write ?format=json, "
                            "?format=prometheus, or none of them for the one "
                            "that Accept names\n");

    r->headers_out.status = NGX_HTTP_BAD_REQUEST;
    ngx_str_set(&r->headers_out.content_type, "text/plain");

    return ngx_http_para_auth_content_text(r, &text);
}
