#include "para_secret.h"


#define PARA_SECRET_MAKE                                                      \
    ": make one with \"openssl rand -hex 32\", and give it to who signs"


/* No HMAC of RFC 7518 needs more bytes. */

#define PARA_SECRET_ENOUGH  64

/* Of 32 random hexadecimal digits, some 14 are different. */

#define PARA_SECRET_DIFFERENT  8

/* Words with a year behind them are words; random text has more digits. */

#define PARA_SECRET_DIGITS  4


static int para_secret_repeats(para_span_t secret);
static size_t para_secret_different(para_span_t secret);
static int para_secret_is_words(para_span_t secret);


const char *
para_secret_weak(para_span_t secret)
{
    /* an editor's line feed is no part of a word */

    while (secret.len > 0 && (secret.data[secret.len - 1] == '\n'
                              || secret.data[secret.len - 1] == '\r'))
    {
        secret.len--;
    }

    if (para_secret_repeats(secret)) {
        return "is a secret that repeats itself" PARA_SECRET_MAKE;
    }

    if (para_secret_different(secret) < PARA_SECRET_DIFFERENT) {
        return "is a secret of few different characters" PARA_SECRET_MAKE;
    }

    if (para_secret_is_words(secret)) {
        return "is a secret made of words" PARA_SECRET_MAKE;
    }

    return NULL;
}


/* The last time perhaps not to its end; what is repeated may be long enough. */

static int
para_secret_repeats(para_span_t secret)
{
    size_t  i, period;

    for (period = 1; period < PARA_SECRET_ENOUGH; period++) {

        if (period > secret.len / 2) {
            return 0;
        }

        for (i = period; i < secret.len; i++) {
            if (secret.data[i] != secret.data[i - period]) {
                break;
            }
        }

        if (i == secret.len) {
            return 1;
        }
    }

    return 0;
}


static size_t
para_secret_different(para_span_t secret)
{
    size_t         i, n;
    unsigned char  seen[256] = { 0 };

    n = 0;

    for (i = 0; i < secret.len; i++) {
        n += !seen[secret.data[i]];
        seen[secret.data[i]] = 1;
    }

    return n;
}


/* Letters with something between them, capitals only at a word's beginning. */

static int
para_secret_is_words(para_span_t secret)
{
    size_t         i, capitals, digits, gaps;
    unsigned char  c;

    capitals = 0;
    digits = 0;
    gaps = 0;

    for (i = 0; i < secret.len; i++) {
        c = secret.data[i];

        if (c >= 'A' && c <= 'Z') {
            capitals++;

        } else if (c >= '0' && c <= '9') {
            digits++;

        } else if (c == ' ' || c == '-' || c == '_' || c == '.') {
            gaps++;

        } else if (c < 'a' || c > 'z') {
            return 0;
        }
    }

    return gaps >= 2 && capitals <= gaps + 1 && digits <= PARA_SECRET_DIGITS;
}
