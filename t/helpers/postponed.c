/*
 * A module of nginx that puts its handler of the access phase behind all others
 * when the first request comes to it, as ngx_lua does, and says in the error
 * log who a request is of there,
 *
 *   postponed: <path> user "..."
 */

#include "one_module.h"


ONE_MODULE(postponed);


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
    return one_module_add(cf, NGX_HTTP_ACCESS_PHASE, postponed_handler);
}
