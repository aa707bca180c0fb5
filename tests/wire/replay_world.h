/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a replay is made of: protected addresses and port rules, datagrams of a recording, what became of
 * them. The packet tests' harness is static, so one program includes it.
 */
#ifndef TESTS_WIRE_REPLAY_WORLD_H
#define TESTS_WIRE_REPLAY_WORLD_H

#include "tests/packet/mitigate.h"
#include "tests/wire/recording.h"

#include <stdbool.h>

#define REPLAY_MAP_MAX	 65536
#define REPLAY_FRAME_MAX 3200 /* what a test run takes is a page less head- and tailroom */
#define CONVERSATION_MAX 16384
#define FRAGMENT_KEPT	 256
#define SYNACK_MAX	 128
#define MADE_MSS	 1400
#define MADE_TS		 5000u /* before the first stamp that is seen */

static const char *const reason_name[REASON_COUNT] = {
#define REASON(name, verdict, text) [REASON_##name] = #name,
#include "shared/reasons.def"
#undef REASON
};
static const bool reason_drops[REASON_COUNT] = {
#define PASS			    false
#define DROP			    true
#define REASON(name, verdict, text) [REASON_##name] = verdict,
#include "shared/reasons.def"
#undef REASON
#undef DROP
#undef PASS
};

struct outcome {
	enum {
		OUTCOME_PASSED,
		OUTCOME_DROPPED,
		OUTCOME_CHANGED, /* it came out as another packet than it has to be */
		OUTCOME_SKIPPED
	} result;
	uint32_t number;
	enum reason reason;
	const char *kind; /* class of packet: "tcp", "udp", "icmp", "protocol" */
	char text[96];
};

/* An IP packet, cut to what its header says, with room to change it. */
struct datagram {
	uint8_t ip[REPLAY_FRAME_MAX];
	uint32_t length;
	uint32_t transport; /* offset */
	int version;
	uint8_t protocol;
	bool later; /* a fragment that is not the first */
	bool more;
	uint32_t id;
	struct address source, destination;
	uint16_t source_port, destination_port;
};

struct conversation {
	struct address client, server; /* as recorded */
	uint16_t client_port, server_port;
	uint8_t protocol;
	uint8_t stage;
	bool stamped; /* TCP timestamps */
	bool direct;  /* its SYN passed to the origin as it was */
	uint32_t cookie, our_stamp;
	uint32_t client_isn;
	uint32_t sequence_delta, stamp_delta;
};
enum {
	STAGE_NEW,
	STAGE_SYN, /* the client has its cookie */
	STAGE_OPEN
};

static struct conversation conversation[CONVERSATION_MAX];
static uint32_t conversations;
static int32_t conversation_hash[CONVERSATION_MAX * 4];
static struct {
	struct address source, destination;
	uint32_t id;
	uint8_t protocol;
	int32_t conversation;
	bool from_client;
} fragment_of[FRAGMENT_KEPT];
static uint32_t fragment_turn;
static uint64_t reason_seen[REASON_COUNT];
static bool replay_direct; /* below the instance's threshold of SYNs, or above it */

/* --- world ------------------------------------------------------------------------------------- */

static inline void replay_load(void)
{
	struct bpf_map *grown[7];

	skel = harness_open();
	grown[0] = skel->maps.vip;
	grown[1] = skel->maps.service;
	grown[2] = skel->maps.flow_tcp;
	grown[3] = skel->maps.flow_udp;
	grown[4] = skel->maps.reverse_tcp;
	grown[5] = skel->maps.reverse_udp;
	grown[6] = skel->maps.opening;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(bpf_map__set_max_entries(grown[i], REPLAY_MAP_MAX), 0);
	assert_int_equal(polder__load(skel), 0);
}

/* What an instance has by default: mitigations.def's modes. */
static inline struct vip replay_vip(void)
{
	struct vip vip = vip_protected();

#define OFF   0u
#define WATCH 1u
#define BLOCK 2u
#define MITIGATION(name, mode, text)                                                               \
	vip.mitigation_on |= (mode) ? MITIGATION_BIT(name) : 0;                                    \
	vip.mitigation_watch |= (mode) == WATCH ? MITIGATION_BIT(name) : 0;
#include "shared/mitigations.def"
#undef MITIGATION
#undef OFF
#undef WATCH
#undef BLOCK
	vip.flags = VIP_HAS_EXACT;
	vip.syn_threshold = replay_direct ? 1000000 : 0;
	return vip;
}

static inline void replay_reasons(void)
{
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		reason_seen[i] = reason_packets(skel, i);
}

/* A world without flows, services and protected addresses. */
static inline void replay_begin(void)
{
	struct settings s = settings_default();

	forget();
	map_clear(skel->maps.reverse_tcp);
	map_clear(skel->maps.reverse_udp);
	map_clear(skel->maps.flow_udp_kept);
	map_clear(skel->maps.reverse_udp_kept);
	map_clear(skel->maps.opening);
	map_clear(skel->maps.fragment);
	map_clear(skel->maps.service);
	map_clear(skel->maps.vip);
	map_clear(skel->maps.reflection);
	settings_set(skel, &s);
	source_set(skel, SOURCE4);
	source_set(skel, SOURCE6);
	transmit_set(skel, if_nametoindex("w0"));
	transmit_set(skel, if_nametoindex("l0"));
	conversations = 0;
	memset(conversation_hash, 0xff, sizeof(conversation_hash));
	memset(fragment_of, 0, sizeof(fragment_of));
	replay_reasons();
}

static inline uint32_t replay_conversations(void)
{
	return conversations;
}

static inline uint32_t hash_bytes(const void *data, size_t length)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

/* Recorded addresses are mostly private ones: clients get addresses of the Internet, servers of a pool. */
static inline struct address address_map(const struct address *recorded, bool client)
{
	const uint32_t h = hash_bytes(recorded->byte, 16);
	const bool ipv4 = recorded->word[0] == 0 && recorded->word[1] == 0 &&
			  recorded->word[2] == htonl(0xffff);
	struct address a = *recorded;

	if (ipv4) {
		a.byte[12] = client ? 8 : 45;
		put16(a.byte + 13, h >> 8 & 0xffff);
		a.byte[15] = (uint8_t)h;
		return a;
	}
	memset(a.byte, 0, 16);
	put32(a.byte, client ? 0x2a000001 : 0x2a010001);
	put32(a.byte + 8, h);
	put32(a.byte + 12, h);
	return a;
}

static inline void serve(const struct address *vip, uint8_t protocol, uint16_t port)
{
	const struct vip protected = replay_vip();
	struct service_key key = service_key_of(protocol, port);
	struct service service;

	map_set(skel->maps.vip, vip, &protected);
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service) == 0)
		return;
	service_set(skel, protocol, port, ORIGIN4, ORIGIN6, port);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.payload_max = PAYLOAD_UNBOUNDED;
	map_set(skel->maps.service, &key, &service);
}

/* --- datagrams ----------------------------------------------------------------------------------- */

static inline void datagram_chain(struct datagram *d)
{
	for (int i = 0; i < 8 && d->transport + 8 <= d->length; i++) {
		const uint8_t *at = d->ip + d->transport;

		if (d->protocol == IPPROTO_FRAGMENT) {
			d->later = get16(at + 2) >> 3;
			d->more = at[3] & 1;
			d->id = get32(at + 4);
			d->transport += 8;
		} else if (d->protocol == IPPROTO_HOPOPTS || d->protocol == IPPROTO_DSTOPTS ||
			   d->protocol == IPPROTO_ROUTING) {
			d->transport += 8 + at[1] * 8u;
		} else {
			return;
		}
		d->protocol = at[0];
		if (d->later)
			return;
	}
}

/*
 * Cut or filled with zeros to the length in its header. Recorded at its destination, it can have one hop left: it
 * had more at a node before that. false: it is larger than a test run takes.
 */
static inline bool datagram_take(const struct recording_packet *p, struct datagram *d)
{
	uint32_t length = p->ip[0] >> 4 == 4 ? get16(p->ip + 2) : 40 + get16(p->ip + 4);

	memset(d, 0, sizeof(*d));
	if (length < 40 && p->ip[0] >> 4 == 6)
		return false;
	if (length == 0) /* the sender's hardware was to cut it */
		length = p->captured;
	if (length > sizeof(d->ip) - 14)
		return false;
	memcpy(d->ip, p->ip, p->captured < length ? p->captured : length);
	d->length = length;
	d->version = p->ip[0] >> 4;
	if (d->version == 4) {
		d->source.byte[10] = d->source.byte[11] = 0xff;
		d->destination = d->source;
		memcpy(d->source.byte + 12, d->ip + 12, 4);
		memcpy(d->destination.byte + 12, d->ip + 16, 4);
		put16(d->ip + 2, length);
		d->protocol = d->ip[9];
		d->transport = (d->ip[0] & 15) * 4u;
		d->id = get16(d->ip + 4);
		d->later = get16(d->ip + 6) & 0x1fff;
		if (d->ip[8] == 1)
			d->ip[8] = 2;
		d->more = d->ip[6] & 0x20;
	} else {
		memcpy(d->source.byte, d->ip + 8, 16);
		memcpy(d->destination.byte, d->ip + 24, 16);
		d->protocol = d->ip[6];
		if (d->ip[7] == 1)
			d->ip[7] = 2;
		d->transport = 40;
		datagram_chain(d);
	}
	if (!d->later && (d->protocol == IPPROTO_TCP || d->protocol == IPPROTO_UDP) &&
		d->transport + 8 <= d->length) {
		d->source_port = (uint16_t)get16(d->ip + d->transport);
		d->destination_port = (uint16_t)get16(d->ip + d->transport + 2);
	}
	return true;
}

/* Checksums as a sender makes them, whatever the recording machine left to its hardware. */
static inline void datagram_checksums(struct datagram *d)
{
	static const uint8_t field[256] = {
		[IPPROTO_TCP] = 16, [IPPROTO_UDP] = 6, [IPPROTO_ICMP] = 2, [IPPROTO_ICMPV6] = 2
	};
	uint8_t *at = d->ip + d->transport;
	const uint32_t length = d->length - d->transport;
	uint16_t sum;

	if (d->version == 4 && (d->ip[0] & 15) >= 5 && d->transport <= d->length) {
		put16(d->ip + 10, 0);
		put16(d->ip + 10, (uint16_t)~sum_fold(sum_bytes(d->ip, d->transport)));
	}
	if (d->later || d->more || !field[d->protocol] ||
		d->transport + field[d->protocol] + 2 > d->length)
		return;
	if (d->protocol == IPPROTO_UDP && get16(at + 6) == 0)
		return;
	put16(at + field[d->protocol], 0);
	sum = d->protocol == IPPROTO_ICMP
		      ? sum_fold(sum_bytes(at, length))
		      : transport_sum(d->ip, d->version, d->protocol, at, length);
	sum = (uint16_t)~sum;
	put16(at + field[d->protocol], sum == 0 && d->protocol == IPPROTO_UDP ? 0xffff : sum);
}

static inline void datagram_address(
	struct datagram *d, const struct address *source, const struct address *destination)
{
	if (d->version == 4) {
		memcpy(d->ip + 12, source->byte + 12, 4);
		memcpy(d->ip + 16, destination->byte + 12, 4);
	} else {
		memcpy(d->ip + 8, source->byte, 16);
		memcpy(d->ip + 24, destination->byte, 16);
	}
}

/* Link-layer addresses, destination first. */
static const uint8_t to_wan[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
static const uint8_t to_origins[12] = { 2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4 };

/* Runs it as it is; it becomes what came out. Returns the verdict. */
static inline uint32_t datagram_run(struct datagram *d, bool from_client)
{
	static uint8_t in[REPLAY_FRAME_MAX + 14], out[REPLAY_FRAME_MAX + 512];
	struct xdp_md context = { .data_end = d->length + 14,
		.ingress_ifindex = if_nametoindex(from_client ? "w0" : "l0") };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_size_in = d->length + 14,
		.data_out = out, .data_size_out = sizeof(out), .ctx_in = &context,
		.ctx_size_in = sizeof(context));

	memcpy(in, from_client ? to_wan : to_origins, sizeof(to_wan));
	put16(in + 12, d->version == 4 ? ETH_P_IP : ETH_P_IPV6);
	memcpy(in + 14, d->ip, d->length);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_filter), &run), 0);
	assert_in_range(run.data_size_out, 14, REPLAY_FRAME_MAX + 14);
	d->length = run.data_size_out - 14;
	memcpy(d->ip, out + 14, d->length);
	return run.retval;
}

static inline enum reason replay_why(void)
{
	enum reason why = REASON_COUNT - 1;

	for (uint32_t i = 0; i < REASON_COUNT; i++) {
		const uint64_t now = reason_packets(skel, i);

		if (now != reason_seen[i] && reason_drops[i])
			why = (enum reason)i;
		reason_seen[i] = now;
	}
	return why;
}

static inline struct flow_key conversation_key(const struct conversation *c)
{
	struct flow_key key = { .source = address_map(&c->client, true),
		.destination = address_map(&c->server, false),
		.source_port = htons(c->client_port),
		.destination_port = htons(c->server_port) };

	return key;
}

#endif
