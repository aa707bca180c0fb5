/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of instances. A filter can be answered in two ways, and which is cheap depends on how many
 * match:
 *
 *   sort: find all that match by the index of the most selective condition, sort, cut the page out;
 *   walk: go through the instances newest first and keep those that match until the page is full.
 *
 * Few matches make sorting cheap and walking long, many the other way round. The total is needed
 * anyway, so it is counted first and decides. In the text of a query, a unary plus before a column
 * keeps the planner from using that column's index: "driver" says which column goes without.
 *
 * Totals without a narrowing condition are kept in instance_count; those of a status are the whole
 * less the expired, of which there are usually few.
 */
#include <assert.h>

#include "base/log.h"
#include "control/model/lifecycle.h"
#include "control/store/instance.h"
#include "control/store/query.h"

/* Up to so many matches are sorted: measured at 100,000 instances, both ways then cost about the
 * same. */
#define SORT_MAX 25000
/* Where two indexes must be united the same is dearer. */
#define UNITE_MAX 5000

static _Thread_local int64_t tuned = -1;

void instance_list_tune(int64_t sort_max)
{
	tuned = sort_max;
}

enum driver {
	DRIVER_WALK, /* by time of creation */
	DRIVER_ID,   /* by the ids that are named */
	DRIVER_VIP,
	DRIVER_TAG,
	DRIVER_STATE,  /* by forwarding: enabled */
	DRIVER_EXPIRY, /* by account and expiry */
};

struct listing {
	struct db *db;
	struct arena *mem;
	const struct instance_filter *filter;
	uint8_t vip[16];
	bool all_confirmed; /* no deadline waits for a node: one condition tells enabled */
};

static enum driver driver_of(const struct listing *listing)
{
	const struct instance_filter *filter = listing->filter;

	if (filter->id_count > 0 || filter->allowed_count > 0)
		return DRIVER_ID;
	if (filter->ip)
		return DRIVER_VIP;
	if (filter->tag_count > 0)
		return DRIVER_TAG;
	if (filter->enabled == 0 && !listing->all_confirmed)
		return DRIVER_STATE;
	return DRIVER_EXPIRY;
}

/* Not forwarded: as the nodes that confirmed the deadline see it, and as the others do. */
static void add_not_forwarded(
	struct query *query, const struct listing *listing, bool confirmed, bool drives)
{
	const struct instance_filter *filter = listing->filter;

	/* lifecycle_forward_until(expire) <= now, turned so that the column stands alone. */
	int64_t forwarded_if_after = filter->now_ms - lifecycle_forward_until(0);

	if (filter->confirmed_generation == 0) { /* no node: nothing is forwarded */
		QUERY_TEXT(query, confirmed ? "(1 = 0)" : "(+deadline_generation > 0)");
		return;
	}
	if (confirmed) {
		QUERY_TEXT(query, drives ? "(expire_ms" : "(+expire_ms");
		QUERY_ADD(query, " <= ?", V_INT(forwarded_if_after));
		if (!listing->all_confirmed)
			QUERY_ADD(query, " AND +deadline_generation <= ?",
				V_INT(filter->confirmed_generation));
		QUERY_TEXT(query, ")");
		return;
	}
	QUERY_TEXT(query, drives ? "(deadline_generation" : "(+deadline_generation");
	QUERY_ADD(query, " > ? AND +previous_forward_until_ms <= ?)",
		V_INT(filter->confirmed_generation), V_INT(filter->now_ms));
}

static void add_enabled(struct query *query, const struct listing *listing, enum driver driver)
{
	const struct instance_filter *filter = listing->filter;

	if (filter->enabled < 0)
		return;
	if (driver == DRIVER_STATE) {
		QUERY_TEXT(query, " AND number IN (SELECT number FROM instance WHERE ");
		add_not_forwarded(query, listing, true, true);
		QUERY_TEXT(query, " UNION ALL SELECT number FROM instance WHERE ");
		add_not_forwarded(query, listing, false, true);
		QUERY_TEXT(query, ")");
		return;
	}
	if (listing->all_confirmed) {
		QUERY_TEXT(query, filter->enabled ? " AND NOT " : " AND ");
		add_not_forwarded(query, listing, true, driver == DRIVER_EXPIRY);
		return;
	}
	QUERY_TEXT(query, filter->enabled ? " AND NOT (" : " AND (");
	add_not_forwarded(query, listing, true, false);
	QUERY_TEXT(query, " OR ");
	add_not_forwarded(query, listing, false, false);
	QUERY_TEXT(query, ")");
}

static void add_tags(struct query *query, const struct instance_filter *filter, enum driver driver)
{
	for (size_t i = 0; i < filter->tag_count; i++) {
		/* The first drives; each further one is looked up per instance. */
		if (i == 0 && driver == DRIVER_TAG)
			QUERY_TEXT(
				query, " AND number IN (SELECT t.instance_number FROM tag t WHERE");
		else
			QUERY_TEXT(query, " AND EXISTS (SELECT 1 FROM tag t WHERE"
					  " t.instance_number = instance.number AND");
		if (filter->account != 0)
			QUERY_ADD(query, " t.account = ? AND", V_INT(filter->account));
		QUERY_ADD(query, " t.key = ?", V_TEXT(filter->tag[i].key));
		if (filter->tag[i].value)
			QUERY_ADD(query, " AND t.value = ?", V_TEXT(filter->tag[i].value));
		QUERY_TEXT(query, ")");
	}
}

/* Substring match: the three characters that LIKE treats specially are escaped. */
static void add_remark(struct query *query, struct arena *mem, const char *remark)
{
	struct text pattern;

	text_init(&pattern, mem, 4 * REMARK_BYTES_MAX);
	text_add_char(&pattern, '%');
	for (const char *c = remark; *c; c++) {
		if (*c == '%' || *c == '_' || *c == '\\')
			text_add_char(&pattern, '\\');
		text_add_char(&pattern, *c);
	}
	text_add_char(&pattern, '%');
	if (pattern.failed) {
		query->err = ERR_MEMORY;
		return;
	}
	QUERY_ADD(query, " AND remark LIKE ? ESCAPE '\\'", V_TEXT(pattern.data));
}

static void add_status(
	struct query *query, const struct instance_filter *filter, const char *expire_ms)
{
	bool normal = false, expired = false;

	for (size_t i = 0; i < filter->status_count; i++) {
		normal |= filter->status[i] == lifecycle_table[LIFECYCLE_NORMAL].status;
		expired |= filter->status[i] == lifecycle_table[LIFECYCLE_EXPIRED].status;
	}
	if (filter->status_count == 0 || (normal && expired))
		return;
	QUERY_TEXT(query, expire_ms);
	if (normal)
		QUERY_ADD(query, " > ?", V_INT(filter->now_ms));
	else if (expired)
		QUERY_ADD(query, " <= ?", V_INT(filter->now_ms));
	else
		QUERY_TEXT(query, " IS NULL"); /* no such status */
}

static void add_where(struct query *query, const struct listing *listing, enum driver driver)
{
	const struct instance_filter *f = listing->filter;
	bool by_account = driver == DRIVER_WALK || driver == DRIVER_EXPIRY;
	bool by_id = driver == DRIVER_ID;
	const char *expire = driver == DRIVER_EXPIRY ? " AND expire_ms" : " AND +expire_ms";

	QUERY_TEXT(query, " WHERE 1 = 1");
	if (f->account != 0)
		QUERY_ADD(query, by_account ? " AND account = ?" : " AND +account = ?",
			V_INT(f->account));
	/* Of two lists the request's drives. */
	query_in(query, by_id ? " AND id" : " AND +id", f->ids, f->id_count);
	query_in(query, by_id && f->id_count == 0 ? " AND id" : " AND +id", f->allowed,
		f->allowed_count);
	if (f->ip)
		QUERY_ADD(query, driver == DRIVER_VIP ? " AND vip = ?" : " AND +vip = ?",
			V_BLOB(listing->vip, 16));
	if (f->edition >= 0)
		QUERY_ADD(query, " AND edition = ?", V_INT(f->edition));
	if (f->resource_group)
		QUERY_ADD(query, " AND resource_group = ?", V_TEXT(f->resource_group));
	if (f->bursts)
		QUERY_TEXT(query, " AND burst_bandwidth_mbps > 0");
	if (f->expire_after_ms != 0) {
		QUERY_TEXT(query, expire);
		QUERY_ADD(query, " > ?", V_INT(f->expire_after_ms));
	}
	if (f->expire_before_ms != 0) {
		QUERY_TEXT(query, expire);
		QUERY_ADD(query, " < ?", V_INT(f->expire_before_ms));
	}
	add_status(query, f, expire);
	add_enabled(query, listing, driver);
	add_tags(query, f, driver);
	if (f->remark)
		add_remark(query, listing->mem, f->remark);
}

/* ---- totals */

static enum err count_where(const struct listing *listing, int64_t *out)
{
	struct query query;

	query_init(&query, listing->mem);
	QUERY_TEXT(&query, "SELECT count(*) FROM instance");
	add_where(&query, listing, driver_of(listing));
	return query_int(&query, listing->db, out);
}

/* Those that account, edition and resource group leave. */
static enum err count_kept(const struct listing *listing, int64_t *out)
{
	const struct instance_filter *f = listing->filter;
	struct query query;

	query_init(&query, listing->mem);
	QUERY_TEXT(&query, "SELECT coalesce(sum(instances), 0) FROM instance_count WHERE 1 = 1");
	if (f->account != 0)
		QUERY_ADD(&query, " AND account = ?", V_INT(f->account));
	if (f->edition >= 0)
		QUERY_ADD(&query, " AND edition = ?", V_INT(f->edition));
	if (f->resource_group)
		QUERY_ADD(&query, " AND resource_group = ?", V_TEXT(f->resource_group));
	return query_int(&query, listing->db, out);
}

/* The tag index alone answers for one tag and nothing else. */
static enum err count_tag(const struct listing *listing, int64_t *out)
{
	const struct instance_filter *f = listing->filter;
	struct query query;

	query_init(&query, listing->mem);
	QUERY_ADD(&query, "SELECT count(*) FROM tag WHERE account = ? AND key = ?",
		V_INT(f->account), V_TEXT(f->tag[0].key));
	if (f->tag[0].value)
		QUERY_ADD(&query, " AND value = ?", V_TEXT(f->tag[0].value));
	return query_int(&query, listing->db, out);
}

/* Those that are not forwarded, as the confirmed or the unconfirmed deadlines say. */
static enum err count_not_forwarded(const struct listing *listing, bool confirmed, int64_t *out)
{
	struct query query;

	query_init(&query, listing->mem);
	QUERY_TEXT(&query, "SELECT count(*) FROM instance WHERE ");
	add_not_forwarded(&query, listing, confirmed, true);
	if (listing->filter->account != 0)
		QUERY_ADD(&query, confirmed ? " AND account = ?" : " AND +account = ?",
			V_INT(listing->filter->account));
	return query_int(&query, listing->db, out);
}

/* Whether more than account, edition and resource group is asked for. */
static bool is_narrow(const struct instance_filter *f)
{
	return f->id_count > 0 || f->allowed_count > 0 || f->ip || f->remark || f->tag_count > 0 ||
	       f->bursts || f->expire_after_ms != 0 || f->expire_before_ms != 0;
}

static bool is_plain(const struct instance_filter *f)
{
	return f->edition < 0 && !f->resource_group;
}

static bool is_one_tag(const struct instance_filter *f)
{
	struct instance_filter rest = *f;

	rest.tag_count = 0;
	return f->tag_count == 1 && f->account != 0 && f->enabled < 0 && f->status_count == 0 &&
	       is_plain(f) && !is_narrow(&rest);
}

static enum err count_enabled(const struct listing *listing, int64_t *out)
{
	int64_t kept, confirmed, others = 0;

	TRY(count_not_forwarded(listing, true, &confirmed));
	if (!listing->all_confirmed)
		TRY(count_not_forwarded(listing, false, &others));
	TRY(count_kept(listing, &kept));
	*out = listing->filter->enabled ? kept - confirmed - others : confirmed + others;
	return OK;
}

/* All, less those that are not normal. */
static enum err count_normal(const struct listing *listing, int64_t *out)
{
	struct instance_filter expired = *listing->filter;
	struct listing part = *listing;
	int64_t kept, without;

	expired.status[0] = lifecycle_table[LIFECYCLE_EXPIRED].status;
	part.filter = &expired;
	TRY(count_where(&part, &without));
	TRY(count_kept(listing, &kept));
	*out = kept - without;
	return OK;
}

static enum err count_total(const struct listing *listing, int64_t *out)
{
	const struct instance_filter *f = listing->filter;

	if (is_one_tag(f))
		return count_tag(listing, out);
	if (is_narrow(f))
		return count_where(listing, out);
	if (f->enabled < 0 && f->status_count == 0)
		return count_kept(listing, out);
	if (f->status_count == 0 && is_plain(f))
		return count_enabled(listing, out);
	if (f->enabled < 0 && f->status_count == 1 &&
		f->status[0] == lifecycle_table[LIFECYCLE_NORMAL].status)
		return count_normal(listing, out);
	return count_where(listing, out);
}

/* ---- the page */

static void add_page(struct query *query, const struct instance_filter *filter)
{
	if (filter->limit > 0)
		QUERY_ADD(query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
}

static void page_query(struct query *query, const struct listing *listing, bool walk)
{
	query_init(query, listing->mem);
	if (walk) {
		QUERY_TEXT(query, "SELECT " INSTANCE_COLUMNS " FROM instance");
		add_where(query, listing, DRIVER_WALK);
		QUERY_TEXT(query, " ORDER BY create_ms DESC, number DESC");
		add_page(query, listing->filter);
		return;
	}
	QUERY_TEXT(query, "SELECT " INSTANCE_COLUMNS
			  " FROM instance WHERE number IN (SELECT number FROM instance");
	add_where(query, listing, driver_of(listing));
	QUERY_TEXT(query, " ORDER BY +create_ms DESC, +number DESC");
	add_page(query, listing->filter);
	QUERY_TEXT(query, ") ORDER BY +create_ms DESC, +number DESC");
}

static enum err page_load(
	const struct listing *listing, struct query *query, struct instance **out, size_t *count)
{
	struct rows rows = { 0 };
	struct instance *row;
	struct cursor cursor;

	TRY(query_select(query, listing->db, &cursor));
	while ((row = rows_next(&rows, &cursor, listing->mem, sizeof(*row))) != NULL)
		cursor.err = instance_row(&cursor, listing->mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err instance_list(struct db *db, struct arena *mem, const struct instance_filter *filter,
	struct instance **out, size_t *count, int64_t *total)
{
	struct listing listing = { .db = db, .mem = mem, .filter = filter };
	struct query query;
	int64_t matches = 0;

	if (filter->ip && !text_to_address(filter->ip, listing.vip)) {
		*out = NULL;
		*count = 0;
		if (total)
			*total = 0;
		return OK; /* no instance has what is not an address */
	}
	if (filter->enabled >= 0) {
		TRY(count_not_forwarded(&listing, false, &matches));
		listing.all_confirmed = matches == 0;
	}
	if (total || filter->limit > 0)
		TRY(count_total(&listing, &matches));

	int64_t sort_max = driver_of(&listing) == DRIVER_STATE ? UNITE_MAX : SORT_MAX;

	if (tuned >= 0)
		sort_max = tuned;

	page_query(&query, &listing, filter->limit > 0 && matches > sort_max);
	TRY(page_load(&listing, &query, out, count));
	if (total)
		*total = matches;
	return OK;
}
