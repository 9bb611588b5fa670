#include "ngx_para_inject.h"
#include "ngx_para_headers.h"
#include "../core/para_header.h"


static ngx_uint_t ngx_para_inject_unwanted(
    const ngx_para_inject_names_t *names, const ngx_table_elt_t *h);
static ngx_uint_t ngx_para_inject_look_alike(
    const ngx_para_inject_names_t *names, const ngx_str_t *key);
static ngx_uint_t ngx_para_inject_lists(
    const ngx_para_inject_names_t *names, const ngx_str_t *value);
static ngx_int_t ngx_para_inject_drop(ngx_http_request_t *r,
    ngx_table_elt_t *h, const void *data);


static const ngx_str_t  ngx_para_inject_connection = ngx_string("connection");


ngx_int_t
ngx_para_inject_strip(ngx_http_request_t *r,
    const ngx_para_inject_names_t *names, ngx_uint_t *stripped)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_para_inject_unwanted(names, &h[i])) {
                *stripped = 1;
                return ngx_para_headers_edit(r, ngx_para_inject_drop,
                                             (void *) names, 0);
            }
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_para_inject_room(const ngx_para_inject_conf_t *conf)
{
    return conf->headers->nelts;
}


ngx_int_t
ngx_para_inject_headers(ngx_http_request_t *r,
    const ngx_para_inject_conf_t *conf,
    const para_span_t field[PARA_ID_FIELDS])
{
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_para_inject_header_t  *header;

    header = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {

        if (header[i].value) {

            if (ngx_http_complex_value(r, header[i].value, &value) != NGX_OK) {
                return NGX_ERROR;
            }

            if (!para_header_safe(para_span(value.data, value.len))) {
                ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                              "para_auth: the value of header \"%V\" has a "
                              "control character, request refused",
                              &header[i].name.key);
                return NGX_DECLINED;
            }

        } else {
            value.data = (u_char *) field[header[i].field].data;
            value.len = field[header[i].field].len;
        }

        if (value.len == 0) {
            continue;
        }

        if (ngx_para_headers_add(r, &header[i].name.key,
                                 header[i].name.lowcase_key,
                                 header[i].name.hash, &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What looks like ours, and what would take ours away: the next proxy removes
 * the headers that Connection names (RFC 9110 7.6.1), if nginx is told to pass
 * it on.
 */

static ngx_uint_t
ngx_para_inject_unwanted(const ngx_para_inject_names_t *names,
    const ngx_table_elt_t *h)
{
    if (ngx_para_inject_look_alike(names, &h->key)) {
        return 1;
    }

    return h->key.len == ngx_para_inject_connection.len
           && ngx_para_headers_is(h, &ngx_para_inject_connection)
           && ngx_para_inject_lists(names, &h->value);
}


static ngx_uint_t
ngx_para_inject_look_alike(const ngx_para_inject_names_t *names,
    const ngx_str_t *key)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (!(names->lengths & ((uint64_t) 1 << (key->len & 63)))) {
        return 0;
    }

    name = names->names.elts;

    for (i = 0; i < names->names.nelts; i++) {
        if (ngx_para_headers_like(key, &name[i])) {
            return 1;
        }
    }

    return 0;
}


/* RFC 9110 5.6.1: names between commas, with spaces around them */

static ngx_uint_t
ngx_para_inject_lists(const ngx_para_inject_names_t *names,
    const ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t   option;

    p = value->data;
    last = value->data + value->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        option.data = p;

        while (p < last && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }

        option.len = p - option.data;

        if (ngx_para_inject_look_alike(names, &option)) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_para_inject_drop(ngx_http_request_t *r, ngx_table_elt_t *h,
    const void *data)
{
    return ngx_para_inject_unwanted(data, h) ? NGX_DECLINED : NGX_OK;
}
