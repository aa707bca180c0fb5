/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks web sites for something, of what the workers' records say: visitors of each site, and the sources of requests that
 * were refused or challenged. Pure.
 */
#ifndef AGENT_REQUESTERS_H
#define AGENT_REQUESTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sightings.h"
#include "agent/visitors.h"
#include "shared/request_abi.h"

struct requesters;
struct requesters *requesters_new(void); /* NULL: no memory */
void requesters_free(struct requesters *requesters);

/* now_ms: any clock that does not go back. */
void requesters_add(
	struct requesters *requesters, const struct log_request *request, int64_t now_ms);
/* As sightings_take and visitors_take. */
uint32_t requesters_take_refused(
	struct requesters *requesters, int64_t now_ms, struct record_sighted out[SIGHTED_KINDS]);
bool requesters_take_visitors(
	struct requesters *requesters, int64_t now_ms, struct record_visitors *out);
bool requesters_has_next(const struct requesters *requesters, int64_t now_ms);

#endif
