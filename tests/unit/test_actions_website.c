/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites through signed calls: what is accepted, each refusal with the parameter it names, who sees what, and
 * what goes with an instance.
 */
#include "control/store/website.h"
#include "tests/unit/rule_world.h"

#define ZONE "polder.test"

static int site_setup(void **state)
{
	(void)setup(state);
	struct world *world = *state;
	world->api.gateway.dns_zone = ZONE;
	return 0;
}

/* A site with one scheme on two ports and one origin. */
static int site(struct api *api, const char *action, const char *id, const char *domain,
	const char *scheme, const char *port, const char *origin)
{
	return api_call(api, action, "Domain", domain, "InstanceIds.1", id, "RsType", "0",
		"RealServers.1", origin, "ProxyTypes.1.ProxyType", scheme,
		"ProxyTypes.1.ProxyPorts.1", port, NULL);
}

static int create(struct api *api, const char *id, const char *domain)
{
	return site(api, "CreateDomainResource", id, domain, "http", "80", "10.0.0.1");
}

static int describe(struct api *api, const char *domain, const char *pattern)
{
	return api_call(api, "DescribeDomainResource", "Domain", domain, "QueryDomainPattern",
		pattern, NULL);
}

static void test_life_of_a_site(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(
		api_call(api, "CreateDomainResource", "Domain", "WWW.Example.com", "InstanceIds.1",
			world->id, "InstanceIds.2", world->id6, "RsType", "0", "RealServers.1",
			"10.0.0.1", "RealServers.2", "2001:db8::0:9", "ProxyTypes.1.ProxyType",
			"http", "ProxyTypes.1.ProxyPorts.1", "8080", "ProxyTypes.1.ProxyPorts.2",
			"80", "ProxyTypes.2.ProxyType", "https", "ProxyTypes.2.ProxyPorts.1", "443",
			"ProxyTypes.3.ProxyType", "websockets", "ProxyTypes.3.ProxyPorts.1", "443",
			"HttpsExt", "{\"Http2\":1,\"Http2https\":1,\"Https2http\":0}", NULL),
		200);
	assert_int_equal(describe(api, "www.example.com", "exact"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "WebRules.0.Domain"), "www.example.com");
	assert_string_equal(api_text(api, "WebRules.0.RealServers.1"), "2001:db8::9");
	assert_string_equal(api_text(api, "WebRules.0.ProxyTypes.0.ProxyType"), "http");
	assert_string_equal(api_text(api, "WebRules.0.ProxyTypes.0.ProxyPorts.0"), "80");
	assert_string_equal(api_text(api, "WebRules.0.ProxyTypes.0.ProxyPorts.1"), "8080");
	assert_string_equal(api_text(api, "WebRules.0.ProxyTypes.1.ProxyType"), "https");
	assert_string_equal(api_text(api, "WebRules.0.ProxyTypes.2.ProxyType"), "websockets");
	assert_string_equal(api_text(api, "WebRules.0.HttpsExt"),
		"{\"Http2\":1,\"Http2https\":1,\"Https2http\":0}");
	assert_true(json_is_true(api_get(api, "WebRules.0.Http2HttpsEnable")));
	assert_int_equal(json_array_size(api_get(api, "WebRules.0.InstanceIds")), 2);
	assert_string_equal(api_text(api, "WebRules.0.SslProtocols"), "tls1.0");
	const char *cname = arena_copy(api->fixture, api_text(api, "WebRules.0.Cname"));
	assert_int_equal(strlen(cname), strlen("web-0123456789abcdef." ZONE));
	/* the older spelling changes the same site; what it does not say stays */
	assert_int_equal(api_call(api, "ModifyWebRule", "Domain", "www.example.com", "RsType", "1",
				 "RealServers.1", "Origin.Example.NET", "ProxyTypes",
				 "[{\"ProxyType\":\"https\",\"ProxyPorts\":[\"443\",8443]}]", NULL),
		200);
	assert_int_equal(api_call(api, "DescribeWebRules", "Cname", cname, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(
		api_text(api, "WebRules.0.RealServers.0.RealServer"), "origin.example.net");
	assert_int_equal(api_int(api, "WebRules.0.RealServers.0.RsType"), 1);
	assert_true(json_is_true(api_get(api, "WebRules.0.Http2Enable")));
	assert_int_equal(
		api_call(api, "DescribeWebInstanceRelations", "Domains.1", "www.example.com", NULL),
		200);
	assert_int_equal(
		json_array_size(api_get(api, "WebInstanceRelations.0.InstanceDetails")), 2);
	assert_int_equal(
		api_call(api, "DescribeInstanceStatistics", "InstanceIds.1", world->id, NULL), 200);
	assert_int_equal(api_int(api, "InstanceStatistics.0.DomainUsage"), 1);
	assert_int_equal(api_int(api, "InstanceStatistics.0.SiteUsage"), 1);
	assert_int_equal(api_call(api, "DeleteWebRule", "Domain", "www.example.com", NULL), 200);
	assert_int_equal(api_call(api, "DeleteWebRule", "Domain", "www.example.com", NULL), 400);
	expect(api, "DomainNotExist", "domain");
	assert_int_equal(describe(api, "www.example.com", "exact"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_true(json_is_array(api_get(api, "WebRules")));
	assert_int_equal(create(api, world->id, "www.example.com"), 200);
}

static void test_older_spelling(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *rules, *code, *named;
	} refused[] = {
		{ "[]", "InvalidParameter", "Rules" },
		{ "[{\"ProxyType\":\"ftp\",\"ProxyRules\":[{\"ProxyPort\":80,\"RealServers\":"
		  "[\"10.0.0.1\"]}]}]",
			"InvalidParameter", "Rules[0].ProxyRules[0].ProxyType" },
		{ "[{\"ProxyType\":\"http\",\"ProxyRules\":[]}]", "InvalidParameter",
			"Rules[0].ProxyRules" },
		{ "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":80}]}]", "ddos_coop3304",
			"Rules[0].ProxyRules[0].RealServers" },
		{ "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":80,\"RealServers\":"
		  "[\"10.0.0.1\"]},{\"ProxyPort\":81,\"RealServers\":[\"10.0.0.2\"]}]}]",
			"ddos_coop3304", "Rules[0].ProxyRules[1].RealServers" },
		{ "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":80,\"RealServers\":"
		  "[\"10.0.0.1\"]}]},{\"ProxyType\":\"https\",\"ProxyRules\":[{\"ProxyPort\":80,"
		  "\"RealServers\":[\"10.0.0.1\"]}]}]",
			"InvalidParameter", "Rules: port 80" },
	};
	static const char good[] = "[{\"ProxyType\":\"http\",\"ProxyRules\":[{\"ProxyPort\":80,"
				   "\"RealServers\":[\"10.0.0.1\"]}]}]";
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(
			api_call(api, "CreateWebRule", "Domain", "a.example.com", "InstanceIds.1",
				world->id, "RsType", "0", "Rules", refused[i].rules, NULL),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_int_equal(api_call(api, "CreateWebRule", "Domain", "a.example.com", "RsType", "0",
				 "Rules", good, NULL),
		400);
	expect(api, "MissingParameter", "InstanceIds");
	assert_string_equal(before, api_dump(api));
	/* ProxyTypes as JSON, as one client sends it */
	assert_int_equal(
		api_call(api, "CreateDomainResource", "Domain", "a.example.com", "InstanceIds.1",
			world->id, "RsType", "0", "RealServers.1", "10.0.0.1", "ProxyTypes",
			"[{\"ProxyType\":\"http\",\"ProxyPorts\":[80,8080]}]", NULL),
		200);
}

static void test_refusals(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *domain, *scheme, *port, *origin, *code, *named;
	} refused[] = {
		{ "example", "http", "80", "10.0.0.1", "InvalidParameter", "Domain" },
		{ "*.com", "http", "80", "10.0.0.1", "InvalidParameter", "Domain" },
		{ "a.*.com", "http", "80", "10.0.0.1", "InvalidParameter", "Domain" },
		{ "10.0.0.1", "http", "80", "10.0.0.1", "InvalidParameter", "Domain" },
		{ "xn--0.example.com", "http", "80", "10.0.0.1", "InvalidParameter", "Domain" },
		{ "b\xc3\xbc.example.com", "http", "80", "10.0.0.1", "InvalidParameter", "xn--" },
		{ "taken.example.com", "http", "80", "10.0.0.1", "DomainExist", "Domain" },
		{ "a.example.com", "ftp", "80", "10.0.0.1", "InvalidParameter", "ProxyType" },
		{ "a.example.com", "http", "0", "10.0.0.1", "InvalidParameter", "ProxyTypes" },
		{ "a.example.com", "http", "65536", "10.0.0.1", "InvalidParameter", "ProxyTypes" },
		{ "a.example.com", "http", "x", "10.0.0.1", "InvalidParameter", "ProxyPorts" },
		{ "a.example.com", "https", "80", "10.0.0.1", "DomainPortConflict", "port 80" },
		{ "a.example.com", "http", "81", "10.0.0.1", "DomainPortConflict", "port rule" },
		{ "a.example.com", "http", "80", "127.0.0.1", "ddos_coop3304", "RealServers" },
		{ "a.example.com", "http", "80", "o.example.net", "ddos_coop3304", "RsType" },
	};
	assert_int_equal(create(api, world->id, "taken.example.com"), 200);
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "81", "10.0.0.1"), 200);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(site(api, "CreateDomainResource", world->id, refused[i].domain,
					 refused[i].scheme, refused[i].port, refused[i].origin),
			400);
		expect(api, refused[i].code, refused[i].named);
	}
	/* a port of a site is not there for a rule, by both families; for udp it is */
	assert_int_equal(port(api, "CreatePort", world->id, "tcp", "80", "10.0.0.1"), 400);
	expect(api, "ddos_coop3303", "FrontendPort");
	assert_string_equal(before, api_dump(api));
	assert_int_equal(port(api, "CreatePort", world->id, "udp", "80", "10.0.0.1"), 200);
	assert_int_equal(port(api, "CreatePort", world->id6, "tcp", "80", "10.0.0.1"), 200);
	/* origins that would bring requests back */
	assert_int_equal(
		api_call(api, "DescribeInstances", "InstanceIds.1", world->id, PAGE, NULL), 200);
	const char *vip = arena_copy(api->fixture, api_text(api, "Instances.0.Ip"));
	assert_int_equal(
		site(api, "CreateDomainResource", world->id, "a.example.com", "http", "80", vip),
		400);
	expect(api, "ddos_coop3304", "protected");
	static const char *const names[] = { "a.example.com", ("web-0123456789abcdef." ZONE),
		"*.example.net", "10.0.0.1" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(api_call(api, "CreateDomainResource", "Domain", "a.example.com",
					 "InstanceIds.1", world->id, "RsType", "1", "RealServers.1",
					 names[i], "ProxyTypes.1.ProxyType", "http",
					 "ProxyTypes.1.ProxyPorts.1", "80", NULL),
			400);
		expect(api, "ddos_coop3304", "RealServers");
	}
}

static void test_https_ext(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *ext, *named;
	} refused[] = {
		{ "{\"Http2https\":2}", "HttpsExt.Http2https" },
		{ "{\"Http2\":\"1\"}", "HttpsExt.Http2" },
		{ "{\"Http3\":1}", "HttpsExt.Http3" },
		{ "[]", "HttpsExt" },
		{ "{\"Http2https\":1}", "443" },
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(api_call(api, "CreateDomainResource", "Domain", "a.example.com",
					 "InstanceIds.1", world->id, "RsType", "0", "RealServers.1",
					 "10.0.0.1", "ProxyTypes.1.ProxyType", "https",
					 "ProxyTypes.1.ProxyPorts.1", "8443", "HttpsExt",
					 refused[i].ext, NULL),
			400);
		expect(api, "InvalidParameter", refused[i].named);
	}
}

static void test_search(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char *const domains[] = { "aaa.b.example.com", "b.example.com",
		"*.b.example.com", "other.example.com" };
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		assert_int_equal(create(api, world->id, domains[i]), 200);
	/* fuzzy finds parts; the exact one is first */
	assert_int_equal(
		api_call(api, "DescribeDomainResource", "Domain", "B.example.com", NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 3);
	assert_string_equal(api_text(api, "WebRules.0.Domain"), "b.example.com");
	assert_int_equal(describe(api, "b.example.com", "exact"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_int_equal(
		api_call(api, "DescribeWebRules", "PageSize", "3", "PageNumber", "2", NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 4);
	assert_int_equal(json_array_size(api_get(api, "WebRules")), 1);
	assert_int_equal(api_call(api, "DescribeDomains", "InstanceIds.1", world->id6, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Domains")), 0);
	assert_int_equal(api_call(api, "DescribeDomains", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Domains")), 4);
}

static void test_tenants(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(create(api, world->id, "*.example.com"), 200);
	assert_int_equal(create(api, world->id, "exact.example.net"), 200);
	api->caller = &api->other;
	const char *foreign = api_buy(api, "ddoscoo", "Ipv4");
	static const char *const taken[] = { "*.example.com", "www.example.com",
		"deep.www.example.com", "*.www.example.com", "exact.example.net", "*.example.net" };
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_int_equal(create(api, foreign, taken[i]), 400);
		expect(api, "DomainExist", "Domain");
	}
	assert_int_equal(create(api, foreign, "example.com"), 200);
	assert_int_equal(create(api, foreign, "more.exact.example.net"), 200);
	static const char *const hidden[] = { "ModifyHttp2Enable", "ModifyOcspStatus" };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(api_call(api, hidden[i], "Domain", "exact.example.net", "Enable",
					 "1", NULL),
			400);
		expect(api, "DomainNotExist", "domain");
	}
	assert_int_equal(create(api, world->id, "new.example.org"), 400);
	expect(api, "InstanceNotFound", "instance");
	assert_int_equal(api_call(api, "DescribeDomains", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Domains")), 2);
	/* the owner adds below his own wildcard */
	api->caller = &api->tenant;
	assert_int_equal(create(api, world->id, "www.example.com"), 200);
	/* a key of one instance neither sees nor changes sites that are on another, too */
	assert_int_equal(site(api, "CreateDomainResource", world->id6, "six.example.com", "http",
				 "80", "10.0.0.1"),
		200);
	api->caller = api_make_key(
		api, api->tenant.account, PERMISSION_FULL, (const char *const[]){ world->id6 }, 1);
	assert_int_equal(api_call(api, "DescribeDomains", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Domains")), 1);
	assert_int_equal(api_call(api, "DeleteWebRule", "Domain", "www.example.com", NULL), 400);
	expect(api, "DomainNotExist", "domain");
	api->caller = &api->root;
	assert_int_equal(api_call(api, "DescribeDomains", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Domains")), 6);
	assert_int_equal(api_call(api, "CreateDomainResource", "Domain", "both.example.org",
				 "InstanceIds.1", world->id, "InstanceIds.2", foreign, "RsType",
				 "0", "RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType", "http",
				 "ProxyTypes.1.ProxyPorts.1", "80", NULL),
		400);
	expect(api, "InvalidParameter", "one account");
	/* the operator's site belongs to whose instance it is */
	assert_int_equal(create(api, world->id, "operated.example.org"), 200);
	api->caller = &api->tenant;
	assert_int_equal(
		api_call(api, "DeleteWebRule", "Domain", "operated.example.org", NULL), 200);
}

static void test_quotas(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	/* 50 domains below 5 names */
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			create(api, world->id, arena_print(api->fixture, "www.example%d.com", i)),
			200);
	assert_int_equal(create(api, world->id, "www.example5.com"), 400);
	expect(api, "DomainLimit", "InstanceIds");
	for (int i = 5; i < 50; i++)
		assert_int_equal(
			create(api, world->id, arena_print(api->fixture, "www%d.example1.com", i)),
			200);
	assert_int_equal(create(api, world->id, "more.example1.com"), 400);
	expect(api, "DomainLimit", "50");
	/* one that is there already can be changed */
	assert_int_equal(site(api, "ModifyDomainResource", world->id, "www.example1.com", "http",
				 "80", "10.0.0.2"),
		200);
	assert_int_equal(
		api_call(api, "DescribeInstanceStatistics", "InstanceIds.1", world->id, NULL), 200);
	assert_int_equal(api_int(api, "InstanceStatistics.0.DomainUsage"), 50);
	assert_int_equal(api_int(api, "InstanceStatistics.0.SiteUsage"), 5);
}

static void test_release(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(create(api, world->id, "one.example.com"), 200);
	assert_int_equal(api_call(api, "CreateDomainResource", "Domain", "both.example.com",
				 "InstanceIds.1", world->id, "InstanceIds.2", world->id6, "RsType",
				 "0", "RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType", "http",
				 "ProxyTypes.1.ProxyPorts.1", "80", NULL),
		200);
	assert_int_equal(api_call(api, "ModifyHeaders", "Domain", "one.example.com",
				 "CustomHeaders", "{\"X-A\":\"1\"}", NULL),
		200);
	api_move_life(api, 40 * DAY_MS);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", world->id, NULL), 200);
	assert_int_equal(api_call(api, "DescribeDomainResource", NULL, NULL), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "WebRules.0.Domain"), "both.example.com");
	assert_int_equal(json_array_size(api_get(api, "WebRules.0.InstanceIds")), 1);
	assert_int_equal(api_call(api, "ReleaseInstance", "InstanceId", world->id6, NULL), 200);
	assert_int_equal(api_count(api, "SELECT (SELECT count(*) FROM website) + (SELECT count(*)"
					" FROM website_instance) + (SELECT count(*) FROM"
					" website_port) + (SELECT count(*) FROM website_origin) +"
					" (SELECT count(*) FROM website_setting)"),
		0);
}

static void test_renewal_keeps_all(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const char tables[] = "SELECT count(*) FROM website w JOIN website_setting s"
				     " ON s.website = w.number";
	assert_int_equal(create(api, world->id, "one.example.com"), 200);
	assert_int_equal(api_call(api, "ModifyHeaders", "Domain", "one.example.com",
				 "CustomHeaders", "{\"X-A\":\"1\"}", NULL),
		200);
	assert_int_equal(describe(api, "one.example.com", "exact"), 200);
	char *before = json_dumps(api_get(api, "WebRules"), JSON_SORT_KEYS);
	api_move_life(api, 36 * DAY_MS);
	assert_int_equal(api_call_version(api, VERSION_BSS, "RenewInstance", "InstanceId",
				 world->id, "ProductCode", "ddos", "RenewPeriod", "1", NULL),
		200);
	assert_int_equal(describe(api, "one.example.com", "exact"), 200);
	char *after = json_dumps(api_get(api, "WebRules"), JSON_SORT_KEYS);
	assert_string_equal(before, after);
	assert_int_equal(api_count(api, tables), 1);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_of_a_site, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_older_spelling, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_https_ext, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_search, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_tenants, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotas, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_release, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_renewal_keeps_all, site_setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
