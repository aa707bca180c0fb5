/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered of calls: who sees which, that nothing secret is in it, and what is said about why two signed strings
 * differ. And the figures of this second: whose they are.
 */
#include "base/clock.h"
#include "control/auth/call_log.h"
#include "control/auth/difference.h"
#include "shared/snapshot_abi.h"
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct api *api, int status, const char *code)
{
	if (api->response.status != status || strcmp(api_code(api), code) != 0)
		fail_msg("%s", api->response.body);
}

#define POLDER(api, ...) (void)api_call_version(api, VERSION_POLDER, __VA_ARGS__, NULL)

/* ---- differences */

#define V1_HEAD "GET&%2F&AccessKeyId%3Dtestid%26"
#define V3_HEAD "POST\n/\n"
#define V3_TAIL                                                                                    \
	"\nhost:api.example\nx-acs-action:CreatePort\n\nhost;x-acs-action\n"                       \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void causes_are_told(void **state)
{
	static const struct {
		bool v3;
		const char *server, *client;
		enum difference_cause cause;
		size_t at, line;
	} cases[] = {
		{ false, V1_HEAD "A%3Db", V1_HEAD "A%3Db", DIFFERENCE_NONE, 36, 1 },
		{ false, "POST&%2F&A%3Db", "GET&%2F&A%3Db", DIFFERENCE_METHOD, 0, 1 },
		{ false, V1_HEAD "K%3Da%2520b", V1_HEAD "K%3Da%2Bb", DIFFERENCE_SPACE_PLUS, 38, 1 },
		{ false, V1_HEAD "K%3Da%2520b", V1_HEAD "K%3Da+b", DIFFERENCE_SPACE_PLUS, 36, 1 },
		{ false, V1_HEAD "K%3D%252A", V1_HEAD "K%3D%2A", DIFFERENCE_STAR, 37, 1 },
		{ false, V1_HEAD "K%3D%252A", V1_HEAD "K%3D*", DIFFERENCE_STAR, 35, 1 },
		{ false, V1_HEAD "K%3D~", V1_HEAD "K%3D%257E", DIFFERENCE_TILDE, 35, 1 },
		{ false, V1_HEAD "T%3D03%253A04", V1_HEAD "T%3D03%3A04", DIFFERENCE_ENCODED_ONCE,
			38, 1 },
		{ false, V1_HEAD "T%3D03%253A04", V1_HEAD "T%3D03%25253A04",
			DIFFERENCE_ENCODED_TWICE, 40, 1 },
		{ false, V1_HEAD "T%3D03%253A04", V1_HEAD "T%3D03%253a04", DIFFERENCE_LOWER_CASE,
			41, 1 },
		{ false, V1_HEAD "A%3Db%26C%3Dd", V1_HEAD "A%3Db", DIFFERENCE_ENDS_EARLY, 36, 1 },
		{ false, V1_HEAD "A%3Db", V1_HEAD "A%3Db%26C%3Dd", DIFFERENCE_GOES_ON, 36, 1 },
		{ false, V1_HEAD "A%3Db%26C%3Dd", V1_HEAD "C%3Dd%26A%3Db", DIFFERENCE_ORDER, 31,
			1 },
		{ false, V1_HEAD "A%3Db%26C%3Dd", V1_HEAD "C%3Dd", DIFFERENCE_MISSING, 31, 1 },
		{ false, V1_HEAD "C%3Dd", V1_HEAD "A%3Db%26C%3Dd", DIFFERENCE_EXTRA, 31, 1 },
		{ false, V1_HEAD "A%3Db%26C%3Dd", V1_HEAD "A%3Dx%26C%3Dd", DIFFERENCE_VALUE, 35,
			1 },
		/* What is hidden is equal to anything. */
		{ false, V1_HEAD "Password%3D%252A%252A%252A%26Z%3D1",
			V1_HEAD "Password%3Dverysecret%26Z%3D1", DIFFERENCE_NONE, 65, 1 },
		{ false, V1_HEAD "Password%3D%252A%252A%252A%26Z%3D1",
			V1_HEAD "Password%3Dverysecret%26Z%3D2", DIFFERENCE_VALUE, 64, 1 },
		{ true, V3_HEAD "A=b" V3_TAIL, V3_HEAD "A=b" V3_TAIL, DIFFERENCE_NONE, 0, 0 },
		{ true, V3_HEAD "A=b", "GET\n/\nA=b", DIFFERENCE_METHOD, 0, 1 },
		{ true, V3_HEAD "A=b%20c" V3_TAIL, V3_HEAD "A=b+c" V3_TAIL, DIFFERENCE_SPACE_PLUS,
			10, 3 },
		{ true, V3_HEAD "A=%2A" V3_TAIL, V3_HEAD "A=*" V3_TAIL, DIFFERENCE_STAR, 9, 3 },
		{ true, V3_HEAD "A=%2F" V3_TAIL, V3_HEAD "A=%2f" V3_TAIL, DIFFERENCE_LOWER_CASE, 11,
			3 },
		{ true, V3_HEAD "A=%2F" V3_TAIL, V3_HEAD "A=/" V3_TAIL, DIFFERENCE_NOT_ENCODED, 9,
			3 },
		{ true, V3_HEAD "A=1&B=2" V3_TAIL, V3_HEAD "B=2&A=1" V3_TAIL, DIFFERENCE_ORDER, 7,
			3 },
		{ true, V3_HEAD "\nhost:api.example\n\nhost\nff",
			V3_HEAD "\nhost:proxy\n\nhost\nff", DIFFERENCE_HEADER, 13, 4 },
		{ true, V3_HEAD "\nhost:a\n\nhost\nff", V3_HEAD "\nhost:a\n\nhost\nfe",
			DIFFERENCE_PAYLOAD, 22, 7 },
		{ true, V3_HEAD "\nx-acs-security-token:***\nff",
			V3_HEAD "\nx-acs-security-token:abc\nff", DIFFERENCE_NONE, 0, 0 },
	};
	struct difference found;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		difference_find(cases[i].server, cases[i].client, cases[i].v3, &found);
		if (found.cause != cases[i].cause)
			fail_msg("case %zu: %s instead of %s", i, difference_name(found.cause),
				difference_name(cases[i].cause));
		if (cases[i].line > 0) {
			assert_int_equal(found.server_at, cases[i].at);
			assert_int_equal(found.line, cases[i].line);
		}
		assert_true(strlen(difference_text(found.cause)) > 10);
	}
}

/* ---- calls */

/* A call whose signature is wrong. */
static const char *mismatch(struct api *api, const struct api_key *as)
{
	static struct api_key wrong;

	wrong = *as;
	(void)snprintf(wrong.secret, sizeof(wrong.secret), "another");
	api->caller = &wrong;
	(void)api_call(api, "DescribeInstances", "PageNumber", "1", "PageSize", "a b", NULL);
	expect(api, 400, "SignatureDoesNotMatch");
	api->caller = as;
	return arena_copy(api->fixture, api_text(api, "RequestId"));
}

static void calls_are_diagnosed(void **state)
{
	struct api *api = *state;
	const char *id = mismatch(api, &api->tenant), *string;
	char *changed, *at;

	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 200, "");
	assert_string_equal(api_text(api, "Call.Code"), "SignatureDoesNotMatch");
	assert_string_equal(api_text(api, "Call.ActionName"), "DescribeInstances");
	assert_string_equal(api_text(api, "Call.SignatureForm"), "V1");
	assert_string_equal(api_text(api, "Call.AccessKeyId"), api->tenant.id);
	assert_int_equal(api_int(api, "Call.HttpStatus"), 400);
	assert_null(api_get(api, "Difference"));
	assert_non_null(strstr(api_text(api, "Remedy"), "DiagnoseRequest"));
	string = arena_copy(api->fixture, api_text(api, "StringToSign"));
	assert_memory_equal(string, "GET&%2F&AccessKeyId%3D", 22);
	POLDER(api, "DiagnoseRequest", "CallId", id, "ClientString",
		arena_print(api->fixture, "%s\r\n", string));
	assert_true(json_is_true(api_get(api, "Difference.Equal")));
	assert_string_equal(api_text(api, "Difference.Cause"), "equal");
	changed = arena_copy(api->fixture, string);
	at = strstr(changed, "a%2520b");
	assert_non_null(at);
	memmove(at + 2, at + 6, strlen(at + 6) + 1);
	at[1] = '+';
	POLDER(api, "DiagnoseRequest", "CallId", id, "ClientString", changed);
	expect(api, 200, "");
	assert_string_equal(api_text(api, "Difference.Cause"), "space-as-plus");
	assert_string_equal(api_text(api, "Difference.ServerByte"), "%");
	assert_string_equal(api_text(api, "Difference.ClientByte"), "+");
	assert_int_equal(api_int(api, "Difference.Line"), 1);
	assert_int_equal(api_int(api, "Difference.Offset"), at + 1 - changed);
	POLDER(api, "DiagnoseRequest", "CallId", "none");
	expect(api, 400, "CallNotFound");
}

static void callers_see_their_own_calls(void **state)
{
	struct api *api = *state;
	const char *id = mismatch(api, &api->tenant);
	const char *own = api_buy(api, "ddoscoo", "Ipv4");
	const struct api_key *limited = api_make_key(
		api, api->tenant.account, PERMISSION_FULL, (const char *const[]){ own }, 1);

	api->caller = &api->other;
	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 400, "CallNotFound");
	POLDER(api, "DescribeApiCalls", "PageSize", "100");
	expect(api, 200, "");
	assert_null(strstr(api->response.body, api->tenant.id));
	assert_int_equal(json_array_size(api_get(api, "Calls")), 1);
	api->caller = limited;
	POLDER(api, "DescribeApiCalls");
	assert_int_equal(json_array_size(api_get(api, "Calls")), 0);
	POLDER(api, "DescribeApiCalls");
	assert_int_equal(json_array_size(api_get(api, "Calls")), 1);
	assert_string_equal(api_text(api, "Calls.0.AccessKeyId"), limited->id);
	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 400, "CallNotFound");
	api->caller = &api->root;
	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 200, "");
	api->caller = &api->tenant;
	POLDER(api, "DescribeApiCalls", "Failed", "true");
	assert_int_equal(json_array_size(api_get(api, "Calls")), 2);
	assert_string_equal(api_text(api, "Calls.0.Code"), "CallNotFound");
	assert_string_equal(api_text(api, "Calls.1.CallId"), id);
	POLDER(api, "DescribeApiCalls", "Code", "SignatureDoesNotMatch", "ActionName",
		"DescribeInstances", "CallId", id);
	assert_int_equal(json_array_size(api_get(api, "Calls")), 1);
	POLDER(api, "DescribeApiCalls", "ActionName", "CreateInstance");
	assert_int_equal(json_array_size(api_get(api, "Calls")), 1);
	POLDER(api, "DescribeApiCalls", "StartTime", "1795428000001");
	assert_int_equal(json_array_size(api_get(api, "Calls")), 0);
	/* Pages. */
	POLDER(api, "DescribeApiCalls", "PageSize", "2");
	int64_t next = api_int(api, "NextNumber"), last = api_int(api, "Calls.1.Number");
	char text[24];

	assert_true(next > 0);
	(void)snprintf(text, sizeof(text), "%lld", (long long)next);
	POLDER(api, "DescribeApiCalls", "PageSize", "100", "BeforeNumber", text);
	assert_true(api_int(api, "Calls.0.Number") < last);
	assert_int_equal(api_int(api, "NextNumber"), 0);
}

static void nothing_secret_is_kept(void **state)
{
	static const char password[] = "correct horse battery", encoded[] = "correct%252520horse";
	struct api *api = *state;
	const char *id;

	api->caller = &api->root;
	POLDER(api, "CreateUser", "Name", "alice", "Password", password);
	expect(api, 200, "");
	id = arena_copy(api->fixture, api_text(api, "RequestId"));
	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 200, "");
	assert_non_null(strstr(api_text(api, "StringToSign"), "Password%3D%252A%252A%252A%26"));
	assert_null(strstr(api->response.body, "horse"));
	assert_null(strstr(api->response.body, encoded));
	api->caller = NULL;
	POLDER(api, "CreateSession", "UserName", "alice", "Password", password);
	expect(api, 200, "");
	api->caller = &api->root;
	POLDER(api, "DescribeApiCalls", "PageSize", "100");
	assert_null(strstr(api->response.body, "horse"));
	assert_string_equal(api_text(api, "Calls.0.SignatureForm"), "none");
	assert_string_equal(api_text(api, "Calls.0.UserName"), "alice");
	POLDER(api, "CreateSecurityToken");
	struct api_key key = { .account = 0 };
	const char *token = arena_copy(api->fixture, api_text(api, "Credentials.SecurityToken"));

	(void)snprintf(key.id, sizeof(key.id), "%s", api_text(api, "Credentials.AccessKeyId"));
	(void)snprintf(
		key.secret, sizeof(key.secret), "%s", api_text(api, "Credentials.AccessKeySecret"));
	api->caller = &key;
	api->token = token;
	POLDER(api, "DescribeCaller");
	expect(api, 200, "");
	id = arena_copy(api->fixture, api_text(api, "RequestId"));
	POLDER(api, "DiagnoseRequest", "CallId", id);
	expect(api, 200, "");
	assert_null(strstr(api->response.body, token));
}

static void the_log_is_bounded(void **state)
{
	struct call_log *log = call_log_new();
	struct arena *mem = arena_new((size_t)64 << 20);
	struct call_record record = { .account = 1, .form = "V1" }, *rows;
	struct call_filter filter = { .limit = 100 };
	char *text = malloc(CALL_TEXT_MAX + 1);
	const char *string, *canonical;
	size_t count, seen = 0, with_text = 0;
	int64_t next;

	(void)state;
	assert_non_null(log);
	assert_non_null(mem);
	assert_non_null(text);
	for (int i = 1; i <= CALLS_KEPT + 500; i++) {
		size_t length = (size_t)i * 37 % 5000;

		memset(text, 'a' + i % 26, length);
		text[length] = '\0';
		(void)snprintf(record.call_id, sizeof(record.call_id), "call-%d", i);
		call_log_add(log, &record, text, i % 2 ? "canonical" : NULL);
	}
	do {
		arena_reset(mem);
		assert_int_equal(call_log_list(log, mem, &filter, &rows, &count, &next), OK);
		for (size_t i = 0; i < count; i++, seen++) {
			size_t length = (size_t)rows[i].number * 37 % 5000;

			assert_int_equal(rows[i].number, CALLS_KEPT + 500 - (int64_t)seen);
			assert_int_equal(
				call_log_texts(log, mem, &rows[i], &string, &canonical), OK);
			if (string[0] == '\0')
				continue;
			with_text++;
			assert_int_equal(strlen(string), length);
			assert_int_equal(string[0], 'a' + rows[i].number % 26);
			assert_string_equal(canonical, rows[i].number % 2 ? "canonical" : "");
		}
		filter.before_number = next;
	} while (next > 0);
	assert_int_equal(seen, CALLS_KEPT);
	/* As many as the bytes hold: 8 MiB of some 2,500 each. */
	assert_true(with_text > 3000 && with_text < 3700);
	/* A text of the greatest length is kept, one more is not. */
	memset(text, 'x', CALL_TEXT_MAX);
	text[CALL_TEXT_MAX] = '\0';
	call_log_add(log, &record, text, NULL);
	call_log_add(log, &record, text + 1, NULL);
	filter = (struct call_filter){ .limit = 2 };
	assert_int_equal(call_log_list(log, mem, &filter, &rows, &count, &next), OK);
	assert_true(rows[0].has_texts);
	assert_false(rows[1].has_texts);
	free(text);
	arena_free(mem);
	call_log_free(log);
}

/* ---- live figures */

static void report(struct api *api, int64_t instance, uint64_t packets)
{
	struct {
		struct snapshot_header header;
		struct record_node node;
		struct record_traffic traffic;
		struct record_vip_reason reason;
	} data;

	memset(&data, 0, sizeof(data));
	data.header.magic = SNAPSHOT_MAGIC;
	data.header.version = SNAPSHOT_VERSION;
	data.header.record_count = 3;
	data.header.byte_count =
		(uint32_t)(sizeof(data.node) + sizeof(data.traffic) + sizeof(data.reason));
	data.node.record = (struct record){ RECORD_NODE, sizeof(data.node), 1 };
	data.traffic.record =
		(struct record){ RECORD_TRAFFIC, sizeof(data.traffic), (uint32_t)instance };
	data.traffic.in = (struct counter){ packets, 100 * packets };
	data.traffic.dropped = (struct counter){ packets / 2, 50 * packets };
	data.traffic.last_in_ms = api->clock_ms;
	data.reason.record =
		(struct record){ RECORD_VIP_REASON, sizeof(data.reason), (uint32_t)instance };
	data.reason.reason = REASON_block_list;
	data.reason.counter = (struct counter){ packets / 2, 50 * packets };
	assert_int_equal(nodes_confirm(api->gateway.nodes, "node-1", 1, api->clock_ms), OK);
	assert_int_equal(nodes_report(api->gateway.nodes, "node-1", &data,
				 sizeof(data.header) + data.header.byte_count, api->clock_ms),
		OK);
}

static void figures_are_the_callers(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	struct instance instance;

	assert_int_equal(instance_load(api->db, api->fixture, id, &instance), OK);
	report(api, instance.number, 1000);
	api->clock_ms += SECOND_MS;
	report(api, instance.number, 3000);
	for (int i = 0; i < 2; i++) {
		if (i)
			POLDER(api, "DescribeLiveFigures", "InstanceId", id);
		else
			POLDER(api, "DescribeLiveFigures");
		expect(api, 200, "");
		assert_int_equal(api_int(api, "Traffic.InPacketsPerSecond"), 2000);
		assert_int_equal(api_int(api, "Traffic.InBytesPerSecond"), 200000);
		assert_int_equal(api_int(api, "Traffic.DroppedPacketsPerSecond"), 1000);
		assert_string_equal(api_text(api, "Instances.0.InstanceId"), id);
		assert_int_equal(json_array_size(api_get(api, "Reasons")), 1);
		assert_string_equal(api_text(api, "Reasons.0.Name"), "block_list");
		assert_string_equal(api_text(api, "Reasons.0.Verdict"), "DROP");
		assert_int_equal(api_int(api, "Reasons.0.PacketsPerSecond"), 1000);
		assert_int_equal(api_int(api, "Connections.Open"), 0);
		assert_int_equal(api_int(api, "Requests.Status.2xx"), 0);
		assert_int_equal(json_array_size(api_get(api, "Nodes")), 0);
		assert_true(json_is_false(api_get(api, "Partial")));
	}
	api->caller = &api->other;
	POLDER(api, "DescribeLiveFigures");
	expect(api, 200, "");
	assert_int_equal(api_int(api, "Traffic.InPacketsPerSecond"), 0);
	assert_int_equal(json_array_size(api_get(api, "Instances")), 0);
	assert_int_equal(json_array_size(api_get(api, "Reasons")), 0);
	POLDER(api, "DescribeLiveFigures", "InstanceId", id);
	expect(api, 400, "InstanceNotFound");
	api->caller = &api->root;
	POLDER(api, "DescribeLiveFigures");
	assert_int_equal(api_int(api, "Traffic.InPacketsPerSecond"), 2000);
	assert_string_equal(api_text(api, "Nodes.0.NodeName"), "node-1");
	/* What is no longer reported is no rate of now. */
	api->clock_ms += 3 * SECOND_MS;
	POLDER(api, "DescribeLiveFigures");
	assert_int_equal(api_int(api, "Traffic.InPacketsPerSecond"), 0);
}

/* ---- events */

static void events_are_paged_both_ways(void **state)
{
	struct api *api = *state;
	const char *id = api_buy(api, "ddoscoo", "Ipv4");
	char next[24];

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			event_insert(api->db, api->tenant.account, id,
				i % 2 ? "expired" : "renewed", i, API_CLOCK_MS + i, "", NULL),
			OK);
	assert_int_equal(event_insert(api->db, api->other.account, "another", "expired", 9,
				 API_CLOCK_MS, "", NULL),
		OK);
	assert_int_equal(db_commit(api->db), OK);
	POLDER(api, "DescribeEvents", "NewestFirst", "true", "PageSize", "2");
	expect(api, 200, "");
	assert_int_equal(api_int(api, "Events.0.Time"), API_CLOCK_MS + 4);
	assert_int_equal(api_int(api, "Events.1.Time"), API_CLOCK_MS + 3);
	(void)snprintf(next, sizeof(next), "%lld", (long long)api_int(api, "NextNumber"));
	POLDER(api, "DescribeEvents", "NewestFirst", "true", "BeforeNumber", next);
	assert_int_equal(json_array_size(api_get(api, "Events")), 3);
	assert_int_equal(api_int(api, "Events.2.Time"), API_CLOCK_MS);
	assert_int_equal(api_int(api, "NextNumber"), 0);
	POLDER(api, "DescribeEvents", "Kind", "expired");
	assert_int_equal(json_array_size(api_get(api, "Events")), 2);
	/* Following: nothing until something happens. */
	(void)snprintf(next, sizeof(next), "%lld", (long long)api_int(api, "NextNumber"));
	POLDER(api, "DescribeEvents", "Kind", "expired", "AfterNumber", next);
	assert_int_equal(json_array_size(api_get(api, "Events")), 0);
	assert_string_equal(
		next, arena_print(api->fixture, "%lld", (long long)api_int(api, "NextNumber")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_are_told),
		API_CASE(calls_are_diagnosed),
		API_CASE(callers_see_their_own_calls),
		API_CASE(nothing_secret_is_kept),
		cmocka_unit_test(the_log_is_bounded),
		API_CASE(figures_are_the_callers),
		API_CASE(events_are_paged_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
