/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port rule: what arrives at (instance, protocol, frontend port) goes to these origins.
 */
#ifndef CONTROL_MODEL_PORT_RULE_H
#define CONTROL_MODEL_PORT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/limits.h"

enum protocol {
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17
};

struct rule_origin {
	uint8_t address[16];
	int64_t weight; /* 1..100; 100 unless told */
};
/* Policies of a rule beside where it forwards to; meaning, fallbacks and bounds: rule_attributes.def. */
struct rule_attributes {
#define RULE_ATTRIBUTE(name, fallback, least, most, label) int64_t name;
#include "control/model/rule_attributes.def"
#undef RULE_ATTRIBUTE
};
#define PAYLOAD_MAX_NONE 6000 /* what the published interface describes where nothing is set */

struct rule_attribute {
	const char *label;
	size_t offset; /* of the int64_t in struct rule_attributes */
	int64_t fallback, least, most;
};
#define RULE_ATTRIBUTE_COUNT (sizeof(struct rule_attributes) / sizeof(int64_t))
extern const struct rule_attribute
	rule_attribute_rows[RULE_ATTRIBUTE_COUNT]; /* in the order of the members */
int64_t *rule_attribute_at(struct rule_attributes *attributes, size_t row);
int64_t rule_attribute_get(const struct rule_attributes *attributes, size_t row);
struct rule_attributes rule_attributes_fallback(void);

/* Origin redundancy: which of the rule's groups of origins is in force. */
enum origin_group {
	ORIGINS_OWN, /* the rule's own */
	ORIGINS_PRIMARY,
	ORIGINS_SECONDARY
};

struct port_rule {
	int64_t number; /* the nodes' id, never reused */
	int64_t instance_number;
	enum protocol protocol;
	int64_t frontend_port; /* 1..65535 */
	int64_t backend_port;  /* 1..65535 */
	const char *remark;
	struct rule_attributes attributes; /* a new rule has the fallbacks */
	bool backup;			   /* the groups below are in force instead of origin[] */
	enum origin_group current;	   /* PRIMARY or SECONDARY: which one then */
	size_t origin_count;
	struct rule_origin origin[ORIGIN_MAX];
};

const char *protocol_name(enum protocol protocol);
bool protocol_from_name(const char *name, enum protocol *out); /* "tcp", "udp", any case */
/* Adds an origin address in text form. ERR_INVALID_ORIGIN: no address, unspecified, multicast,
 * loopback, link-local, or IPv6 though the instance is not: an IPv6 instance may have IPv4 origins;
 * ERR_LIMIT: more than ORIGIN_MAX; a repeated one: ERR_INVALID_ORIGIN. Private addresses are allowed:
 * origins often stand behind us. */
enum err port_rule_add_origin(struct port_rule *rule, bool ipv6, const char *text) MUST_USE;

#endif
