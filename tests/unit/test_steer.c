/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering on the real kernel: connections to ports of protected addresses reach a listening socket that waits elsewhere,
 * while and only while they are to, also across agents. Needs root and says so otherwise.
 */
#include "agent/steer.h"
#include "node_world.h"

#define WEB4   "192.0.2.1"
#define WEB6   "2001:db8::2"
#define OTHER4 "192.0.2.9"

static struct node node;
static struct steer *steer;
static int listener[STEER_LISTENERS];

static int open_socket(const char *address, uint16_t port, struct sockaddr_in6 *out)
{
	struct address a = ip(address);

	*out = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memcpy(&out->sin6_addr, &a, sizeof(a));
	if (!strchr(address, ':')) {
		struct sockaddr_in *in = (void *)out;

		*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&in->sin_addr, a.byte + 12, 4);
	}
	return socket(out->sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int listen_at(const char *address, uint16_t port)
{
	struct sockaddr_in6 name;
	int fd = open_socket(address, port, &name), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* As nginx does: by the pin, knowing nothing of the agent. */
static void enter_listener(uint32_t index, int fd)
{
	uint64_t value = (uint64_t)fd;
	char path[100];
	int map;

	(void)snprintf(path, sizeof(path), "%s/steer_listener", pin);
	map = bpf_obj_get(path);
	assert_true(map >= 0);
	assert_int_equal(bpf_map_update_elem(map, &index, &value, BPF_ANY), 0);
	(void)close(map);
}

/* 0: connected, and the socket at index accepted it under the name that was asked for; or errno. */
static int reach(const char *address, uint16_t port, uint32_t index)
{
	struct sockaddr_in6 name, seen = { 0 };
	int fd = open_socket(address, port, &name), taken;
	socklen_t size = sizeof(seen);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0) {
		int error = errno;

		(void)close(fd);
		return error;
	}
	taken = accept4(listener[index], NULL, NULL, SOCK_CLOEXEC);
	assert_true(taken >= 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&seen, &size), 0);
	assert_memory_equal(&seen, &name,
		seen.sin6_family == AF_INET ? offsetof(struct sockaddr_in, sin_zero)
					    : offsetof(struct sockaddr_in6, sin6_scope_id));
	(void)close(taken);
	(void)close(fd);
	return 0;
}

static void agent_begins(void)
{
	node_up(&node);
	assert_int_equal(steer_open(&node.settings, node.packets, &steer), OK);
	applier_use_steer(node.applier, steer);
}

static void agent_ends(void)
{
	steer_close(steer);
	steer = NULL;
	node_down(&node);
}

/* One agent for all tests, where they ask for no other: its programs take long to verify on a slow machine. */
static void begin(void)
{
	struct address vip = ip(WEB4);

	if (!steer)
		agent_begins();
	apply_first(&node);
	assert_int_equal(steer_flags(steer, &vip), 0);
	listener[2 * STEER_PLAIN] = listen_at("127.0.0.1", 7001);
	listener[2 * STEER_PLAIN + 1] = listen_at("::1", 7001);
	listener[2 * STEER_TLS] = listen_at("127.0.0.1", 7002);
	listener[2 * STEER_TLS + 1] = listen_at("::1", 7002);
	for (uint32_t i = 0; i < 4; i++)
		enter_listener(i, listener[i]);
	assert_int_equal(steer_listeners(steer), 15);
}

static void end(void)
{
	steer_mark_unseen(steer);
	steer_remove_unseen(steer);
	for (uint32_t i = 0; i < 4; i++)
		(void)close(listener[i]);
	assert_int_equal(steer_listeners(steer), 0);
}

static bool put(const char *vip, uint32_t instance, uint16_t port, enum steer_listener kind)
{
	struct address address = ip(vip);

	return steer_put(steer, &address, instance, port, kind);
}

static bool delete (const char *vip, uint32_t instance, uint16_t port)
{
	struct address address = ip(vip);

	return steer_delete(steer, &address, instance, port);
}

static uint32_t flags_in_force(const char *vip)
{
	struct address address = ip(vip);
	struct vip value;

	assert_int_equal(packets_get(node.packets, PACKET_VIP, &address, &value), 0);
	return value.flags & VIP_HAS_LOCAL;
}

static bool is_local_service(uint32_t instance, uint16_t port)
{
	struct service_key key = { instance, htons(port), IPPROTO_TCP, 0 };
	uint32_t value;

	return packets_get(node.packets, PACKET_LOCAL_SERVICE, &key, &value) == 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_ports(void **state)
{
	(void)state;
	NEED_WORLD();
	begin();
	assert_int_equal(reach(WEB4, 80, 0), ENETUNREACH);
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	assert_true(put(WEB4, 1, 443, STEER_TLS));
	assert_true(put(WEB6, 2, 33333, STEER_TLS));
	assert_int_equal(reach(WEB4, 80, 2 * STEER_PLAIN), 0);
	assert_int_equal(reach(WEB4, 443, 2 * STEER_TLS), 0);
	assert_int_equal(reach(WEB6, 33333, 2 * STEER_TLS + 1), 0);
	assert_int_equal(reach(WEB4, 81, 0), ECONNREFUSED);
	assert_int_equal(reach(WEB6, 80, 0), ECONNREFUSED);
	assert_true(put(WEB6, 2, 33333, STEER_PLAIN));
	assert_int_equal(reach(WEB6, 33333, 2 * STEER_PLAIN + 1), 0);
	assert_true(delete (WEB4, 1, 80));
	assert_true(delete (WEB4, 1, 80));
	assert_int_equal(reach(WEB4, 80, 0), ECONNREFUSED);
	assert_int_equal(reach(WEB4, 443, 2 * STEER_TLS), 0);
	assert_true(delete (WEB4, 1, 443));
	assert_int_equal(reach(WEB4, 443, 0), ENETUNREACH);
	assert_int_equal(reach(WEB6, 33333, 2 * STEER_PLAIN + 1), 0);
	end();
}

/* The host's own socket at a web site's port gets none of its connections. */
static void test_no_listener(void **state)
{
	int own;

	(void)state;
	NEED_WORLD();
	begin();
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	own = listen_at("0.0.0.0", 80);
	assert_int_equal(reach(WEB4, 80, 2 * STEER_PLAIN), 0);
	(void)close(listener[0]);
	assert_int_equal(steer_listeners(steer), 14);
	assert_int_equal(reach(WEB4, 80, 0), ECONNREFUSED);
	listener[0] = listen_at("127.0.0.1", 7001);
	enter_listener(0, listener[0]);
	assert_int_equal(reach(WEB4, 80, 2 * STEER_PLAIN), 0);
	(void)close(own);
	end();
}

static void test_maps(void **state)
{
	struct draft draft;

	(void)state;
	NEED_WORLD();
	begin();
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	assert_true(put(OTHER4, 1, 80, STEER_PLAIN));
	assert_int_equal(flags_in_force(WEB4), VIP_HAS_LOCAL);
	assert_int_equal(flags_in_force(WEB6), 0);
	assert_true(is_local_service(1, 80));
	/* Whoever writes an address keeps the flag, and one that comes later brings it. */
	draft_init(&draft, 0, 1, 2);
	add_instance(&draft, 1, WEB4);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(flags_in_force(WEB4), VIP_HAS_LOCAL);
	draft_init(&draft, 0, 2, 3);
	add_instance(&draft, 3, OTHER4);
	assert_int_equal(apply(&node, &draft), OK);
	assert_int_equal(flags_in_force(OTHER4), VIP_HAS_LOCAL);
	/* One instance's port on two addresses. */
	assert_true(delete (WEB4, 1, 80));
	assert_int_equal(flags_in_force(WEB4), 0);
	assert_true(is_local_service(1, 80));
	/* Another instance takes it over; the first has nothing to take away any more. */
	assert_true(put(OTHER4, 3, 80, STEER_TLS));
	assert_false(is_local_service(1, 80));
	assert_true(is_local_service(3, 80));
	assert_true(delete (OTHER4, 1, 80));
	assert_int_equal(reach(OTHER4, 80, 2 * STEER_TLS), 0);
	assert_true(delete (OTHER4, 3, 80));
	assert_false(is_local_service(3, 80));
	assert_int_equal(entries(&node, PACKET_LOCAL_SERVICE), 0);
	end();
}

static void test_another_agent(void **state)
{
	(void)state;
	NEED_WORLD();
	begin();
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	assert_true(put(WEB4, 1, 81, STEER_PLAIN));
	assert_true(put(WEB6, 2, 80, STEER_PLAIN));
	agent_ends();
	agent_begins();
	assert_int_equal(reach(WEB4, 80, 0), 0);
	assert_int_equal(reach(WEB6, 80, 1), 0);
	apply_first(&node);
	assert_int_equal(flags_in_force(WEB4), VIP_HAS_LOCAL);
	assert_int_equal(flags_in_force(WEB6), VIP_HAS_LOCAL);
	steer_mark_unseen(steer);
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	assert_int_equal(reach(WEB4, 81, 0), 0);
	steer_remove_unseen(steer);
	assert_int_equal(reach(WEB4, 80, 0), 0);
	assert_int_equal(reach(WEB4, 81, 0), ECONNREFUSED);
	assert_int_equal(reach(WEB6, 80, 0), ENETUNREACH);
	assert_int_equal(flags_in_force(WEB6), 0);
	assert_int_equal(entries(&node, PACKET_LOCAL_SERVICE), 1);
	/* The same again, without another agent. */
	assert_true(put(WEB6, 2, 80, STEER_PLAIN));
	steer_mark_unseen(steer);
	assert_true(put(WEB6, 2, 80, STEER_PLAIN));
	steer_remove_unseen(steer);
	assert_int_equal(reach(WEB4, 80, 0), ENETUNREACH);
	assert_int_equal(reach(WEB6, 80, 1), 0);
	end();
}

/* What others do to the host is mended, and what is theirs stays theirs. */
static void test_host(void **state)
{
	(void)state;
	NEED_WORLD();
	begin();
	assert_int_equal(run("ip route add local " OTHER4 " dev lo table local proto static"), 0);
	assert_true(put(WEB4, 1, 80, STEER_PLAIN));
	assert_true(put(WEB6, 2, 80, STEER_PLAIN));
	assert_true(put(OTHER4, 1, 80, STEER_PLAIN));
	/* Down, the interface loses its routes of IPv6. */
	assert_int_equal(run("ip link set lo down && ip link set lo up"), 0);
	assert_int_equal(run("ip route del local " WEB4 " dev lo table local"), 0);
	assert_int_equal(reach(WEB4, 80, 0), ENETUNREACH);
	assert_int_equal(reach(WEB6, 80, 0), ENETUNREACH);
	steer_tick(steer, INT64_MAX / 2);
	assert_int_equal(reach(WEB4, 80, 0), 0);
	assert_int_equal(reach(WEB6, 80, 1), 0);
	assert_int_equal(reach(OTHER4, 80, 0), 0);
	assert_true(delete (OTHER4, 1, 80));
	/* The undo takes the others away. */
	agent_ends();
	assert_int_equal(packets_detach(&(struct agent_settings){ .pin = pin }), OK);
	for (uint32_t i = 0; i < 4; i++)
		(void)close(listener[i]);
	assert_int_equal(
		run("ip route show table local proto static | grep -q '^local " OTHER4 "'"), 0);
	assert_int_not_equal(run("ip route show table local proto 80 | grep -q ."), 0);
	assert_int_not_equal(run("ip -6 route show table local proto 80 | grep -q ."), 0);
	assert_int_equal(run("ip route del local " OTHER4 " dev lo table local"), 0);
}

static int up(void **state)
{
	int result = world_up(state);

	return result != 0 || !ready ? result : run("ip link set lo up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_no_listener),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_another_agent),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests(tests, up, world_down);
}
