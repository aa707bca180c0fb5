/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What protects a web site, from the store into its record.
 */
#ifndef CONTROL_ENGINE_SITE_POLICY_H
#define CONTROL_ENGINE_SITE_POLICY_H

#include "base/site.h"
#include "control/store/website.h"

/* Of the 64 KiB of a site: what its rules and steps may take. Lists take 9,600 bytes more, cache rules 3,200; the
 * rest is enough for the most origins, ports and headers. */
#define SITE_RULES_BYTES_MAX 40000

/* Adds to the site that is being built: flags SITE_LOG and SITE_BYPASS, mode, region, pace, cache, prefixes, rules,
 * steps, caches. The builder has a head. Rules that find no room are left out, which is logged; the shipped ones come
 * first, then those that were asked for, then those made by themselves. */
enum err site_policy_build(
	struct db *db, const struct website *website, struct site_builder *builder) MUST_USE;
/* Whether all rules that were asked for find room, with all switches on: for actions, before they commit. */
enum err site_policy_fits(
	struct db *db, struct arena *mem, const struct website *website, bool *out) MUST_USE;

#endif
