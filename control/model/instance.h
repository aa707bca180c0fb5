/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instance: what was bought, until when, and what it is called. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_INSTANCE_H
#define CONTROL_MODEL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "shared/limits.h"

#define INSTANCE_ID_SIZE	 32    /* "ddoscoo-cn-" + 11 of [a-z0-9], or "ddosDip-sg-" + 11 */
#define REMARK_BYTES_MAX	 1500  /* 500 characters, UTF-8 */
#define CLEAN_BANDWIDTH_MBPS_MAX 10000 /* that is sold; with a burst, too */

enum product {
	PRODUCT_DDOSCOO,
	PRODUCT_DDOSCOO_INTL,
	PRODUCT_DDOSDIP,
	PRODUCT_COUNT
};
enum renewal {
	RENEWAL_MANUAL,
	RENEWAL_AUTO,
	RENEWAL_NOT,
	RENEWAL_COUNT
};

/* What the plan grants. Units as published. */
struct plan {
	int64_t base_bandwidth_gbps;
	int64_t elastic_bandwidth_gbps;
	int64_t clean_bandwidth_mbps; /* ServiceBandwidth (Pro), NormalBandwidth (Premium) */
	int64_t qps;
	int64_t ports;
	int64_t domains;
	int64_t function_version; /* 0 standard, 1 enhanced */
	int64_t product_plan;	  /* Premium: 0 Insurance, 1 Unlimited, 2 CMA, 3 Sec-CMA */
	int64_t burst_mode;    /* 95BurstBandwidthMode: enum metering, until burst_mode_next_ms */
	int64_t defense_count; /* Premium sessions a month; -1 unlimited */
	/* Beyond the plan: burst.h says what is in force. */
	int64_t burst_bandwidth_mbps; /* above the clean bandwidth; 0: no burst */
	int64_t burst_mode_next;      /* enum metering */
	int64_t burst_mode_next_ms; /* machine time from which it is in force; 0: none was chosen */
	int64_t burst_qps;	    /* requests a second above the plan's; 0: no burst */
	int64_t burst_qps_mode;	    /* enum metering */
};

struct instance {
	int64_t number; /* the nodes' id: 1.. , never reused, fits 32 bits */
	char id[INSTANCE_ID_SIZE];
	int64_t account;
	enum product product;
	int64_t edition; /* 9 Pro; 0..3 Premium */
	bool ipv6;
	uint8_t vip[16];
	int64_t create_ms;
	int64_t expire_ms;	     /* life-cycle time */
	int64_t deadline_generation; /* generation of the last change of expire_ms */
	/* In force at nodes that have not confirmed that generation; 0 when new. */
	int64_t previous_forward_until_ms;
	enum renewal renewal;
	int64_t renewal_months;
	/* SwitchBack=origin: names answer the origin once forwarding stops. */
	bool switch_back_origin;
	const char *remark;	    /* in the arena it was loaded with; never NULL */
	const char *resource_group; /* never NULL; "" is the default group */
	struct plan plan;
};

const char *product_name(enum product product); /* "ddoscoo", ... */
bool product_from_name(const char *name, enum product *out);
const char *renewal_name(enum renewal renewal); /* "ManualRenewal", "AutoRenewal", "NotRenewal" */
bool renewal_from_name(const char *name, enum renewal *out);

/* Second-level domains that the plan's domains may lie below (SiteLimit): published plans grant one per ten. */
int64_t plan_sites(const struct plan *plan);
/* Gbit/s of protection that are sold, ascending; 0 ends them. */
const int64_t *plan_protection_sizes(void);
/* Defaults of a new plan per product. */
struct plan plan_default(enum product product);
/*
 * Applies one order or resize parameter ("PortCount", "50") to plan. ERR_INVALID_PARAMETER with a
 * sentence in why: unknown value or out of the published range. A code that does not shape the plan
 * (ServicePartner, Edition, AddressType ...) is OK and changes nothing.
 */
enum err plan_set(struct plan *plan, enum product product, const char *code, const char *value,
	char why[256]) MUST_USE;

/* Fills out with prefix ("ddoscoo-cn-") and 11 characters from 16 random bytes. */
void instance_id_make(enum product product, const uint8_t random[16], char out[INSTANCE_ID_SIZE]);
bool instance_id_valid(const char *id);

#endif
