/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the zone equal to what names_answer says of every instance, names_site_answer of every web site, and
 * names_rule_answer of every scheduling rule. The wish is computed anew from
 * the store each time, so a server that was away, lost its zone or went back to an old one, and a
 * control that was killed at any point, need nothing but the next tick.
 */
#ifndef CONTROL_DNS_PUBLISHER_H
#define CONTROL_DNS_PUBLISHER_H

#include "base/arena.h"
#include "control/dns/dns.h"
#include "control/engine/engine.h"
#include "control/store/db.h"

/* Names looked at per tick: a transaction with the server stays below 100 ms. */
#define NAMES_BATCH 1000
/* How often the zone's mark is compared while nothing changes: a server that came back without its names
 * is filled again after that at the latest. */
#define NAMES_CHECK_MS 500
/* First wait after a failure; doubled up to the second one. */
#define NAMES_RETRY_MS	   100
#define NAMES_RETRY_MAX_MS 1000

struct names_settings {
	const char *zone;   /* without a dot at the end */
	const char *socket; /* control socket of the server */
	int64_t ttl_s;
};

struct publisher;
/* Settings are kept by reference. names_max: names that the zone may hold at once. */
enum err publisher_new(const struct dns_driver *driver, const struct names_settings *settings,
	size_t names_max, struct publisher **out) MUST_USE;
void publisher_free(struct publisher *publisher); /* NULL is fine */
/*
 * One bounded step toward the wish, at now_ms (life cycle) and monotonic_ms. more: another should follow
 * at once. ERR_UNAVAILABLE: the server is away (logged once per absence); any other error is the store's.
 * After either the next tick goes on.
 */
enum err publisher_tick(struct publisher *publisher, struct db *db, struct arena *mem,
	int64_t now_ms, int64_t monotonic_ms, bool *more) MUST_USE;
/* Whether everything that was due at the last tick is in the zone. */
bool publisher_settled(const struct publisher *publisher);

/* The publisher on a thread and a database connection of its own: a DNS server that hangs holds up
 * neither orders nor nodes. */
struct names_thread;
enum err names_thread_start(const struct names_settings *settings, const char *db_url,
	struct life_clock *clock, struct names_thread **out) MUST_USE;
void names_thread_stop(struct names_thread *thread); /* joins; NULL is fine */

#endif
