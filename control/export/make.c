/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file is one JSON document: type, subject and time, then one member for each section. What a section holds is what one
 * of the API's own actions replies, run here without a request, with a key that may read all of the account.
 *
 * Lists come page by page and are put together; all pages are of one transaction, so that they fit each other. What tells of
 * port rules by name is asked in groups, because a parameter has its bound. Each call has its own memory.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/export/export.h"
#include "control/reply.h"
#include "control/model/json_auto.h"

/* Of one page or group: as much as a request may take, and then some. */
#define CALL_BYTES_MAX ((size_t)64 << 20)
#define GROUP_RULES    20
#define PAIRS_MAX      6
#define PAGES_MAX      10000

DEFINE_AUTO(scratch, struct arena *, arena_free);

enum section_kind {
	SECTION_ONCE,	   /* one call about the instance: all that it replies, or the member */
	SECTION_INSTANCES, /* the same, but the action takes a list of instances */
	SECTION_PAGES,	   /* a list, page by page */
	SECTION_RULES	   /* a list, about port rules that are named */
};
struct section {
	enum export_type type;
	enum section_kind kind;
	const char *version, *action;
	const char *member; /* of the reply, and of the file; NULL: all members */
};
static const struct section sections[] = {
	{ EXPORT_PORT_RULES, SECTION_PAGES, VERSION_DDOSCOO, "DescribeNetworkRules",
		"NetworkRules" },
	{ EXPORT_WEBSITES, SECTION_PAGES, VERSION_DDOSCOO, "DescribeWebRules", "WebRules" },
	{ EXPORT_PORT_SETTINGS, SECTION_RULES, VERSION_DDOSCOO, "DescribeNetworkRuleAttributes",
		"NetworkRuleAttributes" },
	{ EXPORT_PORT_SETTINGS, SECTION_RULES, VERSION_DDOSCOO, "DescribeHealthCheckList",
		"HealthCheckList" },
	{ EXPORT_MITIGATION, SECTION_RULES, VERSION_DDOSCOO, "DescribeNetworkRuleAttributes",
		"NetworkRuleAttributes" },
	{ EXPORT_MITIGATION, SECTION_INSTANCES, VERSION_DDOSCOO, "DescribePortAutoCcStatus",
		"PortAutoCcStatus" },
	{ EXPORT_MITIGATION, SECTION_ONCE, VERSION_DDOSCOO, "DescribeNetworkRegionBlock", NULL },
	{ EXPORT_MITIGATION, SECTION_ONCE, VERSION_DDOSCOO, "DescribeUdpReflect", NULL },
	{ EXPORT_MITIGATION, SECTION_ONCE, VERSION_POLDER, "DescribePayloadPatterns", NULL },
	{ EXPORT_MITIGATION, SECTION_ONCE, VERSION_POLDER, "DescribeMitigations", NULL },
	{ EXPORT_BLOCK_LIST, SECTION_PAGES, VERSION_DDOSCOO, "DescribeAutoCcBlacklist",
		"AutoCcBlacklist" },
	{ EXPORT_ALLOW_LIST, SECTION_PAGES, VERSION_DDOSCOO, "DescribeAutoCcWhitelist",
		"AutoCcWhitelist" },
};

/* One export. */
struct making {
	const struct gateway *gateway;
	struct db *db;
	const struct export_task *task;
	int64_t clock_ms;
	json_t *document;
};

struct pairs {
	struct pair pair[PAIRS_MAX];
	size_t count;
};
static void give(struct pairs *pairs, const char *key, const char *value)
{
	assert(pairs->count < PAIRS_MAX);
	pairs->pair[pairs->count++] = (struct pair){ key, value };
}

/* What the action replies, which the caller frees. */
static enum err ask(const struct making *making, struct arena *mem, const struct action *action,
	struct pairs *pairs, json_t **out)
{
	const struct access_key key = {
		.account = making->task->account, .permission = PERMISSION_READ, .active = true
	};
	struct form form = { .pair = pairs->pair, .count = pairs->count };
	struct call call = { .mem = mem,
		.db = making->db,
		.vault = making->gateway->vault,
		.nodes = making->gateway->nodes,
		.dns_zone = making->gateway->dns_zone,
		.regions = making->gateway->regions,
		.now_ms = making->clock_ms + life_clock_offset_ms(making->gateway->clock),
		.clock_ms = making->clock_ms,
		.request_id = "",
		.source = "",
		.site = "",
		.key = &key,
		.action = action,
		.form = &form,
		.reply = json_object() };
	void *args = arena_take(mem, action->args_size);
	char why[SPEC_WHY_SIZE];
	enum err err = call.reply && args ? OK : ERR_MEMORY;

	assert(action->mode == READ && !action->before);
	if (err == OK)
		err = spec_decode(mem, action->params, &form, args, action->args_size, why);
	if (err == OK)
		err = action->run(&call, args);
	json_decref(call.change);
	if (err != OK) {
		json_decref(call.reply);
		return err;
	}
	*out = call.reply;
	return OK;
}

static const struct action *action_of(const struct section *section)
{
	bool known;
	const struct action *action = action_find(section->version, section->action, &known);

	assert(action);
	return action;
}

/* The most that a page may have. */
static int64_t page_most(const struct action *action)
{
	const struct param *row = action->params;

	while (row->kind != PARAM_END && strcmp(row->name, "PageSize") != 0)
		row++;
	assert(row->kind != PARAM_END);
	return row->max;
}

static void name_subject(const struct making *making, struct pairs *pairs)
{
	if (making->task->type != EXPORT_WEBSITES)
		give(pairs, "InstanceId", making->task->instance_id);
	else if (making->task->domain[0]) {
		give(pairs, "Domain", making->task->domain);
		give(pairs, "QueryDomainPattern", "exact");
	}
}

/* Appends one page. */
static enum err add_page(const struct making *making, const struct section *section, int64_t number,
	json_t *list, size_t *count)
{
	AUTO(scratch) struct arena *mem = arena_new(CALL_BYTES_MAX);
	const struct action *action = action_of(section);
	char page[24], size[24];
	AUTO(json) json_t *reply = NULL;
	struct pairs pairs = { .count = 0 };

	if (!mem)
		return ERR_MEMORY;
	(void)snprintf(page, sizeof(page), "%lld", (long long)number);
	(void)snprintf(size, sizeof(size), "%lld", (long long)page_most(action));
	name_subject(making, &pairs);
	give(&pairs, "PageNumber", page);
	give(&pairs, "PageSize", size);
	TRY(ask(making, mem, action, &pairs, &reply));
	*count = json_array_size(json_object_get(reply, section->member));
	return json_array_extend(list, json_object_get(reply, section->member)) == 0 ? OK
										     : ERR_MEMORY;
}

static enum err add_pages(const struct making *making, const struct section *section, json_t *list)
{
	size_t count = 0, most = (size_t)page_most(action_of(section));

	for (int64_t number = 1; number <= PAGES_MAX; number++) {
		TRY(add_page(making, section, number, list, &count));
		if (count < most)
			return OK;
	}
	return ERR_LIMIT;
}

/* The rules of the instance from first on, as their names in a parameter. */
static enum err name_rules(struct arena *mem, const json_t *rules, size_t first, const char **out)
{
	AUTO(json) json_t *names = json_array();
	struct text text;
	char *dumped;

	for (size_t i = first; i < first + GROUP_RULES && i < json_array_size(rules); i++) {
		json_t *rule = json_array_get(rules, i);
		json_t *name = json_pack("{s:O, s:O, s:O}", "InstanceId",
			json_object_get(rule, "InstanceId"), "Protocol",
			json_object_get(rule, "Protocol"), "FrontendPort",
			json_object_get(rule, "FrontendPort"));

		if (!name || json_array_append_new(names, name) != 0)
			return ERR_MEMORY;
	}
	dumped = json_dumps(names, JSON_COMPACT);
	text_init(&text, mem, CALL_BYTES_MAX);
	text_add(&text, dumped ? dumped : "");
	free(dumped);
	*out = text.data;
	return dumped && !text.failed ? OK : ERR_MEMORY;
}

static enum err add_group(const struct making *making, const struct section *section,
	const json_t *rules, size_t first, json_t *list)
{
	AUTO(scratch) struct arena *mem = arena_new(CALL_BYTES_MAX);
	AUTO(json) json_t *reply = NULL;
	struct pairs pairs = { .count = 0 };
	const char *names;

	if (!mem)
		return ERR_MEMORY;
	TRY(name_rules(mem, rules, first, &names));
	give(&pairs, "NetworkRules", names);
	TRY(ask(making, mem, action_of(section), &pairs, &reply));
	return json_array_extend(list, json_object_get(reply, section->member)) == 0 ? OK
										     : ERR_MEMORY;
}

static enum err add_about_rules(
	const struct making *making, const struct section *section, json_t *list)
{
	AUTO(json) json_t *rules = json_array();

	if (!rules)
		return ERR_MEMORY;
	TRY(add_pages(making, &sections[0], rules));
	for (size_t i = 0; i < json_array_size(rules); i += GROUP_RULES)
		TRY(add_group(making, section, rules, i, list));
	return OK;
}

static enum err add_once(const struct making *making, const struct section *section)
{
	AUTO(scratch) struct arena *mem = arena_new(CALL_BYTES_MAX);
	AUTO(json) json_t *reply = NULL;
	struct pairs pairs = { .count = 0 };

	if (!mem)
		return ERR_MEMORY;
	give(&pairs, section->kind == SECTION_INSTANCES ? "InstanceIds.1" : "InstanceId",
		making->task->instance_id);
	TRY(ask(making, mem, action_of(section), &pairs, &reply));
	return json_object_update(making->document, reply) == 0 ? OK : ERR_MEMORY;
}

static enum err add_section(const struct making *making, const struct section *section)
{
	json_t *list;

	if (section->kind == SECTION_ONCE || section->kind == SECTION_INSTANCES)
		return add_once(making, section);
	list = json_array();
	TRY(put(making->document, section->member, list));
	return section->kind == SECTION_PAGES ? add_pages(making, section, list)
					      : add_about_rules(making, section, list);
}

static enum err begin(struct making *making)
{
	char time[CLOCK_ISO_SIZE];
	const struct export_task *task = making->task;

	clock_format_iso(making->clock_ms, time);
	TRY(put(making->document, "TaskType", json_integer(task->type)));
	TRY(put(making->document, "Time", json_string(time)));
	if (task->instance_id[0])
		TRY(put(making->document, "InstanceId", json_string(task->instance_id)));
	return task->domain[0] ? put(making->document, "Domain", json_string(task->domain)) : OK;
}

enum err export_make(const struct gateway *gateway, struct db *db, struct arena *mem,
	const struct export_task *task, int64_t clock_ms, const char **out, size_t *size)
{
	AUTO(json) json_t *document = json_object();
	struct making making = { .gateway = gateway,
		.db = db,
		.task = task,
		.clock_ms = clock_ms,
		.document = document };
	struct json_sink output = { .asked = 0 };

	TRY(begin(&making));
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if ((int64_t)sections[i].type == task->type)
			TRY(add_section(&making, &sections[i]));
	text_init(&output.text, mem, EXPORT_BYTES_MAX);
	if (json_dump_callback(document, json_sink_add, &output, JSON_INDENT(1)) != 0)
		return output.asked >= EXPORT_BYTES_MAX ? ERR_LIMIT : ERR_MEMORY;
	text_add(&output.text, "\n");
	if (output.text.failed)
		return ERR_LIMIT;
	*out = output.text.data;
	*size = output.text.length;
	return OK;
}
