/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node forwards, or no route of its origins could be looked up, and protected addresses are routed to it: a packet for
 * one that is nobody's would go back to the router and come again, 255 times at most. That would let anybody fill the line
 * with little, as long as an address is free, and while a node that has just started knows no instance.
 */
#include "agent/ranges.h"

#include <string.h>

#include "base/log.h"

static struct range_key key_of(const struct source_prefix *prefix)
{
	return (struct range_key){ .prefix_bits = 32 + prefix->bits, .address = prefix->address };
}

static bool is_wanted(const struct agent_settings *settings, const struct range_key *key)
{
	for (uint32_t i = 0; i < settings->range_count; i++) {
		const struct range_key one = key_of(&settings->range[i]);

		if (memcmp(&one, key, sizeof(one)) == 0)
			return true;
	}
	return false;
}

enum err ranges_write(struct packets *packets, const struct agent_settings *settings)
{
	struct range_key key, gone[NODE_RANGE_MAX];
	const struct range_key *previous = NULL;
	uint32_t count = 0;
	const uint32_t one = 1;

	for (uint32_t i = 0;
		i < NODE_RANGE_MAX && packets_next_key(packets, PACKET_RANGE, previous, &key) == 0;
		i++) {
		if (!is_wanted(settings, &key))
			gone[count++] = key;
		previous = &key;
	}
	while (count > 0)
		(void)packets_delete(packets, PACKET_RANGE, &gone[--count]);
	for (uint32_t i = 0; i < settings->range_count; i++) {
		int result;

		key = key_of(&settings->range[i]);
		result = packets_put(packets, PACKET_RANGE, &key, &one);
		if (result != 0)
			return fail(ERR_SYSTEM, "enter a range of protected addresses: %s",
				strerror(-result));
	}
	return OK;
}
