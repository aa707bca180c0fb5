/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both IP versions are asked for at once, /etc/hosts before. A name that cannot be resolved keeps the addresses that were last
 * found: a name server that is away must not take a site away, and is asked again after RESOLVE_MIN_MS.
 *
 * Addresses are in the order of their bytes, so that a name server which turns its answers round makes no change. Those
 * that no origin can have are left out: this host, links, groups.
 */
#include "agent/resolve.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/log.h"

struct name_item {
	struct pool_link link;
	uint32_t serial; /* tells a name from one that had the place before */
	uint8_t length;
	bool seen, running, known, failing;
	int64_t due_ms;
	char name[TABLE_KEY_MAX];
};

struct question {
	struct resolve *resolve; /* NULL: free */
	uint32_t index, serial;
};

struct resolve {
	struct resolve_output output;
	struct name_server *server;
	struct pool names;
	struct index by_name;
	struct question question[RESOLVE_RUNNING_MAX];
	uint32_t running, cursor, serial;
	uint64_t answers, failures;
};

static struct name_item *name_at(const struct resolve *resolve, uint32_t index)
{
	return pool_at(&resolve->names, index);
}

static uint32_t find(const struct resolve *resolve, const char *name, size_t length)
{
	uint32_t i = index_first(&resolve->by_name, index_hash(name, length));

	while (i != NONE && (name_at(resolve, i)->length != length ||
				    memcmp(name_at(resolve, i)->name, name, length) != 0))
		i = index_next(&resolve->by_name, i);
	return i;
}

/* --- answers ----------------------------------------------------------------------------------------------- */

static bool read_address(const struct ares_addrinfo_node *node, struct address *out)
{
	static const struct address none = { .byte = { 0 } };

	if (node->ai_family == AF_INET) {
		const struct sockaddr_in *from = (const void *)node->ai_addr;
		uint32_t address = ntohl(from->sin_addr.s_addr);

		*out = none;
		out->byte[10] = out->byte[11] = 0xff;
		memcpy(out->byte + 12, &from->sin_addr, 4);
		return address >> 24 != 0 && address >> 24 != 127 && address >> 16 != 0xa9fe &&
		       address >> 28 < 0xe;
	}
	if (node->ai_family == AF_INET6) {
		const struct in6_addr *from =
			&((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;

		memcpy(out->byte, from, sizeof(out->byte));
		return !IN6_IS_ADDR_UNSPECIFIED(from) && !IN6_IS_ADDR_LOOPBACK(from) &&
		       !IN6_IS_ADDR_LINKLOCAL(from) && !IN6_IS_ADDR_MULTICAST(from) &&
		       !IN6_IS_ADDR_V4MAPPED(from);
	}
	return false;
}

/* By bytes; no address twice. */
static void insert(struct table_name *list, const struct address *address)
{
	uint32_t at = 0;

	while (at < list->count && memcmp(&list->address[at], address, sizeof(*address)) < 0)
		at++;
	if (at < list->count && memcmp(&list->address[at], address, sizeof(*address)) == 0)
		return;
	if (list->count == NAME_ADDRESS_MAX)
		return;
	memmove(&list->address[at + 1], &list->address[at],
		(list->count - at) * sizeof(list->address[0]));
	list->address[at] = *address;
	list->count++;
}

/* The smallest time to live of all, in bounds. */
static int64_t take_addresses(const struct ares_addrinfo *result, struct table_name *out)
{
	int64_t wait_ms = RESOLVE_MAX_MS;
	struct address address;
	unsigned looked = 0;

	*out = (struct table_name){ 0 };
	for (const struct ares_addrinfo_node *node = result->nodes;
		node && looked < 16 * NAME_ADDRESS_MAX; node = node->ai_next, looked++) {
		if (!read_address(node, &address))
			continue;
		insert(out, &address);
		if ((int64_t)node->ai_ttl * 1000 < wait_ms)
			wait_ms = (int64_t)node->ai_ttl * 1000;
	}
	for (const struct ares_addrinfo_cname *alias = result->cnames; alias; alias = alias->next) {
		if ((int64_t)alias->ttl * 1000 < wait_ms)
			wait_ms = (int64_t)alias->ttl * 1000;
	}
	return wait_ms < RESOLVE_MIN_MS ? RESOLVE_MIN_MS : wait_ms;
}

static void failed(struct resolve *resolve, struct name_item *item, const char *why)
{
	resolve->failures++;
	item->due_ms = name_server_now_ms(resolve->server) + RESOLVE_MIN_MS;
	if (!item->failing)
		log_warn("origin %.*s cannot be resolved%s: %s", item->length, item->name,
			item->known ? ", its last addresses stay" : "", why);
	item->failing = true;
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
	struct question *question = context;
	struct resolve *resolve = question->resolve;
	uint32_t index = question->index;
	struct name_item *item = NULL;
	struct table_name list;

	(void)timeouts;
	question->resolve = NULL;
	resolve->running--;
	if (pool_is_live(&resolve->names, index) &&
		name_at(resolve, index)->serial == question->serial)
		item = name_at(resolve, index);
	if (item)
		item->running = false;
	if (!item || status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
		if (result)
			ares_freeaddrinfo(result);
		return;
	}
	if (status != ARES_SUCCESS || !result) {
		failed(resolve, item, ares_strerror(status));
		return;
	}
	item->due_ms = name_server_now_ms(resolve->server) + take_addresses(result, &list);
	ares_freeaddrinfo(result);
	if (list.count == 0) {
		failed(resolve, item, "no address that an origin can have");
		return;
	}
	if (item->failing)
		log_info("origin %.*s is resolved again", item->length, item->name);
	item->failing = false;
	item->known = true;
	resolve->answers++;
	resolve->output.found(resolve->output.context, item->name, item->length, &list);
}

/* --- questions ---------------------------------------------------------------------------------------------- */

static void ask(struct resolve *resolve, uint32_t index)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM
	};
	struct name_item *item = name_at(resolve, index);
	struct question *question = resolve->question;
	char name[TABLE_KEY_MAX + 1];

	while (question->resolve)
		question++;
	*question = (struct question){ resolve, index, item->serial };
	memcpy(name, item->name, item->length);
	name[item->length] = '\0';
	item->running = true;
	resolve->running++;
	/* The answer may come before this returns: from /etc/hosts. */
	ares_getaddrinfo(
		name_server_channel(resolve->server), name, NULL, &hints, answered, question);
}

/* Once round at most, on from where the last call ended: no name waits for ever behind others. */
static void ask_due(struct resolve *resolve)
{
	for (uint32_t looked = 0; looked < resolve->names.count; looked++) {
		const struct name_item *item;

		if (resolve->running == RESOLVE_RUNNING_MAX)
			return;
		if (resolve->cursor >= resolve->names.count)
			resolve->cursor = 0;
		if (pool_is_live(&resolve->names, resolve->cursor)) {
			item = name_at(resolve, resolve->cursor);
			if (!item->running && item->due_ms <= name_server_now_ms(resolve->server))
				ask(resolve, resolve->cursor);
		}
		resolve->cursor++;
	}
}

void resolve_turn(struct resolve *resolve)
{
	if (name_server_channel(resolve->server))
		ask_due(resolve);
}

/* --- what is wanted ---------------------------------------------------------------------------------------- */

void resolve_mark_unseen(struct resolve *resolve)
{
	for (uint32_t i = 0; i < resolve->names.count; i++) {
		if (pool_is_live(&resolve->names, i))
			name_at(resolve, i)->seen = false;
	}
}

bool resolve_want(struct resolve *resolve, const char *name, size_t length)
{
	uint32_t index = find(resolve, name, length);
	struct name_item *item;

	if (length == 0 || length >= TABLE_KEY_MAX)
		return false;
	if (index == NONE) {
		index = pool_take(&resolve->names);
		if (index == NONE)
			return false;
		if (!index_insert(&resolve->by_name, index_hash(name, length), index)) {
			pool_give(&resolve->names, index);
			return false;
		}
		item = name_at(resolve, index);
		item->serial = ++resolve->serial;
		item->length = (uint8_t)length;
		item->due_ms = INT64_MIN;
		memcpy(item->name, name, length);
	}
	name_at(resolve, index)->seen = true;
	return true;
}

void resolve_remove_unseen(struct resolve *resolve)
{
	for (uint32_t i = 0; i < resolve->names.count; i++) {
		const struct name_item *item;

		if (!pool_is_live(&resolve->names, i))
			continue;
		item = name_at(resolve, i);
		if (item->seen)
			continue;
		resolve->output.gone(resolve->output.context, item->name, item->length);
		index_remove(&resolve->by_name, i);
		pool_give(&resolve->names, i);
	}
}

bool resolve_wants(const struct resolve *resolve, const char *name, size_t length)
{
	return find(resolve, name, length) != NONE;
}

/* --- beginning and end ------------------------------------------------------------------------------------- */

struct resolve *resolve_new(struct name_server *server, const struct resolve_output *output)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));

	if (!resolve)
		return NULL;
	resolve->output = *output;
	resolve->server = server;
	pool_init(&resolve->names, sizeof(struct name_item), RESOLVE_NAME_MAX);
	index_init(&resolve->by_name, RESOLVE_NAME_MAX);
	return resolve;
}

void resolve_free(struct resolve *resolve)
{
	if (!resolve)
		return;
	pool_done(&resolve->names);
	index_done(&resolve->by_name);
	free(resolve);
}

void resolve_counts(const struct resolve *resolve, struct resolve_counts *out)
{
	*out = (struct resolve_counts){ .names = resolve->names.used,
		.answers = resolve->answers,
		.failures = resolve->failures };
	for (uint32_t i = 0; i < resolve->names.count; i++) {
		if (pool_is_live(&resolve->names, i))
			out->known += name_at(resolve, i)->known;
	}
}
