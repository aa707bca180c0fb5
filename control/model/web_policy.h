/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is switched on for a web site, beside its rules: one document, which the store keeps as the setting "policy". A
 * site for which nothing was set has the fallback, and a document that lacks a member has it from there. No I/O, no clock.
 *
 * Frequency control has three switches, as published: all of it (cc_open, ModifyWebCCGlobalSwitch), the mode with its
 * custom rules (cc_on, EnableWebCC), and the custom rules alone (cc_rules_on, EnableWebCCRule). A rule works when all
 * three are on.
 */
#ifndef CONTROL_MODEL_WEB_POLICY_H
#define CONTROL_MODEL_WEB_POLICY_H

#include "control/model/web_reader.h"
#include "shared/request_abi.h"

#define WEB_POLICY_SETTING "policy" /* its name in the store */
#define WEB_LIST_MAX	   200 /* prefixes of the black-list, and of the white-list; published */
#define WEB_REGION_MAX	   300 /* all there are */
#define CHECK_UNSET	   3   /* of a check whose mode nobody chose */
static_assert(2 * WEB_LIST_MAX <= SITE_PREFIX_MAX, "a site holds both lists");

enum web_level { /* of the shipped rules: a level has its own rules and those of the levels before it */
	WEB_LEVEL_WEAK,
	WEB_LEVEL_DEFAULT,
	WEB_LEVEL_HARD,
	WEB_LEVEL_COUNT
};
enum web_ai_level {
	WEB_AI_LOOSE,
	WEB_AI_NORMAL,
	WEB_AI_STRICT,
	WEB_AI_COUNT
};
struct web_prefixes {
	const char **text; /* as DescribeDomainResource shows them: "198.51.100.0/24" */
	size_t count;
};
struct web_policy {
	bool cc_open, cc_on, cc_rules_on;
	enum site_pace pace; /* chosen mode; not OFF */
	bool precise_on;
	bool lists_on;
	struct web_prefixes black, white;
	bool area_on;
	struct web_prefixes regions; /* "US", "CN-HONGKONG" */
	bool ai_on, ai_defense;	     /* defense: else what is met is only watched */
	enum web_ai_level ai_level;
	bool global_on;
	enum web_level global_level;
	bool cache_on;
	enum site_cache cache; /* chosen mode; not OFF */
	uint32_t
		cache_edition; /* another one with each order about caching: voids what nodes hold */
	bool log_on;
	bool bypass;		    /* by a scene policy: all requests pass */
	uint8_t check[CHECK_COUNT]; /* enum check_mode, or CHECK_UNSET */
};

struct web_policy web_policy_fallback(void);
/* json: "" is the fallback. Only ERR_MEMORY: what no row knows is left out. */
enum err web_policy_parse(struct arena *mem, const char *json, struct web_policy *out) MUST_USE;
enum err web_policy_format(
	struct arena *mem, const struct web_policy *policy, const char **out) MUST_USE;

const char *web_pace_name(enum site_pace pace); /* "default", "gf_under_attack" ... */
bool web_pace_from_name(const char *name, enum site_pace *out);
const char *web_level_name(enum web_level level); /* "weak", "default", "hard" */
bool web_level_from_name(const char *name, enum web_level *out);
const char *web_ai_level_name(enum web_ai_level level); /* "level30" ... */
bool web_ai_level_from_name(const char *name, enum web_ai_level *out);
const char *web_cache_name(enum site_cache cache); /* "standard", "aggressive", "bypass" */
bool web_cache_from_name(const char *name, enum site_cache *out);

/* A list's entry: an address, or a prefix whose bits beyond its length do not count ("2.2.2.2/24", as published). */
bool web_prefix(const char *text, uint8_t out[16], unsigned *out_bits);
/* "US", a published number of a country, or "CN-" and a region's name in capitals without blanks: its one spelling in
 * out. ERR_INVALID_PARAMETER: there is none; ERR_NOT_ENFORCEABLE: no database says where it is. */
#define WEB_REGION_SIZE 32
enum err web_region(const char *text, char out[WEB_REGION_SIZE]) MUST_USE;
/* Sets the bit that nodes know it by. */
void web_region_set(const char *region, uint64_t bits[4]);

/* ---- checks */
const char *web_check_name(enum check check);
const char *web_check_text(enum check check);
enum check_mode web_check_default(enum check check);
bool web_check_from_name(const char *name, enum check *out);
/* Whether a site has a mode for it: others are met before it is known which site is asked. */
bool web_check_of_site(enum check check);
/* What is in force: chosen, or what its switches say. */
enum check_mode web_check_mode(const struct web_policy *policy, enum check check);
const char *check_mode_name(enum check_mode mode); /* "off", "watch", "block" */

#endif
