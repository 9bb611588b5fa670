/*
 * What is allowed, but hardly meant: warnings about a configuration, with the
 * file and the line of the directive, and with what to write.  The rules and
 * what they look at; nothing of this is there when requests are served.
 */

#ifndef NGX_HTTP_PARA_AUTH_LINT_H
#define NGX_HTTP_PARA_AUTH_LINT_H

#include "ngx_http_para_auth.h"


typedef struct {
    ngx_conf_t                       *cf;
    ngx_http_para_auth_main_conf_t   *mcf;
    ngx_array_t                       shown;   /* ngx_str_t: variables that
                                                  show an identity, made of
                                                  ours */
    ngx_array_t                       said;    /* so that nothing is twice */

    /* what is looked at */
    ngx_http_core_srv_conf_t         *cscf;
    ngx_http_para_auth_loc_conf_t    *server;  /* its own level */
} ngx_http_para_auth_lint_t;


/* lcf is a level that is protected. */

typedef void (*ngx_http_para_auth_lint_pt)(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);


/* The next one of this name on just this level; note is NULL at first. */
const ngx_para_note_t *ngx_http_para_auth_lint_next(
    const ngx_http_para_auth_lint_t *lint, const ngx_para_note_t *note,
    const void *level, const char *name);

/*
 * The first one of this name on the nearest level that has any: what counts for
 * lcf, as most directives are inherited; NULL if there is none.
 */
const ngx_para_note_t *ngx_http_para_auth_lint_find(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf, const char *name);

/* The same, NULL also if it says "off". */
const ngx_para_note_t *ngx_http_para_auth_lint_on(
    const ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf, const char *name);

/* 1 if a text has one of our variables, or one that a map makes of them. */
ngx_uint_t ngx_http_para_auth_lint_shows(
    const ngx_http_para_auth_lint_t *lint, const ngx_str_t *text);

/* The location of an if or limit_except in it; else the level itself. */
const ngx_http_para_auth_loc_conf_t *ngx_http_para_auth_lint_place(
    const ngx_http_para_auth_loc_conf_t *level);

/* Once for each text and place. */
void ngx_http_para_auth_lint_warn(ngx_http_para_auth_lint_t *lint,
    const char *directive, u_char *file, ngx_uint_t line, const char *text);
void ngx_http_para_auth_lint_warn_note(ngx_http_para_auth_lint_t *lint,
    const ngx_para_note_t *note, const char *text);


/* Who answers, and who may ask: ngx_http_para_auth_lint_access.c */

/* Both of a server that has a protected level. */
void ngx_http_para_auth_lint_answers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf);
void ngx_http_para_auth_lint_subrequests(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_srv_conf_t *scf);

void ngx_http_para_auth_lint_basic(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
void ngx_http_para_auth_lint_revoke(ngx_http_para_auth_lint_t *lint);

/* What the application gets: ngx_http_para_auth_lint_upstream.c */

void ngx_http_para_auth_lint_upstream(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);

/* Values: ngx_http_para_auth_lint_values.c */

void ngx_http_para_auth_lint_match(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
void ngx_http_para_auth_lint_dry_run(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
void ngx_http_para_auth_lint_valid(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
void ngx_http_para_auth_lint_buffers(ngx_http_para_auth_lint_t *lint,
    const ngx_http_para_auth_loc_conf_t *lcf);
void ngx_http_para_auth_lint_secrets(ngx_http_para_auth_lint_t *lint);


#endif /* NGX_HTTP_PARA_AUTH_LINT_H */
