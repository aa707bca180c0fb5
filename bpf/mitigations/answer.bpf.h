/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What an origin answers to a UDP source that has proven nothing, in bytes: never more than the source has sent on
 * the flow. Who forges a source then gains nothing by it, whatever the service answers. For rules whose protocol is made
 * so, or whose clients prove themselves first; off unless chosen, because most honest first answers are larger
 * than their questions:
 *
 *   dns        answers are several times the query: with challenges (challenge.bpf.h) clients come by TCP first
 *   a2s        info and players are: with challenges clients prove themselves first
 *   quic       clients pad their first datagrams to 1,200 bytes, servers send up to three times as much
 *              before they have validated the address (RFC 9000 section 8.1): the first third passes, and the
 *              client goes on with its own retransmissions; slower, and bounded to once
 *   wireguard  the response (92 bytes) is shorter than the initiation (148): nothing is lost
 *   ntp        client and server modes are of one length: nothing is lost; monitoring answers are
 *   raknet     pings ask shortly for a server's name: lost; requests to connect are padded to the MTU: pass
 *   fivem      getinfo and getstatus ask shortly for much: lost
 *   dtls       the cookie exchange is made for this (RFC 6347 section 4.2.1); of the flight behind it what is too
 *              much is lost and sent again, until the client counts as proven
 *   any other  answers are lost where they outweigh the questions, until the client counts as proven: after
 *              answers over more than a second (proof.bpf.h), or by a TCP connection
 *
 * A flow keeps what may still be answered. IP packets are counted whole, as the client sees them, fragments too.
 */
#ifndef BPF_MITIGATIONS_ANSWER_BPF_H
#define BPF_MITIGATIONS_ANSWER_BPF_H

#include "bpf/flow.bpf.h"

#define ANSWER_UNBOUNDED 0xffffffffu /* of an allowed source, and while the mitigation is off */
#define ANSWER_MAX	 (1u << 30)
/* What an IPv4 packet gains when it becomes IPv6. */
#define ANSWER_GROWTH (sizeof(struct ipv6hdr) - sizeof(struct iphdr))

/* A client's datagram of this flow, which may be about to be entered. */
static __always_inline void answer_earn(struct packet *p, struct flow *flow)
{
	__u32 *left = &flow->scratch[SCRATCH_ANSWER_BYTES];

	if (!mitigation_wants(p, answer_bytes) || flow->limit_flags & FLOW_PROVEN) {
		if (*left != ANSWER_UNBOUNDED)
			*left = ANSWER_UNBOUNDED;
		return;
	}
	if (proof_look(p) == PROVEN_YES) {
		flow->limit_flags |= FLOW_PROVEN;
		return;
	}
	if (*left == ANSWER_UNBOUNDED)
		*left = 0;
	if (*left < ANSWER_MAX)
		*left += p->length;
}

/* A packet of the origin to this client: 0 or the reason to drop it. */
static __always_inline int answer_refuses(
	struct packet *p, struct flow *flow, const struct flow_key *client)
{
	__u32 *left = &flow->scratch[SCRATCH_ANSWER_BYTES], length = p->length;

	if (!mitigation_wants(p, answer_bytes) || flow->limit_flags & FLOW_PROVEN ||
		*left == ANSWER_UNBOUNDED)
		return 0;
	if (p->version == 4 && !address_is_ipv4(&client->source))
		length += ANSWER_GROWTH;
	if (length > *left)
		return mitigation_met(p, answer_bytes) ? REASON_answer_bytes : 0;
	*left -= length;
	return 0;
}

#endif
