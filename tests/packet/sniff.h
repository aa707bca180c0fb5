/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What really leaves: polder_retry sends by itself, and what it sends is read at the other end of the
 * veth pairs of network_make(). l1 is where origins are, w1 where clients are.
 */
#ifndef TESTS_PACKET_SNIFF_H
#define TESTS_PACKET_SNIFF_H

#include "talk.h"

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <poll.h>
#include <sys/socket.h>

#define SNIFF_WAIT_MS 2000
#define SNIFF_SILENCE_MS                                                                           \
	30 /* nothing is under way: what is sent has arrived when the call returns */

static inline int sniff_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int client_link, origin_link;

static inline int sniff_setup(void **state)
{
	(void)world_setup(state);
	client_link = sniff_open("w1");
	origin_link = sniff_open("l1");
	return 0;
}

static inline int sniff_teardown(void **state)
{
	close(client_link);
	close(origin_link);
	return world_teardown(state);
}

/* The next TCP frame that arrives there; 0: none. Neighbour discovery and the like are passed over. */
static inline int sniff_tcp(int fd, int wait_ms, struct frame *f)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, wait_ms) > 0) {
		struct sockaddr_ll from = { .sll_pkttype = PACKET_OUTGOING };
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(
			fd, f->byte, sizeof(f->byte), 0, (struct sockaddr *)&from, &length);
		uint32_t type;

		assert_true(n > 0);
		f->size = (uint32_t)n;
		type = get16(f->byte + 12);
		if (from.sll_pkttype != PACKET_OUTGOING &&
			((type == ETH_P_IP && f->byte[23] == IPPROTO_TCP) ||
				(type == ETH_P_IPV6 && f->byte[20] == IPPROTO_TCP)))
			return 1;
	}
	return 0;
}

static inline struct parsed sniff(int fd)
{
	struct frame f;

	assert_true(sniff_tcp(fd, SNIFF_WAIT_MS, &f));
	return frame_parse(&f);
}

static inline void assert_silent(int fd)
{
	struct frame f;

	assert_false(sniff_tcp(fd, SNIFF_SILENCE_MS, &f));
}

static inline int opening_of(const struct wire *w, struct opening *out)
{
	struct flow_key key = key_of(w);

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.opening), &key, out) == 0;
}

/* What polder_filter has passed up; the frame becomes what goes to the origin. Returns the verdict. */
static inline uint32_t handshake_of(struct frame *f)
{
	static uint8_t out[FRAME_MAX + 512];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->byte, .data_size_in = f->size,
		.data_out = out, .data_size_out = sizeof(out));

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_handshake), &run), 0);
	assert_true(run.data_size_out <= FRAME_MAX);
	memcpy(f->byte, out, run.data_size_out);
	f->size = run.data_size_out;
	return run.retval;
}

/* As the agent does it. */
static inline void retry_run(const struct wire *w)
{
	struct flow_key key = key_of(w);
	uint8_t frame[ETH_HLEN + sizeof(key)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	put16(frame + 12, strchr(w->source, ':') ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(frame + ETH_HLEN, &key, sizeof(key));
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_retry), &run), 0);
}

/* Time passes: what is noted for the flow is due. */
static inline void retry_due(const struct wire *w)
{
	struct flow_key key = key_of(w);
	struct opening value;

	assert_true(opening_of(w, &value));
	value.due_ns = (uint64_t)boot_ns();
	map_set(skel->maps.opening, &key, &value);
	retry_run(w);
}

#endif
