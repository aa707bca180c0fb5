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
/* Policies of a rule beside where it forwards to. */
struct rule_attributes {
	int64_t persistence_seconds; /* 0: off; PERSISTENCE_SECONDS_MIN..MAX */
	int64_t payload_min;	     /* bytes, 0..PAYLOAD_BYTES_MAX, at most payload_max */
	int64_t payload_max;	     /* ..PAYLOAD_BYTES_MAX, or PAYLOAD_MAX_NONE */
};
#define PAYLOAD_MAX_NONE 6000 /* what the published interface describes where nothing is set */

struct port_rule {
	int64_t number; /* the nodes' id, never reused */
	int64_t instance_number;
	enum protocol protocol;
	int64_t frontend_port; /* 1..65535 */
	int64_t backend_port;  /* 1..65535 */
	const char *remark;
	struct rule_attributes attributes; /* a new rule has the store's defaults */
	size_t origin_count;
	struct rule_origin origin[ORIGIN_MAX];
};

const char *protocol_name(enum protocol protocol);
bool protocol_from_name(const char *name, enum protocol *out); /* "tcp", "udp", any case */
/* Adds an origin address in text form. ERR_INVALID_ORIGIN: no address, unspecified, multicast,
 * loopback, link-local or of the other IP version than the instance; ERR_LIMIT: more than
 * ORIGIN_MAX; a repeated one: ERR_INVALID_ORIGIN. Private addresses are allowed: origins often
 * stand behind us. */
enum err port_rule_add_origin(struct port_rule *rule, bool ipv6, const char *text) MUST_USE;

#endif
