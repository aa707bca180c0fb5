/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users and their sessions: who may make them, what a session may do and how it ends, and that nobody learns
 * anything by trying passwords, nor can try many.
 */
#include "base/clock.h"
#include "base/text.h"
#include "control/auth/login.h"
#include "control/auth/password.h"
#include "control/store/user.h"
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "correct horse battery"
#define ANOTHER	 "correct horse battery2"

static void expect(const struct api *api, int status, const char *code)
{
	if (api->response.status != status || strcmp(api_code(api), code) != 0)
		fail_msg("%s", api->response.body);
}

#define POLDER(api, ...) (void)api_call_version(api, VERSION_POLDER, __VA_ARGS__, NULL)

struct session {
	struct api_key key;
	char token[160];
};

static void keep(const struct api *api, struct session *out)
{
	*out = (struct session){ .key = { .account = 0 } };
	(void)snprintf(
		out->key.id, sizeof(out->key.id), "%s", api_text(api, "Credentials.AccessKeyId"));
	(void)snprintf(out->key.secret, sizeof(out->key.secret), "%s",
		api_text(api, "Credentials.AccessKeySecret"));
	(void)snprintf(
		out->token, sizeof(out->token), "%s", api_text(api, "Credentials.SecurityToken"));
}

static void act_as(struct api *api, const struct session *session)
{
	api->caller = &session->key;
	api->token = session->token;
}

static void act_with(struct api *api, const struct api_key *key)
{
	api->caller = key;
	api->token = NULL;
}

static void log_in(struct api *api, const char *user, const char *password)
{
	act_with(api, NULL);
	POLDER(api, "CreateSession", "UserName", user, "Password", password);
}

static void log_in_to_manage(struct api *api, const char *user, struct session *out)
{
	act_with(api, NULL);
	POLDER(api, "CreateSession", "UserName", user, "Password", PASSWORD, "Manage", "true");
	expect(api, 200, "");
	keep(api, out);
}

/* With a record that costs little: what is slow by intent is tried once. */
static void make_user(
	struct api *api, const char *name, int64_t account, enum permission permission)
{
	/* By Python: hashlib.scrypt(PASSWORD, salt=bytes(range(16)), n=2, r=1, p=1, dklen=32). */
	static const char record[] =
		"scrypt:1:1:1:000102030405060708090a0b0c0d0e0f:"
		"4868a69ea42cd2f4916fc5f2bfd589f3279a852a2f9636a689abb04d4f6bfa60";
	struct user user = { .account = account,
		.permission = permission,
		.password = record,
		.create_ms = api->clock_ms };

	(void)snprintf(user.name, sizeof(user.name), "%s", name);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(user_insert(api->db, api->vault, api->fixture, &user), OK);
	assert_int_equal(db_commit(api->db), OK);
}

/* A key that may only read makes as many tokens as it can: everybody else of the account still gets in. */
static void tokens_keep_nobody_out(void **state)
{
	struct api *api = *state;
	struct access_key token = { .account = api->tenant.account,
		.permission = PERMISSION_READ,
		.active = true,
		.secret = "s",
		.token = "t",
		.expires_ms = api->clock_ms + DAY_MS,
		.create_ms = api->clock_ms,
		.parent = api->tenant.id };

	make_user(api, "Ann", api->tenant.account, PERMISSION_FULL);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(token.id, sizeof(token.id), "STS.%d", i);
		assert_int_equal(access_key_insert(api->db, api->vault, &token), OK);
	}
	assert_int_equal(db_commit(api->db), OK);
	act_with(api, &api->tenant);
	POLDER(api, "CreateSecurityToken");
	expect(api, 400, "LimitExceeded.AccessKey");
	log_in(api, "ann", PASSWORD);
	expect(api, 200, "");
}

static void records_of_passwords(void **state)
{
	static const char rest[] =
		"000102030405060708090a0b0c0d0e0f:"
		"4c0bbfe7a4ae2a1ac9d8c4b6a2e5b7a41ad7e2d76a2b2e9b9a20e9d8d4d0a5f1";
	static const struct {
		const char *head, *tail;
	} damaged[] = { { "argon2:1:1:1:", "" }, { "scrypt:", "" }, { "scrypt:99:8:3:", "" },
		{ "scrypt:1:1:0:", "" }, { "scrypt:1:1:", "" }, { "scrypt:1:1:1:", ":" },
		{ "scrypt:1:1:1:", "00" } };
	char one[2 * PASSWORD_RECORD_SIZE], other[PASSWORD_RECORD_SIZE];
	bool good;

	(void)state;
	assert_int_equal(password_record(PASSWORD, PASSWORD_COST_LOG2, one), OK);
	assert_int_equal(password_record(PASSWORD, PASSWORD_COST_LOG2, other), OK);
	assert_memory_equal(one, "scrypt:15:8:3:", 14);
	assert_string_not_equal(one, other);
	assert_null(strstr(one, PASSWORD));
	assert_int_equal(password_check(one, PASSWORD_COST_LOG2, PASSWORD, &good), OK);
	assert_true(good);
	assert_int_equal(password_check(one, PASSWORD_COST_LOG2, PASSWORD "!", &good), OK);
	assert_false(good);
	assert_int_equal(password_check(NULL, PASSWORD_COST_LOG2, PASSWORD, &good), OK);
	assert_false(good);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		(void)snprintf(one, sizeof(one), "%s%s%s", damaged[i].head, rest, damaged[i].tail);
		assert_int_equal(
			password_check(one, PASSWORD_COST_LOG2, PASSWORD, &good), ERR_SYSTEM);
		assert_false(good);
	}
	/* Another implementation's: Python's hashlib.scrypt. */
	assert_int_equal(
		password_check("scrypt:4:2:1:000102030405060708090a0b0c0d0e0f:"
			       "76bf7265a4a184db3aee6205e6a85c20d8f0c8286d46862ae2f3f5367cbde75b",
			1, "pleaseletmein", &good),
		OK);
	assert_true(good);
}

static void operators_make_users(void **state)
{
	struct api *api = *state;
	char account[24];

	act_with(api, &api->root);
	(void)snprintf(account, sizeof(account), "%lld", (long long)api->tenant.account);
	POLDER(api, "CreateUser", "Name", "Alice", "Password", PASSWORD, "AccountId", account,
		"Permission", "full");
	expect(api, 200, "");
	assert_string_equal(api_text(api, "User.Name"), "Alice");
	assert_string_equal(api_text(api, "User.Permission"), "full");
	assert_int_equal(api_int(api, "User.AccountId"), api->tenant.account);
	assert_string_equal(api_text(api, "User.LastLoginTime"), "");
	assert_null(strstr(api->response.body, PASSWORD));
	POLDER(api, "CreateUser", "Name", "aLICE", "Password", PASSWORD);
	expect(api, 400, "UserExist");
	POLDER(api, "CreateUser", "Name", "bob", "Password", "short");
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateUser", "Name", "bob", "Password", "this is Bob and nobody else");
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateUser", "Name", "bob smith", "Password", PASSWORD);
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateUser", "Name", "bob", "Password", PASSWORD, "AccountId", "99999");
	expect(api, 400, "AccountNotFound");
	POLDER(api, "CreateUser", "Name", "bob", "Password", PASSWORD, "Permission", "operator",
		"InstanceIds.1", "ddoscoo-cn-1");
	expect(api, 400, "InvalidParameter");
	POLDER(api, "CreateUser", "Name", "bob", "Password", PASSWORD, "InstanceIds.1",
		"ddoscoo-cn-1");
	expect(api, 400, "InstanceNotFound");
	log_in(api, "ALICE", PASSWORD);
	expect(api, 200, "");
	act_with(api, &api->root);
	POLDER(api, "DescribeUsers", "AccountId", account);
	expect(api, 200, "");
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(api_int(api, "Users.0.SessionCount"), 1);
	assert_string_equal(api_text(api, "Users.0.LastLoginTime"), "2026-11-23T10:00:00Z");
	POLDER(api, "DeleteUser", "Name", "bob");
	expect(api, 400, "UserNotFound");
	POLDER(api, "DeleteUser", "Name", "alice");
	expect(api, 200, "");
	POLDER(api, "DescribeUsers");
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_true(api_audit_whole(api));
}

/* What a caller that may not manage gets for each action about users. */
static void forbidden(struct api *api)
{
	POLDER(api, "CreateUser", "Name", "mallory", "Password", PASSWORD);
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "DescribeUsers");
	if (api->response.status != 200)
		expect(api, 403, "Forbidden.RAM");
	POLDER(api, "ModifyUserPassword", "Name", "alice", "Password", ANOTHER);
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "DeleteUser", "Name", "alice");
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "CreateAccessKey", "Permission", "operator");
	expect(api, 403, "Forbidden.RAM");
}

static void others_do_not(void **state)
{
	struct api *api = *state;
	struct session session;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	make_user(api, "op", api->root.account, PERMISSION_OPERATOR);
	make_user(api, "carol", api->other.account, PERMISSION_FULL);
	act_with(api, &api->tenant);
	forbidden(api);
	POLDER(api, "DescribeUsers");
	expect(api, 403, "Forbidden.RAM");
	/* Nor an operator's session, which may have been stolen from a browser. */
	log_in(api, "op", PASSWORD);
	expect(api, 200, "");
	keep(api, &session);
	act_as(api, &session);
	forbidden(api);
	assert_string_equal(api_text(api, "Code"), "Forbidden.RAM");
	POLDER(api, "DescribeCaller");
	assert_true(json_is_false(api_get(api, "MayManage")));
	/* One for which the password was just given may. */
	log_in_to_manage(api, "op", &session);
	act_as(api, &session);
	POLDER(api, "DescribeCaller");
	assert_true(json_is_true(api_get(api, "MayManage")));
	assert_string_equal(api_text(api, "Expiration"), "2026-11-23T10:05:00Z");
	POLDER(api, "CreateUser", "Name", "bob", "Password", PASSWORD);
	expect(api, 200, "");
	POLDER(api, "CreateAccessKey", "Permission", "read-only");
	expect(api, 200, "");
	POLDER(api, "CreateSecurityToken");
	expect(api, 403, "Forbidden.RAM");
	POLDER(api, "ExtendSession");
	expect(api, 400, "NotASession");
	/* Of a customer it gives his own password, and nothing more. */
	log_in_to_manage(api, "carol", &session);
	act_as(api, &session);
	forbidden(api);
	POLDER(api, "ModifyUserPassword", "Name", "Carol", "Password", "another good password");
	expect(api, 200, "");
	POLDER(api, "DescribeCaller");
	expect(api, 404, "InvalidAccessKeyId.NotFound");
	log_in(api, "carol", PASSWORD);
	expect(api, 403, "LoginFailed");
	log_in(api, "carol", "another good password");
	expect(api, 200, "");
	keep(api, &session);
	act_as(api, &session);
	POLDER(api, "ModifyUserPassword", "Name", "carol", "Password", PASSWORD);
	expect(api, 403, "Forbidden.RAM");
}

static void sessions_have_the_users_rights(void **state)
{
	struct api *api = *state;
	const char *mine = api_buy(api, "ddoscoo", "Ipv4");
	struct session session;

	make_user(api, "alice", api->tenant.account, PERMISSION_READ);
	make_user(api, "carol", api->other.account, PERMISSION_FULL);
	api->source = "2001:db8::7";
	log_in(api, "alice", PASSWORD);
	expect(api, 200, "");
	assert_string_equal(api_text(api, "Permission"), "read-only");
	assert_string_equal(api_text(api, "UserName"), "alice");
	assert_int_equal(api_int(api, "AccountId"), api->tenant.account);
	assert_int_equal(api_int(api, "IdleSeconds"), 900);
	assert_string_equal(api_text(api, "Credentials.Expiration"), "2026-11-23T10:15:00Z");
	assert_string_equal(api_text(api, "LastExpiration"), "2026-11-23T22:00:00Z");
	keep(api, &session);
	act_as(api, &session);
	POLDER(api, "DescribeCaller");
	expect(api, 200, "");
	assert_string_equal(api_text(api, "UserName"), "alice");
	assert_string_equal(api_text(api, "AccountName"), "tenant");
	assert_string_equal(api_text(api, "SourceIp"), "2001:db8::7");
	assert_true(json_is_true(api_get(api, "Extendable")));
	assert_int_equal(api_int(api, "MachineTime"), api->clock_ms);
	(void)api_call(api, "DescribeInstanceIds", NULL);
	assert_string_equal(api_text(api, "InstanceIds.0.InstanceId"), mine);
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", mine, "Remark", "x", NULL);
	expect(api, 403, "Forbidden.RAM");
	log_in(api, "carol", PASSWORD);
	keep(api, &session);
	act_as(api, &session);
	(void)api_call(api, "DescribeInstanceIds", NULL);
	assert_int_equal(json_array_size(api_get(api, "InstanceIds")), 0);
	(void)api_call(api, "ModifyInstanceRemark", "InstanceId", mine, "Remark", "x", NULL);
	expect(api, 400, "InstanceNotFound");
}

static void sessions_last_while_used(void **state)
{
	struct api *api = *state;
	struct session session;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	log_in(api, "alice", PASSWORD);
	keep(api, &session);
	act_as(api, &session);
	for (int i = 0; i < 51; i++) {
		api->clock_ms += 14 * MINUTE_MS;
		POLDER(api, "ExtendSession");
		expect(api, 200, "");
	}
	/* 11:54 after the login; six minutes are left. */
	assert_string_equal(api_text(api, "Expiration"), "2026-11-23T22:00:00Z");
	assert_string_equal(api_text(api, "LastExpiration"), "2026-11-23T22:00:00Z");
	api->clock_ms += 6 * MINUTE_MS;
	POLDER(api, "ExtendSession");
	expect(api, 400, "InvalidSecurityToken.Expired");
	/* Idle. */
	log_in(api, "alice", PASSWORD);
	keep(api, &session);
	act_as(api, &session);
	api->clock_ms += 15 * MINUTE_MS;
	POLDER(api, "DescribeCaller");
	expect(api, 400, "InvalidSecurityToken.Expired");
	POLDER(api, "ExtendSession");
	expect(api, 400, "InvalidSecurityToken.Expired");
	/* Logged out. */
	log_in(api, "alice", PASSWORD);
	keep(api, &session);
	act_as(api, &session);
	POLDER(api, "EndSession");
	expect(api, 200, "");
	POLDER(api, "DescribeCaller");
	expect(api, 404, "InvalidAccessKeyId.NotFound");
	/* Permanent keys are no sessions; usual tokens can be ended and not extended. */
	act_with(api, &api->tenant);
	POLDER(api, "ExtendSession");
	expect(api, 400, "NotASession");
	POLDER(api, "EndSession");
	expect(api, 400, "NotASession");
	POLDER(api, "CreateSecurityToken");
	keep(api, &session);
	act_as(api, &session);
	POLDER(api, "ExtendSession");
	expect(api, 400, "NotASession");
	POLDER(api, "EndSession");
	expect(api, 200, "");
	/* A session by an access key. */
	act_with(api, &api->tenant);
	POLDER(api, "CreateSecurityToken", "Extendable", "true", "DurationSeconds", "43200");
	expect(api, 200, "");
	keep(api, &session);
	act_as(api, &session);
	POLDER(api, "DescribeCaller");
	assert_true(json_is_true(api_get(api, "Extendable")));
	assert_string_equal(api_text(api, "UserName"), "");
	api->clock_ms += 15 * MINUTE_MS - 1;
	POLDER(api, "ExtendSession");
	expect(api, 200, "");
	api->clock_ms += 15 * MINUTE_MS;
	POLDER(api, "ExtendSession");
	expect(api, 400, "InvalidSecurityToken.Expired");
}

/* By another password, with the user, and the oldest when there are too many. */
static void sessions_end(void **state)
{
	struct api *api = *state;
	struct session session, second;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	for (int i = 0; i < 2; i++) {
		log_in(api, "alice", i ? "another good password" : PASSWORD);
		expect(api, 200, "");
		keep(api, &session);
		act_with(api, &api->root);
		if (i)
			POLDER(api, "DeleteUser", "Name", "Alice");
		else
			POLDER(api, "ModifyUserPassword", "Name", "Alice", "Password",
				"another good password");
		expect(api, 200, "");
		act_as(api, &session);
		POLDER(api, "DescribeCaller");
		expect(api, 404, "InvalidAccessKeyId.NotFound");
	}
	log_in(api, "alice", "another good password");
	expect(api, 403, "LoginFailed");
	make_user(api, "bob", api->tenant.account, PERMISSION_FULL);
	log_in(api, "bob", PASSWORD);
	keep(api, &session);
	for (int i = 0; i < 20; i++) {
		api->clock_ms += SECOND_MS;
		log_in(api, "bob", PASSWORD);
		expect(api, 200, "");
		if (i == 0)
			keep(api, &second);
	}
	act_as(api, &session);
	POLDER(api, "DescribeCaller");
	expect(api, 404, "InvalidAccessKeyId.NotFound");
	act_as(api, &second);
	POLDER(api, "DescribeCaller");
	expect(api, 200, "");
}

static void only_create_session_is_open(void **state)
{
	const struct action *const *table, *action;
	struct api *api = *state;

	act_with(api, NULL);
	for (table = action_tables; *table; table++) {
		for (action = *table; action->name; action++) {
			(void)api_call_version(api, action->version, action->name, NULL);
			expect(api, 400, "MissingParameter");
			if (strcmp(action->name, "CreateSession") == 0)
				assert_non_null(strstr(api_text(api, "Message"), "UserName"));
			else
				assert_non_null(strstr(api_text(api, "Message"), "AccessKeyId"));
		}
	}
}

static void logins_are_recorded(void **state)
{
	struct api *api = *state;
	struct audit_row *rows;
	char *body;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	api->source = "192.0.2.9";
	log_in(api, "nobody-is-called-so", "a password of mine");
	expect(api, 403, "LoginFailed");
	body = arena_copy(api->fixture, api_text(api, "Message"));
	log_in(api, "alice", "a password of mine");
	expect(api, 403, "LoginFailed");
	assert_string_equal(api_text(api, "Message"), body);
	log_in(api, "alice", PASSWORD);
	expect(api, 200, "");
	assert_int_equal(api_audit_rows(api, &rows), 3);
	/* Newest first. */
	assert_string_equal(rows[0].action, "CreateSession");
	assert_string_equal(rows[0].actor, "user:alice");
	assert_int_equal(rows[0].account, api->tenant.account);
	assert_string_equal(rows[0].object, api_text(api, "Credentials.AccessKeyId"));
	assert_string_equal(rows[0].detail,
		"{\"parameters\":{\"UserName\":\"alice\"},\"address\":\"192.0.2.9\"}");
	assert_string_equal(rows[1].actor, "user:alice");
	assert_int_equal(rows[1].account, api->tenant.account);
	assert_string_equal(rows[1].detail,
		"{\"failed\":\"password\",\"address\":\"192.0.2.9\",\"omitted\":0}");
	/* What was typed as a name may have been a password. */
	assert_string_equal(rows[2].actor, "");
	assert_int_equal(rows[2].account, 0);
	assert_string_equal(
		rows[2].detail, "{\"failed\":\"user\",\"address\":\"192.0.2.9\",\"omitted\":0}");
	assert_true(api_audit_whole(api));
}

static void extensions_leave_no_record(void **state)
{
	struct api *api = *state;
	struct audit_row *rows;
	struct session session;
	size_t count;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	log_in(api, "alice", PASSWORD);
	keep(api, &session);
	act_as(api, &session);
	count = api_audit_rows(api, &rows);
	POLDER(api, "ExtendSession");
	expect(api, 200, "");
	assert_int_equal(api_audit_rows(api, &rows), count);
	POLDER(api, "EndSession");
	assert_int_equal(api_audit_rows(api, &rows), count + 1);
	assert_string_equal(rows[0].actor, "user:alice");
}

/* ---- limits */

static void fail_logins(struct login *login, const char *name, const char *source, int count,
	int64_t clock_ms, int expected)
{
	uint8_t address[16];
	int64_t retry_ms;
	int allowed = 0;

	assert_true(text_to_address(source, address));
	for (int i = 0; i < count; i++)
		allowed += login_try(login, name, address, clock_ms, &retry_ms);
	assert_int_equal(allowed, expected);
}

static void tries_are_limited(void **state)
{
	struct login *login = login_new(1);
	int64_t now = API_CLOCK_MS, retry_ms;
	uint64_t omitted;
	uint8_t address[16];
	char text[64];
	int recorded = 0;

	(void)state;
	assert_non_null(login);
	fail_logins(login, "alice", "192.0.2.1", 12, now, LOGIN_ADDRESS_FAILURES);
	/* Any name, from there; any case of the name, from elsewhere. */
	fail_logins(login, "bob", "192.0.2.1", 1, now, 0);
	fail_logins(login, "ALICE", "192.0.2.2", 12, now, 10);
	fail_logins(login, "alice", "2001:db8::1", 1, now, 0);
	fail_logins(login, "bob", "2001:db8::1", 1, now, 1);
	/* An IPv6 client has a /64. */
	fail_logins(login, "carol", "2001:db8::2", 20, now, 9);
	fail_logins(login, "carol", "2001:db8:0:1::2", 1, now, 1);
	/* Forgiven one by one, also when the clock was set back in between. */
	assert_true(text_to_address("192.0.2.1", address));
	assert_false(login_try(login, "dave", address, now, &retry_ms));
	assert_int_equal(retry_ms, LOGIN_ADDRESS_FORGIVE_MS);
	fail_logins(login, "dave", "192.0.2.1", 2, now + LOGIN_ADDRESS_FORGIVE_MS, 1);
	fail_logins(login, "erin", "192.0.2.1", 1, now - DAY_MS, 0);
	fail_logins(login, "erin", "192.0.2.1", 12, now - DAY_MS + 15 * MINUTE_MS, 10);
	/* What was right costs nothing. */
	assert_true(text_to_address("192.0.2.77", address));
	for (int i = 0; i < 100; i++) {
		assert_true(login_try(login, "frank", address, now, &retry_ms));
		login_good(login, "frank", address, now);
	}
	/* Many names and addresses do not push out one that has failures. */
	fail_logins(login, "grace", "198.51.100.1", 10, now, 10);
	for (int i = 0; i < 60000; i++) {
		(void)snprintf(text, sizeof(text), "10.%d.%d.1", i >> 8, i & 255);
		assert_true(text_to_address(text, address));
		(void)snprintf(text, sizeof(text), "name-%d", i);
		(void)login_try(login, text, address, now, &retry_ms);
	}
	fail_logins(login, "heidi", "198.51.100.1", 1, now, 0);
	for (int i = 0; i < 100; i++)
		recorded += login_record(login, now, &omitted);
	assert_int_equal(recorded, LOGIN_RECORDS);
	assert_true(login_record(login, now + MINUTE_MS, &omitted));
	assert_int_equal(omitted, 40);
	assert_true(login_work_begin(login));
	assert_true(login_work_begin(login));
	assert_false(login_work_begin(login));
	login_work_end(login);
	assert_true(login_work_begin(login));
	login_free(login);
}

static void limits_hold_at_the_door(void **state)
{
	struct api *api = *state;

	make_user(api, "alice", api->tenant.account, PERMISSION_FULL);
	api->source = "192.0.2.1";
	for (int i = 0; i < LOGIN_ADDRESS_FAILURES; i++) {
		uint8_t address[16];
		int64_t retry_ms;

		assert_true(text_to_address(api->source, address));
		assert_true(login_try(
			api->gateway.login, "somebody", address, api->clock_ms, &retry_ms));
	}
	log_in(api, "alice", PASSWORD);
	expect(api, 400, "Throttling.Login");
	assert_string_equal(api->response.retry_after_ms, "90000");
	/* Elsewhere the same user logs in. */
	api->source = "192.0.2.2";
	log_in(api, "alice", PASSWORD);
	expect(api, 200, "");
	/* No more of them at a time than there is room for. */
	assert_true(login_work_begin(api->gateway.login));
	assert_true(login_work_begin(api->gateway.login));
	log_in(api, "alice", PASSWORD);
	expect(api, 400, "Throttling");
	act_with(api, &api->root);
	POLDER(api, "CreateUser", "Name", "bob", "Password", PASSWORD);
	expect(api, 400, "Throttling");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_passwords),
		API_CASE(tokens_keep_nobody_out),
		API_CASE(operators_make_users),
		API_CASE(others_do_not),
		API_CASE(sessions_have_the_users_rights),
		API_CASE(sessions_last_while_used),
		API_CASE(sessions_end),
		API_CASE(only_create_session_is_open),
		API_CASE(logins_are_recorded),
		API_CASE(extensions_leave_no_record),
		cmocka_unit_test(tries_are_limited),
		API_CASE(limits_hold_at_the_door),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
