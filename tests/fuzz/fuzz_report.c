/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of nodes from outside: any bytes, twice, as two nodes a second apart. What is refused leaves no trace;
 * what is accepted can be asked for.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/engine/answers.h"
#include "control/engine/inbox.h"
#include "control/engine/nodes.h"
#include "control/engine/statistics.h"

#define CLOCK_MS INT64_C(1767225600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told of web sites: numbers of the corpus are small. */
static void ask_figures(const struct nodes *nodes, struct arena *mem)
{
	static const struct top_span always = { .from_ms = INT64_MIN, .until_ms = INT64_MAX };
	struct top_entry entry[TOP_MERGED];
	struct site_recent recent;
	struct site_point point[8] = { { 0 } };
	struct answer answer;
	uint32_t busy[4];

	for (int64_t site = 1; site < 4; site++) {
		nodes_site_series(nodes, site, CLOCK_MS, SECOND_MS, point, 8);
		nodes_site_recent(nodes, site, CLOCK_MS + 2 * SECOND_MS, 5, &recent);
		for (unsigned kind = 0; kind < TOP_COUNT; kind++) {
			size_t count = nodes_site_top(
				nodes, site, (enum top_kind)kind, &always, entry, NULL, NULL);

			for (size_t i = 0; i < count; i++)
				assert(entry[i].length > 0 && entry[i].length <= TOP_KEY_MAX);
		}
		assert(answers_get(nodes_answers(nodes), mem, (uint32_t)site, 10, &answer) == OK);
		for (size_t i = 0; i < answer.count; i++)
			assert(strlen(answer.line[i].text) <= LOG_LINE_MAX);
	}
	assert(nodes_sites_busy(nodes, CLOCK_MS, MINUTE_MS, busy, 4) <= 4);
	(void)nodes_log_used(nodes, 1);
	(void)nodes_log_max(nodes);
}

static void ask(const struct nodes *nodes)
{
	static const uint8_t address[16];
	struct arena *mem = arena_new((size_t)64 << 20);
	struct record_offence offence[8];
	struct instance_rates *rates;
	struct service_measure service;
	struct reason_measure reason;
	struct origin_health health;
	struct refusal refusal[8];
	size_t count, total;

	assert(mem);
	assert(nodes_rates_above(nodes, mem, 1, CLOCK_MS + SECOND_MS, &rates, &count) == OK);
	for (size_t i = 0; i < count; i++)
		assert(rates[i].rates.in.bytes > 0);
	for (uint32_t i = 0; i < REASON_COUNT; i++)
		(void)nodes_reason(nodes, 1, i, CLOCK_MS, &reason);
	(void)nodes_service(nodes, 1, &service);
	(void)nodes_health(nodes, 1, address, 80, &health);
	inbox_done_offences(nodes_inbox(nodes), inbox_offences(nodes_inbox(nodes), offence, 8));
	inbox_done_refusals(nodes_inbox(nodes), inbox_refusals(nodes_inbox(nodes), refusal, 8));
	assert(inbox_samples(nodes_inbox(nodes), mem, 1, 0, 100, &count, &total));
	assert(count <= total && total <= CAPTURE_PACKETS);
	ask_figures(nodes, mem);
	arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nodes *nodes = nodes_new();
	uint8_t *copy = malloc(size + 1); /* its end is watched */
	enum err err;

	assert(nodes && copy);
	if (size)
		memcpy(copy, data, size);
	err = nodes_report(nodes, "a", copy, size, CLOCK_MS);
	assert(err == OK || err == ERR_FORMAT);
	assert(nodes_dirty(nodes) == (err == OK));
	for (int second = 1; second < 3 && err == OK; second++)
		assert(nodes_report(nodes, second == 1 ? "a" : "b", copy, size,
			       CLOCK_MS + second * SECOND_MS) == OK);
	ask(nodes);
	nodes_free(nodes);
	free(copy);
	return 0;
}
