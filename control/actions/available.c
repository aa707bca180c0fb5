/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shop's list of what was bought, in the form of BssOpenApi.
 *
 * Of its filters the store knows some; the others are applied here, to all candidates in batches, so
 * that memory does not grow with the number of instances. Clients also ask here for products that are
 * not sold, to learn what kind of account they have: they get an empty list, not an error.
 */
#include "control/actions/order.h"

#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "control/actions/tables.h"
#include "control/model/lifecycle.h"

#define QUERY_PAGE_MAX	 100
#define QUERY_BATCH	 500
#define QUERY_MEMORY_MAX (4u << 20) /* of one batch */

struct query_instances {
	const char *product_code, *product_type, *subscription_type, *ids, *region, *renew_status;
	const char *create_start, *create_end, *end_start, *end_end;
	int64_t page_number, page_size;
};
#define PARAM_MOMENT(member, name, sentence)                                                       \
	PARAM(query_instances, member, name, .kind = PARAM_TEXT, .empty_is_absent = true,          \
		.max = 20, .help = sentence)
static const struct param query_instances_params[] = {
	PARAM_PRODUCT_CODE(query_instances, .empty_is_absent = true),
	PARAM_PRODUCT_TYPE(query_instances),
	PARAM_SUBSCRIPTION(query_instances, .empty_is_absent = true),
	PARAM(query_instances, ids, "InstanceIDs", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = ORDER_IDS_BYTES, .help = "instances, separated by commas"),
	PARAM(query_instances, region, "Region", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = 64, .help = "cn-hangzhou (Pro) or ap-southeast-1 (Premium)"),
	PARAM(query_instances, renew_status, "RenewStatus", .kind = PARAM_CHOICE,
		.empty_is_absent = true, .choices = "AutoRenewal ManualRenewal NotRenewal",
		.help = "only instances renewed so"),
	PARAM_MOMENT(create_start, "CreateTimeStart", "created at or after, 2026-01-02T03:04:05Z"),
	PARAM_MOMENT(create_end, "CreateTimeEnd", "created at or before"),
	PARAM_MOMENT(end_start, "EndTimeStart", "expires at or after"),
	PARAM_MOMENT(end_end, "EndTimeEnd", "expires at or before"),
	PARAM(query_instances, page_number, "PageNum", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = PAGE_NUMBER_MAX, .fallback = 1, .help = "page to show, from 1"),
	PARAM(query_instances, page_size, "PageSize", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = QUERY_PAGE_MAX, .fallback = 20, .help = "entries of a page"),
	PARAM_ROW_END,
};

/* What the store does not filter by, and where the page is. */
struct query {
	struct instance_filter filter;
	int64_t create_from_ms, create_to_ms;
	const char *product_type, *region, *renew_status;
	int64_t first, size, matched;
	bool nothing; /* another product was asked for */
};

static enum err read_moment(
	struct call *call, const char *name, const char *text, int64_t fallback, int64_t *out)
{
	*out = fallback;
	if (text && !clock_parse_iso(text, out))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s must be a moment as 2026-01-02T03:04:05Z.", name);
	return OK;
}

static const char *region_of(const struct instance *instance)
{
	return instance->product == PRODUCT_DDOSDIP ? "ap-southeast-1" : "cn-hangzhou";
}

static enum err query_read(
	struct call *call, const struct query_instances *args, struct query *query)
{
	enum product product;
	int64_t end_from_ms, end_to_ms;
	*query = (struct query){
		.filter = call_instance_filter(call),
		.product_type = args->product_type,
		.region = args->region,
		.renew_status = args->renew_status,
		.first = page_offset(args->page_number, args->page_size),
		.size = args->page_size,
	};
	/* Clients probe for products that are not sold here and expect an empty list. */
	query->nothing =
		(args->product_code && strcmp(args->product_code, PRODUCT_CODE) != 0) ||
		(args->product_type && !product_from_name(args->product_type, &product)) ||
		(args->subscription_type && strcmp(args->subscription_type, "Subscription") != 0);
	if (args->ids) {
		struct text_list ids;
		TRY(order_ids(call, args->ids, &ids));
		query->filter.ids = ids.item;
		query->filter.id_count = ids.count;
	}
	TRY(read_moment(
		call, "CreateTimeStart", args->create_start, INT64_MIN, &query->create_from_ms));
	TRY(read_moment(call, "CreateTimeEnd", args->create_end, INT64_MAX - SECOND_MS,
		&query->create_to_ms));
	TRY(read_moment(call, "EndTimeStart", args->end_start, 1, &end_from_ms));
	TRY(read_moment(call, "EndTimeEnd", args->end_end, -SECOND_MS, &end_to_ms));
	/* Moments are whole seconds, times are ms; the store's bounds are strict, 0 is none. */
	query->create_to_ms += SECOND_MS - 1;
	query->filter.expire_after_ms = end_from_ms - 1;
	query->filter.expire_before_ms = end_to_ms + SECOND_MS;
	return OK;
}

static bool query_matches(const struct query *query, const struct instance *instance)
{
	return instance->create_ms >= query->create_from_ms &&
	       instance->create_ms <= query->create_to_ms &&
	       (!query->product_type ||
		       strcmp(query->product_type, product_name(instance->product)) == 0) &&
	       (!query->region || strcmp(query->region, region_of(instance)) == 0) &&
	       (!query->renew_status ||
		       strcmp(query->renew_status, renewal_name(instance->renewal)) == 0);
}

static enum err add_available(struct call *call, json_t *list, const struct instance *instance)
{
	const struct lifecycle_row *row = lifecycle_at(instance->expire_ms, call->now_ms);
	json_t *item = json_object();
	TRY(add(list, item));
	TRY(put_text(item, "InstanceID", instance->id));
	TRY(put_int(item, "OwnerId", instance->account));
	TRY(put_text(item, "ProductCode", PRODUCT_CODE));
	TRY(put_text(item, "ProductType", product_name(instance->product)));
	TRY(put_text(item, "Region", region_of(instance)));
	TRY(put_text(item, "SubscriptionType", "Subscription"));
	TRY(put_text(item, "Status", row->state == LIFECYCLE_NORMAL ? "Normal" : "Expired"));
	TRY(put_text(item, "SubStatus", "")); /* only of goods that are paid by use */
	TRY(put_time(item, "CreateTime", instance->create_ms));
	TRY(put_time(item, "EndTime", instance->expire_ms));
	TRY(put_time(item, "StopTime", lifecycle_forward_until(instance->expire_ms)));
	TRY(put_text(item, "ReleaseTime", "")); /* those released are not listed */
	TRY(put_time(item, "ExpectedReleaseTime", lifecycle_release_at(instance->expire_ms)));
	TRY(put_text(item, "RenewStatus", renewal_name(instance->renewal)));
	TRY(put_int(item, "RenewalDuration", instance->renewal_months));
	TRY(put_text(item, "RenewalDurationUnit", "M"));
	TRY(put_text(item, "Seller", ""));
	return put_int(item, "SellerId", 0);
}

DEFINE_AUTO(scratch, struct arena *, arena_free);

/* Walks all candidates in batches, so that memory does not grow with the number of instances. */
static enum err query_walk(struct call *call, struct query *query, json_t *list)
{
	AUTO(scratch) struct arena *scratch = arena_new(QUERY_MEMORY_MAX);
	if (!scratch)
		return ERR_MEMORY;
	struct instance *found;
	size_t count;
	query->filter.limit = QUERY_BATCH;
	do {
		TRY(instance_list(call->db, scratch, &query->filter, &found, &count, NULL));
		for (size_t i = 0; i < count; i++) {
			if (!query_matches(query, &found[i]))
				continue;
			int64_t position = query->matched++ - query->first;
			if (position >= 0 && position < query->size)
				TRY(add_available(call, list, &found[i]));
		}
		query->filter.offset += (int64_t)count;
		arena_reset(scratch);
	} while (count == QUERY_BATCH);
	return OK;
}

/* Whether the store's own filters are all that was asked for: then it cuts the page. */
static bool query_is_plain(const struct query_instances *args)
{
	return !args->product_type && !args->region && !args->renew_status && !args->create_start &&
	       !args->create_end;
}

static enum err query_page(struct call *call, struct query *query, json_t *list)
{
	struct instance *found;
	size_t count;
	query->filter.offset = query->first;
	query->filter.limit = query->size;
	TRY(instance_list(call->db, call->mem, &query->filter, &found, &count, &query->matched));
	for (size_t i = 0; i < count; i++)
		TRY(add_available(call, list, &found[i]));
	return OK;
}

static enum err query_instances_run(struct call *call, const void *raw)
{
	const struct query_instances *args = raw;
	struct query query;
	json_t *data, *list;
	TRY(query_read(call, args, &query));
	TRY(order_success(call, &data));
	TRY(put_list(data, "InstanceList", &list));
	if (!query.nothing && query_is_plain(args))
		TRY(query_page(call, &query, list));
	else if (!query.nothing)
		TRY(query_walk(call, &query, list));
	TRY(put_int(data, "PageNum", args->page_number));
	TRY(put_int(data, "PageSize", args->page_size));
	return put_int(data, "TotalCount", query.matched);
}

static const struct reply_list query_lists[] = { { "InstanceList", "Instance" }, { NULL, NULL } };

const struct action available_actions[] = {
	{ VERSION_BSS, "QueryAvailableInstances", READ, PERMISSION_READ, query_instances_params,
		sizeof(struct query_instances), query_instances_run, query_lists,
		"lists what was bought", 0 },
	{ 0 },
};
