/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much requests that are under way have on the node's disk, all workers together: bodies that a rule waits for, and answers
 * that are on their way into the cache. What one of them may have is bounded elsewhere; many of them would fill the disk
 * all the same (docs/decisions/037).
 */
#ifndef NGINX_DISK_H
#define NGINX_DISK_H

#include "nginx/module.h"

/* Without polder_disk_max and polder_disk_free: for what is under way, and what is left to others on the disk. The cache's own
 * min_free (nginx-edge.conf) is more, so that pages give way before requests do. */
#define DISK_BYTES_MAX	(INT64_C(1) << 30)
#define DISK_FREE_BYTES (INT64_C(256) << 20)

enum disk_place { /* they may be on two disks */
	DISK_BODIES,
	DISK_PAGES,
	DISK_PLACES
};

ngx_int_t disk_open(ngx_cycle_t *cycle); /* master */
void disk_start(ngx_cycle_t *cycle);	 /* worker */
void disk_stop(void);			 /* worker that ends as it should */

/* Whether there is room for something of the site that is not there yet, at a folder (NUL behind). */
bool disk_allows(enum disk_place place, const ngx_str_t *folder, uint32_t site);
/* The request has so many bytes in files, all together; until it is over. false: that is more than there is room for. They are
 * counted all the same. */
bool disk_hold(ngx_http_request_t *r, struct polder_request *request, enum disk_place place,
	const ngx_str_t *folder, off_t bytes);

#endif
