#include "vectors.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>


static unsigned  vectors_tests;
static unsigned  vectors_failed;


static char *
vectors_format_list(const char *format, va_list args)
{
    int      len;
    char    *text;
    va_list  again;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);

    text = malloc((size_t) len + 1);
    if (text == NULL) {
        abort();
    }

    vsnprintf(text, (size_t) len + 1, format, again);
    va_end(again);

    return text;
}


char *
vectors_format(const char *format, ...)
{
    char    *text;
    va_list  args;

    va_start(args, format);
    text = vectors_format_list(format, args);
    va_end(args);

    return text;
}


/* For what only a broken set of files, or the machine, can cause. */

static void
vectors_die(const char *what, const char *name)
{
    printf("Bail out!  %s: %s\n", what, name);
    exit(1);
}


char *
vectors_folder(const char *name)
{
    char        *path;
    const char  *root;
    struct stat  info;

    root = getenv("PARA_TEST_VECTORS");
    path = vectors_format("%s/%s", root != NULL ? root : "../shared/vectors",
                          name);

    if (stat(path, &info) == 0) {
        return path;
    }

    printf("1..0 # SKIP no test vectors in %s; PARA_TEST_VECTORS names"
           " their folder\n", path);
    free(path);
    exit(0);
}


char *
vectors_file(const char *folder, const char *name, size_t *len)
{
    char   *path, *text;
    long    size;
    FILE   *in;

    path = vectors_format("%s/%s", folder, name);

    in = fopen(path, "rb");
    if (in == NULL || fseek(in, 0, SEEK_END) != 0 || (size = ftell(in)) < 0) {
        vectors_die("cannot read", path);
    }

    rewind(in);

    text = malloc((size_t) size + 1);
    if (text == NULL || fread(text, 1, (size_t) size, in) != (size_t) size) {
        vectors_die("cannot read", path);
    }

    fclose(in);
    free(path);

    text[size] = '\0';
    *len = (size_t) size;

    return text;
}


int
vectors_has(const char *folder, const char *name)
{
    int          found;
    char        *path;
    struct stat  info;

    path = vectors_format("%s/%s", folder, name);
    found = stat(path, &info) == 0;
    free(path);

    return found;
}


json_t *
vectors_json(const char *folder, const char *name)
{
    char    *text;
    size_t   len;
    json_t  *json;

    text = vectors_file(folder, name, &len);
    json = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    free(text);

    if (json == NULL) {
        vectors_die("no JSON", name);
    }

    return json;
}


static int
vectors_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


char **
vectors_list(const char *folder, const char *suffix)
{
    DIR            *dir;
    char          **list;
    size_t          n, len;
    struct dirent  *entry;

    n = 0;
    list = malloc(1000 * sizeof(char *));
    dir = opendir(folder);

    if (list == NULL || dir == NULL) {
        vectors_die("cannot read", folder);
    }

    while ((entry = readdir(dir)) != NULL && n < 999) {
        len = strlen(entry->d_name);

        if (len > strlen(suffix)
            && strcmp(entry->d_name + len - strlen(suffix), suffix) == 0)
        {
            list[n++] = vectors_format("%s", entry->d_name);
        }
    }

    closedir(dir);
    qsort(list, n, sizeof(char *), vectors_compare);
    list[n] = NULL;

    return list;
}


void
vectors_list_free(char **list)
{
    size_t  i;

    for (i = 0; list[i] != NULL; i++) {
        free(list[i]);
    }

    free(list);
}


void
vectors_ok(int good, const char *format, ...)
{
    char    *text;
    va_list  args;

    va_start(args, format);
    text = vectors_format_list(format, args);
    va_end(args);

    vectors_tests++;
    vectors_failed += !good;

    printf("%s %u - %s\n", good ? "ok" : "not ok", vectors_tests, text);
    free(text);
}


int
vectors_done(void)
{
    printf("1..%u\n", vectors_tests);

    return vectors_failed != 0;
}


para_jwks_t *
vectors_set_text(const char *text, para_jwks_kind_e kind)
{
    const char  *why;

    return para_jwks_parse(para_span(text, strlen(text)), kind, &why);
}


para_jwks_t *
vectors_set(const json_t *key, para_jwks_kind_e kind)
{
    char                     *text;
    size_t                    i;
    json_t                   *copy;
    const char               *kty;
    para_jwks_t              *set;
    static const char *const  name[] = { "d", "p", "q", "dp", "dq", "qi" };

    if (key == NULL) {
        return NULL;
    }

    copy = json_deep_copy(key);
    kty = json_string_value(json_object_get(copy, "kty"));

    /* RFCs print the whole pair; a key that verifies is its public half */

    for (i = 0; kty != NULL && i < sizeof(name) / sizeof(name[0]); i++) {
        json_object_del(copy, name[i]);
    }

    text = json_dumps(copy, JSON_COMPACT);
    set = vectors_set_text(text, kind);

    free(text);
    json_decref(copy);

    return set;
}


/* The one key that a token goes to, NULL if there is none or several. */

static const para_jwk_t *
vectors_route(const para_jwks_t *set, const para_jws_t *jws)
{
    int                named, found;
    size_t             i;
    para_span_t        kid;
    const para_jwk_t  *key, *chosen;

    named = 0;

    for (i = 0; (key = para_jwks_key(set, i)) != NULL; i++) {
        kid = para_jwk_kid(key);
        named |= jws->kid.data != NULL && kid.data != NULL
                 && para_span_eq(kid, jws->kid);
    }

    found = 0;
    chosen = NULL;

    for (i = 0; (key = para_jwks_key(set, i)) != NULL; i++) {
        kid = para_jwk_kid(key);

        if (jws->kid.data != NULL
            && (named ? kid.data == NULL || !para_span_eq(kid, jws->kid)
                      : kid.data != NULL))
        {
            continue;
        }

        if (para_jwk_algorithms(key) & jws->alg->bit) {
            chosen = key;
            found++;
        }
    }

    return found == 1 ? chosen : NULL;
}


int
vectors_accepts(const para_jwks_t *set, const char *token, size_t len)
{
    int                good;
    para_jws_t         jws;
    const para_jwk_t  *key;

    good = 0;

    if (para_jws_parse(&jws, para_span(token, len)) == PARA_OK) {
        key = set == NULL ? NULL : vectors_route(set, &jws);
        good = key != NULL && para_jws_verify(&jws, key) == PARA_OK;
    }

    para_jws_free(&jws);

    return good;
}
