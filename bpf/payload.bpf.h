/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The beginning of what a packet carries, copied once for all that look into it: as many bytes behind the
 * TCP or UDP header as the farthest pattern wants. What is in it behind payload->length is of an earlier
 * packet: who reads asks for the length first.
 */
#ifndef BPF_PAYLOAD_BPF_H
#define BPF_PAYLOAD_BPF_H

#include "packet.bpf.h"

#define PAYLOAD_HEAD 512 /* a power of two, at least what follows: wide reads stay inside */
_Static_assert(PATTERN_OFFSET_MAX + PATTERN_BYTES_MAX + 8 <= PAYLOAD_HEAD, "the last pattern fits");

struct payload {
	__u32 length; /* of the whole payload */
	__u32 reserved;
	__u8 head[PAYLOAD_HEAD];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct payload);
} payload_scratch SEC(".maps");

/* Bytes of header before the payload; 0: what carries none. */
static __always_inline __u32 payload_header(const struct packet *p)
{
	if (p->fragment == FRAGMENT_LATER)
		return 0;
	if (p->protocol == IPPROTO_TCP)
		return p->tcp_length;
	return p->protocol == IPPROTO_UDP ? sizeof(struct udphdr) : 0;
}

/* The caller keeps offset within PATTERN_OFFSET_MAX + 8. */
static __always_inline __u64 payload_u64(const struct payload *payload, __u32 offset)
{
	return *(const __u64 *)&payload->head[offset];
}

/* NULL: the frame is shorter than it says, which never happens. */
static __always_inline struct payload *payload_load(
	struct xdp_md *ctx, struct packet *p, __u32 header, __u32 length)
{
	const __u32 most = PATTERN_OFFSET_MAX + PATTERN_BYTES_MAX;
	__u32 zero = 0, size = length < most ? length : most;
	struct payload *payload = bpf_map_lookup_elem(&payload_scratch, &zero);

	if (!payload)
		return NULL;
	payload->length = length;
	if (size && frame_copy(ctx, p->transport + header, payload->head, size, PAYLOAD_HEAD))
		return NULL;
	return payload;
}

#endif
