/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Totals are kept as they were reported. A total below the one before means that the node made its maps anew:
 * it counts from zero, and there is no rate for that report.
 *
 * A report that comes late holds what happened meanwhile, so rates are over the time between reports as
 * they arrived, or over less if the node says that it had nothing to tell for a part of it. Two that arrive within SPAN_MIN_MS (a retry after a stall) are taken for one.
 */
#include "control/engine/measure.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/model/counter.h"

#define SPAN_MIN_MS 100
/* A longer silence says nothing about a rate "now". */
#define SPAN_MAX_MS MINUTE_MS
/* So long after a node's first report its full one has come, with all that had traffic. */
#define TOLD_ALL_MS (10 * SECOND_MS)

struct total {
	struct counter now, rate;
};
struct traffic_entry {
	struct entry entry;
	struct total in, dropped, out;
	int64_t last_in_ms;
};
struct reason_entry {
	struct entry entry;
	struct total total;
};
struct service_entry {
	struct entry entry;
	struct service_measure measure;
};
struct site_entry {
	struct entry entry;
	struct site_measure measure; /* total: as last reported */
	struct site_counter rate;    /* of all counters, a second */
};
struct log_used_entry {
	struct entry entry;
	uint64_t bytes;
};
struct health_entry {
	struct entry entry;
	struct record_health_state state;
};

/* Slots of each. Traffic and port rules: all that a node can have; reasons: the node's own table; health: rules
 * whose origins are checked, about 700 bytes each. */
#define TRAFFIC_SLOTS (2 * NODE_VIP_MAX)
#define REASON_SLOTS  131072
#define SERVICE_SLOTS (2 * NODE_SERVICE_MAX)
#define HEALTH_SLOTS  65536
#define SITE_SLOTS    (2 * NODE_SITE_MAX)
#define LOG_SLOTS     (2 * LOG_ACCOUNT_MAX)

void measures_init(struct measures *measures)
{
	*measures = (struct measures){ 0 };
	table_init(&measures->traffic, sizeof(struct traffic_entry), TRAFFIC_SLOTS);
	table_init(&measures->reason, sizeof(struct reason_entry), REASON_SLOTS);
	table_init(&measures->service, sizeof(struct service_entry), SERVICE_SLOTS);
	table_init(&measures->site, sizeof(struct site_entry), SITE_SLOTS);
	table_init(&measures->log_used, sizeof(struct log_used_entry), LOG_SLOTS);
	table_init(&measures->health, sizeof(struct health_entry), HEALTH_SLOTS);
}

void measures_free(struct measures *measures)
{
	table_free(&measures->traffic);
	table_free(&measures->reason);
	table_free(&measures->service);
	table_free(&measures->health);
	table_free(&measures->site);
	table_free(&measures->log_used);
}

void measures_anew(struct measures *measures)
{
	int64_t first_ms = measures->first_ms;

	measures_free(measures);
	measures_init(measures);
	measures->first_ms = first_ms;
}

void measures_begin(struct measures *measures, int64_t clock_ms)
{
	int64_t span_ms = clock_ms - measures->report_ms;

	measures->span_ms = measures->report_ms != 0 && span_ms > 0 && span_ms <= SPAN_MAX_MS
				    ? (span_ms < SPAN_MIN_MS ? SPAN_MIN_MS : span_ms)
				    : 0;
	measures->report_ms = clock_ms;
	if (measures->first_ms == 0)
		measures->first_ms = clock_ms;
	/* Also when the clock was set back: in the future it would never have told all. */
	if (measures->anew_ms == 0 || clock_ms < measures->anew_ms)
		measures->anew_ms = clock_ms;
}

void measures_told(struct measures *measures, const struct record_span *span)
{
	int64_t told_ms = span->span_ms > SPAN_MIN_MS ? span->span_ms : SPAN_MIN_MS;

	if (measures->span_ms > told_ms)
		measures->span_ms = told_ms;
}

/* ---- taking */

static uint64_t rate_of(uint64_t before, uint64_t now, int64_t span_ms)
{
	if (span_ms == 0 || now < before)
		return 0;

	uint64_t change = now - before, span = (uint64_t)span_ms;

	/* In parts, so that no report can make it overflow. */
	return change / span * 1000 + change % span * 1000 / span;
}

static void total_take(struct total *total, const struct counter *now, int64_t span_ms)
{
	total->rate.packets = rate_of(total->now.packets, now->packets, span_ms);
	total->rate.bytes = rate_of(total->now.bytes, now->bytes, span_ms);
	total->now = *now;
}

/* Of how long a time the change since the last report is; 0: that is not known. What was not reported before has begun
 * since, once the node has had time to tell all: until then its total may be of days. */
static int64_t change_span_ms(const struct measures *measures, bool known)
{
	bool told_all = measures->report_ms - measures->anew_ms >= TOLD_ALL_MS;

	return known || told_all ? measures->span_ms : 0;
}

static void take_traffic(struct measures *measures, const struct record_traffic *record)
{
	bool known = table_find(&measures->traffic, record->record.id) != NULL;
	int64_t span_ms = change_span_ms(measures, known);
	struct traffic_entry *entry =
		table_put(&measures->traffic, record->record.id, measures->report_ms);

	if (!entry) {
		log_warn("no room for the traffic of instance %u", record->record.id);
		return;
	}
	total_take(&entry->in, &record->in, span_ms);
	total_take(&entry->dropped, &record->dropped, span_ms);
	total_take(&entry->out, &record->out, span_ms);
	entry->last_in_ms = record->last_in_ms;
}

static uint64_t reason_key(uint32_t instance, uint32_t reason)
{
	return (uint64_t)instance << 32 | reason;
}

static void take_reason(struct measures *measures, const struct record_vip_reason *record)
{
	uint64_t key = reason_key(record->record.id, record->reason);
	bool known = table_find(&measures->reason, key) != NULL;
	int64_t span_ms = change_span_ms(measures, known);
	struct reason_entry *entry = table_put(&measures->reason, key, measures->report_ms);

	if (!entry) {
		log_warn("no room for the reasons of instance %u", record->record.id);
		return;
	}
	total_take(&entry->total, &record->counter, span_ms);
}

/* True: more was refused than before. A first report tells only where totals stand. */
static bool take_service(struct measures *measures, const struct record_service_state *record)
{
	bool known = table_find(&measures->service, record->record.id) != NULL;
	struct service_entry *entry =
		table_put(&measures->service, record->record.id, measures->report_ms);

	if (!entry) {
		log_warn("no room for the state of port rule %u", record->record.id);
		return false;
	}

	struct service_measure before = entry->measure;

	entry->measure = (struct service_measure){
		.connections = record->connections,
		.opened = record->opened,
		.refused_rate = record->refused_rate,
		.refused_connections = record->refused_connections,
		.opened_rate =
			known ? rate_of(before.opened, record->opened, measures->span_ms) : 0,
	};
	return known && (record->refused_rate > before.refused_rate ||
				record->refused_connections > before.refused_connections);
}

static void take_health(struct measures *measures, const struct record_health_state *record)
{
	struct health_entry *entry =
		table_put(&measures->health, record->record.id, measures->report_ms);

	if (!entry) {
		log_warn("no room for the health of port rule %u", record->record.id);
		return;
	}
	entry->state = *record;
}

static uint64_t refused_of(const struct site_counter *counter)
{
	uint64_t sum = counter->challenged;

	for (int i = 0; i < CHECK_MAX; i++)
		sum += counter->refused[i];
	return sum;
}

/* All words but the first are counters. */
static void site_rates(const struct site_counter *before, const struct site_counter *now,
	int64_t span_ms, struct site_counter *out)
{
	const uint64_t *from = (const uint64_t *)(const void *)before;
	const uint64_t *to = (const uint64_t *)(const void *)now;
	uint64_t *rate = (uint64_t *)(void *)out;

	for (size_t i = 1; i < sizeof(*out) / sizeof(uint64_t); i++)
		rate[i] = rate_of(from[i], to[i], span_ms);
}

/* The rates of a first report are not known: its totals may be of days. */
static void take_site(struct measures *measures, const struct record_site_traffic *record)
{
	bool known = table_find(&measures->site, record->record.id) != NULL;
	struct site_entry *entry =
		table_put(&measures->site, record->record.id, measures->report_ms);
	int64_t span_ms = known ? measures->span_ms : 0;
	const struct site_counter *now = &record->counter;
	struct site_counter before;

	if (!entry) {
		log_warn("no room for the traffic of web site %u", record->record.id);
		return;
	}
	before = entry->measure.total;
	site_rates(&before, now, span_ms, &entry->rate);
	entry->measure = (struct site_measure){
		.total = *now,
		.requests_rate = rate_of(before.requests, now->requests, span_ms),
		.refused_rate = rate_of(refused_of(&before), refused_of(now), span_ms),
		.bytes_in_rate = rate_of(before.bytes_in, now->bytes_in, span_ms),
		.bytes_out_rate = rate_of(before.bytes_out, now->bytes_out, span_ms),
		.origin_requests_rate =
			rate_of(before.origin_requests, now->origin_requests, span_ms),
	};
}

static void take_log_used(struct measures *measures, const struct record_log_used *record)
{
	struct log_used_entry *entry =
		table_put(&measures->log_used, record->record.id, measures->report_ms);

	if (entry)
		entry->bytes = record->bytes;
	else
		log_warn("no room for the access logs of account %u", record->record.id);
}

static void take_uplink(struct measures *measures, const struct record_uplink *record)
{
	struct node_uplink *uplink = &measures->uplink[record->record.id - 1];
	bool known = strcmp(uplink->name, record->name) == 0;
	int64_t span_ms = known ? measures->span_ms : 0;

	*uplink = (struct node_uplink){
		.speed_mbps = record->speed_mbps,
		.in_bytes = record->in_bytes,
		.out_bytes = record->out_bytes,
		.in_bytes_rate = rate_of(uplink->in_bytes, record->in_bytes, span_ms),
		.out_bytes_rate = rate_of(uplink->out_bytes, record->out_bytes, span_ms),
	};
	memcpy(uplink->name, record->name, sizeof(uplink->name));
}

void measures_take(struct measures *measures, const union report_record *record, bool *refused)
{
	*refused = false;
	switch (record->record.type) {
	case RECORD_TRAFFIC:
		take_traffic(measures, &record->traffic);
		break;
	case RECORD_VIP_REASON:
		take_reason(measures, &record->vip_reason);
		break;
	case RECORD_SERVICE_STATE:
		*refused = take_service(measures, &record->service_state);
		break;
	case RECORD_SITE_TRAFFIC:
		take_site(measures, &record->site_traffic);
		break;
	case RECORD_LOG_USED:
		take_log_used(measures, &record->log_used);
		break;
	case RECORD_UPLINK:
		take_uplink(measures, &record->uplink);
		break;
	case RECORD_HEALTH_STATE:
		take_health(measures, &record->health_state);
		break;
	default:
		break;
	}
}

/* ---- questions */

static bool is_fresh(const struct measures *measures, const struct entry *entry, int64_t clock_ms)
{
	return entry->put_ms == measures->report_ms && clock_ms - entry->put_ms < RATE_STALE_MS;
}

bool measures_traffic(
	const struct measures *measures, int64_t instance_number, struct node_traffic *out)
{
	const struct traffic_entry *entry =
		table_find(&measures->traffic, (uint64_t)instance_number);

	if (!entry)
		return false;
	counter_add(&out->in, &entry->in.now);
	counter_add(&out->dropped, &entry->dropped.now);
	counter_add(&out->out, &entry->out.now);
	if (entry->last_in_ms > out->last_in_ms)
		out->last_in_ms = entry->last_in_ms;
	return true;
}

bool measures_rates(const struct measures *measures, int64_t instance_number, int64_t clock_ms,
	struct node_rates *out)
{
	const struct traffic_entry *entry =
		table_find(&measures->traffic, (uint64_t)instance_number);

	if (!entry || !is_fresh(measures, &entry->entry, clock_ms))
		return false;
	counter_add(&out->in, &entry->in.rate);
	counter_add(&out->dropped, &entry->dropped.rate);
	counter_add(&out->out, &entry->out.rate);
	return true;
}

size_t measures_busy(
	const struct measures *measures, uint64_t bytes, struct instance_rates *out, size_t max)
{
	const struct table *table = &measures->traffic;
	size_t count = 0;

	for (size_t i = 0; i < table->size && (!out || count < max); i++) {
		const struct traffic_entry *entry = table_slot(table, i);

		if (!entry || entry->entry.put_ms != measures->report_ms ||
			entry->in.rate.bytes < bytes || entry->in.rate.bytes == 0)
			continue;
		if (out)
			out[count].instance_number = (int64_t)entry->entry.key;
		count++;
	}
	return count;
}

bool measures_reason(const struct measures *measures, int64_t instance_number, uint32_t reason,
	int64_t clock_ms, struct reason_measure *out)
{
	const struct reason_entry *entry =
		table_find(&measures->reason, reason_key((uint32_t)instance_number, reason));

	if (!entry)
		return false;
	counter_add(&out->total, &entry->total.now);
	if (is_fresh(measures, &entry->entry, clock_ms))
		counter_add(&out->rate, &entry->total.rate);
	return true;
}

bool measures_service(const struct measures *measures, int64_t service, struct service_measure *out)
{
	const struct service_entry *entry = table_find(&measures->service, (uint64_t)service);

	if (!entry)
		return false;
	out->connections += entry->measure.connections;
	out->opened += entry->measure.opened;
	out->refused_rate += entry->measure.refused_rate;
	out->refused_connections += entry->measure.refused_connections;
	if (entry->entry.put_ms == measures->report_ms)
		out->opened_rate += entry->measure.opened_rate;
	return true;
}

/* All fields behind the number count. */
static void site_add(struct site_counter *sum, const struct site_counter *more)
{
	static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "all words but the first are counters");
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)more;

	for (size_t i = 1; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

bool measures_site(
	const struct measures *measures, int64_t site, int64_t clock_ms, struct site_measure *out)
{
	const struct site_entry *entry = table_find(&measures->site, (uint64_t)site);

	if (!entry)
		return false;
	out->total.number = (uint32_t)site;
	site_add(&out->total, &entry->measure.total);
	if (!is_fresh(measures, &entry->entry, clock_ms))
		return true;
	out->requests_rate += entry->measure.requests_rate;
	out->refused_rate += entry->measure.refused_rate;
	out->bytes_in_rate += entry->measure.bytes_in_rate;
	out->bytes_out_rate += entry->measure.bytes_out_rate;
	out->origin_requests_rate += entry->measure.origin_requests_rate;
	return true;
}

void measures_site_rates(
	const struct measures *measures, int64_t site, int64_t clock_ms, struct site_counter *out)
{
	const struct site_entry *entry = table_find(&measures->site, (uint64_t)site);

	if (entry && is_fresh(measures, &entry->entry, clock_ms))
		site_add(out, &entry->rate);
}

bool measures_site_change(const struct measures *measures, const struct record_site_traffic *record,
	struct site_counter *out, int64_t *span_ms)
{
	const struct site_entry *entry = table_find(&measures->site, record->record.id);
	const uint64_t *now = (const uint64_t *)(const void *)&record->counter, *before;
	uint64_t *change = (uint64_t *)(void *)out;
	bool known = entry && measures->span_ms != 0;

	memset(out, 0, sizeof(*out));
	out->number = record->record.id;
	before = known ? (const uint64_t *)(const void *)&entry->measure.total : change;
	for (size_t i = 1; i < sizeof(*out) / sizeof(uint64_t); i++)
		known = known && now[i] >= before[i];
	if (!known && record->age_ms == 0)
		return false;
	for (size_t i = 1; i < sizeof(*out) / sizeof(uint64_t); i++)
		change[i] = now[i] - (known ? before[i] : 0);
	*span_ms = known ? measures->span_ms : (int64_t)record->age_ms;
	return true;
}

bool measures_has_site(const struct measures *measures, int64_t site)
{
	return table_find(&measures->site, (uint64_t)site) != NULL;
}

/* before NULL: nothing was reported yet. */
static bool counter_change(const struct measures *measures, const struct counter *before,
	const struct counter *now, struct counter *out)
{
	if (change_span_ms(measures, before != NULL) == 0)
		return false;
	if (before && (now->packets < before->packets || now->bytes < before->bytes))
		return false;
	*out = *now;
	if (before) {
		out->packets -= before->packets;
		out->bytes -= before->bytes;
	}
	return true;
}

bool measures_traffic_change(const struct measures *measures, const struct record_traffic *record,
	struct node_rates *out)
{
	const struct traffic_entry *entry = table_find(&measures->traffic, record->record.id);

	return counter_change(measures, entry ? &entry->in.now : NULL, &record->in, &out->in) &&
	       counter_change(measures, entry ? &entry->dropped.now : NULL, &record->dropped,
		       &out->dropped) &&
	       counter_change(measures, entry ? &entry->out.now : NULL, &record->out, &out->out);
}

bool measures_reason_change(const struct measures *measures, const struct record_vip_reason *record,
	struct counter *out)
{
	const struct reason_entry *entry =
		table_find(&measures->reason, reason_key(record->record.id, record->reason));

	return counter_change(measures, entry ? &entry->total.now : NULL, &record->counter, out);
}

uint64_t measures_log_used(const struct measures *measures, int64_t account)
{
	const struct log_used_entry *entry = table_find(&measures->log_used, (uint64_t)account);

	return entry ? entry->bytes : 0;
}

bool measures_health(const struct measures *measures, int64_t service, const uint8_t address[16],
	int64_t port, struct origin_health *out)
{
	const struct health_entry *entry = table_find(&measures->health, (uint64_t)service);

	for (uint32_t i = 0; entry && i < entry->state.origin_count; i++) {
		if (entry->state.origin[i].port != port || !entry->state.origin[i].checked ||
			memcmp(entry->state.origin[i].address.byte, address, 16) != 0)
			continue;
		out->nodes++;
		if (!entry->state.origin[i].healthy)
			out->unhealthy_nodes++;
		if (entry->state.origin[i].since_ms > out->since_ms)
			out->since_ms = entry->state.origin[i].since_ms;
		return true;
	}
	return false;
}
