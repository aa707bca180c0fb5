/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line is built on the stack and written with one write(2), which keeps lines of several threads whole
 * on a pipe or a file; nothing is buffered, so nothing is lost when the process aborts.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define MESSAGE_BYTES_MAX 1000
/* Every byte of a message may become four, plus the fields around it. */
#define LINE_BYTES_MAX	  (4 * MESSAGE_BYTES_MAX + 256)
#define REQUEST_BYTES_MAX 64

static const char *program_name = "polder";
static atomic_int level_max = LOG_LEVEL_INFO;
static _Thread_local const char *request;

static const char *const level_name[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_open(const char *program, enum log_level level)
{
	program_name = program;
	atomic_store(&level_max, (int)level);
}

void log_request(const char *request_id)
{
	request = request_id;
}

/* Appends text so that it stays on one line and within its quotes; returns the new length. */
static size_t escape(const char *text, char *out, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *c;

	for (c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\') {
			out[length++] = '\\';
			out[length++] = (char)*c;
		} else if (*c == '\n') {
			out[length++] = '\\';
			out[length++] = 'n';
		} else if (*c < 0x20 || *c == 0x7f) {
			out[length++] = '\\';
			out[length++] = 'x';
			out[length++] = digits[*c >> 4];
			out[length++] = digits[*c & 15];
		} else {
			out[length++] = (char)*c;
		}
	}
	return length;
}

/* "2026-11-23T10:00:00.123Z" */
static void format_time(char out[32])
{
	int64_t now_ms = clock_utc_ms();
	char seconds[CLOCK_ISO_SIZE];

	clock_format_iso(now_ms, seconds);
	(void)snprintf(out, 32, "%.19s.%03dZ", seconds, (int)(now_ms % SECOND_MS));
}

void log_line(enum log_level level, const char *format, ...)
{
	char message[MESSAGE_BYTES_MAX + 1], line[LINE_BYTES_MAX], now[32];
	va_list arguments;
	size_t length;
	int head;

	if ((int)level > atomic_load(&level_max))
		return;
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	format_time(now);
	head = snprintf(line, 128, "time=%s level=%s program=%.32s msg=\"", now, level_name[level],
		program_name);
	length = escape(message, line, (size_t)head);
	line[length++] = '"';
	if (request)
		length += (size_t)snprintf(line + length, sizeof(line) - length, " request=%.*s",
			REQUEST_BYTES_MAX, request);
	line[length++] = '\n';
	/* There is nowhere left to report a log that cannot be written. */
	if (write(STDERR_FILENO, line, length) < 0)
		return;
}
