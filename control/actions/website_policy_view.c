/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the descriptions of web sites say about their protection.
 */
#include "control/actions/web.h"

static enum err put_prefixes(json_t *element, const char *name, const struct web_prefixes *prefixes)
{
	json_t *list;

	TRY(put_list(element, name, &list));
	for (size_t i = 0; i < prefixes->count; i++)
		TRY(add(list, json_string(prefixes->text[i])));
	return OK;
}

enum err website_view_policy(struct call *call, const struct website *website, json_t *element)
{
	struct web_policy policy;

	TRY(web_policy_load(call->db, call->mem, website->number, &policy));
	TRY(put_prefixes(element, "BlackList", &policy.black));
	TRY(put_prefixes(element, "WhiteList", &policy.white));
	TRY(put(element, "CcEnabled", json_boolean(policy.cc_open && policy.cc_on)));
	TRY(put(element, "CcRuleEnabled", json_boolean(policy.cc_rules_on)));
	return put_text(element, "CcTemplate", web_pace_name(policy.pace));
}
