/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request path's table: what a reader of the contract finds in it, over changes, growth, restarts and crashes.
 * The reader here shares no code with the writer but the contract.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/table.h"
#include "base/auto.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

struct world {
	char folder[64];
	char path[80];
};

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-table-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	(void)snprintf(world->path, sizeof(world->path), "%s/table", world->folder);
	*state = world;
	return 0;
}

static void path_of(const struct world *world, const char *name, char out[128])
{
	(void)snprintf(out, 128, "%s/%s", world->folder, name);
}

static int end(void **state)
{
	static const char *const names[] = { "table", "table.new", "table.copy", "table.old" };
	struct world *world = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		path_of(world, names[i], path);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

/* --- a reader, as workers are ---------------------------------------------------------------------------- */

struct reader {
	const char *path;
	const struct table_header *header;
	size_t size;
};

static bool reader_map(struct reader *reader)
{
	AUTO(fd) int file = open(reader->path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	void *data;

	if (file < 0 || fstat(file, &stat) != 0)
		return false;
	data = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, file, 0);
	assert_true(data != MAP_FAILED);
	if (reader->header)
		(void)munmap((void *)(uintptr_t)reader->header, reader->size);
	reader->header = data;
	reader->size = (size_t)stat.st_size;
	assert_int_equal(reader->header->magic, TABLE_MAGIC);
	assert_int_equal(reader->header->size, reader->size);
	return true;
}

static void must_map(struct reader *reader)
{
	if (!reader_map(reader))
		abort();
}

static void reader_close(struct reader *reader)
{
	if (reader->header)
		(void)munmap((void *)(uintptr_t)reader->header, reader->size);
}

static const void *reader_find(
	struct reader *reader, uint16_t kind, const void *key, size_t length, size_t *out)
{
	uint64_t hash = table_hash(kind, key, length);
	const struct table_slot *slots;
	uint32_t mask;

	if (!reader->header || __atomic_load_n(&reader->header->superseded, __ATOMIC_ACQUIRE)) {
		if (!reader_map(reader))
			return NULL;
	}
	slots = (const void *)((uintptr_t)reader->header + reader->header->slots);
	mask = reader->header->slot_count - 1;
	for (uint32_t i = 0; i <= mask; i++) {
		const struct table_slot *slot = &slots[(hash + i) & mask];
		uint64_t offset = __atomic_load_n(&slot->offset, __ATOMIC_ACQUIRE);
		const struct table_record *record;

		if (offset == 0)
			return NULL;
		if (offset == TABLE_GONE)
			continue;
		record = (const void *)((uintptr_t)reader->header + offset);
		if (record->kind != kind || record->key_length != length ||
			memcmp(record->key, key, length) != 0)
			continue;
		*out = record->body_length;
		return (const uint8_t *)record + record->body;
	}
	return NULL;
}

static const void *look(const struct world *world, uint16_t kind, const char *key, size_t *length)
{
	static struct reader reader;
	const void *body;

	reader_close(&reader);
	reader = (struct reader){ .path = world->path };
	body = reader_find(&reader, kind, key, strlen(key), length);
	return body;
}

static void assert_body(const struct world *world, uint16_t kind, const char *key, const char *body)
{
	size_t length = 0;
	const void *found = look(world, kind, key, &length);

	if (!body) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_int_equal(length, strlen(body));
	assert_memory_equal(found, body, length);
}

static struct request_table *open_table(const struct world *world)
{
	struct request_table *table;

	if (request_table_open(world->folder, (gid_t)-1, &table) != OK)
		abort();
	return table;
}

static struct table_key key_text(uint16_t kind, const char *text)
{
	return (struct table_key){ kind, (uint16_t)strlen(text), text };
}

static void put(struct request_table *table, uint16_t kind, const char *key, const char *body)
{
	struct table_key of = key_text(kind, key);

	assert_int_equal(request_table_put(table, &of, body, strlen(body)), OK);
}

static bool remove_key(struct request_table *table, uint16_t kind, const char *key)
{
	struct table_key of = key_text(kind, key);

	return request_table_delete(table, &of);
}

/* --- what readers see ------------------------------------------------------------------------------------ */

static void test_changes(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct stat stat_of;

	assert_false(request_table_is_published(table));
	put(table, TABLE_SITE, "a.example", "one");
	assert_body(world, TABLE_SITE, "a.example", NULL);
	assert_int_equal(request_table_publish(table), OK);
	assert_true(request_table_is_published(table));
	assert_body(world, TABLE_SITE, "a.example", "one");
	assert_int_equal(stat(world->path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0640);

	put(table, TABLE_SITE, "a.example", "second");
	put(table, TABLE_NAME, "a.example", "same key, other kind");
	put(table, TABLE_SITE, "b.example", "");
	assert_body(world, TABLE_SITE, "a.example", "second");
	assert_body(world, TABLE_NAME, "a.example", "same key, other kind");
	assert_body(world, TABLE_SITE, "b.example", "");
	assert_true(remove_key(table, TABLE_SITE, "a.example"));
	assert_false(remove_key(table, TABLE_SITE, "a.example"));
	assert_body(world, TABLE_SITE, "a.example", NULL);
	assert_body(world, TABLE_NAME, "a.example", "same key, other kind");
	put(table, TABLE_SITE, "a.example", "third");
	assert_body(world, TABLE_SITE, "a.example", "third");

	request_table_set_generation(table, 77);
	assert_int_equal(request_table_generation(table), 77);
	request_table_close(table);
	assert_body(world, TABLE_SITE, "a.example", "third");
}

static void test_same_is_no_change(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct reader reader = { .path = world->path };
	size_t length;
	const void *body;

	put(table, TABLE_SITE, "a", "one");
	assert_int_equal(request_table_publish(table), OK);
	body = reader_find(&reader, TABLE_SITE, "a", 1, &length);
	put(table, TABLE_SITE, "a", "one");
	assert_ptr_equal(reader_find(&reader, TABLE_SITE, "a", 1, &length), body);
	put(table, TABLE_SITE, "a", "two");
	assert_ptr_not_equal(reader_find(&reader, TABLE_SITE, "a", 1, &length), body);
	/* What a reader looks at stays. */
	assert_memory_equal(body, "one", 3);
	reader_close(&reader);
	request_table_close(table);
}

static void test_limits(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	static uint8_t long_text[UINT16_MAX + 1];
	struct table_key key = { TABLE_SITE, TABLE_KEY_MAX, long_text };

	assert_int_equal(request_table_put(table, &key, long_text, UINT16_MAX), OK);
	assert_int_equal(request_table_put(table, &key, long_text, UINT16_MAX + 1), ERR_LIMIT);
	key.length++;
	assert_int_equal(request_table_put(table, &key, "x", 1), ERR_LIMIT);
	request_table_close(table);
}

/* Many keys come and go: slots fill up with what is gone, and the file with what nobody names. */
static void test_growth(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct reader reader = { .path = world->path };
	char key[32], body[600];
	size_t length;
	unsigned files = 0;
	const struct table_header *before = NULL;

	assert_int_equal(request_table_publish(table), OK);
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(key, sizeof(key), "%u.example", i);
		(void)snprintf(body, sizeof(body), "%-500u", i);
		put(table, TABLE_SITE, key, body);
		if (i >= 100) {
			(void)snprintf(key, sizeof(key), "%u.example", i - 100);
			assert_true(remove_key(table, TABLE_SITE, key));
		}
		(void)reader_find(&reader, TABLE_SITE, key, strlen(key), &length);
		if (reader.header != before)
			files++;
		before = reader.header;
	}
	assert_true(files > 3);
	assert_true(reader.size < 4u << 20);
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(key, sizeof(key), "%u.example", i);
		assert_int_equal(
			reader_find(&reader, TABLE_SITE, key, strlen(key), &length) != NULL,
			i >= 19900);
	}
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(key, sizeof(key), "%u.example", i);
		put(table, TABLE_SITE, key, key);
	}
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(key, sizeof(key), "%u.example", i);
		assert_non_null(reader_find(&reader, TABLE_SITE, key, strlen(key), &length));
	}
	reader_close(&reader);
	request_table_close(table);
}

static void test_walk(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	const struct table_record *record;
	uint64_t cursor = 0;
	unsigned count = 0;
	char key[16];

	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		put(table, TABLE_NAME, key, key);
	}
	while ((record = request_table_next(table, &cursor))) {
		struct table_key of = { record->kind, record->key_length, record->key };

		count++;
		assert_int_equal(record->body_length, record->key_length);
		assert_memory_equal(request_table_body(record), record->key, record->key_length);
		assert_true(request_table_delete(table, &of));
	}
	assert_int_equal(count, 500);
	cursor = 0;
	assert_null(request_table_next(table, &cursor));
	request_table_close(table);
}

/* --- private keys ---------------------------------------------------------------------------------------- */

static void put_certificate(struct request_table *table, uint32_t number, const char *secret)
{
	struct {
		struct certificate head;
		char chain[8], key[32];
	} body = { .head = { number, 1, sizeof(body.chain), sizeof(body.key) } };
	struct table_key key = { TABLE_CERTIFICATE, sizeof(number), &number };

	memset(body.chain, 'c', sizeof(body.chain));
	memset(body.key, '.', sizeof(body.key));
	memcpy(body.key, secret, strlen(secret));
	assert_int_equal(request_table_put(table, &key, &body, sizeof(body)), OK);
}

static bool delete_certificate(struct request_table *table, uint32_t number)
{
	struct table_key key = { TABLE_CERTIFICATE, sizeof(number), &number };

	return request_table_delete(table, &key);
}

static bool holds(const struct table_header *header, size_t size, const char *secret)
{
	return memmem(header, size, secret, strlen(secret)) != NULL;
}

static void test_keys_are_wiped(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct reader reader = { .path = world->path };

	put_certificate(table, 1, "secret-one");
	put_certificate(table, 2, "secret-two");
	assert_int_equal(request_table_publish(table), OK);
	must_map(&reader);
	assert_true(holds(reader.header, reader.size, "secret-one"));
	put_certificate(table, 1, "secret-new");
	assert_false(holds(reader.header, reader.size, "secret-one"));
	assert_true(holds(reader.header, reader.size, "secret-new"));
	assert_true(holds(reader.header, reader.size, "cccccccc"));
	assert_true(delete_certificate(table, 2));
	assert_false(holds(reader.header, reader.size, "secret-two"));
	reader_close(&reader);
	request_table_close(table);
}

static void grow_once(const struct world *world, struct request_table *table)
{
	struct stat before, after;
	char key[16];

	assert_int_equal(stat(world->path, &before), 0);
	for (unsigned i = 0; i < 100000; i++) {
		(void)snprintf(key, sizeof(key), "fill-%u", i);
		put(table, TABLE_SITE, key, key);
		assert_int_equal(stat(world->path, &after), 0);
		if (after.st_ino != before.st_ino)
			return;
	}
	fail_msg("the table did not grow");
}

static void test_old_file(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct reader reader = { .path = world->path };
	char old[128];

	path_of(world, "table.old", old);
	put_certificate(table, 1, "secret-one");
	put_certificate(table, 2, "secret-two");
	put_certificate(table, 3, "secret-three");
	assert_int_equal(request_table_publish(table), OK);
	must_map(&reader);
	grow_once(world, table);
	assert_int_equal(reader.header->superseded, 1);
	/* Readers of the old file find its keys for a while, but not those that went meanwhile. */
	put_certificate(table, 1, "secret-new");
	assert_true(delete_certificate(table, 2));
	assert_false(holds(reader.header, reader.size, "secret-one"));
	assert_false(holds(reader.header, reader.size, "secret-two"));
	assert_true(holds(reader.header, reader.size, "secret-three"));
	request_table_tick(table, 1000);
	request_table_tick(table, 1000 + TABLE_GRACE_MS - 1);
	assert_true(holds(reader.header, reader.size, "secret-three"));
	assert_int_equal(access(old, F_OK), 0);
	request_table_tick(table, 1000 + TABLE_GRACE_MS);
	assert_false(holds(reader.header, reader.size, "secret-three"));
	assert_int_not_equal(access(old, F_OK), 0);
	reader_close(&reader);
	request_table_close(table);
}

/* --- restarts and crashes -------------------------------------------------------------------------------- */

/* Ends the writer in a child without a word, as a crash would. */
static void crash_after(
	const struct world *world, void (*work)(const struct world *, struct request_table *))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct request_table *table;

		if (request_table_open(world->folder, (gid_t)-1, &table) != OK)
			_exit(1);
		work(world, table);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void work_unpublished(const struct world *world, struct request_table *table)
{
	(void)world;
	put(table, TABLE_SITE, "a", "unseen");
}

static void work_published(const struct world *world, struct request_table *table)
{
	(void)world;
	put(table, TABLE_SITE, "a", "seen");
	put_certificate(table, 9, "secret-nine");
	if (request_table_publish(table) != OK)
		_exit(2);
	request_table_set_generation(table, 5);
}

static void work_growth(const struct world *world, struct request_table *table)
{
	grow_once(world, table);
}

static void test_restarts(void **state)
{
	struct world *world = *state;
	struct reader reader = { .path = world->path };
	struct request_table *table, *second;
	char old[128];

	crash_after(world, work_unpublished);
	assert_body(world, TABLE_SITE, "a", NULL);
	crash_after(world, work_published);
	assert_body(world, TABLE_SITE, "a", "seen");
	must_map(&reader);

	/* An agent that starts anew goes on with the same file; a second one beside it does not. */
	table = open_table(world);
	assert_true(request_table_is_published(table));
	assert_int_equal(request_table_generation(table), 5);
	assert_int_equal(request_table_open(world->folder, (gid_t)-1, &second), ERR_CONFLICT);
	put(table, TABLE_SITE, "b", "after");
	assert_int_equal(reader.header->superseded, 0);
	assert_body(world, TABLE_SITE, "a", "seen");
	assert_body(world, TABLE_SITE, "b", "after");
	request_table_close(table);

	/* It crashed within the time in which the old file's keys stay. */
	crash_after(world, work_growth);
	path_of(world, "table.old", old);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(reader.header->superseded, 1);
	table = open_table(world);
	request_table_tick(table, 1);
	request_table_tick(table, 1 + TABLE_GRACE_MS);
	assert_int_not_equal(access(old, F_OK), 0);
	assert_false(holds(reader.header, reader.size, "secret-nine"));
	assert_body(world, TABLE_SITE, "b", "after");
	request_table_close(table);
	reader_close(&reader);
}

/* A crash between the new file's name and "superseded" in the old one; and one before the name. */
static void test_crash_between_files(void **state)
{
	struct world *world = *state;
	struct reader reader = { .path = world->path };
	char old[128], kept[128];
	struct request_table *table;

	path_of(world, "table.old", old);
	path_of(world, "kept", kept);
	crash_after(world, work_published);
	must_map(&reader);
	assert_int_equal(link(world->path, old), 0);
	table = open_table(world); /* before the name: both are one file */
	assert_int_not_equal(access(old, F_OK), 0);
	assert_int_equal(reader.header->superseded, 0);
	request_table_close(table);

	assert_int_equal(rename(world->path, kept), 0);
	crash_after(world, work_published);
	assert_int_equal(rename(kept, old), 0);
	table = open_table(world);
	assert_int_equal(reader.header->superseded, 1);
	request_table_close(table);
	assert_int_not_equal(access(old, F_OK), 0);
	reader_close(&reader);
}

/* The key of a certificate that was replaced, when the crash came before it was overwritten. */
static void test_crash_before_wipe(void **state)
{
	struct world *world = *state;
	struct reader reader = { .path = world->path };
	struct request_table *table;
	AUTO(fd) int file = -1;
	char *secret;

	crash_after(world, work_published);
	must_map(&reader);
	secret = memmem(reader.header, reader.size, "secret-nine", 11);
	assert_non_null(secret);
	table = open_table(world);
	put_certificate(table, 9, "secret-new");
	request_table_close(table);
	file = open(world->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(file, "secret-nine", 11, secret - (const char *)reader.header), 11);
	assert_true(holds(reader.header, reader.size, "secret-nine"));
	table = open_table(world);
	assert_false(holds(reader.header, reader.size, "secret-nine"));
	assert_true(holds(reader.header, reader.size, "secret-new"));
	request_table_close(table);
	reader_close(&reader);
}

static void test_broken_file(void **state)
{
	struct world *world = *state;
	struct reader reader = { .path = world->path };
	struct request_table *table;
	AUTO(fd) int file = -1;

	crash_after(world, work_published);
	must_map(&reader);
	file = open(world->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(file, "\3\0\0\0", 4, offsetof(struct table_header, slot_count)), 4);
	table = open_table(world);
	/* Workers keep what they have until there is something better. */
	assert_false(request_table_is_published(table));
	assert_int_equal(reader.header->superseded, 0);
	put(table, TABLE_SITE, "a", "whole");
	assert_int_equal(request_table_publish(table), OK);
	assert_int_equal(reader.header->superseded, 1);
	assert_body(world, TABLE_SITE, "a", "whole");
	request_table_close(table);
	reader_close(&reader);
}

/* No room for a larger file: the change is refused, and all stays as it was. */
static void test_no_room(void **state)
{
	struct world *world = *state;
	struct request_table *table = open_table(world);
	struct rlimit limit, small;
	char key[16];
	enum err err = OK;
	unsigned i;

	assert_int_equal(request_table_publish(table), OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 1u << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (i = 0; i < 100000 && err == OK; i++) {
		struct table_key of;

		(void)snprintf(key, sizeof(key), "%u", i);
		of = key_text(TABLE_SITE, key);
		err = request_table_put(table, &of, key, strlen(key));
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(err, ERR_SYSTEM);
	assert_body(world, TABLE_SITE, "0", "0");
	assert_body(world, TABLE_SITE, key, NULL);
	put(table, TABLE_SITE, key, "now");
	assert_body(world, TABLE_SITE, key, "now");
	request_table_close(table);
}

/* --- readers beside the writer --------------------------------------------------------------------------- */

#define ROUNDS	10000
#define KEYS	16
#define READERS 2

struct race {
	const struct world *world;
	int stop;
	uint64_t reads[READERS], files[READERS];
	const char *wrong;
};
struct racer {
	struct race *race;
	unsigned index;
	pthread_t thread;
};

/* Each body is one number, over and over; a key's numbers only rise, and a key that stays is always there. */
static void *race_reader(void *argument)
{
	struct racer *racer = argument;
	struct race *race = racer->race;
	struct reader reader = { .path = race->world->path };
	const struct table_header *before = NULL;
	uint32_t last[KEYS] = { 0 };

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		uint32_t key = (uint32_t)(race->reads[racer->index]++ % KEYS);
		size_t length = 0;
		const uint32_t *body = reader_find(&reader, TABLE_NAME, &key, sizeof(key), &length);

		race->files[racer->index] += reader.header != before;
		before = reader.header;
		if (!body && key % 2 == 0)
			race->wrong = "a key that stays was not there";
		for (size_t i = 1; body && i < length / sizeof(*body); i++) {
			if (body[i] != body[0])
				race->wrong = "a body of two changes";
		}
		if (body && body[0] < last[key])
			race->wrong = "a change was taken back";
		if (body)
			last[key] = body[0];
	}
	reader_close(&reader);
	return NULL;
}

static void race_change(struct request_table *table, uint32_t round)
{
	uint32_t key = round % KEYS, body[200];
	struct table_key of = { TABLE_NAME, sizeof(key), &key };

	if (key % 2 == 1 && round / KEYS % 2 == 1) {
		(void)request_table_delete(table, &of);
		return;
	}
	for (size_t i = 0; i < sizeof(body) / sizeof(*body); i++)
		body[i] = round;
	assert_int_equal(request_table_put(table, &of, body, 4 + round % sizeof(body) / 4 * 4), OK);
}

static void test_readers_beside(void **state)
{
	struct request_table *table = open_table(*state);
	struct race race = { .world = *state };
	struct racer racer[READERS];

	for (uint32_t round = 0; round < KEYS; round++)
		race_change(table, round);
	assert_int_equal(request_table_publish(table), OK);
	for (unsigned i = 0; i < READERS; i++) {
		racer[i] = (struct racer){ .race = &race, .index = i };
		assert_int_equal(pthread_create(&racer[i].thread, NULL, race_reader, &racer[i]), 0);
	}
	for (uint32_t round = KEYS; round < ROUNDS + KEYS; round++)
		race_change(table, round);
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(racer[i].thread, NULL), 0);
	if (race.wrong)
		fail_msg("%s", race.wrong);
	request_table_close(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes, begin, end),
		cmocka_unit_test_setup_teardown(test_same_is_no_change, begin, end),
		cmocka_unit_test_setup_teardown(test_limits, begin, end),
		cmocka_unit_test_setup_teardown(test_growth, begin, end),
		cmocka_unit_test_setup_teardown(test_walk, begin, end),
		cmocka_unit_test_setup_teardown(test_keys_are_wiped, begin, end),
		cmocka_unit_test_setup_teardown(test_old_file, begin, end),
		cmocka_unit_test_setup_teardown(test_restarts, begin, end),
		cmocka_unit_test_setup_teardown(test_crash_between_files, begin, end),
		cmocka_unit_test_setup_teardown(test_crash_before_wipe, begin, end),
		cmocka_unit_test_setup_teardown(test_broken_file, begin, end),
		cmocka_unit_test_setup_teardown(test_no_room, begin, end),
		cmocka_unit_test_setup_teardown(test_readers_beside, begin, end),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
