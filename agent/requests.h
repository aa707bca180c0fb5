/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites of this node, as the last snapshots said: written into the request path's table, and their ports steered
 * to the local listeners. Told the same snapshots as agent/node_state.h, behind it. What is in the table from before is
 * taken over, so that workers go on with it until the first snapshot says what changed.
 *
 * Memory is bounded by NODE_SITE_MAX, NODE_CERTIFICATE_MAX, NODE_VIP_MAX and NODE_STEER_MAX.
 */
#ifndef AGENT_REQUESTS_H
#define AGENT_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/decode.h"
#include "agent/table.h"
#include "base/error.h"

struct requests;

/* Where ports go (agent/steer.h), and what could not be taken over. Full snapshots begin with mark_unseen and end with
 * remove_unseen. */
struct requests_output {
	void *context;
	bool (*steer_put)(void *context, const struct address *vip, uint32_t instance,
		uint16_t port, enum steer_listener listener);
	bool (*steer_delete)(
		void *context, const struct address *vip, uint32_t instance, uint16_t port);
	void (*mark_unseen)(void *context);
	void (*remove_unseen)(void *context);
	void (*refuse)(void *context, uint32_t type, uint32_t id, const char *why);
};

/* Takes over what the table holds from before. The table outlives the result. NULL: no memory. */
struct requests *requests_new(struct request_table *table);
void requests_free(struct requests *requests); /* accepts NULL */

/* Certificates come before sites that may name them, sites before the addresses and ports that lead to them; what
 * leaves does so the other way round. After the first full one the table is published. What the table or output had
 * no room for is refused by name, and the rest is in force. ERR_CONFLICT: a difference that is not based on what
 * is here; ERR_SYSTEM: the table could not be published. */
enum err requests_apply(struct requests *requests, const struct snapshot *snapshot,
	const struct requests_output *output) MUST_USE;

/* Whether sites came, changed or went, or certificates changed, since the last call. */
bool requests_changed(struct requests *requests);
struct requests_counts {
	uint32_t sites, certificates, vips, ports;
};
void requests_counts(const struct requests *requests, struct requests_counts *out);
bool requests_has_site(const struct requests *requests, uint32_t number);
/* NULL: no such site. Valid until the next apply. */
const struct site *requests_site(const struct requests *requests, uint32_t number);

#endif
