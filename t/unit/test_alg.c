#include "unit.h"

#include "para_alg.h"


static void
test_names(void **state)
{
    size_t  i;

    static const struct {
        const char  *name;
        unsigned     bit;
    } row[] = {
        { "RS256", PARA_ALG_RS256 }, { "RS384", PARA_ALG_RS384 },
        { "RS512", PARA_ALG_RS512 }, { "PS256", PARA_ALG_PS256 },
        { "PS384", PARA_ALG_PS384 }, { "PS512", PARA_ALG_PS512 },
        { "ES256", PARA_ALG_ES256 }, { "ES384", PARA_ALG_ES384 },
        { "ES512", PARA_ALG_ES512 }, { "ES256K", PARA_ALG_ES256K },
        { "EdDSA", PARA_ALG_EDDSA }, { "Ed25519", PARA_ALG_ED25519 },
        { "Ed448", PARA_ALG_ED448 }, { "HS256", PARA_ALG_HS256 },
        { "HS384", PARA_ALG_HS384 }, { "HS512", PARA_ALG_HS512 }
    };

    (void) state;

    for (i = 0; i < unit_count(row); i++) {
        assert_int_equal(para_alg_find(unit_span(row[i].name))->bit,
                         row[i].bit);
    }

    assert_int_equal(i, PARA_ALG_COUNT);
}


static void
test_foreign_names(void **state)
{
    size_t  i;

    static const char *const  name[] = {
        "", "none", "None", "NONE", "nOnE", "noNe ", "rs256", "Rs256", "RS256 ",
        " RS256", "RS25", "RS2560", "RS256\xe2\x80\x8b", "HS1", "A128KW", "dir",
        "ES521", "ES224", "EDDSA", "eddsa", "ed25519", "X25519", "ES256k", "PS1"
    };

    (void) state;

    for (i = 0; i < unit_count(name); i++) {
        assert_null(para_alg_find(unit_span(name[i])));
    }

    assert_null(para_alg_find(PARA_SPAN("RS256\0")));
    assert_null(para_alg_find(PARA_SPAN_NONE));
}


static void
test_rows(void **state)
{
    size_t             i;
    unsigned           seen;
    const para_alg_t  *alg;

    (void) state;

    seen = 0;

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        assert_ptr_equal(para_alg_find(alg->name), alg);
        assert_int_equal(seen & alg->bit, 0);
        seen |= alg->bit;
    }

    assert_int_equal(i, PARA_ALG_COUNT);
    assert_null(para_alg_row((size_t) -1));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_foreign_names),
        cmocka_unit_test(test_rows)
    };

    return cmocka_run_group_tests_name("alg", tests, NULL, NULL);
}
