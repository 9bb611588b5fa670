#include "ngx_para_keys_file.h"
#include "../core/para_keyfile.h"


static ngx_int_t ngx_para_keys_file_check_directory(ngx_conf_t *cf,
    ngx_str_t *path);
static ngx_uint_t ngx_para_keys_file_has_others(ngx_str_t *path);
static ssize_t ngx_para_keys_file_load(const ngx_str_t *path, u_char *text,
    size_t size, ngx_log_t *log);
static const char *ngx_para_keys_file_save(u_char *name, const u_char *text,
    size_t size, ngx_err_t *err);


char *
ngx_para_keys_file_directory(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_path_t  *dir;

    if (path->len == 0) {
        return "takes a directory";
    }

    if (path->len > 1 && path->data[path->len - 1] == '/') {
        path->data[--path->len] = '\0';
    }

    if (ngx_conf_full_name(cf->cycle, path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_para_keys_file_check_directory(cf, path) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    dir = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
    if (dir == NULL) {
        return NGX_CONF_ERROR;
    }

    dir->name = *path;
    dir->conf_file = cf->conf_file->file.name.data;
    dir->line = cf->conf_file->line;

    return ngx_add_path(cf, &dir) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * nginx gives the directory to the user of its workers: it must not be one that
 * has another use.
 */

static ngx_int_t
ngx_para_keys_file_check_directory(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(path->data, &fi) == NGX_FILE_ERROR) {
        return NGX_OK;
    }

    if (!ngx_is_dir(&fi) || (fi.st_mode & 0077)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "state_path \"%V\" is not a directory of mode 0700: "
                           "who can write there decides whose tokens are good. "
                           "Name one that nginx can make, or \"chmod 0700\" "
                           "one that has no other use", path);
        return NGX_ERROR;
    }

    if (ngx_para_keys_file_has_others(path)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "state_path \"%V\" has files that are not ours, and "
                           "would be given to the user of the workers: name a "
                           "directory that nginx can make, or an empty one",
                           path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_para_keys_file_has_others(ngx_str_t *path)
{
    u_char      *name;
    ngx_dir_t    dir;
    ngx_uint_t   others;

    if (ngx_open_dir(path, &dir) == NGX_ERROR) {
        return 1;
    }

    others = 0;

    while (!others && ngx_read_dir(&dir) == NGX_OK) {
        name = ngx_de_name(&dir);

        others = ngx_strcmp(name, ".") != 0 && ngx_strcmp(name, "..") != 0
                 && ngx_strstr(name, ".jwks") == NULL
                 && ngx_strncmp(name, "revoked-", 8) != 0;
    }

    (void) ngx_close_dir(&dir);

    return others;
}


ngx_int_t
ngx_para_keys_file_read(const ngx_str_t *path, const ngx_str_t *url,
    ngx_str_t *text, time_t *fetched, ngx_log_t *log)
{
    u_char          *buf;
    ssize_t          n;
    ngx_int_t        rc;
    const char      *why;
    para_keyfile_t   file;

    buf = ngx_alloc(PARA_KEYFILE_MAX_SIZE, log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    n = ngx_para_keys_file_load(path, buf, PARA_KEYFILE_MAX_SIZE, log);

    if (n < 0) {
        rc = n;
        goto done;
    }

    rc = NGX_ERROR;

    why = para_keyfile_parse(&file, para_span(buf, n),
                             para_span(url->data, url->len), ngx_time());

    if (why) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: \"%V\" is not used: %s", path, why);
        goto done;
    }

    ngx_memcpy(text->data, file.jwks.data, file.jwks.len);
    text->len = file.jwks.len;
    *fetched = (time_t) file.fetched;

    rc = NGX_OK;

done:

    ngx_free(buf);

    return rc;
}


const char *
ngx_para_keys_file_write(const ngx_str_t *path, const ngx_str_t *url,
    const ngx_str_t *text, time_t fetched, ngx_err_t *err, ngx_log_t *log)
{
    u_char          *buf, *name;
    size_t           size;
    const char      *failed;
    para_keyfile_t   file;

    *err = 0;
    failed = "malloc()";

    buf = ngx_alloc(PARA_KEYFILE_MAX_SIZE, log);
    name = ngx_alloc(path->len + sizeof(".new"), log);

    if (buf == NULL || name == NULL) {
        goto done;
    }

    file.url = para_span(url->data, url->len);
    file.fetched = fetched;
    file.jwks = para_span(text->data, text->len);

    size = para_keyfile_write(buf, PARA_KEYFILE_MAX_SIZE, &file);
    if (size == 0) {
        failed = "SHA-256";
        goto done;
    }

    ngx_sprintf(name, "%V.new%Z", path);

    failed = ngx_para_keys_file_save(name, buf, size, err);

    if (failed == NULL && ngx_rename_file(name, path->data) == NGX_FILE_ERROR)
    {
        *err = ngx_errno;
        failed = ngx_rename_file_n;
    }

done:

    if (buf) {
        ngx_free(buf);
    }

    if (name) {
        ngx_free(name);
    }

    return failed;
}


/* The bytes read, or NGX_DECLINED, NGX_ERROR. */

static ssize_t
ngx_para_keys_file_load(const ngx_str_t *path, u_char *text, size_t size,
    ngx_log_t *log)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    /* a worker's directory, and the reader is root: nothing is followed */

    fd = open((const char *) path->data, O_RDONLY|O_NOFOLLOW|O_NONBLOCK);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      ngx_open_file_n " \"%V\" failed", path);
        return NGX_ERROR;
    }

    n = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: \"%V\" is no regular file and not used",
                      path);

    } else {
        n = ngx_read_fd(fd, text, size);

        if (n == -1) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          ngx_read_fd_n " \"%V\" failed", path);
            n = NGX_ERROR;
        }
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", path);
    }

    return n;
}


/*
 * Not synchronized to the disk, which could take long: a file that a power cut
 * has torn is known by its digest.
 */

static const char *
ngx_para_keys_file_save(u_char *name, const u_char *text, size_t size,
    ngx_err_t *err)
{
    ssize_t      n;
    ngx_fd_t     fd;
    const char  *failed;

    fd = open((const char *) name, O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW, 0600);

    if (fd == NGX_INVALID_FILE) {
        *err = ngx_errno;
        return ngx_open_file_n;
    }

    failed = NULL;

    n = ngx_write_fd(fd, (void *) text, size);

    if (n != (ssize_t) size) {
        *err = n == -1 ? ngx_errno : NGX_ENOSPC;
        failed = ngx_write_fd_n;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR && failed == NULL) {
        *err = ngx_errno;
        failed = ngx_close_file_n;
    }

    return failed;
}
