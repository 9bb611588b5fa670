#include "ngx_http_para_auth_lint.h"


typedef struct {
    const char  *text;
    u_char      *file;
    ngx_uint_t   line;
} ngx_http_para_auth_said_t;


static void ngx_http_para_auth_lint_servers(ngx_http_para_auth_lint_t *lint);
static const ngx_para_note_t *ngx_http_para_auth_lint_first(
    const ngx_http_para_auth_lint_t *lint, const void *level);
static void ngx_http_para_auth_lint_maps(ngx_http_para_auth_lint_t *lint);
static void ngx_http_para_auth_lint_show(ngx_http_para_auth_lint_t *lint,
    const ngx_str_t *variable);
static void ngx_http_para_auth_lint_volatile(ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note);
static ngx_uint_t ngx_http_para_auth_lint_has(const ngx_str_t *text,
    const ngx_str_t *variable);


/* What the rules look at. */

static const ngx_para_observed_t  ngx_http_para_auth_lint_observed[] = {
    { "ngx_http_rewrite_module", "return" },
    { "ngx_http_rewrite_module", "rewrite" },
    { "ngx_http_rewrite_module", "if" },
    { "ngx_http_auth_basic_module", "auth_basic" },
    { "ngx_http_auth_request_module", "auth_request" },
    { "ngx_http_access_module", "allow" },
    { "ngx_http_access_module", "deny" },
    { "ngx_http_mirror_module", "mirror" },
    { "ngx_http_addition_filter_module", "add_before_body" },
    { "ngx_http_addition_filter_module", "add_after_body" },
    { "ngx_http_map_module", "map" },
    { "ngx_http_core_module", "large_client_header_buffers" },
    { "ngx_http_para_auth_module", "para_auth_claim_set" },
    { "ngx_http_para_auth_module", "para_auth_match" },
    { "ngx_http_para_auth_module", "para_auth_session_cache" },
    { "ngx_http_para_auth_module", "hmac_key_file" },
    { "ngx_http_proxy_module", "proxy_pass" },
    { "ngx_http_proxy_module", "proxy_set_header" },
    { "ngx_http_proxy_module", "proxy_pass_request_headers" },
    { "ngx_http_proxy_module", "proxy_cache" },
    { "ngx_http_proxy_module", "proxy_cache_key" },
    { "ngx_http_grpc_module", "grpc_pass" },
    { "ngx_http_grpc_module", "grpc_set_header" },
    { "ngx_http_fastcgi_module", "fastcgi_pass" },
    { "ngx_http_fastcgi_module", "fastcgi_param" },
    { "ngx_http_fastcgi_module", "fastcgi_pass_request_headers" },
    { "ngx_http_fastcgi_module", "fastcgi_cache" },
    { "ngx_http_fastcgi_module", "fastcgi_cache_key" },
    { "ngx_http_uwsgi_module", "uwsgi_pass" },
    { "ngx_http_uwsgi_module", "uwsgi_param" },
    { "ngx_http_uwsgi_module", "uwsgi_pass_request_headers" },
    { "ngx_http_uwsgi_module", "uwsgi_cache" },
    { "ngx_http_uwsgi_module", "uwsgi_cache_key" },
    { "ngx_http_scgi_module", "scgi_pass" },
    { "ngx_http_scgi_module", "scgi_param" },
    { "ngx_http_scgi_module", "scgi_pass_request_headers" },
    { "ngx_http_scgi_module", "scgi_cache" },
    { "ngx_http_scgi_module", "scgi_cache_key" },
    { NULL, NULL }
};


/* Of each level that is protected. */

static const ngx_http_para_auth_lint_pt  ngx_http_para_auth_lint_rules[] = {
    ngx_http_para_auth_lint_basic,
    ngx_http_para_auth_lint_upstream,
    ngx_http_para_auth_lint_match,
    ngx_http_para_auth_lint_dry_run,
    ngx_http_para_auth_lint_valid,
    ngx_http_para_auth_lint_buffers,
    NULL
};


ngx_int_t
ngx_http_para_auth_lint_start(ngx_conf_t *cf,
    ngx_http_para_auth_main_conf_t *mcf)
{
    return ngx_para_observe_start(cf, &mcf->observe,
                                  &ngx_http_para_auth_module,
                                  ngx_http_para_auth_lint_observed);
}


ngx_int_t
ngx_http_para_auth_lint(ngx_conf_t *cf, ngx_http_para_auth_main_conf_t *mcf)
{
    ngx_http_para_auth_lint_t  lint;

    ngx_memzero(&lint, sizeof(ngx_http_para_auth_lint_t));

    lint.cf = cf;
    lint.mcf = mcf;

    if (ngx_array_init(&lint.shown, cf->temp_pool, 4, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(&lint.said, cf->temp_pool, 4,
                          sizeof(ngx_http_para_auth_said_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_para_auth_lint_maps(&lint);
    ngx_http_para_auth_lint_secrets(&lint);
    ngx_http_para_auth_lint_servers(&lint);
    ngx_http_para_auth_lint_revoke(&lint);

    return NGX_OK;
}


static void
ngx_http_para_auth_lint_servers(ngx_http_para_auth_lint_t *lint)
{
    ngx_uint_t                           i, n;
    ngx_http_conf_ctx_t                 *ctx;
    ngx_http_core_srv_conf_t           **cscf;
    ngx_http_core_main_conf_t           *cmcf;
    ngx_http_para_auth_srv_conf_t       *scf;
    ngx_http_para_auth_loc_conf_t      **lcf;
    const ngx_http_para_auth_lint_pt    *rule;

    cmcf = ngx_http_conf_get_module_main_conf(lint->cf, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        ctx = cscf[i]->ctx;
        scf = ctx->srv_conf[ngx_http_para_auth_module.ctx_index];
        lcf = scf->protected.elts;

        lint->cscf = cscf[i];
        lint->server = ctx->loc_conf[ngx_http_para_auth_module.ctx_index];

        if (scf->protected.nelts) {
            ngx_http_para_auth_lint_answers(lint, scf);
            ngx_http_para_auth_lint_subrequests(lint, scf);
        }

        for (n = 0; n < scf->protected.nelts; n++) {
            for (rule = ngx_http_para_auth_lint_rules; *rule; rule++) {
                (*rule)(lint, lcf[n]);
            }
        }
    }
}


const ngx_para_note_t *
ngx_http_para_auth_lint_next(const ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note, const void *level, const char *name)
{
    const ngx_para_note_t  *last;

    last = (ngx_para_note_t *) lint->mcf->observe.notes.elts
           + lint->mcf->observe.notes.nelts;

    note = note ? note + 1 : ngx_http_para_auth_lint_first(lint, level);

    for ( /* void */ ; note < last && note->level == level; note++) {
        if (ngx_strcmp(note->value[0].data, name) == 0) {
            return note;
        }
    }

    return NULL;
}


/* The first one on a level, or where it would be. */

static const ngx_para_note_t *
ngx_http_para_auth_lint_first(const ngx_http_para_auth_lint_t *lint,
    const void *level)
{
    ngx_uint_t              from, to, i;
    const ngx_para_note_t  *note;

    note = lint->mcf->observe.notes.elts;

    from = 0;
    to = lint->mcf->observe.notes.nelts;

    while (from < to) {

        i = from + (to - from) / 2;

        if ((uintptr_t) note[i].level < (uintptr_t) level) {
            from = i + 1;

        } else {
            to = i;
        }
    }

    return note + from;
}


const ngx_para_note_t *
ngx_http_para_auth_lint_find(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf, const char *name)
{
    const ngx_para_note_t  *note;

    for ( /* void */ ; lcf; lcf = lcf->outer) {

        note = ngx_http_para_auth_lint_next(lint, NULL, lcf, name);
        if (note) {
            return note;
        }
    }

    return NULL;
}


const ngx_para_note_t *
ngx_http_para_auth_lint_on(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf, const char *name)
{
    const ngx_para_note_t  *note;

    note = ngx_http_para_auth_lint_find(lint, lcf, name);

    return note && ngx_strcmp(note->value[1].data, "off") != 0 ? note : NULL;
}


const ngx_http_para_auth_loc_conf_t *
ngx_http_para_auth_lint_place(const ngx_http_para_auth_loc_conf_t *level)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = level->loc_conf[ngx_http_core_module.ctx_index];

    return clcf->noname ? level->outer : level;
}


void
ngx_http_para_auth_lint_warn(ngx_http_para_auth_lint_t *lint,
    const char *directive, u_char *file, ngx_uint_t line, const char *text)
{
    ngx_uint_t                  i;
    ngx_http_para_auth_said_t  *said;

    said = lint->said.elts;

    for (i = 0; i < lint->said.nelts; i++) {
        if (said[i].text == text && said[i].line == line
            && ngx_strcmp(said[i].file, file) == 0)
        {
            return;
        }
    }

    ngx_log_error(NGX_LOG_WARN, lint->cf->log, 0,
                  "para_auth: \"%s\" in %s:%ui %s", directive, file, line,
                  text);

    said = ngx_array_push(&lint->said);

    if (said) {
        said->text = text;
        said->file = file;
        said->line = line;
    }
}


void
ngx_http_para_auth_lint_warn_note(ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note, const char *text)
{
    ngx_http_para_auth_lint_warn(lint, (const char *) note->value[0].data,
                                 note->file, note->line, text);
}


/* All maps over what we show, also by way of one that stands above. */

static void
ngx_http_para_auth_lint_maps(ngx_http_para_auth_lint_t *lint)
{
    const ngx_para_note_t                *note;
    const ngx_http_para_auth_loc_conf_t  *http;

    http = ngx_http_conf_get_module_loc_conf(lint->cf,
                                             ngx_http_para_auth_module);
    note = NULL;

    while ((note = ngx_http_para_auth_lint_next(lint, note, http,
                                                "para_auth_claim_set")))
    {
        ngx_http_para_auth_lint_show(lint, &note->value[1]);
    }

    while ((note = ngx_http_para_auth_lint_next(lint, note, http, "map"))) {

        if (ngx_http_para_auth_lint_shows(lint, &note->value[1])) {
            ngx_http_para_auth_lint_show(lint, &note->value[2]);
            ngx_http_para_auth_lint_volatile(lint, note);
        }
    }
}


static void
ngx_http_para_auth_lint_show(ngx_http_para_auth_lint_t *lint,
    const ngx_str_t *variable)
{
    ngx_str_t  *name;

    name = ngx_array_push(&lint->shown);

    if (name) {
        name->data = variable->data + 1;
        name->len = variable->len - 1;
    }
}


/* What is in a map's block is not read as directives: its variable tells. */

static void
ngx_http_para_auth_lint_volatile(ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(lint->cf, ngx_http_core_module);

    name.data = note->value[2].data + 1;
    name.len = note->value[2].len - 1;

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        v = key[i].value;

        if (key[i].key.len == name.len
            && ngx_strncasecmp(key[i].key.data, name.data, name.len) == 0
            && !(v->flags & NGX_HTTP_VAR_NOCACHEABLE))
        {
            ngx_http_para_auth_lint_warn_note(lint, note,
                "keeps for the whole request what it had before para_auth "
                "decided: write \"volatile;\" in it");
        }
    }
}


ngx_uint_t
ngx_http_para_auth_lint_shows(const ngx_http_para_auth_lint_t *lint,
    const ngx_str_t *text)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (ngx_strstr(text->data, "$para_auth_")
        || ngx_strstr(text->data, "${para_auth_"))
    {
        return 1;
    }

    name = lint->shown.elts;

    for (i = 0; i < lint->shown.nelts; i++) {
        if (ngx_http_para_auth_lint_has(text, &name[i])) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_para_auth_lint_has(const ngx_str_t *text, const ngx_str_t *variable)
{
    u_char  *p, *last, c;

    last = text->data + text->len;

    for (p = ngx_strlchr(text->data, last, '$');
         p;
         p = ngx_strlchr(p, last, '$'))
    {
        p++;

        if (*p == '{') {
            p++;
        }

        if ((size_t) (last - p) < variable->len
            || ngx_strncasecmp(p, variable->data, variable->len) != 0)
        {
            continue;
        }

        c = p[variable->len];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_'))
        {
            return 1;
        }
    }

    return 0;
}
