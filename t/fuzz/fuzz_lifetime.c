/*
 * Cache-Control (the first line) and Age (the rest): a lifetime stays in its
 * bounds, no letter's case matters, what forbids keeping always wins, an age
 * only shortens, and the next fetch is neither too soon nor too late.
 */

#include "fuzz.h"
#include "para_refresh.h"


#define FUZZ_LONGEST  INT64_C(2147483648000)


static const para_refresh_policy_t  fuzz_policy = { 3600000, 60000, 86400 };


/* The lifetime of the value with this before it. */

static int64_t
fuzz_after(const char *word, para_span_t value, para_span_t age)
{
    size_t          len;
    int64_t         lifetime;
    unsigned char  *text;

    len = strlen(word);
    text = malloc(len + value.len + 1);
    memcpy(text, word, len);
    memcpy(text + len, value.data, value.len);

    lifetime = para_refresh_lifetime(para_span(text, len + value.len), age);

    free(text);

    return lifetime;
}


static int64_t
fuzz_upper(para_span_t value, para_span_t age)
{
    size_t          i;
    int64_t         lifetime;
    unsigned char  *text;

    text = malloc(value.len + 1);

    for (i = 0; i < value.len; i++) {
        text[i] = value.data[i];

        if (text[i] >= 'a' && text[i] <= 'z') {
            text[i] = (unsigned char) (text[i] - 0x20);
        }
    }

    lifetime = para_refresh_lifetime(para_span(text, value.len), age);

    free(text);

    return lifetime;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t      fresh, aged, first;
    uint64_t     delay;
    para_span_t  value, age;

    age = para_span(data, size);
    value = fuzz_line(&age);

    fresh = para_refresh_lifetime(value, PARA_SPAN_NONE);
    aged = para_refresh_lifetime(value, age);

    fuzz_assert(fresh >= -1 && fresh <= FUZZ_LONGEST);
    fuzz_assert(fresh < 0 ? aged == -1 : aged >= 0 && aged <= fresh);
    fuzz_assert(fuzz_upper(value, age) == aged);
    fuzz_assert(fuzz_after(",", value, age) == aged);
    fuzz_assert(fuzz_after("no-store,", value, age) == 0);
    fuzz_assert(fuzz_after("no-cache=\"a,b\" ,", value, age) == 0);

    /* the first of several, if none forbids; else it was 0 before */

    first = fuzz_after("max-age=7,", value, PARA_SPAN_NONE);
    fuzz_assert(first == 7000 || (first == 0 && fresh == 0));

    delay = para_refresh_delay(&fuzz_policy, 1, 0, aged);
    fuzz_assert(delay >= fuzz_policy.cooldown && delay <= fuzz_policy.refresh);

    return 0;
}
