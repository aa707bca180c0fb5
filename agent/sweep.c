/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow tables are LRU: the kernel evicts when they are full. Without this walk they would always be
 * full, and eviction, which picks roughly, could meet live flows. A flow is deleted when the packet path
 * itself would no longer use it, or when its instance is gone. It is read again right before, and its
 * entry for replies goes with it if that still names it. Flows of an instance without an address
 * cannot be used meanwhile: both directions compare the flow's instance with the address's.
 *
 * A walk tells of those flows that were opened before it began, and not before the one before it did: whatever the order in
 * which it meets them, each is told once. A TCP flow stays for a minute after its end, so short ones are met, too; a UDP
 * flow that moves to the other table while a long walk is under way may be met twice.
 */
#include "agent/sweep.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/recount.h"
#include "base/log.h"
#include "base/text.h"

#define PIECE	      512 /* more than any bucket of a hash map holds */
#define NS_PER_SECOND INT64_C(1000000000)
/* TCP flows that close, or whose origin never answered; as in bpf/. */
#define CLOSING_SECONDS 60
/* The packet path stamps flows about once a second: a margin against deleting one that just moved. */
#define MARGIN_NS (5 * NS_PER_SECOND)

/* The tables of flows, each with that of its replies. */
static const struct flow_tables {
	int protocol;
	enum packet_map flows, replies;
} flow_tables[] = {
	{ IPPROTO_TCP, PACKET_FLOW_TCP, PACKET_REVERSE_TCP },
	{ IPPROTO_UDP, PACKET_FLOW_UDP, PACKET_REVERSE_UDP },
	{ IPPROTO_UDP, PACKET_FLOW_UDP_KEPT, PACKET_REVERSE_UDP_KEPT },
};
#define FLOW_TABLES (sizeof(flow_tables) / sizeof(flow_tables[0]))

struct sweep {
	struct packets *packets;
	const struct node_state *state;
	void (*origin)(void *context, const struct address *address);
	void *origin_context;
	struct packet_cursor flows[FLOW_TABLES], service;
	struct vip_reason_key reason; /* where the walk through "vip_reason" stands */
	bool reason_started;
	uint32_t rule; /* where the walk through "service_state" stands */
	bool rule_started;
	struct visitors *visitors; /* NULL: nobody is told */
	int64_t monotonic_now_ms;  /* of the tick */
	struct {
		bool under_way;
		uint32_t since,
			until; /* boot clock, seconds: flows that were opened then are new */
	} walk[FLOW_TABLES];
	struct recount *recount;
	struct round {
		bool waiting[FLOW_TABLES]; /* for the walk to begin anew */
		bool counted[FLOW_TABLES]; /* walked from end to end in this round */
		bool broken;		   /* something could not be read: nothing is corrected */
		bool full;		   /* a table of flows is almost full */
		uint32_t met[FLOW_TABLES];
		unsigned settling; /* index of the map that is compared now */
		struct packet_cursor at;
	} round;
	union {
		struct flow_key flow[PIECE];
		struct service_key service[PIECE];
		struct source_state_key source[PIECE];
		uint32_t id[PIECE];
	} key;
	union {
		struct flow flow[PIECE];
		struct service service[PIECE];
		struct source_state source[PIECE];
		struct service_state rule[PIECE];
	} value;
};

bool flow_is_over(const struct flow *flow, int protocol, int64_t boot_now_ns)
{
	int64_t idle = flow->idle_seconds;

	if (protocol == IPPROTO_TCP && flow->state != FLOW_OPEN)
		idle = CLOSING_SECONDS;
	return boot_now_ns - (int64_t)flow->seen_ns > idle * NS_PER_SECOND + MARGIN_NS;
}

bool flow_is_empty(const struct flow *flow, int64_t boot_now_ns)
{
	uint32_t age = (uint32_t)(boot_now_ns / NS_PER_SECOND) - flow->opened_second;

	return flow->state == FLOW_OPEN && flow->limit_flags & FLOW_EMPTY_ENDS &&
	       !(flow->limit_flags & FLOW_SPOKE) && age >= EMPTY_SECONDS;
}

bool flow_is_visit(const struct flow *flow, int protocol, uint32_t since, uint32_t until)
{
	if (protocol == IPPROTO_TCP && !(flow->limit_flags & FLOW_PROVEN))
		return false;
	return flow->opened_second >= since && flow->opened_second < until;
}

/* Before the first snapshot nobody knows which instances there are. */
static bool is_gone(const struct sweep *sweep, uint32_t instance)
{
	return node_state_generation(sweep->state) != 0 &&
	       !node_state_has_instance(sweep->state, instance);
}

static bool is_wanted(
	const struct sweep *sweep, const struct flow *flow, int protocol, int64_t boot_now_ns)
{
	return !is_gone(sweep, flow->instance) && !flow_is_over(flow, protocol, boot_now_ns);
}

/* The flow is gone without having closed: its connection is. */
static void take_off(
	struct sweep *sweep, int protocol, const struct flow_key *key, const struct flow *flow)
{
	struct adjust change = {
		.key.service = flow->service, .protocol = (uint32_t)protocol, .connections = -1
	};

	if (!(flow->limit_flags & FLOW_COUNTED))
		return;
	(void)packets_adjust(sweep->packets, &change);
	if (!(flow->limit_flags & FLOW_LIMITED))
		return;
	change.key.source = key->source;
	if (!address_is_ipv4(key->source.byte))
		change.key.source.half[1] = 0;
	(void)packets_adjust(sweep->packets, &change);
}

static void drop_flow(struct sweep *sweep, const struct flow_tables *tables,
	const struct flow_key *key, int64_t boot_now_ns)
{
	struct flow_key reply = { 0 }, client;
	struct flow flow;

	if (packets_get(sweep->packets, tables->flows, key, &flow) != 0 ||
		is_wanted(sweep, &flow, tables->protocol, boot_now_ns))
		return;
	reply.source = flow.origin;
	reply.destination = flow.local;
	reply.source_port = flow.origin_port;
	reply.destination_port = flow.local_port;
	if (packets_get(sweep->packets, tables->replies, &reply, &client) == 0 &&
		memcmp(&client, key, sizeof(client)) == 0)
		(void)packets_delete(sweep->packets, tables->replies, &reply);
	if (packets_delete(sweep->packets, tables->flows, key) == 0)
		take_off(sweep, tables->protocol, key, &flow);
}

/* Reads the next piece; false when the walk is at its end, which starts it anew. */
static bool read_piece(
	struct sweep *sweep, enum packet_map map, struct packet_cursor *cursor, uint32_t *count)
{
	int result;

	*count = PIECE;
	result = packets_read(sweep->packets, map, cursor, &sweep->key, &sweep->value, count);
	if (result == 0)
		return true;
	if (result != -ENOENT)
		sweep->round.broken = true;
	if (result != -ENOENT)
		log_debug("read map %d: %s", (int)map, strerror(-result));
	*cursor = (struct packet_cursor){ 0 };
	return false;
}

/* --- counting: a round is one walk through each table from its beginning, then settling ------- */

static void count_flow(struct sweep *sweep, const struct flow_tables *tables,
	const struct flow_key *key, const struct flow *flow)
{
	unsigned table = (unsigned)(tables - flow_tables);

	if (sweep->round.waiting[table] || sweep->round.counted[table])
		return;
	recount_flow(sweep->recount, key, flow, tables->protocol);
	sweep->round.met[table]++;
}

static void table_ends(struct sweep *sweep, const struct flow_tables *tables)
{
	unsigned table = (unsigned)(tables - flow_tables);
	uint64_t room;

	if (sweep->round.waiting[table]) {
		sweep->round.waiting[table] = false;
		return;
	}
	if (sweep->round.counted[table])
		return;
	sweep->round.counted[table] = true;
	room = packets_room(sweep->packets, tables->flows);
	if (sweep->round.met[table] >= room - room / 16)
		sweep->round.full = true;
}

static void settle_one(struct sweep *sweep, int protocol, uint32_t i)
{
	const struct service_state *rule = &sweep->value.rule[i];
	const struct source_state *source = &sweep->value.source[i];
	struct adjust change = { .protocol = (uint32_t)protocol };

	if (protocol)
		change.key = sweep->key.source[i];
	else
		change.key.service = sweep->key.id[i];
	change.connections = recount_settle(sweep->recount, &change.key, protocol,
		protocol ? source->opened : (uint32_t)rule->opened,
		protocol ? source->connections : (int32_t)rule->connections, sweep->round.full);
	if (change.connections != 0)
		(void)packets_adjust(sweep->packets, &change);
}

static void settle_counts(struct sweep *sweep)
{
	static const struct {
		enum packet_map map;
		int protocol;
	} what[] = { { PACKET_SERVICE_STATE, 0 }, { PACKET_LIMIT_TCP, IPPROTO_TCP },
		{ PACKET_LIMIT_UDP, IPPROTO_UDP } };
	struct round *round = &sweep->round;

	for (size_t i = 0; i < FLOW_TABLES; i++) {
		if (!round->counted[i])
			return;
	}
	for (uint32_t done = 0; done < SWEEP_FLOWS_MAX; done += PIECE) {
		uint32_t count;
		bool more;

		if (round->broken || round->settling == sizeof(what) / sizeof(what[0])) {
			recount_begin(sweep->recount);
			*round = (struct round){ .waiting = { true, true, true } };
			return;
		}
		more = read_piece(sweep, what[round->settling].map, &round->at, &count);
		for (uint32_t i = 0; i < count; i++)
			settle_one(sweep, what[round->settling].protocol, i);
		if (!more)
			round->settling++;
	}
}

static void walk_begins(struct sweep *sweep, unsigned table, int64_t boot_now_ns)
{
	uint32_t now = (uint32_t)(boot_now_ns / NS_PER_SECOND);

	if (sweep->walk[table].under_way)
		return;
	sweep->walk[table].under_way = true;
	sweep->walk[table].since = sweep->walk[table].until ? sweep->walk[table].until : now;
	sweep->walk[table].until = now;
}

static void tell_visit(struct sweep *sweep, const struct flow_tables *tables,
	const struct flow_key *key, const struct flow *flow)
{
	unsigned table = (unsigned)(tables - flow_tables);

	if (sweep->visitors &&
		flow_is_visit(flow, tables->protocol, sweep->walk[table].since,
			sweep->walk[table].until) &&
		!is_gone(sweep, flow->instance))
		visitors_add(
			sweep->visitors, flow->instance, &key->source, 1, sweep->monotonic_now_ms);
}

static void sweep_flows(struct sweep *sweep, const struct flow_tables *tables,
	struct packet_cursor *cursor, int64_t boot_now_ns)
{
	bool more = true;

	walk_begins(sweep, (unsigned)(tables - flow_tables), boot_now_ns);
	for (uint32_t done = 0; more && done < SWEEP_FLOWS_MAX; done += PIECE) {
		uint32_t count;

		more = read_piece(sweep, tables->flows, cursor, &count);
		for (uint32_t i = 0; i < count; i++) {
			const struct flow *flow = &sweep->value.flow[i];

			tell_visit(sweep, tables, &sweep->key.flow[i], flow);
			if (!is_wanted(sweep, flow, tables->protocol, boot_now_ns)) {
				drop_flow(sweep, tables, &sweep->key.flow[i], boot_now_ns);
				continue;
			}
			count_flow(sweep, tables, &sweep->key.flow[i], flow);
			if (tables->protocol == IPPROTO_TCP && flow_is_empty(flow, boot_now_ns))
				(void)packets_end(sweep->packets, &sweep->key.flow[i]);
		}
		if (!more) {
			sweep->walk[tables - flow_tables].under_way = false;
			table_ends(sweep, tables);
		}
	}
}

static void walk_services(struct sweep *sweep)
{
	bool more = true;

	for (uint32_t done = 0; more && done < SWEEP_SERVICES_MAX; done += PIECE) {
		uint32_t count;

		more = read_piece(sweep, PACKET_SERVICE, &sweep->service, &count);
		for (uint32_t i = 0; i < count; i++) {
			const struct service *service = &sweep->value.service[i];

			for (uint32_t j = 0; j < service->origin_count && j < ORIGIN_MAX; j++)
				sweep->origin(sweep->origin_context, &service->origin[j].address);
		}
	}
}

/* Numbers are never used again, so late is early enough. A foothold that vanished starts the walk anew. */
static void sweep_reasons(struct sweep *sweep)
{
	if (node_state_generation(sweep->state) == 0)
		return;
	for (uint32_t i = 0; i < SWEEP_REASONS_MAX; i++) {
		struct vip_reason_key previous = sweep->reason;
		bool had_previous = sweep->reason_started;

		sweep->reason_started =
			packets_next_key(sweep->packets, PACKET_VIP_REASON,
				had_previous ? &previous : NULL, &sweep->reason) == 0;
		if (had_previous && !node_state_has_instance(sweep->state, previous.instance))
			(void)packets_delete(sweep->packets, PACKET_VIP_REASON, &previous);
		if (!sweep->reason_started)
			return;
	}
}

/* The same of port rules. */
static void sweep_states(struct sweep *sweep)
{
	if (node_state_generation(sweep->state) == 0)
		return;
	for (uint32_t i = 0; i < SWEEP_STATES_MAX; i++) {
		uint32_t previous = sweep->rule;
		bool had_previous = sweep->rule_started;

		sweep->rule_started = packets_next_key(sweep->packets, PACKET_SERVICE_STATE,
					      had_previous ? &previous : NULL, &sweep->rule) == 0;
		if (had_previous && !node_state_service(sweep->state, previous))
			(void)packets_delete(sweep->packets, PACKET_SERVICE_STATE, &previous);
		if (!sweep->rule_started)
			return;
	}
}

void sweep_tick(struct sweep *sweep, int64_t boot_now_ns, int64_t monotonic_now_ms)
{
	sweep->monotonic_now_ms = monotonic_now_ms;
	sweep_reasons(sweep);
	sweep_states(sweep);
	for (size_t i = 0; i < FLOW_TABLES; i++)
		sweep_flows(sweep, &flow_tables[i], &sweep->flows[i], boot_now_ns);
	settle_counts(sweep);
	walk_services(sweep);
}

void sweep_use_visitors(struct sweep *sweep, struct visitors *visitors)
{
	sweep->visitors = visitors;
}

struct sweep *sweep_new(struct packets *packets, const struct node_state *state,
	void (*origin)(void *context, const struct address *address), void *context)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		return NULL;
	sweep->recount = recount_new();
	if (!sweep->recount) {
		free(sweep);
		return NULL;
	}
	sweep->packets = packets;
	sweep->state = state;
	sweep->origin = origin;
	sweep->origin_context = context;
	return sweep;
}

void sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	recount_free(sweep->recount);
	free(sweep);
}
