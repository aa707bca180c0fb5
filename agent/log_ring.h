/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of the file "log" (shared/request_abi.h): what nginx's workers say about requests. One reader at a time.
 */
#ifndef AGENT_LOG_RING_H
#define AGENT_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

#define LOG_FILE_BYTES (LOG_RINGS + (size_t)WORKER_MAX * sizeof(struct log_ring))

struct log_rings {
	struct log_header *header; /* NULL: no file */
	uint64_t device, inode;	   /* of it */
	uint64_t broken;	   /* rings whose content was no records, and was left out */
};

struct log_text_at {
	const char *bytes;
	uint16_t length;
};
/* A request with its texts found. */
struct log_view {
	const struct log_request *request;
	struct log_text_at text[LOG_TEXT_COUNT];
};

/* Maps folder/log, or follows it when another file has taken its place. false: there is none that can be used. */
bool log_rings_open(struct log_rings *rings, const char *folder);
void log_rings_close(struct log_rings *rings);

/* What is there in all rings, at most count_max records; the rest stays. record is copied out, whole and aligned,
 * valid until visit returns; its length and kind are checked, and for LOG_REQUEST view can be had. Returns how many. */
typedef void (*log_visit)(void *context, const struct log_record *record);
size_t log_rings_read(struct log_rings *rings, size_t count_max, log_visit visit, void *context);
/* Records that found no room, of all rings since the file was made. */
uint64_t log_rings_lost(const struct log_rings *rings);

/* Whether bytes are one record of a known kind and all of it lies within length. Pure; fuzzed. */
bool log_record_check(const void *bytes, size_t length);
/* Texts of a checked record. */
void log_view_of(const struct log_request *request, struct log_view *out);

#endif
