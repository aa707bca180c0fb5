/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allow- and block-lists. The control names entries by number; the packet path by key (instance
 * and prefix). Several entries may share a key: the key's times are the latest of each kind. Prefixes
 * nest, and the trie gives a packet only the longest match: each prefix therefore carries the
 * latest times of all prefixes around it too. One change can alter every prefix inside it, so all
 * prefixes of an instance are written anew when one of them changes: at most BLOCK_ENTRY_MAX +
 * ALLOW_ENTRY_MAX of them, sorted so that a stack of open prefixes gives the covering ones.
 */
#include "agent/node_tables.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define EXACT_BITS 128

static struct key_entry *key_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->keys, index);
}

static struct list_entry_record *list_at(const struct node_state *state, uint32_t index)
{
	return pool_at(&state->lists, index);
}

static uint32_t key_hash(uint32_t instance, const struct address *source, uint32_t bits)
{
	struct {
		uint32_t instance, bits;
		struct address source;
	} key = { instance, bits, *source };

	return index_hash(&key, sizeof(key));
}

static uint32_t find_key(const struct node_state *state, uint32_t instance,
	const struct address *source, uint32_t bits)
{
	uint32_t i = index_first(&state->key_by_key, key_hash(instance, source, bits));

	for (; i != NONE; i = index_next(&state->key_by_key, i)) {
		const struct key_entry *key = key_at(state, i);

		if (key->instance == instance && key->bits == bits &&
			memcmp(&key->source, source, sizeof(*source)) == 0)
			break;
	}
	return i;
}

static uint32_t id_hash(uint32_t id)
{
	return index_hash(&id, sizeof(id));
}

static uint32_t find_list(const struct node_state *state, uint32_t id)
{
	uint32_t i = index_first(&state->list_by_id, id_hash(id));

	while (i != NONE && list_at(state, i)->id != id)
		i = index_next(&state->list_by_id, i);
	return i;
}

static uint32_t *count_of(struct node_state *state, const struct key_entry *key)
{
	return key->bits == EXACT_BITS ? &state->exact_count : &state->prefix_count;
}

/* Into or out of the instance's chain; its addresses say whether there is anything to look up. */
static void key_link(struct node_state *state, struct instance_entry *instance, uint32_t index)
{
	struct key_entry *key = key_at(state, index);
	uint32_t *count =
		key->bits == EXACT_BITS ? &instance->exact_count : &instance->prefix_count;

	key->prev = NONE;
	key->next = instance->key_head;
	if (key->next != NONE)
		key_at(state, key->next)->prev = index;
	instance->key_head = index;
	if ((*count)++ == 0)
		vips_mark(state, instance);
}

static void key_unlink(struct node_state *state, struct instance_entry *instance, uint32_t index)
{
	struct key_entry *key = key_at(state, index);
	uint32_t *count =
		key->bits == EXACT_BITS ? &instance->exact_count : &instance->prefix_count;

	if (key->prev != NONE)
		key_at(state, key->prev)->next = key->next;
	else
		instance->key_head = key->next;
	if (key->next != NONE)
		key_at(state, key->next)->prev = key->prev;
	assert(*count > 0);
	if (--(*count) == 0)
		vips_mark(state, instance);
}

static void key_mark(struct node_state *state, uint32_t index)
{
	dirty_mark(&state->dirty_keys, &key_at(state, index)->dirty, index);
}

static void list_give(struct node_state *state, uint32_t index)
{
	index_remove(&state->list_by_id, index);
	pool_give(&state->lists, index);
}

bool auto_block_key(
	uint32_t instance, const struct address *source, unsigned bits, struct list_exact_key *out)
{
	*out = (struct list_exact_key){ .instance = instance, .source = *source };
	if (address_is_ipv4(source->byte))
		return bits == EXACT_BITS;
	out->source.half[1] = 0;
	return bits >= 64;
}

/* Who undoes a block by hand, or allows the source, means what the node decided by itself too. */
static void forgive_source(struct node_state *state, const struct key_entry *key)
{
	struct list_exact_key out;

	if (auto_block_key(key->instance, &key->source, key->bits, &out))
		state->output->auto_block_delete(state->output->context, &out);
}

static void list_drop(struct node_state *state, uint32_t index)
{
	uint32_t key_index = list_at(state, index)->key;
	struct key_entry *key = key_at(state, key_index);
	uint32_t *at = &key->list_head;

	if (list_at(state, index)->kind == LIST_BLOCK)
		forgive_source(state, key);
	while (*at != index)
		at = &list_at(state, *at)->next;
	*at = list_at(state, index)->next;
	list_give(state, index);
	key_mark(state, key_index);
	if (key->list_head == NONE) {
		struct instance_entry *instance = node_instance(state, key->instance);

		assert(instance);
		key_unlink(state, instance, key_index);
	}
}

void lists_remove(struct node_state *state, uint32_t id)
{
	uint32_t index = find_list(state, id);

	if (index != NONE)
		list_drop(state, index);
}

void lists_remove_instance(struct node_state *state, struct instance_entry *instance)
{
	while (instance->key_head != NONE) {
		uint32_t index = instance->key_head;
		struct key_entry *key = key_at(state, index);

		while (key->list_head != NONE) {
			uint32_t list = key->list_head;

			key->list_head = list_at(state, list)->next;
			list_give(state, list);
		}
		key_mark(state, index);
		key_unlink(state, instance, index);
	}
}

void lists_mark_unseen(struct node_state *state)
{
	for (uint32_t i = 0; i < state->lists.count; i++) {
		if (pool_is_live(&state->lists, i))
			list_at(state, i)->seen = false;
	}
}

void lists_see(struct node_state *state, uint32_t id)
{
	uint32_t index = find_list(state, id);

	if (index != NONE)
		list_at(state, index)->seen = true;
}

void lists_remove_unseen(struct node_state *state)
{
	for (uint32_t i = 0; i < state->lists.count; i++) {
		if (pool_is_live(&state->lists, i) && !list_at(state, i)->seen)
			list_drop(state, i);
	}
}

/* An unused key leaves both the packet path and the table. */
static void key_give(struct node_state *state, uint32_t index)
{
	struct key_entry *key = key_at(state, index);

	if (key->bits == EXACT_BITS) {
		struct list_exact_key out = { .instance = key->instance, .source = key->source };

		state->output->exact_delete(state->output->context, &out);
	} else {
		struct list_prefix_key out = { .prefix_bits = 32u + key->bits,
			.instance = htonl(key->instance),
			.source = key->source };

		state->output->prefix_delete(state->output->context, &out);
	}
	(*count_of(state, key))--;
	index_remove(&state->key_by_key, index);
	pool_give(&state->keys, index);
}

/* What lay inside a prefix that goes no longer has its times. Marking one that is left is enough: all
 * prefixes of an instance are worked out together. */
static void mark_inside(struct node_state *state, const struct key_entry *gone)
{
	const struct instance_entry *instance = node_instance(state, gone->instance);

	if (gone->bits == EXACT_BITS || !instance)
		return;
	for (uint32_t i = instance->key_head; i != NONE; i = key_at(state, i)->next) {
		uint32_t bits = key_at(state, i)->bits;

		if (bits > gone->bits && bits != EXACT_BITS) {
			key_mark(state, i);
			break;
		}
	}
}

void lists_flush_deletes(struct node_state *state)
{
	uint32_t mark = state->dirty_keys.head;

	state->dirty_keys.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct key_entry *key = key_at(state, index);

		mark = key->dirty;
		key->dirty = 0;
		if (key->list_head != NONE) {
			key_mark(state, index);
			continue;
		}
		mark_inside(state, key);
		key_give(state, index);
	}
}

static bool is_full(const struct node_state *state, uint32_t bits)
{
	return bits == EXACT_BITS ? state->exact_count >= NODE_LIST_EXACT_MAX
				  : state->prefix_count >= NODE_LIST_PREFIX_MAX;
}

/* A key that lost its last entry in this round is still here and is taken up again. */
static uint32_t take_key(struct node_state *state, struct instance_entry *instance,
	const struct address *source, uint32_t bits)
{
	uint32_t index = find_key(state, instance->number, source, bits);
	struct key_entry *key;

	if (index != NONE) {
		if (key_at(state, index)->list_head == NONE)
			key_link(state, instance, index);
		return index;
	}
	if (is_full(state, bits))
		lists_flush_deletes(state);
	if (is_full(state, bits))
		return NONE;
	index = pool_take(&state->keys);
	if (index == NONE)
		return NONE;
	key = key_at(state, index);
	key->instance = instance->number;
	key->source = *source;
	key->bits = (uint8_t)bits;
	key->list_head = NONE;
	if (!index_insert(&state->key_by_key, key_hash(instance->number, source, bits), index)) {
		pool_give(&state->keys, index);
		return NONE;
	}
	(*count_of(state, key))++;
	key_link(state, instance, index);
	return index;
}

static uint32_t take_list(struct node_state *state, const struct record_list *record, uint32_t key)
{
	uint32_t index = pool_take(&state->lists);
	struct list_entry_record *list;

	if (index == NONE)
		return NONE;
	if (!index_insert(&state->list_by_id, id_hash(record->record.id), index)) {
		pool_give(&state->lists, index);
		return NONE;
	}
	list = list_at(state, index);
	list->id = record->record.id;
	list->key = key;
	list->next = key_at(state, key)->list_head;
	key_at(state, key)->list_head = index;
	return index;
}

void lists_claim(struct node_state *state, const struct record_list *record)
{
	struct instance_entry *instance = node_instance(state, record->instance);
	uint32_t index = find_list(state, record->record.id);
	struct list_entry_record *list;
	uint32_t key;

	if (!instance) {
		node_state_refuse(state, RECORD_LIST, record->record.id, "no such instance");
		return;
	}
	key = find_key(state, record->instance, &record->source, record->prefix_bits);
	if (index != NONE && list_at(state, index)->key != key) {
		list_drop(state, index);
		index = NONE;
	}
	if (index == NONE) {
		key = take_key(state, instance, &record->source, record->prefix_bits);
		if (key != NONE)
			index = take_list(state, record, key);
		if (index == NONE) {
			if (key != NONE && key_at(state, key)->list_head == NONE) {
				key_unlink(state, instance, key);
				key_mark(state, key);
			}
			node_state_refuse(state, RECORD_LIST, record->record.id, "lists are full");
			return;
		}
	}
	list = list_at(state, index);
	if (record->kind == LIST_ALLOW)
		forgive_source(state, key_at(state, key));
	list->kind = record->kind;
	list->until_ms = record->until_ms;
	list->seen = true;
	key_mark(state, key);
}

void lists_mark_all(struct node_state *state)
{
	for (uint32_t i = 0; i < state->keys.count; i++) {
		if (pool_is_live(&state->keys, i))
			key_mark(state, i);
	}
}

static struct list_entry own_times(const struct node_state *state, const struct key_entry *key)
{
	struct list_entry times = { 0 };

	for (uint32_t i = key->list_head; i != NONE; i = list_at(state, i)->next) {
		const struct list_entry_record *list = list_at(state, i);
		int64_t until_ns = node_ms_to_ns(list->until_ms);
		__s64 *time =
			list->kind == LIST_ALLOW ? &times.allow_until_ns : &times.block_until_ns;

		if (until_ns > *time)
			*time = until_ns;
	}
	return times;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix_work *left = a, *right = b;
	int order = memcmp(&left->source, &right->source, sizeof(left->source));

	if (order)
		return order;
	return (left->bits > right->bits) - (left->bits < right->bits);
}

static bool covers(const struct prefix_work *outer, const struct address *source)
{
	unsigned byte = outer->bits / 8, rest = outer->bits % 8;

	if (memcmp(&outer->source, source, byte) != 0)
		return false;
	return rest == 0 || ((outer->source.byte[byte] ^ source->byte[byte]) >> (8 - rest)) == 0;
}

static uint32_t collect_prefixes(struct node_state *state, const struct instance_entry *instance)
{
	void *work = state->work;
	uint32_t count = 0;

	if (!pool_grow(&work, &state->work_capacity, sizeof(*state->work), instance->prefix_count,
		    NODE_LIST_PREFIX_MAX))
		return 0;
	state->work = work;
	for (uint32_t i = instance->key_head; i != NONE; i = key_at(state, i)->next) {
		const struct key_entry *key = key_at(state, i);

		if (key->bits == EXACT_BITS)
			continue;
		state->work[count++] =
			(struct prefix_work){ .source = key->source, .key = i, .bits = key->bits };
	}
	assert(count == instance->prefix_count);
	return count;
}

static void write_prefixes(struct node_state *state, const struct instance_entry *instance)
{
	/* Open prefixes around the current one, by length, with the times that hold inside them. */
	struct {
		const struct prefix_work *work;
		struct list_entry times;
	} open[EXACT_BITS];
	uint32_t count = collect_prefixes(state, instance), depth = 0;

	if (count == 0) {
		node_state_refuse(state, RECORD_INSTANCE, instance->number,
			"no memory to work out nested prefixes");
		return;
	}
	qsort(state->work, count, sizeof(*state->work), compare_prefixes);
	for (uint32_t i = 0; i < count; i++) {
		const struct prefix_work *work = &state->work[i];
		const struct key_entry *key = key_at(state, work->key);
		struct list_entry times = own_times(state, key);
		struct list_prefix_key out = { .prefix_bits = 32 + work->bits,
			.instance = htonl(instance->number),
			.source = work->source };

		while (depth > 0 && !covers(open[depth - 1].work, &work->source))
			depth--;
		if (depth > 0) {
			const struct list_entry *outer = &open[depth - 1].times;

			if (outer->allow_until_ns > times.allow_until_ns)
				times.allow_until_ns = outer->allow_until_ns;
			if (outer->block_until_ns > times.block_until_ns)
				times.block_until_ns = outer->block_until_ns;
		}
		assert(depth < EXACT_BITS);
		open[depth].work = work;
		open[depth++].times = times;
		state->output->prefix_put(
			state->output->context, list_at(state, key->list_head)->id, &out, &times);
	}
}

void lists_flush_puts(struct node_state *state)
{
	uint32_t mark = state->dirty_keys.head;

	state->dirty_keys.head = DIRTY_END;
	while (mark != DIRTY_END) {
		uint32_t index = mark - 1;
		struct key_entry *key = key_at(state, index);
		struct instance_entry *instance = node_instance(state, key->instance);

		mark = key->dirty;
		key->dirty = 0;
		assert(key->list_head != NONE && instance);
		if (key->bits == EXACT_BITS) {
			struct list_exact_key out = { .instance = key->instance,
				.source = key->source };
			struct list_entry times = own_times(state, key);

			state->output->exact_put(state->output->context,
				list_at(state, key->list_head)->id, &out, &times);
		} else if (instance->prefix_round != state->round) {
			instance->prefix_round = state->round;
			write_prefixes(state, instance);
		}
	}
}

bool node_state_wants_exact(const struct node_state *state, const struct list_exact_key *key)
{
	return find_key(state, key->instance, &key->source, EXACT_BITS) != NONE;
}

bool node_state_wants_prefix(const struct node_state *state, const struct list_prefix_key *key)
{
	if (key->prefix_bits < 32 || key->prefix_bits >= 32 + EXACT_BITS)
		return false;
	return find_key(state, ntohl(key->instance), &key->source, key->prefix_bits - 32) != NONE;
}
