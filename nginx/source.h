/* SPDX-License-Identifier: BSD-2-Clause */
/* What one source may have of the node before a request of it is known: connections, and TLS handshakes a second. */
#ifndef NGINX_SOURCE_H
#define NGINX_SOURCE_H

#include "nginx/module.h"

/* The connection is over. */
void source_release(struct polder_connection *connection);

#endif
