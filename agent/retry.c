/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each tick reads the maps "opening" and "awaited", which hold only handshakes that are under way: nearly always
 * none or a few, so that the flow table need not be walked. Those that are due are handed to the
 * program polder_retry one by one. It looks at the flow itself, so an entry that changed since it was
 * read does no harm.
 */
#include "agent/retry.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PIECE 512 /* more than any bucket of a hash map holds */

/* The values of both maps begin with when they are due. */
static_assert(offsetof(struct opening, due_ns) == 0 && offsetof(struct awaited, due_ns) == 0,
	"read as one");
static const struct table {
	enum packet_map map;
	size_t size;
} table[] = {
	{ PACKET_OPENING, sizeof(struct opening) },
	{ PACKET_AWAITED, sizeof(struct awaited) },
};
#define TABLE_COUNT (sizeof(table) / sizeof(*table))

struct retry {
	struct packets *packets;
	struct packet_cursor cursor[TABLE_COUNT];
	struct flow_key key[PIECE];
	union {
		struct opening opening[PIECE];
		struct awaited awaited[PIECE];
		char byte[PIECE * sizeof(struct awaited)];
	} value;
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

static int64_t due_ns(const struct retry *retry, const struct table *at, uint32_t i)
{
	uint64_t due;

	memcpy(&due, retry->value.byte + i * at->size, sizeof(due));
	return (int64_t)due;
}

static uint32_t table_tick(struct retry *retry, size_t which, int64_t boot_now_ns)
{
	struct packet_cursor *cursor = &retry->cursor[which];
	const struct table *at = &table[which];
	uint32_t runs = 0;
	int result = 0;

	while (result == 0 && runs < RETRY_RUNS_MAX) {
		uint32_t count = PIECE;

		result = packets_read(
			retry->packets, at->map, cursor, retry->key, retry->value.byte, &count);
		if (result != 0 && result != -ENOENT)
			log_debug("read the handshakes under way: %s", strerror(-result));
		for (uint32_t i = 0; i < count; i++) {
			if (due_ns(retry, at, i) <= boot_now_ns && run(retry, &retry->key[i]))
				runs++;
		}
	}
	/* At the end, or at a loss where it was: from the start. */
	if (result != 0)
		*cursor = (struct packet_cursor){ 0 };
	return runs;
}

uint32_t retry_tick(struct retry *retry, int64_t boot_now_ns)
{
	uint32_t runs = 0;

	for (size_t i = 0; i < TABLE_COUNT; i++)
		runs += table_tick(retry, i, boot_now_ns);
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
