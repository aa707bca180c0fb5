/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread looks at the file every LOOK_MS: another inode, size or time is another database, as
 * packages and downloads put it in place by renaming. A file that is gone or damaged is named once and leaves
 * what is in force. Its memory is taken for a load and given back after it.
 */
#include "agent/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/ticker.h"

#define LOOK_MS (5 * SECOND_MS)
#define PIECE	2048 /* entries of one call */

struct region {
	const struct agent_settings *settings;
	struct packets *packets;
	struct ticker ticker;
	bool stop; /* ends a load */
	bool loaded;
	struct stat seen;
};

/* --- writing ---------------------------------------------------------------------------------- */

/* NULL: nothing ends it. */
static bool is_stopped(const bool *stop)
{
	return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
}

static enum err put_rows(
	struct packets *packets, const struct region_table *table, const bool *stop)
{
	static struct region_key key[PIECE];
	static uint32_t country[PIECE];
	uint32_t count = 0, done;

	for (uint32_t i = 0; i < table->rows && !is_stopped(stop); i++) {
		key[count] = table->row[i].key;
		country[count] = table->row[i].country;
		if (++count < PIECE && i + 1 < table->rows)
			continue;
		if (packets_put_batch(packets, PACKET_REGION_PREFIX, key, country, count, &done) !=
			0)
			return fail(ERR_SYSTEM, "write networks of regions: %s", strerror(errno));
		count = 0;
	}
	return OK;
}

static enum err put_blocks(
	struct packets *packets, const struct region_table *table, const bool *stop)
{
	for (uint32_t i = 0; i < REGION_BLOCKS && !is_stopped(stop); i++) {
		if (packets_put(packets, PACKET_REGION_EXACT, &i, &table->block[i]) != 0)
			return fail(ERR_SYSTEM, "write regions: %s", strerror(errno));
	}
	return OK;
}

/* The next key is asked for before the one at hand is deleted: a trie begins anew from a key that it lacks. */
static void delete_stale(
	struct packets *packets, const struct region_table *table, const bool *stop)
{
	struct region_key key, next;
	int more = packets_next_key(packets, PACKET_REGION_PREFIX, NULL, &key);

	while (more == 0 && !is_stopped(stop)) {
		more = packets_next_key(packets, PACKET_REGION_PREFIX, &key, &next);
		if (!region_table_has(table, &key))
			(void)packets_delete(packets, PACKET_REGION_PREFIX, &key);
		key = next;
	}
}

enum err region_write(struct packets *packets, const struct region_table *table, const bool *stop)
{
	TRY(put_rows(packets, table, stop));
	TRY(put_blocks(packets, table, stop));
	delete_stale(packets, table, stop);
	return OK;
}

/* As bpf/mitigations/region.bpf.h looks. */
const char *region_name(struct packets *packets, const struct address *address)
{
	static const char *const codes[] = {
#define COUNTRY(code, number, name) code,
#include "shared/countries.def"
#undef COUNTRY
	};
	uint32_t pair = (uint32_t)address->byte[12] << 8 | address->byte[13],
		 country = REGION_FINER;
	struct region_key key = { .prefix_bits = 32 + 128, .source = *address };
	struct region_block block;

	if (address_is_ipv4(address->byte) &&
		packets_get(packets, PACKET_REGION_EXACT, &pair, &block) == 0)
		country = block.country[address->byte[14]];
	if (country == REGION_FINER &&
		packets_get(packets, PACKET_REGION_PREFIX, &key, &country) != 0)
		country = 0;
	return country >= 1 && country <= sizeof(codes) / sizeof(codes[0]) ? codes[country - 1]
									   : "";
}

/* --- the thread ------------------------------------------------------------------------------- */

static void load(struct region *region)
{
	const struct agent_settings *settings = region->settings;
	struct arena *mem = arena_new(REGION_TABLE_BYTES_MAX);
	int64_t start_ms = clock_monotonic_ms(), read_ms;
	struct region_table table;
	enum err err = ERR_MEMORY;

	if (mem)
		err = region_table_read(
			mem, settings->region_database, &settings->region_override, &table);
	read_ms = clock_monotonic_ms();
	if (err == OK)
		err = region_write(region->packets, &table, &region->stop);
	if (err == OK && !is_stopped(&region->stop))
		log_info("regions in force: %u networks besides IPv4 up to /24, %u of no country; "
			 "read in %lld ms, written in %lld ms, %zu MiB for as long",
			table.rows, table.unknown, (long long)(read_ms - start_ms),
			(long long)(clock_monotonic_ms() - read_ms), arena_used(mem) >> 20);
	else if (err != OK)
		log_warn("regions stay as they were");
	arena_free(mem);
}

static bool has_changed(struct region *region)
{
	const char *path = region->settings->region_database;
	struct stat now;

	if (!path)
		return false;
	if (stat(path, &now) != 0)
		memset(&now, 0, sizeof(now));
	if (now.st_ino == region->seen.st_ino && now.st_size == region->seen.st_size &&
		now.st_mtim.tv_sec == region->seen.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == region->seen.st_mtim.tv_nsec)
		return false;
	region->seen = now;
	return true;
}

static int64_t turn(void *context)
{
	struct region *region = context;

	/* What was told on the command line is loaded though no file changes. */
	if (has_changed(region) || !region->loaded)
		load(region);
	region->loaded = true;
	return LOOK_MS;
}

enum err region_open(
	const struct agent_settings *settings, struct packets *packets, struct region **out)
{
	struct region *region;
	enum err err;

	*out = NULL;
	if (!settings->region_database && settings->region_override.count == 0)
		return OK;
	region = calloc(1, sizeof(*region));
	if (!region)
		return ERR_MEMORY;
	region->settings = settings;
	region->packets = packets;
	err = ticker_start(&region->ticker, "regions", turn, region);
	if (err != OK) {
		free(region);
		return err;
	}
	*out = region;
	return OK;
}

void region_close(struct region *region)
{
	if (!region)
		return;
	__atomic_store_n(&region->stop, true, __ATOMIC_RELAXED);
	ticker_stop(&region->ticker);
	free(region);
}
