/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inputs that fuzzers begin with, made by what makes them in earnest: snapshots by the control of a store that holds one of each
 * thing, sites as they lie in them, reports record by record with the agent's own sketches. Each is taken by what is
 * fuzzed, and none lacks a kind of record. With POLDER_SEEDS=FOLDER they are written to FOLDER/FUZZER/NAME; so no
 * seed can be of a form that is no more.
 */
#include "agent/decode.h"
#include "agent/request_top.h"
#include "agent/requesters.h"
#include "agent/sightings.h"
#include "control/engine/report.h"
#include "tests/support/certificate.h"
#include "tests/unit/web_world.h"

#include <sys/stat.h>

#define SNAPSHOT_KINDS (RECORD_LOG_QUERY + 1)

static void put_seed(const char *fuzzer, const char *name, const void *data, size_t size)
{
	const char *folder = getenv("POLDER_SEEDS");
	char path[512];
	FILE *file;

	if (!folder)
		return;
	(void)mkdir(folder, 0755);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, fuzzer);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", folder, fuzzer, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* ---- snapshots */

struct draft {
	struct snapshot_header header;
	_Alignas(8) uint8_t bytes[(size_t)1 << 20];
};
static struct draft draft;

/* Takes the draft to be one; kinds gets a bit for each kind of record in it. */
static void snapshot_seed(const char *name, uint64_t *kinds)
{
	size_t size = sizeof(draft.header) + draft.header.byte_count, offset = 0;
	const struct record *record;
	struct snapshot snapshot;
	const char *why;

	if (snapshot_decode(&draft, size, &snapshot, &why) != OK)
		fail_msg("%s: %s", name, why);
	while (kinds && (record = snapshot_next(&snapshot, &offset)))
		*kinds |= UINT64_C(1) << record->type;
	put_seed("fuzz_snapshot", name, &draft, size);
}

static void make_snapshot(struct api *api, uint64_t base)
{
	static const uint8_t secret[32] = { 1, 2, 3 };
	const struct snapshot_terms terms = {
		.control_boot = 7, .cookie_secret = secret, .vault = api->vault
	};
	struct arena *mem = arena_new((size_t)SNAPSHOT_BYTES_MAX * 2);
	const uint8_t *bytes;
	size_t size;

	assert_non_null(mem);
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(snapshot_build(api->db, mem, base, &terms, &bytes, &size), OK);
	db_rollback(api->db);
	assert_true(size <= sizeof(draft));
	memcpy(&draft, bytes, size);
	arena_free(mem);
}

/* The draft with its records of packets once more, as others; or without those of a kind. */
static void change_snapshot(bool twice, uint16_t without)
{
	static struct draft from;
	size_t end, used = 0;

	from = draft;
	end = from.header.byte_count;
	draft.header.record_count = 0;
	for (int round = 0; round < (twice ? 2 : 1); round++) {
		for (size_t at = 0; at < end;) {
			struct record head;

			memcpy(&head, from.bytes + at, sizeof(head));
			if (head.type != without && (round == 0 || head.type < RECORD_SITE)) {
				memcpy(draft.bytes + used, from.bytes + at, head.length);
				head.id += 1000 * (uint32_t)round;
				memcpy(draft.bytes + used, &head, sizeof(head));
				used += head.length;
				draft.header.record_count++;
			}
			at += head.length;
		}
	}
	draft.header.byte_count = (uint32_t)used;
}

#define DO(...)	    assert_int_equal(CALL(api, __VA_ARGS__), 200)
#define DO_OWN(...) assert_int_equal(OWN(api, __VA_ARGS__), 200)
#define UDP	    "ForwardProtocol", "udp", "FrontendPort", "53"
#define ID	    "InstanceId", id
#define SITE_IS	    "Domain", DOMAIN

static const char precise_rule[] = "[{\"name\":\"one\",\"action\":\"block\",\"condition\":[{"
				   "\"field\":\"uri\",\"match_method\":\"contain\","
				   "\"content\":\"/secret\"}]}]";
static const char frequency_rule[] = "[{\"name\":\"r\",\"action\":\"block\",\"ratelimit\":{"
				     "\"interval\":5,\"ttl\":60,\"threshold\":2,"
				     "\"target\":\"ip\"}}]";

/* One of each thing that nodes hear of. */
static void order_all(struct api *api, const char *id)
{
	struct test_certificate certificate = test_certificate(
		api->fixture, DOMAIN, api->clock_ms - DAY_MS, api->clock_ms + 90 * DAY_MS);

	DO("CreatePort", ID, "FrontendProtocol", "udp", "FrontendPort", "53", "BackendPort", "53",
		"RealServers.1", "10.0.0.1", "RealServers.2", "10.0.0.2");
	DO("ModifyHealthCheckConfig", ID, UDP, "HealthCheck",
		"{\"Type\":\"udp\",\"Timeout\":1,\"Interval\":1,\"Up\":1,\"Down\":1}");
	DO("AddAutoCcBlacklist", ID, "ExpireTime", "300", "Blacklist",
		"[{\"src\":\"203.0.113.7\"}]");
	DO("AddAutoCcWhitelist", ID, "Whitelist", "[{\"src\":\"203.0.113.8\"}]");
	DO("ConfigUdpReflect", ID, "Config", "{\"UdpSports\":[19,17]}");
	DO("ConfigNetworkRegionBlock", ID, "Config",
		"{\"RegionBlockSwitch\":\"on\",\"Countries\":[\"AU\"],\"Provinces\":[71]}");
	DO_OWN("ConfigPayloadPatterns", ID, "Patterns",
		"[{\"Protocol\":\"udp\",\"Offset\":4,\"Value\":\"c0ffee\"}]");
	DO_OWN("StartCapture", ID, "Reasons.1", "block_list", "Seconds", "60");
	DO("AssociateWebCert", SITE_IS, "CertName", "web", "Cert", certificate.chain, "Key",
		certificate.key);
	DO("ModifyDomainResource", SITE_IS, "InstanceIds.1", id, "RsType", "0", "RealServers.1",
		"10.0.0.2", "ProxyTypes.1.ProxyType", "https", "ProxyTypes.1.ProxyPorts.1", "443");
	DO("ModifyWebPreciseAccessRule", SITE_IS, "Rules", precise_rule);
	DO("ConfigWebCCRuleV2", SITE_IS, "RuleList", frequency_rule);
	DO("ConfigWebIpSet", SITE_IS, "BlackList.1", "192.0.2.0/24", "WhiteList.1",
		"2001:db8::/32");
	DO("ModifyWebCacheSwitch", SITE_IS, "Enable", "1");
	DO("ModifyWebCacheCustomRule", SITE_IS, "Rules",
		"[{\"Name\":\"r\",\"Uri\":\"/a\",\"Mode\":\"standard\",\"CacheTtl\":0}]");
	DO("EnableWebAccessLogConfig", SITE_IS);
	DO("ModifyFullLogTtl", "Ttl", "30");
	DO_OWN("StartAccessLogQuery", SITE_IS, "Source", "192.0.2.0/24", "UrlPrefix", "/a");
}

/* As they lie in the snapshot, and where rules are run against texts. */
static void site_seeds(void)
{
	struct snapshot snapshot;
	const struct record *record;
	unsigned sites = 0;
	size_t offset = 0;
	const char *why;

	assert_int_equal(snapshot_decode(&draft, sizeof(draft.header) + draft.header.byte_count,
				 &snapshot, &why),
		OK);
	while ((record = snapshot_next(&snapshot, &offset))) {
		const struct record_site *site = (const void *)record;
		uint8_t headed[4 + SITE_BYTES_MAX] = { 3, 1, 1, 2 };
		size_t length = record->length - offsetof(struct record_site, site);
		char name[32];

		if (record->type != RECORD_SITE)
			continue;
		assert_null(site_check(site->site, length));
		(void)snprintf(name, sizeof(name), "site-%u", ++sites);
		put_seed("fuzz_site", name, site->site, length);
		memcpy(headed + 4, site->site, length);
		put_seed("fuzz_site_rule", name, headed, 4 + length);
	}
	assert_int_equal(sites, 2);
}

static void test_snapshots(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	uint64_t kinds = 0, removed = 0;
	uint64_t base;

	order_all(api, world->id);
	make_snapshot(api, 0);
	snapshot_seed("full", &kinds);
	site_seeds();
	base = draft.header.generation;
	change_snapshot(true, 0);
	snapshot_seed("twice", NULL);
	make_snapshot(api, 0);
	change_snapshot(false, RECORD_INSTANCE);
	snapshot_seed("of-nobody", NULL);
	make_snapshot(api, base);
	snapshot_seed("difference-empty", NULL);
	DO("DeleteDomainResource", "Domain", STANDARD);
	DO("EmptyAutoCcBlacklist", "InstanceId", world->id);
	DO("ConfigWebIpSet", SITE_IS, "BlackList.1", "198.51.100.0/24");
	make_snapshot(api, base);
	snapshot_seed("difference", &removed);
	assert_true(removed & UINT64_C(1) << RECORD_REMOVE);
	kinds |= removed;
	for (unsigned kind = RECORD_REMOVE; kind < SNAPSHOT_KINDS; kind++)
		if (!(kinds & UINT64_C(1) << kind))
			fail_msg("no record of kind %u", kind);
}

/* ---- reports */

static void see(void *context, const union report_record *record)
{
	uint64_t *kinds = context;

	*kinds |= UINT64_C(1) << record->record.type;
}

static void report_seed(const char *name, uint64_t *kinds)
{
	assert_int_equal(report_decode(report.bytes, report.size, see, kinds), OK);
	put_seed("fuzz_report", name, report.bytes, report.size);
}

static const struct address source = { { .byte = { [10] = 0xff, 0xff, 198, 51, 100, 7 } } };

static void packet_records(void)
{
	report_start(&report, 5);
	REPORT_ADD(&report, (struct record_source){ RECORD_HEAD(RECORD_SOURCE, 1, record_source),
				    .address = source, .prefix_bits = 128 });
	report_traffic(&report, 1, (struct counter){ 10, 1000 }, (struct counter){ 5, 500 },
		(struct counter){ 5, 400 });
	REPORT_ADD(&report, (struct record_reason){ RECORD_HEAD(RECORD_REASON, 1, record_reason),
				    .counter = { 1, 60 }, .name = "forwarded" });
	REPORT_ADD(&report, (struct record_refused){ RECORD_HEAD(RECORD_REFUSED, 3, record_refused),
				    .refused_type = RECORD_SERVICE, .why = "table is full" });
	report_reason(&report, 1, 2, (struct counter){ 3, 180 });
	REPORT_ADD(&report, (struct record_service_state){
				    RECORD_HEAD(RECORD_SERVICE_STATE, 1, record_service_state),
				    .connections = 2, .opened = 9, .refused_rate = 1 });
	REPORT_ADD(&report,
		(struct record_health_state){
			RECORD_HEAD(RECORD_HEALTH_STATE, 1, record_health_state), .origin_count = 1,
			.origin = { { .address = source, .port = 80, .checked = 1 } } });
	REPORT_ADD(&report, (struct record_offence){ RECORD_HEAD(RECORD_OFFENCE, 1, record_offence),
				    .source = source, .service = 1, .until_ms = API_CLOCK_MS });
	REPORT_ADD(&report, (struct record_sample){ RECORD_HEAD(RECORD_SAMPLE, 1, record_sample),
				    .instance = 1, .length = 60, .captured = 14, .frame = { 2 } });
}

static void sighted_records(void)
{
	struct sightings *sightings = sightings_new(RECORD_SIGHTED);
	struct sighting one = { .source = source,
		.instance = 1,
		.weight = 1,
		.reason = REASON_no_service,
		.port = 53,
		.length = 60,
		.protocol = 17 };
	struct record_sighted out[SIGHTED_KINDS];

	assert_non_null(sightings);
	sightings_add(sightings, &one, 0);
	sightings_add(sightings, &one, 0);
	assert_int_equal(sightings_take(sightings, SIGHTINGS_WINDOW_MS, out), SIGHTED_KINDS);
	for (int i = 0; i < SIGHTED_KINDS; i++)
		report_add(&report, &out[i], out[i].record.length);
	sightings_free(sightings);
}

static void visitor_records(void)
{
	struct requesters *requesters = requesters_new();
	const struct log_request request = { .record = { .kind = LOG_REQUEST, .site = 1 },
		.client = source,
		.vip_port = 443,
		.verdict = LOG_REFUSED,
		.check = CHECK_frequency };
	struct record_sighted refused[SIGHTED_KINDS];
	struct record_visitors visitors;

	assert_non_null(requesters);
	requesters_add(requesters, &request, 0);
	assert_int_equal(
		requesters_take_refused(requesters, SIGHTINGS_WINDOW_MS, refused), SIGHTED_KINDS);
	for (int i = 0; i < SIGHTED_KINDS; i++)
		report_add(&report, &refused[i], refused[i].record.length);
	assert_true(requesters_take_visitors(requesters, VISITORS_WINDOW_MS, &visitors));
	report_add(&report, &visitors, visitors.record.length);
	visitors.of = VISITORS_INSTANCE;
	report_add(&report, &visitors, visitors.record.length);
	requesters_free(requesters);
}

static void request_records(void)
{
	const struct log_request request = { .record = { .kind = LOG_REQUEST, .site = 1 },
		.client = source,
		.rule = 2,
		.verdict = LOG_REFUSED,
		.origin_milliseconds = 5,
		.weight = 600 };
	static struct record_log_line line = { .record = { RECORD_LOG_LINE, 0, 1 } };
	struct record_site_top top[TOP_COUNT];
	struct log_view view = { .request = &request };
	struct request_top *tops = request_top_new();
	uint32_t kinds;

	REPORT_ADD(&report,
		(struct record_request_ban){ RECORD_HEAD(RECORD_REQUEST_BAN, 1, record_request_ban),
			.source = source, .site = 1, .until_ms = API_CLOCK_MS });
	REPORT_ADD(&report, (struct record_site_traffic){
				    RECORD_HEAD(RECORD_SITE_TRAFFIC, 1, record_site_traffic),
				    .age_ms = 1000, .counter = { .number = 1, .requests = 3 } });
	REPORT_ADD(
		&report, (struct record_log_used){
				 RECORD_HEAD(RECORD_LOG_USED, 1, record_log_used), .bytes = 4096 });
	REPORT_ADD(&report,
		(struct record_requests){ RECORD_HEAD(RECORD_REQUESTS, 1, record_requests) });
	assert_non_null(tops);
	for (int text = 0; text < LOG_TEXT_COUNT; text++) {
		view.text[text].bytes = "/abc?d";
		view.text[text].length = 6;
	}
	request_top_add(tops, &view, "NL", 0);
	kinds = request_top_take(tops, TOP_WINDOW_MS, top);
	assert_int_equal(kinds, TOP_COUNT);
	for (uint32_t i = 0; i < kinds; i++)
		report_add(&report, &top[i], top[i].record.length);
	request_top_free(tops);
	line.length = (uint32_t)snprintf(line.text, sizeof(line.text), "{\"status\":200}");
	line.record.length =
		(uint16_t)((offsetof(struct record_log_line, text) + line.length + 7) & ~7u);
	report_add(&report, &line, line.record.length);
	REPORT_ADD(&report, (struct record_log_done){
				    RECORD_HEAD(RECORD_LOG_DONE, 1, record_log_done), .lines = 1 });
}

static void test_reports(void **state)
{
	uint64_t kinds = 0;
	(void)state;

	report_start(&report, 1);
	report_seed("node", &kinds);
	packet_records();
	report_seed("packets", &kinds);
	sighted_records();
	report_seed("sighted", &kinds);
	visitor_records();
	report_seed("visitors", &kinds);
	request_records();
	report_seed("all", &kinds);
	report_start(&report, 5);
	request_records();
	report_seed("requests", &kinds);
	for (unsigned kind = RECORD_NODE; kind <= RECORD_LOG_DONE; kind++)
		if (!(kinds & UINT64_C(1) << kind))
			fail_msg("no record of kind %u", kind);
	for (unsigned kind = RECORD_SIGHTED; kind <= RECORD_VISITORS; kind++)
		assert_true(kinds & UINT64_C(1) << kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_snapshots, web_setup, teardown),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
