/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the published interface has no words for: when a SYN is answered with a cookie, how the origin learns
 * the client's address, what payloads of the rule look like, and whether unproven UDP sources are
 * challenged. Parameters that are not given leave what is.
 */
#include <strings.h>

#include "base/text.h"
#include "control/actions/rule.h"
#include "control/actions/tables.h"
#include "shared/packet_abi.h"

static const char *const syn_modes[] = {
	[SYN_THRESHOLD] = "threshold", [SYN_ALWAYS] = "always", [SYN_NEVER] = "never"
};
static const char *const client_addresses[] = { [CLIENT_ADDRESS_NONE] = "none",
	[CLIENT_ADDRESS_TOA] = "toa",
	[CLIENT_ADDRESS_PROXY] = "proxy" };
static const char *const forms[] = {
	"none",
#define FORM(name, ...) #name,
#include "shared/forms.def"
#undef FORM
};
/* Protocols that a form is for, in the words of forms.def. */
enum transport {
	TRANSPORT_UDP = 1,
	TRANSPORT_TCP = 2,
	TRANSPORT_BOTH = 3
};
static const enum transport form_transports[] = {
	TRANSPORT_BOTH,
#define FORM(name, transport, ...) TRANSPORT_##transport,
#include "shared/forms.def"
#undef FORM
};
static const char *const switches[] = { "off", "on" };

#define COUNT(names) (sizeof(names) / sizeof(names[0]))

struct config {
	const char *id, *protocol, *syn_mode, *client_address, *form, *challenge;
	int64_t frontend_port;
};
static const struct param config_params[] = {
	PARAM_RULE(config),
	PARAM(config, syn_mode, "SynMode", .kind = PARAM_CHOICE,
		.choices = "threshold always never",
		.help = "when a SYN is answered with a cookie; threshold: above the instance's"),
	PARAM(config, client_address, "ClientAddress", .kind = PARAM_CHOICE,
		.choices = "none toa proxy",
		.help = "how the origin learns the client's address: TCP option or PROXY protocol "
			"v2"),
	PARAM(config, form, "PayloadForm", .kind = PARAM_TEXT, .min = 1, .max = 32,
		.help = "protocol that payloads must have the form of; none: any"),
	PARAM(config, challenge, "Challenge", .kind = PARAM_CHOICE, .choices = "off on",
		.help = "whether UDP sources that have proven nothing are challenged"),
	PARAM_ROW_END,
};

/* The place of text among names; absent: unchanged. */
static enum err pick(struct call *call, const char *name, const char *text,
	const char *const *names, size_t count, int64_t *out)
{
	if (!text)
		return OK;
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(text, names[i]) == 0) {
			*out = (int64_t)i;
			return OK;
		}
	}
	struct text list;
	text_init(&list, call->mem, 1024);
	for (size_t i = 0; i < count; i++)
		text_print(&list, "%s%s", i ? ", " : "", names[i]);
	if (list.failed)
		return ERR_MEMORY;
	return refuse(call, ERR_INVALID_PARAMETER, "%s must be one of %s.", name, list.data);
}

static enum err config_run(struct call *call, const void *raw)
{
	const struct config *args = raw;
	struct port_rule rule;
	TRY(rule_of_instance(call, args->id, args->protocol, args->frontend_port, &rule));
	struct rule_attributes wanted = rule.attributes;
	TRY(pick(call, "SynMode", args->syn_mode, syn_modes, COUNT(syn_modes), &wanted.syn_mode));
	TRY(pick(call, "ClientAddress", args->client_address, client_addresses,
		COUNT(client_addresses), &wanted.client_address));
	TRY(pick(call, "PayloadForm", args->form, forms, COUNT(forms), &wanted.form));
	const enum transport transport =
		rule.protocol == PROTOCOL_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
	if (args->form && !(form_transports[wanted.form] & transport))
		return refuse(call, ERR_INVALID_PARAMETER, "PayloadForm %s is not for %s rules.",
			args->form, protocol_name(rule.protocol));
	TRY(pick(call, "Challenge", args->challenge, switches, COUNT(switches), &wanted.challenge));
	return rule_set_attributes(call, "", &rule, &wanted);
}

static const struct param describe_params[] = {
	PARAM_INSTANCE_ID(rule_page, .required = true),
	PARAM(rule_page, protocol, "ForwardProtocol", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "tcp udp", .help = "only rules of this protocol"),
	PARAM(rule_page, frontend_port, "FrontendPort", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = 65535, .help = "only rules of this port"),
	PARAM_PAGE_NUMBER(rule_page),
	PARAM_PAGE_SIZE(rule_page, LIST_PAGE_MAX, PAGE_SIZE_DEFAULT),
	PARAM_ROW_END,
};

static const char *name_of(const char *const *names, size_t count, int64_t value)
{
	return value >= 0 && (size_t)value < count ? names[value] : "unknown";
}

static json_t *forwarding_element(const struct port_rule_row *row)
{
	const struct rule_attributes *a = &row->rule.attributes;
	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "InstanceId", row->instance_id,
		"Protocol", protocol_name(row->rule.protocol), "FrontendPort",
		(json_int_t)row->rule.frontend_port, "SynMode",
		name_of(syn_modes, COUNT(syn_modes), a->syn_mode), "ClientAddress",
		name_of(client_addresses, COUNT(client_addresses), a->client_address),
		"PayloadForm", name_of(forms, COUNT(forms), a->form), "Challenge",
		name_of(switches, COUNT(switches), a->challenge));
}

static enum err describe_run(struct call *call, const void *raw)
{
	return rule_describe(call, raw, forwarding_element);
}

static const struct reply_list describe_lists[] = { { "NetworkRules", "NetworkRule" },
	{ NULL, NULL } };

const struct action rule_forwarding_actions[] = {
	{ VERSION_POLDER, "ConfigRuleForwarding", WRITE, PERMISSION_FULL, config_params,
		sizeof(struct config), config_run, NULL,
		"says how a port rule answers SYNs, names clients and judges payloads", 0 },
	{ VERSION_POLDER, "DescribeRuleForwarding", READ, PERMISSION_READ, describe_params,
		sizeof(struct rule_page), describe_run, describe_lists,
		"shows how port rules answer SYNs, name clients and judge payloads", 0 },
	{ 0 },
};
