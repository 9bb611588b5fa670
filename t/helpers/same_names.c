/*
 * A module of nginx with directives that others have too: in http{}, and in a
 * block of its own, as stream{} is one.  It says on stderr
 *
 *   same_names: own       when it was given a directive, as it should be
 *   same_names: changed   when a module's table of directives is not what it
 *                         was when this was loaded, where it should be
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define SAME_NAMES_MODULE  0x454d4153           /* "SAME" */
#define SAME_NAMES_CONF    0x40000000
#define SAME_NAMES_MAX     256


static char *same_names_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *same_names_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *same_names_create_main_conf(ngx_conf_t *cf);
static ngx_int_t same_names_init_module(ngx_cycle_t *cycle);


static struct {
    ngx_module_t   *module;
    ngx_command_t  *commands;
} same_names[SAME_NAMES_MAX];


static ngx_command_t  same_names_http_commands[] = {

    { ngx_string("return"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      same_names_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      1234,
      &same_names },

    { ngx_string("proxy_set_header"),
      NGX_HTTP_UPS_CONF|NGX_CONF_TAKE1,
      same_names_set,
      NGX_HTTP_SRV_CONF_OFFSET,
      1234,
      &same_names },

      ngx_null_command
};


static ngx_http_module_t  same_names_http_ctx = {
    NULL,
    NULL,
    same_names_create_main_conf,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
};


ngx_module_t  same_names_http_module = {
    NGX_MODULE_V1,
    &same_names_http_ctx,
    same_names_http_commands,
    NGX_HTTP_MODULE,
    NULL,
    same_names_init_module,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


static ngx_command_t  same_names_core_commands[] = {

    { ngx_string("same_names"),
      NGX_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      same_names_block,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  same_names_core_ctx = {
    ngx_string("same_names"),
    NULL,
    NULL
};


ngx_module_t  same_names_core_module = {
    NGX_MODULE_V1,
    &same_names_core_ctx,
    same_names_core_commands,
    NGX_CORE_MODULE,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


static ngx_command_t  same_names_block_commands[] = {

    { ngx_string("return"),
      SAME_NAMES_CONF|NGX_CONF_TAKE1,
      same_names_set,
      0,
      1234,
      &same_names },

    { ngx_string("proxy_pass"),
      SAME_NAMES_CONF|NGX_CONF_TAKE1,
      same_names_set,
      0,
      1234,
      &same_names },

      ngx_null_command
};


ngx_module_t  same_names_block_module = {
    NGX_MODULE_V1,
    NULL,
    same_names_block_commands,
    SAME_NAMES_MODULE,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = {
    &same_names_core_module,
    &same_names_block_module,
    &same_names_http_module,
    NULL
};


char  *ngx_module_names[] = {
    "same_names_core_module",
    "same_names_block_module",
    "same_names_http_module",
    NULL
};


char  *ngx_module_order[] = {
    NULL
};


static char *
same_names_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "refuse") == 0) {
        return "is refused by its own module";
    }

    if (cmd->offset == 1234 && cmd->post == &same_names
        && cmd->set == same_names_set)
    {
        ngx_log_stderr(0, "same_names: own %V", &value[0]);
    }

    return NGX_CONF_OK;
}


static char *
same_names_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char        *rv;
    ngx_conf_t   save;

    save = *cf;

    cf->ctx = NULL;
    cf->module_type = SAME_NAMES_MODULE;
    cf->cmd_type = SAME_NAMES_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static void
same_names_check(ngx_module_t **modules)
{
    ngx_uint_t  i, n;

    for (i = 0; modules[i]; i++) {

        for (n = 0; same_names[n].module; n++) {

            if (same_names[n].module == modules[i]) {

                if (same_names[n].commands != modules[i]->commands) {
                    ngx_log_stderr(0, "same_names: changed %s",
                                   modules[i]->name);
                }

                break;
            }
        }

        same_names[n].module = modules[i];
        same_names[n].commands = modules[i]->commands;
    }
}


static void *
same_names_create_main_conf(ngx_conf_t *cf)
{
    same_names_check(cf->cycle->modules);

    return ngx_pcalloc(cf->pool, 1);
}


static ngx_int_t
same_names_init_module(ngx_cycle_t *cycle)
{
    same_names_check(cycle->modules);

    return NGX_OK;
}
