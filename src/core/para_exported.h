/*
 * An exported Para session: base64 of a JSON object that the SDK's
 * exportSession() makes, without any signature.  Nothing in it is evidence but
 * its cookie, of which Para has the last word: who the user is, comes from
 * Para's answer alone.
 */

#ifndef PARA_EXPORTED_H
#define PARA_EXPORTED_H

#include "para_json.h"
#include "para_reason.h"
#include "para_session.h"
#include "para_span.h"


#define PARA_EXPORTED_MAX  16384      /* bytes of the base64 text */
#define PARA_COOKIE_MAX    4096       /* bytes of the cookie in it */


/* The forms of a session credential; as a mask, those that are taken. */

#define PARA_FORM_TOKEN     0x1       /* a verification token */
#define PARA_FORM_EXPORTED  0x2
#define PARA_FORM_ANY       0x3


/* What happens to a session that still holds a share of the user's key. */

typedef enum {
    PARA_SIGNER_DENY = 0,
    PARA_SIGNER_ALLOW
} para_signer_e;


typedef struct {
    para_span_t     cookie;           /* for x-capsule-sid, verbatim */
    para_span_t     pair;             /* its name=value without attributes, the
                                         same for each spelling of them: with
                                         %XX decoded, any bytes */
    para_span_t     user_id;          /* as the sender has it: a mere claim */

    para_json_t    *json;             /* private: they own the spans */
    unsigned char  *decoded;
} para_exported_t;


/*
 * The form of a credential, 0 if it is none of those that are taken.  Exported
 * is what is strict base64 (RFC 4648 4, padded) of a text that begins as a JSON
 * object does, so that a broken one is never sent as a token; everything else
 * must be a token as para_session_check_token() has it.
 */
unsigned para_exported_form(para_span_t credential, unsigned taken);

/*
 * Reads an exported session.  PARA_OK, PARA_SESSION_MALFORMED, PARA_NO_MEMORY,
 * PARA_SESSION_COOKIE if it has none, PARA_SESSION_SIGNER if it is denied and
 * any member at any depth is called "signer", in any case, and is neither null
 * nor "".  The cookie is 1 to PARA_COOKIE_MAX bytes, and good as
 * para_cookie_parse() has it.  End it with para_exported_free(), also after a
 * refusal: it overwrites what it held.
 */
para_reason_e para_exported_parse(para_exported_t *exported,
    para_span_t credential, para_signer_e signer);
void para_exported_free(para_exported_t *exported);

/*
 * PARA_OK, or PARA_SESSION_USER if it claims another user than Para says its
 * cookie is of.  Needed each time: one cookie may come with many claims, and
 * Para's answer is of the cookie.
 */
para_reason_e para_exported_check_user(const para_exported_t *exported,
    const para_session_t *session);


#endif /* PARA_EXPORTED_H */
