/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allow- and block-lists of instances. Black and white differ in a row of a table: kind, names of the
 * parameters, how long entries last.
 *
 * Entries of the block-list end after ExpireTime seconds of machine time, because nodes drop packets by
 * the machine's clock. The limit counts manual entries that are still in force, after all of a call
 * were put: adding an address again only prolongs it. Besides addresses, prefixes are taken
 * ("198.51.100.0/24"), without bits beyond their length, so that there is one spelling of each.
 */
#include "control/actions/json_param.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"

#define LIST_BYTES_MAX	   262144 /* BLOCK_ENTRY_MAX elements of the longest form */
#define EXPIRE_SECONDS_MIN 300	  /* published */
#define EXPIRE_SECONDS_MAX 604800
#define KEYWORD_MIN	   4 /* published: more than three characters */

struct list_args {
	const char *id, *entries, *query_type;
	int64_t expire_seconds;
};

#define PARAM_ENTRIES(name)                                                                        \
	PARAM(list_args, entries, name, .kind = PARAM_JSON, .required = true, .min = 1,            \
		.max = LIST_BYTES_MAX, .type = "String",                                           \
		.shape = "[{src: prefix}]1.." SHAPE_NUMBER(BLOCK_ENTRY_MAX),                       \
		.help = "addresses or prefixes")
#define PARAM_QUERY_TYPE(tag)                                                                      \
	PARAM(tag, query_type, "QueryType", .kind = PARAM_CHOICE, .empty_is_absent = true,         \
		.choices = "manual auto",                                                          \
		.help = "only entries added by hand, or only automatic ones")

static const struct param add_black_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_ENTRIES("Blacklist"),
	PARAM(list_args, expire_seconds, "ExpireTime", .kind = PARAM_INT, .required = true,
		.min = EXPIRE_SECONDS_MIN, .max = EXPIRE_SECONDS_MAX,
		.help = "seconds until the entries end"),
	PARAM_ROW_END,
};
static const struct param add_white_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_ENTRIES("Whitelist"),
	PARAM(list_args, expire_seconds, "ExpireTime", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 0, .max = INT32_MAX, .help = "deprecated: entries never end"),
	PARAM_ROW_END,
};
static const struct param delete_black_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_ENTRIES("Blacklist"),
	PARAM_QUERY_TYPE(list_args),
	PARAM_ROW_END,
};
static const struct param delete_white_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_ENTRIES("Whitelist"),
	PARAM_ROW_END,
};
static const struct param list_id_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_ROW_END,
};

struct list_side {
	enum list_kind kind;
	const char *parameter; /* of add and delete */
	const char *reply;     /* list in the reply of describe */
	int64_t entries_max;
};
static const struct list_side black = { LIST_BLOCK, "Blacklist", "AutoCcBlacklist",
	BLOCK_ENTRY_MAX };
static const struct list_side white = { LIST_ALLOW, "Whitelist", "AutoCcWhitelist",
	ALLOW_ENTRY_MAX };

static enum err read_source(struct call *call, const struct list_side *side, const json_t *array,
	size_t index, bool ipv6, struct list_entry_row *out)
{
	struct json_element element;
	const char *source;
	TRY(json_param_element(call, side->parameter, array, index, "src", &element));
	TRY(json_param_text(call, &element, "src", 64, true, &source));
	if (!text_to_prefix(source, out->source, &out->prefix_bits))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%ssrc: \"%s\" must be an address, or a prefix without bits beyond its "
			"length.",
			element.where, source);
	/* A prefix of IPv6 that covers the mapped form of IPv4 is still IPv6. */
	if ((address_is_ipv4(out->source) && out->prefix_bits >= 96) == ipv6)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%ssrc: \"%s\" must be %s, as the instance's address is.", element.where,
			source, ip_version_name(ipv6));
	return OK;
}

typedef enum err (*entry_step)(struct call *call, const struct list_side *side,
	const struct list_args *args, const struct list_entry_row *entry);

static enum err for_each_entry(struct call *call, const struct list_side *side,
	const struct list_args *args, entry_step step)
{
	struct instance instance;
	AUTO(json) json_t *array = NULL;
	TRY(call_instance(call, args->id, &instance));
	TRY(json_param_parse(
		call, side->parameter, args->entries, (size_t)side->entries_max, &array));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct list_entry_row entry = {
			.instance_number = instance.number,
			.kind = side->kind,
			.until_ms = side->kind == LIST_ALLOW
					    ? INT64_MAX
					    : call->clock_ms + args->expire_seconds * SECOND_MS,
			.since_ms = call->clock_ms,
			.actor = call_actor(call),
		};
		TRY(read_source(call, side, array, i, instance.ipv6, &entry));
		TRY(step(call, side, args, &entry));
	}
	return OK;
}

static enum err count_entries(struct call *call, int64_t instance_number, enum list_kind kind,
	int automatic, int64_t *out)
{
	struct list_entry_filter filter = {
		.instance_number = instance_number,
		.kind = kind,
		.automatic = automatic,
		.clock_ms = call->clock_ms,
		.limit = 1,
	};
	struct list_entry_row *rows;
	size_t count;
	return list_entry_list(call->db, call->mem, &filter, &rows, &count, out);
}

static enum err put_entry(struct call *call, const struct list_side *side,
	const struct list_args *args, const struct list_entry_row *entry)
{
	(void)side;
	(void)args;
	return list_entry_put(call->db, entry);
}

static enum err add_entries(
	struct call *call, const struct list_side *side, const struct list_args *args)
{
	struct instance instance;
	int64_t before, after;
	json_t *old_entity, *new_entity;
	TRY(call_instance(call, args->id, &instance));
	TRY(count_entries(call, instance.number, side->kind, 0, &before));
	TRY(for_each_entry(call, side, args, put_entry));
	TRY(count_entries(call, instance.number, side->kind, 0, &after));
	if (after > side->entries_max)
		return refuse(call, ERR_LIST_LIMIT,
			"%s: an instance can have %lld manual entries; these would make it %lld.",
			side->parameter, (long long)side->entries_max, (long long)after);
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "entries", before));
	return put_int(new_entity, "entries", after);
}

static enum err add_black_run(struct call *call, const void *args)
{
	return add_entries(call, &black, args);
}

static enum err add_white_run(struct call *call, const void *args)
{
	return add_entries(call, &white, args);
}

static int automatic_of(const char *query_type)
{
	return query_type ? strcmp(query_type, "auto") == 0 : -1;
}

/* An entry that is not there, or is of the other type, is as good as deleted: a repeated call succeeds. */
static enum err delete_entry(struct call *call, const struct list_side *side,
	const struct list_args *args, const struct list_entry_row *entry)
{
	bool changed;
	(void)side;
	return list_entry_delete(call->db, entry, automatic_of(args->query_type), &changed);
}

static enum err delete_black_run(struct call *call, const void *args)
{
	return for_each_entry(call, &black, args, delete_entry);
}

static enum err delete_white_run(struct call *call, const void *args)
{
	return for_each_entry(call, &white, args, delete_entry);
}

static enum err empty_list(
	struct call *call, const struct list_side *side, const struct list_args *args)
{
	struct instance instance;
	int64_t before;
	json_t *old_entity, *new_entity;
	TRY(call_instance(call, args->id, &instance));
	TRY(count_entries(call, instance.number, side->kind, -1, &before));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "entries", before));
	TRY(put_int(new_entity, "entries", 0));
	return list_entry_empty(call->db, instance.number, side->kind);
}

static enum err empty_black_run(struct call *call, const void *args)
{
	return empty_list(call, &black, args);
}

static enum err empty_white_run(struct call *call, const void *args)
{
	return empty_list(call, &white, args);
}

struct describe_list {
	const char *id, *keyword, *query_type;
	int64_t page_number, page_size;
};
#define PARAM_DESCRIBE_LIST                                                                        \
	PARAM_INSTANCE_ID(describe_list, .required = true),                                        \
		PARAM(describe_list, keyword, "KeyWord", .kind = PARAM_TEXT,                       \
			.empty_is_absent = true, .min = KEYWORD_MIN, .max = 64,                    \
			.help = "beginning of the address, at least four characters"),             \
		PARAM_PAGE_NUMBER(describe_list, .required = true),                                \
		PARAM_PAGE_SIZE(describe_list, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true)
static const struct param describe_white_params[] = { PARAM_DESCRIBE_LIST, PARAM_ROW_END };
static const struct param describe_black_params[] = {
	PARAM_DESCRIBE_LIST,
	PARAM_QUERY_TYPE(describe_list),
	PARAM_ROW_END,
};

static enum err describe_list(
	struct call *call, const struct list_side *side, const struct describe_list *args)
{
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	struct list_entry_filter filter = {
		.instance_number = instance.number,
		.kind = side->kind,
		.keyword = args->keyword,
		.automatic = automatic_of(args->query_type),
		.clock_ms = call->clock_ms,
		.offset = page_offset(args->page_number, args->page_size),
		.limit = args->page_size,
	};
	struct list_entry_row *rows;
	size_t count;
	int64_t total;
	TRY(list_entry_list(call->db, call->mem, &filter, &rows, &count, &total));
	char vip[ADDRESS_TEXT_SIZE];
	address_format(instance.vip, vip);
	json_t *list;
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, side->reply, &list));
	for (size_t i = 0; i < count; i++) {
		char source[PREFIX_TEXT_SIZE];
		prefix_format(rows[i].source, rows[i].prefix_bits, source);
		/* Published: seconds here, and 0 for an entry that never ends. */
		int64_t end = rows[i].until_ms == INT64_MAX ? 0 : rows[i].until_ms / SECOND_MS;
		TRY(add(list, json_pack("{s:s, s:s, s:I, s:s}", "SourceIp", source, "DestIp", vip,
				      "EndTime", (json_int_t)end, "Type",
				      rows[i].automatic ? "auto" : "manual")));
	}
	return OK;
}

static enum err describe_black_run(struct call *call, const void *args)
{
	return describe_list(call, &black, args);
}

static enum err describe_white_run(struct call *call, const void *args)
{
	return describe_list(call, &white, args);
}

static const struct param describe_count_params[] = {
	PARAM_INSTANCE_ID(list_args, .required = true),
	PARAM_QUERY_TYPE(list_args),
	PARAM_ROW_END,
};

static enum err describe_count_run(struct call *call, const void *raw)
{
	const struct list_args *args = raw;
	struct instance instance;
	int64_t black_count, white_count;
	int automatic = automatic_of(args->query_type);
	TRY(call_instance(call, args->id, &instance));
	TRY(count_entries(call, instance.number, LIST_BLOCK, automatic, &black_count));
	TRY(count_entries(call, instance.number, LIST_ALLOW, automatic, &white_count));
	TRY(put_int(call->reply, "BlackCount", black_count));
	return put_int(call->reply, "WhiteCount", white_count);
}

static const struct reply_list black_lists[] = {
	{ "AutoCcBlacklist", "AutoCcBlacklistItem" },
	{ NULL, NULL },
};
static const struct reply_list white_lists[] = {
	{ "AutoCcWhitelist", "AutoCcWhitelistItem" },
	{ NULL, NULL },
};

const struct action list_actions[] = {
	{ VERSION_DDOSCOO, "AddAutoCcBlacklist", WRITE, PERMISSION_FULL, add_black_params,
		sizeof(struct list_args), add_black_run, NULL,
		"blocks addresses at an instance for a time", 0 },
	{ VERSION_DDOSCOO, "AddAutoCcWhitelist", WRITE, PERMISSION_FULL, add_white_params,
		sizeof(struct list_args), add_white_run, NULL,
		"lets addresses pass every mitigation of an instance", 0 },
	{ VERSION_DDOSCOO, "DeleteAutoCcBlacklist", WRITE, PERMISSION_FULL, delete_black_params,
		sizeof(struct list_args), delete_black_run, NULL,
		"takes addresses off the block-list", 0 },
	{ VERSION_DDOSCOO, "DeleteAutoCcWhitelist", WRITE, PERMISSION_FULL, delete_white_params,
		sizeof(struct list_args), delete_white_run, NULL,
		"takes addresses off the allow-list", 0 },
	{ VERSION_DDOSCOO, "DescribeAutoCcBlacklist", READ, PERMISSION_READ, describe_black_params,
		sizeof(struct describe_list), describe_black_run, black_lists,
		"shows the block-list of an instance", 0 },
	{ VERSION_DDOSCOO, "DescribeAutoCcWhitelist", READ, PERMISSION_READ, describe_white_params,
		sizeof(struct describe_list), describe_white_run, white_lists,
		"shows the allow-list of an instance", 0 },
	{ VERSION_DDOSCOO, "EmptyAutoCcBlacklist", WRITE, PERMISSION_FULL, list_id_params,
		sizeof(struct list_args), empty_black_run, NULL,
		"empties the block-list of an instance", 0 },
	{ VERSION_DDOSCOO, "EmptyAutoCcWhitelist", WRITE, PERMISSION_FULL, list_id_params,
		sizeof(struct list_args), empty_white_run, NULL,
		"empties the allow-list of an instance", 0 },
	{ VERSION_DDOSCOO, "DescribeAutoCcListCount", READ, PERMISSION_READ, describe_count_params,
		sizeof(struct list_args), describe_count_run, NULL,
		"counts the entries of both lists", 0 },
	{ 0 },
};
