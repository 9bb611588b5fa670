/*
 * Directives that are a mistake where nothing comes of them: what they say is
 * meant to protect something, and would protect nothing without a word.
 */

#include "ngx_http_para_auth.h"


ngx_int_t
ngx_http_para_auth_note(ngx_conf_t *cf, ngx_http_para_auth_place_t *place,
    ngx_command_t *cmd, char *idle)
{
    ngx_http_para_auth_place_t      **noted;
    ngx_http_para_auth_main_conf_t   *mcf;

    place->file = cf->conf_file->file.name.data;
    place->line = cf->conf_file->line;
    place->directive = &cmd->name;
    place->idle = idle;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    noted = ngx_array_push(&mcf->places);
    if (noted == NULL) {
        return NGX_ERROR;
    }

    *noted = place;

    return NGX_OK;
}


char *
ngx_http_para_auth_switch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
    ngx_http_para_auth_switch_t  **sw;

    sw = (ngx_http_para_auth_switch_t **) ((char *) conf + cmd->offset);

    if (*sw) {
        return "is duplicate";
    }

    *sw = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_switch_t));
    if (*sw == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "on") != 0) {
        return "takes \"on\" or \"off\"";
    }

    (*sw)->on = 1;

    return ngx_http_para_auth_note(cf, &(*sw)->place, cmd, cmd->post) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_para_auth_check_places(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_uint_t                    i;
    ngx_http_para_auth_place_t  **place;

    place = mcf->places.elts;

    for (i = 0; i < mcf->places.nelts; i++) {
        if (!place[i]->used) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%V in %s:%ui %s",
                          place[i]->directive, place[i]->file,
                          place[i]->line, place[i]->idle);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
