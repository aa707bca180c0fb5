/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a given packet would meet. The decisions of the packet path are walked in their order, over what is in the
 * store and what nodes reported. What only the packet or the node can know (its payload, the rate it comes at, the country
 * of its source if the control was not told) is told as "depends", with what is set; the first certain drop decides.
 */
#include "control/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/model/country.h"
#include "control/model/lifecycle.h"
#include "control/region.h"
#include "control/store/policy.h"
#include "control/store/website.h"

static const char *const reason_texts[REASON_COUNT] = {
#define REASON(name, verdict, text) text,
#include "shared/reasons.def"
#undef REASON
};

struct explain {
	const char *source, *destination, *protocol;
	int64_t port, source_port;
};
static const struct param explain_params[] = {
	PARAM(explain, source, "Source", .kind = PARAM_TEXT, .required = true, .min = 1, .max = 64,
		.help = "address that the packet comes from"),
	PARAM(explain, destination, "Destination", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = 64, .help = "address that it goes to"),
	PARAM(explain, protocol, "Protocol", .kind = PARAM_CHOICE, .required = true,
		.choices = "tcp udp", .help = "its protocol"),
	PARAM(explain, port, "Port", .kind = PARAM_INT, .required = true, .min = 1, .max = 65535,
		.help = "port that it goes to"),
	PARAM(explain, source_port, "SourcePort", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = 65535, .help = "port that it comes from"),
	PARAM_ROW_END,
};

enum finding {
	FOUND_PASS,    /* goes on */
	FOUND_ALLOWED, /* goes on, and meets no mitigation */
	FOUND_DEPENDS, /* on what is not known here */
	FOUND_WATCH,   /* would be dropped if the mitigation were not only watched */
	FOUND_DROP
};
static const char *const finding_names[] = { "pass", "allow", "depends", "watch", "drop" };

struct explanation {
	struct call *call;
	const struct explain *args;
	uint8_t source[16];
	struct instance instance;
	struct protection protection;
	struct policy policy;
	struct port_rule rule;
	bool mitigated; /* neither expired nor on the allow-list */
	bool has_rule, has_website;
	bool decided; /* dropped: the rest would not be asked */
	json_t *steps;
};

static enum err tell(struct explanation *e, const char *name, uint32_t reason, enum finding finding,
	const char *detail)
{
	json_t *item = json_object();
	if (!detail) {
		json_decref(item);
		return ERR_MEMORY;
	}
	TRY(add(e->steps, item));
	TRY(put_text(item, "Name", name));
	TRY(put_text(item, "Result", finding_names[finding]));
	TRY(put_text(item, "Detail", detail));
	if (reason < REASON_COUNT) {
		struct reason_measure measure;
		(void)nodes_reason(
			e->call->nodes, e->instance.number, reason, e->call->clock_ms, &measure);
		TRY(put_int(item, "DroppedPackets", (int64_t)measure.total.packets));
	}
	if (finding != FOUND_DROP)
		return OK;
	e->decided = true;
	TRY(put_text(e->call->reply, "Verdict", "drop"));
	return put_text(e->call->reply, "Reason", name);
}

static enum err tell_mitigation(
	struct explanation *e, enum mitigation mitigation, const char *detail)
{
	enum mitigation_mode mode = protection_mode(&e->protection, mitigation);
	return tell(e, mitigation_name(mitigation), (uint32_t)MITIGATION_REASON(mitigation),
		mode == MITIGATION_BLOCK   ? FOUND_DROP
		: mode == MITIGATION_WATCH ? FOUND_WATCH
					   : FOUND_PASS,
		detail);
}

static enum err explain_life(struct explanation *e)
{
	const struct lifecycle_row *row = lifecycle_at(e->instance.expire_ms, e->call->now_ms);
	char until[CLOCK_ISO_SIZE];
	clock_format_iso(e->instance.expire_ms, until);
	e->mitigated = row->mitigation;
	return tell(e, "mitigation", REASON_COUNT, FOUND_PASS,
		arena_print(e->call->mem, "%s %s: %s", row->mitigation ? "on until" : "off since",
			until, e->instance.id));
}

static enum err explain_blackhole(struct explanation *e)
{
	char until[CLOCK_ISO_SIZE];
	if (!e->mitigated || e->call->clock_ms >= e->protection.blackhole_until_ms)
		return OK;
	clock_format_iso(e->protection.blackhole_until_ms, until);
	return tell(e, "blackhole", REASON_blackhole, FOUND_DROP,
		arena_print(e->call->mem, "until %s", until));
}

/* The entry that covers the source and lasts longest; NULL: none. */
static enum err find_entry(
	struct explanation *e, enum list_kind kind, const struct list_entry_row **out)
{
	struct list_entry_filter filter = {
		.instance_number = e->instance.number,
		.kind = kind,
		.automatic = -1,
		.clock_ms = e->call->clock_ms,
	};
	struct list_entry_row *rows;
	size_t count;
	*out = NULL;
	TRY(list_entry_list(e->call->db, e->call->mem, &filter, &rows, &count, NULL));
	for (size_t i = 0; i < count; i++) {
		if (prefix_covers(rows[i].source, rows[i].prefix_bits, e->source) &&
			(!*out || rows[i].until_ms > (*out)->until_ms))
			*out = &rows[i];
	}
	return OK;
}

static const char *entry_detail(struct explanation *e, const struct list_entry_row *row)
{
	char prefix[PREFIX_TEXT_SIZE], since[CLOCK_ISO_SIZE], until[CLOCK_ISO_SIZE];
	prefix_format(row->source, row->prefix_bits, prefix);
	clock_format_iso(row->since_ms, since);
	clock_format_iso(row->until_ms == INT64_MAX ? 0 : row->until_ms, until);
	return arena_print(e->call->mem, "entry %s%s%s, set by %s at %s, %s%s", prefix,
		row->automatic ? ", automatic: " : "", row->automatic ? row->mitigation : "",
		row->actor[0] ? row->actor : "an unknown key",
		row->since_ms ? since : "an unknown time",
		row->until_ms == INT64_MAX ? "for ever" : "until ",
		row->until_ms == INT64_MAX ? "" : until);
}

static enum err explain_lists(struct explanation *e)
{
	const struct list_entry_row *row;
	if (!e->mitigated)
		return OK;
	TRY(find_entry(e, LIST_ALLOW, &row));
	if (row) {
		e->mitigated = false;
		return tell(e, "allow_list", REASON_COUNT, FOUND_ALLOWED, entry_detail(e, row));
	}
	TRY(find_entry(e, LIST_BLOCK, &row));
	return row ? tell_mitigation(e, MITIGATION_block_list, entry_detail(e, row)) : OK;
}

/* Who is banned is known to the node where it happened. */
static enum err explain_bans(struct explanation *e)
{
	struct website_usage usage;
	if (!e->mitigated || e->decided ||
		protection_mode(&e->protection, MITIGATION_request_ban) == MITIGATION_OFF)
		return OK;
	TRY(website_usage(e->call->db, e->instance.number, 0, "", &usage));
	if (usage.domains == 0)
		return OK;
	return tell(e, "request_ban", REASON_request_ban, FOUND_DEPENDS,
		"on bans by checks and rules of the instance's web sites: nodes know them");
}

/* What nodes have of the instance: control/engine/publish_policy.c. */
static bool region_is_blocked(const struct explanation *e, int country)
{
	enum mitigation_mode mode = protection_mode(&e->protection, MITIGATION_region);
	uint64_t bits[4] = { 0 };
	if (e->policy.region_on && (!e->policy.diverted || mode == MITIGATION_BLOCK)) {
		countries_to_bits(e->policy.countries, bits);
		provinces_to_bits(e->policy.provinces, bits);
	}
	if (e->policy.diverted)
		countries_abroad(bits);
	return bits[(country + 1) / 64] >> (country + 1) % 64 & 1;
}

/* The source is of that country, or of none. */
static enum err tell_region(struct explanation *e, int country)
{
	bool blocked = region_is_blocked(e, country);
	const char *detail =
		country < 0 ? "the source is of no known country, which is not blocked"
			    : arena_print(e->call->mem, "the source is of %s (%s), which is %s",
				      countries[country].code, countries[country].name,
				      blocked ? "blocked" : "not blocked");
	if (!blocked)
		return tell(e, "region", REASON_region, FOUND_PASS, detail);
	if (e->policy.diverted)
		return tell(e, "region", REASON_region, FOUND_DROP, detail);
	return tell_mitigation(e, MITIGATION_region, detail);
}

static enum err explain_region(struct explanation *e)
{
	bool diverted = e->policy.diverted, loaded;
	int country;
	if (!e->mitigated || e->decided || (!diverted && !e->policy.region_on))
		return OK;
	if (!diverted && protection_mode(&e->protection, MITIGATION_region) == MITIGATION_OFF)
		return OK;
	country = region_find(e->call->regions, e->source, &loaded);
	if (country >= 0 || loaded)
		return tell_region(e, country);
	return tell(e, "region", REASON_region, FOUND_DEPENDS,
		diverted ? "sources outside of China are kept away: nodes know the country of the "
			   "source"
			 : arena_print(e->call->mem,
				   "blocked are %s: nodes know the country of the source",
				   e->policy.countries[0] ? e->policy.countries : "no countries"));
}

static enum err explain_reflection(struct explanation *e)
{
	if (!e->mitigated || e->decided || strcmp(e->args->protocol, "udp") != 0)
		return OK;
	for (size_t i = 0; i < e->policy.reflection_count; i++) {
		if (e->policy.reflection[i] == e->args->source_port)
			return tell_mitigation(e, MITIGATION_reflection,
				arena_print(e->call->mem, "source port %u is refused",
					e->policy.reflection[i]));
	}
	if (e->policy.reflection_count == 0 || e->args->source_port != 0)
		return OK;
	return tell(e, "reflection", REASON_reflection, FOUND_DEPENDS,
		"on the source port, which was not named");
}

static enum err explain_patterns(struct explanation *e)
{
	if (!e->mitigated || e->decided || e->policy.pattern_count == 0)
		return OK;
	return tell(e, "payload_match", REASON_payload_match, FOUND_DEPENDS,
		arena_print(e->call->mem, "on the payload: %zu patterns are refused",
			e->policy.pattern_count));
}

static enum err explain_forwarding(struct explanation *e)
{
	if (e->decided || lifecycle_at(e->instance.expire_ms, e->call->now_ms)->forwarding)
		return OK;
	return tell(e, "forwarding_off", REASON_forwarding_off, FOUND_DROP,
		reason_texts[REASON_forwarding_off]);
}

/* A web site's port ends at the node's web server, and goes before a port rule. */
static enum err explain_website(struct explanation *e)
{
	struct website_port_use use;
	if (e->decided || strcmp(e->args->protocol, "tcp") != 0)
		return OK;
	TRY(website_port_used(
		e->call->db, e->call->mem, e->instance.number, e->args->port, 0, &use));
	if (use.schemes == 0)
		return OK;
	e->has_website = true;
	return tell(e, "local", REASON_COUNT, FOUND_PASS,
		arena_print(
			e->call->mem, "port of web site %s: to the node's web server", use.domain));
}

static enum err explain_service(struct explanation *e)
{
	enum protocol protocol =
		strcmp(e->args->protocol, "tcp") == 0 ? PROTOCOL_TCP : PROTOCOL_UDP;
	enum err err;
	if (e->decided || e->has_website)
		return OK;
	err = port_rule_load(
		e->call->db, e->call->mem, e->instance.number, protocol, e->args->port, &e->rule);
	if (err == ERR_PORT_RULE_NOT_FOUND)
		return tell(e, "no_service", REASON_no_service, FOUND_DROP,
			reason_texts[REASON_no_service]);
	TRY(err);
	e->has_rule = true;
	return tell(e, "service", REASON_COUNT, FOUND_PASS,
		arena_print(e->call->mem, "port rule %lld/%s with %zu origins",
			(long long)e->args->port, e->args->protocol, e->rule.origin_count));
}

static enum err explain_origins(struct explanation *e)
{
	size_t unhealthy = 0;
	if (!e->has_rule || e->decided)
		return OK;
	if (e->rule.origin_count == 0)
		return tell(e, "no_origin", REASON_no_origin, FOUND_DROP,
			reason_texts[REASON_no_origin]);
	for (size_t i = 0; i < e->rule.origin_count; i++) {
		struct origin_health health;
		if (nodes_health(e->call->nodes, e->rule.number, e->rule.origin[i].address,
			    e->rule.backend_port, &health) &&
			health.unhealthy_nodes > 0)
			unhealthy++;
	}
	return tell(e, "origins", REASON_COUNT, FOUND_PASS,
		arena_print(e->call->mem, "%zu of %zu do not answer their health check%s",
			unhealthy, e->rule.origin_count,
			unhealthy == e->rule.origin_count ? ": all are used all the same" : ""));
}

static enum err explain_limits(struct explanation *e)
{
	struct service_measure now;
	if (!e->has_rule || e->decided || !e->mitigated)
		return OK;
	(void)nodes_service(e->call->nodes, e->rule.number, &now);
	unsigned long long refused = now.refused_rate;
	refused += now.refused_connections;
	if (refused == 0)
		return OK;
	return tell(e, "limits", REASON_COUNT, FOUND_DEPENDS,
		arena_print(e->call->mem,
			"on the port rule's limits: %llu connections are open, %llu were refused",
			(unsigned long long)now.connections, refused));
}

/* In the order of the packet path. */
static enum err (*const explainers[])(struct explanation *e) = {
	explain_life,
	explain_blackhole,
	explain_lists,
	explain_bans,
	explain_region,
	explain_reflection,
	explain_patterns,
	explain_forwarding,
	explain_website,
	explain_service,
	explain_limits,
	explain_origins,
};

static enum err read_addresses(struct explanation *e, const char **destination)
{
	uint8_t address[16];
	char *text = arena_take(e->call->mem, ADDRESS_TEXT_SIZE);
	if (!text)
		return ERR_MEMORY;
	if (!text_to_address(e->args->source, e->source))
		return refuse(e->call, ERR_INVALID_PARAMETER, "Source must be an address.");
	if (!text_to_address(e->args->destination, address))
		return refuse(e->call, ERR_INVALID_PARAMETER, "Destination must be an address.");
	if (address_is_ipv4(address) != address_is_ipv4(e->source))
		return refuse(e->call, ERR_INVALID_PARAMETER,
			"Source and Destination must be of one IP version.");
	address_format(address, text);
	*destination = text;
	return OK;
}

static enum err explain_run(struct call *call, const void *raw)
{
	struct explanation e = { .call = call, .args = raw };
	const char *destination = NULL;
	TRY(read_addresses(&e, &destination));
	TRY(put_list(call->reply, "Steps", &e.steps));
	TRY(call_instance_at(call, destination, &e.instance));
	if (!e.instance.number) {
		TRY(tell(&e, "destination", REASON_COUNT, FOUND_PASS,
			"no instance has this address: the packet is left to the host"));
		TRY(put_text(call->reply, "Verdict", "pass"));
		return put_text(call->reply, "Reason", "host");
	}
	TRY(protection_load(call->db, call->mem, e.instance.number, &e.protection));
	TRY(policy_load(call->db, call->mem, e.instance.number, &e.policy));
	TRY(put_text(call->reply, "InstanceId", e.instance.id));
	for (size_t i = 0; i < sizeof(explainers) / sizeof(explainers[0]) && !e.decided; i++)
		TRY(explainers[i](&e));
	if (e.decided)
		return OK;
	TRY(put_text(call->reply, "Verdict", "pass"));
	return put_text(call->reply, "Reason", "");
}

static const struct reply_list step_lists[] = { { "Steps", "Step" }, { NULL, NULL } };

const struct action explain_actions[] = {
	{ VERSION_POLDER, "ExplainPacket", READ, PERMISSION_READ, explain_params,
		sizeof(struct explain), explain_run, step_lists,
		"tells which decisions a first packet would meet, and which one ends it", 0 },
	{ 0 },
};
