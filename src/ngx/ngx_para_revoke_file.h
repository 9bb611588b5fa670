/*
 * Who and what has been ended, on disk: lines that are appended, and written
 * anew without those that have ended when nginx starts or reloads.  Processes
 * take turns by the file's lock.
 */

#ifndef NGX_PARA_REVOKE_FILE_H
#define NGX_PARA_REVOKE_FILE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_revocation.h"


typedef struct {
    ngx_str_t    path;          /* with a '\0' behind it */
    ngx_str_t    temp;          /* the same */
    ngx_log_t   *log;

    ngx_fd_t     fd;
    off_t        size;          /* when it was opened */
    ngx_uid_t    owner;
} ngx_para_revoke_file_t;


/* What was found in it. */

typedef struct {
    ngx_uint_t   lines;         /* that are ours */
    ngx_uint_t   bad;           /* that are not */
    ngx_uint_t   torn;          /* the last one has no end: unsigned  torn:1; */
} ngx_para_revoke_file_lines_t;


typedef ngx_int_t (*ngx_para_revoke_file_take_pt)(void *data,
    para_revocation_t *revocation);

/* Fills in up to n, and returns how many; 0: there are no more. */
typedef ngx_uint_t (*ngx_para_revoke_file_give_pt)(void *data,
    para_revocation_t *revocation, ngx_uint_t n);


/*
 * Opens the file of path and takes its lock, for half a second at most; makes
 * it if create is set.  NGX_OK; NGX_DECLINED if there is none; NGX_ERROR, with
 * ngx_errno and a log.
 */
ngx_int_t ngx_para_revoke_file_open(ngx_para_revoke_file_t *file,
    ngx_uint_t create);
void ngx_para_revoke_file_close(ngx_para_revoke_file_t *file);

/*
 * Appends one, on disk when it returns: NGX_OK, or NGX_ERROR with ngx_errno and
 * a log.
 */
ngx_int_t ngx_para_revoke_file_append(ngx_para_revoke_file_t *file,
    const para_revocation_t *revocation);

/*
 * Gives every entry to take, until that returns something else than NGX_OK,
 * which is returned then; NGX_ERROR and a log if it cannot be read.
 */
ngx_int_t ngx_para_revoke_file_read(ngx_para_revoke_file_t *file,
    ngx_para_revoke_file_lines_t *lines, ngx_para_revoke_file_take_pt take,
    void *data);

/*
 * Puts what give() has in place of it, as a file of that user: NGX_OK, or
 * NGX_ERROR with ngx_errno and a log, and then the old one is still there.
 */
ngx_int_t ngx_para_revoke_file_rewrite(ngx_para_revoke_file_t *file,
    ngx_uid_t owner, ngx_para_revoke_file_give_pt give, void *data);


#endif /* NGX_PARA_REVOKE_FILE_H */
