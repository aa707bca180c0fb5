/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates of the table, parsed once for each worker and version. */
#ifndef NGINX_CERTIFICATES_H
#define NGINX_CERTIFICATES_H

#include "nginx/module.h"

#define CERTIFICATES_MAX                                                                           \
	8192 /* parsed, in a worker: about 12 KB each. The one longest not used gives way */

ngx_int_t certificates_start(ngx_cycle_t *cycle);
/* Gives the connection the certificate of that number, as the table has it now. false: there is none that can be used;
 * logged when it does not parse. */
bool certificates_use(SSL *ssl, struct table *table, uint32_t number, ngx_log_t *log);

#endif
