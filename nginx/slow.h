/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that send or read too slowly. nginx's own time-outs begin anew with each byte, so a byte now and then keeps a
 * request open for ever; here each request has a credit of time that only progress renews.
 */
#ifndef NGINX_SLOW_H
#define NGINX_SLOW_H

#include "nginx/checks.h"

ngx_int_t slow_start(ngx_cycle_t *cycle);
/* From now on the request's body and answer are watched (refused when they are too slow: checked), until slow_forget or the request's memory goes; asked for again, it
 * goes on. */
void slow_watch(struct checks_request *state, bool checked);
void slow_forget(struct checks_request *state);

#endif
