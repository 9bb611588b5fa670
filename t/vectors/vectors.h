/*
 * What the runners of other projects' vectors have in common: where the files
 * are, TAP, and the signature layer by itself.  Nothing of the files is in this
 * repository.
 */

#ifndef VECTORS_H
#define VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "para_jwk.h"
#include "para_jws.h"


/*
 * A folder of the vectors, below the one that PARA_TEST_VECTORS names, else
 * ../shared/vectors.  Where it is absent this prints a TAP skip and exits.
 */
char *vectors_folder(const char *name);

/* As printf(): the caller's. */
char *vectors_format(const char *format, ...)
    __attribute__((format(printf, 1, 2), nonnull(1)));

/* The bytes of a file, and a NUL after them. */
char *vectors_file(const char *folder, const char *name, size_t *len);
int vectors_has(const char *folder, const char *name);
json_t *vectors_json(const char *folder, const char *name);

/* The names in a folder that end so, sorted, NULL at the end. */
char **vectors_list(const char *folder, const char *suffix);
void vectors_list_free(char **list);

/* One TAP line. */
void vectors_ok(int good, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));

/* The plan; returns what main() returns. */
int vectors_done(void);

/* A key or a set as JSON, without private members; NULL if refused. */
para_jwks_t *vectors_set(const json_t *key, para_jwks_kind_e kind);
para_jwks_t *vectors_set_text(const char *text, para_jwks_kind_e kind);

/*
 * Whether the signature is good under the one key of the set that the kid and
 * alg lead to, as para_token.h has it.  The payload is not looked at.
 */
int vectors_accepts(const para_jwks_t *set, const char *token, size_t len);


#endif /* VECTORS_H */
