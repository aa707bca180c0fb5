/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling rules as they are shown. Replies have the published fields and no others; Status 1 is said of what the name
 * answers now. What is known of a CDN is in DescribeCdnLinkageRules alone.
 */
#include "control/actions/scheduler.h"

#include "control/actions/tables.h"

#define LINE "default"

struct page_args {
	const char *name, *domain, *resource_group;
	int64_t page_number, page_size;
};
static const struct param describe_params[] = {
	PARAM_RULE_NAME(page_args, .empty_is_absent = true),
	PARAM(page_args, domain, "Domain", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 256,
		.help = "name of the rule, or domain of a CDN's"),
	PARAM_PAGE_NUMBER(page_args, .required = false),
	PARAM_PAGE_SIZE(page_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_RESOURCE_GROUP(page_args),
	PARAM_ROW_END,
};
static const struct param linkage_params[] = {
	PARAM(page_args, domain, "Domain", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 256,
		.help = "domain of a CDN's rule"),
	PARAM_PAGE_NUMBER(page_args, .required = true),
	PARAM_PAGE_SIZE(page_args, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_RESOURCE_GROUP(page_args),
	PARAM_ROW_END,
};

/* whole: with what DescribeCdnLinkageRules does not show. */
static enum err put_resources(json_t *object, const struct scheduler_rule *rule, bool whole)
{
	json_t *list, *item;

	TRY(put_list(object, "Rules", &list));
	for (size_t i = 0; i < rule->resource_count; i++) {
		const struct scheduler_resource *resource = &rule->resource[i];

		item = json_object();
		TRY(add(list, item));
		TRY(put_text(item, "Type", resource->named ? "CNAME" : "A"));
		TRY(put_text(item, "Value", resource->value));
		TRY(put_int(item, "ValueType", resource->value_type));
		TRY(put_int(item, "Priority", resource->priority));
		TRY(put_text(item, "RegionId", resource->region));
		TRY(put_int(item, "Status", resource->state.answered));
		if (!whole)
			continue;
		TRY(put_int(item, "RestoreDelay", resource->delay_minutes));
		TRY(put_text(item, "Line", LINE));
	}
	return OK;
}

static enum err put_rule(struct call *call, json_t *list, const struct scheduler_rule *rule)
{
	json_t *item = json_object(), *param, *data;
	const char *cname = call_cname(call, rule->cname);

	TRY(add(list, item));
	if (!cname)
		return ERR_MEMORY;
	TRY(put_text(item, "RuleName", rule->name));
	TRY(put(item, "RuleType", json_sprintf("%d", rule->type)));
	TRY(put_text(item, "Cname", cname));
	TRY(put_object(item, "Param", &param));
	TRY(put_text(param, "ParamType", rule->param_type));
	TRY(put_object(param, "ParamData", &data));
	TRY(put_text(data, "CloudInstanceId", rule->cloud_instance));
	return put_resources(item, rule, true);
}

/* Enabled where requests can be counted, which is where the domain is a web site here. */
static enum err put_linkage(struct call *call, json_t *list, const struct scheduler_rule *rule)
{
	json_t *item = json_object(), *linkage, *param, *data;
	const char *cname = call_cname(call, rule->cname);
	int64_t site;

	TRY(add(list, item));
	if (!cname)
		return ERR_MEMORY;
	TRY(scheduler_website(call->db, rule, &site));
	TRY(put_text(item, "Domain", rule->domain));
	TRY(put_int(item, "CdnLinkageEnable", site != 0));
	TRY(put_object(item, "CdnLinkageRule", &linkage));
	TRY(put_text(linkage, "RuleName", rule->name));
	TRY(put_text(linkage, "Cname", cname));
	TRY(put_object(linkage, "Param", &param));
	TRY(put_text(param, "ParamType", rule->param_type));
	TRY(put_object(param, "ParamData", &data));
	TRY(put_int(data, "AccessQps", rule->access_qps));
	TRY(put_int(data, "UpstreamQps", rule->upstream_qps));
	return put_resources(linkage, rule, false);
}

static enum err describe(struct call *call, const struct page_args *args,
	struct scheduler_filter *filter,
	enum err (*put_one)(struct call *call, json_t *list, const struct scheduler_rule *rule))
{
	struct scheduler_rule *rule;
	int64_t total;
	size_t count;
	json_t *list;

	filter->offset = page_offset(args->page_number, args->page_size);
	filter->limit = args->page_size;
	TRY(scheduler_list(call->db, call->mem, filter, &rule, &count, &total));
	TRY(put(call->reply, "TotalCount", json_sprintf("%lld", (long long)total)));
	TRY(put_list(call->reply, "SchedulerRules", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_one(call, list, &rule[i]));
	return OK;
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct page_args *args = raw;
	struct scheduler_filter filter = call_scheduler_filter(call);

	filter.name = args->name;
	filter.either = args->domain;
	return describe(call, args, &filter, put_rule);
}

static enum err linkage_run(struct call *call, const void *raw)
{
	const struct page_args *args = raw;
	struct scheduler_filter filter = call_scheduler_filter(call);

	filter.type = SCHEDULER_CDN;
	filter.domain = args->domain;
	return describe(call, args, &filter, put_linkage);
}

static const struct reply_list rule_lists[] = {
	{ "SchedulerRules", "SchedulerRule" },
	{ "Rules", "Rule" },
	{ NULL, NULL },
};
static const struct reply_list linkage_lists[] = {
	{ "SchedulerRules", NULL },
	{ "Rules", NULL },
	{ NULL, NULL },
};

const struct action scheduler_list_actions[] = {
	{ VERSION_DDOSCOO, "DescribeSchedulerRules", READ, PERMISSION_READ, describe_params,
		sizeof(struct page_args), describe_run, rule_lists,
		"shows scheduling rules, and what their names answer", 0 },
	{ VERSION_DDOSCOO, "DescribeCdnLinkageRules", READ, PERMISSION_READ, linkage_params,
		sizeof(struct page_args), linkage_run, linkage_lists,
		"shows scheduling rules of a CDN", 0 },
	{ 0 },
};
