/*
 * Whether the application gets whose request it is, and nobody another's
 * answer.
 */

#include "ngx_http_para_auth_lint.h"


/* The directives of an upstream module, NULL where it has none. */

typedef struct {
    const char  *pass;
    const char  *header;
    const char  *headers;
    const char  *cache;
    const char  *key;
    ngx_uint_t   cgi;         /* a header is HTTP_NAME */
} ngx_http_para_auth_lint_module_t;


static void ngx_http_para_auth_lint_header(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module);
static ngx_uint_t ngx_http_para_auth_lint_repeats(
    const ngx_http_para_auth_lint_t *lint, const ngx_str_t *value);
static ngx_uint_t ngx_http_para_auth_lint_identity(
    const ngx_http_para_auth_lint_t *lint, ngx_str_t name, ngx_uint_t cgi);
static void ngx_http_para_auth_lint_headers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module);
static void ngx_http_para_auth_lint_cache(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module);


static const ngx_http_para_auth_lint_module_t
    ngx_http_para_auth_lint_modules[] = {

    { "proxy_pass", "proxy_set_header", "proxy_pass_request_headers",
      "proxy_cache", "proxy_cache_key", 0 },

    { "grpc_pass", "grpc_set_header", NULL, NULL, NULL, 0 },

    { "fastcgi_pass", "fastcgi_param", "fastcgi_pass_request_headers",
      "fastcgi_cache", "fastcgi_cache_key", 1 },

    { "uwsgi_pass", "uwsgi_param", "uwsgi_pass_request_headers",
      "uwsgi_cache", "uwsgi_cache_key", 1 },

    { "scgi_pass", "scgi_param", "scgi_pass_request_headers",
      "scgi_cache", "scgi_cache_key", 1 },

    { NULL, NULL, NULL, NULL, NULL, 0 }
};


void
ngx_http_para_auth_lint_upstream(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    const ngx_http_para_auth_loc_conf_t     *place;
    const ngx_http_para_auth_lint_module_t  *module;

    /* where it passes to is inherited by if and limit_except alone */

    place = ngx_http_para_auth_lint_place(lcf);

    for (module = ngx_http_para_auth_lint_modules; module->pass; module++) {

        if (ngx_http_para_auth_lint_next(lint, NULL, lcf, module->pass) == NULL
            && ngx_http_para_auth_lint_next(lint, NULL, place, module->pass)
               == NULL)
        {
            continue;
        }

        if (ngx_para_inject_room(&lcf->inject) || lcf->assertion) {

            ngx_http_para_auth_lint_header(lint, lcf, module);

            if (module->headers) {
                ngx_http_para_auth_lint_headers(lint, lcf, module);
            }
        }

        if (module->cache) {
            ngx_http_para_auth_lint_cache(lint, lcf, module);
        }
    }
}


/* All of a level count, or none: unless they say the same as we do. */

static void
ngx_http_para_auth_lint_header(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module)
{
    const void             *level;
    const ngx_para_note_t  *note;

    note = ngx_http_para_auth_lint_find(lint, lcf, module->header);
    level = note ? note->level : NULL;

    for ( /* void */ ;
         note;
         note = ngx_http_para_auth_lint_next(lint, note, level,
                                             module->header))
    {
        if (ngx_http_para_auth_lint_identity(lint, note->value[1],
                                             module->cgi)
            && !ngx_http_para_auth_lint_shows(lint, &note->value[2])
            && !ngx_http_para_auth_lint_repeats(lint, &note->value[2]))
        {
            ngx_http_para_auth_lint_warn_note(lint, note,
                "takes the place of an identity header: remove it, para_auth "
                "sends these by itself");
        }
    }
}


/* $http_x_para_user_id is ours, nobody else's comes so far. */

static ngx_uint_t
ngx_http_para_auth_lint_repeats(const ngx_http_para_auth_lint_t *lint,
    const ngx_str_t *value)
{
    ngx_str_t  name;

    if (ngx_strncmp(value->data, "$http_", 6) != 0) {
        return 0;
    }

    name.data = value->data + 6;
    name.len = value->len - 6;

    return ngx_http_para_auth_lint_identity(lint, name, 0);
}


static ngx_uint_t
ngx_http_para_auth_lint_identity(const ngx_http_para_auth_lint_t *lint,
    ngx_str_t name, ngx_uint_t cgi)
{
    ngx_str_t  folded;

    if (cgi) {

        if (ngx_strncmp(name.data, "HTTP_", 5) != 0) {
            return 0;
        }

        name.data += 5;
        name.len -= 5;
    }

    folded.len = name.len;
    folded.data = ngx_pnalloc(lint->cf->temp_pool, name.len);

    if (folded.data == NULL) {
        return 0;
    }

    ngx_para_headers_fold(folded.data, name.data, name.len);

    return ngx_para_inject_is_name(&lint->mcf->names, &folded);
}


/* Unless the identity is told in another way. */

static void
ngx_http_para_auth_lint_headers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module)
{
    const void             *level;
    const ngx_para_note_t  *note, *off;

    off = ngx_http_para_auth_lint_find(lint, lcf, module->headers);

    if (off == NULL || ngx_strcasecmp(off->value[1].data, (u_char *) "off")) {
        return;
    }

    note = ngx_http_para_auth_lint_find(lint, lcf, module->header);
    level = note ? note->level : NULL;

    for ( /* void */ ;
         note;
         note = ngx_http_para_auth_lint_next(lint, note, level,
                                             module->header))
    {
        if (ngx_http_para_auth_lint_shows(lint, &note->value[2])) {
            return;
        }
    }

    ngx_http_para_auth_lint_warn_note(lint, off,
        "keeps the identity headers from the application, as all others: "
        "write \"on\", or pass $para_auth_user_id and the like yourself");
}


static void
ngx_http_para_auth_lint_cache(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf,
    const ngx_http_para_auth_lint_module_t *module)
{
    const ngx_para_note_t  *note, *key;

    note = ngx_http_para_auth_lint_on(lint, lcf, module->cache);
    key = ngx_http_para_auth_lint_find(lint, lcf, module->key);

    if (note && (key == NULL
                 || !ngx_http_para_auth_lint_shows(lint, &key->value[1])))
    {
        ngx_http_para_auth_lint_warn_note(lint, note,
            "gives one user's answer to all: write a key with "
            "$para_auth_user_id, or \"off\"");
    }
}
