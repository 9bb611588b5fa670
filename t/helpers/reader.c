/*
 * A module of nginx that is loaded after ours, and so comes before it in each
 * phase of rewriting: it says in the error log who a request is of there,
 *
 *   reader: <path> user "..." status "..." header "..."
 */

#include "one_module.h"


ONE_MODULE(reader);


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
    if (one_module_add(cf, NGX_HTTP_SERVER_REWRITE_PHASE, reader_handler)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return one_module_add(cf, NGX_HTTP_REWRITE_PHASE, reader_handler);
}
