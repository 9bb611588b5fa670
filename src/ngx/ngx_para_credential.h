/*
 * The two credentials of a request: where they are looked for, and their
 * removal, so that no upstream sees them unless it is to.
 */

#ifndef NGX_PARA_CREDENTIAL_H
#define NGX_PARA_CREDENTIAL_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_reason.h"
#include "../core/para_span.h"


typedef enum {
    NGX_PARA_SOURCE_BEARER,
    NGX_PARA_SOURCE_HEADER,
    NGX_PARA_SOURCE_COOKIE,
    NGX_PARA_SOURCE_VARIABLE
} ngx_para_source_e;


typedef struct {
    ngx_para_source_e   kind;
    ngx_str_t           name;       /* folded header name, cookie name, or the
                                       variable as it is written */
    ngx_int_t           index;      /* of the variable */

    /* where it is written; NULL: it is a default */

    const ngx_str_t    *directive;
    u_char             *file;
    ngx_uint_t          line;
} ngx_para_source_t;


typedef struct {
    ngx_array_t  *token;      /* ngx_para_source_t, in order; NULL until
                                 merged */
    ngx_array_t  *session;
    ngx_flag_t    forward;    /* nothing is removed */
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

/* Where neither says anything, a level looks where all do by default. */
char *ngx_para_credential_merge(ngx_conf_t *cf,
    ngx_para_credential_conf_t *prev, ngx_para_credential_conf_t *conf);

/*
 * Finds the JWT or the session credential of a main request.  *value lives as
 * long as the request; *form is which of the forms that are taken it has.
 * PARA_OK or a PARA_TOKEN_* or PARA_SESSION_*: missing, ambiguous, malformed.
 */
para_reason_e ngx_para_credential_token(ngx_http_request_t *r,
    const ngx_para_credential_conf_t *conf, para_span_t *value);
para_reason_e ngx_para_credential_session(ngx_http_request_t *r,
    const ngx_para_credential_conf_t *conf, para_span_t *value,
    unsigned *form);

/* The folded name of the i-th source that is a header, NULL past the end. */
const ngx_str_t *ngx_para_credential_header(
    const ngx_para_credential_conf_t *conf, ngx_uint_t i);

/*
 * A source that would stay in the request although credentials are to be
 * removed from it: NULL if there is none.
 */
const ngx_para_source_t *ngx_para_credential_left(
    const ngx_para_credential_conf_t *conf);

/*
 * For ngx_para_headers_edit(), data is the conf: drops every header and every
 * cookie that is a source, unless they are to be forwarded; Authorization only
 * if its scheme is Bearer.
 */
ngx_int_t ngx_para_credential_remove(ngx_http_request_t *r,
    ngx_table_elt_t *h, const void *data);


/* Shared by ngx_para_credential*.c */

extern const ngx_str_t  ngx_para_authorization;
extern const ngx_str_t  ngx_para_cookie;

/* The i-th source of a kind, of both credentials, or NULL. */
const ngx_para_source_t *ngx_para_credential_source(
    const ngx_para_credential_conf_t *conf, ngx_para_source_e kind,
    ngx_uint_t i);

/* 1 if the value of an Authorization header is of that scheme. */
ngx_uint_t ngx_para_bearer(const ngx_table_elt_t *h);


#endif /* NGX_PARA_CREDENTIAL_H */
