/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few files are open at a time, those that were written last, each with a buffer; a site's bytes are counted once by
 * looking into its folder, and then with each write. Only when a bound is reached, and at each sweep, folders are
 * looked into again. The sum over all is bounded hour by hour: the oldest hour of all sites goes first, so that
 * no site's log is shorter because another's is long, as long as that one keeps to its own bound.
 *
 * A folder's name begins with the site's number, which is never used again: a site that was made again under the same
 * domain has a log of its own. It ends with the account's, so that the logs of a site that is gone are still kept
 * and emptied as its account says.
 *
 * Emptying deletes the hours before, and what is older in its hour: a file's first line tells whether that was done, so
 * that nothing has to be remembered about it.
 */
#include "agent/request_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log_folder.h"
#include "agent/pool.h"
#include "agent/request_json.h"
#include "base/clock.h"
#include "base/log.h"
#include "shared/request_abi.h"

#define OPEN_MAX_FILES 16
#define BUFFER_BYTES   (1u << 16)
#define FOLDERS_MAX    65536 /* four times as many sites as a node may have */
#define HOURS_MAX      64    /* hours that one sweep lets go for the sum's sake */

struct open_file {
	int file; /* -1: none */
	uint32_t site;
	char hour[LOG_HOUR_SIZE];
	uint64_t used_at;
	size_t filled;
	uint32_t lines;
	char *buffer;
};

struct site_log {
	struct pool_link link;
	uint32_t number, account;
	uint64_t bytes;
};

struct request_files {
	int folder;
	struct request_files_limits limits;
	const struct log_term *term;
	size_t terms;
	struct open_file open[OPEN_MAX_FILES];
	uint64_t clock; /* of use */
	struct pool sites;
	struct index by_number;
	int64_t swept_ms;
	bool failing;
	struct request_files_counts counts;
};

/* --- counts ------------------------------------------------------------------------------------------------ */

static uint32_t number_hash(uint32_t number)
{
	return index_hash(&number, sizeof(number));
}

static struct site_log *find_site(const struct request_files *files, uint32_t number)
{
	uint32_t i = index_first(&files->by_number, number_hash(number));

	while (i != NONE && ((struct site_log *)pool_at(&files->sites, i))->number != number)
		i = index_next(&files->by_number, i);
	return i == NONE ? NULL : pool_at(&files->sites, i);
}

static struct site_log *take_site(struct request_files *files, uint32_t number, uint32_t account)
{
	struct site_log *site = find_site(files, number);
	uint32_t index;

	if (site)
		return site;
	index = pool_take(&files->sites);
	if (index == NONE)
		return NULL;
	if (!index_insert(&files->by_number, number_hash(number), index)) {
		pool_give(&files->sites, index);
		return NULL;
	}
	site = pool_at(&files->sites, index);
	site->number = number;
	site->account = account;
	return site;
}

static void set_bytes(
	struct request_files *files, uint32_t number, uint32_t account, uint64_t bytes)
{
	struct site_log *site = take_site(files, number, account);

	if (!site)
		return;
	files->counts.bytes += bytes - site->bytes;
	site->bytes = bytes;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

static void drop(struct request_files *files, uint32_t lines)
{
	files->counts.dropped_lines += lines;
}

static void write_out(struct request_files *files, struct open_file *open)
{
	struct site_log *site = find_site(files, open->site);
	size_t done = 0;

	while (open->file >= 0 && done < open->filled) {
		ssize_t wrote = write(open->file, open->buffer + done, open->filled - done);

		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	if (done < open->filled) {
		if (!files->failing)
			log_error(
				"write the access log of site %u: %s", open->site, strerror(errno));
		drop(files, open->lines);
	}
	files->failing = done < open->filled;
	if (site)
		site->bytes -= open->filled - done;
	files->counts.bytes -= open->filled - done;
	open->filled = 0;
	open->lines = 0;
}

static void close_file(struct request_files *files, struct open_file *open)
{
	write_out(files, open);
	if (open->file >= 0)
		(void)close(open->file);
	open->file = -1;
	open->site = 0;
}

static int create_file(const struct request_files *files, const char *folder, const char *hour)
{
	char path[LOG_FOLDER_SIZE + LOG_HOUR_SIZE + 2];

	if (mkdirat(files->folder, folder, 0750) != 0 && errno != EEXIST)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, hour);
	return openat(
		files->folder, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
}

static struct open_file *file_of(
	struct request_files *files, const struct request_line *line, int64_t utc_now_ms)
{
	struct open_file *oldest = &files->open[0];
	char hour[LOG_HOUR_SIZE], folder[LOG_FOLDER_SIZE];

	(void)log_hour_name(utc_now_ms, hour);
	for (int i = 0; i < OPEN_MAX_FILES; i++) {
		struct open_file *open = &files->open[i];

		if (open->file >= 0 && open->site == line->site) {
			oldest = open;
			if (strcmp(open->hour, hour) == 0)
				return open;
			break;
		}
		if (open->used_at < oldest->used_at)
			oldest = open;
	}
	close_file(files, oldest);
	log_folder_name(line, folder);
	if (!find_site(files, line->site)) {
		struct log_folder_visit visit = { .before = NULL };

		(void)log_folder_visit(files->folder, folder, &visit);
		set_bytes(files, line->site, line->account, visit.bytes);
	}
	oldest->file = create_file(files, folder, hour);
	if (oldest->file < 0) {
		if (!files->failing)
			log_error("open the access log %s: %s", folder, strerror(errno));
		files->failing = true;
		return NULL;
	}
	oldest->site = line->site;
	memcpy(oldest->hour, hour, sizeof(hour));
	return oldest;
}

static void sweep_to(struct request_files *files, int64_t utc_now_ms, uint64_t bytes_max);

/* NULL: the account has none. */
static const struct log_term *find_term(const struct request_files *files, uint32_t account)
{
	size_t low = 0, high = files->terms;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (files->term[middle].account == account)
			return &files->term[middle];
		if (files->term[middle].account < account)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The hour that is written stays, and a tenth is to spare, so that not every line asks. */
static void shorten_site(
	struct request_files *files, const struct request_line *line, int64_t utc_now_ms)
{
	char folder[LOG_FOLDER_SIZE], hour[LOG_HOUR_SIZE];

	request_files_flush(files);
	log_folder_name(line, folder);
	(void)log_hour_name(utc_now_ms, hour);
	set_bytes(files, line->site, line->account,
		log_folder_shorten(files->folder, folder, NULL, hour,
			files->limits.site_bytes_max / 10 * 9, &files->counts.shortened_bytes));
}

/* Whether the line may be written for the site. */
static bool has_room(
	struct request_files *files, const struct request_line *line, int64_t utc_now_ms)
{
	const struct site_log *site;

	if (files->counts.bytes + line->length > files->limits.bytes_max &&
		(utc_now_ms - files->swept_ms >= MINUTE_MS || utc_now_ms < files->swept_ms))
		sweep_to(files, utc_now_ms, files->limits.bytes_max / 10 * 9);
	site = find_site(files, line->site);
	if (!site)
		return false;
	if (site->bytes + line->length > files->limits.site_bytes_max)
		shorten_site(files, line, utc_now_ms);
	return site->bytes + line->length <= files->limits.site_bytes_max &&
	       files->counts.bytes + line->length <= files->limits.bytes_max;
}

void request_files_add(
	struct request_files *files, const struct request_line *line, int64_t utc_now_ms)
{
	const struct log_term *term = find_term(files, line->account);
	struct open_file *open = NULL;

	/* It waited while its account emptied the store. */
	if (term && line->time_ms < term->emptied_ms)
		return;
	if (line->length <= BUFFER_BYTES)
		open = file_of(files, line, utc_now_ms);
	if (!open || !has_room(files, line, utc_now_ms)) {
		drop(files, 1);
		return;
	}
	open->used_at = ++files->clock;
	if (open->filled + line->length > BUFFER_BYTES)
		write_out(files, open);
	memcpy(open->buffer + open->filled, line->text, line->length);
	open->filled += line->length;
	open->lines++;
	find_site(files, line->site)->bytes += line->length;
	files->counts.bytes += line->length;
	files->counts.lines++;
}

void request_files_flush(struct request_files *files)
{
	for (int i = 0; i < OPEN_MAX_FILES; i++)
		write_out(files, &files->open[i]);
}

/* --- letting go -------------------------------------------------------------------------------------------- */

struct sweep {
	const char *expired, *now_hour;
	int64_t utc_now_ms;
	char oldest[LOG_HOUR_SIZE]; /* of all that is left */
	uint64_t bytes;
};

/* What an account's own terms let go. */
static void apply_term(
	struct request_files *files, const char *name, uint32_t account, const struct sweep *sweep)
{
	const struct log_term *term = find_term(files, account);
	char before[LOG_HOUR_SIZE], emptied[LOG_HOUR_SIZE];
	struct log_folder_visit visit = { .before = before };

	if (!term)
		return;
	(void)log_hour_name(sweep->utc_now_ms - (int64_t)term->days * DAY_MS, before);
	if (term->emptied_ms > 0) {
		(void)log_hour_name(term->emptied_ms, emptied);
		if (strcmp(emptied, before) > 0)
			memcpy(before, emptied, sizeof(before));
		log_folder_trim(files->folder, name, term->emptied_ms);
	}
	(void)log_folder_visit(files->folder, name, &visit);
}

static void sweep_folder(struct request_files *files, const char *name, struct sweep *sweep)
{
	struct log_folder_visit visit = { .before = NULL };
	uint32_t site, account;
	uint64_t bytes;

	if (!log_folder_of(name, &site, &account))
		return;
	apply_term(files, name, account, sweep);
	bytes = log_folder_shorten(files->folder, name, sweep->expired, sweep->now_hour,
		files->limits.site_bytes_max, &files->counts.shortened_bytes);
	if (find_site(files, site) || bytes > 0)
		set_bytes(files, site, account, bytes);
	sweep->bytes += bytes;
	if (!log_folder_visit(files->folder, name, &visit) || visit.files == 0)
		return;
	if (sweep->oldest[0] == '\0' || strcmp(visit.oldest, sweep->oldest) < 0)
		memcpy(sweep->oldest, visit.oldest, sizeof(visit.oldest));
}

static void sweep_all(struct request_files *files, struct sweep *sweep)
{
	int copy = openat(files->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	sweep->bytes = 0;
	sweep->oldest[0] = '\0';
	if (!stream) {
		if (copy >= 0)
			(void)close(copy);
		return;
	}
	for (int i = 0; i < FOLDERS_MAX && (entry = readdir(stream)); i++)
		sweep_folder(files, entry->d_name, sweep);
	(void)closedir(stream);
	files->counts.bytes = sweep->bytes;
}

static void sweep_to(struct request_files *files, int64_t utc_now_ms, uint64_t bytes_max)
{
	char expired[LOG_HOUR_SIZE], now_hour[LOG_HOUR_SIZE];
	struct sweep sweep = { .expired = expired, .now_hour = now_hour, .utc_now_ms = utc_now_ms };
	uint64_t before;

	request_files_flush(files);
	files->swept_ms = utc_now_ms;
	(void)log_hour_name(utc_now_ms - (int64_t)files->limits.days * DAY_MS, expired);
	(void)log_hour_name(utc_now_ms, now_hour);
	sweep_all(files, &sweep);
	for (int i = 0; i < HOURS_MAX && sweep.bytes > bytes_max; i++) {
		if (sweep.oldest[0] == '\0' || strcmp(sweep.oldest, now_hour) >= 0)
			break;
		(void)snprintf(expired, sizeof(expired), "%.*s~", LOG_HOUR_LENGTH, sweep.oldest);
		before = sweep.bytes;
		sweep_all(files, &sweep);
		files->counts.shortened_bytes += before > sweep.bytes ? before - sweep.bytes : 0;
	}
}

void request_files_sweep(struct request_files *files, int64_t utc_now_ms)
{
	sweep_to(files, utc_now_ms, files->limits.bytes_max);
}

/* Files that are open for writing are closed first: one of them may have to be replaced. */
void request_files_terms(
	struct request_files *files, const struct log_term *terms, size_t count, int64_t utc_now_ms)
{
	files->term = terms;
	files->terms = count;
	for (int i = 0; i < OPEN_MAX_FILES; i++)
		close_file(files, &files->open[i]);
	request_files_sweep(files, utc_now_ms);
}

/* --- beginning and end ------------------------------------------------------------------------------------- */

static bool take_buffers(struct request_files *files)
{
	for (int i = 0; i < OPEN_MAX_FILES; i++) {
		files->open[i].file = -1;
		files->open[i].buffer = calloc(1, BUFFER_BYTES);
		if (!files->open[i].buffer)
			return false;
	}
	return true;
}

enum err request_files_open(const char *folder, const struct request_files_limits *limits,
	int64_t utc_now_ms, struct request_files **out)
{
	struct request_files *files = calloc(1, sizeof(*files));

	if (!files)
		return ERR_MEMORY;
	files->limits = *limits;
	files->folder = -1;
	pool_init(&files->sites, sizeof(struct site_log), FOLDERS_MAX);
	index_init(&files->by_number, FOLDERS_MAX);
	if (!take_buffers(files)) {
		request_files_close(files);
		return ERR_MEMORY;
	}
	if (mkdir(folder, 0750) == 0 || errno == EEXIST)
		files->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->folder < 0) {
		enum err err =
			fail(ERR_SYSTEM, "folder of access logs %s: %s", folder, strerror(errno));

		request_files_close(files);
		return err;
	}
	request_files_sweep(files, utc_now_ms);
	*out = files;
	return OK;
}

void request_files_close(struct request_files *files)
{
	if (!files)
		return;
	for (int i = 0; i < OPEN_MAX_FILES; i++) {
		if (files->open[i].buffer)
			close_file(files, &files->open[i]);
		free(files->open[i].buffer);
	}
	if (files->folder >= 0)
		(void)close(files->folder);
	pool_done(&files->sites);
	index_done(&files->by_number);
	free(files);
}

void request_files_counts(const struct request_files *files, struct request_files_counts *out)
{
	*out = files->counts;
}

static int compare_used(const void *a, const void *b)
{
	const struct log_used *left = a, *right = b;

	return left->account < right->account ? -1 : left->account > right->account;
}

/* Added up where accounts lie beside each other: first all sites, then those of one account become one. */
size_t request_files_used(const struct request_files *files, struct log_used *out, size_t max)
{
	size_t count = 0, used = 0;

	for (uint32_t i = 0; i < files->sites.count && count < max; i++) {
		const struct site_log *site = pool_at(&files->sites, i);

		if (pool_is_live(&files->sites, i) && site->account != 0)
			out[count++] = (struct log_used){ site->account, 0, site->bytes };
	}
	if (count > 0)
		qsort(out, count, sizeof(*out), compare_used);
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && out[used - 1].account == out[i].account)
			out[used - 1].bytes += out[i].bytes;
		else
			out[used++] = out[i];
	}
	return used;
}

int request_files_folder(const struct request_files *files)
{
	return files->folder;
}
