/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each check of requests can be off, watch or block for a web site, as mitigations can for an instance. What each did is
 * counted by nodes since their files were made.
 */
#include <string.h>

#include "control/actions/tables.h"
#include "control/actions/web.h"

static const char check_choices[] =
#define CHECK(name, mode, text) " " #name
#include "shared/checks.def"
#undef CHECK
	;

struct modify {
	const char *domain, *check, *mode;
};
static const struct param modify_params[] = {
	PARAM_DOMAIN(modify, .required = true),
	PARAM(modify, check, "Check", .kind = PARAM_CHOICE, .required = true,
		.choices = check_choices + 1, .help = "name, as DescribeWebChecks shows it"),
	PARAM(modify, mode, "Mode", .kind = PARAM_CHOICE, .required = true,
		.choices = "off watch block default",
		.help = "watch counts what would be refused; default takes the choice back"),
	PARAM_ROW_END,
};

static enum err modify_run(struct call *call, const void *raw)
{
	const struct modify *args = raw;
	struct web_policy policy;
	struct website website;
	enum check check = CHECK_COUNT;
	uint8_t mode = CHECK_UNSET;

	if (!web_check_from_name(args->check, &check))
		return ERR_INVALID_PARAMETER;
	if (!web_check_of_site(check))
		return refuse(call, ERR_INVALID_PARAMETER,
			"Check: %s is met before it is known which site is asked, and is the "
			"node's.",
			args->check);
	for (unsigned i = CHECK_OFF; i <= CHECK_BLOCK; i++) {
		if (strcmp(check_mode_name((enum check_mode)i), args->mode) == 0)
			mode = (uint8_t)i;
	}
	TRY(call_web(call, args->domain, &website, &policy));
	policy.check[check] = mode;
	/* The other door to the same thing: see web_switch.c. */
	if (check == CHECK_smart)
		policy.ai_defense = mode == CHECK_BLOCK;
	return web_store(call, &website, &policy);
}

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
	struct site_measure measure = { 0 };
	struct web_policy policy;
	struct website website;
	json_t *list;

	TRY(call_web(call, args->domain, &website, &policy));
	(void)nodes_site(call->nodes, website.number, call->clock_ms, &measure);
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put_int(call->reply, "Requests", (int64_t)measure.total.requests));
	TRY(put_int(call->reply, "Challenged", (int64_t)measure.total.challenged));
	TRY(put_int(call->reply, "ChallengePassed", (int64_t)measure.total.challenge_passed));
	TRY(put_list(call->reply, "Checks", &list));
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		enum check check = (enum check)i;
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_text(item, "Name", web_check_name(check)));
		TRY(put_text(item, "Text", web_check_text(check)));
		TRY(put_text(item, "Scope", web_check_of_site(check) ? "site" : "node"));
		TRY(put_text(item, "Mode", check_mode_name(web_check_mode(&policy, check))));
		TRY(put_text(item, "DefaultMode", check_mode_name(web_check_default(check))));
		TRY(put(item, "Chosen", json_boolean(policy.check[i] != CHECK_UNSET)));
		TRY(put_int(item, "Refused", (int64_t)measure.total.refused[i]));
		TRY(put_int(item, "Watched", (int64_t)measure.total.watched[i]));
	}
	return OK;
}

static const struct reply_list describe_lists[] = { { "Checks", "Check" }, { NULL, NULL } };

const struct action web_check_actions[] = {
	{ VERSION_POLDER, "DescribeWebChecks", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, describe_lists,
		"shows what checks of requests do for a web site, and did", 0 },
	{ VERSION_POLDER, "ModifyWebCheck", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct modify), modify_run, NULL,
		"turns a check of requests off, to watching or to blocking for a web site", 0 },
	{ 0 },
};
