/*
 * A library with one module of nginx: it has no directives, and what it does it
 * does in handlers of phases, which its <name>_init() adds.
 */

#ifndef ONE_MODULE_H
#define ONE_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define ONE_MODULE(name)                                                      \
                                                                              \
static ngx_int_t name##_init(ngx_conf_t *cf);                                 \
                                                                              \
static ngx_http_module_t  name##_ctx = {                                      \
    NULL, name##_init, NULL, NULL, NULL, NULL, NULL, NULL                     \
};                                                                            \
                                                                              \
ngx_module_t  name##_module = {                                               \
    NGX_MODULE_V1, &name##_ctx, NULL, NGX_HTTP_MODULE,                        \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING           \
};                                                                            \
                                                                              \
ngx_module_t  *ngx_modules[] = { &name##_module, NULL };                      \
char  *ngx_module_names[] = { #name "_module", NULL };                        \
char  *ngx_module_order[] = { NULL }


static ngx_inline ngx_int_t
one_module_add(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


#endif /* ONE_MODULE_H */
