/*
 * para_auth_assertion: who signs identities, with what and for whom, as it is
 * written in the configuration, and what of that cannot work.
 */

#include "ngx_http_para_auth.h"
#include "ngx_para_file.h"
#include "../core/para_private_key.h"


#define NGX_HTTP_PARA_AUTH_ASSERTION_TTL  30        /* s */
#define NGX_HTTP_PARA_AUTH_ASSERTION_MIN  2
#define NGX_HTTP_PARA_AUTH_ASSERTION_MAX  3600


/* The directive as it is written. */

typedef struct {
    ngx_array_t                  keys;        /* ngx_str_t: names of files */
    ngx_str_t                    header;
    ngx_str_t                    ttl;
    ngx_str_t                    audience;
    ngx_str_t                    issuer;
} ngx_http_para_auth_assertion_args_t;


static char *ngx_http_para_auth_assertion_args(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_args_t *args);
static char *ngx_http_para_auth_assertion_arg(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_args_t *args, ngx_str_t *value);
static ngx_str_t *ngx_http_para_auth_assertion_slot(
    ngx_http_para_auth_assertion_args_t *args, const ngx_str_t *value,
    size_t *len);
static char *ngx_http_para_auth_assertion_ttl(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_t *assertion, ngx_str_t *value);
static char *ngx_http_para_auth_assertion_name(ngx_conf_t *cf,
    const char *parameter, const ngx_str_t *value, para_span_t *name);
static char *ngx_http_para_auth_assertion_policy(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_t *assertion,
    ngx_http_para_auth_assertion_args_t *args);
static ngx_int_t ngx_http_para_auth_assertion_keys(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_assertion_t *assertion, ngx_array_t *files);
static para_private_key_t *ngx_http_para_auth_read_private_key(ngx_conf_t *cf,
    ngx_str_t *file);
static void ngx_http_para_auth_free_private_key(void *data);


char *
ngx_http_para_auth_assertion(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_para_auth_loc_conf_t *lcf = conf;

    char                                 *rv;
    ngx_str_t                            *value;
    ngx_http_para_auth_main_conf_t       *mcf;
    ngx_http_para_auth_assertion_t       *assertion;
    ngx_http_para_auth_assertion_args_t   args;

    if (lcf->assertion != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            return "takes nothing beside \"off\"";
        }

        lcf->assertion = NULL;
        return NGX_CONF_OK;
    }

    assertion = ngx_pcalloc(cf->pool, sizeof(ngx_http_para_auth_assertion_t));

    if (assertion == NULL
        || ngx_http_para_auth_note(cf, &assertion->place, cmd,
                                   "has nobody to speak of: there is no "
                                   "\"para_auth\" where it applies")
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    lcf->assertion = assertion;

    rv = ngx_http_para_auth_assertion_args(cf, &args);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    rv = ngx_para_inject_name(cf, &mcf->names, &assertion->header,
                              &args.header);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_para_auth_assertion_keys(cf, mcf, assertion, &args.keys)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_para_auth_assertion_policy(cf, assertion, &args);
}


static char *
ngx_http_para_auth_assertion_args(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_args_t *args)
{
    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    ngx_memzero(args, sizeof(ngx_http_para_auth_assertion_args_t));

    /* room for as many as there can be */

    if (ngx_array_init(&args->keys, cf->pool, cf->args->nelts,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_para_auth_assertion_arg(cf, args, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (args->keys.nelts == 0) {
        return "needs a key to sign with: \"key=file\", a private key in PEM";
    }

    if (args->audience.data == NULL) {
        return "needs \"audience=name\", the application that it is for: "
               "without one, whoever gets it could show it to another";
    }

    if (args->header.data == NULL) {
        ngx_str_set(&args->header, "X-Para-Assertion");
    }

    if (args->issuer.data == NULL) {
        ngx_str_set(&args->issuer, "para-auth");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_para_auth_assertion_arg(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_args_t *args, ngx_str_t *value)
{
    size_t      len;
    ngx_str_t  *arg;

    arg = ngx_http_para_auth_assertion_slot(args, value, &len);

    if (arg == NULL || value->len == len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it is \"key=file\", "
                           "\"audience=name\", \"issuer=name\", "
                           "\"header=name\" or \"ttl=time\"", value);
        return NGX_CONF_ERROR;
    }

    if (arg->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%*s\" is there twice",
                           len, value->data);
        return NGX_CONF_ERROR;
    }

    arg->data = value->data + len;
    arg->len = value->len - len;

    return NGX_CONF_OK;
}


/* Where a parameter belongs, by its name of *len bytes; NULL: nowhere. */

static ngx_str_t *
ngx_http_para_auth_assertion_slot(ngx_http_para_auth_assertion_args_t *args,
    const ngx_str_t *value, size_t *len)
{
    ngx_str_t   *arg;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t  name;
        size_t     offset;
    } known[] = {
        { ngx_string("header="),
          offsetof(ngx_http_para_auth_assertion_args_t, header) },
        { ngx_string("ttl="),
          offsetof(ngx_http_para_auth_assertion_args_t, ttl) },
        { ngx_string("audience="),
          offsetof(ngx_http_para_auth_assertion_args_t, audience) },
        { ngx_string("issuer="),
          offsetof(ngx_http_para_auth_assertion_args_t, issuer) },
        { ngx_null_string, 0 }
    };

    if (ngx_strncmp(value->data, "key=", 4) == 0) {
        *len = 4;
        arg = ngx_array_push(&args->keys);

        if (arg) {
            ngx_str_null(arg);
        }

        return arg;
    }

    for (i = 0; known[i].name.len; i++) {

        *len = known[i].name.len;

        if (ngx_strncmp(value->data, known[i].name.data, *len) == 0) {
            return (ngx_str_t *) ((char *) args + known[i].offset);
        }
    }

    return NULL;
}


static char *
ngx_http_para_auth_assertion_ttl(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_t *assertion, ngx_str_t *value)
{
    ngx_int_t  ttl;

    if (value->data == NULL) {
        assertion->policy.ttl = NGX_HTTP_PARA_AUTH_ASSERTION_TTL;
        return NGX_CONF_OK;
    }

    ttl = ngx_parse_time(value, 1);

    if (ttl == NGX_ERROR || ttl < NGX_HTTP_PARA_AUTH_ASSERTION_MIN
        || ttl > NGX_HTTP_PARA_AUTH_ASSERTION_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ttl=%V\" is no time for what nobody can take "
                           "back: give one from %ds to %ds, as \"30s\"", value,
                           NGX_HTTP_PARA_AUTH_ASSERTION_MIN,
                           NGX_HTTP_PARA_AUTH_ASSERTION_MAX);
        return NGX_CONF_ERROR;
    }

    assertion->policy.ttl = ttl;

    return NGX_CONF_OK;
}


/* Who speaks, and to whom: the same for everybody. */

static char *
ngx_http_para_auth_assertion_name(ngx_conf_t *cf, const char *parameter,
    const ngx_str_t *value, para_span_t *name)
{
    *name = para_span(value->data, value->len);

    if (para_assertion_name_valid(*name)
        && ngx_strlchr(value->data, value->data + value->len, '$') == NULL)
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s=%V\" is no name: give a text in UTF-8, without "
                       "control characters and variables, as \"%s=billing\"",
                       parameter, value, parameter);

    return NGX_CONF_ERROR;
}


/* What is kept under the digest of one policy is of no use to another. */

static char *
ngx_http_para_auth_assertion_policy(ngx_conf_t *cf,
    ngx_http_para_auth_assertion_t *assertion,
    ngx_http_para_auth_assertion_args_t *args)
{
    para_span_t                      part[4];
    para_assertion_policy_t         *policy;
    ngx_http_para_auth_main_conf_t  *mcf;

    policy = &assertion->policy;

    if (ngx_http_para_auth_assertion_ttl(cf, assertion, &args->ttl)
        != NGX_CONF_OK
        || ngx_http_para_auth_assertion_name(cf, "issuer", &args->issuer,
                                             &policy->issuer)
           != NGX_CONF_OK
        || ngx_http_para_auth_assertion_name(cf, "audience", &args->audience,
                                             &policy->audience)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    part[0] = para_private_key_kid(policy->key);
    part[1] = policy->issuer;
    part[2] = policy->audience;
    part[3] = para_span(&policy->ttl, sizeof(int64_t));

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_para_auth_module);

    if (!para_digest_key(mcf->digest, assertion->digest, part, 4)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "SHA-256 failed");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* All are published; the first signs. */

static ngx_int_t
ngx_http_para_auth_assertion_keys(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf,
    ngx_http_para_auth_assertion_t *assertion, ngx_array_t *files)
{
    ngx_str_t           *file;
    ngx_uint_t           i;
    para_private_key_t  *key, **slot;

    file = files->elts;

    for (i = 0; i < files->nelts; i++) {

        key = ngx_http_para_auth_read_private_key(cf, &file[i]);
        if (key == NULL) {
            return NGX_ERROR;
        }

        slot = ngx_array_push(&mcf->signing_keys);
        if (slot == NULL) {
            return NGX_ERROR;
        }

        *slot = key;

        if (i == 0) {
            assertion->policy.key = key;
        }
    }

    return NGX_OK;
}


static para_private_key_t *
ngx_http_para_auth_read_private_key(ngx_conf_t *cf, ngx_str_t *file)
{
    ngx_str_t            text;
    const char          *why;
    para_private_key_t  *key;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (ngx_para_file_read(cf, file, PARA_PRIVATE_KEY_MAX, &text, NULL)
        != NGX_OK)
    {
        return NULL;
    }

    key = para_private_key_parse(para_span(text.data, text.len), &why);

    ngx_explicit_memzero(text.data, text.len);

    if (key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key \"%V\": %s", file, why);
        return NULL;
    }

    cln->handler = ngx_http_para_auth_free_private_key;
    cln->data = key;

    return key;
}


static void
ngx_http_para_auth_free_private_key(void *data)
{
    para_private_key_free(data);
}


ngx_int_t
ngx_http_para_auth_check_assertion(ngx_conf_t *cf,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_para_auth_assertion_t  *assertion;

    assertion = lcf->assertion;

    if (assertion == NULL) {
        return NGX_OK;
    }

    assertion->place.used = 1;

    if (!ngx_para_inject_sends(&lcf->inject, &assertion->header.folded)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "para_auth_assertion in %s:%ui: header \"%V\" is one that "
                  "para_auth_header sends already, name another with "
                  "\"header=\"", assertion->place.file, assertion->place.line,
                  &assertion->header.key);

    return NGX_ERROR;
}
