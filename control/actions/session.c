/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions: temporary keys that last while they are used. CreateSession is the one action without a signature. Its
 * password is checked before the transaction, in which the user is looked at again: whoever was deleted or given
 * another password meanwhile is not let in.
 *
 * Subtle: an unknown user and a wrong password are one error after the same work, so that nobody can find
 * out who there is. The record of a failure names the user only if there is one: passwords get typed into the wrong
 * field. It is written in a transaction of its own, since the call's is not to be; their number is bounded.
 */
#include "control/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "control/actions/key.h"
#include "control/actions/tables.h"
#include "control/auth/login.h"
#include "control/auth/password.h"
#include "control/store/user.h"

/* Of one user at a time: the oldest gives way to one more. */
#define SESSIONS_OF_USER 20
/* Enough to make a few calls after a password was given for them. */
#define MANAGE_MS (5 * MINUTE_MS)

/* ---- CreateSession */

struct create_session {
	const char *user, *password;
	int64_t manage;
};
static const struct param create_session_params[] = {
	PARAM(create_session, user, "UserName", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = 64, .help = "who logs in"),
	PARAM(create_session, password, "Password", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = PASSWORD_BYTES_MAX, .help = "the user's"),
	PARAM(create_session, manage, "Manage", .kind = PARAM_BOOL,
		.help = "five minutes in which also users and keys can be managed"),
	PARAM_ROW_END,
};

static enum err append_failure(
	struct call *call, const struct user *user, const char *why, uint64_t omitted)
{
	json_t *detail = json_pack("{s:s, s:s, s:I}", "failed", why, "address", call->source,
		"omitted", (json_int_t)omitted);
	char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
	struct audit_row row = {
		.time_ms = call->clock_ms,
		.account = user ? user->account : 0,
		.actor = user ? user_parent(call->mem, user->name) : "",
		.request_id = call->request_id,
		.action = call->action->name,
		.object = "",
		.detail = text ? arena_copy(call->mem, text) : NULL,
	};

	json_decref(detail);
	free(text);
	return row.detail && row.actor ? audit_append(call->db, &row) : ERR_MEMORY;
}

/* A failure of the record changes nothing of the answer: the login fails in any case. */
static void record_failure(struct call *call, const struct user *user, const char *why)
{
	uint64_t omitted;

	if (!login_record(call->login, call->clock_ms, &omitted))
		return;
	if (db_begin(call->db, DB_WRITE) != OK)
		return;
	if (append_failure(call, user, why, omitted) != OK || db_commit(call->db) != OK)
		db_rollback(call->db);
}

/* found: NULL when there is no such user. */
static enum err find_user(struct call *call, const char *name, struct user *out, bool *found)
{
	enum err err;

	TRY(db_begin(call->db, DB_READ));
	err = user_load(call->db, call->vault, call->mem, name, out);
	db_rollback(call->db);
	*found = err == OK;
	return err == ERR_USER_NOT_FOUND ? OK : err;
}

static enum err check_password(
	struct call *call, const struct create_session *wanted, const struct user *user, bool *good)
{
	enum err err;

	if (!login_work_begin(call->login)) {
		call->retry_ms = SECOND_MS;
		return ERR_THROTTLED;
	}
	err = password_check(
		user ? user->password : NULL, login_cost(call->login), wanted->password, good);
	login_work_end(call->login);
	return err;
}

static enum err act_as(struct call *call, const struct user *user)
{
	struct access_key *key = arena_take(call->mem, sizeof(*key));

	if (!key)
		return ERR_MEMORY;
	*key = (struct access_key){
		.account = user->account,
		.permission = user->permission,
		.active = true,
		.parent = user_parent(call->mem, user->name),
		.instance = user->instance,
		.instance_count = user->instance_count,
	};
	if (!key->parent)
		return ERR_MEMORY;
	(void)strncpy(key->id, key->parent, sizeof(key->id) - 1);
	call->key = key;
	return OK;
}

static enum err create_session_before(struct call *call, const void *args)
{
	const struct create_session *wanted = args;
	struct user *user = arena_take(call->mem, sizeof(*user));
	uint8_t address[16] = { 0 };
	bool found, good = false;
	enum err err;

	if (!user)
		return ERR_MEMORY;
	if (!call->login)
		return ERR_UNAVAILABLE;
	(void)text_to_address(call->source, address);
	if (!login_try(call->login, wanted->user, address, call->clock_ms, &call->retry_ms))
		return ERR_LOGIN_LIMIT;
	err = find_user(call, wanted->user, user, &found);
	if (err == OK)
		err = check_password(call, wanted, found ? user : NULL, &good);
	/* What the service could not find out is no failure of the user's. */
	if (err != OK || good)
		login_good(call->login, wanted->user, address, call->clock_ms);
	TRY(err);
	if (!good) {
		record_failure(call, found ? user : NULL, found ? "password" : "user");
		return ERR_LOGIN;
	}
	call->prepared = user;
	return act_as(call, user);
}

static enum err audit_address(struct call *call)
{
	call->change = json_object();
	return put(call->change, "address", json_string(call->source));
}

static enum err create_session_run(struct call *call, const void *args)
{
	const struct create_session *wanted = args;
	const struct user *admitted = call->prepared;
	struct user user;
	enum err err = user_load(call->db, call->vault, call->mem, wanted->user, &user);

	if (err == ERR_USER_NOT_FOUND ||
		(err == OK && strcmp(user.password, admitted->password) != 0))
		return ERR_LOGIN;
	TRY(err);

	struct access_key key = {
		.account = user.account,
		.permission = user.permission,
		.active = true,
		.instance = user.instance,
		.instance_count = user.instance_count,
		.parent = call->key->parent,
		.remark = "",
		.create_ms = call->clock_ms,
		.manages = wanted->manage,
	};

	key.expires_ms = call->clock_ms + (wanted->manage ? MANAGE_MS : SESSION_IDLE_MS);
	key.until_ms = wanted->manage ? 0 : call->clock_ms + SESSION_MS;
	TRY(access_key_end_tokens(call->db, key.parent, SESSIONS_OF_USER - 1));
	TRY(token_issue(call, &key));
	TRY(user_set_login(call->db, &user, call->clock_ms));
	TRY(put_text(call->reply, "UserName", user.name));
	TRY(put_int(call->reply, "AccountId", user.account));
	TRY(put_text(call->reply, "Permission", permission_name(user.permission)));
	TRY(put_texts(call->reply, "InstanceIds", user.instance, user.instance_count));
	TRY(put_int(call->reply, "IdleSeconds", SESSION_IDLE_MS / SECOND_MS));
	TRY(put_time(
		call->reply, "LastExpiration", wanted->manage ? key.expires_ms : key.until_ms));
	return audit_address(call);
}

/* ---- ExtendSession, EndSession */

static enum err extend_session_run(struct call *call, const void *args)
{
	int64_t until_ms = call->key->until_ms, expires_ms = call->clock_ms + SESSION_IDLE_MS;

	(void)args;
	if (!call->key->token || until_ms == 0)
		return ERR_NOT_A_SESSION;
	if (expires_ms > until_ms)
		expires_ms = until_ms;
	/* A clock that was set back makes no session shorter than it was. */
	if (expires_ms < call->key->expires_ms)
		expires_ms = call->key->expires_ms;
	call->object = call->key->id;
	TRY(access_key_extend(call->db, call->key->id, expires_ms));
	TRY(put_time(call->reply, "Expiration", expires_ms));
	return put_time(call->reply, "LastExpiration", until_ms);
}

static enum err end_session_run(struct call *call, const void *args)
{
	(void)args;
	if (!call->key->token)
		return ERR_NOT_A_SESSION;
	call->object = call->key->id;
	return access_key_delete(call->db, call->key->id);
}

/* ---- DescribeCaller */

static enum err put_end(json_t *reply, const char *name, int64_t ms)
{
	return ms > 0 ? put_time(reply, name, ms) : put_text(reply, name, "");
}

static enum err describe_caller_run(struct call *call, const void *args)
{
	const struct access_key *key = call->key;
	json_t *reply = call->reply;
	const char *account;

	(void)args;
	TRY(account_name(call->db, call->mem, key->account, &account));
	TRY(put_text(reply, "AccessKeyId", key->id));
	TRY(put_text(reply, "UserName", user_of_parent(key->parent)));
	TRY(put_int(reply, "AccountId", key->account));
	TRY(put_text(reply, "AccountName", account));
	TRY(put_text(reply, "Permission", permission_name(key->permission)));
	TRY(put_texts(reply, "InstanceIds", key->instance, key->instance_count));
	TRY(put(reply, "Temporary", json_boolean(key->token)));
	TRY(put(reply, "Extendable", json_boolean(key->token && key->until_ms > 0)));
	TRY(put(reply, "MayManage",
		json_boolean(
			key->permission == PERMISSION_OPERATOR && check_may_manage(call) == OK)));
	TRY(put_end(reply, "Expiration", key->token ? key->expires_ms : 0));
	TRY(put_end(reply, "LastExpiration",
		key->token && key->until_ms == 0 ? key->expires_ms : key->until_ms));
	TRY(put_int(reply, "LifeTime", call->now_ms));
	TRY(put_int(reply, "MachineTime", call->clock_ms));
	TRY(put_text(reply, "DnsZone", call->dns_zone));
	TRY(put(reply, "Drills",
		json_boolean(call->drill_socket && call->drill_socket[0] &&
			     key->permission == PERMISSION_OPERATOR)));
	TRY(put_text(reply, "ProductVersion", POLDER_PRODUCT_VERSION));
	return put_text(reply, "SourceIp", call->source);
}

static const struct reply_list instance_lists[] = {
	{ "InstanceIds", "InstanceId" },
	{ NULL, NULL },
};

const struct action session_actions[] = {
	{ .version = VERSION_POLDER,
		.name = "CreateSession",
		.mode = WRITE,
		.permission = PERMISSION_READ,
		.params = create_session_params,
		.args_size = sizeof(struct create_session),
		.before = create_session_before,
		.run = create_session_run,
		.is_open = true,
		.lists = instance_lists,
		.summary = "log in with a user name and a password, without a signature" },
	{ .version = VERSION_POLDER,
		.name = "ExtendSession",
		.mode = WRITE,
		.permission = PERMISSION_READ,
		.params = no_params,
		.run = extend_session_run,
		.unrecorded = true,
		.summary = "keep the caller's own session for 15 minutes more" },
	{ .version = VERSION_POLDER,
		.name = "EndSession",
		.mode = WRITE,
		.permission = PERMISSION_READ,
		.params = no_params,
		.run = end_session_run,
		.summary = "log out: delete the caller's own temporary key" },
	{ .version = VERSION_POLDER,
		.name = "DescribeCaller",
		.mode = READ,
		.permission = PERMISSION_READ,
		.params = no_params,
		.run = describe_caller_run,
		.lists = instance_lists,
		.summary = "show whose key the call is made with, and what it may do" },
	{ 0 },
};
