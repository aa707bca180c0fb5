/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is set for web sites, through signed calls: certificates, TLS, origins, headers, names. What is described is what
 * nodes get.
 */
#include "base/site.h"
#include "control/engine/engine.h"
#include "control/store/website.h"
#include "tests/support/certificate.h"
#include "tests/unit/rule_world.h"

#define ZONE   "polder.test"
#define DOMAIN "Domain", "www.example.com"

static int site_setup(void **state)
{
	(void)setup(state);
	struct world *world = *state;
	struct api *api = &world->api;
	api->gateway.dns_zone = ZONE;
	assert_int_equal(
		api_call(api, "CreateDomainResource", DOMAIN, "InstanceIds.1", world->id, "RsType",
			"0", "RealServers.1", "10.0.0.1", "RealServers.2", "10.0.0.2",
			"ProxyTypes.1.ProxyType", "https", "ProxyTypes.1.ProxyPorts.1", "443",
			"ProxyTypes.2.ProxyType", "http", "ProxyTypes.2.ProxyPorts.1", "80", NULL),
		200);
	return 0;
}

static int add_site(struct world *world, const char *domain)
{
	return api_call(&world->api, "CreateDomainResource", "Domain", domain, "InstanceIds.1",
		world->id, "RsType", "0", "RealServers.1", "10.0.0.1", "ProxyTypes.1.ProxyType",
		"https", "ProxyTypes.1.ProxyPorts.1", "443", NULL);
}

/* The site as nodes get it; valid until the next call. */
static const struct site *built(struct api *api, const char *domain)
{
	static _Alignas(8) uint8_t bytes[SITE_BYTES_MAX];
	struct website website;
	size_t length;
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, domain, &website), OK);
	assert_int_equal(site_build(api->db, api->fixture, &website, bytes, &length), OK);
	db_rollback(api->db);
	assert_null(site_check(bytes, length));
	return (const struct site *)(const void *)bytes;
}

static const char *text_of(struct api *api, const struct site *site, struct site_text text)
{
	const char *copy = arena_copy_n(api->fixture, site_text_at(site, text), text.length);
	assert_non_null(copy);
	return copy;
}

/* ---- certificates */

static int bring(
	struct api *api, const char *domain, const char *name, const char *chain, const char *key)
{
	return api_call(api, "AssociateWebCert", "Domain", domain, "CertName", name, "Cert", chain,
		"Key", key, NULL);
}

static struct test_certificate made(struct api *api, const char *names)
{
	return test_certificate(
		api->fixture, names, api->clock_ms - DAY_MS, api->clock_ms + 90 * DAY_MS);
}

/* Whether any file of the store holds the text. */
static bool stored(struct api *api, const char *needle)
{
	static const char *const files[] = { "control.db", "control.db-wal" };
	bool found = false;
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", api->folder, files[i]);
		FILE *file = fopen(path, "rb");
		if (!file)
			continue;
		char *data = arena_take(api->fixture, (size_t)8 << 20);
		size_t size = fread(data, 1, (size_t)8 << 20, file);
		(void)fclose(file);
		found = found || memmem(data, size, needle, strlen(needle));
	}
	return found;
}

static void test_certificates(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct test_certificate first = made(api, "www.example.com"),
				wild = made(api, "*.example.com example.com");
	assert_int_equal(add_site(world, "shop.example.com"), 200);
	assert_int_equal(built(api, "www.example.com")->certificate, 0);
	assert_int_equal(bring(api, "www.example.com", "web", first.chain, first.key), 200);
	uint32_t number = built(api, "www.example.com")->certificate;
	assert_int_not_equal(number, 0);
	/* again: nothing changes */
	int64_t version = api_count(api, "SELECT max(version) FROM certificate");
	assert_int_equal(bring(api, "www.example.com", "web", first.chain, first.key), 200);
	assert_int_equal(api_count(api, "SELECT max(version) FROM certificate"), version);
	/* renewed under its name */
	struct test_certificate renewed = made(api, "www.example.com");
	assert_int_equal(bring(api, "www.example.com", "web", renewed.chain, renewed.key), 200);
	assert_int_equal(api_count(api, "SELECT max(version) FROM certificate"), version + 1);
	assert_int_equal(built(api, "www.example.com")->certificate, number);
	/* the name of one that others need is not for one that they cannot use */
	assert_int_equal(bring(api, "shop.example.com", "web", wild.chain, wild.key), 200);
	assert_int_equal(built(api, "shop.example.com")->certificate, number);
	assert_int_equal(bring(api, "www.example.com", "web", first.chain, first.key), 400);
	expect(api, "CertNameExist", "CertName");
	/* by number and by identifier */
	assert_int_equal(bring(api, "www.example.com", "own", first.chain, first.key), 200);
	assert_int_equal(api_call(api, "DescribeCerts", DOMAIN, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Certs")), 2);
	assert_string_equal(api_text(api, "Certs.0.Name"), "web");
	assert_string_equal(api_text(api, "Certs.0.Common"), "*.example.com");
	assert_string_equal(api_text(api, "Certs.0.Issuer"), "Test Authority");
	assert_false(json_is_true(api_get(api, "Certs.0.DomainRelated")));
	assert_true(json_is_true(api_get(api, "Certs.1.DomainRelated")));
	const char *identifier = arena_copy(api->fixture, api_text(api, "Certs.0.CertIdentifier"));
	const char *id = arena_print(api->fixture, "%lld", (long long)api_int(api, "Certs.1.Id"));
	assert_int_equal(
		api_call(api, "AssociateWebCert", "Domain", "shop.example.com", "CertId", id, NULL),
		400);
	expect(api, "InvalidCert", "CertId");
	assert_int_equal(
		api_call(api, "AssociateWebCert", DOMAIN, "CertIdentifier", identifier, NULL), 200);
	assert_int_equal(built(api, "www.example.com")->certificate, number);
	/* one that nobody has is gone, with its key */
	assert_int_equal(api_count(api, "SELECT count(*) FROM certificate"), 1);
	assert_int_equal(api_call(api, "AssociateWebCert", DOMAIN, "CertId", id, NULL), 400);
	expect(api, "CertNotExist", "CertId");
	/* of another account there is none */
	api->caller = &api->other;
	assert_int_equal(api_call(api, "DescribeCerts", NULL, NULL), 200);
	assert_int_equal(json_array_size(api_get(api, "Certs")), 0);
}

static void test_certificate_refusals(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct arena *mem = api->fixture;
	int64_t now = api->clock_ms;
	struct test_certificate good = made(api, "www.example.com"),
				other = made(api, "www.example.com"),
				wrong = made(api, "example.com *.www.example.com"),
				none = made(api, ""),
				over = test_certificate(mem, "www.example.com", now - DAY_MS, now),
				early = test_certificate(
					mem, "www.example.com", now + DAY_MS, now + 2 * DAY_MS),
				small = test_certificate_of(mem, TEST_KEY_RSA_SHORT,
					"www.example.com", now - DAY_MS, now + DAY_MS),
				odd = test_certificate_of(mem, TEST_KEY_ED25519, "www.example.com",
					now - DAY_MS, now + DAY_MS);
	const char *swapped = arena_print(mem, "%s%s", good.authority, good.leaf);
	const char *unrelated = arena_print(mem, "%s%s", good.leaf, other.authority);
	const char *cut = arena_copy_n(mem, good.chain, strlen(good.chain) - 40);
	const struct {
		const char *chain, *key, *named;
	} refused[] = {
		{ "x", good.key, "Cert" },
		{ good.key, good.key, "Cert" },
		{ cut, good.key, "Cert: certificate 2" },
		{ good.chain, "x", "Key" },
		{ good.chain, good.chain, "Key" },
		{ good.chain, good.encrypted, "encrypted" },
		{ good.chain, other.key, "Key" },
		{ swapped, good.key, "Key belongs to certificate 2" },
		{ unrelated, good.key, "certificate 2" },
		{ wrong.chain, wrong.key, "www.example.com" },
		{ none.chain, none.key, "domain" },
		{ over.chain, over.key, "expired" },
		{ early.chain, early.key, "not valid yet" },
		{ small.chain, small.key, "2048" },
		{ odd.chain, odd.key, "RSA" },
	};
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(
			bring(api, "www.example.com", "web", refused[i].chain, refused[i].key),
			400);
		expect(api, "InvalidCert", refused[i].named);
		assert_null(strstr(api->response.body, "PRIVATE"));
	}
	assert_int_equal(api_call(api, "AssociateWebCert", DOMAIN, "CertName", "web", "Cert",
				 good.chain, NULL),
		400);
	expect(api, "MissingParameter", "Key");
	assert_int_equal(api_call(api, "AssociateWebCert", DOMAIN, "CertName", "web", NULL), 400);
	expect(api, "InvalidParameter", "CertId");
	assert_int_equal(api_call(api, "AssociateWebCert", DOMAIN, "CertId", "1", "CertName", "web",
				 "Cert", good.chain, "Key", good.key, NULL),
		400);
	expect(api, "InvalidParameter", "CertIdentifier");
	static const char *const identifiers[] = { "1", "x-cn-hangzhou", "1-cn", "-cn-hangzhou" };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(api_call(api, "AssociateWebCert", DOMAIN, "CertIdentifier",
					 identifiers[i], NULL),
			400);
		expect(api, "InvalidParameter", "CertIdentifier");
	}
	assert_string_equal(before, api_dump(api));
	/* clients that send all parameters send some empty */
	assert_int_equal(
		api_call(api, "AssociateWebCert", DOMAIN, "CertIdentifier", "", "CertName", "web",
			"Cert", good.chain, "Key", good.key, "CertRegion", "", "CertId", "", NULL),
		200);
}

static void test_keys_stay_secret(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct test_certificate certificate = made(api, "www.example.com");
	/* a line of the key's Base64, and one of the chain's, which is no secret */
	const char *secret = arena_copy_n(api->fixture, strchr(certificate.key, '\n') + 1, 48);
	const char *open = arena_copy_n(api->fixture, strchr(certificate.chain, '\n') + 1, 48);
	assert_int_equal(
		bring(api, "www.example.com", "web", certificate.chain, certificate.key), 200);
	assert_false(stored(api, secret));
	assert_true(stored(api, open));
	assert_int_equal(api_count(api, "SELECT count(*) FROM audit WHERE action ="
					" 'AssociateWebCert' AND instr(detail, 'BEGIN') = 0 AND"
					" instr(detail, 'certificateVersion') > 0"),
		1);
	/* the sealed key is gone from the file, not only from the table */
	int64_t key_size = api_count(api, "SELECT length(secret) FROM certificate");
	assert_true(key_size > 100);
	assert_int_equal(api_call(api, "DeleteDomainResource", DOMAIN, NULL), 200);
	assert_int_equal(api_count(api, "SELECT count(*) FROM certificate"), 0);
	db_close(api->db); /* the log is merged into the file */
	api->db = NULL;
	assert_false(stored(api, open));
	assert_int_equal(db_open(arena_print(api->fixture, "sqlite:%s/control.db", api->folder),
				 false, &api->db),
		OK);
}

/* ---- TLS */

static int set_tls(struct api *api, const char *config)
{
	return api_call(api, "ModifyTlsConfig", DOMAIN, "Config", config, NULL);
}

static void test_tls(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *config;
		int least;
		bool tls13;
		const char *has, *lacks;
	} accepted[] = {
		{ "{\"ssl_protocols\":\"tls1.0\",\"ssl_ciphers\":\"all\"}", 1, true,
			"AES256-SHA:@SECLEVEL=0", "RC4" },
		{ "{\"ssl_protocols\":\"tls1.1\",\"ssl_ciphers\":\"improved\","
		  "\"ssl_13_enabled\":false}",
			2, false, "ECDHE-RSA-AES128-SHA:", ":AES128-SHA" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"strong\"}", 3, false,
			"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA:" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"default\","
		  "\"ssl13_enabled\":true,\"custom_ciphers\":[\"AES128-SHA\"],"
		  "\"tls_13_custom_ciphers\":[\"TLS_AES_128_GCM_SHA256\"]}",
			3, true, "AES128-SHA", "ECDHE" },
	};
	static const struct {
		const char *config, *named;
	} refused[] = {
		{ "{}", "ssl_protocols" },
		{ "{\"ssl_protocols\":\"tls1.3\",\"ssl_ciphers\":\"all\"}", "ssl_protocols" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"weak\"}", "ssl_ciphers" },
		{ "{\"ssl_protocols\":\"tls1.0\",\"ssl_ciphers\":\"strong\"}", "tls1.2" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"default\","
		  "\"custom_ciphers\":[\"RC4-SHA\"]}",
			"Config.custom_ciphers[0]" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"all\","
		  "\"custom_ciphers\":[\"AES128-SHA\"]}",
			"custom_ciphers" },
		{ "{\"ssl_protocols\":\"tls1.0\",\"ssl_ciphers\":\"default\","
		  "\"custom_ciphers\":[\"AES128-GCM-SHA256\"]}",
			"custom_ciphers" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"default\","
		  "\"tls_13_custom_ciphers\":[\"AES128-SHA\"]}",
			"tls_13_custom_ciphers[0]" },
		{ "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"all\","
		  "\"ssl_13_enabled\":\"yes\"}",
			"ssl_13_enabled" },
	};
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		assert_int_equal(set_tls(api, accepted[i].config), 200);
		const struct site *site = built(api, "www.example.com");
		const char *ciphers = text_of(api, site, site->ciphers);
		assert_int_equal(site->tls_min, accepted[i].least);
		assert_int_equal(!!(site->flags & SITE_TLS13), accepted[i].tls13);
		assert_non_null(strstr(ciphers, accepted[i].has));
		assert_null(strstr(ciphers, accepted[i].lacks));
	}
	assert_string_equal(text_of(api, built(api, "www.example.com"),
				    built(api, "www.example.com")->ciphers_tls13),
		"TLS_AES_128_GCM_SHA256");
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(set_tls(api, refused[i].config), 400);
		if (!strstr(api_text(api, "Message"), refused[i].named))
			fail_msg("wanted %s: %s", refused[i].named, api_text(api, "Message"));
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(api_call(api, "DescribeWebRules", DOMAIN, NULL), 200);
	assert_string_equal(api_text(api, "WebRules.0.SslCiphers"), "default");
	assert_string_equal(api_text(api, "WebRules.0.SslProtocols"), "tls1.2");
	assert_string_equal(api_text(api, "WebRules.0.CustomCiphers.0"), "AES128-SHA");
	assert_string_equal(
		api_text(api, "WebRules.0.Tls13CustomCiphers.0"), "TLS_AES_128_GCM_SHA256");
}

static void test_tls_of_instances(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(
		set_tls(api, "{\"ssl_protocols\":\"tls1.2\",\"ssl_ciphers\":\"strong\"}"), 200);
	/* of those of its sites that have a certificate */
	assert_int_equal(
		api_call(api, "DescribeInstanceDetails", "InstanceIds.1", world->id, NULL), 200);
	assert_string_equal(api_text(api, "InstanceDetails.0.EipInfos.0.TlsVersion"), "");
	struct test_certificate certificate = made(api, "www.example.com");
	assert_int_equal(
		bring(api, "www.example.com", "web", certificate.chain, certificate.key), 200);
	assert_int_equal(
		api_call(api, "DescribeInstanceDetails", "InstanceIds.1", world->id, NULL), 200);
	assert_string_equal(api_text(api, "InstanceDetails.0.EipInfos.0.TlsVersion"), "tls1.2");
	assert_true(json_is_true(api_get(api, "InstanceDetails.0.EipInfos.0.CertConfigured")));
}

static void test_switches(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(api_call(api, "ModifyHttp2Enable", DOMAIN, "Enable", "1", NULL), 200);
	assert_int_equal(api_call(api, "ModifyOcspStatus", DOMAIN, "Enable", "1", NULL), 200);
	assert_true(built(api, "www.example.com")->flags & SITE_HTTP2);
	assert_true(built(api, "www.example.com")->flags & SITE_OCSP);
	assert_int_equal(api_call(api, "ModifyHttp2Enable", DOMAIN, "Enable", "0", NULL), 200);
	assert_false(built(api, "www.example.com")->flags & SITE_HTTP2);
	assert_int_equal(api_call(api, "DescribeWebRules", DOMAIN, NULL), 200);
	assert_true(json_is_true(api_get(api, "WebRules.0.OcspEnabled")));
}

/* ---- origins */

static int set_policy(struct api *api, const char *policy, const char *retry)
{
	return api_call(
		api, "ConfigL7RsPolicy", DOMAIN, "Policy", policy, "UpstreamRetry", retry, NULL);
}

static void test_origins(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *policy, *code, *named;
	} refused[] = {
		{ "{}", "MissingParameter", "Policy.ProxyMode" },
		{ "{\"ProxyMode\":\"random\"}", "InvalidParameter", "Policy.ProxyMode" },
		{ "{\"ProxyMode\":\"rr\",\"Attributes\":[{\"RealServer\":\"10.0.0.9\"}]}",
			"ddos_coop3304", "Policy.Attributes[0].RealServer" },
		{ "{\"ProxyMode\":\"rr\",\"Attributes\":[{\"Attribute\":{\"Weight\":101}}]}",
			"InvalidParameter", "Policy.Attributes[0].Attribute.Weight" },
		{ "{\"ProxyMode\":\"rr\",\"Attributes\":[{\"Attribute\":{\"ReadTimeout\":9}}]}",
			"InvalidParameter", "ReadTimeout" },
		{ "{\"ProxyMode\":\"rr\",\"Attributes\":[{\"Attribute\":{\"Mode\":\"cold\"}}]}",
			"InvalidParameter", "Mode" },
		{ "{\"ProxyMode\":\"rr\",\"Attributes\":[{\"Attribute\":{\"Mode\":\"backup\"}}]}",
			"InvalidParameter", "active" },
	};
	assert_int_equal(api_call(api, "DescribeL7RsPolicy", DOMAIN, NULL), 200);
	assert_string_equal(api_text(api, "ProxyMode"), "ip_hash");
	assert_int_equal(api_int(api, "Attributes.1.Attribute.ReadTimeout"), 120);
	assert_int_equal(
		set_policy(api,
			"{\"ProxyMode\":\"rr\",\"Attributes\":[{\"RealServer\":\"10.0.0.2\","
			"\"Attribute\":{\"Weight\":7,\"ConnectTimeout\":2,\"FailTimeout\":30,"
			"\"MaxFails\":4,\"ReadTimeout\":20,\"SendTimeout\":25,\"Mode\":"
			"\"backup\"}}]}",
			"0"),
		200);
	const struct site *site = built(api, "www.example.com");
	const struct site_origin *origin = site_list_at(site, site->origins);
	assert_int_equal(site->balance, SITE_ROUND_ROBIN);
	assert_false(site->flags & SITE_RETRY);
	assert_int_equal(site->origins.count, 2);
	assert_int_equal(origin[0].weight, 100);
	assert_int_equal(origin[0].backup, 0);
	assert_int_equal(origin[1].address.byte[15], 2);
	assert_int_equal(origin[1].weight, 7);
	assert_int_equal(origin[1].backup, 1);
	assert_int_equal(origin[1].connect_timeout_seconds, 2);
	assert_int_equal(origin[1].fail_timeout_seconds, 30);
	assert_int_equal(origin[1].max_fails, 4);
	assert_int_equal(origin[1].read_timeout_seconds, 20);
	assert_int_equal(origin[1].send_timeout_seconds, 25);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(set_policy(api, refused[i].policy, "1"), 400);
		expect(api, refused[i].code, refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(
		api_call(api, "DescribeL7RsPolicy", DOMAIN, "RealServers.1", "10.0.0.2", NULL),
		200);
	assert_int_equal(json_array_size(api_get(api, "Attributes")), 1);
	assert_int_equal(api_int(api, "Attributes.0.Attribute.Weight"), 7);
	assert_string_equal(api_text(api, "Attributes.0.Attribute.Mode"), "backup");
	assert_int_equal(api_int(api, "UpstreamRetry"), 0);
	/* retry stays when it is not named */
	assert_int_equal(api_call(api, "ConfigL7RsPolicy", DOMAIN, "Policy",
				 "{\"ProxyMode\":\"least_time\"}", NULL),
		200);
	assert_false(built(api, "www.example.com")->flags & SITE_RETRY);
	assert_int_equal(built(api, "www.example.com")->balance, SITE_LEAST_TIME);
}

static void test_keepalive_and_headers(void **state)
{
	static const char keepalive[] = "{\"enabled\":false,\"keepalive_requests\":7,"
					"\"keepalive_timeout\":8}";
	struct world *world = *state;
	struct api *api = &world->api;
	static const struct {
		const char *headers, *named;
	} refused[] = {
		{ "[]", "CustomHeaders" },
		{ "{\"A\":1}", "CustomHeaders.A" },
		{ "{\"host\":\"x\"}", "reserved" },
		{ "{\"X-Forwarded-For\":\"\"}", "reserved" },
		{ "{\"true-client-ip\":\"192.0.2.1\"}", "reserved" },
		{ "{\"cdn-loop\":\"\"}", "reserved" },
		{ "{\"X-Forwarded-ClientSrcPort\":\"1\"}", "X-Forwarded-ClientSrcPort" },
		{ "{\"A B\":\"x\"}", "CustomHeaders.A B" },
		{ "{\"A\":\"x\\r\\nB: y\"}", "CustomHeaders.A" },
		{ "{\"\":\"x\"}", "CustomHeaders" },
		{ "{\"A\":\"1\",\"a\":\"2\"}", "more than once" },
		{ "{\"A\":\"\",\"B\":\"\",\"C\":\"\",\"D\":\"\",\"E\":\"\",\"F\":\"\"}", "5" },
	};
	assert_int_equal(
		api_call(api, "ModifyHeaders", DOMAIN, "CustomHeaders",
			"{\"X-Tenant\":\"blue\",\"X-Forwarded-ClientSrcPort\":\"\"}", NULL),
		200);
	const struct site *site = built(api, "www.example.com");
	const struct site_header *header = site_list_at(site, site->headers);
	assert_int_equal(site->headers.count, 1);
	assert_string_equal(text_of(api, site, header->name), "X-Tenant");
	assert_string_equal(text_of(api, site, header->value), "blue");
	assert_true(site->flags & SITE_HEADER_PORTS);
	const char *before = api_dump(api);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(api_call(api, "ModifyHeaders", DOMAIN, "CustomHeaders",
					 refused[i].headers, NULL),
			400);
		expect(api, "InvalidParameter", refused[i].named);
	}
	assert_string_equal(before, api_dump(api));
	assert_int_equal(api_call(api, "DescribeHeaders", DOMAIN, NULL), 200);
	assert_string_equal(api_text(api, "CustomHeader.Headers"),
		"{\"X-Tenant\":\"blue\",\"X-Forwarded-ClientSrcPort\":\"\"}");
	assert_int_equal(api_call(api, "ModifyHeaders", DOMAIN, "CustomHeaders", "{}", NULL), 200);
	assert_int_equal(built(api, "www.example.com")->headers.count, 0);

	assert_true(built(api, "www.example.com")->flags & SITE_KEEPALIVE);
	assert_int_equal(
		api_call(api, "ConfigL7UsKeepalive", DOMAIN, "UpstreamKeepalive", keepalive, NULL),
		200);
	assert_false(built(api, "www.example.com")->flags & SITE_KEEPALIVE);
	assert_int_equal(built(api, "www.example.com")->keepalive_requests, 7);
	assert_int_equal(built(api, "www.example.com")->keepalive_seconds, 8);
	static const char *const bad[] = { "{}", "{\"enabled\":1}",
		"{\"enabled\":true,\"keepalive_requests\":0,\"keepalive_timeout\":1}",
		"{\"enabled\":true,\"keepalive_requests\":1}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(api_call(api, "ConfigL7UsKeepalive", DOMAIN, "UpstreamKeepalive",
					 bad[i], NULL),
			400);
		assert_non_null(strstr(api_text(api, "Message"), "UpstreamKeepalive."));
	}
	assert_int_equal(api_call(api, "DescribeL7UsKeepalive", NULL, NULL), 400);
	expect(api, "MissingParameter", "Domain");
	assert_int_equal(api_call(api, "DescribeL7UsKeepalive", DOMAIN, NULL), 200);
	assert_int_equal(api_int(api, "RsKeepalive.KeepaliveRequests"), 7);
}

/* ---- names */

static const char *cname_of(struct api *api, const char *domain)
{
	assert_int_equal(api_call(api, "DescribeCnameReuses", "Domains.1", domain, NULL), 200);
	return arena_copy(api->fixture, api_text(api, "CnameReuses.0.Cname"));
}

static int reuse(struct api *api, const char *domain, const char *cname)
{
	return api_call(
		api, "ModifyCnameReuse", "Domain", domain, "Enable", "1", "Cname", cname, NULL);
}

static void test_reuse_of_names(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(add_site(world, "shop.example.com"), 200);
	assert_int_equal(add_site(world, "blog.example.com"), 200);
	const char *www = cname_of(api, "www.example.com");
	const char *shop = cname_of(api, "shop.example.com");
	static const char *const bad[] = { "www.example.com", ("web-0123456789abcdef." ZONE),
		ZONE };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(reuse(api, "shop.example.com", bad[i]), 400);
		expect(api, "InvalidParameter", "Cname");
	}
	assert_int_equal(reuse(api, "shop.example.com", shop), 400);
	expect(api, "InvalidParameter", "Cname");
	assert_int_equal(api_call(api, "ModifyCnameReuse", "Domain", "shop.example.com", "Enable",
				 "1", NULL),
		400);
	expect(api, "MissingParameter", "Cname");
	assert_int_equal(reuse(api, "shop.example.com", www), 200);
	assert_string_equal(cname_of(api, "shop.example.com"), www);
	/* no chains, either way */
	assert_int_equal(reuse(api, "blog.example.com", shop), 400);
	assert_int_equal(reuse(api, "www.example.com", shop), 400);
	/* the one whose name is used may not leave the other behind */
	assert_int_equal(api_call(api, "DeleteDomainResource", DOMAIN, NULL), 400);
	expect(api, "InvalidParameter", "shop.example.com");
	assert_int_equal(api_call(api, "ModifyDomainResource", DOMAIN, "InstanceIds.1", world->id,
				 "InstanceIds.2", world->id6, "RsType", "0", "RealServers.1",
				 "10.0.0.1", "ProxyTypes.1.ProxyType", "https",
				 "ProxyTypes.1.ProxyPorts.1", "443", NULL),
		400);
	expect(api, "InvalidParameter", "InstanceIds");
	assert_int_equal(api_call(api, "ModifyDomainResource", "Domain", "shop.example.com",
				 "InstanceIds.1", world->id6, "RsType", "0", "RealServers.1",
				 "10.0.0.1", "ProxyTypes.1.ProxyType", "https",
				 "ProxyTypes.1.ProxyPorts.1", "443", NULL),
		400);
	expect(api, "InvalidParameter", "InstanceIds");
	assert_int_equal(api_call(api, "ModifyCnameReuse", "Domain", "shop.example.com", "Enable",
				 "0", NULL),
		200);
	assert_string_equal(cname_of(api, "shop.example.com"), shop);
	assert_int_equal(api_call(api, "DeleteDomainResource", DOMAIN, NULL), 200);
}

static void test_access_modes(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	assert_int_equal(
		api_call(api, "DescribeWebAccessMode", "Domains.1", "www.example.com", NULL), 200);
	assert_int_equal(api_int(api, "DomainModes.0.AccessMode"), 1);
	assert_int_equal(
		api_call(api, "ModifyWebAccessMode", DOMAIN, "AccessMode", "2", NULL), 200);
	/* what has no address cannot be answered with one */
	assert_int_equal(
		api_call(api, "ModifyDomainResource", DOMAIN, "InstanceIds.1", world->id, "RsType",
			"1", "RealServers.1", "origin.example.net", "ProxyTypes.1.ProxyType",
			"https", "ProxyTypes.1.ProxyPorts.1", "443", NULL),
		400);
	expect(api, "InvalidParameter", "RsType");
	assert_int_equal(
		api_call(api, "ModifyWebAccessMode", DOMAIN, "AccessMode", "3", NULL), 400);
	assert_int_equal(
		api_call(api, "DescribeWebAccessMode", "Domains.1", "www.example.com", NULL), 200);
	assert_int_equal(api_int(api, "DomainModes.0.AccessMode"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_certificates, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_certificate_refusals, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_stay_secret, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_tls, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_tls_of_instances, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_switches, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_origins, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_keepalive_and_headers, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse_of_names, site_setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_modes, site_setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
