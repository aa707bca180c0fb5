/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources that a web site refuses or always lets in, by address and by region. A call says what the lists become: a list
 * that it does not name is empty from then on, as published.
 *
 * Regions of China's mainland have no source of data that says which addresses are theirs: they are refused, rather than
 * recorded and never done.
 */
#include <string.h>

#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

struct ip_set {
	const char *domain, *resource_group;
	struct text_list black, white;
};
static const struct param ip_set_params[] = {
	PARAM_DOMAIN(ip_set, .required = true),
	PARAM_RESOURCE_GROUP(ip_set),
	PARAM(ip_set, black, "BlackList", .kind = PARAM_TEXT_LIST, .max = WEB_LIST_MAX,
		.item_max = PREFIX_TEXT_SIZE,
		.help = "addresses and prefixes that are refused; none: the list is emptied"),
	PARAM(ip_set, white, "WhiteList", .kind = PARAM_TEXT_LIST, .max = WEB_LIST_MAX,
		.item_max = PREFIX_TEXT_SIZE,
		.help = "addresses and prefixes that no check refuses; none: the list is emptied"),
	PARAM_ROW_END,
};

static bool is_among(const struct web_prefixes *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->text[i], text) == 0)
			return true;
	}
	return false;
}

static enum err read_prefixes(struct call *call, const char *parameter,
	const struct text_list *from, struct web_prefixes *out)
{
	uint8_t address[16];
	unsigned bits;

	*out = (struct web_prefixes){ arena_array(call->mem, from->count, sizeof(*out->text)), 0 };
	if (!out->text)
		return ERR_MEMORY;
	for (size_t i = 0; i < from->count; i++) {
		if (!web_prefix(from->item[i], address, &bits))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s.%zu must be an address or a prefix.", parameter, i + 1);
		if (!is_among(out, from->item[i]))
			out->text[out->count++] = from->item[i];
	}
	return OK;
}

static enum err ip_set_run(struct call *call, const void *raw)
{
	const struct ip_set *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(read_prefixes(call, "BlackList", &args->black, &policy.black));
	TRY(read_prefixes(call, "WhiteList", &args->white, &policy.white));
	return web_store(call, &website, &policy);
}

/* ---- regions */

struct area {
	const char *domain, *resource_group;
	struct text_list regions;
};
static const struct param area_params[] = {
	PARAM_DOMAIN(area, .required = true),
	PARAM_RESOURCE_GROUP(area),
	PARAM(area, regions, "Regions", .kind = PARAM_TEXT_LIST, .max = WEB_REGION_MAX,
		.item_max = WEB_REGION_SIZE,
		.help = "two letters of a country, or CN-HONGKONG, CN-MACAO, CN-TAIWAN; none: off"),
	PARAM_ROW_END,
};

static enum err read_region(
	struct call *call, const struct text_list *from, size_t i, struct web_prefixes *out)
{
	char region[WEB_REGION_SIZE];
	enum err err = web_region(from->item[i], region);

	if (err == ERR_NOT_ENFORCEABLE)
		return refuse(call, err,
			"Regions.%zu: no database says which addresses are in %s. Use countries, "
			"or "
			"CN-HONGKONG, CN-MACAO and CN-TAIWAN.",
			i + 1, from->item[i]);
	if (err != OK)
		return refuse(call, err,
			"Regions.%zu must be the two letters of a country, or CN- and the name of "
			"a region.",
			i + 1);
	if (is_among(out, region))
		return OK;
	out->text[out->count] = arena_copy(call->mem, region);
	return out->text[out->count++] ? OK : ERR_MEMORY;
}

static enum err area_run(struct call *call, const void *raw)
{
	const struct area *args = raw;
	struct web_policy policy;
	struct website website;

	TRY(call_web(call, args->domain, &website, &policy));
	TRY(web_enhanced_only(call, &website));
	policy.regions = (struct web_prefixes){
		arena_array(call->mem, args->regions.count, sizeof(*policy.regions.text)), 0
	};
	if (!policy.regions.text)
		return ERR_MEMORY;
	for (size_t i = 0; i < args->regions.count; i++)
		TRY(read_region(call, &args->regions, i, &policy.regions));
	policy.area_on = policy.regions.count > 0;
	return web_store(call, &website, &policy);
}

/* Published: 0 is blocked. */
#define REGION_BLOCKED 0

static enum err describe_area_run(struct call *call, const void *raw)
{
	const struct web_domains *args = raw;
	struct website *website;
	size_t count;
	json_t *configs, *regions;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "AreaBlockConfigs", &configs));
	for (size_t i = 0; i < count; i++) {
		struct web_policy policy;
		json_t *item = json_object();

		TRY(add(configs, item));
		TRY(web_policy_load(call->db, call->mem, website[i].number, &policy));
		TRY(put_text(item, "Domain", website[i].domain));
		TRY(put_list(item, "RegionList", &regions));
		for (size_t r = 0; r < policy.regions.count; r++)
			TRY(add(regions, json_pack("{s:s, s:i}", "Region", policy.regions.text[r],
						 "Block", REGION_BLOCKED)));
	}
	return OK;
}

static const struct reply_list area_lists[] = {
	{ "AreaBlockConfigs", "AreaBlockConfig" },
	{ "RegionList", "Region" },
	{ NULL, NULL },
};

const struct action web_list_actions[] = {
	{ VERSION_DDOSCOO, "ConfigWebIpSet", WRITE, PERMISSION_FULL, ip_set_params,
		sizeof(struct ip_set), ip_set_run, NULL,
		"sets the black-list and the white-list of a web site", 0 },
	{ VERSION_DDOSCOO, "ModifyWebAreaBlock", WRITE, PERMISSION_FULL, area_params,
		sizeof(struct area), area_run, NULL, "sets the regions that a web site refuses",
		0 },
	{ VERSION_DDOSCOO, "DescribeWebAreaBlockConfigs", READ, PERMISSION_READ, web_domains_params,
		sizeof(struct web_domains), describe_area_run, area_lists,
		"shows the regions that web sites refuse", 0 },
	{ 0 },
};
