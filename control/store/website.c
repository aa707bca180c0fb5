/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites as rows. A site's parts (instances, ports, origins) are small and are written whole with it. What hangs on a
 * site goes with it here and nowhere else, by an order as by the release of its last instance.
 */
#include "control/store/website.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "control/store/query.h"

/* The nodes' number has 32 bits and 0 means none. */
#define NUMBER_MAX INT64_C(0xffffffff)

#define WEBSITE_COLUMNS                                                                            \
	"w.number, w.account, w.domain, w.cname, w.create_ms, w.generation, w.named,"              \
	" w.http_to_https, w.https_to_http, w.http2, w.ocsp, w.access_mode, w.reuse,"              \
	" w.reuse_cname, w.certificate"

static void read_row(struct cursor *cursor, struct arena *mem, struct website *out)
{
	*out = (struct website){
		.number = db_int(cursor, 0),
		.account = db_int(cursor, 1),
		.domain = text_column(cursor, 2, mem),
		.cname = text_column(cursor, 3, mem),
		.create_ms = db_int(cursor, 4),
		.generation = db_int(cursor, 5),
		.named = db_int(cursor, 6) != 0,
		.http_to_https = db_int(cursor, 7) != 0,
		.https_to_http = db_int(cursor, 8) != 0,
		.http2 = db_int(cursor, 9) != 0,
		.ocsp = db_int(cursor, 10) != 0,
		.access_mode = (enum access_mode)db_int(cursor, 11),
		.reuse = db_int(cursor, 12) != 0,
		.reuse_cname = text_column(cursor, 13, mem),
		.certificate = db_int(cursor, 14),
	};
}

/* ---- parts */

static enum err load_instances(struct db *db, struct arena *mem, struct website *website)
{
	struct cursor cursor;

	website->instance = arena_array(mem, SITE_INSTANCE_MAX, sizeof(*website->instance));
	if (!website->instance)
		return ERR_MEMORY;
	TRY(db_select(db,
		"SELECT r.instance_number, i.id FROM website_instance r"
		" JOIN instance i ON i.number = r.instance_number"
		" WHERE r.website = $1 ORDER BY r.instance_number",
		(const struct value[]){ V_INT(website->number) }, 1, &cursor));
	while (website->instance_count < SITE_INSTANCE_MAX && db_next(&cursor)) {
		struct website_instance *instance = &website->instance[website->instance_count++];

		instance->number = db_int(&cursor, 0);
		strncpy(instance->id, text_column(&cursor, 1, mem), INSTANCE_ID_SIZE - 1);
	}
	db_done(&cursor);
	return cursor.err;
}

static enum err load_ports(struct db *db, struct arena *mem, struct website *website)
{
	struct cursor cursor;

	website->port = arena_array(mem, SITE_PORT_MAX, sizeof(*website->port));
	if (!website->port)
		return ERR_MEMORY;
	TRY(db_select(db, "SELECT port, schemes FROM website_port WHERE website = $1 ORDER BY port",
		(const struct value[]){ V_INT(website->number) }, 1, &cursor));
	while (website->port_count < SITE_PORT_MAX && db_next(&cursor))
		website->port[website->port_count++] = (struct website_port){
			.port = db_int(&cursor, 0),
			.schemes = (unsigned)db_int(&cursor, 1),
		};
	db_done(&cursor);
	return cursor.err;
}

static enum err load_origins(struct db *db, struct arena *mem, struct website *website)
{
	struct cursor cursor;

	website->origin = arena_array(mem, SITE_ORIGIN_MAX, sizeof(*website->origin));
	if (!website->origin)
		return ERR_MEMORY;
	TRY(db_select(db, "SELECT origin FROM website_origin WHERE website = $1 ORDER BY position",
		(const struct value[]){ V_INT(website->number) }, 1, &cursor));
	while (website->origin_count < SITE_ORIGIN_MAX && db_next(&cursor))
		website->origin[website->origin_count++] = text_column(&cursor, 0, mem);
	db_done(&cursor);
	return cursor.err;
}

static enum err load_parts(struct db *db, struct arena *mem, struct website *website)
{
	TRY(load_instances(db, mem, website));
	TRY(load_ports(db, mem, website));
	return load_origins(db, mem, website);
}

static enum err save_parts(struct db *db, const struct website *website)
{
	const struct value number[] = { V_INT(website->number) };

	assert(website->instance_count > 0 && website->instance_count <= SITE_INSTANCE_MAX &&
		website->port_count <= SITE_PORT_MAX && website->origin_count <= SITE_ORIGIN_MAX);
	TRY(db_run(db, "DELETE FROM website_instance WHERE website = $1", number, 1, NULL));
	for (size_t i = 0; i < website->instance_count; i++)
		TRY(db_run(db,
			"INSERT INTO website_instance (website, instance_number) VALUES ($1, $2)",
			(const struct value[]){
				V_INT(website->number), V_INT(website->instance[i].number) },
			2, NULL));
	TRY(db_run(db, "DELETE FROM website_port WHERE website = $1", number, 1, NULL));
	for (size_t i = 0; i < website->port_count; i++)
		TRY(db_run(db,
			"INSERT INTO website_port (website, port, schemes) VALUES ($1, $2, $3)",
			(const struct value[]){ V_INT(website->number),
				V_INT(website->port[i].port), V_INT(website->port[i].schemes) },
			3, NULL));
	TRY(db_run(db, "DELETE FROM website_origin WHERE website = $1", number, 1, NULL));
	for (size_t i = 0; i < website->origin_count; i++)
		TRY(db_run(db,
			"INSERT INTO website_origin (website, position, origin) VALUES ($1, $2, "
			"$3)",
			(const struct value[]){ V_INT(website->number), V_INT((int64_t)i),
				V_TEXT(website->origin[i]) },
			3, NULL));
	return OK;
}

/* ---- reading */

static enum err load_first(
	struct db *db, struct arena *mem, struct cursor *cursor, struct website *out)
{
	struct website website;
	bool found = db_next(cursor);

	if (found)
		read_row(cursor, mem, &website);
	db_done(cursor);
	TRY(cursor->err);
	if (!found)
		return ERR_WEBSITE_NOT_FOUND;
	TRY(load_parts(db, mem, &website));
	*out = website;
	return OK;
}

enum err website_load(
	struct db *db, struct arena *mem, int64_t account, const char *domain, struct website *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT " WEBSITE_COLUMNS " FROM website w WHERE w.domain = $1"
		" AND ($2 = 0 OR w.account = $2)",
		(const struct value[]){ V_TEXT(domain), V_INT(account) }, 2, &cursor));
	return load_first(db, mem, &cursor, out);
}

enum err website_load_number(struct db *db, struct arena *mem, int64_t number, struct website *out)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT " WEBSITE_COLUMNS " FROM website w WHERE w.number = $1",
		(const struct value[]){ V_INT(number) }, 1, &cursor));
	return load_first(db, mem, &cursor, out);
}

static void add_instances(struct query *query, const struct website_filter *filter)
{
	if (filter->allowed_count > 0) {
		QUERY_TEXT(query,
			" AND NOT EXISTS (SELECT 1 FROM website_instance r JOIN instance i"
			" ON i.number = r.instance_number WHERE r.website = w.number AND NOT");
		query_in(query, " i.id", filter->allowed, filter->allowed_count);
		QUERY_TEXT(query, ")");
	}
	if (filter->id_count > 0) {
		QUERY_TEXT(query,
			" AND EXISTS (SELECT 1 FROM website_instance r JOIN instance i"
			" ON i.number = r.instance_number WHERE r.website = w.number AND");
		query_in(query, " i.id", filter->ids, filter->id_count);
		QUERY_TEXT(query, ")");
	}
}

static void add_where(struct query *query, const struct website_filter *filter)
{
	QUERY_TEXT(query, " WHERE 1 = 1");
	if (filter->account != 0)
		QUERY_ADD(query, " AND w.account = ?", V_INT(filter->account));
	if (filter->domain && filter->exact)
		QUERY_ADD(query, " AND w.domain = ?", V_TEXT(filter->domain));
	else if (filter->domain)
		QUERY_ADD(query, " AND instr(w.domain, ?) > 0", V_TEXT(filter->domain));
	if (filter->cname)
		QUERY_ADD(query, " AND w.cname = ?", V_TEXT(filter->cname));
	if (filter->reuses)
		QUERY_ADD(query, " AND w.reuse = 1 AND w.reuse_cname = ?", V_TEXT(filter->reuses));
	if (filter->certificate != 0)
		QUERY_ADD(query, " AND w.certificate = ?", V_INT(filter->certificate));
	add_instances(query, filter);
}

static enum err load_rows(
	struct query *query, struct db *db, struct arena *mem, struct website **out, size_t *count)
{
	struct rows rows = { 0 };
	struct website *row;
	struct cursor cursor;

	TRY(query_select(query, db, &cursor));
	while ((row = rows_next(&rows, &cursor, mem, sizeof(*row))) != NULL)
		read_row(&cursor, mem, row);
	db_done(&cursor);
	TRY(cursor.err);
	row = rows.row;
	for (size_t i = 0; i < rows.count; i++)
		TRY(load_parts(db, mem, &row[i]));
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err website_list(struct db *db, struct arena *mem, const struct website_filter *filter,
	struct website **out, size_t *count, int64_t *total)
{
	struct query query;

	if (total) {
		query_init(&query, mem);
		QUERY_TEXT(&query, "SELECT count(*) FROM website w");
		add_where(&query, filter);
		TRY(query_int(&query, db, total));
	}
	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT " WEBSITE_COLUMNS " FROM website w");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY");
	if (filter->domain && !filter->exact)
		QUERY_ADD(&query, " w.domain <> ?,", V_TEXT(filter->domain));
	QUERY_TEXT(&query, " w.domain");
	if (filter->limit > 0)
		QUERY_ADD(&query, " LIMIT ? OFFSET ?", V_INT(filter->limit), V_INT(filter->offset));
	return load_rows(&query, db, mem, out, count);
}

/* The first column of every row. */
static enum err read_texts(
	struct cursor *cursor, struct arena *mem, const char ***out, size_t *count)
{
	struct rows rows = { 0 };
	const char **row;

	while ((row = rows_next(&rows, cursor, mem, sizeof(*row))) != NULL)
		*row = text_column(cursor, 0, mem);
	db_done(cursor);
	TRY(cursor->err);
	*out = rows.row;
	*count = rows.count;
	return OK;
}

enum err website_domains(struct db *db, struct arena *mem, const struct website_filter *filter,
	const char ***out, size_t *count)
{
	struct cursor cursor;
	struct query query;

	query_init(&query, mem);
	QUERY_TEXT(&query, "SELECT w.domain FROM website w");
	add_where(&query, filter);
	QUERY_TEXT(&query, " ORDER BY w.domain");
	TRY(query_select(&query, db, &cursor));
	return read_texts(&cursor, mem, out, count);
}

enum err website_documents(struct db *db, struct arena *mem, int64_t instance_number,
	const char *name, const char ***out, size_t *count)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT DISTINCT coalesce(s.json, '') FROM website_instance r"
		" JOIN website w ON w.number = r.website LEFT JOIN website_setting s"
		" ON s.website = w.number AND s.name = $2"
		" WHERE r.instance_number = $1 AND w.certificate IS NOT NULL",
		(const struct value[]){ V_INT(instance_number), V_TEXT(name) }, 2, &cursor));
	return read_texts(&cursor, mem, out, count);
}

/* ---- writing */

enum err website_touch(struct db *db, const struct website *website)
{
	int64_t generation;

	TRY(change_record(db, RECORD_SITE, website->number, &generation));
	return db_run(db, "UPDATE website SET generation = $2 WHERE number = $1",
		(const struct value[]){ V_INT(website->number), V_INT(generation) }, 2, NULL);
}

static struct value certificate_value(const struct website *website)
{
	return website->certificate ? V_INT(website->certificate) : V_NULL;
}

enum err website_insert(struct db *db, struct website *website)
{
	struct website made = *website;
	enum err err = select_int(db,
		"INSERT INTO website (account, domain, site, cname, create_ms, generation, named,"
		" http_to_https, https_to_http, http2, ocsp, access_mode, reuse, reuse_cname,"
		" certificate) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12, $13,"
		" $14) RETURNING number",
		(const struct value[]){ V_INT(made.account), V_TEXT(made.domain),
			V_TEXT(website_site(made.domain)), V_TEXT(made.cname),
			V_INT(made.create_ms), V_INT(made.named), V_INT(made.http_to_https),
			V_INT(made.https_to_http), V_INT(made.http2), V_INT(made.ocsp),
			V_INT(made.access_mode), V_INT(made.reuse), V_TEXT(made.reuse_cname),
			certificate_value(&made) },
		14, &made.number);

	if (err != OK)
		return err == ERR_CONFLICT ? ERR_WEBSITE_EXISTS : err;
	if (made.number > NUMBER_MAX)
		return fail(ERR_LIMIT, "numbers of web sites are used up");
	TRY(save_parts(db, &made));
	TRY(website_touch(db, &made));
	TRY(change_generation(db, &made.generation));
	*website = made;
	return OK;
}

enum err website_update(struct db *db, const struct website *website)
{
	int64_t changed;

	TRY(db_run(db,
		"UPDATE website SET named = $2, http_to_https = $3, https_to_http = $4, http2 = $5,"
		" ocsp = $6, access_mode = $7, reuse = $8, reuse_cname = $9, certificate = $10"
		" WHERE number = $1",
		(const struct value[]){ V_INT(website->number), V_INT(website->named),
			V_INT(website->http_to_https), V_INT(website->https_to_http),
			V_INT(website->http2), V_INT(website->ocsp), V_INT(website->access_mode),
			V_INT(website->reuse), V_TEXT(website->reuse_cname),
			certificate_value(website) },
		10, &changed));
	if (changed == 0)
		return ERR_WEBSITE_NOT_FOUND;
	TRY(save_parts(db, website));
	TRY(website_touch(db, website));
	return certificate_sweep(db);
}

static enum err delete_row(struct db *db, int64_t number)
{
	static const char *const parts[] = {
		"DELETE FROM website_instance WHERE website = $1",
		"DELETE FROM website_port WHERE website = $1",
		"DELETE FROM website_origin WHERE website = $1",
		"DELETE FROM website_setting WHERE website = $1",
		"DELETE FROM website_rule WHERE website = $1",
		"DELETE FROM website_usual WHERE website = $1",
	};
	const struct value values[] = { V_INT(number) };
	int64_t changed, generation;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		TRY(db_run(db, parts[i], values, 1, NULL));
	/* Who was reached by its name is reached by his own again. */
	TRY(db_run(db,
		"UPDATE website SET reuse = 0 WHERE reuse = 1 AND reuse_cname ="
		" (SELECT cname FROM website WHERE number = $1)",
		values, 1, NULL));
	TRY(change_record(db, RECORD_SITE, number, &generation));
	TRY(db_run(db,
		"INSERT INTO website_gone (number, cname, generation) SELECT number, cname, $2"
		" FROM website WHERE number = $1",
		(const struct value[]){ V_INT(number), V_INT(generation) }, 2, NULL));
	TRY(db_run(db, "DELETE FROM website WHERE number = $1", values, 1, &changed));
	return changed ? OK : ERR_WEBSITE_NOT_FOUND;
}

enum err website_delete(struct db *db, const struct website *website)
{
	TRY(delete_row(db, website->number));
	return certificate_sweep(db);
}

enum err website_release(struct db *db, int64_t instance_number)
{
	/* One at a time, so that no list is held: the first goes until there is none. */
	for (;;) {
		struct website website = { 0 };
		int64_t left;
		enum err err = select_int(db,
			"SELECT website FROM website_instance WHERE instance_number = $1 LIMIT 1",
			(const struct value[]){ V_INT(instance_number) }, 1, &website.number);

		if (err == ERR_NOT_FOUND)
			return certificate_sweep(db);
		TRY(err);
		TRY(db_run(db,
			"DELETE FROM website_instance WHERE website = $1 AND instance_number = $2",
			(const struct value[]){ V_INT(website.number), V_INT(instance_number) }, 2,
			NULL));
		TRY(select_int(db, "SELECT count(*) FROM website_instance WHERE website = $1",
			(const struct value[]){ V_INT(website.number) }, 1, &left));
		TRY(left ? website_touch(db, &website) : delete_row(db, website.number));
	}
}

/* ---- what there is already */

enum err website_port_used(struct db *db, struct arena *mem, int64_t instance_number, int64_t port,
	int64_t except, struct website_port_use *out)
{
	struct cursor cursor;

	*out = (struct website_port_use){ 0 };
	TRY(db_select(db,
		"SELECT p.schemes, w.domain FROM website_instance r"
		" JOIN website_port p ON p.website = r.website JOIN website w"
		" ON w.number = r.website WHERE r.instance_number = $1 AND p.port = $2"
		" AND r.website <> $3 LIMIT 1",
		(const struct value[]){ V_INT(instance_number), V_INT(port), V_INT(except) }, 3,
		&cursor));
	if (db_next(&cursor)) {
		out->schemes = (unsigned)db_int(&cursor, 0);
		out->domain = text_column(&cursor, 1, mem);
	}
	db_done(&cursor);
	return cursor.err;
}

static enum err first_text(struct cursor *cursor, struct arena *mem, const char **out)
{
	if (db_next(cursor))
		*out = text_column(cursor, 0, mem);
	db_done(cursor);
	return cursor->err;
}

enum err website_overlap(
	struct db *db, struct arena *mem, int64_t account, const char *domain, const char **out)
{
	bool wildcard = strncmp(domain, "*.", 2) == 0;
	const char *parent = strchr(domain, '.');
	struct cursor cursor;

	*out = NULL;
	/* Wildcards above, at any depth: at most as many as a name has labels. */
	for (; parent && !*out; parent = strchr(parent + 1, '.')) {
		const char *pattern = arena_print(mem, "*%s", parent);

		if (!pattern)
			return ERR_MEMORY;
		TRY(db_select(db, "SELECT domain FROM website WHERE domain = $1 AND account <> $2",
			(const struct value[]){ V_TEXT(pattern), V_INT(account) }, 2, &cursor));
		TRY(first_text(&cursor, mem, out));
	}
	if (!wildcard || *out)
		return OK;
	TRY(db_select(db,
		"SELECT domain FROM website WHERE account <> $2"
		" AND substr(domain, -length($1)) = $1 LIMIT 1",
		(const struct value[]){ V_TEXT(domain + 1), V_INT(account) }, 2, &cursor));
	return first_text(&cursor, mem, out);
}

enum err website_usage(struct db *db, int64_t instance_number, int64_t except, const char *domain,
	struct website_usage *out)
{
	struct cursor cursor;

	TRY(db_select(db,
		"SELECT count(*), count(DISTINCT w.site), coalesce(sum(w.site = $3), 0)"
		" FROM website_instance r JOIN website w ON w.number = r.website"
		" WHERE r.instance_number = $1 AND r.website <> $2",
		(const struct value[]){
			V_INT(instance_number), V_INT(except), V_TEXT(website_site(domain)) },
		3, &cursor));
	if (db_next(&cursor))
		*out = (struct website_usage){
			.domains = db_int(&cursor, 0),
			.sites = db_int(&cursor, 1),
			.same_site = db_int(&cursor, 2),
		};
	db_done(&cursor);
	return cursor.err;
}

enum err website_count(struct db *db, int64_t *out)
{
	return select_int(db, "SELECT count(*) FROM website", NULL, 0, out);
}
