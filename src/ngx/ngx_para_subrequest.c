#include "ngx_para_subrequest.h"


static ngx_int_t ngx_para_subrequest_build(ngx_http_request_t *sr,
    ngx_buf_t *body);
static ngx_int_t ngx_para_subrequest_body(ngx_http_request_t *sr,
    ngx_buf_t *body);
static ngx_int_t ngx_para_subrequest_header(ngx_http_request_t *sr,
    const ngx_str_t *name, const ngx_str_t *value);


ngx_int_t
ngx_para_subrequest_post(ngx_http_request_t *r, const ngx_str_t *location,
    ngx_buf_t *body, ngx_http_post_subrequest_pt finished, void *data,
    ngx_http_request_t **sr)
{
    ngx_str_t                    uri;
    ngx_http_post_subrequest_t  *ps;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    ps->handler = finished;
    ps->data = data;

    uri = *location;

    if (ngx_http_subrequest(r, &uri, NULL, sr, ps, NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* it runs only after we return, so what it is can still be changed */

    return ngx_para_subrequest_build(*sr, body);
}


/*
 * nginx has made it a GET with the variables and headers of its parent.  A
 * header list of its own also has no Content-Length of the client's, whose body
 * would be measured instead of ours.
 */

static ngx_int_t
ngx_para_subrequest_build(ngx_http_request_t *sr, ngx_buf_t *body)
{
    ngx_http_core_main_conf_t  *cmcf;

    static const ngx_str_t  post = ngx_string("POST");
    static const ngx_str_t  accept = ngx_string("Accept");
    static const ngx_str_t  type = ngx_string("Content-Type");
    static const ngx_str_t  json = ngx_string("application/json");

    cmcf = ngx_http_get_module_main_conf(sr, ngx_http_core_module);

    sr->variables = ngx_pcalloc(sr->pool, cmcf->variables.nelts
                                          * sizeof(ngx_http_variable_value_t));
    if (sr->variables == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));

    if (ngx_list_init(&sr->headers_in.headers, sr->pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->headers_in.keep_alive_n = -1;

    sr->method = NGX_HTTP_POST;
    sr->method_name = post;

    if (ngx_para_subrequest_header(sr, &type, &json) != NGX_OK
        || ngx_para_subrequest_header(sr, &accept, &json) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the answer is captured from memory */

    sr->filter_need_in_memory = 1;

    /* no error_page: a page of the operator's must not become the verdict */

    sr->error_page = 1;

    return ngx_para_subrequest_body(sr, body);
}


static ngx_int_t
ngx_para_subrequest_body(ngx_http_request_t *sr, ngx_buf_t *body)
{
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    rb->bufs = ngx_alloc_chain_link(sr->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    body->last_buf = 1;

    rb->bufs->buf = body;
    rb->bufs->next = NULL;
    rb->buf = body;

    sr->request_body = rb;
    sr->headers_in.content_length_n = body->last - body->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_para_subrequest_header(ngx_http_request_t *sr, const ngx_str_t *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->key = *name;
    h->value = *value;

    h->lowcase_key = ngx_pnalloc(sr->pool, name->len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, name->data, name->len);
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
