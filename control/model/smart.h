/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which rules tell the requests of an attack from those that a site usually has (docs/decisions/021): when there is an
 * attack, and which sources, fingerprints, browsers and URLs it has that the site's usual requests do not have. No I/O, no
 * clock.
 */
#ifndef CONTROL_MODEL_SMART_H
#define CONTROL_MODEL_SMART_H

#include "control/model/web_policy.h"
#include "control/model/web_rule.h"
#include "shared/snapshot_abi.h"

#define SMART_KEYS_MAX	  64 /* of a kind, of an interval */
#define SMART_CHOICES_MAX 4
#define SMART_SOURCES_MAX WEB_VALUE_MAX /* of one rule */
#define SMART_USUAL_LEAST 20 /* requests of before: with fewer it is not known what is usual */

struct smart_level {
	uint32_t factor;   /* tenths: rate over what is usual */
	uint32_t requests; /* a second: below it there is no attack */
	uint32_t share;	   /* per cent of the attack that one key must have */
	uint32_t ratio;	   /* times its usual rate */
	enum rule_action action;
};
const struct smart_level *smart_level(enum web_ai_level level);
/* Requests a second above which a site with so many usual ones a minute is under attack. */
uint64_t smart_threshold(enum web_ai_level level, uint32_t usual_a_minute);

/* What was frequent in an interval. */
struct smart_view {
	struct top_entry *entry; /* the most frequent first */
	size_t count;
	uint64_t total;
};
enum smart_kind {
	SMART_SOURCE,
	SMART_JA4,
	SMART_HTTP2,
	SMART_USER_AGENT,
	SMART_URL,
	SMART_KIND_COUNT
};
enum top_kind smart_top(enum smart_kind kind);
const char *smart_name(enum smart_kind kind); /* "source" ... */

struct smart_input {
	enum web_ai_level level;
	uint64_t attack_rate, usual_rate; /* requests a second */
	struct smart_view attack[SMART_KIND_COUNT], usual[SMART_KIND_COUNT];
	/* Whether the address may not be refused. */
	bool (*is_allowed)(const void *context, const uint8_t address[16]);
	const void *context;
};

struct smart_choice {
	enum smart_kind kind;
	bool by_rate; /* each source above threshold in ten seconds, whatever it asks for */
	uint32_t threshold;
	uint32_t share; /* per cent of the attack, as far as can be told */
	size_t keys;
	const struct top_entry *key[SMART_SOURCES_MAX]; /* of the input's */
};
/* An address as rules name it: of IPv6 its /64. out: PREFIX_TEXT_SIZE of base/text.h. */
void smart_source(const uint8_t address[16], char *out);
/* The choices that explain the attack best, at most SMART_CHOICES_MAX; none when it is not known what is usual. */
size_t smart_choose(const struct smart_input *input, struct smart_choice out[SMART_CHOICES_MAX]);

/* The choice as a rule, without a name. allowed: prefixes that it must not meet, at most WEB_VALUE_MAX. ERR_MEMORY. */
enum err smart_rule(struct arena *mem, const struct smart_choice *choice, enum web_ai_level level,
	const char *const *allowed, size_t allowed_count, struct web_rule *out) MUST_USE;

#endif
