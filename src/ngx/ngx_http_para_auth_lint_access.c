/*
 * Who answers before para_auth decides, and what asks it in vain.
 */

#include "ngx_http_para_auth_lint.h"


#define NGX_HTTP_PARA_AUTH_LINT_ANSWERS                                       \
    "answers everybody, since it runs before para_auth decides: move it into "\
    "a location with \"para_auth off;\" if that is meant, else answer with "  \
    "\"try_files\" or \"proxy_pass\""

#define NGX_HTTP_PARA_AUTH_LINT_CLOSED                                        \
    "leads to a location that para_auth protects, where it gets 403, since "  \
    "nobody was let in before it: write \"para_auth off;\" and \"internal;\" "\
    "there"


static ngx_uint_t ngx_http_para_auth_lint_early(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf, const ngx_para_note_t *note);
static ngx_uint_t ngx_http_para_auth_lint_location_early(
    const ngx_http_para_auth_loc_conf_t *level);
static ngx_uint_t ngx_http_para_auth_lint_gives(
    const ngx_http_para_auth_lint_t *lint, const ngx_para_note_t *note);
static ngx_uint_t ngx_http_para_auth_lint_redirects(
    const ngx_para_note_t *note);
static ngx_uint_t ngx_http_para_auth_lint_elsewhere(const ngx_str_t *target);
static ngx_uint_t ngx_http_para_auth_lint_preflight(
    const ngx_http_para_auth_lint_t *lint, const ngx_para_note_t *note);
static ngx_uint_t ngx_http_para_auth_lint_within(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *level);
static ngx_uint_t ngx_http_para_auth_lint_leads(
    const ngx_http_para_auth_srv_conf_t *scf, const ngx_str_t *uri);
static ngx_uint_t ngx_http_para_auth_lint_guarded(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
static ngx_uint_t ngx_http_para_auth_lint_denies(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);


void
ngx_http_para_auth_lint_answers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf)
{
    ngx_uint_t              i;
    const ngx_para_note_t  *note;

    note = lint->mcf->observe.notes.elts;

    for (i = 0; i < lint->mcf->observe.notes.nelts; i++) {

        if (ngx_http_para_auth_lint_gives(lint, &note[i])
            && ngx_http_para_auth_lint_early(lint, scf, &note[i]))
        {
            ngx_http_para_auth_lint_warn_note(lint, &note[i],
                                            NGX_HTTP_PARA_AUTH_LINT_ANSWERS);
        }
    }
}


/*
 * Whether it answers in place of para_auth.  That of a server runs for all of
 * its locations; but if it answers everything, and there is no para_auth of the
 * server's own, the server is there for that.
 */

static ngx_uint_t
ngx_http_para_auth_lint_early(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf, const ngx_para_note_t *note)
{
    ngx_uint_t                             i;
    ngx_http_para_auth_loc_conf_t        **lcf;
    const ngx_http_para_auth_loc_conf_t   *http;

    if (ngx_http_para_auth_lint_place(note->level) != lint->server) {
        return ngx_http_para_auth_lint_location_early(note->level);
    }

    if (note->level != lint->server) {
        return 1;
    }

    http = lint->server->outer;
    lcf = scf->protected.elts;

    for (i = 0; i < scf->protected.nelts; i++) {
        if (lcf[i]->line != http->line || lcf[i]->file != http->file) {
            return 1;
        }
    }

    return 0;
}


/* It is not inherited.  limit_except has a para_auth of its own, perhaps. */

static ngx_uint_t
ngx_http_para_auth_lint_location_early(
    const ngx_http_para_auth_loc_conf_t *level)
{
    void                                **limited;
    ngx_http_core_loc_conf_t             *clcf;
    const ngx_http_para_auth_loc_conf_t  *place;

    place = ngx_http_para_auth_lint_place(level);
    clcf = place->loc_conf[ngx_http_core_module.ctx_index];

    /* there, requests come only from where it was decided already */

    if (clcf->named || clcf->internal) {
        return 0;
    }

    limited = clcf->limit_except_loc_conf;

    if (level->provider == NULL && limited) {
        level = limited[ngx_http_para_auth_module.ctx_index];
    }

    /* another server's own level is looked at with it */

    return level->provider != NULL && place->outer->outer != NULL;
}


/* Whether it gives anything away. */

static ngx_uint_t
ngx_http_para_auth_lint_gives(const ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note)
{
    const ngx_str_t  *value;

    value = note->value;

    if (ngx_strcmp(value[0].data, "rewrite") == 0) {
        return ngx_http_para_auth_lint_redirects(note)
               && !ngx_http_para_auth_lint_elsewhere(&value[2]);
    }

    if (ngx_strcmp(value[0].data, "return") != 0) {
        return 0;
    }

    /* a refusal; an error_page for it decides for itself */

    if (ngx_atoi(value[1].data, value[1].len) >= NGX_HTTP_BAD_REQUEST) {
        return 0;
    }

    return !ngx_http_para_auth_lint_elsewhere(&value[note->n - 1])
           && !ngx_http_para_auth_lint_preflight(lint, note);
}


static ngx_uint_t
ngx_http_para_auth_lint_redirects(const ngx_para_note_t *note)
{
    u_char  *target;

    target = note->value[2].data;

    if (note->n == 4
        && (ngx_strcmp(note->value[3].data, "redirect") == 0
            || ngx_strcmp(note->value[3].data, "permanent") == 0))
    {
        return 1;
    }

    return ngx_strncmp(target, "http://", 7) == 0
           || ngx_strncmp(target, "https://", 8) == 0
           || ngx_strncmp(target, "$scheme", 7) == 0;
}


/* What the client asked for, at another address: it is decided there. */

static ngx_uint_t
ngx_http_para_auth_lint_elsewhere(const ngx_str_t *target)
{
    if (ngx_strncmp(target->data, "http://", 7) != 0
        && ngx_strncmp(target->data, "https://", 8) != 0
        && ngx_strncmp(target->data, "$scheme://", 10) != 0)
    {
        return 0;
    }

    return ngx_strstr(target->data, "$request_uri") != NULL
           || ngx_strstr(target->data, "$uri") != NULL
           || ngx_strstr(target->data, "$1") != NULL;
}


/* Nothing but a status, to who sends OPTIONS. */

static ngx_uint_t
ngx_http_para_auth_lint_preflight(const ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note)
{
    ngx_uint_t                            i, method, options;
    const ngx_para_note_t                *next, *around;
    const ngx_http_para_auth_loc_conf_t  *level;

    level = note->level;

    if (note->n != 2
        || ngx_atoi(note->value[1].data, note->value[1].len) == NGX_ERROR
        || ngx_http_para_auth_lint_place(level) == level)
    {
        return 0;
    }

    /* there is no if in an if: the last one that began is around it */

    around = NULL;
    next = NULL;

    while ((next = ngx_http_para_auth_lint_next(lint, next, level->outer,
                                                "if"))
           && next->order < note->order)
    {
        around = next;
    }

    method = 0;
    options = 0;

    for (i = 1; around && i < around->n; i++) {
        method |= (ngx_strstr(around->value[i].data, "$request_method")
                   != NULL);
        options |= (ngx_strstr(around->value[i].data, "OPTIONS") != NULL);
    }

    return method && options;
}


/* Both want the header Authorization, of which a request has one. */

void
ngx_http_para_auth_lint_basic(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    const ngx_para_note_t     *note;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = lcf->loc_conf[ngx_http_core_module.ctx_index];
    note = ngx_http_para_auth_lint_on(lint, lcf, "auth_basic");

    /* a variable may say "off" */

    if (note == NULL
        || ngx_strchr(note->value[1].data, '$')
        || clcf->satisfy != NGX_HTTP_SATISFY_ALL
        || !(lcf->layers & NGX_HTTP_PARA_AUTH_JWT)
        || !lcf->credential.bearer
        || lcf->credential.token->nelts > 1)
    {
        return;
    }

    ngx_http_para_auth_lint_warn_note(lint, note,
        "and para_auth want the same header, so nobody can pass: write "
        "\"satisfy any;\" or \"auth_basic off;\", or name another place for "
        "the JWT in \"para_auth_token\"");
}


/*
 * The module refuses subrequests into a protected location unless their main
 * request was let in by the same policy.  So these come too early, or from
 * where nobody is asked.
 */

void
ngx_http_para_auth_lint_subrequests(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf)
{
    ngx_uint_t                            i, early;
    const ngx_para_note_t                *note;
    const ngx_http_para_auth_loc_conf_t  *from;

    note = lint->mcf->observe.notes.elts;

    for (i = 0; i < lint->mcf->observe.notes.nelts; i++) {

        early = (ngx_strcmp(note[i].value[0].data, "auth_request") == 0);

        if (!early
            && ngx_strcmp(note[i].value[0].data, "mirror") != 0
            && ngx_strcmp(note[i].value[0].data, "add_before_body") != 0
            && ngx_strcmp(note[i].value[0].data, "add_after_body") != 0)
        {
            continue;
        }

        from = note[i].level;

        if ((early || from->provider == NULL)
            && ngx_http_para_auth_lint_within(lint, from)
            && ngx_http_para_auth_lint_leads(scf, &note[i].value[1]))
        {
            ngx_http_para_auth_lint_warn_note(lint, &note[i],
                                              NGX_HTTP_PARA_AUTH_LINT_CLOSED);
        }
    }
}


/* Whether what is on a level is of use in this server. */

static ngx_uint_t
ngx_http_para_auth_lint_within(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *level)
{
    if (level == lint->server->outer) {
        return 1;
    }

    while (level && level != lint->server) {
        level = level->outer;
    }

    return level != NULL;
}


/* To a protected location of just this name. */

static ngx_uint_t
ngx_http_para_auth_lint_leads(const ngx_http_para_auth_srv_conf_t *scf,
    const ngx_str_t *uri)
{
    ngx_uint_t                       i;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_para_auth_loc_conf_t  **lcf;

    lcf = scf->protected.elts;

    for (i = 0; i < scf->protected.nelts; i++) {

        clcf = lcf[i]->loc_conf[ngx_http_core_module.ctx_index];

#if (NGX_PCRE)
        if (clcf->regex) {
            continue;
        }
#endif

        if (!clcf->noname && !clcf->named
            && uri->len == clcf->name.len
            && ngx_strncmp(uri->data, clcf->name.data, uri->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_para_auth_lint_revoke(ngx_http_para_auth_lint_t *lint)
{
    ngx_uint_t                      i;
    ngx_http_para_auth_revoke_t   **revoke;
    ngx_http_para_auth_loc_conf_t  *lcf;

    revoke = lint->mcf->revokes.elts;

    for (i = 0; i < lint->mcf->revokes.nelts; i++) {

        lcf = revoke[i]->loc_conf[ngx_http_para_auth_module.ctx_index];

        if (ngx_http_para_auth_lint_guarded(lint, lcf)) {
            continue;
        }

        ngx_http_para_auth_lint_warn(lint, "para_auth_revoke",
            revoke[i]->file, revoke[i]->line,
            lcf->provider
            ? "seems to be open to any logged-in user, who could lock all "
              "users out: write \"allow 127.0.0.1; deny all;\" or the like"
            : "seems to be open to everybody, who could lock all users out: "
              "write \"allow 127.0.0.1; deny all;\" or the like");
    }
}


/*
 * Who is logged in is not yet an operator: para_auth is no guard, and with
 * "satisfy any" it lets in who passes no other.
 */

static ngx_uint_t
ngx_http_para_auth_lint_guarded(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = lcf->loc_conf[ngx_http_core_module.ctx_index];

    if (clcf->internal) {
        return 1;
    }

    if (lcf->provider && clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        return 0;
    }

    return ngx_http_para_auth_lint_denies(lint, lcf)
           || ngx_http_para_auth_lint_on(lint, lcf, "auth_basic")
           || ngx_http_para_auth_lint_on(lint, lcf, "auth_request");
}


/* The nearest level that has either has all that counts. */

static ngx_uint_t
ngx_http_para_auth_lint_denies(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    for ( /* void */ ; lcf; lcf = lcf->outer) {

        if (ngx_http_para_auth_lint_next(lint, NULL, lcf, "deny")) {
            return 1;
        }

        if (ngx_http_para_auth_lint_next(lint, NULL, lcf, "allow")) {
            return 0;
        }
    }

    return 0;
}
