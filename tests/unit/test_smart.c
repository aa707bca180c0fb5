/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is usual, and what tells an attack from it.
 */
#include "base/clock.h"
#include "base/text.h"
#include "control/model/smart.h"
#include "control/model/usual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIDNIGHT INT64_C(1767225600000)

/* ---- learning */

/* An hour of it, with so many requests a minute; so many minutes of them are of an attack. */
static void live(
	struct usual *usual, int day, int hour, uint32_t requests, int attacked, bool noticed)
{
	for (int i = 0; i < 60; i++) {
		bool attack = i < attacked;

		(void)usual_minute(usual, MIDNIGHT + (day * 24 + hour) * HOUR_MS + i * MINUTE_MS,
			attack ? 100 * (uint64_t)requests : requests, attack && noticed);
	}
}

static uint32_t known(const struct usual *usual, int day, int hour)
{
	return usual_at(usual, MIDNIGHT + (day * 24 + hour) * HOUR_MS);
}

static void test_usual(void **state)
{
	struct usual usual = { 0 };
	(void)state;

	/* A new site: known after two minutes, by these alone. */
	assert_int_equal(known(&usual, 0, 0), 0);
	(void)usual_minute(&usual, MIDNIGHT, 100, false);
	assert_int_equal(known(&usual, 0, 0), 0);
	(void)usual_minute(&usual, MIDNIGHT + MINUTE_MS, 120, false);
	assert_int_equal(known(&usual, 0, 0), 120);
	/* A new hour does not make it new again, nor is one minute an hour later anything. */
	usual = (struct usual){ 0 };
	for (int i = 57; i < 61; i++) {
		(void)usual_minute(&usual, MIDNIGHT + i * MINUTE_MS, 100, false);
		assert_int_equal(
			usual_at(&usual, MIDNIGHT + (i + 1) * MINUTE_MS), i > 57 ? 100 : 0);
	}
	(void)usual_minute(&usual, MIDNIGHT + 3 * HOUR_MS, 100, false);
	assert_int_equal(known(&usual, 0, 3), 0);
	/* A day with a busy hour, which the ones beside it know of. */
	usual = (struct usual){ 0 };
	for (int hour = 0; hour < 24; hour++)
		live(&usual, 0, hour, hour == 12 ? 6000 : 600, 0, false);
	live(&usual, 1, 0, 600, 0, false);
	assert_int_equal(usual.hour[12], 6000);
	assert_int_equal(known(&usual, 1, 11), 6000);
	assert_int_equal(known(&usual, 1, 13), 6000);
	assert_int_equal(known(&usual, 1, 9), 600);
}

static void test_usual_attacked(void **state)
{
	static const struct {
		const char *what;
		int minutes; /* of an hour, at a hundred times the rate */
		bool noticed;
		int days;
		uint32_t least, most; /* known behind it; before it was 600 */
	} rows[] = {
		{ "none", 0, false, 3, 600, 600 },
		{ "some minutes that nobody noticed", 5, false, 1, 600, 600 },
		{ "an hour that was noticed", 60, true, 1, 600, 600 },
		{ "the same each day", 60, true, 10, 600, 600 },
		{ "an hour that nobody noticed", 60, false, 1, 601, 720 },
		{ "it comes for days", 60, false, 4, 900, 1300 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct usual usual = { 0 };

		live(&usual, 0, 3, 600, 0, false);
		live(&usual, 0, 4, 1, 0, false);
		for (int day = 1; day <= rows[i].days; day++) {
			live(&usual, day, 3, 600, rows[i].minutes, rows[i].noticed);
			live(&usual, day, 4, 1, 0, false);
		}
		if (usual.hour[3] < rows[i].least || usual.hour[3] > rows[i].most)
			fail_msg("%s: %u", rows[i].what, usual.hour[3]);
	}
}

static void test_usual_text(void **state)
{
	struct usual usual = { .hour = { 1, 0, 1000000000, [23] = 5 } }, again;
	char text[USUAL_TEXT_SIZE];
	(void)state;

	usual_format(&usual, text);
	usual_parse(text, &again);
	assert_memory_equal(usual.hour, again.hour, sizeof(usual.hour));
	usual_parse("1 2 3", &again);
	assert_int_equal(again.hour[0], 0);
	usual_parse("", &again);
	assert_int_equal(again.hour[23], 0);
}

static void test_threshold(void **state)
{
	static const struct {
		enum web_ai_level level;
		uint32_t usual; /* a minute */
		uint64_t threshold;
	} rows[] = {
		{ WEB_AI_LOOSE, 0, 100 },
		{ WEB_AI_LOOSE, 6000, 800 },
		{ WEB_AI_NORMAL, 60, 50 },
		{ WEB_AI_NORMAL, 6000, 400 },
		{ WEB_AI_STRICT, 6000, 250 },
		{ WEB_AI_STRICT, 600000, 25000 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(smart_threshold(rows[i].level, rows[i].usual), rows[i].threshold);
}

/* ---- choosing */

/* "key*count key*count": the most frequent first. */
static void fill(struct smart_view *view, const char *text)
{
	static struct top_entry entries[2 * SMART_KIND_COUNT][SMART_KEYS_MAX];
	static size_t next;

	view->entry = entries[next++ % (2 * SMART_KIND_COUNT)];
	view->count = 0;
	for (const char *at = text; *at; at += *at == ' ') {
		struct top_entry *entry = &view->entry[view->count++];
		size_t length = strcspn(at, "*");
		char *end;

		*entry = (struct top_entry){ .length = (uint16_t)length };
		memcpy(entry->key, at, length);
		entry->count = strtoul(at + length + 1, &end, 10);
		at = end;
	}
}

static bool allows(const void *context, const uint8_t address[16])
{
	char text[ADDRESS_TEXT_SIZE];
	(void)context;

	address_format(address, text);
	return strcmp(text, "192.0.2.250") == 0;
}

#define AGENTS "Firefox*40 Chrome*30 curl*1"
#define URLS   "/*60 /a*30"
static const struct choose_row {
	const char *what;
	enum web_ai_level level;
	uint64_t rate; /* of the attack; usual are 10 a second, of 100 requests */
	const char *source, *ja4, *agent, *url;
	const char *chosen; /* "kind:key+key .." */
} rows[] = {
	{ "as always", WEB_AI_NORMAL, 10, "192.0.2.1*10 192.0.2.2*9", "", AGENTS, URLS, "" },
	{ "one source", WEB_AI_NORMAL, 200, "198.51.100.7*95 192.0.2.1*2", "",
		"Firefox*60 Chrome*40", "/*60 /a*40", "source:198.51.100.7" },
	{ "some sources", WEB_AI_NORMAL, 200, "198.51.100.7*40 198.51.100.8*40 192.0.2.1*2", "",
		"Firefox*60 Chrome*40", "/*60 /a*40", "source:198.51.100.7+198.51.100.8" },
	{ "an allowed source", WEB_AI_NORMAL, 200, "192.0.2.250*95", "", "Firefox*60 Chrome*40",
		"/*60 /a*40", "rate:50" },
	{ "many sources, one browser", WEB_AI_NORMAL, 200, "198.51.100.7*1 198.51.100.8*1", "",
		"evil*90 Firefox*5", "/*90 /a*10", "user-agent:evil" },
	{ "many sources, one fingerprint that usual ones have", WEB_AI_NORMAL, 200, "", "usual*95",
		"evil*90 Firefox*5", "/*90", "user-agent:evil" },
	{ "one fingerprint that they do not have", WEB_AI_NORMAL, 200, "", "t13*95",
		"Firefox*90 Chrome*5", "/*90", "ja4:t13" },
	{ "a URL that nobody asks for", WEB_AI_NORMAL, 200, "", "", "Firefox*90", "/search*90 /*10",
		"url:/search" },
	{ "a part each", WEB_AI_NORMAL, 200, "198.51.100.7*30", "", "evil*30 Firefox*60",
		"/search*30 /*60", "source:198.51.100.7 user-agent:evil url:/search" },
	{ "too small a part", WEB_AI_LOOSE, 200, "", "", "evil*25 Firefox*70", "/*90", "rate:100" },
	{ "not too small when it is strict", WEB_AI_STRICT, 200, "", "", "evil*25 Firefox*70",
		"/*90", "user-agent:evil" },
	{ "nothing tells them apart", WEB_AI_NORMAL, 200, "", "", "Firefox*60 Chrome*40",
		"/*60 /a*40", "rate:50" },
};

static void describe(const struct smart_choice *choice, size_t count, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s%s:", i ? " " : "",
			choice[i].by_rate ? "rate" : smart_name(choice[i].kind));
		if (choice[i].by_rate)
			used += (size_t)snprintf(
				out + used, size - used, "%u", choice[i].threshold);
		for (size_t j = 0; j < choice[i].keys; j++)
			used += (size_t)snprintf(out + used, size - used, "%s%.*s", j ? "+" : "",
				choice[i].key[j]->length, choice[i].key[j]->key);
	}
}

static void make_input(const struct choose_row *row, struct smart_input *out)
{
	*out = (struct smart_input){ .level = row->level,
		.attack_rate = row->rate,
		.usual_rate = 10,
		.is_allowed = allows };
	fill(&out->attack[SMART_SOURCE], row->source);
	fill(&out->attack[SMART_JA4], row->ja4);
	fill(&out->attack[SMART_HTTP2], "");
	fill(&out->attack[SMART_USER_AGENT], row->agent);
	fill(&out->attack[SMART_URL], row->url);
	fill(&out->usual[SMART_SOURCE], "192.0.2.1*10 192.0.2.2*9");
	fill(&out->usual[SMART_JA4], "usual*60");
	fill(&out->usual[SMART_HTTP2], "");
	fill(&out->usual[SMART_USER_AGENT], AGENTS);
	fill(&out->usual[SMART_URL], URLS);
	out->attack[SMART_URL].total = out->usual[SMART_URL].total = 100;
}

static void test_choose(void **state)
{
	struct smart_choice choice[SMART_CHOICES_MAX];
	struct smart_input input;
	char text[400];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_input(&rows[i], &input);
		describe(choice, smart_choose(&input, choice), text, sizeof(text));
		if (strcmp(text, rows[i].chosen) != 0)
			fail_msg("%s: %s", rows[i].what, text);
	}
	/* It is not known what is usual. */
	make_input(&rows[1], &input);
	input.usual[SMART_URL].total = SMART_USUAL_LEAST - 1;
	assert_int_equal(smart_choose(&input, choice), 0);
	/* A count that may be another's is none. */
	make_input(&rows[4], &input);
	input.attack[SMART_USER_AGENT].entry[0].error = 85;
	describe(choice, smart_choose(&input, choice), text, sizeof(text));
	assert_string_equal(text, "rate:50");
}

/* Each choice is a rule that can be read again and becomes a program. */
static void test_rules(void **state)
{
	static const char *const allowed[] = { "192.0.2.250", "2001:db8::/32" };
	struct arena *mem = arena_new((size_t)16 << 20);
	struct smart_choice choice[SMART_CHOICES_MAX];
	struct web_reader reader = { .mem = mem };
	struct smart_input input;
	struct web_rule rule;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t count;

		make_input(&rows[i], &input);
		count = smart_choose(&input, choice);
		for (size_t j = 0; j < count; j++) {
			json_t *json;
			bool source = !choice[j].by_rate && choice[j].kind == SMART_SOURCE;

			assert_int_equal(
				smart_rule(mem, &choice[j], rows[i].level, allowed, 2, &rule), OK);
			rule.name = "smartcc_1";
			json = web_rule_json(&rule);
			assert_non_null(json);
			if (web_rule_read(&reader, WEB_RULE_SMART, json, &rule) != OK)
				fail_msg("%s: %s", rows[i].what, reader.why);
			json_decref(json);
			assert_int_equal(rule.action,
				rows[i].level == WEB_AI_STRICT ? RULE_BLOCK : RULE_CHALLENGE);
			assert_int_equal(rule.condition_count, source ? 1 : 2);
			assert_int_equal(rule.rate.given, choice[j].by_rate);
		}
	}
	/* An address of IPv6 is its network. */
	make_input(&rows[1], &input);
	fill(&input.attack[SMART_SOURCE], "2001:db8:1:2:3::4*95");
	assert_int_equal(smart_choose(&input, choice), 1);
	assert_int_equal(smart_rule(mem, choice, WEB_AI_NORMAL, NULL, 0, &rule), OK);
	assert_string_equal(rule.condition[0].value[0], "2001:db8:1:2::/64");
	arena_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_usual_attacked),
		cmocka_unit_test(test_usual_text),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
