/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The publisher's thread. It asks the store every tick instead of being woken: one question of two
 * numbers, and a name that follows an order by a tenth of a second is far inside its TTL.
 */
#include "control/dns/publisher.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/turns.h"
#include "shared/limits.h"
#include "shared/request_abi.h"

/* A batch of instances with their texts, and their answers. */
#define NAMES_BYTES_MAX ((size_t)32 << 20)
#define STORE_RETRY_MS	1000

struct names_thread {
	struct turns turns;
	struct db *db;
	struct arena *mem;
	struct life_clock *clock;
	struct publisher *publisher;
};

static int64_t take_turn(void *context)
{
	struct names_thread *thread = context;
	int64_t now_ms = clock_utc_ms() + life_clock_offset_ms(thread->clock);
	bool more = false;
	enum err err;

	arena_reset(thread->mem);
	err = publisher_tick(
		thread->publisher, thread->db, thread->mem, now_ms, clock_monotonic_ms(), &more);
	/* Logged where it happened; what is due stays due. */
	if (err != OK && err != ERR_UNAVAILABLE)
		return STORE_RETRY_MS;
	return more ? 0 : ENGINE_TICK_MS;
}

static void names_thread_free(struct names_thread *thread)
{
	publisher_free(thread->publisher);
	db_close(thread->db);
	arena_free(thread->mem);
	free(thread);
}

static enum err prepare(
	struct names_thread *thread, const struct names_settings *settings, const char *db_url)
{
	thread->mem = arena_new(NAMES_BYTES_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(db_open(db_url, false, &thread->db));
	TRY(publisher_new(&dns_knot, settings, NODE_VIP_MAX + NODE_SITE_MAX, &thread->publisher));
	return turns_start(&thread->turns, "names", take_turn, thread);
}

enum err names_thread_start(const struct names_settings *settings, const char *db_url,
	struct life_clock *clock, struct names_thread **out)
{
	struct names_thread *thread = calloc(1, sizeof(*thread));
	enum err err;

	if (!thread)
		return ERR_MEMORY;
	thread->clock = clock;
	err = prepare(thread, settings, db_url);
	if (err != OK) {
		names_thread_free(thread);
		return err;
	}
	*out = thread;
	return OK;
}

void names_thread_stop(struct names_thread *thread)
{
	if (!thread)
		return;
	turns_stop(&thread->turns);
	names_thread_free(thread);
}
