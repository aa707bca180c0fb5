/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of the log's rings from workers that may be anybody: what the check accepts is read whole and becomes one line
 * of bounded length, without line ends or control characters in it, which a query for all finds. Lines of a log may be
 * anything, too.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log_search.h"
#include "agent/request_json.h"
#include "agent/request_top.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct record_log_query all = { .until_ms = INT64_MAX,
	.status_max = UINT16_MAX,
	.check = CHECK_COUNT,
	.verdict = LOG_VERDICT_NONE };

/* What a query wants is by the same hand as the line. */
static void search(const uint8_t *data, size_t size)
{
	struct record_log_query query = all;
	char *line = malloc(size + 1); /* exactly as long: its end is watched */
	int64_t time_ms;

	if (!line)
		return;
	memcpy(line, data, size);
	if (size > 4) {
		query.source_bits = data[0] % 129;
		query.status_min = data[1];
		query.check = data[2] % (CHECK_COUNT + 1);
		query.verdict = data[3];
		query.path_length = data[4] % 8 < size - 4 ? data[4] % 8 : 0;
		memcpy(query.path, data + 4, query.path_length);
	}
	(void)log_line_meets(line, size, &query, &time_ms);
	(void)log_line_meets(line, size, &all, &time_ms);
	free(line);
}

static void look_at(const struct log_request *request)
{
	static char line[REQUEST_JSON_MAX];
	static struct request_top *top;
	struct log_view view;
	int64_t time_ms;
	size_t length;

	log_view_of(request, &view);
	length = request_line(&view, "a.example", line);
	assert(length > 0 && length <= sizeof(line) && line[length - 1] == '\n');
	for (size_t i = 0; i + 1 < length; i++)
		assert((uint8_t)line[i] >= ' ');
	if (request->record.time_ms >= 0 && request->record.time_ms < INT64_C(253402300800000)) {
		assert(log_line_meets(line, length - 1, &all, &time_ms));
		assert(time_ms == request->record.time_ms);
	}
	if (!top)
		top = request_top_new();
	if (top)
		request_top_add(top, &view, "", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as many bytes: a sanitizer sees what is read behind them. */
	struct log_record *copy = size <= UINT16_MAX ? calloc(1, size ? size : 1) : NULL;

	search(data, size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (log_record_check(copy, size) && copy->kind == LOG_REQUEST)
		look_at((const void *)copy);
	free(copy);
	return 0;
}
