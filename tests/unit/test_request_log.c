/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access logs: rings as workers write them, their lines, what is frequent, and the thread that makes them. Files:
 * test_request_files.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/request_json.h"
#include "agent/request_log.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

#define WAIT_MS 10000 /* for a thread beside */

struct world {
	char folder[64], logs[80];
	struct log_header *header;
};

static struct log_ring *ring_at(const struct world *world, unsigned index)
{
	return (struct log_ring *)(void *)((uint8_t *)world->header + LOG_RINGS) + index;
}

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char path[96];
	int file;

	if (!world)
		return -1;
	*state = world;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-log-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	(void)snprintf(world->logs, sizeof(world->logs), "%s/logs", world->folder);
	(void)snprintf(path, sizeof(path), "%s/log", world->folder);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, (off_t)LOG_FILE_BYTES) != 0)
		return -1;
	world->header = mmap(NULL, LOG_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	(void)close(file);
	*world->header = (struct log_header){ .magic = LOG_MAGIC,
		.version = LOG_VERSION,
		.size = LOG_FILE_BYTES,
		.rings = WORKER_MAX };
	return 0;
}

static int down(void **state)
{
	struct world *world = *state;
	char command[128];

	(void)munmap(world->header, LOG_FILE_BYTES);
	(void)snprintf(command, sizeof(command), "rm -rf %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

/* --- what a worker writes ---------------------------------------------------------------------------------- */

static bool ring_put(struct log_ring *ring, const void *record, size_t length)
{
	uint64_t head = ring->head;
	size_t at, part;

	if (length > LOG_RING_BYTES - (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE))) {
		ring->lost++;
		return false;
	}
	at = head & (LOG_RING_BYTES - 1);
	part = length < LOG_RING_BYTES - at ? length : LOG_RING_BYTES - at;
	memcpy(ring->data + at, record, part);
	memcpy(ring->data, (const uint8_t *)record + part, length - part);
	__atomic_store_n(&ring->head, head + length, __ATOMIC_RELEASE);
	return true;
}

struct request_buffer {
	_Alignas(8) uint8_t bytes[sizeof(struct log_request) + LOG_TEXTS_MAX + 8];
};

static struct log_request *request_of(struct request_buffer *buffer)
{
	return (void *)buffer->bytes;
}

static size_t make_request(
	struct request_buffer *out, uint32_t site, const char *const text[LOG_TEXT_COUNT])
{
	struct log_request *request = request_of(out);
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	*request = (struct log_request){
		.record = { .kind = LOG_REQUEST, .site = site, .time_ms = INT64_C(1764000000123) },
		.instance = 7,
		.rule = 42,
		.client_port = 50000,
		.vip_port = 443,
		.verdict = LOG_REFUSED,
		.check = CHECK_precise,
		.scheme = SITE_SCHEME_HTTPS,
		.version = 20,
		.status = 444,
		.request_bytes = 300,
		.response_bytes = UINT64_C(5000000000),
		.milliseconds = 1234
	};
	assert_true(text_to_address("192.0.2.7", request->client.byte));
	assert_true(text_to_address("192.0.2.8", request->peer.byte));
	assert_true(text_to_address("2001:db8::1", request->vip.byte));
	for (int i = 0; i < LOG_TEXT_COUNT; i++) {
		size_t length = text[i] ? strlen(text[i]) : 0;

		request->text_length[i] = (uint16_t)length;
		if (length > 0)
			memcpy((char *)request->text + at, text[i], length);
		at += length;
	}
	at = (offsetof(struct log_request, text) + at + 7) & ~(size_t)7;
	if (at < sizeof(struct log_request))
		at = sizeof(struct log_request);
	request->record.length = (uint16_t)at;
	return at;
}

static const char *const usual[LOG_TEXT_COUNT] = { [LOG_METHOD] = "GET",
	[LOG_HOST] = "shop.example",
	[LOG_URI] = "/a\"b?x=1&y=\\",
	[LOG_USER_AGENT] = "caf\xc3\xa9",
	[LOG_REFERER] = "bad\xff\n",
	[LOG_JA4] = "t13d1516h2_8daaf6152771_b186095e22b6" };

static void count_record(void *context, const struct log_record *record)
{
	(void)record;
	(*(unsigned *)context)++;
}

/* --- cases ------------------------------------------------------------------------------------------------- */

static void test_ring(void **state)
{
	struct world *world = *state;
	struct log_rings rings = { .header = NULL };
	struct request_buffer buffer = { { 0 } };
	struct log_ban ban = { .record = { sizeof(ban), LOG_BAN, 1, 0 }, .instance = 7 };
	size_t length = make_request(&buffer, 1, usual);
	unsigned seen = 0, put = 0;

	assert_true(log_rings_open(&rings, world->folder));
	assert_true(log_rings_open(&rings, world->folder));
	/* Several times around the ring, in pieces of other sizes. */
	for (unsigned round = 0; round < 20; round++) {
		while (put < (round + 1) * 1000) {
			assert_true(ring_put(ring_at(world, 5), &buffer, length));
			put++;
		}
		assert_true(ring_put(ring_at(world, 6), &ban, sizeof(ban)));
		while (log_rings_read(&rings, 64 + round, count_record, &seen) > 0)
			continue;
	}
	assert_int_equal(seen, put + 20);
	/* Full: counted. */
	while (ring_put(ring_at(world, 5), &buffer, length))
		continue;
	assert_int_equal(log_rings_lost(&rings), 1);
	assert_int_equal(rings.broken, 0);
	log_rings_close(&rings);
}

static void test_broken_ring(void **state)
{
	struct world *world = *state;
	struct log_rings rings = { .header = NULL };
	struct request_buffer buffer = { { 0 } };
	size_t length = make_request(&buffer, 1, usual);
	unsigned seen = 0;

	assert_true(log_rings_open(&rings, world->folder));
	for (unsigned i = 0; i < 6; i++) {
		struct request_buffer bad = buffer;
		struct log_ring *ring = ring_at(world, i);

		if (i == 0)
			request_of(&bad)->record.length = 0;
		else if (i == 1)
			request_of(&bad)->record.length = UINT16_MAX;
		else if (i == 2)
			request_of(&bad)->text_length[LOG_URI] = 60000;
		else if (i == 3)
			request_of(&bad)->record.kind = 9;
		else if (i == 4)
			request_of(&bad)->check = CHECK_COUNT + 1;
		assert_true(ring_put(ring, &bad, length));
		assert_true(ring_put(ring, &buffer, length));
		if (i == 5)
			ring->head += 8 * (uint64_t)LOG_RING_BYTES;
	}
	assert_int_equal(log_rings_read(&rings, 1000, count_record, &seen), 0);
	assert_int_equal(rings.broken, 6);
	/* Emptied, and in use again. */
	for (unsigned i = 0; i < 6; i++)
		assert_true(ring_put(ring_at(world, i), &buffer, length));
	assert_int_equal(log_rings_read(&rings, 1000, count_record, &seen), 6);
	log_rings_close(&rings);
}

static const char *member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	assert_non_null(text);
	return text;
}

static void test_json(void **state)
{
	static char line[REQUEST_JSON_MAX];
	struct request_buffer buffer = { { 0 } };
	struct log_view view;
	size_t length;
	json_t *json;

	(void)state;
	(void)make_request(&buffer, 1, usual);
	log_view_of(request_of(&buffer), &view);
	length = request_line(&view, "*.example", line);
	assert_int_equal(line[length - 1], '\n');
	json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_string_equal(member(json, "time"), "2025-11-24T16:00:00.123Z");
	assert_string_equal(member(json, "matched_host"), "*.example");
	assert_string_equal(member(json, "host"), "shop.example");
	assert_string_equal(member(json, "real_client_ip"), "192.0.2.7");
	assert_string_equal(member(json, "remote_addr"), "192.0.2.8");
	assert_string_equal(member(json, "server_addr"), "2001:db8::1");
	assert_string_equal(member(json, "request_path"), "/a\"b");
	assert_string_equal(member(json, "querystring"), "x=1&y=\\");
	assert_string_equal(member(json, "http_user_agent"), "caf\xc3\xa9");
	assert_string_equal(member(json, "http_referer"), "bad\xc3\xbf\n");
	assert_string_equal(member(json, "https"), "on");
	assert_string_equal(member(json, "http_version"), "2.0");
	assert_string_equal(member(json, "cc_action"), "close");
	assert_string_equal(member(json, "cc_phase"), "precise");
	assert_string_equal(member(json, "upstream_response_time"), "-");
	assert_int_equal(json_integer_value(json_object_get(json, "status")), 444);
	assert_int_equal(json_integer_value(json_object_get(json, "rule")), 42);
	assert_int_equal(json_integer_value(json_object_get(json, "cc_blocks")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json, "body_bytes_sent")), INT64_C(5000000000));
	json_decref(json);
}

/* What could move the cursor of whoever looks at the file. */
static void test_controls(void **state)
{
	static char line[REQUEST_JSON_MAX + 1];
	struct request_buffer buffer = { { 0 } };
	struct log_view view;

	(void)state;
	(void)make_request(&buffer, 1, usual);
	log_view_of(request_of(&buffer), &view);
	line[request_line(&view, "a\x1b[m\x7f\xc2\x9bm\xc2\xa0\xc3\x9b", line)] = '\0';
	assert_non_null(strstr(line, "\"a\\u001b[m\\u007f\\u009bm\xc2\xa0\xc3\x9b\""));
	line[request_line(&view, "\xc2\x9b\xff", line)] = '\0';
	assert_non_null(strstr(line, "\"\\u00c2\\u009b\\u00ff\""));
}

/* The longest record there can be, of bytes that each take most. */
static void test_longest_line(void **state)
{
	static char line[REQUEST_JSON_MAX];
	struct request_buffer *buffer = calloc(1, UINT16_MAX + sizeof(*buffer));
	char domain[SITE_DOMAIN_MAX + 1];
	struct log_view view;

	(void)state;
	assert_non_null(buffer);
	(void)make_request(buffer, 1, usual);
	memset((char *)buffer + offsetof(struct log_request, text), 1,
		UINT16_MAX - 7 - offsetof(struct log_request, text));
	memset(request_of(buffer)->text_length, 0, sizeof(request_of(buffer)->text_length));
	request_of(buffer)->text_length[LOG_URI] =
		(uint16_t)(UINT16_MAX - 7 - offsetof(struct log_request, text));
	request_of(buffer)->record.length = UINT16_MAX - 7;
	request_of(buffer)->record.time_ms = INT64_MIN;
	memset(domain, 1, sizeof(domain) - 1);
	domain[SITE_DOMAIN_MAX] = '\0';
	assert_true(log_record_check(buffer, UINT16_MAX - 7));
	log_view_of(request_of(buffer), &view);
	assert_true(request_line(&view, domain, line) <= REQUEST_JSON_MAX);
	free(buffer);
}

static void add_uri(struct request_top *top, uint32_t site, const char *uri, int64_t now_ms)
{
	const char *text[LOG_TEXT_COUNT] = { [LOG_URI] = uri };
	struct request_buffer buffer = { { 0 } };
	struct log_view view;

	(void)make_request(&buffer, site, text);
	log_view_of(request_of(&buffer), &view);
	request_top_add(top, &view, "NL", now_ms);
}

static void test_top(void **state)
{
	struct request_top *top = request_top_new();
	struct top_entry entry[TOP_KEYS];
	char uri[32];

	(void)state;
	/* Two that are frequent, among many that are not. */
	for (unsigned i = 0; i < 9000; i++) {
		(void)snprintf(uri, sizeof(uri), "/%u?q", i);
		add_uri(top, 1, i % 3 == 0 ? "/often?x" : i % 3 == 1 && i % 2 ? "/some" : uri, 5);
	}
	assert_int_equal(request_top_get(top, 1, TOP_URL, entry), TOP_KEYS);
	assert_int_equal(entry[0].length, 6);
	assert_memory_equal(entry[0].key, "/often", 6);
	assert_in_range(entry[0].count, 3000, 3000 + entry[0].error);
	assert_memory_equal(entry[1].key, "/some", 5);
	assert_true(entry[1].count - entry[1].error <= 1500 && entry[1].count >= 1500);
	assert_int_equal(request_top_get(top, 1, TOP_SOURCE, entry), 1);
	assert_int_equal(entry[0].count, 9000);
	assert_int_equal(request_top_get(top, 1, TOP_JA4, entry), 0);
	assert_int_equal(request_top_get(top, 2, TOP_URL, entry), 0);
	/* More sites than have a place: the longest idle one gives way. */
	for (uint32_t site = 2; site <= TOP_SITE_MAX + 1; site++)
		add_uri(top, site, "/", 6);
	assert_int_equal(request_top_get(top, 1, TOP_URL, entry), 0);
	assert_int_equal(request_top_get(top, TOP_SITE_MAX + 1, TOP_URL, entry), 1);
	request_top_free(top);
}

static void test_top_windows(void **state)
{
	struct record_site_top out[TOP_COUNT];
	struct request_top *top = request_top_new();

	(void)state;
	add_uri(top, 1, "/a?x", 1000);
	add_uri(top, 1, "/a", 1000);
	add_uri(top, 2, "/b", 30000);
	/* No window has lasted long enough. */
	assert_int_equal(request_top_take(top, 999 + TOP_WINDOW_MS, out), 0);
	assert_false(request_top_has_next(top, 999 + TOP_WINDOW_MS));
	assert_true(request_top_has_next(top, 1000 + TOP_WINDOW_MS));
	/* URL, source, blocked source, country and rule: the request was refused by one. */
	assert_int_equal(request_top_take(top, 1000 + TOP_WINDOW_MS, out), 5);
	assert_int_equal(out[0].record.id, 1);
	assert_int_equal(out[0].record.type, RECORD_SITE_TOP);
	assert_int_equal(out[0].kind, TOP_URL);
	assert_int_equal(out[0].entry_count, 1);
	assert_int_equal(out[0].record.length,
		offsetof(struct record_site_top, entry) + sizeof(struct top_entry));
	assert_int_equal(out[0].window_ms, TOP_WINDOW_MS);
	assert_int_equal(out[0].total, 2);
	assert_int_equal(out[0].entry[0].hits, 2);
	assert_string_equal(out[0].entry[0].key, "/a");
	assert_int_equal(out[3].kind, TOP_COUNTRY);
	assert_string_equal(out[3].entry[0].key, "NL");
	assert_int_equal(out[4].kind, TOP_RULE);
	assert_string_equal(out[4].entry[0].key, "42");
	/* It was told, and begins anew. */
	assert_int_equal(request_top_take(top, 1000 + TOP_WINDOW_MS, out), 0);
	assert_int_equal(request_top_take(top, 30000 + TOP_WINDOW_MS, out), 5);
	assert_int_equal(out[0].record.id, 2);
	/* Many requests: a short one. More keys than are told: the most frequent. */
	for (unsigned i = 0; i < TOP_BUSY_WEIGHT; i++) {
		char uri[16];

		(void)snprintf(uri, sizeof(uri), "/%u", i % 20 < 4 ? 99 : i % 20);
		add_uri(top, 1, uri, 200000);
	}
	assert_int_equal(request_top_take(top, 199999 + TOP_BUSY_MS, out), 0);
	assert_int_equal(request_top_take(top, 200000 + TOP_BUSY_MS, out), 5);
	assert_int_equal(out[0].entry_count, TOP_REPORT_KEYS);
	assert_string_equal(out[0].entry[0].key, "/99");
	assert_int_equal(out[0].entry[0].count, TOP_BUSY_WEIGHT / 5);
	assert_int_equal(out[0].total, TOP_BUSY_WEIGHT);
	request_top_free(top);
}

/* A record that stands for many. */
static void test_top_weight(void **state)
{
	const char *text[LOG_TEXT_COUNT] = { [LOG_URI] = "/" };
	struct request_top *top = request_top_new();
	struct request_buffer buffer = { { 0 } };
	struct record_site_top out[TOP_COUNT];
	struct log_view view;

	(void)state;
	(void)make_request(&buffer, 1, text);
	request_of(&buffer)->weight = 256;
	request_of(&buffer)->origin_milliseconds = 10;
	log_view_of(request_of(&buffer), &view);
	request_top_add(top, &view, "", 0);
	request_top_add(top, &view, "", 0);
	assert_int_equal(request_top_take(top, TOP_BUSY_MS, out), 5); /* no country */
	assert_int_equal(out[0].entry[0].count, 512);
	assert_int_equal(out[0].entry[0].hits, 2);
	assert_int_equal(out[3].kind, TOP_SLOW_URL);
	assert_int_equal(out[3].entry[0].count, 5120);
	request_top_free(top);
}

/* --- all together ------------------------------------------------------------------------------------------ */

/* What was written is found: a record for the line, and one for the end. */
static void find_line(struct request_log *log)
{
	static _Alignas(8) uint8_t answers[LOG_OUTBOX_BYTES];
	const struct record_log_query query = { .record = { RECORD_LOG_QUERY, sizeof(query), 5 },
		.site = 10,
		.lines = 5,
		.until_ms = INT64_MAX / 2,
		.expires_ms = INT64_MAX,
		.status_max = UINT16_MAX,
		.check = CHECK_COUNT,
		.verdict = LOG_VERDICT_NONE };
	const struct record_log_line *line;
	const struct record_log_done *done;
	size_t bytes = 0;

	request_log_query(log, &query);
	for (int i = 0; i < WAIT_MS / 10 &&
			(!request_log_has_answers(log) ||
				(bytes = request_log_answers(log, answers)) < sizeof(*done));
		i++)
		(void)usleep(10000);
	line = (const void *)answers;
	assert_int_equal(line->record.type, RECORD_LOG_LINE);
	assert_int_equal(line->record.id, 5);
	assert_int_equal(line->sequence, 0);
	assert_int_equal(line->time_ms, INT64_C(1764000000123));
	assert_memory_equal(line->text, "{\"time\":", 8);
	assert_int_equal(line->text[line->length - 1], '}');
	for (int i = 0; i < WAIT_MS / 10 &&
			(bytes = request_log_answers(log, answers)) == line->record.length;
		i++)
		(void)usleep(10000);
	assert_int_equal(bytes, line->record.length + sizeof(*done));
	done = (const void *)(answers + line->record.length);
	assert_int_equal(done->record.type, RECORD_LOG_DONE);
	assert_int_equal(done->lines, 1);
	assert_int_equal(done->partial, 0);
	request_log_answered(log, bytes);
	assert_false(request_log_has_answers(log));
}

static void test_thread(void **state)
{
	struct world *world = *state;
	struct request_log_settings settings = {
		.requests = world->folder, .folder = world->logs, .limits = { 7, 1 << 20, 4 << 20 }
	};
	static struct record_request_ban bans[REQUEST_BAN_MAX];
	struct log_ban ban = { .record = { sizeof(ban), LOG_BAN, 10, 0 },
		.instance = 7,
		.check = CHECK_frequency,
		.seconds = 60 };
	struct log_crawler crawler = { .record = { sizeof(crawler), LOG_CRAWLER, 0, 0 },
		.crawler = 2 };
	static struct log_crawler crawlers[LOG_CRAWLER_MAX];
	struct logged_site *sites = calloc(1, sizeof(*sites));
	struct request_log_counts counts = { 0 };
	struct top_entry entry[TOP_KEYS];
	struct request_buffer buffer = { { 0 } };
	struct request_log *log = NULL;
	size_t length;

	assert_non_null(sites);
	*sites = (struct logged_site){ 10, 3, "shop.example" };
	assert_int_equal(request_log_open(&settings, &log), OK);
	request_log_sites(log, sites, 1);
	/* Of a site whose log is on, and of one whose is not. The sites are taken over before the next look. */
	for (int i = 0; i < WAIT_MS / 10 && counts.records == 0; i++) {
		(void)usleep(100000);
		if (i == 0) {
			length = make_request(&buffer, 10, usual);
			assert_true(ring_put(ring_at(world, 0), &buffer, length));
			length = make_request(&buffer, 11, usual);
			assert_true(ring_put(ring_at(world, 0), &buffer, length));
			assert_true(ring_put(ring_at(world, 1), &ban, sizeof(ban)));
			assert_true(ring_put(ring_at(world, 1), &crawler, sizeof(crawler)));
		}
		request_log_counts(log, &counts);
	}
	for (int i = 0; i < WAIT_MS / 10 && counts.records < 4; i++) {
		(void)usleep(10000);
		request_log_counts(log, &counts);
	}
	assert_int_equal(counts.records, 4);
	assert_int_equal(counts.files.lines, 1);
	assert_int_equal(request_log_take_crawlers(log, crawlers), 1);
	assert_int_equal(crawlers[0].crawler, 2);
	assert_int_equal(request_log_take_crawlers(log, crawlers), 0);
	assert_int_equal(request_log_top(log, 11, TOP_URL, entry), 1);
	assert_int_equal(request_log_bans(log, bans), 1);
	assert_int_equal(bans[0].record.id, 7);
	assert_int_equal(bans[0].site, 10);
	assert_int_equal(bans[0].check, CHECK_frequency);
	assert_true(bans[0].until_ms > clock_utc_ms());
	request_log_told(log, 1);
	assert_int_equal(request_log_bans(log, bans), 0);
	find_line(log);
	request_log_close(log);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_ring),
		IN_WORLD(test_broken_ring),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_top_windows),
		cmocka_unit_test(test_top_weight),
		IN_WORLD(test_thread),
	};

	return cmocka_run_group_tests_name("request log", tests, NULL, NULL);
}
