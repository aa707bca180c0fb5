/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The agent's walk over maps and programs as it opens them itself: connections that ended without closing
 * are taken off the counts, what was evicted is noticed, empty connections are ended.
 */
#include "agent/packets_internal.h"
#include "agent/sweep.h"

/* Last: cmocka makes a macro of the name fail. */
#include "mitigate.h"

#include <linux/if_link.h>
#include <sys/mount.h>

#define DIRECTORY "/tmp/polder-test-sweep-XXXXXX"
#define TICKS	  8 /* a few whole rounds over small tables */

static struct packets *packets;
static struct node_state *node;
static struct sweep *sweep;
static char directory[sizeof(DIRECTORY)], pin[sizeof(DIRECTORY) + 8];

static void ignore_origin(void *context, const struct address *address)
{
	(void)context;
	(void)address;
}

static void ticks(int count)
{
	for (int i = 0; i < count; i++)
		sweep_tick(sweep, boot_ns(), 0);
}

static void limit_sources(int version)
{
	(void)version;
	forget();
	modes_set(ALL, 0);
	limits_set(IPPROTO_UDP, &(struct service_limits){ .source[LIMIT_CONNECTIONS] = 1000 },
		SERVICE_LIMITED);
	ticks(TICKS);
}

static void open_flows(struct wire *w, int count)
{
	for (int i = 0; i < count; i++) {
		w->source_port = (uint16_t)(2000 + i);
		assert_int_equal(try_packets(w, 1), 1);
	}
}

static void assert_counts(const struct wire *w, int expected)
{
	struct source_state_key key = { .service = SERVICE, .source = address_of(w->source) };
	struct service_state rule;
	struct source_state state;
	uint32_t id = SERVICE;

	if (strchr(w->source, ':'))
		key.source.half[1] = 0;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service_state), &id, &rule), 0);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.limit_udp), &key, &state), 0);
	assert_int_equal(rule.connections, expected);
	assert_int_equal(state.connections, expected);
}

/* Flows that went idle are taken off when they are deleted. */
static void idle(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow_key key;
	struct flow flow;

	limit_sources(version);
	open_flows(&w, 5);
	assert_counts(&w, 5);
	ticks(TICKS);
	assert_counts(&w, 5);
	key = key_of(&w);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.flow_udp), &key, &flow), 0);
	flow.seen_ns -= 320ull * SECOND_NS;
	map_set(skel->maps.flow_udp, &key, &flow);
	ticks(1);
	assert_counts(&w, 4);
	ticks(TICKS);
	assert_counts(&w, 4);
}
TEST(idle)

/* Flows that vanish, as by eviction, are missed by the next round; openings meanwhile are not lost. */
static void evicted(int version)
{
	struct wire w = from_client(version, IPPROTO_UDP);
	struct flow_key key;

	limit_sources(version);
	open_flows(&w, 5);
	ticks(TICKS);
	for (uint16_t i = 0; i < 2; i++) {
		w.source_port = (uint16_t)(2000 + i);
		key = key_of(&w);
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.flow_udp), &key), 0);
	}
	assert_counts(&w, 5);
	w.source_port = 3000;
	assert_int_equal(try_packets(&w, 1), 1);
	ticks(TICKS);
	assert_counts(&w, 4);
}
TEST(evicted)

/* A connection whose client says nothing is ended, and its source hit. */
static void empty(int version)
{
	struct talk t;
	struct flow_key key;
	struct flow flow;

	limit_sources(version);
	limits_set(IPPROTO_TCP, &(struct service_limits){ .rate = 0 }, SERVICE_NO_EMPTY);
	t = talk_open(version, 31000, 7);
	ticks(1);
	assert_true(flow_exists(&t.client));
	key = key_of(&t.client);
	flow = flow_of(&t.client);
	flow.opened_second -= EMPTY_SECONDS + 1;
	map_set(skel->maps.flow_tcp, &key, &flow);
	ticks(1);
	assert_false(flow_exists(&t.client));
}
TEST(empty)

/* A second of the boot clock ends: what was opened in it is new to the next walk. */
static void second_ends(void)
{
	int64_t second = boot_ns() / (int64_t)SECOND_NS;

	while (boot_ns() / (int64_t)SECOND_NS == second)
		(void)usleep(10000);
}

/* Who opened flows is told, each flow once: by TCP when the client has proven its address, by UDP always. */
static void visited(int version)
{
	struct visitors *visitors = visitors_new(VISITORS_INSTANCE);
	struct wire w = from_client(version, IPPROTO_UDP);
	struct record_visitors out;
	struct address source;
	struct talk t;

	limit_sources(version);
	assert_non_null(visitors);
	open_flows(&w, 3); /* before the walks: not new */
	second_ends();
	ticks(1);
	sweep_use_visitors(sweep, visitors);
	w.source_port = 4000;
	assert_int_equal(try_packets(&w, 1), 1);
	w.source_port = 4001;
	assert_int_equal(try_packets(&w, 1), 1);
	t = talk_open(version, 32000, 7);
	assert_true(flow_exists(&t.client));
	second_ends();
	ticks(3);
	sweep_use_visitors(sweep, NULL);
	assert_true(visitors_take(visitors, VISITORS_WINDOW_MS, &out));
	assert_int_equal(out.total, 3);
	assert_int_equal(out.sample_count, 3);
	assert_int_equal(out.record.id, flow_of(&t.client).instance);
	source = address_of(w.source);
	if (version == 6)
		source.half[1] = 0;
	for (int i = 0; i < 3; i++)
		assert_memory_equal(&out.sample[i], &source, sizeof(source));
	assert_false(visitors_take(visitors, VISITORS_WINDOW_MS, &out));
	visitors_free(visitors);
}
TEST(visited)

static int setup(void **state)
{
	static struct agent_settings settings;

	(void)state;
	network_make();
	memcpy(directory, DIRECTORY, sizeof(directory));
	assert_non_null(mkdtemp(directory));
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("bpf", directory, "bpf", 0, NULL), 0);
	(void)snprintf(pin, sizeof(pin), "%s/p", directory);
	settings.pin = pin;
	settings.flows = HARNESS_MAP_MAX;
	assert_int_equal(packets_open(&settings, &packets), OK);
	skel = packets->skeleton;
	fill(skel);
	node = node_state_new();
	assert_non_null(node);
	sweep = sweep_new(packets, node, ignore_origin, NULL);
	assert_non_null(sweep);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sweep_free(sweep);
	node_state_free(node);
	packets_close(packets);
	(void)umount2(directory, MNT_DETACH);
	(void)rmdir(directory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_visited),
	};

	return PACKET_TESTS(tests, setup, teardown);
}
