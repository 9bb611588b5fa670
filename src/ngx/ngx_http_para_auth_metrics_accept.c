/*
 * What a client of para_auth_metrics accepts (RFC 9110 12.5.1).
 */

#include "ngx_http_para_auth_metrics.h"


typedef struct {
    ngx_para_metrics_format_e  format;
    ngx_int_t                  quality;       /* in thousandths */
} ngx_http_para_auth_metrics_wanted_t;


static void ngx_http_para_auth_metrics_choose(
    ngx_http_para_auth_metrics_wanted_t *wanted, const ngx_str_t *value);
static ngx_int_t ngx_http_para_auth_metrics_quality(const ngx_str_t *range,
    ngx_str_t *type);
static u_char *ngx_http_para_auth_metrics_part(u_char *p, u_char *last,
    u_char separator, ngx_str_t *part);


ngx_para_metrics_format_e
ngx_http_para_auth_metrics_accept(ngx_http_request_t *r)
{
    ngx_uint_t                           i;
    ngx_list_part_t                     *part;
    ngx_table_elt_t                     *h;
    ngx_http_para_auth_metrics_wanted_t  wanted;

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
ngx_http_para_auth_metrics_choose(ngx_http_para_auth_metrics_wanted_t *wanted,
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
