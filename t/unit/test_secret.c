#include "unit.h"

#include "para_secret.h"


static void
weak_secrets(void **state)
{
    size_t  i;

    static const struct {
        const char  *secret;
        const char  *why;
    } weak[] = {
        { "changemechangemechangemechangeme", "repeats itself" },
        { "changemechangemechangemechangeme\r\n", "repeats itself" },
        { "0123456789abcdef0123456789abcdef", "repeats itself" },
        { "0123456789abcdef0123456789abcdef0", "repeats itself" },
        { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "repeats itself" },
        { "0110100110010110100101100110100101", "few different" },
        { "abcdefgabcdefggfedcbagfedcbaabcd", "few different" },
        { "a-string-secret-at-least-256-bits-long", "words" },
        { "correct horse battery staple 2026\n", "words" },
        { "Correct Horse Battery Staple Again", "words" },
        { "my_backend.secret_for_the_gateway", "words" }
    };

    (void) state;

    for (i = 0; i < unit_count(weak); i++) {
        assert_non_null(para_secret_weak(unit_span(weak[i].secret)));
        assert_non_null(strstr(para_secret_weak(unit_span(weak[i].secret)),
                               weak[i].why));
    }
}


static void
good_secrets(void **state)
{
    size_t         i;
    unsigned char  bytes[256];

    static const char *const  good[] = {
        "4f1d0b9ce2a85d7763a0e1b24c98f5d6",
        "4f1d0b9ce2a85d7763a0e1b24c98f5d6\n",
        "abcdefghijklmnopqrstuvwxyzabcdefg0123456789",
        "kFz0Tq2sWm9XvRb4yLc7NhJd5GpA1uE8iOoUeYtZrQs=",
        "Zk-q_Wd7Ty-Pm_Rs4VxLb-Nc_JhGfQa-Eu_IoKtYz",
        "550e8400-e29b-41d4-a716-446655440000",
        "qwzkxjvbplmdhtyrnsgfceauoiqzwxkj",
        "abcdefgh"
    };

    (void) state;

    for (i = 0; i < unit_count(good); i++) {
        assert_null(para_secret_weak(unit_span(good[i])));
    }

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) i;
    }

    assert_null(para_secret_weak(para_span(bytes, sizeof(bytes))));

    /* what is repeated is long enough for a key */

    memcpy(bytes + 64, bytes, 64);

    assert_null(para_secret_weak(para_span(bytes, 128)));
}


/* Nothing is taken for one: its length is for others to judge. */

static void
no_secret(void **state)
{
    (void) state;

    assert_non_null(para_secret_weak(unit_span("")));
    assert_non_null(para_secret_weak(unit_span("\n\r\n")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(weak_secrets),
        cmocka_unit_test(good_secrets),
        cmocka_unit_test(no_secret)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
