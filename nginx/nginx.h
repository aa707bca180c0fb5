/* SPDX-License-Identifier: BSD-2-Clause */
/* The one door to nginx's own headers: written for nginx 1.22.1 of Debian 12. */
#ifndef NGINX_NGINX_H
#define NGINX_NGINX_H

#include <stdbool.h>

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include <nginx.h>

#endif
