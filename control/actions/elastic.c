/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Burstable protection, which is real: it is where the blackhole begins. And what the cloud rations and this does not:
 * mitigation sessions, none of which is ever used up.
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"
#include "control/model/lifecycle.h"
#include "control/store/vip.h"

/* ---- burstable protection */

struct spec {
	const char *id;
	int64_t gbps;
};
static const struct param spec_params[] = {
	PARAM_INSTANCE_ID(spec, .required = true),
	PARAM_ROW_END,
};
static const struct param protection_params[] = {
	PARAM_INSTANCE_ID(spec, .required = true),
	PARAM(spec, gbps, "ElasticBandwidth", .kind = PARAM_INT, .required = true, .min = 0,
		.max = 10000, .help = "Gbit/s of an attack above which the blackhole begins"),
	PARAM_ROW_END,
};

/* Sizes that an order may have, from the base on. */
static enum err spec_run(struct call *call, const void *raw)
{
	const struct spec *args = raw;
	struct instance instance;
	json_t *list;

	TRY(call_instance(call, args->id, &instance));
	TRY(put_list(call->reply, "ElasticBandwidthSpec", &list));
	for (const int64_t *size = plan_protection_sizes(); *size != 0; size++) {
		if (*size >= instance.plan.base_bandwidth_gbps)
			TRY(add(list, json_sprintf("%lld", (long long)*size)));
	}
	return OK;
}

static enum err protection_run(struct call *call, const void *raw)
{
	const struct spec *args = raw;
	struct instance instance;
	json_t *old_entity, *new_entity;
	char text[24], why[256];
	enum err err;

	TRY(call_instance(call, args->id, &instance));
	if (lifecycle_at(instance.expire_ms, call->now_ms)->state != LIFECYCLE_NORMAL)
		return ERR_INSTANCE_EXPIRED;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "elasticBandwidth", instance.plan.elastic_bandwidth_gbps));
	TRY(put_int(new_entity, "elasticBandwidth", args->gbps));
	(void)snprintf(text, sizeof(text), "%lld", (long long)args->gbps);
	err = plan_set(&instance.plan, instance.product, "Bandwidth", text, why);
	if (err == ERR_INVALID_PARAMETER)
		return refuse(call, err, "Elastic%s.", why); /* "Bandwidth must ..." */
	TRY(err);
	return instance_update(call->db, &instance);
}

/* ---- mitigation sessions, grants */

struct nothing {
	const char *id, *resource_group, *role;
	int64_t from, until, page_number, page_size;
};
static const struct param count_params[] = {
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};
#define PARAM_SPAN(name, field, text)                                                              \
	PARAM(nothing, field, name, .kind = PARAM_INT, .required = true, .min = 0,                 \
		.max = INT64_C(100000000000000), .type = "Long", .help = text)
#define PARAM_PAGES                                                                                \
	PARAM(nothing, page_number, "PageNumber", .kind = PARAM_INT, .required = true, .min = 1,   \
		.max = PAGE_NUMBER_MAX, .help = "page to show, from 1"),                           \
		PARAM(nothing, page_size, "PageSize", .kind = PARAM_INT, .required = true,         \
			.min = 1, .max = 50, .help = "entries of a page")
static const struct param session_params[] = {
	PARAM_INSTANCE_ID(nothing, .empty_is_absent = true),
	PARAM_SPAN("StartTime", from, "first ms to show"),
	PARAM_SPAN("EndTime", until, "ms before which it ends"),
	PARAM_PAGES,
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};
static const struct param grant_params[] = {
	PARAM(nothing, role, "Role", .kind = PARAM_CHOICE, .required = true,
		.choices = "AliyunDDoSCOODefaultRole", .help = "role of the cloud product"),
	PARAM_RESOURCE_GROUP(nothing),
	PARAM_ROW_END,
};

/* What instances of the caller have a month, as their specifications show it; none of it is ever used up. */
static enum err count_run(struct call *call, const void *raw)
{
	struct instance_filter filter = call_instance_filter(call);
	struct instance *instance;
	int64_t total, sessions = 0;
	json_t *object;
	size_t count;

	(void)raw;
	TRY(instance_list(call->db, call->mem, &filter, &instance, &count, &total));
	for (size_t i = 0; i < count; i++)
		sessions += instance[i].plan.defense_count > 0 ? instance[i].plan.defense_count : 0;
	TRY(put_object(call->reply, "DefenseCountStatistics", &object));
	TRY(put_int(object, "DefenseCountTotalUsageOfCurrentMonth", 0));
	TRY(put_int(object, "FlowPackCountRemain", 0));
	TRY(put_int(object, "MaxUsableDefenseCountCurrentMonth", sessions));
	return put_int(object, "SecHighSpeedCountRemain", 0);
}

static enum err session_run(struct call *call, const void *raw)
{
	const struct nothing *args = raw;
	struct instance instance;
	json_t *list;

	TRY(figure_span(call, args->from, args->until));
	if (args->id)
		TRY(call_instance(call, args->id, &instance));
	TRY(put_list(call->reply, "DefenseRecords", &list));
	return put_int(call->reply, "TotalCount", 0);
}

/* No service of a cloud is used, for which leave would have to be given: it is never what is missing. */
static enum err grant_run(struct call *call, const void *raw)
{
	json_t *object;

	(void)raw;
	TRY(put_object(call->reply, "StsGrant", &object));
	return put_int(object, "Status", 1);
}

static const struct reply_list spec_lists[] = { { "ElasticBandwidthSpec", "ElasticBandwidth" },
	{ NULL, NULL } };
static const struct reply_list session_lists[] = { { "DefenseRecords", "DefenseRecord" },
	{ NULL, NULL } };
const struct action elastic_actions[] = {
	DDOSCOO_READ("DescribeElasticBandwidthSpec", spec_params, spec, spec_run, spec_lists,
		"lists the burstable protection that an instance may have"),
	{ VERSION_DDOSCOO, "ModifyElasticBandWidth", WRITE, PERMISSION_FULL, protection_params,
		sizeof(struct spec), protection_run, NULL,
		"sets the burstable protection of an instance: the blackhole begins above it", 0 },
	DDOSCOO_READ("DescribeDefenseCountStatistics", count_params, nothing, count_run, NULL,
		"tells that no mitigation session was used up: they are not rationed"),
	DDOSCOO_READ("DescribeDefenseRecords", session_params, nothing, session_run, session_lists,
		"lists mitigation sessions that were used up: none ever is"),
	DDOSCOO_READ("DescribeStsGrantStatus", grant_params, nothing, grant_run, NULL,
		"tells that nothing has to be granted"),
	{ 0 },
};
