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
#include "agent/health_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define LOG_MAX 20 /* verdicts named per second; the others are only reported */

static uint32_t find_check(const struct health *health, uint32_t service)
{
	uint32_t i = index_first(&health->check_by_service, index_hash(&service, sizeof(service)));

	while (i != NONE && check_at(health, i)->service != service)
		i = index_next(&health->check_by_service, i);
	return i;
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
			probe_give(health, binding->probe);
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

		if (probe_is_of(old, &probe->address, probe->port)) {
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
	uint32_t probe = probe_find(health, &origin->address, port, check->settings), binding;

	if (probe == NONE) {
		probe = probe_make(health, &origin->address, port, check->settings);
		if (probe == NONE)
			return NONE;
		inherit(health, check->bindings, probe_at(health, probe), assumed_down);
	}
	binding = tie(health, check_index, probe, number, origin->port);
	if (binding == NONE && probe_at(health, probe)->bindings == NONE)
		probe_give(health, probe);
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
	uint32_t settings = settings_take(health, record);
	uint32_t index = settings == NONE ? NONE : take_check(health, record->record.id);
	struct check_entry *check;

	if (index == NONE) {
		if (settings != NONE)
			settings_give(health, settings);
		health_delete(health, record->record.id);
		return false;
	}
	check = check_at(health, index);
	if (check->settings != NONE)
		settings_give(health, check->settings);
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
	settings_give(health, check->settings);
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
