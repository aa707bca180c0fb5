/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ports of which addresses lead to the local listeners: those of an instance's web sites, at each of its
 * addresses. Pure; agent/requests.c says what sites there are and when what is written.
 */
#ifndef AGENT_REQUEST_PORTS_H
#define AGENT_REQUEST_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/requests.h"
#include "base/site.h"

/* Instances that have addresses here, and those that sites name without. */
#define REQUEST_INSTANCE_MAX (2 * NODE_VIP_MAX)

struct request_ports;
struct request_ports *request_ports_new(void); /* NULL: no memory */
void request_ports_free(struct request_ports *ports);

/* Counts a site's ports at each of its instances, or takes them off again. false: no room; nothing changed. What was
 * taken off since the last flush can be added again without need of room. */
bool request_ports_add(struct request_ports *ports, const struct site *site) MUST_USE;
void request_ports_remove(struct request_ports *ports, const struct site *site);

/* Addresses and deadlines of an instance, new or changed. false: no room. */
bool request_ports_instance(
	struct request_ports *ports, const struct record_instance *record) MUST_USE;
void request_ports_instance_gone(struct request_ports *ports, uint32_t instance);
/* For full snapshots: those not named since the marking are gone. */
void request_ports_mark_unseen(struct request_ports *ports);
void request_ports_remove_unseen(struct request_ports *ports);

/* Writes what changed, or with all everything: addresses into the table, and ports to output. Ports that leave do so
 * before their addresses, ports that come do so behind them. */
void request_ports_flush(struct request_ports *ports, struct request_table *table,
	const struct requests_output *output, bool all);

/* Whether the address is in force for the instance. */
bool request_ports_has(
	const struct request_ports *ports, const struct address *address, uint32_t instance);
void request_ports_counts(const struct request_ports *ports, uint32_t *vips, uint32_t *steered);

#endif
