/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a table of the request path from a description in JSON, as the agent would.
 *
 *   site_table FOLDER GROUP <spec.json           adds and replaces what the description names
 *   site_table FOLDER GROUP change N <spec.json  applies it N times, odd times "alternative" in place of "sites"
 *
 * The description is an object; all members may be missing:
 *   life_offset_ms; proxies: ["10.0.0.0/8"]; ticket_keys: [160 hex digits]
 *   regions: [["100.64.0.0/10", 3]], place in countries.def + 1;
 *   sources: {addresses: ["198.51.100.1"], ports: [[first, count], ...]}
 *   vips: [{address, instance, mitigation_until_ms, forward_until_ms}]; names: [{name, addresses}]
 *   certificates: [{number, version, chain: FILE, key: FILE, count}]; ocsp: [{number, file}]
 *   sites, alternative: [{domain, number, count, instances, flags: 0, tls_min, certificate, balance, ports: [[80, 1]],
 *     origins: [{address | name, port, weight, backup, connect, read, send, max_fails, fail_timeout}],
 *     account, headers: [[name, value]], keepalive_requests, keepalive_seconds, ciphers, ciphers_tls13,
 *     acme_token, acme_answer, modes: {CHECK: 0},
 *     prefixes: [["192.0.2.0/24", 2]], and what site_rules.h says}]: a "count" makes so many, with %d in the domain and numbers in a row
 *   shipped: {rules}, as of a site: those that sites choose from; {bytes: TEXT}: a body that is none
 *   removed: [domain], removed_certificates: [number]; superseded: true begins another file
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/table.h"
#include "base/site.h"
#include "base/text.h"
#include "tests/web/site_rules.h"

#define FILE_MAX 65536

static void give_up(const char *what)
{
	fprintf(stderr, "site_table: %s\n", what);
	exit(1);
}

static int64_t number_of(const json_t *from, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(from, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static const char *text_of(const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));

	return text ? text : "";
}

static void put(struct request_table *table, uint16_t kind, const void *key, size_t key_length,
	const void *body, size_t length)
{
	const struct table_key at = { kind, (uint16_t)key_length, key };

	if (request_table_put(table, &at, body, length) != OK)
		give_up("put failed");
}

static struct address address_of(const char *text)
{
	struct address out = { 0 };

	if (text[0] && !text_to_address(text, out.byte))
		give_up(text);
	return out;
}

static struct table_prefix prefix_of(const char *text)
{
	struct table_prefix out = { 0 };
	unsigned bits;

	if (!text_to_prefix(text, out.address.byte, &bits))
		give_up(text);
	out.bits = bits;
	return out;
}

static size_t file_read(const char *path, char *out)
{
	FILE *file = fopen(path, "rb");
	size_t length;

	if (!file)
		give_up(path);
	length = fread(out, 1, FILE_MAX, file);
	(void)fclose(file);
	return length;
}

static void put_settings(struct request_table *table, const json_t *spec)
{
	struct table_settings settings = { .life_offset_ms = number_of(spec, "life_offset_ms", 0) };
	const json_t *keys = json_object_get(spec, "ticket_keys"),
		     *proxies = json_object_get(spec, "proxies");

	if (!keys && !proxies && !json_object_get(spec, "life_offset_ms") &&
		!json_object_get(spec, "loop_mark"))
		return;
	settings.loop_mark = (uint32_t)number_of(spec, "loop_mark", 0);
	for (size_t i = 0; i < json_array_size(keys) && i < TICKET_KEYS; i++) {
		if (!text_from_hex(json_string_value(json_array_get(keys, i)),
			    settings.ticket_key[i], sizeof(settings.ticket_key[i])))
			give_up("ticket_keys are 160 hex digits each");
	}
	for (size_t i = 0; i < json_array_size(proxies) && i < TRUSTED_PROXY_MAX; i++)
		settings.proxy[settings.proxy_count++] =
			prefix_of(json_string_value(json_array_get(proxies, i)));
	memset(settings.challenge_key, 7, sizeof(settings.challenge_key));
	settings.challenge_epoch = (uint64_t)time(NULL) / CHALLENGE_EPOCH_SECONDS;
	put(table, TABLE_SETTINGS, "", 0, &settings, sizeof(settings));
}

static void put_regions(struct request_table *table, const json_t *spec)
{
	struct table_prefix prefix[TABLE_REGION_MAX];
	size_t count = 0;
	json_t *item;

	json_array_foreach(json_object_get(spec, "regions"), count, item)
	{
		prefix[count] = prefix_of(json_string_value(json_array_get(item, 0)));
		prefix[count].flags = (uint32_t)json_integer_value(json_array_get(item, 1));
	}
	if (count > 0)
		put(table, TABLE_REGIONS, "", 0, prefix, count * sizeof(*prefix));
}

/* [["address", row of crawlers.def + 1, seconds], ...] */
static void put_crawlers(struct request_table *table, const json_t *spec)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(spec, "crawlers"), i, item)
	{
		struct address address = address_of(json_string_value(json_array_get(item, 0)));
		struct table_crawler crawler = { .crawler = (uint32_t)json_integer_value(
							 json_array_get(item, 1)),
			.until_ms = (time(NULL) + json_integer_value(json_array_get(item, 2))) *
				    INT64_C(1000) };

		put(table, TABLE_CRAWLER, &address, sizeof(address), &crawler, sizeof(crawler));
	}
}

static void put_sources(struct request_table *table, const json_t *spec)
{
	const json_t *sources = json_object_get(spec, "sources"),
		     *ports = json_object_get(sources, "ports");
	struct table_sources out = { 0 };
	size_t i;
	json_t *item;

	if (!sources)
		return;
	json_array_foreach(json_object_get(sources, "addresses"), i, item)
	{
		struct address address = address_of(json_string_value(item));
		unsigned version = !address_is_ipv4(address.byte);

		if (out.count[version] < NODE_SOURCE_MAX)
			out.address[version][out.count[version]++] = address;
	}
	for (i = 0; i < json_array_size(ports) && i < 2; i++) {
		item = json_array_get(ports, i);
		out.ports[i].first = (uint16_t)json_integer_value(json_array_get(item, 0));
		out.ports[i].count = (uint16_t)json_integer_value(json_array_get(item, 1));
	}
	out.edition = (uint32_t)(table_hash(TABLE_SOURCES, &out, sizeof(out)) >> 32);
	put(table, TABLE_SOURCES, "", 0, &out, sizeof(out));
}

static void put_vips(struct request_table *table, const json_t *spec)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(spec, "vips"), i, item)
	{
		struct address address = address_of(text_of(item, "address"));
		struct table_vip vip = { .instance = (uint32_t)number_of(item, "instance", 1),
			.mitigation_until_ms = number_of(item, "mitigation_until_ms", INT64_MAX),
			.requests_max = (uint32_t)number_of(item, "requests_max", 0),
			.forward_until_ms = number_of(item, "forward_until_ms", INT64_MAX) };

		put(table, TABLE_VIP, &address, sizeof(address), &vip, sizeof(vip));
	}
	json_array_foreach(json_object_get(spec, "names"), i, item)
	{
		const json_t *addresses = json_object_get(item, "addresses");
		struct table_name name = { .count = (uint32_t)json_array_size(addresses) };

		for (size_t j = 0; j < name.count && j < NAME_ADDRESS_MAX; j++)
			name.address[j] =
				address_of(json_string_value(json_array_get(addresses, j)));
		put(table, TABLE_NAME, text_of(item, "name"), strlen(text_of(item, "name")), &name,
			sizeof(name));
	}
}

static void put_certificates(struct request_table *table, const json_t *spec)
{
	static char bytes[sizeof(struct certificate) + 2 * FILE_MAX];
	struct certificate *certificate = (void *)bytes;
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(spec, "certificates"), i, item)
	{
		char *chain = (char *)(certificate + 1);
		uint32_t first = (uint32_t)number_of(item, "number", 1);

		certificate->version = (uint32_t)number_of(item, "version", 1);
		certificate->chain_length = (uint32_t)file_read(text_of(item, "chain"), chain);
		certificate->key_length = (uint32_t)file_read(
			text_of(item, "key"), chain + certificate->chain_length);
		for (int64_t j = 0; j < number_of(item, "count", 1); j++) {
			certificate->number = first + (uint32_t)j;
			put(table, TABLE_CERTIFICATE, &certificate->number,
				sizeof(certificate->number), certificate,
				sizeof(*certificate) + certificate->chain_length +
					certificate->key_length);
		}
	}
	json_array_foreach(json_object_get(spec, "ocsp"), i, item)
	{
		uint32_t number = (uint32_t)number_of(item, "number", 1);
		size_t length = file_read(text_of(item, "file"), bytes);

		put(table, TABLE_OCSP, &number, sizeof(number), bytes, length);
	}
}

/* ---- sites */

static struct site_text add_text(struct site_builder *builder, const char *text)
{
	return site_add_text(builder, text, text ? strlen(text) : 0);
}

static void add_origins(struct site_builder *builder, struct site *site, const json_t *spec)
{
	const json_t *list = json_object_get(spec, "origins");
	struct site_origin *origins =
		site_add_list(builder, &site->origins, json_array_size(list), sizeof(*origins));
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct site_origin *origin = &origins[i];

		origin->address = address_of(text_of(item, "address"));
		origin->name = add_text(builder, text_of(item, "name"));
		origin->port = (uint16_t)number_of(item, "port", 0);
		origin->weight = (uint8_t)number_of(item, "weight", 100);
		origin->backup = (uint8_t)number_of(item, "backup", 0);
		origin->connect_timeout_seconds = (uint16_t)number_of(item, "connect", 5);
		origin->read_timeout_seconds = (uint16_t)number_of(item, "read", 120);
		origin->send_timeout_seconds = (uint16_t)number_of(item, "send", 120);
		origin->max_fails = (uint16_t)number_of(item, "max_fails", 3);
		origin->fail_timeout_seconds = (uint16_t)number_of(item, "fail_timeout", 10);
	}
}

static void add_lists(struct site_builder *builder, struct site *site, const json_t *spec)
{
	const json_t *ports = json_object_get(spec, "ports"),
		     *headers = json_object_get(spec, "headers"),
		     *prefixes = json_object_get(spec, "prefixes"),
		     *instances = json_object_get(spec, "instances");
	struct site_port *port =
		site_add_list(builder, &site->ports, json_array_size(ports), sizeof(*port));
	struct site_header *header =
		site_add_list(builder, &site->headers, json_array_size(headers), sizeof(*header));
	struct table_prefix *prefix =
		site_add_list(builder, &site->prefixes, json_array_size(prefixes), sizeof(*prefix));
	uint32_t *instance = site_add_list(builder, &site->instances,
		instances ? json_array_size(instances) : 1, sizeof(*instance));
	size_t i;
	json_t *item;

	*instance = 1;
	json_array_foreach(instances, i, item) instance[i] = (uint32_t)json_integer_value(item);
	json_array_foreach(ports, i, item)
	{
		port[i].port = (uint16_t)json_integer_value(json_array_get(item, 0));
		port[i].schemes = (uint16_t)json_integer_value(json_array_get(item, 1));
	}
	json_array_foreach(headers, i, item)
	{
		header[i].name = add_text(builder, json_string_value(json_array_get(item, 0)));
		header[i].value = add_text(builder, json_string_value(json_array_get(item, 1)));
	}
	json_array_foreach(prefixes, i, item)
	{
		prefix[i] = prefix_of(json_string_value(json_array_get(item, 0)));
		prefix[i].flags = (uint32_t)json_integer_value(json_array_get(item, 1));
	}
}

static void set_modes(struct site *site, const json_t *spec)
{
	static const struct {
		const char *name;
		uint8_t mode;
	} checks[] = {
#define CHECK(name, mode, text) { #name, CHECK_##mode },
#include "shared/checks.def"
#undef CHECK
	};
	const json_t *modes = json_object_get(spec, "modes");

	for (size_t i = 0; i < CHECK_COUNT; i++)
		site->mode[i] = (uint8_t)number_of(modes, checks[i].name, checks[i].mode);
}

static void put_site(struct request_table *table, const json_t *spec, int64_t index)
{
	static _Alignas(8) uint8_t bytes[SITE_BYTES_MAX];
	struct site_builder builder;
	struct site *site = site_begin(&builder, bytes, sizeof(bytes));
	char domain[SITE_DOMAIN_MAX + 1];
	const char *text = text_of(spec, "domain"), *place = strstr(text, "%d");
	int64_t certificate = number_of(spec, "certificate", 0);
	const char *why;

	if (place)
		(void)snprintf(domain, sizeof(domain), "%.*s%lld%s", (int)(place - text), text,
			(long long)index, place + 2);
	else
		(void)snprintf(domain, sizeof(domain), "%s", text);
	site->domain = add_text(&builder, domain);
	site->number = (uint32_t)(number_of(spec, "number", 1) + index);
	site->generation = (uint32_t)number_of(spec, "generation", 1);
	site->account = (uint32_t)number_of(spec, "account", 0);
	site->flags = (uint32_t)number_of(spec, "flags", 0);
	site->certificate =
		(uint32_t)(certificate ? certificate + (json_is_true(json_object_get(
								spec, "certificate_each"))
								       ? index
								       : 0)
				       : 0);
	site->tls_min = (uint8_t)number_of(spec, "tls_min", 1);
	site->balance = (uint8_t)number_of(spec, "balance", SITE_IP_HASH);
	site->pace = (uint8_t)number_of(spec, "pace", SITE_PACE_OFF);
	site->keepalive_requests = (uint32_t)number_of(spec, "keepalive_requests", 120);
	site->keepalive_seconds = (uint32_t)number_of(spec, "keepalive_seconds", 30);
	site->ciphers = add_text(&builder, text_of(spec, "ciphers"));
	site->ciphers_tls13 = add_text(&builder, text_of(spec, "ciphers_tls13"));
	site->acme_token = add_text(&builder, text_of(spec, "acme_token"));
	site->acme_answer = add_text(&builder, text_of(spec, "acme_answer"));
	set_modes(site, spec);
	add_lists(&builder, site, spec);
	add_origins(&builder, site, spec);
	add_site_rules(&builder, site, spec);
	if (site_end(&builder) == 0)
		give_up("site does not fit");
	why = site_check(bytes, site->length);
	if (why)
		give_up(why);
	put(table, TABLE_SITE, domain, strlen(domain), bytes, site->length);
}

/* "shipped": {rules}, those that sites choose from; {bytes: TEXT}: a body that is none. */
static void put_shipped(struct request_table *table, const json_t *spec)
{
	static uint64_t bytes[SITE_BYTES_MAX / 8];
	const json_t *shipped = json_object_get(spec, "shipped");
	struct site_builder builder;
	struct site *site = site_begin(&builder, bytes, sizeof(bytes));
	const char *text = text_of(shipped, "bytes");

	if (!shipped)
		return;
	if (text[0]) {
		put(table, TABLE_RULES, "", 0, text, strlen(text));
		return;
	}
	site->number = 1;
	site->domain = add_text(&builder, "*");
	add_site_rules(&builder, site, shipped);
	if (site_end(&builder) == 0 || site_check_rules(bytes, site->length))
		give_up("shipped rules are none");
	put(table, TABLE_RULES, "", 0, bytes, site->length);
}

static void put_sites(struct request_table *table, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		for (int64_t j = 0; j < number_of(item, "count", 1); j++)
			put_site(table, item, j);
	}
}

static void remove_all(struct request_table *table, const json_t *spec)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(spec, "removed"), i, item)
	{
		const char *domain = json_string_value(item);
		const struct table_key key = { TABLE_SITE, (uint16_t)strlen(domain), domain };

		(void)request_table_delete(table, &key);
	}
	json_array_foreach(json_object_get(spec, "removed_certificates"), i, item)
	{
		uint32_t number = (uint32_t)json_integer_value(item);
		const struct table_key key = { TABLE_CERTIFICATE, sizeof(number), &number };

		(void)request_table_delete(table, &key);
	}
}

/* A site of its own that is written and removed until the file is given up for another one. */
static void fill_up(struct request_table *table)
{
	static const char filler[2 * 65536];
	uint32_t number = UINT32_MAX;

	for (unsigned i = 0; i < 64; i++) {
		char body[sizeof(filler) / 4];

		memset(body, (int)i, sizeof(body));
		put(table, TABLE_OCSP, &number, sizeof(number), body, sizeof(body));
	}
	(void)request_table_delete(
		table, &(struct table_key){ TABLE_OCSP, sizeof(number), &number });
}

int main(int argc, char **argv)
{
	struct request_table *table;
	json_error_t error;
	json_t *spec = json_loadf(stdin, 0, &error);
	long changes = argc == 5 && strcmp(argv[3], "change") == 0 ? strtol(argv[4], NULL, 10) : 0;
	const char *const lists[] = { "sites", "alternative" };

	if (argc != 3 && changes < 1)
		give_up("usage: site_table FOLDER GROUP [change N] <spec.json");
	if (!spec)
		give_up(error.text);
	if (request_table_open(argv[1], (gid_t)strtol(argv[2], NULL, 10), &table) != OK)
		give_up("the table cannot be opened");
	put_settings(table, spec);
	put_vips(table, spec);
	put_regions(table, spec);
	put_crawlers(table, spec);
	put_sources(table, spec);
	put_certificates(table, spec);
	put_shipped(table, spec);
	put_sites(table, json_object_get(spec, "sites"));
	remove_all(table, spec);
	if (json_is_true(json_object_get(spec, "superseded")))
		fill_up(table);
	if (request_table_publish(table) != OK)
		give_up("the table cannot be published");
	for (long i = 1; i <= changes; i++)
		put_sites(table, json_object_get(spec, lists[i & 1]));
	request_table_close(table);
	json_decref(spec);
	return 0;
}
