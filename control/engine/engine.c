/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's thread: wait for a tick or to be woken, read the clocks, run the steps, tell the
 * nodes what the newest generation is, write down what they confirmed. A failing store is tried
 * again each second; nothing is lost by that, since all that is due stays due.
 */
#include "control/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "control/engine/attacks.h"
#include "control/engine/nodes.h"
#include "control/engine/release_guard.h"
#include "control/engine/scheduling.h"
#include "control/engine/smart.h"
#include "control/engine/steps.h"

/* A batch of instances with their texts, and what is written about them. */
#define ENGINE_BYTES_MAX ((size_t)64 << 20)
#define RETRY_MS	 1000

struct engine {
	struct ticker ticker;
	struct db *db;
	struct arena *mem;
	struct life_clock *clock;
	struct nodes *nodes;
	struct release_guard guard;
	struct attacks attacks;
	struct smart smart;
	struct scheduling scheduling;
};

static enum err announce(struct engine *engine, int64_t offset_ms)
{
	int64_t newest;

	TRY(db_begin(engine->db, DB_READ));

	enum err err = change_generation(engine->db, &newest);

	db_rollback(engine->db);
	TRY(err);
	nodes_announce(engine->nodes, (uint64_t)newest, offset_ms);
	return OK;
}

static enum err persist(struct engine *engine)
{
	if (!nodes_dirty(engine->nodes))
		return OK;
	TRY(db_begin(engine->db, DB_WRITE));

	enum err err = nodes_persist(engine->nodes, engine->db);

	if (err != OK) {
		db_rollback(engine->db);
		return err;
	}
	TRY(db_commit(engine->db));
	nodes_persisted(engine->nodes);
	return OK;
}

static void warn_of_jump(struct tick *tick)
{
	log_warn("machine clock jumped forward: automatic releases pause for %lld h",
		(long long)(GUARD_PAUSE_MS / HOUR_MS));
	if (steps_tell_pause(tick) != OK)
		log_warn("the event of the pause could not be written");
}

/* Everything of one tick; more: go on at once. */
static enum err work(struct engine *engine, bool *more)
{
	int64_t offset_ms = life_clock_offset_ms(engine->clock);
	int64_t clock_ms = clock_utc_ms(), monotonic_ms = clock_monotonic_ms();
	bool jumped = release_guard_step(&engine->guard, clock_ms, monotonic_ms);
	struct tick tick = {
		.db = engine->db,
		.mem = engine->mem,
		.now_ms = clock_ms + offset_ms,
		.clock_ms = clock_ms,
		.release_paused = release_guard_paused(&engine->guard, monotonic_ms),
		.attacks = &engine->attacks,
		.smart = &engine->smart,
		.scheduling = &engine->scheduling,
	};

	arena_reset(engine->mem);
	/* Orders and a moved clock need not wait for the steps. */
	TRY(announce(engine, offset_ms));
	if (jumped)
		warn_of_jump(&tick);

	enum err err = steps_run(&tick);

	/* What the others came to is told and kept all the same. */
	TRY(announce(engine, offset_ms));
	TRY(persist(engine));
	*more = tick.more;
	return err;
}

static int64_t turn(void *context)
{
	bool more = false;

	if (work(context, &more) != OK)
		return RETRY_MS;
	return more ? 0 : ENGINE_TICK_MS;
}

static enum err guard_start(struct engine *engine)
{
	struct tick tick = { .db = engine->db, .mem = engine->mem, .clock_ms = clock_utc_ms() };
	int64_t last_ms;

	TRY(db_begin(engine->db, DB_READ));

	enum err err = steps_last_clock(engine->db, &last_ms);

	db_rollback(engine->db);
	TRY(err);
	tick.now_ms = tick.clock_ms + life_clock_offset_ms(engine->clock);
	if (release_guard_start(&engine->guard, last_ms, tick.clock_ms, clock_monotonic_ms()))
		warn_of_jump(&tick);
	return OK;
}

static void engine_free(struct engine *engine)
{
	db_close(engine->db);
	arena_free(engine->mem);
	attacks_free(&engine->attacks);
	smart_free(&engine->smart);
	free(engine);
}

static enum err engine_prepare(struct engine *engine, const char *db_url)
{
	engine->mem = arena_new(ENGINE_BYTES_MAX);
	if (!engine->mem)
		return ERR_MEMORY;
	TRY(db_open(db_url, true, &engine->db));
	TRY(guard_start(engine));
	return ticker_start(&engine->ticker, "the engine", turn, engine);
}

enum err engine_start(const char *db_url, struct life_clock *clock, struct nodes *nodes,
	const struct engine_settings *settings, struct engine **out)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return ERR_MEMORY;
	engine->clock = clock;
	engine->nodes = nodes;
	attacks_init(&engine->attacks, nodes, settings);
	smart_init(&engine->smart, nodes, settings->smart_rule_ms, settings->smart_learn_ms);

	enum err err = engine_prepare(engine, db_url);

	if (err != OK) {
		engine_free(engine);
		return err;
	}
	*out = engine;
	return OK;
}

void engine_wake(struct engine *engine)
{
	ticker_wake(&engine->ticker);
}

void engine_stop(struct engine *engine)
{
	if (!engine)
		return;
	ticker_stop(&engine->ticker);
	engine_free(engine);
}
