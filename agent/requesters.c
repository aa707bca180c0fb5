/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each refused or challenged request has a record of its own, so lists of their sources are of all of them, and not of
 * samples; records of others may stand for several requests.
 */
#include "agent/requesters.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

struct requesters {
	struct visitors *visitors;
	struct sightings *refused;
};

static_assert((int)CHECK_COUNT <= (int)REASON_COUNT, "a check passes for a reason");

struct requesters *requesters_new(void)
{
	struct requesters *requesters = calloc(1, sizeof(*requesters));

	if (!requesters)
		return NULL;
	requesters->visitors = visitors_new(VISITORS_SITE);
	requesters->refused = sightings_new(RECORD_SITE_SIGHTED);
	if (!requesters->visitors || !requesters->refused) {
		requesters_free(requesters);
		return NULL;
	}
	return requesters;
}

void requesters_free(struct requesters *requesters)
{
	if (!requesters)
		return;
	visitors_free(requesters->visitors);
	sightings_free(requesters->refused);
	free(requesters);
}

void requesters_add(
	struct requesters *requesters, const struct log_request *request, int64_t now_ms)
{
	uint32_t weight = request->weight ? request->weight : 1;
	const struct sighting refused = { .source = request->client,
		.instance = request->record.site,
		.weight = weight,
		.reason = request->check,
		.port = request->vip_port,
		.protocol = IPPROTO_TCP };

	visitors_add(requesters->visitors, request->record.site, &request->client, weight, now_ms);
	if ((request->verdict == LOG_REFUSED || request->verdict == LOG_CHALLENGED) &&
		request->check < CHECK_COUNT)
		sightings_add(requesters->refused, &refused, now_ms);
}

uint32_t requesters_take_refused(
	struct requesters *requesters, int64_t now_ms, struct record_sighted out[SIGHTED_KINDS])
{
	return sightings_take(requesters->refused, now_ms, out);
}

bool requesters_take_visitors(
	struct requesters *requesters, int64_t now_ms, struct record_visitors *out)
{
	return visitors_take(requesters->visitors, now_ms, out);
}

bool requesters_has_next(const struct requesters *requesters, int64_t now_ms)
{
	return sightings_has_next(requesters->refused, now_ms) ||
	       visitors_has_next(requesters->visitors, now_ms);
}
