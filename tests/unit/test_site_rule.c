/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of sites: every match on texts that hold and that do not, numbers, networks, headers by name, a body that comes
 * later, jumps, and code that nobody checked.
 */
#include "nginx/rule.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/site.h"

static uint64_t memory[SITE_BYTES_MAX / 8];
static struct site_builder builder;
static struct site *site;
static struct site_rule *rule;
static struct site_step *step;

struct request {
	const char *uri, *agent, *header, *body;
	bool body_read;
	int asked;
};

static struct rule_text ask(void *context, enum step_field field, struct rule_text name)
{
	struct request *request = context;
	const char *text = NULL;

	request->asked++;
	if (field == FIELD_BODY && !request->body_read)
		return (struct rule_text){ rule_unread, 0 };
	if (field == FIELD_URI)
		text = request->uri;
	else if (field == FIELD_USER_AGENT)
		text = request->agent;
	else if (field == FIELD_BODY)
		text = request->body;
	else if (field == FIELD_HEADER && name.length == 5 && memcmp(name.data, "x-app", 5) == 0)
		text = request->header;
	return (struct rule_text){ text, text ? strlen(text) : 0 };
}

static struct site_text text(const char *value)
{
	return site_add_text(&builder, value, strlen(value));
}

static void begin(unsigned steps)
{
	site = site_begin(&builder, memory, sizeof(memory));
	site->number = 1;
	site->domain = text("a.example");
	rule = site_add_list(&builder, &site->rules, 1, sizeof(*rule));
	*rule = (struct site_rule){
		.number = 1, .check = CHECK_precise, .step_count = (uint16_t)steps
	};
	step = site_add_list(&builder, &site->steps, steps, sizeof(*step));
	for (unsigned i = 0; i < steps; i++) {
		step[i].hit = STEP_MATCH;
		step[i].miss = STEP_NO_MATCH;
	}
}

static void end(void)
{
	assert_true(site_end(&builder) > 0);
	assert_null(site_check(site, site->length));
}

static struct address address(const char *value)
{
	struct address out;

	assert_int_equal(inet_pton(AF_INET6, value, &out), 1);
	return out;
}

static enum rule_answer run(struct request *request, const char *client)
{
	struct rule_subject subject = {
		.ask = ask, .context = request, .client = address(client), .content_length = 77
	};

	return rule_ask(site, rule, &subject);
}

static const struct {
	uint8_t match, flags;
	const char *value, *text;
	bool holds;
} texts[] = {
	{ MATCH_EQUAL, 0, "/a", "/a", true },
	{ MATCH_EQUAL, 0, "/a", "/A", false },
	{ MATCH_EQUAL, STEP_ANY_CASE, "/aZ[", "/Az[", true },
	{ MATCH_EQUAL, STEP_ANY_CASE, "[", "{", false },
	{ MATCH_EQUAL, STEP_ANY_CASE, "@", "`", false },
	{ MATCH_EQUAL, 0, "/a", "/ab", false },
	{ MATCH_EQUAL, 0, "", "", true },
	{ MATCH_EQUAL, 0, "", NULL, true },
	{ MATCH_EQUAL, STEP_NOT, "x", NULL, true },
	{ MATCH_CONTAINS, 0, "admin", "/x/admin/y", true },
	{ MATCH_CONTAINS, 0, "admin", "/x/Admin/y", false },
	{ MATCH_CONTAINS, STEP_ANY_CASE, "aDmin", "/x/AdMin", true },
	{ MATCH_CONTAINS, STEP_ANY_CASE, "admin", "admi", false },
	{ MATCH_CONTAINS, 0, "admin", "", false },
	{ MATCH_CONTAINS, 0, "", "", true },
	{ MATCH_CONTAINS, 0, "", NULL, true },
	{ MATCH_CONTAINS, STEP_NOT, "admin", "/", true },
	{ MATCH_PREFIX, 0, "/a", "/abc", true },
	{ MATCH_PREFIX, 0, "/a", "b/a", false },
	{ MATCH_PREFIX, 0, "/abc", "/a", false },
	{ MATCH_PREFIX, STEP_ANY_CASE, "/AB", "/abc", true },
	{ MATCH_SUFFIX, 0, ".php", "/x.php", true },
	{ MATCH_SUFFIX, 0, ".php", "/x.php5", false },
	{ MATCH_SUFFIX, 0, ".php", "php", false },
	{ MATCH_SUFFIX, STEP_ANY_CASE, ".php", "/x.PHP", true },
	{ MATCH_ABSENT, 0, "", NULL, true },
	{ MATCH_ABSENT, 0, "", "", false },
	{ MATCH_ABSENT, STEP_NOT, "", "x", true },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct request request = { .agent = texts[i].text };

		begin(1);
		step->field = FIELD_USER_AGENT;
		step->match = texts[i].match;
		step->flags = texts[i].flags;
		step->value = text(texts[i].value);
		end();
		if ((run(&request, "::1") == RULE_MET) != texts[i].holds)
			fail_msg("case %zu", i);
	}
}

/* A value that lies across the pieces that are folded. */
static void test_long_texts(void **state)
{
	static const char needle[6] = { 'N', 'E', 'E', 'D', 'L', 'E' };
	static char uri[40000];
	struct request request = { .uri = uri };

	(void)state;
	for (size_t at = 16384 - 7; at < 16384 + 3; at++) {
		memset(uri, 'n', sizeof(uri) - 1);
		memcpy(uri + at, needle, sizeof(needle));
		begin(1);
		step->field = FIELD_URI;
		step->match = MATCH_CONTAINS;
		step->flags = STEP_ANY_CASE;
		step->value = text("nEEdle");
		end();
		assert_int_equal(run(&request, "::1"), RULE_MET);
		uri[at + 5] = 'x';
		assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	}
}

static const struct {
	uint8_t field, match;
	int64_t number;
	const char *text;
	bool holds;
} numbers[] = {
	{ FIELD_URI, MATCH_LENGTH_LESS, 3, "/a", true },
	{ FIELD_URI, MATCH_LENGTH_LESS, 2, "/a", false },
	{ FIELD_URI, MATCH_LENGTH_EQUAL, 2, "/a", true },
	{ FIELD_URI, MATCH_LENGTH_EQUAL, 0, NULL, true },
	{ FIELD_URI, MATCH_LENGTH_MORE, 1, "/a", true },
	{ FIELD_URI, MATCH_LENGTH_MORE, 2, "/a", false },
	{ FIELD_URI, MATCH_LESS, 10, "9", true },
	{ FIELD_URI, MATCH_LESS, 10, "-11", true },
	{ FIELD_URI, MATCH_LESS, 10, "10", false },
	{ FIELD_URI, MATCH_SAME, 10, "010", true },
	{ FIELD_URI, MATCH_SAME, 0, "", false },
	{ FIELD_URI, MATCH_SAME, 0, "-", false },
	{ FIELD_URI, MATCH_SAME, 0, NULL, false },
	{ FIELD_URI, MATCH_MORE, 9, "10", true },
	{ FIELD_URI, MATCH_MORE, 9, "10x", false },
	{ FIELD_URI, MATCH_MORE, 9, "99999999999999999999", false },
	{ FIELD_URI, MATCH_MORE, 9, "9223372036854775807", true },
	{ FIELD_CONTENT_LENGTH, MATCH_SAME, 77, NULL, true },
	{ FIELD_CONTENT_LENGTH, MATCH_MORE, 77, NULL, false },
	{ FIELD_CONTENT_LENGTH, MATCH_LESS, 78, NULL, true },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct request request = { .uri = numbers[i].text };

		begin(1);
		step->field = numbers[i].field;
		step->match = numbers[i].match;
		step->number = numbers[i].number;
		end();
		if ((run(&request, "::1") == RULE_MET) != numbers[i].holds)
			fail_msg("case %zu", i);
	}
}

static const struct {
	const char *network, *client;
	int bits;
	bool holds;
} networks[] = {
	{ "::ffff:10.0.0.0", "::ffff:10.255.0.1", 104, true },
	{ "::ffff:10.0.0.0", "::ffff:11.0.0.1", 104, false },
	{ "::ffff:10.0.0.128", "::ffff:10.0.0.200", 121, true },
	{ "::ffff:10.0.0.128", "::ffff:10.0.0.127", 121, false },
	{ "2001:db8::1", "2001:db8::1", 128, true },
	{ "2001:db8::1", "2001:db8::2", 128, false },
	{ "2001:db8::", "2001:db8:ffff::2", 32, true },
	{ "::", "::ffff:1.2.3.4", 0, true },
};

static void test_networks(void **state)
{
	struct request request = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct address network = address(networks[i].network);

		begin(1);
		step->field = FIELD_ADDRESS;
		step->match = MATCH_WITHIN;
		step->value = site_add_text(&builder, &network, sizeof(network));
		step->number = networks[i].bits;
		end();
		if ((run(&request, networks[i].client) == RULE_MET) != networks[i].holds)
			fail_msg("case %zu", i);
	}
	assert_int_equal(request.asked, 0);
}

static void test_body_and_header(void **state)
{
	struct request request = { .body = "x=evil", .header = "1" };

	(void)state;
	begin(2);
	step[0].field = FIELD_HEADER;
	step[0].match = MATCH_EQUAL;
	step[0].name = text("x-app");
	step[0].value = text("1");
	step[0].hit = 1;
	step[1].field = FIELD_BODY;
	step[1].match = MATCH_CONTAINS;
	step[1].value = text("evil");
	end();
	assert_int_equal(run(&request, "::1"), RULE_WANTS_BODY);
	request.body_read = true;
	assert_int_equal(run(&request, "::1"), RULE_MET);
	request.body = "x=good";
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	/* Who is not asked for it does not have it read. */
	request = (struct request){ .header = "2" };
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	assert_int_equal(request.asked, 1);
	step[0].name = text("x-apq");
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
}

/* (URI has "a" and "b") or "c": jumps; each text is asked for once. */
static void test_jumps(void **state)
{
	static const char *const met[] = { "ab", "c", "bca", "ac" };
	static const char *const not_met[] = { "a", "b", "", "d" };
	struct request request = { 0 };

	(void)state;
	begin(3);
	for (int i = 0; i < 3; i++) {
		step[i].field = FIELD_URI;
		step[i].match = MATCH_CONTAINS;
		step[i].value = site_add_text(&builder, &"abc"[i], 1);
	}
	step[0].hit = 1;
	step[0].miss = 2;
	step[1].miss = 1;
	end();
	for (int i = 0; i < 4; i++) {
		request = (struct request){ .uri = met[i] };
		assert_int_equal(run(&request, "::1"), RULE_MET);
		assert_int_equal(request.asked, 1);
		request = (struct request){ .uri = not_met[i] };
		assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	}
	rule->step_count = 0;
	assert_int_equal(run(&request, "::1"), RULE_MET);
}

/* Nobody checked these: they end all the same. */
static void test_unchecked(void **state)
{
	struct request request = { .uri = "x" };

	(void)state;
	begin(2);
	for (int i = 0; i < 2; i++) {
		step[i].field = FIELD_URI;
		step[i].match = MATCH_ABSENT;
	}
	step[0].miss = 0;
	assert_true(site_end(&builder) > 0);
	assert_non_null(site_check(site, site->length));
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	step[0].miss = 200;
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
	step[0].miss = 1;
	step[1].miss = 1;
	assert_int_equal(run(&request, "::1"), RULE_NOT_MET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_body_and_header),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_unchecked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
