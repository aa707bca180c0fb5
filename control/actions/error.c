/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that clients cannot tell apart (those of the service itself) are one entry. Errors of one code that mean
 * different things are several, each with its own cause, remedy and actions.
 */
#include "control/actions/error.h"

#include <string.h>

#include "control/actions/tables.h"
#include "control/call.h"

static const struct {
	const char *action; /* NULL: any call */
	enum err err;
} gives[] = {
#define EVERYWHERE(symbol)	   { NULL, symbol },
#define GIVES(action_name, symbol) { action_name, symbol },
#include "errors_of_actions.def"
#undef EVERYWHERE
#undef GIVES
};
#define GIVES_COUNT (sizeof(gives) / sizeof(gives[0]))

static const char missing_example[] = "The input parameter \"InstanceId\" that is mandatory for "
				      "processing this request is not supplied.";
static const char mismatch_example[] =
	"Specified signature is not matched with our calculation. server string to sign "
	"is:GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeInstanceIds%26...";
static const char incomplete_example[] =
	"The request signature does not conform to Aliyun standards: "
	"header \"x-acs-date\" is not signed.";
/* Where the sentence of the error is only what begins, or stands in for, what clients see. */
static const char *const examples[ERR_COUNT] = {
	[ERR_MISSING_PARAMETER] = missing_example,
	[ERR_INVALID_PARAMETER] =
		"The specified parameter \"PageSize\" is not valid: it must be 1..50.",
	[ERR_SIGNATURE_MISMATCH] = mismatch_example,
	[ERR_INCOMPLETE_SIGNATURE] = incomplete_example,
	[ERR_LIMIT] = "StartTime and EndTime span more than 50000 records: narrow them.",
};

static bool is_same(enum err a, enum err b)
{
	return strcmp(error_code(a), error_code(b)) == 0 && error_http(a) == error_http(b) &&
	       strcmp(error_sentence(a), error_sentence(b)) == 0 &&
	       strcmp(error_cause(a), error_cause(b)) == 0 &&
	       strcmp(error_remedy(a), error_remedy(b)) == 0;
}

static bool is_first(enum err err)
{
	for (int i = OK + 1; i < (int)err; i++) {
		if (is_same((enum err)i, err))
			return false;
	}
	return true;
}

static bool is_listed(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), name) == 0)
			return true;
	}
	return false;
}

static enum err put_actions(json_t *object, enum err err)
{
	bool everywhere = false;
	json_t *list;

	for (size_t i = 0; i < GIVES_COUNT; i++)
		everywhere = everywhere || (!gives[i].action && is_same(gives[i].err, err));
	TRY(put(object, "Everywhere", json_boolean(everywhere)));
	TRY(put_list(object, "Actions", &list));
	for (size_t i = 0; i < GIVES_COUNT && !everywhere; i++) {
		if (is_same(gives[i].err, err) && !is_listed(list, gives[i].action))
			TRY(add(list, json_string(gives[i].action)));
	}
	return OK;
}

static enum err put_error(json_t *list, enum err err)
{
	json_t *object = json_object();

	TRY(add(list, object));
	TRY(put_text(object, "Code", error_code(err)));
	TRY(put_int(object, "HttpStatus", error_http(err)));
	TRY(put_text(object, "Message", error_sentence(err)));
	TRY(put_text(object, "Cause", error_cause(err)));
	TRY(put_text(object, "Remedy", error_remedy(err)));
	TRY(put_text(object, "Example", examples[err] ? examples[err] : error_sentence(err)));
	return put_actions(object, err);
}

json_t *errors_describe(const char *code)
{
	json_t *list = json_array();

	for (int i = OK + 1; list && i < ERR_COUNT; i++) {
		enum err err = (enum err)i;

		if ((code && strcmp(code, error_code(err)) != 0) || !is_first(err))
			continue;
		if (put_error(list, err) != OK) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

bool action_gives(const char *action_name, const char *code)
{
	for (size_t i = 0; i < GIVES_COUNT; i++) {
		if ((!gives[i].action || strcmp(gives[i].action, action_name) == 0) &&
			strcmp(error_code(gives[i].err), code) == 0)
			return true;
	}
	return false;
}

enum err error_of_code(const char *code)
{
	for (int i = OK + 1; i < ERR_COUNT; i++) {
		if (strcmp(error_code((enum err)i), code) == 0)
			return (enum err)i;
	}
	return ERR_COUNT;
}

/* DescribeErrors */

struct describe_errors {
	const char *code;
};
static const struct param describe_errors_params[] = {
	PARAM(describe_errors, code, "Code", .kind = PARAM_TEXT, .empty_is_absent = true, .max = 64,
		.help = "only errors of this code"),
	PARAM_ROW_END,
};

static enum err describe_errors_run(struct call *call, const void *args)
{
	const struct describe_errors *wanted = args;
	json_t *list = errors_describe(wanted->code);

	TRY(put(call->reply, "Errors", list));
	return put_int(call->reply, "TotalCount", (int64_t)json_array_size(list));
}

static const struct reply_list error_lists[] = {
	{ "Errors", "Error" },
	{ "Actions", "Action" },
	{ NULL, NULL },
};

const struct action error_actions[] = {
	{ VERSION_POLDER, "DescribeErrors", READ, PERMISSION_READ, describe_errors_params,
		sizeof(struct describe_errors), describe_errors_run, error_lists,
		"explains errors: why each comes, what to do, which actions give it", 0 },
	{ 0 },
};
