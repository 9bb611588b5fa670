/*
 * Preloaded into nginx: a process is long in ending, so that its other threads
 * go on after nginx has given everything back.
 *
 *   PARA_EXIT_MS   milliseconds that exit() takes longer
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>


typedef void (*exit_pt)(int status);


void
exit(int status)
{
    int               ms;
    exit_pt           real;
    const char       *text;
    struct timespec   left;

    text = getenv("PARA_EXIT_MS");
    ms = text ? atoi(text) : 0;

    left.tv_sec = ms / 1000;
    left.tv_nsec = (long) (ms % 1000) * 1000000;

    while (nanosleep(&left, &left) == -1) { /* void */ }

    real = (exit_pt) dlsym(RTLD_NEXT, "exit");
    real(status);

    abort();
}
