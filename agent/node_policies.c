/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policies: what an instance refuses beside its lists. A policy has its instance's number and lives and dies
 * with it. Blocked regions and patterns are one value each and are written from the record; source ports are
 * keys of their own, so the table remembers which are in the packet path, and a new policy deletes those
 * it no longer names. Nobody else has keys of the same instance: they go as soon as they are claimed away.
 */
#include "agent/node_tables.h"

#include <string.h>

static struct policy_entry *policy_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->policies, index);
}

static const struct policy_entry *policy_of(const struct node_state *state, uint32_t number)
{
	const struct instance_entry *instance = node_instance(state, number);

	return instance && instance->policy != NONE ? policy_at(state, instance->policy) : NULL;
}

static uint32_t entry_wanted(const struct policy_entry *policy)
{
	return (policy->region ? MITIGATION_BIT(region) : 0) |
	       (policy->reflection_count ? MITIGATION_BIT(reflection) : 0) |
	       (policy->pattern ? MITIGATION_BIT(payload_match) : 0);
}

uint32_t policies_wanted(const struct node_state *state, const struct instance_entry *instance)
{
	return instance->policy == NONE ? 0 : entry_wanted(policy_at(state, instance->policy));
}

static bool names_port(const struct policy_entry *policy, uint16_t port)
{
	for (uint32_t i = 0; i < policy->reflection_count; i++) {
		if (policy->reflection[i] == port)
			return true;
	}
	return false;
}

static struct reflection_key reflection_key(uint32_t instance, uint16_t port)
{
	return (struct reflection_key){ .instance = instance,
		.source_port = (__be16)__builtin_bswap16(port) };
}

/* Deletes from the packet path what was there and is no longer asked for. */
static void give_up(struct node_state *state, uint32_t instance, const struct policy_entry *was,
	const struct policy_entry *is)
{
	const struct node_output *output = state->output;

	if (was->region && !is->region)
		output->region_delete(output->context, instance);
	if (was->pattern && !is->pattern)
		output->pattern_delete(output->context, instance);
	for (uint32_t i = 0; i < was->reflection_count; i++) {
		struct reflection_key key = reflection_key(instance, was->reflection[i]);

		if (!names_port(is, was->reflection[i]))
			output->reflection_delete(output->context, &key);
	}
}

static void count_out(struct node_state *state, const struct policy_entry *policy)
{
	state->reflection_count -= policy->reflection_count;
	state->pattern_count -= policy->pattern;
}

static void count_in(struct node_state *state, const struct policy_entry *policy)
{
	state->reflection_count += policy->reflection_count;
	state->pattern_count += policy->pattern;
}

static const struct policy_entry nothing;

void policies_remove(struct node_state *state, struct instance_entry *instance)
{
	struct policy_entry was;

	if (!instance || instance->policy == NONE)
		return;
	was = *policy_at(state, instance->policy);
	pool_give(&state->policies, instance->policy);
	instance->policy = NONE;
	count_out(state, &was);
	give_up(state, instance->number, &was, &nothing);
	vips_mark(state, instance);
}

static void read_record(const struct record_policy *record, struct policy_entry *out)
{
	for (int i = 0; i < 4; i++)
		out->region |= record->region[i] != 0;
	out->pattern = record->pattern_count > 0;
	for (uint32_t i = 0; i < record->reflection_count; i++) {
		if (!names_port(out, record->reflection[i]))
			out->reflection[out->reflection_count++] = record->reflection[i];
	}
}

/* What does not fit is refused, and the rest of the policy is in force. */
static void fit(struct node_state *state, uint32_t id, struct policy_entry *policy)
{
	if (state->reflection_count + policy->reflection_count > NODE_REFLECTION_MAX) {
		policy->reflection_count = 0;
		node_state_refuse(state, RECORD_POLICY, id, "table of source ports is full");
	}
	if (state->pattern_count + policy->pattern > NODE_PATTERN_MAX) {
		policy->pattern = false;
		node_state_refuse(state, RECORD_POLICY, id, "table of patterns is full");
	}
}

void policies_claim(struct node_state *state, const struct record_policy *record)
{
	struct instance_entry *instance = node_instance(state, record->record.id);
	struct policy_entry was = nothing, is = nothing;
	struct policy_entry *policy;

	if (!instance) {
		node_state_refuse(state, RECORD_POLICY, record->record.id, "no such instance");
		return;
	}
	if (instance->policy != NONE)
		was = *policy_at(state, instance->policy);
	else
		instance->policy = pool_take(&state->policies);
	if (instance->policy == NONE) {
		node_state_refuse(state, RECORD_POLICY, record->record.id, "no memory");
		return;
	}
	read_record(record, &is);
	count_out(state, &was);
	fit(state, record->record.id, &is);
	count_in(state, &is);
	give_up(state, instance->number, &was, &is);
	policy = policy_at(state, instance->policy);
	is.link = policy->link;
	is.seen = true;
	*policy = is;
	if (entry_wanted(&was) != entry_wanted(&is))
		vips_mark(state, instance);
}

void policies_mark_unseen(struct node_state *state)
{
	for (uint32_t i = 0; i < state->policies.count; i++) {
		if (pool_is_live(&state->policies, i))
			policy_at(state, i)->seen = false;
	}
}

void policies_see(struct node_state *state, uint32_t id)
{
	const struct instance_entry *instance = node_instance(state, id);

	if (instance && instance->policy != NONE)
		policy_at(state, instance->policy)->seen = true;
}

void policies_remove_unseen(struct node_state *state, struct instance_entry *instance)
{
	if (instance->policy != NONE && !policy_at(state, instance->policy)->seen)
		policies_remove(state, instance);
}

static void put_patterns(struct node_state *state, const struct record_policy *record)
{
	struct pattern_set set = { .count = record->pattern_count };

	for (uint32_t i = 0; i < set.count; i++) {
		const struct record_pattern *from = &record->pattern[i];
		struct pattern *to = &set.pattern[i];

		to->protocol = from->protocol;
		to->length = from->length;
		to->offset = from->offset;
		to->port = (__be16)__builtin_bswap16(from->port);
		for (uint32_t byte = 0; byte < from->length; byte++) {
			to->mask[byte] = from->mask[byte];
			to->value[byte] = from->value[byte] & from->mask[byte];
		}
	}
	state->output->pattern_put(state->output->context, record->record.id, &set);
}

void policies_put(struct node_state *state, const struct record_policy *record)
{
	const struct node_output *output = state->output;
	const struct policy_entry *policy = policy_of(state, record->record.id);
	struct region_policy region;

	if (!policy)
		return; /* refused */
	if (policy->region) {
		memcpy(region.blocked, record->region, sizeof(region.blocked));
		output->region_put(output->context, record->record.id, &region);
	}
	for (uint32_t i = 0; i < policy->reflection_count; i++) {
		struct reflection_key key =
			reflection_key(record->record.id, policy->reflection[i]);

		output->reflection_put(output->context, record->record.id, &key);
	}
	if (policy->pattern)
		put_patterns(state, record);
}

bool node_state_wants_region(const struct node_state *state, uint32_t instance)
{
	const struct policy_entry *policy = policy_of(state, instance);

	return policy && policy->region;
}

bool node_state_wants_pattern(const struct node_state *state, uint32_t instance)
{
	const struct policy_entry *policy = policy_of(state, instance);

	return policy && policy->pattern;
}

bool node_state_wants_reflection(const struct node_state *state, const struct reflection_key *key)
{
	const struct policy_entry *policy = policy_of(state, key->instance);

	return policy && key->reserved == 0 &&
	       names_port(policy, __builtin_bswap16(key->source_port));
}
