#include "ngx_para_fetch.h"

#include <curl/curl.h>


#define NGX_PARA_FETCH_VERSION  0x075700       /* libcurl 7.87 */
#define NGX_PARA_FETCH_MAX_URL  1024


static const char *ngx_para_fetch_check_parts(CURLU *parts, ngx_uint_t tls);
static ngx_uint_t ngx_para_fetch_has_part(CURLU *parts, CURLUPart what);
static ngx_uint_t ngx_para_fetch_is_loopback(CURLU *parts);


const char *
ngx_para_fetch_check_library(void)
{
    curl_version_info_data  *info;

    info = curl_version_info(CURLVERSION_NOW);

    if (info->version_num < NGX_PARA_FETCH_VERSION) {
        return "libcurl is too old: install 7.87 or later";
    }

    if (!(info->features & CURL_VERSION_ASYNCHDNS)) {
        return "libcurl would look up names with the worker waiting: install "
               "one that was built with a threaded resolver or c-ares";
    }

    if (info->ssl_version == NULL
        || ngx_strncmp(info->ssl_version, "OpenSSL/3.", 10) != 0)
    {
        return "libcurl was not built with OpenSSL 3: install one that was "
               "(Debian: libcurl4)";
    }

    return NULL;
}


ngx_int_t
ngx_para_fetch_default_trust(ngx_str_t *path)
{
    curl_version_info_data  *info;

    info = curl_version_info(CURLVERSION_NOW);

    if (info->age < CURLVERSION_SEVENTH || info->cainfo == NULL) {
        return NGX_DECLINED;
    }

    path->data = (u_char *) info->cainfo;
    path->len = ngx_strlen(info->cainfo);

    return NGX_OK;
}


const char *
ngx_para_fetch_check_url(const ngx_str_t *url, ngx_uint_t *tls)
{
    CURLU       *parts;
    size_t       i;
    CURLUcode    rc;
    const char  *why;

    if (url->len > NGX_PARA_FETCH_MAX_URL) {
        return "is longer than 1024 bytes: use a shorter URL";
    }

    for (i = 0; i < url->len; i++) {
        if (url->data[i] <= ' ' || url->data[i] >= 0x7f) {
            return "has a byte that no URL has: percent-encode it";
        }

        if (url->data[i] == '#') {
            return "has a fragment, which is never sent: write it without "
                   "\"#\" and what follows";
        }
    }

    if (ngx_strncasecmp(url->data, (u_char *) "https://", 8) == 0) {
        *tls = 1;

    } else if (ngx_strncasecmp(url->data, (u_char *) "http://", 7) == 0) {
        *tls = 0;

    } else {
        return "is no such URL: write \"https://host/path\"";
    }

    /* libcurl would take the path's first word for the host */

    if (url->data[sizeof("http://") - 1 + *tls] == '/') {
        return "has no host: write \"https://host/path\"";
    }

    parts = curl_url();
    if (parts == NULL) {
        return "cannot be checked: there is no memory left";
    }

    rc = curl_url_set(parts, CURLUPART_URL, (char *) url->data, 0);

    if (rc == CURLUE_OK) {
        why = ngx_para_fetch_check_parts(parts, *tls);

    } else if (rc == CURLUE_BAD_PORT_NUMBER) {
        why = "has no such port: write one of 1 to 65535, or none";

    } else {
        why = "is malformed: write \"https://host/path\"";
    }

    curl_url_cleanup(parts);

    return why;
}


static const char *
ngx_para_fetch_check_parts(CURLU *parts, ngx_uint_t tls)
{
    char        *port;
    ngx_uint_t   zero;

    if (ngx_para_fetch_has_part(parts, CURLUPART_USER)
        || ngx_para_fetch_has_part(parts, CURLUPART_PASSWORD))
    {
        return "has a user or password, and is no place for a secret: write "
               "it without";
    }

    if (curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)
        != CURLUE_OK)
    {
        return "cannot be checked: there is no memory left";
    }

    zero = (ngx_strcmp(port, "0") == 0);
    curl_free(port);

    if (zero) {
        return "has no such port: write one of 1 to 65535, or none";
    }

    if (!tls && !ngx_para_fetch_is_loopback(parts)) {
        return "would be fetched without TLS: write \"https://\" (\"http://\" "
               "may only lead to 127.0.0.1, [::1] or localhost)";
    }

    return NULL;
}


static ngx_uint_t
ngx_para_fetch_has_part(CURLU *parts, CURLUPart what)
{
    char  *part;

    if (curl_url_get(parts, what, &part, 0) != CURLUE_OK) {
        return 0;
    }

    curl_free(part);

    return 1;
}


/* As libcurl reads it, which knows more ways than one to write an address. */

static ngx_uint_t
ngx_para_fetch_is_loopback(CURLU *parts)
{
    char        *host;
    in_addr_t    addr;
    ngx_uint_t   loopback;

    if (curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        return 0;
    }

    addr = ngx_inet_addr((u_char *) host, ngx_strlen(host));

    loopback = (addr != INADDR_NONE && (ntohl(addr) >> 24) == 127)
               || ngx_strcmp(host, "[::1]") == 0
               || ngx_strcasecmp((u_char *) host, (u_char *) "localhost") == 0;

    curl_free(host);

    return loopback;
}
