/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of records that say how instances are protected: the instance's own, its policy, captures.
 */
#include <assert.h>
#include <stdlib.h>

#include "control/engine/publish_records.h"
#include "control/model/burst.h"
#include "control/model/country.h"
#include "control/model/lifecycle.h"
#include "control/store/policy.h"
#include "control/store/query.h"

/* ---- instances, with their protection: no row of it means the defaults */

const char instance_select[] =
	"SELECT i.number, i.expire_ms, i.vip, i.clean_bandwidth_mbps, p.modes, p.auto_block,"
	" p.strictness, p.real_limit_mbps, p.syn_threshold, p.unproven_max, p.packets_max,"
	" p.blackhole_until_ms, q.diverted, i.qps, i.burst_bandwidth_mbps, i.burst_qps"
	" FROM instance i"
	" LEFT JOIN protection p ON p.instance_number = i.number"
	" LEFT JOIN policy q ON q.instance_number = i.number";

static enum err read_protection(
	struct draft *draft, const struct cursor *cursor, struct protection *out)
{
	const char *modes;

	*out = protection_default(db_int(cursor, 0));
	if (db_is_null(cursor, 4))
		return OK;
	modes = db_text(cursor, 4, draft->mem);
	if (!modes)
		return ERR_MEMORY;
	protection_modes_parse(modes, out);
	out->auto_block = db_int(cursor, 5) != 0;
	out->strictness = (enum strictness)db_int(cursor, 6);
	out->real_limit_mbps = db_int(cursor, 7);
	out->syn_threshold = db_int(cursor, 8);
	out->unproven_max = db_int(cursor, 9);
	out->packets_max = db_int(cursor, 10);
	out->blackhole_until_ms = db_int(cursor, 11);
	return OK;
}

static void fill_protection(struct record_instance *record, const struct protection *protection,
	const struct plan *plan, bool diverted)
{
	protection_masks(protection, &record->mitigation_block, &record->mitigation_watch);
	/* Diversion is an order of its own: it holds whatever the mode of the instance's own regions is. */
	if (diverted) {
		record->mitigation_block |= MITIGATION_BIT(region);
		record->mitigation_watch &= ~MITIGATION_BIT(region);
	}
	record->blackhole_until_ms = protection->blackhole_until_ms;
	record->bytes_max = protection_bytes_max(protection, plan);
	record->packets_max = (uint32_t)protection->packets_max;
	record->unproven_max = (uint32_t)protection->unproven_max;
	record->syn_threshold = protection->syn_threshold == SYN_THRESHOLD_UNSET
					? SYN_THRESHOLD_DEFAULT
					: (uint32_t)protection->syn_threshold;
}

enum err add_instance(struct draft *draft, const struct cursor *cursor)
{
	/* What of it nodes enforce. */
	const struct plan plan = { .clean_bandwidth_mbps = db_int(cursor, 3),
		.qps = db_int(cursor, 13),
		.burst_bandwidth_mbps = db_int(cursor, 14),
		.burst_qps = db_int(cursor, 15) };
	int64_t expire_ms = db_int(cursor, 1);
	struct protection protection;
	struct record_instance *record =
		draft_take(draft, RECORD_INSTANCE, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	TRY(read_protection(draft, cursor, &protection));
	fill_protection(record, &protection, &plan, db_int(cursor, 12) != 0);
	record->mitigation_until_ms = lifecycle_mitigation_until(expire_ms);
	record->forward_until_ms = lifecycle_forward_until(expire_ms);
	record->requests_max = (uint32_t)burst_qps_max(&plan);
	record->vip_count = 1;
	address_column(cursor, 2, record->vip[0].byte);
	return OK;
}

/* ---- policies: one row per pattern, and one for a policy without any */

const char policy_select[] =
	"SELECT p.instance_number, p.region_on, p.countries, p.reflection, p.diverted, t.protocol,"
	" t.port, t.byte_offset, t.value, t.mask, p.provinces, m.modes FROM policy p"
	" LEFT JOIN policy_pattern t ON t.instance_number = p.instance_number"
	" LEFT JOIN protection m ON m.instance_number = p.instance_number";

static void set_reflection(const char *ports, struct record_policy *record)
{
	char *end;

	for (const char *at = ports; *at && record->reflection_count < REFLECTION_MAX; at = end) {
		unsigned long port = strtoul(at, &end, 10);

		if (end == at)
			return;
		record->reflection[record->reflection_count++] = (uint16_t)port;
	}
}

/* Countries of the instance's own that are only watched, or not at all, must not be blocked with a diversion. */
static enum err own_regions_count(struct draft *draft, const struct cursor *cursor, bool *out)
{
	struct protection protection = protection_default(db_int(cursor, 0));
	const char *modes = db_is_null(cursor, 11) ? "" : db_text(cursor, 11, draft->mem);

	if (!modes)
		return ERR_MEMORY;
	protection_modes_parse(modes, &protection);
	*out = db_int(cursor, 1) &&
	       (!db_int(cursor, 4) ||
		       protection_mode(&protection, MITIGATION_region) == MITIGATION_BLOCK);
	return OK;
}

static enum err fill_policy(
	struct draft *draft, const struct cursor *cursor, struct record_policy *record)
{
	const char *codes = db_text(cursor, 2, draft->mem);
	const char *ports = db_text(cursor, 3, draft->mem);
	const char *provinces = db_text(cursor, 10, draft->mem);

	bool own;

	if (!codes || !ports || !provinces)
		return ERR_MEMORY;
	TRY(own_regions_count(draft, cursor, &own));
	if (own) {
		countries_to_bits(codes, record->region);
		provinces_to_bits(provinces, record->region);
	}
	if (db_int(cursor, 4))
		countries_abroad(record->region);
	set_reflection(ports, record);
	return OK;
}

static enum err add_pattern(
	struct draft *draft, const struct cursor *cursor, struct record_policy *record)
{
	if (db_is_null(cursor, 5))
		return OK;
	if (record->pattern_count == PATTERN_MAX ||
		draft->size - draft->used < sizeof(struct record_pattern))
		return draft_full();

	struct record_pattern *pattern = &record->pattern[record->pattern_count++];

	pattern->protocol = (uint8_t)db_int(cursor, 5);
	pattern->port = (uint16_t)db_int(cursor, 6);
	pattern->offset = (uint16_t)db_int(cursor, 7);
	pattern->length = (uint8_t)db_bytes(cursor, 8, pattern->value, sizeof(pattern->value));
	(void)db_bytes(cursor, 9, pattern->mask, sizeof(pattern->mask));
	for (size_t i = 0; i < PATTERN_BYTES_MAX; i++)
		pattern->value[i] &= pattern->mask[i];
	record->record.length = (uint16_t)POLICY_BYTES(record->pattern_count);
	draft->used += sizeof(*pattern);
	return OK;
}

enum err add_policy(struct draft *draft, const struct cursor *cursor)
{
	struct record_policy *record = (void *)draft->last;

	if (!record || record->record.type != RECORD_POLICY ||
		record->record.id != (uint32_t)db_int(cursor, 0)) {
		record = draft_take(draft, RECORD_POLICY, db_int(cursor, 0), sizeof(*record));
		if (!record)
			return draft_full();
		TRY(fill_policy(draft, cursor, record));
	}
	return add_pattern(draft, cursor, record);
}

/* ---- captures */

enum err add_capture(struct draft *draft, const struct cursor *cursor)
{
	struct record_capture *record =
		draft_take(draft, RECORD_CAPTURE, db_int(cursor, 0), sizeof(*record));

	if (!record)
		return draft_full();
	record->instance = (uint32_t)db_int(cursor, 1);
	record->reasons = (uint64_t)db_int(cursor, 2);
	record->count = (uint32_t)db_int(cursor, 3);
	record->until_ms = db_int(cursor, 4);
	return OK;
}
