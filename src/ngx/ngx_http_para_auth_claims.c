/*
 * The claims that the configuration shows as variables: by the variable's own
 * name, $para_auth_claim_*, or by a path, with para_auth_claim_set.
 */

#include "ngx_http_para_auth.h"


static ngx_int_t ngx_http_para_auth_claim_find(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, const ngx_str_t *path);
static ngx_int_t ngx_http_para_auth_claim_define(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_str_t *name,
    const ngx_str_t *path);
static ngx_uint_t ngx_http_para_auth_claim_taken(ngx_conf_t *cf,
    const ngx_str_t *name);


static ngx_str_t  ngx_http_para_auth_claim_prefix =
    ngx_string("para_auth_claim_");


char *
ngx_http_para_auth_claim_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_main_conf_t *mcf = conf;

    ngx_str_t  *value, name;

    value = cf->args->elts;

    name.data = value[1].data + 1;
    name.len = value[1].len - 1;

    /* nginx takes $1 to $9 for captures, whatever follows */

    if (value[1].data[0] != '$'
        || !para_span_is_word(para_span(name.data, name.len))
        || (name.data[0] >= '1' && name.data[0] <= '9'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable \"%V\", write its name as "
                           "\"$claim_plan\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_para_auth_claim_taken(cf, &name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "variable \"%V\" is nginx's, this module's or "
                           "defined before: give the claim another, as "
                           "\"$claim_plan\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_para_auth_claim_define(cf, mcf, &name, &value[2]) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * Whoever uses a variable has its name among the indexed ones, and nginx looks
 * for what they are only when every module had its turn.
 */

ngx_int_t
ngx_http_para_auth_init_claims(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_str_t                   path, *prefix;
    ngx_uint_t                  i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    prefix = &ngx_http_para_auth_claim_prefix;
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (v[i].name.len < prefix->len
            || ngx_strncmp(v[i].name.data, prefix->data, prefix->len) != 0)
        {
            continue;
        }

        path.data = v[i].name.data + prefix->len;
        path.len = v[i].name.len - prefix->len;

        if (ngx_http_para_auth_claim_define(cf, mcf, &v[i].name, &path)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    mcf->claims.path = mcf->paths.elts;
    mcf->claims.n = mcf->paths.nelts;

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_claim_define(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, ngx_str_t *name,
    const ngx_str_t *path)
{
    ngx_int_t             claim;
    ngx_http_variable_t  *var;

    claim = ngx_http_para_auth_claim_find(cf, mcf, path);
    if (claim == NGX_ERROR) {
        return NGX_ERROR;
    }

    var = ngx_http_add_variable(cf, name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    if (var->get_handler || var->set_handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "variable \"$%V\" is a claim of the JWT, and is "
                           "defined otherwise too: give that another name",
                           name);
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_para_auth_claim_variable;
    var->data = (uintptr_t) claim;

    return NGX_OK;
}


/* The claim's place among those that are kept; a new one gets the next. */

static ngx_int_t
ngx_http_para_auth_claim_find(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf, const ngx_str_t *path)
{
    ngx_uint_t    i;
    para_span_t  *known, new;

    new = para_span(path->data, path->len);
    known = mcf->paths.elts;

    if (ngx_para_issuer_check_path(cf, path) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < mcf->paths.nelts; i++) {
        if (para_span_eq(known[i], new)) {
            return i;
        }
    }

    if (mcf->paths.nelts == PARA_CLAIM_SET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is one claim too many: variables can show "
                           "%d of them, with para_auth_claim_set and "
                           "$para_auth_claim_* together", path,
                           PARA_CLAIM_SET_MAX);
        return NGX_ERROR;
    }

    known = ngx_array_push(&mcf->paths);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = new;

    return i;
}


/*
 * Whether it is the name of a variable already, or of one of a family, as
 * $arg_* are.
 */

static ngx_uint_t
ngx_http_para_auth_claim_taken(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    if (name->len >= sizeof("para_auth_") - 1
        && ngx_strncasecmp(name->data, (u_char *) "para_auth_",
                           sizeof("para_auth_") - 1)
           == 0)
    {
        return 1;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    v = cmcf->prefix_variables.elts;

    for (i = 0; i < cmcf->prefix_variables.nelts; i++) {
        if (name->len >= v[i].name.len
            && ngx_strncasecmp(name->data, v[i].name.data, v[i].name.len)
               == 0)
        {
            return 1;
        }
    }

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (name->len == key[i].key.len
            && ngx_strncasecmp(name->data, key[i].key.data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
