/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What several actions share: parameter rows that mean the same everywhere, page arithmetic, and the
 * building of replies. Refusals name the parameter, so that a client knows what to mend.
 */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include "control/action.h"

#define INSTANCE_IDS_MAX                                                                           \
	200 /* published for DescribeInstances; the same for the other lists of ids */
#define INSTANCE_ID_BYTES                                                                          \
	64 /* longer than any id: an unknown form is "not found", not "too long" */
#define PAGE_NUMBER_MAX	  10000 /* with 100 entries a page: a million, more than any list holds */
#define PAGE_SIZE_DEFAULT 10
#define PAGE_SIZE_MAX	  50
#define LIST_PAGE_MAX	  100 /* lists without a published maximum */

/* Each expects a member of the named type: const char *id; struct text_list ids; int64_t page_number,
 * page_size. The rest of a row (.required = true, .type = "String") follows as further arguments. */
#define PARAM_INSTANCE_ID(tag, ...)                                                                \
	PARAM(tag, id, "InstanceId", .kind = PARAM_TEXT, .min = 1, .max = INSTANCE_ID_BYTES,       \
		.help = "instance to act on", __VA_ARGS__)
#define PARAM_INSTANCE_IDS(tag, ...)                                                               \
	PARAM(tag, ids, "InstanceIds", .kind = PARAM_TEXT_LIST, .max = INSTANCE_IDS_MAX,           \
		.item_max = INSTANCE_ID_BYTES, .help = "instances to show", __VA_ARGS__)
#define PARAM_PAGE_NUMBER(tag, ...)                                                                \
	PARAM(tag, page_number, "PageNumber", .kind = PARAM_INT, .empty_is_absent = true,          \
		.min = 1, .max = PAGE_NUMBER_MAX, .fallback = 1, .help = "page to show, from 1",   \
		__VA_ARGS__)
#define PARAM_PAGE_SIZE(tag, most, standard, ...)                                                  \
	PARAM(tag, page_size, "PageSize", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,    \
		.max = (most), .fallback = (standard), .help = "entries of a page", __VA_ARGS__)
#define PARAM_RESOURCE_GROUP(tag)                                                                  \
	PARAM(tag, resource_group, "ResourceGroupId", .kind = PARAM_TEXT, .empty_is_absent = true, \
		.max = 64, .help = "resource group of the instances")
#define PARAM_ROW_END                                                                              \
	{                                                                                          \
		.kind = PARAM_END                                                                  \
	}

extern const struct param no_params[]; /* with an args_size of 0 */

/* Entries before a page. */
int64_t page_offset(int64_t page_number, int64_t page_size);

/* Whether the caller's key may see the instance of this id and account. */
bool call_may_use(const struct call *call, const char *id, int64_t account);
/* The caller's instance of this address; number 0: there is none. */
enum err call_instance_at(struct call *call, const char *ip, struct instance *out) MUST_USE;
/* call_instance for each id, in the order of the request, repeated ids once. */
enum err call_instances(struct call *call, const struct text_list *ids, struct instance **out,
	size_t *count) MUST_USE;
/* Of these those in a resource group; NULL: all. */
enum err call_instances_of_group(struct call *call, const struct text_list *ids, const char *group,
	struct instance **out, size_t *count) MUST_USE;
/* Account of an instance that exists or existed; ERR_INSTANCE_NOT_FOUND when the caller may not see it. */
enum err call_past_instance(struct call *call, const char *id, bool *released) MUST_USE;
/* Who calls, as the audit log has it: the key, or the user whose session it is. */
const char *call_actor(const struct call *call);
/* Account and allowed instances of the caller. */
struct instance_filter call_instance_filter(const struct call *call);

/* A new list or object inside object or list; out is borrowed from it. */
enum err put_list(json_t *object, const char *name, json_t **out) MUST_USE;
enum err put_object(json_t *object, const char *name, json_t **out) MUST_USE;
/* Appends item (owned from now on); NULL, as json_pack gives without memory, is ERR_MEMORY. */
enum err add(json_t *list, json_t *item) MUST_USE;
enum err put_text(json_t *object, const char *name, const char *text) MUST_USE; /* NULL: "" */
enum err put_int(json_t *object, const char *name, int64_t number) MUST_USE;
enum err put_time(
	json_t *object, const char *name, int64_t ms) MUST_USE; /* "2026-01-02T03:04:05Z" */

/* "label.zone", as a customer writes it after CNAME; "" when there is no zone, NULL: no memory. */
const char *call_cname(const struct call *call, const char *label);

/* The {"oldEntity":..,"newEntity":..} of the audit record; out are borrowed from call->change. */
enum err call_change(struct call *call, json_t **old_entity, json_t **new_entity) MUST_USE;

const char *ip_version_name(bool ipv6); /* "Ipv4", "Ipv6" */
/* "Ipv4" or "Ipv6", any case: some published examples write IPv4. */
bool ip_version_from_name(const char *name, bool *ipv6);
/* Order number for the shop's ledger, remembered under the action's own space of client tokens. */
enum err order_place(struct call *call, const struct instance *instance, const char *client_token,
	int64_t *out_order) MUST_USE;
/* The order that this action made for the token before; found is false without one or without a token.
 * ERR_IDEMPOTENT_MISMATCH: it asked for something else. */
enum err order_repeated(struct call *call, const char *client_token, bool *found,
	int64_t *out_order, const char **out_instance_id) MUST_USE;

#endif
