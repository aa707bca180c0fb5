/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gets and renews certificates of web sites that ask for it, from one ACME directory. A thread of its own in the control: an
 * answer may be long in coming, and the engine does not wait for anybody.
 */
#ifndef CONTROL_ACME_WORKER_H
#define CONTROL_ACME_WORKER_H

#include "control/acme/client.h"
#include "control/engine/nodes.h"

#define ACME_ORDERS_MAX 4    /* at once */
#define ACME_TICK_MS	1000 /* the store is asked so often who is due */
#define ACME_PUBLISH_MS                                                                            \
	30000 /* so long nodes may take to learn an answer; one that is away is not waited for */
#define ACME_SKEW_MS   30000 /* the authority's clock may be so far ahead of this one */
#define ACME_SETTLE_MS 3000  /* and so long their workers, after they confirmed it */

struct acme_worker;
/* settings, vault and nodes live longer. */
enum err acme_worker_new(const struct acme_settings *settings, const struct vault *vault,
	struct nodes *nodes, struct acme_worker **out) MUST_USE;
void acme_worker_free(struct acme_worker *worker); /* NULL is fine */
/* From another thread: a tick that is under way ends within about a second. */
void acme_worker_stop(struct acme_worker *worker);

struct acme_time {
	int64_t life_ms, clock_ms, monotonic_ms;
};
/* Begins what is due, and takes the next step of each order whose time has come. mem is scratch. wait_ms: when to call
 * again. Failures of orders are written down, and are no error here. */
enum err acme_worker_tick(struct acme_worker *worker, struct db *db, struct arena *mem,
	const struct acme_time *time, int64_t *wait_ms) MUST_USE;

/* The thread around it, with a connection of its own to the store. */
struct life_clock;
struct acme_thread;
enum err acme_thread_start(const struct acme_settings *settings, const char *db_url,
	const struct vault *vault, struct nodes *nodes, struct life_clock *clock,
	struct acme_thread **out) MUST_USE;
void acme_thread_stop(struct acme_thread *thread); /* joins; NULL is fine */

#endif
