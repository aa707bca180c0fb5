/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to origins: "polder_origin;" in an upstream block makes that one upstream stand for the origins of whatever site
 * a request is for.
 */
#ifndef NGINX_ORIGIN_H
#define NGINX_ORIGIN_H

#include "nginx/module.h"

struct polder_origin;

ngx_int_t origin_start(ngx_cycle_t *cycle); /* in each worker */
/* The directive. */
char *origin_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf);

/* "192.0.2.1:443" of the one asked last; empty: none was. */
ngx_str_t origin_text(const struct polder_origin *origin);

#endif
