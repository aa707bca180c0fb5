/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of the log's rings from workers that may be anybody: what the check accepts is read whole and becomes one line
 * of bounded length, without line ends or control characters in it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/request_json.h"
#include "agent/request_top.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct log_request *request)
{
	static char line[REQUEST_JSON_MAX];
	static struct request_top *top;
	struct log_view view;
	size_t length;

	log_view_of(request, &view);
	length = request_line(&view, "a.example", line);
	assert(length > 0 && length <= sizeof(line) && line[length - 1] == '\n');
	for (size_t i = 0; i + 1 < length; i++)
		assert((uint8_t)line[i] >= ' ');
	if (!top)
		top = request_top_new();
	if (top)
		request_top_add(top, &view, "", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as many bytes: a sanitizer sees what is read behind them. */
	struct log_record *copy = size <= UINT16_MAX ? calloc(1, size ? size : 1) : NULL;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (log_record_check(copy, size) && copy->kind == LOG_REQUEST)
		look_at((const void *)copy);
	free(copy);
	return 0;
}
