/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tags: names and values that users hang on instances to find them again.
 *
 * DescribeTagResources is the one action with a token instead of page numbers. The token is the
 * position of the last tag shown (instance number and key, in hex): the next page starts behind it, so
 * that tags written or deleted meanwhile are neither repeated nor skip others. It grants nothing: the
 * caller's own limits apply to every page.
 */
#include "control/call.h"

#include <string.h>

#include "base/text.h"
#include "control/actions/tables.h"

#define TAG_TEXT_CHARACTERS 128
#define TAG_TEXT_BYTES	    384 /* of 3 bytes each, as most scripts need */
#define TAGS_MAX	    20	/* per call and per instance; published for tags in general */
#define TAG_RESOURCES_MAX   50
#define TAG_PAGE	    50
#define TOKEN_BYTES	    (20 + 1 + TAG_TEXT_BYTES)

struct tag_args {
	const char *region, *resource_type, *resource_group, *next_token;
	struct text_list ids, keys;
	struct pair_list tags;
	int64_t all, page_number, page_size;
};

#define PARAM_TAG_COMMON                                                                           \
	PARAM(tag_args, region, "RegionId", .kind = PARAM_TEXT, .required = true, .max = 64,       \
		.help = "any region: there is one"),                                               \
		PARAM(tag_args, resource_type, "ResourceType", .kind = PARAM_CHOICE,               \
			.required = true, .choices = "INSTANCE", .help = "INSTANCE"),              \
		PARAM_RESOURCE_GROUP(tag_args)
#define PARAM_RESOURCE_IDS(...)                                                                    \
	PARAM(tag_args, ids, "ResourceIds", .kind = PARAM_TEXT_LIST, .max = TAG_RESOURCES_MAX,     \
		.item_min = 1, .item_max = INSTANCE_ID_BYTES, .help = "instances", __VA_ARGS__)
#define PARAM_TAGS                                                                                 \
	PARAM(tag_args, tags, "Tags", .kind = PARAM_PAIR_LIST, .max = TAGS_MAX,                    \
		.item_max = TAG_TEXT_BYTES, .choices = "Key Value", .help = "tags")

static const struct param create_tag_params[] = {
	PARAM_TAG_COMMON,
	PARAM_RESOURCE_IDS(.required = true),
	PARAM_TAGS,
	PARAM_ROW_END,
};
static const struct param delete_tag_params[] = {
	PARAM_TAG_COMMON,
	PARAM_RESOURCE_IDS(.required = true),
	PARAM(tag_args, keys, "TagKey", .kind = PARAM_TEXT_LIST, .max = TAGS_MAX, .item_min = 1,
		.item_max = TAG_TEXT_BYTES, .help = "keys of the tags to remove"),
	PARAM(tag_args, all, "All", .kind = PARAM_BOOL, .empty_is_absent = true,
		.help = "true, without TagKey: remove every tag"),
	PARAM_ROW_END,
};
static const struct param describe_keys_params[] = {
	PARAM_TAG_COMMON,
	PARAM_PAGE_NUMBER(tag_args),
	PARAM_PAGE_SIZE(tag_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};
static const struct param describe_resources_params[] = {
	PARAM_TAG_COMMON,
	PARAM_RESOURCE_IDS(.required = false),
	PARAM_TAGS,
	PARAM(tag_args, next_token, "NextToken", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 2 * TOKEN_BYTES, .help = "NextToken of the page before"),
	PARAM_ROW_END,
};

static enum err check_tag_text(struct call *call, size_t index, const char *part, const char *text)
{
	size_t characters = 0;
	for (const char *at = text; *at; at++)
		characters += ((unsigned char)*at & 0xc0) != 0x80;
	if (characters <= TAG_TEXT_CHARACTERS)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "Tags.%zu.%s must have at most %d characters.",
		index + 1, part, TAG_TEXT_CHARACTERS);
}

static enum err check_tags(struct call *call, const struct pair_list *tags)
{
	if (!tags->count)
		return refuse(call, ERR_MISSING_PARAMETER, "Tags.1.Key is mandatory.");
	for (size_t i = 0; i < tags->count; i++) {
		if (!tags->item[i].key[0])
			return refuse(call, ERR_INVALID_PARAMETER, "Tags.%zu.Key is empty.", i + 1);
		TRY(check_tag_text(call, i, "Key", tags->item[i].key));
		TRY(check_tag_text(
			call, i, "Value", tags->item[i].value ? tags->item[i].value : ""));
	}
	return OK;
}

static struct tag_filter tag_filter_of(const struct call *call)
{
	return (struct tag_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
	};
}

/* The tags of one instance, for the audit record. */
static enum err record_tags(struct call *call, const char *side, const struct instance *instance)
{
	struct tag_filter filter = tag_filter_of(call);
	const char *id = instance->id;
	filter.ids = &id;
	filter.id_count = 1;
	filter.limit = TAGS_MAX;
	struct tag_row *rows;
	int64_t *numbers;
	size_t count;
	TRY(tag_list(call->db, call->mem, &filter, &rows, &numbers, &count));
	json_t *tags, *old_entity, *new_entity;
	if (!call->change)
		TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_object(json_object_get(call->change, side), instance->id, &tags));
	for (size_t i = 0; i < count; i++)
		TRY(put_text(tags, rows[i].key, rows[i].value));
	return OK;
}

static enum err put_tags(
	struct call *call, const struct instance *instance, const struct pair_list *tags)
{
	TRY(record_tags(call, "oldEntity", instance));
	for (size_t i = 0; i < tags->count; i++)
		TRY(tag_put(call->db, instance->number, tags->item[i].key,
			tags->item[i].value ? tags->item[i].value : ""));
	int64_t count;
	TRY(tag_count(call->db, instance->number, &count));
	if (count > TAGS_MAX)
		return refuse(call, ERR_LIMIT,
			"Tags: instance %s would have %lld tags; %d are allowed.", instance->id,
			(long long)count, TAGS_MAX);
	return record_tags(call, "newEntity", instance);
}

static enum err create_tags_run(struct call *call, const void *raw)
{
	const struct tag_args *args = raw;
	struct instance *found;
	size_t count;
	TRY(check_tags(call, &args->tags));
	TRY(call_instances(call, &args->ids, &found, &count));
	for (size_t i = 0; i < count; i++)
		TRY(put_tags(call, &found[i], &args->tags));
	return OK;
}

static enum err delete_tags(
	struct call *call, const struct instance *instance, const struct tag_args *args)
{
	TRY(record_tags(call, "oldEntity", instance));
	for (size_t i = 0; i < args->keys.count; i++)
		TRY(tag_delete(call->db, instance->number, args->keys.item[i]));
	if (!args->keys.count)
		TRY(tag_delete(call->db, instance->number, NULL));
	return record_tags(call, "newEntity", instance);
}

static enum err delete_tags_run(struct call *call, const void *raw)
{
	const struct tag_args *args = raw;
	struct instance *found;
	size_t count;
	if (!args->keys.count && !args->all)
		return refuse(call, ERR_MISSING_PARAMETER, "TagKey.1, or All=true, is mandatory.");
	TRY(call_instances(call, &args->ids, &found, &count));
	for (size_t i = 0; i < count; i++)
		TRY(delete_tags(call, &found[i], args));
	return OK;
}

static enum err describe_keys_run(struct call *call, const void *raw)
{
	const struct tag_args *args = raw;
	struct tag_filter filter = tag_filter_of(call);
	filter.limit = args->page_size;
	struct tag_key_row *rows;
	size_t count;
	int64_t total;
	TRY(tag_keys(call->db, call->mem, &filter, page_offset(args->page_number, args->page_size),
		&rows, &count, &total));
	json_t *list;
	TRY(put_int(call->reply, "PageNumber", args->page_number));
	TRY(put_int(call->reply, "PageSize", args->page_size));
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "TagKeys", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, json_pack("{s:s, s:I}", "TagKey", rows[i].key, "TagCount",
				      (json_int_t)rows[i].count)));
	return OK;
}

static enum err token_write(struct call *call, int64_t number, const char *key, const char **out)
{
	const char *position = arena_print(call->mem, "%lld:%s", (long long)number, key);
	char *token = position ? arena_take(call->mem, 2 * strlen(position) + 1) : NULL;
	if (!token)
		return ERR_MEMORY;
	text_hex((const uint8_t *)position, strlen(position), token);
	*out = token;
	return OK;
}

static enum err token_read(struct call *call, const char *token, struct tag_filter *filter)
{
	size_t size = strlen(token) / 2;
	char *position = arena_take(call->mem, size + 1);
	if (!position)
		return ERR_MEMORY;
	char *colon = NULL;
	if (text_from_hex(token, (uint8_t *)position, size) && text_is_utf8(position, size))
		colon = strchr(position, ':');
	if (colon)
		*colon = '\0';
	if (!colon || !text_to_int(position, &filter->after_number) || filter->after_number < 1)
		return refuse(
			call, ERR_INVALID_PARAMETER, "NextToken is not one that a reply gave.");
	filter->after_key = colon + 1;
	return OK;
}

static enum err describe_resources_run(struct call *call, const void *raw)
{
	const struct tag_args *args = raw;
	struct tag_filter filter = tag_filter_of(call);
	if (!args->ids.count && !args->tags.count)
		return refuse(call, ERR_MISSING_PARAMETER,
			"At least one of ResourceIds and Tags is mandatory.");
	if (args->next_token)
		TRY(token_read(call, args->next_token, &filter));
	filter.ids = args->ids.item;
	filter.id_count = args->ids.count;
	filter.tag = args->tags.item;
	filter.tag_count = args->tags.count;
	filter.limit = TAG_PAGE + 1; /* one more tells whether a next page exists */
	struct tag_row *rows;
	int64_t *numbers;
	size_t count;
	TRY(tag_list(call->db, call->mem, &filter, &rows, &numbers, &count));
	const char *token = "";
	if (count > TAG_PAGE) {
		count = TAG_PAGE;
		TRY(token_write(call, numbers[count - 1], rows[count - 1].key, &token));
	}
	json_t *wrapper, *list;
	TRY(put_text(call->reply, "NextToken", token));
	TRY(put_object(call->reply, "TagResources", &wrapper));
	TRY(put_list(wrapper, "TagResource", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, json_pack("{s:s, s:s, s:s, s:s}", "ResourceId", rows[i].instance_id,
				      "ResourceType", "INSTANCE", "TagKey", rows[i].key, "TagValue",
				      rows[i].value)));
	return OK;
}

/* Already wrapped in the document: items stand side by side. */
static const struct reply_list resources_lists[] = { { "TagResource", NULL }, { NULL, NULL } };
static const struct reply_list keys_lists[] = { { "TagKeys", "TagKey" }, { NULL, NULL } };

const struct action tag_actions[] = {
	{ VERSION_DDOSCOO, "CreateTagResources", WRITE, PERMISSION_FULL, create_tag_params,
		sizeof(struct tag_args), create_tags_run, NULL, "adds tags to instances", 0 },
	{ VERSION_DDOSCOO, "DeleteTagResources", WRITE, PERMISSION_FULL, delete_tag_params,
		sizeof(struct tag_args), delete_tags_run, NULL, "removes tags from instances", 0 },
	{ VERSION_DDOSCOO, "DescribeTagKeys", READ, PERMISSION_READ, describe_keys_params,
		sizeof(struct tag_args), describe_keys_run, keys_lists, "lists the tag keys in use",
		0 },
	{ VERSION_DDOSCOO, "DescribeTagResources", READ, PERMISSION_READ, describe_resources_params,
		sizeof(struct tag_args), describe_resources_run, resources_lists,
		"lists tags of instances, or instances of tags", 0 },
	{ 0 },
};
