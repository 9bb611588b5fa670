#include "ngx_para_revoke_file.h"


#define NGX_PARA_REVOKE_FILE_BUFFER  65536
#define NGX_PARA_REVOKE_FILE_BATCH   64         /* entries at a time */
#define NGX_PARA_REVOKE_FILE_TRIES   100        /* for the lock */
#define NGX_PARA_REVOKE_FILE_PAUSE   5          /* ms between them */


static ngx_int_t ngx_para_revoke_file_lock(ngx_para_revoke_file_t *file);
static ngx_int_t ngx_para_revoke_file_check(ngx_para_revoke_file_t *file);
static ngx_int_t ngx_para_revoke_file_parse(para_span_t text,
    ngx_para_revoke_file_lines_t *lines, ngx_para_revoke_file_take_pt take,
    void *data);
static ngx_int_t ngx_para_revoke_file_fill(ngx_fd_t fd, ngx_uid_t owner,
    ngx_para_revoke_file_give_pt give, void *data);


ngx_int_t
ngx_para_revoke_file_open(ngx_para_revoke_file_t *file, ngx_uint_t create)
{
    int         flags;
    ngx_err_t   err;
    ngx_int_t   rc;
    ngx_uint_t  tries;

    /* a worker's directory, and root reads it too: nothing is followed */

    flags = O_RDWR|O_APPEND|O_NOFOLLOW|O_NONBLOCK|(create ? O_CREAT : 0);

    rc = NGX_AGAIN;

    for (tries = 0; tries < NGX_PARA_REVOKE_FILE_TRIES; tries++) {

        file->fd = open((const char *) file->path.data, flags, 0600);

        if (file->fd == NGX_INVALID_FILE) {

            if (ngx_errno == NGX_ENOENT && !create) {
                return NGX_DECLINED;
            }

            ngx_log_error(NGX_LOG_CRIT, file->log, ngx_errno,
                          ngx_open_file_n " \"%V\" failed", &file->path);
            return NGX_ERROR;
        }

        rc = ngx_para_revoke_file_lock(file);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        err = ngx_errno;
        ngx_para_revoke_file_close(file);
        ngx_set_errno(err);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_msleep(NGX_PARA_REVOKE_FILE_PAUSE);
    }

    ngx_log_error(NGX_LOG_CRIT, file->log, 0,
                  "para_auth: \"%V\" is locked by another process",
                  &file->path);
    ngx_set_errno(NGX_EAGAIN);

    return NGX_ERROR;
}


/* NGX_AGAIN: it is another's, or has been replaced meanwhile. */

static ngx_int_t
ngx_para_revoke_file_lock(ngx_para_revoke_file_t *file)
{
    ngx_err_t        err;
    ngx_file_info_t  opened, named;

    if (ngx_para_revoke_file_check(file) != NGX_OK) {
        return NGX_ERROR;
    }

    err = ngx_trylock_fd(file->fd);

    if (err == NGX_EAGAIN || err == NGX_EACCES) {
        return NGX_AGAIN;
    }

    if (err) {
        ngx_log_error(NGX_LOG_CRIT, file->log, err,
                      ngx_trylock_fd_n " \"%V\" failed", &file->path);
        ngx_set_errno(err);
        return NGX_ERROR;
    }

    if (ngx_fd_info(file->fd, &opened) == NGX_FILE_ERROR
        || ngx_link_info(file->path.data, &named) == NGX_FILE_ERROR
        || opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
    {
        return NGX_AGAIN;
    }

    file->size = ngx_file_size(&opened);
    file->owner = opened.st_uid;

    return NGX_OK;
}


static ngx_int_t
ngx_para_revoke_file_check(ngx_para_revoke_file_t *file)
{
    ngx_file_info_t  fi;

    if (ngx_fd_info(file->fd, &fi) != NGX_FILE_ERROR && ngx_is_file(&fi)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_CRIT, file->log, 0,
                  "para_auth: \"%V\" is no regular file", &file->path);
    ngx_set_errno(NGX_EINVAL);

    return NGX_ERROR;
}


void
ngx_para_revoke_file_close(ngx_para_revoke_file_t *file)
{
    /* gives the lock back */

    if (ngx_close_file(file->fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, file->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file->path);
    }

    file->fd = NGX_INVALID_FILE;
}


/*
 * This waits for the disk: it is an operator who asks, and what he is told to
 * be done must be.
 */

ngx_int_t
ngx_para_revoke_file_append(ngx_para_revoke_file_t *file,
    const para_revocation_t *revocation)
{
    size_t     size;
    u_char     line[1 + PARA_REVOCATION_LINE_MAX];
    ssize_t    n;
    ngx_err_t  err;

    /* the last one may have been torn off */

    line[0] = LF;
    size = 1 + para_revocation_write(line + 1, revocation);

    n = ngx_write_fd(file->fd, line, size);

    if (n == (ssize_t) size && fsync(file->fd) == 0) {
        return NGX_OK;
    }

    err = n >= 0 && n != (ssize_t) size ? NGX_ENOSPC : ngx_errno;

    ngx_log_error(NGX_LOG_CRIT, file->log, err,
                  "para_auth: a revocation cannot be written to \"%V\"",
                  &file->path);

    if (n > 0 && n != (ssize_t) size
        && ftruncate(file->fd, file->size) == -1)
    {
        ngx_log_error(NGX_LOG_CRIT, file->log, ngx_errno,
                      "ftruncate() \"%V\" failed", &file->path);
    }

    ngx_set_errno(err);

    return NGX_ERROR;
}


ngx_int_t
ngx_para_revoke_file_read(ngx_para_revoke_file_t *file,
    ngx_para_revoke_file_lines_t *lines, ngx_para_revoke_file_take_pt take,
    void *data)
{
    u_char     *p, *buf;
    size_t      kept, whole;
    ssize_t     n;
    ngx_int_t   rc;

    ngx_memzero(lines, sizeof(ngx_para_revoke_file_lines_t));

    buf = ngx_alloc(NGX_PARA_REVOKE_FILE_BUFFER, file->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    for (rc = NGX_OK, kept = 0; rc == NGX_OK; /* void */ ) {

        n = ngx_read_fd(file->fd, buf + kept,
                        NGX_PARA_REVOKE_FILE_BUFFER - kept);

        if (n == -1) {
            ngx_log_error(NGX_LOG_CRIT, file->log, ngx_errno,
                          ngx_read_fd_n " \"%V\" failed", &file->path);
            rc = NGX_ERROR;
            break;
        }

        if (n == 0) {
            lines->torn = (kept != 0);
            break;
        }

        kept += n;

        for (p = buf + kept; p != buf && p[-1] != LF; p--) { /* void */ }

        whole = p - buf;

        if (whole == 0 && kept == NGX_PARA_REVOKE_FILE_BUFFER) {
            lines->bad++;
            kept = 0;
            continue;
        }

        rc = ngx_para_revoke_file_parse(para_span(buf, whole), lines, take,
                                        data);

        kept -= whole;
        ngx_memmove(buf, p, kept);
    }

    ngx_free(buf);

    return rc;
}


static ngx_int_t
ngx_para_revoke_file_parse(para_span_t text,
    ngx_para_revoke_file_lines_t *lines, ngx_para_revoke_file_take_pt take,
    void *data)
{
    int                found;
    ngx_int_t          rc;
    para_revocation_t  revocation;

    for ( ;; ) {

        found = para_revocation_read(&revocation, &text);

        if (found == 0) {
            return NGX_OK;
        }

        if (found < 0) {
            lines->bad++;
            continue;
        }

        lines->lines++;

        rc = take(data, &revocation);
        if (rc != NGX_OK) {
            return rc;
        }
    }
}


ngx_int_t
ngx_para_revoke_file_rewrite(ngx_para_revoke_file_t *file, ngx_uid_t owner,
    ngx_para_revoke_file_give_pt give, void *data)
{
    ngx_fd_t   fd;
    ngx_err_t  err;
    ngx_int_t  rc;

    (void) ngx_delete_file(file->temp.data);

    fd = open((const char *) file->temp.data,
              O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, 0600);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;
        ngx_log_error(NGX_LOG_CRIT, file->log, err,
                      ngx_open_file_n " \"%V\" failed", &file->temp);
        ngx_set_errno(err);
        return NGX_ERROR;
    }

    rc = ngx_para_revoke_file_fill(fd, owner, give, data);
    err = ngx_errno;

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, file->log, err,
                      "para_auth: \"%V\" cannot be written", &file->temp);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        err = ngx_errno;
        ngx_log_error(NGX_LOG_ALERT, file->log, err,
                      ngx_close_file_n " \"%V\" failed", &file->temp);
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK
        && ngx_rename_file(file->temp.data, file->path.data) == NGX_FILE_ERROR)
    {
        err = ngx_errno;
        ngx_log_error(NGX_LOG_CRIT, file->log, err,
                      ngx_rename_file_n " \"%V\" to \"%V\" failed",
                      &file->temp, &file->path);
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK) {
        (void) ngx_delete_file(file->temp.data);
        ngx_set_errno(err);
    }

    return rc;
}


static ngx_int_t
ngx_para_revoke_file_fill(ngx_fd_t fd, ngx_uid_t owner,
    ngx_para_revoke_file_give_pt give, void *data)
{
    u_char             *p;
    u_char              text[NGX_PARA_REVOKE_FILE_BATCH
                             * PARA_REVOCATION_LINE_MAX];
    ssize_t             written;
    ngx_uint_t          i, n;
    para_revocation_t   batch[NGX_PARA_REVOKE_FILE_BATCH];

    if (fchown(fd, owner, (gid_t) -1) == -1) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        n = give(data, batch, NGX_PARA_REVOKE_FILE_BATCH);

        if (n == 0) {
            return fsync(fd) == -1 ? NGX_ERROR : NGX_OK;
        }

        for (p = text, i = 0; i < n; i++) {
            p += para_revocation_write(p, &batch[i]);
        }

        written = ngx_write_fd(fd, text, p - text);

        if (written != p - text) {

            if (written != -1) {
                ngx_set_errno(NGX_ENOSPC);
            }

            return NGX_ERROR;
        }
    }
}
