/*
 * Preloaded into nginx: a DNS server of which everything can be had.  Looked up
 * are the names below .slow.test only, all others go where they always went.
 *
 *   PARA_DNS_MS      milliseconds until the answer; -1 for one that never comes
 *   PARA_DNS_ANSWER  the addresses that it gives, with commas between; "none"
 *                    for a name that is not there, as without this
 *
 * Both are read anew from the file that PARA_DNS_FILE names, if that is there:
 * the milliseconds, a space, the answer.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define DOMAIN  ".slow.test"


typedef int (*lookup_pt)(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found);


static int
is_slow(const char *name)
{
    size_t  len;

    len = name ? strlen(name) : 0;

    return len > strlen(DOMAIN)
           && strcmp(name + len - strlen(DOMAIN), DOMAIN) == 0;
}


/* What is to be answered, and when. */

static int
plan(char answer[64])
{
    int          ms;
    FILE        *in;
    const char  *text;

    text = getenv("PARA_DNS_MS");
    ms = text ? atoi(text) : 0;

    text = getenv("PARA_DNS_ANSWER");
    snprintf(answer, 64, "%s", text ? text : "none");

    text = getenv("PARA_DNS_FILE");
    in = text ? fopen(text, "r") : NULL;

    if (in) {
        if (fscanf(in, "%d %63s", &ms, answer) != 2) {
            snprintf(answer, 64, "none");
        }

        fclose(in);
    }

    return ms;
}


static void
wait_ms(int ms)
{
    struct timespec  left;

    left.tv_sec = ms / 1000;
    left.tv_nsec = (long) (ms % 1000) * 1000000;

    while (nanosleep(&left, &left) == -1) { /* void */ }
}


/* Each address looked up by itself, one list of all. */

static int
answer_all(lookup_pt lookup, char *answer, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    int    rc;
    char  *address, *rest;

    *found = NULL;

    for (address = strtok_r(answer, ",", &rest);
         address != NULL;
         address = strtok_r(NULL, ",", &rest))
    {
        while (*found) {
            found = &(*found)->ai_next;
        }

        rc = lookup(address, service, hints, found);
        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


int
getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    int        ms;
    char       answer[64];
    lookup_pt  lookup;

    lookup = (lookup_pt) dlsym(RTLD_NEXT, "getaddrinfo");

    if (!is_slow(name)) {
        return lookup(name, service, hints, found);
    }

    ms = plan(answer);

    if (ms < 0) {
        for ( ;; ) {
            pause();
        }
    }

    wait_ms(ms);

    if (strcmp(answer, "none") == 0) {
        return EAI_NONAME;
    }

    return answer_all(lookup, answer, service, hints, found);
}
