/*
 * What a user must have beside a good name.  It is looked at on every request,
 * however its identity was found out.
 */

#include "ngx_http_para_auth.h"
#include "../core/para_role.h"


static para_reason_e ngx_http_para_auth_check_needs(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx);
static para_reason_e ngx_http_para_auth_check_role(
    const ngx_http_para_auth_needs_t *roles, para_span_t list);
static para_reason_e ngx_http_para_auth_check_requirement(
    ngx_http_request_t *r,
    const ngx_http_para_auth_requirement_t *requirement);
static ngx_uint_t ngx_http_para_auth_is_true(ngx_http_request_t *r,
    ngx_int_t index);


ngx_int_t
ngx_http_para_auth_step_policy(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx)
{
    ctx->reason = ngx_http_para_auth_check_needs(r, lcf, ctx);

    return ctx->reason == PARA_OK ? NGX_OK : NGX_DECLINED;
}


para_reason_e
ngx_http_para_auth_check_subrequest(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    para_reason_e  reason;

    reason = ngx_http_para_auth_check_needs(r, lcf, ctx);

    return reason == PARA_OK ? ngx_http_para_auth_check_wallets(r, lcf, ctx)
                             : reason;
}


/* What costs no call to Para. */

static para_reason_e
ngx_http_para_auth_check_needs(ngx_http_request_t *r,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_ctx_t *ctx)
{
    ngx_uint_t                               i;
    para_reason_e                            reason;
    const ngx_http_para_auth_requirement_t  *requirement;

    if (lcf->roles) {
        reason = ngx_http_para_auth_check_role(lcf->roles,
                                               ctx->field[PARA_ID_ROLES]);
        if (reason != PARA_OK) {
            return reason;
        }
    }

    if (lcf->requirements) {
        requirement = lcf->requirements->list.elts;

        for (i = 0; i < lcf->requirements->list.nelts; i++) {
            reason = ngx_http_para_auth_check_requirement(r, &requirement[i]);
            if (reason != PARA_OK) {
                return reason;
            }
        }
    }

    return PARA_OK;
}


static para_reason_e
ngx_http_para_auth_check_role(const ngx_http_para_auth_needs_t *roles,
    para_span_t list)
{
    ngx_uint_t                        i;
    para_reason_e                     reason;
    const ngx_http_para_auth_role_t  *role;

    role = roles->list.elts;

    for (i = 0; i < roles->list.nelts; i++) {
        reason = para_role_check(list, role[i].name, role[i].names);
        if (reason != PARA_OK) {
            return reason;
        }
    }

    return PARA_OK;
}


static para_reason_e
ngx_http_para_auth_check_requirement(ngx_http_request_t *r,
    const ngx_http_para_auth_requirement_t *requirement)
{
    ngx_uint_t        i;
    const ngx_int_t  *index;

    index = requirement->variables.elts;

    for (i = 0; i < requirement->variables.nelts; i++) {
        if (!ngx_http_para_auth_is_true(r, index[i])) {
            return requirement->reason;
        }
    }

    return PARA_OK;
}


/*
 * As "if" of nginx and its "access_log if=" have it, but a claim that is false
 * lets nobody in.
 */

static ngx_uint_t
ngx_http_para_auth_is_true(ngx_http_request_t *r, ngx_int_t index)
{
    ngx_http_variable_value_t  *vv;

    vv = ngx_http_get_flushed_variable(r, index);

    return vv && !vv->not_found && vv->len
           && !(vv->len == 1 && vv->data[0] == '0')
           && !(vv->len == 5 && ngx_strncmp(vv->data, "false", 5) == 0);
}
