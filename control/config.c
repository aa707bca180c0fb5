/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both sources become pairs of one form, which the rows then decode. A name that no row has is an error
 * here, unlike in the API: a mistyped setting must not pass for its default.
 */
#include "control/config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "control/dns/names.h"
#include "control/model/attack.h"

#define FILE_BYTES_MAX	      65536
#define SETTINGS_MAX	      64
#define THREADS_MAX	      64
#define PATH_BYTES_MAX	      107 /* a socket's path (sockaddr_un), with its NUL 108 */
#define NAME_COLUMN	      20
#define BLACKHOLE_MINUTES_MIN 30 /* published */
#define BLACKHOLE_MINUTES_MAX 1440
#define TTL_MAX		      86400 /* a day: who switches back waits no longer than that */

struct control_settings {
	const char *socket, *node_socket, *database, *key_file, *nonce_file, *vip_pool;
	const char *clock_offset_file, *bootstrap_file, *host_id, *log_level;
	const char *dns_zone, *dns_socket;
	const char *blackhole;
	const char *new_instances, *drill_socket;
	const char *acme_directory, *acme_ca_file, *acme_contact, *acme_socket;
	const char *region_database, *region_override, *asn_database;
	int64_t calls_per_second, threads, dns_ttl, blackhole_minutes, smart_rule_seconds,
		smart_learn_seconds;
	int64_t attack_packets, attack_connections, attack_requests, attack_share, attack_quiet;
};

#define TEXT(member, setting, standard, description)                                               \
	PARAM(control_settings, member, setting, .kind = PARAM_TEXT, .min = 1, .max = 4095,        \
		.fallback_text = (standard), .help = (description))

static const struct param rows[] = {
	PARAM(control_settings, socket, "socket", .kind = PARAM_TEXT, .min = 1,
		.max = PATH_BYTES_MAX, .fallback_text = "/run/polder/control.sock",
		.help = "Unix socket of the API"),
	PARAM(control_settings, node_socket, "node-socket", .kind = PARAM_TEXT, .min = 1,
		.max = PATH_BYTES_MAX, .fallback_text = "/run/polder/node.sock",
		.help = "Unix socket of the nodes"),
	TEXT(database, "database", "sqlite:/var/lib/polder/control.db", "where the store is"),
	TEXT(key_file, "key-file", "/var/lib/polder/control.key",
		"key that encrypts secrets in the store; made when missing"),
	TEXT(nonce_file, "nonce-file", "/var/lib/polder/control.nonces",
		"nonces of accepted requests; made when missing"),
	PARAM(control_settings, vip_pool, "vip-pool", .kind = PARAM_TEXT, .fallback_text = "",
		.help = "prefixes of protected addresses, separated by spaces"),
	TEXT(clock_offset_file, "clock-offset-file", NULL,
		"file with milliseconds that life-cycle time is ahead of the machine's; for tests"),
	TEXT(bootstrap_file, "bootstrap-file", NULL,
		"where to write the first access key when the store has none"),
	PARAM(control_settings, calls_per_second, "calls-per-second", .kind = PARAM_INT,
		.max = 100000, .fallback = 10,
		.help = "of an account and action without a published rate; 0: off"),
	PARAM(control_settings, threads, "threads", .kind = PARAM_INT, .min = 1, .max = THREADS_MAX,
		.fallback = 4, .help = "that serve the API"),
	PARAM(control_settings, log_level, "log-level", .kind = PARAM_CHOICE,
		.choices = "error warn info debug", .fallback_text = "info",
		.help = "the most talkative level that is written"),
	PARAM(control_settings, dns_zone, "dns-zone", .kind = PARAM_TEXT, .max = NAMES_ZONE_MAX,
		.fallback_text = "", .help = "zone in which instances have names; empty: none"),
	PARAM(control_settings, dns_socket, "dns-socket", .kind = PARAM_TEXT, .min = 1,
		.max = PATH_BYTES_MAX, .fallback_text = "/run/knot/knot.sock",
		.help = "control socket of the Knot DNS server that holds the zone"),
	PARAM(control_settings, dns_ttl, "dns-ttl", .kind = PARAM_INT, .min = 1, .max = TTL_MAX,
		.fallback = 60, .help = "seconds that resolvers keep a name"),
	PARAM(control_settings, blackhole, "blackhole", .kind = PARAM_CHOICE, .choices = "on off",
		.fallback_text = "on",
		.help = "drop all packets to an instance whose attack goes over its plan"),
	PARAM(control_settings, blackhole_minutes, "blackhole-minutes", .kind = PARAM_INT,
		.min = BLACKHOLE_MINUTES_MIN, .max = BLACKHOLE_MINUTES_MAX, .fallback = 150,
		.help = "how long that lasts"),
	PARAM(control_settings, new_instances, "new-instances", .kind = PARAM_CHOICE,
		.choices = "block watch", .fallback_text = "block",
		.help = "what mitigations of a new instance do until told otherwise"),
	PARAM(control_settings, drill_socket, "drill-socket", .kind = PARAM_TEXT,
		.max = PATH_BYTES_MAX, .fallback_text = "",
		.help = "Unix socket of a lab that runs drills; empty: none are offered"),
	PARAM(control_settings, acme_directory, "acme-directory", .kind = PARAM_TEXT,
		.max = ACME_URL_SIZE - 1, .fallback_text = "",
		.help = "ACME directory (https://...) of the authority where web sites get "
			"certificates, whose terms are agreed to by that; empty: off"),
	PARAM(control_settings, acme_ca_file, "acme-ca-file", .kind = PARAM_TEXT, .max = 4095,
		.fallback_text = "",
		.help = "certificates that vouch for the directory; empty: the machine's"),
	PARAM(control_settings, acme_contact, "acme-contact", .kind = PARAM_TEXT, .max = 255,
		.fallback_text = "",
		.help = "mailto:ADDRESS that the authority may write to; empty: none"),
	PARAM(control_settings, acme_socket, "acme-socket", .kind = PARAM_TEXT,
		.max = PATH_BYTES_MAX, .fallback_text = "",
		.help = "Unix socket of a relay to the directory; empty: straight"),
	PARAM(control_settings, smart_rule_seconds, "smart-rule-seconds", .kind = PARAM_INT,
		.min = 10, .max = 86400, .fallback = 1800,
		.help = "how long a rule that made itself stays when nothing meets it"),
	PARAM(control_settings, smart_learn_seconds, "smart-learn-seconds", .kind = PARAM_INT,
		.min = 10, .max = 60, .fallback = 60,
		.help = "usual requests of a web site are learned in pieces of so long"),
	PARAM(control_settings, attack_packets, "attack-packets", .kind = PARAM_INT, .min = 1,
		.max = 1000000000, .fallback = ATTACK_PACKETS,
		.help = "refused packets a second of an address that are an attack"),
	PARAM(control_settings, attack_connections, "attack-connections", .kind = PARAM_INT,
		.min = 1, .max = 1000000000, .fallback = ATTACK_CONNECTIONS,
		.help = "the same of connections refused by port rules' limits"),
	PARAM(control_settings, attack_requests, "attack-requests", .kind = PARAM_INT, .min = 1,
		.max = 1000000000, .fallback = ATTACK_REQUESTS,
		.help = "the same of requests to a web site"),
	PARAM(control_settings, attack_share, "attack-share", .kind = PARAM_INT, .min = 1,
		.max = 100, .fallback = ATTACK_SHARE,
		.help = "per cent of what comes that must be refused, too"),
	PARAM(control_settings, attack_quiet, "attack-quiet-seconds", .kind = PARAM_INT, .min = 5,
		.max = 3600, .fallback = ATTACK_QUIET_MS / 1000,
		.help = "an attack is over after so long without"),
	PARAM(control_settings, region_database, "region-database", .kind = PARAM_TEXT, .max = 4095,
		.fallback_text = "",
		.help = "the nodes' database of countries, for explanations and lists; empty: "
			"none"),
	PARAM(control_settings, region_override, "region-override", .kind = PARAM_TEXT,
		.max = 16384, .fallback_text = "",
		.help = "the nodes' PREFIX=CC, separated by spaces, for explanations"),
	PARAM(control_settings, asn_database, "asn-database", .kind = PARAM_TEXT, .max = 4095,
		.fallback_text = "",
		.help = "database of autonomous systems, MaxMind format: whose sources are; empty: "
			"none"),
	TEXT(host_id, "host-id", "polder", "HostId of errors when a request has no Host"),
	{ .kind = PARAM_END },
};

static const struct param *find_row(const char *name)
{
	const struct param *row;

	for (row = rows; row->kind != PARAM_END; row++) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static bool wrong(char why[SPEC_WHY_SIZE], const char *problem, const char *name)
{
	(void)snprintf(why, SPEC_WHY_SIZE, "%s: %.180s", problem, name);
	return false;
}

static const char *value_of(const struct pair *pairs, size_t count, const char *name)
{
	struct form form = { .pair = (struct pair *)(uintptr_t)pairs, .count = count };

	return form_get(&form, name);
}

struct collection {
	struct pair pair[SETTINGS_MAX];
	size_t count;
};

static bool collect(
	struct collection *collection, const char *name, const char *value, char why[SPEC_WHY_SIZE])
{
	if (!find_row(name))
		return wrong(why, "unknown setting", name);
	if (value_of(collection->pair, collection->count, name))
		return wrong(why, "setting given more than once", name);
	if (collection->count == SETTINGS_MAX)
		return wrong(why, "too many settings", name);
	collection->pair[collection->count++] = (struct pair){ name, value };
	return true;
}

/* Cuts blanks on both sides of a line or a part of one. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* "name = value" into the collection; blank lines and "#" comments are skipped. */
static bool read_line(struct collection *collection, char *line, char why[SPEC_WHY_SIZE])
{
	char *equals;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return true;
	equals = strchr(line, '=');
	if (!equals)
		return wrong(why, "line without '='", line);
	*equals = '\0';
	return collect(collection, trim(line), trim(equals + 1), why);
}

static bool read_file(
	struct arena *mem, const char *path, struct collection *collection, char why[SPEC_WHY_SIZE])
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *content = arena_take(mem, FILE_BYTES_MAX + 1), *line, *rest;
	ssize_t size;

	if (fd < 0 || !content)
		return wrong(why, "cannot read the configuration file", path);
	size = read(fd, content, FILE_BYTES_MAX + 1);
	if (size < 0 || size > FILE_BYTES_MAX)
		return wrong(why, "cannot read the configuration file", path);
	content[size] = '\0';
	rest = content;
	while ((line = strsep(&rest, "\n"))) {
		if (!read_line(collection, line, why))
			return false;
	}
	return true;
}

/* "--name value" or "--name=value" at argv[*at]; moves *at to the last word used. */
static bool read_option(struct arena *mem, int argc, char **argv, int *at, const char **out_name,
	const char **out_value)
{
	const char *word = argv[*at], *equals;

	if (strncmp(word, "--", 2) != 0)
		return false;
	word += 2;
	equals = strchr(word, '=');
	*out_name = equals ? arena_copy_n(mem, word, (size_t)(equals - word)) : word;
	if (equals)
		*out_value = equals + 1;
	else
		*out_value = *at + 1 < argc ? argv[++*at] : NULL;
	return *out_name && *out_value;
}

static bool read_options(struct arena *mem, int argc, char **argv, struct config *out,
	struct collection *options, const char **path, char why[SPEC_WHY_SIZE])
{
	const char *name, *value;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			out->command = CONFIG_HELP;
			continue;
		}
		if (strcmp(argv[i], "--describe") == 0) {
			out->command = CONFIG_DESCRIBE;
			continue;
		}
		if (strcmp(argv[i], "--describe-errors") == 0) {
			out->command = CONFIG_DESCRIBE_ERRORS;
			continue;
		}
		name = argv[i];
		if (!read_option(mem, argc, argv, &i, &name, &value))
			return wrong(why, "not an option, or an option without its value", name);
		if (strcmp(name, "config") == 0)
			*path = value;
		else if (!collect(options, name, value, why))
			return false;
	}
	return true;
}

static enum log_level level_from_name(const char *name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	unsigned i;

	for (i = 0; i < 3 && strcmp(names[i], name) != 0; i++)
		;
	return (enum log_level)i;
}

static void take_over(const struct control_settings *settings, struct config *out)
{
	out->socket = settings->socket;
	out->node_socket = settings->node_socket;
	out->database = settings->database;
	out->key_file = settings->key_file;
	out->nonce_file = settings->nonce_file;
	out->vip_pool = settings->vip_pool;
	out->clock_offset_file = settings->clock_offset_file;
	out->bootstrap_file = settings->bootstrap_file;
	out->host_id = settings->host_id;
	out->dns_zone = settings->dns_zone;
	out->dns_socket = settings->dns_socket;
	out->dns_ttl_s = settings->dns_ttl;
	out->calls_per_second = settings->calls_per_second;
	out->threads = settings->threads;
	out->blackhole = strcmp(settings->blackhole, "on") == 0;
	out->blackhole_minutes = settings->blackhole_minutes;
	out->smart_rule_seconds = settings->smart_rule_seconds;
	out->smart_learn_seconds = settings->smart_learn_seconds;
	out->attack_packets = settings->attack_packets;
	out->attack_connections = settings->attack_connections;
	out->attack_requests = settings->attack_requests;
	out->attack_share = settings->attack_share;
	out->attack_quiet_seconds = settings->attack_quiet;
	out->watch_first = strcmp(settings->new_instances, "watch") == 0;
	out->drill_socket = settings->drill_socket;
	out->acme = (struct acme_settings){ settings->acme_directory, settings->acme_ca_file,
		settings->acme_contact, settings->acme_socket, 0 };
	out->regions = (struct region_data){ settings->region_database, settings->region_override,
		settings->asn_database };
	out->log_level = level_from_name(settings->log_level);
}

bool config_read(
	struct arena *mem, int argc, char **argv, struct config *out, char why[SPEC_WHY_SIZE])
{
	struct collection options = { .count = 0 }, lines = { .count = 0 };
	struct control_settings settings;
	const char *path = NULL;
	struct form form;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (!read_options(mem, argc, argv, out, &options, &path, why))
		return false;
	if (path && !read_file(mem, path, &lines, why))
		return false;
	for (i = 0; i < lines.count; i++) {
		if (!value_of(options.pair, options.count, lines.pair[i].key) &&
			!collect(&options, lines.pair[i].key, lines.pair[i].value, why))
			return false;
	}
	form = (struct form){ .pair = options.pair, .count = options.count };
	if (spec_decode(mem, rows, &form, &settings, sizeof(settings), why) != OK)
		return false;
	if (settings.dns_zone[0] && !names_zone_valid(settings.dns_zone))
		return wrong(why, "dns-zone is not a name of a zone", settings.dns_zone);
	if (!region_overrides_are_valid(settings.region_override))
		return wrong(why, "region-override must be PREFIX=CC, CC of ISO 3166-1",
			settings.region_override);
	if (!acme_directory_valid(settings.acme_directory))
		return wrong(
			why, "acme-directory must be https://HOST/PATH", settings.acme_directory);
	if (settings.acme_contact[0] && strncmp(settings.acme_contact, "mailto:", 7) != 0)
		return wrong(why, "acme-contact must be mailto:ADDRESS", settings.acme_contact);
	take_over(&settings, out);
	return true;
}

void config_help(FILE *out)
{
	const struct param *row;

	(void)fputs("usage: polder-control [--config FILE] [--NAME VALUE]...\n"
		    "       polder-control --help | --describe | --describe-errors\n\nsettings:\n",
		out);
	for (row = rows; row->kind != PARAM_END; row++) {
		(void)fprintf(out, "  --%-*s %s", NAME_COLUMN, row->name, row->help);
		if (row->kind == PARAM_INT)
			(void)fprintf(out, " (%lld)", (long long)row->fallback);
		else if (row->fallback_text && row->fallback_text[0])
			(void)fprintf(out, " (%s)", row->fallback_text);
		(void)fputc('\n', out);
	}
}
