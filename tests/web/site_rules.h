/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of site_table's descriptions that checks are about. Of a site:
 *   requests_usual; region: ["DE"]; cache: "standard" | "aggressive" | "bypass", cache_edition,
 *   caches: [{path, mode: as cache, seconds}]
 *   rules: [{number, check: "precise", action: "block", target: "address" | "header", header, distinct: "address" | "uri" |
 *     "header", distinct_header, interval, threshold, ttl, status, ratio, until_ms,
 *     steps: [{field: "uri", match: "contains", value, number, name, not: true, any_case: true, hit, miss}]}]
 * Steps that do not say where to go on are joined by "and".
 */
#ifndef TESTS_WEB_SITE_RULES_H
#define TESTS_WEB_SITE_RULES_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/site.h"
#include "base/text.h"

static const char *const rule_fields[] = { "address", "uri", "params", "uri_params", "method",
	"host", "referer", "user_agent", "cookie", "content_type", "content_length",
	"forwarded_for", "body", "header", "country", "ja3", "ja4", "http2", "version" };
static const char *const rule_matches[] = { "equal", "contains", "prefix", "suffix", "length_less",
	"length_equal", "length_more", "less", "same", "more", "absent", "within" };
static const char *const rule_actions[] = { "watch", "accept", "block", "challenge" };
static const char *const rule_targets[] = { "none", "address", "header" };
static const char *const rule_checks[] = {
#define CHECK(name, mode, text) #name,
#include "shared/checks.def"
#undef CHECK
};
static const char *const cache_modes[] = { "off", "standard", "aggressive", "bypass" };
static const char *const country_codes[] = {
#define COUNTRY(code, number, name) code,
#include "shared/countries.def"
#undef COUNTRY
};

/* Place of the member's text among names; otherwise when it is missing. */
static uint8_t choice(const json_t *from, const char *member, const char *const *names,
	size_t count, uint8_t otherwise)
{
	const char *text = json_string_value(json_object_get(from, member));

	if (!text)
		return otherwise;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return (uint8_t)i;
	}
	(void)fprintf(stderr, "site_table: %s: %s\n", member, text);
	exit(1);
}
#define CHOICE(from, member, names, otherwise)                                                     \
	choice(from, member, names, sizeof(names) / sizeof((names)[0]), otherwise)

static int64_t rule_number(const json_t *from, const char *member, int64_t otherwise)
{
	const json_t *value = json_object_get(from, member);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static struct site_text rule_text(
	struct site_builder *builder, const json_t *from, const char *member)
{
	const json_t *value = json_object_get(from, member);

	return site_add_text(builder, json_string_value(value), json_string_length(value));
}

static void fill_step(
	struct site_builder *builder, struct site_step *step, const json_t *from, bool last)
{
	struct table_prefix prefix = { 0 };
	unsigned bits = 0;

	step->field = CHOICE(from, "field", rule_fields, FIELD_URI);
	step->match = CHOICE(from, "match", rule_matches, MATCH_EQUAL);
	step->flags =
		(uint8_t)((json_is_true(json_object_get(from, "not")) ? STEP_NOT : 0) |
			  (json_is_true(json_object_get(from, "any_case")) ? STEP_ANY_CASE : 0));
	step->hit = (uint8_t)rule_number(from, "hit", last ? STEP_MATCH : 1);
	step->miss = (uint8_t)rule_number(from, "miss", STEP_NO_MATCH);
	step->name = rule_text(builder, from, "name");
	step->number = rule_number(from, "number", 0);
	if (step->match != MATCH_WITHIN) {
		step->value = rule_text(builder, from, "value");
		return;
	}
	if (!text_to_prefix(json_string_value(json_object_get(from, "value")), prefix.address.byte,
		    &bits)) {
		(void)fprintf(stderr, "site_table: no prefix\n");
		exit(1);
	}
	step->value = site_add_text(builder, &prefix.address, sizeof(prefix.address));
	step->number = bits;
}

static void fill_rule(struct site_builder *builder, struct site_rule *rule, const json_t *from)
{
	const char *distinct = json_string_value(json_object_get(from, "distinct"));

	rule->number = (uint32_t)rule_number(from, "number", 1);
	rule->check = CHOICE(from, "check", rule_checks, CHECK_precise);
	rule->action = CHOICE(from, "action", rule_actions, RULE_BLOCK);
	rule->target = CHOICE(from, "target", rule_targets, TARGET_NONE);
	rule->target_header = rule_text(builder, from, "header");
	rule->distinct_header = rule_text(builder, from, "distinct_header");
	rule->statistics = distinct ? STATISTICS_DISTINCT : STATISTICS_COUNT;
	rule->distinct = CHOICE(from, "distinct", rule_fields, 0);
	rule->until_ms = rule_number(from, "until_ms", INT64_MAX);
	rule->interval_seconds = (uint32_t)rule_number(from, "interval", 10);
	rule->threshold = (uint32_t)rule_number(from, "threshold", 1);
	rule->ttl_seconds = (uint32_t)rule_number(from, "ttl", 60);
	rule->status = (uint16_t)rule_number(from, "status", 0);
	rule->ratio = (uint8_t)rule_number(from, "ratio", 0);
}

/* "choose": [[number, action]] */
static void fill_choices(struct site_builder *builder, struct site_rule *rule, const json_t *from)
{
	const json_t *list = json_object_get(from, "choose");
	struct site_choice choices[64];
	size_t i;
	json_t *item;

	if (!list)
		return;
	json_array_foreach(list, i, item)
	{
		json_t *holder = json_pack("{s:O}", "action", json_array_get(item, 1));

		if (i == sizeof(choices) / sizeof(choices[0]))
			abort();
		choices[i] =
			(struct site_choice){ (uint16_t)json_integer_value(json_array_get(item, 0)),
				CHOICE(holder, "action", rule_actions, RULE_BLOCK) };
		json_decref(holder);
	}
	rule->check = CHECK_global;
	rule->action = RULE_CHOOSE;
	rule->name = site_add_text(builder, choices, json_array_size(list) * sizeof(choices[0]));
}

static void add_caches(struct site_builder *builder, struct site *site, const json_t *spec)
{
	const json_t *caches = json_object_get(spec, "caches");
	struct site_cache_rule *cache =
		site_add_list(builder, &site->caches, json_array_size(caches), sizeof(*cache));
	size_t i;
	json_t *item;

	site->cache = CHOICE(spec, "cache", cache_modes, SITE_CACHE_OFF);
	site->cache_edition = (uint32_t)rule_number(spec, "cache_edition", 0);
	json_array_foreach(caches, i, item)
	{
		cache[i].path = rule_text(builder, item, "path");
		cache[i].mode = CHOICE(item, "mode", cache_modes, SITE_CACHE_STATIC);
		cache[i].seconds = (uint32_t)rule_number(item, "seconds", 0);
	}
}

static void add_site_rules(struct site_builder *builder, struct site *site, const json_t *spec)
{
	const json_t *rules = json_object_get(spec, "rules"),
		     *regions = json_object_get(spec, "region");
	struct site_rule *rule =
		site_add_list(builder, &site->rules, json_array_size(rules), sizeof(*rule));
	struct site_step *step;
	size_t steps = 0, i, j;
	json_t *item, *part;

	site->requests_usual = (uint32_t)rule_number(spec, "requests_usual", 0);
	add_caches(builder, site, spec);
	json_array_foreach(regions, i, item)
	{
		json_t *holder = json_pack("{s:O}", "country", item);
		unsigned country = CHOICE(holder, "country", country_codes, 0) + 1u;

		json_decref(holder);
		site->region[country / 64] |= UINT64_C(1) << country % 64;
	}
	if (json_is_true(json_object_get(spec, "region_unknown")))
		site->region[0] |= 1;
	json_array_foreach(rules, i, item) steps += json_array_size(json_object_get(item, "steps"));
	step = site_add_list(builder, &site->steps, steps, sizeof(*step));
	steps = 0;
	json_array_foreach(rules, i, item)
	{
		const json_t *list = json_object_get(item, "steps");

		fill_rule(builder, &rule[i], item);
		fill_choices(builder, &rule[i], item);
		rule[i].first_step = (uint16_t)steps;
		rule[i].step_count = (uint16_t)json_array_size(list);
		json_array_foreach(list, j, part)
			fill_step(builder, &step[steps++], part, j + 1 == json_array_size(list));
	}
}

#endif
