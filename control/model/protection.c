/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modes of mitigations come from three places: what was chosen for this one, else what the automatic
 * block-list's switch says of it, else its row in mitigations.def.
 */
#include "control/model/protection.h"

#include <assert.h>
#include <string.h>

#include "control/model/burst.h"

static const struct {
	const char *name, *text;
	enum mitigation_mode mode;
} rows[MITIGATION_COUNT] = {
#define MITIGATION(name, mode, text) { #name, text, MITIGATION_##mode },
#include "shared/mitigations.def"
#undef MITIGATION
};

static const char *const mode_names[] = {
	[MITIGATION_OFF] = "off",
	[MITIGATION_WATCH] = "watch",
	[MITIGATION_BLOCK] = "block",
};
#define MODE_COUNT (sizeof(mode_names) / sizeof(mode_names[0]))

static const char *const strictness_names[STRICTNESS_COUNT] = {
	[STRICTNESS_LOOSE] = "loose",
	[STRICTNESS_NORMAL] = "normal",
	[STRICTNESS_STRICT] = "strict",
};

/* ---- names */

const char *mitigation_name(enum mitigation mitigation)
{
	assert(mitigation < MITIGATION_COUNT);
	return rows[mitigation].name;
}

const char *mitigation_text(enum mitigation mitigation)
{
	assert(mitigation < MITIGATION_COUNT);
	return rows[mitigation].text;
}

bool mitigation_from_name(const char *name, enum mitigation *out)
{
	for (unsigned i = 0; i < MITIGATION_COUNT; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		*out = (enum mitigation)i;
		return true;
	}
	return false;
}

const char *mitigation_mode_name(enum mitigation_mode mode)
{
	assert(mode < MODE_COUNT);
	return mode_names[mode];
}

bool mitigation_mode_from_name(const char *name, enum mitigation_mode *out)
{
	for (unsigned i = 0; i < MODE_COUNT; i++) {
		if (strcmp(mode_names[i], name) != 0)
			continue;
		*out = (enum mitigation_mode)i;
		return true;
	}
	return false;
}

const char *strictness_name(enum strictness strictness)
{
	assert(strictness < STRICTNESS_COUNT);
	return strictness_names[strictness];
}

bool strictness_from_name(const char *name, enum strictness *out)
{
	for (unsigned i = 0; i < STRICTNESS_COUNT; i++) {
		if (strcmp(strictness_names[i], name) != 0)
			continue;
		*out = (enum strictness)i;
		return true;
	}
	return false;
}

/* ---- what is in force */

struct protection protection_default(int64_t instance_number)
{
	struct protection protection = {
		.instance_number = instance_number,
		.auto_block = true,
		.strictness = STRICTNESS_NORMAL,
		.syn_threshold = SYN_THRESHOLD_UNSET,
	};

	memset(protection.mode, MITIGATION_UNSET, sizeof(protection.mode));
	return protection;
}

enum mitigation_mode protection_mode(
	const struct protection *protection, enum mitigation mitigation)
{
	if (protection->mode[mitigation] != MITIGATION_UNSET)
		return (enum mitigation_mode)protection->mode[mitigation];
	if (mitigation == MITIGATION_auto_block && !protection->auto_block)
		return MITIGATION_OFF;
	if (mitigation == MITIGATION_auto_block && protection->strictness == STRICTNESS_LOOSE)
		return MITIGATION_WATCH;
	return rows[mitigation].mode;
}

void protection_watch_all(struct protection *protection)
{
	for (size_t i = 0; i < MITIGATION_COUNT; i++)
		if (protection_mode(protection, (enum mitigation)i) == MITIGATION_BLOCK)
			protection->mode[i] = MITIGATION_WATCH;
}

void protection_masks(const struct protection *protection, uint32_t *block, uint32_t *watch)
{
	*block = *watch = 0;
	for (unsigned i = 0; i < MITIGATION_COUNT; i++) {
		enum mitigation_mode mode = protection_mode(protection, (enum mitigation)i);

		if (mode == MITIGATION_BLOCK)
			*block |= UINT32_C(1) << i;
		else if (mode == MITIGATION_WATCH)
			*watch |= UINT32_C(1) << i;
	}
}

#define BYTES_OF_MBPS UINT64_C(125000)
#define BYTES_OF_GBPS UINT64_C(125000000)

/* Who wants a burst wants no more than that: it is a ceiling of its own, above which a limit does not reach. */
uint64_t protection_bytes_max(const struct protection *protection, const struct plan *plan)
{
	int64_t mbps = protection->real_limit_mbps, most = burst_bandwidth_max(plan);
	bool chosen = protection->mode[MITIGATION_plan_bytes] != MITIGATION_UNSET;

	if ((mbps == 0 && chosen) || (plan->burst_bandwidth_mbps > 0 && (mbps == 0 || mbps > most)))
		mbps = most;
	return (uint64_t)mbps * BYTES_OF_MBPS;
}

uint64_t protection_ceiling(const struct plan *plan)
{
	return (uint64_t)plan->elastic_bandwidth_gbps * BYTES_OF_GBPS;
}

/* ---- for the store */

void protection_modes_format(const struct protection *protection, struct text *out)
{
	text_add(out, "");
	for (unsigned i = 0; i < MITIGATION_COUNT; i++)
		if (protection->mode[i] != MITIGATION_UNSET)
			text_print(out, "%s%s=%s", out->length ? " " : "", rows[i].name,
				mode_names[protection->mode[i]]);
}

#define NAME_MAX_BYTES 64

static void parse_word(const char *word, size_t length, struct protection *out)
{
	char name[NAME_MAX_BYTES];
	const char *equals = memchr(word, '=', length);
	enum mitigation_mode mode;
	enum mitigation mitigation;

	if (!equals || length >= sizeof(name))
		return;
	memcpy(name, word, length);
	name[length] = '\0';
	name[equals - word] = '\0';
	if (mitigation_from_name(name, &mitigation) &&
		mitigation_mode_from_name(name + (equals - word) + 1, &mode))
		out->mode[mitigation] = (uint8_t)mode;
}

void protection_modes_parse(const char *text, struct protection *out)
{
	while (*text) {
		size_t length = strcspn(text, " ");

		parse_word(text, length, out);
		text += length;
		text += strspn(text, " ");
	}
}
