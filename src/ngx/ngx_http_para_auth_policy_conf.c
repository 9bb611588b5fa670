/*
 * What may be needed beside a good name, as it is written in the configuration,
 * and what of that cannot work.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_header.h"
#include "../core/para_role.h"


static ngx_int_t ngx_http_para_auth_add_role(ngx_conf_t *cf,
    ngx_http_para_auth_role_t *role, const ngx_str_t *value);
static char *ngx_http_para_auth_add_requirement(ngx_conf_t *cf,
    ngx_http_para_auth_requirement_t *requirement, ngx_str_t *value);
static void ngx_http_para_auth_use(ngx_http_para_auth_needs_t *needs);
static ngx_int_t ngx_http_para_auth_check_roles(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf);


char *
ngx_http_para_auth_require_role(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_para_auth_role_t  *role;

    role = ngx_http_para_auth_need(cf, cmd, conf,
                                   sizeof(ngx_http_para_auth_role_t));
    if (role == NULL) {
        return NGX_CONF_ERROR;
    }

    role->names = 0;
    role->name = ngx_palloc(cf->pool,
                            (cf->args->nelts - 1) * sizeof(para_span_t));
    if (role->name == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_http_para_auth_add_role(cf, role, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_para_auth_add_role(ngx_conf_t *cf, ngx_http_para_auth_role_t *role,
    const ngx_str_t *value)
{
    u_char       *p, *end;
    para_span_t   name;

    p = ngx_pnalloc(cf->pool, para_header_encoded_max(value->len) + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end = para_role_encode(p, para_span(value->data, value->len));

    if (end == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no user can have the role \"%V\": write the name "
                           "of one, without control characters", value);
        return NGX_ERROR;
    }

    name = para_span(p, end - p);

    if (role->names
        && para_role_check(name, role->name, role->names) == PARA_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "names the role \"%V\" twice: remove one, any of "
                           "them is enough; for several that are all needed "
                           "write one para_auth_require_role for each", value);
        return NGX_ERROR;
    }

    role->name[role->names++] = name;

    return NGX_OK;
}


char *
ngx_http_para_auth_require(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                              *rv;
    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_http_para_auth_requirement_t  *requirement;

    requirement = ngx_http_para_auth_need(cf, cmd, conf,
                                     sizeof(ngx_http_para_auth_requirement_t));

    if (requirement == NULL
        || ngx_array_init(&requirement->variables, cf->pool, 1,
                          sizeof(ngx_int_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    requirement->reason = PARA_OK;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_para_auth_add_requirement(cf, requirement, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (requirement->variables.nelts == 0) {
        return "needs a variable to look at, as \"$ok\"";
    }

    if (requirement->reason == PARA_OK) {
        requirement->reason = PARA_REQUIREMENT_UNMET;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_add_requirement(ngx_conf_t *cf,
    ngx_http_para_auth_requirement_t *requirement, ngx_str_t *value)
{
    ngx_int_t   index, *variable;
    ngx_uint_t  i;

    if (ngx_strncmp(value->data, "error=", 6) == 0) {

        if (requirement->reason != PARA_OK) {
            return "has two \"error=\"";
        }

        if (ngx_strcmp(value->data + 6, "401") == 0) {
            requirement->reason = PARA_REQUIREMENT_LOGIN;
            return NGX_CONF_OK;
        }

        if (ngx_strcmp(value->data + 6, "403") == 0) {
            requirement->reason = PARA_REQUIREMENT_UNMET;
            return NGX_CONF_OK;
        }

        return "refuses with \"error=401\" or \"error=403\"";
    }

    if (ngx_http_para_auth_variable(cf, value, &index,
                                    "a variable, as \"$ok\", or "
                                    "\"error=401|403\"")
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    variable = requirement->variables.elts;

    for (i = 0; i < requirement->variables.nelts; i++) {
        if (variable[i] == index) {
            return "names a variable twice";
        }
    }

    variable = ngx_array_push(&requirement->variables);
    if (variable == NULL) {
        return NGX_CONF_ERROR;
    }

    *variable = index;

    return NGX_CONF_OK;
}


void *
ngx_http_para_auth_need(ngx_conf_t *cf, ngx_command_t *cmd, void *conf,
    size_t size)
{
    ngx_http_para_auth_needs_t  **needs;

    needs = (ngx_http_para_auth_needs_t **) ((char *) conf + cmd->offset);

    if (*needs == NULL) {

        *needs = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_needs_t));

        if (*needs == NULL
            || ngx_array_init(&(*needs)->list, cf->pool, 1, size) != NGX_OK
            || ngx_http_para_auth_note(cf, &(*needs)->place, cmd,
                                       "protects nothing: there is no "
                                       "\"para_auth\" where it applies")
               != NGX_OK)
        {
            return NULL;
        }
    }

    return ngx_array_push(&(*needs)->list);
}


ngx_int_t
ngx_http_para_auth_variable(ngx_conf_t *cf, ngx_str_t *value, ngx_int_t *index,
    const char *usage)
{
    ngx_str_t  name;

    name.data = value->data + 1;
    name.len = value->len - 1;

    if (value->data[0] != '$'
        || !para_span_is_word(para_span(name.data, name.len)))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it is %s", value, usage);
        return NGX_ERROR;
    }

    *index = ngx_http_get_variable_index(cf, &name);

    return *index == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


void
ngx_http_para_auth_merge_policy(const ngx_http_para_auth_loc_conf_t *prev,
    ngx_http_para_auth_loc_conf_t *conf)
{
    if (conf->roles == NULL) {
        conf->roles = prev->roles;
    }

    if (conf->requirements == NULL) {
        conf->requirements = prev->requirements;
    }

    if (conf->wallets == NULL) {
        conf->wallets = prev->wallets;
    }

    if (conf->verify_wallet == NULL) {
        conf->verify_wallet = prev->verify_wallet;
    }

    if (conf->dry_run == NULL) {
        conf->dry_run = prev->dry_run;
    }
}


ngx_int_t
ngx_http_para_auth_check_policy(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_use(lcf->roles);
    ngx_http_para_auth_use(lcf->requirements);
    ngx_http_para_auth_use(lcf->wallets);

    if (lcf->dry_run) {
        lcf->dry_run->place.used = 1;
    }

    if (lcf->roles && ngx_http_para_auth_check_roles(cf, lcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return lcf->wallets ? ngx_http_para_auth_check_needed_wallets(cf, lcf)
                        : NGX_OK;
}


static void
ngx_http_para_auth_use(ngx_http_para_auth_needs_t *needs)
{
    if (needs) {
        needs->place.used = 1;
    }
}


/* Roles come out of JWTs of the operator's own: else nobody could pass. */

static ngx_int_t
ngx_http_para_auth_check_roles(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    const ngx_http_para_auth_place_t  *place;

    place = &lcf->roles->place;

    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_JWT)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_require_role in %s:%ui lets nobody in where "
                      "para_auth in %s:%ui checks sessions alone, since Para "
                      "names no roles: write \"para_auth %V;\" there, or "
                      "para_auth_require_role only where JWTs are checked",
                      place->file, place->line, lcf->file, lcf->line,
                      &lcf->name);
        return NGX_ERROR;
    }

    if (!ngx_http_para_auth_has_claim(lcf->provider, PARA_CLAIM_ROLES)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "para_auth_require_role in %s:%ui lets nobody in: "
                      "provider \"%V\" takes only Para's own JWTs, which have "
                      "no roles, so add an \"issuer\" block for those of your "
                      "backend", place->file, place->line, &lcf->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_para_auth_has_claim(const ngx_para_provider_t *provider,
    para_claim_e claim)
{
    ngx_uint_t  i;

    for (i = 0; i < provider->nissuers; i++) {
        if (provider->issuers[i]->map[claim].paths) {
            return 1;
        }
    }

    return 0;
}
