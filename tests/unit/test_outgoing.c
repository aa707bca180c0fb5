/* SPDX-License-Identifier: BSD-2-Clause */
/* Where connections to origins leave from: addresses of the loopback network stand for back-to-origin addresses. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/request_sources.h"
#include "base/text.h"
#include "nginx/outgoing.h"

#include <cmocka.h>

#define PORTS 4
#define WIDE                                                                                       \
	((struct table_ports){                                                                     \
		12000, 2000 }) /* for who closes: its tuples stay taken for a while */
#define AWAY "192.0.2.77"      /* on no interface */

static struct outgoing own;

static struct address address_of(const char *text)
{
	struct address out;

	assert_true(text_to_address(text, out.byte));
	return out;
}

struct listener {
	int fd;
	struct sockaddr_in to;
};

static struct listener listen_at(const char *text)
{
	struct listener out = { .to = { .sin_family = AF_INET } };
	struct address address = address_of(text);
	socklen_t length = sizeof(out.to);

	memcpy(&out.to.sin_addr, address.byte + 12, 4);
	out.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(out.fd >= 0);
	assert_int_equal(bind(out.fd, (void *)&out.to, sizeof(out.to)), 0);
	assert_int_equal(listen(out.fd, 64), 0);
	assert_int_equal(getsockname(out.fd, (void *)&out.to, &length), 0);
	return out;
}

static bool is_free(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool free;

	assert_true(fd >= 0);
	free = bind(fd, (void *)&any, sizeof(any)) == 0;
	(void)close(fd);
	return free;
}

static bool are_free(uint16_t first)
{
	for (uint16_t i = 0; i < PORTS; i++)
		if (!is_free((uint16_t)(first + i)))
			return false;
	return true;
}

/* PORTS in a row that nobody has: the second half of them below the first. */
static struct table_sources sources_of(uint32_t count, const char *const *texts)
{
	static uint16_t next = 11000;
	struct table_sources out;

	while (!are_free(next))
		next += 100;
	out = (struct table_sources){ .edition = next,
		.count = { count },
		.ports = { { (uint16_t)(next + PORTS / 2), PORTS / 2 }, { next, PORTS / 2 } } };

	for (uint32_t i = 0; i < count; i++)
		out.address[0][i] = address_of(texts[i]);
	next += 100;
	return out;
}

static int open_to(const struct table_sources *sources, const char *client,
	const struct listener *listener, int64_t now_ms)
{
	struct address address = address_of(client);

	assert_true(outgoing_has(sources, (const void *)&listener->to));
	return outgoing_open(
		&own, sources, &address, (const void *)&listener->to, sizeof(listener->to), now_ms);
}

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in name = { 0 };
	socklen_t length = sizeof(name);

	assert_int_equal(getsockname(fd, (void *)&name, &length), 0);
	return name;
}

static bool is_from(int fd, const struct address *address)
{
	struct sockaddr_in name = name_of(fd);

	return memcmp(&name.sin_addr, address->byte + 12, 4) == 0;
}

static void close_all(int *fd, unsigned count)
{
	while (count-- > 0)
		assert_int_equal(close(fd[count]), 0);
}

/* All ports of an address serve one origin, and all of them another one at the same time; then it is the next address's turn. */
static void test_ports(void **state)
{
	static const char *const texts[] = { "127.0.3.1", "127.0.3.2" };
	struct table_sources sources = sources_of(2, texts);
	struct listener one = listen_at("127.0.0.1"), other = listen_at("127.0.0.1");
	uint32_t chosen = 0, port = 0;
	int fd[3 * PORTS];

	(void)state;
	for (unsigned i = 0; i < PORTS; i++) {
		fd[i] = open_to(&sources, "192.0.2.1", &one, 0);
		assert_true(fd[i] >= 0);
		if (i == 0)
			chosen = is_from(fd[0], &sources.address[0][1]);
		assert_true(is_from(fd[i], &sources.address[0][chosen]));
		port = ntohs(name_of(fd[i]).sin_port);
		assert_in_range(port, sources.ports[1].first, sources.ports[1].first + PORTS - 1);
	}
	for (unsigned i = PORTS; i < 2 * PORTS; i++) {
		fd[i] = open_to(&sources, "192.0.2.1", &other, 0);
		assert_true(fd[i] >= 0);
		assert_true(is_from(fd[i], &sources.address[0][chosen]));
	}
	for (unsigned i = 2 * PORTS; i < 3 * PORTS; i++) {
		fd[i] = open_to(&sources, "192.0.2.1", &one, 0);
		assert_true(fd[i] >= 0);
		assert_true(is_from(fd[i], &sources.address[0][!chosen]));
	}
	assert_int_equal(open_to(&sources, "192.0.2.1", &one, 0), -1);
	close_all(fd, 3 * PORTS);
	(void)close(one.fd);
	(void)close(other.fd);
}

/* Two workers take other ports. */
static void test_workers(void **state)
{
	static const char *const texts[] = { "127.0.3.3" };
	struct table_sources sources = sources_of(1, texts);
	struct listener one = listen_at("127.0.0.1");
	int fd[PORTS];

	(void)state;
	for (unsigned i = 0; i < PORTS; i++) {
		own.workers = 2;
		own.worker = i % 2;
		fd[i] = open_to(&sources, "192.0.2.1", &one, 0);
		assert_true(fd[i] >= 0);
		/* Those above come first: two even places, two odd ones. */
		assert_int_equal(
			(ntohs(name_of(fd[i]).sin_port) - sources.ports[1].first) % 2, i % 2);
	}
	own = (struct outgoing){ 0 };
	close_all(fd, PORTS);
	(void)close(one.fd);
}

/* What is not on the node is passed over, and asked again after a while; alone it leaves nothing. */
static void test_away(void **state)
{
	static const char *const texts[] = { AWAY, "127.0.3.4" };
	struct table_sources sources = sources_of(2, texts);
	struct listener one = listen_at("127.0.0.1");
	char client[16];

	(void)state;
	sources.ports[0] = WIDE;
	for (int i = 0; i < 16; i++) {
		int fd;

		(void)snprintf(client, sizeof(client), "192.0.2.%d", i);
		fd = open_to(&sources, client, &one, i);
		assert_true(fd >= 0);
		assert_true(is_from(fd, &sources.address[0][1]));
		(void)close(fd);
	}
	assert_true(own.address[0][0].away);
	assert_false(own.address[0][1].away);
	/* It has come, as another of the same place: seen only when its time is over. */
	sources.address[0][0] = address_of("127.0.3.5");
	for (int64_t now_ms = 100; now_ms <= 100 + OUTGOING_AWAY_MS; now_ms += OUTGOING_AWAY_MS) {
		bool first = false;

		for (int i = 0; i < 16; i++) {
			int fd;

			(void)snprintf(client, sizeof(client), "192.0.2.%d", i);
			fd = open_to(&sources, client, &one, now_ms);
			assert_true(fd >= 0);
			first |= is_from(fd, &sources.address[0][0]);
			(void)close(fd);
		}
		assert_int_equal(first, now_ms > 100);
	}
	sources = sources_of(1, texts);
	assert_int_equal(open_to(&sources, "192.0.2.1", &one, 0), -1);
	/* Another edition has other addresses. */
	sources = sources_of(1, &texts[1]);
	assert_false(own.edition == sources.edition);
	close_all((int[]){ open_to(&sources, "192.0.2.1", &one, 0) }, 1);
	(void)close(one.fd);
}

/* A client keeps its address, clients use all, an IPv6 client is its /64. */
static void test_clients(void **state)
{
	static const char *const texts[] = { "127.0.3.6", "127.0.3.7", "127.0.3.8", "127.0.3.9" };
	struct table_sources sources = sources_of(4, texts);
	struct listener one = listen_at("127.0.0.1");
	unsigned used[4] = { 0 };

	(void)state;
	sources.ports[0] = WIDE;
	for (int i = 1; i <= 100; i++) {
		char text[2][32];
		int fd[2];

		(void)snprintf(
			text[0], sizeof(text[0]), i % 2 ? "192.0.2.%d" : "2001:db8:0:%d::1", i);
		(void)snprintf(
			text[1], sizeof(text[1]), i % 2 ? "192.0.2.%d" : "2001:db8:0:%d::2", i);
		for (int j = 0; j < 2; j++) {
			fd[j] = open_to(&sources, text[j], &one, 0);
			assert_true(fd[j] >= 0);
		}
		assert_int_equal(name_of(fd[0]).sin_addr.s_addr, name_of(fd[1]).sin_addr.s_addr);
		for (unsigned j = 0; j < 4; j++)
			used[j] += is_from(fd[0], &sources.address[0][j]);
		close_all(fd, 2);
	}
	for (unsigned j = 0; j < 4; j++)
		assert_in_range(used[j], 10, 40);
	(void)close(one.fd);
}

static void test_none(void **state)
{
	static const char *const texts[] = { "127.0.3.1" };
	struct table_sources sources = sources_of(1, texts);
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	(void)state;
	assert_false(outgoing_has(NULL, (void *)&four));
	assert_true(outgoing_has(&sources, (void *)&four));
	assert_false(outgoing_has(&sources, (void *)&six));
	memset(sources.ports, 0, sizeof(sources.ports));
	assert_false(outgoing_has(&sources, (void *)&four));
}

/* The agent's part: ports beside those of flows. */
static void test_settings(void **state)
{
	static const struct {
		uint32_t first, last;
		struct table_ports ports[2];
	} cases[] = {
		{ 20000, 59999, { { 60000, 5536 }, { 10240, 9760 } } },
		{ 20000, 65535, { { 0, 0 }, { 10240, 9760 } } },
		{ 1024, 60000, { { 60001, 5535 }, { 0, 0 } } },
		{ 1024, 65534, { { 65535, 1 }, { 0, 0 } } },
		{ 2000, 65535, { { 0, 0 }, { 1024, 976 } } },
		{ 1024, 65535, { { 0, 0 }, { 0, 0 } } },
	};
	uint32_t edition = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct agent_settings with = { .port_first = cases[i].first,
			.port_count = cases[i].last - cases[i].first + 1,
			.source_count = { 1, 2 } };
		struct table_sources out;

		with.source[0][0] = address_of("192.0.2.1");
		with.source[1][1] = address_of("2001:db8::1");
		request_sources_fill(&with, &out);
		assert_memory_equal(out.ports, cases[i].ports, sizeof(out.ports));
		assert_int_equal(out.count[0], 1);
		assert_int_equal(out.count[1], 2);
		assert_memory_equal(&out.address[0][0], &with.source[0][0], 16);
		assert_memory_equal(&out.address[1][1], &with.source[1][1], 16);
		assert_int_not_equal(out.edition, edition);
		edition = out.edition;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
