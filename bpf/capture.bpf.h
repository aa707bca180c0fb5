/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Packets that somebody wants to see, with what became of them. The last step: a packet that was dropped is as
 * it came, one that was sent on is as it leaves. While no capture runs, this is one read.
 */
#ifndef BPF_CAPTURE_BPF_H
#define BPF_CAPTURE_BPF_H

#include "packet.bpf.h"

/* The reason that the capture asks for, with REASON_WATCHED or not; -1: none. */
static __always_inline int capture_reason(const struct packet *p, const struct capture *wanted)
{
	__u64 watched = (__u64)p->watched << REASON_block_list & wanted->reasons;

	if (wanted->instance && wanted->instance != p->instance)
		return -1;
	if (wanted->reasons >> (p->reason & 63) & 1)
		return p->reason;
	for (int reason = REASON_block_list; reason < REASON_forwarding_off; reason++) {
		if (watched >> reason & 1)
			return REASON_WATCHED | reason;
	}
	return -1;
}

static __noinline int capture_take(
	struct xdp_md *ctx, struct packet *p, struct capture *wanted, __s64 utc_offset_ns)
{
	__u32 length = ctx->data_end - ctx->data, size = length;
	struct packet_sample *out;
	int reason;

	if (!p || !wanted || (__s64)wanted->left <= 0)
		return 0;
	reason = capture_reason(p, wanted);
	if (reason < 0)
		return 0;
	out = bpf_ringbuf_reserve(&sample, sizeof(*out), 0);
	if (!out)
		return 0;
	/* CPUs may take one too many each: the reader has a bound of its own. */
	__sync_fetch_and_add(&wanted->left, -1);
	__builtin_memset(out, 0, sizeof(*out));
	out->time_ns = p->now_ns + utc_offset_ns;
	out->capture = wanted->id;
	out->instance = p->instance;
	out->reason = reason;
	out->ifindex = ctx->ingress_ifindex;
	out->length = length;
	if (size > SAMPLE_BYTES)
		size = SAMPLE_BYTES;
	if (!frame_copy(ctx, 0, out->frame, size, SAMPLE_BYTES))
		out->captured = size;
	bpf_ringbuf_submit(out, 0);
	return 1;
}

static __always_inline void capture_packet(
	struct xdp_md *ctx, struct packet *p, const struct settings *s)
{
	__u32 zero = 0;
	struct capture *wanted = bpf_map_lookup_elem(&capture, &zero);

	if (wanted && wanted->id)
		capture_take(ctx, p, wanted, s->utc_offset_ns);
}

#endif
