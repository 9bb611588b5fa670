#include "para_cookie.h"


/* Visible ASCII without those; space is none of it. */

static int
para_cookie_has_only_but(para_span_t text, const char *but)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~'
            || strchr(but, text.data[i]) != NULL)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * The text before the next character of that kind, and what is behind it: the
 * latter is absent if there is no such character.
 */

static para_span_t
para_cookie_split(para_span_t *text, int c)
{
    para_span_t           first;
    const unsigned char  *at;

    first = *text;
    at = memchr(text->data, c, text->len);

    if (at == NULL) {
        *text = PARA_SPAN_NONE;
        return first;
    }

    first.len = (size_t) (at - text->data);
    *text = para_span(at + 1, text->len - first.len - 1);

    return first;
}


static para_span_t
para_cookie_trim(para_span_t text)
{
    while (text.len != 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }

    while (text.len != 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }

    return text;
}


/* RFC 6265 4.1.1: a token, "=", cookie-octets */

static int
para_cookie_is_pair(para_span_t pair)
{
    para_span_t  name;

    name = para_cookie_split(&pair, '=');

    return pair.data != NULL && name.len != 0
           && para_cookie_has_only_but(name, "()<>@,;:\\\"/[]?={}")
           && para_cookie_has_only_but(pair, "\",;\\");
}


/*
 * An attribute says where a browser sends the cookie.  What is none could be
 * another cookie for who reads it, and so could what is behind a comma, which
 * only a date has (RFC 6265 4.1.1, 5.2).
 */

static int
para_cookie_is_attribute(para_span_t text)
{
    size_t       i;
    para_span_t  name, part;

    static const char *const  known[] = {
        "Path", "Domain", "Max-Age", "HttpOnly", "Secure", "SameSite",
        "Priority", "Partitioned"
    };

    name = para_cookie_split(&text, '=');

    if (para_span_eq_nocase(name, PARA_SPAN("Expires"))) {

        while (text.data != NULL) {
            part = para_cookie_split(&text, ' ');

            if (!para_cookie_has_only_but(part, "=\"\\")) {
                return 0;
            }
        }

        return 1;
    }

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (para_span_eq_nocase(name, para_span(known[i],
                                                strlen(known[i]))))
        {
            return para_cookie_has_only_but(text, "\",\\");
        }
    }

    return 0;
}


para_reason_e
para_cookie_parse(para_span_t cookie, para_span_t *pair)
{
    para_span_t  rest;

    if (cookie.data[0] == ' ' || cookie.data[cookie.len - 1] == ' ') {
        return PARA_SESSION_MALFORMED;
    }

    rest = cookie;
    *pair = para_cookie_trim(para_cookie_split(&rest, ';'));

    if (pair->len != 0 && !para_cookie_is_pair(*pair)) {
        return PARA_SESSION_MALFORMED;
    }

    while (rest.data != NULL) {
        if (!para_cookie_is_attribute(
                para_cookie_trim(para_cookie_split(&rest, ';'))))
        {
            return PARA_SESSION_MALFORMED;
        }
    }

    return pair->len != 0 ? PARA_OK : PARA_SESSION_COOKIE;
}


static int
para_cookie_hex(unsigned char c)
{
    static const char  digits[] = "0123456789abcdef0123456789ABCDEF";

    const char  *digit;

    digit = memchr(digits, c, sizeof(digits) - 1);

    return digit == NULL ? -1 : (int) ((digit - digits) & 0x0f);
}


unsigned char *
para_cookie_unescape(unsigned char *dst, para_span_t pair)
{
    int     high, low;
    size_t  i;

    for (i = 0; i < pair.len; i++) {

        if (pair.data[i] == '%' && pair.len - i > 2) {
            high = para_cookie_hex(pair.data[i + 1]);
            low = para_cookie_hex(pair.data[i + 2]);

            if (high >= 0 && low >= 0) {
                *dst++ = (unsigned char) (high << 4 | low);
                i += 2;
                continue;
            }
        }

        *dst++ = pair.data[i];
    }

    return dst;
}
