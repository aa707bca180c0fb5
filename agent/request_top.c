/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Space-saving (Metwally, Agrawal, El Abbadi, 2005): a key that has no place takes that of the least frequent one and goes
 * on from its count, which is then the most by which it may be counted too often. With so few keys a walk over all of
 * them by a hash is as fast as anything that keeps them sorted.
 */
#include "agent/request_top.h"

#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/text.h"

struct sketch {
	uint32_t hash[TOP_KEYS];
	struct top_entry entry[TOP_KEYS];
	uint32_t used;
};

struct site_top {
	struct pool_link link;
	uint32_t number;
	int64_t last_ms, halved_ms;
	struct sketch sketch[TOP_COUNT];
};

struct request_top {
	struct pool sites;
	struct index by_number;
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
		site->halved_ms = now_ms;
	}
	site = pool_at(&top->sites, index);
	site->last_ms = now_ms;
	return site;
}

static void halve(struct site_top *site, int64_t now_ms)
{
	int64_t halves = (now_ms - site->halved_ms) / TOP_HALF_MS;
	unsigned shift = halves > 63 ? 63 : (unsigned)halves;

	if (halves <= 0)
		return;
	site->halved_ms += halves * TOP_HALF_MS;
	for (int kind = 0; kind < TOP_COUNT; kind++) {
		for (uint32_t i = 0; i < site->sketch[kind].used; i++) {
			site->sketch[kind].entry[i].count >>= shift;
			site->sketch[kind].entry[i].error >>= shift;
		}
	}
}

static void count(struct sketch *sketch, const char *key, size_t length)
{
	uint32_t least = 0, hash;

	if (length == 0)
		return;
	if (length > TOP_KEY_MAX)
		length = TOP_KEY_MAX;
	hash = index_hash(key, length);
	for (uint32_t i = 0; i < sketch->used; i++) {
		struct top_entry *entry = &sketch->entry[i];

		if (sketch->hash[i] == hash && entry->length == length &&
			memcmp(entry->key, key, length) == 0) {
			entry->count++;
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
	sketch->entry[least].error = sketch->entry[least].count++;
	sketch->entry[least].length = (uint16_t)length;
	memcpy(sketch->entry[least].key, key, length);
}

void request_top_add(struct request_top *top, const struct log_view *view, int64_t now_ms)
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
	const struct log_text_at *uri = &view->text[LOG_URI];
	const char *query = memchr(uri->bytes, '?', uri->length);
	char source[ADDRESS_TEXT_SIZE];
	struct site_top *site;

	if (view->request->record.site == 0)
		return;
	site = site_of(top, view->request->record.site, now_ms);
	if (!site)
		return;
	halve(site, now_ms);
	count(&site->sketch[TOP_URL], uri->bytes,
		query ? (size_t)(query - uri->bytes) : uri->length);
	address_format(view->request->client.byte, source);
	count(&site->sketch[TOP_SOURCE], source, strlen(source));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		count(&site->sketch[texts[i].kind], view->text[texts[i].text].bytes,
			view->text[texts[i].text].length);
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
