/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines are read as what request_json.c wrote, not as any JSON: names stand in a fixed form, and in a text a quotation mark
 * always has a backslash before it, so that ",\"status\":" is the member of that name wherever it is found.
 *
 * A file is read in blocks from its end. What a block begins with is the end of a line whose beginning is in the
 * block before, and is kept until that one is there. A line that is longer than any that is written is left out.
 *
 * Order is that of writing, which is that of requests' ends but for what waited in different workers' rings: an hour's
 * file is looked at when the hour or the one behind it is asked for.
 */
#include "agent/log_search.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log_folder.h"
#include "base/clock.h"
#include "base/text.h"

#define BLOCK_BYTES 65536u
#define HOURS_MAX   (181 * 24)

struct log_search {
	int folder, site; /* site: its folder; -1: it has none */
	struct record_log_query query;
	char (*hour)[LOG_HOUR_LENGTH + 1]; /* the newest last */
	size_t hours;
	int file;      /* of the hour that is looked at; -1: none is */
	uint64_t left; /* bytes of it that were not read yet */
	uint64_t looked;
	uint32_t found;
	bool partial, skips; /* skips: the line at hand is too long */
	size_t tail; /* bytes of a line whose beginning was not read yet, at the buffer's end */
	char buffer[BLOCK_BYTES + LOG_LINE_MAX + 1];
};

/* --- a line ------------------------------------------------------------------------------------------------ */

/* The value behind ,"name": of the line; NULL: it has none. */
static const char *member(const char *line, size_t length, const char *name, size_t *left)
{
	size_t size = strlen(name);
	const char *at = memmem(line, length, name, size);

	if (!at)
		return NULL;
	*left = length - (size_t)(at + size - line);
	return at + size;
}

static bool number_of(const char *line, size_t length, const char *name, uint32_t *out)
{
	size_t left;
	const char *at = member(line, length, name, &left);

	*out = 0;
	for (size_t i = 0; at && i < left && at[i] >= '0' && at[i] <= '9' && *out < 100000; i++)
		*out = *out * 10 + (uint32_t)(at[i] - '0');
	return at != NULL;
}

/* A text without escapes, as addresses and names of checks are. */
static bool text_of(const char *line, size_t length, const char *name, char *out, size_t size)
{
	size_t left, used = 0;
	const char *at = member(line, length, name, &left);

	while (at && used < left && at[used] != '"' && used + 1 < size) {
		out[used] = at[used];
		used++;
	}
	out[used] = '\0';
	return at != NULL && used < left && at[used] == '"';
}

/* So many digits; -1: something else. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* {"time":"2026-01-02T03:04:05.678Z" */
int64_t log_line_time(const char *line, size_t length)
{
	static const char begin[] = "{\"time\":\"", form[] = "dddd-dd-ddTdd:dd:dd.dddZ\"";
	const char *text = line + sizeof(begin) - 1;
	struct tm parts = { 0 };

	if (length < sizeof(begin) - 1 + sizeof(form) - 1 ||
		memcmp(line, begin, sizeof(begin) - 1) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == 'd' ? digits(text + i, 1) < 0 : text[i] != form[i])
			return -1;
	}
	parts.tm_year = digits(text, 4) - 1900;
	parts.tm_mon = digits(text + 5, 2) - 1;
	parts.tm_mday = digits(text + 8, 2);
	parts.tm_hour = digits(text + 11, 2);
	parts.tm_min = digits(text + 14, 2);
	parts.tm_sec = digits(text + 17, 2);
	return (int64_t)timegm(&parts) * SECOND_MS + digits(text + 20, 3);
}

static bool meets_source(const char *line, size_t length, const struct record_log_query *query)
{
	char text[ADDRESS_TEXT_SIZE];
	uint8_t address[16];

	if (query->source_bits == 0)
		return true;
	return text_of(line, length, ",\"real_client_ip\":\"", text, sizeof(text)) &&
	       text_to_address(text, address) &&
	       prefix_covers(query->source.byte, query->source_bits, address);
}

/* The line escapes what JSON must; what is asked for is compared with that. */
static bool meets_path(const char *line, size_t length, const struct record_log_query *query)
{
	size_t left, used = 0;
	const char *at = member(line, length, ",\"request_path\":\"", &left);

	if (query->path_length == 0)
		return true;
	for (size_t i = 0; at && i < query->path_length; i++) {
		bool escaped = query->path[i] == '"' || query->path[i] == '\\';

		if (escaped && (used >= left || at[used++] != '\\'))
			return false;
		if (used >= left || at[used++] != query->path[i])
			return false;
	}
	return at != NULL;
}

static bool meets_word(const char *line, size_t length, const char *name, const char *word)
{
	char text[32];

	return text_of(line, length, name, text, sizeof(text)) && strcmp(text, word) == 0;
}

static bool meets_verdict(const char *line, size_t length, const struct record_log_query *query)
{
	static const char *const checks[CHECK_COUNT] = {
#define CHECK(name, mode, text) #name,
#include "shared/checks.def"
#undef CHECK
	};
	static const char *const verdicts[LOG_VERDICT_COUNT] = {
#define VERDICT(symbol, name) name,
#include "shared/verdicts.def"
#undef VERDICT
	};

	if (query->check < CHECK_COUNT &&
		!meets_word(line, length, ",\"cc_phase\":\"", checks[query->check]))
		return false;
	return query->verdict >= LOG_VERDICT_COUNT ||
	       meets_word(line, length, ",\"cc_action\":\"", verdicts[query->verdict]);
}

bool log_line_meets(
	const char *line, size_t length, const struct record_log_query *query, int64_t *time_ms)
{
	uint32_t status;

	*time_ms = log_line_time(line, length);
	return *time_ms >= 0 && *time_ms >= query->from_ms && *time_ms <= query->until_ms &&
	       meets_source(line, length, query) &&
	       number_of(line, length, ",\"status\":", &status) && status >= query->status_min &&
	       status <= query->status_max && meets_path(line, length, query) &&
	       meets_verdict(line, length, query);
}

/* --- files ------------------------------------------------------------------------------------------------- */

static int open_site(int folder, uint32_t site)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	char begin[16];
	int found = -1;

	if (!stream) {
		if (copy >= 0)
			(void)close(copy);
		return -1;
	}
	(void)snprintf(begin, sizeof(begin), "%u-", site);
	while (found < 0 && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, begin, strlen(begin)) == 0)
			found = openat(folder, entry->d_name,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	(void)closedir(stream);
	return found;
}

/* A time that has no such name is behind all that have one. */
static void hour_name(int64_t utc_ms, char out[LOG_HOUR_SIZE])
{
	if (!log_hour_name(utc_ms, out))
		memcpy(out, "~", 2);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool list_hours(struct log_search *search)
{
	char from[LOG_HOUR_SIZE], until[LOG_HOUR_SIZE];
	int copy = openat(search->site, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	search->hour = calloc(HOURS_MAX, sizeof(search->hour[0]));
	if (!stream && copy >= 0)
		(void)close(copy);
	if (!stream || !search->hour) {
		if (stream)
			(void)closedir(stream);
		return search->hour != NULL;
	}
	hour_name(search->query.from_ms, from);
	hour_name(search->query.until_ms < INT64_MAX - HOUR_MS ? search->query.until_ms + HOUR_MS
							       : INT64_MAX,
		until);
	while (search->hours < HOURS_MAX && (entry = readdir(stream))) {
		if (strlen(entry->d_name) != LOG_HOUR_LENGTH || strcmp(entry->d_name, from) < 0 ||
			strcmp(entry->d_name, until) > 0)
			continue;
		memcpy(search->hour[search->hours++], entry->d_name, LOG_HOUR_LENGTH + 1);
	}
	(void)closedir(stream);
	if (search->hours > 0)
		qsort(search->hour, search->hours, sizeof(search->hour[0]), compare);
	return true;
}

struct log_search *log_search_new(int folder, const struct record_log_query *query)
{
	struct log_search *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->folder = folder;
	search->query = *query;
	search->file = -1;
	search->site = open_site(folder, query->site);
	if (search->site >= 0 && !list_hours(search)) {
		log_search_free(search);
		return NULL;
	}
	return search;
}

void log_search_free(struct log_search *search)
{
	if (!search)
		return;
	if (search->file >= 0)
		(void)close(search->file);
	if (search->site >= 0)
		(void)close(search->site);
	free(search->hour);
	free(search);
}

/* --- reading backwards ------------------------------------------------------------------------------------- */

struct finder {
	struct log_search *search;
	log_search_take take;
	void *context;
};

static void try_line(struct finder *finder, const char *line, size_t length)
{
	struct log_search *search = finder->search;
	int64_t time_ms;

	if (length == 0 || length > LOG_LINE_MAX || search->found >= search->query.lines ||
		!log_line_meets(line, length, &search->query, &time_ms))
		return;
	search->found++;
	finder->take(finder->context, time_ms, line, length);
}

/* The lines of bytes from their end; what is before the first end of a line is left, its length returned. */
static size_t take_lines(struct finder *finder, char *bytes, size_t length)
{
	const char *end;

	while ((end = memrchr(bytes, '\n', length))) {
		size_t begin = (size_t)(end - bytes) + 1;

		if (!finder->search->skips)
			try_line(finder, bytes + begin, length - begin);
		finder->search->skips = false;
		length = begin - 1;
	}
	return length;
}

/* One block before what was read; false: the file is at its beginning. */
static bool read_block(struct finder *finder)
{
	struct log_search *search = finder->search;
	size_t size = search->left < BLOCK_BYTES ? (size_t)search->left : BLOCK_BYTES;
	/* The tail lies at the buffer's end, the block before it. */
	char *tail = search->buffer + sizeof(search->buffer) - search->tail;
	ssize_t got =
		size ? pread(search->file, tail - size, size, (off_t)(search->left - size)) : 0;
	size_t rest;

	if (got != (ssize_t)size || size == 0) {
		if (!search->skips)
			try_line(finder, tail, search->tail);
		return false;
	}
	search->left -= size;
	search->looked += size;
	rest = take_lines(finder, tail - size, size + search->tail);
	if (rest > LOG_LINE_MAX) {
		search->skips = true;
		rest = 0;
	}
	memmove(search->buffer + sizeof(search->buffer) - rest, tail - size, rest);
	search->tail = rest;
	return true;
}

/* false: there is none. */
static bool open_hour(struct log_search *search)
{
	struct stat info;

	while (search->file < 0 && search->hours > 0) {
		search->file = openat(search->site, search->hour[--search->hours],
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (search->file < 0)
			continue;
		search->left = fstat(search->file, &info) == 0 && S_ISREG(info.st_mode)
				       ? (uint64_t)info.st_size
				       : 0;
		search->tail = 0;
		search->skips = false;
	}
	return search->file >= 0;
}

bool log_search_step(struct log_search *search, log_search_take take, void *context)
{
	struct finder finder = { search, take, context };

	for (uint32_t done = 0; done < LOG_SEARCH_PIECE; done += BLOCK_BYTES) {
		if (search->found >= search->query.lines || !open_hour(search))
			return true;
		if (search->looked >= LOG_SEARCH_BYTES_MAX) {
			search->partial = true;
			return true;
		}
		if (read_block(&finder))
			continue;
		(void)close(search->file);
		search->file = -1;
	}
	return false;
}

uint32_t log_search_found(const struct log_search *search)
{
	return search->found;
}

bool log_search_partial(const struct log_search *search)
{
	return search->partial;
}
