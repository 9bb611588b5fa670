/*
 * The examples of RFC 7515, 7517, 7520, 7797, 8037: what is signed and compact
 * verifies; detached, unencoded, unsigned, encrypted and in JSON it does not.
 */

#include "vectors.h"


static unsigned  cookbook_verified;
static unsigned  cookbook_refused;


static para_jwks_t *
cookbook_set(const json_t *key)
{
    json_t       *root;
    para_jwks_t  *set;

    if (!json_is_array(key)) {
        return vectors_set(key, PARA_JWKS_LOCAL);
    }

    root = json_pack("{s:O}", "keys", key);
    set = vectors_set(root, PARA_JWKS_LOCAL);
    json_decref(root);

    return set;
}


static void
cookbook_accept(const char *name, const para_jwks_t *set, const char *token)
{
    int   good;
    char  *longer;

    good = vectors_accepts(set, token, strlen(token));
    cookbook_verified += (unsigned) good;
    vectors_ok(good, "%s: verifies", name);

    /* the same key does not take anything else */

    longer = vectors_format("%s", token);
    longer[strcspn(longer, ".") + 1] ^= 1;
    vectors_ok(!vectors_accepts(set, longer, strlen(longer)),
               "%s: not if a bit of it is another", name);
    free(longer);
}


static void
cookbook_refuse(const char *name, const para_jwks_t *set, const char *token)
{
    int  good;

    good = vectors_accepts(set, token, strlen(token));
    cookbook_refused += !good;
    vectors_ok(!good, "%s: refused", name);
}


/* One example of the cookbook: input, and output in up to three forms. */

static void
cookbook_example(const char *name, const json_t *root, int is_signed)
{
    char          *text, *label;
    size_t         i;
    json_t        *output, *form;
    const char    *compact;
    para_jwks_t   *set;

    static const char *const  json[] = { "json", "json_flat" };

    output = json_object_get(root, "output");
    compact = json_string_value(json_object_get(output, "compact"));
    set = cookbook_set(json_object_get(json_object_get(root, "input"), "key"));

    if (compact != NULL && is_signed && strstr(compact, "..") == NULL) {
        cookbook_accept(name, set, compact);

    } else if (compact != NULL) {
        cookbook_refuse(name, set, compact);
    }

    for (i = 0; i < 2; i++) {
        form = json_object_get(output, json[i]);

        if (form != NULL) {
            text = json_dumps(form, JSON_COMPACT);
            label = vectors_format("%s as %s", name, json[i]);
            cookbook_refuse(label, set, text);
            free(label);
            free(text);
        }
    }

    para_jwks_free(set);
}


static void
cookbook_folder(const char *root, const char *name, int is_signed)
{
    char    *folder, **list;
    size_t   i;
    json_t  *json;

    folder = vectors_format("%s/%s", root, name);
    list = vectors_list(folder, ".json");

    for (i = 0; list[i] != NULL; i++) {
        json = vectors_json(folder, list[i]);
        cookbook_example(list[i], json,
                         is_signed && strncmp(list[i], "ecdh", 4) != 0);
        json_decref(json);
    }

    vectors_list_free(list);
    free(folder);
}


static void
cookbook_nested(const char *folder)
{
    json_t  *json;

    json = vectors_json(folder, "6.nesting_signatures_and_encryption.json");
    cookbook_example("6.nesting, the signed", json_object_get(json, "sign"),
                     1);
    cookbook_example("6.nesting, the encrypted",
                     json_object_get(json, "encrypt"), 0);
    json_decref(json);
}


/* The key or the set beside a token: the same name, another suffix. */

static para_jwks_t *
cookbook_key_of(const char *folder, const char *name)
{
    char         *key;
    size_t        i;
    json_t       *json;
    para_jwks_t  *set;

    static const char *const  suffix[] = { "jwk", "jwkset" };

    set = NULL;

    for (i = 0; set == NULL && i < 2; i++) {
        key = vectors_format("%.*s.%s", (int) (strrchr(name, '.') - name),
                             name, suffix[i]);

        if (vectors_has(folder, key)) {
            json = vectors_json(folder, key);
            set = vectors_set(json, PARA_JWKS_LOCAL);
            json_decref(json);
        }

        free(key);
    }

    return set;
}


static void
cookbook_files(const char *folder, const char *suffix)
{
    char         *text, **list;
    size_t        i, len;
    para_jwks_t  *set;

    list = vectors_list(folder, suffix);

    for (i = 0; list[i] != NULL; i++) {
        text = vectors_file(folder, list[i], &len);
        text[strcspn(text, "\r\n")] = '\0';
        set = cookbook_key_of(folder, list[i]);

        /* RFC 7515 A.5 is not signed, 7520 4.5 detached */

        if (strcmp(suffix, ".jwsc") == 0
            && strstr(text, "..") == NULL && text[strlen(text) - 1] != '.')
        {
            cookbook_accept(list[i], set, text);

        } else {
            cookbook_refuse(list[i], set, text);
        }

        para_jwks_free(set);
        free(text);
    }

    vectors_list_free(list);
}


int
main(void)
{
    char         *folder, *text;
    size_t        len;
    para_jwks_t  *set;

    folder = vectors_folder("cookbook");
    cookbook_folder(folder, "jws", 1);
    cookbook_folder(folder, "curve25519", 1);
    cookbook_folder(folder, "rfc7797", 0);
    cookbook_folder(folder, "jwe-must-reject", 0);
    cookbook_nested(folder);
    free(folder);

    folder = vectors_folder("latchset-jose");
    cookbook_files(folder, ".jwsc");
    cookbook_files(folder, ".jwsf");
    cookbook_files(folder, ".jwsg");
    cookbook_files(folder, ".jwe");

    text = vectors_file(folder, "rsa512.pem", &len);
    set = vectors_set_text(text, PARA_JWKS_LOCAL);
    vectors_ok(set == NULL, "rsa512.pem: no key");
    para_jwks_free(set);
    free(text);
    free(folder);

    /* 7520 4.1 to 4.4 twice, 6, 8037; 7515 A.1 to A.4 */

    vectors_ok(cookbook_verified == 14, "%u tokens verify", cookbook_verified);
    vectors_ok(cookbook_refused == 83, "%u are refused", cookbook_refused);

    return vectors_done();
}
