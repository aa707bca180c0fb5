/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is usual at each site. Minutes are learned when they are over, by sites that had requests in them. Shorter pieces stand
 * for minutes: then an hour is known by its first ones. An attack is not learned, unless it lasts so long that it is none.
 */
#include "base/clock.h"
#include "control/engine/smart_inner.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"
#include "control/store/query.h"

#define LONG_ATTACK_MS (6 * HOUR_MS) /* what lasts so long is learned as it is */

struct smart_site *smart_site_of(const struct tick *tick, uint32_t number, enum err *err)
{
	struct smart_site *site = table_put(&tick->smart->site, number, tick->clock_ms);
	struct website_usual usual;

	*err = OK;
	if (!site || site->loaded)
		return site;
	*err = website_usual_load(tick->db, tick->mem, number, &usual);
	if (*err != OK)
		return NULL;
	usual_parse(usual.hours, &site->usual);
	site->published = (uint32_t)usual.published;
	site->loaded = site->stored = true;
	return site;
}

uint32_t smart_a_second(uint32_t a_minute)
{
	return a_minute / 60 + (a_minute % 60 != 0);
}

/* Nodes hear of another rate when it differs by a quarter. */
static bool is_news(uint32_t published, uint32_t usual)
{
	uint32_t difference = usual > published ? usual - published : published - usual;

	return published == 0 || difference * 4 > published;
}

static enum err learn_site(const struct tick *tick, uint32_t number, int64_t minute_ms)
{
	struct site_point point = { 0 };
	enum err err;
	struct smart_site *site = smart_site_of(tick, number, &err);
	int64_t learn_ms = tick->smart->learn_ms;
	uint64_t requests;
	bool attacked;

	if (!site)
		return err;
	nodes_site_series(tick->smart->nodes, number, minute_ms, learn_ms, &point, 1);
	if (point.requests == 0)
		return OK;
	requests = point.requests * MINUTE_MS / (uint64_t)learn_ms;
	attacked =
		requests / 60 > smart_threshold(WEB_AI_NORMAL, usual_at(&site->usual, minute_ms)) ||
		site->attack_ms != 0;
	if (site->attack_ms != 0 && tick->clock_ms - site->attack_ms > LONG_ATTACK_MS)
		attacked = false;
	if (usual_minute(&site->usual, minute_ms, requests, attacked))
		site->stored = false;
	if (is_news(site->published, smart_a_second(usual_at(&site->usual, tick->clock_ms))))
		site->stored = false;
	return OK;
}

static void want_store(const struct tick *tick)
{
	struct smart *smart = tick->smart;

	smart->store_count = 0;
	for (size_t i = 0; i < smart->site.size && smart->store_count < SMART_STORE_MAX; i++) {
		const struct smart_site *site = table_slot(&smart->site, i);

		if (site && site->loaded && !site->stored)
			smart->store[smart->store_count++] = (uint32_t)site->entry.key;
	}
}

/* A minute is learned some seconds after its end: reports of it may come late. */
enum err usual_due(const struct tick *tick, bool *out)
{
	struct smart *smart = tick->smart;
	int64_t minute_ms, learn_ms;
	size_t count;

	*out = false;
	if (!smart)
		return OK;
	learn_ms = smart->learn_ms;
	minute_ms = (tick->clock_ms - 5 * SECOND_MS) / learn_ms * learn_ms - learn_ms;
	if (minute_ms != smart->minute_ms) {
		smart->minute_ms = minute_ms;
		count = nodes_sites_busy(
			smart->nodes, tick->clock_ms, 2 * MINUTE_MS, smart->busy, NODE_SITE_MAX);
		for (size_t i = 0; i < count; i++)
			TRY(learn_site(tick, smart->busy[i], minute_ms));
		want_store(tick);
	}
	*out = smart->store_count > 0;
	return OK;
}

static enum err store_site(struct tick *tick, struct smart_site *site)
{
	uint32_t usual = smart_a_second(usual_at(&site->usual, tick->clock_ms));
	bool publish = is_news(site->published, usual);
	char hours[USUAL_TEXT_SIZE];
	struct website_usual row = { .hours = hours,
		.learned_ms = tick->clock_ms,
		.published = publish ? usual : site->published };
	int64_t found;
	enum err err = select_int(tick->db, "SELECT 1 FROM website WHERE number = $1",
		(const struct value[]){ V_INT((int64_t)site->entry.key) }, 1, &found);

	/* Deleted meanwhile. */
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	usual_format(&site->usual, hours);
	return website_usual_put(tick->db, (int64_t)site->entry.key, &row, publish);
}

enum err usual_run(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->store_count; i++) {
		struct smart_site *site = table_find(&smart->site, smart->store[i]);

		if (site)
			TRY(store_site(tick, site));
	}
	return OK;
}

void usual_done(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->store_count; i++) {
		struct smart_site *site = table_find(&smart->site, smart->store[i]);
		uint32_t usual;

		if (!site)
			continue;
		usual = smart_a_second(usual_at(&site->usual, tick->clock_ms));
		site->stored = true;
		if (is_news(site->published, usual))
			site->published = usual;
	}
	want_store(tick);
}
