/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of web sites (file "counters" of shared/request_abi.h): what changed since it was last told.
 */
#ifndef AGENT_SITE_TRAFFIC_H
#define AGENT_SITE_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/request_abi.h"

struct site_traffic;
/* folder of the file, kept by reference. NULL: no memory. */
struct site_traffic *site_traffic_new(const char *folder);
void site_traffic_free(struct site_traffic *traffic); /* accepts NULL */

/* Once before a report. is_wanted: whether the node has the site; slots of others are cleared. NULL: not known yet, and
 * none is. now_ms: monotonic. */
void site_traffic_read(struct site_traffic *traffic,
	bool (*is_wanted)(void *context, uint32_t number), void *context, int64_t now_ms);
/* The next site that changed and was not told; false: no more. out is a copy. begun_ms (may be NULL): when nothing was
 * counted for it yet, as far as was seen; 0: it was there when it was first looked. */
bool site_traffic_next(struct site_traffic *traffic, struct site_counter *out, int64_t *begun_ms);
bool site_traffic_has_next(const struct site_traffic *traffic);
void site_traffic_tell_all(struct site_traffic *traffic); /* all that are not zero, once more */

/* Counters of what belongs to no site; all 0 without a file. */
void site_traffic_node(const struct site_traffic *traffic, struct node_counter *out);

#endif
