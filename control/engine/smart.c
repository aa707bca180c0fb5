/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second the rate of each site that has requests is compared with its usual one. That costs no look into the store; only a
 * site that is over the lowest of all thresholds has its policy read. Over its own one for OVER_MS, it is under
 * attack, until it was below for CALM_MS; meanwhile it is looked into each EVALUATE_MS.
 *
 * All of that is told by time that nodes told of, not by turns of the engine or the clock: nodes that report each ten seconds
 * because they are busy make it later by two of their reports, and no more.
 *
 * An overloaded origin is an attack at a lower rate: answers of 5xx and none at all are a good part of all.
 */
#include "base/clock.h"
#include "control/engine/smart_inner.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"

#define SCAN_EVERY_MS SECOND_MS
#define RATE_SECONDS  5 /* over which a rate is looked at */
#define OVER_MS	      (2 * SECOND_MS)
#define CALM_MS	      MINUTE_MS
#define EVALUATE_MS   (3 * SECOND_MS)
#define SETTLE_MS     (8 * SECOND_MS)  /* behind new rules, until their effect can be seen */
#define BUSY_MS	      (40 * SECOND_MS) /* a report that comes late tells of so much at most */
#define TROUBLE_SHARE 30	       /* per cent of origins' answers */
#define SITE_SLOTS    (2 * NODE_SITE_MAX)

void smart_init(struct smart *smart, const struct nodes *nodes, int64_t rule_ms, int64_t learn_ms)
{
	*smart = (struct smart){ .nodes = nodes,
		.rule_ms = rule_ms ? rule_ms : SMART_RULE_MS,
		.learn_ms = learn_ms ? learn_ms : MINUTE_MS };
	table_init(&smart->site, sizeof(struct smart_site), SITE_SLOTS);
}

void smart_free(struct smart *smart)
{
	table_free(&smart->site);
}

/* ---- when there is an attack */

static bool is_trouble(const struct site_recent *recent)
{
	return recent->origin_requests > 0 &&
	       recent->failures * 100 >= recent->origin_requests * TROUBLE_SHARE;
}

/* Requests a second over which a site of this level is under attack now. */
static uint64_t threshold_of(enum web_ai_level level, const struct smart_site *site,
	const struct site_recent *recent, int64_t clock_ms)
{
	uint64_t threshold = smart_threshold(level, usual_at(&site->usual, clock_ms));

	return is_trouble(recent) ? threshold / 2 : threshold;
}

/* The attack began within the seconds that are looked at, or in the report that told of the first of them. Also when the
 * clock was set back. */
static void note_over(struct smart_site *site, const struct site_recent *recent)
{
	if (site->over_ms != 0 && recent->until_ms >= site->over_ms)
		return;
	site->over_ms = recent->until_ms;
	if (site->attack_ms == 0)
		site->before_ms =
			recent->until_ms - RATE_SECONDS * SECOND_MS - recent->span_ms - SECOND_MS;
}

static enum err scan_site(const struct tick *tick, uint32_t number)
{
	struct smart *smart = tick->smart;
	struct site_recent recent;
	struct smart_site *site;
	uint64_t rate;
	enum err err;

	nodes_site_recent(smart->nodes, number, tick->clock_ms, RATE_SECONDS, &recent);
	rate = recent.requests / RATE_SECONDS;
	if (rate < smart_level(WEB_AI_STRICT)->requests / 2) {
		site = table_find(&smart->site, number);
		if (site)
			site->over_ms = 0;
		return OK;
	}
	site = smart_site_of(tick, number, &err);
	if (!site)
		return err;
	/* Nothing is known of a new site: neither is what an attack would be. */
	if (usual_at(&site->usual, tick->clock_ms) == 0 ||
		rate <= threshold_of(WEB_AI_STRICT, site, &recent, tick->clock_ms)) {
		site->over_ms = 0;
		return OK;
	}
	note_over(site, &recent);
	if (recent.until_ms - site->over_ms >= OVER_MS &&
		tick->clock_ms - site->evaluated_ms >= EVALUATE_MS &&
		tick->clock_ms - site->made_ms >= SETTLE_MS && smart->due_count < SMART_BATCH)
		smart->due[smart->due_count++] = number;
	return OK;
}

/* Attacks that are over. */
static void end_attacks(const struct tick *tick)
{
	for (size_t i = 0; i < tick->smart->site.size; i++) {
		struct smart_site *site = table_slot(&tick->smart->site, i);

		if (site && site->attack_ms != 0 && tick->clock_ms - site->last_ms > CALM_MS)
			site->attack_ms = 0;
	}
}

enum err smart_due(const struct tick *tick, bool *out)
{
	struct smart *smart = tick->smart;
	size_t count;

	*out = false;
	if (!smart || (tick->clock_ms >= smart->scanned_ms &&
			      tick->clock_ms - smart->scanned_ms < SCAN_EVERY_MS))
		return OK;
	smart->scanned_ms = tick->clock_ms;
	smart->due_count = 0;
	count = nodes_sites_busy(smart->nodes, tick->clock_ms, BUSY_MS, smart->busy, NODE_SITE_MAX);
	for (size_t i = 0; i < count; i++)
		TRY(scan_site(tick, smart->busy[i]));
	end_attacks(tick);
	*out = smart->due_count > 0;
	return OK;
}

/* ---- what is done about it */

static enum err tell_attack(const struct smart_attack *attack)
{
	struct tick *tick = attack->tick;
	const char *detail = arena_print(tick->mem,
		"{\"domain\":\"%s\",\"requestsPerSecond\":%llu,\"usualPerSecond\":%u}",
		attack->website.domain, (unsigned long long)attack->rate,
		smart_a_second(usual_at(&attack->site->usual, tick->clock_ms)));

	if (!detail)
		return ERR_MEMORY;
	return event_insert(tick->db, attack->website.account, attack->website.instance[0].id,
		"website_attack", attack->site->attack_ms, tick->now_ms, detail, NULL);
}

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum err look_into(struct tick *tick, uint32_t number)
{
	struct smart_attack attack = { .tick = tick,
		.site = table_find(&tick->smart->site, number) };
	struct site_recent recent;
	enum err err = website_load_number(tick->db, tick->mem, number, &attack.website);

	/* Deleted meanwhile. */
	if (err == ERR_WEBSITE_NOT_FOUND || !attack.site)
		return OK;
	TRY(err);
	TRY(web_policy_load(tick->db, tick->mem, number, &attack.policy));
	nodes_site_recent(tick->smart->nodes, number, tick->clock_ms, RATE_SECONDS, &recent);
	attack.rate = recent.requests / RATE_SECONDS;
	attack.site->evaluated_ms = tick->clock_ms;
	attack.threshold =
		threshold_of(attack.policy.ai_level, attack.site, &recent, tick->clock_ms);
	if (attack.rate <= attack.threshold)
		return OK;
	if (attack.site->attack_ms == 0) {
		attack.site->attack_ms = latest(attack.site->over_ms, recent.until_ms - BUSY_MS) -
					 RATE_SECONDS * SECOND_MS;
		TRY(tell_attack(&attack));
	}
	attack.site->last_ms = tick->clock_ms;
	if (!attack.policy.ai_on || !attack.policy.cc_open || attack.policy.bypass ||
		web_check_mode(&attack.policy, CHECK_smart) == CHECK_OFF)
		return OK;
	return smart_rules(&attack);
}

enum err smart_run(struct tick *tick)
{
	struct smart *smart = tick->smart;

	for (size_t i = 0; i < smart->due_count; i++)
		TRY(look_into(tick, smart->due[i]));
	smart->due_count = 0;
	return OK;
}
