/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes ask on their socket (shared/snapshot_abi.h), without any HTTP library.
 */
#ifndef CONTROL_NODE_API_H
#define CONTROL_NODE_API_H

#include "control/db_pool.h"
#include "control/dispatch.h"

struct node_api;
/* All are kept by reference. NULL when memory is out. */
struct node_api *node_api_new(const struct gateway *gateway, struct db_pool *pool,
	uint64_t control_boot, const uint8_t cookie_secret[32]);
void node_api_free(struct node_api *api); /* NULL is fine */
/* Memory that one answer may take: a snapshot, and as much again while it grows. */
#define NODE_API_BYTES_MAX ((size_t)SNAPSHOT_BYTES_MAX * 4)
/* May block for as long as the node asked to wait. Always gives a response; errors are plain text. */
void node_api_request(struct node_api *api, struct arena *mem, const struct request *request,
	struct response *out);

#endif
