/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node's state makes of mitigations, policies, limits, health checks and captures: which bits an
 * address has, which keys come and go, and what survives what.
 */
#include "node_path.h"

/* The instance again, with a mode for each mitigation. */
static struct record_instance *modes(
	struct draft *to, uint32_t id, const char *vip, uint32_t block, uint32_t watch)
{
	struct record_instance *instance;

	add_instance(to, id, vip, NULL);
	instance = (void *)(to->bytes + to->header.byte_count - sizeof(*instance));
	instance->mitigation_block = block;
	instance->mitigation_watch = watch;
	return instance;
}

static struct record_policy *add_policy(struct draft *to, uint32_t id, unsigned patterns)
{
	struct record_policy *policy = add(
		to, RECORD_POLICY, sizeof(*policy) + patterns * sizeof(struct record_pattern), id);

	policy->pattern_count = (uint16_t)patterns;
	for (unsigned i = 0; i < patterns; i++)
		policy->pattern[i].length = 1;
	return policy;
}

static void add_ports(struct record_policy *policy, uint16_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		policy->reflection[policy->reflection_count++] = (uint16_t)(first + i);
}

static bool refuses(const struct path *path, uint32_t instance, uint16_t port)
{
	struct reflection_key key = { .instance = instance, .source_port = htons(port) };

	return table_get(&path->reflection, &key) != NULL;
}

static const struct region_policy *region_of(const struct path *path, uint32_t instance)
{
	return table_get(&path->region, &instance);
}

static const struct pattern_set *patterns_of(const struct path *path, uint32_t instance)
{
	return table_get(&path->pattern, &instance);
}

static uint32_t refusals(const struct node_state *state)
{
	uint32_t count;

	(void)node_state_refused(state, &count);
	return count;
}

#define ALL ((1u << MITIGATION_COUNT) - 1)
#define ALWAYS                                                                                     \
	(MITIGATION_BIT(bogon) | MITIGATION_BIT(ip_options) | MITIGATION_BIT(fragment_tiny) |      \
		MITIGATION_BIT(fragment_overlap) | MITIGATION_BIT(fragment) |                      \
		MITIGATION_BIT(icmp) | MITIGATION_BIT(answer_bytes) |                              \
		MITIGATION_BIT(reset_window) | MITIGATION_BIT(request_ban))

static void test_address_fields(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	struct record_instance *instance = modes(next, 2, "192.0.2.2", 0, 0);
	const struct vip *vip;

	instance->blackhole_until_ms = 77;
	instance->bytes_max = UINT64_MAX;
	instance->packets_max = 3;
	instance->unproven_max = 4;
	instance->syn_threshold = 5;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	vip = vip_of(&f->path, "192.0.2.2");
	assert_int_equal(vip->blackhole_until_ns, 77000000);
	assert_true(vip->bytes_max == UINT64_MAX);
	assert_int_equal(vip->packets_max, 3);
	assert_int_equal(vip->unproven_max, 4);
	assert_int_equal(vip->syn_threshold, 5);
	assert_int_equal(vip->mitigation_on, 0);
}

/* Of all modes on, those have a bit that have something to do; what is off never has one. */
static void test_bits_of_instance(void **state)
{
	static const struct {
		uint32_t block, watch, on;
		uint32_t packets, unproven;
		uint64_t bytes;
	} cases[] = {
		{ ALL, 0, ALWAYS, 0, 0, 0 },
		{ 0, ALL, ALWAYS, 0, 0, 0 },
		{ 0, 0, 0, 1, 1, 1 },
		{ ALL, 0, ALWAYS | MITIGATION_BIT(plan_packets), 1, 0, 0 },
		{ ALL, 0, ALWAYS | MITIGATION_BIT(unproven), 0, 1, 0 },
		{ ALL & ~ALWAYS, ALWAYS, ALWAYS | MITIGATION_BIT(plan_bytes), 0, 0, 1 },
		{ MITIGATION_BIT(icmp), MITIGATION_BIT(plan_bytes),
			MITIGATION_BIT(icmp) | MITIGATION_BIT(plan_bytes), 1, 1, 1 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft *next = draft(&f->draft, 0, 10 + i, 11 + i);
		struct record_instance *instance =
			modes(next, 2, "192.0.2.2", cases[i].block, cases[i].watch);
		const struct vip *vip;

		instance->packets_max = cases[i].packets;
		instance->unproven_max = cases[i].unproven;
		instance->bytes_max = cases[i].bytes;
		assert_int_equal(apply(f->state, next, &f->path), OK);
		vip = vip_of(&f->path, "192.0.2.2");
		assert_int_equal(vip->mitigation_on, cases[i].on);
		assert_int_equal(vip->mitigation_watch, cases[i].on & cases[i].watch);
	}
}

/* What a port rule gives to do; and that it ends with the rule. */
static void test_bits_of_services(void **state)
{
	static const struct {
		struct service_limits limits;
		uint16_t payload_min;
		uint8_t form, flags;
		uint32_t on;
		uint8_t flags_written;
	} cases[] = {
		{ .limits.source[LIMIT_RATE] = 1,
			.on = MITIGATION_BIT(source_rate),
			.flags_written = SERVICE_LIMITED },
		{ .limits.source[LIMIT_CONNECTIONS] = 1,
			.on = MITIGATION_BIT(source_connections),
			.flags_written = SERVICE_LIMITED },
		{ .limits.source[LIMIT_PACKETS] = 1,
			.on = MITIGATION_BIT(source_packets),
			.flags_written = SERVICE_LIMITED },
		{ .limits.source[LIMIT_BYTES] = 1,
			.on = MITIGATION_BIT(source_bytes),
			.flags_written = SERVICE_LIMITED },
		{ .limits.rate = 1, .on = MITIGATION_BIT(service_rate) },
		{ .limits.connections = 1, .on = MITIGATION_BIT(service_connections) },
		{ .limits.block_seconds[LIMIT_BYTES] = 1, .on = MITIGATION_BIT(auto_block) },
		{ .payload_min = 1, .on = MITIGATION_BIT(payload_length) },
		{ .form = 1, .on = MITIGATION_BIT(payload_form) },
		{ .flags = SERVICE_CHALLENGE,
			.on = MITIGATION_BIT(unproven),
			.flags_written = SERVICE_CHALLENGE },
		{ .flags = SERVICE_NO_EMPTY,
			.on = MITIGATION_BIT(empty_connection) | MITIGATION_BIT(auto_block),
			.flags_written = SERVICE_NO_EMPTY },
	};
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	uint64_t generation = 11;

	(void)modes(next, 2, "192.0.2.2", ALL, 0);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++, generation += 2) {
		struct record_service *service;

		next = draft(&f->draft, 0, generation, generation + 1);
		service = add_service(next, 13, 2, 443);
		service->limits = cases[i].limits;
		service->payload_min = cases[i].payload_min;
		service->form = cases[i].form;
		service->flags = cases[i].flags;
		service->syn_mode = SYN_ALWAYS;
		service->client_address = CLIENT_ADDRESS_TOA;
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(
			vip_of(&f->path, "192.0.2.2")->mitigation_on, ALWAYS | cases[i].on);
		assert_int_equal(service_of(&f->path, 2, 443)->flags, cases[i].flags_written);
		assert_int_equal(service_of(&f->path, 2, 443)->form, cases[i].form);
		assert_int_equal(service_of(&f->path, 2, 443)->syn_mode, SYN_ALWAYS);
		assert_int_equal(service_of(&f->path, 2, 443)->client_address, CLIENT_ADDRESS_TOA);
		assert_memory_equal(&service_of(&f->path, 2, 443)->limits, &cases[i].limits,
			sizeof(cases[i].limits));
		next = draft(&f->draft, 0, generation + 1, generation + 2);
		add_remove(next, RECORD_SERVICE, 13);
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(vip_of(&f->path, "192.0.2.2")->mitigation_on, ALWAYS);
	}
}

static void test_policy(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	struct record_policy *policy;

	/* In whatever order: the instance comes with its policy. */
	policy = add_policy(next, 3, 2);
	policy->region[3] = UINT64_C(1) << 63;
	add_ports(policy, 1900, 2);
	add_ports(policy, 1900, 1); /* twice is once */
	policy->pattern[0] = (struct record_pattern){ .protocol = IPPROTO_UDP,
		.length = 2,
		.offset = 7,
		.port = 53,
		.value = { 0xff, 0x12, 0x34 },
		.mask = { 0x0f, 0xff, 0xff } };
	(void)modes(next, 3, "192.0.2.3", 0, ALL);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_true(region_of(&f->path, 3)->blocked[3] == UINT64_C(1) << 63);
	assert_int_equal(f->path.reflection.count, 2);
	assert_int_equal(f->path.reflection.puts, 2);
	assert_true(refuses(&f->path, 3, 1900) && refuses(&f->path, 3, 1901));
	assert_int_equal(patterns_of(&f->path, 3)->count, 2);
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].port, htons(53));
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].offset, 7);
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].value[0], 0x0f);
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].value[1], 0x12);
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].value[2], 0);
	assert_int_equal(patterns_of(&f->path, 3)->pattern[0].mask[2], 0);
	assert_int_equal(vip_of(&f->path, "192.0.2.3")->mitigation_watch,
		ALWAYS | MITIGATION_BIT(region) | MITIGATION_BIT(reflection) |
			MITIGATION_BIT(payload_match));
	assert_int_equal(refusals(f->state), 0);
}

/* A policy that changes deletes what it no longer names, and nothing that it still does. */
static void test_policy_changes(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	struct record_policy *policy = add_policy(next, 2, 1);

	(void)modes(next, 2, "192.0.2.2", ALL, 0);
	policy->region[0] = 1;
	add_ports(policy, 100, 3);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	next = draft(&f->draft, 0, 11, 12);
	policy = add_policy(next, 2, 0);
	add_ports(policy, 101, 3);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(region_of(&f->path, 2));
	assert_null(patterns_of(&f->path, 2));
	assert_false(refuses(&f->path, 2, 100));
	assert_true(refuses(&f->path, 2, 101) && refuses(&f->path, 2, 103));
	assert_int_equal(f->path.reflection.deletes, 1);
	assert_int_equal(
		vip_of(&f->path, "192.0.2.2")->mitigation_on, ALWAYS | MITIGATION_BIT(reflection));
	next = draft(&f->draft, 0, 12, 13);
	add_remove(next, RECORD_POLICY, 2);
	add_remove(next, RECORD_POLICY, 99);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(f->path.reflection.count, 0);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->mitigation_on, ALWAYS);
}

static void test_policy_leaves(void **state)
{
	struct fixture *f = *state;

	for (unsigned way = 0; way < 3; way++) {
		struct draft *next = draft(&f->draft, SNAPSHOT_FULL, 0, 10);
		struct record_policy *policy = add_policy(next, 2, 1);

		add_instance(next, 2, "192.0.2.2", NULL);
		policy->region[1] = 1;
		add_ports(policy, 100, REFLECTION_MAX);
		f->path.reflection.count = 0;
		/* Left by an agent before this one. */
		if (way == 2) {
			policy->reflection_count -= 4;
			reflection_put(&f->path, 9, &(struct reflection_key){ .instance = 9 });
			region_put(&f->path, 9, &(struct region_policy){ { 1 } });
			pattern_put(&f->path, 9, &(struct pattern_set){ .count = 1 });
		}
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.reflection.count, REFLECTION_MAX - (way == 2 ? 4 : 0));
		assert_int_equal(f->path.region.count, 1);
		assert_int_equal(f->path.pattern.count, 1);
		if (way == 0) {
			next = draft(&f->draft, 0, 10, 11);
			add_remove(next, RECORD_INSTANCE, 2);
		} else { /* the instance is named, its policy is not */
			next = draft(&f->draft, SNAPSHOT_FULL, 0, 11);
			add_instance(next, 2, "192.0.2.2", NULL);
		}
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.reflection.count, 0);
		assert_int_equal(f->path.region.count, 0);
		assert_int_equal(f->path.pattern.count, 0);
	}
}

static void test_policy_of_nobody(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_ports(add_policy(next, 77, 1), 1, 1);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(refusals(f->state), 1);
	assert_int_equal(f->path.reflection.count + f->path.pattern.count, 0);
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_POLICY, 77);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(refusals(f->state), 0);
}

static unsigned counted[3];

static void count_port(void *context, uint32_t instance, const struct reflection_key *key)
{
	(void)context, (void)instance, (void)key;
	counted[0]++;
}

static void count_pattern(void *context, uint32_t instance, const struct pattern_set *set)
{
	(void)context, (void)instance, (void)set;
	counted[1]++;
}

static void count_vip(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	(void)context, (void)key, (void)fresh;
	counted[2] += (vip->mitigation_on & MITIGATION_BIT(reflection)) != 0;
}

static void ignore_state(void *context, const struct node_state *state)
{
	(void)context, (void)state;
}

/* As many source ports and patterns as the tables hold, and one instance more. */
static void test_full_policies(void **state)
{
	const struct node_output output = { .vip_put = count_vip,
		.reflection_put = count_port,
		.pattern_put = count_pattern,
		.delete_unwanted = ignore_state };
	struct pair {
		struct record_instance instance;
		uint8_t policy[sizeof(struct record_policy) + sizeof(struct record_pattern)];
	};
	struct pair *record;
	const uint32_t count = NODE_PATTERN_MAX + 1, full = NODE_REFLECTION_MAX / REFLECTION_MAX;
	size_t size = sizeof(struct snapshot_header) + count * sizeof(*record);
	struct snapshot_header *header = calloc(1, size);
	struct node_state *fresh = node_state_new();
	struct snapshot snapshot;
	const char *why;

	record = (void *)(header + 1);
	*header = draft(&((struct fixture *)*state)->draft, SNAPSHOT_FULL, 0, 1)->header;
	header->record_count = 2 * count;
	header->byte_count = (uint32_t)(size - sizeof(*header));
	for (uint32_t i = 0; i < count; i++) {
		struct record_policy *policy;

		record[i].instance = (struct record_instance){
			.record = { RECORD_INSTANCE, sizeof(struct record_instance), i + 1 },
			.mitigation_block = ALL,
			.vip_count = 1,
			.vip[0].word[0] = i,
		};
		policy = (void *)record[i].policy;
		policy->record = (struct record){ RECORD_POLICY, sizeof(record[i].policy), i + 1 };
		policy->pattern_count = 1;
		policy->pattern[0].length = 1;
		for (uint16_t port = 0; i <= full && port < REFLECTION_MAX; port++)
			policy->reflection[policy->reflection_count++] = port;
	}
	assert_int_equal(snapshot_decode(header, size, &snapshot, &why), OK);
	for (unsigned round = 0; round < 2; round++) {
		memset(counted, 0, sizeof(counted));
		assert_int_equal(node_state_apply(fresh, &snapshot, &output), OK);
		assert_int_equal(counted[0], NODE_REFLECTION_MAX);
		assert_int_equal(counted[1], NODE_PATTERN_MAX);
		assert_int_equal(counted[2], full);
		assert_int_equal(refusals(fresh), 2);
	}
	node_state_free(fresh);
	free(header);
}

/* --- health checks ---------------------------------------------------------------------------- */

static void add_health(struct draft *to, uint32_t id)
{
	struct record_health *health = add(to, RECORD_HEALTH, sizeof(*health), id);

	health->kind = HEALTH_TCP;
	health->timeout_seconds = health->interval_seconds = health->up = health->down = 1;
}

static void test_health(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	struct record_service *service =
		add(next, RECORD_SERVICE, sizeof(*service) + 3 * sizeof(struct record_origin), 11);

	*service = (struct record_service){ .record = service->record,
		.instance = 1,
		.port = 80,
		.protocol = IPPROTO_TCP,
		.origin_count = 3 };
	for (unsigned i = 0; i < 3; i++)
		service->origin[i] = (struct record_origin){
			.address = ip("10.0.0.1"), .port = (uint16_t)(1 + i), .weight = 1
		};
	f->path.down = 2;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(service_of(&f->path, 1, 80)->origin[1].closed, 0);
	/* The check alone makes the service's value anew. */
	next = draft(&f->draft, 0, 11, 12);
	add_health(next, 11);
	add_health(next, 99);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(service_of(&f->path, 1, 80)->origin[1].closed, 1);
	assert_int_equal(f->path.health_count, 1);
	assert_int_equal(refusals(f->state), 1);
	assert_int_equal(node_state_service(f->state, 11)->origin_count, 3);
	assert_null(node_state_service(f->state, 99));
	/* It stays with a service whose port changes. */
	next = draft(&f->draft, 0, 12, 13);
	add_service(next, 11, 1, 443);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(f->path.health_count, 1);
	next = draft(&f->draft, 0, 13, 14);
	add_remove(next, RECORD_HEALTH, 11);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(f->path.health_count, 0);
}

/* It leaves with its service, its instance, or a full snapshot that does not name it. */
static void test_health_leaves(void **state)
{
	struct fixture *f = *state;

	for (unsigned way = 0; way < 3; way++) {
		struct draft *next = draft(&f->draft, SNAPSHOT_FULL, 0, 10);

		add_instance(next, 1, "192.0.2.1", NULL);
		add_service(next, 11, 1, 80);
		add_health(next, 11);
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.health_count, 1);
		next = draft(&f->draft, way == 2 ? SNAPSHOT_FULL : 0, 10, 11);
		if (way == 0)
			add_remove(next, RECORD_SERVICE, 11);
		else if (way == 1)
			add_remove(next, RECORD_INSTANCE, 1);
		if (way == 2) {
			add_instance(next, 1, "192.0.2.1", NULL);
			add_service(next, 11, 1, 80);
		}
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.health_count, 0);
	}
}

/* A check survives each full snapshot that names it: its verdicts are the engine's. */
static void test_health_is_kept(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct draft *next = draft(&f->draft, SNAPSHOT_FULL, 0, 20 + i);

		add_health(next, 11);
		add_instance(next, 1, "192.0.2.1", NULL);
		add_service(next, 11, 1, 80);
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.health_count, 1);
	}
}

/* --- captures, and blocks of the node's own ------------------------------------------------------ */

static void add_capture(struct draft *to, uint32_t id, int64_t until_ms)
{
	struct record_capture *capture = add(to, RECORD_CAPTURE, sizeof(*capture), id);

	capture->until_ms = until_ms;
}

static void test_newest_capture(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	assert_null(node_state_capture(f->state, 0));
	add_capture(next, 5, 100);
	add_capture(next, 7, 50);
	add_capture(next, 6, 200);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(node_state_capture(f->state, 49)->record.id, 7);
	assert_int_equal(node_state_capture(f->state, 50)->record.id, 6);
	assert_null(node_state_capture(f->state, 200));
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_CAPTURE, 6);
	add_capture(next, 5, 300);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(node_state_capture(f->state, 50)->record.id, 5);
	assert_int_equal(node_state_capture(f->state, 299)->record.id, 5);
	/* A full snapshot that names none. */
	next = draft(&f->draft, SNAPSHOT_FULL, 0, 13);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(node_state_capture(f->state, 0));
	next = draft(&f->draft, 0, 13, 14);
	for (uint32_t id = 1; id <= NODE_CAPTURE_MAX + 1; id++)
		add_capture(next, id, 100);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(node_state_capture(f->state, 0)->record.id, NODE_CAPTURE_MAX);
	assert_int_equal(refusals(f->state), 1);
}

/* Undoing a block, or allowing the source, undoes what the node decided by itself. */
static void test_auto_block(void **state)
{
	static const struct {
		unsigned kind, bits, removed, deletes;
	} step[] = {
		{ LIST_BLOCK, 128, 0, 0 }, /* comes */
		{ LIST_BLOCK, 128, 0, 0 }, /* again */
		{ 0, 0, 31, 1 },
		{ LIST_ALLOW, 128, 0, 1 },
		{ 0, 0, 31, 0 },
		{ LIST_BLOCK, 128, 0, 0 },
		{ LIST_ALLOW, 128, 0, 1 }, /* changes its kind */
		{ LIST_BLOCK, 120, 0, 0 }, /* a prefix is no source */
		{ 0, 0, 31, 0 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		struct draft *next = draft(&f->draft, 0, 10 + i, 11 + i);

		f->path.auto_block.deletes = 0;
		if (step[i].removed)
			add_remove(next, RECORD_LIST, step[i].removed);
		else
			add_list(next, 31, 2, step[i].kind, "198.51.100.0", step[i].bits, 9);
		assert_int_equal(apply(f->state, next, &f->path), OK);
		assert_int_equal(f->path.auto_block.deletes, step[i].deletes);
	}
}

/* What the packet path calls a source: an address, or the /64 of IPv6. */
static void test_auto_block_keys(void **state)
{
	static const struct {
		const char *source;
		unsigned bits;
		const char *key; /* NULL: more than one source */
	} cases[] = {
		{ "198.51.100.7", 128, "198.51.100.7" },
		{ "198.51.100.0", 120, NULL },
		{ "0.0.0.0", 96, NULL },
		{ "2001:db8:1:2:3::4", 128, "2001:db8:1:2::" },
		{ "2001:db8:1:2:3::", 80, "2001:db8:1:2::" },
		{ "2001:db8:1:2::", 64, "2001:db8:1:2::" },
		{ "2001:db8:1:2::", 63, NULL },
		{ "::", 0, NULL },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address source = ip(cases[i].source), expected;
		struct list_exact_key key;

		assert_int_equal(auto_block_key(9, &source, cases[i].bits, &key), !!cases[i].key);
		if (!cases[i].key)
			continue;
		expected = ip(cases[i].key);
		assert_int_equal(key.instance, 9);
		assert_int_equal(key.reserved, 0);
		assert_memory_equal(&key.source, &expected, sizeof(expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_address_fields),
		WITH(test_bits_of_instance),
		WITH(test_bits_of_services),
		WITH(test_policy),
		WITH(test_policy_changes),
		WITH(test_policy_leaves),
		WITH(test_policy_of_nobody),
		WITH(test_full_policies),
		WITH(test_health),
		WITH(test_health_leaves),
		WITH(test_health_is_kept),
		WITH(test_newest_capture),
		WITH(test_auto_block),
		cmocka_unit_test(test_auto_block_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
