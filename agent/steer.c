/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four things make a port of a web site: a local route for its address, an entry of "steer_port", one of
 * "local_service", and VIP_HAS_LOCAL with its address. They are written in that order and taken away in the opposite
 * one, so that no packet passes to the host before all is ready for it. The tables here say what of it is wanted: a row
 * for each port, and how many rows need an address's route and an instance's port.
 *
 * What an earlier agent left stays in force until the first full list of ports has been told. Only then is it known
 * what of it nobody wants; it is found by walking the maps, once.
 */
#include "agent/steer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/local_route.h"
#include "agent/pool.h"
#include "agent/steer_cookie.h"
#include "agent/steer_program.h"
#include "base/log.h"
#include "base/text.h"

#define ROUTE_ROUND_ROWS                                                                           \
	256 /* addresses whose route is looked after in a tick: half a millisecond */
#define WALK_MAX (2u * NODE_STEER_MAX) /* a map that changes under a walk may begin it again */

struct port_row {
	struct pool_link link;
	struct steer_key key;
	uint32_t instance;
	uint32_t listener;
	bool seen;
};
struct address_row { /* of a protected address with ports */
	struct pool_link link;
	struct address address;
	uint32_t ports;
};
struct local_row { /* of an instance's port: on one address or several */
	struct pool_link link;
	struct service_key key;
	uint32_t ports;
};

struct steer {
	struct packets *packets;
	struct steer_program *program;
	struct local_routes *routes;
	struct pool ports, addresses, locals;
	struct index port_by_key, address_by_key, local_by_key;
	struct steer_cookies cookies;
	bool swept; /* nothing of an earlier agent is left */
	uint32_t route_cursor;
};

/* --- tables ---------------------------------------------------------------------------------- */

static struct port_row *port_at(const struct steer *steer, uint32_t i)
{
	return pool_at(&steer->ports, i);
}

static struct address_row *address_at(const struct steer *steer, uint32_t i)
{
	return pool_at(&steer->addresses, i);
}

static struct local_row *local_at(const struct steer *steer, uint32_t i)
{
	return pool_at(&steer->locals, i);
}

static uint32_t find_port(const struct steer *steer, const struct steer_key *key)
{
	uint32_t i = index_first(&steer->port_by_key, index_hash(key, sizeof(*key)));

	while (i != NONE && memcmp(&port_at(steer, i)->key, key, sizeof(*key)) != 0)
		i = index_next(&steer->port_by_key, i);
	return i;
}

static uint32_t find_address(const struct steer *steer, const struct address *key)
{
	uint32_t i = index_first(&steer->address_by_key, index_hash(key, sizeof(*key)));

	while (i != NONE && memcmp(&address_at(steer, i)->address, key, sizeof(*key)) != 0)
		i = index_next(&steer->address_by_key, i);
	return i;
}

static uint32_t find_local(const struct steer *steer, const struct service_key *key)
{
	uint32_t i = index_first(&steer->local_by_key, index_hash(key, sizeof(*key)));

	while (i != NONE && memcmp(&local_at(steer, i)->key, key, sizeof(*key)) != 0)
		i = index_next(&steer->local_by_key, i);
	return i;
}

/* A row of the pool under the hash of its key; NONE: no room. */
static uint32_t take_row(struct pool *pool, struct index *index, const void *key, size_t size)
{
	uint32_t i = pool_take(pool);

	if (i == NONE || index_insert(index, index_hash(key, size), i))
		return i;
	pool_give(pool, i);
	return NONE;
}

static void give_row(struct pool *pool, struct index *index, uint32_t i)
{
	index_remove(index, i);
	pool_give(pool, i);
}

static struct steer_key steer_key_of(const struct address *vip, uint16_t port)
{
	return (struct steer_key){ .vip = *vip, .port = htons(port) };
}

static struct service_key service_key_of(uint32_t instance, __be16 port)
{
	return (struct service_key){ .instance = instance, .port = port, .protocol = IPPROTO_TCP };
}

static bool refused(const char *what, const struct address *vip, __be16 port, int result)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format(vip->byte, text);
	log_warn("%s of %s port %u: %s", what, text, ntohs(port), strerror(-result));
	return false;
}

/* --- in force, and out of it ----------------------------------------------------------------- */

/* The address's entry in map "vip", if it has one: it may come later, and bring the flag with it. */
static int flag_address(struct steer *steer, const struct address *address, bool has)
{
	struct vip vip;
	uint32_t flags;

	if (packets_get(steer->packets, PACKET_VIP, address, &vip) != 0 ||
		vip.kind != VIP_PROTECTED)
		return 0;
	flags = has ? vip.flags | VIP_HAS_LOCAL : vip.flags & ~VIP_HAS_LOCAL;
	if (flags == vip.flags)
		return 0;
	vip.flags = flags;
	return packets_put(steer->packets, PACKET_VIP, address, &vip);
}

static int hold_address(struct steer *steer, const struct address *address)
{
	uint32_t i = find_address(steer, address);
	int result;

	if (i == NONE) {
		i = take_row(&steer->addresses, &steer->address_by_key, address, sizeof(*address));
		if (i == NONE)
			return -E2BIG;
		address_at(steer, i)->address = *address;
		result = local_route_put(steer->routes, address);
		if (result != 0) {
			give_row(&steer->addresses, &steer->address_by_key, i);
			return result;
		}
	}
	address_at(steer, i)->ports++;
	return 0;
}

static int release_address(struct steer *steer, const struct address *address)
{
	uint32_t i = find_address(steer, address);

	assert(i != NONE && address_at(steer, i)->ports > 0);
	if (--address_at(steer, i)->ports > 0)
		return 0;
	give_row(&steer->addresses, &steer->address_by_key, i);
	return local_route_delete(steer->routes, address);
}

static int hold_local(struct steer *steer, const struct service_key *key)
{
	uint32_t i = find_local(steer, key), one = 1;
	int result;

	if (i == NONE) {
		i = take_row(&steer->locals, &steer->local_by_key, key, sizeof(*key));
		if (i == NONE)
			return -E2BIG;
		local_at(steer, i)->key = *key;
		result = packets_put(steer->packets, PACKET_LOCAL_SERVICE, key, &one);
		if (result != 0) {
			give_row(&steer->locals, &steer->local_by_key, i);
			return result;
		}
	}
	local_at(steer, i)->ports++;
	return 0;
}

static int release_local(struct steer *steer, const struct service_key *key)
{
	uint32_t i = find_local(steer, key);
	int result;

	assert(i != NONE && local_at(steer, i)->ports > 0);
	if (--local_at(steer, i)->ports > 0)
		return 0;
	give_row(&steer->locals, &steer->local_by_key, i);
	result = packets_delete(steer->packets, PACKET_LOCAL_SERVICE, key);
	return result == -ENOENT ? 0 : result;
}

/* All goes on as far as it can; the first failure is returned. */
static int remove_port(struct steer *steer, uint32_t i)
{
	const struct port_row row = *port_at(steer, i);
	const struct service_key key = service_key_of(row.instance, row.key.port);
	int result, next;

	give_row(&steer->ports, &steer->port_by_key, i);
	result = address_at(steer, find_address(steer, &row.key.vip))->ports == 1
			 ? flag_address(steer, &row.key.vip, false)
			 : 0;
	next = release_local(steer, &key);
	result = result ? result : next;
	next = steer_port_delete(steer->program, &row.key);
	if (next != 0 && next != -ENOENT)
		result = result ? result : next;
	next = release_address(steer, &row.key.vip);
	return result ? result : next;
}

static int add_port(struct steer *steer, const struct steer_key *key, uint32_t instance,
	enum steer_listener listener)
{
	const struct service_key local = service_key_of(instance, key->port);
	uint32_t i = take_row(&steer->ports, &steer->port_by_key, key, sizeof(*key));
	int result;

	if (i == NONE)
		return -E2BIG;
	*port_at(steer, i) = (struct port_row){ .link = port_at(steer, i)->link,
		.key = *key,
		.instance = instance,
		.listener = listener,
		.seen = true };
	result = hold_address(steer, &key->vip);
	if (result == 0) {
		result = hold_local(steer, &local);
		if (result != 0)
			(void)release_address(steer, &key->vip);
	}
	if (result != 0) {
		give_row(&steer->ports, &steer->port_by_key, i);
		return result;
	}
	result = steer_port_put(steer->program, key, listener);
	if (result == 0)
		result = flag_address(steer, &key->vip, true);
	if (result != 0)
		(void)remove_port(steer, i);
	return result;
}

bool steer_put(struct steer *steer, const struct address *vip, uint32_t instance, uint16_t port,
	enum steer_listener listener)
{
	const struct steer_key key = steer_key_of(vip, port);
	uint32_t i = find_port(steer, &key);
	int result = 0;

	assert(listener < STEER_COUNT);
	if (i != NONE && port_at(steer, i)->instance != instance) {
		result = remove_port(steer, i);
		if (result != 0)
			(void)refused("take away the web site's port", vip, key.port, result);
		i = NONE;
	}
	if (i == NONE)
		result = add_port(steer, &key, instance, listener);
	else if (port_at(steer, i)->listener != listener)
		result = steer_port_put(steer->program, &key, listener);
	if (result != 0)
		return refused("steer the web site's port", vip, key.port, result);
	i = find_port(steer, &key);
	port_at(steer, i)->listener = listener;
	port_at(steer, i)->seen = true;
	return true;
}

bool steer_delete(struct steer *steer, const struct address *vip, uint32_t instance, uint16_t port)
{
	const struct steer_key key = steer_key_of(vip, port);
	uint32_t i = find_port(steer, &key);
	int result;

	/* Another instance has it by now. */
	if (i == NONE || port_at(steer, i)->instance != instance)
		return true;
	result = remove_port(steer, i);
	return result == 0 || refused("take away the web site's port", vip, key.port, result);
}

/* --- what nobody wants ----------------------------------------------------------------------- */

static bool wants_address(void *context, const struct address *address)
{
	return find_address(context, address) != NONE;
}

static void sweep_ports(struct steer *steer)
{
	struct steer_key key, next;
	int more = steer_port_next(steer->program, NULL, &next);

	for (uint32_t steps = 0; more == 0 && steps < WALK_MAX; steps++) {
		key = next;
		more = steer_port_next(steer->program, &key, &next);
		if (find_port(steer, &key) == NONE)
			(void)steer_port_delete(steer->program, &key);
	}
}

static void sweep_locals(struct steer *steer)
{
	struct service_key key, next;
	int more = packets_next_key(steer->packets, PACKET_LOCAL_SERVICE, NULL, &next);

	for (uint32_t steps = 0; more == 0 && steps < WALK_MAX; steps++) {
		key = next;
		more = packets_next_key(steer->packets, PACKET_LOCAL_SERVICE, &key, &next);
		if (find_local(steer, &key) == NONE)
			(void)packets_delete(steer->packets, PACKET_LOCAL_SERVICE, &key);
	}
}

static void sweep_flags(struct steer *steer)
{
	struct address key, next;
	int more = packets_next_key(steer->packets, PACKET_VIP, NULL, &next);

	for (uint32_t steps = 0; more == 0 && steps < WALK_MAX; steps++) {
		key = next;
		more = packets_next_key(steer->packets, PACKET_VIP, &key, &next);
		if (find_address(steer, &key) == NONE)
			(void)flag_address(steer, &key, false);
	}
}

/* Before the local services: what no address says to have is not asked for. */
static void sweep(struct steer *steer)
{
	int result;

	sweep_flags(steer);
	sweep_locals(steer);
	sweep_ports(steer);
	result = local_routes_prune(steer->routes, wants_address, steer);
	if (result != 0)
		log_warn("take away local routes of before: %s", strerror(-result));
}

void steer_mark_unseen(struct steer *steer)
{
	for (uint32_t i = 0; i < steer->ports.count; i++) {
		if (pool_is_live(&steer->ports, i))
			port_at(steer, i)->seen = false;
	}
}

void steer_remove_unseen(struct steer *steer)
{
	for (uint32_t i = 0; i < steer->ports.count; i++) {
		struct steer_key key;
		int result;

		if (!pool_is_live(&steer->ports, i) || port_at(steer, i)->seen)
			continue;
		key = port_at(steer, i)->key;
		result = remove_port(steer, i);
		if (result != 0)
			(void)refused("take away the web site's port", &key.vip, key.port, result);
	}
	if (!steer->swept)
		sweep(steer);
	steer->swept = true;
}

/* --- questions, chores ----------------------------------------------------------------------- */

uint32_t steer_flags(const struct steer *steer, const struct address *vip)
{
	struct vip old;

	if (find_address(steer, vip) != NONE)
		return VIP_HAS_LOCAL;
	/* An earlier agent's: not denied yet. */
	if (!steer->swept && packets_get(steer->packets, PACKET_VIP, vip, &old) == 0)
		return old.flags & VIP_HAS_LOCAL;
	return 0;
}

uint32_t steer_listeners(const struct steer *steer)
{
	uint32_t listeners = 0;

	for (uint32_t i = 0; i < STEER_LISTENERS; i++) {
		if (steer_listener_cookie(steer->program, i) != 0)
			listeners |= 1u << i;
	}
	return listeners;
}

/* The loopback interface that went down and up has lost its routes. */
static void look_after_routes(struct steer *steer)
{
	uint32_t rows = steer->addresses.count;

	if (rows > ROUTE_ROUND_ROWS)
		rows = ROUTE_ROUND_ROWS;
	for (; rows > 0; rows--) {
		uint32_t i = steer->route_cursor++ % steer->addresses.count;
		int result;

		if (!pool_is_live(&steer->addresses, i))
			continue;
		result = local_route_put(steer->routes, &address_at(steer, i)->address);
		if (result == 0)
			continue;
		log_warn("put a local route back: %s", strerror(-result));
		return;
	}
}

void steer_tick(struct steer *steer, int64_t now_monotonic_ms)
{
	/* A failure was logged, and the next tick tries again. */
	if (steer_program_attach(steer->program) != OK || steer->addresses.used == 0)
		return;
	look_after_routes(steer);
	steer_cookies_tick(&steer->cookies, now_monotonic_ms);
}

enum err steer_open(
	const struct agent_settings *settings, struct packets *packets, struct steer **out)
{
	struct steer *steer = calloc(1, sizeof(*steer));
	enum err err;

	if (!steer)
		return ERR_MEMORY;
	steer->packets = packets;
	pool_init(&steer->ports, sizeof(struct port_row), NODE_STEER_MAX);
	pool_init(&steer->addresses, sizeof(struct address_row), NODE_VIP_MAX);
	pool_init(&steer->locals, sizeof(struct local_row), NODE_STEER_MAX);
	index_init(&steer->port_by_key, NODE_STEER_MAX);
	index_init(&steer->address_by_key, NODE_VIP_MAX);
	index_init(&steer->local_by_key, NODE_STEER_MAX);
	err = local_routes_open(&steer->routes);
	if (err == OK)
		err = steer_program_open(settings, &steer->program);
	if (err != OK) {
		steer_close(steer);
		return err;
	}
	steer->cookies = (struct steer_cookies){
		.settings = settings, .packets = packets, .program = steer->program
	};
	*out = steer;
	return OK;
}

void steer_close(struct steer *steer)
{
	if (!steer)
		return;
	steer_program_close(steer->program);
	local_routes_close(steer->routes);
	index_done(&steer->port_by_key);
	index_done(&steer->address_by_key);
	index_done(&steer->local_by_key);
	pool_done(&steer->ports);
	pool_done(&steer->addresses);
	pool_done(&steer->locals);
	free(steer);
}

static bool keep_none(void *context, const struct address *address)
{
	(void)context;
	(void)address;
	return false;
}

enum err steer_detach(const struct agent_settings *settings)
{
	struct local_routes *routes;
	int result;

	steer_program_detach(settings);
	steer_cookies_undo(settings);
	TRY(local_routes_open(&routes));
	result = local_routes_prune(routes, keep_none, NULL);
	local_routes_close(routes);
	return result == 0 ? OK : fail(ERR_SYSTEM, "take local routes away: %s", strerror(-result));
}
