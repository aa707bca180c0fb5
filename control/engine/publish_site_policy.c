/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the store -> programs -> the site. All programs are made first, so that it is known what they take; a rule
 * that finds no room never makes the rest of the site impossible. An action that would make a site too large is
 * refused, so that only rules made by themselves are ever left out.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/engine/publish_site.h"
#include "control/model/web_cache.h"
#include "control/model/web_global.h"
#include "control/store/web_policy.h"

/* Of the 64 KiB of a site: what its rules and steps may take. Lists take 9,600 bytes more, cache rules 3,200; the rest
 * is enough for the most origins, ports and headers. */
#define RULES_BYTES_MAX 40000

struct work {
	struct db *db;
	struct arena *mem;
	const struct website *website;
	struct web_policy policy;
	struct web_program *program; /* SITE_RULE_MAX */
	size_t count, steps, bytes;
	size_t left_out, asked_left_out;
};

static void take_program(struct work *work, const struct web_program *program, bool asked)
{
	if (work->count == SITE_RULE_MAX || work->steps + program->step_count > SITE_STEP_MAX ||
		work->bytes + program->bytes > RULES_BYTES_MAX) {
		work->left_out++;
		work->asked_left_out += asked;
		return;
	}
	work->steps += program->step_count;
	work->bytes += program->bytes;
	work->program[work->count++] = *program;
}

/* A document that cannot be read was written by another version: the rule is left out, never guessed. */
static enum err add_document(
	struct work *work, enum web_rule_kind kind, const struct website_rule *row)
{
	struct web_reader reader = { .mem = work->mem };
	AUTO(json) json_t *json = json_loads(row->json, JSON_REJECT_DUPLICATES, NULL);
	enum check check = kind == WEB_RULE_PRECISE ? CHECK_precise
			   : kind == WEB_RULE_SMART ? CHECK_smart
						    : CHECK_frequency;
	struct web_program program;
	struct web_rule rule;
	enum err err = json ? web_rule_read(&reader, kind, json, &rule) : ERR_FORMAT;

	if (err == ERR_MEMORY)
		return err;
	if (err != OK) {
		log_warn("rule %lld of a web site is left out: %s", (long long)row->number,
			reader.why);
		return OK;
	}
	TRY(web_rule_compile(work->mem, &rule, check, &program));
	program.rule.number = (uint32_t)row->number;
	program.rule.until_ms = row->until_ms;
	take_program(work, &program, kind != WEB_RULE_SMART);
	return OK;
}

static enum err add_kind(struct work *work, enum web_rule_kind kind)
{
	struct website_rule *row;
	size_t count;

	TRY(website_rule_list(work->db, work->mem, work->website->number, web_rule_kind_name(kind),
		&row, &count));
	for (size_t i = 0; i < count; i++) {
		if (row[i].enabled)
			TRY(add_document(work, kind, &row[i]));
	}
	return OK;
}

/* Which of the shipped rules; the rules themselves are nodes' once (add_rules_once). */
static enum err add_global(struct work *work)
{
	struct global_choice choice[GLOBAL_RULE_MAX];
	struct site_choice *out = arena_array(work->mem, GLOBAL_RULE_MAX, sizeof(*out));
	struct web_program program = { .rule = { .number = GLOBAL_RULE_NUMBER(0),
					       .check = CHECK_global,
					       .action = RULE_CHOOSE,
					       .until_ms = INT64_MAX },
		.name = "",
		.choice = out };

	if (!out)
		return ERR_MEMORY;
	TRY(global_choices_load(
		work->db, work->mem, work->website->number, work->policy.global_level, choice));
	for (size_t i = 0; i < global_rule_count(); i++) {
		if (choice[i].enabled)
			out[program.choice_count++] =
				(struct site_choice){ (uint16_t)global_rule_number(i),
					(uint16_t)choice[i].action };
	}
	if (program.choice_count == 0)
		return OK;
	program.bytes = sizeof(struct site_rule) + program.choice_count * sizeof(*out);
	take_program(work, &program, true);
	return OK;
}

/* In the order of checks. */
static enum err add_rules(struct work *work)
{
	const struct web_policy *policy = &work->policy;

	work->program = arena_array(work->mem, SITE_RULE_MAX, sizeof(*work->program));
	if (!work->program)
		return ERR_MEMORY;
	if (policy->precise_on)
		TRY(add_kind(work, WEB_RULE_PRECISE));
	if (policy->global_on)
		TRY(add_global(work));
	if (policy->cc_open && policy->cc_on && policy->cc_rules_on) {
		TRY(add_kind(work, WEB_RULE_CC));
		TRY(add_kind(work, WEB_RULE_CC_V2));
	}
	return policy->cc_open && policy->ai_on ? add_kind(work, WEB_RULE_SMART) : OK;
}

/* ---- lists, caches, switches */

static void add_prefixes(struct table_prefix *out, const struct web_prefixes *list, uint32_t flags)
{
	for (size_t i = 0; i < list->count; i++) {
		unsigned bits = 128;
		bool valid = web_prefix(list->text[i], out[i].address.byte, &bits);

		assert(valid);
		out[i].bits = bits;
		out[i].flags = flags;
	}
}

static void add_lists(const struct web_policy *policy, struct site_builder *builder)
{
	struct site *site = site_head(builder);
	struct table_prefix *prefix;

	if (!policy->lists_on)
		return;
	prefix = site_add_list(builder, &site->prefixes, policy->black.count + policy->white.count,
		sizeof(*prefix));
	if (!prefix)
		return;
	add_prefixes(prefix, &policy->white, SITE_WHITE);
	add_prefixes(prefix + policy->white.count, &policy->black, SITE_BLACK);
}

static int longest_first(const void *a, const void *b)
{
	size_t left = strlen(((const struct web_cache_rule *)a)->uri);
	size_t right = strlen(((const struct web_cache_rule *)b)->uri);

	return left < right ? 1 : left > right ? -1 : 0;
}

/* The longest path first, whatever the order in which they were made. */
static enum err add_caches(struct work *work, struct site_builder *builder)
{
	struct web_reader reader = { .mem = work->mem };
	struct web_cache_rule rule[WEB_CACHE_MAX];
	struct site *site = site_head(builder);
	struct site_cache_rule *out;
	struct website_rule *row;
	size_t rows, count = 0;

	TRY(website_rule_list(work->db, work->mem, work->website->number,
		web_rule_kind_name(WEB_RULE_CACHE), &row, &rows));
	for (size_t i = 0; i < rows && count < WEB_CACHE_MAX; i++) {
		AUTO(json) json_t *json = json_loads(row[i].json, 0, NULL);
		enum err err = json ? web_cache_read(&reader, json, &rule[count]) : ERR_FORMAT;

		if (err == ERR_MEMORY)
			return err;
		count += err == OK;
	}
	qsort(rule, count, sizeof(rule[0]), longest_first);
	out = site_add_list(builder, &site->caches, count, sizeof(*out));
	for (size_t i = 0; out && i < count; i++) {
		out[i].path = site_add_text(builder, rule[i].uri, strlen(rule[i].uri));
		out[i].seconds = (uint32_t)rule[i].seconds;
		out[i].mode = (uint8_t)rule[i].mode;
	}
	return OK;
}

static void set_switches(const struct web_policy *policy, struct site *site)
{
	site->flags |= (policy->log_on ? SITE_LOG : 0u) | (policy->bypass ? SITE_BYPASS : 0u);
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		site->mode[i] = (uint8_t)web_check_mode(policy, (enum check)i);
	if (policy->area_on) {
		for (size_t i = 0; i < policy->regions.count; i++)
			web_region_set(policy->regions.text[i], site->region);
	}
	site->pace = policy->cc_open && policy->cc_on ? (uint8_t)policy->pace : SITE_PACE_OFF;
	site->cache = policy->cache_on ? (uint8_t)policy->cache : SITE_CACHE_OFF;
	site->cache_edition = policy->cache_edition;
}

enum err site_policy_build(struct db *db, struct arena *mem, const struct website *website,
	struct site_builder *builder)
{
	struct work work = { .db = db, .mem = mem, .website = website };

	struct website_usual usual;

	TRY(web_policy_load(db, mem, website->number, &work.policy));
	TRY(website_usual_load(db, mem, website->number, &usual));
	site_head(builder)->requests_usual = (uint32_t)usual.published;
	set_switches(&work.policy, site_head(builder));
	add_lists(&work.policy, builder);
	TRY(add_rules(&work));
	if (work.left_out)
		log_warn("%zu rules of %s find no room in its record", work.left_out,
			website->domain);
	if (work.policy.cache_on)
		TRY(add_caches(&work, builder));
	return web_programs_add(builder, work.program, work.count) ? OK : ERR_LIMIT;
}

enum err site_policy_fits(
	struct db *db, struct arena *mem, const struct website *website, bool *out)
{
	struct work work = { .db = db, .mem = mem, .website = website };

	TRY(web_policy_load(db, mem, website->number, &work.policy));
	work.policy.precise_on = work.policy.global_on = work.policy.cc_open = true;
	work.policy.cc_on = work.policy.cc_rules_on = true;
	work.policy.global_level = WEB_LEVEL_HARD;
	TRY(add_rules(&work));
	*out = work.asked_left_out == 0;
	return OK;
}
