/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * READ: take in what the zone holds. WALK, WALK_SITES, WALK_RULES: go through all instances, then all web sites, then all
 * scheduling rules, by number and set what differs. SWEEP: remove names that nobody has. STEADY: only changes. A failure of the server, or
 * a zone that is not the one we left, begins anew with READ; what is right already is not written again.
 *
 * In every stage but READ a tick looks at what the change log names, and at instances and sites whose (or whose
 * instance's) end of forwarding lies between the presents at which names were evaluated. That range is drawn from the lowest
 * and the highest present since the last range was drawn (span_low, span_high), not from the last two:
 * while a long range is being worked through the clock may jump there and back, and a name that was
 * evaluated at the far end must be looked at again. After a range is done each name is right for some
 * present in the span, so the next range finds all that are not right for the newest one.
 *
 * The mark, a TXT record _polder, is new with each commit. Inside each transaction it is compared with
 * what we wrote last: a server that restarted with an empty or an older zone cannot be given a
 * difference by mistake.
 *
 * Positions are changed in a copy that is taken over once the server has committed.
 */
#include "control/dns/publisher.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/text.h"
#include "control/dns/known.h"
#include "control/dns/names.h"
#include "control/model/lifecycle.h"
#include "control/store/name.h"

#define MARK_LABEL "_polder"

enum stage {
	STAGE_READ,
	STAGE_WALK,
	STAGE_WALK_SITES,
	STAGE_WALK_RULES,
	STAGE_SWEEP,
	STAGE_STEADY
};

/* How far the store has been looked through. */
struct position {
	enum stage stage;
	int64_t generation; /* of the change log */
	int64_t walked; /* WALK: number of the last instance; WALK_SITES, WALK_RULES: of the last site, rule */
	int64_t span_low, span_high; /* presents since the last range was drawn */
	bool ranging;		     /* a range of expiry times is being worked through: */
	int64_t range_ms, range_number, range_end_ms;
	bool ranging_sites; /* and those of sites */
	struct name_site_due range_site;
};

struct publisher {
	const struct dns_driver *driver;
	struct dns_place place;
	int64_t ttl_s;
	struct known *known;
	struct position position;
	uint64_t boot, commits;	  /* make each mark a new one */
	char mark[DNS_TEXT_SIZE]; /* as the server gives it back; "": none was seen or written */
	int64_t check_ms, retry_ms, wait_ms; /* monotonic: next check, next try; and its back-off */
	bool marked; /* the zone carries a mark of ours: it can be told from another */
	bool away;
	char why[DNS_WHY_SIZE];
};

/* What one tick changes in the zone. */
struct edit {
	char label[INSTANCE_ID_SIZE];
	struct names_answer answer; /* count 0: remove */
	uint64_t digest;
};
struct plan_of_tick {
	struct publisher *publisher;
	struct db *db;
	struct arena *mem;
	int64_t now_ms;
	struct position next;
	struct edit *edit;
	size_t edits, looked; /* each at most NAMES_BATCH */
	bool more;
};

static size_t room(const struct plan_of_tick *plan)
{
	return NAMES_BATCH - plan->looked;
}

/* ---- what should be */

/* id: of an instance, or the label of a site or rule. */
static void want(struct plan_of_tick *plan, const char *id, const struct names_answer *answer)
{
	struct publisher *publisher = plan->publisher;
	uint64_t digest = names_digest(answer, publisher->ttl_s);
	struct edit *edit = &plan->edit[plan->edits];
	struct known_name *name;

	assert(plan->edits < NAMES_BATCH);
	names_label(id, edit->label);
	name = known_find(publisher->known, edit->label);
	if (name)
		name->wanted = answer->count > 0;
	if ((name ? name->digest : 0) == digest)
		return;
	edit->answer = *answer;
	edit->digest = digest;
	plan->edits++;
}

static enum err want_instance(struct plan_of_tick *plan, const struct instance *instance)
{
	struct names_answer answer;
	uint8_t(*origin)[16] = NULL;
	size_t count = 0;

	if (names_need_origins(instance, plan->now_ms))
		TRY(name_origins(
			plan->db, plan->mem, instance->number, NAMES_ADDRESS_MAX, &origin, &count));
	names_answer(instance, origin, count, plan->now_ms, &answer);
	want(plan, instance->id, &answer);
	plan->looked++;
	return OK;
}

/* An instance of which only the number is known: it may be gone. */
static enum err want_number(struct plan_of_tick *plan, int64_t number)
{
	struct names_answer nothing;
	struct instance instance;
	char id[INSTANCE_ID_SIZE];
	enum err err = name_instance(plan->db, plan->mem, number, &instance);

	if (err == OK)
		return want_instance(plan, &instance);
	if (err != ERR_INSTANCE_NOT_FOUND)
		return err;
	plan->looked++;
	err = name_released(plan->db, number, id);
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	names_answer(NULL, NULL, 0, plan->now_ms, &nothing);
	want(plan, id, &nothing);
	return OK;
}

/* What only the number is known of, and is gone. */
static enum err want_nothing(struct plan_of_tick *plan, enum name_owner owner, int64_t number)
{
	const struct names_answer nothing = { 0 };
	char label[CNAME_SIZE];
	enum err err = name_gone(plan->db, owner, number, label);

	if (err == OK)
		want(plan, label, &nothing);
	return err == ERR_NOT_FOUND ? OK : err;
}

static enum err want_rule(struct plan_of_tick *plan, int64_t number)
{
	struct scheduler_rule rule;
	struct names_answer answer;
	enum err err = scheduler_load_number(plan->db, plan->mem, number, &rule);

	plan->looked++;
	if (err == ERR_SCHEDULER_NOT_FOUND)
		return want_nothing(plan, NAME_RULE, number);
	TRY(err);
	names_rule_answer(&rule, &answer);
	want(plan, rule.cname, &answer);
	return OK;
}

static enum err want_site(struct plan_of_tick *plan, int64_t number)
{
	uint8_t origin[SITE_ORIGIN_MAX][16];
	struct names_site site = { .origin = origin };
	struct names_answer answer;
	struct website website;
	struct instance *instances;
	enum err err = name_site(plan->db, plan->mem, number, &website, &instances);

	plan->looked++;
	if (err == ERR_WEBSITE_NOT_FOUND)
		return want_nothing(plan, NAME_SITE, number);
	TRY(err);
	site.mode = website.access_mode;
	site.instance = instances;
	site.instance_count = website.instance_count;
	for (size_t i = 0; !website.named && i < website.origin_count; i++)
		site.origin_count += text_to_address(website.origin[i], origin[site.origin_count]);
	names_site_answer(&site, plan->now_ms, &answer);
	want(plan, website.cname, &answer);
	return OK;
}

static enum err want_changed(struct plan_of_tick *plan, const struct name_change *change)
{
	switch (change->owner) {
	case NAME_SITE:
		return want_site(plan, change->number);
	case NAME_RULE:
		return want_rule(plan, change->number);
	case NAME_INSTANCE:
		break;
	}
	return want_number(plan, change->number);
}

static enum err look_at_changes(struct plan_of_tick *plan)
{
	struct name_changes changes;

	TRY(name_changed(plan->db, plan->mem, plan->next.generation, room(plan), &changes));
	plan->next.generation = changes.generation;
	plan->more |= changes.more;
	/* Names of instances that are gone could not be told from others. */
	if (changes.gap)
		plan->next.stage = STAGE_READ;
	for (size_t i = 0; i < changes.count; i++)
		TRY(want_changed(plan, &changes.change[i]));
	return OK;
}

static void draw_range(struct position *next, int64_t now_ms)
{
	int64_t forward_ms = lifecycle_forward_until(0);

	next->ranging = next->ranging_sites = next->span_low < next->span_high;
	next->range_ms = next->span_low - forward_ms;
	next->range_number = INT64_MAX;
	next->range_site = (struct name_site_due){ next->range_ms, INT64_MAX };
	next->range_end_ms = next->span_high - forward_ms;
	next->span_low = next->span_high = now_ms;
}

/* Instances whose end of forwarding was crossed, in either direction. */
static enum err look_at_deadlines(struct plan_of_tick *plan)
{
	struct position *next = &plan->next;
	struct instance *row;
	size_t count, limit = room(plan);

	if (plan->now_ms < next->span_low)
		next->span_low = plan->now_ms;
	if (plan->now_ms > next->span_high)
		next->span_high = plan->now_ms;
	if (!next->ranging && !next->ranging_sites)
		draw_range(next, plan->now_ms);
	if (!next->ranging || limit == 0)
		return OK;
	TRY(name_expiring(plan->db, plan->mem, next->range_ms, next->range_number,
		next->range_end_ms, limit, &row, &count));
	for (size_t i = 0; i < count; i++)
		TRY(want_instance(plan, &row[i]));
	next->ranging = count == limit;
	if (count > 0) {
		next->range_ms = row[count - 1].expire_ms;
		next->range_number = row[count - 1].number;
	}
	return OK;
}

/* The same of their sites; behind it, since it draws the range. */
static enum err look_at_site_deadlines(struct plan_of_tick *plan)
{
	struct position *next = &plan->next;
	size_t count, limit = room(plan);
	struct name_site_due *due;

	if (!next->ranging_sites || limit == 0)
		return OK;
	TRY(name_sites_expiring(
		plan->db, plan->mem, &next->range_site, next->range_end_ms, limit, &due, &count));
	for (size_t i = 0; i < count; i++)
		TRY(want_site(plan, due[i].number));
	next->ranging_sites = count == limit;
	if (count > 0)
		next->range_site = due[count - 1];
	return OK;
}

/* All sites, or all rules, by their numbers. */
static enum err look_at_all_numbers(struct plan_of_tick *plan, bool rules)
{
	struct position *next = &plan->next;
	size_t count = 0, limit = room(plan);
	int64_t *number = NULL;

	plan->more = true;
	if (limit == 0)
		return OK;
	TRY(rules ? scheduler_numbers(
			    plan->db, plan->mem, next->walked, (int64_t)limit, &number, &count)
		  : name_sites(plan->db, plan->mem, next->walked, limit, &number, &count));
	for (size_t i = 0; i < count; i++)
		TRY(rules ? want_rule(plan, number[i]) : want_site(plan, number[i]));
	if (count > 0)
		next->walked = number[count - 1];
	if (count < limit) {
		next->stage = rules ? STAGE_SWEEP : STAGE_WALK_RULES;
		next->walked = 0;
	}
	return OK;
}

static enum err look_at_all(struct plan_of_tick *plan)
{
	struct position *next = &plan->next;
	size_t count = 0, limit = room(plan);
	struct instance *row = NULL;

	plan->more = true;
	if (limit == 0)
		return OK;
	TRY(name_instances(plan->db, plan->mem, next->walked, limit, &row, &count));
	for (size_t i = 0; i < count; i++)
		TRY(want_instance(plan, &row[i]));
	if (count > 0)
		next->walked = row[count - 1].number;
	if (count < limit) {
		next->stage = STAGE_WALK_SITES;
		next->walked = 0;
	}
	return OK;
}

/* Names that the walks did not meet. */
static void look_at_rest(struct plan_of_tick *plan)
{
	struct known_name *name;
	size_t at = 0;

	while ((name = known_next(plan->publisher->known, &at))) {
		if (name->wanted)
			continue;
		if (room(plan) == 0 || plan->edits == NAMES_BATCH) {
			plan->more = true;
			return;
		}
		struct edit *edit = &plan->edit[plan->edits++];

		*edit = (struct edit){ 0 };
		memcpy(edit->label, name->label, sizeof(edit->label));
		plan->looked++;
	}
	plan->next.stage = STAGE_STEADY;
}

static enum err look(struct plan_of_tick *plan)
{
	TRY(look_at_changes(plan));
	if (plan->next.stage == STAGE_READ)
		return OK;
	TRY(look_at_deadlines(plan));
	TRY(look_at_site_deadlines(plan));
	plan->more |= plan->next.ranging || plan->next.ranging_sites;
	if (plan->next.stage == STAGE_WALK)
		TRY(look_at_all(plan));
	else if (plan->next.stage == STAGE_WALK_SITES || plan->next.stage == STAGE_WALK_RULES)
		TRY(look_at_all_numbers(plan, plan->next.stage == STAGE_WALK_RULES));
	else if (plan->next.stage == STAGE_SWEEP)
		look_at_rest(plan);
	return OK;
}

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
	err = look(plan);
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
