#include "para_keyfile.h"

#include "para_digest.h"


#define PARA_KEYFILE_MAGIC    PARA_SPAN("para-auth-jwks 1\n")
#define PARA_KEYFILE_URL      PARA_SPAN("url ")
#define PARA_KEYFILE_FETCHED  PARA_SPAN("\nfetched ")
#define PARA_KEYFILE_SUM      PARA_SPAN("\nsha256 ")
#define PARA_KEYFILE_END      PARA_SPAN("\n\n")

#define PARA_KEYFILE_DIGITS   19      /* of INT64_MAX */
#define PARA_KEYFILE_HEX      (2 * PARA_DIGEST_SIZE)
#define PARA_KEYFILE_AHEAD    60      /* s: clocks are set */


static int
para_keyfile_is_url(para_span_t url)
{
    size_t  i;

    if (url.len == 0 || url.len > PARA_KEYFILE_URL_MAX) {
        return 0;
    }

    for (i = 0; i < url.len; i++) {
        if (url.data[i] < '!' || url.data[i] > '~') {
            return 0;
        }
    }

    return 1;
}


static int
para_keyfile_is_set(para_span_t jwks)
{
    return jwks.len > 0 && jwks.len <= PARA_JWKS_MAX_SIZE;
}


/* The sum of the three as hexadecimal digits.  Returns 0 if OpenSSL failed. */

static int
para_keyfile_sum(unsigned char sum[PARA_KEYFILE_HEX], para_span_t url,
    para_span_t fetched, para_span_t jwks)
{
    int             good;
    size_t          i;
    para_span_t     part[3];
    para_digest_t  *digest;
    unsigned char   key[PARA_DIGEST_SIZE];

    static const char  hex[] = "0123456789abcdef";

    digest = para_digest_create();
    if (digest == NULL) {
        return 0;
    }

    part[0] = url;
    part[1] = fetched;
    part[2] = jwks;

    good = para_digest_key(digest, key, part, 3);
    para_digest_free(digest);

    if (!good) {
        return 0;
    }

    for (i = 0; i < PARA_DIGEST_SIZE; i++) {
        sum[2 * i] = (unsigned char) hex[key[i] >> 4];
        sum[2 * i + 1] = (unsigned char) hex[key[i] & 15];
    }

    return 1;
}


/* The digits of a number > 0, in the end of the room for them. */

static para_span_t
para_keyfile_digits(unsigned char room[PARA_KEYFILE_DIGITS], int64_t number)
{
    size_t  i;

    for (i = PARA_KEYFILE_DIGITS; number > 0; number /= 10) {
        room[--i] = (unsigned char) ('0' + number % 10);
    }

    return para_span(room + i, PARA_KEYFILE_DIGITS - i);
}


static size_t
para_keyfile_join(unsigned char *dst, size_t size, const para_keyfile_t *file,
    para_span_t digits, para_span_t sum)
{
    size_t             i, len;
    const para_span_t  part[] = {
        PARA_KEYFILE_MAGIC,
        PARA_KEYFILE_URL, file->url,
        PARA_KEYFILE_FETCHED, digits,
        PARA_KEYFILE_SUM, sum,
        PARA_KEYFILE_END, file->jwks
    };

    len = 0;

    for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {

        if (part[i].len > size - len) {
            return 0;
        }

        memcpy(dst + len, part[i].data, part[i].len);
        len += part[i].len;
    }

    return len;
}


size_t
para_keyfile_write(unsigned char *dst, size_t size, const para_keyfile_t *file)
{
    para_span_t    digits;
    unsigned char  room[PARA_KEYFILE_DIGITS], sum[PARA_KEYFILE_HEX];

    if (!para_keyfile_is_url(file->url) || !para_keyfile_is_set(file->jwks)
        || file->fetched <= 0)
    {
        return 0;
    }

    digits = para_keyfile_digits(room, file->fetched);

    if (!para_keyfile_sum(sum, file->url, digits, file->jwks)) {
        return 0;
    }

    return para_keyfile_join(dst, size, file, digits,
                             para_span(sum, sizeof(sum)));
}


/* Passes over what the text must go on with. */

static int
para_keyfile_skip(para_span_t *text, para_span_t word)
{
    if (text->len < word.len
        || memcmp(text->data, word.data, word.len) != 0)
    {
        return 0;
    }

    text->data += word.len;
    text->len -= word.len;

    return 1;
}


/* Cuts off what stands before the next line feed, all if there is none. */

static para_span_t
para_keyfile_line(para_span_t *text)
{
    para_span_t           line;
    const unsigned char  *end;

    end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);

    line = para_span(text->data, end == NULL ? text->len
                                             : (size_t) (end - text->data));
    text->data += line.len;
    text->len -= line.len;

    return line;
}


/* A number > 0 in the one way in which it is written, else 0. */

static int64_t
para_keyfile_number(para_span_t digits)
{
    size_t         i;
    int64_t        number;
    unsigned char  c;

    number = 0;

    for (i = 0; i < digits.len; i++) {
        c = digits.data[i];

        if (c < (i == 0 ? '1' : '0') || c > '9'
            || number > (INT64_MAX - (c - '0')) / 10)
        {
            return 0;
        }

        number = number * 10 + (c - '0');
    }

    return number;
}


/*
 * Takes the file apart; digits and sum are of the lines "fetched" and "sha256",
 * and nothing is looked at yet.
 */

static const char *
para_keyfile_read(para_keyfile_t *file, para_span_t *digits, para_span_t *sum,
    para_span_t text)
{
    if (!para_keyfile_skip(&text, PARA_KEYFILE_MAGIC)) {
        return "it is no key set that this version has kept";
    }

    if (!para_keyfile_skip(&text, PARA_KEYFILE_URL)) {
        return "it has no line \"url\"";
    }

    file->url = para_keyfile_line(&text);

    if (!para_keyfile_skip(&text, PARA_KEYFILE_FETCHED)) {
        return "it has no line \"fetched\"";
    }

    *digits = para_keyfile_line(&text);

    if (!para_keyfile_skip(&text, PARA_KEYFILE_SUM)) {
        return "it has no line \"sha256\"";
    }

    *sum = para_keyfile_line(&text);

    if (!para_keyfile_skip(&text, PARA_KEYFILE_END)) {
        return "it is cut off after its head";
    }

    file->jwks = text;
    file->fetched = para_keyfile_number(*digits);

    return NULL;
}


const char *
para_keyfile_parse(para_keyfile_t *file, para_span_t text, para_span_t url,
    int64_t now)
{
    const char     *why;
    para_span_t     digits, sum;
    para_keyfile_t  read;
    unsigned char   expected[PARA_KEYFILE_HEX];

    why = para_keyfile_read(&read, &digits, &sum, text);

    if (why != NULL) {
        return why;
    }

    if (!para_keyfile_is_url(read.url) || !para_keyfile_is_set(read.jwks)
        || read.fetched == 0)
    {
        return "its URL, time or key set is none, or too long";
    }

    if (!para_keyfile_sum(expected, read.url, digits, read.jwks)) {
        return "memory is out";
    }

    if (!para_span_eq(sum, para_span(expected, sizeof(expected)))) {
        return "its sum is wrong: it was torn or altered";
    }

    if (!para_span_eq(read.url, url)) {
        return "it is of another URL";
    }

    if (read.fetched > now
        && (uint64_t) read.fetched - (uint64_t) now > PARA_KEYFILE_AHEAD)
    {
        return "it was fetched in the future: set the clock, or remove the"
               " file";
    }

    *file = read;

    return NULL;
}
