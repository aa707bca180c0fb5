/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The packet path between real stacks: client -- node -- origin, three network namespaces joined by
 * two veth pairs, the programs attached to the node's two interfaces.
 *
 *   client 10.201.1.2 fd01::2 -- 10.201.1.1 fd01::1 node 10.201.2.1 fd02::1 -- 10.201.2.2 fd02::2 origin
 *   protected 10.201.9.1, fd09::1; back-to-origin 10.201.3.1, fd03::1, routed to the node
 *   fd09::4 is protected, too: its clients are of IPv6 and its origin is of IPv4
 *
 * veth needs two things of the world outside: transmit checksums computed before the packet is
 * handed over, and GRO at the peers of interfaces that are redirected to, or they have no NAPI.
 * Servers and clients are child processes, each of which enters its namespace before it opens a
 * socket.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/file.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_link.h>

#define CLIENT "polder-packet-client"
#define NODE   "polder-packet-node"
#define ORIGIN "polder-packet-origin"
/* Not ip -n or ip netns exec: they remount, which a changed root does not allow. */
#define IN(name)    "nsenter --net=/run/netns/" name " "

#define PORT_ECHO   80
#define PORT_BANNER 25
#define PORT_HELLO  13 /* says the banner and closes */
#define PORT_PROXY  82 /* wants to know the client */
#define PORT_TOA    83 /* is told by an option that Linux does not read */
#define PORT_CLOSED 81 /* served by the node, but nobody listens at the origin */
#define PORT_UDP    53
#define BANNER	    "220 ready\r\n"
#define SEQUENTIAL  1000
#define CONCURRENT  200
#define BULK_BYTES  (1 << 20)
#define TIMEOUT_MS  8000

struct world {
	struct polder *skel;
	pid_t server;
	int root_namespace;
};

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void enter(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
		perror(path);
		_exit(1);
	}
	close(fd);
}

/* The namespaces have fixed names: one run at a time. The lock ends with the process. */
static void take_turn(void)
{
	int fd = open("/run/polder-packet.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		perror("/run/polder-packet.lock");
		exit(1);
	}
}

static void namespaces_remove(void)
{
	(void)!system(
		"for n in client node origin; do ip netns del polder-packet-$n 2>/dev/null; done");
}

static void namespaces_make(void)
{
	take_turn();
	namespaces_remove();
	run("set -e; for n in client node origin; do ip netns add polder-packet-$n;"
	    " nsenter --net=/run/netns/polder-packet-$n ip link set lo up; done;"
	    "ip link add c0 netns " CLIENT " type veth peer name w0 netns " NODE ";"
	    "ip link add o0 netns " ORIGIN " type veth peer name l0 netns " NODE ";"
	    "c='" IN(CLIENT) "ip'; n='" IN(NODE) "ip'; o='" IN(
		    ORIGIN) "ip';"
			    "$c addr add 10.201.1.2/24 dev c0; $c addr add fd01::2/64 dev c0 nodad;"
			    "$n addr add 10.201.1.1/24 dev w0; $n addr add fd01::1/64 dev w0 nodad;"
			    "$n addr add 10.201.2.1/24 dev l0; $n addr add fd02::1/64 dev l0 nodad;"
			    "$o addr add 10.201.2.2/24 dev o0; $o addr add fd02::2/64 dev o0 nodad;"
			    "$c link set c0 up; $n link set w0 up; $n link set l0 up; $o link set "
			    "o0 up;"
			    "$c route add default via 10.201.1.1; $c route add default via fd01::1;"
			    "$o route add 10.201.3.1 via 10.201.2.1; $o route add fd03::1 via "
			    "fd02::1;");
	run("set -e; for x in " CLIENT ":c0 " NODE ":w0 " NODE ":l0 " ORIGIN ":o0; do"
	    " nsenter --net=/run/netns/${x%:*} ethtool -K ${x#*:} tx off gro on tso off gso off "
	    ">/dev/null;"
	    " done; " IN(NODE) "sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward;"
			       " echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'");
	/* The agent resolves next hops; here a packet of the host's own does. */
	run("set -e; for a in 10.201.2.2 10.201.1.2; do nsenter --net=/run/netns/" NODE
	    " ping -c1 -W2 $a >/dev/null; done;"
	    "for a in fd02::2 fd01::2; do " IN(NODE) "ping -c1 -W2 $a >/dev/null; done");
}

static void attach(struct polder *skel, const char *name)
{
	unsigned int ifindex = if_nametoindex(name);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(skel->progs.polder_handshake));

	assert_int_not_equal(ifindex, 0);
	assert_int_equal(bpf_xdp_attach((int)ifindex, bpf_program__fd(skel->progs.polder_filter),
				 XDP_FLAGS_DRV_MODE, NULL),
		0);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &options), 0);
	transmit_set(skel, ifindex);
}

/* --- the origin's side -------------------------------------------------------------------- */

static int listen_on(uint16_t port, int type)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), one = 1, zero = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 1024) < 0)) {
		perror("origin");
		_exit(1);
	}
	return fd;
}

enum service_kind {
	SERVE_ECHO,
	SERVE_BANNER,
	SERVE_HELLO,
	SERVE_PROXY,
	SERVE_TCP_COUNT
};

/* The PROXY header of either client; nothing is said before it has come. */
static int read_proxy(int fd)
{
	static const struct {
		const char *source, *destination;
		int family, size;
	} row[] = {
		{ "10.201.1.2", "10.201.9.1", AF_INET, 4 }, { "fd01::2", "fd09::1", AF_INET6, 16 },
		{ "fd01::2", "fd09::4", AF_INET6, 16 }, /* said to the IPv4 origin */
	};
	uint8_t head[16], body[36], want[32];
	const uint8_t *at = body;
	int i;

	if (recv(fd, head, 16, MSG_WAITALL) != 16 ||
		memcmp(head, "\r\n\r\n\0\r\nQUIT\n\x21", 13) != 0)
		return -1;
	i = head[13] == 0x21;
	if (recv(fd, body, (size_t)head[15], MSG_WAITALL) != head[15] ||
		head[15] != 2 * row[i].size + 4)
		return -1;
	if (i == 1 && body[31] == 4)
		i = 2;
	inet_pton(row[i].family, row[i].source, want);
	inet_pton(row[i].family, row[i].destination, want + row[i].size);
	at += 2 * row[i].size;
	return memcmp(body, want, 2 * (size_t)row[i].size) != 0 || at[2] != 0 ||
	       at[3] != PORT_PROXY;
}

/* Not left behind, holding the lock, when the test is killed. */
static void end_with_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void serve_one(int fd, int kind)
{
	char buffer[65536];
	ssize_t n;

	end_with_parent();
	if (kind == SERVE_PROXY && read_proxy(fd))
		_exit(0);
	if (kind != SERVE_ECHO && write(fd, BANNER, strlen(BANNER)) < 0)
		_exit(0);
	if (kind == SERVE_HELLO)
		_exit(0);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, buffer + done, (size_t)(n - done))) < 0)
				_exit(0);
	_exit(0);
}

/* Says by a byte when it listens. */
static void serve(int ready)
{
	struct pollfd p[SERVE_TCP_COUNT + 1] = {
		[SERVE_ECHO] = { .fd = listen_on(PORT_ECHO, SOCK_STREAM), .events = POLLIN },
		[SERVE_BANNER] = { .fd = listen_on(PORT_BANNER, SOCK_STREAM), .events = POLLIN },
		[SERVE_HELLO] = { .fd = listen_on(PORT_HELLO, SOCK_STREAM), .events = POLLIN },
		[SERVE_PROXY] = { .fd = listen_on(PORT_PROXY, SOCK_STREAM), .events = POLLIN },
		[SERVE_TCP_COUNT] = { .fd = listen_on(PORT_UDP, SOCK_DGRAM), .events = POLLIN },
	};
	struct sockaddr_in6 peer;
	static char buffer[65536];

	(void)signal(SIGCHLD, SIG_IGN);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	while (poll(p, SERVE_TCP_COUNT + 1, -1) > 0 || errno == EINTR) {
		for (int i = 0; i < SERVE_TCP_COUNT; i++) {
			int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

			if (fd < 0)
				continue;
			if (fork() == 0)
				serve_one(fd, i);
			close(fd);
		}
		if (p[SERVE_TCP_COUNT].revents) {
			socklen_t length = sizeof(peer);
			ssize_t n = recvfrom(p[SERVE_TCP_COUNT].fd, buffer, sizeof(buffer), 0,
				(struct sockaddr *)&peer, &length);

			if (n > 0)
				(void)sendto(p[SERVE_TCP_COUNT].fd, buffer, (size_t)n, 0,
					(struct sockaddr *)&peer, length);
		}
	}
	_exit(0);
}

/* --- the client's side: each returns 0 or the number of failures ------------------------------ */

static int open_to(const char *vip, uint16_t port, int type, int wait)
{
	struct sockaddr_storage a = { 0 };
	struct timeval limit = { .tv_sec = TIMEOUT_MS / 1000 };
	socklen_t length;
	int fd;

	if (strchr(vip, ':')) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;

		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		inet_pton(AF_INET6, vip, &six->sin6_addr);
		length = sizeof(*six);
	} else {
		struct sockaddr_in *four = (struct sockaddr_in *)&a;

		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		inet_pton(AF_INET, vip, &four->sin_addr);
		length = sizeof(*four);
	}
	fd = socket(a.ss_family, type | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, length) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static int exchange(int fd, const char *text)
{
	char buffer[2048];
	size_t length = strlen(text), got = 0;

	if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		return -1;
	while (got < length) {
		ssize_t n = recv(fd, buffer + got, sizeof(buffer) - got, 0);

		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return memcmp(buffer, text, length) ? -1 : 0;
}

static int sequential(const char *vip)
{
	int failures = 0;

	for (int i = 0; i < SEQUENTIAL; i++) {
		int fd = open_to(vip, PORT_ECHO, SOCK_STREAM, 1);

		if (fd < 0 || exchange(fd, "GET / HTTP/1.0\r\n\r\n") < 0)
			failures++;
		close(fd);
	}
	return failures;
}

static int concurrent(const char *vip)
{
	int fd[CONCURRENT], failures = 0;

	for (int i = 0; i < CONCURRENT; i++)
		fd[i] = open_to(vip, PORT_ECHO, SOCK_STREAM, 0);
	for (int i = 0; i < CONCURRENT; i++) {
		struct pollfd p = { .fd = fd[i], .events = POLLOUT };

		if (fd[i] < 0 || poll(&p, 1, TIMEOUT_MS) != 1 || p.revents & POLLERR) {
			failures++;
			continue;
		}
		(void)fcntl(fd[i], F_SETFL, 0);
		if (exchange(fd[i], "hello from one of many") < 0)
			failures++;
	}
	for (int i = 0; i < CONCURRENT; i++)
		close(fd[i]);
	return failures;
}

/* Server speaks first: the client sends nothing before it has the banner. */
static int greeted(const char *vip, uint16_t port)
{
	char buffer[64];
	int failures = 0;

	for (int i = 0; i < 100; i++) {
		int fd = open_to(vip, port, SOCK_STREAM, 1);
		ssize_t n = fd < 0 ? -1 : recv(fd, buffer, strlen(BANNER), MSG_WAITALL);

		if (n != (ssize_t)strlen(BANNER) || memcmp(buffer, BANNER, strlen(BANNER)) != 0 ||
			exchange(fd, "EHLO client\r\n") < 0)
			failures++;
		close(fd);
	}
	return failures;
}

static int banner(const char *vip)
{
	return greeted(vip, PORT_BANNER);
}

static int proxy(const char *vip)
{
	return greeted(vip, PORT_PROXY);
}

static int toa(const char *vip)
{
	return greeted(vip, PORT_TOA);
}

/*
 * One source port, and an origin that closes first: it keeps each connection in TIME_WAIT and
 * answers about every second SYN of the next with a challenge ACK. The client says nothing that
 * could help.
 */
static int reused_port(const char *vip)
{
	char buffer[64];
	int failures = 0;

	for (int i = 0; i < 8; i++) {
		int fd;
		ssize_t n;

		usleep(1100000); /* until a closed connection yields its port */
		fd = open_to(vip, PORT_HELLO, SOCK_STREAM, 1);
		n = fd < 0 ? -1 : recv(fd, buffer, strlen(BANNER), MSG_WAITALL);
		if (n != (ssize_t)strlen(BANNER) || recv(fd, buffer, 1, 0) != 0)
			failures++;
		close(fd);
	}
	return failures;
}

/* A MiB there and back, byte for byte. */
static int bulk(const char *vip)
{
	static unsigned char sent[BULK_BYTES], received[BULK_BYTES];
	size_t out = 0, in = 0;
	int fd = open_to(vip, PORT_ECHO, SOCK_STREAM, 1);

	if (fd < 0)
		return 1;
	for (size_t i = 0; i < BULK_BYTES; i++)
		sent[i] = (unsigned char)(i * 2654435761u >> 13);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (in < BULK_BYTES) {
		struct pollfd p = { .fd = fd,
			.events = (short)(POLLIN | (out < BULK_BYTES ? POLLOUT : 0)) };
		ssize_t n;

		if (poll(&p, 1, TIMEOUT_MS) != 1)
			return 1;
		if (p.revents & POLLOUT) {
			n = send(fd, sent + out, BULK_BYTES - out, MSG_NOSIGNAL);
			out += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & POLLIN) {
			n = recv(fd, received + in, BULK_BYTES - in, 0);
			if (n <= 0)
				return 1;
			in += (size_t)n;
		}
	}
	close(fd);
	return memcmp(sent, received, BULK_BYTES) != 0;
}

/* A refusal by the origin reaches the client as such. */
static int refused(const char *vip)
{
	char byte;
	int fd = open_to(vip, PORT_CLOSED, SOCK_STREAM, 1);

	if (fd < 0)
		return errno != ECONNREFUSED && errno != ECONNRESET;
	return !(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
}

static int datagrams(const char *vip)
{
	int failures = 0;

	for (int i = 0; i < 200; i++) {
		int fd = open_to(vip, PORT_UDP, SOCK_DGRAM, 1);

		if (fd < 0 || exchange(fd, "query") < 0 || exchange(fd, "again") < 0)
			failures++;
		close(fd);
	}
	return failures;
}

/*
 * Fragments of an IPv4 origin that become too big as IPv6 are lost until it has learned so from the node,
 * as any sender learns its path's MTU.
 */
static int mtu_learned(int fd, const char *sent, size_t length)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < 20; i++)
		if (send(fd, sent, length, 0) == (ssize_t)length && poll(&wait, 1, 500) == 1)
			return 1;
	return 0;
}

/* Larger than a packet: fragments in both directions. */
static int fragments(const char *vip)
{
	static char sent[8000], received[8000];
	int fd = open_to(vip, PORT_UDP, SOCK_DGRAM, 1);

	if (fd < 0)
		return 1;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	if (!mtu_learned(fd, sent, sizeof(sent)))
		return 1;
	for (int i = 0; i < 20; i++) {
		if (send(fd, sent, sizeof(sent), 0) != (ssize_t)sizeof(sent) ||
			recv(fd, received, sizeof(received), 0) != (ssize_t)sizeof(sent) ||
			memcmp(sent, received, sizeof(sent)) != 0)
			return 1;
	}
	close(fd);
	return 0;
}

/* The client believes that ECN was agreed, and is right to. */
static int ecn(const char *vip)
{
	int fd = open_to(vip, PORT_ECHO, SOCK_STREAM, 1);
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
		!(info.tcpi_options & TCPI_OPT_ECN))
		return 1;
	close(fd);
	return bulk(vip);
}

static int echo(const char *vip)
{
	char command[128];

	snprintf(command, sizeof(command), "ping -c3 -i0.2 -W2 %s >/dev/null", vip);
	return system(command) != 0;
}

/* --- tests --------------------------------------------------------------------------------- */

static int in_client(int (*body)(const char *vip), const char *vip)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int failures;

		enter(CLIENT);
		failures = body(vip);
		_exit(failures > 255 ? 255 : failures);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void in_both(int (*body)(const char *vip))
{
	assert_int_equal(in_client(body, "10.201.9.1"), 0);
	assert_int_equal(in_client(body, "fd09::1"), 0);
	assert_int_equal(in_client(body, "fd09::4"), 0);
}

#define CONVERSATION(name)                                                                         \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		in_both(name);                                                                     \
	}
CONVERSATION(echo)
CONVERSATION(banner)
CONVERSATION(proxy)
CONVERSATION(toa)
CONVERSATION(sequential)
CONVERSATION(concurrent)
CONVERSATION(bulk)
CONVERSATION(refused)
CONVERSATION(datagrams)
CONVERSATION(fragments)

static void test_reused_port(void **state)
{
	struct world *w = *state;
	struct settings s = settings_default();

	s.port_first = 9000;
	s.port_count = 1;
	settings_set(w->skel, &s);
	run(IN(CLIENT) "sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_timestamps'");
	assert_int_equal(in_client(reused_port, "10.201.9.1"), 0);
	run(IN(CLIENT) "sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_timestamps'");
	s = settings_default();
	settings_set(w->skel, &s);
}

/* Packets that came to the origin and could have been marked. */
static long origin_ect_packets(void)
{
	FILE *out = popen(IN(ORIGIN) "nstat -asz IpExtInECT0Pkts IpExtInCEPkts", "re");
	char line[256], *value;
	long sum = 0;

	assert_non_null(out);
	while (fgets(line, sizeof(line), out)) {
		value = strpbrk(line, " \t");
		if (value && strncmp(line, "IpExt", 5) == 0)
			sum += strtol(value, NULL, 10);
	}
	assert_int_equal(pclose(out), 0);
	return sum;
}

/* Linux asks when it is told to. Where the origin does not agree, nothing that it gets may be marked. */
static void test_ecn(void **state)
{
	long before = origin_ect_packets(), agreed;

	(void)state;
	run(IN(CLIENT) "sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_ecn'");
	in_both(ecn);
	agreed = origin_ect_packets();
	assert_true(agreed > before);
	run(IN(ORIGIN) "sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_ecn'");
	in_both(ecn);
	assert_int_equal(origin_ect_packets(), agreed);
	run(IN(ORIGIN) "sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_ecn'");
	run(IN(CLIENT) "sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_ecn'");
}

static void tell_client(struct polder *skel, uint16_t port, enum client_address how)
{
	struct service_key key = service_key_of(IPPROTO_TCP, port);
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.client_address = (uint8_t)how;
	map_set(skel->maps.service, &key, &service);
}

/* The rule on fd09::4, with the IPv4 origin alone. */
static void serve_by_ipv4(struct polder *skel, uint8_t protocol, uint16_t port)
{
	struct service_key key = service_key_of(protocol, port);
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	key.instance = INSTANCE + 1;
	service.origin_count = 1;
	memset(service.slot, 0, sizeof(service.slot));
	map_set(skel->maps.service, &key, &service);
}

static void fill(struct polder *skel)
{
	static const uint16_t port[] = { PORT_ECHO, PORT_BANNER, PORT_HELLO, PORT_CLOSED,
		PORT_PROXY, PORT_TOA };
	struct settings s = settings_default();
	struct vip vip = vip_protected();

	settings_set(skel, &s);
	vip_set(skel, "10.201.9.1", &vip);
	vip_set(skel, "fd09::1", &vip);
	source_set(skel, "10.201.3.1");
	source_set(skel, "fd03::1");
	service_set(skel, IPPROTO_TCP, PORT_ECHO, "10.201.2.2", "fd02::2", PORT_ECHO);
	service_set(skel, IPPROTO_TCP, PORT_BANNER, "10.201.2.2", "fd02::2", PORT_BANNER);
	service_set(skel, IPPROTO_TCP, PORT_HELLO, "10.201.2.2", "fd02::2", PORT_HELLO);
	service_set(skel, IPPROTO_TCP, PORT_PROXY, "10.201.2.2", "fd02::2", PORT_PROXY);
	tell_client(skel, PORT_PROXY, CLIENT_ADDRESS_PROXY);
	service_set(skel, IPPROTO_TCP, PORT_TOA, "10.201.2.2", "fd02::2", PORT_BANNER);
	tell_client(skel, PORT_TOA, CLIENT_ADDRESS_TOA);
	service_set(skel, IPPROTO_TCP, PORT_CLOSED, "10.201.2.2", "fd02::2", PORT_CLOSED);
	service_set(skel, IPPROTO_UDP, PORT_UDP, "10.201.2.2", "fd02::2", PORT_UDP);
	vip.instance = INSTANCE + 1;
	vip_set(skel, "fd09::4", &vip);
	for (size_t i = 0; i < sizeof(port) / sizeof(port[0]); i++)
		serve_by_ipv4(skel, IPPROTO_TCP, port[i]);
	serve_by_ipv4(skel, IPPROTO_UDP, PORT_UDP);
}

/* So many SYNs a second pass as they are. */
static void threshold(struct polder *skel, uint32_t syns)
{
	struct plan_state blank = { 0 };
	struct vip vip = vip_protected();
	uint32_t slot = VIP_SLOT;

	vip.syn_threshold = syns;
	vip_set(skel, "10.201.9.1", &vip);
	vip_set(skel, "fd09::1", &vip);
	vip.instance = INSTANCE + 1;
	vip_set(skel, "fd09::4", &vip);
	map_set(skel->maps.plan_state, &slot, &blank);
}

/* The same conversations when SYNs pass, and when the first do and the rest get cookies. */
static void test_direct(void **state)
{
	static int (*const body[])(
		const char *vip) = { echo, banner, refused, sequential, concurrent, bulk };
	struct world *w = *state;
	uint64_t passed = reason_packets(w->skel, REASON_syn_passed);
	uint64_t cookies = reason_packets(w->skel, REASON_cookie_sent);

	threshold(w->skel, 1000000);
	for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++)
		in_both(body[i]);
	assert_true(reason_packets(w->skel, REASON_syn_passed) >=
		    passed + 3 * (SEQUENTIAL + CONCURRENT));
	assert_int_equal(reason_packets(w->skel, REASON_cookie_sent), cookies);
	threshold(w->skel, 5); /* a second, which even a machine with much else to do exceeds */
	in_both(concurrent);
	in_both(sequential);
	assert_true(reason_packets(w->skel, REASON_cookie_sent) > cookies + SEQUENTIAL);
	threshold(w->skel, 0);
}

static struct world world;

static int teardown(void **state)
{
	(void)state;
	if (world.server > 0) {
		/* With the connections that it still serves: their peers are gone. */
		kill(-world.server, SIGTERM);
		waitpid(world.server, NULL, 0);
	}
	namespaces_remove();
	polder__destroy(world.skel);
	return 0;
}

static int setup(void **state)
{
	int ready[2];
	char byte;

	*state = &world;
	namespaces_make();
	world.skel = harness_open_live();
	assert_int_equal(polder__load(world.skel), 0);
	fill(world.skel);
	world.root_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	enter(NODE);
	attach(world.skel, "w0");
	attach(world.skel, "l0");
	assert_int_equal(setns(world.root_namespace, CLONE_NEWNET), 0);
	assert_int_equal(pipe(ready), 0);
	world.server = fork();
	assert_true(world.server >= 0);
	if (world.server == 0) {
		(void)setpgid(0, 0);
		end_with_parent();
		enter(ORIGIN);
		serve(ready[1]);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_banner),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_toa),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sequential),
		cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_reused_port),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_direct),
	};

	return PACKET_TESTS(tests, setup, teardown);
}
