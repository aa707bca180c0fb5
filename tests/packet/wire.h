/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frames: built from a description, run through polder_filter, and taken apart again. frame_parse()
 * trusts nothing that the program wrote: lengths must agree and every checksum is computed anew.
 */
#ifndef TESTS_PACKET_WIRE_H
#define TESTS_PACKET_WIRE_H

#include "harness.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define FIN	   0x01
#define SYN	   0x02
#define RST	   0x04
#define PSH	   0x08
#define ACK	   0x10
#define URG	   0x20
#define ECE	   0x40
#define CWR	   0x80

#define CLIENT_MAC "\x02\x00\x00\x00\x00\x01"
#define WAN_MAC	   "\x02\x00\x00\x00\x00\x02"
#define ORIGIN_MAC "\x02\x00\x00\x00\x00\x04"

#define VIP4	   "10.201.9.1"
#define VIP6	   "fd09::1"
#define CLIENT4	   "10.201.1.2"
#define CLIENT6	   "fd01::2"
#define ORIGIN4	   "10.201.2.2"
#define ORIGIN6	   "fd02::2"
#define SOURCE4	   "10.201.3.1"
#define SOURCE6	   "fd03::1"

#define FRAME_MAX  2048

struct frame {
	uint8_t byte[FRAME_MAX];
	uint32_t size;
	uint32_t ifindex; /* where it arrives */
};

/* What a frame is built from; zero means the usual. */
struct wire {
	const char *source;
	const char *destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t protocol;
	uint8_t hop_limit; /* 0: 64 */
	uint8_t flags;	   /* TCP */
	uint8_t option_length;
	uint8_t option[40];
	uint32_t sequence;
	uint32_t acknowledgement;
	uint16_t window;
	uint16_t payload;	  /* bytes of a pattern */
	uint16_t fragment;	  /* offset in 8 bytes; later fragments carry payload only */
	uint8_t more;		  /* more fragments */
	uint8_t no_checksum;	  /* UDP */
	uint8_t extension_length; /* bytes of IPv4 options or of IPv6 destination options */
	uint8_t routed; /* of 8 bytes of these: a source route of IPv4, a routing header of IPv6 */
	uint8_t vlan;	/* tags, 0 to 2 */
	uint8_t traffic_class;
	uint32_t id; /* of the datagram */
};

struct parsed {
	struct address source;
	struct address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t hop_limit;
	uint8_t traffic_class;
	uint8_t flags;
	uint8_t protocol;
	uint32_t sequence;
	uint32_t acknowledgement;
	uint16_t window;
	uint32_t option_length;
	const uint8_t *option;
	const uint8_t *payload;
	uint32_t payload_length;
	const uint8_t *ethernet;
};

/* Bytes that are no text, whatever they look like. */
static inline void bytes_copy(uint8_t *to, const void *from, size_t count)
{
	memcpy(to, from, count);
}

static inline uint64_t sum_bytes(const uint8_t *p, uint32_t length)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += (uint64_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static inline uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Sum over pseudo header and transport: 0xffff when the checksum inside is right. */
static inline uint16_t transport_sum(
	const uint8_t *ip, int version, uint8_t protocol, const uint8_t *transport, uint32_t length)
{
	uint64_t sum = protocol + length;

	sum += version == 4 ? sum_bytes(ip + 12, 8) : sum_bytes(ip + 8, 32);
	return sum_fold(sum + sum_bytes(transport, length));
}

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static inline uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* Writes the transport header without checksum; returns its length. */
static inline uint32_t wire_transport(const struct wire *w, uint8_t *at)
{
	switch (w->protocol) {
	case IPPROTO_TCP:
		put16(at, w->source_port);
		put16(at + 2, w->destination_port);
		put32(at + 4, w->sequence);
		put32(at + 8, w->acknowledgement);
		at[12] = (uint8_t)((20 + w->option_length) / 4 << 4);
		at[13] = w->flags;
		put16(at + 14, w->window ? w->window : 500);
		memcpy(at + 20, w->option, w->option_length);
		return 20u + w->option_length;
	case IPPROTO_UDP:
		put16(at, w->source_port);
		put16(at + 2, w->destination_port);
		put16(at + 4, 8u + w->payload + (w->more ? 1000u : 0));
		return 8;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = w->protocol == IPPROTO_ICMP ? 8 : 128;
		put32(at + 4, 0x12340001);
		return 8;
	default:
		return 0;
	}
}

static inline void wire_checksum(
	const struct wire *w, const uint8_t *ip, int version, uint8_t *at, uint32_t length)
{
	static const uint8_t offset[256] = {
		[IPPROTO_TCP] = 16, [IPPROTO_UDP] = 6, [IPPROTO_ICMP] = 2, [IPPROTO_ICMPV6] = 2
	};
	uint8_t *field = at + offset[w->protocol];
	uint16_t sum;

	if (!offset[w->protocol] || w->no_checksum)
		return;
	sum = w->protocol == IPPROTO_ICMP ? sum_fold(sum_bytes(at, length))
					  : transport_sum(ip, version, w->protocol, at, length);
	sum = (uint16_t)~sum;
	put16(field, sum == 0 && w->protocol == IPPROTO_UDP ? 0xffff : sum);
}

static inline uint8_t *wire_ipv4(const struct wire *w, uint8_t *ip, uint32_t body)
{
	struct address source = address_of(w->source), destination = address_of(w->destination);
	uint32_t header = 20u + w->extension_length;

	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = w->traffic_class;
	put16(ip + 2, header + body);
	put16(ip + 4, w->id);
	put16(ip + 6, (w->more ? 0x2000u : 0) | w->fragment);
	ip[8] = w->hop_limit ? w->hop_limit : 64;
	ip[9] = w->protocol;
	memcpy(ip + 12, &source.byte[12], 4);
	memcpy(ip + 16, &destination.byte[12], 4);
	memset(ip + 20, 1, w->extension_length); /* NOP */
	if (w->routed)
		bytes_copy(ip + 20, "\x83\x07\x08\xc0\x00\x02\x01", 7);
	put16(ip + 10, (uint16_t)~sum_fold(sum_bytes(ip, header)));
	return ip + header;
}

static inline uint8_t *wire_ipv6(const struct wire *w, uint8_t *ip, uint32_t body)
{
	struct address source = address_of(w->source), destination = address_of(w->destination);
	uint32_t fragment = w->more || w->fragment ? 8 : 0;
	uint8_t *at = ip + 40, *next = ip + 6;

	put32(ip, 0x60000000 | (uint32_t)w->traffic_class << 20);
	put16(ip + 4, w->extension_length + fragment + body);
	ip[7] = w->hop_limit ? w->hop_limit : 64;
	memcpy(ip + 8, source.byte, 16);
	memcpy(ip + 24, destination.byte, 16);
	if (w->extension_length) {
		*next = w->routed ? IPPROTO_ROUTING : IPPROTO_DSTOPTS;
		next = at;
		at[1] = (uint8_t)(w->extension_length / 8 - 1);
		at[2] = w->routed ? 0 : 1; /* type 0; PadN */
		at[3] = w->routed ? 0 : (uint8_t)(w->extension_length - 4);
		at += w->extension_length;
	}
	if (fragment) {
		*next = IPPROTO_FRAGMENT;
		next = at;
		put16(at + 2, (uint32_t)w->fragment << 3 | (w->more ? 1 : 0));
		put32(at + 4, w->id);
		at += 8;
	}
	*next = w->protocol;
	return at;
}

static inline struct frame frame_build(const struct wire *w)
{
	struct frame f = { .ifindex = if_nametoindex("w0") };
	int version = strchr(w->source, ':') ? 6 : 4;
	uint8_t body[FRAME_MAX] = { 0 }, *ip = f.byte + 12, *at;
	uint32_t header = w->fragment ? 0 : wire_transport(w, body), length;

	for (uint32_t i = 0; i < w->payload; i++)
		body[header + i] = (uint8_t)(i * 5 + 3);
	length = header + w->payload;
	memcpy(f.byte, WAN_MAC, 6);
	memcpy(f.byte + 6, CLIENT_MAC, 6);
	for (int i = 0; i < w->vlan; i++, ip += 4)
		put32(ip, 0x81000000u + 100u + (uint32_t)i);
	put16(ip, version == 4 ? ETH_P_IP : ETH_P_IPV6);
	ip += 2;
	at = version == 4 ? wire_ipv4(w, ip, length) : wire_ipv6(w, ip, length);
	memcpy(at, body, length);
	if (!w->fragment)
		wire_checksum(w, ip, version, at, length);
	f.size = (uint32_t)(at + length - f.byte);
	return f;
}

/* Runs the frame; it becomes what the program made of it. Returns the verdict. */
static inline uint32_t frame_run(struct polder *skel, struct frame *f)
{
	struct xdp_md context = { .data_end = f->size, .ingress_ifindex = f->ifindex };
	static uint8_t out[FRAME_MAX + 512];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->byte, .data_size_in = f->size,
		.data_out = out, .data_size_out = sizeof(out), .ctx_in = &context,
		.ctx_size_in = sizeof(context));

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_filter), &run), 0);
	assert_true(run.data_size_out <= FRAME_MAX);
	memcpy(f->byte, out, run.data_size_out);
	f->size = run.data_size_out;
	return run.retval;
}

static inline const uint8_t *parse_chain(
	const uint8_t *ip, const uint8_t *at, struct parsed *out, int *later)
{
	out->protocol = ip[6];
	for (;;) {
		if (out->protocol == IPPROTO_FRAGMENT)
			*later = get16(at + 2) >> 3 != 0;
		else if (out->protocol != IPPROTO_DSTOPTS)
			return at;
		out->protocol = at[0];
		at += out->protocol == IPPROTO_FRAGMENT || at[0] == 0 ? 8 : 8 + at[1] * 8;
	}
}

static inline void parse_ports(const uint8_t *at, uint32_t length, struct parsed *out)
{
	out->payload = at;
	out->payload_length = length;
	if (out->protocol != IPPROTO_TCP && out->protocol != IPPROTO_UDP)
		return;
	out->source_port = (uint16_t)get16(at);
	out->destination_port = (uint16_t)get16(at + 2);
	out->payload += 8;
	out->payload_length = length - 8;
	if (out->protocol == IPPROTO_UDP)
		return;
	out->sequence = get32(at + 4);
	out->acknowledgement = get32(at + 8);
	out->option_length = (at[12] >> 4) * 4u - 20;
	out->option = at + 20;
	out->flags = at[13];
	out->window = (uint16_t)get16(at + 14);
	out->payload = at + 20 + out->option_length;
	out->payload_length = length - 20 - out->option_length;
}

/* What is parsed points into a copy, which the next PARSE_KEPT calls leave alone. */
#define PARSE_KEPT 8
static inline const struct frame *frame_keep(const struct frame *f)
{
	static struct frame kept[PARSE_KEPT];
	static uint32_t turn;
	struct frame *at = &kept[turn++ % PARSE_KEPT];

	*at = *f;
	return at;
}

/* Checks lengths and checksums; "partial": the transport checksum covers what is not here. */
static inline struct parsed frame_parse_as(const struct frame *given, int partial)
{
	const struct frame *f = frame_keep(given);
	struct parsed out = { .ethernet = f->byte };
	const uint8_t *ip = f->byte + 14, *at;
	int version, later = 0;
	uint32_t length;

	while (get16(ip - 2) == ETH_P_8021Q)
		ip += 4;
	version = ip[0] >> 4;
	if (version == 4) {
		uint32_t header = (ip[0] & 15) * 4u;

		assert_int_equal(sum_fold(sum_bytes(ip, header)), 0xffff);
		out.source.byte[10] = out.source.byte[11] = 0xff;
		out.destination = out.source;
		memcpy(&out.source.byte[12], ip + 12, 4);
		memcpy(&out.destination.byte[12], ip + 16, 4);
		out.hop_limit = ip[8];
		out.traffic_class = ip[1];
		out.protocol = ip[9];
		later = (get16(ip + 6) & 0x1fff) != 0;
		at = ip + header;
		length = get16(ip + 2) - header;
	} else {
		assert_int_equal(version, 6);
		memcpy(out.source.byte, ip + 8, 16);
		memcpy(out.destination.byte, ip + 24, 16);
		out.hop_limit = ip[7];
		out.traffic_class = (uint8_t)(get16(ip) >> 4);
		at = parse_chain(ip, ip + 40, &out, &later);
		length = get16(ip + 4) - (uint32_t)(at - (ip + 40));
	}
	assert_true(at + length <= f->byte + f->size);
	if (later) {
		out.payload = at;
		out.payload_length = length;
		return out;
	}
	if (!partial && out.protocol == IPPROTO_ICMP)
		assert_int_equal(sum_fold(sum_bytes(at, length)), 0xffff);
	else if (!partial && !(out.protocol == IPPROTO_UDP && !get16(at + 6)))
		assert_int_equal(transport_sum(ip, version, out.protocol, at, length), 0xffff);
	parse_ports(at, length, &out);
	return out;
}

static inline struct parsed frame_parse(const struct frame *f)
{
	return frame_parse_as(f, 0);
}

static inline void assert_address(const struct address *a, const char *text)
{
	struct address want = address_of(text);

	assert_memory_equal(a->byte, want.byte, sizeof(want.byte));
}

/* A network of our own: w0 toward clients, l0 toward origins, neighbours known for ever. */
static inline void network_make(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(
		system("set -e; ip link add w0 address 02:00:00:00:00:02 type veth peer w1;"
		       "ip link add l0 address 02:00:00:00:00:03 type veth peer l1;"
		       "ip addr add 10.201.1.1/24 dev w0;"
		       "ip addr add fd01::1/64 dev w0 nodad;"
		       "ip addr add 10.201.2.1/24 dev l0;"
		       "ip addr add fd02::1/64 dev l0 nodad;"
		       "for i in w0 w1 l0 l1; do ip link set $i up; done;"
		       "ip neigh add 10.201.2.2 lladdr 02:00:00:00:00:04 dev l0;"
		       "ip neigh add fd02::2 lladdr 02:00:00:00:00:04 dev l0;"
		       "echo 1 >/proc/sys/net/ipv4/ip_forward;"
		       "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"),
		0);
}

/* Protected addresses, back-to-origin addresses, TCP 80 and UDP 53 with an origin each. */
static inline void fill(struct polder *skel)
{
	struct settings s = settings_default();
	struct vip vip = vip_protected();

	settings_set(skel, &s);
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	source_set(skel, SOURCE4);
	source_set(skel, SOURCE6);
	service_set(skel, IPPROTO_TCP, 80, ORIGIN4, ORIGIN6, 8080);
	service_set(skel, IPPROTO_UDP, 53, ORIGIN4, ORIGIN6, 5353);
	transmit_set(skel, if_nametoindex("w0"));
	transmit_set(skel, if_nametoindex("l0"));
}

static inline struct polder *world_make(void)
{
	struct polder *skel = harness_load();

	fill(skel);
	return skel;
}

/* A packet of the client to TCP 80 or UDP 53, IPv4 or IPv6. */
static inline struct wire from_client(int version, uint8_t protocol)
{
	struct wire w = {
		.source = version == 4 ? CLIENT4 : CLIENT6,
		.destination = version == 4 ? VIP4 : VIP6,
		.source_port = 40000,
		.destination_port = protocol == IPPROTO_TCP ? 80 : 53,
		.protocol = protocol,
	};

	return w;
}

/* The origin's answer to what the node sent it. */
static inline struct wire from_origin(const struct parsed *sent, int version)
{
	struct wire w = {
		.source = version == 4 ? ORIGIN4 : ORIGIN6,
		.destination = version == 4 ? SOURCE4 : SOURCE6,
		.source_port = sent->destination_port,
		.destination_port = sent->source_port,
		.protocol = sent->protocol,
	};

	return w;
}

static inline struct frame origin_frame(const struct wire *w)
{
	struct frame f = frame_build(w);

	f.ifindex = if_nametoindex("l0");
	memcpy(f.byte + 6, ORIGIN_MAC, 6);
	return f;
}

static inline struct flow_key key_of(const struct wire *w)
{
	struct flow_key key = {
		.source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port),
	};

	return key;
}

/* The program under test, in the network of network_make. */
static struct polder *skel;

static inline int world_setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	return 0;
}

static inline int world_teardown(void **state)
{
	(void)state;
	polder__destroy(skel);
	return 0;
}

/* TEST(name): name(4) and name(6), each time in a world as it was. */
static inline void each_version(void (*body)(int version))
{
	body(4);
	body(6);
}

#define TEST(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		fill(skel);                                                                        \
		each_version(name);                                                                \
	}

#endif
