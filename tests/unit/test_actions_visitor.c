/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where visitors are, through signed calls: of instances and of a web site, by databases that the test makes.
 */
#include "tests/unit/web_world.h"

#include "control/region.h"
#include "tests/support/mmdb.h"

#define FROM  "StartTime", "1795427940" /* a minute before the calls */
#define TIMES FROM, "EndTime", "1795428000"

static struct region_data regions;
static char city_path[128], asn_path[128];

static void make_databases(struct api *api)
{
	(void)snprintf(city_path, sizeof(city_path), "%s/city.mmdb", api->folder);
	(void)snprintf(asn_path, sizeof(asn_path), "%s/asn.mmdb", api->folder);
	assert_true(mmdb_write_text(city_path,
		"{\"198.51.100.0/25\": {\"country\": {\"iso_code\": \"CN\"},"
		" \"subdivisions\": [{\"iso_code\": \"BJ\"}]},"
		" \"198.51.100.128/25\": {\"country\": {\"iso_code\": \"CN\"}},"
		" \"2001:db8::/36\": {\"country_code\": \"CN\", \"state1\": \"Guangdong\"},"
		" \"203.0.113.0/24\": {\"country\": {\"iso_code\": \"US\"},"
		" \"subdivisions\": [{\"iso_code\": \"SC\"}]}}"));
	assert_true(mmdb_write_text(asn_path,
		"{\"198.51.100.0/24\": {\"asn\": 64500, \"as_name\": \"One\"},"
		" \"203.0.113.0/24\": {\"autonomous_system_number\": 64501,"
		" \"autonomous_system_organization\": \"Two\"}}"));
	regions = (struct region_data){ city_path, "192.0.2.128/25=MO 2001:db8:f000::/36=FR",
		asn_path };
	api->gateway.regions = &regions;
}

/* Visitors of one window of half a minute that ended so many seconds before the calls. */
static void came(struct world *world, enum visitors_of of, int64_t number, int64_t before_s,
	uint64_t total, const char *const *source)
{
	struct record_visitors visitors = { .record = { RECORD_VISITORS, 0, (uint32_t)number },
		.of = (uint8_t)of,
		.window_ms = 30000,
		.total = total };

	for (; *source; source++)
		assert_true(
			text_to_address(*source, visitors.sample[visitors.sample_count++].byte));
	visitors.record.length = (uint16_t)(offsetof(struct record_visitors, sample) +
					    visitors.sample_count * sizeof(struct address));
	report_start(&report, 1);
	report_add(&report, &visitors, visitors.record.length);
	assert_int_equal(report_send(&report, world->api.gateway.nodes, "n",
				 API_CLOCK_MS - before_s * SECOND_MS),
		OK);
}
#define CAME(world, of, number, before_s, total, ...)                                              \
	came(world, of, number, before_s, total, (const char *const[]){ __VA_ARGS__, NULL })

static int64_t site_number(struct api *api, const char *domain)
{
	struct website website;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(website_load(api->db, api->fixture, 0, domain, &website), OK);
	db_rollback(api->db);
	return website.number;
}

static void test_ports(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *id = world->id;

	make_databases(api);
#define PORT "InstanceIds.1", id
	/* Nothing came. */
	assert_int_equal(CALL(api, "DescribePortViewSourceCountries", TIMES, PORT), 200);
	expect_json(api, "SourceCountrys", "[]");
	/* Two windows, in the second each of them stands for ten; one of another time, one of a site with the same number. */
	CAME(world, VISITORS_INSTANCE, world->number, 500, 1, "203.0.113.7");
	CAME(world, VISITORS_INSTANCE, world->number, 40, 3, "198.51.100.1", "198.51.100.200",
		"192.0.2.1");
	CAME(world, VISITORS_INSTANCE, world->number, 10, 40, "198.51.100.2",
		"2001:db8:0:7::", "203.0.113.9", "192.0.2.129");
	CAME(world, VISITORS_SITE, world->number, 10, 1000, "203.0.113.9");
	assert_int_equal(CALL(api, "DescribePortViewSourceCountries", TIMES, PORT), 200);
	expect_json(api, "SourceCountrys",
		"[{\"CountryId\":\"cn\",\"Count\":22},{\"CountryId\":\"mo\",\"Count\":10},"
		"{\"CountryId\":\"us\",\"Count\":10},{\"CountryId\":\"unknown\",\"Count\":1}]");
	/* Who is in no province, or in one that is not known, is not counted; nor is Sichuan's code in America. */
	assert_int_equal(CALL(api, "DescribePortViewSourceProvinces", TIMES, PORT), 200);
	expect_json(api, "SourceProvinces",
		"[{\"ProvinceId\":\"110000\",\"Count\":11},{\"ProvinceId\":\"440000\",\"Count\":10}"
		","
		"{\"ProvinceId\":\"820000\",\"Count\":10}]");
	assert_int_equal(CALL(api, "DescribePortViewSourceIsps", TIMES, PORT), 200);
	expect_json(api, "Isps",
		"[{\"IspId\":\"unknown\",\"Count\":21},{\"IspId\":\"AS64500\",\"Count\":12},"
		"{\"IspId\":\"AS64501\",\"Count\":10}]");
	/* Until now, when no end is said. */
	assert_int_equal(CALL(api, "DescribePortViewSourceProvinces", FROM, PORT), 200);
	assert_int_equal(json_array_size(api_get(api, "SourceProvinces")), 3);
	/* The time before, another group, and what is not right. */
	assert_int_equal(CALL(api, "DescribePortViewSourceCountries", "StartTime", "1795427000",
				 "EndTime", "1795427900", PORT),
		200);
	expect_json(api, "SourceCountrys", "[{\"CountryId\":\"us\",\"Count\":1}]");
	assert_int_equal(CALL(api, "DescribePortViewSourceCountries", TIMES, PORT,
				 "ResourceGroupId", "rg-none"),
		200);
	expect_json(api, "SourceCountrys", "[]");
	(void)CALL(api, "DescribePortViewSourceCountries", FROM, "EndTime", "5", PORT);
	expect(api, "InvalidParameter", "EndTime");
	/* Another's instance is none. */
	api->caller = &api->other;
	(void)CALL(api, "DescribePortViewSourceCountries", TIMES, PORT);
	assert_string_not_equal(api_code(api), "");
}

static void test_domains(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	make_databases(api);
	CAME(world, VISITORS_SITE, site_number(api, DOMAIN), 10, 6, "198.51.100.1",
		"2001:db8:0:9::", "203.0.113.1");
	CAME(world, VISITORS_SITE, site_number(api, STANDARD), 10, 9, "198.51.100.1");
	assert_int_equal(
		CALL(api, "DescribeDomainViewSourceProvinces", TIMES, "Domain", DOMAIN), 200);
	expect_json(api, "SourceProvinces",
		"[{\"ProvinceId\":\"110000\",\"Count\":2},{\"ProvinceId\":\"440000\",\"Count\":2}"
		"]");
	/* All sites together. */
	assert_int_equal(CALL(api, "DescribeDomainViewSourceProvinces", TIMES), 200);
	expect_json(api, "SourceProvinces",
		"[{\"ProvinceId\":\"110000\",\"Count\":11},{\"ProvinceId\":\"440000\",\"Count\":2}"
		"]");
	(void)CALL(api, "DescribeDomainViewSourceProvinces", TIMES, "Domain", "none.example.org");
	expect(api, "DomainNotExist", "");
	api->caller = &api->other;
	assert_int_equal(CALL(api, "DescribeDomainViewSourceProvinces", TIMES), 200);
	expect_json(api, "SourceProvinces", "[]");
}

static void test_visitors(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;

	make_databases(api);
	CAME(world, VISITORS_INSTANCE, world->number, 10, 20, "198.51.100.1", "2001:db8:f000::");
	CAME(world, VISITORS_SITE, site_number(api, DOMAIN), 3500, 7, "203.0.113.1");
	CAME(world, VISITORS_SITE, site_number(api, DOMAIN), 10, 5, "192.0.2.200");
	assert_int_equal(OWN(api, "DescribeVisitors", "InstanceId", world->id), 200);
	assert_int_equal(api_int(api, "Total"), 20);
	assert_int_equal(api_int(api, "LookedUp"), 2);
	expect_json(api, "Countries",
		"[{\"Country\":\"cn\",\"Count\":10},{\"Country\":\"fr\",\"Count\":10}]");
	expect_json(api, "Provinces", "[{\"Province\":\"110000\",\"Count\":10}]");
	expect_json(api, "Providers",
		"[{\"Provider\":\"AS64500\",\"Count\":10,\"Organisation\":\"One\"},"
		"{\"Provider\":\"unknown\",\"Count\":10,\"Organisation\":\"\"}]");
	assert_int_equal(OWN(api, "DescribeVisitors", "Domain", DOMAIN), 200);
	assert_int_equal(api_int(api, "Total"), 12);
	expect_json(api, "Provinces", "[{\"Province\":\"820000\",\"Count\":5}]");
	assert_string_equal(api_text(api, "Providers.0.Organisation"), "Two");
	assert_int_equal(OWN(api, "DescribeVisitors", "Domain", DOMAIN, TIMES), 200);
	assert_int_equal(api_int(api, "Total"), 5);
	/* An hour back from the end that is said. */
	assert_int_equal(
		OWN(api, "DescribeVisitors", "Domain", DOMAIN, "EndTime", "1795424600"), 200);
	assert_int_equal(api_int(api, "Total"), 7);
	(void)OWN(api, "DescribeVisitors", TIMES);
	expect(api, "InvalidParameter", "InstanceId");
	(void)OWN(api, "DescribeVisitors", "Domain", DOMAIN, "InstanceId", world->id);
	expect(api, "InvalidParameter", "Domain");
	(void)OWN(api, "DescribeVisitors", "Domain", DOMAIN, FROM, "EndTime", "5");
	expect(api, "InvalidParameter", "EndTime");
	api->caller = &api->other;
	(void)OWN(api, "DescribeVisitors", "InstanceId", world->id);
	assert_string_not_equal(api_code(api), "");
	(void)OWN(api, "DescribeVisitors", "Domain", DOMAIN);
	expect(api, "DomainNotExist", "");
}

/* ---- provinces, as databases know them */

static int64_t province_of(struct api *api, const char *entry)
{
	static const uint8_t address[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	char path[128], networks[256], country[REGION_CODE_SIZE];
	struct region_data data = { path, "", "" };
	struct region_reader *reader;
	int64_t province;

	(void)snprintf(path, sizeof(path), "%s/province.mmdb", api->folder);
	(void)snprintf(networks, sizeof(networks), "{\"192.0.2.0/24\": %s}", entry);
	assert_true(mmdb_write_text(path, networks));
	reader = region_reader_open(&data, api->fixture);
	assert_non_null(reader);
	region_country(reader, address, country);
	province = region_province(reader, address, country);
	region_reader_close(reader);
	return province;
}

static void test_provinces(void **state)
{
#define CN "{\"country\": {\"iso_code\": \"CN\"}, "
	static const struct {
		const char *entry;
		int64_t province;
	} rows[] = {
		{ CN "\"subdivisions\": [{\"iso_code\": \"BJ\"}]}", 11 },
		{ CN "\"subdivisions\": [{\"iso_code\": \"11\"}]}", 11 },
		{ CN "\"subdivisions\": [{\"iso_code\": \"CN-XJ\"}]}", 65 },
		{ CN "\"subdivisions\": [{\"iso_code\": \"cn-65\"}]}", 65 },
		{ CN "\"subdivisions\": [{\"names\": {\"en\": \"Shaanxi\"}}]}", 61 },
		{ CN "\"subdivisions\": [{\"names\": {\"en\": \"Shanxi\"}}]}", 14 },
		/* A code that is none: the name tells. */
		{ CN "\"subdivisions\": [{\"iso_code\": \"ZZ\", \"names\": {\"en\": \"Hainan\"}}]}",
			46 },
		{ "{\"country_code\": \"CN\", \"state1\": \"Inner Mongolia Autonomous Region\"}",
			15 },
		{ "{\"country_code\": \"CN\", \"state1\": \"Nei Mongol\"}", 15 },
		{ "{\"country\": \"CN\", \"region\": \"Xizang\", \"region_code\": \"XZ\"}", 54 },
		{ "{\"country\": \"CN\", \"region\": \"guangxi zhuang autonomous region\"}", 45 },
		{ "{\"country\": \"CN\", \"region\": \"Hebeiqu\"}", 0 },
		{ "{\"country\": \"CN\", \"region\": \"\"}", 0 },
		{ "{\"country\": \"CN\"}", 0 },
		{ "{\"country\": \"US\", \"region_code\": \"SC\"}", 0 },
		{ "{\"region_code\": \"BJ\"}", 0 },
		{ "{\"country\": \"TW\", \"region\": \"Taipei City\"}", 71 },
		{ "{\"country\": \"HK\"}", 81 },
		{ "{\"country\": \"MO\"}", 82 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (province_of(&world->api, rows[i].entry) != rows[i].province)
			fail_msg("%s is not %d", rows[i].entry, (int)rows[i].province);
	/* Each region has a code of its own, and is found by it and by its name. */
	for (int64_t number = 11; number < 100; number++) {
		const char *name = province_name(number);
		char code[8];

		if (!name)
			continue;
		(void)snprintf(code, sizeof(code), "CN-%d", (int)number);
		assert_int_equal(province_by_subdivision(code, strlen(code)), number);
		assert_int_equal(province_by_subdivision(name, strlen(name)), number);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, web_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_ports),
		TEST(test_domains),
		TEST(test_visitors),
		TEST(test_provinces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
