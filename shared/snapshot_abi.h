/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between control/ and agent/: what a node should do (snapshot) and what it does
 * (report). Over HTTP on the control's node socket:
 *
 *   GET /v1/snapshot?node=NAME&generation=G&wait=MS
 *     200, application/octet-stream: header + records. Blocks up to MS (at most 25,000) while there
 *     is nothing newer than G and the clock offset is unchanged, then 204. G = 0 asks for all.
 *     The header's flag SNAPSHOT_FULL says whether records replace (full) or change (difference)
 *     what the node has. Fetching with G confirms that the node has applied G. "&offset=MS" may name
 *     the clock offset that the node has; without it, it is what was last sent or reported.
 *   POST /v1/report?node=NAME   body: header + records of the report kinds; 204.
 *
 * All integers little endian (x86-64 and arm64 as they are), structs packed by construction (no
 * implicit padding), each record begins with {type, length} and length counts itself, a multiple
 * of 8. An unknown type is refused: node and control are upgraded control first, and the header's
 * version says what is spoken. Within a difference, removals come before other records.
 */
#ifndef SHARED_SNAPSHOT_ABI_H
#define SHARED_SNAPSHOT_ABI_H

#include <stdint.h>

#include "packet_abi.h"

#define SNAPSHOT_MAGIC	 0x53444c50u /* "PLDS" */
#define SNAPSHOT_VERSION 2
#define SNAPSHOT_FULL	 1u

struct snapshot_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint64_t base_generation; /* difference: applies to a node that has this one */
	uint64_t generation;	  /* after applying */
	int64_t life_offset_ms;	  /* life-cycle time = machine UTC + this */
	uint64_t control_boot;	  /* random, new at each start of the control */
	uint32_t record_count;
	uint32_t byte_count;	   /* of all records, without this header */
	uint8_t cookie_secret[32]; /* SYN cookie epoch keys are derived from it */
};
static_assert(sizeof(struct snapshot_header) == 80, "wire format");

enum record_type {
	RECORD_REMOVE = 1,
	RECORD_INSTANCE = 2,
	RECORD_SERVICE = 3,
	RECORD_LIST = 4,
	/* reports */
	RECORD_NODE = 16,
	RECORD_SOURCE = 17,
	RECORD_TRAFFIC = 18,
	RECORD_REASON = 19,
	RECORD_REFUSED = 20,
};

struct record {
	uint16_t type;
	uint16_t length;
	uint32_t id; /* number of the object within its type, never 0, never reused */
};

/* What was removed: type of the object. Removing what the node does not have is no error. */
struct record_remove {
	struct record record;
	uint32_t removed_type; /* RECORD_INSTANCE, RECORD_SERVICE or RECORD_LIST */
	uint32_t reserved;
};

/* Removing an instance removes its services and list entries at the node too. */
struct record_instance {
	struct record record;
	int64_t mitigation_until_ms; /* life-cycle time */
	int64_t forward_until_ms;
	uint32_t vip_count;
	uint32_t reserved;
	struct address vip[INSTANCE_VIP_MAX];
};

struct record_origin {
	struct address address;
	uint16_t port;	 /* host order */
	uint16_t weight; /* 0..100; 0: no new flows */
	uint32_t reserved;
};
struct record_service {
	struct record record;
	uint32_t instance;
	uint16_t port; /* host order */
	uint8_t protocol;
	uint8_t origin_count; /* so many struct record_origin follow */
	uint32_t idle_seconds;
	uint32_t persistence_seconds; /* 0: off, else 30..3600 */
	uint16_t payload_min;	      /* bytes of payload that packets may have */
	uint16_t payload_max;	      /* at least payload_min; PAYLOAD_UNBOUNDED: any */
	uint32_t reserved;
	struct record_origin origin[];
};
static_assert(sizeof(struct record_service) == 32, "wire format");

enum list_kind {
	LIST_ALLOW = 1,
	LIST_BLOCK = 2
};
struct record_list {
	struct record record;
	uint32_t instance;
	uint8_t kind;	     /* enum list_kind */
	uint8_t prefix_bits; /* 0..128, of the mapped address: 128 is one address */
	uint16_t reserved;
	int64_t until_ms; /* machine UTC; INT64_MAX: for ever */
	struct address source;
};

/* Report: one RECORD_NODE first, then any number of the others. */
struct record_node {
	struct record record;
	uint64_t generation;	/* applied */
	int64_t life_offset_ms; /* in force in the packet path */
	uint64_t agent_boot;	/* random, new at each start of the agent */
	uint64_t map_bytes;	/* kernel memory of the maps */
	uint32_t vip_count;	/* in the packet path now */
	uint32_t service_count;
	uint32_t list_count;
	uint32_t xdp_mode; /* 1 native, 2 generic */
};
struct record_source { /* a back-to-origin prefix of the node */
	struct record record;
	struct address address;
	uint32_t prefix_bits; /* of the mapped address */
	uint32_t reserved;
};
struct record_traffic { /* id = instance; totals since the map was made; only instances with change */
	struct record record;
	struct counter in, dropped, out;
	int64_t last_in_ms; /* machine UTC of the last packet to the instance */
};
struct record_reason { /* id = reason + 1; totals of the node */
	struct record record;
	struct counter counter;
	char name[32]; /* of reasons.def, NUL-padded */
};
struct record_refused { /* id and refused_type: the object that the node could not apply */
	struct record record;
	uint32_t refused_type;
	uint32_t reserved;
	char why[64];
};

#endif
