/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function between the library and the C library: every piece is there, or the process is not.
 */
#include "control/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"

static void *take_or_end(size_t size)
{
	void *piece = calloc(1, size ? size : 1);

	if (piece)
		return piece;
	log_error("memory is out: a JSON document needs %zu bytes", size);
	abort();
}

void json_memory_start(void)
{
	json_set_alloc_funcs(take_or_end, free);
}
