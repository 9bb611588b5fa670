#include "para_revocation.h"

#include <stdio.h>


#define PARA_REVOCATION_DIGITS  15    /* of a time: no overflow */


size_t
para_revocation_write(unsigned char *dst, const para_revocation_t *revocation)
{
    int     n;
    size_t  i;
    char    hex[PARA_DIGEST_SIZE * 2 + 1];

    for (i = 0; i < PARA_DIGEST_SIZE; i++) {
        snprintf(hex + i * 2, 3, "%02x", revocation->key[i]);
    }

    n = snprintf((char *) dst, PARA_REVOCATION_LINE_MAX,
                 "1 %s %s %lld %lld\n",
                 para_revocation_name((para_revocation_kind_e)
                                      revocation->kind),
                 hex, (long long) revocation->before,
                 (long long) revocation->end);

    return (size_t) n;
}


/* Each takes one word off the line. */

static para_span_t
para_revocation_word(para_span_t *line)
{
    para_span_t           word;
    const unsigned char  *end;

    word = *line;
    *line = PARA_SPAN_NONE;

    end = word.len == 0 ? NULL : memchr(word.data, ' ', word.len);

    if (end != NULL) {
        *line = para_span(end + 1,
                          word.len - (size_t) (end + 1 - word.data));
        word.len = (size_t) (end - word.data);
    }

    return word;
}


static int
para_revocation_read_kind(para_revocation_t *revocation, para_span_t *line)
{
    const char   *name;
    uint32_t      i;
    para_span_t   word;

    word = para_revocation_word(line);

    for (i = 0; i < PARA_REVOCATIONS; i++) {
        name = para_revocation_name((para_revocation_kind_e) i);

        if (para_span_eq(word, para_span(name, strlen(name)))) {
            revocation->kind = i;
            return 1;
        }
    }

    return 0;
}


static int
para_revocation_read_key(para_revocation_t *revocation, para_span_t *line)
{
    size_t       i;
    para_span_t  word;
    const char  *digit;

    static const char  digits[] = "0123456789abcdef";

    word = para_revocation_word(line);

    if (word.len != PARA_DIGEST_SIZE * 2) {
        return 0;
    }

    for (i = 0; i < word.len; i++) {
        digit = memchr(digits, word.data[i], sizeof(digits) - 1);

        if (digit == NULL) {
            return 0;
        }

        revocation->key[i / 2] = (unsigned char)
                                 (revocation->key[i / 2] << 4
                                  | (digit - digits));
    }

    return 1;
}


static int
para_revocation_read_time(int64_t *time, para_span_t *line)
{
    size_t       i;
    para_span_t  word;

    word = para_revocation_word(line);

    if (word.len == 0 || word.len > PARA_REVOCATION_DIGITS
        || (word.len > 1 && word.data[0] == '0'))
    {
        return 0;
    }

    for (*time = 0, i = 0; i < word.len; i++) {

        if (word.data[i] < '0' || word.data[i] > '9') {
            return 0;
        }

        *time = *time * 10 + (word.data[i] - '0');
    }

    return 1;
}


static int
para_revocation_read_line(para_revocation_t *revocation, para_span_t line)
{
    int  has_before;

    memset(revocation, 0, sizeof(para_revocation_t));

    if (!para_span_eq(para_revocation_word(&line), PARA_SPAN("1"))
        || !para_revocation_read_kind(revocation, &line)
        || !para_revocation_read_key(revocation, &line)
        || !para_revocation_read_time(&revocation->before, &line)
        || !para_revocation_read_time(&revocation->end, &line)
        || line.data != NULL)
    {
        return 0;
    }

    has_before = revocation->kind == PARA_REVOCATION_USER
                 || revocation->kind == PARA_REVOCATION_BEFORE;

    return has_before || revocation->before == 0;
}


int
para_revocation_read(para_revocation_t *revocation, para_span_t *text)
{
    para_span_t           line;
    const unsigned char  *end;

    while (text->len != 0 && *text->data == '\n') {
        *text = para_span(text->data + 1, text->len - 1);
    }

    end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);

    if (end == NULL) {
        *text = PARA_SPAN_NONE;
        memset(revocation, 0, sizeof(para_revocation_t));
        return 0;
    }

    line = para_span(text->data, (size_t) (end - text->data));
    *text = para_span(end + 1, text->len - line.len - 1);

    if (line.len < PARA_REVOCATION_LINE_MAX
        && para_revocation_read_line(revocation, line))
    {
        return 1;
    }

    memset(revocation, 0, sizeof(para_revocation_t));

    return -1;
}
