/*
 * A cookie as an exported session has it: what a server once set, with or
 * without the attributes that went with it (RFC 6265 4.1.1).
 */

#ifndef PARA_COOKIE_H
#define PARA_COOKIE_H

#include "para_reason.h"
#include "para_span.h"


/*
 * Its name=value, in the cookie's own bytes.  It becomes a header of ours, and
 * must not be another cookie for Para: one name=value without quotes, then
 * maybe attributes, each known; spaces around a ";" do not count.  The cookie
 * is not empty.  PARA_OK, PARA_SESSION_MALFORMED, or PARA_SESSION_COOKIE if
 * nothing stands before the attributes.
 */
para_reason_e para_cookie_parse(para_span_t cookie, para_span_t *pair);

/*
 * The pair with each %XX decoded (RFC 3986 2.1): Para takes "s%3A", "s%3a" and
 * "s:" for one.  dst has pair.len bytes; returns the end of what was written,
 * any bytes.
 */
unsigned char *para_cookie_unescape(unsigned char *dst, para_span_t pair);


#endif /* PARA_COOKIE_H */
