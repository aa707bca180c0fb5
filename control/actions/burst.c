/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders about what an instance may have beyond its plan: clean bandwidth, and requests to its web sites. Nodes hear of what
 * is set and enforce the sum of plan and burst (model/burst.h); how it is metered is in metering.c.
 *
 * Published, and kept: a metering of bandwidth that is changed while the burst is on begins with the next month, can be changed
 * so often a month and not on its last day; and the burst of bandwidth is switched off once a month at most. A burst that is
 * off is not metered, so that its metering is changed at once.
 */
#include <string.h>

#include "base/clock.h"
#include "control/actions/tables.h"
#include "control/call.h"
#include "control/model/burst.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"

#define BURSTS_OFF_MAX 1 /* of an instance in a calendar month */
#define MODE_UNCHANGED METERING_NONE
#define QPS_UNSET      (-1) /* as published: the most that there is */

struct burst {
	const char *id, *mode;
	int64_t amount;
};
#define PARAM_MODE(...)                                                                            \
	PARAM(burst, mode, "Mode", .kind = PARAM_CHOICE, .choices = "month day",                   \
		.help = "which 95th percentile counts: that of a month's samples, or a day's",     \
		__VA_ARGS__)
static const struct param bandwidth_params[] = {
	PARAM_INSTANCE_ID(burst, .required = true),
	PARAM(burst, amount, "ElasticBizBandwidth", .kind = PARAM_INT, .required = true, .min = 0,
		.max = CLEAN_BANDWIDTH_MBPS_MAX,
		.help = "Mbit/s above the clean bandwidth, at most nine times of it; 0: none"),
	PARAM_MODE(.empty_is_absent = true),
	PARAM_ROW_END,
};
static const struct param qps_params[] = {
	PARAM_INSTANCE_ID(burst, .required = true),
	PARAM_MODE(.required = true),
	PARAM(burst, amount, "OpsElasticQps", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = INT32_MAX, .fallback = QPS_UNSET, .type = "Long",
		.help = "requests a second above the plan's; 0: none; absent: the most"),
	PARAM_ROW_END,
};
static const struct param mode_params[] = {
	PARAM_INSTANCE_ID(burst, .required = true),
	PARAM_MODE(.required = true),
	PARAM_ROW_END,
};

/* The instance, which must not be expired, and the mode of the order. */
static enum err load(
	struct call *call, const struct burst *args, struct instance *out, int64_t *metering)
{
	*metering = MODE_UNCHANGED;
	if (args->mode && !metering_from_name(args->mode, metering))
		return refuse(call, ERR_INVALID_PARAMETER, "Mode must be month or day.");
	TRY(call_instance(call, args->id, out));
	return lifecycle_at(out->expire_ms, call->now_ms)->state == LIFECYCLE_NORMAL
		       ? OK
		       : ERR_INSTANCE_EXPIRED;
}

/* ---- clean bandwidth */

/* Takes one of so many times in this calendar month. */
static enum err use_up(struct call *call, const struct instance *instance, const char *what,
	int64_t times, const char *refusal)
{
	const char *kind = arena_print(call->mem, "%s %s", what, instance->id);
	int64_t used, last_ms;

	if (!kind)
		return ERR_MEMORY;
	TRY(quota_used(call->db, instance->account, kind, burst_month_begin(call->clock_ms), &used,
		&last_ms));
	if (used >= times)
		return refuse(call, ERR_QUOTA, "%s", refusal);
	return quota_use(call->db, instance->account, kind, call->clock_ms);
}

/* The metering that was chosen last. */
static int64_t mode_chosen(const struct plan *plan)
{
	return plan->burst_mode_next_ms > 0 ? plan->burst_mode_next : plan->burst_mode;
}

static void set_mode_now(struct plan *plan, int64_t metering)
{
	plan->burst_mode = metering;
	plan->burst_mode_next = METERING_NONE;
	plan->burst_mode_next_ms = 0;
}

static enum err change_mode(struct call *call, struct instance *instance, int64_t metering)
{
	struct plan *plan = &instance->plan;

	if (metering == mode_chosen(plan))
		return OK;
	if (plan->burst_bandwidth_mbps == 0) {
		set_mode_now(plan, metering);
		return OK;
	}
	if (call->clock_ms >= burst_month_next(call->clock_ms) - DAY_MS)
		return refuse(call, ERR_QUOTA,
			"Mode cannot be changed on the last day of a month, which ends at 00:00 "
			"UTC+8.");
	TRY(use_up(call, instance, "burst-mode", BURST_MODE_CHANGES_MAX,
		"Mode was changed three times this month; months begin at 00:00 UTC+8."));
	burst_mode_choose(plan, metering, call->clock_ms);
	return OK;
}

static enum err record_bandwidth(json_t *entity, const struct plan *plan)
{
	TRY(put_int(entity, "elasticBizBandwidth", plan->burst_bandwidth_mbps));
	return put_text(entity, "mode", metering_name(mode_chosen(plan)));
}

/* Switches on, off, or sets another amount. */
static enum err change_bandwidth(
	struct call *call, const struct burst *args, struct instance *instance, int64_t metering)
{
	struct plan *plan = &instance->plan;
	int64_t before = plan->burst_bandwidth_mbps;

	if (metering != MODE_UNCHANGED)
		TRY(change_mode(call, instance, metering));
	plan->burst_bandwidth_mbps = args->amount;
	if (!burst_bandwidth_fits(plan))
		return refuse(call, ERR_INVALID_PARAMETER,
			"ElasticBizBandwidth must be at most %d times the clean bandwidth of %lld "
			"Mbit/s, and with it at most %d.",
			BURST_BANDWIDTH_TIMES, (long long)plan->clean_bandwidth_mbps,
			CLEAN_BANDWIDTH_MBPS_MAX);
	if (before > 0 && args->amount == 0)
		TRY(use_up(call, instance, "burst-off", BURSTS_OFF_MAX,
			"ElasticBizBandwidth was switched off this month already; months begin at "
			"00:00 UTC+8."));
	/* What published bills go by. */
	if (args->amount > 0 && burst_mode_at(plan, call->clock_ms) == METERING_NONE)
		set_mode_now(plan, METERING_MONTH);
	return OK;
}

static enum err bandwidth_run(struct call *call, const void *raw)
{
	const struct burst *args = raw;
	json_t *old_entity, *new_entity;
	struct instance instance = { .number = 0 };
	int64_t metering = MODE_UNCHANGED;

	TRY(load(call, args, &instance, &metering));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_bandwidth(old_entity, &instance.plan));
	TRY(change_bandwidth(call, args, &instance, metering));
	TRY(record_bandwidth(new_entity, &instance.plan));
	return instance_update(call->db, &instance);
}

static enum err bandwidth_mode_run(struct call *call, const void *raw)
{
	json_t *old_entity, *new_entity;
	struct instance instance = { .number = 0 };
	int64_t metering = MODE_UNCHANGED;

	TRY(load(call, raw, &instance, &metering));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_bandwidth(old_entity, &instance.plan));
	TRY(change_mode(call, &instance, metering));
	TRY(record_bandwidth(new_entity, &instance.plan));
	return instance_update(call->db, &instance);
}

/* ---- requests */

static enum err record_qps(json_t *entity, const struct plan *plan)
{
	TRY(put_int(entity, "opsElasticQps", plan->burst_qps));
	return put_text(entity, "mode", metering_name(plan->burst_qps_mode));
}

static enum err set_qps(
	struct call *call, struct instance *instance, int64_t amount, int64_t metering)
{
	json_t *old_entity, *new_entity;

	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_qps(old_entity, &instance->plan));
	instance->plan.burst_qps = amount;
	instance->plan.burst_qps_mode = metering;
	TRY(record_qps(new_entity, &instance->plan));
	return instance_update(call->db, instance);
}

static enum err qps_run(struct call *call, const void *raw)
{
	const struct burst *args = raw;
	struct instance instance = { .number = 0 };
	int64_t metering = MODE_UNCHANGED, most, amount;

	TRY(load(call, args, &instance, &metering));
	most = burst_qps_most(instance.product);
	amount = args->amount == QPS_UNSET ? most : args->amount;
	if (amount > most)
		return refuse(call, ERR_INVALID_PARAMETER, "OpsElasticQps must be 0..%lld.",
			(long long)most);
	if (instance.ipv6 && amount > 0)
		return refuse(call, ERR_INVALID_PARAMETER,
			"InstanceId must be an IPv4 instance: others have no burst of requests.");
	return set_qps(call, &instance, amount, metering);
}

static enum err qps_mode_run(struct call *call, const void *raw)
{
	struct instance instance = { .number = 0 };
	int64_t metering = MODE_UNCHANGED;

	TRY(load(call, raw, &instance, &metering));
	return set_qps(call, &instance, instance.plan.burst_qps, metering);
}

#define BURST_WRITE(name, params, run, summary)                                                    \
	{                                                                                          \
		VERSION_DDOSCOO, name, WRITE, PERMISSION_FULL, params, sizeof(struct burst), run,  \
			NULL, summary, 0                                                           \
	}
const struct action burst_actions[] = {
	BURST_WRITE("ModifyElasticBizBandWidth", bandwidth_params, bandwidth_run,
		"sets the clean bandwidth that an instance may have above its plan's"),
	BURST_WRITE("ModifyBizBandWidthMode", mode_params, bandwidth_mode_run,
		"sets how it is metered from next month on"),
	BURST_WRITE("ModifyElasticBizQps", qps_params, qps_run,
		"sets the requests a second that an instance may have above its plan's"),
	BURST_WRITE("ModifyQpsMode", mode_params, qps_mode_run, "sets how these are metered"),
	{ 0 },
};
