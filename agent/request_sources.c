/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports above those of flows first, then those below. What is not used stays zero: the edition is made of the whole.
 */
#include "agent/request_sources.h"

#include <string.h>

#define PORT_LOWEST 1024u

void request_sources_fill(const struct agent_settings *settings, struct table_sources *out)
{
	const uint32_t first = settings->port_first, end = first + settings->port_count;
	const uint32_t low = first > HOST_PORT_FIRST ? HOST_PORT_FIRST : PORT_LOWEST;
	uint64_t hash;

	memset(out, 0, sizeof(*out));
	if (end <= UINT16_MAX)
		out->ports[0] =
			(struct table_ports){ (uint16_t)end, (uint16_t)(UINT16_MAX + 1 - end) };
	if (first > low)
		out->ports[1] = (struct table_ports){ (uint16_t)low, (uint16_t)(first - low) };
	for (unsigned version = 0; version < 2; version++) {
		out->count[version] = settings->source_count[version];
		memcpy(out->address[version], settings->source[version],
			settings->source_count[version] * sizeof(out->address[version][0]));
	}
	hash = table_hash(TABLE_SOURCES, out, sizeof(*out));
	out->edition = (uint32_t)(hash >> 32);
}
