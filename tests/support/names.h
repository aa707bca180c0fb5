/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store with instances and a publisher over it, for tests of names. The clocks stand still until a test
 * moves them. Everything here fails the test on error.
 */
#ifndef TESTS_SUPPORT_NAMES_H
#define TESTS_SUPPORT_NAMES_H

#include "control/dns/publisher.h"
#include "tests/support/store.h"

#define NAMES_TEST_ZONE "polder.test"
#define NAMES_TEST_TTL	60
#define NAMES_TEST_MAX	4096 /* names that the publisher remembers */

struct names_fixture {
	struct test_store store;
	struct arena *tick_mem;
	struct publisher *publisher; /* NULL until names_publisher */
	int64_t now_ms, monotonic_ms;
	unsigned made;
};

void names_address(const char *text, uint8_t out[16]);
/* Addresses separated by spaces. */
size_t names_split(const char *text, uint8_t out[][16], size_t max);

struct names_fixture *names_open(void);
void names_close(struct names_fixture *f);
/* A new publisher, which knows nothing; the one before it ends. */
void names_publisher(struct names_fixture *f, const struct dns_driver *driver, const char *socket);

/* Inserts in the caller's transaction; buy in one of its own. */
struct instance names_add(struct names_fixture *f, bool ipv6, int64_t expire_ms, bool switch_back);
struct instance names_buy(struct names_fixture *f, bool ipv6, int64_t expire_ms, bool switch_back);
struct port_rule names_rule(struct names_fixture *f, const struct instance *instance, int64_t port,
	const char *origins);
void names_release(struct names_fixture *f, const struct instance *instance);

/* One tick, a tick's time after the last one; more. Its outcome shows in what is settled. */
bool names_step(struct names_fixture *f);
/* Ticks until nothing more is due; at most so many. The number of ticks. */
unsigned names_settle(struct names_fixture *f, unsigned ticks_max);
void names_tick(struct names_fixture *f); /* settles in 200 */
/* The protected address as text, valid until the next call. */
const char *names_vip(const struct instance *instance);

#endif
