/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules that make themselves, on a real store: a node that counts as ours do (its sketches are the agent's) reports at an
 * interval that the test chooses, and the engine turns once a second. No test depends on how fast the machine is.
 */
#include "agent/request_top.h"
#include "control/engine/smart.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"
#include "tests/unit/web_world.h"

#define BROWSER	     "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
#define FLOOD	     "flood/1.0"
#define RULE_MS	     (30 * MINUTE_MS)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A part of a site's requests. */
struct crowd {
	unsigned rate;	  /* requests a second */
	unsigned sources; /* 198.18.N.1 .. */
	uint8_t network;  /* N */
	const char *agent, *uri;
	uint32_t rule; /* that they meet, as the node says; 0: none */
};
struct sim {
	struct world *world;
	struct api *api;
	struct smart smart;
	struct request_top *top;
	struct arena *mem;
	struct record_site_traffic traffic;
	int64_t report_every_ms, reported_ms, monotonic_ms;
	unsigned reports;
};
static struct sim sim;

static int sim_setup(void **state)
{
	struct website website;

	assert_int_equal(web_setup(state), 0);
	sim = (struct sim){ .world = *state, .report_every_ms = SECOND_MS };
	sim.api = &sim.world->api;
	sim.top = request_top_new();
	sim.mem = arena_new((size_t)64 << 20);
	assert_true(sim.top && sim.mem);
	smart_init(&sim.smart, sim.api->gateway.nodes, RULE_MS, 0);
	assert_int_equal(db_begin(sim.api->db, DB_READ), OK);
	assert_int_equal(website_load(sim.api->db, sim.api->fixture, 0, DOMAIN, &website), OK);
	db_rollback(sim.api->db);
	sim.traffic = (struct record_site_traffic){ RECORD_HEAD(
		RECORD_SITE_TRAFFIC, website.number, record_site_traffic) };
	sim.traffic.counter.number = (uint32_t)website.number;
	return 0;
}

static int sim_teardown(void **state)
{
	smart_free(&sim.smart);
	request_top_free(sim.top);
	arena_free(sim.mem);
	return teardown(state);
}

/* ---- the node */

static void come(const struct crowd *crowd)
{
	struct log_request request = { .record = { .kind = LOG_REQUEST,
					       .site = sim.traffic.counter.number },
		.weight = 1,
		.rule = crowd->rule };
	struct log_view view = { .request = &request };

	view.text[LOG_URI].bytes = crowd->uri;
	view.text[LOG_URI].length = (uint16_t)strlen(crowd->uri);
	view.text[LOG_USER_AGENT].bytes = crowd->agent;
	view.text[LOG_USER_AGENT].length = (uint16_t)strlen(crowd->agent);
	for (unsigned i = 0; i < crowd->rate; i++) {
		const uint8_t address[16] = { [10] = 0xff,
			0xff,
			198,
			18,
			crowd->network,
			(uint8_t)(1 + i % crowd->sources) };

		memcpy(request.client.byte, address, sizeof(address));
		request_top_add(sim.top, &view, "", sim.monotonic_ms);
	}
	sim.traffic.counter.requests += crowd->rate;
	sim.traffic.counter.origin_requests += crowd->rate;
}

static void send_report(void)
{
	struct record_site_top top[TOP_COUNT];
	uint32_t kinds;

	report_start(&report, 1);
	report_add(&report, &sim.traffic, sizeof(sim.traffic));
	while ((kinds = request_top_take(sim.top, sim.monotonic_ms, top)) > 0) {
		for (uint32_t i = 0; i < kinds; i++) {
			top[i].until_ms = sim.api->clock_ms;
			report_add(&report, &top[i], top[i].record.length);
		}
	}
	assert_int_equal(report_send(&report, sim.api->gateway.nodes, "n", sim.api->clock_ms), OK);
	sim.reported_ms = sim.api->clock_ms;
	sim.reports++;
}

/* ---- the engine */

static void turn(void)
{
	struct tick tick = { .db = sim.api->db,
		.mem = sim.mem,
		.now_ms = sim.api->clock_ms + sim.api->life_offset_ms,
		.clock_ms = sim.api->clock_ms,
		.smart = &sim.smart };

	arena_reset(sim.mem);
	assert_int_equal(steps_run(&tick), OK);
}

static int64_t count_rules(void)
{
	assert_int_equal(
		CALL(sim.api, "DescribeWebCCRulesV2", "Domain", DOMAIN, "Owner", "clover"), 200);
	return strtoll(api_text(sim.api, "TotalCount"), NULL, 10);
}

/* So many seconds, or until there are more rules than that; returns the seconds that passed. */
static int live(
	int seconds, int64_t until_rules, const struct crowd *first, const struct crowd *second)
{
	for (int i = 0; i < seconds; i++) {
		sim.api->clock_ms += SECOND_MS;
		sim.monotonic_ms += SECOND_MS;
		if (first)
			come(first);
		if (second)
			come(second);
		if (sim.api->clock_ms - sim.reported_ms >= sim.report_every_ms)
			send_report();
		turn();
		if (until_rules >= 0 && count_rules() > until_rules)
			return i + 1;
	}
	return seconds;
}

static const struct crowd usual = { 10, 10, 1, BROWSER, "/", 0 };

static void learn(void)
{
	(void)live(200, -1, &usual, NULL);
	assert_int_equal(OWN(sim.api, "DescribeSmartProtection", "Domain", DOMAIN), 200);
	assert_in_range(api_int(sim.api, "Usual"), 10, 13); /* a minute may hold a report more */
	assert_in_range(api_int(sim.api, "Rate"), 9, 11);
	assert_int_equal(count_rules(), 0);
}

static void set_level(const char *config)
{
	assert_int_equal(
		CALL(sim.api, "ModifyWebAIProtectMode", "Domain", DOMAIN, "Config", config), 200);
}

/* The first column of the first row, as text; valid until the next call. */
static const char *query(const char *sql)
{
	static char text[512];
	struct cursor cursor;

	assert_int_equal(db_begin(sim.api->db, DB_READ), OK);
	assert_int_equal(db_select(sim.api->db, db_intern(sim.api->db, sql), NULL, 0, &cursor), OK);
	text[0] = '\0';
	if (db_next(&cursor))
		(void)snprintf(text, sizeof(text), "%s", db_text(&cursor, 0, sim.mem));
	db_done(&cursor);
	db_rollback(sim.api->db);
	return text;
}

/* A part of the first rule's document. */
static const char *rule_part(const char *path)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		"SELECT coalesce(json_extract(json, '%s'), '') FROM website_rule WHERE kind ="
		" 'smart' ORDER BY number LIMIT 1",
		path);
	return query(sql);
}
#define VALUES "$.condition[0].content_list"

static uint32_t rule_number(void)
{
	return (uint32_t)strtoul(
		query("SELECT CAST(number AS TEXT) FROM website_rule WHERE kind = 'smart'"), NULL,
		10);
}

/* ---- tests */

/* Three times the threshold: a rule comes within a bounded number of reports, however seldom they are. */
static void test_found(void **state)
{
	static const int64_t every[] = { 1000, 2000, 4000, 7000, 10000, 20000 };
	static const struct {
		const char *config, *action;
		unsigned rate; /* above the usual ten, a second */
	} levels[] = {
		{ "{\"AiTemplate\":\"level30\",\"AiMode\":\"defense\"}", "challenge", 300 },
		{ "{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}", "challenge", 150 },
		{ "{\"AiTemplate\":\"level90\",\"AiMode\":\"defense\"}", "block", 75 },
	};

	for (size_t i = 0; i < COUNT(every) * COUNT(levels); i++) {
		const char *config = levels[i % COUNT(levels)].config;
		const struct crowd flood = { levels[i % COUNT(levels)].rate, 3, 7, FLOOD, "/", 0 };
		int took;

		if (i > 0) {
			(void)sim_teardown(state);
			(void)sim_setup(state);
		}
		sim.report_every_ms = every[i / COUNT(levels)];
		set_level(config);
		learn();
		sim.reports = 0;
		took = live(120, 0, &usual, &flood);
		/* Five seconds are looked at, and then a whole window of 500 requests behind one that began before. */
		if (count_rules() != 1 || (took > 24 && sim.reports > 4))
			fail_msg("each %d ms, %s: %d rules in %d s, %u reports",
				(int)sim.report_every_ms, config, (int)count_rules(), took,
				sim.reports);
		assert_string_equal(
			rule_part(VALUES), "[\"198.18.7.1\",\"198.18.7.2\",\"198.18.7.3\"]");
		assert_string_equal(rule_part("$.action"), levels[i % COUNT(levels)].action);
	}
}

/* As many as may be, or more as the site is used to: no rule. */
static void test_not_found(void **state)
{
	static const struct {
		const char *what;
		struct crowd crowd;
	} rows[] = {
		{ "below the threshold", { 30, 3, 7, FLOOD, "/", 0 } },
		{ "nothing", { 0, 1, 7, FLOOD, "/", 0 } },
	};
	const struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	/* Of a new site nothing is known. */
	(void)live(60, 0, &flood, NULL);
	assert_int_equal(count_rules(), 0);
	(void)sim_teardown(state);
	(void)sim_setup(state);
	learn();
	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)live(90, 0, &usual, &rows[i].crowd);
		if (count_rules() != 0)
			fail_msg("%s: a rule", rows[i].what);
	}
	/* Nor when it is off, or the site is protected by nobody. */
	assert_int_equal(CALL(sim.api, "ModifyWebAIProtectSwitch", "Domain", DOMAIN, "Config",
				 "{\"AiRuleEnable\":0}"),
		200);
	(void)live(40, 0, &usual, &flood);
	assert_int_equal(count_rules(), 0);
}

/* Keys that usual requests have are in no rule: many more of the same are only held to a rate. */
static void test_known(void **state)
{
	const struct crowd same = { 300, 200, 9, BROWSER, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level90\",\"AiMode\":\"defense\"}");
	learn();
	(void)live(60, 0, &usual, &same);
	assert_int_equal(count_rules(), 1);
	assert_string_equal(rule_part("$.condition[0].field"), "uri");
	assert_string_equal(rule_part("$.condition[0].content"), "/");
	assert_string_not_equal(rule_part("$.ratelimit"), "");
}

/* The second attack is told from what was before the first, though that is half an hour ago. */
static void test_again(void **state)
{
	struct crowd flood = { 400, 3, 7, FLOOD, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	learn();
	(void)live(60, 0, &usual, &flood);
	assert_int_equal(count_rules(), 1);
	(void)live((int)(RULE_MS / SECOND_MS) + 70, -1, &usual, NULL);
	assert_int_equal(count_rules(), 0);
	(void)live(60, 0, &usual, &flood);
	assert_int_equal(count_rules(), 1);
	assert_string_equal(rule_part(VALUES), "[\"198.18.7.1\",\"198.18.7.2\",\"198.18.7.3\"]");
}

/* The new rule only counts until the mode is another. */
static void test_watch(void **state)
{
	const struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	const struct site *site;
	(void)state;

	learn();
	(void)live(60, 0, &usual, &flood);
	assert_int_equal(count_rules(), 1);
	site = web_site(sim.api, DOMAIN);
	assert_int_equal(web_rules(site, CHECK_smart), 1);
	assert_int_equal(site->mode[CHECK_smart], CHECK_WATCH);
	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	site = web_site(sim.api, DOMAIN);
	assert_int_equal(web_rules(site, CHECK_smart), 1);
	assert_int_equal(site->mode[CHECK_smart], CHECK_BLOCK);
}

/* What is met keeps its rule, and asks for no second one; what is not met any more ends. */
static void test_expiry(void **state)
{
	struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	learn();
	(void)live(60, 0, &usual, &flood);
	flood.rule = rule_number();
	(void)live((int)(RULE_MS / SECOND_MS) + 600, -1, &usual, &flood);
	assert_int_equal(count_rules(), 1);
	assert_int_equal(rule_number(), flood.rule);
	/* It was renewed when half of its time was over at the latest. */
	(void)live((int)(RULE_MS / SECOND_MS) / 2 - 5, -1, &usual, NULL);
	assert_int_equal(count_rules(), 1);
	(void)live((int)(RULE_MS / SECOND_MS) / 2 + 10, -1, &usual, NULL);
	assert_int_equal(count_rules(), 0);
	assert_int_equal(web_rules(web_site(sim.api, DOMAIN), CHECK_smart), 0);
}

/* An hour that ends does not make a new site unknown, nor does an attack hide in it. */
static void test_hour(void **state)
{
	const struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	sim.api->clock_ms += 56 * MINUTE_MS - sim.api->clock_ms % HOUR_MS;
	learn();
	(void)live(60, -1, &usual, NULL); /* the hour is over within it */
	assert_int_equal(sim.api->clock_ms % HOUR_MS / MINUTE_MS, 0);
	(void)live(40, 0, &usual, &flood);
	assert_int_equal(count_rules(), 1);
}

/* Another attack each time: only so many rules, and each of other addresses. */
static void test_limit(void **state)
{
	struct crowd flood = { 400, 2, 20, BROWSER, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	learn();
	for (int i = 0; i < WEB_SMART_MAX + 5; i++) {
		flood.network = (uint8_t)(20 + i);
		(void)live(40, count_rules(), &usual, &flood);
	}
	assert_int_equal(count_rules(), WEB_SMART_MAX);
	assert_string_equal(
		query("SELECT CAST(count(*) AS TEXT) FROM (SELECT json_extract(json, '" VALUES
		      "') AS list FROM"
		      " website_rule WHERE kind = 'smart' GROUP BY list HAVING count(*) > 1)"),
		"0");
}

/* A site that is gone with its instance is no error, also while it is attacked. */
static void test_released(void **state)
{
	const struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	(void)state;

	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	learn();
	(void)live(3, -1, &usual, &flood);
	assert_int_equal(CALL(sim.api, "DeleteDomainResource", "Domain", DOMAIN), 200);
	for (int i = 0; i < 60; i++)
		(void)live(1, -1, &usual, &flood);
	assert_string_equal(
		query("SELECT CAST(count(*) AS TEXT) FROM website_rule WHERE kind = 'smart'"), "0");
}

/* White-listed addresses are in no rule. */
static void test_allowed(void **state)
{
	const struct crowd flood = { 150, 3, 7, FLOOD, "/", 0 };
	(void)state;

	assert_int_equal(
		CALL(sim.api, "ConfigWebIpSet", "Domain", DOMAIN, "WhiteList.1", "198.18.7.2"),
		200);
	set_level("{\"AiTemplate\":\"level60\",\"AiMode\":\"defense\"}");
	learn();
	(void)live(60, 0, &usual, &flood);
	assert_int_equal(count_rules(), 2); /* the rest of it is met by what it says of itself */
	assert_string_equal(rule_part(VALUES), "[\"198.18.7.1\",\"198.18.7.3\"]");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sim_setup, sim_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_found),
		TEST(test_not_found),
		TEST(test_known),
		TEST(test_again),
		TEST(test_watch),
		TEST(test_expiry),
		TEST(test_hour),
		TEST(test_limit),
		TEST(test_released),
		TEST(test_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
