/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding a node's report. Pure: bytes in, one call per record out, nothing is kept.
 */
#ifndef CONTROL_ENGINE_REPORT_H
#define CONTROL_ENGINE_REPORT_H

#include <stddef.h>

#include "base/error.h"
#include "shared/snapshot_abi.h"

union report_record {
	struct record record;
	struct record_node node;
	struct record_source source;
	struct record_traffic traffic;
	struct record_reason reason;
	struct record_refused refused;
	struct record_vip_reason vip_reason;
	struct record_service_state service_state;
	struct record_health_state health_state;
	struct record_offence offence;
	struct record_sample sample;
	struct record_request_ban request_ban;
	struct record_site_traffic site_traffic;
	struct record_site_top site_top;
	struct record_log_used log_used;
	struct record_requests requests;
	struct record_log_line log_line;
	struct record_log_done log_done;
	struct record_uplink uplink;
	struct record_span span;
	struct record_sighted sighted;
	struct record_visitors visitors;
};
typedef void (*report_visit)(void *context, const union report_record *record);

/* ERR_FORMAT: not a report; visit was then never called. */
enum err report_decode(const void *data, size_t size, report_visit visit, void *context) MUST_USE;

#endif
