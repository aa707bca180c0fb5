/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was called lately, and why a call failed. A caller sees calls that name keys of his account; of calls that failed
 * for their signature, the account is that of the key they claimed. A key of some instances sees its own calls only.
 */
#include "control/call.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/error.h"
#include "control/actions/tables.h"
#include "control/auth/call_log.h"
#include "control/auth/difference.h"
#include "control/store/user.h"

#define CALL_ID_MAX 40

static struct call_filter own_calls(const struct call *call)
{
	struct call_filter filter = { .account = call_account(call) };

	if (call->key->instance_count) {
		filter.key_id = call->key->id;
		filter.user = user_of_parent(call->key->parent);
	}
	return filter;
}

static enum err put_call(json_t *object, const struct call_record *record)
{
	TRY(put_int(object, "Number", record->number));
	TRY(put_text(object, "CallId", record->call_id));
	TRY(put_int(object, "Time", record->time_ms));
	TRY(put_text(object, "ActionName", record->action));
	TRY(put_text(object, "Version", record->version));
	TRY(put_text(object, "AccessKeyId", record->key_id));
	TRY(put_text(object, "UserName", record->user));
	TRY(put_int(object, "AccountId", record->account));
	TRY(put_text(object, "SourceIp", record->source));
	TRY(put_text(object, "SignatureForm", record->form));
	TRY(put_text(object, "Method", record->method));
	TRY(put_int(object, "HttpStatus", record->status));
	TRY(put_text(object, "Code", record->code));
	TRY(put_text(object, "Message", record->message));
	TRY(put_int(object, "Microseconds", record->took_us));
	return put_text(object, "InstanceId", record->object);
}

/* DescribeApiCalls */

struct describe_calls {
	const char *id, *action, *code;
	int64_t failed, from_ms, before, page_size;
};
static const struct param describe_calls_params[] = {
	PARAM(describe_calls, id, "CallId", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = CALL_ID_MAX, .help = "only the call with this RequestId"),
	PARAM(describe_calls, action, "ActionName", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "only calls of this action"),
	PARAM(describe_calls, code, "Code", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "only calls that ended with this error"),
	PARAM(describe_calls, failed, "Failed", .kind = PARAM_BOOL,
		.help = "only calls that ended with an error"),
	PARAM(describe_calls, from_ms, "StartTime", .kind = PARAM_INT, .type = "Long",
		.empty_is_absent = true, .max = INT64_MAX,
		.help = "only calls at or after, UNIX time in ms"),
	PARAM(describe_calls, before, "BeforeNumber", .kind = PARAM_INT, .type = "Long",
		.empty_is_absent = true, .max = INT64_MAX,
		.help = "calls with a lower number; NextNumber of the page before"),
	PARAM_PAGE_SIZE(describe_calls, LIST_PAGE_MAX, 20),
	PARAM_ROW_END,
};

static enum err describe_calls_run(struct call *call, const void *raw)
{
	const struct describe_calls *args = raw;
	struct call_filter filter = own_calls(call);
	struct call_record *rows;
	size_t count;
	int64_t next;
	json_t *list;

	if (!call->calls)
		return ERR_UNAVAILABLE;
	filter.call_id = args->id;
	filter.action = args->action;
	filter.code = args->code;
	filter.failed = args->failed;
	filter.from_ms = args->from_ms;
	filter.before_number = args->before;
	filter.limit = (size_t)args->page_size;
	TRY(call_log_list(call->calls, call->mem, &filter, &rows, &count, &next));
	TRY(put_list(call->reply, "Calls", &list));
	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		TRY(add(list, object));
		TRY(put_call(object, &rows[i]));
	}
	TRY(put_int(call->reply, "NextNumber", next));
	return put_int(call->reply, "Capacity", CALLS_KEPT);
}

/* DiagnoseRequest */

#define CLIENT_STRING_MAX 65536

struct diagnose {
	const char *id, *client;
};
static const struct param diagnose_params[] = {
	PARAM(diagnose, id, "CallId", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = CALL_ID_MAX, .help = "RequestId of the call that failed"),
	PARAM(diagnose, client, "ClientString", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = CLIENT_STRING_MAX,
		.help = "what the client signed: string-to-sign of V1, canonical request or "
			"string-to-sign of V3"),
	PARAM_ROW_END,
};

/* Whole characters of the context before and after, and the byte itself; "" at the end. */
static enum err put_context(
	struct call *call, json_t *object, const char *side, const char *text, size_t at)
{
	size_t from = at > DIFFERENCE_CONTEXT ? at - DIFFERENCE_CONTEXT : 0, after;
	const char *rest = text[at] ? text + at + 1 : text + at;
	char name[32], byte[8] = "";

	while (from < at && ((unsigned char)text[from] & 0xc0) == 0x80)
		from++;
	while (((unsigned char)*rest & 0xc0) == 0x80)
		rest++;
	after = text_whole(rest, strnlen(rest, DIFFERENCE_CONTEXT));
	if (text[at] > ' ' && text[at] < 0x7f)
		(void)snprintf(byte, sizeof(byte), "%c", text[at]);
	else if (text[at])
		(void)snprintf(byte, sizeof(byte), "0x%02X", (unsigned char)text[at]);

	const char *before =
		arena_copy_n(call->mem, text + from, text_whole(text + from, at - from));
	const char *behind = arena_copy_n(call->mem, rest, after);

	(void)snprintf(name, sizeof(name), "%sBefore", side);
	TRY(put(object, name, before ? json_string(before) : NULL));
	(void)snprintf(name, sizeof(name), "%sByte", side);
	TRY(put_text(object, name, byte));
	(void)snprintf(name, sizeof(name), "%sAfter", side);
	return put(object, name, behind ? json_string(behind) : NULL);
}

/* A pasted text without the carriage returns and the line break at the end that pasting adds. */
static char *pasted(struct call *call, const char *client, const char *server)
{
	char *text = arena_copy(call->mem, client), *to = text;
	size_t length = strlen(server);

	if (!text)
		return NULL;
	for (const char *from = client; *from; from++) {
		if (*from != '\r')
			*to++ = *from;
	}
	if (length == 0 || server[length - 1] != '\n') {
		while (to > text && (to[-1] == '\n' || to[-1] == ' '))
			to--;
	}
	*to = '\0';
	return text;
}

static enum err put_difference(
	struct call *call, const char *string, const char *canonical, const char *client)
{
	static const char v3_scheme[] = "ACS3-HMAC-SHA256";
	bool of_canonical =
		canonical[0] != '\0' && strncmp(client, v3_scheme, sizeof(v3_scheme) - 1) != 0;
	const char *server = of_canonical ? canonical : string;
	char *text = pasted(call, client, server);
	struct difference found;
	json_t *object;

	if (!text)
		return ERR_MEMORY;
	difference_find(server, text, of_canonical, &found);
	TRY(put_object(call->reply, "Difference", &object));
	TRY(put(object, "Equal", json_boolean(found.cause == DIFFERENCE_NONE)));
	TRY(put_text(object, "Compared", of_canonical ? "CanonicalRequest" : "StringToSign"));
	TRY(put_int(object, "Offset", (int64_t)found.server_at));
	TRY(put_int(object, "Line", (int64_t)found.line));
	TRY(put_int(object, "Column", (int64_t)found.column));
	TRY(put_context(call, object, "Server", server, found.server_at));
	TRY(put_context(call, object, "Client", text, found.client_at));
	/* The two lines of V3's differ by the hash alone, which says nothing about why. */
	if (!of_canonical && canonical[0] != '\0' && found.cause != DIFFERENCE_NONE)
		found.cause = DIFFERENCE_OTHER;
	TRY(put_text(object, "Cause", difference_name(found.cause)));
	return put_text(object, "Explanation", difference_text(found.cause));
}

static enum err diagnose_run(struct call *call, const void *raw)
{
	const struct diagnose *args = raw;
	struct call_filter filter = own_calls(call);
	const char *string, *canonical;
	struct call_record *rows;
	json_t *object;
	size_t count;
	int64_t next;
	enum err err;

	if (!call->calls)
		return ERR_UNAVAILABLE;
	filter.call_id = args->id;
	filter.limit = 1;
	TRY(call_log_list(call->calls, call->mem, &filter, &rows, &count, &next));
	if (count == 0)
		return ERR_CALL_NOT_FOUND;
	TRY(call_log_texts(call->calls, call->mem, &rows[0], &string, &canonical));
	TRY(put_object(call->reply, "Call", &object));
	TRY(put_call(object, &rows[0]));
	TRY(put_text(call->reply, "CanonicalRequest", canonical));
	TRY(put_text(call->reply, "StringToSign", string));
	err = rows[0].code[0] ? error_of_code(rows[0].code) : OK;
	TRY(put_text(call->reply, "Cause", err < ERR_COUNT ? error_cause(err) : ""));
	TRY(put_text(call->reply, "Remedy", err < ERR_COUNT ? error_remedy(err) : ""));
	if (!args->client)
		return OK;
	if (string[0] == '\0')
		return refuse(call, ERR_CALL_NOT_FOUND,
			"What the specified call signed is not kept: it was too long, too long "
			"ago, or "
			"failed before its signature was looked at.");
	return put_difference(call, string, canonical, args->client);
}

static const struct reply_list call_lists[] = { { "Calls", "Call" }, { NULL, NULL } };

const struct action api_call_actions[] = {
	{ VERSION_POLDER, "DescribeApiCalls", READ, PERMISSION_READ, describe_calls_params,
		sizeof(struct describe_calls), describe_calls_run, call_lists,
		"lists the account's latest calls, newest first", 0 },
	{ VERSION_POLDER, "DiagnoseRequest", READ, PERMISSION_READ, diagnose_params,
		sizeof(struct diagnose), diagnose_run, NULL,
		"shows what a call signed, and where that differs from what the client says", 0 },
	{ 0 },
};
