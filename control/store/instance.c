/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances as rows: making, changing and releasing them. Lists with filters are in
 * instance_list.c.
 *
 * Every function that a node must hear of records its change here. Deadlines keep two more facts:
 * the generation that announced them, and the forwarding deadline that nodes which have not
 * confirmed that generation still follow; from both, "is it forwarded now" is answered truthfully.
 */
#include "control/store/instance.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/model/lifecycle.h"
#include "control/store/query.h"
#include "control/store/scheduler.h"
#include "control/store/vip.h"
#include "control/store/website.h"

/* The nodes' number has 32 bits and 0 means none. */
#define NUMBER_MAX INT64_C(0xffffffff)

enum err instance_row(struct cursor *cursor, struct arena *mem, struct instance *out)
{
	int column = 0;
	const char *id;

	*out = (struct instance){ .number = db_int(cursor, column++) };
	id = text_column(cursor, column++, mem);
	if (strlen(id) >= sizeof(out->id))
		return fail(ERR_STORE, "instance id is too long");
	memcpy(out->id, id, strlen(id) + 1);
	out->account = db_int(cursor, column++);
	out->product = (enum product)db_int(cursor, column++);
	out->edition = db_int(cursor, column++);
	out->ipv6 = db_int(cursor, column++) != 0;
	address_column(cursor, column++, out->vip);
	out->create_ms = db_int(cursor, column++);
	out->expire_ms = db_int(cursor, column++);
	out->deadline_generation = db_int(cursor, column++);
	out->previous_forward_until_ms = db_int(cursor, column++);
	out->renewal = (enum renewal)db_int(cursor, column++);
	out->renewal_months = db_int(cursor, column++);
	out->switch_back_origin = db_int(cursor, column++) != 0;
	out->remark = text_column(cursor, column++, mem);
	out->resource_group = text_column(cursor, column++, mem);
	out->plan.base_bandwidth_gbps = db_int(cursor, column++);
	out->plan.elastic_bandwidth_gbps = db_int(cursor, column++);
	out->plan.clean_bandwidth_mbps = db_int(cursor, column++);
	out->plan.qps = db_int(cursor, column++);
	out->plan.ports = db_int(cursor, column++);
	out->plan.domains = db_int(cursor, column++);
	out->plan.function_version = db_int(cursor, column++);
	out->plan.product_plan = db_int(cursor, column++);
	out->plan.burst_mode = db_int(cursor, column++);
	out->plan.defense_count = db_int(cursor, column++);
	out->plan.burst_bandwidth_mbps = db_int(cursor, column++);
	out->plan.burst_mode_next = db_int(cursor, column++);
	out->plan.burst_mode_next_ms = db_int(cursor, column++);
	out->plan.burst_qps = db_int(cursor, column++);
	out->plan.burst_qps_mode = db_int(cursor, column++);
	return cursor->err;
}

static enum err load_first(struct cursor *cursor, struct arena *mem, struct instance *out)
{
	struct instance instance = { 0 };
	enum err err = ERR_INSTANCE_NOT_FOUND;

	if (db_next(cursor))
		err = instance_row(cursor, mem, &instance);
	db_done(cursor);
	TRY(cursor->err);
	if (err == OK)
		*out = instance;
	return err;
}

enum err instance_load(struct db *db, struct arena *mem, const char *id, struct instance *out)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT " INSTANCE_COLUMNS " FROM instance WHERE id = $1",
		(const struct value[]){ V_TEXT(id) }, 1, &cursor));
	return load_first(&cursor, mem, out);
}

enum err instance_load_number(
	struct db *db, struct arena *mem, int64_t number, struct instance *out)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT " INSTANCE_COLUMNS " FROM instance WHERE number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	return load_first(&cursor, mem, out);
}

enum err instance_has_vip(struct db *db, const uint8_t address[16], bool *out)
{
	int64_t count;

	TRY(select_int(db, "SELECT count(*) FROM instance WHERE vip = $1",
		(const struct value[]){ V_BLOB(address, 16) }, 1, &count));
	*out = count > 0;
	return OK;
}

enum err instance_released_account(struct db *db, const char *id, int64_t *account)
{
	enum err err = select_int(db, "SELECT account FROM released WHERE id = $1",
		(const struct value[]){ V_TEXT(id) }, 1, account);

	return err == ERR_NOT_FOUND ? ERR_INSTANCE_NOT_FOUND : err;
}

static enum err count_add(struct db *db, const struct instance *instance, int64_t delta)
{
	return db_run(db,
		"INSERT INTO instance_count (account, edition, resource_group, instances)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (account, edition, resource_group)"
		" DO UPDATE SET instances = instance_count.instances + excluded.instances",
		(const struct value[]){ V_INT(instance->account), V_INT(instance->edition),
			V_TEXT(instance->resource_group), V_INT(delta) },
		4, NULL);
}

/* Adds the row without its generation; the number comes back. */
static enum err row_insert(struct db *db, const struct instance *i, int64_t *number)
{
	const struct plan *plan = &i->plan;

	return select_int(db,
		"INSERT INTO instance (id, account, product, edition, ipv6, vip, create_ms,"
		" expire_ms, deadline_generation, previous_forward_until_ms, renewal,"
		" renewal_months, switch_back_origin, remark, resource_group, base_bandwidth_gbps,"
		" elastic_bandwidth_gbps, clean_bandwidth_mbps, qps, ports, domains,"
		" function_version, product_plan, burst_mode, defense_count)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, $11, $12, $13, $14, $15,"
		" $16, $17, $18, $19, $20, $21, $22, $23) RETURNING number",
		(const struct value[]){ V_TEXT(i->id), V_INT(i->account), V_INT(i->product),
			V_INT(i->edition), V_INT(i->ipv6), V_BLOB(i->vip, 16), V_INT(i->create_ms),
			V_INT(i->expire_ms), V_INT(i->renewal), V_INT(i->renewal_months),
			V_INT(i->switch_back_origin), V_TEXT(i->remark), V_TEXT(i->resource_group),
			V_INT(plan->base_bandwidth_gbps), V_INT(plan->elastic_bandwidth_gbps),
			V_INT(plan->clean_bandwidth_mbps), V_INT(plan->qps), V_INT(plan->ports),
			V_INT(plan->domains), V_INT(plan->function_version),
			V_INT(plan->product_plan), V_INT(plan->burst_mode),
			V_INT(plan->defense_count) },
		23, number);
}

enum err instance_insert(struct db *db, struct instance *instance)
{
	struct instance made = *instance;
	int64_t account;

	assert(made.remark && made.resource_group);

	enum err err = instance_released_account(db, made.id, &account);

	if (err != ERR_INSTANCE_NOT_FOUND)
		return err == OK ? ERR_CONFLICT : err; /* an id is never used twice */
	TRY(vip_take(db, made.ipv6, made.vip));
	TRY(row_insert(db, &made, &made.number));
	if (made.number > NUMBER_MAX)
		return fail(ERR_LIMIT, "instance numbers are used up");
	TRY(change_record(db, RECORD_INSTANCE, made.number, &made.deadline_generation));
	made.previous_forward_until_ms = 0;
	TRY(db_run(db, "UPDATE instance SET deadline_generation = $2 WHERE number = $1",
		(const struct value[]){ V_INT(made.number), V_INT(made.deadline_generation) }, 2,
		NULL));
	TRY(count_add(db, &made, 1));
	*instance = made;
	return OK;
}

/* Moves the count when edition or resource group become others. */
static enum err count_move(struct db *db, const struct instance *instance)
{
	const struct value number[] = { V_INT(instance->number) };
	int64_t changed;

	TRY(db_run(db,
		"UPDATE instance_count SET instances = instances - 1 WHERE"
		" (account, edition, resource_group) ="
		" (SELECT account, edition, resource_group FROM instance WHERE number = $1)",
		number, 1, &changed));
	if (changed == 0)
		return ERR_INSTANCE_NOT_FOUND;
	return count_add(db, instance, 1);
}

/* Names of its web sites follow the instance, and are told by the sites' changes. */
static enum err record_names(struct db *db, int64_t number)
{
	return db_run(db,
		"INSERT INTO change (type, number) SELECT $2, website FROM website_instance"
		" WHERE instance_number = $1",
		(const struct value[]){ V_INT(number), V_INT(RECORD_SITE) }, 2, NULL);
}

/* What names answer, or what nodes enforce (bandwidth, requests), may have changed; nodes hear of nothing else that
 * an update writes. */
static enum err record_update(struct db *db, const struct instance *instance)
{
	return db_run(db,
		"INSERT INTO change (type, number) SELECT $3, number FROM instance"
		" WHERE number = $1 AND (switch_back_origin <> $2 OR clean_bandwidth_mbps <> $4"
		" OR qps <> $5 OR burst_bandwidth_mbps <> $6 OR burst_qps <> $7)",
		(const struct value[]){ V_INT(instance->number),
			V_INT(instance->switch_back_origin), V_INT(RECORD_INSTANCE),
			V_INT(instance->plan.clean_bandwidth_mbps), V_INT(instance->plan.qps),
			V_INT(instance->plan.burst_bandwidth_mbps),
			V_INT(instance->plan.burst_qps) },
		7, NULL);
}

static enum err record_switch_back(struct db *db, const struct instance *instance)
{
	int64_t before;

	TRY(select_int(db, "SELECT switch_back_origin FROM instance WHERE number = $1",
		(const struct value[]){ V_INT(instance->number) }, 1, &before));
	return (before != 0) == instance->switch_back_origin ? OK
							     : record_names(db, instance->number);
}

enum err instance_update(struct db *db, const struct instance *instance)
{
	const struct plan *plan = &instance->plan;

	assert(instance->remark && instance->resource_group);
	TRY(count_move(db, instance));
	TRY(record_switch_back(db, instance));
	TRY(record_update(db, instance));
	return db_run(db,
		"UPDATE instance SET edition = $2, renewal = $3, renewal_months = $4,"
		" switch_back_origin = $5, remark = $6, resource_group = $7,"
		" base_bandwidth_gbps = $8, elastic_bandwidth_gbps = $9,"
		" clean_bandwidth_mbps = $10, qps = $11, ports = $12, domains = $13,"
		" function_version = $14, product_plan = $15, burst_mode = $16,"
		" defense_count = $17, burst_bandwidth_mbps = $18, burst_mode_next = $19,"
		" burst_mode_next_ms = $20, burst_qps = $21, burst_qps_mode = $22"
		" WHERE number = $1",
		(const struct value[]){ V_INT(instance->number), V_INT(instance->edition),
			V_INT(instance->renewal), V_INT(instance->renewal_months),
			V_INT(instance->switch_back_origin), V_TEXT(instance->remark),
			V_TEXT(instance->resource_group), V_INT(plan->base_bandwidth_gbps),
			V_INT(plan->elastic_bandwidth_gbps), V_INT(plan->clean_bandwidth_mbps),
			V_INT(plan->qps), V_INT(plan->ports), V_INT(plan->domains),
			V_INT(plan->function_version), V_INT(plan->product_plan),
			V_INT(plan->burst_mode), V_INT(plan->defense_count),
			V_INT(plan->burst_bandwidth_mbps), V_INT(plan->burst_mode_next),
			V_INT(plan->burst_mode_next_ms), V_INT(plan->burst_qps),
			V_INT(plan->burst_qps_mode) },
		22, NULL);
}

enum err instance_set_expiry(struct db *db, struct instance *instance, int64_t expire_ms)
{
	int64_t generation, old_ms;
	enum err err = select_int(db, "SELECT expire_ms FROM instance WHERE number = $1",
		(const struct value[]){ V_INT(instance->number) }, 1, &old_ms);

	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_INSTANCE_NOT_FOUND : err;

	int64_t previous = lifecycle_forward_until(old_ms);

	TRY(record_names(db, instance->number));
	TRY(change_record(db, RECORD_INSTANCE, instance->number, &generation));
	TRY(db_run(db,
		"UPDATE instance SET expire_ms = $2, deadline_generation = $3,"
		" previous_forward_until_ms = $4 WHERE number = $1",
		(const struct value[]){ V_INT(instance->number), V_INT(expire_ms),
			V_INT(generation), V_INT(previous) },
		4, NULL));
	instance->expire_ms = expire_ms;
	instance->deadline_generation = generation;
	instance->previous_forward_until_ms = previous;
	return OK;
}

/* What belongs to an instance, children first. */
static_assert(RECORD_CAPTURE == 7, "as written below");
static const char *const owned[] = {
	"DELETE FROM port_rule_origin WHERE rule_number IN"
	" (SELECT number FROM port_rule WHERE instance_number = $1)",
	"DELETE FROM rule_health WHERE rule_number IN"
	" (SELECT number FROM port_rule WHERE instance_number = $1)",
	"DELETE FROM port_rule WHERE instance_number = $1",
	"DELETE FROM list_entry WHERE instance_number = $1",
	"DELETE FROM protection WHERE instance_number = $1",
	"DELETE FROM policy_pattern WHERE instance_number = $1",
	"DELETE FROM policy WHERE instance_number = $1",
	"INSERT INTO change (type, number) SELECT 7, number FROM capture"
	" WHERE instance_number = $1", /* RECORD_CAPTURE */
	"DELETE FROM capture WHERE instance_number = $1",
	"DELETE FROM limit_event WHERE instance_number = $1",
	"DELETE FROM metering WHERE instance_number = $1",
	"DELETE FROM tag WHERE instance_number = $1",
	"UPDATE instance_count SET instances = instances - 1 WHERE"
	" (account, edition, resource_group) ="
	" (SELECT account, edition, resource_group FROM instance WHERE number = $1)",
};

enum err instance_release(struct db *db, const struct instance *instance, int64_t now_ms)
{
	const struct value number[] = { V_INT(instance->number) };
	int64_t changed, generation;

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		TRY(db_run(db, owned[i], number, 1, NULL));
	TRY(website_release(db, instance->number));
	TRY(scheduler_release(db, instance));
	TRY(db_run(db, "DELETE FROM instance WHERE number = $1", number, 1, &changed));
	if (changed == 0)
		return ERR_INSTANCE_NOT_FOUND;
	TRY(vip_give(db, instance->vip));
	TRY(db_run(db,
		"INSERT INTO released (id, account, number, time_ms) VALUES ($1, $2, $3, $4)",
		(const struct value[]){ V_TEXT(instance->id), V_INT(instance->account),
			V_INT(instance->number), V_INT(now_ms) },
		4, NULL));
	return change_record(db, RECORD_INSTANCE, instance->number, &generation);
}

enum err instance_usage(struct db *db, int64_t number, struct instance_usage *out)
{
	struct instance_usage usage = { 0 };
	struct website_usage websites;

	TRY(select_int(db, "SELECT count(*) FROM port_rule WHERE instance_number = $1",
		(const struct value[]){ V_INT(number) }, 1, &usage.ports));
	TRY(website_usage(db, number, 0, "", &websites));
	usage.domains = websites.domains;
	usage.sites = websites.sites;
	*out = usage;
	return OK;
}
