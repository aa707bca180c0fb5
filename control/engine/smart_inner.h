/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What smart.c (is there an attack?), smart_usual.c (what is usual?) and smart_rules.c (what is done about it?) share.
 */
#ifndef CONTROL_ENGINE_SMART_INNER_H
#define CONTROL_ENGINE_SMART_INNER_H

#include "control/engine/smart.h"
#include "control/model/usual.h"
#include "control/store/web_policy.h"

struct smart_site {
	struct entry entry;
	struct usual usual;
	bool loaded, stored; /* from the store; what was learned is there */
	uint32_t published;
	int64_t over_ms;	       /* told time: over since then; 0: it is not */
	int64_t before_ms;	       /* what ended by then is not of the attack at hand */
	int64_t attack_ms, last_ms;    /* since when; last time over; 0: no attack */
	int64_t evaluated_ms, made_ms; /* when rules were made last */
	int64_t next_name;
};

/* What is known of the site, with what the store has of it. NULL: no memory, and nothing is learned about it, or *err. */
struct smart_site *smart_site_of(const struct tick *tick, uint32_t number, enum err *err);
/* What is usual in a second; never 0 where anything is. */
uint32_t smart_a_second(uint32_t a_minute);

/* A site under attack. */
struct smart_attack {
	struct tick *tick;
	struct smart_site *site;
	struct website website;
	struct web_policy policy;
	uint64_t rate, threshold; /* requests a second */
};
/* Rules that are still met are kept, and new ones are made while they do not meet enough. */
enum err smart_rules(const struct smart_attack *attack) MUST_USE;

#endif
