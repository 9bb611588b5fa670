/*
 * The core without nginx, for t/corpus.t.  Reads a line of JSON at a time and
 * answers each with a line:
 *
 *   {"algorithms": true}
 *       the names of the known algorithms
 *   {"keys": FILE, "kind": "public" | "local"}
 *       "refused: WHY", or "N keys" and for each key left out "; KID: WHY"
 *   {"provider": NAME, "issuers": [{"name", "kind": "para" | "own", "keys":
 *    FILE, "algorithms": [..], "iss", "audience": [..], "leeway": N,
 *    "max_age": N, "endless": 1, "typ": [..], "require": [..]}]}
 *       "ready", or why such issuers are refused; later lines name it
 *   {"provider": NAME, "now": N, "token": TEXT [, "answer": TEXT of Para's]
 *    [, "match": "strict" | "present" | "off"]}
 *       the reason of the first check that refuses it, "ok" if none does
 *   {"answer": TEXT}
 *       the reason for an answer of Para's alone
 *   {"session": TEXT}
 *       the reason for a session token alone
 *
 * Anything else ends the program with a status other than 0.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "para_identity.h"
#include "para_token.h"


#define MAX_PROVIDERS  32
#define MAX_ISSUERS    4
#define MAX_TEXTS      4


typedef struct {
    json_t                *conf;      /* owns all texts */
    para_jwks_t           *keys[MAX_ISSUERS];
    para_span_t            audience[MAX_ISSUERS][MAX_TEXTS];
    para_span_t            required[MAX_ISSUERS][MAX_TEXTS];
    para_span_t            typ[MAX_ISSUERS][MAX_TEXTS];
    para_issuer_t          issuer[MAX_ISSUERS];
    const para_issuer_t   *list[MAX_ISSUERS];
    size_t                 n;
} provider_t;


static provider_t  providers[MAX_PROVIDERS];
static size_t      nproviders;


static void
fail(const char *what)
{
    fprintf(stderr, "verify: %s\n", what);
    exit(2);
}


static para_span_t
text_of(const json_t *value)
{
    if (!json_is_string(value)) {
        return PARA_SPAN_NONE;
    }

    return para_span(json_string_value(value), json_string_length(value));
}


static int
is(const json_t *object, const char *name, const char *expected)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text != NULL && strcmp(text, expected) == 0;
}


/* The bytes in memory of just their size, so that ASan sees a byte too far. */

static para_span_t
exact(para_span_t text, char **memory)
{
    *memory = malloc(text.len + (text.len == 0));
    if (*memory == NULL) {
        fail("no memory");
    }

    if (text.len != 0) {
        memcpy(*memory, text.data, text.len);
    }

    return para_span(*memory, text.len);
}


static para_jwks_t *
read_keys(const json_t *file, para_jwks_kind_e kind, const char **why)
{
    FILE         *in;
    char         *text;
    size_t        len;
    para_jwks_t  *keys;

    in = fopen(json_string_value(file), "rb");
    text = malloc(2 * PARA_JWKS_MAX_SIZE);

    if (in == NULL || text == NULL) {
        fail("a key file cannot be read");
    }

    len = fread(text, 1, 2 * PARA_JWKS_MAX_SIZE, in);
    fclose(in);

    keys = para_jwks_parse(para_span(text, len), kind, why);
    free(text);

    return keys;
}


static void
answer_keys(const json_t *line)
{
    size_t        i;
    const char   *why;
    para_span_t   kid;
    para_jwks_t  *keys;

    keys = read_keys(json_object_get(line, "keys"),
                     is(line, "kind", "public") ? PARA_JWKS_PUBLIC
                                                : PARA_JWKS_LOCAL, &why);
    if (keys == NULL) {
        printf("refused: %s\n", why);
        return;
    }

    printf("%zu keys", para_jwks_count(keys));

    for (i = 0; (why = para_jwks_refused(keys, i, &kid)) != NULL; i++) {
        printf("; %.*s: %s", (int) kid.len,
               kid.len != 0 ? (const char *) kid.data : "", why);
    }

    printf("\n");

    para_jwks_free(keys);
}


static unsigned
algorithms_of(const json_t *names)
{
    size_t             i;
    unsigned           mask;
    const para_alg_t  *alg;

    mask = 0;

    for (i = 0; i < json_array_size(names); i++) {
        alg = para_alg_find(text_of(json_array_get(names, i)));
        if (alg == NULL) {
            fail("an algorithm that the core does not know");
        }

        mask |= alg->bit;
    }

    return mask;
}


static size_t
read_texts(para_span_t text[MAX_TEXTS], const json_t *conf, const char *name)
{
    size_t         i;
    const json_t  *list;

    list = json_object_get(conf, name);

    if (json_array_size(list) > MAX_TEXTS) {
        fail("too many texts");
    }

    for (i = 0; i < json_array_size(list); i++) {
        text[i] = text_of(json_array_get(list, i));
    }

    return i;
}


static void
make_issuer(provider_t *provider, const json_t *conf)
{
    size_t          n;
    const char     *why;
    para_issuer_t  *issuer;

    n = provider->n++;
    issuer = &provider->issuer[n];
    provider->list[n] = issuer;

    issuer->name = text_of(json_object_get(conf, "name"));
    issuer->kind = is(conf, "kind", "para") ? PARA_ISSUER_PARA
                                            : PARA_ISSUER_OWN;
    issuer->iss = text_of(json_object_get(conf, "iss"));
    issuer->algorithms = algorithms_of(json_object_get(conf, "algorithms"));
    issuer->claims.leeway =
        json_integer_value(json_object_get(conf, "leeway"));

    issuer->claims.max_age =
        json_integer_value(json_object_get(conf, "max_age"));
    issuer->claims.endless = json_object_get(conf, "endless") != NULL;

    issuer->claims.audience = provider->audience[n];
    issuer->claims.audiences = read_texts(provider->audience[n], conf,
                                          "audience");
    issuer->claims.required = provider->required[n];
    issuer->claims.requires = read_texts(provider->required[n], conf,
                                         "require");

    issuer->typ = provider->typ[n];
    issuer->typs = read_texts(provider->typ[n], conf, "typ");

    para_issuer_default_map(issuer->kind, issuer->map);

    provider->keys[n] = read_keys(json_object_get(conf, "keys"),
                                  issuer->kind == PARA_ISSUER_PARA
                                  ? PARA_JWKS_PUBLIC : PARA_JWKS_LOCAL, &why);
    if (provider->keys[n] == NULL) {
        fail(why);
    }

    issuer->keys = provider->keys[n];
}


static void
answer_issuers(json_t *line, const json_t *issuers)
{
    size_t       i;
    const char  *why;
    provider_t  *provider;

    if (nproviders == MAX_PROVIDERS || json_array_size(issuers) > MAX_ISSUERS) {
        fail("too many");
    }

    provider = &providers[nproviders++];
    provider->conf = json_incref(line);

    for (i = 0; i < json_array_size(issuers); i++) {
        make_issuer(provider, json_array_get(issuers, i));
    }

    why = para_issuers_check(provider->list, provider->n);

    printf("%s\n", why == NULL ? "ready" : why);
}


static para_reason_e
build(const json_t *line, const para_token_t *token)
{
    char             *memory;
    para_match_e      match;
    const json_t     *answer;
    para_reason_e     rc;
    para_session_t    session;
    para_identity_t   identity;

    memory = NULL;
    memset(&session, 0, sizeof(session));

    match = is(line, "match", "off") ? PARA_MATCH_OFF
          : is(line, "match", "present") ? PARA_MATCH_PRESENT
          : PARA_MATCH_STRICT;

    answer = json_object_get(line, "answer");

    rc = answer == NULL ? PARA_OK
         : para_session_parse_verify(&session, exact(text_of(answer), &memory));

    if (rc == PARA_OK) {
        rc = para_identity_build(&identity, token,
                                 answer == NULL ? NULL : &session, match,
                                 NULL);
        para_identity_free(&identity);
    }

    para_session_free(&session);
    free(memory);

    return rc;
}


static void
answer_token(const json_t *line, const json_t *text)
{
    char           *memory;
    size_t          i;
    para_token_t    token;
    provider_t     *provider;
    para_reason_e   rc;

    provider = NULL;

    for (i = 0; i < nproviders; i++) {
        if (json_equal(json_object_get(providers[i].conf, "provider"),
                       json_object_get(line, "provider")))
        {
            provider = &providers[i];
        }
    }

    if (provider == NULL) {
        fail("a provider that was not made");
    }

    rc = para_token_verify(&token, provider->list, provider->n,
                           exact(text_of(text), &memory),
                           json_integer_value(json_object_get(line, "now")));
    if (rc == PARA_OK) {
        rc = build(line, &token);
    }

    para_token_free(&token);
    free(memory);

    printf("%s\n", para_reason_name(rc));
}


static void
answer_alone(const json_t *text)
{
    char            *memory;
    para_reason_e    rc;
    para_session_t   session;

    rc = para_session_parse_verify(&session, exact(text_of(text), &memory));
    para_session_free(&session);
    free(memory);

    printf("%s\n", para_reason_name(rc));
}


static void
answer_algorithms(void)
{
    size_t             i;
    const para_alg_t  *alg;

    for (i = 0; (alg = para_alg_row(i)) != NULL; i++) {
        printf("%s%.*s", i == 0 ? "" : " ", (int) alg->name.len,
               (const char *) alg->name.data);
    }

    printf("\n");
}


static void
answer(json_t *line)
{
    char          *memory;
    const json_t  *value;

    if ((value = json_object_get(line, "issuers")) != NULL) {
        answer_issuers(line, value);

    } else if ((value = json_object_get(line, "token")) != NULL) {
        answer_token(line, value);

    } else if ((value = json_object_get(line, "answer")) != NULL) {
        answer_alone(value);

    } else if ((value = json_object_get(line, "session")) != NULL) {
        printf("%s\n", para_reason_name(
               para_session_check_token(exact(text_of(value), &memory))));
        free(memory);

    } else if (json_object_get(line, "keys") != NULL) {
        answer_keys(line);

    } else if (json_object_get(line, "algorithms") != NULL) {
        answer_algorithms();

    } else {
        fail("a line that asks nothing");
    }
}


int
main(void)
{
    char          *text;
    size_t         i, j, size;
    json_t        *line;
    ssize_t        len;
    json_error_t   error;

    /* who asks waits for each answer */
    setvbuf(stdout, NULL, _IOLBF, 0);

    text = NULL;
    size = 0;

    while ((len = getline(&text, &size, stdin)) > 0) {

        line = json_loadb(text, (size_t) len, JSON_ALLOW_NUL, &error);
        if (line == NULL) {
            fail(error.text);
        }

        answer(line);
        json_decref(line);
    }

    for (i = 0; i < nproviders; i++) {
        for (j = 0; j < providers[i].n; j++) {
            para_jwks_free(providers[i].keys[j]);
        }

        json_decref(providers[i].conf);
    }

    free(text);

    return 0;
}
