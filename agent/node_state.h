/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this node should do, as the last snapshots said: instances, their addresses, services,
 * policies and lists, health checks and captures, by number. Pure: it is told snapshots and tells an output what to write into or delete
 * from the packet path. Memory is bounded by the NODE_*_MAX of shared/limits.h.
 */
#ifndef AGENT_NODE_STATE_H
#define AGENT_NODE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/decode.h"
#include "base/error.h"
#include "shared/packet_abi.h"

struct node_state;

/* Where changes go. All values are complete; id names the object for node_state_refuse. */
struct node_output {
	void *context;
	/* fresh: the slot's counters belong to someone before this instance and must be cleared first. */
	void (*vip_put)(
		void *context, const struct address *key, const struct vip *vip, bool fresh);
	void (*vip_delete)(void *context, const struct address *key);
	void (*service_put)(void *context, uint32_t id, const struct service_key *key,
		const struct service *service);
	void (*service_delete)(void *context, const struct service_key *key);
	void (*exact_put)(void *context, uint32_t id, const struct list_exact_key *key,
		const struct list_entry *entry);
	void (*exact_delete)(void *context, const struct list_exact_key *key);
	void (*prefix_put)(void *context, uint32_t id, const struct list_prefix_key *key,
		const struct list_entry *entry);
	void (*prefix_delete)(void *context, const struct list_prefix_key *key);
	/* The node is to forget that it blocked or banned this source by itself; it need not have. */
	void (*auto_block_delete)(void *context, const struct list_exact_key *key);
	void (*region_put)(void *context, uint32_t instance, const struct region_policy *policy);
	void (*region_delete)(void *context, uint32_t instance);
	void (*reflection_put)(void *context, uint32_t instance, const struct reflection_key *key);
	void (*reflection_delete)(void *context, const struct reflection_key *key);
	void (*pattern_put)(void *context, uint32_t instance, const struct pattern_set *set);
	void (*pattern_delete)(void *context, uint32_t instance);
	/* The check of a service, new or changed; its origins are named by service_down. false: no memory,
	 * there is no check then. */
	bool (*health_put)(void *context, const struct record_health *record);
	void (*health_delete)(void *context, uint32_t service);
	/* Which of the service's origins are down, one bit each; asked when it has a check. */
	uint32_t (*service_down)(void *context, const struct record_service *record);
	/* Full snapshot, before the first put: delete every key that node_state_wants_* denies. */
	void (*delete_unwanted)(void *context, const struct node_state *state);
};

struct node_state *node_state_new(void); /* NULL: no memory */
void node_state_free(struct node_state *state);

/* Before the first snapshot: an entry that an earlier agent left in the packet path, so that its slot
 * and counters stay. Entries that make no sense are ignored. Ends with node_state_adopted. */
void node_state_adopt(struct node_state *state, const struct address *key, const struct vip *vip);
void node_state_adopted(struct node_state *state);

/* A back-to-origin address of this node: an entry of kind VIP_SOURCE. An instance's address that was adopted
 * gives way. The caller writes out. ERR_LIMIT: no room. */
enum err node_state_add_source(
	struct node_state *state, const struct address *address, struct vip *out) MUST_USE;

/* Takes the snapshot over and writes every change to output: deletions first, then lists, services
 * and addresses, so that an address goes into force when all it needs is there. An address that moves is
 * one write. ERR_CONFLICT: a difference that is not based on what this node has; nothing changed. What
 * could not be taken is in the list of refusals, and the rest is in force. */
enum err node_state_apply(struct node_state *state, const struct snapshot *snapshot,
	const struct node_output *output) MUST_USE;

/* 0 until the first snapshot. */
uint64_t node_state_generation(const struct node_state *state);

bool node_state_wants_vip(const struct node_state *state, const struct address *key);
bool node_state_wants_service(const struct node_state *state, const struct service_key *key);
bool node_state_wants_exact(const struct node_state *state, const struct list_exact_key *key);
bool node_state_wants_prefix(const struct node_state *state, const struct list_prefix_key *key);
bool node_state_wants_region(const struct node_state *state, uint32_t instance);
bool node_state_wants_pattern(const struct node_state *state, uint32_t instance);
bool node_state_wants_reflection(const struct node_state *state, const struct reflection_key *key);
bool node_state_has_instance(const struct node_state *state, uint32_t number);
/* NULL: there is none. Valid until the next snapshot. */
const struct record_service *node_state_service(const struct node_state *state, uint32_t id);
/* The newest capture that is not over; NULL: none. Valid until the next snapshot. */
#define NODE_CAPTURE_MAX 64 /* that a control can have asked for at a time */
const struct record_capture *node_state_capture(const struct node_state *state, int64_t utc_now_ms);

struct node_counts {
	uint32_t instances;
	uint32_t vips; /* protected addresses, without sources */
	uint32_t services;
	uint32_t lists; /* entries as the control counts them */
};
void node_state_counts(const struct node_state *state, struct node_counts *out);

/* Slots are below this; the instance of a slot, 0 for none. */
uint32_t node_state_slot_end(const struct node_state *state);
uint32_t node_state_slot_instance(const struct node_state *state, uint32_t slot);
/* The slots of an instance; returns how many. */
uint32_t node_state_slots(
	const struct node_state *state, uint32_t number, uint32_t out[INSTANCE_VIP_MAX]);

/* Objects that are not in force though a snapshot asked for them. A full snapshot empties the list. */
#define NODE_REFUSED_MAX 1000 /* one report stays small; more are counted, not named */
struct node_refused {
	uint32_t type; /* enum record_type */
	uint32_t id;
	char why[64];
};
void node_state_refuse(struct node_state *state, uint32_t type, uint32_t id, const char *why);
const struct node_refused *node_state_refused(const struct node_state *state, uint32_t *count);
uint64_t node_state_refused_total(const struct node_state *state);

/* The key in map "auto_block" of the source that a list entry names: an address, or the /64 of IPv6 that it
 * is or lies in. false: the entry names more than one. */
bool auto_block_key(
	uint32_t instance, const struct address *source, unsigned bits, struct list_exact_key *out);

/* The value of map "service" for a record: network order, and the slots in proportion to the weights. Origins
 * that are down, one bit each, are closed; but where all of one IP version are down, they are all used:
 * a wrong verdict must not cost more than a right one saves. */
void service_fill(const struct record_service *record, uint32_t down, struct service *out);
/* Fills slots by weight: each weight > 0 gets at least one, the rest by largest remainder, neighbours
 * differ where they can. false: every weight is 0, slots are all 0. count <= ORIGIN_MAX. */
bool slots_fill(const uint16_t *weight, uint32_t count, uint8_t slot[ORIGIN_SLOTS]);

#endif
