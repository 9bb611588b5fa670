/*
 * The two credentials of a request: where they are looked for, and their
 * removal, so that no upstream sees them.
 */

#ifndef NGX_PARA_CREDENTIAL_H
#define NGX_PARA_CREDENTIAL_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_reason.h"
#include "../core/para_span.h"


typedef struct {
    ngx_array_t  *token;      /* of sources, in order; NULL until merged */
    ngx_array_t  *session;
    unsigned      forms;      /* PARA_FORM_* of sessions that are taken; the
                                 glue fills it in */
    unsigned      bearer:1;   /* is a source */
    unsigned      cookies:1;  /* are among the sources */
} ngx_para_credential_conf_t;


/*
 * Setter of para_auth_token and para_auth_session_token.  cmd->offset leads to
 * the array; cmd->post is non-NULL where "bearer" is a source.
 */
char *ngx_para_credential_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

char *ngx_para_credential_merge(ngx_conf_t *cf,
    ngx_para_credential_conf_t *prev, ngx_para_credential_conf_t *conf);

/*
 * Finds the JWT or the session credential in a header list.  *value points
 * into the request; *form is which of the forms that are taken it has.  PARA_OK
 * or a PARA_TOKEN_* or PARA_SESSION_*: missing, ambiguous, malformed.
 */
para_reason_e ngx_para_credential_token(const ngx_para_credential_conf_t *conf,
    const ngx_list_t *headers, para_span_t *value);
para_reason_e ngx_para_credential_session(
    const ngx_para_credential_conf_t *conf, const ngx_list_t *headers,
    para_span_t *value, unsigned *form);

/* The folded name of the i-th source that is a header, NULL past the end. */
const ngx_str_t *ngx_para_credential_header(
    const ngx_para_credential_conf_t *conf, ngx_uint_t i);

/*
 * For ngx_para_headers_edit(), data is the conf: drops every header and every
 * cookie that is a source; Authorization only if its scheme is Bearer.
 */
ngx_int_t ngx_para_credential_remove(ngx_http_request_t *r,
    ngx_table_elt_t *h, void *data);


#endif /* NGX_PARA_CREDENTIAL_H */
