/*
 * Preloaded into nginx: memory runs out when and where a test says so, in one
 * process.  Allocations succeed again when the test says so.
 *
 *   PARA_ALLOC_FILE   a file of six numbers of 64 bits in the machine's order:
 *                     the process (0: none), 1 if all that come after a failure
 *                     fail too, how many allocations succeed before the first
 *                     failure; then, from here, how many have failed, how many
 *                     were made, and how many of those were not given back
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


typedef struct {
    volatile int64_t  pid;
    volatile int64_t  lasting;
    volatile int64_t  left;
    volatile int64_t  failed;
    volatile int64_t  made;
    volatile int64_t  live;
} fail_alloc_t;


typedef void *(*malloc_pt)(size_t size);
typedef void *(*calloc_pt)(size_t n, size_t size);
typedef void *(*realloc_pt)(void *memory, size_t size);
typedef int (*memalign_pt)(void **memory, size_t alignment, size_t size);
typedef void (*free_pt)(void *memory);


static fail_alloc_t  *shared;
static malloc_pt      real_malloc;
static calloc_pt      real_calloc;
static realloc_pt     real_realloc;
static memalign_pt    real_memalign;
static free_pt        real_free;


/* dlsym() itself allocates nothing when it finds what it is asked for. */

static void
resolve(void)
{
    if (real_free == NULL) {
        real_malloc = (malloc_pt) dlsym(RTLD_NEXT, "malloc");
        real_calloc = (calloc_pt) dlsym(RTLD_NEXT, "calloc");
        real_realloc = (realloc_pt) dlsym(RTLD_NEXT, "realloc");
        real_memalign = (memalign_pt) dlsym(RTLD_NEXT, "posix_memalign");
        real_free = (free_pt) dlsym(RTLD_NEXT, "free");
    }
}


__attribute__((constructor)) static void
begin(void)
{
    int          fd;
    void        *memory;
    const char  *path;

    resolve();

    path = getenv("PARA_ALLOC_FILE");
    fd = path ? open(path, O_RDWR) : -1;

    if (fd == -1) {
        return;
    }

    memory = mmap(NULL, sizeof(fail_alloc_t), PROT_READ|PROT_WRITE, MAP_SHARED,
                  fd, 0);

    close(fd);

    if (memory != MAP_FAILED) {
        shared = memory;
    }
}


/* In the one process: nginx's workers have one thread that matters here. */

static int
is_watched(void)
{
    return shared && shared->pid && shared->pid == getpid();
}


static int
refuses(void)
{
    resolve();

    if (!is_watched()) {
        return 0;
    }

    if (shared->left > 0) {
        shared->left--;

    } else if (shared->left == 0 && (shared->failed == 0 || shared->lasting)) {
        shared->failed++;
        errno = ENOMEM;
        return 1;
    }

    shared->made++;

    return 0;
}


static void *
counted(void *memory)
{
    if (memory && is_watched()) {
        shared->live++;
    }

    return memory;
}


void *
malloc(size_t size)
{
    return refuses() ? NULL : counted(real_malloc(size));
}


void *
calloc(size_t n, size_t size)
{
    return refuses() ? NULL : counted(real_calloc(n, size));
}


void *
realloc(void *memory, size_t size)
{
    if (refuses()) {
        return NULL;
    }

    return memory ? real_realloc(memory, size)
                  : counted(real_realloc(NULL, size));
}


int
posix_memalign(void **memory, size_t alignment, size_t size)
{
    int  rc;

    if (refuses()) {
        return ENOMEM;
    }

    rc = real_memalign(memory, alignment, size);

    if (rc == 0) {
        counted(*memory);
    }

    return rc;
}


void
free(void *memory)
{
    resolve();

    if (memory && is_watched()) {
        shared->live--;
    }

    real_free(memory);
}
