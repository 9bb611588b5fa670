#include "ngx_para_observe.h"


typedef struct {
    ngx_module_t        *module;
    ngx_command_t       *commands;    /* its own */
} ngx_para_observe_table_t;


/* Of a directive of interest: ->post of the command that stands for it. */

typedef struct {
    ngx_para_observe_t  *observe;
    ngx_command_t       *command;     /* the module's own */
} ngx_para_observe_command_t;


static void ngx_para_observe_restore(void *data);
static int ngx_libc_cdecl ngx_para_observe_compare(const void *one,
    const void *two);
static ngx_int_t ngx_para_observe_module(ngx_conf_t *cf,
    ngx_para_observe_t *observe, ngx_module_t *module,
    const ngx_para_observed_t *of);
static ngx_uint_t ngx_para_observe_wants(const ngx_para_observed_t *of,
    const ngx_module_t *module, const ngx_command_t *command);
static ngx_int_t ngx_para_observe_replace(ngx_conf_t *cf,
    ngx_para_observe_t *observe, ngx_command_t *copy, ngx_command_t *command);
static char *ngx_para_observe_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_para_observe_note(ngx_conf_t *cf,
    ngx_para_observe_t *observe);


ngx_int_t
ngx_para_observe_start(ngx_conf_t *cf, ngx_para_observe_t *observe,
    ngx_module_t *owner, const ngx_para_observed_t *of)
{
    ngx_uint_t           i;
    ngx_module_t       **modules;
    ngx_pool_cleanup_t  *cln;

    observe->owner = owner;

    if (ngx_array_init(&observe->notes, cf->temp_pool, 64,
                       sizeof(ngx_para_note_t))
        != NGX_OK
        || ngx_array_init(&observe->tables, cf->temp_pool, 16,
                          sizeof(ngx_para_observe_table_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* this pool goes first: all modules are still loaded then */

    cln = ngx_pool_cleanup_add(cf->temp_pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_para_observe_restore;
    cln->data = observe;

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {
        if (modules[i]->commands
            && ngx_para_observe_module(cf, observe, modules[i], of) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_para_observe_stop(ngx_para_observe_t *observe)
{
    ngx_para_observe_restore(observe);

    ngx_qsort(observe->notes.elts, observe->notes.nelts,
              sizeof(ngx_para_note_t), ngx_para_observe_compare);
}


static void
ngx_para_observe_restore(void *data)
{
    ngx_para_observe_t *observe = data;

    ngx_uint_t                 i;
    ngx_para_observe_table_t  *table;

    table = observe->tables.elts;

    for (i = 0; i < observe->tables.nelts; i++) {
        table[i].module->commands = table[i].commands;
    }

    /* the next configuration may be another's to observe */

    observe->tables.nelts = 0;
}


static int ngx_libc_cdecl
ngx_para_observe_compare(const void *one, const void *two)
{
    const ngx_para_note_t *first = one;
    const ngx_para_note_t *second = two;

    if (first->level != second->level) {
        return (uintptr_t) first->level < (uintptr_t) second->level ? -1 : 1;
    }

    return first->order < second->order ? -1 : 1;
}


static ngx_int_t
ngx_para_observe_module(ngx_conf_t *cf, ngx_para_observe_t *observe,
    ngx_module_t *module, const ngx_para_observed_t *of)
{
    ngx_uint_t                 i, n, wanted;
    ngx_command_t             *copy, *commands;
    ngx_para_observe_table_t  *table;

    commands = module->commands;
    wanted = 0;

    for (n = 0; commands[n].name.len; n++) {
        wanted |= ngx_para_observe_wants(of, module, &commands[n]);
    }

    if (!wanted) {
        return NGX_OK;
    }

    /* with the empty one at its end */

    copy = ngx_palloc(cf->temp_pool, (n + 1) * sizeof(ngx_command_t));
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, commands, (n + 1) * sizeof(ngx_command_t));

    for (i = 0; i < n; i++) {
        if (ngx_para_observe_wants(of, module, &commands[i])
            && ngx_para_observe_replace(cf, observe, &copy[i], &commands[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    table = ngx_array_push(&observe->tables);
    if (table == NULL) {
        return NGX_ERROR;
    }

    table->module = module;
    table->commands = commands;

    module->commands = copy;

    return NGX_OK;
}


static ngx_uint_t
ngx_para_observe_wants(const ngx_para_observed_t *of,
    const ngx_module_t *module, const ngx_command_t *command)
{
    for ( /* void */ ; of->module; of++) {
        if (ngx_strcmp(module->name, of->module) == 0
            && ngx_strcmp(command->name.data, of->directive) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_para_observe_replace(ngx_conf_t *cf, ngx_para_observe_t *observe,
    ngx_command_t *copy, ngx_command_t *command)
{
    ngx_para_observe_command_t  *own;

    own = ngx_palloc(cf->temp_pool, sizeof(ngx_para_observe_command_t));
    if (own == NULL) {
        return NGX_ERROR;
    }

    own->observe = observe;
    own->command = command;

    copy->set = ngx_para_observe_set;
    copy->post = own;

    return NGX_OK;
}


static char *
ngx_para_observe_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_para_observe_command_t  *own;

    own = cmd->post;

    /* before its module: a block reuses cf->args for what is in it */

    if (ngx_para_observe_note(cf, own->observe) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return own->command->set(cf, own->command, conf);
}


static ngx_int_t
ngx_para_observe_note(ngx_conf_t *cf, ngx_para_observe_t *observe)
{
    size_t            size;
    ngx_para_note_t  *note;

    note = ngx_array_push(&observe->notes);
    if (note == NULL) {
        return NGX_ERROR;
    }

    /* the array is used again for the next directive, its strings are not */

    size = cf->args->nelts * sizeof(ngx_str_t);

    note->value = ngx_palloc(cf->temp_pool, size);
    if (note->value == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(note->value, cf->args->elts, size);

    note->order = observe->notes.nelts;
    note->n = cf->args->nelts;
    note->file = cf->conf_file->file.name.data;
    note->line = cf->conf_file->line;
    note->level = ((ngx_http_conf_ctx_t *) cf->ctx)
                      ->loc_conf[observe->owner->ctx_index];

    return NGX_OK;
}
