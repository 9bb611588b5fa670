#include "ngx_para_question.h"
#include "../core/para_session.h"
#include "../core/para_wallet.h"


typedef struct {
    ngx_str_t   name;
    ngx_str_t   path;
    ngx_uint_t  secret;
} ngx_para_endpoint_t;


static const ngx_para_endpoint_t  ngx_para_endpoints[NGX_PARA_ENDPOINTS] = {

    [NGX_PARA_VERIFY] = {
        ngx_string("verify"), ngx_string("/sessions/verify"), 1
    },
    [NGX_PARA_TOUCH] = {
        ngx_string("touch"), ngx_string("/touch?regenerate=false"), 0
    },
    [NGX_PARA_WALLETS] = {
        ngx_string("wallets"), ngx_string("/wallets/verify"), 1
    }
};


const ngx_str_t *
ngx_para_endpoint_name(ngx_para_endpoint_e endpoint)
{
    return &ngx_para_endpoints[endpoint].name;
}


const ngx_str_t *
ngx_para_endpoint_path(ngx_para_endpoint_e endpoint)
{
    return &ngx_para_endpoints[endpoint].path;
}


ngx_uint_t
ngx_para_endpoint_secret(ngx_para_endpoint_e endpoint)
{
    return ngx_para_endpoints[endpoint].secret;
}


ngx_para_endpoint_e
ngx_para_endpoint_find(const ngx_str_t *name)
{
    ngx_uint_t        i;
    const ngx_str_t  *known;

    for (i = 0; i < NGX_PARA_ENDPOINTS; i++) {
        known = &ngx_para_endpoints[i].name;

        if (known->len == name->len
            && ngx_strncmp(known->data, name->data, name->len) == 0)
        {
            break;
        }
    }

    return i;
}


/* One with room for a body. */

static ngx_int_t
ngx_para_question_body(ngx_pool_t *pool, ngx_para_question_t *question,
    ngx_para_endpoint_e endpoint, size_t room)
{
    ngx_memzero(question, sizeof(ngx_para_question_t));

    question->endpoint = endpoint;
    question->body.data = ngx_pnalloc(pool, room);

    return question->body.data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_para_question_verify(ngx_pool_t *pool, ngx_para_question_t *question,
    para_span_t token)
{
    if (ngx_para_question_body(pool, question, NGX_PARA_VERIFY,
                               PARA_SESSION_BODY_MAX)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    question->body.len = para_session_verify_body(question->body.data, token);

    return question->body.len ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_para_question_touch(ngx_pool_t *pool, ngx_para_question_t *question,
    para_span_t cookie)
{
    ngx_memzero(question, sizeof(ngx_para_question_t));

    question->endpoint = NGX_PARA_TOUCH;

    question->cookie.data = ngx_pnalloc(pool, cookie.len);
    if (question->cookie.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(question->cookie.data, cookie.data, cookie.len);
    question->cookie.len = cookie.len;

    return NGX_OK;
}


ngx_int_t
ngx_para_question_wallet(ngx_pool_t *pool, ngx_para_question_t *question,
    para_span_t address)
{
    if (ngx_para_question_body(pool, question, NGX_PARA_WALLETS,
                               PARA_WALLET_BODY_MAX)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    question->body.len = para_wallet_body(question->body.data, address);

    return question->body.len ? NGX_OK : NGX_ERROR;
}
