#include "ngx_para_challenge.h"


typedef struct {
    ngx_int_t   status;
    ngx_str_t   authenticate;       /* empty: no challenge */
} ngx_para_challenge_row_t;


static ngx_table_elt_t *ngx_para_challenge_header(ngx_http_request_t *r,
    char *name, const ngx_str_t *value);
static ngx_int_t ngx_para_challenge_authenticate(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *value);
static ngx_int_t ngx_para_challenge_retry_after(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, time_t seconds);


#define NGX_PARA_REALM  "Bearer realm=\"para\""

#define NGX_PARA_INVALID_REQUEST                                              \
    ngx_string(NGX_PARA_REALM ", error=\"invalid_request\"")
#define NGX_PARA_INVALID_TOKEN                                                \
    ngx_string(NGX_PARA_REALM ", error=\"invalid_token\"")
#define NGX_PARA_INSUFFICIENT_SCOPE                                           \
    ngx_string(NGX_PARA_REALM ", error=\"insufficient_scope\"")
#define NGX_PARA_EXPIRED(what)                                                \
    ngx_string(NGX_PARA_REALM ", error=\"invalid_token\", "                   \
               "error_description=\"" what " expired\"")


/*
 * A code without a row ends the request with 500: internal errors, and one
 * that was forgotten here.
 */

static const ngx_para_challenge_row_t  ngx_para_challenge_rows[PARA_CODES] = {

    [PARA_CODE_TOKEN_MISSING] = {
        NGX_HTTP_UNAUTHORIZED, ngx_string(NGX_PARA_REALM)
    },
    [PARA_CODE_SESSION_MISSING] = {
        NGX_HTTP_UNAUTHORIZED, ngx_string(NGX_PARA_REALM)
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
        ngx_string(NGX_PARA_REALM ", error=\"invalid_request\", "
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
    }
};


ngx_int_t
ngx_para_challenge_send(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, para_code_e code, time_t retry_after)
{
    const ngx_para_challenge_row_t  *row;

    ngx_para_challenge_withdraw(challenge);

    row = &ngx_para_challenge_rows[code];

    if (row->status == 0) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (row->authenticate.len
        && ngx_para_challenge_authenticate(r, challenge, &row->authenticate)
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
    if (challenge->www_authenticate) {
        challenge->www_authenticate->hash = 0;
        challenge->www_authenticate = NULL;
    }

    if (challenge->retry_after) {
        challenge->retry_after->hash = 0;
        challenge->retry_after = NULL;
    }
}


static ngx_table_elt_t *
ngx_para_challenge_header(ngx_http_request_t *r, char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return h;
}


static ngx_int_t
ngx_para_challenge_authenticate(ngx_http_request_t *r,
    ngx_para_challenge_t *challenge, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_para_challenge_header(r, "WWW-Authenticate", value);
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

    challenge->retry_after = ngx_para_challenge_header(r, "Retry-After",
                                                       &value);

    return challenge->retry_after ? NGX_OK : NGX_ERROR;
}
