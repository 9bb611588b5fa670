/*
 * Bounded JSON, RFC 8259: the only place that loads it.  A document is read
 * only if it is one object of valid UTF-8 without duplicate members, NUL
 * bytes or \u0000, at most PARA_JSON_MAX_DEPTH levels deep.  Needs jansson
 * 2.14 or later.
 */

#ifndef PARA_JSON_H
#define PARA_JSON_H

#include <stdint.h>

#include "para_span.h"


#define PARA_JSON_MAX_DEPTH  16       /* levels of objects and arrays */
#define PARA_JSON_NAME_MAX   256      /* bytes of a name in a claim path */
#define PARA_JSON_INDEX_MAX  9999     /* in a claim path */
#define PARA_JSON_NUMBER_MAX 32       /* bytes of a number's text */


typedef struct json_t  para_json_t;   /* jansson's: opaque elsewhere */


typedef enum {
    PARA_JSON_ABSENT = 0,             /* of a NULL value */
    PARA_JSON_NULL,
    PARA_JSON_BOOLEAN,
    PARA_JSON_NUMBER,
    PARA_JSON_STRING,
    PARA_JSON_ARRAY,
    PARA_JSON_OBJECT
} para_json_type_e;


/*
 * Parses text into an object that the caller ends with para_json_free().
 * NULL if text is longer than max_size bytes, is refused as above, or memory
 * is out.
 */
para_json_t *para_json_parse(para_span_t text, size_t max_size);

/* 1 if it was memory that the last of this thread had too little of. */
int para_json_starved(void);

void para_json_free(para_json_t *root);

/* Ends a document that may hold a secret: its strings are overwritten first. */
void para_json_wipe(para_json_t *root);

para_json_type_e para_json_type(const para_json_t *value);

/* The member of an object, NULL if value is no object or has none. */
const para_json_t *para_json_get(const para_json_t *value, const char *name);

/* The same by a name that may have any bytes. */
const para_json_t *para_json_member(const para_json_t *value,
    para_span_t name);

/*
 * Calls each() for the members of an object in their order, until it returns 0.
 * Returns 0 then, and 1 if there are no more, or value is no object.
 */
typedef int (*para_json_each_pt)(void *data, para_span_t name,
    const para_json_t *value);
int para_json_each(const para_json_t *value, para_json_each_pt each,
    void *data);

/* The value as one of the caller's, to be ended with para_json_free(). */
para_json_t *para_json_hold(const para_json_t *value);

/*
 * Appends the value to a list that is made when it is NULL, and is the
 * caller's.  Returns 0 if memory is out.
 */
int para_json_append(para_json_t **list, const para_json_t *value);

/*
 * What a claim path leads to, into *found, which the caller ends with
 * para_json_free(); NULL if it leads nowhere.  Returns 0 if memory is out or
 * the path is malformed.
 *
 *     path    = name *( "." name / "[" index "]" / "[*]" )
 *     name    = 1*( any byte but  .  "  [  ] ) / quoted
 *     quoted  = DQUOTE *( any byte but  "  \ / "\" any byte ) DQUOTE
 *     index   = "0" / "1" to "9999", from 0, without leading zeros
 *
 * [n] is the n-th item of an array, [*] is each: the path then leads to a list
 * of all that is found, in the order of the document and without what is
 * missing.  Examples: data.userId, "https://example.com/roles",
 * realm."a.b".roles, groups[0], data.wallets[*].address
 */
int para_json_path(const para_json_t *root, para_span_t path,
    para_json_t **found);

/* 1 if a path is well-formed, for use when it is configured. */
int para_json_path_check(para_span_t path);

/* The bytes of a string, valid as long as the document; 0 if it is none. */
int para_json_string(const para_json_t *value, para_span_t *text);

/* A number as double (NumericDate, RFC 7519 2); 0 if it is none. */
int para_json_number(const para_json_t *value, double *number);

/*
 * A number as JSON text into dst of PARA_JSON_NUMBER_MAX bytes: an integer as
 * it is, any other with as few digits as tell it from the next.  Returns its
 * length, 0 if value is no number or memory is out.
 */
size_t para_json_number_text(const para_json_t *value, unsigned char *dst);

/* 1 or 0 into *boolean; 0 if it is no boolean. */
int para_json_boolean(const para_json_t *value, int *boolean);

/* Items of an array: 0 and NULL for anything else. */
size_t para_json_length(const para_json_t *value);
const para_json_t *para_json_item(const para_json_t *value, size_t i);

/*
 * What is to be written: an object without members, a string, a number.  The
 * caller's; NULL if memory is out, or text is no valid UTF-8.
 */
para_json_t *para_json_new_object(void);
para_json_t *para_json_new_string(para_span_t text);
para_json_t *para_json_new_number(int64_t number);

/*
 * Adds a member, after those that are there; the value is the object's from
 * then on.  Returns 0 if value is NULL or memory is out; it is gone then, too.
 */
int para_json_add(para_json_t *object, const char *name, para_json_t *value);

/*
 * Writes the document, without spaces, and returns its bytes: if these are more
 * than size, dst is not to be used.  0 if memory is out.
 */
size_t para_json_write(unsigned char *dst, size_t size,
    const para_json_t *root);

/*
 * Encodes {"name":"value"} into dst, and sets *n.  Returns 0 if it does not
 * fit into size bytes, value is no valid UTF-8, or memory is out.
 */
int para_json_encode(unsigned char *dst, size_t size, size_t *n,
    const char *name, para_span_t value);


#endif /* PARA_JSON_H */
