/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "--name value" pairs become a form and are decoded by rows, so that kinds, bounds and choices are
 * stated once. What a row cannot say (addresses, a range of ports) is worked out afterwards. A source
 * prefix stands for all its addresses: each needs an entry of its own in the packet path.
 */
#include "agent/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/region_table.h"
#include "agent/request_files.h"
#include "base/form.h"
#include "base/text.h"
#include "shared/request_abi.h"

#define FLOWS_MIN	      1024
#define UPLINK_MBPS_MAX	      10000000	 /* 10 Tbit/s */
#define REQUEST_LOG_QUOTA_MAX (64 << 20) /* MiB: 64 TiB */

struct settings_row {
	const char *node, *control, *pin, *mode, *ports, *log_level, *region_database,
		*requests_group, *requests, *resolver, *request_log;
	struct text_list interface, source, range, region_override, trusted_proxy;
	int64_t flows, detach, uplink_mbps, request_log_days, request_log_quota,
		request_log_site_quota;
};

static const struct param rows[] = {
	PARAM(settings_row, node, "node", .kind = PARAM_TEXT, .min = 1, .max = NODE_NAME_MAX,
		.help = "name of this node: letters, digits, '.', '_', '-'"),
	PARAM(settings_row, control, "control", .kind = PARAM_TEXT, .min = 1, .max = 200,
		.help = "the control's node socket: unix:/path or http://host:port"),
	PARAM(settings_row, interface, "interface", .kind = PARAM_TEXT_LIST,
		.max = NODE_INTERFACE_MAX, .item_max = 15,
		.help = "interface to filter and to forward through; repeatable"),
	PARAM(settings_row, source, "source", .kind = PARAM_TEXT_LIST, .max = 2 * NODE_SOURCE_MAX,
		.item_max = 49, .help = "back-to-origin address or prefix; repeatable"),
	PARAM(settings_row, range, "protected", .kind = PARAM_TEXT_LIST, .max = NODE_RANGE_MAX,
		.item_max = 49,
		.help = "prefix of protected addresses that is routed here; repeatable"),
	PARAM(settings_row, pin, "pin", .kind = PARAM_TEXT, .min = 1, .max = 200,
		.help = "directory on a bpffs for what outlives the agent"),
	PARAM(settings_row, mode, "mode", .kind = PARAM_CHOICE, .choices = "auto native generic",
		.fallback_text = "auto", .help = "auto, native or generic XDP"),
	PARAM(settings_row, ports, "ports", .kind = PARAM_TEXT, .min = 3, .max = 11,
		.help = "source ports toward origins: FIRST-LAST (20000-59999)"),
	PARAM(settings_row, flows, "flows", .kind = PARAM_INT, .min = FLOWS_MIN,
		.max = NODE_FLOW_TCP_MAX, .fallback = NODE_FLOW_TCP_MAX,
		.help = "entries of each flow table"),
	PARAM(settings_row, region_database, "region-database", .kind = PARAM_TEXT, .min = 1,
		.max = 200, .help = "database of countries, MaxMind format"),
	PARAM(settings_row, region_override, "region-override", .kind = PARAM_TEXT_LIST,
		.max = REGION_OVERRIDE_MAX, .item_max = 52,
		.help = "PREFIX=CC: a network's country; repeatable"),
	PARAM(settings_row, requests_group, "requests-group", .kind = PARAM_TEXT, .min = 1,
		.max = 32, .help = "group of nginx's workers: may ban sources"),
	PARAM(settings_row, requests, "requests", .kind = PARAM_TEXT, .min = 2, .max = 200,
		.help = "folder of the files shared with nginx; without it no web sites"),
	PARAM(settings_row, trusted_proxy, "trusted-proxy", .kind = PARAM_TEXT_LIST,
		.max = TRUSTED_PROXY_MAX, .item_max = 49,
		.help = "prefix of proxies whose X-Forwarded-For is believed; repeatable"),
	PARAM(settings_row, resolver, "resolver", .kind = PARAM_TEXT, .min = 2, .max = 200,
		.help = "name servers for origins: ADDRESS[:PORT],... (as the system has)"),
	PARAM(settings_row, request_log, "request-log", .kind = PARAM_TEXT, .min = 2, .max = 200,
		.help = "folder of web sites' access logs; without it none"),
	PARAM(settings_row, request_log_days, "request-log-days", .kind = PARAM_INT, .min = 1,
		.max = REQUEST_LOG_DAYS_MAX, .fallback = 30, .help = "how long they are kept"),
	PARAM(settings_row, request_log_quota, "request-log-quota", .kind = PARAM_INT, .min = 1,
		.max = REQUEST_LOG_QUOTA_MAX, .fallback = 10240,
		.help = "MiB of all access logs together"),
	PARAM(settings_row, request_log_site_quota, "request-log-site-quota", .kind = PARAM_INT,
		.min = 1, .max = REQUEST_LOG_QUOTA_MAX, .fallback = 1024,
		.help = "MiB of one site's access log"),
	PARAM(settings_row, uplink_mbps, "uplink-mbps", .kind = PARAM_INT, .min = 1,
		.max = UPLINK_MBPS_MAX, .fallback = 0,
		.help = "Mbit/s of interfaces whose driver does not tell it"),
	PARAM(settings_row, detach, "detach", .kind = PARAM_BOOL,
		.help = "remove programs and pins, then end"),
	PARAM(settings_row, log_level, "log-level", .kind = PARAM_CHOICE,
		.choices = "error warn info debug", .fallback_text = "info",
		.help = "error, warn, info or debug"),
	{ .kind = PARAM_END },
};

static const struct param *find_row(const char *name)
{
	for (const struct param *row = rows; row->kind != PARAM_END; row++) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static enum err bad(char why[SPEC_WHY_SIZE], const char *name, const char *what)
{
	(void)snprintf(why, SPEC_WHY_SIZE, "--%s %s", name, what);
	return ERR_INVALID_PARAMETER;
}

static enum err read_form(struct arena *mem, int argc, char **argv, struct form *form, char *why)
{
	unsigned repeated[sizeof(rows) / sizeof(*rows)] = { 0 };

	form->pair = arena_array(mem, (size_t)argc, sizeof(*form->pair));
	if (!form->pair)
		return ERR_MEMORY;
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		const struct param *row;
		struct pair *pair = &form->pair[form->count++];

		row = strncmp(name, "--", 2) == 0 ? find_row(name + 2) : NULL;
		if (!row) {
			(void)snprintf(why, SPEC_WHY_SIZE, "%.100s is no setting", name);
			return ERR_INVALID_PARAMETER;
		}
		if (row->kind == PARAM_BOOL) {
			*pair = (struct pair){ row->name, "true" };
			continue;
		}
		if (i + 1 == argc)
			return bad(why, row->name, "needs a value");
		pair->key = row->name;
		pair->value = argv[++i];
		if (row->kind == PARAM_TEXT_LIST)
			pair->key = arena_print(mem, "%s.%u", row->name, ++repeated[row - rows]);
		if (!pair->key)
			return ERR_MEMORY;
	}
	return OK;
}

static bool is_name(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return false;
	}
	return true;
}

static enum err read_ports(const char *text, struct agent_settings *out, char *why)
{
	int64_t first = 20000, last = 59999;
	char copy[16], *dash;

	if (text) {
		(void)snprintf(copy, sizeof(copy), "%s", text);
		dash = strchr(copy, '-');
		if (dash)
			*dash = '\0';
		if (strlen(text) >= sizeof(copy) || !dash || !text_to_int(copy, &first) ||
			!text_to_int(dash + 1, &last))
			return bad(why, "ports", "must be FIRST-LAST");
	}
	if (first < 1024 || last > 65535 || first > last)
		return bad(why, "ports", "must lie within 1024-65535");
	out->port_first = (uint32_t)first;
	out->port_count = (uint32_t)(last - first + 1);
	return OK;
}

/* base + step; bits after the prefix count up. */
static struct address step_address(const struct address *base, uint32_t step)
{
	struct address out = *base;

	for (int byte = 15; step && byte >= 0; byte--) {
		uint32_t sum = out.byte[byte] + (step & 0xff);

		out.byte[byte] = (uint8_t)sum;
		step = (step >> 8) + (sum >> 8);
	}
	return out;
}

static enum err read_source(const char *text, struct agent_settings *out, char *why)
{
	struct source_prefix *prefix = &out->prefix[out->prefix_count];
	uint32_t *count;
	int version;

	if (!text_to_prefix(text, prefix->address.byte, &prefix->bits))
		return bad(why, "source", "must be an address or a prefix without bits behind it");
	version = address_is_ipv4(prefix->address.byte) ? 0 : 1;
	count = &out->source_count[version];
	if (prefix->bits < 128 - 6 || *count + (1u << (128 - prefix->bits)) > NODE_SOURCE_MAX)
		return bad(why, "source", "gives more than 64 addresses of one IP version");
	for (uint32_t i = 0; i < 1u << (128 - prefix->bits); i++)
		out->source[version][(*count)++] = step_address(&prefix->address, i);
	out->prefix_count++;
	return OK;
}

static enum err read_ranges(
	struct arena *mem, const struct text_list *texts, struct agent_settings *out, char *why)
{
	out->range = arena_array(mem, texts->count, sizeof(*out->range));
	if (!out->range)
		return ERR_MEMORY;
	for (size_t i = 0; i < texts->count; i++) {
		struct source_prefix *range = &out->range[out->range_count++];

		if (!text_to_prefix(texts->item[i], range->address.byte, &range->bits))
			return bad(why, "protected",
				"must be an address or a prefix without bits behind it");
	}
	return OK;
}

static enum err check(const struct agent_settings *settings, char *why)
{
	const char *missing = !settings->pin ? "pin" : NULL;

	if (!settings->detach) {
		missing = !settings->node ? "node" : missing;
		missing = !settings->control ? "control" : missing;
		missing = !settings->interface.count ? "interface" : missing;
		missing = !settings->prefix_count ? "source" : missing;
	}
	if (missing) {
		(void)snprintf(why, SPEC_WHY_SIZE, "--%s is missing", missing);
		return ERR_MISSING_PARAMETER;
	}
	if (settings->node && !is_name(settings->node))
		return bad(why, "node", "has other than letters, digits, '.', '_', '-'");
	if (settings->control && strncmp(settings->control, "unix:/", 6) != 0 &&
		strncmp(settings->control, "http://", 7) != 0)
		return bad(why, "control", "must be unix:/path or http://host:port");
	if (settings->requests && settings->requests[0] != '/')
		return bad(why, "requests", "must be a path from the root on");
	if (settings->request_log && (settings->request_log[0] != '/' || !settings->requests))
		return bad(
			why, "request-log", "must be a path from the root on, beside --requests");
	for (size_t i = 0; i < settings->trusted_proxy.count; i++) {
		struct address address;
		unsigned bits;

		if (!text_to_prefix(settings->trusted_proxy.item[i], address.byte, &bits))
			return bad(why, "trusted-proxy",
				"must be an address or a prefix without bits behind it");
	}
	for (size_t i = 0; i < settings->interface.count; i++) {
		if (strchr(settings->interface.item[i], '/'))
			return bad(why, "interface", "is no name of an interface");
	}
	return OK;
}

enum err settings_read(struct arena *mem, int argc, char **argv, struct agent_settings *out,
	char why[SPEC_WHY_SIZE])
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	struct settings_row row;
	struct form form = { 0 };

	memset(out, 0, sizeof(*out));
	TRY(read_form(mem, argc, argv, &form, why));
	TRY(spec_decode(mem, rows, &form, &row, sizeof(row), why));
	out->node = row.node;
	out->control = row.control;
	out->interface = row.interface;
	out->pin = row.pin;
	out->flows = (uint32_t)row.flows;
	out->detach = row.detach;
	out->mode = strcmp(row.mode, "native") == 0    ? ATTACH_NATIVE
		    : strcmp(row.mode, "generic") == 0 ? ATTACH_GENERIC
						       : ATTACH_AUTO;
	for (unsigned i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (strcmp(row.log_level, levels[i]) == 0)
			out->log_level = (enum log_level)i;
	}
	out->region_database = row.region_database;
	out->region_override = row.region_override;
	out->requests_group = row.requests_group;
	out->requests = row.requests;
	out->resolver = row.resolver;
	out->uplink_mbps = (uint32_t)row.uplink_mbps;
	out->request_log = row.request_log;
	out->request_log_days = (uint32_t)row.request_log_days;
	out->request_log_bytes = (uint64_t)row.request_log_quota << 20;
	out->request_log_site_bytes = (uint64_t)row.request_log_site_quota << 20;
	out->trusted_proxy = row.trusted_proxy;
	for (size_t i = 0; i < row.region_override.count; i++) {
		struct region_override override;

		if (!region_override_read(row.region_override.item[i], &override))
			return bad(why, "region-override", "must be PREFIX=CC, CC of ISO 3166-1");
	}
	TRY(read_ports(row.ports, out, why));
	out->prefix = arena_array(mem, row.source.count, sizeof(*out->prefix));
	if (!out->prefix)
		return ERR_MEMORY;
	for (size_t i = 0; i < row.source.count; i++)
		TRY(read_source(row.source.item[i], out, why));
	TRY(read_ranges(mem, &row.range, out, why));
	return check(out, why);
}

void settings_help(void)
{
	(void)printf("polder-agent: keeps this node's packet path as the control wishes\n");
	for (const struct param *row = rows; row->kind != PARAM_END; row++)
		(void)printf("  --%-15s %s\n", row->name, row->help);
}
