/*
 * What a shared secret looks like to somebody who guesses.
 */

#ifndef PARA_SECRET_H
#define PARA_SECRET_H

#include "para_span.h"


/*
 * What is wrong with the secret of a file and what to do, or NULL if nothing
 * shows: it repeats itself, has few different characters, or is made of words
 * (RFC 8725 3.5).  A cheap look, which takes no random secret for a bad one,
 * and cannot tell a good one.
 */
const char *para_secret_weak(para_span_t secret);


#endif /* PARA_SECRET_H */
