/*
 * Preloaded into nginx by t/revoke_killed.t: the process dies as by kill -9
 * before the n-th instruction of the module after it has freed a JSON value,
 * which is what it does last before it ends somebody.  n stands in the file
 * that PARA_KILL_FILE names; without the file nothing happens.  Linux on x86-64
 * only: the processor stops after each instruction.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>


#define TRAP_FLAG  0x100


static long       left;
static uintptr_t  from, to;


/* Where the module's code is. */

static int
find_module(struct dl_phdr_info *info, size_t size, void *data)
{
    int               i;
    const ElfW(Phdr) *header;

    (void) size;
    (void) data;

    if (strstr(info->dlpi_name, "ngx_http_para_auth_module") == NULL) {
        return 0;
    }

    for (i = 0; i < info->dlpi_phnum; i++) {
        header = &info->dlpi_phdr[i];

        if (header->p_type == PT_LOAD && (header->p_flags & PF_X)) {
            from = info->dlpi_addr + header->p_vaddr;
            to = from + header->p_memsz;
        }
    }

    return 1;
}


static void
step(int signo, siginfo_t *info, void *context)
{
    uintptr_t    at;
    ucontext_t  *uc;

    (void) signo;
    (void) info;

    uc = context;
    at = (uintptr_t) uc->uc_mcontext.gregs[REG_RIP];

    if (at >= from && at < to && --left == 0) {
        kill(getpid(), SIGKILL);
    }
}


static long
read_number(void)
{
    int      fd;
    char     text[16];
    ssize_t  n;

    fd = open(getenv("PARA_KILL_FILE"), O_RDONLY);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);

    text[n > 0 ? n : 0] = '\0';

    return atol(text);
}


void
json_delete(void *json)
{
    struct sigaction  action;

    ((void (*)(void *)) dlsym(RTLD_NEXT, "json_delete"))(json);

    left = read_number();

    if (left == 0) {
        return;
    }

    dl_iterate_phdr(find_module, NULL);

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = step;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, NULL);

    __asm__ volatile ("pushfq\n\t"
                      "orq %0, (%%rsp)\n\t"
                      "popfq" : : "i" (TRAP_FLAG) : "memory", "cc");
}
