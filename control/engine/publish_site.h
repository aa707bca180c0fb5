/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a site's record holds beside where it is served. Private to engine/publish_site*.c.
 */
#ifndef CONTROL_ENGINE_PUBLISH_SITE_H
#define CONTROL_ENGINE_PUBLISH_SITE_H

#include "base/site.h"
#include "control/store/website.h"

/* publish_site_policy.c: modes of checks, pace, lists, rules with their steps, caches. What does not fit leaves
 * builder->full. */
enum err site_policy_build(struct db *db, struct arena *mem, const struct website *website,
	struct site_builder *builder) MUST_USE;
/* Whether all rules that were asked for find room, with all switches on: for actions, before they commit. */
enum err site_policy_fits(
	struct db *db, struct arena *mem, const struct website *website, bool *out) MUST_USE;

#endif
