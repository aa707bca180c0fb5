/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * READ: take in what the zone holds. WALK, WALK_SITES, WALK_RULES: go through all instances, then all web sites, then all
 * scheduling rules, by number and set what differs. SWEEP: remove names that nobody has. STEADY: only changes. A failure of the server, or
 * a zone that is not the one we left, begins anew with READ; what is right already is not written again.
 *
 * What should be is found out in plan.c.
 *
 * The mark, a TXT record _polder, is new with each commit. Inside each transaction it is compared with
 * what we wrote last: a server that restarted with an empty or an older zone cannot be given a
 * difference by mistake.
 *
 * Positions are changed in a copy that is taken over once the server has committed.
 */
#include "control/dns/publisher_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/text.h"

#define MARK_LABEL "_polder"

/* ---- what is */

static enum err connect_to(struct publisher *publisher, struct dns_server **out)
{
	return publisher->driver->open(&publisher->place, publisher->why, out);
}

/* One record of the zone, as it is read. */
static bool take_record(
	void *context, const char *label, const char *type, int64_t ttl_s, const char *data)
{
	struct publisher *publisher = context;
	struct known_name *name;
	uint8_t address[16];

	if (strcmp(label, MARK_LABEL) == 0) {
		(void)snprintf(publisher->mark, sizeof(publisher->mark), "%s", data);
		return true;
	}
	if (!names_label_valid(label) && !cname_valid(CNAME_WEBSITE, label) &&
		!cname_valid(CNAME_RULE, label))
		return true;
	name = known_add(publisher->known, label);
	/* More than can be remembered: those that are wanted are set again. */
	if (!name)
		return true;
	/* A record of another type makes the sum a wrong one, and the name is set anew. */
	if ((strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0) && text_to_address(data, address))
		name->digest += names_record_digest(address, ttl_s);
	else if (strcmp(type, "CNAME") == 0)
		name->digest += names_target_digest(data, ttl_s);
	else
		name->digest += 1;
	return true;
}

static enum err read_zone(struct publisher *publisher)
{
	struct dns_server *server;
	enum err err;

	known_clear(publisher->known);
	publisher->mark[0] = '\0';
	TRY(connect_to(publisher, &server));
	err = publisher->driver->read(server, NULL, take_record, publisher);
	publisher->driver->close(server);
	return err;
}

static bool take_mark(
	void *context, const char *label, const char *type, int64_t ttl_s, const char *data)
{
	char *mark = context;

	(void)ttl_s;
	if (strcmp(label, MARK_LABEL) == 0 && strcmp(type, "TXT") == 0)
		(void)snprintf(mark, DNS_TEXT_SIZE, "%s", data);
	return true;
}

/* ERR_UNAVAILABLE when the zone is not as we left it. */
static enum err check_mark(struct publisher *publisher, struct dns_server *server)
{
	char mark[DNS_TEXT_SIZE] = "";

	TRY(publisher->driver->read(server, MARK_LABEL, take_mark, mark));
	if (strcmp(mark, publisher->mark) == 0)
		return OK;
	(void)snprintf(publisher->why, sizeof(publisher->why), "the zone is another one");
	return ERR_UNAVAILABLE;
}

/* ---- making it so */

/* Those of one IP version; *further: the name has some already. */
static enum err write_version(struct publisher *publisher, struct dns_server *server,
	const struct edit *edit, bool ipv6, bool *further)
{
	char text[NAMES_ADDRESS_MAX][ADDRESS_TEXT_SIZE];
	const char *data[NAMES_ADDRESS_MAX];
	struct dns_records records = { .type = ipv6 ? "AAAA" : "A",
		.ttl_s = publisher->ttl_s,
		.data = data,
		.fresh = !*further && !known_may_have(publisher->known, edit->label),
		.further = *further };

	for (size_t i = 0; i < edit->answer.count; i++) {
		if (address_is_ipv4(edit->answer.address[i]) == ipv6)
			continue;
		address_format(edit->answer.address[i], text[records.count]);
		data[records.count] = text[records.count];
		records.count++;
	}
	if (records.count == 0)
		return OK;
	*further = true;
	return publisher->driver->set(server, edit->label, &records);
}

static enum err write_target(
	struct publisher *publisher, struct dns_server *server, const struct edit *edit)
{
	char text[WEBSITE_DOMAIN_SIZE + 1];
	const char *data[] = { text };
	struct dns_records records = { .type = "CNAME",
		.ttl_s = publisher->ttl_s,
		.count = 1,
		.data = data,
		.fresh = !known_may_have(publisher->known, edit->label) };

	/* With its last dot: it is not below the zone. */
	(void)snprintf(text, sizeof(text), "%s.", edit->answer.target);
	return publisher->driver->set(server, edit->label, &records);
}

static enum err write_edit(
	struct publisher *publisher, struct dns_server *server, const struct edit *edit)
{
	bool further = false;

	if (edit->answer.count == 0)
		return publisher->driver->remove(server, edit->label);
	if (edit->answer.target)
		return write_target(publisher, server, edit);
	TRY(write_version(publisher, server, edit, false, &further));
	return write_version(publisher, server, edit, true, &further);
}

static enum err write_mark(
	struct publisher *publisher, struct dns_server *server, int64_t generation, char *mark)
{
	const char *data[] = { mark };
	struct dns_records records = { .type = "TXT",
		.ttl_s = publisher->ttl_s,
		.count = 1,
		.data = data,
		.fresh = publisher->mark[0] == '\0' };

	(void)snprintf(mark, DNS_TEXT_SIZE,
		"\"generation=%" PRId64 " commit=%016" PRIx64 "-%" PRIu64 "\"", generation,
		publisher->boot, ++publisher->commits);
	return publisher->driver->set(server, MARK_LABEL, &records);
}

static enum err write_all(
	struct publisher *publisher, struct dns_server *server, const struct plan_of_tick *plan)
{
	char mark[DNS_TEXT_SIZE];

	TRY(publisher->driver->begin(server));
	TRY(check_mark(publisher, server));
	for (size_t i = 0; i < plan->edits; i++)
		TRY(write_edit(publisher, server, &plan->edit[i]));
	TRY(write_mark(publisher, server, plan->next.generation, mark));
	TRY(publisher->driver->commit(server));
	memcpy(publisher->mark, mark, sizeof(mark));
	publisher->marked = true;
	return OK;
}

/* What was committed is known from now on. */
static void remember(struct publisher *publisher, const struct plan_of_tick *plan)
{
	for (size_t i = 0; i < plan->edits; i++) {
		const struct edit *edit = &plan->edit[i];
		struct known_name *name;

		if (edit->answer.count == 0) {
			known_drop(publisher->known, edit->label);
			continue;
		}
		name = known_add(publisher->known, edit->label);
		if (!name) {
			log_error("more names than the zone may hold: %s is not remembered",
				edit->label);
			continue;
		}
		name->digest = edit->digest;
		name->wanted = true;
	}
}

static enum err write_plan(struct publisher *publisher, const struct plan_of_tick *plan)
{
	struct dns_server *server;
	enum err err;

	TRY(connect_to(publisher, &server));
	err = write_all(publisher, server, plan);
	publisher->driver->close(server);
	if (err == OK)
		remember(publisher, plan);
	return err;
}

static enum err check_zone(struct publisher *publisher)
{
	struct dns_server *server;
	enum err err;

	TRY(connect_to(publisher, &server));
	err = check_mark(publisher, server);
	publisher->driver->close(server);
	return err;
}

/* ---- a tick */

static enum err start_over(struct publisher *publisher, struct db *db, int64_t now_ms)
{
	struct position position = { .stage = STAGE_WALK, .span_low = now_ms, .span_high = now_ms };
	enum err err;

	TRY(db_begin(db, DB_READ));
	err = change_generation(db, &position.generation);
	db_rollback(db);
	TRY(err);
	TRY(read_zone(publisher));
	publisher->position = position;
	publisher->marked = false;
	return OK;
}

static enum err make_plan(struct plan_of_tick *plan)
{
	enum err err;

	plan->edit = arena_array(plan->mem, NAMES_BATCH, sizeof(*plan->edit));
	if (!plan->edit)
		return ERR_MEMORY;
	TRY(db_begin(plan->db, DB_READ));
	err = plan_look(plan);
	db_rollback(plan->db);
	return err;
}

static enum err step(struct publisher *publisher, struct plan_of_tick *plan, int64_t monotonic_ms)
{
	enum stage before = publisher->position.stage;

	if (before == STAGE_READ)
		TRY(start_over(publisher, plan->db, plan->now_ms));
	plan->next = publisher->position;
	TRY(make_plan(plan));
	if (plan->edits > 0 || (plan->next.stage == STAGE_STEADY && !publisher->marked))
		TRY(write_plan(publisher, plan));
	else if (monotonic_ms >= publisher->check_ms)
		TRY(check_zone(publisher));
	else
		goto out;
	publisher->check_ms = monotonic_ms + NAMES_CHECK_MS;
out:
	publisher->position = plan->next;
	if (before != STAGE_STEADY && plan->next.stage == STAGE_STEADY)
		log_info("names: %zu are published in %s", known_count(publisher->known),
			publisher->place.zone);
	return OK;
}

static void failed(struct publisher *publisher, int64_t monotonic_ms)
{
	if (!publisher->away)
		log_warn(
			"names: %s is not kept for now: %s", publisher->place.zone, publisher->why);
	publisher->away = true;
	publisher->position.stage = STAGE_READ;
	publisher->retry_ms = monotonic_ms + publisher->wait_ms;
	publisher->wait_ms *= 2;
	if (publisher->wait_ms > NAMES_RETRY_MAX_MS)
		publisher->wait_ms = NAMES_RETRY_MAX_MS;
}

enum err publisher_tick(struct publisher *publisher, struct db *db, struct arena *mem,
	int64_t now_ms, int64_t monotonic_ms, bool *more)
{
	struct plan_of_tick plan = {
		.publisher = publisher, .db = db, .mem = mem, .now_ms = now_ms
	};
	enum err err;

	*more = false;
	if (publisher->away && monotonic_ms < publisher->retry_ms)
		return ERR_UNAVAILABLE;
	err = step(publisher, &plan, monotonic_ms);
	if (err == ERR_UNAVAILABLE) {
		failed(publisher, monotonic_ms);
		return err;
	}
	TRY(err);
	publisher->away = false;
	publisher->wait_ms = NAMES_RETRY_MS;
	*more = plan.more || publisher->position.stage != STAGE_STEADY;
	return OK;
}

bool publisher_settled(const struct publisher *publisher)
{
	return publisher->position.stage == STAGE_STEADY && !publisher->position.ranging &&
	       !publisher->position.ranging_sites && publisher->marked && !publisher->away;
}

enum err publisher_new(const struct dns_driver *driver, const struct names_settings *settings,
	size_t names_max, struct publisher **out)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return ERR_MEMORY;
	publisher->driver = driver;
	publisher->place = (struct dns_place){ .socket = settings->socket, .zone = settings->zone };
	publisher->ttl_s = settings->ttl_s;
	publisher->wait_ms = NAMES_RETRY_MS;
	publisher->known = known_new(names_max);
	if (!publisher->known ||
		RAND_bytes((unsigned char *)&publisher->boot, sizeof(publisher->boot)) != 1) {
		publisher_free(publisher);
		return ERR_MEMORY;
	}
	*out = publisher;
	return OK;
}

void publisher_free(struct publisher *publisher)
{
	if (!publisher)
		return;
	known_free(publisher->known);
	free(publisher);
}
