/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts: whose instances, web sites, keys and users are. An operator's key sees all of them; a key of another kind its own alone.
 */
#include "control/call.h"

#include "control/actions/key.h"
#include "control/actions/tables.h"

#define NAME_BYTES_MAX	  128
#define ACCOUNTS_PAGE_MAX 100

/* CreateAccount */

struct create_account {
	const char *name;
};
static const struct param create_account_params[] = {
	PARAM(create_account, name, "Name", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = NAME_BYTES_MAX, .help = "what the account is called"),
	PARAM_ROW_END,
};

static enum err create_account_run(struct call *call, const void *args)
{
	const struct create_account *wanted = args;
	int64_t account;
	enum err err;

	TRY(check_may_manage(call));
	err = account_insert(call->db, wanted->name, call->clock_ms, &account);
	if (err == ERR_CONFLICT)
		return refuse(call, ERR_INVALID_PARAMETER,
			"The specified parameter \"Name\" is not valid: an account has it "
			"already.");
	TRY(err);
	call->object = arena_print(call->mem, "%lld", (long long)account);
	if (!call->object)
		return ERR_MEMORY;
	return put_int(call->reply, "AccountId", account);
}

/* DescribeAccounts */

struct describe_accounts {
	int64_t page_number, page_size;
};
static const struct param describe_accounts_params[] = {
	PARAM_PAGE_NUMBER(describe_accounts),
	PARAM_PAGE_SIZE(describe_accounts, ACCOUNTS_PAGE_MAX, ACCOUNTS_PAGE_MAX),
	PARAM_ROW_END,
};

static enum err put_account(json_t *object, const struct account *account)
{
	TRY(put_int(object, "AccountId", account->number));
	TRY(put_text(object, "Name", account->name));
	TRY(put_time(object, "CreateTime", account->create_ms));
	TRY(put_int(object, "InstanceCount", account->instances));
	TRY(put_int(object, "AccessKeyCount", account->keys));
	return put_int(object, "UserCount", account->users);
}

static enum err describe_accounts_run(struct call *call, const void *args)
{
	const struct describe_accounts *wanted = args;
	struct account *accounts;
	json_t *list, *object;
	int64_t total;
	size_t count;

	/* Nothing is managed by it, so any session may look; a key of some instances may not know of others. */
	if (call->key->instance_count)
		return ERR_FORBIDDEN;
	TRY(account_list(call->db, call->mem, page_offset(wanted->page_number, wanted->page_size),
		wanted->page_size, &accounts, &count, &total));
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "Accounts", &list));
	for (size_t i = 0; i < count; i++) {
		object = json_object();
		TRY(add(list, object));
		TRY(put_account(object, &accounts[i]));
	}
	return OK;
}

static const struct reply_list account_lists[] = {
	{ "Accounts", "Account" },
	{ NULL, NULL },
};

#define ROW(tag, action_name, action_mode, line)                                                   \
	{                                                                                          \
		.version = VERSION_POLDER, .name = (action_name), .mode = (action_mode),           \
		.permission = PERMISSION_OPERATOR, .params = tag##_params,                         \
		.args_size = sizeof(struct tag), .run = tag##_run, .lists = account_lists,         \
		.summary = (line)                                                                  \
	}

const struct action account_actions[] = {
	ROW(create_account, "CreateAccount", WRITE, "make an account"),
	ROW(describe_accounts, "DescribeAccounts", READ, "list accounts, with how much each has"),
	{ 0 },
};
