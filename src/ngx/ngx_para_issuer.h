/*
 * A signer of JWTs: Para itself, or an issuer block of the operator's.
 */

#ifndef NGX_PARA_ISSUER_H
#define NGX_PARA_ISSUER_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_digest.h"
#include "../core/para_token.h"

#include "ngx_para_keys.h"


/* A signer under construction; ->issuer is what the core works with. */

typedef struct {
    para_issuer_t    issuer;
    ngx_str_t        iss;
    ngx_str_t        key_file;
    ngx_str_t        hmac_key_file;
    ngx_str_t        jwks_uri;
    ngx_str_t        trusted_certificate;
    ngx_msec_t       refresh;           /* of the keys by URL, as the next */
    ngx_msec_t       cooldown;
    time_t           max_stale;         /* seconds */
    ngx_para_keys_t *source;            /* of the keys; NULL: a file */
    const char      *weak;              /* what is wrong with the secret of
                                           hmac_key_file; NULL: nothing shows */
    ngx_array_t     *audience;          /* of para_span_t, as the next two */
    ngx_array_t     *typ;
    ngx_array_t     *required;
    ngx_flag_t       any_audience;
    ngx_flag_t       require_exp;
    ngx_uint_t       algorithms;        /* PARA_ALG_*, 0: not configured */
    time_t           leeway;            /* seconds */
    time_t           max_age;           /* seconds, UNSET: any */
} ngx_para_issuer_t;


/* One of that name of which nothing is configured; *pi is zeroed. */
void ngx_para_issuer_init(ngx_para_issuer_t *pi, const ngx_str_t *name,
    para_issuer_kind_e kind);

/* Setters inside the block; conf is the issuer: ngx_para_issuer_conf.c */
char *ngx_para_issuer_audience(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_para_issuer_algorithms(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_para_issuer_claim(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_para_issuer_typ(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_para_issuer_require_claim(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* NGX_OK for a path to a claim; else NGX_ERROR, and it is logged. */
ngx_int_t ngx_para_issuer_check_path(ngx_conf_t *cf, const ngx_str_t *path);


/* Whose issuer it is, for ngx_para_issuer_done(). */

typedef struct {
    ngx_str_t                 provider;     /* its name */
    ngx_str_t                 state_path;   /* empty: none */
    const ngx_para_issuer_t  *defaults;     /* what the provider says for all
                                               of its issuers */
    ngx_array_t              *sources;      /* of all: ngx_para_keys_t * */
    void                     *tag;          /* of zones */
} ngx_para_issuer_owner_t;


/*
 * Reads the keys, or sees to it that they are fetched, and completes ->issuer
 * when all is configured.
 */
char *ngx_para_issuer_done(ngx_conf_t *cf, ngx_para_issuer_t *pi,
    const ngx_para_issuer_owner_t *owner);

/* All that a token's verdict depends on; 0 if OpenSSL failed. */
int ngx_para_issuer_digest(para_digest_t *digest, const para_issuer_t *issuer,
    u_char out[PARA_DIGEST_SIZE]);


#endif /* NGX_PARA_ISSUER_H */
