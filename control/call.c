/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handler asks of its call: who may see which instance, and how a reply is put together.
 *
 * An instance that the caller may not see is reported exactly as one that does not exist, so that
 * ids of other accounts cannot be probed. JSON values are attached to the reply as soon as they are
 * made: whatever fails later, freeing the reply frees them.
 */
#include "control/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/signature.h"
#include "control/store/user.h"

#define SENTENCE_MAX 512

const struct param no_params[] = { PARAM_ROW_END };

enum err refuse(struct call *call, enum err err, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	if (length < 0)
		return err;
	/* A cut sentence must not end inside a character. */
	size_t used = strlen(sentence);
	if ((size_t)length > used) {
		while (used > 0 && ((unsigned char)sentence[used - 1] & 0xc0) == 0x80)
			used--;
		if (used > 0 && ((unsigned char)sentence[used - 1] & 0x80))
			used--;
		sentence[used] = '\0';
	}
	char *copy = arena_copy(call->mem, sentence);
	if (!copy)
		return ERR_MEMORY;
	call->refusal = copy;
	return err;
}

int64_t call_account(const struct call *call)
{
	return call->key->permission == PERMISSION_OPERATOR ? 0 : call->key->account;
}

bool call_may_use(const struct call *call, const char *id, int64_t account)
{
	int64_t own = call_account(call);
	if (own && own != account)
		return false;
	if (!call->key->instance_count)
		return true;
	for (size_t i = 0; i < call->key->instance_count; i++) {
		if (strcmp(call->key->instance[i], id) == 0)
			return true;
	}
	return false;
}

enum err call_instance(struct call *call, const char *id, struct instance *out)
{
	struct instance found;
	TRY(instance_load(call->db, call->mem, id, &found));
	if (!call_may_use(call, found.id, found.account))
		return ERR_INSTANCE_NOT_FOUND;
	if (call->object && strcmp(call->object, found.id) != 0)
		call->several = true;
	call->object = arena_copy(call->mem, found.id);
	if (!call->object)
		return ERR_MEMORY;
	call->object_account = found.account;
	*out = found;
	return OK;
}

static bool listed_before(const struct text_list *ids, size_t end)
{
	for (size_t i = 0; i < end; i++) {
		if (strcmp(ids->item[i], ids->item[end]) == 0)
			return true;
	}
	return false;
}

enum err call_instances(
	struct call *call, const struct text_list *ids, struct instance **out, size_t *count)
{
	struct instance *list = arena_array(call->mem, ids->count, sizeof(*list));
	if (!list)
		return ERR_MEMORY;
	size_t used = 0;
	for (size_t i = 0; i < ids->count; i++) {
		if (listed_before(ids, i))
			continue;
		TRY(call_instance(call, ids->item[i], &list[used]));
		used++;
	}
	*out = list;
	*count = used;
	return OK;
}

enum err call_instances_of_group(struct call *call, const struct text_list *ids, const char *group,
	struct instance **out, size_t *count)
{
	struct instance *list;
	size_t named, used = 0;

	TRY(call_instances(call, ids, &list, &named));
	for (size_t i = 0; i < named; i++)
		if (!group || strcmp(group, list[i].resource_group) == 0)
			list[used++] = list[i];
	*out = list;
	*count = used;
	return OK;
}

enum err call_past_instance(struct call *call, const char *id, bool *released)
{
	struct instance instance;
	enum err err = call_instance(call, id, &instance);
	if (err == OK) {
		*released = false;
		return OK;
	}
	if (err != ERR_INSTANCE_NOT_FOUND)
		return err;
	int64_t account;
	TRY(instance_released_account(call->db, id, &account));
	if (!call_may_use(call, id, account))
		return ERR_INSTANCE_NOT_FOUND;
	*released = true;
	return OK;
}

const char *call_actor(const struct call *call)
{
	return user_of_parent(call->key->parent) ? call->key->parent : call->key->id;
}

const char *call_cname(const struct call *call, const char *label)
{
	if (!call->dns_zone || !call->dns_zone[0])
		return "";
	return arena_print(call->mem, "%s.%s", label, call->dns_zone);
}

struct instance_filter call_instance_filter(const struct call *call)
{
	return (struct instance_filter){
		.account = call_account(call),
		.allowed = (const char *const *)call->key->instance,
		.allowed_count = call->key->instance_count,
		.edition = -1,
		.enabled = -1,
		.now_ms = call->now_ms,
		.confirmed_generation = (int64_t)nodes_confirmed(call->nodes),
	};
}

enum err call_instance_at(struct call *call, const char *ip, struct instance *out)
{
	struct instance_filter filter = call_instance_filter(call);
	struct instance *found;
	size_t count;

	filter.ip = ip;
	filter.limit = 1;
	*out = (struct instance){ .number = 0 };
	TRY(instance_list(call->db, call->mem, &filter, &found, &count, NULL));
	if (count > 0)
		*out = found[0];
	return OK;
}

int64_t page_offset(int64_t page_number, int64_t page_size)
{
	return (page_number - 1) * page_size;
}

enum err put(json_t *object, const char *name, json_t *value)
{
	return value && json_object_set_new(object, name, value) == 0 ? OK : ERR_MEMORY;
}

enum err put_list(json_t *object, const char *name, json_t **out)
{
	TRY(put(object, name, json_array()));
	*out = json_object_get(object, name);
	return OK;
}

enum err put_object(json_t *object, const char *name, json_t **out)
{
	TRY(put(object, name, json_object()));
	*out = json_object_get(object, name);
	return OK;
}

enum err add(json_t *list, json_t *item)
{
	return item && json_array_append_new(list, item) == 0 ? OK : ERR_MEMORY;
}

enum err put_text(json_t *object, const char *name, const char *text)
{
	return put(object, name, json_string(text ? text : ""));
}

enum err put_int(json_t *object, const char *name, int64_t number)
{
	return put(object, name, json_integer(number));
}

enum err put_time(json_t *object, const char *name, int64_t ms)
{
	char text[CLOCK_ISO_SIZE];
	clock_format_iso(ms, text);
	return put_text(object, name, text);
}

enum err call_change(struct call *call, json_t **old_entity, json_t **new_entity)
{
	if (!call->change)
		call->change = json_object();
	if (!call->change)
		return ERR_MEMORY;
	TRY(put_object(call->change, "oldEntity", old_entity));
	return put_object(call->change, "newEntity", new_entity);
}

const char *ip_version_name(bool ipv6)
{
	return ipv6 ? "Ipv6" : "Ipv4";
}

bool ip_version_from_name(const char *name, bool *ipv6)
{
	*ipv6 = strcasecmp(name, "Ipv6") == 0;
	return *ipv6 || strcasecmp(name, "Ipv4") == 0;
}

/* Two actions may get the same token from one client: each has a space of its own. */
static const char *token_in_ledger(struct call *call, const char *client_token)
{
	return arena_print(call->mem, "%s:%s", call->action->name, client_token);
}

/* What the call asks for: the hash of its action's parameters. The form is sorted by dispatch. */
static const char *request_hash(struct call *call)
{
	struct form asked = { .pair = arena_array(
				      call->mem, call->form->count, sizeof(*asked.pair)) };
	char *hash = arena_take(call->mem, 65), *canonical;

	if (!asked.pair || !hash)
		return NULL;
	for (size_t i = 0; i < call->form->count; i++)
		if (action_takes(call->action, call->form->pair[i].key))
			asked.pair[asked.count++] = call->form->pair[i];
	canonical = form_canonical(call->mem, &asked, NULL);
	if (!canonical)
		return NULL;
	sha256_hex(canonical, strlen(canonical), hash);
	return hash;
}

enum err order_place(struct call *call, const struct instance *instance, const char *client_token,
	int64_t *out_order)
{
	const char *token = NULL, *request = NULL;
	if (client_token) {
		token = token_in_ledger(call, client_token);
		request = request_hash(call);
		if (!token || !request)
			return ERR_MEMORY;
	}
	TRY(order_insert(call->db, call->key->account, call->action->name, instance->id, token,
		call->now_ms, out_order));
	return request ? order_set_request(call->db, *out_order, request) : OK;
}

enum err order_repeated(struct call *call, const char *client_token, bool *found,
	int64_t *out_order, const char **out_instance_id)
{
	*found = false;
	if (!client_token)
		return OK;
	const char *token = token_in_ledger(call, client_token);
	if (!token)
		return ERR_MEMORY;
	enum err err = order_by_token(
		call->db, call->mem, call->key->account, token, out_order, out_instance_id);
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	const char *before, *now = request_hash(call);
	if (!now)
		return ERR_MEMORY;
	TRY(order_request(call->db, call->mem, *out_order, &before));
	/* One that was made before requests were remembered has none. */
	if (before[0] && strcmp(before, now) != 0)
		return ERR_IDEMPOTENT_MISMATCH;
	*found = true;
	return OK;
}
