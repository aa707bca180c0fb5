/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's half of the packet path on the real kernel: a network namespace and a bpf file system of
 * the test's own, two interfaces, snapshots, a second agent that takes over, the undo. Needs root and
 * says so otherwise; no packet is sent.
 */
#include "node_world.h"

/* --- tests ------------------------------------------------------------------------------------ */

static void test_snapshot_reaches_maps(void **state)
{
	struct node node;
	struct vip vip;
	struct service service;
	struct service_key key = { .instance = 1, .port = htons(80), .protocol = IPPROTO_TCP };
	struct address address = ip("192.0.2.1"), source = ip("10.9.0.11");
	uint32_t wan = if_nametoindex("wan"), value;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(packets_attached(node.packets), 2);
	assert_int_equal(packets_get(node.packets, PACKET_TRANSMIT, &wan, &value), 0);
	assert_int_equal(entries(&node, PACKET_TRANSMIT), 2);
	assert_int_equal(entries(&node, PACKET_VIP), 5);
	assert_int_equal(packets_get(node.packets, PACKET_VIP, &source, &vip), 0);
	assert_int_equal(vip.kind, VIP_SOURCE);
	apply_first(&node);
	assert_int_equal(node.origins, 2);
	assert_int_equal(entries(&node, PACKET_VIP), 7);
	assert_int_equal(packets_get(node.packets, PACKET_VIP, &address, &vip), 0);
	assert_int_equal(vip.instance, 1);
	assert_int_equal(vip.mitigation_until_ns, INT64_MAX);
	assert_int_equal(vip.forward_until_ns, INT64_C(5000000000));
	assert_int_equal(packets_get(node.packets, PACKET_SERVICE, &key, &service), 0);
	assert_int_equal(service.id, 11);
	assert_int_equal(entries(&node, PACKET_LIST_EXACT), 1);
	assert_int_equal(entries(&node, PACKET_LIST_PREFIX), 2);
	assert_true(packets_bytes(node.packets) > 1 << 20);
	node_down(&node);
}

/* Policies through the maps of the kernel, and what an agent before left of others. */
static void test_policies_reach_maps(void **state)
{
	struct reflection_key port = { .instance = 2, .source_port = htons(1901) };
	struct region_policy region;
	struct pattern_set patterns;
	struct node node;
	struct draft draft;
	uint32_t number = 2, value, stale = 77;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(packets_put(node.packets, PACKET_PATTERN, &stale,
				 &(struct pattern_set){ .count = 1 }),
		0);
	assert_int_equal(packets_put(node.packets, PACKET_REGION_POLICY, &stale,
				 &(struct region_policy){ { 1 } }),
		0);
	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_instance(&draft, 2, "2001:db8::2");
	add_policy(&draft, 2, 2);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(packets_get(node.packets, PACKET_REGION_POLICY, &number, &region), 0);
	assert_int_equal(region.blocked[0], 2);
	assert_int_equal(packets_get(node.packets, PACKET_PATTERN, &number, &patterns), 0);
	assert_int_equal(packets_get(node.packets, PACKET_REFLECTION, &port, &value), 0);
	assert_int_equal(entries(&node, PACKET_REGION_POLICY), 1);
	assert_int_equal(entries(&node, PACKET_PATTERN), 1);
	assert_int_equal(entries(&node, PACKET_REFLECTION), 2);
	draft_init(&draft, 0, 1, 2);
	add_policy(&draft, 2, 1);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_not_equal(packets_get(node.packets, PACKET_REFLECTION, &port, &value), 0);
	node_down(&node);

	node_up(&node);
	draft_init(&draft, SNAPSHOT_FULL, 0, 3);
	add_instance(&draft, 2, "2001:db8::2");
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(entries(&node, PACKET_REGION_POLICY), 0);
	assert_int_equal(entries(&node, PACKET_PATTERN), 0);
	assert_int_equal(entries(&node, PACKET_REFLECTION), 0);
	node_down(&node);
}

/* A source that the node blocked by itself is let go with its entry, also when no agent saw that. */
static void test_auto_block_is_undone(void **state)
{
	struct list_exact_key first = { .instance = 1, .source = ip("203.0.113.1") };
	struct list_exact_key second = { .instance = 1, .source = ip("203.0.113.2") };
	struct list_exact_key third = { .instance = 1, .source = ip("2001:db8::") };
	const struct request_ban ban = { .until_ns = INT64_MAX };
	const int64_t until = INT64_MAX;
	struct node node;
	struct draft draft;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	apply_first(&node);
	assert_int_equal(packets_put(node.packets, PACKET_REQUEST_BAN, &first, &ban), 0);
	assert_int_equal(packets_put(node.packets, PACKET_REQUEST_BAN, &third, &ban), 0);
	assert_int_equal(packets_put(node.packets, PACKET_AUTO_BLOCK, &first, &until), 0);
	assert_int_equal(packets_put(node.packets, PACKET_AUTO_BLOCK, &second, &until), 0);
	assert_int_equal(packets_put(node.packets, PACKET_AUTO_BLOCK, &third, &until), 0);
	draft_init(&draft, 0, 1, 2);
	add_remove(&draft, RECORD_LIST, 21);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(entries(&node, PACKET_AUTO_BLOCK), 2);
	assert_int_equal(entries(&node, PACKET_REQUEST_BAN), 1);
	draft_init(&draft, 0, 2, 3);
	add_list(&draft, 25, 1, "203.0.113.2", 128);
	add_list(&draft, 26, 1, "2001:db8::", 64);
	assert_int_equal(apply(&node, &draft), OK);
	node_down(&node);

	node_up(&node);
	assert_int_equal(entries(&node, PACKET_AUTO_BLOCK), 2);
	draft_init(&draft, SNAPSHOT_FULL, 0, 4);
	add_instance(&draft, 1, "192.0.2.1");
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(entries(&node, PACKET_AUTO_BLOCK), 0);
	assert_int_equal(entries(&node, PACKET_REQUEST_BAN), 0);
	node_down(&node);
}

static void add_checked(struct draft *to, unsigned origins)
{
	struct record_service *service = add(
		to, RECORD_SERVICE, sizeof(*service) + origins * sizeof(struct record_origin), 11);
	struct record_health *health;

	service->instance = 1;
	service->port = 80;
	service->protocol = IPPROTO_TCP;
	service->origin_count = (uint8_t)origins;
	for (unsigned i = 0; i < origins; i++)
		service->origin[i] = (struct record_origin){
			.address = ip("10.9.0.2"), .port = (uint16_t)(8080 + i), .weight = 1
		};
	health = add(to, RECORD_HEALTH, sizeof(*health), 11);
	*health = (struct record_health){ .record = health->record,
		.kind = HEALTH_TCP,
		.timeout_seconds = 1,
		.interval_seconds = 30,
		.up = 1,
		.down = 2 };
}

static uint32_t closed_origins(struct node *node)
{
	struct service_key key = { .instance = 1, .port = htons(80), .protocol = IPPROTO_TCP };
	struct service service;
	uint32_t closed = 0, used = 0;

	assert_int_equal(packets_get(node->packets, PACKET_SERVICE, &key, &service), 0);
	for (unsigned i = 0; i < service.origin_count; i++)
		closed |= service.origin[i].closed ? 1u << i : 0;
	for (unsigned i = 0; i < ORIGIN_SLOTS; i++)
		used |= 1u << service.slot[i];
	assert_int_equal(used & closed, 0);
	return closed;
}

/* A verdict closes an origin in the packet path, which the next agent keeps until it has its own. */
static void test_verdicts(void **state)
{
	struct node node;
	struct draft draft;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_instance(&draft, 1, "192.0.2.1");
	add_checked(&draft, 3);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(closed_origins(&node), 0);
	health_result(node.health, 1, false, 5);
	applier_take_verdicts(node.applier);
	assert_int_equal(closed_origins(&node), 0);
	health_result(node.health, 1, false, 6);
	assert_true(health_has_changed(node.health));
	applier_take_verdicts(node.applier);
	assert_false(health_has_changed(node.health));
	assert_int_equal(closed_origins(&node), 2);
	node_down(&node);

	node_up(&node);
	assert_int_equal(closed_origins(&node), 2);
	draft.header.generation = 9;
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(closed_origins(&node), 2);
	health_result(node.health, 0, true, 7);
	health_result(node.health, 1, false, 7);
	health_result(node.health, 2, false, 7);
	health_result(node.health, 2, false, 7);
	applier_take_verdicts(node.applier);
	assert_int_equal(closed_origins(&node), 6);
	/* All: nobody is believed. */
	health_result(node.health, 0, false, 8);
	health_result(node.health, 0, false, 8);
	applier_take_verdicts(node.applier);
	assert_int_equal(closed_origins(&node), 0);
	health_result(node.health, 1, true, 9);
	applier_take_verdicts(node.applier);
	assert_int_equal(closed_origins(&node), 5);
	/* Without a check all are taken for healthy. */
	draft_init(&draft, 0, 9, 10);
	add_remove(&draft, RECORD_HEALTH, 11);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(closed_origins(&node), 0);
	assert_int_equal(health_probes(node.health), 0);
	node_down(&node);
}

/* Two agents on one directory would fight. */
static void test_second_agent_is_refused(void **state)
{
	struct node node;
	struct packets *packets;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(packets_open(&node.settings, &packets), ERR_CONFLICT);
	node_down(&node);
}

/* The maps and their content stay while no agent runs; the next one reconciles them. */
static void test_takeover(void **state)
{
	struct node node;
	struct vip vip;
	struct draft draft;
	struct address address = ip("2001:db8::2");
	uint32_t slot;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	apply_first(&node);
	assert_int_equal(packets_get(node.packets, PACKET_VIP, &address, &vip), 0);
	slot = vip.slot;
	node_down(&node);

	node_up(&node);
	assert_false(packets_are_new(node.packets));
	assert_int_equal(entries(&node, PACKET_VIP), 7);
	assert_int_equal(entries(&node, PACKET_SERVICE), 2);
	draft_init(&draft, SNAPSHOT_FULL, 0, 9);
	add_instance(&draft, 2, "2001:db8::2");
	add_instance(&draft, 3, "192.0.2.1");
	add_service(&draft, 12, 2);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(packets_get(node.packets, PACKET_VIP, &address, &vip), 0);
	assert_int_equal(vip.slot, slot);
	address = ip("192.0.2.1");
	assert_int_equal(packets_get(node.packets, PACKET_VIP, &address, &vip), 0);
	assert_int_equal(vip.instance, 3);
	assert_int_equal(vip.flags, 0);
	assert_int_equal(entries(&node, PACKET_VIP), 7);
	assert_int_equal(entries(&node, PACKET_SERVICE), 1);
	assert_int_equal(entries(&node, PACKET_LIST_EXACT), 0);
	assert_int_equal(entries(&node, PACKET_LIST_PREFIX), 0);
	node_down(&node);
}

/* Keys that hold cookies valid are not lost, nor is the offset, while the control is away. */
static void test_settings_survive(void **state)
{
	struct snapshot_header header = { .life_offset_ms = 86400000 };
	struct node node;
	struct settings before;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	memset(header.cookie_secret, 7, sizeof(header.cookie_secret));
	assert_true(settle_told(&node.settle, &header));
	assert_false(settle_told(&node.settle, &header));
	header.life_offset_ms++;
	assert_true(settle_told(&node.settle, &header));
	header.life_offset_ms--;
	header.cookie_secret[31]++;
	assert_true(settle_told(&node.settle, &header));
	assert_int_equal(settle_write(&node.settle, node.packets), OK);
	before = node.settle.now;
	node_down(&node);

	node_up(&node);
	assert_memory_equal(
		node.settle.now.cookie_key, before.cookie_key, sizeof(before.cookie_key));
	assert_int_equal(node.settle.now.cookie_epoch, before.cookie_epoch);
	assert_int_equal(settle_life_offset_ms(&node.settle), 86400000);
	assert_int_equal(node.settle.now.source_count[0], 4);
	assert_int_equal(node.settle.now.source_count[1], 1);
	node_down(&node);
}

/* An interface that is deleted and made again is filtered again. */
static void test_interface_anew(void **state)
{
	struct node node;
	bool changed;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(run("ip link del lan"), 0);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_int_equal(packets_attached(node.packets), 1);
	assert_int_equal(run("ip link add lan type veth peer name lan-peer"), 0);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_true(changed);
	assert_int_equal(packets_attached(node.packets), 2);
	assert_int_equal(entries(&node, PACKET_TRANSMIT), 2);
	assert_int_equal(run("ip link show lan | grep -q xdp"), 0);
	node_down(&node);
}

/* Whatever else on the node takes the programs off: the next look finds it and puts them back. */
static void test_taken_off(void **state)
{
	char path[128];
	struct node node;
	bool changed;
	int fd;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_false(changed);
	assert_int_equal(run("tc qdisc del dev wan clsact"), 0);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_true(changed);
	assert_int_equal(run("tc filter show dev wan ingress | grep -q 'bpf.*handle 0x1'"), 0);
	assert_int_equal(run("tc filter del dev lan ingress"), 0);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_true(changed);
	assert_int_equal(run("tc filter show dev lan ingress | grep -q 'bpf.*handle 0x1'"), 0);
	(void)snprintf(path, sizeof(path), "%s/link_wan", pin);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_link_detach(fd), 0);
	(void)close(fd);
	assert_int_not_equal(run("ip link show wan | grep -q xdp"), 0);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_true(changed);
	assert_int_equal(run("ip link show wan | grep -q xdp"), 0);
	assert_int_equal(packets_attached(node.packets), 2);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_false(changed);
	node_down(&node);
}

/* Started again with fewer interfaces: the other one is the host's alone. */
static void test_interface_dropped(void **state)
{
	struct node node;
	bool changed;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	assert_int_equal(run("ip link show lan | grep -q xdp"), 0);
	packets_close(node.packets);
	node.settings.interface.count = 1;
	assert_int_equal(packets_open(&node.settings, &node.packets), OK);
	assert_int_equal(packets_attach(node.packets, &changed), OK);
	assert_int_equal(run("ip link show wan | grep -q xdp"), 0);
	assert_int_not_equal(run("ip link show lan | grep -q xdp"), 0);
	assert_int_not_equal(run("tc qdisc show dev lan | grep -q clsact"), 0);
	assert_int_equal(entries(&node, PACKET_TRANSMIT), 1);
	node_down(&node);
}

/* A map that is missing beside a filter in force is filled before the filter is replaced. */
static void test_missing_map(void **state)
{
	char path[128];
	struct node node;
	struct packets *packets;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	packets_close(node.packets);
	node.packets = NULL;
	(void)snprintf(path, sizeof(path), "%s/service", pin);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(packets_open(&node.settings, &packets), OK);
	assert_true(packets_are_new(packets));
	packets_close(packets);
	assert_int_equal(packets_open(&node.settings, &packets), OK);
	assert_false(packets_are_new(packets));
	packets_close(packets);
	node_down(&node);
}

/* --- any wish, and what the maps must hold then ----------------------------------------------- */

#define INSTANCES 12u
#define ADDRESSES 16u

/* Index 0 of the arrays by instance is not used. */
struct wish {
	uint8_t owner[ADDRESSES]; /* instance; 0: nobody */
	bool service[INSTANCES + 1], exact[INSTANCES + 1], prefix[INSTANCES + 1];
	uint16_t port; /* of the origins */
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static struct wish make_wish(uint32_t *seed)
{
	struct wish wish = { .port = (uint16_t)(1024 + next_random(seed) % 60000) };
	unsigned given[INSTANCES + 1] = { 0 };

	for (unsigned i = 0; i < ADDRESSES; i++) {
		unsigned owner = next_random(seed) % (INSTANCES + 1);

		if (owner != 0 && given[owner]++ < INSTANCE_VIP_MAX)
			wish.owner[i] = (uint8_t)owner;
	}
	for (unsigned i = 1; i <= INSTANCES; i++) {
		wish.service[i] = given[i] > 0 && next_random(seed) % 2;
		wish.exact[i] = given[i] > 0 && next_random(seed) % 2;
		wish.prefix[i] = given[i] > 0 && next_random(seed) % 2;
	}
	return wish;
}

static struct address pool_address(unsigned i)
{
	char text[32];

	(void)snprintf(text, sizeof(text), i % 2 ? "192.0.2.%u" : "2001:db8::%x", i + 1);
	return ip(text);
}

static bool has_address(const struct wish *wish, unsigned instance)
{
	return memchr(wish->owner, (int)instance, ADDRESSES) != NULL;
}

static void add_removals(struct draft *to, const struct wish *from, const struct wish *wish)
{
	for (unsigned i = 1; i <= INSTANCES; i++) {
		if (from->service[i] && !wish->service[i])
			add_remove(to, RECORD_SERVICE, 100 + i);
		if (from->exact[i] && !wish->exact[i])
			add_remove(to, RECORD_LIST, 200 + i);
		if (from->prefix[i] && !wish->prefix[i])
			add_remove(to, RECORD_LIST, 300 + i);
		if (has_address(from, i) && !has_address(wish, i))
			add_remove(to, RECORD_INSTANCE, i);
	}
}

/* from: a difference from that; NULL: everything. */
static void draft_wish(struct draft *to, const struct wish *from, const struct wish *wish,
	uint64_t base, uint64_t generation)
{
	draft_init(to, from ? 0 : SNAPSHOT_FULL, from ? base : 0, generation);
	if (from)
		add_removals(to, from, wish);
	for (unsigned i = 1; i <= INSTANCES; i++) {
		struct record_instance *instance;

		if (!has_address(wish, i))
			continue;
		instance = add(to, RECORD_INSTANCE, sizeof(*instance), i);
		instance->mitigation_until_ms = instance->forward_until_ms = INT64_MAX;
		for (unsigned j = 0; j < ADDRESSES; j++) {
			if (wish->owner[j] == i)
				instance->vip[instance->vip_count++] = pool_address(j);
		}
		if (wish->service[i]) {
			struct record_service *service;

			service = (void *)(to->bytes + to->header.byte_count);
			add_service(to, 100 + i, i);
			service->origin[0].port = wish->port;
		}
		if (wish->exact[i])
			add_list(to, 200 + i, i, "203.0.113.7", 128);
		if (wish->prefix[i])
			add_list(to, 300 + i, i, "203.0.113.0", 120);
	}
}

static void check_addresses(struct node *node, const struct wish *wish)
{
	bool slot_used[64] = { false };
	unsigned expected = 5; /* back-to-origin addresses */

	for (unsigned i = 0; i < ADDRESSES; i++) {
		struct address address = pool_address(i);
		unsigned owner = wish->owner[i];
		struct vip vip;

		if (owner == 0)
			continue;
		expected++;
		assert_int_equal(packets_get(node->packets, PACKET_VIP, &address, &vip), 0);
		assert_int_equal(vip.instance, owner);
		assert_int_equal(vip.flags, (wish->exact[owner] ? VIP_HAS_EXACT : 0) |
						    (wish->prefix[owner] ? VIP_HAS_PREFIX : 0));
		assert_true(vip.slot < 64 && !slot_used[vip.slot]);
		slot_used[vip.slot] = true;
	}
	assert_int_equal(entries(node, PACKET_VIP), expected);
}

static void check_maps(struct node *node, const struct wish *wish)
{
	unsigned services = 0, exact = 0, prefixes = 0;

	check_addresses(node, wish);
	for (unsigned i = 1; i <= INSTANCES; i++) {
		struct service_key key = {
			.instance = i, .port = htons(80), .protocol = IPPROTO_TCP
		};
		struct list_exact_key source = { .instance = i, .source = ip("203.0.113.7") };
		struct service service;
		struct list_entry entry;

		services += wish->service[i];
		exact += wish->exact[i];
		prefixes += wish->prefix[i];
		if (wish->service[i]) {
			assert_int_equal(
				packets_get(node->packets, PACKET_SERVICE, &key, &service), 0);
			assert_int_equal(service.origin[0].port, htons(wish->port));
		}
		if (wish->exact[i])
			assert_int_equal(
				packets_get(node->packets, PACKET_LIST_EXACT, &source, &entry), 0);
	}
	assert_int_equal(entries(node, PACKET_SERVICE), services);
	assert_int_equal(entries(node, PACKET_LIST_EXACT), exact);
	assert_int_equal(entries(node, PACKET_LIST_PREFIX), prefixes);
}

/* Applies wish after wish until it is killed; a byte for each says how far it came. */
static void apply_for_ever(int out, uint32_t seed)
{
	struct wish wish, from;
	struct node node;
	struct draft draft;

	node_up(&node);
	for (uint64_t generation = 1;; generation++, from = wish) {
		wish = make_wish(&seed);
		draft_wish(&draft, generation % 8 == 1 ? NULL : &from, &wish, generation - 1,
			generation);
		if (apply(&node, &draft) != OK || write(out, "", 1) != 1)
			_exit(1);
	}
}

/*
 * kill -9 wherever the agent happens to be, at its start and between any two writes: the next one
 * makes the maps what the control wishes, whatever it finds.
 */
static void test_killed_anywhere(void **state)
{
	uint32_t seed = 20240229;

	(void)state;
	NEED_WORLD();
	for (unsigned round = 0; round < 16; round++) {
		struct node node;
		struct wish wish = make_wish(&seed);
		struct draft draft;
		int progress[2];
		char byte;
		pid_t child;

		assert_int_equal(pipe(progress), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			apply_for_ever(progress[1], seed);
		(void)close(progress[1]);
		/* Every fourth during its start. */
		if (round % 4 != 3)
			assert_int_equal(read(progress[0], &byte, 1), 1);
		(void)usleep(next_random(&seed) % (round % 4 == 3 ? 200000 : 10000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		(void)close(progress[0]);

		node_up(&node);
		draft_wish(&draft, NULL, &wish, 0, 7);
		assert_int_equal(apply(&node, &draft), OK);
		check_maps(&node, &wish);
		node_down(&node);
	}
}

/* Ten thousand changes leave the agent as large as it was, and the maps right. */
static void test_memory_is_stable(void **state)
{
	uint32_t seed = 7;
	size_t before = 0;
	struct wish wish, from = { .port = 0 };
	struct node node;
	struct draft draft;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	for (uint64_t generation = 1; generation <= 10000; generation++, from = wish) {
		wish = make_wish(&seed);
		draft_wish(&draft, generation % 50 == 1 ? NULL : &from, &wish, generation - 1,
			generation);
		assert_int_equal(apply(&node, &draft), OK);
		if (generation == 1000)
			before = mallinfo2().uordblks;
		if (generation % 1000 == 0)
			check_maps(&node, &wish);
	}
	assert_true(mallinfo2().uordblks <= before);
	node_down(&node);
}

static void test_undo(void **state)
{
	struct node node;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	node_down(&node);
	assert_int_equal(run("ip link show wan | grep -q xdp"), 0);
	node.mem = NULL;
	assert_int_equal(packets_detach(&(struct agent_settings){ .pin = pin }), OK);
	assert_int_not_equal(run("ip link show wan | grep -q xdp"), 0);
	assert_int_not_equal(run("tc qdisc show dev wan | grep -q clsact"), 0);
	assert_int_not_equal(access(pin, F_OK), 0);
}

static void test_cookie_keys(void **state)
{
	/* HMAC-SHA256 with key 01 00 ..., message "polder syn cookie" 00 00 00 00 00 00 00 02. */
	static const uint8_t expected[16] = { 0xf0, 0xbe, 0xbb, 0xcc, 0xb1, 0xbc, 0x9e, 0xc3, 0xde,
		0x1c, 0xb1, 0x8d, 0xea, 0xbb, 0xcf, 0xc5 };
	uint8_t secret[32] = { 1 };
	__u64 even[2], odd[2], again[2];

	(void)state;
	cookie_key(secret, 2, even);
	cookie_key(secret, 3, odd);
	cookie_key(secret, 2, again);
	assert_memory_equal(even, expected, sizeof(even));
	assert_memory_equal(even, again, sizeof(even));
	assert_memory_not_equal(even, odd, sizeof(even));
	secret[31] = 1;
	cookie_key(secret, 2, again);
	assert_memory_not_equal(even, again, sizeof(even));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot_reaches_maps),
		cmocka_unit_test(test_policies_reach_maps),
		cmocka_unit_test(test_auto_block_is_undone),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_second_agent_is_refused),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_settings_survive),
		cmocka_unit_test(test_interface_anew),
		cmocka_unit_test(test_taken_off),
		cmocka_unit_test(test_interface_dropped),
		cmocka_unit_test(test_missing_map),
		cmocka_unit_test(test_killed_anywhere),
		cmocka_unit_test(test_memory_is_stable),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_cookie_keys),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
