/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of nodes, put together record by record.
 */
#ifndef TESTS_SUPPORT_REPORT_H
#define TESTS_SUPPORT_REPORT_H

#include "control/engine/nodes.h"

struct report {
	_Alignas(8) uint8_t bytes[262144];
	size_t size;
};

/* First members of a record of the struct. */
#define RECORD_HEAD(kind, number, tag)                                                             \
	.record = { .type = (kind), .length = sizeof(struct tag), .id = (uint32_t)(number) }

/* Empty but for RECORD_NODE. */
void report_start(struct report *report, uint64_t generation);
void report_start_by(struct report *report, uint64_t generation, uint64_t agent_boot);
void report_add(struct report *report, const void *record, size_t size);
#define REPORT_ADD(report, ...)                                                                    \
	do {                                                                                       \
		__typeof__(__VA_ARGS__) record_ = __VA_ARGS__;                                     \
		report_add(report, &record_, sizeof(record_));                                     \
	} while (0)
void report_traffic(struct report *report, int64_t instance, struct counter in,
	struct counter dropped, struct counter out);
void report_reason(
	struct report *report, int64_t instance, uint32_t reason, struct counter counter);
enum err report_send(
	const struct report *report, struct nodes *nodes, const char *name, int64_t clock_ms);

#endif
