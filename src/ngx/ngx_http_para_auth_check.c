/*
 * What the configuration is as a whole, when all of it is known: whether every
 * location has what it needs.
 */

#include "ngx_http_para_auth.h"


static void ngx_http_para_auth_find_targets(
    const ngx_http_para_auth_srv_conf_t *scf,
    ngx_http_para_auth_loc_conf_t *lcf);
static ngx_int_t ngx_http_para_auth_check_forms(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);
static ngx_int_t ngx_http_para_auth_need_target(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_para_endpoint_e endpoint,
    const char *what);
static ngx_int_t ngx_http_para_auth_check_sources(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf);
static ngx_int_t ngx_http_para_auth_policy(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf);
static ngx_int_t ngx_http_para_auth_init_server(ngx_conf_t *cf,
    ngx_http_para_auth_srv_conf_t *scf);


/* Every way to Para leads there, and every location that needs one has it. */

ngx_int_t
ngx_http_para_auth_init_servers(ngx_conf_t *cf)
{
    ngx_uint_t                   i;
    ngx_http_core_srv_conf_t   **cscf;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        if (ngx_http_para_auth_init_server(cf,
                   cscf[i]->ctx->srv_conf[ngx_http_para_auth_module.ctx_index])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_init_server(ngx_conf_t *cf,
    ngx_http_para_auth_srv_conf_t *scf)
{
    ngx_uint_t                       i;
    ngx_http_para_auth_loc_conf_t  **lcf;

    lcf = scf->marked.elts;

    for (i = 0; i < scf->marked.nelts; i++) {

        if (ngx_para_upstream_check(cf, lcf[i]->upstream) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    lcf = scf->protected.elts;

    for (i = 0; i < scf->protected.nelts; i++) {

        ngx_http_para_auth_find_targets(scf, lcf[i]);

        if (ngx_http_para_auth_check_sources(cf, lcf[i]) != NGX_OK
            || ngx_http_para_auth_check_forms(cf, lcf[i]) != NGX_OK
            || ngx_http_para_auth_check_policy(cf, lcf[i]) != NGX_OK
            || ngx_http_para_auth_check_assertion(cf, lcf[i]) != NGX_OK
            || ngx_http_para_auth_policy(cf, lcf[i]) != NGX_OK
            || ngx_http_para_auth_prepare_renewal(cf, lcf[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* What an identity that is cached under this location depends on. */

static ngx_int_t
ngx_http_para_auth_policy(ngx_conf_t *cf, ngx_http_para_auth_loc_conf_t *lcf)
{
    u_char                           claims[PARA_DIGEST_SIZE];
    ngx_uint_t                       rules[4];
    para_span_t                      part[3];
    ngx_http_para_auth_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    rules[0] = lcf->layers;
    rules[1] = lcf->match;
    rules[2] = lcf->credential.forms;
    rules[3] = lcf->signer;

    part[0] = para_span(lcf->provider->token_policy, PARA_DIGEST_SIZE);
    part[1] = para_span(rules, sizeof(rules));
    part[2] = para_span(claims, PARA_DIGEST_SIZE);

    if (!para_digest_key(mcf->digest, claims, mcf->claims.path, mcf->claims.n)
        || !para_digest_key(mcf->digest, lcf->policy, part, 3))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "SHA-256 failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The ways to Para that this server has for a location's provider. */

static void
ngx_http_para_auth_find_targets(const ngx_http_para_auth_srv_conf_t *scf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t                i;
    ngx_para_call_target_t  **target;

    target = scf->targets.elts;

    for (i = 0; i < scf->targets.nelts; i++) {
        if (target[i]->provider == lcf->provider) {
            lcf->target[target[i]->endpoint] = target[i];
        }
    }
}


/* The forms of sessions that are taken, and that Para can be asked about. */

static ngx_int_t
ngx_http_para_auth_check_forms(ngx_conf_t *cf,
    ngx_http_para_auth_loc_conf_t *lcf)
{
    if (!(lcf->layers & NGX_HTTP_PARA_AUTH_SESSION)) {
        return NGX_OK;
    }

    lcf->credential.forms = lcf->session_type;

    if (lcf->credential.forms == 0) {
        lcf->credential.forms = lcf->target[NGX_PARA_TOUCH] ? PARA_FORM_ANY
                                                            : PARA_FORM_TOKEN;
    }

    if (lcf->credential.forms & PARA_FORM_TOKEN
        && ngx_http_para_auth_need_target(cf, lcf, NGX_PARA_VERIFY,
                                          "checks sessions")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lcf->credential.forms & PARA_FORM_EXPORTED) {
        return ngx_http_para_auth_need_target(cf, lcf, NGX_PARA_TOUCH,
                                              "takes exported sessions");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_para_auth_need_target(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_para_endpoint_e endpoint,
    const char *what)
{
    const ngx_str_t  *name;

    if (lcf->target[endpoint]) {
        return NGX_OK;
    }

    name = ngx_para_endpoint_name(endpoint);

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "para_auth in %s:%ui %s, and the server in %s:%ui has no "
                  "way to Para for \"%V\": include para-auth-%V.conf there, a "
                  "location with \"para_auth_upstream %V %V;\"",
                  lcf->file, lcf->line, what, lcf->server->file,
                  lcf->server->line, &lcf->name, name, &lcf->name, name);

    return NGX_ERROR;
}


/*
 * A credential under an identity's name would be removed as a look-alike, and
 * what cannot be removed must not be looked at where it should.
 */

static ngx_int_t
ngx_http_para_auth_check_sources(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t                       i;
    const ngx_str_t                 *name;
    const ngx_para_source_t         *left;
    ngx_http_para_auth_main_conf_t  *mcf;

    left = ngx_para_credential_left(&lcf->credential);

    if (left) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%V in %s:%ui looks in \"%V\", which cannot be removed "
                      "from what the upstream of para_auth in %s:%ui gets: use "
                      "bearer, $http_name or $cookie_name, or write "
                      "\"para_auth_forward_credentials on;\" there",
                      left->directive, left->file, left->line, &left->name,
                      lcf->file, lcf->line);
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    for (i = 0;
         (name = ngx_para_credential_header(&lcf->credential, i)) != NULL;
         i++)
    {
        if (ngx_para_inject_is_name(&mcf->names, name)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "para_auth in %s:%ui looks for a credential in the "
                          "header \"%V\", which is an identity header and "
                          "removed from every request: name another in "
                          "para_auth_token, para_auth_session_token or "
                          "para_auth_header", lcf->file, lcf->line, name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
