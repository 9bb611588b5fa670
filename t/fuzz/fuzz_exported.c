/*
 * Exported sessions, given as JSON or as the credential itself: none is taken
 * without a cookie that can be sent, none with a key share in it, none that is
 * not seen as one by its form; and what is sent on is what was there.
 */

#include "fuzz.h"
#include "para_exported.h"


static const char  alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


static size_t
fuzz_encode(char *text, const unsigned char *data, size_t len)
{
    size_t    i, j, n;
    unsigned  bits;

    for (i = 0, n = 0; i < len; i += 3) {
        bits = (unsigned) data[i] << 16;
        bits |= i + 1 < len ? (unsigned) data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? data[i + 2] : 0;

        for (j = 0; j < 4; j++) {
            text[n++] = i + j <= len ? alphabet[bits >> (18 - j * 6) & 63]
                                     : '=';
        }
    }

    return n;
}


/* A share that is spelled plainly: these bytes cannot be within a string. */

static int
fuzz_has_share(const unsigned char *json, size_t len)
{
    size_t  i;

    static const char  share[] = "\"signer\":\"";

    for (i = 1; i + sizeof(share) - 1 < len; i++) {
        if (json[i - 1] != '\\'
            && memcmp(json + i, share, sizeof(share) - 1) == 0
            && json[i + sizeof(share) - 1] != '"')
        {
            return 1;
        }
    }

    return 0;
}


static void
fuzz_exported(para_span_t credential, const unsigned char *json, size_t len)
{
    size_t           i;
    para_reason_e    deny, allow;
    para_exported_t  exported;

    deny = para_exported_parse(&exported, credential, PARA_SIGNER_DENY);

    if (deny == PARA_OK) {
        fuzz_assert(para_exported_form(credential, PARA_FORM_ANY)
                    == PARA_FORM_EXPORTED);
        fuzz_assert(json == NULL || !fuzz_has_share(json, len));
        fuzz_assert(exported.cookie.len != 0);
        fuzz_assert(exported.cookie.len <= PARA_COOKIE_MAX);
        fuzz_assert(exported.pair.len != 0);
        fuzz_assert(exported.pair.len <= exported.cookie.len);

        for (i = 0; i < exported.cookie.len; i++) {
            fuzz_assert(exported.cookie.data[i] >= 0x20
                        && exported.cookie.data[i] < 0x7f);
        }

    } else {
        fuzz_assert(exported.cookie.data == NULL);
        fuzz_assert(exported.user_id.data == NULL);
    }

    para_exported_free(&exported);

    allow = para_exported_parse(&exported, credential, PARA_SIGNER_ALLOW);
    fuzz_assert(allow == deny || deny == PARA_SESSION_SIGNER);
    para_exported_free(&exported);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char  *text;

    fuzz_exported(para_span(data, size), NULL, 0);

    text = malloc(size / 3 * 4 + 5);
    fuzz_exported(para_span(text, fuzz_encode(text, data, size)), data, size);
    free(text);

    return 0;
}
