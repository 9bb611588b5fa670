/*
 * Preloaded into nginx by t/killed.t: the n-th time that the module copies
 * bytes, the process dies as by kill -9.  n stands in the file that
 * PARA_KILL_FILE names; without the file nothing happens.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static int
from_module(void *address)
{
    Dl_info  info;

    return dladdr(address, &info) && info.dli_fname != NULL
           && strstr(info.dli_fname, "ngx_http_para_auth_module") != NULL;
}


static int
count_down(void)
{
    int          fd;
    char         text[16];
    ssize_t      n;
    static int   left;

    if (access(getenv("PARA_KILL_FILE"), F_OK) == -1) {
        left = 0;
        return 0;
    }

    if (left == 0) {
        fd = open(getenv("PARA_KILL_FILE"), O_RDONLY);
        if (fd == -1) {
            return 0;
        }

        n = read(fd, text, sizeof(text) - 1);
        close(fd);

        text[n > 0 ? n : 0] = '\0';
        left = atoi(text);
    }

    return left != 0 && --left == 0;
}


void *
memcpy(void *dst, const void *src, size_t n)
{
    if (from_module(__builtin_return_address(0)) && count_down()) {
        (void) unlink(getenv("PARA_KILL_FILE"));
        (void) raise(SIGKILL);
    }

    return memmove(dst, src, n);
}
