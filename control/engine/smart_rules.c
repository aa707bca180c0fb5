/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is frequent in an attack is compared with what was before it. It comes in windows of the nodes; of the attack are only
 * those that began in it, of before only those that ended before it could have begun and were not those of another attack.
 *
 * What rules meet already does not ask for more of them: from the second behind the last rule on, the share of requests that
 * meet one is known (also while they are only watched), and what is left is compared with the threshold.
 *
 * A rule is in the store like one that a person made, but that its owner is "clover" and that it ends. When half of its time is
 * over and requests still meet it, it gets all of it again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/engine/smart_inner.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"
#include "control/store/policy.h"
#include "control/store/query.h"

#define ATTACK_MS (30 * SECOND_MS) /* what is frequent in so much of the attack's end */
#define USUAL_MS  HOUR_MS	   /* and in so much before it */
#define MET_MS	  (2 * MINUTE_MS)

struct work {
	const struct smart_attack *attack;
	struct website_rule *rule; /* of the site that made themselves */
	size_t rules;
	struct top_span span; /* the part of the attack that is looked at */
	json_t *covered;      /* addresses that rules name already, as members */
	uint8_t (*allowed)[16];
	unsigned *allowed_bits;
	const char **allowed_text;
	size_t allowed_count;
};

static bool is_allowed(const void *context, const uint8_t address[16])
{
	const struct work *work = context;
	char text[PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < work->allowed_count; i++)
		if (prefix_covers(work->allowed[i], work->allowed_bits[i], address))
			return true;
	smart_source(address, text);
	return json_object_get(work->covered, text) != NULL;
}

static enum err add_allowed(struct work *work, const uint8_t address[16], unsigned bits)
{
	char text[PREFIX_TEXT_SIZE];
	size_t at = work->allowed_count++;

	prefix_format(address, bits, text);
	memcpy(work->allowed[at], address, 16);
	work->allowed_bits[at] = bits;
	work->allowed_text[at] = arena_copy(work->attack->tick->mem, text);
	return work->allowed_text[at] ? OK : ERR_MEMORY;
}

/* Those of the site's white-list and of the allow-lists of its instances. */
static enum err load_allowed(struct work *work)
{
	const struct tick *tick = work->attack->tick;
	size_t room = work->attack->policy.white.count;
	struct list_entry_row *row[SITE_INSTANCE_MAX];
	size_t rows[SITE_INSTANCE_MAX] = { 0 }, lists = 0;

	for (; lists < work->attack->website.instance_count && lists < SITE_INSTANCE_MAX; lists++) {
		const struct list_entry_filter filter = {
			.instance_number = work->attack->website.instance[lists].number,
			.kind = LIST_ALLOW,
			.automatic = -1,
			.clock_ms = tick->clock_ms,
		};

		TRY(list_entry_list(tick->db, tick->mem, &filter, &row[lists], &rows[lists], NULL));
		room += rows[lists];
	}
	work->allowed = arena_array(tick->mem, room, sizeof(work->allowed[0]));
	work->allowed_bits = arena_array(tick->mem, room, sizeof(work->allowed_bits[0]));
	work->allowed_text = arena_array(tick->mem, room, sizeof(work->allowed_text[0]));
	if (!work->allowed || !work->allowed_bits || !work->allowed_text)
		return ERR_MEMORY;
	for (size_t i = 0; i < work->attack->policy.white.count; i++) {
		uint8_t address[16];
		unsigned bits;

		if (web_prefix(work->attack->policy.white.text[i], address, &bits))
			TRY(add_allowed(work, address, bits));
	}
	for (size_t i = 0; i < lists; i++)
		for (size_t j = 0; j < rows[i]; j++)
			TRY(add_allowed(work, row[i][j].source, (unsigned)row[i][j].prefix_bits));
	return OK;
}

static enum err load_view(struct work *work, enum smart_kind kind, const struct top_span *span,
	struct smart_view *out)
{
	out->entry = arena_array(work->attack->tick->mem, TOP_MERGED, sizeof(*out->entry));
	if (!out->entry)
		return ERR_MEMORY;
	out->count = nodes_site_top(work->attack->tick->smart->nodes, work->attack->website.number,
		smart_top(kind), span, out->entry, &out->total, NULL);
	return OK;
}

static enum err load_input(struct work *work, struct smart_input *out)
{
	const struct top_span before = { .from_ms = work->attack->site->before_ms - USUAL_MS,
		.until_ms = work->attack->site->before_ms,
		.end_ms = work->attack->site->before_ms,
		.rate_max = work->attack->threshold };
	uint32_t usual = usual_at(&work->attack->site->usual, work->attack->tick->clock_ms);

	*out = (struct smart_input){ .level = work->attack->policy.ai_level,
		.attack_rate = work->attack->rate,
		.usual_rate = usual / 60,
		.is_allowed = is_allowed,
		.context = work };
	for (unsigned kind = 0; kind < SMART_KIND_COUNT; kind++) {
		TRY(load_view(work, (enum smart_kind)kind, &work->span, &out->attack[kind]));
		TRY(load_view(work, (enum smart_kind)kind, &before, &out->usual[kind]));
	}
	return OK;
}

/* Addresses of rules that are there: they are in no second one. */
static enum err load_covered(struct work *work)
{
	for (size_t i = 0; i < work->rules; i++) {
		AUTO(json) json_t *json = json_loads(work->rule[i].json, 0, NULL);
		const json_t *list = json_object_get(
			json_array_get(json_object_get(json, "condition"), 0), "content_list");

		for (size_t j = 0; j < json_array_size(list); j++) {
			const char *text = json_string_value(json_array_get(list, j));

			if (text && json_object_set_new(work->covered, text, json_true()) != 0)
				return ERR_MEMORY;
		}
	}
	return OK;
}

/* Requests a second that meet none of the rules that are there. */
static uint64_t unmet_rate(const struct work *work)
{
	struct top_entry entry[TOP_MERGED];
	const struct nodes *nodes = work->attack->tick->smart->nodes;
	uint64_t total = 0, met = 0;
	size_t count;

	(void)nodes_site_top(
		nodes, work->attack->website.number, TOP_URL, &work->span, entry, &total, NULL);
	count = nodes_site_top(
		nodes, work->attack->website.number, TOP_RULE, &work->span, entry, NULL, NULL);
	for (size_t i = 0; i < count; i++) {
		char text[TOP_KEY_MAX + 1] = "";
		int64_t number;

		memcpy(text, entry[i].key, entry[i].length);
		for (size_t j = 0; text_to_int(text, &number) && j < work->rules; j++)
			if (work->rule[j].number == number)
				met += entry[i].count;
	}
	return total > 0 && met < total ? work->attack->rate - work->attack->rate * met / total
	       : total > 0		? 0
					: work->attack->rate;
}

/* Whether a rule that says the same is in force. */
static bool is_there(const struct work *work, const json_t *json)
{
	for (size_t i = 0; i < work->rules; i++) {
		AUTO(json) json_t *other = json_loads(work->rule[i].json, 0, NULL);

		if (other && json_equal(json_object_get(json, "condition"),
				     json_object_get(other, "condition")))
			return true;
	}
	return false;
}

/* Numbers of names go on: two rules of different times are told apart in logs. */
static int64_t next_name(struct work *work)
{
	size_t prefix = strlen(SMART_RULE_NAME);

	for (size_t i = 0; i < work->rules; i++) {
		int64_t number;

		if (strncmp(work->rule[i].name, SMART_RULE_NAME, prefix) == 0 &&
			text_to_int(work->rule[i].name + prefix, &number) &&
			number > work->attack->site->next_name)
			work->attack->site->next_name = number;
	}
	return ++work->attack->site->next_name;
}

/* What made the rule, for people. */
static json_t *why_json(const struct work *work, const struct smart_choice *choice)
{
	uint32_t usual = usual_at(&work->attack->site->usual, work->attack->tick->clock_ms);

	return json_pack("{s:s, s:i, s:I, s:I, s:I}", "kind",
		choice->by_rate ? "rate" : smart_name(choice->kind), "sharePercent",
		(int)choice->share, "keys", (json_int_t)choice->keys, "requestsPerSecond",
		(json_int_t)work->attack->rate, "usualPerSecond",
		(json_int_t)smart_a_second(usual));
}

static enum err record(
	struct work *work, const char *action, const char *name, int64_t until_ms, json_t *why)
{
	const struct tick *tick = work->attack->tick;
	AUTO(json)
	json_t *json = json_pack("{s:{s:s, s:I, s:o*}}", "newEntity", "rule", name, "until",
		(json_int_t)until_ms, "why", why);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	const char *detail = text ? arena_copy(tick->mem, text) : NULL;

	free(text);
	if (!detail)
		return ERR_MEMORY;
	return audit_append(tick->db, &(struct audit_row){ .time_ms = tick->clock_ms,
					      .account = work->attack->website.account,
					      .actor = "engine",
					      .request_id = "",
					      .action = action,
					      .object = work->attack->website.domain,
					      .detail = detail });
}

static enum err put_rule(struct work *work, struct website_rule *rule)
{
	rule->until_ms = work->attack->tick->clock_ms + work->attack->tick->smart->rule_ms;
	return website_rule_put(work->attack->tick->db, &work->attack->website, rule);
}

static enum err add_rule(struct work *work, const struct smart_choice *choice)
{
	struct tick *tick = work->attack->tick;
	size_t most = WEB_VALUE_MAX;
	struct website_rule row = {
		.kind = web_rule_kind_name(WEB_RULE_SMART), .owner = "clover", .enabled = true
	};
	AUTO(json) json_t *json = NULL;
	struct web_rule rule;
	char *text;

	/* More allowed prefixes than a condition can name: only addresses are met, which are looked up one by one. */
	if (work->allowed_count > most && (choice->by_rate || choice->kind != SMART_SOURCE))
		return OK;
	TRY(smart_rule(tick->mem, choice, work->attack->policy.ai_level, work->allowed_text,
		work->allowed_count <= most ? work->allowed_count : 0, &rule));
	row.name = arena_print(tick->mem, SMART_RULE_NAME "%lld", (long long)next_name(work));
	if (!row.name)
		return ERR_MEMORY;
	rule.name = row.name;
	json = web_rule_json(&rule);
	if (!json)
		return ERR_MEMORY;
	if (is_there(work, json))
		return OK;
	text = json_dumps(json, JSON_COMPACT);
	row.json = text ? arena_copy(tick->mem, text) : NULL;
	free(text);
	if (!row.json)
		return ERR_MEMORY;
	TRY(put_rule(work, &row));
	log_info("%s got rule %s by %s: %llu requests a second", work->attack->website.domain,
		row.name, choice->by_rate ? "rate" : smart_name(choice->kind),
		(unsigned long long)work->attack->rate);
	return record(work, "engine.smart_rule", row.name, row.until_ms, why_json(work, choice));
}

/* ---- keeping those that are still met */

static bool is_met(const struct work *work, const struct website_rule *rule)
{
	const struct top_span span = { .from_ms = work->attack->tick->clock_ms - MET_MS,
		.until_ms = work->attack->tick->clock_ms + SECOND_MS };
	struct top_entry entry[TOP_MERGED];
	size_t count = nodes_site_top(work->attack->tick->smart->nodes,
		work->attack->website.number, TOP_RULE, &span, entry, NULL, NULL);
	int64_t number;

	for (size_t i = 0; i < count; i++) {
		char text[TOP_KEY_MAX + 1] = "";

		memcpy(text, entry[i].key, entry[i].length);
		if (text_to_int(text, &number) && number == rule->number)
			return true;
	}
	return false;
}

static enum err renew_rules(struct work *work)
{
	int64_t half_ms = work->attack->tick->smart->rule_ms / 2;

	for (size_t i = 0; i < work->rules; i++) {
		struct website_rule *rule = &work->rule[i];

		if (rule->until_ms - work->attack->tick->clock_ms < half_ms && is_met(work, rule))
			TRY(put_rule(work, rule));
	}
	return OK;
}

static enum err make_rules(struct work *work)
{
	struct smart_choice choice[SMART_CHOICES_MAX];
	struct smart_input input;
	size_t count;

	TRY(load_allowed(work));
	TRY(load_covered(work));
	TRY(load_input(work, &input));
	count = smart_choose(&input, choice);
	for (size_t i = 0; i < count && work->rules + i < WEB_SMART_MAX; i++)
		TRY(add_rule(work, &choice[i]));
	if (count > 0)
		work->attack->site->made_ms = work->attack->tick->clock_ms;
	return OK;
}

/* What ended lately, and began in the attack and behind the last rules. */
static void look_at(struct work *work)
{
	int64_t now_ms = work->attack->tick->clock_ms;
	int64_t begin_ms = work->attack->site->attack_ms;
	int64_t ruled_ms = work->attack->site->made_ms + SECOND_MS;

	work->span = (struct top_span){ .from_ms = now_ms - ATTACK_MS,
		.until_ms = now_ms + SECOND_MS,
		.begin_ms = ruled_ms > begin_ms ? ruled_ms : begin_ms };
}

enum err smart_rules(const struct smart_attack *attack)
{
	struct work work = { .attack = attack };
	struct tick *tick = attack->tick;
	enum err err;

	TRY(web_rule_list(tick->db, tick->mem, attack->website.number,
		web_rule_kind_name(WEB_RULE_SMART), tick->clock_ms, &work.rule, &work.rules));
	TRY(renew_rules(&work));
	look_at(&work);
	if (unmet_rate(&work) <= attack->threshold)
		return OK;
	work.covered = json_object();
	err = work.covered ? make_rules(&work) : ERR_MEMORY;
	json_decref(work.covered);
	return err;
}
