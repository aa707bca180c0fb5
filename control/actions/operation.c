/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was done and what happened: the published operation log, the whole audit log, and events.
 *
 * The operation log is a view of the audit log: of all records, those that changed burstable protection,
 * in the published form. Which records these are depends on their detail, so that they are
 * filtered here, in batches of bounded memory; a range with too many candidates is refused rather than
 * cut. The object of an operation is the instance's address while it exists, afterwards its id.
 * Records bear the machine's time; events that of the life cycle, since they are about it.
 */
#include "control/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/actions/tables.h"

#define LOG_DAYS_MS (30 * DAY_MS) /* published */
/* A client that asks for exactly 30 days must not be refused for its clock: as for signatures. */
#define LOG_SLACK_MS (15 * MINUTE_MS)
#define SCAN_BATCH   200
#define SCAN_MAX     50000
/* Of one batch: SCAN_BATCH records with the longest detail that is shown among others, in UTF-8. */
#define SCAN_MEMORY_MAX ((size_t)16 << 20)
/* A record is a few hundred characters, but one of a call about many instances can have millions. */
#define DETAIL_CHARACTERS_MAX 16384
#define EVENT_BATCH	      200
/* In one call, for a key that may see few of them. */
#define EVENTS_LOOKED_AT 10000

enum operation {
	OPERATION_NONE = 0,
	OPERATION_ELASTIC = 1,
	OPERATION_EXPIRED = 12,
	OPERATION_RESTORED = 13
};
#define ENTITY_ADDRESS 1 /* the kind of object that all of these have */

/* Records that can be an operation: what it is when elasticBandwidth is in their detail. */
static const struct {
	const char *action;
	enum operation operation;
} operations[] = {
	{ "engine.expire", OPERATION_EXPIRED },
	{ "engine.renew", OPERATION_RESTORED },
	{ "RenewInstance", OPERATION_RESTORED },
	{ "ModifyInstance", OPERATION_ELASTIC },
	{ "ModifyElasticBandWidth", OPERATION_ELASTIC },
};
#define OPERATION_ROWS (sizeof(operations) / sizeof(operations[0]))

DEFINE_AUTO(scratch, struct arena *, arena_free);
DEFINE_AUTO(document, json_t *, json_decref);

static bool may_see(const struct call *call, const struct audit_row *row)
{
	return call_may_use(call, row->object ? row->object : "", row->account);
}

/* One page of the records that a filter and a test pick. */
struct scan {
	struct audit_filter filter;
	int64_t first, size; /* the page */
	int64_t matched;
	enum err (*take)(struct call *call, struct scan *scan, const struct audit_row *row,
		bool *matches); /* adds to list when the match is on the page */
	json_t *list;
};

static bool on_page(const struct scan *scan)
{
	return scan->matched >= scan->first && scan->matched < scan->first + scan->size;
}

static enum err scan_audit(struct call *call, struct scan *scan)
{
	AUTO(scratch) struct arena *scratch = arena_new(SCAN_MEMORY_MAX);
	struct audit_row *rows;
	size_t count;
	if (!scratch)
		return ERR_MEMORY;
	scan->filter.limit = SCAN_BATCH;
	scan->filter.detail_max = DETAIL_CHARACTERS_MAX;
	do {
		TRY(audit_list(call->db, scratch, &scan->filter, &rows, &count, NULL));
		for (size_t i = 0; i < count; i++) {
			bool matches = false;
			if (may_see(call, &rows[i]))
				TRY(scan->take(call, scan, &rows[i], &matches));
			scan->matched += matches;
		}
		scan->filter.offset += (int64_t)count;
		arena_reset(scratch);
		if (scan->filter.offset >= SCAN_MAX)
			return refuse(call, ERR_LIMIT,
				"StartTime and EndTime span more than %d records: narrow them.",
				SCAN_MAX);
	} while (count == SCAN_BATCH);
	return OK;
}

/* DescribeOpEntities */

struct describe_op_entities {
	int64_t start_ms, end_ms, entity_type, page_number, page_size;
	const char *entity_object, *resource_group;
};
static const struct param describe_op_entities_params[] = {
	PARAM(describe_op_entities, start_ms, "StartTime", .kind = PARAM_INT, .type = "Long",
		.required = true, .min = 1, .max = INT64_MAX,
		.help = "beginning, UNIX time in ms, within the last 30 days"),
	PARAM(describe_op_entities, end_ms, "EndTime", .kind = PARAM_INT, .type = "Long",
		.required = true, .min = 1, .max = INT64_MAX, .help = "end, UNIX time in ms"),
	PARAM_PAGE_NUMBER(describe_op_entities, .required = true),
	PARAM_PAGE_SIZE(describe_op_entities, PAGE_SIZE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM(describe_op_entities, entity_type, "EntityType", .kind = PARAM_INT,
		.empty_is_absent = true, .min = 1, .max = 4,
		.help = "1 instances; 2 plans, 3 servers and 4 logs have no records here"),
	PARAM(describe_op_entities, entity_object, "EntityObject", .kind = PARAM_TEXT,
		.empty_is_absent = true, .max = 64, .help = "address or id of an instance"),
	PARAM_RESOURCE_GROUP(describe_op_entities),
	PARAM_ROW_END,
};

/* The operation that a record is, and its change of burstable protection as OpDesc. A renewal in time
 * changes nothing of it, and is none. The description is the caller's to free. */
static enum err operation_of(const struct audit_row *row, enum operation *out, char **description)
{
	enum operation operation = OPERATION_NONE;
	json_error_t error;
	*out = OPERATION_NONE;
	*description = NULL;
	for (size_t i = 0; i < OPERATION_ROWS; i++) {
		if (strcmp(operations[i].action, row->action) == 0)
			operation = operations[i].operation;
	}
	if (operation == OPERATION_NONE || !row->detail)
		return OK;
	AUTO(document) json_t *detail = json_loads(row->detail, 0, &error);
	if (!detail && json_error_code(&error) == json_error_out_of_memory)
		return ERR_MEMORY;
	if (!detail) {
		/* One damaged record must not hide all others. */
		log_warn("detail of audit record %lld is no JSON: %s", (long long)row->sequence,
			error.text);
		return OK;
	}
	json_t *new_value =
		json_object_get(json_object_get(detail, "newEntity"), "elasticBandwidth");
	json_t *old_value =
		json_object_get(json_object_get(detail, "oldEntity"), "elasticBandwidth");
	if (!new_value || !old_value || json_equal(new_value, old_value))
		return OK;
	AUTO(document)
	json_t *shown = json_pack("{s:{s:O}, s:{s:O}}", "newEntity", "elasticBandwidth", new_value,
		"oldEntity", "elasticBandwidth", old_value);
	*description = shown ? json_dumps(shown, JSON_COMPACT) : NULL;
	*out = operation;
	return *description ? OK : ERR_MEMORY;
}

/* The address of the instance while it exists, else its id. */
static enum err object_name(struct call *call, const char *id, char out[ADDRESS_TEXT_SIZE])
{
	struct instance instance;
	enum err err = instance_load(call->db, call->mem, id, &instance);
	if (err == OK) {
		address_format(instance.vip, out);
		return OK;
	}
	if (err != ERR_INSTANCE_NOT_FOUND)
		return err;
	size_t length = strlen(id) < ADDRESS_TEXT_SIZE ? strlen(id) : ADDRESS_TEXT_SIZE - 1;
	memcpy(out, id, length);
	out[length] = '\0';
	return OK;
}

static enum err add_operation(struct call *call, json_t *list, const struct audit_row *row,
	enum operation operation, const char *description)
{
	char object[ADDRESS_TEXT_SIZE];
	const char *account = arena_print(call->mem, "%lld", (long long)row->account);
	if (!account)
		return ERR_MEMORY;
	TRY(object_name(call, row->object, object));
	return add(list,
		json_pack("{s:i, s:s, s:s, s:i, s:s, s:I}", "EntityType", ENTITY_ADDRESS,
			"EntityObject", object, "OpAccount", account, "OpAction", (int)operation,
			"OpDesc", description, "GmtCreate", (json_int_t)row->time_ms));
}

static enum err take_operation(
	struct call *call, struct scan *scan, const struct audit_row *row, bool *matches)
{
	char *description;
	enum operation operation;
	enum err err = OK;
	TRY(operation_of(row, &operation, &description));
	*matches = operation != OPERATION_NONE;
	if (*matches && on_page(scan))
		err = add_operation(call, scan->list, row, operation, description);
	free(description);
	return err;
}

static enum err check_range(struct call *call, int64_t start_ms, int64_t end_ms)
{
	if (start_ms > end_ms)
		return refuse(call, ERR_INVALID_PARAMETER, "StartTime must not be after EndTime.");
	if (start_ms < call->clock_ms - LOG_DAYS_MS - LOG_SLACK_MS)
		return refuse(
			call, ERR_INVALID_PARAMETER, "StartTime must be within the last 30 days.");
	return OK;
}

/* The instance id that an address or id means; NULL: none that the caller may see. */
static enum err find_object(struct call *call, const char *text, const char **out)
{
	uint8_t address[16];
	struct instance found;
	*out = text;
	if (!text_to_address(text, address))
		return OK;
	TRY(call_instance_at(call, text, &found));
	*out = found.number ? arena_copy(call->mem, found.id) : NULL;
	return *out || !found.number ? OK : ERR_MEMORY;
}

static enum err describe_op_entities_run(struct call *call, const void *raw)
{
	const struct describe_op_entities *args = raw;
	const char *actions[OPERATION_ROWS], *object = NULL;
	TRY(check_range(call, args->start_ms, args->end_ms));
	bool nothing = args->entity_type && args->entity_type != ENTITY_ADDRESS;
	if (args->entity_object) {
		TRY(find_object(call, args->entity_object, &object));
		nothing = nothing || !object;
	}
	for (size_t i = 0; i < OPERATION_ROWS; i++)
		actions[i] = operations[i].action;
	struct scan scan = {
		.filter = {
			.account = call_account(call),
			.from_ms = args->start_ms,
			.to_ms = args->end_ms,
			.object = object,
			.actions = actions,
			.action_count = OPERATION_ROWS,
		},
		.first = page_offset(args->page_number, args->page_size),
		.size = args->page_size,
		.take = take_operation,
	};
	TRY(put_list(call->reply, "OpEntities", &scan.list));
	if (!nothing)
		TRY(scan_audit(call, &scan));
	return put_int(call->reply, "TotalCount", scan.matched);
}

/* DescribeAuditLog, VerifyAuditLog */

struct describe_audit_log {
	int64_t start_ms, end_ms, page_number, page_size;
	const char *object, *action;
};
static const struct param describe_audit_log_params[] = {
	PARAM(describe_audit_log, start_ms, "StartTime", .kind = PARAM_INT, .type = "Long",
		.empty_is_absent = true, .min = 1, .max = INT64_MAX,
		.help = "records at or after, UNIX time in ms"),
	PARAM(describe_audit_log, end_ms, "EndTime", .kind = PARAM_INT, .type = "Long",
		.empty_is_absent = true, .min = 1, .max = INT64_MAX,
		.help = "records at or before, UNIX time in ms"),
	PARAM(describe_audit_log, object, "Object", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "instance or key that the records name"),
	PARAM(describe_audit_log, action, "ActionName", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "only this action, as CreatePort or engine.release"),
	PARAM_PAGE_NUMBER(describe_audit_log),
	PARAM_PAGE_SIZE(describe_audit_log, LIST_PAGE_MAX, 20),
	PARAM_ROW_END,
};

static json_t *record_json(const struct audit_row *row)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "Sequence",
		(json_int_t)row->sequence, "Time", (json_int_t)row->time_ms, "AccountId",
		(json_int_t)row->account, "Actor", row->actor ? row->actor : "", "CallId",
		row->request_id ? row->request_id : "", "ActionName", row->action, "Object",
		row->object ? row->object : "", "Detail", row->detail ? row->detail : "");
}

/* What a key of some instances may see of a record about one of them: the detail of a call about several
 * would show it the others. */
static enum err take_record(
	struct call *call, struct scan *scan, const struct audit_row *row, bool *matches)
{
	struct audit_row shown = *row;
	json_error_t error;
	*matches = true;
	if (!on_page(scan))
		return OK;
	AUTO(document) json_t *detail = json_loads(row->detail ? row->detail : "", 0, &error);
	if (!detail && json_error_code(&error) == json_error_out_of_memory)
		return ERR_MEMORY;
	if (!detail || json_object_get(detail, "several"))
		shown.detail = "";
	(void)call;
	return add(scan->list, record_json(&shown));
}

static enum err describe_audit_log_run(struct call *call, const void *raw)
{
	const struct describe_audit_log *args = raw;
	struct scan scan = {
		.filter = {
			.account = call_account(call),
			.from_ms = args->start_ms,
			.to_ms = args->end_ms,
			.object = args->object,
			.actions = &args->action,
			.action_count = args->action != NULL,
		},
		.first = page_offset(args->page_number, args->page_size),
		.size = args->page_size,
		.take = take_record,
	};
	TRY(put_list(call->reply, "Records", &scan.list));
	if (call->key->instance_count) {
		TRY(scan_audit(call, &scan));
		return put_int(call->reply, "TotalCount", scan.matched);
	}
	struct audit_row *rows;
	size_t count;
	int64_t total;
	scan.filter.offset = scan.first;
	scan.filter.limit = scan.size;
	/* A page of one record shows it whole, however long. */
	scan.filter.detail_max = scan.size > 1 ? DETAIL_CHARACTERS_MAX : 0;
	TRY(audit_list(call->db, call->mem, &scan.filter, &rows, &count, &total));
	for (size_t i = 0; i < count; i++)
		TRY(add(scan.list, record_json(&rows[i])));
	return put_int(call->reply, "TotalCount", total);
}

static enum err verify_audit_log_run(struct call *call, const void *raw)
{
	bool intact;
	int64_t count, broken = 0;
	(void)raw;
	TRY(audit_verify(call->db, &intact, &count, &broken));
	TRY(put(call->reply, "Intact", json_boolean(intact)));
	TRY(put_int(call->reply, "Checked", count));
	return put_int(call->reply, "FirstBroken", intact ? 0 : broken);
}

/* DescribeEvents */

struct describe_events {
	const char *id, *kind;
	int64_t after, before, newest_first, page_size;
};
static const struct param describe_events_params[] = {
	PARAM_INSTANCE_ID(describe_events, .empty_is_absent = true),
	PARAM(describe_events, after, "AfterNumber", .kind = PARAM_INT, .empty_is_absent = true,
		.max = INT64_MAX, .type = "Long",
		.help = "events with a higher number; NextNumber of the page before"),
	PARAM(describe_events, kind, "Kind", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "only events of this kind, as expired or renewed"),
	PARAM(describe_events, newest_first, "NewestFirst", .kind = PARAM_BOOL,
		.help = "newest first; NextNumber is then the next page's BeforeNumber, 0 at the "
			"end"),
	PARAM(describe_events, before, "BeforeNumber", .kind = PARAM_INT, .empty_is_absent = true,
		.max = INT64_MAX, .type = "Long", .help = "events with a lower number"),
	PARAM_PAGE_SIZE(describe_events, LIST_PAGE_MAX, 20),
	PARAM_ROW_END,
};

static enum err add_event(json_t *list, const struct event_row *row)
{
	return add(list, json_pack("{s:I, s:I, s:s, s:s, s:s}", "Number", (json_int_t)row->number,
				 "Time", (json_int_t)row->time_ms, "InstanceId", row->instance_id,
				 "Kind", row->kind, "Detail", row->detail ? row->detail : ""));
}

/* Fills the list up to its size, leaving out what the key may not see; *next is where to go on, and with newest
 * first 0 when there is nothing more. */
static enum err walk_events(
	struct call *call, const struct describe_events *args, json_t *list, int64_t *next)
{
	struct event_filter filter = { .account = call_account(call),
		.instance_id = args->id,
		.kind = args->kind,
		.after_number = args->after,
		.before_number = args->before,
		.newest_first = args->newest_first,
		.limit = EVENT_BATCH };
	int64_t *at = args->newest_first ? &filter.before_number : &filter.after_number;
	AUTO(scratch) struct arena *scratch = arena_new(SCAN_MEMORY_MAX);
	size_t count, looked = 0;
	if (!scratch)
		return ERR_MEMORY;
	*next = *at;
	do {
		struct event_row *rows;
		TRY(event_list(call->db, scratch, &filter, &rows, &count));
		for (size_t i = 0; i < count; i++) {
			if ((int64_t)json_array_size(list) == args->page_size)
				return OK;
			*next = *at = rows[i].number;
			if (call_may_use(call, rows[i].instance_id, rows[i].account))
				TRY(add_event(list, &rows[i]));
		}
		arena_reset(scratch);
		looked += count;
		/* The page is shorter, or empty; what comes next goes on behind it. */
		if (looked >= EVENTS_LOOKED_AT && count == EVENT_BATCH)
			return OK;
	} while (count == EVENT_BATCH);
	if (args->newest_first)
		*next = 0;
	return OK;
}

static enum err describe_events_run(struct call *call, const void *raw)
{
	const struct describe_events *args = raw;
	bool released;
	int64_t next;
	json_t *list;
	if (args->id)
		TRY(call_past_instance(call, args->id, &released));
	TRY(put_list(call->reply, "Events", &list));
	TRY(walk_events(call, args, list, &next));
	return put_int(call->reply, "NextNumber", next);
}

static const struct reply_list op_lists[] = { { "OpEntities", "OpEntity" }, { NULL, NULL } };
static const struct reply_list record_lists[] = { { "Records", "Record" }, { NULL, NULL } };
static const struct reply_list event_lists[] = { { "Events", "Event" }, { NULL, NULL } };

const struct action operation_actions[] = {
	{ VERSION_DDOSCOO, "DescribeOpEntities", READ, PERMISSION_READ, describe_op_entities_params,
		sizeof(struct describe_op_entities), describe_op_entities_run, op_lists,
		"lists changes of burstable protection by orders, expiry and renewal", 0 },
	{ VERSION_POLDER, "DescribeAuditLog", READ, PERMISSION_READ, describe_audit_log_params,
		sizeof(struct describe_audit_log), describe_audit_log_run, record_lists,
		"lists every write, newest first; long details only with PageSize 1", 0 },
	{ VERSION_POLDER, "VerifyAuditLog", READ, PERMISSION_OPERATOR, no_params, 0,
		verify_audit_log_run, NULL, "checks that no audit record was changed or removed",
		0 },
	{ VERSION_POLDER, "DescribeEvents", READ, PERMISSION_READ, describe_events_params,
		sizeof(struct describe_events), describe_events_run, event_lists,
		"lists what happened to instances, oldest first", 0 },
	{ 0 },
};
