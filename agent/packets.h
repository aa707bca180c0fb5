/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path as the agent sees it: its maps, its programs, and where they are attached. packets.c, attach.c and
 * steer_program.c are the only files that know libbpf. Everything outlives the process through pins below
 * one directory; opening it again takes the same maps over.
 */
#ifndef AGENT_PACKETS_H
#define AGENT_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/settings.h"
#include "base/error.h"
#include "shared/packet_abi.h"

enum packet_map {
	PACKET_SETTINGS,
	PACKET_VIP,
	PACKET_VIP_COUNTER,
	PACKET_VIP_REASON,
	PACKET_REASON_COUNTER,
	PACKET_LIST_EXACT,
	PACKET_LIST_PREFIX,
	PACKET_SERVICE,
	PACKET_SOURCE,
	PACKET_FLOW_TCP,
	PACKET_FLOW_UDP,
	PACKET_REVERSE_TCP,
	PACKET_REVERSE_UDP,
	PACKET_FLOW_UDP_KEPT,
	PACKET_REVERSE_UDP_KEPT,
	PACKET_OPENING,
	PACKET_AWAITED,
	PACKET_TRANSMIT,
	PACKET_NEIGHBOUR,
	PACKET_REGION_EXACT,
	PACKET_REGION_PREFIX,
	PACKET_REGION_POLICY,
	PACKET_REFLECTION,
	PACKET_PATTERN,
	PACKET_SERVICE_STATE,
	PACKET_LIMIT_TCP,
	PACKET_LIMIT_UDP,
	PACKET_AUTO_BLOCK,
	PACKET_OFFENCE,
	PACKET_CAPTURE,
	PACKET_SAMPLE,
	PACKET_SIGHTING,
	PACKET_LOCAL_SERVICE,
	PACKET_LOCAL_COOKIE,
	PACKET_REQUEST_BAN,
	PACKET_RANGE,
	PACKET_MAP_COUNT,
};

enum xdp_mode {
	XDP_MODE_NONE = 0,
	XDP_MODE_NATIVE = 1,
	XDP_MODE_GENERIC = 2
};

struct packets;

/* Loads the programs; takes over pinned maps whose definition is the same, replaces others with a
 * warning, pins all. Nothing is attached yet. settings is kept by reference. ERR_CONFLICT: another
 * agent uses the directory. */
enum err packets_open(const struct agent_settings *settings, struct packets **out) MUST_USE;
void packets_close(struct packets *packets); /* leaves everything in force; NULL is fine */

/* Whether the path that is in force now reads other maps than these: attaching before they are filled
 * would lose packets. */
bool packets_are_new(const struct packets *packets);

/* Puts the loaded programs into force on every interface: replaces what an earlier agent attached in
 * one step, attaches elsewhere. To be called again now and then: attaches anew where an interface was
 * made anew or something else took a program off, and says true in *changed then. Interfaces that are no
 * longer in the settings are left. An interface that is absent is named once and tried again by the next call. */
enum err packets_attach(struct packets *packets, bool *changed) MUST_USE;
enum xdp_mode packets_mode(const struct packets *packets); /* the worst of all interfaces */
uint32_t packets_attached(const struct packets *packets);  /* interfaces */

/* Undoes all that packets_open and packets_attach left behind. */
enum err packets_detach(const struct agent_settings *settings) MUST_USE;

/* 0, or a negative errno: -ENOENT, -E2BIG (full), -ENOMEM. */
int packets_put(struct packets *packets, enum packet_map map, const void *key, const void *value);
int packets_get(struct packets *packets, enum packet_map map, const void *key, void *value);
int packets_delete(struct packets *packets, enum packet_map map, const void *key);
/* key may be NULL for the first; -ENOENT at the end. */
int packets_next_key(struct packets *packets, enum packet_map map, const void *key, void *next);
/* count entries at once; *done tells how many went in before the error. */
int packets_put_batch(struct packets *packets, enum packet_map map, const void *keys,
	const void *values, uint32_t count, uint32_t *done);
/* The next entries of a map: *count is room in, found out. cursor is zeroed before the first call.
 * -ENOENT: the last ones; -ENOSPC: room is less than one bucket. */
struct packet_cursor {
	bool started;
	union {
		uint8_t key[64];
		uint64_t align;
	} at;
};
int packets_read(struct packets *packets, enum packet_map map, struct packet_cursor *cursor,
	void *keys, void *values, uint32_t *count);

/* The most entries that the map can hold. */
uint32_t packets_room(const struct packets *packets, enum packet_map map);

/* Runs polder_adjust. 0 or a negative errno. */
int packets_adjust(struct packets *packets, const struct adjust *change);

/* Runs polder_end for a TCP flow. 0 or a negative errno. */
int packets_end(struct packets *packets, const struct flow_key *key);

/* Runs polder_retry for a flow of PACKET_OPENING or PACKET_AWAITED. 0 or a negative errno. */
int packets_retry(struct packets *packets, const struct flow_key *key);

/* Records of the packet path's rings, each given to take, until there are no more or take says false: that
 * one was taken still. */
enum packet_ring {
	PACKET_RING_OFFENCE,  /* struct offence */
	PACKET_RING_SAMPLE,   /* struct packet_sample */
	PACKET_RING_SIGHTING, /* struct sighting */
	PACKET_RING_COUNT
};
void packets_take(struct packets *packets, enum packet_ring ring,
	bool (*take)(void *context, const void *record), void *context);

/* Per-CPU values hold so many copies, each rounded up to 8 bytes. */
uint32_t packets_cpus(const struct packets *packets);
uint64_t packets_bytes(const struct packets *packets); /* kernel memory of all maps */

/* Next hops that the packet path wants: a descriptor to poll, and the reader. */
int packets_neighbour_fd(const struct packets *packets);
void packets_neighbours(struct packets *packets,
	void (*wanted)(void *context, const struct neighbour_wanted *wanted), void *context);

#endif
