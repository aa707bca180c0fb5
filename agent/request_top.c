/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Space-saving (Metwally, Agrawal, El Abbadi, 2005): a key that has no place takes that of the least frequent one and goes
 * on from its count, which is then the most by which it may be counted too often. With so few keys a walk over all of
 * them by a hash is as fast as anything that keeps them sorted.
 */
#include "agent/request_top.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/text.h"

struct sketch {
	uint32_t hash[TOP_KEYS];
	struct top_entry entry[TOP_KEYS];
	uint32_t used;
	uint64_t total;
};

struct site_top {
	struct pool_link link;
	uint32_t number;
	int64_t last_ms, since_ms; /* since: of the window; 0: none has begun */
	uint64_t weight;	   /* requests in it */
	struct sketch sketch[TOP_COUNT];
};

struct request_top {
	struct pool sites;
	struct index by_number;
	uint32_t cursor; /* of the site that request_top_take looks at next */
};

struct request_top *request_top_new(void)
{
	struct request_top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	pool_init(&top->sites, sizeof(struct site_top), TOP_SITE_MAX);
	index_init(&top->by_number, TOP_SITE_MAX);
	return top;
}

void request_top_free(struct request_top *top)
{
	if (!top)
		return;
	pool_done(&top->sites);
	index_done(&top->by_number);
	free(top);
}

static uint32_t number_hash(uint32_t number)
{
	return index_hash(&number, sizeof(number));
}

static uint32_t find(const struct request_top *top, uint32_t number)
{
	uint32_t i = index_first(&top->by_number, number_hash(number));

	while (i != NONE && ((struct site_top *)pool_at(&top->sites, i))->number != number)
		i = index_next(&top->by_number, i);
	return i;
}

static void drop_idle(struct request_top *top)
{
	uint32_t idle = 0;

	for (uint32_t i = 1; i < top->sites.count; i++) {
		if (((struct site_top *)pool_at(&top->sites, i))->last_ms <
			((struct site_top *)pool_at(&top->sites, idle))->last_ms)
			idle = i;
	}
	index_remove(&top->by_number, idle);
	pool_give(&top->sites, idle);
}

static struct site_top *site_of(struct request_top *top, uint32_t number, int64_t now_ms)
{
	uint32_t index = find(top, number);
	struct site_top *site;

	if (index == NONE) {
		if (top->sites.used == TOP_SITE_MAX)
			drop_idle(top);
		index = pool_take(&top->sites);
		if (index == NONE)
			return NULL;
		if (!index_insert(&top->by_number, number_hash(number), index)) {
			pool_give(&top->sites, index);
			return NULL;
		}
		site = pool_at(&top->sites, index);
		site->number = number;
	}
	site = pool_at(&top->sites, index);
	site->last_ms = now_ms;
	return site;
}

static void count(struct sketch *sketch, const char *key, size_t length, uint64_t weight)
{
	uint32_t least = 0, hash;

	if (length == 0)
		return;
	if (length > TOP_KEY_MAX)
		length = TOP_KEY_MAX;
	hash = index_hash(key, length);
	sketch->total += weight;
	for (uint32_t i = 0; i < sketch->used; i++) {
		struct top_entry *entry = &sketch->entry[i];

		if (sketch->hash[i] == hash && entry->length == length &&
			memcmp(entry->key, key, length) == 0) {
			entry->count += weight;
			entry->hits++;
			return;
		}
		if (entry->count < sketch->entry[least].count)
			least = i;
	}
	if (sketch->used < TOP_KEYS) {
		least = sketch->used++;
		sketch->entry[least].count = 0;
	}
	sketch->hash[least] = hash;
	sketch->entry[least].error = sketch->entry[least].count;
	sketch->entry[least].count += weight;
	sketch->entry[least].hits = 1;
	sketch->entry[least].length = (uint16_t)length;
	memcpy(sketch->entry[least].key, key, length);
}

static void count_verdict(struct site_top *site, const struct log_request *request,
	const char *source, uint64_t weight)
{
	char rule[16];

	if (request->verdict == LOG_REFUSED || request->verdict == LOG_CHALLENGED)
		count(&site->sketch[TOP_BLOCKED], source, strlen(source), weight);
	if (request->rule == 0)
		return;
	(void)snprintf(rule, sizeof(rule), "%u", request->rule);
	count(&site->sketch[TOP_RULE], rule, strlen(rule), weight);
}

void request_top_add(
	struct request_top *top, const struct log_view *view, const char *country, int64_t now_ms)
{
	static const struct {
		enum top_kind kind;
		enum log_text text;
	} texts[] = {
		{ TOP_USER_AGENT, LOG_USER_AGENT },
		{ TOP_REFERER, LOG_REFERER },
		{ TOP_METHOD, LOG_METHOD },
		{ TOP_JA4, LOG_JA4 },
		{ TOP_HTTP2, LOG_HTTP2 },
	};
	const struct log_request *request = view->request;
	const struct log_text_at *uri = &view->text[LOG_URI];
	const char *query = memchr(uri->bytes, '?', uri->length);
	size_t path = query ? (size_t)(query - uri->bytes) : uri->length;
	uint64_t weight = request->weight ? request->weight : 1;
	char source[ADDRESS_TEXT_SIZE];
	struct site_top *site;

	if (request->record.site == 0)
		return;
	site = site_of(top, request->record.site, now_ms);
	if (!site)
		return;
	if (site->weight == 0)
		site->since_ms = now_ms;
	site->weight += weight;
	count(&site->sketch[TOP_URL], uri->bytes, path, weight);
	if (request->origin_milliseconds > 0)
		count(&site->sketch[TOP_SLOW_URL], uri->bytes, path,
			weight * request->origin_milliseconds);
	address_format(request->client.byte, source);
	count(&site->sketch[TOP_SOURCE], source, strlen(source), weight);
	count(&site->sketch[TOP_COUNTRY], country, strlen(country), weight);
	count_verdict(site, request, source, weight);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		count(&site->sketch[texts[i].kind], view->text[texts[i].text].bytes,
			view->text[texts[i].text].length, weight);
}

static int compare(const void *a, const void *b)
{
	const struct top_entry *left = a, *right = b;

	return left->count > right->count ? -1 : left->count < right->count;
}

uint32_t request_top_get(const struct request_top *top, uint32_t site, enum top_kind kind,
	struct top_entry out[TOP_KEYS])
{
	uint32_t index = find(top, site);
	const struct sketch *sketch;

	if (index == NONE)
		return 0;
	sketch = &((const struct site_top *)pool_at(&top->sites, index))->sketch[kind];
	memcpy(out, sketch->entry, sketch->used * sizeof(*out));
	qsort(out, sketch->used, sizeof(*out), compare);
	return sketch->used;
}

/* --- windows ----------------------------------------------------------------------------------------------- */

static bool has_ended(const struct request_top *top, uint32_t index, int64_t now_ms)
{
	const struct site_top *site = pool_at(&top->sites, index);

	if (!pool_is_live(&top->sites, index) || site->weight == 0)
		return false;
	return now_ms - site->since_ms >=
	       (site->weight >= TOP_BUSY_WEIGHT ? TOP_BUSY_MS : TOP_WINDOW_MS);
}

static void begin_window(struct site_top *site)
{
	site->weight = 0;
	for (int kind = 0; kind < TOP_COUNT; kind++) {
		site->sketch[kind].used = 0;
		site->sketch[kind].total = 0;
	}
}

static void fill(struct site_top *site, int kind, int64_t now_ms, struct record_site_top *out)
{
	struct sketch *sketch = &site->sketch[kind];
	uint32_t used = sketch->used < TOP_REPORT_KEYS ? sketch->used : TOP_REPORT_KEYS;

	*out = (struct record_site_top){
		.record = { RECORD_SITE_TOP,
			(uint16_t)(offsetof(struct record_site_top, entry) +
				   used * sizeof(out->entry[0])),
			site->number },
		.kind = (uint8_t)kind,
		.entry_count = (uint8_t)used,
		.window_ms = (uint32_t)(now_ms - site->since_ms),
		.total = sketch->total,
	};
	/* The sketch is at its end: it may be sorted where it lies. */
	qsort(sketch->entry, sketch->used, sizeof(sketch->entry[0]), compare);
	memcpy(out->entry, sketch->entry, used * sizeof(out->entry[0]));
	/* What is behind a text was another's. */
	for (uint32_t i = 0; i < used; i++)
		memset(out->entry[i].key + out->entry[i].length, 0,
			(size_t)(TOP_KEY_MAX - out->entry[i].length));
}

uint32_t request_top_take(
	struct request_top *top, int64_t now_ms, struct record_site_top out[TOP_COUNT])
{
	for (uint32_t looked = 0; looked < top->sites.count; looked++) {
		uint32_t index = top->cursor % top->sites.count, used = 0;
		struct site_top *site;

		top->cursor = index + 1;
		if (!has_ended(top, index, now_ms))
			continue;
		site = pool_at(&top->sites, index);
		for (int kind = 0; kind < TOP_COUNT; kind++) {
			if (site->sketch[kind].used > 0)
				fill(site, kind, now_ms, &out[used++]);
		}
		begin_window(site);
		return used;
	}
	return 0;
}

bool request_top_has_next(const struct request_top *top, int64_t now_ms)
{
	for (uint32_t i = 0; i < top->sites.count; i++) {
		if (has_ended(top, i, now_ms))
			return true;
	}
	return false;
}
