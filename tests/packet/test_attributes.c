/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a port rule asks beside where to forward: that a client stays with its origin, and how long
 * payloads may be. Origins are told apart by their port, so that one neighbour serves them all.
 */
#include "wire.h"

#include <linux/if_link.h>

#define ORIGINS	    4
#define ORIGIN_PORT 7000
#define SECONDS	    60
#define TRIES	    24 /* all to one of four origins by chance: once in 10^13 */
#define SERVICE_ID  1

static uint16_t service_port(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 80 : 53;
}

/* Origins of both IP versions behind ports 7000..7003; closed: index of one without weight, or -1. */
static void rule_set(uint8_t protocol, uint32_t seconds, int closed)
{
	struct service_key key = service_key_of(protocol, service_port(protocol));
	struct service service = { .id = SERVICE_ID,
		.idle_seconds = 300,
		.persistence_seconds = seconds,
		.payload_max = PAYLOAD_UNBOUNDED };
	uint8_t slot = 0;

	for (int i = 0; i < 2 * ORIGINS; i++) {
		service.origin[i].address = address_of(i % 2 ? ORIGIN6 : ORIGIN4);
		service.origin[i].port = htons((uint16_t)(ORIGIN_PORT + i / 2));
		service.origin[i].closed = i / 2 == closed;
	}
	service.origin_count = 2 * ORIGINS;
	for (int i = 0; i < ORIGIN_SLOTS; i++) {
		while (service.origin[slot].closed)
			slot = (uint8_t)((slot + 1) % (2 * ORIGINS));
		service.slot[i] = slot;
		slot = (uint8_t)((slot + 1) % (2 * ORIGINS));
	}
	map_set(skel->maps.service, &key, &service);
}

/* A new flow of the client; returns the origin's port. */
static uint16_t open_flow(struct wire w)
{
	static uint16_t port = 30000;
	struct parsed out;
	struct frame f;

	w.source_port = ++port;
	w.sequence = 1000;
	if (w.protocol == IPPROTO_TCP) {
		w.flags = SYN;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		out = frame_parse(&f);
		w.flags = ACK;
		w.sequence = 1001;
		w.acknowledgement = out.sequence + 1;
	}
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	out = frame_parse(&f);
	assert_in_range(out.destination_port, ORIGIN_PORT, ORIGIN_PORT + ORIGINS - 1);
	return out.destination_port;
}

static struct persistence_key bond_key(const struct wire *w)
{
	struct persistence_key key = { .client = address_of(w->source), .service = SERVICE_ID };

	return key;
}

static void bond_set(const struct wire *w, uint16_t port, int64_t age_seconds)
{
	struct persistence_key key = bond_key(w);
	struct persistence value = {
		.origin = address_of(strchr(w->source, ':') ? ORIGIN6 : ORIGIN4),
		.port = htons(port),
		.seen_ns = (uint64_t)(boot_ns() - age_seconds * SECOND_NS),
	};

	map_set(skel->maps.persistence, &key, &value);
}

static int bond_get(const struct wire *w, struct persistence *out)
{
	struct persistence_key key = bond_key(w);

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.persistence), &key, out);
}

static void bond_clear(const struct wire *w)
{
	struct persistence_key key = bond_key(w);

	(void)bpf_map_delete_elem(bpf_map__fd(skel->maps.persistence), &key);
}

/* How many of TRIES flows went to this origin, whose bond is made anew before each. 0: none made. */
static int flows_to(const struct wire *w, uint16_t port, int64_t age_seconds)
{
	int same = 0;

	for (int i = 0; i < TRIES; i++) {
		bond_clear(w);
		if (age_seconds >= 0)
			bond_set(w, port, age_seconds);
		same += open_flow(*w) == port;
	}
	bond_clear(w);
	return same;
}

static void each(void (*body)(struct wire w))
{
	static const uint8_t protocol[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (int i = 0; i < 2; i++) {
		for (int version = 4; version <= 6; version += 2)
			body(from_client(version, protocol[i]));
	}
	fill(skel);
}

static void client_stays(struct wire w)
{
	struct persistence bond;
	uint16_t first, other = 0;

	rule_set(w.protocol, 0, -1);
	first = open_flow(w);
	for (int i = 0; i < TRIES; i++)
		other |= open_flow(w) ^ first;
	assert_int_not_equal(other, 0);
	assert_int_not_equal(bond_get(&w, &bond), 0);
	rule_set(w.protocol, SECONDS, -1);
	first = open_flow(w);
	for (int i = 0; i < TRIES; i++)
		assert_int_equal(open_flow(w), first);
	assert_int_equal(bond_get(&w, &bond), 0);
	assert_int_equal(bond.port, htons(first));
	assert_true(boot_ns() - (int64_t)bond.seen_ns < 30 * SECOND_NS);
	/* Turned off: free at once. */
	rule_set(w.protocol, 0, -1);
	assert_true(flows_to(&w, first, 0) < TRIES);
	bond_clear(&w);
}

static void test_client_stays(void **state)
{
	(void)state;
	each(client_stays);
}

static void clients_spread(struct wire w)
{
	char text[32];
	uint16_t first = 0, other = 0;

	rule_set(w.protocol, SECONDS, -1);
	for (int i = 0; i < TRIES; i++) {
		(void)snprintf(text, sizeof(text),
			strchr(w.source, ':') ? "fd01::9:%x" : "10.201.1.%d", 100 + i);
		w.source = text;
		first = first ? first : open_flow(w);
		other |= open_flow(w) ^ first;
	}
	assert_int_not_equal(other, 0);
}

static void test_clients_spread(void **state)
{
	(void)state;
	each(clients_spread);
}

static void time_ends(struct wire w)
{
	rule_set(w.protocol, SECONDS, -1);
	assert_int_equal(flows_to(&w, ORIGIN_PORT + 2, SECONDS - 5), TRIES);
	assert_true(flows_to(&w, ORIGIN_PORT + 2, SECONDS + 1) < TRIES);
	/* The rule's time counts, not that of when the client came. */
	rule_set(w.protocol, 2 * SECONDS, -1);
	assert_int_equal(flows_to(&w, ORIGIN_PORT + 2, SECONDS + 1), TRIES);
}

static void test_time_ends(void **state)
{
	(void)state;
	each(time_ends);
}

/* An origin that left the rule, and one that takes no new flows. */
static void origin_leaves(struct wire w)
{
	rule_set(w.protocol, SECONDS, -1);
	assert_int_equal(flows_to(&w, ORIGIN_PORT + ORIGINS, 0), 0);
	rule_set(w.protocol, SECONDS, 1);
	assert_int_equal(flows_to(&w, ORIGIN_PORT + 1, 0), 0);
}

static void test_origin_leaves(void **state)
{
	(void)state;
	each(origin_leaves);
}

/* Persistence is no mitigation: it goes on as long as packets are forwarded. */
static void after_expiry(struct wire w)
{
	struct vip vip = vip_protected();

	vip.mitigation_until_ns = 0;
	vip_set(skel, w.destination, &vip);
	rule_set(w.protocol, SECONDS, -1);
	assert_int_equal(flows_to(&w, ORIGIN_PORT + 3, 0), TRIES);
}

static void test_after_expiry(void **state)
{
	(void)state;
	each(after_expiry);
}

/* A flow in use keeps its client, one that goes elsewhere does not. */
static void test_use_keeps(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);
		struct flow_key key = { .source = address_of(w.source),
			.destination = address_of(w.destination),
			.source_port = htons(w.source_port),
			.destination_port = htons(53) };
		struct persistence bond;
		struct flow flow;

		rule_set(IPPROTO_UDP, SECONDS, -1);
		for (int same = 0; same < 2; same++) {
			struct frame f = frame_build(&w);
			uint16_t port;

			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			assert_int_equal(
				bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow),
				0);
			flow.route_ns = 0; /* the look of each second is due */
			map_set(skel->maps.flow_udp, &key, &flow);
			port = ntohs(flow.origin_port);
			bond_set(&w, same ? port : port ^ 1, 50);
			f = frame_build(&w);
			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
			assert_int_equal(bond_get(&w, &bond), 0);
			assert_int_equal(boot_ns() - (int64_t)bond.seen_ns < 40 * SECOND_NS, same);
		}
		bond_clear(&w);
	}
	fill(skel);
}

/* --- payload lengths */

static void bounds_set(uint16_t min, uint16_t max)
{
	for (int i = 0; i < 2; i++) {
		uint8_t protocol = i ? IPPROTO_TCP : IPPROTO_UDP;
		struct service_key key = service_key_of(protocol, service_port(protocol));
		struct service service;

		assert_int_equal(
			bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
		service.payload_min = min;
		service.payload_max = max;
		map_set(skel->maps.service, &key, &service);
	}
}

static void vips_set(uint32_t mitigations, int64_t mitigation_until_ns)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT | VIP_HAS_PREFIX;
	vip.mitigation_on = mitigations;
	vip.mitigation_until_ns = mitigation_until_ns;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

/* Whether the packet ended for its payload's length. */
static int refused(const struct wire *w, uint32_t padding)
{
	uint64_t before = reason_packets(skel, REASON_payload_length);
	struct frame f = frame_build(w);
	uint32_t verdict;

	memset(f.byte + f.size, 0, padding);
	f.size += padding;
	verdict = frame_run(skel, &f);
	if (reason_packets(skel, REASON_payload_length) == before)
		return 0;
	assert_int_equal(verdict, XDP_DROP);
	return 1;
}

static void test_payload(void **state)
{
	static const struct {
		const char *name;
		uint16_t min, max;
		uint8_t protocol, flags, options;
		uint16_t payload;
		uint32_t padding;
		int refused;
	} row[] = {
		{ "UDP, at the least", 10, 100, IPPROTO_UDP, 0, 0, 10, 0, 0 },
		{ "UDP, below", 10, 100, IPPROTO_UDP, 0, 0, 9, 0, 1 },
		{ "UDP, empty", 1, 100, IPPROTO_UDP, 0, 0, 0, 0, 1 },
		{ "UDP, empty, allowed", 0, 100, IPPROTO_UDP, 0, 0, 0, 0, 0 },
		{ "UDP, at the most", 10, 100, IPPROTO_UDP, 0, 0, 100, 0, 0 },
		{ "UDP, above", 10, 100, IPPROTO_UDP, 0, 0, 101, 0, 1 },
		{ "UDP, padding is no payload", 0, 4, IPPROTO_UDP, 0, 0, 4, 14, 0 },
		{ "UDP, unbounded", 0, PAYLOAD_UNBOUNDED, IPPROTO_UDP, 0, 0, 1472, 0, 0 },
		{ "TCP data, at the least", 10, 100, IPPROTO_TCP, ACK | PSH, 0, 10, 0, 0 },
		{ "TCP data, below", 10, 100, IPPROTO_TCP, ACK | PSH, 0, 9, 0, 1 },
		{ "TCP data, at the most", 10, 100, IPPROTO_TCP, ACK | PSH, 12, 100, 0, 0 },
		{ "TCP data, above", 10, 100, IPPROTO_TCP, ACK | PSH, 12, 101, 0, 1 },
		{ "TCP, empty ACK", 10, 100, IPPROTO_TCP, ACK, 12, 0, 0, 0 },
		{ "TCP, SYN", 10, 100, IPPROTO_TCP, SYN, 0, 0, 0, 0 },
		{ "TCP, FIN", 10, 100, IPPROTO_TCP, FIN | ACK, 0, 0, 0, 0 },
		{ "TCP, RST", 10, 100, IPPROTO_TCP, RST, 0, 0, 0, 0 },
		{ "TCP, empty ACK with padding", 10, 100, IPPROTO_TCP, ACK, 0, 0, 6, 0 },
		{ "TCP, SYN with much data", 10, 100, IPPROTO_TCP, SYN, 0, 101, 0, 1 },
		{ "TCP, no data at all", 0, 0, IPPROTO_TCP, ACK | PSH, 0, 1, 0, 1 },
	};

	(void)state;
	vips_set(MITIGATION_BIT(payload_length), INT64_MAX);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		bounds_set(row[i].min, row[i].max);
		for (int version = 4; version <= 6; version += 2) {
			struct wire w = from_client(version, row[i].protocol);

			w.flags = row[i].flags;
			w.payload = row[i].payload;
			w.option_length = row[i].options;
			memset(w.option, 1, row[i].options);
			if (refused(&w, row[i].padding) != row[i].refused)
				fail_msg("%s, IPv%d: refused %d", row[i].name, version,
					!row[i].refused);
		}
	}
	fill(skel);
}

/* Bounds are a mitigation: they end with it. Who is allowed passes. */
static void test_payload_switches(void **state)
{
	(void)state;
	bounds_set(10, 100);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);
		struct list_exact_key exact = { .instance = INSTANCE,
			.source = address_of(w.source) };
		struct list_prefix_key prefix = { .prefix_bits = 32 + 128,
			.instance = htonl(INSTANCE),
			.source = address_of(w.source) };
		struct list_entry allow = { .allow_until_ns = INT64_MAX };

		w.payload = 500;
		vips_set(MITIGATION_BIT(payload_length), INT64_MAX);
		assert_true(refused(&w, 0));
		vips_set(MITIGATION_BIT(payload_length), boot_ns() + 60 * SECOND_NS);
		assert_true(refused(&w, 0));
		vips_set(MITIGATION_BIT(payload_length), boot_ns());
		assert_false(refused(&w, 0));
		vips_set(0, INT64_MAX);
		assert_false(refused(&w, 0));
		vips_set(MITIGATION_BIT(payload_length) | MITIGATION_BIT(block_list), INT64_MAX);
		assert_true(refused(&w, 0));
		map_set(skel->maps.list_exact, &exact, &allow);
		assert_false(refused(&w, 0));
		bpf_map_delete_elem(bpf_map__fd(skel->maps.list_exact), &exact);
		map_set(skel->maps.list_prefix, &prefix, &allow);
		assert_false(refused(&w, 0));
		bpf_map_delete_elem(bpf_map__fd(skel->maps.list_prefix), &prefix);
		assert_true(refused(&w, 0));
	}
	fill(skel);
}

/* The origin gets as many bytes as UDP's header says, however long the IP packet is. */
static void test_payload_surplus(void **state)
{
	static const struct {
		uint16_t payload, said;
		int refused;
	} row[] = { { 50, 3, 1 }, { 50, 10, 0 }, { 101, 100, 0 }, { 500, 100, 0 }, { 500, 0, 1 },
		{ 500, 101, 1 } };

	(void)state;
	vips_set(MITIGATION_BIT(payload_length), INT64_MAX);
	bounds_set(10, 100);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int version = 4; version <= 6; version += 2) {
			struct wire w = from_client(version, IPPROTO_UDP);
			struct frame f;

			w.payload = row[i].payload;
			f = frame_build(&w);
			put16(f.byte + (version == 4 ? 38 : 58), 8u + row[i].said);
			if (frame_run(skel, &f) != (row[i].refused ? XDP_DROP : XDP_REDIRECT))
				fail_msg("%d of %d bytes, IPv%d: refused %d", row[i].said,
					row[i].payload, version, !row[i].refused);
		}
	}
	fill(skel);
}

/* The first fragment decides for its datagram. */
static void test_payload_fragments(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(payload_length), INT64_MAX);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);

		for (int fits = 0; fits < 2; fits++) {
			uint64_t unknown = reason_packets(skel, REASON_fragment_unknown);
			struct frame f;

			bounds_set(0, fits ? 800 : 799);
			w.id = 77u + (uint32_t)fits;
			w.more = 1;
			w.fragment = 0;
			w.payload = 800;
			assert_int_equal(refused(&w, 0), !fits);
			w.more = 0;
			w.fragment = 808 / 8;
			w.payload = 1000;
			f = frame_build(&w);
			assert_int_equal(frame_run(skel, &f), fits ? XDP_REDIRECT : XDP_DROP);
			assert_int_equal(
				reason_packets(skel, REASON_fragment_unknown) - unknown, !fits);
		}
	}
	fill(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_stays),
		cmocka_unit_test(test_clients_spread),
		cmocka_unit_test(test_time_ends),
		cmocka_unit_test(test_origin_leaves),
		cmocka_unit_test(test_after_expiry),
		cmocka_unit_test(test_use_keeps),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_payload_switches),
		cmocka_unit_test(test_payload_surplus),
		cmocka_unit_test(test_payload_fragments),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
