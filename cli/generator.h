/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's traffic generator: one kind of packet, so many a second, for so long, from the attacker's
 * namespace to a protected address. It works nowhere else: see generator_permitted.
 */
#ifndef CLI_GENERATOR_H
#define CLI_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/generator_abi.h"
#include "cli/lab.h"

#define GENERATOR_SECONDS_MAX 60
#define GENERATOR_PPS_MAX     1000000
#define FRAME_MAX	      1600

/* What a drill sends. A drill may have several frames, sent in turn. */
struct frame {
	_Alignas(16) uint8_t align[2]; /* so that the IP header, 14 bytes in, is aligned */
	uint8_t data[FRAME_MAX];
	uint32_t length;
	struct generator_shape shape; /* vary, transport, sums; not ifindex */
};
struct target {
	uint8_t address[16];
	uint16_t tcp_port, udp_port; /* host order; of rules, or some port */
};
struct drill {
	const char *name;
	const char *summary;
	int64_t pps; /* unless told otherwise */
	int version; /* 4, 6 */
	uint32_t frame_count;
	void (*build)(const struct target *target, uint32_t i, struct frame *out);
	const char *block_source; /* the drill puts this address on the block-list meanwhile */
};
extern const struct drill drills[]; /* ends with a NULL name */
const struct drill *drill_find(const char *name);

/* ---- generator.c */

/* Whether this namespace and interface are of the lab: the namespace is the one that `lab up` made for the
 * attacker, is not that of process 1, and the lab made the interface. why (100 bytes) says what is wrong. */
bool generator_permitted(const struct lab *lab, uint64_t own_cookie, uint64_t first_cookie,
	const char *interface, char why[100]);
/* Whether address is in the lab's pool of protected addresses. */
bool generator_target_permitted(const uint8_t address[16]);

struct generator_result {
	uint64_t packets, bytes;
	int64_t took_ms;
};
/* Runs in the calling process, which must be in the attacker's namespace. false: said why. */
bool generator_run(const struct lab *lab, const struct drill *drill, const struct target *target,
	int64_t seconds, int64_t pps, struct generator_result *out);

/*
 * Attaches a program that lets everything pass, but for replies to the drills' made-up sources, to an
 * interface of the calling process's namespace and pins it at path. veth delivers what its peer sends back by XDP_TX only while a program is attached on
 * the receiving side; a real card needs nothing of the kind.
 */
bool passive_attach(const char *interface, const char *path);

/* Finishes a frame: Ethernet addresses of node, sums for what varies. */
void frame_finish(struct frame *frame);

#endif
