/*
 * Notes of what other modules' directives say, and where.
 *
 * What a configuration does to a protected location stands in directives of
 * other modules, and they keep no file and line; most keep their structures to
 * themselves, too.  nginx gives a directive to one module only, the first that
 * has it, keeps the text of the files with -T only, and cannot read a block a
 * second time without the modules that know it.  So, while http{} is read, each
 * module that has a directive of interest shows a copy of its table, in which
 * these directives lead here: the directive is noted, and given to its module
 * as it would have been.  The module's own table is never written to.
 */

#ifndef NGX_PARA_OBSERVE_H
#define NGX_PARA_OBSERVE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* A directive of an http module, by both names: others have such directives. */

typedef struct {
    const char     *module;
    const char     *directive;
} ngx_para_observed_t;


typedef struct {
    ngx_str_t      *value;     /* of the directive: its name, its arguments */
    ngx_uint_t      n;         /* how many these are */
    u_char         *file;
    ngx_uint_t      line;
    void           *level;     /* the owner's location configuration there */
    ngx_uint_t      order;     /* in which they were read */
} ngx_para_note_t;


typedef struct {
    ngx_module_t   *owner;     /* whose configuration tells levels apart */
    ngx_array_t     notes;     /* of ngx_para_note_t, by level and order when
                                  all are read */
    ngx_array_t     tables;    /* that are shown in place of the modules' */
} ngx_para_observe_t;


/*
 * To be called in preconfiguration, with what is of interest and NULL behind:
 * NGX_OK or NGX_ERROR.  It ends with the second one, or, if the configuration
 * fails, with cf->temp_pool, which the notes are in.
 */
ngx_int_t ngx_para_observe_start(ngx_conf_t *cf, ngx_para_observe_t *observe,
    ngx_module_t *owner, const ngx_para_observed_t *of);
void ngx_para_observe_stop(ngx_para_observe_t *observe);


#endif /* NGX_PARA_OBSERVE_H */
