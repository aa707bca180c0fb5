/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users: who may log in with a password, and what for. They are managed as access keys are (see key.c); a user may
 * also change his own password, with a session that he gave the old one for. A new password is hashed before
 * the transaction, since that takes some tenths of a second; its record waits in call->prepared.
 */
#include "control/call.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/actions/key.h"
#include "control/actions/tables.h"
#include "control/auth/login.h"
#include "control/auth/password.h"
#include "control/store/user.h"

#define USERS_OF_ACCOUNT 100

#define PARAM_USER_NAME(tag, line)                                                                 \
	PARAM(tag, name, "Name", .kind = PARAM_TEXT, .required = true, .min = 1,                   \
		.max = USER_NAME_MAX, .help = (line))
#define PARAM_PASSWORD(tag)                                                                        \
	PARAM(tag, password, "Password", .kind = PARAM_TEXT, .required = true,                     \
		.min = PASSWORD_BYTES_MIN, .max = PASSWORD_BYTES_MAX,                              \
		.help = "at least 12 bytes, without the name in it")

static enum err check_name(struct call *call, const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";

	if (name[strspn(name, allowed)] == '\0')
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"The specified parameter \"Name\" is not valid: letters, digits and . _ @ - only.");
}

static enum err prepare_password(struct call *call, const char *name, const char *password)
{
	char *record = arena_take(call->mem, PASSWORD_RECORD_SIZE);
	enum err err;

	if (!record)
		return ERR_MEMORY;
	if (!call->login)
		return ERR_UNAVAILABLE;
	if (strcasestr(password, name))
		return refuse(call, ERR_INVALID_PARAMETER,
			"The specified parameter \"Password\" is not valid: it contains the name.");
	if (!login_work_begin(call->login))
		return ERR_THROTTLED;
	err = password_record(password, login_cost(call->login), record);
	login_work_end(call->login);
	call->prepared = record;
	return err;
}

static enum err put_user(struct call *call, json_t *object, const struct user *user)
{
	const char *parent = user_parent(call->mem, user->name);
	int64_t sessions;

	if (!parent)
		return ERR_MEMORY;
	TRY(access_key_token_count(call->db, parent, call->clock_ms, &sessions));
	TRY(put_text(object, "Name", user->name));
	TRY(put_int(object, "AccountId", user->account));
	TRY(put_text(object, "Permission", permission_name(user->permission)));
	TRY(put_texts(object, "InstanceIds", user->instance, user->instance_count));
	TRY(put_time(object, "CreateTime", user->create_ms));
	if (user->login_ms > 0)
		TRY(put_time(object, "LastLoginTime", user->login_ms));
	else
		TRY(put_text(object, "LastLoginTime", ""));
	return put_int(object, "SessionCount", sessions);
}

/* CreateUser */

struct create_user {
	const char *name, *password, *permission;
	int64_t account;
	struct text_list instances;
};
static const struct param create_user_params[] = {
	PARAM_USER_NAME(create_user, "what the user logs in with"),
	PARAM_PASSWORD(create_user),
	PARAM(create_user, permission, "Permission", .kind = PARAM_CHOICE,
		.choices = "read-only full operator", .fallback_text = "read-only",
		.help = "what the user may do"),
	PARAM(create_user, account, "AccountId", .kind = PARAM_INT, .max = INT64_MAX,
		.help = "account the user is of; the caller's when absent"),
	PARAM(create_user, instances, "InstanceIds", .kind = PARAM_TEXT_LIST,
		.max = KEY_INSTANCE_MAX, .item_min = 1, .item_max = INSTANCE_ID_BYTES,
		.help = "instances the user is limited to; all of the account when absent"),
	PARAM_ROW_END,
};

static enum err create_user_before(struct call *call, const void *args)
{
	const struct create_user *wanted = args;

	TRY(check_may_manage(call));
	TRY(check_name(call, wanted->name));
	return prepare_password(call, wanted->name, wanted->password);
}

static enum err check_user_limit(struct call *call, int64_t account)
{
	int64_t count;

	TRY(user_count(call->db, account, &count));
	return count < USERS_OF_ACCOUNT ? OK : ERR_USER_LIMIT;
}

static enum err create_user_run(struct call *call, const void *args)
{
	const struct create_user *wanted = args;
	struct user user = {
		.account = wanted->account ? wanted->account : call->key->account,
		.instance = wanted->instances.item,
		.instance_count = wanted->instances.count,
		.password = call->prepared,
		.create_ms = call->clock_ms,
	};
	json_t *object;
	bool exists;
	enum err err;

	if (!permission_from_name(wanted->permission, &user.permission))
		return fail(ERR_INTERNAL, "permission %s is not known", wanted->permission);
	if (user.permission == PERMISSION_OPERATOR && user.instance_count)
		return refuse(call, ERR_INVALID_PARAMETER,
			"The specified parameter \"InstanceIds\" is not valid: an operator sees "
			"all "
			"instances.");
	TRY(account_exists(call->db, user.account, &exists));
	if (!exists)
		return ERR_ACCOUNT_NOT_FOUND;
	TRY(check_instances(call, user.account, &wanted->instances));
	TRY(check_user_limit(call, user.account));
	(void)snprintf(user.name, sizeof(user.name), "%s", wanted->name);
	err = user_insert(call->db, call->vault, call->mem, &user);
	TRY(err == ERR_CONFLICT ? ERR_USER_EXISTS : err);
	call->object = wanted->name;
	TRY(put_object(call->reply, "User", &object));
	return put_user(call, object, &user);
}

/* DescribeUsers */

struct describe_users {
	int64_t account;
};
static const struct param describe_users_params[] = {
	PARAM(describe_users, account, "AccountId", .kind = PARAM_INT, .max = INT64_MAX,
		.help = "only users of this account"),
	PARAM_ROW_END,
};

static enum err describe_users_run(struct call *call, const void *args)
{
	const struct describe_users *wanted = args;
	json_t *list, *object;
	struct user *users;
	size_t count;

	TRY(user_list(call->db, call->mem, wanted->account, &users, &count));
	TRY(put_int(call->reply, "TotalCount", (int64_t)count));
	TRY(put_list(call->reply, "Users", &list));
	for (size_t i = 0; i < count; i++) {
		object = json_object();
		TRY(add(list, object));
		TRY(put_user(call, object, &users[i]));
	}
	return OK;
}

/* ModifyUserPassword */

struct modify_user_password {
	const char *name, *password;
};
static const struct param modify_user_password_params[] = {
	PARAM_USER_NAME(modify_user_password, "user whose password it is"),
	PARAM_PASSWORD(modify_user_password),
	PARAM_ROW_END,
};

/* An operator who may manage sets anybody's; a user his own, having just given the old one. */
static enum err check_may_set(const struct call *call, const char *name)
{
	const char *own = user_of_parent(call->key->parent);

	if (own && strcasecmp(own, name) == 0)
		return call->key->manages ? OK : ERR_FORBIDDEN;
	TRY(check_may_manage(call));
	return call->key->permission == PERMISSION_OPERATOR ? OK : ERR_FORBIDDEN;
}

static enum err modify_user_password_before(struct call *call, const void *args)
{
	const struct modify_user_password *wanted = args;

	TRY(check_may_set(call, wanted->name));
	return prepare_password(call, wanted->name, wanted->password);
}

static enum err modify_user_password_run(struct call *call, const void *args)
{
	const struct modify_user_password *wanted = args;
	struct user user;

	TRY(user_load(call->db, call->vault, call->mem, wanted->name, &user));
	call->object = wanted->name;
	return user_set_password(call->db, call->vault, call->mem, &user, call->prepared);
}

/* DeleteUser */

struct delete_user {
	const char *name;
};
static const struct param delete_user_params[] = {
	PARAM_USER_NAME(delete_user, "user to delete; his sessions end"),
	PARAM_ROW_END,
};

static enum err delete_user_run(struct call *call, const void *args)
{
	const struct delete_user *wanted = args;
	struct user user;

	TRY(check_may_manage(call));
	TRY(user_load(call->db, call->vault, call->mem, wanted->name, &user));
	call->object = wanted->name;
	return user_delete(call->db, call->mem, &user);
}

static const struct reply_list user_lists[] = {
	{ "Users", "User" },
	{ "InstanceIds", "InstanceId" },
	{ NULL, NULL },
};

#define ROW(tag, action_name, action_mode, least, early, line)                                     \
	{                                                                                          \
		.version = VERSION_POLDER, .name = (action_name), .mode = (action_mode),           \
		.permission = (least), .params = tag##_params, .args_size = sizeof(struct tag),    \
		.run = tag##_run, .before = (early), .lists = user_lists, .summary = (line)        \
	}

const struct action user_actions[] = {
	ROW(create_user, "CreateUser", WRITE, PERMISSION_OPERATOR, create_user_before,
		"make a user, who can log in with a password"),
	ROW(describe_users, "DescribeUsers", READ, PERMISSION_OPERATOR, NULL, "list users"),
	/* For everyone: his own, with a session that he gave the old one for. */
	ROW(modify_user_password, "ModifyUserPassword", WRITE, PERMISSION_READ,
		modify_user_password_before, "give a user another password; his sessions end"),
	ROW(delete_user, "DeleteUser", WRITE, PERMISSION_OPERATOR, NULL,
		"delete a user; his sessions end"),
	{ 0 },
};
