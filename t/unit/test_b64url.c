#include "unit.h"

#include "para_b64url.h"
#include "sign.h"


static int
decodes(const char *text)
{
    int             rc;
    size_t          n;
    para_span_t     exact;
    unsigned char  *dst;

    exact = unit_exact(text, strlen(text));
    dst = malloc(para_b64url_decoded_max(exact.len));

    rc = para_b64url_decode(dst, &n, exact);

    free(dst);
    free((void *) exact.data);

    return rc;
}


/* RFC 4648 10, without padding. */

static void
test_vectors(void **state)
{
    size_t         i, n;
    unsigned char  dst[16];

    static const char *const  row[][2] = {
        { "", "" }, { "Zg", "f" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
        { "Zm9vYg", "foob" }, { "Zm9vYmE", "fooba" }, { "Zm9vYmFy", "foobar" },
        { "-_-_", "\xfb\xff\xbf" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_b64url_decode(dst, &n, unit_span(row[i][0])), 1);
        assert_int_equal(n, strlen(row[i][1]));
        assert_memory_equal(dst, row[i][1], n);
    }
}


/* Of any length, as OpenSSL writes it, and as long as it was said to be. */

static void
test_encode(void **state)
{
    char           *expected;
    size_t          i, len, size;
    unsigned char   bytes[70], *dst;

    (void) state;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 37 + 251);
    }

    for (len = 0; len <= sizeof(bytes); len++) {
        size = para_b64url_encoded_size(len);
        dst = malloc(size + 1);
        expected = sign_base64url(bytes, len);

        assert_ptr_equal(para_b64url_encode(dst, para_span(bytes, len)),
                         dst + size);
        dst[size] = '\0';
        assert_string_equal((char *) dst, expected);

        free(expected);
        free(dst);
    }
}


static void
test_round_trip_in_place(void **state)
{
    char           *text;
    size_t          len, n, i;
    unsigned char   bytes[67];

    (void) state;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 151 + 7);
    }

    for (len = 0; len <= sizeof(bytes); len++) {
        text = sign_base64url(bytes, len);

        assert_int_equal(para_b64url_decode((unsigned char *) text, &n,
                                            unit_span(text)), 1);
        assert_int_equal(n, len);
        assert_memory_equal(text, bytes, len);

        free(text);
    }
}


/* Of all spellings of the last group exactly the canonical ones. */

static void
test_trailing_bits(void **state)
{
    int   i, j, good;
    char  text[8];

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789-_";

    (void) state;

    good = 0;

    for (i = 0; i < 64; i++) {
        for (j = 0; j < 64; j++) {
            snprintf(text, sizeof(text), "%c%c", alphabet[i], alphabet[j]);
            assert_int_equal(decodes(text), j % 16 == 0);
            good += decodes(text);

            snprintf(text, sizeof(text), "A%c%c", alphabet[i], alphabet[j]);
            assert_int_equal(decodes(text), j % 4 == 0);
        }
    }

    assert_int_equal(good, 256);
}


static void
test_length_of_one_mod_four(void **state)
{
    (void) state;

    assert_false(decodes("A"));
    assert_false(decodes("AAAAA"));
    assert_false(decodes("AAAAAAAAA"));
    assert_true(decodes("AAAA"));
}


/* Every byte at every place of the last two groups. */

static void
test_foreign_bytes(void **state)
{
    int             c, good;
    size_t          at, n, len;
    unsigned char   dst[8];
    unsigned char   text[8];

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789-_";

    (void) state;

    for (len = 4; len <= 8; len++) {

        if (len % 4 == 1) {
            continue;
        }

        for (at = 0; at < len; at++) {
            for (c = 0; c < 256; c++) {
                memset(text, 'A', sizeof(text));
                text[at] = (unsigned char) c;

                good = c != 0 && strchr(alphabet, c) != NULL;

                if (good && at == len - 1 && len % 4 != 0) {
                    continue;      /* as its trailing bits are */
                }

                assert_int_equal(para_b64url_decode(dst, &n,
                                                    para_span(text, len)),
                                 good);
            }
        }
    }
}


static void
test_padding(void **state)
{
    (void) state;

    assert_false(decodes("Zg=="));
    assert_false(decodes("Zm8="));
    assert_false(decodes("Zm9v===="));
    assert_false(decodes("="));
    assert_false(decodes("Zm9v\n"));
    assert_false(decodes("Zm9v "));
    assert_false(decodes(" Zm9"));
}


/* The other alphabet: RFC 4648 10, with all of the padding. */

static void
test_standard_vectors(void **state)
{
    char           *text;
    size_t          i, len, n;
    unsigned char   bytes[67], dst[68];

    static const char *const  row[][2] = {
        { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
        { "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" },
        { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_b64_decode(dst, &n, unit_span(row[i][0])), 1);
        assert_int_equal(n, strlen(row[i][1]));
        assert_memory_equal(dst, row[i][1], n);
    }

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 151 + 7);
    }

    for (len = 0; len <= sizeof(bytes); len++) {
        text = unit_base64(bytes, len);

        assert_int_equal(para_b64_decode((unsigned char *) text, &n,
                                         unit_span(text)), 1);
        assert_int_equal(n, len);
        assert_memory_equal(text, bytes, len);

        free(text);
    }
}


/* Every byte at every place of a group, with and without padding after it. */

static void
test_standard_is_strict(void **state)
{
    int             c, good;
    size_t          i, at, n, padding;
    para_span_t     exact;
    unsigned char   dst[8], text[8];

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char *const  bad[] = {
        "Zg", "Zm8", "Zg=", "Zm8==", "Zm9v=", "Zm9v====", "====", "=", "==",
        "===", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zg=a", "=Zg=", "Z=g=",
        "Zm9v\n", "Zm9 ", "A", "AAAAA"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        exact = unit_exact(bad[i], strlen(bad[i]));
        assert_int_equal(para_b64_decode(dst, &n, exact), 0);
        free((void *) exact.data);
    }

    for (padding = 0; padding <= 2; padding++) {
        for (at = 0; at < 8 - padding; at++) {
            for (c = 0; c < 256; c++) {
                memset(text, 'A', sizeof(text));
                memset(text + 8 - padding, '=', padding);
                text[at] = (unsigned char) c;

                good = c != 0 && strchr(alphabet, c) != NULL;

                if (at == 7 - padding && (padding != 0 || c == '=')) {
                    continue;      /* its trailing bits, or padding */
                }

                assert_int_equal(para_b64_decode(dst, &n, para_span(text, 8)),
                                 good);
            }
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_round_trip_in_place),
        cmocka_unit_test(test_trailing_bits),
        cmocka_unit_test(test_length_of_one_mod_four),
        cmocka_unit_test(test_foreign_bytes),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_standard_vectors),
        cmocka_unit_test(test_standard_is_strict)
    };

    return cmocka_run_group_tests_name("b64url", tests, NULL, NULL);
}
