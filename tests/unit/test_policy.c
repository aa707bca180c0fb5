/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modes and policies: their rules, their rows, and the records that nodes get of them.
 */
#include "base/text.h"
#include "control/engine/engine.h"
#include "control/model/country.h"
#include "control/model/port_rule.h"
#include "control/store/policy.h"
#include "tests/support/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

/* ---- modes */

static void test_masks(void **state)
{
	struct protection protection = protection_default(1);
	uint32_t block, watch;
	(void)state;

	protection_masks(&protection, &block, &watch);
	assert_true(block & MITIGATION_BIT(block_list));
	assert_true(block & MITIGATION_BIT(auto_block));
	assert_false(block & MITIGATION_BIT(bogon));
	assert_int_equal(watch, 0);
	for (unsigned i = 0; i < MITIGATION_COUNT; i++) {
		for (unsigned mode = MITIGATION_OFF; mode <= MITIGATION_BLOCK; mode++) {
			protection.mode[i] = (uint8_t)mode;
			protection_masks(&protection, &block, &watch);
			assert_int_equal(block >> i & 1, mode == MITIGATION_BLOCK);
			assert_int_equal(watch >> i & 1, mode == MITIGATION_WATCH);
			assert_int_equal(block & watch, 0);
		}
		protection.mode[i] = MITIGATION_UNSET;
	}
}

static void test_modes_as_text(void **state)
{
	struct test_store *store = *state;
	struct protection protection = protection_default(1), again = protection_default(1);
	struct text text;

	text_init(&text, store->mem, 4096);
	protection_modes_format(&protection, &text);
	assert_string_equal(text.data, "");
	protection.mode[MITIGATION_region] = MITIGATION_WATCH;
	protection.mode[MITIGATION_empty_connection] = MITIGATION_OFF;
	text_init(&text, store->mem, 4096);
	protection_modes_format(&protection, &text);
	assert_string_equal(text.data, "region=watch empty_connection=off");
	/* What no row has any more is left out. */
	protection_modes_parse(
		arena_print(store->mem, "gone=block %s region=often = x", text.data), &again);
	assert_memory_equal(protection.mode, again.mode, sizeof(again.mode));
	/* All of them fit into a row. */
	memset(protection.mode, MITIGATION_BLOCK, sizeof(protection.mode));
	text_init(&text, store->mem, 2048);
	protection_modes_format(&protection, &text);
	assert_false(text.failed);
}

static void test_countries(void **state)
{
	uint64_t bits[4] = { 0 }, abroad[4] = { 0 };
	int last = (int)country_count - 1;
	(void)state;

	assert_true(country_count < REGION_FINER);
	for (size_t i = 0; i < country_count; i++) {
		assert_int_equal(strlen(countries[i].code), 2);
		assert_int_equal(country_by_code(countries[i].code, 2), i);
		assert_int_equal(country_by_number(countries[i].number), i);
		/* The cloud's numbers, which we do not know, are smaller. */
		assert_true(countries[i].number > 1000);
	}
	assert_int_equal(country_by_code("U", 1), -1);
	assert_int_equal(country_by_code("ZZ", 2), -1);
	assert_int_equal(country_by_number(0), -1);
	countries_to_bits("AD ZZ XK", bits);
	assert_int_equal(bits[0], 1u << 1);
	assert_int_equal(bits[(last + 1) / 64], UINT64_C(1) << (last + 1) % 64);
	countries_abroad(abroad);
	assert_int_equal(abroad[0] & 1, 0); /* an unknown country is not abroad */

	int china = country_by_code("CN", 2) + 1, usa = country_by_code("US", 2) + 1;

	assert_int_equal(abroad[china / 64] >> china % 64 & 1, 0);
	assert_int_equal(abroad[usa / 64] >> usa % 64 & 1, 1);
	assert_string_equal(province_name(11), "Beijing");
	assert_null(province_name(16));
	assert_null(province_country(11));
	assert_string_equal(province_country(82), "MO");
}

/* ---- snapshots */

static const struct record *find(
	struct test_store *store, uint64_t base, uint16_t type, uint64_t *generation)
{
	static const uint8_t secret[32] = { 0 };
	const struct snapshot_terms terms = { .cookie_secret = secret };
	const uint8_t *bytes;
	struct snapshot_header header;
	size_t size;

	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(snapshot_build(store->db, store->mem, base, &terms, &bytes, &size), OK);
	assert_int_equal(db_commit(store->db), OK);
	memcpy(&header, bytes, sizeof(header));
	*generation = header.generation;
	for (size_t at = sizeof(header); at < size;) {
		const struct record *record = (const void *)(bytes + at);

		if (record->type == type)
			return record;
		at += record->length;
	}
	return NULL;
}

/* From the whole snapshot and from the newest difference: both say the same. */
static const void *record_of(struct test_store *store, uint64_t base, uint16_t type)
{
	uint64_t generation;
	const struct record *full = find(store, 0, type, &generation);
	const struct record *part = find(store, base, type, &generation);

	assert_non_null(full);
	assert_non_null(part);
	assert_int_equal(full->length, part->length);
	assert_memory_equal(full, part, full->length);
	return full;
}

static uint64_t newest(struct test_store *store)
{
	int64_t generation;

	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(change_generation(store->db, &generation), OK);
	assert_int_equal(db_commit(store->db), OK);
	return (uint64_t)generation;
}

static void put_protection(struct test_store *store, const struct protection *protection)
{
	struct protection again;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(protection_put(store->db, store->mem, protection), OK);
	assert_int_equal(
		protection_load(store->db, store->mem, protection->instance_number, &again), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_memory_equal(protection->mode, again.mode, sizeof(again.mode));
	assert_int_equal(protection->packets_max, again.packets_max);
	assert_int_equal(protection->blackhole_until_ms, again.blackhole_until_ms);
}

static void put_policy(struct test_store *store, const struct policy *policy)
{
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(policy_put(store->db, store->mem, policy), OK);
	assert_int_equal(db_commit(store->db), OK);
}

static void test_record_of_instance(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + DAY_MS);
	struct protection protection = protection_default(instance.number);
	const struct record_instance *record;
	uint32_t block, watch;
	uint64_t base;

	record = record_of(store, 0, RECORD_INSTANCE);
	protection_masks(&protection, &block, &watch);
	assert_int_equal(record->mitigation_block, block);
	assert_int_equal(record->mitigation_watch, watch);
	assert_int_equal(record->syn_threshold, SYN_THRESHOLD_DEFAULT);
	assert_int_equal(record->bytes_max, 0);
	assert_int_equal(record->packets_max, 0);
	assert_int_equal(record->unproven_max, 0);
	assert_int_equal(record->blackhole_until_ms, 0);
	base = newest(store);
	protection.mode[MITIGATION_bogon] = MITIGATION_WATCH;
	protection.real_limit_mbps = 8;
	protection.syn_threshold = INT32_MAX;
	protection.packets_max = UINT32_MAX;
	protection.unproven_max = 5;
	protection.blackhole_from_ms = T0;
	protection.blackhole_until_ms = T0 + 1;
	put_protection(store, &protection);
	record = record_of(store, base, RECORD_INSTANCE);
	assert_int_equal(record->mitigation_watch, MITIGATION_BIT(bogon));
	assert_int_equal(record->bytes_max, 1000000);
	assert_int_equal(record->syn_threshold, INT32_MAX);
	assert_int_equal(record->packets_max, UINT32_MAX);
	assert_int_equal(record->unproven_max, 5);
	assert_int_equal(record->blackhole_until_ms, T0 + 1);
	assert_int_equal(record->mitigation_until_ms, T0 + DAY_MS);
	assert_memory_equal(record->vip[0].byte, instance.vip, 16);
	/* A chosen mode enforces the plan's bandwidth, which nodes hear of when it changes. */
	protection.real_limit_mbps = 0;
	protection.mode[MITIGATION_plan_bytes] = MITIGATION_BLOCK;
	put_protection(store, &protection);
	base = newest(store);
	instance.plan.clean_bandwidth_mbps = 200;
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(instance_update(store->db, &instance), OK);
	assert_int_equal(db_commit(store->db), OK);
	record = record_of(store, base, RECORD_INSTANCE);
	assert_int_equal(record->bytes_max, 25000000);
}

static bool has(const struct record_policy *record, const char *code)
{
	int bit = country_by_code(code, 2) + 1;

	return record->region[bit / 64] >> bit % 64 & 1;
}

static struct policy whole_policy(int64_t instance_number)
{
	struct policy policy = { .instance_number = instance_number,
		.countries = "AD US",
		.provinces = "82",
		.reflection_count = REFLECTION_MAX,
		.pattern_count = PATTERN_MAX };

	for (uint16_t i = 0; i < REFLECTION_MAX; i++)
		policy.reflection[i] = (uint16_t)(i + 1);
	for (size_t i = 0; i < PATTERN_MAX; i++)
		policy.pattern[i] = (struct payload_pattern){ .protocol = PROTOCOL_UDP,
			.port = 65535,
			.offset = PATTERN_OFFSET_MAX,
			.length = i ? PATTERN_BYTES_MAX : 2,
			.value = { 0xff, (uint8_t)i },
			.mask = { 0xf0, 0xff } };
	return policy;
}

static void test_record_of_policy(void **state)
{
	struct test_store *store = *state;
	struct instance first = test_store_add(store, 1, T0 + DAY_MS);
	struct instance second = test_store_add(store, 2, T0 + DAY_MS);
	struct policy policy = whole_policy(first.number), again;
	const struct record_policy *record;
	uint64_t generation, base = newest(store);

	assert_null(find(store, 0, RECORD_POLICY, &generation));
	put_policy(store,
		&(struct policy){
			.instance_number = second.number, .countries = "", .provinces = "" });
	put_policy(store, &policy);
	assert_int_equal(db_begin(store->db, DB_READ), OK);
	assert_int_equal(policy_load(store->db, store->mem, first.number, &again), OK);
	assert_int_equal(db_commit(store->db), OK);
	assert_memory_equal(policy.pattern, again.pattern, sizeof(policy.pattern));
	assert_memory_equal(policy.reflection, again.reflection, sizeof(policy.reflection));
	/* Off: countries are kept, and none is blocked. */
	record = record_of(store, base, RECORD_POLICY);
	assert_int_equal(record->record.id, first.number);
	assert_int_equal(record->record.length,
		sizeof(*record) + PATTERN_MAX * sizeof(struct record_pattern));
	assert_int_equal(record->region[0] | record->region[1], 0);
	assert_int_equal(record->reflection_count, REFLECTION_MAX);
	assert_int_equal(record->reflection[REFLECTION_MAX - 1], REFLECTION_MAX);
	assert_int_equal(record->pattern_count, PATTERN_MAX);
	assert_int_equal(record->pattern[0].length, 2);
	assert_int_equal(record->pattern[0].value[0], 0xf0); /* masked */
	assert_int_equal(record->pattern[7].length, PATTERN_BYTES_MAX);
	assert_int_equal(record->pattern[7].value[1], 7);
	assert_int_equal(record->pattern[7].offset, PATTERN_OFFSET_MAX);
	assert_int_equal(record->pattern[7].port, 65535);
	assert_int_equal(record->pattern[7].protocol, 17);
	policy.region_on = true;
	policy.pattern_count = 0;
	base = newest(store);
	put_policy(store, &policy);
	record = record_of(store, base, RECORD_POLICY);
	assert_int_equal(record->record.length, sizeof(*record));
	assert_true(has(record, "AD") && has(record, "US") && has(record, "MO"));
	assert_false(has(record, "CN") || has(record, "DE"));
}

static void test_record_of_diversion(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + DAY_MS);
	struct protection protection = protection_default(instance.number);
	struct policy policy = { .instance_number = instance.number,
		.region_on = true,
		.countries = "CN",
		.provinces = "" };
	const struct record_instance *record;
	const struct record_policy *region;
	uint64_t base;

	protection.mode[MITIGATION_region] = MITIGATION_WATCH;
	put_protection(store, &protection);
	put_policy(store, &policy);
	base = newest(store);
	policy.diverted = true;
	put_policy(store, &policy);
	/* What comes from abroad is dropped; what was only watched is not dropped with it. */
	record = record_of(store, base, RECORD_INSTANCE);
	assert_true(record->mitigation_block & MITIGATION_BIT(region));
	assert_false(record->mitigation_watch & MITIGATION_BIT(region));
	region = record_of(store, base, RECORD_POLICY);
	assert_true(has(region, "US") && !has(region, "CN"));
	/* A mode that changes meanwhile changes both. */
	base = newest(store);
	protection.mode[MITIGATION_region] = MITIGATION_BLOCK;
	put_protection(store, &protection);
	region = record_of(store, base, RECORD_POLICY);
	assert_true(has(region, "US") && has(region, "CN"));
	base = newest(store);
	policy.diverted = false;
	put_policy(store, &policy);
	region = record_of(store, base, RECORD_POLICY);
	assert_true(!has(region, "US") && has(region, "CN"));
}

static void test_captures(void **state)
{
	struct test_store *store = *state;
	struct instance instance = test_store_add(store, 1, T0 + DAY_MS);
	struct capture_row capture = { .instance_number = instance.number,
		.reasons = UINT64_C(1) << 63 | 1,
		.packets = 1000,
		.from_ms = T0,
		.until_ms = T0 + 5000 },
			   found;
	const struct record_capture *record;
	const struct record_remove *removal;
	uint64_t generation, base = newest(store);

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(capture_newest(store->db, 0, &found), ERR_NOT_FOUND);
	assert_int_equal(capture_insert(store->db, &capture), OK);
	assert_int_equal(capture_newest(store->db, instance.number, &found), OK);
	assert_memory_equal(&capture, &found, sizeof(found));
	assert_int_equal(db_commit(store->db), OK);
	record = record_of(store, base, RECORD_CAPTURE);
	assert_int_equal(record->instance, instance.number);
	assert_int_equal(record->reasons, capture.reasons);
	assert_int_equal(record->count, 1000);
	assert_int_equal(record->until_ms, T0 + 5000);
	base = newest(store);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(capture_stop(store->db, &capture, T0 + 1), OK);
	assert_int_equal(db_commit(store->db), OK);
	record = record_of(store, base, RECORD_CAPTURE);
	assert_int_equal(record->until_ms, T0 + 1);
	base = newest(store);
	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	assert_int_equal(capture_prune(store->db, T0 + 1), OK);
	assert_int_equal(capture_newest(store->db, 0, &found), OK);
	assert_int_equal(capture_prune(store->db, T0 + 2), OK);
	assert_int_equal(capture_newest(store->db, 0, &found), ERR_NOT_FOUND);
	assert_int_equal(db_commit(store->db), OK);
	removal = (const void *)find(store, base, RECORD_REMOVE, &generation);
	assert_non_null(removal);
	assert_int_equal(removal->removed_type, RECORD_CAPTURE);
	assert_int_equal(removal->record.id, capture.number);
}

/* A full snapshot has room for the largest of everything. */
static void test_sizes(void **state)
{
	struct test_store *store = *state;
	uint64_t generation;

	for (unsigned i = 0; i < 50; i++) {
		struct instance instance = test_store_add(store, i, T0 + DAY_MS);
		struct policy policy = whole_policy(instance.number);
		struct capture_row capture = { .instance_number = instance.number };

		policy.pattern_count = i % (PATTERN_MAX + 1);
		put_policy(store, &policy);
		assert_int_equal(db_begin(store->db, DB_WRITE), OK);
		assert_int_equal(capture_insert(store->db, &capture), OK);
		assert_int_equal(db_commit(store->db), OK);
		if (i % 3 == 0) {
			assert_int_equal(db_begin(store->db, DB_WRITE), OK);
			assert_int_equal(instance_release(store->db, &instance, T0), OK);
			assert_int_equal(db_commit(store->db), OK);
		}
		(void)find(store, 0, RECORD_REMOVE, &generation);
		(void)find(store, 1, RECORD_REMOVE, &generation);
	}
}

static void test_quota(void **state)
{
	struct test_store *store = *state;
	int64_t count, last_ms;

	assert_int_equal(db_begin(store->db, DB_WRITE), OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(quota_use(store->db, 1, "a", T0 + i), OK);
	assert_int_equal(quota_use(store->db, 1, "b", T0 + 9), OK);
	assert_int_equal(quota_used(store->db, 1, "a", T0 + 1, &count, &last_ms), OK);
	assert_int_equal(count, 2);
	assert_int_equal(last_ms, T0 + 2);
	assert_int_equal(quota_used(store->db, 2, "a", 0, &count, &last_ms), OK);
	assert_int_equal(count, 0);
	assert_int_equal(last_ms, 0);
	assert_int_equal(db_commit(store->db), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_CASE(test_masks),
		STORE_CASE(test_modes_as_text),
		STORE_CASE(test_countries),
		STORE_CASE(test_record_of_instance),
		STORE_CASE(test_record_of_policy),
		STORE_CASE(test_record_of_diversion),
		STORE_CASE(test_captures),
		STORE_CASE(test_sizes),
		STORE_CASE(test_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
