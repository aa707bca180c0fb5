/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line per event, logfmt, to stderr:
 *   time=2026-11-23T10:00:00.123Z level=warn program=control msg="..." request=...
 * The message is lower case, no full stop, the fault first. Never a secret, never per packet.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* program: kept by reference. level: the most talkative that is written. */
void log_open(const char *program, enum log_level level);
/* Sets the request id that this thread's lines carry, or NULL. Kept by reference. */
void log_request(const char *request_id);
/* Quotes and escapes the message; at most 1,000 bytes of it. Thread-safe: one write per line. */
void log_line(enum log_level level, const char *format, ...) PRINTF(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
