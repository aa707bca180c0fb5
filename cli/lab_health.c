/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does the lab work? Each part is asked in the way its users ask it: the API by a signed call, the nodes by
 * what they confirmed and by their pinned maps, the origin by requests from every node over both
 * IP versions.
 */
#include "cli/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/process.h"

#define CALL_MEMORY_MAX (32u << 20)
#define ANSWER_MS	1000

static bool fault(struct lab_fault *out, const char *log, const char *part)
{
	(void)snprintf(out->log, sizeof(out->log), "%s", log);
	(void)snprintf(out->part, sizeof(out->part), "%s", part);
	return false;
}

/* ---- API and nodes */

static const char *const log_of_agent[LAB_NODE_MAX] = { "agent.log", "agent2.log", "agent3.log",
	"agent4.log" };

static bool nodes_confirmed_all(const struct lab *lab, const json_t *reply, struct lab_fault *out)
{
	const json_t *nodes = json_object_get(reply, "Nodes");
	const json_int_t newest = json_integer_value(json_object_get(reply, "Generation"));
	size_t confirmed = 0;
	int64_t offset;

	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *node = json_array_get(nodes, i);

		if (json_integer_value(json_object_get(node, "Generation")) >= newest)
			confirmed++;
	}
	if (confirmed < (size_t)lab->node_count)
		return fault(out, "agent.log", "the agents did not confirm the newest generation");
	for (int node = 0; node < lab->node_count; node++)
		if (!lab_node_offset_ms(lab, node, &offset))
			return fault(out, log_of_agent[node], "an agent's maps are not in place");
	return true;
}

static bool check_api(const struct lab *lab, struct lab_fault *out)
{
	struct arena *mem = arena_new(CALL_MEMORY_MAX);
	struct endpoint endpoint;
	json_t *reply = NULL;
	const char *why = "memory is out";
	bool good = false;

	if (mem && !lab_endpoint_of(lab, mem, &endpoint)) {
		(void)fault(out, "control.log", "the control made no first key");
	} else if (mem) {
		endpoint.timeout_ms = 5000;
		reply = request_json(mem, &endpoint, &why, "2026-11-01", "DescribeNodes", NULL);
		good = reply ? nodes_confirmed_all(lab, reply, out)
			     : fault(out,
				       lab_supervisor_pid(lab) ? "control.log" : "supervisor.log",
				       why);
	}
	json_decref(reply);
	arena_free(mem);
	return good;
}

/* ---- origin: from inside a node's namespace */

struct probe {
	const char *address;
	int type, port;
	const char *send;   /* NULL: wait for what the server says */
	const char *expect; /* how the answer begins; NULL: a connection is enough */
	const char *what, *log;
};
static const struct probe probes[] = {
	{ LAB_ORIGIN_IPV4, SOCK_STREAM, LAB_ORIGIN_HTTP, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
		"the origin's HTTP service does not answer over IPv4", "origin.log" },
	{ LAB_ORIGIN_IPV6, SOCK_STREAM, LAB_ORIGIN_HTTP, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
		"the origin's HTTP service does not answer over IPv6", "origin.log" },
	{ LAB_ORIGIN_IPV4, SOCK_STREAM, LAB_ORIGIN_ECHO, "tcp", "tcp",
		"the TCP echo service does not answer over IPv4", "echo.log" },
	{ LAB_ORIGIN_IPV6, SOCK_STREAM, LAB_ORIGIN_ECHO, "tcp", "tcp",
		"the TCP echo service does not answer over IPv6", "echo.log" },
	{ LAB_ORIGIN_IPV4, SOCK_DGRAM, LAB_ORIGIN_ECHO, "udp", "udp",
		"the UDP echo service does not answer over IPv4", "echo.log" },
	{ LAB_ORIGIN_IPV6, SOCK_DGRAM, LAB_ORIGIN_ECHO, "udp", "udp",
		"the UDP echo service does not answer over IPv6", "echo.log" },
	{ LAB_ORIGIN_IPV4, SOCK_STREAM, LAB_ORIGIN_BANNER, NULL, "220 ",
		"the banner service does not answer", "echo.log" },
	{ "127.0.0.1", SOCK_STREAM, LAB_EDGE_PLAIN, NULL, NULL,
		"nginx of a node does not take connections", "edge.log" },
	{ "::1", SOCK_STREAM, LAB_EDGE_PLAIN, NULL, NULL,
		"nginx of a node does not take connections over IPv6", "edge.log" },
};
#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))

static bool answers(const struct probe *probe)
{
	struct sockaddr_in ip = { .sin_family = AF_INET, .sin_port = htons((uint16_t)probe->port) };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)probe->port) };
	const bool is_ipv6 = inet_pton(AF_INET6, probe->address, &ipv6.sin6_addr) == 1;
	const struct timeval limit = { .tv_sec = ANSWER_MS / 1000, .tv_usec = ANSWER_MS % 1000 };
	AUTO(fd) int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, probe->type | SOCK_CLOEXEC, 0);
	char answer[64];
	ssize_t got;

	(void)inet_pton(AF_INET, probe->address, &ip.sin_addr);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
		connect(fd, is_ipv6 ? (struct sockaddr *)&ipv6 : (struct sockaddr *)&ip,
			is_ipv6 ? sizeof(ipv6) : sizeof(ip)) < 0)
		return false;
	if (!probe->expect)
		return true;
	if (probe->send && send(fd, probe->send, strlen(probe->send), MSG_NOSIGNAL) < 0)
		return false;
	got = recv(fd, answer, sizeof(answer), 0);
	return got >= (ssize_t)strlen(probe->expect) &&
	       memcmp(answer, probe->expect, strlen(probe->expect)) == 0;
}

/* Exit status: 0, or number of the probe that failed + 1. */
static int probe_all(void *user)
{
	(void)user;
	for (size_t i = 0; i < PROBE_COUNT; i++)
		if (!answers(&probes[i]))
			return (int)i + 1;
	return 0;
}

static bool check_origin(const struct lab *lab, struct lab_fault *out)
{
	char name[64];

	for (int node = 0; node < lab->node_count; node++) {
		int status;

		lab_namespace(lab, LAB_NODE + node, name);
		status = process_in_namespace(name, probe_all, NULL);
		if (status < 0 || (size_t)status > PROBE_COUNT)
			return fault(out, "supervisor.log", "a node's network namespace is closed");
		if (status > 0)
			return fault(out, probes[status - 1].log, probes[status - 1].what);
	}
	return true;
}

static bool check_drills(const struct lab *lab, struct lab_fault *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[PATH_MAX];

	lab_path(lab, LAB_DRILL_SOCKET, path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	return (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) ||
	       fault(out, "drills.log", "the service of drills does not answer");
}

static bool check_namespaces(const struct lab *lab, struct lab_fault *out)
{
	char name[64], part[128];

	for (int role = 0; lab_has_role(lab, role); role++) {
		lab_namespace(lab, role, name);
		if (namespace_cookie(name) == lab->cookie[role])
			continue;
		(void)snprintf(part, sizeof(part), "the network namespace %s is gone", name);
		return fault(out, "supervisor.log", part);
	}
	return true;
}

bool lab_healthy(const struct lab *lab, int64_t wait_ms, struct lab_fault *out)
{
	const int64_t until = clock_monotonic_ms() + wait_ms;

	while (!check_namespaces(lab, out) || !check_origin(lab, out) || !check_drills(lab, out) ||
		!check_api(lab, out)) {
		if (clock_monotonic_ms() >= until)
			return false;
		sleep_ms(20);
	}
	return true;
}
