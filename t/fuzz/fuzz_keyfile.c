/*
 * The file that keeps a key set: what is believed, written again, is the same
 * text.  The text is tried as it is, and with its sum made right, without which
 * little would get past that.
 */

#include "fuzz.h"
#include "para_digest.h"
#include "para_keyfile.h"


#define FUZZ_NOW  1700000000
#define FUZZ_HEX  (2 * PARA_DIGEST_SIZE)


static void
fuzz_try(para_span_t text, para_span_t url)
{
    size_t           len;
    unsigned char   *again;
    para_keyfile_t   file;

    memset(&file, 0, sizeof(file));

    if (para_keyfile_parse(&file, text, url, FUZZ_NOW) != NULL) {
        fuzz_assert(file.url.data == NULL && file.jwks.data == NULL);
        return;
    }

    fuzz_assert(para_span_eq(file.url, url));
    fuzz_assert(file.fetched > 0 && file.fetched <= FUZZ_NOW + 60);
    fuzz_assert(text.len <= PARA_KEYFILE_MAX_SIZE);

    again = malloc(text.len);
    len = para_keyfile_write(again, text.len, &file);

    fuzz_assert(len == text.len && memcmp(again, text.data, len) == 0);
    fuzz_assert(para_keyfile_write(again, text.len - 1, &file) == 0);

    free(again);
}


static para_span_t
fuzz_value(para_span_t line, size_t word)
{
    return line.len < word ? PARA_SPAN_NONE
                           : para_span(line.data + word, line.len - word);
}


static void
fuzz_mend(unsigned char *sum, const para_span_t part[3])
{
    size_t          i;
    char            hex[3];
    para_digest_t  *digest;
    unsigned char   key[PARA_DIGEST_SIZE];

    digest = para_digest_create();
    fuzz_assert(digest != NULL && para_digest_key(digest, key, part, 3));
    para_digest_free(digest);

    for (i = 0; i < PARA_DIGEST_SIZE; i++) {
        snprintf(hex, sizeof(hex), "%02x", key[i]);
        memcpy(sum + 2 * i, hex, 2);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    para_span_t     rest, sum, part[3];
    unsigned char  *text;

    text = malloc(size + 1);
    memcpy(text, data, size);

    rest = para_span(text, size);
    (void) fuzz_line(&rest);
    part[0] = fuzz_value(fuzz_line(&rest), sizeof("url ") - 1);
    part[1] = fuzz_value(fuzz_line(&rest), sizeof("fetched ") - 1);
    sum = fuzz_value(fuzz_line(&rest), sizeof("sha256 ") - 1);
    (void) fuzz_line(&rest);
    part[2] = rest;

    fuzz_try(para_span(text, size), part[0]);

    if (sum.len == FUZZ_HEX) {
        fuzz_mend(text + (sum.data - text), part);
        fuzz_try(para_span(text, size), part[0]);
    }

    free(text);

    return 0;
}
