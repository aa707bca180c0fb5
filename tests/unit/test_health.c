/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks: verdicts from results, what is shared and kept, and probes against real sockets on the
 * loopback interface. Moments are waited for, never assumed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/health.h"
#include "agent/probe_socket.h"
#include "base/clock.h"
#include "base/log.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

static const struct agent_settings settings = { .port_first = 20000, .port_count = 40000 };

static struct address ip(const char *text)
{
	struct address out = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, out.byte + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out.byte), 1);
	return out;
}

static struct record_health check(uint32_t service, unsigned kind, unsigned up, unsigned down)
{
	return (struct record_health){ .record = { RECORD_HEALTH, sizeof(struct record_health),
					       service },
		.kind = (uint8_t)kind,
		.timeout_seconds = 1,
		.interval_seconds = 1,
		.up = (uint8_t)up,
		.down = (uint8_t)down };
}

union rule {
	struct record_service record;
	uint8_t bytes[sizeof(struct record_service) + ORIGIN_MAX * sizeof(struct record_origin)];
};

static void add_origin(union rule *to, uint32_t id, const char *address, uint16_t port)
{
	struct record_origin *origin = &to->record.origin[to->record.origin_count++];

	to->record.record.id = id;
	*origin = (struct record_origin){ .address = ip(address), .port = port, .weight = 1 };
}

static uint32_t bind_all(struct health *health, const union rule *service, uint32_t assumed)
{
	bool all;
	uint32_t down = health_bind(health, &service->record, assumed, &all);

	assert_true(all);
	return down;
}

/* The newest state that is to be reported of a service; false: none. */
static bool state_of(struct health *health, uint32_t service, struct record_health_state *out)
{
	struct record_health_state state;
	bool found = false;

	while (health_next_state(health, &state)) {
		if (state.record.id == service) {
			*out = state;
			found = true;
		}
	}
	return found;
}

/* --- verdicts ----------------------------------------------------------------------------------- */

/* Results in a row against what holds; each case starts with an origin that nobody probed. */
static void test_thresholds(void **state)
{
	static const struct {
		unsigned up, down;
		const char *results; /* u, d */
		const char *verdict; /* after each: u, d; upper case: it is one, not only assumed */
	} cases[] = {
		{ 1, 1, "udu", "UDU" },
		{ 2, 3, "dddduu", "uuDDDU" },
		{ 2, 3, "ddudddu", "uuUUUDD" },
		{ 3, 1, "duuduuu", "DDDDDDU" },
		{ 10, 10, "ddddddddd", "uuuuuuuuu" },
		{ 10, 10, "dddddddddd", "uuuuuuuuuD" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct health *health = health_new(&settings);
		struct record_health record = check(7, HEALTH_TCP, cases[i].up, cases[i].down);
		union rule service = { .bytes = { 0 } };
		char now = 'u';

		add_origin(&service, 7, "127.0.0.1", 1);
		assert_true(health_put(health, &record));
		assert_int_equal(bind_all(health, &service, 0), 0);
		for (unsigned step = 0; cases[i].results[step]; step++) {
			char expected = cases[i].verdict[step], lower = (char)(expected | 0x20);
			struct record_health_state told = { .origin_count = 0 };
			uint32_t number, down;

			(void)state_of(health, 7, &told);
			health_result(health, 0, cases[i].results[step] == 'u', 1000 + step);
			assert_int_equal(health_next_changed(health, &number, &down), lower != now);
			if (lower != now) {
				assert_int_equal(number, 7);
				assert_int_equal(down, lower == 'd');
				assert_true(state_of(health, 7, &told));
				assert_int_equal(told.origin[0].since_ms, 1000 + step);
			}
			now = lower;
			health_tell_all(health);
			assert_true(state_of(health, 7, &told));
			assert_int_equal(told.origin[0].healthy, lower == 'u');
			assert_int_equal(told.origin[0].checked, expected != lower);
		}
		health_free(health);
	}
}

/* One probe for whatever services have the same origin, port and check; each hears of its verdict. */
static void test_shared(void **state)
{
	struct health *health = health_new(&settings);
	uint32_t number, down, seen = 0;

	(void)state;
	for (uint32_t id = 1; id <= 4; id++) {
		struct record_health record = check(id, HEALTH_TCP, 1, 1);
		union rule service = { .bytes = { 0 } };

		add_origin(&service, id, "127.0.0.2", 9);
		add_origin(&service, id, "127.0.0.1", 9);
		if (id == 4) /* another check */
			record.interval_seconds = 2;
		assert_true(health_put(health, &record));
		assert_int_equal(bind_all(health, &service, 0), 0);
	}
	assert_int_equal(health_probes(health), 4);
	health_result(health, 1, false, 5);
	while (health_next_changed(health, &number, &down)) {
		assert_int_equal(down, 2);
		seen |= 1u << number;
	}
	assert_int_equal(seen, 2 | 4 | 8);
	/* Who is gone is not told of, and what nobody has ends. */
	health_result(health, 0, false, 6);
	health_delete(health, 1);
	health_delete(health, 3);
	assert_true(health_next_changed(health, &number, &down));
	assert_int_equal(number, 2);
	assert_int_equal(down, 3);
	assert_false(health_next_changed(health, &number, &down));
	health_delete(health, 2);
	assert_int_equal(health_probes(health), 2);
	health_delete(health, 4);
	health_delete(health, 4);
	assert_int_equal(health_probes(health), 0);
	assert_false(health_has_state(health));
	health_free(health);
}

/* Origins that stay keep their verdict through other origins, other settings and full snapshots. */
static void test_kept(void **state)
{
	struct record_health record = check(7, HEALTH_TCP, 2, 1);
	struct health *health = health_new(&settings);
	union rule first = { .bytes = { 0 } }, second = { .bytes = { 0 } };
	struct record_health_state told = { .origin_count = 0 };

	(void)state;
	add_origin(&first, 7, "127.0.0.1", 9);
	add_origin(&first, 7, "::1", 9);
	add_origin(&second, 7, "127.0.0.3", 9);
	add_origin(&second, 7, "::1", 9);
	add_origin(&second, 7, "::1", 10);
	assert_true(health_put(health, &record));
	assert_int_equal(bind_all(health, &first, 0), 0);
	health_result(health, 1, false, 5);
	assert_int_equal(bind_all(health, &first, 0), 2);
	assert_int_equal(bind_all(health, &second, 0), 2);
	assert_int_equal(health_probes(health), 3);
	record.interval_seconds = 30;
	assert_true(health_put(health, &record));
	assert_int_equal(bind_all(health, &second, 0), 2);
	assert_int_equal(health_probes(health), 3);
	assert_true(state_of(health, 7, &told));
	assert_int_equal(told.origin_count, 3);
	assert_int_equal(told.origin[1].healthy, 0);
	assert_int_equal(told.origin[1].checked, 1);
	assert_int_equal(told.origin[1].since_ms, 5);
	assert_int_equal(told.origin[1].port, 9);
	assert_int_equal(told.origin[2].port, 10);
	/* One port for all: it is what is probed, the origins' own are what is told. */
	record.port = 11;
	assert_true(health_put(health, &record));
	assert_int_equal(bind_all(health, &second, 0), 0);
	assert_int_equal(health_probes(health), 2);
	assert_true(state_of(health, 7, &told));
	assert_int_equal(told.origin[2].port, 10);
	health_free(health);
}

/* After a restart: closed as it was found, until there is a verdict. */
static void test_assumed(void **state)
{
	struct record_health record = check(7, HEALTH_TCP, 2, 2);
	struct health *health = health_new(&settings);
	union rule service = { .bytes = { 0 } };
	struct record_health_state told = { .origin_count = 0 };
	uint32_t number, down;

	(void)state;
	add_origin(&service, 7, "127.0.0.1", 9);
	add_origin(&service, 7, "127.0.0.2", 9);
	assert_true(health_put(health, &record));
	assert_int_equal(bind_all(health, &service, 1), 1);
	assert_true(state_of(health, 7, &told));
	assert_int_equal(told.origin[0].healthy, 0);
	assert_int_equal(told.origin[0].checked, 0);
	health_result(health, 0, true, 5);
	assert_false(health_next_changed(health, &number, &down));
	health_result(health, 0, true, 6);
	assert_true(health_next_changed(health, &number, &down));
	assert_int_equal(down, 0);
	/* What is known is not assumed. */
	assert_int_equal(bind_all(health, &service, 3), 0);
	health_free(health);
}

/* --- probes ------------------------------------------------------------------------------------- */

static void test_http_forms(void **state)
{
	static const struct {
		const char *answer;
		enum http_verdict verdict;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\n", HTTP_UP },
		{ "HTTP/1.0 399", HTTP_UP },
		{ "HTTP/1.1 301 Moved", HTTP_UP },
		{ "HTTP/1.1 199", HTTP_DOWN },
		{ "HTTP/1.1 400", HTTP_DOWN },
		{ "HTTP/1.1 404 Not Found\r\n", HTTP_DOWN },
		{ "HTTP/1.1 503 Service Unavailable\r\n", HTTP_DOWN },
		{ "", HTTP_MORE },
		{ "HTTP/1.1 20", HTTP_MORE },
		{ "HTTP/1.1 2x", HTTP_DOWN },
		{ "SSH-2.0-x", HTTP_DOWN },
		{ "HTTP/2.0 200", HTTP_DOWN },
	};
	struct probe_target target = {
		.address = ip("2001:db8::1"), .port = 81, .domain = "", .path = ""
	};
	char request[HTTP_REQUEST_SIZE];
	uint32_t length;
	char domain[HEALTH_DOMAIN_MAX + 1] = "", path[HEALTH_PATH_MAX + 1] = "";

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(http_verdict(cases[i].answer, (uint32_t)strlen(cases[i].answer)),
			cases[i].verdict);
	length = http_request(&target, request);
	assert_int_equal(length, strlen(request));
	assert_string_equal(request, "HEAD / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n"
				     "User-Agent: polder\r\nConnection: close\r\n\r\n");
	/* The longest there is. */
	memset(domain, 'd', HEALTH_DOMAIN_MAX);
	memset(path, '/', HEALTH_PATH_MAX);
	target.domain = domain;
	target.path = path;
	length = http_request(&target, request);
	assert_int_equal(length, strlen(request));
	assert_string_equal(request + strlen(request) - 4, "\r\n\r\n");
}

/* Ports of probes are none of the flows'. */
static void test_source_ports(void **state)
{
	static const struct {
		uint32_t first, last;
		uint16_t from, to;
	} cases[] = {
		{ 20000, 59999, 60000, 65535 },
		{ 20000, 65535, 15904, 19999 },
		{ 1024, 60000, 60001, 65535 },
		{ 1024, 65000, 65001, 65535 },
		{ 1100, 65535, 1024, 1099 },
		{ 1024, 65535, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct agent_settings with = { .port_first = cases[i].first,
			.port_count = cases[i].last - cases[i].first + 1 };
		struct probe_ports ports = { 0 };

		probe_ports_choose(&with, &ports);
		if (cases[i].to == 0) {
			assert_int_equal(ports.count, 0);
			continue;
		}
		assert_int_equal(ports.first, cases[i].from);
		assert_int_equal(ports.first + ports.count - 1, cases[i].to);
	}
}

/* What listens on the loopback interface, and what it says to a request. */
struct server {
	int kind;
	const char *host, *answer; /* NULL: nothing, and the connection stays open */
	bool up;
	bool listens;
	int fd, client;
	uint16_t port;
	bool asked; /* by a right request */
};

static int make_listener(int type, const char *host, uint16_t *port)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(struct sockaddr_in6);
	struct sockaddr_in *in = (void *)&address;
	struct sockaddr_in6 *in6 = (void *)&address;
	int fd;

	if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
	} else {
		in->sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, host, &in->sin_addr), 1);
		size = sizeof(*in);
	}
	fd = socket(address.ss_family, type | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&address, size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4096), 0);
	assert_int_equal(getsockname(fd, (void *)&address, &size), 0);
	*port = ntohs(in->sin_port); /* at the same place in both */
	return fd;
}

static void serve(struct server *server)
{
	static const char expected[] = "HEAD /health HTTP/1.1\r\nHost: www.example.com\r\n";
	char data[1024];
	ssize_t got;

	if (server->kind == HEALTH_UDP || !server->listens)
		return;
	if (server->client < 0)
		server->client = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK);
	if (server->client < 0)
		return;
	got = recv(server->client, data, sizeof(data), 0);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		(void)close(server->client);
		server->client = -1;
		return;
	}
	if (got < 0 || server->kind != HEALTH_HTTP)
		return;
	server->asked =
		(size_t)got > strlen(expected) && memcmp(data, expected, strlen(expected)) == 0;
	if (!server->answer)
		return;
	(void)!send(server->client, server->answer, strlen(server->answer), MSG_NOSIGNAL);
	(void)close(server->client);
	server->client = -1;
}

static void turn(struct health *health, struct server *server, unsigned count)
{
	struct pollfd wait = { .fd = health_fd(health), .events = POLLIN };

	(void)poll(&wait, 1, 20);
	health_turn(health, clock_monotonic_ms());
	for (unsigned i = 0; i < count; i++)
		serve(&server[i]);
}

/* Every kind against what answers well, badly, late and not at all, all at once. */
static void test_real_sockets(void **state)
{
	struct server server[] = {
		{ .kind = HEALTH_TCP, .host = "127.0.0.1", .listens = true, .up = true },
		{ .kind = HEALTH_TCP, .host = "::1", .listens = true, .up = true },
		{ .kind = HEALTH_TCP, .host = "127.0.0.1" },
		{ .kind = HEALTH_UDP, .host = "127.0.0.1", .listens = true, .up = true },
		{ .kind = HEALTH_UDP, .host = "127.0.0.1" },
		{ .kind = HEALTH_UDP, .host = "::1" },
		{ .kind = HEALTH_HTTP,
			.host = "127.0.0.1",
			.listens = true,
			.answer = "HTTP/1.1 204 No Content\r\n\r\n",
			.up = true },
		{ .kind = HEALTH_HTTP,
			.host = "::1",
			.listens = true,
			.answer = "HTTP/1.0 302 Found\r\nServer: x\r\n\r\n",
			.up = true },
		{ .kind = HEALTH_HTTP,
			.host = "127.0.0.1",
			.listens = true,
			.answer = "HTTP/1.1 500 Oops\r\n\r\n" },
		{ .kind = HEALTH_HTTP, .host = "127.0.0.1", .listens = true, .answer = "HTTP/1" },
		{ .kind = HEALTH_HTTP, .host = "127.0.0.1", .listens = true },
		{ .kind = HEALTH_HTTP, .host = "127.0.0.1" },
	};
	const unsigned count = sizeof(server) / sizeof(server[0]);
	struct health *health = health_new(&settings);
	int64_t end_ms = clock_monotonic_ms() + 60000;
	unsigned missing = count;
	struct record_health_state told[16] = { 0 }, next;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct record_health record = check(i + 1, (unsigned)server[i].kind, 1, 1);
		union rule service = { .bytes = { 0 } };

		server[i].client = -1;
		server[i].fd =
			make_listener(server[i].kind == HEALTH_UDP ? SOCK_DGRAM : SOCK_STREAM,
				server[i].host, &server[i].port);
		if (!server[i].listens)
			(void)close(server[i].fd);
		(void)snprintf(record.domain, sizeof(record.domain), "www.example.com");
		(void)snprintf(record.path, sizeof(record.path), "/health");
		add_origin(&service, i + 1, server[i].host, server[i].port);
		assert_true(health_put(health, &record));
		assert_int_equal(bind_all(health, &service, 0), 0);
	}
	while (missing > 0 && clock_monotonic_ms() < end_ms) {
		turn(health, server, count);
		while (health_next_state(health, &next)) {
			missing -= next.origin[0].checked &&
				   !told[next.record.id - 1].origin[0].checked;
			told[next.record.id - 1] = next;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(told[i].origin[0].checked, 1);
		assert_int_equal(told[i].origin[0].healthy, server[i].up);
		if (server[i].kind == HEALTH_HTTP && server[i].listens)
			assert_true(server[i].asked);
	}
	health_free(health);
	for (unsigned i = 0; i < count; i++) {
		if (server[i].listens)
			(void)close(server[i].fd);
		if (server[i].client >= 0)
			(void)close(server[i].client);
	}
}

/* It goes and comes back: verdicts follow, and each changes the service once. */
static void test_down_and_up(void **state)
{
	struct record_health record = check(7, HEALTH_TCP, 1, 2);
	struct health *health = health_new(&settings);
	union rule service = { .bytes = { 0 } };
	int64_t end_ms = clock_monotonic_ms() + 60000;
	uint16_t port;
	int fd = make_listener(SOCK_STREAM, "127.0.0.1", &port);
	uint32_t number, down = 9;

	(void)state;
	(void)close(fd);
	add_origin(&service, 7, "127.0.0.1", port);
	assert_true(health_put(health, &record));
	assert_int_equal(bind_all(health, &service, 0), 0);
	while (!health_next_changed(health, &number, &down) && clock_monotonic_ms() < end_ms)
		turn(health, NULL, 0);
	assert_int_equal(down, 1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd,
				 (void *)&(struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
				 sizeof(struct sockaddr_in)),
		0);
	assert_int_equal(listen(fd, 16), 0);
	while (!health_next_changed(health, &number, &down) && clock_monotonic_ms() < end_ms)
		turn(health, NULL, 0);
	assert_int_equal(down, 0);
	(void)close(fd);
	health_free(health);
}

/* Thousands at once: every one has its verdict, and no more sockets than there may be. */
static void test_many(void **state)
{
	enum {
		MANY = 3000
	};
	struct health *health = health_new(&settings);
	int64_t end_ms = clock_monotonic_ms() + 60000;
	struct record_health_state told = { .origin_count = 0 };
	unsigned checked = 0;
	uint16_t port;
	int fd = make_listener(SOCK_STREAM, "127.0.0.1", &port);

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct record_health record = check(i + 1, i % 2 ? HEALTH_UDP : HEALTH_TCP, 1, 1);
		union rule service = { .bytes = { 0 } };
		char host[32];

		(void)snprintf(host, sizeof(host), "127.1.%u.%u", i >> 8, i & 255);
		add_origin(&service, i + 1, host, port);
		assert_true(health_put(health, &record));
		assert_int_equal(bind_all(health, &service, 0), 0);
	}
	assert_int_equal(health_probes(health), MANY);
	while (checked < MANY && clock_monotonic_ms() < end_ms) {
		turn(health, NULL, 0);
		while (health_next_state(health, &told)) {
			checked += told.origin[0].checked;
			assert_int_equal(told.origin[0].healthy, !told.origin[0].checked);
		}
	}
	assert_int_equal(checked, MANY);
	(void)close(fd);
	health_free(health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_assumed),
		cmocka_unit_test(test_http_forms),
		cmocka_unit_test(test_source_ports),
		cmocka_unit_test(test_real_sockets),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_many),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
