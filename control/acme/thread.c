/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's thread. It asks the store every second instead of being woken: a certificate takes some seconds anyhow.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/turns.h"
#include "control/acme/worker.h"
#include "control/engine/engine.h"

/* Some sites with their parts, one chain with its key, and what is signed. */
#define ACME_BYTES_MAX ((size_t)16 << 20)

struct acme_thread {
	struct turns turns;
	struct db *db;
	struct arena *mem;
	struct life_clock *clock;
	struct acme_worker *worker;
};

static int64_t take_turn(void *context)
{
	struct acme_thread *thread = context;
	const int64_t clock_ms = clock_utc_ms();
	const struct acme_time now = {
		.life_ms = clock_ms + life_clock_offset_ms(thread->clock),
		.clock_ms = clock_ms,
		.monotonic_ms = clock_monotonic_ms(),
	};
	int64_t wait_ms;

	arena_reset(thread->mem);
	/* Logged where it happened; what is due stays due. */
	if (acme_worker_tick(thread->worker, thread->db, thread->mem, &now, &wait_ms) != OK)
		return ACME_TICK_MS;
	return wait_ms;
}

static void thread_free(struct acme_thread *thread)
{
	acme_worker_free(thread->worker);
	db_close(thread->db);
	arena_free(thread->mem);
	free(thread);
}

static enum err prepare(struct acme_thread *thread, const struct acme_settings *settings,
	const char *db_url, const struct vault *vault, struct nodes *nodes)
{
	thread->mem = arena_new(ACME_BYTES_MAX);
	if (!thread->mem)
		return ERR_MEMORY;
	TRY(db_open(db_url, false, &thread->db));
	TRY(acme_worker_new(settings, vault, nodes, &thread->worker));
	return turns_start(&thread->turns, "ACME", take_turn, thread);
}

enum err acme_thread_start(const struct acme_settings *settings, const char *db_url,
	const struct vault *vault, struct nodes *nodes, struct life_clock *clock,
	struct acme_thread **out)
{
	struct acme_thread *thread = calloc(1, sizeof(*thread));
	enum err err;

	if (!thread)
		return ERR_MEMORY;
	thread->clock = clock;
	err = prepare(thread, settings, db_url, vault, nodes);
	if (err != OK) {
		thread_free(thread);
		return err;
	}
	*out = thread;
	return OK;
}

void acme_thread_stop(struct acme_thread *thread)
{
	if (!thread)
		return;
	acme_worker_stop(thread->worker);
	turns_stop(&thread->turns);
	thread_free(thread);
}
