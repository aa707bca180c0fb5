/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is remembered between calls: what is true is in the folder. Names of hours sort as their times do. Files of other names
 * are none of ours, and links are not followed.
 */
#include "agent/log_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/log_search.h"
#include "base/auto.h"
#include "base/clock.h"

/* With a margin: more are looked at by the next sweep. */
#define FILES_MAX  (REQUEST_LOG_DAYS_MAX * 24 + 48)
#define COPY_BYTES (1u << 30)

void log_folder_name(const struct request_line *line, char out[LOG_FOLDER_SIZE])
{
	int length = snprintf(
		out, LOG_FOLDER_SIZE, "%u-%.*s", line->site, SITE_DOMAIN_MAX, line->domain);

	for (int i = 0; i < length; i++) {
		char c = out[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
			out[i] = '_';
	}
	(void)snprintf(out + length, (size_t)(LOG_FOLDER_SIZE - length), "~%u", line->account);
}

bool log_hour_name(int64_t utc_ms, char out[LOG_HOUR_SIZE])
{
	time_t seconds = (time_t)(utc_ms / SECOND_MS);
	struct tm parts = { 0 };

	if (gmtime_r(&seconds, &parts) &&
		strftime(out, LOG_HOUR_SIZE, "%Y%m%d%H.jsonl", &parts) == LOG_HOUR_LENGTH)
		return true;
	out[0] = '\0';
	return false;
}

/* Other files are none of ours. */
static bool is_hour(const char *name)
{
	return strlen(name) == LOG_HOUR_LENGTH && strspn(name, "0123456789") == 10 &&
	       strcmp(name + 10, ".jsonl") == 0;
}

bool log_folder_of(const char *name, uint32_t *site, uint32_t *account)
{
	const char *owner = strrchr(name, '~');
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	*site = (uint32_t)number;
	*account = owner ? (uint32_t)strtoul(owner + 1, NULL, 10) : 0;
	return end != name && *end == '-' && number > 0 && number <= UINT32_MAX;
}

static void visit_file(int folder, const char *name, struct log_folder_visit *visit)
{
	struct stat info;

	if (!is_hour(name) || fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(info.st_mode))
		return;
	if (visit->before && strcmp(name, visit->before) < 0 && unlinkat(folder, name, 0) == 0) {
		if (visit->gone)
			*visit->gone += (uint64_t)info.st_size;
		return;
	}
	visit->files++;
	visit->bytes += (uint64_t)info.st_size;
	if (visit->oldest[0] == '\0' || strcmp(name, visit->oldest) < 0) {
		(void)snprintf(visit->oldest, LOG_HOUR_SIZE, "%.*s", LOG_HOUR_LENGTH, name);
		visit->oldest_bytes = (uint64_t)info.st_size;
	}
	if (strcmp(name, visit->newest) > 0)
		(void)snprintf(visit->newest, LOG_HOUR_SIZE, "%.*s", LOG_HOUR_LENGTH, name);
}

bool log_folder_visit(int parent, const char *name, struct log_folder_visit *visit)
{
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream = folder >= 0 ? fdopendir(folder) : NULL;
	const struct dirent *entry;

	if (!stream) {
		if (folder >= 0)
			(void)close(folder);
		return false;
	}
	for (int i = 0; i < FILES_MAX && (entry = readdir(stream)); i++)
		visit_file(folder, entry->d_name, visit);
	(void)closedir(stream);
	return true;
}

uint64_t log_folder_shorten(int parent, const char *name, const char *expired, const char *now_hour,
	uint64_t bytes_max, uint64_t *gone)
{
	struct log_folder_visit visit = { .before = expired };

	if (!log_folder_visit(parent, name, &visit))
		return 0;
	for (int i = 0; i < FILES_MAX && visit.bytes > bytes_max; i++) {
		char after[LOG_HOUR_SIZE];

		if (strcmp(visit.oldest, now_hour) >= 0)
			break;
		/* The first name behind it. */
		(void)snprintf(after, sizeof(after), "%.*s~", LOG_HOUR_LENGTH, visit.oldest);
		visit = (struct log_folder_visit){ .before = after, .gone = gone };
		if (!log_folder_visit(parent, name, &visit))
			return 0;
	}
	if (visit.files == 0)
		(void)unlinkat(parent, name, AT_REMOVEDIR);
	return visit.bytes;
}

/* Copies what follows the offset into another file, which takes the place of this one. */
static bool copy_rest(int folder, const char *name, int from, off_t offset)
{
	int to =
		openat(folder, "rest", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	ssize_t copied = -1;

	while (to >= 0 && (copied = copy_file_range(from, &offset, to, NULL, COPY_BYTES, 0)) > 0)
		;
	if (to >= 0)
		(void)close(to);
	return copied == 0 && renameat(folder, "rest", folder, name) == 0;
}

/* Where the first request begins that is not older; the file's end when there is none. */
static off_t first_since(int file, int64_t since_ms)
{
	AUTO(file) FILE *stream = fdopen(dup(file), "re");
	char *line = NULL;
	size_t size = 0;
	off_t offset = 0;
	ssize_t length;

	while (stream && (length = getline(&line, &size, stream)) > 0 &&
		log_line_time(line, (size_t)length) < since_ms)
		offset += length;
	free(line);
	return offset;
}

void log_folder_trim(int parent, const char *name, int64_t since_ms)
{
	char hour[LOG_HOUR_SIZE];
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int file = -1;
	struct stat info;
	off_t offset;

	(void)log_hour_name(since_ms, hour);
	if (folder >= 0)
		file = openat(folder, hour, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file >= 0 && fstat(file, &info) == 0) {
		offset = first_since(file, since_ms);
		if (offset > 0 &&
			(offset >= info.st_size || !copy_rest(folder, hour, file, offset)))
			(void)unlinkat(folder, hour, 0);
	}
	if (file >= 0)
		(void)close(file);
	if (folder >= 0)
		(void)close(folder);
}
