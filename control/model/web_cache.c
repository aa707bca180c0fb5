/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule of the cache as JSON. Its times are those that the published API has: a choice, although
 * it is a number.
 */
#include "control/model/web_cache.h"

#include <string.h>

#include "control/model/web_policy.h"

static const int64_t times[] = { 0, 3600, 86400, 864000, 2592000 };

enum err web_cache_read(struct web_reader *reader, const json_t *json, struct web_cache_rule *out)
{
	struct web_object object;
	unsigned mode;

	*out = (struct web_cache_rule){ .name = "", .uri = "" };
	TRY(web_object(reader, json, "", "Name Uri Mode CacheTtl", &object));
	TRY(web_text(reader, &object, "Name", 1, 128, &out->name));
	TRY(web_text(reader, &object, "Uri", 1, WEB_CACHE_PATH_MAX, &out->uri));
	TRY(web_choice(reader, &object, "Mode", "standard aggressive bypass", &mode));
	TRY(web_int(reader, &object, "CacheTtl", 0, times[4], &out->seconds));
	out->mode = (enum site_cache)(mode + SITE_CACHE_STATIC);
	if (out->uri[0] != '/' || strpbrk(out->uri, "?#"))
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"Uri must begin with '/' and have no parameters.");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i] == out->seconds)
			return OK;
	}
	return web_refuse(reader, ERR_INVALID_PARAMETER,
		"CacheTtl must be 0, 3600, 86400, 864000 or 2592000.");
}

json_t *web_cache_json(const struct web_cache_rule *rule)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "Name", rule->name, "Uri", rule->uri, "Mode",
		web_cache_name(rule->mode), "CacheTtl", (json_int_t)rule->seconds);
}
