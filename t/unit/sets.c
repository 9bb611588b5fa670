#include "sets.h"

#include <openssl/err.h>

#include "unit.h"


para_jwks_t *
unit_set(char *text, para_jwks_kind_e kind, const char **why)
{
    para_span_t   exact;
    para_jwks_t  *set;

    exact = unit_exact(text, strlen(text));
    free(text);

    set = para_jwks_parse(exact, kind, why);

    /* no error is left for whoever asks OpenSSL next */

    assert_int_equal(ERR_peek_error(), 0);

    memset((void *) exact.data, 'x', exact.len);
    free((void *) exact.data);

    return set;
}


void
assert_set(char *text, para_jwks_kind_e kind, size_t n)
{
    const char   *why;
    para_jwks_t  *set;

    set = unit_set(text, kind, &why);

    if (set == NULL) {
        fail_msg("refused: %s", why);
        return;
    }

    assert_null(why);
    assert_int_equal(para_jwks_count(set), n);
    assert_null(para_jwks_key(set, n));

    para_jwks_free(set);
}


void
assert_no_set(char *text, para_jwks_kind_e kind, const char *words)
{
    const char   *why;
    para_jwks_t  *set;

    set = unit_set(text, kind, &why);
    para_jwks_free(set);

    assert_null(set);
    assert_non_null(why);

    if (strstr(why, words) == NULL) {
        fail_msg("refused with \"%s\", not \"%s\"", why, words);
    }
}
