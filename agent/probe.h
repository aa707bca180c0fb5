/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes of origins: who is asked how and how often, and what came of it. What the answers mean is health.c's. A
 * probe is named by an index that its owner gives, as small as can be.
 */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/settings.h"
#include "shared/packet_abi.h"
#include "shared/snapshot_abi.h"

#define PROBE_MAX      131072 /* distinct origins that are checked */
#define PROBES_AT_ONCE 4096   /* sockets; fewer where the process may have fewer */

struct probe_target {
	struct address address;
	uint16_t port; /* host order */
	uint8_t kind;  /* enum health_kind */
	uint8_t timeout_seconds, interval_seconds;
	const char *domain, *path; /* HTTP; they stay until probe_remove */
};

struct prober;
/* result is told of each probe that ended; not within probe_add or probe_remove. NULL: no memory or descriptors. */
struct prober *prober_new(const struct agent_settings *settings,
	void (*result)(void *context, uint32_t probe, bool up), void *context);
void prober_free(struct prober *prober);

/* The first probe starts within the interval, at a moment of its own. false: no memory. */
bool probe_add(struct prober *prober, uint32_t probe, const struct probe_target *target);
void probe_remove(struct prober *prober, uint32_t probe);

/* A descriptor that is readable when there is something to do, and what does it, at most so much that the caller's
 * loop goes on. now_ms: monotonic. */
int prober_fd(const struct prober *prober);
void prober_turn(struct prober *prober, int64_t now_ms);
uint32_t prober_running(const struct prober *prober); /* probes that wait for an answer */

#endif
