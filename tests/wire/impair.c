/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bad line: drops, duplicates and delays TCP packets at one interface, both ways, where the kernel has
 * no netem. It works inside a network namespace of a lab only, until it gets SIGTERM or SIGINT, and then
 * prints what it did as one JSON line.
 *
 *   impair LAB-NAMESPACE INTERFACE DROP DUPLICATE LATE MS     DROP, DUPLICATE, LATE: of 1,000 packets
 *
 * A packet program (impair.bpf.c) decides. What is to be late is redirected into one end of a veth pair; this
 * program reads it at the other, keeps it for up to MS milliseconds, so that later packets overtake it, and
 * sends it on: out of the interface, or back through the pair when it was on its way in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <bpf/libbpf.h>

#include "tests/wire/impair.h"
#include "impair.skel.h"

#define HELD_MAX  4096
#define FRAME_MAX 2048
#define NEAR	  "hold0"
#define FAR	  "hold1"
#define MAKE_LINKS                                                                                 \
	"set -e; ip link add " NEAR " type veth peer name " FAR "; ip link set " NEAR " up;"       \
	" ip link set " FAR " up; ethtool -K " NEAR " tx off tso off gso off >/dev/null;"          \
	" ethtool -K " FAR " tx off tso off gso off gro off >/dev/null"

struct held {
	int64_t due_us;
	size_t length;
	uint8_t frame[FRAME_MAX];
};

static struct held held[HELD_MAX];
static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "impair: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The machine's own interfaces are none of ours. */
static void enter(const char *name)
{
	char path[128];
	struct stat own, lab;
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &lab) < 0 || stat("/proc/self/ns/net", &own) < 0)
		die(path);
	if (own.st_ino == lab.st_ino) {
		fprintf(stderr, "impair: started inside a namespace already\n");
		exit(2);
	}
	if (setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

/* Protocol 0 hears nothing. */
static int packet_socket(unsigned int interface, uint16_t protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)interface };
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int mark = IMPAIR_MARK, on = 1, size = 16 << 20;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("packet socket");
	return fd;
}

static void attach(
	unsigned int interface, enum bpf_tc_attach_point point, struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
	int error = bpf_tc_hook_create(&hook);

	if ((error && error != -EEXIST) || bpf_tc_attach(&hook, &options))
		die("attach");
}

static void detach(unsigned int interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface,
		.attach_point = (enum bpf_tc_attach_point)(BPF_TC_INGRESS | BPF_TC_EGRESS));

	(void)bpf_tc_hook_destroy(&hook);
	(void)!system("ip link del " NEAR);
}

/* Takes what came to be held. Nothing is lost here: without room it goes on at once. */
static void take(int fd, int64_t delay_us, void (*send_on)(const struct held *))
{
	struct held now;
	ssize_t n;

	for (;;) {
		size_t i = 0;

		n = recv(fd, now.frame, sizeof(now.frame), 0);
		if (n < ETH_HLEN)
			return;
		now.length = (size_t)n;
		now.due_us = now_us() + (delay_us ? rand() % delay_us : 0);
		while (i < HELD_MAX && held[i].length)
			i++;
		if (i == HELD_MAX)
			send_on(&now);
		else
			memcpy(&held[i], &now, offsetof(struct held, frame) + now.length);
	}
}

static int near_fd, far_fd;
static uint8_t own_mac[ETH_ALEN];

static void send_on(const struct held *one)
{
	/* To our own address: it was on its way in. */
	const int fd = memcmp(one->frame, own_mac, ETH_ALEN) == 0 ? far_fd : near_fd;

	for (int i = 0; i < 20; i++) {
		if (send(fd, one->frame, one->length, 0) == (ssize_t)one->length)
			return;
		if (errno != EAGAIN && errno != ENOBUFS)
			break;
		usleep(100);
	}
	/* A full ring is one more loss. */
}

static void pass_time(int64_t delay_us)
{
	struct pollfd wait = { .fd = far_fd, .events = POLLIN };

	while (!ended) {
		const int64_t now = now_us();

		(void)poll(&wait, 1, 1);
		take(far_fd, delay_us, send_on);
		for (size_t i = 0; i < HELD_MAX; i++) {
			if (!held[i].length || held[i].due_us > now)
				continue;
			send_on(&held[i]);
			held[i].length = 0;
		}
	}
}

static uint32_t number(const char *text, long maximum)
{
	char *rest;
	const long n = strtol(text, &rest, 10);

	if (*rest || n < 0 || n > maximum) {
		fprintf(stderr, "impair: %s is no number up to %ld\n", text, maximum);
		exit(2);
	}
	return (uint32_t)n;
}

static void report(const struct impair *skel)
{
	static const char *const way[] = { "out", "in" };

	printf("{");
	for (int i = 0; i < 2; i++) {
		const __u64 *n = skel->bss->impaired[i];

		printf("%s\"%s\":{\"seen\":%" PRIu64 ",\"dropped\":%" PRIu64
		       ",\"duplicated\":%" PRIu64 ",\"late\":%" PRIu64 "}",
			i ? "," : "", way[i], (uint64_t)n[IMPAIR_SEEN], (uint64_t)n[IMPAIR_DROPPED],
			(uint64_t)n[IMPAIR_DUPLICATED], (uint64_t)n[IMPAIR_LATE]);
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_name = "" };
	unsigned int interface;
	struct impair *skel;

	if (argc != 7) {
		fprintf(stderr, "usage: impair LAB-NAMESPACE INTERFACE DROP DUPLICATE LATE MS\n");
		return 2;
	}
	enter(argv[1]);
	(void)signal(SIGTERM, end);
	(void)signal(SIGINT, end);
	interface = if_nametoindex(argv[2]);
	(void)libbpf_set_print(NULL); /* it calls a queueing discipline that is there an error */
	skel = impair__open();
	if (!interface || !skel || system(MAKE_LINKS) != 0)
		die(argv[2]);
	skel->rodata->drop_permille = number(argv[3], 1000);
	skel->rodata->duplicate_permille = number(argv[4], 1000);
	skel->rodata->late_permille = number(argv[5], 1000);
	skel->rodata->interface = interface;
	skel->rodata->hold = if_nametoindex(NEAR);
	if (impair__load(skel))
		die("load");
	near_fd = packet_socket(interface, 0);
	far_fd = packet_socket(if_nametoindex(FAR), ETH_P_ALL);
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[2]);
	if (ioctl(near_fd, SIOCGIFHWADDR, &request) < 0)
		die("link-layer address");
	memcpy(own_mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	attach(skel->rodata->hold, BPF_TC_INGRESS, skel->progs.impair_back);
	attach(interface, BPF_TC_INGRESS, skel->progs.impair_in);
	attach(interface, BPF_TC_EGRESS, skel->progs.impair_out);
	pass_time((int64_t)number(argv[6], 10000) * 1000);
	detach(interface);
	report(skel);
	impair__destroy(skel);
	return 0;
}
