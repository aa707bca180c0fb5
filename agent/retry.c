/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each tick reads the map "opening", which holds only flows whose handshake is under way: nearly always
 * none or a few, so that the flow table need not be walked. Those that are due are handed to the
 * program polder_retry one by one. It looks at the flow itself, so an entry that changed since it was
 * read does no harm.
 */
#include "agent/retry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PIECE 512 /* more than any bucket of a hash map holds */

struct retry {
	struct packets *packets;
	struct packet_cursor cursor;
	struct flow_key key[PIECE];
	struct opening opening[PIECE];
	bool failed; /* the last run did: said once */
};

static bool run(struct retry *retry, const struct flow_key *key)
{
	int result = packets_retry(retry->packets, key);

	if (result != 0 && !retry->failed)
		log_error("repeat a handshake: %s", strerror(-result));
	retry->failed = result != 0;
	return result == 0;
}

uint32_t retry_tick(struct retry *retry, int64_t boot_now_ns)
{
	uint32_t runs = 0;
	int result = 0;

	while (result == 0 && runs < RETRY_RUNS_MAX) {
		uint32_t count = PIECE;

		result = packets_read(retry->packets, PACKET_OPENING, &retry->cursor, retry->key,
			retry->opening, &count);
		if (result != 0 && result != -ENOENT)
			log_debug("read the flows in their handshake: %s", strerror(-result));
		for (uint32_t i = 0; i < count; i++) {
			if ((int64_t)retry->opening[i].due_ns <= boot_now_ns &&
				run(retry, &retry->key[i]))
				runs++;
		}
	}
	/* At the end, or at a loss where it was: from the start. */
	if (result != 0)
		retry->cursor = (struct packet_cursor){ 0 };
	return runs;
}

struct retry *retry_new(struct packets *packets)
{
	struct retry *retry = calloc(1, sizeof(*retry));

	if (retry)
		retry->packets = packets;
	return retry;
}

void retry_free(struct retry *retry)
{
	free(retry);
}
