/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The header of the PROXY protocol, version 2 (the specification of HAProxy, section 2.2): who the
 * client is and where it went, in its own IP version whatever the origin's is.
 */
#ifndef BPF_PROXY_BPF_H
#define BPF_PROXY_BPF_H

#include "packet.bpf.h"

#define PROXY_HEAD 16
/* A field that says nothing (PP2_TYPE_NOOP), which makes the header's length a multiple of 8. */
#define PROXY_PADDING	  4
#define PROXY_NOOP	  0x04000100u
#define PROXY_LENGTH_IPV4 (PROXY_HEAD + 12)
#define PROXY_LENGTH_IPV6 (PROXY_HEAD + 36)
/* Version 2 and PROXY; family; what follows: STREAM or DGRAM is its low half. */
#define PROXY_FOURTH_IPV4 0x2110000cu
#define PROXY_FOURTH_IPV6 0x21200024u
#define PROXY_STREAM	  0x00010000u
#define PROXY_DGRAM	  0x00020000u

static __always_inline __u32 proxy_length(const struct flow_key *client)
{
	return address_is_ipv4(&client->source) ? PROXY_LENGTH_IPV4 : PROXY_LENGTH_IPV6;
}

/*
 * Writes it at "at". Returns the sum of its words, for a checksum, or -1 when it does not fit
 * before "end". kind: PROXY_STREAM or PROXY_DGRAM.
 */
static __always_inline __s64 proxy_write(
	void *at, void *end, const struct flow_key *client, __u32 kind)
{
	__be32 ports = (__u32)client->source_port | (__u32)client->destination_port << 16;
	__be32 *word = at;
	__u64 sum;

	if (at + PROXY_LENGTH_IPV4 > end)
		return -1;
	word[0] = bpf_htonl(0x0d0a0d0a);
	word[1] = bpf_htonl(0x000d0a51);
	word[2] = bpf_htonl(0x5549540a);
	sum = (__u64)word[0] + word[1] + word[2] + ports;
	if (address_is_ipv4(&client->source)) {
		word[3] = bpf_htonl(PROXY_FOURTH_IPV4 | kind);
		word[4] = client->source.word[3];
		word[5] = client->destination.word[3];
		word[6] = ports;
		return sum + word[3] + word[4] + word[5];
	}
	if (at + PROXY_LENGTH_IPV6 > end)
		return -1;
	word[3] = bpf_htonl(PROXY_FOURTH_IPV6 | kind);
	sum += word[3];
	for (int i = 0; i < 4; i++) {
		word[4 + i] = client->source.word[i];
		word[8 + i] = client->destination.word[i];
		sum += (__u64)word[4 + i] + word[8 + i];
	}
	word[12] = ports;
	return sum;
}

#endif
