/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sockets as clients meet them, byte by byte: bodies in one piece and in chunks, at the limit and
 * beyond, cut off and slow; long polls of nodes; sockets left behind; stopping while nodes wait.
 */
#include "base/clock.h"
#include "control/http.h"
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX 65536
#define BODY_MAX  (4 << 20)
#define MODE_BITS 0777

struct server {
	struct api api;
	char socket[96], node_socket[96], url[96];
	struct http_settings settings;
	struct http *http;
	uint8_t secret[32];
};

static int start_server(void **state)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN);
	api_open(&server->api);
	(void)snprintf(server->socket, sizeof(server->socket), "%s/s", server->api.folder);
	(void)snprintf(
		server->node_socket, sizeof(server->node_socket), "%s/n", server->api.folder);
	(void)snprintf(
		server->url, sizeof(server->url), "sqlite:%s/control.db", server->api.folder);
	server->settings = (struct http_settings){ .socket = server->socket,
		.node_socket = server->node_socket,
		.threads = 2,
		.gateway = &server->api.gateway,
		.api_pool = db_pool_new(server->url, 2),
		.node_pool = db_pool_new(server->url, 2) };
	server->settings.node_api =
		node_api_new(&server->api.gateway, server->settings.node_pool, 7, server->secret);
	*state = server;
	return http_start(&server->settings, &server->http) == OK ? 0 : -1;
}

static int stop_server(void **state)
{
	struct server *server = *state;

	nodes_close(server->api.gateway.nodes);
	http_stop(server->http);
	node_api_free(server->settings.node_api);
	db_pool_free(server->settings.api_pool);
	db_pool_free(server->settings.node_pool);
	api_close(&server->api);
	free(server);
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void put_bytes(int fd, const char *data, size_t size)
{
	ssize_t sent;

	/* The server may hang up on what it refuses. */
	for (; size > 0; data += sent, size -= (size_t)sent) {
		sent = send(fd, data, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
	}
}

static void send_text(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

/* Reads until the server closes or ms are over; the status, 0 without one. */
static int take_reply(int fd, int ms, char out[REPLY_MAX])
{
	int64_t end_ms = clock_monotonic_ms() + ms;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t got;
	char *body;

	out[0] = '\0';
	while (used < REPLY_MAX - 1 && clock_monotonic_ms() < end_ms) {
		if (poll(&wait, 1, (int)(end_ms - clock_monotonic_ms())) <= 0)
			break;
		got = read(fd, out + used, REPLY_MAX - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
		out[used] = '\0';
		body = strstr(out, "\r\n\r\n");
		/* Replies here are short: one piece of head and body, or a head alone. */
		if (body && (body[4] || strstr(out, " 204 ") || strstr(out, "Content-Length: 0")))
			break;
	}
	return strncmp(out, "HTTP/1.1 ", 9) == 0 ? (int)strtol(out + 9, NULL, 10) : 0;
}

static int ask(const char *path, const char *request, char out[REPLY_MAX])
{
	int fd = connect_to(path), status;

	send_text(fd, request);
	status = take_reply(fd, 5000, out);
	(void)close(fd);
	return status;
}

static void both_answer(void **state)
{
	struct server *server = *state;
	static char reply[REPLY_MAX];
	struct stat status;

	assert_int_equal(
		ask(server->socket, "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n", reply), 200);
	assert_non_null(strstr(reply, "\r\n\r\nok\n"));
	assert_int_equal(
		ask(server->node_socket, "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n", reply), 200);
	assert_int_equal(ask(server->socket, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", reply), 400);
	assert_non_null(strstr(reply, "\"Code\":\"MissingParameter\""));
	assert_non_null(strstr(reply, "\"HostId\":\"a.test\""));
	assert_non_null(strstr(reply, "x-acs-request-id: "));
	assert_non_null(strstr(reply, "Content-Type: application/json;charset=utf-8"));
	assert_int_equal(ask(server->node_socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", reply), 404);
	assert_int_equal(stat(server->socket, &status), 0);
	assert_int_equal(status.st_mode & MODE_BITS, 0660);
	assert_int_equal(stat(server->node_socket, &status), 0);
	assert_int_equal(status.st_mode & MODE_BITS, 0600);
}

static void bodies_in_one_piece_and_in_chunks(void **state)
{
	struct server *server = *state;
	static char reply[REPLY_MAX];

	/* The body counts: its version is unknown, which is another error than none. */
	assert_int_equal(ask(server->socket,
				 "POST /?Action=a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
				 "Version=x&b",
				 reply),
		400);
	assert_non_null(strstr(reply, "InvalidVersion"));
	assert_int_equal(ask(server->socket,
				 "POST /?Action=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
				 "chunked\r\n\r\n4\r\nVers\r\n7\r\nion=x&b\r\n0\r\n\r\n",
				 reply),
		400);
	assert_non_null(strstr(reply, "InvalidVersion"));
}

static int send_large(
	const struct server *server, const char *head, size_t size, char out[REPLY_MAX])
{
	int fd = connect_to(server->socket), status;
	char *data = malloc(size);

	assert_non_null(data);
	memset(data, 'a', size);
	send_text(fd, head);
	put_bytes(fd, data, size);
	free(data);
	if (strstr(head, "chunked"))
		send_text(fd, "\r\n0\r\n\r\n");
	status = take_reply(fd, 5000, out);
	(void)close(fd);
	return status;
}

static void the_limit_of_bodies_is_exact(void **state)
{
	struct server *server = *state;
	static char reply[REPLY_MAX];
	char head[200];

	(void)snprintf(head, sizeof(head),
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BODY_MAX);
	assert_int_equal(send_large(server, head, BODY_MAX, reply), 400);
	assert_non_null(strstr(reply, "MissingParameter"));
	(void)snprintf(head, sizeof(head),
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BODY_MAX + 1);
	assert_int_equal(send_large(server, head, BODY_MAX + 1, reply), 413);
	assert_non_null(strstr(reply, "\"RequestId\""));
	(void)snprintf(head, sizeof(head),
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
		BODY_MAX + 1);
	assert_int_equal(send_large(server, head, BODY_MAX + 1, reply), 413);
	(void)snprintf(head, sizeof(head),
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", BODY_MAX);
	assert_int_equal(send_large(server, head, BODY_MAX, reply), 400);
}

/* Strangers who send large bodies, and never end them, use up a budget, not the memory. */
static void large_bodies_share_a_budget(void **state)
{
	enum {
		HOLDERS = 17
	}; /* the budget is 64 MiB beyond the free part of each */
	struct server *server = *state;
	static char reply[REPLY_MAX], small[1000];
	char *data = calloc(1, BODY_MAX);
	int fd[HOLDERS], refused = 0, status = 0;
	size_t i;

	assert_non_null(data);
	memset(data, 'a', BODY_MAX);
	for (i = 0; i < HOLDERS; i++) {
		fd[i] = connect_to(server->socket);
		send_text(fd[i], "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
		put_bytes(fd[i], data, BODY_MAX - 1);
	}
	(void)snprintf(small, sizeof(small),
		"POST /?Action=a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nVersion=x");
	assert_int_equal(ask(server->socket, small, reply), 400);
	/* Each is complete now; those beyond the budget are told to come again. */
	for (i = 0; i < HOLDERS; i++)
		put_bytes(fd[i], data, 1);
	for (i = 0; i < HOLDERS; i++) {
		status = take_reply(fd[i], 5000, reply);
		assert_true(status == 400 || status == 503);
		if (status == 503)
			assert_non_null(strstr(reply, "\"Code\":\"ServiceUnavailable\""));
		refused += status == 503;
		(void)close(fd[i]);
	}
	free(data);
	assert_in_range(refused, 1, 2);
	/* What they held is free again. */
	for (i = 0; i < 100 && status != 400; i++)
		status = send_large(server,
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n", BODY_MAX,
			reply);
	assert_int_equal(status, 400);
}

static void what_is_no_request(void **state)
{
	struct server *server = *state;
	static char reply[REPLY_MAX], line[300000];
	int fd;

	/* No version, no reply in a form that such a client could read. */
	assert_int_equal(ask(server->socket, "nonsense\r\n\r\n", reply), 0);
	assert_string_equal(reply, "");
	assert_int_equal(
		ask(server->socket, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
			reply) /
			100,
		4);
	(void)snprintf(line, sizeof(line), "GET /?");
	memset(line + strlen(line), 'a', sizeof(line) - 40 - strlen(line));
	(void)snprintf(line + sizeof(line) - 40, 40, " HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(ask(server->socket, line, reply), 414);
	/* Cut off in the head and in the body: the next one is served. */
	fd = connect_to(server->socket);
	send_text(fd, "POST / HTTP/1.1\r\nHo");
	(void)close(fd);
	fd = connect_to(server->socket);
	send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
	(void)close(fd);
	assert_int_equal(
		ask(server->socket, "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n", reply), 200);
}

static void signed_calls_arrive_raw(void **state)
{
	struct server *server = *state;
	struct api *api = &server->api;
	static char reply[REPLY_MAX], request[4096];
	char signature[SIGNATURE_V1_SIZE], time[CLOCK_ISO_SIZE];
	struct form form = { 0 };
	const char *query, *string;

	/* Escapes that an HTTP library must not undo before the signature is checked. */
	clock_format_iso(clock_utc_ms(), time);
	query = arena_print(api->fixture,
		"AccessKeyId=%s&Action=DescribeInstanceIds&Other=a%%26b%%3Dc%%2Bd+e&"
		"SignatureMethod=HMAC-SHA1&SignatureNonce=raw&SignatureVersion=1.0&"
		"Timestamp=%s&Version=2020-01-01",
		api->tenant.id, time);
	assert_int_equal(form_decode(api->fixture, query, strlen(query), &form), OK);
	string = signature_v1_string(api->fixture, "GET", &form);
	assert_true(signature_v1(api->tenant.secret, string, signature));
	(void)snprintf(request, sizeof(request),
		"GET /?%s&Signature=%s HTTP/1.1\r\nHost: a\r\n\r\n", query,
		form_encode(api->fixture, signature));
	assert_int_equal(ask(server->socket, request, reply), 200);
	assert_non_null(strstr(reply, "\"InstanceIds\":[]"));
	assert_int_equal(ask(server->socket, request, reply), 400);
	assert_non_null(strstr(reply, "SignatureNonceUsed"));
}

#define SNAPSHOT(query) "GET /v1/snapshot?" query " HTTP/1.1\r\nHost: a\r\n\r\n"

static void report_offset(const struct server *server, uint64_t generation, int64_t offset_ms)
{
	struct {
		struct snapshot_header header;
		struct record_node node;
	} report = { .header = { .magic = SNAPSHOT_MAGIC,
			     .version = SNAPSHOT_VERSION,
			     .generation = generation,
			     .record_count = 1,
			     .byte_count = sizeof(report.node) },
		.node = { .record = { RECORD_NODE, sizeof(report.node), 1 },
			.generation = generation,
			.life_offset_ms = offset_ms,
			.xdp_mode = 1 } };
	static char reply[REPLY_MAX];
	char head[160];
	int fd = connect_to(server->node_socket);

	(void)snprintf(head, sizeof(head),
		"POST /v1/report?node=n HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		sizeof(report));
	send_text(fd, head);
	put_bytes(fd, (const char *)&report, sizeof(report));
	assert_int_equal(take_reply(fd, 5000, reply), 204);
	(void)close(fd);
}

static void nodes_poll(void **state)
{
	struct server *server = *state;
	static char reply[REPLY_MAX];
	char request[200];
	int64_t generation, begin_ms;

	assert_int_equal(ask(server->node_socket, SNAPSHOT("generation=0"), reply), 400);
	assert_int_equal(ask(server->node_socket, SNAPSHOT("node=n&generation=x"), reply), 400);
	assert_int_equal(ask(server->node_socket, SNAPSHOT("node=n&wait=25001"), reply), 400);
	(void)api_buy(&server->api, "ddoscoo", "Ipv4");
	assert_int_equal(db_begin(server->api.db, DB_READ), OK);
	assert_int_equal(change_generation(server->api.db, &generation), OK);
	db_rollback(server->api.db);
	assert_true(generation > 0);
	nodes_announce(server->api.gateway.nodes, (uint64_t)generation, 0);
	assert_int_equal(ask(server->node_socket, SNAPSHOT("node=n&generation=0"), reply), 200);
	assert_non_null(strstr(reply, "\r\n\r\nPLDS"));
	/* It has all: nothing newer, after the time it would wait. */
	(void)snprintf(request, sizeof(request),
		"GET /v1/snapshot?node=n&generation=%lld&wait=200 HTTP/1.1\r\nHost: a\r\n\r\n",
		(long long)generation);
	begin_ms = clock_monotonic_ms();
	assert_int_equal(ask(server->node_socket, request, reply), 204);
	assert_true(clock_monotonic_ms() - begin_ms >= 200);
	/* It has more than there is: everything again, at once. */
	assert_int_equal(
		ask(server->node_socket, SNAPSHOT("node=n&generation=999999&wait=25000"), reply),
		200);
	/* The clock moved: told at once, though no generation is newer. */
	api_move_life(&server->api, DAY_MS);
	assert_int_equal(ask(server->node_socket, request, reply), 200);
	assert_int_equal(ask(server->node_socket, request, reply), 204);
	/* That answer was lost: the node reports the offset it still has, and is told again. */
	report_offset(server, (uint64_t)generation, 0);
	assert_int_equal(ask(server->node_socket, request, reply), 200);
	report_offset(server, (uint64_t)generation, DAY_MS);
	assert_int_equal(ask(server->node_socket, request, reply), 204);
	assert_int_equal(
		ask(server->node_socket,
			"POST /v1/report?node=n HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
			"abc",
			reply),
		400);
}

static void *wait_for_news(void *argument)
{
	const struct server *server = argument;
	static char reply[REPLY_MAX];
	int fd = connect_to(server->node_socket);
	int *status = malloc(sizeof(*status));

	send_text(fd, SNAPSHOT("node=waiter&generation=1&wait=25000&offset=0"));
	if (status)
		*status = take_reply(fd, 10000, reply);
	(void)close(fd);
	return status;
}

static void stops_while_nodes_wait(void **state)
{
	struct server *server = *state;
	struct http *second = NULL;
	pthread_t waiter;
	int64_t begin_ms;
	void *status;

	/* Generation 1 exists, so that the node has reason to wait. */
	assert_int_equal(db_begin(server->api.db, DB_WRITE), OK);
	assert_int_equal(change_record(server->api.db, RECORD_INSTANCE, 1, &begin_ms), OK);
	assert_int_equal(db_commit(server->api.db), OK);
	nodes_announce(server->api.gateway.nodes, 1, 0);
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_news, server), 0);
	(void)usleep(300000);
	begin_ms = clock_monotonic_ms();
	nodes_close(server->api.gateway.nodes);
	http_stop(server->http);
	server->http = NULL;
	assert_true(clock_monotonic_ms() - begin_ms < 1000);
	assert_int_equal(pthread_join(waiter, &status), 0);
	assert_int_equal(*(int *)status, 204);
	free(status);
	assert_int_equal(access(server->socket, F_OK), -1);
	/* The same names again; and a second server on them is refused. */
	assert_int_equal(http_start(&server->settings, &server->http), OK);
	assert_int_equal(http_start(&server->settings, &second), ERR_SYSTEM);
	assert_null(second);
}

static void a_socket_left_behind_is_replaced(void **state)
{
	struct server *server = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static char reply[REPLY_MAX];
	FILE *file;
	int fd;

	http_stop(server->http);
	server->http = NULL;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	assert_int_equal(http_start(&server->settings, &server->http), OK);
	assert_int_equal(
		ask(server->socket, "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n", reply), 200);
	/* What is no socket is not ours to remove. */
	http_stop(server->http);
	server->http = NULL;
	file = fopen(server->socket, "we");
	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(http_start(&server->settings, &server->http), ERR_SYSTEM);
	assert_int_equal(unlink(server->socket), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(both_answer),
		CASE(bodies_in_one_piece_and_in_chunks),
		CASE(the_limit_of_bodies_is_exact),
		CASE(large_bodies_share_a_budget),
		CASE(what_is_no_request),
		CASE(signed_calls_arrive_raw),
		CASE(nodes_poll),
		CASE(stops_while_nodes_wait),
		CASE(a_socket_left_behind_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
