/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Limits of a port rule, what follows from going over them too often, and the blackhole. Each limit is
 * tried switched off, watched and in force, for an allowed source and after expiry. Seconds pass by
 * moving those in the maps.
 */
#include "limits.h"

#include <linux/if_link.h>

#define OTHER4	   "10.201.1.77"
#define OTHER6	   "fd01:0:0:1::77"
#define NEIGHBOUR6 "fd01::9:9"

static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

/* --- each limit in each mode */

/* Ten of what the limit is about; returns how many passed. */
static int ten(struct wire *w, uint32_t mitigation)
{
	struct wire packet;

	if (mitigation != MITIGATION_source_packets && mitigation != MITIGATION_source_bytes)
		return try_opens(w, 10);
	assert_true(try_open(w));
	packet = *w;
	packet.payload = 100;
	return try_packets(&packet, 10);
}

struct limit_row {
	uint32_t mitigation;
	struct service_limits limits;
	uint8_t flags;
	int passed[2]; /* of ten: TCP, UDP; the packet that opens a flow of UDP counts itself */
};

static void limit_modes(const struct limit_row *row, uint8_t protocol)
{
	uint32_t bit = 1u << row->mitigation, reason = MITIGATION_REASON(row->mitigation);
	int passed = row->passed[protocol == IPPROTO_UDP];

	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, protocol);
		struct vip vip = vip_protected();

		limits_set(protocol, &row->limits, row->flags);
		forget();
		align();
		modes_set(ALL & ~bit, 0);
		assert_int_equal(ten(&w, row->mitigation), 10);
		assert_int_equal(counted(reason), 0);
		forget();
		align();
		modes_set(ALL, bit);
		assert_int_equal(ten(&w, row->mitigation), 10);
		assert_int_equal(counted(reason), 0);
		assert_int_equal(counted(reason | REASON_WATCHED), 10 - passed);
		forget();
		align();
		modes_set(ALL, 0);
		assert_int_equal(ten(&w, row->mitigation), passed);
		assert_int_equal(counted(reason), 10 - passed);
		assert_int_equal(counted(reason | REASON_WATCHED), 0);
		allow(w.source, INT64_MAX);
		assert_int_equal(ten(&w, row->mitigation), 10);
		forget();
		vip.mitigation_on = ALL;
		vip.mitigation_until_ns = boot_ns();
		vips_put(&vip);
		assert_int_equal(ten(&w, row->mitigation), 10);
		assert_int_equal(counted(reason), 0);
	}
}

static void test_limits(void **state)
{
	static const struct limit_row row[] = {
		{ MITIGATION_source_rate, { .source[LIMIT_RATE] = 3 }, SERVICE_LIMITED, { 3, 3 } },
		{ MITIGATION_source_connections, { .source[LIMIT_CONNECTIONS] = 4 },
			SERVICE_LIMITED, { 4, 4 } },
		{ MITIGATION_source_packets, { .source[LIMIT_PACKETS] = 6 }, SERVICE_LIMITED,
			{ 6, 5 } },
		/* 140 or 160 bytes of TCP, 128 or 148 of UDP, which has used up 28 or 48 before */
		{ MITIGATION_source_bytes, { .source[LIMIT_BYTES] = 440 }, SERVICE_LIMITED,
			{ 3, 3 } },
		{ MITIGATION_service_rate, { .rate = 7 }, 0, { 7, 7 } },
		{ MITIGATION_service_connections, { .connections = 8 }, 0, { 8, 8 } },
	};

	(void)state;
	fill(skel);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int j = 0; j < 2; j++)
			limit_modes(&row[i], protocols[j]);
	}
}

/* A second is over; sources have each their own, and a /64 is one. */
static void seconds_and_sources(int version)
{
	struct service_limits limits = { .source[LIMIT_RATE] = 3 };

	for (int i = 0; i < 2; i++) {
		struct wire w = from_client(version, protocols[i]), other = w, near = w;

		other.source = version == 4 ? OTHER4 : OTHER6;
		near.source = NEIGHBOUR6;
		forget();
		modes_set(ALL, 0);
		limits_set(w.protocol, &limits, SERVICE_LIMITED);
		align();
		assert_int_equal(try_opens(&w, 5), 3);
		assert_int_equal(try_opens(&other, 5), 3);
		if (version == 6)
			assert_int_equal(try_opens(&near, 5), 0);
		pass_seconds(&w, 1);
		align();
		assert_int_equal(try_opens(&w, 5), 3);
	}
}
TEST(seconds_and_sources)

/* --- what passes in any second */

struct attempt {
	int64_t slot; /* counted from the first one of the run */
	uint32_t passed;
};
#define ATTEMPTS 400

static uint32_t passed_since(const struct attempt *log, int count, int64_t slot)
{
	uint32_t sum = 0;

	for (int i = count - 1; i >= 0 && log[i].slot >= slot; i--)
		sum += log[i].passed;
	return sum;
}

/*
 * Attempts at random moments. The present slot and the seven before hold more than a second: no more than the
 * limit and its addition passes in them, and whatever finds room does pass. How long the run takes
 * only adds to the time that is pretended: the program itself says in which slot it was.
 */
static void any_second(struct wire *w, uint32_t limit, uint32_t most, int opens)
{
	struct attempt log[ATTEMPTS];
	struct source_state state;
	uint32_t pretended = 0, passed = 0;
	int64_t first = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		uint32_t before;

		if (i && rand() % 4 == 0) {
			uint32_t slots = (uint32_t)(rand() % (rand() % 8 ? 3 : 12));

			pass_slots(w, slots);
			pretended += slots;
		}
		log[i].passed = (uint32_t)(opens ? try_open(w) : try_packets(w, 1));
		assert_int_equal(state_get(w, &state), 0);
		log[i].slot = (int64_t)state.turn + pretended - first;
		if (i == 0) {
			first = log[i].slot;
			log[i].slot = 0;
		}
		before = passed_since(log, i, log[i].slot - LIMIT_SLOTS + 1);
		if (before + log[i].passed > most || (!log[i].passed && before < most))
			fail_msg("attempt %d of limit %u: %u in the slots before, %u passed", i,
				limit, before, log[i].passed);
		passed += log[i].passed;
	}
	assert_in_range(passed, most, ATTEMPTS - 1);
}

static void any_seconds(int version)
{
	static const struct {
		uint32_t limit, most;
	} row[] = { { 1, 1 }, { 3, 3 }, { 8, 9 }, { 40, 45 } };

	srand(1);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int j = 0; j < 2; j++) {
			struct service_limits rate = { .source[LIMIT_RATE] = row[i].limit };
			struct service_limits packets = { .source[LIMIT_PACKETS] = row[i].limit };
			struct wire w = from_client(version, protocols[j]);

			forget();
			modes_set(MITIGATION_BIT(source_rate), 0);
			limits_set(w.protocol, &rate, SERVICE_LIMITED);
			any_second(&w, row[i].limit, row[i].most, 1);
			if (w.protocol == IPPROTO_UDP)
				continue;
			/* Opening a TCP flow takes no packet of its own. */
			forget();
			modes_set(MITIGATION_BIT(source_packets), 0);
			limits_set(w.protocol, &packets, SERVICE_LIMITED);
			assert_int_equal(try_open(&w), 1);
			any_second(&w, row[i].limit, row[i].most, 0);
		}
	}
}
TEST(any_seconds)

/* What was one second's boundary is none: the same for all sources together. */
static void boundary(int version)
{
	struct service_limits limits = { .rate = 6 };
	struct wire w = from_client(version, IPPROTO_TCP);

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_TCP, &limits, 0);
	/* Unless the run takes a whole second more. */
	for (int i = 0; i < 5; i++) {
		forget();
		assert_int_equal(try_opens(&w, 6), 6);
		pass_slots(&w, 6);
		if (try_opens(&w, 6) == 0)
			break;
		assert_int_not_equal(i, 4);
	}
	pass_slots(&w, LIMIT_SLOTS);
	assert_int_equal(try_opens(&w, 7), 6);
}
TEST(boundary)

/* Nothing is kept of TCP sources that have proven nothing, nor where no limit is set. */
static void no_state(int version)
{
	struct service_limits limits = { .source[LIMIT_RATE] = 3, .source[LIMIT_PACKETS] = 3 };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct source_state state;
	struct frame f;

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_TCP, &limits, SERVICE_LIMITED);
	w.flags = SYN;
	for (int i = 0; i < 20; i++) {
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	}
	w.flags = ACK;
	for (int i = 0; i < 20; i++) {
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	assert_int_not_equal(state_get(&w, &state), 0);
	limits_set(IPPROTO_TCP, &(struct service_limits){ .rate = 0 }, 0);
	assert_int_equal(try_opens(&w, 5), 5);
	assert_int_not_equal(state_get(&w, &state), 0);
	assert_int_equal(service_counts().connections, 5);
}
TEST(no_state)

/* --- what follows from hits */

static int offences, offence_size;
static struct offence offence_last;

static int offence_take(void *context, void *data, size_t size)
{
	(void)context;
	offences++;
	offence_size = (int)size;
	memcpy(&offence_last, data, sizeof(offence_last));
	return 0;
}

static int offences_taken(void)
{
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(skel->maps.offence), offence_take, NULL, NULL);

	assert_non_null(ring);
	offences = 0;
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return offences;
}

static int block_of(const char *source, int64_t *until)
{
	struct list_exact_key key = { .instance = INSTANCE, .source = state_key(source).source };

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.auto_block), &key, until);
}

/* Goes over the limit of packets in so many seconds, `apart` of them from one to the next. */
static void offend(struct wire *w, int times, uint32_t apart)
{
	struct wire packet;

	assert_true(try_open(w));
	packet = *w;
	for (int i = 0; i < times; i++) {
		if (i)
			pass_seconds(w, apart);
		align();
		(void)try_packets(&packet, 10);
	}
}

static void proof_set(const char *source, int is)
{
	struct address key = state_key(source).source;
	uint64_t until = (uint64_t)(boot_ns() + 60 * SECOND_NS);

	if (is)
		map_set(skel->maps.proven, &key, &until);
	else
		(void)bpf_map_delete_elem(bpf_map__fd(skel->maps.proven), &key);
}

static const struct service_limits blocking = {
	.source[LIMIT_PACKETS] = 3,
	.block_seconds[LIMIT_PACKETS] = 600,
};

static void blocks(int version, uint8_t protocol)
{
	struct wire w = from_client(version, protocol), other = w;
	struct address widened = state_key(w.source).source;
	int64_t until;

	other.source = version == 4 ? OTHER4 : OTHER6;
	forget();
	proof_set(w.source, 1);
	modes_set(ALL, 0);
	limits_set(protocol, &blocking, SERVICE_LIMITED);
	(void)offences_taken();
	offend(&w, BLOCK_HITS - 1, 2);
	assert_int_not_equal(block_of(w.source, &until), 0);
	assert_int_equal(offences_taken(), 0);
	pass_seconds(&w, 2);
	align();
	/* The first over the limit blocks; the others meet the block. */
	assert_int_equal(try_packets(&w, 10), 3);
	assert_int_equal(counted(REASON_auto_block), 6);
	assert_int_equal(block_of(w.source, &until), 0);
	assert_in_range(
		until / SECOND_NS, boot_ns() / SECOND_NS + 590, boot_ns() / SECOND_NS + 601);
	assert_int_equal(offences_taken(), 1);
	assert_int_equal(offence_size, sizeof(struct offence));
	assert_int_equal(offence_last.instance, INSTANCE);
	assert_int_equal(offence_last.service, SERVICE);
	assert_int_equal(offence_last.mitigation, MITIGATION_source_packets);
	assert_int_equal(offence_last.seconds, 600);
	assert_memory_equal(&offence_last.source, &widened, sizeof(widened));
	/* Flows of other rules, and new ones, too; others go on; the allow-list helps. */
	pass_seconds(&w, 2);
	assert_int_equal(try_packets(&w, 2), 0);
	assert_int_equal(try_open(&w), 0);
	assert_int_equal(try_open(&other), 1);
	modes_set(ALL, MITIGATION_BIT(auto_block));
	assert_int_equal(try_open(&w), 1);
	assert_true(counted(REASON_auto_block | REASON_WATCHED) > 0);
	modes_set(ALL & ~MITIGATION_BIT(auto_block), 0);
	assert_int_equal(try_open(&w), 1);
	modes_set(ALL, 0);
	allow(w.source, INT64_MAX);
	assert_int_equal(try_open(&w), 1);
	proof_set(w.source, 0);
}

static void block_each(int version)
{
	blocks(version, IPPROTO_TCP);
	blocks(version, IPPROTO_UDP);
}
TEST(block_each)

/* A block ends with its time, and with the instance's mitigation. */
static void block_ends(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct list_exact_key key = { .instance = INSTANCE, .source = state_key(w.source).source };
	int64_t until = boot_ns() + 60 * SECOND_NS;
	struct settings s = settings_default();
	struct vip vip = vip_protected();

	forget();
	modes_set(ALL, 0);
	map_set(skel->maps.auto_block, &key, &until);
	assert_int_equal(try_open(&w), 0);
	s.utc_offset_ns = 61 * SECOND_NS;
	settings_set(skel, &s);
	assert_int_equal(try_open(&w), 1);
	s.utc_offset_ns = 0;
	settings_set(skel, &s);
	vip.mitigation_on = ALL;
	vip.mitigation_until_ns = boot_ns();
	vips_put(&vip);
	assert_int_equal(try_open(&w), 1);
}
TEST(block_ends)

/* Hits that are too far apart, a limit that is watched, a rule without time: nobody is blocked. */
static void no_block(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct service_limits mild = blocking;
	int64_t until;

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_TCP, &blocking, SERVICE_LIMITED);
	offend(&w, BLOCK_HITS + 1, 16);
	assert_int_not_equal(block_of(w.source, &until), 0);
	forget();
	modes_set(ALL, MITIGATION_BIT(source_packets));
	offend(&w, BLOCK_HITS + 1, 1);
	assert_int_not_equal(block_of(w.source, &until), 0);
	forget();
	modes_set(ALL & ~MITIGATION_BIT(auto_block), 0);
	offend(&w, BLOCK_HITS + 1, 1);
	assert_int_not_equal(block_of(w.source, &until), 0);
	forget();
	mild.block_seconds[LIMIT_PACKETS] = 0;
	modes_set(ALL, 0);
	limits_set(IPPROTO_TCP, &mild, SERVICE_LIMITED);
	offend(&w, BLOCK_HITS + 1, 1);
	assert_int_not_equal(block_of(w.source, &until), 0);
	assert_int_equal(offences_taken(), 0);
}
TEST(no_block)

/* A datagram's source may be somebody else's: blocked here for a minute, and nobody is told. */
static void block_of_unproven(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	int64_t until;

	forget();
	proof_set(w.source, 0);
	modes_set(ALL & ~MITIGATION_BIT(unproven), 0);
	limits_set(IPPROTO_UDP, &blocking, SERVICE_LIMITED);
	(void)offences_taken();
	offend(&w, BLOCK_HITS, 1);
	assert_int_equal(block_of(w.source, &until), 0);
	assert_true(until <= boot_ns() + 60 * SECOND_NS);
	assert_int_equal(offences_taken(), 0);
}
TEST(block_of_unproven)

/* --- the blackhole */

static void blackhole(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP), ping = w;
	struct settings s = settings_default();
	struct vip vip = vip_protected();

	ping.protocol = version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	forget();
	modes_set(ALL, 0);
	assert_int_equal(try_open(&w), 1);
	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = ALL;
	vip.blackhole_until_ns = boot_ns() + 60 * SECOND_NS;
	vips_put(&vip);
	allow(w.source, INT64_MAX);
	assert_int_equal(try_packets(&w, 2), 0);
	assert_int_equal(try_packets(&ping, 1), 0);
	w.flags = SYN;
	assert_int_equal(try_packets(&w, 1), 0);
	assert_int_equal(counted(REASON_blackhole), 4);
	/* Over; or the instance is. */
	w.flags = ACK;
	s.utc_offset_ns = 61 * SECOND_NS;
	settings_set(skel, &s);
	assert_int_equal(try_packets(&w, 1), 1);
	s.utc_offset_ns = 0;
	settings_set(skel, &s);
	assert_int_equal(try_packets(&w, 1), 0);
	vip.mitigation_until_ns = boot_ns();
	vips_put(&vip);
	assert_int_equal(try_packets(&w, 1), 1);
}
TEST(blackhole)

/* --- connection counts */

static int connections_of(const struct wire *w)
{
	struct source_state state = { .connections = 0 };

	(void)state_get(w, &state);
	return state.connections;
}

static void assert_open(const struct wire *w, int expected)
{
	assert_int_equal(connections_of(w), expected);
	assert_int_equal(service_counts().connections, expected);
}

static void send_flags(const struct wire *from, int is_origin, uint8_t flags)
{
	struct wire w = *from;
	struct frame f;

	w.flags = flags;
	w.option_length = 0;
	if (is_origin) {
		w.sequence = ORIGIN_ISN + 1;
		w.acknowledgement = ISN + 1;
		f = origin_frame(&w);
	} else {
		f = frame_build(&w);
	}
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
}

static void counts_of_tcp(int version)
{
	struct service_limits limits = { .source[LIMIT_CONNECTIONS] = 2 };
	struct talk t, second;
	struct wire w;

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_TCP, &limits, SERVICE_LIMITED);
	t = talk_open(version, 31000, 7);
	second = talk_open(version, 31001, 7);
	w = t.client;
	assert_open(&w, 2);
	assert_int_equal(try_open(&w), 0);
	assert_open(&w, 2);
	/* Both sides end, one with RST; no end counts twice. */
	send_flags(&t.client, 0, FIN | ACK);
	assert_open(&w, 2);
	send_flags(&t.origin, 1, FIN | ACK);
	assert_open(&w, 1);
	send_flags(&t.client, 0, FIN | ACK);
	send_flags(&t.client, 0, ACK);
	assert_open(&w, 1);
	send_flags(&second.origin, 1, RST | ACK);
	assert_open(&w, 0);
	/* Nobody took the RST: it goes on. */
	send_flags(&second.client, 0, ACK);
	assert_open(&w, 1);
	send_flags(&second.client, 0, RST);
	assert_open(&w, 0);
	assert_int_equal(service_counts().opened, 2);
	/* A newer connection on the tuple replaces the one before. */
	w = from_client(version, IPPROTO_TCP);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_true(try_open_from(&w, 31002, 1000 * i));
		assert_open(&w, 1);
	}
	assert_int_equal(service_counts().opened, 4);
}
TEST(counts_of_tcp)

static void counts_of_udp(int version)
{
	struct service_limits limits = { .source[LIMIT_CONNECTIONS] = 100 };
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow_key key;
	struct flow flow;

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_UDP, &limits, SERVICE_LIMITED);
	assert_int_equal(try_opens(&w, 3), 3);
	assert_open(&w, 3);
	assert_int_equal(try_packets(&w, 3), 3);
	assert_open(&w, 3);
	/* A flow that has expired is replaced. */
	key = (struct flow_key){ .source = address_of(w.source),
		.destination = address_of(w.destination),
		.source_port = htons(w.source_port),
		.destination_port = htons(w.destination_port) };
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
	flow.seen_ns -= 301ull * SECOND_NS;
	map_set(skel->maps.flow_udp, &key, &flow);
	assert_int_equal(try_packets(&w, 1), 1);
	assert_open(&w, 3);
	assert_int_equal(service_counts().opened, 4);
}
TEST(counts_of_udp)

/* A limit that is set later knows what is open. */
static void counts_follow(int version)
{
	struct service_limits limits = { .source[LIMIT_CONNECTIONS] = 100 };
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow_key key;
	struct flow flow;

	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_UDP, &limits, 0);
	assert_int_equal(try_open(&w), 1);
	assert_int_equal(connections_of(&w), 0);
	limits_set(IPPROTO_UDP, &limits, SERVICE_LIMITED);
	key = (struct flow_key){ .source = address_of(w.source),
		.destination = address_of(w.destination),
		.source_port = htons(w.source_port),
		.destination_port = htons(w.destination_port) };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
		flow.route_ns = 0; /* the look of each second is due */
		map_set(skel->maps.flow_udp, &key, &flow);
		assert_int_equal(try_packets(&w, 1), 1);
		assert_int_equal(connections_of(&w), 1);
	}
	assert_open(&w, 1);
}
TEST(counts_follow)

/* The agent's correction, which adds and never makes. */
static void test_adjust(void **state)
{
	struct wire w = from_client(6, IPPROTO_UDP);
	struct adjust change = { .key = { .service = SERVICE }, .connections = -2 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &change, .ctx_size_in = sizeof(change));
	int program = bpf_program__fd(skel->progs.polder_adjust);
	uint32_t id = 999;
	struct service_state none;

	(void)state;
	fill(skel);
	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_UDP, &(struct service_limits){ .source[LIMIT_RATE] = 100 },
		SERVICE_LIMITED);
	assert_int_equal(try_opens(&w, 5), 5);
	assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
	assert_int_equal(service_counts().connections, 3);
	assert_int_equal(connections_of(&w), 5);
	change.key = state_key(w.source);
	change.protocol = IPPROTO_UDP;
	assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
	assert_int_equal(connections_of(&w), 3);
	change.protocol = IPPROTO_TCP;
	assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
	assert_int_equal(connections_of(&w), 3);
	change.key = (struct source_state_key){ .service = id };
	assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
	assert_int_not_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.service_state), &id, &none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_seconds_and_sources),
		cmocka_unit_test(test_any_seconds),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_no_state),
		cmocka_unit_test(test_block_each),
		cmocka_unit_test(test_block_ends),
		cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_block_of_unproven),
		cmocka_unit_test(test_blackhole),
		cmocka_unit_test(test_counts_of_tcp),
		cmocka_unit_test(test_counts_of_udp),
		cmocka_unit_test(test_counts_follow),
		cmocka_unit_test(test_adjust),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
