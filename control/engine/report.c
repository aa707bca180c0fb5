/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report decoder: strict and in two passes. The first looks at every record and calls nobody,
 * so that a report which is bad at its end leaves no trace. Records are copied out, because a body
 * has no alignment.
 */
#include "control/engine/report.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "shared/limits.h"

static size_t length_of(uint16_t type)
{
	switch (type) {
	case RECORD_NODE:
		return sizeof(struct record_node);
	case RECORD_SOURCE:
		return sizeof(struct record_source);
	case RECORD_TRAFFIC:
		return sizeof(struct record_traffic);
	case RECORD_REASON:
		return sizeof(struct record_reason);
	case RECORD_REFUSED:
		return sizeof(struct record_refused);
	case RECORD_VIP_REASON:
		return sizeof(struct record_vip_reason);
	case RECORD_SERVICE_STATE:
		return sizeof(struct record_service_state);
	case RECORD_HEALTH_STATE:
		return sizeof(struct record_health_state);
	case RECORD_OFFENCE:
		return sizeof(struct record_offence);
	case RECORD_SAMPLE:
		return sizeof(struct record_sample);
	case RECORD_REQUEST_BAN:
		return sizeof(struct record_request_ban);
	case RECORD_SITE_TRAFFIC:
		return sizeof(struct record_site_traffic);
	default:
		return 0;
	}
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Reasons index tables, also those that are only watched. */
static bool is_reason(uint32_t reason)
{
	return (reason & ~REASON_WATCHED) < REASON_COUNT;
}

static bool is_sane(const union report_record *record, bool first)
{
	if ((record->record.type == RECORD_NODE) != first)
		return false;
	switch (record->record.type) {
	case RECORD_SOURCE:
		return record->source.prefix_bits <= 128;
	case RECORD_REASON:
		return ends(record->reason.name, sizeof(record->reason.name)) &&
		       record->reason.name[0] != '\0' && record->record.id != 0;
	case RECORD_REFUSED:
		return ends(record->refused.why, sizeof(record->refused.why)) &&
		       record->record.id != 0;
	case RECORD_TRAFFIC:
	case RECORD_SERVICE_STATE:
		return record->record.id != 0;
	case RECORD_VIP_REASON:
		return record->record.id != 0 && is_reason(record->vip_reason.reason);
	case RECORD_HEALTH_STATE:
		return record->record.id != 0 && record->health_state.origin_count <= ORIGIN_MAX;
	case RECORD_OFFENCE:
		return record->record.id != 0 && record->offence.mitigation < MITIGATION_COUNT;
	case RECORD_REQUEST_BAN:
		return record->record.id != 0 && record->request_ban.check < CHECK_COUNT;
	case RECORD_SITE_TRAFFIC:
		return record->record.id != 0 &&
		       record->site_traffic.counter.number == record->record.id;
	case RECORD_SAMPLE:
		return record->record.id != 0 && is_reason(record->sample.reason) &&
		       record->sample.captured <= SAMPLE_BYTES &&
		       record->sample.captured <= record->sample.length;
	default:
		return true;
	}
}

/* The record at offset; 0: none that is right. */
static size_t record_at(const uint8_t *data, size_t size, size_t offset, union report_record *out)
{
	struct record head;

	if (size - offset < sizeof(head))
		return 0;
	memcpy(&head, data + offset, sizeof(head));
	if (head.length == 0 || head.length != length_of(head.type) || head.length > size - offset)
		return 0;
	memcpy(out, data + offset, head.length);
	return head.length;
}

static enum err check(const uint8_t *data, size_t size)
{
	struct snapshot_header header;
	union report_record record;
	size_t offset = sizeof(header);
	uint32_t count = 0;

	if (size < sizeof(header) || size > SNAPSHOT_BYTES_MAX)
		return ERR_FORMAT;
	memcpy(&header, data, sizeof(header));
	if (header.magic != SNAPSHOT_MAGIC || header.version != SNAPSHOT_VERSION ||
		header.byte_count != size - sizeof(header))
		return ERR_FORMAT;
	while (offset < size) {
		size_t length = record_at(data, size, offset, &record);

		if (length == 0 || !is_sane(&record, count == 0))
			return ERR_FORMAT;
		offset += length;
		count++;
	}
	return count > 0 && count == header.record_count ? OK : ERR_FORMAT;
}

enum err report_decode(const void *data, size_t size, report_visit visit, void *context)
{
	size_t offset = sizeof(struct snapshot_header);
	union report_record record;

	TRY(check(data, size));
	while (offset < size) {
		offset += record_at(data, size, offset, &record);
		visit(context, &record);
	}
	return OK;
}
