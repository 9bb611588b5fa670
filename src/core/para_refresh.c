#include "para_refresh.h"


#define PARA_REFRESH_FIRST  1000                    /* ms, without keys */
#define PARA_SECONDS_MAX    INT64_C(2147483648)     /* RFC 9111 1.2.2 */


static int
para_refresh_is_space(unsigned char c)
{
    return c == ' ' || c == '\t';
}


static para_span_t
para_refresh_trim(para_span_t text)
{
    while (text.len > 0 && para_refresh_is_space(text.data[0])) {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && para_refresh_is_space(text.data[text.len - 1])) {
        text.len--;
    }

    return text;
}


/*
 * RFC 9110 5.6.1: cuts the next member off the list, which is not empty.  A
 * comma in a quoted string ends none (5.6.4); one that is not closed goes to
 * the end.
 */

static para_span_t
para_refresh_member(para_span_t *list)
{
    int          is_quoted;
    size_t       i;
    para_span_t  member;

    is_quoted = 0;

    for (i = 0; i < list->len; i++) {

        if (list->data[i] == '"') {
            is_quoted = !is_quoted;

        } else if (list->data[i] == ',' && !is_quoted) {
            break;

        } else if (list->data[i] == '\\' && is_quoted && i + 1 < list->len) {
            i++;
        }
    }

    member = para_span(list->data, i);

    if (i < list->len) {
        i++;
    }

    list->data += i;
    list->len -= i;

    return para_refresh_trim(member);
}


/* RFC 9111 1.2.2: delta-seconds, or -1. */

static int64_t
para_refresh_seconds(para_span_t text)
{
    size_t   i;
    int64_t  seconds;

    if (text.len == 0) {
        return -1;
    }

    seconds = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        seconds = seconds * 10 + (text.data[i] - '0');

        if (seconds > PARA_SECONDS_MAX) {
            seconds = PARA_SECONDS_MAX;
        }
    }

    return seconds;
}


/* RFC 9111 5.2: the argument may be quoted, whatever the directive. */

static int64_t
para_refresh_max_age(para_span_t value)
{
    int64_t  seconds;

    if (value.len >= 2 && value.data[0] == '"'
        && value.data[value.len - 1] == '"')
    {
        value = para_span(value.data + 1, value.len - 2);
    }

    seconds = para_refresh_seconds(value);

    /* 4.2.1: invalid freshness is none */

    return seconds < 0 ? 0 : seconds;
}


/* RFC 9111 5.1: the first member of what should be no list, or nothing. */

static int64_t
para_refresh_age(para_span_t age)
{
    int64_t  seconds;

    if (age.len == 0) {
        return 0;
    }

    seconds = para_refresh_seconds(para_refresh_member(&age));

    return seconds < 0 ? 0 : seconds;
}


/* Cuts the name off: what is left is the argument, absent if there is none. */

static para_span_t
para_refresh_name(para_span_t *directive)
{
    para_span_t           name;
    const unsigned char  *equals;

    equals = directive->len == 0
             ? NULL : memchr(directive->data, '=', directive->len);

    name = *directive;

    if (equals == NULL) {
        *directive = PARA_SPAN_NONE;
        return name;
    }

    name.len = (size_t) (equals - name.data);
    *directive = para_span(equals + 1, directive->len - name.len - 1);

    return name;
}


int64_t
para_refresh_lifetime(para_span_t cache_control, para_span_t age)
{
    int64_t      max_age, seconds;
    para_span_t  directive, name;

    max_age = -1;

    while (cache_control.len > 0) {
        directive = para_refresh_member(&cache_control);
        name = para_refresh_name(&directive);

        /* 5.2.2.4, 5.2.2.5; no-cache of some fields is taken as of all */

        if (para_span_eq_nocase(name, PARA_SPAN("no-cache"))
            || para_span_eq_nocase(name, PARA_SPAN("no-store")))
        {
            return 0;
        }

        /* 5.2.2.1, and 4.2.1: the first of several */

        if (max_age < 0 && para_span_eq_nocase(name, PARA_SPAN("max-age"))) {
            max_age = para_refresh_max_age(directive);
        }
    }

    if (max_age < 0) {
        return -1;
    }

    seconds = para_refresh_age(age);

    return max_age > seconds ? (max_age - seconds) * 1000 : 0;
}


static uint64_t
para_refresh_doubled(uint64_t first, uint64_t last, unsigned times)
{
    uint64_t  delay;

    /* nothing doubled is nothing */

    delay = first > 0 ? first : 1;

    while (times > 0 && delay < last) {
        delay = delay > last / 2 ? last : delay * 2;
        times--;
    }

    return delay < last ? delay : last;
}


uint64_t
para_refresh_delay(const para_refresh_policy_t *policy, int has_keys,
    unsigned failures, int64_t lifetime)
{
    uint64_t  delay;

    if (failures > 0) {
        return has_keys ? para_refresh_doubled(policy->cooldown,
                                               policy->refresh, failures - 1)
                        : para_refresh_doubled(PARA_REFRESH_FIRST,
                                               policy->cooldown, failures - 1);
    }

    if (lifetime < 0) {
        return policy->refresh;
    }

    delay = (uint64_t) lifetime;

    if (delay < policy->cooldown) {
        delay = policy->cooldown;
    }

    return delay < policy->refresh ? delay : policy->refresh;
}


/* Unsigned, as the difference of any two times fits into 64 bits only so. */

int
para_refresh_is_stale(const para_refresh_policy_t *policy, int64_t fetched,
    int64_t now)
{
    return now > fetched
           && (uint64_t) now - (uint64_t) fetched
              > (uint64_t) policy->max_stale;
}
