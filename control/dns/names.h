/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the names of instances, web sites and scheduling rules answer. Pure functions of what is in the store and of the present: the
 * publisher, the API and the tests ask the same ones. No I/O, no clock.
 */
#ifndef CONTROL_DNS_NAMES_H
#define CONTROL_DNS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/instance.h"
#include "control/model/scheduler.h"
#include "control/model/website.h"

/* 32 IPv6 addresses are 900 bytes: with the question they fit into one UDP answer of 1,232 bytes, the
 * size that passes everywhere. A client needs one that works, so further origins are left out. */
#define NAMES_ADDRESS_MAX 32
#define NAMES_ZONE_MAX	  200 /* with the longest label it stays below the 255 of RFC 1035 */
#define NAMES_SIZE	  (NAMES_ZONE_MAX + INSTANCE_ID_SIZE + 1)

/* Addresses of one name, none twice; those of an instance are of one IP version. count 0: the name does not exist. */
struct names_answer {
	bool ipv6; /* of an instance: its version */
	size_t count;
	uint8_t address[NAMES_ADDRESS_MAX][16];
	const char
		*target; /* instead of addresses, with count 1: another name; else NULL. Borrowed */
};

/* The instance's id in lower case: as unique as the id, and a valid host name (RFC 1123). */
void names_label(const char *id, char out[INSTANCE_ID_SIZE]);
/* Whether a label can be that of an instance; others in the zone are not ours to touch. */
bool names_label_valid(const char *label);
/* "label.zone", as a customer writes it after CNAME. */
void names_full(const char *id, const char *zone, char out[NAMES_SIZE]);
/* One or more labels of letters, digits and hyphens, at most NAMES_ZONE_MAX bytes, no dot at the end. */
bool names_zone_valid(const char *zone);

/*
 * The protected address while packets are forwarded; after that the origins, in the given order, if
 * the instance asks for it, else nothing. instance NULL: it was released. The origins of an instance
 * that forwards, or that does not ask for them, need not be given.
 */
void names_answer(const struct instance *instance, const uint8_t (*origin)[16], size_t origin_count,
	int64_t now_ms, struct names_answer *out);
/* Whether names_answer would look at the origins. */
bool names_need_origins(const struct instance *instance, int64_t now_ms);

/*
 * A web site's: the protected addresses of those of its instances that forward; when none does, its origins, if one of
 * the instances asks for it, else nothing. Where its access mode says so, its origins always.
 */
struct names_site {
	enum access_mode mode;
	const struct instance *instance;
	size_t instance_count;
	const uint8_t (*origin)[16]; /* none when they are named */
	size_t origin_count;
};
void names_site_answer(const struct names_site *site, int64_t now_ms, struct names_answer *out);

/* A scheduling rule's: what its state says. The target is borrowed from the rule. */
void names_rule_answer(const struct scheduler_rule *rule, struct names_answer *out);

/* A number that tells answers apart, whatever the order of their addresses; 0 for no address. It is
 * the sum of its records' digests. */
uint64_t names_digest(const struct names_answer *answer, int64_t ttl_s);
uint64_t names_record_digest(const uint8_t address[16], int64_t ttl_s);
/* Of a CNAME record; the target in lower case, a dot at its end does not matter. */
uint64_t names_target_digest(const char *target, int64_t ttl_s);

#endif
