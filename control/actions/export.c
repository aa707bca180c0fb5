/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports: what a customer has set as a file. A task is a row that waits; the file is made by a thread of its own
 * (control/export/), so that no call waits for it, and fetched by a link that is signed anew with each answer.
 */
#include <string.h>

#include "base/clock.h"
#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/store/export.h"

#define PARAMS_BYTES 1024

/* ---- CreateAsyncTask */

struct create {
	int64_t type;
	const char *params, *resource_group;
};
static const struct param create_params[] = {
	PARAM(create, type, "TaskType", .kind = PARAM_INT, .required = true,
		.min = EXPORT_PORT_RULES, .max = EXPORT_TYPE_LAST,
		.help = "1 port rules, 2 web sites, 3 session persistence and health checks, "
			"4 mitigation, 5 block-list, 6 allow-list"),
	PARAM(create, params, "TaskParams", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = PARAMS_BYTES, .type = "String",
		.shape = "{instanceId?: text(64), domain?: text(255)}",
		.help = "whose: the instance, or with type 2 the web site; {}: all web sites"),
	PARAM_RESOURCE_GROUP(create),
	PARAM_ROW_END,
};

/* Whose settings, which the caller may use; its account. */
static enum err read_params(struct call *call, const struct create *args, struct export_task *out)
{
	bool sites = args->type == EXPORT_WEBSITES;
	const char *key = sites ? "domain" : "instanceId", *other = sites ? "instanceId" : "domain";
	AUTO(json) json_t *object = NULL;
	struct json_element element;
	struct instance instance;
	struct website website;
	const char *text;

	TRY(json_param_object(
		call, "TaskParams", args->params, "domain instanceId", &object, &element));
	if (json_object_get(object, other))
		return refuse(call, ERR_INVALID_PARAMETER,
			"TaskParams.%s does not go with TaskType %lld, which takes %s.", other,
			(long long)args->type, key);
	TRY(json_param_text(
		call, &element, key, sites ? DOMAIN_BYTES_MAX : INSTANCE_ID_BYTES, !sites, &text));
	*out = (struct export_task){ .account = call->key->account,
		.type = args->type,
		.instance_id = "",
		.domain = "",
		.begin_ms = call->clock_ms };
	if (!sites) {
		TRY(call_instance(call, text, &instance));
		out->account = instance.account;
		out->instance_id = arena_copy(call->mem, instance.id);
	} else if (text) {
		TRY(call_website(call, text, &website));
		out->account = website.account;
		out->domain = arena_copy(call->mem, website.domain);
	} else if (call->key->instance_count > 0) {
		return refuse(call, ERR_INVALID_PARAMETER,
			"TaskParams.domain must be named: the access key is limited to instances.");
	}
	return out->instance_id && out->domain ? OK : ERR_MEMORY;
}

static enum err create_run(struct call *call, const void *raw)
{
	struct export_task task = { .number = 0 };
	int64_t tasks, bytes;

	TRY(read_params(call, raw, &task));
	TRY(export_usage(call->db, task.account, &tasks, &bytes));
	if (tasks >= EXPORT_TASKS_MAX)
		return refuse(call, ERR_QUOTA,
			"The account has %d tasks already: delete some by DeleteAsyncTask.",
			EXPORT_TASKS_MAX);
	if (bytes >= (int64_t)EXPORT_ACCOUNT_MAX)
		return refuse(call, ERR_QUOTA,
			"The files of the account's tasks take %lld bytes already: delete some by "
			"DeleteAsyncTask.",
			(long long)bytes);
	return export_insert(call->db, &task);
}

/* ---- DescribeAsyncTasks */

struct describe {
	int64_t page_number, page_size;
	const char *resource_group;
};
static const struct param describe_params[] = {
	PARAM_PAGE_NUMBER(describe, .required = true),
	PARAM_PAGE_SIZE(describe, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT, .required = true),
	PARAM_RESOURCE_GROUP(describe),
	PARAM_ROW_END,
};

/* A key that is limited to instances sees what is about these alone. */
static enum err may_see(struct call *call, const struct export_task *task, bool *out)
{
	struct website website;
	enum err err = OK;

	*out = call->key->instance_count == 0;
	if (*out)
		return OK;
	if (task->type != EXPORT_WEBSITES)
		*out = call_may_use(call, task->instance_id, task->account);
	else if (task->domain[0]) {
		err = call_website(call, task->domain, &website);
		*out = err == OK;
	}
	return err == ERR_WEBSITE_NOT_FOUND ? OK : err;
}

/* {"instanceId":..} or {"domain":..}, owned by the caller; NULL: no memory. */
static json_t *whose(const struct export_task *task)
{
	if (task->type != EXPORT_WEBSITES)
		return json_pack("{s:s}", "instanceId", task->instance_id);
	return task->domain[0] ? json_pack("{s:s}", "domain", task->domain) : json_object();
}

static enum err result_text(struct call *call, const struct export_task *task, const char **out)
{
	int64_t expires_s = (call->clock_ms + EXPORT_LINK_MS) / SECOND_MS;
	char link[EXPORT_LINK_SIZE];
	json_t *result = whose(task);
	enum err err = result ? OK : ERR_MEMORY;

	if (err == OK && task->state == EXPORT_DONE && call->export_key) {
		export_link(call->export_key, task->number, expires_s, link);
		err = put_text(result, "url", arena_print(call->mem, "%s%s", call->site, link));
	} else if (err == OK && task->state == EXPORT_FAILED) {
		err = put_text(result, "reason", task->reason);
	}
	if (err == OK)
		return json_text(call->mem, result, out);
	json_decref(result);
	return err;
}

static enum err put_task(struct call *call, json_t *list, const struct export_task *task)
{
	const char *params, *result;

	TRY(json_text(call->mem, whose(task), &params));
	TRY(result_text(call, task, &result));
	return add(list,
		json_pack("{s:I, s:I, s:I, s:s, s:s, s:I, s:I}", "TaskId", (json_int_t)task->number,
			"StartTime", (json_int_t)task->begin_ms, "EndTime",
			(json_int_t)task->end_ms, "TaskParams", params, "TaskResult", result,
			"TaskStatus", (json_int_t)task->state, "TaskType", (json_int_t)task->type));
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	int64_t first = page_offset(args->page_number, args->page_size), total, seen = 0;
	bool limited = call->key->instance_count > 0, visible;
	struct export_task *task;
	size_t count;
	json_t *list;

	TRY(export_list(call->db, call->mem, call_account(call), limited ? 0 : first,
		limited ? 0 : args->page_size, &task, &count, &total));
	TRY(put_list(call->reply, "AsyncTasks", &list));
	for (size_t i = 0; i < count; i++) {
		TRY(may_see(call, &task[i], &visible));
		if (!visible)
			continue;
		if (!limited || (seen >= first && seen < first + args->page_size))
			TRY(put_task(call, list, &task[i]));
		seen++;
	}
	return put_int(call->reply, "TotalCount", limited ? seen : total);
}

/* ---- DeleteAsyncTask */

struct delete
{
	int64_t number;
	const char *resource_group;
};
static const struct param delete_params[] = {
	PARAM(delete, number, "TaskId", .kind = PARAM_INT, .required = true, .min = 1,
		.max = INT64_MAX, .help = "the task, whose file goes with it"),
	PARAM_RESOURCE_GROUP(delete),
	PARAM_ROW_END,
};

static enum err delete_run(struct call *call, const void *raw)
{
	const struct delete *args = raw;
	int64_t account = call_account(call);
	struct export_task task;
	bool visible;

	TRY(export_load(call->db, call->mem, args->number, &task));
	TRY(may_see(call, &task, &visible));
	if (!visible || (account && account != task.account))
		return ERR_EXPORT_NOT_FOUND;
	call->object_account = task.account;
	call->object = task.instance_id[0] ? task.instance_id : task.domain;
	return export_delete(call->db, args->number);
}

static const struct reply_list describe_lists[] = { { "AsyncTasks", "AsyncTask" }, { NULL, NULL } };

const struct action export_actions[] = {
	{ VERSION_DDOSCOO, "CreateAsyncTask", WRITE, PERMISSION_FULL, create_params,
		sizeof(struct create), create_run, NULL,
		"exports what is set for an instance, or web sites, as a file", 0 },
	{ VERSION_DDOSCOO, "DescribeAsyncTasks", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"lists exports, newest first, with links to their files", 0 },
	{ VERSION_DDOSCOO, "DeleteAsyncTask", WRITE, PERMISSION_FULL, delete_params,
		sizeof(struct delete), delete_run, NULL, "deletes an export and its file", 0 },
	{ 0 },
};
