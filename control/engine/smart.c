/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second the rate of each site that has requests is compared with its usual one. That costs no look into the store; only a
 * site that is over the lowest of all thresholds has its policy read. Over its own one for OVER_MS, it is under
 * attack, until it was below for CALM_MS; meanwhile what is frequent is compared with what was before, each EVALUATE_MS.
 *
 * All of that is told by time that nodes told of, not by turns of the engine or the clock: nodes that report each ten seconds
 * because they are busy make it later by two of their reports, and no more. What is frequent comes in windows of the
 * nodes; of the attack are only those that began in it, of before only those that ended before it could have begun and were
 * not those of another attack.
 *
 * An overloaded origin is an attack at a lower rate: answers of 5xx and none at all are a good part of all.
 *
 * What rules meet already does not ask for more of them: from the second behind the last rule on, the share of requests that
 * meet one is known (also while they are only watched), and what is left is compared with the threshold.
 *
 * A rule is in the store like one that a person made, but that its owner is "clover" and that it ends. When half of its time is
 * over and requests still meet it, it gets all of it again.
 *
 * Minutes are learned when they are over, by sites that had requests in them. Shorter pieces stand for minutes: then an hour is
 * known by its first ones.
 */
#include "control/engine/smart.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"
#include "control/model/usual.h"
#include "control/store/policy.h"
#include "control/store/query.h"
#include "control/store/web_policy.h"

#define SCAN_EVERY_MS  SECOND_MS
#define RATE_SECONDS   5 /* over which a rate is looked at */
#define OVER_MS	       (2 * SECOND_MS)
#define CALM_MS	       MINUTE_MS
#define EVALUATE_MS    (3 * SECOND_MS)
#define SETTLE_MS      (8 * SECOND_MS)	/* behind new rules, until their effect can be seen */
#define ATTACK_MS      (30 * SECOND_MS) /* what is frequent in so much of the attack's end */
#define USUAL_MS       HOUR_MS		/* and in so much before it */
#define BUSY_MS	       (40 * SECOND_MS) /* a report that comes late tells of so much at most */
#define MET_MS	       (2 * MINUTE_MS)
#define LONG_ATTACK_MS (6 * HOUR_MS) /* what lasts so long is learned as it is */
#define TROUBLE_SHARE  30	     /* per cent of origins' answers */
#define SITE_SLOTS     (2 * NODE_SITE_MAX)
#define DETAIL_MAX     200 /* bytes of a key in the audit log */

struct smart_site {
	struct entry entry;
	struct usual usual;
	bool loaded, stored; /* from the store; what was learned is there */
	uint32_t published;
	int64_t over_ms;	       /* told time: over since then; 0: it is not */
	int64_t before_ms;	       /* what ended by then is not of the attack at hand */
	int64_t attack_ms, last_ms;    /* since when; last time over; 0: no attack */
	int64_t evaluated_ms, made_ms; /* when rules were made last */
	int64_t next_name;
};

void smart_init(struct smart *smart, const struct nodes *nodes, int64_t rule_ms, int64_t learn_ms)
{
	*smart = (struct smart){ .nodes = nodes,
		.rule_ms = rule_ms ? rule_ms : SMART_RULE_MS,
		.learn_ms = learn_ms ? learn_ms : MINUTE_MS };
	table_init(&smart->site, sizeof(struct smart_site), SITE_SLOTS);
}

void smart_free(struct smart *smart)
{
	table_free(&smart->site);
}

/* NULL: no memory, and nothing is learned about it. */
static struct smart_site *site_of(const struct tick *tick, uint32_t number, enum err *err)
{
	struct smart_site *site = table_put(&tick->smart->site, number, tick->clock_ms);
	struct website_usual usual;

	*err = OK;
	if (!site || site->loaded)
		return site;
	*err = website_usual_load(tick->db, tick->mem, number, &usual);
	if (*err != OK)
		return NULL;
	usual_parse(usual.hours, &site->usual);
	site->published = (uint32_t)usual.published;
	site->loaded = site->stored = true;
	return site;
}

/* ---- learning */

static bool is_trouble(const struct site_recent *recent)
{
	return recent->origin_requests > 0 &&
	       recent->failures * 100 >= recent->origin_requests * TROUBLE_SHARE;
}

static uint32_t a_second(uint32_t a_minute)
{
	return a_minute / 60 + (a_minute % 60 != 0);
}

/* Nodes hear of another rate when it differs by a quarter. */
static bool is_news(uint32_t published, uint32_t usual)
{
	uint32_t difference = usual > published ? usual - published : published - usual;

	return published == 0 || difference * 4 > published;
}

static enum err learn_site(const struct tick *tick, uint32_t number, int64_t minute_ms)
{
	struct site_point point = { 0 };
	enum err err;
	struct smart_site *site = site_of(tick, number, &err);
	int64_t learn_ms = tick->smart->learn_ms;
	uint64_t requests;
	bool attacked;

	if (!site)
		return err;
	nodes_site_series(tick->smart->nodes, number, minute_ms, learn_ms, &point, 1);
	if (point.requests == 0)
		return OK;
	requests = point.requests * MINUTE_MS / (uint64_t)learn_ms;
	attacked =
		requests / 60 > smart_threshold(WEB_AI_NORMAL, usual_at(&site->usual, minute_ms)) ||
		site->attack_ms != 0;
	if (site->attack_ms != 0 && tick->clock_ms - site->attack_ms > LONG_ATTACK_MS)
		attacked = false;
	if (usual_minute(&site->usual, minute_ms, requests, attacked))
		site->stored = false;
	if (is_news(site->published, a_second(usual_at(&site->usual, tick->clock_ms))))
		site->stored = false;
	return OK;
}

static void want_store(const struct tick *tick)
{
	struct smart *smart = tick->smart;

	smart->store_count = 0;
	for (size_t i = 0; i < smart->site.size && smart->store_count < SMART_STORE_MAX; i++) {
		const struct smart_site *site = table_slot(&smart->site, i);

		if (site && site->loaded && !site->stored)
			smart->store[smart->store_count++] = (uint32_t)site->entry.key;
	}
}

/* A minute is learned some seconds after its end: reports of it may come late. */
enum err usual_due(const struct tick *tick, bool *out)
{
	struct smart *smart = tick->smart;
	int64_t minute_ms, learn_ms;
	size_t count;

	*out = false;
	if (!smart)
		return OK;
	learn_ms = smart->learn_ms;
	minute_ms = (tick->clock_ms - 5 * SECOND_MS) / learn_ms * learn_ms - learn_ms;
	if (minute_ms != smart->minute_ms) {
		smart->minute_ms = minute_ms;
		count = nodes_sites_busy(
			smart->nodes, tick->clock_ms, 2 * MINUTE_MS, smart->busy, NODE_SITE_MAX);
		for (size_t i = 0; i < count; i++)
			TRY(learn_site(tick, smart->busy[i], minute_ms));
		want_store(tick);
	}
	*out = smart->store_count > 0;
	return OK;
}

static enum err store_site(struct tick *tick, struct smart_site *site)
{
	uint32_t usual = a_second(usual_at(&site->usual, tick->clock_ms));
	bool publish = is_news(site->published, usual);
	char hours[USUAL_TEXT_SIZE];
	struct website_usual row = { .hours = hours,
		.learned_ms = tick->clock_ms,
		.published = publish ? usual : site->published };
	int64_t found;
	enum err err = select_int(tick->db, "SELECT 1 FROM website WHERE number = $1",
		(const struct value[]){ V_INT((int64_t)site->entry.key) }, 1, &found);

	/* Deleted meanwhile. */
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	usual_format(&site->usual, hours);
	return website_usual_put(tick->db, (int64_t)site->entry.key, &row, publish);
}

enum err usual_run(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->store_count; i++) {
		struct smart_site *site = table_find(&smart->site, smart->store[i]);

		if (site)
			TRY(store_site(tick, site));
	}
	return OK;
}

void usual_done(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->store_count; i++) {
		struct smart_site *site = table_find(&smart->site, smart->store[i]);
		uint32_t usual;

		if (!site)
			continue;
		usual = a_second(usual_at(&site->usual, tick->clock_ms));
		site->stored = true;
		if (is_news(site->published, usual))
			site->published = usual;
	}
	want_store(tick);
}

/* ---- when there is an attack */

/* Requests a second over which a site of this level is under attack now. */
static uint64_t threshold_of(enum web_ai_level level, const struct smart_site *site,
	const struct site_recent *recent, int64_t clock_ms)
{
	uint64_t threshold = smart_threshold(level, usual_at(&site->usual, clock_ms));

	return is_trouble(recent) ? threshold / 2 : threshold;
}

/* The attack began within the seconds that are looked at, or in the report that told of the first of them. Also when the
 * clock was set back. */
static void note_over(struct smart_site *site, const struct site_recent *recent)
{
	if (site->over_ms != 0 && recent->until_ms >= site->over_ms)
		return;
	site->over_ms = recent->until_ms;
	if (site->attack_ms == 0)
		site->before_ms =
			recent->until_ms - RATE_SECONDS * SECOND_MS - recent->span_ms - SECOND_MS;
}

static enum err scan_site(const struct tick *tick, uint32_t number)
{
	struct smart *smart = tick->smart;
	struct site_recent recent;
	struct smart_site *site;
	uint64_t rate;
	enum err err;

	nodes_site_recent(smart->nodes, number, tick->clock_ms, RATE_SECONDS, &recent);
	rate = recent.requests / RATE_SECONDS;
	if (rate < smart_level(WEB_AI_STRICT)->requests / 2) {
		site = table_find(&smart->site, number);
		if (site)
			site->over_ms = 0;
		return OK;
	}
	site = site_of(tick, number, &err);
	if (!site)
		return err;
	/* Nothing is known of a new site: neither is what an attack would be. */
	if (usual_at(&site->usual, tick->clock_ms) == 0 ||
		rate <= threshold_of(WEB_AI_STRICT, site, &recent, tick->clock_ms)) {
		site->over_ms = 0;
		return OK;
	}
	note_over(site, &recent);
	if (recent.until_ms - site->over_ms >= OVER_MS &&
		tick->clock_ms - site->evaluated_ms >= EVALUATE_MS &&
		tick->clock_ms - site->made_ms >= SETTLE_MS && smart->due_count < SMART_BATCH)
		smart->due[smart->due_count++] = number;
	return OK;
}

/* Attacks that are over. */
static void end_attacks(const struct tick *tick)
{
	for (size_t i = 0; i < tick->smart->site.size; i++) {
		struct smart_site *site = table_slot(&tick->smart->site, i);

		if (site && site->attack_ms != 0 && tick->clock_ms - site->last_ms > CALM_MS)
			site->attack_ms = 0;
	}
}

enum err smart_due(const struct tick *tick, bool *out)
{
	struct smart *smart = tick->smart;
	size_t count;

	*out = false;
	if (!smart || (tick->clock_ms >= smart->scanned_ms &&
			      tick->clock_ms - smart->scanned_ms < SCAN_EVERY_MS))
		return OK;
	smart->scanned_ms = tick->clock_ms;
	smart->due_count = 0;
	count = nodes_sites_busy(smart->nodes, tick->clock_ms, BUSY_MS, smart->busy, NODE_SITE_MAX);
	for (size_t i = 0; i < count; i++)
		TRY(scan_site(tick, smart->busy[i]));
	end_attacks(tick);
	*out = smart->due_count > 0;
	return OK;
}

/* ---- rules */

struct work {
	struct tick *tick;
	struct smart_site *site;
	struct website website;
	struct web_policy policy;
	struct website_rule *rule; /* of the site that made themselves */
	size_t rules;
	uint64_t rate, threshold; /* requests a second */
	struct top_span attack;	  /* the part of it that is looked at */
	json_t *covered;	  /* addresses that rules name already, as members */
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
	work->allowed_text[at] = arena_copy(work->tick->mem, text);
	return work->allowed_text[at] ? OK : ERR_MEMORY;
}

/* Those of the site's white-list and of the allow-lists of its instances. */
static enum err load_allowed(struct work *work)
{
	const struct tick *tick = work->tick;
	size_t room = work->policy.white.count;
	struct list_entry_row *row[SITE_INSTANCE_MAX];
	size_t rows[SITE_INSTANCE_MAX] = { 0 }, lists = 0;

	for (; lists < work->website.instance_count && lists < SITE_INSTANCE_MAX; lists++) {
		const struct list_entry_filter filter = {
			.instance_number = work->website.instance[lists].number,
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
	for (size_t i = 0; i < work->policy.white.count; i++) {
		uint8_t address[16];
		unsigned bits;

		if (web_prefix(work->policy.white.text[i], address, &bits))
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
	out->entry = arena_array(work->tick->mem, TOP_MERGED, sizeof(*out->entry));
	if (!out->entry)
		return ERR_MEMORY;
	out->count = nodes_site_top(work->tick->smart->nodes, work->website.number, smart_top(kind),
		span, out->entry, &out->total, NULL);
	return OK;
}

static enum err load_input(struct work *work, struct smart_input *out)
{
	const struct top_span before = { .from_ms = work->site->before_ms - USUAL_MS,
		.until_ms = work->site->before_ms,
		.end_ms = work->site->before_ms,
		.rate_max = work->threshold };
	uint32_t usual = usual_at(&work->site->usual, work->tick->clock_ms);

	*out = (struct smart_input){ .level = work->policy.ai_level,
		.attack_rate = work->rate,
		.usual_rate = usual / 60,
		.is_allowed = is_allowed,
		.context = work };
	for (unsigned kind = 0; kind < SMART_KIND_COUNT; kind++) {
		TRY(load_view(work, (enum smart_kind)kind, &work->attack, &out->attack[kind]));
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
	const struct nodes *nodes = work->tick->smart->nodes;
	uint64_t total = 0, met = 0;
	size_t count;

	(void)nodes_site_top(
		nodes, work->website.number, TOP_URL, &work->attack, entry, &total, NULL);
	count = nodes_site_top(
		nodes, work->website.number, TOP_RULE, &work->attack, entry, NULL, NULL);
	for (size_t i = 0; i < count; i++) {
		char text[TOP_KEY_MAX + 1] = "";
		int64_t number;

		memcpy(text, entry[i].key, entry[i].length);
		for (size_t j = 0; text_to_int(text, &number) && j < work->rules; j++)
			if (work->rule[j].number == number)
				met += entry[i].count;
	}
	return total > 0 && met < total ? work->rate - work->rate * met / total
	       : total > 0		? 0
					: work->rate;
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
			number > work->site->next_name)
			work->site->next_name = number;
	}
	return ++work->site->next_name;
}

/* What made the rule, for people. */
static json_t *why_json(const struct work *work, const struct smart_choice *choice)
{
	uint32_t usual = usual_at(&work->site->usual, work->tick->clock_ms);

	return json_pack("{s:s, s:i, s:I, s:I, s:I}", "kind",
		choice->by_rate ? "rate" : smart_name(choice->kind), "sharePercent",
		(int)choice->share, "keys", (json_int_t)choice->keys, "requestsPerSecond",
		(json_int_t)work->rate, "usualPerSecond", (json_int_t)a_second(usual));
}

static enum err record(
	struct work *work, const char *action, const char *name, int64_t until_ms, json_t *why)
{
	const struct tick *tick = work->tick;
	AUTO(json)
	json_t *json = json_pack("{s:{s:s, s:I, s:o*}}", "newEntity", "rule", name, "until",
		(json_int_t)until_ms, "why", why);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	const char *detail = text ? arena_copy(tick->mem, text) : NULL;

	free(text);
	if (!detail)
		return ERR_MEMORY;
	return audit_append(tick->db, &(struct audit_row){ .time_ms = tick->clock_ms,
					      .account = work->website.account,
					      .actor = "engine",
					      .request_id = "",
					      .action = action,
					      .object = work->website.domain,
					      .detail = detail });
}

static enum err put_rule(struct work *work, struct website_rule *rule)
{
	rule->until_ms = work->tick->clock_ms + work->tick->smart->rule_ms;
	return website_rule_put(work->tick->db, &work->website, rule);
}

static enum err add_rule(struct work *work, const struct smart_choice *choice)
{
	struct tick *tick = work->tick;
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
	TRY(smart_rule(tick->mem, choice, work->policy.ai_level, work->allowed_text,
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
	log_info("%s got rule %s by %s: %llu requests a second", work->website.domain, row.name,
		choice->by_rate ? "rate" : smart_name(choice->kind),
		(unsigned long long)work->rate);
	return record(work, "engine.smart_rule", row.name, row.until_ms, why_json(work, choice));
}

/* ---- keeping those that are still met */

static bool is_met(const struct work *work, const struct website_rule *rule)
{
	const struct top_span span = { .from_ms = work->tick->clock_ms - MET_MS,
		.until_ms = work->tick->clock_ms + SECOND_MS };
	struct top_entry entry[TOP_MERGED];
	size_t count = nodes_site_top(
		work->tick->smart->nodes, work->website.number, TOP_RULE, &span, entry, NULL, NULL);
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
	int64_t half_ms = work->tick->smart->rule_ms / 2;

	for (size_t i = 0; i < work->rules; i++) {
		struct website_rule *rule = &work->rule[i];

		if (rule->until_ms - work->tick->clock_ms < half_ms && is_met(work, rule))
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
		work->site->made_ms = work->tick->clock_ms;
	return OK;
}

static enum err tell_attack(struct work *work)
{
	struct tick *tick = work->tick;
	const char *detail = arena_print(tick->mem,
		"{\"domain\":\"%s\",\"requestsPerSecond\":%llu,\"usualPerSecond\":%u}",
		work->website.domain, (unsigned long long)work->rate,
		a_second(usual_at(&work->site->usual, tick->clock_ms)));

	if (!detail)
		return ERR_MEMORY;
	return event_insert(tick->db, work->website.account, work->website.instance[0].id,
		"website_attack", work->site->attack_ms, tick->now_ms, detail, NULL);
}

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What ended lately, and began in the attack and behind the last rules. */
static void look_at(struct work *work)
{
	int64_t now_ms = work->tick->clock_ms;

	work->attack = (struct top_span){ .from_ms = now_ms - ATTACK_MS,
		.until_ms = now_ms + SECOND_MS,
		.begin_ms = latest(work->site->attack_ms, work->site->made_ms + SECOND_MS) };
}

static enum err look_into(struct tick *tick, uint32_t number)
{
	struct work work = { .tick = tick, .site = table_find(&tick->smart->site, number) };
	struct site_recent recent;
	enum err err = website_load_number(tick->db, tick->mem, number, &work.website);

	/* Deleted meanwhile. */
	if (err == ERR_WEBSITE_NOT_FOUND || !work.site)
		return OK;
	TRY(err);
	TRY(web_policy_load(tick->db, tick->mem, number, &work.policy));
	nodes_site_recent(tick->smart->nodes, number, tick->clock_ms, RATE_SECONDS, &recent);
	work.rate = recent.requests / RATE_SECONDS;
	work.site->evaluated_ms = tick->clock_ms;
	work.threshold = threshold_of(work.policy.ai_level, work.site, &recent, tick->clock_ms);
	if (work.rate <= work.threshold)
		return OK;
	if (work.site->attack_ms == 0) {
		work.site->attack_ms = latest(work.site->over_ms, recent.until_ms - BUSY_MS) -
				       RATE_SECONDS * SECOND_MS;
		TRY(tell_attack(&work));
	}
	work.site->last_ms = tick->clock_ms;
	if (!work.policy.ai_on || !work.policy.cc_open || work.policy.bypass ||
		web_check_mode(&work.policy, CHECK_smart) == CHECK_OFF)
		return OK;
	TRY(web_rule_list(tick->db, tick->mem, number, web_rule_kind_name(WEB_RULE_SMART),
		tick->clock_ms, &work.rule, &work.rules));
	TRY(renew_rules(&work));
	look_at(&work);
	if (unmet_rate(&work) <= work.threshold)
		return OK;
	work.covered = json_object();
	err = work.covered ? make_rules(&work) : ERR_MEMORY;
	json_decref(work.covered);
	return err;
}

enum err smart_run(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->due_count; i++)
		TRY(look_into(tick, smart->due[i]));
	smart->due_count = 0;
	return OK;
}
