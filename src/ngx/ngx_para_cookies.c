#include "ngx_para_cookies.h"


void
ngx_para_cookies_init(ngx_para_cookies_t *cookies, const ngx_str_t *header)
{
    cookies->pos = header->data;
    cookies->end = header->data + header->len;
}


ngx_uint_t
ngx_para_cookies_next(ngx_para_cookies_t *cookies)
{
    u_char  *p, *last, *eq;

    p = cookies->pos;

    while (p < cookies->end && (*p == ' ' || *p == '\t' || *p == ';')) {
        p++;
    }

    if (p == cookies->end) {
        return 0;
    }

    last = ngx_strlchr(p, cookies->end, ';');
    if (last == NULL) {
        last = cookies->end;
    }

    cookies->pos = last;

    while (last[-1] == ' ' || last[-1] == '\t') {
        last--;
    }

    eq = ngx_strlchr(p, last, '=');
    if (eq == NULL) {
        eq = last;
    }

    cookies->value.data = ngx_min(eq + 1, last);
    cookies->value.len = last - cookies->value.data;

    while (cookies->value.len
           && (cookies->value.data[0] == ' '
               || cookies->value.data[0] == '\t'))
    {
        cookies->value.data++;
        cookies->value.len--;
    }

    while (eq > p && (eq[-1] == ' ' || eq[-1] == '\t')) {
        eq--;
    }

    cookies->name.data = p;
    cookies->name.len = eq - p;

    return 1;
}
