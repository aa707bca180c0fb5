/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report decoder: strict and in two passes. The first looks at every record and calls nobody,
 * so that a report which is bad at its end leaves no trace. Records are copied out, because a body
 * has no alignment.
 */
#include "control/engine/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "shared/limits.h"

/* Of kinds whose records have one length; of others, what they have at least. */
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
	case RECORD_SITE_TOP:
		return offsetof(struct record_site_top, entry);
	case RECORD_LOG_USED:
		return sizeof(struct record_log_used);
	case RECORD_REQUESTS:
		return sizeof(struct record_requests);
	case RECORD_LOG_LINE:
		return offsetof(struct record_log_line, text);
	case RECORD_LOG_DONE:
		return sizeof(struct record_log_done);
	case RECORD_UPLINK:
		return sizeof(struct record_uplink);
	case RECORD_SPAN:
		return sizeof(struct record_span);
	case RECORD_SIGHTED:
	case RECORD_SITE_SIGHTED:
		return offsetof(struct record_sighted, entry);
	case RECORD_VISITORS:
		return offsetof(struct record_visitors, sample);
	default:
		return 0;
	}
}

/* Whether the kind's records may be as long as this one. */
static bool is_length(const struct record *head)
{
	size_t least = length_of(head->type);

	if (least == 0 || head->length < least)
		return false;
	if (head->type == RECORD_SITE_TOP)
		return head->length <= sizeof(struct record_site_top);
	if (head->type == RECORD_VISITORS)
		return head->length <= sizeof(struct record_visitors);
	if (head->type == RECORD_SIGHTED || head->type == RECORD_SITE_SIGHTED)
		return head->length <= sizeof(struct record_sighted);
	if (head->type == RECORD_LOG_LINE)
		return head->length <= sizeof(struct record_log_line);
	return head->length == least;
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

static bool is_top(const struct record_site_top *top)
{
	if (top->record.id == 0 || top->kind >= TOP_COUNT || top->entry_count > TOP_REPORT_KEYS ||
		top->record.length != offsetof(struct record_site_top, entry) +
					      top->entry_count * sizeof(top->entry[0]))
		return false;
	for (unsigned i = 0; i < top->entry_count; i++) {
		if (top->entry[i].length == 0 || top->entry[i].length > TOP_KEY_MAX ||
			top->entry[i].error > top->entry[i].count)
			return false;
	}
	return true;
}

static bool is_sighted(const struct record_sighted *sighted)
{
	uint32_t reasons =
		sighted->record.type == RECORD_SIGHTED ? (uint32_t)REASON_COUNT : CHECK_COUNT;

	if (sighted->record.id == 0 || sighted->kind >= SIGHTED_KINDS ||
		sighted->entry_count > SIGHTED_REPORT ||
		sighted->record.length != offsetof(struct record_sighted, entry) +
						  sighted->entry_count * sizeof(sighted->entry[0]))
		return false;
	for (unsigned i = 0; i < sighted->entry_count; i++) {
		if (sighted->entry[i].key.reason >= reasons ||
			sighted->entry[i].error > sighted->entry[i].count)
			return false;
	}
	return true;
}

static bool is_visitors(const struct record_visitors *visitors)
{
	return visitors->record.id != 0 && visitors->of <= VISITORS_SITE &&
	       visitors->sample_count > 0 && visitors->sample_count <= VISITORS_SAMPLES &&
	       visitors->total >= visitors->sample_count &&
	       visitors->record.length ==
		       offsetof(struct record_visitors, sample) +
			       visitors->sample_count * sizeof(visitors->sample[0]);
}

static bool is_line(const struct record_log_line *line)
{
	size_t head = offsetof(struct record_log_line, text);

	return line->record.id != 0 && line->length > 0 && line->length <= LOG_LINE_MAX &&
	       line->record.length == ((head + line->length + 7) & ~(size_t)7) &&
	       line->sequence < LOG_LINES_MAX;
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
	case RECORD_UPLINK:
		return record->record.id != 0 && record->record.id <= NODE_INTERFACE_MAX &&
		       ends(record->uplink.name, sizeof(record->uplink.name));
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
		       record->site_traffic.counter.number == record->record.id &&
		       record->site_traffic.age_ms < SITE_AGE_MAX_MS;
	case RECORD_SAMPLE:
		return record->record.id != 0 && is_reason(record->sample.reason) &&
		       record->sample.captured <= SAMPLE_BYTES &&
		       record->sample.captured <= record->sample.length;
	case RECORD_SITE_TOP:
		return is_top(&record->site_top);
	case RECORD_SIGHTED:
	case RECORD_SITE_SIGHTED:
		return is_sighted(&record->sighted);
	case RECORD_VISITORS:
		return is_visitors(&record->visitors);
	case RECORD_LOG_LINE:
		return is_line(&record->log_line);
	case RECORD_LOG_USED:
	case RECORD_LOG_DONE:
		return record->record.id != 0;
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
	if (!is_length(&head) || head.length > size - offset)
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
