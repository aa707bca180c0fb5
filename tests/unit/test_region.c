/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Countries of addresses: overrides, a real database where one is installed (npm's
 * @ip-location-db/geo-whois-asn-country-mmdb, see tests/api/package.json), against the library's own look-up, and
 * tables in the kernel's maps, one after the other.
 */
#include "node_world.h"

#include <arpa/inet.h>
#include <maxminddb.h>

#include "agent/region.h"
#include "base/clock.h"

#define DATABASE                                                                                   \
	"tests/api/node_modules/@ip-location-db/geo-whois-asn-country-mmdb/"                       \
	"geo-whois-asn-country.mmdb"
#define TRIES 3000

static const char *const code[] = {
	"",
#define COUNTRY(text, number, name) text,
#include "shared/countries.def"
};

static struct arena *mem;
static struct region_table table;

static const char *find(const char *text)
{
	struct address address = ip(text);

	return code[region_table_find(&table, &address)];
}

static enum err read_table(const char *path, const char **overrides, size_t count)
{
	struct text_list list = { .item = overrides, .count = count };

	arena_reset(mem);
	return region_table_read(mem, path, &list, &table);
}

static void test_overrides(void **state)
{
	const char *overrides[] = { "10.0.0.0/8=DE", "10.1.2.0/24=FR", "10.1.2.64/26=JP",
		"10.1.2.65=CN", "fd00::/8=BR", "fd01:1::/48=US", "192.168.0.0/16=XK" };

	(void)state;
	assert_int_equal(read_table(NULL, overrides, 7), OK);
	assert_string_equal(find("10.0.0.1"), "DE");
	assert_string_equal(find("10.255.255.255"), "DE");
	assert_string_equal(find("9.255.255.255"), "");
	assert_string_equal(find("11.0.0.0"), "");
	assert_string_equal(find("10.1.2.1"), "FR");
	assert_string_equal(find("10.1.2.64"), "JP");
	assert_string_equal(find("10.1.2.65"), "CN");
	assert_string_equal(find("10.1.2.127"), "JP");
	assert_string_equal(find("10.1.2.128"), "FR");
	assert_string_equal(find("10.1.3.1"), "DE");
	assert_string_equal(find("192.168.7.7"), "XK");
	assert_string_equal(find("fd05::1"), "BR");
	assert_string_equal(find("fd01:1::1"), "US");
	assert_string_equal(find("fe00::1"), "");
	/* Nothing is marked as loaded: who is unknown stays nobody's business. */
	assert_int_equal(table.block[0].country[0], 0);
	/* A later, wider one takes what was inside it. */
	overrides[6] = "10.0.0.0/8=IT";
	assert_int_equal(read_table(NULL, overrides, 7), OK);
	assert_string_equal(find("10.1.2.65"), "IT");
	assert_int_equal(table.rows, 2);
	assert_int_equal(read_table(NULL, overrides, 0), OK);
	assert_int_equal(table.rows, 0);
}

static void test_override_form(void **state)
{
	static const char *const bad[] = { "", "10.0.0.0/8", "10.0.0.0/8=", "10.0.0.0/8=XX",
		"10.0.0.0/8=de", "10.0.0.0/8=DEU", "10.0.0.1/8=DE", "=DE", "10.0.0.0/33=DE",
		"2001:db8::/32=DE=FR" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (region_override_read(bad[i], &(struct region_override){ 0 }))
			fail_msg("%s is taken", bad[i]);
	assert_true(region_override_read("10.0.0.0/8=DE", &(struct region_override){ 0 }));
	assert_true(region_override_read("2001:db8::/32=CN", &(struct region_override){ 0 }));
}

static void test_bad_files(void **state)
{
	char path[] = "/tmp/polder-region-XXXXXX";
	int file = mkstemp(path);
	uint8_t junk[4096];

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(read_table("/nonexistent/x.mmdb", NULL, 0), ERR_SYSTEM);
	assert_int_equal(read_table(path, NULL, 0), ERR_SYSTEM);
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 7);
	assert_int_equal(write(file, junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(read_table(path, NULL, 0), ERR_SYSTEM);
	(void)close(file);
	(void)unlink(path);
}

static const char *database(void)
{
	const char *path = getenv("POLDER_REGION_DATABASE");

	if (!path)
		path = DATABASE;
	if (access(path, R_OK) != 0) {
		print_message("SKIP: no region database at %s\n", path);
		skip();
	}
	return path;
}

static const char *library_finds(MMDB_s *mmdb, const char *text, char out[3])
{
	static const char *const at[] = { "country_code", NULL };
	int status, error;
	MMDB_lookup_result_s found = MMDB_lookup_string(mmdb, text, &error, &status);
	MMDB_entry_data_s data;

	out[0] = out[2] = '\0';
	if (found.found_entry && MMDB_aget_value(&found.entry, &data, at) == MMDB_SUCCESS &&
		data.has_data && data.data_size == 2)
		memcpy(out, data.utf8_string, 2);
	return out;
}

static void compare(MMDB_s *mmdb, int family, uint32_t *known)
{
	uint8_t address[16];
	char text[64], want[3];

	for (size_t i = 0; i < sizeof(address); i++)
		address[i] = (uint8_t)random();
	if (family == AF_INET6) {
		address[0] = 0x20 | (address[0] & 0x0f);
		/* Where networks are, mostly. */
		if (random() % 4) {
			address[0] = random() % 2 ? 0x2a : 0x24;
			address[1] &= 0x0f;
		}
		if (address[0] == 0x20 && address[1] <= 2)
			return; /* 6to4 and Teredo lead to IPv4 in the library only */
	}
	assert_non_null(inet_ntop(family, address, text, sizeof(text)));
	(void)library_finds(mmdb, text, want);
	if (strcmp(find(text), want) != 0)
		fail_msg("%s is of '%s', not of '%s'", text, want, find(text));
	*known += want[0] != '\0';
}

static void test_database(void **state)
{
	const char *path = database();
	uint32_t known4 = 0, known6 = 0;
	MMDB_s mmdb;

	(void)state;
	assert_int_equal(read_table(path, NULL, 0), OK);
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &mmdb), MMDB_SUCCESS);
	srandom(20261123);
	for (int i = 0; i < TRIES; i++)
		compare(&mmdb, AF_INET, &known4);
	for (int i = 0; i < TRIES / 10; i++)
		compare(&mmdb, AF_INET6, &known6);
	MMDB_close(&mmdb);
	assert_in_range(known4, TRIES / 2, TRIES);
	assert_in_range(known6, TRIES / 100, TRIES / 10);
	assert_string_equal(find("8.8.8.8"), "US");
	assert_int_equal(table.block[0].country[0], REGION_FINER);
	assert_in_range(table.rows, 1000, NODE_REGION_PREFIX_MAX - 1);
	print_message("%u rows, %u networks of no country, %zu MiB\n", table.rows, table.unknown,
		arena_used(mem) >> 20);
}

/* --- the kernel's maps ------------------------------------------------------------------------- */

static uint32_t kernel_finds(struct packets *packets, const char *text)
{
	struct region_key key = { .prefix_bits = 32 + 128, .source = ip(text) };
	uint32_t pair = (uint32_t)key.source.byte[12] << 8 | key.source.byte[13], country = 0;
	struct region_block block;

	if (!strchr(text, ':')) {
		assert_int_equal(packets_get(packets, PACKET_REGION_EXACT, &pair, &block), 0);
		if (block.country[key.source.byte[14]] != REGION_FINER)
			return block.country[key.source.byte[14]];
	}
	(void)packets_get(packets, PACKET_REGION_PREFIX, &key, &country);
	return country;
}

static void check_kernel(struct packets *packets, const char *text)
{
	assert_string_equal(code[kernel_finds(packets, text)], find(text));
}

/* A real database, where there is one, and what it costs. */
static void write_whole(struct packets *packets)
{
	const char *path = getenv("POLDER_REGION_DATABASE");
	uint64_t before = packets_bytes(packets);
	int64_t start_ms = clock_monotonic_ms();

	path = path ? path : DATABASE;
	if (access(path, R_OK) != 0)
		return;
	assert_int_equal(read_table(path, NULL, 0), OK);
	assert_int_equal(region_write(packets, &table, NULL), OK);
	check_kernel(packets, "8.8.8.8");
	check_kernel(packets, "2a00:1450:4001::1");
	check_kernel(packets, "193.0.6.139");
	print_message("read and written in %lld ms, %llu MiB of kernel memory\n",
		(long long)(clock_monotonic_ms() - start_ms),
		(unsigned long long)(packets_bytes(packets) - before) >> 20);
}

static void test_maps(void **state)
{
	static const char *const text[] = { "10.1.2.1", "10.1.2.65", "10.1.2.70", "10.200.0.1",
		"11.0.0.1", "fd01:1::1", "fd02::1", "fe00::1" };
	const char *first[] = { "10.1.2.0/24=FR", "10.1.2.64/26=JP", "10.1.2.65=CN", "fd00::/8=BR",
		"fd01:1::/48=US" };
	const char *second[] = { "10.0.0.0/8=DE", "10.1.2.70=IT", "fd01::/16=NL" };
	char *argv[] = { (char *)(uintptr_t) "agent", (char *)(uintptr_t) "--node",
		(char *)(uintptr_t) "test", (char *)(uintptr_t) "--control",
		(char *)(uintptr_t) "unix:/nowhere", (char *)(uintptr_t) "--interface",
		(char *)(uintptr_t) "wan", (char *)(uintptr_t) "--source",
		(char *)(uintptr_t) "10.9.0.8/30", (char *)(uintptr_t) "--flows",
		(char *)(uintptr_t) "4096", (char *)(uintptr_t) "--region-override",
		(char *)(uintptr_t) "10.0.0.0/8=DE", (char *)(uintptr_t) "--pin", pin };
	struct agent_settings settings;
	struct packets *packets;
	struct region *region;
	char why[SPEC_WHY_SIZE];
	struct arena *own = arena_new(64 << 10);
	struct region_key key;

	(void)state;
	NEED_WORLD();
	assert_int_equal(
		settings_read(own, sizeof(argv) / sizeof(*argv), argv, &settings, why), OK);
	assert_int_equal(packets_open(&settings, &packets), OK);
	assert_int_equal(read_table(NULL, first, 5), OK);
	assert_int_equal(region_write(packets, &table, NULL), OK);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		check_kernel(packets, text[i]);
	assert_int_equal(read_table(NULL, second, 3), OK);
	assert_int_equal(region_write(packets, &table, NULL), OK);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		check_kernel(packets, text[i]);
	write_whole(packets);
	/* By the thread, from the settings. */
	assert_int_equal(region_open(&settings, packets, &region), OK);
	assert_non_null(region);
	for (int i = 0;
		i < 2000 && kernel_finds(packets, "10.1.2.70") != kernel_finds(packets, "10.3.0.1");
		i++)
		(void)usleep(10000);
	for (int i = 0;
		i < 2000 && packets_next_key(packets, PACKET_REGION_PREFIX, NULL, &key) == 0; i++)
		(void)usleep(10000);
	region_close(region);
	assert_string_equal(code[kernel_finds(packets, "10.1.2.70")], "DE");
	assert_int_not_equal(packets_next_key(packets, PACKET_REGION_PREFIX, NULL, &key), 0);
	/* Without any, no thread. */
	settings.region_override.count = 0;
	assert_int_equal(region_open(&settings, packets, &region), OK);
	assert_null(region);
	packets_close(packets);
	arena_free(own);
}

static int setup(void **state)
{
	mem = arena_new(REGION_TABLE_BYTES_MAX);
	return mem ? world_up(state) : -1;
}

static int teardown(void **state)
{
	arena_free(mem);
	return world_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_override_form),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_database),
		cmocka_unit_test(test_maps),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
