#include "ngx_para_challenge.h"


typedef struct {
    ngx_int_t   status;
    ngx_str_t   parameters;         /* of the challenge, after the realm */
} ngx_para_challenge_row_t;


static ngx_table_elt_t *ngx_para_challenge_header(ngx_http_request_t *r,
    const ngx_str_t *name, const ngx_str_t *value);
static ngx_int_t ngx_para_challenge_authenticate(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *realm,
    const ngx_str_t *parameters);
static ngx_int_t ngx_para_challenge_retry_after(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, time_t seconds);
static void ngx_para_challenge_take_back(ngx_table_elt_t **h,
    const ngx_str_t *name);


static const ngx_str_t  ngx_para_challenge_www_authenticate =
    ngx_string("WWW-Authenticate");
static const ngx_str_t  ngx_para_challenge_retry_after_name =
    ngx_string("Retry-After");
static const ngx_str_t  ngx_para_challenge_cache_control =
    ngx_string("Cache-Control");


#define NGX_PARA_INVALID_REQUEST                                              \
    ngx_string(", error=\"invalid_request\"")
#define NGX_PARA_INVALID_TOKEN                                                \
    ngx_string(", error=\"invalid_token\"")
#define NGX_PARA_INSUFFICIENT_SCOPE                                           \
    ngx_string(", error=\"insufficient_scope\"")
#define NGX_PARA_EXPIRED(what)                                                \
    ngx_string(", error=\"invalid_token\", error_description=\"" what         \
               " expired\"")


/* A code without a row, one that was forgotten here, is an internal error. */

static const ngx_para_challenge_row_t  ngx_para_challenge_rows[PARA_CODES] = {

    [PARA_CODE_TOKEN_MISSING] = {
        NGX_HTTP_UNAUTHORIZED, ngx_null_string
    },
    [PARA_CODE_SESSION_MISSING] = {
        NGX_HTTP_UNAUTHORIZED, ngx_null_string
    },
    [PARA_CODE_TOKEN_AMBIGUOUS] = {
        NGX_HTTP_BAD_REQUEST, NGX_PARA_INVALID_REQUEST
    },
    [PARA_CODE_TOKEN_MALFORMED] = {
        NGX_HTTP_BAD_REQUEST, NGX_PARA_INVALID_REQUEST
    },
    [PARA_CODE_SESSION_MALFORMED] = {
        NGX_HTTP_BAD_REQUEST, NGX_PARA_INVALID_REQUEST
    },
    [PARA_CODE_SESSION_HAS_SIGNER] = {
        NGX_HTTP_BAD_REQUEST,
        ngx_string(", error=\"invalid_request\", "
                   "error_description=\"the session holds a share of the "
                   "user's key: export it with excludeSigners, or send a "
                   "verification token\"")
    },
    [PARA_CODE_TOKEN_INVALID] = {
        NGX_HTTP_UNAUTHORIZED, NGX_PARA_INVALID_TOKEN
    },
    [PARA_CODE_TOKEN_EXPIRED] = {
        NGX_HTTP_UNAUTHORIZED, NGX_PARA_EXPIRED("token")
    },
    [PARA_CODE_SESSION_EXPIRED] = {
        NGX_HTTP_UNAUTHORIZED, NGX_PARA_EXPIRED("session")
    },
    [PARA_CODE_IDENTITY_MISMATCH] = {
        NGX_HTTP_UNAUTHORIZED, NGX_PARA_INVALID_TOKEN
    },
    [PARA_CODE_ROLE_MISSING] = {
        NGX_HTTP_FORBIDDEN, NGX_PARA_INSUFFICIENT_SCOPE
    },
    [PARA_CODE_WALLET_MISSING] = {
        NGX_HTTP_FORBIDDEN, NGX_PARA_INSUFFICIENT_SCOPE
    },
    [PARA_CODE_REQUIREMENT_UNMET] = {
        NGX_HTTP_FORBIDDEN, NGX_PARA_INSUFFICIENT_SCOPE
    },
    [PARA_CODE_REQUIREMENT_LOGIN] = {
        NGX_HTTP_UNAUTHORIZED, NGX_PARA_INVALID_TOKEN
    },
    [PARA_CODE_PARA_UNAVAILABLE] = {
        NGX_HTTP_SERVICE_UNAVAILABLE, ngx_null_string
    },
    [PARA_CODE_KEYS_UNAVAILABLE] = {
        NGX_HTTP_SERVICE_UNAVAILABLE, ngx_null_string
    },
    [PARA_CODE_INTERNAL_ERROR] = {
        NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_null_string
    }
};


char *
ngx_para_challenge_realm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    size_t      i;
    u_char      ch;
    ngx_str_t  *realm, *value;

    realm = (ngx_str_t *) ((char *) conf + cmd->offset);

    if (realm->data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        ch = value[1].data[i];

        if (ch < ' ' || ch == 0x7f || ch == '"' || ch == '\\' || ch == '$') {
            break;
        }
    }

    if (value[1].len == 0 || i < value[1].len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"para_auth_realm\" takes a text that is not "
                           "empty, without quotes, backslashes, control "
                           "characters and variables, as \"para_auth_realm "
                           "para;\"");
        return NGX_CONF_ERROR;
    }

    *realm = value[1];

    return NGX_CONF_OK;
}


ngx_int_t
ngx_para_challenge_send(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *realm, para_code_e code,
    time_t retry_after)
{
    const ngx_para_challenge_row_t  *row;

    static const ngx_str_t  no_store = ngx_string("no-store");

    ngx_para_challenge_withdraw(challenge);

    row = &ngx_para_challenge_rows[code];

    if (row->status == 0) {
        row = &ngx_para_challenge_rows[PARA_CODE_INTERNAL_ERROR];
    }

    /*
     * Not known to nginx as r->headers_out.cache_control: "expires" of an error
     * page would write over it, and could not be taken back with it.
     */

    challenge->cache_control = ngx_para_challenge_header(r,
                                 &ngx_para_challenge_cache_control, &no_store);

    if (challenge->cache_control == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (row->status < NGX_HTTP_INTERNAL_SERVER_ERROR
        && ngx_para_challenge_authenticate(r, challenge, realm,
                                           &row->parameters)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (row->status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_para_challenge_retry_after(r, challenge, retry_after) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return row->status;
}


void
ngx_para_challenge_withdraw(ngx_para_challenge_t *challenge)
{
    ngx_para_challenge_take_back(&challenge->www_authenticate,
                                 &ngx_para_challenge_www_authenticate);
    ngx_para_challenge_take_back(&challenge->retry_after,
                                 &ngx_para_challenge_retry_after_name);
    ngx_para_challenge_take_back(&challenge->cache_control,
                                 &ngx_para_challenge_cache_control);
}


/* A filter that begins anew has the list emptied: another's may stand there. */

static void
ngx_para_challenge_take_back(ngx_table_elt_t **h, const ngx_str_t *name)
{
    if (*h && (*h)->key.data == name->data) {
        (*h)->hash = 0;
    }

    *h = NULL;
}


static ngx_table_elt_t *
ngx_para_challenge_header(ngx_http_request_t *r, const ngx_str_t *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    h->hash = 1;
    h->key = *name;
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return h;
}


static ngx_int_t
ngx_para_challenge_authenticate(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *realm,
    const ngx_str_t *parameters)
{
    u_char           *p;
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    p = ngx_pnalloc(r->pool, sizeof("Bearer realm=\"\"") - 1 + realm->len
                             + parameters->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "Bearer realm=\"%V\"%V", realm, parameters) - p;

    h = ngx_para_challenge_header(r, &ngx_para_challenge_www_authenticate,
                                  &value);
    if (h == NULL) {
        return NGX_ERROR;
    }

    challenge->www_authenticate = h;

    /* with "satisfy any" auth_basic has its challenge here too: keep both */

#if (nginx_version >= 1023000)
    h->next = r->headers_out.www_authenticate;
#endif

    r->headers_out.www_authenticate = h;

    return NGX_OK;
}


static ngx_int_t
ngx_para_challenge_retry_after(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, time_t seconds)
{
    u_char     *p;
    ngx_str_t   value;

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "%T", seconds) - p;

    challenge->retry_after = ngx_para_challenge_header(r,
                                 &ngx_para_challenge_retry_after_name, &value);

    return challenge->retry_after ? NGX_OK : NGX_ERROR;
}
