/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of records of a snapshot, one row each: what selects them, how many there are, how large one can
 * become, and how a row of the select becomes one. A kind is sent whole when it is selected by its number, so
 * that a difference and a full snapshot are made by the same text.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/engine/publish_records.h"
#include "control/store/query.h"

/* Of most: what there is room for at first. */
#define SITE_BYTES_USUAL	1024
#define CERTIFICATE_BYTES_USUAL 6144

#define SERVICE_BYTES(origins)                                                                     \
	(sizeof(struct record_service) + (size_t)(origins) * sizeof(struct record_origin))

void *draft_take(struct draft *draft, uint16_t type, int64_t id, size_t length)
{
	struct record *record = (struct record *)(void *)(draft->bytes + draft->used);

	if (length > draft->size - draft->used)
		return NULL;
	assert(length % 8 == 0 && id > 0);
	record->type = type;
	record->length = (uint16_t)length;
	record->id = (uint32_t)id;
	draft->used += length;
	draft->records++;
	draft->last = record;
	return record;
}

enum err draft_room(struct draft *draft, size_t length)
{
	size_t size = draft->size;
	uint8_t *larger;

	while (size - draft->used < length)
		size *= 2;
	if (size == draft->size)
		return OK;
	if (size > SNAPSHOT_BYTES_MAX && draft->used + length <= SNAPSHOT_BYTES_MAX)
		size = SNAPSHOT_BYTES_MAX;
	if (size > SNAPSHOT_BYTES_MAX)
		return fail(ERR_LIMIT,
			"a snapshot of more than %zu bytes is larger than the %u that nodes take",
			draft->used, SNAPSHOT_BYTES_MAX);
	larger = arena_take(draft->mem, size);
	if (!larger)
		return ERR_MEMORY;
	memcpy(larger, draft->bytes, draft->used);
	draft->bytes = larger;
	draft->size = size;
	draft->last = NULL;
	return OK;
}

enum err draft_full(void)
{
	return fail(ERR_STORE, "snapshot is larger than what was counted for it");
}

/* ---- services: one row per origin in force, and one for a rule without any; rows of a rule follow each other */

static const char service_select[] =
	"SELECT r.number, r.instance_number, r.protocol, r.frontend_port, r.backend_port,"
	" o.address, o.weight"
#define RULE_ATTRIBUTE(name, fallback, least, most, label) ", r." #name
#include "control/model/rule_attributes.def"
#undef RULE_ATTRIBUTE
	" FROM port_rule r LEFT JOIN port_rule_origin o"
	" ON o.rule_number = r.number AND o.side = r.active_side";
#define SERVICE_ATTRIBUTES 7

static enum err add_origin(
	struct draft *draft, const struct cursor *cursor, struct record_service *record)
{
	if (db_is_null(cursor, 5))
		return OK;
	if (record->origin_count == ORIGIN_MAX ||
		draft->size - draft->used < sizeof(struct record_origin))
		return draft_full();

	struct record_origin *origin = &record->origin[record->origin_count++];

	address_column(cursor, 5, origin->address.byte);
	origin->port = (uint16_t)db_int(cursor, 4);
	origin->weight = (uint16_t)db_int(cursor, 6);
	record->record.length = (uint16_t)SERVICE_BYTES(record->origin_count);
	draft->used += sizeof(*origin);
	return OK;
}

static uint32_t limit(int64_t value, int64_t on)
{
	return on ? (uint32_t)value : 0;
}

static void fill_limits(struct service_limits *limits, const struct rule_attributes *a)
{
	limits->source[LIMIT_RATE] = limit(a->source_rate, a->source_rate_on);
	limits->source[LIMIT_CONNECTIONS] = limit(a->source_connections, a->source_connections_on);
	limits->source[LIMIT_PACKETS] = (uint32_t)a->source_packets;
	limits->source[LIMIT_BYTES] = (uint32_t)a->source_bytes;
	limits->rate = limit(a->service_rate, a->service_rate_on);
	limits->connections = limit(a->service_connections, a->service_connections_on);
	limits->block_seconds[LIMIT_RATE] = (uint32_t)a->block_rate;
	limits->block_seconds[LIMIT_CONNECTIONS] = (uint32_t)a->block_connections;
	limits->block_seconds[LIMIT_PACKETS] = (uint32_t)a->block_packets;
	limits->block_seconds[LIMIT_BYTES] = (uint32_t)a->block_bytes;
}

static void fill_service(struct record_service *record, const struct cursor *cursor)
{
	struct rule_attributes a = rule_attributes_fallback();

	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++)
		*rule_attribute_at(&a, row) = db_int(cursor, SERVICE_ATTRIBUTES + (int)row);
	record->instance = (uint32_t)db_int(cursor, 1);
	record->protocol = (uint8_t)db_int(cursor, 2);
	record->port = (uint16_t)db_int(cursor, 3);
	record->idle_seconds =
		record->protocol == PROTOCOL_TCP ? TCP_IDLE_SECONDS : UDP_IDLE_SECONDS;
	record->persistence_seconds = (uint32_t)a.persistence_seconds;
	record->payload_min = (uint16_t)a.payload_min;
	record->payload_max =
		a.payload_max == PAYLOAD_MAX_NONE ? PAYLOAD_UNBOUNDED : (uint16_t)a.payload_max;
	record->syn_mode = (uint8_t)a.syn_mode;
	record->client_address = (uint8_t)a.client_address;
	record->form = (uint8_t)a.form;
	record->flags = (uint8_t)((a.no_empty ? SERVICE_NO_EMPTY : 0) |
				  (a.challenge ? SERVICE_CHALLENGE : 0));
	fill_limits(&record->limits, &a);
}

static enum err add_service(struct draft *draft, const struct cursor *cursor)
{
	struct record_service *record = (void *)draft->last;

	if (!record || record->record.type != RECORD_SERVICE ||
		record->record.id != (uint32_t)db_int(cursor, 0)) {
		record = draft_take(draft, RECORD_SERVICE, db_int(cursor, 0), sizeof(*record));
		if (!record)
			return draft_full();
		fill_service(record, cursor);
	}
	return add_origin(draft, cursor, record);
}

/* ---- lists */

static enum err add_list(struct draft *draft, const struct cursor *cursor)
{
	struct record_list *record =
		draft_take(draft, RECORD_LIST, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->instance = (uint32_t)db_int(cursor, 1);
	record->kind = (uint8_t)db_int(cursor, 2);
	record->prefix_bits = (uint8_t)db_int(cursor, 3);
	record->until_ms = db_int(cursor, 4);
	address_column(cursor, 5, record->source.byte);
	return OK;
}

/* ---- health checks */

static enum err copy_text(
	struct draft *draft, const struct cursor *cursor, int column, char *out, size_t size)
{
	const char *text = db_text(cursor, column, draft->mem);

	if (!text)
		return ERR_MEMORY;
	assert(strlen(text) < size);
	memcpy(out, text, strlen(text) + 1);
	return OK;
}

static enum err add_health(struct draft *draft, const struct cursor *cursor)
{
	struct record_health *record =
		draft_take(draft, RECORD_HEALTH, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->kind = (uint8_t)db_int(cursor, 1);
	TRY(copy_text(draft, cursor, 2, record->domain, sizeof(record->domain)));
	TRY(copy_text(draft, cursor, 3, record->path, sizeof(record->path)));
	record->port = (uint16_t)db_int(cursor, 4);
	record->timeout_seconds = (uint8_t)db_int(cursor, 5);
	record->interval_seconds = (uint8_t)db_int(cursor, 6);
	record->up = (uint8_t)db_int(cursor, 7);
	record->down = (uint8_t)db_int(cursor, 8);
	return OK;
}

/* ---- the rows */

const struct record_kind record_kinds[] = {
	{ RECORD_INSTANCE, "instance", "number", NULL, instance_select, "i.number",
		sizeof(struct record_instance), sizeof(struct record_instance), 0, add_instance },
	{ RECORD_SERVICE, "port_rule", "number", "port_rule_origin", service_select,
		"r.number, o.position", SERVICE_BYTES(0), SERVICE_BYTES(ORIGIN_MAX),
		sizeof(struct record_origin), add_service },
	{ RECORD_LIST, "list_entry", "number", NULL,
		"SELECT number, instance_number, kind, prefix_bits, until_ms, source"
		" FROM list_entry",
		"number", sizeof(struct record_list), sizeof(struct record_list), 0, add_list },
	{ RECORD_HEALTH, "rule_health", "rule_number", NULL,
		"SELECT rule_number, kind, domain, path, port, timeout_seconds, interval_seconds,"
		" up, down FROM rule_health",
		"rule_number", sizeof(struct record_health), sizeof(struct record_health), 0,
		add_health },
	{ RECORD_POLICY, "policy", "instance_number", "policy_pattern", policy_select,
		"p.instance_number, t.position", POLICY_BYTES(0), POLICY_BYTES(PATTERN_MAX),
		sizeof(struct record_pattern), add_policy },
	{ RECORD_CAPTURE, "capture", "number", NULL,
		"SELECT number, instance_number, reasons, packets, until_ms FROM capture", "number",
		sizeof(struct record_capture), sizeof(struct record_capture), 0, add_capture },
	{ RECORD_SITE, "website", "number", NULL, site_select, "w.number", SITE_BYTES_USUAL, 0, 0,
		add_site },
	{ RECORD_CERTIFICATE, "certificate", "number", NULL, certificate_select, "c.number",
		CERTIFICATE_BYTES_USUAL, 0, 0, add_certificate },
	{ RECORD_LOG_STORE, "log_store", "account", NULL, log_store_select, "account",
		sizeof(struct record_log_store), sizeof(struct record_log_store), 0,
		add_log_store },
	{ RECORD_LOG_QUERY, "log_query", "number", NULL, log_query_select, "number",
		sizeof(struct record_log_query), sizeof(struct record_log_query), 0,
		add_log_query },
};
const size_t record_kind_count = sizeof(record_kinds) / sizeof(record_kinds[0]);
