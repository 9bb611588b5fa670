/*
 * One Para app and whose JWTs it takes: the para_auth_provider block.
 */

#ifndef NGX_PARA_PROVIDER_H
#define NGX_PARA_PROVIDER_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_digest.h"
#include "../core/para_token.h"

#include "ngx_para_issuer.h"
#include "ngx_para_revoke.h"


/*
 * The blocks' own contexts, as bits that nginx does not use.  Inside them every
 * slot of the server configuration is the provider, every slot of the location
 * configuration the issuer: NGX_HTTP_SRV_CONF_OFFSET and _LOC_CONF_OFFSET.
 */
#define NGX_PARA_PROVIDER_CONF  0x00100000
#define NGX_PARA_ISSUER_CONF    0x00200000


typedef struct {
    ngx_str_t                  name;
    ngx_str_t                  api;         /* base URL, no slash at its end */
    ngx_str_t                  host;        /* of api, without the port */
    in_port_t                  port;
    ngx_uint_t                 no_port;     /* of its own in api */
    ngx_uint_t                 tls;         /* unsigned  tls:1; */

    ngx_str_t                  secret_key_file;
    ngx_str_t                  secret_key;  /* kept out of core dumps */

    ngx_str_t                  public_key;  /* API key, for exported sessions */

    time_t                     renew_window;    /* s since a JWT expired, for
                                                   which its session is asked
                                                   about; 0: it is not */

    ngx_para_issuer_t          para;        /* Para as a signer */
    ngx_flag_t                 para_issuer;
    ngx_array_t                own;         /* of ngx_para_issuer_t * */

    ngx_str_t                  state_path;
    ngx_para_revoke_t         *revoke;      /* NULL: nobody can be ended */
    ngx_shm_zone_t            *decisions;   /* counters of them */

    const para_issuer_t      **issuers;     /* those that count */
    ngx_para_keys_t          **sources;     /* of their keys; NULL: a file */
    ngx_uint_t                 nissuers;

    /* what a cached identity, and a cached session, depends on */
    u_char                     token_policy[PARA_DIGEST_SIZE];
    u_char                     session_policy[PARA_DIGEST_SIZE];
} ngx_para_provider_t;


typedef struct {
    ngx_array_t                list;        /* of ngx_para_provider_t * */
    ngx_array_t                sources;     /* of ngx_para_keys_t *: each key
                                               set by URL once */
} ngx_para_providers_t;


/* None yet.  NGX_OK, NGX_ERROR if memory is out. */
ngx_int_t ngx_para_providers_init(ngx_conf_t *cf,
    ngx_para_providers_t *providers);

/*
 * Setter of the block; cmd->offset leads to ngx_para_providers_t, cmd->post is
 * the tag of zones.
 */
char *ngx_para_provider_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Setters inside it. */
char *ngx_para_provider_environment(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_para_provider_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_para_provider_issuer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_para_provider_state_path(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* NULL if there is none of that name. */
ngx_para_provider_t *ngx_para_provider_find(
    const ngx_para_providers_t *providers, const ngx_str_t *name);


/*
 * Shared by ngx_para_provider*.c: reads and checks the API keys that there are.
 * Says itself what is wrong with them.
 */
char *ngx_para_provider_api_keys(ngx_conf_t *cf,
    ngx_para_provider_t *provider);


#endif /* NGX_PARA_PROVIDER_H */
