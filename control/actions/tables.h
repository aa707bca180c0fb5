/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table of actions per noun, each in the file of its name and ended by an empty row; actions.c
 * lists them.
 */
#ifndef CONTROL_ACTIONS_TABLES_H
#define CONTROL_ACTIONS_TABLES_H

#include "control/action.h"

/* A row of a published action that only reads; args_struct holds its parameters. */
#define DDOSCOO_READ(action_name, rows, args_struct, handler, reply_lists, line)                   \
	{                                                                                          \
		.version = VERSION_DDOSCOO, .name = (action_name), .mode = READ,                   \
		.permission = PERMISSION_READ, .params = (rows),                                   \
		.args_size = sizeof(struct args_struct), .run = (handler), .lists = (reply_lists), \
		.summary = (line)                                                                  \
	}

extern const struct action instance_actions[];
extern const struct action instance_order_actions[];
extern const struct action available_actions[];
extern const struct action elastic_actions[];
extern const struct action burst_actions[];
extern const struct action metering_actions[];
extern const struct action export_actions[];
extern const struct action plan_actions[];
extern const struct action tag_actions[];
extern const struct action port_actions[];
extern const struct action network_rule_actions[];
extern const struct action rule_attribute_actions[];
extern const struct action rule_forwarding_actions[];
extern const struct action health_actions[];
extern const struct action layer4_actions[];
extern const struct action list_actions[];
extern const struct action protection_actions[];
extern const struct action policy_actions[];
extern const struct action web_switch_actions[];
extern const struct action web_list_actions[];
extern const struct action web_precise_actions[];
extern const struct action web_cc_actions[];
extern const struct action web_cc_v2_actions[];
extern const struct action web_global_actions[];
extern const struct action web_cache_actions[];
extern const struct action web_check_actions[];
extern const struct action web_log_actions[];
extern const struct action web_log_query_actions[];
extern const struct action web_series_actions[];
extern const struct action web_top_actions[];
extern const struct action web_smart_actions[];
extern const struct action web_acme_actions[];
extern const struct action scene_actions[];
extern const struct action scheduler_actions[];
extern const struct action scheduler_list_actions[];
extern const struct action blackhole_actions[];
extern const struct action attack_actions[];
extern const struct action attack_source_actions[];
extern const struct action visitor_actions[];
extern const struct action port_figure_actions[];
extern const struct action reason_actions[];
extern const struct action explain_actions[];
extern const struct action capture_actions[];
extern const struct action website_rule_actions[];
extern const struct action website_resource_actions[];
extern const struct action website_list_actions[];
extern const struct action website_https_actions[];
extern const struct action website_origin_actions[];
extern const struct action website_header_actions[];
extern const struct action website_access_actions[];
extern const struct action certificate_actions[];
extern const struct action node_actions[];
extern const struct action operation_actions[];
extern const struct action account_actions[];
extern const struct action key_actions[];
extern const struct action drill_actions[];
extern const struct action user_actions[];
extern const struct action session_actions[];
extern const struct action error_actions[];
extern const struct action api_call_actions[];
extern const struct action live_actions[];

struct node_facts;
/* Lists the interfaces of a node with what goes through them. */
enum err put_uplinks(json_t *node, const struct node_facts *facts) MUST_USE;
struct attack_row;
/* The newest attack on the address that began in one of the seconds; found is false without one. */
struct attack_at {
	const char *ip, *type; /* of enum attack_kind, several with commas */
	int64_t begin_s, within_s;
};
enum err attack_find(struct call *call, const struct attack_at *at, bool *found,
	struct attack_row *out) MUST_USE;
/* Appends an attack with all that is known of it, as DescribeAttacks does. */
enum err put_attack(json_t *list, const struct attack_row *row) MUST_USE;

#endif
