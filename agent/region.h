/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the packet path's countries as the region database and the operator's overrides say: loads at start and when
 * the file changes. A thread of its own does it, so that the loop never waits.
 */
#ifndef AGENT_REGION_H
#define AGENT_REGION_H

#include "agent/packets.h"
#include "agent/region_table.h"

struct region;

/* Begins to load; *out is NULL when the settings name neither database nor override. settings and packets are
 * kept by reference. */
enum err region_open(const struct agent_settings *settings, struct packets *packets,
	struct region **out) MUST_USE;
void region_close(struct region *region); /* waits for the thread; NULL is fine */

/* The two letters of an address's country as the packet path has them in force; "": unknown. Any thread may ask. */
const char *region_name(struct packets *packets, const struct address *address);

/*
 * Writes a table in pieces, beside packets that are being judged: first all networks, then the array that
 * leads to them, then networks that are no more are deleted. At each moment an address has its old country
 * or its new one. *stop, if given, ends it early. ERR_SYSTEM, logged.
 */
enum err region_write(
	struct packets *packets, const struct region_table *table, const bool *stop) MUST_USE;

#endif
