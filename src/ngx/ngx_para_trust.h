/*
 * Whom libcurl's TLS connections trust, as it is configured: a file of CA
 * certificates, read once by the master for all who name it.
 */

#ifndef NGX_PARA_TRUST_H
#define NGX_PARA_TRUST_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/para_trust.h"


/*
 * The certificates of a file, its path relative to nginx.conf; of the system's
 * if it is empty.  They live as long as the configuration.  Says itself what is
 * wrong and returns NULL.
 */
const para_trust_t *ngx_para_trust_get(ngx_conf_t *cf, const ngx_str_t *file);


#endif /* NGX_PARA_TRUST_H */
