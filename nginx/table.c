/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker has one file in force, and may have older ones mapped that requests still use: each counts its pins and
 * goes with the last. Requests that rest go over to the one in force (context.c), or a few clients that take hours could hold
 * all places for files, and no change would be followed any more. Nothing here waits: the agent publishes with release, a look-up loads with acquire.
 *
 * The agent is trusted to mean well, not to be faultless: every offset is compared with what was mapped before it is
 * followed, and a site is given out only when site_check has passed it. That is done once for each record of a map: two
 * bits for each possible place of a record remember the outcome. A record never changes, so it stays true.
 *
 * What is asked for again and again is remembered with its slot: what there is but one of (settings, sources) here, a connection's
 * address and site by the connection. As long as the slot says the same offset it is the same record, since places in a
 * file are not used twice, nor are numbers of mappings.
 */
#include "nginx/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/site.h"
#include "base/text.h"
#include "nginx/nginx.h"

#define SLOTS_MAX                                                                                  \
	(1u << 22) /* far more than NODE_SITE_MAX + NODE_CERTIFICATE_MAX and the rest ask for */
#define PROBES_MAX 16384 /* of a table that is 3/4 full none comes near */
#define MAPS_MAX   64	 /* files in use at once: so many do not come in a second or two */
#define BYTES_MAX  (UINT64_C(1) << 36)

struct table {
	const uint8_t *bytes; /* NULL: this place is free */
	uint64_t size;
	const struct table_header *header;
	const struct table_slot *slots;
	uint32_t mask;
	uint32_t pins;
	uint8_t *outcome; /* 2 bits of enum outcome for each 8 bytes of the file */
	uint64_t outcome_size;
	dev_t device;
	ino_t inode;
	uint64_t serial;	    /* never 0, nor that of another mapping */
	struct table_hint *keyless; /* [TABLE_KIND_LAST + 1]: records without a key, by kind */
};
enum outcome {
	UNKNOWN,
	GOOD,
	BAD
};

static const char *table_path;
static struct table maps[MAPS_MAX];
static struct table_hint keyless[MAPS_MAX][TABLE_KIND_LAST + 1];
static struct table *current;
static uint64_t serials;
static int64_t looked_ms; /* for a file when there was none */
static const struct table_settings no_settings;

void table_open(const char *path)
{
	table_path = path;
}

/* ---- mapping */

static const char *header_check(const struct table_header *header, uint64_t size)
{
	uint32_t count = header->slot_count;

	if (header->magic != TABLE_MAGIC || header->version != TABLE_VERSION)
		return "of another kind or version";
	if (header->size != size)
		return "of another size than it says";
	if (count == 0 || count > SLOTS_MAX || (count & (count - 1)))
		return "with an impossible number of slots";
	if ((header->slots & 7) || header->slots < sizeof(*header) || header->slots > size ||
		(uint64_t)count * sizeof(struct table_slot) > size - header->slots)
		return "whose slots lie outside";
	return NULL;
}

static void unmap(struct table *table)
{
	if (table->bytes)
		(void)munmap((void *)(uintptr_t)table->bytes, table->size);
	if (table->outcome)
		(void)munmap(table->outcome, table->outcome_size);
	*table = (struct table){ 0 };
}

static const char *map(struct table *table, int fd)
{
	struct stat status;
	const char *why;
	void *bytes;

	if (fstat(fd, &status) != 0)
		return "that cannot be looked at";
	if (status.st_size < (off_t)sizeof(struct table_header) ||
		(uint64_t)status.st_size > BYTES_MAX)
		return "of an impossible size";
	table->size = (uint64_t)status.st_size;
	bytes = mmap(NULL, table->size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return "that cannot be mapped";
	table->bytes = bytes;
	table->header = bytes;
	table->serial = ++serials;
	table->keyless = keyless[table - maps];
	memset(table->keyless, 0, sizeof(keyless[0]));
	table->device = status.st_dev;
	table->inode = status.st_ino;
	why = header_check(table->header, table->size);
	if (why)
		return why;
	table->slots = (const void *)(table->bytes + table->header->slots);
	table->mask = table->header->slot_count - 1;
	table->outcome_size = table->size / 32 + 1;
	/* Pages that nobody writes take no memory. */
	bytes = mmap(NULL, table->outcome_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return "for which memory is out";
	table->outcome = bytes;
	return NULL;
}

static bool is_superseded(const struct table *table)
{
	return __atomic_load_n(&table->header->superseded, __ATOMIC_ACQUIRE) != 0;
}

/* What the name stands for now becomes the file in force. What was stays so when nothing better is found. */
static void follow(void)
{
	AUTO(fd) int fd = open(table_path, O_RDONLY | O_CLOEXEC);
	struct table *place = NULL;
	struct stat status;
	const char *why;

	if (fd < 0)
		return;
	if (current && fstat(fd, &status) == 0 && status.st_ino == current->inode &&
		status.st_dev == current->device)
		return;
	for (unsigned i = 0; i < MAPS_MAX && !place; i++) {
		if (!maps[i].bytes)
			place = &maps[i];
	}
	if (!place) {
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "too many files of sites in use");
		return;
	}
	why = map(place, fd);
	if (why) {
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "file of sites %s: not used", why);
		unmap(place);
		return;
	}
	if (current && current->pins == 0)
		unmap(current);
	current = place;
}

struct table *table_pin(int64_t now_ms)
{
	if ((!current || is_superseded(current)) && table_path &&
		(now_ms - looked_ms >= TABLE_RETRY_MS || now_ms < looked_ms || current)) {
		looked_ms = now_ms;
		follow();
	}
	if (current)
		current->pins++;
	return current;
}

void table_unpin(struct table *table)
{
	if (!table)
		return;
	if (--table->pins == 0 && table != current)
		unmap(table);
}

bool table_is_in_force(const struct table *table)
{
	return table == current;
}

/* ---- looking up */

/* The record at offset, when all of it lies in the file. */
static const struct table_record *record_at(const struct table *table, uint64_t offset)
{
	const struct table_record *record;
	uint64_t rest;

	if ((offset & 7) || offset < sizeof(struct table_header) || offset > table->size ||
		table->size - offset < sizeof(*record))
		return NULL;
	record = (const void *)(table->bytes + offset);
	rest = table->size - offset;
	if (record->length > rest || record->length < sizeof(*record) || (record->length & 7) ||
		(record->body & 7) || record->key_length > TABLE_KEY_MAX ||
		sizeof(*record) + record->key_length > record->body ||
		record->body > record->length ||
		record->body_length > record->length - record->body)
		return NULL;
	return record;
}

static inline bool is_key(const struct table_record *record, const void *key, size_t length)
{
	return record->key_length == length && memcmp(record->key, key, length) == 0;
}

static const struct table_record *find_in(const struct table *table, uint16_t kind, const void *key,
	size_t key_length, struct table_hint *out)
{
	uint64_t hash = table_hash(kind, key, key_length);
	uint32_t place = (uint32_t)hash & table->mask;

	for (uint32_t i = 0; i < PROBES_MAX && i <= table->mask; i++) {
		const struct table_slot *slot = &table->slots[(place + i) & table->mask];
		uint64_t offset = __atomic_load_n(&slot->offset, __ATOMIC_ACQUIRE);
		const struct table_record *record;

		if (offset == 0)
			return NULL;
		if (offset == TABLE_GONE || __atomic_load_n(&slot->hash, __ATOMIC_RELAXED) != hash)
			continue;
		record = record_at(table, offset);
		if (record && record->kind == kind && is_key(record, key, key_length)) {
			*out = (struct table_hint){ table->serial, slot, offset, record };
			return record;
		}
	}
	return NULL;
}

static const struct table_record *find(
	const struct table *table, uint16_t kind, const void *key, size_t key_length)
{
	struct table_hint unused;

	return find_in(table, kind, key, key_length, &unused);
}

/* The record that was found is still in force. */
static inline bool holds(const struct table_hint *hint, const struct table *table)
{
	return hint->record && hint->serial == table->serial &&
	       __atomic_load_n(&hint->slot->offset, __ATOMIC_ACQUIRE) == hint->offset;
}

static const struct table_record *find_keyless(const struct table *table, enum table_kind kind)
{
	struct table_hint *hint = &table->keyless[kind];

	return holds(hint, table) ? hint->record : find_in(table, (uint16_t)kind, "", 0, hint);
}

static const void *body_of(const struct table_record *record)
{
	return (const uint8_t *)record + record->body;
}

const void *table_find(const struct table *table, uint16_t kind, const void *key, size_t key_length,
	size_t *out_length)
{
	const struct table_record *record = find(table, kind, key, key_length);

	if (!record)
		return NULL;
	if (out_length)
		*out_length = record->body_length;
	return body_of(record);
}

static const void *sized(const struct table_record *record, size_t length)
{
	return record && record->body_length == length ? body_of(record) : NULL;
}

static const void *find_sized(const struct table *table, uint16_t kind, const void *key,
	size_t key_length, size_t body_length)
{
	return sized(find(table, kind, key, key_length), body_length);
}

const struct table_settings *table_settings(const struct table *table)
{
	const struct table_settings *settings =
		table ? sized(find_keyless(table, TABLE_SETTINGS), sizeof(*settings)) : NULL;

	if (!settings || settings->proxy_count > TRUSTED_PROXY_MAX)
		return &no_settings;
	return settings;
}

const struct table_vip *table_vip(
	const struct table *table, const struct address *address, struct table_hint *hint)
{
	const struct table_record *record;

	if (holds(hint, table) && is_key(hint->record, address, sizeof(*address)))
		record = hint->record;
	else
		record = find_in(table, TABLE_VIP, address, sizeof(*address), hint);
	return sized(record, sizeof(struct table_vip));
}

/* As check says of the body, once for each record. */
static bool site_is_good(struct table *table, const struct table_record *record,
	const char *(*check)(const void *bytes, size_t length))
{
	uint64_t bit = (uint64_t)((const uint8_t *)record - table->bytes) / 8 * 2;
	uint8_t *byte = &table->outcome[bit / 8];
	unsigned shift = bit & 7;
	const char *why;

	switch ((enum outcome)(*byte >> shift & 3)) {
	case GOOD:
		return true;
	case BAD:
		return false;
	case UNKNOWN:
	default:
		break;
	}
	why = check(body_of(record), record->body_length);
	if (why)
		ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "site \"%*s\": %s: not served",
			(size_t)record->key_length, record->key, why);
	*byte = (uint8_t)(*byte | (why ? BAD : GOOD) << shift);
	return !why;
}

static const struct table_record *find_site(
	struct table *table, const char *host, size_t length, struct table_hint *hint)
{
	char key[2][SITE_DOMAIN_MAX + 3];
	size_t key_length = 0;

	for (unsigned i = 0; i <= SITE_LABEL_MAX; i++) {
		const struct table_record *record;

		key_length =
			site_key_next(host, length, i ? key[~i & 1] : NULL, key_length, key[i & 1]);
		if (key_length == 0)
			return NULL;
		record = find_in(table, TABLE_SITE, key[i & 1], key_length, hint);
		if (record)
			return record;
	}
	return NULL;
}

/* A wildcard's record is looked for anew: the name itself may have got one. */
const struct site *table_site(
	struct table *table, const char *host, size_t length, struct table_hint *hint)
{
	struct table_hint unused = { 0 };
	const struct table_record *record;

	hint = hint ? hint : &unused;
	if (holds(hint, table) && is_key(hint->record, host, length))
		record = hint->record;
	else
		record = find_site(table, host, length, hint);
	return record && site_is_good(table, record, site_check) ? body_of(record) : NULL;
}

const struct site *table_rules(struct table *table)
{
	const struct table_record *record = find_keyless(table, TABLE_RULES);

	return record && site_is_good(table, record, site_check_rules) ? body_of(record) : NULL;
}

const struct certificate *table_certificate(struct table *table, uint32_t number)
{
	const struct table_record *record = find(table, TABLE_CERTIFICATE, &number, sizeof(number));

	if (!record || certificate_check(body_of(record), record->body_length))
		return NULL;
	return body_of(record);
}

const struct table_name *table_name(const struct table *table, const char *name, size_t length)
{
	const struct table_name *found =
		find_sized(table, TABLE_NAME, name, length, sizeof(*found));

	return found && found->count <= NAME_ADDRESS_MAX ? found : NULL;
}

static bool ports_fit(const struct table_ports *ports)
{
	return ports->count == 0 || (ports->first > 0 && ports->count <= 65536 - ports->first);
}

const struct table_sources *table_sources(const struct table *table)
{
	const struct table_sources *found =
		sized(find_keyless(table, TABLE_SOURCES), sizeof(*found));

	return found && found->count[0] <= NODE_SOURCE_MAX && found->count[1] <= NODE_SOURCE_MAX &&
			       ports_fit(&found->ports[0]) && ports_fit(&found->ports[1])
		       ? found
		       : NULL;
}

uint8_t table_region(const struct table *table, const struct address *address)
{
	const struct table_record *record = find_keyless(table, TABLE_REGIONS);
	const struct table_prefix *prefix = record ? body_of(record) : NULL;
	size_t length = record ? record->body_length : 0;

	if (length > TABLE_REGION_MAX * sizeof(*prefix))
		return 0;
	for (size_t i = length / sizeof(*prefix); i-- > 0;) {
		if (prefix[i].bits <= 128 &&
			prefix_covers(prefix[i].address.byte, prefix[i].bits, address->byte))
			return (uint8_t)prefix[i].flags;
	}
	return 0;
}

uint32_t table_crawler(
	const struct table *table, const struct address *source, int64_t now_ms, int64_t *until_ms)
{
	const struct table_crawler *found =
		find_sized(table, TABLE_CRAWLER, source, sizeof(*source), sizeof(*found));

	if (!found || found->until_ms <= now_ms)
		return CRAWLER_NONE;
	*until_ms = found->until_ms;
	return found->crawler;
}

uint64_t table_generation(const struct table *table)
{
	return __atomic_load_n(&table->header->generation, __ATOMIC_ACQUIRE);
}
