/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What packets.c (maps), attach.c (links) and steer_program.c share.
 */
#ifndef AGENT_PACKETS_INTERNAL_H
#define AGENT_PACKETS_INTERNAL_H

#include <net/if.h>

#include "agent/packets.h"

struct bpf_map;
struct ring_buffer;
struct polder;

struct attached {
	unsigned ifindex; /* 0: not attached */
	int link;	  /* descriptor of the XDP link, or -1 */
	enum xdp_mode mode;
	bool missed; /* its absence was logged */
};

struct packet_reader {
	struct ring_buffer *ring;
	size_t size; /* of a record */
	bool (*take)(void *context, const void *record);
	void *context;
};

struct packets {
	const struct agent_settings *settings;
	struct polder *skeleton;
	int map[PACKET_MAP_COUNT];
	int lock; /* descriptor of the pin directory, locked */
	bool replaced;
	uint32_t cpus;
	struct ring_buffer *ring;
	void (*wanted)(void *context, const struct neighbour_wanted *wanted);
	void *wanted_context;
	struct packet_reader reader[PACKET_RING_COUNT];
	struct attached attached[NODE_INTERFACE_MAX];
};

#define PIN_PATH_SIZE 300
#define LINK_PREFIX   "link_" /* and the interface's name */
void pin_path(const struct agent_settings *settings, const char *prefix, const char *name,
	char out[PIN_PATH_SIZE]);
/* Is the map of this descriptor what the object asks for? */
bool packets_map_is_same(const struct bpf_map *map, int fd);
int packets_filter_fd(const struct packets *packets);
int packets_handshake_fd(const struct packets *packets);
int packets_out_fd(const struct packets *packets);
enum err attach_detach_all(const struct agent_settings *settings) MUST_USE;

#endif
