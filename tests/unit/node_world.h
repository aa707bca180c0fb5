/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node on the real kernel for tests: a network namespace and a bpf file system of the test's own, two
 * interfaces, maps and programs, and snapshots written record by record. Needs root; a test says
 * NEED_WORLD() and is skipped otherwise.
 */
#ifndef TESTS_UNIT_NODE_WORLD_H
#define TESTS_UNIT_NODE_WORLD_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/apply.h"
#include "agent/settle.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

struct node {
	struct arena *mem;
	struct agent_settings settings;
	struct packets *packets;
	struct node_state *state;
	struct applier *applier;
	struct health *health;
	struct settle settle;
	unsigned origins; /* told */
};

static char directory[] = "/tmp/polder-apply-XXXXXX";
static char pin[64];
static bool ready;

/* --- a world ---------------------------------------------------------------------------------- */

static inline int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int world_up(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: needs root for namespaces and BPF\n");
		return 0;
	}
	if (!mkdtemp(directory) || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return -1;
	/* Below a changed root that is no mount point this fails, and nothing is shared then. */
	(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("bpf", directory, "bpf", 0, NULL) != 0)
		return -1;
	(void)snprintf(pin, sizeof(pin), "%s/node", directory);
	if (run("ip link add wan type veth peer name wan-peer && ip link set wan up &&"
		" ip link add lan type veth peer name lan-peer && ip link set lan up") != 0)
		return -1;
	log_open("test", LOG_LEVEL_ERROR);
	ready = true;
	return 0;
}

/* Also after a failed test: the mount holds the pins, and the namespace the interfaces. */
static inline int world_down(void **state)
{
	(void)state;
	if (!ready)
		return 0;
	(void)umount2(directory, MNT_DETACH);
	return rmdir(directory);
}

#define NEED_WORLD()                                                                               \
	do {                                                                                       \
		if (!ready)                                                                        \
			skip();                                                                    \
	} while (0)

static inline void told(void *context, const struct address *address)
{
	(void)address;
	((struct node *)context)->origins++;
}

static inline void node_up(struct node *node)
{
	char *argv[] = { (char *)(uintptr_t) "agent", (char *)(uintptr_t) "--node",
		(char *)(uintptr_t) "test", (char *)(uintptr_t) "--control",
		(char *)(uintptr_t) "unix:/nowhere", (char *)(uintptr_t) "--interface",
		(char *)(uintptr_t) "wan", (char *)(uintptr_t) "--interface",
		(char *)(uintptr_t) "lan", (char *)(uintptr_t) "--source",
		(char *)(uintptr_t) "10.9.0.8/30", (char *)(uintptr_t) "--source",
		(char *)(uintptr_t) "fd09::10", (char *)(uintptr_t) "--flows",
		(char *)(uintptr_t) "4096", (char *)(uintptr_t) "--pin", pin };
	char why[SPEC_WHY_SIZE] = "";
	bool changed;

	memset(node, 0, sizeof(*node));
	node->mem = arena_new(64 << 10);
	if (settings_read(node->mem, sizeof(argv) / sizeof(*argv), argv, &node->settings, why))
		fail_msg("settings: %s", why);
	assert_int_equal(packets_open(&node->settings, &node->packets), OK);
	node->state = node_state_new();
	node->applier = applier_new(node->packets, node->state, told, node);
	node->health = health_new(&node->settings);
	applier_use_health(node->applier, node->health);
	assert_int_equal(settle_begin(&node->settle, node->packets, &node->settings), OK);
	assert_int_equal(applier_begin(node->applier, &node->settings), OK);
	assert_int_equal(settle_write(&node->settle, node->packets), OK);
	assert_int_equal(packets_attach(node->packets, &changed), OK);
	assert_true(changed);
}

static inline void node_down(struct node *node)
{
	applier_free(node->applier);
	health_free(node->health);
	node_state_free(node->state);
	packets_close(node->packets);
	arena_free(node->mem);
}

/* --- snapshots -------------------------------------------------------------------------------- */

struct draft {
	struct snapshot_header header;
	_Alignas(8) uint8_t bytes[4096];
};

static inline void *add(struct draft *to, unsigned type, size_t length, uint32_t id)
{
	struct record *record = (void *)(to->bytes + to->header.byte_count);

	assert_true(to->header.byte_count + length <= sizeof(to->bytes));
	memset(record, 0, length);
	*record = (struct record){ (uint16_t)type, (uint16_t)length, id };
	to->header.byte_count += (uint32_t)length;
	to->header.record_count++;
	return record;
}

static inline struct address ip(const char *text)
{
	struct address out = { .byte = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, out.byte + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, out.byte), 1);
	return out;
}

static inline void draft_init(
	struct draft *draft, unsigned flags, uint64_t base, uint64_t generation)
{
	memset(draft, 0, sizeof(*draft));
	draft->header.magic = SNAPSHOT_MAGIC;
	draft->header.version = SNAPSHOT_VERSION;
	draft->header.flags = (uint16_t)flags;
	draft->header.base_generation = base;
	draft->header.generation = generation;
}

static inline void add_instance(struct draft *to, uint32_t id, const char *vip)
{
	struct record_instance *instance = add(to, RECORD_INSTANCE, sizeof(*instance), id);

	instance->mitigation_until_ms = INT64_MAX;
	instance->forward_until_ms = 5000;
	instance->vip_count = 1;
	instance->vip[0] = ip(vip);
}

static inline void add_service(struct draft *to, uint32_t id, uint32_t instance)
{
	struct record_service *service =
		add(to, RECORD_SERVICE, sizeof(*service) + sizeof(struct record_origin), id);

	service->instance = instance;
	service->port = 80;
	service->protocol = IPPROTO_TCP;
	service->payload_max = PAYLOAD_UNBOUNDED;
	service->origin_count = 1;
	service->origin[0].address = ip("10.9.0.2");
	service->origin[0].port = 8080;
	service->origin[0].weight = 1;
}

static inline void add_list(
	struct draft *to, uint32_t id, uint32_t instance, const char *source, unsigned bits)
{
	struct record_list *list = add(to, RECORD_LIST, sizeof(*list), id);

	list->instance = instance;
	list->kind = LIST_BLOCK;
	list->prefix_bits = (uint8_t)bits;
	list->until_ms = INT64_MAX;
	list->source = ip(source);
}

static inline void add_remove(struct draft *to, unsigned type, uint32_t id)
{
	struct record_remove *remove = add(to, RECORD_REMOVE, sizeof(*remove), id);

	remove->removed_type = type;
}

static inline void add_policy(struct draft *to, uint32_t id, uint16_t ports)
{
	struct record_policy *policy =
		add(to, RECORD_POLICY, sizeof(*policy) + sizeof(struct record_pattern), id);

	policy->region[0] = 2;
	policy->reflection_count = ports;
	for (uint16_t i = 0; i < ports; i++)
		policy->reflection[i] = (uint16_t)(1900 + i);
	policy->pattern_count = 1;
	policy->pattern[0].length = 1;
}

static inline enum err apply(struct node *node, struct draft *draft)
{
	struct snapshot snapshot;
	const char *why;

	assert_int_equal(snapshot_decode(draft, sizeof(draft->header) + draft->header.byte_count,
				 &snapshot, &why),
		OK);
	return applier_apply(node->applier, &snapshot);
}

static inline unsigned entries(struct node *node, enum packet_map map)
{
	uint8_t key[64], next[64];
	unsigned count = 0;
	const void *previous = NULL;

	while (packets_next_key(node->packets, map, previous, next) == 0) {
		memcpy(key, next, sizeof(key));
		previous = key;
		count++;
	}
	return count;
}

static inline void apply_first(struct node *node)
{
	struct draft draft;

	draft_init(&draft, SNAPSHOT_FULL, 0, 1);
	add_instance(&draft, 1, "192.0.2.1");
	add_instance(&draft, 2, "2001:db8::2");
	add_service(&draft, 11, 1);
	add_service(&draft, 12, 2);
	add_list(&draft, 21, 1, "203.0.113.1", 128);
	add_list(&draft, 22, 1, "203.0.113.0", 120);
	add_list(&draft, 23, 1, "2001:db8::", 32);
	assert_int_equal(apply(node, &draft), OK);
}

#endif
