/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of a node's state, private to node_*.c. Objects name each other by number or by index,
 * never by pointer. An object that leaves is only marked: it stays in its table, "dirty", until
 * the flush, and whoever claims the same key before that takes it over. Hence a key that changes owner within
 * one snapshot is written once and never missing in between.
 */
#ifndef AGENT_NODE_TABLES_H
#define AGENT_NODE_TABLES_H

#include "agent/node_state.h"
#include "agent/pool.h"

#define OWNER_NOBODY 0u
#define OWNER_SOURCE UINT32_MAX /* numbers of instances stay below */

/* Dirty objects are chained through themselves: marking one never needs memory. 0: not marked. */
struct dirty_list {
	uint32_t head; /* index + 1; DIRTY_END when empty */
};
#define DIRTY_END UINT32_MAX

struct instance_entry {
	struct pool_link link;
	uint32_t number;
	int64_t mitigation_until_ns;
	int64_t forward_until_ns;
	uint32_t vip_head;
	uint32_t service_head;
	uint32_t key_head;
	uint32_t exact_count; /* keys of list_exact */
	uint32_t prefix_count;
	uint32_t payload_count; /* services that bound payloads */
	uint32_t prefix_round;	/* round in which its prefixes were last written */
	bool seen;
};

struct vip_entry { /* its index is the slot */
	struct pool_link link;
	uint32_t owner; /* instance number, OWNER_* */
	uint32_t next;	/* of the same instance */
	uint32_t dirty;
	struct address address;
	bool fresh;
};

struct service_entry {
	struct pool_link link;
	uint32_t id; /* 0: nobody's */
	uint32_t prev, next;
	uint32_t dirty;
	struct service_key key;
	bool payload; /* bounds payloads */
	bool seen;
};

struct key_entry { /* one key of list_exact or list_prefix */
	struct pool_link link;
	uint32_t instance;
	uint32_t prev, next;
	uint32_t dirty;
	uint32_t list_head; /* NONE: nobody's */
	struct address source;
	uint8_t bits;
};

struct list_entry_record {
	struct pool_link link;
	uint32_t id;
	uint32_t key;
	uint32_t next; /* of the same key */
	int64_t until_ms;
	uint8_t kind;
	bool seen;
};

struct prefix_work {
	struct address source;
	uint32_t key;
	uint32_t bits;
};

struct node_state {
	uint64_t generation;
	uint32_t round; /* counts snapshots */
	bool full;	/* the snapshot being applied is */
	const struct node_output *output;

	struct pool instances, vips, services, keys, lists;
	struct index instance_by_number, vip_by_address, service_by_id, service_by_key, key_by_key,
		list_by_id;
	struct dirty_list dirty_vips, dirty_services, dirty_keys;
	uint32_t vip_count;		    /* protected ones */
	uint32_t service_count;		    /* with an owner */
	uint32_t exact_count, prefix_count; /* keys in the tables, so in the maps */

	struct prefix_work *work;
	uint32_t work_capacity;

	struct node_refused refused[NODE_REFUSED_MAX];
	uint32_t refused_count;
	uint64_t refused_total;
};

static inline void dirty_mark(struct dirty_list *list, uint32_t *mark, uint32_t index)
{
	if (*mark)
		return;
	*mark = list->head;
	list->head = index + 1;
}

int64_t node_ms_to_ns(int64_t ms); /* INT64_MAX and what overflows: INT64_MAX */
uint32_t node_find_instance(const struct node_state *state, uint32_t number);
struct instance_entry *node_instance(
	const struct node_state *state, uint32_t number); /* NULL: none */
void node_mark_vips(struct node_state *state, const struct instance_entry *instance);

/* node_lists.c */
void lists_mark_unseen(struct node_state *state);
void lists_see(struct node_state *state, uint32_t id);
void lists_remove_unseen(struct node_state *state);
void lists_remove(struct node_state *state, uint32_t id);
void lists_remove_instance(struct node_state *state, struct instance_entry *instance);
void lists_claim(struct node_state *state, const struct record_list *record);
void lists_flush_deletes(struct node_state *state);
void lists_mark_all(struct node_state *state);
void lists_flush_puts(struct node_state *state);

#endif
