/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the publisher's two files share: publisher.c, which knows what is, and plan.c, which finds out what should be.
 */
#ifndef CONTROL_DNS_PUBLISHER_INNER_H
#define CONTROL_DNS_PUBLISHER_INNER_H

#include "control/dns/known.h"
#include "control/dns/names.h"
#include "control/dns/publisher.h"
#include "control/store/name.h"

enum stage {
	STAGE_READ,
	STAGE_WALK,
	STAGE_WALK_SITES,
	STAGE_WALK_RULES,
	STAGE_SWEEP,
	STAGE_STEADY
};

/* How far the store has been looked through. */
struct position {
	enum stage stage;
	int64_t generation; /* of the change log */
	int64_t walked; /* WALK: number of the last instance; WALK_SITES, WALK_RULES: of the last site, rule */
	int64_t span_low, span_high; /* presents since the last range was drawn */
	bool ranging;		     /* a range of expiry times is being worked through: */
	int64_t range_ms, range_number, range_end_ms;
	bool ranging_sites; /* and those of sites */
	struct name_site_due range_site;
};

struct publisher {
	const struct dns_driver *driver;
	struct dns_place place;
	int64_t ttl_s;
	struct known *known;
	struct position position;
	uint64_t boot, commits;	  /* make each mark a new one */
	char mark[DNS_TEXT_SIZE]; /* as the server gives it back; "": none was seen or written */
	int64_t check_ms, retry_ms, wait_ms; /* monotonic: next check, next try; and its back-off */
	bool marked; /* the zone carries a mark of ours: it can be told from another */
	bool away;
	char why[DNS_WHY_SIZE];
};

/* What one tick changes in the zone. */
struct edit {
	char label[INSTANCE_ID_SIZE];
	struct names_answer answer; /* count 0: remove */
	uint64_t digest;
};
struct plan_of_tick {
	struct publisher *publisher;
	struct db *db;
	struct arena *mem;
	int64_t now_ms;
	struct position next;
	struct edit *edit;
	size_t edits, looked; /* each at most NAMES_BATCH */
	bool more;
};

/* Fills the plan from the store, whose reading transaction is open, as far as its stage and its room allow. */
enum err plan_look(struct plan_of_tick *plan) MUST_USE;

#endif
