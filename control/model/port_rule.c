/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules: names of protocols and which origins make sense. An origin must be a host that
 * packets can be routed to from a node: private addresses are fine, addresses that mean "nobody",
 * "everybody" or "this host" are not. The origin has the instance's IP version, because nodes do
 * not translate.
 */
#include "control/model/port_rule.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "shared/packet_abi.h"

#define WEIGHT_DEFAULT 100

const struct rule_attribute rule_attribute_rows[] = {
#define RULE_ATTRIBUTE(name, fallback, least, most, label)                                         \
	{ label, offsetof(struct rule_attributes, name), fallback, least, most },
#include "control/model/rule_attributes.def"
#undef RULE_ATTRIBUTE
};

int64_t *rule_attribute_at(struct rule_attributes *attributes, size_t row)
{
	assert(row < RULE_ATTRIBUTE_COUNT);
	return (int64_t *)(void *)((char *)attributes + rule_attribute_rows[row].offset);
}

int64_t rule_attribute_get(const struct rule_attributes *attributes, size_t row)
{
	struct rule_attributes copy = *attributes;

	return *rule_attribute_at(&copy, row);
}

struct rule_attributes rule_attributes_fallback(void)
{
	struct rule_attributes attributes = { 0 };

	for (size_t row = 0; row < RULE_ATTRIBUTE_COUNT; row++)
		*rule_attribute_at(&attributes, row) = rule_attribute_rows[row].fallback;
	return attributes;
}

const char *protocol_name(enum protocol protocol)
{
	return protocol == PROTOCOL_TCP ? "tcp" : "udp";
}

bool protocol_from_name(const char *name, enum protocol *out)
{
	if (strcasecmp(name, "tcp") == 0)
		*out = PROTOCOL_TCP;
	else if (strcasecmp(name, "udp") == 0)
		*out = PROTOCOL_UDP;
	else
		return false;
	return true;
}

/* RFC 6890: this network, loopback, link-local, multicast and above (broadcast among them). */
static bool ipv4_is_host(const uint8_t byte[4])
{
	return byte[0] != 0 && byte[0] != 127 && !(byte[0] == 169 && byte[1] == 254) &&
	       byte[0] < 224;
}

/* Not ::/96 (unspecified, loopback, the old compatible form), not fe80::/10, not ff00::/8. */
static bool ipv6_is_host(const uint8_t byte[16])
{
	static const uint8_t zero[12];

	if (memcmp(byte, zero, sizeof(zero)) == 0)
		return false;
	return !(byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80) && byte[0] != 0xff;
}

enum err port_rule_add_origin(struct port_rule *rule, bool ipv6, const char *text)
{
	uint8_t address[16];
	bool ipv4;

	assert(rule->origin_count <= ORIGIN_MAX);
	if (!text_to_address(text, address))
		return ERR_INVALID_ORIGIN;
	ipv4 = address_is_ipv4(address);
	if (!ipv4 && !ipv6)
		return ERR_INVALID_ORIGIN;
	/* An IPv4 address that is written as an IPv6 one is none. */
	if (ipv4 && ipv6 && strchr(text, ':'))
		return ERR_INVALID_ORIGIN;
	if (ipv4 ? !ipv4_is_host(address + 12) : !ipv6_is_host(address))
		return ERR_INVALID_ORIGIN;
	for (size_t i = 0; i < rule->origin_count; i++)
		if (memcmp(rule->origin[i].address, address, sizeof(address)) == 0)
			return ERR_INVALID_ORIGIN;
	if (rule->origin_count == ORIGIN_MAX)
		return ERR_LIMIT;

	struct rule_origin *origin = &rule->origin[rule->origin_count++];

	memcpy(origin->address, address, sizeof(address));
	origin->weight = WEIGHT_DEFAULT;
	return OK;
}
