/*
 * A module of nginx that is loaded after ours, and so comes before it in each
 * phase of rewriting: it says in the error log who a request is of there,
 *
 *   reader: <path> user "..." status "..." header "..."
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


static ngx_int_t reader_init(ngx_conf_t *cf);


static ngx_http_module_t  reader_ctx = {
    NULL,
    reader_init,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
};


ngx_module_t  reader_module = {
    NGX_MODULE_V1,
    &reader_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = {
    &reader_module,
    NULL
};


char  *ngx_module_names[] = {
    "reader_module",
    NULL
};


char  *ngx_module_order[] = {
    NULL
};


static ngx_str_t
reader_value(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t                   value;
    ngx_http_variable_value_t  *vv;

    vv = ngx_http_get_variable(r, name,
                               ngx_hash_key(name->data, name->len));

    ngx_str_null(&value);

    if (vv && !vv->not_found) {
        value.data = vv->data;
        value.len = vv->len;
    }

    return value;
}


static ngx_int_t
reader_handler(ngx_http_request_t *r)
{
    ngx_str_t  user, status, header;

    static ngx_str_t  user_id = ngx_string("para_auth_user_id");
    static ngx_str_t  code = ngx_string("para_auth_status");
    static ngx_str_t  sent = ngx_string("http_x_para_user_id");

    user = reader_value(r, &user_id);
    status = reader_value(r, &code);
    header = reader_value(r, &sent);

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "reader: %V user \"%V\" status \"%V\" header \"%V\"",
                  &r->uri, &user, &status, &header);

    return NGX_DECLINED;
}


static ngx_int_t
reader_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = reader_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = reader_handler;

    return NGX_OK;
}
