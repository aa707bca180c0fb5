/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In every stage but READ a tick looks at what the change log names, and at instances and sites whose (or whose
 * instance's) end of forwarding lies between the presents at which names were evaluated. That range is drawn from the lowest
 * and the highest present since the last range was drawn (span_low, span_high), not from the last two:
 * while a long range is being worked through the clock may jump there and back, and a name that was
 * evaluated at the far end must be looked at again. After a range is done each name is right for some
 * present in the span, so the next range finds all that are not right for the newest one.
 */
#include "control/dns/publisher_inner.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "control/model/lifecycle.h"

static size_t room(const struct plan_of_tick *plan)
{
	return NAMES_BATCH - plan->looked;
}

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

enum err plan_look(struct plan_of_tick *plan)
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
