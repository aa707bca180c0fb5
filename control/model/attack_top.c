/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of nodes tell a source once for each reason that refused it: here it stands once. The text is JSON: for each kind an
 * array of [key, packets, reason, port], the key being an address or a number; of a web site the reason is a check.
 */
#include "control/model/attack_top.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "control/model/json_auto.h"
#include "shared/request_abi.h"

static const struct {
	const char *name;
	size_t max;
} rows[SIGHTED_KINDS] = {
	[SIGHTED_SOURCE] = { "sources", ATTACK_TOP_MAX },
	[SIGHTED_PORT] = { "ports", ATTACK_TOP_FEW },
	[SIGHTED_LENGTH] = { "lengths", ATTACK_TOP_FEW },
};

bool attack_top_is_empty(const struct attack_top *top)
{
	size_t count = 0;

	for (unsigned kind = 0; kind < SIGHTED_KINDS; kind++)
		count += top->count[kind];
	return count == 0;
}

/* Of a site there are no reasons but of such attacks. */
static bool means(enum attack_kind kind, uint32_t reason)
{
	return kind == ATTACK_WEB_CC ? reason < CHECK_COUNT : attack_reason(kind, reason);
}

/* ---- from lists and back */

static struct attack_place *find(
	struct attack_place *place, size_t count, const struct sighted_key *key)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&place[i].source, &key->source, sizeof(key->source)) == 0 &&
			place[i].value == key->value)
			return &place[i];
	return NULL;
}

/* Moves a place that has grown to where it belongs. */
static void rise(struct attack_place *first, struct attack_place *place)
{
	for (; place > first && place[-1].packets < place->packets; place--) {
		struct attack_place less = place[-1];

		place[-1] = *place;
		*place = less;
	}
}

void attack_top_pick(struct sighted_list *list, enum attack_kind kind, struct attack_top *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned k = 0; k < SIGHTED_KINDS; k++) {
		enum sighted_kind what = (enum sighted_kind)k;
		size_t count = sighted_sort(list, what);
		const struct sighted *entry = sighted_entries(list, what);
		struct attack_place *places = out->place[k];

		for (size_t i = 0; i < count; i++) {
			uint64_t packets = sighted_certain(list, what, &entry[i]);
			struct attack_place *place;

			if (!means(kind, entry[i].key.reason))
				continue;
			place = find(places, out->count[k], &entry[i].key);
			if (!place) {
				if (out->count[k] == rows[k].max)
					continue;
				place = &places[out->count[k]++];
				place->source = entry[i].key.source;
				place->value = entry[i].key.value;
				place->reason = entry[i].key.reason;
				place->to = entry[i].to;
			}
			place->packets += packets;
			rise(places, place);
		}
	}
}

void attack_top_restore(const struct attack_top *top, struct sighted_list *list)
{
	for (unsigned k = 0; k < SIGHTED_KINDS; k++) {
		for (size_t i = 0; i < top->count[k]; i++) {
			const struct attack_place *place = &top->place[k][i];
			const struct sighted entry = {
				.key = { place->source, place->value, place->reason },
				.count = place->packets,
				.votes = place->packets,
				.to = place->to,
				.hits = 2, /* certain */
			};

			sighted_add(list, (enum sighted_kind)k, &entry);
			if (k == SIGHTED_SOURCE)
				list->total += place->packets;
		}
	}
}

void attack_top_forget(struct sighted_list *list, enum attack_kind kind)
{
	for (unsigned k = 0; k < SIGHTED_KINDS; k++) {
		struct sighted *entry = sighted_entries(list, (enum sighted_kind)k);
		uint32_t kept = 0;

		for (uint32_t i = 0; i < list->used[k]; i++)
			if (!means(kind, entry[i].key.reason))
				entry[kept++] = entry[i];
		list->used[k] = kept;
		list->full[k] = false;
	}
}

/* ---- text */

static const char *reason_name(enum attack_kind kind, uint32_t reason)
{
	static const char *const reasons[REASON_COUNT] = {
#define REASON(name, verdict, text) #name,
#include "shared/reasons.def"
#undef REASON
	};
	static const char *const checks[CHECK_COUNT] = {
#define CHECK(name, mode, text) #name,
#include "shared/checks.def"
#undef CHECK
	};

	if (kind == ATTACK_WEB_CC)
		return reason < CHECK_COUNT ? checks[reason] : "";
	return reason < REASON_COUNT ? reasons[reason] : "";
}

const char *attack_place_reason(enum attack_kind kind, const struct attack_place *place)
{
	return reason_name(kind, place->reason);
}

/* REASON_COUNT: none has that name. */
static uint32_t reason_from_name(enum attack_kind kind, const char *name)
{
	uint32_t reason = 0;

	while (reason < REASON_COUNT && strcmp(reason_name(kind, reason), name) != 0)
		reason++;
	return reason;
}

static json_t *place_to_json(unsigned what, enum attack_kind kind, const struct attack_place *place)
{
	char text[ADDRESS_TEXT_SIZE];

	if (what != SIGHTED_SOURCE)
		return json_pack("[I, I, s]", (json_int_t)place->value, (json_int_t)place->packets,
			reason_name(kind, place->reason));
	address_format(place->source.byte, text);
	return json_pack("[s, I, s, I]", text, (json_int_t)place->packets,
		reason_name(kind, place->reason), (json_int_t)place->to);
}

const char *attack_top_format(
	struct arena *mem, enum attack_kind kind, const struct attack_top *top)
{
	AUTO(json) json_t *all = json_object();
	const char *copy;
	char *text;

	for (unsigned what = 0; what < SIGHTED_KINDS; what++) {
		json_t *list = json_array();

		for (size_t i = 0; i < top->count[what]; i++)
			(void)json_array_append_new(
				list, place_to_json(what, kind, &top->place[what][i]));
		(void)json_object_set_new(all, rows[what].name, list);
	}
	text = json_dumps(all, JSON_COMPACT);
	copy = text ? arena_copy(mem, text) : NULL;
	free(text);
	return copy;
}

static bool place_from_json(
	unsigned what, enum attack_kind kind, const json_t *json, struct attack_place *out)
{
	const json_t *key = json_array_get(json, 0);
	json_int_t packets = json_integer_value(json_array_get(json, 1));
	const char *reason = json_string_value(json_array_get(json, 2));

	*out = (struct attack_place){ .packets = (uint64_t)packets };
	out->reason = reason ? reason_from_name(kind, reason) : REASON_COUNT;
	if (packets <= 0 || out->reason == REASON_COUNT)
		return false;
	out->value = (uint32_t)json_integer_value(key);
	out->to = (uint32_t)json_integer_value(json_array_get(json, 3));
	return what != SIGHTED_SOURCE ||
	       (json_is_string(key) && text_to_address(json_string_value(key), out->source.byte));
}

void attack_top_read(enum attack_kind kind, const char *text, struct attack_top *out)
{
	AUTO(json) json_t *all = json_loads(text, 0, NULL);

	memset(out, 0, sizeof(*out));
	for (unsigned what = 0; what < SIGHTED_KINDS; what++) {
		const json_t *list = json_object_get(all, rows[what].name);

		for (size_t i = 0; i < json_array_size(list) && out->count[what] < rows[what].max;
			i++)
			if (place_from_json(what, kind, json_array_get(list, i),
				    &out->place[what][out->count[what]]))
				out->count[what]++;
	}
}
