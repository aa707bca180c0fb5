/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of fixed size that workers write and the agent reads: made or found by the master as root, mapped once and
 * inherited by every worker. The workers' group may write them, since a worker that was started anew maps nothing.
 */
#ifndef NGINX_SHARED_FILE_H
#define NGINX_SHARED_FILE_H

#include "nginx/nginx.h"

/* Begins every such file. */
struct shared_head {
	uint32_t magic, version;
	uint64_t size;
};

/* Maps folder/name of size bytes. When it is not there, or its head is not as given, a new one takes its place: zeroed, with
 * the head. *out_new (may be NULL): whether it did. NULL: logged why not. */
void *shared_file_map(
	ngx_cycle_t *cycle, const char *name, const struct shared_head *head, bool *out_new);
/* For processes of this master only, zeroed; NULL: memory is out, logged. */
void *shared_memory_map(ngx_cycle_t *cycle, size_t size);

#endif
