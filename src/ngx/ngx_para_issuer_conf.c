#include "ngx_para_issuer.h"


static void ngx_para_issuer_list_algorithms(ngx_conf_t *cf,
    const ngx_str_t *unknown);
static char *ngx_para_issuer_list(ngx_conf_t *cf, ngx_array_t **list);


char *
ngx_para_issuer_audience(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_issuer_t *pi = conf;

    ngx_str_t    *value;
    ngx_uint_t    i;
    para_span_t  *audience;

    if (pi->audience || pi->any_audience) {
        return "is duplicate, list all values in one";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "any") == 0) {
        pi->any_audience = 1;
        return NGX_CONF_OK;
    }

    pi->audience = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(para_span_t));
    if (pi->audience == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0 || ngx_strcmp(value[i].data, "any") == 0) {
            return "takes non-empty values, or \"any\" alone, which turns the "
                   "check off";
        }

        audience = ngx_array_push(pi->audience);
        *audience = para_span(value[i].data, value[i].len);
    }

    return NGX_CONF_OK;
}


char *
ngx_para_issuer_algorithms(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_issuer_t *pi = conf;

    ngx_str_t         *value;
    ngx_uint_t         i;
    const para_alg_t  *alg;

    if (pi->algorithms) {
        return "is duplicate, list all in one";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        alg = para_alg_find(para_span(value[i].data, value[i].len));

        if (alg == NULL) {
            ngx_para_issuer_list_algorithms(cf, &value[i]);
            return NGX_CONF_ERROR;
        }

        pi->algorithms |= alg->bit;
    }

    return NGX_CONF_OK;
}


static void
ngx_para_issuer_list_algorithms(ngx_conf_t *cf, const ngx_str_t *unknown)
{
    u_char            *p, text[256];
    size_t             i;
    const para_alg_t  *alg;

    p = text;

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        p = ngx_slprintf(p, text + sizeof(text), " %*s", alg->name.len,
                         alg->name.data);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown algorithm \"%V\", the known ones are:%*s",
                       unknown, (size_t) (p - text), text);
}


char *
ngx_para_issuer_claim(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_issuer_t *pi = conf;

    int                  field;
    ngx_str_t           *value;
    ngx_uint_t           i;
    para_claim_paths_t  *paths;

    value = cf->args->elts;

    field = para_claim_find(para_span(value[1].data, value[1].len));

    if (field < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown field \"%V\", it is one of user_id, "
                           "internal_user_id, roles, wallets, identifier, "
                           "type, email, oauth_method", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts - 2 > PARA_CLAIM_PATHS) {
        return "takes at most 4 paths";
    }

    paths = &pi->issuer.map[field];
    paths->paths = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        paths->path[paths->paths] = para_span(value[i].data, value[i].len);

        if (ngx_para_issuer_check_path(cf, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        paths->paths++;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_issuer_check_path(ngx_conf_t *cf, const ngx_str_t *path)
{
    if (para_json_path_check(para_span(path->data, path->len))) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" is no claim path: write member names joined by "
                       "dots, a name that has a dot in double quotes, as in "
                       "'realm.\"a.b\".roles', and [n] or [*] for the items of "
                       "an array", path);

    return NGX_ERROR;
}


char *
ngx_para_issuer_typ(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_issuer_t *pi = conf;

    return ngx_para_issuer_list(cf, &pi->typ);
}


char *
ngx_para_issuer_require_claim(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_issuer_t *pi = conf;

    char         *rv;
    ngx_uint_t    i;
    para_span_t  *path;

    rv = ngx_para_issuer_list(cf, &pi->required);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    path = pi->required->elts;

    for (i = 0; i < pi->required->nelts; i++) {
        if (!para_json_path_check(path[i])) {
            return "takes claim paths, as those of \"claim\"";
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_para_issuer_list(ngx_conf_t *cf, ngx_array_t **list)
{
    ngx_str_t    *value;
    ngx_uint_t    i;
    para_span_t  *text;

    if (*list) {
        return "is duplicate, list all in one";
    }

    *list = ngx_array_create(cf->pool, cf->args->nelts - 1,
                             sizeof(para_span_t));
    if (*list == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            return "takes no empty value";
        }

        text = ngx_array_push(*list);
        *text = para_span(value[i].data, value[i].len);
    }

    return NGX_CONF_OK;
}
