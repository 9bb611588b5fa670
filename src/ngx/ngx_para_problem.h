/*
 * The JSON body of a refusal (RFC 9457), in place of the page that nginx makes
 * of its status.  Only that page: an operator's error page, another status', or
 * what anybody else sends, is none of it.
 */

#ifndef NGX_PARA_PROBLEM_H
#define NGX_PARA_PROBLEM_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_reason.h"


/* Of a request; zeroed: none is expected. */

typedef struct {
    ngx_uint_t     status;            /* of the refusal; 0: none */
    para_code_e    code;
    const char    *renew;             /* NULL: nothing to be renewed */

    unsigned       taken:1;           /* it is what is being sent */
    unsigned       sent:1;
    ngx_chain_t    out;               /* if taken */
} ngx_para_problem_t;


/* The request is refused so; the next page of this status is for it. */
void ngx_para_problem_expect(ngx_para_problem_t *problem, ngx_uint_t status,
    para_code_e code, const char *renew);

/* It is redirected: what page it gets is another's affair. */
void ngx_para_problem_withdraw(ngx_para_problem_t *problem);

/*
 * Of the header filter: puts its own type and length in place of the page's.
 * Without memory the page stays.
 */
void ngx_para_problem_header(ngx_http_request_t *r,
    ngx_para_problem_t *problem);

/* Of the body filter, if taken: what is to be sent in place of in, or NULL. */
ngx_chain_t *ngx_para_problem_body(ngx_para_problem_t *problem,
    ngx_chain_t *in);


#endif /* NGX_PARA_PROBLEM_H */
