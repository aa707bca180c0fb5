/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map is written by the raw system call: one entry needs no library, and workers have no rights but the descriptor
 * that the master opened (or, when the agent made the map only later, the pin's group). It is opened once in the master and
 * kept over reloads, as an agent that restarts uses its pins again. A write takes some 9 us, on the one request that
 * crosses a line; all the same each worker writes at most BAN_RATE_MAX a second: an attack from everywhere must not make
 * the worker do nothing else, and the map holds only so many.
 *
 * Thresholds are refusals of one source by one check within BAN_INTERVAL_MS. They are higher where a person may be behind them:
 * a page of somebody who is refused has many parts, and many people may share an address. What says nothing about
 * the source (the plan's quota, the node's capacity) never bans.
 */
#include "nginx/ban.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "nginx/checks.h"
#include "nginx/counters.h"
#include "nginx/journal.h"

#define BAN_INTERVAL_MS 10000
#define BAN_SECONDS	300
#define BAN_RATE_MAX	2000
#define BAN_RETRY_MS	5000 /* between looks for a map that is not there */
#define BAN_SPARED_MS	600000

static const uint16_t threshold[CHECK_COUNT] = {
	[CHECK_connections] = 1,
	[CHECK_handshakes] = 1,
	[CHECK_server_name] = 100,
	[CHECK_slow_header] = 10,
	[CHECK_http2_reset] = 1,
	[CHECK_http2_flood] = 1,
	[CHECK_malformed] = 20,
	[CHECK_unknown_host] = 100,
	[CHECK_black_list] = 30,
	[CHECK_region] = 50,
	[CHECK_precise] = 50,
	[CHECK_global] = 50,
	[CHECK_frequency] = 20,
	[CHECK_pace] = 20,
	[CHECK_smart] = 20,
	[CHECK_quota] = 0, /* never */
	[CHECK_challenge] = 60,
	[CHECK_slow_body] = 10,
	[CHECK_slow_read] = 10,
	[CHECK_capacity] = 0, /* others may have used it up */
};

static int map_fd = -1;
static const char *map_path; /* of the configuration in force; NULL: none */

static int map_get(const char *path)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.pathname = (uint64_t)(uintptr_t)path;
	return (int)syscall(SYS_bpf, BPF_OBJ_GET, &attributes, sizeof(attributes));
}

static int map_put(const struct list_exact_key *key, const struct request_ban *value)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map_fd;
	attributes.key = (uint64_t)(uintptr_t)key;
	attributes.value = (uint64_t)(uintptr_t)value;
	attributes.flags = BPF_ANY;
	return (int)syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attributes, sizeof(attributes));
}

void ban_open(ngx_cycle_t *cycle)
{
	const struct polder_main_conf *conf = polder_main(cycle);
	int fd;

	map_path = conf && conf->ban_map.len ? (const char *)conf->ban_map.data : NULL;
	if (!map_path)
		return;
	/* Again at each reload, which is how a map made anew is found. */
	fd = map_get(map_path);
	if (fd < 0) {
		ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
			"map of bans %V cannot be opened: refused sources are not banned yet",
			&conf->ban_map);
		return;
	}
	if (map_fd >= 0)
		(void)close(map_fd);
	map_fd = fd;
}

/* In a worker: the map may have been made since. */
static bool map_ready(int64_t now_ms)
{
	static int64_t looked_ms;

	if (map_fd >= 0)
		return true;
	if (!map_path || now_ms - looked_ms < BAN_RETRY_MS)
		return false;
	looked_ms = now_ms;
	map_fd = map_get(map_path);
	return map_fd >= 0;
}

static bool is_within_rate(int64_t now_ms)
{
	static int64_t second;
	static uint32_t count;

	if (now_ms / 1000 != second) {
		second = now_ms / 1000;
		count = 0;
	}
	return count++ < BAN_RATE_MAX;
}

static bool is_bannable(const struct polder_connection *connection)
{
	const struct checks_connection *checks = connection->checks;

	return connection->ready && connection->instance != 0 && !connection->trusted &&
	       !connection->nginx->proxy_protocol && !(checks && checks->exempt);
}

static void write_ban(
	const struct polder_connection *connection, const struct refusal *refusal, int64_t now_ms)
{
	struct list_exact_key key = { .instance = connection->instance,
		.source = checks_source(&connection->peer) };
	struct request_ban value = { .until_ns = (now_ms + BAN_SECONDS * INT64_C(1000)) * 1000000,
		.check = (uint32_t)refusal->check,
		.rule = refusal->rule };
	struct node_counter *node = counters_node();

	if (!is_within_rate(now_ms) || !map_ready(now_ms) || map_put(&key, &value) != 0)
		counter_add(&node->bans_failed, 1);
	else
		counter_add(&node->bans, 1);
	journal_ban(&key.source, connection->instance, refusal->site, refusal->check, refusal->rule,
		BAN_SECONDS);
}

static struct rate_slot *spared(
	const struct polder_connection *connection, int64_t now_ms, bool make)
{
	const struct rates *rates = checks_rates();
	struct list_exact_key key = { .instance = connection->instance,
		.source = checks_source(&connection->peer) };

	return rates ? rate_find(rates, checks_key(rates, COUNT_SPARED, 0, &key, sizeof(key)),
			       now_ms, make)
		     : NULL;
}

void ban_spare(const struct polder_connection *connection, int64_t now_ms)
{
	struct rate_slot *slot = spared(connection, now_ms, true);

	/* Not with each request: a write that all workers see. */
	if (slot && rate_until(slot, now_ms) < now_ms + BAN_SPARED_MS / 2)
		rate_hold(slot, now_ms + BAN_SPARED_MS);
}

static bool is_spared(const struct polder_connection *connection, int64_t now_ms)
{
	const struct rate_slot *slot = spared(connection, now_ms, false);

	return slot && rate_until(slot, now_ms) != 0;
}

void ban_now(const struct polder_connection *connection, const struct refusal *refusal)
{
	const struct rates *rates = checks_rates();
	struct address source = checks_source(&connection->peer);
	int64_t now_ms = polder_now_ms();

	if (!is_bannable(connection) || is_spared(connection, now_ms))
		return;
	/* Requests that were on their way when it was banned do not ban it again. */
	if (rates && !rate_once(rates,
			     checks_key(rates, COUNT_BANNED, connection->instance, &source,
				     sizeof(source)),
			     now_ms, now_ms + 1000))
		return;
	write_ban(connection, refusal, now_ms);
}

uint32_t ban_note(const struct polder_connection *connection, const struct address *source,
	const struct refusal *refusal)
{
	const struct rates *rates = checks_rates();
	struct address counted = checks_source(source);
	int64_t now_ms = polder_now_ms();
	struct rate_slot *slot;
	uint32_t count;

	if (!rates)
		return 0;
	slot = rate_find(rates,
		checks_key(rates, COUNT_REFUSED + (uint32_t)refusal->check, connection->instance,
			&counted, sizeof(counted)),
		now_ms, true);
	if (!slot)
		return 0;
	count = rate_add(&slot->state, 1, BAN_INTERVAL_MS, now_ms);
	if (threshold[refusal->check] != 0 && count >= threshold[refusal->check] &&
		memcmp(source, &connection->peer, sizeof(*source)) == 0)
		ban_now(connection, refusal);
	return count;
}
