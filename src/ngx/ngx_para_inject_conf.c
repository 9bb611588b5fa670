#include "ngx_para_inject.h"
#include "ngx_para_headers.h"


typedef struct {
    ngx_str_t                  key;
    para_identity_field_e      field;
} ngx_para_inject_default_t;


static char *ngx_para_inject_set_header(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_str_t *name, ngx_str_t *value);
static char *ngx_para_inject_check_name(ngx_conf_t *cf, ngx_str_t *name);
static char *ngx_para_inject_defaults(ngx_conf_t *cf, ngx_array_t *headers);
static char *ngx_para_inject_add(ngx_conf_t *cf, ngx_array_t *headers,
    const ngx_str_t *key, ngx_para_inject_header_t **added);
static ngx_int_t ngx_para_inject_make_name(ngx_conf_t *cf,
    ngx_para_inject_name_t *name, const ngx_str_t *key);
static ngx_uint_t ngx_para_inject_is_among(const ngx_array_t *headers,
    const ngx_str_t *folded);
static ngx_int_t ngx_para_inject_add_name(ngx_para_inject_names_t *names,
    const ngx_str_t *folded);


static const ngx_para_inject_default_t  ngx_para_inject_default[] = {
    { ngx_string("X-Para-User-Id"), PARA_ID_USER_ID },
    { ngx_string("X-Para-Internal-User-Id"), PARA_ID_INTERNAL_USER_ID },
    { ngx_string("X-Para-Roles"), PARA_ID_ROLES },
    { ngx_string("X-Para-Wallets"), PARA_ID_WALLETS },
    { ngx_string("X-Para-Identifier"), PARA_ID_IDENTIFIER },
    { ngx_string("X-Para-Auth-Type"), PARA_ID_AUTH_TYPE }
};

#define NGX_PARA_INJECT_DEFAULTS                                              \
    (sizeof(ngx_para_inject_default) / sizeof(ngx_para_inject_default[0]))


/*
 * Framing, hop-by-hop and credentials, beside those that nginx itself reads
 * and therefore refuses here: RFC 9110 7.6.1, RFC 9112 6.
 */

static const ngx_str_t  ngx_para_inject_refused[] = {
    ngx_string("trailer"),
    ngx_string("trailers"),
    ngx_string("http2-settings"),
    ngx_string("proxy-connection"),
    ngx_string("proxy-authorization"),
    ngx_string("proxy-authenticate"),
    ngx_string("cookie"),
    ngx_string("x-para-session"),
    ngx_string("x-capsule-session"),
    ngx_string("x-external-api-key"),
    ngx_null_string
};


/*
 * RFC 7540 3.2.1: without it, no upstream takes "Upgrade: h2c".  If nginx is
 * told to pass an upgrade on, what the client sends then is seen by nobody
 * here.
 */

static const ngx_str_t  ngx_para_inject_h2c = ngx_string("http2-settings");


ngx_int_t
ngx_para_inject_init_names(ngx_conf_t *cf, ngx_para_inject_names_t *names)
{
    u_char      *folded;
    ngx_str_t    name;
    ngx_uint_t   i;

    if (ngx_array_init(&names->names, cf->pool, NGX_PARA_INJECT_DEFAULTS + 1,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_PARA_INJECT_DEFAULTS; i++) {

        name = ngx_para_inject_default[i].key;

        folded = ngx_pnalloc(cf->pool, name.len);
        if (folded == NULL) {
            return NGX_ERROR;
        }

        ngx_para_headers_fold(folded, name.data, name.len);
        name.data = folded;

        if (ngx_para_inject_add_name(names, &name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_para_inject_add_name(names, &ngx_para_inject_h2c);
}


char *
ngx_para_inject_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t               *value;
    ngx_para_inject_conf_t  *icf;

    static char  off[] = "\"off\" stands beside other headers of this level";

    icf = (ngx_para_inject_conf_t *) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    /* an array without headers is what "off" left behind */

    if (icf->headers && icf->headers->nelts == 0) {
        return off;
    }

    if (icf->headers == NULL) {
        icf->headers = ngx_array_create(cf->pool, 4,
                                        sizeof(ngx_para_inject_header_t));
        if (icf->headers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (cf->args->nelts == 3) {
        return ngx_para_inject_set_header(cf, icf->headers, &value[1],
                                          &value[2]);
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return icf->headers->nelts ? off : NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "default") == 0) {
        return ngx_para_inject_defaults(cf, icf->headers);
    }

    return "takes \"off\", \"default\", or a name and a value";
}


char *
ngx_para_inject_merge(ngx_conf_t *cf, ngx_para_inject_names_t *names,
    ngx_para_inject_conf_t *prev, ngx_para_inject_conf_t *conf)
{
    ngx_uint_t                 i;
    ngx_para_inject_header_t  *header;

    if (conf->headers == NULL) {
        conf->headers = prev->headers;
    }

    if (conf->headers == NULL) {
        conf->headers = ngx_array_create(cf->pool, NGX_PARA_INJECT_DEFAULTS,
                                         sizeof(ngx_para_inject_header_t));
        if (conf->headers == NULL) {
            return NGX_CONF_ERROR;
        }

        return ngx_para_inject_defaults(cf, conf->headers);
    }

    header = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {
        if (ngx_para_inject_add_name(names, &header[i].name.folded) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_para_inject_name(ngx_conf_t *cf, ngx_para_inject_names_t *names,
    ngx_para_inject_name_t *name, ngx_str_t *key)
{
    char  *rv;

    rv = ngx_para_inject_check_name(cf, key);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_para_inject_make_name(cf, name, key) != NGX_OK
        || ngx_para_inject_add_name(names, &name->folded) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_para_inject_sends(const ngx_para_inject_conf_t *conf,
    const ngx_str_t *folded)
{
    return ngx_para_inject_is_among(conf->headers, folded);
}


ngx_uint_t
ngx_para_inject_is_name(const ngx_para_inject_names_t *names,
    const ngx_str_t *folded)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    name = names->names.elts;

    for (i = 0; i < names->names.nelts; i++) {
        if (name[i].len == folded->len
            && ngx_memcmp(name[i].data, folded->data, folded->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static char *
ngx_para_inject_set_header(ngx_conf_t *cf, ngx_array_t *headers,
    ngx_str_t *name, ngx_str_t *value)
{
    char                              *rv;
    ngx_para_inject_header_t          *header;
    ngx_http_compile_complex_value_t   ccv;

    rv = ngx_para_inject_check_name(cf, name);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_para_inject_add(cf, headers, name, &header);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    header->value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (header->value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = header->value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_para_inject_check_name(ngx_conf_t *cf, ngx_str_t *name)
{
    u_char            ch;
    size_t            i;
    const ngx_str_t  *refused;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '-'))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "header name \"%V\" must consist of letters, "
                               "digits and \"-\"", name);
            return NGX_CONF_ERROR;
        }
    }

    if (name->len == 0) {
        return "needs a name";
    }

    if (ngx_para_headers_known(name)) {
        goto refused;
    }

    for (refused = ngx_para_inject_refused; refused->len; refused++) {

        if (refused->len == name->len
            && ngx_strncasecmp(refused->data, name->data, name->len) == 0)
        {
            goto refused;
        }
    }

    return NGX_CONF_OK;

refused:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "header \"%V\" has a meaning of its own to nginx or to "
                       "the upstream and cannot carry identity, use a name "
                       "like \"X-User-Id\"", name);

    return NGX_CONF_ERROR;
}


static char *
ngx_para_inject_defaults(ngx_conf_t *cf, ngx_array_t *headers)
{
    char                      *rv;
    ngx_uint_t                 i;
    ngx_para_inject_header_t  *header;

    for (i = 0; i < NGX_PARA_INJECT_DEFAULTS; i++) {

        rv = ngx_para_inject_add(cf, headers, &ngx_para_inject_default[i].key,
                                 &header);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        header->field = ngx_para_inject_default[i].field;
    }

    return NGX_CONF_OK;
}


static char *
ngx_para_inject_add(ngx_conf_t *cf, ngx_array_t *headers,
    const ngx_str_t *key, ngx_para_inject_header_t **added)
{
    ngx_para_inject_name_t     name;
    ngx_para_inject_header_t  *header;

    if (ngx_para_inject_make_name(cf, &name, key) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_para_inject_is_among(headers, &name.folded)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header \"%V\" is there twice on this level", key);
        return NGX_CONF_ERROR;
    }

    header = ngx_array_push(headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(header, sizeof(ngx_para_inject_header_t));

    header->name = name;

    *added = header;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_para_inject_make_name(ngx_conf_t *cf, ngx_para_inject_name_t *name,
    const ngx_str_t *key)
{
    name->key = *key;
    name->folded.len = key->len;
    name->folded.data = ngx_pnalloc(cf->pool, key->len);
    name->lowcase_key = ngx_pnalloc(cf->pool, key->len);

    if (name->folded.data == NULL || name->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    ngx_para_headers_fold(name->folded.data, key->data, key->len);
    name->hash = ngx_hash_strlow(name->lowcase_key, key->data, key->len);

    return NGX_OK;
}


static ngx_uint_t
ngx_para_inject_is_among(const ngx_array_t *headers, const ngx_str_t *folded)
{
    ngx_uint_t                 i;
    ngx_para_inject_header_t  *header;

    header = headers->elts;

    for (i = 0; i < headers->nelts; i++) {
        if (header[i].name.folded.len == folded->len
            && ngx_memcmp(header[i].name.folded.data, folded->data,
                          folded->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_para_inject_add_name(ngx_para_inject_names_t *names,
    const ngx_str_t *folded)
{
    ngx_str_t  *name;

    if (ngx_para_inject_is_name(names, folded)) {
        return NGX_OK;
    }

    name = ngx_array_push(&names->names);
    if (name == NULL) {
        return NGX_ERROR;
    }

    *name = *folded;
    names->lengths |= (uint64_t) 1 << (folded->len & 63);

    return NGX_OK;
}
