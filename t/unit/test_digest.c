#include "unit.h"

#include <openssl/evp.h>

#include "para_digest.h"


static para_digest_t  *digest;


static int
setup(void **state)
{
    (void) state;

    digest = para_digest_create();

    return digest == NULL;
}


static int
teardown(void **state)
{
    (void) state;

    para_digest_free(digest);
    para_digest_free(NULL);

    return 0;
}


/* SHA-256 over a byte for presence, 64 bits of length, and the part. */

static void
test_is_sha256_of_its_parts(void **state)
{
    para_span_t    part[2];
    unsigned char  out[PARA_DIGEST_SIZE], expected[PARA_DIGEST_SIZE];

    static const unsigned char  text[] = "\1\0\0\0\0\0\0\0\3abc"
                                         "\0\0\0\0\0\0\0\0\0";

    (void) state;

    part[0] = unit_span("abc");
    part[1] = PARA_SPAN_NONE;

    assert_int_equal(para_digest_key(digest, out, part, 2), 1);
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, text,
                                  sizeof(text) - 1, expected, NULL), 1);
    assert_memory_equal(out, expected, sizeof(out));

    /* made once, used often */

    memset(out, 0, sizeof(out));
    assert_int_equal(para_digest_key(digest, out, part, 2), 1);
    assert_memory_equal(out, expected, sizeof(out));
}


/* No two of these lists have one key. */

static void
test_lists_differ(void **state)
{
    size_t         i, j;
    unsigned char  out[16][PARA_DIGEST_SIZE];

    static const struct {
        const char  *part[3];
        size_t       n;
    } list[] = {
        { { NULL, NULL, NULL }, 0 },
        { { NULL, NULL, NULL }, 1 },
        { { NULL, NULL, NULL }, 2 },
        { { "", NULL, NULL }, 1 },
        { { "", NULL, NULL }, 2 },
        { { NULL, "", NULL }, 2 },
        { { "ab", "c", NULL }, 2 },
        { { "a", "bc", NULL }, 2 },
        { { "abc", "", NULL }, 2 },
        { { "", "abc", NULL }, 2 },
        { { "abc", NULL, NULL }, 2 },
        { { NULL, "abc", NULL }, 2 },
        { { "abc", NULL, NULL }, 1 },
        { { "a", "b", "c" }, 3 },
        { { "c", "b", "a" }, 3 },
        { { "abd", NULL, NULL }, 1 }
    };

    para_span_t  part[3];

    (void) state;

    for (i = 0; i < unit_count(list); i++) {
        for (j = 0; j < 3; j++) {
            part[j] = unit_span(list[i].part[j]);
        }

        assert_int_equal(para_digest_key(digest, out[i], part, list[i].n), 1);

        for (j = 0; j < i; j++) {
            assert_memory_not_equal(out[i], out[j], PARA_DIGEST_SIZE);
        }
    }
}


/* FIPS 180-2 B.1, and nothing at all. */

static void
test_plain(void **state)
{
    size_t          i, j;
    char            hex[PARA_DIGEST_SIZE * 2 + 1];
    unsigned char   out[PARA_DIGEST_SIZE];

    static const char *const  row[][2] = {
        { "abc", "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad" },
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_digest_plain(digest, out, unit_span(row[i][0])),
                         1);

        for (j = 0; j < sizeof(out); j++) {
            snprintf(hex + j * 2, 3, "%02x", out[j]);
        }

        assert_string_equal(hex, row[i][1]);
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_is_sha256_of_its_parts),
        cmocka_unit_test(test_lists_differ),
        cmocka_unit_test(test_plain)
    };

    return cmocka_run_group_tests_name("digest", tests, setup, teardown);
}
