#include "ngx_para_credential.h"
#include "ngx_para_headers.h"


static char *ngx_para_source_parse(ngx_conf_t *cf, ngx_str_t *text,
    ngx_uint_t bearer, ngx_para_source_t *source);
static char *ngx_para_source_header(ngx_conf_t *cf, ngx_str_t *text,
    ngx_uint_t bearer, ngx_para_source_t *source);
static char *ngx_para_source_variable(ngx_conf_t *cf, ngx_str_t *text,
    ngx_uint_t bearer, ngx_para_source_t *source);
static char *ngx_para_source_invalid(ngx_conf_t *cf, ngx_str_t *text,
    ngx_uint_t bearer);
static ngx_uint_t ngx_para_source_begins(const ngx_str_t *text,
    const char *prefix, ngx_str_t *name);
static ngx_array_t *ngx_para_sources(ngx_conf_t *cf,
    const ngx_para_source_t *source, ngx_uint_t n);
static ngx_uint_t ngx_para_sources_have(const ngx_array_t *sources,
    ngx_para_source_e kind);


static const ngx_para_source_t  ngx_para_default_token[] = {
    { NGX_PARA_SOURCE_BEARER, ngx_null_string, 0, NULL, NULL, 0 }
};

static const ngx_para_source_t  ngx_para_default_session[] = {
    { NGX_PARA_SOURCE_HEADER, ngx_string("x-para-session"), 0, NULL, NULL, 0 },
    { NGX_PARA_SOURCE_HEADER, ngx_string("x-capsule-session"), 0, NULL, NULL,
      0 }
};


char *
ngx_para_credential_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char               *rv;
    ngx_str_t          *value;
    ngx_uint_t          i;
    ngx_array_t       **sources;
    ngx_para_source_t  *source;

    sources = (ngx_array_t **) ((char *) conf + cmd->offset);

    if (*sources) {
        return "is duplicate";
    }

    *sources = ngx_array_create(cf->pool, 2, sizeof(ngx_para_source_t));
    if (*sources == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        source = ngx_array_push(*sources);
        if (source == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(source, sizeof(ngx_para_source_t));

        source->directive = &cmd->name;
        source->file = cf->conf_file->file.name.data;
        source->line = cf->conf_file->line;

        rv = ngx_para_source_parse(cf, &value[i], cmd->post != NULL, source);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_para_credential_merge(ngx_conf_t *cf, ngx_para_credential_conf_t *prev,
    ngx_para_credential_conf_t *conf)
{
    if (conf->token == NULL) {
        conf->token = prev->token;
    }

    if (conf->session == NULL) {
        conf->session = prev->session;
    }

    /* where a level has none yet, nothing above it had: these are defaults */

    if (conf->token == NULL) {
        conf->token = ngx_para_sources(cf, ngx_para_default_token, 1);
    }

    if (conf->session == NULL) {
        conf->session = ngx_para_sources(cf, ngx_para_default_session, 2);
    }

    if (conf->token == NULL || conf->session == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_value(conf->forward, prev->forward, 0);

    conf->bearer = ngx_para_sources_have(conf->token, NGX_PARA_SOURCE_BEARER);
    conf->cookies = ngx_para_sources_have(conf->token, NGX_PARA_SOURCE_COOKIE)
                    || ngx_para_sources_have(conf->session,
                                             NGX_PARA_SOURCE_COOKIE);

    return NGX_CONF_OK;
}


const ngx_para_source_t *
ngx_para_credential_source(const ngx_para_credential_conf_t *conf,
    ngx_para_source_e kind, ngx_uint_t i)
{
    ngx_uint_t          j, n;
    ngx_array_t        *sources[2];
    ngx_para_source_t  *source;

    sources[0] = conf->token;
    sources[1] = conf->session;

    for (n = 0; n < 2; n++) {
        source = sources[n]->elts;

        for (j = 0; j < sources[n]->nelts; j++) {
            if (source[j].kind == kind && i-- == 0) {
                return &source[j];
            }
        }
    }

    return NULL;
}


const ngx_str_t *
ngx_para_credential_header(const ngx_para_credential_conf_t *conf,
    ngx_uint_t i)
{
    const ngx_para_source_t  *source;

    source = ngx_para_credential_source(conf, NGX_PARA_SOURCE_HEADER, i);

    return source ? &source->name : NULL;
}


const ngx_para_source_t *
ngx_para_credential_left(const ngx_para_credential_conf_t *conf)
{
    return conf->forward
           ? NULL
           : ngx_para_credential_source(conf, NGX_PARA_SOURCE_VARIABLE, 0);
}


static char *
ngx_para_source_parse(ngx_conf_t *cf, ngx_str_t *text, ngx_uint_t bearer,
    ngx_para_source_t *source)
{
    ngx_str_t  name;

    if (bearer && text->len == 6
        && ngx_strncmp(text->data, "bearer", 6) == 0)
    {
        source->kind = NGX_PARA_SOURCE_BEARER;
        return NGX_CONF_OK;
    }

    if (ngx_para_source_begins(text, "$http_", &source->name)) {
        return ngx_para_source_header(cf, text, bearer, source);
    }

    if (ngx_para_source_begins(text, "$cookie_", &source->name)) {
        source->kind = NGX_PARA_SOURCE_COOKIE;

        return source->name.len
               ? NGX_CONF_OK : ngx_para_source_invalid(cf, text, bearer);
    }

    if (ngx_para_source_begins(text, "$para_auth_", &name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" cannot be a source of credentials, because "
                           "it is empty until they are verified", text);
        return NGX_CONF_ERROR;
    }

    return ngx_para_source_variable(cf, text, bearer, source);
}


static char *
ngx_para_source_header(ngx_conf_t *cf, ngx_str_t *text, ngx_uint_t bearer,
    ngx_para_source_t *source)
{
    u_char  *folded;

    if (source->name.len == 0) {
        return ngx_para_source_invalid(cf, text, bearer);
    }

    folded = ngx_pnalloc(cf->pool, source->name.len);
    if (folded == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_para_headers_fold(folded, source->name.data, source->name.len);

    source->kind = NGX_PARA_SOURCE_HEADER;
    source->name.data = folded;

    if (ngx_para_headers_known(&source->name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" cannot be a source of credentials, because "
                           "nginx reads this header itself; use%s "
                           "a header of its own", text,
                           bearer ? " bearer or" : "");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* Any other: whether it may be one is known when all is read. */

static char *
ngx_para_source_variable(ngx_conf_t *cf, ngx_str_t *text, ngx_uint_t bearer,
    ngx_para_source_t *source)
{
    ngx_str_t  name;

    name.data = text->data + 1;
    name.len = text->len - 1;

    if (text->len < 2 || text->data[0] != '$'
        || !para_span_is_word(para_span(name.data, name.len)))
    {
        return ngx_para_source_invalid(cf, text, bearer);
    }

    source->kind = NGX_PARA_SOURCE_VARIABLE;
    source->name = *text;
    source->index = ngx_http_get_variable_index(cf, &name);

    return source->index == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static char *
ngx_para_source_invalid(ngx_conf_t *cf, ngx_str_t *text, ngx_uint_t bearer)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" cannot be a source of credentials: use%s "
                       "$http_name, $cookie_name or another variable", text,
                       bearer ? " bearer," : "");

    return NGX_CONF_ERROR;
}


/* 1 if the text has the prefix: *name is what is behind it. */

static ngx_uint_t
ngx_para_source_begins(const ngx_str_t *text, const char *prefix,
    ngx_str_t *name)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (text->len < len || ngx_strncmp(text->data, prefix, len) != 0) {
        return 0;
    }

    name->data = text->data + len;
    name->len = text->len - len;

    return 1;
}


static ngx_array_t *
ngx_para_sources(ngx_conf_t *cf, const ngx_para_source_t *source,
    ngx_uint_t n)
{
    ngx_array_t        *sources;
    ngx_para_source_t  *copy;

    sources = ngx_array_create(cf->pool, n, sizeof(ngx_para_source_t));
    if (sources == NULL) {
        return NULL;
    }

    copy = ngx_array_push_n(sources, n);
    ngx_memcpy(copy, source, n * sizeof(ngx_para_source_t));

    return sources;
}


static ngx_uint_t
ngx_para_sources_have(const ngx_array_t *sources, ngx_para_source_e kind)
{
    ngx_uint_t          i;
    ngx_para_source_t  *source;

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {
        if (source[i].kind == kind) {
            return 1;
        }
    }

    return 0;
}
