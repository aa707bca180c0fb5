/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the descriptions of web sites say about their protection.
 */
#include "control/actions/website.h"

enum err website_view_policy(struct call *call, const struct website *website, json_t *element)
{
	json_t *list;

	(void)call, (void)website;
	TRY(put_list(element, "BlackList", &list));
	TRY(put_list(element, "WhiteList", &list));
	TRY(put(element, "CcEnabled", json_true()));
	TRY(put(element, "CcRuleEnabled", json_false()));
	return put_text(element, "CcTemplate", "default");
}
