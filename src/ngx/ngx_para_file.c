#include "ngx_para_file.h"

#include <sys/mman.h>


typedef struct {
    u_char  *data;
    size_t   size;
} ngx_para_file_memory_t;


static u_char *ngx_para_file_memory(ngx_conf_t *cf, size_t size);
static void ngx_para_file_cleanup(void *data);
static ngx_int_t ngx_para_file_read_all(ngx_conf_t *cf, ngx_file_t *file,
    size_t max, ngx_str_t *text, ngx_uint_t *mode);


ngx_int_t
ngx_para_file_read(ngx_conf_t *cf, ngx_str_t *path, size_t max,
    ngx_str_t *text, ngx_uint_t *mode)
{
    ngx_int_t   rc;
    ngx_file_t  file;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *path;
    file.log = cf->log;

    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed, it must be there "
                           "and readable for the user that starts nginx", path);
        return NGX_ERROR;
    }

    rc = ngx_para_file_read_all(cf, &file, max, text, mode);

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return rc;
}


ngx_int_t
ngx_para_file_check_secret(ngx_conf_t *cf, const ngx_str_t *path,
    ngx_uint_t mode)
{
    if ((mode & 0007) == 0) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" holds a secret, and its mode 0%ui%ui%ui lets "
                       "every user at it: \"chmod 0400\" it (in Kubernetes "
                       "set \"defaultMode: 0400\" of the secret's volume)",
                       path, mode >> 6 & 7, mode >> 3 & 7, mode & 7);

    return NGX_ERROR;
}


static ngx_int_t
ngx_para_file_read_all(ngx_conf_t *cf, ngx_file_t *file, size_t max,
    ngx_str_t *text, ngx_uint_t *mode)
{
    off_t            size;
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(file->fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", &file->name);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a regular file", &file->name);
        return NGX_ERROR;
    }

    size = ngx_file_size(&fi);

    if (size == 0 || size > (off_t) max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has %O bytes, 1 to %uz are allowed",
                           &file->name, size, max);
        return NGX_ERROR;
    }

    if (mode) {
        *mode = ngx_file_access(&fi);

    } else if (ngx_para_file_check_secret(cf, &file->name,
                                          ngx_file_access(&fi))
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    text->data = ngx_para_file_memory(cf, (size_t) size);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_read_file(file, text->data, (size_t) size, 0);

    if (n != (ssize_t) size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_file_n " \"%V\" returned only %z of %O "
                           "bytes", &file->name, n, size);
        return NGX_ERROR;
    }

    text->len = (size_t) size;

    return NGX_OK;
}


static u_char *
ngx_para_file_memory(ngx_conf_t *cf, size_t size)
{
    ngx_pool_cleanup_t      *cln;
    ngx_para_file_memory_t  *memory;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_para_file_memory_t));
    if (cln == NULL) {
        return NULL;
    }

    memory = cln->data;

    memory->size = ngx_align(size, ngx_pagesize);
    memory->data = mmap(NULL, memory->size, PROT_READ|PROT_WRITE,
                        MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (memory->data == MAP_FAILED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "mmap(%uz) failed", memory->size);
        return NULL;
    }

    cln->handler = ngx_para_file_cleanup;

#ifdef MADV_DONTDUMP
    if (madvise(memory->data, memory->size, MADV_DONTDUMP) == -1) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, ngx_errno,
                           "madvise(MADV_DONTDUMP) failed, a core dump would "
                           "have the secret");
    }
#endif

    return memory->data;
}


static void
ngx_para_file_cleanup(void *data)
{
    ngx_para_file_memory_t *memory = data;

    ngx_explicit_memzero(memory->data, memory->size);

    (void) munmap(memory->data, memory->size);
}
