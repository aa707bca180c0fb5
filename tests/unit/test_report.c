/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports from the maps and rings of the real kernel: what changed is told once, what is lost is told again,
 * what is too much comes with the next. Rings can only be written by programs: one of a dozen
 * instructions copies the bytes that it is run with. Captures, too, since they are a map and what comes back.
 */
#include "node_world.h"

#include <linux/bpf.h>
#include <time.h>

#include "agent/capture.h"
#include "agent/report.h"
#include "agent/sightings.h"
#include "base/clock.h"

struct report {
	const uint8_t *data;
	size_t size;
};

static bool build(struct reporter *reporter, bool full, struct report *out)
{
	const void *data;

	if (!reporter_build(reporter, full, 1, clock_monotonic_ms(), &data, &out->size))
		return false;
	out->data = data;
	return true;
}

/* Record number n of a type; NULL: there are fewer. */
static const void *find(const struct report *report, uint16_t type, unsigned n)
{
	const struct snapshot_header *header = (const void *)report->data;
	size_t offset = sizeof(*header);

	assert_int_equal(header->byte_count + sizeof(*header), report->size);
	for (uint32_t i = 0; i < header->record_count; i++) {
		const struct record *record = (const void *)(report->data + offset);

		if (record->type == type && n-- == 0)
			return record;
		offset += record->length;
	}
	return NULL;
}

static unsigned count_of(const struct report *report, uint16_t type)
{
	unsigned count = 0;

	while (find(report, type, count))
		count++;
	return count;
}

/* Adds counter to the copy of the first CPU. */
static void put_reason(struct node *node, uint32_t instance, uint32_t reason, uint64_t packets)
{
	struct vip_reason_key key = { .instance = instance, .reason = reason };
	struct counter *copies = calloc(packets_cpus(node->packets), sizeof(*copies));

	assert_non_null(copies);
	for (uint32_t cpu = 0; cpu < packets_cpus(node->packets); cpu++)
		copies[cpu] = (struct counter){ .packets = packets, .bytes = 100 * packets };
	assert_int_equal(packets_put(node->packets, PACKET_VIP_REASON, &key, copies), 0);
	free(copies);
}

/* Copies so many bytes that it is given into the ring. */
static int ring_writer(int ring, int size)
{
	struct bpf_insn code[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -size },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, size },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_load_bytes },
		{ BPF_JMP | BPF_JNE | BPF_K, 0, 0, 7, 0 },
		{ BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, ring },
		{ 0, 0, 0, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -size },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, size },
		{ BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_output },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	int fd = bpf_prog_load(
		BPF_PROG_TYPE_XDP, "writer", "BSD", code, sizeof(code) / sizeof(code[0]), NULL);

	assert_true(fd >= 0);
	return fd;
}

/* False: the ring is full. */
static bool write_ring(int writer, const void *record, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = record, .data_size_in = (uint32_t)size,
		.repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(writer, &options), 0);
	return options.retval == 0;
}

static int open_ring(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", pin, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static struct reporter *begin(struct node *node)
{
	struct reporter *reporter;
	struct draft draft;

	node_up(node);
	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_instance(&draft, 1, "192.0.2.1");
	add_service(&draft, 11, 1);
	assert_int_equal(apply(node, &draft), OK);
	reporter = reporter_new(
		node->packets, node->state, node->health, &node->settle, &node->settings);
	assert_non_null(reporter);
	return reporter;
}

static void end(struct node *node, struct reporter *reporter)
{
	reporter_free(reporter);
	node_down(node);
	assert_int_equal(packets_detach(&(struct agent_settings){ .pin = pin }), OK);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_only_changes(void **state)
{
	const struct record_vip_reason *reason;
	const struct record_service_state *told;
	struct service_state service = { .connections = 3, .opened = 5, .refused_rate = 7 };
	uint32_t id = 11;
	struct node node;
	struct reporter *reporter;
	struct report report;
	uint64_t cpus;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	cpus = packets_cpus(node.packets);
	assert_true(build(reporter, false, &report));
	assert_int_equal(count_of(&report, RECORD_VIP_REASON), 0);
	assert_false(build(reporter, false, &report));
	put_reason(&node, 1, REASON_region, 2);
	put_reason(&node, 1, REASON_WATCHED | REASON_region, 1);
	service.refused_connections = 9;
	assert_int_equal(packets_put(node.packets, PACKET_SERVICE_STATE, &id, &service), 0);
	assert_true(build(reporter, false, &report));
	assert_int_equal(count_of(&report, RECORD_VIP_REASON), 2);
	reason = find(&report, RECORD_VIP_REASON, 0);
	if (reason->reason != REASON_region)
		reason = find(&report, RECORD_VIP_REASON, 1);
	assert_int_equal(reason->record.id, 1);
	assert_int_equal(reason->reason, REASON_region);
	assert_int_equal(reason->counter.packets, 2 * cpus);
	assert_int_equal(reason->counter.bytes, 200 * cpus);
	told = find(&report, RECORD_SERVICE_STATE, 0);
	assert_int_equal(told->record.id, 11);
	assert_int_equal(told->connections, 3);
	assert_int_equal(told->opened, 5);
	assert_int_equal(told->refused_rate, 7);
	assert_int_equal(told->refused_connections, 9);
	assert_false(build(reporter, false, &report));
	/* One of them moves; connections that were closed before they were opened are none. */
	put_reason(&node, 1, REASON_region, 3);
	service.connections = -1;
	assert_int_equal(packets_put(node.packets, PACKET_SERVICE_STATE, &id, &service), 0);
	assert_true(build(reporter, false, &report));
	assert_int_equal(count_of(&report, RECORD_VIP_REASON), 1);
	assert_int_equal(
		((const struct record_service_state *)find(&report, RECORD_SERVICE_STATE, 0))
			->connections,
		0);
	/* All of it, when the control asks from the beginning. */
	assert_true(build(reporter, true, &report));
	assert_int_equal(count_of(&report, RECORD_VIP_REASON), 2);
	assert_int_equal(count_of(&report, RECORD_SERVICE_STATE), 1);
	end(&node, reporter);
}

/* More than one report takes, and more than one reading: every one is told, once. */
static void test_bounded(void **state)
{
	enum {
		MANY = 20000
	};
	uint8_t *seen = calloc(1, MANY);
	struct node node;
	struct reporter *reporter;
	struct report report;
	unsigned told = 0;

	(void)state;
	NEED_WORLD();
	assert_non_null(seen);
	reporter = begin(&node);
	for (uint32_t id = 0; id < MANY; id++) {
		struct service_state service = { .opened = 1 };
		uint32_t key = id + 1;

		assert_int_equal(
			packets_put(node.packets, PACKET_SERVICE_STATE, &key, &service), 0);
	}
	for (unsigned round = 0; round < 8 && told < MANY; round++) {
		const struct snapshot_header *header;
		size_t offset = sizeof(*header);

		assert_true(build(reporter, false, &report));
		header = (const void *)report.data;
		for (uint32_t i = 0; i < header->record_count; i++) {
			const struct record *record = (const void *)(report.data + offset);

			offset += record->length;
			if (record->type != RECORD_SERVICE_STATE)
				continue;
			assert_false(seen[record->id - 1]);
			seen[record->id - 1] = 1;
			told++;
		}
		assert_true(count_of(&report, RECORD_NODE) == 1);
	}
	assert_int_equal(told, MANY);
	assert_false(build(reporter, false, &report));
	end(&node, reporter);
	free(seen);
}

/* Kept until a report was accepted; what comes meanwhile is not lost with it. */
static void test_offences(void **state)
{
	struct offence offence = {
		.instance = 1, .service = 11, .mitigation = MITIGATION_source_rate, .seconds = 60
	};
	const struct record_offence *told;
	int64_t before_ms;
	int ring, writer;
	struct node node;
	struct reporter *reporter;
	struct report report;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	ring = open_ring("offence");
	writer = ring_writer(ring, sizeof(offence));
	assert_true(build(reporter, false, &report));
	reporter_sent(reporter, true);
	before_ms = clock_utc_ms();
	offence.source = ip("203.0.113.9");
	assert_true(write_ring(writer, &offence, sizeof(offence)));
	assert_true(build(reporter, false, &report));
	told = find(&report, RECORD_OFFENCE, 0);
	assert_int_equal(told->record.id, 1);
	assert_int_equal(told->service, 11);
	assert_int_equal(told->mitigation, MITIGATION_source_rate);
	assert_memory_equal(&told->source, &offence.source, sizeof(offence.source));
	assert_true(
		told->until_ms >= before_ms + 60000 && told->until_ms <= clock_utc_ms() + 60000);
	/* It got lost: the same moment again, though time went by. */
	before_ms = told->until_ms;
	reporter_sent(reporter, false);
	assert_true(build(reporter, true, &report));
	told = find(&report, RECORD_OFFENCE, 0);
	assert_int_equal(told->until_ms, before_ms);
	/* Another one while that report is under way. */
	offence.source = ip("2001:db8::9");
	assert_true(write_ring(writer, &offence, sizeof(offence)));
	reporter_sent(reporter, true);
	assert_true(build(reporter, false, &report));
	assert_int_equal(count_of(&report, RECORD_OFFENCE), 1);
	told = find(&report, RECORD_OFFENCE, 0);
	assert_memory_equal(&told->source, &offence.source, sizeof(offence.source));
	reporter_sent(reporter, true);
	assert_false(build(reporter, false, &report));
	(void)close(writer);
	(void)close(ring);
	end(&node, reporter);
}

/* A ring full of samples: none is lost between the ring and the control, however many reports it takes. */
static void test_samples(void **state)
{
	struct packet_sample sample = { .capture = 5,
		.instance = 1,
		.time_ns = 77,
		.reason = REASON_WATCHED | REASON_region,
		.length = 1500,
		.captured = SAMPLE_BYTES };
	const struct record_sample *told;
	int ring, writer;
	unsigned written = 0, read = 0;
	struct node node;
	struct reporter *reporter;
	struct report report;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	ring = open_ring("sample");
	writer = ring_writer(ring, sizeof(sample));
	memset(sample.frame, 'x', sizeof(sample.frame));
	while (sample.ifindex = written, write_ring(writer, &sample, sizeof(sample)))
		written++;
	assert_true(written > 2048);
	while (build(reporter, false, &report) && count_of(&report, RECORD_SAMPLE) > 0) {
		told = find(&report, RECORD_SAMPLE, 0);
		assert_int_equal(told->record.id, 5);
		assert_int_equal(told->time_ns, 77);
		assert_int_equal(told->instance, 1);
		assert_int_equal(told->reason, REASON_WATCHED | REASON_region);
		assert_int_equal(told->length, 1500);
		assert_int_equal(told->captured, SAMPLE_BYTES);
		assert_int_equal(told->frame[SAMPLE_BYTES - 1], 'x');
		read += count_of(&report, RECORD_SAMPLE);
		reporter_sent(reporter, true);
	}
	assert_int_equal(read, written);
	/* Of no capture: not told. */
	sample.capture = 0;
	assert_true(write_ring(writer, &sample, sizeof(sample)));
	assert_false(build(reporter, false, &report));
	(void)close(writer);
	(void)close(ring);
	end(&node, reporter);
}

/* Refused packets as the packet path samples them: told once, when their window is over. */
static void test_sighted(void **state)
{
	struct sighting sighting = { .instance = 1,
		.weight = 100,
		.reason = REASON_no_service,
		.port = 53,
		.length = 60,
		.protocol = 17 };
	const struct record_sighted *told;
	int64_t now_ms = clock_monotonic_ms();
	struct reporter *reporter;
	struct report report;
	const void *data;
	struct node node;
	int ring, writer;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	ring = open_ring("sighting");
	writer = ring_writer(ring, sizeof(sighting));
	sighting.source = ip("203.0.113.9");
	for (int i = 0; i < 3; i++)
		assert_true(write_ring(writer, &sighting, sizeof(sighting)));
	for (int i = 0; i < 2; i++) {
		sighting.source = ip(i == 0 ? "2001:db8::9" : "2001:db8::8");
		assert_true(write_ring(writer, &sighting, sizeof(sighting)));
	}
	assert_true(reporter_build(reporter, false, 1, now_ms, &data, &report.size));
	report.data = data;
	assert_int_equal(count_of(&report, RECORD_SIGHTED), 0);
	now_ms += SIGHTINGS_WINDOW_MS;
	assert_true(reporter_build(reporter, false, 1, now_ms, &data, &report.size));
	report.data = data;
	assert_int_equal(count_of(&report, RECORD_SIGHTED), SIGHTED_KINDS);
	told = find(&report, RECORD_SIGHTED, 0);
	assert_int_equal(told->record.id, 1);
	assert_int_equal(told->kind, SIGHTED_SOURCE);
	assert_int_equal(told->entry_count, 2);
	assert_int_equal(told->total, 500);
	assert_int_equal(told->entry[0].count, 300);
	assert_int_equal(told->entry[1].count, 200);
	sighting.source = ip("2001:db8::");
	assert_memory_equal(&told->entry[1].key.source, &sighting.source, 16);
	assert_false(reporter_build(reporter, false, 1, now_ms + 1, &data, &report.size));
	(void)close(writer);
	(void)close(ring);
	end(&node, reporter);
}

/* Who opened connections: told once, when the window is over, and nobody where nobody is told of. */
static void test_visitors(void **state)
{
	struct visitors *visitors = visitors_new(VISITORS_INSTANCE);
	const struct record_visitors *told;
	int64_t now_ms = clock_monotonic_ms();
	struct reporter *reporter;
	struct address source;
	struct report report;
	const void *data;
	struct node node;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	assert_non_null(visitors);
	for (int i = 0; i < 2; i++) {
		source = ip(i == 0 ? "203.0.113.9" : "2001:db8::9");
		visitors_add(visitors, 1, &source, 1, now_ms);
	}
	assert_true(reporter_build(
		reporter, true, 1, now_ms + VISITORS_WINDOW_MS, &data, &report.size));
	report.data = data;
	assert_int_equal(count_of(&report, RECORD_VISITORS), 0);
	reporter_use_visitors(reporter, visitors);
	now_ms += VISITORS_WINDOW_MS;
	assert_true(reporter_build(reporter, false, 1, now_ms, &data, &report.size));
	report.data = data;
	assert_int_equal(count_of(&report, RECORD_VISITORS), 1);
	told = find(&report, RECORD_VISITORS, 0);
	assert_int_equal(told->record.id, 1);
	assert_int_equal(told->sample_count, 2);
	assert_int_equal(told->total, 2);
	assert_false(reporter_build(reporter, false, 1, now_ms + 1, &data, &report.size));
	end(&node, reporter);
	visitors_free(visitors);
}

static void test_health_state(void **state)
{
	const struct record_health_state *told;
	struct node node;
	struct reporter *reporter;
	struct report report;
	struct draft draft;
	struct record_health *health;

	(void)state;
	NEED_WORLD();
	reporter = begin(&node);
	draft_init(&draft, 0, 1, 2);
	health = add(&draft, RECORD_HEALTH, sizeof(*health), 11);
	*health = (struct record_health){ .record = health->record,
		.kind = HEALTH_TCP,
		.timeout_seconds = 1,
		.interval_seconds = 30,
		.up = 1,
		.down = 1 };
	assert_int_equal(apply(&node, &draft), OK);
	assert_true(build(reporter, false, &report));
	told = find(&report, RECORD_HEALTH_STATE, 0);
	assert_int_equal(told->record.id, 11);
	assert_int_equal(told->origin_count, 1);
	assert_int_equal(told->origin[0].port, 8080);
	assert_int_equal(told->origin[0].healthy, 1);
	assert_int_equal(told->origin[0].checked, 0);
	assert_false(build(reporter, false, &report));
	health_result(node.health, 0, false, 99);
	assert_true(build(reporter, false, &report));
	told = find(&report, RECORD_HEALTH_STATE, 0);
	assert_int_equal(told->origin[0].healthy, 0);
	assert_int_equal(told->origin[0].checked, 1);
	assert_int_equal(told->origin[0].since_ms, 99);
	assert_true(build(reporter, true, &report));
	assert_int_equal(count_of(&report, RECORD_HEALTH_STATE), 1);
	end(&node, reporter);
}

/* --- captures --------------------------------------------------------------------------------- */

static struct capture captured(struct node *node)
{
	struct capture capture = { 0 };
	uint32_t key = 0;

	assert_int_equal(packets_get(node->packets, PACKET_CAPTURE, &key, &capture), 0);
	return capture;
}

static void add_capture(struct draft *to, uint32_t id, int64_t until_ms)
{
	struct record_capture *capture = add(to, RECORD_CAPTURE, sizeof(*capture), id);

	capture->instance = 1;
	capture->count = 100 + id;
	capture->reasons = 6;
	capture->until_ms = until_ms;
}

static void test_capture(void **state)
{
	struct node node;
	struct draft draft;
	struct capture used;
	uint32_t key = 0;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_capture(&draft, 5, 1000);
	add_capture(&draft, 7, 500);
	assert_int_equal(apply(&node, &draft), OK);
	capture_settle(node.packets, node.state, 499);
	assert_int_equal(captured(&node).id, 7);
	assert_int_equal(captured(&node).instance, 1);
	assert_int_equal(captured(&node).reasons, 6);
	assert_int_equal(captured(&node).left, 107);
	/* Used up: not begun again, by this agent or the next. */
	used = captured(&node);
	used.left = 0;
	assert_int_equal(packets_put(node.packets, PACKET_CAPTURE, &key, &used), 0);
	capture_settle(node.packets, node.state, 499);
	assert_int_equal(captured(&node).left, 0);
	node_down(&node);

	node_up(&node);
	capture_settle(node.packets, node.state, 499);
	assert_int_equal(captured(&node).id, 7);
	assert_int_equal(apply(&node, &draft), OK);
	capture_settle(node.packets, node.state, 499);
	assert_int_equal(captured(&node).left, 0);
	/* Expired: the other one, then none. */
	capture_settle(node.packets, node.state, 500);
	assert_int_equal(captured(&node).id, 5);
	assert_int_equal(captured(&node).left, 105);
	capture_settle(node.packets, node.state, 1000);
	assert_int_equal(captured(&node).id, 0);
	assert_int_equal(captured(&node).left, 0);
	node_down(&node);
	assert_int_equal(packets_detach(&(struct agent_settings){ .pin = pin }), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_changes),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_offences),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_sighted),
		cmocka_unit_test(test_visitors),
		cmocka_unit_test(test_health_state),
		cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
