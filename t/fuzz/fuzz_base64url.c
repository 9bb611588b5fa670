/*
 * Base64url, and base64 with padding: exactly what encodes back to itself is
 * decoded.
 */

#include "fuzz.h"
#include "para_b64url.h"


typedef int (*fuzz_decode_pt)(unsigned char *dst, size_t *n,
    para_span_t text);


static size_t
fuzz_encode(char *text, const unsigned char *data, size_t len, int standard)
{
    size_t       i, n;
    unsigned     bits, held;
    const char  *alphabet;

    alphabet = standard
        ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    n = 0;
    bits = 0;
    held = 0;

    for (i = 0; i < len; i++) {
        bits = (bits << 8) | data[i];

        for (held += 8; held >= 6; held -= 6) {
            text[n++] = alphabet[(bits >> (held - 6)) & 63];
        }
    }

    if (held > 0) {
        text[n++] = alphabet[(bits << (6 - held)) & 63];
    }

    while (standard && n % 4 != 0) {
        text[n++] = '=';
    }

    return n;
}


static void
fuzz_decode(fuzz_decode_pt decode, int standard, const uint8_t *data,
    size_t size)
{
    char           *text;
    size_t          n, len;
    unsigned char  *bytes;

    bytes = malloc(para_b64url_decoded_max(size));
    text = malloc(size * 2 + 8);

    if (decode(bytes, &n, para_span(data, size))) {
        fuzz_assert(n <= para_b64url_decoded_max(size));
        len = fuzz_encode(text, bytes, n, standard);
        fuzz_assert(len == size && memcmp(text, data, len) == 0);
    }

    /* and whatever it is, its encoding is decoded to it, also in place */

    len = fuzz_encode(text, data, size, standard);
    fuzz_assert(decode((unsigned char *) text, &n, para_span(text, len)));
    fuzz_assert(n == size && (n == 0 || memcmp(text, data, n) == 0));

    free(bytes);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decode(para_b64url_decode, 0, data, size);
    fuzz_decode(para_b64_decode, 1, data, size);

    return 0;
}
