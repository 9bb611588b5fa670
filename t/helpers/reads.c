/*
 * Preloaded into nginx: says on stderr what is read of files at an offset, as
 * nginx reads all of its own,
 *
 *   read: <path>
 */

#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>


typedef ssize_t (*pread64_pt)(int fd, void *buf, size_t n, off64_t offset);


ssize_t
pread64(int fd, void *buf, size_t n, off64_t offset)
{
    char        link[64], path[4096], line[4200];
    int         size;
    ssize_t     len;
    pread64_pt  real;

    real = (pread64_pt) dlsym(RTLD_NEXT, "pread64");

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

    len = readlink(link, path, sizeof(path));

    if (len > 0) {
        size = snprintf(line, sizeof(line), "read: %.*s\n", (int) len, path);
        len = write(STDERR_FILENO, line, size);
    }

    return real(fd, buf, n, offset);
}


ssize_t
pread(int fd, void *buf, size_t n, off_t offset)
{
    return pread64(fd, buf, n, offset);
}
