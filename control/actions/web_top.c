/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is frequent at web sites: the published lists, and one of our own for all kinds. Nodes tell their most frequent keys of
 * windows of a minute or less; those that touch the time asked for are added up. A count is at most "Error" too large.
 *
 * Texts are what clients sent: published as Base64 for URLs, browsers and referers; elsewhere what is no UTF-8 is shown
 * byte by byte as U+0080 .. U+00FF.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/place.h"
#include "control/actions/tables.h"
#include "control/actions/web_figures.h"

#define TOP_MAX 100 /* published */

struct top {
	const char *domain, *resource_group, *region, *query_type;
	int64_t from, until, interval, limit;
};

static json_t *text_json(const struct top_entry *entry)
{
	char text[2 * TOP_KEY_MAX + 1];
	size_t used = 0;

	if (text_is_utf8(entry->key, entry->length))
		return json_stringn(entry->key, entry->length);
	for (size_t i = 0; i < entry->length; i++) {
		uint8_t byte = (uint8_t)entry->key[i];

		if (byte >= 0x80)
			text[used++] = (char)(0xc0 | byte >> 6);
		text[used++] = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte ? byte : ' ');
	}
	return json_stringn(text, used);
}

static json_t *base64_json(const struct top_entry *entry)
{
	char text[BASE64_TEXT_SIZE(TOP_KEY_MAX)];

	text_base64((const uint8_t *)entry->key, entry->length, text);
	return json_string(text);
}

/* ---- of some sites */

struct found {
	const char *domain;
	struct top_entry entry;
};

static int most_first(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	return left->entry.count > right->entry.count ? -1 : left->entry.count < right->entry.count;
}

static uint64_t mean_of(const struct top_entry *entry)
{
	return entry->hits ? entry->count / entry->hits : 0;
}

static int slowest_first(const void *a, const void *b)
{
	uint64_t left = mean_of(&((const struct found *)a)->entry);
	uint64_t right = mean_of(&((const struct found *)b)->entry);

	return left > right ? -1 : left < right;
}

/* The most frequent of each site; how many may be shown is the caller's to say. */
static enum err load(struct call *call, const struct top *args, enum top_kind kind,
	struct found **out, size_t *count)
{
	int64_t until = args->until >= 0 ? args->until : call->clock_ms / SECOND_MS;
	const struct top_span span = { .from_ms = args->from * SECOND_MS,
		.until_ms = until * SECOND_MS };
	struct top_entry *entry = arena_array(call->mem, TOP_MERGED, sizeof(*entry));
	struct website *website;
	size_t sites, room = 0;

	if (!entry)
		return ERR_MEMORY;
	TRY(figure_span(call, args->from, until));
	TRY(figure_sites(call, args->domain, &website, &sites));
	*out = NULL;
	*count = 0;
	for (size_t i = 0; i < sites; i++) {
		size_t found = nodes_site_top(
			call->nodes, website[i].number, kind, &span, entry, NULL, NULL);

		if (*count + found > room) {
			struct found *larger;

			room = 2 * room + TOP_MERGED;
			larger = arena_array(call->mem, room, sizeof(*larger));
			if (!larger)
				return ERR_MEMORY;
			if (*count > 0)
				memcpy(larger, *out, *count * sizeof(*larger));
			*out = larger;
		}
		for (size_t j = 0; j < found; j++)
			(*out)[(*count)++] = (struct found){ website[i].domain, entry[j] };
	}
	assert(*out || *count == 0);
	if (*count > 0)
		qsort(*out, *count, sizeof(**out),
			kind == TOP_SLOW_URL ? slowest_first : most_first);
	return OK;
}

static size_t limit_of(const struct top *args, size_t count)
{
	return count < (size_t)args->limit ? count : (size_t)args->limit;
}

/* A list of {Domain, name: key, counted: count}. */
static enum err put_top(struct call *call, const struct top *args, enum top_kind kind,
	const char *list_name, const char *name, const char *counted)
{
	bool base64 = kind == TOP_URL || kind == TOP_USER_AGENT || kind == TOP_REFERER;
	struct found *found;
	json_t *list;
	size_t count;

	TRY(load(call, args, kind, &found, &count));
	TRY(put_list(call->reply, list_name, &list));
	for (size_t i = 0; i < limit_of(args, count); i++) {
		json_t *item = json_object();
		const struct top_entry *entry = &found[i].entry;

		TRY(add(list, item));
		TRY(put_text(item, "Domain", found[i].domain));
		TRY(put(item, name, base64 ? base64_json(entry) : text_json(entry)));
		TRY(put_int(item, counted, (int64_t)entry->count));
	}
	return OK;
}

static enum err url_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_URL, "UrlList", "Url", "Count");
}

static enum err agent_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_USER_AGENT, "DomainTopUa", "UserAgent", "Pv");
}

static enum err referer_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_REFERER, "DomainTopReferer", "Referer", "Pv");
}

static enum err method_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_METHOD, "DomainTopMethod", "HttpMethod", "Pv");
}

static enum err fingerprint_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_JA4, "DomainTopFp", "Fingerprinting", "Pv");
}

static enum err http2_run(struct call *call, const void *raw)
{
	return put_top(call, raw, TOP_HTTP2, "DomainH2Fp", "H2Fingerprint", "Pv");
}

static enum err slow_run(struct call *call, const void *raw)
{
	const struct top *args = raw;
	struct found *found;
	json_t *list;
	size_t count;

	TRY(load(call, args, TOP_SLOW_URL, &found, &count));
	TRY(put_list(call->reply, "UrlList", &list));
	for (size_t i = 0; i < limit_of(args, count); i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put_text(item, "Domain", found[i].domain));
		TRY(put(item, "Url", base64_json(&found[i].entry)));
		TRY(put(item, "CostTime",
			json_real((double)found[i].entry.count / found[i].entry.hits)));
	}
	return OK;
}

/* Of all sites together: the same country of each is one. */
static int by_key(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	return memcmp(left->entry.key, right->entry.key, TOP_KEY_MAX);
}

static size_t add_up(struct found *found, size_t count)
{
	size_t used = 0;

	if (count > 0)
		qsort(found, count, sizeof(*found), by_key);
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && by_key(&found[used - 1], &found[i]) == 0)
			found[used - 1].entry.count += found[i].entry.count;
		else
			found[used++] = found[i];
	}
	if (used > 0)
		qsort(found, used, sizeof(*found), most_first);
	return used;
}

static enum err countries_run(struct call *call, const void *raw)
{
	const struct top *args = raw;
	struct found *found;
	json_t *list;
	size_t count;

	TRY(load(call, args, TOP_COUNTRY, &found, &count));
	count = add_up(found, count);
	TRY(put_list(call->reply, "SourceCountrys", &list));
	for (size_t i = 0; i < count; i++) {
		char id[3] = { found[i].entry.key[0], found[i].entry.key[1], '\0' };

		/* Published in small letters. */
		for (int c = 0; c < 2; c++)
			if (id[c] >= 'A' && id[c] <= 'Z')
				id[c] = (char)(id[c] - 'A' + 'a');
		TRY(add(list, json_pack("{s:s, s:I}", "CountryId", id, "Count",
				      (json_int_t)found[i].entry.count)));
	}
	return OK;
}

/* A key that is no address, from a node that tells nonsense, is nowhere. */
static void name_source(
	const struct region_reader *reader, const struct top_entry *entry, struct place_names *out)
{
	char text[ADDRESS_TEXT_SIZE] = "";
	uint8_t address[16] = { 0 };

	if (entry->length < sizeof(text))
		memcpy(text, entry->key, entry->length);
	(void)text_to_address(text, address);
	place_name(reader, address, out);
}

static enum err source_run(struct call *call, const void *raw)
{
	const struct top *args = raw;
	AUTO(region_reader) struct region_reader *reader = NULL;
	bool blocked = strcmp(args->query_type, "block") == 0;
	struct found *found;
	json_t *list;
	size_t count;

	TRY(load(call, args, blocked ? TOP_BLOCKED : TOP_SOURCE, &found, &count));
	count = found ? add_up(found, count) : 0;
	TRY(place_reader_open(call, &reader));
	TRY(put_list(call->reply, "DataList", &list));
	for (size_t i = 0; i < limit_of(args, count); i++) {
		json_t *item = json_object();
		struct place_names names;

		name_source(reader, &found[i].entry, &names);
		TRY(add(list, item));
		TRY(put(item, "SourceIp", text_json(&found[i].entry)));
		TRY(put_int(item, "Count", (int64_t)found[i].entry.count));
		TRY(put_text(item, "Isp", names.provider));
		TRY(put_text(item, "AreaId", place_area(&names)));
	}
	return OK;
}

/* ---- our own */

static const char *const kinds[TOP_COUNT] = {
	[TOP_URL] = "url",
	[TOP_USER_AGENT] = "user-agent",
	[TOP_REFERER] = "referer",
	[TOP_METHOD] = "method",
	[TOP_SOURCE] = "source",
	[TOP_BLOCKED] = "blocked-source",
	[TOP_JA4] = "ja4",
	[TOP_HTTP2] = "http2",
	[TOP_COUNTRY] = "country",
	[TOP_SLOW_URL] = "slow-url",
	[TOP_RULE] = "rule",
};

struct own {
	const char *domain, *kind;
	int64_t from_ms, until_ms, limit;
};
static const struct param own_params[] = {
	PARAM_DOMAIN(own, .required = true),
	PARAM(own, kind, "Kind", .kind = PARAM_CHOICE, .required = true,
		.choices = "url user-agent referer method source blocked-source ja4 http2 country "
			   "slow-url rule",
		.help = "what is counted apart; slow-url counts milliseconds at origins"),
	PARAM(own, from_ms, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = INT64_C(100000000000000), .help = "first ms to show"),
	PARAM(own, until_ms, "EndTime", .kind = PARAM_INT, .required = true, .min = 0,
		.max = INT64_C(100000000000000), .help = "ms before which it ends"),
	PARAM(own, limit, "Limit", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = TOP_MERGED, .fallback = 10, .help = "keys to show"),
	PARAM_ROW_END,
};

static enum err own_run(struct call *call, const void *raw)
{
	const struct own *args = raw;
	const struct top_span span = { .from_ms = args->from_ms, .until_ms = args->until_ms };
	struct top_entry *entry = arena_array(call->mem, TOP_MERGED, sizeof(*entry));
	struct website website;
	size_t count, kind = 0;
	uint64_t total;
	json_t *list;

	if (!entry)
		return ERR_MEMORY;
	while (kind < TOP_COUNT - 1 && strcmp(kinds[kind], args->kind) != 0)
		kind++;
	TRY(figure_span(call, args->from_ms, args->until_ms));
	TRY(call_website(call, args->domain, &website));
	count = nodes_site_top(
		call->nodes, website.number, (enum top_kind)kind, &span, entry, &total, NULL);
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put_int(call->reply, "Total", (int64_t)total));
	TRY(put_list(call->reply, "Items", &list));
	for (size_t i = 0; i < count && i < (size_t)args->limit; i++) {
		json_t *item = json_object();

		TRY(add(list, item));
		TRY(put(item, "Key", text_json(&entry[i])));
		TRY(put_int(item, "Count", (int64_t)entry[i].count));
		TRY(put_int(item, "Error", (int64_t)entry[i].error));
		TRY(put_int(item, "Hits", entry[i].hits));
	}
	return OK;
}

/* ---- rows */

#define TOP_PARAMS(...)                                                                            \
	PARAM_DOMAIN(top, .empty_is_absent = true), PARAM_FROM(top), PARAM_UNTIL(top, __VA_ARGS__)
#define PARAM_LIMIT(name, kind_of, ...)                                                            \
	PARAM(top, limit, name, .kind = PARAM_INT, .min = 1, .max = TOP_MAX, .type = kind_of,      \
		.help = "entries to show", __VA_ARGS__)
#define PARAM_REGION                                                                               \
	PARAM(top, region, "Region", .kind = PARAM_TEXT, .required = true, .max = 64,              \
		.help = "there is one")
#define PARAM_QUERY_TYPE                                                                           \
	PARAM(top, query_type, "QueryType", .kind = PARAM_TEXT, .empty_is_absent = true,           \
		.max = 64, .help = "changes nothing")
#define PARAM_INTERVAL(name, ...)                                                                  \
	PARAM(top, interval, name, .kind = PARAM_INT, .min = 0, .max = INT32_MAX,                  \
		.help = "changes nothing: the list is of all the time", __VA_ARGS__)

/* "Inerval" is its published name. */
static const struct param url_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_LIMIT("Top", "Integer", .required = true),
	PARAM_INTERVAL("Inerval", .empty_is_absent = true, .type = "Long"),
	PARAM_RESOURCE_GROUP(top),
	PARAM_ROW_END,
};
static const struct param slow_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_LIMIT("Top", "Integer", .required = true),
	PARAM_RESOURCE_GROUP(top),
	PARAM_ROW_END,
};
static const struct param country_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_RESOURCE_GROUP(top),
	PARAM_ROW_END,
};
static const struct param list_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_LIMIT("Limit", "Long", .required = true),
	PARAM_QUERY_TYPE,
	PARAM_REGION,
	PARAM_ROW_END,
};
static const struct param fingerprint_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_LIMIT("Limit", "Long", .required = true),
	PARAM_INTERVAL("Interval", .required = true, .type = "Long"),
	PARAM_QUERY_TYPE,
	PARAM_REGION,
	PARAM_ROW_END,
};
static const struct param http2_params[] = {
	TOP_PARAMS(.empty_is_absent = true, .fallback = -1),
	PARAM_LIMIT("Limit", "Long", .required = true),
	PARAM_QUERY_TYPE,
	PARAM_ROW_END,
};
static const struct param source_params[] = {
	TOP_PARAMS(.required = true),
	PARAM_LIMIT("Top", "Integer", .empty_is_absent = true, .fallback = 5),
	PARAM_INTERVAL("Interval", .required = true),
	PARAM(top, query_type, "QueryType", .kind = PARAM_CHOICE, .required = true,
		.choices = "visit block", .help = "all sources, or those that were refused"),
	PARAM_ROW_END,
};

static const struct reply_list url_lists[] = { { "UrlList", "Url" }, { NULL, NULL } };
static const struct reply_list country_lists[] = { { "SourceCountrys", "Country" },
	{ NULL, NULL } };
static const struct reply_list source_lists[] = { { "DataList", "DataItem" }, { NULL, NULL } };
static const struct reply_list item_lists[] = { { "Items", "Item" }, { NULL, NULL } };
/* Published without names of their items. */
static const struct reply_list plain_lists[] = {
	{ "DomainTopUa", NULL },
	{ "DomainTopReferer", NULL },
	{ "DomainTopMethod", NULL },
	{ "DomainTopFp", NULL },
	{ "DomainH2Fp", NULL },
	{ NULL, NULL },
};

const struct action web_top_actions[] = {
	DDOSCOO_READ("DescribeDomainViewTopUrl", url_params, top, url_run, url_lists,
		"lists the most frequent URLs of a web site"),
	DDOSCOO_READ("DescribeDomainViewTopCostTime", slow_params, top, slow_run, url_lists,
		"lists the URLs whose answers take longest"),
	DDOSCOO_READ("DescribeDomainViewSourceCountries", country_params, top, countries_run,
		country_lists, "counts the requests of a web site by country"),
	DDOSCOO_READ("DescribeDomainTopUserAgent", list_params, top, agent_run, plain_lists,
		"lists the most frequent browsers of a web site"),
	DDOSCOO_READ("DescribeDomainTopReferer", list_params, top, referer_run, plain_lists,
		"lists the most frequent referers of a web site"),
	DDOSCOO_READ("DescribeDomainTopHttpMethod", list_params, top, method_run, plain_lists,
		"lists the methods of a web site's requests"),
	DDOSCOO_READ("DescribeDomainTopFingerprint", fingerprint_params, top, fingerprint_run,
		plain_lists, "lists the most frequent fingerprints of TLS (JA4)"),
	DDOSCOO_READ("DescribeDomainH2Fingerprint", http2_params, top, http2_run, plain_lists,
		"lists the most frequent fingerprints of HTTP/2"),
	DDOSCOO_READ("DescribeWebReportTopIp", source_params, top, source_run, source_lists,
		"lists the sources with the most requests"),
	{ VERSION_POLDER, "DescribeWebsiteTop", READ, PERMISSION_READ, own_params,
		sizeof(struct own), own_run, item_lists,
		"lists what is most frequent in the requests of a web site", 0 },
	{ 0 },
};
