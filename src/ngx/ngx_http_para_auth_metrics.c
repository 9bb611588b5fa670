/*
 * para_auth_metrics: what is counted, for an operator's programs, in the format
 * that he asks for.
 */

#include "ngx_http_para_auth_metrics.h"


typedef void (*ngx_http_para_auth_metrics_group_pt)(
    ngx_para_metrics_t *metrics, ngx_http_para_auth_main_conf_t *mcf);


typedef struct {
    ngx_para_metrics_format_e  format;
    ngx_int_t                  quality;       /* in thousandths */
} ngx_http_para_auth_metrics_accept_t;


static ngx_int_t ngx_http_para_auth_metrics_handler(ngx_http_request_t *r);
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
    static const ngx_str_t  text = ngx_string(
                            "there is no such format: write ?format=json, "
                            "?format=prometheus, or none of them for the one "
                            "that Accept names\n");

    r->headers_out.status = NGX_HTTP_BAD_REQUEST;
    ngx_str_set(&r->headers_out.content_type, "text/plain");

    return ngx_http_para_auth_content_text(r, &text);
}
