/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is probed, apart from who asks for it: settings that checks share, and one probe per origin, port and
 * settings. Both are found by what they are, and end with the last that refers to them.
 */
#include "agent/health_tables.h"

#include <stdlib.h>
#include <string.h>

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
uint32_t settings_take(struct health *health, const struct record_health *record)
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

void settings_give(struct health *health, uint32_t index)
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

bool probe_is_of(const struct probe_entry *probe, const struct address *address, uint16_t port)
{
	return probe->port == port && memcmp(&probe->address, address, sizeof(*address)) == 0;
}

uint32_t probe_find(const struct health *health, const struct address *address, uint16_t port,
	uint32_t settings)
{
	uint32_t i = index_first(&health->probe_by_key, hash_probe(address, port, settings));

	while (i != NONE && (probe_at(health, i)->settings != settings ||
				    !probe_is_of(probe_at(health, i), address, port)))
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

uint32_t probe_make(
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

void probe_give(struct health *health, uint32_t index)
{
	probe_remove(health->prober, index);
	settings_give(health, probe_at(health, index)->settings);
	index_remove(&health->probe_by_key, index);
	pool_give(&health->probes, index);
}
