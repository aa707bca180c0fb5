/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file is: header, slots, records one behind the other up to "used". A change writes the record behind the last,
 * moves "used", and then stores the slot's offset: a crash before that leaves bytes that nobody names, and
 * never half a record that somebody does.
 *
 * A file that is full, or mostly holds what nobody names, is copied to a new one under another name. Change of files:
 *   1. the old one gets a second name, "table.old"; 2. rename of the new one to "table"; 3. "superseded" in the old one;
 *   4. after TABLE_GRACE_MS its private keys are overwritten and its second name is removed.
 * A crash in between leaves table.old, from which the next start goes on with 3. Without the second name a crash between
 * 2 and 3 would leave workers with a file that nobody can reach any more.
 *
 * Space is allocated in the file before it is written: where a tmpfs is full that is an error, and not a signal at
 * the first write to a page that it cannot give.
 *
 * Private keys are overwritten in place, where a worker may be reading them. It then gets a key that does not
 * parse, and finds the certificate's new record when it looks again.
 */
#include "agent/table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/table_layout.h"
#include "base/auto.h"
#include "base/log.h"

#define NAME_TABLE  "table"
#define NAME_NEW    "table.new"	 /* whole, and not published yet */
#define NAME_COPY   "table.copy" /* being written */
#define NAME_OLD    "table.old"

#define SLOTS_FIRST 256	       /* of an empty table */
#define BYTES_FIRST (1u << 20) /* behind the slots */
#define WASTE_MIN   (1u << 20) /* less is not worth a copy, however little is in use */

struct mapping {
	struct table_header *header; /* NULL: none */
	size_t size;
};

struct request_table {
	int folder;
	gid_t group;
	struct mapping now;
	struct mapping old;  /* superseded */
	int64_t old_left_ms; /* monotonic: when the old one goes; 0: not yet reckoned */
	bool published;
	uint32_t taken; /* slots whose offset is not 0 */
	uint64_t live;	/* bytes of records that slots name */
};

/* --- one file ------------------------------------------------------------------------------------------ */

/* Where a key that is not there belongs. There is one: a quarter of the slots is free. */
static struct table_slot *free_slot(const struct table_header *header, uint64_t hash)
{
	struct table_slot *slots = table_slots(header);
	uint32_t mask = header->slot_count - 1;

	for (uint32_t i = 0; i <= mask; i++) {
		struct table_slot *slot = &slots[(hash + i) & mask];

		if (table_slot_offset(slot) <= TABLE_GONE)
			return slot;
	}
	return NULL;
}

static void name_record(struct table_slot *slot, uint64_t hash, uint64_t offset)
{
	/* A reader of a slot that is used again may see the hash before the offset, and then misses a key that is
	 * just being added. */
	__atomic_store_n(&slot->hash, hash, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->offset, offset, __ATOMIC_RELEASE);
}

/* Overwrites a certificate's private key; other records have no secrets of their own that outlive them. */
static void wipe(struct table_record *record)
{
	uint8_t *body = (uint8_t *)record + record->body;
	const struct certificate *certificate = (const void *)body;
	size_t from = sizeof(*certificate), length;

	if (record->kind != TABLE_CERTIFICATE || record->body_length < from)
		return;
	length = record->body_length - from;
	if (certificate->chain_length <= length) {
		from += certificate->chain_length;
		length -= certificate->chain_length;
	}
	explicit_bzero(body + from, length);
}

/* Of all certificates, or of those that no slot names. */
static void wipe_all(const struct table_header *header, bool also_named)
{
	uint64_t offset = table_first_record(header);

	while (offset < header->used) {
		struct table_record *record = table_record_at(header, offset);
		struct table_key key = { record->kind, record->key_length, record->key };
		const struct table_slot *slot = table_find_slot(header, &key, table_key_hash(&key));

		if (also_named || !slot || slot->offset != offset)
			wipe(record);
		offset += record->length;
	}
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void unmap(struct mapping *mapping)
{
	if (mapping->header)
		(void)munmap(mapping->header, mapping->size);
	*mapping = (struct mapping){ 0 };
}

/* ERR_NOT_FOUND: no such file; ERR_FORMAT: not one that can be mapped. */
static enum err map_file(const struct request_table *table, const char *name, struct mapping *out)
{
	AUTO(fd) int file = openat(table->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat stat;
	void *data;

	if (file < 0)
		return errno == ENOENT ? ERR_NOT_FOUND
				       : fail(ERR_SYSTEM, "open %s: %s", name, strerror(errno));
	if (fstat(file, &stat) != 0)
		return fail(ERR_SYSTEM, "size of %s: %s", name, strerror(errno));
	if (!S_ISREG(stat.st_mode) || stat.st_size < (off_t)sizeof(struct table_header) ||
		(uint64_t)stat.st_size > TABLE_BYTES_MAX)
		return ERR_FORMAT;
	data = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (data == MAP_FAILED)
		return fail(ERR_SYSTEM, "map %s: %s", name, strerror(errno));
	*out = (struct mapping){ data, (size_t)stat.st_size };
	return OK;
}

static enum err create_file(
	const struct request_table *table, const char *name, size_t size, struct mapping *out)
{
	AUTO(fd) int file = -1;
	void *data;
	int error;

	(void)unlinkat(table->folder, name, 0);
	file = openat(table->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return fail(ERR_SYSTEM, "create a table: %s", strerror(errno));
	if (table->group != (gid_t)-1 && fchown(file, (uid_t)-1, table->group) != 0)
		return fail(ERR_SYSTEM, "give the table to its group: %s", strerror(errno));
	if (fchmod(file, 0640) != 0)
		return fail(ERR_SYSTEM, "set the table's mode: %s", strerror(errno));
	error = posix_fallocate(file, 0, (off_t)size);
	if (error != 0)
		return fail(ERR_SYSTEM, "room for a table of %zu bytes: %s", size, strerror(error));
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (data == MAP_FAILED)
		return fail(ERR_SYSTEM, "map a table of %zu bytes: %s", size, strerror(errno));
	*out = (struct mapping){ data, size };
	return OK;
}

/* The copy of what slots name in from (may be NULL), with room for more bytes; nobody sees it yet. */
static enum err create_copy(const struct request_table *table, const struct table_header *from,
	uint64_t more, struct mapping *out)
{
	uint64_t room = table->live + more, count = 0, offset, size;
	uint32_t slot_count = SLOTS_FIRST;
	struct table_header *header;

	for (uint32_t i = 0; from && i < from->slot_count; i++)
		count += table_slots(from)[i].offset > TABLE_GONE;
	while (slot_count < 2 * (count + 1))
		slot_count *= 2;
	room += room > BYTES_FIRST ? room : BYTES_FIRST;
	offset = 64; /* a cache line for the header, which all readers look at */
	size = (offset + slot_count * sizeof(struct table_slot) + room + 4095) & ~UINT64_C(4095);
	if (size > TABLE_BYTES_MAX || slot_count > TABLE_SLOTS_MAX)
		return fail(ERR_LIMIT, "the table would be over its limit");
	TRY(create_file(table, from ? NAME_COPY : NAME_NEW, size, out));
	header = out->header;
	assert(header);
	*header = (struct table_header){ .magic = TABLE_MAGIC,
		.version = TABLE_VERSION,
		.size = size,
		.slot_count = slot_count,
		.slots = offset,
		.generation = from ? from->generation : 0 };
	offset = table_first_record(header);
	for (uint32_t i = 0; from && i < from->slot_count; i++) {
		const struct table_slot *slot = &table_slots(from)[i];
		const struct table_record *record;

		if (slot->offset <= TABLE_GONE)
			continue;
		record = table_record_at(from, slot->offset);
		memcpy(table_record_at(header, offset), record, record->length);
		name_record(free_slot(header, slot->hash), slot->hash, offset);
		offset += record->length;
	}
	header->used = offset;
	return OK;
}

static void let_old_go(struct request_table *table)
{
	if (!table->old.header)
		return;
	wipe_all(table->old.header, true);
	(void)unlinkat(table->folder, NAME_OLD, 0);
	unmap(&table->old);
	table->old_left_ms = 0;
}

static void supersede(struct table_header *header)
{
	__atomic_store_n(&header->superseded, 1, __ATOMIC_RELEASE);
}

/* name becomes "table". before: what "table" names now; none: header NULL. */
static enum err change_files(
	struct request_table *table, const char *name, const struct mapping *before)
{
	let_old_go(table);
	(void)unlinkat(table->folder, NAME_OLD, 0);
	if (before->header && linkat(table->folder, NAME_TABLE, table->folder, NAME_OLD, 0) != 0)
		return fail(ERR_SYSTEM, "keep the old table: %s", strerror(errno));
	if (renameat(table->folder, name, table->folder, NAME_TABLE) != 0)
		return fail(ERR_SYSTEM, "name the new table: %s", strerror(errno));
	if (before->header)
		supersede(before->header);
	table->old = *before;
	return OK;
}

/* Counts anew what create_copy left out. */
static void reckon(struct request_table *table)
{
	const struct table_header *header = table->now.header;

	table->taken = 0;
	table->live = 0;
	for (uint32_t i = 0; i < header->slot_count; i++) {
		uint64_t offset = table_slots(header)[i].offset;

		table->taken += offset != 0;
		if (offset > TABLE_GONE)
			table->live += table_record_at(header, offset)->length;
	}
}

static enum err grow(struct request_table *table, uint64_t more)
{
	const struct mapping before = table->now;
	struct mapping fresh;
	enum err err = OK;

	TRY(create_copy(table, before.header, more, &fresh));
	if (table->published) {
		err = change_files(table, NAME_COPY, &before);
	} else if (renameat(table->folder, NAME_COPY, table->folder, NAME_NEW) == 0) {
		wipe_all(before.header, true);
		(void)munmap(before.header, before.size);
	} else {
		err = fail(ERR_SYSTEM, "name the new table: %s", strerror(errno));
	}
	if (err != OK) {
		unmap(&fresh);
		return err;
	}
	table->now = fresh;
	reckon(table);
	return OK;
}

/* --- changes -------------------------------------------------------------------------------------------- */

/* Keys of an old file must not outlive those of the new one. */
static void wipe_in_old(struct request_table *table, const struct table_key *key, uint64_t hash)
{
	const struct table_slot *slot =
		table->old.header ? table_find_slot(table->old.header, key, hash) : NULL;

	if (slot)
		wipe(table_record_at(table->old.header, slot->offset));
}

static bool is_same(const struct table_record *record, const void *body, size_t length)
{
	return record->body_length == length &&
	       (length == 0 || memcmp(request_table_body(record), body, length) == 0);
}

/* More than half of a file that is not small is named by nobody. */
static bool is_wasteful(const struct request_table *table)
{
	uint64_t used = table->now.header->used - table_first_record(table->now.header);

	return used - table->live > WASTE_MIN && used - table->live > table->live;
}

static enum err make_room(struct request_table *table, uint32_t length, bool new_key)
{
	const struct table_header *header = table->now.header;
	bool slots_full = new_key && (table->taken + 1) > header->slot_count / 4 * 3;

	if (slots_full || header->size - header->used < length)
		return grow(table, length);
	/* Not needed now: that it fails is logged, and the next change tries again. */
	if (is_wasteful(table))
		(void)grow(table, length);
	return OK;
}

static uint64_t append(
	struct request_table *table, const struct table_key *key, const void *body, size_t length)
{
	struct table_header *header = table->now.header;
	uint64_t offset = header->used;
	struct table_record *record = table_record_at(header, offset);
	uint32_t at = (uint32_t)(sizeof(*record) + key->length + 7) & ~7u;

	*record = (struct table_record){ .length = (at + (uint32_t)length + 7) & ~7u,
		.kind = key->kind,
		.key_length = key->length,
		.body = at,
		.body_length = (uint32_t)length };
	memset(record->key, 0, record->length - sizeof(*record));
	if (key->length > 0)
		memcpy(record->key, key->bytes, key->length);
	if (length > 0)
		memcpy((uint8_t *)record + at, body, length);
	/* A crash that loses the order of these two stores is one of the machine, which loses the tmpfs, too. */
	__atomic_store_n(&header->used, offset + record->length, __ATOMIC_RELEASE);
	table->live += record->length;
	return offset;
}

enum err request_table_put(
	struct request_table *table, const struct table_key *key, const void *body, size_t length)
{
	uint64_t hash, before = 0, offset;
	struct table_slot *slot;

	assert(key->kind >= TABLE_SETTINGS && key->kind <= TABLE_KIND_LAST);
	if (key->length > TABLE_KEY_MAX || length > UINT16_MAX)
		return fail(ERR_LIMIT, "a record of %zu bytes with a key of %u is no record",
			length, key->length);
	hash = table_key_hash(key);
	slot = table_find_slot(table->now.header, key, hash);
	if (slot && is_same(table_record_at(table->now.header, slot->offset), body, length))
		return OK;
	TRY(make_room(
		table, (uint32_t)(sizeof(struct table_record) + key->length + length + 16), !slot));
	slot = table_find_slot(table->now.header, key, hash);
	offset = append(table, key, body, length);
	if (slot) {
		before = slot->offset;
		__atomic_store_n(&slot->offset, offset, __ATOMIC_RELEASE);
		table->live -= table_record_at(table->now.header, before)->length;
		wipe(table_record_at(table->now.header, before));
	} else {
		slot = free_slot(table->now.header, hash);
		table->taken += slot->offset == 0;
		name_record(slot, hash, offset);
	}
	wipe_in_old(table, key, hash);
	return OK;
}

bool request_table_delete(struct request_table *table, const struct table_key *key)
{
	uint64_t hash = table_key_hash(key);
	struct table_slot *slot = table_find_slot(table->now.header, key, hash);
	struct table_record *record;

	wipe_in_old(table, key, hash);
	if (!slot)
		return false;
	record = table_record_at(table->now.header, slot->offset);
	__atomic_store_n(&slot->offset, TABLE_GONE, __ATOMIC_RELEASE);
	table->live -= record->length;
	wipe(record);
	return true;
}

void request_table_set_generation(struct request_table *table, uint64_t generation)
{
	__atomic_store_n(&table->now.header->generation, generation, __ATOMIC_RELEASE);
}

uint64_t request_table_generation(const struct request_table *table)
{
	return table->now.header->generation;
}

const void *request_table_find(
	const struct request_table *table, const struct table_key *key, size_t *length)
{
	const struct table_slot *slot =
		table_find_slot(table->now.header, key, table_key_hash(key));
	const struct table_record *record;

	if (!slot)
		return NULL;
	record = table_record_at(table->now.header, slot->offset);
	*length = record->body_length;
	return request_table_body(record);
}

const struct table_record *request_table_next(const struct request_table *table, uint64_t *cursor)
{
	const struct table_header *header = table->now.header;

	while (*cursor < header->slot_count) {
		uint64_t offset = table_slots(header)[(*cursor)++].offset;

		if (offset > TABLE_GONE)
			return table_record_at(header, offset);
	}
	return NULL;
}

void request_table_tick(struct request_table *table, int64_t monotonic_now_ms)
{
	if (!table->old.header)
		return;
	if (table->old_left_ms == 0)
		table->old_left_ms = monotonic_now_ms + TABLE_GRACE_MS;
	else if (monotonic_now_ms >= table->old_left_ms)
		let_old_go(table);
}

/* --- beginning and end ---------------------------------------------------------------------------------- */

static enum err open_folder(const char *folder, gid_t group, int *out)
{
	bool made = mkdir(folder, 0750) == 0;

	if (!made && errno != EEXIST)
		return fail(ERR_SYSTEM, "make %s: %s", folder, strerror(errno));
	/* Whatever the umask says. */
	if (made && (chmod(folder, 0750) != 0 ||
			    (group != (gid_t)-1 && chown(folder, (uid_t)-1, group) != 0)))
		return fail(ERR_SYSTEM, "give %s to its group: %s", folder, strerror(errno));
	*out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return fail(ERR_SYSTEM, "open %s: %s", folder, strerror(errno));
	if (flock(*out, LOCK_EX | LOCK_NB) == 0)
		return OK;
	(void)close(*out);
	return errno == EWOULDBLOCK ? fail(ERR_CONFLICT, "another process writes in %s", folder)
				    : fail(ERR_SYSTEM, "lock %s: %s", folder, strerror(errno));
}

/* What an agent left that ended between naming the new file and letting the old one go. Where the end came before
 * the new one was named, both names are of one file, which is still the table. */
static void take_old(struct request_table *table)
{
	struct stat old, now;
	const char *why;

	if (fstatat(table->folder, NAME_OLD, &old, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (fstatat(table->folder, NAME_TABLE, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
		old.st_ino == now.st_ino || map_file(table, NAME_OLD, &table->old) != OK) {
		(void)unlinkat(table->folder, NAME_OLD, 0);
		return;
	}
	supersede(table->old.header);
	if (request_table_check(table->old.header, table->old.size, &why))
		return;
	(void)unlinkat(table->folder, NAME_OLD, 0);
	unmap(&table->old);
}

static enum err begin(struct request_table *table)
{
	const char *why = "cannot be mapped";
	enum err err = map_file(table, NAME_TABLE, &table->now);

	take_old(table);
	if (table->now.header && request_table_check(table->now.header, table->now.size, &why) &&
		table->now.header->superseded == 0) {
		wipe_all(table->now.header, false);
		if (table->group != (gid_t)-1 && fchownat(table->folder, NAME_TABLE, (uid_t)-1,
							 table->group, AT_SYMLINK_NOFOLLOW) != 0)
			return fail(ERR_SYSTEM, "give the table to its group: %s", strerror(errno));
		table->published = true;
		reckon(table);
		return OK;
	}
	if (err != OK && err != ERR_NOT_FOUND && err != ERR_FORMAT)
		return err;
	if (err != ERR_NOT_FOUND)
		log_warn("the table that is there is not taken over: %s", why ? why : "superseded");
	unmap(&table->now);
	TRY(create_copy(table, NULL, 0, &table->now));
	reckon(table);
	return OK;
}

enum err request_table_open(const char *folder, gid_t group, struct request_table **out)
{
	struct request_table *table = calloc(1, sizeof(*table));
	enum err err;

	if (!table)
		return ERR_MEMORY;
	table->group = group;
	table->folder = -1;
	err = open_folder(folder, group, &table->folder);
	if (err == OK)
		err = begin(table);
	if (err != OK) {
		request_table_close(table);
		return err;
	}
	*out = table;
	return OK;
}

enum err request_table_publish(struct request_table *table)
{
	struct mapping before = { 0 };
	const char *why;
	enum err err;

	if (table->published)
		return OK;
	err = map_file(table, NAME_TABLE, &before);
	if (err != OK && err != ERR_NOT_FOUND && err != ERR_FORMAT)
		return err;
	err = change_files(table, NAME_NEW, &before);
	if (err != OK) {
		unmap(&before);
		return err;
	}
	table->published = true;
	/* One that cannot be walked goes at once. */
	if (before.header && !request_table_check(before.header, before.size, &why)) {
		(void)unlinkat(table->folder, NAME_OLD, 0);
		unmap(&table->old);
	}
	return OK;
}

bool request_table_is_published(const struct request_table *table)
{
	return table->published;
}

void request_table_close(struct request_table *table)
{
	if (!table)
		return;
	let_old_go(table);
	if (table->now.header && !table->published) {
		wipe_all(table->now.header, true);
		(void)unlinkat(table->folder, NAME_NEW, 0);
	}
	if (table->folder >= 0)
		(void)unlinkat(table->folder, NAME_COPY, 0);
	unmap(&table->now);
	if (table->folder >= 0)
		(void)close(table->folder);
	free(table);
}
