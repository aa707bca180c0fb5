/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of web sites: what is taken and what is refused, that what was taken is read back as it was, and that the
 * byte-code of a rule says of a request what its conditions say.
 */
#include "control/model/web_compile.h"
#include "control/model/web_global.h"
#include "tests/unit/web_request.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena *mem;
static uint64_t memory[SITE_BYTES_MAX / 8];

static int setup(void **state)
{
	(void)state;
	mem = arena_new((size_t)64 << 20);
	return mem ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static enum err read_text(
	struct web_reader *reader, enum web_rule_kind kind, const char *text, struct web_rule *out)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	*reader = (struct web_reader){ .mem = mem };
	enum err err = web_rule_read(reader, kind, json, out);
	json_decref(json);
	return err;
}

/* ---- conditions: which methods are for which fields */

#define EQUAL	"equal nequal "
#define CONTENT EQUAL "contain ncontain prefix nprefix suffix nsuffix "
#define TEXT	CONTENT "lless lequal lgreat "
#define ABSENT	"nexist exist "

/* A value that each field takes, and all methods that are for it. */
static const struct {
	const char *field, *value, *methods;
} fields[] = {
	{ "ip", "192.0.2.7,2001:db8::/32", "belong nbelong " },
	{ "uri", "/a", TEXT },
	{ "referer", "https://x.example/", TEXT ABSENT },
	{ "user-agent", "Mozilla", TEXT ABSENT },
	{ "params", "a=b", TEXT },
	{ "cookie", "a=b", TEXT ABSENT },
	{ "content-type", "text/html", TEXT ABSENT },
	{ "x-forwarded-for", "192.0.2.1", TEXT ABSENT },
	{ "content-length", "100", "vless vequal vgreat " },
	{ "post-body", "x", CONTENT },
	{ "http-method", "POST", EQUAL },
	{ "header", "x", TEXT ABSENT },
	{ "host", "a.example", TEXT },
	{ "country", "NL", EQUAL },
	{ "ja3", "0149f47eabf9a20d0893e2a44e5a6323", EQUAL },
	{ "ja4", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", CONTENT },
	{ "http2-fingerprint", "3:100;4:33554432", CONTENT },
	{ "http-version", "1.0", EQUAL },
};
#define FIELD_ROWS (sizeof(fields) / sizeof(fields[0]))
static_assert(FIELD_ROWS == WEB_FIELD_COUNT, "all fields");

static const char *rule_of(size_t row, const char *method)
{
	const char *field = fields[row].field;
	bool number = method[0] == 'l' || method[0] == 'v';
	char *text = arena_print(mem,
		"{\"name\":\"r\",\"action\":\"block\",\"condition\":[{\"field\":\"%s\","
		"\"match_method\":\"%s\",\"content\":\"%s\",\"header_name\":\"%s\"}]}",
		field, method, number ? "8192" : fields[row].value,
		strcmp(field, "header") == 0 ? "X-Key" : "");

	assert_non_null(text);
	return text;
}

/* Each pair of a field and a method is taken, or refused with the member's name. */
static void test_methods(void **state)
{
	size_t taken = 0, refused = 0;
	char word[32];

	(void)state;
	for (size_t row = 0; row < FIELD_ROWS; row++) {
		for (unsigned m = 0; m < METHOD_COUNT; m++) {
			const char *method = web_method_name((enum web_method)m);
			struct web_reader reader;
			struct web_rule rule;
			enum err err =
				read_text(&reader, WEB_RULE_PRECISE, rule_of(row, method), &rule);

			(void)snprintf(word, sizeof(word), " %s ", method);
			const char *list = arena_print(mem, " %s", fields[row].methods);
			if ((err == OK) != (strstr(list, word) != NULL))
				fail_msg("%s %s: %s", fields[row].field, method, reader.why);
			if (err == OK)
				assert_string_equal(
					web_field_name(rule.condition[0].field), fields[row].field);
			else
				assert_non_null(strstr(reader.why, "condition[0].match_method"));
			taken += err == OK;
			refused += err != OK;
		}
	}
	assert_int_equal(taken + refused, FIELD_ROWS * METHOD_COUNT);
	assert_true(taken > 100 && refused > 100);
}

/* ---- refusals */

#define RULE(members)	 "{\"name\":\"r\",\"action\":\"block\"," members "}"
#define WHERE(condition) RULE("\"condition\":[{" condition "}]")
#define LIMITED(members)                                                                           \
	RULE("\"condition\":[{\"field\":\"uri\",\"match_method\":\"prefix\",\"content\":\"/"       \
	     "\"}]," members)
#define RATE "\"ratelimit\":{\"interval\":60,\"ttl\":300,\"threshold\":70,\"target\":\"ip\"}"

static const struct {
	enum web_rule_kind kind;
	const char *json, *named;
} refusals[] = {
	{ WEB_RULE_PRECISE, "[]", "document" },
	{ WEB_RULE_PRECISE, "{}", "name" },
	{ WEB_RULE_PRECISE, "{\"name\":\"\"}", "name" },
	{ WEB_RULE_PRECISE, "{\"name\":\"a\\u0007\"}", "name" },
	{ WEB_RULE_PRECISE, "{\"name\":\"a\"}", "action" },
	{ WEB_RULE_PRECISE, "{\"name\":\"a\",\"action\":\"drop\"}", "action" },
	{ WEB_RULE_PRECISE, "{\"name\":\"a\",\"action\":\"block\"}", "condition" },
	{ WEB_RULE_PRECISE, RULE("\"condition\":[]"), "condition" },
	{ WEB_RULE_PRECISE, RULE("\"condition\":{}"), "condition" },
	{ WEB_RULE_PRECISE, RULE("\"condition\":[3]"), "condition[0]" },
	{ WEB_RULE_PRECISE, RULE("\"conditions\":[]"), "conditions" },
	{ WEB_RULE_PRECISE, RULE("\"condition\":[{\"field\":\"uri\"}]"),
		"condition[0].match_method" },
	{ WEB_RULE_PRECISE, WHERE("\"field\":\"url\",\"match_method\":\"equal\""),
		"condition[0].field" },
	{ WEB_RULE_PRECISE, WHERE("\"field\":\"uri\",\"match_method\":\"equal\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"uri\",\"match_method\":\"regular\",\"content\":\"a\""),
		"regular expressions" },
	{ WEB_RULE_PRECISE, WHERE("\"field\":\"uri\",\"match_method\":\"lless\",\"content\":\"x\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"uri\",\"match_method\":\"lless\",\"content\":\"8193\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"ip\",\"match_method\":\"belong\",\"content\":"
		      "\"192.0.2.1/24\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"ip\",\"match_method\":\"belong\",\"content\":\"192.0.2."
		      "1,,192.0.2.2\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"ip\",\"match_method\":\"belong\",\"content_list\":["
		      "\"192.0.2.1\",\"a\"]"),
		"condition[0].content_list[1]" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"uri\",\"match_method\":\"lless\",\"content\":\"1\","
		      "\"content_list\":[\"2\"]"),
		"condition[0].content_list" },
	{ WEB_RULE_PRECISE, WHERE("\"field\":\"header\",\"match_method\":\"nexist\""),
		"condition[0].header_name" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"header\",\"match_method\":\"nexist\",\"header_name\":"
		      "\"a b\""),
		"condition[0].header_name" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"uri\",\"match_method\":\"equal\",\"content\":\"/\","
		      "\"header_name\":\"a\""),
		"condition[0].header_name" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"http-method\",\"match_method\":\"equal\",\"content\":"
		      "\"get\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE,
		WHERE("\"field\":\"country\",\"match_method\":\"equal\",\"content\":"
		      "\"Holland\""),
		"condition[0].content" },
	{ WEB_RULE_PRECISE, LIMITED(RATE), "ratelimit" },
	{ WEB_RULE_CC_V2, "{\"name\":\"a\",\"action\":\"accept\"}", "action" },
	{ WEB_RULE_CC_V2, "{\"name\":\"a\",\"action\":\"block\"}", "condition" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":\"x\""), "ratelimit" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":{}"), "ratelimit.interval" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":{\"interval\":4}"), "ratelimit.interval" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":{\"interval\":\"5\"}"), "ratelimit.interval" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":59}"), "ratelimit.ttl" },
	{ WEB_RULE_CC_V2, LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":60,\"threshold\":1}"),
		"ratelimit.threshold" },
	{ WEB_RULE_CC_V2,
		LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":60,\"threshold\":2,"
			"\"target\":\"uri\"}"),
		"ratelimit.target" },
	{ WEB_RULE_CC_V2,
		LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":60,\"threshold\":2,"
			"\"target\":\"header\"}"),
		"ratelimit.subkey" },
	{ WEB_RULE_CC_V2,
		LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":60,\"threshold\":2,"
			"\"target\":\"ip\",\"subkey\":\"a\"}"),
		"ratelimit.subkey" },
	{ WEB_RULE_CC_V2, LIMITED(RATE ",\"status_code\":{}"), "status_code.enabled" },
	{ WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"use_ratio\":false,"
			     "\"code\":99}"),
		"status_code.code" },
	{ WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"use_ratio\":false,"
			     "\"code\":404}"),
		"status_code.count_threshold" },
	{ WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"use_ratio\":true,"
			     "\"code\":404,\"count_threshold\":2}"),
		"status_code.ratio_threshold" },
	{ WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"use_ratio\":true,"
			     "\"code\":404,\"ratio_threshold\":101}"),
		"status_code.ratio_threshold" },
	{ WEB_RULE_CC_V2,
		LIMITED("\"status_code\":{\"enabled\":true,\"use_ratio\":true,\"code\":404,"
			"\"ratio_threshold\":1}"),
		"ratelimit" },
	{ WEB_RULE_CC_V2, LIMITED(RATE ",\"statistics\":{\"mode\":\"distinct\"}"),
		"statistics.field" },
	{ WEB_RULE_CC_V2,
		LIMITED(RATE ",\"statistics\":{\"mode\":\"distinct\",\"field\":\"header\"}"),
		"statistics.header_name" },
	{ WEB_RULE_CC_V2, LIMITED("\"statistics\":{\"mode\":\"distinct\",\"field\":\"ip\"}"),
		"ratelimit" },
	{ WEB_RULE_CC,
		"{\"name\":\"a\",\"uri\":\"a\",\"mode\":\"prefix\",\"act\":\"close\","
		"\"interval\":5,\"count\":2,\"ttl\":60}",
		"uri" },
	{ WEB_RULE_CC,
		"{\"name\":\"a\",\"uri\":\"/a?b\",\"mode\":\"match\",\"act\":"
		"\"close\",\"interval\":5,\"count\":2,\"ttl\":60}",
		"mode" },
};

static void test_refused(void **state)
{
	struct web_reader reader;
	struct web_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_int_not_equal(
			read_text(&reader, refusals[i].kind, refusals[i].json, &rule), OK);
		if (!strstr(reader.why, refusals[i].named))
			fail_msg("%s: %s", refusals[i].json, reader.why);
	}
}

/* ---- at the bounds, and one more */

static const char *many_values(int count)
{
	struct text text;

	text_init(&text, mem, 65536);
	text_add(&text, "{\"field\":\"uri\",\"match_method\":\"contain\",\"content\":\"\","
			"\"content_list\":[");
	for (int i = 0; i < count; i++)
		text_print(&text, "%s\"/%d\"", i ? "," : "", i);
	text_add(&text, "]}");
	assert_false(text.failed);
	return text.data;
}

static const char *many_conditions(int count, int values)
{
	struct text text;

	text_init(&text, mem, 262144);
	text_add(&text, "{\"name\":\"r\",\"action\":\"block\",\"condition\":[");
	for (int i = 0; i < count; i++)
		text_print(&text, "%s%s", i ? "," : "", many_values(values));
	text_add(&text, "]}");
	assert_false(text.failed);
	return text.data;
}

static void test_bounds(void **state)
{
	struct web_reader reader;
	struct web_rule rule;

	(void)state;
	assert_int_equal(
		read_text(&reader, WEB_RULE_PRECISE, many_conditions(WEB_CONDITION_MAX, 25), &rule),
		OK);
	assert_int_not_equal(read_text(&reader, WEB_RULE_PRECISE,
				     many_conditions(WEB_CONDITION_MAX + 1, 1), &rule),
		OK);
	assert_int_equal(
		read_text(&reader, WEB_RULE_PRECISE, many_conditions(4, WEB_VALUE_MAX), &rule), OK);
	assert_int_not_equal(
		read_text(&reader, WEB_RULE_PRECISE, many_conditions(1, WEB_VALUE_MAX + 1), &rule),
		OK);
	assert_non_null(strstr(reader.why, "content_list"));
	assert_int_not_equal(
		read_text(&reader, WEB_RULE_PRECISE, many_conditions(5, 41), &rule), OK);
	assert_non_null(strstr(reader.why, "values in all"));
}

/* ---- rates */

static void compile_text(enum web_rule_kind kind, const char *text, struct web_program *out)
{
	struct web_reader reader;
	struct web_rule rule;

	if (read_text(&reader, kind, text, &rule) != OK)
		fail_msg("%s: %s", text, reader.why);
	assert_int_equal(web_rule_compile(mem, &rule, CHECK_frequency, out), OK);
}

static void test_rates(void **state)
{
	struct web_program program;
	const struct site_rule *rule = &program.rule;

	(void)state;
	compile_text(WEB_RULE_CC_V2, LIMITED(RATE), &program);
	assert_int_equal(rule->target, TARGET_ADDRESS);
	assert_int_equal(rule->interval_seconds, 60);
	assert_int_equal(rule->threshold, 70);
	assert_int_equal(rule->ttl_seconds, 300);
	assert_int_equal(rule->statistics, STATISTICS_COUNT);
	/* "reaches 5" is "more than 4". */
	compile_text(WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"code\":404,\"use_ratio\":false,"
			     "\"count_threshold\":5}"),
		&program);
	assert_int_equal(rule->status, 404);
	assert_int_equal(rule->threshold, 4);
	assert_int_equal(rule->ratio, 0);
	/* More than 70, half of them: more than 35. */
	compile_text(WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":true,\"code\":404,\"use_ratio\":true,"
			     "\"ratio_threshold\":50}"),
		&program);
	assert_int_equal(rule->threshold, 35);
	assert_int_equal(rule->ratio, 50);
	/* Switched off: as if it were not there. */
	compile_text(WEB_RULE_CC_V2,
		LIMITED(RATE ",\"status_code\":{\"enabled\":false,\"code\":0,\"use_ratio\":false}"),
		&program);
	assert_int_equal(rule->status, 0);
	assert_int_equal(rule->threshold, 70);
	compile_text(WEB_RULE_CC_V2,
		LIMITED("\"ratelimit\":{\"interval\":5,\"ttl\":60,\"threshold\":2,\"target\":"
			"\"header\",\"subkey\":\"X-User\"},\"statistics\":{\"mode\":\"distinct\","
			"\"field\":\"header\",\"header_name\":\"X-Page\"}"),
		&program);
	assert_int_equal(rule->target, TARGET_HEADER);
	assert_string_equal(program.target_header, "x-user");
	assert_int_equal(rule->statistics, STATISTICS_DISTINCT);
	assert_int_equal(rule->distinct, FIELD_HEADER);
	assert_string_equal(program.distinct_header, "x-page");
	/* Version 1: "allowed" is the threshold. */
	compile_text(WEB_RULE_CC,
		"{\"name\":\"a\",\"uri\":\"/a\",\"mode\":\"prefix\",\"act\":\"captcha\","
		"\"interval\":20,\"count\":60,\"ttl\":600}",
		&program);
	assert_int_equal(rule->threshold, 60);
	assert_int_equal(rule->action, RULE_CHALLENGE);
	assert_int_equal(program.step[0].step.match, MATCH_PREFIX);
	/* Without a rate, meeting the conditions is enough; with one, there may be none. */
	compile_text(WEB_RULE_CC_V2,
		WHERE("\"field\":\"uri\",\"match_method\":\"prefix\",\"content\":\"/\""), &program);
	assert_int_equal(rule->target, TARGET_NONE);
	compile_text(WEB_RULE_CC_V2, RULE(RATE), &program);
	assert_int_equal(program.step_count, 0);
}

/* ---- byte-code against conditions */

static const struct web_request requests[] = {
	{ "192.0.2.7", "GET", "www.example.com", "/", "", "", "NL", "", "", "", "1.1",
		{ "user-agent: Mozilla/5.0", "accept: */*" } },
	{ "192.0.3.7", "POST", "www.example.com", "/login", "a=1&b=2", "user=x&pass=y", "US",
		"0149f47eabf9a20d0893e2a44e5a6323", "t13d3112h2_x_y", "3:100;4:33554432", "2.0",
		{ "user-agent: curl/8", "content-type: application/json", "content-length: 13",
			"cookie: sid=1" } },
	{ "2001:db8::7", "HEAD", "api.example.com", "/login.php", "", "", "", "", "", "", "1.0",
		{ "referer: https://bad.example/login", "x-forwarded-for: 192.0.2.1" } },
	{ "2001:db9::7", "GET", "a.example", "/a/b/c", "x=/login", "", "DE", "", "", "", "1.1",
		{ "user-agent: ", "x-key: 7", "content-length: 0" } },
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static unsigned long seed = 1;
static unsigned roll(unsigned below)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % below;
}

/* Values that are near to what the requests have. */
static const char *const contents[] = { "/", "/login", "/login?a=1", "a=1", "login", "Mozilla",
	"curl/8", "application/json", "sid", "7", "https://bad.example/login", "example.com", "c",
	"3:100", "t13d3112h2_x_y" };
static const char *const prefixes[] = { "192.0.2.0/24", "192.0.2.7", "192.0.0.0/16",
	"2001:db8::/32", "2001:db8::/31", "198.51.100.0/24", "0.0.0.0/0", "::/0" };

static const char *random_value(const char *field)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "PUT" };
	static const char *const versions[] = { "1.0", "1.1", "2.0" };
	static const char *const codes[] = { "NL", "US", "DE" };

	if (strcmp(field, "ip") == 0)
		return prefixes[roll(8)];
	if (strcmp(field, "http-method") == 0)
		return methods[roll(4)];
	if (strcmp(field, "http-version") == 0)
		return versions[roll(3)];
	if (strcmp(field, "country") == 0)
		return codes[roll(3)];
	if (strcmp(field, "ja3") == 0)
		return "0149f47eabf9a20d0893e2a44e5a6323";
	return contents[roll(sizeof(contents) / sizeof(contents[0]))];
}

static void random_condition(struct text *out)
{
	static const char *const headers[] = { "X-Key", "accept", "X-None" };
	enum web_field field = (enum web_field)roll(WEB_FIELD_COUNT);
	enum web_method method = (enum web_method)roll(METHOD_COUNT);
	const char *name = web_field_name(field);
	bool number = method >= METHOD_LLESS && method <= METHOD_VGREAT;

	text_print(out, "{\"field\":\"%s\",\"match_method\":\"%s\",\"header_name\":\"%s\",", name,
		web_method_name(method), field == WEB_header ? headers[roll(3)] : "");
	if (number)
		text_print(out, "\"content\":\"%u\"}", roll(20));
	else if (method >= METHOD_NEXIST)
		text_add(out, "\"content\":\"\"}");
	else if (roll(2))
		text_print(out, "\"content\":\"%s\"}", random_value(name));
	else {
		text_add(out, "\"content\":\"\",\"content_list\":[");
		for (unsigned i = 0, count = 1 + roll(5); i < count; i++)
			text_print(out, "%s\"%s\"", i ? "," : "", random_value(name));
		text_add(out, "]}");
	}
}

/* A third of the rules have no rate, a third count by header. */
static void random_rate(struct text *out)
{
	static const char *const distinct[] = { "ip", "uri", "header" };
	unsigned shape = roll(3), field = roll(3);

	if (shape == 0)
		return;
	text_print(out, ",\"ratelimit\":{\"interval\":%u,\"ttl\":%u,\"threshold\":%u,",
		4 + roll(100), 59 + roll(100), 1 + roll(100));
	text_add(out,
		shape == 1 ? "\"target\":\"ip\"}" : "\"target\":\"header\",\"subkey\":\"X-Key\"}");
	if (roll(2))
		text_print(out,
			",\"status_code\":{\"enabled\":%s,\"code\":%u,\"use_ratio\":%s,"
			"\"ratio_threshold\":%u,\"count_threshold\":%u}",
			roll(4) ? "true" : "false", 99 + roll(502), roll(2) ? "true" : "false",
			1 + roll(100), 1 + roll(100));
	if (roll(2))
		text_print(out,
			",\"statistics\":{\"mode\":\"%s\",\"field\":\"%s\",\"header_name\":\"%s\"}",
			roll(2) ? "distinct" : "count", distinct[field],
			field == 2 ? "X-Page" : "");
}

/* false: it was not taken, because a field is not for a method or a number is just out of its range. */
static bool random_rule(enum web_rule_kind kind, struct web_rule *out)
{
	struct web_reader reader;
	struct text text;
	unsigned count = 1 + roll(3);

	text_init(&text, mem, 65536);
	text_add(&text, "{\"name\":\"r\",\"action\":\"block\",\"condition\":[");
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_add(&text, ",");
		random_condition(&text);
	}
	text_add(&text, "]");
	if (kind == WEB_RULE_CC_V2)
		random_rate(&text);
	text_add(&text, "}");
	assert_false(text.failed);
	return read_text(&reader, kind, text.data, out) == OK;
}

static const struct site *build(const struct web_program *programs, size_t count)
{
	struct site_builder builder;
	struct site *site = site_begin(&builder, memory, sizeof(memory));
	size_t before;

	site->number = 1;
	site->domain = site_add_text(&builder, "a.example", 9);
	before = builder.used;
	assert_true(web_programs_add(&builder, programs, count));
	size_t bytes = 16;
	for (size_t i = 0; i < count; i++)
		bytes += programs[i].bytes;
	assert_true(builder.used - before <= bytes);
	size_t length = site_end(&builder);
	assert_true(length > 0);
	const char *why = site_check(site, length);
	if (why)
		fail_msg("%s", why);
	return site;
}

static void check_same(const struct web_rule *rules, const struct site *site)
{
	const struct site_rule *compiled = site_list_at(site, site->rules);

	for (unsigned i = 0; i < site->rules.count; i++) {
		for (size_t r = 0; r < REQUESTS; r++) {
			bool expected = rule_meets(&rules[i], &requests[r]);

			if (program_meets(site, &compiled[i], &requests[r]) == expected)
				continue;
			json_t *json = web_rule_json(&rules[i]);
			char *text = json_dumps(json, JSON_COMPACT);
			fail_msg("request %zu: %s must be %d", r, text, expected);
		}
	}
}

static void check_read_back(enum web_rule_kind kind, const struct web_rule *rule)
{
	struct web_reader reader = { .mem = mem };
	struct web_rule again;
	json_t *json = web_rule_json(rule), *copy;

	assert_non_null(json);
	assert_int_equal(web_rule_read(&reader, kind, json, &again), OK);
	copy = web_rule_json(&again);
	assert_true(json_equal(json, copy));
	json_decref(json);
	json_decref(copy);
}

/* As many rules of a kind as are taken out of many. */
static size_t take_rules(
	enum web_rule_kind kind, size_t most, struct web_rule *rules, struct web_program *programs)
{
	enum check check = kind == WEB_RULE_PRECISE ? CHECK_precise : CHECK_frequency;
	size_t count = 0;

	for (int tries = 0; tries < 200 && count < most; tries++) {
		if (!random_rule(kind, &rules[count]))
			continue;
		check_read_back(kind, &rules[count]);
		assert_int_equal(web_rule_compile(mem, &rules[count], check, &programs[count]), OK);
		programs[count].rule.number = (uint32_t)count + 1;
		count++;
	}
	return count;
}

#define RULES_MAX (WEB_PRECISE_MAX + WEB_CC_MAX)

/* Whatever is taken compiles, passes the check of nodes, means the same, and is read back as it was. */
static void test_property(void **state)
{
	struct web_rule rules[RULES_MAX];
	struct web_program programs[RULES_MAX];
	size_t taken = 0, met = 0, rates = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		arena_reset(mem);
		size_t count = take_rules(WEB_RULE_PRECISE, WEB_PRECISE_MAX, rules, programs);
		count += take_rules(WEB_RULE_CC_V2, WEB_CC_MAX, rules + count, programs + count);
		check_same(rules, build(programs, count));
		taken += count;
		for (size_t i = 0; i < count; i++) {
			rates += programs[i].rule.target != TARGET_NONE;
			for (size_t r = 0; r < REQUESTS; r++)
				met += rule_meets(&rules[i], &requests[r]);
		}
	}
	/* Neither all nor nothing. */
	assert_true(taken > 1000 && rates > taken / 8 && rates < taken / 2);
	assert_true(met > taken / 2 && met < taken * 3);
}

/* ---- shipped rules */

static bool global_meets(const char *id, const struct web_request *request)
{
	struct web_program program;
	struct web_rule rule;
	size_t row;

	assert_true(global_rule_find(id, &row));
	assert_int_equal(global_rule_make(mem, row, &rule), OK);
	assert_int_equal(web_rule_compile(mem, &rule, CHECK_global, &program), OK);
	program.rule.number = GLOBAL_RULE_NUMBER(global_rule_number(row));
	const struct site *site = build(&program, 1);
	return program_meets(site, site_list_at(site, site->rules), request);
}

static const char chrome_agent[] =
	"user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	"Chrome/120.0.0.0 Safari/537.36";

static void test_global(void **state)
{
	static const struct web_request chrome = { "192.0.2.1", "GET", "a", "/", "", "", "NL", "",
		"", "", "2.0",
		{ chrome_agent, "accept: text/html", "accept-encoding: gzip", "accept-language: nl",
			"referer: https://a.example/" } };
	static const struct {
		const char *id;
		struct web_request request;
	} cases[] = {
#define ASK(version, path, params, ...)                                                            \
	{ "192.0.2.1", "GET", "a", path, params, "", "", "", "", "", version, { __VA_ARGS__ } }
		{ "global_01", ASK("1.1", "/", "", "user-agent: SQLMap/1.5") },
		{ "global_03",
			ASK("1.1", "/", "",
				"user-agent: WordPress/4.1; http://x; verifying pingback from "
				"192.0.2.1") },
		{ "global_05", ASK("1.1", "/", "a=${JNDI:ldap://x}", "user-agent: x") },
		{ "global_09",
			ASK("2.0", "/", "",
				"user-agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT)") },
		{ "global_10", ASK("1.1", "/", "", "user-agent: Mozilla/5.0 (X11) Chrome/999.0") },
		{ "global_11",
			ASK("1.1", "/", "",
				"user-agent: Mozilla/5.0 (compatible; Nmap Scripting Engine)") },
		{ "global_20", ASK("1.1", "/", "", "accept: */*") },
		{ "global_21", ASK("1.1", "/", "", "user-agent: ") },
		{ "global_21", ASK("1.1", "/", "", "user-agent: -") },
		{ "global_23", ASK("1.1", "/", "", chrome_agent, "accept-encoding: gzip") },
		{ "global_24", ASK("1.1", "/", "", chrome_agent, "accept: */*") },
		{ "global_27", ASK("1.1", "/x/.git/config", "", chrome_agent) },
		{ "global_30", ASK("1.0", "/", "", chrome_agent) },
		{ "global_40", ASK("1.1", "/", "", "user-agent: Python-requests/2.31") },
		{ "global_42", ASK("1.1", "/", "", chrome_agent, "accept: */*") },
		{ "global_46",
			ASK("1.1", "/", "", "user-agent: Mozilla/5.0 (X11) HeadlessChrome/120") },
	};
	char id[GLOBAL_RULE_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!global_meets(cases[i].id, &cases[i].request))
			fail_msg("%s (case %zu) is not met", cases[i].id, i);
	}
	/* A browser as people have it meets none, at any level, and costs little. */
	searches = 0;
	for (size_t i = 0; i < global_rule_count(); i++) {
		global_rule_id(i, id);
		if (global_meets(id, &chrome))
			fail_msg("a browser meets %s", id);
	}
	assert_true(searches <= 16);
}

/* Numbers and names are unique, each level has rules, and what is checked as a client's rule passes. */
static void test_global_table(void **state)
{
	size_t levels[WEB_LEVEL_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < global_rule_count(); i++) {
		struct web_reader reader = { .mem = mem };
		struct web_rule rule, again;

		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(global_rule_number(i), global_rule_number(j));
			assert_string_not_equal(global_rule_name(i), global_rule_name(j));
		}
		for (unsigned level = 0; level < WEB_LEVEL_COUNT; level++)
			levels[level] += global_rule_active(i, (enum web_level)level);
		assert_int_equal(global_rule_make(mem, i, &rule), OK);
		json_t *json = web_rule_json(&rule);
		if (web_rule_read(&reader, WEB_RULE_PRECISE, json, &again) != OK)
			fail_msg("%s: %s", global_rule_name(i), reader.why);
		json_decref(json);
	}
	assert_true(levels[0] > 5 && levels[1] > levels[0] && levels[2] > levels[1]);
	assert_int_equal(levels[WEB_LEVEL_HARD], global_rule_count());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_property),
		cmocka_unit_test(test_global),
		cmocka_unit_test(test_global_table),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
