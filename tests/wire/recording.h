/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorded traffic: pcap and pcapng files, either byte order, as a row of IP packets. Link layers that
 * carry IP in a known place are taken off: Ethernet (VLAN, MPLS, PPPoE), Linux "cooked", PPP, Cisco HDLC,
 * BSD loopback, raw IP. Frames of anything else are counted by their number and left out.
 */
#ifndef TESTS_WIRE_RECORDING_H
#define TESTS_WIRE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording {
	uint8_t *data;
	size_t size;
	size_t at;
	bool swapped;	   /* the other byte order */
	bool blocks;	   /* pcapng */
	uint32_t link[16]; /* of the interfaces of a pcapng section; pcap has one */
	uint32_t link_count;
	uint32_t number; /* of the frame at hand, from 1 */
};

struct recording_packet {
	const uint8_t *ip;
	uint32_t captured; /* bytes that are there */
	uint32_t number;
};

/* Reads the file whole. false: it is not there or no recording. */
bool recording_open(struct recording *out, const char *path);
/* The next IP packet, valid until recording_close(). false: the end, also of a file that breaks off. */
bool recording_next(struct recording *recording, struct recording_packet *out);
void recording_close(struct recording *recording);

#endif
