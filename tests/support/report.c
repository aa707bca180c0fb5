/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports as an agent makes them, for tests.
 */
#include "tests/support/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void report_start(struct report *report, uint64_t generation)
{
	report_start_by(report, generation, 1);
}

void report_start_by(struct report *report, uint64_t generation, uint64_t agent_boot)
{
	struct snapshot_header header = { .magic = SNAPSHOT_MAGIC, .version = SNAPSHOT_VERSION };

	report->size = sizeof(header);
	memcpy(report->bytes, &header, sizeof(header));
	REPORT_ADD(report, (struct record_node){ RECORD_HEAD(RECORD_NODE, 1, record_node),
				   .generation = generation, .agent_boot = agent_boot });
}

void report_add(struct report *report, const void *record, size_t size)
{
	struct snapshot_header *header = (void *)report->bytes;

	assert_true(report->size + size <= sizeof(report->bytes));
	memcpy(report->bytes + report->size, record, size);
	report->size += size;
	header->record_count++;
	header->byte_count += (uint32_t)size;
}

void report_traffic(struct report *report, int64_t instance, struct counter in,
	struct counter dropped, struct counter out)
{
	REPORT_ADD(report,
		(struct record_traffic){ RECORD_HEAD(RECORD_TRAFFIC, instance, record_traffic),
			.in = in, .dropped = dropped, .out = out });
}

void report_reason(struct report *report, int64_t instance, uint32_t reason, struct counter counter)
{
	REPORT_ADD(report, (struct record_vip_reason){
				   RECORD_HEAD(RECORD_VIP_REASON, instance, record_vip_reason),
				   .reason = reason, .counter = counter });
}

enum err report_send(
	const struct report *report, struct nodes *nodes, const char *name, int64_t clock_ms)
{
	return nodes_report(nodes, name, report->bytes, report->size, clock_ms);
}
