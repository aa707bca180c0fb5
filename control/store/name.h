/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the publisher of names asks the store, in the caller's transaction. All lists are bounded by
 * limit and go on from a position, so that one question stays short however large the store is.
 */
#ifndef CONTROL_STORE_NAME_H
#define CONTROL_STORE_NAME_H

#include "control/store/scheduler.h"
#include "control/store/website.h"

/* The change log: what has a name and changed after a generation, in its order. */
enum name_owner {
	NAME_INSTANCE,
	NAME_SITE,
	NAME_RULE /* a scheduling rule */
};
struct name_change {
	enum name_owner owner;
	int64_t number; /* may repeat */
};
struct name_changes {
	size_t count;
	struct name_change *change;
	int64_t generation; /* go on after this one */
	bool gap; /* the log no longer reaches back, or is another one: look at everything */
	bool more;
};
enum err name_changed(struct db *db, struct arena *mem, int64_t generation, size_t limit,
	struct name_changes *out) MUST_USE;
/* By number, ascending, after a number. */
enum err name_instances(struct db *db, struct arena *mem, int64_t after_number, size_t limit,
	struct instance **out, size_t *count) MUST_USE;
/* By (expire_ms, number), ascending, after such a pair and up to expire_ms = until_ms. */
enum err name_expiring(struct db *db, struct arena *mem, int64_t after_ms, int64_t after_number,
	int64_t until_ms, size_t limit, struct instance **out, size_t *count) MUST_USE;
/* One instance: ERR_INSTANCE_NOT_FOUND. */
enum err name_instance(
	struct db *db, struct arena *mem, int64_t number, struct instance *out) MUST_USE;
/* The id that a released instance had: ERR_NOT_FOUND when none had that number. */
enum err name_released(struct db *db, int64_t number, char out[INSTANCE_ID_SIZE]) MUST_USE;
/* Distinct origins of its port rules, by port, protocol and place in the rule; at most limit. */
enum err name_origins(struct db *db, struct arena *mem, int64_t number, size_t limit,
	uint8_t (**out)[16], size_t *count) MUST_USE;

/* ---- web sites */

/* Numbers, ascending, after a number. */
enum err name_sites(struct db *db, struct arena *mem, int64_t after_number, size_t limit,
	int64_t **out, size_t *count) MUST_USE;
/* By (expire_ms, number) as above, where expire_ms is an instance's and number a site's of it. */
struct name_site_due {
	int64_t expire_ms, number;
};
enum err name_sites_expiring(struct db *db, struct arena *mem, const struct name_site_due *after,
	int64_t until_ms, size_t limit, struct name_site_due **out, size_t *count) MUST_USE;
/* The site with its instances whole: ERR_WEBSITE_NOT_FOUND. */
enum err name_site(struct db *db, struct arena *mem, int64_t number, struct website *out,
	struct instance **instances) MUST_USE;
/* The label that a deleted site or scheduling rule had: ERR_NOT_FOUND when none had that number, or it is long ago. */
enum err name_gone(
	struct db *db, enum name_owner owner, int64_t number, char out[CNAME_SIZE]) MUST_USE;

#endif
