/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes confirm and report: decoding, sums, persistence, waiting.
 */
#include "base/text.h"
#include "control/engine/nodes.h"
#include "control/engine/report.h"
#include "control/model/lifecycle.h"
#include "tests/support/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

struct report {
	uint8_t bytes[65536];
	size_t size;
};

static struct snapshot_header *header_of(struct report *report)
{
	return (struct snapshot_header *)(void *)report->bytes;
}

static void add(struct report *report, const void *record, size_t size)
{
	memcpy(report->bytes + report->size, record, size);
	report->size += size;
	header_of(report)->record_count++;
	header_of(report)->byte_count += (uint32_t)size;
}

#define HEAD(kind, number, member)                                                                 \
	.record = { .type = (kind), .length = sizeof(struct member), .id = (number) }

static void report_start(struct report *report, uint64_t generation)
{
	struct record_node node = { HEAD(RECORD_NODE, 1, record_node), .generation = generation };

	memset(report, 0, sizeof(*report));
	report->size = sizeof(struct snapshot_header);
	header_of(report)->magic = SNAPSHOT_MAGIC;
	header_of(report)->version = SNAPSHOT_VERSION;
	add(report, &node, sizeof(node));
}

static void add_traffic(struct report *report, uint32_t instance, uint64_t packets, int64_t last_ms)
{
	struct record_traffic traffic = { HEAD(RECORD_TRAFFIC, instance, record_traffic),
		.in = { packets, 100 * packets }, .dropped = { 1, 2 }, .out = { 3, 4 },
		.last_in_ms = last_ms };

	add(report, &traffic, sizeof(traffic));
}

static void add_source(struct report *report, const char *text)
{
	struct record_source source = { HEAD(RECORD_SOURCE, 1, record_source) };
	unsigned bits;

	assert_true(text_to_prefix(text, source.address.byte, &bits));
	source.prefix_bits = bits;
	add(report, &source, sizeof(source));
}

static void full_report(struct report *report)
{
	struct record_reason reason = { HEAD(RECORD_REASON, 3, record_reason),
		.name = "malformed" };
	struct record_refused refused = { HEAD(RECORD_REFUSED, 9, record_refused), .why = "full" };

	report_start(report, 5);
	add_source(report, "203.0.113.0/28");
	add_traffic(report, 7, 10, T0);
	add(report, &reason, sizeof(reason));
	add(report, &refused, sizeof(refused));
}

static enum err send(struct nodes *nodes, const char *name, const struct report *report)
{
	return nodes_report(nodes, name, report->bytes, report->size, T0);
}

static int setup(void **state)
{
	*state = nodes_new();
	return *state ? 0 : 1;
}

static int teardown(void **state)
{
	nodes_free(*state);
	return 0;
}

static void test_report(void **state)
{
	static struct report report;
	struct node_traffic traffic;

	full_report(&report);
	assert_false(nodes_traffic(*state, 7, &traffic));
	assert_int_equal(send(*state, "n1", &report), OK);
	assert_int_equal(nodes_confirmed(*state), 5);
	assert_true(nodes_traffic(*state, 7, &traffic));
	assert_int_equal(traffic.in.packets, 10);
	assert_int_equal(traffic.in.bytes, 1000);
	assert_int_equal(traffic.last_in_ms, T0);
	assert_false(nodes_traffic(*state, 8, &traffic));
}

static void test_sums_over_nodes(void **state)
{
	static struct report report;
	struct node_traffic traffic;

	for (int round = 0; round < 2; round++) { /* totals replace, they do not add up */
		report_start(&report, 1);
		add_traffic(&report, 7, 10, T0 + 5);
		assert_int_equal(send(*state, "n1", &report), OK);
		report_start(&report, 2);
		add_traffic(&report, 7, 32, T0 + 1);
		assert_int_equal(send(*state, "n2", &report), OK);
	}
	assert_true(nodes_traffic(*state, 7, &traffic));
	assert_int_equal(traffic.in.packets, 42);
	assert_int_equal(traffic.dropped.packets, 2);
	assert_int_equal(traffic.out.bytes, 8);
	assert_int_equal(traffic.last_in_ms, T0 + 5);
	assert_int_equal(nodes_confirmed(*state), 1); /* the lowest */
}

static void test_many_instances(void **state)
{
	static struct report report;
	struct node_traffic traffic;

	for (uint32_t from = 1; from <= 20000; from += 500) {
		report_start(&report, 1);
		for (uint32_t i = from; i < from + 500; i++)
			add_traffic(&report, i, i, T0);
		assert_int_equal(send(*state, "n1", &report), OK);
	}
	for (uint32_t i = 1; i <= 20000; i++) {
		assert_true(nodes_traffic(*state, i, &traffic));
		assert_int_equal(traffic.in.packets, i);
	}
	assert_false(nodes_traffic(*state, 20001, &traffic));
}

/* Nothing of a bad report is taken over, not even that the node exists. */
static void refuse(struct nodes *nodes, const void *bytes, size_t size)
{
	struct node_traffic traffic;
	uint8_t *exact = malloc(size ? size : 1); /* sanitizers see a read past the end */

	memcpy(exact, bytes, size);
	assert_int_equal(nodes_report(nodes, "bad", exact, size, T0), ERR_FORMAT);
	free(exact);
	assert_false(nodes_traffic(nodes, 7, &traffic));
	assert_int_equal(nodes_confirmed(nodes), 0);
	assert_false(nodes_dirty(nodes));
}

static void test_cut_reports(void **state)
{
	static struct report report;

	full_report(&report);
	for (size_t size = 0; size < report.size; size++) {
		refuse(*state, report.bytes, size);
		/* The same with a header that fits the cut. */
		if (size >= sizeof(struct snapshot_header)) {
			header_of(&report)->byte_count =
				(uint32_t)(size - sizeof(struct snapshot_header));
			refuse(*state, report.bytes, size);
			header_of(&report)->byte_count =
				(uint32_t)(report.size - sizeof(struct snapshot_header));
		}
	}
	refuse(*state, report.bytes, report.size + 8);
	assert_int_equal(send(*state, "good", &report), OK);
}

static void test_wrong_reports(void **state)
{
	static struct report report;
	struct record *first = (void *)(report.bytes + sizeof(struct snapshot_header));
	struct record_node node = { HEAD(RECORD_NODE, 1, record_node) };
	struct record_instance instance = { HEAD(RECORD_INSTANCE, 1, record_instance) };
	struct record_source source = { HEAD(RECORD_SOURCE, 1, record_source), .prefix_bits = 129 };
	struct record_reason reason = { HEAD(RECORD_REASON, 1, record_reason) };
	struct record_refused refused = { HEAD(RECORD_REFUSED, 1, record_refused) };

#define BAD(change)                                                                                \
	do {                                                                                       \
		full_report(&report);                                                              \
		change;                                                                            \
		refuse(*state, report.bytes, report.size);                                         \
	} while (0)
	BAD(header_of(&report)->magic++);
	BAD(header_of(&report)->version++);
	BAD(header_of(&report)->record_count++);
	BAD(header_of(&report)->record_count--);
	BAD(header_of(&report)->byte_count -= 8);
	BAD(first->type = 99);
	BAD(first->length = 0);
	BAD(first->length = 8);
	BAD(first->length = 65528);
	BAD(first->length++);
	BAD(add(&report, &node, sizeof(node)));		/* a second one */
	BAD(first->type = RECORD_TRAFFIC);		/* none at the start */
	BAD(add(&report, &instance, sizeof(instance))); /* not of a report */
	BAD(add(&report, &source, sizeof(source)));
	BAD(add(&report, &reason, sizeof(reason))); /* without a name */
	memset(reason.name, 'x', sizeof(reason.name));
	BAD(add(&report, &reason, sizeof(reason))); /* without an end */
	memset(refused.why, 'x', sizeof(refused.why));
	BAD(add(&report, &refused, sizeof(refused)));
	BAD(add_traffic(&report, 0, 1, 1));
	report.size = sizeof(struct snapshot_header);
	memset(report.bytes, 0, sizeof(report.bytes));
	header_of(&report)->magic = SNAPSHOT_MAGIC;
	header_of(&report)->version = SNAPSHOT_VERSION;
	refuse(*state, report.bytes, report.size); /* empty */
}

static void test_node_limit_and_names(void **state)
{
	char name[NODE_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NODE_NAME_MAX] = '\0';
	assert_int_equal(nodes_confirm(*state, name, 1, T0), ERR_FORMAT);
	assert_int_equal(nodes_confirm(*state, "", 1, T0), ERR_FORMAT);
	for (int i = 0; i < NODE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "node-%d", i);
		assert_int_equal(nodes_confirm(*state, name, 10 + (uint64_t)i, T0), OK);
	}
	assert_int_equal(nodes_confirm(*state, "one-more", 1, T0), ERR_LIMIT);
	assert_int_equal(nodes_confirm(*state, "node-0", 30, T0), OK);
	assert_int_equal(nodes_confirmed(*state), 11);
}

/* A machine that was taken away holds nothing back once it is forgotten, and another takes its place. */
static void test_gone_nodes(void **state)
{
	struct nodes *nodes = *state;
	struct arena *mem = arena_new(8 << 20);
	struct node_facts *facts;
	char name[NODE_NAME_MAX];
	size_t count;

	for (int i = 0; i < NODE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "node-%d", i);
		assert_int_equal(nodes_confirm(nodes, name, i == 3 ? 5 : 9, T0), OK);
	}
	assert_int_equal(nodes_confirmed(nodes), 5);
	assert_int_equal(nodes_forget(nodes, "node-3", T0 + 29 * SECOND_MS), ERR_NODE_PRESENT);
	assert_int_equal(nodes_forget(nodes, "nobody", T0 + HOUR_MS), ERR_NODE_NOT_FOUND);
	assert_int_equal(nodes_forget(nodes, "", T0 + HOUR_MS), ERR_NODE_NOT_FOUND);
	assert_int_equal(nodes_forget(nodes, "node-3", T0 + 30 * SECOND_MS), OK);
	assert_int_equal(nodes_forget(nodes, "node-3", T0 + HOUR_MS), ERR_NODE_NOT_FOUND);
	assert_int_equal(nodes_confirmed(nodes), 9);
	assert_int_equal(nodes_facts(nodes, mem, &facts, &count), OK);
	assert_int_equal(count, NODE_MAX - 1);
	assert_string_equal(facts[3].name, "node-4");
	assert_int_equal(nodes_confirm(nodes, "new", 7, T0 + HOUR_MS), OK);
	assert_int_equal(nodes_confirmed(nodes), 7);
	assert_int_equal(nodes_confirm(nodes, "one-more", 7, T0 + HOUR_MS), ERR_LIMIT);
	arena_free(mem);
}

static void test_forwarding(void **state)
{
	struct instance instance = {
		.deadline_generation = 10, .expire_ms = T0, .previous_forward_until_ms = T0 - DAY_MS
	};
	int64_t until = lifecycle_forward_until(T0);

	assert_false(nodes_forwarding(*state, &instance, T0)); /* no node */
	assert_int_equal(nodes_confirm(*state, "n1", 9, T0), OK);
	assert_false(nodes_forwarding(*state, &instance, T0));
	assert_true(nodes_forwarding(*state, &instance, T0 - 2 * DAY_MS));
	assert_int_equal(nodes_confirm(*state, "n1", 10, T0), OK);
	assert_true(nodes_forwarding(*state, &instance, T0));
	assert_true(nodes_forwarding(*state, &instance, until - 1));
	assert_false(nodes_forwarding(*state, &instance, until));
	assert_int_equal(nodes_confirm(*state, "n2", 0, T0), OK);
	assert_false(nodes_forwarding(*state, &instance, T0)); /* n2 has nothing yet */
}

static void test_sources(void **state)
{
	static struct report report;
	struct arena *mem = arena_new(4 << 20);
	const char **text;
	size_t count;

	report_start(&report, 1);
	add_source(&report, "203.0.113.16/28");
	add_source(&report, "2001:db8::/64");
	assert_int_equal(send(*state, "n1", &report), OK);
	report_start(&report, 1);
	add_source(&report, "203.0.113.0/28");
	add_source(&report, "203.0.113.16/28");
	add_source(&report, "203.0.113.99");
	assert_int_equal(send(*state, "n2", &report), OK);
	assert_int_equal(nodes_sources(*state, mem, 0, &text, &count), OK);
	assert_int_equal(count, 4);
	assert_int_equal(nodes_sources(*state, mem, 4, &text, &count), OK);
	assert_int_equal(count, 3);
	assert_string_equal(text[0], "203.0.113.0/28");
	assert_string_equal(text[1], "203.0.113.16/28");
	assert_string_equal(text[2], "203.0.113.99");
	assert_int_equal(nodes_sources(*state, mem, 6, &text, &count), OK);
	assert_int_equal(count, 1);
	assert_string_equal(text[0], "2001:db8::/64");
	/* A later report replaces what the node had. */
	report_start(&report, 1);
	assert_int_equal(send(*state, "n1", &report), OK);
	assert_int_equal(nodes_sources(*state, mem, 6, &text, &count), OK);
	assert_int_equal(count, 0);
	arena_free(mem);
}

static void persist(struct nodes *nodes, struct test_store *store)
{
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(nodes_persist(nodes, store->db), OK);
	assert_true(nodes_dirty(nodes)); /* until it is committed */
	assert_int_equal(db_commit(store->db), OK);
	nodes_persisted(nodes);
}

static void test_persistence(void **state)
{
	static struct report report;
	struct nodes *again = nodes_new();
	struct test_store store;
	const char **text;
	size_t count;

	test_store_open(&store);
	assert_false(nodes_dirty(*state));
	report_start(&report, 12);
	add_source(&report, "203.0.113.0/28");
	add_source(&report, "2001:db8::/64");
	assert_int_equal(send(*state, "n1", &report), OK);
	assert_true(nodes_dirty(*state));
	persist(*state, &store);
	assert_false(nodes_dirty(*state));
	/* The same again shortly after: nothing to write. After a minute: when it was seen. */
	assert_int_equal(nodes_confirm(*state, "n1", 12, T0 + 1000), OK);
	assert_false(nodes_dirty(*state));
	assert_int_equal(nodes_confirm(*state, "n1", 12, T0 + MINUTE_MS), OK);
	assert_true(nodes_dirty(*state));
	/* A write that fails is tried again. */
	assert_int_equal(db_begin(store.db, DB_WRITE), OK);
	db_torture(1);
	assert_int_equal(nodes_persist(*state, store.db), ERR_STORE);
	db_torture(0);
	db_rollback(store.db);
	assert_true(nodes_dirty(*state));
	persist(*state, &store);
	assert_int_equal(nodes_restore(again, store.db, store.mem), OK);
	assert_int_equal(nodes_confirmed(again), 12);
	assert_false(nodes_dirty(again));
	assert_int_equal(nodes_sources(again, store.mem, 0, &text, &count), OK);
	assert_int_equal(count, 2);
	nodes_free(again);
	test_store_close(&store);
}

static void *announce_soon(void *nodes)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
	nodes_announce(nodes, 8, 0);
	return NULL;
}

static void *close_soon(void *nodes)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
	nodes_close(nodes);
	return NULL;
}

static void test_waiting(void **state)
{
	int64_t from = clock_monotonic_ms();
	pthread_t thread;

	nodes_announce(*state, 7, 0);
	assert_int_equal(nodes_newest(*state), 7);
	assert_true(nodes_wait(*state, 6, 0, 10000));
	assert_true(nodes_wait(*state, 7, 5, 10000)); /* another offset */
	assert_true(clock_monotonic_ms() - from < 5000);
	from = clock_monotonic_ms();
	assert_false(nodes_wait(*state, 7, 0, 50));
	assert_false(nodes_wait(*state, 8, 0, 0));
	assert_in_range(clock_monotonic_ms() - from, 49, 5000);
	assert_int_equal(pthread_create(&thread, NULL, announce_soon, *state), 0);
	assert_true(nodes_wait(*state, 7, 0, 10000));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, close_soon, *state), 0);
	assert_false(nodes_wait(*state, 8, 0, 10000));
	assert_false(nodes_wait(*state, 8, 0, 10000)); /* and from now on */
	assert_true(clock_monotonic_ms() - from < 9000);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_report),
		TEST(test_sums_over_nodes),
		TEST(test_many_instances),
		TEST(test_cut_reports),
		TEST(test_wrong_reports),
		TEST(test_node_limit_and_names),
		TEST(test_gone_nodes),
		TEST(test_forwarding),
		TEST(test_sources),
		TEST(test_persistence),
		TEST(test_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
