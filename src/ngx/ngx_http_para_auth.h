/*
 * What the files of the glue share: the configuration, and the context of one
 * request.  Adapters do not know it.
 */

#ifndef NGX_HTTP_PARA_AUTH_H
#define NGX_HTTP_PARA_AUTH_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"
#include "../core/para_identity.h"
#include "../core/para_reason.h"
#include "../core/para_token.h"

#include "ngx_para_challenge.h"
#include "ngx_para_credential.h"
#include "ngx_para_headers.h"
#include "ngx_para_inject.h"
#include "ngx_para_keys.h"
#include "ngx_para_provider.h"
#include "ngx_para_upstream.h"
#include "ngx_para_verify.h"


#define NGX_HTTP_PARA_AUTH_JWT      0x01
#define NGX_HTTP_PARA_AUTH_SESSION  0x02


typedef enum {
    NGX_HTTP_PARA_AUTH_CACHE_NONE = 0,
    NGX_HTTP_PARA_AUTH_CACHE_HIT,
    NGX_HTTP_PARA_AUTH_CACHE_MISS,
    NGX_HTTP_PARA_AUTH_CACHE_WAIT
} ngx_http_para_auth_cache_e;


typedef struct {
    ngx_shm_zone_t             *zone;
    ngx_para_providers_t        providers;
    ngx_para_inject_names_t     names;        /* that no client may send */
    ngx_array_t                 shown;        /* variables of headers */
    para_digest_t              *digest;
} ngx_http_para_auth_main_conf_t;


typedef struct {
    ngx_array_t                 targets;      /* ngx_para_verify_target_t * */
    ngx_array_t                 marked;       /* ngx_http_para_auth_loc_conf_t *
                                                 that lead to Para */
    ngx_array_t                 protected;    /* ngx_http_para_auth_loc_conf_t *
                                                 that are not off */
} ngx_http_para_auth_srv_conf_t;


typedef struct {
    ngx_para_provider_t        *provider;     /* NULL: off */
    ngx_uint_t                  layers;       /* NGX_HTTP_PARA_AUTH_* */
    ngx_str_t                   name;         /* of provider, as written here */
    u_char                     *file;
    ngx_uint_t                  line;

    ngx_msec_t                  valid;
    ngx_msec_t                  negative;
    ngx_uint_t                  match;        /* para_match_e */

    void                      **loc_conf;     /* of all modules; if not off */

    ngx_para_credential_conf_t  credential;
    ngx_para_inject_conf_t      inject;

    ngx_para_upstream_t        *upstream;     /* marked: a way to Para */
    ngx_para_provider_t        *marked;       /* whose */

    ngx_para_verify_target_t   *target;       /* the way to Para from here */
    u_char                      policy[PARA_DIGEST_SIZE];
} ngx_http_para_auth_loc_conf_t;


/*
 * One client request.  Lives in a pool cleanup, because nginx zeroes the module
 * contexts on internal redirects.
 */

typedef struct {
    ngx_uint_t                            step;
    para_reason_e                         reason;
    unsigned                              decided:1;
    unsigned                              applied:1;   /* to the headers */

    /* the location whose policy let the request in, NULL: none did */
    const ngx_http_para_auth_loc_conf_t  *granted;

    para_span_t                           token;
    para_span_t                           session;
    u_char                                identity_key[PARA_DIGEST_SIZE];
    u_char                                session_key[PARA_DIGEST_SIZE];

    para_token_t                          verified;
    ngx_para_keys_wait_t                  keys;        /* newer ones */
    uint32_t                              keys_asked;  /* whose, by issuer */
    ngx_para_verify_t                     verify;
    ngx_str_t                             session_record;

    para_span_t                           field[PARA_ID_FIELDS];
    ngx_http_para_auth_cache_e            cache;
    time_t                                retry_after; /* s, of a 503 */

    ngx_para_headers_t                    client;      /* if applied */
    ngx_para_challenge_t                  challenge;
} ngx_http_para_auth_ctx_t;


extern ngx_module_t  ngx_http_para_auth_module;


/* Configuration: ngx_http_para_auth_conf.c */

void *ngx_http_para_auth_create_main_conf(ngx_conf_t *cf);
void *ngx_http_para_auth_create_srv_conf(ngx_conf_t *cf);
void *ngx_http_para_auth_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_para_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_para_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_para_auth_session_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_para_auth_init_servers(ngx_conf_t *cf);


/* The phases around access, the context: ngx_http_para_auth_request.c */

ngx_int_t ngx_http_para_auth_strip_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_rewrite_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_preaccess_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_para_auth_apply_handler(ngx_http_request_t *r);

/* The context of a main request, NULL if it has none yet. */
ngx_http_para_auth_ctx_t *ngx_http_para_auth_find_ctx(ngx_http_request_t *r);

/* The same, made if need be: NULL if memory is out. */
ngx_http_para_auth_ctx_t *ngx_http_para_auth_get_ctx(ngx_http_request_t *r);

/*
 * 1 if the location of this request has the identity: it let the request in
 * itself, or, for a subrequest, by the same policy its main request.
 */
ngx_uint_t ngx_http_para_auth_granted(ngx_http_request_t *r,
    const ngx_http_para_auth_ctx_t *ctx);

void ngx_http_para_auth_init_filters(void);


/*
 * The steps, in their order: ngx_http_para_auth_steps.c.  NGX_OK: the next one;
 * NGX_AGAIN: enter this one again when the request is woken; NGX_DONE: granted;
 * anything else: refused for ctx->reason.
 */

ngx_int_t ngx_http_para_auth_step_credential(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_cache(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_token(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_session(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);
ngx_int_t ngx_http_para_auth_step_identity(ngx_http_request_t *r,
    ngx_http_para_auth_loc_conf_t *lcf, ngx_http_para_auth_ctx_t *ctx);


/*
 * Refuses for ctx->reason, and returns the status to end the request with:
 * ngx_http_para_auth_deny.c
 */

ngx_int_t ngx_http_para_auth_deny(ngx_http_request_t *r,
    ngx_http_para_auth_ctx_t *ctx);


/* Variables: ngx_http_para_auth_variables.c */

ngx_int_t ngx_http_para_auth_add_variables(ngx_conf_t *cf);


/* Setter of para_auth_metrics: ngx_http_para_auth_metrics.c */

char *ngx_http_para_auth_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_PARA_AUTH_H */
