/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers only add; so the sum of all fields of a slot moves when one of them does, and is all that has to be
 * remembered of it. The file is made by nginx, and another one when its form has changed: it is looked for at each read
 * until there is one, and then each time whether it is still that one.
 *
 * A site that was not there at the last look began to count behind it: its totals are what happened since, which the control
 * could not tell from totals of days otherwise.
 */
#include "agent/site_traffic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"

#define PATH_SIZE 300
#define WORDS	  (sizeof(struct site_counter) / sizeof(uint64_t))

struct told {
	uint32_t number;
	bool changed;
	uint64_t sum;
	int64_t begun_ms;
};

struct site_traffic {
	const char *folder;
	struct counters_header *header; /* NULL: no file */
	struct site_counter *sites;
	size_t size;
	dev_t device;
	ino_t inode;
	int64_t looked_ms; /* last; 0: never */
	uint32_t cursor, changed;
	struct told told[NODE_SITE_MAX];
};

static void unmap(struct site_traffic *traffic)
{
	if (traffic->header)
		(void)munmap(traffic->header, traffic->size);
	traffic->header = NULL;
}

static bool is_usable(const struct counters_header *header, size_t size)
{
	return header->magic == COUNTERS_MAGIC && header->version == COUNTERS_VERSION &&
	       header->size == size && header->sites % 8 == 0 && header->sites <= size &&
	       size - header->sites >= NODE_SITE_MAX * sizeof(struct site_counter);
}

static void follow(struct site_traffic *traffic)
{
	char path[PATH_SIZE];
	AUTO(fd) int file = -1;
	struct stat info;
	void *data;

	(void)snprintf(path, sizeof(path), "%.250s/counters", traffic->folder);
	file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0 || fstat(file, &info) != 0 ||
		info.st_size < (off_t)sizeof(struct counters_header))
		return;
	if (traffic->header && traffic->device == info.st_dev && traffic->inode == info.st_ino)
		return;
	data = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (data == MAP_FAILED)
		return;
	if (!is_usable(data, (size_t)info.st_size)) {
		(void)munmap(data, (size_t)info.st_size);
		return;
	}
	unmap(traffic);
	traffic->header = data;
	traffic->size = (size_t)info.st_size;
	traffic->device = info.st_dev;
	traffic->inode = info.st_ino;
	/* Once: workers may write what they like into the head. */
	traffic->sites = (struct site_counter *)(void *)((uint8_t *)data + traffic->header->sites);
	memset(traffic->told, 0, sizeof(traffic->told));
	traffic->changed = 0;
}

static uint64_t word_at(const struct site_counter *counter, size_t index)
{
	return __atomic_load_n((const uint64_t *)(const void *)counter + index, __ATOMIC_RELAXED);
}

/* Without the first word, which is the number. */
static uint64_t sum_of(const struct site_counter *counter)
{
	uint64_t sum = 0;

	for (size_t i = 1; i < WORDS; i++)
		sum += word_at(counter, i);
	return sum;
}

static void clear(struct site_counter *counter)
{
	for (size_t i = 1; i < WORDS; i++)
		__atomic_store_n((uint64_t *)(void *)counter + i, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&counter->number, 0, __ATOMIC_RELEASE);
}

static void set_changed(struct site_traffic *traffic, struct told *told, bool changed)
{
	traffic->changed += changed;
	traffic->changed -= told->changed;
	told->changed = changed;
}

static void read_slot(struct site_traffic *traffic, uint32_t index)
{
	const struct site_counter *counter = &traffic->sites[index];
	struct told *told = &traffic->told[index];
	uint32_t number = __atomic_load_n(&counter->number, __ATOMIC_ACQUIRE);
	uint64_t sum;

	if (number != told->number) {
		set_changed(traffic, told, false);
		told->number = number;
		told->sum = 0;
		told->begun_ms = traffic->looked_ms;
	}
	if (number == 0)
		return;
	sum = sum_of(counter);
	if (sum != told->sum)
		set_changed(traffic, told, true);
	told->sum = sum;
}

void site_traffic_read(struct site_traffic *traffic,
	bool (*is_wanted)(void *context, uint32_t number), void *context, int64_t now_ms)
{
	follow(traffic);
	for (uint32_t i = 0; i < NODE_SITE_MAX && traffic->header; i++) {
		uint32_t number = __atomic_load_n(&traffic->sites[i].number, __ATOMIC_RELAXED);

		if (number != 0 && is_wanted && !is_wanted(context, number))
			clear(&traffic->sites[i]);
		read_slot(traffic, i);
	}
	traffic->looked_ms = now_ms;
}

bool site_traffic_next(struct site_traffic *traffic, struct site_counter *out, int64_t *begun_ms)
{
	for (uint32_t looked = 0; looked < NODE_SITE_MAX && traffic->changed > 0; looked++) {
		uint32_t index = traffic->cursor;
		struct told *told = &traffic->told[index];

		traffic->cursor = (index + 1) % NODE_SITE_MAX;
		if (!told->changed)
			continue;
		set_changed(traffic, told, false);
		if (begun_ms)
			*begun_ms = told->begun_ms;
		memset(out, 0, sizeof(*out));
		out->number = told->number;
		for (size_t i = 1; i < WORDS; i++) {
			uint64_t word = word_at(&traffic->sites[index], i);

			memcpy((uint8_t *)out + i * sizeof(word), &word, sizeof(word));
		}
		return true;
	}
	return false;
}

bool site_traffic_has_next(const struct site_traffic *traffic)
{
	return traffic->changed > 0;
}

void site_traffic_tell_all(struct site_traffic *traffic)
{
	for (uint32_t i = 0; i < NODE_SITE_MAX; i++) {
		struct told *told = &traffic->told[i];

		if (told->number != 0 && told->sum != 0)
			set_changed(traffic, told, true);
	}
}

/* The secret of the rates is nobody's but nginx's. */
void site_traffic_node(const struct site_traffic *traffic, struct node_counter *out)
{
	memset(out, 0, sizeof(*out));
	if (!traffic->header)
		return;
	for (size_t i = 0; i < sizeof(*out) / sizeof(uint64_t); i++) {
		uint64_t word =
			__atomic_load_n((const uint64_t *)(const void *)&traffic->header->node + i,
				__ATOMIC_RELAXED);

		memcpy((uint8_t *)out + i * sizeof(word), &word, sizeof(word));
	}
	memset(out->rate_secret, 0, sizeof(out->rate_secret));
}

struct site_traffic *site_traffic_new(const char *folder)
{
	struct site_traffic *traffic = calloc(1, sizeof(*traffic));

	if (traffic)
		traffic->folder = folder;
	return traffic;
}

void site_traffic_free(struct site_traffic *traffic)
{
	if (!traffic)
		return;
	unmap(traffic);
	free(traffic);
}
