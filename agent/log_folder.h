/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One site's folder of access logs: its name, and its files, of which each is an hour. parent is the folder with all of them, name
 * that of the site's.
 */
#ifndef AGENT_LOG_FOLDER_H
#define AGENT_LOG_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/request_files.h"
#include "shared/request_abi.h"

#define LOG_FOLDER_SIZE (SITE_DOMAIN_MAX + 28)
#define LOG_HOUR_LENGTH 16 /* "2026010203.jsonl" */
#define LOG_HOUR_SIZE	20 /* with room for what makes it the first name behind */

void log_folder_name(const struct request_line *line, char out[LOG_FOLDER_SIZE]);
/* false: no folder of a site. account 0: the name tells none. */
bool log_folder_of(const char *name, uint32_t *site, uint32_t *account);
/* false: the time has no such name, and out is empty. */
bool log_hour_name(int64_t utc_ms, char out[LOG_HOUR_SIZE]);

struct log_folder_visit {
	const char *before; /* files whose name sorts before this one go; NULL: none */
	uint64_t *gone;	    /* their bytes are added to it; NULL: to nothing */
	char oldest[LOG_HOUR_SIZE], newest[LOG_HOUR_SIZE];
	uint64_t oldest_bytes, bytes, files;
};
/* false: there is no such folder. */
bool log_folder_visit(int parent, const char *name, struct log_folder_visit *visit);
/* Hours before expired go, and then the oldest until the folder has no more than bytes_max; the hour that is being written stays.
 * Bytes of the latter are added to gone. Returns what is left; a folder without files goes, too. */
uint64_t log_folder_shorten(int parent, const char *name, const char *expired, const char *now_hour,
	uint64_t bytes_max, uint64_t *gone);
/* Requests that are older leave the file of their hour. Nothing of it stays when that fails: it was to go. */
void log_folder_trim(int parent, const char *name, int64_t since_ms);

#endif
