/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling rules ("Sec-Traffic Manager"). An order writes the rule and steps its state once, in the same transaction, so that
 * the name answers what was asked for without waiting; from then on the engine steps it (engine/scheduling.c).
 */
#include "control/actions/scheduler.h"

#include <string.h>

#include <openssl/rand.h>

#include "base/clock.h"
#include "control/actions/json_param.h"
#include "control/actions/tables.h"

#define JSON_BYTES	16384
#define SWITCH_NOT_SET	(-1) /* published: Interval of what is left until an order */
#define SWITCH_AWAY	0
#define SWITCH_BACK	1
#define VALUE_MAX	254 /* a domain with its last dot */
#define INTERVAL_MAX	10080
#define PRIORITY_SHAPE	"0.." SHAPE_NUMBER(SCHEDULER_PRIORITY_MAX)
#define DELAY_SHAPE	SHAPE_NUMBER(SCHEDULER_DELAY_MIN) ".." SHAPE_NUMBER(SCHEDULER_DELAY_MAX)
#define QPS_SHAPE	SHAPE_NUMBER(SCHEDULER_QPS_MAX)
#define RESOURCES_SHAPE "1.." SHAPE_NUMBER(SCHEDULER_RESOURCE_MAX)

/* ---- shared */

struct scheduler_filter call_scheduler_filter(const struct call *call)
{
	return (struct scheduler_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
	};
}

static enum err name_object(struct call *call, const struct scheduler_rule *rule)
{
	call->object = arena_copy(call->mem, rule->name);
	call->object_account = rule->account;
	call->several = false;
	return call->object ? OK : ERR_MEMORY;
}

/* account: of the rule, where an operator means one; else 0. */
static enum err load_rule(
	struct call *call, int64_t account, const char *name, struct scheduler_rule *out)
{
	struct scheduler_filter filter = call_scheduler_filter(call);
	struct scheduler_rule *rule;
	int64_t total;
	size_t count;

	if (filter.account == 0)
		filter.account = account;
	filter.name = name;
	filter.limit = 1;
	TRY(scheduler_list(call->db, call->mem, &filter, &rule, &count, &total));
	if (count == 0)
		return ERR_SCHEDULER_NOT_FOUND;
	*out = rule[0];
	return name_object(call, out);
}

enum err call_scheduler(struct call *call, const char *name, struct scheduler_rule *out)
{
	return load_rule(call, 0, name, out);
}

static enum err record(json_t *entity, const struct scheduler_rule *rule)
{
	json_t *list;

	TRY(put_text(entity, "ruleName", rule->name));
	TRY(put_int(entity, "ruleType", rule->type));
	TRY(put_text(entity, "cname", rule->cname));
	if (rule->type == SCHEDULER_CDN) {
		TRY(put_text(entity, "domain", rule->domain));
		TRY(put_int(entity, "accessQps", rule->access_qps));
		TRY(put_int(entity, "upstreamQps", rule->upstream_qps));
	}
	TRY(put_list(entity, "rules", &list));
	for (size_t i = 0; i < rule->resource_count; i++) {
		const struct scheduler_resource *resource = &rule->resource[i];

		TRY(add(list, json_pack("{s:s, s:I, s:I, s:I, s:b, s:b}", "value", resource->value,
				      "valueType", (json_int_t)resource->value_type, "priority",
				      (json_int_t)resource->priority, "restoreDelay",
				      (json_int_t)resource->delay_minutes, "answered",
				      resource->state.answered, "held",
				      resource->state.mode == SCHEDULER_HELD)));
	}
	return OK;
}

/* Steps the state once, and writes it. */
static enum err settle(struct call *call, struct scheduler_rule *rule)
{
	const struct scheduler_times times = { call->now_ms, call->clock_ms };
	struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];

	TRY(scheduler_signals(call->db, rule, &times, signal));
	(void)scheduler_step(rule, signal, call->now_ms);
	return scheduler_put_state(call->db, rule, true);
}

/* ---- making and changing */

struct wish {
	const char *name, *rules, *param, *resource_group;
	int64_t type;
};
#define PARAM_RULE_TYPE(tag)                                                                       \
	PARAM(tag, type, "RuleType", .kind = PARAM_INT, .required = true, .min = 2, .max = 8,      \
		.help = "2 tiered, 3 network acceleration, 5 CDN, 6 cloud service, 8 secure "      \
			"acceleration")
static const struct param wish_params[] = {
	PARAM_RULE_NAME(wish, .required = true, .min = 1),
	PARAM_RULE_TYPE(wish),
	PARAM(wish, rules, "Rules", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = JSON_BYTES,
		.shape = "[{Type: A|CNAME, Value: text, Priority: " PRIORITY_SHAPE
			 ", ValueType: 1..8, RegionId?: text(64), RestoreDelay?: " DELAY_SHAPE
			 "}]" RESOURCES_SHAPE,
		.help = "protected addresses (ValueType 1) and resources; minutes until these are "
			"returned to"),
	PARAM(wish, param, "Param", .kind = PARAM_JSON, .empty_is_absent = true, .max = JSON_BYTES,
		.shape = "{ParamType: text(128), ParamData: {Domain?: text, Cname?: text, "
			 "AccessQps?: 1.." QPS_SHAPE ", UpstreamQps?: 0.." QPS_SHAPE
			 ", CloudInstanceId?: text(128)}}",
		.help = "of a CDN: its domain and name, and requests a second beyond which it is "
			"left"),
	PARAM_RESOURCE_GROUP(wish),
	PARAM_ROW_END,
};

static enum err read_wish(struct call *call, const struct wish *args, struct scheduler_rule *rule)
{
	if (!scheduler_type_valid(args->type))
		return refuse(call, ERR_INVALID_PARAMETER, "RuleType must be 2, 3, 5, 6 or 8.");
	rule->type = (enum scheduler_type)args->type;
	TRY(scheduler_read_param(call, args->param, rule));
	return scheduler_read_rules(call, args->rules, rule);
}

static enum err check_limits(struct call *call, int64_t account)
{
	int64_t own, all;

	TRY(scheduler_count(call->db, account, &own));
	TRY(scheduler_count(call->db, 0, &all));
	if (own >= SCHEDULER_MAX || all >= SCHEDULER_TOTAL_MAX)
		return refuse(call, ERR_SCHEDULER_LIMIT,
			"There can be at most %d scheduling rules, and %d of all accounts.",
			SCHEDULER_MAX, SCHEDULER_TOTAL_MAX);
	return OK;
}

/* A resource may be an instance that the key is not limited to: who cannot see the rule must not make it so. */
static enum err check_visible(struct call *call, const struct scheduler_rule *made)
{
	struct scheduler_rule rule;
	enum err err = load_rule(call, made->account, made->name, &rule);

	if (err != ERR_SCHEDULER_NOT_FOUND)
		return err;
	return refuse(call, ERR_INVALID_PARAMETER,
		"Rules lead to an instance of the account that this key may not use.");
}

static enum err reply_name(struct call *call, const struct scheduler_rule *rule)
{
	const char *cname = call_cname(call, rule->cname);

	if (!cname)
		return ERR_MEMORY;
	TRY(put_text(call->reply, "Cname", cname));
	return put_text(call->reply, "RuleName", rule->name);
}

static enum err create_run(struct call *call, const void *raw)
{
	const struct wish *args = raw;
	struct scheduler_rule rule = { .name = args->name };
	json_t *old_entity, *new_entity;
	uint8_t random[16];

	TRY(read_wish(call, args, &rule));
	TRY(check_limits(call, rule.account));
	if (RAND_bytes(random, sizeof(random)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for the name of a rule");
	cname_make(CNAME_RULE, random, rule.cname);
	TRY(scheduler_insert(call->db, &rule));
	TRY(check_visible(call, &rule));
	TRY(settle(call, &rule));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(new_entity, &rule));
	return reply_name(call, &rule);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct wish *args = raw;
	struct scheduler_rule before, rule = { .name = args->name };
	json_t *old_entity, *new_entity;

	TRY(read_wish(call, args, &rule));
	TRY(load_rule(call, rule.account, args->name, &before));
	if (rule.account != before.account)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Rules lead to instances of another account than the rule's.");
	rule.number = before.number;
	memcpy(rule.cname, before.cname, sizeof(rule.cname));
	scheduler_keep_state(&before, &rule);
	TRY(scheduler_update(call->db, &rule));
	TRY(check_visible(call, &rule));
	TRY(settle(call, &rule));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &before));
	TRY(record(new_entity, &rule));
	return reply_name(call, &rule);
}

struct name_args {
	const char *name, *resource_group;
};
static const struct param delete_params[] = {
	PARAM_RULE_NAME(name_args, .required = true, .min = 1),
	PARAM_RESOURCE_GROUP(name_args),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct name_args *args = raw;
	json_t *old_entity, *new_entity;
	struct scheduler_rule rule;

	TRY(call_scheduler(call, args->name, &rule));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &rule));
	return scheduler_delete(call->db, &rule);
}

/* ---- SwitchSchedulerRule */

struct switch_args {
	const char *name, *data;
	int64_t type;
};
static const struct param switch_params[] = {
	PARAM_RULE_NAME(switch_args, .required = true, .min = 1),
	PARAM_RULE_TYPE(switch_args),
	PARAM(switch_args, data, "SwitchData", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = JSON_BYTES,
		.shape = "[{Value: text, State: 0..1, Interval?: -1.." SHAPE_NUMBER(
			INTERVAL_MAX) "}]" RESOURCES_SHAPE,
		.help = "State 0 leaves the resource (Interval -1), 1 returns to it, in so many "
			"minutes"),
	PARAM_ROW_END,
};

static struct scheduler_resource *find(struct scheduler_rule *rule, const char *value)
{
	for (size_t i = 0; i < rule->resource_count; i++) {
		struct scheduler_resource *resource = &rule->resource[i];

		if (resource->value_type != SCHEDULER_PROTECTED &&
			strcmp(resource->value, value) == 0)
			return resource;
	}
	return NULL;
}

static enum err check_return(struct call *call, const struct scheduler_rule *rule)
{
	const struct scheduler_times times = { call->now_ms, call->clock_ms };
	struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX];

	TRY(scheduler_signals(call->db, rule, &times, signal));
	return scheduler_all_blackholed(rule, signal) ? ERR_SCHEDULER_BLACKHOLED : OK;
}

/* One element of SwitchData. */
struct turn {
	const char *where, *value;
	int64_t state, interval; /* interval SWITCH_NOT_SET - 1: not given */
};

static enum err read_turn(struct call *call, const json_t *array, size_t index, struct turn *out)
{
	struct json_element element;

	TRY(json_param_element(call, "SwitchData", array, index, "Value State Interval", &element));
	*out = (struct turn){ .where = element.where, .interval = SWITCH_NOT_SET - 1 };
	TRY(json_param_text(call, &element, "Value", VALUE_MAX, true, &out->value));
	TRY(json_param_int(call, &element, "State", true, &out->state));
	TRY(json_param_int(call, &element, "Interval", false, &out->interval));
	if (out->state != SWITCH_AWAY && out->state != SWITCH_BACK)
		return refuse(call, ERR_INVALID_PARAMETER, "%sState must be 0 or 1.", out->where);
	if (json_object_get(element.object, "Interval") &&
		(out->interval < SWITCH_NOT_SET || out->interval > INTERVAL_MAX))
		return refuse(call, ERR_INVALID_PARAMETER, "%sInterval must be -1..%d.", out->where,
			INTERVAL_MAX);
	return OK;
}

static enum err make_turn(struct call *call, const struct turn *turn, struct scheduler_rule *rule)
{
	struct scheduler_resource *resource;
	const char *value = "";

	resource = scheduler_value(call, turn->value, &value) ? find(rule, value) : NULL;
	if (!resource)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sValue is no resource of the rule: %.128s.", turn->where, turn->value);
	if (turn->state == SWITCH_AWAY) {
		if (turn->interval != SWITCH_NOT_SET)
			return refuse(call, ERR_INVALID_PARAMETER,
				"%sInterval must be -1 with State 0.", turn->where);
		scheduler_leave(&resource->state);
		return OK;
	}
	TRY(check_return(call, rule));
	scheduler_return(&resource->state,
		call->now_ms + (turn->interval > 0 ? turn->interval * MINUTE_MS : 0), call->now_ms);
	return OK;
}

static enum err switch_run(struct call *call, const void *raw)
{
	const struct switch_args *args = raw;
	struct turn turn[SCHEDULER_RESOURCE_MAX] = { 0 };
	AUTO(json) json_t *array = NULL;
	json_t *old_entity, *new_entity;
	struct scheduler_rule rule;

	TRY(json_param_parse(call, "SwitchData", args->data, SCHEDULER_RESOURCE_MAX, &array));
	for (size_t i = 0; i < json_array_size(array); i++)
		TRY(read_turn(call, array, i, &turn[i]));
	TRY(call_scheduler(call, args->name, &rule));
	if (args->type != (int64_t)rule.type)
		return refuse(call, ERR_INVALID_PARAMETER,
			"RuleType must be %d, as that of the rule.", rule.type);
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &rule));
	for (size_t i = 0; i < json_array_size(array); i++)
		TRY(make_turn(call, &turn[i], &rule));
	TRY(settle(call, &rule));
	return record(new_entity, &rule);
}

const struct action scheduler_actions[] = {
	{ VERSION_DDOSCOO, "CreateSchedulerRule", WRITE, PERMISSION_FULL, wish_params,
		sizeof(struct wish), create_run, NULL,
		"makes a name that leads to a resource, and to a protected address under attack",
		0 },
	{ VERSION_DDOSCOO, "ModifySchedulerRule", WRITE, PERMISSION_FULL, wish_params,
		sizeof(struct wish), modify_run, NULL, "changes what a scheduling rule leads to",
		0 },
	{ VERSION_DDOSCOO, "DeleteSchedulerRule", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct name_args), delete_run, NULL,
		"deletes a scheduling rule, whose name then answers nothing", 0 },
	{ VERSION_DDOSCOO, "SwitchSchedulerRule", WRITE, PERMISSION_FULL, switch_params,
		sizeof(struct switch_args), switch_run, NULL,
		"leaves a resource of a scheduling rule, or returns to it", 0 },
	{ 0 },
};
