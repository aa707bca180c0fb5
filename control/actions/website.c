/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may see which web site. One that the caller may not see is reported exactly as one that does not exist.
 */
#include "control/actions/website.h"

#include <string.h>

static bool may_use(const struct call *call, const struct website *website)
{
	for (size_t i = 0; i < website->instance_count; i++) {
		if (!call_may_use(call, website->instance[i].id, website->account))
			return false;
	}
	return true;
}

enum err call_website(struct call *call, const char *domain, struct website *out)
{
	char name[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];
	struct website found;

	if (website_domain(domain, name, why) != OK)
		return ERR_WEBSITE_NOT_FOUND;
	TRY(website_load(call->db, call->mem, call_account(call), name, &found));
	if (!may_use(call, &found))
		return ERR_WEBSITE_NOT_FOUND;
	if (call->object && strcmp(call->object, found.domain) != 0)
		call->several = true;
	call->object = found.domain;
	call->object_account = found.account;
	*out = found;
	return OK;
}

enum err call_websites(
	struct call *call, const struct text_list *domains, struct website **out, size_t *count)
{
	struct website *list = arena_array(call->mem, domains->count, sizeof(*list));
	size_t used = 0;

	if (!list)
		return ERR_MEMORY;
	for (size_t i = 0; i < domains->count; i++) {
		size_t at = 0;

		TRY(call_website(call, domains->item[i], &list[used]));
		while (list[at].number != list[used].number)
			at++;
		used += at == used;
	}
	*out = list;
	*count = used;
	return OK;
}

struct website_filter call_website_filter(const struct call *call)
{
	return (struct website_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
	};
}
