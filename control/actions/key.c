/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access keys and security tokens. A secret is shown once, in the reply that makes it; the
 * store has it encrypted. A security token is a key of its own with an end: it is made from the rights
 * of the key that asks, at most, and cannot make another, or it would never end. For the same reason
 * accounts and keys are managed with permanent keys of all instances only: a token, or a key of some
 * instances, would else make itself one without the limit. The exception is a session for which a password was
 * given to manage with it: it lasts minutes, and nothing is reached by it that the password does not reach.
 */
#include "control/call.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/key.h"
#include "control/actions/tables.h"

#define NAME_BYTES_MAX	128
#define KEYS_OF_ACCOUNT 100 /* published maximum is 2 per user; accounts here stand for many */
/* At one time; else calls alone would fill the store. Of a key and not of its account: whoever may do little could else keep
 * all others from getting one. Sessions of users have a bound of their own. */
#define TOKENS_OF_KEY	   1000
#define TOKEN_RANDOM_BYTES 48
#define TOKEN_SECONDS_MIN  900 /* published bounds of a token's life */
#define TOKEN_SECONDS_MAX  43200

/* Random letters and digits. Bytes from 248 on are thrown away: 62 would not divide what is left. */
bool random_word(char *out, size_t length)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t bytes[64];
	size_t used = 0, i;

	while (used < length) {
		if (RAND_bytes(bytes, sizeof(bytes)) != 1)
			return false;
		for (i = 0; i < sizeof(bytes) && used < length; i++) {
			if (bytes[i] < 248)
				out[used++] = alphabet[bytes[i] % 62];
		}
	}
	out[length] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

enum err access_key_make(struct arena *mem, const char *prefix, struct access_key *key)
{
	char *secret = arena_take(mem, ACCESS_KEY_SECRET_LENGTH + 1);
	size_t head = strlen(prefix);

	if (!secret)
		return ERR_MEMORY;
	memcpy(key->id, prefix, head);
	if (!random_word(key->id + head, ACCESS_KEY_RANDOM_LENGTH) ||
		!random_word(secret, ACCESS_KEY_SECRET_LENGTH))
		return fail(ERR_SYSTEM, "no random bytes for an access key");
	key->secret = secret;
	return OK;
}

enum err check_may_manage(const struct call *call)
{
	bool passing = call->key->token && !call->key->manages;

	return passing || call->key->instance_count ? ERR_FORBIDDEN : OK;
}

/* CreateAccessKey */

struct create_access_key {
	int64_t account;
	const char *permission, *remark;
	struct text_list instances;
};
static const struct param create_access_key_params[] = {
	PARAM(create_access_key, account, "AccountId", .kind = PARAM_INT, .max = INT64_MAX,
		.help = "account the key is for; the caller's when absent"),
	PARAM(create_access_key, permission, "Permission", .kind = PARAM_CHOICE,
		.choices = "read-only full operator", .fallback_text = "full",
		.help = "what the key may do"),
	PARAM(create_access_key, instances, "InstanceIds", .kind = PARAM_TEXT_LIST,
		.max = KEY_INSTANCE_MAX, .item_min = 1, .item_max = INSTANCE_ID_BYTES,
		.help = "instances the key is limited to; all of the account when absent"),
	PARAM(create_access_key, remark, "Remark", .kind = PARAM_TEXT, .max = NAME_BYTES_MAX,
		.help = "what the key is used for"),
	PARAM_ROW_END,
};

enum err put_texts(json_t *object, const char *name, const char *const *item, size_t count)
{
	json_t *list;
	size_t i;

	TRY(put_list(object, name, &list));
	for (i = 0; i < count; i++)
		TRY(add(list, json_string(item[i])));
	return OK;
}

static enum err put_key(json_t *object, const struct access_key *key)
{
	TRY(put_text(object, "AccessKeyId", key->id));
	TRY(put_int(object, "AccountId", key->account));
	TRY(put_text(object, "Permission", permission_name(key->permission)));
	TRY(put_text(object, "Status", key->active ? "Active" : "Inactive"));
	TRY(put_time(object, "CreateTime", key->create_ms));
	TRY(put_text(object, "Remark", key->remark));
	return put_texts(object, "InstanceIds", key->instance, key->instance_count);
}

static enum err check_key_limit(struct call *call, int64_t account)
{
	int64_t count;

	TRY(access_key_count(call->db, account, &count));
	return count < KEYS_OF_ACCOUNT ? OK : ERR_ACCESS_KEY_LIMIT;
}

static enum err check_token_limit(struct call *call)
{
	int64_t count;

	TRY(access_key_token_count(call->db, call->key->id, call->clock_ms, &count));
	if (count < TOKENS_OF_KEY)
		return OK;
	return refuse(call, ERR_ACCESS_KEY_LIMIT,
		"The access key has %d security tokens: wait until some expire.", TOKENS_OF_KEY);
}

enum err check_instances(struct call *call, int64_t account, const struct text_list *ids)
{
	struct instance instance;
	size_t i;

	for (i = 0; i < ids->count; i++) {
		TRY(instance_load(call->db, call->mem, ids->item[i], &instance));
		if (instance.account != account)
			return ERR_INSTANCE_NOT_FOUND;
	}
	return OK;
}

static enum err create_access_key_run(struct call *call, const void *args)
{
	const struct create_access_key *wanted = args;
	struct access_key key = {
		.account = wanted->account ? wanted->account : call->key->account,
		.active = true,
		.instance = wanted->instances.item,
		.instance_count = wanted->instances.count,
		.create_ms = call->clock_ms,
		.remark = wanted->remark ? wanted->remark : "",
	};
	json_t *object;
	bool exists;

	TRY(check_may_manage(call));
	if (!permission_from_name(wanted->permission, &key.permission))
		return fail(ERR_INTERNAL, "permission %s is not known", wanted->permission);
	if (key.permission == PERMISSION_OPERATOR && key.instance_count)
		return refuse(call, ERR_INVALID_PARAMETER,
			"The specified parameter \"InstanceIds\" is not valid: an operator's key "
			"is of all instances.");
	TRY(account_exists(call->db, key.account, &exists));
	if (!exists)
		return ERR_ACCOUNT_NOT_FOUND;
	TRY(check_instances(call, key.account, &wanted->instances));
	TRY(check_key_limit(call, key.account));
	TRY(access_key_make(call->mem, ACCESS_KEY_PREFIX, &key));
	TRY(access_key_insert(call->db, call->vault, &key));
	call->object = arena_copy(call->mem, key.id);
	if (!call->object)
		return ERR_MEMORY;
	TRY(put_object(call->reply, "AccessKey", &object));
	TRY(put_key(object, &key));
	return put_text(object, "AccessKeySecret", key.secret);
}

/* DescribeAccessKeys */

struct describe_access_keys {
	int64_t account;
};
static const struct param describe_access_keys_params[] = {
	PARAM(describe_access_keys, account, "AccountId", .kind = PARAM_INT, .max = INT64_MAX,
		.help = "only keys of this account"),
	PARAM_ROW_END,
};

static enum err describe_access_keys_run(struct call *call, const void *args)
{
	const struct describe_access_keys *wanted = args;
	struct access_key *keys;
	json_t *list, *object;
	size_t i, count;

	TRY(check_may_manage(call));
	TRY(access_key_list(call->db, call->mem, wanted->account, &keys, &count));
	TRY(put_list(call->reply, "AccessKeys", &list));
	for (i = 0; i < count; i++) {
		object = json_object();
		TRY(add(list, object));
		TRY(put_key(object, &keys[i]));
		if (keys[i].expires_ms > 0)
			TRY(put_time(object, "Expiration", keys[i].expires_ms));
	}
	return OK;
}

/* ModifyAccessKey */

struct modify_access_key {
	const char *id, *status;
};
static const struct param modify_access_key_params[] = {
	PARAM(modify_access_key, id, "UserAccessKeyId", .kind = PARAM_TEXT, .required = true,
		.min = 1, .max = ACCESS_KEY_ID_SIZE - 1, .help = "key to change"),
	PARAM(modify_access_key, status, "Status", .kind = PARAM_CHOICE, .required = true,
		.choices = "Active Inactive", .help = "an inactive key is refused"),
	PARAM_ROW_END,
};

/* The caller's own key stays: else the last operator could lock everyone out. */
static enum err check_not_own(struct call *call, const char *id)
{
	if (strcmp(id, call->key->id) != 0)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"The specified parameter \"UserAccessKeyId\" is not valid: a key cannot be "
		"turned "
		"off or deleted with itself.");
}

static enum err modify_access_key_run(struct call *call, const void *args)
{
	const struct modify_access_key *wanted = args;

	TRY(check_may_manage(call));
	TRY(check_not_own(call, wanted->id));
	call->object = wanted->id;
	return access_key_set_active(call->db, wanted->id, strcmp(wanted->status, "Active") == 0);
}

/* DeleteAccessKey */

struct delete_access_key {
	const char *id;
};
static const struct param delete_access_key_params[] = {
	PARAM(delete_access_key, id, "UserAccessKeyId", .kind = PARAM_TEXT, .required = true,
		.min = 1, .max = ACCESS_KEY_ID_SIZE - 1, .help = "key to delete"),
	PARAM_ROW_END,
};

static enum err delete_access_key_run(struct call *call, const void *args)
{
	const struct delete_access_key *wanted = args;

	TRY(check_may_manage(call));
	TRY(check_not_own(call, wanted->id));
	call->object = wanted->id;
	return access_key_delete(call->db, wanted->id);
}

/* CreateSecurityToken */

struct create_security_token {
	int64_t seconds, extendable;
	const char *permission;
	struct text_list instances;
};
static const struct param create_security_token_params[] = {
	PARAM(create_security_token, seconds, "DurationSeconds", .kind = PARAM_INT,
		.min = TOKEN_SECONDS_MIN, .max = TOKEN_SECONDS_MAX, .fallback = 3600,
		.help = "life of the token"),
	PARAM(create_security_token, extendable, "Extendable", .kind = PARAM_BOOL,
		.help = "a session: 15 minutes, which ExtendSession renews for 12 hours"),
	PARAM(create_security_token, permission, "Permission", .kind = PARAM_CHOICE,
		.choices = "read-only full operator",
		.help = "at most the caller's, which it is when absent"),
	PARAM(create_security_token, instances, "InstanceIds", .kind = PARAM_TEXT_LIST,
		.max = KEY_INSTANCE_MAX, .item_min = 1, .item_max = INSTANCE_ID_BYTES,
		.help = "instances the token is limited to; the caller's when absent"),
	PARAM_ROW_END,
};

static bool is_within(const struct access_key *key, const char *instance_id)
{
	size_t i;

	for (i = 0; i < key->instance_count; i++) {
		if (strcmp(key->instance[i], instance_id) == 0)
			return true;
	}
	return key->instance_count == 0;
}

/* Fills the rights of a token from what is asked for and what the caller has. */
static enum err token_rights(
	struct call *call, const struct create_security_token *wanted, struct access_key *key)
{
	const struct access_key *own = call->key;
	size_t i;

	key->account = own->account;
	key->permission = own->permission;
	if (wanted->permission && !permission_from_name(wanted->permission, &key->permission))
		return fail(ERR_INTERNAL, "permission %s is not known", wanted->permission);
	if (key->permission > own->permission || own->token)
		return ERR_FORBIDDEN;
	key->instance = own->instance;
	key->instance_count = own->instance_count;
	if (wanted->instances.count == 0)
		return OK;
	for (i = 0; i < wanted->instances.count; i++) {
		if (!is_within(own, wanted->instances.item[i]))
			return ERR_INSTANCE_NOT_FOUND;
	}
	TRY(check_instances(call, own->account, &wanted->instances));
	key->instance = wanted->instances.item;
	key->instance_count = wanted->instances.count;
	return OK;
}

static enum err make_token(struct call *call, struct access_key *key)
{
	char *token = arena_take(call->mem, 4 + 2 * TOKEN_RANDOM_BYTES + 1);
	uint8_t bytes[TOKEN_RANDOM_BYTES];

	if (!token)
		return ERR_MEMORY;
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for a security token");
	(void)snprintf(token, sizeof(TOKEN_PREFIX), "%s", TOKEN_PREFIX);
	text_hex(bytes, sizeof(bytes), token + 4);
	explicit_bzero(bytes, sizeof(bytes));
	key->token = token;
	return access_key_make(call->mem, TOKEN_PREFIX, key);
}

enum err token_issue(struct call *call, struct access_key *key)
{
	json_t *object;

	TRY(make_token(call, key));
	TRY(access_key_insert(call->db, call->vault, key));
	call->object = arena_copy(call->mem, key->id);
	if (!call->object)
		return ERR_MEMORY;
	TRY(put_object(call->reply, "Credentials", &object));
	TRY(put_text(object, "AccessKeyId", key->id));
	TRY(put_text(object, "AccessKeySecret", key->secret));
	TRY(put_text(object, "SecurityToken", key->token));
	return put_time(object, "Expiration", key->expires_ms);
}

static enum err create_security_token_run(struct call *call, const void *args)
{
	const struct create_security_token *wanted = args;
	struct access_key key = {
		.active = true,
		.create_ms = call->clock_ms,
		.remark = "",
		.parent = call->key->id,
		.expires_ms = call->clock_ms + wanted->seconds * SECOND_MS,
	};

	TRY(token_rights(call, wanted, &key));
	TRY(check_token_limit(call));
	if (wanted->extendable) {
		key.expires_ms = call->clock_ms + SESSION_IDLE_MS;
		key.until_ms = call->clock_ms + SESSION_MS;
	}
	return token_issue(call, &key);
}

static const struct reply_list key_lists[] = {
	{ "AccessKeys", "AccessKey" },
	{ "InstanceIds", "InstanceId" },
	{ NULL, NULL },
};

#define ROW(tag, action_name, action_mode, least, line)                                            \
	{                                                                                          \
		.version = VERSION_POLDER, .name = (action_name), .mode = (action_mode),           \
		.permission = (least), .params = tag##_params, .args_size = sizeof(struct tag),    \
		.run = tag##_run, .lists = key_lists, .summary = (line)                            \
	}

const struct action key_actions[] = {
	ROW(create_access_key, "CreateAccessKey", WRITE, PERMISSION_OPERATOR,
		"make an access key; its secret is shown once"),
	ROW(describe_access_keys, "DescribeAccessKeys", READ, PERMISSION_OPERATOR,
		"list access keys, without secrets"),
	ROW(modify_access_key, "ModifyAccessKey", WRITE, PERMISSION_OPERATOR,
		"turn an access key off or on"),
	ROW(delete_access_key, "DeleteAccessKey", WRITE, PERMISSION_OPERATOR,
		"delete an access key"),
	/* A WRITE for everyone: it adds no right to what the caller has. */
	ROW(create_security_token, "CreateSecurityToken", WRITE, PERMISSION_READ,
		"make a temporary key with the caller's rights or fewer"),
	{ 0 },
};
