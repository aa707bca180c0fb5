/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port rules as CreatePort and CreateNetworkRules both see them: one check, two spellings of the
 * parameters. where is the prefix of the parameter names in refusals: "" or "NetworkRules[3].".
 */
#ifndef CONTROL_ACTIONS_RULE_H
#define CONTROL_ACTIONS_RULE_H

#include "control/call.h"

struct rule_wish {
	const char *where;
	const char *protocol; /* "tcp", "udp", any case */
	int64_t frontend_port;
	int64_t backend_port;
	struct text_list servers;
	const char *remark; /* NULL: none */
};

/* Checks the wish and adds the rule; ERR_PORT_RULE_LIMIT, ERR_PORT_RULE_EXISTS. */
enum err rule_create(
	struct call *call, const struct instance *instance, const struct rule_wish *wish) MUST_USE;
/* The rule that (protocol, frontend port) name; ERR_PORT_RULE_NOT_FOUND. */
enum err rule_find(struct call *call, const struct instance *instance, const struct rule_wish *wish,
	struct port_rule *out) MUST_USE;
/* The same of the instance with this id. */
enum err rule_of_instance(struct call *call, const char *id, const char *protocol,
	int64_t frontend_port, struct port_rule *out) MUST_USE;
/* The rule that an object with InstanceId, Protocol and FrontendPort names. */
struct json_element;
enum err rule_of_element(struct call *call, const struct json_element *element,
	struct instance *instance, struct port_rule *out) MUST_USE;
/* Gives the rule the wish's origins and backend port. */
enum err rule_modify(struct call *call, const struct instance *instance,
	const struct rule_wish *wish, const struct port_rule *rule) MUST_USE;
/* Gives the rule these attributes, which are checked here; where begins the names in refusals. */
enum err rule_set_attributes(struct call *call, const char *where, const struct port_rule *rule,
	const struct rule_attributes *attributes) MUST_USE;
enum err rule_delete(struct call *call, const struct port_rule *rule) MUST_USE;
/* Origins as a JSON list of strings; NULL when memory is out. */
json_t *rule_servers_json(const struct port_rule *rule);

/* Rows that name one rule, for rule_of_instance: const char *id, *protocol; int64_t frontend_port. */
#define PARAM_RULE(tag)                                                                            \
	PARAM_INSTANCE_ID(tag, .required = true),                                                  \
		PARAM(tag, protocol, "ForwardProtocol", .kind = PARAM_CHOICE,                      \
			.choices = "tcp udp", .required = true, .help = "protocol of the rule"),   \
		PARAM(tag, frontend_port, "FrontendPort", .kind = PARAM_INT, .required = true,     \
			.min = 1, .max = 65535, .help = "port that clients use")

/* Which rules of one instance a caller asks to see; protocol NULL or frontend_port 0: any. */
struct rule_page {
	const char *id, *protocol;
	int64_t frontend_port, page_number, page_size;
};
/* One element of the list; NULL when memory is out. */
typedef json_t *(*rule_element)(const struct port_rule_row *row);
/* Puts TotalCount and the page's NetworkRules into the reply. */
enum err rule_describe(
	struct call *call, const struct rule_page *page, rule_element element) MUST_USE;

/* Which rules a caller names in one JSON parameter, "NetworkRules". */
struct rule_names {
	const char *rules;
};
extern const struct param rule_names_params[];
/* Fills the element of one rule beside what names the rule. */
typedef enum err (*rule_fill)(struct call *call, const struct port_rule *rule, json_t *element);
/* Puts a list into the reply with an element for each of the rules that raw, a struct rule_names, names. */
enum err rule_describe_named(
	struct call *call, const void *raw, const char *list_name, rule_fill fill) MUST_USE;

#endif
