/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters are totals, never differences: a report that is lost is made good by the next. An instance
 * is named only when a counter of one of its slots moved, so that 100,000 quiet instances cost the
 * reading of their slots and nothing else. Its figures are the sums over its slots and CPUs.
 */
#include "agent/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/outbox.h"
#include "agent/pool.h"
#include "agent/sightings.h"
#include "agent/tally.h"
#include "base/clock.h"
#include "base/log.h"

#define PIECE 128 /* slots read at once: their copies of every CPU have to fit a buffer */

struct slot_total {
	struct counter in, dropped, out;
	struct counter reason[VIP_REASONS];
	uint64_t last_in_ns;
	uint32_t instance;
	bool changed;
};

struct reporter {
	struct packets *packets;
	const struct node_state *state;
	const struct settle *settle;
	const struct agent_settings *settings;
	uint64_t agent_boot;

	struct slot_total *slot;
	uint32_t slot_capacity, slot_count;
	uint32_t key[PIECE];
	struct vip_counter *copies; /* PIECE * CPUs */
	struct counter *reason_copies;
	struct counter reason[REASON_COUNT];
	struct tally *vip_reasons, *service_states;
	struct health *health;
	struct request_path *requests; /* NULL: no web sites */
	struct uplinks *uplinks;       /* NULL: interfaces are not told of */
	struct outbox *outbox;
	struct sightings *sightings;
	struct visitors *visitors; /* NULL: they are not told of */

	void *data;
	uint32_t capacity, size, records;
	bool failed;

	int64_t sent_ms;
	int64_t counted_ms; /* everything of before is with the control; 0: nothing yet */
	int64_t built_ms;   /* of the report that is under way */
	bool under_way;
	uint64_t sent_generation;
	int64_t sent_offset_ms;
	uint64_t sent_refused;
	uint32_t sent_attached;
};

static void *add_record(struct reporter *reporter, uint16_t type, size_t length, uint32_t id)
{
	const uint32_t size_max = SNAPSHOT_BYTES_MAX + (uint32_t)sizeof(struct snapshot_header);
	struct record *record;

	if (!pool_grow(&reporter->data, &reporter->capacity, 1, reporter->size + (uint32_t)length,
		    size_max)) {
		reporter->failed = true;
		return NULL;
	}
	record = (void *)((uint8_t *)reporter->data + reporter->size);
	memset(record, 0, length);
	record->type = type;
	record->length = (uint16_t)length;
	record->id = id;
	reporter->size += (uint32_t)length;
	reporter->records++;
	return record;
}

static void add_counter(struct counter *sum, const struct counter *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool same_counter(const struct counter *a, const struct counter *b)
{
	return a->packets == b->packets && a->bytes == b->bytes;
}

static void take_slot(struct reporter *reporter, uint32_t index, const struct vip_counter *copies)
{
	struct slot_total total = { .instance = node_state_slot_instance(reporter->state, index) };
	struct slot_total *old = &reporter->slot[index];

	for (uint32_t cpu = 0; cpu < packets_cpus(reporter->packets); cpu++) {
		add_counter(&total.in, &copies[cpu].in);
		add_counter(&total.dropped, &copies[cpu].dropped);
		add_counter(&total.out, &copies[cpu].out);
		for (int i = 0; i < VIP_REASONS; i++)
			add_counter(&total.reason[i], &copies[cpu].reason[i]);
		if (copies[cpu].last_in_ns > total.last_in_ns)
			total.last_in_ns = copies[cpu].last_in_ns;
	}
	/* An instance that is new here is told of once it has traffic. */
	if (total.instance != old->instance)
		*old = (struct slot_total){ 0 };
	total.changed =
		total.instance != 0 && (!same_counter(&total.in, &old->in) ||
					       !same_counter(&total.dropped, &old->dropped) ||
					       !same_counter(&total.out, &old->out));
	*old = total;
}

static bool room_for_slots(struct reporter *reporter, uint32_t end)
{
	void *slot = reporter->slot;

	if (!pool_grow(&slot, &reporter->slot_capacity, sizeof(*reporter->slot), end, NODE_VIP_MAX))
		return false;
	reporter->slot = slot;
	if (end > reporter->slot_count)
		memset(reporter->slot + reporter->slot_count, 0,
			(end - reporter->slot_count) * sizeof(*reporter->slot));
	reporter->slot_count = end;
	return true;
}

/* True if a counter of any instance moved. */
static bool read_slots(struct reporter *reporter)
{
	uint32_t end = node_state_slot_end(reporter->state);
	uint32_t cpus = packets_cpus(reporter->packets);
	struct packet_cursor cursor = { 0 };
	bool changed = false;

	if (!room_for_slots(reporter, end))
		return false;
	for (uint32_t read = 0; read < end;) {
		uint32_t count = PIECE;
		int result = packets_read(reporter->packets, PACKET_VIP_COUNTER, &cursor,
			reporter->key, reporter->copies, &count);

		for (uint32_t i = 0; i < count; i++) {
			if (reporter->key[i] >= end)
				continue;
			take_slot(reporter, reporter->key[i], reporter->copies + (size_t)i * cpus);
			changed |= reporter->slot[reporter->key[i]].changed;
		}
		if (result != 0)
			break;
		read += count;
	}
	return changed;
}

static bool read_reasons(struct reporter *reporter)
{
	bool changed = false;

	for (uint32_t key = 0; key < REASON_COUNT; key++) {
		struct counter sum = { 0 };

		if (packets_get(reporter->packets, PACKET_REASON_COUNTER, &key,
			    reporter->reason_copies) != 0)
			continue;
		for (uint32_t cpu = 0; cpu < packets_cpus(reporter->packets); cpu++)
			add_counter(&sum, &reporter->reason_copies[cpu]);
		changed |= !same_counter(&sum, &reporter->reason[key]);
		reporter->reason[key] = sum;
	}
	return changed;
}

/* --- writing --------------------------------------------------------------------------------- */

static void add_node(struct reporter *reporter)
{
	struct record_node *node = add_record(reporter, RECORD_NODE, sizeof(*node), 1);
	struct node_counts counts;

	if (!node)
		return;
	node_state_counts(reporter->state, &counts);
	node->generation = node_state_generation(reporter->state);
	node->life_offset_ms = settle_life_offset_ms(reporter->settle);
	node->agent_boot = reporter->agent_boot;
	node->map_bytes = packets_bytes(reporter->packets);
	node->vip_count = counts.vips;
	node->service_count = counts.services;
	node->list_count = counts.lists;
	node->xdp_mode = packets_mode(reporter->packets);
}

static void add_span(struct reporter *reporter, int64_t now_ms)
{
	struct record_span *span;

	if (reporter->counted_ms == 0 || now_ms - reporter->counted_ms >= REPORT_SPAN_MAX_MS)
		return;
	span = add_record(reporter, RECORD_SPAN, sizeof(*span), 1);
	if (span)
		span->span_ms = (uint32_t)(now_ms - reporter->counted_ms);
}

static void add_sources(struct reporter *reporter)
{
	for (uint32_t i = 0; i < reporter->settings->prefix_count; i++) {
		const struct source_prefix *prefix = &reporter->settings->prefix[i];
		struct record_source *source =
			add_record(reporter, RECORD_SOURCE, sizeof(*source), i + 1);

		if (!source)
			return;
		source->address = prefix->address;
		source->prefix_bits = prefix->bits;
	}
}

/* What is counted with the addresses. */
static void add_address_reasons(
	struct reporter *reporter, uint32_t number, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < VIP_REASONS; i++) {
		struct record_vip_reason *record;
		struct counter sum = { 0, 0 };

		for (uint32_t j = 0; j < count; j++)
			if (slots[j] < reporter->slot_count)
				add_counter(&sum, &reporter->slot[slots[j]].reason[i]);
		if (sum.packets == 0)
			continue;
		record = add_record(reporter, RECORD_VIP_REASON, sizeof(*record), number);
		if (!record)
			return;
		record->reason = VIP_REASON_AT(i);
		record->counter = sum;
	}
}

/* The slots of an instance are told once, by the first of them that is named. */
static void add_traffic(struct reporter *reporter, uint32_t index, bool full)
{
	uint32_t slots[INSTANCE_VIP_MAX], number = reporter->slot[index].instance;
	uint32_t count = node_state_slots(reporter->state, number, slots);
	struct record_traffic *traffic;
	uint64_t last_in_ns = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct slot_total *slot = &reporter->slot[slots[i]];

		if (slots[i] < index &&
			(slot->changed || (full && slot->in.packets + slot->out.packets)))
			return;
	}
	traffic = add_record(reporter, RECORD_TRAFFIC, sizeof(*traffic), number);
	if (!traffic)
		return;
	for (uint32_t i = 0; i < count; i++) {
		const struct slot_total *slot = &reporter->slot[slots[i]];

		if (slots[i] >= reporter->slot_count)
			continue;
		add_counter(&traffic->in, &slot->in);
		add_counter(&traffic->dropped, &slot->dropped);
		add_counter(&traffic->out, &slot->out);
		if (slot->last_in_ns > last_in_ns)
			last_in_ns = slot->last_in_ns;
	}
	if (last_in_ns)
		traffic->last_in_ms =
			((int64_t)last_in_ns + reporter->settle->now.utc_offset_ns) / 1000000;
	add_address_reasons(reporter, number, slots, count);
}

static void add_uplinks(struct reporter *reporter)
{
	struct record_uplink uplink[NODE_INTERFACE_MAX];
	size_t count = reporter->uplinks ? uplinks_read(reporter->uplinks, uplink) : 0;

	for (size_t i = 0; i < count; i++) {
		void *record =
			add_record(reporter, RECORD_UPLINK, sizeof(uplink[i]), uplink[i].record.id);

		if (!record)
			return;
		memcpy(record, &uplink[i], sizeof(uplink[i]));
	}
}

static void add_reasons(struct reporter *reporter)
{
	static const char *const name[REASON_COUNT] = {
#define REASON(reason, verdict, text) #reason,
#include "shared/reasons.def"
#undef REASON
	};

	for (uint32_t i = 0; i < REASON_COUNT; i++) {
		struct record_reason *reason =
			add_record(reporter, RECORD_REASON, sizeof(*reason), i + 1);

		if (!reason)
			return;
		reason->counter = reporter->reason[i];
		(void)snprintf(reason->name, sizeof(reason->name), "%s", name[i]);
	}
}

static void add_refused(struct reporter *reporter)
{
	uint32_t count;
	const struct node_refused *refused = node_state_refused(reporter->state, &count);

	for (uint32_t i = 0; i < count; i++) {
		struct record_refused *record =
			add_record(reporter, RECORD_REFUSED, sizeof(*record), refused[i].id);

		if (!record)
			return;
		record->refused_type = refused[i].type;
		memcpy(record->why, refused[i].why, sizeof(record->why));
	}
}

static void add_vip_reasons(struct reporter *reporter)
{
	uint64_t key, value[TALLY_VALUES];

	for (int i = 0; i < REPORT_TALLY_MAX && tally_next(reporter->vip_reasons, &key, value);
		i++) {
		struct vip_reason_key of;
		struct record_vip_reason *record;

		memcpy(&of, &key, sizeof(of));
		record = add_record(reporter, RECORD_VIP_REASON, sizeof(*record), of.instance);
		if (!record)
			return;
		record->reason = of.reason;
		record->counter = (struct counter){ .packets = value[0], .bytes = value[1] };
	}
}

static void add_service_states(struct reporter *reporter)
{
	uint64_t key, value[TALLY_VALUES];

	for (int i = 0; i < REPORT_TALLY_MAX && tally_next(reporter->service_states, &key, value);
		i++) {
		struct record_service_state *record =
			add_record(reporter, RECORD_SERVICE_STATE, sizeof(*record), (uint32_t)key);

		if (!record)
			return;
		record->connections = value[0];
		record->opened = value[1];
		record->refused_rate = value[2];
		record->refused_connections = value[3];
	}
}

static void add_health(struct reporter *reporter)
{
	struct record_health_state state;

	for (int i = 0; i < REPORT_HEALTH_MAX && health_next_state(reporter->health, &state); i++) {
		void *record =
			add_record(reporter, RECORD_HEALTH_STATE, sizeof(state), state.record.id);

		if (!record)
			return;
		memcpy(record, &state, sizeof(state));
	}
}

static void add_outbox(struct reporter *reporter)
{
	uint32_t count;
	const struct record_offence *offence = outbox_offences(reporter->outbox, &count);
	const struct record_sample *sample;
	void *record;

	for (uint32_t i = 0; i < count; i++) {
		record = add_record(
			reporter, RECORD_OFFENCE, sizeof(*offence), offence[i].record.id);
		if (!record)
			return;
		memcpy(record, &offence[i], sizeof(*offence));
	}
	sample = outbox_samples(reporter->outbox, &count);
	for (uint32_t i = 0; i < count; i++) {
		record = add_record(reporter, RECORD_SAMPLE, sizeof(*sample), sample[i].record.id);
		if (!record)
			return;
		memcpy(record, &sample[i], sizeof(*sample));
	}
}

static void add_copy(struct reporter *reporter, const void *from)
{
	const struct record *head = from;
	void *record = add_record(reporter, head->type, head->length, head->id);

	if (record)
		memcpy(record, from, head->length);
}

static void add_sighted(struct reporter *reporter, int64_t now_ms)
{
	struct record_sighted sighted[SIGHTED_KINDS];
	uint32_t kinds;

	for (int i = 0; i < REPORT_SIGHTED_MAX &&
			(kinds = sightings_take(reporter->sightings, now_ms, sighted)) > 0;
		i++) {
		for (uint32_t kind = 0; kind < kinds; kind++)
			add_copy(reporter, &sighted[kind]);
	}
}

static void add_visitors(struct reporter *reporter, int64_t now_ms)
{
	struct record_visitors record;

	for (int i = 0; reporter->visitors && i < REPORT_VISITORS_MAX &&
			visitors_take(reporter->visitors, now_ms, &record);
		i++)
		add_copy(reporter, &record);
}

/* Who asks web sites for something, and whose requests are refused. */
static void add_requesters(struct reporter *reporter)
{
	struct record_sighted refused[SIGHTED_KINDS];
	struct record_visitors visitors;
	uint32_t kinds;

	for (int i = 0; i < REPORT_SIGHTED_MAX &&
			(kinds = request_path_next_refused(reporter->requests, refused)) > 0;
		i++) {
		for (uint32_t kind = 0; kind < kinds; kind++)
			add_copy(reporter, &refused[kind]);
	}
	for (int i = 0; i < REPORT_VISITORS_MAX &&
			request_path_next_visitors(reporter->requests, &visitors);
		i++)
		add_copy(reporter, &visitors);
}

/* What is frequent, and access logs. */
static void add_request_log(struct reporter *reporter)
{
	struct record_site_top top[TOP_COUNT];
	struct record_requests node;
	struct record_log_used used;
	const uint8_t *answers;
	uint32_t kinds;
	size_t bytes;

	if (request_path_node(reporter->requests, &node))
		add_copy(reporter, &node);
	for (int i = 0; i < REPORT_USED_MAX && request_path_next_used(reporter->requests, &used);
		i++)
		add_copy(reporter, &used);
	for (int i = 0;
		i < REPORT_TOP_MAX && (kinds = request_path_next_top(reporter->requests, top)) > 0;
		i++) {
		for (uint32_t kind = 0; kind < kinds; kind++)
			add_copy(reporter, &top[kind]);
	}
	answers = request_path_answers(reporter->requests, &bytes);
	for (size_t at = 0; at < bytes;
		at += ((const struct record *)(const void *)(answers + at))->length)
		add_copy(reporter, answers + at);
}

static void add_requests(struct reporter *reporter)
{
	struct record_site_traffic traffic;
	const struct record_request_ban *ban;
	size_t count;
	void *record;

	for (int i = 0;
		i < REPORT_SITE_MAX && request_path_next_traffic(reporter->requests, &traffic);
		i++) {
		record = add_record(
			reporter, RECORD_SITE_TRAFFIC, sizeof(traffic), traffic.record.id);
		if (!record)
			return;
		memcpy(record, &traffic, sizeof(traffic));
	}
	ban = request_path_bans(reporter->requests, &count);
	for (size_t i = 0; i < count; i++) {
		record = add_record(reporter, RECORD_REQUEST_BAN, sizeof(*ban), ban[i].record.id);
		if (!record)
			return;
		memcpy(record, &ban[i], sizeof(*ban));
	}
}

struct sight {
	struct sightings *sightings;
	int64_t now_ms;
};

static bool take_sighting(void *context, const void *data)
{
	const struct sight *sight = context;

	sightings_add(sight->sightings, data, sight->now_ms);
	return true;
}

static bool read_sightings(struct reporter *reporter, int64_t now_ms)
{
	struct sight sight = { reporter->sightings, now_ms };

	packets_take(reporter->packets, PACKET_RING_SIGHTING, take_sighting, &sight);
	return sightings_has_next(reporter->sightings, now_ms);
}

/* True if something of what has tables of its own is to be told. */
static bool read_tables(struct reporter *reporter, bool full, int64_t now_ms)
{
	bool changed = outbox_fill(reporter->outbox, clock_utc_ms());

	changed |= read_sightings(reporter, now_ms);
	changed |= reporter->visitors && visitors_has_next(reporter->visitors, now_ms);
	changed |= request_path_read(reporter->requests, full);
	tally_read(reporter->vip_reasons);
	tally_read(reporter->service_states);
	if (full) {
		tally_tell_all(reporter->vip_reasons);
		tally_tell_all(reporter->service_states);
		health_tell_all(reporter->health);
	}
	return changed || tally_has_next(reporter->vip_reasons) ||
	       tally_has_next(reporter->service_states) || health_has_state(reporter->health);
}

static bool something_else_changed(struct reporter *reporter, int64_t now_ms)
{
	return node_state_generation(reporter->state) != reporter->sent_generation ||
	       settle_life_offset_ms(reporter->settle) != reporter->sent_offset_ms ||
	       node_state_refused_total(reporter->state) != reporter->sent_refused ||
	       packets_attached(reporter->packets) != reporter->sent_attached ||
	       now_ms - reporter->sent_ms >= REPORT_QUIET_MS;
}

static void remember(struct reporter *reporter, int64_t now_ms)
{
	reporter->sent_ms = now_ms;
	reporter->sent_generation = node_state_generation(reporter->state);
	reporter->sent_offset_ms = settle_life_offset_ms(reporter->settle);
	reporter->sent_refused = node_state_refused_total(reporter->state);
	reporter->sent_attached = packets_attached(reporter->packets);
}

bool reporter_build(struct reporter *reporter, bool full, uint64_t control_boot, int64_t now_ms,
	const void **out, size_t *size)
{
	bool changed = read_slots(reporter);
	struct snapshot_header *header;

	full |= reporter->failed; /* what the last one should have said */
	changed |= read_reasons(reporter);
	changed |= read_tables(reporter, full, now_ms);
	if (!changed && !full && !something_else_changed(reporter, now_ms)) {
		if (!reporter->under_way)
			reporter->counted_ms = now_ms;
		return false;
	}
	reporter->built_ms = now_ms;
	reporter->under_way = true;
	reporter->size = reporter->records = 0;
	reporter->failed = false;
	if (!pool_grow(
		    &reporter->data, &reporter->capacity, 1, sizeof(*header), SNAPSHOT_BYTES_MAX))
		return false;
	reporter->size = sizeof(*header);
	add_node(reporter);
	add_span(reporter, now_ms);
	add_sources(reporter);
	add_uplinks(reporter);
	for (uint32_t i = 0; i < reporter->slot_count; i++) {
		const struct slot_total *slot = &reporter->slot[i];
		bool quiet = slot->in.packets == 0 && slot->out.packets == 0;

		if (slot->instance && (slot->changed || (full && !quiet)))
			add_traffic(reporter, i, full);
	}
	add_reasons(reporter);
	add_refused(reporter);
	add_vip_reasons(reporter);
	add_service_states(reporter);
	add_health(reporter);
	add_outbox(reporter);
	add_sighted(reporter, now_ms);
	add_visitors(reporter, now_ms);
	add_requests(reporter);
	add_requesters(reporter);
	add_request_log(reporter);
	if (reporter->failed) {
		log_error("no memory for a report");
		return false;
	}
	header = reporter->data;
	*header = (struct snapshot_header){ .magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.generation = node_state_generation(reporter->state),
		.life_offset_ms = settle_life_offset_ms(reporter->settle),
		.control_boot = control_boot,
		.record_count = reporter->records,
		.byte_count = reporter->size - (uint32_t)sizeof(*header) };
	remember(reporter, now_ms);
	*out = reporter->data;
	*size = reporter->size;
	return true;
}

void reporter_sent(struct reporter *reporter, bool accepted)
{
	if (accepted && reporter->under_way) {
		reporter->counted_ms = reporter->built_ms;
		reporter->under_way = false;
	}
	outbox_sent(reporter->outbox, accepted);
	request_path_told(reporter->requests, accepted);
}

void reporter_use_requests(struct reporter *reporter, struct request_path *requests)
{
	reporter->requests = requests;
}

void reporter_use_uplinks(struct reporter *reporter, struct uplinks *uplinks)
{
	reporter->uplinks = uplinks;
}

void reporter_use_visitors(struct reporter *reporter, struct visitors *visitors)
{
	reporter->visitors = visitors;
}

struct reporter *reporter_new(struct packets *packets, const struct node_state *state,
	struct health *health, const struct settle *settle, const struct agent_settings *settings)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));
	size_t cpus = packets_cpus(packets);

	if (!reporter)
		return NULL;
	reporter->packets = packets;
	reporter->state = state;
	reporter->health = health;
	reporter->settle = settle;
	reporter->settings = settings;
	reporter->sent_ms = INT64_MIN / 2;
	reporter->copies = calloc(PIECE * cpus, sizeof(*reporter->copies));
	reporter->reason_copies = calloc(cpus, sizeof(*reporter->reason_copies));
	reporter->vip_reasons = tally_new(packets, TALLY_VIP_REASON);
	reporter->service_states = tally_new(packets, TALLY_SERVICE_STATE);
	reporter->outbox = outbox_new(packets);
	reporter->sightings = sightings_new(RECORD_SIGHTED);
	if (!reporter->copies || !reporter->reason_copies || !reporter->vip_reasons ||
		!reporter->service_states || !reporter->outbox || !reporter->sightings ||
		getrandom(&reporter->agent_boot, sizeof(reporter->agent_boot), 0) !=
			sizeof(reporter->agent_boot)) {
		reporter_free(reporter);
		return NULL;
	}
	return reporter;
}

void reporter_free(struct reporter *reporter)
{
	if (!reporter)
		return;
	tally_free(reporter->vip_reasons);
	tally_free(reporter->service_states);
	outbox_free(reporter->outbox);
	sightings_free(reporter->sightings);
	free(reporter->slot);
	free(reporter->copies);
	free(reporter->reason_copies);
	free(reporter->data);
	free(reporter);
}
