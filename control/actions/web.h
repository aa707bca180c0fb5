/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions on the protection of web sites share.
 */
#ifndef CONTROL_ACTIONS_WEB_H
#define CONTROL_ACTIONS_WEB_H

#include "control/actions/website.h"
#include "control/store/web_policy.h"

/* The published forms of most of them: a domain, and a resource group that changes nothing. */
struct web_domain {
	const char *domain, *resource_group;
};
struct web_domains {
	struct text_list domains;
	const char *resource_group;
};
struct web_config { /* with one JSON document */
	const char *domain, *resource_group, *config;
};
extern const struct param web_domain_params[], web_domains_params[];

/* call_website, and what is set for it. */
enum err call_web(struct call *call, const char *domain, struct website *website,
	struct web_policy *policy) MUST_USE;
/* Writes the policy and what differs as the change for the audit log; when nothing does, nodes hear nothing. */
enum err web_store(
	struct call *call, const struct website *website, const struct web_policy *policy) MUST_USE;

/* Whether all its instances have the enhanced function; web_enhanced_only: ERR_ENHANCED_ONLY when not. */
enum err web_enhanced(struct call *call, const struct website *website, bool *out) MUST_USE;
enum err web_enhanced_only(struct call *call, const struct website *website) MUST_USE;

/* A refusal of a reader as that of a parameter: "Rules[0].name is mandatory." index -1: "Rules.". */
enum err web_refused(struct call *call, const char *parameter, int index,
	const struct web_reader *reader, enum err err) MUST_USE;
/* config's member that is 0 or 1; keys: all that it may be called. */
enum err web_config_switch(
	struct call *call, const char *config, const char *keys, bool *out) MUST_USE;

/* Puts the rule, and writes what it was and becomes as the change for the audit log. The same rule again changes nothing
 * at nodes. json is borrowed; until_ms INT64_MAX: for ever. After the last one of a call, web_rules_check. */
enum err web_rule_store(struct call *call, const struct website *website, enum web_rule_kind kind,
	const char *name, const json_t *json, int64_t until_ms) MUST_USE;
/* Refuses what is more than most rules of the two kinds together (they may be the same), and rules that find no room in
 * the site. */
enum err web_rules_check(struct call *call, const struct website *website, enum web_rule_kind kind,
	enum web_rule_kind also, int64_t most) MUST_USE;
/* Deletes the named rules; ones that are not there are as if they were deleted before. */
enum err web_rules_remove(struct call *call, const struct website *website, enum web_rule_kind kind,
	const char *const *names, size_t count) MUST_USE;
/* Machine time in seconds from now; 0 seconds: for ever. */
int64_t web_until(const struct call *call, int64_t seconds);
/* Conditions as replies show them. */
enum err web_put_conditions(json_t *object, const char *name, const struct web_rule *rule) MUST_USE;

#endif
