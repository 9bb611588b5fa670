/*
 * Wycheproof's JSON Web Signature, Key and Crypto: whole tokens.
 */

#include "vectors.h"


typedef struct {
    int          id;
    int          accepted;            /* by us; Wycheproof says the opposite */
    const char  *why;
} jose_exception_t;


/*
 * 367 and 370 are byte for byte the valid 357; what the others have is no
 * base64url, or a key that says it is for another algorithm.
 */

static const jose_exception_t  jose_exceptions[] = {
    { 346, 0, "the key says PS256, the header PS384" },
    { 347, 0, "the key says ES521, which is none" },
    { 350, 0, "the key says PS256, the header PS384" },
    { 351, 0, "the key says ES521, which is none" },
    { 367, 1, "the same token as 357" },
    { 370, 1, "the same token as 357" },
    { 372, 0, "a question mark in base64url" },
    { 373, 0, "a question mark in base64url" }
};

#define JOSE_EXCEPTIONS  (sizeof(jose_exceptions) / sizeof(jose_exceptions[0]))


static const jose_exception_t *
jose_exception(int id)
{
    size_t  i;

    for (i = 0; i < JOSE_EXCEPTIONS; i++) {
        if (jose_exceptions[i].id == id) {
            return &jose_exceptions[i];
        }
    }

    return NULL;
}


/* A token in another form than the compact one comes as JSON text. */

static int
jose_accepts(const para_jwks_t *set, const json_t *jws)
{
    int    good;
    char  *text;

    if (json_is_string(jws)) {
        return vectors_accepts(set, json_string_value(jws),
                               json_string_length(jws));
    }

    text = json_dumps(jws, JSON_COMPACT);
    good = vectors_accepts(set, text, strlen(text));
    free(text);

    return good;
}


static void
jose_file(const char *folder, const char *name, int with_exceptions,
    unsigned expected, unsigned expected_exceptions)
{
    int                      id, got, valid;
    size_t                   i, j;
    json_t                  *root, *group, *test, *key, *jws;
    unsigned                 agreed, excepted, other;
    para_jwks_t             *set;
    para_jwks_kind_e         kind;
    const jose_exception_t  *exception;

    agreed = 0;
    excepted = 0;
    other = 0;

    root = vectors_json(folder, name);

    json_array_foreach(json_object_get(root, "testGroups"), i, group) {

        key = json_object_get(group, "public");
        kind = key != NULL ? PARA_JWKS_PUBLIC : PARA_JWKS_LOCAL;
        key = key != NULL ? key : json_object_get(group, "private");

        set = vectors_set(key, kind);

        json_array_foreach(json_object_get(group, "tests"), j, test) {
            jws = json_object_get(test, "jws");

            if (jws == NULL) {
                continue;
            }

            id = (int) json_integer_value(json_object_get(test, "tcId"));
            valid = strcmp(json_string_value(json_object_get(test, "result")),
                           "valid") == 0;
            got = jose_accepts(set, jws);
            exception = with_exceptions ? jose_exception(id) : NULL;

            if (exception != NULL && got == exception->accepted
                && got != valid)
            {
                printf("# test %d: %s, named: %s\n", id,
                       got ? "accepted" : "refused", exception->why);
                excepted++;

            } else if (exception == NULL && got == valid) {
                agreed++;

            } else {
                printf("# test %d: %s, Wycheproof says %s (%s)\n", id,
                       got ? "accepted" : "refused",
                       valid ? "valid" : "invalid",
                       json_string_value(json_object_get(test, "comment")));
                other++;
            }
        }

        para_jwks_free(set);
    }

    vectors_ok(agreed == expected && excepted == expected_exceptions
               && other == 0,
               "%s: %u of %u agree, %u named exceptions, %u others", name,
               agreed, agreed + excepted + other, excepted, other);

    json_decref(root);
}


int
main(void)
{
    char  *folder;

    folder = vectors_folder("wycheproof");

    jose_file(folder, "json_web_signature_test.json", 1, 393, 8);
    jose_file(folder, "json_web_key_test.json", 0, 26, 0);
    jose_file(folder, "json_web_crypto_test.json", 0, 49, 0);

    free(folder);

    return vectors_done();
}
