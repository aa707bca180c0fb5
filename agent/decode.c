/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot is refused whole when any part of it is not of the stated form: applying half of one
 * would leave the node in a state that nobody described. Every length is compared with what is left
 * before anything behind it is read; lengths are multiples of 8, so all records stay aligned.
 */
#include "agent/decode.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/site.h"

/* A hundred years: in nanoseconds it still fits beside the time of day. */
#define OFFSET_MAX_MS  (INT64_C(100) * 366 * 86400 * 1000)

#define MITIGATION_ALL ((1u << MITIGATION_COUNT) - 1)
static_assert(MITIGATION_COUNT < 32, "the mask of all is made by a shift");

static const char *check_remove(const struct record *record)
{
	const struct record_remove *remove = (const void *)record;

	if (record->length != sizeof(*remove))
		return "removal of a wrong length";
	if (remove->removed_type < RECORD_INSTANCE || remove->removed_type > RECORD_LOG_QUERY)
		return "removal of an unknown type";
	return NULL;
}

static const char *check_instance(const struct record *record)
{
	const struct record_instance *instance = (const void *)record;

	if (record->length != sizeof(*instance))
		return "instance of a wrong length";
	if (instance->vip_count > INSTANCE_VIP_MAX)
		return "instance with too many addresses";
	if (instance->mitigation_block & instance->mitigation_watch)
		return "instance with a mitigation in two modes";
	if ((instance->mitigation_block | instance->mitigation_watch) & ~MITIGATION_ALL)
		return "instance with an unknown mitigation";
	return NULL;
}

static const char *check_service(const struct record *record)
{
	const struct record_service *service = (const void *)record;

	if (record->length < sizeof(*service))
		return "service of a wrong length";
	if (service->origin_count > ORIGIN_MAX)
		return "service with too many origins";
	if (record->length !=
		sizeof(*service) + service->origin_count * sizeof(struct record_origin))
		return "service whose length is not that of its origins";
	if (service->instance == 0 || service->port == 0)
		return "service without instance or port";
	if (service->protocol != IPPROTO_TCP && service->protocol != IPPROTO_UDP)
		return "service of an unknown protocol";
	if (service->persistence_seconds != 0 &&
		(service->persistence_seconds < PERSISTENCE_SECONDS_MIN ||
			service->persistence_seconds > PERSISTENCE_SECONDS_MAX))
		return "service with an impossible time of persistence";
	if (service->payload_min > service->payload_max)
		return "service that takes no payload";
	if (service->syn_mode > SYN_NEVER || service->client_address >= CLIENT_ADDRESS_COUNT ||
		service->form > FORM_COUNT)
		return "service with an unknown mode or form";
	if (service->flags & ~(SERVICE_NO_EMPTY | SERVICE_CHALLENGE))
		return "service with unknown flags";
	for (unsigned i = 0; i < service->origin_count; i++) {
		if (service->origin[i].port == 0 || service->origin[i].weight > 100)
			return "origin without port or with a weight over 100";
	}
	return NULL;
}

static const char *check_list(const struct record *record)
{
	const struct record_list *list = (const void *)record;

	if (record->length != sizeof(*list))
		return "list entry of a wrong length";
	if (list->instance == 0)
		return "list entry without instance";
	if (list->kind != LIST_ALLOW && list->kind != LIST_BLOCK)
		return "list entry of an unknown kind";
	if (list->prefix_bits > 128 || !prefix_is_clean(&list->source, list->prefix_bits))
		return "list entry with a bad prefix";
	return NULL;
}

static const char *check_policy(const struct record *record)
{
	const struct record_policy *policy = (const void *)record;

	if (record->length < sizeof(*policy))
		return "policy of a wrong length";
	if (policy->reflection_count > REFLECTION_MAX || policy->pattern_count > PATTERN_MAX)
		return "policy with too many ports or patterns";
	if (record->length !=
		sizeof(*policy) + policy->pattern_count * sizeof(struct record_pattern))
		return "policy whose length is not that of its patterns";
	for (unsigned i = 0; i < policy->pattern_count; i++) {
		const struct record_pattern *pattern = &policy->pattern[i];

		if (pattern->protocol != 0 && pattern->protocol != IPPROTO_TCP &&
			pattern->protocol != IPPROTO_UDP)
			return "pattern of an unknown protocol";
		if (pattern->length == 0 || pattern->length > PATTERN_BYTES_MAX ||
			pattern->offset > PATTERN_OFFSET_MAX)
			return "pattern that is empty, too long or too far in";
	}
	return NULL;
}

/* Goes into a request as it is: printable, without blanks, ended by NUL, and nothing behind. */
static bool is_token(const char *text, size_t size, size_t length_max)
{
	size_t length = strnlen(text, size);

	if (length > length_max)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	for (size_t i = length; i < size; i++) {
		if (text[i] != '\0')
			return false;
	}
	return true;
}

static const char *check_health(const struct record *record)
{
	const struct record_health *health = (const void *)record;

	if (record->length != sizeof(*health))
		return "health check of a wrong length";
	if (health->kind < HEALTH_TCP || health->kind > HEALTH_UDP)
		return "health check of an unknown kind";
	if (health->timeout_seconds == 0 || health->timeout_seconds > HEALTH_SECONDS_MAX ||
		health->interval_seconds == 0 || health->interval_seconds > HEALTH_SECONDS_MAX)
		return "health check with an impossible time";
	if (health->up == 0 || health->up > HEALTH_COUNT_MAX || health->down == 0 ||
		health->down > HEALTH_COUNT_MAX)
		return "health check with an impossible count";
	if (!is_token(health->domain, sizeof(health->domain), HEALTH_DOMAIN_MAX))
		return "health check with a bad domain";
	if (!is_token(health->path, sizeof(health->path), HEALTH_PATH_MAX) ||
		(health->path[0] != '\0' && health->path[0] != '/'))
		return "health check with a bad path";
	return NULL;
}

static const char *check_site(const struct record *record)
{
	const struct site *site = (const void *)((const struct record_site *)record)->site;
	size_t length = record->length - sizeof(*record);
	const char *why;

	if (length < sizeof(*site) || length != site->length)
		return "site of a wrong length";
	why = site_check(site, length);
	if (why)
		return why;
	return record->id == site->number ? NULL : "site of another number";
}

static const char *check_rules(const struct record *record)
{
	const struct site *site = (const void *)((const struct record_rules *)record)->site;

	if (record->id != RULES_ID)
		return "rules of another number";
	return site_check_rules(site, record->length - sizeof(*record));
}

static const char *check_certificate(const struct record *record)
{
	const struct certificate *certificate =
		(const void *)((const struct record_certificate *)record)->certificate;
	size_t length = record->length - sizeof(*record);
	uint64_t parts = sizeof(*certificate);
	const char *why;

	if (length < sizeof(*certificate))
		return "certificate of a wrong length";
	parts += (uint64_t)certificate->chain_length + certificate->key_length;
	/* The key ends where it ends; the record at the next multiple of 8. */
	if (parts > length || length - parts >= 8)
		return "certificate whose length is not that of its parts";
	why = certificate_check(certificate, (size_t)parts);
	if (why)
		return why;
	return record->id == certificate->number ? NULL : "certificate of another number";
}

static const char *check_log_store(const struct record *record)
{
	const struct record_log_store *store = (const void *)record;

	if (record->length != sizeof(*store))
		return "log store of a wrong length";
	return store->days == 0 ? "log store that keeps nothing" : NULL;
}

static const char *check_log_query(const struct record *record)
{
	const struct record_log_query *query = (const void *)record;

	if (record->length != sizeof(*query))
		return "query of a wrong length";
	if (query->site == 0 || query->lines == 0 || query->lines > LOG_LINES_MAX)
		return "query without a site or for an impossible number of lines";
	if (query->source_bits > 128 || query->path_length > LOG_PATH_MAX)
		return "query with a bad source or path";
	return NULL;
}

static const char *check_record(const struct record *record)
{
	if (record->id == 0)
		return "record without a number";
	switch (record->type) {
	case RECORD_REMOVE:
		return check_remove(record);
	case RECORD_INSTANCE:
		return check_instance(record);
	case RECORD_SERVICE:
		return check_service(record);
	case RECORD_LIST:
		return check_list(record);
	case RECORD_POLICY:
		return check_policy(record);
	case RECORD_HEALTH:
		return check_health(record);
	case RECORD_CAPTURE:
		return record->length == sizeof(struct record_capture)
			       ? NULL
			       : "capture of a wrong length";
	case RECORD_SITE:
		return check_site(record);
	case RECORD_RULES:
		return check_rules(record);
	case RECORD_CERTIFICATE:
		return check_certificate(record);
	case RECORD_LOG_STORE:
		return check_log_store(record);
	case RECORD_LOG_QUERY:
		return check_log_query(record);
	default:
		return "record of an unknown type";
	}
}

static const char *check_header(const struct snapshot_header *header, size_t size)
{
	if (header->magic != SNAPSHOT_MAGIC)
		return "not a snapshot";
	if (header->version != SNAPSHOT_VERSION)
		return "snapshot of another version";
	if (header->flags & (uint16_t)~SNAPSHOT_FULL)
		return "snapshot with unknown flags";
	if (header->byte_count != size - sizeof(*header))
		return "snapshot cut short or with something behind it";
	if (header->byte_count > SNAPSHOT_BYTES_MAX)
		return "snapshot over the limit";
	if (header->life_offset_ms > OFFSET_MAX_MS || header->life_offset_ms < -OFFSET_MAX_MS)
		return "snapshot with an impossible clock offset";
	if (!(header->flags & SNAPSHOT_FULL) && header->generation < header->base_generation)
		return "difference that goes back";
	return NULL;
}

static const char *check_records(const struct snapshot *snapshot)
{
	size_t size = snapshot->header.byte_count;
	uint32_t count = 0;
	bool removals_over = false;

	for (size_t offset = 0; offset < size; count++) {
		const struct record *record = (const void *)(snapshot->record + offset);
		const char *why;

		if (size - offset < sizeof(*record))
			return "record cut short";
		if (record->length < sizeof(*record) || record->length % 8 != 0 ||
			record->length > size - offset)
			return "record with an impossible length";
		why = check_record(record);
		if (why)
			return why;
		if (record->type == RECORD_REMOVE && removals_over)
			return "removal behind other records";
		removals_over |= record->type != RECORD_REMOVE;
		offset += record->length;
	}
	if (count != snapshot->header.record_count)
		return "number of records is not the stated one";
	return NULL;
}

bool prefix_is_clean(const struct address *address, unsigned bits)
{
	unsigned byte = bits / 8;

	assert(bits <= 128);
	if (bits % 8 != 0 && (address->byte[byte++] & (0xffu >> (bits % 8))) != 0)
		return false;
	for (; byte < sizeof(address->byte); byte++) {
		if (address->byte[byte] != 0)
			return false;
	}
	return true;
}

enum err snapshot_decode(const void *data, size_t size, struct snapshot *out, const char **why)
{
	struct snapshot snapshot;

	assert((uintptr_t)data % 8 == 0);
	if (size < sizeof(snapshot.header)) {
		*why = "shorter than its header";
		return ERR_FORMAT;
	}
	memcpy(&snapshot.header, data, sizeof(snapshot.header));
	snapshot.record = (const uint8_t *)data + sizeof(snapshot.header);
	*why = check_header(&snapshot.header, size);
	if (!*why)
		*why = check_records(&snapshot);
	if (*why)
		return ERR_FORMAT;
	*out = snapshot;
	return OK;
}

const struct record *snapshot_next(const struct snapshot *snapshot, size_t *offset)
{
	const struct record *record = (const void *)(snapshot->record + *offset);

	if (*offset >= snapshot->header.byte_count)
		return NULL;
	*offset += record->length;
	return record;
}
