/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sites as one piece of memory: what the builder makes passes the check, and each thing that request_abi.h forbids
 * does not. Keys that a host name asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/site.h"

static uint64_t memory[SITE_BYTES_MAX / 8];

static struct site_text text(struct site_builder *builder, const char *value)
{
	return site_add_text(builder, value, strlen(value));
}

static void add_places(struct site_builder *builder)
{
	struct site *site = site_head(builder);
	uint32_t *instance = site_add_list(builder, &site->instances, 2, sizeof(*instance));
	struct site_port *port;
	struct site_origin *origin;

	instance[0] = 7;
	instance[1] = 9;
	port = site_add_list(builder, &site->ports, 3, sizeof(*port));
	port[0] = (struct site_port){ 80, SITE_SCHEME_HTTP | SITE_SCHEME_WEBSOCKET };
	port[1] = (struct site_port){ 443, SITE_SCHEME_HTTPS };
	port[2] = (struct site_port){ 8443, SITE_SCHEME_TLS };
	origin = site_add_list(builder, &site->origins, 2, sizeof(*origin));
	for (int i = 0; i < 2; i++)
		origin[i] = (struct site_origin){ .weight = 100,
			.connect_timeout_seconds = 5,
			.read_timeout_seconds = 120,
			.send_timeout_seconds = 120 };
	origin[0].address.byte[15] = 1;
	origin[1].name = text(builder, "origin.example.net");
}

static void add_rules(struct site_builder *builder)
{
	struct site *site = site_head(builder);
	struct site_rule *rule = site_add_list(builder, &site->rules, 2, sizeof(*rule));
	struct site_step *step = site_add_list(builder, &site->steps, 3, sizeof(*step));
	struct table_prefix *prefix = site_add_list(builder, &site->prefixes, 1, sizeof(*prefix));
	struct site_header *header = site_add_list(builder, &site->headers, 1, sizeof(*header));
	struct site_cache_rule *cache = site_add_list(builder, &site->caches, 1, sizeof(*cache));

	rule[0] = (struct site_rule){ .number = 1,
		.check = CHECK_precise,
		.action = RULE_BLOCK,
		.name = text(builder, "admin"),
		.step_count = 2 };
	rule[1] = (struct site_rule){ .number = 2,
		.check = CHECK_frequency,
		.action = RULE_CHALLENGE,
		.target = TARGET_HEADER,
		.target_header = text(builder, "x-key"),
		.statistics = STATISTICS_DISTINCT,
		.distinct = FIELD_URI,
		.interval_seconds = 5,
		.threshold = 10,
		.first_step = 2,
		.step_count = 1 };
	step[0] = (struct site_step){ .field = FIELD_URI,
		.match = MATCH_PREFIX,
		.hit = 1,
		.miss = STEP_NO_MATCH,
		.value = text(builder, "/admin") };
	step[1] = (struct site_step){ .field = FIELD_ADDRESS,
		.match = MATCH_WITHIN,
		.flags = STEP_NOT,
		.hit = STEP_MATCH,
		.miss = STEP_NO_MATCH,
		.value = site_add_text(builder, prefix, 16),
		.number = 104 };
	step[2] = (struct site_step){ .field = FIELD_HEADER,
		.match = MATCH_ABSENT,
		.hit = STEP_MATCH,
		.miss = STEP_NO_MATCH,
		.name = text(builder, "x-app") };
	*prefix = (struct table_prefix){ .bits = 128, .flags = SITE_BLACK };
	header->name = text(builder, "X-From");
	cache->path = text(builder, "/static/");
}

static struct site *build(struct site_builder *builder)
{
	struct site *site = site_begin(builder, memory, sizeof(memory));

	site->number = 3;
	site->domain = text(builder, "www.example.com");
	add_places(builder);
	add_rules(builder);
	assert_true(site_end(builder) > sizeof(*site));
	return site;
}

static void test_built(void **state)
{
	struct site_builder builder;
	struct site *site = build(&builder);
	const struct site_origin *origin = site_list_at(site, site->origins);

	(void)state;
	assert_null(site_check(site, site->length));
	assert_memory_equal(site_text_at(site, site->domain), "www.example.com", 15);
	assert_memory_equal(site_text_at(site, origin[1].name), "origin.example.net", 18);
	assert_int_equal(site_port_find(site, 80)->schemes, 5);
	assert_int_equal(site_port_find(site, 8443)->schemes, SITE_SCHEME_TLS);
	assert_null(site_port_find(site, 81));
	assert_null(site_port_find(site, 65535));
	assert_true(site_has_instance(site, 9));
	assert_false(site_has_instance(site, 8));
}

#define MEMBER(type, list, index)                                                                  \
	((type *)(void *)((uint8_t *)(void *)site + site->list.offset))[index]

/* One change a row; the name says what is wrong then. */
#define BREAKS(X)                                                                                  \
	X(no_number, site->number = 0)                                                             \
	X(no_domain, site->domain.length = 0)                                                      \
	X(domain_outside, site->domain.offset = (uint16_t)site->length)                            \
	X(domain_in_head, site->domain.offset = 8)                                                 \
	X(acme_outside, site->acme_answer = ((struct site_text){ 200, 60000 }))                    \
	X(acme_without_answer, site->acme_token = site->domain)                                    \
	X(ciphers_outside, site->ciphers = ((struct site_text){ 200, 60000 }))                     \
	X(longer, site->length += 8)                                                               \
	X(shorter, site->length -= 8)                                                              \
	X(mode, site->mode[CHECK_MAX - 1] = 3)                                                     \
	X(balance, site->balance = 3)                                                              \
	X(list_outside, site->origins.offset = (uint16_t)(site->length - 8))                       \
	X(list_odd, site->ports.offset += 4)                                                       \
	X(list_long, site->ports.count = SITE_PORT_MAX + 1)                                        \
	X(instance_zero, MEMBER(uint32_t, instances, 0) = 0)                                       \
	X(instance_twice, MEMBER(uint32_t, instances, 1) = 7)                                      \
	X(port_zero, MEMBER(struct site_port, ports, 0).port = 0)                                  \
	X(port_order, MEMBER(struct site_port, ports, 2).port = 443)                               \
	X(port_scheme, MEMBER(struct site_port, ports, 0).schemes = 16)                            \
	X(port_mixed, MEMBER(struct site_port, ports, 0).schemes = 3)                              \
	X(origin_none, MEMBER(struct site_origin, origins, 0).address.byte[15] = 0)                \
	X(origin_both, MEMBER(struct site_origin, origins, 1).address.byte[15] = 1)                \
	X(origin_weight, MEMBER(struct site_origin, origins, 0).weight = 101)                      \
	X(origin_timeout, MEMBER(struct site_origin, origins, 0).read_timeout_seconds = 0)         \
	X(header_name, MEMBER(struct site_header, headers, 0).name.length = 0)                     \
	X(prefix_bits, MEMBER(struct table_prefix, prefixes, 0).bits = 129)                        \
	X(prefix_flags, MEMBER(struct table_prefix, prefixes, 0).flags = 3)                        \
	X(cache_mode, MEMBER(struct site_cache_rule, caches, 0).mode = 4)                          \
	X(cache_path, MEMBER(struct site_cache_rule, caches, 0).path.offset = 65000)               \
	X(rule_number, MEMBER(struct site_rule, rules, 0).number = 0)                              \
	X(rule_check, MEMBER(struct site_rule, rules, 0).check = CHECK_quota)                      \
	X(rule_order, MEMBER(struct site_rule, rules, 0).check = CHECK_smart)                      \
	X(rule_action, MEMBER(struct site_rule, rules, 0).action = RULE_CHALLENGE + 1)             \
	X(rule_steps, MEMBER(struct site_rule, rules, 1).step_count = 2)                           \
	X(rule_first, MEMBER(struct site_rule, rules, 0).first_step = 65535)                       \
	X(rule_interval, MEMBER(struct site_rule, rules, 1).interval_seconds = 0)                  \
	X(rule_threshold, MEMBER(struct site_rule, rules, 1).threshold = 0)                        \
	X(rule_header, MEMBER(struct site_rule, rules, 1).target_header.length = 0)                \
	X(rule_distinct, MEMBER(struct site_rule, rules, 1).distinct = FIELD_COOKIE)               \
	X(rule_ratio, MEMBER(struct site_rule, rules, 1).ratio = 101)                              \
	X(step_stays, MEMBER(struct site_step, steps, 0).hit = 0)                                  \
	X(step_leaves, MEMBER(struct site_step, steps, 0).hit = 2)                                 \
	X(step_leaves_last, MEMBER(struct site_step, steps, 2).miss = 1)                           \
	X(step_field, MEMBER(struct site_step, steps, 0).field = FIELD_COUNT)                      \
	X(step_match, MEMBER(struct site_step, steps, 0).match = MATCH_COUNT)                      \
	X(step_flags, MEMBER(struct site_step, steps, 0).flags = 4)                                \
	X(step_value, MEMBER(struct site_step, steps, 0).value.offset = 65000)                     \
	X(step_prefix, MEMBER(struct site_step, steps, 1).number = 129)                            \
	X(step_address, MEMBER(struct site_step, steps, 1).value.length = 4)                       \
	X(step_within, MEMBER(struct site_step, steps, 0).match = MATCH_WITHIN)                    \
	X(step_header, MEMBER(struct site_step, steps, 2).name.length = 0)

static void test_broken(void **state)
{
	struct site_builder builder;
	struct site *site;
	size_t length;

	(void)state;
#define CASE(name, change)                                                                         \
	site = build(&builder);                                                                    \
	length = site->length;                                                                     \
	change;                                                                                    \
	if (!site_check(site, length))                                                             \
		fail_msg("taken: %s", #name);
	BREAKS(CASE)
#undef CASE
	site = build(&builder);
	assert_non_null(site_check((uint8_t *)site + 4, site->length));
	assert_non_null(site_check(site, sizeof(*site) - 8));
}

/* A site that chooses rules, or, with them, one that they are chosen from. */
static struct site *build_choice(bool chooses)
{
	static const struct site_choice choices[] = { { 1, RULE_BLOCK }, { 7, RULE_CHALLENGE } };
	struct site_builder builder;
	struct site *site = site_begin(&builder, memory, sizeof(memory));
	struct site_rule *rule;
	struct site_step *step;

	site->number = 3;
	site->domain = text(&builder, "www.example.com");
	rule = site_add_list(&builder, &site->rules, 1, sizeof(*rule));
	step = site_add_list(&builder, &site->steps, 1, sizeof(*step));
	*rule = (struct site_rule){ .number = CHOICE_NUMBER(7), .check = CHECK_global };
	rule->action = chooses ? RULE_CHOOSE : RULE_BLOCK;
	rule->step_count = !chooses;
	rule->name = chooses ? site_add_text(&builder, choices, sizeof(choices))
			     : text(&builder, "scanner");
	*step = (struct site_step){
		.match = MATCH_EQUAL, .field = FIELD_URI, .hit = STEP_MATCH, .miss = STEP_NO_MATCH
	};
	assert_true(site_end(&builder) > 0);
	return site;
}

#define CHOICE_BREAKS(X)                                                                           \
	X(check, rule->check = CHECK_precise)                                                      \
	X(rate, rule->target = TARGET_ADDRESS; rule->interval_seconds = rule->threshold = 1)       \
	X(steps, rule->step_count = 1)                                                             \
	X(cut, rule->name.length--)                                                                \
	X(outside, rule->name.offset = (uint16_t)site->length)                                     \
	X(action, ((struct site_choice *)(void *)(memory_bytes + rule->name.offset))[1].action =   \
			  RULE_CHOOSE)
#define RULES_BREAKS(X)                                                                            \
	X(other_check, rule->check = CHECK_precise)                                                \
	X(with_rate, rule->target = TARGET_ADDRESS; rule->interval_seconds = rule->threshold = 1)  \
	X(chooses, rule->action = RULE_CHOOSE; rule->step_count = 0; rule->name.length = 0)

static void test_choices(void **state)
{
	uint8_t *memory_bytes = (uint8_t *)memory;
	struct site *site = build_choice(true);
	struct site_rule *rule = &MEMBER(struct site_rule, rules, 0);

	(void)state;
	assert_null(site_check(site, site->length));
	assert_non_null(site_check_rules(site, site->length));
	assert_int_equal(site_choice_count(rule), 2);
	assert_int_equal(site_choice_at(site, rule, 1).number, 7);
	assert_int_equal(site_choice_at(site, rule, 1).action, RULE_CHALLENGE);
#define CASE(name, change)                                                                         \
	site = build_choice(true);                                                                 \
	change;                                                                                    \
	if (!site_check(site, site->length))                                                       \
		fail_msg("taken: %s", #name);
	CHOICE_BREAKS(CASE)
#undef CASE
	site = build_choice(false);
	assert_null(site_check_rules(site, site->length));
#define CASE(name, change)                                                                         \
	site = build_choice(false);                                                                \
	change;                                                                                    \
	assert_null(site_check(site, site->length));                                               \
	if (!site_check_rules(site, site->length))                                                 \
		fail_msg("taken: %s", #name);
	RULES_BREAKS(CASE)
#undef CASE
}

static void test_full(void **state)
{
	struct site_builder builder;
	struct site *site;
	char long_text[SITE_TEXT_MAX + 1] = { 'x' };

	(void)state;
	assert_null(site_begin(&builder, memory, sizeof(struct site) - 1));
	site = site_begin(&builder, memory, sizeof(struct site) + 16);
	assert_non_null(site);
	assert_int_equal(site_add_text(&builder, "12345678", 8).length, 8);
	assert_int_equal(site_add_text(&builder, "123456789", 9).length, 0);
	assert_true(builder.full);
	assert_int_equal(site_end(&builder), 0);

	site = site_begin(&builder, memory, sizeof(memory));
	assert_null(site_add_list(&builder, &site->rules, SIZE_MAX / 8, sizeof(struct site_rule)));
	assert_int_equal(site->rules.count, 0);
	assert_int_equal(site_end(&builder), 0);

	(void)site_begin(&builder, memory, sizeof(memory));
	assert_int_equal(site_add_text(&builder, long_text, SITE_TEXT_MAX).length, SITE_TEXT_MAX);
	assert_int_equal(site_add_text(&builder, long_text, SITE_TEXT_MAX + 1).length, 0);
	assert_true(builder.full);
}

static void test_keys(void **state)
{
	static const struct {
		const char *host, *keys; /* in turn */
	} rows[] = {
		{ "a.b.example.com", "a.b.example.com *.b.example.com *.example.com" },
		{ "example.com", "example.com" },
		{ "localhost", "localhost" },
		{ "", "" },
		{ "a..com", "a..com *..com" },
		{ "a.", "a." },
		{ ".a.b", ".a.b *.a.b" },
	};
	char buffers[2][SITE_DOMAIN_MAX + 3], seen[512];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *previous = NULL;
		size_t length = 0;
		int turn = 0;

		used = 0;
		seen[0] = '\0';
		while ((length = site_key_next(rows[i].host, strlen(rows[i].host), previous, length,
				buffers[turn])) > 0) {
			used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%.*s",
				previous ? " " : "", (int)length, buffers[turn]);
			previous = buffers[turn];
			turn = !turn;
		}
		assert_string_equal(seen, rows[i].keys);
	}
}

static void test_certificate(void **state)
{
	struct certificate *certificate = (void *)memory;
	size_t length = sizeof(*certificate) + 20;

	(void)state;
	*certificate = (struct certificate){ 1, 1, 12, 8 };
	assert_null(certificate_check(certificate, length));
	assert_ptr_equal(certificate_key(certificate), certificate_chain(certificate) + 12);
	assert_non_null(certificate_check(certificate, length - 1));
	assert_non_null(certificate_check(certificate, 8));
	assert_non_null(certificate_check(certificate, CERTIFICATE_BYTES_MAX + 1));
	certificate->key_length = UINT32_MAX - 4;
	assert_non_null(certificate_check(certificate, length));
	*certificate = (struct certificate){ 0, 1, 12, 8 };
	assert_non_null(certificate_check(certificate, length));
	*certificate = (struct certificate){ 1, 1, 0, 8 };
	assert_non_null(certificate_check(certificate, length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_certificate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
