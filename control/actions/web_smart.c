/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rules that make themselves go by: the requests that a web site usually has, and how many it has now.
 */
#include "base/clock.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"
#include "control/engine/statistics.h"
#include "control/model/smart.h"

#define RATE_SECONDS 5

struct describe {
	const char *domain;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe, .required = true),
	PARAM_ROW_END,
};

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct website_usual usual;
	struct website_rule *rules;
	struct web_policy policy;
	struct website website;
	struct site_recent recent;
	uint64_t threshold, rate;
	size_t count;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(website_usual_load(call->db, call->mem, website.number, &usual));
	TRY(web_rule_list(call->db, call->mem, website.number, web_rule_kind_name(WEB_RULE_SMART),
		call->clock_ms, &rules, &count));
	nodes_site_recent(call->nodes, website.number, call->clock_ms, RATE_SECONDS, &recent);
	rate = recent.requests / RATE_SECONDS;
	threshold = smart_threshold(policy.ai_level, (uint32_t)usual.published * 60);
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put(call->reply, "Enabled", json_boolean(policy.ai_on && policy.cc_open)));
	TRY(put_text(call->reply, "Level", web_ai_level_name(policy.ai_level)));
	TRY(put_text(call->reply, "Mode", check_mode_name(web_check_mode(&policy, CHECK_smart))));
	TRY(put_int(call->reply, "Usual", usual.published));
	TRY(put_int(call->reply, "LearnedTime", usual.learned_ms));
	TRY(put_int(call->reply, "Threshold", usual.published ? (int64_t)threshold : 0));
	TRY(put_int(call->reply, "Rate", (int64_t)rate));
	TRY(put(call->reply, "Attack", json_boolean(usual.published && rate > threshold)));
	return put_int(call->reply, "RuleCount", (int64_t)count);
}

const struct action web_smart_actions[] = {
	{ VERSION_POLDER, "DescribeSmartProtection", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, NULL,
		"shows what rules that make themselves go by at a web site", 0 },
	{ 0 },
};
