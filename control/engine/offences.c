/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources that a node blocked for going over a limit again and again become automatic entries of the
 * block-list, so that every node refuses them and there is one place to see and to undo it.
 *
 * What the request path bans comes the same way, with the mitigation request_ban in the place of auto_block.
 *
 * What a node tells is not taken on trust: the instance must exist and have the mitigation on, an allowed
 * source stays allowed, and times are bounded. When an instance has as many automatic entries as it may have, those
 * that end first make room; entries that a person made never do. One audit record tells of what one
 * transaction blocked at one instance: how many, and who of the first of them. The audit log is kept for ever, and who attacks
 * must not choose how fast it fills the disk; all are in the block-list.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/engine/attacks.h"
#include "control/model/lifecycle.h"
#include "control/model/web_policy.h"
#include "control/store/policy.h"

/* Published: the longest time of an entry. */
#define BLOCK_LONGEST_MS (7 * DAY_MS)
/* A source of IPv6 is its /64, here as in the packet path. */
#define SOURCE_BITS_IPV6 64
#define TELL_EVERY_MS	 HOUR_MS
/* Sources that an audit record names, with their mitigations and times. */
#define SOURCES_NAMED	 10
#define DETAIL_BYTES_MAX (SOURCES_NAMED * 200)

enum err offences_due(const struct tick *tick, bool *out)
{
	*out = tick->attacks && inbox_has_offences(nodes_inbox(tick->attacks->nodes));
	return OK;
}

/* Those of one instance. */
struct group {
	struct tick *tick;
	struct instance instance;
	struct protection protection;
	struct list_entry_row *allowed;
	size_t allowed_count;
	struct text detail; /* of the audit record */
	size_t count;	    /* blocked */
};

static bool is_allowed(const struct group *group, const uint8_t source[16])
{
	for (size_t i = 0; i < group->allowed_count; i++)
		if (prefix_covers(group->allowed[i].source, group->allowed[i].prefix_bits, source))
			return true;
	return false;
}

static enum err load_allowed(struct group *group)
{
	struct list_entry_filter filter = {
		.instance_number = group->instance.number,
		.kind = LIST_ALLOW,
		.automatic = -1,
		.clock_ms = group->tick->clock_ms,
	};

	return list_entry_list(group->tick->db, group->tick->mem, &filter, &group->allowed,
		&group->allowed_count, NULL);
}

static int64_t until_of(const struct group *group, const struct record_offence *offence)
{
	int64_t clock_ms = group->tick->clock_ms, until_ms = offence->until_ms;

	if (group->protection.strictness == STRICTNESS_STRICT &&
		until_ms < clock_ms + STRICT_BLOCK_MS)
		until_ms = clock_ms + STRICT_BLOCK_MS;
	return until_ms < clock_ms + BLOCK_LONGEST_MS ? until_ms : clock_ms + BLOCK_LONGEST_MS;
}

static bool is_on(const struct group *group, const struct record_offence *offence)
{
	enum mitigation mitigation = offence->mitigation == MITIGATION_request_ban
					     ? MITIGATION_request_ban
					     : MITIGATION_auto_block;

	return protection_mode(&group->protection, mitigation) == MITIGATION_BLOCK;
}

/* What made the entry, for people: a mitigation, of bans with the check and the rule. NULL: no memory. */
static const char *cause_of(struct group *group, const struct record_offence *offence)
{
	const char *mitigation = mitigation_name((enum mitigation)offence->mitigation);

	if (offence->check == 0 || offence->check > CHECK_COUNT)
		return mitigation;
	if (offence->rule == 0)
		return arena_print(group->tick->mem, "%s by %s", mitigation,
			web_check_name((enum check)(offence->check - 1)));
	return arena_print(group->tick->mem, "%s by %s, rule %u", mitigation,
		web_check_name((enum check)(offence->check - 1)), offence->rule);
}

static enum err block(struct group *group, const struct record_offence *offence)
{
	const char *mitigation = cause_of(group, offence);
	struct list_entry_row entry = {
		.instance_number = group->instance.number,
		.kind = LIST_BLOCK,
		.prefix_bits = group->instance.ipv6 ? SOURCE_BITS_IPV6 : 128,
		.until_ms = until_of(group, offence),
		.automatic = true,
		.since_ms = group->tick->clock_ms,
		.actor = "engine",
		.mitigation = mitigation,
	};
	char source[PREFIX_TEXT_SIZE];

	if (!mitigation)
		return ERR_MEMORY;
	memcpy(entry.source, offence->source.byte, SOURCE_BITS_IPV6 / 8);
	if (!group->instance.ipv6)
		memcpy(entry.source, offence->source.byte, sizeof(entry.source));
	if (!is_on(group, offence))
		return OK;
	if (entry.until_ms <= group->tick->clock_ms || is_allowed(group, entry.source) ||
		address_is_ipv4(offence->source.byte) == group->instance.ipv6)
		return OK;
	TRY(list_entry_put(group->tick->db, &entry));
	prefix_format(entry.source, entry.prefix_bits, source);
	if (group->count++ >= SOURCES_NAMED)
		return OK;
	text_print(&group->detail, "%s{\"source\":\"%s\",\"mitigation\":\"%s\",\"until\":%lld}",
		group->count > 1 ? "," : "", source, mitigation, (long long)entry.until_ms);
	return OK;
}

static enum err tell(struct group *group)
{
	struct tick *tick = group->tick;
	const char *sources = group->detail.data;

	if (group->count == 0)
		return OK;
	if (group->detail.failed)
		return ERR_MEMORY;
	TRY(list_entry_evict(tick->db, group->instance.number, tick->clock_ms, BLOCK_ENTRY_MAX));
	TRY(tick_event(tick, &group->instance, "sources_blocked",
		tick->clock_ms / TELL_EVERY_MS * TELL_EVERY_MS,
		arena_print(tick->mem, "{\"sources\":%zu}", group->count), NULL));
	return tick_record(tick, &group->instance, "engine.block",
		arena_print(tick->mem, "{\"newEntity\":{\"count\":%zu,\"blocked\":[%s]}}",
			group->count, sources));
}

static enum err block_group(struct tick *tick, const struct record_offence *offence, size_t count)
{
	struct group group = { .tick = tick };
	enum err err =
		instance_load_number(tick->db, tick->mem, offence->record.id, &group.instance);

	/* Released meanwhile. */
	if (err == ERR_INSTANCE_NOT_FOUND)
		return OK;
	TRY(err);
	if (!lifecycle_at(group.instance.expire_ms, tick->now_ms)->mitigation)
		return OK;
	TRY(protection_load(tick->db, tick->mem, group.instance.number, &group.protection));
	TRY(load_allowed(&group));
	text_init(&group.detail, tick->mem, DETAIL_BYTES_MAX);
	for (size_t i = 0; i < count; i++)
		TRY(block(&group, &offence[i]));
	return tell(&group);
}

static int compare(const void *a, const void *b)
{
	const struct record_offence *left = a, *right = b;

	return left->record.id < right->record.id ? -1 : left->record.id > right->record.id;
}

enum err offences_run(struct tick *tick)
{
	struct attacks *attacks = tick->attacks;
	struct record_offence *offence = attacks->offence;
	size_t end, count;

	count = inbox_offences(nodes_inbox(attacks->nodes), offence, OFFENCE_BATCH);
	attacks->offence_count = count;
	qsort(offence, count, sizeof(*offence), compare);
	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && offence[end].record.id == offence[i].record.id;)
			end++;
		TRY(block_group(tick, &offence[i], end - i));
	}
	tick->more = tick->more || count == OFFENCE_BATCH;
	return OK;
}

void offences_done(struct tick *tick)
{
	inbox_done_offences(nodes_inbox(tick->attacks->nodes), tick->attacks->offence_count);
}
