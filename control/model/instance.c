/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names, ids and plans. What an order may ask for is a table: one row per code that shapes the
 * plan, with its published range. Codes without a row are accepted and ignored, because orders also
 * carry what concerns the cloud's own shop (ServicePartner, Edition, AddressType).
 *
 * Subtle: elastic bandwidth is never below base bandwidth. Parameters come in any order, so a
 * larger base pulls the elastic value up, and a smaller elastic value is refused.
 */
#include "control/model/instance.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const product_names[PRODUCT_COUNT] = {
	[PRODUCT_DDOSCOO] = "ddoscoo",
	[PRODUCT_DDOSCOO_INTL] = "ddoscoo_intl",
	[PRODUCT_DDOSDIP] = "ddosDip",
};

static const char *const renewal_names[RENEWAL_COUNT] = {
	[RENEWAL_MANUAL] = "ManualRenewal",
	[RENEWAL_AUTO] = "AutoRenewal",
	[RENEWAL_NOT] = "NotRenewal",
};

static const char *const id_prefixes[PRODUCT_COUNT] = {
	[PRODUCT_DDOSCOO] = "ddoscoo-cn-",
	[PRODUCT_DDOSCOO_INTL] = "ddoscoo-cn-",
	[PRODUCT_DDOSDIP] = "ddosDip-sg-",
};
#define ID_RANDOM_LENGTH 11 /* published examples have 9 to 11; 36^11 makes a clash improbable */

static const char id_alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Published sizes of base protection, Gbit/s. */
static const int64_t bandwidth_sizes[] = { 30, 60, 100, 300, 400, 500, 600, 0 };

struct range {
	int64_t min, max, step;
};
struct plan_row {
	const char *code;
	size_t offset;
	const int64_t *sizes; /* ends with 0; NULL: range */
	struct range pro, premium;
};

#define PLAN(code_, member, ...)                                                                   \
	{                                                                                          \
		.code = code_, .offset = offsetof(struct plan, member), __VA_ARGS__                \
	}
#define BOTH(...) .pro = { __VA_ARGS__ }, .premium = { __VA_ARGS__ }

static const struct plan_row plan_rows[] = {
	PLAN("PortCount", ports, .pro = { 50, 400, 5 }, .premium = { 5, 400, 5 }),
	PLAN("DomainCount", domains, .pro = { 50, 200, 5 }, .premium = { 10, 200, 5 }),
	PLAN("BaseBandwidth", base_bandwidth_gbps, .sizes = bandwidth_sizes),
	PLAN("Bandwidth", elastic_bandwidth_gbps, .sizes = bandwidth_sizes),
	PLAN("ServiceBandwidth", clean_bandwidth_mbps, BOTH(100, CLEAN_BANDWIDTH_MBPS_MAX, 50)),
	PLAN("NormalBandwidth", clean_bandwidth_mbps, BOTH(100, CLEAN_BANDWIDTH_MBPS_MAX, 50)),
	PLAN("NormalQps", qps, BOTH(500, 1000000, 1)),
	PLAN("FunctionVersion", function_version, BOTH(0, 1, 1)),
	PLAN("ProductPlan", product_plan, BOTH(0, 3, 1)),
	PLAN("95BurstBandwidthMode", burst_mode, BOTH(0, 2, 1)),
};

const char *product_name(enum product product)
{
	assert(product < PRODUCT_COUNT);
	return product_names[product];
}

bool product_from_name(const char *name, enum product *out)
{
	for (int i = 0; i < PRODUCT_COUNT; i++) {
		if (strcmp(product_names[i], name) != 0)
			continue;
		*out = (enum product)i;
		return true;
	}
	return false;
}

const char *renewal_name(enum renewal renewal)
{
	assert(renewal < RENEWAL_COUNT);
	return renewal_names[renewal];
}

bool renewal_from_name(const char *name, enum renewal *out)
{
	for (int i = 0; i < RENEWAL_COUNT; i++) {
		if (strcmp(renewal_names[i], name) != 0)
			continue;
		*out = (enum renewal)i;
		return true;
	}
	return false;
}

const int64_t *plan_protection_sizes(void)
{
	return bandwidth_sizes;
}

int64_t plan_sites(const struct plan *plan)
{
	return (plan->domains + 9) / 10;
}

struct plan plan_default(enum product product)
{
	bool premium = product == PRODUCT_DDOSDIP;

	return (struct plan){
		.base_bandwidth_gbps = 30,
		.elastic_bandwidth_gbps = 30,
		.clean_bandwidth_mbps = 100,
		.qps = premium ? 500 : 3000,
		.ports = premium ? 5 : 50,
		.domains = premium ? 10 : 50,
		.defense_count = premium ? 2 : -1, /* Insurance: two sessions a month */
	};
}

static enum err check_size(const struct plan_row *row, int64_t number, char why[256])
{
	for (const int64_t *size = row->sizes; *size != 0; size++)
		if (*size == number)
			return OK;
	(void)snprintf(why, 256, "%s must be one of 30, 60, 100, 300, 400, 500, 600", row->code);
	return ERR_INVALID_PARAMETER;
}

static enum err check_range(
	const struct plan_row *row, const struct range *range, int64_t number, char why[256])
{
	if (number >= range->min && number <= range->max &&
		(number - range->min) % range->step == 0)
		return OK;
	if (range->step == 1)
		(void)snprintf(why, 256, "%s must be %lld..%lld", row->code, (long long)range->min,
			(long long)range->max);
	else
		(void)snprintf(why, 256, "%s must be %lld..%lld in steps of %lld", row->code,
			(long long)range->min, (long long)range->max, (long long)range->step);
	return ERR_INVALID_PARAMETER;
}

/* What one value means for the others. */
static enum err settle(
	struct plan *plan, enum product product, const struct plan_row *row, char why[256])
{
	if (row->offset == offsetof(struct plan, product_plan)) {
		/* Insurance has two sessions of mitigation a month; the other plans are
		 * unlimited. */
		plan->defense_count =
			product == PRODUCT_DDOSDIP && plan->product_plan == 0 ? 2 : -1;
		return OK;
	}
	if (plan->elastic_bandwidth_gbps >= plan->base_bandwidth_gbps)
		return OK;
	if (row->offset == offsetof(struct plan, base_bandwidth_gbps)) {
		plan->elastic_bandwidth_gbps = plan->base_bandwidth_gbps;
		return OK;
	}
	(void)snprintf(why, 256, "%s must not be below BaseBandwidth", row->code);
	return ERR_INVALID_PARAMETER;
}

enum err plan_set(
	struct plan *plan, enum product product, const char *code, const char *value, char why[256])
{
	const struct plan_row *row = NULL;
	int64_t number;

	for (size_t i = 0; i < sizeof(plan_rows) / sizeof(plan_rows[0]) && !row; i++)
		if (strcmp(plan_rows[i].code, code) == 0)
			row = &plan_rows[i];
	if (!row)
		return OK;
	if (!value || !text_to_int(value, &number)) {
		(void)snprintf(why, 256, "%s must be a number", code);
		return ERR_INVALID_PARAMETER;
	}
	if (row->sizes)
		TRY(check_size(row, number, why));
	else
		TRY(check_range(
			row, product == PRODUCT_DDOSDIP ? &row->premium : &row->pro, number, why));

	struct plan next = *plan;

	memcpy((char *)&next + row->offset, &number, sizeof(number));
	TRY(settle(&next, product, row, why));
	*plan = next;
	return OK;
}

void instance_id_make(enum product product, const uint8_t random[16], char out[INSTANCE_ID_SIZE])
{
	char tail[ID_RANDOM_LENGTH + 1];

	/* 16 bytes as one number modulo 36 per place would need big numbers; one byte per place
	 * has a bias below 1/7, which costs 0.1 bit of 57. */
	for (int i = 0; i < ID_RANDOM_LENGTH; i++)
		tail[i] = id_alphabet[random[i] % (sizeof(id_alphabet) - 1)];
	tail[ID_RANDOM_LENGTH] = '\0';
	(void)snprintf(out, INSTANCE_ID_SIZE, "%s%s", id_prefixes[product], tail);
}

bool instance_id_valid(const char *id)
{
	for (int i = 0; i < PRODUCT_COUNT; i++) {
		size_t length = strlen(id_prefixes[i]);

		if (strncmp(id, id_prefixes[i], length) != 0)
			continue;
		return strspn(id + length, id_alphabet) == ID_RANDOM_LENGTH &&
		       id[length + ID_RANDOM_LENGTH] == '\0';
	}
	return false;
}
