/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sockets of the control. http.c alone knows the HTTP library.
 */
#ifndef CONTROL_HTTP_H
#define CONTROL_HTTP_H

#include "control/db_pool.h"
#include "control/dispatch.h"
#include "control/node_api.h"

struct http_settings {		 /* all kept by reference */
	const char *socket;	 /* of the API, mode 0660 */
	const char *node_socket; /* of the nodes, mode 0600 */
	unsigned threads;	 /* that serve the API */
	const struct gateway *gateway;
	struct db_pool *api_pool; /* at least threads connections */
	struct db_pool *node_pool;
	struct node_api *node_api;
};

struct http;
/* Both sockets listen when it returns OK. ERR_SYSTEM: one cannot, or another process answers there. */
enum err http_start(const struct http_settings *settings, struct http **out) MUST_USE;
/* Takes no more connections, ends those under way; NULL is fine. nodes_close comes before, or long polls
 * are waited for. */
void http_stop(struct http *http);

#endif
