#include "ngx_para_subrequest.h"


/* What the subrequest will be: made before there is one. */

typedef struct {
    ngx_list_t                  headers;
    ngx_http_variable_value_t  *variables;
    ngx_http_request_body_t    *body;
} ngx_para_subrequest_parts_t;


static ngx_int_t ngx_para_subrequest_prepare(ngx_http_request_t *r,
    ngx_buf_t *body, ngx_para_subrequest_parts_t *parts);
static ngx_int_t ngx_para_subrequest_body(ngx_http_request_t *r,
    ngx_buf_t *body, ngx_para_subrequest_parts_t *parts);
static ngx_int_t ngx_para_subrequest_header(ngx_http_request_t *r,
    ngx_list_t *headers, const ngx_str_t *name, const ngx_str_t *value);
static void ngx_para_subrequest_become(ngx_http_request_t *sr,
    const ngx_para_subrequest_parts_t *parts);


/*
 * Once ngx_http_subrequest() has posted it, it runs whatever else fails: so
 * nothing may fail after that.
 */

ngx_int_t
ngx_para_subrequest_post(ngx_http_request_t *r, const ngx_str_t *location,
    ngx_buf_t *body, ngx_http_post_subrequest_pt finished, void *data,
    ngx_http_request_t **sr)
{
    void                         *current;
    ngx_int_t                     rc;
    ngx_str_t                     uri;
    ngx_http_posted_request_t    *pr;
    ngx_http_post_subrequest_t   *ps;
    ngx_para_subrequest_parts_t   parts;

    pr = ngx_palloc(r->pool, sizeof(ngx_http_posted_request_t));
    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));

    if (pr == NULL || ps == NULL
        || ngx_para_subrequest_prepare(r, body, &parts) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ps->handler = finished;
    ps->data = data;

    uri = *location;
    *sr = NULL;
    current = r->connection->data;

    rc = ngx_http_subrequest(r, &uri, NULL, sr, ps,
                             NGX_HTTP_SUBREQUEST_WAITED);

    /* without memory nginx may leave the request to wait for one in vain */

    if (*sr == NULL) {
        r->connection->data = current;
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        (void) ngx_http_post_request(*sr, pr);
    }

    ngx_para_subrequest_become(*sr, &parts);

    return NGX_OK;
}


static ngx_int_t
ngx_para_subrequest_prepare(ngx_http_request_t *r, ngx_buf_t *body,
    ngx_para_subrequest_parts_t *parts)
{
    ngx_http_core_main_conf_t  *cmcf;

    static const ngx_str_t  accept = ngx_string("Accept");
    static const ngx_str_t  type = ngx_string("Content-Type");
    static const ngx_str_t  json = ngx_string("application/json");

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    parts->variables = ngx_pcalloc(r->pool, cmcf->variables.nelts
                                          * sizeof(ngx_http_variable_value_t));
    if (parts->variables == NULL) {
        return NGX_ERROR;
    }

    if (ngx_list_init(&parts->headers, r->pool, 4, sizeof(ngx_table_elt_t))
        != NGX_OK
        || ngx_para_subrequest_header(r, &parts->headers, &accept, &json)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (body
        && ngx_para_subrequest_header(r, &parts->headers, &type, &json)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_para_subrequest_body(r, body, parts);
}


static ngx_int_t
ngx_para_subrequest_body(ngx_http_request_t *r, ngx_buf_t *body,
    ngx_para_subrequest_parts_t *parts)
{
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    parts->body = rb;

    if (body == NULL) {
        return NGX_OK;
    }

    rb->bufs = ngx_alloc_chain_link(r->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    body->last_buf = 1;

    rb->bufs->buf = body;
    rb->bufs->next = NULL;
    rb->buf = body;

    return NGX_OK;
}


static ngx_int_t
ngx_para_subrequest_header(ngx_http_request_t *r, ngx_list_t *headers,
    const ngx_str_t *name, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->key = *name;
    h->value = *value;

    h->lowcase_key = ngx_pnalloc(r->pool, name->len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, name->data, name->len);
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


/*
 * nginx has made it a GET with the variables, the headers and the request line
 * of its parent.  Headers of its own also have no Content-Length of the
 * client's, whose body would be measured instead of ours.
 */

static void
ngx_para_subrequest_become(ngx_http_request_t *sr,
    const ngx_para_subrequest_parts_t *parts)
{
    ngx_buf_t  *body;

    static const ngx_str_t  post = ngx_string("POST");

    body = parts->body->buf;

    sr->variables = parts->variables;

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    sr->headers_in.headers = parts->headers;
    sr->headers_in.headers.last = &sr->headers_in.headers.part;
    sr->headers_in.content_length_n = body ? body->last - body->pos : 0;
    sr->headers_in.keep_alive_n = -1;

    sr->request_body = parts->body;

    sr->method = NGX_HTTP_POST;
    sr->method_name = post;
    sr->unparsed_uri = sr->uri;
    ngx_str_null(&sr->request_line);

    /* the answer is captured from memory */

    sr->filter_need_in_memory = 1;

    /* no error_page: a page of the operator's must not become the verdict */

    sr->error_page = 1;
}
