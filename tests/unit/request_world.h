/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node's request path for tests: a table in a folder of its own, a steering that remembers, and snapshots written
 * record by record.
 */
#ifndef TESTS_UNIT_REQUEST_WORLD_H
#define TESTS_UNIT_REQUEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/requests.h"
#include "base/site.h"
#include "base/text.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

#define STEERED_MAX 512
#define DRAFT_BYTES (4u << 20)

struct steered {
	struct address vip;
	uint32_t instance;
	uint16_t port;
	enum steer_listener listener;
	bool seen;
};

struct request_world {
	char folder[64];
	struct request_table *table;
	struct requests *requests;
	struct requests_output output;
	struct steered steered[STEERED_MAX];
	unsigned steered_count, puts, deletes;
	bool steer_fails;
	unsigned refused;
	uint32_t refused_type, refused_id; /* the last */
	char refused_why[64];
	uint64_t generation;
};

static inline struct address address_of(const char *text)
{
	struct address address;

	if (!text_to_address(text, address.byte))
		abort();
	return address;
}

/* --- steering ---------------------------------------------------------------------------------------------- */

/* As agent/steer.h: by address and port; an instance takes it over from another. */
static inline struct steered *find_steered(
	struct request_world *world, const struct address *vip, uint16_t port)
{
	for (unsigned i = 0; i < world->steered_count; i++) {
		struct steered *steered = &world->steered[i];

		if (steered->port == port && memcmp(&steered->vip, vip, sizeof(*vip)) == 0)
			return steered;
	}
	return NULL;
}

/* What is steered must be served: its address is in the table, and a site of its instance is there. */
static inline void check_served(
	const struct request_world *world, const struct address *vip, uint32_t instance)
{
	struct table_key key = { TABLE_VIP, sizeof(*vip), vip };
	const struct table_record *record;
	const struct table_vip *value;
	uint64_t cursor = 0;
	bool found = false;
	size_t length;

	value = request_table_find(world->table, &key, &length);
	assert_non_null(value);
	assert_int_equal(value->instance, instance);
	while ((record = request_table_next(world->table, &cursor)))
		found |= record->kind == TABLE_SITE &&
			 site_has_instance(request_table_body(record), instance);
	assert_true(found);
}

static inline bool world_steer_put(void *context, const struct address *vip, uint32_t instance,
	uint16_t port, enum steer_listener listener)
{
	struct request_world *world = context;
	struct steered *steered = find_steered(world, vip, port);

	check_served(world, vip, instance);
	world->puts++;
	if (world->steer_fails)
		return false;
	if (!steered) {
		assert_true(world->steered_count < STEERED_MAX);
		steered = &world->steered[world->steered_count++];
	}
	*steered = (struct steered){ *vip, instance, port, listener, true };
	return true;
}

static inline bool world_steer_delete(
	void *context, const struct address *vip, uint32_t instance, uint16_t port)
{
	struct request_world *world = context;
	struct steered *steered = find_steered(world, vip, port);

	world->deletes++;
	if (!steered || steered->instance != instance)
		return true;
	check_served(world, vip, instance);
	*steered = world->steered[--world->steered_count];
	return true;
}

static inline void world_mark_unseen(void *context)
{
	struct request_world *world = context;

	for (unsigned i = 0; i < world->steered_count; i++)
		world->steered[i].seen = false;
}

static inline void world_remove_unseen(void *context)
{
	struct request_world *world = context;

	for (unsigned i = 0; i < world->steered_count;) {
		if (world->steered[i].seen)
			i++;
		else
			world->steered[i] = world->steered[--world->steered_count];
	}
}

static inline void world_refuse(void *context, uint32_t type, uint32_t id, const char *why)
{
	struct request_world *world = context;

	world->refused++;
	world->refused_type = type;
	world->refused_id = id;
	(void)snprintf(world->refused_why, sizeof(world->refused_why), "%s", why);
}

/* -1: none. */
static inline int steered_to(struct request_world *world, const char *vip, uint16_t port)
{
	struct address address = address_of(vip);
	const struct steered *steered = find_steered(world, &address, port);

	return steered ? (int)steered->listener : -1;
}

/* --- the world --------------------------------------------------------------------------------------------- */

static inline void world_start(struct request_world *world)
{
	if (request_table_open(world->folder, (gid_t)-1, &world->table) != OK)
		abort();
	world->requests = requests_new(world->table);
	if (!world->requests)
		abort();
	world->generation = 0;
}

static inline void world_stop(struct request_world *world)
{
	requests_free(world->requests);
	request_table_close(world->table);
	world->requests = NULL;
	world->table = NULL;
}

static inline int request_world_up(void **state)
{
	struct request_world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	*state = world;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-requests-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	world->output = (struct requests_output){ .context = world,
		.steer_put = world_steer_put,
		.steer_delete = world_steer_delete,
		.mark_unseen = world_mark_unseen,
		.remove_unseen = world_remove_unseen,
		.refuse = world_refuse };
	world_start(world);
	return 0;
}

static inline int request_world_down(void **state)
{
	struct request_world *world = *state;
	char path[96];

	world_stop(world);
	(void)snprintf(path, sizeof(path), "%s/table", world->folder);
	(void)unlink(path);
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

/* --- snapshots --------------------------------------------------------------------------------------------- */

struct draft {
	struct snapshot_header header;
	uint8_t record[DRAFT_BYTES];
};

static inline struct draft *draft_new(struct request_world *world, bool full)
{
	struct draft *draft = calloc(1, sizeof(*draft));

	if (!draft)
		abort();
	draft->header = (struct snapshot_header){ .magic = SNAPSHOT_MAGIC,
		.version = SNAPSHOT_VERSION,
		.flags = full ? SNAPSHOT_FULL : 0,
		.base_generation = world->generation,
		.generation = world->generation + 1 };
	return draft;
}

static inline void *draft_add(struct draft *draft, uint16_t type, size_t length, uint32_t id)
{
	struct record *record = (void *)(draft->record + draft->header.byte_count);

	length = (length + 7) & ~(size_t)7;
	assert_true(length <= DRAFT_BYTES - draft->header.byte_count);
	memset(record, 0, length);
	*record = (struct record){ type, (uint16_t)length, id };
	draft->header.byte_count += (uint32_t)length;
	draft->header.record_count++;
	return record;
}

static inline struct record_instance *draft_instance(
	struct draft *draft, uint32_t id, const char *vip)
{
	struct record_instance *record = draft_add(draft, RECORD_INSTANCE, sizeof(*record), id);

	record->mitigation_until_ms = 1000 + id;
	record->forward_until_ms = 2000 + id;
	record->requests_max = 500;
	for (const char *at = vip; at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL) {
		char one[64];

		(void)snprintf(one, sizeof(one), "%.*s", (int)strcspn(at, " "), at);
		record->vip[record->vip_count++] = address_of(one);
	}
	return record;
}

static inline void draft_remove(struct draft *draft, uint32_t type, uint32_t id)
{
	struct record_remove *record = draft_add(draft, RECORD_REMOVE, sizeof(*record), id);

	record->removed_type = type;
}

struct draft_site {
	uint32_t number;
	const char *domain;
	uint32_t instance[3]; /* up to the first 0 */
	struct site_port port[4];
	uint32_t certificate;
	const char *origin_name;
	uint32_t flags;
};

static inline void draft_site(struct draft *draft, const struct draft_site *from)
{
	static uint64_t bytes[SITE_BYTES_MAX / 8];
	struct site_builder builder;
	struct site *site = site_begin(&builder, bytes, sizeof(bytes));
	struct record_site *record;
	unsigned count = 0;
	void *list;
	size_t length;

	site->number = from->number;
	site->flags = from->flags;
	site->certificate = from->certificate;
	site->domain = site_add_text(&builder, from->domain, strlen(from->domain));
	while (count < 3 && from->instance[count])
		count++;
	list = site_add_list(&builder, &site->instances, count, sizeof(uint32_t));
	if (list)
		memcpy(list, from->instance, count * sizeof(uint32_t));
	for (count = 0; count < 4 && from->port[count].port;)
		count++;
	list = site_add_list(&builder, &site->ports, count, sizeof(struct site_port));
	if (list)
		memcpy(list, from->port, count * sizeof(struct site_port));
	if (from->origin_name) {
		struct site_origin *origin =
			site_add_list(&builder, &site->origins, 1, sizeof(*origin));

		*origin = (struct site_origin){ .weight = 100,
			.connect_timeout_seconds = 5,
			.read_timeout_seconds = 5,
			.send_timeout_seconds = 5,
			.name = site_add_text(
				&builder, from->origin_name, strlen(from->origin_name)) };
		site->flags |= SITE_NAMES;
	}
	length = site_end(&builder);
	assert_int_not_equal(length, 0);
	record = draft_add(draft, RECORD_SITE, sizeof(*record) + length, from->number);
	memcpy(record->site, bytes, length);
}

/* One shipped rule, of that number. */
static inline void draft_rules(struct draft *draft, uint16_t number)
{
	static uint64_t bytes[128];
	struct site_builder builder;
	struct site *site = site_begin(&builder, bytes, sizeof(bytes));
	struct site_rule *rule;
	struct record_rules *record;
	size_t length;

	site->number = 1;
	site->domain = site_add_text(&builder, "*", 1);
	rule = site_add_list(&builder, &site->rules, 1, sizeof(*rule));
	*rule = (struct site_rule){ .number = CHOICE_NUMBER(number),
		.check = CHECK_global,
		.action = RULE_BLOCK,
		.until_ms = INT64_MAX };
	length = site_end(&builder);
	record = draft_add(draft, RECORD_RULES, sizeof(*record) + length, RULES_ID);
	memcpy(record->site, bytes, length);
}

static inline void draft_certificate(
	struct draft *draft, uint32_t number, uint32_t version, const char *key)
{
	size_t chain = 5, length = sizeof(struct certificate) + chain + strlen(key);
	struct record_certificate *record =
		draft_add(draft, RECORD_CERTIFICATE, sizeof(*record) + length, number);
	struct certificate head = { number, version, (uint32_t)chain, (uint32_t)strlen(key) };

	memcpy(record->certificate, &head, sizeof(head));
	memcpy(record->certificate + sizeof(head), "chain", chain);
	memcpy(record->certificate + sizeof(head) + chain, key, strlen(key));
}

/* Also decodes, as the agent does. */
static inline enum err draft_apply(struct request_world *world, struct draft *draft)
{
	struct snapshot snapshot;
	const char *why = NULL;
	enum err err;

	if (snapshot_decode(
		    draft, sizeof(draft->header) + draft->header.byte_count, &snapshot, &why) != OK)
		fail_msg("snapshot: %s", why);
	err = requests_apply(world->requests, &snapshot, &world->output);
	if (err == OK)
		world->generation = draft->header.generation;
	free(draft);
	return err;
}

static inline bool in_table(
	const struct request_world *world, uint16_t kind, const void *key, size_t length)
{
	struct table_key of = { kind, (uint16_t)length, key };
	size_t body;

	return request_table_find(world->table, &of, &body) != NULL;
}

static inline bool has_domain(const struct request_world *world, const char *domain)
{
	return in_table(world, TABLE_SITE, domain, strlen(domain));
}

static inline bool has_vip(const struct request_world *world, const char *vip)
{
	struct address address = address_of(vip);

	return in_table(world, TABLE_VIP, &address, sizeof(address));
}

static inline bool has_certificate(const struct request_world *world, uint32_t number)
{
	return in_table(world, TABLE_CERTIFICATE, &number, sizeof(number));
}

#endif
