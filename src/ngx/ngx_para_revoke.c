#include "ngx_para_revoke.h"
#include "ngx_para_revoke_file.h"
#include "ngx_para_revoke_zone.h"


typedef struct {
    ngx_para_revoke_t  *revoke;
    time_t              now;
    ngx_uint_t          from;         /* of ngx_para_revoke_zone_copy() */
} ngx_para_revoke_work_t;


static ngx_int_t ngx_para_revoke_name(ngx_conf_t *cf, ngx_str_t *path,
    const ngx_str_t *state_path, const ngx_str_t *name, const char *suffix);
static ngx_int_t ngx_para_revoke_add_zone(ngx_conf_t *cf,
    ngx_para_revoke_t *revoke, const ngx_str_t *name, void *tag);
static ngx_int_t ngx_para_revoke_init_zone(ngx_shm_zone_t *zone, void *data);
static void ngx_para_revoke_file(ngx_para_revoke_t *revoke,
    ngx_para_revoke_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_para_revoke_load(ngx_para_revoke_t *revoke,
    ngx_para_revoke_file_t *file);
static void ngx_para_revoke_compact(ngx_para_revoke_t *revoke,
    ngx_para_revoke_file_t *file, const ngx_para_revoke_file_lines_t *lines,
    ngx_para_revoke_work_t *work);
static ngx_int_t ngx_para_revoke_take(void *data,
    para_revocation_t *revocation);
static ngx_uint_t ngx_para_revoke_give(void *data,
    para_revocation_t *revocation, ngx_uint_t n);
static ngx_int_t ngx_para_revoke_save(ngx_para_revoke_t *revoke,
    ngx_para_revoke_file_t *file, const para_revocation_t *revocation);


ngx_para_revoke_t *
ngx_para_revoke_add(ngx_conf_t *cf, const ngx_str_t *name,
    const ngx_str_t *state_path, size_t size, void *tag)
{
    ngx_para_revoke_t  *revoke;

    revoke = ngx_pcalloc(cf->pool, sizeof(ngx_para_revoke_t));
    if (revoke == NULL) {
        return NULL;
    }

    revoke->size = size;
    revoke->cycle = cf->cycle;

    if (ngx_para_revoke_name(cf, &revoke->file, state_path, name, "list")
        != NGX_OK
        || ngx_para_revoke_name(cf, &revoke->temp, state_path, name, "new")
           != NGX_OK
        || ngx_para_revoke_add_zone(cf, revoke, name, tag) != NGX_OK)
    {
        return NULL;
    }

    return revoke;
}


static ngx_int_t
ngx_para_revoke_name(ngx_conf_t *cf, ngx_str_t *path,
    const ngx_str_t *state_path, const ngx_str_t *name, const char *suffix)
{
    path->len = state_path->len + sizeof("/revoked-.") - 1 + name->len
                + ngx_strlen(suffix);

    path->data = ngx_pnalloc(cf->pool, path->len + 1);
    if (path->data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(path->data, "%V/revoked-%V.%s%Z", state_path, name, suffix);

    return NGX_OK;
}


/* The colon is what no name in para_auth_zone can have. */

static ngx_int_t
ngx_para_revoke_add_zone(ngx_conf_t *cf, ngx_para_revoke_t *revoke,
    const ngx_str_t *name, void *tag)
{
    ngx_str_t  zone;

    zone.len = sizeof("para_auth_revoke:") - 1 + name->len;

    zone.data = ngx_pnalloc(cf->pool, zone.len);
    if (zone.data == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(zone.data, "para_auth_revoke:%V", name);

    revoke->zone = ngx_shared_memory_add(cf, &zone, revoke->size, tag);
    if (revoke->zone == NULL) {
        return NGX_ERROR;
    }

    revoke->zone->init = ngx_para_revoke_init_zone;
    revoke->zone->data = revoke;

    return NGX_OK;
}


/*
 * A reload finds everything there, but the file may have lines of another
 * process: of the binary that this one takes over from.
 */

static ngx_int_t
ngx_para_revoke_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_int_t                rc;
    ngx_uint_t               create;
    ngx_para_revoke_t       *revoke;
    ngx_para_revoke_file_t   file;

    revoke = zone->data;

    if (ngx_para_revoke_zone_open(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_para_revoke_file(revoke, &file, zone->shm.log);

    /* also one that somebody removed, who believed to let all in again */

    create = ngx_para_revoke_zone_unsaved(zone)
             || ngx_para_revoke_zone_count(zone, ngx_time());

    rc = ngx_para_revoke_file_open(&file, create);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc == NGX_OK) {
        rc = ngx_para_revoke_load(revoke, &file);
        ngx_para_revoke_file_close(&file);
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "para_auth: the revocations in \"%V\" cannot be read: "
                      "without them, who was ended would be let in again. "
                      "Mend the file, or remove it to begin anew",
                      &revoke->file);
    }

    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_para_revoke_file(ngx_para_revoke_t *revoke, ngx_para_revoke_file_t *file,
    ngx_log_t *log)
{
    ngx_memzero(file, sizeof(ngx_para_revoke_file_t));

    file->path = revoke->file;
    file->temp = revoke->temp;
    file->log = log;
}


/* NGX_DECLINED if there is no room for them, which is logged. */

static ngx_int_t
ngx_para_revoke_load(ngx_para_revoke_t *revoke, ngx_para_revoke_file_t *file)
{
    ngx_int_t                     rc;
    ngx_para_revoke_work_t        work;
    ngx_para_revoke_file_lines_t  lines;

    ngx_memzero(&work, sizeof(ngx_para_revoke_work_t));

    work.revoke = revoke;
    work.now = ngx_time();

    rc = ngx_para_revoke_file_read(file, &lines, ngx_para_revoke_take, &work);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_EMERG, file->log, 0,
                      "para_auth: there is no room for all revocations in "
                      "\"%V\": give para_auth_revoke a \"size=\" of more than "
                      "%uzk", &revoke->file, revoke->size / 1024);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (lines.bad) {
        ngx_log_error(NGX_LOG_ERR, file->log, 0,
                      "para_auth: \"%V\" has %ui lines that are no "
                      "revocations, which end nobody: mend or remove them",
                      &revoke->file, lines.bad);
        return NGX_OK;
    }

    ngx_para_revoke_compact(revoke, file, &lines, &work);

    return NGX_OK;
}


/*
 * Without what has ended or is there twice.  "nginx -t" changes nothing: its
 * list is its own.  A file that cannot be replaced is as good as before.
 */

static void
ngx_para_revoke_compact(ngx_para_revoke_t *revoke,
    ngx_para_revoke_file_t *file, const ngx_para_revoke_file_lines_t *lines,
    ngx_para_revoke_work_t *work)
{
    ngx_uid_t         owner;
    ngx_core_conf_t  *ccf;

    if (ngx_test_config) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(revoke->cycle->conf_ctx,
                                           ngx_core_module);

    owner = geteuid() == 0 ? ccf->user : file->owner;

    if (lines->lines == ngx_para_revoke_zone_count(revoke->zone, work->now)
        && !lines->torn && owner == file->owner
        && !ngx_para_revoke_zone_unsaved(revoke->zone))
    {
        return;
    }

    if (ngx_para_revoke_file_rewrite(file, owner, ngx_para_revoke_give, work)
        == NGX_OK)
    {
        ngx_para_revoke_zone_set_unsaved(revoke->zone, 0);
    }
}


static ngx_int_t
ngx_para_revoke_take(void *data, para_revocation_t *revocation)
{
    ngx_para_revoke_work_t *work = data;

    if (revocation->end <= work->now) {
        return NGX_OK;
    }

    return ngx_para_revoke_zone_put(work->revoke->zone, revocation, work->now);
}


static ngx_uint_t
ngx_para_revoke_give(void *data, para_revocation_t *revocation, ngx_uint_t n)
{
    ngx_para_revoke_work_t *work = data;

    return ngx_para_revoke_zone_copy(work->revoke->zone, &work->from,
                                     revocation, n, work->now);
}


/*
 * A file that is new or was emptied has lost what the zone still knows, with
 * this one among it.
 */

static ngx_int_t
ngx_para_revoke_save(ngx_para_revoke_t *revoke, ngx_para_revoke_file_t *file,
    const para_revocation_t *revocation)
{
    ngx_para_revoke_work_t  work;

    ngx_memzero(&work, sizeof(ngx_para_revoke_work_t));

    work.revoke = revoke;
    work.now = ngx_time();

    if (file->size != 0
        || ngx_para_revoke_zone_count(revoke->zone, work.now) <= 1)
    {
        return ngx_para_revoke_file_append(file, revocation);
    }

    return ngx_para_revoke_file_rewrite(file, file->owner,
                                        ngx_para_revoke_give, &work);
}


ngx_para_revoke_e
ngx_para_revoke_put(ngx_para_revoke_t *revoke, para_revocation_t *revocation,
    ngx_log_t *log)
{
    ngx_err_t               err;
    ngx_int_t               rc;
    ngx_para_revoke_file_t  file;

    /* first the zone: a file with more than fits could not be loaded */

    if (ngx_para_revoke_zone_put(revoke->zone, revocation, ngx_time())
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: no room for another revocation: give "
                      "para_auth_revoke a \"size=\" of more than %uzk",
                      revoke->size / 1024);
        return NGX_PARA_REVOKE_FULL;
    }

    ngx_para_revoke_file(revoke, &file, log);

    rc = ngx_para_revoke_file_open(&file, 1);
    err = ngx_errno;

    if (rc == NGX_OK) {
        rc = ngx_para_revoke_save(revoke, &file, revocation);
        err = ngx_errno;
        ngx_para_revoke_file_close(&file);
    }

    if (rc == NGX_OK) {
        return NGX_PARA_REVOKE_DONE;
    }

    ngx_para_revoke_zone_set_unsaved(revoke->zone, 1);

    return err == NGX_ENOSPC || err == EDQUOT ? NGX_PARA_REVOKE_NO_SPACE
                                              : NGX_PARA_REVOKE_UNSAVED;
}
