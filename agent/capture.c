/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map itself remembers what was begun, over restarts of the agent too: a capture that is in it is never begun
 * again, and one that has its packets stays there, used up, until it expires or a newer one comes.
 * Before the first snapshot whatever is in force stays: its count bounds it.
 */
#include "agent/capture.h"

#include <string.h>

#include "base/log.h"

void capture_settle(struct packets *packets, const struct node_state *state, int64_t utc_now_ms)
{
	const struct record_capture *wanted = node_state_capture(state, utc_now_ms);
	struct capture now, next = { 0 };
	uint32_t key = 0;
	int result = packets_get(packets, PACKET_CAPTURE, &key, &now);

	if (result == 0 &&
		(node_state_generation(state) == 0 || now.id == (wanted ? wanted->record.id : 0)))
		return;
	if (wanted) {
		next.id = wanted->record.id;
		next.instance = wanted->instance;
		next.reasons = wanted->reasons;
		next.left = wanted->count;
	}
	result = packets_put(packets, PACKET_CAPTURE, &key, &next);
	if (result != 0)
		log_error("enter capture %u: %s", next.id, strerror(-result));
}
