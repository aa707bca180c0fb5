/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What binds the parts together: settings of the table from the snapshot's head, refusals into the node's list, steering
 * into the packet path. Before the first snapshot nothing is written: workers go on with the table of before.
 */
#include "agent/request_path.h"

#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "agent/crawlers.h"
#include "agent/region.h"
#include "agent/region_table.h"
#include "agent/request_keys.h"
#include "agent/request_log.h"
#include "agent/request_logged.h"
#include "agent/request_sources.h"
#include "agent/request_staples.h"
#include "agent/requests.h"
#include "agent/resolve.h"
#include "agent/site_traffic.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/site.h"
#include "base/text.h"

#define AGE_EVERY_MS MINUTE_MS

struct request_path {
	struct packets *packets;
	struct steer *steer;
	struct node_state *state;
	struct request_table *table;
	struct requests *requests;
	struct name_server *server;
	struct resolve *resolve;
	struct crawlers *crawlers;
	struct request_log *log;
	struct request_logged *logged;
	struct site_traffic *traffic;
	struct request_staples *staples;
	int64_t aged_ms; /* monotonic: when responses and crawlers were looked at for their ends */
	struct record_request_ban ban[REQUEST_BAN_MAX];
	size_t bans;		     /* of the last report */
	uint8_t *answer;	     /* LOG_OUTBOX_BYTES */
	size_t answers;		     /* bytes of them in the last report */
	struct record_requests node; /* as last told */
	bool told;		     /* the two below come from the control */
	uint8_t secret[32];
	int64_t life_offset_ms;
	struct table_settings now; /* as last written */
};

/* --- outputs ----------------------------------------------------------------------------------------------- */

static bool put(void *context, const struct address *vip, uint32_t instance, uint16_t port,
	enum steer_listener listener)
{
	struct request_path *path = context;

	return steer_put(path->steer, vip, instance, port, listener);
}

static bool delete (void *context, const struct address *vip, uint32_t instance, uint16_t port)
{
	struct request_path *path = context;

	return steer_delete(path->steer, vip, instance, port);
}

static void mark_unseen(void *context)
{
	struct request_path *path = context;

	steer_mark_unseen(path->steer);
}

static void remove_unseen(void *context)
{
	struct request_path *path = context;

	steer_remove_unseen(path->steer);
}

static void refuse(void *context, uint32_t type, uint32_t id, const char *why)
{
	struct request_path *path = context;

	node_state_refuse(path->state, type, id, why);
}

/* --- settings ---------------------------------------------------------------------------------------------- */

/* A failure was logged; the next tick tries again, and what was there stays. */
static void write_settings(struct request_path *path, int64_t utc_now_ms)
{
	struct table_key key = { TABLE_SETTINGS, 0, NULL };
	struct table_settings next = path->now;

	if (!path->told)
		return;
	next.life_offset_ms = path->life_offset_ms;
	if (!request_keys_fill(path->secret, utc_now_ms, &next))
		return;
	if (request_table_put(path->table, &key, &next, sizeof(next)) == OK)
		path->now = next;
	explicit_bzero(&next, sizeof(next));
}

static void read_proxies(struct request_path *path, const struct text_list *list)
{
	for (size_t i = 0; i < list->count && i < TRUSTED_PROXY_MAX; i++) {
		struct table_prefix *prefix = &path->now.proxy[path->now.proxy_count++];
		unsigned bits = 0;

		/* The settings were checked. */
		(void)text_to_prefix(list->item[i], prefix->address.byte, &bits);
		prefix->bits = bits;
	}
}

/* What is there already is left by an agent with other settings. */
static enum err write_regions(struct request_path *path, const struct text_list *list)
{
	static struct table_prefix prefix[TABLE_REGION_MAX];
	struct table_key key = { TABLE_REGIONS, 0, NULL };
	size_t count = 0;

	for (; count < list->count && count < TABLE_REGION_MAX; count++) {
		struct region_override override = { .bits = 0 };

		/* The settings were checked. */
		(void)region_override_read(list->item[count], &override);
		prefix[count] =
			(struct table_prefix){ override.address, override.bits, override.country };
	}
	if (count > 0)
		return request_table_put(path->table, &key, prefix, count * sizeof(prefix[0]));
	(void)request_table_delete(path->table, &key);
	return OK;
}

static enum err write_sources(struct request_path *path, const struct agent_settings *settings)
{
	struct table_key key = { TABLE_SOURCES, 0, NULL };
	struct table_sources sources;

	request_sources_fill(settings, &sources);
	if (sources.ports[0].count + sources.ports[1].count == 0)
		log_warn(
			"flows may use every port: nginx asks origins from where the host chooses");
	return request_table_put(path->table, &key, &sources, sizeof(sources));
}

/* --- names of origins -------------------------------------------------------------------------------------- */

static void found(void *context, const char *name, size_t length, const struct table_name *list)
{
	struct request_path *path = context;
	struct table_key key = { TABLE_NAME, (uint16_t)length, name };

	if (request_table_put(path->table, &key, list, sizeof(*list)) != OK)
		log_warn(
			"origin %.*s keeps its addresses until the next answer", (int)length, name);
}

static void gone(void *context, const char *name, size_t length)
{
	struct request_path *path = context;
	struct table_key key = { TABLE_NAME, (uint16_t)length, name };

	(void)request_table_delete(path->table, &key);
}

static void want_origins(struct request_path *path, const struct site *site)
{
	const struct site_origin *origin = site_list_at(site, site->origins);

	for (unsigned i = 0; i < site->origins.count; i++) {
		if (origin[i].name.length > 0 &&
			!resolve_want(path->resolve, site_text_at(site, origin[i].name),
				origin[i].name.length))
			node_state_refuse(path->state, RECORD_SITE, site->number,
				"table of origins' names is full");
	}
}

/* Sites of the table say which names are wanted; those that an agent of before wanted are let go, too. */
static void follow_names(struct request_path *path)
{
	const struct table_record *record;
	uint64_t cursor = 0;

	resolve_mark_unseen(path->resolve);
	while ((record = request_table_next(path->table, &cursor))) {
		if (record->kind == TABLE_SITE)
			want_origins(path, request_table_body(record));
	}
	resolve_remove_unseen(path->resolve);
	cursor = 0;
	while ((record = request_table_next(path->table, &cursor))) {
		struct table_key key = { record->kind, record->key_length, record->key };

		if (record->kind == TABLE_NAME &&
			!resolve_wants(
				path->resolve, (const char *)record->key, record->key_length))
			(void)request_table_delete(path->table, &key);
	}
}

/* --- crawlers ---------------------------------------------------------------------------------------------- */

static void ask_about_crawlers(struct request_path *path)
{
	static struct log_crawler asked[LOG_CRAWLER_MAX];
	size_t count = request_log_take_crawlers(path->log, asked);

	for (size_t i = 0; i < count; i++)
		crawlers_ask(path->crawlers, &asked[i].source, asked[i].crawler);
}

static void follow_sites(struct request_path *path)
{
	if (!requests_changed(path->requests))
		return;
	follow_names(path);
	request_logged_follow(path->logged);
	request_staples_follow(path->staples);
}

/* --- beginning and end ------------------------------------------------------------------------------------- */

static enum err find_group(const struct agent_settings *settings, gid_t *out)
{
	const struct group *group = NULL;

	*out = (gid_t)-1;
	if (!settings->requests_group)
		return OK;
	group = getgrnam(settings->requests_group);
	if (!group)
		return fail(ERR_INVALID_PARAMETER, "--requests-group: no group %s",
			settings->requests_group);
	*out = group->gr_gid;
	return OK;
}

static void check_folder(const char *folder)
{
	struct statfs system;

	if (statfs(folder, &system) == 0 && (unsigned long)system.f_type != TMPFS_MAGIC &&
		(unsigned long)system.f_type != RAMFS_MAGIC)
		log_warn("%s is on no tmpfs: private keys are written to a disk", folder);
}

static const char *country_of(void *context, const struct address *address)
{
	const struct request_path *path = context;

	return region_name(path->packets, address);
}

static enum err begin(const struct agent_settings *settings, struct request_path *path)
{
	const struct resolve_output names = { .context = path, .found = found, .gone = gone };
	const struct request_log_settings log = { .requests = settings->requests,
		.folder = settings->request_log,
		.limits = { .days = settings->request_log_days,
			.site_bytes_max = settings->request_log_site_bytes,
			.bytes_max = settings->request_log_bytes },
		.country_of = country_of,
		.context = path };
	gid_t group;

	path->answer = calloc(1, LOG_OUTBOX_BYTES);
	if (!path->answer)
		return ERR_MEMORY;
	path->node.bytes_max = settings->request_log_bytes;

	TRY(find_group(settings, &group));
	TRY(request_table_open(settings->requests, group, &path->table));
	check_folder(settings->requests);
	path->requests = requests_new(path->table);
	if (!path->requests)
		return ERR_MEMORY;
	path->server = name_server_open(settings->resolver);
	if (!path->server)
		return fail(ERR_SYSTEM, "the resolver of names cannot be set up");
	path->resolve = resolve_new(path->server, &names);
	if (!path->resolve)
		return ERR_MEMORY;
	path->crawlers = crawlers_new(path->server, path->table);
	if (!path->crawlers)
		return ERR_MEMORY;
	path->traffic = site_traffic_new(settings->requests);
	if (!path->traffic)
		return ERR_MEMORY;
	read_proxies(path, &settings->trusted_proxy);
	TRY(write_regions(path, &settings->region_override));
	TRY(write_sources(path, settings));
	TRY(request_staples_open(path->table, &path->staples));
	TRY(request_log_open(&log, &path->log));
	path->logged = request_logged_new(path->table, path->state, path->log);
	return path->logged ? OK : ERR_MEMORY;
}

enum err request_path_open(const struct agent_settings *settings, struct packets *packets,
	struct steer *steer, struct node_state *state, struct request_path **out)
{
	struct request_path *path;
	enum err err;

	*out = NULL;
	if (!settings->requests) {
		/* What an agent with the setting left leads nowhere. */
		steer_mark_unseen(steer);
		steer_remove_unseen(steer);
		return OK;
	}
	path = calloc(1, sizeof(*path));
	if (!path)
		return ERR_MEMORY;
	path->packets = packets;
	path->steer = steer;
	path->state = state;
	err = begin(settings, path);
	if (err != OK) {
		request_path_close(path);
		return err;
	}
	*out = path;
	return OK;
}

void request_path_close(struct request_path *path)
{
	if (!path)
		return;
	request_logged_free(path->logged);
	request_log_close(path->log);
	free(path->answer);
	request_staples_close(path->staples);
	site_traffic_free(path->traffic);
	name_server_close(path->server);
	resolve_free(path->resolve);
	crawlers_free(path->crawlers);
	requests_free(path->requests);
	request_table_close(path->table);
	explicit_bzero(path->secret, sizeof(path->secret));
	explicit_bzero(&path->now, sizeof(path->now));
	free(path);
}

/* --- work -------------------------------------------------------------------------------------------------- */

static void turn(struct request_path *path, int64_t monotonic_now_ms)
{
	name_server_turn(path->server, monotonic_now_ms);
	resolve_turn(path->resolve);
	crawlers_turn(path->crawlers, clock_utc_ms());
}

enum err request_path_apply(struct request_path *path, const struct snapshot *snapshot)
{
	const struct requests_output output = { .context = path,
		.steer_put = put,
		.steer_delete = delete,
		.mark_unseen = mark_unseen,
		.remove_unseen = remove_unseen,
		.refuse = refuse };
	enum err err;

	if (!path)
		return OK;
	memcpy(path->secret, snapshot->header.cookie_secret, sizeof(path->secret));
	path->life_offset_ms = snapshot->header.life_offset_ms;
	path->told = true;
	/* The clock first: deadlines of the snapshot are meant in its time. */
	write_settings(path, clock_utc_ms());
	err = requests_apply(path->requests, snapshot, &output);
	follow_sites(path);
	request_logged_apply(path->logged, snapshot);
	turn(path, clock_monotonic_ms());
	return err;
}

int request_path_fd(const struct request_path *path)
{
	return path ? name_server_fd(path->server) : -1;
}

void request_path_turn(struct request_path *path, int64_t monotonic_now_ms)
{
	if (path)
		turn(path, monotonic_now_ms);
}

/* What is in the table for a time leaves it; that of an agent of before, too. */
static void age(struct request_path *path, int64_t utc_now_ms, int64_t monotonic_now_ms)
{
	if (path->aged_ms != 0 && monotonic_now_ms - path->aged_ms < AGE_EVERY_MS)
		return;
	path->aged_ms = monotonic_now_ms;
	request_staples_age(path->staples, utc_now_ms);
	crawlers_age(path->crawlers, utc_now_ms);
}

void request_path_tick(struct request_path *path, int64_t utc_now_ms, int64_t monotonic_now_ms)
{
	if (!path)
		return;
	write_settings(path, utc_now_ms);
	request_table_tick(path->table, monotonic_now_ms);
	follow_sites(path);
	request_staples_take(path->staples);
	age(path, utc_now_ms, monotonic_now_ms);
	ask_about_crawlers(path);
	turn(path, monotonic_now_ms);
}

/* --- reports ----------------------------------------------------------------------------------------------- */

static bool is_wanted(void *context, uint32_t number)
{
	const struct request_path *path = context;

	return requests_has_site(path->requests, number);
}

/* bytes_max is a setting, and moves nothing. */
static void read_node(struct request_path *path, struct record_requests *out)
{
	struct request_log_counts counts;

	request_log_counts(path->log, &counts);
	*out = (struct record_requests){ .record = { RECORD_REQUESTS, sizeof(*out), 1 },
		.records = counts.records,
		.lost = counts.lost,
		.broken = counts.broken,
		.lines = counts.files.lines,
		.dropped_lines = counts.files.dropped_lines,
		.shortened_bytes = counts.files.shortened_bytes,
		.bytes = counts.files.bytes,
		.bytes_max = path->node.bytes_max };
	site_traffic_node(path->traffic, &out->node);
}

bool request_path_read(struct request_path *path, bool full)
{
	struct record_requests node;

	if (!path)
		return false;
	site_traffic_read(path->traffic, path->told ? is_wanted : NULL, path, clock_monotonic_ms());
	if (full) {
		site_traffic_tell_all(path->traffic);
		request_log_tell_used(path->log);
		path->node.record.id = 0;
	}
	read_node(path, &node);
	path->bans = request_log_bans(path->log, path->ban);
	return path->bans > 0 || site_traffic_has_next(path->traffic) ||
	       request_log_has_answers(path->log) || request_log_has_window(path->log) ||
	       memcmp(&node, &path->node, sizeof(node)) != 0;
}

uint32_t request_path_next_top(struct request_path *path, struct record_site_top *out)
{
	return path ? request_log_take_top(path->log, out) : 0;
}

uint32_t request_path_next_refused(struct request_path *path, struct record_sighted *out)
{
	return path ? request_log_take_refused(path->log, out) : 0;
}

bool request_path_next_visitors(struct request_path *path, struct record_visitors *out)
{
	return path && request_log_take_visitors(path->log, out);
}

bool request_path_next_used(struct request_path *path, struct record_log_used *out)
{
	struct log_used used;

	if (!path || !request_log_next_used(path->log, &used))
		return false;
	*out = (struct record_log_used){ { RECORD_LOG_USED, sizeof(*out), used.account },
		used.bytes };
	return true;
}

bool request_path_node(struct request_path *path, struct record_requests *out)
{
	if (!path)
		return false;
	read_node(path, out);
	if (memcmp(out, &path->node, sizeof(*out)) == 0)
		return false;
	path->node = *out;
	return true;
}

const uint8_t *request_path_answers(struct request_path *path, size_t *bytes)
{
	*bytes = 0;
	if (!path)
		return NULL;
	*bytes = path->answers = request_log_answers(path->log, path->answer);
	return path->answer;
}

bool request_path_next_traffic(struct request_path *path, struct record_site_traffic *out)
{
	int64_t begun_ms, age_ms;

	if (!path || !site_traffic_next(path->traffic, &out->counter, &begun_ms))
		return false;
	age_ms = begun_ms ? clock_monotonic_ms() - begun_ms : 0;
	out->age_ms = age_ms < SITE_AGE_MAX_MS ? (uint32_t)age_ms : 0;
	out->reserved = 0;
	out->record = (struct record){ RECORD_SITE_TRAFFIC, sizeof(*out), out->counter.number };
	return true;
}

const struct record_request_ban *request_path_bans(struct request_path *path, size_t *count)
{
	*count = path ? path->bans : 0;
	return path ? path->ban : NULL;
}

void request_path_told(struct request_path *path, bool accepted)
{
	if (!path)
		return;
	if (accepted) {
		request_log_told(path->log, path->bans);
		request_log_answered(path->log, path->answers);
	}
	path->bans = 0;
	path->answers = 0;
}
