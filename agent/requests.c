/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table is where sites and certificates are kept; here is only what finds them by number: the domain of each
 * site, and which numbers there are. So a node's sites are in memory once.
 *
 * A snapshot: what leaves is marked, and its ports no longer count. Then certificates, sites, addresses and ports come,
 * in this order, and ports and addresses that nobody counts any more go. At the end what was marked leaves the
 * table, unless it was written anew meanwhile: a site that was deleted and made again under its name is never
 * missing.
 */
#include "agent/requests.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "agent/request_ports.h"
#include "base/log.h"
#include "base/site.h"

struct site_item {
	struct pool_link link;
	uint32_t number; /* 0: leaves at the end of the snapshot */
	bool seen;
	uint8_t domain_length;
	char domain[SITE_DOMAIN_MAX];
};
static_assert(SITE_DOMAIN_MAX <= UINT8_MAX, "a domain's length is one byte");

struct certificate_item {
	struct pool_link link;
	uint32_t number;
	bool seen, leaves;
};

struct requests {
	struct request_table *table;
	struct request_ports *ports;
	struct pool sites, certificates;
	struct index site_by_number, site_by_domain, certificate_by_number;
	uint32_t site_count, certificate_count; /* but for what leaves */
	uint64_t generation;
	bool changed;
	const struct requests_output *output; /* while a snapshot is applied */
};

static uint32_t number_hash(uint32_t number)
{
	return index_hash(&number, sizeof(number));
}

static struct site_item *site_at(const struct requests *requests, uint32_t index)
{
	return pool_at(&requests->sites, index);
}

static struct certificate_item *certificate_at(const struct requests *requests, uint32_t index)
{
	return pool_at(&requests->certificates, index);
}

static uint32_t find_site(const struct requests *requests, uint32_t number)
{
	uint32_t i = index_first(&requests->site_by_number, number_hash(number));

	while (i != NONE && site_at(requests, i)->number != number)
		i = index_next(&requests->site_by_number, i);
	return i;
}

static uint32_t find_domain(const struct requests *requests, const char *domain, size_t length)
{
	uint32_t i = index_first(&requests->site_by_domain, index_hash(domain, length));

	while (i != NONE && (site_at(requests, i)->domain_length != length ||
				    memcmp(site_at(requests, i)->domain, domain, length) != 0))
		i = index_next(&requests->site_by_domain, i);
	return i;
}

static uint32_t find_certificate(const struct requests *requests, uint32_t number)
{
	uint32_t i = index_first(&requests->certificate_by_number, number_hash(number));

	while (i != NONE && certificate_at(requests, i)->number != number)
		i = index_next(&requests->certificate_by_number, i);
	return i;
}

static struct table_key site_key(const struct site_item *item)
{
	return (struct table_key){ TABLE_SITE, item->domain_length, item->domain };
}

static const struct site *body_of(const struct requests *requests, const struct site_item *item)
{
	struct table_key key = site_key(item);
	size_t length;

	return request_table_find(requests->table, &key, &length);
}

static void refuse(const struct requests *requests, uint32_t type, uint32_t id, const char *why)
{
	requests->output->refuse(requests->output->context, type, id, why);
}

/* --- sites ------------------------------------------------------------------------------------------------- */

/* An item for the domain, which nobody has; NONE: no room. */
static uint32_t take_site(struct requests *requests, const char *domain, size_t length)
{
	uint32_t index = pool_take(&requests->sites);
	struct site_item *item;

	if (index == NONE)
		return NONE;
	if (!index_insert(&requests->site_by_domain, index_hash(domain, length), index)) {
		pool_give(&requests->sites, index);
		return NONE;
	}
	item = site_at(requests, index);
	item->domain_length = (uint8_t)length;
	memcpy(item->domain, domain, length);
	return index;
}

static void give_site(struct requests *requests, uint32_t index)
{
	index_remove(&requests->site_by_domain, index);
	pool_give(&requests->sites, index);
}

/* Its ports count no more; its record and its item stay up to the end of the snapshot. */
static void mark_site(struct requests *requests, uint32_t index)
{
	struct site_item *item = site_at(requests, index);
	const struct site *body = body_of(requests, item);

	assert(item->number != 0 && body);
	request_ports_remove(requests->ports, body);
	index_remove(&requests->site_by_number, index);
	item->number = 0;
	requests->site_count--;
	requests->changed = true;
}

/* The site has its domain's item, live or not, or a new one; and another one if its domain was another. */
static bool own_domain(
	struct requests *requests, const struct site *site, uint32_t *out, const char **why)
{
	const char *domain = site_text_at(site, site->domain);
	uint32_t index = find_domain(requests, domain, site->domain.length);

	*why = "another site has its domain";
	if (index != NONE && site_at(requests, index)->number != 0 &&
		site_at(requests, index)->number != site->number)
		return false;
	*why = "table of sites is full";
	if (find_site(requests, site->number) == NONE && requests->site_count == NODE_SITE_MAX)
		return false;
	if (index == NONE)
		index = take_site(requests, domain, site->domain.length);
	*out = index;
	return index != NONE;
}

static bool put_site(
	struct requests *requests, uint32_t index, const struct site *site, const char **why)
{
	struct table_key key = site_key(site_at(requests, index));
	uint32_t before = find_site(requests, site->number);
	bool fits;

	*why = "no room for its ports";
	if (!request_ports_add(requests->ports, site))
		return false;
	*why = "no room in the table";
	if (before == index) {
		request_ports_remove(requests->ports, body_of(requests, site_at(requests, index)));
		if (request_table_put(requests->table, &key, site, site->length) == OK)
			return true;
		fits = request_ports_add(
			requests->ports, body_of(requests, site_at(requests, index)));
		assert(fits); /* what was just taken off needs no room */
		request_ports_remove(requests->ports, site);
		return false;
	}
	if (index_insert(&requests->site_by_number, number_hash(site->number), index)) {
		if (request_table_put(requests->table, &key, site, site->length) == OK) {
			site_at(requests, index)->number = site->number;
			requests->site_count++;
			return true;
		}
		index_remove(&requests->site_by_number, index);
	}
	request_ports_remove(requests->ports, site);
	return false;
}

static void claim_site(struct requests *requests, const struct record_site *record)
{
	const struct site *site = (const void *)record->site;
	uint32_t before = find_site(requests, site->number), index;
	const char *why;

	if (before != NONE)
		site_at(requests, before)->seen = true;
	if (!own_domain(requests, site, &index, &why)) {
		refuse(requests, RECORD_SITE, site->number, why);
		return;
	}
	/* Under another name it is another site, but for its number. */
	if (before != NONE && before != index)
		mark_site(requests, before);
	if (!put_site(requests, index, site, &why)) {
		refuse(requests, RECORD_SITE, site->number, why);
		return;
	}
	site_at(requests, index)->seen = true;
	requests->changed = true;
}

/* Those that were there before stay in force when they find no room. */
static void claim_rules(struct requests *requests, const struct record_rules *record)
{
	const struct site *rules = (const void *)record->site;
	struct table_key key = { TABLE_RULES, 0, NULL };

	if (request_table_put(requests->table, &key, rules, rules->length) != OK)
		refuse(requests, RECORD_RULES, RULES_ID, "no room in the table");
}

/* --- certificates ------------------------------------------------------------------------------------------ */

static uint32_t take_certificate(struct requests *requests, uint32_t number)
{
	uint32_t index = find_certificate(requests, number);

	if (index != NONE && !certificate_at(requests, index)->leaves)
		return index;
	if (requests->certificate_count == NODE_CERTIFICATE_MAX)
		return NONE;
	if (index != NONE) {
		certificate_at(requests, index)->leaves = false;
		requests->certificate_count++;
		return index;
	}
	index = pool_take(&requests->certificates);
	if (index == NONE)
		return NONE;
	if (!index_insert(&requests->certificate_by_number, number_hash(number), index)) {
		pool_give(&requests->certificates, index);
		return NONE;
	}
	certificate_at(requests, index)->number = number;
	requests->certificate_count++;
	return index;
}

static void mark_certificate(struct requests *requests, uint32_t index)
{
	struct certificate_item *item = certificate_at(requests, index);

	if (item->leaves)
		return;
	item->leaves = true;
	requests->certificate_count--;
}

static void give_certificate(struct requests *requests, uint32_t index)
{
	index_remove(&requests->certificate_by_number, index);
	pool_give(&requests->certificates, index);
}

static void claim_certificate(struct requests *requests, const struct record_certificate *record)
{
	const struct certificate *certificate = (const void *)record->certificate;
	uint32_t number = certificate->number;
	struct table_key key = { TABLE_CERTIFICATE, sizeof(number), &number };
	struct table_key staple = { TABLE_OCSP, sizeof(number), &number };
	size_t length = sizeof(*certificate) + certificate->chain_length + certificate->key_length;
	size_t before_length;
	const struct certificate *before =
		request_table_find(requests->table, &key, &before_length);
	bool same = before && before->version == certificate->version;
	uint32_t index = take_certificate(requests, number);

	if (index == NONE) {
		refuse(requests, RECORD_CERTIFICATE, number, "table of certificates is full");
		return;
	}
	certificate_at(requests, index)->seen = true;
	if (request_table_put(requests->table, &key, certificate, length) != OK) {
		refuse(requests, RECORD_CERTIFICATE, number, "no room in the table");
		if (!before)
			mark_certificate(requests, index);
		return;
	}
	if (same)
		return;
	/* The response is about the certificate of before. */
	(void)request_table_delete(requests->table, &staple);
	requests->changed = true;
}

/* --- a snapshot -------------------------------------------------------------------------------------------- */

static void remove_record(struct requests *requests, const struct record_remove *remove)
{
	uint32_t id = remove->record.id, index;

	switch (remove->removed_type) {
	case RECORD_INSTANCE:
		request_ports_instance_gone(requests->ports, id);
		break;
	case RECORD_SITE:
		index = find_site(requests, id);
		if (index != NONE)
			mark_site(requests, index);
		break;
	case RECORD_CERTIFICATE:
		index = find_certificate(requests, id);
		if (index != NONE)
			mark_certificate(requests, index);
		break;
	default:
		break;
	}
}

static void mark_unseen(struct requests *requests)
{
	request_ports_mark_unseen(requests->ports);
	for (uint32_t i = 0; i < requests->sites.count; i++) {
		if (pool_is_live(&requests->sites, i))
			site_at(requests, i)->seen = false;
	}
	for (uint32_t i = 0; i < requests->certificates.count; i++) {
		if (pool_is_live(&requests->certificates, i))
			certificate_at(requests, i)->seen = false;
	}
}

/* Before anything is claimed, so that what leaves takes no room from what comes. */
static void remove_unseen(struct requests *requests, const struct snapshot *snapshot)
{
	const struct record *record;
	size_t offset = 0;

	mark_unseen(requests);
	while ((record = snapshot_next(snapshot, &offset))) {
		uint32_t index = NONE;

		if (record->type == RECORD_SITE)
			index = find_site(requests, record->id);
		if (index != NONE)
			site_at(requests, index)->seen = true;
		if (record->type == RECORD_CERTIFICATE) {
			index = find_certificate(requests, record->id);
			if (index != NONE)
				certificate_at(requests, index)->seen = true;
		}
	}
	for (uint32_t i = 0; i < requests->sites.count; i++) {
		if (pool_is_live(&requests->sites, i) && !site_at(requests, i)->seen &&
			site_at(requests, i)->number != 0)
			mark_site(requests, i);
	}
	for (uint32_t i = 0; i < requests->certificates.count; i++) {
		if (pool_is_live(&requests->certificates, i) && !certificate_at(requests, i)->seen)
			mark_certificate(requests, i);
	}
}

static void claim_record(struct requests *requests, const struct record *record)
{
	switch (record->type) {
	case RECORD_REMOVE:
		remove_record(requests, (const void *)record);
		break;
	case RECORD_INSTANCE:
		if (!request_ports_instance(requests->ports, (const void *)record))
			refuse(requests, RECORD_INSTANCE, record->id, "table of instances is full");
		break;
	case RECORD_CERTIFICATE:
		claim_certificate(requests, (const void *)record);
		break;
	case RECORD_RULES:
		claim_rules(requests, (const void *)record);
		break;
	default:
		claim_site(requests, (const void *)record);
	}
}

static void claim_records(struct requests *requests, const struct snapshot *snapshot)
{
	static const uint16_t order[] = { RECORD_REMOVE, RECORD_INSTANCE, RECORD_CERTIFICATE,
		RECORD_RULES, RECORD_SITE };

	for (size_t phase = 0; phase < sizeof(order) / sizeof(*order); phase++) {
		const struct record *record;
		size_t offset = 0;

		while ((record = snapshot_next(snapshot, &offset))) {
			if (record->type == order[phase])
				claim_record(requests, record);
		}
	}
}

/* What is marked leaves the table. */
static void remove_marked(struct requests *requests)
{
	for (uint32_t i = 0; i < requests->sites.count; i++) {
		struct table_key key;

		if (!pool_is_live(&requests->sites, i) || site_at(requests, i)->number != 0)
			continue;
		key = site_key(site_at(requests, i));
		(void)request_table_delete(requests->table, &key);
		give_site(requests, i);
	}
	for (uint32_t i = 0; i < requests->certificates.count; i++) {
		struct certificate_item *item;
		struct table_key key;

		if (!pool_is_live(&requests->certificates, i))
			continue;
		item = certificate_at(requests, i);
		if (!item->leaves)
			continue;
		key = (struct table_key){ TABLE_CERTIFICATE, sizeof(item->number), &item->number };
		(void)request_table_delete(requests->table, &key);
		key.kind = TABLE_OCSP;
		(void)request_table_delete(requests->table, &key);
		give_certificate(requests, i);
	}
}

/* Addresses that an agent of before left, or that could not be deleted. */
static void remove_strange_vips(struct requests *requests)
{
	const struct table_record *record;
	uint64_t cursor = 0;

	while ((record = request_table_next(requests->table, &cursor))) {
		const struct table_vip *vip = request_table_body(record);
		struct table_key key = { record->kind, record->key_length, record->key };

		if (record->kind == TABLE_VIP &&
			(record->key_length != sizeof(struct address) ||
				record->body_length != sizeof(*vip) ||
				!request_ports_has(
					requests->ports, (const void *)record->key, vip->instance)))
			(void)request_table_delete(requests->table, &key);
	}
}

enum err requests_apply(struct requests *requests, const struct snapshot *snapshot,
	const struct requests_output *output)
{
	bool full = snapshot_is_full(snapshot);

	if (!full && snapshot->header.base_generation != requests->generation)
		return ERR_CONFLICT;
	requests->output = output;
	if (full) {
		output->mark_unseen(output->context);
		remove_unseen(requests, snapshot);
	}
	claim_records(requests, snapshot);
	if (full)
		request_ports_remove_unseen(requests->ports);
	request_ports_flush(requests->ports, requests->table, output, full);
	if (full) {
		output->remove_unseen(output->context);
		remove_strange_vips(requests);
	}
	remove_marked(requests);
	requests->output = NULL;
	requests->generation = snapshot->header.generation;
	request_table_set_generation(requests->table, snapshot->header.generation);
	return full ? request_table_publish(requests->table) : OK;
}

/* --- beginning and questions ------------------------------------------------------------------------------- */

static bool adopt_site(struct requests *requests, const struct table_record *record)
{
	const struct site *site = request_table_body(record);
	uint32_t index;

	if (site_check(site, record->body_length) || record->key_length != site->domain.length ||
		memcmp(record->key, site_text_at(site, site->domain), record->key_length) != 0 ||
		find_site(requests, site->number) != NONE || requests->site_count == NODE_SITE_MAX)
		return false;
	index = take_site(requests, (const char *)record->key, record->key_length);
	if (index == NONE)
		return false;
	if (!request_ports_add(requests->ports, site)) {
		give_site(requests, index);
		return false;
	}
	if (!index_insert(&requests->site_by_number, number_hash(site->number), index)) {
		request_ports_remove(requests->ports, site);
		give_site(requests, index);
		return false;
	}
	site_at(requests, index)->number = site->number;
	requests->site_count++;
	return true;
}

static bool adopt(struct requests *requests, const struct table_record *record)
{
	uint32_t number;

	if (record->kind == TABLE_SITE)
		return adopt_site(requests, record);
	if (record->kind != TABLE_CERTIFICATE)
		return true;
	if (record->key_length != sizeof(number) ||
		certificate_check(request_table_body(record), record->body_length))
		return false;
	memcpy(&number, record->key, sizeof(number));
	return ((const struct certificate *)request_table_body(record))->number == number &&
	       take_certificate(requests, number) != NONE;
}

static void adopt_all(struct requests *requests)
{
	const struct table_record *record;
	uint64_t cursor = 0;

	while ((record = request_table_next(requests->table, &cursor))) {
		struct table_key key = { record->kind, record->key_length, record->key };

		if (adopt(requests, record))
			continue;
		log_warn("a record of kind %u in the table is not taken over", record->kind);
		(void)request_table_delete(requests->table, &key);
	}
}

struct requests *requests_new(struct request_table *table)
{
	struct requests *requests = calloc(1, sizeof(*requests));

	if (!requests)
		return NULL;
	requests->table = table;
	requests->ports = request_ports_new();
	if (!requests->ports) {
		free(requests);
		return NULL;
	}
	/* Twice as many items as sites: all may leave while as many others come. */
	pool_init(&requests->sites, sizeof(struct site_item), 2 * NODE_SITE_MAX);
	pool_init(
		&requests->certificates, sizeof(struct certificate_item), 2 * NODE_CERTIFICATE_MAX);
	index_init(&requests->site_by_number, 2 * NODE_SITE_MAX);
	index_init(&requests->site_by_domain, 2 * NODE_SITE_MAX);
	index_init(&requests->certificate_by_number, 2 * NODE_CERTIFICATE_MAX);
	adopt_all(requests);
	requests->changed = true;
	return requests;
}

void requests_free(struct requests *requests)
{
	if (!requests)
		return;
	request_ports_free(requests->ports);
	pool_done(&requests->sites);
	pool_done(&requests->certificates);
	index_done(&requests->site_by_number);
	index_done(&requests->site_by_domain);
	index_done(&requests->certificate_by_number);
	free(requests);
}

bool requests_changed(struct requests *requests)
{
	bool changed = requests->changed;

	requests->changed = false;
	return changed;
}

void requests_counts(const struct requests *requests, struct requests_counts *out)
{
	*out = (struct requests_counts){ .sites = requests->site_count,
		.certificates = requests->certificate_count };
	request_ports_counts(requests->ports, &out->vips, &out->ports);
}

bool requests_has_site(const struct requests *requests, uint32_t number)
{
	return find_site(requests, number) != NONE;
}

const struct site *requests_site(const struct requests *requests, uint32_t number)
{
	uint32_t index = find_site(requests, number);

	return index == NONE ? NULL : body_of(requests, site_at(requests, index));
}
