/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an instance is protected: the mode of each mitigation, limits of the instance as a whole, automatic
 * block-list entries.
 *
 * The published switch of intelligent protection stands for automatic entries (mitigation auto_block): loose
 * counts them only, strict keeps them for an hour at least. It and the mode of auto_block are two doors to the same
 * thing; who came last is in force.
 */
#include "control/call.h"

#include <string.h>

#include "control/actions/tables.h"
#include "control/store/policy.h"

static const char mitigation_choices[] =
#define MITIGATION(name, mode, text) " " #name
#include "shared/mitigations.def"
#undef MITIGATION
	;

static enum err load(
	struct call *call, const char *id, struct instance *instance, struct protection *out)
{
	TRY(call_instance(call, id, instance));
	return protection_load(call->db, call->mem, instance->number, out);
}

/* ---- limits of the instance */

struct real_limit {
	const char *id;
	int64_t mbps;
};
static const struct param real_limit_params[] = {
	PARAM_INSTANCE_ID(real_limit, .required = true),
	PARAM(real_limit, mbps, "LimitValue", .kind = PARAM_INT, .required = true, .min = 0,
		.max = REAL_LIMIT_MBPS_MAX, .type = "Long",
		.help = "Mbit/s of clean traffic above which packets are dropped; 0: none"),
	PARAM_ROW_END,
};

static enum err real_limit_run(struct call *call, const void *raw)
{
	const struct real_limit *args = raw;
	struct protection protection;
	struct instance instance;
	json_t *old_entity, *new_entity;
	TRY(load(call, args->id, &instance, &protection));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "realLimitBw", protection.real_limit_mbps));
	TRY(put_int(new_entity, "realLimitBw", args->mbps));
	protection.real_limit_mbps = args->mbps;
	return protection_put(call->db, call->mem, &protection);
}

#define UNCHANGED (-1) /* of a limit that the request does not name */

struct limits {
	const char *id;
	int64_t syn_threshold, unproven, packets;
};
static const struct param limits_params[] = {
	PARAM_INSTANCE_ID(limits, .required = true),
	PARAM(limits, syn_threshold, "SynThreshold", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 0, .max = INT32_MAX, .fallback = UNCHANGED,
		.help = "SYNs a second up to which they pass without a cookie; 0: all get one"),
	PARAM(limits, unproven, "UnprovenPackets", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 0, .max = UINT32_MAX, .fallback = UNCHANGED,
		.help = "UDP packets a second of all sources that have proven nothing; 0: "
			"unlimited"),
	PARAM(limits, packets, "Packets", .kind = PARAM_INT, .empty_is_absent = true, .min = 0,
		.max = UINT32_MAX, .fallback = UNCHANGED,
		.help = "packets a second toward origins; 0: unlimited"),
	PARAM_ROW_END,
};

static enum err record_limits(json_t *entity, const struct protection *protection)
{
	TRY(put_int(entity, "synThreshold", protection->syn_threshold));
	TRY(put_int(entity, "unprovenPackets", protection->unproven_max));
	return put_int(entity, "packets", protection->packets_max);
}

static enum err limits_run(struct call *call, const void *raw)
{
	const struct limits *args = raw;
	struct protection protection;
	struct instance instance;
	json_t *old_entity, *new_entity;
	TRY(load(call, args->id, &instance, &protection));
	if (args->syn_threshold == UNCHANGED && args->unproven == UNCHANGED &&
		args->packets == UNCHANGED)
		return refuse(call, ERR_MISSING_PARAMETER,
			"One of SynThreshold, UnprovenPackets and Packets is mandatory.");
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_limits(old_entity, &protection));
	if (args->syn_threshold != UNCHANGED)
		protection.syn_threshold = args->syn_threshold;
	if (args->unproven != UNCHANGED)
		protection.unproven_max = args->unproven;
	if (args->packets != UNCHANGED)
		protection.packets_max = args->packets;
	TRY(record_limits(new_entity, &protection));
	return protection_put(call->db, call->mem, &protection);
}

/* ---- modes of mitigations */

struct modify {
	const char *id, *mitigation, *mode;
};
static const struct param modify_params[] = {
	PARAM_INSTANCE_ID(modify, .required = true),
	PARAM(modify, mitigation, "Mitigation", .kind = PARAM_CHOICE, .required = true,
		.choices = mitigation_choices + 1, .help = "name, as DescribeMitigations shows it"),
	PARAM(modify, mode, "Mode", .kind = PARAM_CHOICE, .required = true,
		.choices = "off watch block default",
		.help = "watch counts what would be dropped; default takes the choice back"),
	PARAM_ROW_END,
};

static const char *chosen_name(const struct protection *protection, enum mitigation mitigation)
{
	uint8_t mode = protection->mode[mitigation];
	return mode == MITIGATION_UNSET ? "default"
					: mitigation_mode_name((enum mitigation_mode)mode);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	struct protection protection;
	struct instance instance;
	enum mitigation mitigation = MITIGATION_COUNT;
	enum mitigation_mode mode;
	json_t *old_entity, *new_entity;
	TRY(load(call, args->id, &instance, &protection));
	if (!mitigation_from_name(args->mitigation, &mitigation))
		return ERR_INVALID_PARAMETER;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_text(old_entity, args->mitigation, chosen_name(&protection, mitigation)));
	protection.mode[mitigation] = mitigation_mode_from_name(args->mode, &mode)
					      ? (uint8_t)mode
					      : (uint8_t)MITIGATION_UNSET;
	TRY(put_text(new_entity, args->mitigation, chosen_name(&protection, mitigation)));
	return protection_put(call->db, call->mem, &protection);
}

struct describe {
	const char *id;
};
static const struct param describe_params[] = {
	PARAM_INSTANCE_ID(describe, .required = true),
	PARAM_ROW_END,
};

static enum err put_mitigation(struct call *call, json_t *list, const struct instance *instance,
	const struct protection *protection, enum mitigation mitigation)
{
	const struct protection untouched = protection_default(instance->number);
	uint32_t reason = (uint32_t)MITIGATION_REASON(mitigation);
	struct reason_measure dropped, watched;
	json_t *item = json_object();
	TRY(add(list, item));
	(void)nodes_reason(call->nodes, instance->number, reason, call->clock_ms, &dropped);
	(void)nodes_reason(
		call->nodes, instance->number, REASON_WATCHED | reason, call->clock_ms, &watched);
	TRY(put_text(item, "Name", mitigation_name(mitigation)));
	TRY(put_text(item, "Text", mitigation_text(mitigation)));
	TRY(put_text(item, "Mode", mitigation_mode_name(protection_mode(protection, mitigation))));
	TRY(put_text(item, "DefaultMode",
		mitigation_mode_name(protection_mode(&untouched, mitigation))));
	TRY(put(item, "Chosen", json_boolean(protection->mode[mitigation] != MITIGATION_UNSET)));
	TRY(put_int(item, "DroppedPackets", (int64_t)dropped.total.packets));
	TRY(put_int(item, "DroppedBytes", (int64_t)dropped.total.bytes));
	TRY(put_int(item, "WatchedPackets", (int64_t)watched.total.packets));
	return put_int(item, "WatchedBytes", (int64_t)watched.total.bytes);
}

static enum err put_limits(
	struct call *call, const struct instance *instance, const struct protection *protection)
{
	json_t *limits;
	int64_t syns = protection->syn_threshold;
	TRY(put_object(call->reply, "Limits", &limits));
	TRY(put_int(limits, "SynThreshold",
		syns == SYN_THRESHOLD_UNSET ? SYN_THRESHOLD_DEFAULT : syns));
	TRY(put_int(limits, "UnprovenPackets", protection->unproven_max));
	TRY(put_int(limits, "Packets", protection->packets_max));
	return put_int(limits, "Bytes", (int64_t)protection_bytes_max(protection, &instance->plan));
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct protection protection;
	struct instance instance;
	json_t *list;
	TRY(load(call, args->id, &instance, &protection));
	TRY(put_text(call->reply, "InstanceId", instance.id));
	TRY(put_list(call->reply, "Mitigations", &list));
	for (unsigned i = 0; i < MITIGATION_COUNT; i++)
		TRY(put_mitigation(call, list, &instance, &protection, (enum mitigation)i));
	return put_limits(call, &instance, &protection);
}

/* ---- automatic entries of the block-list */

struct auto_status {
	const char *id, *mode, *status;
};
static const struct param auto_status_params[] = {
	PARAM_INSTANCE_ID(auto_status, .required = true),
	PARAM(auto_status, mode, "Mode", .kind = PARAM_CHOICE, .required = true,
		.choices = "loose normal strict",
		.help = "loose: sources are counted, not blocked; strict: for an hour at least"),
	PARAM(auto_status, status, "Switch", .kind = PARAM_CHOICE, .required = true,
		.choices = "on off", .help = "whether sources over a limit are blocked"),
	PARAM_ROW_END,
};

/* As it is in force, also when it was chosen as the mode of a mitigation. */
static bool auto_is_on(const struct protection *protection)
{
	return protection_mode(protection, MITIGATION_auto_block) != MITIGATION_OFF;
}

static enum err record_auto(json_t *entity, const struct protection *protection)
{
	TRY(put_text(entity, "switch", auto_is_on(protection) ? "on" : "off"));
	return put_text(entity, "mode", strictness_name(protection->strictness));
}

static enum err auto_status_run(struct call *call, const void *raw)
{
	const struct auto_status *args = raw;
	struct protection protection;
	struct instance instance;
	json_t *old_entity, *new_entity;
	TRY(load(call, args->id, &instance, &protection));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record_auto(old_entity, &protection));
	protection.auto_block = strcmp(args->status, "on") == 0;
	protection.mode[MITIGATION_auto_block] = MITIGATION_UNSET;
	if (!strictness_from_name(args->mode, &protection.strictness))
		return ERR_INVALID_PARAMETER;
	TRY(record_auto(new_entity, &protection));
	return protection_put(call->db, call->mem, &protection);
}

struct describe_auto {
	struct text_list ids;
};
static const struct param describe_auto_params[] = {
	PARAM_INSTANCE_IDS(describe_auto, .required = true),
	PARAM_ROW_END,
};

static enum err describe_auto_run(struct call *call, const void *raw)
{
	const struct describe_auto *args = raw;
	struct instance *instances;
	size_t count;
	json_t *list;
	TRY(call_instances(call, &args->ids, &instances, &count));
	TRY(put_list(call->reply, "PortAutoCcStatus", &list));
	for (size_t i = 0; i < count; i++) {
		struct protection protection;
		TRY(protection_load(call->db, call->mem, instances[i].number, &protection));
		const char *status = auto_is_on(&protection) ? "on" : "off";
		const char *mode = strictness_name(protection.strictness);
		/* Ports of websites are not different from others. */
		TRY(add(list, json_pack("{s:s, s:s, s:s, s:s}", "Mode", mode, "Switch", status,
				      "WebMode", mode, "WebSwitch", status)));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "Mitigations", "Mitigation" },
	{ NULL, NULL },
};
static const struct reply_list auto_lists[] = {
	{ "PortAutoCcStatus", "Status" },
	{ NULL, NULL },
};

const struct action protection_actions[] = {
	{ VERSION_DDOSCOO, "ConfigLayer4RealLimit", WRITE, PERMISSION_FULL, real_limit_params,
		sizeof(struct real_limit), real_limit_run, NULL,
		"limits the clean bandwidth of an instance", 0 },
	{ VERSION_DDOSCOO, "ModifyPortAutoCcStatus", WRITE, PERMISSION_FULL, auto_status_params,
		sizeof(struct auto_status), auto_status_run, NULL,
		"says whether sources over a limit are blocked for a time", 0 },
	{ VERSION_DDOSCOO, "DescribePortAutoCcStatus", READ, PERMISSION_READ, describe_auto_params,
		sizeof(struct describe_auto), describe_auto_run, auto_lists,
		"shows whether sources over a limit are blocked for a time", 0 },
	{ VERSION_POLDER, "DescribeMitigations", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows what mitigations of an instance do and what they met", 0 },
	{ VERSION_POLDER, "ModifyMitigation", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"turns a mitigation of an instance off, to watching or to blocking", 0 },
	{ VERSION_POLDER, "ModifyInstanceLimits", WRITE, PERMISSION_FULL, limits_params,
		sizeof(struct limits), limits_run, NULL,
		"changes limits that hold for an instance as a whole", 0 },
	{ 0 },
};
