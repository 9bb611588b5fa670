#include "ngx_para_keys.h"


#define NGX_PARA_KEYS_WORDS  256                /* bytes of others in a log */


static size_t ngx_para_keys_print(u_char *dst, size_t size,
    const u_char *text, size_t len);


/* What libcurl has no words for. */

static const char *const  ngx_para_keys_hint[NGX_PARA_KEYS_OUTCOMES] = {
    [NGX_PARA_KEYS_STATUS] = "no key set is at that URL",
    [NGX_PARA_KEYS_REDIRECT] = "redirects are not followed, write the URL "
                               "that it leads to",
    [NGX_PARA_KEYS_SIZE] = "it is larger than 64 KiB, or its header than 16 "
                           "KiB, or it has more than 32 keys"
};


/* One line when something goes wrong or is well again, not one each time. */

void
ngx_para_keys_report(const ngx_para_keys_t *keys,
    ngx_para_keys_outcome_e outcome, ngx_uint_t status, const char *why)
{
    size_t       n;
    u_char       text[NGX_PARA_KEYS_WORDS];
    ngx_log_t   *log;
    ngx_uint_t   fault;

    log = ngx_cycle->log;
    fault = outcome > NGX_PARA_KEYS_SAME ? outcome : 0;

    if (fault == 0) {
        (void) ngx_para_keys_zone_tell(keys->zone, NGX_PARA_KEYS_LOSS, 0);
    }

    if (!ngx_para_keys_zone_tell(keys->zone, NGX_PARA_KEYS_FAULT, fault)) {
        return;
    }

    if (fault == 0) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "para_auth: key set \"%V\" is fetched again",
                      &keys->conf.url);
        return;
    }

    if (ngx_para_keys_hint[outcome]) {
        why = ngx_para_keys_hint[outcome];
    }

    n = ngx_para_keys_print(text, sizeof(text), (u_char *) why,
                            ngx_strlen(why));

    if (fault >= NGX_PARA_KEYS_GARBAGE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: key set \"%V\" is refused (%s): %*s; %s",
                      &keys->conf.url, ngx_para_keys_outcome_name(outcome),
                      n, text, keys->set ? "the last good one goes on"
                                         : "its tokens cannot be verified");

    } else {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "para_auth: key set \"%V\" cannot be fetched (%s, "
                      "status %ui): %*s; %s", &keys->conf.url,
                      ngx_para_keys_outcome_name(outcome), status, n, text,
                      keys->set ? "the last good one goes on"
                                : "its tokens cannot be verified");
    }
}


void
ngx_para_keys_report_new(const ngx_para_keys_t *keys)
{
    u_char        text[PARA_KID_MAX_SIZE];
    size_t        i, n;
    const char   *why;
    para_span_t   kid;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "para_auth: key set \"%V\" is new, with %uz keys",
                  &keys->conf.url, para_jwks_count(keys->set));

    for (i = 0; (why = para_jwks_refused(keys->set, i, &kid)) != NULL; i++) {

        n = ngx_para_keys_print(text, sizeof(text), kid.data, kid.len);

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "para_auth: key set \"%V\": a key (kid \"%*s\") is left "
                      "out: %s", &keys->conf.url, n, text, why);
    }
}


/* Others' words in one line of a log. */

static size_t
ngx_para_keys_print(u_char *dst, size_t size, const u_char *text, size_t len)
{
    size_t  i;

    len = ngx_min(len, size);

    for (i = 0; i < len; i++) {
        dst[i] = text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' ? text[i]
                                                                    : '?';
    }

    return len;
}
