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

#include "agent/request_keys.h"
#include "agent/requests.h"
#include "agent/resolve.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/site.h"
#include "base/text.h"

struct request_path {
	struct steer *steer;
	struct node_state *state;
	struct request_table *table;
	struct requests *requests;
	struct resolve *resolve;
	bool told; /* the two below come from the control */
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

	if (!requests_changed(path->requests))
		return;
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

static enum err begin(const struct agent_settings *settings, struct request_path *path)
{
	const struct resolve_output names = { .context = path, .found = found, .gone = gone };
	gid_t group;

	TRY(find_group(settings, &group));
	TRY(request_table_open(settings->requests, group, &path->table));
	check_folder(settings->requests);
	path->requests = requests_new(path->table);
	if (!path->requests)
		return ERR_MEMORY;
	path->resolve = resolve_new(settings->resolver, &names);
	if (!path->resolve)
		return fail(ERR_SYSTEM, "the resolver of origins' names cannot be set up");
	read_proxies(path, &settings->trusted_proxy);
	return OK;
}

enum err request_path_open(const struct agent_settings *settings, struct steer *steer,
	struct node_state *state, struct request_path **out)
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
	resolve_free(path->resolve);
	requests_free(path->requests);
	request_table_close(path->table);
	explicit_bzero(path->secret, sizeof(path->secret));
	explicit_bzero(&path->now, sizeof(path->now));
	free(path);
}

/* --- work -------------------------------------------------------------------------------------------------- */

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
	follow_names(path);
	resolve_turn(path->resolve, clock_monotonic_ms());
	return err;
}

int request_path_fd(const struct request_path *path)
{
	return path ? resolve_fd(path->resolve) : -1;
}

void request_path_turn(struct request_path *path, int64_t monotonic_now_ms)
{
	if (path)
		resolve_turn(path->resolve, monotonic_now_ms);
}

void request_path_tick(struct request_path *path, int64_t utc_now_ms, int64_t monotonic_now_ms)
{
	if (!path)
		return;
	write_settings(path, utc_now_ms);
	request_table_tick(path->table, monotonic_now_ms);
	follow_names(path);
	resolve_turn(path->resolve, monotonic_now_ms);
}
