/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Custom frequency rules of version 1: a path, a count, what is done to sources above it. A domain, a path and a name
 * are a rule (published): the path of a rule that is there cannot be changed.
 */
#include <string.h>

#include "control/actions/tables.h"
#include "control/actions/web.h"

struct cc_rule {
	const char *domain, *resource_group, *name, *uri, *mode, *act;
	int64_t interval, count, ttl;
};
static const struct param cc_rule_params[] = {
	PARAM_DOMAIN(cc_rule, .required = true),
	PARAM_RESOURCE_GROUP(cc_rule),
	PARAM(cc_rule, name, "Name", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = WEB_NAME_MAX, .help = "letters, digits and underscores"),
	PARAM(cc_rule, uri, "Uri", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = WEB_CONTENT_MAX, .help = "path of the requests that count"),
	PARAM(cc_rule, mode, "Mode", .kind = PARAM_CHOICE, .required = true,
		.choices = "prefix match", .help = "what Uri is of the path: its begin, or all"),
	PARAM(cc_rule, act, "Act", .kind = PARAM_CHOICE, .required = true,
		.choices = "close captcha", .help = "block sources above Count, or challenge them"),
	PARAM(cc_rule, interval, "Interval", .kind = PARAM_INT, .required = true,
		.min = WEB_INTERVAL_MIN, .max = WEB_INTERVAL_MAX,
		.help = "seconds in which requests are counted"),
	PARAM(cc_rule, count, "Count", .kind = PARAM_INT, .required = true,
		.min = WEB_THRESHOLD_MIN, .max = WEB_CC_COUNT_MAX,
		.help = "requests of an address that are allowed in that time"),
	PARAM(cc_rule, ttl, "Ttl", .kind = PARAM_INT, .required = true, .min = WEB_TTL_MIN,
		.max = WEB_TTL_MAX, .help = "seconds for which the source is then blocked"),
	PARAM_ROW_END,
};

static enum err check_name(struct call *call, const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
			       strlen(name)
		       ? OK
		       : refuse(call, ERR_INVALID_PARAMETER,
				 "Name can have letters, digits and underscores only.");
}

static enum err read_row(struct call *call, const struct website_rule *row, struct web_cc *out)
{
	struct web_reader reader = { .mem = call->mem };
	AUTO(json) json_t *json = json_loads(row->json, 0, NULL);

	return json ? web_cc_read(&reader, json, out) : ERR_MEMORY;
}

static enum err store(struct call *call, const struct website *website, const struct cc_rule *args)
{
	struct web_reader reader = { .mem = call->mem };
	struct web_cc cc = { args->name, args->uri, strcmp(args->mode, "match") == 0,
		args->interval, args->count, args->ttl, strcmp(args->act, "captcha") == 0 };
	AUTO(json) json_t *json = web_cc_json(&cc);
	enum err err = json ? web_cc_read(&reader, json, &cc) : ERR_MEMORY;

	if (err != OK)
		return err == ERR_MEMORY ? err : refuse(call, err, "%s", reader.why);
	TRY(web_rule_store(call, website, WEB_RULE_CC, args->name, json, INT64_MAX));
	return web_rules_check(call, website, WEB_RULE_CC, WEB_RULE_CC_V2, WEB_CC_MAX);
}

/* The rule of that name; found false: there is none. */
static enum err find(struct call *call, const struct website *website, const char *name,
	struct web_cc *out, bool *found)
{
	struct website_rule row;
	enum err err = web_rule_load(call->db, call->mem, website->number,
		web_rule_kind_name(WEB_RULE_CC), name, call->clock_ms, &row);

	*found = err == OK;
	if (err == ERR_WEBSITE_RULE_NOT_FOUND)
		return OK;
	TRY(err);
	return read_row(call, &row, out);
}

static enum err create_run(struct call *call, const void *raw)
{
	const struct cc_rule *args = raw;
	struct website website;
	struct web_cc old;
	bool found;

	TRY(check_name(call, args->name));
	TRY(call_website(call, args->domain, &website));
	TRY(find(call, &website, args->name, &old, &found));
	if (found)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Name: the domain has a rule of that name already.");
	return store(call, &website, args);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct cc_rule *args = raw;
	struct website website;
	struct web_cc old;
	bool found;

	TRY(call_website(call, args->domain, &website));
	TRY(find(call, &website, args->name, &old, &found));
	if (!found)
		return ERR_WEBSITE_RULE_NOT_FOUND;
	if (strcmp(old.uri, args->uri) != 0)
		return refuse(call, ERR_INVALID_PARAMETER, "Uri of a rule cannot be changed.");
	return store(call, &website, args);
}

struct cc_name {
	const char *domain, *resource_group, *name;
};
static const struct param delete_params[] = {
	PARAM_DOMAIN(cc_name, .required = true),
	PARAM_RESOURCE_GROUP(cc_name),
	PARAM(cc_name, name, "Name", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = WEB_NAME_MAX, .help = "rule to delete"),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct cc_name *args = raw;
	struct website website;

	TRY(call_website(call, args->domain, &website));
	return web_rules_remove(call, &website, WEB_RULE_CC, &args->name, 1);
}

struct describe {
	const char *domain, *resource_group;
	int64_t page_number, page_size;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe, .required = true),
	PARAM_RESOURCE_GROUP(describe),
	PARAM_PAGE_NUMBER(describe),
	PARAM_PAGE_SIZE(
		describe, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true, .type = "String"),
	PARAM_ROW_END,
};

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	size_t first = (size_t)page_offset(args->page_number, args->page_size);
	struct website_rule *rows;
	struct website website;
	size_t count;
	json_t *list;

	TRY(call_website(call, args->domain, &website));
	TRY(web_rule_list(call->db, call->mem, website.number, web_rule_kind_name(WEB_RULE_CC),
		call->clock_ms, &rows, &count));
	TRY(put_int(call->reply, "TotalCount", (int64_t)count));
	TRY(put_list(call->reply, "WebCCRules", &list));
	for (size_t i = first; i < count && i < first + (size_t)args->page_size; i++) {
		struct web_cc cc;

		TRY(read_row(call, &rows[i], &cc));
		TRY(add(list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "Name", cc.name,
				      "Uri", cc.uri, "Mode", cc.exact ? "match" : "prefix", "Act",
				      cc.captcha ? "captcha" : "close", "Interval",
				      (json_int_t)cc.interval, "Count", (json_int_t)cc.count,
				      /* Published: minutes here, seconds in the request. */
				      "Ttl", (json_int_t)cc.ttl / 60)));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "WebCCRules", "WebCCRule" },
	{ NULL, NULL },
};

const struct action web_cc_actions[] = {
	{ VERSION_DDOSCOO, "CreateWebCCRule", WRITE, PERMISSION_FULL, cc_rule_params,
		sizeof(struct cc_rule), create_run, NULL,
		"makes a frequency rule for a path of a web site", 0 },
	{ VERSION_DDOSCOO, "ModifyWebCCRule", WRITE, PERMISSION_FULL, cc_rule_params,
		sizeof(struct cc_rule), modify_run, NULL,
		"changes a frequency rule for a path of a web site", 0 },
	{ VERSION_DDOSCOO, "DeleteWebCCRule", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct cc_name), delete_run, NULL,
		"deletes a frequency rule for a path of a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeWebCCRules", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows the frequency rules for paths of a web site", 0 },
	{ 0 },
};
