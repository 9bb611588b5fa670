/*
 * A module of nginx that puts its handler of the access phase behind all others
 * when the first request comes to it, as ngx_lua does, and says in the error
 * log who a request is of there,
 *
 *   postponed: <path> user "..."
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


static ngx_int_t postponed_init(ngx_conf_t *cf);


static ngx_http_module_t  postponed_ctx = {
    NULL,
    postponed_init,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
};


ngx_module_t  postponed_module = {
    NGX_MODULE_V1,
    &postponed_ctx,
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
    &postponed_module,
    NULL
};


char  *ngx_module_names[] = {
    "postponed_module",
    NULL
};


char  *ngx_module_order[] = {
    NULL
};


static ngx_int_t
postponed_handler(ngx_http_request_t *r)
{
    ngx_http_phase_handler_t    first, *ph, *last;
    ngx_http_variable_value_t  *vv;
    ngx_http_core_main_conf_t  *cmcf;

    static ngx_uint_t  moved;
    static ngx_str_t   user_id = ngx_string("para_auth_user_id");

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    if (!moved) {
        moved = 1;

        /* the last of a phase of access is nginx's own */

        ph = &cmcf->phase_engine.handlers[r->phase_handler];
        last = &cmcf->phase_engine.handlers[ph->next - 2];

        if (ph < last) {
            first = *ph;
            ngx_memmove(ph, ph + 1, (last - ph) * sizeof(*ph));
            *last = first;

            r->phase_handler--;

            return NGX_DECLINED;
        }
    }

    vv = ngx_http_get_variable(r, &user_id,
                               ngx_hash_key(user_id.data, user_id.len));

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "postponed: %V user \"%v\"", &r->uri, vv);

    return NGX_DECLINED;
}


static ngx_int_t
postponed_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = postponed_handler;

    return NGX_OK;
}
