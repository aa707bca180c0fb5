/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Challenges: what a token is bound to, epochs, dual-stack clients, answers, cookies, who is shown a page, the page and
 * the way without JavaScript.
 */
#include "nginx/challenge.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH	INT64_C(41000)
#define NOW	(EPOCH * CHALLENGE_EPOCH_SECONDS * 1000 + 60000)
#define SECONDS INT64_C(1000)

static struct table_settings settings;
static const uint8_t id[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static int set_up(void **state)
{
	(void)state;
	settings = (struct table_settings){ .challenge_epoch = EPOCH };
	memset(settings.challenge_key[0], 1, 32);
	memset(settings.challenge_key[1], 2, 32);
	return 0;
}

static struct challenge_client client(const char *address)
{
	struct challenge_client out = { .settings = &settings,
		.now_ms = NOW,
		.site = 9,
		.user_agent = "agent",
		.user_agent_length = 5 };

	assert_int_equal(inet_pton(AF_INET6, address, &out.address), 1);
	return out;
}

static const char *issue(enum challenge_kind kind, const char *address, bool enhanced,
	const struct challenge_token *previous, int64_t now_ms)
{
	static char text[CHALLENGE_TEXT_SIZE];
	struct challenge_client who = client(address);
	struct challenge_token token;

	who.now_ms = now_ms;
	who.enhanced = enhanced;
	token = challenge_make(kind, &who, previous, id);
	challenge_write(&token, &who, text);
	assert_int_equal(strlen(text), CHALLENGE_TEXT_SIZE - 1);
	return text;
}

static enum challenge_state read_pass(
	const char *text, const char *address, bool enhanced, int64_t now_ms)
{
	struct challenge_client who = client(address);
	struct challenge_token token;

	who.now_ms = now_ms;
	who.enhanced = enhanced;
	return challenge_read(text, strlen(text), CHALLENGE_WORK, &who, &token);
}

static void test_network(void **state)
{
	static const struct {
		const char *issued, *used;
		bool enhanced;
		enum challenge_state state;
	} cases[] = {
		{ "::ffff:10.1.2.3", "::ffff:10.1.2.3", false, CHALLENGE_GOOD },
		{ "::ffff:10.1.2.3", "::ffff:10.1.200.4", false, CHALLENGE_GOOD },
		{ "::ffff:10.1.2.3", "::ffff:10.2.2.3", false, CHALLENGE_OTHER_NETWORK },
		{ "::ffff:10.1.2.3", "2001:db8::1", false, CHALLENGE_OTHER_NETWORK },
		{ "2001:db8::1", "2001:db8:7::1", false, CHALLENGE_GOOD },
		{ "2001:db8::1", "2001:db9::1", false, CHALLENGE_OTHER_NETWORK },
		{ "2001:db8::1", "::ffff:32.1.13.184", false, CHALLENGE_OTHER_NETWORK },
		{ "::ffff:10.1.2.3", "::ffff:10.1.2.3", true, CHALLENGE_GOOD },
		{ "::ffff:10.1.2.3", "::ffff:10.1.2.4", true, CHALLENGE_BAD },
		{ "2001:db8::1", "2001:db8::2", true, CHALLENGE_GOOD },
		{ "2001:db8::1", "2001:db8:0:1::1", true, CHALLENGE_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text =
			issue(CHALLENGE_WORK, cases[i].issued, cases[i].enhanced, NULL, NOW);

		if (read_pass(text, cases[i].used, cases[i].enhanced, NOW) != cases[i].state)
			fail_msg("case %zu", i);
	}
	/* What does for a site in its usual mode does not for one that asks for more. */
	assert_int_equal(
		read_pass(issue(CHALLENGE_WORK, "::1", false, NULL, NOW), "::1", true, NOW),
		CHALLENGE_BAD);
	assert_int_equal(
		read_pass(issue(CHALLENGE_WORK, "::1", true, NULL, NOW), "::1", false, NOW),
		CHALLENGE_GOOD);
}

static void test_bound(void **state)
{
	char text[CHALLENGE_TEXT_SIZE];
	struct challenge_client who = client("::1"), other = who;
	struct challenge_token token;

	(void)state;
	(void)snprintf(text, sizeof(text), "%s", issue(CHALLENGE_WORK, "::1", false, NULL, NOW));
	other.site = 8;
	assert_int_equal(challenge_read(text, 59, CHALLENGE_WORK, &other, &token), CHALLENGE_BAD);
	other = who;
	other.user_agent = "Agent";
	assert_int_equal(challenge_read(text, 59, CHALLENGE_WORK, &other, &token), CHALLENGE_BAD);
	assert_int_equal(challenge_read(text, 59, CHALLENGE_QUESTION, &who, &token), CHALLENGE_BAD);
	assert_int_equal(challenge_read(text, 58, CHALLENGE_WORK, &who, &token), CHALLENGE_BAD);
	assert_int_equal(challenge_read(text, 59, CHALLENGE_WORK, &who, &token), CHALLENGE_GOOD);
	/* Each character counts. */
	for (size_t i = 0; i < 59; i++) {
		char held = text[i];

		text[i] = held == 'A' ? 'B' : 'A';
		assert_int_equal(
			challenge_read(text, 59, CHALLENGE_WORK, &who, &token), CHALLENGE_BAD);
		text[i] = held;
	}
}

static void test_time(void **state)
{
	char text[CHALLENGE_TEXT_SIZE];
	int64_t late = NOW - 60000 + (CHALLENGE_EPOCH_SECONDS - 10) * SECONDS;

	(void)state;
	(void)snprintf(text, sizeof(text), "%s", issue(CHALLENGE_WORK, "::1", false, NULL, NOW));
	assert_int_equal(read_pass(text, "::1", false, NOW + CHALLENGE_WORK_SECONDS * SECONDS),
		CHALLENGE_GOOD);
	assert_int_equal(
		read_pass(text, "::1", false, NOW + (CHALLENGE_WORK_SECONDS + 1) * SECONDS),
		CHALLENGE_BAD);
	assert_int_equal(read_pass(text, "::1", false, NOW - 6 * SECONDS), CHALLENGE_BAD);
	(void)snprintf(text, sizeof(text), "%s", issue(CHALLENGE_PLAIN, "::1", false, NULL, NOW));
	assert_int_equal(read_pass(text, "::1", false, NOW), CHALLENGE_GOOD);
	assert_int_equal(read_pass(text, "::1", true, NOW), CHALLENGE_BAD);
	assert_int_equal(
		read_pass(text, "::1", false, NOW + (CHALLENGE_PLAIN_SECONDS + 1) * SECONDS),
		CHALLENGE_BAD);
	/* Over the change of keys; then the key is another one. */
	(void)snprintf(text, sizeof(text), "%s", issue(CHALLENGE_WORK, "::1", false, NULL, late));
	settings.challenge_epoch = EPOCH + 1;
	memset(settings.challenge_key[(EPOCH + 1) & 1], 3, 32);
	assert_int_equal(read_pass(text, "::1", false, late + 60 * SECONDS), CHALLENGE_GOOD);
	settings.challenge_epoch = EPOCH + 2;
	assert_int_equal(read_pass(text, "::1", false, late + 60 * SECONDS), CHALLENGE_BAD);
	/* Nobody has changed the keys for days, since the agent is gone: who answers is let through all the same. */
	late = NOW + 5 * CHALLENGE_EPOCH_SECONDS * SECONDS;
	(void)snprintf(text, sizeof(text), "%s", issue(CHALLENGE_WORK, "::1", false, NULL, late));
	assert_int_equal(read_pass(text, "::1", false, late + 60 * SECONDS), CHALLENGE_GOOD);
	assert_int_equal(
		read_pass(text, "::1", false, late + (CHALLENGE_WORK_SECONDS + 1) * SECONDS),
		CHALLENGE_BAD);
	/* Without keys nothing is good, even what is signed by none. */
	memset(&settings, 0, sizeof(settings));
	settings.challenge_epoch = EPOCH;
	assert_false(challenge_ready(&settings));
	assert_false(challenge_ready(NULL));
	assert_int_equal(
		read_pass(issue(CHALLENGE_WORK, "::1", false, NULL, NOW), "::1", false, NOW),
		CHALLENGE_BAD);
}

static void test_dual_stack(void **state)
{
	static const char ipv4[] = "::ffff:10.1.2.3", ipv6[] = "2001:db8::1";
	struct challenge_client who = client(ipv6);
	struct challenge_token first;
	const char *text = issue(CHALLENGE_WORK, ipv4, false, NULL, NOW);

	(void)state;
	assert_int_equal(
		challenge_read(text, 59, CHALLENGE_WORK, &who, &first), CHALLENGE_OTHER_NETWORK);
	text = issue(CHALLENGE_WORK, ipv6, false, &first, NOW);
	assert_int_equal(read_pass(text, ipv4, false, NOW), CHALLENGE_GOOD);
	assert_int_equal(read_pass(text, ipv6, false, NOW), CHALLENGE_GOOD);
	assert_int_equal(read_pass(text, "::ffff:10.9.2.3", false, NOW), CHALLENGE_OTHER_NETWORK);
	/* One network of each version, no more. */
	text = issue(CHALLENGE_WORK, "::ffff:10.9.2.3", false, &first, NOW);
	assert_int_equal(read_pass(text, ipv4, false, NOW), CHALLENGE_OTHER_NETWORK);
}

static void test_answer(void **state)
{
	char answer[128];
	size_t length;
	const char *question = issue(CHALLENGE_QUESTION, "::1", false, NULL, NOW);
	unsigned number = 0;

	(void)state;
	do {
		(void)snprintf(answer, sizeof(answer), "%s.%u", question, ++number);
		assert_true(challenge_answer_split(answer, strlen(answer), &length));
		assert_int_equal(length, 59);
	} while (number < 100000 &&
		 !challenge_solved(question, length, answer + 60, strlen(answer) - 60, 8));
	assert_in_range(number, 1, 10000);
	assert_true(challenge_solved(question, length, answer + 60, strlen(answer) - 60, 0));
	assert_false(challenge_solved(question, length, answer + 60, strlen(answer) - 60, 31));
	assert_false(challenge_solved(question, length, "", 0, 0));
	assert_false(challenge_solved(question, length, "12345678901234567", 17, 0));
	assert_false(challenge_solved(question, length, "1x", 2, 0));
	assert_false(challenge_answer_split(answer, 60, &length));
	assert_false(challenge_answer_split(answer, 59, &length));
	answer[59] = ',';
	assert_false(challenge_answer_split(answer, strlen(answer), &length));
}

static void test_cookies(void **state)
{
	static const char header[] =
		"a=1; polder_pass=x; polder_passing=no;polder_pass=y;polder_pass";
	const char *value;
	size_t offset = 0, length;

	(void)state;
	assert_true(challenge_cookie_next(
		header, sizeof(header) - 1, CHALLENGE_PASS, &offset, &value, &length));
	assert_int_equal(length, 1);
	assert_int_equal(*value, 'x');
	assert_true(challenge_cookie_next(
		header, sizeof(header) - 1, CHALLENGE_PASS, &offset, &value, &length));
	assert_int_equal(*value, 'y');
	assert_false(challenge_cookie_next(
		header, sizeof(header) - 1, CHALLENGE_PASS, &offset, &value, &length));
	assert_false(challenge_cookie_next(
		header, sizeof(header) - 1, CHALLENGE_PASS, &offset, &value, &length));
	offset = 0;
	assert_false(challenge_cookie_next(header, 0, CHALLENGE_PASS, &offset, &value, &length));
}

static void test_shows_page(void **state)
{
	static const struct {
		const char *method, *accept, *destination, *requested_with;
		bool page;
	} cases[] = {
		{ "GET", "text/html,*/*;q=0.8", "document", NULL, true },
		{ "GET", "text/html,*/*;q=0.8", NULL, NULL, true },
		{ "GET", "*/*", NULL, NULL, true },
		{ "GET", NULL, NULL, NULL, true },
		{ "GET", "text/html", "iframe", NULL, true },
		{ "GET", "*/*", "empty", NULL, false },
		{ "GET", "image/webp,*/*", "image", NULL, false },
		{ "GET", "application/json", NULL, NULL, false },
		{ "GET", "text/html", NULL, "XMLHttpRequest", false },
		{ "POST", "text/html", "document", NULL, false },
		{ "HEAD", "*/*", NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge_request request = { cases[i].method, cases[i].accept,
			cases[i].destination, cases[i].requested_with, strlen(cases[i].method),
			cases[i].accept ? strlen(cases[i].accept) : 0,
			cases[i].destination ? strlen(cases[i].destination) : 0,
			cases[i].requested_with ? strlen(cases[i].requested_with) : 0 };

		if (challenge_shows_page(&request) != cases[i].page)
			fail_msg("case %zu", i);
	}
}

static void test_page(void **state)
{
	static char out[CHALLENGE_PAGE_MAX + 1], uri[CHALLENGE_URI_MAX + 2];
	struct challenge_page page = { .question =
					       issue(CHALLENGE_QUESTION, "::1", false, NULL, NOW),
		.nonce = "N0nce",
		.uri = "/a?b=\"><script>&c='",
		.uri_length = 19,
		.bits = 15,
		.plain = true };
	size_t length = challenge_page_write(&page, out, CHALLENGE_PAGE_MAX);

	(void)state;
	assert_in_range(length, 1000, 5000);
	out[length] = '\0';
	assert_non_null(strstr(out, "url=/.polder/pass?t="));
	assert_non_null(strstr(out, "&amp;u=%2Fa%3Fb%3D%22%3E%3Cscript%3E%26c%3D%27\""));
	assert_null(strstr(out, "\"><script>"));
	assert_null(strstr(out, "http:"));
	assert_null(strstr(out, "https:"));
	page.plain = false;
	length = challenge_page_write(&page, out, CHALLENGE_PAGE_MAX);
	out[length] = '\0';
	assert_null(strstr(out, "/.polder/pass"));
	/* The longest, and one that does not fit. */
	memset(uri, '"', sizeof(uri));
	uri[0] = '/';
	page = (struct challenge_page){ .question = page.question,
		.nonce = "N",
		.uri = uri,
		.uri_length = CHALLENGE_URI_MAX,
		.plain = true };
	assert_true(challenge_page_write(&page, out, CHALLENGE_PAGE_MAX) > 0);
	page.uri_length = CHALLENGE_URI_MAX + 1;
	length = challenge_page_write(&page, out, CHALLENGE_PAGE_MAX);
	out[length] = '\0';
	assert_non_null(strstr(out, "&amp;u=%2F\""));
	assert_int_equal(challenge_page_write(&page, out, 100), 0);
}

static void test_query(void **state)
{
	static const struct {
		const char *rest, *uri;
	} cases[] = {
		{ "&u=%2Fa%3Fb%3D1", "/a?b=1" },
		{ "&u=/", "/" },
		{ "&u=%2F%2Fevil.example", "/" },
		{ "&u=%2F%5Cevil.example", "/" },
		{ "&u=https%3A%2F%2Fevil.example", "/" },
		{ "&u=%2Fa%0D%0ASet-Cookie%3Aa", "/" },
		{ "&u=%2Fa%", "/" },
		{ "&u=%2Fa%2", "/" },
		{ "&u=%2Fa%20", "/" },
		{ "&u=", "/" },
		{ "", "/" },
		{ "&x=%2Fa", "/" },
	};
	char query[256], uri[CHALLENGE_URI_MAX];
	const char *token;
	size_t token_length, uri_length;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(query, sizeof(query), "t=%s%s",
			issue(CHALLENGE_QUESTION, "::1", false, NULL, NOW), cases[i].rest);
		assert_true(challenge_query_read(
			query, strlen(query), &token, &token_length, uri, &uri_length));
		assert_int_equal(token_length, 59);
		if (uri_length != strlen(cases[i].uri) ||
			memcmp(uri, cases[i].uri, uri_length) != 0)
			fail_msg("case %zu", i);
	}
	assert_false(challenge_query_read("t=short", 7, &token, &token_length, uri, &uri_length));
	assert_false(challenge_query_read("", 0, &token, &token_length, uri, &uri_length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_network, set_up),
		cmocka_unit_test_setup(test_bound, set_up),
		cmocka_unit_test_setup(test_time, set_up),
		cmocka_unit_test_setup(test_dual_stack, set_up),
		cmocka_unit_test_setup(test_answer, set_up),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_shows_page),
		cmocka_unit_test_setup(test_page, set_up),
		cmocka_unit_test_setup(test_query, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
