/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name follows the packets: it answers the protected address exactly as long as the nodes forward
 * what arrives there, which is the column "forwarding" of the life-cycle table and nothing else.
 * The digest sums over records because a server gives them back in an order of its own.
 */
#include "control/dns/names.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "control/model/lifecycle.h"

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
static const char label_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

void names_label(const char *id, char out[INSTANCE_ID_SIZE])
{
	size_t i;

	assert(strlen(id) < INSTANCE_ID_SIZE);
	for (i = 0; id[i]; i++)
		out[i] = (char)tolower((unsigned char)id[i]);
	out[i] = '\0';
}

bool names_label_valid(const char *label)
{
	/* "ddoscoo-cn-" or "ddosdip-sg-" and 11 of [a-z0-9]. */
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const size_t prefix = strlen("ddoscoo-"), place = strlen("cn-"), random = 11;

	if (strncmp(label, "ddoscoo-", prefix) != 0 && strncmp(label, "ddosdip-", prefix) != 0)
		return false;
	label += prefix;
	if (strspn(label, alphabet) != place - 1 || label[place - 1] != '-')
		return false;
	return strspn(label + place, alphabet) == random && label[place + random] == '\0';
}

void names_full(const char *id, const char *zone, char out[NAMES_SIZE])
{
	char label[INSTANCE_ID_SIZE];

	assert(strlen(zone) <= NAMES_ZONE_MAX);
	names_label(id, label);
	(void)snprintf(out, NAMES_SIZE, "%s.%s", label, zone);
}

bool names_zone_valid(const char *zone)
{
	size_t size = strlen(zone);

	if (size == 0 || size > NAMES_ZONE_MAX)
		return false;
	for (;;) {
		size_t label = strspn(zone, label_bytes);

		if (label == 0 || label > LABEL_MAX || zone[0] == '-' || zone[label - 1] == '-')
			return false;
		zone += label;
		if (*zone == '\0')
			return true;
		if (*zone++ != '.')
			return false;
	}
}

bool names_need_origins(const struct instance *instance, int64_t now_ms)
{
	return instance->switch_back_origin &&
	       !lifecycle_at(instance->expire_ms, now_ms)->forwarding;
}

static void add_once(struct names_answer *answer, const uint8_t address[16])
{
	for (size_t i = 0; i < answer->count; i++) {
		if (memcmp(answer->address[i], address, 16) == 0)
			return;
	}
	if (answer->count < NAMES_ADDRESS_MAX)
		memcpy(answer->address[answer->count++], address, 16);
}

void names_answer(const struct instance *instance, const uint8_t (*origin)[16], size_t origin_count,
	int64_t now_ms, struct names_answer *out)
{
	memset(out, 0, sizeof(*out));
	if (!instance)
		return;
	out->ipv6 = instance->ipv6;
	if (lifecycle_at(instance->expire_ms, now_ms)->forwarding) {
		add_once(out, instance->vip);
		return;
	}
	for (size_t i = 0; instance->switch_back_origin && i < origin_count; i++) {
		/* An IPv6 instance may have IPv4 origins, but its name has AAAA records only: one of
		 * the wrong type would be refused by the server, and with it all of the batch. */
		if (address_is_ipv4(origin[i]) != instance->ipv6)
			add_once(out, origin[i]);
	}
}

void names_site_answer(const struct names_site *site, int64_t now_ms, struct names_answer *out)
{
	bool back = site->mode == ACCESS_ORIGIN;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; site->mode != ACCESS_ORIGIN && i < site->instance_count; i++) {
		const struct instance *instance = &site->instance[i];

		if (lifecycle_at(instance->expire_ms, now_ms)->forwarding)
			add_once(out, instance->vip);
		back |= instance->switch_back_origin;
	}
	if (out->count > 0 || !back)
		return;
	for (size_t i = 0; i < site->origin_count; i++)
		add_once(out, site->origin[i]);
}

void names_rule_answer(const struct scheduler_rule *rule, struct names_answer *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < rule->resource_count; i++) {
		const struct scheduler_resource *resource = &rule->resource[i];

		if (!resource->state.answered)
			continue;
		if (resource->named) {
			*out = (struct names_answer){ .count = 1, .target = resource->value };
			return;
		}
		add_once(out, resource->address);
	}
}

static uint64_t hash(uint64_t state, const void *data, size_t size)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size; i++)
		state = (state ^ byte[i]) * UINT64_C(0x100000001b3);
	return state;
}

static uint64_t digest(const void *data, size_t size, int64_t ttl_s)
{
	/* FNV-1a, and a finaliser (splitmix64) that makes sums of similar records differ. */
	uint64_t x = hash(hash(UINT64_C(0xcbf29ce484222325), data, size), &ttl_s, sizeof(ttl_s));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t names_record_digest(const uint8_t address[16], int64_t ttl_s)
{
	return digest(address, 16, ttl_s);
}

uint64_t names_target_digest(const char *target, int64_t ttl_s)
{
	size_t length = strlen(target);

	return digest(target, length - (length > 0 && target[length - 1] == '.'), ttl_s);
}

uint64_t names_digest(const struct names_answer *answer, int64_t ttl_s)
{
	uint64_t sum = 0;

	if (answer->target)
		return names_target_digest(answer->target, ttl_s);
	for (size_t i = 0; i < answer->count; i++)
		sum += names_record_digest(answer->address[i], ttl_s);
	return sum;
}
