/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The snapshot decoder: one good snapshot of every kind of record, and for each rule of the format
 * the same snapshot with that rule broken.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/decode.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

/* Each record at a place of its own, so that a case can name what it breaks. */
struct good {
	struct snapshot_header header;
	struct record_remove remove;
	struct record_instance instance;
	struct record_list list;
	struct record_health health;
	struct record_capture capture;
	_Alignas(
		8) uint8_t policy[sizeof(struct record_policy) + 2 * sizeof(struct record_pattern)];
	union { /* last: it ends with as many origins as the bytes hold */
		struct record_service service;
		uint8_t service_bytes[sizeof(struct record_service) +
				      2 * sizeof(struct record_origin)];
	};
};

static struct record_policy *policy_of(struct good *good)
{
	return (void *)good->policy;
}

static struct good make_good(void)
{
	struct good good = {
		.header = { .magic = SNAPSHOT_MAGIC,
			.version = SNAPSHOT_VERSION,
			.base_generation = 6,
			.generation = 7,
			.record_count = 7,
			.byte_count = sizeof(struct good) - sizeof(struct snapshot_header) },
		.remove = { .record = { RECORD_REMOVE, sizeof(struct record_remove), 9 },
			.removed_type = RECORD_LIST },
		.instance = { .record = { RECORD_INSTANCE, sizeof(struct record_instance), 1 },
			.mitigation_block = MITIGATION_BIT(block_list),
			.mitigation_watch = MITIGATION_BIT(empty_connection),
			.vip_count = INSTANCE_VIP_MAX },
		.list = { .record = { RECORD_LIST, sizeof(struct record_list), 3 },
			.instance = 1,
			.kind = LIST_BLOCK,
			.prefix_bits = 120 },
		.health = { .record = { RECORD_HEALTH, sizeof(struct record_health), 2 },
			.kind = HEALTH_UDP,
			.timeout_seconds = HEALTH_SECONDS_MAX,
			.interval_seconds = HEALTH_SECONDS_MAX,
			.up = HEALTH_COUNT_MAX,
			.down = HEALTH_COUNT_MAX },
		.capture = { .record = { RECORD_CAPTURE, sizeof(struct record_capture), 4 } },
		.service = { .record = { RECORD_SERVICE, sizeof(good.service_bytes), 2 },
			.instance = 1,
			.port = 80,
			.protocol = IPPROTO_TCP,
			.persistence_seconds = 3600,
			.payload_min = 1,
			.payload_max = 1,
			.syn_mode = SYN_NEVER,
			.client_address = CLIENT_ADDRESS_COUNT - 1,
			.form = FORM_COUNT,
			.flags = SERVICE_NO_EMPTY | SERVICE_CHALLENGE,
			.origin_count = 2 },
	};

	*policy_of(&good) =
		(struct record_policy){ .record = { RECORD_POLICY, sizeof(good.policy), 1 },
			.reflection_count = REFLECTION_MAX,
			.pattern_count = 2 };
	policy_of(&good)->pattern[0] = (struct record_pattern){
		.protocol = IPPROTO_UDP, .length = PATTERN_BYTES_MAX, .offset = PATTERN_OFFSET_MAX
	};
	policy_of(&good)->pattern[1] = (struct record_pattern){ .length = 1 };
	memset(good.health.domain, 'd', HEALTH_DOMAIN_MAX);
	memset(good.health.path, '/', HEALTH_PATH_MAX);
	good.service.origin[0] = (struct record_origin){ .port = 8080, .weight = 100 };
	good.service.origin[1] = (struct record_origin){ .port = 8080, .weight = 0 };
	return good;
}

static enum err decode(const struct good *good, size_t size)
{
	struct snapshot snapshot;
	const char *why = NULL;
	enum err err = snapshot_decode(good, size, &snapshot, &why);

	assert_true((err == OK) == (why == NULL));
	return err;
}

static void test_good(void **state)
{
	static const uint16_t types[] = { RECORD_REMOVE, RECORD_INSTANCE, RECORD_LIST,
		RECORD_HEALTH, RECORD_CAPTURE, RECORD_POLICY, RECORD_SERVICE };
	struct good good = make_good();
	struct snapshot snapshot;
	const struct record *record;
	const char *why;
	size_t offset = 0, count = 0;

	(void)state;
	assert_int_equal(snapshot_decode(&good, sizeof(good), &snapshot, &why), OK);
	assert_false(snapshot_is_full(&snapshot));
	assert_int_equal(snapshot.header.generation, 7);
	while ((record = snapshot_next(&snapshot, &offset)))
		assert_int_equal(record->type, types[count++]);
	assert_int_equal(count, 7);
}

/* Every cut is refused: no length between the records passes for the end. */
static void test_cut_anywhere(void **state)
{
	struct good good = make_good();

	(void)state;
	for (size_t size = 0; size < sizeof(good); size++) {
		assert_int_equal(decode(&good, size), ERR_FORMAT);
		if (size >= sizeof(good.header)) {
			struct good cut = good;

			cut.header.byte_count = (uint32_t)(size - sizeof(good.header));
			assert_int_equal(decode(&cut, size), ERR_FORMAT);
		}
	}
}

#define BREAK(what)                                                                                \
	do {                                                                                       \
		struct good broken = make_good();                                                  \
		what;                                                                              \
		assert_int_equal(decode(&broken, sizeof(broken)), ERR_FORMAT);                     \
	} while (0)

static void test_broken_header(void **state)
{
	(void)state;
	BREAK(broken.header.magic++);
	BREAK(broken.header.version++);
	BREAK(broken.header.flags = 2);
	BREAK(broken.header.record_count--);
	BREAK(broken.header.record_count++);
	BREAK(broken.header.byte_count += 8);
	BREAK(broken.header.byte_count -= 8);
	BREAK(broken.header.base_generation = 8);
	BREAK(broken.header.life_offset_ms = INT64_MAX);
	BREAK(broken.header.life_offset_ms = INT64_MIN);
	BREAK(broken.header.life_offset_ms = INT64_MAX / 1000000);
}

static void test_broken_records(void **state)
{
	(void)state;
	BREAK(broken.remove.record.type = RECORD_LOG_QUERY + 1);
	BREAK(broken.remove.record.type = RECORD_NODE);
	BREAK(broken.remove.record.length = 0);
	BREAK(broken.remove.record.length = 12);
	BREAK(broken.remove.record.length = 0xfff8);
	BREAK(broken.remove.record.id = 0);
	BREAK(broken.remove.removed_type = RECORD_REMOVE);
	BREAK(broken.remove.removed_type = RECORD_LOG_QUERY + 1);
	BREAK(broken.instance.record.length += 8);
	BREAK(broken.instance.vip_count = INSTANCE_VIP_MAX + 1);
	BREAK(broken.instance.mitigation_watch |= MITIGATION_BIT(block_list));
	BREAK(broken.instance.mitigation_block |= 1u << MITIGATION_COUNT);
	BREAK(broken.instance.mitigation_watch |= 1u << MITIGATION_COUNT);
	BREAK(broken.instance.mitigation_watch |= 1u << 31);
	BREAK(broken.service.syn_mode = SYN_NEVER + 1);
	BREAK(broken.service.client_address = CLIENT_ADDRESS_COUNT);
	BREAK(broken.service.form = FORM_COUNT + 1);
	BREAK(broken.service.flags |= SERVICE_LIMITED);
	BREAK(broken.service.flags |= 8);
	BREAK(broken.service.origin_count = 1);
	BREAK(broken.service.origin_count = ORIGIN_MAX + 1);
	BREAK(broken.service.protocol = IPPROTO_ICMP);
	BREAK(broken.service.port = 0);
	BREAK(broken.service.instance = 0);
	BREAK(broken.service.persistence_seconds = 29);
	BREAK(broken.service.persistence_seconds = 3601);
	BREAK(broken.service.payload_min = 2);
	BREAK(broken.service.origin[1].port = 0);
	BREAK(broken.service.origin[0].weight = 101);
	BREAK(broken.list.instance = 0);
	BREAK(broken.list.kind = 0);
	BREAK(broken.list.kind = LIST_BLOCK + 1);
	BREAK(broken.list.prefix_bits = 129);
	BREAK(broken.list.source.byte[15] = 1);
}

static void test_broken_policies(void **state)
{
	(void)state;
	BREAK(policy_of(&broken)->record.length -= 8);
	BREAK(policy_of(&broken)->record.length = sizeof(struct record_policy) - 8);
	BREAK(policy_of(&broken)->reflection_count = REFLECTION_MAX + 1);
	BREAK(policy_of(&broken)->pattern_count = 1);
	BREAK(policy_of(&broken)->pattern_count = 3);
	BREAK(policy_of(&broken)->pattern_count = PATTERN_MAX + 1);
	BREAK(policy_of(&broken)->pattern[1].protocol = IPPROTO_ICMP);
	BREAK(policy_of(&broken)->pattern[1].length = 0);
	BREAK(policy_of(&broken)->pattern[0].length = PATTERN_BYTES_MAX + 1);
	BREAK(policy_of(&broken)->pattern[0].offset = PATTERN_OFFSET_MAX + 1);
}

/* As many patterns as there may be, and one more. */
static void test_most_patterns(void **state)
{
	struct {
		struct snapshot_header header;
		uint8_t policy[sizeof(struct record_policy) +
			       (PATTERN_MAX + 1) * sizeof(struct record_pattern)];
	} many = { .header = make_good().header };
	struct record_policy *policy = (void *)many.policy;
	struct snapshot snapshot;
	const char *why;

	(void)state;
	many.header.record_count = 1;
	for (uint16_t count = PATTERN_MAX; count <= PATTERN_MAX + 1; count++) {
		size_t size = sizeof(*policy) + count * sizeof(policy->pattern[0]);

		policy->record = (struct record){ RECORD_POLICY, (uint16_t)size, 1 };
		policy->pattern_count = count;
		for (unsigned i = 0; i < count; i++)
			policy->pattern[i].length = 1;
		many.header.byte_count = (uint32_t)size;
		assert_int_equal(
			snapshot_decode(&many, sizeof(many.header) + size, &snapshot, &why),
			count <= PATTERN_MAX ? OK : ERR_FORMAT);
	}
}

static void test_broken_checks_and_captures(void **state)
{
	(void)state;
	BREAK(broken.health.record.length -= 8);
	BREAK(broken.health.kind = 0);
	BREAK(broken.health.kind = HEALTH_UDP + 1);
	BREAK(broken.health.timeout_seconds = 0);
	BREAK(broken.health.timeout_seconds = HEALTH_SECONDS_MAX + 1);
	BREAK(broken.health.interval_seconds = 0);
	BREAK(broken.health.interval_seconds = HEALTH_SECONDS_MAX + 1);
	BREAK(broken.health.up = 0);
	BREAK(broken.health.up = HEALTH_COUNT_MAX + 1);
	BREAK(broken.health.down = 0);
	BREAK(broken.health.down = HEALTH_COUNT_MAX + 1);
	BREAK(broken.health.domain[HEALTH_DOMAIN_MAX] = 'd');
	BREAK(memset(broken.health.domain, 'd', sizeof(broken.health.domain)));
	BREAK(broken.health.domain[1] = '\0');
	BREAK(broken.health.domain[1] = '\r');
	BREAK(broken.health.domain[1] = ' ');
	BREAK(broken.health.domain[1] = (char)0x80);
	BREAK(broken.health.path[HEALTH_PATH_MAX] = '/');
	BREAK(memset(broken.health.path, '/', sizeof(broken.health.path)));
	BREAK(broken.health.path[0] = 'x');
	BREAK(broken.health.path[2] = '\n');
	BREAK(broken.health.path[2] = ' ');
	BREAK(broken.health.path[2] = 0x7f);
	BREAK(broken.capture.record.length -= 8);
	BREAK(broken.capture.record.id = 0);
}

static void test_removal_behind(void **state)
{
	struct {
		struct snapshot_header header;
		struct record_instance instance;
		struct record_remove remove;
	} late = { .header = make_good().header,
		.instance = make_good().instance,
		.remove = make_good().remove };
	struct snapshot snapshot;
	const char *why;

	(void)state;
	late.header.record_count = 2;
	late.header.byte_count = sizeof(late) - sizeof(late.header);
	assert_int_equal(snapshot_decode(&late, sizeof(late), &snapshot, &why), ERR_FORMAT);
	assert_string_equal(why, "removal behind other records");
}

static void test_empty(void **state)
{
	struct good good = make_good();
	struct snapshot snapshot;
	const char *why;
	size_t offset = 0;

	(void)state;
	good.header.record_count = good.header.byte_count = 0;
	assert_int_equal(snapshot_decode(&good, sizeof(good.header), &snapshot, &why), OK);
	assert_null(snapshot_next(&snapshot, &offset));
}

static void test_prefix_is_clean(void **state)
{
	struct address address = { .byte = { [0] = 0xff, [1] = 0x80 } };

	(void)state;
	assert_true(prefix_is_clean(&address, 9));
	assert_false(prefix_is_clean(&address, 8));
	assert_false(prefix_is_clean(&address, 0));
	assert_true(prefix_is_clean(&address, 128));
	address.byte[15] = 1;
	assert_true(prefix_is_clean(&address, 128));
	assert_false(prefix_is_clean(&address, 127));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_broken_header),
		cmocka_unit_test(test_broken_records),
		cmocka_unit_test(test_broken_policies),
		cmocka_unit_test(test_most_patterns),
		cmocka_unit_test(test_broken_checks_and_captures),
		cmocka_unit_test(test_removal_behind),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_prefix_is_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
