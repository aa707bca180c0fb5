/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers over HTTP/2 that come in one turn of the event loop leave together.
 */
#ifndef NGINX_GATHER_H
#define NGINX_GATHER_H

#include "nginx/module.h"

/* An answer is about to be sent: what its HTTP/2 connection has to send waits for the turn's end. Of HTTP/1: nothing. */
void gather_answer(ngx_http_request_t *r, struct polder_connection *connection);
/* Whether it waits for that, and not for its client. */
bool gather_waits(const struct polder_connection *connection);
/* The connection goes. */
void gather_forget(const struct polder_connection *connection);

#endif
