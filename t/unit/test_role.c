#include "unit.h"

#include "para_json.h"
#include "para_list.h"
#include "para_role.h"


/* Nothing is read beyond list and name. */

static para_reason_e
check(const char *list, const char *name)
{
    para_span_t    roles, role;
    para_reason_e  reason;

    roles = unit_exact(list, strlen(list));
    role = unit_exact(name, strlen(name));

    reason = para_role_check(roles, &role, 1);

    free((void *) roles.data);
    free((void *) role.data);

    return reason;
}


static void
test_one(void **state)
{
    (void) state;

    assert_reason(check("admin", "admin"), PARA_OK);
    assert_reason(check("admin,editor,reader", "admin"), PARA_OK);
    assert_reason(check("admin,editor,reader", "editor"), PARA_OK);
    assert_reason(check("admin,editor,reader", "reader"), PARA_OK);

    assert_reason(check("", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("editor", "admin"), PARA_ROLE_MISSING);
}


/* To the byte, and as a whole. */

static void
test_exact(void **state)
{
    (void) state;

    assert_reason(check("admin", "Admin"), PARA_ROLE_MISSING);
    assert_reason(check("ADMIN", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("admins", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("admi", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("xadmin", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("super admin", "admin"), PARA_ROLE_MISSING);
    assert_reason(check("admin,", "admin"), PARA_OK);
    assert_reason(check("a,dmin", "admin"), PARA_ROLE_MISSING);

    /* a list in place of a name finds nothing */

    assert_reason(check("admin,editor", "admin,editor"), PARA_ROLE_MISSING);
    assert_reason(check("admin,editor", "admin,"), PARA_ROLE_MISSING);
}


static void
test_any_of_several(void **state)
{
    const para_span_t  name[] = {
        PARA_SPAN("owner"), PARA_SPAN("admin"), PARA_SPAN("root")
    };

    (void) state;

    assert_reason(para_role_check(PARA_SPAN("reader,owner"), name, 3),
                  PARA_OK);
    assert_reason(para_role_check(PARA_SPAN("reader,root"), name, 3), PARA_OK);
    assert_reason(para_role_check(PARA_SPAN("admin"), name, 3), PARA_OK);
    assert_reason(para_role_check(PARA_SPAN("root"), name, 2),
                  PARA_ROLE_MISSING);
    assert_reason(para_role_check(PARA_SPAN("reader,writer"), name, 3),
                  PARA_ROLE_MISSING);
    assert_reason(para_role_check(PARA_SPAN_NONE, name, 3),
                  PARA_ROLE_MISSING);
    assert_reason(para_role_check(PARA_SPAN("admin"), name, 0),
                  PARA_ROLE_MISSING);
}


/* A name is found in what para_list.h makes of a claim with it. */

static void
test_encoded(void **state)
{
    size_t          i, size;
    para_json_t    *json;
    para_span_t     name, text;
    unsigned char   list[256], role[64], *end;

    static const char  *names[][2] = {
        { "admin", "\"admin\"" },
        { "a,b", "\"a,b\"" },
        { "50%", "\"50%\"" },
        { "%2C", "\"%2C\"" },
        { " edge ", "\" edge \"" },
        { "in the middle", "\"in the middle\"" },
        { "\xc3\xa9t\xc3\xa9", "\"\\u00e9t\\u00e9\"" },
        { "a:b/c;d\"e\\", "\"a:b/c;d\\\"e\\\\\"" }
    };

    (void) state;

    for (i = 0; i < unit_count(names); i++) {
        text = unit_span(names[i][0]);

        assert_true(para_header_encoded_max(text.len) <= sizeof(role));

        end = para_role_encode(role, text);
        assert_non_null(end);
        name = para_span(role, (size_t) (end - role));

        snprintf((char *) list, sizeof(list), "{\"r\":[\"x\",%s,\"y\"]}",
                 names[i][1]);
        json = para_json_parse(unit_span((char *) list), sizeof(list));
        assert_non_null(json);

        size = 0;
        assert_reason(para_list_check_roles(para_json_get(json, "r"), &size),
                      PARA_OK);
        assert_true(size <= sizeof(list));
        end = para_list_write_roles(list, para_json_get(json, "r"));
        para_json_free(json);

        text = para_span(list, (size_t) (end - list));
        assert_reason(para_role_check(text, &name, 1), PARA_OK);
    }
}


static void
test_names_that_nobody_has(void **state)
{
    unsigned char  role[64];

    (void) state;

    assert_null(para_role_encode(role, PARA_SPAN("")));
    assert_null(para_role_encode(role, PARA_SPAN("a\nb")));
    assert_null(para_role_encode(role, PARA_SPAN("a\0b")));
    assert_null(para_role_encode(role, PARA_SPAN("a\x7f")));
    assert_null(para_role_encode(role, PARA_SPAN("\xc2\x85")));
    assert_null(para_role_encode(role, PARA_SPAN("\xe2\x80\xa8")));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_any_of_several),
        cmocka_unit_test(test_encoded),
        cmocka_unit_test(test_names_that_nobody_has)
    };

    return cmocka_run_group_tests_name("role", tests, NULL, NULL);
}
