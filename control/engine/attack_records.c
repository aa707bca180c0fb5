/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Five times a second the addresses at which something meant an attack lately are looked at: their seconds since the last
 * look are fed to the decision, the one at hand too, so that a begin is told as soon as a report of it has come. What is to
 * be written waits for "run"; "done" makes it true in memory. So a store that fails changes nothing, and the same seconds
 * are fed again. A record that goes on is written each WRITE_EVERY_MS and at its end.
 *
 * Only while nodes report does time pass: an attack that nobody can see any more is not over. One that went on when the
 * control ended goes on with what is counted from then.
 */
#include "control/engine/attack_records.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/engine/attacks.h"
#include "control/engine/statistics.h"
#include "control/engine/volumes.h"
#include "control/store/attack.h"
#include "control/store/query.h"
#include "control/store/website.h"

#define SCAN_EVERY_MS	    200
#define SITES_SCAN_EVERY_MS SECOND_MS
#define WRITE_EVERY_MS	    (5 * SECOND_MS)
#define LATELY_MS	    (5 * SECOND_MS)
#define SECONDS_MAX	    120 /* that are looked back to when something is new */
#define FRESH_SECONDS	    4	/* in which something must be to be worth a look */
#define WATCHED_SLOTS	    16384
#define CANDIDATES_MAX	    8192
#define OPEN_MAX	    8192 /* of those that went on before a restart */

void attack_records_init(struct attack_records *records, const struct engine_settings *settings)
{
	const uint64_t refused[ATTACK_KIND_COUNT] = {
		[ATTACK_DEFENSE] =
			settings->attack_packets ? settings->attack_packets : ATTACK_PACKETS,
		[ATTACK_BLACKHOLE] = ATTACK_PACKETS, /* not decided by counters */
		[ATTACK_CC] = settings->attack_connections ? settings->attack_connections
							   : ATTACK_CONNECTIONS,
		[ATTACK_WEB_CC] =
			settings->attack_requests ? settings->attack_requests : ATTACK_REQUESTS,
	};

	*records = (struct attack_records){ .loaded = false };
	for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++)
		records->terms[kind] = (struct attack_terms){
			.refused = refused[kind],
			.share = settings->attack_share ? settings->attack_share : ATTACK_SHARE,
			.quiet_ms = settings->attack_quiet_ms ? settings->attack_quiet_ms
							      : ATTACK_QUIET_MS,
		};
	table_init(&records->watched, sizeof(struct watched), WATCHED_SLOTS);
}

void attack_records_free(struct attack_records *records)
{
	table_free(&records->watched);
}

static uint64_t key_of(enum attack_kind kind, int64_t subject)
{
	return (uint64_t)subject << 2 | kind;
}

/* ---- seconds */

struct look {
	const struct tick *tick;
	struct attack_records *records;
	int64_t heard_first_ms, heard_ms;
	struct volume_second *volume; /* room for SECONDS_MAX of each */
	struct site_point *point;
	struct attack_second *second;
	size_t count;
};

static struct counter less(const struct counter *a, const struct counter *b)
{
	return (struct counter){
		.packets = a->packets > b->packets ? a->packets - b->packets : 0,
		.bytes = a->bytes > b->bytes ? a->bytes - b->bytes : 0,
	};
}

static void volume_to_second(
	enum attack_kind kind, const struct volume_second *from, struct attack_second *out)
{
	struct counter dropped_less;
	struct counter unanswered;

	*out = (struct attack_second){
		.time_ms = from->volume.time_ms,
		.span_ms = (int64_t)from->volume.span_ms,
		.in = from->volume.in,
	};
	/* SYNs without an answer are not among the dropped. */
	(void)attack_parts(ATTACK_DEFENSE, from->reason, out->part);
	unanswered = out->part[REASON_cookie_sent];
	dropped_less = less(&from->volume.in, &from->volume.dropped);
	out->passed = less(&dropped_less, &unanswered);
	out->refused = attack_parts(kind, from->reason, out->part);
}

static void load_volumes(
	struct look *look, enum attack_kind kind, int64_t subject, int64_t from_ms, size_t max)
{
	look->count = nodes_volume_seconds(
		look->tick->attacks->nodes, subject, from_ms, look->volume, max);
	for (size_t i = 0; i < look->count; i++)
		volume_to_second(kind, &look->volume[i], &look->second[i]);
}

static void load_points(struct look *look, int64_t subject, int64_t from_ms, size_t max)
{
	int64_t until_ms = look->heard_ms / SECOND_MS * SECOND_MS + SECOND_MS;
	int64_t first_ms = until_ms - (int64_t)max * SECOND_MS;
	size_t count;

	if (first_ms < from_ms / SECOND_MS * SECOND_MS)
		first_ms = from_ms / SECOND_MS * SECOND_MS;
	count = first_ms < until_ms ? (size_t)((until_ms - first_ms) / SECOND_MS) : 0;
	look->count = 0;
	memset(look->point, 0, count * sizeof(*look->point));
	nodes_site_series(
		look->tick->attacks->nodes, subject, first_ms, SECOND_MS, look->point, count);
	for (size_t i = 0; i < count; i++) {
		const struct site_point *point = &look->point[i];
		struct attack_second *second = &look->second[look->count];
		uint64_t attacks = point->attacks, challenged = point->challenged;

		if (point->requests == 0)
			continue;
		*second = (struct attack_second){ .time_ms = point->time_ms,
			.span_ms = SECOND_MS,
			.in = { point->requests, point->bytes_in },
			.refused = { attacks, 0 },
			.passed = {
				point->requests > attacks ? point->requests - attacks : 0, 0 } };
		second->part[ATTACK_WEB_CHALLENGED].packets = challenged;
		second->part[ATTACK_WEB_REFUSED].packets =
			attacks > challenged ? attacks - challenged : 0;
		look->count++;
	}
}

static void load_seconds(
	struct look *look, enum attack_kind kind, int64_t subject, int64_t from_ms, size_t max)
{
	if (kind == ATTACK_WEB_CC)
		load_points(look, subject, from_ms, max);
	else
		load_volumes(look, kind, subject, from_ms, max);
}

/* Whether one of the newest seconds has enough to begin with. */
static bool is_worth(struct look *look, enum attack_kind kind, int64_t subject)
{
	uint64_t least = look->records->terms[kind].refused / 2;

	load_seconds(
		look, kind, subject, look->heard_ms - FRESH_SECONDS * SECOND_MS, FRESH_SECONDS + 1);
	for (size_t i = 0; i < look->count; i++)
		if (look->second[i].refused.packets > 0 && look->second[i].refused.packets >= least)
			return true;
	return false;
}

/* ---- what to write */

static bool put_work(struct look *look, enum attack_change change, const struct watched *watched,
	const struct attack *attack)
{
	struct attack_records *records = look->records;

	if (records->work_count == ATTACK_BATCH)
		return false;
	records->work[records->work_count++] = (struct attack_work){ change, *watched, *attack };
	return true;
}

/* Without room the seconds are fed again at the next look. */
static void keep(struct look *look, const struct watched *watched)
{
	struct watched *place = table_put(&look->records->watched,
		key_of(watched->kind, watched->subject), look->tick->clock_ms);
	struct entry entry;

	if (!place)
		return;
	entry = place->entry;
	*place = *watched;
	place->entry = entry;
}

static void look_at(struct look *look, enum attack_kind kind, int64_t subject)
{
	const struct attack_terms *terms = &look->records->terms[kind];
	const struct watched *known = table_find(&look->records->watched, key_of(kind, subject));
	struct watched next = { .kind = kind, .subject = subject };
	struct attack over;
	bool begins = false;

	if (!known && !is_worth(look, kind, subject))
		return;
	if (known)
		next = *known;
	else
		attack_watch_init(&next.watch, look->heard_first_ms);
	next.scanned_ms = look->records->scanned_ms;
	load_seconds(look, kind, subject,
		known ? next.watch.current.time_ms : look->heard_ms - SECONDS_MAX * SECOND_MS,
		SECONDS_MAX);
	for (size_t i = 0; i < look->count; i++)
		begins |= attack_feed(&next.watch, terms, &look->second[i]);
	if (next.watch.open)
		attack_top_hold(look->tick, kind, subject);
	if (attack_over(&next.watch, terms, look->heard_ms, &over)) {
		if (!put_work(look, next.number ? ATTACK_ENDS : ATTACK_BEGINS, &next, &over))
			return;
	} else if (next.watch.open && (begins || next.number == 0)) {
		if (!put_work(look, ATTACK_BEGINS, &next, &next.watch.attack))
			return;
	} else if (next.watch.open && look->tick->clock_ms - next.written_ms >= WRITE_EVERY_MS) {
		if (!put_work(look, ATTACK_GOES_ON, &next, &next.watch.attack))
			return;
	} else {
		keep(look, &next);
	}
}

/* ---- whom to look at */

static void look_at_addresses(struct look *look, uint32_t *number)
{
	size_t count = nodes_volume_attacked(
		look->tick->attacks->nodes, look->heard_ms, LATELY_MS, number, CANDIDATES_MAX);

	for (size_t i = 0; i < count; i++) {
		look_at(look, ATTACK_DEFENSE, number[i]);
		look_at(look, ATTACK_CC, number[i]);
	}
}

static void look_at_sites(struct look *look, uint32_t *number)
{
	struct attack_records *records = look->records;
	size_t count;

	if (look->tick->clock_ms - records->sites_scanned_ms < SITES_SCAN_EVERY_MS &&
		look->tick->clock_ms >= records->sites_scanned_ms)
		return;
	records->sites_scanned_ms = look->tick->clock_ms;
	count = nodes_sites_busy(
		look->tick->attacks->nodes, look->heard_ms, LATELY_MS, number, CANDIDATES_MAX);
	for (size_t i = 0; i < count; i++)
		look_at(look, ATTACK_WEB_CC, number[i]);
}

struct who {
	enum attack_kind kind;
	int64_t subject;
};

/* Those that go on, with nothing new. Listed first: a look may move entries. */
static void look_at_open(struct look *look, struct who *open)
{
	struct attack_records *records = look->records;
	size_t count = 0;

	for (size_t i = 0; i < records->watched.size && count < CANDIDATES_MAX; i++) {
		const struct watched *watched = table_slot(&records->watched, i);

		if (watched && watched->watch.open && watched->scanned_ms != records->scanned_ms)
			open[count++] = (struct who){ watched->kind, watched->subject };
	}
	for (size_t i = 0; i < count; i++)
		look_at(look, open[i].kind, open[i].subject);
}

/* What went on when the control ended. */
static enum err load_open(const struct tick *tick, struct attack_records *records)
{
	struct attack_row *row;
	size_t count;

	TRY(attack_open_list(tick->db, tick->mem, OPEN_MAX, &row, &count));
	for (size_t i = 0; i < count; i++) {
		struct watched *watched;

		TRY(attack_top_resume(tick, &row[i]));
		if (row[i].kind == ATTACK_BLACKHOLE)
			continue;
		watched = table_put(
			&records->watched, key_of(row[i].kind, row[i].subject), tick->clock_ms);
		if (!watched)
			return ERR_MEMORY;
		attack_watch_init(&watched->watch, tick->clock_ms);
		watched->kind = row[i].kind;
		watched->subject = row[i].subject;
		watched->number = row[i].number;
		watched->watch.open = true;
		watched->watch.attack = row[i].attack;
		watched->watch.current.time_ms = row[i].attack.last_ms;
	}
	records->loaded = true;
	return OK;
}

static enum err look_at_all(struct look *look)
{
	struct arena *mem = look->tick->mem;
	uint32_t *number = arena_array(mem, CANDIDATES_MAX, sizeof(*number));
	struct who *open = arena_array(mem, CANDIDATES_MAX, sizeof(*open));

	look->volume = arena_array(mem, SECONDS_MAX, sizeof(*look->volume));
	look->point = arena_array(mem, SECONDS_MAX, sizeof(*look->point));
	look->second = arena_array(mem, SECONDS_MAX, sizeof(*look->second));
	if (!number || !open || !look->volume || !look->point || !look->second)
		return ERR_MEMORY;
	look_at_addresses(look, number);
	look_at_sites(look, number);
	look_at_open(look, open);
	return OK;
}

enum err attack_records_due(const struct tick *tick, bool *out)
{
	struct attack_records *records;
	struct look look = { .tick = tick };

	*out = false;
	if (!tick->attacks)
		return OK;
	records = &tick->attacks->records;
	if (tick->clock_ms >= records->scanned_ms &&
		tick->clock_ms - records->scanned_ms < SCAN_EVERY_MS)
		return OK;
	records->scanned_ms = tick->clock_ms;
	records->work_count = 0;
	if (!records->loaded)
		TRY(load_open(tick, records));
	nodes_heard(tick->attacks->nodes, &look.heard_first_ms, &look.heard_ms);
	if (look.heard_ms == 0)
		return OK;
	look.records = records;
	TRY(look_at_all(&look));
	*out = records->work_count > 0;
	return OK;
}

/* ---- writing */

/* Names of what it was refused by, the most frequent first, at most three. */
static const char *main_parts(struct arena *mem, enum attack_kind kind, const struct attack *attack)
{
	bool taken[ATTACK_PARTS] = { false };
	const char *text = "";

	for (int n = 0; n < 3 && text; n++) {
		uint32_t most = ATTACK_PARTS;

		for (uint32_t i = 0; i < ATTACK_PARTS; i++)
			if (!taken[i] && attack->part[i].packets > 0 &&
				(most == ATTACK_PARTS ||
					attack->part[i].packets > attack->part[most].packets))
				most = i;
		if (most == ATTACK_PARTS)
			break;
		taken[most] = true;
		text = arena_print(
			mem, "%s%s%s", text, *text ? ", " : "", attack_part_name(kind, most));
	}
	return text;
}

/* Events have one time for all kinds: two attacks that begin at once are two occasions. */
static enum err tell(struct tick *tick, const struct attack_row *row, const char *name)
{
	const struct attack *attack = &row->attack;
	const char *parts = main_parts(tick->mem, row->kind, attack);
	const char *detail;

	if (!parts)
		return ERR_MEMORY;
	detail = arena_print(tick->mem,
		"{\"attack\":%lld,\"type\":\"%s\",%s%s%s\"begin\":%lld,%s\"secondsToMitigate\":%"
		"lld,\"peakPps\":%llu,"
		"\"peakBps\":%llu,\"reasons\":\"%s\"}",
		(long long)row->number, attack_kind_name(row->kind),
		*row->domain ? "\"domain\":\"" : "", row->domain, *row->domain ? "\"," : "",
		(long long)attack->begin_ms,
		attack->end_ms ? arena_print(tick->mem, "\"end\":%lld,", (long long)attack->end_ms)
			       : "",
		(long long)((attack->mitigated_ms - attack->begin_ms) / SECOND_MS),
		(unsigned long long)attack->peak_refused.packets,
		(unsigned long long)attack->peak_refused.bytes * 8, parts);
	if (!detail)
		return ERR_MEMORY;
	return event_insert(tick->db, row->account, row->instance_id, name,
		attack->begin_ms + (int64_t)row->kind, tick->now_ms, detail, NULL);
}

/* Whose it is. ERR_NOT_FOUND: it is gone meanwhile. */
static enum err subject_load(struct tick *tick, struct attack_row *row)
{
	struct instance instance;
	struct website website;
	enum err err;

	row->domain = "";
	if (row->kind == ATTACK_WEB_CC) {
		err = website_load_number(tick->db, tick->mem, row->subject, &website);
		if (err == ERR_WEBSITE_NOT_FOUND)
			return ERR_NOT_FOUND;
		TRY(err);
		row->domain = website.domain;
		err = instance_load(tick->db, tick->mem, website.instance[0].id, &instance);
	} else {
		err = instance_load_number(tick->db, tick->mem, row->subject, &instance);
	}
	if (err == ERR_INSTANCE_NOT_FOUND)
		return ERR_NOT_FOUND;
	TRY(err);
	row->account = instance.account;
	row->product = instance.product;
	memcpy(row->instance_id, instance.id, sizeof(row->instance_id));
	memcpy(row->vip, instance.vip, sizeof(row->vip));
	return OK;
}

static enum err begin_record(struct tick *tick, struct attack_row *row)
{
	enum err err = attack_open_number(tick->db, row->kind, row->subject, &row->number);

	if (err == OK) /* known from before */
		return attack_update(tick->db, tick->mem, row->number, row->kind, &row->attack);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(attack_insert(tick->db, tick->mem, row));
	log_info("attack %lld on %s begins: %s", (long long)row->number,
		*row->domain ? row->domain : row->instance_id, attack_kind_name(row->kind));
	return tell(tick, row, "attack_began");
}

static enum err write_work(struct tick *tick, struct attack_work *work)
{
	struct watched *watched = &work->watched;
	struct attack_row row = { .number = watched->number,
		.kind = watched->kind,
		.subject = watched->subject,
		.attack = work->attack };
	enum err err = subject_load(tick, &row);

	watched->written_ms = tick->clock_ms;
	if (err == ERR_NOT_FOUND) { /* what there is of it ends here */
		watched->watch.open = false;
		if (row.attack.end_ms == 0)
			row.attack.end_ms = row.attack.last_ms;
		watched->number = 0;
		return row.number == 0 ? OK
				       : attack_update(tick->db, tick->mem, row.number, row.kind,
						 &row.attack);
	}
	TRY(err);
	if (work->change == ATTACK_BEGINS)
		TRY(begin_record(tick, &row));
	else
		TRY(attack_update(tick->db, tick->mem, row.number, row.kind, &row.attack));
	TRY(attack_top_keep(tick, &row, &watched->top_ms));
	watched->number = row.attack.end_ms == 0 ? row.number : 0;
	return row.attack.end_ms == 0 ? OK : tell(tick, &row, "attack_ended");
}

enum err attack_records_run(struct tick *tick)
{
	struct attack_records *records = &tick->attacks->records;

	for (size_t i = 0; i < records->work_count; i++)
		TRY(write_work(tick, &records->work[i]));
	return OK;
}

void attack_records_done(struct tick *tick)
{
	struct attack_records *records = &tick->attacks->records;
	struct look look = { .tick = tick, .records = records };

	for (size_t i = 0; i < records->work_count; i++) {
		const struct watched *watched = &records->work[i].watched;

		keep(&look, watched);
		if (records->work[i].attack.end_ms != 0)
			attack_top_over(tick, watched->kind, watched->subject);
	}
	records->work_count = 0;
}
