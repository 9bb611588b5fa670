#include "unit.h"

#include "para_keyfile.h"


#define NOW   1700000000
#define URL   "https://example.com/jwks.json"
#define JWKS  "{\"keys\":[]}\n\nmore\n"

/*
 * SHA-256 of URL, "1700000000" and JWKS, each after a byte 1 and 64 bits of
 * length, by another program.
 */
#define SUM   "7f6479580ab05d9f86560080f682e9a1"                             \
              "3c4a2835c047cd079fa6d8123988bc14"

#define FILE_OF(url, fetched, sum, jwks)                                      \
    "para-auth-jwks 1\nurl " url "\nfetched " fetched "\nsha256 " sum "\n\n"  \
    jwks


static const char  good[] = FILE_OF(URL, "1700000000", SUM, JWKS);


static para_keyfile_t
file_of(const char *url, int64_t fetched, const char *jwks)
{
    para_keyfile_t  file;

    file.url = unit_span(url);
    file.fetched = fetched;
    file.jwks = unit_span(jwks);

    return file;
}


/* As a file: the caller's, NULL if it is not written. */

static char *
written(const para_keyfile_t *file, size_t *len)
{
    unsigned char  *text;

    text = malloc(PARA_KEYFILE_MAX_SIZE);
    assert_non_null(text);

    *len = para_keyfile_write(text, PARA_KEYFILE_MAX_SIZE, file);

    if (*len == 0) {
        free(text);
        return NULL;
    }

    return (char *) text;
}


static void
assert_read(const char *text, size_t len, const char *url, int64_t now,
    const char *jwks)
{
    const char      *why;
    para_span_t      span;
    para_keyfile_t   file;

    span = unit_exact(text, len);
    why = para_keyfile_parse(&file, span, unit_span(url), now);

    if (why != NULL) {
        fail_msg("%s", why);
    }

    assert_span(file.url, url);
    assert_span(file.jwks, jwks);
    assert_true(file.url.data > span.data);
    assert_ptr_equal(file.jwks.data + file.jwks.len, span.data + span.len);

    free((void *) span.data);
}


/* And the caller's struct is as before. */

static void
assert_refused(const char *text, size_t len, const char *url, int64_t now,
    const char *expected)
{
    const char      *why;
    para_span_t      span;
    para_keyfile_t   file, before;

    memset(&file, 0x5a, sizeof(file));
    before = file;

    span = unit_exact(text, len);
    why = para_keyfile_parse(&file, span, unit_span(url), now);
    free((void *) span.data);

    if (why == NULL || strncmp(why, expected, strlen(expected)) != 0) {
        fail_msg("%.*s: %s", (int) (len < 200 ? len : 200), text, why);
    }

    assert_memory_equal(&file, &before, sizeof(file));
}


static void
test_format(void **state)
{
    char            *text;
    size_t           len;
    para_keyfile_t   file;

    (void) state;

    file = file_of(URL, NOW, JWKS);
    text = written(&file, &len);

    assert_non_null(text);
    assert_int_equal(len, strlen(good));
    assert_memory_equal(text, good, len);
    free(text);

    assert_read(good, strlen(good), URL, NOW, JWKS);
}


/* What is written is read, up to the largest of all. */

static void
test_round_trip(void **state)
{
    char            *text, *url, *jwks;
    size_t           i, len;
    para_keyfile_t   file, read;

    static const int64_t  time[] = { 1, 9, 10, 1000000, NOW, INT64_MAX };

    (void) state;

    url = unit_repeat('~', PARA_KEYFILE_URL_MAX);
    jwks = unit_repeat('\n', PARA_JWKS_MAX_SIZE);

    for (i = 0; i < unit_count(time); i++) {
        file = file_of(url, time[i], jwks);
        text = written(&file, &len);

        assert_non_null(text);
        assert_true(len <= PARA_KEYFILE_MAX_SIZE);
        assert_null(para_keyfile_parse(&read, para_span(text, len),
                                       unit_span(url), time[i]));
        assert_true(read.fetched == time[i]);
        assert_span(read.url, url);
        assert_span(read.jwks, jwks);

        free(text);
    }

    free(url);
    free(jwks);

    file = file_of("!", 1, "\n");
    text = written(&file, &len);
    assert_read(text, len, "!", 1, "\n");
    free(text);

    /* a set is bytes */

    file = file_of("!", 1, NULL);
    file.jwks = PARA_SPAN("\0\xff\0");
    text = written(&file, &len);
    assert_null(para_keyfile_parse(&read, para_span(text, len),
                                   unit_span("!"), 1));
    assert_int_equal(read.jwks.len, 3);
    assert_memory_equal(read.jwks.data, "\0\xff\0", 3);
    free(text);
}


/* No byte is written beyond the room, nor is half a file called one. */

static void
test_room(void **state)
{
    size_t           size, len;
    para_keyfile_t   file;
    unsigned char   *room;

    (void) state;

    file = file_of(URL, NOW, JWKS);

    for (size = 0; size < strlen(good) + 3; size++) {
        room = malloc(size + 1);
        len = para_keyfile_write(room, size, &file);

        assert_int_equal(len, size < strlen(good) ? 0 : strlen(good));

        free(room);
    }
}


static void
test_not_written(void **state)
{
    char           *text;
    size_t          i, len;
    para_keyfile_t  file;

    static const struct {
        const char  *url;
        int64_t      fetched;
        const char  *jwks;
    } row[] = {
        { NULL, NOW, JWKS },
        { "", NOW, JWKS },
        { URL, 0, JWKS },
        { URL, -1, JWKS },
        { URL, INT64_MIN, JWKS },
        { URL, NOW, NULL },
        { URL, NOW, "" },
        { URL " ", NOW, JWKS },
        { URL "\n", NOW, JWKS },
        { URL "\nfetched 1", NOW, JWKS },
        { "\t", NOW, JWKS },
        { "\x7f", NOW, JWKS },
        { "\xc3\xa9", NOW, JWKS }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        file = file_of(row[i].url, row[i].fetched, row[i].jwks);

        if (written(&file, &len) != NULL) {
            fail_msg("row %zu", i);
        }
    }

    text = unit_repeat('a', PARA_KEYFILE_URL_MAX + 1);
    file = file_of(text, NOW, JWKS);
    assert_null(written(&file, &len));
    free(text);

    text = unit_repeat('a', PARA_JWKS_MAX_SIZE + 1);
    file = file_of(URL, NOW, text);
    assert_null(written(&file, &len));
    free(text);
}


/* Bytes that are cut off, changed, left out or put in: none is believed. */

static void
test_torn(void **state)
{
    char    *text;
    size_t   i, len;

    (void) state;

    len = strlen(good);

    for (i = 0; i < len; i++) {
        assert_refused(good, i, URL, NOW, "it");

        text = unit_format("%s", good);
        text[i] ^= 1;
        assert_refused(text, len, URL, NOW, "it");
        text[i] ^= 0x21;
        assert_refused(text, len, URL, NOW, "it");
        text[i] = '\0';
        assert_refused(text, len, URL, NOW, "it");
        free(text);

        text = unit_format("%s", good);
        memmove(text + i, text + i + 1, len - i - 1);
        assert_refused(text, len - 1, URL, NOW, "it");
        free(text);

        text = unit_format("%.*s %s", (int) i, good, good + i);
        assert_refused(text, len + 1, URL, NOW, "it");
        free(text);
    }

    text = unit_format("%s\n", good);
    assert_refused(text, len + 1, URL, NOW, "its sum is wrong");
    text[len] = '\0';
    assert_refused(text, len + 1, URL, NOW, "its sum is wrong");
    free(text);
}


/* By their sentences, and with sums that are right. */

static void
test_refused(void **state)
{
    size_t  i;

    static const char  none[] = "it is no key set that this version has kept";
    static const char  odd[] = "its URL, time or key set is none";
    static const char  sum[] = "its sum is wrong";

    static const struct {
        const char  *text;
        const char  *why;
    } row[] = {
        { "", none },
        { "{\"keys\":[]}", none },
        { "para-auth-jwks 1", none },
        { "para-auth-jwks 2\nurl x\n", none },
        { "para-auth-jwks 1\n", "it has no line \"url\"" },
        { "para-auth-jwks 1\nfetched 1\n", "it has no line \"url\"" },
        { "para-auth-jwks 1\nurl x", "it has no line \"fetched\"" },
        { "para-auth-jwks 1\nurl x\n", "it has no line \"fetched\"" },
        { "para-auth-jwks 1\nurl x\r\nfetched 1\nsha256 0\n\n{}", odd },
        { "para-auth-jwks 1\nurl x\nfetched 1",
          "it has no line \"sha256\"" },
        { "para-auth-jwks 1\nurl x\nfetched 1\nsha256 0",
          "it is cut off after its head" },
        { "para-auth-jwks 1\nurl x\nfetched 1\nsha256 0\n",
          "it is cut off after its head" },
        { "para-auth-jwks 1\nurl x\nfetched 1\nsha256 0\n\n", odd },
        { "para-auth-jwks 1\nurl x\nfetched 1\nsha256 0\n\n{}", sum },
        { FILE_OF("", "1", "0", "{}"), odd },
        { FILE_OF("x y", "1", "0", "{}"), odd },
        { FILE_OF("x", "", "0", "{}"), odd },
        { FILE_OF("x", "0", "0", "{}"), odd },
        { FILE_OF("x", "01", "0", "{}"), odd },
        { FILE_OF("x", "-1", "0", "{}"), odd },
        { FILE_OF("x", "+1", "0", "{}"), odd },
        { FILE_OF("x", " 1", "0", "{}"), odd },
        { FILE_OF("x", "1 ", "0", "{}"), odd },
        { FILE_OF("x", "1:", "0", "{}"), odd },
        { FILE_OF("x", "1/", "0", "{}"), odd },
        { FILE_OF("x", "9223372036854775807", "0", "{}"), sum },
        { FILE_OF("x", "9223372036854775808", "0", "{}"), odd },
        { FILE_OF("x", "9223372036854775810", "0", "{}"), odd },
        { FILE_OF("x", "92233720368547758070", "0", "{}"), odd },
        { FILE_OF("x", "18446744073709551617", "0", "{}"), odd },
        { FILE_OF(URL, "1700000000", "", JWKS), sum },
        { FILE_OF(URL, "1700000001", SUM, JWKS), sum },
        { FILE_OF(URL "x", "1700000000", SUM, JWKS), sum },
        { FILE_OF(URL, "1700000000", SUM " ", JWKS), sum },
        { FILE_OF(URL, "1700000000", SUM "0", JWKS), sum }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_refused(row[i].text, strlen(row[i].text), URL, NOW,
                       row[i].why);
    }
}


static void
test_long(void **state)
{
    char  *part, *text;

    (void) state;

    part = unit_repeat('a', PARA_KEYFILE_URL_MAX + 1);
    text = unit_format(FILE_OF("%s", "1", SUM, "{}"), part);
    assert_refused(text, strlen(text), part, NOW, "its URL, time or");
    assert_refused(text + 1, strlen(text + 1), part, NOW, "it is no key set");
    free(part);
    free(text);

    part = unit_repeat('a', PARA_JWKS_MAX_SIZE + 1);
    text = unit_format(FILE_OF(URL, "1", SUM, "%s"), part);
    assert_refused(text, strlen(text), URL, NOW, "its URL, time or");
    free(part);
    free(text);
}


static void
test_no_text(void **state)
{
    para_keyfile_t  file;

    (void) state;

    assert_non_null(para_keyfile_parse(&file, PARA_SPAN_NONE, unit_span(URL),
                                       NOW));
}


static void
test_of_another_url(void **state)
{
    size_t  i;

    static const char *const  url[] = {
        NULL, "", "https://example.com/jwks.jso", URL "x", URL "/",
        "https://example.com/JWKS.json", "http://example.com/jwks.json"
    };

    (void) state;

    for (i = 0; i < unit_count(url); i++) {
        assert_refused(good, strlen(good), url[i], NOW, "it is of another");
    }
}


static void
test_time(void **state)
{
    (void) state;

    assert_read(good, strlen(good), URL, NOW - 60, JWKS);
    assert_read(good, strlen(good), URL, NOW + 60, JWKS);
    assert_read(good, strlen(good), URL, INT64_MAX, JWKS);

    assert_refused(good, strlen(good), URL, NOW - 61, "it was fetched in the");
    assert_refused(good, strlen(good), URL, 0, "it was fetched in the");
    assert_refused(good, strlen(good), URL, INT64_MIN,
                   "it was fetched in the");
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_not_written),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_of_another_url),
        cmocka_unit_test(test_time)
    };

    return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
