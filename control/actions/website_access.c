/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the names of web sites answer. A name can be used by several sites: then it answers what it does for the site that
 * it was made for, so that the others must be on all of that site's instances; whatever would break this is refused.
 */
#include <string.h>
#include <strings.h>

#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/dns/names.h"

struct mode_args {
	const char *domain;
	int64_t mode;
};
static const struct param modify_mode_params[] = {
	PARAM_DOMAIN(mode_args, .required = true),
	PARAM(mode_args, mode, "AccessMode", .kind = PARAM_INT, .required = true, .min = 0,
		.max = ACCESS_MODE_COUNT - 1,
		.help = "0: clients come by own records of the customer, 1: by the site's name, "
			"2: its name answers the origins"),
	PARAM_ROW_END,
};

static enum err modify_mode_run(struct call *call, const void *raw)
{
	const struct mode_args *args = raw;
	struct website website, changed;

	TRY(call_website(call, args->domain, &website));
	changed = website;
	changed.access_mode = (enum access_mode)args->mode;
	TRY(website_check_access(call, "AccessMode", &changed));
	TRY(website_update(call->db, &changed));
	return website_record(call, &website, &changed);
}

struct domains_args {
	struct text_list domains;
	const char *resource_group;
};
static const struct param describe_modes_params[] = {
	PARAM_DOMAINS(domains_args, .required = true),
	PARAM_ROW_END,
};

static enum err describe_modes_run(struct call *call, const void *raw)
{
	const struct domains_args *args = raw;
	struct website *website;
	json_t *list;
	size_t count;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "DomainModes", &list));
	for (size_t i = 0; i < count; i++)
		TRY(add(list, json_pack("{s:s, s:i}", "Domain", website[i].domain, "AccessMode",
				      (int)website[i].access_mode)));
	return OK;
}

/* ---- names that are used again */

struct reuse_args {
	const char *domain, *cname, *resource_group;
	int64_t enable;
};
static const struct param modify_reuse_params[] = {
	PARAM_DOMAIN(reuse_args, .required = true),
	PARAM(reuse_args, enable, "Enable", .kind = PARAM_INT, .required = true, .min = 0, .max = 1,
		.help = "1: the site is reached by the name of another"),
	PARAM(reuse_args, cname, "Cname", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = NAMES_SIZE, .help = "name of the other site; needed to switch it on"),
	PARAM_RESOURCE_GROUP(reuse_args),
	PARAM_ROW_END,
};

/* The site that the name was made for, which is not the one that asks. */
static enum err owner_of(
	struct call *call, const struct website *website, const char *cname, struct website *out)
{
	struct website_filter filter = call_website_filter(call);
	size_t label = strcspn(cname, "."), count = 0;
	struct website *list = NULL;
	bool in_zone = call->dns_zone && cname[label] == '.' &&
		       strcasecmp(cname + label + 1, call->dns_zone) == 0;

	filter.account = website->account;
	filter.cname = arena_copy_n(call->mem, cname, label);
	if (!filter.cname)
		return ERR_MEMORY;
	if (in_zone && cname_valid(CNAME_WEBSITE, filter.cname))
		TRY(website_list(call->db, call->mem, &filter, &list, &count, NULL));
	if (count == 0 || list[0].number == website->number)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Cname \"%.128s\" is not the name of another web site.", cname);
	if (list[0].reuse)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Cname \"%.128s\" is of a web site that itself uses another's name.",
			cname);
	*out = list[0];
	return OK;
}

static bool is_on(const struct website *website, int64_t instance)
{
	for (size_t i = 0; i < website->instance_count; i++) {
		if (website->instance[i].number == instance)
			return true;
	}
	return false;
}

/* Requests that the name brings must find the site. */
static enum err check_instances(struct call *call, const char *name, const struct website *owner,
	const struct website *user)
{
	for (size_t i = 0; i < owner->instance_count; i++) {
		if (!is_on(user, owner->instance[i].number))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s: %.100s uses the name of %.100s, and must be on all of its "
				"instances: %s is missing.",
				name, user->domain, owner->domain, owner->instance[i].id);
	}
	return OK;
}

static enum err users_of(
	struct call *call, const struct website *owner, struct website **out, size_t *count)
{
	const struct website_filter filter = { .account = owner->account, .reuses = owner->cname };

	return website_list(call->db, call->mem, &filter, out, count, NULL);
}

enum err website_check_access(struct call *call, const char *name, const struct website *website)
{
	struct website_filter filter = { .account = website->account,
		.cname = website->reuse_cname };
	struct website *list;
	size_t count;

	if (website->access_mode == ACCESS_ORIGIN && website->named)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s: a name answers origins (AccessMode 2) that are addresses (RsType 0).",
			name);
	TRY(users_of(call, website, &list, &count));
	for (size_t i = 0; i < count; i++)
		TRY(check_instances(call, name, website, &list[i]));
	if (!website->reuse)
		return OK;
	TRY(website_list(call->db, call->mem, &filter, &list, &count, NULL));
	return count > 0 ? check_instances(call, name, &list[0], website) : OK;
}

enum err website_check_unused(struct call *call, const char *name, const struct website *website)
{
	struct website *list;
	size_t count;

	TRY(users_of(call, website, &list, &count));
	if (count == 0)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER, "%s: the name of %.100s is used by %.100s.",
		name, website->domain, list[0].domain);
}

static enum err modify_reuse_run(struct call *call, const void *raw)
{
	const struct reuse_args *args = raw;
	struct website website, changed, owner = { .number = 0 };

	TRY(call_website(call, args->domain, &website));
	changed = website;
	changed.reuse = args->enable == 1;
	if (changed.reuse) {
		if (!args->cname || !args->cname[0])
			return refuse(call, ERR_MISSING_PARAMETER, "Cname is mandatory.");
		TRY(website_check_unused(call, "Domain", &website));
		TRY(owner_of(call, &website, args->cname, &owner));
		changed.reuse_cname = owner.cname;
		TRY(check_instances(call, "Domain", &owner, &changed));
	}
	TRY(website_update(call->db, &changed));
	return website_record(call, &website, &changed);
}

static const struct param describe_reuses_params[] = {
	PARAM_DOMAINS(domains_args, .required = true),
	PARAM_RESOURCE_GROUP(domains_args),
	PARAM_ROW_END,
};

static enum err describe_reuses_run(struct call *call, const void *raw)
{
	const struct domains_args *args = raw;
	struct website *website;
	json_t *list;
	size_t count;

	TRY(call_websites(call, &args->domains, &website, &count));
	TRY(put_list(call->reply, "CnameReuses", &list));
	for (size_t i = 0; i < count; i++) {
		const char *cname = website_cname(call, &website[i]);

		if (!cname)
			return ERR_MEMORY;
		TRY(add(list, json_pack("{s:s, s:s, s:i}", "Domain", website[i].domain, "Cname",
				      cname, "Enable", website[i].reuse)));
	}
	return OK;
}

static const struct reply_list modes_lists[] = {
	{ "DomainModes", "DomainMode" },
	{ NULL, NULL },
};
static const struct reply_list reuses_lists[] = {
	{ "CnameReuses", "CnameReuse" },
	{ NULL, NULL },
};

const struct action website_access_actions[] = {
	{ VERSION_DDOSCOO, "ModifyWebAccessMode", WRITE, PERMISSION_FULL, modify_mode_params,
		sizeof(struct mode_args), modify_mode_run, NULL,
		"sets what the name of a web site answers", 0 },
	{ VERSION_DDOSCOO, "DescribeWebAccessMode", READ, PERMISSION_READ, describe_modes_params,
		sizeof(struct domains_args), describe_modes_run, modes_lists,
		"tells what the names of web sites answer", 0 },
	{ VERSION_DDOSCOO, "ModifyCnameReuse", WRITE, PERMISSION_FULL, modify_reuse_params,
		sizeof(struct reuse_args), modify_reuse_run, NULL,
		"lets a web site be reached by the name of another", 0 },
	{ VERSION_DDOSCOO, "DescribeCnameReuses", READ, PERMISSION_READ, describe_reuses_params,
		sizeof(struct domains_args), describe_reuses_run, reuses_lists,
		"tells which web sites are reached by the names of others", 0 },
	{ 0 },
};
