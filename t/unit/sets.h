/*
 * Key sets of a text, which each of these frees: no set may need it any more.
 */

#ifndef SETS_H
#define SETS_H

#include "para_jwk.h"


para_jwks_t *unit_set(char *text, para_jwks_kind_e kind, const char **why);

/* It is taken, and has so many keys. */
void assert_set(char *text, para_jwks_kind_e kind, size_t n);

/* It is refused, in a sentence that has these words. */
void assert_no_set(char *text, para_jwks_kind_e kind, const char *words);


#endif /* SETS_H */
