/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets: who may connect, and how the packet path finds them. */
#ifndef NGINX_LISTENERS_H
#define NGINX_LISTENERS_H

#include "nginx/module.h"

/* In the master: names the sockets of "polder on" to the packet path, in the map of polder_listener_map. */
ngx_int_t listeners_publish(ngx_cycle_t *cycle);
/* In a worker: connections to them are counted, and refused from sources that have too many. */
void listeners_watch(ngx_cycle_t *cycle);

#endif
