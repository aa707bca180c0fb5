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
	int64_t blackhole_until_ns;
	uint64_t bytes_max;
	uint32_t packets_max, unproven_max, syn_threshold;
	uint32_t block, watch; /* bits of enum mitigation */
	uint32_t vip_head;
	uint32_t service_head;
	uint32_t key_head;
	uint32_t exact_count; /* keys of list_exact */
	uint32_t prefix_count;
	uint32_t prefix_round; /* round in which its prefixes were last written */
	uint32_t policy;       /* NONE: refuses nothing beside its lists */
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
	struct record_service *record; /* NULL: nobody's */
	bool seen;
	bool health, health_seen; /* its origins are checked */
};

struct policy_entry { /* of one instance */
	struct pool_link link;
	bool seen;
	bool region, pattern; /* are in the packet path */
	uint16_t reflection_count;
	uint16_t reflection[REFLECTION_MAX]; /* source ports, each once */
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

	struct pool instances, vips, services, policies, keys, lists;
	struct index instance_by_number, vip_by_address, service_by_id, service_by_key, key_by_key,
		list_by_id;
	struct dirty_list dirty_vips, dirty_services, dirty_keys;
	uint32_t vip_count;		    /* protected ones */
	uint32_t service_count;		    /* with an owner */
	uint32_t exact_count, prefix_count; /* keys in the tables, so in the maps */
	uint32_t reflection_count;	    /* source ports of all policies */
	uint32_t pattern_count;		    /* policies with patterns */

	struct record_capture capture[NODE_CAPTURE_MAX];
	uint32_t capture_count;

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
struct instance_entry *node_take_instance(struct node_state *state, uint32_t number);

/* Of each kind of object: what a snapshot does with it, in this order. mark_unseen, see and remove_unseen are of
 * full snapshots, claim and remove of all; what is wanted are bits of enum mitigation. */

/* node_vips.c */
void vips_mark(struct node_state *state, const struct instance_entry *instance);
void vips_remove_instance(struct node_state *state, struct instance_entry *instance);
void vips_claim(struct node_state *state, struct instance_entry *instance,
	const struct record_instance *record);
void vips_flush_deletes(struct node_state *state);
void vips_mark_all(struct node_state *state);
void vips_flush_puts(struct node_state *state);

/* node_services.c */
void services_mark_unseen(struct node_state *state);
void services_see(struct node_state *state, const struct record *record);
void services_remove_unseen(struct node_state *state);
void services_remove(struct node_state *state, uint32_t id);
void services_remove_instance(struct node_state *state, struct instance_entry *instance);
void services_claim(struct node_state *state, const struct record_service *record);
void services_flush_deletes(struct node_state *state);
void services_flush_puts(struct node_state *state);
uint32_t services_wanted(const struct node_state *state, const struct instance_entry *instance);
void services_done(struct node_state *state);
void health_remove(struct node_state *state, uint32_t id);
void health_claim(struct node_state *state, const struct record_health *record);

/* node_policies.c; instance may be NULL */
void policies_mark_unseen(struct node_state *state);
void policies_see(struct node_state *state, uint32_t id);
void policies_remove_unseen(struct node_state *state, struct instance_entry *instance);
void policies_remove(struct node_state *state, struct instance_entry *instance);
void policies_claim(struct node_state *state, const struct record_policy *record);
void policies_put(struct node_state *state, const struct record_policy *record);
uint32_t policies_wanted(const struct node_state *state, const struct instance_entry *instance);

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
