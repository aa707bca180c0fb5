/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes found in access logs, for whoever asked. In memory, bounded, thread-safe; it belongs to struct nodes. A node
 * may tell the same twice, when the reply to its report was lost: lines have numbers, and are taken once.
 */
#ifndef CONTROL_ENGINE_ANSWERS_H
#define CONTROL_ENGINE_ANSWERS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "shared/snapshot_abi.h"

#define ANSWER_MAX	 32 /* queries whose answers are kept: the oldest gives way */
#define ANSWER_BYTES_MAX ((size_t)4 << 20) /* of one */
#define ANSWER_KEEP_MS	 (10 * 60 * 1000)

struct answers;
struct answers *answers_new(void); /* NULL: no memory */
void answers_free(struct answers *answers);

/* node: its number among the nodes, below NODE_MAX. What finds no room makes the answer a partial one. */
void answers_line(
	struct answers *answers, size_t node, const struct record_log_line *line, int64_t clock_ms);
void answers_done(
	struct answers *answers, size_t node, const struct record_log_done *done, int64_t clock_ms);

struct answer_line {
	int64_t time_ms;
	const char *text; /* JSON, ends with NUL */
};
struct answer {
	size_t nodes; /* that have told all they have */
	bool partial;
	struct answer_line *line; /* the newest first */
	size_t count;
};
/* The newest lines of all nodes, at most max; an empty answer when nobody answered yet. */
enum err answers_get(struct answers *answers, struct arena *mem, uint32_t query, size_t max,
	struct answer *out) MUST_USE;
void answers_prune(struct answers *answers, int64_t clock_ms);

#endif
