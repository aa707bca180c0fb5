/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access logs of web sites: whether requests of a site are written, for how long an account keeps them, and that they are
 * thrown away. There is one log store for each account, and it needs neither a purchase nor a grant: what is asked about
 * those is answered so.
 */
#include "base/clock.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"
#include "control/store/policy.h"

#define LOG_STORE_NAME	 "ddoscoo-logstore"
#define EMPTY_QUOTA_KIND "empty_log"
#define EMPTY_QUOTA	 4
#define EMPTY_QUOTA_MS	 (30 * DAY_MS)
/* Of an account (published), where no node says what it may keep. */
#define LOG_BYTES_MAX (INT64_C(3) << 40)

static enum err put_project(struct call *call, const char *name, int64_t account)
{
	return put(call->reply, name,
		json_sprintf("ddoscoo-project-%lld-cn-hangzhou", (long long)account));
}

/* ---- sites */

static enum err set_log(struct call *call, const struct web_domain *args, bool on)
{
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	policy.log_on = on;
	return web_store(call, &website, &policy);
}

static enum err enable_run(struct call *call, const void *raw)
{
	return set_log(call, raw, true);
}

static enum err disable_run(struct call *call, const void *raw)
{
	return set_log(call, raw, false);
}

static enum err status_run(struct call *call, const void *raw)
{
	const struct web_domain *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(put_text(call->reply, "SlsLogstore", LOG_STORE_NAME));
	TRY(put_project(call, "SlsProject", website.account));
	return put(call->reply, "SlsStatus", json_boolean(policy.log_on));
}

struct dispatch {
	const char *resource_group;
	int64_t page_number, page_size;
};
static const struct param dispatch_params[] = {
	PARAM_RESOURCE_GROUP(dispatch),
	PARAM_PAGE_NUMBER(dispatch),
	PARAM_PAGE_SIZE(dispatch, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};

static enum err dispatch_run(struct call *call, const void *raw)
{
	const struct dispatch *args = raw;
	struct website_filter filter = call_website_filter(call);
	struct website *website;
	int64_t total;
	size_t count;
	json_t *list;

	filter.offset = page_offset(args->page_number, args->page_size);
	filter.limit = args->page_size;
	TRY(website_list(call->db, call->mem, &filter, &website, &count, &total));
	TRY(put_int(call->reply, "TotalCount", total));
	TRY(put_list(call->reply, "SlsConfigStatus", &list));
	for (size_t i = 0; i < count; i++) {
		struct web_policy policy;

		TRY(web_policy_load(call->db, call->mem, website[i].number, &policy));
		TRY(add(list, json_pack("{s:s, s:b}", "Domain", website[i].domain, "Enable",
				      policy.log_on)));
	}
	return OK;
}

/* ---- the account's log store */

struct group {
	const char *resource_group;
};
static const struct param group_params[] = { PARAM_RESOURCE_GROUP(group), PARAM_ROW_END };

static enum err left(struct call *call, int64_t *out)
{
	int64_t used, last_ms;

	TRY(quota_used(call->db, call->key->account, EMPTY_QUOTA_KIND,
		call->clock_ms - EMPTY_QUOTA_MS, &used, &last_ms));
	*out = used < EMPTY_QUOTA ? EMPTY_QUOTA - used : 0;
	return OK;
}

static enum err empty_count_run(struct call *call, const void *raw)
{
	int64_t count;

	(void)raw;
	TRY(left(call, &count));
	return put_int(call->reply, "AvailableCount", count);
}

/* The store has requests to all web sites of the account: it is not for a key of some instances to throw them away. */
static enum err check_whole(const struct call *call)
{
	return call->key->instance_count ? ERR_FORBIDDEN : OK;
}

static enum err empty_run(struct call *call, const void *raw)
{
	json_t *old_entity, *new_entity;
	struct log_store store;
	int64_t count;

	(void)raw;
	TRY(check_whole(call));
	TRY(left(call, &count));
	if (count == 0)
		return ERR_QUOTA;
	TRY(log_store_load(call->db, call->key->account, &store));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "emptied", store.emptied_ms));
	TRY(put_int(new_entity, "emptied", call->clock_ms));
	store.emptied_ms = call->clock_ms;
	TRY(quota_use(call->db, call->key->account, EMPTY_QUOTA_KIND, call->clock_ms));
	return log_store_put(call->db, call->key->account, &store);
}

static enum err info_run(struct call *call, const void *raw)
{
	int64_t quota = (int64_t)nodes_log_max(call->nodes);
	struct log_store store;

	(void)raw;
	TRY(log_store_load(call->db, call->key->account, &store));
	TRY(put_text(call->reply, "LogStore", LOG_STORE_NAME));
	TRY(put_project(call, "Project", call->key->account));
	/* What all nodes together may keep, of all accounts; the oldest goes first. */
	TRY(put_int(
		call->reply, "Quota", quota > 0 && quota < LOG_BYTES_MAX ? quota : LOG_BYTES_MAX));
	TRY(put_int(call->reply, "Used", (int64_t)nodes_log_used(call->nodes, call->key->account)));
	return put_int(call->reply, "Ttl", store.days);
}

struct ttl {
	const char *resource_group;
	int64_t days;
};
static const struct param ttl_params[] = {
	PARAM_RESOURCE_GROUP(ttl),
	PARAM(ttl, days, "Ttl", .kind = PARAM_INT, .required = true, .min = LOG_DAYS_MIN,
		.max = LOG_DAYS_MAX, .help = "days for which requests are kept"),
	PARAM_ROW_END,
};

static enum err ttl_run(struct call *call, const void *raw)
{
	const struct ttl *args = raw;
	json_t *old_entity, *new_entity;
	struct log_store store;

	TRY(check_whole(call));
	TRY(log_store_load(call->db, call->key->account, &store));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_int(old_entity, "ttl", store.days));
	TRY(put_int(new_entity, "ttl", args->days));
	store.days = args->days;
	return log_store_put(call->db, call->key->account, &store);
}

static enum err exist_run(struct call *call, const void *raw)
{
	(void)raw;
	return put(call->reply, "ExistStatus", json_true());
}

static enum err open_run(struct call *call, const void *raw)
{
	(void)raw;
	return put(call->reply, "SlsOpenStatus", json_true());
}

static enum err auth_run(struct call *call, const void *raw)
{
	(void)raw;
	return put(call->reply, "SlsAuthStatus", json_true());
}

static const struct reply_list dispatch_lists[] = {
	{ "SlsConfigStatus", "SlsConfigStatusItem" },
	{ NULL, NULL },
};

#define GROUP_READ(name, run, summary)                                                             \
	{                                                                                          \
		VERSION_DDOSCOO, name, READ, PERMISSION_READ, group_params, sizeof(struct group),  \
			run, NULL, summary, 0                                                      \
	}
const struct action web_log_actions[] = {
	{ VERSION_DDOSCOO, "EnableWebAccessLogConfig", WRITE, PERMISSION_FULL, web_domain_params,
		sizeof(struct web_domain), enable_run, NULL, "has requests of a web site logged",
		0 },
	{ VERSION_DDOSCOO, "DisableWebAccessLogConfig", WRITE, PERMISSION_FULL, web_domain_params,
		sizeof(struct web_domain), disable_run, NULL, "ends the log of a web site", 0 },
	{ VERSION_DDOSCOO, "DescribeWebAccessLogStatus", READ, PERMISSION_READ, web_domain_params,
		sizeof(struct web_domain), status_run, NULL,
		"shows whether requests of a web site are logged", 0 },
	{ VERSION_DDOSCOO, "DescribeWebAccessLogDispatchStatus", READ, PERMISSION_READ,
		dispatch_params, sizeof(struct dispatch), dispatch_run, dispatch_lists,
		"shows of which web sites requests are logged", 0 },
	GROUP_READ("DescribeWebAccessLogEmptyCount", empty_count_run,
		"tells how often the log store can still be emptied"),
	{ VERSION_DDOSCOO, "EmptySlsLogstore", WRITE, PERMISSION_FULL, group_params,
		sizeof(struct group), empty_run, NULL, "throws away what is in the log store", 0 },
	GROUP_READ("DescribeSlsLogstoreInfo", info_run,
		"shows how much the log store holds, and for how long"),
	GROUP_READ("DescribeLogStoreExistStatus", exist_run, "tells whether there is a log store"),
	GROUP_READ("DescribeSlsOpenStatus", open_run, "tells whether logs can be kept"),
	GROUP_READ("DescribeSlsAuthStatus", auth_run, "tells whether logs may be kept"),
	{ VERSION_DDOSCOO, "ModifyFullLogTtl", WRITE, PERMISSION_FULL, ttl_params,
		sizeof(struct ttl), ttl_run, NULL, "sets for how long the log store keeps requests",
		0 },
	{ 0 },
};
