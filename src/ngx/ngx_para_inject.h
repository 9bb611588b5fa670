/*
 * Identity headers: look-alikes of the client out, the verified ones in.
 */

#ifndef NGX_PARA_INJECT_H
#define NGX_PARA_INJECT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/para_identity.h"


/*
 * The union of the names of all levels, folded: what no client may send.  The
 * lengths are a filter that spares most headers the comparison.
 */

typedef struct {
    ngx_array_t   names;      /* of ngx_str_t */
    uint64_t      lengths;    /* bit n: there is a name of n % 64 characters */
} ngx_para_inject_names_t;


typedef struct {
    ngx_array_t  *headers;    /* ngx_para_inject_header_t; NULL until merged */
} ngx_para_inject_conf_t;


/* The name of a header to send. */

typedef struct {
    ngx_str_t     key;            /* as configured */
    ngx_str_t     folded;
    u_char       *lowcase_key;
    ngx_uint_t    hash;           /* of lowcase_key */
} ngx_para_inject_name_t;


/* Starts the union: the default set, and HTTP2-Settings. */
ngx_int_t ngx_para_inject_init_names(ngx_conf_t *cf,
    ngx_para_inject_names_t *names);

/* Setter of para_auth_header; cmd->offset leads to ngx_para_inject_conf_t. */
char *ngx_para_inject_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Merges, and adds the names of the level to the union. */
char *ngx_para_inject_merge(ngx_conf_t *cf, ngx_para_inject_names_t *names,
    ngx_para_inject_conf_t *prev, ngx_para_inject_conf_t *conf);

/*
 * A name beside those of para_auth_header, checked in the same way and added to
 * the union.  Says itself what is wrong with it, or returns it.
 */
char *ngx_para_inject_name(ngx_conf_t *cf, ngx_para_inject_names_t *names,
    ngx_para_inject_name_t *name, ngx_str_t *key);

/* 1 if this level, merged, sends a header of this folded name. */
ngx_uint_t ngx_para_inject_sends(const ngx_para_inject_conf_t *conf,
    const ngx_str_t *folded);

/* 1 if a header of this folded name is one that no client may send. */
ngx_uint_t ngx_para_inject_is_name(const ngx_para_inject_names_t *names,
    const ngx_str_t *folded);

/*
 * Removes every header whose name folds to one of the union, and a Connection
 * that names one.  Sets *stripped if there was one.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_para_inject_strip(ngx_http_request_t *r,
    const ngx_para_inject_names_t *names, ngx_uint_t *stripped);

/* The most headers that ngx_para_inject_headers() adds. */
ngx_uint_t ngx_para_inject_room(const ngx_para_inject_conf_t *conf);

/*
 * Adds the identity headers of this level to a list made by
 * ngx_para_headers_edit().  Absent fields and empty values send none.  NGX_OK,
 * NGX_ERROR, or NGX_DECLINED if a value of the operator's own has a control
 * character; then the request must not go on.
 */
ngx_int_t ngx_para_inject_headers(ngx_http_request_t *r,
    const ngx_para_inject_conf_t *conf,
    const para_span_t field[PARA_ID_FIELDS]);


/* Shared by ngx_para_inject*.c: what ngx_para_inject_conf_t lists. */

typedef struct {
    ngx_para_inject_name_t     name;
    para_identity_field_e      field;         /* unless there is a value */
    ngx_http_complex_value_t  *value;
} ngx_para_inject_header_t;


#endif /* NGX_PARA_INJECT_H */
