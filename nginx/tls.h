/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS of clients: which names are served, with what certificate, versions, suites and tickets. */
#ifndef NGINX_TLS_H
#define NGINX_TLS_H

#include "nginx/module.h"

ngx_int_t tls_configure(
	ngx_conf_t *cf); /* hooks into every server of "polder on" that speaks TLS */
ngx_int_t tls_start(ngx_cycle_t *cycle); /* in each worker */

#endif
