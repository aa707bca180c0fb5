/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every reason of reasons.def, IPv4 and IPv6: one row is one packet, what was arranged before it,
 * the verdict and the reason that counts it. The last test fails when a reason has no row.
 */
#include "wire.h"

#include <linux/if_link.h>

struct row {
	const char *name;
	void (*arrange)(struct polder *skel, int version); /* NULL: as filled */
	void (*change)(struct wire *w);			   /* of the plain packet; NULL: nothing */
	uint8_t protocol;
	uint32_t verdict;
	uint32_t reason;
};

static uint8_t reached[REASON_COUNT];

static struct vip vip_changed(struct vip vip)
{
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	return vip;
}

static void list_source(int64_t allow, int64_t block)
{
	struct vip vip = vip_protected();
	struct list_entry entry = { .allow_until_ns = allow, .block_until_ns = block };
	const char *text[2] = { CLIENT4, CLIENT6 };

	for (int i = 0; i < 2; i++) {
		struct list_exact_key key = { .instance = INSTANCE, .source = address_of(text[i]) };

		map_set(skel->maps.list_exact, &key, &entry);
	}
	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = MITIGATION_BIT(block_list);
	vip_changed(vip);
}

static void block(struct polder *s, int version)
{
	(void)s, (void)version;
	list_source(0, INT64_MAX);
}

static void no_payload(struct polder *s, int version)
{
	struct service_key key = service_key_of(IPPROTO_UDP, 53);
	struct service service;
	struct vip vip = vip_protected();

	(void)version;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(s->maps.service), &key, &service), 0);
	service.payload_min = 1;
	service.payload_max = PAYLOAD_UNBOUNDED;
	map_set(s->maps.service, &key, &service);
	vip.mitigation_on = MITIGATION_BIT(payload_length);
	vip_changed(vip);
}

static void forwarding_ended(struct polder *s, int version)
{
	struct vip vip = vip_protected();

	(void)s, (void)version;
	vip.forward_until_ns = boot_ns() - 1;
	vip_changed(vip);
}

static void no_origins(struct polder *s, int version)
{
	(void)version;
	service_set(s, IPPROTO_TCP, 80, NULL, NULL, 0);
	service_set(s, IPPROTO_UDP, 53, NULL, NULL, 0);
}

/* The only origin is of IPv6, which IPv4 clients cannot reach; or it takes no new flows. */
static void other_version(struct polder *s, int version)
{
	struct service_key key = service_key_of(IPPROTO_UDP, 53);
	struct service service;

	service_set(s, IPPROTO_UDP, 53, NULL, ORIGIN6, 5353);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(s->maps.service), &key, &service), 0);
	service.origin[0].closed = version == 6;
	map_set(s->maps.service, &key, &service);
}

static void origin_unresolved(struct polder *s, int version)
{
	(void)version;
	service_set(s, IPPROTO_UDP, 53, "10.201.2.77", "fd02::77", 5353);
}

static void no_ports(struct polder *s, int version)
{
	struct settings settings = settings_default();

	(void)version;
	settings.port_count = 0;
	settings_set(s, &settings);
}

static void unprotected(struct wire *w)
{
	w->destination = strchr(w->source, ':') ? "fd09::99" : "10.201.9.99";
}

static void syn(struct wire *w)
{
	w->flags = SYN;
	w->sequence = 5;
}

static void ack(struct wire *w)
{
	w->flags = ACK;
	w->sequence = 5;
	w->acknowledgement = 6;
}

static void xmas(struct wire *w)
{
	w->flags = FIN | PSH | URG;
}

static void null_flags(struct wire *w)
{
	w->flags = 0;
}

static void syn_fin(struct wire *w)
{
	w->flags = SYN | FIN;
}

static void syn_ack(struct wire *w)
{
	w->flags = SYN | ACK;
}

static void rst(struct wire *w)
{
	w->flags = RST | ACK;
}

static void fin(struct wire *w)
{
	w->flags = FIN | ACK;
}

static void land(struct wire *w)
{
	w->source = w->destination;
	syn(w);
}

static void loopback(struct wire *w)
{
	w->source = strchr(w->source, ':') ? "::1" : "127.0.0.1";
}

static void other_port(struct wire *w)
{
	syn(w);
	w->destination_port = 4444;
}

static void later_fragment(struct wire *w)
{
	w->fragment = 10;
	w->payload = 64;
}

static void first_fragment(struct wire *w)
{
	syn(w);
	w->more = 1;
	w->payload = 44; /* with the header, a multiple of 8 */
}

static void last_hop(struct wire *w)
{
	w->hop_limit = 1;
}

/* A reply to a port of the node's range that no flow has. */
static void stray_reply(struct wire *w)
{
	w->destination = strchr(w->source, ':') ? SOURCE6 : SOURCE4;
	w->destination_port = 20000;
	w->flags = ACK;
}

static void host_reply(struct wire *w)
{
	stray_reply(w);
	w->destination_port = 22;
}

static void gre(struct wire *w)
{
	w->protocol = 47;
	w->payload = 20;
}

static void long_payload(struct wire *w)
{
	w->payload = 400;
}

static const struct row rows[] = {
	{ "unprotected address", NULL, unprotected, IPPROTO_UDP, XDP_PASS, REASON_host },
	{ "reply to the host's own port", NULL, host_reply, IPPROTO_TCP, XDP_PASS, REASON_host },
	{ "land", NULL, land, IPPROTO_TCP, XDP_DROP, REASON_malformed },
	{ "from loopback", NULL, loopback, IPPROTO_UDP, XDP_DROP, REASON_source_impossible },
	{ "blocked source", block, syn, IPPROTO_TCP, XDP_DROP, REASON_block_list },
	{ "blocked source, echo", block, NULL, IPPROTO_ICMP, XDP_DROP, REASON_block_list },
	{ "payload too short", no_payload, NULL, IPPROTO_UDP, XDP_DROP, REASON_payload_length },
	{ "forwarding off, TCP", forwarding_ended, syn, IPPROTO_TCP, XDP_DROP,
		REASON_forwarding_off },
	{ "forwarding off, UDP", forwarding_ended, NULL, IPPROTO_UDP, XDP_DROP,
		REASON_forwarding_off },
	{ "forwarding off, echo", forwarding_ended, NULL, IPPROTO_ICMP, XDP_DROP,
		REASON_forwarding_off },
	{ "no such port, TCP", NULL, other_port, IPPROTO_TCP, XDP_DROP, REASON_no_service },
	{ "no such port, UDP", NULL, other_port, IPPROTO_UDP, XDP_DROP, REASON_no_service },
	{ "no such protocol", NULL, gre, 0, XDP_DROP, REASON_no_service },
	{ "no origin, TCP", no_origins, syn, IPPROTO_TCP, XDP_DROP, REASON_no_origin },
	{ "no origin, UDP", no_origins, NULL, IPPROTO_UDP, XDP_DROP, REASON_no_origin },
	{ "no usable origin", other_version, NULL, IPPROTO_UDP, XDP_DROP, REASON_no_origin },
	{ "later fragment first, UDP", NULL, later_fragment, IPPROTO_UDP, XDP_DROP,
		REASON_fragment_unknown },
	{ "later fragment, TCP", NULL, later_fragment, IPPROTO_TCP, XDP_DROP,
		REASON_fragment_unknown },
	{ "first fragment, TCP", NULL, first_fragment, IPPROTO_TCP, XDP_DROP,
		REASON_fragment_unknown },
	{ "no flags", NULL, null_flags, IPPROTO_TCP, XDP_DROP, REASON_tcp_flags },
	{ "FIN PSH URG", NULL, xmas, IPPROTO_TCP, XDP_DROP, REASON_tcp_flags },
	{ "SYN FIN", NULL, syn_fin, IPPROTO_TCP, XDP_DROP, REASON_tcp_flags },
	{ "SYN ACK to us", NULL, syn_ack, IPPROTO_TCP, XDP_DROP, REASON_syn_ack_unknown },
	{ "RST of no flow", NULL, rst, IPPROTO_TCP, XDP_DROP, REASON_reset_unknown },
	{ "FIN of no flow", NULL, fin, IPPROTO_TCP, XDP_DROP, REASON_fin_unknown },
	{ "ACK without cookie", NULL, ack, IPPROTO_TCP, XDP_DROP, REASON_cookie_invalid },
	{ "next hop unresolved", origin_unresolved, NULL, IPPROTO_UDP, XDP_DROP,
		REASON_origin_unreachable },
	{ "no source port", no_ports, NULL, IPPROTO_UDP, XDP_DROP, REASON_source_exhausted },
	{ "stray reply, TCP", NULL, stray_reply, IPPROTO_TCP, XDP_DROP, REASON_source_unknown },
	{ "stray reply, UDP", NULL, stray_reply, IPPROTO_UDP, XDP_DROP, REASON_source_unknown },
	{ "SYN", NULL, syn, IPPROTO_TCP, XDP_REDIRECT, REASON_cookie_sent },
	{ "echo request", NULL, NULL, IPPROTO_ICMP, XDP_REDIRECT, REASON_echo_answered },
	{ "first datagram", NULL, NULL, IPPROTO_UDP, XDP_REDIRECT, REASON_flow_opened },
	{ "second datagram", NULL, long_payload, IPPROTO_UDP, XDP_REDIRECT, REASON_forwarded_udp },
	{ "last hop", NULL, last_hop, IPPROTO_UDP, XDP_DROP, REASON_hop_limit },
};

static void check(const struct row *row, int version)
{
	uint8_t protocol = row->protocol;
	uint64_t before[REASON_COUNT];
	struct vip_counter was = vip_counted(skel, VIP_SLOT), is;
	struct wire w;
	struct frame f;
	uint32_t verdict;

	if (protocol == IPPROTO_ICMP && version == 6)
		protocol = IPPROTO_ICMPV6;
	w = from_client(version, protocol);
	if (row->change)
		row->change(&w);
	fill(skel);
	if (row->arrange)
		row->arrange(skel, version);
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		before[i] = reason_packets(skel, i);
	f = frame_build(&w);
	verdict = frame_run(skel, &f);
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		if (reason_packets(skel, i) - before[i] != (i == row->reason))
			fail_msg("%s, IPv%d: reason %u counted %d", row->name, version, i,
				(int)(reason_packets(skel, i) - before[i]));
	if (verdict != row->verdict)
		fail_msg("%s, IPv%d: verdict %u", row->name, version, verdict);
	is = vip_counted(skel, VIP_SLOT);
	if (!strcmp(w.destination, VIP4) || !strcmp(w.destination, VIP6)) {
		assert_int_equal(is.in.packets - was.in.packets, 1);
		assert_int_equal(is.dropped.packets - was.dropped.packets, verdict == XDP_DROP);
		assert_true(is.in.bytes - was.in.bytes == frame_build(&w).size - 14);
	} else {
		assert_memory_equal(&is, &was, sizeof(is));
	}
	reached[row->reason] = 1;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], 4);
		check(&rows[i], 6);
	}
}

/* A flow table that takes nothing more: LRU always does, a plain hash of one entry does not. */
static void test_flow_table_full(void **state)
{
	struct polder *usual = skel;
	static const struct row first = { "fits", NULL, NULL, IPPROTO_UDP, XDP_REDIRECT,
		REASON_flow_opened };
	static const struct row second = { "does not fit", NULL, long_payload, IPPROTO_UDP,
		XDP_DROP, REASON_flow_table_full };

	(void)state;
	skel = harness_open();
	assert_int_equal(bpf_map__set_type(skel->maps.flow_udp, BPF_MAP_TYPE_HASH), 0);
	assert_int_equal(bpf_map__set_max_entries(skel->maps.flow_udp, 1), 0);
	assert_int_equal(polder__load(skel), 0);
	check(&first, 4);
	check(&second, 6);
	/* Nothing is left behind: the reverse table has the first flow's entry only. */
	{
		struct flow_key key, next;

		assert_int_equal(
			bpf_map_get_next_key(bpf_map__fd(skel->maps.reverse_udp), NULL, &key), 0);
		assert_int_equal(
			bpf_map_get_next_key(bpf_map__fd(skel->maps.reverse_udp), &key, &next),
			-ENOENT);
	}
	polder__destroy(skel);
	skel = usual;
}

/* forwarded_tcp needs a conversation: a flow that the origin has answered. */
static void test_forwarded_tcp(void **state)
{
	static const struct row row = { "data of an open flow", NULL, ack, IPPROTO_TCP,
		XDP_REDIRECT, REASON_forwarded_tcp };

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct flow_key key = {
			.source = address_of(version == 4 ? CLIENT4 : CLIENT6),
			.destination = address_of(version == 4 ? VIP4 : VIP6),
			.source_port = htons(40000),
			.destination_port = htons(80),
		};
		struct flow flow = {
			.origin = address_of(version == 4 ? ORIGIN4 : ORIGIN6),
			.local = address_of(version == 4 ? SOURCE4 : SOURCE6),
			.origin_port = htons(8080),
			.local_port = htons(20001),
			.instance = INSTANCE,
			.seen_ns = (uint64_t)boot_ns(),
			.idle_seconds = 60,
			.state = FLOW_OPEN,
		};

		known_everywhere(skel);
		map_set(skel->maps.flow_tcp, &key, &flow);
		check(&row, version);
	}
}

/* Reasons that a test program of their own shows: mitigations but for two, and what needs more than one packet. */
static bool shown_elsewhere(int reason)
{
	switch (reason) {
	case REASON_block_list:
	case REASON_payload_length:
		return false;
	case REASON_syn_passed:
	case REASON_error_translated:
	case REASON_challenge_sent:
	case REASON_local:
	case REASON_blackhole:
	case REASON_too_big:
		return true;
	default:
		return reason >= REASON_block_list && reason < REASON_forwarding_off;
	}
}

static void test_every_reason(void **state)
{
	static const char *const name[] = {
#define REASON(name, verdict, text) #name,
#include "shared/reasons.def"
#undef REASON
	};

	(void)state;
	for (int i = 0; i < REASON_COUNT; i++)
		if (!reached[i] && !shown_elsewhere(i))
			fail_msg("no packet reached %s", name[i]);
}

/* Drops are told apart by instance. */
static void test_vip_reason(void **state)
{
	struct vip_reason_key key = { .instance = INSTANCE, .reason = REASON_tcp_flags };
	struct counter value[HARNESS_CPU_MAX];
	uint64_t packets = 0;

	(void)state;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_reason), &key, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		packets += value[i].packets;
	assert_true(packets == reason_packets(skel, REASON_tcp_flags));
	key.instance = INSTANCE + 1;
	assert_int_not_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_reason), &key, value), 0);
}

/* The agent is asked once per second for an unresolved next hop. */
static int neighbour_heard(void *count, void *data, size_t size)
{
	const struct neighbour_wanted *wanted = data;

	assert_int_equal(size, sizeof(*wanted));
	assert_int_equal(wanted->ifindex, if_nametoindex("l0"));
	if (wanted->address.byte[10] == 0xff)
		assert_address(&wanted->address, "10.201.2.77");
	else
		assert_address(&wanted->address, "fd02::77");
	++*(int *)count;
	return 0;
}

static void test_neighbour_asked(void **state)
{
	struct wire w = from_client(4, IPPROTO_UDP);
	struct ring_buffer *ring;
	int count = 0;

	(void)state;
	fill(skel);
	origin_unresolved(skel, 4);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.neighbour), neighbour_heard, &count, NULL);
	assert_non_null(ring);
	(void)ring_buffer__consume(ring); /* of the rows before */
	time_pass(skel, SECOND_NS * 11 / 10);
	count = 0;
	for (uint16_t i = 0; i < 5; i++) {
		struct frame f;

		w.source_port = (uint16_t)(50000 + i);
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	(void)ring_buffer__consume(ring);
	assert_int_equal(count, 1);
	ring_buffer__free(ring);
}

/* The host would send what is for nobody's address back to the router. */
static void test_nobodys_address(void **state)
{
	static const struct {
		const char *range;
		uint32_t bits;
		const char *inside, *outside;
	} row[] = {
		{ "10.201.9.64", 96 + 26, "10.201.9.127", "10.201.9.128" },
		{ "fd09::4000", 128 - 8, "fd09::40ff", "fd09::4100" },
	};

	(void)state;
	fill(skel);
	for (int i = 0; i < 2; i++) {
		struct wire w = from_client(i ? 6 : 4, IPPROTO_UDP);
		struct range_key key = { .prefix_bits = 32 + row[i].bits,
			.address = address_of(row[i].range) };
		struct address inside = address_of(row[i].inside);
		struct vip vip = vip_protected();
		uint64_t before = reason_packets(skel, REASON_no_service);
		uint32_t one = 1;
		struct frame f;

		w.destination = row[i].inside;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		map_set(skel->maps.range, &key, &one);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		assert_int_equal(reason_packets(skel, REASON_no_service) - before, 1);
		w.destination = row[i].outside;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		/* An instance gets it, and loses it again. */
		vip_set(skel, row[i].inside, &vip);
		w.destination = row[i].inside;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.vip), &inside), 0);
		recent_forget(skel);
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.range), &key), 0);
	}
}

/* Scans of many addresses fill the table; who is attacked then is counted nevertheless. */
static void test_reasons_full(void **state)
{
	const struct vip_reason_key key = { 500000, REASON_no_service };
	struct counter value[HARNESS_CPU_MAX];
	struct wire w = from_client(4, IPPROTO_UDP);
	struct vip vip = vip_protected();
	uint64_t sum = 0;

	(void)state;
	fill(skel);
	w.destination_port = 9;
	for (uint32_t i = 1; i <= 2 * HARNESS_MAP_MAX + 10; i++) {
		struct frame f = frame_build(&w);

		vip.instance = i <= 2 * HARNESS_MAP_MAX ? 1000 + i : key.instance;
		if (i <= 2 * HARNESS_MAP_MAX + 1)
			vip_set(skel, VIP4, &vip);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_reason), &key, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += value[i].packets;
	assert_true(sum >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_flow_table_full),
		cmocka_unit_test(test_forwarded_tcp), cmocka_unit_test(test_every_reason),
		cmocka_unit_test(test_vip_reason), cmocka_unit_test(test_neighbour_asked),
		cmocka_unit_test(test_nobodys_address),
		cmocka_unit_test(test_reasons_full), /* last: it fills a table */
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
