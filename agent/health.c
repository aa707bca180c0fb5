/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four tables. A check is a service's, its settings are shared by all checks with the same; an origin with a
 * port and settings is probed once, whatever number of services have it; a binding ties an origin of a check
 * to its probe. Probes and settings live while something refers to them.
 *
 * A verdict changes after so many results in a row that contradict it (up, down of the check). An origin that
 * nobody probed yet is taken for healthy. After a restart the packet path's own map says which origins were
 * closed: they stay so until the first verdict, since an agent that is replaced must not send anybody to
 * an origin that is known to be down. For the same reason an origin keeps its verdict when only the settings of
 * its check change.
 */
#include "agent/health.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define BINDING_MAX  (4 * NODE_SERVICE_MAX)
#define SETTINGS_MAX (2 * NODE_SERVICE_MAX) /* the old and the new while one changes */
#define LOG_MAX	     20 /* verdicts named per second; the others are only reported */

struct settings_entry {
	struct pool_link link;
	uint32_t references;
	uint32_t hash;
	uint16_t port;
	uint8_t kind, timeout_seconds, interval_seconds, up, down;
	char *text; /* domain, NUL, path, NUL */
};

struct probe_entry {
	struct pool_link link;
	struct address address;
	uint32_t settings;
	uint32_t bindings; /* first */
	uint16_t port;
	bool down;
	bool checked; /* there is a verdict */
	uint8_t run;  /* results in a row against it */
	int64_t since_ms;
};

struct binding_entry {
	struct pool_link link;
	uint32_t check, probe;
	uint32_t check_next;		 /* of the check: in the order of its origins */
	uint32_t probe_prev, probe_next; /* of the probe */
	uint8_t origin;			 /* index */
	uint16_t port;			 /* the origin's own, whatever is probed */
};

struct check_entry {
	struct pool_link link;
	uint32_t service;
	uint32_t settings;
	uint32_t bindings; /* first */
	bool queued;	   /* verdicts changed */
	uint32_t queue_prev, queue_next;
	bool untold; /* not yet reported */
};

struct health {
	struct prober *prober;
	struct pool settings, probes, bindings, checks;
	struct index settings_by_hash, probe_by_key, check_by_service;
	uint32_t queue_first, queue_last; /* checks whose verdicts changed */
	uint32_t untold;		  /* checks */
	uint32_t tell_at;
	uint32_t logged;
	int64_t logged_second;
};

static struct settings_entry *settings_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->settings, index);
}

static struct probe_entry *probe_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->probes, index);
}

static struct binding_entry *binding_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->bindings, index);
}

static struct check_entry *check_at(const struct health *health, uint32_t index)
{
	return pool_at(&health->checks, index);
}

static uint32_t find_check(const struct health *health, uint32_t service)
{
	uint32_t i = index_first(&health->check_by_service, index_hash(&service, sizeof(service)));

	while (i != NONE && check_at(health, i)->service != service)
		i = index_next(&health->check_by_service, i);
	return i;
}

/* --- settings ------------------------------------------------------------------------------------- */

static bool same_settings(const struct settings_entry *entry, const struct record_health *record)
{
	return entry->kind == record->kind && entry->port == record->port &&
	       entry->timeout_seconds == record->timeout_seconds &&
	       entry->interval_seconds == record->interval_seconds && entry->up == record->up &&
	       entry->down == record->down && strcmp(entry->text, record->domain) == 0 &&
	       strcmp(entry->text + strlen(entry->text) + 1, record->path) == 0;
}

static uint32_t hash_settings(const struct record_health *record)
{
	const size_t start = offsetof(struct record_health, kind);

	return index_hash((const uint8_t *)record + start, sizeof(*record) - start);
}

static char *copy_text(const struct record_health *record)
{
	size_t domain = strlen(record->domain) + 1, path = strlen(record->path) + 1;
	char *text = calloc(1, domain + path);

	if (text) {
		memcpy(text, record->domain, domain);
		memcpy(text + domain, record->path, path);
	}
	return text;
}

/* The settings of the record with one reference more; NONE: no memory. */
static uint32_t take_settings(struct health *health, const struct record_health *record)
{
	uint32_t hash = hash_settings(record), i = index_first(&health->settings_by_hash, hash);
	struct settings_entry *entry;

	while (i != NONE && !same_settings(settings_at(health, i), record))
		i = index_next(&health->settings_by_hash, i);
	if (i == NONE) {
		i = pool_take(&health->settings);
		if (i == NONE)
			return NONE;
		entry = settings_at(health, i);
		entry->text = copy_text(record);
		if (!entry->text || !index_insert(&health->settings_by_hash, hash, i)) {
			free(entry->text);
			pool_give(&health->settings, i);
			return NONE;
		}
		entry->port = record->port;
		entry->kind = record->kind;
		entry->timeout_seconds = record->timeout_seconds;
		entry->interval_seconds = record->interval_seconds;
		entry->up = record->up;
		entry->down = record->down;
	}
	settings_at(health, i)->references++;
	return i;
}

static void give_settings(struct health *health, uint32_t index)
{
	struct settings_entry *entry = settings_at(health, index);

	if (--entry->references > 0)
		return;
	free(entry->text);
	index_remove(&health->settings_by_hash, index);
	pool_give(&health->settings, index);
}

/* --- probes --------------------------------------------------------------------------------------- */

static uint32_t hash_probe(const struct address *address, uint16_t port, uint32_t settings)
{
	struct {
		struct address address;
		uint32_t port, settings;
	} key = { *address, port, settings };

	return index_hash(&key, sizeof(key));
}

static bool is_of(const struct probe_entry *probe, const struct address *address, uint16_t port)
{
	return probe->port == port && memcmp(&probe->address, address, sizeof(*address)) == 0;
}

static uint32_t find_probe(const struct health *health, const struct address *address,
	uint16_t port, uint32_t settings)
{
	uint32_t i = index_first(&health->probe_by_key, hash_probe(address, port, settings));

	while (i != NONE && (probe_at(health, i)->settings != settings ||
				    !is_of(probe_at(health, i), address, port)))
		i = index_next(&health->probe_by_key, i);
	return i;
}

static bool begin_probe(struct health *health, uint32_t index)
{
	const struct probe_entry *probe = probe_at(health, index);
	const struct settings_entry *settings = settings_at(health, probe->settings);
	const struct probe_target target = { .address = probe->address,
		.port = probe->port,
		.kind = settings->kind,
		.timeout_seconds = settings->timeout_seconds,
		.interval_seconds = settings->interval_seconds,
		.domain = settings->text,
		.path = settings->text + strlen(settings->text) + 1 };

	return probe_add(health->prober, index, &target);
}

static uint32_t make_probe(
	struct health *health, const struct address *address, uint16_t port, uint32_t settings)
{
	uint32_t index = pool_take(&health->probes);
	struct probe_entry *probe;

	if (index == NONE)
		return NONE;
	probe = probe_at(health, index);
	probe->address = *address;
	probe->port = port;
	probe->settings = settings;
	probe->bindings = NONE;
	if (!index_insert(&health->probe_by_key, hash_probe(address, port, settings), index)) {
		pool_give(&health->probes, index);
		return NONE;
	}
	if (!begin_probe(health, index)) {
		index_remove(&health->probe_by_key, index);
		pool_give(&health->probes, index);
		return NONE;
	}
	settings_at(health, settings)->references++;
	return index;
}

static void give_probe(struct health *health, uint32_t index)
{
	probe_remove(health->prober, index);
	give_settings(health, probe_at(health, index)->settings);
	index_remove(&health->probe_by_key, index);
	pool_give(&health->probes, index);
}

/* --- bindings ------------------------------------------------------------------------------------- */

static uint32_t tie(
	struct health *health, uint32_t check, uint32_t probe, uint32_t number, uint16_t port)
{
	uint32_t index = pool_take(&health->bindings);
	struct probe_entry *entry = probe_at(health, probe);
	struct binding_entry *binding;

	if (index == NONE)
		return NONE;
	binding = binding_at(health, index);
	*binding = (struct binding_entry){ .link = binding->link,
		.check = check,
		.probe = probe,
		.check_next = NONE,
		.probe_prev = NONE,
		.probe_next = entry->bindings,
		.origin = (uint8_t)number,
		.port = port };
	if (entry->bindings != NONE)
		binding_at(health, entry->bindings)->probe_prev = index;
	entry->bindings = index;
	return index;
}

/* A chain of bindings of a check; probes that nothing else refers to end. */
static void untie(struct health *health, uint32_t index)
{
	while (index != NONE) {
		const struct binding_entry *binding = binding_at(health, index);
		struct probe_entry *probe = probe_at(health, binding->probe);
		uint32_t next = binding->check_next;

		if (binding->probe_next != NONE)
			binding_at(health, binding->probe_next)->probe_prev = binding->probe_prev;
		if (binding->probe_prev != NONE)
			binding_at(health, binding->probe_prev)->probe_next = binding->probe_next;
		else
			probe->bindings = binding->probe_next;
		if (probe->bindings == NONE)
			give_probe(health, binding->probe);
		pool_give(&health->bindings, index);
		index = next;
	}
}

/* What is known of the origin from the check's bindings so far; else what is assumed. */
static void inherit(const struct health *health, uint32_t bindings, struct probe_entry *probe,
	bool assumed_down)
{
	for (uint32_t i = bindings; i != NONE; i = binding_at(health, i)->check_next) {
		const struct probe_entry *old = probe_at(health, binding_at(health, i)->probe);

		if (is_of(old, &probe->address, probe->port)) {
			probe->down = old->down;
			probe->checked = old->checked;
			probe->since_ms = old->since_ms;
			return;
		}
	}
	probe->down = assumed_down;
}

static uint32_t bind_origin(struct health *health, uint32_t check_index,
	const struct record_origin *origin, uint32_t number, bool assumed_down)
{
	const struct check_entry *check = check_at(health, check_index);
	uint16_t own = settings_at(health, check->settings)->port, port = own ? own : origin->port;
	uint32_t probe = find_probe(health, &origin->address, port, check->settings), binding;

	if (probe == NONE) {
		probe = make_probe(health, &origin->address, port, check->settings);
		if (probe == NONE)
			return NONE;
		inherit(health, check->bindings, probe_at(health, probe), assumed_down);
	}
	binding = tie(health, check_index, probe, number, origin->port);
	if (binding == NONE && probe_at(health, probe)->bindings == NONE)
		give_probe(health, probe);
	return binding;
}

static void tell(struct health *health, struct check_entry *check)
{
	health->untold += !check->untold;
	check->untold = true;
}

static uint32_t down_of(const struct health *health, const struct check_entry *check)
{
	uint32_t down = 0;

	for (uint32_t i = check->bindings; i != NONE; i = binding_at(health, i)->check_next) {
		const struct binding_entry *binding = binding_at(health, i);

		down |= (uint32_t)probe_at(health, binding->probe)->down << binding->origin;
	}
	return down;
}

uint32_t health_bind(struct health *health, const struct record_service *record,
	uint32_t assumed_down, bool *all)
{
	uint32_t index = find_check(health, record->record.id);
	uint32_t first = NONE, last = NONE;
	struct check_entry *check;

	assert(index != NONE);
	*all = true;
	for (uint32_t i = 0; i < record->origin_count; i++) {
		uint32_t binding =
			bind_origin(health, index, &record->origin[i], i, assumed_down >> i & 1);

		if (binding == NONE) {
			*all = false;
			continue;
		}
		if (last == NONE)
			first = binding;
		else
			binding_at(health, last)->check_next = binding;
		last = binding;
	}
	check = check_at(health, index);
	untie(health, check->bindings);
	check->bindings = first;
	tell(health, check);
	return down_of(health, check);
}

static void queue_add(struct health *health, uint32_t index)
{
	struct check_entry *check = check_at(health, index);

	if (check->queued)
		return;
	check->queued = true;
	check->queue_next = NONE;
	check->queue_prev = health->queue_last;
	if (health->queue_last != NONE)
		check_at(health, health->queue_last)->queue_next = index;
	else
		health->queue_first = index;
	health->queue_last = index;
}

static void queue_remove(struct health *health, uint32_t index)
{
	struct check_entry *check = check_at(health, index);

	if (!check->queued)
		return;
	check->queued = false;
	if (check->queue_prev != NONE)
		check_at(health, check->queue_prev)->queue_next = check->queue_next;
	else
		health->queue_first = check->queue_next;
	if (check->queue_next != NONE)
		check_at(health, check->queue_next)->queue_prev = check->queue_prev;
	else
		health->queue_last = check->queue_prev;
}

/* --- checks --------------------------------------------------------------------------------------- */

static uint32_t take_check(struct health *health, uint32_t service)
{
	uint32_t index = find_check(health, service);

	if (index != NONE)
		return index;
	index = pool_take(&health->checks);
	if (index == NONE)
		return NONE;
	if (!index_insert(
		    &health->check_by_service, index_hash(&service, sizeof(service)), index)) {
		pool_give(&health->checks, index);
		return NONE;
	}
	check_at(health, index)->service = service;
	check_at(health, index)->settings = check_at(health, index)->bindings = NONE;
	return index;
}

bool health_put(struct health *health, const struct record_health *record)
{
	uint32_t settings = take_settings(health, record);
	uint32_t index = settings == NONE ? NONE : take_check(health, record->record.id);
	struct check_entry *check;

	if (index == NONE) {
		if (settings != NONE)
			give_settings(health, settings);
		health_delete(health, record->record.id);
		return false;
	}
	check = check_at(health, index);
	if (check->settings != NONE)
		give_settings(health, check->settings);
	check->settings = settings;
	return true;
}

void health_delete(struct health *health, uint32_t service)
{
	uint32_t index = find_check(health, service);
	struct check_entry *check;

	if (index == NONE)
		return;
	check = check_at(health, index);
	health->untold -= check->untold;
	queue_remove(health, index);
	untie(health, check->bindings);
	give_settings(health, check->settings);
	index_remove(&health->check_by_service, index);
	pool_give(&health->checks, index);
}

/* --- results -------------------------------------------------------------------------------------- */

static void log_verdict(struct health *health, const struct probe_entry *probe, int64_t utc_now_ms)
{
	char text[ADDRESS_TEXT_SIZE];

	if (utc_now_ms / SECOND_MS != health->logged_second) {
		health->logged_second = utc_now_ms / SECOND_MS;
		health->logged = 0;
	}
	if (health->logged++ >= LOG_MAX)
		return;
	address_format(probe->address.byte, text);
	if (probe->down)
		log_warn("origin %s port %u is down", text, probe->port);
	else
		log_info("origin %s port %u is up", text, probe->port);
}

void health_result(struct health *health, uint32_t index, bool up, int64_t utc_now_ms)
{
	struct probe_entry *probe = probe_at(health, index);
	const struct settings_entry *settings = settings_at(health, probe->settings);
	bool turned = false;

	if (up == probe->down) {
		if (++probe->run < (up ? settings->up : settings->down))
			return;
		probe->down = !up;
		turned = true;
		log_verdict(health, probe, utc_now_ms);
	}
	probe->run = 0;
	if (!turned && probe->checked)
		return;
	probe->checked = true;
	probe->since_ms = utc_now_ms;
	for (uint32_t i = probe->bindings; i != NONE; i = binding_at(health, i)->probe_next) {
		uint32_t check = binding_at(health, i)->check;

		tell(health, check_at(health, check));
		if (turned)
			queue_add(health, check);
	}
}

bool health_next_changed(struct health *health, uint32_t *service, uint32_t *down)
{
	uint32_t index = health->queue_first;

	if (index == NONE)
		return false;
	queue_remove(health, index);
	*service = check_at(health, index)->service;
	*down = down_of(health, check_at(health, index));
	return true;
}

bool health_has_changed(const struct health *health)
{
	return health->queue_first != NONE;
}

/* --- reports -------------------------------------------------------------------------------------- */

void health_tell_all(struct health *health)
{
	for (uint32_t i = 0; i < health->checks.count; i++) {
		if (pool_is_live(&health->checks, i))
			tell(health, check_at(health, i));
	}
}

bool health_has_state(const struct health *health)
{
	return health->untold > 0;
}

static void fill_state(const struct health *health, const struct check_entry *check,
	struct record_health_state *out)
{
	memset(out, 0, sizeof(*out));
	out->record = (struct record){ RECORD_HEALTH_STATE, sizeof(*out), check->service };
	for (uint32_t i = check->bindings; i != NONE; i = binding_at(health, i)->check_next) {
		const struct binding_entry *binding = binding_at(health, i);
		const struct probe_entry *probe = probe_at(health, binding->probe);
		typeof(out->origin[0]) *origin = &out->origin[out->origin_count++];

		origin->address = probe->address;
		origin->port = binding->port;
		origin->healthy = !probe->down;
		origin->checked = probe->checked;
		origin->since_ms = probe->since_ms;
	}
}

bool health_next_state(struct health *health, struct record_health_state *out)
{
	for (uint32_t step = 0; health->untold > 0 && step < health->checks.count; step++) {
		uint32_t index = health->tell_at++ % health->checks.count;
		struct check_entry *check;

		if (!pool_is_live(&health->checks, index) || !check_at(health, index)->untold)
			continue;
		check = check_at(health, index);
		check->untold = false;
		health->untold--;
		fill_state(health, check, out);
		return true;
	}
	return false;
}

/* --- beginning and end ---------------------------------------------------------------------------- */

static void take_result(void *context, uint32_t probe, bool up)
{
	health_result(context, probe, up, clock_utc_ms());
}

int health_fd(const struct health *health)
{
	return prober_fd(health->prober);
}

void health_turn(struct health *health, int64_t now_ms)
{
	prober_turn(health->prober, now_ms);
}

uint32_t health_probes(const struct health *health)
{
	return health->probes.used;
}

struct health *health_new(const struct agent_settings *settings)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	pool_init(&health->settings, sizeof(struct settings_entry), SETTINGS_MAX);
	pool_init(&health->probes, sizeof(struct probe_entry), PROBE_MAX);
	pool_init(&health->bindings, sizeof(struct binding_entry), BINDING_MAX);
	pool_init(&health->checks, sizeof(struct check_entry), NODE_SERVICE_MAX);
	index_init(&health->settings_by_hash, SETTINGS_MAX);
	index_init(&health->probe_by_key, PROBE_MAX);
	index_init(&health->check_by_service, NODE_SERVICE_MAX);
	health->queue_first = health->queue_last = NONE;
	health->prober = prober_new(settings, take_result, health);
	if (!health->prober) {
		health_free(health);
		return NULL;
	}
	return health;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	prober_free(health->prober);
	for (uint32_t i = 0; i < health->settings.count; i++) {
		if (pool_is_live(&health->settings, i))
			free(settings_at(health, i)->text);
	}
	pool_done(&health->settings);
	pool_done(&health->probes);
	pool_done(&health->bindings);
	pool_done(&health->checks);
	index_done(&health->settings_by_hash);
	index_done(&health->probe_by_key);
	index_done(&health->check_by_service);
	free(health);
}
