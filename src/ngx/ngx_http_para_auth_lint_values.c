/*
 * Values that do not go with each other, or with what is to be guarded.
 */

#include "ngx_http_para_auth_lint.h"
#include "../core/para_session.h"


/* Room that a header's name and what else is in its line needs. */

#define NGX_HTTP_PARA_AUTH_LINT_LINE  128

/* Para's JWTs are 1 to 3 KB, those of others seldom more. */

#define NGX_HTTP_PARA_AUTH_LINT_JWT   (4096 - NGX_HTTP_PARA_AUTH_LINT_LINE)


static const ngx_para_note_t *ngx_http_para_auth_lint_find_valid(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
static time_t ngx_http_para_auth_lint_life(const ngx_para_provider_t *provider);


void
ngx_http_para_auth_lint_secrets(ngx_http_para_auth_lint_t *lint)
{
    ngx_uint_t                i, n;
    ngx_para_issuer_t       **own;
    ngx_para_provider_t     **provider;
    const ngx_para_note_t    *note;

    provider = lint->mcf->providers.list.elts;

    for (i = 0; i < lint->mcf->providers.list.nelts; i++) {

        own = provider[i]->own.elts;

        for (n = 0; n < provider[i]->own.nelts; n++) {

            /* in its block, the issuer is the location configuration */

            note = ngx_http_para_auth_lint_next(lint, NULL, own[n],
                                                "hmac_key_file");

            if (note && own[n]->weak) {
                ngx_http_para_auth_lint_warn_note(lint, note, own[n]->weak);
            }
        }
    }
}


/* Two layers that are not held against each other in any case. */

void
ngx_http_para_auth_lint_match(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    if (lcf->layers != (NGX_HTTP_PARA_AUTH_JWT|NGX_HTTP_PARA_AUTH_SESSION)
        || lcf->match == PARA_MATCH_STRICT)
    {
        return;
    }

    ngx_http_para_auth_lint_warn_note(lint,
        ngx_http_para_auth_lint_find(lint, lcf, "para_auth_match"),
        "takes a JWT and a session that nothing shows to be one user's: write "
        "\"para_auth_match strict;\" unless that is meant");
}


void
ngx_http_para_auth_lint_dry_run(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    if (ngx_http_para_auth_is_dry(lcf)) {
        ngx_http_para_auth_lint_warn(lint, "para_auth_dry_run",
            lcf->dry_run->place.file, lcf->dry_run->place.line,
            "protects nothing: para_auth decides, counts and logs, and lets "
            "everybody in without an identity; remove it when the log is as "
            "it should be");
    }
}


/* How long a session counts that was seen with a JWT. */

void
ngx_http_para_auth_lint_valid(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    time_t                  valid;
    const ngx_para_note_t  *note;

    note = ngx_http_para_auth_lint_find_valid(lint, lcf);

    if (note == NULL
        || lcf->layers != (NGX_HTTP_PARA_AUTH_JWT|NGX_HTTP_PARA_AUTH_SESSION))
    {
        return;
    }

    valid = (time_t) (lcf->renewal.valid / 1000);

    if (valid > ngx_http_para_auth_lint_life(lcf->provider)) {
        ngx_http_para_auth_lint_warn_note(lint, note,
            "keeps Para's word on a session for longer than a JWT can count "
            "that comes with it: write a \"valid=\" below \"max_age\" and "
            "\"jwks_max_stale\"");
    }
}


/* Each parameter of it is inherited alone. */

static const ngx_para_note_t *
ngx_http_para_auth_lint_find_valid(const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    ngx_uint_t              i;
    const ngx_para_note_t  *note;

    for ( /* void */ ; lcf; lcf = lcf->outer) {

        note = NULL;

        while ((note = ngx_http_para_auth_lint_next(lint, note, lcf,
                                                "para_auth_session_cache")))
        {
            for (i = 1; i < note->n; i++) {
                if (ngx_strncmp(note->value[i].data, "valid=", 6) == 0) {
                    return note;
                }
            }
        }
    }

    return NULL;
}


/*
 * s that the JWTs of each of its issuers count for at most, by the life of keys
 * and the age of tokens.
 */

static time_t
ngx_http_para_auth_lint_life(const ngx_para_provider_t *provider)
{
    time_t                life;
    ngx_uint_t            i;
    const para_issuer_t  *issuer;

    life = NGX_MAX_INT_T_VALUE;

    for (i = 0; i < provider->nissuers; i++) {

        issuer = provider->issuers[i];

        if (provider->sources[i]) {
            life = ngx_min(life, provider->sources[i]->conf.max_stale);
        }

        if (issuer->claims.max_age) {
            life = ngx_min(life, (time_t) issuer->claims.max_age);
        }
    }

    return life;
}


/*
 * A line that is longer than a buffer is refused by nginx, and so are lines
 * that all buffers together have no room for; the same numbers bound HTTP/2's.
 * In cookies both credentials are in one line.
 */

void
ngx_http_para_auth_lint_buffers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf)
{
    size_t                  jwt, session, line;
    ngx_bufs_t             *bufs;
    const ngx_para_note_t  *note;

    jwt = lcf->layers & NGX_HTTP_PARA_AUTH_JWT ? NGX_HTTP_PARA_AUTH_LINT_JWT
                                               : 0;
    session = 0;

    if (lcf->layers & NGX_HTTP_PARA_AUTH_SESSION) {
        session = lcf->credential.forms & PARA_FORM_EXPORTED
                  ? PARA_EXPORTED_MAX : PARA_SESSION_TOKEN_MAX;
    }

    line = lcf->credential.cookies ? jwt + session : ngx_max(jwt, session);
    line += NGX_HTTP_PARA_AUTH_LINT_LINE;

    bufs = &lint->cscf->large_client_header_buffers;

    if (bufs->size >= line && bufs->num * bufs->size >= jwt + session) {
        return;
    }

    note = ngx_http_para_auth_lint_find(lint, lint->server,
                                        "large_client_header_buffers");

    if (note == NULL) {

        /* nginx has 4 of 8k then, which is enough for all else */

        ngx_http_para_auth_lint_warn(lint, "para_auth", lcf->file, lcf->line,
            "takes exported sessions, headers of up to 16 KB that nginx has "
            "no room for: write \"large_client_header_buffers 4 32k;\" in the "
            "server");
        return;
    }

    ngx_http_para_auth_lint_warn_note(lint, note,
        session == PARA_EXPORTED_MAX
        ? "has no room for exported sessions, headers of up to 16 KB: write "
          "\"large_client_header_buffers 4 32k;\""
        : "has no room for a JWT of 4 KB and a session: write "
          "\"large_client_header_buffers 4 8k;\"");
}
