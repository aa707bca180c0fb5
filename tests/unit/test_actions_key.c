/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys and security tokens: who may do what with which, how they end, and that no secret reaches the
 * store's log. And the table of actions as a whole.
 */
#include "base/clock.h"
#include "control/model/web_condition.h"
#include "control/actions/error.h"
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct api *api, int status, const char *code)
{
	if (api->response.status != status || strcmp(api_code(api), code) != 0)
		fail_msg("%s", api->response.body);
}

/* Credentials of the last reply as a caller. */
static struct api_key reply_key(const struct api *api, const char *object)
{
	struct api_key key = { .account = 0 };
	char path[64];

	(void)snprintf(path, sizeof(path), "%s.AccessKeyId", object);
	(void)snprintf(key.id, sizeof(key.id), "%s", api_text(api, path));
	(void)snprintf(path, sizeof(path), "%s.AccessKeySecret", object);
	(void)snprintf(key.secret, sizeof(key.secret), "%s", api_text(api, path));
	return key;
}

#define POLDER(api, ...) (void)api_call_version(api, VERSION_POLDER, __VA_ARGS__, NULL)

/* The newest account comes last, with a name, nothing of its own yet. */
static void assert_accounts(struct api *api, int64_t count, const char *name, const char *number)
{
	char path[64], found[24];

	(void)snprintf(path, sizeof(path), "Accounts.%lld.Name", (long long)count - 1);
	assert_string_equal(api_text(api, path), name);
	(void)snprintf(path, sizeof(path), "Accounts.%lld.AccountId", (long long)count - 1);
	(void)snprintf(found, sizeof(found), "%lld", (long long)api_int(api, path));
	assert_string_equal(found, number);
	(void)snprintf(path, sizeof(path), "Accounts.%lld.AccessKeyCount", (long long)count - 1);
	assert_int_equal(api_int(api, path), 0);
	assert_true(api_int(api, "Accounts.0.AccessKeyCount") > 0);
}

static void operator_makes_accounts_and_keys(void **state)
{
	struct api *api = *state;
	struct api_key made;
	char account[24];

	api->caller = &api->root;
	POLDER(api, "CreateAccount", "Name", "customer");
	expect(api, 200, "");
	(void)snprintf(account, sizeof(account), "%lld", (long long)api_int(api, "AccountId"));
	POLDER(api, "DescribeAccounts", "PageSize", "1", "PageNumber", "2");
	expect(api, 200, "");
	const int64_t all = api_int(api, "TotalCount");

	POLDER(api, "DescribeAccounts");
	expect(api, 200, "");
	assert_int_equal(api_int(api, "TotalCount"), all);
	assert_accounts(api, all, "customer", account);
	POLDER(api, "CreateAccessKey", "AccountId", account, "Remark", "terraform");
	expect(api, 200, "");
	made = reply_key(api, "AccessKey");
	assert_int_equal(strlen(made.id), 24);
	assert_memory_equal(made.id, "LTAI", 4);
	assert_int_equal(strlen(made.secret), 30);
	assert_string_equal(api_text(api, "AccessKey.Permission"), "full");
	POLDER(api, "DescribeAccessKeys", "AccountId", account);
	expect(api, 200, "");
	assert_string_equal(api_text(api, "AccessKeys.0.AccessKeyId"), made.id);
	assert_string_equal(api_text(api, "AccessKeys.0.Remark"), "terraform");
	assert_null(strstr(api->response.body, made.secret));
	POLDER(api, "CreateAccessKey", "AccountId", "999999");
	expect(api, 400, "AccountNotFound");
	POLDER(api, "CreateAccessKey", "Permission", "root");
	expect(api, 400, "InvalidParameter");
	/* The key works until it is turned off, and again, until it is deleted. */
	api->caller = &made;
	(void)api_call(api, "DescribeInstanceIds", NULL);
	expect(api, 200, "");
	api->caller = &api->root;
	POLDER(api, "ModifyAccessKey", "UserAccessKeyId", made.id, "Status", "Inactive");
	expect(api, 200, "");
	api->caller = &made;
	(void)api_call(api, "DescribeInstanceIds", NULL);
	expect(api, 400, "InvalidAccessKeyId.Inactive");
	api->caller = &api->root;
	POLDER(api, "ModifyAccessKey", "UserAccessKeyId", made.id, "Status", "Active");
	POLDER(api, "DeleteAccessKey", "UserAccessKeyId", made.id);
	expect(api, 200, "");
	POLDER(api, "DeleteAccessKey", "UserAccessKeyId", made.id);
	expect(api, 404, "InvalidAccessKeyId.NotFound");
	api->caller = &made;
	(void)api_call(api, "DescribeInstanceIds", NULL);
	expect(api, 404, "InvalidAccessKeyId.NotFound");
	/* Nobody locks themselves out. */
	api->caller = &api->root;
	POLDER(api, "DeleteAccessKey", "UserAccessKeyId", api->root.id);
	expect(api, 400, "InvalidParameter");
}

static void tenants_manage_no_keys(void **state)
{
	static const char *const actions[] = { "CreateAccount", "DescribeAccounts",
		"CreateAccessKey", "DescribeAccessKeys", "ModifyAccessKey", "DeleteAccessKey" };
	struct api *api = *state;
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		POLDER(api, actions[i]);
		expect(api, 403, "Forbidden.RAM");
	}
}

static void read_only_and_limited_keys(void **state)
{
	struct api *api = *state;
	const char *first = api_buy(api, "ddoscoo", "Ipv4"),
		   *second = api_buy(api, "ddoscoo", "Ipv4");
	const char *const only[] = { first };

	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, NULL, 0);
	(void)api_call(api, "DescribeInstanceIds", NULL);
	expect(api, 200, "");
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", first, "Remark", "x", NULL);
	expect(api, 403, "Forbidden.RAM");
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, only, 1);
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", first, "Remark", "x", NULL);
	expect(api, 200, "");
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", second, "Remark", "x", NULL);
	expect(api, 400, "InstanceNotFound");
	(void)api_call(api, "DescribeInstances", "PageNumber", "1", "PageSize", "10", NULL);
	assert_string_equal(api_text(api, "Instances.0.InstanceId"), first);
	assert_int_equal(api_int(api, "TotalCount"), 1);
}

/* A caller with a token: it goes along with each call. */
static void list_with_token(struct api *api, const struct api_key *key, const char *token)
{
	const struct pair pairs[] = { { "SecurityToken", token } };

	api->caller = key;
	(void)api_call_pairs(api, "DescribeInstanceIds", pairs, token ? 1 : 0);
}

static void tokens(void **state)
{
	struct api *api = *state;
	struct api_key key;
	char token[160], wrong[160];

	POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
	expect(api, 200, "");
	key = reply_key(api, "Credentials");
	assert_memory_equal(key.id, "STS.", 4);
	(void)snprintf(token, sizeof(token), "%s", api_text(api, "Credentials.SecurityToken"));
	assert_memory_equal(token, "STS.", 4);
	assert_string_equal(api_text(api, "Credentials.Expiration"), "2026-11-23T10:15:00Z");
	list_with_token(api, &key, token);
	expect(api, 200, "");
	list_with_token(api, &key, NULL);
	expect(api, 400, "MissingSecurityToken");
	list_with_token(api, &key, "");
	expect(api, 400, "MissingSecurityToken");
	list_with_token(api, &key, "STS.short");
	expect(api, 400, "InvalidSecurityToken.Malformed");
	(void)snprintf(wrong, sizeof(wrong), "%s", token);
	wrong[20] = wrong[20] == '0' ? '1' : '0';
	list_with_token(api, &key, wrong);
	expect(api, 400, "InvalidSecurityToken.MismatchWithAccessKey");
	/* A permanent key has no token. */
	list_with_token(api, &api->tenant, token);
	expect(api, 400, "InvalidSecurityToken.MismatchWithAccessKey");
	api->clock_ms += 900 * SECOND_MS - 1;
	list_with_token(api, &key, token);
	expect(api, 200, "");
	api->clock_ms += 1;
	list_with_token(api, &key, token);
	expect(api, 400, "InvalidSecurityToken.Expired");
}

static void tokens_add_no_rights(void **state)
{
	struct api *api = *state;
	const char *first = api_buy(api, "ddoscoo", "Ipv4"),
		   *second = api_buy(api, "ddoscoo", "Ipv4");
	const char *const only[] = { first };
	struct api_key key;
	char token[160];

	POLDER(api, "CreateSecurityToken", "Permission", "operator");
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "899");
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "43201");
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateSecurityToken", "InstanceIds.1", "ddoscoo-cn-unknown");
	expect(api, 400, "InstanceNotFound");
	api->caller = &api->other;
	POLDER(api, "CreateSecurityToken", "InstanceIds.1", first);
	expect(api, 400, "InstanceNotFound");
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, only, 1);
	POLDER(api, "CreateSecurityToken", "InstanceIds.1", second);
	expect(api, 400, "InstanceNotFound");
	/* Without a list of its own the token has the caller's. */
	POLDER(api, "CreateSecurityToken", "Permission", "read-only");
	expect(api, 200, "");
	key = reply_key(api, "Credentials");
	(void)snprintf(token, sizeof(token), "%s", api_text(api, "Credentials.SecurityToken"));
	list_with_token(api, &key, token);
	assert_string_equal(api_text(api, "InstanceIds.0.InstanceId"), first);
	assert_int_equal(json_array_size(api_get(api, "InstanceIds")), 1);
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", first, "Remark", "x",
		"SecurityToken", token, NULL);
	expect(api, 403, "Forbidden.RAM");
	/* A token makes no token, or it would never end. */
	POLDER(api, "CreateSecurityToken", "SecurityToken", token);
	expect(api, 403, "Forbidden.RAM");
	/* A key that may only read may have one. */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_READ, NULL, 0);
	POLDER(api, "CreateSecurityToken", "Permission", "full");
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
	expect(api, 200, "");
}

/* What manages keys could rid itself of its own limits: an end, or a list of instances. */
static void limited_operators_manage_no_keys(void **state)
{
	static const char *const calls[][5] = {
		{ "CreateAccount", "Name", "evil" },
		{ "CreateAccessKey", "Permission", "operator" },
		{ "DescribeAccessKeys" },
		{ "ModifyAccessKey", "UserAccessKeyId", "LTAI1", "Status", "Active" },
		{ "DeleteAccessKey", "UserAccessKeyId", "LTAI1" },
	};
	struct api *api = *state;
	struct api_key key;
	char token[160];
	size_t i;

	api->caller = &api->root;
	const char *own = api_buy(api, "ddoscoo", "Ipv4");
	const char *const only[] = { own };
	struct api_key *limited =
		api_make_key(api, api->root.account, PERMISSION_OPERATOR, only, 1);

	POLDER(api, "CreateSecurityToken");
	expect(api, 200, "");
	key = reply_key(api, "Credentials");
	(void)snprintf(token, sizeof(token), "%s", api_text(api, "Credentials.SecurityToken"));
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct pair pairs[] = { { "SecurityToken", token }, { calls[i][1], calls[i][2] },
			{ calls[i][3], calls[i][4] } };
		size_t count = calls[i][3] ? 3 : calls[i][1] ? 2 : 1;

		api->version = VERSION_POLDER;
		api->caller = &key;
		(void)api_call_pairs(api, calls[i][0], pairs, count);
		expect(api, 403, "Forbidden.RAM");
		api->caller = limited;
		(void)api_call_pairs(api, calls[i][0], pairs + 1, count - 1);
		expect(api, 403, "Forbidden.RAM");
	}
	api->caller = limited;
	POLDER(api, "DescribeAccounts");
	expect(api, 403, "Forbidden.RAM");
	/* And none is made by hand. */
	api->caller = &api->root;
	POLDER(api, "CreateAccessKey", "Permission", "operator", "InstanceIds.1", own);
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateAccount", "Name", "tenant");
	expect(api, 400, "InvalidParameter");
	assert_non_null(strstr(api->response.body, "Name"));
}

/* Turning a key off, or deleting it, also ends the tokens that were made with it, for good. */
static void tokens_end_with_their_key(void **state)
{
	static const bool deletes[] = { false, true };
	struct api *api = *state;
	struct api_key other;
	char other_token[160];
	size_t i;

	POLDER(api, "CreateSecurityToken");
	other = reply_key(api, "Credentials");
	(void)snprintf(
		other_token, sizeof(other_token), "%s", api_text(api, "Credentials.SecurityToken"));
	for (i = 0; i < 2; i++) {
		struct api_key *parent =
			api_make_key(api, api->tenant.account, PERMISSION_FULL, NULL, 0);
		struct api_key key;
		char token[160];

		api->caller = parent;
		POLDER(api, "CreateSecurityToken");
		key = reply_key(api, "Credentials");
		(void)snprintf(
			token, sizeof(token), "%s", api_text(api, "Credentials.SecurityToken"));
		list_with_token(api, &key, token);
		expect(api, 200, "");
		api->caller = &api->root;
		if (deletes[i])
			POLDER(api, "DeleteAccessKey", "UserAccessKeyId", parent->id);
		else
			POLDER(api, "ModifyAccessKey", "UserAccessKeyId", parent->id, "Status",
				"Inactive");
		expect(api, 200, "");
		list_with_token(api, &key, token);
		expect(api, 404, "InvalidAccessKeyId.NotFound");
		if (!deletes[i]) {
			api->caller = &api->root;
			POLDER(api, "ModifyAccessKey", "UserAccessKeyId", parent->id, "Status",
				"Active");
			list_with_token(api, &key, token);
			expect(api, 404, "InvalidAccessKeyId.NotFound");
		}
		list_with_token(api, &other, other_token);
		expect(api, 200, "");
	}
}

/* Calls alone must not fill the store: what starts with the control reads the keys. */
static void tokens_are_limited(void **state)
{
	struct api *api = *state;
	int i;

	for (i = 0; i < 1000; i++) {
		POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
		expect(api, 200, "");
	}
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
	expect(api, 400, "LimitExceeded.AccessKey");
	api->caller = &api->other;
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
	expect(api, 200, "");
	api->caller = &api->tenant;
	api->clock_ms += 900 * SECOND_MS;
	POLDER(api, "CreateSecurityToken", "DurationSeconds", "900");
	expect(api, 200, "");
}

static void writes_are_recorded_without_secrets(void **state)
{
	struct api *api = *state;
	struct audit_row *rows;
	struct api_key made;
	size_t i, count, before = api_audit_rows(api, &rows);
	char large[5001];

	api->caller = &api->root;
	POLDER(api, "CreateAccessKey", "Remark", "for tests", "Key", "private", "Cert", "public");
	made = reply_key(api, "AccessKey");
	count = api_audit_rows(api, &rows);
	assert_int_equal(count, before + 1);
	for (i = 0; i < count; i++) {
		if (strcmp(rows[i].action, "CreateAccessKey") == 0)
			break;
	}
	assert_true(i < count);
	assert_string_equal(rows[i].object, made.id);
	assert_string_equal(rows[i].actor, api->root.id);
	assert_string_equal(rows[i].request_id, api_text(api, "RequestId"));
	assert_string_equal(rows[i].detail, "{\"parameters\":{\"Remark\":\"for tests\"}}");
	/* Reads and refused writes leave nothing. */
	POLDER(api, "DescribeAccessKeys");
	POLDER(api, "CreateAccessKey", "AccountId", "999999");
	assert_int_equal(api_audit_rows(api, &rows), count);
	memset(large, 'a', 5000);
	large[5000] = '\0';
	/* What the action does not know is of no effect, and not recorded. */
	POLDER(api, "CreateAccount", "Name", "x", "Other", large, "Name.1", large);
	(void)api_audit_rows(api, &rows);
	for (i = 0; strcmp(rows[i].action, "CreateAccount") != 0; i++)
		assert_true(i < count);
	assert_string_equal(rows[i].detail, "{\"parameters\":{\"Name\":\"x\"}}");
	assert_true(api_audit_whole(api));
}

static void the_table_is_sound(void **state)
{
	const struct action *const *table, *action;
	bool known;

	(void)state;
	for (table = action_tables; *table; table++) {
		for (action = *table; action->name; action++) {
			assert_ptr_equal(
				action_find(action->version, action->name, &known), action);
			assert_non_null(action->params);
			assert_non_null(action->run);
			assert_non_null(action->summary);
			/* The one door without a signature. */
			assert_int_equal(
				action->is_open, strcmp(action->name, "CreateSession") == 0);
			assert_int_equal(
				action->unrecorded, strcmp(action->name, "ExtendSession") == 0);
			if (action->mode != WRITE || action->permission != PERMISSION_READ)
				continue;
			/* What concerns the caller alone, and gives nothing away. */
			assert_non_null(strstr("CreateSecurityToken CreateSession ExtendSession "
					       "EndSession ModifyUserPassword StartAccessLogQuery",
				action->name));
		}
	}
	assert_null(action_find("1999-01-01", "DescribeInstances", &known));
	assert_false(known);
	assert_null(action_find(VERSION_POLDER, "DescribeInstances", &known));
	assert_true(known);
	json_t *described = action_describe();
	assert_non_null(described);
	assert_true(json_array_size(described) > 40);
	json_decref(described);
}

static void expect_balanced(const char *shape)
{
	int depth = 0;

	for (const char *at = shape; *at; at++) {
		depth += strchr("[{(", *at) != NULL;
		depth -= strchr("]})", *at) != NULL;
		assert_true(depth >= 0);
	}
	assert_int_equal(depth, 0);
}

/* How many of the action's parameters have one: all that are JSON. */
static int expect_shapes(const struct action *action)
{
	int shapes = 0;

	for (const struct param *param = action->params; param->kind != PARAM_END; param++) {
		if (param->kind != PARAM_JSON && param->kind != PARAM_OBJECT_LIST)
			continue;
		if (!param->shape)
			fail_msg("%s: %s", action->name, param->name);
		else
			expect_balanced(param->shape);
		shapes++;
	}
	return shapes;
}

/* What forms are made of. */
static void every_document_has_a_shape(void **state)
{
	const struct action *const *table, *action;
	int shapes = 0;

	(void)state;
	for (table = action_tables; *table; table++) {
		for (action = *table; action->name; action++)
			shapes += expect_shapes(action);
	}
	assert_true(shapes > 40);
}

/* Words with one space between: lists are split at each. */
static void expect_words(const struct action *action, const struct param *param)
{
	const char *end = param->choices + strlen(param->choices);

	if (end == param->choices || param->choices[0] == ' ' || end[-1] == ' ' ||
		strstr(param->choices, "  "))
		fail_msg("%s: %s: \"%s\"", action->name, param->name, param->choices);
}

static void choices_are_words(void **state)
{
	(void)state;
	for (const struct action *const *table = action_tables; *table; table++)
		for (const struct action *action = *table; action->name; action++)
			for (const struct param *param = action->params; param->kind != PARAM_END;
				param++)
				if (param->choices)
					expect_words(action, param);
}

/* The shape of conditions names what there is, and nothing else. */
static void condition_shape_is_of_the_tables(void **state)
{
	char shape[] = WEB_CONDITION_SHAPE;
	size_t names = 0;
	char *save, *word;

	(void)state;
	*strstr(shape, ", content?") = '\0';
	for (word = strtok_r(shape, "{}|:, ", &save); word;
		word = strtok_r(NULL, "{}|:, ", &save)) {
		bool known = strcmp(word, "field") == 0 || strcmp(word, "match_method") == 0;

		for (int i = 0; i < WEB_FIELD_COUNT && !known; i++)
			known = strcmp(word, web_field_name((enum web_field)i)) == 0;
		for (int i = 0; i < METHOD_COUNT && !known; i++)
			known = strcmp(word, web_method_name((enum web_method)i)) == 0;
		if (!known)
			fail_msg("%s", word);
		names++;
	}
	assert_int_equal(names, 2 + WEB_FIELD_COUNT + METHOD_COUNT);
}

/* ---- the catalogue of errors */

static void check_words(const char *text)
{
	static const char *const verbs[] = { "Describe", "Create", "Modify", "Delete", "Renew",
		"Start", "Stop", "Release", "Query", "Extend", "Diagnose" };
	char word[64];
	bool known;

	/* An action that is named must be there. */
	for (const char *at = text; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ')) {
		size_t length = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

		if (length >= sizeof(word))
			continue;
		memcpy(word, at, length);
		word[length] = '\0';
		for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
			if (strncmp(word, verbs[i], strlen(verbs[i])) != 0 ||
				word[strlen(verbs[i])] < 'A' || word[strlen(verbs[i])] > 'Z')
				continue;
			if (!action_find(VERSION_POLDER, word, &known) &&
				!action_find(VERSION_DDOSCOO, word, &known) &&
				!action_find(VERSION_BSS, word, &known))
				fail_msg("no action %s: %s", word, text);
		}
	}
}

static void errors_are_explained(void **state)
{
	struct api *api = *state;
	const char *code;
	size_t i, count;

	POLDER(api, "DescribeErrors");
	expect(api, 200, "");
	count = json_array_size(api_get(api, "Errors"));
	assert_int_equal(api_int(api, "TotalCount"), count);
	assert_true(count > 60);
	for (i = 0; i < count; i++) {
		const json_t *error = json_array_get(api_get(api, "Errors"), i);
		const char *cause = json_string_value(json_object_get(error, "Cause"));
		const char *remedy = json_string_value(json_object_get(error, "Remedy"));

		code = json_string_value(json_object_get(error, "Code"));
		if (strlen(cause) < 20 || strlen(remedy) < 15)
			fail_msg("%s is not explained", code);
		check_words(remedy);
		check_words(cause);
		/* An error that nothing gives is none. */
		if (json_is_false(json_object_get(error, "Everywhere")) &&
			json_array_size(json_object_get(error, "Actions")) == 0)
			fail_msg("no action gives %s", code);
	}
	POLDER(api, "DescribeErrors", "Code", "UserNotFound");
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_int(api, "Errors.0.HttpStatus"), 400);
	assert_string_equal(api_text(api, "Errors.0.Actions.0"), "ModifyUserPassword");
	assert_string_equal(api_text(api, "Errors.0.Actions.1"), "DeleteUser");
	assert_int_equal(json_array_size(api_get(api, "Errors.0.Actions")), 2);
	POLDER(api, "DescribeErrors", "Code", "SignatureNonceUsed");
	assert_true(json_is_true(api_get(api, "Errors.0.Everywhere")));
	assert_int_equal(json_array_size(api_get(api, "Errors.0.Actions")), 0);
	POLDER(api, "DescribeErrors", "Code", "InternalError");
	assert_int_equal(api_int(api, "TotalCount"), 1);
	POLDER(api, "DescribeErrors", "Code", "NoSuchCode");
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_true(action_gives("CreatePort", "ddos_coop3303"));
	assert_false(action_gives("DescribeErrors", "ddos_coop3303"));
	assert_true(action_gives("DescribeErrors", "Throttling.User"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(operator_makes_accounts_and_keys),
		API_CASE(tenants_manage_no_keys),
		API_CASE(read_only_and_limited_keys),
		API_CASE(tokens),
		API_CASE(tokens_add_no_rights),
		API_CASE(limited_operators_manage_no_keys),
		API_CASE(tokens_end_with_their_key),
		API_CASE(tokens_are_limited),
		API_CASE(writes_are_recorded_without_secrets),
		cmocka_unit_test(the_table_is_sound),
		API_CASE(errors_are_explained),
		cmocka_unit_test(every_document_has_a_shape),
		cmocka_unit_test(choices_are_words),
		cmocka_unit_test(condition_shape_is_of_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
