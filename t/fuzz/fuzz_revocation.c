/*
 * Revocations: the first line is a request, what follows the file that they are
 * kept in.  What is taken has its end, and comes back from its own line; a
 * request that is refused says why.
 */

#include "fuzz.h"
#include "para_revocation.h"


#define NOW  1700000000


static para_digest_t  *digest;


static void
fuzz_line_of(const para_revocation_t *revocation)
{
    size_t             n;
    para_span_t        text;
    unsigned char      line[PARA_REVOCATION_LINE_MAX];
    para_revocation_t  read;

    n = para_revocation_write(line, revocation);
    fuzz_assert(n < sizeof(line) && line[n - 1] == '\n');

    text = para_span(line, n);
    fuzz_assert(para_revocation_read(&read, &text) == 1);
    fuzz_assert(text.len == 0);
    fuzz_assert(read.kind == revocation->kind);
    fuzz_assert(read.before == revocation->before);
    fuzz_assert(read.end == revocation->end);
    fuzz_assert(memcmp(read.key, revocation->key, PARA_DIGEST_SIZE) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 rc;
    size_t              left;
    const char         *why;
    para_span_t         text;
    para_revocation_t   revocation;

    if (digest == NULL) {
        digest = para_digest_create();
    }

    text = para_span(data, size);
    why = para_revocation_parse(&revocation, digest, fuzz_line(&text), NOW);

    if (why == NULL) {
        fuzz_assert(revocation.kind < PARA_REVOCATIONS);
        fuzz_assert(revocation.end > NOW);
        fuzz_assert(revocation.end <= NOW + PARA_REVOCATION_TTL_MAX);
        fuzz_assert(revocation.before <= NOW + 1);
        fuzz_line_of(&revocation);

    } else {
        fuzz_assert(*why != '\0' && revocation.end == 0);
    }

    do {
        left = text.len;
        rc = para_revocation_read(&revocation, &text);
        fuzz_assert(rc == 0 || text.len < left);

        if (rc == 1) {
            fuzz_assert(revocation.kind < PARA_REVOCATIONS);
            fuzz_line_of(&revocation);

        } else {
            fuzz_assert(revocation.end == 0);
        }

    } while (rc != 0);

    fuzz_assert(text.len == 0);

    return 0;
}
